"""Deposits, withdrawals and an operator's transfers, on a real PostgreSQL."""

import asyncio

import pytest

from chassis.units import INT64_MAX
from svc_ledger.core.holds import State
from svc_ledger.core.records import LINKED, PENDING, POST, POST_PART, VOID, Transfer
from svc_ledger.ports import Cursor, Denied, Forbidden
from tests.svc_ledger.desk import ACCOUNTS, CASH, INCARNATION, Desk, listed, tick

A, B, C = ACCOUNTS


def transfer(id_: str, debit: str, credit: str, amount: int, flags: int = 0, pending_id: str = "") -> Transfer:
    return Transfer(
        id_, (debit, "EUR") if debit else 0, (credit, "EUR") if credit else 0, amount, "EUR", pending_id or 0, flags
    )


async def test_what_is_held_cannot_be_withdrawn(desk: Desk) -> None:
    """Held is not available; the last unit that is free can go."""
    (hold,) = await desk.hold(desk.buy(A))
    with pytest.raises(Denied, match="not enough"):
        await desk.book.withdraw("w1", A, "EUR", CASH)
    balance = await desk.book.withdraw("w2", A, "EUR", CASH - hold.held_amount)
    assert balance.credits_posted - balance.debits_posted == balance.debits_pending == hold.held_amount


async def test_a_payment_is_booked_once(desk: Desk) -> None:
    """The same id and fields: booked once, also when asked twice at the same time; other fields: refused."""
    await asyncio.gather(*(desk.book.deposit("d", A, "EUR", 5) for _ in range(3)))
    assert await desk.available(A) == CASH + 5
    with pytest.raises(Denied) as caught:
        await desk.book.withdraw("d", A, "EUR", 5)
    assert caught.value.reason == "TRANSFER_ID_REUSED"


