"""PostgreSQL: pools, plain connections for hot statements, COPY, migrations, and what a server must promise."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

import psycopg
import structlog
from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
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
    config = Config()
    config.set_main_option("script_location", "chassis:schema")
    config.set_main_option("version_locations", version_location)
    config.set_main_option("path_separator", "os")
    target = create_engine(_url(url), connect_args=_options("migrate", MIGRATION_TIMEOUT_MS, MIGRATION_TIMEOUT_MS))
    try:
        with target.begin() as connection:
            schema = connection.scalar(text("SELECT current_schema()"))
            if schema is None:
                raise RuntimeError("the role's search_path names no schema; create its schema first")
            connection.execute(text("SELECT pg_advisory_xact_lock(hashtextextended(:key, 0))"), {"key": schema})
            newer = _unknown_revision(connection, schema, config)
            if newer:
                log.warning("schema_newer", schema=schema, revision=newer)
                return
            config.attributes["connection"] = connection
            config.attributes["schema"] = schema
            command.upgrade(config, "head")
    finally:
        target.dispose()


def _unknown_revision(connection: Connection, schema: str, config: Config) -> str:
    """The schema's revision if this code does not have it; empty if it does, or if there is none."""
    options = {"version_table_schema": schema}
    revision = MigrationContext.configure(connection, opts=options).get_current_revision()
    known = {script.revision for script in ScriptDirectory.from_config(config).walk_revisions()}
    return revision if revision is not None and revision not in known else ""


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
