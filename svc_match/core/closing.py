# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""The orders of books that end with a date, or because an instrument is delisted, in parts. `closing.pxd` gives the types of C.

Which they are is looked up once for each book, and remembered from one part to the next, so that all parts together cost what
stands. It is no state: between two parts orders end, but none moves; who lets them move says `forget`, and what is not remembered
is looked up anew, with the same order.
"""

from svc_match.core import layout as w
from svc_match.core.books import COMPILED, Books
from svc_match.core.special import Special

INTERPRETED = __file__.endswith(".py")
assert COMPILED != INTERPRETED, "the core is compiled as a whole or not at all: run make setup"


class Closing:
    """Ends orders: what stands, the best first, bids before offers; then stops, what waits for an auction, and what is pegged."""

    def __init__(self, books: Books, special: Special) -> None:
        self.books = books
        self.special = special
        self.reason = self.date = 0  # for which those are left
        # By book the ids that are to end, the next one last; negative: whatever its date.
        self.left: dict[int, list[int]] = {}

    def forget(self) -> None:
        """Orders may have moved."""
        self.left.clear()

    def end(self, book: int, limit: int, reason: int, date: int) -> int:
        """Ends the orders of a book, at most `limit`, and for DATE_CLOSED those that do not last beyond the date alone; how many."""
        b = self.books
        if reason != self.reason or date != self.date:
            self.left.clear()
        self.reason = reason
        self.date = date
        left = self.left.get(book)
        if left is None:
            left = self.left[book] = self._found(book)
        done = 0
        bids = -1  # where those of the bids end among the levels that change
        while left and done < limit:
            identity = left.pop()
            slot = b.index.find(abs(identity))
            if slot == 0:
                continue
            if bids < 0 and b.halves[slot * w.ORDER_HALVES + w.H_SIDE] & 1:
                bids = b.swept_count
                b.sweep(-1)  # in an auction the best ask may be where the last bid was
            self.special.end(slot, reason if identity < 0 else b.ends_by(identity, reason, date))
            done += 1
        for place in range(b.swept_count):
            if b.written > b.room:
                b.widen()
            if place != bids:
                b.show_where(2 * book + (1 if 0 <= bids < place else 0), b.swept[place])
        b.swept_count = 0
        return done

    def _found(self, book: int) -> list[int]:
        """What is to end, the first of it last."""
        b = self.books
        found: list[int] = []
        for s in range(2 * book, 2 * book + 2):
            tick = b.sides[s * w.SIDE_WORDS + w.S_BEST]
            while tick >= 0:
                level = b.level(s, tick)
                self._queue(found, b.ends[level * w.LEVEL_HALVES + w.E_HEAD])
                self._queue(found, b.ends[level * w.LEVEL_HALVES + w.E_HIDDEN_HEAD])
                tick = b.worse(s, tick)
        for side in range(2):
            for _, identity, _ in self.special.stops.waiting(book, side):
                if b.ends_by(identity, self.reason, self.date) != 0:
                    found.append(identity)
        found += [-identity for identity in sorted(self.special.auction.own.get(book, ()))]
        found += [-identity for identity, _ in self.special.pegs.of(book)]
        found.reverse()
        return found

    def _queue(self, found: list[int], slot: int) -> int:
        """The same of the orders from one on at a price."""
        b = self.books
        while slot != 0:
            identity = b.orders[slot * w.ORDER_WORDS + w.O_ID]
            if b.ends_by(identity, self.reason, self.date) != 0:
                found.append(identity)
            slot = b.halves[slot * w.ORDER_HALVES + w.H_NEXT]
        return 0
