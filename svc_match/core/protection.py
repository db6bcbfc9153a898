# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""What some instruments ask of an order beyond their limits: ticks by price, a largest notional, a price near the reference price;
and when a trade too far from the last one gives way to an auction. The books call in here for those
that are guarded alone. `protection.pxd` gives the types of C.
"""

from bisect import bisect_right

from svc_match.core import layout as w
from svc_match.core.books import COMPILED, Books

assert (not __file__.endswith(".py")) == COMPILED, "the core is compiled as a whole or not at all: run make setup"


class Protection:
    """The rules of the books that are guarded."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.starts: dict[int, list[int]] = {}
        self.ticks: dict[int, list[int]] = {}
        self.notional: dict[int, int] = {}
        self.collars: dict[int, int] = {}
        self.interrupted: list[
            int
        ] = []  # books whose continuous trading gave way to an auction, until the engine has seen it

    def guard(
        self,
        book: int,
        bands: list[tuple[int, int]],
        max_notional: int,
        static_collar: int,
        dynamic_collar: int,
        banded: int,
    ) -> int:
        """The rules of a book from now on."""
        self.starts[book] = [price for price, _ in bands]
        self.ticks[book] = [tick for _, tick in bands]
        self.notional[book] = max_notional
        self.collars[book] = static_collar
        b = self.books
        b.books[book * w.BOOK_WORDS + w.B_WALL] = dynamic_collar
        guarded = len(bands) + max_notional + static_collar + dynamic_collar + banded != 0
        b.books[book * w.BOOK_WORDS + w.B_GUARDED] = 1 if guarded else 0
        return b.set_phase(book, b.books[book * w.BOOK_WORDS + w.B_PHASE])

    def narrow(self, book: int) -> int:
        """Between which prices of a book, and up to which quantity, these rules ask for nothing but multiples of B_STEP ticks, and
        that an order would trade without an auction.
        """
        b = self.books
        t = book * w.BOOK_WORDS
        size = b.books[t + w.B_TICK_SIZE]
        low = b.books[t + w.B_LOW_PRICE]
        high = b.books[t + w.B_HIGH_PRICE]
        reference = self.reference(book)
        collar = self.collars[book]
        if collar != 0 and reference != 0:
            low = max(low, (reference * (w.BASIS_POINTS - collar) + w.BASIS_POINTS - 1) // w.BASIS_POINTS)
            high = min(high, reference * (w.BASIS_POINTS + collar) // w.BASIS_POINTS)
        starts = self.starts[book]
        place = bisect_right(starts, reference)
        b.books[t + w.B_STEP] = 1
        if place != 0:
            low = max(low, starts[place - 1])
            b.books[t + w.B_STEP] = self.ticks[book][place - 1] // size
        if place < len(starts):
            high = min(high, starts[place] - 1)
        if b.books[t + w.B_BANDED] != 0:
            low = max(low, b.books[t + w.B_LOW] * size)
            high = min(high, min(b.books[t + w.B_HIGH], high // size) * size)
        most = self.notional[book]
        if most != 0 and high > 0:
            b.books[t + w.B_MOST] = min(b.books[t + w.B_MOST], most // high)
        b.books[t + w.B_LOW_PRICE] = low
        b.books[t + w.B_HIGH_PRICE] = high
        return 0

    def refer(self, book: int, price: int) -> int:
        """The reference price of a book from now on, 0 for none."""
        self.books.books[book * w.BOOK_WORDS + w.B_REFERENCE] = price
        return self.books.narrow(book)

    def reference(self, book: int) -> int:
        """The reference price of a book, 0 for none."""
        return self.books.books[book * w.BOOK_WORDS + w.B_REFERENCE]

    def is_outside(self, book: int, price: int) -> bool:
        """Whether a price is farther from the reference price than the static collar."""
        reference = self.reference(book)
        collar = self.collars[book]
        if collar == 0 or reference == 0:
            return False
        return abs(price - reference) * w.BASIS_POINTS > reference * collar

    def wall(self, book: int, side: int, limit: int) -> int:
        """The worst tick at which an order of a side with this limit trades without an auction."""
        b = self.books
        collar = b.books[book * w.BOOK_WORDS + w.B_WALL]
        price = b.reference(book)
        if collar == 0 or price == 0:
            return limit
        return b.within(book, side, limit, price, collar)

    def interrupt(self, book: int) -> int:
        """Continuous trading gives way to a volatility auction."""
        b = self.books
        if b.written > b.room:
            b.widen()
        b.set_phase(book, w.PHASE_AUCTION, w.VOLATILITY)
        b.sequence += 1
        b.books[book * w.BOOK_WORDS + w.B_PUBLIC] += 1
        b.out[b.written] = w.PHASED | w.PHASE_AUCTION << 8 | (book + 1) << 16
        b.out[b.written + 1] = w.VOLATILITY
        b.written += w.PHASED_WORDS
        self.interrupted.append(book)
        b.interrupted += 1
        b.special.touched(book)
        return 0

    def taken(self) -> list[int]:
        """The books whose auctions began since the last time."""
        found = self.interrupted
        self.interrupted = []
        self.books.interrupted = 0
        return found

    def is_off_tick(self, book: int, price: int) -> bool:
        """Whether a price is no multiple of the tick size that holds there."""
        return price % self._tick_size(book, price) != 0

    def next_tick(self, book: int, side: int, tick: int) -> int:
        """The next price at which an order of a side does not meet one that stands at `tick`, in smallest ticks."""
        smallest = self.books.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
        price = tick * smallest
        if side == w.BUY:
            below = price - 1
            return (below - below % self._tick_size(book, below)) // smallest
        above = price + self._tick_size(book, price)
        starts = self.starts[book]
        place = bisect_right(starts, price)
        if place < len(starts):
            above = min(above, starts[place])
        return above // smallest

    def on_tick(self, book: int, side: int, tick: int) -> int:
        """The nearest price on its ticks that is not above `tick`, for a sell not below it; in smallest ticks."""
        smallest = self.books.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
        price = tick * smallest
        off = price % self._tick_size(book, price)
        if off == 0:
            return tick
        if side == w.BUY:
            return (price - off) // smallest
        return self.next_tick(book, side, (price - off) // smallest)

    def fit(self, book: int, price: int) -> int:
        """The nearest price of an order, in smallest ticks, that is not above; where there is none the lowest of all."""
        b = self.books
        t = book * w.BOOK_WORDS
        price = min(max(price, b.books[t + w.B_MIN_PRICE]), b.books[t + w.B_MAX_PRICE])
        return self.on_tick(book, w.BUY, price // b.books[t + w.B_TICK_SIZE])

    def exceeds(self, book: int, price: int, quantity: int) -> bool:
        """Whether so many shares at a price are above the largest notional; without one what prices are compared with counts."""
        most = self.notional[book]
        if price == 0:
            price = self.books.reference(book)
        return most != 0 and price != 0 and quantity > most // price

    def _tick_size(self, book: int, price: int) -> int:
        place = bisect_right(self.starts[book], price)
        if place == 0:
            return self.books.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
        return self.ticks[book][place - 1]
