# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""What an auction would do if it ended now: the price, how much trades at it, and what is left over. Source: docs/rule-book.md, 5.3.
`indication.pxd` gives the types of C.
"""

from svc_match.core import bits
from svc_match.core import layout as w
from svc_match.core.books import Books

NOTHING = (0, 0, 0, 0)  # tick, quantity, side of the surplus (1 buy, 2 sell), surplus


class Indication:
    """What was last shown of some books. `front` has, by side, the slots of the orders in front of all prices."""

    def __init__(self, books: Books, front: dict[int, dict[int, int]]) -> None:
        self.books = books
        self.front = front
        self.shown: dict[int, tuple[int, int, int, int]] = {}
        self.changed: dict[int, bool] = {}

    def touched(self, book: int) -> int:
        """Something happened to a book that collects orders."""
        self.changed[book] = True
        return 0

    def indicate(self, uncrossed: int) -> int:
        """Shows what each auction that was touched would do, where that changed, but of the book that is uncrossed."""
        b = self.books
        for book in sorted(self.changed):
            if b.books[book * w.BOOK_WORDS + w.B_PHASE] == w.PHASE_AUCTION and book != uncrossed:
                found = self.find(book)
                if found != self.shown.get(book, NOTHING):
                    self.shown[book] = found
                    self._indicated(book, found)
        self.changed.clear()
        return 0

    def _indicated(self, book: int, found: tuple[int, int, int, int]) -> int:
        b = self.books
        tick, quantity, side, surplus = found
        if b.written > b.room:
            b.widen()
        n = b.written
        b.books[book * w.BOOK_WORDS + w.B_PUBLIC] += 1
        b.out[n] = w.INDICATIVE | side << 8 | (book + 1) << 16
        b.out[n + 1] = tick * b.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
        b.out[n + 2] = quantity
        b.out[n + 3] = surplus
        b.written = n + w.INDICATIVE_WORDS
        return 0

    def told(self, book: int) -> tuple[int, int, int, int]:
        """What was last shown: price, quantity, side and quantity of the surplus."""
        tick, quantity, side, surplus = self.shown.get(book, NOTHING)
        return tick * self.books.books[book * w.BOOK_WORDS + w.B_TICK_SIZE], quantity, side, surplus

    def forget(self, book: int) -> int:
        """The book collects no more."""
        self.shown.pop(book, None)
        return 0

    def restore(self, uncrossed: int) -> int:
        """After the books are loaded: what was shown is what would be."""
        b = self.books
        for book in range(b.book_count):
            if b.books[book * w.BOOK_WORDS + w.B_PHASE] == w.PHASE_AUCTION and book != uncrossed:
                found = self.find(book)
                if found != NOTHING:
                    self.shown[book] = found
        return 0

    def find(self, book: int) -> tuple[int, int, int, int]:
        """What would trade: tick, quantity, side of the surplus and surplus."""
        b = self.books
        bids, asks = 2 * book, 2 * book + 1
        best_bid = b.sides[bids * w.SIDE_WORDS + w.S_BEST]
        best_ask = b.sides[asks * w.SIDE_WORDS + w.S_BEST]
        last = bits.share(b.books[book * w.BOOK_WORDS + w.B_LAST], b.books[book * w.BOOK_WORDS + w.B_RECIPROCAL])
        unlimited = 0
        for slot in self.front.get(asks, ()):
            unlimited += b.orders[slot * w.ORDER_WORDS + w.O_OPEN]
        demand: dict[int, int] = {}
        highest = best_bid
        for slot in self.front.get(bids, ()):
            tick = b.orders[slot * w.ORDER_WORDS + w.O_TICK]
            highest = max(highest, tick)
            demand[tick] = demand.get(tick, 0) + b.orders[slot * w.ORDER_WORDS + w.O_OPEN]
        if highest < 0 or (unlimited == 0 and (best_ask < 0 or best_ask > highest)):
            return NOTHING
        supply: dict[int, int] = {}
        total = unlimited
        ticks: list[int] = []
        tick = best_ask
        while 0 <= tick <= highest:
            ticks.append(tick)
            supply[tick] = self._there(asks, tick)
            total += supply[tick]
            tick = b.worse(asks, tick)
        # Below the second bid at which more is wanted than there is, nothing can be better.
        wanted, enough = 0, False
        tick = best_bid
        while tick >= (0 if unlimited else best_ask) and not enough:
            enough = wanted > total
            ticks.append(tick)
            there = self._there(bids, tick)
            demand[tick] = demand.get(tick, 0) + there
            wanted += there
            tick = b.worse(bids, tick)
        tick = self._best(sorted(set(ticks), reverse=True), demand, supply, total, last)
        if tick == 0 and last != 0:
            tick = self._best([last], demand, supply, total, last)
        if tick == 0:
            return NOTHING
        wanted = sum([quantity for bid, quantity in demand.items() if bid >= tick])
        offered = unlimited + sum([quantity for ask, quantity in supply.items() if ask <= tick])
        if wanted == offered:
            return tick, wanted, 0, 0
        return (tick, offered, 1, wanted - offered) if wanted > offered else (tick, wanted, 2, offered - wanted)

    def _best(self, ticks: list[int], demand: dict[int, int], supply: dict[int, int], total: int, last: int) -> int:
        """The tick of some, the highest first, at which an auction trades, 0 for none. `total` is all that is for sale."""
        most, least, highest, lowest = 0, 0, 0, 0
        above = below = 0  # the lowest tick where shares for sale are left, the highest where some are wanted
        offered, wanted = total, 0
        bids = sorted(demand, reverse=True)
        asks = sorted(supply, reverse=True)
        bid = ask = 0
        for tick in ticks:
            while bid < len(bids) and bids[bid] >= tick:
                wanted += demand[bids[bid]]
                bid += 1
            while ask < len(asks) and asks[ask] > tick:
                offered -= supply[asks[ask]]
                ask += 1
            volume = min(wanted, offered)
            surplus = wanted - offered
            if volume == 0 or volume < most or (volume == most and abs(surplus) > least):
                continue
            if volume > most or abs(surplus) < least:
                most, least, highest = volume, abs(surplus), tick
                above = below = 0
            lowest = tick
            if surplus < 0:
                above = tick
            elif surplus > 0 and below == 0:
                below = tick
        if above == 0 and below != 0:
            return highest
        if above != 0 and below == 0:
            return lowest
        if above != 0:
            highest, lowest = above, below
        return min(max(lowest, last), highest) if last else lowest

    def _there(self, s: int, tick: int) -> int:
        """All that stands at a price, hidden or not."""
        b = self.books
        level = b.level(s, tick)
        if b.sides[s * w.SIDE_WORDS + w.S_SPECIAL] == 0:
            return b.levels[level * w.LEVEL_WORDS + w.L_QUANTITY]
        found = 0
        for queue in range(2):
            slot = b.ends[level * w.LEVEL_HALVES + (w.E_HIDDEN_HEAD if queue else w.E_HEAD)]
            while slot != 0:
                found += b.orders[slot * w.ORDER_WORDS + w.O_OPEN]
                slot = b.halves[slot * w.ORDER_HALVES + w.H_NEXT]
        return found
