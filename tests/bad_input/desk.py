"""Two members' desks on a running exchange, called by raw stubs, and the proof that a call changed nothing."""

import itertools
from collections import Counter
from collections.abc import AsyncIterator, Iterable, Mapping
from contextlib import asynccontextmanager
from typing import Any, NamedTuple, cast

import grpc
from google.rpc import error_details_pb2, status_pb2

from bourse.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from bourse.match.v1 import events_pb2, match_pb2, match_pb2_grpc
from bourse.order.v1 import order_pb2, order_pb2_grpc
from bourse.quote.v1 import quote_pb2_grpc
from bourse.types.v1 import command_pb2, market_pb2
from tests.exchange import CURRENCY, SYMBOLS, TRADING_DATE, Exchange

CALL_SECONDS = 10.0
PROCESSES = ("svc_order", "svc_ledger", "svc_quote", *(f"svc_match-{shard}" for shard in SYMBOLS.values()))
PRICE_E4 = 50_0000
LOWEST_E4, HIGHEST_E4 = 100, 100_000_000  # of the instruments of tests.exchange
UNKNOWN_ORDER = (1 << 48) - 1
WIDE = market_pb2.Instrument(
    symbol="WIDE",
    currency=CURRENCY,
    tick_size_e4=100,
    lot_size=10,
    min_price_e4=1_0000,
    max_price_e4=10**13,
    max_quantity=10**12,
    maker_fee_e6=100,
    taker_fee_e6=300,
    shard=0,
)
ids = itertools.count(1)


class Info(NamedTuple):
    """What a caller is told: status (empty inside a batch), and the ErrorInfo."""

    code: str
    reason: str
    domain: str
    message: str
    metadata: Mapping[str, str]

    @property
    def what(self) -> tuple[str, str, str]:
        """The reason, the field and the value."""
        return self.reason, self.metadata.get("field", ""), self.metadata.get("value", "")


class Floor(NamedTuple):
    """What all the tests share: two members, and orders of theirs in the states that a command may find."""

    exchange: Exchange
    account: str
    other: str
    partly: command_pb2.CommandResult  # A buy of 20 BRIO, of which 5 are executed.
    cancelled: command_pb2.CommandResult
    filled: command_pb2.CommandResult
    resting: command_pb2.CommandResult
    foreign: command_pb2.CommandResult  # Rests; the other member's.

    @property
    def participant(self) -> str:
        return self.account.partition("/")[0]

    @property
    def other_participant(self) -> str:
        return self.other.partition("/")[0]


