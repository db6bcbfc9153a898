"""PostgreSQL as the services find it."""

import psycopg
import pytest

from cli.machine import Machine
from cli.machine.home import SERVICES
from tests.servers import Database


def test_what_is_acknowledged_is_on_disk(postgres: Database) -> None:
    """fsync, full_page_writes and synchronous_commit are on."""
    with postgres.connect("svc_match") as connection:
        for setting in ("fsync", "full_page_writes", "synchronous_commit"):
            assert connection.execute(f"SHOW {setting}").fetchone() == ("on",), setting


@pytest.mark.parametrize("service", SERVICES)
def test_a_service_has_its_own_schema_and_no_other(postgres: Database, service: str) -> None:
    """Names without a schema are of the service's own; it can neither read, nor make anything in, another's."""
    other = SERVICES[SERVICES.index(service) - 1]
    with postgres.connect(other) as connection:
        connection.execute("CREATE TABLE secret (value int)")
    with postgres.connect(service) as connection:
        connection.execute("CREATE TABLE mine (value int)")
        row = connection.execute("SELECT schemaname FROM pg_tables WHERE tablename = 'mine'").fetchone()
        assert row == (service,)
        for statement in (
            f"SELECT * FROM {other}.secret",
            f"CREATE TABLE {other}.planted (value int)",
            "CREATE TABLE public.planted (value int)",
            "CREATE SCHEMA planted",
            "CREATE DATABASE planted",
            "CREATE ROLE planted",
        ):
            with pytest.raises(psycopg.errors.InsufficientPrivilege):
                connection.execute(statement)


def test_the_auditor_reads_everything_and_changes_nothing(postgres: Database) -> None:
    """Reconciliation works with rights to read alone."""
    with postgres.connect("svc_ledger") as connection:
        connection.execute("CREATE TABLE account (balance int)")
    with postgres.connect("auditor") as auditor:
        assert auditor.execute("SELECT * FROM svc_ledger.account").fetchall() == []
        auditor.execute("SET default_transaction_read_only = off")
        with pytest.raises(psycopg.errors.InsufficientPrivilege):
            auditor.execute("INSERT INTO svc_ledger.account VALUES (1)")


def test_nobody_comes_in_without_the_password(machine: Machine) -> None:
    """A wrong password is refused, for a service and for the administrator; services see no other database."""
    url = machine.database_url("svc_order")
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(url.replace(machine.credentials.password("postgres", "svc_order"), "guess"))
    with pytest.raises(psycopg.OperationalError, match="password authentication failed"):
        psycopg.connect(machine.database_url("administrator").replace(":", ":x", 2).replace("x//", "//", 1))
    with pytest.raises(psycopg.OperationalError, match="permission denied for database"):
        psycopg.connect(machine.database_url("svc_order", "postgres"))
