"""gRPC in. Streams write bytes that the fan-out encoded; everything else is translated by the generated messages."""

import asyncio
import base64
import re
from collections.abc import AsyncGenerator, AsyncIterator, Callable, Iterator, Sequence
from contextlib import aclosing, contextmanager
from typing import Any, NamedTuple, TypeAlias

import grpc
from google.protobuf.message_factory import GetMessageClass

from bourse.quote.v1 import quote_pb2
from bourse.types.v1 import market_pb2
from chassis.drain import Streams, farewell
from chassis.errors import Refusal
from svc_quote import wire
from svc_quote.app import Place, Quotes
from svc_quote.core.events import Level, Trade
from svc_quote.core.refused import Refused
from svc_quote.fanout import FROM_NOW, LEVELS_LIMIT, Fanout, Progress

SERVICE = quote_pb2.DESCRIPTOR.services_by_name["QuoteService"]
SYMBOL = re.compile(r"[A-Z0-9.]{1,12}")
SYMBOLS_LIMIT = 100
LEVELS_DEFAULT = 10
PAGE_LIMIT = 1000
PAGE_DEFAULT = 100
MIN_SEQUENCE_SECONDS = 5.0
SHARE_OF_DEADLINE = 0.9  # the rest is for the refusal to reach its caller in time
EXPORTS_LIMIT = 2
EXPORTED_LEVELS = 10_000
EXPORTED_TRADES = 5_000

Responses: TypeAlias = AsyncGenerator[bytes, None]

CODES = {
    "NOT_READY": grpc.StatusCode.UNAVAILABLE,
    "SYMBOL_UNKNOWN": grpc.StatusCode.NOT_FOUND,
    "SEQUENCE_NOT_REACHED": grpc.StatusCode.DEADLINE_EXCEEDED,
    "SEQUENCE_AHEAD": grpc.StatusCode.OUT_OF_RANGE,
    "INCARNATION_CHANGED": grpc.StatusCode.FAILED_PRECONDITION,
    "STREAM_LIMIT": grpc.StatusCode.RESOURCE_EXHAUSTED,
    "READER_BEHIND": grpc.StatusCode.RESOURCE_EXHAUSTED,
}


