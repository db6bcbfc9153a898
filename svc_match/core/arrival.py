# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""The order that arrives, placed, replaced or triggered: what it trades, and where it stands then. `arrival.pxd` gives the types
of C.
"""

from svc_match.core import bits
from svc_match.core import layout as w
from svc_match.core.bands import Bands
from svc_match.core.books import Books
from svc_match.core.protection import Protection
from svc_match.core.standing import Standing


class Arrival:
    """An order on its way into a book. `slot` is 0 for one that is new, `rested` the tick where it is displayed, or -1."""

    def __init__(self, books: Books, standing: Standing, protection: Protection, bands: Bands) -> None:
        self.books = books
        self.bands = bands
        self.protection = protection
        self.standing = standing
        self.identity = 0
        self.account = 0
        self.slot = 0
        self.record = 0
        self.quantity = 0
        self.left = 0
        self.price = 0
        self.held_price = 0
        self.prevention = 0
        self.participant = 0
        self.finished = 0
        self.rested = -1
        self.met = 0  # how often it traded, or prevented that
        self.quoted = 0  # the same of all sides of a mass quote
        self.amount = -1  # what is left of the one that it may spend, negative for none

    def load(self, slot: int) -> int:
        """An order with a record that stands nowhere arrives."""
        b = self.books
        o = slot * w.ORDER_WORDS
        h = slot * w.ORDER_HALVES
        self.slot = slot
        self.record = b.halves[h + w.H_EXTENSION]
        self.identity = b.orders[o + w.O_ID]
        fee = b.halves[h + w.H_FEE]
        self.account = fee << 32 | b.halves[h + w.H_ACCOUNT]
        self.quantity = b.orders[o + w.O_QUANTITY]
        self.left = b.orders[o + w.O_OPEN]
        book = b.halves[h + w.H_SIDE] >> 1
        self.price = b.orders[o + w.O_TICK] * b.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
        self.held_price = b.orders[o + w.O_HELD_PRICE]
        return 0

    def reprice(self, reason: int, book: int, side: int, tick: int) -> int:
        """The exchange gives what arrives another limit price; one that may become a stop is held at what it may cost then."""
        x = self.record * w.EXTENSION_WORDS
        self.price = tick * self.books.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
        if self.standing.records[x + w.X_FLAGS] >> 32 & 255 == w.ONE_CANCELS_OTHER:
            tick = self.standing.records[x + w.X_SECOND]
        self.held_price = tick * self.books.books[book * w.BOOK_WORDS + w.B_TICK_SIZE] if side == w.BUY else 0
        return self.standing.restated(
            reason, book, self.identity, self.price, self.quantity, self.left, self.held_price, self.account
        )

    def arrive(self, book: int, side: int, kind: int, time_in_force: int, tick: int, amount: int) -> int:
        """Trades what arrives at `tick` or better, for at most `amount` unless that is negative; the rest stands or is done."""
        b = self.books
        x = self.record * w.EXTENSION_WORDS
        flags = self.standing.records[x + w.X_FLAGS]
        minimum = self.standing.records[x + w.X_MINIMUM]
        self.prevention = (flags >> 16) & 255
        self.participant = b.participants[self.account & 0x7FFFFFFF]
        self.finished = 0
        self.rested = -1
        self.met = self.quoted if flags & w.QUOTE else 0
        best = b.sides[(book * 2 + (side ^ 1)) * w.SIDE_WORDS + w.S_BEST]
        bound = tick = wall = self._bound(book, side, kind, tick)
        if b.books[book * w.BOOK_WORDS + w.B_GUARDED] != 0:
            tick = self.bands.within(book, side, bound)
            wall = self.protection.wall(book, side, tick)
        meets = best >= 0 and (best - wall) * (1 - 2 * side) <= 0
        if kind == w.MARKET_TO_LIMIT and meets:
            tick = wall = best
        if minimum != 0 or time_in_force == w.FOK:
            wanted = self.left if time_in_force == w.FOK else minimum
            fee = min(b.books[book * w.BOOK_WORDS + w.B_TAKER_FEE], self.account >> 32)
            there = 0
            if meets:
                there = self.standing.tradable(
                    book, side, wall, self.left, wanted, amount, fee, self.prevention, self.participant
                )
            if there < minimum:
                return self._finish(book, w.MINIMUM_QUANTITY)
            if there < wanted:
                meets = False
        self.amount = amount
        if meets:
            self.meet(book, side, wall, amount)
            if flags & w.QUOTE:
                self.quoted = self.met
        if self.finished != 0:
            return 0
        if self.left == 0 or (meets and self.met >= b.fills_limit):
            return self._finish(book, w.FILLS_LIMIT if self.left else w.FILLED)
        return self._remain(book, side, kind, time_in_force, tick, bound, wall, meets)

    def _remain(
        self, book: int, side: int, kind: int, time_in_force: int, tick: int, bound: int, wall: int, meets: bool
    ) -> int:
        """What trades no more has something left: that stands or is done. Trading may give way to an auction."""
        behind = wall != tick and time_in_force != w.FOK and self._goes_on(book, side, wall, tick)
        if time_in_force == w.DAY and (kind == w.LIMIT or (kind == w.MARKET_TO_LIMIT and meets)):
            if kind == w.MARKET_TO_LIMIT:
                self.reprice(w.LIMITED, book, side, tick)
            elif tick != bound:
                self.reprice(w.BAND_PRICED, book, side, tick)
            self.stay(book * 2 + side, tick)
        else:
            self._finish(book, w.IMMEDIATE)
        if behind:
            self.protection.interrupt(book)
        return 0

    def _bound(self, book: int, side: int, kind: int, tick: int) -> int:
        """The worst tick at which it may trade, whether it has a limit or not."""
        if tick == 0:
            tick = w.NO_LIMIT if side == w.BUY else 0
        if kind == w.MARKET and self.books.books[book * w.BOOK_WORDS + w.B_PROTECTION] != 0:
            return self.books.protected(book, side, tick)
        return tick

    def _goes_on(self, book: int, side: int, wall: int, tick: int) -> bool:
        """Whether what arrived would go on with what stands behind the wall, at `tick` or better."""
        b = self.books
        best = b.sides[(book * 2 + (side ^ 1)) * w.SIDE_WORDS + w.S_BEST]
        way = 1 - 2 * side
        if best < 0 or (best - tick) * way > 0 or (best - wall) * way <= 0:
            return False
        if self.amount < 0:
            return True
        fee = min(b.books[book * w.BOOK_WORDS + w.B_TAKER_FEE], self.account >> 32)
        price = best * b.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
        return bits.affordable(self.amount, price, fee) >= b.books[book * w.BOOK_WORDS + w.B_LOT_SIZE]

    def meet(self, book: int, side: int, limit: int, amount: int) -> int:
        """What arrives trades with what stands at `limit` or better: what is displayed, peak by peak, then what is hidden."""
        b = self.books
        s = book * 2 + (side ^ 1)
        i = s * w.SIDE_WORDS
        t = book * w.BOOK_WORDS
        lot = b.books[t + w.B_LOT_SIZE]
        fee = min(b.books[t + w.B_TAKER_FEE], self.account >> 32)
        while self.left != 0 and self.met < b.fills_limit:
            tick = b.sides[i + w.S_BEST]
            if tick < 0 or (tick - limit) * (1 - 2 * side) > 0:
                break
            level = b.sides[i + w.S_ORIGIN] + tick
            slot = b.ends[level * w.LEVEL_HALVES + w.E_HEAD]
            hidden = slot == 0
            if hidden:
                slot = b.ends[level * w.LEVEL_HALVES + w.E_HIDDEN_HEAD]
            price = tick * b.books[t + w.B_TICK_SIZE]
            traded = min(self.left, self.standing.there(slot))
            if amount >= 0:
                pays = bits.affordable(amount, price, fee)
                traded = min(traded, pays - pays % lot)
                if traded == 0:
                    break
            if b.written > b.room:
                b.widen()
            self.met += 1
            if self.prevention != 0 and self._is_own(slot):
                if self._prevent(book, side, slot):
                    break
                continue
            if amount >= 0:
                amount -= bits.cost(price, traded, fee)
                self.amount = amount
            self._trade(book, side, slot, price, traded)
        return 0

    def _trade(self, book: int, side: int, slot: int, price: int, traded: int) -> int:
        """Some shares of an order that stands, no more than are displayed of an iceberg, trade with what arrives."""
        b = self.books
        o = slot * w.ORDER_WORDS
        h = slot * w.ORDER_HALVES
        t = book * w.BOOK_WORDS
        rest = b.orders[o + w.O_OPEN] - traded
        self.left -= traded
        n = b.written
        b.sequence += 1
        b.out[n] = w.TRADED | side << 8 | (book + 1) << 16
        b.out[n + 1] = b.orders[o + w.O_ID]
        b.out[n + 2] = self.identity
        b.out[n + 3] = price
        b.out[n + 4] = traded
        b.out[n + 5] = rest
        b.out[n + 6] = self.left
        b.out[n + 7] = bits.fee_of(price * traded, min(b.books[t + w.B_MAKER_FEE], b.halves[h + w.H_FEE]))
        b.out[n + 8] = bits.fee_of(price * traded, min(b.books[t + w.B_TAKER_FEE], self.account >> 32))
        b.out[n + 9] = (self.account & 0x7FFFFFFF) << 32 | b.halves[h + w.H_ACCOUNT]
        b.written = n + w.TRADED_WORDS
        b.books[t + w.B_PUBLIC] += 1
        b.set_last(book, price)
        if b.books[t + w.B_BANDED] != 0:
            b.traded(book, price, 1)
        x = b.halves[h + w.H_EXTENSION] * w.EXTENSION_WORDS
        if x != 0 and self.standing.records[x + w.X_FLAGS] & w.QUOTE:
            self.standing.quotes.traded(b.halves[h + w.H_ACCOUNT], traded)
            if b.tripped != 0:
                b.wake(book)
        if rest == 0:
            b.done(w.FILLED, book, b.orders[o + w.O_ID], b.orders[o + w.O_QUANTITY], 0, b.halves[h + w.H_ACCOUNT])
            self.standing.remove(slot)
            return 0
        b.orders[o + w.O_OPEN] = rest
        if x != 0 and self.standing.records[x + w.X_FLAGS] & w.HIDDEN:
            return 0
        level = b.level(b.halves[h + w.H_SIDE], b.orders[o + w.O_TICK])
        b.levels[level * w.LEVEL_WORDS + w.L_QUANTITY] -= traded
        b.sweep(b.orders[o + w.O_TICK])
        if x != 0 and self.standing.records[x + w.X_DISPLAY] != 0:
            self.standing.records[x + w.X_SHOWN] -= traded
            if self.standing.records[x + w.X_SHOWN] == 0:
                shown = min(self.standing.records[x + w.X_DISPLAY], rest)
                self.standing.records[x + w.X_SHOWN] = shown
                b.levels[level * w.LEVEL_WORDS + w.L_QUANTITY] += shown
                self.standing.move_behind(slot, level)
        return 0

    def _is_own(self, slot: int) -> bool:
        """Whether an order that stands is of the participant whose order arrives."""
        b = self.books
        return b.participants[b.halves[slot * w.ORDER_HALVES + w.H_ACCOUNT]] == self.participant

    def _prevent(self, book: int, side: int, slot: int) -> bool:
        """Instead of a trade between two orders of a participant; whether the one that arrives is finished."""
        b = self.books
        there = b.orders[slot * w.ORDER_WORDS + w.O_OPEN]
        left = self.left
        if self.prevention == w.CANCEL_OLDEST or self.prevention == w.CANCEL_BOTH:
            self.standing.end(slot, w.SELF_TRADE)
        elif self.prevention == w.DECREMENT:
            if there <= left:
                self.standing.end(slot, w.SELF_TRADE)
            else:
                self.standing.decrement(book, slot, left)
            if there < left:
                self.left -= there
                self.quantity -= there
                held = self.held_price if side == w.BUY else 0
                self.standing.restated(
                    w.DECREMENTED, book, self.identity, self.price, self.quantity, self.left, held, self.account
                )
                return False
        if self.prevention != w.CANCEL_OLDEST:
            self._finish(book, w.SELF_TRADE)
        return self.finished != 0

    def _finish(self, book: int, reason: int) -> int:
        """What arrives is done."""
        b = self.books
        if b.written > b.room:
            b.widen()
        b.done(reason, book, self.identity, self.quantity - self.left, self.left, self.account & 0x7FFFFFFF)
        self.finished = 1
        if self.slot != 0:
            self.standing.free(self.slot)
        else:
            self.standing.free_record(self.record)
        return 0

    def stay(self, s: int, tick: int) -> int:
        """What is left of what arrives stands."""
        b = self.books
        comes = self.slot == 0
        slot = self.keep(s)
        x = self.record * w.EXTENSION_WORDS
        kind = self.standing.records[x + w.X_FLAGS] >> 32 & 255
        if kind == w.ONE_CANCELS_OTHER and comes:
            self.standing.stops.add(slot)
        if kind < w.ONE_CANCELS_OTHER:
            self.standing.records[x + w.X_FLAGS] &= 0xFFFFFF | w.FOR_AUCTION | w.QUOTE
        self.standing.records[x + w.X_MINIMUM] = 0
        if self.standing.records[x + w.X_FLAGS] == 0 and self.standing.records[x + w.X_DISPLAY] == 0:
            b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] = 0
            self.standing.free_record(self.record)
        elif self.standing.records[x + w.X_FLAGS] & w.QUOTE:
            self.standing.quotes.add(slot)
        hidden = (
            self.standing.records[x + w.X_FLAGS] & w.HIDDEN if b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] else 0
        )
        self.standing.rest(slot, s, tick, self.left)
        self.rested = -1 if hidden else tick
        return 0

    def keep(self, s: int) -> int:
        """The slot of what arrives, as it is now; a new one where it has none."""
        b = self.books
        slot = self.slot
        if slot == 0:
            slot = b.free
            if slot != 0:
                b.free = b.halves[slot * w.ORDER_HALVES + w.H_NEXT]
            else:
                slot = b.new_slot()
            self.slot = slot
            b.index.add(self.identity, slot)
        o = slot * w.ORDER_WORDS
        h = slot * w.ORDER_HALVES
        b.orders[o + w.O_ID] = self.identity
        b.orders[o + w.O_QUANTITY] = self.quantity
        b.orders[o + w.O_HELD_PRICE] = self.held_price
        b.halves[h + w.H_NEXT] = 0
        b.halves[h + w.H_PREVIOUS] = 0
        b.halves[h + w.H_SIDE] = s
        b.halves[h + w.H_ACCOUNT] = self.account & 0x7FFFFFFF
        b.halves[h + w.H_FEE] = self.account >> 32
        b.halves[h + w.H_EXTENSION] = self.record
        return slot

    def publish(self, s: int) -> int:
        """The levels that what arrived traded at, and the one where it stands; then quotes end whose makers' limit is reached."""
        b = self.books
        if b.swept_count != 0:
            b.show_swept(s ^ 1)
        if self.rested >= 0:
            if b.written > b.room:
                b.widen()
            b.show_where(s, self.rested)
        if b.tripped != 0:
            self.standing.quotes.pull()
        return 0
