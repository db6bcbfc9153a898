"""protobuf <-> core. What is encoded here is stored, published and streamed as it is."""

import re
import struct
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from bourse.match.v1 import events_pb2, match_pb2
from bourse.types.v1 import command_pb2, market_pb2
from chassis.units import command_digest, order_id, sequence_of, shard_of
from svc_match.core import commands as core
from svc_match.core import events
from svc_match.core.engine import SEMANTICS, Applied, Engine
from svc_match.core.events import Reason, Refused
from svc_match.core.instrument import AuctionKind, Instrument, Listing, Phase, TickBand
from svc_match.core.plain import Executed
from svc_match.core.restrictions import PER_SECOND_LIMIT
from svc_match.core.schedule import STEPS_IN_ALL_LIMIT
from svc_match.core.terms import wrong_quote, wrong_terms
from svc_match.core.words import (
    ACCOUNT_LENGTH_LIMIT,
    BUST_REASON_LENGTH_LIMIT,
    CLIENT_ORDER_ID_LENGTH_LIMIT,
    MAX_GRACE_MS,
    MIN_GRACE_MS,
    PARTICIPANT_LENGTH_LIMIT,
    WORDS,
)
from svc_match.ports import NO_SYMBOL, Encoded, Head, Item

PART_BYTES_LIMIT = 512 * 1024
PART_EVENTS_LIMIT = 4_096
CLIENT_ORDER_ID = re.compile(rf"[!-~]{{1,{CLIENT_ORDER_ID_LENGTH_LIMIT}}}\Z").match
SYMBOL_LENGTH_LIMIT = 12
INT32_MAX = (1 << 31) - 1
TERMS_KNOWN = {1: 0, 2: core.FIRST_TERMS}  # how many of an order's terms the earlier semantics knew
AUCTIONS_SINCE = PROTECTION_SINCE = 3  # the semantics that know them
LEASE_SHOWN = 64
PROTECTION = (
    "market_protection_bp", "tick_bands", "max_notional_e4", "reference_price_e4", "static_collar_bp", "dynamic_collar_bp",
    "volatility_auction_us", "limit_band_bp", "limit_interval_us", "limit_state_us", "limit_pause_us",
)  # fmt: skip

# Commands

_ITEM_HEAD = struct.Struct(">BI")
_CONTROLS: dict[int, Any] = {
    1: match_pb2.OpenTradingDateRequest,
    2: match_pb2.CloseTradingDateRequest,
    3: match_pb2.AddInstrumentRequest,
    4: match_pb2.SetPhaseRequest,
    20: match_pb2.ChangeInstrumentRequest,
    21: match_pb2.SetListingRequest,
    6: events_pb2.TradeBusted,  # with the trade as the journal has it
    30: match_pb2.EndOrdersRequest,
    31: match_pb2.KillParticipantRequest,
    32: match_pb2.ReleaseParticipantRequest,
    33: match_pb2.SetOrderRateRequest,
    40: match_pb2.SetCalendarRequest,
}
_SUBMISSION, _ADD_INSTRUMENT, _SET_PHASE, _TICK = 0, 3, 4, 5
TICK = Item(core.Tick(), _ITEM_HEAD.pack(_TICK, 0))


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
    return _ITEM_HEAD.pack(_SUBMISSION, len(body)) + body


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
    command = match_pb2.Submission.FromString(item.encoded[_ITEM_HEAD.size :]).command
    kind = command.WhichOneof("command")
    return getattr(command, kind).client_order_id if kind else ""


def control(message: Any) -> Item:
    """An operator's request as a command."""
    body = message.SerializeToString()
    kind = next(number for number, request in _CONTROLS.items() if isinstance(message, request))
    return Item(_control(message), _ITEM_HEAD.pack(kind, len(body)) + body)


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
    terms = _terms(place)
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


def _terms(place: command_pb2.PlaceOrder | events_pb2.OrderAccepted) -> core.Terms:
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
    wrong = _wrong_names(account, own_id, symbol, message) or _wrong_side(side)
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


