"""What each process holds while orders are placed and finished: none grows by more than its named caches.

The shard's identity table (a digest and a sequence for each of the date's commands) is the one cache that grows with orders.
"""

import argparse
import asyncio

from bench._conditions import conclude
from bench._exchange import Load, exchange, load, resident_bytes

MEBIBYTE = 1 << 20
LOOKS = 10
SECONDS_A_LOAD = 5.0


async def measure(orders: int) -> None:
    looks: list[tuple[int, dict[str, int]]] = []
    total = Load()
    async with exchange() as (machine, staff):
        while total.acknowledged < orders:
            done = await load(
                machine, staff, seconds=SECONDS_A_LOAD, batch=256, in_flight=4, seed=len(looks), band_ticks=0
            )
            total.acknowledged += done.acknowledged
            total.seconds += done.seconds
            looks.append((total.acknowledged, resident_bytes(machine)))
        still_open = sum(state.open_orders for state in (await staff.shard_states()).values())
    first, last = looks[0], looks[-1]
    step = max(1, len(looks) // LOOKS)
    conclude(
        "memory",
        [
            *((f"{placed:,} orders, MiB", table(held)) for placed, held in looks[::step]),
            ("orders still open", still_open),
            *((f"bytes an order, {name}", growth(name, first, last)) for name in last[1]),
        ],
        {
            "orders": total.acknowledged,
            "still_open": still_open,
            "mebibytes": {name: round(held / MEBIBYTE, 1) for name, held in last[1].items()},
            "bytes_per_order": {name: round(growth(name, first, last), 1) for name in last[1]},
        },
    )


def table(held: dict[str, int]) -> str:
    return "  ".join(f"{name} {size // MEBIBYTE}" for name, size in held.items())


def growth(name: str, first: tuple[int, dict[str, int]], last: tuple[int, dict[str, int]]) -> float:
    return (last[1][name] - first[1][name]) / max(1, last[0] - first[0])


if __name__ == "__main__":
    options = argparse.ArgumentParser(prog="bench.memory", description=__doc__)
    options.add_argument("--orders", type=int, default=2_000_000, help="orders placed and finished (2 000 000)")
    asyncio.run(measure(options.parse_args().orders))
