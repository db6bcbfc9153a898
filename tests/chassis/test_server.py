"""The boundary, the limits and the drain of a server, from outside."""
# ruff: noqa: N802 - methods have the names of their rpcs

import asyncio
import contextlib
from collections.abc import AsyncIterator
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2

from bourse.match.v1 import match_pb2, match_pb2_grpc
from chassis import boundary
from chassis.client import channel
from chassis.errors import Refusal, from_rpc_error
from chassis.identity import caller
from tests.chassis.conftest import Keys, calling, refused, serving
from tests.waiting import PATIENCE_SECONDS

TOKEN_SECONDS = 4.0  # A call opens within it, and what ends with it is waited for.
GET_SHARD = "/bourse.match.v1.MatchService/GetShard"


Servicer: Any = match_pb2_grpc.MatchServiceServicer


class Match(Servicer):  # type: ignore[misc]
    """Does what its fields say."""

    def __init__(self) -> None:
        self.error: Exception | None = None
        self.asked = 0
        self.callers: list[str] = []
        self.waits = asyncio.Event()
        self.waits.set()

    async def GetShard(self, _request: Any, _context: Any) -> match_pb2.GetShardResponse:
        self.asked += 1
        self.callers.append(caller().name)
        await self.waits.wait()
        if self.error:
            raise self.error
        return match_pb2.GetShardResponse()

    async def StreamExecutions(self, request: Any, _context: Any) -> AsyncIterator[match_pb2.StreamExecutionsResponse]:
        yield match_pb2.StreamExecutionsResponse(batches=[b"first"])
        if self.error:
            raise self.error
        await asyncio.Event().wait()

    async def Submit(self, requests: Any, _context: Any) -> AsyncIterator[match_pb2.SubmitResponse]:
        async for _ in requests:
            await self.waits.wait()
            yield match_pb2.SubmitResponse()


def bare(called: Any) -> Any:
    """What is called without stubs has no types."""
    return called


@pytest.fixture
def match() -> Match:
    return Match()


async def test_a_caller_is_known_to_the_method(match: Match, keys: Keys) -> None:
    """A method sees the verified caller of its call."""
    async with serving(match, keys) as (_, address), calling(address, keys.token("service", "svc_order")) as stub:
        await stub.GetShard(match_pb2.GetShardRequest())
    assert match.callers == ["svc_order"]


async def test_a_refusal_arrives_with_code_reason_and_metadata(match: Match, keys: Keys) -> None:
    """What a method refuses, a client reads unchanged."""
    match.error = Refusal(grpc.StatusCode.NOT_FOUND, "UNKNOWN_SYMBOL", "no such", field="symbol", value="ÄX")
    async with serving(match, keys) as (_, address), calling(address, keys.token()) as stub:
        refusal = from_rpc_error(await refused(stub.GetShard(match_pb2.GetShardRequest())))
    assert str(refusal) == str(match.error)


@pytest.mark.parametrize("letter", ["x", "\0", "\U0001f600"])
async def test_a_refusal_that_echoes_much_still_arrives(match: Match, keys: Keys, letter: str) -> None:
    """A caller that sent 100 000 letters is told what was wrong: no header grows with what it sent."""
    much = letter * 100_000
    match.error = Refusal(grpc.StatusCode.NOT_FOUND, "X", f"no {much}", field="symbol", value=much, fix=much, more=much)
    async with serving(match, keys) as (_, address), calling(address, keys.token()) as stub:
        for _ in range(20):  # between gRPC's soft and hard limit chance decides
            refusal = from_rpc_error(await refused(stub.GetShard(match_pb2.GetShardRequest())))
            assert (refusal.code, refusal.reason) == (match.error.code, "X")
            assert much.startswith(refusal.metadata["value"])
            assert refusal.message.startswith(f"no {letter}")


