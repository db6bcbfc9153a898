"""Brokers at work during a release: what each was answered and read, by the step it came in, and what of it is wrong."""

import asyncio
import itertools
import time
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack, suppress
from dataclasses import dataclass, field
from typing import Any

from bourse.order.v1 import order_pb2
from bourse.types.v1 import market_pb2
from bourse_sdk import Client, Side
from bourse_sdk.commands import CommandResult, Outcome, Place
from cli import clients
from tests.exchange import SYMBOLS, Exchange

BATCH = 4
PRICE_E4 = 50_0000  # Half of the sessions buy at it, half sell: every order trades, and no book grows.
GIVE_UP_SECONDS = 60.0
CAUGHT_UP_SECONDS = 60.0
RINGS = ("general", "early")


@dataclass
class Wrong:
    """Of one step: what failed, is lost, doubled, or out of order."""

    failed: int = 0
    lost: int = 0
    doubled: int = 0
    disordered: int = 0

    @property
    def none(self) -> bool:
        return not any((self.failed, self.lost, self.doubled, self.disordered))


@dataclass
class Session:
    """One broker: orders at a pace, its drop copy, and the tape of its symbol. `step` says which one it is now."""

    client: Client
    account: str
    symbol: str
    side: Side
    step: Callable[[], int]
    answers: list[tuple[int, CommandResult]] = field(default_factory=list)
    copied: list[tuple[int, int]] = field(default_factory=list)  # step and order_id of each order in the drop copy
    tape: list[tuple[int, int]] = field(default_factory=list)  # step and symbol_sequence of each trade

    async def trade(self, orders_per_second: float, stopping: asyncio.Event) -> None:
        """Sends a batch whenever one is due, and does not wait for its answers with the next one; then waits for all."""
        due = time.monotonic()
        async with asyncio.TaskGroup() as tasks:
            while not stopping.is_set():
                tasks.create_task(self.send())
                due = max(due + BATCH / orders_per_second, time.monotonic() - 1)
                await asyncio.sleep(max(0, due - time.monotonic()))

    async def send(self) -> None:
        orders = [Place(self.account, self.symbol, self.side, 1, PRICE_E4) for _ in range(BATCH)]
        results = await self.client.submit_many(orders)
        self.answers += [(self.step(), result) for result in results]

    async def copy(self) -> None:
        async for response in self.client.watch_orders():
            for update in response.updates:
                if update.kind == order_pb2.UPDATE_KIND_ACCEPTED:
                    self.copied.append((self.step(), update.order_id))

    async def read(self) -> None:
        async for trade in self.client.watch_trades(self.symbol):
            self.tape.append((self.step(), trade.symbol_sequence))

    async def judge(self, wrong: Sequence[Wrong], *, copied: bool) -> None:
        """Adds what is wrong to its step: against the record, and against what the drop copy got."""
        accepted = [(step, one) for step, one in self.answers if one.outcome is Outcome.ACCEPTED]
        for step, one in self.answers:
            wrong[step].failed += one.outcome is not Outcome.ACCEPTED
        last = max(one.sequence for _, one in accepted)
        seen = market_pb2.ShardSequence(shard=SYMBOLS[self.symbol], sequence=last)
        recorded = [one async for one in self.client.list_orders(account=self.account, min_sequences=[seen])]
        names = Counter(one.client_order_id for one in recorded)
        ids = {one.order_id for one in recorded}
        for step, one in accepted:
            wrong[step].lost += one.order_id not in ids
            wrong[step].doubled += names[one.client_order_id] > 1
        wrong[-1].doubled += len(ids - {one.order_id for _, one in accepted})  # on record, and nobody was told
        disorder([(step, one.order_id) for step, one in accepted], wrong)
        if copied:
            await caught_up(lambda: len(self.copied) >= len(accepted))
            compare(self.copied, {one.order_id for _, one in accepted}, wrong)

    async def judge_tape(self, wrong: Sequence[Wrong], trades: set[int]) -> None:
        """Against all trades of the symbol since the first that it got."""
        first = self.tape[0][1]
        expected = {number for number in trades if number >= first}
        await caught_up(lambda: len(self.tape) >= len(expected))
        compare(self.tape, expected, wrong)

    async def trades_since(self, first: int) -> set[int]:
        """The symbol sequences of the trades from that one on."""
        found = set()
        async for trade in self.client.trades(self.symbol):
            if trade.symbol_sequence < first:
                break
            found.add(trade.symbol_sequence)
        return found


