"""The process between real NATS, real PostgreSQL and a journal: whatever is lost on the way, the books are right."""

from pathlib import Path
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bourse.quote.v1 import quote_pb2
from chassis.errors import from_rpc_error
from tests.servers import Database, NatsServer
from tests.svc_quote.exchange import exchange, publisher, until
from tests.svc_quote.market import DATE, Market


async def test_follows_two_shards(postgres: Database, nats: NatsServer, tmp_path: Path) -> None:
    """Books, tape and statistics of both shards are those that the messages say."""
    first, second = Market(["AAA", "BBB"], seed=1), Market(["CCC"], seed=2, shard=1)
    for market in (first, second):
        market.open()
        market.trade_some(50)
    async with (
        exchange(postgres, nats, tmp_path, first, second) as (quote, _),
        publisher(nats, first) as one,
        publisher(nats, second) as two,
    ):
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


async def test_lost_doubled_and_reordered_messages(postgres: Database, nats: NatsServer, tmp_path: Path) -> None:
    """A stream that loses, doubles, reorders and garbles messages ends in the same books, from the journal."""
    market = Market(["AAA", "BBB", "CCC"], seed=3)
    market.open()
    async with exchange(postgres, nats, tmp_path, market) as (quote, _), publisher(nats, market) as sender:
        await sender.publish_new()
        await quote.start()
        await quote.reach(market)
        market.trade_some(150)
        parts = [part for row in market.rows[sender.published :] for part in row]
        spoiled = [part for part in parts if market.random.random() > 0.1]
        spoiled += market.random.choices(parts, k=20)
        for number in range(0, len(spoiled) - 5, 5):
            window = spoiled[number : number + 5]
            market.random.shuffle(window)
            spoiled[number : number + 5] = window
        spoiled[::40] = [b"\xff\xff"] * len(spoiled[::40])
        await sender.publish(spoiled)
        await quote.reach(market)
        await quote.assert_is(market)
        assert quote.logged("message_unreadable")


async def test_without_a_bus(postgres: Database, nats: NatsServer, tmp_path: Path) -> None:
    """With no stream in NATS the journal alone is followed."""
    market = Market(["AAA"], seed=4)
    market.open()
    market.trade_some(20)
    async with exchange(postgres, nats, tmp_path, market) as (quote, _):
        await quote.start()
        await quote.reach(market)
        market.trade_some(20)
        await quote.reach(market)
        await quote.assert_is(market)


async def test_a_date_that_no_event_told(postgres: Database, nats: NatsServer, tmp_path: Path) -> None:
    """A shard whose first instrument came after its date opened shows that date all the same."""
    market = Market(["AAA"], seed=12)
    market.row([])
    async with exchange(postgres, nats, tmp_path, market) as (quote, (match,)), publisher(nats, market) as sender:
        match.trading_date = DATE
        await sender.publish_new()
        await quote.start()
        await quote.reach(market)
        market.add_instruments()
        market.open_phase()
        await sender.publish_new()
        await quote.reach(market)

        async def dated() -> bool:
            (listed,) = (await quote.stub.ListInstruments(quote_pb2.ListInstrumentsRequest())).instruments
            day = await quote.stub.GetDayStatistics(quote_pb2.GetDayStatisticsRequest(symbol="AAA"))
            return (listed.trading_date, day.statistics.trading_date) == (DATE, DATE)

        await until(dated)


async def test_not_ready_before_its_shards(postgres: Database, nats: NatsServer, tmp_path: Path) -> None:
    """It runs, and says that it is not ready, until svc_match has answered and is followed."""
    market = Market(["AAA"], seed=10)
    market.open()
    async with exchange(postgres, nats, tmp_path, market) as (quote, (match,)), publisher(nats, market) as sender:
        await sender.publish_new()
        match.awake.clear()
        await quote.start()
        health: Any = health_pb2_grpc.HealthStub(quote.channel)
        request = health_pb2.HealthCheckRequest()
        before = await health.Check(request, wait_for_ready=True, timeout=10)
        assert before.status == health_pb2.HealthCheckResponse.NOT_SERVING
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await quote.stub.GetDepth(quote_pb2.GetDepthRequest(symbol="AAA"))
        assert from_rpc_error(refused.value).reason == "NOT_READY"
        match.awake.set()
        await quote.ready()
        assert (await health.Check(request)).status == health_pb2.HealthCheckResponse.SERVING


