"""What the fields alone say about a command."""

from dataclasses import replace as changed
from itertools import product
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.units import INT64_MAX, command_digest, order_id, worst
from svc_order.core.checks import Need, Route, Stale, check
from svc_order.core.commands import (
    AT_CLOSE,
    AUCTIONS,
    BUY,
    DAY,
    FOK,
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
    STOP,
    STOP_LIMIT,
    UNSPECIFIED,
    Cancel,
    MassQuote,
    Place,
    QuoteEntry,
    Replace,
    Terms,
    digest,
)
from svc_order.core.commands import (
    PLACE as KIND,
)
from svc_order.core.reference import Instrument, Reference, Shard
from svc_order.core.refused import STATUS_OF

DATE = 20260105
SHARE = Instrument("AAA", "EUR", 100, 10, 100, 10_000_000, 1_000_000, 300, 1)
DEAR = Instrument("DEAR", "EUR", 1, 1, 1, 10**13, 10**12, 1000, 0)
PLACE = Place("alpha/main", "one", DATE, "AAA", BUY, LIMIT, DAY, 10_000, 100, 0)
CANCEL = Cancel("alpha/main", "two", DATE, 0, "one", "AAA")
QUOTE = MassQuote(
    "alpha/main", "four", DATE, (QuoteEntry("AAA", 10_000, 100, 10_100, 50),), 0, 0, 0, 0, reset=False, lease=""
)
REPLACE = Replace("alpha/main", "three", DATE, 0, "one", "AAA", 10_000, 100)


def reference(trading_date: int = DATE, closed_date: int = 0) -> Reference:
    known = Reference(frozenset({0, 1}))
    for number, instrument in ((0, DEAR), (1, SHARE)):
        known.load(number, Shard("a" * 32, 9, trading_date, closed_date), [instrument])
    return known


def verdict(command: Any, **fields: Any) -> Any:
    return check(command._replace(**fields), "alpha", reference())


