"""Which fields of an order go together, in tables: what it may ask for by its type and its time in force, and the reason
why not. Source: docs/rule-book.md, 2.2 to 2.4.
"""

from typing import NamedTuple

from svc_match.core.commands import (
    PLAIN,
    OrderType,
    Peg,
    PostOnly,
    SelfTradePrevention,
    StopTrigger,
    Terms,
    TimeInForce,
)
from svc_match.core.events import Reason, Refused
from svc_match.core.instrument import MAX_PRICE_E4
from svc_match.core.layout import BASIS_POINTS, PEAKS_LIMIT

LIMIT, MARKET, MARKET_TO_LIMIT, STOP, STOP_LIMIT, ONE_CANCELS_OTHER, PEGGED = OrderType
NONE = 0
DAY, IOC, FOK, GOOD_FOR_AUCTION, AT_OPEN, AT_CLOSE = TimeInForce
AUCTIONS = (GOOD_FOR_AUCTION, AT_OPEN, AT_CLOSE)
STOPS = (STOP, STOP_LIMIT)
TRIGGERED = (*STOPS, ONE_CANCELS_OTHER)

TIMES: dict[int, tuple[int, ...]] = {
    LIMIT: (DAY, IOC, FOK, *AUCTIONS),
    MARKET: (NONE, IOC, FOK, *AUCTIONS),
    MARKET_TO_LIMIT: (DAY, IOC),
    STOP: (DAY,),
    STOP_LIMIT: (DAY,),
    ONE_CANCELS_OTHER: (DAY,),
    PEGGED: (DAY,),
}


class Term(NamedTuple):
    """Orders of which types and times may have it, and the reason why others are refused."""

    reason: Reason
    types: tuple[int, ...]
    times: tuple[int, ...]


TERMS: dict[str, Term] = {
    "stop_price_e4": Term(Reason.STOP_PRICE_INVALID, TRIGGERED, (DAY,)),
    "stop_trigger": Term(Reason.STOP_TRIGGER_INVALID, TRIGGERED, (DAY,)),
    "stop_limit_price_e4": Term(Reason.STOP_LIMIT_PRICE_INVALID, (ONE_CANCELS_OTHER,), (DAY,)),
    "peg": Term(Reason.PEG_INVALID, (PEGGED,), (DAY,)),
    "peg_offset_e4": Term(Reason.PEG_INVALID, (PEGGED,), (DAY,)),
    "trailing_amount_e4": Term(Reason.TRAILING_INVALID, STOPS, (DAY,)),
    "trailing_bp": Term(Reason.TRAILING_INVALID, STOPS, (DAY,)),
    "display_quantity": Term(Reason.DISPLAY_QUANTITY_INVALID, (LIMIT,), (DAY,)),
    "hidden": Term(Reason.HIDDEN_INVALID, (LIMIT,), (DAY,)),
    "post_only": Term(Reason.POST_ONLY_INVALID, (LIMIT,), (DAY,)),
    "minimum_quantity": Term(Reason.MINIMUM_QUANTITY_INVALID, (LIMIT, MARKET, MARKET_TO_LIMIT), (NONE, DAY, IOC, FOK)),
    "self_trade_prevention": Term(Reason.SELF_TRADE_PREVENTION_INVALID, tuple(OrderType), (NONE, *TimeInForce)),
}
NEVER_TOGETHER = (
    ("display_quantity", "hidden"),
    ("minimum_quantity", "post_only"),
    ("trailing_amount_e4", "trailing_bp"),
)  # the first is what is wrong


def wrong_terms(kind: int, time_in_force: int, quantity: int, terms: Terms) -> Refused | None:
    """Why no such order can be, by its fields alone."""
    times = TIMES.get(kind)
    if times is None:
        return Refused(Reason.ORDER_TYPE_INVALID, "type", str(kind))
    if time_in_force not in times:
        return Refused(Reason.TIME_IN_FORCE_INVALID, "time_in_force", str(time_in_force))
    if terms is PLAIN and kind not in (*TRIGGERED, PEGGED):
        return None
    values = terms._asdict()
    for field, term in TERMS.items():
        if values[field] and (kind not in term.types or time_in_force not in term.times):
            return _wrong(field, values)
    for field, right in _in_range(kind, quantity, terms).items():
        if not right:
            return _wrong(field, values)
    for field, other in NEVER_TOGETHER:
        if values[field] and values[other]:
            return _wrong(field, values)
    return None


def _in_range(kind: int, quantity: int, terms: Terms) -> dict[str, bool]:
    peak = terms.display_quantity
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
    }


def _wrong(field: str, values: dict[str, int]) -> Refused:
    return Refused(TERMS[field].reason, field, str(values[field]))
