"""Every window of the admission saga: a process is stopped in it, and afterwards the order is there once, or not at all."""

from concurrent.futures import ThreadPoolExecutor

import grpc

from bourse.order.v1 import order_pb2
from bourse.types.v1 import command_pb2
from tests.svc_order.process import CALL_SECONDS, Exchange, Stream, name, place, resend
from tests.waiting import eventually

PENDING_HOLDS = "SELECT count(*) FROM holds WHERE client_order_id = %s AND state = 1"


class Sent:
    """A session that was sent one batch and waits in the background."""

    def __init__(self, exchange: Exchange, *commands: command_pb2.OrderCommand) -> None:
        self.stream = Stream(exchange.broker())
        self.stream.send(*commands)
        self._pool = ThreadPoolExecutor(1)
        self.results = self._pool.submit(self.stream.results, len(commands))

    def broke(self) -> bool:
        """Whether it ended without the answers."""
        error = self.results.exception(CALL_SECONDS)
        self._pool.shutdown()
        return isinstance(error, grpc.RpcError)


def assert_once(
    exchange: Exchange, client_order_id: str, result: command_pb2.CommandResult, quantity: int = 10
) -> None:
    """The order is in history once, under the result that was told, with one hold of its worst cost."""
    [order] = [one for one in exchange.orders() if one.client_order_id == client_order_id]
    assert order.order_id == result.order_id
    assert (order.state, order.open_quantity) == (order_pb2.ORDER_STATE_OPEN, quantity)
    [hold] = eventually(lambda: [one for one in exchange.holds() if one.order_id == order.order_id])
    assert hold.amount == quantity * 1000 + -(-quantity * 1000 * 300 // 1_000_000)


def held(exchange: Exchange, client_order_id: str) -> bool:
    """Whether a pending hold is committed for the command."""
    with exchange.connect("svc_ledger") as connection:
        row = connection.execute(PENDING_HOLDS, [client_order_id]).fetchone()
    return row is not None and row[0] == 1


def test_svc_order_dies_before_the_hold(exchange: Exchange) -> None:
    """The ledger stands still while svc_order dies: nothing happened, or the retry finds the hold; the order is there once."""
    order = name()
    exchange.pause("svc_ledger")
    sent = Sent(exchange, place(order))
    eventually(lambda: sent.stream.call.is_active())
    exchange.kill("svc_order")
    assert sent.broke()
    exchange.go_on("svc_ledger")
    exchange.start("svc_order")
    [result] = resend(exchange, place(order))
    assert result.outcome == command_pb2.OUTCOME_ACCEPTED
    assert_once(exchange, order, result)


def test_svc_order_and_svc_match_die_after_the_hold(exchange: Exchange) -> None:
    """The hold is committed, the submit is unread: the retry finds the hold and goes on with it."""
    order = name()
    exchange.pause("svc_match")
    sent = Sent(exchange, place(order))
    eventually(lambda: held(exchange, order))
    exchange.kill("svc_order", "svc_match")
    assert sent.broke()
    exchange.start("svc_match", "svc_order")
    [result] = resend(exchange, place(order))
    assert_once(exchange, order, result)


def test_a_hold_that_nobody_comes_back_for_is_released_by_journal_time(exchange: Exchange) -> None:
    """The same window without a retry: the order never is, and its money is free again."""
    order = name()
    exchange.pause("svc_match")
    sent = Sent(exchange, place(order))
    eventually(lambda: held(exchange, order))
    exchange.kill("svc_order", "svc_match")
    assert sent.broke()
    exchange.start("svc_match", "svc_order")
    eventually(lambda: not held(exchange, order))
    assert all(one.client_order_id != order for one in exchange.orders())
    [result] = resend(exchange, place(order))
    assert_once(exchange, order, result)


def test_svc_order_dies_between_the_journal_commit_and_the_answer(exchange: Exchange) -> None:
    """A lock on the lease row keeps the insert waiting; it commits when svc_order can no longer answer: first result on retry."""
    order = name()
    with exchange.connect("svc_match") as connection:
        connection.execute("SELECT * FROM lease FOR UPDATE")
        sent = Sent(exchange, place(order))
        eventually(lambda: inserting(exchange))
        exchange.pause("svc_order")
        connection.rollback()
    eventually(lambda: journalled(exchange, order))
    exchange.kill("svc_order")
    assert sent.broke()
    exchange.start("svc_order")
    [result] = resend(exchange, place(order))
    assert_once(exchange, order, result)


def test_svc_match_dies_between_the_journal_commit_and_the_answer(exchange: Exchange) -> None:
    """Committed and never answered: svc_order says that the outcome is open, and the retry gets the first result."""
    order = name()
    with exchange.connect("svc_match") as connection:
        connection.execute("SELECT * FROM lease FOR UPDATE")
        sent = Sent(exchange, place(order))
        eventually(lambda: inserting(exchange))
        exchange.pause("svc_match")
        connection.rollback()
    eventually(lambda: journalled(exchange, order))
    exchange.kill("svc_match")
    assert sent.broke()
    exchange.start("svc_match")
    [result] = resend(exchange, place(order))
    assert_once(exchange, order, result)


def journalled(exchange: Exchange, client_order_id: str) -> bool:
    """Whether a committed row of the journal names the command."""
    query = "SELECT count(*) FROM journal WHERE position(convert_to(%s, 'UTF8') IN executions[1]) > 0"
    with exchange.connect("svc_match") as connection:
        row = connection.execute(query, [client_order_id]).fetchone()
    return row is not None and row[0] > 0


def inserting(exchange: Exchange) -> bool:
    """Whether svc_match waits for a lock."""
    query = "SELECT count(*) FROM pg_stat_activity WHERE usename = 'svc_match' AND wait_event_type = 'Lock'"
    with exchange.connect("svc_match") as connection:
        row = connection.execute(query).fetchone()
    return row is not None and row[0] > 0
