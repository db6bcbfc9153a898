"""Auctions in the most obvious way: the price, who trades, and what becomes of the orders that were for the auction only.

Source: docs/rule-book.md, section 5.
"""

from typing import NamedTuple

from chassis.units import fee
from svc_match.core import events
from svc_match.core.book import ENTER_ORDERS_LIMIT
from svc_match.core.commands import OrderType, Side, TimeInForce
from svc_match.core.events import DoneReason, RestateReason
from svc_match.core.instrument import AuctionKind, Phase
from svc_match.core.layout import INDICATION_INTERVAL_US, INDICATION_PRICE_US
from svc_match.core.timers import Due, TimerKind
from tests.svc_match.oracle.bands import around, fresh
from tests.svc_match.oracle.book import BOTH, DECREMENT, NEWEST, OLDEST, Book
from tests.svc_match.oracle.orders import Order
from tests.svc_match.oracle.trading import Trading

BUY, SELL = Side.BUY, Side.SELL
LIMIT, MARKET_TO_LIMIT = OrderType.LIMIT, OrderType.MARKET_TO_LIMIT


class Indication(NamedTuple):
    """What an auction would do: a price, how much trades at it, and which side has how much left there."""

    price_e4: int = 0
    quantity: int = 0
    surplus_side: int = 0
    surplus_quantity: int = 0


NOTHING = Indication()


def standing(book: Book, side: int) -> list[Order]:
    """The orders of a side that have a place in the auction, as they trade: without a limit first."""
    return [order for order in book.front if order.side == side] + book.sides[side].orders()


def takes(order: Order, price_e4: int) -> bool:
    """Whether an order may trade at a price."""
    return order.price_e4 >= price_e4 if order.side == BUY else order.price_e4 <= price_e4


def indication(book: Book) -> Indication:
    """What the auction would do now."""
    orders = standing(book, BUY) + standing(book, SELL)
    limits = {place.sign * key for place in book.sides.values() for key in place.keys}

    def there(side: int, price_e4: int) -> int:
        return sum(order.open for order in orders if order.side == side and takes(order, price_e4))

    def volume(price_e4: int) -> int:
        return min(there(BUY, price_e4), there(SELL, price_e4))

    def surplus(price_e4: int) -> int:
        return there(BUY, price_e4) - there(SELL, price_e4)

    reference_e4 = around(book.compared_e4, book.instrument).reference_e4 if book.compared_e4 else 0
    named = limits if any(map(volume, limits)) else {reference_e4}
    most = max(map(volume, named))
    if not most or named == {0}:
        return NOTHING
    prices = [price_e4 for price_e4 in named if volume(price_e4) == most]
    least = min(abs(surplus(price_e4)) for price_e4 in prices)
    prices = [price_e4 for price_e4 in prices if abs(surplus(price_e4)) == least]
    price_e4 = _pressed({price_e4: surplus(price_e4) for price_e4 in prices}, reference_e4)
    left = surplus(price_e4)
    return Indication(price_e4, volume(price_e4), BUY if left > 0 else SELL if left < 0 else 0, abs(left))


def looked_at(book: Book) -> int:
    """How many orders in front of all prices there are, and prices from the best down to where the other side has none, bids only to
    the second at which more is wanted than is for sale.
    """
    count, bids, asks = len(book.front), standing(book, BUY), standing(book, SELL)
    highest = max((order.price_e4 for order in bids), default=-1)
    offered = [order for order in asks if order.price_e4 <= highest]
    if not offered:
        return count
    lowest = min(order.price_e4 for order in offered)
    total, wanted = sum(order.open for order in offered), 0
    count += len({order.price_e4 for order in offered if order not in book.front})
    limited = [order for order in bids if order not in book.front and order.price_e4 >= lowest]
    for price_e4 in sorted({order.price_e4 for order in limited}, reverse=True):
        count += 1
        if wanted > total:
            break
        wanted += sum(order.open for order in limited if order.price_e4 == price_e4)
    return count


def _pressed(surpluses: dict[int, int], reference_e4: int) -> int:
    """The price among those that are equally good, by what is left at each."""
    wanted = [price_e4 for price_e4, left in surpluses.items() if left > 0]
    offered = [price_e4 for price_e4, left in surpluses.items() if left < 0]
    if wanted and not offered:
        return max(wanted)
    if offered and not wanted:
        return min(offered)
    lowest, highest = (max(wanted), min(offered)) if wanted else (min(surpluses), max(surpluses))
    return min(max(lowest, reference_e4), highest) if reference_e4 else lowest


