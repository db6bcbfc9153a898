"""Reading a shard's numbered messages exactly once and in order, whatever the stream that brings them does.

The cursor rule: what lies before the cursor is a repeat and is skipped; of a message that begins before it
and ends behind it only the part behind is new; before a gap is passed, it is fetched from the journal.
"""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, Awaitable, Callable, Sequence
from contextlib import aclosing
from dataclasses import dataclass, replace
from enum import Enum, auto
from typing import Generic, Protocol, TypeAlias, TypeVar

import grpc
import structlog

from chassis.errors import Refusal, from_rpc_error

STALL_SECONDS = 2.0
BATCH_MESSAGES = 256
RETRY_MIN_SECONDS = 0.1
RETRY_MAX_SECONDS = 2.0
FETCH_SECONDS = 10.0
WAITING_LISTS = 2
# What the journal says for good: the cursor is ahead of it, of another incarnation, or not ours to read.
FINAL_CODES = frozenset(
    {
        grpc.StatusCode.OUT_OF_RANGE,
        grpc.StatusCode.FAILED_PRECONDITION,
        grpc.StatusCode.INVALID_ARGUMENT,
        grpc.StatusCode.PERMISSION_DENIED,
        grpc.StatusCode.UNIMPLEMENTED,
    }
)

log = structlog.get_logger()
M = TypeVar("M")


class IncarnationChanged(Exception):
    """The messages are of another incarnation than the cursor: a backup was restored; reset and start over."""


@dataclass(frozen=True, slots=True)
class Span:
    """What a message covers: sequences `first` to `last` of a shard; `part` of the `parts` messages that cover it."""

    incarnation: str
    shard: int
    first: int
    last: int
    part: int = 0
    parts: int = 1


class Verdict(Enum):
    """What a message is to a cursor."""

    NEW = auto()
    REPEAT = auto()
    GAP = auto()


@dataclass(frozen=True, slots=True)
class Cursor:
    """All up to `sequence` is applied, and `part` parts of the row behind it. An empty incarnation takes any."""

    incarnation: str
    shard: int
    sequence: int = 0
    part: int = 0

    def judge(self, span: Span) -> Verdict:
        """Whether the message comes next, came before, or something before it is missing."""
        if self.incarnation and span.incarnation != self.incarnation:
            raise IncarnationChanged(f"shard {span.shard}: {span.incarnation} is not {self.incarnation}")
        assert span.shard == self.shard, f"a message of shard {span.shard} for a cursor of shard {self.shard}"
        if span.last <= self.sequence:
            return Verdict.REPEAT
        if span.first > self.sequence + 1 or span.part > self.part:
            return Verdict.GAP
        return Verdict.NEW if span.part == self.part else Verdict.REPEAT

    def after(self, span: Span) -> "Cursor":
        """The cursor once a NEW message is applied."""
        if span.part + 1 < span.parts:
            return replace(self, incarnation=span.incarnation, part=span.part + 1)
        return Cursor(span.incarnation, self.shard, span.last)


@dataclass(frozen=True, slots=True)
class Fresh(Generic[M]):
    """A new message. Only sequences from `first_new` on are new: more than `span.first` when it overlaps the cursor."""

    message: M
    span: Span
    first_new: int
    headers: dict[str, str]


@dataclass(frozen=True, slots=True)
class Batch(Generic[M]):
    """Contiguous new messages, and the cursor to store with them in the same transaction."""

    items: list[Fresh[M]]
    before: Cursor
    after: Cursor


Apply: TypeAlias = Callable[[Batch[M]], Awaitable[None]]


class Delivery(Protocol):
    """A message as a bus delivers it."""

    @property
    def payload(self) -> bytes: ...
    @property
    def headers(self) -> dict[str, str]: ...
    async def acknowledge(self) -> None: ...


