"""JetStream: a connection that always comes back, a pipelined publisher, and pull readers that survive any loss.

Streams here are rebuildable: their server may restart empty, and then neither stream nor consumer exists
until the publisher makes the stream again. Readers trust their own sequence numbers, never the stream's.
"""

import asyncio
import itertools
import json
from contextlib import suppress
from dataclasses import dataclass
from urllib.parse import urlsplit

import nats.errors
import nats.js.errors
import structlog
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.js import JetStreamContext
from nats.js.api import RetentionPolicy, StorageType, StreamConfig

RECONNECT_SECONDS = 0.25
CONNECT_SECONDS = 2
PING_SECONDS = 5  # a server that answers none of two is gone
REQUEST_SECONDS = 2.0
PUBLISH_SECONDS = 5.0
PENDING_PUBLISHES_LIMIT = 64
STREAM_BYTES_LIMIT = 1 << 30
STREAM_AGE_SECONDS = 48 * 3600.0
# JetStream's error codes (server/errors.json)
STREAM_NAME_IN_USE = 10058
WRONG_LAST_SEQUENCE = 10071

log = structlog.get_logger()

ERRORS = (nats.errors.Error, nats.js.errors.Error, OSError, TimeoutError)
Acknowledgement = asyncio.Future[int]


class BusDown(Exception):
    """NATS did not do it: not connected, no stream, no answer, or an answer that says no. Try again later."""


class SequenceMoved(BusDown):
    """The stream's last sequence is not the expected one: someone else published, or the stream is another."""


@dataclass(frozen=True, slots=True)
class Message:
    """One message of a stream. `sequence` is the stream's own: never an identity, it starts over with the stream."""

    subject: str
    payload: bytes
    headers: dict[str, str]
    sequence: int


