"""An echo behind two sidecars of the mesh's own YAML, and the same echo without them: one process answers both."""

import asyncio
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import grpc

from bench._echo import sample
from cli.machine.credentials import Credentials
from cli.machine.home import Home, Layout
from cli.machine.mesh import world
from cli.machine.mesh.pods import ledger_host
from mesh.local.cluster import APP_SOCKET
from mesh.local.listener import EGRESS_SOCKET
from mesh.local.model import Pod
from tests.mesh.sidecars import Sidecars, fresh_addresses

SERVICE = "bourse.ledger.v1.LedgerService"
UNARY, STREAM = f"/{SERVICE}/GetSettlement", f"/{SERVICE}/CreateHolds"  # svc_order's calls of svc_ledger
MESSAGE = sample(1).SerializeToString()
WARM_UP = 200
OPTIONS = (("grpc.use_local_subchannel_pool", 1),)


@dataclass
class Hops:
    """Seconds of each call or message, without the sidecars and through them, in turn."""

    plain: list[float] = field(default_factory=list)
    meshed: list[float] = field(default_factory=list)


@dataclass(frozen=True)
class Pair:
    """The echo as it is, and as svc_order reaches it through its sidecar and the echo's."""

    plain: grpc.aio.Channel
    meshed: grpc.aio.Channel


async def unary(pair: Pair, count: int) -> Hops:
    """`count` calls each way, one after another."""
    calls: list[Any] = [channel.unary_unary(UNARY) for channel in (pair.plain, pair.meshed)]
    return await in_turn([partial(call, MESSAGE) for call in calls], count)


async def streamed(pair: Pair, count: int) -> Hops:
    """`count` messages each way, each sent when the last was answered, on one stream each way."""
    streams: list[Any] = [channel.stream_stream(STREAM)() for channel in (pair.plain, pair.meshed)]

    async def exchange(stream: Any) -> None:
        await stream.write(MESSAGE)
        await stream.read()

    hops = await in_turn([partial(exchange, stream) for stream in streams], count)
    for stream in streams:
        await stream.done_writing()
        await stream.read()
    return hops


async def in_turn(ways: list[Any], count: int) -> Hops:
    hops = Hops()
    for number in range(WARM_UP + count):
        for way, taken in zip(ways, (hops.plain, hops.meshed), strict=True):
            start = time.perf_counter()
            await way()
            if number >= WARM_UP:
                taken.append(time.perf_counter() - start)
    return hops


@asynccontextmanager
async def pair() -> AsyncIterator[Pair]:
    """Gone with the block."""
    with tempfile.TemporaryDirectory(prefix="bourse-bench-") as folder:
        addresses = fresh_addresses()
        order, ledger = (pod(account, next(addresses)) for account in ("svc-order", "svc-ledger"))
        sidecars = Sidecars(loaded(Path(folder)), [order, ledger], echoes=False)
        try:
            await asyncio.to_thread(sidecars.start)
            async with echo(ledger.sockets / APP_SOCKET) as address:
                target = (*OPTIONS, ("grpc.default_authority", ledger_host()))
                async with (
                    grpc.aio.insecure_channel(address, OPTIONS) as plain,
                    grpc.aio.insecure_channel(f"unix:{order.sockets / EGRESS_SOCKET}", target) as meshed,
                ):
                    yield Pair(plain, meshed)
        finally:
            await asyncio.to_thread(sidecars.close)


def loaded(folder: Path) -> Any:
    """The YAML, as an exchange on this machine has it."""
    home = Home(folder / "home")
    home.create()
    credentials = Credentials(home.credentials)
    credentials.create()
    layout = Layout(shards=1)
    layout.choose(home)
    return world.load(layout, credentials, {})


def pod(account: str, address: str) -> Pod:
    labels = {"app": account, "version": "stable"}
    return Pod(account, account, labels, address, Path(tempfile.mkdtemp(prefix="hops-")))


@asynccontextmanager
async def echo(socket: Path) -> AsyncIterator[str]:
    """An echo in a process of its own, at the socket and at the address."""
    pipe = asyncio.subprocess.PIPE
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench._hops", str(socket), stdin=pipe, stdout=pipe
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        yield f"127.0.0.1:{int(await process.stdout.readline())}"
    finally:
        process.stdin.close()
        await process.wait()


async def answer(request: bytes, _context: Any) -> bytes:
    return request


async def answers(requests: AsyncIterator[bytes], _context: Any) -> AsyncIterator[bytes]:
    async for request in requests:
        yield request


async def serve(socket: str) -> None:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    handlers: dict[str, Any] = {
        "GetSettlement": grpc.unary_unary_rpc_method_handler(answer),
        "CreateHolds": grpc.stream_stream_rpc_method_handler(answers),
    }
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
    server.add_insecure_port(f"unix:{socket}")
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.stop(None)


if __name__ == "__main__":
    asyncio.run(serve(sys.argv[1]))
