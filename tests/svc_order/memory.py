"""A small ledger and a small shard that keep the protos' promises and forget on exit."""

import asyncio
from collections.abc import Iterable, Sequence
from typing import Any

from bourse.ledger.v1 import ledger_pb2
from bourse.match.v1 import events_pb2, match_pb2
from bourse.types.v1 import command_pb2, market_pb2
from chassis.units import order_id, worst
from svc_order import wire
from svc_order.core.commands import RenewLease, digest
from svc_order.core.reference import Instrument, Shard
from svc_order.core.refused import Unavailable
from svc_order.core.saga import Hold
from svc_order.ports import Ticket

DATE = 20260105
INTERVAL_US = 5_000_000
INSTRUMENTS = {
    0: market_pb2.Instrument(
        symbol="AAA",
        currency="EUR",
        tick_size_e4=100,
        lot_size=10,
        min_price_e4=100,
        max_price_e4=10_000_000,
        max_quantity=1_000_000,
        maker_fee_e6=100,
        taker_fee_e6=300,
        shard=0,
    ),
    1: market_pb2.Instrument(
        symbol="BBB",
        currency="EUR",
        tick_size_e4=1,
        lot_size=1,
        min_price_e4=1,
        max_price_e4=10**13,
        max_quantity=10**12,
        taker_fee_e6=1000,
        shard=1,
    ),
}


