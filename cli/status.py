"""`bourse status`: what runs, where, and how it is."""

import json
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.table import Table

from cli.machine import Machine
from cli.machine.positions import lag, positions
from cli.machine.state import Phase, State
from cli.options import home_option, json_option

PLAIN_WIDTH = 200
JOURNAL_KEEPER = "svc_match-"
RIGHT = ("pid", "restarts", "up_seconds", "lag_events")


@click.command()
@home_option
@json_option
def status(home: Path, as_json: bool) -> None:
    """What runs on this machine, where, and how it is.

    The sequences are those of each shard that a process has reached; the lag is in events: of a shard's process that of
    its slower stream behind its journal, of the others that of the process behind the journals. The core is how a shard's
    matching core runs: compiled or interpreted.

    Exit codes: 0 every process is ready, 1 one is not, 3 nothing runs.

    \b
    Examples:
      bourse status
      bourse status --json
    """
    machine = Machine(home)
    state = machine.state()
    found = [] if state is None else processes(machine, state)
    phase = "stopped" if state is None else str(state.phase)
    if as_json:
        click.echo(json.dumps({"home": str(machine.home.folder), "phase": phase, "processes": found}, indent=2))
    else:
        click.echo(f"{machine.home.folder}: {phase}")
        if found:
            Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH).print(table(found))
    if state is None:
        sys.exit(3)
    sys.exit(0 if state.phase is Phase.READY and all(process["ready"] for process in found) else 1)


def processes(machine: Machine, state: State) -> list[dict[str, Any]]:
    """Each supervised process; whether it is ready is asked now, of itself."""
    programs = {program.name: program for program in machine.programs()}
    with ThreadPoolExecutor(len(programs)) as pool:
        ready = list(pool.map(lambda process: programs[process.name].ready(process.pid), state.processes))
        heard = list(pool.map(lambda process: positions(process.name, process.metrics), state.processes))
    journal = {
        shard: sequence
        for process, (sequences, _, _) in zip(state.processes, heard, strict=True)
        for shard, sequence in sequences.items()
        if process.name.startswith(JOURNAL_KEEPER)
    }
    return [
        {
            "name": process.name,
            "pid": process.pid or None,
            "address": process.address,
            "metrics": process.metrics or None,
            "ready": is_ready,
            "version": process.version,
            "restarts": process.restarts,
            "up_seconds": round(time.time() - process.started, 1) if process.pid else None,
            "sequences": sequences,
            "core": core,
            "lag_events": max(streams.values()) if streams else lag(sequences, journal) if sequences else None,
        }
        for process, is_ready, (sequences, streams, core) in zip(state.processes, ready, heard, strict=True)
    ]


def table(found: list[dict[str, Any]]) -> Table:
    columns = (
        "name",
        "pid",
        "address",
        "ready",
        "version",
        "restarts",
        "up_seconds",
        "sequences",
        "core",
        "lag_events",
    )
    drawn = Table(box=None, pad_edge=False)
    for column in columns:
        drawn.add_column(column.replace("_", " "), justify="right" if column in RIGHT else "left")
    for process in found:
        reached = " ".join(f"{shard}:{sequence}" for shard, sequence in sorted(process["sequences"].items()))
        cells = {**process, "ready": "yes" if process["ready"] else "no", "sequences": reached or None}
        drawn.add_row(*("-" if cells[column] is None else str(cells[column]) for column in columns))
    return drawn
