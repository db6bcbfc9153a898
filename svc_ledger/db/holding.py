"""A batch of holds: balances locked and holds looked up in one round trip, rows by COPY, balances by unnest."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager

from svc_ledger.core.holds import LIVE, Hold, HoldRequest, Known, State
from svc_ledger.db import rows
from svc_ledger.db.connection import Connection, Hot, copy_text, escaped, integers
from svc_ledger.db.names import Names
from svc_ledger.ports import Cursor

HOLD_ID_BLOCK = 4096  # the sequence's increment
FIND_HOLDS = (
    f"SELECT {rows.HOLD_COLUMNS} FROM unnest(%s::int4[], %s::int4[], %s::text[]) AS asked(a, d, c) "
    "JOIN holds ON account_id = a AND trading_date = d AND client_order_id = c"
)
# Of orders that are open, whichever date they are from: the dates of an account are found one by one, by the index of identities.
FIND_EARLIER = (
    f"SELECT {rows.HOLD_COLUMNS} FROM unnest(%s::int4[], %s::text[]) AS asked(a, c) CROSS JOIN LATERAL ("
    "WITH RECURSIVE dates(d) AS (SELECT max(trading_date) FROM holds WHERE account_id = a UNION ALL "
    "SELECT (SELECT max(trading_date) FROM holds WHERE account_id = a AND trading_date < d) FROM dates WHERE d IS NOT NULL) "
    f"SELECT holds.* FROM dates JOIN holds ON account_id = a AND trading_date = d AND client_order_id = c "
    f"WHERE state = {State.BOUND:d} AND order_id IS NOT NULL) AS found"
)
COPY_HOLDS = (
    "COPY holds (hold_id, deadline_us, amount, remaining, price_e4, quantity, executed, account_id, balance_id, "
    "trading_date, fee_e6, shard, attempt, state, by_amount, fixed_price, client_order_id, digest) FROM STDIN"
)
RESERVE = (
    "UPDATE balances SET debits_pending = debits_pending + u.p FROM unnest(%s::int4[], %s::int8[]) AS u(id, p) "
    "WHERE balance_id = u.id"
)


class HoldIds:
    """Hold ids, a block from the sequence at a time: unique, growing in each process."""

    def __init__(self) -> None:
        self._left = range(0)

    async def take(self, connection: Connection, count: int) -> Iterator[int]:
        """`count` ids or more."""
        if len(self._left) < count:
            row = await (await connection.execute("SELECT nextval('hold_id_blocks')")).fetchone()
            assert row is not None
            self._left = range(row[0], row[0] + HOLD_ID_BLOCK)
        taken, self._left = self._left[:count], self._left[count:]
        return iter(taken)


class Batch:
    """Locked balances and known holds; see ports.HoldBatch."""

    def __init__(
        self, connection: Connection, names: Names, known: Known, cursors: dict[int, Cursor], hold_ids: Iterator[int]
    ) -> None:
        self._connection = connection
        self._names = names
        self.known = known
        self.cursors = cursors
        self.hold_ids = hold_ids

    async def store(self) -> None:
        """Writes the new holds and what they take, and commits."""
        made = self.known.made
        if not made:
            return
        await copy_text(self._connection, COPY_HOLDS, self._rows(made))
        taken: dict[int, int] = {}
        for hold in made:
            if hold.remaining:
                balance_id = self._names.balance_ids[hold.key]
                taken[balance_id] = taken.get(balance_id, 0) + hold.remaining
        async with self._connection.pipeline():
            await self._connection.execute(RESERVE, [integers(taken), integers(taken.values())])
            await self._connection.execute("COMMIT")

    def _rows(self, made: list[Hold]) -> Iterator[str]:
        account_ids, balance_ids = self._names.account_ids, self._names.balance_ids
        for h in made:
            yield (
                f"{h.hold_id}\t{h.deadline_us}\t{h.amount}\t{h.remaining}\t{h.price_e4}\t{h.quantity}\t0\t"
                f"{account_ids[h.key[0]]}\t{balance_ids[h.key]}\t{h.trading_date}\t{h.fee_e6}\t{h.shard}\t{h.attempt}\t"
                f"{h.state:d}\t{h.by_amount:d}\t{h.fixed_price:d}\t{escaped(h.client_order_id)}\t\\\\x{h.digest.hex()}"
            )


@asynccontextmanager
async def holding(
    hot: Hot, names: Names, ids: HoldIds, deadline_us: int, requests: Sequence[HoldRequest]
) -> AsyncIterator[Batch]:
    """Locks what the requests may take, and finds what is known of their identities and of the orders they replace."""
    keys = {(request.account, request.asset) for request in requests}
    keys |= {(request.account, request.symbol) for request in requests if request.replace}
    await names.know(keys)
    balance_ids = [names.balance_ids[key] for key in keys if key in names.balance_ids]
    identities = {(request.trading_date, request.account, request.client_order_id) for request in requests}
    identities |= {
        (r.trading_date, r.account, r.original_client_order_id) for r in requests if r.original_client_order_id
    }
    asked = [
        (names.account_ids[account], date, client_order_id)
        for date, account, client_order_id in identities
        if account in names.account_ids and 0 <= date < 1 << 31 and client_order_id.isprintable()
    ]
    orders = [request.order_id for request in requests if request.order_id]
    async with hot.transaction() as connection:
        hold_ids = await ids.take(connection, len(requests))
        async with connection.pipeline():
            await connection.execute("BEGIN")
            locked = connection.cursor(binary=True)
            await locked.execute(rows.LOCK_BALANCES, [integers(balance_ids)])
            found = connection.cursor(binary=True)
            await found.execute(
                FIND_HOLDS,
                [integers(a for a, _, _ in asked), integers(d for _, d, _ in asked), texts([c for _, _, c in asked])],
            )
            positions = connection.cursor(binary=True)
            await positions.execute(rows.CURSORS)
            by_order = connection.cursor(binary=True)
            if orders:
                await by_order.execute(rows.ORDER_HOLDS, [integers(orders)])
            available = {names.keys[balance_id]: free for balance_id, free in await locked.fetchall()}
            cursors = rows.cursors(await positions.fetchall())
            attempts = await rows.holds(await found.fetchall(), names)
            named = await rows.holds(await by_order.fetchall() if orders else [], names)
        newest: dict[tuple[int, str, str], Hold] = {}
        for hold in sorted(attempts, key=lambda hold: hold.attempt):
            newest[hold.trading_date, hold.key[0], hold.client_order_id] = hold
        known = Known(
            names.account_ids.keys(),
            names.assets,
            available,
            newest,
            {hold.order_id: hold for hold in named},
            {shard: cursor.time_us + deadline_us for shard, cursor in cursors.items() if cursor.stopped is None},
        )
        known.earlier = await _earlier(connection, names, known, requests)
        yield Batch(connection, names, known, cursors, hold_ids)


async def _earlier(
    connection: Connection, names: Names, known: Known, requests: Sequence[HoldRequest]
) -> dict[tuple[str, str], Hold]:
    """The holds of orders from other dates that replaces name by the id that these were placed under."""
    asked: set[tuple[int, str]] = set()
    for request in requests:
        account, name = request.account, request.original_client_order_id
        if not name or request.order_id in known.orders:
            continue
        here = known.newest.get((request.trading_date, account, name))
        if account in names.account_ids and name.isprintable() and (here is None or here.state not in LIVE):
            asked.add((names.account_ids[account], name))
    if not asked:
        return {}
    cursor = connection.cursor(binary=True)
    await cursor.execute(FIND_EARLIER, [integers(account for account, _ in asked), texts([name for _, name in asked])])
    found = await rows.holds(await cursor.fetchall(), names)
    return {(hold.key[0], hold.client_order_id): hold for hold in found}


def texts(values: list[str]) -> str:
    """A PostgreSQL array literal of texts without control characters."""
    if not values:
        return "{}"
    joined = '","'.join(values)
    if "\\" in joined or joined.count('"') != 2 * (len(values) - 1):
        joined = '","'.join(value.replace("\\", "\\\\").replace('"', '\\"') for value in values)
    return '{"' + joined + '"}'
