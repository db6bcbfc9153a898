"""Reads: pages by key, balances with the cursors that they are of, and the whole ledger out of one snapshot."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing
from typing import Any

from chassis import database
from svc_ledger.core.holds import Hold
from svc_ledger.core.settlement import Posting
from svc_ledger.db import rows
from svc_ledger.db.connection import CUT_OFF, Connection
from svc_ledger.db.names import Names
from svc_ledger.ports import Balance, Cursor, DatabaseDown, Entry, ExportPart

EXPORT_ROWS = 2000
PARTICIPANTS = "SELECT name, title FROM participants WHERE name > %s ORDER BY name LIMIT %s"
ACCOUNTS = "SELECT name FROM accounts WHERE name > %s AND (%s = '' OR participant = %s) ORDER BY name LIMIT %s"
BALANCES = (
    "SELECT name, asset, debits_pending, debits_posted, credits_pending, credits_posted "
    "FROM balances JOIN accounts USING (account_id)"
)
# Two index scans, each already in order and cut off: a statement of any length costs a page.
ENTRIES = """
SELECT position, asset, moved, kind, trade_id, coalesce(transfer_id, ''), time_us FROM (
    SELECT b.asset, t.* FROM balances b JOIN accounts a USING (account_id) CROSS JOIN LATERAL (
        SELECT *, -amount AS moved FROM transfers WHERE debit_id = balance_id AND position > %(after)s AND flags & 10 = 0
        ORDER BY debit_id, position LIMIT %(limit)s) t
    WHERE a.name = %(account)s AND (%(asset)s = '' OR b.asset = %(asset)s)
    UNION ALL
    SELECT b.asset, t.* FROM balances b JOIN accounts a USING (account_id) CROSS JOIN LATERAL (
        SELECT *, amount AS moved FROM transfers WHERE credit_id = balance_id AND position > %(after)s AND flags & 10 = 0
        ORDER BY credit_id, position LIMIT %(limit)s) t
    WHERE a.name = %(account)s AND (%(asset)s = '' OR b.asset = %(asset)s)
) both_sides ORDER BY position LIMIT %(limit)s
"""
OPEN_HOLDS = f"SELECT {rows.HOLD_COLUMNS} FROM holds WHERE state IN (1, 2) AND remaining > 0"
TRANSFERS = (
    "SELECT debit_id, credit_id, amount, kind, trade_id, time_us FROM transfers WHERE flags & 10 = 0 ORDER BY position"
)


async def participants(connection: Connection, after: str, limit: int) -> list[tuple[str, str]]:
    """A page of names and titles."""
    cursor = await connection.execute(PARTICIPANTS, [after, limit])
    return [(name, title) for name, title in await cursor.fetchall()]


async def accounts(connection: Connection, participant: str, after: str, limit: int) -> list[str]:
    """A page of account names."""
    cursor = await connection.execute(ACCOUNTS, [after, participant, participant, limit])
    return [name for (name,) in await cursor.fetchall()]


async def balances(connection: Connection, account: str) -> tuple[list[Balance], dict[int, Cursor]]:
    """An account's balances and the cursors, of one snapshot."""
    await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
    found = await (await connection.execute(f"{BALANCES} WHERE name = %s ORDER BY asset", [account])).fetchall()
    cursors = rows.cursors(await (await connection.execute(rows.CURSORS)).fetchall())
    await connection.execute("COMMIT")
    return [Balance(*row) for row in found], cursors


async def entries(connection: Connection, account: str, asset: str, after: int, limit: int) -> list[Entry]:
    """A page of an account's statement, behind a position."""
    values = {"account": account, "asset": asset, "after": after, "limit": limit}
    return [Entry(*row) for row in await (await connection.execute(ENTRIES, values)).fetchall()]


async def export(url: str, name: str, names: Names) -> AsyncIterator[ExportPart]:
    """Cursors, balances, open holds and transfers, in parts, out of one REPEATABLE READ snapshot."""
    try:
        async with aclosing(_export(url, name, names)) as parts:
            async for part in parts:
                yield part
    except CUT_OFF as error:
        raise DatabaseDown(str(error)) from error


async def _export(url: str, name: str, names: Names) -> AsyncGenerator[ExportPart, None]:
    async with await database.connect(url, name) as connection:
        await connection.execute("BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY")
        yield list(rows.cursors(await (await connection.execute(rows.CURSORS)).fetchall()).values())
        await names.load()  # newer than the snapshot, so it names all of it
        async for part in _parts(connection, f"{BALANCES} ORDER BY name, asset"):
            yield [Balance(*row) for row in part]
        async for part in _parts(connection, OPEN_HOLDS):
            found: list[Hold] = [rows.hold(row, names.keys) for row in part]
            yield found
        async for part in _parts(connection, TRANSFERS):
            yield [Posting(names.keys[row[0]], names.keys[row[1]], *row[2:]) for row in part]
        await connection.execute("COMMIT")


async def _parts(connection: Connection, statement: str) -> AsyncIterator[list[tuple[Any, ...]]]:
    async with connection.cursor(name="export") as cursor:
        await cursor.execute(statement)
        while part := await cursor.fetchmany(EXPORT_ROWS):
            yield part
