# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""The orders of books that end with a date, or because an instrument is delisted, in parts. `closing.pxd` gives the types of C.

What stands is walked over, and no part looks at more than so many orders. How far the parts before came is state: the last order
that they looked at and that outlives the date. Where it is not open any more the walk begins anew: between two parts orders end,
but none moves; who lets them move says `forget`. What waits elsewhere is looked up once for each book, and remembered from one part
to the next. That is no state: what is not remembered is looked up anew, with the same order.
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
        # By book the ids that are to end, of what stands in no level, the next one last; negative: whatever its date.
        self.left: dict[int, list[int]] = {}
        self.passed = 0  # the last order that outlives the date, of those that were looked at, 0 for none
        self.looks_limit = w.CLOSE_LOOKS_LIMIT  # what it is for all but tests, and rows of before
        self.looks = 0  # that this part has left
        self.bids = -1  # where those of the bids end among the levels that change

    def forget(self) -> None:
        """Orders may have moved."""
        self.left.clear()
        self.passed = 0

    def begin(self, date: int) -> int:
        """A part begins, of the end of a date."""
        if date != self.date:
            self.forget()
        self.date = date
        if self.passed != 0 and self.books.index.find(self.passed) == 0:
            self.passed = 0
        self.looks = self.looks_limit
        return 0

    def delist(self, book: int, limit: int) -> int:
        """Ends the orders of a book, at most so many."""
        self.looks = w.NO_LIMIT
        self.passed = 0
        self.end(book, limit, w.DELISTED, 0)
        return 0

    def end(self, book: int, limit: int, reason: int, date: int) -> int:
        """Ends the orders of a book, at most `limit`, and for DATE_CLOSED those that do not last beyond the date alone; how many."""
        b = self.books
        if reason != self.reason or date != self.date:
            self.left.clear()
        self.reason = reason
        self.date = date
        self.bids = -1
        standing = self._standing(book, limit)
        for identity in standing:
            self._end(identity)
        done = len(standing)
        if done < limit and self.looks != 0:
            left = self.left.get(book)
            if left is None:
                left = self.left[book] = self._waiting(book)
            while left and done < limit:
                done += self._end(left.pop())
        for place in range(b.swept_count):
            if b.written > b.room:
                b.widen()
            if place != self.bids:
                b.show_where(2 * book + (1 if 0 <= self.bids < place else 0), b.swept[place])
        b.swept_count = 0
        return done

    def _end(self, identity: int) -> int:
        """Ends an order, if it is open: 1, or 0."""
        b = self.books
        slot = b.index.find(abs(identity))
        if slot == 0:
            return 0
        if self.bids < 0 and b.halves[slot * w.ORDER_HALVES + w.H_SIDE] & 1:
            self.bids = b.swept_count
            b.sweep(-1)  # in an auction the best ask may be where the last bid was
        self.special.end(slot, self.reason if identity < 0 else b.ends_by(identity, self.reason, self.date))
        return 1

    def _standing(self, book: int, limit: int) -> list[int]:
        """What is to end of what stands, the first of it first, as far as this part looks."""
        b = self.books
        found: list[int] = []
        s = 2 * book
        tick = -1
        hidden = 1
        slot = b.index.find(self.passed) if self.passed != 0 else 0
        if slot != 0 and b.halves[slot * w.ORDER_HALVES + w.H_SIDE] >> 1 >= book:
            if b.halves[slot * w.ORDER_HALVES + w.H_SIDE] >> 1 > book:
                return found
            s = b.halves[slot * w.ORDER_HALVES + w.H_SIDE]
            tick = b.orders[slot * w.ORDER_WORDS + w.O_TICK]
            hidden = self.special.is_hidden(slot)
            slot = b.halves[slot * w.ORDER_HALVES + w.H_NEXT]
        else:
            slot = 0
            tick = b.sides[s * w.SIDE_WORDS + w.S_BEST]
            if tick >= 0:
                hidden = 0
                slot = b.ends[b.level(s, tick) * w.LEVEL_HALVES + w.E_HEAD]
        while True:
            while slot != 0:
                if self.looks == 0 or len(found) == limit:
                    return found
                self.looks -= 1
                identity = b.orders[slot * w.ORDER_WORDS + w.O_ID]
                if b.ends_by(identity, self.reason, self.date) != 0:
                    found.append(identity)
                else:
                    self.passed = identity
                slot = b.halves[slot * w.ORDER_HALVES + w.H_NEXT]
            if hidden == 0:
                hidden = 1
                slot = b.ends[b.level(s, tick) * w.LEVEL_HALVES + w.E_HIDDEN_HEAD]
                continue
            if tick >= 0:
                tick = b.worse(s, tick)
            if tick < 0:
                if s & 1:
                    return found
                s += 1
                tick = b.sides[s * w.SIDE_WORDS + w.S_BEST]
            if tick >= 0:
                hidden = 0
                slot = b.ends[b.level(s, tick) * w.LEVEL_HALVES + w.E_HEAD]

    def _waiting(self, book: int) -> list[int]:
        """What is to end, and stands in no level, the first of it last."""
        b = self.books
        found: list[int] = []
        for side in range(2):
            for _, _, slot in self.special.stops.waiting(book, side):
                identity = b.orders[slot * w.ORDER_WORDS + w.O_ID]
                if b.ends_by(identity, self.reason, self.date) != 0:
                    found.append(identity)
        found += [-identity for identity in sorted(self.special.auction.own.get(book, ()))]
        found += [-identity for identity, _ in self.special.pegs.of(book)]
        found.reverse()
        return found

    def state(self) -> list[int]:
        """What a snapshot has of it."""
        return [self.date, self.passed] if self.passed != 0 else [0, 0]

    def load(self, state: list[int]) -> int:
        """The inverse of `state`."""
        self.date, self.passed = state
        return 0
