"""Rows of holds, cursors and locked balances, and the statements that more than one kind of batch shares."""

from typing import Any

from svc_ledger.core.holds import Hold, Key, Refused, State
from svc_ledger.db.connection import Connection, integers
from svc_ledger.db.names import Names
from svc_ledger.ports import Cursor

HOLD_COLUMNS = (
    "hold_id, balance_id, trading_date, client_order_id, attempt, digest, shard, state, deadline_us, amount, remaining, "
    "price_e4, fee_e6, by_amount, coalesce(order_id, 0), quantity, executed, fixed_price"
)
LOCK_BALANCES = (
    "SELECT balance_id, credits_posted - debits_posted - debits_pending FROM balances "
    "WHERE balance_id = ANY(%s::int4[]) ORDER BY balance_id FOR UPDATE"
)
ORDER_HOLDS = f"SELECT {HOLD_COLUMNS} FROM holds WHERE order_id = ANY(%s::int8[])"
CURSORS = "SELECT shard, incarnation, sequence, time_us, stopped_sequence, stopped_reason, stopped_message FROM cursors"
BOOKING_LOCK = 7_203_113
TAKE_TURN = f"SELECT pg_advisory_xact_lock({BOOKING_LOCK})"
TAKE_POSITIONS = "SELECT setval('transfer_positions', nextval('transfer_positions') + %s - 1) - %s + 1"

STATES = {int(state): state for state in State}


def hold(row: tuple[Any, ...], keys: dict[int, Key]) -> Hold:
    """A hold from HOLD_COLUMNS; its balance must be in `keys`."""
    (id_, balance_id, date, client, attempt, digest, shard, state, deadline, amount, left, *rest) = row
    price, fee, by_amount, order_id, quantity, executed, fixed_price = rest
    return Hold(
        id_,
        keys[balance_id],
        date,
        client,
        attempt,
        digest,
        shard,
        STATES[state],
        deadline,
        amount,
        left,
        price,
        fee,
        by_amount,
        order_id,
        quantity,
        executed,
        fixed_price,
    )


async def holds(rows: list[tuple[Any, ...]], names: Names) -> list[Hold]:
    """Holds from rows; reads names again if one is new."""
    if any(row[1] not in names.keys for row in rows):
        await names.load()
    return [hold(row, names.keys) for row in rows]


def cursors(rows: list[tuple[Any, ...]]) -> dict[int, Cursor]:
    """Cursors by shard."""
    found = {}
    for shard, incarnation, sequence, time_us, stopped_sequence, reason, message in rows:
        stopped = None if reason is None else Refused(reason, message, {"sequence": str(stopped_sequence)})
        found[shard] = Cursor(shard, incarnation, sequence, time_us, stopped)
    return found


async def positions(connection: Connection, count: int) -> int:
    """The first of `count` positions, in the order of commits: it waits for its turn until the transaction before ends."""
    await connection.execute(TAKE_TURN)
    row = await (await connection.execute(TAKE_POSITIONS, [count, count])).fetchone()
    assert row is not None
    return int(row[0])


async def lock(connection: Connection, ids: list[int], names: Names) -> dict[Key, int]:
    """Locks balances in id order; what is available in each."""
    cursor = connection.cursor(binary=True)
    await cursor.execute(LOCK_BALANCES, [integers(ids)])
    return {names.keys[balance_id]: available for balance_id, available in await cursor.fetchall()}
