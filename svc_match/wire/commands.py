"""Order commands: what a participant asks, with its holds."""

import re
import struct
from collections.abc import Sequence

from bourse.match.v1 import events_pb2, match_pb2
from bourse.types.v1 import command_pb2
from chassis.units import command_digest
from svc_match.core import commands as core
from svc_match.core.engine import SEMANTICS
from svc_match.core.events import Reason, Refused
from svc_match.core.terms import wrong_quote, wrong_terms
from svc_match.core.words import ACCOUNT_LENGTH_LIMIT, CLIENT_ORDER_ID_LENGTH_LIMIT, MAX_GRACE_MS, MIN_GRACE_MS
from svc_match.ports import Item

CLIENT_ORDER_ID = re.compile(rf"[!-~]{{1,{CLIENT_ORDER_ID_LENGTH_LIMIT}}}\Z").match
SYMBOL_LENGTH_LIMIT = 12
INT32_MAX = (1 << 31) - 1
TERMS_KNOWN = {1: 0, 2: core.FIRST_TERMS}  # how many of an order's terms the earlier semantics knew
LEASE_SHOWN = 64
ITEM_HEAD = struct.Struct(">BI")  # of a command in a row: its kind and length
SUBMISSION = 0


def submission(message: match_pb2.Submission) -> Item:
    """A command with its hold; what cannot be a command of the core is refused by its fields."""
    encoded = framed(message.SerializeToString())
    command = message.command
    kind = command.WhichOneof("command")
    if kind == "place":
        place = command.place
        return Item(_place(message, place), encoded, place.traceparent)
    if kind == "cancel":
        cancel = command.cancel
        return Item(_cancel(message, cancel), encoded, cancel.traceparent)
    if kind == "replace":
        replace = command.replace
        return Item(_replace(message, replace), encoded, replace.traceparent)
    if kind == "mass_cancel":
        mass_cancel = command.mass_cancel
        return Item(_mass_cancel(message, mass_cancel), encoded, mass_cancel.traceparent)
    if kind == "mass_quote":
        mass_quote = command.mass_quote
        return Item(_mass_quote(message, mass_quote), encoded, mass_quote.traceparent)
    if kind == "renew_lease":
        renew = command.renew_lease
        return Item(_renew_lease(message, renew), encoded, renew.traceparent)
    return Item(Refused(Reason.COMMAND_MISSING, "command"), encoded)


def framed(body: bytes) -> bytes:
    """An encoded Submission as a row has it."""
    return ITEM_HEAD.pack(SUBMISSION, len(body)) + body


def read_submission(encoded: bytes, semantics: int = SEMANTICS) -> Item:
    """A command of its bytes, as the semantics read it."""
    message = match_pb2.Submission.FromString(encoded)
    if semantics in TERMS_KNOWN and message.command.HasField("place"):
        for term in core.Terms._fields[TERMS_KNOWN[semantics] :]:
            message.command.place.ClearField(term)
        message.command.place.ClearField("lease")
    return submission(message)


def read_request(raw: bytes) -> tuple[str, list[Item]]:
    """Incarnation and commands of a SubmitRequest."""
    request = match_pb2.SubmitRequest.FromString(raw)
    return request.incarnation, [submission(message) for message in request.submissions]


def own_id(item: Item) -> str:
    """The command's own id, for its answer."""
    if not isinstance(item.command, Refused):
        return item.command.client_order_id  # type: ignore[union-attr]
    command = match_pb2.Submission.FromString(item.encoded[ITEM_HEAD.size :]).command
    kind = command.WhichOneof("command")
    return getattr(command, kind).client_order_id if kind else ""


def _key(account: str, own_id: str) -> int:
    return int.from_bytes(command_digest(account, own_id))


