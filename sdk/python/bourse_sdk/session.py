"""Order entry: one stream of batches at a time, replaced when it breaks or drains, and no command ever overtakes another.

What was enqueued while the last batch was being written is the next batch; nothing waits on a timer. Commands are answered
in the order submitted. After a break all that is unanswered is sent again, in order, before anything new: the exchange
knows each by its identity and does it once. On Draining the next stream is used only after this one's last answer.
"""

import asyncio
import contextlib
import random
from collections.abc import Awaitable, Callable
from typing import Any

import grpc

from bourse.order.v1 import order_pb2, order_pb2_grpc
from bourse.types.v1 import command_pb2 as pb
from bourse_sdk.commands import Body, CommandResult
from bourse_sdk.connection import Cancelled, Token
from bourse_sdk.errors import (
    CLOSED,
    BourseError,
    Identity,
    OutcomeUnknown,
    Refusal,
    Unreachable,
    from_rpc,
    is_transient,
)
from bourse_sdk.outbox import Outbox, ProtocolError, Submission

BATCH_LIMIT = 4096
BATCHES_IN_FLIGHT = 4
UNANSWERED_LIMIT = 32_768
BACKOFF_MIN_SECONDS = 0.02
BACKOFF_MAX_SECONDS = 1.0
FAREWELL_SECONDS = 1.0

Stamp = Callable[[list[Body]], Awaitable[None]]


