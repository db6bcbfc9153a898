"""The pipeline between a small ledger and two small shards: order, retries, and what is cut off."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from random import Random
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from prometheus_client import CollectorRegistry

from bourse.types.v1 import command_pb2
from svc_order import stages, wire
from svc_order.app import Admission, History
from svc_order.core.commands import Place, digest
from svc_order.core.history import OPEN
from svc_order.core.placed import PLACED_LIMIT, Placed
from svc_order.core.reference import Reference
from svc_order.core.refused import Refused, Unavailable
from svc_order.entry import SESSION_LIMIT, Entry, Session
from svc_order.metrics import Metrics
from svc_order.ports import OrderRow, Ticket
from tests.svc_order.memory import DATE, INTERVAL_US, Ports

WAIT_SECONDS = 30.0


class NoStore:
    """A history that knows the orders it is given."""

    def __init__(self, *rows: OrderRow) -> None:
        self.rows = list(rows)

    async def named(self, order_ids: Sequence[int], names: Sequence[tuple[str, str]]) -> list[OrderRow]:
        return [one for one in self.rows if one.order_id in order_ids or (one.account, one.client_order_id) in names]


class Exchange:
    """Order entry on memories."""

    def __init__(self, ports: Ports, tasks: asyncio.TaskGroup, store: Any, overtake_after_seconds: float = 0.0) -> None:
        self.ports = ports
        metrics = Metrics(CollectorRegistry())
        reference = Reference(frozenset(ports.matches))
        placed = Placed()
        self.admission = Admission(ports, reference, placed, store, History(store, reference, metrics))
        self.entry = Entry(
            ports,
            ports,
            reference,
            placed,
            self.admission.reductions,
            tasks.create_task,
            metrics,
            overtake_after_seconds,
        )

    def session(self) -> Session:
        session = self.entry.open("alpha")
        assert session is not None
        return session

    async def enter(self, session: Session, *messages: command_pb2.OrderCommand) -> None:
        await session.enter(await self.admission.tickets("alpha", wire.commands(messages)))

    async def answers(self, session: Session, count: int) -> list[Any]:
        """The next answers, fewer if the session ends before."""
        return [one.result for one in await self.taken(session, count)]

    async def taken(self, session: Session, count: int) -> list[Ticket]:
        """The same, as what `wire.results` makes the answers of."""
        taken: list[Ticket] = []
        async with asyncio.timeout(WAIT_SECONDS):
            while len(taken) < count:
                session.changed.clear()
                taken += session.take()
                if session.over and not session.answerable:
                    break
                if len(taken) < count:
                    await session.changed.wait()
        return taken

    async def until(self, *waiting: object) -> None:
        """Returns when these calls wait at their gates."""
        async with asyncio.timeout(WAIT_SECONDS):
            while any(one not in self.ports.waiting for one in waiting):
                await asyncio.sleep(0)


@asynccontextmanager
async def exchange(
    store: Any = None, funds: int = 10**15, ports: Ports | None = None, overtake_after_seconds: float = 0.0
) -> AsyncIterator[Exchange]:
    async with asyncio.TaskGroup() as tasks:
        one = Exchange(ports or Ports(funds), tasks, store or NoStore(), overtake_after_seconds)
        await one.admission.refresh()
        work = tasks.create_task(one.entry.work())
        yield one
        work.cancel()


def place(name: str, symbol: str = "AAA", quantity: int = 10, **other: Any) -> command_pb2.OrderCommand:
    fields: Any = {"side": 1, "type": 1, "time_in_force": 1, "price_e4": 1000, "account": "alpha/main"} | other
    return command_pb2.OrderCommand(
        place=command_pb2.PlaceOrder(
            client_order_id=name, trading_date=DATE, symbol=symbol, quantity=quantity, **fields
        )
    )


def cancel(name: str, original: str, symbol: str = "AAA") -> command_pb2.OrderCommand:
    return command_pb2.OrderCommand(
        cancel=command_pb2.CancelOrder(
            account="alpha/main",
            client_order_id=name,
            trading_date=DATE,
            original_client_order_id=original,
            symbol=symbol,
        )
    )


def replace(name: str, original: str, quantity: int, price_e4: int = 1000) -> command_pb2.OrderCommand:
    return command_pb2.OrderCommand(
        replace=command_pb2.ReplaceOrder(
            account="alpha/main",
            client_order_id=name,
            trading_date=DATE,
            original_client_order_id=original,
            symbol="AAA",
            quantity=quantity,
            price_e4=price_e4,
        )
    )


def mass_cancel(name: str, **fields: Any) -> command_pb2.OrderCommand:
    wanted = command_pb2.MassCancel(account="alpha/main", client_order_id=name, trading_date=DATE, **fields)
    return command_pb2.OrderCommand(mass_cancel=wanted)


def lease(name: str, grace_ms: int = 1_000, lease: str = "l1") -> command_pb2.OrderCommand:
    wanted = command_pb2.RenewLease(account="alpha/main", client_order_id=name, lease=lease, grace_ms=grace_ms)
    return command_pb2.OrderCommand(renew_lease=wanted)


def by_id(name: str, order_id: int, quantity: int, symbol: str = "AAA") -> command_pb2.OrderCommand:
    message = replace(name, "", quantity)
    message.replace.order_id, message.replace.symbol = order_id, symbol
    return message


def told(answers: Sequence[Any]) -> list[str]:
    """Each answer in one word: the outcome, or the reason of a refusal."""
    return [
        one.reason if isinstance(one, Refused) else one.refusal.reason or command_pb2.Outcome.Name(one.outcome)[8:]
        for one in answers
    ]


async def test_a_batch_is_answered_in_order_and_one_bad_order_spoils_no_neighbour() -> None:
    """Commands for two shards, a refused one and an empty one among them."""
    async with exchange() as one:
        session = one.session()
        bad = place("b", price_e4=1001)
        empty = command_pb2.OrderCommand()
        await one.enter(session, place("a"), bad, place("c", "BBB"), empty, cancel("d", "a"), cancel("e", "a"))
        answers = await one.answers(session, 6)
        assert told(answers) == [
            "ACCEPTED",
            "PRICE_OFF_TICK",
            "ACCEPTED",
            "COMMAND_MISSING",
            "CANCELLED",
            "ORDER_UNKNOWN",
        ]
        assert one.ports.matches[0].executed == ["a", "d", "e"]


async def test_a_repeat_gets_the_first_result_and_another_use_of_the_id_touches_nothing() -> None:
    """Same fields: the first result again, also when its hold is bound or ended; other fields: refused."""
    async with exchange() as one:
        session = one.session()
        await one.enter(session, place("a"))
        [first] = await one.answers(session, 1)
        held = one.ports.ledger.held()
        await one.enter(session, place("a"), place("a", quantity=20), cancel("a", "a"), cancel("c", "a"), place("a"))
        answers = await one.answers(session, 5)
        assert told(answers) == [
            "ACCEPTED",
            "CLIENT_ORDER_ID_REUSED",
            "CLIENT_ORDER_ID_REUSED",
            "CANCELLED",
            "ACCEPTED",
        ]
        assert answers[0] == answers[4] == first
        one.ports.ledger.settle()
        assert (held, one.ports.ledger.held()) == (1, 0)


async def test_want_of_funds_is_final_for_the_id() -> None:
    """The refusal is told, nothing reaches the core, and more money does not change it."""
    async with exchange(funds=5) as one:
        session = one.session()
        await one.enter(session, place("a"))
        assert told(await one.answers(session, 1)) == ["FUNDS_INSUFFICIENT"]
        one.ports.ledger.funds = 10**9
        await one.enter(session, place("a"))
        assert told(await one.answers(session, 1)) == ["FUNDS_INSUFFICIENT"]
        assert one.ports.matches[0].executed == []


async def test_a_late_command_and_all_behind_it_are_sent_again_in_order_under_a_new_attempt() -> None:
    """Journal time passes the deadline while the submit waits: nothing is taken, then everything, in the order sent."""
    async with exchange() as one:
        session = one.session()
        one.ports.gates[0].clear()
        await one.enter(session, place("a"), place("b"), cancel("c", "a"))
        await one.until(0)
        one.ports.matches[0].tick(INTERVAL_US + 1)
        one.ports.gates[0].set()
        assert told(await one.answers(session, 3)) == ["ACCEPTED", "ACCEPTED", "CANCELLED"]
        assert one.ports.matches[0].executed == ["a", "b", "c"]
        assert [len(attempts) for attempts in one.ports.ledger.holds.values()] == [2, 2]


async def test_what_follows_a_late_command_is_late_though_its_own_deadline_is_not_reached() -> None:
    """Two batches are under way; time passes the first one's deadline only: the second must not overtake it."""
    async with exchange() as one:
        session = one.session()
        one.ports.gates[0].clear()
        await one.enter(session, place("a"))
        await one.until(0)
        one.ports.matches[0].tick(INTERVAL_US // 2)
        await one.enter(session, place("b"), cancel("c", "a"))
        while len(one.ports.ledger.holds) < 2:
            await asyncio.sleep(0)
        for _ in range(5):
            await asyncio.sleep(0)
        one.ports.matches[0].tick(INTERVAL_US // 2 + 1)
        one.ports.gates[0].set()
        assert told(await one.answers(session, 3)) == ["ACCEPTED", "ACCEPTED", "CANCELLED"]
        assert one.ports.matches[0].executed == ["a", "b", "c"]


async def test_what_comes_late_again_ends_the_session_with_an_open_outcome() -> None:
    """The second refusal for the deadline is not tried a third time, and is never told as a refusal."""
    async with exchange() as one:
        session, other = one.session(), one.session()
        for _ in range(2):
            one.ports.gates[0].clear()
            if not session.unanswered:
                await one.enter(session, place("a"), cancel("b", "a"))
            await one.until(0)
            one.ports.matches[0].tick(INTERVAL_US + 1)
            one.ports.gates[0].set()
            await asyncio.sleep(0)
        assert await one.answers(session, 2) == []
        assert session.failure is not None
        assert session.failure.reason == "OUTCOME_OPEN"
        assert one.ports.matches[0].executed == []
        await one.enter(other, place("a"), cancel("b", "a"))
        assert told(await one.answers(other, 2)) == ["ACCEPTED", "CANCELLED"]


async def test_a_replace_of_an_order_that_settlement_has_not_seen_does_not_wait_for_it() -> None:
    """Place and replace in one batch, which nothing is settled of; a name that the ledger does not know goes straight to the core."""
    async with exchange() as one:
        one.ports.ledger.prompt = False
        session = one.session()
        await one.enter(session, place("a"), replace("b", "a", 20), replace("c", "none", 20), replace("d", "a", 10))
        assert told(await one.answers(session, 4)) == ["ACCEPTED", "REPLACED", "ORDER_UNKNOWN", "REPLACED"]
        assert (len(one.ports.ledger.requests), one.ports.ledger.cursor[0]) == (4, 0)


async def test_a_replace_by_order_id_of_an_order_placed_here_does_not_wait_either() -> None:
    """The ledger is told the id that the order was placed under, and the symbol; the command stays as it came."""
    async with exchange() as one:
        one.ports.ledger.prompt = False
        session = one.session()
        await one.enter(session, place("a"))
        [accepted] = await one.answers(session, 1)
        named = by_id("b", accepted.order_id, 20)
        await one.enter(session, named, by_id("c", accepted.order_id, 30, symbol=""))
        assert told(await one.answers(session, 2)) == ["REPLACED", "REPLACED"]
        assert one.ports.ledger.cursor[0] == 0
        asked = one.ports.ledger.requests[1:]
        assert [(one.order_id, one.original_client_order_id, one.symbol) for one in asked] == [
            (accepted.order_id, "a", "AAA")
        ] * 2
        [(command, _)] = wire.commands([named])
        assert command is not None
        assert asked[0].digest == digest(command)


async def test_a_replace_by_an_order_id_that_nobody_here_remembers_waits_for_settlement_once() -> None:
    """An order of another process; then one that does not exist: the core says so on record."""
    async with exchange() as other, exchange(ports=other.ports) as one:
        one.ports.ledger.prompt = False
        session = other.session()
        await other.enter(session, place("a"))
        [accepted] = await other.answers(session, 1)
        session = one.session()
        await one.enter(session, by_id("b", accepted.order_id, 20), by_id("c", accepted.order_id + 1, 20))
        assert told(await one.answers(session, 2)) == ["REPLACED", "ORDER_UNKNOWN"]
        assert one.ports.ledger.cursor[0] > 0
        assert [one.client_order_id for one in one.ports.ledger.requests] == ["a", *"bc", *"bc", "c"]


def test_what_was_placed_is_remembered_up_to_a_limit() -> None:
    """The newest PLACED_LIMIT at least, for their own account; the oldest make room."""
    placed = Placed()
    [(command, _)] = wire.commands([place("a")])
    assert isinstance(command, Place)
    for order_id in range(1, 2 * PLACED_LIMIT + 1):
        placed.add(order_id, command)
    assert placed.find(PLACED_LIMIT, "alpha/main") is None
    assert placed.find(PLACED_LIMIT + 1, "alpha/main") is command
    assert placed.find(2 * PLACED_LIMIT, "alpha/other") is None


async def test_while_the_ledger_is_down_cancels_pass_what_does_not_act_on_their_order() -> None:
    """A session of cancels is served; one with a place ends at it, and its passing cancel is done all the same."""
    async with exchange() as one:
        first = one.session()
        await one.enter(first, place("a"), place("b"))
        await one.answers(first, 2)
        one.ports.ledger_down = True
        await one.enter(first, cancel("c", "a"))
        assert told(await one.answers(first, 1)) == ["CANCELLED"]
        second = one.session()
        await one.enter(second, place("d"), cancel("e", "d"), cancel("f", "b"))
        assert await one.answers(second, 3) == []
        assert second.failure is not None
        assert second.failure.reason == "LEDGER_DOWN"
        assert one.ports.matches[0].executed == ["a", "b", "c", "f"]


async def test_while_the_ledger_is_only_started_again_nothing_is_overtaken() -> None:
    """The session ends at the place, and its cancel of another order waits for it too; a cancel before it is done."""
    async with exchange(overtake_after_seconds=60.0) as one:
        session = one.session()
        await one.enter(session, place("a"), place("b"))
        await one.answers(session, 2)
        one.ports.ledger_down = True
        again = one.session()
        await one.enter(again, cancel("c", "a"), place("d"), cancel("e", "b"))
        assert told(await one.answers(again, 3)) == ["CANCELLED"]
        assert one.ports.matches[0].executed == ["a", "b", "c"]
        one.ports.ledger_down = False
        again = one.session()
        await one.enter(again, place("d"), cancel("e", "b"))
        assert told(await one.answers(again, 2)) == ["ACCEPTED", "CANCELLED"]


async def test_while_the_ledger_is_down_a_reduction_needs_no_hold() -> None:
    """History knows price and quantity: less of it at no higher price is submitted without asking."""
    row = OrderRow(1, "alpha", "alpha/main", "a", DATE, "AAA", 1, 1, 1, 1000, 100, 0, 100, 0, 0, OPEN, 0, 0, 1, "")
    async with exchange(NoStore(row)) as one:
        session = one.session()
        await one.enter(session, place("a", quantity=100))
        await one.answers(session, 1)
        one.ports.ledger_down = True
        await one.enter(session, replace("b", "a", 50))
        assert told(await one.answers(session, 1)) == ["REPLACED"]
        await one.enter(session, replace("c", "a", 200))
        assert await one.answers(session, 1) == []


async def test_a_shard_that_is_down_ends_only_the_sessions_that_need_it() -> None:
    """The other shard's session goes on; the prefix that was answered is delivered."""
    async with exchange() as one:
        one.ports.match_down.add(1)
        session, other = one.session(), one.session()
        await one.enter(session, place("a"), place("b", "BBB"), place("c"))
        await one.enter(other, place("d"))
        assert told(await one.answers(session, 3)) == ["ACCEPTED"]
        assert session.failure is not None
        assert session.failure.reason == "MATCH_DOWN"
        assert told(await one.answers(other, 1)) == ["ACCEPTED"]


async def test_a_shard_whose_settlement_lags_ends_only_the_sessions_that_need_it() -> None:
    """In one batch for the ledger: sessions that ask for nothing of the shard get their holds, in order; the others end."""
    async with exchange() as one:
        one.ports.gates["hold"].clear()
        blocker, both, lagging, other = (one.session() for _ in range(4))
        await one.enter(blocker, place("z"))
        await one.until("hold")
        one.ports.lagging.add(1)
        await one.enter(both, place("a"))
        await one.enter(other, place("b"))
        await one.enter(lagging, place("c", "BBB"))
        await one.enter(both, place("d", "BBB"), place("e"))
        await one.enter(other, place("f"))
        one.ports.gates["hold"].set()
        assert told(await one.answers(other, 2)) == ["ACCEPTED", "ACCEPTED"]
        for session in (both, lagging):
            assert await one.answers(session, 1) == []
            assert session.failure is not None
            assert session.failure.reason == "LEDGER_DOWN"
        assert one.ports.matches[0].executed == ["z", "b", "f"]
        assert not one.ports.matches[1].executed
        one.ports.lagging.clear()
        again = one.session()
        await one.enter(again, place("a"), place("d", "BBB"), place("e"))
        assert told(await one.answers(again, 3)) == ["ACCEPTED"] * 3


async def test_while_a_shard_lags_its_cancels_pass() -> None:
    """As while the ledger is down, also when others get their holds meanwhile."""
    async with exchange() as one:
        session, other = one.session(), one.session()
        await one.enter(session, place("a", "BBB"))
        await one.answers(session, 1)
        one.ports.lagging = {0, 1}
        one.ports.gates["hold"].clear()
        await one.enter(other, place("x"))
        await one.until("hold")
        await one.enter(session, place("b", "BBB"), cancel("c", "a", symbol="BBB"))
        one.ports.gates["hold"].set()
        assert await one.answers(session, 1) == []
        assert await one.answers(other, 1) == []
        assert one.ports.matches[1].executed == ["a", "c"]


async def test_a_mass_cancel_goes_to_every_shard_and_is_answered_once() -> None:
    """Rule 6.1.6: with the number of each; in its place among the session's commands, and a repeat with the same numbers."""
    async with exchange() as one:
        session = one.session()
        first = [place("a"), place("b", "BBB"), place("c", "BBB"), mass_cancel("d"), place("e")]
        await one.enter(session, *first, mass_cancel("f", symbol="AAA"), mass_cancel("d"))
        results = wire.results(await one.taken(session, len(first) + 2)).results
        assert [one.client_order_id for one in results] == ["a", "b", "c", "d", "e", "f", "d"]
        everywhere, there, again = results[3], results[5], results[6]
        assert [(part.shard, part.orders) for part in everywhere.shards] == [(0, 1), (1, 2)]
        assert (everywhere.orders, everywhere.order_id, everywhere.sequence) == (3, 0, 0)
        assert (there.orders, list(there.shards)) == (1, [])
        assert again == everywhere
        assert one.ports.matches[1].executed == ["b", "c", "d"]


async def test_what_goes_to_several_shards_counts_on_each_by_what_it_has_there(monkeypatch: pytest.MonkeyPatch) -> None:
    """Two halves of a batch are one batch."""
    monkeypatch.setattr(stages, "BATCH_LIMIT", 4)
    async with exchange() as one:
        sizes, submit = [], one.ports.submit

        async def counted(shard: int, incarnation: str, tickets: Any, deadlines_us: Any) -> Any:
            if not shard:
                sizes.append(len(tickets))
            return await submit(shard, incarnation, tickets, deadlines_us)

        monkeypatch.setattr(one.ports, "submit", counted)
        one.ports.gates[0].clear()
        sessions = [one.session() for _ in range(4)]
        async with asyncio.timeout(WAIT_SECONDS):
            for number, session in enumerate(sessions[:2]):
                await one.enter(session, place(f"a{number}"))
                while len(sizes) <= number:
                    await asyncio.sleep(0)
        names = ("AAA", "AAA", "BBB", "BBB")
        for session in sessions[2:]:
            await one.enter(session, *(place(f"{id(session)}-{i}", name) for i, name in enumerate(names)))
        async with asyncio.timeout(WAIT_SECONDS):
            while len(one.ports.matches[1].executed) < 4:
                await asyncio.sleep(0)
        one.ports.gates[0].set()
        for session, count in zip(sessions, (1, 1, 4, 4), strict=True):
            assert told(await one.answers(session, count)) == ["ACCEPTED"] * count
        assert sizes == [1, 1, 4]


async def test_a_mass_cancel_that_a_shard_refuses_says_so() -> None:
    """Its outcome is that of the first shard that did not do it; the others did."""
    async with exchange() as one:
        session = one.session()
        one.ports.matches[1].first[DATE, "alpha/main", "d"] = b"", command_pb2.CommandResult()
        await one.enter(session, place("a"), mass_cancel("d"))
        result = wire.results(await one.taken(session, 2)).results[1]
        assert (result.outcome, result.refusal.reason) == (command_pb2.OUTCOME_REFUSED, "CLIENT_ORDER_ID_REUSED")
        outcomes = [part.outcome for part in result.shards]
        assert outcomes == [command_pb2.OUTCOME_CANCELLED, command_pb2.OUTCOME_REFUSED]


async def test_while_the_ledger_is_down_a_mass_cancel_passes_only_where_nothing_waits() -> None:
    """It would leave an order open that is placed before it."""
    async with exchange() as one:
        session, other = one.session(), one.session()
        await one.enter(session, place("a"))
        await one.answers(session, 1)
        one.ports.lagging = {0, 1}
        await one.enter(session, place("b"), mass_cancel("c"))
        assert await one.answers(session, 1) == []
        await one.enter(other, mass_cancel("d"))
        assert told(await one.answers(other, 1)) == ["CANCELLED"]
        assert one.ports.matches[0].executed == ["a", "d"]


def mass_quote(name: str, *entries: tuple[str, int, int, int, int], **fields: Any) -> command_pb2.OrderCommand:
    quotes = [
        command_pb2.QuoteEntry(
            symbol=symbol, bid_price_e4=bid_e4, bid_quantity=bid, ask_price_e4=ask_e4, ask_quantity=ask
        )
        for symbol, bid_e4, bid, ask_e4, ask in entries
    ]
    wanted = command_pb2.MassQuote(
        account="alpha/main", client_order_id=name, trading_date=DATE, entries=quotes, **fields
    )
    return command_pb2.OrderCommand(mass_quote=wanted)


async def test_each_side_of_a_mass_quote_has_a_hold() -> None:
    """Rule 6.5.8: it is executed when all are there, in its place; again it is answered with the first result."""
    async with exchange() as one:
        session = one.session()
        quote = mass_quote("q", ("AAA", 10_000, 20, 10_100, 30))
        none = mass_quote("n", ("AAA", 0, 0, 0, 0))
        await one.enter(session, place("a"), quote, place("b"), quote, none)
        results = await one.answers(session, 5)
        assert told(results) == ["ACCEPTED"] * 5
        assert [result.orders for result in (results[1], results[3], results[4])] == [2, 2, 0]
        assert one.ports.matches[0].executed == ["a", "q", "b", "n"]
        asked = [(hold.client_order_id, hold.asset, hold.quantity) for hold in one.ports.ledger.requests]
        assert asked[1:3] == [("q/0b", "EUR", 20), ("q/0a", "AAA", 30)]


async def test_a_side_that_has_no_hold_speaks_for_all() -> None:
    """Nothing of the mass quote is executed; what was held for the others is given back in time."""
    async with exchange() as one:
        session = one.session()
        one.ports.ledger.funds = 300_000
        await one.enter(session, mass_quote("q", ("AAA", 10_000, 20, 20_000, 400_000)))
        assert told(await one.answers(session, 1)) == ["FUNDS_INSUFFICIENT"]
        assert not one.ports.matches[0].executed
        assert one.ports.ledger.held() == 1
        one.ports.matches[0].tick(2 * INTERVAL_US)
        one.ports.ledger.settle()
        assert (one.ports.ledger.held(), one.ports.ledger.funds) == (0, 300_000)


async def test_a_lease_waits_for_no_order_before_it() -> None:
    """Rule 6.4.1: while the ledger takes its time it reaches every shard, and is answered in its place."""
    async with exchange() as one:
        session = one.session()
        one.ports.gates["hold"].clear()
        await one.enter(session, place("a"), lease("b"), place("c", lease="l1"), lease("d"))
        await one.until("hold")
        async with asyncio.timeout(WAIT_SECONDS):
            while one.ports.matches[1].leases != ["l1", "l1"]:
                await asyncio.sleep(0)
        assert not one.ports.matches[0].executed
        one.ports.gates["hold"].set()
        assert told(await one.answers(session, 4)) == ["ACCEPTED"] * 4
        assert one.ports.matches[0].executed == ["a", "c"]
        assert one.ports.matches[0].leases == ["l1", "l1"]


async def test_a_lease_that_is_none_is_refused() -> None:
    """By its name and its time; so is an order that names none such."""
    async with exchange() as one:
        session = one.session()
        await one.enter(
            session, lease("a", 999), lease("b", 300_001), lease("c", lease="my lease"), place("d", lease="x" * 37)
        )
        answers = await one.answers(session, 4)
        assert told(answers) == ["LEASE_INVALID"] * 4
        assert [one.metadata["field"] for one in answers] == ["grace_ms", "grace_ms", "lease", "lease"]


async def test_stage_one_of_the_next_batch_overlaps_stage_two_of_the_last() -> None:
    """While a shard commits, the ledger already holds for what came next."""
    async with exchange() as one:
        session = one.session()
        one.ports.gates[0].clear()
        await one.enter(session, place("a"))
        await one.until(0)
        one.ports.gates["hold"].clear()
        await one.enter(session, place("b"))
        await one.until(0, "hold")
        for gate in one.ports.gates.values():
            gate.set()
        assert told(await one.answers(session, 2)) == ["ACCEPTED", "ACCEPTED"]


async def test_sessions_are_limited() -> None:
    """Beyond the limit no session opens; one that is forgotten makes room."""
    async with exchange() as one:
        sessions = [one.session() for _ in range(SESSION_LIMIT)]
        assert one.entry.open("alpha") is None
        one.entry.forget(sessions[0])
        assert one.entry.open("alpha") is not None


@pytest.mark.parametrize("turns", range(8))
async def test_nothing_passes_what_is_lost_in_the_break_of_another_session(turns: int) -> None:
    """Two batches fall with their stream; what waits behind the second is not sent, however soon the shard is back."""
    async with exchange() as one:
        first, second = one.session(), one.session()
        one.ports.gates[0].clear()
        await one.enter(first, place("a"))
        await _turns(20)
        await one.enter(second, place("b"))
        await _turns(20)
        await one.enter(second, place("c"))
        await _turns(20)
        one.ports.match_down.add(0)
        one.ports.gates[0].set()
        await _turns(turns)
        one.ports.match_down.clear()
        await _turns(50)
        executed = one.ports.matches[0].executed
        assert executed in ([], ["a", "b", "c"])
        for session in (first, second):
            one.entry.forget(session)


FAULTS = ("late", "ledger down", "lags", "shard down", "shut", "tick")


@settings(max_examples=200)
@given(st.integers(0, 2**32))
def test_whatever_fails_each_command_is_done_once_in_the_order_sent(seed: int) -> None:
    """A client that resends its unanswered commands in order: none lost, none doubled, none overtaken; holds = open orders."""
    asyncio.run(_survives(Random(seed)))


def _commands(random: Random) -> list[command_pb2.OrderCommand]:
    messages: list[command_pb2.OrderCommand] = []
    for index in range(random.randint(1, 8)):
        earlier = [f"{i}" for i in range(index) if messages[i].HasField("place")]
        cancels = earlier and random.random() < 0.5
        messages.append(cancel(f"{index}", random.choice(earlier)) if cancels else place(f"{index}"))
    return messages


async def _survives(random: Random) -> None:
    messages = _commands(random)
    count, answered, fell = len(messages), 0, False
    async with exchange() as one:
        for turn in range(12):
            session = one.session()
            faults = random.choices(FAULTS, k=random.randint(0, 3)) if turn < 6 else []
            fell |= "ledger down" in faults or "lags" in faults
            sent = answered
            while sent < count:
                more = random.randint(1, count - sent)
                await one.enter(session, *messages[sent : sent + more])
                sent += more
                await _turns(random.randint(0, 6))
                if faults:
                    _fail(one.ports, faults.pop())
            await _turns(20)
            _heal(one.ports)
            gone = turn < 6 and random.random() < 0.5
            answered += len(session.take() if gone else await one.answers(session, count - answered))
            one.entry.forget(session)
            if answered == count:
                break
        assert answered == count
        await _turns(50)
        match = one.ports.matches[0]
        assert sorted(match.executed) == [f"{index}" for index in range(count)]
        _assert_order(messages, match.executed, ledger_fell=fell)
        match.tick(2 * INTERVAL_US)
        one.ports.ledger.settle()
        assert one.ports.ledger.held() == len(match.open)


async def _turns(count: int) -> None:
    for _ in range(count):
        await asyncio.sleep(0)


def _assert_order(messages: list[command_pb2.OrderCommand], executed: list[str], *, ledger_fell: bool) -> None:
    """As sent; if the ledger was down a cancel may have passed other orders, but never its own."""
    if not ledger_fell:
        assert executed == sorted(executed)
        return
    places = [name for name in executed if messages[int(name)].HasField("place")]
    assert places == sorted(places)
    for name in executed:
        if messages[int(name)].HasField("cancel"):
            assert executed.index(messages[int(name)].cancel.original_client_order_id) < executed.index(name)


def _fail(ports: Ports, fault: str) -> None:
    if fault == "late":
        ports.matches[0].tick(INTERVAL_US + 1)
    elif fault == "tick":
        ports.matches[0].tick(INTERVAL_US // 2)
    elif fault == "ledger down":
        ports.ledger_down = True
    elif fault == "lags":
        ports.lagging.add(0)
    elif fault == "shard down":
        ports.match_down.add(0)
    elif fault == "shut":
        ports.gates[0].clear()


def _heal(ports: Ports) -> None:
    ports.ledger_down = False
    ports.lagging.clear()
    ports.match_down.clear()
    for gate in ports.gates.values():
        gate.set()


async def test_an_incomplete_reference_refuses_nothing_for_good() -> None:
    """Before every shard is known, an unknown symbol may be one of a shard that was not asked yet."""
    async with asyncio.TaskGroup() as tasks:
        one = Exchange(Ports(), tasks, NoStore())
        one.ports.match_down.add(1)
        await one.admission.refresh()
        with pytest.raises(Unavailable) as why:
            await one.admission.tickets("alpha", wire.commands([place("a", "ZZZ")]))
        assert why.value.refused.reason == "NOT_READY"
