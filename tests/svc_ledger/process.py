"""svc_ledger as a process, beside a svc_match in this process' memory."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Awaitable, Callable, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bourse.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from bourse.match.v1 import match_pb2, match_pb2_grpc
from chassis.client import channel
from chassis.server import Server
from svc_ledger import wire
from tests.chassis.conftest import MATCH, Keys
from tests.servers import Database
from tests.svc_ledger.desk import INCARNATION, Journal

WAIT_SECONDS = 60.0
POLL_SECONDS = 0.02
RESPONSE_ROWS = 20
NO_NATS = "nats://svc_ledger:x@127.0.0.1:1"
Servicer: Any = match_pb2_grpc.MatchServiceServicer


class Match(Servicer):  # type: ignore[misc]
    """A shard of svc_match whose journal is the given one."""

    def __init__(self, journal: Journal) -> None:
        self.journal = journal

    async def GetShard(self, _request: Any, _context: Any) -> match_pb2.GetShardResponse:  # noqa: N802
        journal = self.journal
        return match_pb2.GetShardResponse(
            shard=journal.shard, incarnation=INCARNATION, sequence=journal.sequence, time_us=journal.time_us
        )

    async def StreamExecutions(self, request: Any, _context: Any) -> AsyncIterator[match_pb2.StreamExecutionsResponse]:  # noqa: N802
        at, rows = 0, self.journal.rows
        while at < len(rows) and wire.decode(rows[at])[1].last < request.from_sequence:
            at += 1
        while True:
            while at >= len(rows):
                await asyncio.sleep(POLL_SECONDS)
            batches = rows[at : at + RESPONSE_ROWS]
            at += len(batches)
            yield match_pb2.StreamExecutionsResponse(batches=batches)


class Ledger:
    """The process, and how to call it."""

    def __init__(self, environment: dict[str, str], address: str, keys: Keys, log: Path) -> None:
        self._environment = environment
        self._keys = keys
        self.log = log
        self.address = address
        self.process: asyncio.subprocess.Process | None = None
        self.operator, self.order = (
            channel(address, token=keys.token()),
            channel(address, token=keys.token("service", "svc_order")),
        )

    def stub(self, **claims: Any) -> Any:
        """A stub for the operator, or for a broker of `participant`."""
        if not claims:
            return ledger_pb2_grpc.LedgerServiceStub(self.operator)
        return ledger_pb2_grpc.LedgerServiceStub(channel(self.address, token=self._keys.token("broker", **claims)))

    async def start(self) -> None:
        """Starts it, and waits until it is ready."""
        with self.log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "svc_ledger", env={**os.environ, **self._environment}, stdout=log, stderr=log
            )
        await until(self.ready)

    async def ready(self) -> bool:
        assert self.process is not None
        assert self.process.returncode is None, self.log.read_text()
        try:
            health: Any = health_pb2_grpc.HealthStub(self.operator)
            answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=1)
        except grpc.aio.AioRpcError:
            return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    async def kill(self) -> None:
        assert self.process is not None
        if self.process.returncode is None:
            self.process.kill()
            await self.process.wait()

    async def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return await self.process.wait()

    async def hold(
        self, requests: Iterable[ledger_pb2.HoldRequest], incarnation: str = INCARNATION
    ) -> list[ledger_pb2.HoldResult]:
        """One batch on a stream of its own."""
        stub = ledger_pb2_grpc.LedgerServiceStub(self.order)

        async def ask() -> AsyncIterator[ledger_pb2.CreateHoldsRequest]:
            yield ledger_pb2.CreateHoldsRequest(incarnation=incarnation, holds=requests)

        return [result async for response in stub.CreateHolds(ask(), timeout=10) for result in response.results]

    async def settled(self, journal: Journal) -> None:
        """Waits until all of the journal is settled."""

        async def there() -> bool:
            try:
                answer = await self.stub().GetSettlement(ledger_pb2.GetSettlementRequest(), timeout=2)
            except grpc.aio.AioRpcError:
                return False
            return any(
                (shard.position.shard, shard.position.sequence) == (journal.shard, journal.sequence)
                for shard in answer.shards
            )

        await until(there)


async def until(condition: Callable[[], Awaitable[bool]]) -> None:
    """Returns when the condition is true."""
    async with asyncio.timeout(WAIT_SECONDS):
        while not await condition():
            await asyncio.sleep(POLL_SECONDS)


@asynccontextmanager
async def ledger(
    postgres: Database, folder: Path, *journals: Journal, nats_url: str = NO_NATS
) -> AsyncIterator[Ledger]:
    """svc_ledger, not started, and the shards that it follows. Without `nats_url` there is no NATS."""
    keys, servers, shards = Keys(folder), [], []
    for journal in journals:
        server = Server("127.0.0.1:0", keys.verifier())
        server.add(MATCH, match_pb2_grpc.add_MatchServiceServicer_to_server, Match(journal))
        await server.start()
        servers.append(server)
        shards.append(f"{journal.shard}=127.0.0.1:{server.port}")
    token = folder / "svc_ledger.jwt"
    token.write_text(keys.token("service", "svc_ledger"))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        address = f"127.0.0.1:{listener.getsockname()[1]}"
    environment = {
        "BOURSE_NAME": "svc_ledger",
        "BOURSE_LISTEN": address,
        "BOURSE_DATABASE_URL": postgres.url("svc_ledger"),
        "BOURSE_NATS_URL": nats_url,
        "BOURSE_JWKS": str(keys.file),
        "BOURSE_JWT_ISSUER": "bourse",
        "BOURSE_JWT_AUDIENCE": "bourse",
        "BOURSE_TOKEN_FILE": str(token),
        "BOURSE_MATCH_SHARDS": ",".join(shards),
        "BOURSE_DRAIN_ACCEPT_SECONDS": "0",
    }
    running = Ledger(environment, address, keys, folder / "svc_ledger.log")
    try:
        yield running
    finally:
        if running.process is not None:
            await running.kill()
        await running.operator.close()
        await running.order.close()
        for server in servers:
            await server.drain()
