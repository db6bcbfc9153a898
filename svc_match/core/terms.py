"""Which fields of an order go together, in tables: what it may ask for by its type and its time in force, and the reason
why not; and those of a mass quote. Source: docs/rule-book.md, 2.2 to 2.4 and 6.5.
"""

from typing import NamedTuple

from chassis.units import is_date
from svc_match.core.commands import (
    PLAIN,
    OrderType,
    Peg,
    PostOnly,
    Protection,
    SelfTradePrevention,
    StopTrigger,
    Terms,
    TimeInForce,
)
from svc_match.core.events import Reason, Refused
from svc_match.core.instrument import MAX_PRICE_E4
from svc_match.core.layout import BASIS_POINTS, PEAKS_LIMIT
from svc_match.core.timers import NEVER

LIMIT, MARKET, MARKET_TO_LIMIT, STOP, STOP_LIMIT, ONE_CANCELS_OTHER, PEGGED = OrderType
NONE = 0
DAY, IOC, FOK = TimeInForce.DAY, TimeInForce.IOC, TimeInForce.FOK
GTC, GTD = TimeInForce.GTC, TimeInForce.GTD
STANDING = (DAY, GTC, GTD)
GOOD_FOR_AUCTION, AT_OPEN, AT_CLOSE = TimeInForce.GOOD_FOR_AUCTION, TimeInForce.AT_OPEN, TimeInForce.AT_CLOSE
AUCTIONS = (GOOD_FOR_AUCTION, AT_OPEN, AT_CLOSE)
STOPS = (STOP, STOP_LIMIT)
TRIGGERED = (*STOPS, ONE_CANCELS_OTHER)

TIMES: dict[int, tuple[int, ...]] = {
    LIMIT: (*STANDING, IOC, FOK, *AUCTIONS),
    MARKET: (NONE, IOC, FOK, *AUCTIONS),
    MARKET_TO_LIMIT: (*STANDING, IOC),
    STOP: STANDING,
    STOP_LIMIT: STANDING,
    ONE_CANCELS_OTHER: (DAY,),
    PEGGED: (DAY,),
}


class Term(NamedTuple):
    """Orders of which types and times may have it, and the reason why others are refused."""

    reason: Reason
    types: tuple[int, ...]
    times: tuple[int, ...]


TERMS: dict[str, Term] = {
    "stop_price_e4": Term(Reason.STOP_PRICE_INVALID, TRIGGERED, STANDING),
    "stop_trigger": Term(Reason.STOP_TRIGGER_INVALID, TRIGGERED, STANDING),
    "stop_limit_price_e4": Term(Reason.STOP_LIMIT_PRICE_INVALID, (ONE_CANCELS_OTHER,), (DAY,)),
    "peg": Term(Reason.PEG_INVALID, (PEGGED,), (DAY,)),
    "peg_offset_e4": Term(Reason.PEG_INVALID, (PEGGED,), (DAY,)),
    "trailing_amount_e4": Term(Reason.TRAILING_INVALID, STOPS, STANDING),
    "trailing_bp": Term(Reason.TRAILING_INVALID, STOPS, STANDING),
    "display_quantity": Term(Reason.DISPLAY_QUANTITY_INVALID, (LIMIT,), STANDING),
    "hidden": Term(Reason.HIDDEN_INVALID, (LIMIT,), STANDING),
    "post_only": Term(Reason.POST_ONLY_INVALID, (LIMIT,), STANDING),
    "minimum_quantity": Term(
        Reason.MINIMUM_QUANTITY_INVALID, (LIMIT, MARKET, MARKET_TO_LIMIT), (NONE, *STANDING, IOC, FOK)
    ),
    "self_trade_prevention": Term(Reason.SELF_TRADE_PREVENTION_INVALID, tuple(OrderType), (NONE, *TimeInForce)),
    "expire_date": Term(Reason.EXPIRE_DATE_INVALID, tuple(OrderType), (GTD,)),
    "expire_time_us": Term(Reason.EXPIRE_TIME_INVALID, tuple(OrderType), (GTD,)),
}
QUOTE_ID_LIMIT = 32  # characters: the orders' ids are a little longer
ENTRIES_LIMIT = 100
QUOTES_LIMIT = 1_024  # sides of an account on a shard
FILL_LIMIT, SHARE_LIMIT, WINDOW_LIMIT_US = 1_000_000, 10**12, 3_600_000_000
NEVER_TOGETHER = (  # the first is what is wrong
    ("display_quantity", "hidden"),
    ("minimum_quantity", "post_only"),
    ("trailing_amount_e4", "trailing_bp"),
    ("expire_time_us", "expire_date"),
)


