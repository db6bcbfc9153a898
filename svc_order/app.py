"""Use cases: what a command's fields say before it enters the pipeline (see entry.py), and the history of orders."""

import asyncio
import time
from bisect import bisect_left
from collections import deque
from collections.abc import AsyncIterator, Iterable, Sequence

import structlog

from chassis import telemetry
from chassis.units import sequence_of, shard_of
from svc_order.core.checks import Everywhere, Need, Route, Stale, check, unknown_order
from svc_order.core.commands import SELL, Command, Place, Replace, digest
from svc_order.core.history import OPEN, Fold
from svc_order.core.placed import Placed
from svc_order.core.reference import Reference
from svc_order.core.refused import Refused, Unavailable, refused
from svc_order.metrics import Metrics
from svc_order.ports import Exported, Match, OrderFilter, OrderRow, Position, Segment, Store, Ticket

COMMANDS_A_TURN = 512
REFRESH_SECONDS = 5.0
REFRESH_PAUSE_SECONDS = 0.2
MIRROR_SECONDS = 0.05  # The stable version's history is looked at so often by one that writes none.
MIRROR_REFRESH_SECONDS = 1.0
SEQUENCE_WAIT_SECONDS = 5.0
RECENT_BYTES_LIMIT = 16 << 20
RECENT_SEGMENTS_LIMIT = 4096
WATCH_PAGE = 64
WATCH_BYTES = 1 << 20
WATCH_LIMIT = 1024
RANGE_SECONDS = 1.0

log = structlog.get_logger()

Part = tuple[int, int, int, list[tuple[int, int, bytes]]]


class Problem(Exception):
    """A read, a session or a whole batch is refused; `refused` says why."""

    def __init__(self, why: Refused) -> None:
        super().__init__(why.message)
        self.refused = why


