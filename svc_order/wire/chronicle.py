"""Events into history: what each adds to orders and to the drop copy."""

import json
from collections.abc import Callable
from typing import Any

from bourse.match.v1 import events_pb2
from bourse.order.v1 import order_pb2
from bourse.types.v1 import market_pb2
from chassis.units import sequence_of
from svc_order import wire
from svc_order.core.history import OPEN, REJECTED, Fold, Order
from svc_order.core.reference import Reference
from svc_order.ports import Position, Segment

SEGMENT_EVENTS = 2048
PLACED = events_pb2.COMMAND_KIND_PLACE
DONE_FILLED = events_pb2.DONE_REASON_FILLED
DONE_DATE_CLOSED = events_pb2.DONE_REASON_DATE_CLOSED
DONE_AUCTION_OVER = events_pb2.DONE_REASON_AUCTION_OVER
DONE_EXPIRED = events_pb2.DONE_REASON_EXPIRED
DONE_BY_RULE = (
    events_pb2.DONE_REASON_MINIMUM_QUANTITY,
    events_pb2.DONE_REASON_SELF_TRADE,
    events_pb2.DONE_REASON_DELISTED,
    events_pb2.DONE_REASON_AUCTION_OVER,
    DONE_EXPIRED,
    events_pb2.DONE_REASON_MASS_CANCELLED,
    events_pb2.DONE_REASON_KILLED,
    events_pb2.DONE_REASON_SESSION_LOST,
    events_pb2.DONE_REASON_MAKER_PROTECTION,
    events_pb2.DONE_REASON_QUOTE_WITHDRAWN,
    events_pb2.DONE_REASON_FILLS_LIMIT,
)
TRIGGERED = events_pb2.RESTATE_REASON_TRIGGERED
BUY, SELL = market_pb2.SIDE_BUY, market_pb2.SIDE_SELL
NOBODY = 0, ""  # As taker: no order's command does what follows.
UNWRITTEN = frozenset({"tick", "order_rate_set", "price_bands_changed", "calendar_moved", "schedule_missed"})


