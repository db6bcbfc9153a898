"""Order entry and reads as a broker meets them, on real processes."""

import random
from typing import Any

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bourse.match.v1 import match_pb2
from bourse.order.v1 import order_pb2
from bourse.types.v1 import command_pb2, market_pb2
from chassis.units import order_id
from tests.svc_order.process import (
    CALL_SECONDS,
    DATE,
    Exchange,
    Stream,
    cancel,
    eventually,
    name,
    place,
    refusal,
    replace,
    resend,
)

NEXT_DATE = 20260106


def unary(exchange: Exchange, command: command_pb2.OrderCommand, participant: str = "alpha") -> Any:
    """The command by its unary method."""
    stub = exchange.broker(participant)
    if command.HasField("place"):
        return stub.PlaceOrder(order_pb2.PlaceOrderRequest(place=command.place), timeout=CALL_SECONDS).result
    if command.HasField("cancel"):
        return stub.CancelOrder(order_pb2.CancelOrderRequest(cancel=command.cancel), timeout=CALL_SECONDS).result
    return stub.ReplaceOrder(order_pb2.ReplaceOrderRequest(replace=command.replace), timeout=CALL_SECONDS).result


BAD: list[tuple[str, Any, grpc.StatusCode, str]] = [
    ("CLIENT_ORDER_ID_INVALID", place(""), grpc.StatusCode.INVALID_ARGUMENT, "client_order_id"),
    ("CLIENT_ORDER_ID_INVALID", place("x" * 37), grpc.StatusCode.INVALID_ARGUMENT, "client_order_id"),
    ("ACCOUNT_INVALID", place("x", account="alpha"), grpc.StatusCode.INVALID_ARGUMENT, "account"),
    ("ACCOUNT_NOT_YOURS", place("x", account="beta/main"), grpc.StatusCode.PERMISSION_DENIED, "account"),
    ("ACCOUNT_UNKNOWN", place("x", account="alpha/none"), grpc.StatusCode.NOT_FOUND, "account"),
    ("SYMBOL_UNKNOWN", place("x", symbol="ZZZ"), grpc.StatusCode.NOT_FOUND, "symbol"),
    ("PRICE_OFF_TICK", place("x", price_e4=1001), grpc.StatusCode.INVALID_ARGUMENT, "price_e4"),
    ("PRICE_INVALID", place("x", price_e4=0), grpc.StatusCode.INVALID_ARGUMENT, "price_e4"),
    ("PRICE_OUT_OF_LIMITS", place("x", price_e4=10**12), grpc.StatusCode.INVALID_ARGUMENT, "price_e4"),
    ("QUANTITY_INVALID", place("x", 0), grpc.StatusCode.INVALID_ARGUMENT, "quantity"),
    ("QUANTITY_INVALID", place("x", -10), grpc.StatusCode.INVALID_ARGUMENT, "quantity"),
    ("QUANTITY_OFF_LOT", place("x", 15), grpc.StatusCode.INVALID_ARGUMENT, "quantity"),
    ("QUANTITY_OUT_OF_LIMITS", place("x", 10**7), grpc.StatusCode.INVALID_ARGUMENT, "quantity"),
    ("SIDE_INVALID", place("x", side=9), grpc.StatusCode.INVALID_ARGUMENT, "side"),
    ("TRADING_DATE_INVALID", place("x", trading_date=20261301), grpc.StatusCode.INVALID_ARGUMENT, "trading_date"),
    ("TRADING_DATE_WRONG", place("x", trading_date=20300101), grpc.StatusCode.FAILED_PRECONDITION, "trading_date"),
    ("TRADING_DATE_WRONG", place("x", trading_date=20200101), grpc.StatusCode.FAILED_PRECONDITION, "trading_date"),
    ("ORDER_UNKNOWN", cancel("x-cancel", "none"), grpc.StatusCode.NOT_FOUND, ""),
    ("ORDER_UNKNOWN", replace("x-replace", "none", 10), grpc.StatusCode.NOT_FOUND, ""),
    ("FUNDS_INSUFFICIENT", place("x-funds", 10**6, 10**9), grpc.StatusCode.FAILED_PRECONDITION, ""),
    ("COMMAND_MISSING", command_pb2.OrderCommand(), grpc.StatusCode.INVALID_ARGUMENT, "command"),
]


