"""Random holds, fills, replaces (some under way while their order is accepted, filled, replaced or ended) and ends against
two other tellings of the same story.

One is naive: what each account owns, and the worst cost of what each order may still do. The other is TigerBeetle's: each
hold a pending transfer, each trade a linked chain in which two of them end and begin anew.
"""

import asyncio
import random
from dataclasses import dataclass, field
from typing import Any

from hypothesis import given, settings
from hypothesis import strategies as st

from chassis.units import fee, order_id, worst
from svc_ledger.app import Holds, Settler
from svc_ledger.core.holds import HoldRequest, HoldResult, Key, State
from svc_ledger.core.records import (
    CREATED,
    DEBITS_MUST_NOT_EXCEED_CREDITS,
    LINKED,
    PENDING,
    VOID,
    Account,
    Id,
    Transfer,
)
from svc_ledger.core.settlement import FEES, Accepted, Done, Event, Rejected, Replaced, Trade
from svc_ledger.core.transfers import Ledger
from svc_ledger.ports import Cursor, ShardBatch
from tests.svc_ledger.memory import HOLD_US, Memory

INCARNATION = "1" * 32
ACCOUNTS = ("a/x", "a/y", "b/x")
SYMBOL, CASH = "ACME", "EUR"
HOLDS = "exchange/holds"
STEP_US = 300_000
STEPS = 80
# Buy, Sell, by aMount; Accept, reJect; Trade; Done; the clocK; a reQuest again; a rePlace is asked for, and is eXecuted; an
# order is rEstated.
KINDS = "BBSSMAAAAJTTTTPPPXXDKQEE"


@dataclass
class Order:
    """An open order as the naive model has it; `left` is what a buy by amount may still spend; `replaced` counts."""

    request: HoldRequest
    open: int
    price: int
    fee_e6: int
    left: int
    pending: list[Id]
    executed: int = 0
    replaced: int = 0

    @property
    def held(self) -> int:
        return self.needs(self.price, self.open, self.fee_e6)

    def needs(self, price: int, quantity: int, fee_e6: int) -> int:
        """What the order holds at worst, for so many shares at this price."""
        if self.request.asset == SYMBOL:
            return quantity
        return worst(price, quantity, fee_e6) if price else self.left


@dataclass
class Replacing:
    """A replace under way: of the order placed by `placed`, which had been replaced so often when the ledger was asked."""

    placed: HoldRequest
    asked: HoldRequest
    extra: HoldResult
    replaced: int


