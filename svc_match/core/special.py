# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""Orders that are not plain: hidden, icebergs, post-only, with a minimum, that prevent self-trades, market-to-limit, stops.

Each has a record of EXTENSION_WORDS beside its order in the books, which call in here for it, and for whatever meets a side
where such an order stands. `special.pxd` gives the types of C.
"""

from bisect import bisect_left, insort

from svc_match.core import bits
from svc_match.core import layout as w
from svc_match.core.books import Books
from svc_match.core.memory import Words


class Special:
    """The records of some books' orders, and their stops: by book, side and trigger, the first to be triggered first."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self._records = Words(64 * w.EXTENSION_WORDS)
        self.free = 0
        self.top = 1
        self.stops: dict[int, list[tuple[int, int, int]]] = {}
        # The order that arrives: placed, replaced or triggered.
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
        self._point()
        books.special = self

    def _point(self) -> int:
        self.records = bits.words(self._records.view)
        return 0

    # Commands

    def place(self, number: int) -> int:
        """A new order with terms, which passed the checks that need no book."""
        b = self.books
        head = b.one[w.C_HEAD]
        side = (head >> 8) & 255
        kind = (head >> 16) & 255
        book = ((head >> 32) & 0xFFFF) - 1
        price = b.one[w.C_PRICE]
        flags = b.one[w.C_FLAGS]
        tick = bits.share(price, b.books[book * w.BOOK_WORDS + w.B_RECIPROCAL])
        stands = self._posted(book, side, tick, (flags >> 8) & 255)
        if stands < 0:
            return b.reject(number, w.PLACE, w.POST_ONLY_WOULD_TRADE, w.F_PRICE, book + 1, 0)
        identity = b.accept(number)
        self.identity = identity
        self.account = b.one[w.C_ACCOUNT]
        self.slot = 0
        self.quantity = self.left = b.one[w.C_QUANTITY]
        self.price = price
        self.held_price = b.one[w.C_HELD_PRICE]
        self.record = self._new_record()
        x = self.record * w.EXTENSION_WORDS
        self.records[x + w.X_FLAGS] = flags | kind << 32
        self.records[x + w.X_DISPLAY] = b.one[w.C_DISPLAY]
        self.records[x + w.X_SHOWN] = 0
        self.records[x + w.X_MINIMUM] = b.one[w.C_MINIMUM]
        self.records[x + w.X_STOP] = 0
        if kind == w.STOP or kind == w.STOP_LIMIT:
            stop = bits.share(b.one[w.C_STOP], b.books[book * w.BOOK_WORDS + w.B_RECIPROCAL])
            return self._wait(book * 2 + side, tick, stop)
        if stands != tick:
            self._reprice(w.SLID, book, side, stands)
            tick = stands
        amount = b.one[w.C_AMOUNT]
        if amount == 0:
            amount = -1
        self._arrive(book, side, kind, (head >> 24) & 255, tick, amount)
        return self._publish(book * 2 + side)

    def cancel(self, slot: int, number: int) -> int:
        """Ends an open order that has a record."""
        b = self.books
        n = b.written
        s = b.halves[slot * w.ORDER_HALVES + w.H_SIDE]
        self._end(slot, w.CANCELLED)
        b.out[n] |= number << 32
        if b.swept_count != 0:
            b.show_swept(s)
        return 0

    def replace(self, slot: int, number: int, price: int, quantity: int, fee: int) -> int:
        """Changes an open order that has a record; what needs no book is checked."""
        b = self.books
        o = slot * w.ORDER_WORDS
        h = slot * w.ORDER_HALVES
        s = b.halves[h + w.H_SIDE]
        side = s & 1
        book = s >> 1
        identity = b.orders[o + w.O_ID]
        x = b.halves[h + w.H_EXTENSION] * w.EXTENSION_WORDS
        flags = self.records[x + w.X_FLAGS]
        left = quantity - (b.orders[o + w.O_QUANTITY] - b.orders[o + w.O_OPEN])
        tick = bits.share(price, b.books[book * w.BOOK_WORDS + w.B_RECIPROCAL])
        before = b.orders[o + w.O_TICK]
        waits = flags & w.WAITING
        keeps = tick == before and left < b.orders[o + w.O_OPEN]
        stands = tick
        if self.records[x + w.X_DISPLAY] != 0 and quantity > self.records[x + w.X_DISPLAY] * w.PEAKS_LIMIT:
            return b.reject(number, w.REPLACE, w.DISPLAY_QUANTITY_INVALID, w.F_QUANTITY, book + 1, identity)
        if waits == 0 and not keeps:
            stands = self._posted(book, side, tick, (flags >> 8) & 255)
            if stands < 0:
                return b.reject(number, w.REPLACE, w.POST_ONLY_WOULD_TRADE, w.F_PRICE, book + 1, identity)
        unpriced = waits != 0 and side == w.SELL and (flags >> 32) & 255 == w.STOP
        n = b.written
        b.sequence += 1
        b.out[n] = w.REPLACED | (w.NO_PRICE if unpriced else side) << 8 | (book + 1) << 16 | number << 32
        b.out[n + 1] = identity
        b.out[n + 2] = left
        b.out[n + 3] = fee
        b.written = n + w.REPLACED_WORDS
        b.orders[o + w.O_HELD_PRICE] = price if side == w.BUY else 0
        b.halves[h + w.H_FEE] = fee
        if waits != 0:
            b.orders[o + w.O_QUANTITY] = quantity
            b.orders[o + w.O_OPEN] = left
            b.orders[o + w.O_TICK] = 0 if unpriced else tick
            return 0
        if keeps:
            self._lose(slot, b.orders[o + w.O_OPEN] - left)
            b.orders[o + w.O_QUANTITY] = quantity
            if b.swept_count != 0:
                b.show_swept(s)
            return 0
        displayed = flags & w.HIDDEN == 0
        self._leave(slot)
        b.orders[o + w.O_QUANTITY] = quantity
        b.orders[o + w.O_OPEN] = left
        b.orders[o + w.O_TICK] = tick
        b.swept_count = 0
        self._load(slot)
        if stands != tick:
            self._reprice(w.SLID, book, side, stands)
        self._arrive(book, side, w.LIMIT, w.DAY, stands, -1)
        if displayed:
            b.show_where(s, before)
        if self.rested == before and displayed:
            self.rested = -1
        return self._publish(s)

    def take(self, book: int, side: int, limit: int, left: int, identity: int, account: int, amount: int) -> int:
        """What is left of a plain order after it traded at `limit` or better, and for at most `amount` unless that is
        negative.
        """
        self.identity = identity
        self.account = account
        self.slot = 0
        self.left = left
        self.prevention = 0
        self._meet(book, side, limit, amount)
        return self.left

    def end(self, slot: int, reason: int) -> int:
        """An order that stands is finished; a displayed one's price is noted."""
        return self._end(slot, reason)

    # Stops

    def trigger(self, book: int) -> int:
        """Executes the stops whose condition holds, the nearest first, buys before sells; then those whose condition holds
        then, until none does.
        """
        found = self._triggered(book)
        while found:
            for slot in found:
                self._execute(book, slot)
            found = self._triggered(book)
        return 0

    def close(self, book: int, limit: int) -> int:
        """Ends the stops of a book, in the order in which they would be triggered, at most `limit`; how many."""
        done = 0
        for side in range(2):
            waiting = sorted(
                self._waiting(book * 2 + side, w.LAST_TRADE) + self._waiting(book * 2 + side, w.BEST_QUOTE)
            )
            for _, _, slot in waiting[: max(limit - done, 0)]:
                self._end(slot, w.DATE_CLOSED)
                done += 1
        return done

    def waiting(self, book: int) -> list[tuple[int, int, int]]:
        """(id, open quantity, account) of the stops of a book, in the order in which `close` ends them."""
        b = self.books
        found = []
        for side in range(2):
            for _, identity, slot in sorted(
                self._waiting(book * 2 + side, w.LAST_TRADE) + self._waiting(book * 2 + side, w.BEST_QUOTE)
            ):
                account = b.halves[slot * w.ORDER_HALVES + w.H_ACCOUNT]
                found.append((identity, b.orders[slot * w.ORDER_WORDS + w.O_OPEN], account))
        return found

    def _waiting(self, s: int, trigger: int) -> list[tuple[int, int, int]]:
        return self.stops.setdefault(4 * s + trigger, [])

    def _wait(self, s: int, tick: int, stop: int) -> int:
        """The order that arrives waits for its stop price."""
        x = self.record * w.EXTENSION_WORDS
        self.records[x + w.X_FLAGS] |= w.WAITING
        self.records[x + w.X_STOP] = stop
        slot = self._keep(s)
        self.books.orders[slot * w.ORDER_WORDS + w.O_TICK] = tick
        self.books.orders[slot * w.ORDER_WORDS + w.O_OPEN] = self.quantity
        return self._enlist(slot)

    def _enlist(self, slot: int) -> int:
        b = self.books
        s = b.halves[slot * w.ORDER_HALVES + w.H_SIDE]
        x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        insort(self._waiting(s, self.records[x + w.X_FLAGS] >> 24 & 255), self._rank(slot))
        b.books[(s >> 1) * w.BOOK_WORDS + w.B_STOPS] += 1
        b.waiting += 1
        return 0

    def _rank(self, slot: int) -> tuple[int, int, int]:
        """What sorts stops: the nearest price first, then the oldest."""
        b = self.books
        x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        stop = self.records[x + w.X_STOP]
        if b.halves[slot * w.ORDER_HALVES + w.H_SIDE] & 1:
            stop = -stop
        return stop, b.orders[slot * w.ORDER_WORDS + w.O_ID], slot

    def _strike(self, slot: int) -> int:
        """The stop waits no more."""
        b = self.books
        s = b.halves[slot * w.ORDER_HALVES + w.H_SIDE]
        x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        stops = self._waiting(s, self.records[x + w.X_FLAGS] >> 24 & 255)
        del stops[bisect_left(stops, self._rank(slot))]
        b.books[(s >> 1) * w.BOOK_WORDS + w.B_STOPS] -= 1
        b.waiting -= 1
        return 0

    def _triggered(self, book: int) -> list[int]:
        """The slots of the stops whose condition holds, which wait no more."""
        b = self.books
        found: list[int] = []
        for side in range(2):
            some: list[tuple[int, int, int]] = []
            for trigger in range(w.LAST_TRADE, w.BEST_QUOTE + 1):
                stops = self._waiting(book * 2 + side, trigger)
                price = self._reference(book, side, trigger) if stops else -1
                if price >= 0:
                    count = bisect_left(stops, ((-price if side else price) + 1,))
                    some += stops[:count]
                    del stops[:count]
            some.sort()
            found += [slot for _, _, slot in some]
        b.books[book * w.BOOK_WORDS + w.B_STOPS] -= len(found)
        b.waiting -= len(found)
        return found

    def _reference(self, book: int, side: int, trigger: int) -> int:
        """The tick that a stop price is compared with, or -1."""
        b = self.books
        if trigger == w.LAST_TRADE:
            price = b.books[book * w.BOOK_WORDS + w.B_LAST]
            return bits.share(price, b.books[book * w.BOOK_WORDS + w.B_RECIPROCAL]) if price else -1
        s = book * 2 + (side ^ 1)
        tick = b.sides[s * w.SIDE_WORDS + w.S_BEST]
        while tick >= 0 and b.ends[b.level(s, tick) * w.LEVEL_HALVES + w.E_HEAD] == 0:
            tick = b.worse(s, tick)
        return tick

    def _execute(self, book: int, slot: int) -> int:
        """A triggered stop arrives as a market or limit order."""
        b = self.books
        s = b.halves[slot * w.ORDER_HALVES + w.H_SIDE]
        side = s & 1
        x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        limited = (self.records[x + w.X_FLAGS] >> 32) & 255 == w.STOP_LIMIT
        self.records[x + w.X_FLAGS] &= ~w.WAITING
        self._load(slot)
        self._restated(
            w.TRIGGERED, book, self.identity, self.price, self.quantity, self.left,
            self.held_price if side == w.BUY else 0, self.account,
        )  # fmt: skip
        tick = b.orders[slot * w.ORDER_WORDS + w.O_TICK]
        self._arrive(book, side, w.LIMIT if limited else w.MARKET, w.DAY if limited else w.IOC, tick, -1)
        return self._publish(s)

    # What arrives

    def _posted(self, book: int, side: int, tick: int, post_only: int) -> int:
        """The tick at which an order stands that may be post-only; -1 where it is to be rejected."""
        b = self.books
        best = b.sides[(book * 2 + (side ^ 1)) * w.SIDE_WORDS + w.S_BEST]
        if post_only == 0 or best < 0 or (best - tick) * (1 - 2 * side) > 0:
            return tick
        slid = best - 1 + 2 * side
        price = slid * b.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
        if post_only == w.POST_ONLY_REJECT or price < b.books[book * w.BOOK_WORDS + w.B_MIN_PRICE]:
            return -1
        return slid if price <= b.books[book * w.BOOK_WORDS + w.B_MAX_PRICE] else -1

    def _load(self, slot: int) -> int:
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

    def _arrive(self, book: int, side: int, kind: int, time_in_force: int, tick: int, amount: int) -> int:
        """Trades what arrives at `tick` or better, for at most `amount` unless that is negative; the rest stands or is done."""
        b = self.books
        x = self.record * w.EXTENSION_WORDS
        flags = self.records[x + w.X_FLAGS]
        minimum = self.records[x + w.X_MINIMUM]
        self.prevention = (flags >> 16) & 255
        self.participant = b.participants[self.account & 0x7FFFFFFF]
        self.finished = 0
        self.rested = -1
        best = b.sides[(book * 2 + (side ^ 1)) * w.SIDE_WORDS + w.S_BEST]
        if tick == 0:
            tick = w.NO_LIMIT if side == w.BUY else 0
        meets = best >= 0 and (best - tick) * (1 - 2 * side) <= 0
        if kind == w.MARKET_TO_LIMIT and meets:
            tick = best
        if minimum != 0 or time_in_force == w.FOK:
            wanted = self.left if time_in_force == w.FOK else minimum
            fee = min(b.books[book * w.BOOK_WORDS + w.B_TAKER_FEE], self.account >> 32)
            there = 0
            if meets:
                there = self.tradable(
                    book, side, tick, self.left, wanted, amount, fee, self.prevention, self.participant
                )
            if there < minimum:
                return self._finish(book, w.MINIMUM_QUANTITY)
            if there < wanted:
                meets = False
        if meets:
            self._meet(book, side, tick, amount)
        if self.finished != 0:
            return 0
        if self.left == 0:
            return self._finish(book, w.FILLED)
        if time_in_force == w.DAY and (kind == w.LIMIT or (kind == w.MARKET_TO_LIMIT and meets)):
            if kind == w.MARKET_TO_LIMIT:
                self._reprice(w.LIMITED, book, side, tick)
            return self._stay(book * 2 + side, tick)
        return self._finish(book, w.IMMEDIATE)

    def _meet(self, book: int, side: int, limit: int, amount: int) -> int:
        """What arrives trades with what stands at `limit` or better: what is displayed, peak by peak, then what is hidden."""
        b = self.books
        s = book * 2 + (side ^ 1)
        i = s * w.SIDE_WORDS
        t = book * w.BOOK_WORDS
        lot = b.books[t + w.B_LOT_SIZE]
        fee = min(b.books[t + w.B_TAKER_FEE], self.account >> 32)
        while self.left != 0:
            tick = b.sides[i + w.S_BEST]
            if tick < 0 or (tick - limit) * (1 - 2 * side) > 0:
                break
            level = b.sides[i + w.S_ORIGIN] + tick
            slot = b.ends[level * w.LEVEL_HALVES + w.E_HEAD]
            hidden = slot == 0
            if hidden:
                slot = b.ends[level * w.LEVEL_HALVES + w.E_HIDDEN_HEAD]
            price = tick * b.books[t + w.B_TICK_SIZE]
            traded = min(self.left, self._there(slot))
            if amount >= 0:
                pays = bits.affordable(amount, price, fee)
                traded = min(traded, pays - pays % lot)
                if traded == 0:
                    break
            if b.written > b.room:
                b.widen()
            if self.prevention != 0 and self._is_own(slot):
                if self._prevent(book, side, slot):
                    break
                continue
            if amount >= 0:
                amount -= bits.cost(price, traded, fee)
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
        b.books[t + w.B_LAST] = price
        if rest == 0:
            b.done(w.FILLED, book, b.orders[o + w.O_ID], b.orders[o + w.O_QUANTITY], 0, b.halves[h + w.H_ACCOUNT])
            self._remove(slot)
            return 0
        b.orders[o + w.O_OPEN] = rest
        x = b.halves[h + w.H_EXTENSION] * w.EXTENSION_WORDS
        if x != 0 and self.records[x + w.X_FLAGS] & w.HIDDEN:
            return 0
        level = b.level(b.halves[h + w.H_SIDE], b.orders[o + w.O_TICK])
        b.levels[level * w.LEVEL_WORDS + w.L_QUANTITY] -= traded
        b.sweep(b.orders[o + w.O_TICK])
        if x != 0 and self.records[x + w.X_DISPLAY] != 0:
            self.records[x + w.X_SHOWN] -= traded
            if self.records[x + w.X_SHOWN] == 0:
                shown = min(self.records[x + w.X_DISPLAY], rest)
                self.records[x + w.X_SHOWN] = shown
                b.levels[level * w.LEVEL_WORDS + w.L_QUANTITY] += shown
                self._move_behind(slot, level)
        return 0

    def _move_behind(self, slot: int, level: int) -> int:
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
            self._end(slot, w.SELF_TRADE)
        elif self.prevention == w.DECREMENT:
            if there <= left:
                self._end(slot, w.SELF_TRADE)
            else:
                self._decrement(book, slot, left)
            if there < left:
                self.left -= there
                self.quantity -= there
                held = self.held_price if side == w.BUY else 0
                self._restated(
                    w.DECREMENTED, book, self.identity, self.price, self.quantity, self.left, held, self.account
                )
                return False
        if self.prevention != w.CANCEL_OLDEST:
            self._finish(book, w.SELF_TRADE)
        return self.finished != 0

    def _decrement(self, book: int, slot: int, lost: int) -> int:
        """An order that stands loses shares without a trade."""
        b = self.books
        o = slot * w.ORDER_WORDS
        h = slot * w.ORDER_HALVES
        self._lose(slot, lost)
        b.orders[o + w.O_QUANTITY] -= lost
        sells = b.halves[h + w.H_SIDE] & 1
        fee = b.halves[h + w.H_FEE]
        account = fee << 32 | b.halves[h + w.H_ACCOUNT]
        price = b.orders[o + w.O_TICK] * b.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
        held = 0 if sells else b.orders[o + w.O_HELD_PRICE]
        return self._restated(
            w.DECREMENTED, book, b.orders[o + w.O_ID], price, b.orders[o + w.O_QUANTITY], b.orders[o + w.O_OPEN], held,
            account,
        )  # fmt: skip

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
        tick = b.sides[s * w.SIDE_WORDS + w.S_BEST]
        while tick >= 0 and (tick - limit) * (1 - 2 * side) <= 0:
            price = tick * b.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
            level = b.level(s, tick)
            for queue in range(2):
                waits = self._queue(level, queue)
                place = 0
                while place < len(waits):
                    slot, there, behind = waits[place]
                    place += 1
                    part = min(left, there)
                    if amount >= 0:
                        pays = bits.affordable(amount, price, fee)
                        part = min(part, pays - pays % lot)
                        if part == 0:
                            return done
                    account = b.halves[slot * w.ORDER_HALVES + w.H_ACCOUNT]
                    if prevention != 0 and b.participants[account] == participant:
                        if prevention == w.CANCEL_NEWEST or prevention == w.CANCEL_BOTH:
                            return done
                        if prevention == w.DECREMENT:
                            left -= min(left, there + behind)
                            if left == 0:
                                return done
                        continue
                    if amount >= 0:
                        amount -= bits.cost(price, part, fee)
                    done += part
                    left -= part
                    if done >= wanted or part < there:
                        return done
                    if behind != 0:
                        x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
                        peak = min(self.records[x + w.X_DISPLAY], behind)
                        waits.append((slot, peak, behind - peak))
            tick = b.worse(s, tick)
        return done

    def _queue(self, level: int, hidden: int) -> list[tuple[int, int, int]]:
        """(slot, shares that trade in their turn, shares behind these) of a level's displayed or hidden orders."""
        b = self.books
        found = []
        slot = b.ends[level * w.LEVEL_HALVES + (w.E_HIDDEN_HEAD if hidden else w.E_HEAD)]
        while slot != 0:
            there = self._there(slot)
            found.append((slot, there, b.orders[slot * w.ORDER_WORDS + w.O_OPEN] - there))
            slot = b.halves[slot * w.ORDER_HALVES + w.H_NEXT]
        return found

    def _there(self, slot: int) -> int:
        """What trades of an order in its turn: of an iceberg what is displayed, else all that is open."""
        b = self.books
        x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        if x != 0 and self.records[x + w.X_DISPLAY] != 0:
            return self.records[x + w.X_SHOWN]
        return b.orders[slot * w.ORDER_WORDS + w.O_OPEN]

    def _finish(self, book: int, reason: int) -> int:
        """What arrives is done."""
        b = self.books
        if b.written > b.room:
            b.widen()
        b.done(reason, book, self.identity, self.quantity - self.left, self.left, self.account & 0x7FFFFFFF)
        self.finished = 1
        if self.slot != 0:
            self._free(self.slot)
        else:
            self._free_record(self.record)
        return 0

    def _stay(self, s: int, tick: int) -> int:
        """What is left of what arrives stands."""
        b = self.books
        slot = self._keep(s)
        x = self.record * w.EXTENSION_WORDS
        self.records[x + w.X_FLAGS] &= 0xFFFFFF
        self.records[x + w.X_MINIMUM] = 0
        if self.records[x + w.X_FLAGS] == 0 and self.records[x + w.X_DISPLAY] == 0:
            b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] = 0
            self._free_record(self.record)
        hidden = self.records[x + w.X_FLAGS] & w.HIDDEN if b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] else 0
        self._rest(slot, s, tick, self.left)
        self.rested = -1 if hidden else tick
        return 0

    def _keep(self, s: int) -> int:
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

    def _reprice(self, reason: int, book: int, side: int, tick: int) -> int:
        """The exchange gives what arrives another limit price."""
        self.price = tick * self.books.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
        self.held_price = self.price if side == w.BUY else 0
        return self._restated(
            reason, book, self.identity, self.price, self.quantity, self.left, self.held_price, self.account
        )

    # What stands

    def _rest(self, slot: int, s: int, tick: int, left: int) -> int:
        """The order stands last of its kind at its price."""
        b = self.books
        h = slot * w.ORDER_HALVES
        x = b.halves[h + w.H_EXTENSION] * w.EXTENSION_WORDS
        if x != 0:
            b.sides[s * w.SIDE_WORDS + w.S_SPECIAL] += 1
        if x == 0 or self.records[x + w.X_FLAGS] & w.HIDDEN == 0:
            level = b.rest(slot, s, tick, left)
            if x != 0 and self.records[x + w.X_DISPLAY] != 0:
                shown = min(self.records[x + w.X_DISPLAY], left)
                self.records[x + w.X_SHOWN] = shown
                b.levels[level * w.LEVEL_WORDS + w.L_QUANTITY] -= left - shown
            return 0
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
        b.ends[e + w.E_HIDDEN_COUNT] += 1
        return 0

    def _level(self, s: int, tick: int) -> int:
        """The level at a price, made where there is none."""
        b = self.books
        inside = tick - b.sides[s * w.SIDE_WORDS + w.S_BASE]
        if inside < 0 or inside >= b.sides[s * w.SIDE_WORDS + w.S_SIZE]:
            return b.outside(s, tick)
        return b.sides[s * w.SIDE_WORDS + w.S_ORIGIN] + tick

    def _leave(self, slot: int) -> int:
        """The order stands no more; its record stays."""
        b = self.books
        o = slot * w.ORDER_WORDS
        h = slot * w.ORDER_HALVES
        s = b.halves[h + w.H_SIDE]
        x = b.halves[h + w.H_EXTENSION] * w.EXTENSION_WORDS
        if x != 0:
            b.sides[s * w.SIDE_WORDS + w.S_SPECIAL] -= 1
        if x == 0 or self.records[x + w.X_FLAGS] & w.HIDDEN == 0:
            level = b.leave(slot)
            if x != 0 and self.records[x + w.X_DISPLAY] != 0:
                b.levels[level * w.LEVEL_WORDS + w.L_QUANTITY] += b.orders[o + w.O_OPEN] - self.records[x + w.X_SHOWN]
            b.sweep(b.orders[o + w.O_TICK])
        else:
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
            b.ends[e + w.E_HIDDEN_COUNT] -= 1
        if b.is_empty(level):
            b.vacate(s, b.orders[o + w.O_TICK])
        return 0

    def _lose(self, slot: int, lost: int) -> int:
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

    def _end(self, slot: int, reason: int) -> int:
        """An open order is done, with or without a record."""
        b = self.books
        o = slot * w.ORDER_WORDS
        h = slot * w.ORDER_HALVES
        left = b.orders[o + w.O_OPEN]
        if b.written > b.room:
            b.widen()
        executed = b.orders[o + w.O_QUANTITY] - left
        b.done(reason, b.halves[h + w.H_SIDE] >> 1, b.orders[o + w.O_ID], executed, left, b.halves[h + w.H_ACCOUNT])
        return self._remove(slot)

    def _remove(self, slot: int) -> int:
        """An open order stands or waits no more, and is forgotten."""
        b = self.books
        record = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION]
        if record != 0 and self.records[record * w.EXTENSION_WORDS + w.X_FLAGS] & w.WAITING:
            self._strike(slot)
        else:
            self._leave(slot)
        return self._free(slot)

    def _free(self, slot: int) -> int:
        b = self.books
        record = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION]
        if record != 0:
            self._free_record(record)
        b.index.remove(b.orders[slot * w.ORDER_WORDS + w.O_ID])
        b.release(slot)
        return 0

    # Records

    def _new_record(self) -> int:
        record = self.free
        if record != 0:
            self.free = self.records[record * w.EXTENSION_WORDS + w.X_FLAGS]
            return record
        record = self.top
        self.top = record + 1
        self._records.reserve(self.top * w.EXTENSION_WORDS)
        self._point()
        return record

    def _free_record(self, record: int) -> int:
        self.records[record * w.EXTENSION_WORDS + w.X_FLAGS] = self.free
        self.free = record
        return 0

    # Events

    def _restated(
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

    def _publish(self, s: int) -> int:
        """The levels that what arrived traded at, and the one where it stands."""
        b = self.books
        if b.swept_count != 0:
            b.show_swept(s ^ 1)
        if self.rested >= 0:
            if b.written > b.room:
                b.widen()
            b.show_where(s, self.rested)
        return 0

    # Snapshots

    def forget(self) -> None:
        """Begins anew with the first records; no order is open."""
        self.free = 0
        self.top = 1

    def pool(self) -> memoryview:
        """The records as they are, free ones included; valid until the next command."""
        return self._records.view[: self.top * w.EXTENSION_WORDS].cast("B")

    def first_free(self) -> int:
        """The first free record, 0 for none."""
        return self.free

    def load(self, pool: bytes, free: int) -> int:
        """Fills the records, before the books are filled, with what `pool` and `first_free` told."""
        self.top = len(pool) // (8 * w.EXTENSION_WORDS)
        self._records.reserve(self.top * w.EXTENSION_WORDS)
        self._records.view[: self.top * w.EXTENSION_WORDS] = memoryview(pool).cast("q")
        self._point()
        self.free = free
        return 0

    def stand(self, slot: int) -> int:
        """A loaded order with a record is where it was."""
        b = self.books
        o = slot * w.ORDER_WORDS
        h = slot * w.ORDER_HALVES
        s = b.halves[h + w.H_SIDE]
        x = b.halves[h + w.H_EXTENSION] * w.EXTENSION_WORDS
        flags = self.records[x + w.X_FLAGS]
        if flags & w.WAITING:
            b.index.restore(b.orders[o + w.O_ID], slot)
            return self._enlist(slot)
        b.sides[s * w.SIDE_WORDS + w.S_SPECIAL] += 1
        if flags & w.HIDDEN == 0:
            b.stand(slot)
            if self.records[x + w.X_DISPLAY] != 0:
                level = b.level(s, b.orders[o + w.O_TICK])
                b.levels[level * w.LEVEL_WORDS + w.L_QUANTITY] -= b.orders[o + w.O_OPEN] - self.records[x + w.X_SHOWN]
            return 0
        b.index.restore(b.orders[o + w.O_ID], slot)
        level = b.restored(s, b.orders[o + w.O_TICK])
        e = level * w.LEVEL_HALVES
        if b.halves[h + w.H_PREVIOUS] == 0:
            b.ends[e + w.E_HIDDEN_HEAD] = slot
        if b.halves[h + w.H_NEXT] == 0:
            b.ends[e + w.E_HIDDEN_TAIL] = slot
        b.ends[e + w.E_HIDDEN_COUNT] += 1
        return 0
