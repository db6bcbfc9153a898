"""Unary calls, pages, the export, and every refusal, over a real socket."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from bourse.match.v1 import events_pb2
from bourse.quote.v1 import quote_pb2, quote_pb2_grpc
from bourse.types.v1 import market_pb2
from chassis.client import channel
from chassis.errors import Refusal, from_rpc_error
from svc_quote import rpc
from tests.svc_quote.exchange import WAIT_SECONDS, levels, statistics, trade
from tests.svc_quote.market import BUY, DATE, SELL, Market
from tests.svc_quote.memory import Here, listening, serving

Code = grpc.StatusCode
SMALL_WINDOW = (("grpc.http2.bdp_probe", 0), ("grpc.http2.lookahead_bytes", 65_535))


@pytest.fixture
async def here() -> Here:
    """Two instruments that have traded; most of the tape is in the store."""
    here = Here(Market(["AAA", "BBB"], seed=21))
    here.market.open()
    await here.begin()
    for _ in range(5):
        here.market.trade_some(40)
        await here.feed()
    assert here.quotes.shards[0].markets["AAA"].tape.older
    return here


@pytest.fixture
async def stub(here: Here, tmp_path: Path) -> AsyncIterator[Any]:
    """Calls as an operator."""
    async with serving(here, tmp_path) as stub:
        yield stub


async def test_instruments(here: Here, stub: Any) -> None:
    """All instruments, by symbol, with phase, date and position."""
    listed = (await stub.ListInstruments(quote_pb2.ListInstrumentsRequest())).instruments
    assert [each.instrument.symbol for each in listed] == ["AAA", "BBB"]
    for each in listed:
        assert (each.phase, each.trading_date) == (market_pb2.PHASE_OPEN, DATE)
        assert each.instrument.tick_size_e4 == 100
        assert each.position.sequence == here.market.sequence
        assert each.position.incarnation == here.market.incarnation


async def test_an_instrument_changes_and_goes(here: Here, stub: Any) -> None:
    """The list has its reference data and its listing as they are now, also after a restart."""
    changed = market_pb2.Instrument(
        symbol="AAA", tick_size_e4=500, tick_bands=[{"price_from_e4": 5_000, "tick_size_e4": 1_000}]
    )
    change = events_pb2.InstrumentChanged(instrument=changed)
    here.market.row([("AAA", events_pb2.MarketDataEvent(instrument_changed=change))])
    for listing in (market_pb2.LISTING_SUSPENDED, market_pb2.LISTING_LISTED, market_pb2.LISTING_DELISTED):
        told = events_pb2.ListingChanged(symbol="AAA", listing=listing)
        here.market.row([("AAA", events_pb2.MarketDataEvent(listing_changed=told))])
        await here.feed()
        listed = (await stub.ListInstruments(quote_pb2.ListInstrumentsRequest())).instruments
        assert (listed[0].instrument, listed[0].listing) == (changed, listing)
        assert listed[1].listing == market_pb2.LISTING_LISTED


async def test_depth_and_top(here: Here, stub: Any) -> None:
    """The best levels of each side, best first, of one sequence."""
    naive = here.market.naive
    for count in (0, 1, 3, 10_000):
        depth = await stub.GetDepth(quote_pb2.GetDepthRequest(symbol="AAA", levels=count))
        assert levels(depth.bids) == naive.side("AAA", BUY)[: count or 10]
        assert levels(depth.asks) == naive.side("AAA", SELL)[: count or 10]
        assert depth.position.symbol_sequence == naive.symbol_sequence["AAA"]
    top = (await stub.GetTopOfBook(quote_pb2.GetTopOfBookRequest(symbol="AAA"))).top
    assert levels([top.bid]) == naive.side("AAA", BUY)[:1]
    assert levels([top.ask]) == naive.side("AAA", SELL)[:1]


async def test_statistics(here: Here, stub: Any) -> None:
    """Open, high, low, last, volume, value and number of trades."""
    answer = await stub.GetDayStatistics(quote_pb2.GetDayStatisticsRequest(symbol="BBB"))
    assert statistics(answer.statistics) == here.market.naive.statistics("BBB")


@pytest.mark.parametrize("size", [1, 7, 16, 1000])
async def test_pages_of_trades(here: Here, stub: Any, size: int) -> None:
    """Pages of any size are the whole tape, newest first, while new trades come in."""
    wanted = here.market.naive.trades["AAA"][::-1]
    read: list[tuple[int, ...]] = []
    token = ""
    while True:
        request = quote_pb2.ListTradesRequest(symbol="AAA", page_size=size, page_token=token)
        page = await stub.ListTrades(request)
        read += map(trade, page.trades)
        token = page.next_page_token
        here.market.trade_some(1)
        await here.feed()
        if not token:
            break
        assert len(page.trades) == size
    assert read == wanted


async def test_export(here: Here, stub: Any) -> None:
    """Cursors, books and the whole tape are of one sequence, whatever happens while they are read."""
    call = aiter(stub.ExportQuotes(quote_pb2.ExportQuotesRequest()))
    parts = [await anext(call)]
    wanted = {symbol: list(here.market.naive.trades[symbol]) for symbol in ("AAA", "BBB")}
    books = {symbol: here.market.naive.side(symbol, BUY) for symbol in ("AAA", "BBB")}
    here.market.trade_some(100)
    await here.feed()
    parts += [part async for part in call]
    assert parts[0].sequences[0].sequence < here.market.sequence
    for symbol in ("AAA", "BBB"):
        tape = [trade(each.trade) for part in parts for each in part.trades if each.symbol == symbol]
        book = next(book for part in parts for book in part.books if book.symbol == symbol)
        assert tape == wanted[symbol]
        assert levels(book.bids) == books[symbol]


async def test_waits_for_min_sequence(here: Here, stub: Any) -> None:
    """A read waits until its sequence is applied, and sees it."""
    wanted = here.market.sequence + 1
    waiting = asyncio.ensure_future(stub.GetDepth(quote_pb2.GetDepthRequest(symbol="AAA", min_sequence=wanted)))
    await stub.GetDepth(quote_pb2.GetDepthRequest(symbol="AAA"))
    assert not waiting.done()
    changed = events_pb2.LevelChanged(side=BUY, price_e4=5000, quantity=123, orders=2)
    here.market.row([("AAA", events_pb2.MarketDataEvent(level=changed))])
    await here.apply()
    depth = await asyncio.wait_for(waiting, WAIT_SECONDS)
    assert depth.position.sequence == wanted
    assert levels(depth.bids)[0] == (5000, 123, 2)


REFUSED = {
    "unknown symbol": ("GetDepth", quote_pb2.GetDepthRequest(symbol="NONE"), Code.NOT_FOUND, "SYMBOL_UNKNOWN"),
    "no symbol": ("GetTopOfBook", quote_pb2.GetTopOfBookRequest(), Code.INVALID_ARGUMENT, "SYMBOL_INVALID"),
    "small letters": (
        "GetDayStatistics",
        quote_pb2.GetDayStatisticsRequest(symbol="aaa"),
        Code.INVALID_ARGUMENT,
        "SYMBOL_INVALID",
    ),
    "overlong symbol": (
        "GetDepth",
        quote_pb2.GetDepthRequest(symbol="A" * 13),
        Code.INVALID_ARGUMENT,
        "SYMBOL_INVALID",
    ),
    "negative levels": (
        "GetDepth",
        quote_pb2.GetDepthRequest(symbol="AAA", levels=-1),
        Code.INVALID_ARGUMENT,
        "LEVELS_INVALID",
    ),
    "too many levels": (
        "GetDepth",
        quote_pb2.GetDepthRequest(symbol="AAA", levels=10_001),
        Code.INVALID_ARGUMENT,
        "LEVELS_INVALID",
    ),
    "negative min_sequence": (
        "GetDepth",
        quote_pb2.GetDepthRequest(symbol="AAA", min_sequence=-1),
        Code.INVALID_ARGUMENT,
        "SEQUENCE_INVALID",
    ),
    "large page": (
        "ListTrades",
        quote_pb2.ListTradesRequest(symbol="AAA", page_size=1001),
        Code.INVALID_ARGUMENT,
        "PAGE_TOO_LARGE",
    ),
    "page token of nobody": (
        "ListTrades",
        quote_pb2.ListTradesRequest(symbol="AAA", page_token="x!"),
        Code.INVALID_ARGUMENT,
        "PAGE_TOKEN_INVALID",
    ),
    "no symbols": (
        "StreamTopOfBook",
        quote_pb2.StreamTopOfBookRequest(),
        Code.INVALID_ARGUMENT,
        "SYMBOLS_INVALID",
    ),
    "too many symbols": (
        "StreamDayStatistics",
        quote_pb2.StreamDayStatisticsRequest(symbols=["AAA"] * 101),
        Code.INVALID_ARGUMENT,
        "SYMBOLS_INVALID",
    ),
    "one unknown symbol": (
        "StreamTopOfBook",
        quote_pb2.StreamTopOfBookRequest(symbols=["AAA", "NONE"]),
        Code.NOT_FOUND,
        "SYMBOL_UNKNOWN",
    ),
    "depth of an unknown symbol": (
        "StreamDepth",
        quote_pb2.StreamDepthRequest(symbol="NONE"),
        Code.NOT_FOUND,
        "SYMBOL_UNKNOWN",
    ),
    "trades from the future": (
        "StreamTrades",
        quote_pb2.StreamTradesRequest(symbol="AAA", after_symbol_sequence=10**9),
        Code.OUT_OF_RANGE,
        "SEQUENCE_AHEAD",
    ),
    "trades from below -1": (
        "StreamTrades",
        quote_pb2.StreamTradesRequest(symbol="AAA", after_symbol_sequence=-2),
        Code.INVALID_ARGUMENT,
        "SEQUENCE_INVALID",
    ),
    "trades of another incarnation": (
        "StreamTrades",
        quote_pb2.StreamTradesRequest(symbol="AAA", incarnation="ef" * 16),
        Code.FAILED_PRECONDITION,
        "INCARNATION_CHANGED",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
async def test_refusals(stub: Any, case: str) -> None:
    """Each bad request has its own status, reason, field, value and fix."""
    method, request, code, reason = REFUSED[case]
    refusal = await refused(getattr(stub, method)(request))
    assert (refusal.code, refusal.reason) == (code, reason)
    assert refusal.metadata.keys() >= {"field", "value", "fix"}


async def test_sequence_not_reached(here: Here, stub: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    """The wait for a sequence is bounded by our own limit, and by the caller's deadline."""
    request = quote_pb2.GetDepthRequest(symbol="AAA", min_sequence=here.market.sequence + 1)
    early = await refused(stub.GetDepth(request, timeout=4))
    assert (early.code, early.reason) == (Code.DEADLINE_EXCEEDED, "SEQUENCE_NOT_REACHED")
    monkeypatch.setattr(rpc, "MIN_SEQUENCE_SECONDS", 0.01)
    late = await refused(stub.GetDepth(request))
    assert late.reason == "SEQUENCE_NOT_REACHED"


