# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""All books of a shard in flat pools of int64: one call a batch, packed commands in, packed events out.

An order is a record of ORDER_WORDS in one pool (a cache line), known by its slot; the orders at a price are a list by
slots, oldest first. A side has a window of levels around its best price, with a bit for each that holds orders; what is
farther away is in a sorted map. Prices are counted in ticks of the instrument. `books.pxd` gives the types of C;
without it the same code runs interpreted. All that a plain command does is in this module, because C inlines within one
alone. Trades happen at the maker's price. What is not plain is handed to `special` (special.py): an order with a record
of its own, a side where hidden orders or icebergs stand, and the stops.
"""

from bisect import bisect_left, insort
from typing import Any

from svc_match.core import bits
from svc_match.core import layout as w
from svc_match.core.memory import Words

COMPILED = not __file__.endswith(".py")


class Index:
    """From an open order's id to its slot, 0 for none. Ids ascend, so slots stand in a ring by the last bits of their ids; an
    order whose place a later one needs moves to a dict. A ring that is half full is followed by a larger one, into which
    its orders move little by little. Places are a power of two.
    """

    def __init__(self, places: int) -> None:
        self._ring = self._older = Words(places // 2)
        self.mask = places - 1
        self.limit = places // 2
        self.older_mask = 0
        self.moved = 0
        self.count = 0
        self.displaced: dict[int, int] = {}
        self.orders = bits.words(self._ring.view)  # until the books say where theirs are
        self._point()

    def _point(self) -> int:
        self.slots = bits.halves(self._ring.view)
        self.older = bits.halves(self._older.view)
        return 0

    def find(self, identity: int) -> int:
        """The slot of an open order."""
        slot = self.slots[identity & self.mask]
        if self.orders[slot * w.ORDER_WORDS + w.O_ID] != identity:
            return self._find_elsewhere(identity)
        return slot

    def expect(self, identity: int) -> int:
        """Asks for the place of an id."""
        bits.ahead_half(self.slots, identity & self.mask)
        return 0

    def add(self, identity: int, slot: int) -> int:
        """Remembers the slot of the highest id so far."""
        if self.count >= self.limit:
            self._grow()
        place = identity & self.mask
        if self.slots[place] != 0:
            self._displace(place)
        self.slots[place] = slot
        self.count += 1
        return 0

    def remove(self, identity: int) -> int:
        """Forgets an open order, whose record stands."""
        place = identity & self.mask
        self.count -= 1
        if self.orders[self.slots[place] * w.ORDER_WORDS + w.O_ID] != identity:
            return self._remove_elsewhere(identity)
        self.slots[place] = 0
        return 0

    def restore(self, identity: int, slot: int) -> int:
        """Remembers the slot of any id."""
        if self.count >= self.limit:
            self._grow()
        self._settle(identity, slot)
        self.count += 1
        return 0

    def _find_elsewhere(self, identity: int) -> int:
        slot = self.older[identity & self.older_mask]
        if self.older_mask != 0 and self.orders[slot * w.ORDER_WORDS + w.O_ID] == identity:
            return slot
        return self.displaced.get(identity, 0)

    def _remove_elsewhere(self, identity: int) -> int:
        place = identity & self.older_mask
        if self.older_mask != 0 and self.orders[self.older[place] * w.ORDER_WORDS + w.O_ID] == identity:
            self.older[place] = 0
        else:
            del self.displaced[identity]
        return 0

    def _displace(self, place: int) -> int:
        slot = self.slots[place]
        self.displaced[self.orders[slot * w.ORDER_WORDS + w.O_ID]] = slot
        return 0

    def _settle(self, identity: int, slot: int) -> int:
        """An order that is not the newest has the place that it would have, or is displaced."""
        place = identity & self.mask
        if self.slots[place] == 0:
            self.slots[place] = slot
        else:
            self.displaced[identity] = slot
        return 0

    def _grow(self) -> int:
        """A ring of twice as many places begins; or the next orders of the one before move to it."""
        if self.older_mask == 0:
            self._older = self._ring
            self.older_mask = self.mask
            self.moved = self.limit = 0
            self.mask = 2 * self.mask + 1
            self._ring = Words((self.mask + 1) // 2)
            self._point()
        end = self.moved + w.RING_MOVED
        for place in range(self.moved, end):
            slot = self.older[place]
            if slot != 0:
                self.older[place] = 0
                self._settle(self.orders[slot * w.ORDER_WORDS + w.O_ID], slot)
        self.moved = end
        if end > self.older_mask:
            self.older_mask = 0
            self.limit = (self.mask + 1) // 2
            self._older = self._ring
            self._point()
        return 0


class Books:
    """The books of one shard, numbered in the order in which they were added. Slot and level 0 stand for none."""

    def __init__(self, shard: int = 0, ring: int = w.FIRST_RING) -> None:
        self.identity_base = shard << 48
        self.sequence = 0
        self.index = Index(ring)
        self._orders = Words(w.FIRST_ORDERS * w.ORDER_WORDS)
        self._books = Words(64 * w.BOOK_WORDS)
        self._sides = Words(128 * w.SIDE_WORDS)
        self._levels = Words(w.FIRST_LEVELS * w.LEVEL_WORDS)
        self._bits = Words(64)
        self._parts = Words(64)
        self._out = Words(65_536)
        self._swept = Words(512)
        self._one = Words(w.COMMAND_WORDS + w.SPECIAL_WORDS)
        self._participants = Words(1_024)
        self._owners = Words(1)
        self._quiet = Words(64 * w.QUIET_WORDS)
        self.free = 0
        self.top = 1
        self.book_count = 0
        self.levels_top = 64
        self.written = 0
        self.swept_count = 0
        self.waiting = 0
        self.interrupted = 0
        self.now_us = 0  # the row's journal time
        self.awake = 0  # how many books are not quiet
        self.soonest_us = w.NO_LIMIT  # no book that is quiet has to be looked at before
        self.tripped = 0
        self.pulled = 0
        self.full = w.NO_LIMIT  # the sequence at which the row ends, behind what is being done
        self.began = 0  # the last sequence before what is being done
        self.command_limit = w.COMMAND_EVENTS_LIMIT  # what it is for all but tests, and rows of before
        self.prices_limit = w.AUCTION_PRICES_LIMIT  # the same
        self.prices = 0  # that the row's auctions looked at
        self.prices_began = 0  # how many there were before what is being done
        self.stalled = 0  # how many books a command's limit kept from being looked at to the end
        self.fills_limit = w.ORDER_FILLS_LIMIT  # the same
        self.earlier = 0  # 1 while commands are executed as semantics before 3 did
        self.met = 0  # how often the last order that arrived has traded
        self.special: Any = None
        self.protection: Any = None
        self.lasting: Any = None
        self.spare_windows: dict[int, list[int]] = {}
        self.far_ticks: dict[int, list[int]] = {}
        self.far_levels: dict[tuple[int, int], int] = {}
        self.spare_far: list[int] = []
        self.far_place = 0  # where the last far tick was that a walk came to: the next one is beside it
        self._point()

    def _point(self) -> int:
        """After any pool grew."""
        self.orders = self.index.orders = bits.words(self._orders.view)
        self.halves = bits.halves(self._orders.view)
        self.books = bits.words(self._books.view)
        self.sides = bits.words(self._sides.view)
        self.levels = bits.words(self._levels.view)
        self.ends = bits.halves(self._levels.view)
        self.occupied = bits.masks(self._bits.view)
        self.parts = bits.masks(self._parts.view)
        self.out = bits.words(self._out.view)
        self.swept = bits.words(self._swept.view)
        self.one = bits.words(self._one.view)
        self.participants = bits.words(self._participants.view)
        self.named = bits.words(self._owners.view)
        self.quiet = bits.words(self._quiet.view)
        self.room = len(self._out) - w.LARGEST_EVENT_WORDS
        self.swept_room = len(self._swept) - 1
        self.order_room = len(self._orders) // w.ORDER_WORDS
        return 0

    # One call a batch

    def apply(self, commands: memoryview) -> memoryview:
        """The events of some commands without terms, behind one another; valid until the next call."""
        count = len(commands) // w.COMMAND_WORDS
        self.written = 0
        if count == 0:
            return self.events()
        words = bits.words(commands)
        for number in range(count):
            self._expect(words, number * w.COMMAND_WORDS + w.C_ORDER, (count - 1) * w.COMMAND_WORDS + w.C_ORDER)
            self.allow()
            self.command(words, number * w.COMMAND_WORDS, number)
        return self.events()

    def _expect(self, c: memoryview, at: int, last: int) -> int:
        """Asks for the orders that later commands name; for any where one names none: a branch costs more."""
        self.index.expect(c[min(at + w.FAR_AHEAD, last)])
        bits.ahead(self.orders, self.index.slots[c[min(at + w.AHEAD, last)] & self.index.mask] * w.ORDER_WORDS)
        return 0

    def begin(self, time_us: int) -> int:
        """A row begins; the books whose time has come are quiet no more."""
        self.now_us = time_us
        if time_us < self.soonest_us:
            return 0
        self.soonest_us = w.NO_LIMIT
        for book in range(self.book_count):
            until_us = self.quiet[book * w.QUIET_WORDS + w.Q_US]
            if until_us <= time_us:
                self.wake(book)
            elif until_us < self.soonest_us:
                self.soonest_us = until_us
        return 0

    def allow(self) -> int:
        """Something begins, which has its limits of events, and of prices of auctions, behind which it goes on in the next row."""
        self.began = self.sequence
        self.prices_began = self.prices
        return 0

    def until(self) -> int:
        """The sequence at which what is being done goes on in the next row."""
        return self.began + self.command_limit

    def looked(self, prices: int) -> int:
        """An auction looked at so many prices. Behind too many the row ends."""
        self.prices += prices
        if self.prices >= self.prices_limit:
            self.full = self.sequence
        return 0

    def events(self) -> memoryview:
        """What was written since `written` was 0; valid until the next command."""
        return self._out.view[: self.written]

    def command(self, c: memoryview, at: int, number: int) -> int:
        """Executes one packed command, and, unless it was rejected, looks at its book: at stops, pegs, auction and bands."""
        if self.written > self.room:
            self.widen()
        n = self.written
        self._command(c, at, number)
        if self.waiting != 0 and self.awake != 0:
            self._executed(c, at, n)
        return 0

    def _executed(self, c: memoryview, at: int, n: int) -> int:
        """A command was executed, whose events begin there; some book is not quiet."""
        if self.out[n] & 255 == w.REJECTED:
            return 0
        # The book, from 1: a place names it, the first event of any other command does.
        book = (c[at] >> 32 if c[at] & 255 == w.PLACE else self.out[n] >> 16) & 0xFFFF
        if 0 < book <= self.book_count and self.quiet[(book - 1) * w.QUIET_WORDS + w.Q_US] == 0:
            self.trigger(book - 1)
        return 0

    def _command(self, c: memoryview, at: int, number: int) -> int:
        kind = c[at] & 255
        if kind == w.CANCEL:
            return self.cancel(c, at, number)
        if kind == w.PLACE:
            return self.place(c, at, number)
        return self.replace(c, at, number)

    def trigger(self, book: int) -> int:
        """Ends the quotes of makers whose limit is reached, and looks at the book, and at those that this touched."""
        if self.tripped != 0:
            self.special.pull()
        self.look(book)
        if self.pulled != 0:
            self.special.look_at_pulled()
        return 0

    def look(self, book: int) -> int:
        """Executes the stops of a book that are triggered, and moves what is pegged and its price bands; an auction remembers that
        something happened. Where nothing is left to be done the book is quiet for a while.
        """
        b = book * w.BOOK_WORDS
        self.wake(book)
        if self.books[b + w.B_PHASE] == w.PHASE_AUCTION:
            self.special.touched(book)
        if self.stalled + self.tripped != 0 and self.special.is_stalled(book):
            return 0
        if self.books[b + w.B_PEGS] != 0:
            self.special.settle(book)
        elif self.books[b + w.B_STOPS] != 0 and self.books[b + w.B_PHASE] == w.PHASE_OPEN:
            self.special.trigger(book)
        if self.books[b + w.B_BANDED] != 0 and (self.stalled + self.tripped == 0 or not self.special.is_stalled(book)):
            self.special.band(book)
        self.special.note(book)
        return 0

    def wake(self, book: int) -> int:
        """A book has to be looked at again: what waits there changed, or it is about to be looked at."""
        if self.quiet[book * w.QUIET_WORDS + w.Q_US] != 0:
            self.quiet[book * w.QUIET_WORDS + w.Q_US] = 0
            self.awake += 1
        return 0

    def rest_until(self, book: int, time_us: int) -> int:
        """A book that was looked at is quiet before a later row's time."""
        self.quiet[book * w.QUIET_WORDS + w.Q_US] = time_us
        self.awake -= 1
        if time_us < self.soonest_us:
            self.soonest_us = time_us
        return 0

    def _moved(self, s: int) -> int:
        """The best price of a side is another, or who stands there; what waits may have waited for it."""
        return 0 if self.waiting == 0 or self._is_calm_side(s) else self.wake(s >> 1)

    def is_calm(self, book: int) -> bool:
        """Whether what waits in a book waits for other prices, or more trades, than there are."""
        q = book * w.QUIET_WORDS
        b = book * w.BOOK_WORDS
        last = self.books[b + w.B_LAST]
        if last < self.quiet[q + w.Q_LAST_LOW] or last > self.quiet[q + w.Q_LAST_HIGH]:
            return False
        if self.books[b + w.B_BAND_COUNT] > self.quiet[q + w.Q_TRADES]:
            return False
        return self._is_calm_side(2 * book) and self._is_calm_side(2 * book + 1)

    def _is_calm_side(self, s: int) -> bool:
        """Whether it waits for another best price of a side. Where no order with a record is among the best of a side they are all
        displayed, and none is pegged.
        """
        i = s * w.SIDE_WORDS
        q = (s >> 1) * w.QUIET_WORDS + 2 * (s & 1)
        best = self.sides[i + w.S_BEST]
        if best < self.quiet[q + w.Q_BID_LOW] or best > self.quiet[q + w.Q_BID_HIGH]:
            return False
        if self.books[(s >> 1) * w.BOOK_WORDS + w.B_DISPLAYED] == 0 or best < 0:
            return True
        return self.ends[(self.sides[i + w.S_ORIGIN] + best) * w.LEVEL_HALVES + w.E_RECORDS] == 0

    def recorded(self, s: int, tick: int, level: int) -> int:
        """An order with a record stands at a level."""
        self.ends[level * w.LEVEL_HALVES + w.E_RECORDS] += 1
        return self._moved(s) if tick == self.sides[s * w.SIDE_WORDS + w.S_BEST] else 0

    # Commands

    def place(self, c: memoryview, at: int, number: int) -> int:
        """A new order. Plain limit orders are checked at once; whatever fails is looked at again for its reason."""
        head = c[at + w.C_HEAD]
        side = (head >> 8) & 255
        book = ((head >> 32) & 0xFFFF) - 1
        price = c[at + w.C_PRICE]
        quantity = c[at + w.C_QUANTITY]
        account = c[at + w.C_ACCOUNT]
        held_price = c[at + w.C_HELD_PRICE]
        if book < 0:
            return self.reject(number, w.PLACE, w.SYMBOL_UNKNOWN, w.F_SYMBOL, 0, 0)
        b = book * w.BOOK_WORDS
        if (
            head & w.PLAIN_MASK != w.PLAIN
            or price < self.books[b + w.B_LOW_PRICE]
            or price > self.books[b + w.B_HIGH_PRICE]
            or quantity <= 0
            or quantity > self.books[b + w.B_MOST]
            or (self.books[b + w.B_CLOSER] != 0 and not self._is_plain(book, side, price, quantity))
            or c[at + w.C_AMOUNT] != 0
        ):
            return self._place_otherwise(c, at, number)
        tick = bits.share(price, self.books[b + w.B_RECIPROCAL])
        if tick * self.books[b + w.B_TICK_SIZE] != price or not bits.covers(
            side, c[at + w.C_HELD_AMOUNT], held_price, price, quantity, account >> 32
        ):
            return self._place_otherwise(c, at, number)
        identity = self.accept(number)
        left = quantity
        best = self.sides[(book * 2 + (side ^ 1)) * w.SIDE_WORDS + w.S_BEST]
        # A buy meets what is not above it, a sell what is not below.
        if (
            best >= 0
            and (best - tick - 1 + side ^ -side) < 0
            and ((head >> 24) & 255 != w.FOK or self._can_fill(book, side, tick, quantity))
        ):
            left = self._match(book, side, tick, left, identity, account)
            if left != 0 and self.met >= self.fills_limit:
                return self._finish(w.FILLS_LIMIT, book, side, identity, quantity, left, account)
        if left != 0 and (head >> 24) & 255 == w.DAY:
            slot = self.free
            if slot != 0:
                self.free = self.halves[slot * w.ORDER_HALVES + w.H_NEXT]
            else:
                slot = self.new_slot()
            o = slot * w.ORDER_WORDS
            h = slot * w.ORDER_HALVES
            self.orders[o + w.O_ID] = identity
            self.orders[o + w.O_QUANTITY] = quantity
            self.orders[o + w.O_HELD_PRICE] = held_price
            self.halves[h + w.H_ACCOUNT] = account & 0x7FFFFFFF
            self.halves[h + w.H_FEE] = account >> 32
            self.halves[h + w.H_EXTENSION] = 0
            self.index.add(identity, slot)
            level = self.rest(slot, book * 2 + side, tick, left)
            if self.swept_count != 0:
                self.show_swept(book * 2 + (side ^ 1))
            self._tell_level(side << 8 | (book + 1) << 16, b, price, level)
            return 0
        return self._finish(w.IMMEDIATE if left else w.FILLED, book, side, identity, quantity, left, account)

    def _finish(self, reason: int, book: int, side: int, identity: int, quantity: int, left: int, account: int) -> int:
        """An order that arrived and is not in the book is done."""
        self.done(reason, book, identity, quantity - left, left, account & 0x7FFFFFFF)
        if self.swept_count != 0:
            self.show_swept(book * 2 + (side ^ 1))
        return 0

    def _place_otherwise(self, c: memoryview, at: int, number: int) -> int:
        """An order that is not a plain limit order, or one that is rejected: the checks in their order."""
        head = c[at + w.C_HEAD]
        side = (head >> 8) & 255
        kind = (head >> 16) & 255
        time_in_force = (head >> 24) & 255
        book = ((head >> 32) & 0xFFFF) - 1
        price = c[at + w.C_PRICE]
        quantity = c[at + w.C_QUANTITY]
        amount = c[at + w.C_AMOUNT]
        account = c[at + w.C_ACCOUNT]
        b = book * w.BOOK_WORDS
        reason = self._wrong_phase(book)
        if reason != 0:
            return self.reject(number, w.PLACE, reason, w.F_SYMBOL, book + 1, 0)
        special = (head >> 48) & w.SPECIAL
        collected = self.books[b + w.B_PHASE] == w.PHASE_AUCTION or time_in_force > w.FOK
        if collected:
            flags = self.one[w.C_FLAGS] if special != 0 else 0
            minimum = self.one[w.C_MINIMUM] if special != 0 else 0
            field = self.special.wrong_time(book, kind, time_in_force, flags, minimum)
            if field != 0:
                return self.reject(number, w.PLACE, field >> 8, field & 255, book + 1, 0)
        paired = kind == w.ONE_CANCELS_OTHER
        priced = kind == w.LIMIT or kind >= w.STOP_LIMIT or (kind != w.MARKET and side == w.BUY)
        if price != 0 or priced:
            reason = self._wrong_price(book, price)
            if reason == 0:
                reason = self._outside_collar(book, price)
            if reason != 0:
                return self.reject(number, w.PLACE, reason, w.F_PRICE, book + 1, 0)
        if kind == w.STOP or kind == w.STOP_LIMIT or paired:
            reason = self._wrong_price(book, self.one[w.C_STOP])
            if reason != 0:
                return self.reject(number, w.PLACE, reason, w.F_STOP, book + 1, 0)
        bound = price
        if paired:
            second = self.one[w.C_SECOND]
            if second != 0 or side == w.BUY:
                reason = self._wrong_price(book, second)
                if reason == 0:
                    reason = self._outside_collar(book, second)
                if reason != 0:
                    return self.reject(number, w.PLACE, reason, w.F_SECOND, book + 1, 0)
            if price >= self.one[w.C_STOP] if side == w.BUY else price <= self.one[w.C_STOP]:
                return self.reject(number, w.PLACE, w.STOP_PRICE_INVALID, w.F_STOP, book + 1, 0)
            if second < self.one[w.C_STOP] if side == w.BUY else second > self.one[w.C_STOP]:
                return self.reject(number, w.PLACE, w.STOP_LIMIT_PRICE_INVALID, w.F_SECOND, book + 1, 0)
            bound = second
        reason = self._wrong_quantity(book, quantity)
        if reason != 0:
            return self.reject(number, w.PLACE, reason, w.F_QUANTITY, book + 1, 0)
        if special != 0:
            if self.one[w.C_DISPLAY] % self.books[b + w.B_LOT_SIZE] != 0:
                return self.reject(number, w.PLACE, w.DISPLAY_QUANTITY_INVALID, w.F_DISPLAY, book + 1, 0)
            if self.one[w.C_MINIMUM] % self.books[b + w.B_LOT_SIZE] != 0:
                return self.reject(number, w.PLACE, w.MINIMUM_QUANTITY_INVALID, w.F_MINIMUM, book + 1, 0)
        if kind == w.MARKET and side == w.BUY:
            if (price > 0) == (amount > 0) or amount < 0 or (amount != 0 and collected):
                return self.reject(number, w.PLACE, w.AMOUNT_INVALID, w.F_AMOUNT, book + 1, 0)
        elif amount != 0:
            return self.reject(number, w.PLACE, w.AMOUNT_INVALID, w.F_AMOUNT, book + 1, 0)
        elif price != 0 and not priced:
            return self.reject(number, w.PLACE, w.PRICE_INVALID, w.F_PRICE, book + 1, 0)
        if self.books[b + w.B_GUARDED] != 0:
            field = self._exceeds(book, kind, max(price, bound), quantity, amount)
            if field != 0:
                return self.reject(number, w.PLACE, w.NOTIONAL_OUT_OF_LIMITS, field, book + 1, 0)
        held_price = c[at + w.C_HELD_PRICE]
        if side != w.BUY:
            needed = quantity
        elif amount != 0:
            needed = amount
            if held_price != 0 and self.earlier == 0:
                return self.reject(number, w.PLACE, w.HOLD_TOO_SMALL, w.F_HELD_PRICE, book + 1, 0)
        else:
            needed = bits.worst(max(held_price, bound), quantity, account >> 32)
            if needed < 0:
                return self.reject(number, w.PLACE, w.NOTIONAL_OVERFLOW, w.F_QUANTITY, book + 1, 0)
            if held_price < bound:
                return self.reject(number, w.PLACE, w.HOLD_TOO_SMALL, w.F_HELD_PRICE, book + 1, 0)
        if c[at + w.C_HELD_AMOUNT] < needed or (head >> 48) & w.HELD == 0:
            return self.reject(number, w.PLACE, w.HOLD_TOO_SMALL, w.F_HELD_AMOUNT, book + 1, 0)
        if special != 0:
            self.special.place(number)
            return 0
        if self.books[b + w.B_GUARDED] != 0 or self.books[b + w.B_PHASE] == w.PHASE_AUCTION:
            return self._place_plainly(c, at, number)
        # What is left is a MARKET order: what can trade at once does.
        assert kind == w.MARKET
        identity = self.accept(number)
        left = quantity
        tick = bits.share(price, self.books[b + w.B_RECIPROCAL])
        if price == 0:
            tick = w.NO_LIMIT if side == w.BUY else 0
        if self.books[b + w.B_PROTECTION] != 0:
            tick = self.protected(book, side, tick)
        best = self.sides[(book * 2 + (side ^ 1)) * w.SIDE_WORDS + w.S_BEST]
        fee = min(self.books[b + w.B_TAKER_FEE], account >> 32)
        self.met = 0
        if best >= 0 and (best <= tick if side == w.BUY else best >= tick):
            if amount != 0:
                if time_in_force != w.FOK or self._can_pay(book, tick, quantity, amount, fee):
                    left = self._match_amount(book, tick, left, identity, account, amount, fee)
            elif time_in_force != w.FOK or self._can_fill(book, side, tick, quantity):
                left = self._match(book, side, tick, left, identity, account)
        reason = w.FILLED if left == 0 else w.FILLS_LIMIT if self.met >= self.fills_limit else w.IMMEDIATE
        return self._finish(reason, book, side, identity, quantity, left, account)

    def _exceeds(self, book: int, kind: int, price: int, quantity: int, amount: int) -> int:
        """The field by which an order of a guarded book is above its largest notional, or 0."""
        if amount != 0:
            return w.F_AMOUNT if self.protection.exceeds(book, amount, 1) else 0
        if price == 0 and kind == w.STOP:
            price = self.one[w.C_STOP]
        return w.F_QUANTITY if self.protection.exceeds(book, price, quantity) else 0

    def _place_plainly(self, c: memoryview, at: int, number: int) -> int:
        """A plain order of a guarded book or for an auction, which passed the checks, as one that asks for nothing more."""
        for word in range(w.COMMAND_WORDS + w.SPECIAL_WORDS):
            self.one[word] = c[at + word] if word < w.COMMAND_WORDS else 0
        self.special.place(number)
        return 0

    def cancel(self, c: memoryview, at: int, number: int) -> int:
        """Ends an open order."""
        identity = c[at + w.C_ORDER]
        slot = self._named(c, at)
        if slot == 0:
            return self.reject(number, w.CANCEL, w.ORDER_UNKNOWN, w.F_ORDER, (c[at] >> 32) & 0xFFFF, identity)
        if self.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] != 0:
            self.special.cancel(slot, number)
            return 0
        o = slot * w.ORDER_WORDS
        side = self.halves[slot * w.ORDER_HALVES + w.H_SIDE]
        tick = self.orders[o + w.O_TICK]
        left = self.orders[o + w.O_OPEN]
        n = self.written
        self.sequence += 1
        self.out[n] = w.DONE | w.CANCELLED << 8 | ((side >> 1) + 1) << 16 | number << 32
        self.out[n + 1] = identity
        self.out[n + 2] = self.orders[o + w.O_QUANTITY] - left
        self.out[n + 3] = left
        self.out[n + 4] = self.halves[slot * w.ORDER_HALVES + w.H_ACCOUNT]
        self.written = n + w.DONE_WORDS
        level = self.leave(slot)
        self._show(side, tick, level)
        if self.is_empty(level):
            self.vacate(side, tick)
        self.index.remove(identity)
        self.release(slot)
        return 0

    def replace(self, c: memoryview, at: int, number: int) -> int:
        """Changes price and total quantity; only less at the same price keeps its place."""
        identity = c[at + w.C_ORDER]
        head = c[at + w.C_HEAD]
        slot = self._named(c, at)
        if slot == 0:
            return self.reject(number, w.REPLACE, w.ORDER_UNKNOWN, w.F_ORDER, (head >> 32) & 0xFFFF, identity)
        o = slot * w.ORDER_WORDS
        h = slot * w.ORDER_HALVES
        s = self.halves[h + w.H_SIDE]
        side = s & 1
        book = s >> 1
        b = book * w.BOOK_WORDS
        price = c[at + w.C_PRICE]
        quantity = c[at + w.C_QUANTITY]
        open_before = self.orders[o + w.O_OPEN]
        left = quantity - (self.orders[o + w.O_QUANTITY] - open_before)
        held = head >> 48
        fee = c[at + w.C_ACCOUNT] >> 32 if held else self.halves[h + w.H_FEE]
        tick = bits.share(price, self.books[b + w.B_RECIPROCAL]) if price > 0 else 0
        plain = (
            self.halves[h + w.H_EXTENSION] == 0
            and price >= self.books[b + w.B_LOW_PRICE]
            and price <= self.books[b + w.B_HIGH_PRICE]
            and tick * self.books[b + w.B_TICK_SIZE] == price
            and quantity <= self.books[b + w.B_MOST]
            and left > 0
            and (self.books[b + w.B_CLOSER] == 0 or self._is_plain(book, side, price, quantity))
        )
        if not plain:
            reason = self._wrong_replace(slot, price, quantity, left)
            if reason != 0:
                return self.reject(number, w.REPLACE, reason & 255, reason >> 8, book + 1, identity)
        extra = c[at + w.C_HELD_AMOUNT] if held else 0
        if side == w.BUY:
            bound = price
            if self.halves[h + w.H_EXTENSION] != 0:
                bound = self.special.bound(slot, price)
            needed = bits.worst(bound, left, fee)
            if needed < 0:
                return self.reject(number, w.REPLACE, w.NOTIONAL_OVERFLOW, w.F_QUANTITY, book + 1, identity)
            needed -= bits.worst(self.orders[o + w.O_HELD_PRICE], open_before, self.halves[h + w.H_FEE])
        else:
            needed = left - open_before
        if needed > extra:
            return self.reject(number, w.REPLACE, w.HOLD_TOO_SMALL, w.F_EXTRA, book + 1, identity)
        if not plain:
            self.special.replace(slot, number, price, quantity, fee)
            return 0
        tick_before = self.orders[o + w.O_TICK]
        n = self.written
        self.sequence += 1
        self.out[n] = w.REPLACED | side << 8 | (book + 1) << 16 | number << 32
        self.out[n + 1] = identity
        self.out[n + 2] = left
        self.out[n + 3] = fee
        self.out[n + 4] = price if side == w.BUY else 0
        self.written = n + w.REPLACED_WORDS
        self.orders[o + w.O_QUANTITY] = quantity
        self.orders[o + w.O_HELD_PRICE] = price if side == w.BUY else 0
        self.halves[h + w.H_FEE] = fee
        if tick == tick_before and left < open_before:
            level = self.level(s, tick)
            self.levels[level * w.LEVEL_WORDS + w.L_QUANTITY] -= open_before - left
            self.orders[o + w.O_OPEN] = left
            self._show(s, tick, level)
            return 0
        level = self.leave(slot)
        account = self.halves[h + w.H_ACCOUNT]
        if self.is_empty(level):
            self.vacate(s, tick_before)
        best = self.sides[(s ^ 1) * w.SIDE_WORDS + w.S_BEST]
        self.met = 0
        if best >= 0 and (best <= tick if side == w.BUY else best >= tick):
            left = self._match(book, side, tick, left, identity, fee << 32 | account)
        if left == 0 or self.met >= self.fills_limit:
            self.index.remove(identity)
            self.release(slot)
            self.done(w.FILLS_LIMIT if left else w.FILLED, book, identity, quantity - left, left, account)
            left = 0
        else:
            level = self.rest(slot, s, tick, left)
        if left != 0 and tick == tick_before:
            self._show(s, tick, level)
        else:
            self.show_where(s, tick_before)
        if self.swept_count != 0:
            self.show_swept(s ^ 1)
        if left != 0 and tick != tick_before:
            self._show(s, tick, level)
        return 0

    # Checks

    def _named(self, c: memoryview, at: int) -> int:
        """The slot of the open order that a command names, if it is the account's and of the symbol; else 0."""
        identity = c[at + w.C_ORDER]
        slot = self.index.find(identity)
        if slot == 0:
            return 0
        h = slot * w.ORDER_HALVES
        if self.halves[h + w.H_ACCOUNT] != c[at + w.C_ACCOUNT] & 0x7FFFFFFF:
            return 0
        book = (c[at] >> 32) & 0xFFFF
        if book != 0 and self.halves[h + w.H_SIDE] >> 1 != book - 1:
            return 0
        return slot

    def _is_plain(self, book: int, side: int, price: int, quantity: int) -> bool:
        """Whether nothing more is to be seen of a limit order between B_LOW_PRICE and B_HIGH_PRICE, up to B_MOST shares: it is whole
        lots, at a price that holds there, and would trade without an auction.
        """
        b = book * w.BOOK_WORDS
        lot = self.books[b + w.B_LOT_SIZE]
        if lot != 1 and quantity % lot != 0:
            return False
        if self.books[b + w.B_GUARDED] == 0:
            return True
        step = self.books[b + w.B_STEP]
        if step != 1 and price % (step * self.books[b + w.B_TICK_SIZE]) != 0:
            return False
        wall = self.books[b + w.B_WALL]
        reference = self.reference(book)
        if wall == 0 or reference == 0:
            return True
        away = reference * wall
        return (price - reference if side == w.BUY else reference - price) * w.BASIS_POINTS <= away

    def _wrong_replace(self, slot: int, price: int, quantity: int, left: int) -> int:
        """Why an order cannot have this price and total quantity, of which so much would be left: the reason | its field << 8, or 0."""
        h = slot * w.ORDER_HALVES
        side = self.halves[h + w.H_SIDE] & 1
        book = self.halves[h + w.H_SIDE] >> 1
        reason = self._wrong_phase(book)
        if reason != 0:
            return reason | w.F_SYMBOL << 8
        unpriced = side != w.BUY and self.halves[h + w.H_EXTENSION] != 0 and self.special.is_unpriced(slot)
        if price != 0 or not unpriced:
            reason = self._wrong_price(book, price)
        if reason == 0 and not unpriced:
            reason = self._outside_collar(book, price)
        if reason != 0:
            return reason | w.F_PRICE << 8
        reason = self._wrong_quantity(book, quantity)
        if reason == 0 and left <= 0:
            reason = w.QUANTITY_BELOW_EXECUTED
        counted = price
        if unpriced:
            counted = self.special.stop_price(slot)
        elif self.halves[h + w.H_EXTENSION] != 0:
            counted = max(price, self.special.bound(slot, price))
        guarded = self.books[book * w.BOOK_WORDS + w.B_GUARDED] != 0
        if reason == 0 and guarded and self.protection.exceeds(book, counted, quantity):
            reason = w.NOTIONAL_OUT_OF_LIMITS
        return reason | w.F_QUANTITY << 8 if reason != 0 else 0

    def _wrong_phase(self, book: int) -> int:
        phase = self.books[book * w.BOOK_WORDS + w.B_PHASE]
        if phase == w.PHASE_OPEN or phase == w.PHASE_AUCTION:
            return 0
        listing = self.books[book * w.BOOK_WORDS + w.B_LISTING]
        if listing != w.LISTED:
            return w.INSTRUMENT_SUSPENDED if listing == w.SUSPENDED else w.INSTRUMENT_DELISTED
        return w.MARKET_HALTED if phase == w.PHASE_HALTED else w.MARKET_CLOSED

    def _wrong_price(self, book: int, price: int) -> int:
        b = book * w.BOOK_WORDS
        if price <= 0:
            return w.PRICE_INVALID
        if price % self.books[b + w.B_TICK_SIZE] != 0:
            return w.PRICE_OFF_TICK
        if self.books[b + w.B_GUARDED] != 0 and self.protection.is_off_tick(book, price):
            return w.PRICE_OFF_TICK
        if price < self.books[b + w.B_MIN_PRICE] or price > self.books[b + w.B_MAX_PRICE]:
            return w.PRICE_OUT_OF_LIMITS
        return 0

    def protected(self, book: int, side: int, tick: int) -> int:
        """The bound of a market order: its own, or that of the instrument's protection where it is nearer."""
        b = book * w.BOOK_WORDS
        price = self.reference(book)
        if price == 0:
            best = self.sides[(book * 2 + (side ^ 1)) * w.SIDE_WORDS + w.S_BEST]
            if best < 0:
                return tick
            price = best * self.books[b + w.B_TICK_SIZE]
        return self.within(book, side, tick, price, self.books[b + w.B_PROTECTION])

    def reference(self, book: int) -> int:
        """What prices are compared with: that of the date's last trade, before it the instrument's reference price; 0 for none."""
        last = self.books[book * w.BOOK_WORDS + w.B_LAST]
        return last if last != 0 else self.books[book * w.BOOK_WORDS + w.B_REFERENCE]

    def within(self, book: int, side: int, tick: int, price: int, share: int) -> int:
        """A bound of a side, or the last tick that is no farther from a price than a share of it in basis points, whichever is
        nearer.
        """
        scale = w.BASIS_POINTS * self.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
        if side == w.BUY:
            return min(tick, price * (w.BASIS_POINTS + share) // scale)
        return max(tick, (price * (w.BASIS_POINTS - share) + scale - 1) // scale)

    def _outside_collar(self, book: int, price: int) -> int:
        guarded = self.books[book * w.BOOK_WORDS + w.B_GUARDED] != 0
        return w.PRICE_OUTSIDE_COLLAR if guarded and self.protection.is_outside(book, price) else 0

    def _wrong_quantity(self, book: int, quantity: int) -> int:
        b = book * w.BOOK_WORDS
        if quantity <= 0:
            return w.QUANTITY_INVALID
        if quantity % self.books[b + w.B_LOT_SIZE] != 0:
            return w.QUANTITY_OFF_LOT
        if quantity > self.books[b + w.B_MAX_QUANTITY]:
            return w.QUANTITY_OUT_OF_LIMITS
        return 0

    def wrong_quote(
        self, book: int, side: int, price: int, quantity: int, held_price: int, held_amount: int, fee: int
    ) -> int:
        """Why a side of a quote cannot be taken, as a limit order cannot: the reason | its field << 8, or 0."""
        b = book * w.BOOK_WORDS
        reason = self._wrong_phase(book)
        if reason != 0:
            return reason | w.F_SYMBOL << 8
        reason = self._wrong_price(book, price)
        if reason == 0:
            reason = self._outside_collar(book, price)
        if reason != 0:
            return reason | w.F_PRICE << 8
        reason = self._wrong_quantity(book, quantity)
        if reason == 0 and self.books[b + w.B_GUARDED] != 0 and self.protection.exceeds(book, price, quantity):
            reason = w.NOTIONAL_OUT_OF_LIMITS
        if reason != 0:
            return reason | w.F_QUANTITY << 8
        needed = quantity
        if side == w.BUY:
            needed = bits.worst(max(held_price, price), quantity, fee)
            if needed < 0:
                return w.NOTIONAL_OVERFLOW | w.F_QUANTITY << 8
            if held_price < price:
                return w.HOLD_TOO_SMALL | w.F_HELD_PRICE << 8
        return w.HOLD_TOO_SMALL | w.F_HELD_AMOUNT << 8 if held_amount < needed else 0

    # Matching

    def _match(self, book: int, side: int, limit: int, left: int, identity: int, account: int) -> int:
        """What is left of an order of `side` after it traded at `limit` or better; the best level is within it. From the first level
        where an order has a record it is not plain any more.
        """
        s = book * 2 + (side ^ 1)
        tick_size = self.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
        maker_rate = self.books[book * w.BOOK_WORDS + w.B_MAKER_FEE]
        taker_fee = min(self.books[book * w.BOOK_WORDS + w.B_TAKER_FEE], account >> 32)
        tick = self.sides[s * w.SIDE_WORDS + w.S_BEST]
        most = self.fills_limit
        sequence = self.sequence
        trades = 0
        total = 0
        special = False
        n = self.written
        while True:
            level = self.sides[s * w.SIDE_WORDS + w.S_ORIGIN] + tick
            if self.ends[level * w.LEVEL_HALVES + w.E_RECORDS] != 0:
                special = True
                break
            slot = self.ends[level * w.LEVEL_HALVES + w.E_HEAD]
            price = tick * tick_size
            before = trades
            taken = left
            gone = 0
            while True:
                o = slot * w.ORDER_WORDS
                h = slot * w.ORDER_HALVES
                maker = self.orders[o + w.O_ID]
                rest = self.orders[o + w.O_OPEN]
                traded = min(left, rest)
                left -= traded
                rest -= traded
                amount = price * traded
                if n > self.room:
                    self.written = n
                    self.widen()
                trades += 1
                self.out[n] = w.TRADED | side << 8 | (book + 1) << 16
                self.out[n + 1] = maker
                self.out[n + 2] = identity
                self.out[n + 3] = price
                self.out[n + 4] = traded
                self.out[n + 5] = rest
                self.out[n + 6] = left
                maker_fee = min(maker_rate, self.halves[h + w.H_FEE])
                self.out[n + 7] = bits.fee_of(amount, maker_fee)
                self.out[n + 8] = bits.fee_of(amount, taker_fee)
                self.out[n + 9] = (account & 0x7FFFFFFF) << 32 | self.halves[h + w.H_ACCOUNT]
                n += w.TRADED_WORDS
                if rest != 0:
                    self.orders[o + w.O_OPEN] = rest
                    self.halves[h + w.H_PREVIOUS] = 0
                    break
                gone += 1
                self.out[n] = w.DONE | w.FILLED << 8 | (book + 1) << 16
                self.out[n + 1] = maker
                self.out[n + 2] = self.orders[o + w.O_QUANTITY]
                self.out[n + 3] = 0
                self.out[n + 4] = self.halves[h + w.H_ACCOUNT]
                n += w.DONE_WORDS
                self.index.remove(maker)
                following = self.halves[h + w.H_NEXT]
                self.release(slot)
                slot = following
                sequence += 1
                if slot == 0:
                    break
                if left == 0 or trades == most:
                    self.halves[slot * w.ORDER_HALVES + w.H_PREVIOUS] = 0
                    break
            self.ends[level * w.LEVEL_HALVES + w.E_HEAD] = slot
            self.ends[level * w.LEVEL_HALVES + w.E_COUNT] -= gone
            self.levels[level * w.LEVEL_WORDS + w.L_QUANTITY] -= taken - left
            total += (trades - before) * price
            if self.swept_count > self.swept_room:
                self._widen_swept()
            self.swept[self.swept_count] = tick
            self.swept_count += 1
            if slot != 0:
                break
            self.ends[level * w.LEVEL_HALVES + w.E_TAIL] = 0
            self.vacate(s, tick)
            tick = self.sides[s * w.SIDE_WORDS + w.S_BEST]
            if left == 0 or trades == most or tick < 0 or (tick - limit) * (1 - 2 * side) > 0:
                break
        self.met = trades
        self.sequence = sequence + trades
        self.written = n
        if trades != 0:
            self.books[book * w.BOOK_WORDS + w.B_PUBLIC] += trades
            self.set_last(book, price)
            if self.books[book * w.BOOK_WORDS + w.B_BANDED] != 0:
                self.traded(book, total, trades)
        return self._take(book, side, limit, left, identity, account, -1) if special else left

    def traded(self, book: int, total: int, trades: int) -> int:
        """Notes some trades of a book with price bands, and the sum of their prices."""
        b = book * w.BOOK_WORDS
        if self.now_us >= self.books[b + w.B_BAND_END] or self.books[b + w.B_BAND_SUM] > w.BAND_SUM_LIMIT:
            self.special.turn(book)
        self.books[b + w.B_BAND_SUM] += total
        self.books[b + w.B_BAND_COUNT] += trades
        if self.books[b + w.B_BAND_COUNT] > self.quiet[book * w.QUIET_WORDS + w.Q_TRADES]:
            self.wake(book)
        return 0

    def _take(self, book: int, side: int, limit: int, left: int, identity: int, account: int, amount: int) -> int:
        """As `_match` goes on where an order has a record; for an amount that is not negative as `_match_amount` does."""
        return int(self.special.take(book, side, limit, left, identity, account, amount))

    def _tradable(self, book: int, side: int, limit: int, wanted: int, amount: int, fee: int) -> int:
        """How much of a quantity would trade, whatever stands there."""
        return int(self.special.tradable(book, side, limit, wanted, amount, fee))

    def _match_amount(
        self, book: int, limit: int, left: int, identity: int, account: int, amount: int, fee: int
    ) -> int:
        """As `_match`, for a buy that spends at most an amount: each maker is taken as far as it pays."""
        s = book * 2 + w.SELL
        lot = self.books[book * w.BOOK_WORDS + w.B_LOT_SIZE]
        trades = 0
        while left != 0 and trades < self.fills_limit:
            tick = self.sides[s * w.SIDE_WORDS + w.S_BEST]
            if tick < 0 or tick > limit:
                break
            price = tick * self.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
            level = self.sides[s * w.SIDE_WORDS + w.S_ORIGIN] + tick
            if self.ends[level * w.LEVEL_HALVES + w.E_RECORDS] != 0:
                self.met = trades
                return self._take(book, w.BUY, limit, left, identity, account, amount)
            slot = self.ends[level * w.LEVEL_HALVES + w.E_HEAD]
            traded = min(left, self.orders[slot * w.ORDER_WORDS + w.O_OPEN])
            pays = bits.affordable(amount, price, fee)
            traded = min(traded, pays - pays % lot)
            if traded == 0:
                break
            amount -= bits.cost(price, traded, fee)
            left -= traded
            before = self.swept_count
            n = self.written
            self._match(book, w.BUY, tick, traded, identity, account)
            self.out[n + 6] = left  # of the whole order
            if before != 0 and self.swept[before - 1] == tick:
                self.swept_count = before
            trades += 1
        self.met = trades
        return left

    def _can_fill(self, book: int, side: int, limit: int, quantity: int) -> int:
        """Whether all of a quantity can trade at `limit` or better."""
        s = book * 2 + (side ^ 1)
        wanted = quantity
        tick = self.sides[s * w.SIDE_WORDS + w.S_BEST]
        trades = 0
        while tick >= 0 and (tick <= limit if side == w.BUY else tick >= limit):
            level = self.level(s, tick)
            if self.ends[level * w.LEVEL_HALVES + w.E_RECORDS] != 0:
                return 1 if self._tradable(book, side, limit, wanted, -1, 0) == wanted else 0
            trades += self.ends[level * w.LEVEL_HALVES + w.E_COUNT]
            if trades > self.fills_limit:
                trades -= self.ends[level * w.LEVEL_HALVES + w.E_COUNT]
                return self._can_fill_here(level, quantity, self.fills_limit - trades)
            quantity -= self.levels[level * w.LEVEL_WORDS + w.L_QUANTITY]
            if quantity <= 0:
                return 1
            tick = self.worse(s, tick)
        return 0

    def _can_fill_here(self, level: int, quantity: int, trades: int) -> int:
        """Whether so many of the first orders of a level have a quantity."""
        slot = self.ends[level * w.LEVEL_HALVES + w.E_HEAD]
        while slot != 0 and trades != 0:
            quantity -= self.orders[slot * w.ORDER_WORDS + w.O_OPEN]
            if quantity <= 0:
                return 1
            trades -= 1
            slot = self.halves[slot * w.ORDER_HALVES + w.H_NEXT]
        return 0

    def _can_pay(self, book: int, limit: int, quantity: int, amount: int, fee: int) -> int:
        """Whether an amount pays for all of a quantity, maker by maker."""
        s = book * 2 + w.SELL
        wanted = quantity
        paid = amount
        lot = self.books[book * w.BOOK_WORDS + w.B_LOT_SIZE]
        tick = self.sides[s * w.SIDE_WORDS + w.S_BEST]
        trades = 0
        while tick >= 0 and tick <= limit:
            price = tick * self.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
            level = self.level(s, tick)
            if self.ends[level * w.LEVEL_HALVES + w.E_RECORDS] != 0:
                return 1 if self._tradable(book, w.BUY, limit, wanted, paid, fee) == wanted else 0
            slot = self.ends[level * w.LEVEL_HALVES + w.E_HEAD]
            there = self.orders[slot * w.ORDER_WORDS + w.O_OPEN]
            while slot != 0:
                pays = bits.affordable(amount, price, fee)
                pays -= pays % lot
                part = min(quantity, there)
                if pays < part:
                    if pays == 0 or self.earlier != 0:
                        return 0
                    part = pays  # what rounding down its fee leaves may pay for more of it
                amount -= bits.cost(price, part, fee)
                quantity -= part
                trades += 1
                if quantity == 0:
                    return 1
                if trades == self.fills_limit:
                    return 0
                there -= part
                if there == 0:
                    slot = self.halves[slot * w.ORDER_HALVES + w.H_NEXT]
                    there = self.orders[slot * w.ORDER_WORDS + w.O_OPEN]
            tick = self.worse(s, tick)
        return 0

    def rest(self, slot: int, s: int, tick: int, left: int) -> int:
        """The order stands last at its price; its level."""
        i = s * w.SIDE_WORDS
        inside = tick - self.sides[i + w.S_BASE]
        if inside < 0 or inside >= self.sides[i + w.S_SIZE]:
            level = self.outside(s, tick)
        else:
            level = self.sides[i + w.S_ORIGIN] + tick
        e = level * w.LEVEL_HALVES
        h = slot * w.ORDER_HALVES
        tail = self.ends[e + w.E_TAIL]
        self.orders[slot * w.ORDER_WORDS + w.O_TICK] = tick
        self.orders[slot * w.ORDER_WORDS + w.O_OPEN] = left
        self.halves[h + w.H_SIDE] = s
        self.halves[h + w.H_NEXT] = 0
        self.halves[h + w.H_PREVIOUS] = tail
        if tail != 0:
            self.halves[tail * w.ORDER_HALVES + w.H_NEXT] = slot
        else:
            self.ends[e + w.E_HEAD] = slot
            if self.ends[e + w.E_RECORDS] == 0:
                self.occupy(s, tick, level)
        self.ends[e + w.E_TAIL] = slot
        self.ends[e + w.E_COUNT] += 1
        self.levels[level * w.LEVEL_WORDS + w.L_QUANTITY] += left
        return level

    def leave(self, slot: int) -> int:
        """The order stands no more; its record stays. Its level, which may be empty now."""
        h = slot * w.ORDER_HALVES
        level = self.level(self.halves[h + w.H_SIDE], self.orders[slot * w.ORDER_WORDS + w.O_TICK])
        e = level * w.LEVEL_HALVES
        following = self.halves[h + w.H_NEXT]
        previous = self.halves[h + w.H_PREVIOUS]
        bits.put(self.halves, previous * w.ORDER_HALVES + w.H_NEXT, self.ends, e + w.E_HEAD, previous, following)
        bits.put(self.halves, following * w.ORDER_HALVES + w.H_PREVIOUS, self.ends, e + w.E_TAIL, following, previous)
        self.ends[e + w.E_COUNT] -= 1
        self.levels[level * w.LEVEL_WORDS + w.L_QUANTITY] -= self.orders[slot * w.ORDER_WORDS + w.O_OPEN]
        return level

    # Levels

    def is_empty(self, level: int) -> bool:
        """Whether no order stands at a level."""
        e = level * w.LEVEL_HALVES
        return self.ends[e + w.E_HEAD] == 0 and self.ends[e + w.E_RECORDS] == 0

    def level(self, s: int, tick: int) -> int:
        """The level at a price where orders stand."""
        i = s * w.SIDE_WORDS
        inside = tick - self.sides[i + w.S_BASE]
        if inside < 0 or inside >= self.sides[i + w.S_SIZE]:
            return self._far_level(s, tick)
        return self.sides[i + w.S_ORIGIN] + tick

    def _far_level(self, s: int, tick: int) -> int:
        return self.far_levels[s, tick]

    def occupy(self, s: int, tick: int, level: int) -> int:
        """The first order stands at a level."""
        i = s * w.SIDE_WORDS
        inside = tick - self.sides[i + w.S_BASE]
        if inside < 0 or inside >= self.sides[i + w.S_SIZE]:
            return 0
        self.occupied[level >> 6] |= bits.bit(level & 63)
        if self.sides[i + w.S_SIZE] > w.LARGE_WINDOW:
            self.parts[level >> 12] |= bits.bit((level >> 6) & 63)
        self.sides[i + w.S_LEVELS] += 1
        best = self.sides[i + w.S_BEST]
        if best < 0 or (tick < best if s & 1 else tick > best):
            self.sides[i + w.S_BEST] = tick
            self._moved(s)
        return 0

    def vacate(self, s: int, tick: int) -> int:
        """No order stands at a level any more."""
        i = s * w.SIDE_WORDS
        inside = tick - self.sides[i + w.S_BASE]
        size = self.sides[i + w.S_SIZE]
        if inside < 0 or inside >= size:
            return self._vacate_far(s, tick)
        level = self.sides[i + w.S_ORIGIN] + tick
        word = level >> 6
        self.occupied[word] &= ~bits.bit(level & 63)
        if size > w.LARGE_WINDOW and self.occupied[word] == 0:
            self.parts[level >> 12] &= ~bits.bit(word & 63)
        self.sides[i + w.S_LEVELS] -= 1
        if self.sides[i + w.S_BEST] != tick:
            return 0
        if self.sides[i + w.S_LEVELS] == 0:
            self.sides[i + w.S_BEST] = -1
            if self.sides[i + w.S_FAR] != 0:
                self._near(s)
        elif s & 1:
            self.sides[i + w.S_BEST] = self._above(level, size) - self.sides[i + w.S_ORIGIN]
        else:
            self.sides[i + w.S_BEST] = self._below(level, size) - self.sides[i + w.S_ORIGIN]
        return self._moved(s)

    def worse(self, s: int, tick: int) -> int:
        """The next price behind one where orders stand, or -1."""
        i = s * w.SIDE_WORDS
        size = self.sides[i + w.S_SIZE]
        origin = self.sides[i + w.S_ORIGIN]
        inside = tick - self.sides[i + w.S_BASE]
        if inside < 0 or inside >= size:
            return self._worse_far(s, tick)
        level = tick + origin
        first = level - inside
        if s & 1:
            level += 1
            while level < first + size:
                here = self.occupied[level >> 6] >> (level & 63)
                if here != 0:
                    return level + bits.first_bit(here) - origin
                level = (level >> 6) + 1 << 6
            return self._worse_far(s, tick)
        while level > first:
            word = (level - 1) >> 6
            here = self.occupied[word] & (2 * bits.bit((level - 1) & 63) - 1)
            if here != 0:
                return (word << 6) + bits.last_bit(here) - origin
            level = word << 6
        return self._worse_far(s, tick)

    def _worse_far(self, s: int, tick: int) -> int:
        ticks = self.far_ticks.get(s)
        if not ticks:
            return -1
        place = self.far_place
        if 0 <= place < len(ticks) and ticks[place] == tick:
            place += 1 if s & 1 else -1
        else:
            place = bisect_left(ticks, tick + 1) if s & 1 else bisect_left(ticks, tick) - 1
        if place < 0 or place >= len(ticks):
            return -1
        self.far_place = place
        return ticks[place]

    def _above(self, level: int, size: int) -> int:
        """The first occupied level of a window from one on upwards; there is one."""
        word = level >> 6
        here = self.occupied[word] >> (level & 63)
        if here != 0:
            return level + bits.first_bit(here)
        word += 1
        if size > w.LARGE_WINDOW and self.occupied[word] == 0:
            part = word >> 6
            here = self.parts[part] >> (word & 63)
            if here == 0:
                part += 1
                while self.parts[part] == 0:
                    part += 1
                word = part << 6
                here = self.parts[part]
            word += bits.first_bit(here)
        while self.occupied[word] == 0:
            word += 1
        return (word << 6) + bits.first_bit(self.occupied[word])

    def _below(self, level: int, size: int) -> int:
        """The first occupied level of a window below one; there is one."""
        word = level >> 6
        here = self.occupied[word] & (bits.bit(level & 63) - 1)
        if here != 0:
            return (word << 6) + bits.last_bit(here)
        word -= 1
        if size > w.LARGE_WINDOW and self.occupied[word] == 0:
            part = word >> 6
            here = self.parts[part] & (bits.bit(word & 63) - 1)
            if here == 0:
                part -= 1
                while self.parts[part] == 0:
                    part -= 1
                here = self.parts[part]
            word = (part << 6) + bits.last_bit(here)
        while self.occupied[word] == 0:
            word -= 1
        return (word << 6) + bits.last_bit(self.occupied[word])

    # Windows: the rare moves

    def outside(self, s: int, tick: int) -> int:
        """The level for a price outside the window: a window that moved or grew to hold it, or a far one."""
        i = s * w.SIDE_WORDS
        size = self.sides[i + w.S_SIZE]
        best = self.sides[i + w.S_BEST]
        if best >= 0 and (tick > best if s & 1 else tick < best):
            span = 2 * (tick - best if s & 1 else best - tick)
            if span >= w.LARGEST_WINDOW:
                return self._far(s, tick)
            while size <= span:
                size *= 2
            self._move(s, best, size)
        else:
            self._move(s, tick, max(size, w.FIRST_WINDOW))
        inside = tick - self.sides[i + w.S_BASE]
        if inside < 0 or inside >= self.sides[i + w.S_SIZE]:
            return self._far(s, tick)
        return self.sides[i + w.S_ORIGIN] + tick

    def _near(self, s: int) -> int:
        """The window is empty: it moves to the best of the far levels."""
        ticks = self.far_ticks[s]
        self._move(s, ticks[0] if s & 1 else ticks[len(ticks) - 1], self.sides[s * w.SIDE_WORDS + w.S_SIZE])
        return 0

    def _move(self, s: int, tick: int, size: int) -> int:
        """A window of `size` with `tick`, the best price, a quarter from its better end."""
        i = s * w.SIDE_WORDS
        old_size = self.sides[i + w.S_SIZE]
        old_base = self.sides[i + w.S_BASE]
        old_offset = self.sides[i + w.S_OFFSET]
        base = max(tick - (size // 4 if s & 1 else size * 3 // 4), 0) // 64 * 64
        offset = self._window(size)
        self.sides[i + w.S_SIZE] = size
        self.sides[i + w.S_BASE] = base
        self.sides[i + w.S_OFFSET] = offset
        self.sides[i + w.S_ORIGIN] = offset - base
        self.sides[i + w.S_LEVELS] = 0
        self.sides[i + w.S_BEST] = -1
        one = 0
        while one < old_size:
            level = old_offset + one
            if one & 63 == 0 and self.occupied[level >> 6] == 0:
                one += 64
                continue
            if (self.occupied[level >> 6] >> (level & 63)) & 1:
                inside = old_base + one - base
                if 0 <= inside < size:
                    self._copy(level, offset + inside)
                    self.occupy(s, old_base + one, offset + inside)
                else:
                    self._copy(level, self._far(s, old_base + one))
            one += 1
        if old_size != 0:
            self._clear(old_offset, old_size)
            self.spare_windows.setdefault(old_size, []).append(old_offset)
        ticks = self.far_ticks.get(s, [])
        for far in ticks[bisect_left(ticks, base) : bisect_left(ticks, base + size)]:
            self._copy(self.far_levels[s, far], offset + far - base)
            self._vacate_far(s, far)
            self.occupy(s, far, offset + far - base)
        return 0

    def _clear(self, offset: int, size: int) -> int:
        """No level of a window is occupied."""
        for word in range(offset >> 6, (offset + size) >> 6):
            self.occupied[word] = 0
        if size > w.LARGE_WINDOW:
            for word in range(offset >> 12, (offset + size) >> 12):
                self.parts[word] = 0
        return 0

    def _copy(self, source: int, target: int) -> int:
        """Moves a level's words; the source is empty afterwards."""
        for half in range(4):
            self.ends[target * w.LEVEL_HALVES + half] = self.ends[source * w.LEVEL_HALVES + half]
            self.ends[source * w.LEVEL_HALVES + half] = 0
        for word in range(2, w.LEVEL_WORDS):
            self.levels[target * w.LEVEL_WORDS + word] = self.levels[source * w.LEVEL_WORDS + word]
            self.levels[source * w.LEVEL_WORDS + word] = 0
        return 0

    def _window(self, size: int) -> int:
        """An empty window, aligned to its size."""
        spare = self.spare_windows.get(size)
        if spare:
            return spare.pop()
        offset = (self.levels_top + size - 1) // size * size
        self.levels_top = offset + size
        levels = (self.levels_top + 4_095) // 4_096 * 4_096
        self._levels.reserve(levels * w.LEVEL_WORDS)
        self._bits.reserve(levels // 64)
        self._parts.reserve(levels // 4_096)
        self._point()
        return offset

    def _far(self, s: int, tick: int) -> int:
        """The far level at a price, made where there is none."""
        found = self.far_levels.get((s, tick))
        if found is not None:
            return found
        if not self.spare_far:
            offset = self._window(64)
            self.spare_far = list(range(offset + 63, offset - 1, -1))
        level = self.far_levels[s, tick] = self.spare_far.pop()
        insort(self.far_ticks.setdefault(s, []), tick)
        self.sides[s * w.SIDE_WORDS + w.S_FAR] += 1
        return level

    def _vacate_far(self, s: int, tick: int) -> int:
        self.spare_far.append(self.far_levels.pop((s, tick)))
        ticks = self.far_ticks[s]
        del ticks[bisect_left(ticks, tick)]
        self.sides[s * w.SIDE_WORDS + w.S_FAR] -= 1
        return 0

    # Slots

    def new_slot(self) -> int:
        """A slot that was never used."""
        slot = self.top
        if slot >= self.order_room:
            self._orders.reserve((slot + 1) * w.ORDER_WORDS)
            self._point()
        self.top = slot + 1
        return slot

    def release(self, slot: int) -> None:
        self.orders[slot * w.ORDER_WORDS + w.O_ID] = 0
        self.halves[slot * w.ORDER_HALVES + w.H_NEXT] = self.free
        self.free = slot

    # Events

    def widen(self) -> int:
        self._out.reserve(2 * len(self._out))
        self._point()
        return 0

    def _widen_swept(self) -> int:
        self._swept.reserve(2 * len(self._swept))
        self._point()
        return 0

    def accept(self, number: int) -> int:
        """The id of the order that a command places."""
        n = self.written
        self.sequence += 1
        identity = self.identity_base | self.sequence
        self.out[n] = w.ACCEPTED | number << 32
        self.out[n + 1] = identity
        self.written = n + w.ACCEPTED_WORDS
        return identity

    def done(self, reason: int, book: int, identity: int, executed: int, cancelled: int, account: int) -> None:
        n = self.written
        self.sequence += 1
        self.out[n] = w.DONE | reason << 8 | (book + 1) << 16
        self.out[n + 1] = identity
        self.out[n + 2] = executed
        self.out[n + 3] = cancelled
        self.out[n + 4] = account
        self.written = n + w.DONE_WORDS

    def _show(self, s: int, tick: int, level: int) -> None:
        """A level as it is now."""
        b = (s >> 1) * w.BOOK_WORDS
        self._tell_level((s & 1) << 8 | ((s >> 1) + 1) << 16, b, tick * self.books[b + w.B_TICK_SIZE], level)

    def _tell_level(self, of: int, b: int, price: int, level: int) -> None:
        """A level as it is now, of a side << 8 and a book << 16."""
        n = self.written
        self.books[b + w.B_PUBLIC] += 1
        self.out[n] = w.LEVEL | of
        self.out[n + 1] = price
        self.out[n + 2] = self.levels[level * w.LEVEL_WORDS + w.L_QUANTITY]
        self.out[n + 3] = self.ends[level * w.LEVEL_HALVES + w.E_COUNT]
        self.written = n + w.LEVEL_EVENT_WORDS

    def show_where(self, s: int, tick: int) -> int:
        """A level as it is now, which may be none."""
        i = s * w.SIDE_WORDS
        inside = tick - self.sides[i + w.S_BASE]
        if 0 <= inside < self.sides[i + w.S_SIZE]:
            self._show(s, tick, self.sides[i + w.S_ORIGIN] + tick)
        else:
            self._show(s, tick, self._far_or_none(s, tick))
        return 0

    def _far_or_none(self, s: int, tick: int) -> int:
        return self.far_levels.get((s, tick), 0)

    def show_swept(self, s: int) -> int:
        """The levels that an order traded at, in that order: all but the last one are empty."""
        count = self.swept_count
        self.swept_count = 0
        for place in range(count - 1):
            if self.written > self.room:
                self.widen()
            self._show(s, self.swept[place], 0)
        if self.written > self.room:
            self.widen()
        return self.show_where(s, self.swept[count - 1])

    def reject(self, number: int, what: int, reason: int, field: int, book: int, identity: int) -> int:
        """A command is rejected; a place's id is its own sequence."""
        n = self.written
        self.sequence += 1
        self.out[n] = w.REJECTED | what << 8 | book << 16 | number << 32
        self.out[n + 1] = self.identity_base | self.sequence if what == w.PLACE else identity
        self.out[n + 2] = reason
        self.out[n + 3] = field
        self.written = n + w.REJECTED_WORDS
        return 0

    # Reference data

    def add_book(
        self,
        tick_size: int,
        lot_size: int,
        min_price: int,
        max_price: int,
        max_quantity: int,
        maker_fee: int,
        taker_fee: int,
        phase: int,
    ) -> int:
        """The number of a new book."""
        number = self.book_count
        self._books.reserve((number + 1) * w.BOOK_WORDS)
        self._sides.reserve((number + 1) * 2 * w.SIDE_WORDS)
        self._quiet.reserve((number + 1) * w.QUIET_WORDS)
        self._point()
        self.books[number * w.BOOK_WORDS + w.B_LISTING] = w.LISTED
        self.define(number, tick_size, lot_size, min_price, max_price, max_quantity, maker_fee, taker_fee)
        self.set_phase(number, phase)
        self.sides[2 * number * w.SIDE_WORDS + w.S_BEST] = -1
        self.sides[(2 * number + 1) * w.SIDE_WORDS + w.S_BEST] = -1
        self.book_count = number + 1
        self.awake += 1
        return number

    def define(
        self,
        book: int,
        tick_size: int,
        lot_size: int,
        min_price: int,
        max_price: int,
        max_quantity: int,
        maker_fee: int,
        taker_fee: int,
    ) -> int:
        """What a book that is not open asks of orders from now on; its tick size changes only while none of them is open."""
        b = book * w.BOOK_WORDS
        self.books[b + w.B_TICK_SIZE] = tick_size
        self.books[b + w.B_RECIPROCAL] = (1 << 62) // tick_size + 1
        self.books[b + w.B_LOT_SIZE] = lot_size
        self.books[b + w.B_MIN_PRICE] = min_price
        self.books[b + w.B_MAX_PRICE] = max_price
        self.books[b + w.B_MAX_QUANTITY] = max_quantity
        self.books[b + w.B_MAKER_FEE] = maker_fee
        self.books[b + w.B_TAKER_FEE] = taker_fee
        return 0

    def listing(self, book: int) -> int:
        """Whether a book may be traded at all."""
        return self.books[book * w.BOOK_WORDS + w.B_LISTING]

    def set_listing(self, book: int, listing: int) -> int:
        """One that may not is not open."""
        self.books[book * w.BOOK_WORDS + w.B_LISTING] = listing
        return 0

    def protect(self, book: int, basis_points: int) -> int:
        """How far from the reference price market orders trade; 0 for any distance."""
        self.books[book * w.BOOK_WORDS + w.B_PROTECTION] = basis_points
        return 0

    def set_phase(self, book: int, phase: int, auction: int = 0) -> int:
        """What is not open takes no price, and a guarded book none without a second look. An auction is the book's until it is
        uncrossed.
        """
        b = book * w.BOOK_WORDS
        self.waiting += (phase == w.PHASE_AUCTION) - (self.books[b + w.B_PHASE] == w.PHASE_AUCTION)
        self.books[b + w.B_PHASE] = phase
        if auction != 0:
            self.books[b + w.B_AUCTION] = auction
        self.wake(book)
        return self.narrow(book)

    def narrow(self, book: int) -> int:
        """Between which prices, and up to which quantity, a limit order passes all checks; while the book is not open none does."""
        b = book * w.BOOK_WORDS
        self.books[b + w.B_LOW_PRICE] = self.books[b + w.B_MIN_PRICE]
        self.books[b + w.B_HIGH_PRICE] = self.books[b + w.B_MAX_PRICE]
        self.books[b + w.B_MOST] = self.books[b + w.B_MAX_QUANTITY]
        self.books[b + w.B_CLOSER] = self.books[b + w.B_LOT_SIZE] != 1 or self.books[b + w.B_GUARDED] != 0
        if self.books[b + w.B_GUARDED] != 0:
            self.protection.narrow(book)
        if self.books[b + w.B_PHASE] != w.PHASE_OPEN:
            self.books[b + w.B_LOW_PRICE] = w.NO_LIMIT
        return 0

    # One command

    def terms(
        self, flags: int, display: int, minimum: int, stop: int, trail: int, second: int, peg: int, offset: int
    ) -> int:
        """The terms of the next command, which has SPECIAL."""
        self.one[w.C_FLAGS] = flags
        self.one[w.C_DISPLAY] = display
        self.one[w.C_MINIMUM] = minimum
        self.one[w.C_STOP] = stop
        self.one[w.C_TRAIL] = trail
        self.one[w.C_SECOND] = second
        self.one[w.C_PEG] = peg
        self.one[w.C_OFFSET] = offset
        return 0

    def belongs(self, account: int, participant: int) -> int:
        """An account, numbered behind all others, is a participant's."""
        self._participants.reserve(account + 1)
        self._point()
        self.participants[account] = participant
        return 0

    def execute(
        self,
        head: int,
        account: int,
        price: int,
        quantity: int,
        amount: int,
        held_price: int,
        held_amount: int,
        order: int,
        number: int,
    ) -> int:
        """Executes a command of the batch that began when `written` was 0; its first event's kind, and the reason of a
        rejection << 8.
        """
        self.one[w.C_HEAD] = head
        self.one[w.C_ACCOUNT] = account
        self.one[w.C_PRICE] = price
        self.one[w.C_QUANTITY] = quantity
        self.one[w.C_AMOUNT] = amount
        self.one[w.C_HELD_PRICE] = held_price
        self.one[w.C_HELD_AMOUNT] = held_amount
        self.one[w.C_ORDER] = order
        n = self.written
        self.command(self.one, 0, number)
        kind = self.out[n] & 255
        return kind | self.out[n + 2] << 8 if kind == w.REJECTED else kind

    def expired(self, number: int, book: int) -> int:
        """A place is rejected, whose time is over."""
        if self.written > self.room:
            self.widen()
        return self.reject(number, w.PLACE, w.EXPIRE_TIME_PAST, w.F_EXPIRE_TIME, book + 1, 0)

    def amend(self, reason: int) -> None:
        """The last event, a rejection, has another reason."""
        self.out[self.written - w.REJECTED_WORDS + 2] = reason

    def ends_by(self, identity: int, reason: int, date: int) -> int:
        """Why an open order ends; 0 where it does not, because it lasts beyond the date that closes."""
        if reason != w.DATE_CLOSED:
            return reason
        until = self.lasting.until(identity)
        if until == 0:
            return w.DATE_CLOSED
        return w.EXPIRED if until <= date else 0

    def sweep(self, tick: int) -> int:
        """Notes that a level changed, once."""
        if self.swept_count > self.swept_room:
            self._widen_swept()
        if self.swept_count == 0 or self.swept[self.swept_count - 1] != tick:
            self.swept[self.swept_count] = tick
            self.swept_count += 1
        return 0

    def forget(self) -> None:
        """Nothing was traded on this date; where no order is open, begins anew with the first slots."""
        if self.index.count == 0:
            self.free = 0
            self.top = 1
        for book in range(self.book_count):
            self.books[book * w.BOOK_WORDS + w.B_LAST] = 0

    def begin_owners(self, accounts: int) -> int:
        """Of so many accounts it is looked at which have open orders."""
        self._owners = Words(accounts + 1)
        self._point()
        return 0

    def owned(self, slot: int) -> int:
        """An open order's account has one."""
        self.named[self.halves[slot * w.ORDER_HALVES + w.H_ACCOUNT]] = 1
        return 0

    def owners(self) -> list[int]:
        """The accounts that have open orders, in their order; from now on they are known by their places in it."""
        found: list[int] = []
        for account in range(len(self._owners)):
            if self.named[account] != 0:
                self.named[account] = len(found)
                found.append(account)
        return found

    def renumber(self, participants: memoryview) -> int:
        """Numbers the accounts of open orders as `owners` told them; these are their participants."""
        count = len(participants)
        self._participants.reserve(count)
        self._point()
        self._participants.view[:count] = participants
        for slot in range(1, self.top):
            if self.orders[slot * w.ORDER_WORDS + w.O_ID] != 0:
                h = slot * w.ORDER_HALVES
                self.halves[h + w.H_ACCOUNT] = self.named[self.halves[h + w.H_ACCOUNT]]
        self._owners = Words(1)
        self._point()
        return 0

    # What stands

    def open_orders(self) -> int:
        """How many orders are open."""
        return self.index.count

    def is_open(self, identity: int) -> bool:
        """Whether an order is open."""
        return self.index.find(identity) != 0

    def keep_open(self, records: memoryview, size: int) -> int:
        """Moves the records of open orders, `size` words that begin with an id, to the front of the others; how many they are."""
        if not len(records):
            return 0
        some = bits.words(records)
        kept = 0
        for number in range(len(records) // size):
            if self.index.find(some[number * size]) != 0:
                for word in range(size):
                    some[kept * size + word] = some[number * size + word]
                kept += 1
        return kept

    def phase(self, book: int) -> int:
        """The phase of a book."""
        return self.books[book * w.BOOK_WORDS + w.B_PHASE]

    def auction(self, book: int) -> int:
        """The kind of a book's auction until it is uncrossed, 0 for none."""
        return self.books[book * w.BOOK_WORDS + w.B_AUCTION]

    def set_auction(self, book: int, auction: int) -> int:
        """A loaded book's auction."""
        self.books[book * w.BOOK_WORDS + w.B_AUCTION] = auction
        return 0

    def public(self, book: int) -> int:
        """The number of a book's last public event."""
        return self.books[book * w.BOOK_WORDS + w.B_PUBLIC]

    def last(self, book: int) -> int:
        """The price of a book's last trade on this date, 0 for none."""
        return self.books[book * w.BOOK_WORDS + w.B_LAST]

    def set_last(self, book: int, price: int) -> int:
        """The last trade of a book, that may be loaded; what waits may have waited for it."""
        q = book * w.QUIET_WORDS
        self.books[book * w.BOOK_WORDS + w.B_LAST] = price
        if price < self.quiet[q + w.Q_LAST_LOW] or price > self.quiet[q + w.Q_LAST_HIGH]:
            self.wake(book)
        return 0

    def count_public(self, book: int, events: int) -> int:
        """A book has more public events."""
        self.books[book * w.BOOK_WORDS + w.B_PUBLIC] += events
        return 0

    def depth(self, book: int, side: int, limit: int) -> list[tuple[int, int, int]]:
        """(price, quantity, orders) of what the best levels of a side display, best first."""
        s = book * 2 + side
        found: list[tuple[int, int, int]] = []
        tick = self.sides[s * w.SIDE_WORDS + w.S_BEST]
        while tick >= 0 and len(found) < limit:
            level = self.level(s, tick)
            price = tick * self.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
            quantity = self.levels[level * w.LEVEL_WORDS + w.L_QUANTITY]
            if quantity != 0:
                found.append((price, quantity, self.ends[level * w.LEVEL_HALVES + w.E_COUNT]))
            tick = self.worse(s, tick)
        return found

    def standing(self, book: int, side: int) -> list[tuple[int, int, int, int]]:
        """(price, id, open quantity, account) of the orders of a side, in the order in which they would trade."""
        s = book * 2 + side
        found = []
        tick = self.sides[s * w.SIDE_WORDS + w.S_BEST]
        while tick >= 0:
            price = tick * self.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
            level = self.level(s, tick)
            for queue in (w.E_HEAD, w.E_HIDDEN_HEAD):
                slot = self.ends[level * w.LEVEL_HALVES + queue]
                while slot != 0:
                    o = slot * w.ORDER_WORDS
                    account = self.halves[slot * w.ORDER_HALVES + w.H_ACCOUNT]
                    found.append((price, self.orders[o + w.O_ID], self.orders[o + w.O_OPEN], account))
                    slot = self.halves[slot * w.ORDER_HALVES + w.H_NEXT]
            tick = self.worse(s, tick)
        return found

    # Snapshots

    def pool(self) -> memoryview:
        """The orders as they are, free ones included; valid until the next command."""
        return self._orders.view[: self.top * w.ORDER_WORDS].cast("B")

    def window(self, s: int) -> tuple[int, int]:
        """The first tick and the size of a side's window."""
        return self.sides[s * w.SIDE_WORDS + w.S_BASE], self.sides[s * w.SIDE_WORDS + w.S_SIZE]

    def first_free(self) -> int:
        """The first free slot, 0 for none."""
        return self.free

    def load(self, pool: bytes | memoryview, free: int, windows: list[tuple[int, int]]) -> int:
        """Fills books that are empty with what `pool`, `first_free` and `window` told."""
        self.top = len(pool) // (8 * w.ORDER_WORDS)
        self._orders.reserve(self.top * w.ORDER_WORDS)
        self._point()
        self._orders.view[: self.top * w.ORDER_WORDS] = memoryview(pool).cast("q")
        self.free = free
        for s in range(len(windows)):
            base, size = windows[s]
            if size:
                self._place_window(s, base, size)
        for slot in range(1, self.top):
            if self.orders[slot * w.ORDER_WORDS + w.O_ID] != 0:
                if self.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] != 0:
                    self.special.stand(slot)
                else:
                    self.stand(slot)
        return 0

    def _place_window(self, s: int, base: int, size: int) -> int:
        i = s * w.SIDE_WORDS
        offset = self._window(size)
        self.sides[i + w.S_BASE] = base
        self.sides[i + w.S_SIZE] = size
        self.sides[i + w.S_OFFSET] = offset
        self.sides[i + w.S_ORIGIN] = offset - base
        return 0

    def stand(self, slot: int) -> int:
        """The level of a loaded order knows it."""
        o = slot * w.ORDER_WORDS
        h = slot * w.ORDER_HALVES
        level = self.restored(self.halves[h + w.H_SIDE], self.orders[o + w.O_TICK])
        e = level * w.LEVEL_HALVES
        if self.halves[h + w.H_PREVIOUS] == 0:
            self.ends[e + w.E_HEAD] = slot
        if self.halves[h + w.H_NEXT] == 0:
            self.ends[e + w.E_TAIL] = slot
        self.ends[e + w.E_COUNT] += 1
        self.levels[level * w.LEVEL_WORDS + w.L_QUANTITY] += self.orders[o + w.O_OPEN]
        self.index.restore(self.orders[o + w.O_ID], slot)
        return 0

    def restored(self, s: int, tick: int) -> int:
        """The level of a loaded order, which stands there in a moment."""
        inside = tick - self.sides[s * w.SIDE_WORDS + w.S_BASE]
        if inside < 0 or inside >= self.sides[s * w.SIDE_WORDS + w.S_SIZE]:
            return self._far(s, tick)
        level = self.sides[s * w.SIDE_WORDS + w.S_ORIGIN] + tick
        e = level * w.LEVEL_HALVES
        if self.ends[e + w.E_COUNT] == 0 and self.ends[e + w.E_RECORDS] == 0:
            self.occupy(s, tick, level)
        return level
