"""A batch of settlement: the shard's cursor locked first, rows by COPY and unnest, the balances locked last."""

from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from svc_ledger.core.holds import Hold
from svc_ledger.core.settlement import Settlement, Unsettleable, below_zero, needs
from svc_ledger.db import rows
from svc_ledger.db.connection import Connection, Hot, copy_text, integers
from svc_ledger.db.names import Names
from svc_ledger.ports import Cursor, CursorMoved, ShardBatch

EXPIRE_INTERVAL_US = 250_000
# A hold written later than this behind its cursor would never expire; a statement ends long before.
EXPIRE_SLACK_US = 30_000_000

MAKE_CURSOR = "INSERT INTO cursors (shard, incarnation, sequence, time_us) VALUES (%s, %s, 0, 0) ON CONFLICT DO NOTHING"
LOCK_CURSOR = "SELECT incarnation, sequence FROM cursors WHERE shard = %s FOR UPDATE"
NAMED_HOLDS = f"SELECT {rows.HOLD_COLUMNS} FROM holds WHERE hold_id = ANY(%s::int8[])"
EXPIRED_HOLDS = (
    f"SELECT {rows.HOLD_COLUMNS} FROM holds "
    "WHERE shard = %s AND order_id IS NULL AND deadline_us >= %s AND deadline_us < %s AND state = 1"
)
COPY_TRANSFERS = "COPY transfers (position, amount, trade_id, time_us, debit_id, credit_id, kind) FROM STDIN"
UPDATE_HOLDS = (
    "UPDATE holds SET state = u.s, order_id = nullif(u.o, 0), remaining = u.r, price_e4 = u.p, fee_e6 = u.f, "
    "quantity = u.q, executed = u.e, fixed_price = u.x FROM unnest(%s::int8[], %s::int2[], %s::int8[], %s::int8[], "
    "%s::int8[], %s::int4[], %s::int8[], %s::int8[], %s::bool[]) AS u(id, s, o, r, p, f, q, e, x) WHERE hold_id = u.id"
)
MOVE_BALANCES = (
    "UPDATE balances SET debits_pending = debits_pending + u.p, debits_posted = debits_posted + u.d, "
    "credits_posted = credits_posted + u.c FROM unnest(%s::int4[], %s::int8[], %s::int8[], %s::int8[]) AS u(id, p, d, c) "
    "WHERE balance_id = u.id"
)
MAKE_INSTRUMENT = (
    "INSERT INTO instruments (symbol, currency, shard) VALUES (%s, %s, %s) ON CONFLICT (symbol) DO NOTHING"
)
MOVE_CURSOR = (
    "UPDATE cursors SET incarnation = %s, sequence = %s, time_us = %s, stopped_sequence = NULL, stopped_reason = NULL, "
    "stopped_message = NULL WHERE shard = %s AND incarnation = %s AND sequence = %s"
)


