"""Channels to the exchange: a bearer token, limits, deadlines, and calls that are tried again while that is safe."""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Callable
from pathlib import Path
from typing import Any, TypeVar

import grpc

from bourse_sdk.errors import CLOSED, Refusal, Unreachable, from_rpc, is_transient

CALL_SECONDS = 5.0
BACKOFF_MIN_SECONDS = 0.02
BACKOFF_MAX_SECONDS = 1.0
MESSAGE_BYTES_LIMIT = 16 << 20
TOKEN_CHECK_SECONDS = 1.0

OPTIONS = (
    ("grpc.max_send_message_length", MESSAGE_BYTES_LIMIT),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_LIMIT),
    ("grpc.keepalive_time_ms", 10_000),
    ("grpc.keepalive_timeout_ms", 5_000),
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.min_reconnect_backoff_ms", 1_000),
    ("grpc.max_reconnect_backoff_ms", 250),
    ("grpc.enable_retries", 0),
    ("grpc.use_local_subchannel_pool", 1),
)

Response = TypeVar("Response")


class Token:
    """A bearer token: fixed, or in a file that is read again when it changes (looked at once a second)."""

    def __init__(self, token: str = "", file: str | os.PathLike[str] | None = None) -> None:
        self._file = file
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()
        self._modified = 0
        self._checked = -TOKEN_CHECK_SECONDS

    @property
    def renewable(self) -> bool:
        """Whether a refused token can be replaced by a new one."""
        return self._file is not None

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """The metadata to send with a call now. Raises Refusal when the file cannot be read."""
        if self._file is not None and time.monotonic() - self._checked >= TOKEN_CHECK_SECONDS:
            self._checked = time.monotonic()
            try:
                self._read(self._file)
            except (OSError, UnicodeDecodeError) as error:
                about = {"field": "token_file", "value": str(self._file), "fix": "put the token there"}
                code = grpc.StatusCode.UNAUTHENTICATED
                raise Refusal("TOKEN_FILE_UNREADABLE", str(error), about, code=code) from None
        return self._metadata

    def _read(self, path: str | os.PathLike[str]) -> None:
        modified = os.stat(path).st_mtime_ns
        if modified != self._modified:
            with open(path, encoding="ascii") as file:
                self._metadata = (("authorization", f"Bearer {file.read().strip()}"),)
            self._modified = modified


class Connection:
    """One channel for each address, the token, and the caller's patience: `give_up_seconds`.

    The gateway is reached by TLS: its name is checked against its certificate, and that against `ca_file`, a PEM of the
    authorities to believe, or without one against the usual ones. A service by its own address is reached in the clear.
    """

    def __init__(
        self, token: Token, give_up_seconds: float, *, gateway: str = "", ca_file: str | os.PathLike[str] | None = None
    ) -> None:
        self.token = token
        self.give_up_seconds = give_up_seconds
        self._gateway = gateway
        self._credentials = grpc.ssl_channel_credentials(Path(ca_file).read_bytes() if ca_file else None)
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._closed = False

    def channel(self, service: str, address: str = "") -> grpc.aio.Channel:
        """The channel to the service: at its own address, or through the gateway. Nothing is sent before the first call."""
        target = address or self._gateway
        if not target:
            raise ValueError(f"name the gateway, or the address of the {service} service")
        if target not in self._channels:
            if address:
                self._channels[target] = grpc.aio.insecure_channel(target, options=OPTIONS)
            else:
                self._channels[target] = grpc.aio.secure_channel(target, self._credentials, options=OPTIONS)
        return self._channels[target]

    async def close(self) -> None:
        """Ends all calls; later ones raise Unreachable."""
        self._closed = True
        for channel in self._channels.values():
            await channel.close()

    async def call(self, method: Callable[..., Any], request: Any, *, seconds: float = CALL_SECONDS) -> Any:
        """One answer of an idempotent method. Tried again while the service cannot be reached, until patience ends:
        then Unreachable. `seconds` is the deadline of one try. What the exchange refuses is raised as Refusal.
        """
        self._check_open()
        retry, cancelled = Retry(self.give_up_seconds, self.token.renewable), Cancelled()
        while True:
            try:
                return await method(request, timeout=seconds, metadata=self.token.metadata())
            except grpc.aio.AioRpcError as error:
                cancelled.check()
                if error.code() is grpc.StatusCode.INTERNAL:
                    raise from_rpc(error) from None
                await retry.after(from_rpc(error))

    async def stream(
        self, open_call: Callable[[], Any], *, resume: Callable[[Refusal], bool] = lambda _: False
    ) -> AsyncIterator[Any]:
        """Responses of a stream that is opened again when it breaks, ends, or says that it moves (then at once); `open_call`
        says from where each time.

        Unreachable when nothing came for the caller's patience. `resume` says which refusals do not end it; nor does
        SEQUENCE_AHEAD once something came: whoever serves the stream next may be a little behind.
        """
        self._check_open()
        retry, cancelled = Retry(self.give_up_seconds, self.token.renewable), Cancelled()
        heard = False
        while True:
            call, moves = open_call(), False
            try:
                while (response := await call.read()) is not grpc.aio.EOF:
                    retry.progress()
                    heard = True
                    moves = moves or _draining(response)
                    if not moves:
                        yield response
            except grpc.aio.AioRpcError as error:
                cancelled.check()
                if not resume(refusal := from_rpc(error)):
                    await retry.after(refusal, ahead=heard and refusal.reason == "SEQUENCE_AHEAD")
            else:
                if not moves:
                    await retry.after(Refusal("STREAM_ENDED", "the stream ended", {}, code=grpc.StatusCode.UNAVAILABLE))
            finally:
                call.cancel()

    def _check_open(self) -> None:
        if self._closed:
            raise Unreachable(CLOSED)