@pytest.mark.parametrize(
    ("reason", "command", "code", "field"), BAD, ids=[f"{one[0]}-{i}" for i, one in enumerate(BAD)]
)
def test_bad_input_gets_a_status_and_in_a_batch_spoils_no_neighbour(
    exchange: Exchange, reason: str, command: Any, code: grpc.StatusCode, field: str
) -> None:
    """Reason, field, value and what to do: as the status of a unary call, and as a result between two good orders."""
    if command.WhichOneof("command") is not None:
        why = refusal(lambda: unary(exchange, command))
        assert (why.code, why.reason) == (code, reason)
        assert why.metadata["fix"]
        assert not field or why.metadata["field"] == field
    before, behind = place(name()), place(name())
    results = resend(exchange, before, command, behind)
    assert results[1].refusal.reason == reason
    assert [one.outcome for one in (results[0], results[2])] == [command_pb2.OUTCOME_ACCEPTED] * 2
    assert all(
        order.client_order_id != command.place.client_order_id
        for order in exchange.orders()
        if command.place.client_order_id
    )


def test_a_second_use_of_an_id(exchange: Exchange) -> None:
    """With the same fields the first result again; with other fields refused, and the first one's hold untouched."""
    order = name()
    first = unary(exchange, place(order))
    holds = [(one.order_id, one.amount) for one in exchange.settled_holds()]
    assert unary(exchange, place(order)) == first
    why = refusal(lambda: unary(exchange, place(order, 20)))
    assert (why.code, why.reason) == (grpc.StatusCode.ALREADY_EXISTS, "CLIENT_ORDER_ID_REUSED")
    assert refusal(lambda: unary(exchange, cancel(order, order))).reason == "CLIENT_ORDER_ID_REUSED"
    assert [(one.order_id, one.amount) for one in exchange.settled_holds()] == holds


def test_a_finished_order_and_a_replace_below_what_is_executed(exchange: Exchange) -> None:
    """Rejected on record: the same command gets the same answer."""
    order = name()
    resend(exchange, place(order, 40, 5000))
    resend(exchange, place(name(), 20, 5000, side=2))
    below = replace(name(), order, 10)
    for _ in range(2):
        why = refusal(lambda: unary(exchange, below))
        assert (why.code, why.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "QUANTITY_BELOW_EXECUTED")
        assert why.metadata["outcome"] == "OUTCOME_REJECTED"
    assert unary(exchange, cancel(name(), order)).quantity == 20
    assert refusal(lambda: unary(exchange, cancel(name(), order))).reason == "ORDER_FINISHED"


def test_a_sell_is_replaced_too(exchange: Exchange) -> None:
    """The extra hold is shares, by the ledger's own record: also when svc_order was restarted."""
    one, two = name(), name()
    resend(exchange, place(one, 10, 900_000, side=2), place(two, 10, 900_000, side=2))
    more = replace(name(), one, 30)
    more.replace.price_e4 = 900_000
    assert unary(exchange, more).quantity == 30
    exchange.kill("svc_order")
    exchange.start("svc_order")
    more = replace(name(), two, 30)
    more.replace.price_e4 = 900_000
    assert resend(exchange, more)[0].quantity == 30


def test_a_replace_by_order_id_alone(exchange: Exchange) -> None:
    """What it was placed under, and in which symbol, is remembered; by a new process symbol and hold are looked up."""
    result = unary(exchange, place(name()))
    by_id = replace(name(), "", 20)
    by_id.replace.order_id, by_id.replace.symbol = result.order_id, ""
    assert unary(exchange, by_id).order_id == result.order_id
    exchange.kill("svc_order")
    exchange.start("svc_order")
    by_id.replace.client_order_id, by_id.replace.quantity = name(), 30
    assert resend(exchange, by_id)[0].quantity == 30
    by_id.replace.client_order_id, by_id.replace.order_id = name(), order_id(0, 1)
    assert refusal(lambda: unary(exchange, by_id)).reason == "ORDER_UNKNOWN"


