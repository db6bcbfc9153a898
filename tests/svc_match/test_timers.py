"""What is due at a journal time is done then, once, in a stated order, and in parts where it is much."""

import random

import pytest

from svc_match.core import commands, events, plain, snapshot
from svc_match.core.engine import Engine
from svc_match.core.timers import NEVER, Due, Timers
from tests.svc_match.oracle.engine import Engine as Oracle

KIND, OTHER = 91, 92


def test_timers_are_taken_in_order_whatever_was_set_and_cancelled() -> None:
    """By time, kind and key; a timer that is set again, or cancelled, is not due when it was."""
    seed = 7
    chance = random.Random(seed)
    timers, plainly = Timers(), {}
    for _ in range(3_000):
        kind, key = chance.randrange(3), chance.randrange(40)
        if chance.random() < 0.6:
            timers.set(kind, key, due_us := chance.randrange(500))
            plainly[kind, key] = due_us
        elif chance.random() < 0.5:
            timers.cancel(kind, key)
            plainly.pop((kind, key), None)
        elif plainly:
            first = min(Due(due_us, *which) for which, due_us in plainly.items())
            assert timers.take() == first, f"seed {seed}"
            del plainly[first.kind, first.key]
        wanted = sorted(Due(due_us, *which) for which, due_us in plainly.items())
        assert timers.standing() == wanted, f"seed {seed}"
        assert (timers.next_us, len(timers)) == (wanted[0].due_us if wanted else NEVER, len(wanted)), f"seed {seed}"
    assert Timers(timers.standing()).standing() == timers.standing()


def ticking(engine: Engine) -> list[tuple[int, int]]:
    """Timers of two kinds, which tick as often as their key says; which of them did, how often in a row's part."""
    done: list[tuple[int, int]] = []

    def tick(due: Due) -> None:
        times = min(engine.packed.full - engine.sequence, due.key - sum(count for key, count in done if key == due.key))
        for _ in range(times):
            engine.announce(events.Ticked(engine.next_sequence()), ())
        done.append((due.key, times))
        if sum(count for key, count in done if key == due.key) < due.key:
            engine.timers.set(due.kind, due.key, due.due_us)

    engine.timed = {KIND: tick, OTHER: tick}
    return done


def test_what_is_due_comes_before_the_commands_of_a_row() -> None:
    """It belongs to no command, and a row has no more events than its limit."""
    engine = Engine(0)
    done = ticking(engine)
    for kind, key, due_us in ((OTHER, 3, 50), (KIND, 2, 50), (KIND, 5, 40), (KIND, 1, 51)):
        engine.timers.set(kind, key, due_us)
    assert not engine.is_due(39)
    assert engine.apply([commands.Tick()], 39).last_sequence == 1
    applied = engine.apply([commands.Tick()], 50, 6)
    assert (applied.last_sequence, applied.results) == (7, [])
    applied = engine.apply([commands.Tick()], 50, 6)
    assert (applied.last_sequence, len(applied.events), applied.results) == (12, 5, [events.Stands(12)])
    assert done == [(5, 5), (2, 1), (2, 1), (3, 3)]
    assert engine.timers.standing() == [(51, KIND, 1)]


def test_a_date_opens_in_a_row_of_its_own() -> None:
    """Where something is due, the date opens with the next row."""
    engine = Engine(0)
    ticking(engine)
    engine.timers.set(KIND, 1, 10)
    assert engine.apply([commands.OpenDate(20260105)], 10).results == []
    assert engine.apply([commands.OpenDate(20260105)], 10).results == [events.Stands(2)]


def test_plain_commands_wait_for_what_is_due() -> None:
    """The straight way is not taken then."""
    engine = Engine(0)
    ticking(engine)
    engine.timers.set(KIND, 1, 10)
    assert plain.execute(engine, [], 9, 100).results == []
    with pytest.raises(AssertionError, match="the general way"):
        plain.execute(engine, [], 10, 100)


def test_timers_are_in_the_snapshot_and_the_hash() -> None:
    """A restored shard does at the same time what the other one does."""
    engine = Engine(0)
    before = snapshot.state_hash(engine)
    engine.timers.set(KIND, 4, 10)
    assert snapshot.state_hash(engine) != before
    other = snapshot.load(snapshot.encode(engine), b"")
    assert snapshot.state_hash(other) == snapshot.state_hash(engine)
    assert ticking(engine) == ticking(other) == []
    assert engine.apply([], 10) == other.apply([], 10)
    assert engine.sequence == 4


def test_the_oracle_does_the_same() -> None:
    """In its most obvious way."""
    engine, oracle = Engine(0), Oracle(0)
    assert engine.timed.keys() == oracle.timed.keys()
    oracle.timers = {(KIND, 2): 5, (KIND, 1): 5, (OTHER, 0): 4}
    order: list[Due] = []
    oracle.timed = dict.fromkeys((KIND, OTHER), lambda due: order.append(due))
    oracle.apply([], 5)
    assert order == [(4, OTHER, 0), (5, KIND, 1), (5, KIND, 2)]
