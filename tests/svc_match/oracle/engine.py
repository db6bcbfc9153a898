"""One shard: batches of commands in, numbered events out. The same commands at the same times give the same events.

The order of checks for an order command: its date, its identity, the table's limit, its deadline; what passes these
writes an event and uses up its id.
"""

from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import NamedTuple

from chassis.units import is_date, order_id, sequence_of, shard_of
from svc_match.core import events
from svc_match.core.book import PHASE_BOOKS_LIMIT
from svc_match.core.commands import (
    AddInstrument,
    BustTrade,
    Cancel,
    ChangeInstrument,
    CloseDate,
    Command,
    Control,
    EndOrders,
    KillParticipant,
    MassCancel,
    MassQuote,
    OpenDate,
    OrderType,
    Place,
    ReleaseParticipant,
    RenewLease,
    Replace,
    SetCalendar,
    SetListing,
    SetOrderRate,
    SetPhase,
    Side,
    Step,
    StepKind,
    StopTrigger,
    Tick,
    TimeInForce,
)
from svc_match.core.events import (
    Accepted,
    Done,
    DoneReason,
    Kind,
    Late,
    Public,
    Reason,
    Refused,
    Rejected,
    Repeat,
    RestateReason,
)
from svc_match.core.identity import IDENTITY_LIMIT
from svc_match.core.instrument import Instrument, Listing, Phase, bound_by_orders, told, wrong_field
from svc_match.core.layout import CLOSE_LOOKS_LIMIT
from svc_match.core.leases import LEASES_LIMIT, PARTICIPANT_LEASES_LIMIT
from svc_match.core.opening import OPEN_ACCOUNTS_LIMIT, OPEN_ORDERS_LIMIT
from svc_match.core.restrictions import PARTICIPANTS_LIMIT
from svc_match.core.schedule import TOLERANCE_US, wrong_steps
from svc_match.core.timers import Due, TimerKind
from tests.svc_match.oracle.book import Book
from tests.svc_match.oracle.identities import Identities
from tests.svc_match.oracle.orders import Order, participant_of
from tests.svc_match.oracle.quotes import Quotes
from tests.svc_match.oracle.rules import (
    not_traded,
    posted_price,
    wrong_hidden,
    wrong_peg,
    wrong_place,
    wrong_replace,
    wrong_trailing,
)

ROW_EVENTS_LIMIT = 8_192
CLOSE_ORDERS_LIMIT = 4_096
INSTRUMENT_LIMIT = 4_096
BUST_LIMIT = 4_096

BUY = Side.BUY
LIMIT, MARKET, MARKET_TO_LIMIT, STOP, STOP_LIMIT, ONE_CANCELS_OTHER, PEGGED = OrderType
STOPS = (STOP, STOP_LIMIT)
UNPRICED = (STOP, MARKET, MARKET_TO_LIMIT)  # sells that wait outside the book have no price
DAY, IOC, GOOD_FOR_AUCTION = TimeInForce.DAY, TimeInForce.IOC, TimeInForce.GOOD_FOR_AUCTION
GTC, GTD = TimeInForce.GTC, TimeInForce.GTD


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


