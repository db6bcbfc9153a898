"""Holds, on a real PostgreSQL: attempts, deadlines, funds, replaces."""

import itertools

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from svc_ledger.core.holds import ROUNDING_E4, TRANSITIONS, Hold, HoldRequest, Known, State, decide
from tests.svc_ledger.desk import ACCOUNTS, CASH, SHARES, START_US, Desk, cost, done, rejected, tick

HOLD_US = 5_000_000
A, B, _ = ACCOUNTS


async def test_a_buy_holds_its_worst_cost_and_a_sell_its_shares(desk: Desk) -> None:
    """Cash at the held price with the highest fee rounded up; shares one for one."""
    buy, sell = await desk.hold(desk.buy(A, 3, 10_0001), desk.sell(B, 7))
    assert (buy.state, buy.held_amount) == (State.PENDING, cost(10_0001, 3))
    assert (sell.state, sell.held_amount) == (State.PENDING, 7)
    assert await desk.held(A) == buy.held_amount
    assert await desk.available(B, "ACME") == SHARES - 7


async def test_the_deadline_is_the_cursors_time_plus_the_interval(desk: Desk) -> None:
    """Journal time alone decides."""
    (hold,) = await desk.hold(desk.buy())
    assert hold.deadline_us == desk.journals[0].time_us + HOLD_US
    assert desk.journals[0].time_us == START_US + 1000


async def test_a_repeat_gets_the_stored_hold_and_takes_nothing_more(desk: Desk) -> None:
    """Also twice in one batch, and after the first was committed."""
    request = desk.buy()
    first, second = await desk.hold(request, request)
    (third,) = await desk.hold(request)
    assert first == second == third
    assert await desk.held(A) == first.held_amount


async def test_an_id_with_other_fields_is_refused_and_touches_nothing(desk: Desk) -> None:
    """REUSED names the id; the first hold stays as it is."""
    request = desk.buy()
    (first,) = await desk.hold(request)
    (other,) = await desk.hold(desk.buy(quantity=1, client_order_id=request.client_order_id))
    assert other.state is State.REUSED
    assert other.refused is not None
    assert other.refused.reason == "CLIENT_ORDER_ID_REUSED"
    assert await desk.held(A) == first.held_amount


async def test_too_little_is_recorded_and_final(desk: Desk) -> None:
    """A deposit afterwards does not revive the id; a neighbour in the batch is not spoilt."""
    request = desk.buy(A, 10**9, 10_0000)
    failed, fine = await desk.hold(request, desk.buy(A, 1))
    assert (failed.state, fine.state) == (State.FAILED, State.PENDING)
    assert failed.refused is not None
    assert failed.refused.reason == "FUNDS_INSUFFICIENT"
    await desk.book.deposit("more", A, "EUR", 10**17)
    assert (await desk.hold(request))[0].state is State.FAILED


async def test_all_of_the_money_can_be_held_and_not_a_unit_more(desk: Desk) -> None:
    """The batch's own holds count."""
    first, second = await desk.hold(desk.buy(A, 1, CASH, held_fee_e6=0), desk.buy(A, 1, 1, held_fee_e6=0))
    assert (first.state, second.state) == (State.PENDING, State.FAILED)
    assert await desk.available(A) == 0


async def test_a_hold_expires_behind_its_deadline_and_gets_a_new_attempt(desk: Desk) -> None:
    """At the deadline it stands; a microsecond later it is released; only the same fields get attempt 2."""
    request = desk.buy()
    (hold,) = await desk.hold(request)
    await desk.settle(0, tick(), microseconds=HOLD_US)
    assert await desk.held(A) == hold.held_amount
    await desk.settle(0, tick(), microseconds=250_000)
    assert await desk.held(A) == 0
    (other,) = await desk.hold(desk.buy(quantity=1, client_order_id=request.client_order_id))
    assert other.state is State.REUSED
    (again,) = await desk.hold(request)
    assert (again.state, again.attempt) == (State.PENDING, 2)
    assert again.hold_id != hold.hold_id
    assert again.deadline_us > hold.deadline_us


async def test_a_bound_hold_outlives_its_deadline(desk: Desk) -> None:
    """Only Done ends it."""
    order, hold = await desk.open(desk.buy())
    await desk.settle(0, tick(), microseconds=10 * HOLD_US)
    assert await desk.held(A) == hold.held_amount
    await desk.settle(0, done(order))
    assert await desk.held(A) == 0


