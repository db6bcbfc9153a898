# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""What stands of orders that are not plain, and the records that such orders have: hidden orders are a list of their own at a
price, of an iceberg its peak is displayed. `standing.pxd` gives the types of C.
"""

from typing import Any

from svc_match.core import bits
from svc_match.core import layout as w
from svc_match.core.books import Books
from svc_match.core.memory import Words


class Standing:
    """The records of some books' orders, and how orders with one stand; those without stand as ever."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self._records = Words(64 * w.EXTENSION_WORDS)
        self.auction: Any = None
        self.free_records = 0
        self.top = 1
        self.stops: Any = None
        self.pegs: Any = None
        self.quotes: Any = None
        self._point()

    def _point(self) -> int:
        self.records = bits.words(self._records.view)
        return 0

    # Places

    def rest(self, slot: int, s: int, tick: int, left: int) -> int:
        """The order stands last of its kind at its price."""
        b = self.books
        h = slot * w.ORDER_HALVES
        x = b.halves[h + w.H_EXTENSION] * w.EXTENSION_WORDS
        if x == 0 or self.records[x + w.X_FLAGS] & w.HIDDEN == 0:
            level = b.rest(slot, s, tick, left)
            if x != 0:
                b.recorded(s, tick, level)
            if x != 0 and self.records[x + w.X_DISPLAY] != 0:
                shown = min(self.records[x + w.X_DISPLAY], left)
                self.records[x + w.X_SHOWN] = shown
                b.levels[level * w.LEVEL_WORDS + w.L_QUANTITY] -= left - shown
            return 0
        b.books[(s >> 1) * w.BOOK_WORDS + w.B_HIDDEN] += 1
        level = self._level(s, tick)
        e = level * w.LEVEL_HALVES
        tail = b.ends[e + w.E_HIDDEN_TAIL]
        b.orders[slot * w.ORDER_WORDS + w.O_TICK] = tick
        b.orders[slot * w.ORDER_WORDS + w.O_OPEN] = left
        b.halves[h + w.H_NEXT] = 0
        b.halves[h + w.H_PREVIOUS] = tail
        if b.is_empty(level):
            b.occupy(s, tick, level)
        if tail != 0:
            b.halves[tail * w.ORDER_HALVES + w.H_NEXT] = slot
        else:
            b.ends[e + w.E_HIDDEN_HEAD] = slot
        b.ends[e + w.E_HIDDEN_TAIL] = slot
        b.recorded(s, tick, level)
        return 0

    def _level(self, s: int, tick: int) -> int:
        """The level at a price, made where there is none."""
        b = self.books
        inside = tick - b.sides[s * w.SIDE_WORDS + w.S_BASE]
        if inside < 0 or inside >= b.sides[s * w.SIDE_WORDS + w.S_SIZE]:
            return b.outside(s, tick)
        return b.sides[s * w.SIDE_WORDS + w.S_ORIGIN] + tick

    def leave(self, slot: int) -> int:
        """The order stands no more; its record stays."""
        b = self.books
        o = slot * w.ORDER_WORDS
        h = slot * w.ORDER_HALVES
        s = b.halves[h + w.H_SIDE]
        x = b.halves[h + w.H_EXTENSION] * w.EXTENSION_WORDS
        if x == 0 or self.records[x + w.X_FLAGS] & w.HIDDEN == 0:
            level = b.leave(slot)
            b.ends[level * w.LEVEL_HALVES + w.E_RECORDS] -= x != 0
            if x != 0 and self.records[x + w.X_DISPLAY] != 0:
                b.levels[level * w.LEVEL_WORDS + w.L_QUANTITY] += b.orders[o + w.O_OPEN] - self.records[x + w.X_SHOWN]
            b.sweep(b.orders[o + w.O_TICK])
        else:
            b.books[(s >> 1) * w.BOOK_WORDS + w.B_HIDDEN] -= 1
            level = b.level(s, b.orders[o + w.O_TICK])
            e = level * w.LEVEL_HALVES
            following = b.halves[h + w.H_NEXT]
            previous = b.halves[h + w.H_PREVIOUS]
            if previous != 0:
                b.halves[previous * w.ORDER_HALVES + w.H_NEXT] = following
            else:
                b.ends[e + w.E_HIDDEN_HEAD] = following
            if following != 0:
                b.halves[following * w.ORDER_HALVES + w.H_PREVIOUS] = previous
            else:
                b.ends[e + w.E_HIDDEN_TAIL] = previous
            b.ends[e + w.E_RECORDS] -= 1
        if b.is_empty(level):
            b.vacate(s, b.orders[o + w.O_TICK])
        return 0

    def lose(self, slot: int, lost: int) -> int:
        """An order that stands keeps its place with less."""
        b = self.books
        o = slot * w.ORDER_WORDS
        h = slot * w.ORDER_HALVES
        x = b.halves[h + w.H_EXTENSION] * w.EXTENSION_WORDS
        left = b.orders[o + w.O_OPEN] - lost
        b.orders[o + w.O_OPEN] = left
        if x != 0 and self.records[x + w.X_FLAGS] & w.HIDDEN:
            return 0
        if x != 0 and self.records[x + w.X_DISPLAY] != 0:
            lost = max(self.records[x + w.X_SHOWN] - left, 0)
            self.records[x + w.X_SHOWN] -= lost
        if lost != 0:
            level = b.level(b.halves[h + w.H_SIDE], b.orders[o + w.O_TICK])
            b.levels[level * w.LEVEL_WORDS + w.L_QUANTITY] -= lost
            b.sweep(b.orders[o + w.O_TICK])
        return 0

    def move_behind(self, slot: int, level: int) -> int:
        """The first displayed order of a level becomes its last."""
        b = self.books
        e = level * w.LEVEL_HALVES
        tail = b.ends[e + w.E_TAIL]
        if tail == slot:
            return 0
        h = slot * w.ORDER_HALVES
        following = b.halves[h + w.H_NEXT]
        b.ends[e + w.E_HEAD] = following
        b.halves[following * w.ORDER_HALVES + w.H_PREVIOUS] = 0
        b.halves[tail * w.ORDER_HALVES + w.H_NEXT] = slot
        b.halves[h + w.H_PREVIOUS] = tail
        b.halves[h + w.H_NEXT] = 0
        b.ends[e + w.E_TAIL] = slot
        return 0

    def there(self, slot: int) -> int:
        """What trades of an order in its turn: of an iceberg what is displayed, else all that is open."""
        b = self.books
        x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        if x != 0 and self.records[x + w.X_DISPLAY] != 0:
            return self.records[x + w.X_SHOWN]
        return b.orders[slot * w.ORDER_WORDS + w.O_OPEN]

    def decrement(self, book: int, slot: int, lost: int) -> int:
        """An order that stands loses shares without a trade."""
        b = self.books
        o = slot * w.ORDER_WORDS
        h = slot * w.ORDER_HALVES
        self.lose(slot, lost)
        b.orders[o + w.O_QUANTITY] -= lost
        sells = b.halves[h + w.H_SIDE] & 1
        fee = b.halves[h + w.H_FEE]
        account = fee << 32 | b.halves[h + w.H_ACCOUNT]
        price = b.orders[o + w.O_TICK] * b.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
        held = 0 if sells else b.orders[o + w.O_HELD_PRICE]
        return self.restated(
            w.DECREMENTED, book, b.orders[o + w.O_ID], price, b.orders[o + w.O_QUANTITY], b.orders[o + w.O_OPEN], held,
            account,
        )  # fmt: skip

    # What would trade

    def tradable(
        self,
        book: int,
        side: int,
        limit: int,
        left: int,
        wanted: int,
        amount: int,
        fee: int,
        prevention: int,
        participant: int,
    ) -> int:
        """How much of what is left of an order, at least `wanted` if it can be, would really trade at `limit` or better, and
        for `amount` unless that is negative.
        """
        b = self.books
        s = book * 2 + (side ^ 1)
        lot = b.books[book * w.BOOK_WORDS + w.B_LOT_SIZE]
        done = 0
        most = b.fills_limit
        tick = b.sides[s * w.SIDE_WORDS + w.S_BEST]
        while tick >= 0 and (tick - limit) * (1 - 2 * side) <= 0:
            price = tick * b.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
            level = b.level(s, tick)
            for queue in range(2):
                waits = self._queue(level, queue, most)
                place = 0
                while place < len(waits):
                    if most == 0:
                        return done
                    slot, there, behind = waits[place]
                    place += 1
                    part = min(left, there)
                    if amount >= 0:
                        part = self._paid(amount, price, fee, lot, part)
                        if part == 0:
                            return done
                    most -= 1
                    account = b.halves[slot * w.ORDER_HALVES + w.H_ACCOUNT]
                    if prevention != 0 and b.participants[account] == participant:
                        left = self._prevented(prevention, left, there + behind)
                        if left == 0:
                            return done
                        continue
                    if amount >= 0:
                        amount -= bits.cost(price, part, fee)
                    done += part
                    left -= part
                    if done >= wanted or left == 0:
                        return done
                    if part < there:
                        if b.earlier != 0:
                            return done
                        place -= 1  # what rounding down the fee of that part left may pay for more of it
                        waits[place] = (slot, there - part, behind)
                        continue
                    if behind != 0:
                        x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
                        peak = min(self.records[x + w.X_DISPLAY], behind)
                        waits.append((slot, peak, behind - peak))
            tick = b.worse(s, tick)
        return done

    def _paid(self, amount: int, price: int, fee: int, lot: int, part: int) -> int:
        """As much of a part as an amount pays, in whole lots."""
        pays = bits.affordable(amount, price, fee)
        return min(part, pays - pays % lot)

    def _prevented(self, prevention: int, left: int, there: int) -> int:
        """What is left of an order when it meets so much of its own participant's."""
        if prevention == w.CANCEL_NEWEST or prevention == w.CANCEL_BOTH:
            return 0
        return left - min(left, there) if prevention == w.DECREMENT else left

    def _queue(self, level: int, hidden: int, most: int) -> list[tuple[int, int, int]]:
        """(slot, shares that trade in their turn, shares behind these) of a level's first displayed or hidden orders."""
        b = self.books
        found: list[tuple[int, int, int]] = []
        slot = b.ends[level * w.LEVEL_HALVES + (w.E_HIDDEN_HEAD if hidden else w.E_HEAD)]
        while slot != 0 and len(found) < most:
            there = self.there(slot)
            found.append((slot, there, b.orders[slot * w.ORDER_WORDS + w.O_OPEN] - there))
            slot = b.halves[slot * w.ORDER_HALVES + w.H_NEXT]
        return found

    # Ends

    def end(self, slot: int, reason: int) -> int:
        """An open order that is not plain, which stands or waits, is done."""
        self.tell_done(slot, reason)
        return self.free(slot) if self.waits(slot) else self.remove(slot)

    def waits(self, slot: int) -> bool:
        """Whether an open order waits outside the levels."""
        record = self.books.halves[slot * w.ORDER_HALVES + w.H_EXTENSION]
        return record != 0 and self.records[record * w.EXTENSION_WORDS + w.X_FLAGS] & w.WAITING != 0

    def tell_done(self, slot: int, reason: int) -> int:
        """The event of an open order's end."""
        b = self.books
        o = slot * w.ORDER_WORDS
        h = slot * w.ORDER_HALVES
        left = b.orders[o + w.O_OPEN]
        if b.written > b.room:
            b.widen()
        executed = b.orders[o + w.O_QUANTITY] - left
        b.done(reason, b.halves[h + w.H_SIDE] >> 1, b.orders[o + w.O_ID], executed, left, b.halves[h + w.H_ACCOUNT])
        return 0

    def remove(self, slot: int) -> int:
        """An order stands no more, and is forgotten."""
        self.leave(slot)
        return self.free(slot)

    def free(self, slot: int) -> int:
        b = self.books
        record = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION]
        if record != 0:
            flags = self.records[record * w.EXTENSION_WORDS + w.X_FLAGS]
            if flags & w.FOR_AUCTION:
                self.auction.drop(slot)
            elif flags >> 32 & 255 == w.PEGGED:
                self.pegs.remove(slot)
            elif flags >> 32 & 255 == w.ONE_CANCELS_OTHER or flags & w.WAITING:
                self.stops.remove(slot)
            self.free_record(record)
        b.index.remove(b.orders[slot * w.ORDER_WORDS + w.O_ID])
        b.release(slot)
        return 0

    def new_record(self) -> int:
        record = self.free_records
        if record != 0:
            self.free_records = self.records[record * w.EXTENSION_WORDS + w.X_FLAGS]
            return record
        record = self.top
        self.top = record + 1
        self._records.reserve(self.top * w.EXTENSION_WORDS)
        self._point()
        return record

    def plain_record(self) -> int:
        """The record of a limit order that asks for nothing."""
        record = self.new_record()
        for word in range(w.EXTENSION_WORDS):
            self.records[record * w.EXTENSION_WORDS + word] = 0
        self.records[record * w.EXTENSION_WORDS + w.X_FLAGS] = w.LIMIT << 32
        return record

    def free_record(self, record: int) -> int:
        self.records[record * w.EXTENSION_WORDS + w.X_FLAGS] = self.free_records
        self.free_records = record
        return 0

    # Events

    def restated(
        self, reason: int, book: int, identity: int, price: int, quantity: int, left: int, held_price: int, account: int
    ) -> int:
        """The exchange changed an order; `account` as in a command."""
        b = self.books
        if b.written > b.room:
            b.widen()
        n = b.written
        b.sequence += 1
        b.out[n] = w.RESTATED | reason << 8 | (book + 1) << 16
        b.out[n + 1] = identity
        b.out[n + 2] = price
        b.out[n + 3] = quantity
        b.out[n + 4] = left
        b.out[n + 5] = held_price
        b.out[n + 6] = account >> 32
        b.out[n + 7] = account & 0x7FFFFFFF
        b.written = n + w.RESTATED_WORDS
        return 0

    # Snapshots

    def forget(self) -> None:
        """Begins anew with the first records; no order is open."""
        self.free_records = 0
        self.top = 1

    def pool(self) -> memoryview:
        """The records as they are, free ones included; valid until the next command."""
        return self._records.view[: self.top * w.EXTENSION_WORDS].cast("B")

    def first_free(self) -> int:
        """The first free record, 0 for none."""
        return self.free_records

    def load(self, pool: memoryview, free: int) -> int:
        """Fills the records, before the books are filled, with what `pool` and `first_free` told."""
        self.top = len(pool) // (8 * w.EXTENSION_WORDS)
        self._records.reserve(self.top * w.EXTENSION_WORDS)
        self._records.view[: self.top * w.EXTENSION_WORDS] = pool.cast("q")
        self._point()
        self.free_records = free
        return 0

    def stand(self, slot: int) -> int:
        """A loaded order with a record stands where it stood."""
        b = self.books
        o = slot * w.ORDER_WORDS
        h = slot * w.ORDER_HALVES
        s = b.halves[h + w.H_SIDE]
        x = b.halves[h + w.H_EXTENSION] * w.EXTENSION_WORDS
        flags = self.records[x + w.X_FLAGS]
        if flags & w.HIDDEN == 0:
            b.stand(slot)
            level = b.level(s, b.orders[o + w.O_TICK])
            b.ends[level * w.LEVEL_HALVES + w.E_RECORDS] += 1
            if self.records[x + w.X_DISPLAY] != 0:
                b.levels[level * w.LEVEL_WORDS + w.L_QUANTITY] -= b.orders[o + w.O_OPEN] - self.records[x + w.X_SHOWN]
            return 0
        b.books[(s >> 1) * w.BOOK_WORDS + w.B_HIDDEN] += 1
        b.index.restore(b.orders[o + w.O_ID], slot)
        level = b.restored(s, b.orders[o + w.O_TICK])
        e = level * w.LEVEL_HALVES
        if b.halves[h + w.H_PREVIOUS] == 0:
            b.ends[e + w.E_HIDDEN_HEAD] = slot
        if b.halves[h + w.H_NEXT] == 0:
            b.ends[e + w.E_HIDDEN_TAIL] = slot
        b.ends[e + w.E_RECORDS] += 1
        return 0
