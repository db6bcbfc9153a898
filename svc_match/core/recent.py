"""The newest rows of the journal, bounded in bytes: what live readers are served from."""

from bisect import bisect_left
from collections import deque
from itertools import islice
from typing import Generic, Protocol, TypeVar


class Spans(Protocol):
    """Something that covers sequences."""

    @property
    def first_sequence(self) -> int: ...
    @property
    def last_sequence(self) -> int: ...
    @property
    def size(self) -> int: ...


R = TypeVar("R", bound=Spans)


class Recent(Generic[R]):
    """Rows without a gap; the oldest leave when all together exceed `bytes_limit`."""

    def __init__(self, bytes_limit: int) -> None:
        self._limit = bytes_limit
        self._rows: deque[R] = deque()
        self._bytes = 0

    def add(self, row: R) -> None:
        """A row behind the last one."""
        assert not self._rows or row.first_sequence == self._rows[-1].last_sequence + 1
        self._rows.append(row)
        self._bytes += row.size
        while self._bytes > self._limit and len(self._rows) > 1:
            self._bytes -= self._rows.popleft().size

    def rows(self, sequence: int, bytes_limit: int) -> list[R]:
        """Rows from the one that holds `sequence` on, as `Journal.rows`; none if the oldest begins behind it."""
        if not self._rows or sequence < self._rows[0].first_sequence:
            return []
        start = bisect_left(self._rows, sequence, key=lambda row: row.last_sequence)
        found, size = [], 0
        for row in islice(self._rows, start, None):
            found.append(row)
            size += row.size
            if size >= bytes_limit:
                break
        return found
