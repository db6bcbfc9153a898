"""Two versions of a service on one database: both serve, only the stable one consumes, and an older one runs on a newer schema."""

import shutil
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc
import psycopg
import pytest
from psycopg import sql

from bourse.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from bourse.match.v1 import match_pb2
from bourse.order.v1 import order_pb2, order_pb2_grpc
from bourse.quote.v1 import quote_pb2, quote_pb2_grpc
from bourse.types.v1 import command_pb2, market_pb2
from chassis import database
from chassis.units import command_digest
from cli.machine import Machine
from tests.conftest import fresh_database
from tests.servers import TABLES, Database
from tests.svc_order.process import DATE, Exchange, Stream, eventually, name, place, refusal

STABLE = ("svc_match", "svc_ledger", "svc_order", "svc_quote")
CANARIES = ("svc_ledger-canary", "svc_order-canary", "svc_quote-canary")
ROUNDS, HOLDS = 20, 10
HOLD_E4 = 10_000 + 3  # 10 shares at 1 000 with a fee of 300 millionths, rounded up
AFFORDED = 137
COLUMNS = (
    "SELECT table_name::text, array_agg(column_name::text) FROM information_schema.columns "
    "WHERE table_schema = current_schema() AND table_name <> 'alembic_version' GROUP BY 1"
)
SETTLED = ledger_pb2.GetSettlementRequest()


@pytest.fixture(scope="module")
def exchange(machine: Machine) -> Iterator[Exchange]:
    """Every service twice, but svc_match; the second svc_order holds at the second svc_ledger."""
    with fresh_database(machine) as database:
        running = Exchange(machine, database, "svc_quote", *CANARIES)
        running.variables |= {one: {"HOLD_SECONDS": "60"} for one in ("svc_ledger", "svc_ledger-canary")}
        running.variables["svc_order-canary"] = {"LEDGER": running.address["svc_ledger-canary"]}
        try:
            running.start(*STABLE)
            running.open_market()
            running.start(*CANARIES)
            yield running
        finally:
            running.end()


def ledger(exchange: Exchange, process: str) -> Any:
    """A ledger, for the operator."""
    return exchange.operators_stub(ledger_pb2_grpc.LedgerServiceStub, process)


def broker(exchange: Exchange, process: str) -> Any:
    """Order entry at a version, for alpha."""
    token = exchange.token("broker", participant="alpha")
    return order_pb2_grpc.OrderServiceStub(exchange.channel(process, token))


def test_two_ledgers_hold_for_one_account(exchange: Exchange) -> None:
    """Concurrent holds of both, half of them of the same identity: never more than there is, none twice, one answer."""
    operator, account = ledger(exchange, "svc_ledger"), "gamma/main"
    participant = ledger_pb2.Participant(name="gamma")
    operator.CreateParticipant(ledger_pb2.CreateParticipantRequest(participant=participant))
    operator.CreateAccount(ledger_pb2.CreateAccountRequest(account=account))
    deposit = ledger_pb2.DepositRequest(transfer_id="g", account=account, asset="EUR", amount=AFFORDED * HOLD_E4 + 1)
    operator.Deposit(deposit)
    start = threading.Barrier(2)
    incarnation = exchange.match().GetShard(match_pb2.GetShardRequest()).incarnation

    def requests(process: str) -> Iterator[ledger_pb2.CreateHoldsRequest]:
        start.wait()
        for number in range(ROUNDS):
            ids = [f"{'both' if index % 2 else process}-{number}-{index}" for index in range(HOLDS)]
            yield ledger_pb2.CreateHoldsRequest(incarnation=incarnation, holds=[hold(account, one) for one in ids])

    def ask(process: str) -> list[ledger_pb2.HoldResult]:
        stub: Any = ledger_pb2_grpc.LedgerServiceStub(exchange.channel(process, exchange.service_token("svc_order")))
        return [result for response in stub.CreateHolds(requests(process), timeout=30) for result in response.results]

    with ThreadPoolExecutor(2) as both:
        stable, canary = both.map(ask, ("svc_ledger", "svc_ledger-canary"))
    shared = [(a.hold_id, b.hold_id) for i, (a, b) in enumerate(zip(stable, canary, strict=True)) if i % HOLDS % 2]
    assert all(a == b for a, b in shared)
    held = {one.hold_id for one in (*stable, *canary) if one.state == ledger_pb2.HOLD_STATE_PENDING}
    assert len(held) == AFFORDED
    for process in ("svc_ledger", "svc_ledger-canary"):
        balances = ledger(exchange, process).ListBalances(ledger_pb2.ListBalancesRequest(account=account)).balances
        (cash,) = [one for one in balances if one.asset == "EUR"]
        assert (cash.debits_pending, cash.available) == (AFFORDED * HOLD_E4, 1)


