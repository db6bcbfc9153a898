"""The journal on a real PostgreSQL: one writer, no gap, nothing damaged is used, nothing uncommitted is seen."""

import asyncio
import re
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from prometheus_client import CollectorRegistry

from bourse.match.v1 import match_pb2
from bourse.types.v1 import command_pb2
from svc_match import db
from svc_match.app import BATCH_COMMANDS_LIMIT, TIME_JUMP_LIMIT_US, Meters, Shard
from svc_match.codec import Codec
from svc_match.core import commands, events, snapshot
from svc_match.core.engine import REPLAYED, ROW_EVENTS_LIMIT, SEMANTICS, Engine
from svc_match.core.layout import HIDDEN_ORDERS_LIMIT, NO_LIMIT
from svc_match.ports import Item, JournalDamaged, NotLeader, Row
from svc_match.wire import rows
from svc_match.wire.commands import submission
from svc_match.wire.controls import control
from tests.servers import Database
from tests.svc_match.shard import TRADING_DATE, cancel, instrument, place


@asynccontextmanager
async def shard(database: Database, meters: Meters | None = None, **options: Any) -> AsyncIterator[Shard]:
    """A shard of this process, recovered and at work."""
    journal = await db.take_over(database.url("svc_match"), 0)
    it = Shard(0, journal, Codec(), meters or Meters(CollectorRegistry()), **options)
    await it.recover()
    work = asyncio.create_task(it.work())
    try:
        yield it
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)
        await journal.close()


def market() -> list[Item]:
    requests = [
        match_pb2.AddInstrumentRequest(instrument=instrument("ACME")),
        match_pb2.OpenTradingDateRequest(trading_date=TRADING_DATE),
        match_pb2.SetPhaseRequest(phase=2),  # type: ignore[arg-type]
    ]
    return [control(request) for request in requests]


def orders(count: int) -> list[Item]:
    return [submission(place("ACME", 1 + n % 2, 10_000 + 100 * (n % 7), 1 + n % 5)) for n in range(count)]


def row(journal: db.PostgresJournal, first: int, **fields: object) -> Row:
    """A row that only the journal looks at."""
    made = Row(
        shard=0,
        first_sequence=first,
        last_sequence=first,
        incarnation=journal.incarnation,
        epoch=journal.epoch,
        time_us=1,
        semantics=SEMANTICS,
        identity_date=0,
        commands=b"c",
        identities=b"",
        executions=[b"e"],
        market_data=[b"m"],
        symbols=["-"],
        traces=[],
    )
    return replace(made, **fields)  # type: ignore[arg-type]


async def test_a_row_follows_the_last_one(postgres: Database) -> None:
    """A gap, a repeat and a stale epoch are not taken, and say so."""
    journal = await db.take_over(postgres.url("svc_match"), 0)
    await journal.append(row(journal, 1))
    for wrong in (row(journal, 1), row(journal, 3), row(journal, 2, epoch=journal.epoch - 1)):
        with pytest.raises(NotLeader):
            await journal.append(wrong)
    await journal.append(row(journal, 2))
    assert [found.first_sequence for found in await journal.rows(1, 1 << 20)] == [1, 2]
    assert [found.first_sequence for found in await journal.rows(1, 1)] == [1]
    assert [found.first_sequence for found in await journal.rows(2, 1)] == [2]
    assert await journal.rows(3, 1) == []
    await journal.close()


async def test_a_lost_connection_ends_the_leader(postgres: Database) -> None:
    """An insert whose outcome is unknown ends the process; what was committed is recovered, nothing else."""
    with pytest.raises(ExceptionGroup) as ended:  # noqa: PT012
        async with asyncio.timeout(20), asyncio.TaskGroup() as tasks:
            journal = await db.take_over(postgres.url("svc_match"), 0)
            it = Shard(0, journal, Codec(), Meters(CollectorRegistry()))
            await it.recover()
            tasks.create_task(it.work())
            await it.submit(market())
            with postgres.connect("svc_match") as other:
                other.execute("SELECT pg_terminate_backend(pids[1]) FROM lease")
            with pytest.raises(NotLeader):
                await it.submit(orders(1))
            await asyncio.Event().wait()
    assert ended.group_contains(NotLeader, depth=2) or ended.group_contains(NotLeader, depth=3)
    async with shard(postgres) as it:
        assert await it.read(lambda engine: len(engine.identities)) == 0
        assert await it.read(lambda engine: engine.trading_date) == TRADING_DATE


