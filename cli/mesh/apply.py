"""`bourse mesh apply`: the YAML as it is on the disk now."""

from pathlib import Path

import click

from cli.answers import Refused
from cli.machine import Machine, MachineError
from cli.options import home_option


@click.command(short_help="Have every Envoy run the YAML as it is now.")
@home_option
def apply(home: Path) -> None:
    """Have every Envoy run the YAML of k8s/base and mesh/istio as it is on the disk now, with this machine's weights.

    What a cluster would do and this machine cannot is refused, by file and line, and so is what an Envoy would not take: each
    change is shown to one that only looks at it first. Then nothing changes. Where a policy or a filter changes, streams that
    are open move or end within 45 seconds. A file of an Envoy that somebody has edited is made anew, here and every second.

    Exit codes: 0 every Envoy runs it, 1 refused.

    \b
    Examples:
      bourse mesh apply
    """
    try:
        milliseconds = Machine(home).mesh.apply()
    except MachineError as error:
        raise Refused(str(error)) from None
    click.echo(f"every Envoy runs it after {milliseconds:.0f} ms")
