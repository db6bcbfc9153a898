"""Streams that resume by sequence, and lists that go on page after page."""

from collections.abc import AsyncIterator, Callable, Iterable, Sequence
from typing import Any

import grpc

from bourse.order.v1 import order_pb2, order_pb2_grpc
from bourse.quote.v1 import quote_pb2, quote_pb2_grpc
from bourse.types.v1 import market_pb2
from bourse_sdk.connection import Connection
from bourse_sdk.errors import BourseError, Refusal
from bourse_sdk.requests import make


async def pages(connection: Connection, method: Callable[..., Any], request: Any) -> AsyncIterator[Any]:
    """Page after page of a paged list."""
    while True:
        page = await connection.call(method, request)
        yield page
        if not page.next_page_token:
            return
        request.page_token = page.next_page_token


async def watch_orders(
    connection: Connection,
    stub: "order_pb2_grpc.OrderServiceAsyncStub",
    participant: str,
    after: Iterable[market_pb2.ShardSequence],
) -> AsyncIterator[order_pb2.WatchOrdersResponse]:
    """The drop copy. A response that repeats something is cut to what is new; a gap is asked for again."""
    positions = {position.shard: position for position in after}

    def open_call() -> Any:
        request = make(order_pb2.WatchOrdersRequest, participant=participant, after=positions.values())
        return stub.WatchOrders(request, metadata=connection.token.metadata())

    async for response in connection.stream(open_call):
        known = positions.get(response.shard)
        done = known.sequence if known is not None else 0
        if response.last_sequence <= done:
            continue
        if response.first_sequence <= done:
            new = [update for update in response.updates if update.sequence > done]
            response.first_sequence = done + 1
            del response.updates[:]
            response.updates.extend(new)
        if response.first_sequence != done + 1:
            raise BourseError(f"shard {response.shard}: the drop copy goes from {done} to {response.first_sequence}")
        positions[response.shard] = market_pb2.ShardSequence(
            shard=response.shard, sequence=response.last_sequence, incarnation=response.incarnation
        )
        yield response


async def watch_trades(
    connection: Connection,
    stub: "quote_pb2_grpc.QuoteServiceAsyncStub",
    symbol: str,
    after: int,
    incarnation: str,
    entries: str = "trades",
) -> AsyncIterator[Any]:
    """Every trade once, or of another list of the response (`busts`) every entry. A reader that fell behind goes on after the
    last one it got.
    """
    request = make(quote_pb2.StreamTradesRequest, symbol=symbol, after_symbol_sequence=after, incarnation=incarnation)

    def open_call() -> Any:
        return stub.StreamTrades(request, metadata=connection.token.metadata())

    async for response in connection.stream(open_call, resume=_fell_behind):
        for entry in getattr(response, entries):
            if entry.symbol_sequence > request.after_symbol_sequence:
                request.after_symbol_sequence = entry.symbol_sequence
                yield entry
        if response.position.symbol_sequence > request.after_symbol_sequence:
            request.after_symbol_sequence = response.position.symbol_sequence
        request.incarnation = response.position.incarnation


def _fell_behind(refusal: Refusal) -> bool:
    return refusal.reason == "READER_BEHIND" and refusal.code is grpc.StatusCode.RESOURCE_EXHAUSTED


async def watch_top(
    connection: Connection, stub: "quote_pb2_grpc.QuoteServiceAsyncStub", symbols: Sequence[str]
) -> AsyncIterator[quote_pb2.TopOfBook]:
    """Tops of book, the latest of each."""
    request = make(quote_pb2.StreamTopOfBookRequest, symbols=symbols)
    async for response in connection.stream(
        lambda: stub.StreamTopOfBook(request, metadata=connection.token.metadata())
    ):
        for top in response.tops:
            yield top


async def watch_depth(
    connection: Connection, stub: "quote_pb2_grpc.QuoteServiceAsyncStub", symbol: str, levels: int
) -> AsyncIterator[quote_pb2.StreamDepthResponse]:
    """A snapshot, then changes."""
    request = make(quote_pb2.StreamDepthRequest, symbol=symbol, levels=levels)
    async for response in connection.stream(lambda: stub.StreamDepth(request, metadata=connection.token.metadata())):
        yield response


async def watch_statistics(
    connection: Connection, stub: "quote_pb2_grpc.QuoteServiceAsyncStub", symbols: Sequence[str]
) -> AsyncIterator[quote_pb2.DayStatistics]:
    """Day statistics, the latest of each."""
    request = make(quote_pb2.StreamDayStatisticsRequest, symbols=symbols)
    async for response in connection.stream(
        lambda: stub.StreamDayStatistics(request, metadata=connection.token.metadata())
    ):
        for statistics in response.statistics:
            yield statistics
