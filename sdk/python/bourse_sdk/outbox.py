"""The commands of a session that are not answered, in order. Pure: no await, no clock, no network.

What was sent on a stream is in flight; the rest waits. When the stream is lost, all that was in flight waits again, before
anything newer and in its own order, so no command ever overtakes another.
"""

import asyncio
from collections import deque
from collections.abc import Sequence

from bourse.types.v1 import command_pb2 as pb
from bourse_sdk.commands import Body, CommandResult, result_of
from bourse_sdk.errors import Identity


class ProtocolError(Exception):
    """The service answered what was not asked."""


class Submission:
    """Commands that were submitted together; `done` gets their results, in order, when all are there.

    `bodies` are what is in the commands; `streams` counts the times that any of them was sent.
    """

    __slots__ = ("bodies", "commands", "done", "results", "streams")

    def __init__(
        self, commands: list[pb.OrderCommand], bodies: list[Body], done: asyncio.Future[list[CommandResult]]
    ) -> None:
        assert len(commands) == len(bodies)
        self.commands = commands
        self.bodies = bodies
        self.done = done
        self.results: list[CommandResult] = []
        self.streams = 0


Span = tuple[Submission, int, int]  # its commands from the first number, before the second


class Outbox:
    """First in, first out, whatever happens to streams."""

    def __init__(self) -> None:
        self._waiting: deque[Span] = deque()
        self._in_flight: deque[Span] = deque()
        self._batch_ends: deque[int] = deque()
        self._sent = 0
        self._answered = 0
        self.unanswered = 0

    @property
    def waiting(self) -> bool:
        """Whether anything is to be sent."""
        return bool(self._waiting)

    @property
    def in_flight(self) -> int:
        """How many commands were sent on this stream and are not answered."""
        return self._sent - self._answered

    @property
    def batches_in_flight(self) -> int:
        """How many batches were sent on this stream and are not answered in full."""
        return len(self._batch_ends)

    def add(self, submission: Submission) -> None:
        """Puts a submission behind all others."""
        self._waiting.append((submission, 0, len(submission.commands)))
        self.unanswered += len(submission.commands)

    def take(self, limit: int) -> tuple[list[pb.OrderCommand], list[Body]]:
        """The next batch: at most `limit` commands, in flight from now on, and what is in them."""
        batch: list[pb.OrderCommand] = []
        bodies: list[Body] = []
        while self._waiting and len(batch) < limit:
            submission, start, end = self._waiting.popleft()
            submission.streams += 1
            stop = min(end, start + limit - len(batch))
            if stop < end:
                self._waiting.appendleft((submission, stop, end))
            whole = stop - start == len(submission.commands)
            batch += submission.commands if whole else submission.commands[start:stop]
            bodies += submission.bodies if whole else submission.bodies[start:stop]
            self._in_flight.append((submission, start, stop))
        self._sent += len(batch)
        self._batch_ends.append(self._sent)
        return batch, bodies

    def answer(self, messages: Sequence[pb.CommandResult]) -> list[CommandResult]:
        """Takes the answers to the oldest commands in flight. Raises ProtocolError when there are none such."""
        if len(messages) > self.in_flight:
            raise ProtocolError(f"{len(messages)} results for {self.in_flight} commands")
        results = [result_of(message) for message in messages]
        position = 0
        while position < len(results):
            submission, start, end = self._in_flight.popleft()
            count = min(end - start, len(results) - position)
            _check(submission, start, results[position : position + count])
            submission.results += results[position : position + count]
            position += count
            if start + count < end:
                self._in_flight.appendleft((submission, start + count, end))
            elif len(submission.results) == len(submission.commands) and not submission.done.done():
                submission.done.set_result(submission.results)
        self._answered += len(results)
        self.unanswered -= len(results)
        while self._batch_ends and self._batch_ends[0] <= self._answered:
            self._batch_ends.popleft()
        return results

    def lost(self) -> None:
        """The stream is gone: what was in flight waits again, first and in order."""
        self._waiting.extendleft(reversed(self._in_flight))
        self._in_flight.clear()
        self._batch_ends.clear()
        self._sent = self._answered = 0

    def abandon(self) -> list[tuple[Submission, list[Identity]]]:
        """Gives up everything: the submissions, each with the identities of its unanswered commands."""
        self.lost()
        given_up: dict[int, tuple[Submission, list[Identity]]] = {}
        for submission, start, end in self._waiting:
            _, identities = given_up.setdefault(id(submission), (submission, []))
            identities += map(identity_of, submission.bodies[start:end])
        self._waiting.clear()
        self.unanswered = 0
        return list(given_up.values())


def identity_of(body: Body) -> Identity:
    """What a command is known by."""
    trading_date = 0 if isinstance(body, pb.RenewLease) else body.trading_date
    return Identity(body.account, body.client_order_id, trading_date)


def _check(submission: Submission, start: int, results: list[CommandResult]) -> None:
    for index, result in enumerate(results, start):
        if result.refusal is None and result.client_order_id != (asked := submission.bodies[index].client_order_id):
            raise ProtocolError(f"the result of {result.client_order_id!r} where {asked!r} was next")
