"""The journal in PostgreSQL: one writer a shard, fenced by an advisory lock, an epoch and a continuity check.

Crash-only: whatever a statement of the leader answers but "one row", the process must end (NotLeader) and the next one
recovers from the journal. All connections are opened before the lease names them, and none is ever opened again.
"""

import asyncio
import struct
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from hashlib import blake2b
from itertools import pairwise
from pathlib import Path
from typing import Any, TypeAlias

import psycopg
import structlog
from psycopg.types.numeric import Int4, Int8

from chassis import database
from svc_match.core import identity
from svc_match.ports import JournalDamaged, NotLeader, Row, Snapshot

READERS = 4
SNAPSHOTS_KEPT = 3
DRAFT_PIECE_BYTES = 1 << 20
PAGE_ROWS = 256
IDENTITY_PAGE_ROWS = 1024
TAKEOVER_SECONDS = 10.0
TAKEOVER_RETRY_SECONDS = 0.02
RECOVERY_TIMEOUT_MS = 60_000
LOCK_CLASS = 0x6A6E6C  # the first key of the advisory locks of shards; the second is the shard
CHECKSUM_BYTES = 16
IDENTITY_BYTES = 16
SCHEMA = str(Path(__file__).parent / "schema" / "versions")

log = structlog.get_logger()
Connection: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]

COLUMNS = (
    "shard, first_sequence, last_sequence, incarnation, epoch, time_us, semantics, identity_date, "
    "commands, identities, executions, market_data, symbols, traces, checksum"
)
# The lease row is locked FOR SHARE: a takeover's UPDATE waits for this insert, and after it this insert finds no row.
APPEND = f"""
    WITH leader AS MATERIALIZED (SELECT FROM lease WHERE shard = %(shard)s AND epoch = %(epoch)s FOR SHARE)
    INSERT INTO journal ({COLUMNS}, size)
    SELECT %(shard)s, %(first_sequence)s, %(last_sequence)s, %(incarnation)s, %(epoch)s, %(time_us)s, %(semantics)s,
        %(identity_date)s, %(commands)b, %(identities)b, %(executions)b::bytea[], %(market_data)b::bytea[],
        %(symbols)s::text[], %(traces)s::text[], %(checksum)b, %(size)s
    FROM leader
    WHERE %(first_sequence)s - 1 = coalesce(
        (SELECT last_sequence FROM journal WHERE shard = %(shard)s ORDER BY first_sequence DESC LIMIT 1), 0)
"""
PAGE = f"""
    SELECT {COLUMNS} FROM journal JOIN (
        SELECT first_sequence AS first, sum(size) OVER (ORDER BY first_sequence) - size AS before FROM (
            SELECT first_sequence, size FROM journal
            WHERE shard = %(shard)s AND first_sequence >= coalesce(
                (SELECT max(first_sequence) FROM journal WHERE shard = %(shard)s AND first_sequence <= %(sequence)s), 0)
            ORDER BY first_sequence LIMIT {PAGE_ROWS}) AS sizes
    ) AS page ON shard = %(shard)s AND first_sequence = first
    WHERE before < %(bytes_limit)s AND last_sequence >= %(sequence)s ORDER BY first_sequence
"""
SAVE = """
    WITH leader AS MATERIALIZED (SELECT FROM lease WHERE shard = %(shard)s AND epoch = %(epoch)s FOR SHARE)
    INSERT INTO snapshot (shard, sequence, epoch, semantics, time_us, row_checksum, state, checksum)
    SELECT %(shard)s, %(sequence)s, %(epoch)s, %(semantics)s, %(time_us)s, %(row_checksum)b, state, %(checksum)b
    FROM leader, (SELECT state FROM snapshot_draft WHERE shard = %(shard)s) AS draft
    WHERE (%(sequence)s, %(row_checksum)b) = (SELECT last_sequence, checksum FROM journal
        WHERE shard = %(shard)s AND first_sequence <= %(sequence)s ORDER BY first_sequence DESC LIMIT 1)
    ON CONFLICT (shard, sequence) DO UPDATE SET epoch = EXCLUDED.epoch, semantics = EXCLUDED.semantics,
        state = EXCLUDED.state, checksum = EXCLUDED.checksum
"""
# The binary format of COPY: its signature with no flags and no extension, and what ends it.
COPY_BEGIN = b"PGCOPY\n\xff\r\n\0" + bytes(8)
COPY_END = b"\xff\xff"
FORGET = """
    DELETE FROM snapshot WHERE shard = %(shard)s AND sequence < (
        SELECT min(sequence) FROM (SELECT sequence FROM snapshot WHERE shard = %(shard)s
            ORDER BY sequence DESC LIMIT %(kept)s) AS newest)
"""


