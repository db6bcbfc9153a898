from google.protobuf.internal import containers as _containers
from google.protobuf.internal import enum_type_wrapper as _enum_type_wrapper
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class Side(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    SIDE_UNSPECIFIED: _ClassVar[Side]
    SIDE_BUY: _ClassVar[Side]
    SIDE_SELL: _ClassVar[Side]

class Phase(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    PHASE_UNSPECIFIED: _ClassVar[Phase]
    PHASE_CLOSED: _ClassVar[Phase]
    PHASE_OPEN: _ClassVar[Phase]
    PHASE_HALTED: _ClassVar[Phase]
    PHASE_AUCTION: _ClassVar[Phase]

class AuctionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    AUCTION_KIND_UNSPECIFIED: _ClassVar[AuctionKind]
    AUCTION_KIND_OPENING: _ClassVar[AuctionKind]
    AUCTION_KIND_CLOSING: _ClassVar[AuctionKind]
    AUCTION_KIND_VOLATILITY: _ClassVar[AuctionKind]
    AUCTION_KIND_RESUMPTION: _ClassVar[AuctionKind]

class Listing(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    LISTING_UNSPECIFIED: _ClassVar[Listing]
    LISTING_LISTED: _ClassVar[Listing]
    LISTING_SUSPENDED: _ClassVar[Listing]
    LISTING_DELISTED: _ClassVar[Listing]

class TransitionKind(int, metaclass=_enum_type_wrapper.EnumTypeWrapper):
    __slots__ = ()
    TRANSITION_KIND_UNSPECIFIED: _ClassVar[TransitionKind]
    TRANSITION_KIND_OPEN_DATE: _ClassVar[TransitionKind]
    TRANSITION_KIND_SET_PHASE: _ClassVar[TransitionKind]
    TRANSITION_KIND_CLOSE_DATE: _ClassVar[TransitionKind]
SIDE_UNSPECIFIED: Side
SIDE_BUY: Side
SIDE_SELL: Side
PHASE_UNSPECIFIED: Phase
PHASE_CLOSED: Phase
PHASE_OPEN: Phase
PHASE_HALTED: Phase
PHASE_AUCTION: Phase
AUCTION_KIND_UNSPECIFIED: AuctionKind
AUCTION_KIND_OPENING: AuctionKind
AUCTION_KIND_CLOSING: AuctionKind
AUCTION_KIND_VOLATILITY: AuctionKind
AUCTION_KIND_RESUMPTION: AuctionKind
LISTING_UNSPECIFIED: Listing
LISTING_LISTED: Listing
LISTING_SUSPENDED: Listing
LISTING_DELISTED: Listing
TRANSITION_KIND_UNSPECIFIED: TransitionKind
TRANSITION_KIND_OPEN_DATE: TransitionKind
TRANSITION_KIND_SET_PHASE: TransitionKind
TRANSITION_KIND_CLOSE_DATE: TransitionKind

class Instrument(_message.Message):
    __slots__ = ("symbol", "currency", "tick_size_e4", "lot_size", "min_price_e4", "max_price_e4", "max_quantity", "maker_fee_e6", "taker_fee_e6", "shard", "market_protection_bp", "tick_bands", "max_notional_e4", "reference_price_e4", "static_collar_bp", "dynamic_collar_bp", "volatility_auction_us", "limit_band_bp", "limit_interval_us", "limit_state_us", "limit_pause_us")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    CURRENCY_FIELD_NUMBER: _ClassVar[int]
    TICK_SIZE_E4_FIELD_NUMBER: _ClassVar[int]
    LOT_SIZE_FIELD_NUMBER: _ClassVar[int]
    MIN_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    MAX_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    MAX_QUANTITY_FIELD_NUMBER: _ClassVar[int]
    MAKER_FEE_E6_FIELD_NUMBER: _ClassVar[int]
    TAKER_FEE_E6_FIELD_NUMBER: _ClassVar[int]
    SHARD_FIELD_NUMBER: _ClassVar[int]
    MARKET_PROTECTION_BP_FIELD_NUMBER: _ClassVar[int]
    TICK_BANDS_FIELD_NUMBER: _ClassVar[int]
    MAX_NOTIONAL_E4_FIELD_NUMBER: _ClassVar[int]
    REFERENCE_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    STATIC_COLLAR_BP_FIELD_NUMBER: _ClassVar[int]
    DYNAMIC_COLLAR_BP_FIELD_NUMBER: _ClassVar[int]
    VOLATILITY_AUCTION_US_FIELD_NUMBER: _ClassVar[int]
    LIMIT_BAND_BP_FIELD_NUMBER: _ClassVar[int]
    LIMIT_INTERVAL_US_FIELD_NUMBER: _ClassVar[int]
    LIMIT_STATE_US_FIELD_NUMBER: _ClassVar[int]
    LIMIT_PAUSE_US_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    currency: str
    tick_size_e4: int
    lot_size: int
    min_price_e4: int
    max_price_e4: int
    max_quantity: int
    maker_fee_e6: int
    taker_fee_e6: int
    shard: int
    market_protection_bp: int
    tick_bands: _containers.RepeatedCompositeFieldContainer[TickBand]
    max_notional_e4: int
    reference_price_e4: int
    static_collar_bp: int
    dynamic_collar_bp: int
    volatility_auction_us: int
    limit_band_bp: int
    limit_interval_us: int
    limit_state_us: int
    limit_pause_us: int
    def __init__(self, symbol: _Optional[str] = ..., currency: _Optional[str] = ..., tick_size_e4: _Optional[int] = ..., lot_size: _Optional[int] = ..., min_price_e4: _Optional[int] = ..., max_price_e4: _Optional[int] = ..., max_quantity: _Optional[int] = ..., maker_fee_e6: _Optional[int] = ..., taker_fee_e6: _Optional[int] = ..., shard: _Optional[int] = ..., market_protection_bp: _Optional[int] = ..., tick_bands: _Optional[_Iterable[_Union[TickBand, _Mapping]]] = ..., max_notional_e4: _Optional[int] = ..., reference_price_e4: _Optional[int] = ..., static_collar_bp: _Optional[int] = ..., dynamic_collar_bp: _Optional[int] = ..., volatility_auction_us: _Optional[int] = ..., limit_band_bp: _Optional[int] = ..., limit_interval_us: _Optional[int] = ..., limit_state_us: _Optional[int] = ..., limit_pause_us: _Optional[int] = ...) -> None: ...

class TickBand(_message.Message):
    __slots__ = ("price_from_e4", "tick_size_e4")
    PRICE_FROM_E4_FIELD_NUMBER: _ClassVar[int]
    TICK_SIZE_E4_FIELD_NUMBER: _ClassVar[int]
    price_from_e4: int
    tick_size_e4: int
    def __init__(self, price_from_e4: _Optional[int] = ..., tick_size_e4: _Optional[int] = ...) -> None: ...

class OrderRate(_message.Message):
    __slots__ = ("participant", "per_second", "burst")
    PARTICIPANT_FIELD_NUMBER: _ClassVar[int]
    PER_SECOND_FIELD_NUMBER: _ClassVar[int]
    BURST_FIELD_NUMBER: _ClassVar[int]
    participant: str
    per_second: int
    burst: int
    def __init__(self, participant: _Optional[str] = ..., per_second: _Optional[int] = ..., burst: _Optional[int] = ...) -> None: ...

class Transition(_message.Message):
    __slots__ = ("time_us", "kind", "trading_date", "phase", "auction", "random_end_us")
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    KIND_FIELD_NUMBER: _ClassVar[int]
    TRADING_DATE_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    AUCTION_FIELD_NUMBER: _ClassVar[int]
    RANDOM_END_US_FIELD_NUMBER: _ClassVar[int]
    time_us: int
    kind: TransitionKind
    trading_date: int
    phase: Phase
    auction: AuctionKind
    random_end_us: int
    def __init__(self, time_us: _Optional[int] = ..., kind: _Optional[_Union[TransitionKind, str]] = ..., trading_date: _Optional[int] = ..., phase: _Optional[_Union[Phase, str]] = ..., auction: _Optional[_Union[AuctionKind, str]] = ..., random_end_us: _Optional[int] = ...) -> None: ...

class ShardSequence(_message.Message):
    __slots__ = ("shard", "sequence", "incarnation")
    SHARD_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    shard: int
    sequence: int
    incarnation: str
    def __init__(self, shard: _Optional[int] = ..., sequence: _Optional[int] = ..., incarnation: _Optional[str] = ...) -> None: ...

class Refusal(_message.Message):
    __slots__ = ("reason", "message", "metadata")
    class MetadataEntry(_message.Message):
        __slots__ = ("key", "value")
        KEY_FIELD_NUMBER: _ClassVar[int]
        VALUE_FIELD_NUMBER: _ClassVar[int]
        key: str
        value: str
        def __init__(self, key: _Optional[str] = ..., value: _Optional[str] = ...) -> None: ...
    REASON_FIELD_NUMBER: _ClassVar[int]
    MESSAGE_FIELD_NUMBER: _ClassVar[int]
    METADATA_FIELD_NUMBER: _ClassVar[int]
    reason: str
    message: str
    metadata: _containers.ScalarMap[str, str]
    def __init__(self, reason: _Optional[str] = ..., message: _Optional[str] = ..., metadata: _Optional[_Mapping[str, str]] = ...) -> None: ...
