"""Follows `exec.<shard>`: JetStream first, gaps and silence from svc_match's own stream."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack

import grpc
import structlog

from bourse.match.v1 import events_pb2, match_pb2, match_pb2_grpc
from chassis import telemetry
from chassis.bus import Bus
from chassis.errors import Refusal, from_rpc_error
from chassis.follow import Batch, Cursor, Follower, Fresh, IncarnationChanged
from chassis.puller import Puller
from svc_ledger import metrics, wire
from svc_ledger.app import Holds, Settler
from svc_ledger.core.holds import Refused
from svc_ledger.core.settlement import Unsettleable
from svc_ledger.ports import Conflict, CursorMoved, DatabaseDown, Forbidden

RETRY_MIN_SECONDS = 0.1
RETRY_MAX_SECONDS = 2.0
LISTEN_SECONDS = 1.0
TRACES_HEADER = "traceparents"

log = structlog.get_logger()


class Feed:
    """One shard's executions, settled exactly once and in order, until one cannot be."""

    def __init__(self, shard: int, settler: Settler, holds: Holds, bus: Bus, match: grpc.aio.Channel) -> None:
        self._shard = shard
        self._settler = settler
        self._holds = holds
        self._bus = bus
        self._match = match_pb2_grpc.MatchServiceStub(match)
        self._delay = RETRY_MIN_SECONDS
        self._incarnation = ""

    async def work(self) -> None:
        """Follows until cancelled, or until settlement of the shard has to stop."""
        while True:
            try:
                await self._follow()
            except Unsettleable as error:
                await self._stop(error.sequence, error.reason, error.message)
                return
            except Forbidden as error:
                await self._stop(self._settler.cursor.sequence + 1, "FORBIDDEN", str(error))
                return
            except IncarnationChanged as error:
                await self._stop(self._settler.cursor.sequence + 1, "INCARNATION_CHANGED", str(error))
                return
            except (grpc.RpcError, Refusal, DatabaseDown, Conflict, CursorMoved) as error:
                known = from_rpc_error(error) if isinstance(error, grpc.RpcError) else error
                log.warning("settlement_interrupted", shard=self._shard, error=str(known))
            await asyncio.sleep(self._delay)
            self._delay = min(2 * self._delay, RETRY_MAX_SECONDS)

    async def listen(self) -> None:
        """Hears for ever how far the journal is, so that a lag is known whatever the bus does."""
        while True:
            try:
                state = await self._match.GetShard(match_pb2.GetShardRequest(), timeout=LISTEN_SECONDS)
                self._holds.hear(self._shard, state.time_us)
            except grpc.RpcError as error:
                log.debug("shard_unheard", shard=self._shard, error=str(from_rpc_error(error)))
            await asyncio.sleep(LISTEN_SECONDS)

    async def _follow(self) -> None:
        stored = await self._settler.begin()
        self._incarnation = stored.incarnation
        log.info("following", shard=self._shard, sequence=stored.sequence, incarnation=stored.incarnation)
        cursor = Cursor(stored.incarnation, self._shard, stored.sequence)
        source = Puller(self._bus, f"EXEC_{self._shard}", durable="svc_ledger")
        await Follower(cursor, wire.decode, source, self._fetch).run(self._apply)

    async def _fetch(self, first: int, last: int) -> AsyncGenerator[Sequence[bytes], None]:
        request = match_pb2.StreamExecutionsRequest(
            from_sequence=first, to_sequence=last, incarnation=self._incarnation
        )
        async for response in self._match.StreamExecutions(request):
            yield response.batches

    async def _apply(self, batch: Batch[events_pb2.ExecutionBatch]) -> None:
        self._incarnation = batch.after.incarnation
        self._holds.hear(self._shard, batch.items[-1].message.time_us)
        metrics.SETTLE_BATCH.observe(len(batch.items))
        with ExitStack() as spans, metrics.SETTLE_SECONDS.time():
            if telemetry.enabled():
                for fresh in batch.items:
                    _trace(fresh, spans)
            await self._settler.settle([wire.shard_batch(fresh.message, fresh.first_new) for fresh in batch.items])
        self._delay = RETRY_MIN_SECONDS

    async def _stop(self, sequence: int, reason: str, message: str) -> None:
        why = Refused(reason, message, {"sequence": str(sequence)})
        while True:
            try:
                await self._settler.stop(sequence, why)
                return
            except (DatabaseDown, Conflict) as error:
                log.warning("settlement_interrupted", shard=self._shard, error=str(error))
                await asyncio.sleep(RETRY_MAX_SECONDS)


def _trace(fresh: Fresh[events_pb2.ExecutionBatch], spans: ExitStack) -> None:
    """A span for each traced command of a row."""
    for parent in filter(None, fresh.headers.get(TRACES_HEADER, "").split(",")):
        spans.enter_context(telemetry.span("settle", parent, shard=fresh.span.shard, sequence=fresh.span.last))
