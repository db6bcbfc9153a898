"""What PostgreSQL holds for the services: the database, a role and a schema for each, and no right for anybody else."""

from collections.abc import Callable

import psycopg
from psycopg import sql

from cli.machine.credentials import AUDITOR, Credentials
from cli.machine.home import DATABASE, SERVICES, MachineError

CONNECT_TIMEOUT_SECONDS = 2

Urls = Callable[[str], str]  # of the database with that name, for the administrator


def make(urls: Urls, credentials: Credentials) -> bool:
    """Makes what is missing. False while the server does not answer; MachineError when it refuses."""
    try:
        provision(urls, credentials)
    except psycopg.OperationalError:
        return False
    except psycopg.Error as error:
        raise MachineError(f"the roles and schemas could not be made: {error}") from error
    return True


def answers(url: str) -> bool:
    try:
        connect(url).close()
    except psycopg.OperationalError:
        return False
    return True


def connect(url: str) -> psycopg.Connection:
    """In autocommit."""
    return psycopg.connect(url, autocommit=True, connect_timeout=CONNECT_TIMEOUT_SECONDS)


def provision(urls: Urls, credentials: Credentials) -> None:
    """Repeats change nothing."""
    with connect(urls("postgres")) as server:
        if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
            server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
        for database in (DATABASE, "postgres", "template1"):
            server.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))
        for role in (*SERVICES, AUDITOR):
            provision_role(server, role, credentials.password("postgres", role))
        server.execute(sql.SQL("GRANT pg_read_all_data TO {}").format(sql.Identifier(AUDITOR)))
        server.execute(sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(sql.Identifier(AUDITOR)))
    with connect(urls(DATABASE)) as own:
        own.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
        for service in SERVICES:
            name = sql.Identifier(service)
            own.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {0} AUTHORIZATION {0}").format(name))


def provision_role(server: psycopg.Connection, role: str, password: str) -> None:
    name = sql.Identifier(role)
    if not server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
        server.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, sql.Literal(password)))
    server.execute(sql.SQL("ALTER ROLE {0} SET search_path = {0}").format(name))
    grant_connect(server, DATABASE, role)


def grant_connect(server: psycopg.Connection, database: str, role: str) -> None:
    names = sql.Identifier(database), sql.Identifier(role)
    server.execute(sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(*names))