async def test_the_second_leader_fences_the_first(postgres: Database) -> None:
    """A takeover ends the first leader's connections and epoch; its commands come to nothing."""
    async with shard(postgres) as first:
        await first.submit(market())
        async with shard(postgres) as second:
            assert second.journal.epoch == first.journal.epoch + 1
            with pytest.raises(NotLeader):
                await first.submit(orders(1))
            assert isinstance((await second.submit(orders(1)))[0], events.Accepted)


async def test_a_mass_cancel_takes_as_many_rows_as_it_needs(postgres: Database) -> None:
    """Rule 6.1.2: it is answered when all have ended, what was submitted behind it comes after; a restart reads the same."""
    codec, count = Codec(), ROW_EVENTS_LIMIT + 100
    some = [codec.command(place("ACME", 1, 10_000, 1).SerializeToString()) for _ in range(count)]
    async with shard(postgres) as it:
        await it.submit(market())
        for start in range(0, count, BATCH_COMMANDS_LIMIT):
            await it.submit(some[start : start + BATCH_COMMANDS_LIMIT])
        wanted = command_pb2.MassCancel(account="alice/main", client_order_id="m", trading_date=TRADING_DATE)
        ending = submission(match_pb2.Submission(command=command_pb2.OrderCommand(mass_cancel=wanted)))
        before = it.sequence
        mass, after = await it.submit([ending, codec.command(place("ACME", 1, 10_000, 1).SerializeToString())])
        assert (mass.orders, after.sequence) == (count, before + count + 2)
        rows = await it.rows(before + 1, 1)
        assert rows[0].last_sequence == before + ROW_EVENTS_LIMIT
        assert await it.answers(await it.submit([ending])) == [mass]
    async with shard(postgres) as again:
        assert (await again.read(lambda engine: engine.open_orders)) == 1
        assert await again.answers(await again.submit([ending])) == [mass]


async def test_a_late_command_writes_its_time(postgres: Database) -> None:
    """LATE has no event of its own, but the row with its time is committed, and its id is free."""
    async with shard(postgres) as it:
        await it.submit(market())
        before = it.sequence
        late = place("ACME", 1, 10_000, 1, deadline_us=1, client_order_id="late")
        assert await it.submit([submission(late)]) == [events.Late()]
        assert it.sequence == before + 1
        late.deadline_us = 0
        assert isinstance((await it.submit([submission(late)]))[0], events.Accepted)


async def test_a_restart_from_a_snapshot_equals_one_from_the_start(postgres: Database) -> None:
    """State hash, repeats and the next events are the same, whichever snapshot the restart begins at."""
    async with shard(postgres, snapshot_events=40) as it:
        await it.submit(market())
        first = orders(3)
        answers = await it.submit(first)
        for _ in range(10):
            await it.submit(orders(20))
            while it._saving is not None and not it._saving.done():
                await asyncio.sleep(0)
                await asyncio.wait([it._saving])
        kept = await it.journal.snapshots()
        assert len(kept) == db.SNAPSHOTS_KEPT
        for sequence in kept:
            found = await it.journal.snapshot(sequence)
            records = await it.journal.identities(*snapshot.identity_range(found.state))
            assert (
                snapshot.encode(await replay(it, sequence))
                == found.state
                == snapshot.encode(snapshot.load(found.state, records))
            )
    async with shard(postgres) as it:
        assert await it.answers(await it.submit(first)) == answers
        assert await it.read(snapshot.state_hash) == snapshot.state_hash(await replay(it, it.sequence))


async def replay(it: Shard, until: int) -> Engine:
    """The core after all rows up to a sequence, from the first one."""
    replayed = Engine(0)
    for read in await it.journal.rows(1, 1 << 30):
        if read.last_sequence <= until:
            replayed.follow(read.semantics)
            replayed.apply([item.command for item in rows.items(read.commands)], read.time_us)
    replayed.follow(SEMANTICS)
    return replayed


@pytest.mark.parametrize(
    "damage",
    [
        "executions[1] = executions[1] || 'x'::bytea",
        "market_data = '{}', symbols = '{}'",
        "time_us = time_us + 1",
        "identities = identities || 'x'::bytea",
        "commands = ''",
        "traces = '{t}'",
    ],
)
async def test_a_damaged_row_is_refused_by_name(postgres: Database, damage: str) -> None:
    """Whatever column differs from what was written, the row is not used, and the refusal names it."""
    async with shard(postgres) as it:
        await it.submit(market())
        sequence = it.sequence
    with postgres.connect("svc_match") as other:
        other.execute(f"UPDATE journal SET {damage} WHERE last_sequence = %s", [sequence])
    with pytest.raises(JournalDamaged, match=f"to {sequence} of shard 0 is damaged"):
        async with shard(postgres):
            pass