@pytest.mark.parametrize(
    ("command", "fields", "reason", "field"),
    [
        (PLACE, {"account": "alpha"}, "ACCOUNT_INVALID", "account"),
        (PLACE, {"account": ""}, "ACCOUNT_INVALID", "account"),
        (PLACE, {"account": "exchange/fees"}, "ACCOUNT_INVALID", "account"),
        (PLACE, {"account": "beta/main"}, "ACCOUNT_NOT_YOURS", "account"),
        (CANCEL, {"account": "alphabet/main"}, "ACCOUNT_NOT_YOURS", "account"),
        (PLACE, {"client_order_id": ""}, "CLIENT_ORDER_ID_INVALID", "client_order_id"),
        (PLACE, {"client_order_id": "x" * 37}, "CLIENT_ORDER_ID_INVALID", "client_order_id"),
        (PLACE, {"client_order_id": "a b"}, "CLIENT_ORDER_ID_INVALID", "client_order_id"),
        (PLACE, {"client_order_id": "é"}, "CLIENT_ORDER_ID_INVALID", "client_order_id"),
        (PLACE, {"client_order_id": "a\n"}, "CLIENT_ORDER_ID_INVALID", "client_order_id"),
        (PLACE, {"trading_date": 0}, "TRADING_DATE_INVALID", "trading_date"),
        (PLACE, {"trading_date": 20260230}, "TRADING_DATE_INVALID", "trading_date"),
        (PLACE, {"trading_date": -1}, "TRADING_DATE_INVALID", "trading_date"),
        (PLACE, {"symbol": "aaa"}, "SYMBOL_INVALID", "symbol"),
        (PLACE, {"symbol": ""}, "SYMBOL_INVALID", "symbol"),
        (PLACE, {"side": 0}, "SIDE_INVALID", "side"),
        (PLACE, {"side": 77}, "SIDE_INVALID", "side"),
        (PLACE, {"type": 0}, "ORDER_TYPE_INVALID", "type"),
        (PLACE, {"type": 9}, "ORDER_TYPE_INVALID", "type"),
        (PLACE, {"time_in_force": 0}, "TIME_IN_FORCE_INVALID", "time_in_force"),
        (PLACE, {"time_in_force": 55}, "TIME_IN_FORCE_INVALID", "time_in_force"),
        (PLACE, {"type": MARKET, "time_in_force": DAY}, "TIME_IN_FORCE_INVALID", "time_in_force"),
        (PLACE, {"price_e4": 0}, "PRICE_INVALID", "price_e4"),
        (PLACE, {"price_e4": -100}, "PRICE_INVALID", "price_e4"),
        (PLACE, {"price_e4": 10_001}, "PRICE_OFF_TICK", "price_e4"),
        (PLACE, {"price_e4": 10_000_100}, "PRICE_OUT_OF_LIMITS", "price_e4"),
        (PLACE, {"side": SELL, "type": MARKET, "time_in_force": IOC}, "PRICE_INVALID", "price_e4"),
        (PLACE, {"quantity": 0}, "QUANTITY_INVALID", "quantity"),
        (PLACE, {"quantity": -10}, "QUANTITY_INVALID", "quantity"),
        (PLACE, {"quantity": 15}, "QUANTITY_OFF_LOT", "quantity"),
        (PLACE, {"quantity": 1_000_010}, "QUANTITY_OUT_OF_LIMITS", "quantity"),
        (PLACE, {"amount_e4": 5}, "AMOUNT_INVALID", "amount_e4"),
        (PLACE, {"type": MARKET, "time_in_force": IOC, "price_e4": 0}, "AMOUNT_INVALID", "amount_e4"),
        (PLACE, {"type": MARKET, "time_in_force": IOC, "price_e4": 0, "amount_e4": -1}, "AMOUNT_INVALID", "amount_e4"),
        (PLACE, {"type": MARKET, "time_in_force": FOK, "amount_e4": 7}, "AMOUNT_INVALID", "amount_e4"),
        *[
            (
                PLACE,
                {"type": MARKET, "time_in_force": time, "price_e4": 0, "amount_e4": 7},
                "AMOUNT_INVALID",
                "amount_e4",
            )
            for time in AUCTIONS
        ],
        (PLACE, {"type": MARKET, "time_in_force": AT_CLOSE, "price_e4": 0}, "PRICE_INVALID", "price_e4"),
        (PLACE, {"symbol": "DEAR", "price_e4": 10**13, "quantity": 10**12}, "NOTIONAL_OVERFLOW", "quantity"),
        (REPLACE, {"symbol": "DEAR", "price_e4": 10**13, "quantity": 10**12}, "NOTIONAL_OVERFLOW", "quantity"),
        (
            PLACE,
            {"symbol": "DEAR", "side": SELL, "price_e4": 10**13, "quantity": 10**12},
            "NOTIONAL_OVERFLOW",
            "quantity",
        ),
        (CANCEL, {"original_client_order_id": ""}, "ORDER_NAME_INVALID", "order_id"),
        (CANCEL, {"order_id": 5}, "ORDER_NAME_INVALID", "order_id"),
        (CANCEL, {"order_id": -5}, "ORDER_NAME_INVALID", "order_id"),
        (CANCEL, {"symbol": ""}, "ORDER_NAME_INVALID", "symbol"),
        (CANCEL, {"original_client_order_id": "a b"}, "ORDER_NAME_INVALID", "original_client_order_id"),
        (CANCEL, {"order_id": order_id(7, 1), "original_client_order_id": ""}, "ORDER_UNKNOWN", "order_id"),
        (CANCEL, {"order_id": order_id(0, 1), "original_client_order_id": ""}, "ORDER_UNKNOWN", "order_id"),
        (PLACE, {"traceparent": "0" * 56}, "TRACEPARENT_INVALID", "traceparent"),
        (REPLACE, {"quantity": 0}, "QUANTITY_INVALID", "quantity"),
        (REPLACE, {"price_e4": 150}, "PRICE_OFF_TICK", "price_e4"),
        (REPLACE, {"price_e4": -100}, "PRICE_INVALID", "price_e4"),
    ],
)
def test_bad_fields_are_refused_by_name(command: Any, fields: dict[str, Any], reason: str, field: str) -> None:
    """Each bad field gets its reason, the field, its value and what to do."""
    why = verdict(command, **fields)
    assert (why.reason, why.metadata["field"]) == (reason, field)
    assert why.metadata["value"] == str(fields.get(field, getattr(command, field)))
    assert why.metadata["fix"]
    assert reason in STATUS_OF


