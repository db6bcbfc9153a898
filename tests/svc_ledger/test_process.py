"""The process between a real PostgreSQL and a journal: killed anywhere, it settles each event exactly once."""

import asyncio
from base64 import b64encode
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import pytest

from bourse.ledger.v1 import ledger_pb2
from bourse.match.v1 import events_pb2
from bourse.types.v1 import market_pb2
from chassis.bus import Bus
from chassis.errors import from_rpc_error
from tests.servers import Database, NatsServer
from tests.svc_ledger.desk import DATE, Journal, cost, done, event, tick
from tests.svc_ledger.process import Ledger, ledger, until

ORDERS = 300
CUT_ALL = (
    "SELECT pg_terminate_backend(pid) FROM pg_stat_activity "
    "WHERE usename = current_user AND datname = current_database() AND pid <> pg_backend_pid()"
)
PRICE = 10_0000


async def furnish(running: Ledger) -> None:
    """Two participants with an account, EUR and ACME each. ACME is listed in shard 0's first row, which is waited for."""

    async def knows_acme() -> bool:
        answer = await running.stub().GetSettlement(ledger_pb2.GetSettlementRequest())
        return any(shard.position.sequence for shard in answer.shards if shard.position.shard == 0)

    await until(knows_acme)
    stub = running.stub()
    for name in ("alpha", "beta"):
        participant = ledger_pb2.Participant(name=name, title=name.title())
        await stub.CreateParticipant(ledger_pb2.CreateParticipantRequest(participant=participant))
        await stub.CreateAccount(ledger_pb2.CreateAccountRequest(account=f"{name}/main"))
        for asset, amount in (("EUR", 10**12), ("ACME", 10**6)):
            deposit = ledger_pb2.DepositRequest(
                transfer_id=f"{name}-{asset}", account=f"{name}/main", asset=asset, amount=amount
            )
            answer = await stub.Deposit(deposit)
            assert answer.balance.available == amount
            assert (await stub.Deposit(deposit)).balance.available == amount


def listed() -> events_pb2.ExecutionEvent:
    instrument = market_pb2.Instrument(symbol="ACME", currency="EUR")
    return event(instrument_added=events_pb2.InstrumentAdded(instrument=instrument))


def request(number: int, side: str) -> ledger_pb2.HoldRequest:
    buys = side == "buy"
    return ledger_pb2.HoldRequest(
        trading_date=DATE,
        account="alpha/main" if buys else "beta/main",
        client_order_id=f"{side}-{number}",
        digest=number.to_bytes(15, "big") + buys.to_bytes(1, "big"),
        asset="EUR" if buys else "ACME",
        quantity=10,
        held_price_e4=PRICE if buys else 0,
        held_fee_e6=300 if buys else 0,
    )


def accept(order: int, asked: ledger_pb2.HoldRequest, hold: ledger_pb2.HoldResult) -> events_pb2.ExecutionEvent:
    return event(
        accepted=events_pb2.OrderAccepted(
            order_id=order,
            account=asked.account,
            quantity=asked.quantity,
            hold_id=hold.hold_id,
            held_price_e4=hold.held_price_e4,
            held_fee_e6=hold.held_fee_e6,
        )
    )


def trade(sell: int, buy: int) -> events_pb2.ExecutionEvent:
    return event(
        trade=events_pb2.Trade(
            symbol="ACME",
            price_e4=PRICE,
            quantity=10,
            maker_order_id=sell,
            taker_order_id=buy,
            taker_side=market_pb2.SIDE_BUY,
            maker_fee_e4=300,
            taker_fee_e4=300,
        )
    )


async def balances(running: Ledger, account: str) -> dict[str, Any]:
    answer = await running.stub().ListBalances(ledger_pb2.ListBalancesRequest(account=account))
    return {balance.asset: balance for balance in answer.balances}


