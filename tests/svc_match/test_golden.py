"""The core's rules as transcripts; `--rewrite` writes what the core says now, to be read before it is committed."""

from pathlib import Path

import pytest

from tests.svc_match.transcript import Desk

FOLDER = Path(__file__).parent / "golden"


@pytest.mark.parametrize("path", sorted(FOLDER.glob("*.txt")), ids=lambda path: path.stem)
def test_transcript(path: Path, request: pytest.FixtureRequest) -> None:
    """Each command has the outcome that the transcript tells."""
    desk = Desk()
    lines: list[str] = []
    for line in path.read_text("utf-8").splitlines():
        if line.startswith("--"):
            desk = Desk()
        if line.startswith(">"):
            lines += [line, *desk.say(line[1:])]
        elif not line or line.startswith(("#", "--")):
            lines.append(line)
    told = "\n".join(lines) + "\n"
    if request.config.getoption("--rewrite"):
        path.write_text(told, "utf-8")
    assert told == path.read_text("utf-8")
