"""svc_quote in this process, on a store that forgets on exit."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from bourse.quote.v1 import quote_pb2_grpc
from chassis.client import channel
from chassis.server import Server
from svc_quote import rpc, wire
from svc_quote.app import Quotes
from svc_quote.core.events import Trade
from svc_quote.fanout import Fanout
from svc_quote.ports import OtherWriter, StoreDown
from tests.chassis.conftest import Keys
from tests.svc_quote.market import Market


class Store:
    """The Store port."""

    def __init__(self) -> None:
        self.checkpoints: dict[int, tuple[str, int, bytes]] = {}
        self.trades: dict[tuple[int, str], list[Trade]] = {}
        self.down = False

    async def load(self, shard: int) -> bytes | None:
        self._answer()
        return self.checkpoints[shard][2] if shard in self.checkpoints else None

    async def save(
        self, shard: int, incarnation: str, sequence: int, checkpoint: bytes, trades: list[tuple[str, Trade]]
    ) -> None:
        self._answer()
        was, stored, _ = self.checkpoints.get(shard, (incarnation, 0, b""))
        if was != incarnation or stored > sequence:
            raise OtherWriter
        for symbol, trade in trades:
            if trade.sequence > stored:
                self.trades.setdefault((shard, symbol), []).append(trade)
        self.checkpoints[shard] = incarnation, sequence, checkpoint

    async def drop(self, shard: int) -> None:
        self._answer()
        self.checkpoints.pop(shard, None)
        for key in [key for key in self.trades if key[0] == shard]:
            del self.trades[key]

    async def trades_before(self, shard: int, symbol: str, symbol_sequence: int, limit: int) -> list[Trade]:
        self._answer()
        known = [trade for trade in self.trades.get((shard, symbol), []) if trade.symbol_sequence < symbol_sequence]
        known = [trade for trade in known if not trade.busts]
        return known[::-1][:limit]

    async def trades_after(self, shard: int, symbol: str, after: int, until: int, limit: int) -> list[Trade]:
        self._answer()
        known = self.trades.get((shard, symbol), [])
        return [trade for trade in known if after < trade.symbol_sequence <= until][:limit]

    def _answer(self) -> None:
        if self.down:
            raise StoreDown("told so")


class Here:
    """The use cases, the fan-out, and the market that feeds them."""

    def __init__(self, market: Market, tape_limit: int = 16) -> None:
        self.market = market
        self.store = Store()
        self.quotes = Quotes([market.shard], self.store, tape_limit=tape_limit)
        self.fanout = Fanout(self.quotes)
        self._fed = 0

    async def begin(self) -> None:
        """As after GetShard."""
        await self.quotes.begin(self.market.shard, self.market.incarnation, self.market.sequence)

    async def feed(self) -> None:
        """Applies the market's new rows and stores them."""
        await self.apply()
        await self.quotes.store_shard(self.quotes.shards[self.market.shard])

    async def apply(self) -> None:
        """Applies the market's new rows."""
        rows, self._fed = self.market.rows[self._fed :], len(self.market.rows)
        decoded = [wire.decode(part) for row in rows for part in row]
        await self.quotes.apply(self.market.shard, [wire.part(batch, span.first) for batch, span in decoded])


@asynccontextmanager
async def listening(here: Here, folder: Path) -> AsyncIterator[tuple[str, Keys]]:
    """A real socket's address, and the issuer of tokens for it."""
    keys = Keys(folder)
    server = Server("127.0.0.1:0", keys.verifier())
    server.add(rpc.SERVICE, rpc.register, rpc.Servicer(here.quotes, here.fanout, server.streams))
    await server.start()
    yield f"127.0.0.1:{server.port}", keys
    await server.drain()


@asynccontextmanager
async def serving(here: Here, folder: Path) -> AsyncIterator["quote_pb2_grpc.QuoteServiceAsyncStub"]:
    """A stub that calls as an operator."""
    async with listening(here, folder) as (address, keys), channel(address, token=keys.token()) as opened:
        yield quote_pb2_grpc.QuoteServiceStub(opened)
