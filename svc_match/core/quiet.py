# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""When a book need not be looked at: between which prices no stop is triggered or follows, nothing pegged moves, and no price band
changes. So a command pays for what waits beside it by a comparison. `quiet.pxd` gives the types of C.
"""

from svc_match.core import layout as w
from svc_match.core.bands import Bands
from svc_match.core.books import Books
from svc_match.core.pegs import Pegs
from svc_match.core.stops import Stops


class Quiet:
    """What the books compare. Whoever changes what waits wakes the book; then it is looked at, and noted again."""

    def __init__(self, books: Books, stops: Stops, pegs: Pegs, bands: Bands) -> None:
        self.books = books
        self.stops = stops
        self.pegs = pegs
        self.bands = bands

    def note(self, book: int) -> int:
        """An open book was looked at, and nothing is left to be done."""
        b = self.books
        q = book * w.QUIET_WORDS
        t = book * w.BOOK_WORDS
        b.quiet[q + w.Q_TRADES] = until_us = w.NO_LIMIT
        b.quiet[q + w.Q_LAST_LOW] = 0
        b.quiet[q + w.Q_BID_LOW] = b.quiet[q + w.Q_ASK_LOW] = -1
        b.quiet[q + w.Q_LAST_HIGH] = b.quiet[q + w.Q_BID_HIGH] = b.quiet[q + w.Q_ASK_HIGH] = w.NO_LIMIT
        b.books[t + w.B_DISPLAYED] = b.books[t + w.B_PEGS] != 0
        if b.books[t + w.B_STOPS] != 0:
            for side in range(2):
                self._last(book, side)
                self._best(book, side)
        if b.books[t + w.B_PEGS] != 0:
            bid_low, bid_high, ask_low, ask_high = self.pegs.calm(book)
            self._keep(q + w.Q_BID_LOW, bid_low, bid_high)
            self._keep(q + w.Q_ASK_LOW, ask_low, ask_high)
        if b.books[t + w.B_BANDED] != 0:
            until_us = self._bands(book)
        return b.rest_until(book, until_us) if until_us > b.now_us and b.is_calm(book) else 0

    def _last(self, book: int, side: int) -> int:
        """The stops of a side that look at the last trade; a price between two ticks counts as the one away from them."""
        b = self.books
        q = book * w.QUIET_WORDS
        low, high = self.stops.calm(book * 2 + side, w.LAST_TRADE)
        if low <= -1 and high == w.NO_LIMIT:
            return 0
        if b.books[book * w.BOOK_WORDS + w.B_LAST] == 0:
            return self._keep(q + w.Q_LAST_LOW, 0, 0)
        size = b.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
        if low > 0 and low != w.NO_LIMIT:
            low = (low - side) * size + side
        if high != w.NO_LIMIT:
            high = high * size if side else (high + 1) * size - 1
        return self._keep(q + w.Q_LAST_LOW, low, high)

    def _best(self, book: int, side: int) -> int:
        """The stops of a side that look at the best price of the other."""
        b = self.books
        low, high = self.stops.calm(book * 2 + side, w.BEST_QUOTE)
        if low <= -1 and high == w.NO_LIMIT:
            return 0
        b.books[book * w.BOOK_WORDS + w.B_DISPLAYED] = 1
        if b.sides[(book * 2 + (side ^ 1)) * w.SIDE_WORDS + w.S_BEST] < 0:
            low = high = -1
        return self._keep(book * w.QUIET_WORDS + (w.Q_BID_LOW if side else w.Q_ASK_LOW), low, high)

    def _bands(self, book: int) -> int:
        """The bands begin with a trade, and a limit state where the best price is at one of them; until when they do not change."""
        b = self.books
        q = book * w.QUIET_WORDS
        t = book * w.BOOK_WORDS
        if book not in self.bands.known:
            self._keep(q + w.Q_LAST_LOW, 0, 0)
            return w.NO_LIMIT
        if self.bands.limited(book):
            return 0
        self._keep(q + w.Q_BID_LOW, -1, b.books[t + w.B_HIGH] - 1)
        if b.sides[(book * 2 + 1) * w.SIDE_WORDS + w.S_BEST] < 0:
            self._keep(q + w.Q_ASK_LOW, -1, -1)
        else:
            self._keep(q + w.Q_ASK_LOW, b.books[t + w.B_LOW] + 1, w.NO_LIMIT)
        until_us, trades = self.bands.patience(book)
        b.quiet[q + w.Q_TRADES] = b.books[t + w.B_BAND_COUNT] + trades
        return until_us

    def _keep(self, place: int, low: int, high: int) -> int:
        """A price is not below or above these, too; its two words stand side by side."""
        b = self.books
        b.quiet[place] = max(b.quiet[place], low)
        b.quiet[place + 1] = min(b.quiet[place + 1], high)
        return 0
