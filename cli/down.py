"""`bourse down`: stop the exchange on this machine."""

from pathlib import Path

import click

from cli.machine import Machine
from cli.options import home_option


@click.command()
@home_option
def down(home: Path) -> None:
    """Stop the exchange on this machine, and leave no process.

    Every service answers what it has received before it ends. What the exchange keeps stays in its home: `bourse up`
    goes on from there. Also ends what a crashed exchange has left running.

    \b
    Examples:
      bourse down
      bourse down --home /srv/exchange
    """
    stopped = Machine(home).stop()
    click.echo("Stopped." if stopped else f"No exchange is running in {home.resolve()}.")
