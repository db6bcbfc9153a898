"""The process: leads one shard. Everything is built here."""

import gc

from chassis import process, settings
from chassis.bus import Bus
from chassis.peers import callers
from chassis.server import Server
from svc_match import bus, db
from svc_match.app import Meters, Shard
from svc_match.codec import Codec
from svc_match.rpc import add_to
from svc_match.settings import Settings

COLLECT_AFTER = 50_000  # objects; events and orders hold no cycles, so the collector finds nothing among them


async def main(it: process.Process, environment: Settings) -> None:
    """Prepares the tables, takes the shard over, recovers, serves, drains."""
    await db.prepare(environment.database_url, environment.name)
    journal = await db.take_over(environment.database_url, environment.shard)
    gc.disable()  # a recovery makes a million objects and drops none
    meters = Meters()
    shard = Shard(environment.shard, journal, Codec(), meters)
    await shard.recover()
    gc.enable()
    gc.freeze()
    gc.set_threshold(COLLECT_AFTER, 20, 50)
    it.spawn(shard.work(), "shard")
    if environment.nats_url:
        connection = Bus(environment.nats_url, environment.name)
        it.spawn(connection.work(), "bus")
        for feed in (bus.executions(environment.shard), bus.market_data(environment.shard)):
            it.spawn(bus.Publisher(connection, shard, feed, meters).work(), feed.stream)
    server = Server(environment.listen, callers(environment), environment.stream_age_seconds)
    add_to(server, shard)
    await server.start()
    await server.ready()
    await it.stop.wait()
    await server.drain(environment.drain_accept_seconds)


if __name__ == "__main__":
    read = settings.read(Settings)
    process.run(read, lambda it: main(it, read))