async def test_a_refusal_in_an_exception_group_arrives_too(match: Match, keys: Keys) -> None:
    """A method may use a TaskGroup: the first refusal in it is the answer."""
    match.error = ExceptionGroup("g", [Refusal(grpc.StatusCode.ABORTED, "NOT_LEADER", "ask the other")])
    async with serving(match, keys) as (_, address), calling(address, keys.token()) as stub:
        assert from_rpc_error(await refused(stub.GetShard(match_pb2.GetShardRequest()))).reason == "NOT_LEADER"


@pytest.mark.parametrize("streaming", [False, True])
async def test_a_bug_arrives_as_internal_and_leaks_nothing(match: Match, keys: Keys, *, streaming: bool) -> None:
    """An unexpected exception is INTERNAL and its words stay in the log."""
    match.error = KeyError("secret")
    async with serving(match, keys) as (_, address), calling(address, keys.token()) as stub:
        if streaming:
            call = stub.StreamExecutions(match_pb2.StreamExecutionsRequest())
            assert (await call.read()).batches == [b"first"]
            error = await refused(call.read())
        else:
            error = await refused(stub.GetShard(match_pb2.GetShardRequest()))
    assert error.code() is grpc.StatusCode.INTERNAL
    assert "secret" not in str(error)


@pytest.mark.parametrize("token", ["missing", "wrong role"])
async def test_no_method_runs_for_a_caller_who_may_not(match: Match, keys: Keys, token: str) -> None:
    """Without a token, or with a role that the method does not list, nothing runs."""
    expected = {"missing": "TOKEN_MISSING", "wrong role": "CALLER_NOT_ALLOWED"}
    sent = keys.token("broker", participant="ACME") if token == "wrong role" else ""
    async with serving(match, keys) as (_, address), calling(address, sent) as stub:
        unary = from_rpc_error(await refused(stub.GetShard(match_pb2.GetShardRequest())))
        stream = from_rpc_error(await refused(stub.Submit(iter([match_pb2.SubmitRequest()])).read()))
    assert (unary.reason, stream.reason) == (expected[token], expected[token])
    assert match.asked == 0


async def test_random_bytes_are_refused_by_name(match: Match, keys: Keys) -> None:
    """Bytes that are no message are INVALID_ARGUMENT, in a unary call and in the middle of a stream."""
    junk = b"\xff\x07random"
    async with serving(match, keys) as (_, address), channel(address, token=keys.token("service", "svc_order")) as raw:
        unary = from_rpc_error(await refused(bare(raw.unary_unary(GET_SHARD))(junk)))
        stream = bare(raw.stream_stream("/bourse.match.v1.MatchService/Submit"))()
        await stream.write(b"")
        await stream.read()
        await stream.write(junk)
        mid = from_rpc_error(await refused(stream.read()))
    assert unary.code is grpc.StatusCode.INVALID_ARGUMENT
    assert (unary.reason, mid.reason) == ("MALFORMED_MESSAGE", "MALFORMED_MESSAGE")
    assert match.asked == 0


async def test_an_oversized_message_is_refused(match: Match, keys: Keys) -> None:
    """A message over the limit is RESOURCE_EXHAUSTED and the server goes on."""
    async with serving(match, keys) as (_, address):
        async with grpc.aio.insecure_channel(address, options=[("grpc.max_send_message_length", -1)]) as raw:
            metadata = (("authorization", f"Bearer {keys.token()}"),)
            error = await refused(bare(raw.unary_unary(GET_SHARD))(bytes(5 << 20), metadata=metadata))
            assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        async with calling(address, keys.token()) as stub:
            await stub.GetShard(match_pb2.GetShardRequest())


async def test_a_call_without_a_deadline_gets_one(match: Match, keys: Keys, monkeypatch: pytest.MonkeyPatch) -> None:
    """A unary call that names no deadline ends with DEADLINE_EXCEEDED at the named default."""
    monkeypatch.setattr(boundary, "UNARY_DEADLINE_SECONDS", 0.05)
    match.waits.clear()
    async with serving(match, keys) as (_, address), calling(address, keys.token()) as stub:
        refusal = from_rpc_error(await refused(stub.GetShard(match_pb2.GetShardRequest(), timeout=None)))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "DEADLINE_EXCEEDED")


