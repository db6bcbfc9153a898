"""A ledger on a real PostgreSQL, without its process."""

from collections.abc import AsyncIterator

import pytest

from svc_ledger import db
from svc_ledger.app import Book, Holds, Settler
from tests.servers import Database
from tests.svc_ledger.desk import Desk

HOLD_SECONDS = 5.0


@pytest.fixture
async def store(postgres: Database) -> AsyncIterator[db.Store]:
    """The migrated tables."""
    await db.migrate(postgres.url("svc_ledger"), "svc_ledger")
    store = db.Store(postgres.url("svc_ledger"), "svc_ledger", HOLD_SECONDS)
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
