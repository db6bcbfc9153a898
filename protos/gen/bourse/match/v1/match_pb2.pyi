from bourse.match.v1 import events_pb2 as _events_pb2
from bourse.types.v1 import callers_pb2 as _callers_pb2
from bourse.types.v1 import command_pb2 as _command_pb2
from bourse.types.v1 import market_pb2 as _market_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class SubmitRequest(_message.Message):
    __slots__ = ("incarnation", "submissions")
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    SUBMISSIONS_FIELD_NUMBER: _ClassVar[int]
    incarnation: str
    submissions: _containers.RepeatedCompositeFieldContainer[Submission]
    def __init__(self, incarnation: _Optional[str] = ..., submissions: _Optional[_Iterable[_Union[Submission, _Mapping]]] = ...) -> None: ...

class Submission(_message.Message):
    __slots__ = ("command", "hold_id", "held_amount", "held_price_e4", "held_fee_e6", "deadline_us", "quote_holds")
    COMMAND_FIELD_NUMBER: _ClassVar[int]
    HOLD_ID_FIELD_NUMBER: _ClassVar[int]
    HELD_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    HELD_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    HELD_FEE_E6_FIELD_NUMBER: _ClassVar[int]
    DEADLINE_US_FIELD_NUMBER: _ClassVar[int]
    QUOTE_HOLDS_FIELD_NUMBER: _ClassVar[int]
    command: _command_pb2.OrderCommand
    hold_id: int
    held_amount: int
    held_price_e4: int
    held_fee_e6: int
    deadline_us: int
    quote_holds: _containers.RepeatedCompositeFieldContainer[QuoteHold]
    def __init__(self, command: _Optional[_Union[_command_pb2.OrderCommand, _Mapping]] = ..., hold_id: _Optional[int] = ..., held_amount: _Optional[int] = ..., held_price_e4: _Optional[int] = ..., held_fee_e6: _Optional[int] = ..., deadline_us: _Optional[int] = ..., quote_holds: _Optional[_Iterable[_Union[QuoteHold, _Mapping]]] = ...) -> None: ...

class QuoteHold(_message.Message):
    __slots__ = ("hold_id", "held_amount", "held_price_e4", "held_fee_e6")
    HOLD_ID_FIELD_NUMBER: _ClassVar[int]
    HELD_AMOUNT_FIELD_NUMBER: _ClassVar[int]
    HELD_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    HELD_FEE_E6_FIELD_NUMBER: _ClassVar[int]
    hold_id: int
    held_amount: int
    held_price_e4: int
    held_fee_e6: int
    def __init__(self, hold_id: _Optional[int] = ..., held_amount: _Optional[int] = ..., held_price_e4: _Optional[int] = ..., held_fee_e6: _Optional[int] = ...) -> None: ...

class SubmitResponse(_message.Message):
    __slots__ = ("results", "draining")
    RESULTS_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    results: _containers.RepeatedCompositeFieldContainer[_command_pb2.CommandResult]
    draining: Draining
    def __init__(self, results: _Optional[_Iterable[_Union[_command_pb2.CommandResult, _Mapping]]] = ..., draining: _Optional[_Union[Draining, _Mapping]] = ...) -> None: ...

class OpenTradingDateRequest(_message.Message):
    __slots__ = ("trading_date",)
    TRADING_DATE_FIELD_NUMBER: _ClassVar[int]
    trading_date: int
    def __init__(self, trading_date: _Optional[int] = ...) -> None: ...

class OpenTradingDateResponse(_message.Message):
    __slots__ = ("sequence",)
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    def __init__(self, sequence: _Optional[int] = ...) -> None: ...

class CloseTradingDateRequest(_message.Message):
    __slots__ = ("trading_date",)
    TRADING_DATE_FIELD_NUMBER: _ClassVar[int]
    trading_date: int
    def __init__(self, trading_date: _Optional[int] = ...) -> None: ...

class CloseTradingDateResponse(_message.Message):
    __slots__ = ("sequence",)
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    def __init__(self, sequence: _Optional[int] = ...) -> None: ...

