"""Streams: a snapshot and then the changes; slow readers are conflated or told, and cost nothing."""

import asyncio
from collections.abc import AsyncIterator

import pytest

from bourse.match.v1 import events_pb2
from bourse.quote.v1 import quote_pb2
from bourse.types.v1 import market_pb2
from svc_quote import fanout, wire
from svc_quote.core import checkpoint
from svc_quote.core.events import Phase
from svc_quote.core.refused import Refused
from svc_quote.fanout import LEVELS_LIMIT
from tests.svc_quote.exchange import WAIT_SECONDS, statistics, trade
from tests.svc_quote.market import BUY, DATE, SELL, Market
from tests.svc_quote.memory import Here

Book = dict[int, tuple[int, int]]


@pytest.fixture
async def here() -> Here:
    """Two instruments that have traded."""
    here = Here(Market(["AAA", "BBB"], seed=11))
    here.market.open()
    here.market.trade_some(40)
    await here.begin()
    await here.feed()
    assert here.quotes.ready.is_set()
    return here


class DepthReader:
    """Keeps a book as a client does."""

    def __init__(self, responses: AsyncIterator[bytes]) -> None:
        self._responses = responses
        self.bids: Book = {}
        self.asks: Book = {}
        self.last = quote_pb2.StreamDepthResponse()

    async def read(self) -> None:
        self.last = quote_pb2.StreamDepthResponse.FromString(await within(anext(self._responses)))
        if self.last.snapshot:
            self.bids, self.asks = {}, {}
        for book, changes in ((self.bids, self.last.bids), (self.asks, self.last.asks)):
            for level in changes:
                book.pop(level.price_e4, None)
                if level.quantity:
                    book[level.price_e4] = (level.quantity, level.orders)

    def assert_is(self, market: Market, symbol: str) -> None:
        for book, side in ((self.bids, BUY), (self.asks, SELL)):
            assert book == {price: (quantity, orders) for price, quantity, orders in market.naive.side(symbol, side)}


async def test_depth_follows(here: Here) -> None:
    """A snapshot and all changes give the book, row after row."""
    reader = DepthReader(here.fanout.depth("AAA", LEVELS_LIMIT))
    await reader.read()
    assert reader.last.snapshot
    reader.assert_is(here.market, "AAA")
    for _ in range(50):
        before = here.market.naive.symbol_sequence["AAA"]
        here.market.row([("AAA", level(here.market.random.randrange(1, 30), here.market.random.randrange(0, 3)))])
        await here.apply()
        await reader.read()
        assert reader.last.position.symbol_sequence == before + 1
        reader.assert_is(here.market, "AAA")


async def test_slow_reader_of_depth_is_conflated(here: Here) -> None:
    """One response holds all that changed while it waited, and no level twice."""
    reader = DepthReader(here.fanout.depth("AAA", LEVELS_LIMIT))
    await reader.read()
    here.market.trade_some(300)
    await here.apply()
    await reader.read()
    assert not reader.last.snapshot
    prices = [level.price_e4 for level in reader.last.bids]
    assert len(prices) == len(set(prices))
    reader.assert_is(here.market, "AAA")
    assert here.fanout.conflated > 0


async def test_very_slow_reader_of_depth_gets_the_book_again(here: Here) -> None:
    """Beyond the remembered changes there is a new snapshot, as of the same sequence."""
    here.quotes.shards[0].markets["AAA"].book.changes_limit = 4
    reader = DepthReader(here.fanout.depth("AAA", LEVELS_LIMIT))
    await reader.read()
    here.market.trade_some(300)
    await here.apply()
    await reader.read()
    assert reader.last.snapshot
    reader.assert_is(here.market, "AAA")


