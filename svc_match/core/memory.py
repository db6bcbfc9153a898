"""Pools that grow without a copy: the system moves their pages, and a page that was never written takes no memory."""

import mmap
from contextlib import suppress


class Words:
    """Zeroed int64 words. `view` is valid until the pool grows; nobody else keeps a view of it then."""

    def __init__(self, count: int) -> None:
        self._map = _mapped(count)
        self.view = memoryview(self._map).cast("q")

    def __len__(self) -> int:
        return len(self.view)

    def reserve(self, count: int) -> None:
        """At least `count` words, by doubling."""
        if count > len(self):
            self._resize(max(count, 2 * len(self)))

    def _resize(self, count: int) -> None:
        self.view.release()
        try:
            self._map.resize(8 * count)
        except (SystemError, ValueError, BufferError):  # a system that cannot move pages, or the interpreted core
            old, self._map = self._map, _mapped(count)
            self._map[: len(old)] = old[:]
        self.view = memoryview(self._map).cast("q")


def _mapped(count: int) -> mmap.mmap:
    made = mmap.mmap(-1, 8 * count, flags=mmap.MAP_PRIVATE | mmap.MAP_ANONYMOUS)
    if 8 * count >= 2 << 20:
        with suppress(AttributeError, OSError):
            made.madvise(mmap.MADV_HUGEPAGE)
    return made
