"""gRPC in: order entry and reads. Methods translate, call, translate."""
# ruff: noqa: N802 (methods are named by the proto)

import asyncio
import base64
import binascii
import logging
from collections.abc import AsyncGenerator, AsyncIterator
from typing import Any

import grpc
import structlog

from bourse.ledger.v1 import ledger_pb2
from bourse.match.v1 import match_pb2
from bourse.order.v1 import order_pb2, order_pb2_grpc
from bourse.quote.v1 import quote_pb2
from bourse.types.v1 import command_pb2
from chassis.drain import Streams, farewell
from chassis.errors import Refusal
from chassis.identity import caller
from chassis.server import Server
from svc_order import wire
from svc_order.app import WATCH_LIMIT, Admission, History, Problem, require_one_each
from svc_order.core.refused import STATUS_OF, Refused, Unavailable, refused
from svc_order.entry import Entry, Session
from svc_order.metrics import Metrics
from svc_order.ports import OrderFilter, Ticket
from svc_order.stages import BATCH_LIMIT

PAGE_LIMIT, PAGE_DEFAULT = 1_000, 100
FILTER_LIMIT = 36
EXPORT_SECONDS = 120.0
UNARY_WAIT_SECONDS = 5.0
SHARE_OF_DEADLINE = 0.8  # the rest is for the refusal to reach its caller in time
LOGGED_LIMIT = 64  # sampled commands of an answer; what is sampled is the caller's to say
OUTCOMES = command_pb2.Outcome
log = structlog.get_logger()
Servicer: Any = order_pb2_grpc.OrderServiceServicer


