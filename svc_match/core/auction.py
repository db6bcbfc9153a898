# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""Auctions: what is collected outside the levels of the books, and who trades when a book is uncrossed. Source: docs/rule-book.md,
section 5. `auction.pxd` gives the types of C.
"""

from svc_match.core import bits
from svc_match.core import layout as w
from svc_match.core.arrival import Arrival
from svc_match.core.books import Books
from svc_match.core.indication import Indication
from svc_match.core.standing import Standing


class Auction:
    """The auctions of some books. `own` has, by book, the orders that end with the auction, or wait for the closing one; `front`,
    by side, those of them that wait in front of all prices. One book at a time is uncrossed: `book`, -1 for none, at the tick
    `price`, 0 where it is to be found, for the phase `following`.
    """

    def __init__(self, books: Books, standing: Standing, arrival: Arrival) -> None:
        self.books = books
        self.standing = standing
        self.arrival = arrival
        self.own: dict[int, dict[int, int]] = {}
        self.front: dict[int, dict[int, int]] = {}
        self.levels: dict[tuple[int, int], bool] = {}
        # By book, as `_waiting`: no state, but a memory of it.
        self.entering: dict[int, list[tuple[int, int, int]]] = {}
        self.first: list[list[int]] = [[], []]  # by side, of the book that is uncrossed, as `_eligible`
        self.ranked = 0  # 1 where these are known for the price: no state, but a memory of it
        self.book = -1
        self.following = 0
        self.price = 0
        self.indication = Indication(books, self.front, self.arrival.protection)
        standing.auction = self

    # Orders on their way in and out

    def wrong_time(self, book: int, kind: int, time_in_force: int, flags: int, minimum: int) -> int:
        """Why an order is not taken in this phase, as reason << 8 | field; 0 if it is."""
        b = self.books
        collects = b.books[book * w.BOOK_WORDS + w.B_PHASE] == w.PHASE_AUCTION
        opens = collects and b.books[book * w.BOOK_WORDS + w.B_AUCTION] == w.OPENING
        if (time_in_force == w.GOOD_FOR_AUCTION and not collects) or (time_in_force == w.AT_OPEN and not opens):
            return w.MARKET_NOT_IN_AUCTION << 8 | w.F_TIME_IN_FORCE
        if not collects:
            return 0
        if time_in_force == w.IOC or time_in_force == w.FOK:
            return w.MARKET_IN_AUCTION << 8 | w.F_TIME_IN_FORCE
        if (flags >> 8) & 255 != 0:
            return w.MARKET_IN_AUCTION << 8 | w.F_POST_ONLY
        if minimum != 0:
            return w.MARKET_IN_AUCTION << 8 | w.F_MINIMUM
        return w.MARKET_IN_AUCTION << 8 | w.F_PEG if kind == w.PEGGED else 0

    def collect(self, book: int, side: int, kind: int, time_in_force: int, tick: int) -> int:
        """What arrives takes its place in the auction, or waits for the closing one."""
        b = self.books
        standing = self.standing
        arrival = self.arrival
        s = book * 2 + side
        x = arrival.record * w.EXTENSION_WORDS
        arrival.rested = -1
        if time_in_force > w.FOK or kind != w.LIMIT:
            standing.records[x + w.X_FLAGS] |= w.FOR_AUCTION
        waits = time_in_force == w.AT_CLOSE and b.books[book * w.BOOK_WORDS + w.B_AUCTION] != w.CLOSING
        if kind == w.LIMIT and not waits:
            arrival.stay(s, tick)
        else:
            standing.records[x + w.X_FLAGS] |= w.WAITING
            if not waits:
                standing.records[x + w.X_FLAGS] |= w.IN_FRONT
            standing.records[x + w.X_PLACED] = b.sequence
            slot = arrival.keep(s)
            b.orders[slot * w.ORDER_WORDS + w.O_TICK] = tick
            b.orders[slot * w.ORDER_WORDS + w.O_OPEN] = arrival.left
        if time_in_force > w.FOK or kind != w.LIMIT:
            self.add(arrival.slot)
        return arrival.publish(s)

    def add(self, slot: int) -> int:
        """An order is for the auction; those in front of all prices are known by their places."""
        b = self.books
        s = b.halves[slot * w.ORDER_HALVES + w.H_SIDE]
        x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        self.own.setdefault(s >> 1, {})[b.orders[slot * w.ORDER_WORDS + w.O_ID]] = slot
        if self.standing.records[x + w.X_FLAGS] & w.IN_FRONT:
            front = self.front.setdefault(s, {})
            front.pop(slot, None)
            front[slot] = self.standing.records[x + w.X_PLACED]
        return 0

    def drop(self, slot: int) -> int:
        """An order is done, or for the auction no more."""
        b = self.books
        s = b.halves[slot * w.ORDER_HALVES + w.H_SIDE]
        del self.own[s >> 1][b.orders[slot * w.ORDER_WORDS + w.O_ID]]
        self.front.get(s, {}).pop(slot, None)
        return 0

    def move(self, slot: int) -> int:
        """A replaced order that waits goes behind all others."""
        x = self.books.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        self.standing.records[x + w.X_PLACED] = self.books.sequence
        return self.add(slot)

    def moved(self, s: int, before: int, tick: int) -> int:
        """Shows where a replaced order stood and where it stands."""
        self.levels[s, before] = True
        self.levels[s, tick] = True
        return self._publish()

    def waiting(self, book: int) -> list[tuple[int, int, int]]:
        """(id, open quantity, account) of what waits, in front of all prices or for the closing auction, the oldest first."""
        b = self.books
        found = []
        for identity, slot in sorted(self.own.get(book, {}).items()):
            if self._flags(slot) & w.WAITING:
                account = b.halves[slot * w.ORDER_HALVES + w.H_ACCOUNT]
                found.append((identity, b.orders[slot * w.ORDER_WORDS + w.O_OPEN], account))
        return found

    def enter(self, book: int, limit: int) -> int:
        """What waited for the closing auction takes its place, in the order in which it came, at most `limit` orders; how many did.
        What waits longer is in `entering`.
        """
        b = self.books
        waits = self.entering.pop(book, None)
        if waits is None:
            waits = self._waiting(book)
        done = 0
        while waits:
            _, identity, slot = waits[len(waits) - 1]
            if b.orders[slot * w.ORDER_WORDS + w.O_ID] == identity:
                if done == limit:
                    self.entering[book] = waits
                    break
                self._take_place(slot)
                done += 1
            waits.pop()
        self._publish()
        return done

    def _waiting(self, book: int) -> list[tuple[int, int, int]]:
        """(when it came, id, slot) of what waits for the closing auction, the first of them last."""
        b = self.books
        found = []
        for identity, slot in self.own.get(book, {}).items():
            flags = self._flags(slot)
            if flags & w.WAITING and flags & w.IN_FRONT == 0:
                x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
                found.append((self.standing.records[x + w.X_PLACED], identity, slot))
        found.sort(reverse=True)
        return found

    def _take_place(self, slot: int) -> int:
        b = self.books
        s = b.halves[slot * w.ORDER_HALVES + w.H_SIDE]
        x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        if (self.standing.records[x + w.X_FLAGS] >> 32) & 255 != w.LIMIT:
            self.standing.records[x + w.X_FLAGS] |= w.IN_FRONT
            return self.add(slot)
        tick = b.orders[slot * w.ORDER_WORDS + w.O_TICK]
        self.standing.records[x + w.X_FLAGS] &= 0xFFFFFF | w.FOR_AUCTION
        self.standing.rest(slot, s, tick, b.orders[slot * w.ORDER_WORDS + w.O_OPEN])
        self.levels[s, tick] = True
        return 0

    # Uncrossing

    def begin(self, book: int, following: int) -> int:
        """A book is to be uncrossed, and to have this phase then."""
        self.book = book
        self.following = following
        self.price = self.ranked = 0
        return 0

    def uncross(self, full: int) -> bool:
        """Goes on until the auction is over, or until the last event has the sequence `full` or is behind it, or too many prices were
        looked at: then False.
        """
        over = self._trade_all(full) and self._end_all(full)
        self._publish()
        if over:
            self.book = -1
        return over

    def _trade_all(self, full: int) -> bool:
        b = self.books
        while True:
            if self.price == 0:
                if b.prices - b.prices_began >= b.prices_limit:
                    return False
                self.price = self.indication.find(self.book)[0]
                self.ranked = 0
            if self.price == 0:
                return True
            if self.ranked == 0:
                for side in range(2):
                    self.first[side] = self._eligible(side)
                self.ranked = 1
            buy, sell = self._head(w.BUY), self._head(w.SELL)
            while buy != 0 and sell != 0:
                if b.sequence >= full:
                    return False
                if b.orders[buy * w.ORDER_WORDS + w.O_ID] < b.orders[sell * w.ORDER_WORDS + w.O_ID]:
                    self._meet(buy, sell)
                else:
                    self._meet(sell, buy)
                buy, sell = self._head(w.BUY), self._head(w.SELL)
            self.price = 0

    def _eligible(self, side: int) -> list[int]:
        """The orders in front of all prices that may trade, the next one last."""
        b = self.books
        places = self.front.get(2 * self.book + side, {})
        found = list(places)
        if self._came_so(places):
            found.reverse()
        else:
            found.sort(key=places.__getitem__, reverse=True)
        if side == w.SELL:
            return found
        return [slot for slot in found if b.orders[slot * w.ORDER_WORDS + w.O_TICK] >= self.price]

    def _came_so(self, places: dict[int, int]) -> bool:
        """Whether some places are in their order."""
        last = 0
        for placed in places.values():
            if placed < last:
                return False
            last = placed
        return True

    def _head(self, side: int) -> int:
        """The order of a side that trades next, 0 for none."""
        b = self.books
        s = 2 * self.book + side
        front = self.first[side]
        while front:
            slot = front[len(front) - 1]
            if slot in self.front[s]:
                return slot
            front.pop()
        tick = b.sides[s * w.SIDE_WORDS + w.S_BEST]
        if tick < 0 or (tick < self.price if side == w.BUY else tick > self.price):
            return 0
        level = b.level(s, tick)
        slot = b.ends[level * w.LEVEL_HALVES + w.E_HEAD]
        return slot if slot != 0 else b.ends[level * w.LEVEL_HALVES + w.E_HIDDEN_HEAD]

    def _meet(self, older: int, younger: int) -> int:
        """A trade between two orders, or what the younger one wants instead."""
        b = self.books
        older_open = b.orders[older * w.ORDER_WORDS + w.O_OPEN]
        younger_open = b.orders[younger * w.ORDER_WORDS + w.O_OPEN]
        quantity = min(older_open, younger_open)
        prevention = (self._flags(younger) >> 16) & 255
        one = b.halves[older * w.ORDER_HALVES + w.H_ACCOUNT]
        other = b.halves[younger * w.ORDER_HALVES + w.H_ACCOUNT]
        if prevention == 0 or b.participants[one] != b.participants[other]:
            return self._trade(older, younger, quantity)
        if prevention == w.DECREMENT:
            self._decrement(older, quantity)
            return self._decrement(younger, quantity)
        if prevention != w.CANCEL_NEWEST:
            self._end(older, w.SELF_TRADE)
        if prevention != w.CANCEL_OLDEST:
            self._end(younger, w.SELF_TRADE)
        return 0

    def _trade(self, older: int, younger: int, quantity: int) -> int:
        b = self.books
        if b.written > b.room:
            b.widen()
        t = self.book * w.BOOK_WORDS
        price = self.price * b.books[t + w.B_TICK_SIZE]
        rate = b.books[t + w.B_MAKER_FEE]
        side = b.halves[younger * w.ORDER_HALVES + w.H_SIDE] & 1
        taker = b.halves[younger * w.ORDER_HALVES + w.H_ACCOUNT]
        n = b.written
        b.sequence += 1
        b.out[n] = w.AUCTIONED | side << 8 | (self.book + 1) << 16
        b.out[n + 1] = b.orders[older * w.ORDER_WORDS + w.O_ID]
        b.out[n + 2] = b.orders[younger * w.ORDER_WORDS + w.O_ID]
        b.out[n + 3] = price
        b.out[n + 4] = quantity
        b.out[n + 5] = b.orders[older * w.ORDER_WORDS + w.O_OPEN] - quantity
        b.out[n + 6] = b.orders[younger * w.ORDER_WORDS + w.O_OPEN] - quantity
        b.out[n + 7] = bits.fee_of(price * quantity, min(rate, b.halves[older * w.ORDER_HALVES + w.H_FEE]))
        b.out[n + 8] = bits.fee_of(price * quantity, min(rate, b.halves[younger * w.ORDER_HALVES + w.H_FEE]))
        b.out[n + 9] = taker << 32 | b.halves[older * w.ORDER_HALVES + w.H_ACCOUNT]
        b.written = n + w.TRADED_WORDS
        b.books[t + w.B_PUBLIC] += 1
        b.set_last(self.book, price)
        self._give(older, quantity)
        return self._give(younger, quantity)

    def _give(self, slot: int, quantity: int) -> int:
        """An order has traded some of what it has."""
        b = self.books
        if b.orders[slot * w.ORDER_WORDS + w.O_OPEN] != quantity:
            return self._lose(slot, quantity)
        self._touch(slot)
        if self._flags(slot) & w.WAITING == 0:
            self.standing.leave(slot)
        b.orders[slot * w.ORDER_WORDS + w.O_OPEN] = 0
        self.standing.tell_done(slot, w.FILLED)
        return self.standing.free(slot)

    def _lose(self, slot: int, quantity: int) -> int:
        """An order keeps its place with less."""
        b = self.books
        if self._flags(slot) & w.WAITING:
            b.orders[slot * w.ORDER_WORDS + w.O_OPEN] -= quantity
            return 0
        b.swept_count = 0
        self.standing.lose(slot, quantity)
        if b.swept_count != 0:
            self._touch(slot)
        return 0

    def _decrement(self, slot: int, quantity: int) -> int:
        """An order loses shares without a trade; with nothing left it is done."""
        b = self.books
        o = slot * w.ORDER_WORDS
        h = slot * w.ORDER_HALVES
        if b.orders[o + w.O_OPEN] == quantity:
            return self._end(slot, w.SELF_TRADE)
        self._lose(slot, quantity)
        b.orders[o + w.O_QUANTITY] -= quantity
        price = b.orders[o + w.O_TICK] * b.books[self.book * w.BOOK_WORDS + w.B_TICK_SIZE]
        held = 0 if b.halves[h + w.H_SIDE] & 1 else b.orders[o + w.O_HELD_PRICE]
        fee = b.halves[h + w.H_FEE]
        return self.standing.restated(
            w.DECREMENTED, self.book, b.orders[o + w.O_ID], price, b.orders[o + w.O_QUANTITY], b.orders[o + w.O_OPEN],
            held, fee << 32 | b.halves[h + w.H_ACCOUNT],
        )  # fmt: skip

    def _end(self, slot: int, reason: int) -> int:
        """An order, wherever it is, is done."""
        self._touch(slot)
        return self.standing.end(slot, reason)

    def _end_all(self, full: int) -> bool:
        """What is left of the orders that are for the auction only, the oldest first; whether all are done."""
        b = self.books
        for _, slot in sorted(self.own.get(self.book, {}).items()):
            flags = self._flags(slot)
            if flags & w.WAITING and flags & w.IN_FRONT == 0:
                continue
            if b.sequence >= full:
                return False
            o = slot * w.ORDER_WORDS
            traded = b.orders[o + w.O_QUANTITY] - b.orders[o + w.O_OPEN]
            if (flags >> 32) & 255 == w.MARKET_TO_LIMIT and traded != 0:
                self._limit(slot)
            else:
                self._end(slot, w.AUCTION_OVER)
        return True

    def _limit(self, slot: int) -> int:
        """What a MARKET_TO_LIMIT order has left stands at the auction's price, no higher than a buy's bound."""
        b = self.books
        arrival = self.arrival
        t = self.book * w.BOOK_WORDS
        s = b.halves[slot * w.ORDER_HALVES + w.H_SIDE]
        tick = bits.share(b.books[t + w.B_LAST], b.books[t + w.B_RECIPROCAL])
        if s & 1 == w.BUY:
            tick = min(tick, b.orders[slot * w.ORDER_WORDS + w.O_TICK])
        self.drop(slot)
        arrival.load(slot)
        self.standing.records[arrival.record * w.EXTENSION_WORDS + w.X_FLAGS] &= 0xFFFFFF
        arrival.reprice(w.LIMITED, self.book, s & 1, tick)
        arrival.stay(s, tick)
        self.levels[s, tick] = True
        return 0

    def _touch(self, slot: int) -> int:
        """What is displayed of an order changes, if anything is."""
        b = self.books
        if self._flags(slot) & (w.WAITING | w.HIDDEN) == 0:
            s = b.halves[slot * w.ORDER_HALVES + w.H_SIDE]
            self.levels[s, b.orders[slot * w.ORDER_WORDS + w.O_TICK]] = True
        return 0

    def _flags(self, slot: int) -> int:
        x = self.books.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        return self.standing.records[x + w.X_FLAGS]

    def _publish(self) -> int:
        """Each level that changed, once."""
        b = self.books
        b.swept_count = 0
        for s, tick in self.levels:
            if b.written > b.room:
                b.widen()
            b.show_where(s, tick)
        self.levels.clear()
        return 0

    def under_way(self) -> tuple[int, int, int]:
        """The book that is uncrossed, -1 for none, the phase that follows, and the tick at which it trades."""
        return self.book, self.following, self.price

    def restore(self, book: int, following: int, price: int) -> int:
        """After the books are loaded, what `under_way` told."""
        self.book, self.following, self.price = book, following, price
        self.ranked = 0
        return 0
