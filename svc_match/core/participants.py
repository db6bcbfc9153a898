"""What is asked of all orders of a participant: mass cancels, leases and the kill switch; and at which rate it may send.

Source: docs/rule-book.md, section 6.
"""

from array import array
from typing import TYPE_CHECKING, NamedTuple

from svc_match.core import events
from svc_match.core import layout as w
from svc_match.core.book import packed_side
from svc_match.core.commands import EndOrders, MassCancel, RenewLease, SetOrderRate
from svc_match.core.ending import ANY
from svc_match.core.events import DoneReason, Reason, Refused
from svc_match.core.instrument import Phase
from svc_match.core.leases import Lease
from svc_match.core.telling import participant_of
from svc_match.core.timers import Due, TimerKind

if TYPE_CHECKING:
    from svc_match.core.engine import Engine


class Orders(NamedTuple):
    """Orders that end, for a reason: of a participant, or of one account, in a symbol and of a side, or in all and of both."""

    participant: str
    account: str
    symbol: str
    side: int
    reason: int
    ids: "array[int]" = array("q")  # if there are any, these it is


def mass_cancel(engine: "Engine", command: MassCancel, number: int) -> None:
    """Ends orders of an account, or of its whole participant, as its command asks."""
    book = engine.books.get(command.symbol)
    if command.symbol and book is None:
        engine.endings.reject(number, w.MASS_CANCEL, w.SYMBOL_UNKNOWN, w.F_SYMBOL, 0)
        return
    account = "" if command.participant_wide else command.account
    these = Orders(participant_of(command.account), account, command.symbol, command.side, DoneReason.MASS_CANCELLED)
    found = _found(engine, these)
    engine.endings.taken(number, 0 if book is None else book.number + 1, len(found))
    end(engine, these, found)


def end_orders(engine: "Engine", command: EndOrders) -> events.Result:
    """The same, as an operator asks."""
    participant, symbol, side = command
    if symbol and symbol not in engine.books:
        return Refused(Reason.SYMBOL_UNKNOWN, "symbol", symbol)
    these = Orders(participant, "", symbol, side, DoneReason.MASS_CANCELLED)
    found = _found(engine, these)
    taken = events.MassCancelled(engine.next_sequence(), participant, "", "", True, symbol, side, len(found))
    engine.announce(taken, ())
    end(engine, these, found)
    engine.tell((), [])
    return events.Stands(engine.sequence, orders=len(found))


def _found(engine: "Engine", these: Orders) -> list[int]:
    """The ids of the open ones among them, the oldest first."""
    if these.ids:
        return engine.endings.standing(these.ids)
    participant = engine.participants.get(these.participant)
    account = engine.accounts.get(these.account) if these.account else ANY
    if participant is None or account is None:
        return []
    book = engine.books[these.symbol].number if these.symbol else ANY
    return engine.endings.take(participant, account, book, packed_side(these.side) if these.side else ANY)


def end(engine: "Engine", these: Orders, found: list[int] | None = None) -> None:
    """Ends them, as far as the command's limit goes, and auctions are looked at; with the last one, the stops are, too."""
    if found is None:
        found = engine.endings.left or _found(engine, these)
    packed = engine.packed
    over = engine.endings.end(found, these.reason, packed.until()) == 0
    engine.ending = None if over else these
    if not over:
        packed.full = packed.sequence
    if found and packed.waiting:
        for book in engine.numbered:
            if over or book.phase == Phase.AUCTION:
                packed.trigger(book.number)
    if packed.interrupted:
        engine.interrupted()


def kill(engine: "Engine", participant: str) -> events.Result:
    """Ends all orders of a participant, which places none until it is released."""
    killed = engine.restrictions.killed
    if participant in killed:
        return events.Stands(engine.sequence)
    if not engine.restrictions.has_room(killed, participant):
        return Refused(Reason.PARTICIPANT_LIMIT, "participant", participant)
    killed.add(participant)
    these = Orders(participant, "", "", 0, DoneReason.KILLED)
    found = _found(engine, these)
    engine.announce(events.ParticipantKilled(engine.next_sequence(), participant, len(found)), ())
    end(engine, these, found)
    engine.tell((), [])
    return events.Stands(engine.sequence, orders=len(found))


def release(engine: "Engine", participant: str) -> events.Result:
    """A participant may place orders again."""
    if participant not in engine.restrictions.killed:
        return events.Stands(engine.sequence)
    engine.restrictions.killed.remove(participant)
    return engine.announce(events.ParticipantReleased(engine.next_sequence(), participant), ())


def set_rate(engine: "Engine", command: SetOrderRate) -> events.Result:
    """How many orders a second a participant may send, or that it may send any number."""
    participant, per_second, burst = command
    if per_second and not engine.restrictions.has_room(engine.restrictions.rates, participant):
        return Refused(Reason.PARTICIPANT_LIMIT, "participant", participant)
    if not engine.restrictions.set_rate(participant, per_second, burst, engine.packed.now_us):
        return events.Stands(engine.sequence)
    return engine.announce(events.OrderRateSet(engine.next_sequence(), participant, per_second, burst), ())


def renew(engine: "Engine", command: RenewLease, number: int) -> events.Result | None:
    """A lease, which may be new, stands until its time is over."""
    due_us = engine.packed.now_us + command.grace_us
    lease = engine.leases.renew((participant_of(command.account), command.lease), due_us)
    if lease is None:
        return Refused(Reason.LEASE_LIMIT, "lease", command.lease)
    engine.timers.set(TimerKind.LEASE, lease.number, due_us)
    engine.endings.renewed(number, due_us)
    return None


def lose(engine: "Engine", due: Due) -> None:
    """A lease is over: its orders end."""
    lease: Lease = engine.leases.take(due.key)
    participant, name = lease.whose
    found = engine.endings.standing(lease.orders)
    engine.announce(events.LeaseChanged(engine.next_sequence(), participant, name, 0, len(found)), ())
    if found:
        ids = array("q", found)
        end(engine, Orders(participant, "", "", 0, DoneReason.SESSION_LOST, ids), found)
