"""Connections for hot statements: kept open, made again when they break, one transaction at a time."""

import asyncio
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from typing import Any, TypeAlias

import psycopg
from psycopg import errors

from chassis import database
from svc_ledger.ports import Conflict, DatabaseDown, Forbidden

Connection: TypeAlias = psycopg.AsyncConnection[tuple[Any, ...]]

# Plans are made once, by index, whatever a table's size was when the statement was first run.
PLANS = "SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off; SET jit = off"
CONFLICTS = (errors.UniqueViolation, errors.DeadlockDetected, errors.SerializationFailure, errors.LockNotAvailable)
CUT_OFF = (psycopg.OperationalError, psycopg.InterfaceError)


class Hot:
    """One connection with index plans. `transaction` begins and, unless its block committed, rolls back."""

    def __init__(self, url: str, name: str) -> None:
        self._url = url
        self._name = name
        self._turn = asyncio.Lock()
        self._connection: Connection | None = None

    @asynccontextmanager
    async def transaction(self) -> AsyncIterator[Connection]:
        """The connection, for statements of one transaction; the block sends BEGIN itself (pipelined) and COMMIT."""
        async with self._turn:
            try:
                connection = await self._connected()
                try:
                    yield connection
                except BaseException:
                    await self._roll_back(connection)
                    raise
                await self._roll_back(connection)
            except CONFLICTS as error:
                raise Conflict(str(error)) from error
            except (errors.IntegrityError, errors.DataError) as error:
                raise Forbidden(str(error)) from error
            except CUT_OFF as error:
                raise DatabaseDown(str(error)) from error

    async def close(self) -> None:
        """Closes the connection."""
        if self._connection is not None:
            await self._connection.close()

    async def _connected(self) -> Connection:
        if self._connection is None or not _alive(self._connection):
            self._connection = await database.connect(self._url, self._name)
            self._connection.prepare_threshold = 0
            await self._connection.execute(PLANS, prepare=False)
        return self._connection

    async def _roll_back(self, connection: Connection) -> None:
        """After a block that did not commit; a connection in doubt (cut off in a statement) is thrown away."""
        status = connection.info.transaction_status
        if connection.pgconn.pipeline_status != psycopg.pq.PipelineStatus.OFF:
            await connection.close()  # a call was cancelled in a pipeline, which is not left then
        elif status in (psycopg.pq.TransactionStatus.INTRANS, psycopg.pq.TransactionStatus.INERROR):
            await connection.execute("ROLLBACK")
        elif status is not psycopg.pq.TransactionStatus.IDLE:
            await connection.close()


def _alive(connection: Connection) -> bool:
    """Whether the server has not hung up since the last statement; asks the socket, not the server."""
    try:
        connection.pgconn.consume_input()  # its farewell
        connection.pgconn.consume_input()  # the end
    except psycopg.OperationalError:
        return False
    return not connection.closed


async def copy_text(connection: Connection, statement: str, rows: Iterable[str]) -> None:
    """Appends rows by COPY in text format, all in one write."""
    async with connection.cursor() as cursor, cursor.copy(statement) as stream:
        await stream.write("\n".join(rows) + "\n")


def integers(values: Iterable[int]) -> str:
    """A PostgreSQL array literal of integers: far cheaper than adapting a list."""
    return "{" + ",".join(map(str, values)) + "}"


def escaped(text: str) -> str:
    """Text for a field of COPY in text format; names and ids hold no control characters."""
    return text.replace("\\", "\\\\")
