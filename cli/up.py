"""`bourse up`: start the exchange on this machine."""

import sys
from pathlib import Path

import click

from cli.machine import DEFAULT_SHARDS, Machine, MachineError
from cli.machine.home import SHARDS_LIMIT
from cli.options import home_option

TRY_NEXT = """
The exchange is open for connections. Try next:

  bourse status                          what runs, and how it is
  bourse token --participant ALPHA       a broker's token
  bourse logs --follow                   what it says
  bourse down                            stop it

Order entry   {order}
Market data   {quote}
"""


@click.command()
@home_option
@click.option(
    "--shards",
    type=click.IntRange(1, SHARDS_LIMIT),
    help=f"How many shards svc_match runs as; chosen at the first start of a home. [default: {DEFAULT_SHARDS}]",
)
def up(home: Path, shards: int | None) -> None:
    """Start the exchange on this machine: PostgreSQL, NATS and the services.

    It goes on in the background until `bourse down`, and starts a process again that dies. Everything that it keeps is
    in its home; give another home to run a second exchange beside it.

    Exit codes: 0 all is ready, 1 it could not start or runs already.

    \b
    Examples:
      bourse up
      bourse up --home /var/tmp/second --shards 4
    """
    machine = Machine(home)
    click.echo(f"Starting the exchange in {machine.home.folder}")
    try:
        machine.start(
            shards=shards, report=lambda name, seconds: click.echo(f"  {name:<14} ready after {seconds:5.2f} s")
        )
    except MachineError as error:
        click.echo(f"bourse up: {error}", err=True)
        sys.exit(1)
    click.echo(TRY_NEXT.format(order=machine.address("svc_order"), quote=machine.address("svc_quote")))
