"""`bourse up`: start the exchange on this machine."""

import sys
from pathlib import Path

import click

from cli.clients import ca_file, gateway_address
from cli.machine import DEFAULT_SHARDS, Machine, MachineError
from cli.machine.credentials import BrokerIssuer
from cli.machine.home import SHARDS_LIMIT
from cli.options import home_option

OPEN = "The exchange is open for connections."
PARTLY = "The exchange runs, but not all of it is up: see below."
TRY_NEXT = """
{opening} Try next:

  bourse status                          what runs, and how it is
  bourse token --participant alpha       a broker's token
  bourse logs --follow                   what it says
  bourse down                            stop it

{doors}
"""
MESH_DOORS = """Everything public   https://{gateway}   (`bourse gateway`: how to come in)
Its authority       {authority}"""
PLAIN_DOORS = """Order entry   {order}
Market data   {quote}"""


@click.command()
@home_option
@click.option(
    "--shards",
    type=click.IntRange(1, SHARDS_LIMIT),
    help=f"How many shards svc_match runs as; chosen at the first start of a home. [default: {DEFAULT_SHARDS}]",
)
@click.option(
    "--mesh/--no-mesh",
    default=None,
    help="Every service behind a sidecar and the gateway, or each at a port of its own. [default: as before, first a mesh]",
)
@click.option(
    "--jwks",
    envvar=["BOURSE_BROKER_JWKS", "BOURSE_JWKS"],
    help="The key set of brokers' tokens: an https:// URL, or a file.",
)
@click.option(
    "--issuer", envvar=["BOURSE_BROKER_JWT_ISSUER", "BOURSE_JWT_ISSUER"], help="The `iss` of brokers' tokens."
)
@click.option(
    "--audience", envvar=["BOURSE_BROKER_JWT_AUDIENCE", "BOURSE_JWT_AUDIENCE"], help="The `aud` of brokers' tokens."
)
def up(
    home: Path, shards: int | None, mesh: bool | None, jwks: str | None, issuer: str | None, audience: str | None
) -> None:
    """Start the exchange on this machine: PostgreSQL, NATS and the services, each behind its sidecar, and the gateway.

    Brokers and operators come in by the gateway, with TLS and a token; --no-mesh starts the services alone, each at a port
    of 127.0.0.1. It goes on in the background until `bourse down`, and starts a process again that dies. Everything that it keeps is
    in its home; give another home to run a second exchange beside it.

    Brokers' tokens are those of `bourse token`, or of the OpenID Connect issuer that --jwks, --issuer and --audience name
    together; $BOURSE_JWKS, $BOURSE_JWT_ISSUER and $BOURSE_JWT_AUDIENCE stand for options that are not given, and the same
    with BOURSE_BROKER_ before these. Each token needs a claim `participant`; operators and services keep the key of this
    machine. A later `up` keeps the issuer, another three replace it, and three empty options bring `bourse token` back.

    Exit codes: 0 all is ready, 1 it could not start, runs already, or runs without a version that is wanted.

    \b
    Examples:
      bourse up
      bourse up --home /var/tmp/second --shards 4
      bourse up --jwks https://id.example/jwks.json --issuer https://id.example --audience bourse
    """
    machine = Machine(home)
    told = jwks, issuer, audience
    named = None if told == (None, None, None) else BrokerIssuer(*(word or "" for word in told))
    click.echo(f"Starting the exchange in {machine.home.folder}")
    try:
        machine.start(
            shards=shards,
            mesh=mesh,
            broker_issuer=named,
            report=lambda name, seconds: click.echo(f"  {name:<18} ready after {seconds:5.2f} s"),
        )
    except MachineError as error:
        click.echo(f"bourse up: {error}", err=True)
        sys.exit(1)
    missing = machine.missing()
    click.echo(TRY_NEXT.format(opening=PARTLY if missing else OPEN, doors=doors(machine)))
    for words in missing:
        click.echo(f"bourse up: {words}", err=True)
    sys.exit(1 if missing else 0)


def doors(machine: Machine) -> str:
    """Where clients come in."""
    state = machine.state()
    if state is not None and state.mesh:
        return MESH_DOORS.format(gateway=gateway_address(machine), authority=ca_file(machine))
    return PLAIN_DOORS.format(order=machine.address("svc_order"), quote=machine.address("svc_quote"))
