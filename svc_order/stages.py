"""The two stages that commands pass on their way, for each ring by itself: what entry.py, which is about sessions, should not hold too.

Stage one asks the ledger for holds, stage two submits to each shard; both take whatever arrived while their last batch was
in flight, and work on different batches at the same time. A session's commands keep their order through both.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Coroutine, Iterable, Sequence
from enum import Enum, auto
from typing import TYPE_CHECKING, Any, NamedTuple

from svc_order.core.checks import Need
from svc_order.core.commands import STANDING, Cancel, MassCancel, MassQuote, Place, RenewLease, Replace
from svc_order.core.placed import Placed
from svc_order.core.reference import Reference
from svc_order.core.refused import Unavailable
from svc_order.core.saga import HoldState, Step, after_hold, after_late
from svc_order.core.session import NEVER, Deadlines, passing
from svc_order.metrics import Metrics
from svc_order.ports import ACCEPTED, LATE, Ledger, Match, Ticket

if TYPE_CHECKING:
    from svc_order.entry import Session

BATCH_LIMIT = 4096
BATCHES_IN_FLIGHT = 2
OUTAGE_PAUSE_SECONDS = 30.0  # Failures further apart are of two outages.

Reductions = Callable[[Sequence[Ticket]], Coroutine[Any, Any, set[int]]]


class State(Enum):
    """RUNNING takes commands; RESENDING waits until nothing is under way, then sends all unanswered again; ENDED sends nothing."""

    RUNNING = auto()
    RESENDING = auto()
    ENDED = auto()


class Piece(NamedTuple):
    """Commands of one session that travel together. What goes into one batch counts by its `weight`."""

    session: "Session"
    tickets: list[Ticket]
    weight: int


def piece_of(session: "Session", tickets: list[Ticket]) -> Piece:
    """These commands, which may not be more than a batch."""
    return Piece(session, tickets, weight(tickets))


def weight(tickets: Iterable[Ticket]) -> int:
    """How many commands these are; a mass quote is as many as it has sides."""
    return sum(2 * len(one.command.entries) if type(one.command) is MassQuote else 1 for one in tickets)


class Ring:
    """Both stages of one ring's sessions: their holds travel on a ledger stream of their own, their batches are never mixed
    with another ring's.
    """

    def __init__(
        self,
        name: str,
        ledger: Ledger,
        match: Match,
        reference: Reference,
        placed: Placed,
        reductions: Reductions,
        metrics: Metrics,
        overtake_after_seconds: float,
    ) -> None:
        self._name = name
        self._overtake_after_seconds = overtake_after_seconds
        self._failing_since = self._failed_at = float("-inf")
        self._ledger = ledger
        self._reference = reference
        self._reductions = reductions
        self._metrics = metrics
        self._first: deque[Piece] = deque()
        self._first_ready = asyncio.Event()
        self._lanes = {shard: Lane(shard, match, reference, placed, metrics) for shard in reference.shard_numbers}

    def start(self, tasks: asyncio.TaskGroup) -> None:
        """Runs until cancelled."""
        tasks.create_task(self._hold())
        for lane in self._lanes.values():
            for _ in range(BATCHES_IN_FLIGHT):
                tasks.create_task(lane.work())

    def send(self, session: "Session", tickets: list[Ticket]) -> None:
        """Puts commands on their way, in order. What needs no hold, with nothing before it at the ledger, goes straight on; a
        lease waits for nothing.
        """
        total = weight(tickets)
        if total > BATCH_LIMIT and len(tickets) > 1:
            self.send(session, tickets[: len(tickets) // 2])
            self.send(session, tickets[len(tickets) // 2 :])
            return
        if not tickets:
            return
        session.flying += len(tickets)
        if not session.at_ledger and all(one.need is None for one in tickets):
            self._submit(Piece(session, tickets, total))
            return
        leases = [one for one in tickets if isinstance(one.command, RenewLease)]
        if leases:
            self._submit(piece_of(session, leases))
            tickets = [one for one in tickets if not one.sent]
            if not tickets:
                return
        session.at_ledger += len(tickets)
        self._first.append(Piece(session, tickets, total))
        self._first_ready.set()

    async def _hold(self) -> None:
        while True:
            if not self._first:
                self._first_ready.clear()
                await self._first_ready.wait()
            pieces = take(self._first)
            await self._hold_batch(pieces)

    async def _hold_batch(self, pieces: list[Piece]) -> None:
        failed: list[tuple[list[Piece], Unavailable]] = []
        while True:
            running = [piece for piece in pieces if piece.session.state is State.RUNNING]
            asking = [one for piece in running for one in piece.tickets if one.need is not None and not one.sent]
            try:
                if asking:
                    with self._metrics.stage("hold", len(asking)):
                        await self._ask(asking)
                    if not failed:
                        self._failed_at = float("-inf")
                break
            except Unavailable as failure:
                pieces, stuck = _apart(pieces, failure.shard)
                failed.append((stuck, failure))
        for piece in pieces:
            piece.session.at_ledger -= len(piece.tickets)
            self._held(piece)
        for stuck, why in failed:
            for piece in stuck:
                piece.session.at_ledger -= len(piece.tickets)
            await self._pass_by(stuck, why)

    async def _ask(self, tickets: list[Ticket]) -> None:
        """Asks for all holds: one request an incarnation, of which there is one, but while a backup is being restored."""
        shards = self._reference.shards
        for incarnation in {shards[number].incarnation: None for number in {one.shard for one in tickets}}:
            asked = [one for one in tickets if shards[one.shard].incarnation == incarnation]
            for ticket, hold in zip(
                asked, await self._ledger.create_holds(self._name, incarnation, asked), strict=True
            ):
                ticket.hold = hold

    def _held(self, piece: Piece) -> None:
        session, tickets = piece.session, piece.tickets
        if session.state is not State.RUNNING:
            session.landed(len(tickets))
            return
        going = []
        for ticket in tickets:
            if ticket.sent:
                continue
            hold = ticket.hold
            if ticket.need is None or hold is None or hold.state == HoldState.PENDING:
                going.append(ticket)
                continue
            named = isinstance(ticket.need, Need) and ticket.need.original_client_order_id
            may_be_known_later = not (named or ticket.waited)
            step = after_hold(hold, attempt=ticket.attempt, may_be_known_later=may_be_known_later)
            if step is Step.SUBMIT:
                going.append(ticket)
            elif step is Step.SUBMIT_BARE:
                ticket.hold = None
                going.append(ticket)
            elif step is Step.ANSWER:
                assert hold.refused is not None, "a hold that failed says why"
                ticket.result = hold.refused
            else:
                ticket.waited = True
                stop(session, ticket, step, hold.deadline_us)
                break
        if going:
            self._submit(Piece(session, going, piece.weight))
        session.landed(len(tickets) - len(going))

    async def _pass_by(self, pieces: list[Piece], failure: Unavailable) -> None:
        """The ledger is down: of each session's commands that wait for it, those go on that nothing before them forbids.

        At first these are those before which none stays; after OVERTAKE_AFTER_SECONDS some overtake others: see `passing`.
        """
        overtakes = self._failing_seconds() >= self._overtake_after_seconds
        waiting = {id(piece.session): piece.session for piece in pieces if piece.session.state is State.RUNNING}
        unsent = [
            [one for one in session.unanswered if one.result is None and not one.sent] for session in waiting.values()
        ]
        bare = await self._reductions(
            [one for tickets in unsent for one in tickets if isinstance(one.command, Replace)]
        )
        for session, tickets in zip(waiting.values(), unsent, strict=True):
            commands = [
                (one.command, isinstance(one.command, Cancel | MassCancel | RenewLease) or id(one) in bare)
                for one in tickets
                if one.command
            ]
            passed = [tickets[index] for index in passing(commands, overtakes=overtakes)]
            for ticket in passed:
                ticket.hold, ticket.need = None, None
            if len(passed) < len(tickets):
                session.end(failure)
            session.flying += len(passed)
            if passed:
                self._submit(piece_of(session, passed))
        for piece in pieces:
            piece.session.landed(len(piece.tickets))

    def _failing_seconds(self) -> float:
        """The ledger has failed once more: for how long it has."""
        now = time.monotonic()
        if now - self._failed_at > OUTAGE_PAUSE_SECONDS:
            self._failing_since = now
        self._failed_at = now
        return now - self._failing_since

    def _submit(self, piece: Piece) -> None:
        for ticket in piece.tickets:
            ticket.sent = True
        first = piece.tickets[0].shard
        if all(one.shard == first for one in piece.tickets):
            self._lanes[first].put(piece)
            return
        for shard in {one.shard: None for one in piece.tickets}:
            self._lanes[shard].put(piece_of(piece.session, [one for one in piece.tickets if one.shard == shard]))


class Lane:
    """Stage two of one shard: submits pieces in the order they were put, and takes the answers back."""

    def __init__(self, shard: int, match: Match, reference: Reference, placed: Placed, metrics: Metrics) -> None:
        self._shard = shard
        self._match = match
        self._reference = reference
        self._placed = placed
        self._metrics = metrics
        self._pieces: deque[Piece] = deque()
        self._flights: list[
            tuple[int, list[Piece]]
        ] = []  # batches that have no answer, and the shard's breaks before each
        self._ready = asyncio.Event()

    def put(self, piece: Piece) -> None:
        """Queues a piece."""
        self._pieces.append(piece)
        self._ready.set()

    async def work(self) -> None:
        """Runs until cancelled. Several may run: batches leave in the order they were taken."""
        while True:
            if not self._pieces:
                self._ready.clear()
                await self._ready.wait()
                continue
            pieces = self._sendable(take(self._pieces))
            if pieces:
                await self._exchange(pieces)

    def _sendable(self, pieces: list[Piece]) -> list[Piece]:
        """Nothing passes what its session lost in a break, also when the loser has not heard of it yet."""
        breaks = self._match.breaks(self._shard)
        for before, lost in self._flights:
            if before != breaks:
                for piece in lost:
                    piece.session.cut = True
        sendable = []
        for piece in pieces:
            if not piece.session.cut:
                sendable.append(piece)
            else:
                piece.session.landed(len(piece.tickets))
        return sendable

    async def _exchange(self, pieces: list[Piece]) -> None:
        tickets = [one for piece in pieces for one in piece.tickets] if len(pieces) > 1 else pieces[0].tickets
        deadlines_us = [deadline for piece in pieces for deadline in self._deadlines(piece)]
        incarnation = self._reference.shards[self._shard].incarnation
        flight = self._match.breaks(self._shard), pieces
        self._flights.append(flight)
        try:
            with self._metrics.stage("submit", len(tickets)):
                answers = await self._match.submit(self._shard, incarnation, tickets, deadlines_us)
        except Unavailable as failure:
            for piece in pieces:
                piece.session.deadlines[self._shard].answered()
                piece.session.cut = True
                piece.session.end(failure)
                piece.session.landed(len(piece.tickets))
            return
        finally:
            self._flights.remove(flight)
        assert len(answers) == len(tickets), "svc_match answers one result a command"
        rest = iter(answers)
        carried = iter(deadlines_us)
        for piece in pieces:
            piece.session.deadlines[self._shard].answered()
            for ticket, answer, deadline_us in zip(piece.tickets, rest, carried, strict=False):
                if answer.outcome == LATE:
                    piece.session.cut = True
                    stop(piece.session, ticket, after_late(ticket.attempt), deadline_us)
                    ticket.attempt += 1
                else:
                    ticket.result = answer
                    command = ticket.command
                    if answer.outcome == ACCEPTED and type(command) is Place and command.time_in_force in STANDING:
                        self._placed.add(answer.order_id, command)
            piece.session.landed(len(piece.tickets))

    def _deadlines(self, piece: Piece) -> list[int]:
        """Only a pending hold's deadline binds what follows: under a bound or ended one the core answers with the first result."""
        window = piece.session.deadlines.get(self._shard)
        if window is None:
            window = piece.session.deadlines[self._shard] = Deadlines()
        carried = window.carry([_pending_deadline(one) for one in piece.tickets])
        for index, ticket in enumerate(piece.tickets):
            if ticket.hold is not None and ticket.hold.state != HoldState.PENDING:
                carried[index] = min(carried[index] or NEVER, ticket.hold.deadline_us)
        return carried