class AddInstrumentRequest(_message.Message):
    __slots__ = ("instrument",)
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    instrument: _market_pb2.Instrument
    def __init__(self, instrument: _Optional[_Union[_market_pb2.Instrument, _Mapping]] = ...) -> None: ...

class AddInstrumentResponse(_message.Message):
    __slots__ = ("sequence",)
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    def __init__(self, sequence: _Optional[int] = ...) -> None: ...

class ChangeInstrumentRequest(_message.Message):
    __slots__ = ("instrument",)
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    instrument: _market_pb2.Instrument
    def __init__(self, instrument: _Optional[_Union[_market_pb2.Instrument, _Mapping]] = ...) -> None: ...

class ChangeInstrumentResponse(_message.Message):
    __slots__ = ("sequence",)
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    def __init__(self, sequence: _Optional[int] = ...) -> None: ...

class SetListingRequest(_message.Message):
    __slots__ = ("symbol", "listing")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    LISTING_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    listing: _market_pb2.Listing
    def __init__(self, symbol: _Optional[str] = ..., listing: _Optional[_Union[_market_pb2.Listing, str]] = ...) -> None: ...

class SetListingResponse(_message.Message):
    __slots__ = ("sequence",)
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    def __init__(self, sequence: _Optional[int] = ...) -> None: ...

class SetPhaseRequest(_message.Message):
    __slots__ = ("symbol", "phase", "auction")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    AUCTION_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    phase: _market_pb2.Phase
    auction: _market_pb2.AuctionKind
    def __init__(self, symbol: _Optional[str] = ..., phase: _Optional[_Union[_market_pb2.Phase, str]] = ..., auction: _Optional[_Union[_market_pb2.AuctionKind, str]] = ...) -> None: ...

class SetPhaseResponse(_message.Message):
    __slots__ = ("sequence",)
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    def __init__(self, sequence: _Optional[int] = ...) -> None: ...

class BustTradeRequest(_message.Message):
    __slots__ = ("trade_id", "reason")
    TRADE_ID_FIELD_NUMBER: _ClassVar[int]
    REASON_FIELD_NUMBER: _ClassVar[int]
    trade_id: int
    reason: str
    def __init__(self, trade_id: _Optional[int] = ..., reason: _Optional[str] = ...) -> None: ...

class BustTradeResponse(_message.Message):
    __slots__ = ("sequence",)
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    def __init__(self, sequence: _Optional[int] = ...) -> None: ...

class EndOrdersRequest(_message.Message):
    __slots__ = ("participant", "symbol", "side")
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SIDE_FIELD_NUMBER: _ClassVar[int]
    participant: str
    symbol: str
    side: _market_pb2.Side
    def __init__(self, participant: _Optional[str] = ..., symbol: _Optional[str] = ..., side: _Optional[_Union[_market_pb2.Side, str]] = ...) -> None: ...

class EndOrdersResponse(_message.Message):
    __slots__ = ("sequence", "orders")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    orders: int
    def __init__(self, sequence: _Optional[int] = ..., orders: _Optional[int] = ...) -> None: ...

class KillParticipantRequest(_message.Message):
    __slots__ = ("participant",)
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    participant: str
    def __init__(self, participant: _Optional[str] = ...) -> None: ...

class KillParticipantResponse(_message.Message):
    __slots__ = ("sequence", "orders")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    orders: int
    def __init__(self, sequence: _Optional[int] = ..., orders: _Optional[int] = ...) -> None: ...

class ReleaseParticipantRequest(_message.Message):
    __slots__ = ("participant",)
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    participant: str
    def __init__(self, participant: _Optional[str] = ...) -> None: ...

class ReleaseParticipantResponse(_message.Message):
    __slots__ = ("sequence",)
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    def __init__(self, sequence: _Optional[int] = ...) -> None: ...

