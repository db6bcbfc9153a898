"""Natural batching: order, bounds, and errors that reach who they belong to."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from chassis.coalesce import Coalescer
from chassis.errors import Refusal

Run = Callable[[list[int]], Awaitable[list[int]]]


@asynccontextmanager
async def working(coalescer: Coalescer[int, int]) -> AsyncIterator[asyncio.Task[None]]:
    """The coalescer at work, ended afterwards."""
    task = asyncio.ensure_future(coalescer.work())
    try:
        yield task
    finally:
        task.cancel()
        await asyncio.gather(task, return_exceptions=True)


class Gate:
    """A run that records its batches and waits until it is opened."""

    def __init__(self) -> None:
        self.batches: list[list[int]] = []
        self.open = asyncio.Event()

    async def __call__(self, items: list[int]) -> list[int]:
        self.batches.append(items)
        await self.open.wait()
        return [10 * item for item in items]


async def test_what_arrives_in_flight_is_the_next_batch() -> None:
    """The first submission goes alone at once; all that arrive meanwhile go together, in order."""
    gate = Gate()
    coalescer = Coalescer(gate)
    async with working(coalescer):
        first = coalescer.submit([1])
        while not gate.batches:
            await asyncio.sleep(0)
        others = [coalescer.submit([2, 3]), coalescer.submit([4])]
        gate.open.set()
        assert [await first, *[await other for other in others]] == [[10], [20, 30], [40]]
    assert gate.batches == [[1], [2, 3, 4]]


@given(st.lists(st.lists(st.integers(), max_size=5), max_size=40), st.integers(5, 12), st.integers(1, 3))
def test_every_submitter_gets_its_own_results(submissions: list[list[int]], limit: int, depth: int) -> None:
    """For any submissions: items run in order, in batches within the limit, and each result finds its submitter."""
    batches: list[list[int]] = []

    async def run(items: list[int]) -> list[int]:
        batches.append(list(items))
        await asyncio.sleep(0)
        return [-item for item in items]

    async def submit_all() -> list[list[int]]:
        coalescer = Coalescer(run, limit, depth=depth)
        async with working(coalescer):
            return list(await asyncio.gather(*[coalescer.submit(items) for items in submissions]))

    assert asyncio.run(submit_all()) == [[-item for item in items] for items in submissions]
    assert [item for batch in batches for item in batch] == [item for items in submissions for item in items]
    assert all(len(batch) <= limit for batch in batches)


async def test_a_full_queue_refuses() -> None:
    """Beyond its limits a coalescer says RESOURCE_EXHAUSTED at once, and keeps what it has."""
    gate = Gate()
    coalescer = Coalescer(gate, limit=2, queue_limit=3)
    with pytest.raises(Refusal) as too_large:
        coalescer.submit([1, 2, 3])
    kept = [coalescer.submit([1, 2]), coalescer.submit([3])]
    with pytest.raises(Refusal) as full:
        coalescer.submit([4])
    assert (too_large.value.reason, full.value.reason) == ("BATCH_TOO_LARGE", "QUEUE_FULL")
    assert full.value.code is grpc.StatusCode.RESOURCE_EXHAUSTED
    gate.open.set()
    async with working(coalescer):
        assert [await one for one in kept] == [[10, 20], [30]]


@pytest.mark.parametrize("fatal", [False, True])
async def test_an_error_reaches_its_batch(*, fatal: bool) -> None:
    """What a batch raises reaches all of its submitters, and later ones only when it is fatal."""

    async def run(items: list[int]) -> list[int]:
        if items[0] == 1:
            raise ValueError("bad")
        return items

    coalescer = Coalescer(run, limit=2, fatal=fatal)
    doomed, later = [coalescer.submit([1]), coalescer.submit([2])], coalescer.submit([3])
    async with working(coalescer) as task:
        for one in doomed:
            with pytest.raises(ValueError, match="bad"):
                await one
        if fatal:
            with pytest.raises(ValueError, match="bad"):
                await later
            await asyncio.wait({task})
            with pytest.raises(ValueError, match="bad"):
                coalescer.submit([4])
        else:
            assert await later == [3]


async def test_a_submitter_that_gave_up_disturbs_nobody() -> None:
    """Items of a cancelled submitter run, and the others in its batch are answered."""
    gate = Gate()
    coalescer = Coalescer(gate)
    gone, stays = coalescer.submit([1]), coalescer.submit([2])
    gone.cancel()
    gate.open.set()
    async with working(coalescer):
        assert await stays == [20]
    assert gate.batches == [[1, 2]]


async def test_stopping_answers_all_that_wait() -> None:
    """When the worker ends, those in flight and those queued hear UNAVAILABLE, nobody waits for ever."""
    gate = Gate()
    coalescer = Coalescer(gate, limit=1)
    waiting = [coalescer.submit([1]), coalescer.submit([2])]
    async with working(coalescer):
        await asyncio.sleep(0.01)
    for one in waiting:
        with pytest.raises(Refusal, match="stopping"):
            await one
