"""Reconciles a running exchange: the exports first, then one pass over each shard's journal and feed."""

import asyncio
import time
from collections import Counter, defaultdict
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field
from pathlib import Path

import grpc

from bourse.ledger.v1 import ledger_pb2
from bourse.order.v1 import order_pb2
from bourse.quote.v1 import quote_pb2
from cli.reconcile import checks, feed, journal
from cli.reconcile.alongside import Batch, Copy
from cli.reconcile.breaks import Breaks, Reconciliation
from cli.reconcile.exports import History, Keep, Ledger, Quotes
from cli.reconcile.feed import Feed
from cli.reconcile.journal import Book, Fold
from cli.reconcile.settled import lagging, state, symbols
from cli.reconcile.sources import (
    TRANSIENT,
    Addresses,
    Sources,
    Unreachable,
    addresses,
    parse_executions,
    parse_market_data,
    reaching,
)
from svc_match.db import row_checksum

SETTLE_SECONDS = 10.0
REACH_SECONDS = 5.0
RETRY_SECONDS = 0.25
EXPORT_SECONDS = 600.0
PROGRESS_SECONDS = 1.0

Progress = Callable[[str], None]


async def reconcile(home: Path, progress: Progress | None = None) -> Reconciliation:
    """Compares everything that the exchange in `home` keeps, while it runs.

    All is compared up to the sequence that each shard had at the start, and each consumer's state at its own cursor
    behind it. What cannot be reached is tried again for REACH_SECONDS: it may just be restarting. Then the outcome is
    that of the stored rows alone if one of them is damaged (svc_match does not start on such a journal), else Unreachable.
    """
    start, where = time.monotonic(), addresses(home)
    while True:
        try:
            look = await _compared(where, progress)
        except Unreachable:
            if time.monotonic() - start > REACH_SECONDS:
                look = await _stored(where)
                if not look.breaks.found:
                    raise
                break
            await asyncio.sleep(RETRY_SECONDS)
        else:
            break
    return look.outcome(time.monotonic() - start)


async def _compared(where: Addresses, progress: Progress | None) -> "Look":
    """Trades and orders are compared by digest; only where some differ a second look shows them in full."""
    async with Sources(where) as sources:
        with reaching("the exchange"):
            await sources.connect()
            look = Look(sources, {}, progress)
            await look.run()
            if look.breaks.suspects:
                look = Look(sources, _keep(look.breaks), progress)
                await look.run()
            return look


async def _stored(where: Addresses) -> "Look":
    """The rows of the journal, without svc_match."""
    async with Sources(where) as sources:
        with reaching("PostgreSQL"):
            await sources.connect()
            look = Look(sources, {}, None)
            for shard in sources.shards:
                async for _ in look.stored_executions(shard):
                    look.counts["execution_messages"] += 1
            return look


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
        self.last = {shard: found.sequence for shard, found in now.items()}
        for export in (ledger, history, quotes):
            self.counts.update(export.counts)
            self.cursors[export.source] = export.cursors
            for shard, found in now.items():
                checks.position(self.breaks, export, shard, (self.sequences[shard], found.sequence), found.incarnation)
        settlement = await self.sources.ledger.GetSettlement(ledger_pb2.GetSettlementRequest())
        for settled in settlement.shards:
            if settled.HasField("stopped"):
                left, right = ("svc_ledger", settled.stopped.message), ("expected", None)
                self.breaks.add("settlement", settled.position.shard, left, right, sequence=settled.position.sequence)
        return ledger, history, quotes

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
                checks.drop_copy(self.breaks, fold, history)
            if fold.sequence == cursors[2]:
                private = fold.books()

        await self._fold(fold, through, sorted({*cursors, through}), reached)
        checks.complete(self.breaks, shard, journal.SOURCE, fold.sequence, through)
        await self._feed(fold, Feed(shard, self.breaks, fold.finished.keep), quotes, private, through)
        self.counts.update(fold.counts)
        return positions

    async def _fold(self, fold: Fold, through: int, stops: list[int], reached: Callable[[], None]) -> None:
        """Folds the private events, stopping at each of `stops`; beside it the stored rows and JetStream."""
        shard = fold.shard
        if stops[0] == 0:
            reached()
        copies = await self._copies(shard, self.stored_executions(shard), f"EXEC_{shard}", parse_executions)
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
        checks.complete(self.breaks, shard, feed.SOURCE, public.sequence, through)
        checks.public(self.breaks, fold, public, fold.sequence)
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

    async def stored_executions(self, shard: int) -> AsyncGenerator[bytes, None]:
        """The private messages of each row, which is checked: it is whole, and follows the one before it."""
        last = 0
        async for row in self.sources.rows(shard):
            checksum, sequence = row_checksum(row), row.first_sequence
            if checksum != row.checksum:
                left, right = ("its checksum", row.checksum.hex()), ("checksum of its fields", checksum.hex())
                self.breaks.add("row", shard, left, right, sequence=sequence)
            if sequence != last + 1:
                ends, begins = ("row before it", last), ("journal row", sequence)
                self.breaks.add("row", shard, ends, begins, sequence=sequence)
            last = row.last_sequence
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
        checks.books(
            self.breaks, "feed_depth", shard, (f"{journal.SOURCE}'s displayed orders", private), feeds, sequence
        )
        checks.books(self.breaks, "quote_depth", shard, feeds, (quotes.source, quoted), sequence)
        checks.auctions(self.breaks, public, quotes, sequence)
        self.counts["levels"] += sum(map(len, private.values()))

    def _tell(self, line: str) -> None:
        if self.progress is not None and time.monotonic() - self._told >= PROGRESS_SECONDS:
            self._told = time.monotonic()
            self.progress(line)
