"""Many resting orders: what one takes, whether the book slows down, the longest pause, and a snapshot of it."""

import time
from array import array

import psutil

from bench.engine import workload
from svc_match.core import layout as w

BATCH = 4_096
LEVELS = 4_000
MIDDLE = 100_000
INSTRUMENTS = 8


def measure(orders: int) -> dict[str, float | int]:
    """Fills books with `orders` orders that do not meet."""
    made, process = workload.books(INSTRUMENTS), psutil.Process()
    batch = array("q", bytes(8 * BATCH * w.COMMAND_WORDS))
    before, times = process.memory_info().rss, []
    for first in range(0, orders, BATCH):
        fill(batch, first)
        start = time.perf_counter_ns()
        made.apply(batch)
        times.append((time.perf_counter_ns() - start) / BATCH)
    taken = process.memory_info().rss - before
    tenth = max(len(times) // 10, 1)
    start = time.perf_counter()
    copied = bytes(made.pool())
    copy = time.perf_counter() - start
    again = workload.books(INSTRUMENTS)
    start = time.perf_counter()
    again.load(copied, made.first_free(), [made.window(side) for side in range(2 * INSTRUMENTS)])
    restore = time.perf_counter() - start
    assert again.open_orders() == made.open_orders() == len(times) * BATCH
    return {
        "resting": made.open_orders(),
        "bytes_an_order": round(taken / made.open_orders(), 1),
        "ns_first_tenth": round(sorted(times[:tenth])[tenth // 2], 1),
        "ns_last_tenth": round(sorted(times[-tenth:])[tenth // 2], 1),
        "longest_batch_ms": round(max(times) * BATCH / 1e6, 2),
        "snapshot_copy_ms": round(copy * 1e3, 1),
        "restore_seconds": round(restore, 2),
    }


def fill(batch: "array[int]", first: int) -> None:
    """Buys below the middle, sells above it, over the instruments in turn."""
    for number in range(BATCH):
        at, order = number * w.COMMAND_WORDS, first + number
        side, away = order & 1, order * 7_919 % LEVELS + 1
        price = (MIDDLE + away if side == w.SELL else MIDDLE - away) * workload.TICK_SIZE
        head = w.PLACE | side << 8 | w.LIMIT << 16 | w.DAY << 24 | (order % INSTRUMENTS + 1) << 32 | w.HELD << 48
        batch[at : at + w.COMMAND_WORDS] = array("q", [head, workload.ACCOUNT, price, 10, 0, price, 1 << 62, 0])