class Auctions(Trading):
    """The books' auctions."""

    def __init__(self) -> None:
        super().__init__()
        self.uncrossing: tuple[Book, Phase] | None = None
        self.enter_limit = ENTER_ORDERS_LIMIT
        self.entered = 0  # orders into closing auctions, by what is being done
        self.passed = (0, 0)  # the date that ends, and the last order that was looked at and outlives it
        self.first = 1  # the sequence of the row's first event

    # Orders on their way in

    def _collect(self, book: Book, order: Order, time_in_force: int) -> None:
        """An order takes its place in the auction, or waits for the closing one."""
        limited = order.type == LIMIT or order.pairs
        order.for_auction = time_in_force > TimeInForce.FOK or not limited
        self.orders[order.order_id] = order
        if time_in_force == TimeInForce.AT_CLOSE and book.auction != AuctionKind.CLOSING:
            book.closing.append(order)
        elif limited:
            self._rest(book, order)
            self._publish_levels(book)
        else:
            book.front.append(order)

    def _wait_behind(self, order: Order, others: list[Order]) -> None:
        """A replaced order goes behind the others that wait."""
        order.placed = self.sequence
        others.sort(key=lambda order: order.placed)

    def _begin_closing(self, book: Book) -> None:
        """What waited for the closing auction takes its place, in the order in which it came; so many in one go, then more."""
        while book.closing and self.entered < self.enter_limit:
            self.entered += 1
            order = book.closing.pop(0)
            if order.type == LIMIT:
                self._rest(book, order)
            else:
                book.front.append(order)
        book.front.sort(key=lambda order: order.placed)
        self._publish_levels(book)
        if book.closing:
            self.timers[TimerKind.ENTERING, book.number] = 0

    def _enter_on(self, due: Due) -> None:
        """Journal time passes, and more orders take their places. Where some wait on, the row ends."""
        self.sequence += 1
        self._events.append(events.Ticked(self.sequence))
        numbers = sorted([due.key, *(key for kind, key in self.timers if kind == TimerKind.ENTERING)])
        for number in numbers:
            if self.entered < self.enter_limit:
                self.timers.pop((TimerKind.ENTERING, number), None)
                self._begin_closing(self.numbered[number])
                self._looked_at(self.numbered[number])
        self._end_row()

    def _end_row(self) -> None:
        if self.entered == self.enter_limit:
            self.full = self.sequence

    # The uncrossing

    def _uncross(self) -> bool:
        """Whether the auction is over; if not, the next row goes on."""
        assert self.uncrossing is not None
        book, phase = self.uncrossing
        over = self._trade_all(book) and self._end_all(book)
        self._publish_levels(book)
        if over:
            self.uncrossing = None
            book.auction = 0
            self._enter(book, phase)
        return over

    def _trade_all(self, book: Book) -> bool:
        while True:
            if not book.price_e4:
                if self.prices >= self.prices_until:
                    return False
                self._count(looked_at(book))
                book.price_e4 = indication(book).price_e4
            if not book.price_e4:
                return True
            while pair := self._pair(book):
                if self.sequence >= self.until:
                    return False
                self._meet(book, *pair)
            book.price_e4 = 0

    def _pair(self, book: Book) -> list[Order]:
        """The two orders that trade next, the older first; nothing where a side has none."""
        pair = []
        for side in (BUY, SELL):
            pair += [order for order in standing(book, side) if takes(order, book.price_e4)][:1]
        return sorted(pair, key=lambda order: order.order_id) if len(pair) == 2 else []

    def _meet(self, book: Book, older: Order, younger: Order) -> None:
        """A trade between two orders, or what the younger one wants instead."""
        quantity = min(older.open, younger.open)
        if not younger.prevents(older):
            self._trade(book, older, younger, quantity)
            return
        choice = younger.terms.self_trade_prevention
        if choice == DECREMENT:
            for order in (older, younger):
                if order.open == quantity:
                    self._end(book, order, DoneReason.SELF_TRADE)
                else:
                    self._lose(order, quantity)
                    order.quantity -= quantity
                    self._restate(order, RestateReason.SELF_TRADE)
            return
        if choice in (OLDEST, BOTH):
            self._end(book, older, DoneReason.SELF_TRADE)
        if choice in (NEWEST, BOTH):
            self._end(book, younger, DoneReason.SELF_TRADE)

    def _trade(self, book: Book, older: Order, younger: Order, quantity: int) -> None:
        instrument, price_e4 = book.instrument, book.price_e4
        self.sequence = sequence = self.sequence + 1
        fees = [fee(price_e4 * quantity, min(instrument.maker_fee_e6, order.held_fee_e6)) for order in (older, younger)]
        self._events.append(
            events.Traded(
                sequence, instrument.symbol, price_e4, quantity, older.order_id, younger.order_id, older.account,
                younger.account, younger.side, *fees, older.open - quantity, younger.open - quantity, auction=True,
            )
        )  # fmt: skip
        self._show(book, events.PublicTrade(sequence, price_e4, quantity, younger.side, auction=True))
        book.last_e4 = price_e4
        for order in (older, younger):
            if order.open == quantity:
                self._leave(book, order)
                order.open = 0
                self._done(order, DoneReason.FILLED)
            else:
                self._lose(order, quantity)

    def _lose(self, order: Order, quantity: int) -> None:
        """An order keeps its place with less."""
        before = order.displayed
        order.open -= quantity
        order.shrink()
        if order.displayed != before and order not in self.numbered[order.book].front:
            self._touch(order)

    def _end_all(self, book: Book) -> bool:
        """What the auction left of orders that are for it only; whether all are done."""
        own = [order for order in self.orders.values() if order.book == book.number and order.for_auction]
        for order in sorted(own, key=lambda order: order.order_id):
            if order in book.closing:
                continue
            if self.sequence >= self.until:
                return False
            if order.type == MARKET_TO_LIMIT and order.open < order.quantity:
                self._leave(book, order)
                order.for_auction = False
                price_e4 = min(order.price_e4, book.last_e4) if order.side == BUY else book.last_e4
                self._reprice(book, order, price_e4, RestateReason.MARKET_TO_LIMIT)
                self._rest(book, order)
            else:
                self._end(book, order, DoneReason.AUCTION_OVER)
        return True

    def _end(self, book: Book, order: Order, reason: DoneReason) -> None:
        self._leave(book, order)
        self._done(order, reason)

    def _enter(self, book: Book, phase: Phase, auction: int = 0, *, within: bool = False) -> None:
        """The book is in another phase, perhaps within a command; an auction is its own until it is uncrossed, or the date closes."""
        for timer in (TimerKind.AUCTION_ENDS, TimerKind.LIMIT_STATE_ENDS):
            self.timers.pop((timer, book.number), None)
        if not within:
            self.passed = 0, 0
        book.phase = phase
        book.auction = auction or book.auction
        if phase != Phase.AUCTION:
            book.shown, book.next_us = NOTHING, 0
            self.timers.pop((TimerKind.INDICATION, book.number), None)
        self.sequence += 1
        changed = events.PhaseChanged(self.sequence, book.instrument.symbol, phase, auction)
        self._events.append(changed)
        self._show(book, changed)
        if auction == AuctionKind.CLOSING:
            self._begin_closing(book)
        book.limits, book.limit_side, book.prices = None, 0, []
        if (limits := fresh(book)) is not None:
            self._refer(book, limits)
        if not within:
            self._looked_at(book)

    def _interrupt(self, book: Book) -> None:
        """Continuous trading gives way to an auction, which ends after its time."""
        self._enter(book, Phase.AUCTION, AuctionKind.VOLATILITY, within=True)
        self._await_indication(book)
        self.timers[TimerKind.AUCTION_ENDS, book.number] = self.now_us + book.instrument.volatility_auction_us

    def _pause(self, book: Book) -> None:
        """A limit state lasted: orders are collected for a while."""
        self._enter(book, Phase.AUCTION, AuctionKind.RESUMPTION)
        self.timers[TimerKind.AUCTION_ENDS, book.number] = self.now_us + book.instrument.limit_pause_us

    def _count(self, prices: int) -> None:
        """An auction looked at so many prices. Behind too many the row ends."""
        self.prices += prices
        if self.prices >= self.prices_limit:
            self.full = self.sequence

    # What everyone sees of it

    def _looked_at(self, book: Book) -> None:
        """After whatever happened to a book."""
        if book.phase == Phase.AUCTION:
            self._await_indication(book)
        if not self._stalled(book):
            self._settle(book)
            self._band(book)

    def _await_indication(self, book: Book) -> None:
        """Something happened in an auction: what it would do is told after a while, unless that is awaited already."""
        due_us = max(self.now_us + INDICATION_INTERVAL_US, book.next_us)
        self.timers.setdefault((TimerKind.INDICATION, book.number), due_us)

    def _indicate(self, due: Due) -> None:
        """Shows what an auction would do, where that changed."""
        if self.sequence < self.first:
            self.sequence += 1
            self._events.append(events.Ticked(self.sequence))
        book = self.numbered[due.key]
        now, prices = indication(book), looked_at(book)
        self._count(prices)
        book.next_us = self.now_us + INDICATION_INTERVAL_US + prices * INDICATION_PRICE_US
        if now != book.shown:
            book.shown = now
            self._show(book, events.IndicativeChanged(self.sequence, *now))