async def test_bound_and_ended_holds_get_no_new_attempt(desk: Desk) -> None:
    """The core is asked for the first result instead."""
    request, refused = desk.buy(), desk.buy()
    (hold,) = await desk.hold(refused)
    order, _ = await desk.open(request)
    assert (await desk.hold(request))[0].state is State.BOUND
    await desk.settle(0, done(order), rejected(hold.hold_id))
    results = await desk.hold(request, refused)
    assert [result.state for result in results] == [State.ENDED, State.ENDED]
    assert await desk.held(A) == 0


async def test_a_replace_holds_what_the_order_does_not_cover(desk: Desk) -> None:
    """By order_id and by the original id; nothing when it is covered; REFUSED when the order is not known yet."""
    request = desk.buy(A, 100, 10_0000)
    order, hold = await desk.open(request)
    more = desk.buy(A, 150, 11_0000, replace=True, order_id=order)
    less = desk.buy(A, 50, 10_0000, replace=True, original_client_order_id=request.client_order_id)
    never = desk.buy(A, 50, 10_0000, replace=True, original_client_order_id="never")
    extra, covered, unknown = await desk.hold(more, less, never)
    assert (extra.state, extra.held_amount) == (State.PENDING, cost(11_0000, 150) - hold.held_amount + ROUNDING_E4)
    assert (covered.state, covered.hold_id) == (State.NOT_NEEDED, 0)
    assert unknown.state is State.REFUSED
    assert unknown.refused is not None
    assert unknown.refused.reason == "ORDER_UNKNOWN"
    assert (await desk.hold(more))[0] == extra


async def test_a_replace_finds_an_order_of_an_earlier_date_by_its_name(desk: Desk) -> None:
    """While that is open; also where the name was tried again on the new date, for which the first attempt has run out."""
    request = desk.buy(A, 100, 10_0000)
    order, hold = await desk.open(request)
    name, later = request.client_order_id, request.trading_date + 1
    more = desk.buy(A, 150, 10_0000, trading_date=later, replace=True, original_client_order_id=name)
    (extra,) = await desk.hold(more)
    assert (extra.state, extra.held_amount) == (State.PENDING, cost(10_0000, 150) - hold.held_amount + ROUNDING_E4)
    (again,) = await desk.hold(desk.buy(A, 1, 10_0000, trading_date=later, client_order_id=name))
    await desk.settle(0, rejected(again.hold_id))
    less = desk.buy(A, 50, 10_0000, trading_date=later, replace=True, original_client_order_id=name)
    assert (await desk.hold(less))[0].state is State.NOT_NEEDED
    await desk.settle(0, rejected(extra.hold_id), done(order))
    gone = desk.buy(A, 150, 10_0000, trading_date=later + 1, replace=True, original_client_order_id=name)
    (unknown,) = await desk.hold(gone)
    assert unknown.refused is not None
    assert unknown.refused.reason == "ORDER_UNKNOWN"


async def test_a_replace_finds_an_order_that_is_not_settled_by_its_name_alone(desk: Desk) -> None:
    """Also placed in the same batch; beside an order_id that nobody bound yet. By that order_id alone it is not known."""
    request = desk.buy(A, 100, 10_0000)
    name = request.client_order_id
    hold, first = await desk.hold(request, desk.buy(A, 110, 10_0000, replace=True, original_client_order_id=name))
    named = desk.buy(A, 120, 10_0000, replace=True, order_id=77, original_client_order_id=name)
    less = desk.buy(A, 100, 9_0000, replace=True, original_client_order_id=name)
    alone = desk.buy(A, 120, 10_0000, replace=True, order_id=77)
    second, covered, unknown = await desk.hold(named, less, alone)
    assert [one.state for one in (first, second, covered)] == [State.PENDING, State.PENDING, State.NOT_NEEDED]
    assert first.held_amount == cost(10_0000, 110) - hold.held_amount + ROUNDING_E4
    assert second.held_amount == cost(10_0000, 120) - hold.held_amount + ROUNDING_E4
    assert unknown.refused is not None
    assert (unknown.state, unknown.refused.reason) == (State.REFUSED, "ORDER_UNKNOWN")
    assert await desk.held(A) == hold.held_amount + first.held_amount + second.held_amount


@pytest.mark.parametrize("settled", [False, True])
async def test_a_replace_of_a_sell_holds_shares_though_it_asks_as_for_a_buy(desk: Desk, settled: bool) -> None:
    """Which side the order is on is read from its own hold: no money, no price, no fee."""
    request = desk.sell(B, 100)
    await (desk.open(request) if settled else desk.hold(request))
    name = request.client_order_id
    more = desk.buy(B, 130, 12_0000, replace=True, original_client_order_id=name, symbol="ACME")
    less = desk.buy(B, 70, 12_0000, replace=True, original_client_order_id=name, symbol="ACME")
    other = desk.buy(B, 70, 12_0000, replace=True, original_client_order_id=name, symbol="BRNO")
    extra, covered, unknown = await desk.hold(more, less, other)
    assert (extra.state, extra.held_amount, extra.held_price_e4, extra.held_fee_e6) == (State.PENDING, 30, 0, 0)
    assert (covered.state, unknown.state) == (State.NOT_NEEDED, State.REFUSED)
    assert (await desk.held(B), await desk.held(B, "ACME")) == (0, 130)


