"""What an instrument asks of a price and of an order's worth, checked before anything is held (rules 7.1.1 to 7.1.3)."""

from typing import Any

import pytest

from svc_order.core.checks import Route, check
from svc_order.core.commands import (
    BUY,
    DAY,
    IOC,
    LIMIT,
    MARKET,
    ONE_CANCELS_OTHER,
    SELL,
    STOP,
    STOP_LIMIT,
    Place,
    Replace,
    Terms,
)
from svc_order.core.reference import Instrument, Reference, Shard
from svc_order.core.refused import Refused

DATE = 20260105
BANDED = Instrument("AAA", "EUR", 10, 1, 10, 1_000_000, 1_000_000, 0, 0, ((10_000, 50), (100_000, 100)), 10_000_000)
PLACE = Place("alpha/main", "one", DATE, "AAA", BUY, LIMIT, DAY, 10_000, 10, 0)
REPLACE = Replace("alpha/main", "two", DATE, 0, "one", "AAA", 10_000, 10)


def verdict(command: Any, **fields: Any) -> Any:
    known = Reference(frozenset({0}))
    known.load(0, Shard("a" * 32, 9, DATE), [BANDED])
    return check(command._replace(**fields), "alpha", known)


@pytest.mark.parametrize("command", [PLACE, REPLACE])
@pytest.mark.parametrize(
    ("price_e4", "fix"),
    [
        (9_990, ""), (9_995, "send 9990 or 10000"), (10_000, ""), (10_010, "send 10000 or 10050"), (10_050, ""),
        (99_960, "send 99950 or 100000"), (100_050, "send 100000 or 100100"), (100_100, ""),
    ],
)  # fmt: skip
def test_a_price_is_on_the_tick_that_holds_there(command: Any, price_e4: int, fix: str) -> None:
    """What is off it is told the two prices next to it."""
    answer = verdict(command, price_e4=price_e4)
    if fix:
        assert (answer.reason, answer.metadata["fix"]) == ("PRICE_OFF_TICK", fix)
    else:
        assert isinstance(answer, Route)


def test_a_stop_price_is_too() -> None:
    """Its own field is named."""
    answer = verdict(PLACE, type=STOP_LIMIT, terms=Terms(stop_price_e4=10_010))
    assert isinstance(answer, Refused)
    assert (answer.reason, answer.metadata["field"]) == ("PRICE_OFF_TICK", "stop_price_e4")


@pytest.mark.parametrize(
    ("command", "fields", "wrong"),
    [
        (PLACE, {"quantity": 1_000}, ""),
        (PLACE, {"quantity": 1_001}, "quantity"),
        (PLACE, {"side": SELL, "quantity": 1_001}, "quantity"),
        (REPLACE, {"quantity": 1_001}, "quantity"),
        (PLACE, {"type": MARKET, "time_in_force": IOC, "price_e4": 0, "amount_e4": 10_000_000}, ""),
        (PLACE, {"type": MARKET, "time_in_force": IOC, "price_e4": 0, "amount_e4": 10_000_001}, "amount_e4"),
        (PLACE, {"type": MARKET, "time_in_force": IOC, "quantity": 1_001}, "quantity"),
        (PLACE, {"type": MARKET, "time_in_force": IOC, "side": SELL, "price_e4": 0, "quantity": 1_000_000}, ""),
        (PLACE, {"type": STOP, "side": SELL, "price_e4": 0, "quantity": 1_000, "terms": Terms(stop_price_e4=10_000)}, ""),
        (PLACE, {"type": STOP, "side": SELL, "price_e4": 0, "quantity": 1_001, "terms": Terms(stop_price_e4=10_000)}, "quantity"),
        (PLACE, {"type": ONE_CANCELS_OTHER, "quantity": 500, "terms": Terms(stop_price_e4=15_000, stop_limit_price_e4=20_000)}, ""),
        (PLACE, {"type": ONE_CANCELS_OTHER, "quantity": 501, "terms": Terms(stop_price_e4=15_000, stop_limit_price_e4=20_000)}, "quantity"),
    ],
)  # fmt: skip
def test_an_order_is_worth_at_most_the_largest_notional(command: Any, fields: dict[str, Any], wrong: str) -> None:
    """What a sell without any price comes to is svc_match's to judge."""
    answer = verdict(command, **fields)
    if wrong:
        assert (answer.reason, answer.metadata["field"]) == ("NOTIONAL_OUT_OF_LIMITS", wrong)
    else:
        assert isinstance(answer, Route)
