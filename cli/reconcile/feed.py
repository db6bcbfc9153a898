"""What the public was told, folded from a shard's market data: books and tape."""

from collections import Counter

from bourse.match.v1 import events_pb2
from bourse.types.v1 import market_pb2
from cli.reconcile.breaks import Breaks
from cli.reconcile.digests import Digests
from cli.reconcile.journal import Book

SOURCE = "market data"
TAPE_FIELDS = ("symbol", "symbol_sequence", "price_e4", "quantity", "taker_side", "auction", "time_us")
PHASES = ("phase_changed", "date_opened", "date_closed")  # What ends an auction.
NOTHING = (0, 0, 0, 0)

Auction = tuple[int, int, int, int]  # What it would do: price, shares, surplus side and shares.


class Feed:
    """The public state of one shard after the whole row that ends at `sequence`."""

    def __init__(self, shard: int, breaks: Breaks, keep: frozenset[int] = frozenset()) -> None:
        self.shard = shard
        self.breaks = breaks
        self.sequence = 0
        self.books: dict[str, Book] = {}
        self.public = Digests(keep)  # As journal.Fold.tape.
        self.references = Digests(keep)  # As journal.Fold.references.
        self.tape = Digests(keep)  # TAPE_FIELDS.
        self.auctions: dict[str, Auction] = {}  # Of each instrument whose phase is AUCTION.
        self.busts: dict[int, int] = {}  # Of each trade by sequence that of its bust.
        self.counts: Counter[str] = Counter()
        self._symbol_sequences: dict[str, int] = {}
        self._next_part = 0
        self._row: tuple[int, int] = (1, 0)

    def apply(self, batch: events_pb2.MarketDataBatch) -> None:
        """Applies the next message."""
        self._check(batch)
        self.counts["public_events"] += len(batch.events)
        for digests in (self.public, self.references, self.tape):
            digests.reach(batch.last_sequence)
        symbol, first, last = batch.symbol, batch.first_sequence, batch.last_sequence
        for symbol_sequence, event in enumerate(batch.events, batch.first_symbol_sequence):
            kind = event.WhichOneof("event") or "nothing"
            if not first <= event.sequence <= last:
                right = ("its message", {"first_sequence": first, "last_sequence": last})
                self.breaks.add("sequence", self.shard, (SOURCE, event.sequence), right, sequence=first)
                continue
            if kind == "level":
                level = event.level
                book = self.books.setdefault(symbol, {})
                if level.quantity:
                    book[level.side, level.price_e4] = level.quantity, level.orders
                else:
                    book.pop((level.side, level.price_e4), None)
            elif kind == "indicative":
                told = event.indicative
                self.auctions[symbol] = told.price_e4, told.quantity, told.surplus_side, told.surplus_quantity
            elif kind == "trade":
                self._trade(event.sequence, symbol, symbol_sequence, event.trade, batch.time_us)
            else:
                self.books.setdefault(symbol, {})
                if kind in PHASES:
                    self.auctions.pop(symbol, None)
                    if event.phase_changed.phase == market_pb2.PHASE_AUCTION:
                        self.auctions[symbol] = NOTHING
                if kind == "busted":
                    self.busts[event.busted.trade_sequence] = event.sequence
                said = getattr(event, kind).SerializeToString(deterministic=True).hex()
                self.references.put(event.sequence, (kind, said))
        if batch.part + 1 == batch.parts:
            self.sequence = batch.last_sequence

    def _trade(self, sequence: int, symbol: str, number: int, trade: events_pb2.PublicTrade, time_us: int) -> None:
        values = trade.price_e4, trade.quantity, trade.taker_side, trade.auction, time_us
        self.public.put(sequence, (symbol, *values))
        self.tape.put(sequence, (symbol, number, *values))
        self.counts["public_trades"] += 1

    def _check(self, batch: events_pb2.MarketDataBatch) -> None:
        """The message is the next part of its row, or the first of the next row; symbol sequences have no gap.

        Events of a shard that has no instrument yet come without a symbol, and count for none.
        """
        row = batch.first_sequence, batch.last_sequence
        expected = {"shard": self.shard, "first_sequence": self.sequence + 1, "part": self._next_part}
        if self._next_part:
            expected["last_sequence"] = self._row[1]
        if batch.symbol:
            expected["first_symbol_sequence"] = self._symbol_sequences.get(batch.symbol, 0) + 1
            self._symbol_sequences[batch.symbol] = batch.first_symbol_sequence + len(batch.events) - 1
        found = {name: getattr(batch, name) for name in expected}
        if found != expected:
            wrong = [name for name in expected if found[name] != expected[name]]
            left, right = {n: found[n] for n in wrong}, {n: expected[n] for n in wrong}
            self.breaks.add("sequence", self.shard, (SOURCE, left), ("what came before", right), sequence=row[0])
        self._row = row
        self._next_part = (batch.part + 1) % max(batch.parts, 1)