class PostgresJournal:
    """The journal of one shard, led by this process since `take_over`."""

    def __init__(self, shard: int, epoch: int, incarnation: str, writer: Connection, keeper: Connection) -> None:
        self.shard = shard
        self.epoch = epoch
        self.incarnation = incarnation
        self._writer = writer
        self._keeper = keeper
        self._readers: asyncio.Queue[Connection] = asyncio.Queue()

    async def append(self, row: Row) -> Row:
        """Commits the row behind the last one, and returns it with its checksum; raises NotLeader unless it is known
        to be committed.
        """
        row = replace(row, checksum=row_checksum(row))
        await self._one_row(
            self._writer, APPEND, _values(row, Row) | {"size": Int8(row.size)}, f"row {row.first_sequence}"
        )
        return row

    async def rows(self, sequence: int, bytes_limit: int) -> list[Row]:
        """Rows from the one that holds `sequence` on; each is checked, and that none is missing between them."""
        values = {"shard": Int4(self.shard), "sequence": Int8(sequence), "bytes_limit": Int8(bytes_limit)}
        rows = [_checked(Row(*record)) for record in await self._read(PAGE, values)]
        for before, behind in pairwise(rows):
            if behind.first_sequence != before.last_sequence + 1:
                raise _damaged(behind, f"does not follow the row that ends at {before.last_sequence}")
        if rows and sequence < rows[0].first_sequence:
            raise _damaged(rows[0], f"is the first, but {sequence} was written before it")
        return rows

    async def first_result(self, identity_date: int, key: int, digest: bytes) -> tuple[bytes, int] | None:
        """Digest and first result's sequence of a command of any trading date; raises JournalDamaged if its row is not what was
        written. A repeat is known by its key or its digest, so that damage to one of them is no other answer.
        """
        records = await self._read(
            f"SELECT {COLUMNS} FROM journal WHERE shard = %s AND identity_date = %s "
            "AND (position(%b IN identities) > 0 OR position(%b IN identities) > 0) ORDER BY first_sequence",
            [Int4(self.shard), Int4(identity_date), key.to_bytes(IDENTITY_BYTES), digest],
        )
        rows = [_checked(Row(*record)) for record in records]
        return next(filter(None, (identity.find_in(row.identities, key) for row in rows)), None)

    async def snapshots(self) -> list[int]:
        """The sequences of the stored snapshots, newest first."""
        records = await self._read(
            "SELECT sequence FROM snapshot WHERE shard = %s ORDER BY sequence DESC", [Int4(self.shard)]
        )
        return [sequence for (sequence,) in records]

    async def snapshot(self, sequence: int) -> Snapshot:
        """A snapshot; raises JournalDamaged if it, or the row that it names, is not what was written."""
        ((*fields, last),) = await self._read(
            "SELECT shard, sequence, epoch, semantics, time_us, row_checksum, state, checksum, "
            "(SELECT checksum FROM journal AS j WHERE j.shard = s.shard AND first_sequence <= sequence "
            "ORDER BY first_sequence DESC LIMIT 1) FROM snapshot AS s WHERE shard = %s AND sequence = %s",
            [Int4(self.shard), Int8(sequence)],
        )
        found = Snapshot(*fields)
        if snapshot_checksum(found) != found.checksum:
            raise JournalDamaged(f"snapshot {sequence} of shard {self.shard} is damaged: its checksum is wrong")
        if last != found.row_checksum:
            raise JournalDamaged(f"snapshot {sequence} of shard {self.shard} names a row that is not in the journal")
        return found

    async def identities(self, after: int, until: int) -> bytes:
        """The identity records of the rows behind sequence `after` up to `until`."""
        async with self._reader() as reader, reader.cursor(binary=True) as cursor:
            await cursor.execute(
                "SELECT identities FROM journal WHERE shard = %s AND first_sequence >= coalesce((SELECT max("
                "first_sequence) FROM journal WHERE shard = %s AND first_sequence <= %s), 0) AND first_sequence <= %s "
                "AND identities <> '' ORDER BY first_sequence",
                [Int4(self.shard), Int4(self.shard), Int8(after), Int8(until)],
            )
            parts: list[bytes] = []
            while page := await cursor.fetchmany(IDENTITY_PAGE_ROWS):
                parts += [records for (records,) in page]
            return b"".join(parts)

    async def table_bytes(self) -> int:
        """The disk space of the journal's table, its TOAST and its indexes; the shards of a database share them."""
        ((size,),) = await self._read("SELECT pg_total_relation_size('journal')", ())
        return int(size)

    async def save(self, snapshot: Snapshot) -> None:
        """Stores a snapshot and drops the oldest ones; raises NotLeader if this process leads no more."""
        checksum = await asyncio.to_thread(snapshot_checksum, snapshot)
        values = _values(replace(snapshot, checksum=checksum, state=b""), Snapshot)
        what = f"snapshot {snapshot.sequence}"
        try:
            await self._draft(snapshot.state)
        except (psycopg.Error, OSError) as error:
            raise NotLeader(f"{what} of shard {self.shard} was not sent: {error}") from error
        await self._one_row(self._keeper, SAVE, values, what)
        await self._keeper.execute(FORGET, {"shard": Int4(self.shard), "kept": Int4(SNAPSHOTS_KEPT)})

    async def _draft(self, state: bytes | memoryview) -> None:
        """Sends a state in pieces: as one parameter it would stop everything else while it is copied."""
        await self._keeper.execute("DELETE FROM snapshot_draft WHERE shard = %s", [Int4(self.shard)])
        async with (
            self._keeper.cursor() as cursor,
            cursor.copy("COPY snapshot_draft (shard, state) FROM STDIN (FORMAT BINARY)") as copy,
        ):
            await copy.write(COPY_BEGIN + struct.pack(">hiii", 2, 4, self.shard, len(state)))
            for start in range(0, len(state), DRAFT_PIECE_BYTES):
                await copy.write(bytes(state[start : start + DRAFT_PIECE_BYTES]))
                await asyncio.sleep(0)
            await copy.write(COPY_END)

    async def close(self) -> None:
        """Ends all connections, and with them the lock."""
        for connection in [self._writer, self._keeper, *(self._readers.get_nowait() for _ in range(READERS))]:
            await connection.close()

    async def _one_row(self, connection: Connection, statement: str, values: Any, what: str) -> None:
        try:
            cursor = await connection.execute(statement, values, prepare=True, binary=True)
        except (psycopg.Error, OSError) as error:
            raise NotLeader(f"{what} of shard {self.shard}: outcome unknown: {error}") from error
        if cursor.rowcount != 1:
            raise NotLeader(f"{what} of shard {self.shard} was not taken: epoch {self.epoch} leads no more, or a gap")

    async def _read(self, statement: str, values: Any) -> list[tuple[Any, ...]]:
        async with self._reader() as reader, reader.cursor(binary=True) as cursor:
            await cursor.execute(statement, values, prepare=True)
            return await cursor.fetchall()

    @asynccontextmanager
    async def _reader(self) -> AsyncIterator[Connection]:
        reader = await self._readers.get()
        try:
            yield reader
        except (psycopg.OperationalError, psycopg.InterfaceError) as error:
            raise NotLeader(f"a connection of shard {self.shard} is lost: {error}") from error
        finally:
            self._readers.put_nowait(reader)


