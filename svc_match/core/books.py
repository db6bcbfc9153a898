# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True, nonecheck=False
"""All books of a shard in flat pools of int64: one call a batch, packed commands in, packed events out.

An order is a record of ORDER_WORDS in one pool (a cache line), known by its slot; the orders at a price are a list by
slots, oldest first. A side has a window of levels around its best price, with a bit for each that holds orders; what is
farther away is in a sorted map. Prices are counted in ticks of the instrument. The same code runs interpreted.
"""

from array import array
from bisect import bisect_left, insort

import cython
from cython.cimports.svc_match.core import layout as w
from cython.cimports.svc_match.core.bits import first_bit, last_bit, product

FIRST_WINDOW = 256
LARGEST_WINDOW = 32_768
FIRST_ORDERS = 1_024
FIRST_EVENT_WORDS = 65_536
EVENT_WORDS_LIMIT = 16  # of one event


@cython.cclass
class Books:
    """The books of one shard, numbered in the order in which they were added. Slot, side and level 0 stand for none."""

    orders: cython.longlong[::1]
    halves: cython.int[::1]  # the same memory as `orders`, by 32 bits
    slots: cython.int[::1]  # by an order's id: open addressing, 0 for none
    mask: cython.longlong
    count: cython.longlong  # open orders
    free: cython.longlong  # the first free slot, linked by H_NEXT
    top: cython.longlong  # the first slot that was never used

    books: cython.longlong[::1]
    sides: cython.longlong[::1]
    book_count: cython.longlong

    levels: cython.longlong[::1]
    ends: cython.int[::1]  # the same memory as `levels`, by 32 bits
    bits: cython.ulonglong[::1]  # a bit a level
    parts: cython.ulonglong[::1]  # a bit for each 64 levels, of windows larger than 4 096
    levels_top: cython.longlong
    spare_windows: dict[int, list[int]]
    far_ticks: dict[int, list[int]]
    far_levels: dict[tuple[int, int], int]
    spare_far: list[int]

    out: cython.longlong[::1]
    room: cython.longlong
    written: cython.longlong
    sequence: cython.longlong

    def __init__(self) -> None:
        self.orders, self.halves = _words(FIRST_ORDERS * w.ORDER_WORDS)
        self.slots = array("i", bytes(4 * FIRST_ORDERS * 2))
        self.mask = FIRST_ORDERS * 2 - 1
        self.count = self.free = 0
        self.top = 1
        self.books, _ = _words(64 * w.BOOK_WORDS)
        self.sides, _ = _words(128 * w.SIDE_WORDS)
        self.book_count = 0
        self.levels, self.ends = _words(4_096 * w.LEVEL_WORDS)
        self.bits = array("Q", bytes(8 * 4_096 // 64))
        self.parts = array("Q", bytes(8))
        self.levels_top = 64
        self.spare_windows, self.far_ticks, self.far_levels, self.spare_far = {}, {}, {}, []
        self.out, _ = _words(FIRST_EVENT_WORDS)
        self.room = FIRST_EVENT_WORDS - EVENT_WORDS_LIMIT
        self.written = 0
        self.sequence = 0

    # One call a batch

    def apply(self, commands: cython.longlong[::1]) -> memoryview:
        """The events of some commands, behind one another; valid until the next call."""
        at: cython.Py_ssize_t = 0
        end: cython.Py_ssize_t = commands.shape[0]
        number: cython.longlong = 0
        self.written = 0
        while at < end:
            self._command(commands, at, number)
            at += w.COMMAND_WORDS
            number += 1
        return memoryview(self.out)[: self.written]

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=False)
    def _command(self, c: cython.longlong[::1], at: cython.Py_ssize_t, number: cython.longlong) -> cython.int:
        what: cython.longlong = c[at + w.C_HEAD] & 255
        if what == w.PLACE:
            return self._place(c, at, number)
        if what == w.CANCEL:
            return self._cancel(c, at, number)
        return self._replace(c, at, number)

    # Commands

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def _place(self, c: cython.longlong[::1], at: cython.Py_ssize_t, number: cython.longlong) -> cython.int:
        head: cython.longlong = c[at + w.C_HEAD]
        side: cython.longlong = (head >> 8) & 255
        kind: cython.longlong = (head >> 16) & 255
        time_in_force: cython.longlong = (head >> 24) & 255
        book: cython.longlong = head >> 40
        price: cython.longlong = c[at + w.C_PRICE]
        left: cython.longlong = c[at + w.C_QUANTITY]
        b: cython.longlong = book * w.BOOK_WORDS
        tick: cython.longlong = price // self.books[b + w.B_TICK_SIZE]
        fee: cython.longlong = c[at + w.C_ACCOUNT] >> 32
        # checks
        if (
            self.books[b + w.B_PHASE] != w.PHASE_OPEN
            or price < self.books[b + w.B_MIN_PRICE]
            or price > self.books[b + w.B_MAX_PRICE]
            or tick * self.books[b + w.B_TICK_SIZE] != price
            or left <= 0
            or left > self.books[b + w.B_MAX_QUANTITY]
            or (self.books[b + w.B_LOT_SIZE] != 1 and left % self.books[b + w.B_LOT_SIZE] != 0)
            or (left if side == w.SELL else worst(c[at + w.C_HELD_PRICE], left, fee)) > c[at + w.C_HELD_AMOUNT]
        ):
            return self._reject(number)
        self.sequence += 1
        identity: cython.longlong = self.sequence
        n: cython.longlong = self._event()
        self.out[n] = w.ACCEPTED | number << 32
        self.out[n + 1] = identity
        self.written = n + 2
        quantity: cython.longlong = left
        best: cython.longlong = self.sides[(book * 2 + (side ^ 1)) * w.SIDE_WORDS + w.S_BEST]
        if best >= 0 and (best <= tick if side == w.BUY else best >= tick):
            left = self._match(book, side, tick, left, identity, c[at + w.C_ACCOUNT])
        if left == 0:
            return self._done(identity, w.FILLED, quantity, 0)
        if time_in_force != w.DAY:
            return self._done(identity, w.IMMEDIATE, quantity - left, left)
        slot: cython.longlong = self._slot()
        o: cython.longlong = slot * w.ORDER_WORDS
        self.orders[o + w.O_ID] = identity
        self.orders[o + w.O_QUANTITY] = quantity
        self.orders[o + w.O_HELD_PRICE] = c[at + w.C_HELD_PRICE]
        h: cython.longlong = slot * 16
        self.halves[h + w.H_ACCOUNT] = cython.cast(cython.int, c[at + w.C_ACCOUNT] & 0xFFFFFFFF)
        self.halves[h + w.H_FEE] = cython.cast(cython.int, fee)
        self.halves[h + w.H_EXTENSION] = 0
        self._index(identity, slot)
        return self._rest(slot, book * 2 + side, tick, left)

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def _cancel(self, c: cython.longlong[::1], at: cython.Py_ssize_t, number: cython.longlong) -> cython.int:
        slot: cython.longlong = self._find(c[at + w.C_ORDER])
        if slot == 0:
            return self._reject(number)
        o: cython.longlong = slot * w.ORDER_WORDS
        identity: cython.longlong = self.orders[o + w.O_ID]
        left: cython.longlong = self.orders[o + w.O_OPEN]
        quantity: cython.longlong = self.orders[o + w.O_QUANTITY]
        self._leave(slot)
        self._unindex(identity)
        self._release(slot)
        return self._done(identity, w.CANCELLED, quantity - left, left)

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def _replace(self, c: cython.longlong[::1], at: cython.Py_ssize_t, number: cython.longlong) -> cython.int:
        slot: cython.longlong = self._find(c[at + w.C_ORDER])
        if slot == 0:
            return self._reject(number)
        o: cython.longlong = slot * w.ORDER_WORDS
        h: cython.longlong = slot * 16
        s: cython.longlong = self.halves[h + w.H_SIDE]
        side: cython.longlong = s & 1
        book: cython.longlong = s >> 1
        b: cython.longlong = book * w.BOOK_WORDS
        price: cython.longlong = c[at + w.C_PRICE]
        quantity: cython.longlong = c[at + w.C_QUANTITY]
        tick: cython.longlong = price // self.books[b + w.B_TICK_SIZE]
        executed: cython.longlong = self.orders[o + w.O_QUANTITY] - self.orders[o + w.O_OPEN]
        left: cython.longlong = quantity - executed
        if (
            self.books[b + w.B_PHASE] != w.PHASE_OPEN
            or price < self.books[b + w.B_MIN_PRICE]
            or price > self.books[b + w.B_MAX_PRICE]
            or tick * self.books[b + w.B_TICK_SIZE] != price
            or left <= 0
            or quantity > self.books[b + w.B_MAX_QUANTITY]
            or (self.books[b + w.B_LOT_SIZE] != 1 and quantity % self.books[b + w.B_LOT_SIZE] != 0)
        ):
            return self._reject(number)
        identity: cython.longlong = self.orders[o + w.O_ID]
        self.sequence += 1
        n: cython.longlong = self._event()
        self.out[n] = w.REPLACED | number << 32
        self.out[n + 1] = identity
        self.out[n + 2] = price
        self.out[n + 3] = quantity
        self.out[n + 4] = left
        self.written = n + 5
        if tick == self.orders[o + w.O_TICK] and left < self.orders[o + w.O_OPEN]:
            level: cython.longlong = self._level(s, tick)
            self.levels[level * w.LEVEL_WORDS + w.L_QUANTITY] -= self.orders[o + w.O_OPEN] - left
            self.orders[o + w.O_OPEN] = left
            self.orders[o + w.O_QUANTITY] = quantity
            return self._show(s, tick, level)
        self._leave(slot)
        self.orders[o + w.O_QUANTITY] = quantity
        best: cython.longlong = self.sides[(book * 2 + (side ^ 1)) * w.SIDE_WORDS + w.S_BEST]
        if best >= 0 and (best <= tick if side == w.BUY else best >= tick):
            left = self._match(book, side, tick, left, identity, self.halves[h + w.H_ACCOUNT])
        if left == 0:
            self._unindex(identity)
            self._release(slot)
            return self._done(identity, w.FILLED, quantity, 0)
        return self._rest(slot, s, tick, left)

    # Matching

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def _match(
        self,
        book: cython.longlong,
        side: cython.longlong,
        limit: cython.longlong,
        left: cython.longlong,
        identity: cython.longlong,
        account: cython.longlong,
    ) -> cython.longlong:
        """What is left of an order of `side` after it traded at `limit` or better; the best level is within it."""
        s: cython.longlong = book * 2 + (side ^ 1)
        w_s: cython.longlong = s * w.SIDE_WORDS
        b: cython.longlong = book * w.BOOK_WORDS
        maker_fee: cython.longlong = self.books[b + w.B_MAKER_FEE]
        taker_fee: cython.longlong = self.books[b + w.B_TAKER_FEE]
        tick: cython.longlong = self.sides[w_s + w.S_BEST]
        level: cython.longlong
        slot: cython.longlong
        o: cython.longlong
        traded: cython.longlong
        rest: cython.longlong
        price: cython.longlong
        amount: cython.longlong
        total: cython.longlong
        gone: cython.int
        n: cython.longlong
        while True:
            level = self.sides[w_s + w.S_OFFSET] + tick - self.sides[w_s + w.S_BASE]
            slot = self.ends[level * 8]
            price = tick * self.books[b + w.B_TICK_SIZE]
            total = left
            gone = 0
            while True:
                o = slot * w.ORDER_WORDS
                rest = self.orders[o + w.O_OPEN]
                traded = left if left < rest else rest
                left -= traded
                rest -= traded
                n = self._event()
                amount = price * traded
                self.sequence += 1
                self.out[n] = w.TRADED | side << 8 | book << 40
                self.out[n + 1] = self.orders[o + w.O_ID]
                self.out[n + 2] = identity
                self.out[n + 3] = price
                self.out[n + 4] = traded
                self.out[n + 5] = rest
                self.out[n + 6] = left
                self.out[n + 7] = fee_of(amount, maker_fee if maker_fee < self.halves[slot * 16 + w.H_FEE] else self.halves[slot * 16 + w.H_FEE])
                self.out[n + 8] = fee_of(amount, taker_fee if taker_fee < account >> 32 else account >> 32)
                self.out[n + 9] = cython.cast(cython.longlong, self.halves[slot * 16 + w.H_ACCOUNT]) << 32 | account & 0xFFFFFFFF
                self.written = n + 10
                if rest:
                    self.orders[o + w.O_OPEN] = rest
                    self.halves[slot * 16 + w.H_PREVIOUS] = 0
                    break
                gone += 1
                n = self.written
                self.sequence += 1
                self.out[n] = w.DONE | w.FILLED << 8
                self.out[n + 1] = self.orders[o + w.O_ID]
                self.out[n + 2] = self.orders[o + w.O_QUANTITY]
                self.out[n + 3] = 0
                self.written = n + 4
                self._unindex(self.orders[o + w.O_ID])
                rest = self.halves[slot * 16 + w.H_NEXT]
                self._release(slot)
                slot = rest
                if slot == 0:
                    break
                if left == 0:
                    self.halves[slot * 16 + w.H_PREVIOUS] = 0
                    break
            self.ends[level * 8] = cython.cast(cython.int, slot)
            self.levels[level * w.LEVEL_WORDS + w.L_QUANTITY] -= total - left
            self.ends[level * 8 + 3] -= gone
            self._show(s, tick, level)
            if slot:
                return left
            self.ends[level * 8 + 1] = 0
            self._vacate(s, tick)
            tick = self.sides[w_s + w.S_BEST]
            if left == 0 or tick < 0 or (tick > limit if side == w.BUY else tick < limit):
                return left

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def _rest(self, slot: cython.longlong, s: cython.longlong, tick: cython.longlong, left: cython.longlong) -> cython.int:
        """The order stands last at its price."""
        w_s: cython.longlong = s * w.SIDE_WORDS
        place: cython.longlong = tick - self.sides[w_s + w.S_BASE]
        level: cython.longlong
        if cython.cast(cython.ulonglong, place) < cython.cast(cython.ulonglong, self.sides[w_s + w.S_SIZE]) if cython.compiled else 0 <= place < self.sides[w_s + w.S_SIZE]:
            level = self.sides[w_s + w.S_OFFSET] + place
        else:
            level = self._outside(s, tick)
        tail: cython.int = self.ends[level * 8 + 1]
        o: cython.longlong = slot * w.ORDER_WORDS
        self.orders[o + w.O_TICK] = tick
        self.orders[o + w.O_OPEN] = left
        self.halves[slot * 16 + w.H_SIDE] = cython.cast(cython.int, s)
        self.halves[slot * 16 + w.H_NEXT] = 0
        self.halves[slot * 16 + w.H_PREVIOUS] = tail
        if tail:
            self.halves[tail * 16 + w.H_NEXT] = cython.cast(cython.int, slot)
        else:
            self.ends[level * 8] = cython.cast(cython.int, slot)
            self._occupy(s, tick, level)
        self.ends[level * 8 + 1] = cython.cast(cython.int, slot)
        self.ends[level * 8 + 3] += 1
        self.levels[level * w.LEVEL_WORDS + w.L_QUANTITY] += left
        return self._show(s, tick, level)

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def _leave(self, slot: cython.longlong) -> cython.int:
        """The order stands no more; its record stays."""
        o: cython.longlong = slot * w.ORDER_WORDS
        h: cython.longlong = slot * 16
        s: cython.longlong = self.halves[h + w.H_SIDE]
        tick: cython.longlong = self.orders[o + w.O_TICK]
        level: cython.longlong = self._level(s, tick)
        following: cython.int = self.halves[h + w.H_NEXT]
        previous: cython.int = self.halves[h + w.H_PREVIOUS]
        if previous:
            self.halves[previous * 16 + w.H_NEXT] = following
        else:
            self.ends[level * 8] = following
        if following:
            self.halves[following * 16 + w.H_PREVIOUS] = previous
        else:
            self.ends[level * 8 + 1] = previous
        self.levels[level * w.LEVEL_WORDS + w.L_QUANTITY] -= self.orders[o + w.O_OPEN]
        self.ends[level * 8 + 3] -= 1
        self._show(s, tick, level)
        if self.ends[level * 8] == 0:
            self._vacate(s, tick)
        return 0

    # Levels

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=False)
    def _level(self, s: cython.longlong, tick: cython.longlong) -> cython.longlong:
        """The level at a price where orders stand."""
        place: cython.longlong = tick - self.sides[s * w.SIDE_WORDS + w.S_BASE]
        if 0 <= place < self.sides[s * w.SIDE_WORDS + w.S_SIZE]:
            return self.sides[s * w.SIDE_WORDS + w.S_OFFSET] + place
        return self.far_levels[s, tick]

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=False)
    def _occupy(self, s: cython.longlong, tick: cython.longlong, level: cython.longlong) -> cython.int:
        """The first order stands at a level."""
        w_s: cython.longlong = s * w.SIDE_WORDS
        place: cython.longlong = tick - self.sides[w_s + w.S_BASE]
        if not 0 <= place < self.sides[w_s + w.S_SIZE]:
            return 0
        self.bits[level >> 6] |= cython.cast(cython.ulonglong, 1) << (level & 63)
        if self.sides[w_s + w.S_SIZE] > 4_096:
            self.parts[level >> 12] |= cython.cast(cython.ulonglong, 1) << ((level >> 6) & 63)
        self.sides[w_s + w.S_LEVELS] += 1
        best: cython.longlong = self.sides[w_s + w.S_BEST]
        if best < 0 or (tick < best if s & 1 else tick > best):
            self.sides[w_s + w.S_BEST] = tick
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def _vacate(self, s: cython.longlong, tick: cython.longlong) -> cython.int:
        """No order stands at a level any more."""
        w_s: cython.longlong = s * w.SIDE_WORDS
        place: cython.longlong = tick - self.sides[w_s + w.S_BASE]
        size: cython.longlong = self.sides[w_s + w.S_SIZE]
        if not 0 <= place < size:
            return self._vacate_far(s, tick)
        level: cython.longlong = self.sides[w_s + w.S_OFFSET] + place
        word: cython.longlong = level >> 6
        self.bits[word] &= ~(cython.cast(cython.ulonglong, 1) << (level & 63))
        if size > 4_096 and self.bits[word] == 0:
            self.parts[level >> 12] &= ~(cython.cast(cython.ulonglong, 1) << (word & 63))
        self.sides[w_s + w.S_LEVELS] -= 1
        if self.sides[w_s + w.S_BEST] != tick:
            return 0
        if self.sides[w_s + w.S_LEVELS] == 0:
            self.sides[w_s + w.S_BEST] = -1
            if self.sides[w_s + w.S_FAR]:
                self._near(s)
        elif s & 1:
            self.sides[w_s + w.S_BEST] = self._above(level, size) - self.sides[w_s + w.S_OFFSET] + self.sides[w_s + w.S_BASE]
        else:
            self.sides[w_s + w.S_BEST] = self._below(level, size) - self.sides[w_s + w.S_OFFSET] + self.sides[w_s + w.S_BASE]
        return 0

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=False)
    def _above(self, level: cython.longlong, size: cython.longlong) -> cython.longlong:
        """The next occupied level above; there is one."""
        word: cython.longlong = level >> 6
        here: cython.ulonglong = self.bits[word] >> (level & 63)
        if here:
            return level + first_bit(here)
        word += 1
        if size > 4_096 and self.bits[word] == 0:
            part: cython.longlong = word >> 6
            here = self.parts[part] >> (word & 63)
            if here:
                word += first_bit(here)
            else:
                part += 1
                while self.parts[part] == 0:
                    part += 1
                word = part * 64 + first_bit(self.parts[part])
        while self.bits[word] == 0:
            word += 1
        return word * 64 + first_bit(self.bits[word])

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=False)
    def _below(self, level: cython.longlong, size: cython.longlong) -> cython.longlong:
        """The next occupied level below; there is one."""
        word: cython.longlong = level >> 6
        here: cython.ulonglong = self.bits[word] & ((cython.cast(cython.ulonglong, 1) << (level & 63)) - 1)
        if here:
            return word * 64 + last_bit(here)
        word -= 1
        if size > 4_096 and self.bits[word] == 0:
            part: cython.longlong = word >> 6
            here = self.parts[part] & ((cython.cast(cython.ulonglong, 1) << (word & 63)) - 1)
            if here:
                word = part * 64 + last_bit(here)
            else:
                part -= 1
                while self.parts[part] == 0:
                    part -= 1
                word = part * 64 + last_bit(self.parts[part])
        while self.bits[word] == 0:
            word -= 1
        return word * 64 + last_bit(self.bits[word])

    # Windows: the rare moves

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def _outside(self, s: cython.longlong, tick: cython.longlong) -> cython.longlong:
        """The level for a price outside the window: a window that moved or grew to hold it, or a far one."""
        w_s: cython.longlong = s * w.SIDE_WORDS
        size: cython.longlong = self.sides[w_s + w.S_SIZE]
        best: cython.longlong = self.sides[w_s + w.S_BEST]
        if best >= 0 and (tick > best if s & 1 else tick < best):
            span: cython.longlong = 2 * (tick - best if s & 1 else best - tick)
            if span >= LARGEST_WINDOW:
                return self._far(s, tick)
            while size <= span:
                size *= 2
            self._move(s, best, size)
        else:
            self._move(s, tick, max(size, FIRST_WINDOW))
        place: cython.longlong = tick - self.sides[w_s + w.S_BASE]
        assert 0 <= place < self.sides[w_s + w.S_SIZE]
        return self.sides[w_s + w.S_OFFSET] + place

    @cython.cfunc
    def _near(self, s: cython.longlong) -> cython.void:
        """The window is empty: it moves to the best of the far levels."""
        ticks = self.far_ticks[s]
        self._move(s, ticks[0] if s & 1 else ticks[-1], self.sides[s * w.SIDE_WORDS + w.S_SIZE])

    @cython.cfunc
    def _move(self, s: cython.longlong, tick: cython.longlong, size: cython.longlong) -> cython.void:
        """A window of `size` with `tick`, the best price, a quarter from its better end."""
        w_s: cython.longlong = s * w.SIDE_WORDS
        old_size: cython.longlong = self.sides[w_s + w.S_SIZE]
        old_base: cython.longlong = self.sides[w_s + w.S_BASE]
        old_offset: cython.longlong = self.sides[w_s + w.S_OFFSET]
        base: cython.longlong = max(tick - (size // 4 if s & 1 else size * 3 // 4), 0) // 64 * 64
        offset: cython.longlong = self._window(size)
        old = [old_base + place for place in range(old_size) if self._occupied(old_offset + place)]
        self.sides[w_s + w.S_SIZE] = size
        self.sides[w_s + w.S_BASE] = base
        self.sides[w_s + w.S_OFFSET] = offset
        self.sides[w_s + w.S_LEVELS] = 0
        self.sides[w_s + w.S_BEST] = -1
        for one in old:
            if not base <= one < base + size:
                self._copy(old_offset + one - old_base, self._far(s, one))
            else:
                self._copy(old_offset + one - old_base, offset + one - base)
                self._occupy(s, one, offset + one - base)
        if old_size:
            for word in range(old_offset >> 6, (old_offset + old_size) >> 6):
                self.bits[word] = 0
            if old_size > 4_096:
                for word in range(old_offset >> 12, (old_offset + old_size) >> 12):
                    self.parts[word] = 0
            self.spare_windows.setdefault(old_size, []).append(old_offset)
        for one in [one for one in self.far_ticks.get(s, ()) if base <= one < base + size]:
            self._copy(self.far_levels[s, one], offset + one - base)
            self._vacate_far(s, one)
            self._occupy(s, one, offset + one - base)

    @cython.cfunc
    def _occupied(self, level: cython.longlong) -> cython.bint:
        return (self.bits[level >> 6] >> (level & 63)) & 1

    @cython.cfunc
    def _copy(self, source: cython.longlong, target: cython.longlong) -> cython.void:
        """Moves a level's words; the source is empty afterwards."""
        for word in range(w.LEVEL_WORDS):
            self.levels[target * w.LEVEL_WORDS + word] = self.levels[source * w.LEVEL_WORDS + word]
            self.levels[source * w.LEVEL_WORDS + word] = 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def _window(self, size: cython.longlong) -> cython.longlong:
        """An empty window, aligned to its size."""
        spare = self.spare_windows.get(size)
        if spare:
            return spare.pop()
        offset: cython.longlong = (self.levels_top + size - 1) // size * size
        self._reserve(offset + size)
        self.levels_top = offset + size
        return offset

    @cython.cfunc
    def _reserve(self, levels: cython.longlong) -> cython.void:
        have: cython.longlong = self.levels.shape[0] // w.LEVEL_WORDS
        if levels > have:
            have = max(levels, 2 * have) + 4_095 & ~4_095
            self.levels, self.ends = _grown(self.levels, have * w.LEVEL_WORDS)
            self.bits = _longer("Q", self.bits, have // 64)
            self.parts = _longer("Q", self.parts, have // 4_096)

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def _far(self, s: cython.longlong, tick: cython.longlong) -> cython.longlong:
        """The far level at a price, made where there is none."""
        found = self.far_levels.get((s, tick))
        if found is not None:
            return found
        if not self.spare_far:
            offset = self._window(64)
            self.spare_far = list(range(offset + 63, offset - 1, -1))
        level: cython.longlong = self.far_levels[s, tick] = self.spare_far.pop()
        insort(self.far_ticks.setdefault(s, []), tick)
        self.sides[s * w.SIDE_WORDS + w.S_FAR] += 1
        return level

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def _vacate_far(self, s: cython.longlong, tick: cython.longlong) -> cython.int:
        self.spare_far.append(self.far_levels.pop((s, tick)))
        ticks = self.far_ticks[s]
        del ticks[bisect_left(ticks, tick)]
        self.sides[s * w.SIDE_WORDS + w.S_FAR] -= 1
        return 0

    # Slots and ids

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=False)
    def _slot(self) -> cython.longlong:
        slot: cython.longlong = self.free
        if slot:
            self.free = self.halves[slot * 16 + w.H_NEXT]
            return slot
        slot = self.top
        if (slot + 1) * w.ORDER_WORDS > self.orders.shape[0]:
            self.orders, self.halves = _grown(self.orders, self.orders.shape[0] * 3 // 2 // w.ORDER_WORDS * w.ORDER_WORDS)
        self.top = slot + 1
        return slot

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=False)
    def _release(self, slot: cython.longlong) -> cython.int:
        self.orders[slot * w.ORDER_WORDS + w.O_ID] = 0
        self.halves[slot * 16 + w.H_NEXT] = cython.cast(cython.int, self.free)
        self.free = slot
        return 0

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=False)
    def _find(self, identity: cython.longlong) -> cython.longlong:
        place: cython.longlong = identity & self.mask
        slot: cython.longlong = self.slots[place]
        while slot:
            if self.orders[slot * w.ORDER_WORDS + w.O_ID] == identity:
                return slot
            place = (place + 1) & self.mask
            slot = self.slots[place]
        return 0

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=False)
    def _index(self, identity: cython.longlong, slot: cython.longlong) -> cython.int:
        if self.count * 2 > self.mask:
            self._rehash()
        place: cython.longlong = identity & self.mask
        while self.slots[place]:
            place = (place + 1) & self.mask
        self.slots[place] = cython.cast(cython.int, slot)
        self.count += 1
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def _unindex(self, identity: cython.longlong) -> cython.int:
        place: cython.longlong = identity & self.mask
        while self.orders[self.slots[place] * w.ORDER_WORDS + w.O_ID] != identity:
            place = (place + 1) & self.mask
        self.count -= 1
        # What follows moves into the gap, unless it stands at or behind its own place.
        gap: cython.longlong = place
        slot: cython.int
        home: cython.longlong
        while True:
            place = (place + 1) & self.mask
            slot = self.slots[place]
            if slot == 0:
                break
            home = self.orders[cython.cast(cython.longlong, slot) * w.ORDER_WORDS + w.O_ID] & self.mask
            if ((place - home) & self.mask) >= ((place - gap) & self.mask):
                self.slots[gap] = slot
                gap = place
        self.slots[gap] = 0
        return 0

    @cython.cfunc
    def _rehash(self) -> cython.void:
        size: cython.longlong = 2 * (self.mask + 1)
        old = self.slots
        self.slots = array("i", bytes(4 * size))
        self.mask = size - 1
        self.count = 0
        place: cython.Py_ssize_t
        for place in range(old.shape[0]):
            if old[place]:
                self._index(self.orders[cython.cast(cython.longlong, old[place]) * w.ORDER_WORDS + w.O_ID], old[place])

    # Events

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=False)
    def _event(self) -> cython.longlong:
        """Where the next event is written; there is room for two."""
        if self.written > self.room - EVENT_WORDS:
            self._widen()
        return self.written

    @cython.cfunc
    def _widen(self) -> cython.void:
        self.out, _ = _grown(self.out, 2 * self.out.shape[0])
        self.room = self.out.shape[0] - EVENT_WORDS_LIMIT

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=False)
    def _done(self, identity: cython.longlong, reason: cython.longlong, executed: cython.longlong, cancelled: cython.longlong) -> cython.int:
        n: cython.longlong = self._event()
        self.sequence += 1
        self.out[n] = w.DONE | reason << 8
        self.out[n + 1] = identity
        self.out[n + 2] = executed
        self.out[n + 3] = cancelled
        self.written = n + 4
        return 0

    @cython.cfunc
    @cython.inline
    @cython.exceptval(-1, check=False)
    def _show(self, s: cython.longlong, tick: cython.longlong, level: cython.longlong) -> cython.int:
        n: cython.longlong = self._event()
        self.out[n] = w.LEVEL | s << 32
        self.out[n + 1] = tick * self.books[(s >> 1) * w.BOOK_WORDS + w.B_TICK_SIZE]
        self.out[n + 2] = self.levels[level * w.LEVEL_WORDS + w.L_QUANTITY]
        self.out[n + 3] = self.ends[level * 8 + 3]
        self.written = n + 4
        return 0

    @cython.cfunc
    @cython.exceptval(-1, check=False)
    def _reject(self, number: cython.longlong) -> cython.int:
        n: cython.longlong = self._event()
        self.sequence += 1
        self.out[n] = w.REJECTED | number << 32
        self.out[n + 1] = self.sequence
        self.written = n + 2
        return 0

    # Reference data

    def add_book(self, tick_size: cython.longlong, lot_size: cython.longlong, min_price: cython.longlong, max_price: cython.longlong,
                 max_quantity: cython.longlong, maker_fee: cython.longlong, taker_fee: cython.longlong) -> int:
        number = self.book_count
        if (number + 1) * w.BOOK_WORDS > self.books.shape[0]:
            self.books, _ = _grown(self.books, 2 * self.books.shape[0])
            self.sides, _ = _grown(self.sides, 2 * self.sides.shape[0])
        b: cython.longlong = number * w.BOOK_WORDS
        self.books[b + w.B_TICK_SIZE] = tick_size
        self.books[b + w.B_LOT_SIZE] = lot_size
        self.books[b + w.B_MIN_PRICE] = min_price
        self.books[b + w.B_MAX_PRICE] = max_price
        self.books[b + w.B_MAX_QUANTITY] = max_quantity
        self.books[b + w.B_MAKER_FEE] = maker_fee
        self.books[b + w.B_TAKER_FEE] = taker_fee
        self.books[b + w.B_PHASE] = w.PHASE_OPEN
        for s in (2 * number, 2 * number + 1):
            self.sides[s * w.SIDE_WORDS + w.S_BEST] = -1
        self.book_count = number + 1
        return number

    def open_orders(self) -> int:
        return self.count


