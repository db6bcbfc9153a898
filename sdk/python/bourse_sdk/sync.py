"""The client for code without asyncio: the same calls, answered by an event loop in a thread of its own."""

import asyncio
import concurrent.futures
import contextlib
import threading
from collections.abc import AsyncIterator, Callable, Coroutine, Iterable, Iterator, Sequence
from types import TracebackType
from typing import Any, Self, TypeVar, Unpack

from bourse.ledger.v1 import ledger_pb2
from bourse.order.v1 import order_pb2
from bourse.quote.v1 import quote_pb2
from bourse.types.v1 import market_pb2
from bourse_sdk.client import Client
from bourse_sdk.commands import Command, CommandResult, PlaceOptions, Side
from bourse_sdk.errors import CLOSED, Unreachable
from bourse_sdk.quotes import Quote

T = TypeVar("T")


class SyncClient:
    """`Client` with blocking methods; safe to use from several threads. Its arguments are those of `Client`."""

    def __init__(self, gateway: str = "", **options: Any) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="bourse-sdk", daemon=True)
        self._thread.start()
        self._door = threading.Lock()
        self._closed = False
        try:
            self._client = self._run(_opened(gateway, options))
        except BaseException:
            self._stop()
            raise

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def close(self) -> None:
        """Ends everything, calls of other threads too; commands without an answer fail with OutcomeUnknown."""
        with self._door:
            if self._closed:
                return
            self._closed = True
        asyncio.run_coroutine_threadsafe(_ended(self._client), self._loop).result()
        self._stop()

    def place(
        self,
        account: str,
        symbol: str,
        side: Side,
        quantity: int,
        price_e4: int = 0,
        **options: Unpack[PlaceOptions],
    ) -> CommandResult:
        """See `Client.place`."""
        return self._run(self._client.place(account, symbol, side, quantity, price_e4, **options))

    def cancel(self, account: str, order_id: int = 0, **options: Any) -> CommandResult:
        """See `Client.cancel`."""
        return self._run(self._client.cancel(account, order_id, **options))

    def replace(self, account: str, price_e4: int, quantity: int, order_id: int = 0, **options: Any) -> CommandResult:
        """See `Client.replace`."""
        return self._run(self._client.replace(account, price_e4, quantity, order_id, **options))

    def mass_cancel(self, account: str, symbol: str = "", side: Side | None = None, **options: Any) -> CommandResult:
        """See `Client.mass_cancel`."""
        return self._run(self._client.mass_cancel(account, symbol, side, **options))

    def mass_quote(self, account: str, entries: Iterable[Quote], **options: Any) -> CommandResult:
        """See `Client.mass_quote`."""
        return self._run(self._client.mass_quote(account, entries, **options))

    def submit(self, command: Command) -> CommandResult:
        """See `Client.submit`."""
        return self._run(self._client.submit(command))

    def submit_many(self, commands: Iterable[Command]) -> list[CommandResult]:
        """See `Client.submit_many`."""
        return self._run(self._client.submit_many(list(commands)))

    def next_client_order_id(self) -> str:
        """See `Client.next_client_order_id`."""
        return self._client.next_client_order_id()

    def get_order(self, order_id: int, **options: Any) -> order_pb2.Order:
        """See `Client.get_order`."""
        return self._run(self._client.get_order(order_id, **options))

    def list_orders(self, **options: Any) -> Iterator[order_pb2.Order]:
        """See `Client.list_orders`."""
        return self._iterate(lambda: self._client.list_orders(**options))

    def watch_orders(self, after: Sequence[market_pb2.ShardSequence] = ()) -> Iterator[order_pb2.WatchOrdersResponse]:
        """See `Client.watch_orders`."""
        return self._iterate(lambda: self._client.watch_orders(after))

    def accounts(self) -> list[str]:
        """See `Client.accounts`."""
        return self._run(self._client.accounts())

    def balances(self, account: str, **options: Any) -> list[ledger_pb2.Balance]:
        """See `Client.balances`."""
        return self._run(self._client.balances(account, **options))

    def entries(self, account: str, *, asset: str = "") -> Iterator[ledger_pb2.Entry]:
        """See `Client.entries`."""
        return self._iterate(lambda: self._client.entries(account, asset=asset))

    def instruments(self) -> list[quote_pb2.InstrumentStatus]:
        """See `Client.instruments`."""
        return self._run(self._client.instruments())

    def top(self, symbol: str, *, min_sequence: int = 0) -> quote_pb2.TopOfBook:
        """See `Client.top`."""
        return self._run(self._client.top(symbol, min_sequence=min_sequence))

    def depth(self, symbol: str, levels: int = 0, *, min_sequence: int = 0) -> quote_pb2.GetDepthResponse:
        """See `Client.depth`."""
        return self._run(self._client.depth(symbol, levels, min_sequence=min_sequence))

    def trades(self, symbol: str, *, min_sequence: int = 0) -> Iterator[quote_pb2.Trade]:
        """See `Client.trades`."""
        return self._iterate(lambda: self._client.trades(symbol, min_sequence=min_sequence))

    def statistics(self, symbol: str, *, min_sequence: int = 0) -> quote_pb2.DayStatistics:
        """See `Client.statistics`."""
        return self._run(self._client.statistics(symbol, min_sequence=min_sequence))

    def watch_top(self, symbols: Sequence[str]) -> Iterator[quote_pb2.TopOfBook]:
        """See `Client.watch_top`."""
        return self._iterate(lambda: self._client.watch_top(symbols))

    def watch_depth(self, symbol: str, levels: int = 0) -> Iterator[quote_pb2.StreamDepthResponse]:
        """See `Client.watch_depth`."""
        return self._iterate(lambda: self._client.watch_depth(symbol, levels))

    def watch_trades(
        self, symbol: str, after_symbol_sequence: int = -1, *, incarnation: str = ""
    ) -> Iterator[quote_pb2.Trade]:
        """See `Client.watch_trades`."""
        return self._iterate(lambda: self._client.watch_trades(symbol, after_symbol_sequence, incarnation=incarnation))

    def watch_statistics(self, symbols: Sequence[str]) -> Iterator[quote_pb2.DayStatistics]:
        """See `Client.watch_statistics`."""
        return self._iterate(lambda: self._client.watch_statistics(symbols))

    def _run(self, work: Coroutine[Any, Any, T]) -> T:
        with self._door:
            if self._closed:
                work.close()
                raise Unreachable(CLOSED)
            answer = asyncio.run_coroutine_threadsafe(work, self._loop)
        try:
            return answer.result()
        except concurrent.futures.CancelledError:
            raise Unreachable(CLOSED) from None

    def _iterate(self, begin: Callable[[], AsyncIterator[T]]) -> Iterator[T]:
        items = begin()
        try:
            while True:
                try:
                    yield self._run(_next(items))
                except StopAsyncIteration:
                    return
        finally:
            with contextlib.suppress(Unreachable):  # Closed meanwhile: that ended them.
                self._run(_end(items))

    def _stop(self) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _opened(gateway: str, options: dict[str, Any]) -> Client:
    return Client(gateway, **options)


async def _ended(client: Client) -> None:
    await client.close()
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)
    await asyncio.get_running_loop().shutdown_asyncgens()


async def _next(items: AsyncIterator[T]) -> T:
    return await anext(items)


async def _end(items: Any) -> None:
    await items.aclose()