def test_others_orders_are_neither_seen_nor_touched(exchange: Exchange) -> None:
    """Another participant can not get, list, watch, cancel or replace it; the operator sees all."""
    order = name()
    result = unary(exchange, place(order))
    exchange.orders()
    beta = exchange.broker("beta")
    get = order_pb2.GetOrderRequest(order_id=result.order_id, min_sequence=result.sequence)
    assert exchange.broker().GetOrder(get, timeout=CALL_SECONDS).order.client_order_id == order
    assert exchange.operator().GetOrder(get, timeout=CALL_SECONDS).order.client_order_id == order
    assert refusal(lambda: beta.GetOrder(get, timeout=CALL_SECONDS)).reason == "ORDER_UNKNOWN"
    assert all(
        one.account.startswith("beta/")
        for one in beta.ListOrders(order_pb2.ListOrdersRequest(), timeout=CALL_SECONDS).orders
    )
    for request in (
        order_pb2.ListOrdersRequest(participant="alpha"),
        order_pb2.ListOrdersRequest(account="alpha/main"),
    ):
        why = refusal(lambda request=request: beta.ListOrders(request, timeout=CALL_SECONDS))
        assert (why.code, why.reason) == (grpc.StatusCode.PERMISSION_DENIED, "ACCOUNT_NOT_YOURS")
    watch = order_pb2.WatchOrdersRequest(participant="alpha")
    assert refusal(lambda: next(beta.WatchOrders(watch, timeout=CALL_SECONDS))).reason == "ACCOUNT_NOT_YOURS"
    foreign = cancel(name(), order)
    foreign.cancel.account = "beta/main"
    assert refusal(lambda: unary(exchange, foreign, "beta")).reason == "ORDER_UNKNOWN"
    foreign.cancel.account = "alpha/main"
    assert refusal(lambda: unary(exchange, foreign, "beta")).reason == "ACCOUNT_NOT_YOURS"


def test_tokens(exchange: Exchange) -> None:
    """None, expired, wrongly signed, for another audience, of another role: each refused by name, on calls and streams."""
    request = order_pb2.PlaceOrderRequest(place=place(name()).place)
    claims = {"iss": "bourse", "aud": "bourse", "sub": "x", "role": "broker", "participant": "alpha", "exp": 2**31}
    issued = exchange.token("broker", participant="alpha")
    forged = jwt.encode(claims, Ed25519PrivateKey.generate(), "EdDSA", jwt.get_unverified_header(issued))
    cases = {
        "": "TOKEN_MISSING",
        forged: "TOKEN_INVALID",
        exchange.token("broker", participant="alpha", seconds=-5): "TOKEN_EXPIRED",
        exchange.token("operator"): "CALLER_NOT_ALLOWED",
        exchange.token("service"): "CALLER_NOT_ALLOWED",
    }
    for token, reason in cases.items():
        stub = exchange.stub(token)
        assert refusal(lambda stub=stub: stub.PlaceOrder(request, timeout=CALL_SECONDS)).reason == reason
        assert refusal(lambda stub=stub: Stream(stub).ask(place(name()))).reason == reason


def test_limits_of_batches_pages_and_tokens_of_pages(exchange: Exchange) -> None:
    """A batch or page over its limit, an empty batch and a made-up page token: what came before them is answered."""
    for count in (0, 4097):
        stream = Stream(exchange.broker())
        stream.send(place(name()))
        stream.send(*[place(f"big-{count}-{index}") for index in range(count)])
        assert stream.results(1)[0].outcome == command_pb2.OUTCOME_ACCEPTED
        why = refusal(lambda stream=stream: stream.results(1))
        assert (why.code, why.reason) == (grpc.StatusCode.INVALID_ARGUMENT, "BATCH_TOO_LARGE")
    reads = {
        "PAGE_TOO_LARGE": order_pb2.ListOrdersRequest(page_size=1001),
        "PAGE_TOKEN_INVALID": order_pb2.ListOrdersRequest(page_token="nonsense"),
        "FILTER_INVALID": order_pb2.ListOrdersRequest(state=77),  # type: ignore[arg-type]
    }
    for reason, request in reads.items():
        assert (
            refusal(lambda request=request: exchange.broker().ListOrders(request, timeout=CALL_SECONDS)).reason
            == reason
        )


