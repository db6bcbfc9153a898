"""What a shard counts: commands that somebody sent, and the journal as large as it is, whoever wrote it."""

from prometheus_client import CollectorRegistry

from svc_match.app import Meters
from svc_match.wire.commands import submission
from svc_match.wire.controls import TICK
from tests.servers import Database
from tests.svc_match.shard import place
from tests.svc_match.test_journal import market, orders, shard


async def test_ticks_are_no_commands(postgres: Database) -> None:
    """Time that passes counts nowhere; refusals and repeats count, also where a batch wrote no row."""
    registry = CollectorRegistry()
    async with shard(postgres, meters=Meters(registry)) as it:
        await it.submit([TICK])
        assert not totals(registry)
        assert registry.get_sample_value("match_batch_commands_count") == 0
        await it.submit(market())
        batch = orders(2)
        await it.submit([TICK, *batch])
        await it.submit([*batch, submission(place("NONE", 9, 10_000, 1))])
        late = submission(place("ACME", 1, 10_000, 1, deadline_us=1))
        await it.submit([late])
        before = it.sequence
        await it.submit([TICK])
        assert it.sequence > before
    assert totals(registry) == {"stands": 3, "accepted": 2, "repeat": 2, "refused": 1, "late": 1}
    assert registry.get_sample_value("match_batch_commands_sum") == 9


async def test_the_journal_is_as_large_as_it_is(postgres: Database) -> None:
    """The gauge is what PostgreSQL says, and a process that only just began knows what is there from others."""
    async with shard(postgres) as it:
        await it.submit([*market(), *orders(500)])
    registry = CollectorRegistry()
    async with shard(postgres, meters=Meters(registry)) as it:
        known = registry.get_sample_value("match_journal_table_bytes")
        assert known == table_bytes(postgres) > 100_000
        await it.submit(orders(2_000))
        await it.measure()
        grown = registry.get_sample_value("match_journal_table_bytes")
        assert grown is not None
        assert known + 100_000 < grown <= table_bytes(postgres)


def totals(registry: CollectorRegistry) -> dict[str, float]:
    """Commands counted, by result."""
    samples = (sample for metric in registry.collect() for sample in metric.samples)
    return {one.labels["result"]: one.value for one in samples if one.name == "match_commands_total"}


def table_bytes(database: Database) -> int:
    with database.connect("svc_match") as other:
        ((size,),) = other.execute("SELECT pg_total_relation_size('journal')").fetchall()
    return int(size)
