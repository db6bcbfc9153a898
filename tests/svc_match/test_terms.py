"""Which fields of an order go together: each cell of the table, and the limits of each field (rules 2.2, 2.3, 2.4); and which hold
goes with them (rule 2.6).
"""

from dataclasses import replace
from itertools import product

import pytest

from svc_match.core import commands
from svc_match.core.commands import PLAIN, OrderType, Side, Terms, TimeInForce
from svc_match.core.events import Accepted, Event, Reason, Refused, Rejected
from svc_match.core.instrument import AuctionKind, Phase
from svc_match.core.layout import PEAKS_LIMIT
from svc_match.core.terms import NEVER_TOGETHER, TERMS, wrong_terms
from tests.svc_match import twin

QUANTITY = 10
SAMPLE = {
    "stop_price_e4": 100,
    "stop_trigger": 1,
    "display_quantity": 5,
    "hidden": 1,
    "post_only": 1,
    "minimum_quantity": 5,
    "self_trade_prevention": 2,
    "trailing_amount_e4": 7,
    "trailing_bp": 7,
    "stop_limit_price_e4": 100,
    "peg": 2,
    "peg_offset_e4": -7,
    "expire_date": 20260105,
    "expire_time_us": 1,
}
DATE = 20260105
TIMES = (0, *TimeInForce)
# Type and time in force, a letter for each: yes, or no.
STANDS = {
    OrderType.LIMIT: "-yyyyyyyy",
    OrderType.MARKET: "y-yyyyy--",
    OrderType.MARKET_TO_LIMIT: "-yy----yy",
    OrderType.STOP: "-y-----yy",
    OrderType.STOP_LIMIT: "-y-----yy",
    OrderType.ONE_CANCELS_OTHER: "-y-------",
    OrderType.PEGGED: "-y-------",
}
STANDING = ("DAY", "GTC", "GTD")
STOPS = set(product(("STOP", "STOP_LIMIT"), STANDING))
# For each term the orders that may have it.
TAKES = {
    "stop_price_e4": STOPS | {("ONE_CANCELS_OTHER", "DAY")},
    "stop_trigger": STOPS | {("ONE_CANCELS_OTHER", "DAY")},
    "stop_limit_price_e4": {("ONE_CANCELS_OTHER", "DAY")},
    "peg": {("PEGGED", "DAY")},
    "peg_offset_e4": {("PEGGED", "DAY")},
    "trailing_amount_e4": STOPS,
    "trailing_bp": STOPS,
    "display_quantity": set(product(("LIMIT",), STANDING)),
    "hidden": set(product(("LIMIT",), STANDING)),
    "post_only": set(product(("LIMIT",), STANDING)),
    "minimum_quantity": {
        *product(("LIMIT", "MARKET_TO_LIMIT"), STANDING), ("LIMIT", "IOC"), ("LIMIT", "FOK"), ("MARKET", ""),
        ("MARKET", "IOC"), ("MARKET", "FOK"), ("MARKET_TO_LIMIT", "IOC"),
    },
    "expire_date": set(product(("LIMIT", "MARKET_TO_LIMIT", "STOP", "STOP_LIMIT"), ("GTD",))),
    "expire_time_us": set(product(("LIMIT", "MARKET_TO_LIMIT", "STOP", "STOP_LIMIT"), ("GTD",))),
    "self_trade_prevention": {
        (kind.name, TimeInForce(time).name if time else "")
        for kind, row in STANDS.items()
        for time, cell in zip(TIMES, row, strict=True)
        if cell == "y"
    },
}  # fmt: skip


def base(kind: OrderType, time: int, field: str = "") -> Terms:
    """What an order of the type that stands so long cannot do without, but for what the field says."""
    until = DATE if time == TimeInForce.GTD and field != "expire_time_us" else 0
    if kind == OrderType.PEGGED:
        return PLAIN._replace(peg=1, expire_date=until)
    return PLAIN._replace(stop_price_e4=100 if kind >= OrderType.STOP else 0, expire_date=until)


def wrong_of(kind: int, time: int, quantity: int, terms: Terms) -> Refused | None:
    """What is wrong with such an order of DATE."""
    return wrong_terms(kind, time, quantity, terms, DATE)