@dataclass
class Story:
    """The ledger under test, beside both other tellings."""

    memory: Memory
    holds: Holds
    settler: Settler
    owned: dict[Key, int]
    tiger: Ledger
    waiting: list[tuple[HoldRequest, HoldResult]] = field(default_factory=list)
    orders: dict[int, Order] = field(default_factory=dict)
    replacing: list[Replacing] = field(default_factory=list)
    asked: list[HoldRequest] = field(default_factory=list)
    sequence: int = 0
    time_us: int = 1_000_000
    transfers: int = 0

    async def step(self, kind: str, x: int, y: int, z: int) -> None:
        if kind in "BSM":
            await self.hold(self.request(kind, ACCOUNTS[x % 3], y % 50 + 1, z % 20 + 1))
        elif kind == "Q" and self.asked:
            await self.hold(self.asked[x % len(self.asked)])
        elif kind == "K":
            await self.settle([], jump_us=x % (2 * HOLD_US))
        elif kind in "AJ" and self.waiting:
            await self.answer(kind, self.waiting.pop(x % len(self.waiting)))
        elif kind == "P":
            await self.ask_replace(x, y % 60 + 1, z % 25 + 1)
        elif kind == "X" and self.replacing:
            await self.replace(self.replacing.pop(x % len(self.replacing)))
        elif kind == "D" and self.orders:
            await self.end(list(self.orders)[x % len(self.orders)])
        elif kind == "E" and self.orders:
            await self.restate(list(self.orders)[x % len(self.orders)], y, z)
        elif kind == "T":
            await self.trade(x, y, z)

    def request(self, kind: str, account: str, quantity: int, price: int) -> HoldRequest:
        number = len(self.asked)
        asset = SYMBOL if kind == "S" else CASH
        price_e4 = price * 100 if kind == "B" else 0
        amount_e4 = price * 1000 if kind == "M" else 0
        fee_e6 = 0 if kind == "S" else 700
        digest = number.to_bytes(16, "big")
        return HoldRequest(
            20260101, account, f"c{number}", digest, 0, asset, quantity, price_e4, fee_e6, amount_e4, False, 0, ""
        )

    async def hold(self, request: HoldRequest) -> HoldResult:
        known = any(request is other for other in self.asked)
        before = set(self.memory.holds)
        first, second = await self.holds.create(INCARNATION, [request, request])
        assert first == second
        if not known:
            self.asked.append(request)
        if first.state is State.PENDING and first.hold_id not in before:
            if not request.replace:
                self.waiting.append((request, first))
            key = self.memory.holds[first.hold_id].key
            self.book(reserved(f"h{first.hold_id}", key, first.held_amount))
        return first

    async def answer(self, kind: str, waiting: tuple[HoldRequest, HoldResult]) -> None:
        """Accepts or rejects under a hold that still stands."""
        request, hold = waiting
        if self.memory.holds[hold.hold_id].state is not State.PENDING:
            return
        sequence = self.sequence + 1
        if kind == "J":
            self.book(Transfer(self.number(), 0, 0, 0, 0, f"h{hold.hold_id}", VOID, code=0))
            await self.settle([Rejected(sequence, hold.hold_id)])
            return
        order = order_id(0, sequence)
        self.orders[order] = Order(
            request,
            request.quantity,
            hold.held_price_e4,
            hold.held_fee_e6,
            request.amount_e4,
            [f"h{hold.hold_id}"],
        )
        await self.settle(
            [
                Accepted(
                    sequence,
                    order,
                    hold.hold_id,
                    request.account,
                    request.quantity,
                    hold.held_price_e4,
                    hold.held_fee_e6,
                )
            ]
        )

    async def ask_replace(self, x: int, quantity: int, price: int) -> None:
        """Asks the ledger, as svc_order does: as for a buy; by order_id, or by name, which finds an order not settled too."""
        holds = self.memory.holds
        waiting = [(request, 0, 0) for request, hold in self.waiting if holds[hold.hold_id].state is State.PENDING]
        orders = waiting + [(order.request, id_, order.replaced) for id_, order in self.orders.items()]
        orders = [one for one in orders if not one[0].amount_e4]
        if not orders:
            return
        placed, order_id_, replaced = orders[x % len(orders)]
        by_id = order_id_ if x % 2 else 0
        if price % 2:
            price = placed.held_price_e4 // 100 or price
        asked = self.request("B", placed.account, quantity, price)._replace(
            replace=True,
            order_id=by_id,
            original_client_order_id="" if by_id and x % 4 == 1 else placed.client_order_id,
            symbol=SYMBOL,
        )
        extra = await self.hold(asked)
        assert extra.refused is None or extra.refused.reason == "FUNDS_INSUFFICIENT"
        if extra.state in (State.PENDING, State.NOT_NEEDED):
            self.replacing.append(Replacing(placed, asked, extra, replaced))

    async def replace(self, under_way: Replacing) -> None:
        """The core takes it, whenever it comes: late, of no open order, under too small a hold, or Replaced."""
        asked, extra = under_way.asked, under_way.extra
        if extra.hold_id and self.memory.holds[extra.hold_id].state is not State.PENDING:
            return
        sequence = self.sequence + 1
        extras = [f"h{extra.hold_id}"] if extra.hold_id else []
        found = [(id_, order) for id_, order in self.orders.items() if order.request is under_way.placed]
        open_ = asked.quantity - found[0][1].executed if found else 0
        if open_ > 0:
            (order_id_, order) = found[0]
            price = 0 if order.request.asset == SYMBOL else asked.held_price_e4
            needed = order.needs(price, open_, extra.held_fee_e6)
            fits = needed <= order.held + extra.held_amount
            dearer = price >= order.price
            assert fits or order.replaced > under_way.replaced or not dearer, (
                "fills alone never make an extra too small"
            )
        if open_ <= 0 or not fits:
            for pending in extras:
                self.book(Transfer(self.number(), 0, 0, 0, 0, pending, VOID, code=0))
            await self.settle([Rejected(sequence, extra.hold_id)])
            return
        order.open, order.price, order.fee_e6 = open_, price, extra.held_fee_e6
        order.replaced += 1
        for ended in [*order.pending, *extras]:
            self.book(Transfer(self.number(), 0, 0, 0, 0, ended, VOID, code=0))
        key = (order.request.account, order.request.asset)
        order.pending = [self.number()]
        self.book(reserved(order.pending[0], key, order.held))
        await self.settle(
            [Replaced(sequence, order_id_, extra.hold_id, asked.quantity, open_, price, extra.held_fee_e6)]
        )

    async def restate(self, order_id_: int, y: int, z: int) -> None:
        """The exchange lowers the order's price, or takes shares from it, or both."""
        order = self.orders[order_id_]
        if not order.open:
            return
        order.open -= y % order.open
        order.price -= z % order.price if order.price else 0
        order.replaced += 1
        self.book(Transfer(self.number(), 0, 0, 0, 0, order.pending[0], VOID, code=0))
        order.pending = [self.number()]
        self.book(reserved(order.pending[0], (order.request.account, order.request.asset), order.held))
        quantity = order.executed + order.open
        await self.settle([Replaced(self.sequence + 1, order_id_, 0, quantity, order.open, order.price, order.fee_e6)])

    async def end(self, order_id_: int) -> None:
        order = self.orders.pop(order_id_)
        if order.held:
            self.book(Transfer(self.number(), 0, 0, 0, 0, order.pending[0], VOID, code=0))
        await self.settle([Done(self.sequence + 1, order_id_)])

    async def trade(self, x: int, y: int, z: int) -> None:
        buys = [id_ for id_, order in self.orders.items() if order.request.asset == CASH and order.open]
        sells = [id_ for id_, order in self.orders.items() if order.request.asset == SYMBOL and order.open]
        if not buys or not sells:
            return
        buy_id, sell_id = buys[x % len(buys)], sells[y % len(sells)]
        buy, sell = self.orders[buy_id], self.orders[sell_id]
        price = 1 + z % (buy.price or 500)
        quantity = 1 + (x + y) % min(buy.open, sell.open)
        cost, buy_fee, sell_fee = price * quantity, fee(price * quantity, 700), fee(price * quantity, 300)
        if not buy.price and cost + buy_fee > buy.left:
            return
        buy.open, sell.open = buy.open - quantity, sell.open - quantity
        buy.executed, sell.executed = buy.executed + quantity, sell.executed + quantity
        buy.left -= 0 if buy.price else cost + buy_fee
        buyer, seller = buy.request.account, sell.request.account
        self.owned[buyer, CASH] -= cost + buy_fee
        self.owned[seller, CASH] += cost - sell_fee
        self.owned[FEES, CASH] += buy_fee + sell_fee
        self.owned[buyer, SYMBOL] += quantity
        self.owned[seller, SYMBOL] -= quantity
        self.book(*self.chain(buy, sell, quantity, cost, (buy_fee, sell_fee)))
        sequence = self.sequence + 1
        await self.settle(
            [
                Trade(
                    sequence,
                    order_id(0, sequence),
                    self.time_us,
                    SYMBOL,
                    price,
                    quantity,
                    buy_id,
                    sell_id,
                    buy_fee,
                    sell_fee,
                    buy.open,
                    sell.open,
                )
            ]
        )
        for filled in [id_ for id_ in (buy_id, sell_id) if not self.orders[id_].open]:
            await self.end(filled)

    def chain(self, buy: Order, sell: Order, quantity: int, cost: int, fees: tuple[int, int]) -> list[Transfer]:
        """One linked chain: both holds end, cash, shares and fees move, and what the orders still need is held again."""
        buyer, seller = buy.request.account, sell.request.account
        chain = [self.void(buy), self.void(sell)]
        if buyer != seller:
            chain.append(Transfer(self.number(), (buyer, CASH), (seller, CASH), cost, CASH))
            chain.append(Transfer(self.number(), (seller, SYMBOL), (buyer, SYMBOL), quantity, SYMBOL))
        for payer, amount in ((buyer, fees[0]), (seller, fees[1])):
            chain.append(Transfer(self.number(), (payer, CASH), (FEES, CASH), amount, CASH))
        for order in (buy, sell):
            order.pending = [self.number()]
            chain.append(reserved(order.pending[0], (order.request.account, order.request.asset), order.held))
        for link in chain[:-1]:
            link.flags |= LINKED
        return chain

    def void(self, order: Order) -> Transfer:
        return Transfer(self.number(), 0, 0, 0, 0, order.pending[0], VOID, code=0)

    def number(self) -> str:
        self.transfers += 1
        return f"t{self.transfers}"

    def book(self, *transfers: Transfer) -> None:
        assert self.tiger.create_transfers(transfers) == [CREATED] * len(transfers)

    async def settle(self, events: list[Event], jump_us: int = STEP_US) -> None:
        self.sequence, self.time_us = self.sequence + 1, self.time_us + jump_us
        before = {id_: hold.state for id_, hold in self.memory.holds.items()}
        await self.settler.settle([ShardBatch(0, INCARNATION, self.sequence, self.time_us, events)])
        for id_, hold in self.memory.holds.items():
            if hold.state is State.EXPIRED and before[id_] is State.PENDING:
                self.book(Transfer(self.number(), 0, 0, 0, 0, f"h{id_}", VOID, code=0))

    def check(self) -> None:
        """All three tell the same, and nothing is below zero."""
        held = dict.fromkeys(self.memory.balances, 0)
        for order in self.orders.values():
            held[order.request.account, order.request.asset] += order.held
        for hold in self.memory.holds.values():
            assert hold.remaining >= 0
            held[hold.key] += hold.remaining if hold.state is State.PENDING else 0
        for key, (pending, debits, credits_) in self.memory.balances.items():
            account = self.tiger.accounts[key]
            assert (pending, debits, credits_) == (
                account.debits_pending,
                account.debits_posted,
                account.credits_posted,
            ), key
            assert pending == held[key], key
            assert credits_ - debits == self.owned[key] >= pending, key


