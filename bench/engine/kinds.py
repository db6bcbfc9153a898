"""A shard in which many orders of one kind rest: how long it stops for a snapshot, how long its restore takes, and what opening
the next date costs. Each kind is measured in a process of its own.
"""

import argparse
import gc
import json
import subprocess
import sys
import time
from statistics import median

import psutil

from bench.engine.resting import LEVELS, MIDDLE
from svc_match.core import commands, snapshot
from svc_match.core.commands import OrderType, Side, Terms, TimeInForce
from svc_match.core.engine import Engine
from svc_match.core.instrument import Instrument, Phase
from svc_match.core.leases import PARTICIPANT_LEASES_LIMIT

SYMBOLS = tuple(f"S{number}" for number in range(8))
TICK_SIZE_E4 = 100
DATE, NEXT_DATE = 20260105, 20260106
BATCH = 4_096
ACCOUNTS = 1_024
MANY_LEASES = 1_000
SPREAD = 0x9E3779B97F4A7C15F39CC0605CEDC835
EXPIRES_US = 10**15
COPIES = 7
DAY, GTC, GTD_BY_TIME = "day", "gtc", "gtd_by_time"
LEASES = {"one_lease": 1, "many_leases": MANY_LEASES}
KINDS = (DAY, GTC, GTD_BY_TIME, *LEASES)


def measure(orders: int) -> dict[str, object]:
    """The figures of all kinds."""
    told: dict[str, object] = {}
    for kind in KINDS:
        run = subprocess.run(
            [sys.executable, "-m", "bench.engine.kinds", kind, str(orders)], check=True, capture_output=True
        )
        told[f"resting_{kind}"] = json.loads(run.stdout)
    return told


def measured(kind: str, orders: int) -> dict[str, float | int]:
    """Milliseconds and seconds of a shard in which so many rest. A stop is the median of some; `_cpu_` is its own time, of the longest one,
    in which nothing counts that the machine did for others.
    """
    process = psutil.Process()
    engine, before, identities = started(kind), process.memory_info().rss, []
    for first in range(0, orders, BATCH):
        batch = [placed(kind, number) for number in range(first, min(first + BATCH, orders))]
        applied = engine.apply(batch, 1, 1 << 40)
        identities.append(applied.identities)
    del batch, applied
    gc.collect()
    taken = process.memory_info().rss - before - sum(map(len, identities))
    assert engine.open_orders == orders
    stop = stopped(engine)
    state, records = snapshot.encode(engine), b"".join(identities)
    start, began = time.perf_counter(), time.thread_time()
    again = snapshot.load(state, records)
    restore, own = time.perf_counter() - start, time.thread_time() - began
    assert again.open_orders == orders
    return {
        "stop_ms": stop[0],
        "stop_cpu_ms": stop[1],
        "restore_seconds": round(restore, 2),
        "restore_cpu_seconds": round(own, 2),
        "snapshot_bytes_an_order": round(len(state) / orders, 1),
        "bytes_an_order": round(taken / orders, 1),
        **next_date(engine),
    }


def next_date(engine: Engine) -> dict[str, float | int]:
    """Milliseconds of the longest row that closes the date, and of the longest that opens the next; and its stop there."""
    closed = longest_row(engine, commands.CloseDate(DATE), 0)
    opened = longest_row(engine, commands.OpenDate(NEXT_DATE), NEXT_DATE)
    return {"longest_close_row_ms": closed, "longest_open_row_ms": opened, "next_date_stop_ms": stopped(engine)[0]}


def longest_row(engine: Engine, command: commands.Command, until: int) -> float:
    """Milliseconds of the longest of the rows that it takes until this is the trading date."""
    rows = []
    while engine.trading_date != until:
        start = time.perf_counter()
        engine.apply([command], 2)
        rows.append(time.perf_counter() - start)
    return round(max(rows) * 1e3, 1)


def stopped(engine: Engine) -> tuple[float, float]:
    """Milliseconds for which a shard stops for a snapshot: the median, and the longest of its own time."""
    times, own = [], []
    for _ in range(COPIES):
        room = snapshot.room(snapshot.size(engine))
        start, began = time.perf_counter(), time.thread_time()
        snapshot.copy(engine, room)
        own.append(time.thread_time() - began)
        times.append(time.perf_counter() - start)
    return round(median(times) * 1e3, 1), round(max(own) * 1e3, 1)


def started(kind: str) -> Engine:
    """Open books, and the leases that the orders stand by."""
    engine = Engine(0)
    for symbol in SYMBOLS:
        instrument = Instrument(symbol, "EUR", TICK_SIZE_E4, 1, TICK_SIZE_E4, 10**9, 10**9, 100, 200, 0)
        engine.apply([commands.AddInstrument(instrument)], 1)
    engine.apply([commands.OpenDate(DATE)], 1)
    engine.apply([commands.SetPhase("", Phase.OPEN)], 1)
    for number in range(LEASES.get(kind, 0)):
        engine.apply([commands.RenewLease(account_of(number, kind), "", lease_of(number), 10_000_000)], 1)
    return engine


def account_of(number: int, kind: str) -> str:
    """The accounts of as many participants as leases need, in turn."""
    one = number % LEASES.get(kind, ACCOUNTS)
    return f"p{one // PARTICIPANT_LEASES_LIMIT}/{one}"


def lease_of(number: int) -> str:
    return f"lease-{number}"


def placed(kind: str, number: int) -> commands.Place:
    """Buys below the middle, sells above it, over the instruments in turn."""
    side = Side.SELL if number & 1 else Side.BUY
    away = number * 7_919 % LEVELS + 1
    price_e4 = (MIDDLE + away if side == Side.SELL else MIDDLE - away) * TICK_SIZE_E4
    time_in_force, terms, lease = TimeInForce.DAY, commands.PLAIN, ""
    if kind == GTC:
        time_in_force = TimeInForce.GTC
    elif kind == GTD_BY_TIME:
        time_in_force, terms = TimeInForce.GTD, Terms(expire_time_us=EXPIRES_US + number * 7_919 % 1_000_003)
    elif kind in LEASES:
        lease = lease_of(number % LEASES[kind])
    return commands.Place(
        account_of(number, kind), f"o{number}", DATE, (number + 1) * SPREAD & (1 << 128) - 1, number.to_bytes(16), 0, number + 1,
        1 << 60, price_e4, 200, SYMBOLS[number % len(SYMBOLS)], side, OrderType.LIMIT, time_in_force, price_e4, 10, 0,
        terms, lease,
    )  # fmt: skip


if __name__ == "__main__":
    options = argparse.ArgumentParser(prog="bench.engine.kinds", description=__doc__)
    options.add_argument("kind", choices=KINDS)
    options.add_argument("orders", type=int)
    asked = options.parse_args()
    sys.stdout.write(json.dumps(measured(asked.kind, asked.orders)))