async def test_a_damaged_row_is_told_to_who_asks_for_it(postgres: Database) -> None:
    """Behind a snapshot a damaged row stops no orders; its reader is refused by its name."""
    async with shard(postgres, snapshot_events=10) as it:
        await it.submit([*market(), *orders(20)])
        await asyncio.gather(*filter(None, [it._saving]))
    with postgres.connect("svc_match") as other:
        other.execute("UPDATE journal SET time_us = time_us + 1 WHERE first_sequence = 1")
    async with shard(postgres) as it:
        with pytest.raises(JournalDamaged, match="journal row 1 to 1 of shard 0 is damaged"):
            await it.rows(1)
        assert isinstance((await it.submit(orders(1)))[0], events.Accepted)


async def test_a_missing_row_is_refused(postgres: Database) -> None:
    """A hole in the journal stops the start."""
    async with shard(postgres) as it:
        await it.submit(market())
        await it.submit(orders(1))
    with postgres.connect("svc_match") as other:
        other.execute("DELETE FROM journal WHERE first_sequence = 2")
    with pytest.raises(JournalDamaged):
        async with shard(postgres):
            pass


async def test_a_damaged_snapshot_is_passed_over(postgres: Database, capsys: pytest.CaptureFixture[str]) -> None:
    """A snapshot that is not what was written is refused by name, and an older one, or the journal, serves."""
    async with shard(postgres, snapshot_events=10) as it:
        await it.submit(market())
        await it.submit(orders(20))
        assert it._saving is not None
        await it._saving
        (sequence,) = await it.journal.snapshots()
    with postgres.connect("svc_match") as other:
        other.execute("UPDATE snapshot SET state = state || 'x'::bytea")
    async with shard(postgres) as it:
        with pytest.raises(JournalDamaged, match=f"snapshot {sequence} of shard 0 is damaged"):
            await it.journal.snapshot(sequence)
        assert await it.read(lambda engine: len(engine.identities)) == 20


async def test_rows_of_other_semantics_are_not_replayed(postgres: Database) -> None:
    """A core replays rows of its own semantics version and of those before it; what is newer is refused by name."""
    journal = await db.take_over(postgres.url("svc_match"), 0)
    await journal.append(row(journal, 1, semantics=SEMANTICS + 1))
    await journal.close()
    refusal = f"has semantics {SEMANTICS + 1}; this core replays {REPLAYED}"
    with pytest.raises(JournalDamaged, match=re.escape(refusal)):
        async with shard(postgres):
            pass


async def test_a_journal_of_the_version_before_goes_on(postgres: Database) -> None:
    """Its rows are replayed to the same state, its snapshots passed over, and new rows follow."""
    async with shard(postgres, snapshot_events=10) as it:
        await it.submit(market())
        await it.submit(orders(40))
        assert it._saving is not None
        await it._saving
        before = await it.read(stands)
        rows = await it.journal.rows(1, 1 << 30)
    written_by(1, postgres, rows)
    async with shard(postgres) as it:
        assert await it.read(stands) == before
        await it.submit([submission(place("ACME", 1, 10_000, 5, hidden=True))])
        assert {row.semantics for row in await it.journal.rows(1, 1 << 30)} == {1, SEMANTICS}
        after = await it.read(stands)
    async with shard(postgres) as it:
        assert await it.read(stands) == after != before


async def test_a_book_of_the_version_before_has_as_many_hidden_orders_as_it_took(postgres: Database) -> None:
    """Rule 4.2.3 holds from now on: its rows are replayed, and one more is rejected."""
    hidden = [submission(place("ACME", 2, 20_000, 5, hidden=True)) for _ in range(HIDDEN_ORDERS_LIMIT + 3)]
    async with shard(postgres) as it:
        await it.submit(market())
        it._engine.special.hidden_limit = NO_LIMIT
        await it.submit(hidden)
        before = await it.read(stands)
        rows = await it.journal.rows(1, 1 << 30)
    assert len(before[1]) == len(hidden)  # type: ignore[arg-type]
    written_by(2, postgres, rows)
    async with shard(postgres) as it:
        assert await it.read(stands) == before
        [result] = await it.submit([submission(place("ACME", 2, 20_000, 5, hidden=True))])
        assert result.reason == events.Reason.HIDDEN_LIMIT


def written_by(semantics: int, postgres: Database, rows: Sequence[Row]) -> None:
    """The journal says that these semantics wrote it."""
    with postgres.connect("svc_match") as other:
        for one in rows:
            checksum = db.row_checksum(replace(one, semantics=semantics))
            other.execute(
                "UPDATE journal SET semantics = %s, checksum = %s WHERE first_sequence = %s",
                [semantics, checksum, one.first_sequence],
            )
        other.execute("UPDATE snapshot SET semantics = %s", [semantics])