async def prepare(url: str, name: str) -> None:
    """Waits for the server, refuses one that may lose what it committed, and makes or updates the tables."""
    await database.wait_ready(url, name)
    await database.require_durable(url, name)
    await database.migrate(url, SCHEMA)


async def take_over(url: str, shard: int) -> PostgresJournal:
    """Leads the shard: ends the old leader's connections, takes its lock, and raises the epoch.

    The caller reads the journal to its end behind this, and answers nothing before a row of the new epoch.
    """
    name = f"svc_match-{shard}"
    writer = await database.connect(url, name)
    keeper, *readers = [
        await database.connect(url, name, statement_timeout_ms=RECOVERY_TIMEOUT_MS) for _ in range(1 + READERS)
    ]
    opened = [writer, keeper, *readers]
    own = [connection.info.backend_pid for connection in opened]
    await keeper.execute("INSERT INTO lease (shard) VALUES (%s) ON CONFLICT DO NOTHING", [shard])
    async with asyncio.timeout(TAKEOVER_SECONDS):
        await _end_old_leader(keeper, shard, own)
        while not await _scalar(keeper, "SELECT pg_try_advisory_lock(%s, %s)", [LOCK_CLASS, shard]):
            await asyncio.sleep(TAKEOVER_RETRY_SECONDS)
            await _end_old_leader(keeper, shard, own)
        await _end_old_leader(keeper, shard, own)
    epoch = await _scalar(
        keeper, "UPDATE lease SET epoch = epoch + 1, pids = %s WHERE shard = %s RETURNING epoch", [own, shard]
    )
    incarnation = await _scalar(keeper, "SELECT incarnation FROM exchange", [])
    journal = PostgresJournal(shard, epoch, incarnation, writer, keeper)
    for reader in readers:
        journal._readers.put_nowait(reader)  # noqa: SLF001
    log.info("leading", shard=shard, epoch=epoch, incarnation=incarnation)
    return journal


