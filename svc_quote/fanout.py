"""Streams to any number of readers. A change is encoded once for all readers that are in step.

A reader of states is remembered by which instruments changed since its last response, and of a book by one
symbol_sequence; a reader of trades by one symbol_sequence. So a slow one costs nothing: while its response
waits for it (gRPC's flow control), no other is made for it.
"""

import asyncio
from collections.abc import AsyncGenerator, Callable, Iterator, Sequence
from contextlib import contextmanager

from svc_quote import wire
from svc_quote.app import Place, Quotes
from svc_quote.core.events import Indicative, Level
from svc_quote.core.market import Changed, Market
from svc_quote.core.refused import Refused, not_ready
from svc_quote.core.shard import Shard

STREAMS_LIMIT = 1000
LEVELS_LIMIT = 10_000
TRADES_A_RESPONSE = 1000
FROM_NOW = -1


class Progress:
    """How far a stream of trades is: up to symbol_sequence `sent`, FROM_NOW until it is known."""

    sent = FROM_NOW


class Reader:
    """A stream's place: which of its instruments changed, and whether they are gone."""

    __slots__ = ("_woken", "gone", "news")

    def __init__(self) -> None:
        self.news: set[str] = set()
        self.gone = False
        self._woken: asyncio.Future[None] | None = None

    def notify(self, symbol: str) -> bool:
        """Notes that an instrument changed; True if the reader had not yet seen its last change."""
        behind = symbol in self.news
        self.news.add(symbol)
        self.wake()
        return behind

    def wake(self) -> None:
        """Ends the wait."""
        if self._woken is not None and not self._woken.done():
            self._woken.set_result(None)

    async def changed(self) -> set[str]:
        """Waits for a change; the instruments that changed since the last call."""
        if not self.news and not self.gone:
            self._woken = asyncio.get_running_loop().create_future()
            await self._woken
        if self.gone:
            raise not_ready()
        news, self.news = self.news, set()
        return news


class Listing:
    """The readers of one instrument, and what was encoded for them last."""

    __slots__ = ("depths", "encoded", "market", "of", "shard", "statistics", "tapes", "top", "tops")

    def __init__(self, place: Place) -> None:
        self.shard, self.market = place
        self.tops: set[Reader] = set()
        self.depths: set[Reader] = set()
        self.tapes: set[Reader] = set()
        self.statistics: set[Reader] = set()
        self.top = self.best()
        self.of = self.market.symbol_sequence
        self.encoded: dict[tuple[str, int], bytes] = {}  # of this symbol_sequence, by kind and place

    def once(self, kind: str, place: int, encode: Callable[[], bytes]) -> bytes:
        """What `encode` gives, made once for all readers at the same place until the instrument changes."""
        if self.of != self.market.symbol_sequence:
            self.encoded.clear()
            self.of = self.market.symbol_sequence
        known = self.encoded.get((kind, place))
        if known is None:
            known = self.encoded[kind, place] = encode()
        return known

    def interested(self, changed: Changed) -> Iterator[set[Reader]]:
        """The readers of what changed."""
        if Changed.DEPTH in changed:
            if self.depths:
                yield self.depths
            if self.tops and self.top != (top := self.best()):
                self.top = top
                yield self.tops
        if self.tapes and Changed.TAPE in changed:
            yield self.tapes
        if self.statistics and Changed.STATISTICS in changed:
            yield self.statistics

    @property
    def everyone(self) -> set[Reader]:
        """All its readers."""
        return self.tops | self.depths | self.tapes | self.statistics

    def best(self) -> tuple[Level | None, Level | None, Indicative | None, tuple[object, ...]]:
        """Best bid and ask, what an auction would do, and how the instrument trades."""
        market = self.market
        return market.book.bids.best, market.book.asks.best, market.indicative, market.status


