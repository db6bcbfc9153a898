"""Readers of one server stream, in a process of their own: they count messages and bytes, and keep the last message.

Arguments: address, method, request (hexadecimal), token, number of readers, seconds. Counts after a warm-up; then waits
until nothing comes any more, and prints one JSON object.
"""

import asyncio
import json
import sys
import time

import grpc

from bench._stream import METHOD

WARM_UP_SECONDS = 2.0
SILENCE_SECONDS = 1.5
READERS_A_CHANNEL = 50


class Reader:
    """One stream."""

    def __init__(self, call: grpc.aio.UnaryStreamCall[bytes, bytes]) -> None:
        self.call = call
        self.messages = 0
        self.size = 0
        self.last = b""

    async def read(self) -> None:
        async for message in self.call:
            self.messages += 1
            self.size += len(message)
            self.last = message


async def measure(
    address: str, method: str, request: bytes, token: str, count: int, seconds: float
) -> dict[str, object]:
    metadata = (("authorization", f"Bearer {token}"),) if token else ()
    options = [("grpc.use_local_subchannel_pool", 1)]
    channels = [grpc.aio.insecure_channel(address, options) for _ in range(-(-count // READERS_A_CHANNEL))]
    streams: list[grpc.aio.UnaryStreamMultiCallable[bytes, bytes]] = [
        channel.unary_stream(method) for channel in channels
    ]
    readers = [Reader(streams[number % len(streams)](request, metadata=metadata)) for number in range(count)]
    tasks = [asyncio.create_task(reader.read()) for reader in readers]
    await asyncio.sleep(WARM_UP_SECONDS)
    before, started = totals(readers), time.perf_counter()
    await asyncio.sleep(seconds)
    after, passed = totals(readers), time.perf_counter() - started
    print(json.dumps({"measured": True}), flush=True)
    if falls_silent(method):
        await silence(readers)
    failed = [task for task in tasks if task.done()]
    for task in tasks:
        task.cancel()
    return {
        "messages_per_second": (after[0] - before[0]) / passed,
        "bytes_a_message": (after[1] - before[1]) / max(1, after[0] - before[0]),
        "last": sorted({reader.last.hex() for reader in readers}),
        "ended_early": len(failed),
    }


def falls_silent(method: str) -> bool:
    """Whether the stream falls silent when nothing happens; the yardstick's never does."""
    return method != METHOD


async def silence(readers: list[Reader]) -> None:
    """Returns when nothing came for SILENCE_SECONDS."""
    seen = (0, 0)
    while (now := totals(readers)) != seen:
        seen = now
        await asyncio.sleep(SILENCE_SECONDS)


def totals(readers: list[Reader]) -> tuple[int, int]:
    return sum(reader.messages for reader in readers), sum(reader.size for reader in readers)


if __name__ == "__main__":
    address, method, request, token, count, seconds = sys.argv[1:]
    measured = asyncio.run(measure(address, method, bytes.fromhex(request), token, int(count), float(seconds)))
    print(json.dumps(measured))
