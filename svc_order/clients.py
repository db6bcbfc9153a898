"""gRPC out, to svc_ledger and svc_match: apart from rpc.py, which is gRPC in."""

import asyncio
import math
from collections import deque
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import suppress
from functools import partial
from typing import Any, Generic, TypeVar

import grpc
import structlog

from bourse.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from bourse.match.v1 import match_pb2, match_pb2_grpc
from bourse.types.v1 import command_pb2
from chassis import client
from chassis.errors import from_rpc_error
from chassis.identity import RINGS
from chassis.peers import RING_HEADER
from svc_order import wire
from svc_order.core.reference import Instrument, Shard
from svc_order.core.refused import Unavailable
from svc_order.core.saga import Hold
from svc_order.ports import Ticket
from svc_order.settings import Settings

HOLDS_SECONDS = 5.0
HOLDS_AGE_SECONDS = 1.0  # The mesh chooses a version for each stream: so svc_ledger's weights are realised in time.
SUBMIT_SECONDS = 20.0
READ_SECONDS = 2.0
LEAVE_SECONDS = 5.0

log = structlog.get_logger()
Q = TypeVar("Q")
R = TypeVar("R")


class Stream(Generic[R]):
    """One call of an Exchange: who waits for its answers, in order, whether it is to be left, and when that is at the latest."""

    def __init__(self, call: Any, until: float) -> None:
        self.call = call
        self.until = until
        self.waiting: deque[asyncio.Future[R]] = deque()
        self.draining = False
        self.left = asyncio.Event()
        self.reader: asyncio.Task[None] | None = None


class Exchange(Generic[Q, R]):
    """A stream that answers each request with one response, in order. It is opened when needed, and again after it broke.

    When it breaks, or an answer takes longer than `seconds`, every request that was made before fails too: none overtakes.
    When it says `draining`, or is older than `age_seconds`, what was written is answered there, and the next request goes to a
    new one after that.
    """

    def __init__(
        self, open_stream: Callable[[], Any], reason: str, seconds: float, age_seconds: float = math.inf
    ) -> None:
        self._open = open_stream
        self._reason = reason
        self._seconds = seconds
        self._age_seconds = age_seconds
        self._stream: Stream[R] | None = None
        self._generation = 0
        self._writing = asyncio.Lock()

    async def ask(self, request: Q) -> R:
        """The response to `request`. Raises Unavailable: then nobody knows whether the request was taken."""
        generation = self._generation
        answer: asyncio.Future[R] = asyncio.get_running_loop().create_future()
        try:
            async with asyncio.timeout(self._seconds):
                async with self._writing:
                    stream = await self._present()
                    if generation != self._generation:
                        raise Unavailable(self._reason, "the stream broke before the request was sent")
                    stream.waiting.append(answer)
                    await stream.call.write(request)
                return await answer
        except grpc.RpcError as error:
            raise self._broken(generation, *_why(error)) from error
        except TimeoutError as error:
            raise self._broken(generation, f"no answer within {self._seconds} s") from error
        except asyncio.InvalidStateError as error:  # grpc's word for writing to a call that is over
            raise self._broken(generation, "the stream is over") from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            # grpc raises it in writes to a call that was cancelled here
            raise self._broken(generation, "the stream broke") from None

    @property
    def breaks(self) -> int:
        """How often it broke: what is asked while this moves fails."""
        return self._generation

    async def close(self) -> None:
        """Ends the stream; who waits for an answer gets Unavailable."""
        self._broken(self._generation, "the process is stopping")

    async def _present(self) -> Stream[R]:
        """The stream for the next request: one that drains or is old is left first."""
        clock = asyncio.get_running_loop().time
        if self._stream is not None and clock() > self._stream.until and not self._stream.draining:
            await self._expire(self._stream)
        while self._stream is not None and self._stream.draining:
            await self._stream.left.wait()
        if self._stream is None:
            stream: Stream[R] = Stream(self._open(), clock() + self._age_seconds)
            self._stream = stream
            stream.reader = asyncio.create_task(self._read(stream, self._generation))
        return self._stream

    async def _read(self, stream: Stream[R], generation: int) -> None:
        """Hands answers out until the stream breaks, or is left: then it has answered all and is half-closed."""
        why: tuple[str, int | None]
        try:
            while (response := await stream.call.read()) is not grpc.aio.EOF:
                if response.HasField("draining"):
                    stream.draining = True
                elif not stream.waiting:
                    break
                else:
                    answer = stream.waiting.popleft()
                    if not answer.done():
                        answer.set_result(response)
                if stream.draining and not stream.waiting:
                    await self._leave(stream)
                    return
            why = ("the stream ended", None)
        except grpc.RpcError as error:
            why = _why(error)
        except asyncio.CancelledError:
            why = ("the stream broke", None)
        if not stream.left.is_set():  # How one ends that was left is nobody's matter.
            self._broken(generation, *why)

    async def _expire(self, stream: Stream[R]) -> None:
        """Its reader leaves it with the last answer; where there is none to come, it is left and half-closed now."""
        stream.draining = True
        if not stream.waiting:
            self._stream = None
            stream.left.set()
            asyncio.get_running_loop().call_later(LEAVE_SECONDS, stream.call.cancel)
            with suppress(grpc.RpcError, asyncio.InvalidStateError):
                await stream.call.done_writing()

    async def _leave(self, stream: Stream[R]) -> None:
        if self._stream is stream:
            self._stream = None
        stream.left.set()
        with suppress(grpc.RpcError, asyncio.InvalidStateError, TimeoutError):
            async with asyncio.timeout(LEAVE_SECONDS):
                await stream.call.done_writing()
                await stream.call.read()
        stream.call.cancel()

    def _broken(self, generation: int, why: str, shard: int | None = None) -> Unavailable:
        """All that wait fail. What is said of a shard is said to the first: it is its request that was looked at."""
        failure = first = Unavailable(self._reason, why, shard=shard)
        if generation == self._generation:
            self._generation += 1
            stream, self._stream = self._stream, None
            if stream is not None:
                stream.left.set()
                for answer in stream.waiting:
                    if not answer.done():
                        answer.set_exception(failure)
                        answer.exception()  # its asker may be gone
                    failure = Unavailable(self._reason, why)
                stream.call.cancel()
        return first


