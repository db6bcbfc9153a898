"""Every window of the admission saga: a process is stopped in it, and afterwards the command is done once, or not at all."""

import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from bourse.order.v1 import order_pb2
from bourse.types.v1 import command_pb2
from tests.svc_order.process import CALL_SECONDS, Exchange, Stream, cancel, eventually, name, place, replace, resend

HOLDS = "SELECT state, attempt, deadline_us FROM holds WHERE client_order_id = %s ORDER BY attempt DESC LIMIT 1"
JOURNALLED = "SELECT 1 FROM journal WHERE position(convert_to(%s, 'UTF8') IN executions[1]) > 0"
INSERTING = "SELECT 1 FROM pg_stat_activity WHERE usename = 'svc_match' AND wait_event_type = 'Lock'"
PENDING, BOUND = 1, 2


class Case:
    """A command, the order that it is about, and what is true when it was done once."""

    def __init__(self, exchange: Exchange, kind: str) -> None:
        self.exchange = exchange
        self.order = self.id = name()
        self.command, self.outcome, self.quantity = place(self.order), command_pb2.OUTCOME_ACCEPTED, 10
        if kind == "replace":
            resend(exchange, self.command)
            eventually(lambda: (sql(exchange, "svc_ledger", HOLDS, self.order) or [0])[0] == BOUND)
            self.id = name()
            self.command, self.outcome, self.quantity = (
                replace(self.id, self.order, 20),
                command_pb2.OUTCOME_REPLACED,
                20,
            )

    def assert_done_once(self, result: command_pb2.CommandResult) -> None:
        """History has the order once, open, as the result says; one hold of exactly its worst cost; a repeat changes nothing."""
        assert (result.outcome, result.client_order_id) == (self.outcome, self.id)
        assert resend(self.exchange, self.command) == [result]
        [order] = [one for one in self.exchange.orders() if one.client_order_id == self.order]
        assert order.order_id == result.order_id
        assert (order.state, order.quantity, order.open_quantity) == (1, self.quantity, self.quantity)
        worst = self.quantity * 1000 + -(-self.quantity * 1000 * 300 // 1_000_000)
        eventually(lambda: self._held() == [worst])

    def _held(self) -> list[int]:
        with self.exchange.connect("svc_ledger") as connection:
            query = "SELECT hold_id FROM holds WHERE client_order_id IN (%s, %s)"
            ids = {row[0] for row in connection.execute(query, [self.order, self.id])}
        return [hold.amount for hold in self.exchange.holds() if hold.hold_id in ids]


@pytest.fixture
def short_holds(exchange: Exchange) -> Iterator[None]:
    """Holds that live for a second, where a test waits for their end."""
    for variables in ({"BOURSE_HOLD_SECONDS": "1"}, {}):
        exchange.kill("svc_ledger")
        exchange.start("svc_ledger", **variables)
        resend(exchange, place(name()))
        if variables:
            yield


@pytest.fixture(params=["place", "replace"])
def case(exchange: Exchange, request: pytest.FixtureRequest) -> Case:
    """A place, and a replace that needs an extra hold."""
    return Case(exchange, request.param)


class Sent:
    """A session that was sent one batch and waits in the background."""

    def __init__(self, exchange: Exchange, *commands: command_pb2.OrderCommand) -> None:
        self.stream = Stream(exchange.broker())
        self.stream.send(*commands)
        self._pool = ThreadPoolExecutor(1)
        self._results = self._pool.submit(self.stream.results, len(commands))

    def broke(self) -> bool:
        """Whether it ended without the answers."""
        error = self._results.exception(CALL_SECONDS)
        self._pool.shutdown()
        return isinstance(error, grpc.RpcError)

    def results(self) -> list[command_pb2.CommandResult]:
        """The answers."""
        return self._results.result(CALL_SECONDS)


def sql(exchange: Exchange, service: str, query: str, *values: object) -> tuple[Any, ...] | None:
    with exchange.connect(service) as connection:
        return connection.execute(query, values).fetchone()


def held(exchange: Exchange, client_order_id: str) -> tuple[int, int] | None:
    """Attempt and deadline of the pending hold that is committed for a command."""
    row = sql(exchange, "svc_ledger", HOLDS, client_order_id)
    return (row[1], row[2]) if row is not None and row[0] == PENDING else None


def test_svc_order_dies_before_the_hold(exchange: Exchange, case: Case) -> None:
    """The ledger stands still while svc_order dies: the retry does it, once."""
    exchange.pause("svc_ledger")
    sent = Sent(exchange, case.command)
    exchange.await_waiting()
    exchange.kill("svc_order")
    assert sent.broke()
    exchange.go_on("svc_ledger")
    exchange.start("svc_order")
    [result] = resend(exchange, case.command)
    case.assert_done_once(result)


def test_svc_order_and_svc_match_die_after_the_hold(exchange: Exchange, case: Case) -> None:
    """The hold is committed, the submit is unread: the retry finds the hold and goes on."""
    exchange.pause("svc_match")
    sent = Sent(exchange, case.command)
    eventually(lambda: held(exchange, case.id))
    exchange.kill("svc_order", "svc_match")
    assert sent.broke()
    exchange.start("svc_match", "svc_order")
    [result] = resend(exchange, case.command)
    case.assert_done_once(result)


@pytest.mark.usefixtures("short_holds")
def test_a_hold_that_nobody_comes_back_for_is_released_by_journal_time(exchange: Exchange, case: Case) -> None:
    """The same window without a retry: the command is not done, its hold is gone; later it is done as if new."""
    exchange.pause("svc_match")
    sent = Sent(exchange, case.command)
    eventually(lambda: held(exchange, case.id))
    exchange.kill("svc_order", "svc_match")
    assert sent.broke()
    exchange.start("svc_match", "svc_order")
    eventually(lambda: held(exchange, case.id) is None)
    assert sql(exchange, "svc_match", JOURNALLED, case.id) is None
    [result] = resend(exchange, case.command)
    case.assert_done_once(result)


@pytest.mark.parametrize("dies", ["svc_order", "svc_match"])
def test_the_answer_is_lost_after_the_journal_commit(exchange: Exchange, case: Case, dies: str) -> None:
    """A lock on the lease row keeps the insert waiting; it commits when the answer can no longer leave: the first result on retry."""
    with exchange.connect("svc_match") as connection:
        connection.execute("SELECT * FROM lease FOR UPDATE")
        sent = Sent(exchange, case.command)
        eventually(lambda: held(exchange, case.id))
        eventually(lambda: sql(exchange, "svc_match", INSERTING))
        exchange.pause(dies)
        connection.rollback()
    if dies == "svc_order":
        eventually(lambda: sql(exchange, "svc_match", JOURNALLED, case.id))
    exchange.kill(dies)
    assert sent.broke()
    exchange.start(dies)
    [result] = resend(exchange, case.command)
    case.assert_done_once(result)


def test_the_ledger_dies_while_it_is_asked(exchange: Exchange, case: Case) -> None:
    """None is accepted unheld: UNAVAILABLE, and the retry does it."""
    exchange.pause("svc_ledger")
    sent = Sent(exchange, case.command)
    exchange.await_waiting()
    exchange.kill("svc_ledger")
    assert sent.broke()
    exchange.start("svc_ledger")
    [result] = resend(exchange, case.command)
    case.assert_done_once(result)


def test_the_ledger_dies_between_the_hold_and_the_journal(exchange: Exchange, case: Case) -> None:
    """The order goes on under its stored hold, and the ledger settles it when it is back."""
    exchange.pause("svc_match")
    sent = Sent(exchange, case.command)
    eventually(lambda: held(exchange, case.id))
    eventually(lambda: exchange.metric('order_batches_in_flight{stage="submit"}'))  # The ledger's answer has come.
    exchange.kill("svc_ledger")
    exchange.go_on("svc_match")
    [result] = sent.results()
    exchange.start("svc_ledger")
    case.assert_done_once(result)


@pytest.mark.usefixtures("short_holds")
def test_a_submit_that_comes_late_gets_a_new_attempt(exchange: Exchange, case: Case) -> None:
    """svc_match stands still for longer than a hold lives: nothing is taken late, and the same call is answered in the end."""
    exchange.pause("svc_match")
    sent = Sent(exchange, case.command, cancel(name(), "none"))
    attempt, deadline_us = eventually(lambda: held(exchange, case.id)) or (0, 0)
    eventually(lambda: time.time() * 1e6 > deadline_us + 200_000)
    exchange.go_on("svc_match")
    result, refused = sent.results()
    assert refused.refusal.reason == "ORDER_UNKNOWN"
    assert refused.sequence > result.sequence
    row = sql(exchange, "svc_ledger", HOLDS, case.id)
    assert row is not None
    assert row[1] == attempt + 1
    case.assert_done_once(result)


def test_while_the_ledger_is_down_orders_can_be_ended_but_not_begun(exchange: Exchange) -> None:
    """A cancel and a reduction are done; a place and an increase are UNAVAILABLE, and leave nothing."""
    one, two = name(), name()
    resend(exchange, place(one, 20), place(two, 20))
    exchange.orders()
    exchange.kill("svc_ledger")
    assert Stream(exchange.broker()).ask(cancel(name(), one))[0].outcome == command_pb2.OUTCOME_CANCELLED
    assert Stream(exchange.broker()).ask(replace(name(), two, 10))[0].outcome == command_pb2.OUTCOME_REPLACED
    for command in (place(name()), replace(name(), two, 50)):
        with pytest.raises(grpc.RpcError) as why:
            Stream(exchange.broker()).ask(command)
        assert why.value.code() is grpc.StatusCode.UNAVAILABLE
    exchange.start("svc_ledger")
    [order] = [order for order in exchange.orders() if order.client_order_id == two]
    assert (order.state, order.open_quantity) == (order_pb2.ORDER_STATE_OPEN, 10)