async def hold_and_trade(running: Ledger, journal: Journal, numbers: range) -> None:
    """Holds for a sell and a buy each, and writes the rows in which they trade."""
    asked = [request(number, side) for number in numbers for side in ("sell", "buy")]
    holds = await running.hold(asked)
    assert {hold.state for hold in holds} == {ledger_pb2.HOLD_STATE_PENDING}
    for at in range(0, len(asked), 2):
        sell, buy = journal.next_order, journal.next_order + 1
        journal.row(accept(sell, asked[at], holds[at]), accept(buy, asked[at + 1], holds[at + 1]))
        journal.row(trade(sell, buy), done(sell), done(buy))


async def assert_traded(running: Ledger, trades: int) -> None:
    cash, shares = trades * PRICE * 10, trades * 10
    alpha, beta = await balances(running, "alpha/main"), await balances(running, "beta/main")
    assert (alpha["EUR"].available, alpha["EUR"].debits_pending) == (10**12 - cash - 300 * trades, 0)
    assert (beta["EUR"].available, beta["EUR"].debits_pending) == (10**12 + cash - 300 * trades, 0)
    assert (alpha["ACME"].available, beta["ACME"].available) == (10**6 + shares, 10**6 - shares)
    exported = [part async for part in running.stub().ExportLedger(ledger_pb2.ExportLedgerRequest(), timeout=10)]
    assert [position.shard for position in exported[0].sequences] == [0]
    assert not any(part.holds for part in exported)
    of_trades = [posted.trade_id for part in exported for posted in part.transfers if posted.kind == "trade"]
    assert len(of_trades) == 2 * trades
    assert len(set(of_trades)) == trades


async def test_killed_again_and_again_it_settles_each_event_once(postgres: Database, tmp_path: Path) -> None:
    """kill -9 while it settles, without a NATS: holds, trades and releases are all there, once."""
    journal = Journal(0)
    journal.row(listed())
    async with ledger(postgres, tmp_path, journal) as running:
        await running.start()
        await furnish(running)
        await running.settled(journal)
        for round_ in range(3):
            await hold_and_trade(running, journal, range(round_ * ORDERS, (round_ + 1) * ORDERS))

            async def moving(before: int = await settled_sequence(running)) -> bool:
                return await settled_sequence(running) > before

            await until(moving)
            await running.kill()
            await running.start()
        journal.row(tick(), microseconds=6_000_000)
        await running.settled(journal)
        await assert_traded(running, 3 * ORDERS)
        assert await running.stop() == 0


async def test_a_transfer_is_posted_in_parts(postgres: Database, tmp_path: Path) -> None:
    """400 of 1000 and the rest pending, 400 again, then the rest: the balances tell it after each, and a repeat changes nothing."""
    journal, pb, cash = Journal(0), ledger_pb2, "EUR"
    journal.row(listed())
    async with ledger(postgres, tmp_path, journal) as running:
        await running.start()
        await furnish(running)
        stub = running.stub()

        async def book(id_: str, amount: int, **fields: Any) -> tuple[str, int, int, int]:
            asked = pb.Transfer(transfer_id=id_, asset=cash, amount=amount, **fields)
            (result,) = (await stub.CreateTransfers(pb.CreateTransfersRequest(transfers=[asked]))).results
            answer = await stub.ListBalances(pb.ListBalancesRequest(account="alpha/main"))
            giver = next(balance for balance in answer.balances if balance.asset == cash)
            answer = await stub.ListBalances(pb.ListBalancesRequest(account="beta/main"))
            taker = next(balance for balance in answer.balances if balance.asset == cash)
            assert giver.debits_pending == taker.credits_pending
            return result, giver.debits_pending, giver.debits_posted, taker.credits_posted - 10**12

        whole = {"debit_account": "alpha/main", "credit_account": "beta/main", "pending": True}
        assert await book("whole", 1000, **whole) == ("created", 1000, 0, 0)
        part: dict[str, Any] = {"pending_id": "whole", "post_part": True}
        assert await book("first", 400, **part) == ("created", 600, 400, 400)
        assert await book("second", 400, **part) == ("created", 200, 800, 800)
        assert await book("second", 400, **part) == ("exists", 200, 800, 800)
        assert await book("third", 400, **part) == ("exceeds_pending_transfer_amount", 200, 800, 800)
        rest: dict[str, Any] = {"pending_id": "whole", "post_pending": True}
        assert await book("rest", 2**63 - 1, **rest) == ("created", 0, 1000, 1000)
        assert await book("rest", 2**63 - 1, **rest) == ("exists", 0, 1000, 1000)
        assert await book("late", 1, **part) == ("pending_transfer_already_posted", 0, 1000, 1000)
        assert await running.stop() == 0