class Bus:
    """A connection to NATS. It is made, and made again, in the background; nothing waits for it to start."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._connected = asyncio.Event()
        self._inbox = ""
        self._tokens = itertools.count()
        self._slots = asyncio.Semaphore(PENDING_PUBLISHES_LIMIT)
        self._pending: dict[str, Acknowledgement] = {}
        self.client = Client()

    async def work(self) -> None:
        """Keeps the connection for ever; belongs to a TaskGroup. Closes it when cancelled.

        Each connection is a client of its own: the library's way to connect again ends for good where a server accepts and
        does not answer.
        """
        while True:
            self.client = Client()
            try:
                await self._connect()
                while self.client.is_connected:
                    await asyncio.sleep(RECONNECT_SECONDS)
            except ERRORS as error:
                log.debug("bus_error", error=str(error))
                await asyncio.sleep(RECONNECT_SECONDS)
            finally:
                await self._on_disconnected()
                with suppress(*ERRORS):
                    async with asyncio.timeout(CONNECT_SECONDS):
                        await self.client.close()

    async def _connect(self) -> None:
        await self.client.connect(
            self._url,
            name=self._name,
            inbox_prefix=inbox_prefix(self._url),
            allow_reconnect=False,
            connect_timeout=CONNECT_SECONDS,
            reconnect_time_wait=RECONNECT_SECONDS,  # type: ignore[arg-type]
            max_reconnect_attempts=-1,
            ping_interval=PING_SECONDS,
            pending_size=0,
            error_cb=self._on_error,
            disconnected_cb=self._on_disconnected,
        )
        self._inbox = self.client.new_inbox()
        await self.client.subscribe(f"{self._inbox}.*", cb=self._on_acknowledgement)
        log.info("bus_connected")
        self._connected.set()

    @property
    def connected(self) -> bool:
        """Whether NATS is there now."""
        return self._connected.is_set()

    async def wait_connected(self) -> None:
        """Returns when NATS is there."""
        await self._connected.wait()

    async def ensure_stream(
        self,
        name: str,
        subjects: list[str],
        *,
        bytes_limit: int = STREAM_BYTES_LIMIT,
        age_seconds: float = STREAM_AGE_SECONDS,
        replicas: int = 1,
    ) -> None:
        """Makes the stream, or leaves the one that is there. Raises BusDown."""
        config = StreamConfig(
            name=name,
            subjects=subjects,
            retention=RetentionPolicy.LIMITS,
            storage=StorageType.FILE,
            max_bytes=bytes_limit,
            max_age=age_seconds,
            num_replicas=replicas,
            allow_direct=True,
        )
        try:
            await self.jetstream().add_stream(config)
        except nats.js.errors.BadRequestError as error:
            if error.err_code != STREAM_NAME_IN_USE:
                raise BusDown(str(error)) from error
        except ERRORS as error:
            raise BusDown(str(error)) from error

    async def last_message(self, stream: str) -> Message:
        """The stream's last message. With an empty payload when the stream has none left; `sequence` is the
        stream's last one all the same (0 in a new stream). Raises BusDown, also when there is no stream.
        """
        jetstream = self.jetstream()
        try:
            state = (await jetstream.stream_info(stream)).state
            if state.messages == 0:
                return Message("", b"", {}, state.last_seq)
            found = await jetstream.get_msg(stream, seq=state.last_seq)
        except ERRORS as error:
            raise BusDown(str(error)) from error
        return Message(found.subject or "", found.data or b"", dict(found.headers or {}), found.seq or 0)

    async def publish(
        self,
        subject: str,
        payload: bytes,
        headers: dict[str, str] | None = None,
        *,
        expected_last_sequence: int | None = None,
    ) -> Acknowledgement:
        """Sends one message and returns at once with a future of its stream sequence, which may raise BusDown
        or SequenceMoved. Pipelined: the next one is sent, with the expected sequence one higher, before this
        one is acknowledged. Beyond PENDING_PUBLISHES_LIMIT it waits. Raises BusDown if nothing was sent.
        """
        all_headers = dict(headers or {})
        if expected_last_sequence is not None:
            all_headers["Nats-Expected-Last-Sequence"] = str(expected_last_sequence)
        await self._slots.acquire()
        token = str(next(self._tokens))
        future = self._pending[token] = asyncio.get_running_loop().create_future()
        future.add_done_callback(lambda _: self._forget(token))
        timer = asyncio.get_running_loop().call_later(PUBLISH_SECONDS, _fail, future, BusDown("no acknowledgement"))
        future.add_done_callback(lambda _: timer.cancel())
        try:
            await self._require_connected().publish(subject, payload, f"{self._inbox}.{token}", all_headers or None)
        except ERRORS as error:
            future.cancel()
            raise BusDown(str(error)) from error
        except BusDown:
            future.cancel()
            raise
        return future

    def jetstream(self) -> JetStreamContext:
        """The library's own context, while connected. Raises BusDown."""
        return self._require_connected().jetstream(timeout=REQUEST_SECONDS)

    def _require_connected(self) -> Client:
        if not self.connected:
            raise BusDown("NATS is not connected")
        return self.client

    def _forget(self, token: str) -> None:
        del self._pending[token]
        self._slots.release()

    async def _on_acknowledgement(self, message: Msg) -> None:
        future = self._pending.get(message.subject.rpartition(".")[2])
        if future is None or future.done():
            return
        if message.headers and message.headers.get("Status"):
            future.set_exception(BusDown(f"no stream takes {message.subject}"))
            return
        answer = json.loads(message.data)
        if "error" in answer:
            moved = answer["error"].get("err_code") == WRONG_LAST_SEQUENCE
            future.set_exception((SequenceMoved if moved else BusDown)(answer["error"].get("description", "")))
        else:
            future.set_result(int(answer["seq"]))

    async def _on_disconnected(self) -> None:
        if self._connected.is_set():
            log.warning("bus_disconnected")
        self._connected.clear()
        for future in list(self._pending.values()):
            _fail(future, BusDown("disconnected before the acknowledgement"))

    async def _on_error(self, error: Exception) -> None:
        if "permissions violation" in str(error).lower():
            log.warning("bus_refused", error=str(error))
        else:
            log.debug("bus_error", error=str(error))


def inbox_prefix(url: str) -> str:
    """Where answers to a URL's user come: each has a branch of inboxes that no other may hear."""
    user = urlsplit(url).username
    return f"_INBOX.{user}" if user else "_INBOX"


def _fail(future: Acknowledgement, error: Exception) -> None:
    if not future.done():
        future.set_exception(error)
        future.exception()  # read: a publisher that was cut off may never look
