"""A throwaway exchange under load: sessions of batched orders, and what each process spends on them."""

import asyncio
import tempfile
import time
import urllib.request
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from random import Random

import psutil
from prometheus_client.parser import text_string_to_metric_families

from bourse_sdk.client import Client
from bourse_sdk.commands import Command, CommandResult, Outcome, Place, Side
from bourse_sdk.operator import Operator
from cli.clients import broker, operator
from cli.demo.run import instrument
from cli.machine import Machine
from cli.opening import Endowment, open_market, seen_open, today

SYMBOLS = ("ACME", "BOLT")
PARTICIPANTS = ("alpha", "beta", "gamma", "delta")
PLENTY = 10**15
MIDDLE_E4, TICK_E4, BAND_TICKS, LOT = 50_0000, 100, 3, 10
SAMPLE_SECONDS = 1.0
STAGES = {
    "order_stage_seconds_sum": "",
    "match_stage_seconds_sum": "",
    "ledger_hold_seconds_sum": "hold",
    "ledger_settle_seconds_sum": "settle",
}


@dataclass(slots=True)
class Load:
    """What a load did: orders acknowledged, in how many seconds, and the worst lag of settlement in events."""

    acknowledged: int = 0
    refused: int = 0
    seconds: float = 0.0
    worst_lag: int = 0
    last_lag: int = 0


@asynccontextmanager
async def exchange(shards: int = 1, *, mesh: bool = False) -> AsyncIterator[tuple[Machine, Operator]]:
    """A running exchange with an open market and rich participants, gone with the block. Without `mesh` its services are
    dialled themselves.
    """
    with tempfile.TemporaryDirectory(prefix="bourse-bench-") as folder:
        machine = Machine(Path(folder) / "home")
        try:
            await asyncio.to_thread(machine.start, shards=shards, mesh=mesh, leash=True)
            async with operator(machine) as staff:
                endowment = Endowment(
                    [account(name) for name in PARTICIPANTS], {"EUR": PLENTY, **dict.fromkeys(SYMBOLS, PLENTY)}
                )
                instruments = [instrument(symbol, number % shards) for number, symbol in enumerate(SYMBOLS)]
                await open_market(staff, instruments, [endowment], today())
                async with broker(machine, PARTICIPANTS[0]) as client:
                    await seen_open(client, SYMBOLS, today())
                yield machine, staff
        finally:
            await asyncio.to_thread(machine.stop)
            machine.home.remove()


def account(participant: str) -> str:
    return f"{participant}/main"


def orders(participant: str, random: Random, band_ticks: int = BAND_TICKS) -> Iterator[Command]:
    """Limit orders within a few ticks of one price, so that about half of them trade at once. At one price alone nearly all
    of them finish.
    """
    while True:
        yield Place(
            account(participant),
            random.choice(SYMBOLS),
            random.choice((Side.BUY, Side.SELL)),
            LOT * random.randint(1, 10),
            MIDDLE_E4 + TICK_E4 * random.randint(-band_ticks, band_ticks),
        )


async def load(
    machine: Machine,
    staff: Operator,
    *,
    seconds: float,
    batch: int,
    in_flight: int,
    seed: int = 1,
    band_ticks: int = BAND_TICKS,
) -> Load:
    """All participants at once, each with `in_flight` submissions of `batch` orders under way, for `seconds`."""
    done, until = Load(), time.monotonic() + seconds
    start = time.monotonic()
    watch = asyncio.create_task(watch_lag(staff, done))
    async with asyncio.TaskGroup() as tasks:
        for participant in PARTICIPANTS:
            stream = orders(participant, Random(f"{seed}/{participant}"), band_ticks)
            tasks.create_task(one_session(machine, participant, until, batch, in_flight, stream, done))
    done.seconds = time.monotonic() - start
    watch.cancel()
    await sample_lag(staff, done)
    return done


async def one_session(
    machine: Machine, participant: str, until: float, batch: int, in_flight: int, stream: Iterator[Command], done: Load
) -> None:
    async with broker(machine, participant) as client, asyncio.TaskGroup() as tasks:
        for _ in range(in_flight):
            tasks.create_task(one_lane(client, stream, until, batch, done))


async def one_lane(client: Client, stream: Iterator[Command], until: float, batch: int, done: Load) -> None:
    while time.monotonic() < until:
        count(await client.submit_many([next(stream) for _ in range(batch)]), done)


def count(results: list[CommandResult], done: Load) -> None:
    accepted = sum(result.outcome is Outcome.ACCEPTED for result in results)
    done.acknowledged += accepted
    done.refused += len(results) - accepted


async def watch_lag(staff: Operator, done: Load) -> None:
    while True:
        await asyncio.sleep(SAMPLE_SECONDS)
        await sample_lag(staff, done)


async def sample_lag(staff: Operator, done: Load) -> None:
    """How many events settlement is behind the journal, over all shards."""
    settled = {entry.position.shard: entry.position.sequence for entry in await staff.settlement()}
    states = await staff.shard_states()
    done.last_lag = sum(max(0, state.sequence - settled.get(shard, 0)) for shard, state in states.items())
    done.worst_lag = max(done.worst_lag, done.last_lag)


def processor_seconds(machine: Machine) -> dict[str, float]:
    """Processor time so far of each process of the exchange with its children, and of this one (the clients)."""
    spent = {"clients": sum(psutil.Process().cpu_times()[:2])}
    for name, process in processes(machine):
        family = [process, *process.children(recursive=True)]
        spent[name] = sum(sum(member.cpu_times()[:2]) for member in family)
    return spent


def stage_seconds(machine: Machine) -> dict[str, float]:
    """Wall time so far of each stage of an order, by the services' own metrics: what a batch waits for, over all batches."""
    spent: dict[str, float] = {}
    state = machine.state()
    assert state is not None, "the exchange has stopped"
    for process in state.processes:
        if process.metrics:
            with urllib.request.urlopen(f"http://{process.metrics}/metrics", timeout=5) as answer:
                families = text_string_to_metric_families(answer.read().decode())
            for sample in (sample for family in families for sample in family.samples):
                if sample.name in STAGES:
                    stage = sample.labels.get("stage", "")
                    spent[f"{process.name} {STAGES[sample.name]}{stage}"] = sample.value
    return spent


def resident_bytes(machine: Machine) -> dict[str, int]:
    """Memory of each process of the exchange; PostgreSQL's and NATS's own are theirs to bound, and shown too."""
    return {name: process.memory_info().rss for name, process in processes(machine)}


def processes(machine: Machine) -> Iterator[tuple[str, psutil.Process]]:
    state = machine.state()
    assert state is not None, "the exchange has stopped"
    for process in state.processes:
        yield process.name, psutil.Process(process.pid)