EVENT_WORDS = cython.declare(cython.longlong, 32)


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def fee_of(amount: cython.longlong, fee: cython.longlong) -> cython.longlong:
    """`fee` millionths of an amount, rounded down, without leaving int64."""
    return amount // w.FEE_SCALE * fee + amount % w.FEE_SCALE * fee // w.FEE_SCALE


@cython.cfunc
@cython.inline
@cython.exceptval(check=False)
def worst(price: cython.longlong, quantity: cython.longlong, fee: cython.longlong) -> cython.longlong:
    """The most that some shares can cost, the fee rounded up; INT64_MAX where that is more."""
    amount: cython.longlong = product(price, quantity)
    if amount < 0 or amount > 8_000_000_000_000_000_000:
        return 9_223_372_036_854_775_807
    return amount + amount // w.FEE_SCALE * fee + (amount % w.FEE_SCALE * fee + w.FEE_SCALE - 1) // w.FEE_SCALE


def _words(count):
    memory = bytearray(8 * count)
    return memoryview(memory).cast("q"), memoryview(memory).cast("i")


def _grown(words, count):
    memory = bytearray(8 * count)
    memory[: 8 * words.shape[0]] = memoryview(words).cast("B")
    return memoryview(memory).cast("q"), memoryview(memory).cast("i")


def _longer(kind, words, count):
    longer = array(kind, bytes(8 * count))
    longer[: words.shape[0]] = array(kind, memoryview(words))
    return longer
