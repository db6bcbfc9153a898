"""A whole exchange for one session: started, opened, traded on, hurt, settled, reconciled, judged, ended."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from random import Random

from rich.console import Console

from bourse.types.v1 import market_pb2
from bourse_sdk.operator import Operator
from chassis.units import PRICE_SCALE
from cli.audit import Audit
from cli.clients import broker, operator, running
from cli.demo import release
from cli.demo.agents import START_PRICES_E4, TICK_E4, Agent, Top, cast, drift
from cli.demo.auction import auction
from cli.demo.leaving import leave
from cli.demo.screen import Screen
from cli.demo.trading import Tally, follow_depth, follow_tops, follow_trades, trade
from cli.machine import Machine, MachineError
from cli.opening import Endowment, prepare_market, seen_open, today
from cli.reconcile.run import reconcile
from cli.reconcile.settled import wait_settled
from cli.report import Report, latency

CURRENCY = "EUR"
CASH_E4 = 50_000_000 * PRICE_SCALE
SHARES = 500_000
SETTLE_SECONDS = 60.0
VICTIMS = ("svc_match-0", "svc_ledger")
DRIFT_SECONDS = 0.25


@dataclass(frozen=True, slots=True)
class Plan:
    """What a session is to be."""

    seed: int
    seconds: float
    kill: bool
    release: bool


async def run(machine: Machine, plan: Plan, console: Console) -> Report:
    """One session on the exchange that runs in the machine's home. Raises Refusal, Unreachable and TimeoutError."""
    screen, tally = Screen(console), Tally()
    fair_e4 = dict(START_PRICES_E4)
    agents = cast(plan.seed, fair_e4)
    shards = running(machine).shards
    async with operator(machine) as staff:
        endowment = Endowment(
            [agent.account for agent in agents], {CURRENCY: CASH_E4, **dict.fromkeys(fair_e4, SHARES)}
        )
        instruments = [instrument(symbol, number % shards) for number, symbol in enumerate(sorted(fair_e4))]
        await prepare_market(staff, instruments, [endowment], today())
        await auction(machine, staff, agents, fair_e4, tally, market_pb2.AUCTION_KIND_OPENING)
        console.print(f"{len(agents)} participants trade {', '.join(sorted(fair_e4))} for {plan.seconds:.0f} s")
        await leave(machine, agents[0], fair_e4, tally)
        seconds, moved = await session(machine, plan, agents, screen, tally, fair_e4)
        await auction(machine, staff, agents, fair_e4, tally, market_pb2.AUCTION_KIND_CLOSING)
        console.print("Order entry has stopped after the closing auction; waiting for settlement")
        await wait_settled(machine.home.folder, SETTLE_SECONDS)
        audit = await audited(staff)
    console.print("Reconciling")
    reconciliation = await reconcile(machine.home.folder)
    problems = list(tally.problems) + [f"no trade in the session (seed {plan.seed})"] * (not audit.fills)
    problems += [f"an auction did not trade (seed {plan.seed})"] * (audit.auctioned < 2 * len(fair_e4))
    problems += [f"the exchange changed no order in the session (seed {plan.seed})"] * (not audit.restated)
    problems += [f"of {len(fair_e4)} orders of a client that was gone {audit.left} ended (seed {plan.seed})"] * (
        audit.left != len(fair_e4)
    )
    problems += [f"of {len(agents)} sessions {moved} streams moved there and back"] * (plan.release and not all(moved))
    return Report(
        orders_acknowledged=len(tally.milliseconds),
        orders_rejected=tally.refusals,
        fills=audit.fills,
        shares=audit.shares,
        cancels=len(tally.cancelled),
        cancels_with_expected_quantity=sum(
            audit.cancelled.get(order_id) == quantity for order_id, quantity in tally.cancelled.items()
        ),
        orders_failed=tally.failed,
        acknowledged_lost=sum(1 for _ in audit.lost(tally.acknowledged)),
        acknowledged_doubled=len(audit.doubled()),
        reconciliation_breaks=reconciliation.broken,
        orders_per_second=round(len(tally.milliseconds) / seconds, 1),
        latency_ms=latency(tally.milliseconds),
        restarts=restarts(machine),
        streams_moved=sum(moved),
        orders_restated=audit.restated,
        seconds=round(seconds, 2),
        problems=tuple(problems),
    )


