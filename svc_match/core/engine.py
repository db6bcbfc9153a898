"""One shard: batches of commands in, numbered events out. The same commands at the same times give the same events.

The order of checks for an order command: its date, its identity, the table's limit, its deadline; what passes these
writes an event and uses up its id. The books execute packed commands and write packed events; what these say in words is
put together once a batch.
"""

import json
from collections.abc import Callable, Sequence
from functools import partial
from typing import Any, NamedTuple

from chassis.units import is_date, order_id, sequence_of, shard_of
from svc_match.core import events, opening, participants, quoting, reference, scheduling
from svc_match.core import layout as w
from svc_match.core.book import CLOSE_ORDERS_LIMIT, ENTER_ORDERS_LIMIT, PHASE_BOOKS_LIMIT, Book, packed_side
from svc_match.core.books import Books
from svc_match.core.closing import Closing
from svc_match.core.commands import (
    PLAIN,
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
    Order,
    Place,
    ReleaseParticipant,
    RenewLease,
    Replace,
    SelfTradePrevention,
    SetCalendar,
    SetListing,
    SetOrderRate,
    SetPhase,
    StopTrigger,
    Terms,
    Tick,
    TimeInForce,
)
from svc_match.core.ending import Ending
from svc_match.core.events import Public, Reason, Refused, Repeat
from svc_match.core.identity import IDENTITY_LIMIT, IdentityTable
from svc_match.core.instrument import PHASES_OF, AuctionKind, Instrument, Listing, Phase
from svc_match.core.lasting import Lasting
from svc_match.core.leases import Leases
from svc_match.core.opening import OPEN_ACCOUNTS_LIMIT, OPEN_ORDERS_LIMIT, Opening
from svc_match.core.participants import Orders
from svc_match.core.plain import Executed
from svc_match.core.restrictions import Restrictions
from svc_match.core.schedule import TOLERANCE_US, Schedule
from svc_match.core.special import Special
from svc_match.core.telling import Telling, participant_of
from svc_match.core.timers import NEVER, Due, TimerKind, Timers

