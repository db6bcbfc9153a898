"""NATS's rights, tried for real."""

import asyncio
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import asynccontextmanager
from typing import Any

import nats as nats_client
import pytest
from nats.aio.client import Client
from nats.errors import Error
from nats.js.errors import Error as JetStreamError

from tests.servers import NatsServer

WAIT_SECONDS = 30.0


class Session:
    """A connection, and what the server refused it."""

    def __init__(self) -> None:
        self.client = Client()
        self.refusals: asyncio.Queue[str] = asyncio.Queue()

    async def refused(self, work: Callable[[], Coroutine[Any, Any, Any]]) -> str:
        """Does what must be refused, and returns the server's words."""
        doing = asyncio.ensure_future(work())
        async with asyncio.timeout(WAIT_SECONDS):
            words = await self.refusals.get()
        doing.cancel()
        await asyncio.gather(doing, return_exceptions=True)
        return words


@asynccontextmanager
async def session(server: NatsServer, user: str) -> AsyncIterator[Session]:
    made = Session()

    async def on_error(error: Exception) -> None:
        await made.refusals.put(str(error).lower())

    await made.client.connect(server.url(user), inbox_prefix=f"_INBOX.{user}", error_cb=on_error)
    yield made
    await made.client.close()


async def make_streams(server: NatsServer) -> None:
    async with session(server, "svc_match") as match:
        jetstream = match.client.jetstream()
        await jetstream.add_stream(name="EXEC_0", subjects=["exec.0"], allow_direct=True)
        await jetstream.add_stream(name="MD_0", subjects=["md.0.>"], allow_direct=True)
        assert (await jetstream.publish("exec.0", b"execution")).seq == 1
        assert (await jetstream.publish("md.0.ACME", b"trade")).seq == 1
        assert (await jetstream.get_msg("EXEC_0", 1)).data == b"execution"
        assert (await jetstream.stream_info("MD_0")).state.messages == 1
        assert match.refusals.empty()


@pytest.mark.parametrize(
    ("user", "stream", "consumer", "payload"),
    [
        ("svc_ledger", "EXEC_0", "svc_ledger", b"execution"),
        ("svc_order", "EXEC_0", "svc_order", b"execution"),
        ("svc_quote", "MD_0", "any", b"trade"),
    ],
)
async def test_who_consumes(nats: NatsServer, user: str, stream: str, consumer: str, payload: bytes) -> None:
    """svc_match fills the streams; ledger and orders read executions, quotes market data, and acknowledge them."""
    await make_streams(nats)
    async with session(nats, user) as reader:
        jetstream = reader.client.jetstream()
        subscription = await jetstream.pull_subscribe("", durable=consumer, stream=stream)
        (message,) = await subscription.fetch(1, timeout=WAIT_SECONDS)
        assert message.data == payload
        await message.ack_sync(timeout=WAIT_SECONDS)
        floor = (await subscription.consumer_info()).ack_floor
        assert floor is not None
        assert floor.stream_seq == 1
        assert reader.refusals.empty()


@pytest.mark.parametrize(
    ("user", "subject"),
    [
        ("svc_ledger", "exec.0"),
        ("svc_order", "md.0.ACME"),
        ("svc_quote", "md.0.ACME"),
        ("auditor", "exec.0"),
        ("svc_ledger", "$JS.API.STREAM.PURGE.EXEC_0"),
        ("svc_quote", "$JS.API.STREAM.CREATE.MD_0"),
        ("svc_match", "$JS.API.STREAM.CREATE.OTHER"),
        ("svc_quote", "$JS.API.CONSUMER.CREATE.EXEC_0.svc_quote"),
        ("svc_quote", "$JS.API.STREAM.MSG.GET.EXEC_0"),
        ("svc_ledger", "$JS.API.CONSUMER.CREATE.MD_0.svc_ledger"),
        ("svc_order", "$JS.API.CONSUMER.DELETE.EXEC_0.svc_ledger"),
        ("svc_order", "$JS.API.CONSUMER.MSG.NEXT.EXEC_0.svc_ledger"),
        ("auditor", "$JS.API.CONSUMER.CREATE.EXEC_0.auditor"),
    ],
)
async def test_who_may_not_say(nats: NatsServer, user: str, subject: str) -> None:
    """Nobody fills, makes, empties or consumes what is not theirs."""
    async with session(nats, user) as other:
        assert "permissions violation for publish" in await other.refused(lambda: other.client.publish(subject, b"{}"))


@pytest.mark.parametrize(
    ("user", "subject"),
    [
        ("svc_quote", "exec.0"),
        ("svc_ledger", "md.0.>"),
        ("svc_order", "_INBOX.>"),
        ("svc_quote", "_INBOX.svc_ledger.>"),
        ("svc_match", ">"),
    ],
)
async def test_who_may_not_hear(nats: NatsServer, user: str, subject: str) -> None:
    """Nobody listens beside the streams, or to the answers that another gets."""
    async with session(nats, user) as other:
        assert "permissions violation for subscription" in await other.refused(lambda: other.client.subscribe(subject))


async def test_the_auditor_reads_both_streams(nats: NatsServer) -> None:
    """Reconciliation reads every message by its number."""
    await make_streams(nats)
    async with session(nats, "auditor") as auditor:
        jetstream = auditor.client.jetstream()
        assert (await jetstream.get_msg("EXEC_0", 1, direct=True)).data == b"execution"
        assert (await jetstream.get_msg("MD_0", 1)).data == b"trade"


async def test_nobody_comes_in_without_the_password(nats: NatsServer) -> None:
    """No name, or a wrong password, is refused."""
    url = nats.url("svc_match")
    for wrong in ("nats://" + url.partition("@")[2], url.replace(":", ":x", 2).replace("x//", "//", 1)):
        with pytest.raises((Error, JetStreamError), match=r"(?i)authorization|no servers"):
            await nats_client.connect(wrong, allow_reconnect=False, connect_timeout=WAIT_SECONDS)