async def session(
    machine: Machine, plan: Plan, agents: list[Agent], screen: Screen, tally: Tally, fair_e4: dict[str, int]
) -> tuple[float, tuple[int, ...]]:
    """Trades for the planned time; the seconds from the first order to the last answer, and the streams that moved."""
    stop, tops, symbols = asyncio.Event(), dict[str, Top](), sorted(fair_e4)
    async with contextlib.AsyncExitStack() as clients:
        watcher = await clients.enter_async_context(broker(machine, agents[0].name))
        await seen_open(watcher, symbols, today())
        entries = [
            await clients.enter_async_context(
                broker(machine, agent.name, cancel_on_disconnect_seconds=agent.lease_seconds)
            )
            for agent in agents
        ]
        start = time.monotonic()
        with screen.shown():
            async with asyncio.TaskGroup() as tasks:
                background = [
                    tasks.create_task(follow_tops(watcher, symbols, tops)),
                    tasks.create_task(tick(start, screen)),
                    tasks.create_task(move(fair_e4, Random(plan.seed))),  # noqa: S311  # a session is to be repeatable
                    *(tasks.create_task(follow_depth(watcher, symbol, screen.market)) for symbol in symbols),
                    *(tasks.create_task(follow_trades(watcher, symbol, screen.market)) for symbol in symbols),
                ]
                trading = [
                    tasks.create_task(trade(agent, client, tops, tally, screen.rates, stop))
                    for agent, client in zip(agents, entries, strict=True)
                ]
                moved = await incidents(machine, plan, screen)
                stop.set()
                await asyncio.gather(*trading)
                seconds = time.monotonic() - start
                for task in background:
                    task.cancel()
    return seconds, moved


async def incidents(machine: Machine, plan: Plan, screen: Screen) -> tuple[int, ...]:
    """The session's time, and in it what is planned: each victim's death, and between them a release there and back.

    How many streams moved each way.
    """

    async def die(victim: str) -> int:
        pid = kill(machine, victim)
        screen.tell(f"kill -9 {victim} (process {pid}) while orders go in")
        return 0

    first, second = ([partial(die, victim)] * plan.kill for victim in VICTIMS)
    moves = [partial(release.there, machine, screen), partial(release.back, machine, screen)] * plan.release
    planned = [*first, *moves, *second]
    pause, moved = plan.seconds / (len(planned) + 1), []
    for incident in planned:
        await asyncio.sleep(pause)
        moved.append(await incident())
    await asyncio.sleep(pause)
    return tuple(moved[len(first) : len(first) + len(moves)])


def kill(machine: Machine, name: str) -> int:
    """Ends a process of the exchange without warning; its id."""
    pid = running(machine).process(name).pid
    if pid:
        os.kill(pid, signal.SIGKILL)
    return pid


async def every(seconds: float, action: Callable[[], None]) -> None:
    while True:
        await asyncio.sleep(seconds)
        action()


def tick(start: float, screen: Screen) -> Coroutine[None, None, None]:
    return every(1.0, lambda: screen.refresh(time.monotonic() - start))


def move(fair_e4: dict[str, int], random: Random) -> Coroutine[None, None, None]:
    return every(DRIFT_SECONDS, lambda: drift(fair_e4, random))


async def audited(staff: Operator) -> Audit:
    """All that the journals hold, folded."""
    audit = Audit()
    for shard, state in (await staff.shard_states()).items():
        async for batch in staff.executions(shard, to_sequence=state.sequence):
            audit.fold(batch)
    return audit


def instrument(symbol: str, shard: int) -> market_pb2.Instrument:
    return market_pb2.Instrument(
        symbol=symbol,
        currency=CURRENCY,
        tick_size_e4=TICK_E4,
        lot_size=10,
        min_price_e4=TICK_E4,
        max_price_e4=1_000 * PRICE_SCALE,
        max_quantity=1_000_000,
        maker_fee_e6=100,
        taker_fee_e6=300,
        shard=shard,
    )


def restarts(machine: Machine) -> int:
    state = machine.state()
    return sum(process.restarts for process in state.processes) if state else 0


async def on_own_exchange(home: Path, work: Callable[[Machine], Awaitable[Report]], console: Console) -> Report:
    """Runs `work` on an exchange that is started in `home` for it, and is gone afterwards, whatever happens.

    Raises MachineError when one runs there already: it is somebody else's.
    """
    machine = Machine(home)
    if machine.occupied():
        raise MachineError(f"an exchange is already running in {home}: wait for it to end, or set BOURSE_HOME")
    machine.stop()  # what a crash has left
    machine.home.remove()
    try:
        await asyncio.to_thread(
            machine.start, leash=True, report=lambda name, s: console.print(f"  {name:<14} ready after {s:5.2f} s")
        )
        return await work(machine)
    finally:
        await asyncio.to_thread(machine.stop)