SEMANTICS = 3  # 1 knew LIMIT and MARKET orders without terms, 2 no auctions
LIMITS_SINCE = 3  # before, an order traded, and its row went on, until nothing was left to do: not rules 3.9 and 4.7.8
REPLAYED = (1, 2, SEMANTICS)
ROW_EVENTS_LIMIT = 8_192  # behind which no command begins
NOT_TRADED = {Listing.SUSPENDED: Reason.INSTRUMENT_SUSPENDED, Listing.DELISTED: Reason.INSTRUMENT_DELISTED}
BUST_LIMIT = 4_096  # of a date
LASTING = (TimeInForce.GTC, TimeInForce.GTD)  # what stands on the next date too
NO_BOOK = 0xFFFF  # of a command whose symbol no instrument has
NO_ACCOUNT = 0x7FFFFFFF  # of a command whose account has no order on this date


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
        self.trading_date = 0
        self.last_date = 0
        self.date_opened_sequence = 0
        self.packed = Books(shard)
        self.first = 1  # the sequence of the row's first event
        self.special = Special(self.packed)
        self.lasting = Lasting(self.packed)
        self.endings = Ending(self.packed, self.special)
        self.closing = Closing(self.packed, self.special)
        self.ending: Orders | None = None  # what a command's limit left; it ends before any other command
        self.restrictions = Restrictions()
        self.leases = Leases(self.packed.keep_open)
        self.participants: dict[str, int] = {}
        self.books: dict[str, Book] = {}
        self.numbers: dict[str, int] = {}
        self.numbered: list[Book] = []
        self.accounts: dict[str, int] = {}
        self.names: list[str] = []
        self.quoted = bytearray()  # the names as JSON, each with a comma behind it
        self.identities = IdentityTable()
        self.carried: bytes | bytearray = b""  # the records in the table of orders that were open when the date opened
        self.instruments: list[Instrument] = []
        self.timers = Timers()
        self.timed: dict[int, Callable[[Due], object]] = {
            TimerKind.OPENING: partial(opening.go_on, self),
            TimerKind.PULLS: self._pull_on,
            TimerKind.UNCROSSING: self._go_on,
            TimerKind.STOPS: self._look_again,
            TimerKind.ENTERING: self._enter_on,
            TimerKind.EXPIRY: self._expire,
            TimerKind.LEASE: partial(participants.lose, self),
            TimerKind.SCHEDULE: partial(scheduling.advance, self),
            TimerKind.AUCTION_ENDS: self._end_auction,
            TimerKind.LIMIT_STATE_ENDS: self._pause,
            TimerKind.INDICATION: self._indicate,
        }
        self.schedule = Schedule()
        self.enter_limit = ENTER_ORDERS_LIMIT  # what it is for all but tests
        self.phase_books_limit = PHASE_BOOKS_LIMIT  # the same
        self.entered = 0  # orders into closing auctions, by what is being done
        self.opening: Opening | None = None  # what the next row goes on with
        self.open_orders_limit, self.open_accounts_limit = OPEN_ORDERS_LIMIT, OPEN_ACCOUNTS_LIMIT  # the same
        self.busted: set[int] = set()  # trades of the last date, by sequence
        self._telling = Telling(self.instruments, self.names)

    def follow(self, semantics: int) -> None:
        """From now on commands are executed as these semantics did, which wrote the row that they are in."""
        earlier = semantics < LIMITS_SINCE
        if earlier != self.packed.earlier:
            self.packed.earlier = int(earlier)
            self.packed.fills_limit = w.NO_LIMIT if earlier else w.ORDER_FILLS_LIMIT
            self.packed.command_limit = w.NO_LIMIT if earlier else w.COMMAND_EVENTS_LIMIT
            self.packed.prices_limit = w.NO_LIMIT if earlier else w.AUCTION_PRICES_LIMIT
            self.special.hidden_limit = w.NO_LIMIT if earlier else w.HIDDEN_ORDERS_LIMIT
            self.closing.looks_limit = w.NO_LIMIT if earlier else w.CLOSE_LOOKS_LIMIT
            self.phase_books_limit = w.NO_LIMIT if earlier else PHASE_BOOKS_LIMIT
            self.open_orders_limit = w.NO_LIMIT if earlier else OPEN_ORDERS_LIMIT
            self.open_accounts_limit = w.NO_LIMIT if earlier else OPEN_ACCOUNTS_LIMIT

    @property
    def sequence(self) -> int:
        """The last event's sequence."""
        return self.packed.sequence

    @property
    def goes_on(self) -> bool:
        """Whether a command's doing is to go on in the next row at once."""
        return self.ending is not None or self.timers.begins_with(
            TimerKind.OPENING, TimerKind.PULLS, TimerKind.STOPS, TimerKind.ENTERING
        )

    @property
    def open_orders(self) -> int:
        """How many orders are open."""
        return self.packed.open_orders()

    def apply(
        self, commands: Sequence[Command | Refused], time_us: int, events_limit: int = ROW_EVENTS_LIMIT
    ) -> Applied:
        """Does what is due, then applies commands until `events_limit` is reached; one result each for those that were
        applied. A date opens at the beginning of a row, so a row has identities of one date.
        """
        packed = self.packed
        first, date_before = packed.sequence + 1, self.trading_date
        self.begin(time_us, events_limit)
        telling = self._telling = Telling(self.instruments, self.names, first - 1)
        results: list[Any] = []
        if self.is_due(time_us):
            self.tell((), results)
            self._do_due(time_us)
        for number, command in enumerate(commands):
            if packed.sequence >= packed.full:
                break
            packed.allow()
            if isinstance(command, Place | Cancel | Replace | MassCancel | RenewLease):
                results.append(self.order(command, time_us, number))
            elif isinstance(command, MassQuote):
                self.tell(commands, results)
                results.append(self.order(command, time_us, number))
            elif isinstance(command, Refused):
                results.append(command)
            elif isinstance(command, OpenDate) and packed.sequence >= first:
                break
            else:
                self.tell(commands, results)
                results.append(self._control(command))
        self.tell(commands, results)
        trading_date = date_before or self.trading_date
        return Applied(
            first,
            packed.sequence,
            trading_date,
            telling.events,
            telling.public,
            results,
            self.identities.taken(),
        )

    def begin(self, time_us: int, events_limit: int) -> None:
        """A row begins, which takes no more commands behind so many events, with what the one before it left."""
        self.identities.begin()
        self.first = self.packed.sequence + 1
        self.packed.written = 0
        self.packed.begin(time_us)
        self.packed.full = self.packed.sequence + (w.NO_LIMIT if self.packed.earlier else events_limit)
        self.packed.prices = 0
        self.packed.allow()
        if self.ending is not None:
            participants.end(self, self.ending)

    def told(self, done: Executed, commands: Sequence[Any]) -> Applied:
        """In words what plain commands did, which these are, before any other is applied."""
        telling, results = Telling(self.instruments, self.names, done.first_sequence - 1), list(done.results)
        telling.tell(self.packed.events(), commands, results)
        return Applied(
            done.first_sequence,
            done.last_sequence,
            done.trading_date,
            telling.events,
            telling.public,
            results,
            done.identities,
        )

    def is_due(self, time_us: int) -> bool:
        """Whether a row of this time does something before its first command."""
        return self.timers.next_us <= time_us

    def _do_due(self, time_us: int) -> None:
        """What is due, in its order, until the row is full; the next row does the rest. What has more to do than a command may
        sets its timer again, and the row ends. A step of the calendar that is missed comes before all but what is under way.
        """
        if self.timers.at(TimerKind.SCHEDULE, 0) + TOLERANCE_US < time_us:
            self.timers.set(TimerKind.SCHEDULE, 0, 0)
        while self.is_due(time_us) and self.packed.sequence < self.packed.full:
            due = self.timers.take()
            self.packed.allow()
            self.entered = 0
            self.timed[due.kind](due)
            if self.packed.interrupted:
                self.interrupted()
            self.tell((), [])

    # Order commands

    def order(self, command: Order, time_us: int, number: int) -> events.Result | None:
        """Executes one of a batch; what refuses it, or nothing: then its first event is its result. A mass quote's is told."""
        if isinstance(command, RenewLease):
            return participants.renew(self, command, number)
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
            return events.Late()
        sequence = self.packed.sequence + 1
        accepted = False
        result: events.Result | None = None
        if isinstance(command, MassQuote):
            result = quoting.execute(self, command)
        elif self.restrictions and isinstance(command, Place | Replace) and (reason := self.refusal(command.account)):
            self.refuse(
                reason, 0 if isinstance(command, Place) else self.named(command), number, isinstance(command, Place)
            )
        elif isinstance(command, Place):
            accepted = self._place(command, time_us, number)
        else:
            if isinstance(command, MassCancel):
                participants.mass_cancel(self, command, number)
            else:
                self._change(command, number)
        identities.add(command.key, command.digest, sequence, accepted, command.account)
        if self.packed.interrupted:
            self.interrupted()
        return result

    def _place(self, command: Place, time_us: int, number: int) -> bool:
        (account, _, _, _, _, _, hold_id, held_amount, held_price_e4, held_fee_e6) = command[:10]
        symbol, side, kind, time_in_force, price_e4, quantity, amount_e4, terms, lease_name = command[10:]
        lease = self.leases.find((participant_of(account), lease_name)) if lease_name else None
        if lease_name and lease is None:
            self.endings.reject(number, w.PLACE, w.LEASE_UNKNOWN, w.F_LEASE, 0)
            return False
        book = self.books.get(symbol)
        known = self.accounts.get(account)
        if known is None:
            known = self.name(account)
        lasts = time_in_force in LASTING
        stands = w.DAY if lasts else time_in_force
        head = w.PLACE | packed_side(side) << 8 | kind << 16 | stands << 24 | (w.HELD << 48 if hold_id else 0)
        if book is not None:
            head |= (book.number + 1) << 32
            if 0 < terms.expire_time_us <= time_us:
                self.packed.expired(number, book.number)
                return False
        if terms is not PLAIN or kind > w.MARKET or stands > w.FOK:
            head |= w.SPECIAL << 48
            self._put_terms(terms)
        order = held_fee_e6 << 32 | known
        identity = order_id(self.shard, self.packed.sequence + 1)
        first = self.packed.execute(head, order, price_e4, quantity, amount_e4, held_price_e4, held_amount, 0, number)
        if first == w.ACCEPTED and (lasts or lease is not None) and self.packed.is_open(identity):
            if lasts:
                self._last(identity, terms)
            if lease is not None:
                self.leases.add(lease, identity)
        return first == w.ACCEPTED

    def _last(self, identity: int, terms: Terms) -> None:
        """An open order stands beyond its date."""
        if terms.expire_time_us:
            self.lasting.add(identity, w.NO_DATE + terms.expire_time_us)
            self.await_expiry()
        else:
            self.lasting.add(identity, terms.expire_date or w.NO_DATE)

    def await_expiry(self) -> None:
        """One timer is for the order that expires first."""
        next_us = self.lasting.next_us()
        if next_us == NEVER:
            self.timers.cancel(TimerKind.EXPIRY, 0)
        elif next_us != self.timers.at(TimerKind.EXPIRY, 0):
            self.timers.set(TimerKind.EXPIRY, 0, next_us)

    def _expire(self, _due: Due) -> None:
        identity = self.lasting.take()
        if self.packed.is_open(identity):
            self.special.withdraw(identity, w.EXPIRED)
        self.await_expiry()

    def _put_terms(self, terms: Terms) -> None:
        stop_e4, trigger, display_quantity, hidden, post_only, minimum_quantity, prevention, *more = terms
        trailing_e4, share, second_e4, peg, offset_e4, *_ = more
        if prevention == SelfTradePrevention.NONE:
            prevention = 0
        trigger = trigger or StopTrigger.LAST_TRADE
        flags = (w.HIDDEN if hidden else 0) | post_only << 8 | prevention << 16 | trigger << 24
        trail = trailing_e4 or -share
        self.packed.terms(flags, display_quantity, minimum_quantity, stop_e4, trail, second_e4, peg, offset_e4)

    def name(self, account: str) -> int:
        """The number of an account that is new to this date."""
        number = self.accounts[account] = len(self.names)
        self.names.append(account)
        self.quoted += json.dumps(account).encode() + b","
        participant = participant_of(account)
        self.packed.belongs(number, self.participants.setdefault(participant, len(self.participants)))
        return number

    def _change(self, command: Cancel | Replace, number: int) -> None:
        identity = self.named(command)
        account = self.accounts.get(command.account, NO_ACCOUNT)
        head = (w.HELD << 48 if command.hold_id else 0) | w.CANCEL
        if command.symbol:
            book = self.books.get(command.symbol)
            head |= (NO_BOOK if book is None else book.number + 1) << 32
        if isinstance(command, Cancel):
            first = self.packed.execute(head, account, 0, 0, 0, 0, 0, identity, number)
        else:
            account |= command.held_fee_e6 << 32
            price_e4, quantity, extra = command.price_e4, command.quantity, command.held_amount
            head += w.REPLACE - w.CANCEL
            first = self.packed.execute(head, account, price_e4, quantity, 0, 0, extra, identity, number)
        unknown = first == w.REJECTED | w.ORDER_UNKNOWN << 8
        if unknown and not self.packed.is_open(identity) and self._finished(identity, command.account):
            self.packed.amend(w.ORDER_FINISHED)

    def _finished(self, identity: int, account: str) -> bool:
        """Whether the order, which is not open, was accepted for the account on this date."""
        return shard_of(identity) == self.shard and self.identities.accepted(sequence_of(identity), account)

    def named(self, command: Cancel | Replace) -> int:
        """The order that the command names, by what the journal knows; 0 if it knows none."""
        if command.order_id:
            return command.order_id
        found = self.identities.find(command.original_key)
        return order_id(self.shard, found[1]) if found is not None and found[2] else 0

    # What is told

    def tell(self, commands: Sequence[Command | Refused], results: list[Any]) -> None:
        """Puts what the books wrote since the last time into words."""
        self._telling.tell(self.packed.events(), commands, results)
        self.packed.written = 0

    def next_sequence(self) -> int:
        """The number of an event that is about to be announced."""
        self.packed.sequence += 1
        return self.packed.sequence

    def announce(self, event: events.Event, books: Sequence[Book]) -> events.Result:
        """An event that the books did not write, shown in these books."""
        self._telling.announce(event, [book.instrument.symbol for book in books])
        for book in books:
            self.packed.count_public(book.number, 1)
        return events.Stands(self.sequence)

    def happened(self, kind: type[Any], *fields: Any) -> Any:
        """An event that is the next one, shown in no book, behind all that the books wrote."""
        self.tell((), [])
        event = kind(self.next_sequence(), *fields)
        self.announce(event, ())
        return event

    # What a participant may not do

    def refusal(self, account: str) -> int:
        """Why its participant cannot place or replace an order now, or 0."""
        return self.restrictions.reason(participant_of(account), self.packed.now_us)

    def refuse(self, reason: int, identity: int, number: int, places: bool) -> None:
        """Rejects a place, or a replace of an order, before anything else of it is looked at."""
        self.endings.reject(number, w.PLACE if places else w.REPLACE, reason, w.F_ACCOUNT, identity)

    # Control commands

    def _control(self, command: Control) -> events.Result:
        self.entered = 0
        if isinstance(command, Tick):
            self.announce(events.Ticked(self.next_sequence()), ())
            return events.Stands(self.sequence)
        if isinstance(command, OpenDate):
            return self.open_date(command.trading_date)
        if isinstance(command, CloseDate):
            return self.close_date(command.trading_date)
        if isinstance(command, AddInstrument):
            return reference.add_instrument(self, command.instrument)
        if isinstance(command, ChangeInstrument):
            return reference.change_instrument(self, command.instrument)
        if isinstance(command, SetListing):
            return reference.set_listing(self, command)
        if isinstance(command, BustTrade):
            return self._bust_trade(command)
        if isinstance(command, EndOrders):
            return participants.end_orders(self, command)
        if isinstance(command, KillParticipant):
            return participants.kill(self, command.participant)
        if isinstance(command, ReleaseParticipant):
            return participants.release(self, command.participant)
        if isinstance(command, SetOrderRate):
            return participants.set_rate(self, command)
        if isinstance(command, SetCalendar):
            return scheduling.set_calendar(self, command)
        return self._set_phase(command)

    def open_date(self, trading_date: int) -> events.Result:
        """A later date than all before; what does not last until then ends first, in as many commands as that takes. What stays is
        looked at in as many rows as it takes.
        """
        refused = Refused(Reason.TRADING_DATE_INVALID, "trading_date", str(trading_date))
        if not is_date(trading_date):
            return refused
        if trading_date == self.trading_date:
            return events.Stands(self.sequence)
        if self.trading_date:
            return refused._replace(reason=Reason.TRADING_DATE_OPEN)
        if trading_date <= self.last_date:
            return refused._replace(reason=Reason.TRADING_DATE_PAST)
        if self.lasting.any_ends_before(trading_date) and self._end_orders(trading_date - 1):
            return events.Stands(self.sequence, more=True)
        return opening.begin(self, trading_date)

    def close_date(self, trading_date: int) -> events.Result:
        """Closes all books; what does not last beyond the date ends, in as many commands as that takes."""
        if not self.trading_date and trading_date == self.last_date and trading_date:
            return events.Stands(self.sequence)
        if trading_date != self.trading_date or not trading_date:
            return Refused(Reason.TRADING_DATE_NOT_OPEN, "trading_date", str(trading_date))
        for book in self.numbered:
            if book.phase != Phase.CLOSED:
                self._enter(book, Phase.CLOSED)
        if self._end_orders(trading_date):
            return events.Stands(self.sequence, more=True)
        self.trading_date = 0
        for book in self.numbered:
            if self.packed.auction(book.number) and book.is_empty:
                self.packed.set_auction(book.number, 0)
            if last_e4 := self.packed.last(book.number):
                self.special.protection.refer(book.number, last_e4)
        return self.announce(events.DateClosed(self.next_sequence(), trading_date), self.numbered)

    def _end_orders(self, date: int) -> bool:
        """Ends the orders that do not last beyond a date, or a part of them; whether there may be more."""
        closing, left, first = self.closing, CLOSE_ORDERS_LIMIT, self.sequence
        closing.begin(date)
        for book in self.numbered:
            if not left or not closing.looks:
                break
            left -= closing.end(book.number, left, w.DATE_CLOSED, date)
            self.tell((), [])
        more = (not left or not closing.looks) and self.open_orders > 0
        if more and self.sequence == first:
            self.announce(events.Ticked(self.next_sequence()), ())  # that so many were looked at is on record
        if not closing.looks:
            self.packed.full = self.sequence
        return more

    def _set_phase(self, command: SetPhase) -> events.Result:
        if not self.trading_date and command.phase != Phase.CLOSED:
            return Refused(Reason.TRADING_DATE_NOT_OPEN, "phase", command.phase.name)
        if command.symbol and command.symbol not in self.books:
            return Refused(Reason.SYMBOL_UNKNOWN, "symbol", command.symbol)
        books = [self.books[command.symbol]] if command.symbol else self.numbered
        changed = 0
        for book in books:
            if command.phase in PHASES_OF[book.listing]:
                if self.has_phase(book, command.phase, command.auction):
                    continue
                if changed == self.phase_books_limit:
                    self.packed.full = self.sequence
                    return events.Stands(self.sequence, more=True)
                changed += 1
                if not self.change_phase(book, command.phase, command.auction):
                    return events.Stands(self.sequence, more=True)
            elif command.symbol:
                return Refused(NOT_TRADED[book.listing], "symbol", command.symbol)
        self._end_row()
        return events.Stands(self.sequence)

    def has_phase(self, book: Book, phase: Phase, kind: int) -> bool:
        """Whether the book is in it already."""
        return book.phase == phase and book.auction == kind

    def change_phase(self, book: Book, phase: Phase, kind: int) -> bool:
        """Whether the phase is changed; if not, the next row goes on before all else."""
        if self.has_phase(book, phase, kind):
            return True
        auction = self.special.auction
        trades = phase in (Phase.OPEN, Phase.CLOSED) and book.listing == Listing.LISTED
        if self.packed.auction(book.number) and trades:
            auction.begin(book.number, phase)
            return self._uncross()
        self._enter(book, phase, kind)
        return True

    def _go_on(self, _due: Due) -> None:
        self._uncross()

    def _pull_on(self, _due: Due) -> None:
        self.closing.forget()
        self.special.pull_on()
        self.tell((), [])

    def _look_again(self, due: Due) -> None:
        self.closing.forget()
        self.special.go_on(due.key)
        self.tell((), [])

    def _uncross(self) -> bool:
        auction = self.special.auction
        book = self.numbered[auction.book]
        over: bool = auction.uncross(self.packed.until())
        self.tell((), [])
        if over:
            self.packed.set_auction(book.number, 0)
            self._enter(book, Phase(auction.following))
        else:
            self.packed.full = self.packed.sequence
            self.timers.set(TimerKind.UNCROSSING, book.number, 0)
        return over

    def interrupted(self) -> None:
        """The volatility auctions and limit states that began end when their time is over; what the command's limit left is
        first in the next row.
        """
        now_us, bands = self.packed.now_us, self.special.bands
        if self.packed.tripped:
            self.timers.set(TimerKind.PULLS, 0, 0)
        for number in self.special.taken():
            self.timers.set(TimerKind.STOPS, number, 0)
        for number, due_us in self.special.auction.indication.taken():
            self.timers.set(TimerKind.INDICATION, number, due_us)
        for number in self.special.protection.taken():
            self.timers.set(TimerKind.AUCTION_ENDS, number, now_us + self.instruments[number].volatility_auction_us)
        for number in bands.taken():
            self.timers.cancel(TimerKind.LIMIT_STATE_ENDS, number)
            if bands.limited(number):
                self.timers.set(TimerKind.LIMIT_STATE_ENDS, number, now_us + self.instruments[number].limit_state_us)

    def _end_auction(self, due: Due) -> None:
        self.change_phase(self.numbered[due.key], Phase.OPEN, 0)

    def _indicate(self, due: Due) -> None:
        """Public, and of no command: a row in which nothing else happened yet is a tick's, so that it is on record."""
        if self.packed.sequence < self.first:
            self.announce(events.Ticked(self.next_sequence()), ())
        self.special.auction.indication.indicate(due.key)

    def _pause(self, due: Due) -> None:
        """Trading pauses, and orders are collected, where the limit state lasted."""
        self._enter(self.numbered[due.key], Phase.AUCTION, AuctionKind.RESUMPTION)
        ends_us = self.packed.now_us + self.instruments[due.key].limit_pause_us
        self.timers.set(TimerKind.AUCTION_ENDS, due.key, ends_us)

    def _enter(self, book: Book, phase: Phase, kind: int = 0) -> None:
        """The book is in another phase, whatever it was in before."""
        for timer in (TimerKind.AUCTION_ENDS, TimerKind.LIMIT_STATE_ENDS):
            self.timers.cancel(timer, book.number)
        self.closing.forget()
        self.packed.set_phase(book.number, phase, kind)
        self.announce(events.PhaseChanged(self.next_sequence(), book.instrument.symbol, phase, kind), [book])
        if phase != Phase.AUCTION:
            self.special.auction.indication.forget(book.number)
            self.timers.cancel(TimerKind.INDICATION, book.number)
        elif kind == AuctionKind.CLOSING:
            self._let_in(book.number)
        self.special.bands.enter(book.number)
        self.packed.trigger(book.number)
        self.tell((), [])
        self.interrupted()

    def _let_in(self, book: int) -> None:
        """What waited for the closing auction takes its place, as many orders as one command lets in; the next rows go on."""
        auction = self.special.auction
        self.entered += auction.enter(book, self.enter_limit - self.entered)
        if book in auction.entering:
            self.timers.set(TimerKind.ENTERING, book, 0)

    def _enter_on(self, due: Due) -> None:
        """Journal time passes, and the orders that wait take their places, those of other books too. The row ends where some wait on."""
        self.announce(events.Ticked(self.next_sequence()), ())
        self._let_in(due.key)
        self.packed.look(due.key)
        while self.entered < self.enter_limit and self.timers.begins_with(TimerKind.ENTERING):
            book = self.timers.take().key
            self._let_in(book)
            self.packed.look(book)
        self._end_row()

    def _end_row(self) -> None:
        """Nothing comes between the orders that enter closing auctions."""
        if self.entered == self.enter_limit:
            self.packed.full = self.packed.sequence

    def _bust_trade(self, command: BustTrade) -> events.Result:
        """The book does not change, nor what followed from the trade."""
        trade = command.trade
        refused = Refused(Reason.TRADE_OF_EARLIER_DATE, "trade_id", str(order_id(self.shard, trade.sequence)))
        if not self.trading_date or trade.sequence < self.date_opened_sequence:
            return refused
        if trade.sequence in self.busted:
            return refused._replace(reason=Reason.TRADE_BUSTED)
        if len(self.busted) >= BUST_LIMIT:
            return refused._replace(reason=Reason.BUST_LIMIT)
        self.busted.add(trade.sequence)
        return self.announce(events.Busted(self.next_sequence(), trade, command.reason), [self.books[trade.symbol]])
