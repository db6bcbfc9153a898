# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""What some instruments ask of an order beyond their limits: ticks by price, a largest notional, a price near the reference price.
The books call in here for those
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
        self.references: dict[int, int] = {}

    def guard(self, book: int, bands: list[tuple[int, int]], max_notional: int, static_collar: int) -> int:
        """The rules of a book from now on."""
        self.starts[book] = [price for price, _ in bands]
        self.ticks[book] = [tick for _, tick in bands]
        self.notional[book] = max_notional
        self.collars[book] = static_collar
        b = self.books
        b.books[book * w.BOOK_WORDS + w.B_GUARDED] = 1 if bands or max_notional or static_collar else 0
        return b.set_phase(book, b.books[book * w.BOOK_WORDS + w.B_PHASE])

    def refer(self, book: int, price: int) -> int:
        """The reference price of a book from now on, 0 for none."""
        self.references[book] = price
        return 0

    def reference(self, book: int) -> int:
        """The reference price of a book, 0 for none."""
        return self.references.get(book, 0)

    def is_outside(self, book: int, price: int) -> bool:
        """Whether a price is farther from the reference price than the static collar."""
        reference = self.reference(book)
        collar = self.collars[book]
        if collar == 0 or reference == 0:
            return False
        return abs(price - reference) * w.BASIS_POINTS > reference * collar

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

    def exceeds(self, book: int, price: int, quantity: int) -> bool:
        """Whether so many shares at a price are above the largest notional; without a price the last trade's counts."""
        most = self.notional[book]
        if price == 0:
            price = self.books.books[book * w.BOOK_WORDS + w.B_LAST]
        return most != 0 and price != 0 and quantity > most // price

    def _tick_size(self, book: int, price: int) -> int:
        place = bisect_right(self.starts[book], price)
        if place == 0:
            return self.books.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
        return self.ticks[book][place - 1]