def hold(account: str, client_order_id: str) -> ledger_pb2.HoldRequest:
    """A buy of 10 at 1 000."""
    return ledger_pb2.HoldRequest(
        trading_date=DATE,
        account=account,
        client_order_id=client_order_id,
        digest=command_digest(client_order_id),
        shard=0,
        asset="EUR",
        quantity=10,
        held_price_e4=1000,
        held_fee_e6=300,
        symbol="AAA",
    )


def test_what_the_second_version_takes_is_read_at_both(exchange: Exchange) -> None:
    """An order through the second svc_order and svc_ledger is in each version's history, balances, feed and book at once."""
    stream = Stream(broker(exchange, "svc_order-canary"))
    results = stream.ask(*[place(name(), price_e4=500) for _ in range(20)])
    assert [one.outcome for one in results] == [command_pb2.OUTCOME_ACCEPTED] * 20
    last = results[-1]
    for process in ("svc_order", "svc_order-canary"):
        request = order_pb2.GetOrderRequest(order_id=last.order_id, min_sequence=last.sequence)
        assert broker(exchange, process).GetOrder(request, timeout=10).order.client_order_id == last.client_order_id
        seen: set[str] = set()
        for response in broker(exchange, process).WatchOrders(order_pb2.WatchOrdersRequest(), timeout=20):
            seen |= {one.client_order_id for one in response.updates}
            if response.last_sequence >= last.sequence:
                break
        assert {one.client_order_id for one in results} <= seen
    for process in ("svc_ledger", "svc_ledger-canary"):
        least = market_pb2.ShardSequence(shard=0, sequence=last.sequence)
        request = ledger_pb2.ListBalancesRequest(account="alpha/main", min_sequences=[least])
        assert ledger(exchange, process).ListBalances(request, timeout=10).sequences[0].sequence >= last.sequence
    for process in ("svc_quote", "svc_quote-canary"):
        stub: Any = exchange.operators_stub(quote_pb2_grpc.QuoteServiceStub, process)
        depth = stub.GetDepth(quote_pb2.GetDepthRequest(symbol="AAA", min_sequence=last.sequence), timeout=10)
        assert sum(level.quantity for level in depth.bids if level.price_e4 == 500) == 200


def test_the_second_version_follows_reference_data(exchange: Exchange) -> None:
    """An instrument that was just listed is traded through it."""
    exchange.add_instrument("BBB")
    exchange.match().SetPhase(match_pb2.SetPhaseRequest(phase=market_pb2.PHASE_OPEN), timeout=10)
    (result,) = Stream(broker(exchange, "svc_order-canary")).ask(place(name(), symbol="BBB"))
    assert result.outcome == command_pb2.OUTCOME_ACCEPTED


def test_the_second_version_consumes_nothing(exchange: Exchange) -> None:
    """While the stable versions are down it writes no history, settles nothing, keeps no checkpoint; then they catch up."""
    stubs = broker(exchange, "svc_order-canary"), ledger(exchange, "svc_ledger-canary")
    exchange.kill("svc_order", "svc_ledger", "svc_quote")
    before = stored(exchange)
    (result,) = Stream(stubs[0]).ask(place(name(), price_e4=600))
    assert result.outcome == command_pb2.OUTCOME_ACCEPTED
    quotes: Any = exchange.operators_stub(quote_pb2_grpc.QuoteServiceStub, "svc_quote-canary")
    top = quotes.GetTopOfBook(quote_pb2.GetTopOfBookRequest(symbol="AAA", min_sequence=result.sequence), timeout=10)
    assert top.top.bid.price_e4 == 600
    wanted = order_pb2.GetOrderRequest(order_id=result.order_id, min_sequence=result.sequence)
    why = refusal(lambda: stubs[0].GetOrder(wanted, timeout=3))
    assert (why.code, why.reason) == (grpc.StatusCode.DEADLINE_EXCEEDED, "SEQUENCE_NOT_REACHED")
    assert stored(exchange) == before
    exchange.start("svc_ledger", "svc_order", "svc_quote")
    eventually(lambda: stubs[1].GetSettlement(SETTLED, timeout=5).shards[0].position.sequence >= result.sequence)
    assert stubs[0].GetOrder(wanted, timeout=10).order.order_id == result.order_id