def compare(got: Sequence[tuple[int, int]], expected: set[int], wrong: Sequence[Wrong]) -> None:
    """What a reader got, against what there is."""
    counts = Counter(number for _, number in got)
    for step, number in got:
        wrong[step].doubled += counts[number] > 1
    wrong[-1].lost += len(expected - counts.keys())
    disorder(got, wrong)


def disorder(numbered: Sequence[tuple[int, int]], wrong: Sequence[Wrong]) -> None:
    for (_, before), (step, number) in itertools.pairwise(numbered):
        wrong[step].disordered += number < before


async def caught_up(condition: Callable[[], bool]) -> None:
    """Waits for readers; what they have not got by the end is lost."""
    with suppress(TimeoutError):
        async with asyncio.timeout(CAUGHT_UP_SECONDS):
            while not condition():
                await asyncio.sleep(0.01)


class Sessions:
    """`count` brokers, of both rings. As an async context manager they trade, each with answers already, which belong to step
    0; `judge` when they have stopped.
    """

    def __init__(self, exchange: Exchange, count: int, orders_per_second: float, *, copied: bool, read: bool) -> None:
        self.step = 0
        self._exchange = exchange
        self._count = count
        self._pace = orders_per_second / count
        self._copied, self._read = copied, read
        self._sessions: list[Session] = []
        self._stack = AsyncExitStack()
        self._stopping = asyncio.Event()
        self._trading: list[asyncio.Task[None]] = []
        self._readers: list[asyncio.Task[None]] = []

    def acknowledged(self, step: int) -> int:
        """Orders that were accepted in the step."""
        return sum(at == step and one.ok for session in self._sessions for at, one in session.answers)

    async def __aenter__(self) -> "Sessions":
        for number in range(self._count):
            account = await self._exchange.join()
            symbol, side = sorted(SYMBOLS)[number // 2 % 2], (Side.BUY, Side.SELL)[number % 2]
            client = await self._stack.enter_async_context(self._client(account, RINGS[number // 4 % 2]))
            self._sessions.append(Session(client, account, symbol, side, lambda: self.step))
        for one in self._sessions:
            if self._copied:
                self._readers.append(asyncio.create_task(one.copy()))
            if self._read:
                self._readers.append(asyncio.create_task(one.read()))
            self._trading.append(asyncio.create_task(one.trade(self._pace, self._stopping)))
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while not all(one.answers for one in self._sessions):
                await asyncio.sleep(0.01)
        return self

    async def stop(self) -> None:
        """No more orders; returns when all are answered."""
        self._stopping.set()
        await asyncio.gather(*self._trading)

    async def judge(self, steps: int) -> list[Wrong]:
        """What was wrong in each step."""
        wrong = [Wrong() for _ in range(steps)]
        for one in self._sessions:
            await one.judge(wrong, copied=self._copied)
        if self._read:
            await self._judge_tapes(wrong)
        for reader in self._readers:
            if reader.done():  # It failed: it only ends when it is cancelled.
                wrong[-1].failed += 1
        return wrong

    async def _judge_tapes(self, wrong: Sequence[Wrong]) -> None:
        await caught_up(lambda: all(one.tape for one in self._sessions))
        for symbol in SYMBOLS:
            readers = [one for one in self._sessions if one.symbol == symbol]
            trades = await readers[0].trades_since(min(one.tape[0][1] for one in readers))
            for one in readers:
                await one.judge_tape(wrong, trades)

    async def __aexit__(self, *_: Any) -> None:
        self._stopping.set()
        for task in (*self._readers, *self._trading):
            task.cancel()
        await asyncio.gather(*self._readers, *self._trading, return_exceptions=True)
        await self._stack.aclose()

    def _client(self, account: str, ring: str) -> Client:
        participant, machine = account.partition("/")[0], self._exchange.machine
        token = machine.credentials.issue(participant, "broker", participant, ring=ring)
        return Client(**clients.doors(machine), token=token, give_up_seconds=GIVE_UP_SECONDS)