def _wrong_side(side: int) -> Refused | None:
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


def _control(message: Any) -> core.Command | Refused:
    if isinstance(message, match_pb2.OpenTradingDateRequest):
        return core.OpenDate(message.trading_date)
    if isinstance(message, match_pb2.CloseTradingDateRequest):
        return core.CloseDate(message.trading_date)
    if isinstance(message, match_pb2.AddInstrumentRequest):
        return core.AddInstrument(instrument(message.instrument))
    if isinstance(message, match_pb2.ChangeInstrumentRequest):
        return core.ChangeInstrument(instrument(message.instrument))
    if isinstance(message, match_pb2.SetListingRequest):
        if int(message.listing) not in tuple(Listing):
            return Refused(Reason.LISTING_INVALID, "listing", str(message.listing))
        return core.SetListing(message.symbol, Listing(message.listing))
    if isinstance(message, events_pb2.TradeBusted):
        if not (0 < len(message.reason) <= BUST_REASON_LENGTH_LIMIT and message.reason.isprintable()):
            return Refused(Reason.BUST_REASON_INVALID, "reason", message.reason)
        return core.BustTrade(_read_trade(sequence_of(message.trade_id), message.trade), message.reason)
    if isinstance(message, AGAINST):
        return _against(message)
    if isinstance(message, match_pb2.SetCalendarRequest):
        if len(message.transitions) > STEPS_IN_ALL_LIMIT:
            return Refused(Reason.CALENDAR_INVALID, "transitions", str(len(message.transitions)))
        return core.SetCalendar(tuple(map(_step, message.transitions)), message.seed)
    if message.phase not in tuple(Phase):
        return Refused(Reason.PHASE_INVALID, "phase", str(message.phase))
    if message.auction not in (tuple(AuctionKind) if message.phase == Phase.AUCTION else (0,)):
        return Refused(Reason.AUCTION_KIND_INVALID, "auction", str(message.auction))
    return core.SetPhase(message.symbol, Phase(message.phase), message.auction)


AGAINST = (
    match_pb2.EndOrdersRequest,
    match_pb2.KillParticipantRequest,
    match_pb2.ReleaseParticipantRequest,
    match_pb2.SetOrderRateRequest,
)


def _against(message: Any) -> core.Command | Refused:
    """What the operator asks about a participant."""
    if isinstance(message, match_pb2.EndOrdersRequest):
        return _end_orders(message)
    if isinstance(message, match_pb2.KillParticipantRequest):
        return _wrong_participant(message.participant) or core.KillParticipant(message.participant)
    if isinstance(message, match_pb2.ReleaseParticipantRequest):
        return _wrong_participant(message.participant) or core.ReleaseParticipant(message.participant)
    return _set_order_rate(message.rate)


def _end_orders(message: match_pb2.EndOrdersRequest) -> core.EndOrders | Refused:
    wrong = _wrong_participant(message.participant) or _wrong_side(message.side)
    return wrong or core.EndOrders(message.participant, message.symbol, message.side)


def _set_order_rate(rate: market_pb2.OrderRate) -> core.SetOrderRate | Refused:
    wrong = _wrong_participant(rate.participant)
    if wrong is not None:
        return wrong
    for field, value, other in (("per_second", rate.per_second, rate.burst), ("burst", rate.burst, rate.per_second)):
        if not 0 <= value <= PER_SECOND_LIMIT or (not value and other):
            return Refused(Reason.ORDER_RATE_INVALID, field, str(value))
    return core.SetOrderRate(rate.participant, rate.per_second, rate.burst)


def _wrong_participant(name: str) -> Refused | None:
    """Nothing is known here of who is a participant, but what none can be called."""
    if 0 < len(name) <= PARTICIPANT_LENGTH_LIMIT and name.isprintable() and "/" not in name:
        return None
    return Refused(Reason.PARTICIPANT_INVALID, "participant", name[: 2 * PARTICIPANT_LENGTH_LIMIT])


def _step(message: market_pb2.Transition) -> core.Step:
    return core.Step(
        message.time_us, message.kind, message.trading_date, message.phase, message.auction, message.random_end_us
    )


