# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""Many orders of a participant that end together, the oldest first. `ending.pxd` gives the types of C."""

from svc_match.core import layout as w
from svc_match.core.books import COMPILED, Books
from svc_match.core.special import Special

INTERPRETED = __file__.endswith(".py")
assert COMPILED != INTERPRETED, "the core is compiled as a whole or not at all: run make setup"
ANY = -1


class Ending:
    """Finds the open orders of some books by whose they are and where they stand, and ends them."""

    def __init__(self, books: Books, special: Special) -> None:
        self.books = books
        self.special = special

    def find(self, participant: int, account: int, book: int, side: int) -> list[tuple[int, int]]:
        """(id, slot) of a participant's open orders, the oldest first; ANY stands for all accounts, books and sides."""
        b = self.books
        found = []
        for slot in range(1, b.top):
            identity = b.orders[slot * w.ORDER_WORDS + w.O_ID]
            h = slot * w.ORDER_HALVES
            owner = b.halves[h + w.H_ACCOUNT]
            s = b.halves[h + w.H_SIDE]
            if (
                identity != 0
                and b.participants[owner] == participant
                and (account < 0 or account == owner)
                and (book < 0 or book == s >> 1)
                and (side < 0 or side == s & 1)
            ):
                found.append((identity, slot))
        found.sort()
        return found

    def standing(self, ids: list[int]) -> list[tuple[int, int]]:
        """(id, slot) of those of the ids that are open."""
        b = self.books
        found = []
        for identity in ids:
            slot = b.index.find(identity)
            if slot != 0:
                found.append((identity, slot))
        return found

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

    def end(self, found: list[tuple[int, int]], reason: int, last: int) -> int:
        """Ends them in turn, as long as the last event is before `last`; how many it ended."""
        b = self.books
        done = 0
        for _, slot in found:
            if b.sequence >= last:
                break
            self.special.end_open(slot, reason)
            done += 1
        return done

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
