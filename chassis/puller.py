"""A reader of one stream by pulling, which makes its consumer again after any loss."""

import asyncio
import json
import uuid
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import aclosing, suppress
from dataclasses import dataclass

import nats.js.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js.api import AckPolicy, ConsumerConfig, DeliverPolicy

from chassis.bus import ERRORS, Bus, BusDown

PULL_MESSAGES = 256
PULL_BYTES = 16 << 20
PULL_SECONDS = 30.0
HEARTBEAT_SECONDS = 0.5
SILENCE_SECONDS = 3 * HEARTBEAT_SECONDS
CONSUMER_IDLE_SECONDS = 60.0
ACKNOWLEDGE_SECONDS = 30.0
RETRY_SECONDS = 0.25
NANOSECONDS = 1_000_000_000

HEARTBEAT, NO_MESSAGES, EXPIRED, CONFLICT = "100", "404", "408", "409"
PULL_ENDED = ("Message Size Exceeds MaxBytes", "Batch Completed")

log = structlog.get_logger()


@dataclass(frozen=True, slots=True)
class Delivery:
    """A message with its headers, and how to say that it is applied."""

    subject: str
    payload: bytes
    headers: dict[str, str]
    _client: Client
    _reply: str

    async def acknowledge(self) -> None:
        """Says that this message and all before it are applied. If it is lost, they may come again."""
        with suppress(*ERRORS):
            await self._client.publish(self._reply, b"+ACK")


class Puller:
    """Yields lists of deliveries for ever, at most PULL_MESSAGES and PULL_BYTES ahead of its reader.

    With `durable` the server keeps the position over restarts. A new or lost consumer begins at the
    stream's last message: what lies before it the reader fetches from the journal (see `follow`).
    """

    def __init__(self, bus: Bus, stream: str, *, durable: str = "", subject: str = "") -> None:
        self._bus = bus
        self._stream = stream
        self._durable = durable
        self._subject = subject

    async def __aiter__(self) -> AsyncGenerator[list[Delivery], None]:
        while True:
            await self._bus.wait_connected()
            try:
                async with aclosing(self._read(self._bus.client)) as lists:
                    async for deliveries in lists:
                        yield deliveries
            except (*ERRORS, BusDown) as error:
                log.info("consumer_lost", stream=self._stream, error=str(error) or type(error).__name__)
                await asyncio.sleep(RETRY_SECONDS)

    async def _read(self, client: Client) -> AsyncGenerator[list[Delivery], None]:
        arrived: deque[Msg] = deque()
        news = asyncio.Event()

        async def receive(message: Msg) -> None:
            arrived.append(message)
            news.set()

        consumer = await self._ensure_consumer()
        inbox = client.new_inbox()
        subscription = await client.subscribe(inbox, cb=receive)
        try:
            left = 0
            while True:
                if left <= 0:
                    await client.publish(f"$JS.API.CONSUMER.MSG.NEXT.{self._stream}.{consumer}", _PULL, inbox)
                    left = PULL_MESSAGES
                async with asyncio.timeout(SILENCE_SECONDS):
                    await news.wait()
                news.clear()
                messages = [arrived.popleft() for _ in range(len(arrived))]
                deliveries = [_delivery(client, message) for message in messages if not _status(message)]
                left = 0 if any(map(_ends_pull, messages)) else left - len(deliveries)
                if deliveries:
                    yield deliveries
        finally:
            with suppress(*ERRORS):
                await subscription.unsubscribe()

    async def _ensure_consumer(self) -> str:
        jetstream = self._bus.jetstream()
        if self._durable:
            with suppress(nats.js.errors.NotFoundError):
                return str((await jetstream.consumer_info(self._stream, self._durable)).name)
        config = ConsumerConfig(
            name=self._durable or uuid.uuid4().hex,
            durable_name=self._durable or None,
            deliver_policy=DeliverPolicy.LAST,
            ack_policy=AckPolicy.ALL,
            ack_wait=ACKNOWLEDGE_SECONDS,
            max_ack_pending=4 * PULL_MESSAGES,
            filter_subject=self._subject or None,
            inactive_threshold=None if self._durable else CONSUMER_IDLE_SECONDS,
        )
        return str((await jetstream.add_consumer(self._stream, config)).name)


_PULL = json.dumps(
    {
        "batch": PULL_MESSAGES,
        "max_bytes": PULL_BYTES,
        "expires": int(PULL_SECONDS * NANOSECONDS),
        "idle_heartbeat": int(HEARTBEAT_SECONDS * NANOSECONDS),
    }
).encode()


def _delivery(client: Client, message: Msg) -> Delivery:
    return Delivery(message.subject, message.data, message.headers or {}, client, message.reply)


def _status(message: Msg) -> str:
    return "" if message.reply or not message.headers else message.headers.get("Status", "")


def _ends_pull(message: Msg) -> bool:
    status = _status(message)
    if status in ("", HEARTBEAT):
        return False
    description = (message.headers or {}).get("Description", "")
    if status in (NO_MESSAGES, EXPIRED) or (status == CONFLICT and description in PULL_ENDED):
        return True
    raise BusDown(f"{status} {description}")
