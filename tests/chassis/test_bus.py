"""JetStream on a NATS of our own, which is killed, emptied and started again."""

import asyncio
import signal
import socket
import subprocess
import sys
from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from contextlib import aclosing, asynccontextmanager, suppress
from pathlib import Path
from shutil import rmtree
from urllib.parse import urlsplit

import pytest

from chassis.bus import Bus, BusDown, SequenceMoved
from chassis.follow import Batch, Cursor, Follower, Span
from chassis.puller import Delivery, Puller

SECONDS = 60.0


class Broker:
    """A NATS server that can be killed and can lose its disk."""

    def __init__(self, folder: Path) -> None:
        self._storage = folder / "streams"
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self._port = free.getsockname()[1]
        self.url = f"nats://127.0.0.1:{self._port}"
        self.start()

    def start(self) -> None:
        """Starts it with what its disk holds."""
        program = Path(sys.executable).with_name("nats-server")
        options = ["-a", "127.0.0.1", "-p", str(self._port), "-js", "-sd", str(self._storage)]
        self._process = subprocess.Popen([program, *options], stderr=subprocess.DEVNULL)

    def kill(self, *, lose_disk: bool = False) -> None:
        """Kills it at once, and empties its disk if told so."""
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()
        if lose_disk:
            rmtree(self._storage)


@pytest.fixture
async def broker(tmp_path: Path) -> AsyncIterator[Broker]:
    server = Broker(tmp_path)
    yield server
    server.kill()


@asynccontextmanager
async def connected(broker: Broker) -> AsyncIterator[Bus]:
    bus = Bus(broker.url, "test")
    work = asyncio.ensure_future(bus.work())
    try:
        yield bus
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def until_up(action: Callable[[], Awaitable[object]]) -> None:
    """Tries until NATS does it."""
    async with asyncio.timeout(SECONDS):
        while True:
            try:
                await action()
            except BusDown:
                await asyncio.sleep(0.05)
            else:
                return


async def read(source: AsyncIterator[list[Delivery]], last: bytes) -> list[bytes]:
    """The payloads up to `last`, acknowledged."""
    payloads: list[bytes] = []
    async with asyncio.timeout(SECONDS):
        async for deliveries in source:
            payloads += [delivery.payload for delivery in deliveries]
            await deliveries[-1].acknowledge()
            if payloads[-1] == last:
                break
    return payloads


async def make(bus: Bus) -> None:
    await until_up(lambda: bus.ensure_stream("EXEC_0", ["exec.0"]))


async def send(bus: Bus, *payloads: bytes) -> None:
    for sent in [await bus.publish("exec.0", payload) for payload in payloads]:
        await sent


async def test_publishes_are_pipelined_and_fenced(broker: Broker) -> None:
    """A publisher that expects the right sequences gets them all; one that expects a wrong one gets none."""
    async with connected(broker) as bus:
        await make(bus)
        await make(bus)
        assert (await bus.last_message("EXEC_0")).sequence == 0
        sent = [await bus.publish("exec.0", b"%d" % n, {"k": "v"}, expected_last_sequence=n) for n in range(200)]
        assert [await one for one in sent] == list(range(1, 201))
        last = await bus.last_message("EXEC_0")
        assert (last.payload, last.headers["k"], last.sequence) == (b"199", "v", 200)
        with pytest.raises(SequenceMoved):
            await (await bus.publish("exec.0", b"x", expected_last_sequence=7))


async def test_no_stream_and_no_server_are_told_from_each_other(broker: Broker) -> None:
    """Publishing without a stream, and without a server, raises BusDown soon; nothing waits for ever."""
    async with connected(broker) as bus:
        await bus.wait_connected()
        with pytest.raises(BusDown, match="no stream"):
            await (await bus.publish("nowhere", b""))
        with pytest.raises(BusDown):
            await bus.last_message("EXEC_0")
        await make(bus)
        broker.kill()
        async with asyncio.timeout(SECONDS):
            while bus.connected:
                await asyncio.sleep(0.01)
        with pytest.raises(BusDown):
            await bus.publish("exec.0", b"")


async def test_a_bus_may_start_before_its_server(tmp_path: Path, broker: Broker) -> None:
    """A process starts while NATS is down, and is connected once it is up."""
    broker.kill()
    async with connected(broker) as bus:
        await asyncio.sleep(0.3)
        assert not bus.connected
        broker.start()
        await make(bus)


class Relay:
    """A way to a server. Each connection of `silent_after` falls silent after so many lines to the client; what follows does not.
    It greets at once, as a server does whose client is busy.
    """

    def __init__(self, broker: Broker, silent_after: list[int]) -> None:
        self._target = urlsplit(broker.url).port
        self._silent_after = silent_after
        self._writers: list[asyncio.StreamWriter] = []
        self._next = asyncio.ensure_future(self._greeted())

    async def __call__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        lines = self._silent_after.pop(0) if self._silent_after else sys.maxsize
        below, above, greeting = await self._next
        if lines > 0:
            writer.write(greeting)
        self._writers += [writer, above]
        self._next = asyncio.ensure_future(self._greeted())
        forth = asyncio.ensure_future(self._pass(reader, above))
        await self._pass(below, writer, lines - 1)
        await forth

    async def _greeted(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter, bytes]:
        while True:
            with suppress(OSError):
                below, above = await asyncio.open_connection("127.0.0.1", self._target)
                return below, above, await below.readline()
            await asyncio.sleep(0.05)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, lines: int = sys.maxsize) -> None:
        with suppress(OSError):
            while line := await reader.readline():
                if lines > 0:
                    writer.write(line)
                lines -= 1
        writer.close()

    def cut(self) -> None:
        """Every connection ends."""
        for writer in self._writers:
            writer.close()