def reserved(id_: Id, key: Key, amount: int) -> Transfer:
    """A hold as TigerBeetle would have it."""
    return Transfer(id_, key, (HOLDS, key[1]), amount, key[1], flags=PENDING)


def begun() -> Story:
    owned: dict[Key, int] = {(account, CASH): 60_000 for account in ACCOUNTS}
    owned |= {(account, SYMBOL): 100 for account in ACCOUNTS} | {(FEES, CASH): 0, (FEES, SYMBOL): 0}
    memory = Memory({key: [0, 0, amount] for key, amount in owned.items()}, {SYMBOL: CASH})
    memory.cursor[0] = Cursor(0, INCARNATION)
    tiger = Ledger()
    for key, amount in owned.items():
        tiger.accounts[key] = Account(key, key[1], flags=DEBITS_MUST_NOT_EXCEED_CREDITS, credits_posted=amount)
    for asset in (CASH, SYMBOL):
        tiger.accounts[HOLDS, asset] = Account((HOLDS, asset), asset)
    store: Any = memory
    return Story(memory, Holds(store, 5.0), Settler(store, 0), owned, tiger)


@given(st.integers(0, 2**32))
@settings(max_examples=60)
def test_money_and_shares_are_conserved_and_holds_are_exact(seed: int) -> None:
    """After every step the balances are the naive model's and TigerBeetle's, and a hold is its order's worst cost."""

    async def tell() -> None:
        story, chance = begun(), random.Random(seed)
        for _ in range(STEPS):
            await story.step(chance.choice(KINDS), *(chance.randrange(10**6) for _ in range(3)))
            story.check()

    asyncio.run(tell())