class MatchMemory:
    """One shard: identity, deadlines and open orders; it matches nothing. `time_us` is moved by the test."""

    def __init__(self, shard: int, incarnation: str = "a" * 32) -> None:
        self.shard, self.incarnation = shard, incarnation
        self.instrument = INSTRUMENTS[shard]
        self.journal: list[events_pb2.ExecutionBatch] = []
        self.sequence, self.time_us, self.trading_date = 0, 1_000_000_000, DATE
        self.first: dict[tuple[int, str, str], tuple[bytes, command_pb2.CommandResult]] = {}
        self.open: dict[int, tuple[str, str, int]] = {}
        self.taken: list[tuple[str, str]] = []
        self.executed: list[str] = []
        self.leases: list[str] = []
        self.quote_holds: list[tuple[int, int]] = []

    def row(self, *events: events_pb2.ExecutionEvent) -> None:
        """Journals events at `time_us`."""
        self.journal.append(
            events_pb2.ExecutionBatch(
                incarnation=self.incarnation,
                epoch=1,
                shard=self.shard,
                first_sequence=self.sequence + 1,
                last_sequence=self.sequence + len(events),
                time_us=self.time_us,
                trading_date=self.trading_date,
                events=events,
            )
        )
        self.sequence += len(events)

    def tick(self, microseconds: int = 0) -> None:
        """Time passes."""
        self.time_us += microseconds
        self.row(events_pb2.ExecutionEvent(tick=events_pb2.Tick()))

    def submit(self, request: match_pb2.SubmitRequest) -> match_pb2.SubmitResponse:
        """A batch, as MatchService.Submit takes it: one row, or a tick where nothing happened."""
        events: list[events_pb2.ExecutionEvent] = []
        results = [self._take(one, events) for one in request.submissions]
        self.row(*(events or [events_pb2.ExecutionEvent(tick=events_pb2.Tick())]))
        return match_pb2.SubmitResponse(results=results)

    def _take(
        self, submission: match_pb2.Submission, events: list[events_pb2.ExecutionEvent]
    ) -> command_pb2.CommandResult:
        [(command, _)] = wire.commands([submission.command])
        assert command is not None
        sequence = self.sequence + len(events) + 1
        if isinstance(command, RenewLease):
            self.leases.append(command.lease)
            events.append(events_pb2.ExecutionEvent(lease_changed=events_pb2.LeaseChanged(expire_time_us=1)))
            return command_pb2.CommandResult(
                client_order_id=command.client_order_id, outcome=command_pb2.OUTCOME_ACCEPTED, sequence=sequence
            )
        key = command.trading_date, command.account, command.client_order_id
        if known := self.first.get(key):
            if known[0] == digest(command):
                return known[1]
            return self._refused(command.client_order_id, "CLIENT_ORDER_ID_REUSED")
        if command.trading_date != self.trading_date:
            return self._refused(command.client_order_id, "TRADING_DATE_WRONG")
        if submission.deadline_us and self.time_us > submission.deadline_us:
            return command_pb2.CommandResult(client_order_id=command.client_order_id, outcome=command_pb2.OUTCOME_LATE)
        self.executed.append(command.client_order_id)
        event, result = self._execute(submission, sequence)
        events.append(event)
        self.first[key] = digest(command), result
        return result

    def _refused(self, client_order_id: str, reason: str) -> command_pb2.CommandResult:
        return command_pb2.CommandResult(
            client_order_id=client_order_id,
            outcome=command_pb2.OUTCOME_REFUSED,
            refusal=market_pb2.Refusal(reason=reason, message=reason),
        )

    def _execute(
        self, submission: match_pb2.Submission, sequence: int
    ) -> tuple[events_pb2.ExecutionEvent, command_pb2.CommandResult]:
        kind = submission.command.WhichOneof("command")
        assert kind is not None
        command = getattr(submission.command, kind)
        result = command_pb2.CommandResult(client_order_id=command.client_order_id, sequence=sequence)
        if kind == "place":
            result.order_id, result.quantity = order_id(self.shard, sequence), command.quantity
            result.outcome = command_pb2.OUTCOME_ACCEPTED
            assert submission.hold_id > 0, "an order is executed only under a hold"
            self.open[result.order_id] = command.account, command.client_order_id, command.quantity
            accepted = events_pb2.OrderAccepted(
                order_id=result.order_id,
                hold_id=submission.hold_id,
                account=command.account,
                client_order_id=command.client_order_id,
                symbol=command.symbol,
                side=command.side,
                type=command.type,
                time_in_force=command.time_in_force,
                price_e4=command.price_e4,
                quantity=command.quantity,
                held_price_e4=submission.held_price_e4,
                held_fee_e6=submission.held_fee_e6,
            )
            return events_pb2.ExecutionEvent(accepted=accepted), result
        if kind == "mass_quote":
            sides = sum((one.bid_quantity > 0) + (one.ask_quantity > 0) for one in command.entries)
            assert len(submission.quote_holds) == sides, "a side is executed only under a hold"
            self.quote_holds = [(one.held_amount, one.held_price_e4) for one in submission.quote_holds]
            result.outcome, result.orders = command_pb2.OUTCOME_ACCEPTED, sides
            quoted = events_pb2.MassQuoted(account=command.account, quotes=sides)
            return events_pb2.ExecutionEvent(mass_quoted=quoted), result
        if kind == "mass_cancel":
            ending = [number for number, (account, *_) in self.open.items() if account == command.account]
            for number in ending:
                del self.open[number]
            result.outcome, result.orders = command_pb2.OUTCOME_CANCELLED, len(ending)
            taken = events_pb2.MassCancelled(participant=command.account.partition("/")[0], orders=len(ending))
            return events_pb2.ExecutionEvent(mass_cancelled=taken), result
        number = self._find(command)
        if number is None:
            result.outcome = command_pb2.OUTCOME_REJECTED
            result.refusal.CopyFrom(market_pb2.Refusal(reason="ORDER_UNKNOWN", message="no such order"))
            return self._rejected(command, kind, submission, result), result
        result.order_id = number
        account, _, quantity = self.open[number]
        if kind == "cancel":
            del self.open[number]
            result.outcome, result.quantity = command_pb2.OUTCOME_CANCELLED, quantity
            done = events_pb2.OrderDone(
                order_id=number,
                account=account,
                reason=events_pb2.DONE_REASON_CANCELLED,
                client_order_id=command.client_order_id,
                symbol=self.instrument.symbol,
                cancelled_quantity=quantity,
            )
            return events_pb2.ExecutionEvent(done=done), result
        result.outcome, result.quantity = command_pb2.OUTCOME_REPLACED, command.quantity
        replaced = events_pb2.OrderReplaced(
            order_id=number,
            account=account,
            client_order_id=command.client_order_id,
            symbol=self.instrument.symbol,
            price_e4=command.price_e4,
            quantity=command.quantity,
            open_quantity=command.quantity,
            hold_id=submission.hold_id,
        )
        return events_pb2.ExecutionEvent(replaced=replaced), result

    def _rejected(
        self, command: Any, kind: str, submission: match_pb2.Submission, result: command_pb2.CommandResult
    ) -> events_pb2.ExecutionEvent:
        rejected = events_pb2.CommandRejected(
            kind=events_pb2.COMMAND_KIND_CANCEL if kind == "cancel" else events_pb2.COMMAND_KIND_REPLACE,
            account=command.account,
            client_order_id=command.client_order_id,
            hold_id=submission.hold_id,
            refusal=result.refusal,
        )
        return events_pb2.ExecutionEvent(rejected=rejected)

    def _find(self, command: Any) -> int | None:
        if command.order_id:
            return command.order_id if command.order_id in self.open else None
        name = command.account, command.original_client_order_id
        return next((number for number, one in self.open.items() if one[:2] == name), None)

    def state(self) -> match_pb2.GetShardResponse:
        """GetShard."""
        return match_pb2.GetShardResponse(
            shard=self.shard,
            incarnation=self.incarnation,
            sequence=self.sequence,
            time_us=self.time_us,
            trading_date=self.trading_date,
        )


