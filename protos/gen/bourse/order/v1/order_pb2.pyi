from bourse.match.v1 import events_pb2 as _events_pb2
from bourse.types.v1 import callers_pb2 as _callers_pb2
from bourse.types.v1 import command_pb2 as _command_pb2
from bourse.types.v1 import market_pb2 as _market_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class UpdateKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    UPDATE_KIND_UNSPECIFIED: _ClassVar[UpdateKind]
    UPDATE_KIND_ACCEPTED: _ClassVar[UpdateKind]
    UPDATE_KIND_REJECTED: _ClassVar[UpdateKind]
    UPDATE_KIND_TRADED: _ClassVar[UpdateKind]
    UPDATE_KIND_REPLACED: _ClassVar[UpdateKind]
    UPDATE_KIND_FILLED: _ClassVar[UpdateKind]
    UPDATE_KIND_CANCELLED: _ClassVar[UpdateKind]
    UPDATE_KIND_RESTATED: _ClassVar[UpdateKind]
    UPDATE_KIND_BUSTED: _ClassVar[UpdateKind]
    UPDATE_KIND_MASS_CANCELLED: _ClassVar[UpdateKind]
    UPDATE_KIND_KILLED: _ClassVar[UpdateKind]
    UPDATE_KIND_RELEASED: _ClassVar[UpdateKind]
    UPDATE_KIND_SESSION_LOST: _ClassVar[UpdateKind]
    UPDATE_KIND_MASS_QUOTED: _ClassVar[UpdateKind]
    UPDATE_KIND_MAKER_PROTECTED: _ClassVar[UpdateKind]

class OrderState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    ORDER_STATE_UNSPECIFIED: _ClassVar[OrderState]
    ORDER_STATE_OPEN: _ClassVar[OrderState]
    ORDER_STATE_FILLED: _ClassVar[OrderState]
    ORDER_STATE_CANCELLED: _ClassVar[OrderState]
    ORDER_STATE_REJECTED: _ClassVar[OrderState]
UPDATE_KIND_UNSPECIFIED: UpdateKind
UPDATE_KIND_ACCEPTED: UpdateKind
UPDATE_KIND_REJECTED: UpdateKind
UPDATE_KIND_TRADED: UpdateKind
UPDATE_KIND_REPLACED: UpdateKind
UPDATE_KIND_FILLED: UpdateKind
UPDATE_KIND_CANCELLED: UpdateKind
UPDATE_KIND_RESTATED: UpdateKind
UPDATE_KIND_BUSTED: UpdateKind
UPDATE_KIND_MASS_CANCELLED: UpdateKind
UPDATE_KIND_KILLED: UpdateKind
UPDATE_KIND_RELEASED: UpdateKind
UPDATE_KIND_SESSION_LOST: UpdateKind
UPDATE_KIND_MASS_QUOTED: UpdateKind
UPDATE_KIND_MAKER_PROTECTED: UpdateKind
ORDER_STATE_UNSPECIFIED: OrderState
ORDER_STATE_OPEN: OrderState
ORDER_STATE_FILLED: OrderState
ORDER_STATE_CANCELLED: OrderState
ORDER_STATE_REJECTED: OrderState

class EnterOrdersRequest(_message.Message):
    __slots__ = ("commands",)
    COMMANDS_FIELD_NUMBER: _ClassVar[int]
    commands: _containers.RepeatedCompositeFieldContainer[_command_pb2.OrderCommand]
    def __init__(self, commands: _Optional[_Iterable[_Union[_command_pb2.OrderCommand, _Mapping]]] = ...) -> None: ...

class EnterOrdersResponse(_message.Message):
    __slots__ = ("results", "draining")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[_command_pb2.CommandResult]
    draining: Draining
    def __init__(self, results: _Optional[_Iterable[_Union[_command_pb2.CommandResult, _Mapping]]] = ..., draining: _Optional[_Union[Draining, _Mapping]] = ...) -> None: ...

