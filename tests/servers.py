"""The servers of a test run, in the words of a test."""

import psycopg
from psycopg import sql

from cli.machine import Machine
from cli.machine.credentials import ADMINISTRATOR, AUDITOR
from cli.machine.home import DATABASE, SERVICES
from cli.machine.roles import grant_connect


class Database:
    """A database of its own on the run's PostgreSQL: role and schema of each service, and nothing in them."""

    def __init__(self, machine: Machine, name: str) -> None:
        self.name = name
        self._machine = machine

    def url(self, role: str) -> str:
        """For BOURSE_DATABASE_URL. `role` is a service's name."""
        return self._machine.database_url(role, self.name)

    def connect(self, role: str) -> psycopg.Connection:
        """A plain connection in autocommit, to look and to plant."""
        return psycopg.connect(self.url(role), autocommit=True)

    def create(self) -> None:
        with self._server() as server:
            names = sql.Identifier(self.name), sql.Identifier(DATABASE)
            server.execute(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(*names))
            server.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(names[0]))
            for role in (*SERVICES, AUDITOR):
                grant_connect(server, self.name, role)

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
