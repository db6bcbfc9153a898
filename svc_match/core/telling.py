"""Packed events in words: what the books wrote, with the names and fields that the commands had."""

from collections.abc import Callable, Sequence
from typing import Any, ClassVar, cast

from svc_match.core import events
from svc_match.core import layout as w
from svc_match.core.commands import (
    PLAIN,
    Cancel,
    MassCancel,
    OrderType,
    Place,
    RenewLease,
    Replace,
    StopTrigger,
    TimeInForce,
)
from svc_match.core.events import DoneReason, Kind, Public, Reason, RestateReason
from svc_match.core.instrument import Instrument, Phase

_new = tuple.__new__
KINDS = {w.PLACE: Kind.PLACE, w.CANCEL: Kind.CANCEL, w.REPLACE: Kind.REPLACE, w.MASS_CANCEL: Kind.MASS_CANCEL}
REASONS = {
    w.SYMBOL_UNKNOWN: Reason.SYMBOL_UNKNOWN,
    w.MARKET_CLOSED: Reason.MARKET_CLOSED,
    w.MARKET_HALTED: Reason.MARKET_HALTED,
    w.PRICE_INVALID: Reason.PRICE_INVALID,
    w.PRICE_OFF_TICK: Reason.PRICE_OFF_TICK,
    w.PRICE_OUT_OF_LIMITS: Reason.PRICE_OUT_OF_LIMITS,
    w.QUANTITY_INVALID: Reason.QUANTITY_INVALID,
    w.QUANTITY_OFF_LOT: Reason.QUANTITY_OFF_LOT,
    w.QUANTITY_OUT_OF_LIMITS: Reason.QUANTITY_OUT_OF_LIMITS,
    w.QUANTITY_BELOW_EXECUTED: Reason.QUANTITY_BELOW_EXECUTED,
    w.AMOUNT_INVALID: Reason.AMOUNT_INVALID,
    w.NOTIONAL_OVERFLOW: Reason.NOTIONAL_OVERFLOW,
    w.HOLD_TOO_SMALL: Reason.HOLD_TOO_SMALL,
    w.ORDER_UNKNOWN: Reason.ORDER_UNKNOWN,
    w.ORDER_FINISHED: Reason.ORDER_FINISHED,
    w.POST_ONLY_WOULD_TRADE: Reason.POST_ONLY_WOULD_TRADE,
    w.EXPIRE_TIME_PAST: Reason.EXPIRE_TIME_PAST,
    w.DISPLAY_QUANTITY_INVALID: Reason.DISPLAY_QUANTITY_INVALID,
    w.MINIMUM_QUANTITY_INVALID: Reason.MINIMUM_QUANTITY_INVALID,
    w.TRAILING_LIMIT: Reason.TRAILING_LIMIT,
    w.STOP_PRICE_INVALID: Reason.STOP_PRICE_INVALID,
    w.STOP_LIMIT_PRICE_INVALID: Reason.STOP_LIMIT_PRICE_INVALID,
    w.PEGGED_LIMIT: Reason.PEGGED_LIMIT,
    w.HIDDEN_LIMIT: Reason.HIDDEN_LIMIT,
    w.NOTIONAL_OUT_OF_LIMITS: Reason.NOTIONAL_OUT_OF_LIMITS,
    w.INSTRUMENT_SUSPENDED: Reason.INSTRUMENT_SUSPENDED,
    w.INSTRUMENT_DELISTED: Reason.INSTRUMENT_DELISTED,
    w.PRICE_OUTSIDE_COLLAR: Reason.PRICE_OUTSIDE_COLLAR,
    w.MARKET_IN_AUCTION: Reason.MARKET_IN_AUCTION,
    w.MARKET_NOT_IN_AUCTION: Reason.MARKET_NOT_IN_AUCTION,
    w.PARTICIPANT_KILLED: Reason.PARTICIPANT_KILLED,
    w.ORDER_RATE_EXCEEDED: Reason.ORDER_RATE_EXCEEDED,
    w.LEASE_UNKNOWN: Reason.LEASE_UNKNOWN,
    w.ORDER_IS_QUOTE: Reason.ORDER_IS_QUOTE,
}
DONE_REASONS = {getattr(w, reason.name): reason for reason in DoneReason}
RESTATE_REASONS = {
    w.SLID: RestateReason.SLID,
    w.LIMITED: RestateReason.MARKET_TO_LIMIT,
    w.TRIGGERED: RestateReason.TRIGGERED,
    w.DECREMENTED: RestateReason.SELF_TRADE,
    w.FOLLOWED: RestateReason.PEGGED,
    w.BAND_PRICED: RestateReason.PRICE_BAND,
}
FIELDS = {
    w.F_PRICE: "price_e4",
    w.F_QUANTITY: "quantity",
    w.F_AMOUNT: "amount_e4",
    w.F_HELD_PRICE: "held_price_e4",
    w.F_HELD_AMOUNT: "held_amount",
    w.F_TIME_IN_FORCE: "time_in_force",
    w.F_ACCOUNT: "account",
    w.F_LEASE: "lease",
}
TERMS = {
    w.F_DISPLAY: "display_quantity",
    w.F_MINIMUM: "minimum_quantity",
    w.F_STOP: "stop_price_e4",
    w.F_TRAILING_AMOUNT: "trailing_amount_e4",
    w.F_TRAILING_BP: "trailing_bp",
    w.F_SECOND: "stop_limit_price_e4",
    w.F_PEG: "peg",
    w.F_HIDDEN: "hidden",
    w.F_POST_ONLY: "post_only",
    w.F_EXPIRE_TIME: "expire_time_us",
}
STOPS = (OrderType.STOP, OrderType.STOP_LIMIT, OrderType.ONE_CANCELS_OTHER)
OF_THE_COMMAND = (
    w.SYMBOL_UNKNOWN,
    w.ORDER_UNKNOWN,
    w.ORDER_FINISHED,
    w.PARTICIPANT_KILLED,
    w.ORDER_RATE_EXCEEDED,
    w.LEASE_UNKNOWN,
)


