"""What the controller says of the mesh: status.json, written by it alone, replaced at once at every change."""

from dataclasses import asdict, dataclass, field
from pathlib import Path

from cli.machine import kept
from cli.machine.home import Home, MachineError, to_json
from cli.machine.mesh.desired import Desired
from cli.machine.mesh.tally import Tally
from mesh.local.private import write_private


@dataclass
class Status:
    """`generation` of the desired state was looked at last, and is refused for the reason given, or `running` once every
    Envoy says that it runs it, `milliseconds` after the controller saw it. `given`: whether an Envoy had been given any of what
    is refused. `obeyed`: the desired state that all of them said so of last, which the next controller starts from.

    `weights`: per cent by service, ring and subset, as the Envoys have them. `ready`: which pods take calls. `tally`: the
    messages that went to each version.
    """

    pid: int
    generation: int = -1
    running: int = -1
    refused: str = ""
    given: bool = False
    milliseconds: float = 0.0
    obeyed: Desired | None = None
    weights: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    ready: dict[str, bool] = field(default_factory=dict)
    tally: Tally = field(default_factory=Tally)


def path(home: Home) -> Path:
    return home.mesh / "status.json"


def write(home: Home, status: Status) -> None:
    write_private(path(home), to_json(asdict(status)))


def read(home: Home) -> Status | None:
    """As it was written last; None when it never was, or cannot be read: the controller makes it anew."""
    try:
        return kept.load(Status, path(home))
    except MachineError:
        return None
