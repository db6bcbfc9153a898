"""The replay itself: one participant, several accounts on each side, one ordered session."""

import asyncio
import os
import signal
import time
from collections import deque
from dataclasses import dataclass, field

from rich.console import Console

from bourse.types.v1 import market_pb2
from bourse_sdk.client import Client
from bourse_sdk.commands import Cancel, Command, CommandResult, Outcome, Place, Replace, Side
from bourse_sdk.errors import Refusal
from bourse_sdk.operator import Operator
from cli.audit import Acknowledgement, Audit
from cli.clients import broker, operator
from cli.demo.run import restarts
from cli.machine import Machine, MachineError
from cli.opening import seen_open, today
from cli.reconcile.run import reconcile
from cli.reconcile.settled import wait_settled
from cli.replay.day import Action, Day, Step
from cli.report import Report, is_fault, latency

PARTICIPANT = "replay"
ACCOUNTS_A_SIDE = 4
CURRENCY = "EUR"
MAKER_FEE_E6 = 100
TAKER_FEE_E6 = 300
PART = 1024
PARTS_IN_FLIGHT = 4
GIVE_UP_SECONDS = 120.0
SETTLE_SECONDS = 120.0
RESTART_SECONDS = 60.0
POLL_SECONDS = 0.02
DIGITS = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZ"


@dataclass(frozen=True, slots=True)
class Plan:
    """Who is killed on the way, in turn."""

    victims: tuple[str, ...] = ()