async def test_a_server_that_falls_silent_is_connected_to_anew(broker: Broker) -> None:
    """It takes the connection, answers once and no more: the bus drops it, and works with the next one."""
    silent_after = [sys.maxsize]
    relay = Relay(broker, silent_after)
    server = await asyncio.start_server(relay, "127.0.0.1", 0)
    bus = Bus(f"nats://127.0.0.1:{server.sockets[0].getsockname()[1]}", "test")
    work = asyncio.ensure_future(bus.work())
    try:
        async with asyncio.timeout(SECONDS):
            await bus.wait_connected()
            silent_after += [2]
            relay.cut()
            while silent_after:
                await bus.wait_connected()
                await asyncio.sleep(0.05)
            await make(bus)
            await send(bus, b"1")
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        relay.cut()
        server.close()


async def test_a_reader_goes_on_over_every_loss(broker: Broker) -> None:
    """The reader's consumer, be it durable or not, is lost with the stream, with the server and with its disk; each time it
    goes on from the stream's last message on, and misses nothing behind it.
    """
    async with connected(broker) as bus:
        sources = [Puller(bus, "EXEC_0", durable=durable).__aiter__() for durable in ("", "reader")]

        async def read_by_all(last: bytes) -> list[list[bytes]]:
            return await asyncio.gather(*(read(source, last) for source in sources))

        async def reached_by_all(last: bytes) -> bool:
            return all(payloads[-1] == last for payloads in await read_by_all(last))

        await make(bus)
        await send(bus, b"a", b"b")
        assert await reached_by_all(b"b")

        broker.kill()
        broker.start()
        await until_up(lambda: send(bus, b"c"))
        assert await reached_by_all(b"c")

        await bus.jetstream().delete_stream("EXEC_0")
        await make(bus)
        await send(bus, b"d", b"e")
        assert await reached_by_all(b"e")

        broker.kill(lose_disk=True)
        broker.start()
        await make(bus)
        await send(bus, b"f", b"g")
        assert await reached_by_all(b"g")
        await send(bus, *(b"%d" % n for n in range(1000)))
        assert await read_by_all(b"999") == [[b"%d" % n for n in range(1000)]] * 2


async def test_a_durable_reader_keeps_its_place(broker: Broker) -> None:
    """A restarted reader begins behind what it acknowledged."""
    async with connected(broker) as bus:
        await make(bus)
        await send(bus, b"a")
        async with aclosing(Puller(bus, "EXEC_0", durable="reader").__aiter__()) as source:
            await read(source, b"a")
        await send(bus, b"b", b"c", b"d")
        async with aclosing(Puller(bus, "EXEC_0", durable="reader").__aiter__()) as source:
            assert await read(source, b"d") == [b"b", b"c", b"d"]


class Journal:
    """Rows that a leader writes, publishes, and streams to who asks; row n is the text of n."""

    def __init__(self) -> None:
        self.rows: list[bytes] = []
        self._written = asyncio.Event()

    def write(self, count: int) -> None:
        self.rows += [b"%d" % n for n in range(len(self.rows) + 1, len(self.rows) + count + 1)]
        self._written.set()
        self._written.clear()

    async def publish(self, bus: Bus) -> None:
        """Publishes what the stream lacks; of an empty stream only the last five rows."""
        await bus.ensure_stream("EXEC_0", ["exec.0"])
        last = await bus.last_message("EXEC_0")
        for n, row in enumerate(self.rows[int(last.payload or len(self.rows) - 5) :]):
            await (await bus.publish("exec.0", row, expected_last_sequence=last.sequence + n))

    async def fetch(self, from_sequence: int, to_sequence: int) -> AsyncGenerator[list[bytes], None]:
        while not 0 < to_sequence < from_sequence:
            found = self.rows[from_sequence - 1 : to_sequence or len(self.rows)]
            from_sequence += len(found)
            if found:
                yield found
            else:
                await self._written.wait()


def decode(payload: bytes) -> tuple[bytes, Span]:
    return payload, Span("i", 0, int(payload), int(payload))


async def test_a_follower_misses_nothing_when_the_broker_loses_everything(broker: Broker) -> None:
    """A journal grows and is published; NATS dies with its disk in the middle and comes back empty. The reader
    applies every row once and in order, also while NATS is away."""
    journal = Journal()
    applied: list[bytes] = []

    async def apply(batch: Batch[bytes]) -> None:
        applied.extend(fresh.message for fresh in batch.items)

    async def until_applied() -> None:
        async with asyncio.timeout(SECONDS):
            while applied != journal.rows:
                await asyncio.sleep(0.01)

    async with connected(broker) as bus:
        source = Puller(bus, "EXEC_0", durable="reader")
        follower = Follower(Cursor("i", 0), decode, source, journal.fetch, stall_seconds=0.3)
        running = asyncio.ensure_future(follower.run(apply))
        journal.write(100)
        await until_up(lambda: journal.publish(bus))
        await until_applied()
        broker.kill(lose_disk=True)
        journal.write(100)
        await until_applied()
        broker.start()
        journal.write(100)
        await until_up(lambda: journal.publish(bus))
        await until_applied()
        running.cancel()
        await asyncio.wait({running})
    assert len(applied) == 300