class Desk:
    """Stubs of every service for one role, on channels of their own."""

    def __init__(self, exchange: Exchange, token: str) -> None:
        self.exchange = exchange
        self.metadata = (("authorization", f"Bearer {token}"),) if token else ()
        self.channels = {name: channel(exchange.machine.address(name)) for name in PROCESSES}
        self.order: Any = order_pb2_grpc.OrderServiceStub(self.channels["svc_order"])
        self.ledger: Any = ledger_pb2_grpc.LedgerServiceStub(self.channels["svc_ledger"])
        self.quote: Any = quote_pb2_grpc.QuoteServiceStub(self.channels["svc_quote"])
        self.match: dict[int, Any] = {
            shard: match_pb2_grpc.MatchServiceStub(self.channels[f"svc_match-{shard}"]) for shard in SYMBOLS.values()
        }

    async def close(self) -> None:
        for opened in self.channels.values():
            await opened.close()

    async def call(self, method: Any, request: Any, seconds: float = CALL_SECONDS) -> Any:
        """A unary call's answer, or its Info."""
        try:
            return await method(request, timeout=seconds, metadata=self.metadata)
        except grpc.aio.AioRpcError as error:
            return info(error)

    async def stream(self, method: Any, request: Any, seconds: float = CALL_SECONDS) -> Any:
        """A stream's first response, or its Info."""
        call = method(request, timeout=seconds, metadata=self.metadata)
        try:
            return await call.read()
        except grpc.aio.AioRpcError as error:
            return info(error)
        finally:
            call.cancel()

    async def unary(self, command: command_pb2.OrderCommand) -> Any:
        """The command's result by its unary method, or its Info."""
        if command.HasField("cancel"):
            answer = await self.call(self.order.CancelOrder, order_pb2.CancelOrderRequest(cancel=command.cancel))
        elif command.HasField("replace"):
            answer = await self.call(self.order.ReplaceOrder, order_pb2.ReplaceOrderRequest(replace=command.replace))
        elif command.HasField("mass_cancel"):
            answer = await self.call(
                self.order.MassCancel, order_pb2.MassCancelRequest(mass_cancel=command.mass_cancel)
            )
        elif command.HasField("mass_quote"):
            answer = await self.call(self.order.MassQuote, order_pb2.MassQuoteRequest(mass_quote=command.mass_quote))
        else:
            placed = command.place if command.HasField("place") else None
            answer = await self.call(self.order.PlaceOrder, order_pb2.PlaceOrderRequest(place=placed))
        return answer if isinstance(answer, Info) else answer.result

    async def batch(self, *commands: command_pb2.OrderCommand) -> list[command_pb2.CommandResult]:
        """The results of one batch in a session of its own."""
        call = self.order.EnterOrders(
            iter([order_pb2.EnterOrdersRequest(commands=commands)]), timeout=CALL_SECONDS, metadata=self.metadata
        )
        return [result async for response in call for result in response.results]


class Watch(NamedTuple):
    """What must not change: events of each shard, balances and open orders of both members."""

    sequences: dict[int, int]
    balances: dict[str, list[ledger_pb2.Balance]]
    orders: dict[str, list[order_pb2.Order]]


@asynccontextmanager
async def unchanged(staff: Desk, floor: Floor, on_record: Iterable[str] = ()) -> AsyncIterator[None]:
    """Inside, the journals grow by events of these kinds alone (ticks aside); balances, holds and open orders are as before."""
    before = await watch(staff, floor)
    yield
    after = await watch(staff, floor)
    kinds = Counter([kind for shard in before.sequences for kind in await events(staff, shard, before, after)])
    assert kinds == Counter(on_record)
    assert after.balances == before.balances
    assert after.orders == before.orders


async def watch(staff: Desk, floor: Floor) -> Watch:
    states = [
        await stub.GetShard(match_pb2.GetShardRequest(), metadata=staff.metadata) for stub in staff.match.values()
    ]
    positions = [market_pb2.ShardSequence(shard=state.shard, sequence=state.sequence) for state in states]
    balances, orders = {}, {}
    for account in (floor.account, floor.other):
        asked = ledger_pb2.ListBalancesRequest(account=account, min_sequences=positions)
        answer = await staff.ledger.ListBalances(asked, metadata=staff.metadata)
        balances[account] = [
            one for one in answer.balances if one.credits_posted or one.debits_posted or one.debits_pending
        ]
        wanted = order_pb2.ListOrdersRequest(
            account=account, state=order_pb2.ORDER_STATE_OPEN, page_size=1000, min_sequences=positions
        )
        orders[account] = list((await staff.order.ListOrders(wanted, metadata=staff.metadata)).orders)
    return Watch({state.shard: state.sequence for state in states}, balances, orders)


async def events(staff: Desk, shard: int, before: Watch, after: Watch) -> list[str]:
    """Kinds of the shard's events between two looks, ticks aside."""
    request = match_pb2.StreamExecutionsRequest(
        from_sequence=before.sequences[shard] + 1, to_sequence=after.sequences[shard]
    )
    kinds = []
    async for response in staff.match[shard].StreamExecutions(request, metadata=staff.metadata, timeout=CALL_SECONDS):
        for encoded in response.batches:
            batch = events_pb2.ExecutionBatch.FromString(encoded)
            for sequence, event in enumerate(batch.events, batch.first_sequence):
                if before.sequences[shard] < sequence <= after.sequences[shard]:
                    kinds.append(str(event.WhichOneof("event")))
    return [kind for kind in kinds if kind != "tick"]


