"""Orders and books as the events tell them, in the most obvious way: who stands where, and who trades next."""

from svc_match.core import events
from svc_match.core.commands import OrderType, Side
from svc_match.core.instrument import Phase

BUY, SELL = Side.BUY, Side.SELL
LIMITED = (OrderType.LIMIT, OrderType.ONE_CANCELS_OTHER)


class Order:
    """An order as its events tell it. `queue` is where it stands, at `stands_e4`, `placed` since when it has its place in front of all
    prices, `waits` is true of a stop, and of what is pegged to nothing; `turns` is how often it traded since it arrived.
    """

    def __init__(self, told: events.Accepted) -> None:
        self.told = told
        self.id, self.side, self.kind, self.terms = told.order_id, told.side, told.type, told.terms
        self.open = told.quantity
        self.executed = self.spent_e4 = self.turns = self.stands_e4 = 0
        self.price_e4 = 0 if told.type == OrderType.PEGGED else told.price_e4
        self.pegged_e4 = told.price_e4 if told.type == OrderType.PEGGED else 0
        self.held_e4 = told.held_price_e4
        self.shown = min(told.terms.display_quantity, told.quantity)
        self.placed = told.sequence
        self.queue: dict[int, Order] | None = None
        self.waits = told.type in (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.PEGGED)
        self.quoted = "/" in told.client_order_id  # 6.5.5

    @property
    def in_turn(self) -> int:
        """What it trades before others have their turn."""
        return self.shown if self.terms.display_quantity else self.open

    def takes(self, price_e4: int) -> bool:
        """Whether it may trade at a price."""
        limits = [limit for limit in (self.price_e4, self.pegged_e4) if limit]
        if self.side == SELL:
            return all(price_e4 >= limit for limit in limits)
        return all(price_e4 <= limit for limit in limits) and (price_e4 <= self.held_e4 or self.told.amount_e4 > 0)


class Book:
    """An instrument: its phase, its price bands, and what stands, by side and price: what is displayed, and what is hidden."""

    def __init__(self) -> None:
        self.phase, self.auction = Phase.CLOSED, 0
        self.bands: tuple[int, int] | None = None
        self.levels: dict[int, dict[int, tuple[dict[int, Order], dict[int, Order]]]] = {BUY: {}, SELL: {}}
        self.front: dict[int, Order] = {}  # in front of all prices
        self.closing: dict[int, Order] = {}  # waits for the closing auction
        self.published: dict[tuple[int, int], tuple[int, int]] = {}

    def best(self, side: int) -> int:
        """The best price of a side; 0 for none."""
        prices = self.levels[side]
        return (max(prices) if side == BUY else min(prices)) if prices else 0

    def first(self, side: int, price_e4: int, *, auction: bool) -> Order | None:
        """Who of a side trades next."""
        if auction:
            waiting = [order for order in self.front.values() if order.side == side and order.takes(price_e4)]
            if waiting:
                return min(waiting, key=lambda order: order.placed)
        best = self.best(side)
        if not best:
            return None
        displayed, hidden = self.levels[side][best]
        return next(iter(displayed.values() or hidden.values()))

    def leave(self, order: Order) -> None:
        """It stands nowhere."""
        self.front.pop(order.id, None)
        self.closing.pop(order.id, None)
        if order.queue is not None:
            del order.queue[order.id]
            order.queue = None
            if not any(self.levels[order.side][order.stands_e4]):
                del self.levels[order.side][order.stands_e4]

    def stand(self, order: Order) -> None:
        """It stands last of its kind at its price, with a new peak."""
        self.leave(order)
        order.shown = min(order.terms.display_quantity, order.open)
        order.stands_e4 = order.price_e4
        order.queue = self.levels[order.side].setdefault(order.stands_e4, ({}, {}))[order.terms.hidden]
        order.queue[order.id] = order

    def take_place(self, order: Order) -> None:
        """It has its place in an auction."""
        if order.kind in LIMITED:
            self.stand(order)
        else:
            self.front[order.id] = order

    def standing(self, side: int) -> list[tuple[int, int, int, str]]:
        """As the core tells what stands."""
        prices = sorted(self.levels[side], reverse=side == BUY)
        queues = [queue for price in prices for queue in self.levels[side][price]]
        return [(one.price_e4, one.id, one.open, one.told.account) for queue in queues for one in queue.values()]

    def displayed(self) -> dict[tuple[int, int], tuple[int, int]]:
        """By side and price, how much and how many orders."""
        queues = {(side, price): level[0] for side in (BUY, SELL) for price, level in self.levels[side].items()}
        return {at: (sum(one.in_turn for one in some.values()), len(some)) for at, some in queues.items() if some}
