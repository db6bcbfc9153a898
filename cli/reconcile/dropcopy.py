"""The drop copy: what each event of the journal tells the participants, and what svc_order keeps to tell them."""

from collections.abc import Callable
from typing import Any

from bourse.match.v1 import events_pb2
from bourse.order.v1 import order_pb2
from bourse.types.v1 import market_pb2
from chassis.units import sequence_of
from cli.reconcile.digests import Digests

FIELDS = (
    *("participant", "time_us", "kind", "order_id", "account", "client_order_id", "symbol", "price_e4", "quantity"),
    *("open_quantity", "fee_e4", "maker", "side", "why", "restate_reason", "done_reason"),
)
BUY, SELL = market_pb2.SIDE_BUY, market_pb2.SIDE_SELL
EXPIRED = events_pb2.DONE_REASON_EXPIRED
DONE_BY_RULE = (
    events_pb2.DONE_REASON_MINIMUM_QUANTITY,
    events_pb2.DONE_REASON_SELF_TRADE,
    events_pb2.DONE_REASON_DELISTED,
    events_pb2.DONE_REASON_AUCTION_OVER,
    EXPIRED,
    events_pb2.DONE_REASON_MASS_CANCELLED,
    events_pb2.DONE_REASON_KILLED,
    events_pb2.DONE_REASON_SESSION_LOST,
    events_pb2.DONE_REASON_MAKER_PROTECTION,
    events_pb2.DONE_REASON_QUOTE_WITHDRAWN,
    events_pb2.DONE_REASON_FILLS_LIMIT,
)
AUCTION = ("auction",)
NO_COMMAND = 0, ""

Update = tuple[Any, ...]


def owner(account: str) -> str:
    """The participant whose account it is."""
    return account[: account.find("/")]


def refusal_in_full(refusal: market_pb2.Refusal) -> Update:
    """What a refusal says."""
    return refusal.reason, refusal.message, *sorted(refusal.metadata.items())


