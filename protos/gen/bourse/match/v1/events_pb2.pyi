from bourse.types.v1 import command_pb2 as _command_pb2
from bourse.types.v1 import market_pb2 as _market_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class CommandKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    COMMAND_KIND_UNSPECIFIED: _ClassVar[CommandKind]
    COMMAND_KIND_PLACE: _ClassVar[CommandKind]
    COMMAND_KIND_CANCEL: _ClassVar[CommandKind]
    COMMAND_KIND_REPLACE: _ClassVar[CommandKind]
    COMMAND_KIND_MASS_CANCEL: _ClassVar[CommandKind]
    COMMAND_KIND_MASS_QUOTE: _ClassVar[CommandKind]

class RestateReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    RESTATE_REASON_UNSPECIFIED: _ClassVar[RestateReason]
    RESTATE_REASON_SLID: _ClassVar[RestateReason]
    RESTATE_REASON_MARKET_TO_LIMIT: _ClassVar[RestateReason]
    RESTATE_REASON_TRIGGERED: _ClassVar[RestateReason]
    RESTATE_REASON_SELF_TRADE: _ClassVar[RestateReason]
    RESTATE_REASON_PEGGED: _ClassVar[RestateReason]
    RESTATE_REASON_PRICE_BAND: _ClassVar[RestateReason]

