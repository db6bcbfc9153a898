"""Mass quotes: an account's quotes in many instruments replaced by one command, all or none.

First what stood is withdrawn, or keeps its place where it is asked for at the same price with no more shares; then each other side
arrives, as a limit order for the day; then the books are looked at. Source: docs/rule-book.md, section 6.
"""

from typing import TYPE_CHECKING, NamedTuple

from svc_match.core import events
from svc_match.core import layout as w
from svc_match.core.book import packed_side
from svc_match.core.commands import (
    PLAIN,
    MassQuote,
    OrderType,
    Place,
    QuoteSide,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from svc_match.core.events import Kind, Reason
from svc_match.core.leases import Lease
from svc_match.core.telling import FIELDS, REASONS, participant_of
from svc_match.core.terms import QUOTES_LIMIT

if TYPE_CHECKING:
    from svc_match.core.engine import Engine

SIDES = {Side.BUY: "bid", Side.SELL: "ask"}


class Wrong(NamedTuple):
    """Why a mass quote is rejected, and for which field."""

    reason: Reason
    field: str
    value: str
    symbol: str = ""


def execute(engine: "Engine", command: MassQuote) -> events.MassQuoted | events.Rejected:
    """Replaces the quotes; its first event."""
    account = engine.accounts.get(command.account)
    if account is None:
        account = engine.name(command.account)
    wrong = _wrong(engine, command, account)
    first: events.MassQuoted | events.Rejected
    if wrong is not None:
        reason, field, value, symbol = wrong
        names, holds = (
            (command.account, command.client_order_id),
            tuple(one.hold_id for one in command.sides if one.hold_id),
        )
        first = engine.happened(events.Rejected, Kind.MASS_QUOTE, 0, *names, symbol, 0, reason, field, value, holds)
        return first
    quotes = engine.special.quotes
    quotes.says(account, *command.protection, command.reset)
    engine.special.quote()
    asked = sum(one.quantity > 0 for one in command.sides)
    first = engine.happened(
        events.MassQuoted, command.account, command.client_order_id, asked, *command.protection, command.reset
    )
    for side in [one for one in command.sides if not _keeps(engine, command, account, one)]:
        if side.quantity:
            _arrive(engine, command, account, side)
    if engine.packed.waiting:
        for symbol in dict.fromkeys(one.symbol for one in command.sides):
            engine.packed.trigger(engine.books[symbol].number)
    engine.tell((), [])
    return first


def _wrong(engine: "Engine", command: MassQuote, account: int) -> Wrong | None:
    """The first thing for which none of it can be done."""
    quotes, asks = engine.special.quotes, any(one.quantity for one in command.sides)
    if asks and engine.restrictions and (reason := engine.refusal(command.account)):
        return Wrong(REASONS[reason], "account", command.account)
    if command.lease and _lease(engine, command) is None:
        return Wrong(Reason.LEASE_UNKNOWN, "lease", command.lease)
    if quotes.is_active(account) and not command.reset:
        return Wrong(Reason.MAKER_PROTECTION_ACTIVE, "reset", "false")
    standing = quotes.open(account)
    for one in command.sides:
        book = engine.books.get(one.symbol)
        if book is None:
            return Wrong(Reason.SYMBOL_UNKNOWN, f"entries[{one.entry}].symbol", one.symbol, one.symbol)
        packed = packed_side(one.side)
        place = 2 * book.number + packed
        if not one.quantity:
            standing.discard(place)
            continue
        standing.add(place)
        held = (one.held_price_e4, one.held_amount if one.hold_id else 0, one.held_fee_e6)
        wrong = engine.packed.wrong_quote(book.number, packed, one.price_e4, one.quantity, *held)
        if wrong:
            return _of_side(one, REASONS[wrong & 255], wrong >> 8)
    if len(standing) > QUOTES_LIMIT:
        return Wrong(Reason.QUOTE_LIMIT, "entries", str(len(standing)))
    return None


def _of_side(one: QuoteSide, reason: Reason, field: int) -> Wrong:
    if field == w.F_SYMBOL:
        return Wrong(reason, f"entries[{one.entry}].symbol", one.symbol, one.symbol)
    name = FIELDS[field]
    return Wrong(reason, f"entries[{one.entry}].{SIDES[Side(one.side)]}_{name}", str(getattr(one, name)), one.symbol)


def _keeps(engine: "Engine", command: MassQuote, account: int, one: QuoteSide) -> bool:
    """Whether what stands on that side keeps its place; if not, it is withdrawn."""
    quotes, place = engine.special.quotes, 2 * engine.books[one.symbol].number + packed_side(one.side)
    found = None
    if one.quantity:
        lease = _lease(engine, command)
        number = lease.number if lease is not None else 0
        found = quotes.kept(account, place, one.price_e4, one.quantity, _prevention(command), number)
    if found is None:
        quotes.withdraw(account, place)
        engine.tell((), [])
        return False
    identity, executed = found
    held_price_e4 = one.price_e4 if one.side == Side.BUY else 0
    engine.happened(
        events.Replaced, identity, command.account, one.own_id, one.symbol, one.price_e4, executed + one.quantity,
        one.quantity, one.hold_id, held_price_e4, one.held_fee_e6,
    )  # fmt: skip
    quotes.keep(account, place, one.quantity, held_price_e4, one.held_fee_e6)
    engine.tell((), [])
    return True


def _arrive(engine: "Engine", command: MassQuote, account: int, one: QuoteSide) -> None:
    """A side arrives as an order; where its own command has reached the limit, it ends."""
    packed, quotes, number = engine.packed, engine.special.quotes, engine.books[one.symbol].number
    terms = PLAIN._replace(self_trade_prevention=command.prevention) if command.prevention else PLAIN
    order = Place(
        command.account, one.own_id, command.trading_date, command.key, command.digest, command.deadline_us, one.hold_id,
        one.held_amount, one.held_price_e4, one.held_fee_e6, one.symbol, one.side, OrderType.LIMIT, TimeInForce.DAY,
        one.price_e4, one.quantity, 0, terms, command.lease,
    )  # fmt: skip
    if quotes.is_active(account):
        quotes.come_late(account, number, one.quantity)
        engine.tell([order], [None])
        return
    identity, side = packed.identity_base | packed.sequence + 1, packed_side(one.side)
    head = w.PLACE | side << 8 | w.LIMIT << 16 | w.DAY << 24 | (number + 1) << 32 | (w.HELD | w.SPECIAL) << 48
    packed.terms(_prevention(command) << 16 | w.QUOTE, 0, 0, 0, 0, 0, 0, 0)
    owner, held = one.held_fee_e6 << 32 | account, (one.held_price_e4, one.held_amount)
    first = packed.execute(head, owner, one.price_e4, one.quantity, 0, *held, 0, 0)
    assert first == w.ACCEPTED, "what was looked at before is right"
    engine.tell([order], [None])
    lease = _lease(engine, command)
    if lease is not None and packed.is_open(identity):
        engine.leases.add(lease, identity)
        quotes.stand_by(identity, lease.number)


def _lease(engine: "Engine", command: MassQuote) -> Lease | None:
    """The one that the quotes are to stand by."""
    return engine.leases.find((participant_of(command.account), command.lease)) if command.lease else None


def _prevention(command: MassQuote) -> int:
    return 0 if command.prevention == SelfTradePrevention.NONE else command.prevention
