"""A price-time book of one instrument: each side a dict of levels and a sorted list of prices.

A side keeps its prices as keys that sort worst to best (a buy's price, a sell's price negated), so the best is the
last of the list on both sides and one loop serves both. Trades happen at the maker's price.
"""

from bisect import bisect_left, insort
from collections import OrderedDict
from typing import NamedTuple

from chassis.units import FEE_SCALE
from svc_match.core.commands import Side
from svc_match.core.instrument import Instrument, Phase
from tests.svc_match.oracle.orders import Order

NO_LIMIT = -(1 << 63)
BUY, SELL = Side.BUY, Side.SELL


class Level:
    """The orders at a price, oldest first, and what they add up to."""

    __slots__ = ("orders", "quantity")

    def __init__(self) -> None:
        self.orders: OrderedDict[int, Order] = OrderedDict()
        self.quantity = 0


class BookSide:
    """One side: levels by key, keys sorted worst to best. `sign` * price is the key."""

    __slots__ = ("keys", "levels", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.levels: dict[int, Level] = {}
        self.keys: list[int] = []

    def add(self, order: Order) -> None:
        """The order stands last at its price."""
        key = self.sign * order.price_e4
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = Level()
            insort(self.keys, key)
        level.orders[order.order_id] = order
        level.quantity += order.open

    def remove(self, order: Order) -> None:
        """The order stands no more."""
        key = self.sign * order.price_e4
        level = self.levels[key]
        del level.orders[order.order_id]
        level.quantity -= order.open
        if not level.orders:
            assert level.quantity == 0
            del self.levels[key]
            del self.keys[bisect_left(self.keys, key)]

    def depth(self, levels: int) -> list[tuple[int, int, int]]:
        """(price_e4, quantity, orders) of the best `levels` levels, best first."""
        return [
            (self.sign * key, self.levels[key].quantity, len(self.levels[key].orders))
            for key in self.keys[: -levels - 1 : -1]
        ]


class Fill(NamedTuple):
    """What a maker gave to the order that arrived; `maker_open` is what is left of it."""

    maker: Order
    price_e4: int
    quantity: int
    maker_open: int


class Budget:
    """What a buy by amount may still spend, with its fee."""

    __slots__ = ("fee_e6", "left_e4", "lot_size")

    def __init__(self, amount_e4: int, fee_e6: int, lot_size: int) -> None:
        self.left_e4 = amount_e4
        self.fee_e6 = fee_e6
        self.lot_size = lot_size

    def spend(self, price_e4: int, quantity: int) -> int:
        """Takes from the budget what of `quantity` it can pay, in whole lots; returns the shares."""
        # cost(q) = floor(price q (SCALE + fee) / SCALE) <= left  <=>  price q (SCALE + fee) < (left + 1) SCALE
        price = price_e4 * (FEE_SCALE + self.fee_e6)
        affordable = ((self.left_e4 + 1) * FEE_SCALE - 1) // price
        quantity = min(quantity, affordable - affordable % self.lot_size)
        self.left_e4 -= price * quantity // FEE_SCALE
        return quantity


class Book:
    """The book of one instrument, its phase, and the number of its last public event."""

    __slots__ = ("instrument", "number", "phase", "sides", "symbol_sequence")

    def __init__(self, number: int, instrument: Instrument) -> None:
        self.number = number
        self.instrument = instrument
        self.phase = Phase.CLOSED
        self.symbol_sequence = 0
        self.sides: dict[int, BookSide] = {BUY: BookSide(1), SELL: BookSide(-1)}

    def take(self, side: int, quantity: int, limit_key: int, budget: Budget | None = None) -> list[Fill]:
        """Trades an arriving order of `side` against the other one, as far as limit and budget go."""
        other = self.sides[SELL if side == BUY else BUY]
        keys, levels, sign = other.keys, other.levels, other.sign
        fills: list[Fill] = []
        while quantity and keys and keys[-1] >= limit_key:
            key = keys[-1]
            level, price_e4 = levels[key], sign * key
            orders = level.orders
            while quantity and orders:
                maker = next(iter(orders.values()))
                traded = min(quantity, maker.open)
                if budget is not None:
                    traded = budget.spend(price_e4, traded)
                    if not traded:
                        return fills
                quantity -= traded
                level.quantity -= traded
                maker.open -= traded
                if not maker.open:
                    del orders[maker.order_id]
                fills.append(Fill(maker, price_e4, traded, maker.open))
            if not orders:
                del levels[key]
                keys.pop()
        return fills

    def can_fill(self, side: int, quantity: int, limit_key: int, budget: Budget | None = None) -> bool:
        """Whether `take` would trade all of `quantity`; spends the budget that it is given."""
        other = self.sides[SELL if side == BUY else BUY]
        for key in reversed(other.keys):
            if key < limit_key or quantity <= 0:
                break
            if budget is None:
                quantity -= other.levels[key].quantity
                continue
            for maker in other.levels[key].orders.values():
                wanted = min(quantity, maker.open)
                if budget.spend(other.sign * key, wanted) < wanted:
                    return False
                quantity -= wanted
        return quantity <= 0

    def limit_key(self, side: int, price_e4: int) -> int:
        """The worst key of the other side that an order of `side` with this bound trades with."""
        return price_e4 if side == SELL else -price_e4
