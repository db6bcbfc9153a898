"""gRPC in: translate, call, translate."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress
from typing import Any, TypeAlias

import grpc
import structlog

from bourse.match.v1 import events_pb2, match_pb2, match_pb2_grpc
from bourse.types.v1 import market_pb2
from chassis.drain import farewell
from chassis.errors import Refusal
from chassis.server import Server
from chassis.units import sequence_of, shard_of
from svc_match.app import BATCH_COMMANDS_LIMIT, Shard
from svc_match.codec import Codec
from svc_match.core import snapshot
from svc_match.core.books import COMPILED
from svc_match.core.engine import SEMANTICS, Engine
from svc_match.core.events import Reason, Refused, Result, Stands
from svc_match.core.words import WORDS
from svc_match.ports import Command, JournalDamaged, NotLeader, Request, Row
from svc_match.wire import reference
from svc_match.wire.controls import control
from svc_match.wire.executions import last_of_executions, trade_in
from svc_match.wire.market_data import indicative

PIPELINE_LIMIT = 8
STREAMS_LIMIT = 64
RESPONSE_BYTES_LIMIT = 1 << 20
DEPTH_LEVELS_LIMIT = 100_000

log = structlog.get_logger()
Code = grpc.StatusCode
CODES = {
    Reason.TRADING_DATE_OPEN: Code.FAILED_PRECONDITION,
    Reason.TRADING_DATE_PAST: Code.FAILED_PRECONDITION,
    Reason.TRADING_DATE_NOT_OPEN: Code.FAILED_PRECONDITION,
    Reason.INSTRUMENT_EXISTS: Code.ALREADY_EXISTS,
    Reason.INSTRUMENT_LIMIT: Code.RESOURCE_EXHAUSTED,
    Reason.INSTRUMENT_NOT_CLOSED: Code.FAILED_PRECONDITION,
    Reason.INSTRUMENT_HAS_ORDERS: Code.FAILED_PRECONDITION,
    Reason.INSTRUMENT_SUSPENDED: Code.FAILED_PRECONDITION,
    Reason.INSTRUMENT_DELISTED: Code.FAILED_PRECONDITION,
    Reason.PARTICIPANT_LIMIT: Code.RESOURCE_EXHAUSTED,
    Reason.SYMBOL_UNKNOWN: Code.NOT_FOUND,
    Reason.TRADE_UNKNOWN: Code.NOT_FOUND,
    Reason.TRADE_OF_EARLIER_DATE: Code.FAILED_PRECONDITION,
    Reason.TRADE_BUSTED: Code.FAILED_PRECONDITION,
    Reason.BUST_LIMIT: Code.RESOURCE_EXHAUSTED,
}  # all others: INVALID_ARGUMENT
Pending: TypeAlias = tuple[list[Command], asyncio.Future[list[Any]]] | Exception | None


def add_to(server: Server, shard: Shard) -> None:
    """Adds the service to a server that has not started."""
    service = match_pb2.DESCRIPTOR.services_by_name["MatchService"]
    codec = Codec()

    def register(servicer: Any, to: Any) -> None:
        """Submit has a codec of its own: of two handlers that are registered the later one serves."""
        match_pb2_grpc.add_MatchServiceServicer_to_server(servicer, to)
        submit = grpc.stream_stream_rpc_method_handler(servicer.Submit, codec.request, _encoded)
        to.add_registered_method_handlers(service.full_name, {"Submit": submit})

    server.add(service, register, MatchService(shard, codec))


class MatchService(match_pb2_grpc.MatchServiceServicer):
    """The shard's methods; what each promises is in the proto."""

    def __init__(self, shard: Shard, codec: Codec) -> None:
        self._shard = shard
        self._codec = codec
        self._streams = 0

    async def Submit(self, requests: Any, _context: Any) -> Any:  # noqa: N802
        """Reads ahead at most PIPELINE_LIMIT batches; a refusal comes after the answers to what was before it."""
        farewell(lambda: match_pb2.SubmitResponse(draining=match_pb2.Draining()))
        pending: asyncio.Queue[Pending] = asyncio.Queue(PIPELINE_LIMIT)
        reader = asyncio.create_task(self._read_batches(requests, pending))
        try:
            while (batch := await pending.get()) is not None:
                if isinstance(batch, Exception):
                    raise batch
                yield await self._answer(*batch)
        finally:
            reader.cancel()
            with suppress(asyncio.CancelledError):
                await reader

    async def OpenTradingDate(self, request: match_pb2.OpenTradingDateRequest, _context: Any) -> Any:  # noqa: N802
        """See the proto."""
        return match_pb2.OpenTradingDateResponse(sequence=await self._control(request))

    async def CloseTradingDate(self, request: match_pb2.CloseTradingDateRequest, _context: Any) -> Any:  # noqa: N802
        """See the proto."""
        return match_pb2.CloseTradingDateResponse(sequence=await self._control(request))

    async def AddInstrument(self, request: match_pb2.AddInstrumentRequest, _context: Any) -> Any:  # noqa: N802
        """See the proto."""
        return match_pb2.AddInstrumentResponse(sequence=await self._control(request))

    async def ChangeInstrument(self, request: match_pb2.ChangeInstrumentRequest, _context: Any) -> Any:  # noqa: N802
        """See the proto."""
        return match_pb2.ChangeInstrumentResponse(sequence=await self._control(request))

    async def SetListing(self, request: match_pb2.SetListingRequest, _context: Any) -> Any:  # noqa: N802
        """See the proto."""
        return match_pb2.SetListingResponse(sequence=await self._control(request))

    async def SetPhase(self, request: match_pb2.SetPhaseRequest, _context: Any) -> Any:  # noqa: N802
        """See the proto."""
        return match_pb2.SetPhaseResponse(sequence=await self._control(request))

    async def BustTrade(self, request: match_pb2.BustTradeRequest, _context: Any) -> Any:  # noqa: N802
        """See the proto."""
        async with _leading():
            trade = await self._trade(request.trade_id)
        command = events_pb2.TradeBusted(trade_id=request.trade_id, reason=request.reason, trade=trade)
        return match_pb2.BustTradeResponse(sequence=await self._control(command))

    async def EndOrders(self, request: match_pb2.EndOrdersRequest, _context: Any) -> Any:  # noqa: N802
        """See the proto."""
        done = await self._stands(request)
        return match_pb2.EndOrdersResponse(sequence=done.sequence, orders=done.orders)

    async def KillParticipant(self, request: match_pb2.KillParticipantRequest, _context: Any) -> Any:  # noqa: N802
        """See the proto."""
        done = await self._stands(request)
        return match_pb2.KillParticipantResponse(sequence=done.sequence, orders=done.orders)

    async def ReleaseParticipant(self, request: match_pb2.ReleaseParticipantRequest, _context: Any) -> Any:  # noqa: N802
        """See the proto."""
        return match_pb2.ReleaseParticipantResponse(sequence=await self._control(request))

    async def SetOrderRate(self, request: match_pb2.SetOrderRateRequest, _context: Any) -> Any:  # noqa: N802
        """See the proto."""
        return match_pb2.SetOrderRateResponse(sequence=await self._control(request))

    async def SetCalendar(self, request: match_pb2.SetCalendarRequest, _context: Any) -> Any:  # noqa: N802
        """See the proto."""
        return match_pb2.SetCalendarResponse(sequence=await self._control(request))

    async def GetCalendar(self, _request: match_pb2.GetCalendarRequest, _context: Any) -> Any:  # noqa: N802
        """See the proto."""
        return await self._shard.read(_calendar)

    async def GetShard(self, _request: match_pb2.GetShardRequest, _context: Any) -> Any:  # noqa: N802
        """See the proto."""
        return await self._shard.read(self._state)

    async def ListInstruments(self, _request: match_pb2.ListInstrumentsRequest, _context: Any) -> Any:  # noqa: N802
        """See the proto."""
        return await self._shard.read(_instruments)

    async def GetDepth(self, request: match_pb2.GetDepthRequest, _context: Any) -> Any:  # noqa: N802
        """See the proto."""
        _require_levels(request.levels)
        depth = await self._shard.read(lambda engine: _depth(engine, request))
        if depth is None:
            raise _refusal(Refused(Reason.SYMBOL_UNKNOWN, "symbol", request.symbol))
        return depth

    async def StreamExecutions(self, request: match_pb2.StreamExecutionsRequest, _context: Any) -> Any:  # noqa: N802
        """See the proto."""
        sent = Sent(request.from_sequence - 1)
        farewell(lambda: match_pb2.StreamExecutionsResponse(draining=sent.draining()))
        async for batches in self._stream(request, _executions, sent):
            yield match_pb2.StreamExecutionsResponse(batches=batches)

    async def StreamMarketData(self, request: match_pb2.StreamMarketDataRequest, _context: Any) -> Any:  # noqa: N802
        """See the proto."""
        sent = Sent(request.from_sequence - 1)
        farewell(lambda: match_pb2.StreamMarketDataResponse(draining=sent.draining()))
        async for batches in self._stream(request, _market_data, sent):
            yield match_pb2.StreamMarketDataResponse(batches=batches)

    async def _read_batches(self, requests: Any, pending: asyncio.Queue[Pending]) -> None:
        try:
            async for request in requests:
                await pending.put(self._submit(request))
        except Exception as error:  # noqa: BLE001 - it is raised where the answers before it have left
            await pending.put(error)
        else:
            await pending.put(None)

    def _submit(self, request: Request) -> Pending:
        self._require_incarnation(request.incarnation)
        if not 1 <= len(request.commands) <= BATCH_COMMANDS_LIMIT:
            raise _batch_too_large(len(request.commands))
        return request.commands, self._shard.submit(request.commands)

    async def _answer(self, commands: list[Command], future: asyncio.Future[list[Any]]) -> bytes:
        async with _leading():
            results = await self._shard.answers(await future)
        return self._codec.answer(commands, results)

    async def _control(self, request: Any) -> int:
        return (await self._stands(request)).sequence

    async def _stands(self, request: Any) -> Stands:
        result: Result = Stands(0, more=True)
        async with _leading():
            while isinstance(result, Stands) and result.more:
                (result,) = await self._shard.submit([control(request)])
        if isinstance(result, Refused):
            raise _refusal(result)
        assert isinstance(result, Stands)
        return result

    async def _trade(self, trade_id: int) -> events_pb2.Trade:
        """The trade as the journal has it."""
        sequence, trade = sequence_of(trade_id), None
        if trade_id > 0 and shard_of(trade_id) == self._shard.shard and 0 < sequence <= self._shard.sequence:
            (row, *_) = await self._shard.rows(sequence, 1)
            trade = trade_in(row.executions, sequence)
        if trade is None:
            raise _refusal(Refused(Reason.TRADE_UNKNOWN, "trade_id", str(trade_id)))
        return trade

    def _state(self, engine: Engine) -> match_pb2.GetShardResponse:
        shard, published = self._shard, self._shard.published
        return match_pb2.GetShardResponse(
            shard=shard.shard,
            incarnation=shard.journal.incarnation,
            epoch=shard.journal.epoch,
            sequence=engine.sequence,
            time_us=shard.time_us,
            trading_date=engine.trading_date,
            date_opened_sequence=engine.date_opened_sequence if engine.trading_date else 0,
            open_orders=engine.open_orders,
            state_hash=snapshot.state_hash(engine).hex(),
            semantics=SEMANTICS,
            published_sequence=min(published.values(), default=0),
            core="compiled" if COMPILED else "interpreted",
            killed_participants=sorted(engine.restrictions.killed),
            order_rates=[
                market_pb2.OrderRate(participant=name, per_second=rate.per_second, burst=rate.burst)
                for name, rate in sorted(engine.restrictions.rates.items())
            ],
        )

    async def _stream(
        self, request: Any, parts: Callable[[Row, int], list[bytes]], sent: "Sent"
    ) -> AsyncIterator[list[bytes]]:
        """Rows by cursor, from memory or the journal: there is no seam. `sent` is as far as whole rows were yielded."""
        if request.incarnation:
            self._require_incarnation(request.incarnation)
        cursor = self._require_position(request.from_sequence)
        async with self._stream_slot(), _leading():
            while not request.to_sequence or cursor <= request.to_sequence:
                batches: list[bytes] = []
                size = 0
                for row in await self._shard.rows(cursor, RESPONSE_BYTES_LIMIT):
                    for part in parts(row, cursor):
                        if size and size + len(part) > RESPONSE_BYTES_LIMIT:
                            sent.sequence = cursor - 1
                            yield batches
                            batches, size = [], 0
                        batches.append(part)
                        size += len(part)
                    cursor = row.last_sequence + 1
                    if request.to_sequence and cursor > request.to_sequence:
                        break
                sent.sequence = cursor - 1
                yield batches

    @asynccontextmanager
    async def _stream_slot(self) -> AsyncIterator[None]:
        if self._streams >= STREAMS_LIMIT:
            message, fix = f"the shard serves {STREAMS_LIMIT} streams already", "read from JetStream, or try later"
            raise Refusal(Code.RESOURCE_EXHAUSTED, "STREAM_LIMIT", message, limit=str(STREAMS_LIMIT), fix=fix)
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1

    def _require_position(self, sequence: int) -> int:
        if sequence < 1:
            message, fix = "sequences begin at 1", "ask for one behind the last that you have"
            raise Refusal(
                Code.INVALID_ARGUMENT, "SEQUENCE_INVALID", message, field="from_sequence", value=str(sequence), fix=fix
            )
        if sequence > self._shard.sequence + 1:
            raise Refusal(
                Code.OUT_OF_RANGE,
                "SEQUENCE_AHEAD",
                f"the journal ends at {self._shard.sequence}",
                field="from_sequence",
                value=str(sequence),
                fix="ask for one behind the last that the journal has; if you have more, yours is another exchange",
            )
        return sequence

    def _require_incarnation(self, incarnation: str) -> None:
        if incarnation != self._shard.journal.incarnation:
            raise Refusal(
                Code.FAILED_PRECONDITION,
                "INCARNATION_CHANGED",
                "the exchange's incarnation is another one",
                field="incarnation",
                value=incarnation,
                incarnation=self._shard.journal.incarnation,
                fix="forget what you have of the other one, and begin at sequence 1",
            )