def _draining(response: Any) -> bool:
    """Whether this is the last response of a stream that moves."""
    return "draining" in response.DESCRIPTOR.fields_by_name and response.HasField("draining")


def with_metadata(channel: grpc.aio.Channel, entry: tuple[str, str]) -> grpc.aio.Channel:
    """The channel, for stubs: every call through it carries the entry besides its own metadata."""
    return Labelled(channel, entry)  # type: ignore[return-value]


class Labelled:
    """What stubs need of a channel."""

    def __init__(self, channel: grpc.aio.Channel, entry: tuple[str, str]) -> None:
        self._channel = channel
        self._entry = entry

    def __getattr__(self, kind: str) -> Callable[..., Any]:
        def make(*arguments: Any, **options: Any) -> Callable[..., Any]:
            call = getattr(self._channel, kind)(*arguments, **options)
            return lambda request=None, metadata=(), **rest: call(request, metadata=(*metadata, self._entry), **rest)

        return make


class Cancelled:
    """Keeps a cancellation that grpc swallowed: of a call that failed at the same time it tells only the failure."""

    def __init__(self) -> None:
        self._before = self._cancelling()

    def check(self) -> None:
        """Raises CancelledError when this task was cancelled since."""
        if self._cancelling() > self._before:
            raise asyncio.CancelledError

    def _cancelling(self) -> int:
        task = asyncio.current_task()
        return task.cancelling() if task is not None else 0


class Retry:
    """Bounded backoff with jitter, until patience ends."""

    def __init__(self, give_up_seconds: float, renewable: bool) -> None:
        self._give_up_seconds = give_up_seconds
        self._renewable = renewable
        self.progress()

    def progress(self) -> None:
        """Something was answered: patience begins anew."""
        self._until = time.monotonic() + self._give_up_seconds
        self._backoff = BACKOFF_MIN_SECONDS

    async def after(self, refusal: Refusal, *, ahead: bool = False) -> None:
        """Waits before the next try; raises when there is none. `ahead`: it asked for what is still to come."""
        transient = is_transient(refusal, renewable=self._renewable) and refusal.reason != "SEQUENCE_NOT_REACHED"
        if not (transient or ahead):
            raise refusal
        if time.monotonic() + self._backoff > self._until:
            raise Unreachable(f"given up after {self._give_up_seconds:g} seconds: {refusal}") from refusal
        await asyncio.sleep(random.uniform(0.5, 1) * self._backoff)  # noqa: S311  # jitter is no secret
        self._backoff = min(self._backoff * 2, BACKOFF_MAX_SECONDS)
