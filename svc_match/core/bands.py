# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""Price bands of some books: while one is open none of its trades is outside of them. They are a share above and below a reference
price, which follows the mean of the last trades. `bands.pxd` gives the types of C. Source: docs/rule-book.md, 7.5.
"""

from svc_match.core import layout as w
from svc_match.core.books import Books
from svc_match.core.protection import Protection

# Reference in ticks, since when, limit state (1 at the upper band, 2 at the lower), trades by interval.
Book = tuple[int, int, int, list[list[int]]]


class Bands:
    """The bands of the books that have some. `books` counts their limits in ticks."""

    def __init__(self, books: Books, protection: Protection) -> None:
        self.books = books
        self.protection = protection
        self.shares: dict[int, int] = {}
        self.intervals: dict[int, int] = {}
        self.known: dict[int, Book] = {}
        self.moved: list[int] = []  # books whose bands or limit state changed, until the engine has seen it

    def rule(self, book: int, share: int, interval: int) -> int:
        """How far the bands of a book are from its reference price in basis points, 0 for none, and for how long that stays."""
        b = self.books
        t = book * w.BOOK_WORDS
        b.waiting += (share != 0) - b.books[t + w.B_BANDED]
        b.books[t + w.B_BANDED] = share != 0
        self.shares[book] = share
        self.intervals[book] = interval
        return self._lift(book)

    def _lift(self, book: int) -> int:
        """The book has no bands for now."""
        t = book * w.BOOK_WORDS
        self.books.books[t + w.B_LOW] = 0
        self.books.books[t + w.B_HIGH] = w.NO_LIMIT
        self.known.pop(book, None)
        return self._bound(book)

    def _bound(self, book: int) -> int:
        """The book has other bands now."""
        self.books.wake(book)
        return self.books.narrow(book)

    def within(self, book: int, side: int, tick: int) -> int:
        """A bound of a side, or the band that it is beyond."""
        t = book * w.BOOK_WORDS
        if self.books.books[t + w.B_BANDED] == 0:
            return tick
        return min(tick, self.books.books[t + w.B_HIGH]) if side == w.BUY else max(tick, self.books.books[t + w.B_LOW])

    def enter(self, book: int) -> int:
        """The book is in another phase: if it is open now it has fresh bands."""
        t = book * w.BOOK_WORDS
        if self.books.books[t + w.B_BANDED] == 0:
            return 0
        self._lift(book)
        if self.books.books[t + w.B_PHASE] == w.PHASE_OPEN:
            self._begin(book)
        return 0

    def _begin(self, book: int) -> bool:
        """Bands around the last trade of the date, or else the reference price, moved to where no bid is above and no offer below."""
        b = self.books
        price = b.reference(book)
        if price == 0:
            return False
        tick = self.protection.fit(book, price)
        bid = b.sides[2 * book * w.SIDE_WORDS + w.S_BEST]
        ask = b.sides[(2 * book + 1) * w.SIDE_WORDS + w.S_BEST]
        tick = max(tick, bid)
        if ask >= 0:
            tick = min(tick, ask)
        t = book * w.BOOK_WORDS
        b.books[t + w.B_BAND_SUM] = b.books[t + w.B_BAND_COUNT] = 0
        self._refer(book, tick, [])
        self._tell(book)
        return True

    def _band(self, book: int, side: int, tick: int) -> int:
        """The last price at which a side may trade with this reference."""
        b = self.books
        price = tick * b.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
        farthest = b.within(book, side, w.NO_LIMIT if side == w.BUY else 0, price, self.shares[book])
        return self.protection.on_tick(book, side, farthest)

    def _refer(self, book: int, tick: int, trades: list[list[int]]) -> int:
        t = book * w.BOOK_WORDS
        self.books.books[t + w.B_LOW] = self._band(book, w.SELL, tick)
        self.books.books[t + w.B_HIGH] = self._band(book, w.BUY, tick)
        self.known[book] = (tick, self.books.now_us, 0, trades)
        return self._bound(book)

    def turn(self, book: int) -> int:
        """The next trades of a book are of another interval than those before, or they are too many for its words."""
        self._gather(book)
        interval = self.intervals[book]
        self.books.books[book * w.BOOK_WORDS + w.B_BAND_END] = (self.books.now_us // interval + 1) * interval
        return 0

    def _gather(self, book: int) -> int:
        """The trades in the book's words are kept as a sum and a count of their interval; those before all bands are forgotten."""
        b = self.books
        t = book * w.BOOK_WORDS
        if book in self.known and b.books[t + w.B_BAND_COUNT] != 0:
            trades = self.known[book][3]
            at = b.books[t + w.B_BAND_END] // self.intervals[book] - 1
            if not trades or trades[len(trades) - 1][0] != at:
                trades.append([at, 0, 0])
            newest = trades[len(trades) - 1]
            newest[1] += b.books[t + w.B_BAND_SUM]
            newest[2] += b.books[t + w.B_BAND_COUNT]
        b.books[t + w.B_BAND_SUM] = b.books[t + w.B_BAND_COUNT] = 0
        return b.wake(book)

    def _of_intervals(self, book: int) -> tuple[int, int]:
        """The sum of the prices of the trades of the last intervals, and how many they are."""
        self._gather(book)
        trades = self.known[book][3]
        at = self.books.now_us // self.intervals[book]
        while trades and trades[0][0] <= at - w.BAND_INTERVALS:
            trades.pop(0)
        return sum([total for _, total, _ in trades]), sum([count for _, _, count in trades])

    def follow(self, book: int) -> bool:
        """After something happened to a book: whether its reference price is another one now."""
        b = self.books
        if b.books[book * w.BOOK_WORDS + w.B_PHASE] != w.PHASE_OPEN:
            return False
        if book not in self.known:
            return b.books[book * w.BOOK_WORDS + w.B_LAST] != 0 and self._begin(book)
        reference, since, _, trades = self.known[book]
        if b.now_us < since + self.intervals[book] or self._limit(book) != 0:
            return False
        total, count = self._of_intervals(book)
        if count == 0:
            return False
        tick = self.protection.fit(book, total // count)
        if abs(tick - reference) * w.BAND_STEP < reference:
            return False
        ask = b.sides[(2 * book + 1) * w.SIDE_WORDS + w.S_BEST]
        outside = b.sides[2 * book * w.SIDE_WORDS + w.S_BEST] > self._band(book, w.BUY, tick)
        if outside or (ask >= 0 and ask < self._band(book, w.SELL, tick)):
            return False
        self._refer(book, tick, trades)
        self._tell(book)
        return True

    def patience(self, book: int) -> tuple[int, int]:
        """After a look at a book that is in no limit state: before which journal time, and up to how many more trades, its reference
        price cannot change.
        """
        reference, since, _, _ = self.known[book]
        interval = self.intervals[book]
        now_us = self.books.now_us
        ever = w.NO_LIMIT
        if now_us < since + interval:
            return since + interval, ever
        total, count = self._of_intervals(book)
        if count == 0:
            return ever, 0
        t = book * w.BOOK_WORDS
        size = self.books.books[t + w.B_TICK_SIZE]
        step = (reference - 1) // w.BAND_STEP  # the most ticks that are no other reference
        above = (reference + step + 1) * size - 1  # means up to here are none
        below = self.protection.on_tick(book, w.SELL, reference - step) * size
        highest = self.books.books[t + w.B_HIGH] * size  # of all trades to come
        lowest = self.books.books[t + w.B_LOW] * size
        trades = ever
        if highest > above:
            trades = min(trades, (above * count - total) // (highest - above))
        if lowest < below:
            trades = min(trades, (total - below * count) // (below - lowest))
        return (now_us // interval + 1) * interval, max(trades, -1)

    def watch(self, book: int) -> int:
        """Notes whether the limit state of a book begins or ends."""
        if book in self.known:
            reference, since, before, trades = self.known[book]
            now = self._limit(book)
            if now != before:
                self.known[book] = (reference, since, now, trades)
                self._tell(book)
        return 0

    def _limit(self, book: int) -> int:
        """1 where an order to buy is displayed at the upper band, 2 where one to sell is at the lower, else 0."""
        b = self.books
        t = book * w.BOOK_WORDS
        if self._is_shown(2 * book, b.books[t + w.B_HIGH]):
            return 1
        return 2 if self._is_shown(2 * book + 1, b.books[t + w.B_LOW]) else 0

    def _is_shown(self, s: int, tick: int) -> bool:
        b = self.books
        if b.sides[s * w.SIDE_WORDS + w.S_BEST] != tick:
            return False
        return b.ends[b.level(s, tick) * w.LEVEL_HALVES + w.E_HEAD] != 0

    def _tell(self, book: int) -> int:
        b = self.books
        t = book * w.BOOK_WORDS
        if b.written > b.room:
            b.widen()
        n = b.written
        reference, _, limit, _ = self.known[book]
        b.sequence += 1
        b.books[t + w.B_PUBLIC] += 1
        b.out[n] = w.BANDS | limit << 8 | (book + 1) << 16
        b.out[n + 1] = reference * b.books[t + w.B_TICK_SIZE]
        b.out[n + 2] = b.books[t + w.B_LOW] * b.books[t + w.B_TICK_SIZE]
        b.out[n + 3] = b.books[t + w.B_HIGH] * b.books[t + w.B_TICK_SIZE]
        b.written = n + w.BANDS_WORDS
        self.moved.append(book)
        b.interrupted += 1
        return 0

    def told(self, book: int) -> tuple[int, int, int, int]:
        """The reference price, the lower and the upper band, and the limit state; all 0 where the book has none now."""
        if book not in self.known:
            return 0, 0, 0, 0
        t = book * w.BOOK_WORDS
        reference, _, limit, _ = self.known[book]
        size = self.books.books[t + w.B_TICK_SIZE]
        return reference * size, self.books.books[t + w.B_LOW] * size, self.books.books[t + w.B_HIGH] * size, limit

    def taken(self) -> list[int]:
        """The books whose bands or limit state changed since the last time."""
        found = self.moved
        self.moved = []
        return found

    def limited(self, book: int) -> bool:
        """Whether a book is in its limit state."""
        return book in self.known and self.known[book][2] != 0

    def state(self, book: int) -> list[object]:
        """What `restore` needs of a book; empty where it has no bands now."""
        if book in self.known:
            self._of_intervals(book)
        return list(self.known.get(book, ()))

    def restore(self, book: int, state: list[object]) -> int:
        """A loaded book has the bands that it had."""
        if state:
            reference, since, limit, trades = state
            self._refer(book, reference, trades)  # type: ignore[arg-type]
            self.known[book] = (reference, since, limit, trades)  # type: ignore[assignment]
        return 0
