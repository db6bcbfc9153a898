"""protobuf <-> core. What many readers get is encoded here once, as bytes."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import cast

from bourse.match.v1 import events_pb2
from bourse.quote.v1 import quote_pb2
from bourse.types.v1 import market_pb2
from chassis.follow import Span
from svc_quote.core import events
from svc_quote.core.events import BUY, Event, Level, Part, Trade
from svc_quote.core.market import Market
from svc_quote.core.shard import Shard


def decode(payload: bytes) -> tuple[events_pb2.MarketDataBatch, Span]:
    """A part of a journal row as published, and what it covers."""
    batch = events_pb2.MarketDataBatch.FromString(payload)
    span = Span(
        batch.incarnation, batch.shard, batch.first_sequence, batch.last_sequence, batch.part, max(1, batch.parts)
    )
    return batch, span


def part(batch: events_pb2.MarketDataBatch, first_new: int) -> Part:
    """The part's events from the shard's sequence `first_new` on."""
    first, wanted = batch.first_symbol_sequence, list(batch.events)
    if first_new > batch.first_sequence:
        old = sum(event.sequence < first_new for event in wanted)
        first, wanted = first + old, wanted[old:]
    translated: list[Event] = []
    append = translated.append
    for event in wanted:
        kind = event.WhichOneof("event")
        if kind == "level":
            level = event.level
            append(Level(level.side, level.price_e4, level.quantity, level.orders))
        elif kind == "trade":
            trade = event.trade
            append(events.Traded(event.sequence, trade.price_e4, trade.quantity, trade.taker_side, trade.auction))
        else:
            append(_reference(event))
    ends_row = batch.part + 1 >= batch.parts
    return Part(batch.last_sequence, batch.time_us, ends_row, batch.symbol, first, translated)


def _busted(event: events_pb2.MarketDataEvent) -> Event:
    bust = event.busted
    return events.Busted(event.sequence, bust.trade_sequence, bust.price_e4, bust.quantity, bust.taker_side)


def _reference(event: events_pb2.MarketDataEvent) -> Event:
    kind = event.WhichOneof("event")
    if kind == "busted":
        return _busted(event)
    if kind == "phase_changed":
        return events.PhaseChanged(events.Phase(event.phase_changed.phase), event.phase_changed.auction)
    if kind == "indicative":
        told = event.indicative
        return events.Indicative(told.price_e4, told.quantity, told.surplus_side, told.surplus_quantity)
    if kind == "price_bands_changed":
        bands = event.price_bands_changed
        return events.PriceBands(bands.reference_price_e4, bands.lower_price_e4, bands.upper_price_e4, bands.limit_side)
    if kind in ("instrument_added", "instrument_changed"):
        return events.Instrument(getattr(event, kind).instrument.SerializeToString())
    if kind == "listing_changed":
        return events.ListingChanged(events.Listing(event.listing_changed.listing))
    if kind == "date_opened":
        return events.DateOpened(event.date_opened.trading_date)
    if kind == "date_closed":
        return events.DateClosed(event.date_closed.trading_date)
    if kind == "calendar_moved":
        moved = event.calendar_moved
        return events.CalendarMoved(_transition(moved.following) if moved.HasField("following") else None)
    if kind == "schedule_missed":
        return events.CalendarMoved(None)
    raise events.Broken(f"event {event.sequence} is of a kind that this version does not know")


def _transition(message: market_pb2.Transition) -> events.Transition:
    return events.Transition._make(getattr(message, name) for name in events.Transition._fields)


def position(shard: Shard, market: Market) -> quote_pb2.QuotePosition:
    return quote_pb2.QuotePosition(
        symbol=market.symbol,
        sequence=shard.sequence,
        symbol_sequence=market.symbol_sequence,
        time_us=shard.time_us,
        incarnation=shard.incarnation,
    )


def instrument(shard: Shard, market: Market) -> quote_pb2.InstrumentStatus:
    known = market.instrument
    return quote_pb2.InstrumentStatus(
        instrument=(
            market_pb2.Instrument.FromString(known.encoded) if known else market_pb2.Instrument(symbol=market.symbol)
        ),
        phase=cast("market_pb2.Phase", market.phase),
        listing=cast("market_pb2.Listing", market.listing),
        auction=cast("market_pb2.AuctionKind", market.auction),
        trading_date=market.trading_date,
        position=position(shard, market),
        next_transition=market_pb2.Transition(**market.following._asdict()) if market.following else None,
        price_bands=price_bands(market),
    )


def top(shard: Shard, market: Market) -> quote_pb2.TopOfBook:
    bid, ask = market.book.bids.best, market.book.asks.best
    return quote_pb2.TopOfBook(
        position=position(shard, market),
        bid=level(bid) if bid else None,
        ask=level(ask) if ask else None,
        indicative=indicative(market),
        status=status(market),
    )


def status(market: Market) -> quote_pb2.TradingStatus:
    return quote_pb2.TradingStatus(
        phase=cast("market_pb2.Phase", market.phase),
        auction=cast("market_pb2.AuctionKind", market.auction),
        listing=cast("market_pb2.Listing", market.listing),
        price_bands=price_bands(market),
    )


def price_bands(market: Market) -> quote_pb2.PriceBands | None:
    told = market.bands
    if told is None:
        return None
    return quote_pb2.PriceBands(
        reference_price_e4=told.reference_price_e4,
        lower_price_e4=told.lower_price_e4,
        upper_price_e4=told.upper_price_e4,
        limit_side=cast("market_pb2.Side", told.limit_side),
    )


def indicative(market: Market) -> quote_pb2.Indicative | None:
    told = market.indicative
    if told is None:
        return None
    return quote_pb2.Indicative(
        price_e4=told.price_e4,
        quantity=told.quantity,
        surplus_side=cast("market_pb2.Side", told.surplus_side),
        surplus_quantity=told.surplus_quantity,
    )


def statistics(shard: Shard, market: Market) -> quote_pb2.DayStatistics:
    day = market.statistics
    return quote_pb2.DayStatistics(
        position=position(shard, market),
        trading_date=day.trading_date,
        open_price_e4=day.open_price_e4,
        high_price_e4=day.high_price_e4,
        low_price_e4=day.low_price_e4,
        last_price_e4=day.last_price_e4,
        volume=day.volume,
        value_e4=day.value_e4,
        trades=day.trades,
    )


def level(one: Level) -> quote_pb2.Level:
    return quote_pb2.Level(price_e4=one.price_e4, quantity=one.quantity, orders=one.orders)


def trades(some: Iterable[Trade], busted: Collection[int]) -> Iterator[quote_pb2.Trade]:
    """The trades among entries of a tape; of those that are busted the sequences."""
    return (_trade(one, one.sequence in busted) for one in some if not one.busts)


def _trade(one: Trade, busted: bool) -> quote_pb2.Trade:
    return quote_pb2.Trade(
        sequence=one.sequence,
        symbol_sequence=one.symbol_sequence,
        price_e4=one.price_e4,
        quantity=one.quantity,
        taker_side=cast("market_pb2.Side", one.taker_side),
        time_us=one.time_us,
        auction=one.auction,
        busted=busted,
    )


def _bust(one: Trade) -> quote_pb2.TradeBust:
    return quote_pb2.TradeBust(
        sequence=one.sequence, symbol_sequence=one.symbol_sequence, trade_sequence=one.busts, time_us=one.time_us
    )


def depth(shard: Shard, market: Market, levels: int) -> quote_pb2.GetDepthResponse:
    return quote_pb2.GetDepthResponse(
        position=position(shard, market),
        bids=map(level, market.book.bids.top(levels)),
        asks=map(level, market.book.asks.top(levels)),
        indicative=indicative(market),
        status=status(market),
    )


def depth_snapshot(shard: Shard, market: Market, levels: int) -> bytes:
    """The whole book, as the stream's response."""
    return quote_pb2.StreamDepthResponse(
        position=position(shard, market),
        snapshot=True,
        bids=map(level, market.book.bids.top(levels)),
        asks=map(level, market.book.asks.top(levels)),
        indicative=indicative(market),
        status=status(market),
    ).SerializeToString()


