"""The Store port in memory, as far as holds and settlement need it: it forgets on exit."""

import itertools
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, field, replace

from svc_ledger.core.holds import Hold, HoldRequest, Key, Known, State
from svc_ledger.core.settlement import Posting, Settlement, below_zero, needs
from svc_ledger.ports import Cursor, CursorMoved, ShardBatch

HOLD_US = 5_000_000


@dataclass
class HoldBatch:
    memory: "Memory"
    known: Known
    cursors: dict[int, Cursor]
    hold_ids: Iterator[int]

    async def store(self) -> None:
        for hold in self.known.made:
            self.memory.holds[hold.hold_id] = hold
            self.memory.balances[hold.key][0] += hold.remaining


@dataclass
class SettleBatch:
    memory: "Memory"
    settlement: Settlement
    candidates: list[Hold]

    async def store(self, after: Cursor) -> None:
        settlement, memory = self.settlement, self.memory
        for key in settlement.moved:
            memory.balances.setdefault(key, [0, 0, 0])
        settlement.cover({key: memory.available(key) for key in settlement.moved})
        assert below_zero({key: memory.available(key) for key in settlement.moved}, settlement.moved) is None
        for key, moved in settlement.moved.items():
            memory.balances[key] = [was + by for was, by in zip(memory.balances[key], moved, strict=True)]
        for hold in settlement.changed.values():
            memory.holds[hold.hold_id] = hold
        memory.postings += settlement.postings
        memory.currencies |= settlement.currencies
        memory.cursor[after.shard] = after


@dataclass
class Memory:
    """`balances[account, asset]` is [debits_pending, debits_posted, credits_posted]."""

    balances: dict[Key, list[int]]
    currencies: dict[str, str]
    holds: dict[int, Hold] = field(default_factory=dict)
    postings: list[Posting] = field(default_factory=list)
    cursor: dict[int, Cursor] = field(default_factory=dict)
    ids: "itertools.count[int]" = field(default_factory=lambda: itertools.count(1))

    def available(self, key: Key) -> int:
        pending, debits, credits_ = self.balances[key]
        return credits_ - debits - pending

    @asynccontextmanager
    async def holding(self, requests: Sequence[HoldRequest]) -> AsyncIterator[HoldBatch]:
        holds = sorted((replace(hold) for hold in self.holds.values()), key=lambda hold: hold.attempt)
        known = Known(
            {account for account, _ in self.balances},
            {asset for _, asset in self.balances},
            {key: self.available(key) for key in self.balances},
            {(hold.trading_date, hold.key[0], hold.client_order_id): hold for hold in holds},
            {hold.order_id: hold for hold in holds if hold.order_id},
            {shard: cursor.time_us + HOLD_US for shard, cursor in self.cursor.items()},
            {
                (hold.key[0], hold.client_order_id): hold
                for hold in holds
                if hold.state is State.BOUND and hold.order_id
            },
        )
        yield HoldBatch(self, known, self.cursor, self.ids)

    @asynccontextmanager
    async def settling(self, before: Cursor, batch: ShardBatch) -> AsyncIterator[SettleBatch]:
        if self.cursor.get(before.shard, Cursor(before.shard)).sequence != before.sequence:
            raise CursorMoved
        hold_ids, order_ids = needs(batch.events)
        holds = {hold.hold_id: replace(hold) for hold in self.holds.values()}
        named = {hold_id: holds[hold_id] for hold_id in hold_ids if hold_id in holds}
        orders = {hold.order_id: hold for hold in holds.values() if hold.order_id in set(order_ids)}
        named |= {hold.hold_id: hold for hold in orders.values()}
        pending = [hold for hold in holds.values() if hold.state is State.PENDING and hold.shard == before.shard]
        yield SettleBatch(self, Settlement(before.shard, named, orders, dict(self.currencies)), pending)
