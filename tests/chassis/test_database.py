"""PostgreSQL as every service meets it: migrations, COPY, time limits, and refusing one that may lose data."""

import asyncio
from pathlib import Path

import psycopg
import pytest

from chassis import database
from cli.machine import Machine
from cli.machine.credentials import ADMINISTRATOR
from tests.servers import TABLES, Database

ROLE = "svc_ledger"
REVISION = """
from alembic import op

revision, down_revision = {revision!r}, {before!r}


def upgrade() -> None:
    op.execute({sql!r})
"""


def revise(folder: Path, revision: str, before: str | None, sql: str) -> None:
    """Writes a revision."""
    (folder / f"{revision}.py").write_text(REVISION.format(revision=revision, before=before, sql=sql))


async def test_processes_that_start_together_migrate_once(empty_postgres: Database, tmp_path: Path) -> None:
    """Several processes migrate at the same time: each revision runs once, in the role's own schema, and a later
    start runs only what is new."""
    revise(tmp_path, "r1", None, "CREATE TABLE rows (n bigint)")
    revise(tmp_path, "r2", "r1", "INSERT INTO rows VALUES (1)")
    url = empty_postgres.url(ROLE)
    await asyncio.gather(*[database.migrate(url, str(tmp_path)) for _ in range(3)])
    revise(tmp_path, "r3", "r2", "INSERT INTO rows VALUES (2)")
    await database.migrate(url, str(tmp_path))
    with empty_postgres.connect(ROLE) as connection:
        assert connection.execute(f"SELECT n FROM {ROLE}.rows ORDER BY n").fetchall() == [(1,), (2,)]
        assert connection.execute(f"SELECT version_num FROM {ROLE}.alembic_version").fetchall() == [("r3",)]


async def test_a_failing_migration_changes_nothing(empty_postgres: Database, tmp_path: Path) -> None:
    """All revisions of a start are one transaction."""
    revise(tmp_path, "r1", None, "CREATE TABLE rows (n bigint)")
    revise(tmp_path, "r2", "r1", "INSERT INTO nowhere VALUES (1)")
    with pytest.raises(Exception, match="nowhere"):
        await database.migrate(empty_postgres.url(ROLE), str(tmp_path))
    with empty_postgres.connect(ROLE) as connection:
        assert connection.execute("SELECT to_regclass('rows')").fetchone() == (None,)


async def test_a_schema_that_is_newest_already_is_left_alone(postgres: Database, tmp_path: Path) -> None:
    """Nothing is loaded or locked for it; revisions whose files do not say plainly which is the last are looked at by Alembic."""
    for folder in TABLES.values():
        texts = [file.read_text() for file in Path(folder).glob("*.py")]
        assert sum(f'down_revision = "{database.newest(folder)}"' in text for text in texts) == 0
    url = postgres.url(ROLE)
    with postgres.connect(ROLE) as connection:
        (newest,) = connection.execute("SELECT version_num FROM alembic_version").fetchone() or ("",)
        assert newest == database.newest(TABLES[ROLE])
        with connection.transaction():
            connection.execute("SELECT pg_advisory_xact_lock(hashtextextended(%s, 0))", [ROLE])
            await asyncio.wait_for(database.migrate(url, TABLES[ROLE]), 10)
    revise(tmp_path, "r1", None, "SELECT 1")
    assert database.newest(str(tmp_path)) == ""


async def test_copy_joins_the_transaction_of_its_connection(postgres: Database) -> None:
    """Rows go in by binary COPY, and go away with a rollback."""
    engine = database.engine(postgres.url(ROLE), "test")
    rows = [(n, f"text {n}", bytes([n])) for n in range(100)]

    async def fill(*, keep: bool) -> None:
        async with engine.connect() as connection, connection.begin() as transaction:
            driver = await database.raw(connection)
            await database.copy(driver, "rows", ["n", "t", "b"], ["int8", "text", "bytea"], rows)
            await (transaction.commit() if keep else transaction.rollback())

    with postgres.connect(ROLE) as look:
        look.execute("CREATE TABLE rows (n bigint, t text, b bytea)")
        await fill(keep=False)
        assert look.execute("SELECT count(*) FROM rows").fetchone() == (0,)
        await fill(keep=True)
        assert look.execute("SELECT n, t, b FROM rows ORDER BY n").fetchall() == rows
    await engine.dispose()


async def test_no_statement_outlives_its_time(postgres: Database) -> None:
    """A statement and a lock wait end at their named limits."""
    async with await database.connect(postgres.url(ROLE), "test", statement_timeout_ms=50) as connection:
        with pytest.raises(psycopg.errors.QueryCanceled):
            await connection.execute("SELECT pg_sleep(10)")


@pytest.mark.parametrize("setting", database.DURABLE)
async def test_a_server_that_may_lose_data_is_refused(machine: Machine, postgres: Database, setting: str) -> None:
    """A server with one of these off is refused, by the setting's name; as we start it, it is accepted."""
    url = postgres.url(ROLE)
    await database.require_durable(url, "test")
    with psycopg.connect(machine.database_url(ADMINISTRATOR, "postgres"), autocommit=True) as server:
        server.execute(f"ALTER SYSTEM SET {setting} = off")
        server.execute("SELECT pg_reload_conf()")
        try:
            with pytest.raises(database.NotDurable, match=f"{setting} = off"):
                await until_refused(url)
        finally:
            server.execute(f"ALTER SYSTEM RESET {setting}")
            server.execute("SELECT pg_reload_conf()")


async def until_refused(url: str) -> None:
    """Asks until the server has read its configuration again."""
    async with asyncio.timeout(10):
        while True:
            await database.require_durable(url, "test")


async def test_waiting_for_a_server_that_is_down_is_bounded_by_the_caller(postgres: Database) -> None:
    """It returns at once when the server answers, and tries on while it does not."""
    await database.wait_ready(postgres.url(ROLE), "test")
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(database.wait_ready("postgresql://nobody@127.0.0.1:1/none", "test"), 0.3)