def stands(engine: Engine) -> tuple[object, ...]:
    """What a shard's state holds, whatever its sequence."""
    book = engine.books["ACME"]
    return book.standing(1), book.standing(2), book.depth(1, 99), book.symbol_sequence, len(engine.identities)


def test_rows_of_the_version_before_have_no_terms() -> None:
    """What that version passed over in a command is passed over again."""
    codec = Codec()
    encoded = rows.commands([submission(place("ACME", 1, 10_000, 5, hidden=True, minimum_quantity=9))])
    (now,), (before,) = (map(codec.item, codec.items(encoded, semantics)) for semantics in (SEMANTICS, 1))
    assert isinstance(now.command, events.Refused)
    assert isinstance(before.command, commands.Place)
    assert before.command.terms is commands.PLAIN


async def test_an_earlier_date_answers_from_the_journal(postgres: Database) -> None:
    """A command of another date gets its first result there, or is refused."""
    async with shard(postgres) as it:
        await it.submit(market())
        old, other = orders(2)
        (accepted,) = await it.submit([old])
        close = match_pb2.CloseTradingDateRequest(trading_date=TRADING_DATE)
        await it.submit([control(close)])
        await it.submit([control(match_pb2.OpenTradingDateRequest(trading_date=TRADING_DATE + 1))])
        repeated, refused = await it.answers(await it.submit([old, other]))
        assert repeated == accepted
        assert isinstance(refused, events.Refused)
        assert refused.reason == events.Reason.TRADING_DATE_WRONG


@pytest.mark.parametrize("part", [0, 16, 32])  # of the record: key, digest, sequence
async def test_an_earlier_date_answers_nothing_from_a_damaged_row(postgres: Database, part: int) -> None:
    """Whatever byte of the identity was flipped, the row is refused by name: neither a wrong answer nor none is final."""
    async with shard(postgres) as it:
        await it.submit(market())
        (old,) = orders(1)
        await it.submit([old])
        sequence = it.sequence
        for request in (
            match_pb2.CloseTradingDateRequest(trading_date=TRADING_DATE),
            match_pb2.OpenTradingDateRequest(trading_date=TRADING_DATE + 1),
        ):
            await it.submit([control(request)])
        with postgres.connect("svc_match") as other:
            other.execute(
                "UPDATE journal SET identities = set_byte(identities, %s, get_byte(identities, %s) # 1) WHERE last_sequence = %s",
                [part, part, sequence],
            )
        again = await it.submit([old])
        with pytest.raises(JournalDamaged, match=f"to {sequence} of shard 0 is damaged"):
            await it.answers(again)


async def test_reads_see_committed_rows_only(postgres: Database) -> None:
    """While a row is being committed, a read waits for it."""
    async with shard(postgres) as it:
        await it.submit(market())
        batch = it.submit(orders(5))
        await asyncio.sleep(0)
        seen = it.read(lambda engine: (engine.sequence, it.sequence))
        sequence, committed = await seen
        assert sequence == committed
        await batch


async def test_control_and_cancel_in_one_batch(postgres: Database) -> None:
    """A batch is cut where a date opens; every command of it is answered in order."""
    async with shard(postgres) as it:
        results = await it.submit([*market(), *orders(1)])
        accepted = results[-1]
        assert isinstance(accepted, events.Accepted)
        again = await it.submit([submission(cancel(accepted.order_id))])
        assert isinstance(again[0], events.Done)


class Clock:
    """A clock that a test sets; monotonic time follows unless it jumps."""

    def __init__(self) -> None:
        self.wall = self.monotonic = 1_000_000_000_000

    def __call__(self) -> tuple[int, int]:
        return self.wall, self.monotonic


async def test_journal_time_never_goes_back(postgres: Database) -> None:
    """A clock that is set back leaves journal time where it was."""
    clock = Clock()
    async with shard(postgres, clock=clock) as it:
        before = it.time_us
        clock.wall -= 5_000_000
        await it.submit(market())
        assert it.time_us == before
        clock.wall += 6_000_000
        await it.submit(orders(1))
        assert it.time_us == before + 1_000_000


async def test_a_clock_that_jumps_ahead_ends_the_leader(postgres: Database) -> None:
    """No deadline is passed by a mistaken clock: beyond the limit nothing is written."""
    clock = Clock()
    async with shard(postgres, clock=clock) as it:
        await it.submit(market())
        clock.wall += TIME_JUMP_LIMIT_US + 1
        before = it.sequence
        with pytest.raises(NotLeader, match="jumped"):
            await it.submit(orders(1))
        assert it.sequence == before
