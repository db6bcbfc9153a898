# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""Quotes: at most one open order of an account a side of a book, and what protects their makers.

A quote is an order with a record, so that a trade with one is seen. `quotes.pxd` gives the types of C.
"""

from typing import Any

from svc_match.core import layout as w
from svc_match.core.books import COMPILED, Books
from svc_match.core.standing import Standing

INTERPRETED = __file__.endswith(".py")
assert COMPILED != INTERPRETED, "the core is compiled as a whole or not at all: run make setup"


class Guard:
    """What an account's last mass quote said, what its quotes traded since their window began, and which they are, by side.

    `active` is 1 from when a limit is reached until the account resets it.
    """

    def __init__(self) -> None:
        self.fill_limit = 0
        self.share_limit = 0
        self.window_us = 0
        self.since_us = 0
        self.fills = 0
        self.shares = 0
        self.active = 0
        self.quotes: dict[int, int] = {}

    def protects(self) -> int:
        """1 if there is a limit."""
        return 1 if self.fill_limit != 0 or self.share_limit != 0 else 0

    def traded(self, shares: int, now_us: int) -> bool:
        """One of its quotes traded; whether that reached a limit. A window begins with the first trade behind the one before."""
        if self.active != 0 or self.protects() == 0:
            return False
        if self.fills == 0 or now_us - self.since_us >= self.window_us:
            self.since_us = now_us
            self.fills = self.shares = 0
        self.fills += 1
        self.shares += shares
        if 0 < self.fill_limit <= self.fills or 0 < self.share_limit <= self.shares:
            self.active = 1
        return self.active != 0

    def state(self) -> list[int]:
        """All but its quotes."""
        return [self.fill_limit, self.share_limit, self.window_us, self.since_us, self.fills, self.shares, self.active]

    def load(self, state: list[int]) -> None:
        """The inverse of `state`."""
        self.fill_limit, self.share_limit, self.window_us, self.since_us, self.fills, self.shares, self.active = state


class Quotes:
    """The quotes of some books, by account."""

    def __init__(self, books: Books, standing: Standing) -> None:
        self.books = books
        self.standing = standing
        self.guards: dict[int, Guard] = {}
        self.tripped: list[int] = []  # accounts whose limit is reached, and whose quotes still stand
        self.touched: list[int] = []  # books in which quotes ended so

    # What a mass quote does

    def says(self, account: int, fill_limit: int, share_limit: int, window_us: int, reset: bool) -> int:
        """An account's mass quote is taken."""
        guard = self._guard(account)
        before = guard.protects()
        guard.fill_limit = fill_limit
        guard.share_limit = share_limit
        guard.window_us = window_us
        if reset:
            guard.active = guard.fills = guard.shares = 0
        self.books.waiting += guard.protects() - before
        return 0

    def is_active(self, account: int) -> bool:
        """Whether the account's protection waits to be reset."""
        guard = self.guards.get(account)
        return guard is not None and guard.active != 0

    def open(self, account: int) -> set[int]:
        """The sides (book * 2 + side) on which the account's quotes stand; all others are forgotten."""
        guard = self.guards.get(account)
        if guard is None:
            return set()
        guard.quotes = {s: identity for s, identity in guard.quotes.items() if self.books.index.find(identity) != 0}
        return set(guard.quotes)

    def kept(
        self, account: int, s: int, price: int, quantity: int, prevention: int, lease: int
    ) -> tuple[int, int] | None:
        """(id, executed quantity) of the account's quote there, if it keeps its place with that much left."""
        b = self.books
        slot = self._slot(account, s)
        if slot == 0:
            return None
        o = slot * w.ORDER_WORDS
        x = b.halves[slot * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        identity = b.orders[o + w.O_ID]
        if (
            b.orders[o + w.O_TICK] * b.books[(s >> 1) * w.BOOK_WORDS + w.B_TICK_SIZE] != price
            or b.orders[o + w.O_OPEN] < quantity
            or (self.standing.records[x + w.X_FLAGS] >> 16) & 255 != prevention
            or self.standing.records[x + w.X_SECOND] != lease
        ):
            return None
        return identity, b.orders[o + w.O_QUANTITY] - b.orders[o + w.O_OPEN]

    def keep(self, account: int, s: int, quantity: int, held_price: int, fee: int) -> int:
        """A quote that keeps its place has that much left, and is held for anew: its event is told."""
        b = self.books
        slot = self._slot(account, s)
        o = slot * w.ORDER_WORDS
        lost = b.orders[o + w.O_OPEN] - quantity
        b.orders[o + w.O_QUANTITY] -= lost
        b.orders[o + w.O_HELD_PRICE] = held_price
        b.halves[slot * w.ORDER_HALVES + w.H_FEE] = fee
        self.standing.lose(slot, lost)
        return self._show(s)

    def withdraw(self, account: int, s: int) -> bool:
        """Ends the account's quote there; whether there was one."""
        slot = self._slot(account, s)
        if slot == 0:
            return False
        self.standing.end(slot, w.QUOTE_WITHDRAWN)
        self._show(s)
        return True

    def add(self, slot: int) -> int:
        """A new quote stands."""
        b = self.books
        h = slot * w.ORDER_HALVES
        self._guard(b.halves[h + w.H_ACCOUNT]).quotes[b.halves[h + w.H_SIDE]] = b.orders[slot * w.ORDER_WORDS + w.O_ID]
        return 0

    def stand_by(self, identity: int, lease: int) -> int:
        """An open quote stands by the lease of this number."""
        b = self.books
        x = b.halves[b.index.find(identity) * w.ORDER_HALVES + w.H_EXTENSION] * w.EXTENSION_WORDS
        self.standing.records[x + w.X_SECOND] = lease
        return 0

    def come_late(self, account: int, book: int, quantity: int) -> int:
        """A side that comes when its own command has reached the limit ends as it is accepted."""
        b = self.books
        if b.written > b.room:
            b.widen()
        identity = b.accept(0)
        b.done(w.MAKER_PROTECTION, book, identity, 0, quantity, account)
        return 0

    # Protection

    def traded(self, account: int, shares: int) -> int:
        """A quote that stood traded."""
        if self._guard(account).traded(shares, self.books.now_us):
            self.tripped.append(account)
            self.books.tripped = 1
        return 0

    def pull(self) -> int:
        """Ends the quotes of those whose limit is reached, one maker after another, the oldest quote first; their books are to be
        looked at. Where the command's limit is reached the other makers wait: `tripped` of the books stays 1.
        """
        b = self.books
        while self.tripped and b.sequence < b.until():
            account = self.tripped.pop(0)
            guard = self._guard(account)
            found = sorted([(guard.quotes[s], s) for s in self.open(account)])
            if b.written > b.room:
                b.widen()
            n = b.written
            b.sequence += 1
            b.out[n] = w.MAKER_PROTECTED
            b.out[n + 1] = account
            b.out[n + 2] = len(found)
            b.out[n + 3] = guard.fills
            b.out[n + 4] = guard.shares
            b.written = n + w.MAKER_PROTECTED_WORDS
            for identity, s in found:
                self.standing.end(b.index.find(identity), w.MAKER_PROTECTION)
                self._show(s)
                if s >> 1 not in self.touched:
                    self.touched.append(s >> 1)
        b.tripped = 1 if self.tripped else 0
        if b.tripped != 0:
            b.interrupted += 1
            b.full = b.sequence
        b.pulled = len(self.touched)
        return 0

    def next_touched(self) -> int:
        """A book in which quotes ended."""
        book = self.touched.pop(0)
        self.books.pulled = len(self.touched)
        return book

    # Parts

    def _guard(self, account: int) -> Guard:
        guard = self.guards.get(account)
        if guard is None:
            guard = self.guards[account] = Guard()
        return guard

    def _slot(self, account: int, s: int) -> int:
        """The slot of the account's open quote there, or 0."""
        guard = self.guards.get(account)
        if guard is None:
            return 0
        return self.books.index.find(guard.quotes.get(s, 0))

    def _show(self, s: int) -> int:
        if self.books.swept_count != 0:
            self.books.show_swept(s)
        return 0

    # Dates and snapshots

    def forget(self) -> None:
        """A date opens: no quote is left of the one before."""
        for guard in self.guards.values():
            self.books.waiting -= guard.protects()
        self.guards.clear()

    def state(self) -> list[Any]:
        """The guards by account, and the accounts whose quotes are still to end; the quotes themselves are among the orders."""
        return [[[account, *guard.state()] for account, guard in sorted(self.guards.items())], self.tripped]

    def load(self, state: list[Any]) -> None:
        """The inverse of `state`, before the orders are loaded."""
        guards, self.tripped = state
        for account, *values in guards:
            guard = self._guard(account)
            guard.load(values)
            self.books.waiting += guard.protects()
        self.books.tripped = 1 if self.tripped else 0