class Fanout:
    """The streams. Counts are of this process: `sent` responses, `conflated` states, readers told `behind`."""

    def __init__(self, quotes: Quotes) -> None:
        self.streams = 0
        self.sent = 0
        self.conflated = 0
        self.behind = 0
        self._quotes = quotes
        self._listings: dict[str, Listing] = {}
        quotes.audience = self

    def changed(self, shard: Shard, changes: list[tuple[Market, Changed]]) -> None:
        """Wakes the readers of what changed."""
        for market, changed in changes:
            listing = self._listings.get(market.symbol)
            if listing is not None:
                for readers in listing.interested(changed):
                    for reader in readers:
                        self.conflated += reader.notify(market.symbol)

    def gone(self, shard: Shard) -> None:
        """Sends the readers of a shard away."""
        for symbol, listing in list(self._listings.items()):
            if listing.shard is shard:
                del self._listings[symbol]
                for reader in listing.everyone:
                    reader.gone = True
                    reader.wake()

    def tops(self, symbols: Sequence[str]) -> AsyncGenerator[bytes, None]:
        """Best bid and ask of each: as it is, then each time that it changed."""
        return self._states(symbols, "top", wire.top_response)

    def statistics(self, symbols: Sequence[str]) -> AsyncGenerator[bytes, None]:
        """Day statistics of each: as they are, then each time that they changed."""
        return self._states(symbols, "statistics", wire.statistics_response)

    async def depth(self, symbol: str, levels: int) -> AsyncGenerator[bytes, None]:
        """The book, then what changed. A reader that is very far behind gets the book again."""
        with self._reading([symbol], "depth") as (reader, (listing,)):
            shard, market = listing.shard, listing.market
            at = market.symbol_sequence
            yield self._send(listing.once("book", levels, lambda: wire.depth_snapshot(shard, market, levels)))
            while True:
                await reader.changed()
                before, at = at, market.symbol_sequence
                if at > before:
                    yield self._send(listing.once("depth", before, lambda: _depth_since(shard, market, before)))  # noqa: B023

    async def trades(
        self, symbol: str, after: int, incarnation: str, progress: "Progress | None" = None
    ) -> AsyncGenerator[bytes, None]:
        """Every trade behind `after`, in order: from the store, from memory, then live. A reader that was live
        and is more than the tape's limit behind is told so, and where to resume.
        """
        progress = progress or Progress()
        with self._reading([symbol], "tape") as (reader, (listing,)):
            place = Place(listing.shard, listing.market)
            at = progress.sent = _start(place, after, incarnation)
            tape = place.market.tape
            while True:
                if at < tape.floor:
                    response, at = await self._stored(place, at)
                else:
                    response, at = self._recent(listing, at)
                progress.sent = at
                yield self._send(response)
                if not tape.behind(at):
                    break
            while True:
                await self._news(reader, place.shard, incarnation)
                while behind := tape.behind(at):
                    if at < tape.floor or behind > tape.limit:
                        raise self._fell_behind(place, at)
                    response, at = self._recent(listing, at)
                    progress.sent = at
                    yield self._send(response)

    async def _states(
        self, symbols: Sequence[str], kind: str, encode: Callable[[Shard, Market], bytes]
    ) -> AsyncGenerator[bytes, None]:
        with self._reading(symbols, kind) as (reader, listings):
            by_symbol = {listing.market.symbol: listing for listing in listings}
            news = list(by_symbol)
            while True:
                responses = [
                    listing.once(kind, 0, lambda: encode(listing.shard, listing.market))  # noqa: B023
                    for listing in map(by_symbol.__getitem__, news)
                ]
                yield self._send(responses[0] if len(responses) == 1 else b"".join(responses))
                news = sorted(await reader.changed())

    async def _stored(self, place: Place, at: int) -> tuple[bytes, int]:
        """Trades behind `at` from the store, not above the tape's floor, and how far they bring the reader."""
        floor = place.market.tape.floor
        trades = await self._quotes.trades_after(place, at, floor, TRADES_A_RESPONSE)
        until = trades[-1].symbol_sequence if len(trades) == TRADES_A_RESPONSE else floor
        return wire.trades_response(place.shard, place.market, trades, until), until

    def _recent(self, listing: Listing, at: int) -> tuple[bytes, int]:
        """Trades behind `at` from memory, and how far they bring the reader."""
        shard, market = listing.shard, listing.market
        trades = market.tape.after(at, TRADES_A_RESPONSE)
        full = len(trades) == TRADES_A_RESPONSE
        until = trades[-1].symbol_sequence if full else market.symbol_sequence
        return listing.once("tape", at, lambda: wire.trades_response(shard, market, trades, until)), until

    async def _news(self, reader: Reader, shard: Shard, incarnation: str) -> None:
        try:
            await reader.changed()
        except Refused:
            now = self._quotes.shards[shard.number].incarnation
            if now not in ("", shard.incarnation):
                raise _incarnation_changed(incarnation or shard.incarnation, now) from None
            raise

    def _send(self, response: bytes) -> bytes:
        self.sent += 1
        return response

    def _fell_behind(self, place: Place, at: int) -> Refused:
        self.behind += 1
        return Refused(
            "READER_BEHIND",
            f"the reader is more than {place.market.tape.limit} trades behind",
            field="symbol",
            value=place.market.symbol,
            resume_after=str(at),
            fix="open the stream again with after_symbol_sequence = resume_after",
        )

    @contextmanager
    def _reading(self, symbols: Sequence[str], kind: str) -> Iterator[tuple[Reader, list[Listing]]]:
        """A reader of the instruments while the block runs."""
        places = [self._quotes.now(symbol) for symbol in symbols]
        if self.streams >= STREAMS_LIMIT:
            raise Refused("STREAM_LIMIT", f"{STREAMS_LIMIT} streams are open", fix="close some, or try again later")
        reader = Reader()
        listings = [self._listing(place) for place in places]
        self.streams += 1
        try:
            for listing in listings:
                _readers(listing, kind).add(reader)
                listing.top = listing.best()
            yield reader, listings
        finally:
            self.streams -= 1
            for listing in listings:
                _readers(listing, kind).discard(reader)
                if not listing.everyone and self._listings.get(listing.market.symbol) is listing:
                    del self._listings[listing.market.symbol]

    def _listing(self, place: Place) -> Listing:
        symbol = place.market.symbol
        if symbol not in self._listings:
            self._listings[symbol] = Listing(place)
        return self._listings[symbol]