def channel(address: str) -> grpc.aio.Channel:
    """A channel that shares its connection with no other, and whose messages may be over the server's limits."""
    return grpc.aio.insecure_channel(
        address, options=(("grpc.use_local_subchannel_pool", 1), ("grpc.max_send_message_length", -1))
    )


def info(error: grpc.aio.AioRpcError) -> Info:
    """What the error's trailers say; without them the reason is empty."""
    found = error_details_pb2.ErrorInfo()
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            status = status_pb2.Status.FromString(cast(bytes, value))
            assert grpc.StatusCode(error.code()).value[0] == status.code
            assert [detail.Unpack(found) for detail in status.details] == [True]
    return Info(error.code().name, found.reason, found.domain, error.details() or "", dict(found.metadata))


def refusal(result: command_pb2.CommandResult) -> Info:
    """What a batch's result says."""
    return Info("", result.refusal.reason, "bourse", result.refusal.message, dict(result.refusal.metadata))


def require_whole(told: Any) -> None:
    """A refusal has a sentence, and says what to do."""
    assert isinstance(told, Info), f"it was taken: {told}"
    assert told.domain == "bourse", told
    assert told.message, told
    assert told.metadata.get("fix"), told


def new_id() -> str:
    return f"id-{next(ids)}"


def place(account: str, **fields: Any) -> command_pb2.OrderCommand:
    """A good order that finds no other side, unless `fields` say otherwise: it leaves nothing behind."""
    good: dict[str, Any] = {
        "client_order_id": new_id(),
        "trading_date": TRADING_DATE,
        "symbol": "ACME",
        "side": market_pb2.SIDE_BUY,
        "type": command_pb2.ORDER_TYPE_LIMIT,
        "time_in_force": command_pb2.TIME_IN_FORCE_IOC,
        "price_e4": LOWEST_E4,
        "quantity": 10,
    }
    return command_pb2.OrderCommand(place=command_pb2.PlaceOrder(account=account, **{**good, **fields}))


def cancel(account: str, **fields: Any) -> command_pb2.OrderCommand:
    good = {"client_order_id": new_id(), "trading_date": TRADING_DATE}
    return command_pb2.OrderCommand(cancel=command_pb2.CancelOrder(account=account, **{**good, **fields}))


def mass_cancel(account: str, **fields: Any) -> command_pb2.OrderCommand:
    good = {"client_order_id": new_id(), "trading_date": TRADING_DATE}
    return command_pb2.OrderCommand(mass_cancel=command_pb2.MassCancel(account=account, **{**good, **fields}))


def mass_quote(account: str, *entries: command_pb2.QuoteEntry, **fields: Any) -> command_pb2.OrderCommand:
    good = {"client_order_id": new_id(), "trading_date": TRADING_DATE}
    return command_pb2.OrderCommand(
        mass_quote=command_pb2.MassQuote(account=account, entries=entries, **{**good, **fields})
    )


def renew_lease(account: str, **fields: Any) -> command_pb2.OrderCommand:
    good = {"client_order_id": new_id(), "lease": "desk", "grace_ms": 1_000}
    return command_pb2.OrderCommand(renew_lease=command_pb2.RenewLease(account=account, **{**good, **fields}))


def replace(account: str, **fields: Any) -> command_pb2.OrderCommand:
    good = {"client_order_id": new_id(), "trading_date": TRADING_DATE, "price_e4": LOWEST_E4, "quantity": 10}
    return command_pb2.OrderCommand(replace=command_pb2.ReplaceOrder(account=account, **{**good, **fields}))
