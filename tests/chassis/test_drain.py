"""Streams that are told to move: which, in what order, and that nothing is lost by it."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bourse.match.v1 import match_pb2, match_pb2_grpc
from chassis import drain
from chassis.drain import farewell
from chassis.errors import Refusal, from_rpc_error
from tests.chassis.conftest import Keys, calling, refused, serving
from tests.waiting import PATIENCE_SECONDS

Servicer: Any = match_pb2_grpc.MatchServiceServicer
ALL, HALF = 1_000_000, 500_000
ACCEPT_SECONDS, TOKEN_SECONDS = 3.0, 4.0  # A stream opens within them, and what ends with them is waited for.


class Match(Servicer):  # type: ignore[misc]
    """Answers each request; a stream that is read sends the numbers of `feed` for ever."""

    def __init__(self) -> None:
        self.feed = asyncio.Condition()
        self.last = 0

    async def grow(self, count: int) -> None:
        async with self.feed:
            self.last += count
            self.feed.notify_all()

    async def Submit(self, requests: Any, _context: Any) -> AsyncIterator[match_pb2.SubmitResponse]:  # noqa: N802
        farewell(lambda: match_pb2.SubmitResponse(draining=match_pb2.Draining()))
        async for _ in requests:
            yield match_pb2.SubmitResponse()

    async def StreamExecutions(self, request: Any, _context: Any) -> AsyncIterator[match_pb2.StreamExecutionsResponse]:  # noqa: N802
        at = request.from_sequence - 1
        sent = [at]
        farewell(lambda: match_pb2.StreamExecutionsResponse(draining=match_pb2.Draining(resume_after_sequence=sent[0])))
        while True:
            async with self.feed:
                await self.feed.wait_for(lambda: self.last > sent[0])
            sent[0] += 1
            yield match_pb2.StreamExecutionsResponse(batches=[str(sent[0]).encode()])


@pytest.fixture
def match() -> Match:
    return Match()


async def opened(stub: Any, count: int) -> list[Any]:
    """Bidirectional streams that have answered once, in the order opened."""
    streams = []
    for _ in range(count):
        stream = stub.Submit()
        await stream.write(match_pb2.SubmitRequest())
        await stream.read()
        streams.append(stream)
    return streams


async def test_a_share_is_the_oldest_rounded_up(match: Match, keys: Keys) -> None:
    """Of 5 streams half is the 3 oldest; half of the rest the next one; told ones go on until they half-close."""
    async with (
        serving(match, keys) as (server, address),
        calling(address, keys.token("service", "svc_order")) as stub,
    ):
        streams = await opened(stub, 5)
        assert server.streams.drain(HALF) == 3
        for stream in streams[:3]:
            assert (await stream.read()).HasField("draining")
        assert server.streams.drain(HALF) == 1
        assert (await streams[3].read()).HasField("draining")
        assert [server.streams.drain(1), server.streams.drain(ALL)] == [1, 0]
        for stream in streams[:4]:
            await stream.write(match_pb2.SubmitRequest())
            assert not (await stream.read()).HasField("draining")
            await stream.done_writing()
            assert await stream.read() is grpc.aio.EOF
            assert await stream.code() is grpc.StatusCode.OK


async def test_each_method_gives_its_share(match: Match, keys: Keys) -> None:
    """Half of 2 sessions and 2 readers is one of each."""
    async with (
        serving(match, keys) as (server, address),
        calling(address, keys.token("service", "svc_order")) as orders,
        calling(address, keys.token("service", "svc_ledger")) as readers,
    ):
        await match.grow(1)
        sessions = await opened(orders, 2)
        reads = []
        for _ in range(2):
            reads.append(readers.StreamExecutions(match_pb2.StreamExecutionsRequest(from_sequence=1)))
            assert (await reads[-1].read()).batches == [b"1"]
        assert server.streams.drain(HALF) == 2
        assert (await sessions[0].read()).HasField("draining")
        assert (await reads[0].read()).draining.resume_after_sequence == 1
        assert await reads[0].read() is grpc.aio.EOF
        await match.grow(1)
        assert (await reads[1].read()).batches == [b"2"]


async def test_a_reader_that_moves_often_misses_and_repeats_nothing(match: Match, keys: Keys) -> None:
    """While the feed grows a reader is moved at any moment: what it read joins, by what the farewell says."""
    async with (
        serving(match, keys) as (server, address),
        calling(address, keys.token("service", "svc_ledger")) as stub,
    ):
        got: list[int] = []
        moves = 0
        while moves < 50:
            request = match_pb2.StreamExecutionsRequest(from_sequence=len(got) + 1)
            stream = stub.StreamExecutions(request)
            growing = asyncio.create_task(match.grow(moves % 4 + 1))
            async for response in stream:
                if response.HasField("draining"):
                    assert response.draining.resume_after_sequence == len(got)
                    continue
                got += [int(batch) for batch in response.batches]
                if len(got) % 3 == 0:
                    server.streams.drain(ALL)
                if len(got) == match.last:
                    await match.grow(1)
                    server.streams.drain(ALL)
            await growing
            moves += 1
        assert got == list(range(1, len(got) + 1))


async def test_who_does_not_half_close_is_ended(match: Match, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """After the named time a stream that was told takes nothing more, and ends well; an unread one ends with DRAINING."""
    monkeypatch.setattr(drain, "HALF_CLOSE_SECONDS", 0.1)
    async with (
        serving(match, keys) as (server, address),
        calling(address, keys.token("service", "svc_order")) as stub,
    ):
        (stream,) = await opened(stub, 1)
        server.streams.drain(ALL)
        assert (await stream.read()).HasField("draining")
        assert await stream.read() is grpc.aio.EOF
        assert await stream.code() is grpc.StatusCode.OK


async def test_a_drain_of_the_process_tells_every_stream(match: Match, keys: Keys) -> None:
    """Sessions answer all until they half-close, readers end with OK behind their farewell; then it stops."""
    async with (
        serving(match, keys) as (server, address),
        calling(address, keys.token("service", "svc_order")) as orders,
        calling(address, keys.token("service", "svc_ledger")) as readers,
    ):
        (session,) = await opened(orders, 1)
        await match.grow(1)
        read = readers.StreamExecutions(match_pb2.StreamExecutionsRequest(from_sequence=1))
        await read.read()
        stopping = asyncio.ensure_future(server.drain())
        assert (await read.read()).draining.resume_after_sequence == 1
        assert await read.read() is grpc.aio.EOF
        assert (await session.read()).HasField("draining")
        for _ in range(10):
            await session.write(match_pb2.SubmitRequest())
        for _ in range(10):
            assert not (await session.read()).HasField("draining")
        await session.done_writing()
        assert await session.read() is grpc.aio.EOF
        await asyncio.wait_for(stopping, PATIENCE_SECONDS)


async def test_a_process_that_stops_accepts_a_little_longer(match: Match, keys: Keys) -> None:
    """Health says NOT_SERVING at once; streams that open in the named time after it work, and then are told with the others."""
    answers = health_pb2.HealthCheckResponse
    async with (
        serving(match, keys) as (server, address),
        grpc.aio.insecure_channel(address) as plain,
        calling(address, keys.token("service", "svc_order")) as stub,
    ):
        await server.ready()
        health: Any = health_pb2_grpc.HealthStub(plain)
        watch = health.Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == answers.SERVING
        stopping = asyncio.ensure_future(server.drain(accept_seconds=ACCEPT_SECONDS))
        assert (await watch.read()).status == answers.NOT_SERVING
        (late,) = await opened(stub, 1)
        assert not server.draining.is_set()
        assert (await late.read()).HasField("draining")
        await late.done_writing()
        assert await late.read() is grpc.aio.EOF
        await asyncio.wait_for(stopping, PATIENCE_SECONDS)


async def test_a_stream_moves_before_its_token_expires(match: Match, keys: Keys) -> None:
    """It is told before; one that does not move ends with TOKEN_EXPIRED."""
    token = keys.token("service", "svc_order", seconds=TOKEN_SECONDS)
    async with serving(match, keys) as (_, address), calling(address, token) as stub:
        (stream,) = await opened(stub, 1)
        assert (await stream.read()).HasField("draining")
        assert from_rpc_error(await refused(stream.read())).reason == "TOKEN_EXPIRED"


async def test_streams_grow_old_at_different_ages(match: Match, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """The age is the named one, give or take the named share of it."""
    ages: list[float] = []
    monkeypatch.setattr(drain.Stream, "tell_in", lambda _self, seconds: ages.append(seconds))
    async with (
        serving(match, keys) as (_, address),
        calling(address, keys.token("service", "svc_order", seconds=1e9)) as stub,
    ):
        await opened(stub, 20)
    assert len(set(ages)) == 20
    low, high = drain.AGE_SECONDS * (1 - drain.AGE_JITTER), drain.AGE_SECONDS * (1 + drain.AGE_JITTER)
    assert all(low <= age <= high for age in ages)


@pytest.mark.parametrize("share_ppm", [0, -1, ALL + 1])
def test_a_share_has_limits(share_ppm: int) -> None:
    """1 to 1 000 000 parts per million."""
    with pytest.raises(Refusal, match="share_ppm"):
        drain.Streams().drain(share_ppm)