async def test_killed_and_restarted(postgres: Database, nats: NatsServer, tmp_path: Path) -> None:
    """After kill -9 it goes on from its checkpoint, with the same state and the whole tape."""
    market = Market(["AAA", "BBB"], seed=5)
    market.open()
    market.trade_some(100)
    settings = {"checkpoint_seconds": "0.05", "tape_limit": "16"}
    async with (
        exchange(postgres, nats, tmp_path, market, **settings) as (quote, (match,)),
        publisher(nats, market) as sender,
    ):
        await sender.publish_new()
        await quote.start()
        await quote.reach(market)
        stored = market.sequence
        await until(lambda: checkpoint(postgres) == stored)
        market.trade_some(30)
        await sender.publish_new()
        await quote.kill()
        match.fetched.clear()
        await quote.start()
        await quote.reach(market)
        await quote.assert_is(market)
        assert min(match.fetched) > stored
        assert quote.logged("checkpoint_loaded")
        market.trade_some(30)
        await sender.publish_new()
        await quote.reach(market)
        await quote.assert_is(market)


async def test_damaged_checkpoint(postgres: Database, nats: NatsServer, tmp_path: Path) -> None:
    """A checkpoint with a wrong byte is named in the log, dropped, and everything is rebuilt."""
    market = Market(["AAA"], seed=6)
    market.open()
    market.trade_some(30)
    async with exchange(postgres, nats, tmp_path, market) as (quote, (match,)), publisher(nats, market) as sender:
        await sender.publish_new()
        await quote.start()
        await quote.reach(market)
        assert await quote.stop() == 0
        assert checkpoint(postgres) == market.sequence
        with postgres.connect("svc_quote") as connection:
            connection.execute("UPDATE checkpoints SET state = set_byte(state, 100, 255 - get_byte(state, 100))")
        match.fetched.clear()
        await quote.start()
        await quote.reach(market)
        await quote.assert_is(market)
        assert min(match.fetched) == 1
        assert quote.logged("checkpoint_damaged")


async def test_another_incarnation(postgres: Database, nats: NatsServer, tmp_path: Path) -> None:
    """After a restored backup what was known is dropped, loudly, and rebuilt; readers are told by name."""
    market = Market(["AAA"], seed=7)
    market.open()
    market.trade_some(30)
    async with exchange(postgres, nats, tmp_path, market) as (quote, (match,)), publisher(nats, market) as sender:
        await sender.publish_new()
        await quote.start()
        await quote.reach(market)
        stream = quote.stub.StreamTrades(quote_pb2.StreamTradesRequest(symbol="AAA", after_symbol_sequence=-1))
        await anext(aiter(stream))
        restored = Market(["AAA"], seed=8, incarnation="cd" * 16)
        restored.open()
        restored.trade_some(10)
        match.market = restored
        sender.market = restored
        await sender.publish(restored.rows[-1])
        await quote.reach(restored)
        await quote.assert_is(restored)
        with pytest.raises(grpc.aio.AioRpcError) as ended:
            await anext(aiter(stream))
        assert from_rpc_error(ended.value).reason in ("NOT_READY", "INCARNATION_CHANGED")
        old = quote_pb2.StreamTradesRequest(symbol="AAA", incarnation=market.incarnation)
        with pytest.raises(grpc.aio.AioRpcError) as refused:
            await anext(aiter(quote.stub.StreamTrades(old)))
        assert from_rpc_error(refused.value).reason == "INCARNATION_CHANGED"
        assert quote.logged("incarnation_changed")


def checkpoint(postgres: Database) -> int:
    """The sequence of the stored checkpoint, 0 for none."""
    with postgres.connect("svc_quote") as connection:
        row = connection.execute("SELECT max(sequence) FROM checkpoints").fetchone()
    return row[0] or 0 if row else 0