class DoneReason(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    DONE_REASON_UNSPECIFIED: _ClassVar[DoneReason]
    DONE_REASON_FILLED: _ClassVar[DoneReason]
    DONE_REASON_CANCELLED: _ClassVar[DoneReason]
    DONE_REASON_IMMEDIATE: _ClassVar[DoneReason]
    DONE_REASON_DATE_CLOSED: _ClassVar[DoneReason]
    DONE_REASON_MINIMUM_QUANTITY: _ClassVar[DoneReason]
    DONE_REASON_SELF_TRADE: _ClassVar[DoneReason]
    DONE_REASON_AUCTION_OVER: _ClassVar[DoneReason]
    DONE_REASON_DELISTED: _ClassVar[DoneReason]
    DONE_REASON_EXPIRED: _ClassVar[DoneReason]
    DONE_REASON_MASS_CANCELLED: _ClassVar[DoneReason]
    DONE_REASON_KILLED: _ClassVar[DoneReason]
    DONE_REASON_SESSION_LOST: _ClassVar[DoneReason]
    DONE_REASON_MAKER_PROTECTION: _ClassVar[DoneReason]
    DONE_REASON_QUOTE_WITHDRAWN: _ClassVar[DoneReason]
    DONE_REASON_FILLS_LIMIT: _ClassVar[DoneReason]
COMMAND_KIND_UNSPECIFIED: CommandKind
COMMAND_KIND_PLACE: CommandKind
COMMAND_KIND_CANCEL: CommandKind
COMMAND_KIND_REPLACE: CommandKind
COMMAND_KIND_MASS_CANCEL: CommandKind
COMMAND_KIND_MASS_QUOTE: CommandKind
RESTATE_REASON_UNSPECIFIED: RestateReason
RESTATE_REASON_SLID: RestateReason
RESTATE_REASON_MARKET_TO_LIMIT: RestateReason
RESTATE_REASON_TRIGGERED: RestateReason
RESTATE_REASON_SELF_TRADE: RestateReason
RESTATE_REASON_PEGGED: RestateReason
RESTATE_REASON_PRICE_BAND: RestateReason
DONE_REASON_UNSPECIFIED: DoneReason
DONE_REASON_FILLED: DoneReason
DONE_REASON_CANCELLED: DoneReason
DONE_REASON_IMMEDIATE: DoneReason
DONE_REASON_DATE_CLOSED: DoneReason
DONE_REASON_MINIMUM_QUANTITY: DoneReason
DONE_REASON_SELF_TRADE: DoneReason
DONE_REASON_AUCTION_OVER: DoneReason
DONE_REASON_DELISTED: DoneReason
DONE_REASON_EXPIRED: DoneReason
DONE_REASON_MASS_CANCELLED: DoneReason
DONE_REASON_KILLED: DoneReason
DONE_REASON_SESSION_LOST: DoneReason
DONE_REASON_MAKER_PROTECTION: DoneReason
DONE_REASON_QUOTE_WITHDRAWN: DoneReason
DONE_REASON_FILLS_LIMIT: DoneReason

class ExecutionBatch(_message.Message):
    __slots__ = ("incarnation", "epoch", "shard", "first_sequence", "last_sequence", "time_us", "trading_date", "events")
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SHARD_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    TRADING_DATE_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    incarnation: str
    epoch: int
    shard: int
    first_sequence: int
    last_sequence: int
    time_us: int
    trading_date: int
    events: _containers.RepeatedCompositeFieldContainer[ExecutionEvent]
    def __init__(self, incarnation: _Optional[str] = ..., epoch: _Optional[int] = ..., shard: _Optional[int] = ..., first_sequence: _Optional[int] = ..., last_sequence: _Optional[int] = ..., time_us: _Optional[int] = ..., trading_date: _Optional[int] = ..., events: _Optional[_Iterable[_Union[ExecutionEvent, _Mapping]]] = ...) -> None: ...

class ExecutionEvent(_message.Message):
    __slots__ = ("tick", "date_opened", "date_closed", "instrument_added", "phase_changed", "accepted", "rejected", "trade", "replaced", "done", "restated", "instrument_changed", "listing_changed", "price_bands_changed", "busted", "mass_cancelled", "participant_killed", "participant_released", "order_rate_set", "lease_changed", "calendar_moved", "schedule_missed", "mass_quoted", "maker_protected")
    TICK_FIELD_NUMBER: _ClassVar[int]
    DATE_OPENED_FIELD_NUMBER: _ClassVar[int]
    DATE_CLOSED_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_ADDED_FIELD_NUMBER: _ClassVar[int]
    PHASE_CHANGED_FIELD_NUMBER: _ClassVar[int]
    ACCEPTED_FIELD_NUMBER: _ClassVar[int]
    REJECTED_FIELD_NUMBER: _ClassVar[int]
    TRADE_FIELD_NUMBER: _ClassVar[int]
    REPLACED_FIELD_NUMBER: _ClassVar[int]
    DONE_FIELD_NUMBER: _ClassVar[int]
    RESTATED_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_CHANGED_FIELD_NUMBER: _ClassVar[int]
    LISTING_CHANGED_FIELD_NUMBER: _ClassVar[int]
    PRICE_BANDS_CHANGED_FIELD_NUMBER: _ClassVar[int]
    BUSTED_FIELD_NUMBER: _ClassVar[int]
    MASS_CANCELLED_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_KILLED_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_RELEASED_FIELD_NUMBER: _ClassVar[int]
    ORDER_RATE_SET_FIELD_NUMBER: _ClassVar[int]
    LEASE_CHANGED_FIELD_NUMBER: _ClassVar[int]
    CALENDAR_MOVED_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_MISSED_FIELD_NUMBER: _ClassVar[int]
    MASS_QUOTED_FIELD_NUMBER: _ClassVar[int]
    MAKER_PROTECTED_FIELD_NUMBER: _ClassVar[int]
    tick: Tick
    date_opened: TradingDateOpened
    date_closed: TradingDateClosed
    instrument_added: InstrumentAdded
    phase_changed: PhaseChanged
    accepted: OrderAccepted
    rejected: CommandRejected
    trade: Trade
    replaced: OrderReplaced
    done: OrderDone
    restated: OrderRestated
    instrument_changed: InstrumentChanged
    listing_changed: ListingChanged
    price_bands_changed: PriceBandsChanged
    busted: TradeBusted
    mass_cancelled: MassCancelled
    participant_killed: ParticipantKilled
    participant_released: ParticipantReleased
    order_rate_set: OrderRateSet
    lease_changed: LeaseChanged
    calendar_moved: CalendarMoved
    schedule_missed: ScheduleMissed
    mass_quoted: MassQuoted
    maker_protected: MakerProtected
    def __init__(self, tick: _Optional[_Union[Tick, _Mapping]] = ..., date_opened: _Optional[_Union[TradingDateOpened, _Mapping]] = ..., date_closed: _Optional[_Union[TradingDateClosed, _Mapping]] = ..., instrument_added: _Optional[_Union[InstrumentAdded, _Mapping]] = ..., phase_changed: _Optional[_Union[PhaseChanged, _Mapping]] = ..., accepted: _Optional[_Union[OrderAccepted, _Mapping]] = ..., rejected: _Optional[_Union[CommandRejected, _Mapping]] = ..., trade: _Optional[_Union[Trade, _Mapping]] = ..., replaced: _Optional[_Union[OrderReplaced, _Mapping]] = ..., done: _Optional[_Union[OrderDone, _Mapping]] = ..., restated: _Optional[_Union[OrderRestated, _Mapping]] = ..., instrument_changed: _Optional[_Union[InstrumentChanged, _Mapping]] = ..., listing_changed: _Optional[_Union[ListingChanged, _Mapping]] = ..., price_bands_changed: _Optional[_Union[PriceBandsChanged, _Mapping]] = ..., busted: _Optional[_Union[TradeBusted, _Mapping]] = ..., mass_cancelled: _Optional[_Union[MassCancelled, _Mapping]] = ..., participant_killed: _Optional[_Union[ParticipantKilled, _Mapping]] = ..., participant_released: _Optional[_Union[ParticipantReleased, _Mapping]] = ..., order_rate_set: _Optional[_Union[OrderRateSet, _Mapping]] = ..., lease_changed: _Optional[_Union[LeaseChanged, _Mapping]] = ..., calendar_moved: _Optional[_Union[CalendarMoved, _Mapping]] = ..., schedule_missed: _Optional[_Union[ScheduleMissed, _Mapping]] = ..., mass_quoted: _Optional[_Union[MassQuoted, _Mapping]] = ..., maker_protected: _Optional[_Union[MakerProtected, _Mapping]] = ...) -> None: ...

class Tick(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class TradingDateOpened(_message.Message):
    __slots__ = ("trading_date",)
    TRADING_DATE_FIELD_NUMBER: _ClassVar[int]
    trading_date: int
    def __init__(self, trading_date: _Optional[int] = ...) -> None: ...

class TradingDateClosed(_message.Message):
    __slots__ = ("trading_date",)
    TRADING_DATE_FIELD_NUMBER: _ClassVar[int]
    trading_date: int
    def __init__(self, trading_date: _Optional[int] = ...) -> None: ...

class InstrumentAdded(_message.Message):
    __slots__ = ("instrument",)
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    instrument: _market_pb2.Instrument
    def __init__(self, instrument: _Optional[_Union[_market_pb2.Instrument, _Mapping]] = ...) -> None: ...

class PhaseChanged(_message.Message):
    __slots__ = ("symbol", "phase", "auction")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    AUCTION_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    phase: _market_pb2.Phase
    auction: _market_pb2.AuctionKind
    def __init__(self, symbol: _Optional[str] = ..., phase: _Optional[_Union[_market_pb2.Phase, str]] = ..., auction: _Optional[_Union[_market_pb2.AuctionKind, str]] = ...) -> None: ...

class InstrumentChanged(_message.Message):
    __slots__ = ("instrument",)
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    instrument: _market_pb2.Instrument
    def __init__(self, instrument: _Optional[_Union[_market_pb2.Instrument, _Mapping]] = ...) -> None: ...

class ListingChanged(_message.Message):
    __slots__ = ("symbol", "listing")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    LISTING_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    listing: _market_pb2.Listing
    def __init__(self, symbol: _Optional[str] = ..., listing: _Optional[_Union[_market_pb2.Listing, str]] = ...) -> None: ...

class CalendarMoved(_message.Message):
    __slots__ = ("done", "following")
    DONE_FIELD_NUMBER: _ClassVar[int]
    FOLLOWING_FIELD_NUMBER: _ClassVar[int]
    done: _market_pb2.Transition
    following: _market_pb2.Transition
    def __init__(self, done: _Optional[_Union[_market_pb2.Transition, _Mapping]] = ..., following: _Optional[_Union[_market_pb2.Transition, _Mapping]] = ...) -> None: ...

class ScheduleMissed(_message.Message):
    __slots__ = ("missed",)
    MISSED_FIELD_NUMBER: _ClassVar[int]
    missed: _market_pb2.Transition
    def __init__(self, missed: _Optional[_Union[_market_pb2.Transition, _Mapping]] = ...) -> None: ...

class PriceBandsChanged(_message.Message):
    __slots__ = ("symbol", "reference_price_e4", "lower_price_e4", "upper_price_e4", "limit_side")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    LOWER_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    UPPER_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    LIMIT_SIDE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    reference_price_e4: int
    lower_price_e4: int
    upper_price_e4: int
    limit_side: _market_pb2.Side
    def __init__(self, symbol: _Optional[str] = ..., reference_price_e4: _Optional[int] = ..., lower_price_e4: _Optional[int] = ..., upper_price_e4: _Optional[int] = ..., limit_side: _Optional[_Union[_market_pb2.Side, str]] = ...) -> None: ...

class OrderAccepted(_message.Message):
    __slots__ = ("order_id", "account", "client_order_id", "symbol", "side", "type", "time_in_force", "price_e4", "quantity", "amount_e4", "hold_id", "held_price_e4", "held_fee_e6", "stop_price_e4", "stop_trigger", "display_quantity", "hidden", "post_only", "minimum_quantity", "self_trade_prevention", "trailing_amount_e4", "trailing_bp", "stop_limit_price_e4", "peg", "peg_offset_e4", "expire_date", "expire_time_us", "lease")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_E4_FIELD_NUMBER: _ClassVar[int]
    HOLD_ID_FIELD_NUMBER: _ClassVar[int]
    HELD_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    HELD_FEE_E6_FIELD_NUMBER: _ClassVar[int]
    STOP_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    STOP_TRIGGER_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    POST_ONLY_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    SELF_TRADE_PREVENTION_FIELD_NUMBER: _ClassVar[int]
    TRAILING_AMOUNT_E4_FIELD_NUMBER: _ClassVar[int]
    TRAILING_BP_FIELD_NUMBER: _ClassVar[int]
    STOP_LIMIT_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    PEG_FIELD_NUMBER: _ClassVar[int]
    PEG_OFFSET_E4_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_DATE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_US_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    order_id: int
    account: str
    client_order_id: str
    symbol: str
    side: _market_pb2.Side
    type: _command_pb2.OrderType
    time_in_force: _command_pb2.TimeInForce
    price_e4: int
    quantity: int
    amount_e4: int
    hold_id: int
    held_price_e4: int
    held_fee_e6: int
    stop_price_e4: int
    stop_trigger: _command_pb2.StopTrigger
    display_quantity: int
    hidden: bool
    post_only: _command_pb2.PostOnly
    minimum_quantity: int
    self_trade_prevention: _command_pb2.SelfTradePrevention
    trailing_amount_e4: int
    trailing_bp: int
    stop_limit_price_e4: int
    peg: _command_pb2.Peg
    peg_offset_e4: int
    expire_date: int
    expire_time_us: int
    lease: str
    def __init__(self, order_id: _Optional[int] = ..., account: _Optional[str] = ..., client_order_id: _Optional[str] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[_market_pb2.Side, str]] = ..., type: _Optional[_Union[_command_pb2.OrderType, str]] = ..., time_in_force: _Optional[_Union[_command_pb2.TimeInForce, str]] = ..., price_e4: _Optional[int] = ..., quantity: _Optional[int] = ..., amount_e4: _Optional[int] = ..., hold_id: _Optional[int] = ..., held_price_e4: _Optional[int] = ..., held_fee_e6: _Optional[int] = ..., stop_price_e4: _Optional[int] = ..., stop_trigger: _Optional[_Union[_command_pb2.StopTrigger, str]] = ..., display_quantity: _Optional[int] = ..., hidden: _Optional[bool] = ..., post_only: _Optional[_Union[_command_pb2.PostOnly, str]] = ..., minimum_quantity: _Optional[int] = ..., self_trade_prevention: _Optional[_Union[_command_pb2.SelfTradePrevention, str]] = ..., trailing_amount_e4: _Optional[int] = ..., trailing_bp: _Optional[int] = ..., stop_limit_price_e4: _Optional[int] = ..., peg: _Optional[_Union[_command_pb2.Peg, str]] = ..., peg_offset_e4: _Optional[int] = ..., expire_date: _Optional[int] = ..., expire_time_us: _Optional[int] = ..., lease: _Optional[str] = ...) -> None: ...

class CommandRejected(_message.Message):
    __slots__ = ("kind", "order_id", "account", "client_order_id", "symbol", "hold_id", "refusal", "hold_ids")
    KIND_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    HOLD_ID_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    HOLD_IDS_FIELD_NUMBER: _ClassVar[int]
    kind: CommandKind
    order_id: int
    account: str
    client_order_id: str
    symbol: str
    hold_id: int
    refusal: _market_pb2.Refusal
    hold_ids: _containers.RepeatedScalarFieldContainer[int]
    def __init__(self, kind: _Optional[_Union[CommandKind, str]] = ..., order_id: _Optional[int] = ..., account: _Optional[str] = ..., client_order_id: _Optional[str] = ..., symbol: _Optional[str] = ..., hold_id: _Optional[int] = ..., refusal: _Optional[_Union[_market_pb2.Refusal, _Mapping]] = ..., hold_ids: _Optional[_Iterable[int]] = ...) -> None: ...

class Trade(_message.Message):
    __slots__ = ("symbol", "price_e4", "quantity", "maker_order_id", "taker_order_id", "maker_account", "taker_account", "taker_side", "maker_fee_e4", "taker_fee_e4", "maker_open_quantity", "taker_open_quantity", "auction")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    MAKER_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    TAKER_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    MAKER_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    TAKER_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    TAKER_SIDE_FIELD_NUMBER: _ClassVar[int]
    MAKER_FEE_E4_FIELD_NUMBER: _ClassVar[int]
    TAKER_FEE_E4_FIELD_NUMBER: _ClassVar[int]
    MAKER_OPEN_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    TAKER_OPEN_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    AUCTION_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    price_e4: int
    quantity: int
    maker_order_id: int
    taker_order_id: int
    maker_account: str
    taker_account: str
    taker_side: _market_pb2.Side
    maker_fee_e4: int
    taker_fee_e4: int
    maker_open_quantity: int
    taker_open_quantity: int
    auction: bool
    def __init__(self, symbol: _Optional[str] = ..., price_e4: _Optional[int] = ..., quantity: _Optional[int] = ..., maker_order_id: _Optional[int] = ..., taker_order_id: _Optional[int] = ..., maker_account: _Optional[str] = ..., taker_account: _Optional[str] = ..., taker_side: _Optional[_Union[_market_pb2.Side, str]] = ..., maker_fee_e4: _Optional[int] = ..., taker_fee_e4: _Optional[int] = ..., maker_open_quantity: _Optional[int] = ..., taker_open_quantity: _Optional[int] = ..., auction: _Optional[bool] = ...) -> None: ...

class TradeBusted(_message.Message):
    __slots__ = ("trade_id", "reason", "trade")
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    TRADE_FIELD_NUMBER: _ClassVar[int]
    trade_id: int
    reason: str
    trade: Trade
    def __init__(self, trade_id: _Optional[int] = ..., reason: _Optional[str] = ..., trade: _Optional[_Union[Trade, _Mapping]] = ...) -> None: ...

class OrderReplaced(_message.Message):
    __slots__ = ("order_id", "account", "client_order_id", "symbol", "price_e4", "quantity", "open_quantity", "hold_id", "held_price_e4", "held_fee_e6")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    OPEN_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    HOLD_ID_FIELD_NUMBER: _ClassVar[int]
    HELD_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    HELD_FEE_E6_FIELD_NUMBER: _ClassVar[int]
    order_id: int
    account: str
    client_order_id: str
    symbol: str
    price_e4: int
    quantity: int
    open_quantity: int
    hold_id: int
    held_price_e4: int
    held_fee_e6: int
    def __init__(self, order_id: _Optional[int] = ..., account: _Optional[str] = ..., client_order_id: _Optional[str] = ..., symbol: _Optional[str] = ..., price_e4: _Optional[int] = ..., quantity: _Optional[int] = ..., open_quantity: _Optional[int] = ..., hold_id: _Optional[int] = ..., held_price_e4: _Optional[int] = ..., held_fee_e6: _Optional[int] = ...) -> None: ...

class OrderRestated(_message.Message):
    __slots__ = ("order_id", "account", "reason", "symbol", "price_e4", "quantity", "open_quantity", "held_price_e4", "held_fee_e6")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    OPEN_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    HELD_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    HELD_FEE_E6_FIELD_NUMBER: _ClassVar[int]
    order_id: int
    account: str
    reason: RestateReason
    symbol: str
    price_e4: int
    quantity: int
    open_quantity: int
    held_price_e4: int
    held_fee_e6: int
    def __init__(self, order_id: _Optional[int] = ..., account: _Optional[str] = ..., reason: _Optional[_Union[RestateReason, str]] = ..., symbol: _Optional[str] = ..., price_e4: _Optional[int] = ..., quantity: _Optional[int] = ..., open_quantity: _Optional[int] = ..., held_price_e4: _Optional[int] = ..., held_fee_e6: _Optional[int] = ...) -> None: ...

class MassQuoted(_message.Message):
    __slots__ = ("account", "client_order_id", "quotes", "fill_limit", "share_limit", "window_us", "reset")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    QUOTES_FIELD_NUMBER: _ClassVar[int]
    FILL_LIMIT_FIELD_NUMBER: _ClassVar[int]
    SHARE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_US_FIELD_NUMBER: _ClassVar[int]
    RESET_FIELD_NUMBER: _ClassVar[int]
    account: str
    client_order_id: str
    quotes: int
    fill_limit: int
    share_limit: int
    window_us: int
    reset: bool
    def __init__(self, account: _Optional[str] = ..., client_order_id: _Optional[str] = ..., quotes: _Optional[int] = ..., fill_limit: _Optional[int] = ..., share_limit: _Optional[int] = ..., window_us: _Optional[int] = ..., reset: _Optional[bool] = ...) -> None: ...

class MakerProtected(_message.Message):
    __slots__ = ("account", "quotes", "fills", "shares")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    QUOTES_FIELD_NUMBER: _ClassVar[int]
    FILLS_FIELD_NUMBER: _ClassVar[int]
    SHARES_FIELD_NUMBER: _ClassVar[int]
    account: str
    quotes: int
    fills: int
    shares: int
    def __init__(self, account: _Optional[str] = ..., quotes: _Optional[int] = ..., fills: _Optional[int] = ..., shares: _Optional[int] = ...) -> None: ...

class MassCancelled(_message.Message):
    __slots__ = ("participant", "account", "client_order_id", "participant_wide", "symbol", "side", "orders")
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_WIDE_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    participant: str
    account: str
    client_order_id: str
    participant_wide: bool
    symbol: str
    side: _market_pb2.Side
    orders: int
    def __init__(self, participant: _Optional[str] = ..., account: _Optional[str] = ..., client_order_id: _Optional[str] = ..., participant_wide: _Optional[bool] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[_market_pb2.Side, str]] = ..., orders: _Optional[int] = ...) -> None: ...

