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
    """The stops of some books: by side and trigger sorted, the first to be triggered last, so that those leave at no cost to the others.
    Those that trail are a list of their own: following a price costs them alone. Those that are triggered stay in their lists until they
    are executed: of these it is known how near the farthest one is.
    """

    def __init__(self, books: Books, standing: Standing) -> None:
        self.books = books
        self.standing = standing
        self.lists: dict[int, list[tuple[int, int, int]]] = {}
        self.trailing: dict[int, list[tuple[int, int, int]]] = {}  # those that trail, by the same numbers
        self.reached: dict[int, int] = {}  # by the same numbers, how near those are at least that are triggered
        self.followed: dict[int, int] = {}  # what all of these have followed at least

    def add(self, slot: int) -> int:
        """A stop waits."""
        insort(self._where(slot), self._entry(slot))
        return self._count(self.books.halves[slot * w.ORDER_HALVES + w.H_SIDE], 1)

    def remove(self, slot: int) -> int:
        """A stop waits no more, if it did."""
        waiting = self._where(slot)
        if waiting[len(waiting) - 1][2] == slot:
            waiting.pop()
        else:
            del waiting[bisect_left(waiting, self._entry(slot))]
        return self._count(self.books.halves[slot * w.ORDER_HALVES + w.H_SIDE], -1)

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
        those = self._trailing(s, trigger)
        for place in range(len(those)):
            _, _, slot = those[place]
            x = self.books.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
            stop = self._behind(s, reference, self.standing.records[x + w.X_TRAIL])
            if stop > self.standing.records[x + w.X_STOP] if sells else stop < self.standing.records[x + w.X_STOP]:
                self.standing.records[x + w.X_STOP] = stop
                those[place] = self._entry(slot)
        those.sort()
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

    def triggered(self, book: int) -> bool:
        """Whether the condition of a stop holds; then it is known of which."""
        found = False
        for s in range(book * 2, book * 2 + 2):
            for trigger in range(w.LAST_TRADE, w.BEST_QUOTE + 1):
                waiting = self._list(s, trigger)
                trailing = self._trailing(s, trigger)
                price = self._reference(book, s & 1, trigger) if waiting or trailing else -1
                if price >= 0:
                    if trailing:
                        self._follow(s, trigger, price)
                    nearness = price if s & 1 else -price
                    if self._is_near(waiting, nearness) or self._is_near(trailing, nearness):
                        self.reached[4 * s + trigger] = nearness
                        found = True
        return found

    def _is_near(self, waiting: list[tuple[int, int, int]], nearness: int) -> bool:
        """Whether one of a list is as near."""
        return bool(waiting) and waiting[len(waiting) - 1][0] >= nearness

    def next(self, book: int) -> int:
        """The triggered stop that is executed next, 0 for none: buys first, the nearest price first, at a price the oldest."""
        if not self.reached:
            return 0
        for s in range(book * 2, book * 2 + 2):
            first = (0, 0, 0)
            for trigger in range(w.LAST_TRADE, w.BEST_QUOTE + 1):
                nearness = self.reached.get(4 * s + trigger)
                if nearness is not None:
                    for waiting in (self._list(s, trigger), self._trailing(s, trigger)):
                        if self._is_near(waiting, nearness):
                            last = waiting[len(waiting) - 1]
                            if first[2] == 0 or last > first:
                                first = last
            if first[2] != 0:
                return first[2]
        return 0

    def wait_on(self, book: int) -> int:
        """What is triggered by now, and not executed, waits as before."""
        for s in range(book * 2, book * 2 + 2):
            for trigger in range(w.LAST_TRADE, w.BEST_QUOTE + 1):
                self.reached.pop(4 * s + trigger, None)
        return 0

    def state(self) -> list[list[int]]:
        """Of which lists some are triggered, and how near these are."""
        return [[key, nearness] for key, nearness in sorted(self.reached.items())]

    def load(self, state: list[list[int]]) -> int:
        """The inverse of `state`, of books that are filled."""
        for key, nearness in state:
            self.reached[key] = nearness
        return 0

    def waiting(self, book: int, side: int) -> list[tuple[int, int, int]]:
        """(nearness, -id, slot) of the stops of a side, in the order in which they would be triggered."""
        s = book * 2 + side
        found: list[tuple[int, int, int]] = []
        for trigger in range(w.LAST_TRADE, w.BEST_QUOTE + 1):
            for waiting in (self._list(s, trigger), self._trailing(s, trigger)):
                if waiting:
                    sorts = bool(found)
                    found += waiting
                    if sorts:
                        found.sort()
        found.reverse()
        return found

    def _where(self, slot: int) -> list[tuple[int, int, int]]:
        """The list in which a stop waits; one that trails and comes to it follows with the next price."""
        b = self.books
        s = b.halves[slot * w.ORDER_HALVES + w.H_SIDE]
        x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        trigger = self.standing.records[x + w.X_FLAGS] >> 24 & 255
        if self.standing.records[x + w.X_TRAIL] == 0:
            return self._list(s, trigger)
        self.followed.pop(4 * s + trigger, None)
        return self._trailing(s, trigger)

    def _list(self, s: int, trigger: int) -> list[tuple[int, int, int]]:
        return self.lists.setdefault(4 * s + trigger, [])

    def _trailing(self, s: int, trigger: int) -> list[tuple[int, int, int]]:
        return self.trailing.setdefault(4 * s + trigger, [])

    def _entry(self, slot: int) -> tuple[int, int, int]:
        """(nearness, -id, slot) of a stop: how near its price is, as a number that is higher the nearer it is."""
        b = self.books
        x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        stop = self.standing.records[x + w.X_STOP]
        if b.halves[slot * w.ORDER_HALVES + w.H_SIDE] & 1 == w.BUY:
            stop = -stop
        return stop, -b.orders[slot * w.ORDER_WORDS + w.O_ID], slot

    def _count(self, s: int, more: int) -> int:
        """The books know how many stops wait."""
        b = self.books
        b.books[(s >> 1) * w.BOOK_WORDS + w.B_STOPS] += more
        b.waiting += more
        return b.wake(s >> 1)

    def calm(self, s: int, trigger: int) -> tuple[int, int]:
        """Between which ticks of what they look at no stop of a list is triggered or follows; the first is above the second where
        there are none.
        """
        low = -1
        high = w.NO_LIMIT
        waiting = self._list(s, trigger)
        trailing = self._trailing(s, trigger)
        for some in (waiting, trailing):
            if some:
                nearness, _, _ = some[len(some) - 1]
                if s & 1:
                    low = max(low, nearness + 1)
                else:
                    high = min(high, -nearness - 1)
        if trailing:
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