class Follower(Generic[M]):
    """Brings a reader everything behind its cursor, exactly once, in order, from a bus and from the journal.

    `decode(payload)` gives a message and its span. `source` yields lists of deliveries for ever.
    `fetch(from_sequence, to_sequence)` is an async generator of lists of payloads from the journal; to 0 it
    goes on for ever. It may raise grpc.RpcError or Refusal: tried again, unless the code is in FINAL_CODES.
    When the bus brings nothing for `stall_seconds`, the journal is read directly until the bus brings
    something again, so neither a lost tail nor a dead bus holds a reader back.
    """

    def __init__(
        self,
        cursor: Cursor,
        decode: Callable[[bytes], tuple[M, Span]],
        source: AsyncIterable[Sequence[Delivery]],
        fetch: Callable[[int, int], AsyncGenerator[Sequence[bytes], None]],
        *,
        stall_seconds: float = STALL_SECONDS,
        batch_messages: int = BATCH_MESSAGES,
    ) -> None:
        self.cursor = cursor
        self._position = cursor
        self._items: list[Fresh[M]] = []
        self._decode = decode
        self._source = source
        self._fetch = fetch
        self._stall_seconds = stall_seconds
        self._batch_messages = batch_messages
        self._lists: asyncio.Queue[Sequence[Delivery]] = asyncio.Queue(WAITING_LISTS)

    async def run(self, apply: Apply[M]) -> None:
        """Calls `apply` with each batch; deliveries are acknowledged after it returns. Ends only by raising:
        IncarnationChanged, or what `apply` raises (nothing of that batch is acknowledged).
        """
        pump = asyncio.create_task(self._pump())
        try:
            while True:
                await self._step(apply, pump)
        finally:
            pump.cancel()
            await asyncio.wait({pump})

    async def _pump(self) -> None:
        async for deliveries in self._source:
            await self._lists.put(deliveries)

    async def _step(self, apply: Apply[M], pump: asyncio.Task[None]) -> None:
        try:
            async with asyncio.timeout(self._stall_seconds):
                deliveries = await self._lists.get()
        except TimeoutError:
            if pump.done():
                pump.result()
            await self._read_journal(apply)
            return
        while not self._lists.empty() and len(deliveries) < self._batch_messages:
            deliveries = [*deliveries, *self._lists.get_nowait()]
        for delivery in deliveries:
            await self._admit(self._decode(delivery.payload), delivery.headers, apply)
        await self._flush(apply)
        await deliveries[-1].acknowledge()

    async def _admit(self, decoded: tuple[M, Span], headers: dict[str, str], apply: Apply[M]) -> None:
        message, span = decoded
        while self._position.judge(span) is Verdict.GAP:
            await self._flush(apply)
            missing_before_row = span.first > self.cursor.sequence + 1
            await self._fill(span.first - 1 if missing_before_row else span.last, apply)
        self._push(message, span, headers)

    def _push(self, message: M, span: Span, headers: dict[str, str]) -> None:
        if self._position.judge(span) is Verdict.NEW:
            first_new = max(span.first, self._position.sequence + 1)
            self._items.append(Fresh(message, span, first_new, headers))
            self._position = self._position.after(span)

    async def _flush(self, apply: Apply[M]) -> None:
        if self._items:
            await apply(Batch(self._items, self.cursor, self._position))
            self._items = []
        self.cursor = self._position

    async def _fill(self, to_sequence: int, apply: Apply[M]) -> None:
        """Applies the journal up to `to_sequence`; tries until it is there."""
        delay = RETRY_MIN_SECONDS
        log.info("gap", shard=self.cursor.shard, after=self.cursor.sequence, until=to_sequence)
        while self.cursor.sequence < to_sequence:
            async for _ in self._journal(to_sequence, FETCH_SECONDS, apply):
                delay = RETRY_MIN_SECONDS
            if self.cursor.sequence < to_sequence:
                await asyncio.sleep(delay)
                delay = min(2 * delay, RETRY_MAX_SECONDS)

    async def _read_journal(self, apply: Apply[M]) -> None:
        """Applies the journal as it grows, until the bus brings something or the journal falls silent."""
        async for _ in self._journal(0, self._stall_seconds, apply):
            if not self._lists.empty():
                return

    async def _journal(self, to_sequence: int, patience_seconds: float, apply: Apply[M]) -> AsyncGenerator[None, None]:
        """Yields after each applied response; ends when the journal does, is silent, or cannot be reached."""
        try:
            async with aclosing(self._fetch(self.cursor.sequence + 1, to_sequence)) as responses:
                while True:
                    async with asyncio.timeout(patience_seconds):
                        payloads = await anext(responses)
                    for payload in payloads:
                        message, span = self._decode(payload)
                        assert self._position.judge(span) is not Verdict.GAP, f"the journal skipped to {span}"
                        self._push(message, span, {})
                    await self._flush(apply)
                    yield
        except (StopAsyncIteration, TimeoutError):
            return
        except (Refusal, grpc.RpcError) as error:
            refusal = from_rpc_error(error) if isinstance(error, grpc.RpcError) else error
            if refusal.code in FINAL_CODES:
                raise refusal from error
            log.info("journal_unreachable", shard=self.cursor.shard, error=str(refusal))