class Admission:
    """Gives each command its ticket: refused by its fields, or on its way to a shard with the hold that it needs."""

    def __init__(self, match: Match, reference: Reference, placed: Placed, store: Store, history: "History") -> None:
        self._match = match
        self._reference = reference
        self._placed = placed
        self._store = store
        self._history = history
        self._refreshed_at = 0.0
        self._refreshing = asyncio.Lock()

    async def follow_reference(self, seconds: float = REFRESH_SECONDS) -> None:
        """Reads the shards' reference data for ever, so that it is there before history has caught up."""
        while True:
            await self.refresh()
            await asyncio.sleep(seconds if self._reference.complete else REFRESH_PAUSE_SECONDS)

    async def refresh(self) -> None:
        """Reads reference data of every shard that answers, from now on or later; once in REFRESH_PAUSE_SECONDS for all who ask."""
        asked_at = time.monotonic()
        async with self._refreshing:
            if self._refreshed_at >= asked_at:
                return
            await asyncio.sleep(max(0.0, self._refreshed_at + REFRESH_PAUSE_SECONDS - time.monotonic()))
            self._refreshed_at = time.monotonic()
            for number in self._reference.shard_numbers:
                try:
                    self._reference.load(number, *await self._match.state(number))
                except Unavailable as why:
                    log.info("shard_unreachable", shard=number, error=str(why))

    async def tickets(self, participant: str, commands: Sequence[tuple[Command | None, object]]) -> list[Ticket]:
        """One ticket a command, or one for each shard that it goes to, in order. Raises Unavailable while a shard is unknown."""
        if not self._reference.complete:
            raise Unavailable("NOT_READY", "reference data is not loaded yet")
        tickets = []
        stale: list[tuple[int, Command]] = []
        for index, (command, message) in enumerate(commands):
            if index % COMMANDS_A_TURN == COMMANDS_A_TURN - 1:
                await asyncio.sleep(0)
            if command is None:
                tickets.append(_missing(message))
                continue
            if type(command) is Replace and command.order_id > 0 and not command.symbol and not self._place_of(command):
                tickets.append(await self._unsymboled(participant, command, message))
                continue
            ticket, again = self._ticket(participant, command, command, message)
            tickets.append(ticket)
            if again:
                stale.append((index, command))
        if stale:
            await self.refresh()
            for index, command in stale:
                tickets[index], _ = self._ticket(participant, command, command, tickets[index].message)
        return [part for ticket in tickets for part in (*ticket.before, ticket)]

    def _ticket(self, participant: str, command: Command, checked: Command, message: object) -> tuple[Ticket, bool]:
        place = self._place_of(checked) if type(checked) is Replace else None
        if place is not None and isinstance(checked, Replace) and not checked.symbol:
            checked = checked._replace(symbol=place.symbol)
        verdict = check(checked, participant, self._reference)
        if isinstance(verdict, Everywhere):
            return self._everywhere(command, message, verdict), False
        if isinstance(verdict, Route):
            need = verdict.need
            ticket = Ticket(command, message, verdict.shard, need, digest(command) if need is not None else b"")
            if place is not None and isinstance(need, Need):
                ticket.need = need._replace(original_client_order_id=place.client_order_id)
            if command.traceparent:
                ticket.traceparent, ticket.end_span = telemetry.begin("admit", command.traceparent)
            return ticket, False
        ticket = Ticket(command, message, -1, None, b"")
        if command.traceparent:
            ticket.traceparent = telemetry.well_formed(command.traceparent)
        ticket.result = verdict.refused if isinstance(verdict, Stale) else verdict
        return ticket, isinstance(verdict, Stale)

    def _everywhere(self, command: Command, message: object, verdict: Everywhere) -> Ticket:
        """The ticket of the last shard, with those of the others."""
        *before, last = (Ticket(command, message, route.shard, None, b"") for route in verdict.routes)
        for part in before:
            part.is_part = True
        last.before, last.goes_everywhere = before, True
        last.traceparent = telemetry.well_formed(command.traceparent) if command.traceparent else ""
        return last

    def _place_of(self, command: Replace) -> Place | None:
        """The order that is replaced by order_id, as it was placed here, so that the ledger finds it before it is settled."""
        return self._placed.find(command.order_id, command.account) if command.order_id else None

    async def _unsymboled(self, participant: str, command: Replace, message: object) -> Ticket:
        """A replace by order_id alone: history knows the symbol, once it is where the order began."""
        shard = shard_of(command.order_id)
        row = None
        if shard in self._reference.shard_numbers and await self._history.reaches_order(command.order_id):
            row = await self._store.order(command.order_id)
        if row is None or row.account != command.account:
            ticket, _ = self._ticket(participant, command, command, message)
            if not isinstance(ticket.result, Refused):
                ticket.result = unknown_order(command)
            return ticket
        ticket, _ = self._ticket(participant, command, command._replace(symbol=row.symbol), message)
        return ticket

    async def reductions(self, tickets: Sequence[Ticket]) -> set[int]:
        """Which replaces (by id()) history knows to need no more than is held: asked while the ledger is down."""
        replaces = [(one, one.command) for one in tickets if isinstance(one.command, Replace)]
        if not replaces:
            return set()
        ids = [command.order_id for _, command in replaces if command.order_id]
        names = [(command.account, command.original_client_order_id) for _, command in replaces if not command.order_id]
        try:
            rows = await self._store.named(ids, names)
        except Unavailable:
            return set()
        by_id = {row.order_id: row for row in rows}
        by_name = {(row.account, row.client_order_id): row for row in sorted(rows)}
        found = set()
        for ticket, command in replaces:
            row = by_id.get(command.order_id) or by_name.get((command.account, command.original_client_order_id))
            if row is not None and row.account == command.account and _reduces(command, row):
                found.add(id(ticket))
        return found


def _reduces(command: Replace, row: OrderRow) -> bool:
    cheaper = row.side == SELL or command.price_e4 <= row.price_e4
    return row.state == OPEN and cheaper and command.quantity <= row.quantity


def _missing(message: object) -> Ticket:
    ticket = Ticket(None, message, -1, None, b"")
    ticket.result = refused(
        "COMMAND_MISSING",
        "a command places, cancels or replaces an order, ends many, or quotes",
        field="command",
        value="",
        fix="set one of them",
    )
    return ticket