@dataclass(slots=True)
class Tally:
    """What the session was told."""

    acknowledged: list[Acknowledgement] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    cancels: int = 0
    cancels_as_recorded: int = 0
    refusals: dict[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Market:
    """Where this replay trades: its own instrument, under ids of its own."""

    run: str
    symbol: str
    shard: int
    trading_date: int

    def id(self, line: int) -> str:
        return f"{self.run}-{line}"

    def account(self, step: Step) -> str:
        return f"{PARTICIPANT}/{'buyer' if step.buy else 'seller'}-{step.uid % ACCOUNTS_A_SIDE + 1}"

    def command(self, step: Step, placed: int) -> Command:
        """The step as a command; `placed` is the line that its order was placed in."""
        account, own = self.account(step), self.id(step.line)
        if step.action is Action.PLACE:
            side = Side.BUY if step.buy else Side.SELL
            return Place(account, self.symbol, side, step.quantity, step.price_e4, client_order_id=own)
        placed_as = self.id(placed)
        if step.action is Action.REDUCE:
            return Replace(account, step.price_e4, step.quantity, 0, placed_as, self.symbol, own)
        return Cancel(account, 0, placed_as, self.symbol, own)


async def run(machine: Machine, day: Day, plan: Plan, console: Console) -> Report:
    """The whole replay. Raises Refusal, Unreachable, TimeoutError and MachineError."""
    _check(machine, plan)
    restarts_before = restarts(machine)
    async with (
        operator(machine, give_up_seconds=GIVE_UP_SECONDS) as staff,
        broker(machine, PARTICIPANT, give_up_seconds=GIVE_UP_SECONDS) as client,
    ):
        begin = {shard: state.sequence for shard, state in (await staff.shard_states()).items()}
        market = await open_market(staff, client, day)
        console.print(f"{len(day.steps):,} commands in {market.symbol} on shard {market.shard}", highlight=False)
        tally = Tally()
        seconds = await send(machine, client, day, market, plan, tally, console)
        console.print("Order entry has stopped; waiting for settlement")
        await wait_settled(machine.home.folder, SETTLE_SECONDS)
        audit = await audited(staff, market, begin[market.shard])
    console.print("Reconciling")
    reconciliation = await reconcile(machine.home.folder)
    return Report(
        orders_acknowledged=len(tally.milliseconds),
        orders_rejected=sum(tally.refusals.values()),
        fills=audit.fills,
        shares=audit.shares,
        cancels=tally.cancels,
        cancels_with_expected_quantity=tally.cancels_as_recorded,
        orders_failed=sum(count for reason, count in tally.refusals.items() if is_fault(reason)),
        acknowledged_lost=sum(1 for _ in audit.lost(tally.acknowledged)),
        acknowledged_doubled=len(audit.doubled()),
        reconciliation_breaks=reconciliation.broken,
        orders_per_second=round(len(tally.milliseconds) / seconds, 1),
        latency_ms=latency(tally.milliseconds),
        restarts=restarts(machine) - restarts_before,
        seconds=round(seconds, 2),
        problems=tuple(problems(day, tally, audit)),
    )


async def open_market(staff: Operator, client: Client, day: Day) -> Market:
    """An instrument of its own, accounts with all that the day's orders could need, and a trading date."""
    states = await staff.shard_states()
    run_id = _base36(time.time_ns() // 1_000_000)
    shard = min(states)
    market = Market(run_id, f"RP{run_id}", shard, await open_date(staff, day.date))
    await staff.create_participant(PARTICIPANT)
    await staff.add_instrument(instrument(day, market))
    for (account, asset), amount in needs(day, market).items():
        await staff.create_account(account)
        await staff.deposit(f"{run_id}-{account.partition('/')[2]}", account, asset, amount)
    sequences = await staff.set_phase(market_pb2.PHASE_OPEN, market.symbol)
    await seen_open(client, [market.symbol], market.trading_date)
    positions = [market_pb2.ShardSequence(shard=at, sequence=sequence) for at, sequence in sequences.items()]
    async for _ in client.list_orders(symbol=market.symbol, min_sequences=positions):
        pass
    return market


async def open_date(staff: Operator, recorded: int) -> int:
    """The trading date that is open; where none is, the recorded one is opened, or today's if that is past."""
    date = max(state.trading_date for state in (await staff.shard_states()).values())
    try:
        await staff.open_date(date or recorded)
    except Refusal as refusal:
        if refusal.reason != "TRADING_DATE_PAST":
            raise
        date = today()
        await staff.open_date(date)
    return date or recorded


def instrument(day: Day, market: Market) -> market_pb2.Instrument:
    """Limits that the day's orders fit in."""
    return market_pb2.Instrument(
        symbol=market.symbol,
        currency=CURRENCY,
        tick_size_e4=day.tick_size_e4,
        lot_size=1,
        min_price_e4=day.tick_size_e4,
        max_price_e4=day.highest_price_e4,
        max_quantity=day.largest_quantity,
        maker_fee_e6=MAKER_FEE_E6,
        taker_fee_e6=TAKER_FEE_E6,
        shard=market.shard,
    )


def needs(day: Day, market: Market) -> dict[tuple[str, str], int]:
    """What each account needs for all of its orders at once."""
    found: dict[tuple[str, str], int] = {}
    for step in day.steps:
        if step.action is Action.PLACE:
            key = market.account(step), CURRENCY if step.buy else market.symbol
            amount = step.price_e4 * step.quantity
            worst = amount + amount * TAKER_FEE_E6 // 1_000_000 + 1 if step.buy else step.quantity
            found[key] = found.get(key, 0) + worst
    return found


async def send(
    machine: Machine, client: Client, day: Day, market: Market, plan: Plan, tally: Tally, console: Console
) -> float:
    """Sends all steps in their order, PARTS_IN_FLIGHT parts at a time; returns the seconds that it took."""
    start = time.perf_counter()
    in_flight: deque[asyncio.Task[None]] = deque()
    killers = deque(
        (len(day.steps) * (number + 1) // (len(plan.victims) + 1), victim) for number, victim in enumerate(plan.victims)
    )
    told = start
    for position in range(0, len(day.steps), PART):
        in_flight.append(asyncio.create_task(_send_part(client, day, market, position, tally)))
        if killers and position >= killers[0][0]:
            victim = killers.popleft()[1]
            console.print(f"kill -9 {victim} (process {await kill(machine, victim)}) while orders go in")
        while len(in_flight) >= PARTS_IN_FLIGHT:
            await in_flight.popleft()
        if time.perf_counter() - told >= 1:
            told = time.perf_counter()
            console.print(f"  {len(tally.milliseconds):,} of {len(day.steps):,} answered", highlight=False)
    await asyncio.gather(*in_flight)
    return time.perf_counter() - start


async def _send_part(client: Client, day: Day, market: Market, position: int, tally: Tally) -> None:
    steps = day.steps[position : position + PART]
    commands = [market.command(step, day.placed[step.uid]) for step in steps]
    start = time.perf_counter()
    results = await client.submit_many(commands)
    milliseconds = (time.perf_counter() - start) * 1000
    for step, command, result in zip(steps, commands, results, strict=True):
        _record(step, command, result, milliseconds, market, tally)


def _record(
    step: Step, command: Command, result: CommandResult, milliseconds: float, market: Market, tally: Tally
) -> None:
    if result.refusal is not None:
        tally.refusals[result.refusal.reason] = tally.refusals.get(result.refusal.reason, 0) + 1
    if not result.sequence:
        return
    tally.milliseconds.append(milliseconds)
    tally.acknowledged.append(
        Acknowledgement(command.account, result.client_order_id, int(result.outcome), market.shard, result.sequence)
    )
    if step.action is Action.CANCEL and result.outcome is Outcome.CANCELLED:
        tally.cancels += 1
        tally.cancels_as_recorded += result.quantity == step.expected


async def kill(machine: Machine, name: str) -> int:
    """Ends a process without warning, waiting for one that is just being started; its id."""
    async with asyncio.timeout(RESTART_SECONDS):
        while True:
            state = machine.state()
            if state is None:
                raise MachineError("the exchange has stopped")
            process = state.process(name)
            if process.pid and process.ready:
                os.kill(process.pid, signal.SIGKILL)
                return process.pid
            await asyncio.sleep(POLL_SECONDS)


async def audited(staff: Operator, market: Market, begin: int) -> Audit:
    """What the journal says of this replay's instrument."""
    audit = Audit(symbol=market.symbol)
    end = (await staff.shard_states())[market.shard].sequence
    async for batch in staff.executions(market.shard, begin + 1, end):
        audit.fold(batch)
    return audit


def problems(day: Day, tally: Tally, audit: Audit) -> list[str]:
    """Where the exchange and the file's own book differ."""
    pairs = {
        "fills": (audit.fills, day.fills),
        "shares": (audit.shares, day.shares),
        "open orders at the end": (len(audit.open_orders), day.open_orders),
        "cancels with the recorded quantity": (
            tally.cancels_as_recorded,
            sum(step.action is Action.CANCEL for step in day.steps),
        ),
    }
    found = [f"{name}: {got:,}, by the file {wanted:,}" for name, (got, wanted) in pairs.items() if got != wanted]
    return found + [f"{count:,} commands were refused: {reason}" for reason, count in tally.refusals.items()]


def _check(machine: Machine, plan: Plan) -> None:
    state = machine.state()
    if state is None:
        raise MachineError("no exchange is running")
    names = [process.name for process in state.processes]
    for victim in plan.victims:
        if victim not in names:
            raise MachineError(f"--kill {victim}: there is no such process; there are {', '.join(names)}")


def _base36(number: int) -> str:
    """Eight digits of 0-9 and A-Z."""
    digits = ""
    for _ in range(8):
        number, digit = divmod(number, len(DIGITS))
        digits = DIGITS[digit] + digits
    return digits