TYPES = (LIMIT, MARKET, MARKET_TO_LIMIT, STOP, STOP_LIMIT, ONE_CANCELS_OTHER, PEGGED)
TIMES = (UNSPECIFIED, DAY, IOC, FOK, *AUCTIONS, GTC, GTD, GTD + 1)
STANDING = set(product((LIMIT,), (DAY, GTC, GTD)))
STOPPED = set(product((STOP, STOP_LIMIT), (DAY, GTC, GTD)))
PAIR = {(ONE_CANCELS_OTHER, DAY)}
TRIGGERED = STOPPED | PAIR
PEGS = {(PEGGED, DAY)}
DATED = set(product((LIMIT, MARKET_TO_LIMIT, STOP, STOP_LIMIT), (GTD,)))
EVERY = (
    STANDING
    | TRIGGERED
    | PEGS
    | set(product((MARKET_TO_LIMIT,), (DAY, GTC, GTD, IOC)))
    | {
        *((LIMIT, IOC), (LIMIT, FOK), (MARKET, UNSPECIFIED), (MARKET, IOC), (MARKET, FOK)),
    }
)
COLLECTED = set(product((LIMIT, MARKET), AUCTIONS))
EVERY |= COLLECTED
# A term alone: which types and times take it, and the reason of all others.
TERMS: list[tuple[str, Any, set[tuple[int, int]], str]] = [
    ("stop_price_e4", 10_100, TRIGGERED, "STOP_PRICE_INVALID"),
    ("stop_price_e4", 9_900, STOPPED, "STOP_PRICE_INVALID"),
    ("stop_price_e4", 10_000, STOPPED, "STOP_PRICE_INVALID"),
    ("stop_limit_price_e4", 10_100, PAIR, "STOP_LIMIT_PRICE_INVALID"),
    ("stop_limit_price_e4", 10_000, set(), "STOP_LIMIT_PRICE_INVALID"),
    ("stop_limit_price_e4", 0, EVERY - PAIR, "STOP_LIMIT_PRICE_INVALID"),
    ("stop_limit_price_e4", -100, set(), "STOP_LIMIT_PRICE_INVALID"),
    ("stop_price_e4", 0, EVERY - TRIGGERED, "STOP_PRICE_INVALID"),
    ("stop_price_e4", -100, set(), "STOP_PRICE_INVALID"),
    ("stop_trigger", 1, TRIGGERED, "STOP_TRIGGER_INVALID"),
    ("stop_trigger", 2, TRIGGERED, "STOP_TRIGGER_INVALID"),
    ("stop_trigger", 3, set(), "STOP_TRIGGER_INVALID"),
    ("stop_trigger", -1, set(), "STOP_TRIGGER_INVALID"),
    *[("peg", value, PEGS, "PEG_INVALID") for value in (1, 2, 3)],
    *[("peg", value, set(), "PEG_INVALID") for value in (-1, 4)],
    *[("peg_offset_e4", value, PEGS, "PEG_INVALID") for value in (-(10**13), -1, 10**13)],
    *[("peg_offset_e4", value, set(), "PEG_INVALID") for value in (-(10**13) - 1, 10**13 + 1)],
    *[("trailing_amount_e4", value, STOPPED, "TRAILING_INVALID") for value in (1, 10**13)],
    *[("trailing_amount_e4", value, set(), "TRAILING_INVALID") for value in (-1, 10**13 + 1)],
    *[("trailing_bp", value, STOPPED, "TRAILING_INVALID") for value in (1, 10_000)],
    *[("trailing_bp", value, set(), "TRAILING_INVALID") for value in (-1, 10_001)],
    ("display_quantity", 10, STANDING, "DISPLAY_QUANTITY_INVALID"),
    ("display_quantity", 90, STANDING, "DISPLAY_QUANTITY_INVALID"),
    ("display_quantity", 100, set(), "DISPLAY_QUANTITY_INVALID"),
    ("display_quantity", 110, set(), "DISPLAY_QUANTITY_INVALID"),
    ("display_quantity", -10, set(), "DISPLAY_QUANTITY_INVALID"),
    ("display_quantity", 15, set(), "DISPLAY_QUANTITY_INVALID"),
    ("hidden", True, STANDING, "HIDDEN_INVALID"),
    ("post_only", 1, STANDING, "POST_ONLY_INVALID"),
    ("post_only", 2, STANDING, "POST_ONLY_INVALID"),
    ("post_only", 3, set(), "POST_ONLY_INVALID"),
    ("minimum_quantity", 10, EVERY - TRIGGERED - PEGS - COLLECTED, "MINIMUM_QUANTITY_INVALID"),
    ("minimum_quantity", 100, EVERY - TRIGGERED - PEGS - COLLECTED, "MINIMUM_QUANTITY_INVALID"),
    ("minimum_quantity", 110, set(), "MINIMUM_QUANTITY_INVALID"),
    ("minimum_quantity", -10, set(), "MINIMUM_QUANTITY_INVALID"),
    ("minimum_quantity", 15, set(), "MINIMUM_QUANTITY_INVALID"),
    *[("self_trade_prevention", choice, EVERY, "") for choice in range(6)],
    ("self_trade_prevention", 6, set(), "SELF_TRADE_PREVENTION_INVALID"),
    ("expire_date", PLACE.trading_date, DATED, "EXPIRE_DATE_INVALID"),
    ("expire_date", 99991231, DATED, "EXPIRE_DATE_INVALID"),
    ("expire_date", PLACE.trading_date - 1, set(), "EXPIRE_DATE_INVALID"),
    ("expire_date", 20270229, set(), "EXPIRE_DATE_INVALID"),
    ("expire_date", 0, EVERY - DATED, "EXPIRE_DATE_INVALID"),
    ("expire_time_us", 1, DATED, "EXPIRE_TIME_INVALID"),
    ("expire_time_us", -1, set(), "EXPIRE_TIME_INVALID"),
    ("expire_time_us", 1 << 62, set(), "EXPIRE_TIME_INVALID"),
]


