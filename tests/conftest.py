"""A real PostgreSQL and a real NATS for the tests that want them, one of each for each process of the run; and a whole exchange."""

import itertools
import signal
import tempfile
from collections.abc import AsyncIterator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import nats as nats_client
import pytest
from hypothesis import settings
from xdist.scheduler import LoadScopeScheduling

from cli.machine import Machine
from tests.exchange import Exchange, running_exchange
from tests.servers import WITH_TABLES, Database, NatsServer

# The same examples each time: what is released is judged by its code, not by a draw, and not by how busy the machine is.
# New ones: make test ARGS="--hypothesis-profile=default --hypothesis-seed=7"
settings.register_profile("same", derandomize=True, deadline=None, database=None, print_blob=True)
settings.load_profile("same")

SHARDS = 4
SHARED = {"test_reflection.py": "cli"}  # They look at the same exchange.
numbers = itertools.count(1)


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--rewrite", action="store_true", help="write transcripts as they are now")


def pytest_configure() -> None:
    """Who ends a run by SIGTERM, as `timeout` does, ends it as by Ctrl-C: with all that its tests have started."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)


class ByFolder(LoadScopeScheduling):
    """`make test` runs in two processes, each with its own servers. The tests of a folder are one after the other in one of them:
    they share an exchange, or may not run beside each other (a user's inotify limit allows two or three meshes).
    """

    def _split_scope(self, nodeid: str) -> str:
        place = nodeid.partition("::")[0].split("/")[1]
        return SHARED.get(place, place)


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> ByFolder:
    return ByFolder(config, log)


@pytest.fixture(scope="session")
def machine() -> Iterator[Machine]:
    """A machine with PostgreSQL and NATS alone. It ends with the test run, also when that is killed."""
    machine = Machine(Path(tempfile.mkdtemp(prefix="bourse-test-")))
    machine.start(["postgres", "nats"], shards=SHARDS, mesh=False, leash=True)
    template = Database(machine, WITH_TABLES)
    template.create(empty=True)
    template.migrate()
    yield machine
    machine.stop()
    machine.home.remove()


@pytest.fixture(scope="session")
def exchange() -> Iterator[Exchange]:
    """A running exchange for the tests that only add to it. Who stops or breaks something takes `running_exchange`."""
    with running_exchange() as exchange:
        yield exchange


@pytest.fixture
def postgres(machine: Machine) -> Iterator[Database]:
    """A fresh database for one test, with every service's role and tables."""
    with fresh_database(machine) as database:
        yield database


@pytest.fixture
def empty_postgres(machine: Machine) -> Iterator[Database]:
    """A fresh database for one test, with every service's role and empty schema."""
    with fresh_database(machine, empty=True) as database:
        yield database


@pytest.fixture(scope="module")
def module_postgres(machine: Machine) -> Iterator[Database]:
    """A fresh database for the tests of one module."""
    with fresh_database(machine) as database:
        yield database


@pytest.fixture
async def nats(machine: Machine) -> AsyncIterator[NatsServer]:
    """NATS with no stream in it, and each service's user."""
    server = NatsServer(machine)
    await delete_streams(server)
    yield server
    await delete_streams(server)


async def delete_streams(server: NatsServer) -> None:
    """Leaves NATS without a stream, whoever made one."""
    connection = await nats_client.connect(server.url("administrator"), inbox_prefix="_INBOX.administrator")
    jetstream = connection.jetstream()
    for stream in await jetstream.streams_info():
        assert stream.config.name is not None
        await jetstream.delete_stream(stream.config.name)
    await connection.close()


@contextmanager
def fresh_database(machine: Machine, *, empty: bool = False) -> Iterator[Database]:
    database = Database(machine, f"test_{next(numbers)}")
    database.create(empty=empty)
    yield database
    database.drop()
