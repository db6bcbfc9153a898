"""A price-time book of one instrument: each side a dict of levels and a sorted list of prices.

A side keeps its prices as keys that sort worst to best (a buy's price, a sell's price negated), so the best is the
last of the list on both sides and one loop serves both. Trades happen at the maker's price.
"""

from bisect import bisect_left, insort
from collections import OrderedDict
from collections.abc import Iterator
from copy import copy
from fractions import Fraction
from itertools import islice
from math import ceil, floor
from typing import Any, NamedTuple, TypeAlias

from chassis.units import FEE_SCALE
from svc_match.core.commands import SelfTradePrevention, Side, StopTrigger
from svc_match.core.instrument import Instrument, Listing, Phase
from tests.svc_match.oracle.orders import Order

NO_LIMIT = -(1 << 63)
BASIS_POINTS = 10_000
BUY, SELL = Side.BUY, Side.SELL
NEWEST, OLDEST, BOTH, DECREMENT = list(SelfTradePrevention)[1:]


class Level:
    """The orders at a price, oldest first: those that are displayed, then those that are hidden."""

    __slots__ = ("displayed", "hidden")

    def __init__(self) -> None:
        self.displayed: OrderedDict[int, Order] = OrderedDict()
        self.hidden: OrderedDict[int, Order] = OrderedDict()

    def queue(self, order: Order) -> OrderedDict[int, Order]:
        """Where an order stands."""
        return self.hidden if order.terms.hidden else self.displayed

    def orders(self) -> list[Order]:
        """In the order in which they trade."""
        return [*self.displayed.values(), *self.hidden.values()]

    def first(self) -> Order:
        """The order that trades next."""
        return next(iter(self.displayed.values() or self.hidden.values()))

    @property
    def quantity(self) -> int:
        """What is displayed."""
        return sum(order.displayed for order in self.displayed.values())


class Fill(NamedTuple):
    """What a maker gave to the order that arrived."""

    maker: Order
    price_e4: int
    quantity: int
    displayed: bool


class Prevented(NamedTuple):
    """An order that was done, or lost shares, instead of a trade; whether what is displayed changed."""

    order: Order
    displayed: bool


Outcome: TypeAlias = Fill | Prevented


class Budget:
    """What a buy by amount may still spend, with its fee."""

    __slots__ = ("fee_e6", "left_e4", "lot_size")

    def __init__(self, amount_e4: int, fee_e6: int, lot_size: int) -> None:
        self.left_e4 = amount_e4
        self.fee_e6 = fee_e6
        self.lot_size = lot_size

    def affordable(self, price_e4: int, quantity: int) -> int:
        """What of `quantity` it can pay, in whole lots."""
        # cost(q) = floor(price q (SCALE + fee) / SCALE) <= left  <=>  price q (SCALE + fee) < (left + 1) SCALE
        affordable = ((self.left_e4 + 1) * FEE_SCALE - 1) // (price_e4 * (FEE_SCALE + self.fee_e6))
        return min(quantity, affordable - affordable % self.lot_size)

    def spend(self, price_e4: int, quantity: int) -> None:
        """Pays some shares."""
        self.left_e4 -= price_e4 * (FEE_SCALE + self.fee_e6) * quantity // FEE_SCALE


