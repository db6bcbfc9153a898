"""JetStream out: two publishers that follow the journal. A stream that is lost or is another's is made again from it."""

import asyncio
from collections.abc import Callable, Iterator
from dataclasses import dataclass

import structlog
from nats.js.errors import Error as StreamError

from chassis.bus import Bus, BusDown, Message
from svc_match.app import Meters, Shard
from svc_match.ports import JournalDamaged, Row
from svc_match.wire.executions import last_of_executions
from svc_match.wire.market_data import last_of_market_data

RETRY_SECONDS = 0.25
PAGE_BYTES = 4 << 20

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Position:
    """The next thing to publish: part `part` of the row that holds `sequence`."""

    sequence: int
    part: int = 0


@dataclass(frozen=True, slots=True)
class Feed:
    """One of the two streams: how a row is cut into messages, and how the stream's last message is read."""

    stream: str
    subjects: list[str]
    messages: Callable[[Row], list[tuple[str, bytes]]]
    behind: Callable[[bytes], tuple[str, Position]]


def executions(shard: int) -> Feed:
    """`exec.<shard>`: each message covers sequences of its own."""

    def behind(payload: bytes) -> tuple[str, Position]:
        incarnation, last = last_of_executions(payload)
        return incarnation, Position(last + 1)

    subject = f"exec.{shard}"
    return Feed(f"EXEC_{shard}", [subject], lambda row: [(subject, part) for part in row.executions], behind)


def market_data(shard: int) -> Feed:
    """`md.<shard>.<symbol>`: the messages of a row are its parts."""

    def behind(payload: bytes) -> tuple[str, Position]:
        incarnation, last, part, parts = last_of_market_data(payload)
        return incarnation, Position(last, part + 1) if part + 1 < parts else Position(last + 1)

    def messages(row: Row) -> list[tuple[str, bytes]]:
        return [(f"md.{shard}.{symbol}", part) for symbol, part in zip(row.symbols, row.market_data, strict=True)]

    return Feed(f"MD_{shard}", [f"md.{shard}.>"], messages, behind)


class Publisher:
    """Keeps one stream equal to the journal, from the stream's own last message on; delays no reply."""

    def __init__(self, bus: Bus, shard: Shard, feed: Feed, meters: Meters) -> None:
        self._bus = bus
        self._shard = shard
        self._feed = feed
        self._lag = meters.lag.labels(feed.stream)
        self._lag.set_function(lambda: shard.sequence - shard.published[feed.stream])
        shard.published[feed.stream] = 0

    async def work(self) -> None:
        """Publishes for ever; whatever NATS does, it starts again from what the stream has."""
        while True:
            await self._bus.wait_connected()
            try:
                await self._follow(await self._attach())
            except (BusDown, JournalDamaged) as error:
                log.warning("publishing_interrupted", stream=self._feed.stream, why=str(error))
                await asyncio.sleep(RETRY_SECONDS)

    async def _attach(self) -> Message:
        """The last message of a stream that continues this journal."""
        name = self._feed.stream
        await self._bus.ensure_stream(name, self._feed.subjects)
        last = await self._bus.last_message(name)
        if last.payload:
            incarnation, position = self._feed.behind(last.payload)
            if incarnation == self._shard.journal.incarnation and position.sequence <= self._shard.sequence + 1:
                return last
            log.error("stream_of_another_journal", stream=name, incarnation=incarnation, sequence=position.sequence)
            try:
                await self._bus.jetstream().delete_stream(name)
            except StreamError as error:
                raise BusDown(str(error)) from error
            await self._bus.ensure_stream(name, self._feed.subjects)
            last = await self._bus.last_message(name)
        return last

    async def _follow(self, last: Message) -> None:
        stream_sequence = last.sequence
        position = self._feed.behind(last.payload)[1] if last.payload else Position(1)
        self._shard.published[self._feed.stream] = position.sequence - 1
        log.info("publishing", stream=self._feed.stream, sequence=position.sequence)
        while True:
            rows = await self._shard.rows(position.sequence, PAGE_BYTES)
            acknowledgements = []
            for subject, payload, traces in self._messages(rows, position):
                headers = {"traceparents": ",".join(traces)} if traces else None
                acknowledgements.append(
                    await self._bus.publish(subject, payload, headers, expected_last_sequence=stream_sequence)
                )
                stream_sequence += 1
            for failed in await asyncio.gather(*acknowledgements, return_exceptions=True):
                if isinstance(failed, BaseException):
                    raise failed
            position = Position(rows[-1].last_sequence + 1)
            self._shard.published[self._feed.stream] = rows[-1].last_sequence

    def _messages(self, rows: list[Row], position: Position) -> Iterator[tuple[str, bytes, list[str]]]:
        """What of the rows is not in the stream yet."""
        for row in rows:
            for part, (subject, payload) in enumerate(self._feed.messages(row)):
                if row is rows[0] and part < position.part:
                    continue
                begun = row is rows[0] and position.sequence > row.first_sequence and not position.part
                if begun and self._feed.behind(payload)[1].sequence <= position.sequence:
                    continue
                yield subject, payload, row.traces