def wrong_terms(kind: int, time_in_force: int, quantity: int, terms: Terms, trading_date: int) -> Refused | None:
    """Why no order of a date can be such a one, by its fields alone."""
    times = TIMES.get(kind)
    if times is None:
        return Refused(Reason.ORDER_TYPE_INVALID, "type", str(kind))
    if time_in_force not in times:
        return Refused(Reason.TIME_IN_FORCE_INVALID, "time_in_force", str(time_in_force))
    if terms is PLAIN and kind not in (*TRIGGERED, PEGGED) and time_in_force != GTD:
        return None
    values = terms._asdict()
    for field, term in TERMS.items():
        if values[field] and (kind not in term.types or time_in_force not in term.times):
            return _wrong(field, values)
    for field, right in _in_range(kind, time_in_force, quantity, terms, trading_date).items():
        if not right:
            return _wrong(field, values)
    for field, other in NEVER_TOGETHER:
        if values[field] and values[other]:
            return _wrong(field, values)
    return None


Entry = tuple[str, int, int, int, int]  # symbol, bid price and quantity, offer's price and quantity


def wrong_quote(own_id: str, entries: list[Entry], prevention: int, protection: Protection) -> Refused | None:
    """Why there can be no such mass quote, by its fields alone."""
    if len(own_id) > QUOTE_ID_LIMIT:
        return Refused(Reason.CLIENT_ORDER_ID_INVALID, "client_order_id", own_id)
    if not 0 < len(entries) <= ENTRIES_LIMIT:
        return Refused(Reason.QUOTE_INVALID, "entries", str(len(entries)))
    if prevention not in (NONE, *SelfTradePrevention):
        return Refused(Reason.SELF_TRADE_PREVENTION_INVALID, "self_trade_prevention", str(prevention))
    limited = bool(protection.fill_limit or protection.share_limit)
    for field, most in (("fill_limit", FILL_LIMIT), ("share_limit", SHARE_LIMIT), ("window_us", WINDOW_LIMIT_US)):
        value = getattr(protection, field)
        if not 0 <= value <= most or (field == "window_us" and bool(value) != limited):
            return Refused(Reason.MAKER_PROTECTION_INVALID, field, str(value))
    seen: set[str] = set()
    for number, entry in enumerate(entries):
        wrong = Refused(Reason.QUOTE_INVALID, "symbol", entry[0]) if entry[0] in seen else _wrong_entry(entry)
        if wrong is not None:
            return wrong._replace(field=f"entries[{number}].{wrong.field}")
        seen.add(entry[0])
    return None


def _wrong_entry(entry: Entry) -> Refused | None:
    _, bid_e4, bid, ask_e4, ask = entry
    for side, price_e4, quantity in (("bid", bid_e4, bid), ("ask", ask_e4, ask)):
        if quantity < 0:
            return Refused(Reason.QUANTITY_INVALID, f"{side}_quantity", str(quantity))
        if quantity and price_e4 <= 0:
            return Refused(Reason.PRICE_INVALID, f"{side}_price_e4", str(price_e4))
        if not quantity and price_e4:
            return Refused(Reason.QUOTE_INVALID, f"{side}_price_e4", str(price_e4))
    crossed = bid and ask and bid_e4 >= ask_e4
    return Refused(Reason.QUOTE_INVALID, "ask_price_e4", str(ask_e4)) if crossed else None


def _in_range(kind: int, time_in_force: int, quantity: int, terms: Terms, trading_date: int) -> dict[str, bool]:
    peak, until = terms.display_quantity, terms.expire_date
    undated = time_in_force != GTD or terms.expire_time_us != 0
    return {
        "stop_price_e4": terms.stop_price_e4 > 0 or kind not in TRIGGERED,
        "stop_limit_price_e4": terms.stop_limit_price_e4 >= 0,
        "stop_trigger": terms.stop_trigger in (NONE, *StopTrigger),
        "peg": terms.peg in tuple(Peg) or kind != PEGGED,
        "peg_offset_e4": abs(terms.peg_offset_e4) <= MAX_PRICE_E4,
        "trailing_amount_e4": 0 <= terms.trailing_amount_e4 <= MAX_PRICE_E4,
        "trailing_bp": 0 <= terms.trailing_bp <= BASIS_POINTS,
        "display_quantity": peak == 0 or 0 < peak < quantity <= peak * PEAKS_LIMIT,
        "post_only": terms.post_only in (NONE, *PostOnly),
        "minimum_quantity": terms.minimum_quantity == 0 or 0 < terms.minimum_quantity <= quantity,
        "self_trade_prevention": terms.self_trade_prevention in (NONE, *SelfTradePrevention),
        "expire_date": (until == 0 and undated) or (until >= trading_date and is_date(until)),
        "expire_time_us": 0 <= terms.expire_time_us < NEVER,
    }


def _wrong(field: str, values: dict[str, int]) -> Refused:
    return Refused(TERMS[field].reason, field, str(values[field]))
