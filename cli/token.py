"""`bourse token`: issue a token for a broker or an operator."""

import sys
from pathlib import Path

import click

from chassis.identity import RINGS
from cli.machine import Machine, MachineError
from cli.machine.credentials import TOKEN_SECONDS_LIMIT
from cli.options import Number, home_option
from mesh.local.private import write_private

HOUR_SECONDS = 3_600


@click.command()
@home_option
@click.option("--participant", help="Issue a broker's token for this participant.")
@click.option("--operator", is_flag=True, help="Issue an operator's token.")
@click.option(
    "--ring", type=click.Choice(RINGS), help="Which ring a broker is of: the early one meets new versions first."
)
@click.option("--subject", help="Who holds it (claim `sub`). [default: the participant, or operator]")
@click.option(
    "--hours",
    type=Number(1 / HOUR_SECONDS, TOKEN_SECONDS_LIMIT / HOUR_SECONDS),
    default=12,
    show_default=True,
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Write it to this file, readable by its owner alone, and print nothing.",
)
def token(
    home: Path,
    participant: str | None,
    operator: bool,
    ring: str | None,
    subject: str | None,
    hours: float,
    output: Path | None,
) -> None:
    """Issue a token, signed with the key of this machine's exchange, and print it, or write it to a file.

    Send it to the gateway (`bourse gateway`) as metadata `authorization: Bearer TOKEN`.

    \b
    Examples:
      bourse token --participant alpha
      bourse token --participant alpha --output alpha.jwt
      bourse token --operator --hours 1
      bourse token --participant alpha --ring early
      grpcurl -cacert "$(bourse gateway --ca-file)" -H "authorization: Bearer $(bourse token --participant alpha)" ...
    """
    if operator == bool(participant):
        raise click.UsageError("name a --participant, or say --operator")
    if operator and ring:
        raise click.UsageError("--ring is for a --participant")
    role = "operator" if operator else "broker"
    try:
        issued = Machine(home).credentials.issue(
            subject or participant or "operator", role, participant or "", int(hours * HOUR_SECONDS), ring=ring or ""
        )
        if output is not None:
            write_private(output, issued + "\n")
            return
    except (MachineError, OSError) as error:
        click.echo(f"bourse token: {error}", err=True)
        sys.exit(1)
    click.echo(issued)
    if sys.stdout.isatty():
        click.echo(
            "\nSend it to the gateway as metadata `authorization: Bearer TOKEN`: see `bourse gateway`.", err=True
        )