def _apart(pieces: list[Piece], shard: int | None) -> tuple[list[Piece], list[Piece]]:
    """The pieces of sessions that ask for nothing of the shard, and all others; where no shard is named none is apart."""
    asking = {
        id(piece.session)
        for piece in pieces
        if any(one.shard == shard and one.need is not None for one in piece.tickets)
    }
    if not asking:
        return [], pieces
    return (
        [piece for piece in pieces if id(piece.session) not in asking],
        [piece for piece in pieces if id(piece.session) in asking],
    )


def take(pieces: deque[Piece]) -> list[Piece]:
    """The pieces at the front, as many as go into one batch."""
    taken = [pieces.popleft()]
    count = taken[0].weight
    while pieces and count + pieces[0].weight <= BATCH_LIMIT:
        taken.append(pieces.popleft())
        count += taken[-1].weight
    return taken


def stop(session: "Session", ticket: Ticket, step: Step, deadline_us: int) -> None:
    """The session sends nothing more until `ticket` and all behind it are sent again, or ends here."""
    session.past[ticket.shard] = max(session.past.get(ticket.shard, 0), deadline_us)
    if step is Step.AGAIN:
        if session.state is State.RUNNING:
            session.state = State.RESENDING
        return
    assert step is Step.OPEN, f"{step} does not stop a session"
    session.end(Unavailable("OUTCOME_OPEN", "the command was not taken in time"))


def _pending_deadline(ticket: Ticket) -> int:
    hold = ticket.hold
    return hold.deadline_us if hold is not None and hold.state == HoldState.PENDING else 0