async def test_postgresql_cuts_every_connection_while_it_settles(postgres: Database, tmp_path: Path) -> None:
    """Calls say UNAVAILABLE at worst; settlement goes on from the stored cursor, in the same process."""
    journal = Journal(0)
    journal.row(listed())
    async with ledger(postgres, tmp_path, journal) as running:
        await running.start()
        await furnish(running)
        await running.settled(journal)
        with postgres.connect("svc_ledger") as connection:
            for round_ in range(3):
                await hold_and_trade(running, journal, range(round_ * 100, (round_ + 1) * 100))
                connection.execute(CUT_ALL)
                await running.settled(journal)
        await assert_traded(running, 300)
        assert await running.stop() == 0


async def settled_sequence(running: Ledger) -> int:
    answer = await running.stub().GetSettlement(ledger_pb2.GetSettlementRequest())
    return int(answer.shards[0].position.sequence)


async def test_settles_from_jetstream(postgres: Database, nats: NatsServer, tmp_path: Path) -> None:
    """What is published is settled, doubled and lost messages or not."""
    journal = Journal(0)
    journal.row(listed())
    bus = Bus(nats.url("svc_match"), "svc_match")
    async with ledger(postgres, tmp_path, journal, nats_url=nats.url("svc_ledger")) as running, publishing(bus):
        await running.start()
        await furnish(running)
        await bus.publish("exec.0", journal.rows[0])
        await running.settled(journal)
        published = 1
        for round_ in range(3):
            await hold_and_trade(running, journal, range(round_ * 20, (round_ + 1) * 20))
            rows = journal.rows[published:]
            published = len(journal.rows)
            for row in [*rows[:5], *rows[2:9], *rows[15:]]:
                await bus.publish("exec.0", row)
            await running.settled(journal)
        await assert_traded(running, 60)


@asynccontextmanager
async def publishing(bus: Bus) -> AsyncIterator[None]:
    """Connected as svc_match, with the shard's stream made."""
    work = asyncio.create_task(bus.work())
    await bus.wait_connected()
    await bus.ensure_stream("EXEC_0", ["exec.0"])
    yield
    work.cancel()
    await asyncio.wait({work})