def transition_message(step: core.Step) -> market_pb2.Transition:
    """The inverse."""
    message = market_pb2.Transition()
    (message.time_us, message.kind, message.trading_date, message.phase, message.auction, message.random_end_us) = step  # type: ignore[assignment]
    return message


def items(encoded: bytes, read: Callable[[bytes], Any] = read_submission, semantics: int = SEMANTICS) -> list[Any]:
    """The commands of a journal row, as its semantics read them; `read` makes a command of a Submission's bytes."""
    found, start = [], 0
    while start < len(encoded):
        kind, length = _ITEM_HEAD.unpack_from(encoded, start)
        start += _ITEM_HEAD.size
        body = encoded[start : start + length]
        start += length
        if kind == _SUBMISSION:
            found.append(read(body))
        elif kind == _TICK:
            found.append(TICK)
        else:
            message = _CONTROLS[kind].FromString(body)
            if semantics < AUCTIONS_SINCE and kind == _SET_PHASE:
                message.ClearField("auction")
            if semantics < PROTECTION_SINCE and kind == _ADD_INSTRUMENT:
                for field in PROTECTION:
                    message.instrument.ClearField(field)
            found.append(control(message))
    return found


def commands(these: Sequence[Item]) -> bytes:
    """The inverse of `items`."""
    return b"".join([item.encoded for item in these])


# Rows


def encoded(head: Head, engine: Engine, these: Sequence[Item], applied: Applied) -> Encoded:
    """What commands did; `these` are those that have a result."""
    last = {symbol: engine.books[symbol].symbol_sequence for symbol in applied.public}
    recorded = [item for item, result in zip(these, applied.results, strict=False) if type(result) in events.ON_RECORD]
    counted = [
        type(result).__name__.lower() for item, result in zip(these, applied.results, strict=False) if item is not TICK
    ]
    return Encoded(
        commands=commands(recorded),
        executions=executions(head, applied),
        market_data=market_data(head, applied, last),
        results=applied.results,
        counts=Counter(counted),
        fills=sum(type(event) is events.Traded for event in applied.events),
    )


# Private events


def executions(head: Head, applied: Applied) -> list[bytes]:
    """The private events in parts of at most PART_BYTES_LIMIT bytes."""
    return private_parts(
        head, applied, len(applied.events), lambda start, end: _private_events(applied.events[start:end])
    )


def private_parts(head: Head, done: Applied | Executed, count: int, read: Callable[[int, int], bytes]) -> list[bytes]:
    """Parts of at most PART_BYTES_LIMIT bytes; `read` has the encoded events of a row from one place to before another."""
    parts: list[bytes] = []
    for start in range(0, count, PART_EVENTS_LIMIT):
        parts += _private_parts(head, done, start, min(start + PART_EVENTS_LIMIT, count), read)
    return parts


def _private_parts(
    head: Head, done: Applied | Executed, start: int, end: int, read: Callable[[int, int], bytes]
) -> list[bytes]:
    batch = events_pb2.ExecutionBatch(
        incarnation=head.incarnation,
        epoch=head.epoch,
        shard=head.shard,
        first_sequence=done.first_sequence + start,
        last_sequence=done.first_sequence + end - 1,
        time_us=head.time_us,
        trading_date=done.trading_date,
    )
    encoded = batch.SerializeToString() + read(start, end)
    if len(encoded) <= PART_BYTES_LIMIT or end - start == 1:
        return [encoded]
    middle = start + (end - start) // 2
    return [*_private_parts(head, done, start, middle, read), *_private_parts(head, done, middle, end, read)]


def _private_events(some: Sequence[events.Event]) -> bytes:
    batch = events_pb2.ExecutionBatch()
    add = batch.events.add
    for event in some:
        _PRIVATE[type(event)](add(), event)
    return batch.SerializeToString(deterministic=True)


def private_event(event: events.Event) -> bytes:
    """One of the `events` of an ExecutionBatch."""
    return _private_events([event])


