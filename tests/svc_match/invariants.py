"""What holds of a shard's events whatever its commands are. They are followed order by order, in the most obvious way, by the rule
book alone: this knows neither the core nor its oracle.

sequence      Events are numbered without a gap, and each symbol's public ones are as many as the core counts.
conservation  Of each order what was asked for is executed, cancelled, taken by self-trade prevention (4.5.5) or open.
limit         No order trades beyond its own limit, bound or amount, what it is held at, or the price bands (2.6, 3.2, 3.4, 7.5.1).
priority      What trades is the first of the best price: displayed before hidden, then who came to stand there first (3.1, 4.3, 5.4).
prevented     No post-only order takes (4.1), no order that prevents it trades with its participant (4.5), none trades while it waits.
lasting       A date that has closed leaves only GTC and GTD orders, of which it was not the last one (1.6, 8.1).
crossed       No book that is open is crossed, hidden orders included (3.3).
work          An order that arrives, or a mass quote, trades at most so many times (3.9).
"""

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from svc_match.core import events
from svc_match.core.commands import OrderType, SelfTradePrevention, TimeInForce
from svc_match.core.events import DoneReason, RestateReason
from svc_match.core.instrument import AuctionKind, Phase
from tests.svc_match.followed import BUY, LIMITED, SELL, Book, Order

MARKET, MARKET_TO_LIMIT, STOP, PEGGED = OrderType.MARKET, OrderType.MARKET_TO_LIMIT, OrderType.STOP, OrderType.PEGGED
IMMEDIATE = (TimeInForce.IOC, TimeInForce.FOK)
GTC, GTD = TimeInForce.GTC, TimeInForce.GTD
UNPREVENTED = (0, SelfTradePrevention.NONE)


class Broken(AssertionError):
    """An invariant, which the message begins with, does not hold."""


