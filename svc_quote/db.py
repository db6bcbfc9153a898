"""The store on PostgreSQL: the checkpoint, its cursor and the tape in one transaction."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import exc
from sqlalchemy.ext.asyncio import AsyncEngine

from chassis import database
from svc_quote.core.events import Trade
from svc_quote.ports import OtherWriter, StoreDown

SCHEMA = str(Path(__file__).parent / "schema" / "versions")
COLUMNS = ("shard", "symbol", *Trade._fields)
TYPES = ("int4", "text", "int8", "int8", "int8", "int8", "int2", "int8", "int8", "bool")
FIELDS = ", ".join(Trade._fields)

CURSOR = "SELECT incarnation, sequence FROM checkpoints WHERE shard = %s FOR UPDATE"
SAVE = """
INSERT INTO checkpoints (shard, incarnation, sequence, state) VALUES (%s, %s, %s, %s)
ON CONFLICT (shard) DO UPDATE SET sequence = excluded.sequence, state = excluded.state
"""
BEFORE = f"""
SELECT {FIELDS} FROM trades WHERE shard = %s AND symbol = %s AND symbol_sequence < %s
AND busts = 0 ORDER BY symbol_sequence DESC LIMIT %s
"""
AFTER = f"""
SELECT {FIELDS} FROM trades WHERE shard = %s AND symbol = %s AND symbol_sequence > %s AND symbol_sequence <= %s
ORDER BY symbol_sequence LIMIT %s
"""

Connection = psycopg.AsyncConnection[tuple[Any, ...]]


class Tables:
    """The Store port."""

    def __init__(self, engine: AsyncEngine) -> None:
        self._engine = engine

    async def load(self, shard: int) -> bytes | None:
        async with self._transaction() as connection:
            row = await _one(connection, "SELECT state FROM checkpoints WHERE shard = %s", [shard])
        return row[0] if row else None

    async def cursor(self, shard: int) -> tuple[str, int]:
        async with self._transaction() as connection:
            row = await _one(connection, "SELECT incarnation, sequence FROM checkpoints WHERE shard = %s", [shard])
        return (row[0], row[1]) if row else ("", 0)

    async def save(
        self, shard: int, incarnation: str, sequence: int, checkpoint: bytes, trades: list[tuple[str, Trade]]
    ) -> None:
        async with self._transaction() as connection:
            was, stored = await _one(connection, CURSOR, [shard]) or (incarnation, 0)
            if was != incarnation or stored > sequence:
                raise OtherWriter(f"shard {shard}: the store is at {stored} of {was}, this process at {sequence}")
            new = [(shard, symbol, *trade) for symbol, trade in trades if trade.sequence > stored]
            if new:
                await database.copy(connection, "trades", COLUMNS, TYPES, new)
            await connection.execute(SAVE, [shard, incarnation, sequence, checkpoint], binary=True)

    async def drop(self, shard: int) -> None:
        async with self._transaction() as connection:
            await connection.execute("DELETE FROM checkpoints WHERE shard = %s", [shard])
            await connection.execute("DELETE FROM trades WHERE shard = %s", [shard])

    async def trades_before(self, shard: int, symbol: str, symbol_sequence: int, limit: int) -> list[Trade]:
        return await self._trades(BEFORE, [shard, symbol, symbol_sequence, limit])

    async def trades_after(self, shard: int, symbol: str, after: int, until: int, limit: int) -> list[Trade]:
        return await self._trades(AFTER, [shard, symbol, after, until, limit])

    async def _trades(self, query: str, arguments: list[object]) -> list[Trade]:
        async with self._transaction() as connection:
            cursor = await connection.execute(query, arguments)
            return [Trade._make(row) for row in await cursor.fetchall()]

    @asynccontextmanager
    async def _transaction(self) -> AsyncIterator[Connection]:
        try:
            async with self._engine.begin() as connection:
                try:
                    yield await database.raw(connection)
                except psycopg.OperationalError:
                    await connection.invalidate()
                    raise
        except (exc.DBAPIError, exc.TimeoutError, psycopg.OperationalError, OSError) as error:
            raise StoreDown(str(error)) from error


async def _one(connection: Connection, query: str, arguments: list[object]) -> tuple[Any, ...] | None:
    return await (await connection.execute(query, arguments)).fetchone()
