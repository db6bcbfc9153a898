"""Book updates a second times subscribers, beside raw gRPC messages of the same size in the same run.

A real NATS carries encoded market data, one changed level a row, to a real svc_quote on a real PostgreSQL; a process
of readers opens StreamDepth streams of one book. Then the same readers read messages of the same size from a bare
gRPC server. More is published than can be sent alone, so some updates are conflated: every reader still gets the
effect of every one, and must end at the last.
"""

import argparse
import asyncio
import json
import random
import sys
import tempfile
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from bench._conditions import conclude
from bench._stream import METHOD
from bourse.match.v1 import events_pb2
from bourse.quote.v1 import quote_pb2
from cli.machine import Machine
from tests.servers import Database, NatsServer
from tests.svc_quote.exchange import Publisher, Quote, exchange, publisher
from tests.svc_quote.market import BUY, SELL, Market

SYMBOL = "ACME"
LEVELS = 200
DEPTH_METHOD = "/bourse.quote.v1.QuoteService/StreamDepth"
PACE_SECONDS = 0.01


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--subscribers", type=int, default=100)
    parser.add_argument("--updates", type=int, default=300, help="published a second")
    parser.add_argument("--seconds", type=float, default=8.0)
    options = parser.parse_args()
    machine = Machine(Path(tempfile.mkdtemp(prefix="bourse-bench-")))
    machine.start(["postgres", "nats"], shards=1, mesh=False, leash=True)
    database = Database(machine, "bench")
    try:
        database.create(empty=True)
        asyncio.run(measure(database, NatsServer(machine), options))
    finally:
        machine.stop()
        machine.home.remove()


async def measure(postgres: Database, nats: NatsServer, options: argparse.Namespace) -> None:
    market = Market([SYMBOL], seed=1)
    market.open()
    market.row([(SYMBOL, changed(price, 100)) for price in range(1, LEVELS)])
    with tempfile.TemporaryDirectory() as folder:
        async with exchange(postgres, nats, Path(folder), market) as (quote, _), publisher(nats, market) as sender:
            await sender.publish_new()
            await quote.start()
            await quote.reach(market)
            quotes, rate = await through_quote(quote, market, sender, options)
        raw = await through_bare_grpc(round(quotes["bytes_a_message"]), options)
    report(quotes, raw, rate, options)


async def through_quote(
    quote: Quote, market: Market, sender: Publisher, options: argparse.Namespace
) -> tuple[dict[str, Any], float]:
    """What the readers measured, and the updates a second that were published meanwhile."""
    request = quote_pb2.StreamDepthRequest(symbol=SYMBOL).SerializeToString()
    async with readers(quote.address, DEPTH_METHOD, request, quote.token, options) as process:
        published = asyncio.create_task(publish(market, sender, options.updates))
        await line(process)
        published.cancel()
        (rate,) = await asyncio.gather(published)
        measured = await line(process)
    ends = {
        quote_pb2.StreamDepthResponse.FromString(bytes.fromhex(last)).position.symbol_sequence
        for last in measured["last"]
    }
    assert measured["ended_early"] == 0, "a stream ended"
    assert ends == {market.naive.symbol_sequence[SYMBOL]}, f"readers ended at {ends}"
    return measured, rate


async def through_bare_grpc(size: int, options: argparse.Namespace) -> dict[str, Any]:
    pipe = asyncio.subprocess.PIPE
    server = await asyncio.create_subprocess_exec(sys.executable, "-m", "bench._stream", stdin=pipe, stdout=pipe)
    assert server.stdin is not None
    assert server.stdout is not None
    address = f"127.0.0.1:{int(await server.stdout.readline())}"
    async with readers(address, METHOD, bytes(size), "", options) as process:
        await line(process)
        measured = await line(process)
    server.stdin.close()
    await server.wait()
    return measured


async def publish(market: Market, sender: Publisher, a_second: int) -> float:
    """Publishes rows of one changed level at a pace until cancelled; how many a second they were."""
    chooser, count, started = random.Random(1), 0, time.perf_counter()
    try:
        while True:
            due = int((time.perf_counter() - started) * a_second)
            for _ in range(due - count):
                market.row([(SYMBOL, changed(chooser.randrange(1, LEVELS), chooser.randrange(1, 1000)))])
            count = max(count, due)
            await sender.publish_new()
            await asyncio.sleep(PACE_SECONDS)
    except asyncio.CancelledError:
        await sender.publish_new()
        return count / (time.perf_counter() - started)


@asynccontextmanager
async def readers(
    address: str, method: str, request: bytes, token: str, options: argparse.Namespace
) -> AsyncIterator[asyncio.subprocess.Process]:
    arguments = [address, method, request.hex(), token, str(options.subscribers), str(options.seconds)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench._readers", *arguments, stdout=asyncio.subprocess.PIPE, limit=1 << 24
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            await process.wait()


async def line(process: asyncio.subprocess.Process) -> dict[str, Any]:
    assert process.stdout is not None
    read: dict[str, Any] = json.loads(await process.stdout.readline())
    return read


def report(quotes: dict[str, Any], raw: dict[str, Any], rate: float, options: argparse.Namespace) -> None:
    responses, bare = quotes["messages_per_second"], raw["messages_per_second"]
    updates, ratio = rate * options.subscribers, responses / bare
    rows: list[tuple[str, float | int | str]] = [
        ("subscribers", options.subscribers),
        ("book updates/s published", rate),
        ("book updates/s x subscribers", updates),
        ("responses/s received", responses),
        ("updates a response (conflation)", updates / responses),
        ("bytes a response", quotes["bytes_a_message"]),
        ("raw gRPC messages/s of that size", bare),
        ("ratio of responses to raw messages", ratio),
        ("ratio of updates to raw messages", updates / bare),
    ]
    figures: dict[str, object] = {
        "subscribers": options.subscribers,
        "updates_per_second": rate,
        "updates_times_subscribers_per_second": updates,
        "responses_per_second": responses,
        "bytes_a_response": quotes["bytes_a_message"],
        "raw_messages_per_second": bare,
        "ratio": ratio,
        "ratio_of_updates": updates / bare,
    }
    conclude("fanout", rows, figures)


def changed(tick: int, quantity: int) -> events_pb2.MarketDataEvent:
    """A level: bids below the middle, asks above."""
    side = BUY if tick < LEVELS // 2 else SELL
    return events_pb2.MarketDataEvent(
        level=events_pb2.LevelChanged(side=side, price_e4=100 * tick, quantity=quantity, orders=1)
    )


if __name__ == "__main__":
    main()
