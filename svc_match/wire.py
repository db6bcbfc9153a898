"""protobuf <-> core. What is encoded here is stored, published and streamed as it is."""

import re
import struct
from collections.abc import Callable, Iterable, Iterator, Sequence
from typing import Any

from bourse.match.v1 import events_pb2, match_pb2
from bourse.types.v1 import command_pb2, market_pb2
from chassis.units import command_digest
from svc_match.core import commands as core
from svc_match.core import events
from svc_match.core.engine import SEMANTICS, Applied
from svc_match.core.events import Reason, Refused
from svc_match.core.instrument import Instrument, Phase
from svc_match.core.terms import wrong_terms
from svc_match.core.words import ACCOUNT_LENGTH_LIMIT, CLIENT_ORDER_ID_LENGTH_LIMIT, WORDS
from svc_match.ports import NO_SYMBOL, Head, Item

PART_BYTES_LIMIT = 512 * 1024
PART_EVENTS_LIMIT = 4_096
CLIENT_ORDER_ID = re.compile(rf"[!-~]{{1,{CLIENT_ORDER_ID_LENGTH_LIMIT}}}\Z").match
SYMBOL_LENGTH_LIMIT = 12
INT32_MAX = (1 << 31) - 1
TERMS_SINCE = 2  # the semantics that know an order's terms

# Commands

_ITEM_HEAD = struct.Struct(">BI")
_CONTROLS: dict[int, Any] = {
    1: match_pb2.OpenTradingDateRequest,
    2: match_pb2.CloseTradingDateRequest,
    3: match_pb2.AddInstrumentRequest,
    4: match_pb2.SetPhaseRequest,
}
_SUBMISSION, _TICK = 0, 5
TICK = Item(core.Tick(), _ITEM_HEAD.pack(_TICK, 0))


def submission(message: match_pb2.Submission) -> Item:
    """A command with its hold; what cannot be a command of the core is refused by its fields."""
    body = message.SerializeToString()
    encoded = _ITEM_HEAD.pack(_SUBMISSION, len(body)) + body
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
    return Item(Refused(Reason.COMMAND_MISSING, "command"), encoded)


def client_order_id(message: match_pb2.Submission) -> str:
    """The command's own id, for its answer."""
    kind = message.command.WhichOneof("command")
    return getattr(message.command, kind).client_order_id if kind else ""


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
    wrong = wrong_terms(kind, time_in_force, quantity, terms)
    if wrong is not None:
        return wrong
    return core.Place(
        account, own_id, date, _key(account, own_id),
        command_digest(
            "place", account, own_id, date, symbol, side, kind, time_in_force, price_e4, quantity, amount_e4,
            *(() if terms is core.PLAIN else terms),
        ),
        message.deadline_us, message.hold_id, message.held_amount, message.held_price_e4, message.held_fee_e6,
        symbol, side, kind, time_in_force, price_e4, quantity, amount_e4, terms,
    )  # fmt: skip


