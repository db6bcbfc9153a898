"""Follows `md.<shard>.>`: JetStream first, gaps and silence from svc_match's own stream."""

import asyncio
from collections.abc import AsyncGenerator, Sequence
from contextlib import ExitStack

import grpc
import structlog
from google.protobuf.message import DecodeError

from bourse.match.v1 import events_pb2, match_pb2, match_pb2_grpc
from chassis import telemetry
from chassis.bus import Bus
from chassis.errors import Refusal, from_rpc_error
from chassis.follow import Batch, Cursor, Follower, Fresh, IncarnationChanged, Span
from chassis.puller import Puller
from svc_quote import wire
from svc_quote.app import Quotes
from svc_quote.core.events import Broken

RETRY_MIN_SECONDS = 0.1
RETRY_MAX_SECONDS = 2.0
TRACES_HEADER = "traceparents"

log = structlog.get_logger()


class Feed:
    """One shard's market data, applied exactly once and in order, for ever."""

    def __init__(self, number: int, quotes: Quotes, bus: Bus, match: grpc.aio.Channel) -> None:
        self.journal_sequence = 0
        self._number = number
        self._quotes = quotes
        self._bus = bus
        self._match = match_pb2_grpc.MatchServiceStub(match)
        self._delay = RETRY_MIN_SECONDS
        self._incarnation = ""

    async def work(self) -> None:
        """Follows until cancelled; what cannot follow is dropped and rebuilt from the journal's start."""
        while True:
            try:
                await self._follow()
            except (grpc.RpcError, Refusal, IncarnationChanged) as error:
                refusal = from_rpc_error(error) if isinstance(error, grpc.RpcError) else error
                log.warning("feed_interrupted", shard=self._number, error=str(refusal))
            except Broken as error:
                log.error("feed_broken", shard=self._number, error=str(error))
                await self._quotes.drop(self._number, "feed_broken")
            await asyncio.sleep(self._delay)
            self._delay = min(2 * self._delay, RETRY_MAX_SECONDS)

    async def _follow(self) -> None:
        state = await self._match.GetShard(match_pb2.GetShardRequest(), wait_for_ready=True)
        self.journal_sequence = state.sequence
        self._incarnation = state.incarnation
        shard = await self._quotes.begin(self._number, state.incarnation, state.sequence)
        log.info("following", shard=self._number, sequence=shard.sequence, journal=state.sequence)
        cursor = Cursor(state.incarnation, self._number, shard.sequence)
        source = Puller(self._bus, f"MD_{self._number}")
        await Follower(cursor, self._decode, source, self._fetch).run(self._apply)

    def _decode(self, payload: bytes) -> tuple[events_pb2.MarketDataBatch, Span]:
        """The message; an unreadable one counts as lost, so it is fetched from the journal."""
        try:
            return wire.decode(payload)
        except DecodeError as error:
            log.error("message_unreadable", shard=self._number, size=len(payload), error=str(error))
            return events_pb2.MarketDataBatch(), Span(self._incarnation, self._number, 0, 0)

    async def _fetch(self, first: int, last: int) -> AsyncGenerator[Sequence[bytes], None]:
        request = match_pb2.StreamMarketDataRequest(
            from_sequence=first, to_sequence=last, incarnation=self._incarnation
        )
        async for response in self._match.StreamMarketData(request):
            yield response.batches

    async def _apply(self, batch: Batch[events_pb2.MarketDataBatch]) -> None:
        with ExitStack() as spans:
            if telemetry.enabled():
                for fresh in batch.items:
                    _trace(fresh, spans)
            parts = [wire.part(fresh.message, fresh.first_new) for fresh in batch.items]
            await self._quotes.apply(self._number, parts)
        if self._quotes.shards[self._number].date_missing:
            state = await self._match.GetShard(match_pb2.GetShardRequest())
            self._quotes.shards[self._number].open_date(state.trading_date)
        self._delay = RETRY_MIN_SECONDS
        self.journal_sequence = max(self.journal_sequence, batch.items[-1].span.last)


def _trace(fresh: Fresh[events_pb2.MarketDataBatch], spans: ExitStack) -> None:
    """A span for each traced command of a row, by its last part."""
    if fresh.span.part + 1 == fresh.span.parts:
        for parent in filter(None, fresh.headers.get(TRACES_HEADER, "").split(",")):
            spans.enter_context(telemetry.span("apply", parent, shard=fresh.span.shard, sequence=fresh.span.last))