def _place(message: match_pb2.Submission, place: command_pb2.PlaceOrder) -> core.Place | Refused:
    account, own_id, date, symbol = place.account, place.client_order_id, place.trading_date, place.symbol
    side, kind, time_in_force = place.side, place.type, place.time_in_force
    price_e4, quantity, amount_e4 = place.price_e4, place.quantity, place.amount_e4
    wrong = _wrong_names(account, own_id, symbol, message)
    if wrong is not None:
        return wrong
    if side not in (1, 2):
        return Refused(Reason.SIDE_INVALID, "side", str(side))
    terms = terms_of(place)
    wrong = wrong_terms(kind, time_in_force, quantity, terms, date)
    if wrong is not None:
        return wrong
    if place.lease and (wrong := _wrong_lease(place.lease)) is not None:
        return wrong
    return core.Place(
        account, own_id, date, _key(account, own_id),
        command_digest(
            "place", account, own_id, date, symbol, side, kind, time_in_force, price_e4, quantity, amount_e4,
            *(() if terms is core.PLAIN else terms.digested), *(("lease", place.lease) if place.lease else ()),
        ),
        message.deadline_us, message.hold_id, message.held_amount, message.held_price_e4, message.held_fee_e6,
        symbol, side, kind, time_in_force, price_e4, quantity, amount_e4, terms, place.lease,
    )  # fmt: skip


def terms_of(place: command_pb2.PlaceOrder | events_pb2.OrderAccepted) -> core.Terms:
    """What an order asks for; PLAIN itself where that is nothing."""
    terms = core.Terms(
        place.stop_price_e4, place.stop_trigger, place.display_quantity, int(place.hidden), place.post_only,
        place.minimum_quantity, place.self_trade_prevention, place.trailing_amount_e4, place.trailing_bp,
        place.stop_limit_price_e4, place.peg, place.peg_offset_e4, place.expire_date, place.expire_time_us,
    )  # fmt: skip
    return core.PLAIN if terms == core.PLAIN else terms


def _cancel(message: match_pb2.Submission, cancel: command_pb2.CancelOrder) -> core.Cancel | Refused:
    account, own_id, date = cancel.account, cancel.client_order_id, cancel.trading_date
    order_id, original, symbol = cancel.order_id, cancel.original_client_order_id, cancel.symbol
    wrong = _wrong_names(account, own_id, symbol, message)
    if wrong is not None:
        return wrong
    return core.Cancel(
        account, own_id, date, _key(account, own_id),
        command_digest("cancel", account, own_id, date, order_id, original, symbol),
        message.deadline_us, message.hold_id, order_id, original, _key(account, original) if original else 0, symbol,
    )  # fmt: skip


def _replace(message: match_pb2.Submission, replace: command_pb2.ReplaceOrder) -> core.Replace | Refused:
    account, own_id, date = replace.account, replace.client_order_id, replace.trading_date
    order_id, original, symbol = replace.order_id, replace.original_client_order_id, replace.symbol
    wrong = _wrong_names(account, own_id, symbol, message)
    if wrong is not None:
        return wrong
    return core.Replace(
        account, own_id, date, _key(account, own_id),
        command_digest(
            "replace", account, own_id, date, order_id, original, symbol, replace.price_e4, replace.quantity
        ),
        message.deadline_us, message.hold_id, order_id, original, _key(account, original) if original else 0, symbol,
        message.held_amount, message.held_fee_e6, replace.price_e4, replace.quantity,
    )  # fmt: skip


def _mass_cancel(message: match_pb2.Submission, cancel: command_pb2.MassCancel) -> core.MassCancel | Refused:
    account, own_id, date = cancel.account, cancel.client_order_id, cancel.trading_date
    wide, symbol, side = cancel.participant_wide, cancel.symbol, cancel.side
    wrong = _wrong_names(account, own_id, symbol, message) or wrong_side(side)
    if wrong is not None:
        return wrong
    return core.MassCancel(
        account, own_id, date, _key(account, own_id),
        command_digest("mass_cancel", account, own_id, date, int(wide), symbol, side),
        message.deadline_us, message.hold_id, wide, symbol, side,
    )  # fmt: skip