def _terms(place: command_pb2.PlaceOrder | events_pb2.OrderAccepted) -> core.Terms:
    """What an order asks for; PLAIN itself where that is nothing."""
    terms = core.Terms(
        place.stop_price_e4, place.stop_trigger, place.display_quantity, int(place.hidden), place.post_only,
        place.minimum_quantity, place.self_trade_prevention,
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
    if message.phase not in tuple(Phase):
        return Refused(Reason.PHASE_INVALID, "phase", str(message.phase))
    return core.SetPhase(message.symbol, Phase(message.phase))


def items(encoded: bytes, semantics: int = SEMANTICS) -> list[Item]:
    """The commands of a journal row, read as they were when it was written."""
    found, start = [], 0
    while start < len(encoded):
        kind, length = _ITEM_HEAD.unpack_from(encoded, start)
        start += _ITEM_HEAD.size
        body = encoded[start : start + length]
        start += length
        if kind == _SUBMISSION:
            message = match_pb2.Submission.FromString(body)
            if semantics < TERMS_SINCE and message.command.HasField("place"):
                for term in core.Terms._fields:
                    message.command.place.ClearField(term)
            found.append(submission(message))
        elif kind == _TICK:
            found.append(TICK)
        else:
            found.append(control(_CONTROLS[kind].FromString(body)))
    return found


def commands(these: Sequence[Item]) -> bytes:
    """The inverse of `items`."""
    return b"".join([item.encoded for item in these])


# Private events


def executions(head: Head, applied: Applied) -> list[bytes]:
    """The private events in parts of at most PART_BYTES_LIMIT bytes."""
    parts: list[bytes] = []
    for start in range(0, len(applied.events), PART_EVENTS_LIMIT):
        some = applied.events[start : start + PART_EVENTS_LIMIT]
        parts += _executions(head, applied.trading_date, applied.first_sequence + start, some)
    return parts


def _executions(head: Head, trading_date: int, first: int, some: Sequence[events.Event]) -> list[bytes]:
    batch = events_pb2.ExecutionBatch(
        incarnation=head.incarnation,
        epoch=head.epoch,
        shard=head.shard,
        first_sequence=first,
        last_sequence=first + len(some) - 1,
        time_us=head.time_us,
        trading_date=trading_date,
    )
    add = batch.events.add
    for event in some:
        _PRIVATE[type(event)](add(), event)
    encoded = batch.SerializeToString(deterministic=True)
    if len(encoded) <= PART_BYTES_LIMIT or len(some) == 1:
        return [encoded]
    middle = len(some) // 2
    return [
        *_executions(head, trading_date, first, some[:middle]),
        *_executions(head, trading_date, first + middle, some[middle:]),
    ]


def _put_accepted(message: events_pb2.ExecutionEvent, event: events.Accepted) -> None:
    to = message.accepted
    (
        _, to.order_id, to.account, to.client_order_id, to.symbol, to.side, to.type, to.time_in_force,
        to.price_e4, to.quantity, to.amount_e4, to.hold_id, to.held_price_e4, to.held_fee_e6, terms,
    ) = event  # type: ignore[assignment]  # fmt: skip
    if terms is not core.PLAIN:
        (
            to.stop_price_e4, to.stop_trigger, to.display_quantity, hidden, to.post_only, to.minimum_quantity,
            to.self_trade_prevention,
        ) = terms  # type: ignore[assignment]  # fmt: skip
        to.hidden = bool(hidden)


def _put_rejected(message: events_pb2.ExecutionEvent, event: events.Rejected) -> None:
    to = message.rejected
    (_, to.kind, to.order_id, to.account, to.client_order_id, to.symbol, to.hold_id, reason, field, value) = event  # type: ignore[assignment]
    put_refusal(to.refusal, Refused(reason, field, value))


def _put_traded(message: events_pb2.ExecutionEvent, event: events.Traded) -> None:
    to = message.trade
    (
        _, to.symbol, to.price_e4, to.quantity, to.maker_order_id, to.taker_order_id, to.maker_account,
        to.taker_account, to.taker_side, to.maker_fee_e4, to.taker_fee_e4, to.maker_open_quantity,
        to.taker_open_quantity,
    ) = event  # type: ignore[assignment]  # fmt: skip


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


def _put_done(message: events_pb2.ExecutionEvent, event: events.Done) -> None:
    to = message.done
    (
        _, to.order_id, to.account, to.reason, to.client_order_id, to.symbol, to.executed_quantity,
        to.cancelled_quantity,
    ) = event  # type: ignore[assignment]  # fmt: skip


def _put_ticked(message: events_pb2.ExecutionEvent, _event: events.Ticked) -> None:
    message.tick.SetInParent()


# These four are the same in private and public messages.


def _put_date_opened(message: Any, event: events.DateOpened) -> None:
    message.date_opened.trading_date = event.trading_date


def _put_date_closed(message: Any, event: events.DateClosed) -> None:
    message.date_closed.trading_date = event.trading_date


def _put_instrument(message: Any, event: events.InstrumentAdded) -> None:
    message.instrument_added.instrument.CopyFrom(instrument_message(event.instrument))


def _put_phase(message: Any, event: events.PhaseChanged) -> None:
    message.phase_changed.symbol = event.symbol
    message.phase_changed.phase = int(event.phase)


_SHARED: dict[type, Callable[[Any, Any], None]] = {
    events.DateOpened: _put_date_opened,
    events.DateClosed: _put_date_closed,
    events.InstrumentAdded: _put_instrument,
    events.PhaseChanged: _put_phase,
}
_PRIVATE: dict[type, Callable[[Any, Any], None]] = {
    **_SHARED,
    events.Ticked: _put_ticked,
    events.Accepted: _put_accepted,
    events.Rejected: _put_rejected,
    events.Traded: _put_traded,
    events.Replaced: _put_replaced,
    events.Restated: _put_restated,
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


def _first(message: events_pb2.ExecutionEvent, sequence: int) -> events.First:
    kind = message.WhichOneof("event")
    if kind == "accepted":
        a = message.accepted
        return events.Accepted(
            sequence, a.order_id, a.account, a.client_order_id, a.symbol, a.side, a.type, a.time_in_force, a.price_e4,
            a.quantity, a.amount_e4, a.hold_id, a.held_price_e4, a.held_fee_e6, _terms(a),
        )  # fmt: skip
    if kind == "rejected":
        r = message.rejected
        field, value = r.refusal.metadata.get("field", ""), r.refusal.metadata.get("value", "")
        return events.Rejected(
            sequence, events.Kind(r.kind), r.order_id, r.account, r.client_order_id, r.symbol, r.hold_id,
            Reason(r.refusal.reason), field, value,
        )  # fmt: skip
    if kind == "replaced":
        p = message.replaced
        return events.Replaced(
            sequence, p.order_id, p.account, p.client_order_id, p.symbol, p.price_e4, p.quantity, p.open_quantity,
            p.hold_id, p.held_price_e4, p.held_fee_e6,
        )  # fmt: skip
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
    ] or [events_pb2.MarketDataBatch()]
    return [
        (piece.symbol or NO_SYMBOL, _part(head, applied, piece, part, len(pieces))) for part, piece in enumerate(pieces)
    ]


def _pieces(symbol: str, first_number: int, shown: list[events.Public]) -> Iterator[events_pb2.MarketDataBatch]:
    for start in range(0, len(shown), PART_EVENTS_LIMIT):
        piece = events_pb2.MarketDataBatch(symbol=symbol, first_symbol_sequence=first_number + start)
        add = piece.events.add
        for event in shown[start : start + PART_EVENTS_LIMIT]:
            message = add()
            message.sequence = event.sequence
            _PUBLIC[type(event)](message, event)
        yield piece


def _part(head: Head, applied: Applied, piece: events_pb2.MarketDataBatch, part: int, parts: int) -> bytes:
    piece.incarnation = head.incarnation
    piece.epoch = head.epoch
    piece.shard = head.shard
    piece.time_us = head.time_us
    piece.first_sequence = applied.first_sequence
    piece.last_sequence = applied.last_sequence
    piece.part = part
    piece.parts = parts
    encoded = piece.SerializeToString()
    assert len(encoded) <= PART_BYTES_LIMIT, "PART_EVENTS_LIMIT public events fit a part"
    return encoded


def _put_trade(message: events_pb2.MarketDataEvent, event: events.PublicTrade) -> None:
    to = message.trade
    _, to.price_e4, to.quantity, to.taker_side = event  # type: ignore[assignment]


def _put_level(message: events_pb2.MarketDataEvent, event: events.LevelChanged) -> None:
    to = message.level
    _, to.side, to.price_e4, to.quantity, to.orders = event  # type: ignore[assignment]


_PUBLIC: dict[type, Callable[[Any, Any], None]] = {
    **_SHARED,
    events.PublicTrade: _put_trade,
    events.LevelChanged: _put_level,
}


def last_of_market_data(encoded: bytes) -> tuple[str, int, int, int]:
    """Incarnation, last sequence, part and parts of a MarketDataBatch."""
    batch = events_pb2.MarketDataBatch.FromString(encoded)
    return batch.incarnation, batch.last_sequence, batch.part, batch.parts


# Answers


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
    elif type(result) is events.Rejected:
        to.outcome = command_pb2.OUTCOME_REJECTED
        to.order_id, to.sequence = result.order_id, result.sequence
        put_refusal(to.refusal, Refused(*result[-3:]))
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
    )