def _put_accepted(message: events_pb2.ExecutionEvent, event: events.Accepted) -> None:
    to = message.accepted
    (
        _, to.order_id, to.account, to.client_order_id, to.symbol, to.side, to.type, to.time_in_force,
        to.price_e4, to.quantity, to.amount_e4, to.hold_id, to.held_price_e4, to.held_fee_e6, terms, to.lease,
    ) = event  # type: ignore[assignment]  # fmt: skip
    if terms is not core.PLAIN:
        (
            to.stop_price_e4, to.stop_trigger, to.display_quantity, hidden, to.post_only, to.minimum_quantity,
            to.self_trade_prevention, to.trailing_amount_e4, to.trailing_bp, to.stop_limit_price_e4,
            to.peg, to.peg_offset_e4, to.expire_date, to.expire_time_us,
        ) = terms  # type: ignore[assignment]  # fmt: skip
        to.hidden = bool(hidden)


def _put_rejected(message: events_pb2.ExecutionEvent, event: events.Rejected) -> None:
    to = message.rejected
    (_, to.kind, to.order_id, to.account, to.client_order_id, to.symbol, to.hold_id, reason, field, value, holds) = (
        event  # type: ignore[assignment]
    )
    put_refusal(to.refusal, Refused(reason, field, value))
    if holds:
        to.hold_ids.extend(holds)


def _put_traded(message: events_pb2.ExecutionEvent, event: events.Traded) -> None:
    to = message.trade
    (
        _, to.symbol, to.price_e4, to.quantity, to.maker_order_id, to.taker_order_id, to.maker_account,
        to.taker_account, to.taker_side, to.maker_fee_e4, to.taker_fee_e4, to.maker_open_quantity,
        to.taker_open_quantity, to.auction,
    ) = event  # type: ignore[assignment]  # fmt: skip


def _read_trade(sequence: int, t: events_pb2.Trade) -> events.Traded:
    return events.Traded(
        sequence, t.symbol, t.price_e4, t.quantity, t.maker_order_id, t.taker_order_id, t.maker_account,
        t.taker_account, t.taker_side, t.maker_fee_e4, t.taker_fee_e4, t.maker_open_quantity, t.taker_open_quantity,
        t.auction,
    )  # fmt: skip


def _put_busted(message: events_pb2.ExecutionEvent, event: events.Busted) -> None:
    to, trade = message.busted, event.trade
    to.trade_id, to.reason = order_id(shard_of(trade.maker_order_id), trade.sequence), event.reason
    told = events_pb2.ExecutionEvent()
    _put_traded(told, trade)
    to.trade.CopyFrom(told.trade)


def _put_replaced(message: events_pb2.ExecutionEvent, event: events.Replaced) -> None:
    to = message.replaced
    (
        _, to.order_id, to.account, to.client_order_id, to.symbol, to.price_e4, to.quantity, to.open_quantity,
        to.hold_id, to.held_price_e4, to.held_fee_e6,
    ) = event  # fmt: skip


def _put_restated(message: events_pb2.ExecutionEvent, event: events.Restated) -> None:
    to = message.restated
    (
        _, to.order_id, to.account, to.reason, to.symbol, to.price_e4, to.quantity, to.open_quantity, to.held_price_e4,
        to.held_fee_e6,
    ) = event  # type: ignore[assignment]  # fmt: skip


def _put_mass_cancelled(message: events_pb2.ExecutionEvent, event: events.MassCancelled) -> None:
    to = message.mass_cancelled
    (_, to.participant, to.account, to.client_order_id, to.participant_wide, to.symbol, to.side, to.orders) = event  # type: ignore[assignment]


def _put_mass_quoted(message: events_pb2.ExecutionEvent, event: events.MassQuoted) -> None:
    to = message.mass_quoted
    _, to.account, to.client_order_id, to.quotes, to.fill_limit, to.share_limit, to.window_us, to.reset = event


def _put_protected(message: events_pb2.ExecutionEvent, event: events.MakerProtected) -> None:
    to = message.maker_protected
    _, to.account, to.quotes, to.fills, to.shares = event


