"""One instrument as the public sees it: phase, book, tape, statistics, and how far its events are applied."""

from collections.abc import Iterable
from enum import Flag, auto

from svc_quote.core.book import Book
from svc_quote.core.events import (
    Broken,
    Busted,
    CalendarMoved,
    DateClosed,
    DateOpened,
    Event,
    Indicative,
    Instrument,
    Level,
    Listing,
    ListingChanged,
    Phase,
    PhaseChanged,
    PriceBands,
    Trade,
    Traded,
    Transition,
)
from svc_quote.core.statistics import DayStatistics
from svc_quote.core.tape import Tape


class Changed(Flag):
    """What a row changed for the readers of an instrument."""

    NOTHING = 0
    DEPTH = auto()
    TAPE = auto()
    STATISTICS = auto()
    REFERENCE = auto()


class Market:
    """The state after the symbol's event `symbol_sequence`. While it is `miscounted` the statistics count a trade that was busted."""

    __slots__ = (
        *(
            "auction",
            "bands",
            "book",
            "busted",
            "date_began",
            "following",
            "indicative",
            "instrument",
            "listing",
            "miscounted",
            "phase",
        ),
        *("statistics", "symbol", "symbol_sequence", "tape", "trading_date"),
    )

    def __init__(self, symbol: str, trading_date: int = 0) -> None:
        self.symbol = symbol
        self.instrument: Instrument | None = None
        self.phase = Phase.CLOSED
        self.listing = Listing.LISTED
        self.auction = 0  # the kind of the auction that collects orders, and what it would do
        self.indicative: Indicative | None = None
        self.bands: PriceBands | None = None
        self.trading_date = trading_date  # the open one, 0 when none is
        self.following: Transition | None = None  # of the calendar
        self.symbol_sequence = 0
        self.book = Book()
        self.tape = Tape()
        self.statistics = DayStatistics(trading_date)
        self.date_began = 0  # the symbol_sequence at which the statistics begin
        self.busted: set[int] = set()  # trades by sequence, of all dates
        self.miscounted = False

    def apply(self, first: int, events: list[Event], time_us: int) -> Changed:
        """Applies the symbol's events from `first` on; raises Broken unless they follow the last one."""
        number = self.symbol_sequence
        if first != number + 1:
            raise Broken(f"{self.symbol}: symbol_sequence {first} came behind {number}")
        levels, trades, references = 0, 0, 0
        book, tape, statistics = self.book, self.tape, self.statistics
        for event in events:
            number += 1
            kind = type(event)
            if kind is Level:
                book.set(event, number)  # type: ignore[arg-type]
                levels += 1
            elif kind is Traded:
                sequence, price, quantity, side, auction = event  # type: ignore[misc]
                tape.add(Trade(sequence, number, price, quantity, side, time_us, 0, auction))  # type: ignore[arg-type]
                statistics.add(price, quantity)
                trades += 1
            elif kind is Indicative:
                self.indicative = event  # type: ignore[assignment]
                levels += 1
            elif kind is PriceBands:
                self.bands = event  # type: ignore[assignment]
                levels += 1
            elif kind is Busted:
                sequence, busted, price, quantity, side = event  # type: ignore[misc]
                tape.add(Trade(sequence, number, price, quantity, side, time_us, busted))
                self.busted.add(busted)
                self.miscounted = True
                trades += 1
            else:
                before = self.status
                self._refer(event, number)
                levels += self.status != before
                statistics = self.statistics
                references += 1
        self.symbol_sequence = number
        return (
            (Changed.DEPTH if levels else Changed.NOTHING)
            | (Changed.TAPE if trades else Changed.NOTHING)
            | (Changed.STATISTICS if trades or references else Changed.NOTHING)
            | (Changed.REFERENCE if references else Changed.NOTHING)
        )

    @property
    def status(self) -> tuple[object, ...]:
        """Whether and how it trades."""
        return self.phase, self.auction, self.listing, self.bands

    def recount(self, trades: Iterable[Trade]) -> None:
        """Counts all trades of the date again."""
        self.statistics, self.miscounted = DayStatistics(self.statistics.trading_date), False
        for trade in trades:
            if not trade.busts and trade.sequence not in self.busted:
                self.statistics.add(trade.price_e4, trade.quantity)

    def _refer(self, event: Event, number: int) -> None:
        match event:
            case PhaseChanged(phase, auction):
                self._enter(phase, auction)
            case ListingChanged(listing):
                self.listing = listing
            case Instrument():
                self.instrument = event
            case DateOpened(trading_date):
                self._enter(Phase.CLOSED)
                self.trading_date = trading_date
                self.statistics, self.date_began = DayStatistics(trading_date), number
            case CalendarMoved(following):
                self.following = following
            case DateClosed():
                self._enter(Phase.CLOSED)
                self.trading_date = 0

    def _enter(self, phase: Phase, auction: int = 0) -> None:
        """What an auction would do is told from its beginning to its end; price bands hold until the phase changes."""
        self.phase, self.auction, self.bands = phase, auction, None
        self.indicative = Indicative() if phase is Phase.AUCTION else None
