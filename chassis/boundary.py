"""What stands between the network and every servicer method.

Before a method runs: its caller is verified and allowed, its deadline has not passed, its request can be
read. What it raises becomes a status: a Refusal as it is, anything else a logged INTERNAL that leaks nothing.
"""

import asyncio
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from functools import partial
from typing import Any

import grpc
import structlog
from google.protobuf.message import DecodeError
from prometheus_client import Counter

from chassis import identity
from chassis.errors import Refusal, internal, to_status, trailers

MESSAGE_BYTES_LIMIT = 4 << 20
UNARY_DEADLINE_SECONDS = 10.0
STATUS_SECONDS = 5.0

CALLS = Counter("grpc_server_handled_total", "Calls and streams that ended, by method and status", ["method", "code"])

log = structlog.get_logger()


class Boundary(grpc.aio.ServerInterceptor):
    """Wraps every method but health and reflection. Unary methods are coroutines, streams async generators.

    A unary call without a deadline gets UNARY_DEADLINE_SECONDS. A stream ends with TOKEN_EXPIRED when its
    token does. A handler is cancelled when its client goes away or its deadline passes, so what must not
    be cut off runs in a task of the service.
    """

    def __init__(self, verifier: identity.Verifier) -> None:
        self.rules: dict[str, frozenset[str]] = {}
        self._verifier = verifier
        self._draining = False
        self._active = 0
        self._idle = asyncio.Event()
        self._idle.set()
        self._requests: set[Requests] = set()
        self._streams: set[asyncio.Timeout] = set()

    def end_streams(self) -> None:
        """Ends streams for a drain. A bidirectional one sees its requests end, so it answers what it has
        read and returns; a server stream is cut off with UNAVAILABLE DRAINING (its reader resumes elsewhere).
        """
        self._draining = True
        for requests in list(self._requests):
            requests.end()
        for scope in list(self._streams):
            scope.reschedule(asyncio.get_running_loop().time())

    async def idle(self) -> None:
        """Returns when no call is in flight."""
        await self._idle.wait()

    async def intercept_service(self, continuation: Any, details: grpc.HandlerCallDetails) -> Any:
        handler = await continuation(details)
        if handler is None or details.method.startswith(identity.OPEN_SERVICES):
            return handler
        # The raw bytes are decoded here: grpc would answer unreadable ones with INTERNAL.
        method, decode, encode = details.method, handler.request_deserializer, handler.response_serializer
        if handler.unary_unary:
            wrapped = partial(self._unary, method, handler.unary_unary, decode)
            return grpc.unary_unary_rpc_method_handler(wrapped, None, encode)
        if handler.unary_stream:
            wrapped = partial(self._server_stream, method, handler.unary_stream, decode)
            return grpc.unary_stream_rpc_method_handler(wrapped, None, encode)
        if handler.stream_stream:
            wrapped = partial(self._bidirectional, method, handler.stream_stream, decode)
            return grpc.stream_stream_rpc_method_handler(wrapped, None, encode)
        raise NotImplementedError(f"{method}: client streaming is not served")

    async def _unary(self, method: str, handler: Any, decode: Any, raw: bytes, context: Any) -> Any:
        async with self._guard(method, context) as scope:
            left = context.time_remaining()
            scope.reschedule(_from_now(UNARY_DEADLINE_SECONDS if left is None else left))
            return await handler(_decoded(decode, raw), context)

    async def _server_stream(self, method: str, handler: Any, decode: Any, raw: bytes, context: Any) -> None:
        async with self._guard(method, context) as scope:
            self._streams.add(scope)
            try:
                await _write_all(handler(_decoded(decode, raw), context), context)
            finally:
                self._streams.discard(scope)

    async def _bidirectional(
        self, method: str, handler: Any, decode: Any, receiver: AsyncIterator[bytes], context: Any
    ) -> None:
        async with self._guard(method, context):
            requests = Requests(receiver, decode)
            self._requests.add(requests)
            try:
                await _write_all(handler(requests, context), context)
            finally:
                self._requests.discard(requests)

    @asynccontextmanager
    async def _guard(self, method: str, context: Any) -> AsyncIterator[asyncio.Timeout]:
        """Admits the caller, then runs the block until its token expires; answers what it raises."""
        self._enter(method, context)
        scope = asyncio.timeout(None)
        try:
            caller = await self._admit(method, context)
            async with scope:
                scope.reschedule(_from_now(caller.expires_at - time.time()))
                yield scope
        except grpc.aio.BaseError:
            raise  # grpc's own: the call is over
        except Exception as error:  # noqa: BLE001 - the last to catch it: every error becomes a status
            await _abort(context, self._refusal(method, error, scope))

    def _enter(self, method: str, context: Any) -> None:
        self._active += 1
        self._idle.clear()
        context.add_done_callback(
            partial(self._leave, method)
        )  # not when the method returns: its answer is still to be sent

    def _leave(self, method: str, context: Any) -> None:
        code = context.code()
        CALLS.labels(method, code.name if isinstance(code, grpc.StatusCode) else "OK").inc()
        self._active -= 1
        if not self._active:
            self._idle.set()

    async def _admit(self, method: str, context: Any) -> identity.Caller:
        caller = await self._verifier.verify(identity.bearer(dict(context.invocation_metadata())))
        identity.allow(caller, method, self.rules)
        identity.CALLER.set(caller)
        if context.time_remaining() == 0:
            raise _late()
        return caller

    def _refusal(self, method: str, error: Exception, scope: asyncio.Timeout) -> Refusal:
        if scope.expired():
            return self._cut_off(scope)
        refusal = _refusal_in(error)
        if refusal is None:
            log.error("call_failed", method=method, exc_info=error)
            return internal()
        return refusal

    def _cut_off(self, scope: asyncio.Timeout) -> Refusal:
        if self._draining:
            return Refusal(grpc.StatusCode.UNAVAILABLE, "DRAINING", "the process is stopping", fix="resume elsewhere")
        if identity.caller().expires_at <= time.time():
            return identity.expired()
        return _late()


