from bourse.types.v1 import callers_pb2 as _callers_pb2
from bourse.types.v1 import market_pb2 as _market_pb2
from google.protobuf.internal import containers as _containers
from google.protobuf import descriptor as _descriptor
from google.protobuf import message as _message
from collections.abc import Iterable as _Iterable, Mapping as _Mapping
from typing import ClassVar as _ClassVar, Optional as _Optional, Union as _Union

DESCRIPTOR: _descriptor.FileDescriptor

class QuotePosition(_message.Message):
    __slots__ = ("symbol", "sequence", "symbol_sequence", "time_us", "incarnation")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    sequence: int
    symbol_sequence: int
    time_us: int
    incarnation: str
    def __init__(self, symbol: _Optional[str] = ..., sequence: _Optional[int] = ..., symbol_sequence: _Optional[int] = ..., time_us: _Optional[int] = ..., incarnation: _Optional[str] = ...) -> None: ...

class Level(_message.Message):
    __slots__ = ("price_e4", "quantity", "orders")
    PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    ORDERS_FIELD_NUMBER: _ClassVar[int]
    price_e4: int
    quantity: int
    orders: int
    def __init__(self, price_e4: _Optional[int] = ..., quantity: _Optional[int] = ..., orders: _Optional[int] = ...) -> None: ...

class Trade(_message.Message):
    __slots__ = ("sequence", "symbol_sequence", "price_e4", "quantity", "taker_side", "time_us", "auction", "busted")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    QUANTITY_FIELD_NUMBER: _ClassVar[int]
    TAKER_SIDE_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    AUCTION_FIELD_NUMBER: _ClassVar[int]
    BUSTED_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    symbol_sequence: int
    price_e4: int
    quantity: int
    taker_side: _market_pb2.Side
    time_us: int
    auction: bool
    busted: bool
    def __init__(self, sequence: _Optional[int] = ..., symbol_sequence: _Optional[int] = ..., price_e4: _Optional[int] = ..., quantity: _Optional[int] = ..., taker_side: _Optional[_Union[_market_pb2.Side, str]] = ..., time_us: _Optional[int] = ..., auction: _Optional[bool] = ..., busted: _Optional[bool] = ...) -> None: ...

class TradeBust(_message.Message):
    __slots__ = ("sequence", "symbol_sequence", "trade_sequence", "time_us")
    SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    SYMBOL_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TRADE_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    TIME_US_FIELD_NUMBER: _ClassVar[int]
    sequence: int
    symbol_sequence: int
    trade_sequence: int
    time_us: int
    def __init__(self, sequence: _Optional[int] = ..., symbol_sequence: _Optional[int] = ..., trade_sequence: _Optional[int] = ..., time_us: _Optional[int] = ...) -> None: ...

class Indicative(_message.Message):
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

class PriceBands(_message.Message):
    __slots__ = ("reference_price_e4", "lower_price_e4", "upper_price_e4", "limit_side")
    REFERENCE_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    LOWER_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    UPPER_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    LIMIT_SIDE_FIELD_NUMBER: _ClassVar[int]
    reference_price_e4: int
    lower_price_e4: int
    upper_price_e4: int
    limit_side: _market_pb2.Side
    def __init__(self, reference_price_e4: _Optional[int] = ..., lower_price_e4: _Optional[int] = ..., upper_price_e4: _Optional[int] = ..., limit_side: _Optional[_Union[_market_pb2.Side, str]] = ...) -> None: ...

class TradingStatus(_message.Message):
    __slots__ = ("phase", "auction", "listing", "price_bands")
    PHASE_FIELD_NUMBER: _ClassVar[int]
    AUCTION_FIELD_NUMBER: _ClassVar[int]
    LISTING_FIELD_NUMBER: _ClassVar[int]
    PRICE_BANDS_FIELD_NUMBER: _ClassVar[int]
    phase: _market_pb2.Phase
    auction: _market_pb2.AuctionKind
    listing: _market_pb2.Listing
    price_bands: PriceBands
    def __init__(self, phase: _Optional[_Union[_market_pb2.Phase, str]] = ..., auction: _Optional[_Union[_market_pb2.AuctionKind, str]] = ..., listing: _Optional[_Union[_market_pb2.Listing, str]] = ..., price_bands: _Optional[_Union[PriceBands, _Mapping]] = ...) -> None: ...

