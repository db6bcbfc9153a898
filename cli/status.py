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

from cli.answers import Refused
from cli.machine import Machine, MachineError
from cli.machine.mesh.pods import SIDECAR
from cli.machine.positions import lag, positions
from cli.machine.state import Phase, State
from cli.options import home_option, json_option

PLAIN_WIDTH = 200
JOURNAL_KEEPER = "svc_match-"
INCOMPLETE = "not all is ready"
RIGHT = ("pid", "restarts", "up_seconds", "lag_events")


@click.command()
@home_option
@json_option
def status(home: Path, as_json: bool) -> None:
    """What runs on this machine, where, and how it is.

    A service in the mesh is shown with its sidecar: the address is where that takes the calls of others. The sequences are
    those of each shard that a process has reached; the lag is in events: of a shard's process that of its slower stream
    behind its journal, of the others that of the process behind the journals. The core is how a shard's matching core runs:
    compiled or interpreted.

    Exit codes: 0 every process is ready, 1 one is not or has no supervisor, 3 nothing runs.

    \b
    Examples:
      bourse status
      bourse status --json
    """
    machine = Machine(home)
    state = machine.state()
    try:
        found = [] if state is None else processes(machine, state)
        missing = [] if state is None else machine.missing()
    except MachineError as error:
        raise Refused(str(error)) from None
    left = machine.unsupervised()
    whole = all(process["ready"] for process in found)
    phase = "unsupervised" if left else "stopped" if state is None else said_of(state.phase, whole=whole)
    if as_json:
        click.echo(json.dumps({"home": str(machine.home.folder), "phase": phase, "processes": found}, indent=2))
    else:
        click.echo(f"{machine.home.folder}: {phase}")
        if left:
            click.echo(
                f"{len(left)} processes go on without a supervisor: `bourse up` starts anew, `bourse down` ends them"
            )
        if found:
            Console(width=None if sys.stdout.isatty() else PLAIN_WIDTH).print(table(found))
        for words in missing:
            click.echo(words)
    if state is None:
        sys.exit(1 if left else 3)
    sys.exit(0 if phase == Phase.READY and not missing else 1)


def said_of(phase: Phase, *, whole: bool) -> str:
    """It is ready when everything that is to run is."""
    return str(phase) if whole or phase is not Phase.READY else INCOMPLETE


def processes(machine: Machine, state: State) -> list[dict[str, Any]]:
    """Each supervised process; whether it is ready is asked now, of itself."""
    programs = {program.name: program for program in machine.programs()}
    asked = [process for process in state.processes if process.name in programs]
    with ThreadPoolExecutor(len(asked)) as pool:
        ready = list(pool.map(lambda process: programs[process.name].ready(process.pid), asked))
        heard = list(pool.map(lambda process: positions(process.name, process.metrics), asked))
    journal = {
        shard: sequence
        for process, (sequences, _, _) in zip(asked, heard, strict=True)
        for shard, sequence in sequences.items()
        if process.name.startswith(JOURNAL_KEEPER)
    }
    found = {
        process.name: {
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
        for process, is_ready, (sequences, streams, core) in zip(asked, ready, heard, strict=True)
    }
    return [with_sidecar(process, found) for name, process in found.items() if not name.endswith(SIDECAR)]


def with_sidecar(process: dict[str, Any], found: dict[str, dict[str, Any]]) -> dict[str, Any]:
    """In the mesh others call it at its sidecar's address, and it is ready when both are."""
    sidecar = found.get(process["name"] + SIDECAR)
    if sidecar is None:
        return process
    own = {name: sidecar[name] for name in ("pid", "ready", "restarts", "up_seconds")}
    both = process["ready"] and sidecar["ready"]
    return {**process, "address": sidecar["address"], "ready": both, "socket": process["address"], "sidecar": own}


def table(found: list[dict[str, Any]]) -> Table:
    sidecars = ("sidecar",) if any("sidecar" in process for process in found) else ()
    columns = (
        "name",
        "pid",
        "address",
        "ready",
        *sidecars,
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
        sidecar = process.get("sidecar")
        cells = {
            **process,
            "ready": "yes" if process["ready"] else "no",
            "sidecar": said(sidecar) if sidecar else None,
            "sequences": reached or None,
        }
        drawn.add_row(*("-" if cells[column] in (None, "") else str(cells[column]) for column in columns))
    return drawn


def said(sidecar: dict[str, Any]) -> str:
    """Such as: ready, 2 restarts."""
    restarts = sidecar["restarts"]
    word = "ready" if sidecar["ready"] else "not ready"
    return f"{word}, {restarts} restart{'s' * (restarts > 1)}" if restarts else word
