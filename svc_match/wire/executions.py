"""Private events: a row's ExecutionBatches."""

from collections.abc import Callable, Iterable, Sequence
from typing import Any

from bourse.match.v1 import events_pb2
from chassis.units import order_id, shard_of
from svc_match.core import commands as core
from svc_match.core import events
from svc_match.core.engine import Applied
from svc_match.core.events import Reason, Refused
from svc_match.core.plain import Executed
from svc_match.ports import Head
from svc_match.wire import PART_BYTES_LIMIT, PART_EVENTS_LIMIT
from svc_match.wire.announcements import SHARED
from svc_match.wire.answers import put_refusal
from svc_match.wire.commands import terms_of


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


def read_trade(sequence: int, t: events_pb2.Trade) -> events.Traded:
    """A trade as the core has it."""
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


_PRIVATE: dict[type, Callable[[Any, Any], None]] = {
    **SHARED,
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
            a.quantity, a.amount_e4, a.hold_id, a.held_price_e4, a.held_fee_e6, terms_of(a), a.lease,
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
