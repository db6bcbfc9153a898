"""The exchange's staff: members, money, instruments, trading dates, phases, and everything there is to see."""

import asyncio
from collections.abc import AsyncIterator, Collection, Mapping, Sequence
from os import PathLike
from types import TracebackType
from typing import Any, Self

from bourse.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from bourse.match.v1 import events_pb2, match_pb2, match_pb2_grpc
from bourse.order.v1 import order_pb2, order_pb2_grpc
from bourse.quote.v1 import quote_pb2, quote_pb2_grpc
from bourse.types.v1 import market_pb2
from bourse_sdk import feeds
from bourse_sdk.connection import Connection, Token, with_metadata
from bourse_sdk.errors import BourseError, PartlyDone, alike
from bourse_sdk.requests import make

SEQUENCE_BITS = 48  # of a trade's id; the bits above are its shard

GIVE_UP_SECONDS = 30.0
DATE_SECONDS = 30.0
EXPORT_SECONDS = 120.0
PAGE_SIZE = 1000
SHARD_HEADER = "bourse-shard"  # By it the gateway finds the shard.


class Operator:
    """All of the exchange, with an operator's token. Every change is idempotent, so each is tried again for `give_up_seconds`.

    `gateway` and `ca_file` are those of `Client`. `shards` are the numbers of the exchange's shards. Without a mesh it maps
    each to the address of its svc_match, and `ledger`, `order` and `quote` are addresses too.
    """

    def __init__(
        self,
        gateway: str = "",
        *,
        shards: Collection[int] = (0,),
        ledger: str = "",
        order: str = "",
        quote: str = "",
        token: str = "",
        token_file: str | PathLike[str] | None = None,
        ca_file: str | PathLike[str] | None = None,
        give_up_seconds: float = GIVE_UP_SECONDS,
    ) -> None:
        token_source = Token(token, token_file)
        self._connection = Connection(token_source, give_up_seconds, gateway=gateway, ca_file=ca_file)
        channel = self._connection.channel
        addresses = shards if isinstance(shards, Mapping) else dict.fromkeys(shards, "")
        self._matches = {
            shard: match_pb2_grpc.MatchServiceStub(with_metadata(channel("match", address), (SHARD_HEADER, str(shard))))
            for shard, address in sorted(addresses.items())
        }
        self._ledger = ledger_pb2_grpc.LedgerServiceStub(channel("ledger", ledger))
        self._orders = order_pb2_grpc.OrderServiceStub(channel("order", order))
        self._quotes = quote_pb2_grpc.QuoteServiceStub(channel("quote", quote))

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        await self.close()

    async def close(self) -> None:
        """Ends all calls."""
        await self._connection.close()

    @property
    def shards(self) -> list[int]:
        """The shards, in order."""
        return list(self._matches)

    # Members and money.

    async def create_participant(self, name: str, title: str = "") -> None:
        """Creates a participant; again with the same fields it changes nothing."""
        participant = make(ledger_pb2.Participant, name=name, title=title)
        await self._connection.call(
            self._ledger.CreateParticipant, ledger_pb2.CreateParticipantRequest(participant=participant)
        )

    async def participants(self) -> list[ledger_pb2.Participant]:
        """All participants by name."""
        request = ledger_pb2.ListParticipantsRequest(page_size=PAGE_SIZE)
        pages = feeds.pages(self._connection, self._ledger.ListParticipants, request)
        return [participant async for page in pages for participant in page.participants]

    async def create_account(self, account: str) -> None:
        """Creates `<participant>/<name>`; again it changes nothing."""
        await self._connection.call(self._ledger.CreateAccount, make(ledger_pb2.CreateAccountRequest, account=account))

    async def accounts(self, participant: str = "") -> list[str]:
        """Accounts by name, of one participant or of all."""
        request = make(ledger_pb2.ListAccountsRequest, participant=participant, page_size=PAGE_SIZE)
        pages = feeds.pages(self._connection, self._ledger.ListAccounts, request)
        return [account async for page in pages for account in page.accounts]

    async def deposit(self, transfer_id: str, account: str, asset: str, amount: int) -> ledger_pb2.Balance:
        """Pays in money (in 1/10 000 of the unit) or shares, once for each `transfer_id`; the balance after it."""
        request = make(ledger_pb2.DepositRequest, transfer_id=transfer_id, account=account, asset=asset, amount=amount)
        response: ledger_pb2.DepositResponse = await self._connection.call(self._ledger.Deposit, request)
        return response.balance

    async def withdraw(self, transfer_id: str, account: str, asset: str, amount: int) -> ledger_pb2.Balance:
        """Takes out money or shares that are not held, once for each `transfer_id`; the balance after it."""
        request = make(ledger_pb2.WithdrawRequest, transfer_id=transfer_id, account=account, asset=asset, amount=amount)
        response: ledger_pb2.WithdrawResponse = await self._connection.call(self._ledger.Withdraw, request)
        return response.balance

    async def create_transfers(self, transfers: Sequence[ledger_pb2.Transfer]) -> list[str]:
        """Applies transfers; one result name (TigerBeetle's) each."""
        request = ledger_pb2.CreateTransfersRequest(transfers=transfers)
        response: ledger_pb2.CreateTransfersResponse = await self._connection.call(
            self._ledger.CreateTransfers, request
        )
        return list(response.results)

    async def balances(
        self, account: str, *, min_sequences: Sequence[market_pb2.ShardSequence] = (), seconds: float = 5.0
    ) -> list[ledger_pb2.Balance]:
        """What an account has of each asset, at or after `min_sequences`."""
        request = make(ledger_pb2.ListBalancesRequest, account=account, min_sequences=min_sequences)
        response: ledger_pb2.ListBalancesResponse = await self._connection.call(
            self._ledger.ListBalances, request, seconds=seconds
        )
        return list(response.balances)

    async def entries(self, account: str, *, asset: str = "") -> AsyncIterator[ledger_pb2.Entry]:
        """An account's statement, oldest first."""
        request = make(ledger_pb2.ListEntriesRequest, account=account, asset=asset, page_size=PAGE_SIZE)
        async for page in feeds.pages(self._connection, self._ledger.ListEntries, request):
            for entry in page.entries:
                yield entry

    async def settlement(self) -> list[ledger_pb2.ShardSettlement]:
        """How far settlement is on each shard."""
        response: ledger_pb2.GetSettlementResponse = await self._connection.call(
            self._ledger.GetSettlement, ledger_pb2.GetSettlementRequest()
        )
        return list(response.shards)

    # Instruments, dates and phases.

    async def add_instrument(self, instrument: market_pb2.Instrument) -> int:
        """Adds an instrument to its shard (KeyError for a shard that is none); the shard's sequence then."""
        match = self._matches[instrument.shard]
        response: match_pb2.AddInstrumentResponse = await self._connection.call(
            match.AddInstrument, match_pb2.AddInstrumentRequest(instrument=instrument)
        )
        return response.sequence

    async def change_instrument(self, instrument: market_pb2.Instrument) -> int:
        """Gives an instrument that is CLOSED other reference data (KeyError for a shard that is none); the shard's sequence then."""
        match = self._matches[instrument.shard]
        response: match_pb2.ChangeInstrumentResponse = await self._connection.call(
            match.ChangeInstrument, match_pb2.ChangeInstrumentRequest(instrument=instrument)
        )
        return response.sequence

    async def set_listing(self, symbol: str, listing: market_pb2.Listing) -> int:
        """Suspends an instrument, lists it again, or delists it for ever; its shard's sequence then."""
        request = make(match_pb2.SetListingRequest, symbol=symbol, listing=listing)
        shard = await self._shard_of(symbol)
        response: match_pb2.SetListingResponse = await self._connection.call(
            self._matches[shard].SetListing, request, seconds=DATE_SECONDS
        )
        return response.sequence

    async def instruments(self) -> list[match_pb2.InstrumentState]:
        """All instruments with their phases, as the shards have them, by symbol."""
        answers: list[match_pb2.ListInstrumentsResponse] = await self._all(
            "ListInstruments", match_pb2.ListInstrumentsRequest()
        )
        found = [entry for answer in answers for entry in answer.instruments]
        return sorted(found, key=lambda entry: entry.instrument.symbol)

    async def open_date(self, trading_date: int) -> dict[int, int]:
        """Opens the date on all shards; each shard's sequence then."""
        request = make(match_pb2.OpenTradingDateRequest, trading_date=trading_date)
        return await self._told("OpenTradingDate", request, DATE_SECONDS)

    async def close_date(self, trading_date: int) -> dict[int, int]:
        """Closes the date on all shards, which ends every order that does not outlive it; each shard's sequence then."""
        request = make(match_pb2.CloseTradingDateRequest, trading_date=trading_date)
        return await self._told("CloseTradingDate", request, DATE_SECONDS)

    async def set_phase(
        self,
        phase: market_pb2.Phase,
        symbol: str = "",
        *,
        auction: market_pb2.AuctionKind = market_pb2.AUCTION_KIND_UNSPECIFIED,
    ) -> dict[int, int]:
        """Sets the phase of an instrument, or of all; of AUCTION what the auction is for. The sequence of each shard that was told."""
        request = make(match_pb2.SetPhaseRequest, symbol=symbol, phase=phase, auction=auction)
        if not symbol:
            return await self._told("SetPhase", request)
        shard = await self._shard_of(symbol)
        response: match_pb2.SetPhaseResponse = await self._connection.call(self._matches[shard].SetPhase, request)
        return {shard: response.sequence}

    async def _shard_of(self, symbol: str) -> int:
        """Where an instrument is; of one that nobody knows, a shard that says so."""
        shards = {entry.instrument.symbol: entry.instrument.shard for entry in await self.instruments()}
        return shards.get(symbol, self.shards[0])

    async def bust_trade(self, trade_id: int, reason: str) -> int:
        """Busts a trade of the open date; the sequence of the event that says so. Not idempotent: again it is refused (TRADE_BUSTED)."""
        match = self._matches.get(trade_id >> SEQUENCE_BITS, self._matches[self.shards[0]])  # One of them says so.
        request = make(match_pb2.BustTradeRequest, trade_id=trade_id, reason=reason)
        response: match_pb2.BustTradeResponse = await self._connection.call(match.BustTrade, request)
        return response.sequence

    async def end_orders(
        self, participant: str, symbol: str = "", side: market_pb2.Side = market_pb2.SIDE_UNSPECIFIED
    ) -> dict[int, int]:
        """Ends open orders of a participant, in an instrument or in all, of a side or of both; how many on each shard that was told."""
        request = make(match_pb2.EndOrdersRequest, participant=participant, symbol=symbol, side=side)
        if not symbol:
            return await self._told("EndOrders", request, DATE_SECONDS, "orders")
        shard = await self._shard_of(symbol)
        response: match_pb2.EndOrdersResponse = await self._connection.call(
            self._matches[shard].EndOrders, request, seconds=DATE_SECONDS
        )
        return {shard: response.orders}

    async def kill_participant(self, participant: str) -> dict[int, int]:
        """Stops a participant on all shards: its orders end, how many on each, and it places none until it is released."""
        request = make(match_pb2.KillParticipantRequest, participant=participant)
        return await self._told("KillParticipant", request, DATE_SECONDS, "orders")

    async def release_participant(self, participant: str) -> dict[int, int]:
        """Releases a participant that was stopped; each shard's sequence then."""
        request = make(match_pb2.ReleaseParticipantRequest, participant=participant)
        return await self._told("ReleaseParticipant", request)

    async def set_order_rate(self, participant: str, per_second: int, burst: int) -> dict[int, int]:
        """Lets a participant place and replace so many orders a second on each shard, and `burst` at once; 0 and 0 as many as it
        likes. Each shard's sequence then.
        """
        rate = make(market_pb2.OrderRate, participant=participant, per_second=per_second, burst=burst)
        return await self._told("SetOrderRate", match_pb2.SetOrderRateRequest(rate=rate))

    async def set_calendar(self, transitions: Sequence[market_pb2.Transition], seed: int = 0) -> dict[int, int]:
        """Sets the calendar of all shards; each shard's sequence then."""
        request = make(match_pb2.SetCalendarRequest, transitions=transitions, seed=seed)
        return await self._told("SetCalendar", request)

    async def remove_calendar(self) -> dict[int, int]:
        """From now on no shard has a calendar; each shard's sequence then."""
        return await self._told("SetCalendar", match_pb2.SetCalendarRequest(remove=True))

    async def calendars(self) -> dict[int, match_pb2.GetCalendarResponse]:
        """What is still to come of each shard's calendar."""
        answers: list[match_pb2.GetCalendarResponse] = await self._all("GetCalendar", match_pb2.GetCalendarRequest())
        return dict(zip(self._matches, answers, strict=True))

    async def shard_states(self) -> dict[int, match_pb2.GetShardResponse]:
        """Each shard's sequence, open date and hash."""
        answers: list[match_pb2.GetShardResponse] = await self._all("GetShard", match_pb2.GetShardRequest())
        return dict(zip(self._matches, answers, strict=True))

    async def match_depth(self, shard: int, symbol: str, levels: int = 0) -> match_pb2.GetDepthResponse:
        """A book as its shard has it."""
        request = make(match_pb2.GetDepthRequest, symbol=symbol, levels=levels)
        response: match_pb2.GetDepthResponse = await self._connection.call(self._matches[shard].GetDepth, request)
        return response

    # Market data as brokers see it.

    async def instrument_statuses(self) -> list[quote_pb2.InstrumentStatus]:
        """All instruments with phase, trading date and what the calendar does next, by symbol."""
        response: quote_pb2.ListInstrumentsResponse = await self._connection.call(
            self._quotes.ListInstruments, quote_pb2.ListInstrumentsRequest()
        )
        return list(response.instruments)

    async def depth(self, symbol: str, levels: int = 0) -> quote_pb2.GetDepthResponse:
        """The book by price, `levels` a side (0: ten)."""
        request = make(quote_pb2.GetDepthRequest, symbol=symbol, levels=levels)
        response: quote_pb2.GetDepthResponse = await self._connection.call(self._quotes.GetDepth, request)
        return response

    async def trades(self, symbol: str) -> AsyncIterator[quote_pb2.Trade]:
        """Trades of an instrument, newest first."""
        request = make(quote_pb2.ListTradesRequest, symbol=symbol, page_size=PAGE_SIZE)
        async for page in feeds.pages(self._connection, self._quotes.ListTrades, request):
            for trade in page.trades:
                yield trade

    async def statistics(self, symbol: str) -> quote_pb2.DayStatistics:
        """Open, high, low, last, volume and value of the trading date."""
        request = make(quote_pb2.GetDayStatisticsRequest, symbol=symbol)
        response: quote_pb2.GetDayStatisticsResponse = await self._connection.call(
            self._quotes.GetDayStatistics, request
        )
        return response.statistics

    def watch_depth(self, symbol: str, levels: int = 0) -> AsyncIterator[quote_pb2.StreamDepthResponse]:
        """A book: a snapshot, then changed levels, conflated."""
        return feeds.watch_depth(self._connection, self._quotes, symbol, levels)

    def watch_trades(self, symbol: str, after_symbol_sequence: int = -1) -> AsyncIterator[quote_pb2.Trade]:
        """Every trade after the position (0: from the start, -1: from now)."""
        return feeds.watch_trades(self._connection, self._quotes, symbol, after_symbol_sequence, "")

    def watch_busts(self, symbol: str, after_symbol_sequence: int = -1) -> AsyncIterator[quote_pb2.TradeBust]:
        """Every trade that is busted after the position, as `watch_trades`."""
        return feeds.watch_trades(self._connection, self._quotes, symbol, after_symbol_sequence, "", "busts")

    # Everything there is.

    async def executions(
        self, shard: int, from_sequence: int = 1, to_sequence: int = 0, *, incarnation: str = ""
    ) -> AsyncIterator[events_pb2.ExecutionBatch]:
        """A shard's private events from the journal, up to `to_sequence` or for ever, over broken connections too. The first
        batch may begin before `from_sequence`; none comes twice.
        """
        position = [from_sequence]

        def open_call() -> Any:
            request = make(
                match_pb2.StreamExecutionsRequest,
                from_sequence=position[0],
                to_sequence=to_sequence,
                incarnation=incarnation,
            )
            return self._matches[shard].StreamExecutions(request, metadata=self._connection.token.metadata())

        if to_sequence and from_sequence > to_sequence:
            return
        async for response in self._connection.stream(open_call):
            for batch in map(events_pb2.ExecutionBatch.FromString, response.batches):
                if batch.last_sequence >= position[0]:
                    position[0] = batch.last_sequence + 1
                    yield batch
            if to_sequence and position[0] > to_sequence:
                return

    async def market_data(
        self, shard: int, from_sequence: int = 1, to_sequence: int = 0, *, incarnation: str = ""
    ) -> AsyncIterator[events_pb2.MarketDataBatch]:
        """A shard's public events, as `executions`; parts of one row come one after the other."""
        position = [from_sequence]

        def open_call() -> Any:
            request = make(
                match_pb2.StreamMarketDataRequest,
                from_sequence=position[0],
                to_sequence=to_sequence,
                incarnation=incarnation,
            )
            return self._matches[shard].StreamMarketData(request, metadata=self._connection.token.metadata())

        if to_sequence and from_sequence > to_sequence:
            return
        async for response in self._connection.stream(open_call):
            for batch in map(events_pb2.MarketDataBatch.FromString, response.batches):
                if batch.last_sequence < position[0]:
                    continue
                if batch.part == batch.parts - 1:
                    position[0] = batch.last_sequence + 1
                yield batch
            if to_sequence and position[0] > to_sequence:
                return

    async def get_order(self, order_id: int, *, min_sequence: int = 0) -> order_pb2.Order:
        """Anybody's order."""
        request = make(order_pb2.GetOrderRequest, order_id=order_id, min_sequence=min_sequence)
        response: order_pb2.GetOrderResponse = await self._connection.call(self._orders.GetOrder, request)
        return response.order

    async def list_orders(
        self,
        *,
        participant: str = "",
        account: str = "",
        symbol: str = "",
        state: order_pb2.OrderState = order_pb2.ORDER_STATE_UNSPECIFIED,
        client_order_id: str = "",
    ) -> AsyncIterator[order_pb2.Order]:
        """Everybody's orders that fit all of what is named, newest first."""
        request = make(
            order_pb2.ListOrdersRequest,
            participant=participant,
            account=account,
            symbol=symbol,
            state=state,
            client_order_id=client_order_id,
            page_size=PAGE_SIZE,
        )
        async for page in feeds.pages(self._connection, self._orders.ListOrders, request):
            for order in page.orders:
                yield order

    async def export_ledger(self) -> list[ledger_pb2.ExportLedgerResponse]:
        """The whole ledger out of one snapshot."""
        return await self._export(self._ledger.ExportLedger, ledger_pb2.ExportLedgerRequest())

    async def export_orders(self) -> list[order_pb2.ExportOrdersResponse]:
        """The whole order history out of one snapshot."""
        return await self._export(self._orders.ExportOrders, order_pb2.ExportOrdersRequest())

    async def export_quotes(self) -> list[quote_pb2.ExportQuotesResponse]:
        """All books and the tape at one cursor."""
        return await self._export(self._quotes.ExportQuotes, quote_pb2.ExportQuotesRequest())

    async def _export(self, method: Any, request: Any) -> list[Any]:
        async def read_all(request: Any, *, timeout: float, metadata: Any) -> list[Any]:
            return [part async for part in method(request, timeout=timeout, metadata=metadata)]

        parts: list[Any] = await self._connection.call(read_all, request, seconds=EXPORT_SECONDS)
        return parts

    async def _all(self, method: str, request: Any, seconds: float = 5.0) -> list[Any]:
        """What every shard answers; raises what the first one that fails says."""
        answers = await self._each(method, request, seconds)
        for answer in answers:
            if isinstance(answer, BaseException):
                raise answer
        return answers

    async def _told(self, method: str, request: Any, seconds: float = 5.0, figure: str = "sequence") -> dict[int, int]:
        """Tells every shard to change something; what each says in `figure`. Raises the Refusal of all of them, Unreachable where
        none is reached, and PartlyDone where they do not agree.
        """
        done: dict[int, int] = {}
        failed: dict[int, BourseError] = {}
        for shard, answer in zip(self._matches, await self._each(method, request, seconds), strict=True):
            if isinstance(answer, BourseError):
                failed[shard] = answer
            elif isinstance(answer, BaseException):
                raise answer
            else:
                done[shard] = getattr(answer, figure)
        if failed:
            first, *others = failed.values()
            raise (
                first if not done and all(alike(first, other) for other in others) else PartlyDone(figure, done, failed)
            )
        return done

    async def _each(self, method: str, request: Any, seconds: float) -> list[Any]:
        """Each shard is told, also where another fails."""
        calls = [
            self._connection.call(getattr(match, method), request, seconds=seconds) for match in self._matches.values()
        ]
        return await asyncio.gather(*calls, return_exceptions=True)