async def test_page_token_of_another_symbol(stub: Any) -> None:
    """A token works with the request that it was given for alone."""
    page = await stub.ListTrades(quote_pb2.ListTradesRequest(symbol="AAA", page_size=1))
    request = quote_pb2.ListTradesRequest(symbol="BBB", page_token=page.next_page_token)
    assert (await refused(stub.ListTrades(request))).reason == "PAGE_TOKEN_INVALID"


async def test_not_ready(here: Here, stub: Any) -> None:
    """While a shard is rebuilt every read says so."""
    await here.quotes.drop(0, "test")
    for call in (
        stub.ListInstruments(quote_pb2.ListInstrumentsRequest()),
        stub.GetDepth(quote_pb2.GetDepthRequest(symbol="AAA")),
        stub.StreamDepth(quote_pb2.StreamDepthRequest(symbol="AAA")),
        stub.ExportQuotes(quote_pb2.ExportQuotesRequest()),
    ):
        refusal = await refused(call)
        assert (refusal.code, refusal.reason) == (Code.UNAVAILABLE, "NOT_READY")


async def test_older_trades_while_the_store_is_down(here: Here, stub: Any) -> None:
    """What is in memory is answered; what is not is refused, and may be asked again."""
    here.store.down = True
    assert (await stub.ListTrades(quote_pb2.ListTradesRequest(symbol="AAA", page_size=5))).trades
    refusal = await refused(stub.ListTrades(quote_pb2.ListTradesRequest(symbol="AAA", page_size=1000)))
    assert refusal.reason == "NOT_READY"