class TopOfBook(_message.Message):
    __slots__ = ("position", "bid", "ask", "indicative", "status")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    BID_FIELD_NUMBER: _ClassVar[int]
    ASK_FIELD_NUMBER: _ClassVar[int]
    INDICATIVE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    position: QuotePosition
    bid: Level
    ask: Level
    indicative: Indicative
    status: TradingStatus
    def __init__(self, position: _Optional[_Union[QuotePosition, _Mapping]] = ..., bid: _Optional[_Union[Level, _Mapping]] = ..., ask: _Optional[_Union[Level, _Mapping]] = ..., indicative: _Optional[_Union[Indicative, _Mapping]] = ..., status: _Optional[_Union[TradingStatus, _Mapping]] = ...) -> None: ...

class DayStatistics(_message.Message):
    __slots__ = ("position", "trading_date", "open_price_e4", "high_price_e4", "low_price_e4", "last_price_e4", "volume", "value_e4", "trades")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    TRADING_DATE_FIELD_NUMBER: _ClassVar[int]
    OPEN_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    HIGH_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    LOW_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    LAST_PRICE_E4_FIELD_NUMBER: _ClassVar[int]
    VOLUME_FIELD_NUMBER: _ClassVar[int]
    VALUE_E4_FIELD_NUMBER: _ClassVar[int]
    TRADES_FIELD_NUMBER: _ClassVar[int]
    position: QuotePosition
    trading_date: int
    open_price_e4: int
    high_price_e4: int
    low_price_e4: int
    last_price_e4: int
    volume: int
    value_e4: int
    trades: int
    def __init__(self, position: _Optional[_Union[QuotePosition, _Mapping]] = ..., trading_date: _Optional[int] = ..., open_price_e4: _Optional[int] = ..., high_price_e4: _Optional[int] = ..., low_price_e4: _Optional[int] = ..., last_price_e4: _Optional[int] = ..., volume: _Optional[int] = ..., value_e4: _Optional[int] = ..., trades: _Optional[int] = ...) -> None: ...

class ListInstrumentsRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ListInstrumentsResponse(_message.Message):
    __slots__ = ("instruments",)
    INSTRUMENTS_FIELD_NUMBER: _ClassVar[int]
    instruments: _containers.RepeatedCompositeFieldContainer[InstrumentStatus]
    def __init__(self, instruments: _Optional[_Iterable[_Union[InstrumentStatus, _Mapping]]] = ...) -> None: ...

class InstrumentStatus(_message.Message):
    __slots__ = ("instrument", "phase", "trading_date", "position", "listing", "auction", "next_transition", "price_bands")
    INSTRUMENT_FIELD_NUMBER: _ClassVar[int]
    PHASE_FIELD_NUMBER: _ClassVar[int]
    TRADING_DATE_FIELD_NUMBER: _ClassVar[int]
    POSITION_FIELD_NUMBER: _ClassVar[int]
    LISTING_FIELD_NUMBER: _ClassVar[int]
    AUCTION_FIELD_NUMBER: _ClassVar[int]
    NEXT_TRANSITION_FIELD_NUMBER: _ClassVar[int]
    PRICE_BANDS_FIELD_NUMBER: _ClassVar[int]
    instrument: _market_pb2.Instrument
    phase: _market_pb2.Phase
    trading_date: int
    position: QuotePosition
    listing: _market_pb2.Listing
    auction: _market_pb2.AuctionKind
    next_transition: _market_pb2.Transition
    price_bands: PriceBands
    def __init__(self, instrument: _Optional[_Union[_market_pb2.Instrument, _Mapping]] = ..., phase: _Optional[_Union[_market_pb2.Phase, str]] = ..., trading_date: _Optional[int] = ..., position: _Optional[_Union[QuotePosition, _Mapping]] = ..., listing: _Optional[_Union[_market_pb2.Listing, str]] = ..., auction: _Optional[_Union[_market_pb2.AuctionKind, str]] = ..., next_transition: _Optional[_Union[_market_pb2.Transition, _Mapping]] = ..., price_bands: _Optional[_Union[PriceBands, _Mapping]] = ...) -> None: ...

class GetTopOfBookRequest(_message.Message):
    __slots__ = ("symbol", "min_sequence")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    MIN_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    min_sequence: int
    def __init__(self, symbol: _Optional[str] = ..., min_sequence: _Optional[int] = ...) -> None: ...

class GetTopOfBookResponse(_message.Message):
    __slots__ = ("top",)
    TOP_FIELD_NUMBER: _ClassVar[int]
    top: TopOfBook
    def __init__(self, top: _Optional[_Union[TopOfBook, _Mapping]] = ...) -> None: ...

class GetDepthRequest(_message.Message):
    __slots__ = ("symbol", "levels", "min_sequence")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    MIN_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    levels: int
    min_sequence: int
    def __init__(self, symbol: _Optional[str] = ..., levels: _Optional[int] = ..., min_sequence: _Optional[int] = ...) -> None: ...

