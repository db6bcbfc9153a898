"""What the controller says of the mesh: status.json, written by it alone, replaced at once at every change."""

import json
from dataclasses import asdict, dataclass, field, fields
from pathlib import Path

from cli.machine.home import Home, to_json
from cli.machine.mesh.tally import Tally
from mesh.local.private import write_private


@dataclass
class Status:
    """`generation` of the desired state was looked at last, and is refused for the reason given, or `running` once every
    Envoy says that it runs it, `milliseconds` after the controller saw it. `given`: whether an Envoy had been given any of what
    is refused.

    `weights`: per cent by service, ring and subset, as the Envoys have them. `ready`: which pods take calls. `tally`: the
    messages that went to each version.
    """

    pid: int
    generation: int = -1
    running: int = -1
    refused: str = ""
    given: bool = False
    milliseconds: float = 0.0
    weights: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    ready: dict[str, bool] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)


def path(home: Home) -> Path:
    return home.mesh / "status.json"


def write(home: Home, status: Status) -> None:
    write_private(path(home), to_json(asdict(status)))


def read(home: Home) -> Status | None:
    """As it was written last; None when it never was."""
    try:
        found = json.loads(path(home).read_text("utf-8"))
    except FileNotFoundError:
        return None
    known = {one.name for one in fields(Status)}  # Of another release it may say more, or less.
    said = {name: value for name, value in found.items() if name in known}
    return Status(**said | {"tally": Tally(**said.get("tally", {}))})
