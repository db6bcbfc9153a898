"""Many orders that end with a date, or enter its closing auction, do so in parts."""

from svc_match.core import commands, snapshot
from svc_match.core.book import ENTER_ORDERS_LIMIT
from svc_match.core.commands import OrderType, Side, TimeInForce
from svc_match.core.instrument import AuctionKind, Phase
from tests.svc_match.test_mass_cancels import DATE, TICK_E4, Desk
from tests.svc_match.twin import of_the_date

LEFT = 500


def test_a_closing_auction_is_entered_in_rows() -> None:
    """Rule 5.1.5: no row shows more levels than so many orders have, and a shard that is restored on the way does the same."""
    desk = Desk()
    core, count = desk.packed, ENTER_ORDERS_LIMIT + LEFT
    waits = [
        desk.order("ann/1", "ACME", Side.BUY)._replace(price_e4=TICK_E4 * number, time_in_force=TimeInForce.AT_CLOSE)
        for number in range(1, count + 1)
    ]
    core.apply(waits, desk.time_us, 1 << 40)
    first = core.apply([commands.SetPhase("ACME", Phase.AUCTION, AuctionKind.CLOSING), commands.Tick()], 9)
    assert len(first.results) == 1
    assert len(first.public["ACME"]) == 1 + ENTER_ORDERS_LIMIT
    assert core.goes_on
    restored = snapshot.load(snapshot.encode(core), of_the_date(core))
    second = core.apply([], 9)
    assert restored.apply([], 9) == second
    assert (len(second.events), len(second.public["ACME"])) == (1, LEFT)
    assert not core.goes_on
    assert len(core.books["ACME"].standing(Side.BUY)) == count


def test_a_close_goes_on_behind_what_lasts() -> None:
    """Rules 1.6 and 8.1: with orders that outlive the date in front, cancelled between two parts, all others end, in their order."""
    desk = Desk()
    count = ENTER_ORDERS_LIMIT + LEFT
    lasting = [
        desk.order("ann/1", "ACME", Side.BUY)._replace(time_in_force=TimeInForce.GTC, type=OrderType.LIMIT)
        for _ in range(LEFT)
    ]
    desk.apply(list(lasting))
    stands = [order.order_id for order in desk.accepted]
    desk.apply([desk.order("ann/1", "ACME", Side.BUY) for _ in range(count)])
    before = desk.packed.open_orders
    desk.apply([commands.CloseDate(DATE)])
    desk.apply([desk.cancel("ann/1", one) for one in stands[::2]])
    assert desk.packed.open_orders == before - ENTER_ORDERS_LIMIT - LEFT // 2
    desk.restore()
    desk.apply([commands.CloseDate(DATE)])
    assert desk.packed.open_orders == LEFT // 2
    assert desk.packed.trading_date == 0


def test_a_close_looks_at_so_many_orders_in_a_part() -> None:
    """Rules 1.6 and 8.1.2: where most outlive the date each part is on record, and ends the same on a shard that is restored before it,
    or from which the last order that was looked at is gone.
    """
    desk = Desk()
    desk.apply([desk.order("ann/1", "ACME", Side.BUY)._replace(time_in_force=TimeInForce.GTC) for _ in range(50)])
    first = desk.accepted[0]
    desk.apply([desk.order("ann/1", one, Side.SELL) for one in ("ACME", "BOLT") for _ in range(10)])
    desk.fills_limit, parts = 1, 0  # 16 orders in a part
    while desk.packed.trading_date:
        desk.apply([commands.CloseDate(DATE), commands.CloseDate(DATE)])
        desk.restore()
        parts += 1
        if parts == 1:
            passed = desk.packed.closing.state()[1]
            assert passed != first.order_id
            desk.apply([desk.cancel("ann/1", passed)])
    assert (parts, desk.packed.open_orders) == (4, 49)
    desk.compare()