class Draining(_message.Message):
    __slots__ = ("resume_after_sequence", "resume_after")
    RESUME_AFTER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    RESUME_AFTER_FIELD_NUMBER: _ClassVar[int]
    resume_after_sequence: int
    resume_after: _containers.RepeatedCompositeFieldContainer[_market_pb2.ShardSequence]
    def __init__(self, resume_after_sequence: _Optional[int] = ..., resume_after: _Optional[_Iterable[_Union[_market_pb2.ShardSequence, _Mapping]]] = ...) -> None: ...

class PlaceOrderRequest(_message.Message):
    __slots__ = ("place",)
    PLACE_FIELD_NUMBER: _ClassVar[int]
    place: _command_pb2.PlaceOrder
    def __init__(self, place: _Optional[_Union[_command_pb2.PlaceOrder, _Mapping]] = ...) -> None: ...

class PlaceOrderResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: _command_pb2.CommandResult
    def __init__(self, result: _Optional[_Union[_command_pb2.CommandResult, _Mapping]] = ...) -> None: ...

class CancelOrderRequest(_message.Message):
    __slots__ = ("cancel",)
    CANCEL_FIELD_NUMBER: _ClassVar[int]
    cancel: _command_pb2.CancelOrder
    def __init__(self, cancel: _Optional[_Union[_command_pb2.CancelOrder, _Mapping]] = ...) -> None: ...

class CancelOrderResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: _command_pb2.CommandResult
    def __init__(self, result: _Optional[_Union[_command_pb2.CommandResult, _Mapping]] = ...) -> None: ...

class ReplaceOrderRequest(_message.Message):
    __slots__ = ("replace",)
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    replace: _command_pb2.ReplaceOrder
    def __init__(self, replace: _Optional[_Union[_command_pb2.ReplaceOrder, _Mapping]] = ...) -> None: ...

class ReplaceOrderResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: _command_pb2.CommandResult
    def __init__(self, result: _Optional[_Union[_command_pb2.CommandResult, _Mapping]] = ...) -> None: ...

class MassQuoteRequest(_message.Message):
    __slots__ = ("mass_quote",)
    MASS_QUOTE_FIELD_NUMBER: _ClassVar[int]
    mass_quote: _command_pb2.MassQuote
    def __init__(self, mass_quote: _Optional[_Union[_command_pb2.MassQuote, _Mapping]] = ...) -> None: ...

class MassQuoteResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: _command_pb2.CommandResult
    def __init__(self, result: _Optional[_Union[_command_pb2.CommandResult, _Mapping]] = ...) -> None: ...

class MassCancelRequest(_message.Message):
    __slots__ = ("mass_cancel",)
    MASS_CANCEL_FIELD_NUMBER: _ClassVar[int]
    mass_cancel: _command_pb2.MassCancel
    def __init__(self, mass_cancel: _Optional[_Union[_command_pb2.MassCancel, _Mapping]] = ...) -> None: ...

class MassCancelResponse(_message.Message):
    __slots__ = ("result",)
    RESULT_FIELD_NUMBER: _ClassVar[int]
    result: _command_pb2.CommandResult
    def __init__(self, result: _Optional[_Union[_command_pb2.CommandResult, _Mapping]] = ...) -> None: ...

class GetOrderRequest(_message.Message):
    __slots__ = ("order_id", "min_sequence")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    MIN_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    order_id: int
    min_sequence: int
    def __init__(self, order_id: _Optional[int] = ..., min_sequence: _Optional[int] = ...) -> None: ...

class GetOrderResponse(_message.Message):
    __slots__ = ("order",)
    ORDER_FIELD_NUMBER: _ClassVar[int]
    order: Order
    def __init__(self, order: _Optional[_Union[Order, _Mapping]] = ...) -> None: ...

