"""The gRPC server of a process: health, reflection, limits, and a drain that loses no answer."""

import asyncio
import os
import stat
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import grpc
from google.protobuf import descriptor_pool
from google.protobuf.descriptor import FileDescriptor, ServiceDescriptor
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_health.v1.health import SERVICE_NAME as HEALTH
from grpc_health.v1.health import aio as health
from grpc_reflection.v1alpha import reflection, reflection_pb2

from chassis import telemetry
from chassis.boundary import MESSAGE_BYTES_LIMIT, Boundary
from chassis.drain import AGE_SECONDS, Streams
from chassis.identity import rules
from chassis.peers import Callers

UNIX = "unix:"
RECEIVED_BYTES_LIMIT = 4 * MESSAGE_BYTES_LIMIT  # up to here a message over its limit is told the reason; gRPC has none
CONCURRENT_STREAMS_LIMIT = 1024
DRAIN_SECONDS = 30.0
WATCHES_SECONDS = 0.25
KEEPALIVE_MIN_INTERVAL_MS = 5_000
KEEPALIVE_MS = 20_000
KEEPALIVE_TIMEOUT_MS = 10_000

OPTIONS = (
    ("grpc.so_reuseport", 0),
    ("grpc.max_send_message_length", MESSAGE_BYTES_LIMIT),
    ("grpc.max_receive_message_length", RECEIVED_BYTES_LIMIT),
    ("grpc.max_concurrent_streams", CONCURRENT_STREAMS_LIMIT),
    ("grpc.keepalive_time_ms", KEEPALIVE_MS),
    ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
    ("grpc.keepalive_permit_without_calls", 1),
    ("grpc.http2.min_ping_interval_without_data_ms", KEEPALIVE_MIN_INTERVAL_MS),
)


class Symbols:
    """The descriptor pool as reflection needs it: the pool itself finds no file by the name of a method."""

    def __init__(self) -> None:
        self._pool = descriptor_pool.Default()

    def FindFileContainingSymbol(self, symbol: str) -> FileDescriptor:  # noqa: N802
        try:
            return self._pool.FindFileContainingSymbol(symbol)
        except KeyError:
            return self._pool.FindServiceByName(symbol.rpartition(".")[0]).file

    def __getattr__(self, name: str) -> Any:
        return getattr(self._pool, name)


class Server:
    """Serves gRPC at `listen`: host:port, or unix:/path, which only this user can open. Health says NOT_SERVING until `ready`,
    and again from `drain` on.

    What a servicer method may raise, who may call it, and its deadlines: see `boundary`.
    """

    def __init__(self, listen: str, callers: Callers, stream_age_seconds: float = AGE_SECONDS) -> None:
        self.draining = asyncio.Event()
        self.streams = Streams(stream_age_seconds)
        self._boundary = Boundary(callers, self.streams)
        self._health = health.HealthServicer()
        self._names: list[str] = []
        self._elsewhere: list[str] = []
        interceptors = [self._boundary, *telemetry.server_interceptors()]
        self._grpc = grpc.aio.server(interceptors=interceptors, options=OPTIONS)
        health_pb2_grpc.add_HealthServicer_to_server(self._health, self._grpc)
        self.port = _bind(self._grpc, listen)

    def add(self, service: ServiceDescriptor, register: Callable[[Any, Any], None], servicer: object) -> None:
        """Adds a service before `start`: its descriptor (rules, reflection), add_X_to_server, the servicer."""
        self._boundary.rules.update(rules(service))
        self._names.append(service.full_name)
        register(servicer, self._grpc)

    def describe(self, *services: ServiceDescriptor) -> None:
        """Reflection tells of these too, before `start`: others serve them, behind the same gateway."""
        self._elsewhere += [service.full_name for service in services]

    async def start(self) -> None:
        """Listens and answers calls; health says NOT_SERVING."""
        self._add_reflection()
        await self._set_health(serving=False)
        await self._grpc.start()

    async def ready(self) -> None:
        """Health says SERVING: recovered, connected, open for work."""
        await self._set_health(serving=True)

    async def not_ready(self) -> None:
        """Health says NOT_SERVING until `ready` again: what is served has to be rebuilt first."""
        await self._set_health(serving=False)

    async def drain(self, accept_seconds: float = 0.0) -> None:
        """Health says NOT_SERVING; calls are accepted for `accept_seconds` more; `draining` is set; streams are told to
        move, or end (see drain.py), and calls in flight are answered, within DRAIN_SECONDS; then it stops.
        """
        await self._health.enter_graceful_shutdown()
        await asyncio.sleep(accept_seconds)
        self.draining.set()
        self.streams.end()
        stopping = asyncio.ensure_future(self._grpc.stop(DRAIN_SECONDS))
        with suppress(TimeoutError):
            async with asyncio.timeout(DRAIN_SECONDS):
                await self._boundary.idle()
        await self._grpc.stop(WATCHES_SECONDS)  # what is left are health watches and reflection
        await stopping

    def _add_reflection(self) -> None:
        names = [*self._names, *self._elsewhere, HEALTH, reflection.SERVICE_NAME]
        servicer = reflection.aio.ReflectionServicer(names, Symbols())
        handler = grpc.stream_stream_rpc_method_handler(
            servicer.ServerReflectionInfo,
            reflection_pb2.ServerReflectionRequest.FromString,
            reflection_pb2.ServerReflectionResponse.SerializeToString,
        )
        for version in ("v1", "v1alpha"):  # their messages are the same on the wire
            service = f"grpc.reflection.{version}.ServerReflection"
            self._grpc.add_generic_rpc_handlers(
                (grpc.method_handlers_generic_handler(service, {"ServerReflectionInfo": handler}),)
            )

    async def _set_health(self, *, serving: bool) -> None:
        answers = health_pb2.HealthCheckResponse
        for name in ("", *self._names):
            await self._health.set(name, answers.SERVING if serving else answers.NOT_SERVING)


def _bind(server: grpc.aio.Server, listen: str) -> int:
    """Binds; the socket file of a process that was killed is replaced."""
    path = listen.removeprefix(UNIX)
    if path == listen:
        return server.add_insecure_port(listen)
    with suppress(FileNotFoundError):
        if not stat.S_ISSOCK(os.stat(path).st_mode):
            raise FileExistsError(f"{path} is there and is no socket; remove it, or listen elsewhere")
        os.unlink(path)
    before = os.umask(0o177)
    try:
        return server.add_insecure_port(listen)
    finally:
        os.umask(before)