class Told:
    """What one shard's events tell the participants, by sequence: FIELDS of each update."""

    def __init__(self, keep: frozenset[int] = frozenset()) -> None:
        self.digests = Digests(keep)
        self._command = NO_COMMAND  # The order that the last command placed or changed, and that command's own id.
        self._tell: dict[str, Callable[[int, int, Any], None]] = {
            "accepted": self._accepted,
            "rejected": self._rejected,
            "trade": self._trade,
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
            "phase_changed": self._by_operator,
            "listing_changed": self._by_operator,
            "date_closed": self._by_operator,
        }

    def tell(self, sequence: int, time_us: int, kind: str, event: Any) -> None:
        """The next event."""
        if (tell := self._tell.get(kind)) is not None:
            tell(sequence, time_us, event)

    def _accepted(self, sequence: int, time_us: int, event: events_pb2.OrderAccepted) -> None:
        order_id, account, name, quantity = event.order_id, event.account, event.client_order_id, event.quantity
        self._command = order_id, name
        head = owner(account), time_us, order_pb2.UPDATE_KIND_ACCEPTED, order_id, account, name, event.symbol
        self.digests.add(sequence, (*head, event.price_e4, quantity, quantity, 0, False, event.side, (), 0, 0))

    def _rejected(self, sequence: int, time_us: int, event: events_pb2.CommandRejected) -> None:
        account, kind = event.account, order_pb2.UPDATE_KIND_REJECTED
        head = owner(account), time_us, kind, event.order_id, account, event.client_order_id, event.symbol
        self.digests.add(sequence, (*head, 0, 0, 0, 0, False, 0, refusal_in_full(event.refusal), 0, 0))

    def _trade(self, sequence: int, time_us: int, trade: events_pb2.Trade) -> None:
        taker, symbol, price_e4, quantity = trade.taker_order_id, trade.symbol, trade.price_e4, trade.quantity
        maker_account, taker_account, taker_side = trade.maker_account, trade.taker_account, trade.taker_side
        kind, what = order_pb2.UPDATE_KIND_TRADED, (symbol, price_e4, quantity)
        why = AUCTION if trade.auction else ()
        if trade.auction:
            self._command = NO_COMMAND  # It is the end of the auction that does it.
        self.digests.add(
            sequence,
            (
                *(owner(maker_account), time_us, kind, trade.maker_order_id, maker_account, "", *what),
                *(trade.maker_open_quantity, trade.maker_fee_e4, True, SELL if taker_side == BUY else BUY, why, 0, 0),
            ),
        )
        self.digests.add(
            sequence,
            (
                *(owner(taker_account), time_us, kind, taker, taker_account, self._name(taker), *what),
                *(trade.taker_open_quantity, trade.taker_fee_e4, False, taker_side, why, 0, 0),
            ),
        )

    def _busted(self, sequence: int, time_us: int, event: events_pb2.TradeBusted) -> None:
        self._command = NO_COMMAND
        t, taker_side = event.trade, event.trade.taker_side
        why = sequence_of(event.trade_id), event.reason
        for order_id, account, fee_e4, maker, side in (
            (t.maker_order_id, t.maker_account, t.maker_fee_e4, True, SELL if taker_side == BUY else BUY),
            (t.taker_order_id, t.taker_account, t.taker_fee_e4, False, taker_side),
        ):
            head = owner(account), time_us, order_pb2.UPDATE_KIND_BUSTED, order_id, account, "", t.symbol
            self.digests.add(sequence, (*head, t.price_e4, t.quantity, 0, fee_e4, maker, side, why, 0, 0))

    def _replaced(self, sequence: int, time_us: int, event: events_pb2.OrderReplaced) -> None:
        self._command = event.order_id, event.client_order_id
        self._changed(sequence, time_us, order_pb2.UPDATE_KIND_REPLACED, event, event.client_order_id, 0)

    def _restated(self, sequence: int, time_us: int, event: events_pb2.OrderRestated) -> None:
        name = self._name(event.order_id)
        self._changed(sequence, time_us, order_pb2.UPDATE_KIND_RESTATED, event, name, event.reason)

    def _changed(
        self,
        sequence: int,
        time_us: int,
        kind: int,
        event: events_pb2.OrderReplaced | events_pb2.OrderRestated,
        name: str,
        reason: int,
    ) -> None:
        account = event.account
        head = owner(account), time_us, kind, event.order_id, account, name, event.symbol
        now = event.price_e4, event.quantity, event.open_quantity
        self.digests.add(sequence, (*head, *now, 0, False, 0, (), reason, 0))

    def _done(self, sequence: int, time_us: int, event: events_pb2.OrderDone) -> None:
        account, name, reason = event.account, event.client_order_id, event.reason
        if name or reason in (events_pb2.DONE_REASON_AUCTION_OVER, EXPIRED):
            self._command = NO_COMMAND  # A cancel, an auction's end, or time: what follows is no order's doing.
        elif reason != events_pb2.DONE_REASON_DATE_CLOSED:
            name = self._name(event.order_id)
        filled = reason == events_pb2.DONE_REASON_FILLED
        kind = order_pb2.UPDATE_KIND_FILLED if filled else order_pb2.UPDATE_KIND_CANCELLED
        head = owner(account), time_us, kind, event.order_id, account, name, event.symbol
        by_rule = reason if reason in DONE_BY_RULE else 0
        self.digests.add(sequence, (*head, 0, event.cancelled_quantity, 0, 0, False, 0, (), 0, by_rule))

    def _mass_cancelled(self, sequence: int, time_us: int, event: events_pb2.MassCancelled) -> None:
        self._command = NO_COMMAND
        named = event.account, event.client_order_id, event.symbol
        kind = order_pb2.UPDATE_KIND_MASS_CANCELLED
        self._many(sequence, time_us, event.participant, kind, event.orders, named, event.side)

    def _mass_quoted(self, sequence: int, time_us: int, event: events_pb2.MassQuoted) -> None:
        self._command = NO_COMMAND
        named, kind = (event.account, event.client_order_id, ""), order_pb2.UPDATE_KIND_MASS_QUOTED
        self._many(sequence, time_us, owner(event.account), kind, event.quotes, named)

    def _maker_protected(self, sequence: int, time_us: int, event: events_pb2.MakerProtected) -> None:
        named, kind = (event.account, "", ""), order_pb2.UPDATE_KIND_MAKER_PROTECTED
        self._many(sequence, time_us, owner(event.account), kind, event.quotes, named)

    def _killed(self, sequence: int, time_us: int, event: events_pb2.ParticipantKilled) -> None:
        self._command = NO_COMMAND
        self._many(sequence, time_us, event.participant, order_pb2.UPDATE_KIND_KILLED, event.orders)

    def _released(self, sequence: int, time_us: int, event: events_pb2.ParticipantReleased) -> None:
        self._many(sequence, time_us, event.participant, order_pb2.UPDATE_KIND_RELEASED, 0)

    def _lease_changed(self, sequence: int, time_us: int, event: events_pb2.LeaseChanged) -> None:
        if not event.expire_time_us:
            self._command = NO_COMMAND
            self._many(sequence, time_us, event.participant, order_pb2.UPDATE_KIND_SESSION_LOST, event.orders)

    def _many(
        self,
        sequence: int,
        time_us: int,
        participant: str,
        kind: int,
        orders: int,
        named: tuple[str, str, str] = ("", "", ""),
        side: int = 0,
    ) -> None:
        """What is told of many orders at once; `named` are the account, the command's own id and the symbol."""
        self.digests.add(sequence, (participant, time_us, kind, 0, *named, 0, orders, 0, 0, False, side, (), 0, 0))

    def _by_operator(self, _sequence: int, _time_us: int, _event: Any) -> None:
        self._command = NO_COMMAND

    def _name(self, order_id: int) -> str:
        """The id of the command that made this order do something; empty where none did."""
        order, name = self._command
        return name if order == order_id else ""


def _why(update: order_pb2.OrderUpdate) -> Update:
    """Why a command was rejected, which trade was busted and why, or that an auction traded."""
    if update.HasField("refusal"):
        return refusal_in_full(update.refusal)
    if update.auction:
        return AUCTION
    busted = update.trade_sequence, update.bust_reason
    return busted if any(busted) else ()


def view(participant: str, update: order_pb2.OrderUpdate) -> Update:
    """FIELDS of a stored update."""
    return (
        *(participant, update.time_us, update.kind, update.order_id, update.account, update.client_order_id),
        *(update.symbol, update.price_e4, update.quantity, update.open_quantity, update.fee_e4, update.maker),
        *(update.side, _why(update)),
        *(update.restate_reason, update.done_reason),
    )