def of_type(kind: int, time_in_force: int, **terms: Any) -> Place:
    """A buy of this type that is right but for what is asked for."""
    usual = {"stop_price_e4": 9_900} if kind in (STOP, STOP_LIMIT) else {}
    if kind == ONE_CANCELS_OTHER:
        usual = {"stop_price_e4": 10_100, "stop_limit_price_e4": 10_100}
    if kind == PEGGED:
        usual = {"peg": 1}
    if time_in_force == GTD and "expire_time_us" not in terms:
        usual["expire_date"] = PLACE.trading_date
    return PLACE._replace(type=kind, time_in_force=time_in_force, terms=Terms(**usual | terms))


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("time_in_force", TIMES)
def test_each_type_stands_as_long_as_it_can(kind: int, time_in_force: int) -> None:
    """Every type with every time in force: rule 2.2."""
    answer = verdict(of_type(kind, time_in_force))
    if (kind, time_in_force) in EVERY:
        assert isinstance(answer, Route)
    else:
        assert (answer.reason, answer.metadata["value"]) == ("TIME_IN_FORCE_INVALID", str(time_in_force))


@pytest.mark.parametrize(("kind", "time_in_force"), sorted(EVERY))
@pytest.mark.parametrize(("field", "value", "takes", "reason"), TERMS)
def test_each_term_goes_with_some_types_alone(
    field: str, value: Any, takes: set[tuple[int, int]], reason: str, kind: int, time_in_force: int
) -> None:
    """Every term with every type and time in force (rule 2.3): taken, or refused by its own reason, field and value."""
    answer = verdict(of_type(kind, time_in_force, **{field: value}))
    if (kind, time_in_force) in takes:
        assert isinstance(answer, Route), answer
    else:
        assert (answer.reason, answer.metadata["field"], answer.metadata["value"]) == (reason, field, str(value))
        assert answer.metadata["fix"]
        assert reason in STATUS_OF


