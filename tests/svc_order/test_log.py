"""What svc_order says of single commands: of those that their senders sampled; at level debug of all."""

import json
from typing import Any

from bourse.types.v1 import command_pb2
from svc_order.rpc import LOGGED_LIMIT
from tests.svc_order.process import Exchange, cancel, eventually, name, place, resend

TRACE = "4bf92f3577b34da6a3ce929d0e0e4736"
SAMPLED = f"00-{TRACE}-00f067aa0ba902b7-01"


def lines(exchange: Exchange, *ids: str) -> dict[str, dict[str, Any]]:
    """The log lines about these commands, by client_order_id."""
    told = (json.loads(line) for line in exchange.log("svc_order").splitlines() if line.startswith("{"))
    return {line["client_order_id"]: line for line in told if line.get("client_order_id") in ids}


def test_a_sampled_command_is_logged_without_tracing(exchange: Exchange) -> None:
    """Its line has the order's id, the outcome and the sender's trace; the ones beside it, and half a trace, have none."""
    plain, sampled, broken = name(), name(), name()
    commands = place(plain), place(sampled, traceparent=SAMPLED), place(broken, traceparent=SAMPLED[:-1])
    results = resend(exchange, *commands)
    eventually(lambda: lines(exchange, sampled))
    line = lines(exchange, plain, sampled, broken)
    assert list(line) == [sampled]
    wanted = {"event": "command_answered", "order_id": results[1].order_id, "outcome": "OUTCOME_ACCEPTED"}
    assert line[sampled].items() >= (wanted | {"trace_id": TRACE, "level": "info"}).items()
    resend(exchange, *(cancel(name(), one) for one in (plain, sampled, broken)))


def test_a_caller_that_samples_everything_fills_no_log(exchange: Exchange) -> None:
    """Of one answer at most LOGGED_LIMIT commands are logged."""
    ids = [name() for _ in range(LOGGED_LIMIT + 10)]
    results = resend(exchange, *(place(one, quantity=0, traceparent=SAMPLED) for one in ids))
    assert {one.outcome for one in results} == {command_pb2.OUTCOME_REFUSED}
    last = name()
    resend(exchange, place(last, quantity=0))
    assert 0 < len(lines(exchange, *ids)) <= LOGGED_LIMIT


def test_at_level_debug_every_command_is_logged(exchange: Exchange) -> None:
    """BOURSE_LOG_LEVEL=debug tells of each command; the level info of none that was not sampled."""
    quiet, loud, refused = name(), name(), name()
    resend(exchange, place(quiet))
    exchange.begin_terminate("svc_order")
    assert exchange.wait("svc_order") == 0
    exchange.start("svc_order", BOURSE_LOG_LEVEL="debug")
    try:
        results = resend(exchange, place(loud), place(refused, quantity=0), cancel(name(), quiet))
        eventually(lambda: len(lines(exchange, loud, refused)) == 2)
        told = lines(exchange, quiet, loud, refused)
        assert quiet not in told
        assert told[loud]["order_id"] == results[0].order_id
        assert told[refused]["outcome"] == "OUTCOME_REFUSED"
        resend(exchange, cancel(name(), loud))
    finally:
        exchange.begin_terminate("svc_order")
        exchange.wait("svc_order")
        exchange.start("svc_order")