async def test_slow_reader_of_trades_at_the_socket(here: Here, tmp_path: Path) -> None:
    """A reader that stops reading stops its own stream alone; when it reads again it is told that it is behind."""
    request = quote_pb2.StreamTradesRequest(symbol="AAA", after_symbol_sequence=-1)
    async with listening(here, tmp_path) as (address, keys), grpc.aio.insecure_channel(address, SMALL_WINDOW) as slow:
        stub = quote_pb2_grpc.QuoteServiceStub(slow)
        call = aiter(stub.StreamTrades(request, metadata=(("authorization", f"Bearer {keys.token()}"),)))
        await stop_reading(here, call)


async def stop_reading(here: Here, call: Any) -> None:
    reached = (await anext(call)).position.symbol_sequence
    sent, still = here.fanout.sent, 0
    while still < 20:  # until flow control holds the stream back
        here.market.row([("AAA", a_trade(number)) for number in range(16)])
        await here.feed()
        await asyncio.sleep(0.001)
        still, sent = (still + 1, sent) if here.fanout.sent == sent else (0, here.fanout.sent)
    refusal = None
    while refusal is None:
        try:
            response = await anext(call)
            assert response.trades[0].symbol_sequence == reached + 1
            reached = response.position.symbol_sequence
        except grpc.aio.AioRpcError as told:
            refusal = from_rpc_error(told)
    assert (refusal.code, refusal.reason) == (Code.RESOURCE_EXHAUSTED, "READER_BEHIND")
    assert refusal.metadata["resume_after"] == str(reached)