def _put_killed(message: events_pb2.ExecutionEvent, event: events.ParticipantKilled) -> None:
    to = message.participant_killed
    _, to.participant, to.orders = event


def _put_released(message: events_pb2.ExecutionEvent, event: events.ParticipantReleased) -> None:
    message.participant_released.participant = event.participant


def _put_order_rate(message: events_pb2.ExecutionEvent, event: events.OrderRateSet) -> None:
    to = message.order_rate_set.rate
    _, to.participant, to.per_second, to.burst = event


def _put_lease(message: events_pb2.ExecutionEvent, event: events.LeaseChanged) -> None:
    to = message.lease_changed
    _, to.participant, to.lease, to.expire_time_us, to.orders = event


def _put_done(message: events_pb2.ExecutionEvent, event: events.Done) -> None:
    to = message.done
    (
        _, to.order_id, to.account, to.reason, to.client_order_id, to.symbol, to.executed_quantity,
        to.cancelled_quantity,
    ) = event  # type: ignore[assignment]  # fmt: skip


def _put_ticked(message: events_pb2.ExecutionEvent, _event: events.Ticked) -> None:
    message.tick.SetInParent()


# These are the same in private and public messages.


def _put_date_opened(message: Any, event: events.DateOpened) -> None:
    message.date_opened.trading_date = event.trading_date


def _put_date_closed(message: Any, event: events.DateClosed) -> None:
    message.date_closed.trading_date = event.trading_date


def _put_instrument(message: Any, event: events.InstrumentAdded) -> None:
    message.instrument_added.instrument.CopyFrom(instrument_message(event.instrument))


def _put_changed(message: Any, event: events.InstrumentChanged) -> None:
    message.instrument_changed.instrument.CopyFrom(instrument_message(event.instrument))


def _put_listing(message: Any, event: events.ListingChanged) -> None:
    message.listing_changed.symbol = event.symbol
    message.listing_changed.listing = int(event.listing)


def _put_phase(message: Any, event: events.PhaseChanged) -> None:
    message.phase_changed.symbol = event.symbol
    message.phase_changed.phase = int(event.phase)
    message.phase_changed.auction = event.auction


def _put_calendar(message: Any, event: events.CalendarMoved) -> None:
    to = message.calendar_moved
    to.SetInParent()
    if event.done is not None:
        to.done.CopyFrom(transition_message(event.done))
    if event.following is not None:
        to.following.CopyFrom(transition_message(event.following))


def _put_missed(message: Any, event: events.ScheduleMissed) -> None:
    message.schedule_missed.missed.CopyFrom(transition_message(event.missed))


def _put_bands(message: Any, event: events.PriceBandsChanged) -> None:
    to = message.price_bands_changed
    _, to.symbol, to.reference_price_e4, to.lower_price_e4, to.upper_price_e4, to.limit_side = event


_SHARED: dict[type, Callable[[Any, Any], None]] = {
    events.DateOpened: _put_date_opened,
    events.DateClosed: _put_date_closed,
    events.InstrumentAdded: _put_instrument,
    events.InstrumentChanged: _put_changed,
    events.ListingChanged: _put_listing,
    events.PhaseChanged: _put_phase,
    events.CalendarMoved: _put_calendar,
    events.ScheduleMissed: _put_missed,
    events.PriceBandsChanged: _put_bands,
}
_PRIVATE: dict[type, Callable[[Any, Any], None]] = {
    **_SHARED,
    events.Ticked: _put_ticked,
    events.Accepted: _put_accepted,
    events.Rejected: _put_rejected,
    events.Traded: _put_traded,
    events.Busted: _put_busted,
    events.Replaced: _put_replaced,
    events.Restated: _put_restated,
    events.MassCancelled: _put_mass_cancelled,
    events.MassQuoted: _put_mass_quoted,
    events.MakerProtected: _put_protected,
    events.ParticipantKilled: _put_killed,
    events.ParticipantReleased: _put_released,
    events.OrderRateSet: _put_order_rate,
    events.LeaseChanged: _put_lease,
    events.Done: _put_done,
}


