"""Logs, metrics and traces, each in a process of its own: they are set up once a process."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from concurrent import futures
from contextlib import AbstractContextManager, nullcontext
from typing import Any

import grpc
import pytest
from opentelemetry.proto.collector.trace.v1 import trace_service_pb2, trace_service_pb2_grpc

from chassis import telemetry

OFF_TIMES = 20  # what an empty block takes: a fifth of it, where nothing else runs
CALLERS = f"00-{'a' * 32}-{'b' * 16}-01"
Servicer: Any = trace_service_pb2_grpc.TraceServiceServicer


class Collector(Servicer):  # type: ignore[misc]
    """An OTLP collector that keeps the spans it gets."""

    def __init__(self) -> None:
        self.spans: list[Any] = []

    def Export(self, request: Any, _context: Any) -> Any:  # noqa: N802 - the rpc's name
        for resource in request.resource_spans:
            for scope in resource.scope_spans:
                self.spans += scope.spans
        return trace_service_pb2.ExportTraceServiceResponse()


@pytest.fixture
def collector() -> Iterator[tuple[Collector, str]]:
    """A collector and its endpoint."""
    collector = Collector()
    server = grpc.server(futures.ThreadPoolExecutor(2))
    trace_service_pb2_grpc.add_TraceServiceServicer_to_server(collector, server)  # type: ignore[no-untyped-call]
    port = server.add_insecure_port("127.0.0.1:0")
    server.start()
    yield collector, f"http://127.0.0.1:{port}"
    server.stop(0).wait()


def run(code: str, **environment: str) -> list[dict[str, Any]]:
    """Runs `code` in a process; its log lines."""
    done = subprocess.run(
        [sys.executable, "-c", code], env=os.environ | environment, capture_output=True, text=True, timeout=30
    )
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stderr.splitlines() if line.startswith("{")]


LOGGING = """
import structlog
from chassis import telemetry
telemetry.set_up("svc_test")
log = structlog.get_logger()
with telemetry.span("place"):
    log.info("order_accepted", order_id=7, quantity=5)
log.debug("unheard")
try:
    1 / 0
except ZeroDivisionError as error:
    log.error("failed", exc_info=error)
"""

TRACING = """
from chassis import telemetry
telemetry.set_up("svc_test")
import structlog
with telemetry.span("order", symbol="AAA"):
    passed_on = telemetry.traceparent()
    structlog.get_logger().info("inside")
with telemetry.span("settle", passed_on):
    pass
telemetry.flush()
"""

CALLING = """
import asyncio, pathlib, tempfile
from chassis import telemetry
telemetry.set_up("svc_test")
from tests.chassis.conftest import Keys, calling, serving
from tests.chassis.test_server import Match, match_pb2

async def main():
    keys = Keys(pathlib.Path(tempfile.mkdtemp()))
    async with serving(Match(), keys) as (_, address), calling(address, keys.token()) as stub:
        with telemetry.span("client"):
            await stub.GetShard(match_pb2.GetShardRequest())

asyncio.run(main())
telemetry.flush()
"""


def test_logs_are_json_lines() -> None:
    """A line has its event, level, time, process and values, and a level below info has none; an error has its traceback."""
    accepted, failed = run(LOGGING, OTEL_EXPORTER_OTLP_ENDPOINT="")
    assert accepted.items() >= {"event": "order_accepted", "order_id": 7, "quantity": 5, "level": "info"}.items()
    assert accepted["process"] == "svc_test"
    assert failed["exception"][0]["exc_type"] == "ZeroDivisionError"


def test_a_span_goes_on_from_a_traceparent(collector: tuple[Collector, str]) -> None:
    """One trace over a traceparent that travelled as text; log lines inside carry its id."""
    (line,) = run(TRACING, OTEL_EXPORTER_OTLP_ENDPOINT=collector[1])
    order, settle = collector[0].spans
    assert (order.name, settle.name) == ("order", "settle")
    assert order.trace_id == settle.trace_id
    assert settle.parent_span_id == order.span_id
    assert line["trace_id"] == order.trace_id.hex()


def test_a_call_is_one_trace_in_client_and_server(collector: tuple[Collector, str]) -> None:
    """The instrumented client's span is the parent of the server's; exports are not traced."""
    run(CALLING, OTEL_EXPORTER_OTLP_ENDPOINT=collector[1])
    assert len({span.trace_id for span in collector[0].spans}) == 1
    assert sorted(span.kind for span in collector[0].spans) == [1, 2, 3]  # internal, server, client


def test_tracing_that_is_off_costs_nothing() -> None:
    """Off, a span is one shared object and a traceparent is empty."""
    assert not telemetry.enabled()
    assert telemetry.span("a") is telemetry.span("b", "c", d=1)
    assert telemetry.traceparent() == ""
    assert telemetry.begin("a", CALLERS) == (CALLERS, None)
    assert telemetry.begin("a", "anything") == ("", None)
    rounds = [(blocks(lambda: telemetry.span("a")), blocks(nullcontext)) for _ in range(5)]
    off, empty = map(min, zip(*rounds, strict=True))
    assert off < OFF_TIMES * empty, rounds


def blocks(opened: Callable[[], AbstractContextManager[object]]) -> int:
    """What a thousand empty blocks take this thread, in nanoseconds."""
    begin = time.thread_time_ns()
    for _ in range(1000):
        with opened():
            pass
    return time.thread_time_ns() - begin
