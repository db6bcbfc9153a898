# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""Many orders of a participant that end together, the oldest first. `ending.pxd` gives the types of C.

Which orders are a participant's is remembered from one time to the next, by account and side of a book, so that a mass cancel
costs what it ends and what was accepted since the participant's last one, and placing an order nothing. It is no state: what is
not remembered, after a restart or on a new date, is found by a look at all orders.
"""

from collections.abc import Iterable

from svc_match.core import layout as w
from svc_match.core.books import COMPILED, Books
from svc_match.core.special import Special

INTERPRETED = __file__.endswith(".py")
assert COMPILED != INTERPRETED, "the core is compiled as a whole or not at all: run make setup"
ANY = -1
SLOTS_AN_EVENT = 16  # that are looked at in the time of one event's number
SPARE_ORDERS = 1_024  # of a participant that may be finished before it is looked which are


class Known:
    """A participant's orders that were open with event `since`, by account << 20 | side of a book. `count` is how many are
    remembered, `kept` how many were open when that was looked at last.
    """

    def __init__(self) -> None:
        self.since = self.count = self.kept = 0
        self.ids: dict[int, list[int]] = {}


class Ending:
    """Finds the open orders of some books by whose they are and where they stand, and ends them."""

    def __init__(self, books: Books, special: Special) -> None:
        self.books = books
        self.special = special
        self.known: dict[int, Known] = {}
        self.left: list[int] = []  # what the last `end` did not reach

    def take(self, participant: int, account: int, book: int, side: int) -> list[int]:
        """The ids of a participant's open orders, the oldest first, all of which end now; ANY stands for all accounts, books and
        sides.
        """
        known = self.known.get(participant)
        if known is None:
            known = self.known[participant] = Known()
        self._learn(participant, known)
        found: list[int] = []
        for key in list(known.ids):
            owner = key >> 20
            s = key & 0xFFFFF
            if (account < 0 or account == owner) and (book < 0 or book == s >> 1) and (side < 0 or side == s & 1):
                ids = known.ids.pop(key)
                known.count -= len(ids)
                found += self.standing(ids)
        known.kept = min(known.kept, known.count)
        found.sort()
        return found

    def _learn(self, participant: int, known: Known) -> int:
        """Remembers what was accepted since the last time: by the numbers of events, or, if they are too many, by slots."""
        b = self.books
        since = b.identity_base | known.since
        if (b.sequence - known.since) * SLOTS_AN_EVENT < b.top:
            for identity in range(since + 1, (b.identity_base | b.sequence) + 1):
                slot = b.index.find(identity)
                if slot != 0:
                    self._see(participant, known, slot)
        else:
            for slot in range(1, b.top):
                if b.orders[slot * w.ORDER_WORDS + w.O_ID] > since:
                    self._see(participant, known, slot)
        if known.since == 0:
            known.kept = known.count
        known.since = b.sequence
        if known.count > 2 * known.kept + SPARE_ORDERS:
            known.ids = {key: ids for key, before in known.ids.items() if (ids := self.standing(before))}
            known.count = known.kept = sum(map(len, known.ids.values()))
        return 0

    def _see(self, participant: int, known: Known, slot: int) -> int:
        b = self.books
        h = slot * w.ORDER_HALVES
        owner = b.halves[h + w.H_ACCOUNT]
        if b.participants[owner] != participant:
            return 0
        key = owner << 20 | b.halves[h + w.H_SIDE]
        ids = known.ids.get(key)
        if ids is None:
            ids = known.ids[key] = []
        ids.append(b.orders[slot * w.ORDER_WORDS + w.O_ID])
        known.count += 1
        return 0

    def forget(self) -> None:
        """Accounts and participants have other numbers."""
        self.known.clear()

    def standing(self, ids: Iterable[int]) -> list[int]:
        """Those of the ids that are open."""
        b = self.books
        return [one for one in ids if b.index.find(one) != 0]

    def renewed(self, number: int, until_us: int) -> int:
        """The event of a command that renews a lease."""
        b = self.books
        if b.written > b.room:
            b.widen()
        n = b.written
        b.sequence += 1
        b.out[n] = w.LEASE_RENEWED | number << 32
        b.out[n + 1] = until_us
        b.written = n + w.LEASE_RENEWED_WORDS
        return 0

    def end(self, found: list[int], reason: int, last: int) -> int:
        """Ends them in turn, as long as the last event is before `last`; how many are left."""
        b = self.books
        done = 0
        for one in found:
            if b.sequence >= last:
                break
            self.special.end_open(b.index.find(one), reason)
            done += 1
        self.left = found[done:]
        return len(self.left)

    def taken(self, number: int, book: int, orders: int) -> int:
        """The event of a command that ends so many orders."""
        b = self.books
        if b.written > b.room:
            b.widen()
        n = b.written
        b.sequence += 1
        b.out[n] = w.MASS_TAKEN | book << 16 | number << 32
        b.out[n + 1] = orders
        b.written = n + w.MASS_TAKEN_WORDS
        return 0

    def reject(self, number: int, what: int, reason: int, field: int, identity: int) -> int:
        """A command is rejected before the books look at it; `identity` is that of the order that it names, or 0."""
        b = self.books
        if b.written > b.room:
            b.widen()
        return b.reject(number, what, reason, field, 0, identity)
