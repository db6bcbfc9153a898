"""PostgreSQL: balances locked in id order, rows written by COPY and unnest, a few statements a batch.

A package, as each kind of batch has its own statements. Settlement locks its cursor first and the balances last; all who book
transfers take turns (a transaction's advisory lock), so positions grow in the order of commits.
"""

from collections.abc import AsyncIterator, Sequence
from contextlib import AbstractAsyncContextManager
from pathlib import Path

from chassis import database
from svc_ledger.core.holds import HoldRequest, Key, Refused
from svc_ledger.core.records import Transfer
from svc_ledger.db import holding, reading, rows, settling, transferring
from svc_ledger.db.connection import Hot
from svc_ledger.db.names import Names
from svc_ledger.ports import Balance, Cursor, Entry, ExportPart, ShardBatch

SCHEMA = str(Path(__file__).parents[1] / "schema" / "versions")
STOP = (
    "UPDATE cursors SET stopped_sequence = %s, stopped_reason = %s, stopped_message = %s "
    "WHERE shard = %s AND incarnation = %s AND sequence = %s"
)
CREATE_PARTICIPANT = (
    "WITH made AS (INSERT INTO participants (name, title) VALUES (%(name)s, %(title)s) ON CONFLICT DO NOTHING RETURNING title) "
    "SELECT title FROM made UNION ALL SELECT title FROM participants WHERE name = %(name)s LIMIT 1"
)
CREATE_ACCOUNT = (
    "INSERT INTO accounts (name, participant) SELECT %s, name FROM participants WHERE name = %s ON CONFLICT DO NOTHING"
)


async def migrate(url: str, name: str) -> None:
    """Waits for PostgreSQL, refuses one that may lose commits, and brings the schema to its newest revision."""
    await database.wait_ready(url, name)
    await database.require_durable(url, name)
    await database.migrate(url, SCHEMA)


class Store:
    """The ledger's tables; see ports.Store."""

    def __init__(self, url: str, name: str, hold_seconds: float) -> None:
        self._url = url
        self._name = name
        self._hold_us = int(hold_seconds * 1_000_000)
        self._holding = Hot(url, f"{name}/holds")
        self._settling: dict[int, Hot] = {}
        self._transferring = Hot(url, f"{name}/transfers")
        self._reading = Hot(url, f"{name}/reads")
        self._hold_ids = holding.HoldIds()
        self.names = Names(Hot(url, f"{name}/names"))

    async def open(self) -> None:
        """Reads the names."""
        await self.names.load()

    async def close(self) -> None:
        """Closes all connections."""
        hots = (self._holding, self._transferring, self._reading, self.names.hot, *self._settling.values())
        for hot in hots:
            await hot.close()

    def holding(self, requests: Sequence[HoldRequest]) -> AbstractAsyncContextManager[holding.Batch]:
        """Locks balances and finds holds for a batch of requests."""
        return holding.holding(self._holding, self.names, self._hold_ids, self._hold_us, requests)

    def settling(self, before: Cursor, batch: ShardBatch) -> AbstractAsyncContextManager[settling.Batch]:
        """Locks a shard's cursor and finds the holds that its events name."""
        hot = self._settling.get(batch.shard)
        if hot is None:
            hot = self._settling[batch.shard] = Hot(self._url, f"{self._name}/settle-{batch.shard}")
        return settling.settling(hot, self.names, before, batch)

    def transferring(self, transfers: Sequence[Transfer], kind: int) -> AbstractAsyncContextManager[transferring.Batch]:
        """Locks balances and finds transfers for a batch of transfers."""
        return transferring.transferring(self._transferring, self.names, transfers, kind)

    async def cursors(self) -> dict[int, Cursor]:
        """How far each shard is settled."""
        async with self._reading.transaction() as connection:
            return rows.cursors(await (await connection.execute(rows.CURSORS)).fetchall())

    async def stop(self, cursor: Cursor, sequence: int, why: Refused) -> None:
        """Keeps why settlement of a shard stopped, behind its cursor."""
        async with self._reading.transaction() as connection:
            values = [sequence, why.reason, why.message, cursor.shard, cursor.incarnation, cursor.sequence]
            await connection.execute(STOP, values)

    async def create_participant(self, name: str, title: str) -> str:
        """Creates a participant if there is none; the title that it has."""
        async with self._reading.transaction() as connection:
            row = await (await connection.execute(CREATE_PARTICIPANT, {"name": name, "title": title})).fetchone()
            return title if row is None else str(row[0])

    async def participants(self, after: str, limit: int) -> list[tuple[str, str]]:
        """A page of participants."""
        async with self._reading.transaction() as connection:
            return await reading.participants(connection, after, limit)

    async def create_account(self, account: str, participant: str) -> bool:
        """Creates an account if there is none; False if the participant does not exist."""
        async with self._reading.transaction() as connection:
            await connection.execute(CREATE_ACCOUNT, [account, participant])
        return await self.has_account(account)

    async def has_account(self, account: str) -> bool:
        """Whether the account exists."""
        return await self.names.has_account(account)

    async def has_instrument(self, symbol: str) -> bool:
        """Whether settlement has come to an instrument of this symbol."""
        return await self.names.has_instrument(symbol)

    async def accounts(self, participant: str, after: str, limit: int) -> list[str]:
        """A page of account names."""
        async with self._reading.transaction() as connection:
            return await reading.accounts(connection, participant, after, limit)

    async def ensure_balances(self, keys: Sequence[Key]) -> None:
        """Makes the ledger accounts that are missing, of new assets too."""
        await self.names.make(keys)

    async def balances(self, account: str) -> tuple[list[Balance], dict[int, Cursor]]:
        """An account's balances, and the cursors that they are of."""
        async with self._reading.transaction() as connection:
            return await reading.balances(connection, account)

    async def entries(self, account: str, asset: str, after: int, limit: int) -> list[Entry]:
        """A page of an account's statement."""
        async with self._reading.transaction() as connection:
            return await reading.entries(connection, account, asset, after, limit)

    def export(self) -> AsyncIterator[ExportPart]:
        """The whole ledger out of one snapshot."""
        return reading.export(self._url, f"{self._name}/export", self.names)
