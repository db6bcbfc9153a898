"""One shard at work: batches are applied, journalled, and only then answered; readers see committed rows alone.

One batch is in flight; the next one gathers meanwhile. Whatever goes wrong between the engine and the journal ends the
process, which recovers from the journal.
"""

import asyncio
import time
from collections import Counter as Tally
from collections.abc import Awaitable, Callable
from contextlib import ExitStack
from dataclasses import replace
from typing import Any, TypeVar

import structlog
from prometheus_client import REGISTRY, CollectorRegistry, Counter, Gauge, Histogram

from chassis import telemetry
from chassis.coalesce import Coalescer
from svc_match.core import events, snapshot
from svc_match.core.books import COMPILED
from svc_match.core.commands import Cancel, MassCancel, Place, RenewLease, Replace
from svc_match.core.engine import REPLAYED, ROW_EVENTS_LIMIT, SEMANTICS, Applied, Engine
from svc_match.core.events import EarlierDate, Reason, Refused, Repeat, Result
from svc_match.core.plain import Executed, execute
from svc_match.core.recent import Recent
from svc_match.ports import Codec, Command, Encoded, Head, Journal, JournalDamaged, NotLeader, Row, Snapshot

BATCH_COMMANDS_LIMIT = 4_096
QUEUE_COMMANDS_LIMIT = 65_536
TICK_SECONDS = 0.4
LOOK_SECONDS = 0.05  # between two looks at whether something is due
TIME_JUMP_LIMIT_US = 60_000_000
SNAPSHOT_EVENTS = 50_000
SNAPSHOT_BYTES = 32 << 20
SNAPSHOT_SMALL_BYTES = 8 << 20
RECENT_BYTES_LIMIT = 32 << 20
READ_BYTES_LIMIT = 2 << 20
TRACES_LIMIT = 64
JOURNAL_SIZE_SECONDS = 10.0

log = structlog.get_logger()
T = TypeVar("T")


def clocks_us() -> tuple[int, int]:
    """The time of day and the monotonic time, in microseconds."""
    return time.time_ns() // 1000, time.monotonic_ns() // 1000


class Meters:
    """What a shard counts."""

    def __init__(self, registry: CollectorRegistry = REGISTRY) -> None:
        self.commands = Counter("match_commands", "Commands taken", ["result"], registry=registry)
        self.fills = Counter("match_fills", "Trades", registry=registry)
        self.batch = Histogram(
            "match_batch_commands", "Commands of a batch", buckets=[4**n for n in range(7)], registry=registry
        )
        self.stage = Histogram(
            "match_stage_seconds",
            "Time of a row",
            ["stage"],
            buckets=[0.0001 * 2**n for n in range(14)],
            registry=registry,
        )
        self.journal_bytes = Gauge(
            "match_journal_table_bytes",
            "Disk space of the journal's table and its indexes, of all shards in it",
            registry=registry,
        )
        self.sequence = Gauge("match_sequence", "Sequence of the last committed event", registry=registry)
        self.compiled = Gauge(
            "match_core_compiled", "1 where the core is compiled, 0 where interpreted", registry=registry
        )
        self.compiled.set(COMPILED)
        self.open_orders = Gauge("match_open_orders", "Open orders", registry=registry)
        self.lag = Gauge("match_published_lag_events", "Events not yet in the stream", ["stream"], registry=registry)

    def answered(self, counts: "Tally[str]") -> None:
        """Counts the commands of a batch that have their results, by kind."""
        if counts:
            self.batch.observe(counts.total())
        for kind, count in counts.items():
            self.commands.labels(kind).inc(count)

    def row(self, fills: int, row: Row) -> None:
        """Counts what a committed row did."""
        self.fills.inc(fills)
        self.sequence.set(row.last_sequence)