class LedgerMemory:
    """Holds with their attempts and deadlines; it settles when the test says `settle`, or before each call if `prompt`."""

    def __init__(self, shards: Iterable[MatchMemory], funds: int = 10**15) -> None:
        self.shards = {one.shard: one for one in shards}
        self.cursor = dict.fromkeys(self.shards, 0)
        self.time_us = {one.shard: one.time_us for one in self.shards.values()}
        self.holds: dict[tuple[int, str, str], list[Any]] = {}
        self.by_id: dict[int, Any] = {}
        self.funds, self.prompt = funds, True
        self.requests: list[ledger_pb2.HoldRequest] = []

    def settle(self) -> None:
        """Reads every journal to its end."""
        for shard, match in self.shards.items():
            for batch in match.journal[self.cursor[shard] :]:
                for event in batch.events:
                    self._apply(event)
                self.time_us[shard] = batch.time_us
                for one in self.by_id.values():
                    if one["shard"] == shard and one["state"] == 1 and batch.time_us > one["deadline_us"]:
                        self._end(one, 4)
            self.cursor[shard] = len(match.journal)

    def _apply(self, event: events_pb2.ExecutionEvent) -> None:
        kind = event.WhichOneof("event")
        if kind == "accepted":
            hold = self.by_id[event.accepted.hold_id]
            assert hold["state"] == 1, "accepted under a live hold"
            hold["state"], hold["order_id"] = 2, event.accepted.order_id
        elif kind == "rejected" and event.rejected.hold_id:
            self._end(self.by_id[event.rejected.hold_id], 3)
        elif kind == "replaced" and event.replaced.hold_id:
            self.by_id[event.replaced.hold_id]["state"] = 2
        elif kind == "done":
            for hold in self.by_id.values():
                if hold.get("order_id") == event.done.order_id:
                    self._end(hold, 3)

    def _end(self, hold: Any, state: int) -> None:
        if hold["state"] in (1, 2):
            self.funds += hold["amount"]
        hold["state"] = state

    def create_holds(self, request: ledger_pb2.CreateHoldsRequest) -> ledger_pb2.CreateHoldsResponse:
        """A batch, as LedgerService.CreateHolds takes it."""
        self.requests += request.holds
        if self.prompt:
            self.settle()
        return ledger_pb2.CreateHoldsResponse(results=[self._hold(one) for one in request.holds])

    def _hold(self, one: ledger_pb2.HoldRequest) -> ledger_pb2.HoldResult:
        key = one.trading_date, one.account, one.client_order_id
        attempts = self.holds.get(key, [])
        if attempts and attempts[-1]["digest"] != one.digest:
            return _failed(6, "CLIENT_ORDER_ID_REUSED")
        if not attempts or attempts[-1]["state"] == 4:
            amount = one.amount_e4 or worst(one.held_price_e4, one.quantity, one.held_fee_e6) or one.quantity
            if one.replace:
                order = self._order(one)
                if order is None:
                    return _failed(8, "ORDER_UNKNOWN")
                amount -= order["amount"]
            if amount <= 0:
                return ledger_pb2.HoldResult(state=ledger_pb2.HOLD_STATE_NOT_NEEDED)
            hold: dict[str, Any] = {
                "hold_id": len(self.by_id) + 1,
                "shard": one.shard,
                "digest": one.digest,
                "amount": amount,
                "state": 1 if amount <= self.funds else 5,
                "deadline_us": self.time_us[one.shard] + INTERVAL_US,
                "price": one.held_price_e4,
                "fee": one.held_fee_e6,
            }
            self.funds -= amount if hold["state"] == 1 else 0
            self.by_id[hold["hold_id"]] = hold
            attempts = self.holds.setdefault(key, [])
            attempts.append(hold)
        hold = attempts[-1]
        if hold["state"] == 5:
            return _failed(5, "FUNDS_INSUFFICIENT")
        return ledger_pb2.HoldResult(
            state=hold["state"],
            hold_id=hold["hold_id"],
            attempt=len(attempts),
            deadline_us=hold["deadline_us"],
            held_amount=hold["amount"],
            held_price_e4=hold["price"],
            held_fee_e6=hold["fee"],
        )

    def _order(self, one: ledger_pb2.HoldRequest) -> Any:
        bound = [hold for hold in self.by_id.values() if one.order_id and hold.get("order_id") == one.order_id]
        named = self.holds.get((one.trading_date, one.account, one.original_client_order_id), [])
        return next(iter(bound or named[-1:]), None)

    def held(self) -> int:
        """Holds that are pending or bound."""
        return sum(one["state"] in (1, 2) for one in self.by_id.values())


