"""svc_quote as a process between a svc_match in this process' memory and a real NATS and PostgreSQL."""

import asyncio
import os
import socket
import sys
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc

from bourse.match.v1 import match_pb2, match_pb2_grpc
from bourse.quote.v1 import quote_pb2, quote_pb2_grpc
from chassis.bus import Bus
from chassis.client import channel
from chassis.server import Server
from tests.chassis.conftest import MATCH, Keys
from tests.servers import Database, NatsServer
from tests.svc_quote.market import Market

WAIT_SECONDS = 60.0
POLL_SECONDS = 0.02
RESPONSE_ROWS = 50
Servicer: Any = match_pb2_grpc.MatchServiceServicer


class Match(Servicer):  # type: ignore[misc]
    """A shard of svc_match whose journal is a Market's rows."""

    def __init__(self, market: Market) -> None:
        self.market = market
        self.fetched: list[int] = []
        self.trading_date = 0
        self.awake = asyncio.Event()
        self.awake.set()

    async def GetShard(self, _request: Any, _context: Any) -> match_pb2.GetShardResponse:  # noqa: N802
        await self.awake.wait()
        market = self.market
        return match_pb2.GetShardResponse(
            shard=market.shard,
            incarnation=market.incarnation,
            sequence=market.sequence,
            epoch=1,
            trading_date=self.trading_date,
        )

    async def StreamMarketData(self, request: Any, _context: Any) -> AsyncIterator[match_pb2.StreamMarketDataResponse]:  # noqa: N802
        self.fetched.append(request.from_sequence)
        market = self.market
        row = next((i for i, (_, last) in enumerate(market.spans) if last >= request.from_sequence), len(market.rows))
        while not request.to_sequence or row == 0 or market.spans[row - 1][1] < request.to_sequence:
            while row >= len(market.rows):
                await asyncio.sleep(POLL_SECONDS)
            rows = market.rows[row : row + RESPONSE_ROWS]
            row += len(rows)
            yield match_pb2.StreamMarketDataResponse(batches=[part for parts in rows for part in parts])


class Quote:
    """The process, and how to call it."""

    def __init__(self, environment: dict[str, str], token: str, log: Path) -> None:
        self._environment = environment
        self._log = log
        self.address = environment["BOURSE_LISTEN"]
        self.process: asyncio.subprocess.Process | None = None
        self.token = token
        self.channel = channel(self.address, token=self.token)
        self.stub = quote_pb2_grpc.QuoteServiceStub(self.channel)

    async def start(self) -> None:
        with self._log.open("ab") as log:
            self.process = await asyncio.create_subprocess_exec(
                sys.executable, "-m", "svc_quote", env={**os.environ, **self._environment}, stdout=log, stderr=log
            )

    async def kill(self) -> None:
        assert self.process is not None
        self.process.kill()
        await self.process.wait()

    async def stop(self) -> int:
        assert self.process is not None
        self.process.terminate()
        return await self.process.wait()

    async def end(self) -> None:
        """Ends it, if it still runs, and the channel to it."""
        if self.process is not None and self.process.returncode is None:
            await self.kill()
        await self.channel.close()

    def logged(self, event: str) -> bool:
        return f'"event": "{event}"' in self._log.read_text()

    async def reach(self, *markets: Market) -> None:
        """Waits until it has applied all rows."""

        async def there() -> bool:
            try:
                exported = await self.export()
            except grpc.aio.AioRpcError:
                return False
            at = {position.shard: position.sequence for position in exported[0].sequences}
            return all(at.get(market.shard) == market.sequence for market in markets)

        await until(there)

    async def ready(self) -> None:
        """Waits until it answers."""

        async def answers() -> bool:
            try:
                await self.stub.ListInstruments(quote_pb2.ListInstrumentsRequest(), wait_for_ready=True)
            except grpc.aio.AioRpcError:
                return False
            return True

        await until(answers)

    async def export(self) -> list[quote_pb2.ExportQuotesResponse]:
        return [part async for part in self.stub.ExportQuotes(quote_pb2.ExportQuotesRequest(), timeout=10)]

    async def assert_is(self, market: Market) -> None:
        """Books, tape and statistics are those of the naive model."""
        exported, naive = await self.export(), market.naive
        for book in (book for part in exported for book in part.books if book.symbol in market.symbols):
            assert levels(book.bids) == naive.side(book.symbol, 1), book.symbol
            assert levels(book.asks) == naive.side(book.symbol, 2), book.symbol
        tape: dict[str, list[tuple[int, ...]]] = {symbol: [] for symbol in market.symbols}
        for entry in (entry for part in exported for entry in part.trades if entry.symbol in market.symbols):
            tape[entry.symbol].append(trade(entry.trade))
        for symbol in market.symbols:
            assert tape[symbol] == naive.trades[symbol]
            answer = await self.stub.GetDayStatistics(quote_pb2.GetDayStatisticsRequest(symbol=symbol))
            assert statistics(answer.statistics) == naive.statistics(symbol)


