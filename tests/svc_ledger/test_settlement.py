"""Settlement, on a real PostgreSQL: what each event moves, exactly once, and what stops a shard."""

import pytest

from bourse.match.v1 import events_pb2
from svc_ledger import wire
from svc_ledger.app import Settler
from svc_ledger.core.holds import ROUNDING_E4, State
from svc_ledger.core.settlement import Unsettleable
from svc_ledger.ports import CursorMoved
from tests.svc_ledger.desk import ACCOUNTS, CASH, SHARES, Desk, accepted, cost, done, event, rejected, tick

A, B, C = ACCOUNTS


async def test_a_trade_moves_cash_shares_and_fees_and_releases_the_improvement(desk: Desk) -> None:
    """Bought 40 of 100 at 9 under a price of 10: what stays held is the worst cost of the other 60."""
    buy, _ = await desk.open(desk.buy(A, 100, 10_0000))
    sell, _ = await desk.open(desk.sell(B, 50))
    await desk.settle(0, desk.trade(buy, sell, 9_0000, 40, buy_open=60, sell_open=10))
    fee = 9_0000 * 40 * 300 // 1_000_000
    assert await desk.held(A) == cost(10_0000, 60)
    assert await desk.available(A) == CASH - 9_0000 * 40 - fee - cost(10_0000, 60)
    assert await desk.available(B) == CASH + 9_0000 * 40 - fee
    assert await desk.available(A, "ACME") == SHARES + 40
    assert (await desk.held(B, "ACME"), await desk.available(B, "ACME")) == (10, SHARES - 50)
    assert await desk.available("exchange/fees") == 2 * fee
    await desk.settle(0, done(buy), done(sell))
    assert await desk.held(A) == await desk.held(B, "ACME") == 0


async def test_a_trade_within_one_account_moves_only_the_fees(desk: Desk) -> None:
    """Both holds shrink; no transfer between equal accounts is written."""
    buy, _ = await desk.open(desk.buy(A, 10, 10_0000))
    sell, _ = await desk.open(desk.sell(A, 10))
    await desk.settle(0, desk.trade(buy, sell, 10_0000, 10, 0, 0), done(buy), done(sell))
    fee = 10_0000 * 10 * 300 // 1_000_000
    assert await desk.available(A) == CASH - 2 * fee
    assert await desk.available(A, "ACME") == SHARES
    entries, _ = await desk.book.entries(A, "", 0, 100)
    assert [(entry.kind, entry.amount) for entry in entries[-2:]] == [(4, -fee), (4, -fee)]


async def test_a_buy_by_amount_keeps_its_hold_until_done(desk: Desk) -> None:
    """Fills take their cost and fee; the rest stays; nothing is released in between."""
    request = desk.buy(A, 1000, 0, held_price_e4=0, amount_e4=500_0000)
    buy, hold = await desk.open(request)
    assert hold.held_amount == 500_0000
    sell, _ = await desk.open(desk.sell(B, 10))
    await desk.settle(0, desk.trade(buy, sell, 10_0000, 10, 990, 0))
    spent = 10_0000 * 10 + 10_0000 * 10 * 300 // 1_000_000
    assert await desk.held(A) == 500_0000 - spent
    await desk.settle(0, done(buy), done(sell))
    assert (await desk.held(A), await desk.available(A)) == (0, CASH - spent)


async def test_a_replace_merges_its_extra_hold_and_releases_the_excess(desk: Desk) -> None:
    """More shares at a higher price; then, after a fill, fewer at a lower one without a hold."""
    buy, _ = await desk.open(desk.buy(A, 100, 10_0000))
    sell, _ = await desk.open(desk.sell(B, 30))
    (extra,) = await desk.hold(desk.buy(A, 200, 12_0000, replace=True, order_id=buy))
    replaced = events_pb2.OrderReplaced(
        order_id=buy, quantity=200, open_quantity=200, hold_id=extra.hold_id, held_price_e4=12_0000, held_fee_e6=300
    )
    await desk.settle(0, event(replaced=replaced))
    assert await desk.held(A) == cost(12_0000, 200)
    reduced = events_pb2.OrderReplaced(
        order_id=buy, quantity=50, open_quantity=20, held_price_e4=9_0000, held_fee_e6=300
    )
    await desk.settle(0, desk.trade(buy, sell, 9_0000, 30, 170, 0), event(replaced=reduced))
    assert await desk.held(A) == cost(9_0000, 20)
    await desk.settle(0, done(buy), done(sell))
    assert await desk.held(A) == 0


def restated(order: int, quantity: int, open_quantity: int, price: int, fee_e6: int = 300) -> events_pb2.ExecutionEvent:
    return event(
        restated=events_pb2.OrderRestated(
            order_id=order,
            quantity=quantity,
            open_quantity=open_quantity,
            held_price_e4=price,
            held_fee_e6=fee_e6 if price else 0,
        )
    )


