"""The cursor rule: each sequence exactly once and in order, whatever the bus does."""

import asyncio
import random
from collections.abc import AsyncGenerator, AsyncIterator, Sequence
from dataclasses import dataclass, replace

import grpc
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from chassis import follow
from chassis.errors import Refusal
from chassis.follow import Batch, Cursor, Follower, IncarnationChanged, Span, Verdict

INCARNATION = "f" * 32
Journal = list[Span]


@dataclass
class Told:
    """A delivery that remembers whether it was acknowledged, and what the reader had stored then."""

    payload: bytes
    world: "World"
    headers: dict[str, str]

    async def acknowledge(self) -> None:
        span = self.world.journal[int(self.payload)]
        assert self.world.stored.sequence >= span.last or self.world.stored.part > span.part
        self.world.acknowledged += 1


class Crash(Exception):
    """The reader dies after storing."""


class Done(Exception):
    """The reader has all."""


class World:
    """A journal, a bus that misbehaves as its seed says, and a reader that stores each batch with its cursor."""

    def __init__(self, journal: Journal, cursor: Cursor, seed: int) -> None:
        self.journal = journal
        self.stored = cursor
        self.begin = cursor
        self.random = random.Random(seed)
        self.applied: list[tuple[int, int, int]] = []
        self.acknowledged = 0

    def decode(self, payload: bytes) -> tuple[int, Span]:
        return int(payload), self.journal[int(payload)]

    async def bus(self) -> AsyncIterator[Sequence[Told]]:
        order = [index for index in range(len(self.journal)) for _ in range(self.random.choice((0, 1, 1, 1, 2)))]
        for _ in range(self.random.randint(0, 4)):
            if order:
                a, b = self.random.randrange(len(order)), self.random.randrange(len(order))
                order[a], order[b] = order[b], order[a]
        while order:
            count = self.random.randint(1, 4)
            yield [Told(str(index).encode(), self, {}) for index in order[:count]]
            order = order[count:]

    async def fetch(self, from_sequence: int, to_sequence: int) -> AsyncGenerator[list[bytes], None]:
        for index, span in enumerate(self.journal):
            if self.random.random() < 0.05:
                raise Refusal(grpc.StatusCode.UNAVAILABLE, "DOWN", "down")
            if span.last >= from_sequence and (not to_sequence or span.first <= to_sequence):
                yield [str(index).encode()]

    async def apply(self, batch: Batch[int]) -> None:
        assert batch.before == self.stored
        self.applied += [(fresh.first_new, fresh.span.last, fresh.span.part) for fresh in batch.items]
        self.stored = batch.after
        if self.stored.sequence == self.journal[-1].last:
            raise Done
        if self.random.random() < 0.1:
            raise Crash

    async def read_all(self) -> None:
        while True:
            follower = Follower(self.stored, self.decode, self.bus(), self.fetch, stall_seconds=0.001)
            try:
                await follower.run(self.apply)
            except Crash:
                continue
            except Done:
                return

    def expected(self) -> list[tuple[int, int, int]]:
        return [
            (max(span.first, self.begin.sequence + 1), span.last, span.part)
            for span in self.journal
            if span.last > self.begin.sequence
        ]


def journal(rows: list[tuple[int, int]]) -> Journal:
    """Rows of (events, parts), contiguous from sequence 1."""
    spans, first = [], 1
    for events, parts in rows:
        last = first + events - 1
        spans += [Span(INCARNATION, 3, first, last, part, parts) for part in range(parts)]
        first = last + 1
    return spans


@settings(max_examples=150)
@given(
    rows=st.lists(st.tuples(st.integers(1, 5), st.integers(1, 3)), min_size=1, max_size=12),
    begin=st.integers(0, 20),
    seed=st.integers(0, 2**32),
)
def test_each_sequence_comes_exactly_once_in_order(rows: list[tuple[int, int]], begin: int, seed: int) -> None:
    """Whatever is lost, doubled, swapped, however often the reader dies: it applies what a reader of the bare
    journal does, and acknowledges nothing before it is stored."""
    spans = journal(rows)
    world = World(spans, Cursor(INCARNATION, 3, min(begin, spans[-1].last - 1)), seed)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(follow, "RETRY_MIN_SECONDS", 0.0)
        patch.setattr(follow, "RETRY_MAX_SECONDS", 0.0)
        asyncio.run(asyncio.wait_for(world.read_all(), 20))
    assert world.applied == world.expected()


async def test_a_dead_bus_is_replaced_by_the_journal() -> None:
    """With nothing from the bus, a reader gets everything from the journal after the named time."""
    world = World(journal([(2, 1), (3, 2)]), Cursor("", 3), seed=1)

    async def silent() -> AsyncIterator[Sequence[Told]]:
        await asyncio.Event().wait()
        yield []

    world.random = random.Random(3)
    while world.stored.sequence < 5:
        follower = Follower(world.stored, world.decode, silent(), world.fetch, stall_seconds=0.01)
        with pytest.raises((Crash, Done)):
            await follower.run(world.apply)
    assert world.applied == world.expected()


async def test_another_incarnation_is_refused_by_name() -> None:
    """A reader of another incarnation is told so, and applies nothing."""
    world = World(journal([(1, 1)]), Cursor("0" * 32, 3), seed=1)
    world.random = random.Random(2)
    with pytest.raises(IncarnationChanged):
        await Follower(world.stored, world.decode, world.bus(), world.fetch, stall_seconds=0.01).run(world.apply)
    assert world.applied == []


async def test_what_the_journal_refuses_for_good_ends_the_reader() -> None:
    """A cursor ahead of the journal is loud, not tried for ever."""
    world = World(journal([(1, 1), (1, 1)]), Cursor(INCARNATION, 3), seed=1)

    async def bus() -> AsyncIterator[Sequence[Told]]:
        yield [Told(b"1", world, {})]

    async def fetch(from_sequence: int, _to: int) -> AsyncGenerator[list[bytes], None]:
        if from_sequence == 1:
            raise Refusal(grpc.StatusCode.OUT_OF_RANGE, "SEQUENCE_IN_FUTURE", "no")
        yield []

    with pytest.raises(Refusal, match="no"):
        await Follower(world.stored, world.decode, bus(), fetch).run(world.apply)


@pytest.mark.parametrize(
    ("span", "verdict"),
    [
        (Span(INCARNATION, 3, 1, 4), Verdict.REPEAT),
        (Span(INCARNATION, 3, 5, 7), Verdict.NEW),
        (Span(INCARNATION, 3, 3, 7), Verdict.NEW),
        (Span(INCARNATION, 3, 6, 7), Verdict.GAP),
        (Span(INCARNATION, 3, 5, 7, 1, 2), Verdict.GAP),
    ],
)
def test_a_cursor_judges(span: Span, verdict: Verdict) -> None:
    """At sequence 4: before it a repeat, after it new, overlapping it new, beyond it a gap."""
    cursor = Cursor(INCARNATION, 3, 4)
    assert cursor.judge(span) is verdict
    assert cursor.after(replace(span, part=0, parts=2)) == Cursor(INCARNATION, 3, 4, 1)