def firsts(parts: Iterable[bytes], sequences: Sequence[int]) -> dict[int, events.First]:
    """Those of `sequences` that a row's private parts hold; each is some command's first result."""
    found = {}
    for part in parts:
        batch = events_pb2.ExecutionBatch.FromString(part)
        for sequence in sequences:
            if batch.first_sequence <= sequence <= batch.last_sequence:
                found[sequence] = _first(batch.events[sequence - batch.first_sequence], sequence)
    return found


def trade_in(parts: Iterable[bytes], sequence: int) -> events_pb2.Trade | None:
    """The trade that has this sequence in a row's private parts; None where that is no trade."""
    for part in parts:
        batch = events_pb2.ExecutionBatch.FromString(part)
        if batch.first_sequence <= sequence <= batch.last_sequence:
            event = batch.events[sequence - batch.first_sequence]
            return event.trade if event.HasField("trade") else None
    return None


def _first(message: events_pb2.ExecutionEvent, sequence: int) -> events.First:
    kind = message.WhichOneof("event")
    if kind == "accepted":
        a = message.accepted
        return events.Accepted(
            sequence, a.order_id, a.account, a.client_order_id, a.symbol, a.side, a.type, a.time_in_force, a.price_e4,
            a.quantity, a.amount_e4, a.hold_id, a.held_price_e4, a.held_fee_e6, _terms(a), a.lease,
        )  # fmt: skip
    if kind == "rejected":
        r = message.rejected
        field, value = r.refusal.metadata.get("field", ""), r.refusal.metadata.get("value", "")
        return events.Rejected(
            sequence, events.Kind(r.kind), r.order_id, r.account, r.client_order_id, r.symbol, r.hold_id,
            Reason(r.refusal.reason), field, value, tuple(r.hold_ids),
        )  # fmt: skip
    if kind == "replaced":
        p = message.replaced
        return events.Replaced(
            sequence, p.order_id, p.account, p.client_order_id, p.symbol, p.price_e4, p.quantity, p.open_quantity,
            p.hold_id, p.held_price_e4, p.held_fee_e6,
        )  # fmt: skip
    if kind == "mass_cancelled":
        m = message.mass_cancelled
        return events.MassCancelled(
            sequence, m.participant, m.account, m.client_order_id, m.participant_wide, m.symbol, m.side, m.orders
        )
    if kind == "mass_quoted":
        q = message.mass_quoted
        return events.MassQuoted(
            sequence, q.account, q.client_order_id, q.quotes, q.fill_limit, q.share_limit, q.window_us, q.reset
        )
    assert kind == "done", f"event {sequence} is no command's result"
    d = message.done
    return events.Done(
        sequence, d.order_id, d.account, events.DoneReason(d.reason), d.client_order_id, d.symbol, d.executed_quantity,
        d.cancelled_quantity,
    )  # fmt: skip


def last_of_executions(encoded: bytes) -> tuple[str, int]:
    """Incarnation and last sequence of an ExecutionBatch."""
    batch = events_pb2.ExecutionBatch.FromString(encoded)
    return batch.incarnation, batch.last_sequence


# Public events


def market_data(head: Head, applied: Applied, last_symbol_sequences: dict[str, int]) -> list[tuple[str, bytes]]:
    """The public events in parts of at most PART_BYTES_LIMIT bytes, each with its symbol; at least one part."""
    pieces = [
        piece
        for symbol, shown in applied.public.items()
        for piece in _pieces(symbol, last_symbol_sequences[symbol] - len(shown) + 1, shown)
    ] or [("", 0, b"")]
    return [
        (symbol or NO_SYMBOL, public_part(head, applied, (symbol, number, part, len(pieces)), encoded))
        for part, (symbol, number, encoded) in enumerate(pieces)
    ]


