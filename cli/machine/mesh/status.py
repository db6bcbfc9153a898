"""What the controller says of the mesh: status.json, written by it alone, replaced at once at every change."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cli.machine.home import Home, to_json
from mesh.local.private import write_private


@dataclass
class Status:
    """`generation` of the desired state was looked at last, and is refused for the reason given, or `running` once every
    Envoy says that it runs it, `milliseconds` after the controller saw it. `given`: whether an Envoy had been given any of what
    is refused.

    `weights`: per cent by service, ring and subset, as the Envoys have them. `ready`: which pods take calls. `messages`: since
    the weights changed last, what each service's subsets had had by then.
    """

    pid: int
    generation: int = -1
    running: int = -1
    refused: str = ""
    given: bool = False
    milliseconds: float = 0.0
    weights: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    ready: dict[str, bool] = field(default_factory=dict)
    messages: dict[str, dict[str, int]] = field(default_factory=dict)


def path(home: Home) -> Path:
    return home.mesh / "status.json"


def write(home: Home, status: Status) -> None:
    write_private(path(home), to_json(asdict(status)))


def read(home: Home) -> Status | None:
    """As it was written last; None when it never was."""
    try:
        return Status(**json.loads(path(home).read_text("utf-8")))
    except FileNotFoundError:
        return None
