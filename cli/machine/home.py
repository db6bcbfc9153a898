"""The folder of one exchange on this machine: what is where, made with rights for its owner alone."""

import json
import os
import random
import shutil
import socket
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

SERVICES = ("svc_match", "svc_ledger", "svc_order", "svc_quote")
DEFAULT_SHARDS = 2
SHARDS_LIMIT = 64
# Below the range from which the kernel takes the ports of outgoing connections, so that a port stays free over a restart.
PORTS = range(20_000, 32_000)
PORT_TRIES = 1_000


class MachineError(Exception):
    """The exchange cannot do this on this machine; the message says why, and what to do."""


def default_home() -> Path:
    """$BOURSE_HOME, or .bourse in the current folder."""
    return Path(os.environ.get("BOURSE_HOME") or ".bourse")


def write_private(path: Path, text: str) -> None:
    """Replaces the file's content at once, readable by the owner alone."""
    fresh = path.with_name(f".{path.name}.{os.getpid()}")
    with os.fdopen(os.open(fresh, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w", encoding="utf-8") as file:
        file.write(text)
        file.flush()
        os.fsync(file.fileno())
    fresh.replace(path)


def open_private(path: Path) -> IO[bytes]:
    """To be appended to, readable by the owner alone."""
    return os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_APPEND, 0o600), "ab")


@dataclass(frozen=True)
class Home:
    """Paths; an exchange's home is known by its resolved path."""

    folder: Path

    @property
    def credentials(self) -> Path:
        return self.folder / "credentials"

    @property
    def logs(self) -> Path:
        return self.folder / "logs"

    @property
    def postgres(self) -> Path:
        """PostgreSQL's folder, or a link to it where its user cannot reach the home."""
        return self.folder / "postgres"

    @property
    def nats(self) -> Path:
        return self.folder / "nats"

    @property
    def state(self) -> Path:
        return self.folder / "state.json"

    @property
    def lock(self) -> Path:
        return self.folder / "lock"

    @property
    def layout(self) -> Path:
        return self.folder / "layout.json"

    def log(self, process: str) -> Path:
        return self.logs / f"{process}.log"

    def create(self) -> None:
        if not self.folder.exists():
            self.folder.mkdir(parents=True, mode=0o700)
        for folder in (self.credentials, self.logs, self.nats):
            folder.mkdir(mode=0o700, exist_ok=True)

    def remove(self) -> None:
        """Deletes all that the exchange has kept. Nothing of it may be running."""
        if self.postgres.is_symlink():
            shutil.rmtree(self.postgres.resolve(), ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass
class Layout:
    """How many shards there are, and each process's port (and `<process>.metrics`). Chosen once, kept in the home."""

    shards: int
    ports: dict[str, int] = field(default_factory=dict)

    @property
    def services(self) -> dict[str, str]:
        """Process names in the order of their start, and the service that each one runs."""
        shards = {f"svc_match-{shard}": "svc_match" for shard in range(self.shards)}
        return {**shards, **{service: service for service in SERVICES if service != "svc_match"}}

    def address(self, name: str) -> str:
        return f"127.0.0.1:{self.ports[name]}"

    def choose_ports(self) -> None:
        """Every process gets a port; those that it has stay, unless someone else has taken one."""
        names = ["postgres", "nats", *self.services, *(f"{name}.metrics" for name in self.services)]
        for name in names:
            if not is_free(self.ports.get(name)):
                self.ports[name] = free_port(set(self.ports.values()))


def load_layout(home: Home, shards: int | None = None) -> Layout:
    """The home's layout, made at its first start; afterwards `shards` is what it was."""
    if home.layout.exists():
        layout = Layout(**json.loads(home.layout.read_text("utf-8")))
        if shards not in (None, layout.shards):
            raise MachineError(
                f"{home.folder} has {layout.shards} shards since its first start: leave --shards out, or use another --home"
            )
        return layout
    return Layout(shards=DEFAULT_SHARDS if shards is None else shards)


def save_layout(home: Home, layout: Layout) -> None:
    write_private(home.layout, to_json(asdict(layout)))


def is_free(port: int | None) -> bool:
    if port is None:
        return False
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(("127.0.0.1", port))
        except OSError:
            return False
    return True


def free_port(taken: set[int]) -> int:
    for port in random.SystemRandom().sample(PORTS, PORT_TRIES):
        if port not in taken and is_free(port):
            return port
    raise MachineError(f"no free port on 127.0.0.1 between {PORTS.start} and {PORTS.stop}")


def to_json(value: Any) -> str:
    return json.dumps(value, indent=2) + "\n"