class BookSide:
    """One side: levels by key, keys sorted worst to best. `sign` * price is the key."""

    __slots__ = ("keys", "levels", "sign")

    def __init__(self, sign: int) -> None:
        self.sign = sign
        self.levels: dict[int, Level] = {}
        self.keys: list[int] = []

    def add(self, order: Order) -> None:
        """The order stands last of its kind at its price."""
        key = self.sign * order.price_e4
        level = self.levels.get(key)
        if level is None:
            level = self.levels[key] = Level()
            insort(self.keys, key)
        order.show_peak()
        level.queue(order)[order.order_id] = order

    def remove(self, order: Order) -> None:
        """The order stands no more."""
        key = self.sign * order.price_e4
        level = self.levels[key]
        del level.queue(order)[order.order_id]
        if not level.orders():
            del self.levels[key]
            del self.keys[bisect_left(self.keys, key)]

    def orders(self) -> list[Order]:
        """In the order in which they would trade."""
        return [order for key in reversed(self.keys) for order in self.levels[key].orders()]

    def depth(self, levels: int) -> list[tuple[int, int, int]]:
        """(price_e4, quantity, orders) of what the best `levels` levels display, best first."""
        displayed = (key for key in reversed(self.keys) if self.levels[key].displayed)
        return [
            (self.sign * key, self.levels[key].quantity, len(self.levels[key].displayed))
            for key in islice(displayed, levels)
        ]

    def meet(self, taker: Order, limit_key: int, budget: Budget | None = None) -> Iterator[Outcome]:
        """Trades what arrives, as far as limit and budget go and as often as it may; each outcome as it happens."""
        while taker.open and not taker.ended and taker.turns and self.keys and self.keys[-1] >= limit_key:
            level, price_e4 = self.levels[self.keys[-1]], self.sign * self.keys[-1]
            maker = level.first()
            quantity = min(taker.open, maker.in_turn)
            if budget is not None:
                quantity = budget.affordable(price_e4, quantity)
                if not quantity:
                    return
            taker.turns -= 1
            if taker.prevents(maker):
                yield from self.prevent(taker, maker)
                continue
            if budget is not None:
                budget.spend(price_e4, quantity)
            taker.open -= quantity
            maker.open -= quantity
            maker.shown -= quantity
            if not maker.open:
                self.remove(maker)
            elif maker.is_iceberg and not maker.shown:
                maker.show_peak()
                level.displayed.move_to_end(maker.order_id)
            yield Fill(maker, price_e4, quantity, not maker.terms.hidden)

    def prevent(self, taker: Order, maker: Order) -> Iterator[Prevented]:
        """Instead of a trade between two orders of a participant: what stands first, then what arrives."""
        choice = taker.terms.self_trade_prevention
        taken, given = taker.open, maker.open
        if choice in (OLDEST, BOTH) or (choice == DECREMENT and given <= taken):
            shows = maker.displayed > 0
            self.remove(maker)
            maker.ended = True
            yield Prevented(maker, shows)
        elif choice == DECREMENT:
            before = maker.displayed
            maker.open -= taken
            maker.quantity -= taken
            maker.shrink()
            yield Prevented(maker, maker.displayed != before)
        if choice == DECREMENT and given < taken:
            taker.open -= given
            taker.quantity -= given
            yield Prevented(taker, displayed=False)
        elif choice != OLDEST:
            taker.ended = True
            yield Prevented(taker, displayed=False)

    def would_trade(self, taker: Order, limit_key: int, budget: Budget | None) -> int:
        """How many shares would really trade if it arrived now: tried on copies."""
        other = BookSide(self.sign)
        for key in self.keys[bisect_left(self.keys, limit_key) :]:
            other.keys.append(key)
            level = other.levels[key] = Level()
            for order in self.levels[key].orders():
                level.queue(order)[order.order_id] = copy(order)
        outcomes = other.meet(copy(taker), limit_key, copy(budget))
        return sum(outcome.quantity for outcome in outcomes if isinstance(outcome, Fill))


