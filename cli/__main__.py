"""The entry point of `bourse`: finds the command that was named, and runs it."""

import ast
from importlib import import_module
from pathlib import Path

import click

FOLDER = Path(__file__).parent
INTERRUPTED = 130


class Commands(click.Group):
    """Every module of this package that says it is a command. One that is broken harms no other."""

    def invoke(self, ctx: click.Context) -> object:
        """Ctrl-C is no verdict: it has an exit code of its own."""
        try:
            return super().invoke(ctx)
        except KeyboardInterrupt:
            click.echo("Interrupted", err=True)
            ctx.exit(INTERRUPTED)

    def list_commands(self, _: click.Context) -> list[str]:
        return sorted(lines())

    def get_command(self, _: click.Context, cmd_name: str) -> click.Command | None:
        module = cmd_name.replace("-", "_")
        if cmd_name not in lines():
            return None
        command = getattr(import_module(f"cli.{module}"), module)
        assert isinstance(command, click.Command), f"cli.{module}.{module} is not a click command"
        return command

    def format_commands(self, _: click.Context, formatter: click.HelpFormatter) -> None:
        if found := lines():
            with formatter.section("Commands"):
                formatter.write_dl(sorted(found.items()))


def lines() -> dict[str, str]:
    """Each command and its line, read from the modules' docstrings without importing them."""
    found = {}
    for path in [*FOLDER.glob("*.py"), *FOLDER.glob("*/__init__.py")]:
        module = path.parent.name if path.name == "__init__.py" else path.stem
        name = module.replace("_", "-")
        first = docstring(path).partition("\n")[0]
        if path.parent != FOLDER.parent and first.startswith(f"`bourse {name}`: "):
            found[name] = first.partition(": ")[2]
    return found


def docstring(path: Path) -> str:
    try:
        return ast.get_docstring(ast.parse(path.read_text("utf-8"))) or ""
    except SyntaxError:
        return ""


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(package_name="bourse", prog_name="bourse", message="%(prog)s %(version)s")
def main() -> None:
    """Bourse: a stock exchange on your machine.

    \b
    bourse up            start it
    bourse status        see that it runs
    bourse COMMAND -h    how to use a command

    \b
    Exit codes: 0 done; 1 refused, or something is broken; 2 wrong usage, or a file
    that cannot be read; 3 the exchange cannot be reached or does not run; 130 interrupted.
    """


if __name__ == "__main__":
    main()
