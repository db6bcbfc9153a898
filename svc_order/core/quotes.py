"""What the fields alone say about a mass quote, what must be held for it, and what its holds come to together."""

from collections.abc import Iterable, Sequence
from typing import NamedTuple

from chassis.units import INT64_MAX, worst
from svc_order.core.commands import MassQuote, QuoteEntry
from svc_order.core.reference import Instrument
from svc_order.core.refused import Refused, refused
from svc_order.core.saga import STEPS, Hold, HoldState, Step
from svc_order.core.terms import SELF_TRADE_CHOICES, SELF_TRADE_PREVENTION

ID_LIMIT = 32  # Characters: the sides' own ids are a little longer.
ENTRIES_LIMIT = 100
LIMITS = {"fill_limit": 1_000_000, "share_limit": 10**12, "window_us": 3_600_000_000}


class Side(NamedTuple):
    """A side of a quote that asks for something to stand. `own_id` is its order's."""

    field: str
    symbol: str
    buys: bool
    price_e4: int
    quantity: int
    own_id: str


class Leg(NamedTuple):
    """What the ledger is asked to hold for a side; fields as bourse.ledger.v1.HoldRequest."""

    field: str
    client_order_id: str
    asset: str
    quantity: int
    held_price_e4: int
    held_fee_e6: int


def sides(quote: MassQuote) -> list[Side]:
    """By entry, the bid first."""
    made = []
    for number, (symbol, bid_e4, bid, ask_e4, ask) in enumerate(quote.entries):
        for name, buys, price_e4, quantity in (("bid", True, bid_e4, bid), ("ask", False, ask_e4, ask)):
            if quantity:
                own_id = f"{quote.client_order_id}/{number}{name[0]}"
                made.append(Side(f"entries[{number}].{name}", symbol, buys, price_e4, quantity, own_id))
    return made


def legs(quoted: Iterable[Side], instruments: dict[str, Instrument]) -> tuple[Leg, ...] | Refused:
    """The worst cost of each bid, and the shares of each offer."""
    made = []
    for side in quoted:
        instrument = instruments[side.symbol]
        fee_e6 = instrument.highest_fee_e6 if side.buys else 0
        if worst(side.price_e4, side.quantity, fee_e6) > INT64_MAX:
            message, fix = "price times quantity, with the fee, exceeds int64", "send a smaller quantity"
            field = f"{side.field}_quantity"
            return refused("NOTIONAL_OVERFLOW", message, field=field, value=side.quantity, fix=fix)
        asset, price_e4 = (instrument.currency, side.price_e4) if side.buys else (side.symbol, 0)
        made.append(Leg(side.field, side.own_id, asset, side.quantity, price_e4, fee_e6))
    return tuple(made)


def wrong(quote: MassQuote) -> Refused | None:
    """The first field for which there can be no such mass quote."""
    if len(quote.client_order_id) > ID_LIMIT:
        message, fix = f"a mass quote's id has at most {ID_LIMIT} characters", "send a shorter id of your own"
        return _refused("CLIENT_ORDER_ID_INVALID", "client_order_id", quote.client_order_id, message, fix)
    if not 0 < len(quote.entries) <= ENTRIES_LIMIT:
        message, fix = f"a mass quote has 1 to {ENTRIES_LIMIT} entries", "split it, or send some"
        return _refused("QUOTE_INVALID", "entries", len(quote.entries), message, fix)
    if quote.self_trade_prevention not in SELF_TRADE_PREVENTION:
        field, value = "self_trade_prevention", quote.self_trade_prevention
        return _refused("SELF_TRADE_PREVENTION_INVALID", field, value, "there is no such choice", SELF_TRADE_CHOICES)
    seen: set[str] = set()
    for number, entry in enumerate(quote.entries):
        found = _entry(number, entry, seen)
        if found is not None:
            return found
        seen.add(entry.symbol)
    return _limits(quote)


def _limits(quote: MassQuote) -> Refused | None:
    limited = quote.fill_limit != 0 or quote.share_limit != 0
    for field, most in LIMITS.items():
        value = getattr(quote, field)
        if not 0 <= value <= most:
            return _refused("MAKER_PROTECTION_INVALID", field, value, f"it is 0 to {most}", f"send 0 to {most}")
    if limited != (quote.window_us != 0):
        message, fix = "a limit has a window, and a window a limit", "send both, or neither"
        return _refused("MAKER_PROTECTION_INVALID", "window_us", quote.window_us, message, fix)
    return None


def _entry(number: int, entry: QuoteEntry, seen: set[str]) -> Refused | None:
    def of(reason: str, name: str, message: str, fix: str) -> Refused:
        return _refused(reason, f"entries[{number}].{name}", getattr(entry, name), message, fix)

    if entry.symbol in seen:
        return of("QUOTE_INVALID", "symbol", "an instrument is quoted once in a mass quote", "send one entry for it")
    for side in ("bid", "ask"):
        price_e4, quantity = getattr(entry, f"{side}_price_e4"), getattr(entry, f"{side}_quantity")
        if quantity < 0:
            return of("QUANTITY_INVALID", f"{side}_quantity", "a quantity is not negative", "send 0 for nothing")
        if not quantity and price_e4:
            return of(
                "QUOTE_INVALID", f"{side}_price_e4", "a side without a quantity has no price", "send 0, or a quantity"
            )
    if entry.bid_quantity and entry.ask_quantity and entry.bid_price_e4 >= entry.ask_price_e4:
        return of("QUOTE_INVALID", "ask_price_e4", "an offer is above its bid", "send a higher price")
    return None


def together(legs: Sequence[Leg], holds: Sequence[Hold]) -> Hold:
    """What the holds of a mass quote come to: it is tried when all are there, and one that is not speaks for all.

    They were made together and end together; so the earliest deadline is that of each that is pending.
    """
    state = HoldState.ENDED
    for leg, hold in zip(legs, holds, strict=True):
        step = STEPS.get(hold.state, Step.OPEN)
        if step is Step.ANSWER:
            assert hold.refused is not None, "a hold that failed says why"
            return hold._replace(refused=_of_leg(leg, hold.refused))
        if step is not Step.SUBMIT:
            return hold
        if hold.state == HoldState.PENDING:
            state = HoldState.PENDING
    return Hold(state, 0, min(hold.deadline_us for hold in holds), 0, 0, 0, None, tuple(holds))


def _of_leg(leg: Leg, why: Refused) -> Refused:
    """The same, of the field in its entry."""
    field = why.metadata.get("field", "")
    if field not in ("quantity", "held_price_e4"):
        return why
    return why._replace(metadata={**why.metadata, "field": f"{leg.field}_quantity"})


def _refused(reason: str, field: str, value: object, message: str, fix: str) -> Refused:
    return refused(reason, message, field=field, value=value, fix=fix)
