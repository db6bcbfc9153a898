"""state.json: what the supervisor has running. Written by it alone, replaced at once at every change."""

import json
from dataclasses import asdict, dataclass, field
from enum import StrEnum

import psutil

from cli.machine.home import Home, to_json
from cli.machine.program import MARK
from mesh.local.private import write_private


class Phase(StrEnum):
    STARTING = "starting"
    READY = "ready"
    STOPPING = "stopping"


@dataclass
class ProcessState:
    """One supervised process. `pid` is 0 while there is none; `started` is Unix seconds."""

    name: str
    address: str
    metrics: str
    version: str
    pid: int = 0
    started: float = 0.0
    ready: bool = False
    restarts: int = 0


@dataclass
class State:
    supervisor: int
    shards: int
    mesh: bool = False
    phase: Phase = Phase.STARTING
    owner: int = 0  # The pid of who holds the leash; 0 where nobody does.
    processes: list[ProcessState] = field(default_factory=list)

    def process(self, name: str) -> ProcessState:
        return next(process for process in self.processes if process.name == name)


def write(home: Home, state: State) -> None:
    write_private(home.state, to_json(asdict(state)))


def read(home: Home) -> State | None:
    """What the supervisor has running; None when there is no supervisor, whatever an earlier one has left."""
    try:
        text = home.state.read_text("utf-8")
    except FileNotFoundError:
        return None
    fields = json.loads(text)
    processes = [ProcessState(**process) for process in fields.pop("processes")]
    state = State(**fields | {"phase": Phase(fields["phase"])}, processes=processes)
    return state if runs(state.supervisor, home) else None


def is_ending(state: State) -> bool:
    """Whether it ends without being told: it does so already, or whoever held its leash is gone."""
    if state.phase is Phase.STOPPING:
        return True
    try:
        return bool(state.owner) and psutil.Process(state.supervisor).ppid() != state.owner
    except psutil.NoSuchProcess:
        return True


def runs(pid: int, home: Home) -> bool:
    """Whether the process of that id is one of this home: ids are used again."""
    try:
        process = psutil.Process(pid)
        return process.status() != psutil.STATUS_ZOMBIE and process.environ().get(MARK) == str(home.folder)
    except (psutil.NoSuchProcess, psutil.AccessDenied, psutil.ZombieProcess):
        return False