class Session:
    """One participant's order entry. `stamp` fills in trading dates of commands that are about to be sent first.

    When no answer comes for `give_up_seconds` while some are awaited, all that is unanswered fails with OutcomeUnknown.
    """

    def __init__(
        self,
        stub: "order_pb2_grpc.OrderServiceAsyncStub",
        token: Token,
        stamp: Stamp,
        on_results: Callable[[list[CommandResult]], None],
        *,
        give_up_seconds: float,
        unanswered_limit: int = UNANSWERED_LIMIT,
    ) -> None:
        self._stub = stub
        self._token = token
        self._stamp = stamp
        self._on_results = on_results
        self._give_up_seconds = give_up_seconds
        self._unanswered_limit = max(unanswered_limit, BATCH_LIMIT)
        self._outbox = Outbox()
        self._work = asyncio.Event()
        self._room = asyncio.Event()
        self._entry = asyncio.Lock()
        self._entering = 0
        self._draining = False
        self._moved = False  # Drained in good order, after it had answered something.
        self._backoff = BACKOFF_MIN_SECONDS
        self._patience: asyncio.Timeout | None = None
        self._running: asyncio.Task[None] | None = None
        self._closed = False

    @property
    def unanswered(self) -> int:
        """How many commands have no answer."""
        return self._outbox.unanswered

    async def submit(self, commands: list[pb.OrderCommand], bodies: list[Body]) -> asyncio.Future[list[CommandResult]]:
        """Puts at most BATCH_LIMIT commands behind all that were submitted; waits while too many are unanswered.

        A future that is cancelled changes nothing for its commands.
        """
        assert len(commands) <= BATCH_LIMIT
        if not self._entering and self._has_room(len(commands)):
            return self._add(commands, bodies)
        self._entering += 1  # from now on everyone queues at the lock, which is fair: order is kept
        try:
            async with self._entry:
                while not self._has_room(len(commands)):
                    self._room.clear()
                    await self._room.wait()
                return self._add(commands, bodies)
        finally:
            self._entering -= 1

    async def close(self) -> None:
        """Ends the session; what is unanswered fails with OutcomeUnknown."""
        self._closed = True
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)
        self._abandon("the client was closed")

    def _has_room(self, count: int) -> bool:
        return self._closed or self._outbox.unanswered + count <= self._unanswered_limit

    def _add(self, commands: list[pb.OrderCommand], bodies: list[Body]) -> asyncio.Future[list[CommandResult]]:
        if self._closed:
            raise Unreachable(CLOSED)
        done: asyncio.Future[list[CommandResult]] = asyncio.get_running_loop().create_future()
        if not commands:
            done.set_result([])
            return done
        idle = not self._outbox.unanswered
        self._outbox.add(Submission(commands, bodies, done))
        if idle:
            self._be_patient()
        self._work.set()
        if self._running is None or self._running.done():
            self._running = asyncio.create_task(self._run(), name="bourse order entry")
        return done

    async def _run(self) -> None:
        """Stream after stream, until cancelled; whatever ends it leaves nobody waiting."""
        try:
            while True:
                await self._until_given_up()
        except BaseException as error:
            self._abandon(f"the session ended: {error!r}")
            raise

    async def _until_given_up(self) -> None:
        try:
            async with asyncio.timeout(None) as self._patience:
                self._be_patient()
                while True:
                    await self._one_stream()
        except TimeoutError:
            self._abandon(f"no answer for {self._give_up_seconds:g} seconds")
        except Refusal as refusal:
            self._abandon(str(refusal), refusal)
        except (ProtocolError, ValueError) as error:
            self._abandon(f"the service broke the protocol: {error}")

    async def _one_stream(self) -> None:
        await self._until(lambda: self._outbox.waiting)
        cancelled = Cancelled()
        try:
            await self._converse()
        except grpc.aio.AioRpcError as error:
            cancelled.check()
            refusal = from_rpc(error)
            if not is_transient(refusal, renewable=self._token.renewable):
                raise refusal from error
        except Unreachable:
            pass  # The trading date could not be asked for.
        if self._outbox.unanswered and not self._moved:
            await asyncio.sleep(random.uniform(0.5, 1) * self._backoff)  # noqa: S311  # jitter is no secret
            self._backoff = min(self._backoff * 2, BACKOFF_MAX_SECONDS)

    async def _converse(self) -> None:
        """One stream until it ends or was drained; afterwards all that it left unanswered waits again."""
        self._draining = self._moved = False
        call = self._stub.EnterOrders(metadata=self._token.metadata())
        writer = asyncio.create_task(self._write(call))
        try:
            await self._read(call, writer)
        finally:
            call.cancel()
            writer.cancel()
            await asyncio.wait({writer})
            self._outbox.lost()
        if not writer.cancelled():
            writer.result()

    async def _read(self, call: Any, writer: asyncio.Task[None]) -> None:
        answered = False
        while True:
            try:
                response = await call.read()
            except asyncio.CancelledError:
                task = asyncio.current_task()
                if writer.done() and task is not None and not task.cancelling():
                    return  # The writer ended the call; it says why.
                raise
            if response is grpc.aio.EOF:
                return
            self._take(response)
            answered = answered or bool(response.results)
            if self._draining and not self._outbox.in_flight:
                self._moved = answered
                await self._see_off(call)
                return

    async def _see_off(self, call: Any) -> None:
        """All is answered and no more is sent: the old stream ends before the new one begins, unless it takes its time."""
        with contextlib.suppress(TimeoutError, grpc.aio.AioRpcError):
            async with asyncio.timeout(FAREWELL_SECONDS):
                await call.read()

    def _take(self, response: order_pb2.EnterOrdersResponse) -> None:
        if response.results:
            self._on_results(self._outbox.answer(response.results))
            self._backoff = BACKOFF_MIN_SECONDS
            self._be_patient()
            self._room.set()
        if response.HasField("draining"):
            self._draining = True
            self._backoff = BACKOFF_MIN_SECONDS
        self._work.set()

    async def _write(self, call: Any) -> None:
        try:
            while True:
                await self._until(self._may_write)
                if self._draining:
                    await call.done_writing()
                    return
                batch, bodies = self._outbox.take(BATCH_LIMIT)
                await self._stamp(bodies)
                await call.write(order_pb2.EnterOrdersRequest(commands=batch))
        except (grpc.aio.AioRpcError, asyncio.InvalidStateError):
            return  # The call is over; whoever reads it learns why.
        except BaseException:
            call.cancel()
            raise

    def _may_write(self) -> bool:
        return self._draining or (self._outbox.waiting and self._outbox.batches_in_flight < BATCHES_IN_FLIGHT)

    async def _until(self, condition: Callable[[], bool]) -> None:
        while not condition():
            self._work.clear()
            await self._work.wait()

    def _be_patient(self) -> None:
        """Patience begins anew, or is not needed while nothing is unanswered."""
        if self._patience is not None:
            with contextlib.suppress(RuntimeError):  # It has just ended.
                now = asyncio.get_running_loop().time()
                self._patience.reschedule(now + self._give_up_seconds if self._outbox.unanswered else None)

    def _abandon(self, message: str, refusal: Refusal | None = None) -> None:
        for submission, identities in self._outbox.abandon():
            if not submission.done.done():
                submission.done.set_exception(_given_up(submission, identities, message, refusal))
        self._room.set()


def _given_up(submission: Submission, identities: list[Identity], message: str, refusal: Refusal | None) -> BourseError:
    """The refusal itself when it came before anything was looked at; otherwise nobody knows what was done."""
    if refusal is not None and submission.streams <= 1 and _is_at_the_door(refusal):
        return Refusal(refusal.reason, refusal.message, refusal.metadata, code=refusal.code)
    unknown = OutcomeUnknown(message, identities, submission.results)
    unknown.__cause__ = refusal
    return unknown


def _is_at_the_door(refusal: Refusal) -> bool:
    """Callers are admitted before their first request is read; only expiry can end a stream later."""
    admission = (grpc.StatusCode.UNAUTHENTICATED, grpc.StatusCode.PERMISSION_DENIED)
    return refusal.code in admission and refusal.reason != "TOKEN_EXPIRED"
