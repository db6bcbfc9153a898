"""The composition root."""

import gc
from contextlib import AsyncExitStack

from chassis import process
from chassis.bus import Bus
from chassis.client import to_service
from chassis.peers import callers
from chassis.server import Server
from chassis.settings import read
from svc_ledger import db, rpc
from svc_ledger.app import Book, Holds, Settler
from svc_ledger.bus import Feed
from svc_ledger.metrics import Metrics
from svc_ledger.settings import Settings

# Batches make many short-lived rows and no cycles: look for those seldom.
GC_THRESHOLD = (50_000, 20, 100)


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
        running.spawn(begin(settings, server, store, bus, feeds, running), "begin")
        await running.stop.wait()
        await server.drain(settings.drain_accept_seconds)


async def begin(
    settings: Settings, server: Server, store: db.Store, bus: Bus, feeds: list[Feed], running: process.Process
) -> None:
    """Waits for PostgreSQL, then starts everything that runs for ever, and says when it is ready."""
    await db.migrate(settings.database_url, settings.name)
    await store.open()
    running.spawn(bus.work(), "bus")
    for number, feed in enumerate(feeds):
        running.spawn(feed.work(), f"feed-{number}")
        running.spawn(feed.listen(), f"listen-{number}")
    gc.freeze()
    gc.set_threshold(*GC_THRESHOLD)
    await server.ready()


if __name__ == "__main__":
    settings = read(Settings)
    process.run(settings, lambda running: serve(settings, running))
