"""The composition root."""

import gc
from collections.abc import Callable, Coroutine
from contextlib import AsyncExitStack
from functools import partial
from typing import Any

from chassis import process
from chassis.bus import Bus
from chassis.client import to_service
from chassis.peers import callers
from chassis.server import Server
from chassis.settings import read
from svc_ledger import db, rpc
from svc_ledger.app import Book, Holds, Settler, mirror
from svc_ledger.bus import Feed
from svc_ledger.metrics import Metrics
from svc_ledger.settings import Settings

# Batches make many short-lived rows and no cycles: look for those seldom.
GC_THRESHOLD = (50_000, 20, 100)
Work = Callable[[], Coroutine[Any, Any, None]]


async def serve(settings: Settings, running: process.Process) -> None:
    """Listens at once, is ready when PostgreSQL is, drains when told to stop."""
    server = Server(settings.listen, callers(settings), settings.stream_age_seconds)
    async with AsyncExitStack() as resources:
        store = db.Store(settings.database_url, settings.name, settings.hold_seconds)
        resources.push_async_callback(store.close)
        settlers = {shard: Settler(store, shard) for shard in settings.match_shards}
        holds = Holds(store, settings.hold_seconds, settlers)
        bus = Bus(settings.nats_url, settings.name)
        feeds = []
        for shard, address in settings.match_shards.items():
            match = await resources.enter_async_context(to_service(address, settings))
            feeds.append(Feed(shard, settlers[shard], holds, bus, match))
        Metrics(holds, settlers).expose()
        server.add(rpc.SERVICE, rpc.register, rpc.Servicer(holds, Book(store, settlers), server.streams))
        await server.start()
        following: list[Work] = [feed.listen for feed in feeds]
        following += (
            [bus.work, *(feed.work for feed in feeds)] if settings.consume else [partial(mirror, store, settlers)]
        )
        running.spawn(begin(settings, server, store, following, running), "begin")
        await running.stop.wait()
        await server.drain(settings.drain_accept_seconds)
        await running.end_spawned()


async def begin(
    settings: Settings,
    server: Server,
    store: db.Store,
    following: list[Work],
    running: process.Process,
) -> None:
    """Waits for PostgreSQL, then starts everything that runs for ever, and says when it is ready."""
    await db.migrate(settings.database_url, settings.name)
    await store.open()
    for work in following:
        running.spawn(work())
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)
    await server.ready()


if __name__ == "__main__":
    settings = read(Settings)
    process.run(settings, lambda running: serve(settings, running))