class GetDepthResponse(_message.Message):
    __slots__ = ("position", "bids", "asks", "indicative", "status")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    BIDS_FIELD_NUMBER: _ClassVar[int]
    ASKS_FIELD_NUMBER: _ClassVar[int]
    INDICATIVE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    position: QuotePosition
    bids: _containers.RepeatedCompositeFieldContainer[Level]
    asks: _containers.RepeatedCompositeFieldContainer[Level]
    indicative: Indicative
    status: TradingStatus
    def __init__(self, position: _Optional[_Union[QuotePosition, _Mapping]] = ..., bids: _Optional[_Iterable[_Union[Level, _Mapping]]] = ..., asks: _Optional[_Iterable[_Union[Level, _Mapping]]] = ..., indicative: _Optional[_Union[Indicative, _Mapping]] = ..., status: _Optional[_Union[TradingStatus, _Mapping]] = ...) -> None: ...

class ListTradesRequest(_message.Message):
    __slots__ = ("symbol", "page_size", "page_token", "min_sequence")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    PAGE_SIZE_FIELD_NUMBER: _ClassVar[int]
    PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    MIN_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    page_size: int
    page_token: str
    min_sequence: int
    def __init__(self, symbol: _Optional[str] = ..., page_size: _Optional[int] = ..., page_token: _Optional[str] = ..., min_sequence: _Optional[int] = ...) -> None: ...

class ListTradesResponse(_message.Message):
    __slots__ = ("trades", "next_page_token")
    TRADES_FIELD_NUMBER: _ClassVar[int]
    NEXT_PAGE_TOKEN_FIELD_NUMBER: _ClassVar[int]
    trades: _containers.RepeatedCompositeFieldContainer[Trade]
    next_page_token: str
    def __init__(self, trades: _Optional[_Iterable[_Union[Trade, _Mapping]]] = ..., next_page_token: _Optional[str] = ...) -> None: ...

class GetDayStatisticsRequest(_message.Message):
    __slots__ = ("symbol", "min_sequence")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    MIN_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    min_sequence: int
    def __init__(self, symbol: _Optional[str] = ..., min_sequence: _Optional[int] = ...) -> None: ...

class GetDayStatisticsResponse(_message.Message):
    __slots__ = ("statistics",)
    STATISTICS_FIELD_NUMBER: _ClassVar[int]
    statistics: DayStatistics
    def __init__(self, statistics: _Optional[_Union[DayStatistics, _Mapping]] = ...) -> None: ...

class StreamTopOfBookRequest(_message.Message):
    __slots__ = ("symbols",)
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    symbols: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, symbols: _Optional[_Iterable[str]] = ...) -> None: ...

class StreamTopOfBookResponse(_message.Message):
    __slots__ = ("tops", "draining")
    TOPS_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    tops: _containers.RepeatedCompositeFieldContainer[TopOfBook]
    draining: Draining
    def __init__(self, tops: _Optional[_Iterable[_Union[TopOfBook, _Mapping]]] = ..., draining: _Optional[_Union[Draining, _Mapping]] = ...) -> None: ...

class StreamDepthRequest(_message.Message):
    __slots__ = ("symbol", "levels")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    LEVELS_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    levels: int
    def __init__(self, symbol: _Optional[str] = ..., levels: _Optional[int] = ...) -> None: ...

class StreamDepthResponse(_message.Message):
    __slots__ = ("position", "snapshot", "bids", "asks", "draining", "indicative", "status")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    SNAPSHOT_FIELD_NUMBER: _ClassVar[int]
    BIDS_FIELD_NUMBER: _ClassVar[int]
    ASKS_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    INDICATIVE_FIELD_NUMBER: _ClassVar[int]
    STATUS_FIELD_NUMBER: _ClassVar[int]
    position: QuotePosition
    snapshot: bool
    bids: _containers.RepeatedCompositeFieldContainer[Level]
    asks: _containers.RepeatedCompositeFieldContainer[Level]
    draining: Draining
    indicative: Indicative
    status: TradingStatus
    def __init__(self, position: _Optional[_Union[QuotePosition, _Mapping]] = ..., snapshot: _Optional[bool] = ..., bids: _Optional[_Iterable[_Union[Level, _Mapping]]] = ..., asks: _Optional[_Iterable[_Union[Level, _Mapping]]] = ..., draining: _Optional[_Union[Draining, _Mapping]] = ..., indicative: _Optional[_Union[Indicative, _Mapping]] = ..., status: _Optional[_Union[TradingStatus, _Mapping]] = ...) -> None: ...