class ParticipantKilled(_message.Message):
    __slots__ = ("participant", "orders")
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    participant: str
    orders: int
    def __init__(self, participant: _Optional[str] = ..., orders: _Optional[int] = ...) -> None: ...

class ParticipantReleased(_message.Message):
    __slots__ = ("participant",)
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    participant: str
    def __init__(self, participant: _Optional[str] = ...) -> None: ...

class OrderRateSet(_message.Message):
    __slots__ = ("rate",)
    RATE_FIELD_NUMBER: _ClassVar[int]
    rate: _market_pb2.OrderRate
    def __init__(self, rate: _Optional[_Union[_market_pb2.OrderRate, _Mapping]] = ...) -> None: ...

class LeaseChanged(_message.Message):
    __slots__ = ("participant", "lease", "expire_time_us", "orders")
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_US_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    participant: str
    lease: str
    expire_time_us: int
    orders: int
    def __init__(self, participant: _Optional[str] = ..., lease: _Optional[str] = ..., expire_time_us: _Optional[int] = ..., orders: _Optional[int] = ...) -> None: ...

class OrderDone(_message.Message):
    __slots__ = ("order_id", "account", "reason", "client_order_id", "symbol", "executed_quantity", "cancelled_quantity")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    EXECUTED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    CANCELLED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    order_id: int
    account: str
    reason: DoneReason
    client_order_id: str
    symbol: str
    executed_quantity: int
    cancelled_quantity: int
    def __init__(self, order_id: _Optional[int] = ..., account: _Optional[str] = ..., reason: _Optional[_Union[DoneReason, str]] = ..., client_order_id: _Optional[str] = ..., symbol: _Optional[str] = ..., executed_quantity: _Optional[int] = ..., cancelled_quantity: _Optional[int] = ...) -> None: ...

