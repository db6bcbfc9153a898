"""Busted trades: marked on the tape, told to readers, and out of the statistics, wherever the date's trades are by then
(rule 7.9.4).
"""

import random
from pathlib import Path
from typing import Any

import pytest

from bourse.match.v1 import events_pb2
from bourse.quote.v1 import quote_pb2
from svc_quote.core import checkpoint
from tests.svc_quote.market import DATE, Market
from tests.svc_quote.memory import Here, serving

PAGE = 1000


def bust(sequence: int, price_e4: int, quantity: int, side: int) -> events_pb2.MarketDataEvent:
    told = events_pb2.PublicTradeBusted(trade_sequence=sequence, price_e4=price_e4, quantity=quantity)
    told.taker_side = side  # type: ignore[assignment]
    return events_pb2.MarketDataEvent(busted=told)


@pytest.fixture(params=[8, 10_000], ids=["few trades in memory", "all trades in memory"])
async def here(request: pytest.FixtureRequest) -> Here:
    """Two dates of trades, of which some of the second are busted, the first and the last among them."""
    market = Market(["AAA"], seed=7)
    here = Here(market, tape_limit=request.param)
    await here.begin()
    market.open()
    market.trade_some(60)
    market.open(DATE + 1)
    market.trade_some(120)
    await here.feed()
    here.quotes.shards[0].stored(market.sequence, here.quotes.shards[0].trades)
    today = market.naive.trades["AAA"][market.naive.since["AAA"] :]
    chosen = [today[0], today[-1], *random.Random(7).sample(today[1:-1], 15)]
    for sequence, _, price, quantity, side, *_ in chosen:
        market.row([("AAA", bust(sequence, price, quantity, side))])
    await here.feed()
    return here


def shown(here: Here) -> tuple[int, ...]:
    day = here.quotes.shards[0].markets["AAA"].statistics
    assert day.trading_date == DATE + 1
    prices = day.open_price_e4, day.high_price_e4, day.low_price_e4, day.last_price_e4
    return (*prices, day.volume, day.value_e4, day.trades)


async def test_statistics_are_of_the_trades_that_are_left(here: Here) -> None:
    """Open, high, low and last too; trades after a bust are counted as ever, and so they are after a restart."""
    here.market.trade_some(20)
    await here.apply()
    assert shown(here) == here.market.naive.statistics("AAA")
    again = checkpoint.decode(checkpoint.encode(here.quotes.shards[0])).markets["AAA"]
    assert again.statistics == here.quotes.shards[0].markets["AAA"].statistics
    assert again.busted == here.market.naive.busted


async def test_the_tape_marks_them(here: Here, tmp_path: Path) -> None:
    """Every trade is still listed and exported, those that were busted say so; busts are no trades."""
    async with serving(here, tmp_path) as stub:
        listed = (await stub.ListTrades(quote_pb2.ListTradesRequest(symbol="AAA", page_size=PAGE))).trades
        exported = [
            one.trade async for part in stub.ExportQuotes(quote_pb2.ExportQuotesRequest()) for one in part.trades
        ]
    assert list(listed)[::-1] == exported
    assert [trade.sequence for trade in exported] == [entry[0] for entry in here.market.naive.trades["AAA"]]
    assert {trade.sequence for trade in exported if trade.busted} == here.market.naive.busted


async def test_readers_are_told_in_order(here: Here, tmp_path: Path) -> None:
    """A reader from the start, and one that was there, get each bust once, in its place."""
    last = here.market.naive.symbol_sequence["AAA"]
    async with serving(here, tmp_path) as stub:
        told: list[Any] = []
        async for response in stub.StreamTrades(quote_pb2.StreamTradesRequest(symbol="AAA")):
            told += sorted((*response.trades, *response.busts), key=lambda one: one.symbol_sequence)
            if response.position.symbol_sequence == last:
                break
    assert [one.symbol_sequence for one in told] == sorted(one.symbol_sequence for one in told)
    busts = [one.trade_sequence for one in told if isinstance(one, quote_pb2.TradeBust)]
    assert (len(busts), set(busts)) == (17, here.market.naive.busted)
    assert len(told) == len(here.market.naive.trades["AAA"]) + 17