@pytest.mark.parametrize(("kind", "time"), list(product(OrderType, TIMES)))
def test_types_and_times(kind: OrderType, time: int) -> None:
    """Rule 2.2: each type stands as long as it may, no other."""
    wrong = wrong_of(kind, time, QUANTITY, base(kind, time))
    allowed = STANDS[kind][TIMES.index(time)] == "y"
    assert wrong == (None if allowed else Refused(Reason.TIME_IN_FORCE_INVALID, "time_in_force", str(int(time))))


@pytest.mark.parametrize("kind", [0, -1, 99])
def test_other_types(kind: int) -> None:
    """Rule 2.2: what is no type is refused."""
    assert wrong_of(kind, 1, QUANTITY, PLAIN) == Refused(Reason.ORDER_TYPE_INVALID, "type", str(kind))


@pytest.mark.parametrize(("field", "kind", "time"), list(product(TERMS, OrderType, TIMES)))
def test_terms_of_types(field: str, kind: OrderType, time: int) -> None:
    """Rule 2.3: each term goes with the types and times that may have it, and is refused for its own reason with others."""
    if STANDS[kind][TIMES.index(time)] != "y":
        return
    wrong = wrong_of(kind, time, QUANTITY, base(kind, time, field)._replace(**{field: SAMPLE[field]}))
    allowed = (kind.name, TimeInForce(time).name if time else "") in TAKES[field]
    assert wrong == (None if allowed else Refused(TERMS[field].reason, field, str(SAMPLE[field])))


@pytest.mark.parametrize(("one", "other"), [(a, b) for a, b in product(TERMS, TERMS) if a < b])
def test_terms_together(one: str, other: str) -> None:
    """Rule 2.4: all terms of a LIMIT DAY order go together but these."""
    terms = PLAIN._replace(**{one: SAMPLE[one], other: SAMPLE[other]})
    apart = {name for pair in NEVER_TOGETHER if {one, other} == set(pair) for name in pair[:1]}
    stops = [name for name in TERMS if name in (one, other) and name.startswith(("stop", "trailing", "peg", "expire"))]
    wrong = wrong_of(OrderType.LIMIT, TimeInForce.DAY, QUANTITY, terms)
    expected = stops[0] if stops else next(iter(apart), "")
    assert (wrong.field if wrong else "") == expected


@pytest.mark.parametrize(
    ("field", "value", "right"),
    [
        ("display_quantity", -1, False),
        ("display_quantity", 1, True),
        ("display_quantity", QUANTITY - 1, True),
        ("display_quantity", QUANTITY, False),
        ("minimum_quantity", -1, False),
        ("minimum_quantity", QUANTITY, True),
        ("minimum_quantity", QUANTITY + 1, False),
        ("post_only", 2, True),
        ("post_only", 3, False),
        ("post_only", -1, False),
        ("self_trade_prevention", 5, True),
        ("self_trade_prevention", 6, False),
        ("self_trade_prevention", -1, False),
    ],
)
def test_limits_of_a_limit_order(field: str, value: int, *, right: bool) -> None:
    """Rule 2.3: a field outside its range is refused for its own reason."""
    wrong = wrong_of(OrderType.LIMIT, TimeInForce.DAY, QUANTITY, PLAIN._replace(**{field: value}))
    assert wrong == (None if right else Refused(TERMS[field].reason, field, str(value)))


@pytest.mark.parametrize("kind", [OrderType.STOP, OrderType.STOP_LIMIT])
@pytest.mark.parametrize(
    ("terms", "reason"),
    [
        (PLAIN, Reason.STOP_PRICE_INVALID),
        (Terms(stop_price_e4=-1), Reason.STOP_PRICE_INVALID),
        (Terms(100, 0), None),
        (Terms(100, 1), None),
        (Terms(100, 2), None),
        (Terms(100, 3), Reason.STOP_TRIGGER_INVALID),
        (Terms(100, -1), Reason.STOP_TRIGGER_INVALID),
        (Terms(100, trailing_amount_e4=1), None),
        (Terms(100, trailing_amount_e4=10**13), None),
        (Terms(100, trailing_amount_e4=10**13 + 1), Reason.TRAILING_INVALID),
        (Terms(100, trailing_amount_e4=-1), Reason.TRAILING_INVALID),
        (Terms(100, trailing_bp=1), None),
        (Terms(100, trailing_bp=10_000), None),
        (Terms(100, trailing_bp=10_001), Reason.TRAILING_INVALID),
        (Terms(100, trailing_bp=-1), Reason.TRAILING_INVALID),
        (Terms(100, trailing_amount_e4=1, trailing_bp=1), Reason.TRAILING_INVALID),
    ],
)
def test_stops(kind: OrderType, terms: Terms, reason: Reason | None) -> None:
    """Rule 2.3: a stop names a positive price, and a trigger that there is, or none; it trails in one way, or in none."""
    wrong = wrong_of(kind, TimeInForce.DAY, QUANTITY, terms)
    assert (wrong.reason if wrong else None) == reason


