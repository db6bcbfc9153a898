"""Channels to other services: with a bearer token, limits, deadlines and a bounded reconnect."""

import os
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import grpc

from chassis import telemetry
from chassis.boundary import MESSAGE_BYTES_LIMIT
from chassis.settings import Process, SettingsError

CALL_DEADLINE_SECONDS = 5.0
KEEPALIVE_MS = 10_000
KEEPALIVE_TIMEOUT_MS = 5_000
RECONNECT_MIN_MS = 50
CONNECT_TIMEOUT_MS = 1_000
RECONNECT_MAX_MS = 1_000
TOKEN_CHECK_SECONDS = 1.0
Metadata = tuple[tuple[str, str], ...]

OPTIONS = (
    ("grpc.max_send_message_length", MESSAGE_BYTES_LIMIT),
    ("grpc.max_receive_message_length", MESSAGE_BYTES_LIMIT),
    ("grpc.keepalive_time_ms", KEEPALIVE_MS),
    ("grpc.keepalive_timeout_ms", KEEPALIVE_TIMEOUT_MS),
    ("grpc.initial_reconnect_backoff_ms", RECONNECT_MIN_MS),
    ("grpc.min_reconnect_backoff_ms", CONNECT_TIMEOUT_MS),
    ("grpc.max_reconnect_backoff_ms", RECONNECT_MAX_MS),
    ("grpc.enable_retries", 0),
    ("grpc.use_local_subchannel_pool", 1),
)


class Token:
    """A bearer token: fixed, or in a file that is read again when it changes (looked at once a second)."""

    def __init__(self, token: str = "", file: str = "") -> None:
        self._file = file
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()
        self._modified = 0
        self._checked = -TOKEN_CHECK_SECONDS

    def metadata(self) -> tuple[tuple[str, str], ...]:
        """The metadata to send with a call now."""
        if self._file and time.monotonic() - self._checked >= TOKEN_CHECK_SECONDS:
            self._checked = time.monotonic()
            modified = os.stat(self._file).st_mtime_ns
            if modified != self._modified:
                with open(self._file, encoding="ascii") as file:
                    self._metadata = (("authorization", f"Bearer {file.read().strip()}"),)
                self._modified = modified
        return self._metadata


def channel(
    target: str,
    *,
    token: str = "",
    token_file: str = "",
    egress: str = "",
    ca_file: str = "",
    metadata: Metadata = (),
    call_deadline_seconds: float = CALL_DEADLINE_SECONDS,
) -> grpc.aio.Channel:
    """A channel for generated stubs. Every call carries the token and the metadata; a unary call without `timeout` gets the
    default deadline; a streaming call gets none. Pass `wait_for_ready=True` in a call to wait for a dead peer
    within its deadline; otherwise a call on a dead peer fails at once with UNAVAILABLE. With `egress`, a sidecar's
    socket, that is dialled, and `target` tells the sidecar for whom the calls are. With `ca_file`, a PEM of the
    authorities to believe, it is TLS: so a gateway is reached.
    """
    options = (*OPTIONS, ("grpc.default_authority", target)) if egress else OPTIONS
    interceptors = telemetry.client_interceptors()
    if ca_file:
        credentials = grpc.ssl_channel_credentials(Path(ca_file).read_bytes())
        inner = grpc.aio.secure_channel(target, credentials, options=options, interceptors=interceptors)
    else:
        inner = grpc.aio.insecure_channel(egress or target, options=options, interceptors=interceptors)
    return _Channel(inner, Token(token, token_file), metadata, call_deadline_seconds)


def to_service(target: str, told: Process) -> grpc.aio.Channel:
    """A channel to another service: in a mesh through the sidecar, which shows this one's certificate; else with its token."""
    if not told.mesh and not told.token_file:
        raise SettingsError(
            "BOURSE_TOKEN_FILE is not set; set it to the file of this service's token, or set BOURSE_MESH"
        )
    return channel(target, token_file="" if told.mesh else told.token_file, egress=told.egress)


class _Channel(grpc.aio.Channel):
    """Adds metadata and deadline where a call is made: no interceptor stands between a stream and its reader."""

    def __init__(self, inner: grpc.aio.Channel, token: Token, metadata: Metadata, deadline: float) -> None:
        self._inner = inner
        self._token = token
        self._metadata = metadata
        self._deadline = deadline

    def unary_unary(self, *arguments: Any, **options: Any) -> Any:
        return self._calling(self._inner.unary_unary(*arguments, **options), self._deadline)

    def unary_stream(self, *arguments: Any, **options: Any) -> Any:
        return self._calling(self._inner.unary_stream(*arguments, **options), None)

    def stream_unary(self, *arguments: Any, **options: Any) -> Any:
        return self._calling(self._inner.stream_unary(*arguments, **options), self._deadline)

    def stream_stream(self, *arguments: Any, **options: Any) -> Any:
        return self._calling(self._inner.stream_stream(*arguments, **options), None)

    def _calling(self, call: Callable[..., Any], deadline: float | None) -> Callable[..., Any]:
        token, more = self._token, self._metadata

        def start(*arguments: Any, timeout: float | None = deadline, metadata: Any = (), **options: Any) -> Any:
            return call(*arguments, timeout=timeout, metadata=(*metadata, *more, *token.metadata()), **options)

        return start

    async def __aenter__(self) -> "_Channel":
        return self

    async def __aexit__(self, *_error: object) -> None:
        await self.close()

    async def close(self, grace: float | None = None) -> None:
        await self._inner.close(grace)

    def get_state(self, try_to_connect: bool = False) -> grpc.ChannelConnectivity:
        return self._inner.get_state(try_to_connect)

    async def wait_for_state_change(self, last_observed_state: grpc.ChannelConnectivity) -> None:
        await self._inner.wait_for_state_change(last_observed_state)

    async def channel_ready(self) -> None:
        await self._inner.channel_ready()
