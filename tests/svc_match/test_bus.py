"""JetStream is a copy of the journal, whatever happens to it."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import nats as nats_client
from nats.js import JetStreamContext

from bourse.match.v1 import events_pb2
from bourse.types.v1 import market_pb2
from cli.machine import Machine
from tests.servers import Database, NatsServer
from tests.svc_match.shard import Process, outcomes, place, running

BUY, SELL = market_pb2.SIDE_BUY, market_pb2.SIDE_SELL
PUBLISH_SECONDS = 60


@asynccontextmanager
async def administrator(nats: NatsServer) -> AsyncIterator[JetStreamContext]:
    connection = await nats_client.connect(nats.url("administrator"), inbox_prefix="_INBOX.administrator")
    yield connection.jetstream()
    await connection.close()


async def stream(jetstream: JetStreamContext, name: str) -> list[bytes]:
    state = (await jetstream.stream_info(name)).state
    messages = [await jetstream.get_msg(name, seq=number) for number in range(state.first_seq, state.last_seq + 1)]
    return [message.data or b"" for message in messages]


async def published(process: Process) -> int:
    """A sequence that both streams have: at least the last one of now."""
    wanted = (await process.state()).sequence
    async with asyncio.timeout(PUBLISH_SECONDS):
        while (await process.state()).published_sequence < wanted:
            await asyncio.sleep(0.01)
    return wanted


async def check_streams(process: Process, jetstream: JetStreamContext) -> None:
    """Both streams cover every sequence once, and the private one holds the journal's events."""
    last = await published(process)
    executions = [events_pb2.ExecutionBatch.FromString(data) for data in await stream(jetstream, "EXEC_0")]
    expected = 1
    for batch in executions:
        assert batch.first_sequence == expected
        expected = batch.last_sequence + 1
    assert expected > last
    events = [event for batch in executions for event in batch.events]
    assert events[:last] == await process.executions(1, last)
    part, expected = 0, 1
    for data in await stream(jetstream, "MD_0"):
        public = events_pb2.MarketDataBatch.FromString(data)
        assert (public.first_sequence, public.part) == (expected, part)
        part = (part + 1) % public.parts
        expected = expected if part else public.last_sequence + 1
    assert expected > last


async def trade(process: Process) -> None:
    orders = [place(symbol, side, 10_000, 3) for symbol in ("ACME", "BRIO") for side in (SELL, BUY)]
    assert outcomes(await process.submit(*orders)) == ["ACCEPTED"] * 4


async def test_streams_equal_the_journal(machine: Machine, postgres: Database, nats: NatsServer) -> None:
    """After a kill the publisher goes on where the stream ends; a deleted stream is made again from the journal."""
    async with (
        running(machine, postgres, nats_url=nats.url("svc_match")) as process,
        administrator(nats) as jetstream,
    ):
        await process.open("ACME", "BRIO")
        await trade(process)
        await check_streams(process, jetstream)
        process.kill()
        await process.start()
        await trade(process)
        await check_streams(process, jetstream)
        await jetstream.delete_stream("EXEC_0")
        await jetstream.delete_stream("MD_0")
        await trade(process)
        await check_streams(process, jetstream)


async def test_stream_of_another_incarnation_is_replaced(
    machine: Machine, postgres: Database, nats: NatsServer
) -> None:
    """A stream that does not continue this journal is deleted and rebuilt."""
    async with administrator(nats) as jetstream:
        await jetstream.add_stream(name="EXEC_0", subjects=["exec.0"])
        foreign = events_pb2.ExecutionBatch(incarnation="f" * 32, first_sequence=1, last_sequence=900)
        await jetstream.publish("exec.0", foreign.SerializeToString())
        async with running(machine, postgres, nats_url=nats.url("svc_match")) as process:
            await process.open("ACME", "BRIO")
            await trade(process)
            await check_streams(process, jetstream)
