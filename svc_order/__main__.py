"""Composition root: builds svc_order, runs it until SIGTERM, and drains it."""

import asyncio
import gc

from chassis import database, process, settings
from chassis.bus import Bus
from chassis.peers import callers
from chassis.server import Server
from svc_order import db
from svc_order.app import MIRROR_REFRESH_SECONDS, REFRESH_SECONDS, Admission, History
from svc_order.bus import Follow
from svc_order.clients import Ledger, Match
from svc_order.core.placed import Placed
from svc_order.core.reference import Reference
from svc_order.entry import Entry
from svc_order.metrics import Metrics
from svc_order.rpc import OrderService
from svc_order.settings import Settings

READY_POLL_SECONDS = 0.05
# Batches make many short-lived values and no cycles: collecting at every 700 of them was a tenth of an order's cost.
COLLECT_AT = (50_000, 20, 50)


async def main(this: process.Process, told: Settings) -> None:
    """Serves until told to stop."""
    server = Server(told.listen, callers(told), told.stream_age_seconds)
    engine = database.engine(told.database_url, told.name)
    reference, metrics = Reference(frozenset(told.match_shards)), Metrics()
    ledger, match = Ledger(told), Match(told)
    history = History(db.Tables(engine), reference, metrics)
    placed = Placed()
    admission = Admission(match, reference, placed, db.Tables(engine), history)
    entry = Entry(ledger, match, reference, placed, admission.reductions, this.spawn, metrics)
    service = OrderService(admission, entry, history, server.streams, metrics)
    service.add_to(server)
    await server.start()
    this.spawn(entry.work(), "entry")
    pause = REFRESH_SECONDS if told.consume else MIRROR_REFRESH_SECONDS  # no event tells one that does not consume
    this.spawn(admission.follow_reference(pause), "reference")
    this.spawn(_make_ready(this, told, server, history, match, reference), "ready")
    await this.stop.wait()
    await server.drain(told.drain_accept_seconds)
    await this.end_spawned()
    await ledger.close()
    await match.close()
    await engine.dispose()


async def _make_ready(
    this: process.Process, told: Settings, server: Server, history: History, match: Match, reference: Reference
) -> None:
    """Ready once history is loaded and every shard has answered once; NATS may still be down. History is written, or only
    read where another version writes it.
    """
    await database.wait_ready(told.database_url, told.name)
    await database.require_durable(told.database_url, told.name)
    await database.migrate(told.database_url, db.SCHEMA)
    bus = Bus(told.nats_url, told.name)
    if told.consume:
        this.spawn(bus.work(), "bus")
    for shard in told.match_shards:
        follow = Follow(shard, bus, match, history, reference).work() if told.consume else history.mirror(shard)
        this.spawn(follow, f"history-{shard}")
    while not (reference.complete and history.loaded):
        await asyncio.sleep(READY_POLL_SECONDS)
    gc.freeze()
    gc.set_threshold(*COLLECT_AT)
    await server.ready()


if __name__ == "__main__":
    read = settings.read(Settings)
    process.run(read, lambda this: main(this, read))
