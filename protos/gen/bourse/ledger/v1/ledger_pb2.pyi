from bourse.types.v1 import callers_pb2 as _callers_pb2
from bourse.types.v1 import market_pb2 as _market_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class HoldState(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    HOLD_STATE_UNSPECIFIED: _ClassVar[HoldState]
    HOLD_STATE_PENDING: _ClassVar[HoldState]
    HOLD_STATE_BOUND: _ClassVar[HoldState]
    HOLD_STATE_ENDED: _ClassVar[HoldState]
    HOLD_STATE_EXPIRED: _ClassVar[HoldState]
    HOLD_STATE_FAILED: _ClassVar[HoldState]
    HOLD_STATE_REUSED: _ClassVar[HoldState]
    HOLD_STATE_NOT_NEEDED: _ClassVar[HoldState]
    HOLD_STATE_REFUSED: _ClassVar[HoldState]
HOLD_STATE_UNSPECIFIED: HoldState
HOLD_STATE_PENDING: HoldState
HOLD_STATE_BOUND: HoldState
HOLD_STATE_ENDED: HoldState
HOLD_STATE_EXPIRED: HoldState
HOLD_STATE_FAILED: HoldState
HOLD_STATE_REUSED: HoldState
HOLD_STATE_NOT_NEEDED: HoldState
HOLD_STATE_REFUSED: HoldState

class CreateHoldsRequest(_message.Message):
    __slots__ = ("incarnation", "holds")
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    HOLDS_FIELD_NUMBER: _ClassVar[int]
    incarnation: str
    holds: _containers.RepeatedCompositeFieldContainer[HoldRequest]
    def __init__(self, incarnation: _Optional[str] = ..., holds: _Optional[_Iterable[_Union[HoldRequest, _Mapping]]] = ...) -> None: ...

class HoldRequest(_message.Message):
    __slots__ = ("trading_date", "account", "client_order_id", "digest", "shard", "asset", "quantity", "held_price_e4", "held_fee_e6", "amount_e4", "replace", "order_id", "original_client_order_id", "symbol", "traceparent", "fixed_price")
    TRADING_DATE_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    DIGEST_FIELD_NUMBER: _ClassVar[int]
    SHARD_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    HELD_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    HELD_FEE_E6_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_E4_FIELD_NUMBER: _ClassVar[int]
    REPLACE_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    ORIGINAL_CLIENT_ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    TRACEPARENT_FIELD_NUMBER: _ClassVar[int]
    FIXED_PRICE_FIELD_NUMBER: _ClassVar[int]
    trading_date: int
    account: str
    client_order_id: str
    digest: bytes
    shard: int
    asset: str
    quantity: int
    held_price_e4: int
    held_fee_e6: int
    amount_e4: int
    replace: bool
    order_id: int
    original_client_order_id: str
    symbol: str
    traceparent: str
    fixed_price: bool
    def __init__(self, trading_date: _Optional[int] = ..., account: _Optional[str] = ..., client_order_id: _Optional[str] = ..., digest: _Optional[bytes] = ..., shard: _Optional[int] = ..., asset: _Optional[str] = ..., quantity: _Optional[int] = ..., held_price_e4: _Optional[int] = ..., held_fee_e6: _Optional[int] = ..., amount_e4: _Optional[int] = ..., replace: _Optional[bool] = ..., order_id: _Optional[int] = ..., original_client_order_id: _Optional[str] = ..., symbol: _Optional[str] = ..., traceparent: _Optional[str] = ..., fixed_price: _Optional[bool] = ...) -> None: ...

class HoldResult(_message.Message):
    __slots__ = ("state", "hold_id", "attempt", "deadline_us", "held_amount", "held_price_e4", "held_fee_e6", "refusal")
    STATE_FIELD_NUMBER: _ClassVar[int]
    HOLD_ID_FIELD_NUMBER: _ClassVar[int]
    ATTEMPT_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_US_FIELD_NUMBER: _ClassVar[int]
    HELD_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    HELD_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    HELD_FEE_E6_FIELD_NUMBER: _ClassVar[int]
    REFUSAL_FIELD_NUMBER: _ClassVar[int]
    state: HoldState
    hold_id: int
    attempt: int
    deadline_us: int
    held_amount: int
    held_price_e4: int
    held_fee_e6: int
    refusal: _market_pb2.Refusal
    def __init__(self, state: _Optional[_Union[HoldState, str]] = ..., hold_id: _Optional[int] = ..., attempt: _Optional[int] = ..., deadline_us: _Optional[int] = ..., held_amount: _Optional[int] = ..., held_price_e4: _Optional[int] = ..., held_fee_e6: _Optional[int] = ..., refusal: _Optional[_Union[_market_pb2.Refusal, _Mapping]] = ...) -> None: ...

class CreateHoldsResponse(_message.Message):
    __slots__ = ("results", "draining")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[HoldResult]
    draining: Draining
    def __init__(self, results: _Optional[_Iterable[_Union[HoldResult, _Mapping]]] = ..., draining: _Optional[_Union[Draining, _Mapping]] = ...) -> None: ...

class Participant(_message.Message):
    __slots__ = ("name", "title")
    NAME_FIELD_NUMBER: _ClassVar[int]
    TITLE_FIELD_NUMBER: _ClassVar[int]
    name: str
    title: str
    def __init__(self, name: _Optional[str] = ..., title: _Optional[str] = ...) -> None: ...

class CreateParticipantRequest(_message.Message):
    __slots__ = ("participant",)
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    participant: Participant
    def __init__(self, participant: _Optional[_Union[Participant, _Mapping]] = ...) -> None: ...

class CreateParticipantResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListParticipantsRequest(_message.Message):
    __slots__ = ("page_size", "page_token")
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    page_size: int
    page_token: str
    def __init__(self, page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListParticipantsResponse(_message.Message):
    __slots__ = ("participants", "next_page_token")
    PARTICIPANTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    participants: _containers.RepeatedCompositeFieldContainer[Participant]
    next_page_token: str
    def __init__(self, participants: _Optional[_Iterable[_Union[Participant, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class CreateAccountRequest(_message.Message):
    __slots__ = ("account",)
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    account: str
    def __init__(self, account: _Optional[str] = ...) -> None: ...

class CreateAccountResponse(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListAccountsRequest(_message.Message):
    __slots__ = ("participant", "page_size", "page_token")
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    participant: str
    page_size: int
    page_token: str
    def __init__(self, participant: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListAccountsResponse(_message.Message):
    __slots__ = ("accounts", "next_page_token")
    ACCOUNTS_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    accounts: _containers.RepeatedScalarFieldContainer[str]
    next_page_token: str
    def __init__(self, accounts: _Optional[_Iterable[str]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class DepositRequest(_message.Message):
    __slots__ = ("transfer_id", "account", "asset", "amount")
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    transfer_id: str
    account: str
    asset: str
    amount: int
    def __init__(self, transfer_id: _Optional[str] = ..., account: _Optional[str] = ..., asset: _Optional[str] = ..., amount: _Optional[int] = ...) -> None: ...

class DepositResponse(_message.Message):
    __slots__ = ("balance",)
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    balance: Balance
    def __init__(self, balance: _Optional[_Union[Balance, _Mapping]] = ...) -> None: ...

class WithdrawRequest(_message.Message):
    __slots__ = ("transfer_id", "account", "asset", "amount")
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    transfer_id: str
    account: str
    asset: str
    amount: int
    def __init__(self, transfer_id: _Optional[str] = ..., account: _Optional[str] = ..., asset: _Optional[str] = ..., amount: _Optional[int] = ...) -> None: ...

class WithdrawResponse(_message.Message):
    __slots__ = ("balance",)
    BALANCE_FIELD_NUMBER: _ClassVar[int]
    balance: Balance
    def __init__(self, balance: _Optional[_Union[Balance, _Mapping]] = ...) -> None: ...

class Transfer(_message.Message):
    __slots__ = ("transfer_id", "debit_account", "credit_account", "asset", "amount", "pending_id", "linked", "pending", "post_pending", "void_pending", "post_part")
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    DEBIT_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CREDIT_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    PENDING_ID_FIELD_NUMBER: _ClassVar[int]
    LINKED_FIELD_NUMBER: _ClassVar[int]
    PENDING_FIELD_NUMBER: _ClassVar[int]
    POST_PENDING_FIELD_NUMBER: _ClassVar[int]
    VOID_PENDING_FIELD_NUMBER: _ClassVar[int]
    POST_PART_FIELD_NUMBER: _ClassVar[int]
    transfer_id: str
    debit_account: str
    credit_account: str
    asset: str
    amount: int
    pending_id: str
    linked: bool
    pending: bool
    post_pending: bool
    void_pending: bool
    post_part: bool
    def __init__(self, transfer_id: _Optional[str] = ..., debit_account: _Optional[str] = ..., credit_account: _Optional[str] = ..., asset: _Optional[str] = ..., amount: _Optional[int] = ..., pending_id: _Optional[str] = ..., linked: _Optional[bool] = ..., pending: _Optional[bool] = ..., post_pending: _Optional[bool] = ..., void_pending: _Optional[bool] = ..., post_part: _Optional[bool] = ...) -> None: ...

class CreateTransfersRequest(_message.Message):
    __slots__ = ("transfers",)
    TRANSFERS_FIELD_NUMBER: _ClassVar[int]
    transfers: _containers.RepeatedCompositeFieldContainer[Transfer]
    def __init__(self, transfers: _Optional[_Iterable[_Union[Transfer, _Mapping]]] = ...) -> None: ...

class CreateTransfersResponse(_message.Message):
    __slots__ = ("results",)
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, results: _Optional[_Iterable[str]] = ...) -> None: ...

class Balance(_message.Message):
    __slots__ = ("account", "asset", "debits_pending", "debits_posted", "credits_pending", "credits_posted", "available")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    DEBITS_PENDING_FIELD_NUMBER: _ClassVar[int]
    DEBITS_POSTED_FIELD_NUMBER: _ClassVar[int]
    CREDITS_PENDING_FIELD_NUMBER: _ClassVar[int]
    CREDITS_POSTED_FIELD_NUMBER: _ClassVar[int]
    AVAILABLE_FIELD_NUMBER: _ClassVar[int]
    account: str
    asset: str
    debits_pending: int
    debits_posted: int
    credits_pending: int
    credits_posted: int
    available: int
    def __init__(self, account: _Optional[str] = ..., asset: _Optional[str] = ..., debits_pending: _Optional[int] = ..., debits_posted: _Optional[int] = ..., credits_pending: _Optional[int] = ..., credits_posted: _Optional[int] = ..., available: _Optional[int] = ...) -> None: ...

class ListBalancesRequest(_message.Message):
    __slots__ = ("account", "min_sequences")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    MIN_SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    account: str
    min_sequences: _containers.RepeatedCompositeFieldContainer[_market_pb2.ShardSequence]
    def __init__(self, account: _Optional[str] = ..., min_sequences: _Optional[_Iterable[_Union[_market_pb2.ShardSequence, _Mapping]]] = ...) -> None: ...

class ListBalancesResponse(_message.Message):
    __slots__ = ("balances", "sequences")
    BALANCES_FIELD_NUMBER: _ClassVar[int]
    SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    balances: _containers.RepeatedCompositeFieldContainer[Balance]
    sequences: _containers.RepeatedCompositeFieldContainer[_market_pb2.ShardSequence]
    def __init__(self, balances: _Optional[_Iterable[_Union[Balance, _Mapping]]] = ..., sequences: _Optional[_Iterable[_Union[_market_pb2.ShardSequence, _Mapping]]] = ...) -> None: ...

class Entry(_message.Message):
    __slots__ = ("entry_id", "asset", "amount", "kind", "trade_id", "transfer_id", "time_us")
    ENTRY_ID_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    TRANSFER_ID_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    entry_id: int
    asset: str
    amount: int
    kind: str
    trade_id: int
    transfer_id: str
    time_us: int
    def __init__(self, entry_id: _Optional[int] = ..., asset: _Optional[str] = ..., amount: _Optional[int] = ..., kind: _Optional[str] = ..., trade_id: _Optional[int] = ..., transfer_id: _Optional[str] = ..., time_us: _Optional[int] = ...) -> None: ...

class ListEntriesRequest(_message.Message):
    __slots__ = ("account", "asset", "page_size", "page_token")
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    account: str
    asset: str
    page_size: int
    page_token: str
    def __init__(self, account: _Optional[str] = ..., asset: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ...) -> None: ...

class ListEntriesResponse(_message.Message):
    __slots__ = ("entries", "next_page_token")
    ENTRIES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    entries: _containers.RepeatedCompositeFieldContainer[Entry]
    next_page_token: str
    def __init__(self, entries: _Optional[_Iterable[_Union[Entry, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetSettlementRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetSettlementResponse(_message.Message):
    __slots__ = ("shards",)
    SHARDS_FIELD_NUMBER: _ClassVar[int]
    shards: _containers.RepeatedCompositeFieldContainer[ShardSettlement]
    def __init__(self, shards: _Optional[_Iterable[_Union[ShardSettlement, _Mapping]]] = ...) -> None: ...

class ShardSettlement(_message.Message):
    __slots__ = ("position", "time_us", "stopped")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    STOPPED_FIELD_NUMBER: _ClassVar[int]
    position: _market_pb2.ShardSequence
    time_us: int
    stopped: _market_pb2.Refusal
    def __init__(self, position: _Optional[_Union[_market_pb2.ShardSequence, _Mapping]] = ..., time_us: _Optional[int] = ..., stopped: _Optional[_Union[_market_pb2.Refusal, _Mapping]] = ...) -> None: ...

class ExportLedgerRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ExportLedgerResponse(_message.Message):
    __slots__ = ("sequences", "balances", "holds", "transfers")
    SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    BALANCES_FIELD_NUMBER: _ClassVar[int]
    HOLDS_FIELD_NUMBER: _ClassVar[int]
    TRANSFERS_FIELD_NUMBER: _ClassVar[int]
    sequences: _containers.RepeatedCompositeFieldContainer[_market_pb2.ShardSequence]
    balances: _containers.RepeatedCompositeFieldContainer[Balance]
    holds: _containers.RepeatedCompositeFieldContainer[OpenHold]
    transfers: _containers.RepeatedCompositeFieldContainer[PostedTransfer]
    def __init__(self, sequences: _Optional[_Iterable[_Union[_market_pb2.ShardSequence, _Mapping]]] = ..., balances: _Optional[_Iterable[_Union[Balance, _Mapping]]] = ..., holds: _Optional[_Iterable[_Union[OpenHold, _Mapping]]] = ..., transfers: _Optional[_Iterable[_Union[PostedTransfer, _Mapping]]] = ...) -> None: ...

class OpenHold(_message.Message):
    __slots__ = ("hold_id", "account", "asset", "amount", "order_id", "deadline_us", "shard")
    HOLD_ID_FIELD_NUMBER: _ClassVar[int]
    ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    ORDER_ID_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_US_FIELD_NUMBER: _ClassVar[int]
    SHARD_FIELD_NUMBER: _ClassVar[int]
    hold_id: int
    account: str
    asset: str
    amount: int
    order_id: int
    deadline_us: int
    shard: int
    def __init__(self, hold_id: _Optional[int] = ..., account: _Optional[str] = ..., asset: _Optional[str] = ..., amount: _Optional[int] = ..., order_id: _Optional[int] = ..., deadline_us: _Optional[int] = ..., shard: _Optional[int] = ...) -> None: ...

class PostedTransfer(_message.Message):
    __slots__ = ("debit_account", "credit_account", "asset", "amount", "kind", "trade_id")
    DEBIT_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    CREDIT_ACCOUNT_FIELD_NUMBER: _ClassVar[int]
    ASSET_FIELD_NUMBER: _ClassVar[int]
    AMOUNT_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    debit_account: str
    credit_account: str
    asset: str
    amount: int
    kind: str
    trade_id: int
    def __init__(self, debit_account: _Optional[str] = ..., credit_account: _Optional[str] = ..., asset: _Optional[str] = ..., amount: _Optional[int] = ..., kind: _Optional[str] = ..., trade_id: _Optional[int] = ...) -> None: ...

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

class Draining(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...
