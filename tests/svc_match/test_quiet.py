"""What others use, and what guards an instrument, costs an order that asks for none of it a few comparisons (quiet.py)."""

import random
import time
from array import array

import pytest

from bench.engine import features
from bench.engine.workload import ACCOUNT, TICK_SIZE
from svc_match.core import layout as w

SEED = 7
BATCH, BATCHES = 500, 40
TICKS = range(16_300, 16_450)
MOST = 4  # times; a book that is looked at with each command takes thirty times as long


def orders(chance: random.Random) -> "array[int]":
    """A batch of limit orders on both sides of prices that cross."""
    found = array("q")
    for _ in range(BATCH):
        side, price = chance.randrange(2), chance.choice(TICKS) * TICK_SIZE
        head = w.PLACE | side << 8 | w.LIMIT << 16 | w.DAY << 24 | 1 << 32 | w.HELD << 48
        found.extend([head, ACCOUNT, price, chance.randint(1, 20), 0, price, 1 << 62, 0])
    return found


def seconds(uses: features.Uses) -> float:
    """The best time of a batch."""
    chance, books, best = random.Random(SEED), features.books(1, uses), float("inf")
    for _ in range(BATCHES):
        with memoryview(orders(chance)) as batch:
            start = time.perf_counter()
            books.apply(batch)
            best = min(best, time.perf_counter() - start)
    return best


@pytest.mark.parametrize("uses", [uses for uses in features.Uses if uses])
def test_others_features_cost_a_plain_order_little(uses: features.Uses) -> None:
    """Orders take not much longer where stops, hidden and pegged orders stand far away, and where collars and bands hold."""
    assert seconds(uses) < MOST * seconds(features.Uses.NOTHING), f"seed {SEED}"