class ListOrdersRequest(_message.Message):
    __slots__ = ("participant", "account", "symbol", "state", "client_order_id", "page_size", "page_token", "min_sequences")
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MIN_SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    participant: str
    account: str
    symbol: str
    state: OrderState
    client_order_id: str
    page_size: int
    page_token: str
    min_sequences: _containers.RepeatedCompositeFieldContainer[_market_pb2.ShardSequence]
    def __init__(self, participant: _Optional[str] = ..., account: _Optional[str] = ..., symbol: _Optional[str] = ..., state: _Optional[_Union[OrderState, str]] = ..., client_order_id: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., min_sequences: _Optional[_Iterable[_Union[_market_pb2.ShardSequence, _Mapping]]] = ...) -> None: ...

class ListOrdersResponse(_message.Message):
    __slots__ = ("orders", "next_page_token")
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    orders: _containers.RepeatedCompositeFieldContainer[Order]
    next_page_token: str
    def __init__(self, orders: _Optional[_Iterable[_Union[Order, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class WatchOrdersRequest(_message.Message):
    __slots__ = ("participant", "after")
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    AFTER_FIELD_NUMBER: _ClassVar[int]
    participant: str
    after: _containers.RepeatedCompositeFieldContainer[_market_pb2.ShardSequence]
    def __init__(self, participant: _Optional[str] = ..., after: _Optional[_Iterable[_Union[_market_pb2.ShardSequence, _Mapping]]] = ...) -> None: ...

class WatchOrdersResponse(_message.Message):
    __slots__ = ("incarnation", "shard", "first_sequence", "last_sequence", "updates", "draining")
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    SHARD_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    UPDATES_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    incarnation: str
    shard: int
    first_sequence: int
    last_sequence: int
    updates: _containers.RepeatedCompositeFieldContainer[OrderUpdate]
    draining: Draining
    def __init__(self, incarnation: _Optional[str] = ..., shard: _Optional[int] = ..., first_sequence: _Optional[int] = ..., last_sequence: _Optional[int] = ..., updates: _Optional[_Iterable[_Union[OrderUpdate, _Mapping]]] = ..., draining: _Optional[_Union[Draining, _Mapping]] = ...) -> None: ...

class OrderUpdate(_message.Message):
    __slots__ = ("sequence", "time_us", "kind", "order_id", "account", "client_order_id", "symbol", "price_e4", "quantity", "open_quantity", "fee_e4", "maker", "side", "refusal", "restate_reason", "done_reason", "auction", "trade_sequence", "bust_reason")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    OPEN_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    FEE_E4_FIELD_NUMBER: _ClassVar[int]
    MAKER_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    RESTATE_REASON_FIELD_NUMBER: _ClassVar[int]
    DONE_REASON_FIELD_NUMBER: _ClassVar[int]
    AUCTION_FIELD_NUMBER: _ClassVar[int]
    TRADE_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    BUST_REASON_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    time_us: int
    kind: UpdateKind
    order_id: int
    account: str
    client_order_id: str
    symbol: str
    price_e4: int
    quantity: int
    open_quantity: int
    fee_e4: int
    maker: bool
    side: _market_pb2.Side
    refusal: _market_pb2.Refusal
    restate_reason: _events_pb2.RestateReason
    done_reason: _events_pb2.DoneReason
    auction: bool
    trade_sequence: int
    bust_reason: str
    def __init__(self, sequence: _Optional[int] = ..., time_us: _Optional[int] = ..., kind: _Optional[_Union[UpdateKind, str]] = ..., order_id: _Optional[int] = ..., account: _Optional[str] = ..., client_order_id: _Optional[str] = ..., symbol: _Optional[str] = ..., price_e4: _Optional[int] = ..., quantity: _Optional[int] = ..., open_quantity: _Optional[int] = ..., fee_e4: _Optional[int] = ..., maker: _Optional[bool] = ..., side: _Optional[_Union[_market_pb2.Side, str]] = ..., refusal: _Optional[_Union[_market_pb2.Refusal, _Mapping]] = ..., restate_reason: _Optional[_Union[_events_pb2.RestateReason, str]] = ..., done_reason: _Optional[_Union[_events_pb2.DoneReason, str]] = ..., auction: _Optional[bool] = ..., trade_sequence: _Optional[int] = ..., bust_reason: _Optional[str] = ...) -> None: ...

class Order(_message.Message):
    __slots__ = ("order_id", "account", "client_order_id", "trading_date", "symbol", "side", "type", "time_in_force", "price_e4", "quantity", "executed_quantity", "open_quantity", "executed_amount_e4", "fees_e4", "state", "create_time_us", "update_time_us", "last_sequence", "refusal", "stop_price_e4", "stop_trigger", "display_quantity", "hidden", "post_only", "minimum_quantity", "self_trade_prevention", "triggered", "done_reason", "trailing_amount_e4", "trailing_bp", "stop_limit_price_e4", "peg", "peg_offset_e4", "busted_quantity", "busted_amount_e4", "busted_fees_e4", "expire_date", "expire_time_us", "lease")
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    TRADING_DATE_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    TYPE_FIELD_NUMBER: _ClassVar[int]
    TIME_IN_FORCE_FIELD_NUMBER: _ClassVar[int]
    PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    EXECUTED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    OPEN_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    EXECUTED_AMOUNT_E4_FIELD_NUMBER: _ClassVar[int]
    FEES_E4_FIELD_NUMBER: _ClassVar[int]
    STATE_FIELD_NUMBER: _ClassVar[int]
    CREATE_TIME_US_FIELD_NUMBER: _ClassVar[int]
    UPDATE_TIME_US_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    STOP_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    STOP_TRIGGER_FIELD_NUMBER: _ClassVar[int]
    DISPLAY_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    HIDDEN_FIELD_NUMBER: _ClassVar[int]
    POST_ONLY_FIELD_NUMBER: _ClassVar[int]
    MINIMUM_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    SELF_TRADE_PREVENTION_FIELD_NUMBER: _ClassVar[int]
    TRIGGERED_FIELD_NUMBER: _ClassVar[int]
    DONE_REASON_FIELD_NUMBER: _ClassVar[int]
    TRAILING_AMOUNT_E4_FIELD_NUMBER: _ClassVar[int]
    TRAILING_BP_FIELD_NUMBER: _ClassVar[int]
    STOP_LIMIT_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    PEG_FIELD_NUMBER: _ClassVar[int]
    PEG_OFFSET_E4_FIELD_NUMBER: _ClassVar[int]
    BUSTED_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    BUSTED_AMOUNT_E4_FIELD_NUMBER: _ClassVar[int]
    BUSTED_FEES_E4_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_DATE_FIELD_NUMBER: _ClassVar[int]
    EXPIRE_TIME_US_FIELD_NUMBER: _ClassVar[int]
    LEASE_FIELD_NUMBER: _ClassVar[int]
    order_id: int
    account: str
    client_order_id: str
    trading_date: int
    symbol: str
    side: _market_pb2.Side
    type: _command_pb2.OrderType
    time_in_force: _command_pb2.TimeInForce
    price_e4: int
    quantity: int
    executed_quantity: int
    open_quantity: int
    executed_amount_e4: int
    fees_e4: int
    state: OrderState
    create_time_us: int
    update_time_us: int
    last_sequence: int
    refusal: _market_pb2.Refusal
    stop_price_e4: int
    stop_trigger: _command_pb2.StopTrigger
    display_quantity: int
    hidden: bool
    post_only: _command_pb2.PostOnly
    minimum_quantity: int
    self_trade_prevention: _command_pb2.SelfTradePrevention
    triggered: bool
    done_reason: _events_pb2.DoneReason
    trailing_amount_e4: int
    trailing_bp: int
    stop_limit_price_e4: int
    peg: _command_pb2.Peg
    peg_offset_e4: int
    busted_quantity: int
    busted_amount_e4: int
    busted_fees_e4: int
    expire_date: int
    expire_time_us: int
    lease: str
    def __init__(self, order_id: _Optional[int] = ..., account: _Optional[str] = ..., client_order_id: _Optional[str] = ..., trading_date: _Optional[int] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[_market_pb2.Side, str]] = ..., type: _Optional[_Union[_command_pb2.OrderType, str]] = ..., time_in_force: _Optional[_Union[_command_pb2.TimeInForce, str]] = ..., price_e4: _Optional[int] = ..., quantity: _Optional[int] = ..., executed_quantity: _Optional[int] = ..., open_quantity: _Optional[int] = ..., executed_amount_e4: _Optional[int] = ..., fees_e4: _Optional[int] = ..., state: _Optional[_Union[OrderState, str]] = ..., create_time_us: _Optional[int] = ..., update_time_us: _Optional[int] = ..., last_sequence: _Optional[int] = ..., refusal: _Optional[_Union[_market_pb2.Refusal, _Mapping]] = ..., stop_price_e4: _Optional[int] = ..., stop_trigger: _Optional[_Union[_command_pb2.StopTrigger, str]] = ..., display_quantity: _Optional[int] = ..., hidden: _Optional[bool] = ..., post_only: _Optional[_Union[_command_pb2.PostOnly, str]] = ..., minimum_quantity: _Optional[int] = ..., self_trade_prevention: _Optional[_Union[_command_pb2.SelfTradePrevention, str]] = ..., triggered: _Optional[bool] = ..., done_reason: _Optional[_Union[_events_pb2.DoneReason, str]] = ..., trailing_amount_e4: _Optional[int] = ..., trailing_bp: _Optional[int] = ..., stop_limit_price_e4: _Optional[int] = ..., peg: _Optional[_Union[_command_pb2.Peg, str]] = ..., peg_offset_e4: _Optional[int] = ..., busted_quantity: _Optional[int] = ..., busted_amount_e4: _Optional[int] = ..., busted_fees_e4: _Optional[int] = ..., expire_date: _Optional[int] = ..., expire_time_us: _Optional[int] = ..., lease: _Optional[str] = ...) -> None: ...

class ExportOrdersRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ExportOrdersResponse(_message.Message):
    __slots__ = ("sequences", "orders", "participants", "copies")
    SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANTS_FIELD_NUMBER: _ClassVar[int]
    COPIES_FIELD_NUMBER: _ClassVar[int]
    sequences: _containers.RepeatedCompositeFieldContainer[_market_pb2.ShardSequence]
    orders: _containers.RepeatedCompositeFieldContainer[Order]
    participants: _containers.RepeatedScalarFieldContainer[str]
    copies: _containers.RepeatedCompositeFieldContainer[StoredUpdates]
    def __init__(self, sequences: _Optional[_Iterable[_Union[_market_pb2.ShardSequence, _Mapping]]] = ..., orders: _Optional[_Iterable[_Union[Order, _Mapping]]] = ..., participants: _Optional[_Iterable[str]] = ..., copies: _Optional[_Iterable[_Union[StoredUpdates, _Mapping]]] = ...) -> None: ...

class StoredUpdates(_message.Message):
    __slots__ = ("shard", "participant", "first_sequence", "last_sequence", "updates")
    SHARD_FIELD_NUMBER: _ClassVar[int]
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    FIRST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    LAST_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    UPDATES_FIELD_NUMBER: _ClassVar[int]
    shard: int
    participant: str
    first_sequence: int
    last_sequence: int
    updates: bytes
    def __init__(self, shard: _Optional[int] = ..., participant: _Optional[str] = ..., first_sequence: _Optional[int] = ..., last_sequence: _Optional[int] = ..., updates: _Optional[bytes] = ...) -> None: ...

class DrainRequest(_message.Message):
    __slots__ = ("share_ppm",)
    SHARE_PPM_FIELD_NUMBER: _ClassVar[int]
    share_ppm: int
    def __init__(self, share_ppm: _Optional[int] = ...) -> None: ...

class DrainResponse(_message.Message):
    __slots__ = ("streams_told",)
    STREAMS_TOLD_FIELD_NUMBER: _ClassVar[int]
    streams_told: int
    def __init__(self, streams_told: _Optional[int] = ...) -> None: ...
