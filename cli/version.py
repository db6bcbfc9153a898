"""`bourse version`: two versions of a service side by side."""

from pathlib import Path

import click

from cli.answers import NotReached, Refused, columns, show
from cli.machine import Machine, MachineError
from cli.machine.mesh.desired import STABLE
from cli.options import Number, home_option, json_option

HEAD = ("service", "subset", "release", "ready", "weight", "from")


@click.group()
def version() -> None:
    """Two versions of a service side by side: svc_order, svc_ledger or svc_quote.

    What `bourse up` runs is the version stable, which alone settles and writes history. Another one is added, gets a weight
    (`bourse mesh weight`), and is removed; open streams are moved by draining the version that they are on.

    \b
    Examples:
      bourse version add svc_order --subset canary --from ../bourse-next
      bourse mesh weight svc_order stable=90 canary=10
      bourse version drain svc_order --subset stable --share 0.1
      bourse mesh weight svc_order stable=100 canary=0
      bourse version remove svc_order --subset canary
    """


@version.command(short_help="Start another version beside the stable one.")
@click.argument("service")
@home_option
@click.option("--subset", required=True, help="Its name, a subset of the DestinationRules: canary.")
@click.option(
    "--from",
    "folder",
    required=True,
    type=click.Path(exists=True, file_okay=False, path_type=Path),
    help="A checkout with its .venv, or an environment that has it installed.",
)
def add(service: str, home: Path, subset: str, folder: Path) -> None:
    """Start another version of a service beside the stable one. It gets no calls before it has a weight.

    Exit codes: 0 it is ready, 1 it is not, and nothing of it is left.

    \b
    Examples:
      bourse version add svc_order --subset canary --from ../bourse-next
    """
    try:
        added = Machine(home).mesh.add_version(service, subset, folder)
    except MachineError as error:
        raise Refused(str(error)) from None
    click.echo(f"{added.process} is ready: release {added.release} from {added.folder}")


@version.command("list", short_help="Which there are, ready or not, with weights.")
@home_option
@json_option
def list_(home: Path, as_json: bool) -> None:
    """The versions of each service: whether they are ready, their weights, and where they come from.

    \b
    Examples:
      bourse version list
    """
    try:
        found = Machine(home).mesh.versions()
    except MachineError as error:
        raise NotReached(str(error)) from None
    rows = [
        (
            one["service"],
            one["subset"],
            one["release"],
            "yes" if one["ready"] else "no",
            " ".join(f"{ring + ' ' if ring else ''}{percent} %" for ring, percent in one["weights"].items()),
            one["from"] or "-",
        )
        for one in found
    ]
    show(as_json, found, columns(HEAD, rows))


@version.command(short_help="Tell a share of its streams to move.")
@click.argument("service")
@home_option
@click.option("--subset", required=True, help=f"The version to drain: {STABLE} or another.")
@click.option("--share", type=Number(0, 1, min_open=True), default=1.0, show_default=True, help="How much of it.")
def drain(service: str, home: Path, subset: str, share: float) -> None:
    """Tell a share of a version's open streams to move: each goes on where the weights send it now, and loses nothing.

    Without another version that has a weight they come back to the same one.

    Exit codes: 0 they are told, 1 refused.

    \b
    Examples:
      bourse version drain svc_order --subset stable
      bourse version drain svc_order --subset stable --share 0.5
    """
    try:
        told = Machine(home).mesh.drain(service, subset, share)
    except MachineError as error:
        raise Refused(str(error)) from None
    click.echo(f"{service}, {subset}: {told} streams are told to move")


@version.command(short_help="End a version that gets no calls.")
@click.argument("service")
@home_option
@click.option("--subset", required=True, help="The version to end.")
def remove(service: str, home: Path, subset: str) -> None:
    """End a version that gets no calls: its streams move, it answers what it received, and its process and sidecar end.

    Exit codes: 0 it is gone, 1 refused: it has a weight, or is not there.

    \b
    Examples:
      bourse version remove svc_order --subset canary
    """
    try:
        Machine(home).mesh.remove_version(service, subset)
    except MachineError as error:
        raise Refused(str(error)) from None
    click.echo(f"{service}, {subset}: gone")
