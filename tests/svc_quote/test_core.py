"""The core against a naive model, and what a checkpoint keeps."""

import random
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourse.match.v1 import events_pb2
from bourse.types.v1 import market_pb2
from chassis.units import INT64_MAX
from svc_quote import wire
from svc_quote.core import checkpoint
from svc_quote.core.book import Book
from svc_quote.core.events import (
    BUY,
    SELL,
    Broken,
    DateClosed,
    DateOpened,
    Event,
    Indicative,
    Level,
    Part,
    Phase,
    PhaseChanged,
    Trade,
    Traded,
)
from svc_quote.core.market import Market
from svc_quote.core.shard import Shard
from svc_quote.core.statistics import DayStatistics
from svc_quote.core.tape import Tape
from tests.svc_quote.market import DATE, Naive
from tests.svc_quote.market import Market as Made

AUCTIONS = ("", "opening", "closing", "volatility", "resumption")
SIDES = ("-", "buy", "sell")
TRANSCRIPTS = sorted((Path(__file__).parent / "transcripts").glob("*.txt"))

symbols = st.sampled_from(["AAA", "BBB", "CCC"])
sides = st.sampled_from([BUY, SELL])
prices = st.integers(1, 12).map(lambda tick: tick * 100)
changes = st.builds(
    lambda side, price, quantity: events_pb2.MarketDataEvent(
        level=events_pb2.LevelChanged(side=side, price_e4=price, quantity=quantity, orders=min(quantity, 2))
    ),
    sides,
    prices,
    st.sampled_from([0, 0, 5, 70]),
)
trades = st.builds(
    lambda side, price, quantity: events_pb2.MarketDataEvent(
        trade=events_pb2.PublicTrade(price_e4=price, quantity=quantity, taker_side=side)
    ),
    sides,
    prices,
    st.integers(1, 99),
)
dates = st.just(events_pb2.MarketDataEvent(date_opened=events_pb2.TradingDateOpened(trading_date=DATE + 1)))
events = st.one_of(changes, changes, changes, trades, dates)
rows = st.lists(st.lists(st.tuples(symbols, events), max_size=6), max_size=25)


def read(shard: Shard, row: list[bytes], first_new: int = 0) -> None:
    for payload in row:
        batch, span = wire.decode(payload)
        shard.take(wire.part(batch, max(first_new, span.first)))


def assert_is(shard: Shard, naive: Naive) -> None:
    assert shard.sequence == naive.sequence
    for symbol, market in shard.markets.items():
        assert market.symbol_sequence == naive.symbol_sequence[symbol]
        for side, levels in ((BUY, market.book.bids), (SELL, market.book.asks)):
            expected = naive.side(symbol, side)
            assert [level[1:] for level in levels.top(len(levels))] == expected
            assert levels.best == next(iter(levels.top(1)), None)
        assert [entry[:6] for entry in market.tape.after(market.tape.floor, 10**6)] == naive.trades[symbol]
        day = market.statistics
        shown = day.open_price_e4, day.high_price_e4, day.low_price_e4, day.last_price_e4
        assert (*shown, day.volume, day.value_e4, day.trades) == naive.statistics(symbol)


@given(rows)
def test_any_rows_give_what_the_naive_model_has(made: list[list[tuple[str, events_pb2.MarketDataEvent]]]) -> None:
    """Books, tape and statistics are those of dicts and lists, after every row."""
    source, shard = Made(["AAA", "BBB", "CCC"], seed=0), Shard(0)
    for row in made:
        source.row([(symbol, copied(event)) for symbol, event in row])
        read(shard, source.rows[-1])
    assert_is(shard, source.naive)


@given(rows, st.data())
def test_a_checkpoint_anywhere_changes_nothing(
    made: list[list[tuple[str, events_pb2.MarketDataEvent]]], data: st.DataObject
) -> None:
    """A shard that was stored, loaded and went on has the same state as one that was not."""
    source, shard, other = Made(["AAA", "BBB", "CCC"], seed=0), Shard(0), Shard(0)
    cut = data.draw(st.integers(0, len(made)))
    for number, row in enumerate(made):
        if number == cut:
            other = checkpoint.decode(checkpoint.encode(other))
        source.row([(symbol, copied(event)) for symbol, event in row])
        read(shard, source.rows[-1])
        read(other, source.rows[-1])
    assert checkpoint.encode(shard) == checkpoint.encode(other)


