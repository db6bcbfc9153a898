"""Reconciles a running exchange: the exports first, then one pass over each shard's journal and feed."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from bourse.ledger.v1 import ledger_pb2
from bourse.match.v1 import match_pb2
from bourse.order.v1 import order_pb2
from bourse.quote.v1 import quote_pb2
from bourse.types.v1 import market_pb2
from cli.reconcile import checks, feed, journal
from cli.reconcile.alongside import Batch, Copy
from cli.reconcile.breaks import Breaks, Reconciliation
from cli.reconcile.exports import Export, History, Keep, Ledger, Quotes
from cli.reconcile.feed import Feed
from cli.reconcile.journal import Book, Fold
from cli.reconcile.sources import (
    POLL_SECONDS,
    TRANSIENT,
    Sources,
    Unreachable,
    addresses,
    parse_executions,
    parse_market_data,
    reaching,
)
from svc_match.db import row_checksum

SETTLE_SECONDS = 10.0
WAIT_SECONDS = 2.0
EXPORT_SECONDS = 600.0
PROGRESS_SECONDS = 1.0

Progress = Callable[[str], None]


async def reconcile(home: Path, progress: Progress | None = None) -> Reconciliation:
    """Compares everything that the exchange in `home` keeps, while it runs. Raises Unreachable.

    All is compared up to the sequence that each shard had at the start, and each consumer's state at its own cursor
    behind it. Trades and orders are compared by digest; only where some differ a second look shows them in full.
    """
    start = time.monotonic()
    async with Sources(addresses(home)) as sources:
        with reaching("the exchange"):
            await sources.connect()
            look = Look(sources, {}, progress)
            await look.run()
            if look.breaks.suspects:
                look = Look(sources, _keep(look.breaks), progress)
                await look.run()
    return look.outcome(time.monotonic() - start)


async def wait_settled(home: Path, timeout: float) -> dict[int, int]:
    """Waits until every consumer has what each shard has now, and returns these sequences. Raises TimeoutError."""
    async with Sources(addresses(home)) as sources:
        deadline = time.monotonic() + timeout
        sequences = {shard: (await state(sources, shard, deadline)).sequence for shard in sources.shards}
        if behind := await lagging(sources, sequences, deadline):
            raise TimeoutError(f"not settled within {timeout:g} s: {', '.join(behind)} did not reach {sequences}")
        return sequences


def _keep(breaks: Breaks) -> Keep:
    by_shard: defaultdict[int, set[int]] = defaultdict(set)
    for shard, sequence in breaks.suspects:
        by_shard[shard].add(sequence)
    return {shard: frozenset(sequences) for shard, sequences in by_shard.items()}


@dataclass(slots=True)
class Look:
    """One comparison of everything; trades and orders in `keep` are compared, and shown, in full."""

    sources: Sources
    keep: Keep
    progress: Progress | None
    breaks: Breaks = field(default_factory=Breaks)
    counts: Counter[str] = field(default_factory=Counter)
    sequences: dict[int, int] = field(default_factory=dict)
    cursors: dict[str, dict[int, int]] = field(default_factory=dict)
    last: dict[int, int] = field(default_factory=dict)  # What the journal had once the exports were read.
    _told: float = 0.0

    async def run(self) -> None:
        self.sequences = {shard: (await state(self.sources, shard, 0.0)).sequence for shard in self.sources.shards}
        await lagging(self.sources, self.sequences, time.monotonic() + SETTLE_SECONDS)
        exports = await self._exports()
        positions = [await self._shard(shard, *exports) for shard in self.sources.shards]
        checks.balances(self.breaks, positions, exports[0])

    def outcome(self, seconds: float) -> Reconciliation:
        found = dict(self.breaks.found)
        return Reconciliation(self.sequences, self.cursors, dict(self.counts), tuple(self.breaks.kept), found, seconds)

    async def _exports(self) -> tuple[Ledger, History, Quotes]:
        """Each service's own account of itself, the last consumer's cursor not before the shards' sequences."""
        self._tell("reading the exports")
        ledger, history = Ledger(self.breaks, self.keep), History(self.breaks, self.keep)
        quotes = Quotes(self.breaks, self.keep, await symbols(self.sources))
        async for part in self.sources.ledger.ExportLedger(ledger_pb2.ExportLedgerRequest(), timeout=EXPORT_SECONDS):
            ledger.add(part)
        async for orders in self.sources.order.ExportOrders(order_pb2.ExportOrdersRequest(), timeout=EXPORT_SECONDS):
            history.add(orders)
        async for books in self.sources.quote.ExportQuotes(quote_pb2.ExportQuotesRequest(), timeout=EXPORT_SECONDS):
            quotes.add(books)
        now = {shard: await state(self.sources, shard, 0.0) for shard in self.sources.shards}
        for export in (ledger, history, quotes):
            self._position(export, now)
        settlement = await self.sources.ledger.GetSettlement(ledger_pb2.GetSettlementRequest())
        for shard in settlement.shards:
            if shard.HasField("stopped"):
                left, right = ("svc_ledger", shard.stopped.message), ("expected", None)
                self.breaks.add("settlement", shard.position.shard, left, right, sequence=shard.position.sequence)
        return ledger, history, quotes

    def _position(self, export: Export, now: dict[int, match_pb2.GetShardResponse]) -> None:
        """The export is of the present incarnation, not before the sequence to be compared, nor behind the journal's end."""
        self.counts.update(export.counts)
        self.cursors[export.source] = export.cursors
        for shard, sequence in self.sequences.items():
            cursor, last = export.cursors.get(shard, 0), now[shard].sequence
            if not sequence <= cursor <= last:
                range_ = {"sequence": sequence, "last_sequence": last}
                self.breaks.add("cursor", shard, ("svc_match", range_), (export.source, cursor), sequence=cursor)
            found = export.incarnations.get(shard, "")
            if cursor and found != now[shard].incarnation:
                left = "svc_match", now[shard].incarnation
                self.breaks.add("incarnation", shard, left, (export.source, found), sequence=cursor)
            self.last[shard] = last

    async def _shard(self, shard: int, ledger: Ledger, history: History, quotes: Quotes) -> checks.Positions:
        """One pass over the shard's private and public events; returns what its trades moved up to the ledger's cursor."""
        fold = Fold(shard, self.breaks, self.keep.get(shard, frozenset()))
        cursors = [export.cursors.get(shard, 0) for export in (ledger, history, quotes)]
        through = min(max(cursors), self.last[shard])
        positions: checks.Positions = {}
        private: dict[str, Book] = {}

        def reached() -> None:
            nonlocal positions, private
            if fold.sequence == cursors[0]:
                checks.trades(self.breaks, fold, ledger)
                checks.holds(self.breaks, fold, ledger)
                positions = dict(fold.positions)
            if fold.sequence == cursors[1]:
                checks.orders(self.breaks, fold, history)
            if fold.sequence == cursors[2]:
                private = fold.books()

        await self._fold(fold, through, sorted({*cursors, through}), reached)
        await self._feed(fold, Feed(shard, self.breaks, fold.finished.keep), quotes, private, through)
        self.counts.update(fold.counts)
        return positions

    async def _fold(self, fold: Fold, through: int, stops: list[int], reached: Callable[[], None]) -> None:
        """Folds the private events, stopping at each of `stops`; beside it the stored rows and JetStream."""
        shard = fold.shard
        if stops[0] == 0:
            reached()
        copies = await self._copies(shard, self._stored_executions(shard), f"EXEC_{shard}", parse_executions)
        async for message in self._journalled(shard, self.sources.executions(shard, through)):
            batch = parse_executions(message)
            for copy in copies:
                await copy.check(message, batch)
            self.counts["events"] += len(batch.events)
            self.counts["execution_messages"] += 1
            for stop in stops:
                if fold.sequence < stop <= batch.last_sequence:
                    fold.apply(batch, stop)
                    reached()
            if fold.sequence < batch.last_sequence:
                fold.apply(batch, through)
            self._tell(f"shard {shard}: {fold.sequence:,} of {through:,} events")
        for copy in copies:
            await copy.finish()

    async def _feed(self, fold: Fold, public: Feed, quotes: Quotes, private: dict[str, Book], through: int) -> None:
        """Folds the public events, and compares them with the private ones and with svc_quote at its cursor."""
        shard, cursor = public.shard, quotes.cursors.get(public.shard, 0)
        copies = await self._copies(shard, self._stored_market_data(shard), f"MD_{shard}", parse_market_data)
        async for message in self._journalled(shard, self.sources.market_data(shard, through)):
            batch = parse_market_data(message)
            for copy in copies:
                await copy.check(message, batch)
            before = public.sequence
            public.apply(batch)
            self.counts["market_data_messages"] += 1
            if before < cursor <= public.sequence:
                self._books(public, quotes, private)
            self._tell(f"shard {shard}: {public.sequence:,} of {through:,} events made public")
        for copy in copies:
            await copy.finish()
        checks.public_trades(self.breaks, fold, public, fold.sequence)
        checks.quote_trades(self.breaks, public, quotes, cursor)
        self.counts.update(public.counts)

    async def _journalled(self, shard: int, messages: AsyncIterator[bytes]) -> AsyncIterator[bytes]:
        """The messages; where svc_match has to end the stream itself, that is a break."""
        try:
            async for message in messages:
                yield message
        except grpc.aio.AioRpcError as error:
            if error.code() in TRANSIENT:
                raise
            left = "svc_match", f"{error.code().name} {error.details()}"
            self.breaks.add("stream", shard, left, ("expected", "every row of the journal"))

    async def _copies(
        self, shard: int, stored: AsyncGenerator[bytes, None], stream: str, parse: Callable[[bytes], Batch]
    ) -> tuple[Copy, Copy]:
        """The messages as they are stored, and as they were published."""
        ended = asyncio.Event()
        published = self.sources.published(stream, ended)
        kept_since_us = await self.sources.kept_since_us(stream)
        return (
            Copy("journal row", "row", shard, parse, stored, self.breaks, ended),
            Copy(stream, "message", shard, parse, published, self.breaks, ended, kept_since_us),
        )

    async def _stored_executions(self, shard: int) -> AsyncGenerator[bytes, None]:
        """The private messages of each row, which is checked."""
        async for row in self.sources.rows(shard):
            checksum = row_checksum(row)
            if checksum != row.checksum:
                left, right = ("its checksum", row.checksum.hex()), ("checksum of its fields", checksum.hex())
                self.breaks.add("row", shard, left, right, sequence=row.first_sequence)
            self.counts["rows"] += 1
            for message in row.executions:
                yield message

    async def _stored_market_data(self, shard: int) -> AsyncGenerator[bytes, None]:
        async for row in self.sources.rows(shard):
            for message in row.market_data:
                yield message

    def _books(self, public: Feed, quotes: Quotes, private: dict[str, Book]) -> None:
        feeds = (feed.SOURCE, public.books)
        shard, sequence = public.shard, public.sequence
        quoted = {symbol: book for symbol, book in quotes.books.items() if quotes.shards.get(symbol) == shard}
        checks.books(self.breaks, "feed_depth", shard, (f"{journal.SOURCE}'s open orders", private), feeds, sequence)
        checks.books(self.breaks, "quote_depth", shard, feeds, (quotes.source, quoted), sequence)
        self.counts["levels"] += sum(map(len, private.values()))

    def _tell(self, line: str) -> None:
        if self.progress is not None and time.monotonic() - self._told >= PROGRESS_SECONDS:
            self._told = time.monotonic()
            self.progress(line)


