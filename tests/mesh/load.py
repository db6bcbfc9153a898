"""Orders without an end, while something happens: every one is answered, accepted, and on record once."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

from bourse.types.v1 import market_pb2
from bourse_sdk import Client, Side
from bourse_sdk.commands import CommandResult, Outcome, Place
from cli import clients
from tests.exchange import Exchange

BATCH = 10
PAUSE_SECONDS = 0.03
GIVE_UP_SECONDS = 90.0  # Longer than a start takes on a busy machine.
PRICE_E4 = 10_0000  # Below everything: they rest, and nothing trades.


@dataclass
class Load:
    """What was answered."""

    client: Client
    account: str
    results: list[CommandResult] = field(default_factory=list)
    running: bool = True

    async def run(self) -> None:
        while self.running:
            orders = [Place(self.account, "ACME", Side.BUY, 1, PRICE_E4) for _ in range(BATCH)]
            self.results += await self.client.submit_many(orders)
            await asyncio.sleep(PAUSE_SECONDS)

    async def more(self, count: int = 5 * BATCH) -> None:
        """Returns when that many further orders were answered."""
        wanted = len(self.results) + count
        async with asyncio.timeout(GIVE_UP_SECONDS):
            while len(self.results) < wanted:
                await asyncio.sleep(PAUSE_SECONDS)

    async def check(self) -> None:
        """Nothing failed, and what was accepted is on record exactly once."""
        assert {result.outcome for result in self.results} == {Outcome.ACCEPTED}
        accepted = [result.order_id for result in self.results]
        last = max(result.sequence for result in self.results)
        seen = market_pb2.ShardSequence(shard=0, sequence=last)
        recorded = [one.order_id async for one in self.client.list_orders(account=self.account, min_sequences=[seen])]
        assert sorted(recorded) == sorted(accepted)


@asynccontextmanager
async def under_load(exchange: Exchange) -> AsyncIterator[Load]:
    """A broker's session that enters orders for as long as the block lasts; checked at its end."""
    account = await exchange.join()
    participant = account.partition("/")[0]
    async with clients.broker(exchange.machine, participant, give_up_seconds=GIVE_UP_SECONDS) as client:
        load = Load(client, account)
        work = asyncio.create_task(load.run())
        try:
            await load.more()
            yield load
            await load.more()
        finally:
            load.running = False
            await work
        await load.check()
