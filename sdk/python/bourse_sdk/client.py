"""A broker's client: order entry, its orders, its accounts, and market data."""

import asyncio
from collections.abc import AsyncIterator, Iterable, Sequence
from os import PathLike
from types import TracebackType
from typing import Any, Self, Unpack

from bourse.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from bourse.order.v1 import order_pb2, order_pb2_grpc
from bourse.quote.v1 import quote_pb2, quote_pb2_grpc
from bourse.types.v1 import command_pb2, market_pb2
from bourse_sdk import feeds
from bourse_sdk.commands import (
    Body,
    Cancel,
    ClientOrderIds,
    Command,
    CommandResult,
    MassCancel,
    Place,
    PlaceOptions,
    Replace,
    Side,
    unsendable,
)
from bourse_sdk.connection import CALL_SECONDS, Connection, Token
from bourse_sdk.dates import TradingDates
from bourse_sdk.leases import Lease
from bourse_sdk.quotes import MassQuote, Quote
from bourse_sdk.requests import make
from bourse_sdk.session import BATCH_LIMIT, UNANSWERED_LIMIT, Session
from bourse_sdk.tracing import traceparent

GIVE_UP_SECONDS = 30.0
PAGE_SIZE = 1000


class Client:
    """The exchange as one participant uses it. Use it as an async context manager, or `close` it.

    `gateway` (host:port) serves all, by TLS; `ca_file` holds the authorities to believe, where they are not the usual ones.
    `token` is a JWT, `token_file` a file that holds it and is read again when it changes. Without a mesh `order`, `ledger` and
    `quote` are the services' own addresses, in the clear. Calls and streams are tried again for `give_up_seconds` without an
    answer, then they raise Unreachable, for commands OutcomeUnknown.

    With `cancel_on_disconnect_seconds` (1 to 300) its orders end when the exchange has not heard from it for so long: it renews a
    lease by itself, over broken connections too, and the orders stand by that.

    Market data, orders and balances come as the messages of `bourse.*.v1`, fully typed.
    """

    def __init__(
        self,
        gateway: str = "",
        *,
        order: str = "",
        ledger: str = "",
        quote: str = "",
        token: str = "",
        token_file: str | PathLike[str] | None = None,
        ca_file: str | PathLike[str] | None = None,
        give_up_seconds: float = GIVE_UP_SECONDS,
        unanswered_limit: int = UNANSWERED_LIMIT,
        client_order_id_prefix: str = "",
        cancel_on_disconnect_seconds: float = 0.0,
    ) -> None:
        token_source = Token(token, token_file)
        self._connection = Connection(token_source, give_up_seconds, gateway=gateway, ca_file=ca_file)
        channel = self._connection.channel
        self._orders = order_pb2_grpc.OrderServiceStub(channel("order", order))
        self._ledger = ledger_pb2_grpc.LedgerServiceStub(channel("ledger", ledger))
        self._quotes = quote_pb2_grpc.QuoteServiceStub(channel("quote", quote))
        self._ids = ClientOrderIds(client_order_id_prefix)
        self._dates = TradingDates(lambda: self._connection.call(self._quotes.ListInstruments, _INSTRUMENTS))
        self._session = Session(
            self._orders,
            self._connection.token,
            self._dates.stamp,
            self._dates.look_at,
            give_up_seconds=give_up_seconds,
            unanswered_limit=unanswered_limit,
        )
        self._lease: Lease | None = None
        if cancel_on_disconnect_seconds:
            self._lease = Lease(self._session, self._ids, cancel_on_disconnect_seconds)

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends everything; commands without an answer fail with OutcomeUnknown."""
        if self._lease is not None:
            await self._lease.close()
        await self._session.close()
        await self._connection.close()

    # Order entry.

    async def place(
        self,
        account: str,
        symbol: str,
        side: Side,
        quantity: int,
        price_e4: int = 0,
        **options: Unpack[PlaceOptions],
    ) -> CommandResult:
        """Places an order; returns when the exchange has it on record. Raises Refusal. The options are the fields of `Place`."""
        return await self.submit(Place(account, symbol, side, quantity, price_e4, **options))

    async def cancel(
        self,
        account: str,
        order_id: int = 0,
        *,
        original_client_order_id: str = "",
        symbol: str = "",
        client_order_id: str = "",
        trading_date: int = 0,
    ) -> CommandResult:
        """Cancels an open order, named by `order_id` or by the id it was placed under and its symbol. Raises Refusal."""
        return await self.submit(
            Cancel(account, order_id, original_client_order_id, symbol, client_order_id, trading_date)
        )

    async def replace(
        self,
        account: str,
        price_e4: int,
        quantity: int,
        order_id: int = 0,
        *,
        original_client_order_id: str = "",
        symbol: str = "",
        client_order_id: str = "",
        trading_date: int = 0,
    ) -> CommandResult:
        """Gives an open order a new price, 0 for a sell that has none, and total quantity. Less quantity at the price keeps
        priority, but of a PEGGED order. Raises Refusal.
        """
        return await self.submit(
            Replace(
                account, price_e4, quantity, order_id, original_client_order_id, symbol, client_order_id, trading_date
            )
        )

    async def mass_cancel(
        self,
        account: str,
        symbol: str = "",
        side: Side | None = None,
        *,
        participant_wide: bool = False,
        client_order_id: str = "",
        trading_date: int = 0,
    ) -> CommandResult:
        """Ends all open orders of an account or of its participant, in a symbol or on every shard; says how many. Raises Refusal."""
        return await self.submit(MassCancel(account, symbol, side, participant_wide, client_order_id, trading_date))

    async def mass_quote(self, account: str, entries: Iterable[Quote], **options: Any) -> CommandResult:
        """Replaces quotes, all or none; says how many sides are quoted. Raises Refusal. The options are the fields of `MassQuote`."""
        return await self.submit(MassQuote(account, tuple(entries), **options))

    async def submit(self, command: Command) -> CommandResult:
        """One command; raises Refusal when it was not done. Commands reach the exchange in the order of these calls."""
        client_order_id = command.client_order_id or self._ids.next()
        try:
            message, body = command.message(client_order_id, traceparent())
        except ValueError as error:
            result = unsendable(command, client_order_id, error)
        else:
            await self._lean(body)
            result = (await (await self._session.submit([message], [body])))[0]
        if result.refusal is not None:
            raise result.refusal
        return result

    async def submit_many(self, commands: Iterable[Command]) -> list[CommandResult]:
        """All commands, in order, as fast as it goes: one result a command, refused ones included."""
        trace, next_id = traceparent(), self._ids.next
        parts: list[asyncio.Future[list[CommandResult]]] = []
        messages: list[command_pb2.OrderCommand] = []
        bodies: list[Body] = []
        unsent: list[tuple[int, CommandResult]] = []
        for command in commands:
            client_order_id = command.client_order_id or next_id()
            try:
                message, body = command.message(client_order_id, trace)
            except ValueError as error:
                position = len(parts) * BATCH_LIMIT + len(messages) + len(unsent)
                unsent.append((position, unsendable(command, client_order_id, error)))
                continue
            await self._lean(body)
            messages.append(message)
            bodies.append(body)
            if len(messages) == BATCH_LIMIT:
                parts.append(await self._session.submit(messages, bodies))
                messages, bodies = [], []
        parts.append(await self._session.submit(messages, bodies))
        results = [result for part in await asyncio.gather(*parts) for result in part]
        for position, result in unsent:
            results.insert(position, result)
        return results

    async def _lean(self, body: Body) -> None:
        """An order, and a quote, stands by the client's lease, if it has one and the command names no other."""
        if self._lease is None or not isinstance(body, command_pb2.PlaceOrder | command_pb2.MassQuote) or body.lease:
            return
        await self._lease.begin(body.account)
        body.lease = self._lease.name

    def next_client_order_id(self) -> str:
        """An id that no other command of this client gets; for a caller that notes it before it sends."""
        return self._ids.next()

    @property
    def unanswered(self) -> int:
        """How many commands have no answer yet."""
        return self._session.unanswered

    # Orders.

    async def get_order(
        self, order_id: int, *, min_sequence: int = 0, seconds: float = CALL_SECONDS
    ) -> order_pb2.Order:
        """An order with all that happened to it; at or after `min_sequence`, for which it waits up to `seconds`."""
        request = make(order_pb2.GetOrderRequest, order_id=order_id, min_sequence=min_sequence)
        response: order_pb2.GetOrderResponse = await self._connection.call(
            self._orders.GetOrder, request, seconds=seconds
        )
        return response.order

    async def list_orders(
        self,
        *,
        account: str = "",
        symbol: str = "",
        state: order_pb2.OrderState = order_pb2.ORDER_STATE_UNSPECIFIED,
        client_order_id: str = "",
        min_sequences: Sequence[market_pb2.ShardSequence] = (),
    ) -> AsyncIterator[order_pb2.Order]:
        """Orders that fit all of what is named, newest first, page after page."""
        request = make(
            order_pb2.ListOrdersRequest,
            account=account,
            symbol=symbol,
            state=state,
            client_order_id=client_order_id,
            page_size=PAGE_SIZE,
            min_sequences=min_sequences,
        )
        async for page in feeds.pages(self._connection, self._orders.ListOrders, request):
            for order in page.orders:
                yield order

    def watch_orders(
        self, after: Iterable[market_pb2.ShardSequence] = ()
    ) -> AsyncIterator[order_pb2.WatchOrdersResponse]:
        """The drop copy: all events of the participant's orders after the positions, then live, without gap or repeat,
        over broken connections too. Each response names the position (`shard`, `last_sequence`) to begin after next time.
        """
        return feeds.watch_orders(self._connection, self._orders, "", after)

    # Accounts.

    async def accounts(self) -> list[str]:
        """The participant's accounts."""
        request = ledger_pb2.ListAccountsRequest(page_size=PAGE_SIZE)
        pages = feeds.pages(self._connection, self._ledger.ListAccounts, request)
        return [account async for page in pages for account in page.accounts]

    async def balances(
        self,
        account: str,
        *,
        min_sequences: Sequence[market_pb2.ShardSequence] = (),
        seconds: float = CALL_SECONDS,
    ) -> list[ledger_pb2.Balance]:
        """What the account has of each asset, at or after `min_sequences`."""
        request = make(ledger_pb2.ListBalancesRequest, account=account, min_sequences=min_sequences)
        response: ledger_pb2.ListBalancesResponse = await self._connection.call(
            self._ledger.ListBalances, request, seconds=seconds
        )
        return list(response.balances)

    async def entries(self, account: str, *, asset: str = "") -> AsyncIterator[ledger_pb2.Entry]:
        """The account's statement, oldest first, page after page."""
        request = make(ledger_pb2.ListEntriesRequest, account=account, asset=asset, page_size=PAGE_SIZE)
        async for page in feeds.pages(self._connection, self._ledger.ListEntries, request):
            for entry in page.entries:
                yield entry

    # Market data.

    async def instruments(self) -> list[quote_pb2.InstrumentStatus]:
        """All instruments with phase, trading date and what the calendar does next, by symbol."""
        response: quote_pb2.ListInstrumentsResponse = await self._connection.call(
            self._quotes.ListInstruments, _INSTRUMENTS
        )
        return list(response.instruments)

    async def top(self, symbol: str, *, min_sequence: int = 0) -> quote_pb2.TopOfBook:
        """Best bid and ask."""
        request = make(quote_pb2.GetTopOfBookRequest, symbol=symbol, min_sequence=min_sequence)
        response: quote_pb2.GetTopOfBookResponse = await self._connection.call(self._quotes.GetTopOfBook, request)
        return response.top

    async def depth(self, symbol: str, levels: int = 0, *, min_sequence: int = 0) -> quote_pb2.GetDepthResponse:
        """The book by price, `levels` a side (0: ten)."""
        request = make(quote_pb2.GetDepthRequest, symbol=symbol, levels=levels, min_sequence=min_sequence)
        response: quote_pb2.GetDepthResponse = await self._connection.call(self._quotes.GetDepth, request)
        return response

    async def trades(self, symbol: str, *, min_sequence: int = 0) -> AsyncIterator[quote_pb2.Trade]:
        """Trades of an instrument, newest first, page after page."""
        request = make(quote_pb2.ListTradesRequest, symbol=symbol, page_size=PAGE_SIZE, min_sequence=min_sequence)
        async for page in feeds.pages(self._connection, self._quotes.ListTrades, request):
            for trade in page.trades:
                yield trade

    async def statistics(self, symbol: str, *, min_sequence: int = 0) -> quote_pb2.DayStatistics:
        """Open, high, low, last, volume and value of the trading date."""
        request = make(quote_pb2.GetDayStatisticsRequest, symbol=symbol, min_sequence=min_sequence)
        response: quote_pb2.GetDayStatisticsResponse = await self._connection.call(
            self._quotes.GetDayStatistics, request
        )
        return response.statistics

    def watch_top(self, symbols: Sequence[str]) -> AsyncIterator[quote_pb2.TopOfBook]:
        """Best bid and ask of up to 100 instruments: each as it is, then as it changes, conflated."""
        return feeds.watch_top(self._connection, self._quotes, symbols)

    def watch_depth(self, symbol: str, levels: int = 0) -> AsyncIterator[quote_pb2.StreamDepthResponse]:
        """A book: a snapshot, then changed levels, conflated. After a lost connection a snapshot comes again."""
        return feeds.watch_depth(self._connection, self._quotes, symbol, levels)

    def watch_trades(
        self, symbol: str, after_symbol_sequence: int = -1, *, incarnation: str = ""
    ) -> AsyncIterator[quote_pb2.Trade]:
        """Every trade after the position (0: from the start, -1: from now), over broken connections too, none twice."""
        return feeds.watch_trades(self._connection, self._quotes, symbol, after_symbol_sequence, incarnation)

    def watch_busts(
        self, symbol: str, after_symbol_sequence: int = -1, *, incarnation: str = ""
    ) -> AsyncIterator[quote_pb2.TradeBust]:
        """Every trade that an operator busts after the position, as `watch_trades`."""
        return feeds.watch_trades(self._connection, self._quotes, symbol, after_symbol_sequence, incarnation, "busts")

    def watch_statistics(self, symbols: Sequence[str]) -> AsyncIterator[quote_pb2.DayStatistics]:
        """Day statistics of up to 100 instruments: each as it is, then as it changes, conflated."""
        return feeds.watch_statistics(self._connection, self._quotes, symbols)


_INSTRUMENTS = quote_pb2.ListInstrumentsRequest()