async def test_a_passed_deadline_does_nothing(match: Match, keys: Keys) -> None:
    """A call whose deadline has passed is refused before its method runs."""
    async with serving(match, keys) as (_, address), calling(address, keys.token()) as stub:
        error = await refused(stub.GetShard(match_pb2.GetShardRequest(), timeout=0))
    assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
    assert match.asked == 0


@pytest.mark.parametrize("method", ["StreamExecutions", "Submit"])
async def test_a_stream_ends_when_its_token_does(match: Match, keys: Keys, method: str) -> None:
    """A stream does not outlive the token that opened it."""
    role = keys.token("service", "svc_order", seconds=TOKEN_SECONDS)
    async with serving(match, keys) as (_, address), calling(address, role) as stub:
        call = stub.Submit() if method == "Submit" else stub.StreamExecutions(match_pb2.StreamExecutionsRequest())
        if method == "Submit":
            await call.write(match_pb2.SubmitRequest())
        await call.read()
        refusal = from_rpc_error(await refused(call.read()))
    assert (refusal.code, refusal.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_EXPIRED")


async def test_health_says_serving_only_when_ready_and_not_while_draining(match: Match, keys: Keys) -> None:
    """Health is NOT_SERVING, then SERVING when told, and NOT_SERVING from the start of the drain."""
    answers = health_pb2.HealthCheckResponse
    async with serving(match, keys) as (server, address), grpc.aio.insecure_channel(address) as raw:
        watch = bare(health_pb2_grpc.HealthStub(raw)).Watch(health_pb2.HealthCheckRequest())
        assert (await watch.read()).status == answers.NOT_SERVING
        await server.ready()
        assert (await watch.read()).status == answers.SERVING
        await server.drain()
        with contextlib.suppress(grpc.aio.AioRpcError):
            assert (await watch.read()).status == answers.NOT_SERVING


async def test_a_drain_answers_what_is_in_flight_and_ends_streams(match: Match, keys: Keys) -> None:
    """A unary call in flight is answered; a bidirectional stream answers what it read and ends well; a server
    stream ends with DRAINING; an idle bidirectional stream ends well."""
    match.waits.clear()
    token = keys.token("service", "svc_order")
    async with serving(match, keys) as (server, address), calling(address, token) as stub:
        unary = stub.GetShard(match_pb2.GetShardRequest())
        busy, idle = stub.Submit(), stub.Submit()
        await busy.write(match_pb2.SubmitRequest())
        watch = stub.StreamExecutions(match_pb2.StreamExecutionsRequest())
        await watch.read()
        await idle.wait_for_connection()
        while server._boundary._active < 4 or not match.asked:
            await asyncio.sleep(0)
        drain = asyncio.ensure_future(server.drain())
        await server.draining.wait()
        assert from_rpc_error(await refused(watch.read())).reason == "DRAINING"
        assert await idle.read() is grpc.aio.EOF
        match.waits.set()
        await unary
        assert isinstance(await busy.read(), match_pb2.SubmitResponse)
        assert await busy.read() is grpc.aio.EOF
        assert await busy.code() is grpc.StatusCode.OK
        await asyncio.wait_for(drain, PATIENCE_SECONDS)


@pytest.mark.parametrize("version", ["v1", "v1alpha"])
async def test_reflection_lists_and_describes_in_both_versions(match: Match, keys: Keys, version: str) -> None:
    """Anyone can list the services and get their files, by v1 and by v1alpha."""
    request = reflection_pb2.ServerReflectionRequest
    asked = [request(list_services="*"), request(file_containing_symbol="bourse.match.v1.MatchService")]
    async with serving(match, keys) as (_, address), grpc.aio.insecure_channel(address) as raw:
        method = raw.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request.SerializeToString,
            reflection_pb2.ServerReflectionResponse.FromString,
        )
        answers = [answer async for answer in bare(method)(asked)]
    assert "bourse.match.v1.MatchService" in [s.name for s in answers[0].list_services_response.service]
    assert len(answers[1].file_descriptor_response.file_descriptor_proto) > 2