def _mass_quote(message: match_pb2.Submission, quote: command_pb2.MassQuote) -> core.MassQuote | Refused:
    account, own_id, date = quote.account, quote.client_order_id, quote.trading_date
    wrong = _wrong_names(account, own_id, "", message) or (_wrong_lease(quote.lease) if quote.lease else None)
    rows = [
        (one.symbol, one.bid_price_e4, one.bid_quantity, one.ask_price_e4, one.ask_quantity) for one in quote.entries
    ]
    protection = core.Protection(quote.fill_limit, quote.share_limit, quote.window_us)
    wrong = wrong or wrong_quote(own_id, rows, quote.self_trade_prevention, protection)
    if wrong is not None:
        return wrong
    long = next((symbol for symbol, *_ in rows if len(symbol) > SYMBOL_LENGTH_LIMIT), None)
    if long is not None:
        return Refused(Reason.SYMBOL_UNKNOWN, "symbol", long)
    sides = _quote_sides(own_id, rows, message.quote_holds)
    if sides is None:
        return Refused(Reason.HOLD_TOO_SMALL, "quote_holds", str(len(message.quote_holds)))
    prevention = quote.self_trade_prevention
    return core.MassQuote(
        account, own_id, date, _key(account, own_id),
        command_digest(
            "mass_quote", account, own_id, date, prevention, *protection, int(quote.reset), quote.lease,
            *(value for row in rows for value in row),
        ),
        message.deadline_us, sides, prevention, protection, quote.reset, quote.lease,
    )  # fmt: skip


def _quote_sides(
    own_id: str, rows: Sequence[tuple[str, int, int, int, int]], stored: Sequence[match_pb2.QuoteHold]
) -> tuple[core.QuoteSide, ...] | None:
    """Each side with its hold; nothing where these are not as many, or cannot be."""
    holds, made = iter(stored), []
    for entry, (symbol, bid_e4, bid, ask_e4, ask) in enumerate(rows):
        for side, letter, price_e4, quantity in ((1, "b", bid_e4, bid), (2, "a", ask_e4, ask)):
            hold = next(holds, None) if quantity else None
            if quantity and (hold is None or not _is_hold(hold)):
                return None
            held = (hold.hold_id, hold.held_amount, hold.held_price_e4, hold.held_fee_e6) if hold else (0, 0, 0, 0)
            made.append(core.QuoteSide(entry, symbol, side, price_e4, quantity, f"{own_id}/{entry}{letter}", *held))
    return tuple(made) if next(holds, None) is None else None


def _is_hold(hold: match_pb2.QuoteHold) -> bool:
    return (
        hold.hold_id >= 0 and hold.held_amount >= 0 and hold.held_price_e4 >= 0 and 0 <= hold.held_fee_e6 <= INT32_MAX
    )


def _renew_lease(message: match_pb2.Submission, renew: command_pb2.RenewLease) -> core.RenewLease | Refused:
    wrong = _wrong_names(renew.account, renew.client_order_id, "", message) or _wrong_lease(renew.lease)
    if wrong is None and not MIN_GRACE_MS <= renew.grace_ms <= MAX_GRACE_MS:
        wrong = Refused(Reason.LEASE_INVALID, "grace_ms", str(renew.grace_ms))
    return wrong or core.RenewLease(renew.account, renew.client_order_id, renew.lease, renew.grace_ms * 1_000)


def _wrong_lease(name: str) -> Refused | None:
    return None if CLIENT_ORDER_ID(name) else Refused(Reason.LEASE_INVALID, "lease", name[:LEASE_SHOWN])


def wrong_side(side: int) -> Refused | None:
    """One side or, left out, both."""
    return None if side in (0, 1, 2) else Refused(Reason.SIDE_INVALID, "side", str(side))


def _wrong_names(account: str, own_id: str, symbol: str, message: match_pb2.Submission) -> Refused | None:
    """What would spoil the row for its neighbours is refused by its fields."""
    if not CLIENT_ORDER_ID(own_id):
        return Refused(Reason.CLIENT_ORDER_ID_INVALID, "client_order_id", own_id)
    if not 0 < len(account) <= ACCOUNT_LENGTH_LIMIT:
        return Refused(Reason.ACCOUNT_INVALID, "account", account)
    if len(symbol) > SYMBOL_LENGTH_LIMIT:
        return Refused(Reason.SYMBOL_UNKNOWN, "symbol", symbol)
    if not (0 <= message.held_fee_e6 <= INT32_MAX and message.held_amount >= 0 and message.held_price_e4 >= 0):
        return Refused(Reason.HOLD_TOO_SMALL, "held_amount", str(message.held_amount))
    return None
