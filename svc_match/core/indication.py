# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""What an auction would do if it ended now: the price, how much trades at it, and what is left over. Source: docs/rule-book.md, 5.3.
`indication.pxd` gives the types of C.
"""

from svc_match.core import bits
from svc_match.core import layout as w
from svc_match.core.books import Books
from svc_match.core.memory import Words
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
        # What that found: ticks with what stands there, first `asks` from the lowest up, then bids from the highest down, `count` in
        # all; orders in front of them, as what is for sale in `unlimited` and what is wanted by `bounds`; and all that is for sale.
        self._prices = Words(1_024)
        self.count = self.asks = self.unlimited = self.total = 0
        self.bounds: dict[int, int] = {}
        self._point()

    def _point(self) -> int:
        self.prices = bits.words(self._prices.view)
        self.room = len(self._prices) // 2
        return 0

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
        self.unlimited = 0
        for slot in self.front.get(asks, ()):
            self.unlimited += b.orders[slot * w.ORDER_WORDS + w.O_OPEN]
        self.bounds = {}
        highest = best_bid
        for slot in self.front.get(bids, ()):
            tick = b.orders[slot * w.ORDER_WORDS + w.O_TICK]
            highest = max(highest, tick)
            self.bounds[tick] = self.bounds.get(tick, 0) + b.orders[slot * w.ORDER_WORDS + w.O_OPEN]
        self.count = self.asks = 0
        crossed = self.unlimited != 0 or 0 <= best_ask <= highest
        if highest >= 0 and crossed:
            self._walk(asks, bids, best_ask, best_bid, highest)
        self.walked = self.count + len(self.front.get(asks, ())) + len(self.front.get(bids, ()))
        b.looked(self.walked)
        tick = self._best(reference)
        if tick == 0:
            tick = reference
        wanted, offered = self._wanted(tick), self._offered(tick)
        if tick == 0 or wanted == 0 or offered == 0 or highest < 0 or not crossed:
            return NOTHING
        if wanted == offered:
            return tick, wanted, 0, 0
        return (tick, offered, 1, wanted - offered) if wanted > offered else (tick, wanted, 2, offered - wanted)

    def _walk(self, asks: int, bids: int, best_ask: int, best_bid: int, highest: int) -> int:
        """Notes the prices that cross, with what stands there: the asks from the lowest up, then the bids from the highest down."""
        b = self.books
        self.total = self.unlimited
        tick = best_ask
        while 0 <= tick <= highest:
            self.total += self._add(asks, tick)
            tick = b.worse(asks, tick)
        self.asks = self.count
        # Below the second bid at which more is wanted than there is, nothing can be better.
        wanted, enough = 0, False
        lowest = 0 if self.unlimited else best_ask
        tick = best_bid
        while tick >= lowest and not enough:
            enough = wanted > self.total
            wanted += self._add(bids, tick)
            tick = b.worse(bids, tick)
        return 0

    def _add(self, s: int, tick: int) -> int:
        """Notes a price; how much stands there."""
        if self.count >= self.room:
            self._prices.reserve(2 * self.count + 2)
            self._point()
        n = 2 * self.count
        there = self._there(s, tick)
        self.prices[n] = tick
        self.prices[n + 1] = there
        self.count += 1
        return there

    def _wanted(self, tick: int) -> int:
        """What is wanted at a tick."""
        wanted = 0
        for bound, quantity in self.bounds.items():
            if bound >= tick:
                wanted += quantity
        n = self.asks
        while n < self.count and self.prices[2 * n] >= tick:
            wanted += self.prices[2 * n + 1]
            n += 1
        return wanted

    def _offered(self, tick: int) -> int:
        """What is for sale at a tick."""
        offered = self.unlimited
        n = 0
        while n < self.asks and self.prices[2 * n] <= tick:
            offered += self.prices[2 * n + 1]
            n += 1
        return offered

    def _best(self, reference: int) -> int:
        """The tick, of those with a limit, at which an auction trades, 0 for none."""
        most, least, highest, lowest = 0, 0, 0, 0
        above = below = 0  # the lowest tick where shares for sale are left, the highest where some are wanted
        offered, wanted = self.total, 0
        bounds = sorted(self.bounds)
        ask, bid = self.asks - 1, self.asks
        while ask >= 0 or bid < self.count:
            tick = self.prices[2 * ask] if ask >= 0 else 0
            if bid < self.count and self.prices[2 * bid] >= tick:
                tick = self.prices[2 * bid]
                wanted += self.prices[2 * bid + 1]
                bid += 1
            while bounds and bounds[len(bounds) - 1] >= tick:
                wanted += self.bounds[bounds.pop()]
            volume = min(wanted, offered)
            surplus = wanted - offered
            if ask >= 0 and self.prices[2 * ask] == tick:
                offered -= self.prices[2 * ask + 1]
                ask -= 1
            if volume < most and surplus >= 0:
                break  # less is for sale at whatever is lower
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