async def test_a_replace_of_an_order_that_failed_or_expired_needs_nothing(desk: Desk) -> None:
    """The core says on record that there is no such order."""
    failed, expired = desk.buy(A, 10**9, 10_0000), desk.buy()
    await desk.hold(failed, expired)
    await desk.settle(0, tick(), microseconds=2 * HOLD_US)
    results = await desk.hold(
        *(desk.buy(A, 500, replace=True, original_client_order_id=one.client_order_id) for one in (failed, expired))
    )
    assert [one.state for one in results] == [State.NOT_NEEDED, State.NOT_NEEDED]
    assert await desk.held(A) == 0


async def test_what_does_not_exist_is_refused_without_a_trace(desk: Desk) -> None:
    """Account, asset, and fields out of range; the neighbour is held."""
    results = await desk.hold(
        desk.buy("nobody/main"),
        desk.buy(asset="XXX"),
        desk.buy(quantity=0),
        desk.buy(client_order_id="x" * 37),
        desk.buy(client_order_id="a\tb"),
        desk.buy("no\0body/main"),
        desk.buy(quantity=2**40, price=2**40),
        desk.buy(),
    )
    reasons = [result.refused.reason if result.refused else "" for result in results]
    invalid = ["HOLD_INVALID"] * 3
    assert reasons == ["ACCOUNT_UNKNOWN", "ASSET_UNKNOWN", *invalid, "ACCOUNT_UNKNOWN", "NOTIONAL_OVERFLOW", ""]
    assert await desk.held(A) == results[-1].held_amount


async def test_ids_of_any_printable_characters_come_back_as_they_went(desk: Desk) -> None:
    """Quotes, backslashes and braces are only characters."""
    ids = ['a"b', "a\\b", "{a,b}", "NULL", "\\N", "'", "%s", '"', "\\"]
    requests = [desk.buy(quantity=1, client_order_id=id_) for id_ in ids]
    first = await desk.hold(*requests)
    assert await desk.hold(*requests) == first
    assert len({hold.hold_id for hold in first}) == len(ids)


@settings(max_examples=1000)
@given(
    st.integers(1, 5000),
    st.integers(1, 50),
    st.integers(1, 100),
    st.integers(0, 3),
    st.sampled_from([100, 300, 700]),
    st.data(),
)
def test_fills_alone_never_make_an_extra_too_small(
    price: int, quantity: int, wanted: int, dearer: int, fee_e6: int, data: st.DataObject
) -> None:
    """The ledger knows of no fill yet: what it adds covers the new remainder all the same, unless the price falls."""
    amount = cost(price, quantity, fee_e6)
    order = Hold(1, (A, "EUR"), 1, "o", 1, b"", 0, State.BOUND, 0, amount, amount, price, fee_e6, False, 9, quantity, 0)
    request = HoldRequest(1, A, "r", bytes(16), 0, "EUR", wanted, price + dearer, fee_e6, 0, True, 9, "", "ACME")
    known = Known({A}, {"EUR"}, {(A, "EUR"): 10**15}, {}, {9: order}, {0: 0})
    [extra] = decide([request], known, itertools.count(2))
    filled = data.draw(st.integers(0, min(quantity, wanted) - 1))
    needed = cost(price + dearer, wanted - filled, fee_e6)
    assert needed <= cost(price, quantity - filled, fee_e6) + extra.held_amount
    assert extra.held_amount <= max(0, cost(price + dearer, wanted, fee_e6) - amount) + ROUNDING_E4


@pytest.mark.parametrize(("before", "after"), list(itertools.product(TRANSITIONS, State)))
def test_a_hold_goes_only_where_its_table_says(before: State, after: State) -> None:
    """Whatever a hold would become that may not follow is a bug, and leaves it as it is."""
    hold = Hold(1, (A, "EUR"), 1, "o", 1, b"", 0, before, 0, 1, 1, 1, 0, False, 9, 1, 0)
    if after in TRANSITIONS[before]:
        hold.become(after)
        assert hold.state is after
    else:
        with pytest.raises(AssertionError):
            hold.become(after)
        assert hold.state is before
