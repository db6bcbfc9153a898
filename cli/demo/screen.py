"""The live picture of a session: book, tape and rates in a terminal, one plain line a second elsewhere."""

from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from rich.console import Console, Group
from rich.live import Live
from rich.table import Table
from rich.text import Text

LEVELS_SHOWN = 5
TRADES_SHOWN = 8
NOTES_SHOWN = 4


@dataclass(slots=True)
class Market:
    """What the public feed has told so far."""

    bids: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    asks: dict[str, list[tuple[int, int]]] = field(default_factory=dict)
    tape: deque[tuple[str, int, int, bool]] = field(default_factory=lambda: deque(maxlen=TRADES_SHOWN))
    trades: int = 0


@dataclass(slots=True)
class Rates:
    """Counts of the session, and how they grew in the last second."""

    acknowledged: int = 0
    refused: int = 0
    last_acknowledged: int = 0
    last_trades: int = 0


@dataclass(slots=True)
class Screen:
    """Draws a session. `tell` notes an incident, such as a process that was killed."""

    console: Console
    market: Market = field(default_factory=Market)
    rates: Rates = field(default_factory=Rates)
    notes: deque[str] = field(default_factory=lambda: deque(maxlen=NOTES_SHOWN))
    live: Live | None = None

    @contextmanager
    def shown(self) -> Iterator[None]:
        """In a terminal the picture stands while the block runs, and goes with it."""
        if not self.console.is_terminal:
            yield
            return
        with Live(console=self.console, auto_refresh=False, transient=True) as self.live:
            yield
        self.live = None

    def tell(self, note: str) -> None:
        self.notes.append(note)
        if self.live is None:
            self.console.print(note, highlight=False)

    def refresh(self, elapsed_seconds: float) -> None:
        """Once a second: redraws the picture, or prints a line."""
        orders = self.rates.acknowledged - self.rates.last_acknowledged
        trades = self.market.trades - self.rates.last_trades
        self.rates.last_acknowledged, self.rates.last_trades = self.rates.acknowledged, self.market.trades
        line = (
            f"{elapsed_seconds:4.0f} s   {self.rates.acknowledged:7,} acknowledged ({orders:5,}/s)   "
            f"{self.rates.refused:5,} refused   {self.market.trades:6,} trades ({trades:4,}/s)"
        )
        if self.live is None:
            self.console.print(line, highlight=False)
        else:
            self.live.update(Group(Text(line), self.books(), self.tape(), *map(Text, self.notes)), refresh=True)

    def books(self) -> Table:
        table = Table(title="Book", expand=True)
        for symbol in sorted(self.market.bids):
            table.add_column(symbol, justify="center")
        table.add_row(*(self.book(symbol) for symbol in sorted(self.market.bids)))
        return table

    def book(self, symbol: str) -> Table:
        table = Table.grid(padding=(0, 1))
        bids, asks = self.market.bids[symbol], self.market.asks.get(symbol, [])
        for row in range(LEVELS_SHOWN):
            table.add_row(
                *level(bids, row, "green", first_quantity=True), *level(asks, row, "red", first_quantity=False)
            )
        return table

    def tape(self) -> Table:
        table = Table(title="Tape", expand=True, show_header=False)
        for symbol, price_e4, quantity, buyer in reversed(self.market.tape):
            table.add_row(symbol, Text(f"{price_e4 / 10_000:,.2f}", style="green" if buyer else "red"), f"{quantity:,}")
        return table


def level(levels: list[tuple[int, int]], row: int, style: str, *, first_quantity: bool) -> tuple[Text, Text]:
    if row >= len(levels):
        return Text(), Text()
    price = Text(f"{levels[row][0] / 10_000:,.2f}", style=style)
    quantity = Text(f"{levels[row][1]:,}")
    return (quantity, price) if first_quantity else (price, quantity)