class Servicer:
    """QuoteService."""

    def __init__(self, quotes: Quotes, fanout: Fanout, streams: Streams) -> None:
        self._streams = streams
        self._quotes = quotes
        self._fanout = fanout
        self._exports = 0

    async def ListInstruments(  # noqa: N802
        self, _request: quote_pb2.ListInstrumentsRequest, _context: Any
    ) -> quote_pb2.ListInstrumentsResponse:
        with _refusals():
            places = sorted(self._quotes.every(), key=lambda place: place.market.symbol)
        return quote_pb2.ListInstrumentsResponse(instruments=[wire.instrument(*place) for place in places])

    async def GetTopOfBook(  # noqa: N802
        self, request: quote_pb2.GetTopOfBookRequest, context: Any
    ) -> quote_pb2.GetTopOfBookResponse:
        place = await self._place(request.symbol, request.min_sequence, context)
        return quote_pb2.GetTopOfBookResponse(top=wire.top(*place))

    async def GetDepth(self, request: quote_pb2.GetDepthRequest, context: Any) -> quote_pb2.GetDepthResponse:  # noqa: N802
        levels = _levels(request.levels, LEVELS_DEFAULT)
        place = await self._place(request.symbol, request.min_sequence, context)
        return wire.depth(*place, levels)

    async def ListTrades(self, request: quote_pb2.ListTradesRequest, context: Any) -> quote_pb2.ListTradesResponse:  # noqa: N802
        size = _page_size(request.page_size)
        place = await self._place(request.symbol, request.min_sequence, context)
        before = _before(place, request.page_token)
        with _refusals():
            trades = await self._quotes.trades_before(place, before, size + 1)
        token = _page_token(place, trades[size - 1].symbol_sequence) if len(trades) > size else ""
        return quote_pb2.ListTradesResponse(
            trades=wire.trades(trades[:size], place.market.busted), next_page_token=token
        )

    async def GetDayStatistics(  # noqa: N802
        self, request: quote_pb2.GetDayStatisticsRequest, context: Any
    ) -> quote_pb2.GetDayStatisticsResponse:
        place = await self._place(request.symbol, request.min_sequence, context)
        return quote_pb2.GetDayStatisticsResponse(statistics=wire.statistics(*place))

    def StreamTopOfBook(self, request: quote_pb2.StreamTopOfBookRequest, _context: Any) -> Responses:  # noqa: N802
        return _answers(self._fanout.tops(_symbols(request.symbols)), wire.move_top)

    def StreamDepth(self, request: quote_pb2.StreamDepthRequest, _context: Any) -> Responses:  # noqa: N802
        return _answers(
            self._fanout.depth(_symbol(request.symbol), _levels(request.levels, LEVELS_LIMIT)), wire.move_depth
        )

    def StreamTrades(self, request: quote_pb2.StreamTradesRequest, _context: Any) -> Responses:  # noqa: N802
        symbol, after = _symbol(request.symbol), _after(request.after_symbol_sequence)
        at = Progress()
        return _answers(self._fanout.trades(symbol, after, request.incarnation, at), lambda: wire.move_trades(at.sent))

    def StreamDayStatistics(self, request: quote_pb2.StreamDayStatisticsRequest, _context: Any) -> Responses:  # noqa: N802
        return _answers(self._fanout.statistics(_symbols(request.symbols)), wire.move_statistics)

    def ExportQuotes(self, _request: quote_pb2.ExportQuotesRequest, _context: Any) -> Responses:  # noqa: N802
        return _answers(self._export())

    async def Drain(self, request: quote_pb2.DrainRequest, _context: Any) -> quote_pb2.DrainResponse:  # noqa: N802
        return quote_pb2.DrainResponse(streams_told=self._streams.drain(request.share_ppm))

    async def _export(self) -> AsyncGenerator[bytes, None]:
        if self._exports >= EXPORTS_LIMIT:
            raise Refused("STREAM_LIMIT", f"{EXPORTS_LIMIT} exports are running", fix="try again later")
        self._exports += 1
        try:
            async with aclosing(self._exported()) as parts:
                async for part in parts:
                    yield part.SerializeToString()
        finally:
            self._exports -= 1

    async def _exported(self) -> AsyncGenerator[quote_pb2.ExportQuotesResponse, None]:
        captured = [_captured(place) for place in self._quotes.every()]
        sequences = [
            market_pb2.ShardSequence(shard=shard.number, sequence=shard.sequence, incarnation=shard.incarnation)
            for shard in self._quotes.shards.values()
        ]
        yield quote_pb2.ExportQuotesResponse(sequences=sequences)
        for capture in sorted(captured, key=lambda capture: capture.place.market.symbol):
            for book in _exported_books(capture):
                yield quote_pb2.ExportQuotesResponse(books=[book])
            async for trades in self._tape(capture):
                yield quote_pb2.ExportQuotesResponse(trades=trades)

    async def _tape(self, capture: "_Capture") -> AsyncIterator[list[quote_pb2.ExportedTrade]]:
        at = 0
        while at < capture.floor:
            trades = await self._quotes.trades_after(capture.place, at, capture.floor, EXPORTED_TRADES)
            at = trades[-1].symbol_sequence if len(trades) == EXPORTED_TRADES else capture.floor
            yield _exported_trades(capture, trades)
        for start in range(0, len(capture.trades), EXPORTED_TRADES):
            yield _exported_trades(capture, capture.trades[start : start + EXPORTED_TRADES])

    async def _place(self, symbol: str, min_sequence: int, context: Any) -> Place:
        _symbol(symbol)
        if min_sequence < 0:
            raise _invalid("SEQUENCE_INVALID", "min_sequence", min_sequence, "send 0 or more")
        left = context.time_remaining()
        wait = MIN_SEQUENCE_SECONDS if left is None else min(MIN_SEQUENCE_SECONDS, left * SHARE_OF_DEADLINE)
        with _refusals():
            try:
                async with asyncio.timeout(wait):
                    return await self._quotes.at_least(symbol, min_sequence)
            except TimeoutError:
                raise Refused(
                    "SEQUENCE_NOT_REACHED",
                    f"market data is not at {min_sequence} yet",
                    field="min_sequence",
                    value=str(min_sequence),
                    fix="try again",
                ) from None


async def _answers(responses: Responses, move: Callable[[], bytes] | None = None) -> Responses:
    """The responses; what is refused becomes a status, and what they hold is given back at once when they end. `move` makes
    the one that tells the reader to move.
    """
    if move is not None:
        farewell(move)
    with _refusals():
        async with aclosing(responses):
            async for response in responses:
                yield response


def register(servicer: Any, server: grpc.aio.Server) -> None:
    """As the generated function does, but streams take bytes: they are encoded once for many readers."""
    handlers: dict[str, grpc.RpcMethodHandler[Any, Any]] = {}
    for method in SERVICE.methods:
        decode, behaviour = GetMessageClass(method.input_type).FromString, getattr(servicer, method.name)
        if method.server_streaming:
            handlers[method.name] = grpc.unary_stream_rpc_method_handler(behaviour, decode, None)
        else:
            encode = GetMessageClass(method.output_type).SerializeToString
            handlers[method.name] = grpc.unary_unary_rpc_method_handler(behaviour, decode, encode)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE.full_name, handlers),))


