"""What a command does is limited: a book takes so many orders of a kind that all move at once, an order trades so often. The twin says
the same.
"""

from svc_match.core import commands, events, layout
from svc_match.core.instrument import Phase
from tests.svc_match import twin

SYMBOL = "AAA"
DATE = twin.Drawing(1).date


def order(number: int, kind: commands.OrderType, price_e4: int, terms: commands.Terms) -> commands.Place:
    """A sell for one lot, held in full."""
    identity = ("ann/1", f"o{number}", DATE, twin.key("ann/1", f"o{number}"), number.to_bytes(16), 0)
    return commands.Place(*identity, number + 1, 100, 0, 0, SYMBOL, 2, kind, 1, price_e4, 10, 0, terms)


def fill(orders: list[commands.Place]) -> tuple[twin.Pair, list[events.Event]]:
    """A pair that took the orders, and the events of the last one."""
    drawing, pair = twin.Drawing(1), twin.Pair()
    one = drawing.instruments[SYMBOL]
    pair.apply([commands.AddInstrument(one), commands.OpenDate(DATE), commands.SetPhase("", Phase.OPEN)])
    pair.apply(list(orders[:-1]))
    pair.compare()
    told = pair.packed.apply(orders[-1:], pair.time_us, twin.EVENTS_LIMIT)
    pair.invariants.follow(told, pair.fills_limit)
    assert tuple(told)[3] == pair.plain.apply(orders[-1:], pair.time_us, twin.EVENTS_LIMIT).events
    return pair, told.events


def test_a_book_takes_so_many_trailing_stops() -> None:
    """Rule 4.8.5: one more is rejected; one that does not trail is taken."""
    limit = layout.TRAILING_STOPS_LIMIT
    tick = twin.Drawing(1).instruments[SYMBOL].tick_size_e4
    stop, trailing = commands.Terms(tick), commands.Terms(tick, trailing_bp=1)
    some = [order(number, commands.OrderType.STOP, 0, trailing) for number in range(limit + 1)]
    pair, (rejected,) = fill(some)
    assert isinstance(rejected, events.Rejected)
    assert (rejected.reason, rejected.field, rejected.value) == (events.Reason.TRAILING_LIMIT, "trailing_bp", "1")
    pair.apply([order(limit + 2, commands.OrderType.STOP, 0, stop)])
    assert len(pair.packed.numbered[0].waiting()) == limit + 1


def test_a_book_takes_so_many_pegged_orders() -> None:
    """Rule 4.9.7: one more is rejected, until one is done."""
    limit = layout.PEGGED_ORDERS_LIMIT
    tick = twin.Drawing(1).instruments[SYMBOL].tick_size_e4
    some = [order(number, commands.OrderType.PEGGED, 100 * tick, commands.Terms(peg=2)) for number in range(limit + 1)]
    pair, (rejected,) = fill(some)
    assert isinstance(rejected, events.Rejected)
    assert (rejected.reason, rejected.field, rejected.value) == (events.Reason.PEGGED_LIMIT, "peg", "2")
    assert len(pair.packed.numbered[0].waiting()) == limit


def test_a_book_takes_so_many_hidden_orders() -> None:
    """Rule 4.2.3: one more is rejected, on whichever side; one that is displayed is taken, and so is one when one is done."""
    limit = layout.HIDDEN_ORDERS_LIMIT
    tick, hidden = twin.Drawing(1).instruments[SYMBOL].tick_size_e4, commands.Terms(hidden=True)
    some = [order(number, commands.OrderType.LIMIT, (100 + number) * tick, hidden) for number in range(limit + 1)]
    pair, (rejected,) = fill(some)
    assert isinstance(rejected, events.Rejected)
    assert (rejected.reason, rejected.field, rejected.value) == (events.Reason.HIDDEN_LIMIT, "hidden", "True")
    pair.apply([order(limit + 2, commands.OrderType.LIMIT, 100 * tick, commands.PLAIN)])
    assert pair.packed.open_orders == limit + 1
    pair.restore()
    for number, taken in ((limit + 3, False), (limit + 5, True)):
        pair.apply([order(number, commands.OrderType.LIMIT, 100 * tick, hidden)])
        assert bool(pair.accepted) is taken
        gone = ("ann/1", f"c{number}", DATE, twin.key("ann/1", f"c{number}"), bytes(16))
        pair.apply([commands.Cancel(*gone, 0, 0, 0, "o0", twin.key("ann/1", "o0"), SYMBOL)])
    pair.compare()


def test_an_order_trades_so_often() -> None:
    """Rule 3.9: what is left then is done; FOK trades nothing."""
    limit, tick = layout.ORDER_FILLS_LIMIT, twin.Drawing(1).instruments[SYMBOL].tick_size_e4
    count, peaks = limit // layout.PEAKS_LIMIT + 1, commands.Terms(display_quantity=10)
    sells = [order(number, commands.OrderType.LIMIT, 100 * tick, peaks) for number in range(count)]
    sells = [one._replace(quantity=10 * layout.PEAKS_LIMIT, held_amount=10 * layout.PEAKS_LIMIT) for one in sells]
    buy = order(count, commands.OrderType.LIMIT, 100 * tick, commands.PLAIN)
    buy = buy._replace(side=1, quantity=10 * (limit + 1), held_amount=1 << 60, held_price_e4=100 * tick)
    whole = buy._replace(client_order_id="fok", key=1, time_in_force=commands.TimeInForce.FOK)
    pair, told = fill([*sells, whole, buy])
    done = told[-1]
    assert isinstance(done, events.Done)
    assert (done.reason, done.executed_quantity, done.cancelled_quantity) == (
        events.DoneReason.FILLS_LIMIT, 10 * limit, 10,
    )  # fmt: skip
    assert sum(isinstance(event, events.Traded) for event in told) == limit
    assert pair.packed.open_orders == count * layout.PEAKS_LIMIT - limit
    pair.compare()