@dataclass(slots=True)
class Batch:
    """Holds behind a locked cursor; see ports.SettleBatch."""

    connection: Connection
    names: Names
    before: Cursor
    settlement: Settlement
    candidates: list[Hold]

    async def store(self, after: Cursor) -> None:
        """Writes all effects and the cursor, and commits."""
        settlement = self.settlement
        for listed in settlement.listed:
            await self.connection.execute(MAKE_INSTRUMENT, [listed.symbol, listed.currency, self.before.shard])
            self.names.assets.update((listed.symbol, listed.currency))
        await self.names.know(settlement.moved)
        if settlement.takes:
            await self.connection.execute(rows.TAKE_TURN)  # As all do who book: before the balances.
            ids = [self.names.balance_ids[key] for key in settlement.moved]
            settlement.cover(await rows.lock(self.connection, ids, self.names))
        if settlement.postings:
            first = await rows.positions(self.connection, len(settlement.postings))
            await copy_text(self.connection, COPY_TRANSFERS, self._postings(first))
        available = await self._update_holds_and_lock()
        short = below_zero(available, settlement.moved)
        if short is not None:
            raise Unsettleable(after.sequence, "BELOW_ZERO", f"{short[0]} would have less than no {short[1]}")
        await self._move(after)

    async def _update_holds_and_lock(self) -> dict[tuple[str, str], int]:
        changed = self.settlement.changed.values()
        names = self.names
        async with self.connection.pipeline():
            if changed:
                await self.connection.execute(
                    UPDATE_HOLDS,
                    [
                        integers(h.hold_id for h in changed),
                        integers(int(h.state) for h in changed),
                        integers(h.order_id for h in changed),
                        integers(h.remaining for h in changed),
                        integers(h.price_e4 for h in changed),
                        integers(h.fee_e6 for h in changed),
                        integers(h.quantity for h in changed),
                        integers(h.executed for h in changed),
                        integers(int(h.fixed_price) for h in changed),
                    ],
                )
            cursor = self.connection.cursor(binary=True)
            await cursor.execute(
                rows.LOCK_BALANCES, [integers(names.balance_ids[key] for key in self.settlement.moved)]
            )
            return {names.keys[balance_id]: available for balance_id, available in await cursor.fetchall()}

    async def _move(self, after: Cursor) -> None:
        before, moved = self.before, self.settlement.moved
        async with self.connection.pipeline():
            await self.connection.execute(
                MOVE_BALANCES,
                [
                    integers(self.names.balance_ids[key] for key in moved),
                    integers(p for p, _, _ in moved.values()),
                    integers(d for _, d, _ in moved.values()),
                    integers(c for _, _, c in moved.values()),
                ],
            )
            cursor = await self.connection.execute(
                MOVE_CURSOR,
                [after.incarnation, after.sequence, after.time_us, before.shard, after.incarnation, before.sequence],
            )
            await self.connection.execute("COMMIT")
        assert cursor.rowcount == 1, "the cursor is locked, and compared before"

    def _postings(self, first: int) -> Iterator[str]:
        ids = self.names.balance_ids
        for position, (debit, credit, amount, kind, trade_id, time_us) in enumerate(self.settlement.postings, first):
            yield f"{position}\t{amount}\t{trade_id}\t{time_us}\t{ids[debit]}\t{ids[credit]}\t{kind}"


@asynccontextmanager
async def settling(hot: Hot, names: Names, before: Cursor, batch: ShardBatch) -> AsyncIterator[Batch]:
    """Locks the cursor, which must be `before`, and reads the holds that the batch names or may expire."""
    hold_ids, order_ids = needs(batch.events)
    expire = before.time_us // EXPIRE_INTERVAL_US != batch.time_us // EXPIRE_INTERVAL_US
    async with hot.transaction() as connection:
        async with connection.pipeline():
            await connection.execute("BEGIN")
            if not before.sequence:
                await connection.execute(MAKE_CURSOR, [before.shard, batch.incarnation])
            locked = await connection.execute(LOCK_CURSOR, [before.shard])
            named, ordered, expired = (connection.cursor(binary=True) for _ in range(3))
            if hold_ids:
                await named.execute(NAMED_HOLDS, [integers(hold_ids)])
            if order_ids:
                await ordered.execute(rows.ORDER_HOLDS, [integers(order_ids)])
            if expire:
                since = before.time_us - EXPIRE_SLACK_US
                await expired.execute(EXPIRED_HOLDS, [before.shard, since, batch.time_us])
            if await locked.fetchone() != (batch.incarnation, before.sequence):
                raise CursorMoved(f"shard {before.shard} is not at {before.sequence} of {batch.incarnation}")
            by_id = await rows.holds(await named.fetchall() if hold_ids else [], names)
            by_order = await rows.holds(await ordered.fetchall() if order_ids else [], names)
            candidates = await rows.holds(await expired.fetchall() if expire else [], names)
        settlement = Settlement(
            before.shard,
            {hold.hold_id: hold for hold in (*by_id, *by_order)},
            {hold.order_id: hold for hold in by_order},
            dict(names.currencies),
        )
        yield Batch(connection, names, before, settlement, candidates)
        names.currencies.update(settlement.currencies)
