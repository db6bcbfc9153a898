"""What the fields alone say about a command."""

from dataclasses import replace as changed
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.units import INT64_MAX, order_id, worst
from svc_order.core.checks import Need, Route, Stale, check
from svc_order.core.commands import BUY, DAY, FOK, IOC, LIMIT, MARKET, SELL, Cancel, Place, Replace, digest
from svc_order.core.reference import Instrument, Reference, Shard
from svc_order.core.refused import STATUS_OF

DATE = 20260105
SHARE = Instrument("AAA", "EUR", 100, 10, 100, 10_000_000, 1_000_000, 300, 1)
DEAR = Instrument("DEAR", "EUR", 1, 1, 1, 10**13, 10**12, 1000, 0)
PLACE = Place("alpha/main", "one", DATE, "AAA", BUY, LIMIT, DAY, 10_000, 100, 0)
CANCEL = Cancel("alpha/main", "two", DATE, 0, "one", "AAA")
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
    ],
)
def test_bad_fields_are_refused_by_name(command: Any, fields: dict[str, Any], reason: str, field: str) -> None:
    """Each bad field gets its reason, the field, its value and what to do."""
    why = verdict(command, **fields)
    assert (why.reason, why.metadata["field"]) == (reason, field)
    assert why.metadata["value"] == str(fields.get(field, getattr(command, field)))
    assert why.metadata["fix"]
    assert reason in STATUS_OF


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
    assert verdict(CANCEL) == Route(1, None)
    assert verdict(CANCEL, order_id=order_id(1, 5), original_client_order_id="", symbol="") == Route(1, None)
    assert verdict(REPLACE) == Route(1, Need("EUR", 100, 10_000, 300, 0, True, 0, "one", "AAA"))


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
    for field in PLACE._fields[:-1]:
        value = getattr(PLACE, field)
        other: Any = {field: value + "x" if isinstance(value, str) else value + 1}
        assert digest(PLACE._replace(**other)) != digest(PLACE)
    assert digest(CANCEL) != digest(REPLACE)


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
    known.load(1, Shard("b" * 32, 3, DATE), [])
    assert changed(known.shards[1]) == Shard("b" * 32, 3, DATE)
    assert "AAA" not in known.instruments
