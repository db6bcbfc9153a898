"""Reference data: instruments, and the steps of the calendar."""

from bourse.types.v1 import market_pb2
from svc_match.core.commands import Step
from svc_match.core.instrument import Instrument, TickBand


def instrument(message: market_pb2.Instrument) -> Instrument:
    """An instrument as the core has it; its shard is the one that keeps it."""
    return Instrument(
        message.symbol,
        message.currency,
        message.tick_size_e4,
        message.lot_size,
        message.min_price_e4,
        message.max_price_e4,
        message.max_quantity,
        message.maker_fee_e6,
        message.taker_fee_e6,
        message.shard,
        message.market_protection_bp,
        tuple(TickBand(band.price_from_e4, band.tick_size_e4) for band in message.tick_bands),
        message.max_notional_e4,
        message.reference_price_e4,
        message.static_collar_bp,
        message.dynamic_collar_bp,
        message.volatility_auction_us,
        message.limit_band_bp,
        message.limit_interval_us,
        message.limit_state_us,
        message.limit_pause_us,
    )


def instrument_message(it: Instrument) -> market_pb2.Instrument:
    """The inverse of `instrument`."""
    return market_pb2.Instrument(
        symbol=it.symbol,
        currency=it.currency,
        tick_size_e4=it.tick_size_e4,
        lot_size=it.lot_size,
        min_price_e4=it.min_price_e4,
        max_price_e4=it.max_price_e4,
        max_quantity=it.max_quantity,
        maker_fee_e6=it.maker_fee_e6,
        taker_fee_e6=it.taker_fee_e6,
        shard=it.shard,
        market_protection_bp=it.market_protection_bp,
        tick_bands=[market_pb2.TickBand(price_from_e4=start, tick_size_e4=tick) for start, tick in it.tick_bands],
        max_notional_e4=it.max_notional_e4,
        reference_price_e4=it.reference_price_e4,
        static_collar_bp=it.static_collar_bp,
        dynamic_collar_bp=it.dynamic_collar_bp,
        volatility_auction_us=it.volatility_auction_us,
        limit_band_bp=it.limit_band_bp,
        limit_interval_us=it.limit_interval_us,
        limit_state_us=it.limit_state_us,
        limit_pause_us=it.limit_pause_us,
    )


def step(message: market_pb2.Transition) -> Step:
    """A step of the calendar."""
    return Step(
        message.time_us, message.kind, message.trading_date, message.phase, message.auction, message.random_end_us
    )


def transition_message(step: Step) -> market_pb2.Transition:
    """The inverse of `step`."""
    message = market_pb2.Transition()
    (message.time_us, message.kind, message.trading_date, message.phase, message.auction, message.random_end_us) = step  # type: ignore[assignment]
    return message
