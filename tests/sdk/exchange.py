"""An exchange in memory, behind real gRPC: it does each command once, forgets all on exit, and breaks where it is told to."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any

import grpc
from google.protobuf import any_pb2
from google.rpc import error_details_pb2, status_pb2

from bourse.order.v1 import order_pb2, order_pb2_grpc
from bourse.quote.v1 import quote_pb2, quote_pb2_grpc
from bourse.types.v1 import command_pb2, market_pb2

DATE = 20260105
SYMBOL = "ACME"

OrderServicer: Any = order_pb2_grpc.OrderServiceServicer
QuoteServicer: Any = quote_pb2_grpc.QuoteServiceServicer


@dataclass
class Plan:
    """What happens to one stream: after `after` commands it breaks or drains.

    A break answers what it did before it if `answers`; what it had received goes on its way if `lingers`, and arrives
    during a later stream.
    """

    after: int
    drains: bool = False
    answers: bool = True
    lingers: bool = False


@dataclass
class Exchange(OrderServicer, QuoteServicer):  # type: ignore[misc]  # Its stubs would ask for every method.
    """`done` are the commands in the order in which they were done, `batches` the sizes of what came."""

    plans: list[Plan] = field(default_factory=list)
    date: int = DATE
    quoted_date: int = DATE
    refuse: dict[str, str] = field(default_factory=dict)
    not_yours: set[str] = field(default_factory=set)
    received: list[command_pb2.OrderCommand] = field(default_factory=list)
    done: list[str] = field(default_factory=list)
    dates: list[int] = field(default_factory=list)
    batches: list[int] = field(default_factory=list)
    streams: int = 0
    unfinished: int = 0
    overlaps: int = 0
    listed: int = 0
    traces: list[str] = field(default_factory=list)
    tokens: list[str] = field(default_factory=list)
    lingering: list[command_pb2.OrderCommand] = field(default_factory=list)
    results: dict[str, command_pb2.CommandResult] = field(default_factory=dict)

    async def EnterOrders(self, requests: Any, context: Any) -> AsyncIterator[order_pb2.EnterOrdersResponse]:  # noqa: N802
        self.streams += 1
        self.tokens.append(dict(context.invocation_metadata()).get("authorization", ""))
        await self.admit(context)
        plan = self.plans.pop(0) if self.plans else None
        taken, drained = 0, False
        async for request in requests:
            self.overlaps += bool(self.unfinished)
            self.batches.append(len(request.commands))
            self.unfinished += 1
            results: list[command_pb2.CommandResult] = []
            for index, command in enumerate(request.commands):
                if plan and not plan.drains and taken == plan.after:
                    if plan.answers and results:
                        yield order_pb2.EnterOrdersResponse(results=results)
                    self.lingering += request.commands[index:] if plan.lingers else []
                    self.unfinished = 0
                    await context.abort(grpc.StatusCode.UNAVAILABLE, "broken where told to")
                if self.lingering:
                    self.take(self.lingering.pop(0))
                results.append(self.take(command))
                taken += 1
            half = len(results) // 2
            yield order_pb2.EnterOrdersResponse(results=results[:half])
            self.unfinished -= 1
            yield order_pb2.EnterOrdersResponse(results=results[half:])
            if plan and plan.drains and taken >= plan.after and not drained:
                drained = True
                yield order_pb2.EnterOrdersResponse(draining=order_pb2.Draining())

    async def admit(self, context: Any) -> None:
        """Everyone may enter."""

    def take(self, command: command_pb2.OrderCommand) -> command_pb2.CommandResult:
        """A repeat gets the first result; what is refused leaves no trace."""
        kind = command.WhichOneof("command")
        assert kind is not None
        body = getattr(command, kind)
        self.received.append(command)
        if body.account in self.not_yours:
            why = market_pb2.Refusal(reason="ACCOUNT_NOT_YOURS", message="no", metadata={"field": "account"})
            return command_pb2.CommandResult(
                client_order_id=body.client_order_id, outcome=command_pb2.OUTCOME_REFUSED, refusal=why
            )
        if kind == "renew_lease":
            return command_pb2.CommandResult(
                client_order_id=body.client_order_id, outcome=command_pb2.OUTCOME_ACCEPTED, sequence=1
            )
        known = self.results.get(body.client_order_id)
        if known is not None:
            return known
        reason = self.refuse.get(body.client_order_id, "" if body.trading_date == self.date else "TRADING_DATE_WRONG")
        if reason:
            refusal = market_pb2.Refusal(
                reason=reason, message="no", metadata={"field": "trading_date", "value": "1", "fix": "other"}
            )
            return command_pb2.CommandResult(
                client_order_id=body.client_order_id, outcome=command_pb2.OUTCOME_REFUSED, refusal=refusal
            )
        self.done.append(body.client_order_id)
        self.dates.append(body.trading_date)
        self.traces.append(body.traceparent)
        outcome = {
            "place": command_pb2.OUTCOME_ACCEPTED,
            "cancel": command_pb2.OUTCOME_CANCELLED,
            "replace": command_pb2.OUTCOME_REPLACED,
            "mass_cancel": command_pb2.OUTCOME_CANCELLED,
        }[kind]
        number = len(self.done)
        result = command_pb2.CommandResult(
            client_order_id=body.client_order_id, outcome=outcome, order_id=number, sequence=number, quantity=7
        )
        self.results[body.client_order_id] = result
        return result

    async def ListInstruments(self, request: Any, context: Any) -> quote_pb2.ListInstrumentsResponse:  # noqa: N802
        self.listed += 1
        entry = quote_pb2.InstrumentStatus(
            instrument=market_pb2.Instrument(symbol=SYMBOL, shard=0), trading_date=self.quoted_date
        )
        return quote_pb2.ListInstrumentsResponse(instruments=[entry])


def refusal(code: grpc.StatusCode, reason: str) -> status_pb2.Status:
    """A status with an ErrorInfo, as the services send it."""
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason=reason, domain="bourse", metadata={"field": "f", "fix": "so"}))
    return status_pb2.Status(code=code.value[0], message="no", details=[detail])


async def abort(context: Any, code: grpc.StatusCode, reason: str) -> None:
    details = ("grpc-status-details-bin", refusal(code, reason).SerializeToString())
    await context.abort(code, "no", (details,))


def direct(address: str) -> dict[str, str]:
    """All services at one address, in the clear."""
    return dict.fromkeys(("order", "ledger", "quote"), address)


@asynccontextmanager
async def served(exchange: Any, port: int = 0) -> AsyncIterator[str]:
    """The exchange at an address."""
    server = grpc.aio.server(options=(("grpc.so_reuseport", 0),))
    order_pb2_grpc.add_OrderServiceServicer_to_server(exchange, server)
    quote_pb2_grpc.add_QuoteServiceServicer_to_server(exchange, server)
    port = server.add_insecure_port(f"127.0.0.1:{port}")
    await server.start()
    try:
        yield f"127.0.0.1:{port}"
    finally:
        await server.stop(None)
