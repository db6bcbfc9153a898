"""One order is one trace, from the client to settlement."""

import asyncio
from collections import defaultdict
from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc
from opentelemetry.sdk.trace import TracerProvider

from bench._exchange import PLENTY, account
from bourse_sdk.commands import Side
from cli.clients import broker, operator
from cli.demo.run import instrument
from cli.machine import Machine
from cli.opening import Endowment, open_market, seen_open, today

COLLECT_SECONDS = 30.0
SERVICES = {"svc_order", "svc_match", "svc_ledger", "svc_quote"}


class Collector(trace_service_pb2_grpc.TraceServiceServicer):
    """An OTLP collector that keeps which services have spans in each trace, and the spans' names."""

    def __init__(self) -> None:
        self.names: defaultdict[str, defaultdict[str, set[str]]] = defaultdict(lambda: defaultdict(set))
        self.changed = asyncio.Event()

    async def Export(  # noqa: N802
        self, request: trace_service_pb2.ExportTraceServiceRequest, context: grpc.aio.ServicerContext
    ) -> trace_service_pb2.ExportTraceServiceResponse:
        for resource in request.resource_spans:
            service = next(a.value.string_value for a in resource.resource.attributes if a.key == "service.name")
            for scope in resource.scope_spans:
                for span in scope.spans:
                    self.names[span.trace_id.hex()][service.partition("-")[0]].add(span.name)
        self.changed.set()
        return trace_service_pb2.ExportTraceServiceResponse()

    async def services_of(self, trace_id: str) -> dict[str, set[str]]:
        """The trace's services and span names, once all four are there or time is up."""
        try:
            async with asyncio.timeout(COLLECT_SECONDS):
                while set(self.names[trace_id]) < SERVICES:
                    self.changed.clear()
                    await self.changed.wait()
        except TimeoutError:
            pass  # What is missing is seen by the caller.
        return dict(self.names[trace_id])


@pytest.fixture
async def collector() -> AsyncIterator[tuple[Collector, str]]:
    server, collector = grpc.aio.server(), Collector()
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    yield collector, f"http://127.0.0.1:{port}"
    await server.stop(None)


async def test_one_trace_holds_spans_of_all_four_services(
    collector: tuple[Collector, str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An order that trades is seen by order entry, matching, settlement and market data under the client's own trace."""
    monkeypatch.setenv("OTEL_EXPORTER_OTLP_ENDPOINT", collector[1])
    monkeypatch.setenv("OTEL_BSP_SCHEDULE_DELAY", "200")
    machine = Machine(tmp_path / "home")
    try:
        await asyncio.to_thread(machine.start, shards=1, mesh=False, leash=True)
        async with operator(machine) as staff:
            endowments = [Endowment([account("alpha"), account("beta")], {"EUR": PLENTY, "ACME": PLENTY})]
            await open_market(staff, [instrument("ACME", 0)], endowments, today())
        async with broker(machine, "alpha") as buyer, broker(machine, "beta") as seller:
            await seen_open(buyer, ["ACME"], today())
            await seller.place(account("beta"), "ACME", Side.SELL, 10, 50_0000)
            with TracerProvider().get_tracer("client").start_as_current_span("buy") as span:
                await buyer.place(account("alpha"), "ACME", Side.BUY, 10, 50_0000)
            seen = await collector[0].services_of(f"{span.get_span_context().trace_id:032x}")
    finally:
        await asyncio.to_thread(machine.stop)
        machine.home.remove()
    assert set(seen) >= SERVICES, f"only {seen}"
