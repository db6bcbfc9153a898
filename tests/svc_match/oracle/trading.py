"""What happens to an order once it arrives, and the events that tell it."""

from chassis.units import fee
from svc_match.core import events
from svc_match.core.commands import (
    OrderType,
    Side,
    TimeInForce,
)
from svc_match.core.events import (
    Done,
    DoneReason,
    Public,
    RestateReason,
)
from svc_match.core.instrument import Phase
from svc_match.core.layout import AUCTION_PRICES_LIMIT, COMMAND_EVENTS_LIMIT, HIDDEN_ORDERS_LIMIT, ORDER_FILLS_LIMIT
from svc_match.core.timers import TimerKind
from tests.svc_match.oracle.bands import Limits, fresh, limit_side, renewed
from tests.svc_match.oracle.book import Book, BookSide, Budget, Fill, Outcome
from tests.svc_match.oracle.orders import Order
from tests.svc_match.oracle.rules import called_price

BUY = Side.BUY
LIMIT, MARKET, MARKET_TO_LIMIT = OrderType.LIMIT, OrderType.MARKET, OrderType.MARKET_TO_LIMIT
STOP, STOP_LIMIT = OrderType.STOP, OrderType.STOP_LIMIT
DAY, FOK, IOC = TimeInForce.DAY, TimeInForce.FOK, TimeInForce.IOC
OPEN = Phase.OPEN
_new = tuple.__new__


