"""svc_match as a process: what it acknowledges is in the journal, whatever dies."""

from bourse.types.v1 import market_pb2
from cli.machine import Machine
from tests.servers import Database
from tests.svc_match.shard import cancel, outcomes, place, running

BUY, SELL = market_pb2.SIDE_BUY, market_pb2.SIDE_SELL


async def test_orders_trade_and_survive_a_kill(machine: Machine, postgres: Database) -> None:
    """What was acknowledged before a kill is there after it, and a resend gets the first result."""
    async with running(machine, postgres) as process:
        await process.open("ACME")
        orders = [place("ACME", SELL, 10_000, 5), place("ACME", BUY, 10_000, 3), place("ACME", BUY, 9_900, 4)]
        first = await process.submit(*orders)
        assert outcomes(first) == ["ACCEPTED"] * 3
        before = await process.state()
        assert before.open_orders == 2
        process.kill()
        await process.start()
        after = await process.state()
        assert after.epoch == before.epoch + 1
        assert after.sequence > before.sequence
        assert list(await process.submit(*orders)) == list(first)
        assert outcomes(await process.submit(cancel(first[2].order_id))) == ["CANCELLED"]
