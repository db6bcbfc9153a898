"""Natural batching: whatever arrived while the last batch was in flight is the next batch.

Nothing waits on a timer: an idle coalescer starts a batch at once, a busy one makes bigger batches.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Generic, TypeVar

import grpc

from chassis.errors import Refusal

BATCH_LIMIT = 4096
QUEUE_LIMIT = 65_536

T = TypeVar("T")
R = TypeVar("R")


class Coalescer(Generic[T, R]):
    """Joins many submitters' items into batches for `run`, which answers one result an item, in order.

    Items run first in, first out; a submission is never split, so its results come together. At most
    `depth` batches are in flight (they start in order). A batch holds at most `limit` items, the queue
    `queue_limit`; beyond it `submit` refuses. What `run` raises reaches every submitter of that batch;
    with `fatal` it also ends `work` and refuses everything after.
    """

    def __init__(
        self,
        run: Callable[[list[T]], Awaitable[list[R]]],
        limit: int = BATCH_LIMIT,
        *,
        queue_limit: int = QUEUE_LIMIT,
        depth: int = 1,
        fatal: bool = False,
    ) -> None:
        self._run = run
        self._limit = limit
        self._queue_limit = queue_limit
        self._depth = depth
        self._fatal = fatal
        self._queue: deque[tuple[list[T], asyncio.Future[list[R]]]] = deque()
        self._queued = 0
        self._idle: deque[asyncio.Future[None]] = deque()
        self._ended: BaseException | None = None

    def submit(self, items: list[T]) -> asyncio.Future[list[R]]:
        """Queues `items`; the future gets their results. Raises Refusal RESOURCE_EXHAUSTED when full.

        A cancelled future changes nothing for the items: they run.
        """
        if self._ended is not None:
            raise self._ended
        if len(items) > self._limit:
            raise _too_many("BATCH_TOO_LARGE", len(items), self._limit, "send smaller batches")
        if self._queued + len(items) > self._queue_limit:
            raise _too_many("QUEUE_FULL", self._queued + len(items), self._queue_limit, "send again later")
        future: asyncio.Future[list[R]] = asyncio.get_running_loop().create_future()
        self._queue.append((items, future))
        self._queued += len(items)
        if self._idle:
            idle = self._idle.popleft()
            if not idle.done():
                idle.set_result(None)
        return future

    async def work(self) -> None:
        """Runs batches until cancelled (or until a fatal error, which it raises). Belongs to a TaskGroup."""
        try:
            async with asyncio.TaskGroup() as tasks:
                for _ in range(self._depth):
                    tasks.create_task(self._work())
        finally:
            self._end(_stopped())

    async def _work(self) -> None:
        while True:
            if not self._queue:
                idle = asyncio.get_running_loop().create_future()
                self._idle.append(idle)
                await idle
                continue
            items, waiters = self._take()
            try:
                results = await self._run(items)
            except asyncio.CancelledError:
                _fail(waiters, _stopped())
                raise
            except Exception as error:  # whatever it is, it belongs to this batch's submitters
                _fail(waiters, error)
                if self._fatal:
                    self._end(error)
                    raise
                continue
            assert len(results) == len(items), "run must answer one result an item"
            _answer(waiters, results)

    def _take(self) -> tuple[list[T], list[tuple[int, asyncio.Future[list[R]]]]]:
        items, future = self._queue.popleft()
        waiters = [(len(items), future)]
        if self._queue and len(items) + len(self._queue[0][0]) <= self._limit:
            items = items.copy()
            while self._queue and len(items) + len(self._queue[0][0]) <= self._limit:
                more, future = self._queue.popleft()
                items += more
                waiters.append((len(more), future))
        self._queued -= len(items)
        return items, waiters

    def _end(self, error: BaseException) -> None:
        if self._ended is None:
            self._ended = error
        _fail([(0, future) for _, future in self._queue], self._ended)
        self._queue.clear()
        self._queued = 0


def _answer(waiters: list[tuple[int, asyncio.Future[list[R]]]], results: list[R]) -> None:
    if len(waiters) == 1:
        if not waiters[0][1].done():
            waiters[0][1].set_result(results)
        return
    start = 0
    for count, future in waiters:
        if not future.done():
            future.set_result(results[start : start + count])
        start += count


def _fail(waiters: list[tuple[int, asyncio.Future[list[R]]]], error: BaseException) -> None:
    for _, future in waiters:
        if not future.done():
            future.set_exception(error)


def _too_many(reason: str, count: int, limit: int, fix: str) -> Refusal:
    message = f"{count} items are more than {limit}"
    return Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, reason, message, value=str(count), limit=str(limit), fix=fix)


def _stopped() -> Refusal:
    return Refusal(grpc.StatusCode.UNAVAILABLE, "STOPPING", "the process is stopping", fix="send again")
