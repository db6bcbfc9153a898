"""The yardstick's workload as the core's packed commands. An order's id is what the core gave it."""

from array import array
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import IO

from svc_match.core import layout as w
from svc_match.core.books import Books

TICK_SIZE = 100
ADD, CANCEL, REPLACE, IOC = range(4)
KINDS = {ADD: w.PLACE, CANCEL: w.CANCEL, REPLACE: w.REPLACE, IOC: w.PLACE}
OPERATION_WORDS = 5
ACCOUNT = 1_000 | 200 << 32  # of nobody else


def books(instruments: int) -> Books:
    """Open books."""
    made = Books()
    for _ in range(instruments):
        made.add_book(TICK_SIZE, 1, TICK_SIZE, 10**9, 10**9, 100, 200, w.PHASE_OPEN)
    return made


def commands(path: Path, made: Books, wanted: IO[bytes]) -> "array[int]":
    """Runs the operations one by one, so that each command names its order by the id that the core gave, and compares all events
    with those that the yardstick writes.
    """
    operations = memoryview(path.read_bytes()).cast("I")
    ids, operation_of, found = {0: 0}, dict[int, int](), array("q")
    for at in range(0, len(operations), OPERATION_WORDS):
        head, tick, quantity, identity, original = operations[at : at + OPERATION_WORDS]
        kind, side, instrument = head & 255, head >> 8 & 255, head >> 16
        price, time_in_force = tick * TICK_SIZE, w.IOC if kind == IOC else w.DAY
        order = ids.get(identity if kind == CANCEL else original, 0)
        packed = KINDS[kind] | side << 8 | w.LIMIT << 16 | time_in_force << 24 | (instrument + 1) << 32 | w.HELD << 48
        command = array("q", [packed, ACCOUNT, price, quantity, 0, price, 1 << 62, order])
        found += command
        events = made.apply(command)
        if kind in (ADD, IOC):
            ids[identity] = events[1]
            operation_of[events[1]] = identity
        bare = array("q", as_the_yardstick(events, operation_of))
        same = wanted.read(len(bare) * bare.itemsize) == bare.tobytes()
        assert same, f"operation {at // OPERATION_WORDS} has other events: {bare.tolist()}"
    assert not wanted.read(1), "the yardstick writes more events"
    return found


def as_the_yardstick(words: Sequence[int], operation_of: dict[int, int]) -> Iterator[int]:
    """The core's events without what the yardstick knows nothing of: fees, accounts, why something is rejected."""
    at = 0
    while at < len(words):
        head = words[at]
        kind = head & 255
        of = head & 0xFFFF | ((head >> 16 & 0xFFFF) - 1) << 16
        if kind == w.ACCEPTED:
            yield from (kind, operation_of[words[at + 1]])
            at += w.ACCEPTED_WORDS
        elif kind == w.REJECTED:
            yield from (kind, operation_of.get(words[at + 1], 0), 0, 0)
            at += w.REJECTED_WORDS
        elif kind == w.TRADED:
            maker, taker, *traded = words[at + 1 : at + 7]
            yield from (of, operation_of[maker], operation_of[taker], *traded, 0, 0, 0)
            at += w.TRADED_WORDS
        elif kind == w.REPLACED:
            yield from (kind, operation_of[words[at + 1]], words[at + 2], 0, words[at + 4])
            at += w.REPLACED_WORDS
        elif kind == w.DONE:
            yield from (of, operation_of[words[at + 1]], words[at + 2], words[at + 3], 0)
            at += w.DONE_WORDS
        else:
            assert kind == w.LEVEL
            yield from (of, *words[at + 1 : at + 4])
            at += w.LEVEL_EVENT_WORDS