class StreamTradesRequest(_message.Message):
    __slots__ = ("symbol", "after_symbol_sequence", "incarnation")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    AFTER_SYMBOL_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    INCARNATION_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    after_symbol_sequence: int
    incarnation: str
    def __init__(self, symbol: _Optional[str] = ..., after_symbol_sequence: _Optional[int] = ..., incarnation: _Optional[str] = ...) -> None: ...

class StreamTradesResponse(_message.Message):
    __slots__ = ("position", "trades", "draining", "busts")
    POSITION_FIELD_NUMBER: _ClassVar[int]
    TRADES_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    BUSTS_FIELD_NUMBER: _ClassVar[int]
    position: QuotePosition
    trades: _containers.RepeatedCompositeFieldContainer[Trade]
    draining: Draining
    busts: _containers.RepeatedCompositeFieldContainer[TradeBust]
    def __init__(self, position: _Optional[_Union[QuotePosition, _Mapping]] = ..., trades: _Optional[_Iterable[_Union[Trade, _Mapping]]] = ..., draining: _Optional[_Union[Draining, _Mapping]] = ..., busts: _Optional[_Iterable[_Union[TradeBust, _Mapping]]] = ...) -> None: ...

class StreamDayStatisticsRequest(_message.Message):
    __slots__ = ("symbols",)
    SYMBOLS_FIELD_NUMBER: _ClassVar[int]
    symbols: _containers.RepeatedScalarFieldContainer[str]
    def __init__(self, symbols: _Optional[_Iterable[str]] = ...) -> None: ...

class StreamDayStatisticsResponse(_message.Message):
    __slots__ = ("statistics", "draining")
    STATISTICS_FIELD_NUMBER: _ClassVar[int]
    DRAINING_FIELD_NUMBER: _ClassVar[int]
    statistics: _containers.RepeatedCompositeFieldContainer[DayStatistics]
    draining: Draining
    def __init__(self, statistics: _Optional[_Iterable[_Union[DayStatistics, _Mapping]]] = ..., draining: _Optional[_Union[Draining, _Mapping]] = ...) -> None: ...

class ExportQuotesRequest(_message.Message):
    __slots__ = ()
    def __init__(self) -> None: ...

class ExportQuotesResponse(_message.Message):
    __slots__ = ("sequences", "books", "trades")
    SEQUENCES_FIELD_NUMBER: _ClassVar[int]
    BOOKS_FIELD_NUMBER: _ClassVar[int]
    TRADES_FIELD_NUMBER: _ClassVar[int]
    sequences: _containers.RepeatedCompositeFieldContainer[_market_pb2.ShardSequence]
    books: _containers.RepeatedCompositeFieldContainer[ExportedBook]
    trades: _containers.RepeatedCompositeFieldContainer[ExportedTrade]
    def __init__(self, sequences: _Optional[_Iterable[_Union[_market_pb2.ShardSequence, _Mapping]]] = ..., books: _Optional[_Iterable[_Union[ExportedBook, _Mapping]]] = ..., trades: _Optional[_Iterable[_Union[ExportedTrade, _Mapping]]] = ...) -> None: ...

class ExportedBook(_message.Message):
    __slots__ = ("symbol", "bids", "asks", "indicative")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    BIDS_FIELD_NUMBER: _ClassVar[int]
    ASKS_FIELD_NUMBER: _ClassVar[int]
    INDICATIVE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    bids: _containers.RepeatedCompositeFieldContainer[Level]
    asks: _containers.RepeatedCompositeFieldContainer[Level]
    indicative: Indicative
    def __init__(self, symbol: _Optional[str] = ..., bids: _Optional[_Iterable[_Union[Level, _Mapping]]] = ..., asks: _Optional[_Iterable[_Union[Level, _Mapping]]] = ..., indicative: _Optional[_Union[Indicative, _Mapping]] = ...) -> None: ...

class ExportedTrade(_message.Message):
    __slots__ = ("symbol", "trade")
    SYMBOL_FIELD_NUMBER: _ClassVar[int]
    TRADE_FIELD_NUMBER: _ClassVar[int]
    symbol: str
    trade: Trade
    def __init__(self, symbol: _Optional[str] = ..., trade: _Optional[_Union[Trade, _Mapping]] = ...) -> None: ...

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
    __slots__ = ("resume_after_sequence",)
    RESUME_AFTER_SEQUENCE_FIELD_NUMBER: _ClassVar[int]
    resume_after_sequence: int
    def __init__(self, resume_after_sequence: _Optional[int] = ...) -> None: ...