class History:
    """The history of orders: what was stored, what was just stored (for watchers), and how far it is."""

    def __init__(self, store: Store, reference: Reference, metrics: Metrics) -> None:
        self._store = store
        self._reference = reference
        self._metrics = metrics
        self._positions: dict[int, Position] = {}
        self._recent: dict[int, Recent] = {}
        self._changed = asyncio.Event()
        self.watchers = 0

    @property
    def loaded(self) -> bool:
        """Whether the stored position of every shard is known."""
        return len(self._positions) == len(self._reference.shard_numbers)

    async def load(self, shard: int) -> Position:
        """Where the shard's history is; to be called once before `append`."""
        position = await self._store.position(shard)
        self._positions[shard] = position
        self._recent[shard] = Recent(position.sequence)
        return position

    async def mirror(self, shard: int) -> None:
        """Lets readers see, for ever, what another process stores; stores nothing. Belongs to a TaskGroup."""
        while True:
            try:
                stored = await self._store.stored(shard)
            except Unavailable as why:
                log.warning("history_unread", shard=shard, error=str(why))
                await asyncio.sleep(REFRESH_PAUSE_SECONDS)
                continue
            if stored != self._positions.get(shard):
                self._positions[shard], self._recent[shard] = stored, Recent(stored.sequence)
                self._metrics.sequence.labels(shard).set(stored.sequence)
                self._tell()
            await asyncio.sleep(MIRROR_SECONDS)

    async def append(self, shard: int, after: Position, fold: Fold, segments: Sequence[Segment], time_us: int) -> None:
        """Stores what a batch of events brought, and lets readers see it. Raises if the stored position is another."""
        await self._store.append(shard, self._positions[shard].sequence, after, fold, segments)
        self._positions[shard] = after
        self._recent[shard].add(segments)
        self._metrics.sequence.labels(shard).set(after.sequence)
        self._metrics.lag.labels(shard).set(max(0.0, time.time() - time_us / 1e6))
        self._tell()

    async def reset(self, shard: int, incarnation: str) -> Position:
        """Forgets a shard's history: another incarnation of the exchange has another one."""
        await self._store.reset(shard, incarnation)
        position = await self.load(shard)
        self._tell()
        return position

    def _tell(self) -> None:
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()

    async def reaches_order(self, order_id: int) -> bool:
        """Whether history comes to where the order began, within SEQUENCE_WAIT_SECONDS."""
        return await self._reaches(shard_of(order_id), sequence_of(order_id), RANGE_SECONDS)

    async def _reaches(self, shard: int, sequence: int, timeout_seconds: float) -> bool:
        try:
            async with asyncio.timeout(timeout_seconds):
                while self._sequence(shard) < sequence:
                    await self._changed.wait()
        except TimeoutError:
            return False
        return True

    def _sequence(self, shard: int) -> int:
        position = self._positions.get(shard)
        return position.sequence if position is not None else -1

    async def wait(self, wanted: Sequence[tuple[int, int, str]], timeout_seconds: float) -> None:
        """Waits until history is at least at each (shard, sequence, incarnation or ""). Raises Problem."""
        deadline = time.monotonic() + min(timeout_seconds, SEQUENCE_WAIT_SECONDS)
        require_one_each([shard for shard, *_ in wanted])
        for shard, sequence, incarnation in wanted:
            self._check(shard, incarnation)
            if sequence < 0:
                raise _sequence_problem("SEQUENCE_INVALID", shard, sequence, self._sequence(shard), "send 0 or more")
            if not await self._reaches(shard, sequence, max(0.0, deadline - time.monotonic())):
                raise _sequence_problem(
                    "SEQUENCE_NOT_REACHED", shard, sequence, self._sequence(shard), "try again later"
                )

    def _check(self, shard: int, incarnation: str) -> None:
        if shard not in self._reference.shard_numbers:
            raise Problem(
                refused(
                    "FILTER_INVALID", "there is no such shard", field="shard", value=shard, fix="name a shard of yours"
                )
            )
        position = self._positions.get(shard)
        if position is None:
            raise Unavailable("NOT_READY", "history is not loaded yet")
        if incarnation and position.incarnation and incarnation != position.incarnation:
            raise Problem(
                refused(
                    "INCARNATION_CHANGED",
                    "the position is of another incarnation: a backup was restored",
                    field="incarnation",
                    value=incarnation,
                    fix="begin again at sequence 0",
                )
            )

    async def order(self, order_id: int, participant: str, min_sequence: int, timeout_seconds: float) -> OrderRow:
        """An order that the participant ("" for the operator) may see. Raises Problem, Unavailable."""
        shard = shard_of(order_id) if order_id > 0 else -1
        if shard in self._reference.shard_numbers and min_sequence:
            await self.wait([(shard, min_sequence, "")], timeout_seconds)
        row = await self._store.order(order_id)
        if row is None or (participant and row.participant != participant):
            raise Problem(
                refused(
                    "ORDER_UNKNOWN", "no such order of yours", field="order_id", value=order_id, fix="list your orders"
                )
            )
        return row

    async def orders(self, wanted: OrderFilter, limit: int, behind: tuple[int, int] | None) -> list[OrderRow]:
        """A page of orders, newest first."""
        return await self._store.orders(wanted, limit, behind)

    def export(self) -> AsyncIterator[Exported]:
        """The whole history out of one snapshot."""
        return self._store.export()

    async def watch(self, participant: str, after: dict[int, tuple[int, str]]) -> AsyncIterator[tuple[str, Part]]:
        """The drop copy behind the positions, for ever: (incarnation, (shard, first, last, rows)).

        Parts of a shard join without gap or repeat; a row may begin before `first`, then only what is behind counts.
        """
        for shard, (sequence, incarnation) in after.items():
            self._check(shard, incarnation)
            if sequence < 0:
                raise _sequence_problem("SEQUENCE_INVALID", shard, sequence, self._sequence(shard), "send 0 or more")
            if not await self._reaches(shard, sequence, RANGE_SECONDS):
                raise _sequence_problem(
                    "SEQUENCE_AHEAD", shard, sequence, self._sequence(shard), "begin where history is"
                )
        positions = {shard: after[shard][0] if shard in after else 0 for shard in self._reference.shard_numbers}
        incarnations = {shard: self._positions[shard].incarnation for shard in positions if shard in self._positions}
        told = dict.fromkeys(positions, 0.0)
        while True:
            changed = self._changed
            for shard in tuple(positions):
                while part := await self._next(participant, shard, positions[shard]):
                    incarnation = self._positions[shard].incarnation
                    if incarnations.setdefault(shard, incarnation) not in ("", incarnation):
                        self._check(shard, incarnations[shard])
                    incarnations[shard] = incarnation
                    if not part[3] and time.monotonic() - told[shard] < RANGE_SECONDS:
                        break
                    yield incarnation, part
                    positions[shard], told[shard] = part[2], time.monotonic()
            try:
                async with asyncio.timeout(RANGE_SECONDS):
                    await changed.wait()
            except TimeoutError:
                continue

    async def _next(self, participant: str, shard: int, after: int) -> Part | None:
        """What comes behind `after`: at most WATCH_PAGE rows or about WATCH_BYTES."""
        last = self._sequence(shard)
        if last <= after:
            return None
        rows = self._recent[shard].after(participant, after)
        if rows is None:
            rows = await self._store.copies(participant, shard, after, WATCH_PAGE)
            complete = len(rows) < WATCH_PAGE
        else:
            rows, complete = rows[:WATCH_PAGE], len(rows) <= WATCH_PAGE
        taken: list[tuple[int, int, bytes]] = []
        size = 0
        for row in rows:
            if taken and size + len(row[2]) > WATCH_BYTES:
                complete = False
                break
            taken.append(row)
            size += len(row[2])
        if taken:
            last = max(last, taken[-1][1]) if complete else taken[-1][1]
        return shard, after + 1, last, taken


