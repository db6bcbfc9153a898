"""A ledger on a real PostgreSQL, without its process."""

from collections.abc import AsyncIterator

import pytest

from svc_ledger import db
from svc_ledger.app import Book, Holds, Settler
from tests.servers import Database
from tests.svc_ledger.desk import Desk

HOLD_SECONDS = 5.0
EMPTY = """
DELETE FROM holds; DELETE FROM transfers; DELETE FROM failed_transfers; DELETE FROM cursors; DELETE FROM instruments;
DELETE FROM balances; DELETE FROM accounts WHERE participant <> 'exchange'; DELETE FROM participants WHERE name <> 'exchange'
"""


@pytest.fixture
async def store(module_postgres: Database) -> AsyncIterator[db.Store]:
    """The tables, empty."""
    with module_postgres.connect("svc_ledger") as connection:
        connection.execute(EMPTY)
    store = db.Store(module_postgres.url("svc_ledger"), "svc_ledger", HOLD_SECONDS)
    await store.open()
    yield store
    await store.close()


@pytest.fixture
async def desk(store: db.Store) -> Desk:
    """Accounts with money and shares, two shards with an instrument each, and all use cases."""
    settlers = {shard: Settler(store, shard) for shard in (0, 1)}
    desk = Desk(store, Holds(store, HOLD_SECONDS), settlers, Book(store, settlers))
    await desk.furnish()
    return desk
