"""The session itself: each agent a client of its own, until order entry is told to stop."""

import asyncio
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from bourse.types.v1 import market_pb2
from bourse_sdk.client import Client
from bourse_sdk.commands import Cancel, Command, CommandResult, MassCancel, Outcome, Place
from bourse_sdk.errors import OutcomeUnknown
from bourse_sdk.quotes import MassQuote
from chassis.units import shard_of
from cli.audit import Acknowledgement
from cli.demo.agents import Agent, Top, Wish, Working
from cli.demo.screen import Market, Rates
from cli.report import is_fault

STEP_SECONDS = 0.05
Sent = TypeVar("Sent", bound=Command)


@dataclass(slots=True)
class Tally:
    """What all agents were told together."""

    acknowledged: list[Acknowledgement] = field(default_factory=list)
    milliseconds: list[float] = field(default_factory=list)
    refused: Counter[str] = field(default_factory=Counter)
    unanswered: int = 0
    cancelled: dict[int, int] = field(default_factory=dict)
    problems: list[str] = field(default_factory=list)

    @property
    def refusals(self) -> int:
        return sum(self.refused.values())

    @property
    def failed(self) -> int:
        """How many commands were never answered, or by a fault of the exchange."""
        return self.unanswered + sum(count for reason, count in self.refused.items() if is_fault(reason))


async def enter(client: Client, orders: Sequence[Place], tally: Tally) -> None:
    """Places orders that no agent remembers."""
    for order, result in await answered(client, orders, tally):
        if result.refusal is not None:
            tally.refused[result.refusal.reason] += 1
        tally.acknowledged += told(order, result)


async def answered(client: Client, commands: Sequence[Sent], tally: Tally) -> list[tuple[Sent, CommandResult]]:
    """Sends the commands; each that was answered, with its result."""
    try:
        results = await client.submit_many(commands)
    except OutcomeUnknown as unknown:
        results = list(unknown.results)
        tally.unanswered += len(commands) - len(results)
    return list(zip(commands, results, strict=False))


async def trade(
    agent: Agent, client: Client, tops: dict[str, Top], tally: Tally, rates: Rates, stop: asyncio.Event
) -> None:
    """Steps the agent until `stop`; every command that it sent is answered when this returns."""
    while not stop.is_set():
        if wishes := list(agent.step(tops)):
            start = time.perf_counter()
            results = await answered(client, [wish.command for wish in wishes], tally)
            taken = (time.perf_counter() - start) * 1000
            for wish, (_, result) in zip(wishes, results, strict=False):
                record(agent, wish, result, taken, tally, rates)
        await asyncio.sleep(STEP_SECONDS)


def record(agent: Agent, wish: Wish, result: CommandResult, milliseconds: float, tally: Tally, rates: Rates) -> None:
    """Notes one answer: for the report, for the screen, and what the agent remembers."""
    reason = result.refusal.reason if result.refusal else ""
    if wish.expected_reason and wish.expected_reason != reason:
        tally.problems.append(f"{wish.command} was to be refused for {wish.expected_reason}, and was not: {result}")
    if reason:
        tally.refused[reason] += 1
        rates.refused += 1
    on_record = told(wish.command, result)
    if on_record and result.outcome is not Outcome.REJECTED:
        rates.acknowledged += 1
        tally.milliseconds.append(milliseconds)
        remember(agent, wish.command, result)
    tally.acknowledged += on_record
    if result.outcome is Outcome.CANCELLED and result.order_id:
        tally.cancelled[result.order_id] = result.quantity


def told(command: Command, result: CommandResult) -> list[Acknowledgement]:
    """What the journals must have of the command: on the shard of its order, or on each that it went to."""
    places = [(one.outcome, one.shard, one.sequence) for one in result.shards]
    places = places or [(result.outcome, shard_of(result.order_id), result.sequence)]
    return [Acknowledgement(command.account, result.client_order_id, *place) for place in places if place[-1]]


def remember(agent: Agent, command: Command, result: CommandResult) -> None:
    if isinstance(command, Cancel | MassCancel | MassQuote) or result.quantity == 0:
        return
    agent.working.append(Working(result.order_id, command.price_e4, command.quantity))


async def follow_tops(client: Client, symbols: Sequence[str], tops: dict[str, Top]) -> None:
    """Keeps the tops of book that the agents see."""
    async for top in client.watch_top(symbols):
        tops[top.position.symbol] = Top(top.bid.price_e4, top.ask.price_e4)


async def follow_depth(client: Client, symbol: str, market: Market) -> None:
    """Keeps one book of the screen."""
    bids: dict[int, int] = {}
    asks: dict[int, int] = {}
    async for change in client.watch_depth(symbol):
        if change.snapshot:
            bids.clear()
            asks.clear()
        for side, levels in ((bids, change.bids), (asks, change.asks)):
            for level in levels:
                side[level.price_e4] = level.quantity
                if not level.quantity:
                    del side[level.price_e4]
        market.bids[symbol] = sorted(bids.items(), reverse=True)
        market.asks[symbol] = sorted(asks.items())


async def follow_trades(client: Client, symbol: str, market: Market) -> None:
    """Keeps the tape of the screen."""
    async for seen in client.watch_trades(symbol):
        market.trades += 1
        market.tape.append((symbol, seen.price_e4, seen.quantity, seen.taker_side == market_pb2.SIDE_BUY))
