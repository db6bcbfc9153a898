"""Brokers of a test whose streams go to the version that it says: what a route does when a stream opens, without a proxy."""

import asyncio
import itertools
from collections import Counter
from typing import Any

from bourse.order.v1 import order_pb2, order_pb2_grpc
from bourse.quote.v1 import quote_pb2, quote_pb2_grpc
from bourse_sdk import feeds
from bourse_sdk.commands import Body, CommandResult
from bourse_sdk.connection import Connection, Token
from bourse_sdk.session import Session
from tests.svc_order.process import Exchange, cancel, place

BATCH = 5
IN_FLIGHT = 4
GIVE_UP_SECONDS = 60.0


class Route:
    """Two versions of a service as one stub. A stream opens at `to`; `opened` counts by version and method."""

    def __init__(self, exchange: Exchange, connection: Connection, kind: Any, *names: str) -> None:
        self.to = names[0]
        self.opened: Counter[tuple[str, str]] = Counter()
        self._stubs = {name: kind(connection.channel(name, exchange.address[name])) for name in names}

    def __getattr__(self, method: str) -> Any:
        def call(*arguments: Any, **options: Any) -> Any:
            self.opened[self.to, method] += 1
            return getattr(self._stubs[self.to], method)(*arguments, **options)

        return call

    def count(self, name: str, method: str = "EnterOrders") -> int:
        """Streams of a method that were opened at a version."""
        return self.opened[name, method]


class Broker:
    """A participant that sends batch after batch: orders, and cancels of some of them. All are kept, and all answers."""

    def __init__(self, exchange: Exchange, name: str, participant: str = "alpha", side: int = 1, price_e4: int = 1000):
        self.name = name
        self.account = f"{participant}/main"
        self.sent: list[str] = []
        self.results: list[CommandResult] = []
        self.watched: list[int] = []
        self.traded: list[int] = []
        token = exchange.token("broker", participant=participant)
        self._connection = Connection(Token(token), GIVE_UP_SECONDS)
        self.orders = Route(
            exchange, self._connection, order_pb2_grpc.OrderServiceStub, *_versions(exchange, "svc_order")
        )
        self._exchange = exchange
        self._side, self._price_e4 = side, price_e4
        self._session = Session(
            self.orders,  # type: ignore[arg-type]
            self._connection.token,
            _no_stamp,
            lambda _: None,
            give_up_seconds=GIVE_UP_SECONDS,
        )
        self._numbers = itertools.count(1)
        self._stopping = asyncio.Event()

    async def trade(self) -> None:
        """Sends until `stop`, IN_FLIGHT batches at a time, then waits for all answers."""
        flying: list[asyncio.Future[list[CommandResult]]] = []
        while not self._stopping.is_set():
            flying.append(await self._send())
            if len(flying) >= IN_FLIGHT:
                self.results += await flying.pop(0)
        for answer in flying:
            self.results += await answer

    async def watch_orders(self) -> None:
        """Reads the drop copy for ever; the sequences of its events."""
        async for response in feeds.watch_orders(self._connection, self.orders, "", []):  # type: ignore[arg-type]
            self.watched += [update.sequence for update in response.updates]

    async def watch_trades(self, quotes: Route) -> None:
        """Reads trades for ever; their sequences of the symbol."""
        async for trade in feeds.watch_trades(self._connection, quotes, "AAA", 0, ""):  # type: ignore[arg-type]
            self.traded.append(trade.symbol_sequence)

    def quotes(self) -> Route:
        """The versions of svc_quote."""
        return Route(
            self._exchange, self._connection, quote_pb2_grpc.QuoteServiceStub, *_versions(self._exchange, "svc_quote")
        )

    def stop(self) -> None:
        """No more batches."""
        self._stopping.set()

    async def close(self) -> None:
        await self._session.close()
        await self._connection.close()

    async def _send(self) -> asyncio.Future[list[CommandResult]]:
        commands = []
        for _ in range(BATCH):
            name = f"{self.name}-{next(self._numbers):05}"
            if self.sent and next(self._numbers) % 3 == 0:
                commands.append(_of(self.account, cancel(name, self.sent[-1])))
            else:
                commands.append(place(name, 10, self._price_e4, self._side, self.account))
            self.sent.append(name)
        bodies: list[Body] = [getattr(one, one.WhichOneof("command") or "") for one in commands]
        return await self._session.submit(commands, bodies)


def _of(account: str, command: Any) -> Any:
    command.cancel.account = account
    return command


async def _no_stamp(_bodies: list[Body]) -> None:
    """The commands name their date."""


def _versions(exchange: Exchange, service: str) -> list[str]:
    return [name for name in exchange.address if name.partition("-")[0] == service]


async def eventually(condition: Any, seconds: float = GIVE_UP_SECONDS) -> None:
    """Returns when the condition is true; the event loop goes on meanwhile."""
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.01)


def check(exchange: Exchange, *brokers: Broker) -> None:
    """Each command was answered, in order, none failed; history has each order once, in the order sent."""
    history = {one.client_order_id: one.order_id for one in all_orders(exchange)}
    for broker in brokers:
        assert [one.client_order_id for one in broker.results] == broker.sent
        wrong = [one for one in broker.results if not one.ok and one.refusal.reason != "ORDER_FINISHED"]  # type: ignore[union-attr]
        assert not wrong, wrong[:3]
        placed = [one for one in broker.results if one.client_order_id in history]
        ids = [history[one.client_order_id] for one in placed]
        assert ids == sorted(ids)
        assert len(set(ids)) == len(ids)
        assert [one.sequence for one in broker.results] == sorted(one.sequence for one in broker.results)


def all_orders(exchange: Exchange) -> list[order_pb2.Order]:
    """The whole history, when it is where the journal is now."""
    exchange.orders()
    return [one for part in exchange.operator().ExportOrders(order_pb2.ExportOrdersRequest()) for one in part.orders]


def trades(exchange: Exchange, name: str = "svc_quote") -> list[int]:
    """The symbol sequences of all trades that a svc_quote has."""
    stub: Any = exchange.operators_stub(quote_pb2_grpc.QuoteServiceStub, name)
    request = quote_pb2.ListTradesRequest(symbol="AAA", page_size=1000, min_sequence=exchange.sequence())
    found: list[int] = []
    while True:
        page = stub.ListTrades(request, timeout=10)
        found += [one.symbol_sequence for one in page.trades]
        if not page.next_page_token:
            return found[::-1]
        request.page_token = page.next_page_token