def _readers(listing: Listing, kind: str) -> set[Reader]:
    return {"top": listing.tops, "depth": listing.depths, "tape": listing.tapes, "statistics": listing.statistics}[kind]


def _depth_since(shard: Shard, market: Market, after: int) -> bytes:
    changes = market.book.changes(after)
    if changes is None:
        return wire.depth_snapshot(shard, market, LEVELS_LIMIT)
    return wire.depth_changes(shard, market, changes)


def _start(place: Place, after: int, incarnation: str) -> int:
    """The symbol_sequence to begin behind."""
    shard, market = place
    if incarnation not in ("", shard.incarnation):
        raise _incarnation_changed(incarnation, shard.incarnation)
    if after > market.symbol_sequence:
        raise Refused(
            "SEQUENCE_AHEAD",
            f"{market.symbol} is at {market.symbol_sequence}",
            field="after_symbol_sequence",
            value=str(after),
            last=str(market.symbol_sequence),
            fix="resume after a symbol_sequence that was sent, or -1 from now",
        )
    return market.symbol_sequence if after == FROM_NOW else after


def _incarnation_changed(was: str, now: str) -> Refused:
    return Refused(
        "INCARNATION_CHANGED",
        f"the exchange was restored: it is incarnation {now}",
        field="incarnation",
        value=was,
        incarnation=now,
        fix="forget what was read and begin again from 0",
    )