@given(rows, st.integers(1, 8), st.data())
def test_conflated_changes_bring_any_reader_up_to_date(
    made: list[list[tuple[str, events_pb2.MarketDataEvent]]], limit: int, data: st.DataObject
) -> None:
    """A reader that looks now and then, with however few remembered changes, has the book each time."""
    book, mine, seen = Book(changes_limit=limit), dict[tuple[int, int], Level](), 0
    levels = [event.level for row in made for _, event in row if event.HasField("level")]
    for number, level in enumerate(levels, 1):
        book.set(Level(level.side, level.price_e4, level.quantity, level.orders), number)
        if not data.draw(st.booleans()):
            continue
        everything = book.bids.top(99) + book.asks.top(99)
        news = book.changes(seen)
        if news is None:
            mine, news = {}, everything
        mine |= {(level.side, level.price_e4): level for level in news}
        mine = {key: level for key, level in mine.items() if level.quantity}
        assert mine == {(level.side, level.price_e4): level for level in everything}
        seen = number


def test_readers_never_see_half_a_row() -> None:
    """Nothing of a row is applied before its last part."""
    source, shard = Made(["AAA", "BBB"], seed=1), Shard(0)
    source.open()
    for row in source.rows:
        for payload in row[:-1]:
            before = checkpoint.encode(shard)
            read(shard, [payload])
            assert checkpoint.encode(shard) == before
        read(shard, row[-1:])
    assert_is(shard, source.naive)


def test_only_the_part_behind_the_cursor_is_applied() -> None:
    """Of a message that begins before the cursor, events up to it are left out."""
    source = Made(["AAA"], seed=2)
    source.row([("AAA", copied(event)) for event in make(8)])
    (payload,) = source.rows[0]
    shard = Shard(0)
    batch, _ = wire.decode(payload)
    half = events_pb2.MarketDataBatch()
    half.CopyFrom(batch)
    del half.events[3:]
    half.last_sequence = 3
    read(shard, [half.SerializeToString()])
    read(shard, [payload], first_new=4)
    assert_is(shard, source.naive)


def test_a_gap_in_a_symbol_is_never_passed() -> None:
    """Events that do not follow the symbol's last one break the shard."""
    market = Market("AAA")
    market.apply(1, [Level(BUY, 100, 5, 1)], 1)
    for wrong in (1, 3):
        with pytest.raises(Broken, match="symbol_sequence"):
            market.apply(wrong, [Level(BUY, 100, 5, 1)], 1)


def test_what_the_calendar_does_next_is_shown_and_kept() -> None:
    """Until it moves on, stops, or has nothing more to do."""
    source, shard = Made(["AAA"], seed=3), Shard(0)
    source.open()
    following = market_pb2.Transition(time_us=7, kind=market_pb2.TRANSITION_KIND_CLOSE_DATE, trading_date=DATE)
    missed = events_pb2.ScheduleMissed(missed=following)
    for event, wanted in (
        (events_pb2.MarketDataEvent(calendar_moved=events_pb2.CalendarMoved(following=following)), following),
        (events_pb2.MarketDataEvent(schedule_missed=missed), None),
        (events_pb2.MarketDataEvent(calendar_moved=events_pb2.CalendarMoved(following=following)), following),
        (events_pb2.MarketDataEvent(calendar_moved=events_pb2.CalendarMoved(done=following)), None),
    ):
        done = len(source.rows) if shard.sequence else 0
        source.row([("AAA", event)])
        for row in source.rows[done:]:
            read(shard, row)
        for known in (shard, checkpoint.decode(checkpoint.encode(shard))):
            shown = wire.instrument(known, known.markets["AAA"])
            assert shown.HasField("next_transition") == (wanted is not None)
            assert wanted is None or shown.next_transition == wanted


def test_a_damaged_checkpoint_is_named() -> None:
    """Any changed byte, and any cut, is found."""
    source, shard = Made(["AAA"], seed=3), Shard(0)
    source.open()
    source.trade_some(20)
    for row in source.rows:
        read(shard, row)
    payload = checkpoint.encode(shard)
    chooser = random.Random(3)
    for _ in range(50):
        place = chooser.randrange(len(payload))
        spoiled = payload[:place] + bytes([payload[place] ^ (1 << chooser.randrange(8))]) + payload[place + 1 :]
        for damaged in (spoiled, payload[:place]):
            with pytest.raises(checkpoint.Damaged):
                checkpoint.decode(damaged)


