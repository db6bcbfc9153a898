"""What the mesh of one home is to be: weights, versions beside the stable ones, certificates. Commands edit it; the
supervisor and the controller make it true.
"""

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field
from pathlib import Path

from cli.machine import kept
from cli.machine.home import Home, MachineError, open_private, to_json
from mesh.local.private import write_private

STABLE = "stable"
VERSIONED = ("svc_order", "svc_ledger", "svc_quote")
EVERYBODY = ""  # every ring that has no weights of its own


@dataclass(frozen=True)
class Version:
    """Another version of a service: its subset, the folder it comes from, the Python that has it installed, and what that
    calls its release.
    """

    service: str
    subset: str
    folder: str
    python: str
    release: str

    @property
    def process(self) -> str:
        return process_of(self.service, self.subset)


def process_of(service: str, subset: str) -> str:
    return service if subset == STABLE else f"{service}-{subset}"


@dataclass
class Desired:
    """`generation` counts the edits; `rotations` how often all certificates were to be made anew, `readings` how often the
    YAML was to be read again.

    `weights`: per cent by service, ring of brokers and subset; a service without an entry has what the YAML says.
    """

    generation: int = 0
    weights: dict[str, dict[str, dict[str, int]]] = field(default_factory=dict)
    versions: list[Version] = field(default_factory=list)
    rotations: int = 0
    readings: int = 0

    def version(self, service: str, subset: str) -> Version | None:
        return next((one for one in self.versions if (one.service, one.subset) == (service, subset)), None)


def path(home: Home) -> Path:
    return home.mesh / "desired.json"


def read(home: Home) -> Desired:
    """As it was edited last. MachineError when somebody has written there what is no desired state."""
    found = kept.load(Desired, path(home)) or Desired()
    for version in found.versions:
        if version.service not in VERSIONED:
            raise MachineError(
                f"{path(home)} cannot be read: versions: {version.service!r} is none of {', '.join(VERSIONED)}"
            )
    return found


def stamp(home: Home) -> tuple[int, int]:
    """Another one after each edit."""
    try:
        found = path(home).stat()
    except FileNotFoundError:
        return 0, 0
    return found.st_mtime_ns, found.st_ino


@contextmanager
def editing(home: Home) -> Iterator[Desired]:
    """To be changed in the block, and written at its end, unless that raises. One at a time."""
    with open_private(home.mesh / "lock") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        desired = read(home)
        yield desired
        desired.generation += 1
        write_private(path(home), to_json(asdict(desired)))
