"""Whether a pod takes calls: its application says SERVING, and its Envoy lives. Known as soon as either ends, and within
ASK_AGAIN_SECONDS and LIVE_SECONDS when one is stopped and answers nothing.
"""

import asyncio
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import grpc
from grpc_health.v1 import health_pb2, health_pb2_grpc

from cli.machine.mesh.pods import Place

POLL_SECONDS = 0.05
CHECK_SECONDS = 1.0
ASK_AGAIN_SECONDS = 2.0
LIVE_SECONDS = 4.0  # Longer than a busy machine makes one wait that is well.
ANSWER_BYTES_LIMIT = 4_096
OPTIONS = (
    ("grpc.initial_reconnect_backoff_ms", 50),
    ("grpc.max_reconnect_backoff_ms", 100),
    ("grpc.use_local_subchannel_pool", 1),
)
SERVING = health_pb2.HealthCheckResponse.SERVING


class Readiness:
    """Of one pod. `changed` is called whenever `ready` has changed."""

    def __init__(self, place: Place, ready: bool, changed: Callable[[], None]) -> None:
        """`ready`: what was known last."""
        self.place = place
        self.ready = ready
        self.looked = asyncio.Event()
        self._application = self._envoy = ready
        self._changed = changed
        self._unknown = {"application", "envoy"}

    async def follow(self) -> None:
        """Until it is cancelled."""
        if self.place.pod.gateway:
            self._know("application", True)
            await self._follow_envoy()
        else:
            await asyncio.gather(self._follow_application(), self._follow_envoy())

    async def _follow_application(self) -> None:
        async with grpc.aio.insecure_channel(self.place.application, options=OPTIONS) as channel:
            health: Any = health_pb2_grpc.HealthStub(channel)
            while True:
                with suppress(grpc.aio.AioRpcError):  # No answer is one too.
                    answer = await health.Check(health_pb2.HealthCheckRequest(), timeout=CHECK_SECONDS)
                    if answer.status == SERVING:
                        self._know("application", True)
                        await while_it_serves(health)
                self._know("application", False)
                await asyncio.sleep(POLL_SECONDS)

    async def _follow_envoy(self) -> None:
        while True:
            with suppress(OSError):  # It does not run, or does not answer.
                await self._hear_envoy()
            self._know("envoy", False)
            await asyncio.sleep(POLL_SECONDS)

    async def _hear_envoy(self) -> None:
        """Asks it again and again whether it is live, on one connection, which ends when it does."""
        async with asyncio.timeout(LIVE_SECONDS):
            reader, writer = await asyncio.open_unix_connection(str(self.place.admin))
        try:
            while await is_live(reader, writer):
                self._know("envoy", True)
                with suppress(TimeoutError):
                    async with asyncio.timeout(ASK_AGAIN_SECONDS):
                        while await reader.read(ANSWER_BYTES_LIMIT):  # what is left of its answer
                            continue
                        return
        finally:
            writer.close()

    def _know(self, part: str, ready: bool) -> None:
        self._unknown.discard(part)
        if part == "application":
            self._application = ready
        else:
            self._envoy = ready
        if not self._unknown:
            self.looked.set()
        now = self._application and self._envoy
        if now != self.ready:
            self.ready = now
            self._changed()


async def is_live(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> bool:
    """OSError (TimeoutError) when it does not answer."""
    writer.write(b"GET /ready HTTP/1.1\r\nhost: envoy\r\n\r\n")
    answer = b""
    async with asyncio.timeout(LIVE_SECONDS):
        while b"\r\n\r\n" not in answer:
            if not (more := await reader.read(ANSWER_BYTES_LIMIT)):
                return False
            answer += more
    return answer.startswith(b"HTTP/1.1 200")


async def while_it_serves(health: Any) -> None:
    """Until it says something else, ends, or is stopped and no longer answers."""
    watching = asyncio.ensure_future(until_not_serving(health.Watch))
    try:
        while not (await asyncio.wait([watching], timeout=ASK_AGAIN_SECONDS))[0]:
            await health.Check(health_pb2.HealthCheckRequest(), timeout=LIVE_SECONDS)
    finally:
        watching.cancel()
        await asyncio.gather(watching, return_exceptions=True)


async def until_not_serving(watch: Any) -> None:
    call = watch(health_pb2.HealthCheckRequest())
    try:
        async for answer in call:
            if answer.status != SERVING:
                return
    finally:
        call.cancel()
