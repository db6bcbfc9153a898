"""`bourse halt`: interrupt trading at once."""

from pathlib import Path

import click

from cli.options import home_option, json_option
from cli.phase import set_phase


@click.command()
@click.argument("symbol", default="")
@home_option
@json_option
def halt(symbol: str, home: Path, as_json: bool) -> None:
    """Interrupt trading in SYMBOL, or in all instruments: orders are rejected, cancels are taken. `bourse phase open` ends it.

    \b
    Examples:
      bourse halt ACME
      bourse halt
    """
    set_phase("halted", symbol, home, as_json)