def _pieces(symbol: str, first_number: int, shown: list[events.Public]) -> Iterator[tuple[str, int, bytes]]:
    for start in range(0, len(shown), PART_EVENTS_LIMIT):
        piece = events_pb2.MarketDataBatch()
        add = piece.events.add
        for event in shown[start : start + PART_EVENTS_LIMIT]:
            message = add()
            message.sequence = event.sequence
            _PUBLIC[type(event)](message, event)
        yield symbol, first_number + start, piece.SerializeToString()


def public_part(head: Head, done: Applied | Executed, place: tuple[str, int, int, int], encoded: bytes) -> bytes:
    """A part with its encoded events; `place` is the symbol, the first symbol_sequence, the part and how many parts there are."""
    symbol, first_symbol_sequence, part, parts = place
    batch = events_pb2.MarketDataBatch(
        incarnation=head.incarnation,
        epoch=head.epoch,
        shard=head.shard,
        first_sequence=done.first_sequence,
        last_sequence=done.last_sequence,
        time_us=head.time_us,
        part=part,
        parts=parts,
        symbol=symbol,
        first_symbol_sequence=first_symbol_sequence,
    )
    made = batch.SerializeToString() + encoded
    assert len(made) <= PART_BYTES_LIMIT, "PART_EVENTS_LIMIT public events fit a part"
    return made


def _put_trade(message: events_pb2.MarketDataEvent, event: events.PublicTrade) -> None:
    to = message.trade
    _, to.price_e4, to.quantity, to.taker_side, to.auction = event  # type: ignore[assignment]


def _put_level(message: events_pb2.MarketDataEvent, event: events.LevelChanged) -> None:
    to = message.level
    _, to.side, to.price_e4, to.quantity, to.orders = event  # type: ignore[assignment]


def _put_public_bust(message: events_pb2.MarketDataEvent, event: events.Busted) -> None:
    to, trade = message.busted, event.trade
    to.trade_sequence, to.price_e4, to.quantity = trade.sequence, trade.price_e4, trade.quantity
    to.taker_side = trade.taker_side  # type: ignore[assignment]


def _put_indicative(message: events_pb2.MarketDataEvent, event: events.IndicativeChanged) -> None:
    message.indicative.CopyFrom(indicative(event[1:]))


def indicative(found: Sequence[int]) -> events_pb2.IndicativeChanged:
    """What an auction would do, as IndicativeChanged has it."""
    price_e4, quantity, side, surplus = found
    return events_pb2.IndicativeChanged(
        price_e4=price_e4,
        quantity=quantity,
        surplus_side=side,  # type: ignore[arg-type]
        surplus_quantity=surplus,
    )


_PUBLIC: dict[type, Callable[[Any, Any], None]] = {
    **_SHARED,
    events.PublicTrade: _put_trade,
    events.Busted: _put_public_bust,
    events.LevelChanged: _put_level,
    events.IndicativeChanged: _put_indicative,
}


def last_of_market_data(encoded: bytes) -> tuple[str, int, int, int]:
    """Incarnation, last sequence, part and parts of a MarketDataBatch."""
    batch = events_pb2.MarketDataBatch.FromString(encoded)
    return batch.incarnation, batch.last_sequence, batch.part, batch.parts


# Answers


def result(own_id: str, result: events.Result) -> bytes:
    """One of the `results` of a SubmitResponse."""
    response = match_pb2.SubmitResponse()
    put_result(response.results.add(), own_id, result)
    return response.SerializeToString(deterministic=True)


