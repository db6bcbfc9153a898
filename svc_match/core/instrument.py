"""What an instrument is, and the limits of one."""

import re
from dataclasses import dataclass, fields
from enum import IntEnum
from itertools import pairwise
from typing import Any, NamedTuple

from chassis.units import CURRENCIES

SYMBOL = re.compile(r"[A-Z0-9.]{1,12}\Z")
MAX_TICK_SIZE_E4 = 10_000_000
MAX_LOT_SIZE = 1_000_000
MAX_PRICE_E4 = 10**13
MAX_QUANTITY = 10**12
MAX_FEE_E6 = 100_000
MAX_PROTECTION_BP = 10_000
MAX_TICK_BANDS = 64
MAX_COLLAR_BP = 10_000
MAX_AUCTION_US = 86_400_000_000
MAX_BAND_BP = 10_000
MAX_INTERVAL_US = 86_400_000_000
OF_BANDS = ("limit_interval_us", "limit_state_us", "limit_pause_us")
OF_ORDERS = ("tick_size_e4", "tick_bands", "lot_size", "min_price_e4", "max_price_e4")
MAX_NOTIONAL_E4 = (1 << 63) - 1


class Phase(IntEnum):
    """What a book does with commands; cancels are taken in every phase."""

    CLOSED = 1
    OPEN = 2
    HALTED = 3
    AUCTION = 4


class AuctionKind(IntEnum):
    """What an auction is for."""

    OPENING = 1
    CLOSING = 2
    VOLATILITY = 3
    RESUMPTION = 4


class Listing(IntEnum):
    """Whether an instrument may be traded at all; only one that is LISTED is ever open."""

    LISTED = 1
    SUSPENDED = 2
    DELISTED = 3


PHASES_OF: dict[Listing, tuple[Phase, ...]] = {
    Listing.LISTED: tuple(Phase),
    Listing.SUSPENDED: (Phase.CLOSED, Phase.HALTED),
    Listing.DELISTED: (Phase.CLOSED,),
}


class TickBand(NamedTuple):
    """From this price on to the next band another tick size holds."""

    price_from_e4: int
    tick_size_e4: int


@dataclass(frozen=True, slots=True)
class Instrument:
    """Reference data of one instrument; prices in 1/10 000 of the currency, fees in 1/1 000 000 of the amount.

    `tick_size_e4` is the smallest tick, which each band's is a multiple of.
    """

    symbol: str
    currency: str
    tick_size_e4: int
    lot_size: int
    min_price_e4: int
    max_price_e4: int
    max_quantity: int
    maker_fee_e6: int
    taker_fee_e6: int
    shard: int
    market_protection_bp: int = 0  # in 1/10 000 of the reference price; 0 for none
    tick_bands: tuple[TickBand, ...] = ()
    max_notional_e4: int = 0
    reference_price_e4: int = 0
    static_collar_bp: int = 0
    dynamic_collar_bp: int = 0
    volatility_auction_us: int = 0
    limit_band_bp: int = 0
    limit_interval_us: int = 0
    limit_state_us: int = 0
    limit_pause_us: int = 0

    @classmethod
    def restored(cls, values: dict[str, Any]) -> "Instrument":
        """One whose fields were written as JSON."""
        return cls(**values | {"tick_bands": tuple(TickBand(*band) for band in values.get("tick_bands", ()))})

    def tick_at(self, price_e4: int) -> int:
        """The tick size that holds at a price."""
        below = [band.tick_size_e4 for band in self.tick_bands if band.price_from_e4 <= price_e4]
        return below[-1] if below else self.tick_size_e4


def wrong_field(instrument: Instrument, shard: int) -> str:
    """The first field that is outside its limits; empty when all are within.

    A currency is a code of ISO 4217 and a symbol is none, so no asset of the ledger is both, whichever shards they are of.
    """
    tick, lot = instrument.tick_size_e4, instrument.lot_size
    rules = {
        "symbol": SYMBOL.match(instrument.symbol) is not None and instrument.symbol not in CURRENCIES,
        "currency": instrument.currency in CURRENCIES,
        "tick_size_e4": 1 <= tick <= MAX_TICK_SIZE_E4,
        "tick_bands": _right_bands(instrument),
        "lot_size": 1 <= lot <= MAX_LOT_SIZE,
        "min_price_e4": instrument.min_price_e4 > 0 and _on_tick(instrument, instrument.min_price_e4),
        "max_price_e4": instrument.min_price_e4 <= instrument.max_price_e4 <= MAX_PRICE_E4
        and _on_tick(instrument, instrument.max_price_e4),
        "max_quantity": 0 < instrument.max_quantity <= MAX_QUANTITY and not instrument.max_quantity % max(lot, 1),
        "maker_fee_e6": 0 <= instrument.maker_fee_e6 <= MAX_FEE_E6,
        "taker_fee_e6": 0 <= instrument.taker_fee_e6 <= MAX_FEE_E6,
        "shard": instrument.shard == shard,
        "market_protection_bp": 0 <= instrument.market_protection_bp <= MAX_PROTECTION_BP,
        "reference_price_e4": 0 <= instrument.reference_price_e4 <= MAX_PRICE_E4,
        "static_collar_bp": 0 <= instrument.static_collar_bp <= MAX_COLLAR_BP,
        "dynamic_collar_bp": 0 <= instrument.dynamic_collar_bp <= MAX_COLLAR_BP,
        "volatility_auction_us": 0 <= instrument.volatility_auction_us <= MAX_AUCTION_US
        and (instrument.volatility_auction_us > 0) == (instrument.dynamic_collar_bp > 0),
        "limit_band_bp": 0 <= instrument.limit_band_bp <= MAX_BAND_BP
        and not (instrument.limit_band_bp and instrument.dynamic_collar_bp),
        **{field: _goes_with_bands(instrument, field) for field in OF_BANDS},
        "max_notional_e4": 0 <= instrument.max_notional_e4 <= MAX_NOTIONAL_E4,
    }
    assert len(rules) == len(fields(instrument))
    return next((field for field, right in rules.items() if not right), "")


def bound_by_orders(before: Instrument, after: Instrument) -> str:
    """The first field that differs of those that say what an order that stands may be; empty when none does."""
    return next((field for field in OF_ORDERS if getattr(before, field) != getattr(after, field)), "")


def told(instrument: Instrument, field: str) -> str:
    """What a field says, for a refusal: a list of bands as price:tick."""
    value = getattr(instrument, field)
    return " ".join(f"{start}:{tick}" for start, tick in value) if field == "tick_bands" else str(value)


def _on_tick(instrument: Instrument, price_e4: int) -> bool:
    return price_e4 % max(instrument.tick_at(price_e4), 1) == 0


def _goes_with_bands(instrument: Instrument, field: str) -> bool:
    """A time that price bands need, and nothing else does."""
    value: int = getattr(instrument, field)
    return 0 <= value <= MAX_INTERVAL_US and (value > 0) == (instrument.limit_band_bp > 0)


def _right_bands(instrument: Instrument) -> bool:
    """Each band begins at a price of its own, above the one before; its tick is a multiple of the smallest."""
    bands = instrument.tick_bands
    return (
        len(bands) <= MAX_TICK_BANDS
        and all(one.price_from_e4 < other.price_from_e4 for one, other in pairwise(bands))
        and all(
            0 < tick <= MAX_TICK_SIZE_E4
            and 0 < price_from <= MAX_PRICE_E4
            and tick % max(instrument.tick_size_e4, 1) == 0
            and price_from % tick == 0
            for price_from, tick in bands
        )
    )
