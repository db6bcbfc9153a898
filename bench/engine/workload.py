"""The yardstick's workload as the core's packed commands. An order's id is what the core gave it."""

from array import array
from pathlib import Path

from svc_match.core import layout as w
from svc_match.core.books import Books

TICK_SIZE = 100
ADD, CANCEL, REPLACE, IOC = range(4)
KINDS = {ADD: w.PLACE, CANCEL: w.CANCEL, REPLACE: w.REPLACE, IOC: w.PLACE}
OPERATION_WORDS = 5
ACCOUNT = 7 | 200 << 32


def books(instruments: int) -> Books:
    """Open books."""
    made = Books()
    for _ in range(instruments):
        made.add_book(TICK_SIZE, 1, TICK_SIZE, 10**9, 10**9, 100, 200, w.PHASE_OPEN)
    return made


def commands(path: Path, instruments: int) -> "array[int]":
    """Runs the operations one by one, so that each command names its order by the id that the core gave."""
    operations = memoryview(path.read_bytes()).cast("I")
    made, ids, found = books(instruments), {0: 0}, array("q")
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
    return found