class Requests:
    """The requests of a bidirectional stream, decoded. They end when the client's do, or for a drain."""

    def __init__(self, receiver: AsyncIterator[bytes], decode: Any) -> None:
        self._receiver = receiver
        self._decode = decode
        self._reader: asyncio.Task[Any] | None = None
        self._ended = False
        self._cut_off = False

    def end(self) -> None:
        """Ends the iteration after the request being handled; one that was not handed out is not answered."""
        self._ended = True
        if self._reader is not None:
            self._cut_off = self._reader.cancel()

    def __aiter__(self) -> "Requests":
        return self

    async def __anext__(self) -> Any:
        if self._ended:
            raise StopAsyncIteration
        reader = self._reader = asyncio.current_task()
        try:
            raw = await self._receiver.__anext__()
        except asyncio.CancelledError:
            if self._cut_off and reader is not None and reader.uncancel() == 0:
                raise StopAsyncIteration from None
            raise
        finally:
            self._reader = None
        return _decoded(self._decode, raw)


async def _write_all(responses: AsyncGenerator[Any, None], context: Any) -> None:
    async with aclosing(responses):
        async for response in responses:
            await context.write(response)


async def _abort(context: Any, refusal: Refusal) -> None:
    status = to_status(refusal)
    async with asyncio.timeout(STATUS_SECONDS):  # a reader that stopped reading holds its status back
        await context.abort(refusal.code, status.message, trailers(status))


def _decoded(decode: Any, raw: bytes) -> Any:
    if len(raw) > MESSAGE_BYTES_LIMIT:
        raise Refusal(
            grpc.StatusCode.RESOURCE_EXHAUSTED,
            "MESSAGE_TOO_LARGE",
            f"a message has at most {MESSAGE_BYTES_LIMIT} bytes",
            field="request",
            value=str(len(raw)),
            fix="send less in one message",
        )
    try:
        return decode(raw)
    except DecodeError:
        raise Refusal(
            grpc.StatusCode.INVALID_ARGUMENT,
            "MALFORMED_MESSAGE",
            f"the request's {len(raw)} bytes are not an encoded message of this method",
            field="request",
            value=raw[:16].hex(),
            fix="encode it with the method's request message",
        ) from None


def _refusal_in(error: BaseException) -> Refusal | None:
    if isinstance(error, BaseExceptionGroup):
        return next(filter(None, map(_refusal_in, error.exceptions)), None)
    return error if isinstance(error, Refusal) else None


def _from_now(seconds: float) -> float:
    return asyncio.get_running_loop().time() + seconds


def _late() -> Refusal:
    return Refusal(
        grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED", "the call's deadline passed", fix="allow it more time"
    )
