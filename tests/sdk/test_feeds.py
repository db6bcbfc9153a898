"""Reads and streams: what breaks is resumed, what is refused is told with its reason."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest

from bourse.order.v1 import order_pb2
from bourse.quote.v1 import quote_pb2
from bourse.types.v1 import market_pb2
from bourse_sdk import Client, Refusal, Side, SyncClient, Unreachable
from tests.sdk.exchange import SYMBOL, Exchange, abort, direct, served
from tests.waiting import PATIENCE_SECONDS

EVENTS = 40


class Feeds(Exchange):
    """Streams break after every third message; the drop copy also begins before the position that it was asked for."""

    calls = 0

    async def WatchOrders(self, request: Any, context: Any) -> AsyncIterator[order_pb2.WatchOrdersResponse]:  # noqa: N802
        done = request.after[0].sequence if request.after else 0
        first = max(1, done)  # One event that the reader has already.
        for _ in range(3):
            if first > EVENTS:
                break
            last = min(EVENTS, first + 3)
            yield order_pb2.WatchOrdersResponse(
                shard=0,
                incarnation="i",
                first_sequence=first,
                last_sequence=last,
                updates=[order_pb2.OrderUpdate(sequence=number) for number in range(first, last + 1)],
            )
            first = last + 1
        await context.abort(grpc.StatusCode.UNAVAILABLE, "broken")

    async def StreamTrades(self, request: Any, context: Any) -> AsyncIterator[quote_pb2.StreamTradesResponse]:  # noqa: N802
        self.calls += 1
        first = request.after_symbol_sequence + 1
        for number in range(first, min(first + 3, EVENTS + 1)):
            position = quote_pb2.QuotePosition(symbol=SYMBOL, symbol_sequence=number, incarnation="i")
            yield quote_pb2.StreamTradesResponse(
                position=position, trades=[quote_pb2.Trade(symbol_sequence=number, quantity=number)]
            )
        await abort(context, grpc.StatusCode.RESOURCE_EXHAUSTED, "READER_BEHIND")

    async def ListOrders(self, request: Any, context: Any) -> order_pb2.ListOrdersResponse:  # noqa: N802
        page = int(request.page_token or 0)
        orders = [order_pb2.Order(order_id=page * 2 + 1), order_pb2.Order(order_id=page * 2 + 2)]
        return order_pb2.ListOrdersResponse(orders=orders, next_page_token="" if page == 2 else str(page + 1))

    async def GetTopOfBook(self, request: Any, context: Any) -> quote_pb2.GetTopOfBookResponse:  # noqa: N802
        self.calls += 1
        if request.symbol != SYMBOL:
            await abort(context, grpc.StatusCode.NOT_FOUND, "SYMBOL_UNKNOWN")
        if self.calls < 3:
            await abort(context, grpc.StatusCode.UNAVAILABLE, "NOT_READY")
        return quote_pb2.GetTopOfBookResponse(top=quote_pb2.TopOfBook(bid=quote_pb2.Level(price_e4=7)))


async def test_the_drop_copy_resumes_without_gap_or_repeat() -> None:
    """Whatever breaks and whatever comes twice, every event is seen once, in order."""
    seen: list[int] = []
    async with served(Feeds()) as address, Client(**direct(address), token="t") as client:
        async for part in client.watch_orders():
            assert part.first_sequence == (seen[-1] if seen else 0) + 1
            seen += [update.sequence for update in part.updates]
            if part.last_sequence == EVENTS:
                break
    assert seen == list(range(1, EVENTS + 1))


async def test_the_drop_copy_begins_behind_a_position() -> None:
    """A reader that kept its position goes on there."""
    after = [market_pb2.ShardSequence(shard=0, sequence=30, incarnation="i")]
    async with served(Feeds()) as address, Client(**direct(address), token="t") as client:
        part = await anext(aiter(client.watch_orders(after)))
    assert part.first_sequence == 31


async def test_a_reader_that_fell_behind_resumes_after_its_last_trade() -> None:
    """READER_BEHIND costs no trade."""
    feeds, seen = Feeds(), list[int]()
    async with (
        served(feeds) as address,
        Client(**direct(address), token="t") as client,
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        async for trade in client.watch_trades(SYMBOL, 0):
            seen.append(trade.symbol_sequence)
            if trade.symbol_sequence == EVENTS:
                break
    assert seen == list(range(1, EVENTS + 1))
    assert feeds.calls > 10


class Lagging(Feeds):
    """A stream breaks once; who serves it next has not come so far yet, and says so twice."""

    async def StreamTrades(self, request: Any, context: Any) -> AsyncIterator[quote_pb2.StreamTradesResponse]:  # noqa: N802
        self.calls += 1
        if self.calls in (2, 3):
            await abort(context, grpc.StatusCode.OUT_OF_RANGE, "SEQUENCE_AHEAD")
        first = request.after_symbol_sequence + 1
        for number in range(first, first + 3):
            yield quote_pb2.StreamTradesResponse(trades=[quote_pb2.Trade(symbol_sequence=number)])
        await abort(context, grpc.StatusCode.UNAVAILABLE, "DRAINING")


async def test_a_reader_waits_for_a_process_that_is_behind_it() -> None:
    """The position is one that it got: whoever does not know it yet will."""
    feeds, seen = Lagging(), list[int]()
    async with (
        served(feeds) as address,
        Client(**direct(address), token="t") as client,
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        async for trade in client.watch_trades(SYMBOL, 0):
            seen.append(trade.symbol_sequence)
            if len(seen) == 6:
                break
    assert (seen, feeds.calls) == ([1, 2, 3, 4, 5, 6], 4)


async def test_a_position_that_nobody_gave_is_refused() -> None:
    """Asked for at first, one that is ahead of the exchange is told at once."""
    feeds = Lagging()
    feeds.calls = 1
    async with (
        served(feeds) as address,
        Client(**direct(address), token="t") as client,
        asyncio.timeout(PATIENCE_SECONDS),
    ):
        with pytest.raises(Refusal) as raised:
            await anext(aiter(client.watch_trades(SYMBOL, 99)))
    assert (raised.value.reason, feeds.calls) == ("SEQUENCE_AHEAD", 2)


async def test_lists_go_on_page_after_page() -> None:
    """A caller sees one list."""
    async with served(Feeds()) as address, Client(**direct(address), token="t") as client:
        assert [order.order_id async for order in client.list_orders()] == [1, 2, 3, 4, 5, 6]


async def test_a_read_is_tried_again_while_the_service_is_not_ready() -> None:
    """UNAVAILABLE is waited out."""
    async with served(Feeds()) as address, Client(**direct(address), token="t") as client:
        assert (await client.top(SYMBOL)).bid.price_e4 == 7


async def test_a_refused_read_says_why_at_once() -> None:
    """A status with ErrorInfo becomes a Refusal."""
    feeds = Feeds()
    async with served(feeds) as address, Client(**direct(address), token="t") as client:
        with pytest.raises(Refusal) as raised:
            await client.top("NOPE")
    assert (raised.value.reason, raised.value.code) == ("SYMBOL_UNKNOWN", grpc.StatusCode.NOT_FOUND)
    assert (raised.value.field, raised.value.fix, feeds.calls) == ("f", "so", 1)


async def test_nobody_there_is_unreachable() -> None:
    """Patience ends when the caller said."""
    async with Client(**direct("127.0.0.1:1"), token="t", give_up_seconds=0.1) as client:
        with pytest.raises(Unreachable):
            await client.top(SYMBOL)


async def test_the_synchronous_client_does_the_same() -> None:
    """Calls, many commands and streams, from a thread without a loop."""

    def use(address: str) -> tuple[int, int, list[int]]:
        with SyncClient(**direct(address), token="t") as client:
            placed = client.place("alpha/main", SYMBOL, Side.BUY, 7, 10_000)
            with pytest.raises(Refusal):
                client.top("NOPE")
            trades = client.watch_trades(SYMBOL, 0)
            numbers = [next(trades).symbol_sequence for _ in range(5)]
            trades.close()  # type: ignore[attr-defined]  # It is a generator.
            return placed.order_id, len(list(client.list_orders())), numbers

    async with served(Feeds()) as address:
        assert await asyncio.to_thread(use, address) == (1, 6, [1, 2, 3, 4, 5])


def test_a_client_needs_an_address_for_each_service() -> None:
    """One target serves all, or each is named."""
    with pytest.raises(ValueError, match="ledger"):
        SyncClient(order="127.0.0.1:1", quote="127.0.0.1:1")