class Book:
    """The book of one instrument, its listing and phase, the date's last price, its stops by age, and its last public event's number.

    Of an auction: its kind, 0 for none, its orders without a limit, those that wait for the closing one, the price at which it
    is being uncrossed, what was last shown of it, and when that may be done next.
    """

    __slots__ = (
        "auction", "closing", "front", "instrument", "last_e4", "limit_side", "limits", "listing", "next_us", "number",
        "pegs", "phase", "price_e4", "prices", "reference_e4", "referred_us", "shown", "sides", "stops", "symbol_sequence",
    )  # fmt: skip

    def __init__(self, number: int, instrument: Instrument) -> None:
        self.number = number
        self.instrument = instrument
        self.phase = Phase.CLOSED
        self.listing = Listing.LISTED
        self.reference_e4 = instrument.reference_price_e4
        self.symbol_sequence = 0
        self.last_e4 = 0
        self.stops: list[Order] = []
        self.auction = 0
        self.front: list[Order] = []
        self.closing: list[Order] = []
        self.price_e4 = 0
        self.shown: tuple[int, ...] = (0, 0, 0, 0)
        self.next_us = 0  # when it may be shown again
        self.pegs: list[Order] = []
        self.limits: Any = None  # of bands.py, while the phase is OPEN; since when, and what traded since the phase is
        self.limit_side = 0
        self.referred_us = 0
        self.prices: list[tuple[int, int]] = []
        self.sides: dict[int, BookSide] = {BUY: BookSide(1), SELL: BookSide(-1)}

    @property
    def is_empty(self) -> bool:
        """Whether no order of it is open."""
        waits = self.stops or self.front or self.closing or self.pegs
        return not waits and not any(side.keys for side in self.sides.values())

    @property
    def compared_e4(self) -> int:
        """What prices are compared with: the date's last trade, before it the instrument's reference price; 0 for none."""
        return self.last_e4 or self.reference_e4

    def opposite(self, side: int) -> BookSide:
        """What an order of `side` trades with."""
        return self.sides[SELL if side == BUY else BUY]

    def limit_key(self, side: int, price_e4: int) -> int:
        """The worst key of the other side that an order of `side` with this bound trades with; without one any."""
        if not price_e4:
            return NO_LIMIT
        return price_e4 if side == SELL else -price_e4

    def protected(self, side: int, price_e4: int) -> int:
        """The bound of a market order of `side`: its own, or that of the instrument's protection where it is nearer; 0 for none."""
        other, tick, share = self.opposite(side), self.instrument.tick_size_e4, self.instrument.market_protection_bp
        reference_e4 = self.compared_e4 or (other.sign * other.keys[-1] if other.keys else 0)
        if not share or not reference_e4:
            return price_e4
        if side == SELL:
            return -(reference_e4 * (share - BASIS_POINTS) // (BASIS_POINTS * tick)) * tick
        bound_e4 = max(reference_e4 * (BASIS_POINTS + share) // (BASIS_POINTS * tick) * tick, 1)
        return min(bound_e4, price_e4 or bound_e4)

    def wall_key(self, side: int, limit_key: int) -> int:
        """As `limit_key`, and no farther from the last trade, or before the first from the reference price, than the collar."""
        price_e4, collar_bp = self.compared_e4, self.instrument.dynamic_collar_bp
        if not price_e4 or not collar_bp:
            return limit_key
        away_e4 = Fraction(price_e4 * collar_bp, 10_000)
        return max(limit_key, ceil(price_e4 - away_e4) if side == SELL else -floor(price_e4 + away_e4))

    def banded(self, side: int, price_e4: int) -> int:
        """A bound of `side`, 0 for none, or the price band that it is beyond."""
        if self.limits is None:
            return price_e4
        if side == SELL:
            return max(price_e4, self.limits.lower_e4)
        return min(price_e4 or self.limits.upper_e4, self.limits.upper_e4)

    def meets(self, side: int, price_e4: int) -> bool:
        """Whether an order of `side` with this bound finds what it can trade with."""
        keys = self.opposite(side).keys
        return bool(keys) and keys[-1] >= self.limit_key(side, price_e4)

    def followed(self, side: int) -> int:
        """The best price at which an order is displayed that is not pegged; 0 for none."""
        place = self.sides[side]
        for key in reversed(place.keys):
            if any(not order.is_pegged for order in place.levels[key].displayed.values()):
                return place.sign * key
        return 0

    def looked_at(self, stop: Order) -> int:
        """The price that a stop looks at; 0 for none."""
        if stop.terms.stop_trigger != StopTrigger.BEST_QUOTE:
            return self.last_e4
        best = self.opposite(stop.side).depth(1)
        return best[0][0] if best else 0

    def is_triggered(self, stop: Order) -> bool:
        """Whether the condition of a stop holds."""
        price_e4 = self.looked_at(stop)
        if not price_e4:
            return False
        return price_e4 >= stop.stop_e4 if stop.side == BUY else price_e4 <= stop.stop_e4

    def triggered(self) -> list[Order]:
        """The stops whose condition holds once those that trail have followed, in the order in which they are executed."""
        for stop in self.stops:
            if stop.trails and (price_e4 := self.looked_at(stop)):
                stop.follow(price_e4, self.instrument.tick_size_e4)
        return sorted(filter(self.is_triggered, self.stops), key=Order.stop_rank)
