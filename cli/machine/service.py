"""One of our services as a process: its environment is all that it is told."""

import signal
import sys
from collections.abc import Mapping
from dataclasses import dataclass, field
from importlib.metadata import version
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cli.machine.credentials import AUDIENCE, ISSUER, Credentials
from cli.machine.program import listens

READY_TIMEOUT_SECONDS = 1.0
# No balancer has to hear that a process is about to stop: on one machine its callers see it at once, and the mesh soon.
DRAIN_ACCEPT_SECONDS = 0.2
MESH_DRAIN_ACCEPT_SECONDS = 0.5
STAGES = {"svc_match": 2, "svc_ledger": 3, "svc_quote": 3, "svc_order": 4}
UNIX = "unix:"


@dataclass(frozen=True)
class Wiring:
    """Where a service listens, and where it finds the others: by itself, or through `egress`, its sidecar in the `mesh`."""

    listen: str
    ledger: str
    shards: Mapping[int, str]
    egress: str = ""
    mesh: str = ""


@dataclass(frozen=True)
class Install:
    """Which code a service runs, and whether that follows the events: the stable version alone does."""

    python: str = sys.executable
    version: str = field(default_factory=lambda: version("bourse"))
    stable: bool = True


class Service:
    awaited = False  # Each waits for what it needs, and says when it can serve.
    stop_signal = signal.SIGTERM
    user = None

    def __init__(
        self,
        name: str,
        service: str,
        wiring: Wiring,
        metrics: str,
        credentials: Credentials,
        urls: tuple[str, str],
        install: Install | None = None,
    ) -> None:
        """`name` is the process's (svc_match-0), `urls` those of its database and of NATS."""
        self.name = name
        self.stage = STAGES[service]
        self.address = wiring.listen
        self.metrics = metrics
        self._service = service
        self._wiring = wiring
        self._credentials = credentials
        self._urls = urls
        self._install = install or Install()

    @property
    def version(self) -> str:
        return self._install.version

    @property
    def command(self) -> list[str]:
        return [self._install.python, "-m", self._service]

    @property
    def environment(self) -> Mapping[str, str]:
        """The common variables; settings.py of each service reads those that it needs."""
        wiring = self._wiring
        database, nats = self._urls
        brokers = self._credentials.broker_issuer
        variables = {
            "NAME": self.name,
            "LISTEN": self.address,
            "METRICS_LISTEN": self.metrics,
            "DATABASE_URL": database,
            "NATS_URL": nats,
            "JWKS": str(self._credentials.key_set),
            "JWT_ISSUER": ISSUER,
            "JWT_AUDIENCE": AUDIENCE,
            "BROKER_JWKS": brokers.jwks,
            "BROKER_JWT_ISSUER": brokers.issuer,
            "BROKER_JWT_AUDIENCE": brokers.audience,
            "TOKEN_FILE": str(self._credentials.token_file(self._service)),
            "MATCH_SHARDS": ",".join(f"{shard}={address}" for shard, address in wiring.shards.items()),
            "LEDGER": wiring.ledger,
            "EGRESS": wiring.egress,
            "MESH": wiring.mesh,
            "CONSUME": str(self._install.stable).lower(),
            "LOG_FORMAT": "json",
            "DRAIN_ACCEPT_SECONDS": str(MESH_DRAIN_ACCEPT_SECONDS if wiring.mesh else DRAIN_ACCEPT_SECONDS),
        }
        if self._service == "svc_match":
            variables["SHARD"] = self.name.rpartition("-")[2]
        return {"GRPC_VERBOSITY": "ERROR", **{f"BOURSE_{name}": value for name, value in variables.items()}}

    def prepare(self) -> None:
        """Each service migrates its own schema."""

    def ready(self, pid: int) -> bool:
        """It says SERVING (grpc.health.v1), which it does once it has recovered and is connected."""
        if not pid or not (self.address.startswith(UNIX) or listens(pid, self.address)):
            return False
        with grpc.insecure_channel(self.address, options=(("grpc.use_local_subchannel_pool", 1),)) as channel:
            health: Any = health_pb2_grpc.HealthStub(channel)
            try:
                answer = health.Check(health_pb2.HealthCheckRequest(), timeout=READY_TIMEOUT_SECONDS)
            except grpc.RpcError:
                return False
        serving: bool = answer.status == health_pb2.HealthCheckResponse.SERVING
        return serving
