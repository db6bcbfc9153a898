"""Market data as svc_match publishes it, made from a seed, and a naive model that reads it."""

import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from bourse.match.v1 import events_pb2
from bourse.types.v1 import market_pb2

DATE = 20260105
START_US = 1_767_600_000_000_000
BUY, SELL = market_pb2.SIDE_BUY, market_pb2.SIDE_SELL


@dataclass
class Naive:
    """What a reader of every message must know: dicts and lists, nothing clever."""

    sequence: int = 0
    levels: dict[tuple[str, int], dict[int, tuple[int, int]]] = field(default_factory=lambda: defaultdict(dict))
    trades: dict[str, list[tuple[int, int, int, int, int, int]]] = field(default_factory=lambda: defaultdict(list))
    since: dict[str, int] = field(default_factory=dict)
    symbol_sequence: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    busted: set[int] = field(default_factory=set)

    def read(self, batch: events_pb2.MarketDataBatch) -> None:
        """Applies one message; it must be the next."""
        for number, event in enumerate(batch.events, batch.first_symbol_sequence):
            symbol = batch.symbol
            assert number == self.symbol_sequence[symbol] + 1
            self.symbol_sequence[symbol] = number
            if event.HasField("level"):
                book = self.levels[symbol, event.level.side]
                book.pop(event.level.price_e4, None)
                if event.level.quantity:
                    book[event.level.price_e4] = (event.level.quantity, event.level.orders)
            elif event.HasField("trade"):
                made = event.trade
                entry = (event.sequence, number, made.price_e4, made.quantity, int(made.taker_side), batch.time_us)
                self.trades[symbol].append(entry)
            elif event.HasField("busted"):
                self.busted.add(event.busted.trade_sequence)
            elif event.HasField("date_opened"):
                self.since[symbol] = len(self.trades[symbol])
        if batch.part + 1 == batch.parts:
            self.sequence = batch.last_sequence

    def side(self, symbol: str, side: int) -> list[tuple[int, int, int]]:
        """(price, quantity, orders), best first."""
        book = self.levels[symbol, side]
        return [(price, *book[price]) for price in sorted(book, reverse=side == BUY)]

    def statistics(self, symbol: str) -> tuple[int, ...]:
        """Open, high, low, last, volume, value, trades of the date."""
        today = [one for one in self.trades[symbol][self.since.get(symbol, 0) :] if one[0] not in self.busted]
        prices = [trade[2] for trade in today] or [0]
        volume, value = sum(trade[3] for trade in today), sum(trade[2] * trade[3] for trade in today)
        return prices[0], max(prices), min(prices), prices[-1], volume, value, len(today)


class Market:
    """A shard that makes up rows: levels and trades at random, and the reference data that they need."""

    def __init__(self, symbols: list[str], seed: int, shard: int = 0, incarnation: str = "ab" * 16) -> None:
        self.symbols = symbols
        self.shard = shard
        self.incarnation = incarnation
        self.rows: list[list[bytes]] = []
        self.spans: list[tuple[int, int]] = []
        self.naive = Naive()
        self.random = random.Random(seed)
        self._symbol_sequence: dict[str, int] = defaultdict(int)

    @property
    def sequence(self) -> int:
        return self.spans[-1][1] if self.spans else 0

    def open(self, date: int = DATE) -> None:
        """Instruments (the first time), the date, and the open phase: one row each."""
        if not self.rows:
            self.add_instruments()
        opened = events_pb2.TradingDateOpened(trading_date=date)
        self.row([(symbol, events_pb2.MarketDataEvent(date_opened=opened)) for symbol in self.symbols])
        self.open_phase()

    def add_instruments(self) -> None:
        """One row each."""
        for symbol in self.symbols:
            instrument = market_pb2.Instrument(
                symbol=symbol,
                currency="EUR",
                tick_size_e4=100,
                lot_size=1,
                min_price_e4=100,
                max_price_e4=10**9,
                max_quantity=10**6,
                shard=self.shard,
            )
            added = events_pb2.InstrumentAdded(instrument=instrument)
            self.row([(symbol, events_pb2.MarketDataEvent(instrument_added=added))])

    def open_phase(self) -> None:
        """One row each."""
        for symbol in self.symbols:
            phase = events_pb2.PhaseChanged(symbol=symbol, phase=market_pb2.PHASE_OPEN)
            self.row([(symbol, events_pb2.MarketDataEvent(phase_changed=phase))])

    def trade_some(self, rows: int, events: int = 8) -> None:
        """Rows of random levels and trades; one in eight has no public event."""
        for _ in range(rows):
            count = self.random.randrange(1, events) if self.random.random() > 0.125 else 0
            self.row([(self.random.choice(self.symbols), event) for event in self._events(count)])

    def row(self, made: list[tuple[str, events_pb2.MarketDataEvent]]) -> None:
        """Appends one row that holds these public events."""
        first, time_us = self.sequence + 1, START_US + 1000 * len(self.rows)
        parts: dict[str, events_pb2.MarketDataBatch] = {}
        for sequence, (symbol, event) in enumerate(made, first):
            event.sequence = sequence
            part = parts.setdefault(symbol, events_pb2.MarketDataBatch(symbol=symbol))
            part.first_symbol_sequence = part.first_symbol_sequence or self._symbol_sequence[symbol] + 1
            self._symbol_sequence[symbol] += 1
            part.events.append(event)
        last = max(first, first + len(made) - 1)
        encoded = []
        for number, part in enumerate(parts.values() or [events_pb2.MarketDataBatch()]):
            part.incarnation, part.epoch, part.shard = self.incarnation, 1, self.shard
            part.first_sequence, part.last_sequence, part.time_us = first, last, time_us
            part.part, part.parts = number, max(1, len(parts))
            self.naive.read(part)
            encoded.append(part.SerializeToString())
        self.rows.append(encoded)
        self.spans.append((first, last))

    def _events(self, count: int) -> Iterator[events_pb2.MarketDataEvent]:
        for _ in range(count):
            price, side = 100 * self.random.randrange(1, 40), self.random.choice((BUY, SELL))
            if self.random.random() < 0.3:
                made = events_pb2.PublicTrade(price_e4=price, quantity=self.random.randrange(1, 500), taker_side=side)
                yield events_pb2.MarketDataEvent(trade=made)
            else:
                quantity = self.random.choice((0, 0, self.random.randrange(1, 10_000)))
                level = events_pb2.LevelChanged(side=side, price_e4=price, quantity=quantity, orders=min(quantity, 3))
                yield events_pb2.MarketDataEvent(level=level)