@asynccontextmanager
async def _leading() -> AsyncIterator[None]:
    """A process that leads no more is about to end: its callers try the next one. A damaged row is told to those who
    ask for it; the others are served.
    """
    try:
        yield
    except JournalDamaged as error:
        log.error("journal_damaged", why=str(error))
        raise Refusal(Code.DATA_LOSS, "JOURNAL_DAMAGED", str(error), fix="restore the row from a backup") from error
    except NotLeader as error:
        message = "the shard is being taken over"
        raise Refusal(Code.UNAVAILABLE, "NOT_READY", message, fix="send again") from error


class Sent:
    """How far a stream that is read is: whole rows up to `sequence`."""

    def __init__(self, sequence: int) -> None:
        self.sequence = sequence

    def draining(self) -> match_pb2.Draining:
        """Where the next stream resumes."""
        return match_pb2.Draining(resume_after_sequence=self.sequence)


def _encoded(response: Any) -> bytes:
    """A response to Submit: the answers, which are encoded already, or a farewell."""
    return response if isinstance(response, bytes) else response.SerializeToString()


def _executions(row: Row, cursor: int) -> list[bytes]:
    if cursor <= row.first_sequence or len(row.executions) == 1:
        return row.executions
    return [part for part in row.executions if last_of_executions(part)[1] >= cursor]