async def test_a_restatement_releases_the_excess(desk: Desk) -> None:
    """A lower price, then fewer shares than were open; of a sell fewer shares. What stays is held exactly."""
    buy, _ = await desk.open(desk.buy(A, 100, 10_0000))
    sell, _ = await desk.open(desk.sell(B, 50))
    await desk.settle(0, restated(buy, 100, 100, 9_0000))
    assert await desk.held(A) == cost(9_0000, 100)
    await desk.settle(0, desk.trade(buy, sell, 9_0000, 30, 70, 20), restated(buy, 85, 55, 9_0000))
    assert await desk.held(A) == cost(9_0000, 55)
    await desk.settle(0, restated(sell, 35, 5, 0))
    assert (await desk.held(B, "ACME"), await desk.available(B, "ACME")) == (5, SHARES - 35)
    await desk.settle(0, desk.trade(buy, sell, 9_0000, 5, 50, 0), done(sell), done(buy))
    assert await desk.held(A) == await desk.held(B, "ACME") == 0


async def test_a_restatement_in_the_row_of_its_acceptance_settles_with_it(desk: Desk) -> None:
    """An order whose rest stands at the price that it traded at: accepted, filled in part and restated at once."""
    request = desk.buy(A, 100, 12_0000)
    sell, _ = await desk.open(desk.sell(B, 40))
    (hold,) = await desk.hold(request)
    buy = desk.journals[0].next_order
    await desk.settle(
        0,
        accepted(buy, hold, request),
        desk.trade(buy, sell, 10_0000, 40, 60, 0),
        done(sell),
        restated(buy, 100, 60, 10_0000),
    )
    assert await desk.held(A) == cost(10_0000, 60)


async def test_a_restated_buy_by_amount_keeps_what_it_may_still_spend(desk: Desk) -> None:
    """Its hold is no product of price and shares; Done releases it."""
    buy, _ = await desk.open(desk.buy(A, 1000, 0, held_price_e4=0, amount_e4=500_0000))
    await desk.settle(0, restated(buy, 600, 600, 0, 300))
    assert await desk.held(A) == 500_0000
    await desk.settle(0, done(buy))
    assert await desk.held(A) == 0


async def test_a_restatement_beyond_what_is_held_stops_the_shard(desk: Desk) -> None:
    """The exchange only ever makes an order cheaper: anything else does not fit."""
    buy, hold = await desk.open(desk.buy(A, 100, 10_0000))
    with pytest.raises(Unsettleable) as caught:
        await desk.settle(0, restated(buy, 100, 100, 10_0100))
    assert caught.value.reason == "HOLD_TOO_SMALL"
    assert await desk.held(A) == hold.held_amount


async def test_a_replaced_extra_is_computed_from_what_the_ledger_has_settled(desk: Desk) -> None:
    """After 30 of 100 are filled, 120 in all need the worst cost of 90, of which that of 70 is held."""
    buy, _ = await desk.open(desk.buy(A, 100, 10_0000))
    sell, _ = await desk.open(desk.sell(B, 30))
    await desk.settle(0, desk.trade(buy, sell, 10_0000, 30, 70, 0))
    (extra,) = await desk.hold(desk.buy(A, 120, 10_0000, replace=True, order_id=buy))
    assert extra.held_amount == cost(10_0000, 90) - cost(10_0000, 70) + ROUNDING_E4


async def test_an_extra_that_was_asked_for_before_a_fill_was_settled_is_merged_and_its_excess_released(
    desk: Desk,
) -> None:
    """Asked for while the order was not settled either: 120 at 11 instead of 100 at 10, of which 30 are filled meanwhile."""
    request = desk.buy(A, 100, 10_0000)
    sell, _ = await desk.open(desk.sell(B, 30))
    hold, extra = await desk.hold(
        request, desk.buy(A, 120, 11_0000, replace=True, original_client_order_id=request.client_order_id)
    )
    assert extra.held_amount == cost(11_0000, 120) - cost(10_0000, 100) + ROUNDING_E4
    buy = desk.journals[0].next_order
    await desk.settle(0, accepted(buy, hold, request), desk.trade(buy, sell, 10_0000, 30, 70, 0), done(sell))
    assert await desk.held(A) == cost(10_0000, 70) + extra.held_amount
    replaced = events_pb2.OrderReplaced(
        order_id=buy, quantity=120, open_quantity=90, hold_id=extra.hold_id, held_price_e4=11_0000, held_fee_e6=300
    )
    await desk.settle(0, event(replaced=replaced))
    assert await desk.held(A) == cost(11_0000, 90)
    await desk.settle(0, done(buy))
    assert await desk.held(A) == 0