class Trading:
    """The books and open orders of a shard, and the events since the batch began."""

    def __init__(self) -> None:
        self.sequence = 0
        self.full = 0  # behind this sequence nothing begins in the row
        self.until = 0  # what goes on behind this sequence does so with the next row
        self.command_limit = COMMAND_EVENTS_LIMIT  # so many events behind the first of what is done
        self.cascades: dict[int, list[Order]] = {}  # of books, triggered stops that the next row goes on with
        self.now_us = 0
        self.fills_limit = ORDER_FILLS_LIMIT
        self.hidden_limit = HIDDEN_ORDERS_LIMIT
        self.prices_limit = AUCTION_PRICES_LIMIT
        self.prices = 0  # that the row's auctions looked at
        self.prices_until = 0  # what looks at more goes on with the next row
        self.quotes_turns = 0  # how often the sides of a mass quote may still trade
        self.numbered: list[Book] = []
        self.orders: dict[int, Order] = {}
        self._events: list[events.Event] = []
        self._public: dict[str, list[Public]] = {}
        self._touched: dict[tuple[int, int], None] = {}
        self.timers: dict[tuple[int, int], int] = {}  # when each kind and key is due

    def _arrive(
        self, book: Book, order: Order, kind: int, time_in_force: int, amount_e4: int = 0, minimum: int = 0
    ) -> None:
        """An order trades what it can at once; the rest stands, or is done."""
        asks_e4 = book.protected(order.side, order.price_e4) if kind == MARKET else order.price_e4
        bound_e4 = book.banded(order.side, asks_e4)
        other, limit_key = book.opposite(order.side), book.limit_key(order.side, bound_e4)
        wall_key = book.wall_key(order.side, limit_key)
        meets = bool(other.keys) and other.keys[-1] >= wall_key
        if kind == MARKET_TO_LIMIT and meets:
            limit_key = wall_key = other.keys[-1]
        budget = _budget(book, order, amount_e4)
        order.turns = self.quotes_turns if order.quoted else self.fills_limit
        if minimum or time_in_force == FOK:
            there = other.would_trade(order, wall_key, budget) if meets else 0
            if there < minimum:
                self._done(order, DoneReason.MINIMUM_QUANTITY)
                return
            meets = meets and (time_in_force != FOK or there == order.open)
        if meets:
            for outcome in other.meet(order, wall_key, budget):
                self._tell(book, order, outcome)
            if order.quoted:
                self.quotes_turns = order.turns
        if meets and order.open and not order.ended and not order.turns:
            self._done(order, DoneReason.FILLS_LIMIT)
        goes_on = order.open and not order.ended and time_in_force != FOK
        behind = goes_on and _goes_on(book, other, (limit_key, wall_key), budget)
        if order.ended:
            pass
        elif not order.open:
            self._done(order, DoneReason.FILLED)
        elif time_in_force == DAY and (kind == LIMIT or meets):
            if kind == MARKET_TO_LIMIT:
                self._reprice(book, order, other.sign * limit_key, RestateReason.MARKET_TO_LIMIT)
            elif bound_e4 != asks_e4:
                self._reprice(book, order, bound_e4, RestateReason.PRICE_BAND)
            self._rest(book, order)
        else:
            self._done(order, DoneReason.IMMEDIATE)
        if behind:
            self._interrupt(book)
        self._publish_levels(book)
        self._pull_quotes()

    def _interrupt(self, book: Book) -> None:
        """Continuous trading gives way to an auction."""
        raise NotImplementedError

    def _quote_traded(self, order: Order, shares: int) -> None:
        """A quote that stood traded outside an auction."""
        raise NotImplementedError

    def _pull_quotes(self) -> None:
        """Ends the quotes of makers whose limit is reached."""
        raise NotImplementedError

    def _tell(self, book: Book, taker: Order, outcome: Outcome) -> None:
        """The events of a trade, or of what happened instead."""
        if isinstance(outcome, Fill):
            self._fill(book, taker, outcome)
            return
        order = outcome.order
        if outcome.displayed:
            self._touch(order)
        if order.ended:
            self._done(order, DoneReason.SELF_TRADE)
        else:
            self._restate(order, RestateReason.SELF_TRADE)

    def _fill(self, book: Book, taker: Order, fill: Fill) -> None:
        maker, price_e4, quantity, displayed = fill
        instrument, symbol, side = book.instrument, book.instrument.symbol, taker.side
        self.sequence = sequence = self.sequence + 1
        amount_e4 = price_e4 * quantity
        traded = (
            sequence, symbol, price_e4, quantity, maker.order_id, taker.order_id, maker.account, taker.account, side,
            fee(amount_e4, min(instrument.maker_fee_e6, maker.held_fee_e6)),
            fee(amount_e4, min(instrument.taker_fee_e6, taker.held_fee_e6)),
            maker.open, taker.open, False,
        )  # fmt: skip
        self._events.append(_new(events.Traded, traded))
        self._show(book, events.PublicTrade(sequence, price_e4, quantity, side))
        book.last_e4 = price_e4
        if book.limits is not None:
            book.prices.append((self.now_us, price_e4))
        if displayed:
            self._touch(maker)
        if maker.quoted:
            self._quote_traded(maker, quantity)
        if not maker.open:
            self._done(maker, DoneReason.FILLED)

    def _done(self, order: Order, reason: DoneReason, client_order_id: str = "") -> Done:
        self.sequence = sequence = self.sequence + 1
        symbol, executed = self.numbered[order.book].instrument.symbol, order.quantity - order.open
        done = Done(sequence, order.order_id, order.account, reason, client_order_id, symbol, executed, order.open)
        self._events.append(done)
        order.ended = True
        self.orders.pop(order.order_id, None)
        if order.is_pegged:
            self.numbered[order.book].pegs.remove(order)
        if order.pairs and order in self.numbered[order.book].stops:
            self.numbered[order.book].stops.remove(order)
        return done

    def _reprice(self, book: Book, order: Order, price_e4: int, reason: RestateReason) -> None:
        order.price_e4 = price_e4
        if order.side == BUY:
            order.held_price_e4 = order.bound_e4(price_e4)
        self._restate(order, reason)

    def _restate(self, order: Order, reason: RestateReason) -> None:
        self.sequence = sequence = self.sequence + 1
        symbol = self.numbered[order.book].instrument.symbol
        held_price_e4 = order.held_price_e4 if order.side == BUY else 0
        self._events.append(
            events.Restated(
                sequence, order.order_id, order.account, reason, symbol, order.price_e4, order.quantity, order.open,
                held_price_e4, order.held_fee_e6,
            )
        )  # fmt: skip

    def _rest(self, book: Book, order: Order) -> None:
        book.sides[order.side].add(order)
        self.orders[order.order_id] = order
        if order.pairs and order not in book.stops:
            book.stops.append(order)
        if order.displayed:
            self._touch(order)

    def _leave(self, book: Book, order: Order) -> None:
        if order.is_pegged and not order.price_e4:
            return
        for outside in (book.stops, book.front, book.closing):
            if order in outside and not order.pairs:
                outside.remove(order)
                return
        if order.displayed:
            self._touch(order)
        book.sides[order.side].remove(order)

    def _touch(self, order: Order) -> None:
        self._touched[order.side, order.price_e4] = None

    def _settle(self, book: Book) -> None:
        """Executes the stops whose condition holds, moves what is pegged, and so on until nothing is to be done."""
        self._trigger(book)
        while not self._stalled(book) and self._follow(book):
            self._trigger(book)

    def _stalled(self, book: Book) -> bool:
        """Whether the row has ended, and the next one looks at the book again before all else."""
        return (TimerKind.STOPS, book.number) in self.timers

    def _stall(self, book: Book, triggered: list[Order]) -> None:
        self.timers[TimerKind.STOPS, book.number] = 0
        self.full = self.sequence
        if triggered:
            self.cascades[book.number] = triggered

    def _band(self, book: Book) -> None:
        """The price bands follow the trades, what is pegged follows them; then the limit state is looked at."""
        if book.phase == OPEN and book.instrument.limit_band_bp and not self._stalled(book):
            found = renewed(book, self.now_us) if book.limits is not None else fresh(book) if book.last_e4 else None
            if found is not None:
                self._refer(book, found)
                self._settle(book)
            if not self._stalled(book) and book.limits is not None and limit_side(book) != book.limit_side:
                self._tell_bands(book, limit_side(book))

    def _refer(self, book: Book, limits: Limits) -> None:
        book.limits, book.referred_us = limits, self.now_us
        self._tell_bands(book, 0)

    def _tell_bands(self, book: Book, side: int) -> None:
        """A limit state that lasts ends trading for a while."""
        book.limit_side = side
        self.sequence += 1
        changed = events.PriceBandsChanged(self.sequence, book.instrument.symbol, *book.limits, side)
        self._events.append(changed)
        self._show(book, changed)
        self.timers.pop((TimerKind.LIMIT_STATE_ENDS, book.number), None)
        if side:
            self.timers[TimerKind.LIMIT_STATE_ENDS, book.number] = self.now_us + book.instrument.limit_state_us

    def _follow(self, book: Book) -> bool:
        """Moves the pegged orders to where the best prices call them, the oldest first; whether any moved."""
        is_open, moved = book.phase == OPEN, False
        bid_e4, ask_e4 = (book.followed(side) if is_open else 0 for side in (BUY, Side.SELL))
        for order in list(book.pegs):
            if (book.phase == OPEN) != is_open:
                return True  # an auction has begun
            price_e4 = called_price(order, bid_e4, ask_e4, book)
            if not order.ended and price_e4 != order.price_e4:
                if self.sequence >= self.until:
                    self._stall(book, [])
                    return False
                self._leave(book, order)
                order.price_e4, moved = price_e4, True
                self._restate(order, RestateReason.PEGGED)
                if price_e4:
                    self._arrive(book, order, LIMIT, DAY)
                self._publish_levels(book)
        return moved

    def _trigger(self, book: Book) -> None:
        """Executes the stops whose condition holds, then those whose condition holds then, until none does."""
        begun = self.cascades.pop(book.number, [])
        while book.phase == OPEN and (triggered := begun or ([] if self._stalled(book) else book.triggered())):
            begun = []
            for number, order in enumerate(triggered):
                if book.phase != OPEN:
                    return
                if order not in book.stops:
                    continue  # it traded at its limit with one before it
                if self.sequence >= self.until:
                    self._stall(book, triggered[number:])
                    return
                book.stops.remove(order)
                if order.pairs:
                    self._withdraw(book, order)
                self._restate(order, RestateReason.TRIGGERED)
                self._arrive(book, order, order.becomes, DAY if order.becomes == LIMIT else IOC)

    def _withdraw(self, book: Book, order: Order) -> None:
        """An order whose stop price is reached stands no more: it is a stop."""
        self._leave(book, order)
        self._publish_levels(book)
        order.price_e4 = order.terms.stop_limit_price_e4
        order.held_price_e4 = order.price_e4 if order.side == BUY else 0
        order.type = STOP_LIMIT if order.price_e4 else STOP

    # Public events

    def _show(self, book: Book, event: Public) -> None:
        book.symbol_sequence += 1
        shown = self._public.get(book.instrument.symbol)
        if shown is None:
            shown = self._public[book.instrument.symbol] = []
        shown.append(event)

    def _publish_levels(self, book: Book) -> None:
        """Shows each level that the command touched once, as it is now."""
        for side, price_e4 in self._touched:
            place = book.sides[side]
            level = place.levels.get(place.sign * price_e4)
            quantity, count = (level.quantity, len(level.displayed)) if level is not None else (0, 0)
            self._show(book, _new(events.LevelChanged, (self.sequence, side, price_e4, quantity, count)))
        self._touched = {}


def _goes_on(book: Book, other: BookSide, keys: tuple[int, int], budget: Budget | None) -> bool:
    """Whether what arrived would go on with what stands behind the wall, within its limit and what it may spend."""
    limit_key, wall_key = keys
    if not other.keys or not limit_key <= other.keys[-1] < wall_key:
        return False
    lot_size = book.instrument.lot_size
    return budget is None or budget.affordable(other.sign * other.keys[-1], lot_size) == lot_size


def _budget(book: Book, order: Order, amount_e4: int) -> Budget | None:
    if not amount_e4:
        return None
    return Budget(amount_e4, min(book.instrument.taker_fee_e6, order.held_fee_e6), book.instrument.lot_size)
