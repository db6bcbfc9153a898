"""One shard: batches of commands in, numbered events out. The same commands at the same times give the same events.

The order of checks for an order command: its date, its identity, the table's limit, its deadline; what passes these
writes an event and uses up its id.
"""

from collections.abc import Sequence
from typing import NamedTuple

from chassis.units import fee, order_id, sequence_of, shard_of
from svc_match.core import events
from svc_match.core.commands import (
    AddInstrument,
    Cancel,
    CloseDate,
    Command,
    Control,
    OpenDate,
    OrderType,
    Place,
    Replace,
    SetPhase,
    Side,
    Tick,
    TimeInForce,
)
from svc_match.core.events import Accepted, Done, DoneReason, Kind, Late, Public, Reason, Refused, Rejected, Repeat
from svc_match.core.identity import IDENTITY_LIMIT, IdentityTable
from svc_match.core.instrument import Instrument, Phase, wrong_field
from tests.svc_match.oracle.book import NO_LIMIT, Book, Budget, Fill
from tests.svc_match.oracle.orders import OpenOrders, Order
from tests.svc_match.oracle.rules import is_date, wrong_extra, wrong_phase, wrong_place, wrong_price, wrong_quantity

SEMANTICS = 1
ROW_EVENTS_LIMIT = 16_384
CLOSE_ORDERS_LIMIT = 4_096
INSTRUMENT_LIMIT = 4_096

BUY = Side.BUY
LIMIT, MARKET = OrderType.LIMIT, OrderType.MARKET
DAY, FOK, IOC = TimeInForce.DAY, TimeInForce.FOK, TimeInForce.IOC
OPEN = Phase.OPEN
_new = tuple.__new__


class Applied(NamedTuple):
    """What a batch did. `public` has a list for each symbol with public events, `identities` the table's new records.
    `trading_date` was open before or after it.
    """

    first_sequence: int
    last_sequence: int
    trading_date: int
    events: list[events.Event]
    public: dict[str, list[Public]]
    results: list[events.Result]
    identities: bytes