async def test_a_fill_and_its_acceptance_in_one_row_settle_together(desk: Desk) -> None:
    """An order that is held, accepted, filled and done within one transaction leaves nothing held."""
    request, other = desk.buy(A, 10), desk.sell(B, 10)
    hold, rest = await desk.hold(request, other)
    journal = desk.journals[0]
    sell = journal.next_order
    buy = sell + 1
    await desk.settle(
        0,
        accepted(sell, rest, other),
        accepted(buy, hold, request),
        desk.trade(buy, sell, 10_0000, 10, 0, 0),
        done(sell),
        done(buy),
    )
    assert (await desk.held(A), await desk.held(B, "ACME")) == (0, 0)
    assert [result.state for result in await desk.hold(request, other)] == [State.ENDED, State.ENDED]


async def test_a_rejected_replace_releases_its_extra_hold_alone(desk: Desk) -> None:
    """The order's own hold stays."""
    buy, hold = await desk.open(desk.buy(A, 100))
    (extra,) = await desk.hold(desk.buy(A, 200, replace=True, order_id=buy))
    await desk.settle(0, rejected(extra.hold_id))
    assert await desk.held(A) == hold.held_amount


async def test_two_settlers_of_one_shard_settle_each_row_once(desk: Desk) -> None:
    """The second finds the cursor moved, begins again from the stored one, and has nothing left to do."""
    other = Settler(desk.store, 0)
    await other.begin()
    buy, _ = await desk.open(desk.buy(A, 10))
    sell, _ = await desk.open(desk.sell(B, 10))
    await desk.settle(0, desk.trade(buy, sell, 10_0000, 10, 0, 0))
    desk.settlers[0], first = other, desk.settlers[0]
    with pytest.raises(CursorMoved):
        await desk.catch_up(0)
    assert await other.begin() == first.cursor
    await desk.catch_up(0)
    assert await desk.available(A, "ACME") == SHARES + 10


async def test_an_event_that_does_not_fit_stops_its_shard_at_its_row(desk: Desk) -> None:
    """What came before it is settled, though it was handed over in one go; nothing of its own row is; others go on."""
    buy, _ = await desk.open(desk.buy(A, 10))
    journal = desk.journals[0]
    journal.row(done(buy))
    before = journal.sequence
    journal.row(tick(), done(buy))
    with pytest.raises(Unsettleable) as caught:
        await desk.catch_up(0)
    assert (caught.value.sequence, caught.value.reason) == (before + 2, "ORDER_NOT_HELD")
    assert desk.settlers[0].cursor.sequence == before
    assert await desk.held(A) == 0
    await desk.settle(1, tick())


@pytest.mark.parametrize("shares", [0, 11])
async def test_a_fill_that_is_not_what_is_held_is_never_settled(desk: Desk, shares: int) -> None:
    """A remainder that the seller's hold contradicts."""
    buy, _ = await desk.open(desk.buy(A, 10))
    sell, _ = await desk.open(desk.sell(B, 10))
    with pytest.raises(Unsettleable, match="holds 10"):
        await desk.settle(0, desk.trade(buy, sell, 10_0000, 5, 5, shares))
    assert await desk.available(A, "ACME") == SHARES


async def test_a_hold_of_another_shard_binds_nothing(desk: Desk) -> None:
    """Shard 1 cannot take what was held for shard 0."""
    request = desk.buy(A, 10)
    (hold,) = await desk.hold(request)
    with pytest.raises(Unsettleable, match="PENDING on shard 0"):
        await desk.settle(1, accepted(desk.journals[1].next_order, hold, request))


async def test_of_a_row_that_overlaps_the_cursor_only_the_part_behind_is_taken(desk: Desk) -> None:
    """The first events of the row are settled already; the others are its only news."""
    request = desk.buy(A, 10)
    (hold,) = await desk.hold(request)
    journal = desk.journals[0]
    order = journal.next_order
    row = wire.decode(journal.row(accepted(order, hold, request), tick(), done(order)))[0]
    whole, rest = wire.shard_batch(row, row.first_sequence), wire.shard_batch(row, row.first_sequence + 1)
    assert [type(event).__name__ for event in whole.events] == ["Accepted", "Done"]
    assert [type(event).__name__ for event in rest.events] == ["Done"]
    assert (whole.sequence, rest.sequence) == (row.last_sequence, row.last_sequence)


async def test_money_and_shares_are_conserved_over_all_accounts(desk: Desk) -> None:
    """The whole ledger's posted credits are its posted debits, asset by asset; it exports open holds as balances have them."""
    buy, _ = await desk.open(desk.buy(A, 10))
    sell, _ = await desk.open(desk.sell(B, 20))
    await desk.settle(0, desk.trade(buy, sell, 10_0000, 10, 0, 10), done(buy))
    net: dict[str, int] = {}
    held: dict[str, int] = {}
    async for part in desk.store.export():
        for row in part:
            if type(row).__name__ == "Balance":
                net[row.asset] = net.get(row.asset, 0) + row.credits_posted - row.debits_posted  # type: ignore[union-attr]
                held[row.asset] = held.get(row.asset, 0) + row.debits_pending  # type: ignore[union-attr]
            elif type(row).__name__ == "Hold":
                held[row.key[1]] -= row.remaining  # type: ignore[union-attr]
    assert set(net.values()) == set(held.values()) == {0}
