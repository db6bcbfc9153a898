"""The composition root."""

import gc
from contextlib import AsyncExitStack

from chassis import database, process
from chassis.bus import Bus
from chassis.client import to_service
from chassis.peers import callers
from chassis.server import Server
from chassis.settings import read
from svc_quote import db, rpc
from svc_quote.app import Quotes
from svc_quote.bus import Feed
from svc_quote.fanout import Fanout
from svc_quote.metrics import Metrics
from svc_quote.settings import Settings

COLLECT_AFTER = 50_000  # objects; levels and trades hold no cycles, so the collector finds nothing among them


async def serve(settings: Settings, running: process.Process) -> None:
    """Listens at once, is ready when every shard is followed, drains when told to stop."""
    server = Server(settings.listen, callers(settings), settings.stream_age_seconds)
    async with AsyncExitStack() as resources:
        engine = database.engine(settings.database_url, settings.name)
        resources.push_async_callback(engine.dispose)
        quotes = Quotes(
            settings.match_shards,
            db.Tables(engine),
            checkpoint_seconds=settings.checkpoint_seconds,
            tape_limit=settings.tape_limit,
            writes=settings.consume,
        )
        fanout = Fanout(quotes)
        bus = Bus(settings.nats_url, settings.name)
        feeds = {}
        for number, address in settings.match_shards.items():
            match = await resources.enter_async_context(to_service(address, settings))
            feeds[number] = Feed(number, quotes, bus, match)
        Metrics(quotes, fanout, feeds).expose()
        server.add(rpc.SERVICE, rpc.register, rpc.Servicer(quotes, fanout, server.streams))
        await server.start()
        running.spawn(follow(settings, server, quotes, bus, feeds, running), "follow")
        await running.stop.wait()
        await server.drain(settings.drain_accept_seconds)
        await quotes.finish()
        await running.end_spawned()


async def follow(
    settings: Settings, server: Server, quotes: Quotes, bus: Bus, feeds: dict[int, Feed], running: process.Process
) -> None:
    """Recovers, then starts everything that runs for ever, and says when it is ready, and when no longer."""
    await database.wait_ready(settings.database_url, settings.name)
    await database.require_durable(settings.database_url, settings.name)
    await database.migrate(settings.database_url, db.SCHEMA)
    await quotes.restore()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER)
    running.spawn(bus.work(), "bus")
    running.spawn(quotes.keep(), "keep")
    for number, feed in feeds.items():
        running.spawn(feed.work(), f"feed-{number}")
    while True:
        await quotes.ready.wait()
        await server.ready()
        await quotes.lost.wait()
        await server.not_ready()


if __name__ == "__main__":
    settings = read(Settings)
    process.run(settings, lambda running: serve(settings, running))