@pytest.mark.parametrize(
    ("peg", "offset", "field"),
    [
        (0, 0, "peg"), (-1, 0, "peg"), (1, 0, ""), (2, -(10**13), ""), (3, 10**13, ""), (4, 0, "peg"),
        (1, 10**13 + 1, "peg_offset_e4"), (1, -(10**13) - 1, "peg_offset_e4"),
    ],
)  # fmt: skip
def test_pegs(peg: int, offset: int, field: str) -> None:
    """Rule 2.3: a pegged order names what it follows, and its offset is within the limit of prices."""
    wrong = wrong_of(OrderType.PEGGED, TimeInForce.DAY, QUANTITY, Terms(peg=peg, peg_offset_e4=offset))
    assert (wrong.field if wrong else "") == field
    assert wrong is None or wrong.reason == Reason.PEG_INVALID


@pytest.mark.parametrize(
    ("date", "time_us", "field"),
    [
        (0, 0, "expire_date"),
        (DATE, 0, ""),
        (DATE - 1, 0, "expire_date"),
        (20260229, 0, "expire_date"),
        (-DATE, 0, "expire_date"),
        (99991231, 0, ""),
        (0, 1, ""),
        (0, -1, "expire_time_us"),
        (0, (1 << 62) - 1, ""),
        (0, 1 << 62, "expire_time_us"),
        (DATE, 1, "expire_time_us"),
    ],
)
def test_what_expires_names_a_date_or_a_time(date: int, time_us: int, field: str) -> None:
    """Rule 8.1.1: one of the two; a date that there is, and that is not over."""
    terms = PLAIN._replace(expire_date=date, expire_time_us=time_us)
    wrong = wrong_of(OrderType.LIMIT, TimeInForce.GTD, QUANTITY, terms)
    assert wrong == (Refused(TERMS[field].reason, field, str(getattr(terms, field))) if field else None)


# What no auction takes, or only of some kinds: by time in force, term and type; with the reason and the field.
NOT_IN_AUCTIONS: dict[str, tuple[tuple[AuctionKind, ...], Reason, str]] = {
    "IOC": (tuple(AuctionKind), Reason.MARKET_IN_AUCTION, "time_in_force"),
    "FOK": (tuple(AuctionKind), Reason.MARKET_IN_AUCTION, "time_in_force"),
    "AT_OPEN": (tuple(AuctionKind)[1:], Reason.MARKET_NOT_IN_AUCTION, "time_in_force"),
    "post_only": (tuple(AuctionKind), Reason.MARKET_IN_AUCTION, "post_only"),
    "minimum_quantity": (tuple(AuctionKind), Reason.MARKET_IN_AUCTION, "minimum_quantity"),
    "PEGGED": (tuple(AuctionKind), Reason.MARKET_IN_AUCTION, "peg"),
}


def told(order: commands.Place, phase: Phase, auction: int = 0) -> Event:
    """What both cores say of an order in a phase."""
    pair, one = twin.Pair(), twin.Drawing(1).instruments["AAA"]
    one = replace(one, tick_size_e4=1, lot_size=1, min_price_e4=1)
    pair.apply([commands.AddInstrument(one), commands.OpenDate(DATE), commands.SetPhase("", phase, auction)])
    found = pair.plain.apply([order], 9, twin.EVENTS_LIMIT).events[0]
    assert tuple(pair.packed.apply([order], 9, twin.EVENTS_LIMIT))[3][0] == found
    return found