@pytest.mark.parametrize(
    ("terms", "field"),
    [
        (Terms(display_quantity=10, hidden=True), "display_quantity"),
        (Terms(minimum_quantity=10, post_only=1), "minimum_quantity"),
        (Terms(minimum_quantity=10, post_only=2), "minimum_quantity"),
        (Terms(display_quantity=10, post_only=2), ""),
        (Terms(display_quantity=10, self_trade_prevention=1), ""),
        (Terms(hidden=True, post_only=1), ""),
        (Terms(hidden=True, minimum_quantity=10), ""),
        (Terms(display_quantity=10, minimum_quantity=20, self_trade_prevention=5), ""),
    ],
)
def test_terms_that_contradict_each_other_are_refused(terms: Terms, field: str) -> None:
    """Two at a time; those that do not are taken together: rule 2.4."""
    answer = verdict(PLACE, terms=terms)
    assert (answer.metadata["field"] == field) if field else isinstance(answer, Route)


@pytest.mark.parametrize(("quantity", "taken"), [(1_000, True), (1_010, False)])
def test_an_iceberg_displays_a_hundredth_of_itself_at_least(quantity: int, taken: bool) -> None:
    """A smaller peak would make too many trades of one order that arrives."""
    answer = verdict(PLACE, quantity=quantity, terms=Terms(display_quantity=10))
    assert isinstance(answer, Route) if taken else answer.reason == "DISPLAY_QUANTITY_INVALID"


@pytest.mark.parametrize(
    ("stop_price_e4", "reason"),
    [(10_001, "PRICE_OFF_TICK"), (10_000_100, "PRICE_OUT_OF_LIMITS"), (100, ""), (10_000_000, "")],
)
@pytest.mark.parametrize("kind", [STOP, STOP_LIMIT])
def test_a_stop_price_is_one_of_the_instruments(kind: int, stop_price_e4: int, reason: str) -> None:
    """On its ticks, and within its limits: rule 2.1."""
    answer = verdict(of_type(kind, DAY, stop_price_e4=stop_price_e4))
    if not reason:
        assert isinstance(answer, Route)
    else:
        assert (answer.reason, answer.metadata["field"]) == (reason, "stop_price_e4")


@pytest.mark.parametrize("kind", TYPES)
@pytest.mark.parametrize("side", [BUY, SELL])
@pytest.mark.parametrize("price_e4", [0, 10_000])
def test_which_types_name_a_price(kind: int, side: int, price_e4: int) -> None:
    """A buy of any type; a sell of a LIMIT, STOP_LIMIT or PEGGED order, and of no other: rules 2.5, 2.6."""
    if kind == ONE_CANCELS_OTHER:
        return  # See below.
    answer = verdict(of_type(kind, UNSPECIFIED if kind == MARKET else DAY), side=side, price_e4=price_e4)
    if bool(price_e4) == (side == BUY or kind in (LIMIT, STOP_LIMIT, PEGGED)):
        need = Need("EUR", 100, 10_000, 300, 0) if side == BUY else Need("AAA", 100, 0, 0, 0)
        assert answer == Route(1, need)
    else:
        by_amount = kind == MARKET and side == BUY
        assert answer.reason == ("AMOUNT_INVALID" if by_amount else "PRICE_INVALID")