def a_trade(number: int) -> events_pb2.MarketDataEvent:
    made = events_pb2.PublicTrade(price_e4=100 + number, quantity=1 + number, taker_side=SELL)
    return events_pb2.MarketDataEvent(trade=made)


async def refused(call: Any) -> Refusal:
    """What the call, unary or a stream, is refused with."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await (anext(aiter(call)) if hasattr(call, "__aiter__") else call)
    return from_rpc_error(caught.value)


async def test_callers(here: Here, tmp_path: Path) -> None:
    """Brokers read quotes but no export; services and strangers read nothing."""
    async with listening(here, tmp_path) as (address, keys):
        broker, service = keys.token("broker", participant="alice"), keys.token("service", "svc_order")
        top, export = quote_pb2.GetTopOfBookRequest(symbol="AAA"), quote_pb2.ExportQuotesRequest()
        async with channel(address, token=broker) as opened:
            stub: Any = quote_pb2_grpc.QuoteServiceStub(opened)
            await stub.GetTopOfBook(top)
            assert (await refused(stub.ExportQuotes(export))).reason == "CALLER_NOT_ALLOWED"
        async with channel(address, token=service) as opened:
            stub = quote_pb2_grpc.QuoteServiceStub(opened)
            assert (await refused(stub.GetTopOfBook(top))).reason == "CALLER_NOT_ALLOWED"
        async with channel(address) as opened:
            stub = quote_pb2_grpc.QuoteServiceStub(opened)
            assert (await refused(stub.GetTopOfBook(top))).reason == "TOKEN_MISSING"


async def test_malformed_request(here: Here, tmp_path: Path) -> None:
    """Random bytes are not an INTERNAL error."""
    async with listening(here, tmp_path) as (address, keys), channel(address, token=keys.token()) as opened:
        for method in ("GetDepth", "ListTrades"):
            call: Any = opened.unary_unary(f"/bourse.quote.v1.QuoteService/{method}")
            assert (await refused(call(b"\xff\xff\xff"))).reason == "MALFORMED_MESSAGE"
        for method in ("StreamDepth", "StreamTrades", "StreamTopOfBook", "StreamDayStatistics", "ExportQuotes"):
            stream: Any = opened.unary_stream(f"/bourse.quote.v1.QuoteService/{method}")
            assert (await refused(stream(b"\xff\xff\xff"))).reason == "MALFORMED_MESSAGE"
