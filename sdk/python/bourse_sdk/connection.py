"""Channels to the exchange: a bearer token, limits, deadlines, and calls that are tried again while that is safe."""

import asyncio
import os
import random
import time
from collections.abc import AsyncIterator, Callable
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
    """One channel for each address, the token, and the caller's patience: `give_up_seconds`."""

    def __init__(self, token: Token, credentials: grpc.ChannelCredentials | None, give_up_seconds: float) -> None:
        self.token = token
        self.give_up_seconds = give_up_seconds
        self._credentials = credentials
        self._channels: dict[str, grpc.aio.Channel] = {}
        self._closed = False

    def channel(self, target: str) -> grpc.aio.Channel:
        """The channel to `target`. Nothing is sent before the first call."""
        if target not in self._channels:
            if self._credentials is None:
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
        """Responses of a stream that is opened again when it breaks or ends; `open_call` says from where each time.

        Unreachable when nothing came for the caller's patience. `resume` says which refusals do not end it.
        """
        self._check_open()
        retry, cancelled = Retry(self.give_up_seconds, self.token.renewable), Cancelled()
        while True:
            call = open_call()
            try:
                while (response := await call.read()) is not grpc.aio.EOF:
                    retry.progress()
                    yield response
            except grpc.aio.AioRpcError as error:
                cancelled.check()
                if not resume(refusal := from_rpc(error)):
                    await retry.after(refusal)
            else:
                await retry.after(Refusal("STREAM_ENDED", "the stream ended", {}, code=grpc.StatusCode.UNAVAILABLE))
            finally:
                call.cancel()

    def _check_open(self) -> None:
        if self._closed:
            raise Unreachable(CLOSED)


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

    async def after(self, refusal: Refusal) -> None:
        """Waits before the next try; raises when there is none."""
        if refusal.reason == "SEQUENCE_NOT_REACHED" or not is_transient(refusal, renewable=self._renewable):
            raise refusal
        if time.monotonic() + self._backoff > self._until:
            raise Unreachable(f"given up after {self._give_up_seconds:g} seconds: {refusal}") from refusal
        await asyncio.sleep(random.uniform(0.5, 1) * self._backoff)  # noqa: S311  # jitter is no secret
        self._backoff = min(self._backoff * 2, BACKOFF_MAX_SECONDS)
