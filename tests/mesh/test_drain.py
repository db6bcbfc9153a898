"""Streams move between two versions of a service under load: nothing lost, doubled, out of order, or failed."""

import asyncio
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import grpc
import pytest

from bourse.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from bourse.order.v1 import order_pb2, order_pb2_grpc
from bourse.quote.v1 import quote_pb2, quote_pb2_grpc
from cli.machine import Machine
from tests.conftest import fresh_database
from tests.mesh.desk import Broker, check, eventually, trades
from tests.svc_order.process import Exchange, refusal

ALL, HALF = 1_000_000, 500_000
ORDER, ORDER_CANARY, QUOTE, QUOTE_CANARY = "svc_order", "svc_order-canary", "svc_quote", "svc_quote-canary"
SESSIONS = 8


@pytest.fixture(scope="module")
def exchange(machine: Machine) -> Iterator[Exchange]:
    """One shard, the ledger, and two versions of order entry and of market data, of which one consumes."""
    with fresh_database(machine) as database:
        running = Exchange(machine, database, ORDER_CANARY, QUOTE, QUOTE_CANARY)
        try:
            running.start("svc_match", "svc_ledger", ORDER, QUOTE)
            running.open_market()
            running.start(ORDER_CANARY, QUOTE_CANARY)
            yield running
        finally:
            running.end()


@asynccontextmanager
async def trading(exchange: Exchange, name: str) -> AsyncIterator[list[Broker]]:
    """SESSIONS brokers under load; two of them trade with each other. At the end all are answered, and right."""
    brokers = [Broker(exchange, f"{name}{number}") for number in range(SESSIONS - 2)]
    brokers += [Broker(exchange, f"{name}b", price_e4=2000), Broker(exchange, f"{name}s", "beta", 2, 2000)]
    try:
        async with asyncio.TaskGroup() as tasks:
            for broker in brokers:
                tasks.create_task(broker.trade())
            await eventually(lambda: all(len(broker.results) > 20 for broker in brokers))
            yield brokers
            for broker in brokers:
                broker.stop()
        await asyncio.to_thread(check, exchange, *brokers)
    finally:
        for broker in brokers:
            await broker.close()


async def progress(brokers: list[Broker]) -> None:
    """Returns when each has more answers than now."""
    before = [len(broker.results) for broker in brokers]
    await eventually(
        lambda: all(len(broker.results) > count + 50 for broker, count in zip(brokers, before, strict=True))
    )


async def drain(exchange: Exchange, name: str, share_ppm: int) -> int:
    """Drains a share of a version's streams; how many were told."""
    stubs: dict[str, Any] = {
        "svc_order": (order_pb2_grpc.OrderServiceStub, order_pb2),
        "svc_ledger": (ledger_pb2_grpc.LedgerServiceStub, ledger_pb2),
        "svc_quote": (quote_pb2_grpc.QuoteServiceStub, quote_pb2),
    }
    kind, messages = stubs[name.partition("-")[0]]
    stub = exchange.operators_stub(kind, name)
    request = messages.DrainRequest(share_ppm=share_ppm)
    return int((await asyncio.to_thread(stub.Drain, request, timeout=10)).streams_told)


async def test_half_of_the_sessions_move_and_all_come_back(exchange: Exchange) -> None:
    """Half of 8 sessions go to the second version, then the rest, then all back: each command done once, in order."""
    async with trading(exchange, "half") as brokers:
        for broker in brokers:
            broker.orders.to = ORDER_CANARY
        assert await drain(exchange, ORDER, HALF) == SESSIONS // 2
        await progress(brokers)
        assert sum(broker.orders.count(ORDER_CANARY) for broker in brokers) == SESSIONS // 2
        assert await drain(exchange, ORDER, ALL) == SESSIONS // 2
        await progress(brokers)
        assert [broker.orders.count(ORDER_CANARY) for broker in brokers] == [1] * SESSIONS
        for broker in brokers:
            broker.orders.to = ORDER
        assert await drain(exchange, ORDER_CANARY, ALL) == SESSIONS
        await progress(brokers)
        assert [broker.orders.count(ORDER) for broker in brokers] == [2] * SESSIONS


