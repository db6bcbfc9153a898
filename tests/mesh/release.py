"""A release while orders go in: a service's second version gets its share step by step, and streams move with it."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from cli.machine.mesh.mesh import Mesh
from mesh.local.admin import Admin, Unreachable
from tests.exchange import Exchange
from tests.mesh.sessions import Sessions, Wrong

STEPS = (0, 10, 50, 100, 0)
STABLE, CANARY = "stable", "canary"
MOVED_SECONDS = 60.0
SETTLE_SECONDS = 1.0
LOOK_SECONDS = 0.2
FEW = "svc_ledger"  # svc_order has one stream of holds a ring, and soon another one: its share is that of many looks.


@dataclass
class Step:
    """One weight of the second version, in per cent, and what came of it. Shares are the second version's, 0 to 1."""

    weight: int
    milliseconds: float = 0.0
    moved: int = 0
    streams: list[float] = field(default_factory=list)  # its share of the open ones, at each look
    messages: float = 0.0
    acknowledged: int = 0
    seconds: float = 0.0
    wrong: Wrong = field(default_factory=Wrong)

    @property
    def share(self) -> float:
        return sum(self.streams) / max(1, len(self.streams))

    @property
    def orders_per_second(self) -> float:
        return self.acknowledged / self.seconds


async def release(
    exchange: Exchange,
    service: str,
    folder: Path,
    *,
    steps: Sequence[int] = STEPS,
    seconds: float,
    sessions: int,
    orders_per_second: float,
) -> list[Step]:
    """Starts the version in `folder` beside the stable one, goes through the steps, `seconds` each, and ends it."""
    mesh = exchange.machine.mesh
    await asyncio.to_thread(mesh.add_version, service, CANARY, folder)
    brokers = Sessions(
        exchange, sessions, orders_per_second, copied=service == "svc_order", read=service == "svc_quote"
    )
    done: list[Step] = []
    try:
        async with brokers:
            for number, weight in enumerate(steps, 1):
                brokers.step = number
                done.append(await one_step(mesh, service, done[-1].weight if done else 0, Step(weight), seconds))
            await brokers.stop()
            before, *wrong = await brokers.judge(len(done) + 1)
            if not before.none:
                raise RuntimeError(f"before the first step: {before}")
            for number, step in enumerate(done, 1):
                step.acknowledged, step.wrong = brokers.acknowledged(number), wrong[number - 1]
    finally:
        await asyncio.to_thread(mesh.weigh, service, {STABLE: 100})
        await asyncio.to_thread(mesh.remove_version, service, CANARY)
    return done


async def one_step(mesh: Mesh, service: str, before: int, step: Step, seconds: float) -> Step:
    began = time.monotonic()
    step.milliseconds = await asyncio.to_thread(mesh.weigh, service, {STABLE: 100 - step.weight, CANARY: step.weight})
    step.moved += await move(mesh, service, before, step.weight)
    if step.weight in (0, 100):
        await all_moved(mesh, service, STABLE if step.weight else CANARY)
    await asyncio.sleep(SETTLE_SECONDS)
    counted = await messages(mesh, service)
    while time.monotonic() < began + seconds:
        await asyncio.sleep(LOOK_SECONDS)
        open_now = await counts(mesh, service, "upstream_rq_active")
        if total := sum(open_now.values()):
            step.streams.append(open_now[CANARY] / total)
    since = await messages(mesh, service)
    since.subtract(counted)
    step.messages = since[CANARY] / max(1, sum(since.values()))
    step.seconds = time.monotonic() - began
    return step


async def move(mesh: Mesh, service: str, before: int, weight: int) -> int:
    """Tells as many streams to move as bring the second version from one share to the other: those that are told go where
    the weights send them, and some come back. How many were told.
    """
    if weight == before:
        return 0
    subset, held, wanted = (STABLE, 100 - before, weight) if weight > before else (CANARY, before, 100 - weight)
    share = min(1.0, 100 * abs(weight - before) / (held * wanted))
    return await asyncio.to_thread(mesh.drain, service, subset, share)


async def all_moved(mesh: Mesh, service: str, away_from: str) -> None:
    async with asyncio.timeout(MOVED_SECONDS):
        while (await counts(mesh, service, "upstream_rq_active"))[away_from]:
            await asyncio.sleep(LOOK_SECONDS)


async def messages(mesh: Mesh, service: str) -> Counter[str]:
    """How many went to and came from each version so far."""
    return await counts(mesh, service, "grpc.re.*_message_count")


async def counts(mesh: Mesh, service: str, name: str) -> Counter[str]:
    """By version, over all Envoys that call the service."""
    return await asyncio.to_thread(count, mesh, service, name)


def count(mesh: Mesh, service: str, name: str) -> Counter[str]:
    found: Counter[str] = Counter()
    pattern = rf"^cluster\.outbound\|50051\|[a-z]*\|{service.replace('_', '-')}\..*\.{name}$"
    for place in mesh.places:
        try:
            counters = Admin(place.admin).counters(pattern)
        except Unreachable:
            continue
        for counter, value in counters.items():
            found[counter.split("|")[2]] += value
    return found