@pytest.mark.parametrize(
    ("side", "prices", "field"),
    [
        (BUY, (10_000, 10_100, 10_100), ""),
        (BUY, (10_000, 10_100, 10_300), ""),
        (BUY, (10_000, 10_000, 10_300), "stop_price_e4"),
        (BUY, (10_000, 9_900, 10_300), "stop_price_e4"),
        (BUY, (10_000, 10_200, 10_100), "stop_limit_price_e4"),
        (BUY, (10_000, 10_200, 0), "stop_limit_price_e4"),
        (BUY, (10_000, 10_200, 10_201), "stop_limit_price_e4"),
        (BUY, (0, 10_200, 10_200), "price_e4"),
        (SELL, (10_000, 9_900, 9_900), ""),
        (SELL, (10_000, 9_900, 9_800), ""),
        (SELL, (10_000, 9_900, 0), ""),
        (SELL, (10_000, 10_000, 0), "stop_price_e4"),
        (SELL, (10_000, 9_900, 10_000), "stop_limit_price_e4"),
        (SELL, (10_000, 9_900, -100), "stop_limit_price_e4"),
        (SELL, (0, 9_900, 0), "price_e4"),
    ],
)
def test_the_prices_of_one_cancels_other(side: int, prices: tuple[int, int, int], field: str) -> None:
    """Limit, stop price and the limit then lie in a row (rule 4.10.2); a buy is held for at the last (rule 4.10.5)."""
    price_e4, stop_e4, then_e4 = prices
    terms = Terms(stop_price_e4=stop_e4, stop_limit_price_e4=then_e4)
    answer = verdict(PLACE, type=ONE_CANCELS_OTHER, side=side, price_e4=price_e4, terms=terms)
    if field:
        assert answer.metadata["field"] == field
    else:
        buys = Need("EUR", 100, then_e4, 300, 0, fixed_price=True)
        assert answer == Route(1, buys if side == BUY else Need("AAA", 100, 0, 0, 0))


def test_the_advice_for_a_price_off_its_ticks_can_be_taken() -> None:
    """The nearest prices that the instrument takes: within its limits, wherever the price is."""
    top = SHARE.max_price_e4
    for price_e4, fix in (
        (10_001, "send 10000 or 10100"),
        (1, f"send {SHARE.min_price_e4}"),
        (top + 1, f"send {top}"),
        (INT64_MAX, f"send {top}"),
    ):
        why = verdict(PLACE, price_e4=price_e4)
        assert (why.reason, why.metadata["fix"]) == ("PRICE_OFF_TICK", fix)


@pytest.mark.parametrize("symbol", ["NONE", "B.1"])
def test_an_unknown_symbol_is_looked_up_once_more(symbol: str) -> None:
    """A symbol that reference data lacks may just have been added."""
    why = verdict(PLACE, symbol=symbol)
    assert isinstance(why, Stale)
    assert why.refused.reason == "SYMBOL_UNKNOWN"


def test_what_must_be_held() -> None:
    """A buy holds its worst cost in money at the highest fee, a sell its shares, a cancel nothing, a replace asks the ledger."""
    assert verdict(PLACE) == Route(1, Need("EUR", 100, 10_000, 300, 0))
    assert verdict(PLACE, side=SELL) == Route(1, Need("AAA", 100, 0, 0, 0))
    by_amount: dict[str, int] = {"type": MARKET, "time_in_force": IOC, "price_e4": 0, "amount_e4": 500}
    assert verdict(PLACE, **by_amount) == Route(1, Need("EUR", 100, 0, 300, 500))
    for_auction: dict[str, int] = {"type": MARKET, "time_in_force": AT_CLOSE}
    assert verdict(PLACE, **for_auction) == Route(1, Need("EUR", 100, 10_000, 300, 0))
    assert verdict(PLACE, **for_auction, side=SELL, price_e4=0) == Route(1, Need("AAA", 100, 0, 0, 0))
    assert verdict(CANCEL) == Route(1, None)
    assert verdict(CANCEL, order_id=order_id(1, 5), original_client_order_id="", symbol="") == Route(1, None)
    assert verdict(REPLACE) == Route(1, Need("EUR", 100, 10_000, 300, 0, True, 0, "one", "AAA"))
    assert verdict(REPLACE, price_e4=0) == Route(1, Need("EUR", 100, 0, 300, 0, True, 0, "one", "AAA"))


