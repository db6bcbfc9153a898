"""Leases of sessions: names that their clients renew, and the orders that stand as long as their lease is renewed."""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

LEASES_LIMIT = 4_096
PARTICIPANT_LEASES_LIMIT = 64
SPARE_ORDERS = 256  # of a lease that may be finished before it looks which are

Whose = tuple[str, str]  # participant and name


class Lease:
    """One lease. `orders` has the ids of all that may be open, ascending; `kept` is how many were when it was looked at last."""

    __slots__ = ("due_us", "kept", "number", "orders", "whose")

    def __init__(self, whose: Whose, number: int, due_us: int, orders: Iterable[int] = ()) -> None:
        self.whose = whose
        self.number = number
        self.due_us = due_us
        self.orders = list(orders)
        self.kept = 0


class Leases:
    """All leases of a shard, by whose they are and by number. `is_open` says it of an order's id."""

    def __init__(self, is_open: Callable[[int], bool]) -> None:
        self._is_open = is_open
        self._numbered: dict[int, Lease] = {}
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
            lease.orders = self.open(lease)
            lease.kept = len(lease.orders)

    def open(self, lease: Lease) -> list[int]:
        """The ids of its open orders, the oldest first."""
        return [order_id for order_id in lease.orders if self._is_open(order_id)]

    def take(self, number: int) -> Lease:
        """The lease of a number, which is over."""
        lease = self._numbered.pop(number)
        del self._named[lease.whose]
        self._counts -= Counter((lease.whose[0],))  # Without those who have none.
        return lease

    def state(self) -> list[Any]:
        """All of it, for a snapshot."""
        those = (self._numbered[number] for number in sorted(self._numbered))
        return [self.last_number, [[*one.whose, one.number, one.due_us, self.open(one)] for one in those]]

    def load(self, state: list[Any]) -> None:
        """The inverse of `state`."""
        self.last_number, those = state
        for participant, name, number, due_us, orders in those:
            self._put(Lease((participant, name), number, due_us, orders))

    def _put(self, lease: Lease) -> Lease:
        self._named[lease.whose] = self._numbered[lease.number] = lease
        self._counts[lease.whose[0]] += 1
        return lease
