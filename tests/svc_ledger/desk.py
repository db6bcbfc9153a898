"""What a test does to a ledger: fund accounts, ask for holds, and settle journal rows that it writes itself."""

import itertools
from dataclasses import dataclass, field
from hashlib import blake2b
from typing import Any

from bourse.match.v1 import events_pb2
from bourse.types.v1 import market_pb2
from chassis.units import fee, order_id, worst
from svc_ledger import db, wire
from svc_ledger.app import Book, Holds, Settler
from svc_ledger.core.holds import HoldRequest, HoldResult

INCARNATION = "0" * 31 + "1"
DATE = 20261123
START_US = 1_000_000_000
CASH = 10**12
SHARES = 10**6
SYMBOLS = {0: "ACME", 1: "BRNO"}
ACCOUNTS = ("alpha/main", "beta/main", "gamma/main")


def event(**kind: Any) -> events_pb2.ExecutionEvent:
    return events_pb2.ExecutionEvent(**kind)


def accepted(order: int, hold: HoldResult, request: HoldRequest) -> events_pb2.ExecutionEvent:
    return event(
        accepted=events_pb2.OrderAccepted(
            order_id=order,
            account=request.account,
            client_order_id=request.client_order_id,
            quantity=request.quantity,
            hold_id=hold.hold_id,
            held_price_e4=hold.held_price_e4,
            held_fee_e6=hold.held_fee_e6,
        )
    )


def done(order: int) -> events_pb2.ExecutionEvent:
    return event(done=events_pb2.OrderDone(order_id=order))


def rejected(hold_id: int) -> events_pb2.ExecutionEvent:
    return event(rejected=events_pb2.CommandRejected(hold_id=hold_id))


def listed(symbol: str, shard: int = 0) -> events_pb2.ExecutionEvent:
    instrument = market_pb2.Instrument(symbol=symbol, currency="EUR", shard=shard)
    return event(instrument_added=events_pb2.InstrumentAdded(instrument=instrument))


def tick() -> events_pb2.ExecutionEvent:
    return event(tick=events_pb2.Tick())


@dataclass
class Journal:
    """One shard's journal in memory: rows as they would be published."""

    shard: int
    sequence: int = 0
    time_us: int = START_US
    rows: list[bytes] = field(default_factory=list)

    @property
    def next_order(self) -> int:
        return order_id(self.shard, self.sequence + 1)

    def row(self, *events: events_pb2.ExecutionEvent, microseconds: int = 1000) -> bytes:
        """Appends a row; its encoded batch."""
        self.time_us += microseconds
        batch = events_pb2.ExecutionBatch(
            incarnation=INCARNATION,
            epoch=1,
            shard=self.shard,
            first_sequence=self.sequence + 1,
            last_sequence=self.sequence + len(events),
            time_us=self.time_us,
            trading_date=DATE,
            events=events,
        )
        self.sequence += len(events)
        self.rows.append(batch.SerializeToString())
        return self.rows[-1]


@dataclass
class Desk:
    """The use cases, with a journal for each shard."""

    store: db.Store
    holds: Holds
    settlers: dict[int, Settler]
    book: Book
    journals: dict[int, Journal] = field(default_factory=lambda: {shard: Journal(shard) for shard in SYMBOLS})
    numbers: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    async def furnish(self) -> None:
        for shard, symbol in SYMBOLS.items():
            await self.settle(shard, listed(symbol, shard))
        for account in ACCOUNTS:
            await self.book.create_participant(account.partition("/")[0], account)
            await self.book.create_account(account)
            await self.book.deposit(f"{account}-EUR", account, "EUR", CASH)
            for symbol in SYMBOLS.values():
                await self.book.deposit(f"{account}-{symbol}", account, symbol, SHARES)

    async def settle(self, shard: int, *events: events_pb2.ExecutionEvent, microseconds: int = 1000) -> None:
        """Appends a row and settles all that is new."""
        self.journals[shard].row(*events, microseconds=microseconds)
        await self.catch_up(shard)

    async def catch_up(self, shard: int) -> None:
        settler = self.settlers[shard]
        batches = [wire.decode(payload)[0] for payload in self.journals[shard].rows]
        new = [
            wire.shard_batch(batch, settler.cursor.sequence + 1)
            for batch in batches
            if batch.last_sequence > settler.cursor.sequence
        ]
        await settler.settle(new)

    def buy(self, account: str = ACCOUNTS[0], quantity: int = 100, price: int = 10_0000, **fields: Any) -> HoldRequest:
        fields = {"asset": "EUR", "held_price_e4": price, "held_fee_e6": 300, **fields}
        return self._request(account, quantity, fields)

    def sell(self, account: str = ACCOUNTS[1], quantity: int = 100, **fields: Any) -> HoldRequest:
        fields = {"asset": SYMBOLS[fields.get("shard", 0)], **fields}
        return self._request(account, quantity, fields)

    def _request(self, account: str, quantity: int, fields: dict[str, Any]) -> HoldRequest:
        client_order_id = fields.pop("client_order_id", "") or f"c{next(self.numbers)}"
        values: dict[str, Any] = {
            "trading_date": DATE,
            "shard": 0,
            "held_price_e4": 0,
            "held_fee_e6": 0,
            "amount_e4": 0,
            "replace": False,
            "order_id": 0,
            "original_client_order_id": "",
            **fields,
        }
        values["digest"] = blake2b(repr((account, client_order_id, quantity, fields)).encode(), digest_size=16).digest()
        return HoldRequest(account=account, client_order_id=client_order_id, quantity=quantity, **values)

    async def hold(self, *requests: HoldRequest) -> list[HoldResult]:
        return await self.holds.create(INCARNATION, list(requests))

    async def open(self, request: HoldRequest) -> tuple[int, HoldResult]:
        """Holds, and settles the acceptance; the order's id."""
        (hold,) = await self.hold(request)
        order = self.journals[request.shard].next_order
        await self.settle(request.shard, accepted(order, hold, request))
        return order, hold

    def trade(
        self, buy: int, sell: int, price: int, quantity: int, buy_open: int, sell_open: int, fee_e6: int = 300
    ) -> events_pb2.ExecutionEvent:
        """The seller rested; both pay `fee_e6`."""
        amount = fee(price * quantity, fee_e6)
        return event(
            trade=events_pb2.Trade(
                symbol=SYMBOLS[buy >> 48],
                price_e4=price,
                quantity=quantity,
                maker_order_id=sell,
                taker_order_id=buy,
                taker_side=market_pb2.SIDE_BUY,
                maker_fee_e4=amount,
                taker_fee_e4=amount,
                maker_open_quantity=sell_open,
                taker_open_quantity=buy_open,
            )
        )

    async def available(self, account: str, asset: str = "EUR") -> int:
        found, _ = await self.store.balances(account)
        return sum(b.credits_posted - b.debits_posted - b.debits_pending for b in found if b.asset == asset)

    async def held(self, account: str, asset: str = "EUR") -> int:
        found, _ = await self.store.balances(account)
        return sum(b.debits_pending for b in found if b.asset == asset)


def cost(price: int, quantity: int, fee_e6: int = 300) -> int:
    return worst(price, quantity, fee_e6)
