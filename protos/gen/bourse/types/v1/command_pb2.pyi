from bourse.types.v1 import market_pb2 as _market_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class OrderType(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_TYPE_UNSPECIFIED: _ClassVar[OrderType]
    ORDER_TYPE_LIMIT: _ClassVar[OrderType]
    ORDER_TYPE_MARKET: _ClassVar[OrderType]
    ORDER_TYPE_MARKET_TO_LIMIT: _ClassVar[OrderType]
    ORDER_TYPE_STOP: _ClassVar[OrderType]
    ORDER_TYPE_STOP_LIMIT: _ClassVar[OrderType]
    ORDER_TYPE_ONE_CANCELS_OTHER: _ClassVar[OrderType]
    ORDER_TYPE_PEGGED: _ClassVar[OrderType]

class StopTrigger(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    STOP_TRIGGER_UNSPECIFIED: _ClassVar[StopTrigger]
    STOP_TRIGGER_LAST_TRADE: _ClassVar[StopTrigger]
    STOP_TRIGGER_BEST_QUOTE: _ClassVar[StopTrigger]

class Peg(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PEG_UNSPECIFIED: _ClassVar[Peg]
    PEG_BID: _ClassVar[Peg]
    PEG_ASK: _ClassVar[Peg]
    PEG_MIDDLE: _ClassVar[Peg]

class PostOnly(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    POST_ONLY_UNSPECIFIED: _ClassVar[PostOnly]
    POST_ONLY_REJECT: _ClassVar[PostOnly]
    POST_ONLY_SLIDE: _ClassVar[PostOnly]

class SelfTradePrevention(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SELF_TRADE_PREVENTION_UNSPECIFIED: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_NONE: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_CANCEL_NEWEST: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_CANCEL_OLDEST: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_CANCEL_BOTH: _ClassVar[SelfTradePrevention]
    SELF_TRADE_PREVENTION_DECREMENT: _ClassVar[SelfTradePrevention]

class TimeInForce(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TIME_IN_FORCE_UNSPECIFIED: _ClassVar[TimeInForce]
    TIME_IN_FORCE_DAY: _ClassVar[TimeInForce]
    TIME_IN_FORCE_IOC: _ClassVar[TimeInForce]
    TIME_IN_FORCE_FOK: _ClassVar[TimeInForce]
    TIME_IN_FORCE_GOOD_FOR_AUCTION: _ClassVar[TimeInForce]
    TIME_IN_FORCE_AT_OPEN: _ClassVar[TimeInForce]
    TIME_IN_FORCE_AT_CLOSE: _ClassVar[TimeInForce]
    TIME_IN_FORCE_GTC: _ClassVar[TimeInForce]
    TIME_IN_FORCE_GTD: _ClassVar[TimeInForce]

class Outcome(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    OUTCOME_UNSPECIFIED: _ClassVar[Outcome]
    OUTCOME_ACCEPTED: _ClassVar[Outcome]
    OUTCOME_CANCELLED: _ClassVar[Outcome]
    OUTCOME_REPLACED: _ClassVar[Outcome]
    OUTCOME_REJECTED: _ClassVar[Outcome]
    OUTCOME_REFUSED: _ClassVar[Outcome]
    OUTCOME_LATE: _ClassVar[Outcome]
ORDER_TYPE_UNSPECIFIED: OrderType
ORDER_TYPE_LIMIT: OrderType
ORDER_TYPE_MARKET: OrderType
ORDER_TYPE_MARKET_TO_LIMIT: OrderType
ORDER_TYPE_STOP: OrderType
ORDER_TYPE_STOP_LIMIT: OrderType
ORDER_TYPE_ONE_CANCELS_OTHER: OrderType
ORDER_TYPE_PEGGED: OrderType
STOP_TRIGGER_UNSPECIFIED: StopTrigger
STOP_TRIGGER_LAST_TRADE: StopTrigger
STOP_TRIGGER_BEST_QUOTE: StopTrigger
PEG_UNSPECIFIED: Peg
PEG_BID: Peg
PEG_ASK: Peg
PEG_MIDDLE: Peg
POST_ONLY_UNSPECIFIED: PostOnly
POST_ONLY_REJECT: PostOnly
POST_ONLY_SLIDE: PostOnly
SELF_TRADE_PREVENTION_UNSPECIFIED: SelfTradePrevention
SELF_TRADE_PREVENTION_NONE: SelfTradePrevention
SELF_TRADE_PREVENTION_CANCEL_NEWEST: SelfTradePrevention
SELF_TRADE_PREVENTION_CANCEL_OLDEST: SelfTradePrevention
SELF_TRADE_PREVENTION_CANCEL_BOTH: SelfTradePrevention
SELF_TRADE_PREVENTION_DECREMENT: SelfTradePrevention
TIME_IN_FORCE_UNSPECIFIED: TimeInForce
TIME_IN_FORCE_DAY: TimeInForce
TIME_IN_FORCE_IOC: TimeInForce
TIME_IN_FORCE_FOK: TimeInForce
TIME_IN_FORCE_GOOD_FOR_AUCTION: TimeInForce
TIME_IN_FORCE_AT_OPEN: TimeInForce
TIME_IN_FORCE_AT_CLOSE: TimeInForce
TIME_IN_FORCE_GTC: TimeInForce
TIME_IN_FORCE_GTD: TimeInForce
OUTCOME_UNSPECIFIED: Outcome
OUTCOME_ACCEPTED: Outcome
OUTCOME_CANCELLED: Outcome
OUTCOME_REPLACED: Outcome
OUTCOME_REJECTED: Outcome
OUTCOME_REFUSED: Outcome
OUTCOME_LATE: Outcome

class PlaceOrder(_message.Message):
    __slots__ = ("account", "client_order_id", "trading_date", "symbol", "side", "type", "time_in_force", "price_e4", "quantity", "amount_e4", "traceparent", "stop_price_e4", "stop_trigger", "display_quantity", "hidden", "post_only", "minimum_quantity", "self_trade_prevention", "trailing_amount_e4", "trailing_bp", "stop_limit_price_e4", "peg", "peg_offset_e4", "expire_date", "expire_time_us", "lease")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    TRADING_DATE_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_E4_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
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
    account: str
    client_order_id: str
    trading_date: int
    symbol: str
    side: _market_pb2.Side
    type: OrderType
    time_in_force: TimeInForce
    price_e4: int
    quantity: int
    amount_e4: int
    traceparent: str
    stop_price_e4: int
    stop_trigger: StopTrigger
    display_quantity: int
    hidden: bool
    post_only: PostOnly
    minimum_quantity: int
    self_trade_prevention: SelfTradePrevention
    trailing_amount_e4: int
    trailing_bp: int
    stop_limit_price_e4: int
    peg: Peg
    peg_offset_e4: int
    expire_date: int
    expire_time_us: int
    lease: str
    def __init__(self, account: _Optional[str] = ..., client_order_id: _Optional[str] = ..., trading_date: _Optional[int] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[_market_pb2.Side, str]] = ..., type: _Optional[_Union[OrderType, str]] = ..., time_in_force: _Optional[_Union[TimeInForce, str]] = ..., price_e4: _Optional[int] = ..., quantity: _Optional[int] = ..., amount_e4: _Optional[int] = ..., traceparent: _Optional[str] = ..., stop_price_e4: _Optional[int] = ..., stop_trigger: _Optional[_Union[StopTrigger, str]] = ..., display_quantity: _Optional[int] = ..., hidden: _Optional[bool] = ..., post_only: _Optional[_Union[PostOnly, str]] = ..., minimum_quantity: _Optional[int] = ..., self_trade_prevention: _Optional[_Union[SelfTradePrevention, str]] = ..., trailing_amount_e4: _Optional[int] = ..., trailing_bp: _Optional[int] = ..., stop_limit_price_e4: _Optional[int] = ..., peg: _Optional[_Union[Peg, str]] = ..., peg_offset_e4: _Optional[int] = ..., expire_date: _Optional[int] = ..., expire_time_us: _Optional[int] = ..., lease: _Optional[str] = ...) -> None: ...

class RenewLease(_message.Message):
    __slots__ = ("account", "client_order_id", "lease", "grace_ms", "traceparent")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    GRACE_MS_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    account: str
    client_order_id: str
    lease: str
    grace_ms: int
    traceparent: str
    def __init__(self, account: _Optional[str] = ..., client_order_id: _Optional[str] = ..., lease: _Optional[str] = ..., grace_ms: _Optional[int] = ..., traceparent: _Optional[str] = ...) -> None: ...

class CancelOrder(_message.Message):
    __slots__ = ("account", "client_order_id", "trading_date", "order_id", "original_client_order_id", "symbol", "traceparent")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    TRADING_DATE_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    account: str
    client_order_id: str
    trading_date: int
    order_id: int
    original_client_order_id: str
    symbol: str
    traceparent: str
    def __init__(self, account: _Optional[str] = ..., client_order_id: _Optional[str] = ..., trading_date: _Optional[int] = ..., order_id: _Optional[int] = ..., original_client_order_id: _Optional[str] = ..., symbol: _Optional[str] = ..., traceparent: _Optional[str] = ...) -> None: ...

class ReplaceOrder(_message.Message):
    __slots__ = ("account", "client_order_id", "trading_date", "order_id", "original_client_order_id", "symbol", "price_e4", "quantity", "traceparent")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    TRADING_DATE_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    account: str
    client_order_id: str
    trading_date: int
    order_id: int
    original_client_order_id: str
    symbol: str
    price_e4: int
    quantity: int
    traceparent: str
    def __init__(self, account: _Optional[str] = ..., client_order_id: _Optional[str] = ..., trading_date: _Optional[int] = ..., order_id: _Optional[int] = ..., original_client_order_id: _Optional[str] = ..., symbol: _Optional[str] = ..., price_e4: _Optional[int] = ..., quantity: _Optional[int] = ..., traceparent: _Optional[str] = ...) -> None: ...

class QuoteEntry(_message.Message):
    __slots__ = ("symbol", "bid_price_e4", "bid_quantity", "ask_price_e4", "ask_quantity")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    BID_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    BID_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    ASK_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    ASK_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    bid_price_e4: int
    bid_quantity: int
    ask_price_e4: int
    ask_quantity: int
    def __init__(self, symbol: _Optional[str] = ..., bid_price_e4: _Optional[int] = ..., bid_quantity: _Optional[int] = ..., ask_price_e4: _Optional[int] = ..., ask_quantity: _Optional[int] = ...) -> None: ...

class MassQuote(_message.Message):
    __slots__ = ("account", "client_order_id", "trading_date", "entries", "self_trade_prevention", "fill_limit", "share_limit", "window_us", "reset", "lease", "traceparent")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    TRADING_DATE_FIELD_NUMBER: _ClassVar[int]
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    SELF_TRADE_PREVENTION_FIELD_NUMBER: _ClassVar[int]
    FILL_LIMIT_FIELD_NUMBER: _ClassVar[int]
    SHARE_LIMIT_FIELD_NUMBER: _ClassVar[int]
    WINDOW_US_FIELD_NUMBER: _ClassVar[int]
    RESET_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    account: str
    client_order_id: str
    trading_date: int
    entries: _containers.RepeatedCompositeFieldContainer[QuoteEntry]
    self_trade_prevention: SelfTradePrevention
    fill_limit: int
    share_limit: int
    window_us: int
    reset: bool
    lease: str
    traceparent: str
    def __init__(self, account: _Optional[str] = ..., client_order_id: _Optional[str] = ..., trading_date: _Optional[int] = ..., entries: _Optional[_Iterable[_Union[QuoteEntry, _Mapping]]] = ..., self_trade_prevention: _Optional[_Union[SelfTradePrevention, str]] = ..., fill_limit: _Optional[int] = ..., share_limit: _Optional[int] = ..., window_us: _Optional[int] = ..., reset: _Optional[bool] = ..., lease: _Optional[str] = ..., traceparent: _Optional[str] = ...) -> None: ...

class MassCancel(_message.Message):
    __slots__ = ("account", "client_order_id", "trading_date", "participant_wide", "symbol", "side", "traceparent")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    TRADING_DATE_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_WIDE_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    account: str
    client_order_id: str
    trading_date: int
    participant_wide: bool
    symbol: str
    side: _market_pb2.Side
    traceparent: str
    def __init__(self, account: _Optional[str] = ..., client_order_id: _Optional[str] = ..., trading_date: _Optional[int] = ..., participant_wide: _Optional[bool] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[_market_pb2.Side, str]] = ..., traceparent: _Optional[str] = ...) -> None: ...

class OrderCommand(_message.Message):
    __slots__ = ("place", "cancel", "replace", "mass_cancel", "mass_quote", "renew_lease")
    PLACE_FIELD_NUMBER: _ClassVar[int]
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    MASS_CANCEL_FIELD_NUMBER: _ClassVar[int]
    MASS_QUOTE_FIELD_NUMBER: _ClassVar[int]
    RENEW_LEASE_FIELD_NUMBER: _ClassVar[int]
    place: PlaceOrder
    cancel: CancelOrder
    replace: ReplaceOrder
    mass_cancel: MassCancel
    mass_quote: MassQuote
    renew_lease: RenewLease
    def __init__(self, place: _Optional[_Union[PlaceOrder, _Mapping]] = ..., cancel: _Optional[_Union[CancelOrder, _Mapping]] = ..., replace: _Optional[_Union[ReplaceOrder, _Mapping]] = ..., mass_cancel: _Optional[_Union[MassCancel, _Mapping]] = ..., mass_quote: _Optional[_Union[MassQuote, _Mapping]] = ..., renew_lease: _Optional[_Union[RenewLease, _Mapping]] = ...) -> None: ...

class CommandResult(_message.Message):
    __slots__ = ("client_order_id", "outcome", "order_id", "sequence", "quantity", "refusal", "orders", "shards")
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    SHARDS_FIELD_NUMBER: _ClassVar[int]
    client_order_id: str
    outcome: Outcome
    order_id: int
    sequence: int
    quantity: int
    refusal: _market_pb2.Refusal
    orders: int
    shards: _containers.RepeatedCompositeFieldContainer[ShardResult]
    def __init__(self, client_order_id: _Optional[str] = ..., outcome: _Optional[_Union[Outcome, str]] = ..., order_id: _Optional[int] = ..., sequence: _Optional[int] = ..., quantity: _Optional[int] = ..., refusal: _Optional[_Union[_market_pb2.Refusal, _Mapping]] = ..., orders: _Optional[int] = ..., shards: _Optional[_Iterable[_Union[ShardResult, _Mapping]]] = ...) -> None: ...

class ShardResult(_message.Message):
    __slots__ = ("shard", "outcome", "sequence", "orders", "refusal")
    SHARD_FIELD_NUMBER: _ClassVar[int]
    OUTCOME_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    shard: int
    outcome: Outcome
    sequence: int
    orders: int
    refusal: _market_pb2.Refusal
    def __init__(self, shard: _Optional[int] = ..., outcome: _Optional[_Union[Outcome, str]] = ..., sequence: _Optional[int] = ..., orders: _Optional[int] = ..., refusal: _Optional[_Union[_market_pb2.Refusal, _Mapping]] = ...) -> None: ...
