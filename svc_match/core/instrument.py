"""What an instrument is, and the limits of one."""

import re
from dataclasses import dataclass, fields
from enum import IntEnum

from chassis.units import CURRENCIES

SYMBOL = re.compile(r"[A-Z0-9.]{1,12}\Z")
MAX_TICK_SIZE_E4 = 10_000_000
MAX_LOT_SIZE = 1_000_000
MAX_PRICE_E4 = 10**13
MAX_QUANTITY = 10**12
MAX_FEE_E6 = 100_000
MAX_PROTECTION_BP = 10_000


class Phase(IntEnum):
    """What a book does with commands; cancels are taken in every phase."""

    CLOSED = 1
    OPEN = 2
    HALTED = 3


@dataclass(frozen=True, slots=True)
class Instrument:
    """Reference data of one instrument; prices in 1/10 000 of the currency, fees in 1/1 000 000 of the amount."""

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


def wrong_field(instrument: Instrument, shard: int) -> str:
    """The first field that is outside its limits; empty when all are within.

    A currency is a code of ISO 4217 and a symbol is none, so no asset of the ledger is both, whichever shards they are of.
    """
    tick, lot = instrument.tick_size_e4, instrument.lot_size
    rules = {
        "symbol": SYMBOL.match(instrument.symbol) is not None and instrument.symbol not in CURRENCIES,
        "currency": instrument.currency in CURRENCIES,
        "tick_size_e4": 1 <= tick <= MAX_TICK_SIZE_E4,
        "lot_size": 1 <= lot <= MAX_LOT_SIZE,
        "min_price_e4": instrument.min_price_e4 > 0 and not instrument.min_price_e4 % max(tick, 1),
        "max_price_e4": instrument.min_price_e4 <= instrument.max_price_e4 <= MAX_PRICE_E4
        and not instrument.max_price_e4 % max(tick, 1),
        "max_quantity": 0 < instrument.max_quantity <= MAX_QUANTITY and not instrument.max_quantity % max(lot, 1),
        "maker_fee_e6": 0 <= instrument.maker_fee_e6 <= MAX_FEE_E6,
        "taker_fee_e6": 0 <= instrument.taker_fee_e6 <= MAX_FEE_E6,
        "shard": instrument.shard == shard,
        "market_protection_bp": 0 <= instrument.market_protection_bp <= MAX_PROTECTION_BP,
    }
    assert len(rules) == len(fields(instrument))
    return next((field for field, right in rules.items() if not right), "")
