"""Eight bytes a sequence: digests of orders and trades in flat arrays, so that millions fit into little memory."""

from array import array
from collections.abc import Iterator
from typing import Any

MASK = (1 << 64) - 1


def digest(value: tuple[Any, ...]) -> int:
    """64 bits of `value`, never 0; stable within one process, which is all that a comparison needs."""
    return hash(value) & MASK or 1


class Digests:
    """A digest for each sequence from 1; 0 where there is none. `kept` has the full values of the sequences in `keep`."""

    __slots__ = ("flat", "keep", "kept")

    def __init__(self, keep: frozenset[int] = frozenset()) -> None:
        self.flat = array("Q", bytes(8))
        self.keep = keep
        self.kept: dict[int, list[tuple[Any, ...]]] = {}

    def reach(self, sequence: int) -> None:
        """Makes room up to `sequence`."""
        if (missing := sequence + 1 - len(self.flat)) > 0:
            self.flat.frombytes(bytes(8 * missing))

    def add(self, sequence: int, value: tuple[Any, ...]) -> None:
        """Adds one of the values at `sequence`; their order does not matter."""
        self.flat[sequence] = (self.flat[sequence] + digest(value)) & MASK
        if sequence in self.keep:
            self.kept.setdefault(sequence, []).append(value)

    def put(self, sequence: int, value: tuple[Any, ...]) -> None:
        """Sets the only value at `sequence`."""
        self.flat[sequence] = digest(value)
        if sequence in self.keep:
            self.kept[sequence] = [value]

    def copy(self, through: int) -> "Digests":
        """What there is up to `through`, to be changed on its own."""
        twin = Digests(self.keep)
        twin.flat = self.flat[: through + 1]
        twin.reach(through)
        twin.kept = {sequence: values for sequence, values in self.kept.items() if sequence <= through}
        return twin

    def differing(self, other: "Digests", through: int) -> Iterator[int]:
        """The sequences up to `through` at which the two differ."""
        self.reach(through)
        other.reach(through)
        mine, others = self.flat[: through + 1], other.flat[: through + 1]
        if mine != others:
            yield from (sequence for sequence, pair in enumerate(zip(mine, others, strict=True)) if pair[0] != pair[1])

    def show(self, sequence: int, names: tuple[str, ...]) -> Any:
        """The value at `sequence` for people: in full where it was kept, else its digest; None where there is none."""
        if sequence in self.kept:
            return [dict(zip(names, value, strict=True)) for value in sorted(self.kept[sequence], key=repr)]
        found = self.flat[sequence]
        return f"digest {found:016x}" if found else None

    def __len__(self) -> int:
        return len(self.flat) - self.flat.count(0)