def stored(exchange: Exchange) -> list[Any]:
    """What the consumers have written: how far, and how much."""
    found: list[Any] = []
    for role, query in (
        ("svc_order", "SELECT sequence, (SELECT count(*) FROM orders) FROM positions"),
        ("svc_ledger", "SELECT sequence, time_us FROM cursors"),
        ("svc_quote", "SELECT sequence, (SELECT count(*) FROM trades) FROM checkpoints"),
    ):
        with exchange.connect(role) as connection:
            found.append(connection.execute(query).fetchall())
    return found


async def test_what_older_versions_write_fits(exchange: Exchange, empty_postgres: Database, tmp_path: Path) -> None:
    """Each table takes rows that have the columns of any older revision alone: what was added since may be left out, in rows that
    this exchange wrote, pending transfers among them.
    """
    pending = ledger_pb2.Transfer(
        transfer_id="pends", debit_account="alpha/main", credit_account="beta/main", asset="EUR", amount=1, pending=True
    )
    request = ledger_pb2.CreateTransfersRequest(transfers=[pending])
    assert ledger(exchange, "svc_ledger").CreateTransfers(request).results == ["created"]
    for service, folder in TABLES.items():
        known = tmp_path / service
        known.mkdir()
        for revision in sorted(Path(folder).glob("*.py")):
            shutil.copy(revision, known)
            await database.migrate(empty_postgres.url(service), str(known))
            with empty_postgres.connect(service) as older, exchange.connect(service) as connection:
                rows = older.execute(COLUMNS).fetchall()
                assert rows
                for table, columns in rows:
                    fits(connection, table, columns)


def fits(connection: psycopg.Connection, table: str, columns: list[str]) -> None:
    """Raises what the table's constraints raise."""
    named, old = sql.Identifier(table), sql.SQL(", ").join(map(sql.Identifier, columns))
    with connection.transaction(force_rollback=True):
        connection.execute(sql.SQL("CREATE TEMP TABLE taken (LIKE {} INCLUDING ALL)").format(named))
        insert = sql.SQL("INSERT INTO taken ({}) OVERRIDING SYSTEM VALUE SELECT {} FROM {}")
        connection.execute(insert.format(old, old, named))


def test_the_last_version_runs_on_the_next_schema(exchange: Exchange) -> None:
    """Every table of every service has one more column, at a revision that this code does not have: it starts, says so,
    and trades."""
    for process in (*STABLE, *CANARIES):
        exchange.begin_terminate(process)
    for process in (*STABLE, *CANARIES):
        assert exchange.wait(process) == 0
    for role in STABLE:
        expand(exchange, role)
    exchange.start(*STABLE)
    exchange.start(*CANARIES)
    buy, sell = name(), name()
    for process in ("svc_order", "svc_order-canary"):
        results = Stream(broker(exchange, process)).ask(
            place(buy + process, price_e4=700), place(sell + process, side=2)
        )
        assert [one.outcome for one in results] == [command_pb2.OUTCOME_ACCEPTED] * 2
    assert {buy + "svc_order", sell + "svc_order-canary"} <= {one.client_order_id for one in exchange.orders()}
    exchange.settled_holds()
    for process in (*STABLE, *CANARIES):
        assert '"event": "schema_newer"' in exchange.log(process)


def expand(exchange: Exchange, role: str) -> None:
    """The next release's migration: it only adds."""
    with exchange.connect(role) as connection:
        tables = connection.execute(
            "SELECT tablename FROM pg_tables WHERE schemaname = current_schema() AND tablename <> 'alembic_version'"
        ).fetchall()
        assert tables
        for (table,) in tables:
            connection.execute(f'ALTER TABLE "{table}" ADD COLUMN next_release text')
        connection.execute("CREATE TABLE next_release (number int8)")
        connection.execute("UPDATE alembic_version SET version_num = 'next'")
