"""Busted trades, on a real PostgreSQL: everything goes back, whatever the accounts still have (rule 7.9.2)."""

from bourse.match.v1 import events_pb2
from chassis.units import order_id
from svc_ledger.core.settlement import COVER, FEES
from tests.svc_ledger.desk import ACCOUNTS, CASH, SHARES, Desk, cost, done, event

A, B, C = ACCOUNTS
PRICE, QUANTITY = 10_0000, 40
COST = PRICE * QUANTITY
FEE = COST * 300 // 1_000_000


async def traded(desk: Desk, buyer: str = A, seller: str = B) -> events_pb2.ExecutionEvent:
    """Both are filled; the bust of their trade."""
    buy, _ = await desk.open(desk.buy(buyer, QUANTITY, PRICE))
    sell, _ = await desk.open(desk.sell(seller, QUANTITY))
    trade = desk.trade(buy, sell, PRICE, QUANTITY, 0, 0)
    trade.trade.maker_account, trade.trade.taker_account = seller, buyer
    trade_id = desk.journals[0].next_order
    await desk.settle(0, trade, done(buy), done(sell))
    return event(busted=events_pb2.TradeBusted(trade_id=trade_id, reason="an error", trade=trade.trade))


async def test_money_shares_and_fees_of_both_sides_go_back(desk: Desk) -> None:
    """All balances are what they were, and the statement shows why, by the trade's number."""
    bust = await traded(desk)
    await desk.settle(0, bust)
    for account in (A, B):
        assert (await desk.available(account), await desk.available(account, "ACME")) == (CASH, SHARES)
    assert await desk.available(FEES) == 0
    entries, _ = await desk.book.entries(A, "", 0, 100)
    back = {(entry.asset, entry.amount) for entry in entries if entry.kind == 6}
    assert back == {("EUR", COST), ("EUR", FEE), ("ACME", -QUANTITY)}
    assert {entry.trade_id for entry in entries if entry.kind == 6} == {bust.busted.trade_id}


async def test_a_bust_within_one_account_gives_the_fees_back(desk: Desk) -> None:
    """Nothing else was moved."""
    await desk.settle(0, await traded(desk, A, A))
    assert (await desk.available(A), await desk.available(A, "ACME"), await desk.available(FEES)) == (CASH, SHARES, 0)


async def test_a_bust_settles_with_its_trade(desk: Desk) -> None:
    """Rows of both are settled in one transaction where settlement is behind."""
    buy, _ = await desk.open(desk.buy(A, QUANTITY, PRICE))
    sell, _ = await desk.open(desk.sell(B, QUANTITY))
    trade = desk.trade(buy, sell, PRICE, QUANTITY, 0, 0)
    trade.trade.maker_account, trade.trade.taker_account = B, A
    trade_id = desk.journals[0].next_order
    desk.journals[0].row(trade, done(buy), done(sell))
    await desk.settle(0, event(busted=events_pb2.TradeBusted(trade_id=trade_id, reason="an error", trade=trade.trade)))
    assert (await desk.available(A), await desk.available(B), await desk.available(FEES)) == (CASH, CASH, 0)
    assert (await desk.available(A, "ACME"), await desk.available(B, "ACME")) == (SHARES, SHARES)


async def test_the_exchange_lends_what_an_account_lacks(desk: Desk) -> None:
    """The seller has withdrawn its money and the buyer sold its shares: the other side has its own back all the same, nobody is
    below zero, what is held stays held, and each loan is in the statement. It is paid back by a transfer.
    """
    bust = await traded(desk)
    await desk.book.withdraw("out", B, "EUR", CASH + COST - FEE - 5_000)
    sell, _ = await desk.open(desk.sell(A, SHARES + QUANTITY - 3))
    await desk.settle(0, bust)
    assert await desk.available(A) == CASH
    assert await desk.available(B, "ACME") == SHARES
    assert (await desk.available(B), await desk.available(COVER)) == (0, -(COST - 5_000 - FEE))
    assert (await desk.available(A, "ACME"), await desk.held(A, "ACME")) == (0, SHARES + QUANTITY - 3)
    assert await desk.available(COVER, "ACME") == -(QUANTITY - 3)
    entries, _ = await desk.book.entries(B, "EUR", 0, 100)
    assert [(entry.amount, entry.trade_id) for entry in entries if entry.kind == 7] == [
        (COST - 5_000 - FEE, bust.busted.trade_id)
    ]
    buy, _ = await desk.open(desk.buy(C, SHARES + QUANTITY - 3, 100))
    await desk.settle(0, desk.trade(buy, sell, 100, SHARES + QUANTITY - 3, 0, 0, fee_e6=0), done(buy), done(sell))
    assert (await desk.held(A, "ACME"), await desk.available(A, "ACME")) == (0, 0)
    assert await desk.available(A) == CASH + 100 * (SHARES + QUANTITY - 3)
    assert await desk.available(C) == CASH - 100 * (SHARES + QUANTITY - 3)


async def test_a_bust_leaves_the_holds_of_its_orders(desk: Desk) -> None:
    """An order that stands is held for what is open, no more and no less, also one that is held by amount."""
    buy, _ = await desk.open(desk.buy(A, 100, PRICE))
    sell, _ = await desk.open(desk.sell(B, QUANTITY))
    trade = desk.trade(buy, sell, PRICE, QUANTITY, 100 - QUANTITY, 0)
    trade.trade.maker_account, trade.trade.taker_account = B, A
    trade_id = order_id(0, desk.journals[0].sequence + 1)
    await desk.settle(0, trade, done(sell))
    await desk.settle(0, event(busted=events_pb2.TradeBusted(trade_id=trade_id, reason="an error", trade=trade.trade)))
    held = cost(PRICE, 100 - QUANTITY)
    assert (await desk.held(A), await desk.available(A)) == (held, CASH - held)