class SetOrderRateRequest(_message.Message):
    __slots__ = ("rate",)
    RATE_FIELD_NUMBER: _ClassVar[int]
    rate: _market_pb2.OrderRate
    def __init__(self, rate: _Optional[_Union[_market_pb2.OrderRate, _Mapping]] = ...) -> None: ...

class SetOrderRateResponse(_message.Message):
    __slots__ = ("sequence",)
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    def __init__(self, sequence: _Optional[int] = ...) -> None: ...

class SetCalendarRequest(_message.Message):
    __slots__ = ("transitions", "seed", "remove")
    TRANSITIONS_FIELD_NUMBER: _ClassVar[int]
    SEED_FIELD_NUMBER: _ClassVar[int]
    REMOVE_FIELD_NUMBER: _ClassVar[int]
    transitions: _containers.RepeatedCompositeFieldContainer[_market_pb2.Transition]
    seed: int
    remove: bool
    def __init__(self, transitions: _Optional[_Iterable[_Union[_market_pb2.Transition, _Mapping]]] = ..., seed: _Optional[int] = ..., remove: _Optional[bool] = ...) -> None: ...

class SetCalendarResponse(_message.Message):
    __slots__ = ("sequence",)
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    def __init__(self, sequence: _Optional[int] = ...) -> None: ...

class GetCalendarRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetCalendarResponse(_message.Message):
    __slots__ = ("transitions", "stopped", "sequence")
    TRANSITIONS_FIELD_NUMBER: _ClassVar[int]
    STOPPED_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    transitions: _containers.RepeatedCompositeFieldContainer[_market_pb2.Transition]
    stopped: bool
    sequence: int
    def __init__(self, transitions: _Optional[_Iterable[_Union[_market_pb2.Transition, _Mapping]]] = ..., stopped: _Optional[bool] = ..., sequence: _Optional[int] = ...) -> None: ...

class GetShardRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class GetShardResponse(_message.Message):
    __slots__ = ("shard", "incarnation", "epoch", "sequence", "time_us", "trading_date", "date_opened_sequence", "open_orders", "state_hash", "semantics", "published_sequence", "core", "killed_participants", "order_rates")
    SHARD_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    EPOCH_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    TRADING_DATE_FIELD_NUMBER: _ClassVar[int]
    DATE_OPENED_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    OPEN_ORDERS_FIELD_NUMBER: _ClassVar[int]
    STATE_HASH_FIELD_NUMBER: _ClassVar[int]
    SEMANTICS_FIELD_NUMBER: _ClassVar[int]
    PUBLISHED_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    CORE_FIELD_NUMBER: _ClassVar[int]
    KILLED_PARTICIPANTS_FIELD_NUMBER: _ClassVar[int]
    ORDER_RATES_FIELD_NUMBER: _ClassVar[int]
    shard: int
    incarnation: str
    epoch: int
    sequence: int
    time_us: int
    trading_date: int
    date_opened_sequence: int
    open_orders: int
    state_hash: str
    semantics: int
    published_sequence: int
    core: str
    killed_participants: _containers.RepeatedScalarFieldContainer[str]
    order_rates: _containers.RepeatedCompositeFieldContainer[_market_pb2.OrderRate]
    def __init__(self, shard: _Optional[int] = ..., incarnation: _Optional[str] = ..., epoch: _Optional[int] = ..., sequence: _Optional[int] = ..., time_us: _Optional[int] = ..., trading_date: _Optional[int] = ..., date_opened_sequence: _Optional[int] = ..., open_orders: _Optional[int] = ..., state_hash: _Optional[str] = ..., semantics: _Optional[int] = ..., published_sequence: _Optional[int] = ..., core: _Optional[str] = ..., killed_participants: _Optional[_Iterable[str]] = ..., order_rates: _Optional[_Iterable[_Union[_market_pb2.OrderRate, _Mapping]]] = ...) -> None: ...

class ListInstrumentsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListInstrumentsResponse(_message.Message):
    __slots__ = ("instruments", "sequence")
    INSTRUMENTS_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    instruments: _containers.RepeatedCompositeFieldContainer[InstrumentState]
    sequence: int
    def __init__(self, instruments: _Optional[_Iterable[_Union[InstrumentState, _Mapping]]] = ..., sequence: _Optional[int] = ...) -> None: ...

class InstrumentState(_message.Message):
    __slots__ = ("instrument", "phase", "auction", "listing", "reference_price_e4")
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    AUCTION_FIELD_NUMBER: _ClassVar[int]
    LISTING_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    instrument: _market_pb2.Instrument
    phase: _market_pb2.Phase
    auction: _market_pb2.AuctionKind
    listing: _market_pb2.Listing
    reference_price_e4: int
    def __init__(self, instrument: _Optional[_Union[_market_pb2.Instrument, _Mapping]] = ..., phase: _Optional[_Union[_market_pb2.Phase, str]] = ..., auction: _Optional[_Union[_market_pb2.AuctionKind, str]] = ..., listing: _Optional[_Union[_market_pb2.Listing, str]] = ..., reference_price_e4: _Optional[int] = ...) -> None: ...

class GetDepthRequest(_message.Message):
    __slots__ = ("symbol", "levels")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    levels: int
    def __init__(self, symbol: _Optional[str] = ..., levels: _Optional[int] = ...) -> None: ...

class GetDepthResponse(_message.Message):
    __slots__ = ("sequence", "symbol_sequence", "bids", "asks", "indicative")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    BIDS_FIELD_NUMBER: _ClassVar[int]
    ASKS_FIELD_NUMBER: _ClassVar[int]
    INDICATIVE_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    symbol_sequence: int
    bids: _containers.RepeatedCompositeFieldContainer[_events_pb2.LevelChanged]
    asks: _containers.RepeatedCompositeFieldContainer[_events_pb2.LevelChanged]
    indicative: _events_pb2.IndicativeChanged
    def __init__(self, sequence: _Optional[int] = ..., symbol_sequence: _Optional[int] = ..., bids: _Optional[_Iterable[_Union[_events_pb2.LevelChanged, _Mapping]]] = ..., asks: _Optional[_Iterable[_Union[_events_pb2.LevelChanged, _Mapping]]] = ..., indicative: _Optional[_Union[_events_pb2.IndicativeChanged, _Mapping]] = ...) -> None: ...

class StreamExecutionsRequest(_message.Message):
    __slots__ = ("from_sequence", "incarnation", "to_sequence")
    FROM_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    TO_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    from_sequence: int
    incarnation: str
    to_sequence: int
    def __init__(self, from_sequence: _Optional[int] = ..., incarnation: _Optional[str] = ..., to_sequence: _Optional[int] = ...) -> None: ...

class StreamExecutionsResponse(_message.Message):
    __slots__ = ("batches", "draining")
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    batches: _containers.RepeatedScalarFieldContainer[bytes]
    draining: Draining
    def __init__(self, batches: _Optional[_Iterable[bytes]] = ..., draining: _Optional[_Union[Draining, _Mapping]] = ...) -> None: ...

class StreamMarketDataRequest(_message.Message):
    __slots__ = ("from_sequence", "incarnation", "to_sequence")
    FROM_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    TO_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    from_sequence: int
    incarnation: str
    to_sequence: int
    def __init__(self, from_sequence: _Optional[int] = ..., incarnation: _Optional[str] = ..., to_sequence: _Optional[int] = ...) -> None: ...

class StreamMarketDataResponse(_message.Message):
    __slots__ = ("batches", "draining")
    BATCHES_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    batches: _containers.RepeatedScalarFieldContainer[bytes]
    draining: Draining
    def __init__(self, batches: _Optional[_Iterable[bytes]] = ..., draining: _Optional[_Union[Draining, _Mapping]] = ...) -> None: ...

class Draining(_message.Message):
    __slots__ = ("resume_after_sequence",)
    RESUME_AFTER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    resume_after_sequence: int
    def __init__(self, resume_after_sequence: _Optional[int] = ...) -> None: ...