async def test_readers_in_step_share_one_encoding(here: Here) -> None:
    """Readers at the same place get the same bytes object."""
    streams = [here.fanout.depth("AAA", LEVELS_LIMIT) for _ in range(3)]
    firsts = [await anext(stream) for stream in streams]
    assert firsts[0] is firsts[1] is firsts[2]
    here.market.row([("AAA", level(7, 3))])
    await here.apply()
    seconds = [await within(anext(stream)) for stream in streams]
    assert seconds[0] is seconds[1] is seconds[2]


async def test_tops_are_sent_when_they_change(here: Here) -> None:
    """Only instruments whose best levels changed are sent; the last state always is."""
    stream = here.fanout.tops(["AAA", "BBB"])
    first = quote_pb2.StreamTopOfBookResponse.FromString(await anext(stream))
    assert [top.position.symbol for top in first.tops] == ["AAA", "BBB"]
    waiting = asyncio.ensure_future(anext(stream))
    bids = here.market.naive.side("BBB", BUY)
    here.market.row([("BBB", level(bids[-1][0] // 100, 77))])  # the worst bid
    await here.apply()
    await asyncio.sleep(0)
    assert len(bids) > 1
    assert not waiting.done()
    for quantity in (5, 6, 0):
        here.market.row([("BBB", level(90, quantity))])
    here.market.row([("BBB", level(91, 9))])
    await here.apply()
    second = quote_pb2.StreamTopOfBookResponse.FromString(await within(waiting))
    assert [(top.position.symbol, top.bid.price_e4, top.bid.quantity) for top in second.tops] == [("BBB", 9100, 9)]


async def test_what_an_auction_would_do_is_told(here: Here) -> None:
    """With the first state and with each change, of tops and of books, and no longer once it is over; its trades are marked."""
    tops, book = here.fanout.tops(["AAA"]), here.fanout.depth("AAA", 10)

    async def told() -> list[quote_pb2.Indicative | None]:
        top = quote_pb2.StreamTopOfBookResponse.FromString(await within(anext(tops))).tops[0]
        depth = quote_pb2.StreamDepthResponse.FromString(await within(anext(book)))
        return [of.indicative if of.HasField("indicative") else None for of in (top, depth)]

    assert await told() == [None, None]
    here.market.row([("AAA", phase(market_pb2.PHASE_AUCTION, market_pb2.AUCTION_KIND_OPENING))])
    await here.apply()
    assert await told() == [quote_pb2.Indicative()] * 2
    change = {"price_e4": 500, "quantity": 7, "surplus_side": SELL, "surplus_quantity": 3}
    here.market.row([("AAA", events_pb2.MarketDataEvent(indicative=events_pb2.IndicativeChanged(**change)))])
    await here.apply()
    assert await told() == [quote_pb2.Indicative(**change)] * 2
    again = checkpoint.decode(checkpoint.encode(here.quotes.shards[0])).markets["AAA"]
    assert (again.indicative, again.auction, again.phase) == ((500, 7, SELL, 3), 1, Phase.AUCTION)
    trade = events_pb2.PublicTrade(price_e4=500, quantity=7, taker_side=BUY, auction=True)
    here.market.row([("AAA", events_pb2.MarketDataEvent(trade=trade)), ("AAA", phase(market_pb2.PHASE_OPEN))])
    await here.apply()
    assert await told() == [None, None]
    last = here.quotes.shards[0].markets["AAA"].tape.before(1 << 40, 2)
    assert [entry.auction for entry in last] == [True, False]


async def test_price_bands_and_phases_are_told(here: Here) -> None:
    """With tops, books and the list of instruments, in a checkpoint, and no longer once the phase is another one (rule 7.5.7)."""
    tops, book = here.fanout.tops(["AAA"]), here.fanout.depth("AAA", 10)

    async def told() -> quote_pb2.TradingStatus:
        top = quote_pb2.StreamTopOfBookResponse.FromString(await within(anext(tops))).tops[0]
        depth = quote_pb2.StreamDepthResponse.FromString(await within(anext(book)))
        shard = here.quotes.shards[0]
        entry = wire.instrument(shard, shard.markets["AAA"])
        listed = {"phase": entry.phase, "auction": entry.auction, "listing": entry.listing}
        if entry.HasField("price_bands"):
            listed["price_bands"] = entry.price_bands
        assert top.status == depth.status == quote_pb2.TradingStatus(**listed)
        return top.status

    assert not (await told()).HasField("price_bands")
    prices = {"reference_price_e4": 1_000, "lower_price_e4": 900, "upper_price_e4": 1_100, "limit_side": BUY}
    changed = events_pb2.PriceBandsChanged(symbol="AAA", **prices)
    here.market.row([("AAA", events_pb2.MarketDataEvent(price_bands_changed=changed))])
    await here.apply()
    assert (await told()).price_bands == quote_pb2.PriceBands(**prices)
    again = checkpoint.decode(checkpoint.encode(here.quotes.shards[0])).markets["AAA"]
    assert again.bands == (1_000, 900, 1_100, BUY)
    here.market.row([("AAA", phase(market_pb2.PHASE_AUCTION, market_pb2.AUCTION_KIND_RESUMPTION))])
    await here.apply()
    paused = await told()
    assert (paused.phase, paused.auction) == (market_pb2.PHASE_AUCTION, market_pb2.AUCTION_KIND_RESUMPTION)
    assert not paused.HasField("price_bands")


async def test_statistics_follow(here: Here) -> None:
    """Statistics come with each trade, and begin again with the trading date."""
    stream = here.fanout.statistics(["AAA"])
    first = quote_pb2.StreamDayStatisticsResponse.FromString(await anext(stream))
    assert statistics(first.statistics[0]) == here.market.naive.statistics("AAA")
    here.market.open(DATE + 1)
    await here.apply()
    second = quote_pb2.StreamDayStatisticsResponse.FromString(await within(anext(stream)))
    assert second.statistics[0].trading_date == DATE + 1
    assert statistics(second.statistics[0]) == (0,) * 7


async def test_every_trade_once_in_order(here: Here) -> None:
    """From the store, from memory and live there is no gap and no repeat at the seams."""
    stream = here.fanout.trades("AAA", 0, "")
    read: list[tuple[int, ...]] = []
    for _ in range(30):
        here.market.trade_some(3)
        await here.feed()
        while len(read) < len(here.market.naive.trades["AAA"]):
            response = quote_pb2.StreamTradesResponse.FromString(await within(anext(stream)))
            read += map(trade, response.trades)
    assert here.quotes.shards[0].markets["AAA"].tape.floor > 0
    assert read == here.market.naive.trades["AAA"]


@pytest.mark.parametrize("share", [0, 0.25, 0.5, 0.75, 1])
async def test_trades_resume_anywhere(here: Here, share: float) -> None:
    """After any symbol_sequence exactly the trades behind it come."""
    here.market.trade_some(60)
    await here.feed()
    after = int(here.market.naive.symbol_sequence["AAA"] * share)
    wanted = [each for each in here.market.naive.trades["AAA"] if each[1] > after]
    stream, reached = here.fanout.trades("AAA", after, here.market.incarnation), -1
    read: list[tuple[int, ...]] = []
    while reached < here.market.naive.symbol_sequence["AAA"]:
        response = quote_pb2.StreamTradesResponse.FromString(await within(anext(stream)))
        read += map(trade, response.trades)
        reached = response.position.symbol_sequence
    assert read == wanted


async def test_trades_from_now(here: Here) -> None:
    """-1 begins with an empty response that says where now is."""
    stream = here.fanout.trades("AAA", -1, "")
    first = quote_pb2.StreamTradesResponse.FromString(await anext(stream))
    assert not first.trades
    assert first.position.symbol_sequence == here.market.naive.symbol_sequence["AAA"]


async def test_slow_reader_of_trades_is_told(here: Here) -> None:
    """A live reader that falls behind the tape's limit is refused, and can resume without a loss."""
    stream = here.fanout.trades("AAA", 0, "")
    read: list[tuple[int, ...]] = []
    reached = 0
    while reached < here.market.naive.symbol_sequence["AAA"]:
        response = quote_pb2.StreamTradesResponse.FromString(await within(anext(stream)))
        read += map(trade, response.trades)
        reached = response.position.symbol_sequence
    waiting = asyncio.ensure_future(anext(stream))
    await asyncio.sleep(0)
    here.market.trade_some(200)
    await here.feed()
    with pytest.raises(Refused) as told:
        await within(waiting)
    assert told.value.reason == "READER_BEHIND"
    assert told.value.metadata["resume_after"] == str(reached)
    again = here.fanout.trades("AAA", int(told.value.metadata["resume_after"]), "")
    while len(read) < len(here.market.naive.trades["AAA"]):
        response = quote_pb2.StreamTradesResponse.FromString(await within(anext(again)))
        read += map(trade, response.trades)
    assert read == here.market.naive.trades["AAA"]
    assert here.fanout.behind == 1


async def test_a_waiting_reader_costs_no_memory(here: Here) -> None:
    """Whatever happens while a response waits for its reader, nothing is kept for it but which symbols changed."""
    streams = [
        here.fanout.depth("AAA", LEVELS_LIMIT),
        here.fanout.tops(["AAA", "BBB"]),
        here.fanout.trades("AAA", -1, ""),
    ]
    for stream in streams:
        await anext(stream)
    here.market.trade_some(500)
    await here.feed()
    for listing in here.fanout._listings.values():
        assert len(listing.encoded) <= 4
        for reader in listing.everyone:
            assert reader.news <= {"AAA", "BBB"}


async def test_streams_are_limited_and_given_back(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """The limit's next stream is refused; a closed one makes room, and leaves nothing behind."""
    monkeypatch.setattr(fanout, "STREAMS_LIMIT", 2)
    streams = [here.fanout.depth("AAA", LEVELS_LIMIT), here.fanout.tops(["AAA", "BBB"])]
    for stream in streams:
        await anext(stream)
    with pytest.raises(Refused) as refused:
        await anext(here.fanout.depth("BBB", LEVELS_LIMIT))
    assert refused.value.reason == "STREAM_LIMIT"
    for stream in streams:
        await stream.aclose()
    assert here.fanout.streams == 0
    assert not here.fanout._listings


async def test_readers_are_sent_away_when_a_shard_is_dropped(here: Here) -> None:
    """Each waiting stream ends with NOT_READY."""
    streams = [
        here.fanout.depth("AAA", LEVELS_LIMIT),
        here.fanout.statistics(["BBB"]),
        here.fanout.trades("AAA", -1, ""),
    ]
    for stream in streams:
        await anext(stream)
    waiting = [asyncio.ensure_future(anext(stream)) for stream in streams]
    await asyncio.sleep(0)
    await here.quotes.drop(0, "test")
    for each in waiting:
        with pytest.raises(Refused, match="rebuilt"):
            await within(each)


def phase(
    phase: market_pb2.Phase, auction: market_pb2.AuctionKind = market_pb2.AUCTION_KIND_UNSPECIFIED
) -> events_pb2.MarketDataEvent:
    changed = events_pb2.PhaseChanged(symbol="AAA", phase=phase, auction=auction)
    return events_pb2.MarketDataEvent(phase_changed=changed)


def level(tick: int, quantity: int, side: int = BUY) -> events_pb2.MarketDataEvent:
    changed = events_pb2.LevelChanged(side=side, price_e4=100 * tick, quantity=quantity, orders=min(quantity, 1))  # type: ignore[arg-type]
    return events_pb2.MarketDataEvent(level=changed)


async def within(awaited: "asyncio.Future[bytes] | object") -> bytes:
    """The result; nobody waits for ever."""
    return await asyncio.wait_for(awaited, WAIT_SECONDS)  # type: ignore[arg-type]
