"""What the mesh costs: a call and a message through two sidecars, orders through gateway and sidecars, a weight, memory.

Each beside the same without a mesh, in turn in one run. The promises: an echo takes at most 2.5 times the plain one at p50,
a streamed message 0.4 ms more; at least 0.8 of the orders a second; a weight acts within 50 ms, from the edit to the first
call that obeys; a sidecar takes less than 50 MB: what is its own, and its part of what all of them share (the program).
"""

import argparse
import asyncio
import time
from pathlib import Path
from statistics import median, quantiles

import psutil

from bench._conditions import conclude
from bench._exchange import PARTICIPANTS, Load, exchange, load, processes, processor_seconds
from bench._hops import Hops, pair, streamed, unary
from bourse_sdk.client import Client
from bourse_sdk.operator import Operator
from cli.clients import broker
from cli.machine import Machine
from cli.machine.mesh.pods import GATEWAY
from mesh.local.admin import Admin

MEGABYTE = 1_000_000
CHECKOUT = Path(__file__).resolve().parents[1]
SERVICE, CANARY = "svc_quote", "canary"
CALLS = r"^cluster\.outbound\|50051\|canary\|svc-quote\..*upstream_rq_total$"
WARM_UP_SECONDS = 3.0
ACT_SECONDS = 5.0


async def measure(options: argparse.Namespace) -> None:
    async with pair() as echoes:
        calls, messages = await unary(echoes, options.calls), await streamed(echoes, options.calls)
    async with exchange() as plain, exchange(mesh=True) as meshed:
        await rounds(plain, meshed, 1, WARM_UP_SECONDS, options)
        before = processor_seconds(meshed[0])
        without, through = await rounds(plain, meshed, options.rounds, options.seconds, options)
        spent = {name: used - before[name] for name, used in processor_seconds(meshed[0]).items()}
        held = {name: memory(process) for name, process in processes(meshed[0]) if process.name() == "envoy"}
        weights = await changes(meshed[0], options.changes)
    report(calls, messages, without, through, spent, held, weights)


async def rounds(
    plain: tuple[Machine, Operator],
    meshed: tuple[Machine, Operator],
    count: int,
    seconds: float,
    options: argparse.Namespace,
) -> tuple[list[Load], list[Load]]:
    """`count` loads of each exchange, in turn; in the other the clients are gone meanwhile."""
    done: tuple[list[Load], list[Load]] = [], []
    for number in range(count):
        for (machine, staff), loads in zip((plain, meshed), done, strict=True):
            loads.append(
                await load(
                    machine, staff, seconds=seconds, batch=options.batch, in_flight=options.in_flight, seed=number
                )
            )
    return done


async def changes(machine: Machine, count: int) -> list[float]:
    """Seconds from the edit of a weight to the first call that went where it says, over `count` changes there and back."""
    mesh, taken = machine.mesh, []
    gateway = next(Admin(place.admin) for place in mesh.places if place.process == GATEWAY)
    await asyncio.to_thread(mesh.add_version, SERVICE, CANARY, CHECKOUT)
    async with broker(machine, PARTICIPANTS[0]) as client:
        await client.instruments()
        for _ in range(count):
            before, start = went(gateway), time.perf_counter()
            changing = asyncio.create_task(asyncio.to_thread(mesh.weigh, SERVICE, {"stable": 0, CANARY: 100}))
            answered = await calls_until(changing, client)
            taken.append(answered[before - went(gateway)] - start)
            await asyncio.to_thread(mesh.weigh, SERVICE, {"stable": 100, CANARY: 0})
    await asyncio.to_thread(mesh.remove_version, SERVICE, CANARY)
    return taken


async def calls_until(changing: asyncio.Task[float], client: Client) -> list[float]:
    """When each call was answered, one after the other, up to one after the change. They have one connection and so one of the
    gateway's workers: those that went to the other version are the last ones.
    """
    answered = []
    async with asyncio.timeout(ACT_SECONDS):
        while True:
            last = changing.done()
            await client.instruments()
            answered.append(time.perf_counter())
            if last:
                await changing
                return answered


def went(gateway: Admin) -> int:
    """How many calls went to the other version so far."""
    return sum(gateway.counters(CALLS).values())


def memory(process: psutil.Process) -> tuple[float, float]:
    """Megabytes of its own with its part of what others have too (PSS), and all that is resident (RSS)."""
    found = process.memory_full_info()
    return found.pss / MEGABYTE, found.rss / MEGABYTE


def report(
    calls: Hops,
    messages: Hops,
    without: list[Load],
    through: list[Load],
    spent: dict[str, float],
    held: dict[str, tuple[float, float]],
    weights: list[float],
) -> None:
    echo, hop = median(calls.plain), median(calls.meshed)
    added = median(messages.meshed) - median(messages.plain)
    rates = [[one.acknowledged / one.seconds for one in loads] for loads in (without, through)]
    ratio = median(meshed / plain for plain, meshed in zip(*rates, strict=True))
    orders = sum(one.acknowledged for one in through)
    parts = {name: part for name, (part, _) in held.items()}
    resident = max(resident for _, resident in held.values())
    micros = {name: round(used / orders * 1e6, 1) for name, used in spent.items()}
    conclude(
        "mesh",
        [
            ("unary echo, p50 ms", echo * 1e3),
            ("through two sidecars, p50 ms", hop * 1e3),
            ("unary ratio (at most 2.5)", hop / echo),
            ("message on a stream, p50 ms", median(messages.plain) * 1e3),
            ("added by two sidecars, p50 ms (at most 0.4)", added * 1e3),
            ("orders/s without a mesh", median(rates[0])),
            ("orders/s through gateway and sidecars", median(rates[1])),
            ("orders ratio, median round (at least 0.8)", ratio),
            ("orders ratio of each round", ", ".join(f"{b / a:.2f}" for a, b in zip(*rates, strict=True))),
            ("orders refused", sum(one.refused for one in (*without, *through))),
            ("a weight acts, p50 ms (under 50)", median(weights) * 1e3),
            ("a weight acts, p90 ms", quantiles(weights, n=10)[-1] * 1e3),
            *((f"memory, {name}, MB (under 50)", part) for name, part in parts.items()),
            ("resident with the shared program, at most MB", resident),
            *((f"processor time an order, {name}, us", used) for name, used in micros.items()),
        ],
        {
            "echo_ms": round(echo * 1e3, 4),
            "echo_through_ms": round(hop * 1e3, 4),
            "unary_ratio": round(hop / echo, 3),
            "message_added_ms": round(added * 1e3, 4),
            "orders_per_second": [[round(rate, 1) for rate in way] for way in rates],
            "orders_ratio": round(ratio, 3),
            "weight_ms": [round(seconds * 1e3, 1) for seconds in weights],
            "sidecar_megabytes": {name: round(part, 1) for name, part in parts.items()},
            "sidecar_resident_megabytes": round(resident, 1),
            "processor_us_per_order": micros,
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(prog="bench.mesh", description=__doc__)
    parser.add_argument("--calls", type=int, default=3_000, help="echoes and messages, each way (3 000)")
    parser.add_argument("--rounds", type=int, default=4, help="loads of each exchange, in turn (4)")
    parser.add_argument("--seconds", type=float, default=10.0, help="of a load (10)")
    parser.add_argument("--batch", type=int, default=256, help="orders a submission (256)")
    parser.add_argument("--in-flight", type=int, default=4, help="submissions under way in each session (4)")
    parser.add_argument("--changes", type=int, default=10, help="of a weight (10)")
    asyncio.run(measure(parser.parse_args()))
