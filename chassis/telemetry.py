"""Logs, metrics and traces of a process. Tracing off costs one attribute look-up.

Traces go to OTEL_EXPORTER_OTLP_ENDPOINT (OTLP over gRPC) when it is set. Trace contexts travel as W3C
`traceparent` strings wherever there is no gRPC metadata: in commands, journal rows and JetStream headers.
"""

import asyncio
import contextlib
import logging
import os
import re
import sys
from collections.abc import Callable
from contextlib import AbstractContextManager
from typing import TYPE_CHECKING

import grpc.aio
import structlog
from opentelemetry import trace
from opentelemetry.propagate import extract
from opentelemetry.trace.propagation.tracecontext import TraceContextTextMapPropagator
from prometheus_client import REGISTRY, CollectorRegistry, Gauge, start_http_server

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import TracerProvider

ENDPOINT_VARIABLE = "OTEL_EXPORTER_OTLP_ENDPOINT"
LAG_INTERVAL_SECONDS = 0.5
EXPORT_QUEUE_LIMIT = 8192
EXPORT_SECONDS = 3
UNTRACED_SERVICES = ("grpc.health.v1.Health", "opentelemetry.proto")

# A traceback names places, not values: values can be passwords and tokens.
WITHOUT_LOCALS = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)

W3C = re.compile(r"00-[0-9a-f]{32}-[0-9a-f]{16}-[0-9a-f]{2}")
_PROPAGATOR = TraceContextTextMapPropagator()
_OFF: AbstractContextManager[None] = contextlib.nullcontext()
_tracer: trace.Tracer | None = None
_provider: "TracerProvider | None" = None


def enabled() -> bool:
    """Whether traces are recorded."""
    return _tracer is not None


def span(name: str, traceparent: str = "", **attributes: str | int) -> AbstractContextManager[object]:
    """A span around a block: child of `traceparent`, or of the current span when it is empty."""
    if _tracer is None:
        return _OFF
    context = extract({"traceparent": traceparent}) if traceparent else None
    return _tracer.start_as_current_span(name, context, attributes=attributes)


def begin(name: str, traceparent: str) -> tuple[str, Callable[[], None] | None]:
    """A span that is ended elsewhere: its own traceparent, and how to end it. Off, the caller's goes on, if it is one."""
    if _tracer is None:
        return well_formed(traceparent), None
    started = _tracer.start_span(name, extract({"traceparent": traceparent}))
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier, trace.set_span_in_context(started))
    return carrier.get("traceparent", ""), started.end


def well_formed(traceparent: str) -> str:
    """The caller's traceparent, or nothing if it is none."""
    return traceparent if W3C.fullmatch(traceparent) else ""


def traceparent() -> str:
    """The current span as a W3C traceparent; empty without one, and when tracing is off."""
    if _tracer is None:
        return ""
    carrier: dict[str, str] = {}
    _PROPAGATOR.inject(carrier)
    return carrier.get("traceparent", "")


def set_up(name: str, metrics_listen: str = "", log_format: str = "json", log_level: str = "info") -> None:
    """Starts logs, metrics (when `metrics_listen` is host:port) and traces (when the endpoint is set)."""
    set_up_logs(name, log_format, log_level)
    if metrics_listen:
        serve_metrics(metrics_listen)
    if os.environ.get(ENDPOINT_VARIABLE):
        _set_up_traces(name)


def flush() -> None:
    """Sends what spans wait for export; bounded by the exporter's own time limit."""
    if _provider is not None:
        _provider.force_flush()


def set_up_logs(name: str, log_format: str = "json", log_level: str = "info") -> None:
    """JSON lines on stderr, or text when `log_format` is "text" or stderr is a terminal; none below `log_level`."""
    text = log_format == "text" or sys.stderr.isatty()
    before: list[structlog.typing.Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        _add_trace,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
    ]
    last: list[structlog.typing.Processor] = (
        [structlog.dev.ConsoleRenderer()] if text else [WITHOUT_LOCALS, structlog.processors.JSONRenderer(default=str)]
    )
    structlog.configure(
        processors=[*before, *last],
        wrapper_class=structlog.make_filtering_bound_logger(log_level),
        logger_factory=structlog.WriteLoggerFactory(sys.stderr),
        cache_logger_on_first_use=True,
    )
    structlog.contextvars.bind_contextvars(process=name)
    libraries = logging.StreamHandler(sys.stderr)
    remove_meta = structlog.stdlib.ProcessorFormatter.remove_processors_meta
    formatter = structlog.stdlib.ProcessorFormatter(processors=[remove_meta, *last], foreign_pre_chain=before)
    libraries.setFormatter(formatter)
    logging.basicConfig(level=logging.WARNING, handlers=[libraries], force=True)


def serve_metrics(listen: str, registry: CollectorRegistry = REGISTRY) -> int:
    """Serves the registry at http://`listen`/metrics from a thread of its own; the port it got."""
    host, _, port = listen.rpartition(":")
    server, _ = start_http_server(int(port), host, registry)
    return int(server.server_port)


async def watch_loop(registry: CollectorRegistry = REGISTRY) -> None:
    """Measures for ever how late the event loop wakes; belongs to a TaskGroup."""
    lag = Gauge("event_loop_lag_seconds", "How late the event loop woke, worst of the last interval", registry=registry)
    loop = asyncio.get_running_loop()
    while True:
        due = loop.time() + LAG_INTERVAL_SECONDS
        await asyncio.sleep(LAG_INTERVAL_SECONDS)
        lag.set(max(0.0, loop.time() - due))


def server_interceptors() -> list[grpc.aio.ServerInterceptor]:
    """The instrumentation package's interceptors; none when tracing is off."""
    if _tracer is None:
        return []
    from opentelemetry.instrumentation.grpc import aio_server_interceptor

    return [aio_server_interceptor(filter_=_traced())]  # type: ignore[no-untyped-call]


def client_interceptors() -> list[grpc.aio.ClientInterceptor]:
    """The instrumentation package's interceptors for unary calls; none when tracing is off. A stream outlives
    the work it carries: there each message brings its own traceparent.
    """
    if _tracer is None:
        return []
    from opentelemetry.instrumentation.grpc import aio_client_interceptors

    interceptors = aio_client_interceptors(filter_=_traced())  # type: ignore[no-untyped-call]
    return [one for one in interceptors if isinstance(one, grpc.aio.UnaryUnaryClientInterceptor)]


def _set_up_traces(name: str) -> None:
    global _tracer, _provider
    from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter
    from opentelemetry.sdk.resources import Resource
    from opentelemetry.sdk.trace import TracerProvider
    from opentelemetry.sdk.trace.export import BatchSpanProcessor

    exporter = OTLPSpanExporter(timeout=EXPORT_SECONDS, insecure=os.environ[ENDPOINT_VARIABLE].startswith("http://"))
    _provider = TracerProvider(resource=Resource.create({"service.name": name}))
    _provider.add_span_processor(BatchSpanProcessor(exporter, max_queue_size=EXPORT_QUEUE_LIMIT))
    trace.set_tracer_provider(_provider)
    _tracer = trace.get_tracer("bourse")


def _traced() -> object:
    from opentelemetry.instrumentation.grpc import filters

    return filters.negate(filters.any_of(*(filters.service_name(name) for name in UNTRACED_SERVICES)))


def _add_trace(_logger: object, _method: str, event: structlog.typing.EventDict) -> structlog.typing.EventDict:
    if _tracer is not None:
        context = trace.get_current_span().get_span_context()
        if context.is_valid:
            event["trace_id"] = trace.format_trace_id(context.trace_id)
    return event
