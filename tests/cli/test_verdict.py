"""A session that lost, doubled or failed an order has not passed."""

from dataclasses import replace

from bourse_sdk import Client, MassCancel, Place, Side
from cli.demo.trading import Tally, answered, enter
from cli.report import Latency, Report
from tests.sdk.exchange import SYMBOL, Exchange, Plan, direct, served

GOOD = Report(1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 1.0, Latency(1.0, 1.0), 0, 1.0)
ORDERS = [Place("alpha/main", SYMBOL, Side.BUY, 7, 10_000, client_order_id=f"c{number}") for number in range(5)]


def test_each_thing_that_is_wrong_fails_the_session() -> None:
    """Orders that were rejected do not."""
    assert GOOD.passed
    assert replace(GOOD, orders_rejected=7).passed
    for wrong in ("orders_failed", "acknowledged_lost", "acknowledged_doubled", "reconciliation_breaks"):
        assert not replace(GOOD, **{wrong: 1}).passed, wrong


def test_a_fault_is_no_rejection() -> None:
    """What a service or nobody can answer has failed; what the rules say has not."""
    tally = Tally()
    tally.refused.update({"FUNDS_INSUFFICIENT": 3, "PRICE_OFF_TICK": 2, "LEDGER_DOWN": 5, "SOMETHING_ELSE": 1})
    assert (tally.refusals, tally.failed) == (11, 6)


async def test_what_is_not_answered_has_failed() -> None:
    """Of orders that were given up those that were answered are told, the others counted."""
    tally = Tally()
    exchange = Exchange(plans=[Plan(after=2)])
    async with Client(**direct("127.0.0.1:1"), token="t", give_up_seconds=0.1) as client:
        assert await answered(client, [MassCancel("alpha/main")], tally) == []
        await enter(client, ORDERS, tally)
    assert (tally.failed, tally.acknowledged) == (6, [])
    async with served(exchange) as address, Client(**direct(address), token="t") as client:
        await enter(client, ORDERS, tally)
    assert (tally.failed, len(tally.acknowledged)) == (6, 5)
