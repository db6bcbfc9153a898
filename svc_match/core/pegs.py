# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""Orders that are pegged: at which price each stands, and when it moves. `pegs.pxd` gives the types of C."""

from bisect import bisect_left, insort

from svc_match.core import layout as w
from svc_match.core.arrival import Arrival
from svc_match.core.bands import Bands
from svc_match.core.books import Books
from svc_match.core.protection import Protection
from svc_match.core.standing import Standing


class Pegs:
    """The pegged orders of some books, by age. One that waits has no price, and is outside the levels."""

    def __init__(
        self, books: Books, standing: Standing, arrival: Arrival, protection: Protection, bands: Bands
    ) -> None:
        self.books = books
        self.bands = bands
        self.standing = standing
        self.arrival = arrival
        self.protection = protection
        self.lists: dict[int, list[tuple[int, int]]] = {}
        self.followed: dict[int, tuple[int, int]] = {}  # the best prices that all orders of a book have followed

    def of(self, book: int) -> list[tuple[int, int]]:
        """(id, slot) of the pegged orders of a book, the oldest first."""
        return self.lists.setdefault(book, [])

    def add(self, slot: int) -> int:
        """An order is pegged; it moves when the book is looked at next."""
        b = self.books
        book = b.halves[slot * w.ORDER_HALVES + w.H_SIDE] >> 1
        insort(self.of(book), (b.orders[slot * w.ORDER_WORDS + w.O_ID], slot))
        return self._count(book, 1)

    def remove(self, slot: int) -> int:
        """A pegged order is done."""
        b = self.books
        book = b.halves[slot * w.ORDER_HALVES + w.H_SIDE] >> 1
        those = self.of(book)
        del those[bisect_left(those, (b.orders[slot * w.ORDER_WORDS + w.O_ID], slot))]
        return self._count(book, -1)

    def _count(self, book: int, more: int) -> int:
        b = self.books
        b.books[book * w.BOOK_WORDS + w.B_PEGS] += more
        b.waiting += more
        return self.look_again(book)

    def replace(self, slot: int, limit: int, quantity: int, left: int) -> int:
        """A replaced order leaves its place, and waits until the book is looked at."""
        b = self.books
        o = slot * w.ORDER_WORDS
        s = b.halves[slot * w.ORDER_HALVES + w.H_SIDE]
        x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        self.look_again(s >> 1)
        before = self._leave(slot)
        b.orders[o + w.O_QUANTITY] = quantity
        b.orders[o + w.O_OPEN] = left
        self.standing.records[x + w.X_SECOND] = limit
        if before != 0:
            b.show_where(s, before)
        return 0

    def follow(self, book: int) -> int:
        """Moves the orders of a book to where the best prices call them, the oldest first; whether any moved, negative where the
        command's limit is reached and one is still to move.
        """
        b = self.books
        bid = ask = -1
        phase = b.books[book * w.BOOK_WORDS + w.B_PHASE]
        if phase == w.PHASE_OPEN:
            bid = self._best(2 * book)
            ask = self._best(2 * book + 1)
        if self.followed.get(book) == (bid, ask):
            return 0
        moved = 0
        self.followed.pop(book, None)
        for identity, slot in list(self.of(book)):
            if b.books[book * w.BOOK_WORDS + w.B_PHASE] != phase:
                return 1  # an auction has begun
            if b.orders[slot * w.ORDER_WORDS + w.O_ID] == identity:
                tick = self._called(book, slot, bid, ask)
                if tick != b.orders[slot * w.ORDER_WORDS + w.O_TICK]:
                    if b.sequence >= b.until():
                        return -2
                    self._move(book, slot, tick)
                    moved = 1
        self.followed[book] = (bid, ask)
        return moved

    def calm(self, book: int) -> tuple[int, int, int, int]:
        """The lowest and the highest best bid, and best offer, with which no order of a book moves that has followed; the first is
        above the second where one has still to. Where an order is called never falls when either rises: what calls it to the same
        price with the lowest two and with the highest two does so between them.
        """
        b = self.books
        if book not in self.followed:
            return 0, -1, 0, -1
        bid, ask = self.followed[book]
        if bid < 0 or ask < 0:
            return bid, bid, ask, ask
        size = b.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
        bid_low = ask_low = 1
        bid_high = ask_high = b.books[book * w.BOOK_WORDS + w.B_MAX_PRICE] // size
        for _, slot in self.of(book):
            x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
            reach = b.orders[slot * w.ORDER_WORDS + w.O_TICK] * size - self.standing.records[x + w.X_TRAIL]
            low = (reach + size - 1) // size  # the best prices that would call it to its limit, if it stands there
            high = reach // size
            if not self._stays(book, slot, bid_low, ask):
                bid_low = low if bid_low < low < bid and self._stays(book, slot, low, ask) else bid
            if not self._stays(book, slot, bid_high, ask):
                bid_high = high if bid < high < bid_high and self._stays(book, slot, high, ask) else bid
            if not self._stays(book, slot, bid, ask_low):
                ask_low = low if ask_low < low < ask and self._stays(book, slot, bid, low) else ask
            if not self._stays(book, slot, bid, ask_high):
                ask_high = high if ask < high < ask_high and self._stays(book, slot, bid, high) else ask
        if self.all_stay(book, bid_low, ask_low) and self.all_stay(book, bid_high, ask_high):
            return bid_low, bid_high, ask_low, ask_high
        return bid, bid, ask, ask

    def all_stay(self, book: int, bid: int, ask: int) -> bool:
        """Whether these best prices call each order of a book to where it is."""
        return not [slot for _, slot in self.of(book) if not self._stays(book, slot, bid, ask)]

    def _stays(self, book: int, slot: int, bid: int, ask: int) -> bool:
        """Whether an order is where it would be called."""
        return self._called(book, slot, bid, ask) == self.books.orders[slot * w.ORDER_WORDS + w.O_TICK]

    def look_again(self, book: int) -> int:
        """Something else than the best prices calls the orders of a book elsewhere."""
        self.followed.pop(book, None)
        return self.books.wake(book)

    def _best(self, s: int) -> int:
        """The best price, in ticks, at which an order is displayed that is not pegged, or -1."""
        b = self.books
        tick = b.sides[s * w.SIDE_WORDS + w.S_BEST]
        while tick >= 0:
            slot = b.ends[b.level(s, tick) * w.LEVEL_HALVES + w.E_HEAD]
            while slot != 0:
                x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
                if x == 0 or self.standing.records[x + w.X_FLAGS] >> 32 & 255 != w.PEGGED:
                    return tick
                slot = b.halves[slot * w.ORDER_HALVES + w.H_NEXT]
            tick = b.worse(s, tick)
        return -1

    def _called(self, book: int, slot: int, bid: int, ask: int) -> int:
        """Where an order is to stand, in ticks, rounded to the passive side and within its limit; 0 to wait."""
        b = self.books
        t = book * w.BOOK_WORDS
        x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        peg = self.standing.records[x + w.X_STOP]
        limit = self.standing.records[x + w.X_SECOND]
        if (bid < 0 and peg != w.ASK) or (ask < 0 and peg != w.BID):
            return 0
        double = 2 * b.books[t + w.B_TICK_SIZE]
        both = bid + ask if peg == w.MIDDLE else 2 * (bid if peg == w.BID else ask)
        price = both * b.books[t + w.B_TICK_SIZE] + 2 * self.standing.records[x + w.X_TRAIL]  # twice that
        s = b.halves[slot * w.ORDER_HALVES + w.H_SIDE]
        if s & 1 == w.BUY:
            tick = self.bands.within(book, w.BUY, min(self._on_tick(s, price // double), limit)) if price > 0 else 0
            return tick if tick * b.books[t + w.B_TICK_SIZE] >= b.books[t + w.B_MIN_PRICE] else 0
        tick = max(self._on_tick(s, (price + double - 1) // double), limit) if price > 0 else limit
        tick = self.bands.within(book, w.SELL, tick)
        return tick if tick * b.books[t + w.B_TICK_SIZE] <= b.books[t + w.B_MAX_PRICE] else 0

    def _on_tick(self, s: int, tick: int) -> int:
        """The next price, on the passive side, that is a multiple of the tick size that holds there."""
        if self.books.books[(s >> 1) * w.BOOK_WORDS + w.B_GUARDED] == 0:
            return tick
        return self.protection.on_tick(s >> 1, s & 1, tick)

    def _move(self, book: int, slot: int, tick: int) -> int:
        """An order leaves where it stands, and arrives at another price, or waits."""
        arrival = self.arrival
        b = self.books
        s = b.halves[slot * w.ORDER_HALVES + w.H_SIDE]
        x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        before = self._leave(slot)
        b.orders[slot * w.ORDER_WORDS + w.O_TICK] = tick
        arrival.load(slot)
        self.standing.restated(
            w.FOLLOWED, book, arrival.identity, arrival.price, arrival.quantity, arrival.left, arrival.held_price,
            arrival.account,
        )  # fmt: skip
        if tick != 0:
            self.standing.records[x + w.X_FLAGS] &= ~w.WAITING
            arrival.arrive(book, s & 1, w.LIMIT, w.DAY, tick, -1)
        if b.written > b.room:
            b.widen()
        if before != 0:
            b.show_where(s, before)
        return arrival.publish(s) if tick != 0 else 0

    def _leave(self, slot: int) -> int:
        """The order waits; the tick where it stood, 0 if it waited before."""
        b = self.books
        o = slot * w.ORDER_WORDS
        x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        if self.standing.records[x + w.X_FLAGS] & w.WAITING:
            return 0
        before = b.orders[o + w.O_TICK]
        self.standing.leave(slot)
        self.standing.records[x + w.X_FLAGS] |= w.WAITING
        b.orders[o + w.O_TICK] = 0
        b.swept_count = 0
        return before
