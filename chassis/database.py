"""PostgreSQL: pools, plain connections for hot statements, COPY, migrations, and what a server must promise."""

import asyncio
import re
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import psycopg
import structlog
from sqlalchemy import URL, Connection, create_engine, make_url, text
from sqlalchemy.ext.asyncio import AsyncConnection, AsyncEngine, create_async_engine

POOL_LIMIT = 8
POOL_WAIT_SECONDS = 5.0
CONNECT_SECONDS = 3
STATEMENT_TIMEOUT_MS = 10_000
LOCK_TIMEOUT_MS = 5_000
MIGRATION_TIMEOUT_MS = 60_000
RETRY_MIN_SECONDS = 0.05
RETRY_MAX_SECONDS = 1.0
REVISION = re.compile(r'^revision = "(\w+)"$', re.MULTILINE)
FOLLOWED = re.compile(r'^down_revision = "(\w+)"$', re.MULTILINE)
DURABLE = ("fsync", "full_page_writes", "synchronous_commit")


log = structlog.get_logger()


class NotDurable(Exception):
    """The server may lose what it has committed; the message names the setting."""


def engine(
    url: str,
    name: str,
    *,
    pool_limit: int = POOL_LIMIT,
    statement_timeout_ms: int = STATEMENT_TIMEOUT_MS,
    lock_timeout_ms: int = LOCK_TIMEOUT_MS,
) -> AsyncEngine:
    """A pool of at most `pool_limit` connections; no statement or lock wait outlives its timeout."""
    return create_async_engine(
        _url(url),
        pool_size=pool_limit,
        max_overflow=0,
        pool_timeout=POOL_WAIT_SECONDS,
        pool_pre_ping=True,
        connect_args=_options(name, statement_timeout_ms, lock_timeout_ms),
    )


async def raw(connection: AsyncConnection) -> psycopg.AsyncConnection[tuple[Any, ...]]:
    """The psycopg connection below, inside the same transaction: for COPY and set-wise statements."""
    driver = (await connection.get_raw_connection()).driver_connection
    assert isinstance(driver, psycopg.AsyncConnection)
    return driver


async def connect(
    url: str,
    name: str,
    *,
    statement_timeout_ms: int = STATEMENT_TIMEOUT_MS,
    lock_timeout_ms: int = LOCK_TIMEOUT_MS,
) -> psycopg.AsyncConnection[tuple[Any, ...]]:
    """One autocommit connection outside the pool, which its owner closes."""
    options = _options(name, statement_timeout_ms, lock_timeout_ms)
    return await psycopg.AsyncConnection.connect(url, autocommit=True, **options)


async def copy(
    connection: psycopg.AsyncConnection[Any],
    table: str,
    columns: Sequence[str],
    types: Sequence[str],
    rows: Iterable[Sequence[Any]],
) -> None:
    """Appends `rows` by binary COPY. `types` are PostgreSQL's names for each column ("int8", "text", "bytea")."""
    async with (
        connection.cursor() as cursor,
        cursor.copy(f"COPY {table} ({', '.join(columns)}) FROM STDIN (FORMAT binary)") as stream,
    ):
        stream.set_types(types)
        for row in rows:
            await stream.write_row(row)


async def wait_ready(url: str, name: str) -> None:
    """Returns when the server answers; tries for ever, each try within CONNECT_SECONDS."""
    delay = RETRY_MIN_SECONDS
    while True:
        try:
            async with await connect(url, name) as connection:
                await connection.execute("SELECT 1")
            return
        except psycopg.OperationalError:
            await asyncio.sleep(delay)
            delay = min(2 * delay, RETRY_MAX_SECONDS)


async def require_durable(url: str, name: str) -> None:
    """Raises NotDurable if the server has fsync, full_page_writes or synchronous_commit off for this role."""
    async with await connect(url, name) as connection:
        for setting in DURABLE:
            cursor = await connection.execute("SELECT current_setting(%s)", [setting])
            row = await cursor.fetchone()
            if row is None or row[0] == "off":
                raise NotDurable(f"PostgreSQL has {setting} = off; set it to on: an acknowledged order could be lost")


async def migrate(url: str, version_location: str) -> None:
    """Brings the role's own schema to the newest revision in `version_location`, in one transaction, under an
    advisory lock (so processes that start together take turns). Revisions are plain SQL: `op.execute("...")`.

    A schema at a revision that is not there was made by newer code: it is left as it is. Revisions only add (expand) until
    no version is left that needs what they take away (contract), so two versions serve on one schema.
    """
    await asyncio.to_thread(_migrate, url, version_location)


def _migrate(url: str, version_location: str) -> None:
    target = create_engine(_url(url), connect_args=_options("migrate", MIGRATION_TIMEOUT_MS, MIGRATION_TIMEOUT_MS))
    try:
        with target.begin() as connection:
            schema = connection.scalar(text("SELECT current_schema()"))
            if schema is None:
                raise RuntimeError("the role's search_path names no schema; create its schema first")
            if _revision(connection, schema) == newest(version_location):
                return
            from chassis.schema.upgrade import upgrade  # Alembic is a sixth of what a service loads, and seldom needed.

            connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": schema})
            newer = upgrade(connection, schema, version_location)
            if newer:
                log.warning("schema_newer", schema=schema, revision=newer)
    finally:
        target.dispose()


def _revision(connection: Connection, schema: str) -> str | None:
    """The schema's revision; None when it has none."""
    if connection.scalar(text("SELECT to_regclass(:name)"), {"name": f'"{schema}".alembic_version'}) is None:
        return None
    revision: str | None = connection.scalar(text(f'SELECT version_num FROM "{schema}".alembic_version'))
    return revision


def newest(version_location: str) -> str:
    """The revision that no other one follows; empty when the files do not say it plainly."""
    texts = [file.read_text("utf-8") for file in Path(version_location).glob("*.py")]
    revisions = [match[1] for one in texts if (match := REVISION.search(one))]
    followed = [match[1] for one in texts if (match := FOLLOWED.search(one))]
    last = set(revisions) - set(followed)
    return last.pop() if len(last) == 1 and len(revisions) == len(texts) else ""


def _url(url: str) -> URL:
    return make_url(url).set(drivername="postgresql+psycopg")


def _options(name: str, statement_timeout_ms: int, lock_timeout_ms: int) -> dict[str, Any]:
    return {
        "application_name": name,
        "connect_timeout": CONNECT_SECONDS,
        "keepalives_idle": 5,
        "keepalives_interval": 2,
        "keepalives_count": 3,
        "tcp_user_timeout": 10_000,
        "options": f"-c statement_timeout={statement_timeout_ms} -c lock_timeout={lock_timeout_ms}",
    }