async def test_refusals(postgres: Database, tmp_path: Path) -> None:
    """Each with its status, its reason, the field and the value; and a broker sees its own alone."""
    journal, other = Journal(0), Journal(1)
    journal.row(listed())
    async with ledger(postgres, tmp_path, journal, other) as running:
        await running.start()
        await furnish(running)
        await running.settled(journal)
        stub, broker = running.stub(), running.stub(participant="alpha")
        pb = ledger_pb2
        code = grpc.StatusCode
        cash: dict[str, Any] = {"transfer_id": "t1", "account": "alpha/main", "asset": "EUR", "amount": 1}
        for call, message, status, reason, field in (
            (
                stub.CreateParticipant,
                pb.CreateParticipantRequest(),
                code.INVALID_ARGUMENT,
                "PARTICIPANT_INVALID",
                "participant.name",
            ),
            (
                stub.CreateParticipant,
                pb.CreateParticipantRequest(participant=pb.Participant(name="alpha", title="x")),
                code.ALREADY_EXISTS,
                "PARTICIPANT_EXISTS",
                "participant.title",
            ),
            (
                stub.CreateAccount,
                pb.CreateAccountRequest(account="alpha/"),
                code.INVALID_ARGUMENT,
                "ACCOUNT_INVALID",
                "account",
            ),
            (
                stub.CreateAccount,
                pb.CreateAccountRequest(account="nobody/main"),
                code.NOT_FOUND,
                "PARTICIPANT_UNKNOWN",
                "account",
            ),
            (
                stub.Deposit,
                pb.DepositRequest(**cash | {"account": "alpha/none"}),
                code.NOT_FOUND,
                "ACCOUNT_UNKNOWN",
                "account",
            ),
            (
                stub.Deposit,
                pb.DepositRequest(**cash | {"amount": 0}),
                code.INVALID_ARGUMENT,
                "AMOUNT_INVALID",
                "amount",
            ),
            (
                stub.Deposit,
                pb.DepositRequest(**cash | {"asset": "eur"}),
                code.INVALID_ARGUMENT,
                "ASSET_INVALID",
                "asset",
            ),
            (
                stub.Deposit,
                pb.DepositRequest(**cash | {"asset": "XXX"}),
                code.NOT_FOUND,
                "ASSET_UNKNOWN",
                "asset",
            ),
            (
                stub.Deposit,
                pb.DepositRequest(**cash | {"transfer_id": "a b"}),
                code.INVALID_ARGUMENT,
                "TRANSFER_ID_INVALID",
                "transfer_id",
            ),
            (
                stub.Deposit,
                pb.DepositRequest(**cash | {"transfer_id": "alpha-EUR"}),
                code.ALREADY_EXISTS,
                "TRANSFER_ID_REUSED",
                "transfer_id",
            ),
            (
                stub.Deposit,
                pb.DepositRequest(**cash | {"amount": 2**63 - 1}),
                code.FAILED_PRECONDITION,
                "OVERFLOWS",
                "amount",
            ),
            (
                stub.Withdraw,
                pb.WithdrawRequest(**cash | {"amount": 10**15}),
                code.FAILED_PRECONDITION,
                "FUNDS_INSUFFICIENT",
                "amount",
            ),
            (stub.CreateTransfers, pb.CreateTransfersRequest(), code.INVALID_ARGUMENT, "BATCH_TOO_LARGE", "transfers"),
            (
                stub.ListBalances,
                pb.ListBalancesRequest(account="alpha/none"),
                code.NOT_FOUND,
                "ACCOUNT_UNKNOWN",
                "account",
            ),
            (
                stub.ListEntries,
                pb.ListEntriesRequest(account="alpha/main", page_token="?"),
                code.INVALID_ARGUMENT,
                "PAGE_TOKEN_INVALID",
                "page_token",
            ),
            (
                stub.ListEntries,
                pb.ListEntriesRequest(account="alpha/main", page_token=b64encode(b"9" * 5_000).decode()),
                code.INVALID_ARGUMENT,
                "PAGE_TOKEN_INVALID",
                "page_token",
            ),
            (
                stub.ListEntries,
                pb.ListEntriesRequest(account="alpha/main", page_size=1001),
                code.INVALID_ARGUMENT,
                "PAGE_TOO_LARGE",
                "page_size",
            ),
            (
                stub.ListAccounts,
                pb.ListAccountsRequest(page_size=-1),
                code.INVALID_ARGUMENT,
                "PAGE_TOO_LARGE",
                "page_size",
            ),
            (
                broker.ListBalances,
                pb.ListBalancesRequest(account="beta/main"),
                code.PERMISSION_DENIED,
                "ACCOUNT_NOT_YOURS",
                "account",
            ),
            (
                broker.ListEntries,
                pb.ListEntriesRequest(account="beta/none"),
                code.PERMISSION_DENIED,
                "ACCOUNT_NOT_YOURS",
                "account",
            ),
            (
                broker.ListAccounts,
                pb.ListAccountsRequest(participant="beta"),
                code.PERMISSION_DENIED,
                "ACCOUNT_NOT_YOURS",
                "participant",
            ),
            (broker.Deposit, pb.DepositRequest(**cash), code.PERMISSION_DENIED, "CALLER_NOT_ALLOWED", "authorization"),
        ):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await call(message)
            refusal = from_rpc_error(caught.value)
            assert (refusal.code, refusal.reason, refusal.metadata["field"]) == (status, reason, field), message
            assert refusal.metadata["fix"]
        assert list((await broker.ListAccounts(pb.ListAccountsRequest())).accounts) == ["alpha/main"]
        await assert_holds_refused(running)
        await assert_pages(stub)