async def test_readers_move_without_gap_or_repeat(exchange: Exchange) -> None:
    """A drop copy and a tape that are moved there and back, under load, have every event once."""
    async with trading(exchange, "read") as brokers:
        reader = brokers[0]
        quotes = reader.quotes()
        watching = [asyncio.create_task(reader.watch_orders()), asyncio.create_task(reader.watch_trades(quotes))]
        await eventually(lambda: reader.watched and reader.traded)
        for order, quote in ((ORDER_CANARY, QUOTE_CANARY), (ORDER, QUOTE)):
            was = reader.orders.to, quotes.to
            reader.orders.to, quotes.to = order, quote
            assert await drain(exchange, was[1], ALL) == 1
            assert await drain(exchange, was[0], ALL) >= 1
            await progress(brokers)
            await eventually(lambda order=order: reader.orders.count(order, "WatchOrders"))  # type: ignore[misc]
        for broker in brokers:
            broker.stop()
        await eventually(lambda: all(len(one.results) == len(one.sent) for one in brokers))
        expected = await asyncio.to_thread(trades, exchange)
        await eventually(lambda: len(reader.traded) >= len(expected) and len(reader.watched) >= len(reader.results))
        assert reader.traded == expected
        assert reader.watched == sorted(set(reader.watched))
        assert [quotes.count(QUOTE_CANARY, "StreamTrades"), quotes.count(QUOTE, "StreamTrades")] == [1, 2]
        for task in watching:
            task.cancel()
        await asyncio.wait(watching)


async def test_the_ledgers_streams_move_and_no_session_sees_it(exchange: Exchange) -> None:
    """Holds go on on a new stream after the last answer of the old one; no session breaks or opens again."""
    async with trading(exchange, "holds") as brokers:
        for _ in range(3):
            while await drain(exchange, "svc_ledger", ALL) == 0:  # One grows old by itself every second.
                await progress(brokers)
            await progress(brokers)
        assert [broker.orders.count(ORDER) for broker in brokers] == [1] * SESSIONS


async def test_a_version_stops_under_load(exchange: Exchange) -> None:
    """SIGTERM with open sessions, drop copies and tapes: all move by their own word, exit code 0."""
    async with trading(exchange, "stop") as brokers:
        reader = brokers[0]
        quotes = reader.quotes()
        quotes.to = QUOTE_CANARY
        for broker in brokers:
            broker.orders.to = ORDER_CANARY
        assert await drain(exchange, ORDER, ALL) == SESSIONS
        watching = [asyncio.create_task(reader.watch_orders()), asyncio.create_task(reader.watch_trades(quotes))]
        await progress(brokers)
        await eventually(lambda: reader.watched and reader.traded)
        quotes.to = QUOTE
        for broker in brokers:
            broker.orders.to = ORDER
        exchange.begin_terminate(ORDER_CANARY)
        exchange.begin_terminate(QUOTE_CANARY)
        await progress(brokers)
        codes = [await asyncio.to_thread(exchange.wait, name) for name in (ORDER_CANARY, QUOTE_CANARY)]
        assert codes == [0, 0]
        assert [broker.orders.count(ORDER) for broker in brokers] == [2] * SESSIONS
        assert (reader.orders.count(ORDER, "WatchOrders"), quotes.count(QUOTE, "StreamTrades")) == (1, 1)
        for broker in brokers:
            broker.stop()
        await eventually(lambda: all(len(one.results) == len(one.sent) for one in brokers))
        expected = await asyncio.to_thread(trades, exchange)
        await eventually(lambda: len(reader.traded) >= len(expected))
        assert reader.traded == expected
        assert reader.watched == sorted(set(reader.watched))
        for task in watching:
            task.cancel()
        await asyncio.wait(watching)


async def test_sessions_grow_old(exchange: Exchange) -> None:
    """A session is told to move at a jittered age, again and again, and loses nothing by it."""
    exchange.variables[ORDER_CANARY] = {"STREAM_AGE_SECONDS": "1.5"}
    await asyncio.to_thread(exchange.start, ORDER_CANARY)
    async with trading(exchange, "old") as brokers:
        for broker in brokers:
            broker.orders.to = ORDER_CANARY
        await drain(exchange, ORDER, ALL)
        await eventually(lambda: all(broker.orders.count(ORDER_CANARY) >= 3 for broker in brokers))


@pytest.mark.parametrize("share_ppm", [0, -1, ALL + 1])
def test_a_share_is_a_share(exchange: Exchange, share_ppm: int) -> None:
    """Drain takes 1 to 1 000 000 parts per million, and only from an operator."""
    for kind, messages, name in (
        (order_pb2_grpc.OrderServiceStub, order_pb2, ORDER),
        (quote_pb2_grpc.QuoteServiceStub, quote_pb2, QUOTE),
        (ledger_pb2_grpc.LedgerServiceStub, ledger_pb2, "svc_ledger"),
    ):
        request = messages.DrainRequest(share_ppm=share_ppm)
        stub = exchange.operators_stub(kind, name)
        why = refusal(lambda stub=stub, request=request: stub.Drain(request, timeout=10))  # type: ignore[misc]
        assert (why.code, why.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "SHARE_INVALID")
    broker = exchange.broker()
    why = refusal(lambda: broker.Drain(order_pb2.DrainRequest(share_ppm=ALL), timeout=10))
    assert why.reason == "CALLER_NOT_ALLOWED"