def test_random_bytes_are_malformed(exchange: Exchange) -> None:
    """INVALID_ARGUMENT, and the process lives."""
    noise = random.Random(7)
    for method in ("PlaceOrder", "ListOrders"):
        for _ in range(20):
            raw = b"\x0a\xff" + noise.randbytes(noise.randint(0, 40))
            assert exchange.raw(method, raw).code in (grpc.StatusCode.INVALID_ARGUMENT, grpc.StatusCode.NOT_FOUND)
    assert unary(exchange, place(name())).outcome == command_pb2.OUTCOME_ACCEPTED


def test_a_passed_deadline_and_a_sequence_that_is_not_reached(exchange: Exchange) -> None:
    """DEADLINE_EXCEEDED, and why."""
    request = order_pb2.GetOrderRequest(order_id=order_id(0, 1), min_sequence=1 << 40)
    why = refusal(lambda: exchange.broker().GetOrder(request, timeout=4))
    assert (why.code, why.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "SEQUENCE_NOT_REACHED")


def test_a_closed_or_halted_market_rejects_on_record(exchange: Exchange) -> None:
    """Orders and replaces are rejected, cancels are taken; the hold of what was rejected is free again."""
    order = name()
    resend(exchange, place(order))
    for phase, reason in ((market_pb2.PHASE_HALTED, "MARKET_HALTED"), (market_pb2.PHASE_CLOSED, "MARKET_CLOSED")):
        exchange.match().SetPhase(match_pb2.SetPhaseRequest(phase=phase), timeout=CALL_SECONDS)
        rejected = place(name())
        assert refusal(lambda rejected=rejected: unary(exchange, rejected)).reason == reason
        assert refusal(lambda rejected=rejected: unary(exchange, rejected)).reason == reason
    assert unary(exchange, cancel(name(), order)).outcome == command_pb2.OUTCOME_CANCELLED
    exchange.match().SetPhase(match_pb2.SetPhaseRequest(phase=market_pb2.PHASE_OPEN), timeout=CALL_SECONDS)
    [stored] = [one for one in exchange.orders() if one.client_order_id == rejected.place.client_order_id]
    assert (stored.state, stored.refusal.reason) == (order_pb2.ORDER_STATE_REJECTED, "MARKET_CLOSED")
    eventually(lambda: all(one.order_id for one in exchange.holds()))


def test_pages_join_and_filters_hold(exchange: Exchange) -> None:
    """Newest first, each order once, whatever the page size."""
    resend(exchange, *[place(name()) for _ in range(12)])
    whole = [one.order_id for one in exchange.orders() if one.account == "alpha/main"]
    paged: list[int] = []
    token = ""
    while True:
        request = order_pb2.ListOrdersRequest(page_size=5, page_token=token, account="alpha/main", symbol="AAA")
        page = exchange.broker().ListOrders(request, timeout=CALL_SECONDS)
        paged += [one.order_id for one in page.orders]
        token = page.next_page_token
        if not token:
            break
    assert paged == whole
    open_ones = order_pb2.ListOrdersRequest(page_size=1000, state=order_pb2.ORDER_STATE_OPEN)
    assert {one.state for one in exchange.broker().ListOrders(open_ones, timeout=CALL_SECONDS).orders} == {1}


