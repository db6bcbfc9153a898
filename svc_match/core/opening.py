"""A date opens, in as many rows as its orders ask for. Source: docs/rule-book.md, 8.1.

What stays of the date before are the open orders, their accounts, and the ids that these were placed under. All of that is put
together beside what is there, and takes its place at once in the last row: so until then the state is as it was, but for the
date that opens, and how far that is. Nothing else is done between these rows. What is put together is no state: who begins with
a snapshot of between two rows does again what was done.
"""

import json
from array import array
from typing import TYPE_CHECKING

from svc_match.core import events
from svc_match.core.identity import IdentityTable
from svc_match.core.telling import participant_of
from svc_match.core.timers import Due, TimerKind

if TYPE_CHECKING:
    from svc_match.core.engine import Engine

OPEN_ORDERS_LIMIT = 32_768  # that a date which opens looks at in a row
OPEN_ACCOUNTS_LIMIT = 4_096  # the same


class Opening:
    """The date that opens. `orders` and `accounts` are how many are done."""

    def __init__(self, trading_date: int, orders: int = 0, accounts: int = 0) -> None:
        self.trading_date = trading_date
        self.orders = orders
        self.accounts = accounts
        self.kept: Kept | None = None

    def state(self) -> list[int]:
        """What a snapshot has of it."""
        return [self.trading_date, self.orders, self.accounts]


def begin(engine: "Engine", trading_date: int) -> events.Result:
    """The date is open, or a part of what that takes is done."""
    engine.opening = Opening(trading_date)
    return go_on(engine, None)


def go_on(engine: "Engine", _due: Due | None) -> events.Result:
    """The next part; where it is not the last, the row ends, and the next one goes on before any command."""
    opening = engine.opening
    assert opening is not None
    if opening.kept is None:
        opening.kept = Kept(engine)
        opening.kept.look_at_orders(opening.orders)
        if opening.accounts:
            opening.kept.look_at_accounts(opening.accounts)
    if not _looked_at_all(engine, opening, opening.kept):
        engine.announce(events.Ticked(engine.next_sequence()), ())
        engine.timers.set(TimerKind.OPENING, 0, 0)
        engine.packed.full = engine.packed.sequence
        return events.Stands(engine.sequence, more=True)
    engine.opening = None
    engine.trading_date = engine.last_date = opening.trading_date
    engine.date_opened_sequence = engine.sequence + 1
    _forget(engine, opening.kept)
    return engine.announce(events.DateOpened(engine.next_sequence(), opening.trading_date), engine.numbered)


def _looked_at_all(engine: "Engine", opening: Opening, kept: "Kept") -> bool:
    """Looks at some more of what stays; whether that was all."""
    count = min(engine.open_orders - opening.orders, engine.open_orders_limit)
    kept.look_at_orders(count)
    opening.orders += count
    if opening.orders < engine.open_orders:
        return False
    more = kept.look_at_accounts(engine.open_accounts_limit)
    opening.accounts = len(kept.names)
    return not more


def _forget(engine: "Engine", kept: "Kept") -> None:
    """The date before is over."""
    engine.busted.clear()
    engine.lasting.keep_picked()
    engine.await_expiry()
    engine.packed.forget()
    engine.special.quotes.forget()
    if not engine.lasting:
        engine.special.standing.forget()
    engine.endings.forget()
    engine.closing.forget()
    engine.packed.renumber(memoryview(kept.members))
    engine.carried, engine.identities = kept.carried, kept.identities
    engine.participants, engine.accounts, engine.quoted = kept.participants, kept.accounts, kept.quoted
    engine.names[:] = kept.names


class Kept:
    """What stays, by what was looked at so far."""

    def __init__(self, engine: "Engine") -> None:
        self._packed = engine.packed
        self._lasting = engine.lasting
        self._before = engine.identities
        self._names_before = engine.names
        self._row = 0
        self._numbers: list[int] = []  # that accounts had
        self.carried = bytearray()
        self.identities = IdentityTable(places_for=engine.open_orders)
        self.names: list[str] = []
        self.accounts: dict[str, int] = {}
        self.participants: dict[str, int] = {}
        self.members = array("q")  # by account, the number of its participant
        self.quoted = bytearray()
        self._lasting.begin_picking()
        self._packed.begin_owners(len(engine.names))

    def look_at_orders(self, count: int) -> None:
        """The next orders, and the ids that they were placed under."""
        first = self._lasting.picked
        self._row = self._lasting.pick(self._row, count)
        records = self._before.kept(self._lasting.sequences(first))
        self.identities.load(records)
        self.carried += records

    def look_at_accounts(self, count: int) -> bool:
        """The next accounts of these orders; whether there are more."""
        if not self._numbers:
            self._numbers = self._packed.owners()
        done = len(self.names)
        for number in self._numbers[done : done + count]:
            account = self._names_before[number]
            self.accounts[account] = len(self.names)
            self.names.append(account)
            self.quoted += json.dumps(account).encode() + b","
            participant = participant_of(account)
            self.members.append(self.participants.setdefault(participant, len(self.participants)))
        return len(self.names) < len(self._numbers)