async def _end_old_leader(keeper: Connection, shard: int, own: list[int]) -> None:
    """Ends the connections that the lease names. A pid that is another program's by now has another name."""
    cursor = await keeper.execute(
        "SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity, lease WHERE shard = %s AND pid = ANY (pids) "
        "AND pid <> ALL (%s) AND application_name = current_setting('application_name')",
        [shard, own],
    )
    ended = [pid for pid, _ in await cursor.fetchall()]
    if ended:
        log.warning("old_leader_ended", shard=shard, pids=ended)


async def _scalar(connection: Connection, statement: str, values: Sequence[Any]) -> Any:
    cursor = await connection.execute(statement, values)
    record = await cursor.fetchone()
    assert record is not None
    return record[0]


def row_checksum(row: Row) -> bytes:
    """A hash over all columns but itself, lengths included."""
    parts = [row.commands, row.identities, *row.executions, *row.market_data]
    head = (
        row.shard, row.first_sequence, row.last_sequence, row.incarnation, row.epoch, row.time_us, row.semantics,
        row.identity_date, len(row.executions), row.symbols, row.traces,
    )  # fmt: skip
    return _checksum(head, parts)


def snapshot_checksum(snapshot: Snapshot) -> bytes:
    """A hash over all columns but itself."""
    head = (snapshot.shard, snapshot.sequence, snapshot.epoch, snapshot.semantics, snapshot.time_us)
    return _checksum(head, [snapshot.row_checksum, snapshot.state])


def _checksum(head: tuple[object, ...], parts: Sequence[bytes | memoryview]) -> bytes:
    checksum = blake2b(repr((head, [len(part) for part in parts])).encode(), digest_size=CHECKSUM_BYTES)
    for part in parts:
        checksum.update(part)
    return checksum.digest()


def _checked(row: Row) -> Row:
    if row_checksum(row) != row.checksum:
        raise _damaged(row, "is damaged: its checksum is wrong")
    return row


def _damaged(row: Row, what: str) -> JournalDamaged:
    return JournalDamaged(f"journal row {row.first_sequence} to {row.last_sequence} of shard {row.shard} {what}")


INT4 = frozenset({"shard", "semantics", "identity_date"})


def _values(record: Row | Snapshot, kind: type[Row | Snapshot]) -> dict[str, Any]:
    """Parameters of fixed types, so that a statement is prepared once."""
    values = {name: getattr(record, name) for name in kind.__slots__}
    for name, value in values.items():
        if isinstance(value, int):
            values[name] = Int4(value) if name in INT4 else Int8(value)
    return values
