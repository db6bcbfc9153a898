"""Streams that move: each can be told to go on elsewhere, without a message lost.

A stream takes part once its method has said how it says so (`farewell`). It is told when a share of the streams is drained,
when the process stops, or when it or its caller's token grows old; once. A stream that is read ends behind its farewell.
A bidirectional one answers all that it gets until its caller half-closes, which has to be within HALF_CLOSE_SECONDS.
"""

import asyncio
import random
import time
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from contextvars import ContextVar
from typing import Any

import grpc

from chassis.errors import Refusal

AGE_SECONDS = 1800.0
AGE_JITTER = 0.2  # so that streams opened together do not all move together
TOKEN_SHARE = 0.9  # of what is left of a token when the stream opens
AGE_MIN_SECONDS = 1.0  # what is left of a token then ends with it
HALF_CLOSE_SECONDS = 10.0
LAST_WRITE_SECONDS = 5.0
PPM = 1_000_000

Farewell = Callable[[], Any]


class Told(Exception):
    """The stream that is read was told to move: its farewell comes next, and nothing behind it."""


class Stream:
    """One open stream. Its own task calls `next` and `write`; anyone calls `tell` or `cut`."""

    def __init__(self, method: str, context: Any, scope: asyncio.Timeout, requests: "Requests | None" = None) -> None:
        self.method = method
        self.told = False
        self.was_cut_off = False
        self._context = context
        self._scope = scope
        self._requests = requests
        self._farewell: Farewell | None = None
        self._reader: asyncio.Task[Any] | None = None
        self._interrupted = False
        self._writing = asyncio.Lock()
        self._saying: asyncio.Task[None] | None = None
        self._timers: list[asyncio.TimerHandle] = []

    @property
    def movable(self) -> bool:
        """Whether it can be told and was not."""
        return self._farewell is not None and not self.told

    def at_farewell(self, farewell: Farewell) -> None:
        """The method says how it says that the caller is to move."""
        self._farewell = farewell

    def tell_in(self, seconds: float) -> None:
        """Tells it when it is that old."""
        self._timers.append(asyncio.get_running_loop().call_later(seconds, self.tell))

    def tell(self) -> None:
        """Tells it to move, if that is still to be done."""
        if not self.movable:
            return
        self.told = True
        self._timers.append(asyncio.get_running_loop().call_later(HALF_CLOSE_SECONDS, self.cut_off))
        if self._requests is not None:
            self._saying = asyncio.create_task(self._say())
        elif self._reader is not None:
            self._interrupted = self._reader.cancel()

    def cut_off(self) -> None:
        """Ends it: a bidirectional one when it has answered what it has taken, one that is read with UNAVAILABLE DRAINING."""
        self.was_cut_off = True
        if self._requests is not None:
            self._requests.end()
        else:
            self._scope.reschedule(asyncio.get_running_loop().time())

    async def write_all(self, responses: AsyncGenerator[Any, None]) -> None:
        """Writes the method's responses, and the farewell of one that is read."""
        async with aclosing(responses):
            if self._requests is None:
                await self._write_until_told(responses)
                return
            async for response in responses:
                async with self._writing:
                    await self._context.write(response)

    async def _write_until_told(self, responses: AsyncGenerator[Any, None]) -> None:
        try:
            while True:
                await self._context.write(await self._next(responses))
        except StopAsyncIteration:
            return
        except Told:
            assert self._farewell is not None
            await self._context.write(self._farewell())

    async def _next(self, responses: AsyncIterator[Any]) -> Any:
        if self.told:
            raise Told
        self._reader = reader = asyncio.current_task()
        try:
            return await anext(responses)
        except asyncio.CancelledError:
            if self._interrupted and reader is not None and reader.uncancel() == 0:
                raise Told from None
            raise
        finally:
            self._reader = None

    async def _say(self) -> None:
        assert self._farewell is not None
        with suppress(grpc.aio.BaseError, asyncio.InvalidStateError):  # the call is over: there is nobody to tell
            async with self._writing:
                await self._context.write(self._farewell())

    async def close(self) -> None:
        """It is over; a farewell that is being written is written first."""
        for timer in self._timers:
            timer.cancel()
        if self._saying is not None:
            await asyncio.wait({self._saying}, timeout=LAST_WRITE_SECONDS)
            self._saying.cancel()


class Requests:
    """The requests of a bidirectional stream, decoded. They end when the client's do, or when `end` says so."""

    def __init__(self, receiver: AsyncIterator[bytes], decode: Callable[[bytes], Any]) -> None:
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
        return self._decode(raw)


STREAM: ContextVar[Stream] = ContextVar("stream")


def was_cut_off() -> bool:
    """Inside a stream's task: whether it was ended by `cut_off`."""
    stream = STREAM.get(None)
    return stream is not None and stream.was_cut_off


def farewell(say: Farewell) -> None:
    """Inside a streaming method, before it yields: `say()` is the response that tells the caller to move."""
    STREAM.get().at_farewell(say)


class Streams:
    """The open streams of a process, oldest first. `age_seconds` is how old one grows, give or take AGE_JITTER."""

    def __init__(self, age_seconds: float = AGE_SECONDS) -> None:
        self._age_seconds = age_seconds
        self._open: dict[Stream, None] = {}

    @asynccontextmanager
    async def opened(self, stream: Stream, expires_at: float) -> AsyncIterator[None]:
        """`stream` is open while the block runs; it is told before its caller's token expires."""
        age = self._age_seconds * random.uniform(1 - AGE_JITTER, 1 + AGE_JITTER)  # noqa: S311 - jitter is no secret
        stream.tell_in(max(AGE_MIN_SECONDS, min(age, (expires_at - time.time()) * TOKEN_SHARE)))
        self._open[stream] = None
        STREAM.set(stream)
        try:
            yield
        finally:
            del self._open[stream]
            await stream.close()

    def end(self) -> None:
        """Tells every stream, and cuts off those that cannot be told."""
        for stream in list(self._open):
            if stream.movable:
                stream.tell()
            elif not stream.told:
                stream.cut_off()

    def drain(self, share_ppm: int) -> int:
        """Tells that share of the streams, of each method's the oldest that were not told, rounded up; how many. Raises
        Refusal SHARE_INVALID.
        """
        if not 1 <= share_ppm <= PPM:
            raise _invalid(share_ppm)
        by_method: dict[str, list[Stream]] = {}
        for stream in self._open:
            if stream.movable:
                by_method.setdefault(stream.method, []).append(stream)
        telling = [one for some in by_method.values() for one in some[: -(-len(some) * share_ppm // PPM)]]
        for stream in telling:
            stream.tell()
        return len(telling)


def _invalid(share_ppm: int) -> Refusal:
    return Refusal(
        grpc.StatusCode.INVALID_ARGUMENT,
        "SHARE_INVALID",
        f"share_ppm {share_ppm} cannot be taken",
        field="share_ppm",
        value=str(share_ppm),
        fix=f"send 1 to {PPM} parts per million",
    )
