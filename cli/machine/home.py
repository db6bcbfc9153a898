"""The folder of one exchange on this machine: what is where, made with rights for its owner alone."""

import json
import os
import random
import shutil
import socket
import stat
import tempfile
from collections.abc import Collection, Iterable, Iterator
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import IO, Any

from mesh.local.private import write_private

SERVICES = ("svc_match", "svc_ledger", "svc_order", "svc_quote")
DATABASE = "bourse"
DEFAULT_SHARDS = 2
SHARDS_LIMIT = 64
# Below the range from which the kernel takes the ports of outgoing connections, so that a port stays free over a restart.
PORTS = range(20_000, 32_000)
PORT_TRIES = 1_000
POD_PORT = 50_051
NETWORK_TRIES = 100
PASSED = 0o711
SOCKET_PATH_BYTES_LIMIT = 107
SOCKET_NAME_BYTES_LIMIT = 40  # <pod>/egress.sock


class MachineError(Exception):
    """The exchange cannot do this on this machine; the message says why, and what to do."""


def leaves(errors: BaseExceptionGroup[Exception]) -> Iterator[Exception]:
    """The errors themselves, out of however many groups."""
    for error in errors.exceptions:
        if isinstance(error, BaseExceptionGroup):
            yield from leaves(error)
        else:
            yield error


def default_home() -> Path:
    """$BOURSE_HOME, or .bourse in the current folder."""
    return Path(os.environ.get("BOURSE_HOME") or ".bourse")


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
    def mesh(self) -> Path:
        """What the mesh is to be, what it is, and a folder for each Envoy."""
        return self.folder / "mesh"

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
        """Also closes a folder of ours to others that was there before; one that holds other things than an exchange stays as it is."""
        if not self.folder.exists():
            self.folder.mkdir(parents=True, mode=0o700)
        elif self._is_own():
            mode = stat.S_IMODE(self.folder.stat().st_mode)
            passed = self.postgres.is_dir() and not self.postgres.is_symlink()
            # Where another user runs PostgreSQL in it, that one may pass.
            closed = mode & (PASSED if passed and os.geteuid() == 0 else stat.S_IRWXU) | stat.S_IRWXU
            if closed != mode:
                self.folder.chmod(closed)
        for folder in (self.credentials, self.logs, self.nats, self.mesh):
            folder.mkdir(mode=0o700, exist_ok=True)

    def _is_own(self) -> bool:
        """Whether the folder is our user's, and an exchange's or empty."""
        return self.folder.stat().st_uid == os.geteuid() and (self.layout.exists() or not any(self.folder.iterdir()))

    def remove(self) -> None:
        """Deletes all that the exchange has kept. Nothing of it may be running."""
        if self.postgres.is_symlink():
            shutil.rmtree(self.postgres.resolve(), ignore_errors=True)
        if self.layout.exists() and (sockets := load_layout(self).sockets):
            shutil.rmtree(sockets, ignore_errors=True)
        shutil.rmtree(self.folder, ignore_errors=True)


@dataclass
class Layout:
    """How many shards there are, whether there is a mesh, and each process's place. Chosen once, kept in the home.

    Ports are those of 127.0.0.1 (also `<process>.metrics` and `gateway`). In the mesh a process has an address of its own,
    `<network>.<number>`, and its Unix sockets are in `sockets` where the home's path is too long for them.
    """

    shards: int
    ports: dict[str, int] = field(default_factory=dict)
    mesh: bool = True
    network: str = ""
    pods: dict[str, int] = field(default_factory=dict)
    sockets: str = ""

    @property
    def services(self) -> dict[str, str]:
        """Process names in the order of their start, and the service that each one runs."""
        shards = {f"svc_match-{shard}": "svc_match" for shard in range(self.shards)}
        return {**shards, **{service: service for service in SERVICES if service != "svc_match"}}

    def address(self, name: str) -> str:
        return f"127.0.0.1:{self.ports[name]}"

    @property
    def gateway(self) -> str:
        """host:port of the gateway, by the name in its certificate."""
        return f"localhost:{self.ports['gateway']}"

    def pod_address(self, name: str) -> str:
        if name not in self.pods:
            raise MachineError(f"{name} has no address here: add a version with `bourse version add`")
        return f"{self.network}.{self.pods[name]}"

    def choose(self, home: Home, versions: Iterable[str] = ()) -> None:
        """Every process gets its place; what it has stays, unless someone else has taken it. Nothing of it may be running."""
        self.ports = {name: port for name, port in self.ports.items() if is_free(port)}
        self.add([*self.services, "gateway", *versions])
        if self.mesh and not all(is_free(POD_PORT, f"{self.network}.{number}") for number in self.pods.values()):
            self.network = free_network(self.pods.values())
        longest = len(os.fsencode(home.mesh)) + SOCKET_NAME_BYTES_LIMIT
        if self.mesh and longest > SOCKET_PATH_BYTES_LIMIT and not is_private(self.sockets):
            self.sockets = tempfile.mkdtemp(prefix="bourse-")

    def add(self, processes: Iterable[str]) -> None:
        """A place for each that has none yet."""
        processes = list(processes)
        for name in ["postgres", "nats", *processes, *(f"{name}.metrics" for name in processes)]:
            if name not in self.ports:
                self.ports[name] = free_port(set(self.ports.values()))
        for name in processes:
            if name not in self.pods:
                self.pods[name] = min(set(range(1, 255)) - set(self.pods.values()))


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


def is_free(port: int, address: str = "127.0.0.1") -> bool:
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((address, port))
        except OSError:
            return False
    return True


def free_port(taken: set[int]) -> int:
    for port in random.SystemRandom().sample(PORTS, PORT_TRIES):
        if port not in taken and is_free(port):
            return port
    raise MachineError(f"no free port on 127.0.0.1 between {PORTS.start} and {PORTS.stop}")


def free_network(numbers: Collection[int]) -> str:
    """The first three bytes of loopback addresses where nobody listens."""
    choose = random.SystemRandom().randint
    for _ in range(NETWORK_TRIES):
        network = f"127.{choose(16, 239)}.{choose(0, 255)}"
        if all(is_free(POD_PORT, f"{network}.{number}") for number in numbers):
            return network
    raise MachineError("no loopback addresses beside 127.0.0.1 can be bound here: start it with --no-mesh")


def is_private(folder: str) -> bool:
    """Whether it is a folder of ours alone, and not one that someone has put in its place."""
    try:
        found = os.lstat(folder)
    except FileNotFoundError:
        return False
    return stat.S_ISDIR(found.st_mode) and found.st_uid == os.geteuid() and stat.S_IMODE(found.st_mode) == 0o700


def to_json(value: Any) -> str:
    return json.dumps(value, indent=2) + "\n"
