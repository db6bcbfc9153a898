"""One of our services as a process: its environment is all that it is told."""

import signal
import sys
from collections.abc import Mapping
from importlib.metadata import version

import grpc
from grpc_health.v1 import health_pb2

from cli.machine.credentials import AUDIENCE, ISSUER, Credentials
from cli.machine.home import Layout
from cli.machine.program import listens

READY_TIMEOUT_SECONDS = 1.0
# No balancer has to hear that a process is about to stop: on one machine its callers see it at once.
DRAIN_ACCEPT_SECONDS = 0.2
STAGES = {"svc_match": 1, "svc_ledger": 2, "svc_quote": 2, "svc_order": 3}


class Service:
    stop_signal = signal.SIGTERM
    user = None

    def __init__(
        self, name: str, service: str, layout: Layout, credentials: Credentials, urls: tuple[str, str]
    ) -> None:
        """`name` is the process's (svc_match-0), `urls` those of its database and of NATS."""
        self.name = name
        self.stage = STAGES[service]
        self.address = layout.address(name)
        self.metrics = layout.address(f"{name}.metrics")
        self._service = service
        self._layout = layout
        self._credentials = credentials
        self._urls = urls

    @property
    def version(self) -> str:
        return version("bourse")

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", self._service]

    @property
    def environment(self) -> Mapping[str, str]:
        """The common variables; settings.py of each service reads those that it needs."""
        shards = ((shard, self._layout.address(f"svc_match-{shard}")) for shard in range(self._layout.shards))
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
            "MATCH_SHARDS": ",".join(f"{shard}={address}" for shard, address in shards),
            "LEDGER": self._layout.address("svc_ledger"),
            "LOG_FORMAT": "json",
            "DRAIN_ACCEPT_SECONDS": str(DRAIN_ACCEPT_SECONDS),
        }
        if self._service == "svc_match":
            variables["SHARD"] = self.name.rpartition("-")[2]
        return {"GRPC_VERBOSITY": "ERROR", **{f"BOURSE_{name}": value for name, value in variables.items()}}

    def prepare(self) -> None:
        """Each service migrates its own schema."""

    def ready(self, pid: int) -> bool:
        """It says SERVING (grpc.health.v1), which it does once it has recovered and is connected."""
        if not listens(pid, self.address):
            return False
        with grpc.insecure_channel(self.address, options=(("grpc.use_local_subchannel_pool", 1),)) as channel:
            check = channel.unary_unary(
                "/grpc.health.v1.Health/Check",
                request_serializer=health_pb2.HealthCheckRequest.SerializeToString,
                response_deserializer=health_pb2.HealthCheckResponse.FromString,
            )
            try:
                answer = check(health_pb2.HealthCheckRequest(), timeout=READY_TIMEOUT_SECONDS)
            except grpc.RpcError:
                return False
        serving: bool = answer.status == health_pb2.HealthCheckResponse.SERVING
        return serving
