"""`bourse mesh check`: whether every Envoy runs what the YAML says."""

from pathlib import Path

import click

from cli.answers import NotReached, show
from cli.machine import Machine, MachineError
from cli.options import home_option, json_option


@click.command(short_help="Whether every Envoy runs what the YAML says.")
@home_option
@json_option
def check(home: Path, as_json: bool) -> None:
    """Whether every Envoy runs what the YAML says, as it is on the disk now, and every weight goes to a version that is ready.

    Exit codes: 0 it is so, 1 it is not, or the YAML cannot be translated, 3 no mesh runs.

    \b
    Examples:
      bourse mesh check
    """
    mesh = Machine(home).mesh
    try:
        _ = mesh.status  # whether there is one
    except MachineError as error:
        raise NotReached(str(error)) from None
    try:
        found = mesh.drift()
    except MachineError as error:
        found = str(error).splitlines()
    show(as_json, found, found or ["every Envoy runs what the YAML says"])
    raise SystemExit(1 if found else 0)