async def symbols(sources: Sources) -> dict[str, int]:
    """The shard of each instrument."""
    request = match_pb2.ListInstrumentsRequest()
    lists = {shard: await match.ListInstruments(request) for shard, match in sources.match.items()}
    return {entry.instrument.symbol: shard for shard, found in lists.items() for entry in found.instruments}


async def state(sources: Sources, shard: int, deadline: float) -> match_pb2.GetShardResponse:
    """The shard's state; a shard that is being restarted is waited for."""
    while True:
        try:
            return await sources.match[shard].GetShard(match_pb2.GetShardRequest())
        except grpc.aio.AioRpcError as error:
            if error.code() not in TRANSIENT or time.monotonic() > deadline:
                raise Unreachable(f"svc_match-{shard}: {error.code().name} {error.details()}") from error
        await asyncio.sleep(POLL_SECONDS)


async def lagging(sources: Sources, sequences: dict[int, int], deadline: float) -> list[str]:
    """Waits for every consumer to be at `sequences`, and names those that were not there in time."""
    has = {"svc_ledger": _ledger_has, "svc_order": _history_has, "svc_quote": _quotes_have, "JetStream": _published}
    while True:
        behind = []
        for name, reached in has.items():
            try:
                if not await reached(sources, sequences):
                    behind.append(name)
            except grpc.aio.AioRpcError as error:
                if error.code() not in TRANSIENT:
                    raise
                behind.append(name)
        if not behind or time.monotonic() > deadline:
            return behind
        has = {name: has[name] for name in behind}
        await asyncio.sleep(POLL_SECONDS)