class Chronicle:
    """Turns one shard's event batches, in order, into what history stores. `take` reads on, `cut` ends a transaction."""

    def __init__(self, shard_number: int, position: Position, reference: Reference) -> None:
        self._shard = shard_number
        self._reference = reference
        self._incarnation = position.incarnation
        self._sequence = position.sequence
        self._taker = position.taker_order_id
        self._taker_name = position.taker_client_order_id
        self._fold = Fold()
        self._segments: list[Segment] = []
        self._begin = position.sequence + 1
        self._copies: dict[str, order_pb2.WatchOrdersResponse] = {}
        self._events = 0
        self._time_us = 0
        self._date = 0
        self._read: dict[str, Callable[[int, Any], None]] = {
            "date_opened": self._opened,
            "date_closed": self._closed,
            "instrument_added": self._added,
            "phase_changed": self._phased,
            "instrument_changed": self._added,
            "listing_changed": self._phased,
            "accepted": self._accepted,
            "rejected": self._rejected,
            "trade": self._traded,
            "busted": self._busted,
            "replaced": self._replaced,
            "restated": self._restated,
            "mass_cancelled": self._mass_cancelled,
            "mass_quoted": self._mass_quoted,
            "maker_protected": self._maker_protected,
            "lease_changed": self._lease_changed,
            "participant_killed": self._killed,
            "participant_released": self._released,
            "done": self._done,
        }

    def take(self, batch: events_pb2.ExecutionBatch, begin: int, end: int) -> None:
        """Reads the events begin to end (indexes) of a batch."""
        if begin == 0:
            self._date = batch.trading_date
        self._date = self._date or batch.trading_date
        self._incarnation, self._time_us = batch.incarnation, batch.time_us
        sequence = batch.first_sequence + begin
        for event in batch.events[begin:end]:
            kind = event.WhichOneof("event")
            if kind is not None and kind not in UNWRITTEN:
                self._read[kind](sequence, getattr(event, kind))
            sequence += 1
        self._sequence = sequence - 1
        self._events += end - begin
        if self._events >= SEGMENT_EVENTS:
            self._end_segment()

    def cut(self) -> tuple[Position, Fold, list[Segment], int]:
        """What was read since the last cut, to be stored together, and the journal time of the last event."""
        if self._sequence >= self._begin:
            self._end_segment()
        position = Position(self._incarnation, self._sequence, self._taker, self._taker_name)
        fold, self._fold = self._fold, Fold()
        segments, self._segments = self._segments, []
        return position, fold, segments, self._time_us

    def _end_segment(self) -> None:
        updates = {participant: copy.SerializeToString() for participant, copy in self._copies.items()}
        self._segments.append(Segment(self._begin, self._sequence, updates))
        self._copies, self._begin, self._events = {}, self._sequence + 1, 0

    def _updates(self, whose: str) -> order_pb2.WatchOrdersResponse:
        """What is told to a participant, or to an account's."""
        participant = whose.partition("/")[0]
        copy = self._copies.get(participant)
        if copy is None:
            copy = self._copies[participant] = order_pb2.WatchOrdersResponse()
        return copy

    def _accepted(self, sequence: int, event: events_pb2.OrderAccepted) -> None:
        order_id, account, name, symbol = event.order_id, event.account, event.client_order_id, event.symbol
        side, price_e4, quantity = event.side, event.price_e4, event.quantity
        self._taker, self._taker_name = order_id, name
        self._fold.began(
            Order(
                order_id,
                account,
                name,
                self._date,
                symbol,
                side,
                event.type,
                event.time_in_force,
                price_e4,
                quantity,
                OPEN,
                self._time_us,
                sequence,
                terms=wire.terms(event),
                lease=event.lease,
            )
        )
        self._updates(account).updates.add(
            sequence=sequence,
            time_us=self._time_us,
            kind=order_pb2.UPDATE_KIND_ACCEPTED,
            order_id=order_id,
            account=account,
            client_order_id=name,
            symbol=symbol,
            price_e4=price_e4,
            quantity=quantity,
            open_quantity=quantity,
            side=side,
        )

    def _rejected(self, sequence: int, event: events_pb2.CommandRejected) -> None:
        if event.kind == PLACED:
            why = event.refusal
            stored = json.dumps([why.reason, why.message, dict(why.metadata)])
            self._fold.began(
                Order(
                    event.order_id,
                    event.account,
                    event.client_order_id,
                    self._date,
                    event.symbol,
                    0,
                    0,
                    0,
                    0,
                    0,
                    REJECTED,
                    self._time_us,
                    sequence,
                    stored,
                )
            )
        self._updates(event.account).updates.add(
            sequence=sequence,
            time_us=self._time_us,
            kind=order_pb2.UPDATE_KIND_REJECTED,
            order_id=event.order_id,
            account=event.account,
            client_order_id=event.client_order_id,
            symbol=event.symbol,
            refusal=event.refusal,
        )

    def _traded(self, sequence: int, event: events_pb2.Trade) -> None:
        time_us, symbol, price_e4, quantity = self._time_us, event.symbol, event.price_e4, event.quantity
        if event.auction:
            self._taker, self._taker_name = NOBODY  # It is the end of the auction that does it.
        taker = event.taker_order_id
        for order_id, account, side, fee_e4, open_quantity, maker in _sides(event):
            self._fold.traded(order_id, sequence, time_us, price_e4, quantity, fee_e4, open_quantity)
            self._updates(account).updates.add(
                sequence=sequence,
                time_us=time_us,
                kind=order_pb2.UPDATE_KIND_TRADED,
                order_id=order_id,
                account=account,
                client_order_id=self._taker_name if not maker and taker == self._taker else "",
                symbol=symbol,
                price_e4=price_e4,
                quantity=quantity,
                open_quantity=open_quantity,
                fee_e4=fee_e4,
                maker=maker,
                side=side,
                auction=event.auction,
            )

    def _busted(self, sequence: int, event: events_pb2.TradeBusted) -> None:
        self._taker, self._taker_name = NOBODY  # What follows is the operator's doing.
        trade = event.trade
        for order_id, account, side, fee_e4, _, maker in _sides(trade):
            self._fold.busted(order_id, trade.price_e4, trade.quantity, fee_e4)
            self._updates(account).updates.add(
                sequence=sequence,
                time_us=self._time_us,
                kind=order_pb2.UPDATE_KIND_BUSTED,
                order_id=order_id,
                account=account,
                symbol=trade.symbol,
                price_e4=trade.price_e4,
                quantity=trade.quantity,
                fee_e4=fee_e4,
                maker=maker,
                side=side,
                trade_sequence=sequence_of(event.trade_id),
                bust_reason=event.reason,
            )

    def _replaced(self, sequence: int, event: events_pb2.OrderReplaced) -> None:
        self._taker, self._taker_name = event.order_id, event.client_order_id
        self._fold.replaced(
            event.order_id, sequence, self._time_us, event.price_e4, event.quantity, event.open_quantity
        )
        self._updates(event.account).updates.add(
            sequence=sequence,
            time_us=self._time_us,
            kind=order_pb2.UPDATE_KIND_REPLACED,
            order_id=event.order_id,
            account=event.account,
            client_order_id=event.client_order_id,
            symbol=event.symbol,
            price_e4=event.price_e4,
            quantity=event.quantity,
            open_quantity=event.open_quantity,
        )

    def _restated(self, sequence: int, event: events_pb2.OrderRestated) -> None:
        order_id, reason = event.order_id, event.reason
        self._fold.replaced(order_id, sequence, self._time_us, event.price_e4, event.quantity, event.open_quantity)
        if reason == TRIGGERED:
            self._fold.triggered(order_id)
        self._updates(event.account).updates.add(
            sequence=sequence,
            time_us=self._time_us,
            kind=order_pb2.UPDATE_KIND_RESTATED,
            order_id=order_id,
            account=event.account,
            client_order_id=self._taker_name if order_id == self._taker else "",
            symbol=event.symbol,
            price_e4=event.price_e4,
            quantity=event.quantity,
            open_quantity=event.open_quantity,
            restate_reason=reason,
        )

    def _done(self, sequence: int, event: events_pb2.OrderDone) -> None:
        order_id, reason = event.order_id, event.reason
        filled = reason == DONE_FILLED
        by_rule = reason if reason in DONE_BY_RULE else events_pb2.DONE_REASON_UNSPECIFIED
        self._fold.done(order_id, sequence, self._time_us, filled=filled, reason=by_rule)
        name = event.client_order_id
        if name or reason in (DONE_AUCTION_OVER, DONE_EXPIRED):
            # What follows is the doing of the cancel, of the auction's end, or of time.
            self._taker, self._taker_name = NOBODY
        elif order_id == self._taker and reason != DONE_DATE_CLOSED:
            name = self._taker_name
        self._updates(event.account).updates.add(
            sequence=sequence,
            time_us=self._time_us,
            kind=order_pb2.UPDATE_KIND_FILLED if filled else order_pb2.UPDATE_KIND_CANCELLED,
            order_id=order_id,
            account=event.account,
            client_order_id=name,
            symbol=event.symbol,
            quantity=event.cancelled_quantity,
            done_reason=by_rule,
        )

    def _mass_cancelled(self, sequence: int, event: events_pb2.MassCancelled) -> None:
        self._taker, self._taker_name = NOBODY  # What follows is this command's doing.
        self._updates(event.participant).updates.add(
            sequence=sequence,
            time_us=self._time_us,
            kind=order_pb2.UPDATE_KIND_MASS_CANCELLED,
            account=event.account,
            client_order_id=event.client_order_id,
            symbol=event.symbol,
            quantity=event.orders,
            side=event.side,
        )

    def _mass_quoted(self, sequence: int, event: events_pb2.MassQuoted) -> None:
        self._taker, self._taker_name = NOBODY  # What follows is this command's doing.
        self._updates(event.account).updates.add(
            sequence=sequence,
            time_us=self._time_us,
            kind=order_pb2.UPDATE_KIND_MASS_QUOTED,
            account=event.account,
            client_order_id=event.client_order_id,
            quantity=event.quotes,
        )

    def _maker_protected(self, sequence: int, event: events_pb2.MakerProtected) -> None:
        self._updates(event.account).updates.add(
            sequence=sequence,
            time_us=self._time_us,
            kind=order_pb2.UPDATE_KIND_MAKER_PROTECTED,
            account=event.account,
            quantity=event.quotes,
        )

    def _killed(self, sequence: int, event: events_pb2.ParticipantKilled) -> None:
        self._taker, self._taker_name = NOBODY  # What follows is the operator's doing.
        self._updates(event.participant).updates.add(
            sequence=sequence, time_us=self._time_us, kind=order_pb2.UPDATE_KIND_KILLED, quantity=event.orders
        )

    def _released(self, sequence: int, event: events_pb2.ParticipantReleased) -> None:
        self._updates(event.participant).updates.add(
            sequence=sequence, time_us=self._time_us, kind=order_pb2.UPDATE_KIND_RELEASED
        )

    def _lease_changed(self, sequence: int, event: events_pb2.LeaseChanged) -> None:
        if event.expire_time_us:
            return
        self._taker, self._taker_name = NOBODY  # What follows is nobody's doing.
        self._updates(event.participant).updates.add(
            sequence=sequence, time_us=self._time_us, kind=order_pb2.UPDATE_KIND_SESSION_LOST, quantity=event.orders
        )

    def _opened(self, sequence: int, event: events_pb2.TradingDateOpened) -> None:
        self._date = event.trading_date
        self._reference.opened(self._shard, sequence, event.trading_date)

    def _closed(self, sequence: int, event: events_pb2.TradingDateClosed) -> None:
        self._taker, self._taker_name = NOBODY
        self._reference.closed(self._shard, sequence, event.trading_date)

    def _phased(self, _sequence: int, _event: events_pb2.PhaseChanged | events_pb2.ListingChanged) -> None:
        """Phases and listings are svc_match's to enforce; what follows this one is the operator's doing."""
        self._taker, self._taker_name = NOBODY

    def _added(self, sequence: int, event: events_pb2.InstrumentAdded | events_pb2.InstrumentChanged) -> None:
        self._reference.added(sequence, wire.instrument(event.instrument))


def _sides(trade: events_pb2.Trade) -> tuple[tuple[int, str, market_pb2.Side, int, int, bool], ...]:
    """Each side's order, account, side, fee, open quantity, and whether it was the maker: the maker first."""
    side = trade.taker_side
    other = SELL if side == BUY else BUY
    return (
        (trade.maker_order_id, trade.maker_account, other, trade.maker_fee_e4, trade.maker_open_quantity, True),
        (trade.taker_order_id, trade.taker_account, side, trade.taker_fee_e4, trade.taker_open_quantity, False),
    )