def put_result(to: command_pb2.CommandResult, own_id: str, result: events.Result) -> None:
    """A command's answer. It is made from the event alone, so a repeat gets the same bytes."""
    to.client_order_id = own_id
    if type(result) is events.Accepted:
        to.outcome = command_pb2.OUTCOME_ACCEPTED
        to.order_id, to.sequence, to.quantity = result.order_id, result.sequence, result.quantity
    elif type(result) is events.Done:
        to.outcome = command_pb2.OUTCOME_CANCELLED
        to.order_id, to.sequence, to.quantity = result.order_id, result.sequence, result.cancelled_quantity
    elif type(result) is events.Replaced:
        to.outcome = command_pb2.OUTCOME_REPLACED
        to.order_id, to.sequence, to.quantity = result.order_id, result.sequence, result.open_quantity
    elif type(result) is events.MassCancelled:
        to.outcome = command_pb2.OUTCOME_CANCELLED
        to.sequence, to.orders = result.sequence, result.orders
    elif type(result) is events.MassQuoted:
        to.outcome = command_pb2.OUTCOME_ACCEPTED
        to.sequence, to.orders = result.sequence, result.quotes
    elif type(result) is events.LeaseChanged:
        to.outcome, to.sequence = command_pb2.OUTCOME_ACCEPTED, result.sequence
    elif type(result) is events.Rejected:
        to.outcome = command_pb2.OUTCOME_REJECTED
        to.order_id, to.sequence = result.order_id, result.sequence
        put_refusal(to.refusal, Refused(result.reason, result.field, result.value))
    elif type(result) is Refused:
        to.outcome = command_pb2.OUTCOME_REFUSED
        put_refusal(to.refusal, result)
    else:
        assert type(result) is events.Late
        to.outcome = command_pb2.OUTCOME_LATE


def put_refusal(to: market_pb2.Refusal, refused: Refused) -> None:
    """A refusal with the sentence and the remedy of its reason."""
    message, fix = WORDS[refused.reason]
    to.reason = refused.reason
    to.message = message
    metadata = to.metadata
    if refused.field:
        metadata["field"] = refused.field
        metadata["value"] = refused.value
    metadata["fix"] = fix


def refusal_but_value(reason: Reason, field: str) -> bytes:
    """A refusal that names a field, encoded up to the entry of `metadata` that has the value, which is the last one."""
    refusal = market_pb2.Refusal()
    put_refusal(refusal, Refused(reason, field))
    del refusal.metadata["value"]
    return refusal.SerializeToString(deterministic=True)


def refusal_value(value: str) -> bytes:
    """That last entry."""
    return market_pb2.Refusal(metadata={"value": value}).SerializeToString()


# Reference data and depth


def instrument(message: market_pb2.Instrument) -> Instrument:
    """An instrument as the core has it; its shard is the one that keeps it."""
    return Instrument(
        message.symbol,
        message.currency,
        message.tick_size_e4,
        message.lot_size,
        message.min_price_e4,
        message.max_price_e4,
        message.max_quantity,
        message.maker_fee_e6,
        message.taker_fee_e6,
        message.shard,
        message.market_protection_bp,
        tuple(TickBand(band.price_from_e4, band.tick_size_e4) for band in message.tick_bands),
        message.max_notional_e4,
        message.reference_price_e4,
        message.static_collar_bp,
        message.dynamic_collar_bp,
        message.volatility_auction_us,
        message.limit_band_bp,
        message.limit_interval_us,
        message.limit_state_us,
        message.limit_pause_us,
    )


def instrument_message(it: Instrument) -> market_pb2.Instrument:
    """The inverse of `instrument`."""
    return market_pb2.Instrument(
        symbol=it.symbol,
        currency=it.currency,
        tick_size_e4=it.tick_size_e4,
        lot_size=it.lot_size,
        min_price_e4=it.min_price_e4,
        max_price_e4=it.max_price_e4,
        max_quantity=it.max_quantity,
        maker_fee_e6=it.maker_fee_e6,
        taker_fee_e6=it.taker_fee_e6,
        shard=it.shard,
        market_protection_bp=it.market_protection_bp,
        tick_bands=[market_pb2.TickBand(price_from_e4=start, tick_size_e4=tick) for start, tick in it.tick_bands],
        max_notional_e4=it.max_notional_e4,
        reference_price_e4=it.reference_price_e4,
        static_collar_bp=it.static_collar_bp,
        dynamic_collar_bp=it.dynamic_collar_bp,
        volatility_auction_us=it.volatility_auction_us,
        limit_band_bp=it.limit_band_bp,
        limit_interval_us=it.limit_interval_us,
        limit_state_us=it.limit_state_us,
        limit_pause_us=it.limit_pause_us,
    )