def test_the_tape_is_bounded_by_what_is_stored() -> None:
    """The newest trades stay, nothing goes that the store does not have, and what is left out is counted."""
    tape = Tape(limit=10)
    for number in range(1, 101):
        tape.add(Trade(number * 2, number, 100, 1, BUY, 0))
    tape.trim(stored_sequence=40)
    assert (tape.floor, tape.older) == (20, 20)
    tape.trim(stored_sequence=200)
    assert (tape.floor, tape.older) == (90, 90)
    assert [trade.symbol_sequence for trade in tape.before(96, 3)] == [95, 94, 93]
    assert [trade.symbol_sequence for trade in tape.after(96, 3)] == [97, 98, 99]
    assert [trade.symbol_sequence for trade in tape.since(196)] == [99, 100]


def test_value_stays_at_its_limit() -> None:
    """A value beyond int64 is shown as the largest one."""
    day = DayStatistics(DATE)
    for _ in range(3):
        day.add(10**13, 10**6)
    assert (day.value_e4, day.volume) == (INT64_MAX, 3 * 10**6)


@pytest.mark.parametrize("file", TRANSCRIPTS, ids=lambda file: file.stem)
def test_transcripts(file: Path) -> None:
    """Each `>` line is a row of public events, and what follows it is what everyone then sees."""
    shard, symbol_sequence = Shard(0), 0
    shown: list[str] = []
    lines = file.read_text("utf-8").splitlines()
    for number, line in enumerate(line for line in lines if line.startswith(">")):
        made = [event(words.split()) for words in line[1:].split(";")]
        shard.take(Part(number + 1, number, True, "ACME", symbol_sequence + 1, made))
        symbol_sequence += len(made)
        shown += [line, *state(shard.markets["ACME"])]
    assert shown == [line for line in lines if line and not line.startswith("#")]


def event(words: list[str]) -> Event:
    match words:
        case ["bid" | "ask" as side, price, quantity, orders]:
            return Level(BUY if side == "bid" else SELL, int(price), int(quantity), int(orders))
        case ["trade", price, quantity, side]:
            return Traded(0, int(price), int(quantity), BUY if side == "buy" else SELL)
        case ["uncross", price, quantity, side]:
            return Traded(0, int(price), int(quantity), BUY if side == "buy" else SELL, True)
        case ["indicative", price, quantity, side, surplus]:
            return Indicative(int(price), int(quantity), SIDES.index(side), int(surplus))
        case ["phase", name, *kind]:
            return PhaseChanged(Phase[name], AUCTIONS.index(*kind) if kind else 0)
        case ["opened", date]:
            return DateOpened(int(date))
        case ["closed", date]:
            return DateClosed(int(date))
    raise AssertionError(f"no such event: {words}")


def state(market: Market) -> list[str]:
    book, day = market.book, market.statistics
    bids = " ".join(f"{level.quantity}@{level.price_e4}({level.orders})" for level in book.bids.top(9))
    asks = " ".join(f"{level.quantity}@{level.price_e4}({level.orders})" for level in book.asks.top(9))
    prices = f"{day.open_price_e4} {day.high_price_e4} {day.low_price_e4} {day.last_price_e4}"
    auction = ""
    if market.indicative is not None:
        price, quantity, side, surplus = market.indicative
        auction = f" auction {market.auction} would trade {quantity}@{price}" + f" {SIDES[side]} {surplus}" * bool(
            surplus
        )
    return [
        f"  {market.phase.name} {market.trading_date} book {bids or '-'} | {asks or '-'}{auction}",
        f"  day {day.trading_date} prices {prices} volume {day.volume} value {day.value_e4} trades {day.trades}",
    ]


def copied(event: events_pb2.MarketDataEvent) -> events_pb2.MarketDataEvent:
    copy = events_pb2.MarketDataEvent()
    copy.CopyFrom(event)
    return copy


def make(count: int) -> list[events_pb2.MarketDataEvent]:
    level = events_pb2.LevelChanged(side=market_pb2.SIDE_BUY, price_e4=100, quantity=7, orders=1)
    trade = events_pb2.PublicTrade(price_e4=100, quantity=7, taker_side=market_pb2.SIDE_SELL)
    kinds = [events_pb2.MarketDataEvent(level=level), events_pb2.MarketDataEvent(trade=trade)]
    return [kinds[number % 2] for number in range(count)]
