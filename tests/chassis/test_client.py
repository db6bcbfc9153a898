"""Channels: the token they send, the deadline they set, and how soon they are back."""

import asyncio
import os
from pathlib import Path

import grpc

from bourse.match.v1 import match_pb2, match_pb2_grpc
from chassis import client
from chassis.client import Token, channel
from chassis.server import Server
from tests.chassis.conftest import MATCH, Keys, refused, serving
from tests.chassis.test_server import Match

REQUEST = match_pb2.GetShardRequest()


def test_a_renewed_token_file_is_read_again(tmp_path: Path) -> None:
    """A file replaced by another is sent from the next look on."""
    file = tmp_path / "token"
    file.write_text("one\n")
    token = Token(file=str(file))
    assert token.metadata() == (("authorization", "Bearer one"),)
    (tmp_path / "new").write_text("two\n")
    os.utime(tmp_path / "new", ns=(1, 1))
    (tmp_path / "new").replace(file)
    token._checked -= client.TOKEN_CHECK_SECONDS
    assert token.metadata() == (("authorization", "Bearer two"),)


async def test_a_unary_call_has_a_deadline_and_a_stream_none(keys: Keys) -> None:
    """A unary call ends at the channel's default deadline; a stream outlives it."""
    match = Match()
    match.waits.clear()
    async with (
        serving(match, keys) as (_, address),
        channel(address, token=keys.token(), call_deadline_seconds=0.1) as opened,
    ):
        stub = match_pb2_grpc.MatchServiceStub(opened)
        stream = stub.StreamExecutions(match_pb2.StreamExecutionsRequest())
        await stream.read()
        error = await refused(stub.GetShard(REQUEST))
        assert error.code() is grpc.StatusCode.DEADLINE_EXCEEDED
        assert not stream.done()


async def test_a_channel_is_back_soon_after_its_server(keys: Keys, tmp_path: Path) -> None:
    """A call on a dead peer fails at once; one that waits for it is answered soon after it is back."""
    match = Match()
    file = tmp_path / "token"
    file.write_text(keys.token())
    async with serving(match, keys) as (_, address), channel(address, token_file=str(file)) as opened:
        stub = match_pb2_grpc.MatchServiceStub(opened)
        await stub.GetShard(REQUEST)
        first = asyncio.get_running_loop().time()
    async with channel(address, token_file=str(file)) as opened:
        stub = match_pb2_grpc.MatchServiceStub(opened)
        assert (await refused(stub.GetShard(REQUEST))).code() is grpc.StatusCode.UNAVAILABLE
        waiting = asyncio.ensure_future(stub.GetShard(REQUEST, wait_for_ready=True, timeout=10))
        await asyncio.sleep(0)
        server = Server(address, keys.verifier())
        server.add(MATCH, match_pb2_grpc.add_MatchServiceServicer_to_server, match)
        await server.start()
        await waiting
        assert asyncio.get_running_loop().time() - first < 5
        await server.drain()