def _failed(state: Any, reason: str) -> ledger_pb2.HoldResult:
    return ledger_pb2.HoldResult(state=state, refusal=market_pb2.Refusal(reason=reason, message=reason))


class Ports:
    """ports.Ledger and ports.Match on the memories. A gate that is shut keeps a call waiting; a peer that is down refuses it."""

    def __init__(self, funds: int = 10**15) -> None:
        self.matches = {shard: MatchMemory(shard) for shard in INSTRUMENTS}
        self.ledger = LedgerMemory(self.matches.values(), funds)
        self.ledger_down = False
        self.match_down: set[int] = set()
        self.lagging: set[int] = set()
        self.gates: dict[object, asyncio.Event] = {name: asyncio.Event() for name in ("hold", 0, 1)}
        for gate in self.gates.values():
            gate.set()
        self.waiting: list[object] = []
        self._breaks = dict.fromkeys(self.matches, 0)
        self._turns: dict[object, asyncio.Lock] = {name: asyncio.Lock() for name in self.gates}

    async def _pass(self, name: Any) -> None:
        self.waiting.append(name)
        await self.gates[name].wait()
        self.waiting.remove(name)

    async def create_holds(self, _ring: str, incarnation: str, tickets: Sequence[Ticket]) -> Sequence[Hold]:
        await self._pass("hold")
        if self.ledger_down:
            raise Unavailable("LEDGER_DOWN", "the ledger is down")
        for shard in sorted({one.shard for one in tickets} & self.lagging):
            raise Unavailable("LEDGER_DOWN", f"settlement of shard {shard} lags", shard=shard)
        return wire.holds(self.ledger.create_holds(wire.create_holds(incarnation, tickets)), tickets)

    async def settled(self, shard: int) -> tuple[int, int]:
        if self.ledger_down:
            raise Unavailable("LEDGER_DOWN", "the ledger is down")
        self.ledger.settle()
        return self.matches[shard].sequence, self.ledger.time_us[shard]

    async def submit(
        self, shard: int, incarnation: str, tickets: Sequence[Ticket], deadlines_us: Sequence[int]
    ) -> Sequence[command_pb2.CommandResult]:
        request, breaks = wire.submit(incarnation, tickets, deadlines_us), self._breaks[shard]
        async with self._turns[shard]:
            await self._pass(shard)
            if (
                shard in self.match_down or breaks != self._breaks[shard]
            ):  # with one call all that were made before fail
                self._breaks[shard] += breaks == self._breaks[shard]
                raise Unavailable("MATCH_DOWN", "the shard is down")
            await asyncio.sleep(0)
            return self.matches[shard].submit(request).results

    def breaks(self, shard: int) -> int:
        return self._breaks[shard]

    async def state(self, shard: int) -> tuple[Shard, list[Instrument]]:
        if shard in self.match_down:
            raise Unavailable("MATCH_DOWN", "the shard is down")
        match = self.matches[shard]
        return wire.shard(match.state()), [wire.instrument(match.instrument)]
