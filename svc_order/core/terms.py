"""Which terms go together in an order: one table, from what is wrong to the reason. Source: docs/rule-book.md, command.proto."""

from collections.abc import Callable
from typing import NamedTuple

from chassis.units import is_date
from svc_order.core.commands import (
    AT_CLOSE,
    AT_OPEN,
    AUCTIONS,
    DAY,
    FOK,
    GOOD_FOR_AUCTION,
    GTC,
    GTD,
    IOC,
    LIMIT,
    MARKET,
    MARKET_TO_LIMIT,
    ONE_CANCELS_OTHER,
    PEGGED,
    PLAIN,
    SELL,
    STANDING,
    STOP,
    STOP_LIMIT,
    UNSPECIFIED,
    Place,
)
from svc_order.core.refused import Refused, refused

TYPES = {
    "LIMIT": LIMIT,
    "MARKET": MARKET,
    "MARKET_TO_LIMIT": MARKET_TO_LIMIT,
    "STOP": STOP,
    "STOP_LIMIT": STOP_LIMIT,
    "ONE_CANCELS_OTHER": ONE_CANCELS_OTHER,
    "PEGGED": PEGGED,
}
TYPE_NAMES = {number: name for name, number in TYPES.items()}
TIMES = {
    "none": UNSPECIFIED,
    "DAY": DAY,
    "IOC": IOC,
    "FOK": FOK,
    "GOOD_FOR_AUCTION": GOOD_FOR_AUCTION,
    "AT_OPEN": AT_OPEN,
    "AT_CLOSE": AT_CLOSE,
    "GTC": GTC,
    "GTD": GTD,
}
TIME_NAMES = {number: name for name, number in TIMES.items()}
TIMES_OF = {
    LIMIT: (*STANDING, IOC, FOK, *AUCTIONS),
    MARKET: (UNSPECIFIED, IOC, FOK, *AUCTIONS),
    MARKET_TO_LIMIT: (*STANDING, IOC),
    STOP: STANDING,
    STOP_LIMIT: STANDING,
    ONE_CANCELS_OTHER: (DAY,),
    PEGGED: (DAY,),
}
TIME_LIMIT_US = 1 << 62
PRICED = (LIMIT, STOP_LIMIT, ONE_CANCELS_OTHER, PEGGED)  # A sell of any other type names no price.
STOPS = (STOP, STOP_LIMIT)
TRIGGERED = (*STOPS, ONE_CANCELS_OTHER)
WAITING = (*TRIGGERED, PEGGED)  # These do not trade when they arrive, or not for certain.
TRAILING_AMOUNT_LIMIT_E4 = PEG_OFFSET_LIMIT_E4 = 10**13
PEGS = (1, 2, 3)  # What this enum has.
BASIS_POINTS = 10_000
PEAKS_LIMIT = 100  # Times that what is displayed may go into the quantity.
STOP_TRIGGERS, POST_ONLY, SELF_TRADE_PREVENTION = range(3), range(3), range(6)  # What these enums have.
SELF_TRADE_CHOICES = "send CANCEL_NEWEST, CANCEL_OLDEST, CANCEL_BOTH, DECREMENT, NONE or none"


REASONS = {
    "stop_price_e4": "STOP_PRICE_INVALID",
    "stop_trigger": "STOP_TRIGGER_INVALID",
    "stop_limit_price_e4": "STOP_LIMIT_PRICE_INVALID",
    "peg": "PEG_INVALID",
    "peg_offset_e4": "PEG_INVALID",
    "trailing_amount_e4": "TRAILING_INVALID",
    "trailing_bp": "TRAILING_INVALID",
    "display_quantity": "DISPLAY_QUANTITY_INVALID",
    "hidden": "HIDDEN_INVALID",
    "post_only": "POST_ONLY_INVALID",
    "minimum_quantity": "MINIMUM_QUANTITY_INVALID",
    "self_trade_prevention": "SELF_TRADE_PREVENTION_INVALID",
    "expire_date": "EXPIRE_DATE_INVALID",
    "expire_time_us": "EXPIRE_TIME_INVALID",
}


class Rule(NamedTuple):
    """Where `wrong` says so the order is refused for what is in `field`."""

    field: str
    wrong: Callable[[Place], bool]
    message: str
    fix: str


def _stands(place: Place) -> bool:
    return place.type == LIMIT and place.time_in_force in STANDING


def _short_of_stop(place: Place) -> bool:
    """Whether its limit is on this side of its stop price."""
    limit_e4, stop_e4 = place.price_e4, place.terms.stop_price_e4
    return limit_e4 > stop_e4 if place.side == SELL else limit_e4 < stop_e4


def _then_limited(place: Place) -> bool:
    """Whether what a stop price makes of it has a limit at the stop price or beyond, or is a sell without one."""
    then_e4, stop_e4 = place.terms.stop_limit_price_e4, place.terms.stop_price_e4
    return 0 <= then_e4 <= stop_e4 if place.side == SELL else then_e4 >= stop_e4


