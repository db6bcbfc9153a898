"""What is due at a journal time: the shard's clock. It is state, as the books are: who sets a timer does so by a command's doing."""

from collections.abc import Iterable
from enum import IntEnum
from heapq import heappop, heappush
from typing import NamedTuple

NEVER = 1 << 62
SPARE_TIMERS = 256  # that were cancelled, beside twice those that stand


class TimerKind(IntEnum):
    """What is to be done; of what is due at the same time the lower kind is done first."""

    OPENING = 8  # of a date
    PULLS = 9  # of the quotes of makers whose limit is reached, and for which the command's limit had no room
    UNCROSSING = 10  # of the book that is the key
    STOPS = 11  # of the book that is the key, which a command's limit kept from being looked at to the end
    ENTERING = 12  # of the orders that wait for the closing auction of the book that is the key, and for which there was no room
    EXPIRY = 20  # of the order that expires first (lasting.py)
    LEASE = 30  # of the number that is the key
    AUCTION_ENDS = 40  # of the book that is the key: one that nobody called for
    LIMIT_STATE_ENDS = 41  # of the book that is the key
    SCHEDULE = 50  # the next step of the calendar: key 0 begins it, another goes on with it
    INDICATION = 60  # of the book that is the key: what its auction would do


class Due(NamedTuple):
    """Something that is to be done once journal time reaches `due_us`; these sort in the order in which they are done."""

    due_us: int
    kind: int
    key: int


class Timers:
    """At most one timer for each kind and key. `next_us` is when the first is due, NEVER for none."""

    def __init__(self, those: Iterable[Iterable[int]] = ()) -> None:
        self.next_us = NEVER
        self._set: dict[tuple[int, int], int] = {}
        self._heap: list[Due] = []  # what was cancelled leaves it once it is the first, or too many were
        for due_us, kind, key in those:
            self.set(kind, key, due_us)

    def __len__(self) -> int:
        return len(self._set)

    def set(self, kind: int, key: int, due_us: int) -> None:
        """This is due then, and at no other time."""
        assert 0 <= due_us < NEVER
        self._set[kind, key] = due_us
        heappush(self._heap, Due(due_us, kind, key))
        if len(self._heap) > 2 * len(self._set) + SPARE_TIMERS:
            self._heap = self.standing()
        self._settle()

    def cancel(self, kind: int, key: int) -> None:
        """This is not due any more, if it was."""
        self._set.pop((kind, key), None)
        self._settle()

    def at(self, kind: int, key: int) -> int:
        """When this is due; NEVER if it is not."""
        return self._set.get((kind, key), NEVER)

    def begins_with(self, *kinds: int) -> bool:
        """Whether the first is of one of these kinds."""
        return bool(self._heap) and self._heap[0].kind in kinds

    def take(self) -> Due:
        """The first, which is no longer to come."""
        first = heappop(self._heap)
        del self._set[first.kind, first.key]
        self._settle()
        return first

    def standing(self) -> list[Due]:
        """All, in their order."""
        return sorted(Due(due_us, kind, key) for (kind, key), due_us in self._set.items())

    def _settle(self) -> None:
        heap = self._heap
        while heap and self._set.get((heap[0].kind, heap[0].key)) != heap[0].due_us:
            heappop(heap)
        self.next_us = heap[0].due_us if heap else NEVER