async def _ledger_has(sources: Sources, sequences: dict[int, int]) -> bool:
    settlement = await sources.ledger.GetSettlement(ledger_pb2.GetSettlementRequest())
    positions = {shard.position.shard: shard.position.sequence for shard in settlement.shards}
    return all(positions.get(shard, 0) >= sequence for shard, sequence in sequences.items())


async def _history_has(sources: Sources, sequences: dict[int, int]) -> bool:
    positions = [market_pb2.ShardSequence(shard=shard, sequence=sequence) for shard, sequence in sequences.items()]
    request = order_pb2.ListOrdersRequest(page_size=1, min_sequences=positions)
    await sources.order.ListOrders(request, timeout=WAIT_SECONDS)
    return True


async def _quotes_have(sources: Sources, sequences: dict[int, int]) -> bool:
    """Asks for one instrument of each shard; a shard without one has no quotes."""
    for symbol, shard in {shard: (symbol, shard) for symbol, shard in (await symbols(sources)).items()}.values():
        request = quote_pb2.GetTopOfBookRequest(symbol=symbol, min_sequence=sequences[shard])
        await sources.quote.GetTopOfBook(request, timeout=WAIT_SECONDS)
    return True


async def _published(sources: Sources, sequences: dict[int, int]) -> bool:
    states = [await sources.match[shard].GetShard(match_pb2.GetShardRequest()) for shard in sequences]
    return all(found.published_sequence >= sequences[found.shard] for found in states)