# What a type, or a time in force, does not take; what is out of its range; what does not go together. In this order, because it is the
# order in which svc_match looks, too.
RULES = (
    Rule(
        "stop_price_e4",
        lambda place: place.type not in TRIGGERED and place.terms.stop_price_e4 != 0,
        "only a STOP, STOP_LIMIT or ONE_CANCELS_OTHER order names a stop price",
        "send 0, or one of these types",
    ),
    Rule(
        "stop_trigger",
        lambda place: place.type not in TRIGGERED and place.terms.stop_trigger != 0,
        "only a STOP, STOP_LIMIT or ONE_CANCELS_OTHER order has a trigger",
        "send none, or one of these types",
    ),
    Rule(
        "stop_limit_price_e4",
        lambda place: place.type != ONE_CANCELS_OTHER and place.terms.stop_limit_price_e4 != 0,
        "only a ONE_CANCELS_OTHER order has another limit once its stop price is reached",
        "send 0, or this type",
    ),
    Rule(
        "peg",
        lambda place: place.type != PEGGED and place.terms.peg != 0,
        "only a PEGGED order follows a best price",
        "send none, or this type",
    ),
    Rule(
        "peg_offset_e4",
        lambda place: place.type != PEGGED and place.terms.peg_offset_e4 != 0,
        "only a PEGGED order has an offset",
        "send 0, or this type",
    ),
    Rule(
        "trailing_amount_e4",
        lambda place: place.terms.trailing_amount_e4 != 0 and place.type not in STOPS,
        "only a STOP or STOP_LIMIT order trails",
        "send 0, or one of these types",
    ),
    Rule(
        "trailing_bp",
        lambda place: place.terms.trailing_bp != 0 and place.type not in STOPS,
        "only a STOP or STOP_LIMIT order trails",
        "send 0, or one of these types",
    ),
    Rule(
        "display_quantity",
        lambda place: place.terms.display_quantity != 0 and not _stands(place),
        "only a LIMIT order that stands displays a part",
        "send 0, or a LIMIT order for the DAY, GTC or GTD",
    ),
    Rule(
        "hidden",
        lambda place: place.terms.hidden and not _stands(place),
        "only a LIMIT order that stands can be hidden",
        "send false, or a LIMIT order for the DAY, GTC or GTD",
    ),
    Rule(
        "post_only",
        lambda place: place.terms.post_only != 0 and not _stands(place),
        "only a LIMIT order that stands can add liquidity only",
        "send none, or a LIMIT order for the DAY, GTC or GTD",
    ),
    Rule(
        "minimum_quantity",
        lambda place: place.terms.minimum_quantity != 0 and place.type in WAITING,
        "an order that is triggered or pegged has no minimum for when it arrives",
        "send 0, or another type",
    ),
    Rule(
        "minimum_quantity",
        lambda place: place.terms.minimum_quantity != 0 and place.time_in_force in AUCTIONS,
        "an order for an auction does not trade when it arrives, so it has no minimum",
        "send 0, or another time in force",
    ),
    Rule(
        "expire_date",
        lambda place: place.terms.expire_date != 0 and place.time_in_force != GTD,
        "only a GTD order names its last date",
        "send 0, or GTD",
    ),
    Rule(
        "expire_time_us",
        lambda place: place.terms.expire_time_us != 0 and place.time_in_force != GTD,
        "only a GTD order names the time until when it stands",
        "send 0, or GTD",
    ),
    Rule(
        "stop_price_e4",
        lambda place: place.type in TRIGGERED and place.terms.stop_price_e4 <= 0,
        "a STOP, STOP_LIMIT or ONE_CANCELS_OTHER order names the price that triggers it",
        "send a positive stop price in 1/10 000 of the currency",
    ),
    Rule(
        "stop_limit_price_e4",
        lambda place: place.terms.stop_limit_price_e4 < 0,
        "a price is positive",
        "send a price in 1/10 000 of the currency, or 0 for none",
    ),
    Rule(
        "stop_trigger",
        lambda place: place.terms.stop_trigger not in STOP_TRIGGERS,
        "there is no such trigger",
        "send LAST_TRADE, BEST_QUOTE or none",
    ),
    Rule(
        "peg",
        lambda place: place.type == PEGGED and place.terms.peg not in PEGS,
        "a PEGGED order follows the best bid, the best offer or the middle of both",
        "send BID, ASK or MIDDLE",
    ),
    Rule(
        "peg_offset_e4",
        lambda place: abs(place.terms.peg_offset_e4) > PEG_OFFSET_LIMIT_E4,
        "an offset is within the limit of prices",
        f"send -{PEG_OFFSET_LIMIT_E4} to {PEG_OFFSET_LIMIT_E4}",
    ),
    Rule(
        "trailing_amount_e4",
        lambda place: not 0 <= place.terms.trailing_amount_e4 <= TRAILING_AMOUNT_LIMIT_E4,
        "a stop trails by a positive amount within the limit of prices",
        f"send 1 to {TRAILING_AMOUNT_LIMIT_E4}, or 0",
    ),
    Rule(
        "trailing_bp",
        lambda place: not 0 <= place.terms.trailing_bp <= BASIS_POINTS,
        "a stop trails by at most the whole price",
        f"send 1 to {BASIS_POINTS}, or 0",
    ),
    Rule(
        "display_quantity",
        lambda place: place.terms.display_quantity != 0 and not 0 < place.terms.display_quantity < place.quantity,
        "what is displayed is a part of the order",
        "send less than the quantity, or 0 to display all",
    ),
    Rule(
        "display_quantity",
        lambda place: 0 < place.terms.display_quantity * PEAKS_LIMIT < place.quantity,
        f"at least 1/{PEAKS_LIMIT} of an order is displayed at a time",
        "send more, or 0 to display all",
    ),
    Rule(
        "post_only",
        lambda place: place.terms.post_only not in POST_ONLY,
        "there is no such choice",
        "send REJECT, SLIDE or none",
    ),
    Rule(
        "minimum_quantity",
        lambda place: not 0 <= place.terms.minimum_quantity <= place.quantity,
        "a minimum is a part of the order, or all of it",
        "send at most the quantity, or 0 for no minimum",
    ),
    Rule(
        "self_trade_prevention",
        lambda place: place.terms.self_trade_prevention not in SELF_TRADE_PREVENTION,
        "there is no such choice",
        SELF_TRADE_CHOICES,
    ),
    Rule(
        "expire_date",
        lambda place: place.time_in_force == GTD and not (place.terms.expire_date or place.terms.expire_time_us),
        "a GTD order names its last date, or the time until when it stands",
        "send expire_date or expire_time_us",
    ),
    Rule(
        "expire_date",
        lambda place: (
            place.terms.expire_date != 0
            and not (place.terms.expire_date >= place.trading_date and is_date(place.terms.expire_date))
        ),
        "it is no date from the order's own on",
        "send a day as yyyymmdd, the order's trading date or a later one",
    ),
    Rule(
        "expire_time_us",
        lambda place: not 0 <= place.terms.expire_time_us < TIME_LIMIT_US,
        "it is no time",
        "send microseconds since the Unix epoch",
    ),
    Rule(
        "display_quantity",
        lambda place: place.terms.display_quantity != 0 and place.terms.hidden,
        "a hidden order displays nothing",
        "send 0, or an order that is not hidden",
    ),
    Rule(
        "minimum_quantity",
        lambda place: place.terms.minimum_quantity != 0 and place.terms.post_only != 0,
        "an order that adds liquidity only never trades when it arrives, so it has no minimum",
        "send 0, or an order that is not post-only",
    ),
    Rule(
        "trailing_amount_e4",
        lambda place: place.terms.trailing_amount_e4 != 0 and place.terms.trailing_bp != 0,
        "a stop trails by an amount or by basis points",
        "send one of them",
    ),
    Rule(
        "expire_time_us",
        lambda place: place.terms.expire_time_us != 0 and place.terms.expire_date != 0,
        "an order ends by a date or by a time",
        "send 0, or no expire_date",
    ),
    Rule(
        "stop_price_e4",
        lambda place: place.type == ONE_CANCELS_OTHER and not _short_of_stop(place),
        "a ONE_CANCELS_OTHER order's stop price is beyond its limit: a buy's above it, a sell's below",
        "send such a stop price",
    ),
    Rule(
        "stop_limit_price_e4",
        lambda place: place.type == ONE_CANCELS_OTHER and not _then_limited(place),
        "the limit that it has then is at its stop price or beyond; a sell may have none",
        "send such a price",
    ),
)
PARTS = ("display_quantity", "minimum_quantity")  # Whole lots.