class Shard:
    """The use cases of one shard. `recover`, then `work` for ever; `submit`, `read` and `rows` serve callers."""

    def __init__(
        self,
        shard: int,
        journal: Journal,
        codec: Codec,
        meters: Meters,
        *,
        clock: Callable[[], tuple[int, int]] = clocks_us,
        snapshot_events: int = SNAPSHOT_EVENTS,
    ) -> None:
        self.shard = shard
        self.journal = journal
        self.published: dict[str, int] = {}
        self._codec = codec
        self._meters = meters
        self._snapshot_events = snapshot_events
        self._engine = Engine(shard)
        self._recent: Recent[Row] = Recent(RECENT_BYTES_LIMIT)
        self._coalescer = Coalescer(self._run, BATCH_COMMANDS_LIMIT, queue_limit=QUEUE_COMMANDS_LIMIT, fatal=True)
        self._grown = asyncio.Event()
        self._ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._in_flight = False
        self._reads: list[Callable[[], None]] = []
        self._saving: asyncio.Task[None] | None = None
        self._snapshot_sequence = 0
        self._snapshot_bytes = 0
        self._state_bytes = 0
        self._last: Row | None = None
        self.sequence = 0
        self.time_us = 0
        self._committed_at = 0.0
        self._clock = clock
        self._clocks = (0, 0)

    # Callers

    def submit(self, items: list[Command]) -> asyncio.Future[list[Any]]:
        """Queues commands; their results (see Encoded) come in order after their row is committed. See `answers` for repeats."""
        return self._coalescer.submit(items)

    async def answers(self, results: list[Any]) -> list[Any]:
        """The results with first results in place of repeats, from the journal."""
        if not any(type(result) in (Repeat, EarlierDate) for result in results):
            return results
        resolved = [await self._earlier(r) if isinstance(r, EarlierDate) else r for r in results]
        firsts = await self._firsts(sorted({r.sequence for r in resolved if isinstance(r, Repeat)}))
        return [firsts[r.sequence] if isinstance(r, Repeat) else r for r in resolved]

    async def read(self, view: Callable[[Engine], T]) -> T:
        """What `view` sees of the state at the last committed row."""
        if not self._in_flight:
            return view(self._engine)
        answer: asyncio.Future[T] = asyncio.get_running_loop().create_future()

        def look() -> None:
            if not answer.done():
                answer.set_result(view(self._engine))

        self._reads.append(look)
        return await answer

    async def rows(self, sequence: int, bytes_limit: int = READ_BYTES_LIMIT) -> list[Row]:
        """Committed rows from the one that holds `sequence` on, at least one: waits for it when it is the next one.
        Rows from memory come without their commands and identities, which no reader gets.
        """
        while sequence > self.sequence:
            await self._grown.wait()
        recent = self._recent.rows(sequence, bytes_limit)
        return recent or await self._guarded(self.journal.rows(sequence, bytes_limit))

    # The life of the process

    async def recover(self) -> None:
        """Rebuilds the state from the newest good snapshot and the rows behind it, then commits a tick of this
        epoch: before that nothing is answered.
        """
        started = time.monotonic()
        self._engine = await self._newest_snapshot()
        self._snapshot_sequence = self.sequence = self._engine.sequence
        replayed = 0
        while rows := await self.journal.rows(self._engine.sequence + 1, READ_BYTES_LIMIT):
            for row in rows:
                self._replay(row)
                replayed += 1
        self._engine.follow(SEMANTICS)
        self.sequence = self._engine.sequence
        log.info("recovered", sequence=self.sequence, rows=replayed, seconds=round(time.monotonic() - started, 3))
        self._clocks = self._clock()
        await self._run([self._codec.TICK])
        await self.measure()

    async def work(self) -> None:
        """Takes commands and lets time pass for ever; raises when this process leads no more."""
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._coalescer.work())
            tasks.create_task(self._tick())
            tasks.create_task(self._weigh())
            tasks.create_task(self._watch())

    async def measure(self) -> None:
        """Looks how large the journal is by now."""
        self._meters.journal_bytes.set(await self._guarded(self.journal.table_bytes()))

    async def _watch(self) -> None:
        await self._ended

    async def _weigh(self) -> None:
        while True:
            await asyncio.sleep(JOURNAL_SIZE_SECONDS)
            await self.measure()

    async def _tick(self) -> None:
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            idle = time.monotonic() - self._committed_at
            if idle >= TICK_SECONDS or self._engine.is_due(self._clock()[0]):
                await self._coalescer.submit([self._codec.TICK])

    async def _newest_snapshot(self) -> Engine:
        for sequence in await self.journal.snapshots():
            try:
                found = await self.journal.snapshot(sequence)
                if found.semantics != SEMANTICS:
                    raise JournalDamaged(f"snapshot {sequence} has semantics {found.semantics}, not {SEMANTICS}")
                state = bytes(found.state)
                records = await self.journal.identities(*snapshot.identity_range(state))
                engine = snapshot.load(state, records)
            except (JournalDamaged, snapshot.SnapshotDamaged) as error:
                log.error("snapshot_refused", sequence=sequence, why=str(error))
                continue
            self.time_us = found.time_us
            return engine
        return Engine(self.shard)

    def _replay(self, row: Row) -> None:
        what = f"journal row {row.first_sequence} of shard {row.shard}"
        if row.semantics not in REPLAYED:
            raise JournalDamaged(f"{what} has semantics {row.semantics}; this core replays {REPLAYED}")
        self._engine.follow(row.semantics)
        applied = self._apply(self._codec.items(row.commands, row.semantics), row.time_us)
        done = (applied.first_sequence, applied.last_sequence, applied.identities)
        if done != (row.first_sequence, row.last_sequence, row.identities) or row.time_us < self.time_us:
            raise JournalDamaged(f"{what} does not follow from the state before it")
        self.time_us = row.time_us
        self._recent.add(replace(row, commands=b"", identities=b""))
        self._snapshot_bytes += row.size

    # Batches

    async def _run(self, items: list[Command]) -> list[Any]:
        results: list[Any] = []
        self._in_flight = True
        while len(results) < len(items) or self._engine.goes_on:
            results += await self._row(items[len(results) :])
        self._in_flight = False
        reads, self._reads = self._reads, []
        for look in reads:
            look()
        return results

    def _apply(self, items: list[Command], time_us: int) -> Applied | Executed:
        """Applies commands, as many as a row takes: straight, if any is plain, all are of orders, and nothing is due."""
        kinds = set(map(type, items))
        straight = kinds == {bytes} or (bytes in kinds and all(type(i) is bytes or _of_order(i) for i in items))
        if straight and not self._engine.is_due(time_us):
            return execute(self._engine, items, time_us, ROW_EVENTS_LIMIT)
        return self._engine.apply([self._codec.item(item).command for item in items], time_us)

    async def _row(self, items: list[Command]) -> list[Any]:
        """Applies as many of `items` as a row takes, and commits the row if anything happened."""
        started = time.perf_counter()
        time_us = self._now()
        applied = self._apply(items, time_us)
        results, items = applied.results, items[: len(applied.results)]
        counts = None
        if applied.last_sequence < applied.first_sequence:
            counts = Tally(type(result).__name__.lower() for result in results)
            if events.Late() not in results:
                self._meters.answered(counts)
                return results
            items = [self._codec.TICK]
            applied = self._apply(items, time_us)
        with ExitStack() as spans:
            traces = self._traces(items, applied, spans)
            row, encoded = self._encoded(applied, items, time_us, traces)
            ready = time.perf_counter()
            row = await self.journal.append(row)
        self._meters.stage.labels("apply").observe(ready - started)
        self._meters.stage.labels("insert").observe(time.perf_counter() - ready)
        self._meters.answered(encoded.counts if counts is None else counts)
        self._meters.row(encoded.fills, row)
        self._committed(row)
        return encoded.results if counts is None else results

    def _encoded(
        self, applied: Applied | Executed, items: list[Command], time_us: int, traces: list[str]
    ) -> tuple[Row, Encoded]:
        head = Head(self.journal.incarnation, self.journal.epoch, self.shard, time_us)
        encoded = self._codec.encoded(head, self._engine, items, applied)
        row = Row(
            shard=self.shard,
            first_sequence=applied.first_sequence,
            last_sequence=applied.last_sequence,
            incarnation=head.incarnation,
            epoch=head.epoch,
            time_us=time_us,
            semantics=SEMANTICS,
            identity_date=self._engine.last_date,
            commands=encoded.commands,
            identities=applied.identities,
            executions=encoded.executions,
            market_data=[part for _, part in encoded.market_data],
            symbols=[symbol for symbol, _ in encoded.market_data],
            traces=traces,
        )
        return row, encoded

    def _traces(self, items: list[Command], applied: Applied | Executed, spans: ExitStack) -> list[str]:
        """A span for each traced command on record, until its row is committed."""
        traces: list[str] = []
        if telemetry.enabled():
            for item, result in zip(items, applied.results, strict=True):
                traceparent = self._codec.traceparent(item)
                if traceparent and len(traces) < TRACES_LIMIT and (result is None or type(result) in events.ON_RECORD):
                    spans.enter_context(telemetry.span("match", traceparent))
                    traces.append(telemetry.traceparent())
        return traces

    def _committed(self, row: Row) -> None:
        self.sequence, self.time_us = row.last_sequence, row.time_us
        self._last = row
        self._committed_at = time.monotonic()
        self._meters.open_orders.set(self._engine.open_orders)
        self._recent.add(replace(row, commands=b"", identities=b""))
        grown, self._grown = self._grown, asyncio.Event()
        grown.set()
        self._snapshot_bytes += row.size
        due = self.sequence - self._snapshot_sequence >= self._snapshot_events or self._snapshot_bytes >= SNAPSHOT_BYTES
        worth = self._snapshot_bytes + SNAPSHOT_SMALL_BYTES >= self._state_bytes  # rows behind the last one outweigh it
        if due and worth and (self._saving is None or self._saving.done()):
            self._snapshot_sequence, self._snapshot_bytes = self.sequence, 0
            self._saving = asyncio.create_task(self._save())

    async def _save(self) -> None:
        room = await asyncio.to_thread(snapshot.room, snapshot.size(self._engine))
        row, copied = await self.read(lambda engine: (self._last, snapshot.copy(engine, room)))
        self._state_bytes = len(copied.state)
        state = await asyncio.to_thread(snapshot.seal, copied)
        assert row is not None
        taken = Snapshot(self.shard, row.last_sequence, row.epoch, SEMANTICS, row.time_us, row.checksum, state)
        await self._guarded(self.journal.save(taken))
        log.info("snapshot", sequence=row.last_sequence, bytes=len(state))

    def _now(self) -> int:
        """Journal time: the clock, but never back, and not too far ahead of the time that really passed."""
        wall, monotonic = clocks = self._clock()
        jump = wall - self._clocks[0] - (monotonic - self._clocks[1])
        if jump > TIME_JUMP_LIMIT_US:
            raise NotLeader(f"the clock of shard {self.shard} jumped {jump} microseconds ahead")
        self._clocks = clocks
        return max(wall, self.time_us)

    # Repeats

    async def _firsts(self, sequences: list[int]) -> dict[int, events.First]:
        """First results by sequence, each row read and decoded once."""
        found: dict[int, events.First] = {}
        for sequence in sequences:
            if sequence not in found:
                (row, *_) = await self.rows(sequence, 1)
                found |= self._codec.firsts(row.executions, [s for s in sequences if s <= row.last_sequence])
        return found

    async def _earlier(self, result: EarlierDate) -> Result:
        """A command of another date: its first result there, if it has one."""
        refused = Refused(Reason.TRADING_DATE_WRONG, "trading_date", str(result.trading_date))
        if not 0 < result.trading_date < self._engine.last_date:
            return refused
        found = await self._guarded(self.journal.first_result(result.trading_date, result.key, result.digest))
        if found is None:
            return refused
        digest, sequence = found
        return (
            Repeat(sequence) if digest == result.digest else Refused(Reason.CLIENT_ORDER_ID_REUSED, "client_order_id")
        )

    async def _guarded(self, work: Awaitable[T]) -> T:
        """A loss of the journal's connection on any path ends the process."""
        try:
            return await work
        except NotLeader as error:
            if not self._ended.done():
                self._ended.set_exception(error)
            raise


def _of_order(item: Any) -> bool:
    return isinstance(item.command, Place | Cancel | Replace | MassCancel | RenewLease | Refused)