def test_a_past_date_goes_to_the_core_without_a_hold_and_a_future_one_is_refused() -> None:
    """A past date can never open again, and the journal may have its first result; a future one has none."""
    assert verdict(PLACE, trading_date=20260104) == Route(1, None)
    future = verdict(PLACE, trading_date=20260106)
    assert isinstance(future, Stale)
    assert future.refused.reason == "TRADING_DATE_WRONG"
    closed = reference(0, DATE)
    assert check(PLACE, "alpha", closed) == Route(1, None)
    assert isinstance(check(PLACE._replace(trading_date=20260106), "alpha", closed), Stale)


def test_the_digest_covers_all_own_fields_but_the_trace() -> None:
    """A retry with another traceparent is the same command; any other field makes another one."""
    assert digest(PLACE) == digest(PLACE._replace(traceparent="00-1-2-01"))
    digests = {digest(PLACE)}
    own = [field for field in PLACE._fields if field not in ("terms", "traceparent")]
    for field in own:
        value = getattr(PLACE, field)
        other: Any = {field: value + "x" if isinstance(value, str) else value + 1}
        digests.add(digest(PLACE._replace(**other)))
    for field in Terms._fields:
        digests.add(digest(PLACE._replace(terms=PLAIN._replace(**{field: 1}))))
    assert len(digests) == 1 + len(own) + len(Terms._fields)
    assert digest(CANCEL) != digest(REPLACE)


def test_an_order_without_terms_has_the_digest_that_it_always_had() -> None:
    """So what was sent to a version that knows no terms is the same command at one that does."""
    assert digest(PLACE) == command_digest(KIND, *PLACE[: PLACE._fields.index("terms")])


int64 = st.integers(-(2**63), INT64_MAX)


@given(
    int64, int64, int64, st.sampled_from([0, 1, 2, 3]), st.sampled_from([0, 1, 2, 3]), st.sampled_from(["AAA", "DEAR"])
)
def test_what_passes_fits_int64(
    price_e4: int, quantity: int, amount_e4: int, side: int, kind: int, symbol: str
) -> None:
    """Whatever the numbers: a command that may be tried has a hold that fits int64, on tick, on lot and within limits."""
    place = PLACE._replace(
        price_e4=price_e4,
        quantity=quantity,
        amount_e4=amount_e4,
        side=side,
        type=kind,
        symbol=symbol,
        time_in_force=IOC,
    )
    answer = check(place, "alpha", reference())
    if isinstance(answer, Route):
        need = answer.need
        assert need is not None
        assert 0 < need.quantity <= INT64_MAX
        assert worst(need.held_price_e4, need.quantity, need.held_fee_e6) <= INT64_MAX
        instrument = SHARE if symbol == "AAA" else DEAR
        assert need.quantity % instrument.lot_size == 0
        assert need.held_price_e4 % instrument.tick_size_e4 == 0
        assert need.held_price_e4 <= instrument.max_price_e4


def test_reference_data_never_goes_back() -> None:
    """An older state of a shard changes nothing; a closed date is remembered; another incarnation starts over."""
    known = reference()
    known.closed(1, 12, DATE)
    known.load(1, Shard("a" * 32, 9, DATE), [SHARE])
    assert known.shards[1].trading_date == 0
    assert known.shards[1].closed_date == DATE
    known.added(11, SHARE._replace(tick_size_e4=500))
    known.load(1, Shard("a" * 32, 10, DATE), [SHARE])
    assert known.instruments["AAA"].tick_size_e4 == 500
    known.load(1, Shard("b" * 32, 3, DATE), [])
    assert changed(known.shards[1]) == Shard("b" * 32, 3, DATE)
    assert "AAA" not in known.instruments


def quoted(**fields: Any) -> tuple[QuoteEntry, ...]:
    return (QuoteEntry("AAA", 0, 0, 0, 0)._replace(**fields),)


