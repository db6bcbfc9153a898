"""The sessions of order entry, which are more than app.py should hold: commands in, answers out, in order.

A session is of one ring, and each ring has the two stages of stages.py to itself.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Coroutine
from itertools import islice
from typing import Any

from chassis.identity import GENERAL, RINGS
from svc_order.core.placed import Placed
from svc_order.core.reference import Reference
from svc_order.core.refused import Refused, Unavailable
from svc_order.core.session import Deadlines
from svc_order.metrics import Metrics
from svc_order.ports import Ledger, Match, Ticket
from svc_order.stages import BATCH_LIMIT, Reductions, Ring, State, weight

SESSION_LIMIT = 512
SESSION_COMMANDS_LIMIT = 16_384
COMMANDS_LIMIT = 131_072
OVERTAKE_AFTER_SECONDS = 10.0  # A ledger that is only started again is no reason to change the order of a session.
SETTLED_WAIT_SECONDS = 3.0
SETTLED_POLL_SECONDS = 0.02

Spawn = Callable[[Coroutine[Any, Any, None]], object]


class Session:
    """One caller's commands in order, and their answers in the same order."""

    def __init__(self, participant: str, entry: "Entry", ring: Ring) -> None:
        self.participant = participant
        self.ring = ring
        self.state = State.RUNNING
        self.cut = False  # A shard did not take a command: what is queued behind it is not sent.
        self.changed = asyncio.Event()
        self.failure: Refused | None = None
        self.unanswered: deque[Ticket] = deque()
        self.flying = 0
        self.at_ledger = 0
        self.deadlines: dict[int, Deadlines] = {}
        self.past: dict[int, int] = {}  # By shard: the deadline that came late, which settlement has to pass.
        self.closing = False
        self._entry = entry

    async def enter(self, tickets: list[Ticket]) -> None:
        """Takes commands, refused ones included; waits while the session or the service has too many on their way."""
        more = weight(tickets)
        while self.state is not State.ENDED and self._entry.crowded(self, more):
            await self._entry.room()
        self.unanswered.extend(tickets)
        self._entry.commands += len(tickets)
        if self.state is State.RUNNING:
            self.ring.send(self, [one for one in tickets if one.result is None])
        self.changed.set()

    def take(self) -> list[Ticket]:
        """The answered commands at the front, each once, by its last ticket; they are gone from the session."""
        taken = []
        unanswered = self.unanswered
        while unanswered and unanswered[0].result is not None:
            taken.append(unanswered.popleft())
        if taken:
            self._entry.left(len(taken))
        return [one for one in taken if not one.is_part]

    @property
    def over(self) -> bool:
        """Whether nothing more will be answered: all is, or the session ended and what was under way is back."""
        if self.state is State.ENDED:
            return not self.flying
        return self.closing and not self.unanswered

    def close(self) -> None:
        """No more commands will come."""
        self.closing = True
        self.changed.set()

    @property
    def answerable(self) -> bool:
        """Whether there is something to take."""
        return bool(self.unanswered) and self.unanswered[0].result is not None

    def end(self, failure: Unavailable) -> None:
        """Ends the session: none behind the first unanswered command is sent."""
        if self.state is not State.ENDED:
            self.state, self.failure = State.ENDED, failure.refused
        self.changed.set()

    def landed(self, count: int) -> None:
        """So many of its commands are back, answered or not."""
        self.flying -= count
        assert self.flying >= 0, "more commands came back than were sent"
        if self.state is State.RESENDING and not self.flying:
            self._entry.resend(self)
        self.changed.set()


class Entry:
    """Order entry's two stages. `work` runs them; `reductions` says which replaces need no hold while the ledger is down."""

    def __init__(
        self,
        ledger: Ledger,
        match: Match,
        reference: Reference,
        placed: Placed,
        reductions: Reductions,
        spawn: Spawn,
        metrics: Metrics,
        overtake_after_seconds: float = OVERTAKE_AFTER_SECONDS,
    ) -> None:
        self._ledger = ledger
        self._match = match
        self._spawn = spawn
        self._metrics = metrics
        self._freed = asyncio.Event()
        self._rings = {
            ring: Ring(ring, ledger, match, reference, placed, reductions, metrics, overtake_after_seconds)
            for ring in RINGS
        }
        self.commands = 0
        self.sessions = 0

    async def work(self) -> None:
        """Runs until cancelled; belongs to a TaskGroup."""
        async with asyncio.TaskGroup() as tasks:
            for ring in self._rings.values():
                ring.start(tasks)

    def open(self, participant: str, ring: str = GENERAL) -> Session | None:
        """A new session of one of RINGS; None at SESSION_LIMIT. Whoever opens it closes it with `forget`."""
        if self.sessions >= SESSION_LIMIT:
            return None
        self.sessions += 1
        return Session(participant, self, self._rings[ring])

    def forget(self, session: Session) -> None:
        """The caller is gone. What was received goes on; nobody waits for the answers."""
        self.sessions -= 1
        self.left(len(session.unanswered))
        if session.state is State.RESENDING:
            session.end(Unavailable("OUTCOME_OPEN", "the caller is gone"))
        session.closing = True

    def crowded(self, session: Session, more: int) -> bool:
        """Whether the session, or the service, has too much on its way to take `more`."""
        waiting = len(session.unanswered)
        return waiting > 0 and (waiting + more > SESSION_COMMANDS_LIMIT or self.commands + more > COMMANDS_LIMIT)

    async def room(self) -> None:
        """Returns when some commands were answered."""
        self._freed.clear()
        await self._freed.wait()

    def left(self, count: int) -> None:
        """So many commands are answered, or forgotten."""
        self.commands -= count
        self._freed.set()

    def resend(self, session: Session) -> None:
        """Sends all that is unanswered again, in order, when settlement has come to where it is safe to ask again."""
        self._spawn(self._resend(session))

    async def _resend(self, session: Session) -> None:
        past, session.past = session.past, {}
        self._metrics.resends.inc()
        try:
            for shard, deadline_us in past.items():
                await self._settled(shard, deadline_us)
        except Unavailable as failure:
            session.end(failure)
            return
        if session.state is not State.RESENDING:
            return
        session.state, session.cut = State.RUNNING, False
        waiting = iter([one for one in session.unanswered if one.result is None])
        while piece := list(islice(waiting, BATCH_LIMIT)):
            for ticket in piece:
                ticket.sent, ticket.hold = False, None
            session.ring.send(session, piece)

    async def _settled(self, shard: int, deadline_us: int) -> None:
        """Waits until settlement is where the journal is now, and past a deadline."""
        state, _ = await self._match.state(shard)
        try:
            async with asyncio.timeout(SETTLED_WAIT_SECONDS):
                while not await self._is_settled(shard, state.sequence, deadline_us):
                    await asyncio.sleep(SETTLED_POLL_SECONDS)
        except TimeoutError:
            raise Unavailable("OUTCOME_OPEN", "settlement is behind the journal") from None

    async def _is_settled(self, shard: int, sequence: int, time_us: int) -> bool:
        settled_sequence, settled_us = await self._ledger.settled(shard)
        return settled_sequence >= sequence and settled_us > time_us