def check_words(place: Place) -> Refused | None:
    """Whether there is such a type, and whether it stands that long."""
    times = TIMES_OF.get(place.type)
    if times is None:
        *some, last = TYPES
        named = f"{', '.join(some)} or {last}"
        return refused(
            "ORDER_TYPE_INVALID", f"an order is {named}", field="type", value=place.type, fix=f"send {named}"
        )
    if place.time_in_force not in times:
        allowed = " or ".join(TIME_NAMES[one] for one in times)
        message = f"a {TYPE_NAMES[place.type]} order takes {allowed}"
        value = place.time_in_force
        return refused("TIME_IN_FORCE_INVALID", message, field="time_in_force", value=value, fix=f"send {allowed}")
    return None


def check_terms(place: Place, lot_size: int) -> Refused | None:
    """The first rule that the order breaks. Most orders have no terms, are no stops, and stand no longer than the date."""
    if place.terms == PLAIN and place.type not in WAITING and place.time_in_force != GTD:
        return None
    for rule in RULES:
        if rule.wrong(place):
            return _refused(place, rule.field, rule.message, rule.fix)
    for field in PARTS:
        if getattr(place.terms, field) % lot_size:
            return _refused(place, field, f"it is a multiple of {lot_size}", f"send a multiple of {lot_size}")
    return None


def _refused(place: Place, field: str, message: str, fix: str) -> Refused:
    return refused(REASONS[field], message, field=field, value=getattr(place.terms, field), fix=fix)