class OrderService(Servicer):  # type: ignore[misc]
    """bourse.order.v1.OrderService."""

    def __init__(
        self, admission: Admission, entry: Entry, history: History, streams: Streams, metrics: Metrics
    ) -> None:
        self._admission = admission
        self._entry = entry
        self._history = history
        self._streams = streams
        self._metrics = metrics

    def add_to(self, server: Server) -> None:
        """Serves it, under the rules of its proto, and describes all that the gateway serves: it sends reflection here."""
        service = order_pb2.DESCRIPTOR.services_by_name["OrderService"]
        server.add(service, order_pb2_grpc.add_OrderServiceServicer_to_server, self)
        for file in (ledger_pb2, match_pb2, quote_pb2):
            server.describe(*file.DESCRIPTOR.services_by_name.values())

    async def EnterOrders(
        self, requests: AsyncIterator[order_pb2.EnterOrdersRequest], _context: Any
    ) -> AsyncGenerator[order_pb2.EnterOrdersResponse, None]:
        farewell(_move)
        session = self._open()
        reader = asyncio.create_task(self._read(session, requests))
        try:
            while True:
                session.changed.clear()
                if tickets := session.take():
                    yield self._answer(tickets)
                if session.over and not session.answerable:
                    break
                await session.changed.wait()
            if session.failure is not None:
                self._metrics.ended.labels(session.failure.reason).inc()
                raise _refusal(session.failure)
            await reader
        finally:
            reader.cancel()
            self._close(session)

    async def _read(self, session: Session, requests: AsyncIterator[order_pb2.EnterOrdersRequest]) -> None:
        """Takes a session's batches until the caller ends it; a bad batch ends it, when those before it are answered."""
        try:
            async for request in requests:
                if not 1 <= len(request.commands) <= BATCH_LIMIT:
                    raise Problem(_batch_size(len(request.commands)))
                await session.enter(await self._admission.tickets(session.participant, wire.commands(request.commands)))
        except (Problem, Unavailable) as why:
            session.failure = why.refused
        finally:
            session.close()

    async def PlaceOrder(self, request: order_pb2.PlaceOrderRequest, _context: Any) -> order_pb2.PlaceOrderResponse:
        return order_pb2.PlaceOrderResponse(result=await self._one(_command(request, "place")))

    async def CancelOrder(self, request: order_pb2.CancelOrderRequest, _context: Any) -> order_pb2.CancelOrderResponse:
        return order_pb2.CancelOrderResponse(result=await self._one(_command(request, "cancel")))

    async def ReplaceOrder(
        self, request: order_pb2.ReplaceOrderRequest, _context: Any
    ) -> order_pb2.ReplaceOrderResponse:
        return order_pb2.ReplaceOrderResponse(result=await self._one(_command(request, "replace")))

    async def MassCancel(self, request: order_pb2.MassCancelRequest, _context: Any) -> order_pb2.MassCancelResponse:
        return order_pb2.MassCancelResponse(result=await self._one(_command(request, "mass_cancel")))

    async def MassQuote(self, request: order_pb2.MassQuoteRequest, _context: Any) -> order_pb2.MassQuoteResponse:
        return order_pb2.MassQuoteResponse(result=await self._one(_command(request, "mass_quote")))

    async def _one(self, message: command_pb2.OrderCommand) -> command_pb2.CommandResult:
        """A session of one command; a refusal becomes a status."""
        session = self._open()
        try:
            try:
                await session.enter(await self._admission.tickets(session.participant, wire.commands([message])))
            except Unavailable as why:
                raise _refusal(why.refused) from why
            while not (tickets := session.take()):
                session.changed.clear()
                if session.failure is not None and session.over:
                    raise _refusal(session.failure)
                await session.changed.wait()
            result = self._answer(tickets).results[0]
        finally:
            self._close(session)
        if result.HasField("refusal"):
            raise _refusal(wire.refused(result.refusal), outcome=OUTCOMES.Name(result.outcome), result=result)
        return result

    def _open(self) -> Session:
        session = self._entry.open(caller().participant, caller().ring)
        if session is None:
            raise _refusal(
                refused(
                    "SESSION_LIMIT", "too many sessions are open", field="session", value="", fix="use fewer sessions"
                )
            )
        self._metrics.sessions.inc()
        return session

    def _close(self, session: Session) -> None:
        self._metrics.sessions.dec()
        self._entry.forget(session)

    def _answer(self, tickets: list[Ticket]) -> order_pb2.EnterOrdersResponse:
        response = wire.results(tickets)
        counts: dict[command_pb2.Outcome, int] = {}
        for result in response.results:
            outcome = result.outcome
            counts[outcome] = counts.get(outcome, 0) + 1
            if outcome in (command_pb2.OUTCOME_REFUSED, command_pb2.OUTCOME_REJECTED):
                self._metrics.refusals.labels(result.refusal.reason).inc()
        for outcome, count in counts.items():
            self._metrics.commands.labels(OUTCOMES.Name(outcome)).inc(count)
        _log(tickets, response)
        return response

    async def GetOrder(self, request: order_pb2.GetOrderRequest, context: Any) -> order_pb2.GetOrderResponse:
        with _statuses():
            row = await self._history.order(
                request.order_id, caller().participant, request.min_sequence, _patience(context)
            )
        return order_pb2.GetOrderResponse(order=wire.order(row))

    async def ListOrders(self, request: order_pb2.ListOrdersRequest, context: Any) -> order_pb2.ListOrdersResponse:
        with _statuses():
            limit, behind, wanted = _page_size(request.page_size), _page(request.page_token), _filter(request)
            positions = [(one.shard, one.sequence, one.incarnation) for one in request.min_sequences]
            await self._history.wait(positions, _patience(context))
            rows = await self._history.orders(wanted, limit + 1, behind)
        response = order_pb2.ListOrdersResponse(orders=[wire.order(row) for row in rows[:limit]])
        if len(rows) > limit:
            response.next_page_token = _token(rows[limit - 1].create_time_us, rows[limit - 1].order_id)
        return response

    async def WatchOrders(
        self, request: order_pb2.WatchOrdersRequest, _context: Any
    ) -> AsyncGenerator[order_pb2.WatchOrdersResponse, None]:
        participant = _participant(request.participant)
        if self._history.watchers >= WATCH_LIMIT:
            raise _refusal(refused("STREAM_LIMIT", "too many watchers", field="stream", value="", fix="watch once"))
        self._history.watchers += 1
        try:
            with _statuses():
                require_one_each([one.shard for one in request.after])
                after = {one.shard: (one.sequence, one.incarnation) for one in request.after}
                farewell(lambda: wire.move_from(after))
                async for incarnation, part in self._history.watch(participant, after):
                    response = wire.watched(incarnation, *part)
                    after[response.shard] = response.last_sequence, incarnation
                    yield response
        finally:
            self._history.watchers -= 1

    async def ExportOrders(
        self, _request: order_pb2.ExportOrdersRequest, _context: Any
    ) -> AsyncGenerator[order_pb2.ExportOrdersResponse, None]:
        with _statuses():
            async with asyncio.timeout(EXPORT_SECONDS):
                async for part in self._history.export():
                    yield wire.exported(part)

    async def Drain(self, request: order_pb2.DrainRequest, _context: Any) -> order_pb2.DrainResponse:
        return order_pb2.DrainResponse(streams_told=self._streams.drain(request.share_ppm))


def _move() -> order_pb2.EnterOrdersResponse:
    return order_pb2.EnterOrdersResponse(draining=order_pb2.Draining())


class _statuses:  # noqa: N801
    """What reads raise, as statuses."""

    def __enter__(self) -> None:
        """Nothing."""

    def __exit__(self, _kind: object, error: object, _trace: object) -> None:
        if isinstance(error, Problem | Unavailable):
            raise _refusal(error.refused) from error