def depth_changes(shard: Shard, market: Market, changed: Iterable[Level]) -> bytes:
    """Levels that changed, as the stream's response."""
    response = quote_pb2.StreamDepthResponse(
        position=position(shard, market), indicative=indicative(market), status=status(market)
    )
    for one in changed:
        (response.bids if one.side == BUY else response.asks).append(level(one))
    return response.SerializeToString()


def top_response(shard: Shard, market: Market) -> bytes:
    """One instrument of the stream's response: such bytes may be joined."""
    return quote_pb2.StreamTopOfBookResponse(tops=[top(shard, market)]).SerializeToString()


def statistics_response(shard: Shard, market: Market) -> bytes:
    """One instrument of the stream's response: such bytes may be joined."""
    return quote_pb2.StreamDayStatisticsResponse(statistics=[statistics(shard, market)]).SerializeToString()


def trades_response(shard: Shard, market: Market, some: Sequence[Trade], until: int) -> bytes:
    """Entries of the tape that bring a reader up to the symbol_sequence `until`."""
    where = position(shard, market)
    where.symbol_sequence = until
    busts = (_bust(one) for one in some if one.busts)
    return quote_pb2.StreamTradesResponse(
        position=where, trades=trades(some, market.busted), busts=busts
    ).SerializeToString()


def move_top() -> bytes:
    """Tells a reader of tops to move."""
    return quote_pb2.StreamTopOfBookResponse(draining=quote_pb2.Draining()).SerializeToString()


def move_depth() -> bytes:
    """Tells a reader of a book to move."""
    return quote_pb2.StreamDepthResponse(draining=quote_pb2.Draining()).SerializeToString()


def move_statistics() -> bytes:
    """Tells a reader of statistics to move."""
    return quote_pb2.StreamDayStatisticsResponse(draining=quote_pb2.Draining()).SerializeToString()


def move_trades(sent: int) -> bytes:
    """Tells a reader of trades to move, and to resume after the symbol_sequence that was sent."""
    draining = quote_pb2.Draining(resume_after_sequence=sent)
    return quote_pb2.StreamTradesResponse(draining=draining).SerializeToString()