class Engine:
    """The state of a shard. `sequence` is its last event's; `trading_date` is 0 when none is open."""

    def __init__(self, shard: int) -> None:
        self.shard = shard
        self.sequence = 0
        self.trading_date = 0
        self.last_date = 0
        self.date_opened_sequence = 0
        self.books: dict[str, Book] = {}
        self.numbered: list[Book] = []
        self.orders = OpenOrders()
        self.identities = IdentityTable()
        self._events: list[events.Event] = []
        self._public: dict[str, list[Public]] = {}
        self._touched: dict[tuple[int, int], None] = {}

    def apply(
        self, commands: Sequence[Command | Refused], time_us: int, events_limit: int = ROW_EVENTS_LIMIT
    ) -> Applied:
        """Applies commands until `events_limit` is reached; one result each for those that were applied. A date opens
        at the beginning of a row, so a row has identities of one date.
        """
        first, date_before, known = self.sequence + 1, self.trading_date, len(self.identities.records)
        self._events, self._public = [], {}
        results: list[events.Result] = []
        for command in commands:
            if len(self._events) >= events_limit:
                break
            if isinstance(command, Place | Cancel | Replace):
                results.append(self._order_command(command, time_us))
            elif isinstance(command, Refused):
                results.append(command)
            elif isinstance(command, OpenDate) and self._events:
                break
            else:
                results.append(self._control(command))
                known = min(known, len(self.identities.records))
        self.orders.flush()
        identities = bytes(memoryview(self.identities.records)[known:])
        trading_date = date_before or self.trading_date
        return Applied(first, self.sequence, trading_date, self._events, self._public, results, identities)

    # Order commands

    def _order_command(self, command: Place | Cancel | Replace, time_us: int) -> events.Result:
        identities = self.identities
        if command.trading_date != self.last_date:
            return events.EarlierDate(command.trading_date, command.key, command.digest)
        found = identities.find(command.key)
        if found is not None:
            if found[0] == command.digest:
                return Repeat(found[1])
            return Refused(Reason.CLIENT_ORDER_ID_REUSED, "client_order_id", command.client_order_id)
        if not self.trading_date:
            return Refused(Reason.TRADING_DATE_WRONG, "trading_date", str(command.trading_date))
        if len(identities) >= IDENTITY_LIMIT:
            return Refused(Reason.IDENTITY_LIMIT, "client_order_id", command.client_order_id)
        if command.deadline_us and time_us > command.deadline_us:
            return Late()
        result: Accepted | Rejected | events.Replaced | Done
        if isinstance(command, Place):
            result = self._place(command)
        elif isinstance(command, Cancel):
            result = self._cancel(command)
        else:
            result = self._replace(command)
        identities.add(command.key, command.digest, result.sequence, type(result) is Accepted, command.account)
        return result

    def _place(self, command: Place) -> Accepted | Rejected:
        book = self.books.get(command.symbol)
        wrong = wrong_place(command, book)
        if wrong is not None:
            return self._reject(command, Kind.PLACE, order_id(self.shard, self.sequence + 1), command.symbol, wrong)
        assert book is not None
        (account, client_order_id, *_, hold_id, _, held_price_e4, held_fee_e6) = command[:10]
        symbol, side, kind, time_in_force, price_e4, quantity, amount_e4 = command[10:]
        if kind == MARKET and time_in_force != FOK:
            time_in_force = IOC
        self.sequence = sequence = self.sequence + 1
        identity = order_id(self.shard, sequence)
        accepted: Accepted = _new(
            Accepted,
            (
                sequence, identity, account, client_order_id, symbol, side, kind, time_in_force,
                price_e4, quantity, amount_e4, hold_id, held_price_e4, held_fee_e6,
            ),
        )  # fmt: skip
        self._events.append(accepted)
        order = Order(
            identity, account, book.number, side, price_e4, quantity, quantity, held_price_e4, held_fee_e6, sequence
        )
        limit_key = book.limit_key(side, price_e4) if price_e4 else NO_LIMIT
        if time_in_force != FOK or book.can_fill(side, quantity, limit_key, _budget(book, order, amount_e4)):
            self._trade(book, order, limit_key, _budget(book, order, amount_e4))
        if order.open:
            if time_in_force == DAY:
                self._rest(book, order)
            else:
                self._done(order, symbol, DoneReason.IMMEDIATE)
        if self._touched:
            self._publish_levels(book)
        return accepted

    def _cancel(self, command: Cancel) -> Done | Rejected:
        order = self._find(command)
        if isinstance(order, Refused):
            return self._reject(command, Kind.CANCEL, self._named(command), command.symbol, order)
        book = self.numbered[order.book]
        self._leave(book, order)
        done = self._done(order, book.instrument.symbol, DoneReason.CANCELLED, command.client_order_id)
        self._publish_levels(book)
        return done

    def _replace(self, command: Replace) -> events.Replaced | Rejected:
        order = self._find(command)
        if isinstance(order, Refused):
            return self._reject(command, Kind.REPLACE, self._named(command), command.symbol, order)
        book = self.numbered[order.book]
        instrument, executed = book.instrument, order.quantity - order.open
        open_quantity, price_e4 = command.quantity - executed, command.price_e4
        held_fee_e6 = command.held_fee_e6 if command.hold_id else order.held_fee_e6
        wrong = wrong_phase(book) or wrong_price(price_e4, instrument) or wrong_quantity(command.quantity, instrument)
        if wrong is None and open_quantity <= 0:
            wrong = Refused(Reason.QUANTITY_BELOW_EXECUTED, "quantity", str(command.quantity))
        if wrong is None:
            wrong = wrong_extra(order, command, open_quantity, held_fee_e6)
        if wrong is not None:
            return self._reject(command, Kind.REPLACE, order.order_id, instrument.symbol, wrong)
        self.sequence = sequence = self.sequence + 1
        held_price_e4 = price_e4 if order.side == BUY else 0
        replaced = events.Replaced(
            sequence, order.order_id, order.account, command.client_order_id, instrument.symbol, price_e4,
            command.quantity, open_quantity, command.hold_id, held_price_e4, held_fee_e6,
        )  # fmt: skip
        self._events.append(replaced)
        keeps = price_e4 == order.price_e4 and open_quantity < order.open
        if keeps:
            book.sides[order.side].levels[book.sides[order.side].sign * price_e4].quantity -= order.open - open_quantity
            self._touch(order)
        else:
            self._leave(book, order)
        order.quantity, order.open, order.price_e4 = command.quantity, open_quantity, price_e4
        order.held_price_e4, order.held_fee_e6 = held_price_e4, held_fee_e6
        if keeps:
            self.orders.changed(order)
        else:
            order.priority = sequence
            self._trade(book, order, book.limit_key(order.side, price_e4))
            if order.open:
                self._rest(book, order)
        self._publish_levels(book)
        return replaced

    def _find(self, command: Cancel | Replace) -> Order | Refused:
        identity = self._named(command)
        order = self.orders.by_id.get(identity)
        if order is not None and order.account == command.account:
            if not command.symbol or self.numbered[order.book].instrument.symbol == command.symbol:
                return order
        elif order is None and self._finished(identity, command.account):
            return Refused(Reason.ORDER_FINISHED, "order_id", str(identity))
        if command.order_id:
            return Refused(Reason.ORDER_UNKNOWN, "order_id", str(command.order_id))
        return Refused(Reason.ORDER_UNKNOWN, "original_client_order_id", command.original_client_order_id)

    def _finished(self, identity: int, account: str) -> bool:
        """Whether the order, which is not open, was accepted for the account on this date."""
        return shard_of(identity) == self.shard and self.identities.accepted(sequence_of(identity), account)

    def _named(self, command: Cancel | Replace) -> int:
        """The order that the command names, by what the journal knows; 0 if it knows none."""
        if command.order_id:
            return command.order_id
        found = self.identities.find(command.original_key)
        return order_id(self.shard, found[1]) if found is not None and found[2] else 0

    def _reject(
        self, command: Place | Cancel | Replace, kind: Kind, identity: int, symbol: str, wrong: Refused
    ) -> Rejected:
        self.sequence += 1
        account, client_order_id, hold_id = command.account, command.client_order_id, command.hold_id
        rejected = Rejected(self.sequence, kind, identity, account, client_order_id, symbol, hold_id, *wrong)
        self._events.append(rejected)
        return rejected

    # What happens to an order

    def _trade(self, book: Book, taker: Order, limit_key: int, budget: Budget | None = None) -> None:
        fills = book.take(taker.side, taker.open, limit_key, budget)
        for fill in fills:
            self._fill(book, taker, fill)

    def _fill(self, book: Book, taker: Order, fill: Fill) -> None:
        maker, price_e4, quantity, maker_open = fill
        instrument, symbol, side = book.instrument, book.instrument.symbol, taker.side
        self.sequence = sequence = self.sequence + 1
        taker.open -= quantity
        amount_e4 = price_e4 * quantity
        traded = (
            sequence, symbol, price_e4, quantity, maker.order_id, taker.order_id, maker.account, taker.account, side,
            fee(amount_e4, min(instrument.maker_fee_e6, maker.held_fee_e6)),
            fee(amount_e4, min(instrument.taker_fee_e6, taker.held_fee_e6)),
            maker_open, taker.open,
        )  # fmt: skip
        self._events.append(_new(events.Traded, traded))
        self._show(book, events.PublicTrade(sequence, price_e4, quantity, side))
        self._touched[maker.side, price_e4] = None
        if maker_open:
            self.orders.changed(maker)
        else:
            self.orders.remove(maker)
            self._done(maker, symbol, DoneReason.FILLED)
        if not taker.open:
            self._done(taker, symbol, DoneReason.FILLED)

    def _done(self, order: Order, symbol: str, reason: DoneReason, client_order_id: str = "") -> Done:
        self.sequence = sequence = self.sequence + 1
        executed = order.quantity - order.open
        done: Done = _new(
            Done, (sequence, order.order_id, order.account, reason, client_order_id, symbol, executed, order.open)
        )
        self._events.append(done)
        return done

    def _rest(self, book: Book, order: Order) -> None:
        book.sides[order.side].add(order)
        self.orders.add(order)
        self._touch(order)

    def _leave(self, book: Book, order: Order) -> None:
        book.sides[order.side].remove(order)
        self.orders.remove(order)
        self._touch(order)

    def _touch(self, order: Order) -> None:
        self._touched[order.side, order.price_e4] = None

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
            quantity, count = (level.quantity, len(level.orders)) if level is not None else (0, 0)
            self._show(book, _new(events.LevelChanged, (self.sequence, side, price_e4, quantity, count)))
        self._touched = {}

    # Control commands

    def _control(self, command: Control) -> events.Result:
        if isinstance(command, Tick):
            self.sequence += 1
            self._events.append(events.Ticked(self.sequence))
            return events.Stands(self.sequence)
        if isinstance(command, OpenDate):
            return self._open_date(command.trading_date)
        if isinstance(command, CloseDate):
            return self._close_date(command.trading_date)
        if isinstance(command, AddInstrument):
            return self._add_instrument(command.instrument)
        return self._set_phase(command)

    def _open_date(self, trading_date: int) -> events.Result:
        refused = Refused(Reason.TRADING_DATE_INVALID, "trading_date", str(trading_date))
        if not is_date(trading_date):
            return refused
        if trading_date == self.trading_date:
            return events.Stands(self.sequence)
        if self.trading_date:
            return refused._replace(reason=Reason.TRADING_DATE_OPEN)
        if trading_date <= self.last_date:
            return refused._replace(reason=Reason.TRADING_DATE_PAST)
        self.sequence += 1
        self.trading_date = self.last_date = trading_date
        self.date_opened_sequence = self.sequence
        self.identities = IdentityTable()
        self.orders.forget_accounts()
        return self._announce(events.DateOpened(self.sequence, trading_date))

    def _close_date(self, trading_date: int) -> events.Result:
        if not self.trading_date and trading_date == self.last_date and trading_date:
            return events.Stands(self.sequence)
        if trading_date != self.trading_date or not trading_date:
            return Refused(Reason.TRADING_DATE_NOT_OPEN, "trading_date", str(trading_date))
        for book in self.numbered:
            self._change_phase(book, Phase.CLOSED)
        left = CLOSE_ORDERS_LIMIT
        for book in self.numbered:
            for side in book.sides.values():
                while left and side.keys:
                    order = next(iter(side.levels[side.keys[-1]].orders.values()))
                    self._leave(book, order)
                    self._done(order, book.instrument.symbol, DoneReason.DATE_CLOSED)
                    left -= 1
            self._publish_levels(book)
        if self.orders.by_id:
            return events.Stands(self.sequence, more=True)
        self.sequence += 1
        self.trading_date = 0
        return self._announce(events.DateClosed(self.sequence, trading_date))

    def _add_instrument(self, instrument: Instrument) -> events.Result:
        wrong = wrong_field(instrument, self.shard)
        if wrong:
            return Refused(Reason.INSTRUMENT_INVALID, wrong, str(getattr(instrument, wrong)))
        there = self.books.get(instrument.symbol)
        if there is not None:
            if there.instrument == instrument:
                return events.Stands(self.sequence)
            return Refused(Reason.INSTRUMENT_EXISTS, "symbol", instrument.symbol)
        if len(self.books) >= INSTRUMENT_LIMIT:
            return Refused(Reason.INSTRUMENT_LIMIT, "symbol", instrument.symbol)
        self.sequence += 1
        book = Book(len(self.numbered), instrument)
        self.books[instrument.symbol] = book
        self.numbered.append(book)
        added = events.InstrumentAdded(self.sequence, instrument)
        self._events.append(added)
        self._show(book, added)
        return events.Stands(self.sequence)

    def _set_phase(self, command: SetPhase) -> events.Result:
        if not self.trading_date and command.phase != Phase.CLOSED:
            return Refused(Reason.TRADING_DATE_NOT_OPEN, "phase", command.phase.name)
        if command.symbol and command.symbol not in self.books:
            return Refused(Reason.SYMBOL_UNKNOWN, "symbol", command.symbol)
        for book in [self.books[command.symbol]] if command.symbol else self.numbered:
            self._change_phase(book, command.phase)
        return events.Stands(self.sequence)

    def _change_phase(self, book: Book, phase: Phase) -> None:
        if book.phase != phase:
            book.phase = phase
            self.sequence += 1
            changed = events.PhaseChanged(self.sequence, book.instrument.symbol, phase)
            self._events.append(changed)
            self._show(book, changed)

    def _announce(self, event: events.DateOpened | events.DateClosed) -> events.Result:
        self._events.append(event)
        for book in self.numbered:
            self._show(book, event)
        return events.Stands(self.sequence)


def _budget(book: Book, order: Order, amount_e4: int) -> Budget | None:
    if not amount_e4:
        return None
    return Budget(amount_e4, min(book.instrument.taker_fee_e6, order.held_fee_e6), book.instrument.lot_size)
