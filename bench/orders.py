"""Durable orders a second, from the SDK to the acknowledgement, with everything on this machine.

Beside it, in the same run: an empty gRPC echo of the same batches, and one client with one order in flight.
"""

import argparse
import asyncio
import time
from random import Random

from bench._conditions import conclude
from bench._echo import batched
from bench._exchange import PARTICIPANTS, Load, exchange, load, orders, processor_seconds, stage_seconds
from bourse_sdk.commands import Place
from cli.clients import broker
from cli.machine import Machine

ECHO_SECONDS = 4.0
ONE_BY_ONE_SECONDS = 4.0
WARM_UP_SECONDS = 3.0


async def measure(seconds: float, batch: int, in_flight: int, shards: int) -> None:
    echo_before = await batched(batch, ECHO_SECONDS / 2)
    async with exchange(shards) as (machine, staff):
        one_by_one = await single(machine)
        await load(machine, staff, seconds=WARM_UP_SECONDS, batch=batch, in_flight=in_flight)
        before, stages_before = processor_seconds(machine), stage_seconds(machine)
        done = await load(machine, staff, seconds=seconds, batch=batch, in_flight=in_flight, seed=2)
        spent = {name: used - before[name] for name, used in processor_seconds(machine).items()}
        waited = {name: used - stages_before[name] for name, used in stage_seconds(machine).items()}
    echo = (echo_before + await batched(batch, ECHO_SECONDS / 2)) / 2
    report(done, spent, waited, echo, one_by_one, batch, in_flight, shards)


async def single(machine: Machine) -> float:
    """Orders a second of one client that waits for each answer."""
    async with broker(machine, PARTICIPANTS[0]) as client:
        stream, answered = orders(PARTICIPANTS[0], Random(0)), 0
        start = time.perf_counter()
        while time.perf_counter() - start < ONE_BY_ONE_SECONDS:
            command = next(stream)
            assert isinstance(command, Place)
            await client.submit(command)
            answered += 1
        return answered / (time.perf_counter() - start)


def report(
    done: Load,
    spent: dict[str, float],
    waited: dict[str, float],
    echo: float,
    one_by_one: float,
    batch: int,
    in_flight: int,
    shards: int,
) -> None:
    rate = done.acknowledged / done.seconds
    micros = {name: round(used / done.acknowledged * 1e6, 1) for name, used in spent.items()}
    stages = {name: round(used / done.acknowledged * 1e6, 1) for name, used in waited.items()}
    conclude(
        "orders",
        [
            ("batch, sessions x submissions in flight", f"{batch}, {len(PARTICIPANTS)} x {in_flight}"),
            ("shards", shards),
            ("seconds", done.seconds),
            ("orders acknowledged", done.acknowledged),
            ("orders refused", done.refused),
            ("orders/s", rate),
            ("echo of the same batches/s", echo),
            ("one by one/s", one_by_one),
            ("ratio to echo (at least 0.015)", rate / echo),
            ("ratio to one by one (at least 10)", rate / one_by_one),
            ("worst lag of settlement, events", done.worst_lag),
            ("lag at the end, events", done.last_lag),
            *((f"processor time an order, {name}, us", used) for name, used in micros.items()),
            ("processor time an order, all, us", round(sum(micros.values()), 1)),
            *((f"wall time an order, {name}, us", used) for name, used in stages.items()),
        ],
        {
            "orders_per_second": round(rate, 1),
            "echo_per_second": round(echo, 1),
            "one_by_one_per_second": round(one_by_one, 1),
            "ratio_to_echo": round(rate / echo, 5),
            "ratio_to_one_by_one": round(rate / one_by_one, 2),
            "seconds": round(done.seconds, 2),
            "refused": done.refused,
            "worst_settlement_lag_events": done.worst_lag,
            "last_settlement_lag_events": done.last_lag,
            "processor_us_per_order": micros,
            "stage_us_per_order": stages,
        },
    )


if __name__ == "__main__":
    options = argparse.ArgumentParser(prog="bench.orders", description=__doc__)
    options.add_argument("--seconds", type=float, default=60.0, help="time of load (60)")
    options.add_argument("--batch", type=int, default=256, help="orders a submission (256)")
    options.add_argument("--in-flight", type=int, default=4, help="submissions under way in each session (4)")
    options.add_argument("--shards", type=int, default=1, help="shards of svc_match (1)")
    chosen = options.parse_args()
    asyncio.run(measure(chosen.seconds, chosen.batch, chosen.in_flight, chosen.shards))