async def test_a_deposit_of_what_nobody_knows_is_refused(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """Neither a currency nor a symbol; a symbol is known once its instrument is settled, for which a deposit waits."""
    monkeypatch.setattr("svc_ledger.app.ASSET_WAIT_SECONDS", 0.0)
    for asset in ("XXX", "LATE"):
        with pytest.raises(Denied) as caught:
            await desk.book.deposit("d", A, asset, 5)
        assert (caught.value.reason, caught.value.metadata["field"]) == ("ASSET_UNKNOWN", "asset")
    monkeypatch.setattr("svc_ledger.app.ASSET_WAIT_SECONDS", 10.0)
    depositing = asyncio.create_task(desk.book.deposit("d", A, "LATE", 5))
    await asyncio.sleep(0)
    await desk.settle(0, listed("LATE"))
    assert (await depositing).credits_posted == 5
    assert (await desk.book.deposit("chf", A, "CHF", 5)).credits_posted == 5


async def test_the_advice_of_an_overflow_fits_what_was_asked(desk: Desk) -> None:
    """Who pays in too much pays in less; who takes out too much takes less."""
    most = (1 << 63) - 1
    await desk.book.withdraw("one", A, "EUR", 1)
    for ask, fix in ((desk.book.deposit, "pay in less"), (desk.book.withdraw, "take less")):
        with pytest.raises(Denied) as caught:
            await ask(fix.replace(" ", ""), A, "EUR", most)
        assert (caught.value.reason, caught.value.metadata["fix"]) == ("OVERFLOWS", fix)


async def test_a_failed_id_stays_failed(desk: Desk) -> None:
    """As TigerBeetle has it: an id that failed for a passing reason is used up, also in a later batch."""
    poor = transfer("p", A, B, 2 * CASH)
    assert await desk.book.create_transfers([poor, poor]) == ["exceeds_credits", "id_already_failed"]
    await desk.book.deposit("more", A, "EUR", CASH)
    assert await desk.book.create_transfers([poor]) == ["id_already_failed"]


async def test_two_phases_in_batches_of_their_own(desk: Desk) -> None:
    """Pending reserves on both sides, post moves a part and frees the rest, void frees all; each once."""
    first = [transfer("one", A, B, 100, PENDING), transfer("two", A, B, 50, PENDING)]
    assert await desk.book.create_transfers(first) == ["created", "created"]
    assert (await desk.held(A), await desk.available(A)) == (150, CASH - 150)
    second = [transfer("post", "", "", 60, POST, "one"), transfer("void", "", "", 0, VOID, "two")]
    assert await desk.book.create_transfers(second) == ["created", "created"]
    assert (await desk.held(A), await desk.available(A), await desk.available(B)) == (0, CASH - 60, CASH + 60)
    assert await desk.book.create_transfers([*first, *second]) == ["exists"] * 4
    third = [transfer("again", "", "", 0, VOID, "one"), transfer("wrong", "", "", 0, POST, "nothing")]
    assert await desk.book.create_transfers(third) == ["pending_transfer_already_posted", "pending_transfer_not_found"]
    entries, _ = await desk.book.entries(A, "EUR", 0, 10)
    assert [entry.amount for entry in entries] == [CASH, -60]


async def test_a_pending_transfer_is_posted_in_parts(desk: Desk) -> None:
    """Each part moves at once and the rest stays pending, over batches of their own; post and void end what is left; each once."""
    first = [transfer("one", A, B, 1000, PENDING), transfer("two", A, B, 50, PENDING)]
    assert await desk.book.create_transfers(first) == ["created", "created"]
    for number, left in ((1, 600), (2, 200)):
        part = transfer(f"part{number}", "", "", 400, POST_PART, "one")
        assert await desk.book.create_transfers([part]) == ["created"]
        assert await desk.book.create_transfers([part]) == ["exists"]
        assert (await desk.held(A), await desk.available(B)) == (left + 50, CASH + 400 * number)
    more = transfer("more", "", "", 201, POST_PART, "one")
    assert await desk.book.create_transfers([more]) == ["exceeds_pending_transfer_amount"]
    rest = [transfer("rest", "", "", INT64_MAX, POST, "one"), transfer("half", "", "", 25, POST_PART, "two")]
    rest.append(transfer("void", "", "", 0, VOID, "two"))
    assert await desk.book.create_transfers(rest) == ["created"] * 3
    assert await desk.book.create_transfers([*first, *rest]) == ["exists"] * 5
    late = transfer("late", "", "", 1, POST_PART, "two")
    assert await desk.book.create_transfers([late]) == ["pending_transfer_already_voided"]
    assert (await desk.held(A), await desk.available(A), await desk.available(B)) == (0, CASH - 1025, CASH + 1025)


async def test_a_part_in_a_broken_chain_is_not_posted(desk: Desk) -> None:
    """What it took of the pending transfer is pending again."""
    await desk.book.create_transfers([transfer("one", A, B, 100, PENDING)])
    batch = [transfer("part", "", "", 60, POST_PART | LINKED, "one"), transfer("poor", A, B, 2 * CASH)]
    assert await desk.book.create_transfers(batch) == ["linked_event_failed", "exceeds_credits"]
    assert await desk.book.create_transfers([transfer("all", "", "", 100, POST_PART, "one")]) == ["created"]
    again = transfer("again", "", "", 0, POST, "one")
    assert await desk.book.create_transfers([again]) == ["pending_transfer_already_posted"]


async def test_a_chain_is_booked_whole_or_not_at_all(desk: Desk) -> None:
    """The second link fails: nothing moves, and the neighbour behind the chain does."""
    batch = [transfer("a", A, B, 1, LINKED), transfer("b", B, C, 3 * CASH), transfer("c", A, C, 2)]
    assert await desk.book.create_transfers(batch) == ["linked_event_failed", "exceeds_credits", "created"]
    assert [await desk.available(account) for account in ACCOUNTS] == [CASH - 2, CASH, CASH + 2]


async def test_unknown_accounts_have_tigerbeetles_names(desk: Desk) -> None:
    """An account or an asset that does not exist."""
    batch = [transfer("a", "no/body", B, 1), transfer("b", A, "no/body", 1), transfer("c", A, A, 1)]
    results = await desk.book.create_transfers(batch)
    assert results == ["debit_account_not_found", "credit_account_not_found", "accounts_must_be_different"]


async def test_a_constraint_holds_where_the_core_would_not(desk: Desk) -> None:
    """PostgreSQL itself refuses a balance below zero."""
    async with desk.store.settling(desk.settlers[0].cursor, _nothing(desk)) as batch:
        batch.settlement.moved[A, "EUR"] = [0, CASH + 1, 0]
        with pytest.raises(Exception, match="less than no EUR"):
            await batch.store(Cursor(0, INCARNATION, 2, 1))
    hot = desk.store.names.hot
    with pytest.raises(Forbidden, match="debits_must_not_exceed_credits"):
        async with hot.transaction() as connection:
            await connection.execute("UPDATE balances SET debits_posted = credits_posted + 1 WHERE flags = 2")


def _nothing(desk: Desk):  # type: ignore[no-untyped-def]
    from svc_ledger.ports import ShardBatch

    cursor = desk.settlers[0].cursor
    return ShardBatch(0, INCARNATION, cursor.sequence + 1, cursor.time_us + 1, [])


async def test_a_read_waits_for_its_sequence(desk: Desk) -> None:
    """Balances at or after a position: answered once it is settled."""
    at = Cursor(0, INCARNATION, desk.journals[0].sequence + 1)
    reading = asyncio.create_task(desk.book.balances(A, [at]))
    await asyncio.sleep(0)
    await desk.settle(0, tick())
    _, cursors = await reading
    assert cursors[0].sequence == at.sequence


async def test_batches_of_both_shards_holds_and_payments_run_at_once(desk: Desk) -> None:
    """Nothing deadlocks, and every hold is there once."""

    async def payments() -> None:
        for number in range(20):
            await desk.book.deposit(f"p{number}", A, "EUR", 1)
            await desk.book.create_transfers([transfer(f"t{number}", B, A, 1)])

    async def trades(shard: int) -> None:
        for _ in range(10):
            buy, _ = await desk.open(desk.buy(A, 10, shard=shard))
            sell, _ = await desk.open(desk.sell(B, 10, shard=shard))
            await desk.settle(shard, desk.trade(buy, sell, 10_0000, 10, 0, 0))

    async def holds() -> None:
        for _ in range(20):
            results = await desk.hold(*(desk.buy(account, 1) for account in ACCOUNTS))
            assert {result.state for result in results} == {State.PENDING}

    await asyncio.gather(payments(), trades(0), trades(1), holds())
    fee = 10_0000 * 10 * 300 // 1_000_000
    spent = 20 * (10_0000 * 10 + fee)
    assert await desk.available(A) == CASH + 40 - spent - await desk.held(A)
    assert await desk.available("exchange/fees") == 40 * fee