def _why(error: grpc.RpcError) -> tuple[str, int | None]:
    """What a broken stream said, and the shard that alone it is about, if there is one."""
    why = from_rpc_error(error)
    return f"{why.reason}: {why.message}", int(why.metadata["value"]) if why.reason == "SETTLEMENT_LAGS" else None


class Ledger:
    """svc_ledger, as ports.Ledger."""

    def __init__(self, told: Settings) -> None:
        self._channel = client.to_service(told.ledger, told)
        self._stub: Any = ledger_pb2_grpc.LedgerServiceStub(self._channel)
        self._holds: dict[str, Exchange[ledger_pb2.CreateHoldsRequest, ledger_pb2.CreateHoldsResponse]] = {
            ring: Exchange(partial(self._open, ring), "LEDGER_DOWN", HOLDS_SECONDS, HOLDS_AGE_SECONDS) for ring in RINGS
        }

    def _open(self, ring: str) -> Any:
        return self._stub.CreateHolds(metadata=((RING_HEADER, ring),))

    async def create_holds(self, ring: str, incarnation: str, tickets: Sequence[Ticket]) -> Sequence[Hold]:
        """See ports.Ledger."""
        response = await self._holds[ring].ask(wire.create_holds(incarnation, tickets))
        try:
            return wire.holds(response, tickets)
        except ValueError as count:
            raise Unavailable("LEDGER_DOWN", f"{count} holds for the requests of {len(tickets)} commands") from count

    async def settled(self, shard: int) -> tuple[int, int]:
        """See ports.Ledger."""
        try:
            response = await self._stub.GetSettlement(ledger_pb2.GetSettlementRequest(), timeout=READ_SECONDS)
        except grpc.RpcError as error:
            raise Unavailable("LEDGER_DOWN", str(from_rpc_error(error))) from error
        for one in response.shards:
            if one.position.shard == shard:
                return one.position.sequence, one.time_us
        return 0, 0

    async def close(self) -> None:
        """Ends its calls."""
        for exchange in self._holds.values():
            await exchange.close()
        await self._channel.close()


class Match:
    """The shards of svc_match, as ports.Match."""

    def __init__(self, told: Settings) -> None:
        self._channels = {shard: client.to_service(address, told) for shard, address in told.match_shards.items()}
        self._stubs: dict[int, Any] = {
            shard: match_pb2_grpc.MatchServiceStub(channel) for shard, channel in self._channels.items()
        }
        self._submits: dict[int, Exchange[match_pb2.SubmitRequest, match_pb2.SubmitResponse]] = {
            shard: Exchange(stub.Submit, "MATCH_DOWN", SUBMIT_SECONDS) for shard, stub in self._stubs.items()
        }

    async def submit(
        self, shard: int, incarnation: str, tickets: Sequence[Ticket], deadlines_us: Sequence[int]
    ) -> Sequence[command_pb2.CommandResult]:
        """See ports.Match."""
        response = await self._submits[shard].ask(wire.submit(incarnation, tickets, deadlines_us))
        if len(response.results) != len(tickets):
            raise Unavailable("MATCH_DOWN", f"{len(response.results)} results for {len(tickets)} commands")
        return response.results

    def breaks(self, shard: int) -> int:
        """See ports.Match."""
        return self._submits[shard].breaks

    async def state(self, shard: int) -> tuple[Shard, list[Instrument]]:
        """See ports.Match."""
        stub = self._stubs[shard]
        try:
            state = await stub.GetShard(match_pb2.GetShardRequest(), timeout=READ_SECONDS)
            listed = await stub.ListInstruments(match_pb2.ListInstrumentsRequest(), timeout=READ_SECONDS)
        except grpc.RpcError as error:
            raise Unavailable("MATCH_DOWN", str(from_rpc_error(error))) from error
        return wire.shard(state), [wire.instrument(one.instrument) for one in listed.instruments]

    async def executions(
        self, shard: int, from_sequence: int, to_sequence: int
    ) -> AsyncGenerator[Sequence[bytes], None]:
        """Encoded batches of private events from a sequence, as the journal has them; to 0 it goes on for ever."""
        request = match_pb2.StreamExecutionsRequest(from_sequence=from_sequence, to_sequence=to_sequence)
        call = self._stubs[shard].StreamExecutions(request)
        try:
            async for response in call:
                yield response.batches
        finally:
            call.cancel()

    async def close(self) -> None:
        """Ends its calls."""
        for exchange in self._submits.values():
            await exchange.close()
        for channel in self._channels.values():
            await channel.close()
