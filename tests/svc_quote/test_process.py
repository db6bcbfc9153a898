"""The process between real NATS, real PostgreSQL and a journal: whatever is lost on the way, the books are right."""

from pathlib import Path

from tests.servers import Database, NatsServer
from tests.svc_quote.exchange import exchange, publisher
from tests.svc_quote.market import Market


async def test_follows_two_shards(postgres: Database, nats: NatsServer, tmp_path: Path) -> None:
    """Books, tape and statistics of both shards are those that the messages say."""
    first, second = Market(["AAA", "BBB"], seed=1), Market(["CCC"], seed=2, shard=1)
    for market in (first, second):
        market.open()
        market.trade_some(50)
    async with exchange(postgres, nats, tmp_path, first, second) as (quote, _):
        async with publisher(nats, first) as one, publisher(nats, second) as two:
            await one.publish_new()
            await two.publish_new()
            await quote.start()
            await quote.reach(first, second)
            for market, sender in ((first, one), (second, two)):
                market.trade_some(100)
                await sender.publish_new()
            await quote.reach(first, second)
            await quote.assert_is(first)
            await quote.assert_is(second)
            assert await quote.stop() == 0