def test_the_drop_copy_joins_wherever_it_resumes(exchange: Exchange) -> None:
    """From the start, from any position and over a restart: ranges join, every event once, and live ones come."""
    order = name()
    resend(exchange, place(order, 20, 7000), place(name(), 20, 7000, side=2))
    last = exchange.sequence()
    whole = watched(exchange, 0, last)
    assert [one.sequence for one in whole] == sorted(one.sequence for one in whole)
    mine = [one for one in whole if one.client_order_id == order or one.kind == order_pb2.UPDATE_KIND_TRADED]
    assert {order_pb2.UPDATE_KIND_ACCEPTED, order_pb2.UPDATE_KIND_TRADED} <= {one.kind for one in mine}
    for after in (1, last // 2, last - 1):
        assert watched(exchange, after, last) == [one for one in whole if one.sequence > after]
    exchange.kill("svc_order")
    exchange.start("svc_order")
    assert watched(exchange, 0, last) == whole


def watched(exchange: Exchange, after: int, last: int) -> list[order_pb2.OrderUpdate]:
    """The participant's events behind `after` up to `last`; the ranges that bring them join."""
    request = order_pb2.WatchOrdersRequest()
    request.after.add(shard=0, sequence=after)
    updates: list[order_pb2.OrderUpdate] = []
    call = exchange.broker().WatchOrders(request, timeout=CALL_SECONDS)
    for part in call:
        assert part.first_sequence == after + 1
        assert all(part.first_sequence <= one.sequence <= part.last_sequence for one in part.updates)
        after = part.last_sequence
        updates += part.updates
        if after >= last:
            call.cancel()
            return [one for one in updates if one.sequence <= last]
    raise AssertionError("the stream ended")


def test_a_watcher_from_the_future_or_of_another_incarnation(exchange: Exchange) -> None:
    """OUT_OF_RANGE, FAILED_PRECONDITION."""
    ahead, other = order_pb2.WatchOrdersRequest(), order_pb2.WatchOrdersRequest()
    ahead.after.add(shard=0, sequence=1 << 40)
    other.after.add(shard=0, sequence=1, incarnation="0" * 32)
    why = refusal(lambda: next(exchange.broker().WatchOrders(ahead, timeout=CALL_SECONDS)))
    assert (why.code, why.reason) == (grpc.StatusCode.OUT_OF_RANGE, "SEQUENCE_AHEAD")
    why = refusal(lambda: next(exchange.broker().WatchOrders(other, timeout=CALL_SECONDS)))
    assert (why.code, why.reason) == (grpc.StatusCode.FAILED_PRECONDITION, "INCARNATION_CHANGED")


def test_an_export_is_one_snapshot(exchange: Exchange) -> None:
    """First the positions, then every order by its id, and whose it is, then what WatchOrders tells each participant."""
    expected = sorted(one.order_id for one in exchange.orders())
    parts = list(exchange.operator().ExportOrders(order_pb2.ExportOrdersRequest(), timeout=CALL_SECONDS))
    assert [one.shard for one in parts[0].sequences] == [0]
    assert [order.order_id for part in parts for order in part.orders] == expected
    owners = [(order.account.partition("/")[0], name) for part in parts for order, name in _owned(part)]
    assert all(account == name for account, name in owners)
    copies = [copy for part in parts for copy in part.copies if copy.participant == "alpha"]
    stored = [one for copy in copies for one in order_pb2.WatchOrdersResponse.FromString(copy.updates).updates]
    told: list[order_pb2.OrderUpdate] = []
    for response in exchange.broker().WatchOrders(order_pb2.WatchOrdersRequest(), timeout=CALL_SECONDS):
        told += response.updates
        if response.last_sequence >= parts[0].sequences[0].sequence:
            break
    assert stored == told[: len(stored)]
    assert all(one.sequence > parts[0].sequences[0].sequence for one in told[len(stored) :])


def _owned(part: order_pb2.ExportOrdersResponse) -> Any:
    return zip(part.orders, part.participants, strict=True)


def test_connections_that_postgresql_cut_are_replaced(exchange: Exchange) -> None:
    """Reads and history go on with new ones; order entry needs none."""
    with exchange.connect("svc_order") as connection:
        cut = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE usename = 'svc_order' AND pid <> pg_backend_pid()"
        connection.execute(cut)
    order = name()
    assert resend(exchange, place(order))[0].outcome == command_pb2.OUTCOME_ACCEPTED
    assert order in {one.client_order_id for one in exchange.orders()}
    assert exchange.log("svc_order").count('"event": "failed"') == 0


def test_a_drain_answers_what_was_received_and_says_so(exchange: Exchange) -> None:
    """SIGTERM: every answer, word that the session is to move on, the end of the stream, exit code 0."""
    stream = Stream(exchange.broker())
    stream.send(*[place(name()) for _ in range(50)])
    stream.results(50)
    exchange.pause("svc_match")
    stream.send(*[place(name()) for _ in range(50)])
    eventually(lambda: exchange.metric('order_batches_in_flight{stage="submit"}'))
    exchange.begin_terminate("svc_order")
    responses = stream.rest()
    assert next(responses).HasField("draining")
    stream.close()
    exchange.go_on("svc_match")
    results = [one for part in responses for one in part.results]
    assert [one.outcome for one in results] == [command_pb2.OUTCOME_ACCEPTED] * 50
    assert stream.call.code() is grpc.StatusCode.OK
    assert exchange.wait("svc_order") == 0
    exchange.start("svc_order")


def test_a_retry_on_the_next_date_gets_the_first_result(exchange: Exchange) -> None:
    """The journal has it under its own date; what it has not is refused, and a new order needs the new date."""
    order = place(name())
    [first] = resend(exchange, order)
    exchange.match().CloseTradingDate(match_pb2.CloseTradingDateRequest(trading_date=DATE), timeout=CALL_SECONDS)
    exchange.match().OpenTradingDate(match_pb2.OpenTradingDateRequest(trading_date=NEXT_DATE), timeout=CALL_SECONDS)
    exchange.match().SetPhase(match_pb2.SetPhaseRequest(phase=market_pb2.PHASE_OPEN), timeout=CALL_SECONDS)
    results = resend(exchange, order, place(name()), place(name(), trading_date=NEXT_DATE))
    assert results[0] == first
    assert results[1].refusal.reason == "TRADING_DATE_WRONG"
    assert results[2].outcome == command_pb2.OUTCOME_ACCEPTED
    assert {one.state for one in exchange.orders() if one.trading_date == DATE} <= {2, 3, 4}


def test_a_session_ends_with_its_token(exchange: Exchange) -> None:
    """What was sent before is answered; then UNAUTHENTICATED."""
    stream = Stream(exchange.stub(exchange.token("broker", participant="alpha", seconds=5)))
    assert stream.ask(place(name(), trading_date=NEXT_DATE))[0].outcome == command_pb2.OUTCOME_ACCEPTED
    why = refusal(lambda: stream.results(1))
    assert (why.code, why.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_EXPIRED")


def test_another_incarnation_of_the_journal_starts_history_over(exchange: Exchange) -> None:
    """A restored backup: what was derived from the other journal is dropped, loudly; its positions are refused."""
    incarnation = exchange.match().GetShard(match_pb2.GetShardRequest(), timeout=CALL_SECONDS).incarnation
    exchange.kill("svc_match")
    with exchange.connect("svc_match") as connection:
        connection.execute("TRUNCATE journal, snapshot")
        connection.execute("UPDATE exchange SET incarnation = %s", ["f" * 32])
    exchange.start("svc_match")

    def started_over() -> bool:
        first, *rest = exchange.operator().ExportOrders(order_pb2.ExportOrdersRequest(), timeout=CALL_SECONDS)
        return first.sequences[0].incarnation == "f" * 32 and not any(part.orders for part in rest)

    eventually(started_over)
    assert "history_begins_again" in exchange.log("svc_order")
    request = order_pb2.WatchOrdersRequest()
    request.after.add(shard=0, sequence=0, incarnation=incarnation)
    assert (
        refusal(lambda: next(exchange.broker().WatchOrders(request, timeout=CALL_SECONDS))).reason
        == "INCARNATION_CHANGED"
    )
