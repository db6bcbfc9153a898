"""gRPC out, to svc_ledger and svc_match: apart from rpc.py, which is gRPC in."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

import grpc
import structlog

from bourse.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from bourse.match.v1 import match_pb2, match_pb2_grpc
from bourse.types.v1 import command_pb2
from chassis import client
from chassis.errors import from_rpc_error
from svc_order import wire
from svc_order.core.reference import Instrument, Shard
from svc_order.core.refused import Unavailable
from svc_order.core.saga import Hold
from svc_order.ports import Ticket

HOLDS_SECONDS = 5.0
SUBMIT_SECONDS = 20.0
READ_SECONDS = 2.0

log = structlog.get_logger()
Q = TypeVar("Q")
R = TypeVar("R")


class Exchange(Generic[Q, R]):
    """A stream that answers each request with one response, in order. It is opened when needed, and again after it broke.

    When it breaks, or an answer takes longer than `seconds`, every request that was made before fails too: none overtakes.
    """

    def __init__(self, open_stream: Callable[[], Any], reason: str, seconds: float) -> None:
        self._open = open_stream
        self._reason = reason
        self._seconds = seconds
        self._call: Any = None
        self._generation = 0
        self._writing = asyncio.Lock()
        self._reading = asyncio.Lock()

    async def ask(self, request: Q) -> R:
        """The response to `request`. Raises Unavailable: then nobody knows whether the request was taken."""
        generation = self._generation
        try:
            async with asyncio.timeout(self._seconds):
                async with self._writing:
                    if generation != self._generation:
                        raise Unavailable(self._reason, "the stream broke before the request was sent")
                    if self._call is None:
                        self._call = self._open()
                    call = self._call
                    await call.write(request)
                async with self._reading:
                    response = await call.read()
        except grpc.RpcError as error:
            self._broken(generation)
            why = from_rpc_error(error)
            shard = int(why.metadata["value"]) if why.reason == "SETTLEMENT_LAGS" else None
            raise Unavailable(self._reason, f"{why.reason}: {why.message}", shard=shard) from error
        except TimeoutError as error:
            self._broken(generation)
            raise Unavailable(self._reason, f"no answer within {self._seconds} s") from error
        except asyncio.InvalidStateError as error:  # grpc's word for writing to a call that is over
            self._broken(generation)
            raise Unavailable(self._reason, "the stream is over") from error
        except asyncio.CancelledError:
            task = asyncio.current_task()
            if task is not None and task.cancelling():
                raise
            self._broken(generation)  # grpc raises it in reads and writes of a call that was cancelled here
            raise Unavailable(self._reason, "the stream broke") from None
        if response is grpc.aio.EOF:
            self._broken(generation)
            raise Unavailable(self._reason, "the stream ended")
        answer: R = response
        return answer

    def _broken(self, generation: int) -> None:
        if generation == self._generation:
            self._generation += 1
            call, self._call = self._call, None
            if call is not None:
                call.cancel()


class Ledger:
    """svc_ledger, as ports.Ledger."""

    def __init__(self, address: str, token_file: str) -> None:
        self._channel = client.channel(address, token_file=token_file)
        self._stub: Any = ledger_pb2_grpc.LedgerServiceStub(self._channel)
        self._holds: Exchange[ledger_pb2.CreateHoldsRequest, ledger_pb2.CreateHoldsResponse] = Exchange(
            self._stub.CreateHolds, "LEDGER_DOWN", HOLDS_SECONDS
        )

    async def create_holds(self, incarnation: str, tickets: Sequence[Ticket]) -> Sequence[Hold]:
        """See ports.Ledger."""
        holds = wire.holds(await self._holds.ask(wire.create_holds(incarnation, tickets)))
        if len(holds) != len(tickets):
            raise Unavailable("LEDGER_DOWN", f"{len(holds)} holds for {len(tickets)} requests")
        return holds

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
        await self._channel.close()


class Match:
    """The shards of svc_match, as ports.Match."""

    def __init__(self, addresses: Mapping[int, str], token_file: str) -> None:
        self._channels = {shard: client.channel(address, token_file=token_file) for shard, address in addresses.items()}
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
        for channel in self._channels.values():
            await channel.close()