class MarketDataBatch(_message.Message):
    __slots__ = ("incarnation", "epoch", "shard", "first_sequence", "last_sequence", "time_us", "part", "parts", "symbol", "first_symbol_sequence", "events")
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SHARD_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    PART_FIELD_NUMBER: _ClassVar[int]
    PARTS_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    FIRST_SYMBOL_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    EVENTS_FIELD_NUMBER: _ClassVar[int]
    incarnation: str
    epoch: int
    shard: int
    first_sequence: int
    last_sequence: int
    time_us: int
    part: int
    parts: int
    symbol: str
    first_symbol_sequence: int
    events: _containers.RepeatedCompositeFieldContainer[MarketDataEvent]
    def __init__(self, incarnation: _Optional[str] = ..., epoch: _Optional[int] = ..., shard: _Optional[int] = ..., first_sequence: _Optional[int] = ..., last_sequence: _Optional[int] = ..., time_us: _Optional[int] = ..., part: _Optional[int] = ..., parts: _Optional[int] = ..., symbol: _Optional[str] = ..., first_symbol_sequence: _Optional[int] = ..., events: _Optional[_Iterable[_Union[MarketDataEvent, _Mapping]]] = ...) -> None: ...

class MarketDataEvent(_message.Message):
    __slots__ = ("sequence", "trade", "level", "phase_changed", "instrument_added", "date_opened", "date_closed", "calendar_moved", "schedule_missed", "indicative", "instrument_changed", "listing_changed", "price_bands_changed", "busted")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TRADE_FIELD_NUMBER: _ClassVar[int]
    LEVEL_FIELD_NUMBER: _ClassVar[int]
    PHASE_CHANGED_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_ADDED_FIELD_NUMBER: _ClassVar[int]
    DATE_OPENED_FIELD_NUMBER: _ClassVar[int]
    DATE_CLOSED_FIELD_NUMBER: _ClassVar[int]
    CALENDAR_MOVED_FIELD_NUMBER: _ClassVar[int]
    SCHEDULE_MISSED_FIELD_NUMBER: _ClassVar[int]
    INDICATIVE_FIELD_NUMBER: _ClassVar[int]
    INSTRUMENT_CHANGED_FIELD_NUMBER: _ClassVar[int]
    LISTING_CHANGED_FIELD_NUMBER: _ClassVar[int]
    PRICE_BANDS_CHANGED_FIELD_NUMBER: _ClassVar[int]
    BUSTED_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    trade: PublicTrade
    level: LevelChanged
    phase_changed: PhaseChanged
    instrument_added: InstrumentAdded
    date_opened: TradingDateOpened
    date_closed: TradingDateClosed
    calendar_moved: CalendarMoved
    schedule_missed: ScheduleMissed
    indicative: IndicativeChanged
    instrument_changed: InstrumentChanged
    listing_changed: ListingChanged
    price_bands_changed: PriceBandsChanged
    busted: PublicTradeBusted
    def __init__(self, sequence: _Optional[int] = ..., trade: _Optional[_Union[PublicTrade, _Mapping]] = ..., level: _Optional[_Union[LevelChanged, _Mapping]] = ..., phase_changed: _Optional[_Union[PhaseChanged, _Mapping]] = ..., instrument_added: _Optional[_Union[InstrumentAdded, _Mapping]] = ..., date_opened: _Optional[_Union[TradingDateOpened, _Mapping]] = ..., date_closed: _Optional[_Union[TradingDateClosed, _Mapping]] = ..., calendar_moved: _Optional[_Union[CalendarMoved, _Mapping]] = ..., schedule_missed: _Optional[_Union[ScheduleMissed, _Mapping]] = ..., indicative: _Optional[_Union[IndicativeChanged, _Mapping]] = ..., instrument_changed: _Optional[_Union[InstrumentChanged, _Mapping]] = ..., listing_changed: _Optional[_Union[ListingChanged, _Mapping]] = ..., price_bands_changed: _Optional[_Union[PriceBandsChanged, _Mapping]] = ..., busted: _Optional[_Union[PublicTradeBusted, _Mapping]] = ...) -> None: ...

