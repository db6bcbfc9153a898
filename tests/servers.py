"""The servers of a test run, in the words of a test."""

import asyncio

import psycopg
from psycopg import sql

import svc_ledger.db
import svc_match.db
import svc_order.db
import svc_quote.db
from chassis import database
from cli.machine import Machine
from cli.machine.credentials import ADMINISTRATOR, AUDITOR
from cli.machine.home import DATABASE, SERVICES
from cli.machine.roles import grant_connect

WITH_TABLES = "with_tables"
TABLES = {
    "svc_ledger": svc_ledger.db.SCHEMA,
    "svc_match": svc_match.db.SCHEMA,
    "svc_order": svc_order.db.SCHEMA,
    "svc_quote": svc_quote.db.SCHEMA,
}


class Database:
    """A database of its own on the run's PostgreSQL: role and schema of each service, with its tables and nothing in them."""

    def __init__(self, machine: Machine, name: str) -> None:
        self.name = name
        self._machine = machine

    def url(self, role: str) -> str:
        """For BOURSE_DATABASE_URL. `role` is a service's name."""
        return self._machine.database_url(role, self.name)

    def connect(self, role: str) -> psycopg.Connection:
        """A plain connection in autocommit, to look and to plant."""
        return psycopg.connect(self.url(role), autocommit=True)

    def create(self, *, empty: bool = False) -> None:
        """`empty`: without the tables."""
        with self._server() as server:
            names = sql.Identifier(self.name), sql.Identifier(DATABASE if empty else WITH_TABLES)
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
            server.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(names[0]))
            for role in (*SERVICES, AUDITOR):
                grant_connect(server, self.name, role)

    def migrate(self) -> None:
        """Makes each service's tables, as it does itself at its start."""
        for service, folder in TABLES.items():
            asyncio.run(database.migrate(self.url(service), folder))

    def drop(self) -> None:
        with self._server() as server:
            server.execute(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(self.name)))

    def _server(self) -> psycopg.Connection:
        return psycopg.connect(self._machine.database_url(ADMINISTRATOR, "postgres"), autocommit=True)


class NatsServer:
    """The run's NATS; streams EXEC_0 .. EXEC_3 and MD_0 .. MD_3 may be made in it."""

    def __init__(self, machine: Machine) -> None:
        self._machine = machine

    def url(self, user: str) -> str:
        """For BOURSE_NATS_URL. `user` is a service's name."""
        return self._machine.nats_url(user)