@pytest.mark.parametrize("field", ["", "post_only", "minimum_quantity", "hidden", "display_quantity"])
@pytest.mark.parametrize(
    ("kind", "time"),
    [(kind, time) for kind, row in STANDS.items() for time, cell in zip(TIMES, row, strict=True) if cell == "y"],
)
def test_what_auctions_take(kind: OrderType, time: int, field: str) -> None:
    """Rules 5.2.1, 5.2.6: each cell of the table, of orders that are right by their fields, for each kind of auction."""
    time_name = TimeInForce(time).name if time else ""
    if field and (kind.name, time_name) not in TAKES[field]:
        return
    terms = base(kind, time)._replace(**{field: SAMPLE[field]} if field else {})
    if kind == OrderType.ONE_CANCELS_OTHER:
        terms = terms._replace(stop_price_e4=200, stop_limit_price_e4=200)
    values = {"time_in_force": time, **terms._asdict()}
    identity = ("ann/1", "o1", DATE, twin.key("ann/1", "o1"), bytes(16), 0)
    order = commands.Place(*identity, 1, 10_000, 200, 0, "AAA", Side.BUY, kind, time, 100, QUANTITY, 0, terms)
    for auction in AuctionKind:
        cells = [NOT_IN_AUCTIONS[name] for name in (time_name, field, kind.name) if name in NOT_IN_AUCTIONS]
        wrong = [(reason, name, str(int(values[name]))) for kinds, reason, name in cells if auction in kinds]
        found = told(order, Phase.AUCTION, auction)
        if wrong:
            assert type(found) is Rejected
            assert (found.reason, found.field, found.value) == wrong[0]
        else:
            assert type(found) is Accepted


def test_an_iceberg_has_few_peaks() -> None:
    """Rule 2.3: a peak is at least one hundredth of the order."""
    terms = PLAIN._replace(display_quantity=7)
    assert wrong_of(OrderType.LIMIT, TimeInForce.DAY, 7 * PEAKS_LIMIT, terms) is None
    wrong = wrong_of(OrderType.LIMIT, TimeInForce.DAY, 7 * PEAKS_LIMIT + 1, terms)
    assert wrong == Refused(Reason.DISPLAY_QUANTITY_INVALID, "display_quantity", "7")


@pytest.mark.parametrize(
    ("side", "price_e4", "amount_e4", "held_price_e4", "held_amount", "field"),
    [
        (Side.BUY, 100, 0, 100, 1_000, ""),
        (Side.BUY, 100, 0, 101, 1_010, ""),
        (Side.BUY, 100, 0, 99, 1_000, "held_price_e4"),
        (Side.BUY, 100, 0, 0, 1_000, "held_price_e4"),
        (Side.BUY, 100, 0, 100, 999, "held_amount"),
        (Side.BUY, 100, 0, 101, 1_009, "held_amount"),
        (Side.BUY, 0, 1_000, 0, 1_000, ""),
        (Side.BUY, 0, 1_000, 0, 999, "held_amount"),
        (Side.BUY, 0, 1_000, 1, 1_000, "held_price_e4"),
        (Side.BUY, 0, 1_000, 100, 1_000, "held_price_e4"),
        (Side.BUY, 0, 1_000, 2**63 - 1, 2**63 - 1, "held_price_e4"),
        (Side.SELL, 0, 0, 0, 10, ""),
        (Side.SELL, 0, 0, 0, 9, "held_amount"),
    ],
)
def test_holds(side: Side, price_e4: int, amount_e4: int, held_price_e4: int, held_amount: int, field: str) -> None:
    """Rule 2.6: a MARKET order is held at its bound or above, by its amount and at no price, or by its shares; both cores say so."""
    identity = ("ann/1", "o1", DATE, twin.key("ann/1", "o1"), bytes(16), 0)
    order = commands.Place(
        *identity,
        1,
        held_amount,
        held_price_e4,
        0,
        "AAA",
        side,
        OrderType.MARKET,
        0,
        price_e4,
        QUANTITY,
        amount_e4,
        PLAIN,
    )
    found = told(order, Phase.OPEN)
    if not field:
        assert type(found) is Accepted
    else:
        assert type(found) is Rejected
        value = str(held_amount if field == "held_amount" else held_price_e4)
        assert (found.reason, found.field, found.value) == (Reason.HOLD_TOO_SMALL, field, value)
