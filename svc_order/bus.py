"""JetStream in: history follows exec.<shard>, and the journal where the stream has nothing."""

import asyncio
from collections.abc import Sequence
from functools import partial

import structlog

from bourse.match.v1 import events_pb2
from chassis import telemetry
from chassis.bus import Bus
from chassis.errors import Refusal
from chassis.follow import Batch, Cursor, Follower, IncarnationChanged, Span
from chassis.puller import Puller
from svc_order.app import History
from svc_order.clients import Match
from svc_order.core.reference import Reference
from svc_order.core.refused import Unavailable
from svc_order.ports import Position
from svc_order.wire.chronicle import Chronicle

EVENTS_A_TURN = 256
MESSAGES_A_TRANSACTION = 128
RETRY_SECONDS = 0.5

log = structlog.get_logger()


class Follow:
    """Keeps one shard's history up to the journal, for ever."""

    def __init__(self, shard: int, bus: Bus, match: Match, history: History, reference: Reference) -> None:
        self._shard = shard
        self._bus = bus
        self._match = match
        self._history = history
        self._reference = reference

    async def work(self) -> None:
        """Follows; after any failure it begins again from the stored position. Belongs to a TaskGroup."""
        while True:
            try:
                position = await self._history.load(self._shard)
                await self._follow(position)
            except (IncarnationChanged, Refusal) as why:
                await self._begin_again(str(why))
            except Unavailable as why:
                log.warning("history_stopped", shard=self._shard, error=str(why))
            await asyncio.sleep(RETRY_SECONDS)

    async def _begin_again(self, why: str) -> None:
        """History is derived: if the journal is another one than it was, it is dropped and read anew."""
        try:
            stored = await self._history.load(self._shard)
            state, _ = await self._match.state(self._shard)
            if state.incarnation != stored.incarnation or state.sequence < stored.sequence:
                log.error(
                    "history_begins_again", shard=self._shard, was=stored.incarnation, now=state.incarnation, error=why
                )
                self._reference.load(self._shard, *await self._match.state(self._shard))
                await self._history.reset(self._shard, state.incarnation)
                return
        except Unavailable as error:
            why = str(error)
        log.warning("history_stopped", shard=self._shard, error=why)

    async def _follow(self, position: Position) -> None:
        follower = Follower(
            Cursor(position.incarnation, self._shard, position.sequence),
            decode,
            Puller(self._bus, f"EXEC_{self._shard}", durable="svc_order"),
            partial(self._match.executions, self._shard),
            batch_messages=MESSAGES_A_TRANSACTION,
        )
        await follower.run(partial(self._apply, Chronicle(self._shard, position, self._reference)))

    async def _apply(self, chronicle: Chronicle, batch: Batch[events_pb2.ExecutionBatch]) -> None:
        """Stores a batch in one transaction; order entry gets its turn between every EVENTS_A_TURN events."""
        for fresh in batch.items:
            count = len(fresh.message.events)
            for begin in range(fresh.first_new - fresh.span.first, count, EVENTS_A_TURN):
                chronicle.take(fresh.message, begin, min(begin + EVENTS_A_TURN, count))
                if count > EVENTS_A_TURN:
                    await asyncio.sleep(0)
        position, fold, segments, time_us = chronicle.cut()
        await self._history.append(self._shard, position, fold, segments, time_us)
        if telemetry.enabled():
            _trace([fresh.headers for fresh in batch.items])


def _trace(headers: Sequence[dict[str, str]]) -> None:
    for one in headers:
        for traceparent in filter(None, one.get("traceparents", "").split(",")):
            with telemetry.span("history", traceparent):
                pass


def decode(payload: bytes) -> tuple[events_pb2.ExecutionBatch, Span]:
    """A message of exec.<shard>, and what it covers."""
    batch = events_pb2.ExecutionBatch.FromString(payload)
    return batch, Span(batch.incarnation, batch.shard, batch.first_sequence, batch.last_sequence)
