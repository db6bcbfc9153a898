"""Two services look at the fields of an order: svc_order before it holds anything, svc_match before it journals (rules 2.2 to 2.4)."""

from itertools import combinations, product

import pytest

from svc_match.core import terms as core
from svc_match.core.commands import PLAIN, OrderType, TimeInForce
from svc_order.core import commands as entry
from svc_order.core.refused import Refused
from svc_order.core.terms import check_terms, check_words

DATE, QUANTITY = 20260105, 1_000
VALUES = {
    "stop_price_e4": (-1, 100),
    "stop_trigger": (1, 2, 3, -1),
    "display_quantity": (-1, 5, 100, QUANTITY),
    "hidden": (1,),
    "post_only": (1, 2, 3, -1),
    "minimum_quantity": (-1, 5, QUANTITY, QUANTITY + 1),
    "self_trade_prevention": (2, 5, 6, -1),
    "trailing_amount_e4": (-1, 7, 10**13 + 1),
    "trailing_bp": (-1, 7, 10_001),
    "stop_limit_price_e4": (-1, 100),
    "peg": (1, 3, 4, -1),
    "peg_offset_e4": (-7, 10**13, -(10**13) - 1),
    "expire_date": (DATE - 1, DATE, DATE + 50, -1),
    "expire_time_us": (-1, 1, 1 << 62),
}


@pytest.mark.parametrize("kind", [*OrderType, 0, 99])
def test_both_refuse_an_order_for_the_same_reason_and_name_the_same_field(kind: int) -> None:
    """Each type and time in force with each two terms, and with what it cannot do without: none, one or both of them wrong."""
    assert set(VALUES) == set(core.TERMS) == set(PLAIN._fields)
    refused = 0
    for time, (one, other) in product((0, *TimeInForce, 99), combinations(VALUES, 2)):
        for values in product((0, *VALUES[one]), (0, *VALUES[other]), needed(kind, time)):
            terms = {**values[2], one: values[0], other: values[1]}
            wanted = core.wrong_terms(kind, time, QUANTITY, PLAIN._replace(**terms), DATE)
            place = entry.Place(
                "alpha/main", "one", DATE, "AAA", entry.BUY, kind, time, 100, QUANTITY, 0, entry.Terms(**terms)
            )
            found = check_words(place) or check_terms(place, 1)
            if wanted is None and found is not None and kind == OrderType.ONE_CANCELS_OTHER:
                assert found.metadata["field"] in ("stop_price_e4", "stop_limit_price_e4"), (
                    "the book compares its prices with one another"
                )
                continue
            assert told(found) == (wanted and (wanted.reason.name, wanted.field, wanted.value)), (time, terms)
            refused += wanted is not None
    assert refused


def needed(kind: int, time: int) -> list[dict[str, int]]:
    """No term, and those that the type and the time ask for."""
    asked = {"peg": 2} if kind == OrderType.PEGGED else {"stop_price_e4": 100} if kind >= OrderType.STOP else {}
    until = {"expire_date": DATE} if time == TimeInForce.GTD else {}
    return [{}, asked | until] if asked | until else [{}]


def told(found: Refused | None) -> tuple[str, str, str] | None:
    """Reason, field and value."""
    return found and (found.reason, found.metadata["field"], found.metadata["value"])