def _market_data(row: Row, _cursor: int) -> list[bytes]:
    return row.market_data


def _instruments(engine: Engine) -> match_pb2.ListInstrumentsResponse:
    response = match_pb2.ListInstrumentsResponse(sequence=engine.sequence)
    for symbol in sorted(engine.books):
        book = engine.books[symbol]
        state = response.instruments.add(instrument=reference.instrument_message(book.instrument))
        state.phase = int(book.phase)  # type: ignore[assignment]
        state.listing = int(book.listing)  # type: ignore[assignment]
        state.reference_price_e4 = book.reference_price_e4
        state.auction = book.auction  # type: ignore[assignment]
    return response


def _calendar(engine: Engine) -> match_pb2.GetCalendarResponse:
    schedule = engine.schedule
    return match_pb2.GetCalendarResponse(
        transitions=map(reference.transition_message, schedule.steps),
        stopped=schedule.stopped,
        sequence=engine.sequence,
    )


def _depth(engine: Engine, request: match_pb2.GetDepthRequest) -> match_pb2.GetDepthResponse | None:
    book = engine.books.get(request.symbol)
    if book is None:
        return None
    response = match_pb2.GetDepthResponse(sequence=engine.sequence, symbol_sequence=book.symbol_sequence)
    for side, levels in ((1, response.bids), (2, response.asks)):
        for price_e4, quantity, orders in book.depth(side, request.levels or DEPTH_LEVELS_LIMIT):
            levels.append(
                events_pb2.LevelChanged(side=side, price_e4=price_e4, quantity=quantity, orders=orders)  # type: ignore[arg-type]
            )
    if book.auction:
        response.indicative.CopyFrom(indicative(book.indication))
    return response


def _require_levels(levels: int) -> None:
    if not 0 <= levels <= DEPTH_LEVELS_LIMIT:
        message, fix = f"levels is outside 0 to {DEPTH_LEVELS_LIMIT}", "ask for fewer levels"
        raise Refusal(Code.INVALID_ARGUMENT, "PAGE_TOO_LARGE", message, field="levels", value=str(levels), fix=fix)


def _batch_too_large(count: int) -> Refusal:
    return Refusal(
        Code.INVALID_ARGUMENT,
        "BATCH_TOO_LARGE",
        f"a batch has 1 to {BATCH_COMMANDS_LIMIT} commands",
        field="submissions",
        value=str(count),
        fix=f"send 1 to {BATCH_COMMANDS_LIMIT}",
    )


def _refusal(refused: Refused) -> Refusal:
    message, fix = WORDS[refused.reason]
    metadata = {"field": refused.field, "value": refused.value, "fix": fix}
    return Refusal(CODES.get(refused.reason, Code.INVALID_ARGUMENT), refused.reason.value, message, **metadata)