class Telling:
    """The events of one batch. `sequence` is that of the last one told; `names` has the accounts by number."""

    def __init__(self, instruments: list[Instrument], names: list[str], sequence: int = 0) -> None:
        self.instruments = instruments
        self.names = names
        self.sequence = sequence
        self.events: list[events.Event] = []
        self.public: dict[str, list[Public]] = {}

    def announce(self, event: events.Event, symbols: list[str]) -> None:
        """An event that was not packed, shown in some symbols."""
        self.sequence = event.sequence
        self.events.append(event)
        for symbol in symbols:
            self._shown(symbol).append(cast(Public, event))

    def tell(self, packed: memoryview, commands: Sequence[Any] | dict[int, Any], results: list[Any]) -> None:
        """Puts packed events into words; a command's first event becomes its result where it has none yet."""
        at, end, words = 0, len(packed), packed.tolist()
        while at < end:
            head = words[at]
            kind = head & 255
            if kind == w.LEVEL:
                at = self._level(words, at, head)
                continue
            if kind == w.INDICATIVE:
                at = self._indicated(words, at, head)
                continue
            self.sequence += 1
            alone = self._ALONE.get(kind)
            if alone is not None:
                at = alone(self, words, at, head)
                continue
            number = head >> 32
            event: events.First
            if kind == w.DONE:
                event, at = self._done(words, at, head, commands), at + w.DONE_WORDS
            elif kind == w.ACCEPTED:
                event, at = self._accepted(words[at + 1], commands[number], head >> 8 & 255), at + w.ACCEPTED_WORDS
            elif kind == w.REPLACED:
                event, at = self._replaced(words, at, head, commands[number]), at + w.REPLACED_WORDS
            elif kind == w.MASS_TAKEN:
                event, at = self._mass_cancelled(words[at + 1], commands[number]), at + w.MASS_TAKEN_WORDS
            elif kind == w.LEASE_RENEWED:
                event, at = self._renewed(words[at + 1], commands[number]), at + w.LEASE_RENEWED_WORDS
            else:
                event, at = self._rejected(words, at, head, commands[number]), at + w.REJECTED_WORDS
            self.events.append(event)
            if kind != w.DONE or head >> 8 & 255 == w.CANCELLED:
                results[number] = event

    def rejected(self, packed: list[int], command: Place | Cancel | Replace | MassCancel) -> events.Rejected:
        """One packed rejection of a command, which has the sequence of the last one told."""
        return self._rejected(packed, 0, packed[0], command)

    def _shown(self, symbol: str) -> list[Public]:
        shown = self.public.get(symbol)
        if shown is None:
            shown = self.public[symbol] = []
        return shown

    def _symbol(self, head: int) -> str:
        return self.instruments[(head >> 16 & 0xFFFF) - 1].symbol

    def _level(self, words: list[int], at: int, head: int) -> int:
        side = (head >> 8 & 255) + 1
        level = (self.sequence, side, words[at + 1], words[at + 2], words[at + 3])
        self._shown(self._symbol(head)).append(_new(events.LevelChanged, level))
        return at + w.LEVEL_EVENT_WORDS

    def _indicated(self, words: list[int], at: int, head: int) -> int:
        found = events.IndicativeChanged(self.sequence, words[at + 1], words[at + 2], head >> 8 & 255, words[at + 3])
        self._shown(self._symbol(head)).append(found)
        return at + w.INDICATIVE_WORDS

    def _traded(self, words: list[int], at: int, head: int) -> int:
        _, maker, taker, price, quantity, maker_open, taker_open, maker_fee, taker_fee, accounts = words[
            at : at + w.TRADED_WORDS
        ]
        symbol, side, names, auction = self._symbol(head), (head >> 8 & 255) + 1, self.names, head & 255 == w.AUCTIONED
        traded = (
            self.sequence, symbol, price, quantity, maker, taker, names[accounts & 0x7FFFFFFF], names[accounts >> 32],
            side, maker_fee, taker_fee, maker_open, taker_open, auction,
        )  # fmt: skip
        self.events.append(_new(events.Traded, traded))
        self._shown(symbol).append(_new(events.PublicTrade, (self.sequence, price, quantity, side, auction)))
        return at + w.TRADED_WORDS

    def _done(self, words: list[int], at: int, head: int, commands: Sequence[Any] | dict[int, Any]) -> events.Done:
        _, identity, executed, cancelled, account = words[at : at + w.DONE_WORDS]
        reason = head >> 8 & 255
        own_id = commands[head >> 32].client_order_id if reason == w.CANCELLED else ""
        done = (
            self.sequence, identity, self.names[account], DONE_REASONS[reason], own_id, self._symbol(head),
            executed, cancelled,
        )  # fmt: skip
        return _new(events.Done, done)

    def _phased(self, words: list[int], at: int, head: int) -> int:
        symbol = self._symbol(head)
        event = events.PhaseChanged(self.sequence, symbol, Phase(head >> 8 & 255), words[at + 1])
        self.announce(event, [symbol])
        return at + w.PHASED_WORDS

    def _banded(self, words: list[int], at: int, head: int) -> int:
        symbol = self._symbol(head)
        bands = words[at + 1], words[at + 2], words[at + 3]
        self.announce(events.PriceBandsChanged(self.sequence, symbol, *bands, head >> 8 & 255), [symbol])
        return at + w.BANDS_WORDS

    def _accepted(self, identity: int, command: Place, time_in_force: int) -> events.Accepted:
        time_in_force = command.time_in_force or time_in_force or TimeInForce.IOC
        terms = command.terms
        if terms is not PLAIN and command.type in STOPS and not terms.stop_trigger:
            terms = terms._replace(stop_trigger=StopTrigger.LAST_TRADE)
        accepted = (
            self.sequence, identity, command.account, command.client_order_id, command.symbol, command.side,
            command.type, time_in_force, command.price_e4, command.quantity, command.amount_e4, command.hold_id,
            command.held_price_e4, command.held_fee_e6, terms, command.lease,
        )  # fmt: skip
        return _new(events.Accepted, accepted)

    def _replaced(self, words: list[int], at: int, head: int, command: Replace) -> events.Replaced:
        _, identity, open_quantity, held_fee_e6, held_price_e4 = words[at : at + w.REPLACED_WORDS]
        price_e4 = 0 if head >> 8 & 255 == w.NO_PRICE else command.price_e4
        return events.Replaced(
            self.sequence, identity, command.account, command.client_order_id, self._symbol(head), price_e4,
            command.quantity, open_quantity, command.hold_id, held_price_e4, held_fee_e6,
        )  # fmt: skip

    def _mass_cancelled(self, orders: int, command: MassCancel) -> events.MassCancelled:
        account, participant = command.account, participant_of(command.account)
        return events.MassCancelled(
            self.sequence, participant, account, command.client_order_id, command.participant_wide, command.symbol,
            command.side, orders,
        )  # fmt: skip

    def _protected(self, words: list[int], at: int, _head: int) -> int:
        _, account, quotes, fills, shares = words[at : at + w.MAKER_PROTECTED_WORDS]
        self.events.append(events.MakerProtected(self.sequence, self.names[account], quotes, fills, shares))
        return at + w.MAKER_PROTECTED_WORDS

    def _renewed(self, until_us: int, command: RenewLease) -> events.LeaseChanged:
        participant = participant_of(command.account)
        return events.LeaseChanged(self.sequence, participant, command.lease, until_us, 0)

    def _restated(self, words: list[int], at: int, head: int) -> int:
        _, identity, price_e4, quantity, open_quantity, held_price_e4, held_fee_e6, account = words[
            at : at + w.RESTATED_WORDS
        ]
        self.events.append(
            events.Restated(
                self.sequence, identity, self.names[account], RESTATE_REASONS[head >> 8 & 255], self._symbol(head),
                price_e4, quantity, open_quantity, held_price_e4, held_fee_e6,
            )
        )  # fmt: skip
        return at + w.RESTATED_WORDS

    def _rejected(
        self, words: list[int], at: int, head: int, command: Place | Cancel | Replace | MassCancel
    ) -> events.Rejected:
        _, identity, reason, field = words[at : at + w.REJECTED_WORDS]
        symbol = command.symbol if reason in OF_THE_COMMAND else self._symbol(head)
        return events.Rejected(
            self.sequence, KINDS[head >> 8 & 255], identity, command.account, command.client_order_id, symbol,
            command.hold_id, REASONS[reason], *_wrong(command, field, reason, symbol, identity),
        )  # fmt: skip

    # Those that name no command.
    _ALONE: ClassVar[dict[int, Callable[["Telling", list[int], int, int], int]]] = {
        w.TRADED: _traded,
        w.AUCTIONED: _traded,
        w.RESTATED: _restated,
        w.PHASED: _phased,
        w.BANDS: _banded,
        w.MAKER_PROTECTED: _protected,
    }


def participant_of(account: str) -> str:
    """Whose account it is."""
    return account.partition("/")[0]


def _wrong(command: Any, field: int, reason: int, symbol: str, identity: int) -> tuple[str, str]:
    """The field that was wrong, and its value."""
    if field == w.F_SYMBOL:
        return "symbol", symbol
    if field == w.F_EXTRA:
        return "held_amount", str(command.held_amount if command.hold_id else 0)
    if field in TERMS:
        return TERMS[field], str(getattr(command.terms, TERMS[field]))
    if field != w.F_ORDER:
        return FIELDS[field], str(getattr(command, FIELDS[field]))
    if reason == w.ORDER_FINISHED:
        return "order_id", str(identity)
    if command.order_id:
        return "order_id", str(command.order_id)
    return "original_client_order_id", command.original_client_order_id