def _log(tickets: list[Ticket], response: order_pb2.EnterOrdersResponse) -> None:
    """A line for each sampled command, up to LOGGED_LIMIT; at level debug for every one."""
    sampled = [pair for pair in zip(tickets, response.results, strict=True) if pair[0].traceparent]
    debugs = log.is_enabled_for(logging.DEBUG)
    for ticket, result in zip(tickets, response.results, strict=True) if debugs else sampled[:LOGGED_LIMIT]:
        log.info(
            "command_answered",
            client_order_id=result.client_order_id,
            order_id=result.order_id,
            outcome=OUTCOMES.Name(result.outcome),
            trace_id=ticket.traceparent[3:35],
        )
    for ticket, _ in sampled:
        if ticket.end_span is not None:
            ticket.end_span()


def _command(request: Any, kind: str) -> command_pb2.OrderCommand:
    """The request's one command; it may be missing."""
    return command_pb2.OrderCommand(**({kind: getattr(request, kind)} if request.HasField(kind) else {}))


def _refusal(why: Refused, outcome: str = "", result: command_pb2.CommandResult | None = None) -> Refusal:
    code = grpc.StatusCode[STATUS_OF.get(why.reason, "FAILED_PRECONDITION")]
    metadata = dict(why.metadata)
    if outcome:
        metadata["outcome"] = outcome
    if result is not None and result.order_id:
        metadata["order_id"] = str(result.order_id)
    if result is not None and result.sequence:
        metadata["sequence"] = str(result.sequence)
    return Refusal(code, why.reason, why.message, **metadata)


def _patience(context: Any) -> float:
    left = context.time_remaining()
    return UNARY_WAIT_SECONDS if left is None else max(0.0, float(left) * SHARE_OF_DEADLINE)


def _batch_size(count: int) -> Refused:
    return refused(
        "BATCH_TOO_LARGE",
        f"a batch has 1 to {BATCH_LIMIT} commands",
        field="commands",
        value=count,
        fix="send 1 to 4096 commands a message",
    )


def _participant(named: str) -> str:
    own = caller().participant
    if own and named and named != own:
        raise _refusal(
            refused(
                "ACCOUNT_NOT_YOURS",
                "a broker sees its own orders",
                field="participant",
                value=named,
                fix="leave it empty",
            )
        )
    if not own and not named:
        raise _refusal(
            refused("FILTER_INVALID", "an operator names a participant", field="participant", value="", fix="name one")
        )
    _require_text("participant", named)
    return named or own


def _filter(request: order_pb2.ListOrdersRequest) -> OrderFilter:
    own = caller().participant
    foreign = own and (
        (request.participant and request.participant != own)
        or (request.account and request.account.partition("/")[0] != own)
    )
    if foreign:
        raise Problem(
            refused(
                "ACCOUNT_NOT_YOURS",
                "a broker sees its own orders",
                field="account" if request.account else "participant",
                value=request.account or request.participant,
                fix="name your own, or leave it empty",
            )
        )
    if request.state not in order_pb2.OrderState.values():
        raise Problem(
            refused("FILTER_INVALID", "no such state", field="state", value=request.state, fix="see OrderState")
        )
    for field in ("participant", "account", "symbol", "client_order_id"):
        _require_text(field, getattr(request, field))
    participant = own or request.participant
    return OrderFilter(participant, request.account, request.symbol, request.state, request.client_order_id)


def _require_text(field: str, value: str) -> None:
    if not value.isprintable() or len(value) > FILTER_LIMIT:
        message, fix = "not a name", f"send at most {FILTER_LIMIT} printable characters"
        raise _refusal(refused("FILTER_INVALID", message, field=field, value=ascii(value), fix=fix))


def _page_size(wanted: int) -> int:
    if not 0 <= wanted <= PAGE_LIMIT:
        raise Problem(
            refused(
                "PAGE_TOO_LARGE",
                f"a page has 1 to {PAGE_LIMIT} orders",
                field="page_size",
                value=wanted,
                fix=f"ask for at most {PAGE_LIMIT}; 0 means {PAGE_DEFAULT}",
            )
        )
    return wanted or PAGE_DEFAULT


def _token(create_time_us: int, order_id: int) -> str:
    return base64.urlsafe_b64encode(f"{create_time_us}.{order_id}".encode()).decode()


def _page(token: str) -> tuple[int, int] | None:
    if not token:
        return None
    try:
        time_us, order_id = base64.b64decode(token, altchars=b"-_", validate=True).decode("ascii").split(".")
        page = int(time_us), int(order_id)
        if all(0 <= one < 1 << 63 for one in page):
            return page
    except (ValueError, binascii.Error):
        pass
    raise Problem(
        refused(
            "PAGE_TOKEN_INVALID",
            "this is no page token",
            field="page_token",
            value=token,
            fix="begin at the first page",
        )
    )