class _Capture(NamedTuple):
    """An instrument at the export's cursor; trades up to `floor` are in the store."""

    place: Place
    bids: list[Level]
    asks: list[Level]
    floor: int
    trades: list[Trade]
    busted: frozenset[int]
    indicative: quote_pb2.Indicative | None


def _captured(place: Place) -> _Capture:
    book, tape = place.market.book, place.market.tape
    trades = tape.after(tape.floor, tape.behind(tape.floor))
    return _Capture(
        place,
        book.bids.top(len(book.bids)),
        book.asks.top(len(book.asks)),
        tape.floor,
        trades,
        frozenset(place.market.busted),
        wire.indicative(place.market),
    )


def _exported_books(capture: _Capture) -> Iterator[quote_pb2.ExportedBook]:
    """At least one; a big book comes in several, in order."""
    deepest = max(1, len(capture.bids), len(capture.asks))
    for start in range(0, deepest, EXPORTED_LEVELS):
        yield quote_pb2.ExportedBook(
            symbol=capture.place.market.symbol,
            indicative=capture.indicative,
            bids=map(wire.level, capture.bids[start : start + EXPORTED_LEVELS]),
            asks=map(wire.level, capture.asks[start : start + EXPORTED_LEVELS]),
        )


def _exported_trades(capture: _Capture, trades: Sequence[Trade]) -> list[quote_pb2.ExportedTrade]:
    symbol = capture.place.market.symbol
    return [quote_pb2.ExportedTrade(symbol=symbol, trade=trade) for trade in wire.trades(trades, capture.busted)]


@contextmanager
def _refusals() -> Iterator[None]:
    """What is refused inside leaves as a status."""
    try:
        yield
    except Refused as no:
        raise Refusal(CODES[no.reason], no.reason, no.message, **no.metadata) from None


def _symbol(symbol: str) -> str:
    if not SYMBOL.fullmatch(symbol):
        raise _invalid("SYMBOL_INVALID", "symbol", symbol, "send 1 to 12 of A-Z, 0-9 and '.'")
    return symbol


def _symbols(symbols: Sequence[str]) -> list[str]:
    if not 1 <= len(symbols) <= SYMBOLS_LIMIT:
        raise _invalid("SYMBOLS_INVALID", "symbols", len(symbols), f"send 1 to {SYMBOLS_LIMIT} symbols")
    return list(dict.fromkeys(map(_symbol, symbols)))


def _levels(levels: int, default: int) -> int:
    if not 0 <= levels <= LEVELS_LIMIT:
        raise _invalid("LEVELS_INVALID", "levels", levels, f"send 1 to {LEVELS_LIMIT}, or 0 for {default}")
    return levels or default


def _page_size(size: int) -> int:
    if not 0 <= size <= PAGE_LIMIT:
        raise _invalid("PAGE_TOO_LARGE", "page_size", size, f"send 1 to {PAGE_LIMIT}, or 0 for {PAGE_DEFAULT}")
    return size or PAGE_DEFAULT


def _after(after: int) -> int:
    if after < FROM_NOW:
        raise _invalid("SEQUENCE_INVALID", "after_symbol_sequence", after, "send -1, 0 or a symbol_sequence")
    return after


def _page_token(place: Place, symbol_sequence: int) -> str:
    text = f"{place.shard.incarnation}/{place.market.symbol}/{symbol_sequence}"
    return base64.urlsafe_b64encode(text.encode()).decode()


def _before(place: Place, token: str) -> int:
    """The symbol_sequence that the page ends before."""
    if not token:
        return place.market.symbol_sequence + 1
    try:
        incarnation, symbol, sequence = base64.b64decode(token, altchars=b"-_", validate=True).decode().split("/")
        if (incarnation, symbol) == (place.shard.incarnation, place.market.symbol):
            return int(sequence)
    except ValueError:
        pass
    fix = "send next_page_token as it came, with the same symbol; a new incarnation of the exchange has new pages"
    raise _invalid("PAGE_TOKEN_INVALID", "page_token", token, fix)


def _invalid(reason: str, field: str, value: object, fix: str) -> Refusal:
    return Refusal(
        grpc.StatusCode.INVALID_ARGUMENT,
        reason,
        f"{field} {value!r} cannot be taken",
        field=field,
        value=str(value),
        fix=fix,
    )