class Engine(Quotes):
    """The state of a shard. `sequence` is its last event's; `trading_date` is 0 when none is open."""

    def __init__(self, shard: int) -> None:
        super().__init__()
        self.shard = shard
        self.trading_date = 0
        self.last_date = 0
        self.date_opened_sequence = 0
        self.identities = Identities()
        self.timed: dict[int, Callable[[Due], object]] = {
            TimerKind.OPENING: lambda _due: self._open(),
            TimerKind.PULLS: lambda _due: self._pull_on(),
            TimerKind.UNCROSSING: lambda _due: self._go_on(),
            TimerKind.STOPS: self._look_again,
            TimerKind.ENTERING: self._enter_on,
            TimerKind.EXPIRY: self._expire,
            TimerKind.LEASE: self._lease_over,
            TimerKind.SCHEDULE: self._step,
            TimerKind.INDICATION: self._indicate,
            TimerKind.AUCTION_ENDS: lambda due: self._change_phase(self.numbered[due.key], Phase.OPEN, 0),
            TimerKind.LIMIT_STATE_ENDS: lambda due: self._pause(self.numbered[due.key]),
        }
        self.ending: list[Order] = []  # what a command's limit left; it ends before any other command
        self._ending_reason = DoneReason.MASS_CANCELLED
        self.killed: set[str] = set()
        self._leases = 0
        self.rates: dict[str, tuple[int, int]] = {}
        self.tokens: dict[str, tuple[Fraction, int]] = {}  # by participant, and when there were so many
        self.steps: list[Step] = []  # of the calendar, still to come
        self.seed = 0
        self.stopped = False
        self.busted: list[int] = []
        self.open_orders_limit, self.open_accounts_limit = OPEN_ORDERS_LIMIT, OPEN_ACCOUNTS_LIMIT
        self.phase_books_limit = PHASE_BOOKS_LIMIT
        self.looks_limit = CLOSE_LOOKS_LIMIT
        self.looks = 0  # orders that the end of a date still looks at
        self.opening = (0, 0, 0)  # the date that opens, and how many orders and accounts are done

    def apply(
        self, commands: Sequence[Command | Refused], time_us: int, events_limit: int = ROW_EVENTS_LIMIT
    ) -> Applied:
        """Does what is due, then applies commands until `events_limit` is reached; one result each for those that were
        applied. A date opens at the beginning of a row, so a row has identities of one date.
        """
        self.first = first = self.sequence + 1
        date_before, known = self.trading_date, len(self.identities.records)
        self._events, self._public = [], {}
        self.full = self.sequence + events_limit
        self.prices = 0
        self._begin()
        self.now_us = time_us
        if self.ending:
            self._end_these(self.ending, self._ending_reason)
        results: list[events.Result] = []
        self._do_due(time_us)
        known = min(known, len(self.identities.records))
        for command in commands:
            if self.sequence >= self.full:
                break
            self._begin()
            if isinstance(command, RenewLease):
                results.append(self._renew(command))
            elif isinstance(command, Place | Cancel | Replace | MassCancel | MassQuote):
                results.append(self._order_command(command, time_us))
            elif isinstance(command, Refused):
                results.append(command)
            elif isinstance(command, OpenDate) and self._events:
                break
            else:
                results.append(self._control(command))
                known = min(known, len(self.identities.records))
        identities = bytes(memoryview(self.identities.records)[known:])
        trading_date = date_before or self.trading_date
        return Applied(first, self.sequence, trading_date, self._events, self._public, results, identities)

    def _begin(self) -> None:
        """What is done from here on may write so many events, and look at so many prices, before it waits for the next row."""
        self.until = self.sequence + self.command_limit
        self.prices_until = self.prices + self.prices_limit

    def _do_due(self, time_us: int) -> None:
        if self.timers.get((TimerKind.SCHEDULE, 0), time_us) + TOLERANCE_US < time_us:
            self.timers[TimerKind.SCHEDULE, 0] = 0
        while self.sequence < self.full and self.timers:
            due = min(Due(due_us, kind, key) for (kind, key), due_us in self.timers.items())
            if due.due_us > time_us:
                break
            del self.timers[due.kind, due.key]
            self._begin()
            self.entered = 0
            self.timed[due.kind](due)

    # Order commands

    def _order_command(self, command: Place | Cancel | Replace | MassCancel | MassQuote, time_us: int) -> events.Result:
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
        result: events.First
        reason = self._restricted(command.account) if isinstance(command, Place | Replace) else None
        if isinstance(command, Place | Replace) and reason is not None:
            kind = Kind.PLACE if isinstance(command, Place) else Kind.REPLACE
            acts_on = order_id(self.shard, self.sequence + 1) if isinstance(command, Place) else self._named(command)
            wrong = Refused(reason, "account", command.account)
            result = self._reject(command, kind, acts_on, command.symbol, wrong)
        elif isinstance(command, Place):
            result = self._place(command, time_us)
        elif isinstance(command, Cancel):
            result = self._cancel(command)
        elif isinstance(command, MassCancel):
            result = self._mass_cancel(command)
        elif isinstance(command, MassQuote):
            result = self.mass_quote(command)
        else:
            result = self._replace(command)
        identities.add(command.key, command.digest, result.sequence, type(result) is Accepted, command.account)
        return result

    def _place(self, command: Place, time_us: int) -> Accepted | Rejected:
        lease = self.leases.get((participant_of(command.account), command.lease))
        if command.lease and lease is None:
            wrong = Refused(Reason.LEASE_UNKNOWN, "lease", command.lease)
            return self._reject(command, Kind.PLACE, order_id(self.shard, self.sequence + 1), command.symbol, wrong)
        if lease is not None:
            lease[1].append(order_id(self.shard, self.sequence + 1))
        book = self.books.get(command.symbol)
        wrong = wrong_place(command, book, time_us)
        if wrong is not None:
            return self._reject(command, Kind.PLACE, order_id(self.shard, self.sequence + 1), command.symbol, wrong)
        assert book is not None
        side, kind, price_e4, terms = command.side, command.type, command.price_e4, command.terms
        wrong = (
            wrong_trailing(book, terms) or wrong_peg(book, command) or wrong_hidden(book, command, self.hidden_limit)
        )
        if wrong is not None:
            return self._reject(command, Kind.PLACE, order_id(self.shard, self.sequence + 1), command.symbol, wrong)
        stands_e4 = posted_price(book, side, price_e4, terms)
        if not stands_e4 and terms.post_only:
            wrong = Refused(Reason.POST_ONLY_WOULD_TRADE, "price_e4", str(price_e4))
            return self._reject(command, Kind.PLACE, order_id(self.shard, self.sequence + 1), command.symbol, wrong)
        collects = book.phase == Phase.AUCTION
        time_in_force = command.time_in_force or (GOOD_FOR_AUCTION if collects else IOC)
        stands = DAY if time_in_force in (GTC, GTD) else time_in_force
        if kind in (*STOPS, ONE_CANCELS_OTHER) and not terms.stop_trigger:
            terms = terms._replace(stop_trigger=StopTrigger.LAST_TRADE)
        self.sequence = sequence = self.sequence + 1
        identity = order_id(self.shard, sequence)
        accepted = Accepted(
            sequence, identity, command.account, command.client_order_id, command.symbol, side, kind, time_in_force,
            price_e4, command.quantity, command.amount_e4, command.hold_id, command.held_price_e4, command.held_fee_e6,
            terms, command.lease,
        )  # fmt: skip
        self._events.append(accepted)
        order = Order(
            identity, command.account, book.number, side, kind, price_e4, command.quantity, command.held_price_e4,
            command.held_fee_e6, terms, time_in_force,
        )  # fmt: skip
        if terms.expire_time_us:
            self.timers[TimerKind.EXPIRY, identity] = terms.expire_time_us
        if kind in STOPS or kind == PEGGED:
            (book.pegs if kind == PEGGED else book.stops).append(order)
            self.orders[identity] = order
        elif collects or time_in_force == TimeInForce.AT_CLOSE:
            self._collect(book, order, stands)
        else:
            if stands_e4 != price_e4:
                self._reprice(book, order, stands_e4, RestateReason.SLID)
            arrives = LIMIT if order.pairs else kind
            self._arrive(book, order, arrives, stands, command.amount_e4, terms.minimum_quantity)
        self._looked_at(book)
        return accepted

    def _cancel(self, command: Cancel) -> Done | Rejected:
        order = self._find(command)
        if isinstance(order, Refused):
            return self._reject(command, Kind.CANCEL, self._named(command), command.symbol, order)
        book = self.numbered[order.book]
        self._leave(book, order)
        done = self._done(order, DoneReason.CANCELLED, command.client_order_id)
        self._publish_levels(book)
        self._looked_at(book)
        return done

    def _restricted(self, account: str) -> Reason | None:
        """Why its participant cannot place or replace an order now; if it can, one is counted."""
        participant = participant_of(account)
        if participant in self.killed:
            return Reason.PARTICIPANT_KILLED
        if participant not in self.rates:
            return None
        per_second, burst = self.rates[participant]
        tokens, then_us = self.tokens[participant]
        tokens = min(Fraction(burst), tokens + Fraction((self.now_us - then_us) * per_second, 1_000_000))
        spends = tokens >= 1
        self.tokens[participant] = tokens - spends, self.now_us
        return None if spends else Reason.ORDER_RATE_EXCEEDED

    def _renew(self, command: RenewLease) -> events.LeaseChanged | Refused:
        participant, due_us = participant_of(command.account), self.now_us + command.grace_us
        if (participant, command.lease) not in self.leases:
            own = [name for owner, name in self.leases if owner == participant]
            if len(own) == PARTICIPANT_LEASES_LIMIT or len(self.leases) == LEASES_LIMIT:
                return Refused(Reason.LEASE_LIMIT, "lease", command.lease)
            self._leases += 1
            self.leases[participant, command.lease] = self._leases, []
        number, _ = self.leases[participant, command.lease]
        self.timers[TimerKind.LEASE, number] = due_us
        self.sequence += 1
        changed = events.LeaseChanged(self.sequence, participant, command.lease, due_us, 0)
        self._events.append(changed)
        return changed

    def _lease_over(self, due: Due) -> None:
        [whose] = [whose for whose, (number, _) in self.leases.items() if number == due.key]
        _, ids = self.leases.pop(whose)
        found = [self.orders[one] for one in ids if one in self.orders]
        self.sequence += 1
        self._events.append(events.LeaseChanged(self.sequence, *whose, 0, len(found)))
        self._end_these(found, DoneReason.SESSION_LOST)

    def _mass_cancel(self, command: MassCancel) -> events.MassCancelled | Rejected:
        account, participant = command.account, participant_of(command.account)
        if command.symbol and command.symbol not in self.books:
            wrong = Refused(Reason.SYMBOL_UNKNOWN, "symbol", command.symbol)
            return self._reject(command, Kind.MASS_CANCEL, 0, command.symbol, wrong)
        wide, symbol, side = command.participant_wide, command.symbol, command.side
        found = self._open_orders(participant, "" if wide else account, symbol, side)
        self.sequence += 1
        taken = events.MassCancelled(
            self.sequence, participant, account, command.client_order_id, wide, symbol, side, len(found)
        )
        self._events.append(taken)
        self._end_these(found, DoneReason.MASS_CANCELLED)
        return taken

    def _open_orders(self, participant: str, account: str, symbol: str, side: int) -> list[Order]:
        """Those of a participant, the oldest first; what is left out is not asked for."""
        return [
            order
            for _, order in sorted(self.orders.items())
            if order.participant == participant
            and account in ("", order.account)
            and symbol in ("", self.numbered[order.book].instrument.symbol)
            and side in (0, order.side)
        ]

    def _end_these(self, found: list[Order], reason: DoneReason) -> None:
        """Ends them in turn, as far as the command's limit goes; with the last one, the stops are looked at."""
        self.ending, self._ending_reason = list(found), reason
        while self.ending and self.sequence < self.until:
            order = self.ending.pop(0)
            book = self.numbered[order.book]
            self._leave(book, order)
            self._done(order, reason)
            self._publish_levels(book)
        if self.ending:
            self.full = self.sequence
        for book in self.numbered:
            if found and (not self.ending or book.phase == Phase.AUCTION):
                self._looked_at(book)

    def _replace(self, command: Replace) -> events.Replaced | Rejected:
        order = self._find(command)
        if isinstance(order, Refused):
            return self._reject(command, Kind.REPLACE, self._named(command), command.symbol, order)
        book = self.numbered[order.book]
        instrument, executed = book.instrument, order.quantity - order.open
        open_quantity, price_e4 = command.quantity - executed, command.price_e4
        held_fee_e6 = command.held_fee_e6 if command.hold_id else order.held_fee_e6
        collects = book.phase == Phase.AUCTION
        places = (book.stops, book.front, book.closing, book.pegs)
        waits = None if order.pairs else next((some for some in places if order in some), None)
        unpriced = waits is not None and order.type in UNPRICED and order.side != BUY
        wrong = wrong_replace(order, command, book, open_quantity, held_fee_e6, unpriced=unpriced)
        wrong = wrong or self._wrong_order(order, command)
        keeps = (price_e4 == order.price_e4 or unpriced) and open_quantity < order.open
        stands_e4 = price_e4
        if wrong is None and waits is None and not keeps:
            if collects and order.terms.post_only:
                wrong = Refused(Reason.MARKET_IN_AUCTION, "price_e4", str(price_e4))
            elif not collects:
                stands_e4 = posted_price(book, order.side, price_e4, order.terms)
            if not stands_e4:
                wrong = Refused(Reason.POST_ONLY_WOULD_TRADE, "price_e4", str(price_e4))
        if wrong is not None:
            return self._reject(command, Kind.REPLACE, order.order_id, instrument.symbol, wrong)
        if unpriced:
            price_e4 = stands_e4 = 0
        self.sequence = sequence = self.sequence + 1
        held_price_e4 = order.bound_e4(price_e4) if order.side == BUY else 0
        replaced = events.Replaced(
            sequence, order.order_id, order.account, command.client_order_id, instrument.symbol, price_e4,
            command.quantity, open_quantity, command.hold_id, held_price_e4, held_fee_e6,
        )  # fmt: skip
        self._events.append(replaced)
        if order.is_pegged:
            self._leave(book, order)
            order.limit_e4, price_e4 = price_e4, 0
        before = order.displayed
        if waits is None and not keeps:
            self._leave(book, order)
        order.quantity, order.open, order.price_e4 = command.quantity, open_quantity, price_e4
        order.held_price_e4, order.held_fee_e6 = held_price_e4, held_fee_e6
        if waits is not None:
            if not keeps and waits is not book.stops and not order.is_pegged:
                self._wait_behind(order, waits)
        elif keeps:
            order.shrink()
            if order.displayed != before:
                self._touch(order)
        else:
            self._stand_again(book, order, stands_e4)
        self._publish_levels(book)
        self._looked_at(book)
        return replaced

    def _stand_again(self, book: Book, order: Order, stands_e4: int) -> None:
        """A replaced order arrives, or takes its place in an auction."""
        if book.phase == Phase.AUCTION:
            self._rest(book, order)
            return
        if stands_e4 != order.price_e4:
            self._reprice(book, order, stands_e4, RestateReason.SLID)
        self._arrive(book, order, LIMIT, DAY)

    def _find(self, command: Cancel | Replace) -> Order | Refused:
        identity = self._named(command)
        order = self.orders.get(identity)
        if order is not None and order.account == command.account:
            if not command.symbol or self.numbered[order.book].instrument.symbol == command.symbol:
                return order
        elif order is None and self._finished(identity, command.account):
            return Refused(Reason.ORDER_FINISHED, "order_id", str(identity))
        return Refused(Reason.ORDER_UNKNOWN, *self._name_of(command))

    def _wrong_order(self, order: Order, command: Replace) -> Refused | None:
        return Refused(Reason.ORDER_IS_QUOTE, *self._name_of(command)) if order.quoted else None

    def _name_of(self, command: Cancel | Replace) -> tuple[str, str]:
        if command.order_id:
            return "order_id", str(command.order_id)
        return "original_client_order_id", command.original_client_order_id

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
        self, command: Place | Cancel | Replace | MassCancel, kind: Kind, identity: int, symbol: str, wrong: Refused
    ) -> Rejected:
        self.sequence += 1
        account, client_order_id, hold_id = command.account, command.client_order_id, command.hold_id
        rejected = Rejected(self.sequence, kind, identity, account, client_order_id, symbol, hold_id, *wrong)
        self._events.append(rejected)
        return rejected

    # Control commands

    def _control(self, command: Control) -> events.Result:
        self.entered = 0
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
        if isinstance(command, ChangeInstrument):
            return self._change_instrument(command.instrument)
        if isinstance(command, SetListing):
            return self._set_listing(command)
        if isinstance(command, BustTrade):
            return self._bust_trade(command)
        if isinstance(command, EndOrders):
            return self._end_those_of(*command)
        if isinstance(command, KillParticipant):
            return self._kill(command.participant)
        if isinstance(command, ReleaseParticipant):
            return self._release(command.participant)
        if isinstance(command, SetOrderRate):
            return self._set_rate(*command)
        if isinstance(command, SetCalendar):
            return self._set_calendar(command)
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
        any_ends = any(not order.lasts_beyond(trading_date - 1) for order in self.orders.values())
        if any_ends and self._end_of_date(trading_date - 1):
            return events.Stands(self.sequence, more=True)
        self.opening = trading_date, 0, 0
        return self._open()

    def _open(self) -> events.Result:
        """So many orders, and then so many of their accounts, are looked at in a row; in the last one the date opens."""
        trading_date, orders, accounts = self.opening
        owners = len({order.account for order in self.orders.values()})
        orders = min(orders + self.open_orders_limit, len(self.orders))
        if orders == len(self.orders):
            accounts = min(accounts + self.open_accounts_limit, owners)
        self.sequence += 1
        if orders < len(self.orders) or accounts < owners:
            self.opening = trading_date, orders, accounts
            self._events.append(events.Ticked(self.sequence))
            self.timers[TimerKind.OPENING, 0] = 0
            self.full = self.sequence
            return events.Stands(self.sequence, more=True)
        self.passed = 0, 0
        self.trading_date = self.last_date = trading_date
        self.date_opened_sequence = self.sequence
        self.identities = self.identities.kept(sorted(sequence_of(identity) for identity in self.orders))
        self.busted = []
        self.makers = {}
        for book in self.numbered:
            book.last_e4 = 0
        return self._announce(events.DateOpened(self.sequence, trading_date), self.numbered)

    def _close_date(self, trading_date: int) -> events.Result:
        if not self.trading_date and trading_date == self.last_date and trading_date:
            return events.Stands(self.sequence)
        if trading_date != self.trading_date or not trading_date:
            return Refused(Reason.TRADING_DATE_NOT_OPEN, "trading_date", str(trading_date))
        for book in self.numbered:
            if book.phase != Phase.CLOSED:
                self._enter(book, Phase.CLOSED)
        if self._end_of_date(trading_date):
            return events.Stands(self.sequence, more=True)
        self.sequence += 1
        self.trading_date = 0
        for book in self.numbered:
            book.reference_e4 = book.last_e4 or book.reference_e4
            if book.is_empty:
                book.auction = 0
        return self._announce(events.DateClosed(self.sequence, trading_date), self.numbered)

    def _end_of_date(self, date: int) -> bool:
        """Ends the orders that do not last beyond a date, or a part of them; whether there may be more."""
        left, first = CLOSE_ORDERS_LIMIT, self.sequence
        self.looks = self.looks_limit
        if self.passed[0] != date or self.passed[1] not in self.orders:
            self.passed = date, 0
        for book in self.numbered:
            left = self._end_orders(book, left, DoneReason.DATE_CLOSED, date)
        more = (not left or not self.looks) and bool(self.orders)
        if more and self.sequence == first:
            self.sequence += 1
            self._events.append(events.Ticked(self.sequence))
        if not self.looks:
            self.full = self.sequence
        return more

    def _end_orders(self, book: Book, left: int, reason: DoneReason, date: int = 0) -> int:
        """Ends the orders of a book, at most `left`; how many it could end beyond. A date ends what does not last beyond it."""
        standing = [order for side in book.sides.values() for order in side.orders()]
        stops = [order for order in sorted(book.stops, key=Order.stop_rank) if not order.pairs]  # what pairs stands
        if date:
            standing = self._not_passed(book, standing)
        else:
            self.looks, self.passed = len(self.orders) + 1, (0, 0)
        for order in standing:
            if not left or not self.looks:
                break
            self.looks -= 1
            if date and order.lasts_beyond(date):
                self.passed = date, order.order_id
            else:
                expired = date and order.time_in_force == GTD
                self._end(book, order, DoneReason.EXPIRED if expired else reason)
                left -= 1
        if not self.looks:
            self._publish_levels(book)
            return left
        for order in stops:
            if left and not (date and order.lasts_beyond(date)):
                expired = date and order.time_in_force == GTD
                self._end(book, order, DoneReason.EXPIRED if expired else reason)
                left -= 1
        while left and (waiting := book.front + book.closing):
            self._end(book, min(waiting, key=lambda order: order.order_id), reason)
            left -= 1
        while left and book.pegs:
            self._end(book, book.pegs[0], reason)
            left -= 1
        self._publish_levels(book)
        return left

    def _look_again(self, due: Due) -> None:
        self.passed = 0, 0
        self._looked_at(self.numbered[due.key])

    def _not_passed(self, book: Book, standing: list[Order]) -> list[Order]:
        """What an earlier part of the end of the date did not look at, of what stands."""
        last = self.orders.get(self.passed[1])
        if last is None or last.book < book.number:
            return standing
        return standing[standing.index(last) + 1 :] if last.book == book.number else []

    def _expire(self, due: Due) -> None:
        order = self.orders.get(due.key)
        if order is not None:
            book = self.numbered[order.book]
            self._end(book, order, DoneReason.EXPIRED)
            self._publish_levels(book)
            self._looked_at(book)

    def _add_instrument(self, instrument: Instrument) -> events.Result:
        wrong = wrong_field(instrument, self.shard)
        if wrong:
            return Refused(Reason.INSTRUMENT_INVALID, wrong, told(instrument, wrong))
        there = self.books.get(instrument.symbol)
        if there is not None:
            if there.listing == Listing.DELISTED:
                return not_traded(there)
            if there.instrument == instrument:
                return events.Stands(self.sequence)
            return Refused(Reason.INSTRUMENT_EXISTS, "symbol", instrument.symbol)
        if len(self.books) >= INSTRUMENT_LIMIT:
            return Refused(Reason.INSTRUMENT_LIMIT, "symbol", instrument.symbol)
        self.sequence += 1
        book = Book(len(self.numbered), instrument)
        self.books[instrument.symbol] = book
        self.numbered.append(book)
        return self._announce(events.InstrumentAdded(self.sequence, instrument), [book])

    def _change_instrument(self, instrument: Instrument) -> events.Result:
        symbol = instrument.symbol
        book = self.books.get(symbol)
        if book is None:
            return Refused(Reason.SYMBOL_UNKNOWN, "symbol", symbol)
        wrong = wrong_field(instrument, self.shard)
        if wrong:
            return Refused(Reason.INSTRUMENT_INVALID, wrong, told(instrument, wrong))
        if instrument.currency != book.instrument.currency:
            return Refused(Reason.INSTRUMENT_INVALID, "currency", instrument.currency)
        if book.listing == Listing.DELISTED:
            return not_traded(book)
        if instrument == book.instrument:
            return events.Stands(self.sequence)
        if book.phase != Phase.CLOSED:
            return Refused(Reason.INSTRUMENT_NOT_CLOSED, "symbol", symbol)
        bound = bound_by_orders(book.instrument, instrument)
        if bound and not book.is_empty:
            return Refused(Reason.INSTRUMENT_HAS_ORDERS, bound, told(instrument, bound))
        self.sequence += 1
        if instrument.reference_price_e4 != book.instrument.reference_price_e4:
            book.reference_e4 = instrument.reference_price_e4
        book.instrument = instrument
        return self._announce(events.InstrumentChanged(self.sequence, instrument), [book])

    def _set_listing(self, command: SetListing) -> events.Result:
        symbol, listing = command
        book = self.books.get(symbol)
        if book is None:
            return Refused(Reason.SYMBOL_UNKNOWN, "symbol", symbol)
        if listing != book.listing:
            if book.listing == Listing.DELISTED:
                return not_traded(book)
            if listing == Listing.DELISTED and book.phase != Phase.CLOSED:
                return Refused(Reason.INSTRUMENT_NOT_CLOSED, "symbol", symbol)
            book.listing = listing
            self.sequence += 1
            self._announce(events.ListingChanged(self.sequence, symbol, listing), [book])
            if book.phase != Phase.CLOSED:
                self._change_phase(book, Phase.HALTED, 0)
        if listing == Listing.DELISTED:
            self._end_orders(book, CLOSE_ORDERS_LIMIT, DoneReason.DELISTED)
        return events.Stands(self.sequence, more=listing == Listing.DELISTED and not book.is_empty)

    def _set_phase(self, command: SetPhase) -> events.Result:
        if not self.trading_date and command.phase != Phase.CLOSED:
            return Refused(Reason.TRADING_DATE_NOT_OPEN, "phase", command.phase.name)
        if command.symbol and command.symbol not in self.books:
            return Refused(Reason.SYMBOL_UNKNOWN, "symbol", command.symbol)
        changed = 0
        for book in [self.books[command.symbol]] if command.symbol else self.numbered:
            opens = command.phase not in (Phase.CLOSED, Phase.HALTED)
            delisted = book.listing == Listing.DELISTED and command.phase != Phase.CLOSED
            if delisted or (book.listing == Listing.SUSPENDED and opens):
                if command.symbol:
                    return not_traded(book)
                continue
            if self._has_phase(book, command.phase, command.auction):
                continue
            if changed == self.phase_books_limit:
                self.full = self.sequence
                return events.Stands(self.sequence, more=True)
            changed += 1
            if not self._change_phase(book, command.phase, command.auction):
                return events.Stands(self.sequence, more=True)
        self._end_row()
        return events.Stands(self.sequence)

    def _bust_trade(self, command: BustTrade) -> events.Result:
        named = "trade_id", str(order_id(self.shard, command.trade.sequence))
        if not self.trading_date or command.trade.sequence < self.date_opened_sequence:
            return Refused(Reason.TRADE_OF_EARLIER_DATE, *named)
        if command.trade.sequence in self.busted:
            return Refused(Reason.TRADE_BUSTED, *named)
        if len(self.busted) >= BUST_LIMIT:
            return Refused(Reason.BUST_LIMIT, *named)
        self.busted.append(command.trade.sequence)
        self.sequence += 1
        busted = events.Busted(self.sequence, command.trade, command.reason)
        return self._announce(busted, [self.books[command.trade.symbol]])

    def _end_those_of(self, participant: str, symbol: str, side: int) -> events.Result:
        if symbol and symbol not in self.books:
            return Refused(Reason.SYMBOL_UNKNOWN, "symbol", symbol)
        found = self._open_orders(participant, "", symbol, side)
        self.sequence += 1
        self._events.append(events.MassCancelled(self.sequence, participant, "", "", True, symbol, side, len(found)))
        self._end_these(found, DoneReason.MASS_CANCELLED)
        return events.Stands(self.sequence, orders=len(found))

    def _kill(self, participant: str) -> events.Result:
        if participant in self.killed:
            return events.Stands(self.sequence)
        if len(self.killed) == PARTICIPANTS_LIMIT:
            return Refused(Reason.PARTICIPANT_LIMIT, "participant", participant)
        self.killed.add(participant)
        found = self._open_orders(participant, "", "", 0)
        self.sequence += 1
        self._events.append(events.ParticipantKilled(self.sequence, participant, len(found)))
        self._end_these(found, DoneReason.KILLED)
        return events.Stands(self.sequence, orders=len(found))

    def _release(self, participant: str) -> events.Result:
        if participant in self.killed:
            self.killed.remove(participant)
            self.sequence += 1
            self._events.append(events.ParticipantReleased(self.sequence, participant))
        return events.Stands(self.sequence)

    def _set_rate(self, participant: str, per_second: int, burst: int) -> events.Result:
        if per_second and participant not in self.rates and len(self.rates) == PARTICIPANTS_LIMIT:
            return Refused(Reason.PARTICIPANT_LIMIT, "participant", participant)
        if self.rates.get(participant, (0, 0)) != (per_second, burst):
            self.rates[participant] = per_second, burst
            self.tokens[participant] = Fraction(burst), self.now_us
            if not per_second:
                del self.rates[participant]
            self.sequence += 1
            self._events.append(events.OrderRateSet(self.sequence, participant, per_second, burst))
        return events.Stands(self.sequence)

    def _has_phase(self, book: Book, phase: Phase, auction: int) -> bool:
        return book.phase == phase and (phase != Phase.AUCTION or book.auction == auction)

    def _change_phase(self, book: Book, phase: Phase, auction: int) -> bool:
        """Whether that is done; if not, the next row goes on."""
        if self._has_phase(book, phase, auction):
            return True
        if book.auction and phase in (Phase.OPEN, Phase.CLOSED) and book.listing == Listing.LISTED:
            self.uncrossing = (book, phase)
            return self._go_on()
        self._enter(book, phase, auction)
        return True

    def _go_on(self) -> bool:
        """Uncrosses a book as far as the command's limit goes; the next row goes on before all else."""
        assert self.uncrossing is not None
        number = self.uncrossing[0].number
        over = self._uncross()
        if not over:
            self.timers[TimerKind.UNCROSSING, number] = 0
            self.full = self.sequence
        return over

    def _set_calendar(self, command: SetCalendar) -> events.Result:
        wrong = wrong_steps(command.steps, command.seed, self.now_us)
        if wrong is not None:
            return wrong
        steps = [step for step in command.steps if step.due_us(command.seed) > self.now_us]
        if (steps, command.seed, False) == (self.steps, self.seed, self.stopped):
            return events.Stands(self.sequence)
        self.steps, self.seed, self.stopped = steps, command.seed, False
        return self._await_step(None)

    def _await_step(self, done: Step | None) -> events.Result:
        following = self.steps[0] if self.steps else None
        self.timers.pop((TimerKind.SCHEDULE, 0), None)
        if following is not None:
            self.timers[TimerKind.SCHEDULE, 0] = following.due_us(self.seed)
        self.sequence += 1
        return self._announce(events.CalendarMoved(self.sequence, done, following), self.numbered)

    def _step(self, due: Due) -> None:
        step, wrong, more = self.steps[0], False, 0
        if due.key == 0 and self.now_us > due.due_us + TOLERANCE_US:
            wrong = True
        elif self.trading_date == 0 and (step.trading_date <= self.last_date or step.kind != StepKind.OPEN_DATE):
            pass  # closed by an operator, or opened by nobody
        elif step.kind == StepKind.SET_PHASE:
            wrong = step.trading_date != self.trading_date
            more = 0 if wrong else self._set_phases(step, max(0, due.key - 1))
        else:
            change = self._open_date if step.kind == StepKind.OPEN_DATE else self._close_date
            result = change(step.trading_date)
            wrong, more = isinstance(result, Refused), int(isinstance(result, events.Stands) and result.more)
        if wrong:
            self.stopped = True
            for book in self.numbered:
                if self.trading_date and book.listing != Listing.DELISTED:
                    self._change_phase(book, Phase.HALTED, 0)
            self.sequence += 1
            self._announce(events.ScheduleMissed(self.sequence, step), self.numbered)
        elif more:
            self.timers[TimerKind.SCHEDULE, more] = due.due_us
        else:
            del self.steps[0]
            self._await_step(step)
            if step.kind != StepKind.SET_PHASE:
                self.full = self.sequence  # a row is of one date

    def _set_phases(self, step: Step, first: int) -> int:
        """From a book on; 0, or 1 + the book that is the next row's first."""
        changed = 0
        for book in self.numbered[first:]:
            if self.sequence >= self.until:
                return 1 + book.number
            trades = book.listing == Listing.LISTED or step.phase == Phase.CLOSED
            if book.phase == Phase.HALTED or not trades or self._has_phase(book, Phase(step.phase), step.auction):
                continue
            if changed == self.phase_books_limit:
                self.full = self.sequence
                return 1 + book.number
            changed += 1
            if not self._change_phase(book, Phase(step.phase), step.auction):
                return 2 + book.number
        return 0

    def _announce(self, event: Public, books: list[Book]) -> events.Result:
        """An event of a control command, shown in these books."""
        self._events.append(event)  # type: ignore[arg-type]
        for book in books:
            self._show(book, event)
        return events.Stands(self.sequence)