class PublicTrade(_message.Message):
    __slots__ = ("price_e4", "quantity", "taker_side", "auction")
    PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    TAKER_SIDE_FIELD_NUMBER: _ClassVar[int]
    AUCTION_FIELD_NUMBER: _ClassVar[int]
    price_e4: int
    quantity: int
    taker_side: _market_pb2.Side
    auction: bool
    def __init__(self, price_e4: _Optional[int] = ..., quantity: _Optional[int] = ..., taker_side: _Optional[_Union[_market_pb2.Side, str]] = ..., auction: _Optional[bool] = ...) -> None: ...

class PublicTradeBusted(_message.Message):
    __slots__ = ("trade_sequence", "price_e4", "quantity", "taker_side")
    TRADE_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    TAKER_SIDE_FIELD_NUMBER: _ClassVar[int]
    trade_sequence: int
    price_e4: int
    quantity: int
    taker_side: _market_pb2.Side
    def __init__(self, trade_sequence: _Optional[int] = ..., price_e4: _Optional[int] = ..., quantity: _Optional[int] = ..., taker_side: _Optional[_Union[_market_pb2.Side, str]] = ...) -> None: ...

class LevelChanged(_message.Message):
    __slots__ = ("side", "price_e4", "quantity", "orders")
    SIDE_FIELD_NUMBER: _ClassVar[int]
    PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    side: _market_pb2.Side
    price_e4: int
    quantity: int
    orders: int
    def __init__(self, side: _Optional[_Union[_market_pb2.Side, str]] = ..., price_e4: _Optional[int] = ..., quantity: _Optional[int] = ..., orders: _Optional[int] = ...) -> None: ...

class IndicativeChanged(_message.Message):
    __slots__ = ("price_e4", "quantity", "surplus_side", "surplus_quantity")
    PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    SURPLUS_SIDE_FIELD_NUMBER: _ClassVar[int]
    SURPLUS_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    price_e4: int
    quantity: int
    surplus_side: _market_pb2.Side
    surplus_quantity: int
    def __init__(self, price_e4: _Optional[int] = ..., quantity: _Optional[int] = ..., surplus_side: _Optional[_Union[_market_pb2.Side, str]] = ..., surplus_quantity: _Optional[int] = ...) -> None: ...