def levels(side: Any) -> list[tuple[int, int, int]]:
    return [(level.price_e4, level.quantity, level.orders) for level in side]


def trade(one: quote_pb2.Trade) -> tuple[int, ...]:
    return one.sequence, one.symbol_sequence, one.price_e4, one.quantity, int(one.taker_side), one.time_us


def statistics(day: quote_pb2.DayStatistics) -> tuple[int, ...]:
    prices = day.open_price_e4, day.high_price_e4, day.low_price_e4, day.last_price_e4
    return *prices, day.volume, day.value_e4, day.trades


async def until(condition: Callable[[], Any], seconds: float = WAIT_SECONDS) -> None:
    """Returns when the condition is true; it may be a coroutine function."""
    async with asyncio.timeout(seconds):
        while True:
            answer = condition()
            if asyncio.iscoroutine(answer):
                answer = await answer
            if answer:
                return
            await asyncio.sleep(POLL_SECONDS)


class Publisher:
    """Publishes rows to JetStream as svc_match does, and not always so well."""

    def __init__(self, bus: Bus, market: Market) -> None:
        self.bus = bus
        self.market = market
        self.published = 0

    async def publish_new(self) -> None:
        """All rows since the last call, in order."""
        rows = self.market.rows[self.published :]
        self.published = len(self.market.rows)
        for row in rows:
            await self.publish(row)

    async def publish(self, row: list[bytes]) -> None:
        for part in row:
            await (await self.bus.publish(f"md.{self.market.shard}.X", part))


@asynccontextmanager
async def publisher(nats: NatsServer, market: Market) -> AsyncIterator[Publisher]:
    """Connected as svc_match, with the shard's stream made."""
    bus = Bus(nats.url("svc_match"), "svc_match")
    work = asyncio.create_task(bus.work())
    await bus.wait_connected()
    await bus.ensure_stream(f"MD_{market.shard}", [f"md.{market.shard}.>"])
    yield Publisher(bus, market)
    work.cancel()
    await asyncio.wait({work})


@asynccontextmanager
async def exchange(
    postgres: Database, nats: NatsServer, folder: Path, *markets: Market, **settings: str
) -> AsyncIterator[tuple[Quote, list[Match]]]:
    """svc_quote, not started, and the shards that it follows."""
    keys, servers, matches, shards = Keys(folder), [], [], {}
    for market in markets:
        server, match = Server("127.0.0.1:0", keys.verifier()), Match(market)
        server.add(MATCH, match_pb2_grpc.add_MatchServiceServicer_to_server, match)
        await server.start()
        servers.append(server)
        matches.append(match)
        shards[market.shard] = f"127.0.0.1:{server.port}"
    token = folder / "svc_quote.jwt"
    token.write_text(keys.token("service", "svc_quote"))
    identity = {"jwks": str(keys.file), "token_file": str(token)}
    variables = environment(postgres, nats, shards, **identity, **settings)
    quote = Quote(variables, keys.token("operator", seconds=600), folder / "svc_quote.log")
    try:
        yield quote, matches
    finally:
        await quote.end()
        for server in servers:
            await server.drain()


def environment(postgres: Database, nats: NatsServer, shards: dict[int, str], **settings: str) -> dict[str, str]:
    """All that svc_quote is told."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    variables = {
        "name": "svc_quote",
        "listen": f"127.0.0.1:{port}",
        "database_url": postgres.url("svc_quote"),
        "nats_url": nats.url("svc_quote"),
        "jwt_issuer": "bourse",
        "jwt_audience": "bourse",
        "match_shards": ",".join(f"{shard}={address}" for shard, address in shards.items()),
        "drain_accept_seconds": "0",
        **settings,
    }
    return {f"BOURSE_{name.upper()}": value for name, value in variables.items()}