@pytest.mark.parametrize(
    ("fields", "reason", "field"),
    [
        ({"client_order_id": "x" * 33}, "CLIENT_ORDER_ID_INVALID", "client_order_id"),
        ({"entries": ()}, "QUOTE_INVALID", "entries"),
        ({"entries": QUOTE.entries * 101}, "QUOTE_INVALID", "entries"),
        ({"entries": QUOTE.entries * 2}, "QUOTE_INVALID", "entries[1].symbol"),
        ({"entries": quoted(bid_price_e4=1)}, "QUOTE_INVALID", "entries[0].bid_price_e4"),
        ({"entries": quoted(ask_price_e4=1)}, "QUOTE_INVALID", "entries[0].ask_price_e4"),
        ({"entries": quoted(bid_quantity=-1)}, "QUANTITY_INVALID", "entries[0].bid_quantity"),
        ({"entries": quoted(ask_quantity=-1)}, "QUANTITY_INVALID", "entries[0].ask_quantity"),
        ({"entries": quoted(ask_quantity=10)}, "PRICE_INVALID", "entries[0].ask_price_e4"),
        ({"entries": quoted(bid_quantity=15, bid_price_e4=10_000)}, "QUANTITY_OFF_LOT", "entries[0].bid_quantity"),
        ({"entries": quoted(bid_quantity=10, bid_price_e4=10_050)}, "PRICE_OFF_TICK", "entries[0].bid_price_e4"),
        (
            {"entries": quoted(bid_quantity=10, bid_price_e4=10_000, ask_quantity=10, ask_price_e4=10_000)},
            "QUOTE_INVALID",
            "entries[0].ask_price_e4",
        ),
        ({"entries": quoted(symbol="aaa")}, "SYMBOL_INVALID", "entries[0].symbol"),
        ({"entries": quoted(symbol="NONE")}, "SYMBOL_UNKNOWN", "entries[0].symbol"),
        ({"entries": (*quoted(), *quoted(symbol="DEAR"))}, "QUOTE_INVALID", "entries[1].symbol"),  # of two shards
        (
            {"entries": (QuoteEntry("DEAR", 10**13, 10**12, 0, 0),)},
            "NOTIONAL_OVERFLOW",
            "entries[0].bid_quantity",
        ),
        ({"self_trade_prevention": 6}, "SELF_TRADE_PREVENTION_INVALID", "self_trade_prevention"),
        ({"fill_limit": -1}, "MAKER_PROTECTION_INVALID", "fill_limit"),
        ({"fill_limit": 1_000_001, "window_us": 1}, "MAKER_PROTECTION_INVALID", "fill_limit"),
        ({"share_limit": 10**12 + 1, "window_us": 1}, "MAKER_PROTECTION_INVALID", "share_limit"),
        ({"fill_limit": 1}, "MAKER_PROTECTION_INVALID", "window_us"),
        ({"window_us": 1}, "MAKER_PROTECTION_INVALID", "window_us"),
        ({"fill_limit": 1, "window_us": 3_600_000_001}, "MAKER_PROTECTION_INVALID", "window_us"),
        ({"lease": "no lease"}, "LEASE_INVALID", "lease"),
        ({"trading_date": DATE + 1}, "TRADING_DATE_WRONG", "trading_date"),
    ],
)
def test_a_mass_quote_that_is_none_names_its_first_wrong_field(fields: dict[str, Any], reason: str, field: str) -> None:
    """Rules 6.5.1, 6.5.2, 6.6.1: the entry is in the field's name."""
    found = verdict(QUOTE, **fields)
    why = found.refused if isinstance(found, Stale) else found
    assert (why.reason, why.metadata["field"]) == (reason, field)
    assert why.metadata["fix"]
    assert why.reason in STATUS_OF


def test_a_mass_quote_needs_a_hold_a_side() -> None:
    """The worst cost of the bid with its fee, and the shares of the offer; a side of quantity 0 none."""
    route = verdict(QUOTE)
    assert [
        (leg.client_order_id, leg.asset, leg.quantity, leg.held_price_e4, leg.held_fee_e6) for leg in route.need
    ] == [
        ("four/0b", "EUR", 100, 10_000, 300),
        ("four/0a", "AAA", 50, 0, 0),
    ]
    assert verdict(QUOTE, entries=(QuoteEntry("AAA", 0, 0, 0, 0),)) == Route(1, None)
