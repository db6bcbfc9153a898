# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""What an auction would do if it ended now: the price, how much trades at it, and what is left over. Source: docs/rule-book.md, 5.3.
`indication.pxd` gives the types of C.
"""

from svc_match.core import layout as w
from svc_match.core.books import Books
from svc_match.core.protection import Protection

NOTHING = (0, 0, 0, 0)  # tick, quantity, side of the surplus (1 buy, 2 sell), surplus


class Indication:
    """What was last shown of some books, and when that may be done next. `front` has, by side, the slots of the orders in front of all
    prices.
    """

    def __init__(self, books: Books, front: dict[int, dict[int, int]], protection: Protection) -> None:
        self.books = books
        self.protection = protection
        self.front = front
        self.shown: dict[int, tuple[int, int, int, int]] = {}
        self.next_us: dict[int, int] = {}
        self.awaited: dict[int, bool] = {}  # books that have a timer
        self.newly: list[int] = []  # those among them that the engine has not seen
        self.walked = 0  # prices, and orders in front of them, that the last look took

    def touched(self, book: int) -> int:
        """Something happened to a book that collects orders."""
        if book not in self.awaited:
            self.awaited[book] = True
            self.newly.append(book)
            self.books.interrupted += 1
        return 0

    def taken(self) -> list[tuple[int, int]]:
        """The books of which that is so since the last time, and when each is to be shown."""
        now_us = self.books.now_us
        found = [(book, max(now_us + w.INDICATION_INTERVAL_US, self.next_us.get(book, 0))) for book in self.newly]
        self.newly = []
        return found

    def indicate(self, book: int) -> int:
        """Shows what an auction would do, where that changed."""
        self.awaited.pop(book, None)
        found = self.find(book)
        self.next_us[book] = self.books.now_us + w.INDICATION_INTERVAL_US + self.walked * w.INDICATION_PRICE_US
        if found != self.shown.get(book, NOTHING):
            self.shown[book] = found
            self._indicated(book, found)
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
        self.next_us.pop(book, None)
        self.awaited.pop(book, None)
        if book in self.newly:
            self.newly.remove(book)
        return 0

    def state(self) -> list[list[int]]:
        """What is known of each book, but for whether it has a timer."""
        return [[book, next_us, *self.shown.get(book, NOTHING)] for book, next_us in sorted(self.next_us.items())]

    def load(self, state: list[list[int]], awaited: list[int]) -> int:
        """The inverse of `state`, and the books that have a timer."""
        for book, next_us, tick, quantity, side, surplus in state:
            self.next_us[book] = next_us
            self.shown[book] = (tick, quantity, side, surplus)
        for book in awaited:
            self.awaited[book] = True
        return 0

    def find(self, book: int) -> tuple[int, int, int, int]:
        """What would trade: tick, quantity, side of the surplus and surplus."""
        b = self.books
        bids, asks = 2 * book, 2 * book + 1
        best_bid = b.sides[bids * w.SIDE_WORDS + w.S_BEST]
        best_ask = b.sides[asks * w.SIDE_WORDS + w.S_BEST]
        reference = b.reference(book)
        if reference != 0:
            reference = self.protection.fit(book, reference)
        unlimited = 0
        self.walked = len(self.front.get(asks, ())) + len(self.front.get(bids, ()))
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
            self.walked += 1
            ticks.append(tick)
            supply[tick] = self._there(asks, tick)
            total += supply[tick]
            tick = b.worse(asks, tick)
        # Below the second bid at which more is wanted than there is, nothing can be better.
        wanted, enough = 0, False
        tick = best_bid
        while tick >= (0 if unlimited else best_ask) and not enough:
            enough = wanted > total
            self.walked += 1
            ticks.append(tick)
            there = self._there(bids, tick)
            demand[tick] = demand.get(tick, 0) + there
            wanted += there
            tick = b.worse(bids, tick)
        tick = self._best(sorted(set(ticks), reverse=True), demand, supply, total, reference)
        if tick == 0 and reference != 0:
            tick = self._best([reference], demand, supply, total, reference)
        if tick == 0:
            return NOTHING
        wanted = sum([quantity for bid, quantity in demand.items() if bid >= tick])
        offered = unlimited + sum([quantity for ask, quantity in supply.items() if ask <= tick])
        if wanted == offered:
            return tick, wanted, 0, 0
        return (tick, offered, 1, wanted - offered) if wanted > offered else (tick, wanted, 2, offered - wanted)

    def _best(
        self, ticks: list[int], demand: dict[int, int], supply: dict[int, int], total: int, reference: int
    ) -> int:
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
        return min(max(lowest, reference), highest) if reference else lowest

    def _there(self, s: int, tick: int) -> int:
        """All that stands at a price, hidden or not."""
        b = self.books
        level = b.level(s, tick)
        if b.ends[level * w.LEVEL_HALVES + w.E_RECORDS] == 0:
            return b.levels[level * w.LEVEL_WORDS + w.L_QUANTITY]
        found = 0
        for queue in range(2):
            slot = b.ends[level * w.LEVEL_HALVES + (w.E_HIDDEN_HEAD if queue else w.E_HEAD)]
            while slot != 0:
                found += b.orders[slot * w.ORDER_WORDS + w.O_OPEN]
                slot = b.halves[slot * w.ORDER_HALVES + w.H_NEXT]
        return found