class Recent:
    """The newest segments of a shard, at most RECENT_SEGMENTS_LIMIT and RECENT_BYTES_LIMIT, so that live watchers need no database."""

    def __init__(self, sequence: int) -> None:
        self._begin = sequence
        self._segments: deque[Segment] = deque()
        self._bytes = 0

    def add(self, segments: Iterable[Segment]) -> None:
        """Takes the segments that come next."""
        for segment in segments:
            self._segments.append(segment)
            self._bytes += _size(segment)
        while self._bytes > RECENT_BYTES_LIMIT or len(self._segments) > RECENT_SEGMENTS_LIMIT:
            oldest = self._segments.popleft()
            self._bytes -= _size(oldest)
            self._begin = oldest.last

    def after(self, participant: str, sequence: int) -> list[tuple[int, int, bytes]] | None:
        """Rows of a participant behind a sequence; None when they are no longer all here."""
        if sequence < self._begin:
            return None
        index = bisect_left(self._segments, sequence + 1, key=lambda one: one.last)
        return [
            (one.first, one.last, one.updates[participant])
            for one in (self._segments[i] for i in range(index, len(self._segments)))
            if participant in one.updates
        ]


def _size(segment: Segment) -> int:
    return 256 + sum(map(len, segment.updates.values()))


def require_one_each(shards: Sequence[int]) -> None:
    """Refuses positions that name a shard twice."""
    if len(set(shards)) < len(shards):
        message = "a shard is named more than once"
        why = refused("SEQUENCE_INVALID", message, field="sequence", value=len(shards), fix="name each shard once")
        raise Problem(why)


def _sequence_problem(reason: str, shard: int, wanted: int, at: int, fix: str) -> Problem:
    message = f"history of shard {shard} is at {at}"
    return Problem(
        Refused(reason, message, {"field": "sequence", "value": str(wanted), "shard": str(shard), "fix": fix})
    )
