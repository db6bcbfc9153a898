"""Leases of sessions: names that their clients renew, and the orders that stand as long as their lease is renewed."""

from array import array
from collections import Counter
from collections.abc import Callable
from typing import Any

LEASES_LIMIT = 4_096
PARTICIPANT_LEASES_LIMIT = 64
SPARE_ORDERS = 256  # of a lease that may be finished before it looks which are
ID_BYTES = 8

Whose = tuple[str, str]  # participant and name


class Lease:
    """One lease. `orders` has the ids of all that may be open, ascending; `kept` is how many were when it was looked at last."""

    __slots__ = ("due_us", "kept", "number", "orders", "whose")

    def __init__(self, whose: Whose, number: int, due_us: int) -> None:
        self.whose = whose
        self.number = number
        self.due_us = due_us
        self.orders = array("q")
        self.kept = 0


class Leases:
    """All leases of a shard, by whose they are and by number. `keep_open` moves the ids of open orders to the front, and counts
    them.
    """

    def __init__(self, keep_open: Callable[[memoryview, int], int]) -> None:
        self._keep_open = keep_open
        self._numbered: dict[int, Lease] = {}  # ascending
        self._named: dict[Whose, Lease] = {}
        self._counts: Counter[str] = Counter()  # by participant
        self.last_number = 0

    def find(self, whose: Whose) -> Lease | None:
        """The lease of this name, if there is one."""
        return self._named.get(whose)

    def renew(self, whose: Whose, due_us: int) -> Lease | None:
        """A lease, which may be new, until then; nothing where there are too many, or too many of the participant."""
        lease = self._named.get(whose)
        if lease is None:
            if len(self._named) >= LEASES_LIMIT or self._counts[whose[0]] >= PARTICIPANT_LEASES_LIMIT:
                return None
            self.last_number += 1
            lease = self._put(Lease(whose, self.last_number, due_us))
        lease.due_us = due_us
        return lease

    def add(self, lease: Lease, order_id: int) -> None:
        """A new order stands as long as the lease; those that are finished are forgotten now and then."""
        lease.orders.append(order_id)
        if len(lease.orders) > 2 * lease.kept + SPARE_ORDERS:
            with memoryview(lease.orders) as orders:
                lease.kept = self._keep_open(orders, 1)
            del lease.orders[lease.kept :]

    def take(self, number: int) -> Lease:
        """The lease of a number, which is over."""
        lease = self._numbered.pop(number)
        del self._named[lease.whose]
        self._counts -= Counter((lease.whose[0],))  # Without those who have none.
        return lease

    # Snapshots

    def state(self) -> list[Any]:
        """All of it but the ids of the orders, of which it has the numbers."""
        those = self._numbered.values()
        return [self.last_number, [[*one.whose, one.number, one.due_us, one.kept, len(one.orders)] for one in those]]

    def pools(self) -> list[memoryview]:
        """The ids, lease by lease; valid until the next command."""
        return [memoryview(one.orders).cast("B") for one in self._numbered.values() if one.orders]

    def load(self, state: list[Any], pool: memoryview) -> None:
        """The inverse of `state` and `pools`."""
        self.last_number, those = state
        for participant, name, number, due_us, kept, count in those:
            lease = self._put(Lease((participant, name), number, due_us))
            lease.kept = kept
            lease.orders.frombytes(pool[: ID_BYTES * count])
            pool = pool[ID_BYTES * count :]
        assert not pool, "the leases have all of it"

    def _put(self, lease: Lease) -> Lease:
        self._named[lease.whose] = self._numbered[lease.number] = lease
        self._counts[lease.whose[0]] += 1
        return lease