class Invariants:
    """Follows all events of a shard from its first one; raises Broken."""

    def __init__(self) -> None:
        self.sequence = self.quote_turns = 0
        self.fills_limit = 0
        self.books: dict[str, Book] = {}
        self.orders: dict[int, Order] = {}
        self.published: Counter[str] = Counter()
        self.follows: dict[type, Callable[[Any], None]] = {
            events.InstrumentAdded: self.added,
            events.DateClosed: self.date_closed,
            events.PhaseChanged: self.phase_changed,
            events.PriceBandsChanged: self.bands_changed,
            events.Accepted: self.accepted,
            events.MassQuoted: self.mass_quoted,
            events.Traded: self.traded,
            events.Replaced: self.replaced,
            events.Restated: self.restated,
            events.Done: self.done,
        }

    def follow(self, row: Any, fills_limit: int) -> None:
        """The events of a row, of which no order trades more often than that as it arrives."""
        self.fills_limit = fills_limit
        for event in row.events:
            self.sequence += 1
            require(event.sequence == self.sequence, "sequence", self.sequence, event)
            told = self.follows.get(type(event))
            if told is not None:
                told(event)
        require(row.last_sequence == self.sequence == row.first_sequence + len(row.events) - 1, "sequence", row)
        for symbol, shown in row.public.items():
            self.published[symbol] += len(shown)
            levels = {(e.side, e.price_e4): (e.quantity, e.orders) for e in shown if type(e) is events.LevelChanged}
            self.books[symbol].published |= levels
        for symbol, book in self.books.items():
            bid, ask = book.best(BUY), book.best(SELL)
            require(book.phase != Phase.OPEN or not bid or not ask or bid < ask, "crossed", symbol, bid, ask)

    def compare(self, books: Iterable[Any]) -> None:
        """The core's books have what the events tell, in its order; so does what was published."""
        open_orders: dict[int, int] = {}
        for found in books:
            symbol = found.instrument.symbol
            book = self.books[symbol]
            require(found.symbol_sequence == self.published[symbol], "sequence", symbol, self.published[symbol])
            for side in (BUY, SELL):
                require(found.standing(side) == book.standing(side), "priority", symbol, side)
                open_orders |= {identity: left for _, identity, left, _ in found.standing(side)}
            open_orders |= {identity: left for identity, left, _ in (*found.waiting(), *found.unpriced())}
            published = {at: level for at, level in book.published.items() if level[1]}
            require(published == book.displayed(), "conservation", symbol, "is displayed otherwise")
        wanted = {order.id: order.open for order in self.orders.values()}
        differ = dict(wanted.items() ^ open_orders.items())
        require(not differ, "conservation", "other orders are open", differ)

    # What the events say

    def added(self, event: events.InstrumentAdded) -> None:
        self.books[event.instrument.symbol] = Book()

    def date_closed(self, event: events.DateClosed) -> None:
        for order in self.orders.values():
            last = order.terms.expire_date
            require(order.told.time_in_force in (GTC, GTD), "lasting", order.told)
            require(not last or last > event.trading_date, "lasting", order.told)

    def phase_changed(self, event: events.PhaseChanged) -> None:
        book = self.books[event.symbol]
        book.phase, book.auction, book.bands = event.phase, event.auction, None
        if event.auction == AuctionKind.CLOSING:
            for order in sorted(book.closing.values(), key=lambda order: order.placed):
                book.take_place(order)
            book.closing = {}

    def bands_changed(self, event: events.PriceBandsChanged) -> None:
        self.books[event.symbol].bands = event.lower_price_e4, event.upper_price_e4

    def mass_quoted(self, _: events.MassQuoted) -> None:
        self.quote_turns = 0

    def accepted(self, event: events.Accepted) -> None:
        book, order = self.books[event.symbol], Order(event)
        require(event.quantity > 0 and order.id not in self.orders, "conservation", event)
        self.orders[order.id] = order
        if event.time_in_force == TimeInForce.AT_CLOSE and book.auction != AuctionKind.CLOSING:
            book.closing[order.id] = order
        elif order.kind in LIMITED and event.time_in_force not in IMMEDIATE:
            book.stand(order)
        elif order.kind in (MARKET, MARKET_TO_LIMIT) and book.phase == Phase.AUCTION:
            book.take_place(order)

    def traded(self, event: events.Traded) -> None:
        book, price_e4, quantity = self.books[event.symbol], event.price_e4, event.quantity
        maker, taker = self.order(event.maker_order_id, event), self.order(event.taker_order_id, event)
        require((maker.side, taker.side) == (3 - event.taker_side, event.taker_side), "priority", event)
        require((book.phase == Phase.OPEN) != event.auction, "priority", book.phase, event)
        require(not maker.waits and not taker.waits, "prevented", event)
        own = maker.told.account.partition("/")[0] == taker.told.account.partition("/")[0]
        require(not own or taker.terms.self_trade_prevention in UNPREVENTED, "prevented", event)
        require(maker.takes(price_e4) and taker.takes(price_e4), "limit", event)
        if event.auction:
            require(maker.id < taker.id, "priority", event)
            for order in (maker, taker):
                require(book.first(order.side, price_e4, auction=True) is order, "priority", event)
        else:
            require(not taker.terms.post_only, "prevented", event)
            require(book.bands is None or book.bands[0] <= price_e4 <= book.bands[1], "limit", book.bands, event)
            require(book.first(maker.side, price_e4, auction=False) is maker, "priority", event)
            require(maker.price_e4 == price_e4 and quantity <= maker.in_turn, "priority", event)
            require(self.count_turn(taker) <= self.fills_limit, "work", event)
        for order, left, fee_e4 in (
            (maker, event.maker_open, event.maker_fee_e4),
            (taker, event.taker_open, event.taker_fee_e4),
        ):
            order.open -= quantity
            order.executed += quantity
            order.spent_e4 += price_e4 * quantity + fee_e4
            require(quantity > 0 and order.open == left >= 0, "conservation", event)
            require(not order.told.amount_e4 or order.spent_e4 <= order.told.amount_e4, "limit", event)
        if event.auction:
            for order in (maker, taker):
                order.shown = min(order.shown, order.open)
            return
        taker.shown = min(taker.terms.display_quantity, taker.open)
        if maker.terms.display_quantity:
            maker.shown -= quantity
            if maker.open and not maker.shown:
                book.stand(maker)

    def count_turn(self, taker: Order) -> int:
        """How often what arrived has traded; the sides of a mass quote together."""
        if taker.quoted:
            self.quote_turns += 1
            return self.quote_turns
        taker.turns += 1
        return taker.turns

    def replaced(self, event: events.Replaced) -> None:
        book, order = self.books[event.symbol], self.order(event.order_id, event)
        require(event.quantity - event.open_quantity == order.executed, "conservation", event)
        less = event.open_quantity < order.open or (order.quoted and event.open_quantity == order.open)
        keeps = event.price_e4 == order.price_e4 and less and order.kind != PEGGED
        order.open, order.price_e4, order.held_e4 = event.open_quantity, event.price_e4, event.held_price_e4
        order.turns = 0
        if order.kind == PEGGED:
            book.leave(order)
            order.pegged_e4, order.price_e4, order.waits = event.price_e4, 0, True
        elif keeps:
            order.shown = min(order.shown, order.open)
        elif order.queue is not None:
            book.stand(order)
        else:
            order.placed = event.sequence

    def restated(self, event: events.Restated) -> None:
        book, order, reason = self.books[event.symbol], self.order(event.order_id, event), event.reason
        lost = order.open - event.open_quantity
        require(event.quantity - event.open_quantity == order.executed, "conservation", event)
        require((lost > 0) == (reason == RestateReason.SELF_TRADE) and lost >= 0, "conservation", event)
        order.open, order.held_e4 = event.open_quantity, event.held_price_e4
        if reason == RestateReason.SELF_TRADE:
            order.shown = min(order.shown, order.open)
            return
        order.price_e4 = event.price_e4
        if reason in (RestateReason.TRIGGERED, RestateReason.PEGGED):
            order.turns = 0
            order.waits = order.kind == PEGGED and not event.price_e4
        if event.price_e4 and order.kind != STOP:
            book.stand(order)
        else:
            book.leave(order)

    def done(self, event: events.Done) -> None:
        order = self.order(event.order_id, event)
        told = event.executed_quantity, event.cancelled_quantity
        require(told == (order.executed, order.open), "conservation", event)
        require((event.reason == DoneReason.FILLED) == (order.open == 0), "conservation", event)
        self.books[event.symbol].leave(order)
        del self.orders[order.id]

    def order(self, identity: int, event: events.Event) -> Order:
        require(identity in self.orders, "conservation", "no open order", event)
        return self.orders[identity]


def require(holds: bool, invariant: str, *what: object) -> None:
    if not holds:
        raise Broken(f"{invariant}: {' '.join(map(str, what))}")