async def assert_holds_refused(running: Ledger) -> None:
    for holds, incarnation, status, reason in (
        ([], "", grpc.StatusCode.INVALID_ARGUMENT, "BATCH_TOO_LARGE"),
        ([request(1, "buy")], "f" * 32, grpc.StatusCode.FAILED_PRECONDITION, "INCARNATION_CHANGED"),
        ([ledger_pb2.HoldRequest(shard=1)], "", grpc.StatusCode.UNAVAILABLE, "SETTLEMENT_LAGS"),
    ):
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await running.hold(holds, incarnation)
        assert (caught.value.code(), from_rpc_error(caught.value).reason) == (status, reason)


async def assert_pages(stub: Any) -> None:
    """A page of one, then the rest, are the whole statement; so with accounts and participants."""
    pb = ledger_pb2
    whole = await stub.ListEntries(pb.ListEntriesRequest(account="alpha/main"))
    first = await stub.ListEntries(pb.ListEntriesRequest(account="alpha/main", page_size=1))
    rest = await stub.ListEntries(pb.ListEntriesRequest(account="alpha/main", page_token=first.next_page_token))
    assert [*first.entries, *rest.entries] == list(whole.entries)
    assert [(entry.asset, entry.amount, entry.kind) for entry in whole.entries] == [
        ("EUR", 10**12, "deposit"),
        ("ACME", 10**6, "deposit"),
    ]
    assert not rest.next_page_token
    accounts = await stub.ListAccounts(pb.ListAccountsRequest(page_size=1, participant="beta"))
    assert list(accounts.accounts) == ["beta/main"]
    page = await stub.ListParticipants(pb.ListParticipantsRequest(page_size=2))
    after = await stub.ListParticipants(pb.ListParticipantsRequest(page_token=page.next_page_token))
    assert [p.name for p in (*page.participants, *after.participants)] == ["alpha", "beta", "exchange"]


async def test_a_shard_that_cannot_be_settled_says_why_and_spoils_no_batch(postgres: Database, tmp_path: Path) -> None:
    """GetSettlement names the reason; its new holds are refused, those of the other shard are made, and it goes on."""
    journal, other = Journal(0), Journal(1)
    journal.row(listed())
    other.row(tick())
    async with ledger(postgres, tmp_path, journal, other) as running:
        await running.start()
        await furnish(running)
        await running.settled(journal)
        journal.row(done(99))

        async def stopped() -> bool:
            answer = await running.stub().GetSettlement(ledger_pb2.GetSettlementRequest())
            return bool(answer.shards[0].stopped.reason)

        await until(stopped)
        answer = await running.stub().GetSettlement(ledger_pb2.GetSettlementRequest())
        assert (answer.shards[0].stopped.reason, answer.shards[0].position.sequence) == ("ORDER_NOT_HELD", 1)
        elsewhere = request(2, "buy")
        elsewhere.shard = 1
        refused, held = await running.hold([request(1, "buy"), elsewhere])
        assert (refused.state, refused.refusal.reason) == (ledger_pb2.HOLD_STATE_REFUSED, "SETTLEMENT_STOPPED")
        assert held.state == ledger_pb2.HOLD_STATE_PENDING
        other.row(tick())
        await running.settled(other)
        assert '"settlement_stopped"' in running.log.read_text()


async def test_holds_wait_for_settlement_that_is_behind(postgres: Database, tmp_path: Path) -> None:
    """The journal's own time against the cursor's: more than the interval, and no hold is made until it caught up."""
    journal = Journal(0)
    journal.row(listed())
    async with ledger(postgres, tmp_path, journal) as running:
        await running.start()
        await furnish(running)
        await running.settled(journal)
        (hold,) = await running.hold([request(1, "buy")])
        assert hold.held_amount == cost(PRICE, 10)
        journal.time_us += 6_000_000

        async def lags() -> bool:
            try:
                await running.hold([request(2, "buy")])
            except grpc.aio.AioRpcError as error:
                return from_rpc_error(error).reason == "SETTLEMENT_LAGS"
            return False

        await until(lags)
        journal.row(tick(), microseconds=0)
        await running.settled(journal)
        (again,) = await running.hold([request(1, "buy")])
        assert (again.state, again.attempt) == (ledger_pb2.HOLD_STATE_PENDING, 2)
