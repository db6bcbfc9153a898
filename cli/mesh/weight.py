"""`bourse mesh weight`: how a service's calls are divided between its versions."""

import re
from pathlib import Path

import click

from cli.answers import Refused
from cli.machine import Machine, MachineError
from cli.options import home_option

PERCENT = re.compile("[0-9]{1,3}")


@click.command(short_help="Divide calls between a service's versions.")
@click.argument("service")
@click.argument("weights", nargs=-1, metavar="SUBSET=PERCENT...")
@home_option
@click.option("--ring", default="", help="Only for brokers of this ring; without weights the ring is as everybody.")
def weight(service: str, weights: tuple[str, ...], home: Path, ring: str) -> None:
    """Divide a service's new calls and streams between its versions, and wait until every Envoy does so.

    The percentages make 100. A stream that is open stays where it is: `bourse version drain` moves it. Those of
    svc_order to svc_ledger are opened anew every second, and follow by themselves.

    Exit codes: 0 every Envoy that lives runs it, 1 refused: one does not, or does not answer, and all have what they had.

    \b
    Examples:
      bourse mesh weight svc_order stable=90 canary=10
      bourse mesh weight svc_order stable=0 canary=100 --ring early
      bourse mesh weight svc_order --ring early
    """
    if not weights and not ring:
        raise click.UsageError("say each subset's share, such as stable=90 canary=10")
    wanted = dict(map(parsed, weights)) if weights else None
    if wanted is not None and len(wanted) < len(weights):
        raise click.UsageError("a subset is named twice")
    try:
        milliseconds = Machine(home).mesh.weigh(service, wanted, ring)
    except MachineError as error:
        raise Refused(str(error)) from None
    said = " ".join(weights) or "as everybody's"
    click.echo(f"{service}{f', ring {ring}' if ring else ''}: {said}; every Envoy runs it after {milliseconds:.0f} ms")


def parsed(text: str) -> tuple[str, int]:
    subset, _, percent = text.partition("=")
    if not subset or not PERCENT.fullmatch(percent):
        raise click.UsageError(f"{text!r} is no share: write SUBSET=PERCENT, such as canary=10")
    return subset, int(percent)
