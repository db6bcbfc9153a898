# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""Commands for orders that are not plain: hidden, icebergs, post-only, with a minimum, that prevent self-trades,
market-to-limit, stops, those that are a limit order until they are a stop, and pegged ones.

The books call in here for them, and for whatever meets a side where such an order stands. `special.pxd` gives the types of C.
"""

from svc_match.core import bits
from svc_match.core import layout as w
from svc_match.core.arrival import Arrival
from svc_match.core.auction import Auction
from svc_match.core.bands import Bands
from svc_match.core.books import COMPILED, Books
from svc_match.core.pegs import Pegs
from svc_match.core.protection import Protection
from svc_match.core.quiet import Quiet
from svc_match.core.quotes import Quotes
from svc_match.core.standing import Standing
from svc_match.core.stops import Stops

INTERPRETED = __file__.endswith(".py")
assert COMPILED != INTERPRETED, "the core is compiled as a whole or not at all: run make setup"


class Special:
    """What some books hand over, from the time when it is made with them."""

    def __init__(self, books: Books) -> None:
        self.books = books
        self.standing = Standing(books)
        self.stops = self.standing.stops = Stops(books, self.standing)
        self.quotes = self.standing.quotes = Quotes(books, self.standing)
        self.protection = Protection(books)
        self.bands = Bands(books, self.protection)
        self.arrival = Arrival(books, self.standing, self.protection, self.bands)
        self.auction = Auction(books, self.standing, self.arrival)
        self.pegs = self.standing.pegs = Pegs(books, self.standing, self.arrival, self.protection, self.bands)
        self.quiet = Quiet(books, self.stops, self.pegs, self.bands)
        self.hidden_limit = w.HIDDEN_ORDERS_LIMIT  # what it is for all but tests, and rows from before it was
        self.stalled: list[int] = []  # books that a command's limit kept from being looked at, until they are
        self.newly: list[int] = []  # those among them that the engine has not seen
        books.special = self
        books.protection = self.protection

    def place(self, number: int) -> int:
        """A new order with terms, which passed the checks that need no book."""
        standing = self.standing
        arrival = self.arrival
        b = self.books
        head = b.one[w.C_HEAD]
        side = (head >> 8) & 255
        kind = (head >> 16) & 255
        book = ((head >> 32) & 0xFFFF) - 1
        price = b.one[w.C_PRICE]
        flags = b.one[w.C_FLAGS]
        time_in_force = (head >> 24) & 255
        collects = b.books[book * w.BOOK_WORDS + w.B_PHASE] == w.PHASE_AUCTION
        tick = bits.share(price, b.books[book * w.BOOK_WORDS + w.B_RECIPROCAL])
        trail = b.one[w.C_TRAIL]
        if trail != 0 and self.stops.trailing_in(book) >= w.TRAILING_STOPS_LIMIT:
            field = w.F_TRAILING_AMOUNT if trail > 0 else w.F_TRAILING_BP
            return b.reject(number, w.PLACE, w.TRAILING_LIMIT, field, book + 1, 0)
        if kind == w.PEGGED and b.books[book * w.BOOK_WORDS + w.B_PEGS] >= w.PEGGED_ORDERS_LIMIT:
            return b.reject(number, w.PLACE, w.PEGGED_LIMIT, w.F_PEG, book + 1, 0)
        if flags & w.HIDDEN and b.books[book * w.BOOK_WORDS + w.B_HIDDEN] >= self.hidden_limit:
            return b.reject(number, w.PLACE, w.HIDDEN_LIMIT, w.F_HIDDEN, book + 1, 0)
        stands = self._posted(book, side, tick, (flags >> 8) & 255)
        if stands < 0:
            return b.reject(number, w.PLACE, w.POST_ONLY_WOULD_TRADE, w.F_PRICE, book + 1, 0)
        n = b.written
        identity = b.accept(number)
        if collects and kind == w.MARKET and time_in_force == 0:
            time_in_force = w.GOOD_FOR_AUCTION
            b.out[n] |= time_in_force << 8
        arrival.identity = identity
        arrival.account = b.one[w.C_ACCOUNT]
        arrival.slot = 0
        arrival.quantity = arrival.left = b.one[w.C_QUANTITY]
        arrival.price = price
        arrival.held_price = b.one[w.C_HELD_PRICE]
        arrival.record = standing.new_record()
        x = arrival.record * w.EXTENSION_WORDS
        standing.records[x + w.X_FLAGS] = flags | kind << 32
        standing.records[x + w.X_DISPLAY] = b.one[w.C_DISPLAY]
        standing.records[x + w.X_SHOWN] = 0
        standing.records[x + w.X_MINIMUM] = b.one[w.C_MINIMUM]
        standing.records[x + w.X_STOP] = 0
        standing.records[x + w.X_TRAIL] = trail
        standing.records[x + w.X_SECOND] = 0
        if kind == w.PEGGED:
            standing.records[x + w.X_FLAGS] |= w.WAITING
            standing.records[x + w.X_STOP] = b.one[w.C_PEG]
            standing.records[x + w.X_TRAIL] = b.one[w.C_OFFSET]
            standing.records[x + w.X_SECOND] = tick
            slot = arrival.keep(book * 2 + side)
            b.orders[slot * w.ORDER_WORDS + w.O_TICK] = 0
            b.orders[slot * w.ORDER_WORDS + w.O_OPEN] = arrival.quantity
            return self.pegs.add(slot)
        if kind >= w.STOP:
            reciprocal = b.books[book * w.BOOK_WORDS + w.B_RECIPROCAL]
            standing.records[x + w.X_STOP] = bits.share(b.one[w.C_STOP], reciprocal)
            standing.records[x + w.X_SECOND] = bits.share(b.one[w.C_SECOND], reciprocal)
            if kind != w.ONE_CANCELS_OTHER:
                return self._wait(book * 2 + side, tick)
            kind = w.LIMIT
        if collects or time_in_force > w.FOK:
            return self.auction.collect(book, side, kind, time_in_force, tick)
        if stands != tick:
            arrival.reprice(w.SLID, book, side, stands)
            tick = stands
        amount = b.one[w.C_AMOUNT]
        if amount == 0:
            amount = -1
        arrival.arrive(book, side, kind, time_in_force, tick, amount)
        return arrival.publish(book * 2 + side)

    def quote(self) -> int:
        """The sides of a mass quote arrive: together they trade as often as an order may."""
        self.arrival.quoted = 0
        return 0

    def cancel(self, slot: int, number: int) -> int:
        """Ends an open order that has a record."""
        n = self.books.written
        self.end_open(slot, w.CANCELLED)
        self.books.out[n] |= number << 32
        return 0

    def end_open(self, slot: int, reason: int) -> int:
        """Ends an open order, whichever it is, and shows the level where it stood."""
        b = self.books
        s = b.halves[slot * w.ORDER_HALVES + w.H_SIDE]
        self.standing.end(slot, reason)
        if b.swept_count != 0:
            b.show_swept(s)
        return 0

    def replace(self, slot: int, number: int, price: int, quantity: int, fee: int) -> int:
        """Changes an open order that has a record and is no quote; what needs no book is checked."""
        b = self.books
        h = slot * w.ORDER_HALVES
        if self.standing.records[b.halves[h + w.H_EXTENSION] * w.EXTENSION_WORDS + w.X_FLAGS] & w.QUOTE:
            book = b.halves[h + w.H_SIDE] >> 1
            identity = b.orders[slot * w.ORDER_WORDS + w.O_ID]
            return b.reject(number, w.REPLACE, w.ORDER_IS_QUOTE, w.F_ORDER, book + 1, identity)
        return self._replace(slot, number, price, quantity, fee)

    def _replace(self, slot: int, number: int, price: int, quantity: int, fee: int) -> int:
        standing = self.standing
        arrival = self.arrival
        b = self.books
        o = slot * w.ORDER_WORDS
        h = slot * w.ORDER_HALVES
        s = b.halves[h + w.H_SIDE]
        side = s & 1
        book = s >> 1
        identity = b.orders[o + w.O_ID]
        x = b.halves[h + w.H_EXTENSION] * w.EXTENSION_WORDS
        flags = standing.records[x + w.X_FLAGS]
        left = quantity - (b.orders[o + w.O_QUANTITY] - b.orders[o + w.O_OPEN])
        tick = bits.share(price, b.books[book * w.BOOK_WORDS + w.B_RECIPROCAL])
        before = b.orders[o + w.O_TICK]
        waits = standing.waits(slot)
        pegged = (flags >> 32) & 255 == w.PEGGED
        collects = b.books[book * w.BOOK_WORDS + w.B_PHASE] == w.PHASE_AUCTION
        unpriced = self.is_unpriced(slot)
        keeps = (tick == before or unpriced) and left < b.orders[o + w.O_OPEN]
        stands = tick
        if standing.records[x + w.X_DISPLAY] != 0 and quantity > standing.records[x + w.X_DISPLAY] * w.PEAKS_LIMIT:
            return b.reject(number, w.REPLACE, w.DISPLAY_QUANTITY_INVALID, w.F_QUANTITY, book + 1, identity)
        stop = standing.records[x + w.X_STOP]
        if self._pairs(slot) and (tick >= stop if side == w.BUY else tick <= stop):
            return b.reject(number, w.REPLACE, w.STOP_PRICE_INVALID, w.F_PRICE, book + 1, identity)
        if not waits and not keeps and not pegged:
            stands = self._posted(book, side, tick, (flags >> 8) & 255)
            if stands < 0:
                reason = w.MARKET_IN_AUCTION if collects else w.POST_ONLY_WOULD_TRADE
                return b.reject(number, w.REPLACE, reason, w.F_PRICE, book + 1, identity)
        n = b.written
        b.sequence += 1
        b.out[n] = w.REPLACED | (w.NO_PRICE if unpriced else side) << 8 | (book + 1) << 16 | number << 32
        b.out[n + 1] = identity
        b.out[n + 2] = left
        b.orders[o + w.O_HELD_PRICE] = self.bound(slot, price) if side == w.BUY else 0
        b.out[n + 3] = fee
        b.out[n + 4] = b.orders[o + w.O_HELD_PRICE]
        b.written = n + w.REPLACED_WORDS
        b.halves[h + w.H_FEE] = fee
        if pegged:
            return self.pegs.replace(slot, tick, quantity, left)
        if waits:
            b.orders[o + w.O_QUANTITY] = quantity
            b.orders[o + w.O_OPEN] = left
            b.orders[o + w.O_TICK] = 0 if unpriced else tick
            return 0 if keeps or self._is_stop(slot) else self.auction.move(slot)
        if keeps:
            standing.lose(slot, b.orders[o + w.O_OPEN] - left)
            b.orders[o + w.O_QUANTITY] = quantity
            if b.swept_count != 0:
                b.show_swept(s)
            return 0
        displayed = flags & w.HIDDEN == 0
        standing.leave(slot)
        b.orders[o + w.O_QUANTITY] = quantity
        b.orders[o + w.O_OPEN] = left
        b.orders[o + w.O_TICK] = tick
        b.swept_count = 0
        if collects:
            standing.rest(slot, s, tick, left)
            return self.auction.moved(s, before, tick) if displayed else 0
        if b.halves[h + w.H_EXTENSION] == 0:
            b.halves[h + w.H_EXTENSION] = standing.plain_record()
        arrival.load(slot)
        if stands != tick:
            arrival.reprice(w.SLID, book, side, stands)
        arrival.arrive(book, side, w.LIMIT, w.DAY, stands, -1)
        if displayed:
            b.show_where(s, before)
        if arrival.rested == before and displayed:
            arrival.rested = -1
        return arrival.publish(s)

    def bound(self, slot: int, price: int) -> int:
        """The limit that an order with this one ends with: what its stop price makes of it may have another, a sell none (0)."""
        b = self.books
        x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        if not self._pairs(slot):
            return price
        book = b.halves[slot * w.ORDER_HALVES + w.H_SIDE] >> 1
        return self.standing.records[x + w.X_SECOND] * b.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]

    def is_unpriced(self, slot: int) -> bool:
        """Whether an order with a record is a sell that has no price while it waits; its replace names none."""
        b = self.books
        h = slot * w.ORDER_HALVES
        x = b.halves[h + w.H_EXTENSION] * w.EXTENSION_WORDS
        kind = self.standing.records[x + w.X_FLAGS] >> 32 & 255
        if b.halves[h + w.H_SIDE] & 1 == w.BUY or not self.standing.waits(slot):
            return False
        return kind == w.STOP or kind == w.MARKET or kind == w.MARKET_TO_LIMIT

    def is_hidden(self, slot: int) -> bool:
        """Whether an open order is hidden."""
        record = self.books.halves[slot * w.ORDER_HALVES + w.H_EXTENSION]
        return record != 0 and self.standing.records[record * w.EXTENSION_WORDS + w.X_FLAGS] & w.HIDDEN != 0

    def stop_price(self, slot: int) -> int:
        """The stop price that an order with a record has now, 0 for none."""
        b = self.books
        h = slot * w.ORDER_HALVES
        x = b.halves[h + w.H_EXTENSION] * w.EXTENSION_WORDS
        tick_size = b.books[(b.halves[h + w.H_SIDE] >> 1) * w.BOOK_WORDS + w.B_TICK_SIZE]
        return self.standing.records[x + w.X_STOP] * tick_size

    def take(self, book: int, side: int, limit: int, left: int, identity: int, account: int, amount: int) -> int:
        """What is left of a plain order, which traded as often as the books say, after it went on at `limit` or better, and for at most
        `amount` unless that is negative.
        """
        arrival = self.arrival
        arrival.identity = identity
        arrival.account = account
        arrival.slot = 0
        arrival.left = left
        arrival.prevention = 0
        arrival.met = self.books.met
        arrival.meet(book, side, limit, amount)
        self.books.met = arrival.met
        return arrival.left

    def _wait(self, s: int, tick: int) -> int:
        """The order that arrives waits for its stop price."""
        arrival = self.arrival
        x = arrival.record * w.EXTENSION_WORDS
        self.standing.records[x + w.X_FLAGS] |= w.WAITING
        slot = arrival.keep(s)
        self.books.orders[slot * w.ORDER_WORDS + w.O_TICK] = tick
        self.books.orders[slot * w.ORDER_WORDS + w.O_OPEN] = arrival.quantity
        return self.stops.add(slot)

    def _posted(self, book: int, side: int, tick: int, post_only: int) -> int:
        """The tick at which an order stands that may be post-only; -1 where it is to be rejected."""
        b = self.books
        best = b.sides[(book * 2 + (side ^ 1)) * w.SIDE_WORDS + w.S_BEST]
        if post_only != 0 and b.books[book * w.BOOK_WORDS + w.B_PHASE] == w.PHASE_AUCTION:
            return -1
        if post_only == 0 or best < 0 or (best - tick) * (1 - 2 * side) > 0:
            return tick
        slid = best - 1 + 2 * side
        if b.books[book * w.BOOK_WORDS + w.B_GUARDED] != 0:
            slid = self.protection.next_tick(book, side, best)
        price = slid * b.books[book * w.BOOK_WORDS + w.B_TICK_SIZE]
        if post_only == w.POST_ONLY_REJECT or price < b.books[book * w.BOOK_WORDS + w.B_MIN_PRICE]:
            return -1
        return slid if price <= b.books[book * w.BOOK_WORDS + w.B_MAX_PRICE] else -1

    def settle(self, book: int) -> int:
        """Executes the stops whose condition holds, moves what is pegged, and so on until nothing is to be done."""
        moved = 1
        while moved != 0:
            if self.books.books[book * w.BOOK_WORDS + w.B_PHASE] == w.PHASE_OPEN:
                self.trigger(book)
            if self.is_stalled(book):
                return 0
            moved = self.pegs.follow(book)
            if moved < 0:
                return self._stall(book)
        return 0

    def note(self, book: int) -> int:
        """After a book was looked at: while it is open, and nothing is left to be done, it is quiet."""
        b = self.books
        idle = b.stalled + b.tripped + b.pulled == 0
        return self.quiet.note(book) if idle and b.books[book * w.BOOK_WORDS + w.B_PHASE] == w.PHASE_OPEN else 0

    def turn(self, book: int) -> int:
        """The next trades of a book are of another interval of its bands."""
        return self.bands.turn(book)

    def _stall(self, book: int) -> int:
        """The row ends: the book is looked at again before any command."""
        self.books.full = self.books.sequence
        if book not in self.stalled:
            self.stalled.append(book)
            self.newly.append(book)
            self.books.stalled += 1
            self.books.interrupted += 1
        return 0

    def is_stalled(self, book: int) -> bool:
        """Whether the command's limit keeps a book from being looked at; while makers wait it does so with any."""
        if self.books.tripped != 0:
            self._stall(book)
        return book in self.stalled

    def taken(self) -> list[int]:
        """The books of which that is so since the last time."""
        found = self.newly
        self.newly = []
        return found

    def restore(self, stalled: list[int]) -> int:
        """Loaded books of which that is so."""
        self.stalled = stalled
        self.books.stalled = len(stalled)
        return 0

    def go_on(self, book: int) -> int:
        """The next row goes on with the stops of a book, and looks at it, and at those that they touched."""
        self.stalled.remove(book)
        self.books.stalled -= 1
        self._execute_all(book)
        return self.books.trigger(book)

    def band(self, book: int) -> int:
        """The price bands of a book follow its trades, what is pegged follows them; then the limit state is looked at."""
        if self.bands.follow(book):
            self.pegs.look_again(book)
            self.settle(book)
        return 0 if self.is_stalled(book) else self.bands.watch(book)

    def trigger(self, book: int) -> int:
        """Executes the stops whose condition holds, the nearest first, buys before sells; then those whose condition holds
        then, until none does. Those whose turn comes when an auction has begun wait on.
        """
        b = self.books
        found = not self.is_stalled(book) and self.stops.triggered(book)
        while found:
            self._execute_all(book)
            if self.is_stalled(book) or b.books[book * w.BOOK_WORDS + w.B_PHASE] != w.PHASE_OPEN:
                return 0
            found = self.stops.triggered(book)
        return 0

    def _execute_all(self, book: int) -> int:
        """Executes triggered stops; where the command's limit is reached the next row goes on with what is left."""
        b = self.books
        slot = self.stops.next(book)
        while slot != 0 and b.books[book * w.BOOK_WORDS + w.B_PHASE] == w.PHASE_OPEN:
            if b.sequence >= b.until():
                return self._stall(book)
            self.stops.remove(slot)
            if self._pairs(slot):
                self._withdraw(slot)
            self._execute(book, slot)
            slot = self.stops.next(book)
        return self.stops.wait_on(book)

    def _withdraw(self, slot: int) -> int:
        """An order whose stop price is reached stands no more: it is a stop."""
        b = self.books
        s = b.halves[slot * w.ORDER_HALVES + w.H_SIDE]
        x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        second = self.standing.records[x + w.X_SECOND]
        tick = b.orders[slot * w.ORDER_WORDS + w.O_TICK]
        self.standing.leave(slot)
        b.swept_count = 0
        if b.written > b.room:
            b.widen()
        b.show_where(s, tick)
        kind = w.STOP_LIMIT if second != 0 else w.STOP
        self.standing.records[x + w.X_FLAGS] ^= (w.ONE_CANCELS_OTHER ^ kind) << 32
        b.orders[slot * w.ORDER_WORDS + w.O_TICK] = second
        if s & 1 == w.BUY:
            held = second * b.books[(s >> 1) * w.BOOK_WORDS + w.B_TICK_SIZE]
            b.orders[slot * w.ORDER_WORDS + w.O_HELD_PRICE] = held
        return 0

    def _execute(self, book: int, slot: int) -> int:
        """A triggered stop arrives as a market or limit order."""
        standing = self.standing
        arrival = self.arrival
        b = self.books
        s = b.halves[slot * w.ORDER_HALVES + w.H_SIDE]
        side = s & 1
        x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        limited = (standing.records[x + w.X_FLAGS] >> 32) & 255 == w.STOP_LIMIT
        standing.records[x + w.X_FLAGS] &= ~w.WAITING
        arrival.load(slot)
        standing.restated(
            w.TRIGGERED, book, arrival.identity, arrival.price, arrival.quantity, arrival.left,
            arrival.held_price if side == w.BUY else 0, arrival.account,
        )  # fmt: skip
        tick = b.orders[slot * w.ORDER_WORDS + w.O_TICK]
        arrival.arrive(book, side, w.LIMIT if limited else w.MARKET, w.DAY if limited else w.IOC, tick, -1)
        return arrival.publish(s)

    def pull(self) -> int:
        """Ends the quotes of makers whose limit is reached, as far as the command's limit goes."""
        return self.quotes.pull()

    def look_at_pulled(self) -> int:
        """Looks at the books in which quotes ended so; where the command's limit is reached they wait."""
        b = self.books
        while b.pulled != 0:
            book = self.quotes.next_touched()
            if b.sequence >= b.until():
                self._stall(book)
            b.look(book)
        return 0

    def pull_on(self) -> int:
        """The next row goes on with the makers that wait."""
        self.quotes.pull()
        return self.look_at_pulled()

    def end(self, slot: int, reason: int) -> int:
        """An order that stands is done; a displayed one's price is noted."""
        return self.standing.end(slot, reason)

    def tradable(
        self,
        book: int,
        side: int,
        limit: int,
        left: int,
        amount: int,
        fee: int,
    ) -> int:
        """How much of a plain order would trade."""
        return self.standing.tradable(book, side, limit, left, left, amount, fee, 0, 0)

    def withdraw(self, identity: int, reason: int) -> int:
        """Ends an open order for a reason that is no command's, and executes the stops that this triggers."""
        b = self.books
        slot = b.index.find(identity)
        s = b.halves[slot * w.ORDER_HALVES + w.H_SIDE]
        self.end_open(slot, reason)
        return b.trigger(s >> 1)

    def is_empty(self, book: int) -> bool:
        """Whether no order of a book is open, wherever it stands or waits."""
        b = self.books
        s = book * 2 * w.SIDE_WORDS
        t = book * w.BOOK_WORDS
        if b.sides[s + w.S_BEST] >= 0 or b.sides[s + w.SIDE_WORDS + w.S_BEST] >= 0:
            return False
        waits = b.books[t + w.B_STOPS] + b.books[t + w.B_PEGS]
        return waits == 0 and not self.auction.own.get(book)

    def touched(self, book: int) -> int:
        """Something happened to a book that collects orders."""
        return self.auction.indication.touched(book)

    def wrong_time(self, book: int, kind: int, time_in_force: int, flags: int, minimum: int) -> int:
        """Why an order is not taken in this phase; 0 if it is."""
        return self.auction.wrong_time(book, kind, time_in_force, flags, minimum)

    def waiting(self, book: int) -> list[tuple[int, int, int]]:
        """(id, open quantity, account) of what waits outside the levels of a book, and of the orders that stand with a stop price:
        stops first, in the order in which they would be triggered, then what is pegged by age.
        """
        b = self.books
        found = []
        for side in range(2):
            for _, _, slot in self.stops.waiting(book, side):
                account = b.halves[slot * w.ORDER_HALVES + w.H_ACCOUNT]
                identity = b.orders[slot * w.ORDER_WORDS + w.O_ID]
                found.append((identity, b.orders[slot * w.ORDER_WORDS + w.O_OPEN], account))
        for identity, slot in self.pegs.of(book):
            if self.standing.waits(slot):
                account = b.halves[slot * w.ORDER_HALVES + w.H_ACCOUNT]
                found.append((identity, b.orders[slot * w.ORDER_WORDS + w.O_OPEN], account))
        return found

    def stand(self, slot: int) -> int:
        """A loaded order with a record is where it was."""
        b = self.books
        x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        waits = self.standing.waits(slot)
        if self.standing.records[x + w.X_FLAGS] & w.FOR_AUCTION:
            self.auction.add(slot)
        if waits:
            b.index.restore(b.orders[slot * w.ORDER_WORDS + w.O_ID], slot)
        else:
            self.standing.stand(slot)
        if self.standing.records[x + w.X_FLAGS] & w.QUOTE:
            self.quotes.add(slot)
        if self.standing.records[x + w.X_FLAGS] >> 32 & 255 == w.PEGGED:
            return self.pegs.add(slot)
        return self.stops.add(slot) if (waits and self._is_stop(slot)) or self._pairs(slot) else 0

    def _is_stop(self, slot: int) -> bool:
        """Whether an order that waits is a stop."""
        x = self.books.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        return self.standing.records[x + w.X_FLAGS] & w.FOR_AUCTION == 0

    def _pairs(self, slot: int) -> bool:
        """Whether an order with a record is one that stands until it is a stop."""
        x = self.books.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        return self.standing.records[x + w.X_FLAGS] >> 32 & 255 == w.ONE_CANCELS_OTHER
