"""`bourse reconcile`: Compare journal, streams, ledger, order history, drop copy and quotes, while the exchange runs."""

import asyncio
import json
import sys
from pathlib import Path

import click

from cli.options import home_option, json_option
from cli.reconcile.breaks import KINDS, Reconciliation
from cli.reconcile.run import reconcile as compare
from cli.reconcile.sources import Unreachable

BROKEN, UNREACHABLE = 1, 3


@click.command()
@home_option
@json_option
def reconcile(home: Path, as_json: bool) -> None:
    """Compare journal, execution stream, both JetStream streams, ledger postings trade by trade, balances and
    positions, open holds, order history, drop copy, depth and tape; print each difference with both sides.

    It works while the exchange runs: everything is compared as of one sequence a shard, that of its start.

    \b
    Exit codes: 0 clean, 1 broken, 3 unreachable.

    \b
    Examples:
      bourse reconcile
      bourse reconcile --json | jq .found
    """
    try:
        outcome = asyncio.run(compare(home, progress=lambda line: click.echo(line, err=True)))
    except Unreachable as error:
        click.echo(f"cannot reconcile: {error}", err=True)
        sys.exit(UNREACHABLE)
    click.echo(json.dumps(outcome.as_json(), indent=2) if as_json else "\n".join(lines(outcome)))
    sys.exit(BROKEN if outcome.broken else 0)


def lines(outcome: Reconciliation) -> list[str]:
    """The outcome for people."""
    said = []
    for found in outcome.breaks:
        where = {"shard": found.shard, **found.where} if found.shard is not None else found.where
        said.append(
            f"{found.kind}: {KINDS[found.kind]} ({', '.join(f'{name} {value}' for name, value in where.items())})"
        )
        said += [f"  {side.source}: {json.dumps(side.value)}" for _, side in found.sides()]
    if (more := outcome.broken - len(outcome.breaks)) > 0:
        said.append(f"and {more:,} more")
    counts = ", ".join(f"{count:,} {name.replace('_', ' ')}" for name, count in outcome.counts.items() if count)
    sequences = ", ".join(f"shard {shard} at {sequence:,}" for shard, sequence in outcome.sequences.items())
    said.append(f"compared as of {sequences or 'no shard'}: {counts or 'nothing'}; {outcome.seconds:.1f} s")
    said.append(f"{outcome.broken:,} breaks" if outcome.broken else "clean: no breaks")
    return said
