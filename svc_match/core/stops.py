# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""Stops that wait, outside the levels of the books; how those that trail follow, and which are triggered. `stops.pxd` gives the
types of C.
"""

from bisect import bisect_left, insort

from svc_match.core import layout as w
from svc_match.core.books import Books
from svc_match.core.standing import Standing


class Stops:
    """The stops of some books: by side and trigger sorted, the first to be triggered first."""

    def __init__(self, books: Books, standing: Standing) -> None:
        self.books = books
        self.standing = standing
        self.lists: dict[int, list[tuple[int, int, int]]] = {}
        self.trailing: dict[int, list[int]] = {}  # the slots of those that trail, by the same numbers
        self.reached: dict[int, list[tuple[int, int]]] = {}  # by book, those that the next row goes on with
        self.followed: dict[int, int] = {}  # what all of these have followed at least

    def add(self, slot: int) -> int:
        """A stop waits."""
        s = self.books.halves[slot * w.ORDER_HALVES + w.H_SIDE]
        trigger = self._trigger(slot)
        insort(self._list(s, trigger), self._rank(slot))
        if self._trail(slot) != 0:
            self._trailing(s, trigger).append(slot)
            self.followed.pop(4 * s + trigger, None)
        return self._count(s, 1)

    def remove(self, slot: int) -> int:
        """A stop waits no more."""
        s = self.books.halves[slot * w.ORDER_HALVES + w.H_SIDE]
        trigger = self._trigger(slot)
        waiting = self._list(s, trigger)
        del waiting[bisect_left(waiting, self._rank(slot))]
        if self._trail(slot) != 0:
            self._trailing(s, trigger).remove(slot)
        return self._count(s, -1)

    def trailing_in(self, book: int) -> int:
        """How many stops of a book trail."""
        count = 0
        for side in range(2):
            for trigger in range(w.LAST_TRADE, w.BEST_QUOTE + 1):
                count += len(self._trailing(book * 2 + side, trigger))
        return count

    def _follow(self, s: int, trigger: int, reference: int) -> int:
        """The stops of a list that trail follow the price that they look at."""
        key = 4 * s + trigger
        sells = s & 1
        if key in self.followed:
            before = self.followed[key]
            if reference <= before if sells else reference >= before:
                return 0
        self.followed[key] = reference
        waiting = self._list(s, trigger)
        for slot in self._trailing(s, trigger):
            x = self.books.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
            stop = self._behind(s, reference, self._trail(slot))
            if stop > self.standing.records[x + w.X_STOP] if sells else stop < self.standing.records[x + w.X_STOP]:
                del waiting[bisect_left(waiting, self._rank(slot))]
                self.standing.records[x + w.X_STOP] = stop
                insort(waiting, self._rank(slot))
        return 0

    def _behind(self, s: int, reference: int, trail: int) -> int:
        """The stop price, in ticks, that trails a reference; rounded away from it."""
        scale = self.books.books[(s >> 1) * w.BOOK_WORDS + w.B_TICK_SIZE]
        price = reference * scale
        if trail < 0:
            price *= w.BASIS_POINTS
            scale *= w.BASIS_POINTS
            trail = -trail * (price // w.BASIS_POINTS)
        if s & 1:
            return (price - trail) // scale if price > trail else 0
        return (price + trail + scale - 1) // scale

    def triggered(self, book: int) -> list[int]:
        """The slots of the stops whose condition holds, in the order in which they are executed; they wait no more."""
        found: list[int] = []
        for side in range(2):
            some: list[tuple[int, int, int]] = []
            for trigger in range(w.LAST_TRADE, w.BEST_QUOTE + 1):
                waiting = self._list(book * 2 + side, trigger)
                price = self._reference(book, side, trigger) if waiting else -1
                if price >= 0:
                    if len(self._trailing(book * 2 + side, trigger)) != 0:
                        self._follow(book * 2 + side, trigger, price)
                    count = bisect_left(waiting, ((-price if side else price) + 1,))
                    some += waiting[:count]
                    for _, _, slot in waiting[:count]:
                        if self._trail(slot) != 0:
                            self._trailing(book * 2 + side, trigger).remove(slot)
                    del waiting[:count]
                    self._count(book * 2 + side, -count)
            some.sort()
            found += [slot for _, _, slot in some]
        return found

    def reach(self, book: int, those: list[tuple[int, int]]) -> int:
        """(slot, id) of triggered stops that are executed before any command, in their order."""
        self.reached[book] = those
        return self._flag(those, w.REACHED)

    def resumed(self, book: int) -> list[tuple[int, int]]:
        """Those of a book that are open, which are executed now."""
        those = [
            (self._place(slot), slot)
            for slot, identity in self.reached.pop(book, [])
            if self.books.orders[slot * w.ORDER_WORDS + w.O_ID] == identity
        ]
        those.sort()
        found = [(slot, place[2]) for place, slot in those]
        self._flag(found, 0)
        return found

    def restore(self, slot: int) -> int:
        """A loaded stop is one of them; the others of its book may be loaded in any order."""
        book = self.books.halves[slot * w.ORDER_HALVES + w.H_SIDE] >> 1
        self.reached.setdefault(book, []).append((slot, self.books.orders[slot * w.ORDER_WORDS + w.O_ID]))
        return 0

    def _place(self, slot: int) -> tuple[int, int, int]:
        """What sorts stops that are triggered together: buys first, the nearest price first, the oldest first. The last is the id."""
        rank, identity, _ = self._rank(slot)
        return self.books.halves[slot * w.ORDER_HALVES + w.H_SIDE] & 1, rank, identity

    def _flag(self, those: list[tuple[int, int]], flag: int) -> int:
        b = self.books
        for slot, identity in those:
            if b.orders[slot * w.ORDER_WORDS + w.O_ID] == identity:
                x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
                self.standing.records[x + w.X_FLAGS] = self.standing.records[x + w.X_FLAGS] & ~w.REACHED | flag
        return 0

    def waiting(self, book: int, side: int) -> list[tuple[int, int, int]]:
        """(rank, id, slot) of the stops of a side, in the order in which they would be triggered."""
        s = book * 2 + side
        found = set(self._list(s, w.LAST_TRADE) + self._list(s, w.BEST_QUOTE))
        for slot, identity in self.reached.get(book, []):
            of_side = self.books.halves[slot * w.ORDER_HALVES + w.H_SIDE] == s
            if of_side and self.books.orders[slot * w.ORDER_WORDS + w.O_ID] == identity:
                found.add(self._rank(slot))
        return sorted(found)

    def _list(self, s: int, trigger: int) -> list[tuple[int, int, int]]:
        return self.lists.setdefault(4 * s + trigger, [])

    def _trailing(self, s: int, trigger: int) -> list[int]:
        return self.trailing.setdefault(4 * s + trigger, [])

    def _trail(self, slot: int) -> int:
        x = self.books.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        return self.standing.records[x + w.X_TRAIL]

    def _trigger(self, slot: int) -> int:
        x = self.books.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        return self.standing.records[x + w.X_FLAGS] >> 24 & 255

    def _rank(self, slot: int) -> tuple[int, int, int]:
        """What sorts stops: the nearest price first, then the oldest."""
        b = self.books
        x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        stop = self.standing.records[x + w.X_STOP]
        if b.halves[slot * w.ORDER_HALVES + w.H_SIDE] & 1:
            stop = -stop
        return stop, b.orders[slot * w.ORDER_WORDS + w.O_ID], slot

    def _count(self, s: int, more: int) -> int:
        """The books know how many stops wait."""
        b = self.books
        b.books[(s >> 1) * w.BOOK_WORDS + w.B_STOPS] += more
        b.waiting += more
        b.quiet[(s >> 1) * w.QUIET_WORDS + w.Q_US] = 0
        return 0

    def calm(self, s: int, trigger: int) -> tuple[int, int]:
        """Between which ticks of what they look at no stop of a list is triggered or follows; the first is above the second where
        there are none.
        """
        low = -1
        high = w.NO_LIMIT
        waiting = self._list(s, trigger)
        if waiting:
            nearest, _, _ = waiting[0]
            if s & 1:
                low = 1 - nearest
            else:
                high = nearest - 1
            if len(self._trailing(s, trigger)) != 0:
                followed = self.followed.get(4 * s + trigger)
                if followed is None:
                    return high, low
                if s & 1:
                    high = followed
                else:
                    low = followed
        return low, high

    def _reference(self, book: int, side: int, trigger: int) -> int:
        """The tick that a stop price is compared with, or -1; a last trade of other ticks counts as the next one away from it."""
        b = self.books
        if trigger == w.LAST_TRADE:
            price = b.books[book * w.BOOK_WORDS + w.B_LAST]
            tick_size = b.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
            return (price + (tick_size - 1) * side) // tick_size if price else -1
        s = book * 2 + (side ^ 1)
        tick = b.sides[s * w.SIDE_WORDS + w.S_BEST]
        while tick >= 0 and b.ends[b.level(s, tick) * w.LEVEL_HALVES + w.E_HEAD] == 0:
            tick = b.worse(s, tick)
        return tick
