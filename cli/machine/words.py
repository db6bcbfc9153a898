"""What a process said last in its log."""

from cli.machine.home import Home

LAST_WORDS_LINES = 5


def last_words(home: Home, process: str, lines: int = LAST_WORDS_LINES) -> str:
    """Where its log is, and the last lines of it."""
    path = home.log(process)
    said = path.read_text("utf-8", "replace").split("\n") if path.exists() else []
    return f"see {path}\n" + "\n".join(f"  {line}" for line in [line for line in said if line][-lines:])
