"""On a running exchange: clean while it trades, and each kind of break found where it is planted."""

import asyncio
import json
import os
import re
import shutil
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import nats
import psycopg
import pytest
from psycopg import sql

from bourse.order.v1 import order_pb2
from bourse.types.v1 import market_pb2
from bourse_sdk import (
    Cancel,
    Client,
    CommandResult,
    Operator,
    OrderType,
    Outcome,
    PartlyDone,
    Peg,
    Place,
    PostOnly,
    Quote,
    Refusal,
    Replace,
    SelfTradePrevention,
    Side,
    TimeInForce,
)
from chassis.units import order_id, worst
from cli import clients
from cli.machine.credentials import ADMINISTRATOR
from cli.reconcile.breaks import Reconciliation
from cli.reconcile.run import reconcile
from cli.reconcile.settled import wait_settled
from svc_match.core.layout import INDICATION_INTERVAL_US
from svc_quote.core import checkpoint
from svc_quote.core.shard import Shard
from tests.exchange import CASH_E4, CURRENCY, SHARES, SYMBOLS, TRADING_DATE, Exchange, instrument, running_exchange
from tests.waiting import eventually

SETTLE_SECONDS = 120.0
FOUND_SECONDS = 120.0
TRADING_SECONDS = 300.0
LEASE_SECONDS = 3.0
UNIT = 10_000


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    """An exchange of this module's own, which has traded; what a test breaks it heals."""
    with running_exchange() as exchange:
        asyncio.run(asyncio.wait_for(traded(exchange), TRADING_SECONDS))
        yield exchange


async def traded(exchange: Exchange) -> None:
    """Every kind of order and of end, on both shards."""
    maker, taker = await exchange.join(), await exchange.join()
    async with exchange.broker(maker.split("/")[0]) as making, exchange.broker(taker.split("/")[0]) as taking:
        for symbol in SYMBOLS:
            await grown(exchange, making, taking, maker, taker, symbol)
            await session(making, taking, maker, taker, symbol)
    await ended_together(exchange)
    await wait_settled(exchange.home, SETTLE_SECONDS)


async def session(making: Client, taking: Client, maker: str, taker: str, symbol: str) -> None:
    await quotes(making, taking, maker, taker, symbol)
    special = await making.submit_many(with_terms(maker, symbol, 130 * UNIT))
    await taking.submit_many(
        [
            Place(taker, symbol, Side.BUY, 140, 133 * UNIT),  # of both icebergs, and it triggers a stop
            Place(taker, symbol, Side.BUY, 40, 134 * UNIT, OrderType.MARKET_TO_LIMIT),
            Place(taker, symbol, Side.BUY, 90, 134 * UNIT, minimum_quantity=90),
        ]
    )
    await making.cancel(maker, special[4].order_id)
    asks = [Place(maker, symbol, Side.SELL, 100, (100 + n) * UNIT) for n in range(20)]
    bids = [Place(maker, symbol, Side.BUY, 50, (99 - n) * UNIT) for n in range(20)]
    placed = await making.submit_many([*asks, *bids])
    assert {result.outcome for result in placed} == {Outcome.ACCEPTED}
    await taking.submit_many(
        [
            Place(taker, symbol, Side.BUY, 150, 101 * UNIT),  # over two levels, in full
            Place(taker, symbol, Side.BUY, 500, 102 * UNIT),  # in part, the rest stays
            Place(taker, symbol, Side.SELL, 70, 98 * UNIT, time_in_force=TimeInForce.IOC),
            Place(taker, symbol, Side.BUY, 90, 103 * UNIT, time_in_force=TimeInForce.FOK),
            Place(taker, symbol, Side.BUY, 100_000, 103 * UNIT, time_in_force=TimeInForce.FOK),
            Place(taker, symbol, Side.BUY, 30, 110 * UNIT, OrderType.MARKET),
            Place(taker, symbol, Side.BUY, 1_000, type=OrderType.MARKET, amount_e4=5_000 * UNIT),
            Place(taker, symbol, Side.SELL, 40, type=OrderType.MARKET),
            Place(taker, symbol, Side.BUY, 1, 100),  # rests far away
            Place(taker, symbol, Side.SELL, 10_000_000, 200 * UNIT),  # refused: too many
            Place(taker, "NONE", Side.SELL, 10, 200 * UNIT),  # refused: unknown
        ]
    )
    await making.submit_many(
        [
            Place(maker, symbol, Side.BUY, 15, 119 * UNIT, client_order_id=f"self-{symbol}"),  # its own asks among them
            Cancel(maker, placed[0].order_id),  # filled by now
            Cancel(maker, placed[19].order_id),
            Cancel(maker, placed[39].order_id),
            Replace(maker, 118 * UNIT, 60, placed[18].order_id),  # less
            Replace(maker, 117 * UNIT, 160, placed[17].order_id),  # more, elsewhere
            Replace(maker, 85 * UNIT, 80, placed[38].order_id),  # a larger hold
            Replace(maker, 70 * UNIT, 10, placed[37].order_id),  # a smaller hold
        ]
    )
    ended = await taking.mass_cancel(taker, symbol, Side.BUY)
    assert ended.orders > 1
    assert [one.orders for one in (await taking.mass_cancel(taker)).shards] == [0, 0]


async def grown(exchange: Exchange, making: Client, taking: Client, maker: str, taker: str, symbol: str) -> None:
    """Rule 4.10.5: a pair grows and moves, and is held at its higher price; then it is triggered, and filled there."""
    pending = {}
    async with exchange.operator() as operator:
        placed = await making.place(
            maker, symbol, Side.BUY, 100, 10 * UNIT,
            type=OrderType.ONE_CANCELS_OTHER, stop_price_e4=11 * UNIT, stop_limit_price_e4=12 * UNIT,
        )  # fmt: skip
        for quantity, price_e4 in ((101, 10 * UNIT), (200, 10 * UNIT), (150, 9 * UNIT)):
            result = await making.replace(maker, price_e4, quantity, placed.order_id)
            balances = await operator.balances(maker, min_sequences=at(symbol, result))
            pending[quantity] = next(one.debits_pending for one in balances if one.asset == CURRENCY)
    more, less = (worst(12 * UNIT, quantity, instrument(symbol, 0).taker_fee_e6) for quantity in (200, 150))
    assert pending[200] - pending[150] == more - less
    await taking.place(taker, symbol, Side.SELL, 1, 11 * UNIT)
    await taking.place(taker, symbol, Side.BUY, 1, 11 * UNIT)
    await taking.place(taker, symbol, Side.SELL, 150, 12 * UNIT)


async def ended_together(exchange: Exchange) -> None:
    """Orders that follow others, stand beyond the date, or have a way out; those of one that is killed, and of one that is gone."""
    stays, killed, gone = [await exchange.join() for _ in range(3)]
    async with exchange.broker(stays.split("/")[0]) as client:
        placed = await client.submit_many([order for symbol in SYMBOLS for order in following(stays, symbol)])
    assert {result.outcome for result in placed} == {Outcome.ACCEPTED}
    far = [Place(account, symbol, Side.BUY, 5, 40 * UNIT) for account in (killed, gone) for symbol in SYMBOLS]
    async with exchange.operator() as operator, exchange.broker(killed.split("/")[0]) as client:
        await client.submit_many(far[: len(SYMBOLS)])
        await half_killed(exchange, killed.split("/")[0])
        assert await operator.kill_participant(killed.split("/")[0]) == {0: 0, 1: 1}
        with pytest.raises(Refusal):
            await client.submit(far[0])
        await operator.release_participant(killed.split("/")[0])
        leaving = clients.broker(exchange.machine, gone.split("/")[0], cancel_on_disconnect_seconds=LEASE_SECONDS)
        async with leaving as client:
            await client.submit_many(far[len(SYMBOLS) :])
        async with asyncio.timeout(SETTLE_SECONDS):
            while [order async for order in operator.list_orders(account=gone, state=order_pb2.ORDER_STATE_OPEN)]:
                await asyncio.sleep(0.05)


async def half_killed(exchange: Exchange, participant: str) -> None:
    """Rule 6.2.1: the kill is answered for each shard: by one with how many orders ended, by one with why it did not."""
    machine = exchange.machine
    state = clients.running(machine)
    some = {0: clients.matches(state)[0], 1: state.process("svc_ledger").address}
    token_file = machine.credentials.token_file("operator")
    async with Operator(**clients.doors(machine), shards=some, token_file=token_file, give_up_seconds=10.0) as operator:
        with pytest.raises(PartlyDone) as partly:
            await operator.kill_participant(participant)
    assert (partly.value.figure, partly.value.done, list(partly.value.failed)) == ("orders", {0: 1}, [1])
    assert re.fullmatch(r"shard 0: done, orders=1; shard 1: failed, .+", str(partly.value))


def following(account: str, symbol: str) -> list[Place]:
    """Below and above all that the other tests trade at."""
    return [
        Place(account, symbol, Side.BUY, 10, 60 * UNIT, time_in_force=TimeInForce.GTD, expire_date=TRADING_DATE),
        Place(account, symbol, Side.SELL, 10, 0, OrderType.STOP, stop_price_e4=5 * UNIT, trailing_amount_e4=80 * UNIT),
        Place(account, symbol, Side.BUY, 10, 70 * UNIT, OrderType.PEGGED, peg=Peg.BID),
        Place(account, symbol, Side.SELL, 10, 260 * UNIT, OrderType.ONE_CANCELS_OTHER, stop_price_e4=4 * UNIT),
    ]


async def quotes(making: Client, taking: Client, maker: str, taker: str, symbol: str) -> None:
    """Rule 6.5.8: quotes that are replaced, kept, pulled and rejected; nothing of them is left."""
    limits = {"fill_limit": 2, "window_us": 3_600_000_000}
    bid, ask = 99 * UNIT, 101 * UNIT
    for quote, sides in (
        (Quote(symbol, bid, 50, ask, 50), 2),
        (Quote(symbol, bid, 40, ask + UNIT, 60), 2),  # the bid keeps its place
        (Quote(symbol, bid, 45, ask + UNIT, 60), 2),  # the offer does
    ):
        assert (await making.mass_quote(maker, [quote], **limits)).orders == sides
    with pytest.raises(Refusal) as reused:
        await making.mass_quote(maker, [Quote(symbol, bid, 45)], client_order_id=f"self-{symbol}", fill_limit=1)
    assert reused.value.reason == "MAKER_PROTECTION_INVALID"
    for _ in range(2):
        await taking.place(taker, symbol, Side.SELL, 10, bid)
    with pytest.raises(Refusal) as active:
        await making.mass_quote(maker, [Quote(symbol, bid, 40, ask, 40)], **limits)
    assert (active.value.reason, active.value.on_record) == ("MAKER_PROTECTION_ACTIVE", True)
    again = await making.mass_quote(maker, [Quote(symbol, bid, 40, ask, 40)], reset=True)
    found = [one async for one in making.list_orders(account=maker, symbol=symbol, min_sequences=at(symbol, again))]
    assert sorted(one.client_order_id[-2:] for one in found if one.open_quantity) == ["0a", "0b"]
    assert (await making.mass_quote(maker, [Quote(symbol)])).orders == 0


def at(symbol: str, result: CommandResult) -> list[market_pb2.ShardSequence]:
    return [market_pb2.ShardSequence(shard=SYMBOLS[symbol], sequence=result.sequence)]


def with_terms(maker: str, symbol: str, price_e4: int) -> list[Place]:
    """Orders that are not in the book as a whole, or do not stay as they are placed; offers are above all others' offers."""
    stop: dict[str, Any] = {"type": OrderType.STOP_LIMIT, "stop_price_e4": price_e4}
    far = stop | {"stop_price_e4": price_e4 + 9 * UNIT}
    return [
        Place(maker, symbol, Side.SELL, 100, price_e4, display_quantity=20),
        Place(maker, symbol, Side.SELL, 60, price_e4, display_quantity=25),
        Place(maker, symbol, Side.SELL, 50, price_e4, hidden=True),
        Place(maker, symbol, Side.SELL, 30, price_e4 + UNIT, hidden=True),
        Place(maker, symbol, Side.BUY, 10, price_e4, post_only=PostOnly.SLIDE),
        Place(maker, symbol, Side.BUY, 10, price_e4, post_only=PostOnly.REJECT),
        Place(maker, symbol, Side.BUY, 5, 50 * UNIT, **stop),
        Place(maker, symbol, Side.BUY, 7, price_e4 + 9 * UNIT, **far),
        Place(maker, symbol, Side.BUY, 8, price_e4, self_trade_prevention=SelfTradePrevention.DECREMENT),
        Place(maker, symbol, Side.BUY, 9, price_e4, self_trade_prevention=SelfTradePrevention.CANCEL_NEWEST),
    ]


@dataclass
class Planted:
    """A row that was changed, deleted or added by hand; `heal` puts it back as it was."""

    database: psycopg.Connection
    table: sql.Identifier
    place: str | None
    was: str | None

    def heal(self) -> None:
        if self.place is not None:
            self.database.execute(sql.SQL("DELETE FROM {} WHERE ctid = %s::tid").format(self.table), [self.place])
        if self.was is not None:
            insert = sql.SQL(
                "INSERT INTO {0} OVERRIDING SYSTEM VALUE SELECT * FROM jsonb_populate_record(NULL::{0}, %s::jsonb)"
            )
            self.database.execute(insert.format(self.table), [self.was])


def plant(database: psycopg.Connection, table: str, where: str, change: str) -> Planted:
    """Changes the first row that fits: `change` is a SET list, or empty to delete it."""
    name = sql.Identifier(*table.split("."))
    select = sql.SQL("SELECT ctid::text, to_jsonb(t)::text FROM {} t WHERE {} LIMIT 1")
    row = database.execute(select.format(name, sql.SQL(where))).fetchone()
    assert row is not None, f"nothing to plant in {table}"
    if not change:
        database.execute(sql.SQL("DELETE FROM {} WHERE ctid = %s::tid").format(name), [row[0]])
        return Planted(database, name, None, row[1])
    update = sql.SQL("UPDATE {} SET {} WHERE ctid = %s::tid RETURNING ctid::text").format(name, sql.SQL(change))
    changed = database.execute(update, [row[0]]).fetchone()
    assert changed is not None
    return Planted(database, name, changed[0], row[1])


TRADE, FEE, BOUND = 3, 4, 2
PARTICIPANTS = "account_id IN (SELECT account_id FROM svc_ledger.accounts WHERE participant <> 'exchange')"
OPEN_HOLD = f"state = {BOUND} AND remaining > 0"
PLANTS = {
    "a posting is deleted": ("svc_ledger.transfers", f"kind = {TRADE}", "", {"trade", "posting"}),
    "a posting has another amount": (
        "svc_ledger.transfers",
        f"kind = {FEE}",
        "amount = amount + 1",
        {"trade", "posting"},
    ),
    "a posting is of another trade": ("svc_ledger.transfers", f"kind = {FEE}", "trade_id = trade_id + 1", {"trade"}),
    "a deposit is larger": ("svc_ledger.transfers", "kind = 1", "amount = amount + 1", {"balance", "posting"}),
    "money from nowhere": (
        "svc_ledger.balances",
        f"{PARTICIPANTS} AND credits_posted > 0",
        "credits_posted = credits_posted + 7",
        {"balance", "posting", "conservation"},
    ),
    "a balance below zero": (
        "svc_ledger.balances",
        f"{PARTICIPANTS} AND credits_posted > 0",
        "flags = 0, debits_posted = credits_posted + 1",
        {"negative", "balance", "posting", "conservation"},
    ),
    "more is pending than is held": (
        "svc_ledger.balances",
        f"{PARTICIPANTS} AND debits_pending > 0",
        "debits_pending = debits_pending + 1",
        {"pending"},
    ),
    "a hold is too small": ("svc_ledger.holds", OPEN_HOLD, "remaining = remaining - 1", {"hold", "pending"}),
    "a hold is of another order": ("svc_ledger.holds", OPEN_HOLD, "order_id = order_id + 1000000", {"hold"}),
    "an open order is not held for": ("svc_ledger.holds", OPEN_HOLD, "", {"hold", "pending"}),
    "an order has executed more": (
        "svc_order.orders",
        "state = 2",
        "executed_quantity = executed_quantity + 1",
        {"order"},
    ),
    "an order is finished in the history alone": ("svc_order.orders", "state = 1", "state = 3", {"order"}),
    "an order has other terms": (
        "svc_order.orders",
        "display_quantity > 0",
        "display_quantity = display_quantity + 1",
        {"order"},
    ),
    "an order is missing": ("svc_order.orders", "state = 1", "", {"order"}),
    "an order never was": ("svc_order.orders", "state = 3", "order_id = order_id + 1000000", {"order"}),
    "an order is another participant's": ("svc_order.orders", "state = 1", "participant = 'other'", {"order"}),
    "the refusal of an order is damaged": ("svc_order.orders", "refusal <> ''", "refusal = refusal || 'x'", {"order"}),
    "a participant is not told": ("svc_order.drop_copy", "true", "", {"drop_copy"}),
    "a participant is told something else": (
        "svc_order.drop_copy",
        "length(updates) > 100",
        "updates = set_byte(updates, 40, 255 - get_byte(updates, 40))",
        {"drop_copy"},
    ),
    "a participant is told twice": ("svc_order.drop_copy", "true", "updates = updates || updates", {"drop_copy"}),
    "another participant is told": ("svc_order.drop_copy", "true", "participant = 'other'", {"drop_copy"}),
    "a command in the journal is changed": (
        "svc_match.journal",
        "length(commands) > 100",
        "commands = set_byte(commands, 50, 255 - get_byte(commands, 50))",
        {"row"},
    ),
    "an event in the journal is changed": (
        "svc_match.journal",
        "length(commands) > 100",
        "executions[1] = set_byte(executions[1], 60, 255 - get_byte(executions[1], 60))",
        {"row"},
    ),
    "a public event in the journal is changed": (
        "svc_match.journal",
        "length(commands) > 100",
        "market_data[1] = set_byte(market_data[1], 60, 255 - get_byte(market_data[1], 60))",
        {"row"},
    ),
    "a row of the journal is missing": ("svc_match.journal", "length(commands) > 100", "", {"row"}),
}


async def found(exchange: Exchange) -> Reconciliation:
    async with asyncio.timeout(FOUND_SECONDS):
        return await reconcile(exchange.home)


async def test_an_exchange_that_has_traded_is_clean(exchange: Exchange) -> None:
    """All that was compared agrees, and it is all that there is."""
    outcome = await found(exchange)
    assert outcome.breaks == ()
    counts = outcome.counts
    assert counts["trades"] == counts["public_trades"] == counts["quote_trades"] > 20
    assert counts["orders"] + counts["rejected"] >= counts["history_orders"] > 80
    assert counts["drop_copy_updates"] > counts["orders"] + 2 * counts["trades"]
    # One slid, one lost shares to its owner, two were triggered, one is pegged.
    assert counts["restated"] == 5 * len(SYMBOLS)
    assert counts["holds"] > 40
    assert counts["levels"] > 40
    assert set(outcome.sequences) == set(SYMBOLS.values())


@pytest.mark.parametrize("name", PLANTS)
async def test_a_planted_break_is_found_with_both_sides(exchange: Exchange, name: str) -> None:
    """A row that is changed, deleted or added behind a service's back is found, named and shown; healed, all is clean."""
    table, where, change, kinds = PLANTS[name]
    with exchange.database() as database:
        planted = plant(database, table, where, change)
        try:
            outcome = await found(exchange)
        finally:
            planted.heal()
    assert kinds <= set(outcome.found), outcome.as_json()
    assert set(outcome.found) <= kinds | {"balance", "posting", "pending", "conservation"}, outcome.as_json()
    for each in outcome.breaks:
        assert each.left.value != each.right.value
        assert "digest" not in json.dumps(each.as_json())
    assert (await found(exchange)).breaks == ()


async def test_the_command_prints_each_break_and_says_so_in_its_exit_code(exchange: Exchange) -> None:
    """0 clean, 1 broken, 3 unreachable; --json is one object."""
    code, out = await command(exchange, "--json")
    assert (code, json.loads(out)["clean"]) == (0, True)
    with exchange.database() as database:
        planted = plant(database, *PLANTS["a posting is deleted"][:3])
        code, out = await command(exchange)
        planted.heal()
    assert code == 1
    assert "trade: a trade's postings" in out
    assert "debit_account" in out
    code, _ = await command(exchange, home=str(exchange.home / "nowhere"))
    assert code == 3


async def command(exchange: Exchange, *options: str, home: str = "") -> tuple[int | None, str]:
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "cli",
        "reconcile",
        "--home",
        home or str(exchange.home),
        *options,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.DEVNULL,
    )
    out, _ = await process.communicate()
    return process.returncode, out.decode()


@contextmanager
def crashing(exchange: Exchange, database: psycopg.Connection, process: str) -> Iterator[None]:
    """What is done inside is done while the process stands still, and it never wakes: the supervisor starts a new one."""
    pid = exchange.pid(process)
    os.kill(pid, signal.SIGSTOP)
    try:
        database.execute(  # What it had begun is rolled back: it holds no lock.
            "SELECT pg_terminate_backend(pid, 5000) FROM pg_stat_activity WHERE application_name = %s", [process]
        )
        yield
    finally:
        os.kill(pid, signal.SIGKILL)


async def test_a_trade_that_was_tampered_with_is_found_on_the_tape(exchange: Exchange) -> None:
    """A stored trade that is changed while svc_quote is down is found when it is back."""
    with exchange.database() as database:
        with crashing(exchange, database, "svc_quote"):
            planted = plant(database, "svc_quote.trades", "quantity > 1", "quantity = quantity - 1")
        await wait_settled(exchange.home, SETTLE_SECONDS)
        outcome = await found(exchange)
        planted.heal()
    assert outcome.found == {"quote_trade": 1}


async def test_a_level_that_was_tampered_with_is_found_in_the_book(exchange: Exchange) -> None:
    """A level that is changed in svc_quote's checkpoint is found when it is loaded; a damaged one is rebuilt."""
    store = "UPDATE svc_quote.checkpoints SET state = %s WHERE shard = 0"
    with exchange.database() as database:
        eventually(lambda: checkpointed(database))
        with crashing(exchange, database, "svc_quote"):
            shard = checkpointed(database)
            assert shard is not None
            book = shard.markets["ACME"].book
            best = book.bids.best
            assert best is not None
            book.put(best._replace(quantity=best.quantity + 1))
            database.execute(store, [checkpoint.encode(shard)])
        await wait_settled(exchange.home, SETTLE_SECONDS)
        outcome = await found(exchange)
        with crashing(exchange, database, "svc_quote"):
            database.execute(store, [b"damaged"])
        await wait_settled(exchange.home, SETTLE_SECONDS)
    assert outcome.found == {"quote_depth": 1}
    where = {"symbol": "ACME", "side": "buy", "price_e4": best.price_e4}
    assert outcome.breaks[0].where.items() >= where.items()
    assert (await found(exchange)).breaks == ()


def checkpointed(database: psycopg.Connection) -> Shard | None:
    """The first shard as svc_quote has stored it; None while there is no book in it."""
    row = database.execute("SELECT state FROM svc_quote.checkpoints WHERE shard = 0").fetchone()
    shard = checkpoint.decode(row[0]) if row else None
    return shard if shard and "ACME" in shard.markets else None


async def test_it_is_clean_while_orders_flow(exchange: Exchange) -> None:
    """Each reconciliation during trading is of one sequence a shard, and clean."""
    maker, taker = await exchange.join(), await exchange.join()
    async with exchange.broker(maker.split("/")[0]) as making, exchange.broker(taker.split("/")[0]) as taking:
        stop = asyncio.Event()

        async def trade() -> None:
            while not stop.is_set():
                asks = [Place(maker, symbol, Side.SELL, 5, 150 * UNIT) for symbol in SYMBOLS for _ in range(20)]
                bids = [Place(taker, symbol, Side.BUY, 4, 150 * UNIT) for symbol in SYMBOLS for _ in range(20)]
                placed, _ = await asyncio.gather(making.submit_many(asks), taking.submit_many(bids))
                await making.submit_many([Cancel(maker, result.order_id) for result in placed])

        trading = asyncio.create_task(trade())
        outcomes = [await found(exchange) for _ in range(4)]
        stop.set()
        await trading
    assert [outcome.breaks for outcome in outcomes] == [()] * 4
    assert outcomes[-1].counts["trades"] > outcomes[0].counts["trades"]


async def test_it_is_clean_in_auctions_and_after_them(exchange: Exchange) -> None:
    """While orders are collected, of which some are in no depth, when they have traded, and when a closing auction has."""
    seller, buyer = await exchange.join(), await exchange.join()
    collected, late = TimeInForce.GOOD_FOR_AUCTION, TimeInForce.AT_CLOSE
    volatility, closing = market_pb2.AUCTION_KIND_VOLATILITY, market_pb2.AUCTION_KIND_CLOSING
    async with (
        exchange.operator() as operator,
        exchange.broker(seller.split("/")[0]) as selling,
        exchange.broker(buyer.split("/")[0]) as buying,
    ):
        await operator.set_phase(market_pb2.PHASE_AUCTION, "ACME", auction=volatility)
        placed = await selling.submit_many(
            [
                Place(seller, "ACME", Side.SELL, 60, 90 * UNIT, display_quantity=20),
                Place(seller, "ACME", Side.SELL, 30, type=OrderType.MARKET),
                Place(seller, "ACME", Side.SELL, 15, type=OrderType.MARKET, time_in_force=late),
                Place(seller, "ACME", Side.SELL, 10, 90 * UNIT, hidden=True),
            ]
        )
        placed += await buying.submit_many(
            [
                Place(buyer, "ACME", Side.BUY, 200, 141 * UNIT, time_in_force=collected),
                Place(buyer, "ACME", Side.BUY, 50, 142 * UNIT, OrderType.MARKET_TO_LIMIT),
                Place(buyer, "ACME", Side.BUY, 40, 90 * UNIT, time_in_force=late),
            ]
        )
        assert {result.outcome for result in placed} == {Outcome.ACCEPTED}
        shard = SYMBOLS["ACME"]
        # What is told may be of before the last orders, for so long.
        told_us = (await operator.shard_states())[shard].time_us + 2 * INDICATION_INTERVAL_US
        async with asyncio.timeout(SETTLE_SECONDS):
            while (await operator.shard_states())[shard].time_us <= told_us:
                await wait_settled(exchange.home, SETTLE_SECONDS)
        await wait_settled(exchange.home, SETTLE_SECONDS)
        told = (await operator.depth("ACME")).indicative
        assert (await found(exchange)).breaks == ()
        await operator.set_phase(market_pb2.PHASE_OPEN, "ACME")
        outcome = await found(exchange)
        trades = [trade async for trade in operator.trades("ACME") if trade.auction]
        assert (outcome.breaks, {trade.price_e4 for trade in trades}) == ((), {told.price_e4})
        assert sum(trade.quantity for trade in trades) == told.quantity >= 100
        for phase, kind in (
            (market_pb2.PHASE_AUCTION, closing),
            (market_pb2.PHASE_CLOSED, 0),
            (market_pb2.PHASE_OPEN, 0),
        ):
            await operator.set_phase(phase, "ACME", auction=kind)
            assert (await found(exchange)).breaks == ()
        orders = [await selling.get_order(placed[2].order_id), await buying.get_order(placed[6].order_id)]
    assert {order.state for order in orders} <= {order_pb2.ORDER_STATE_FILLED, order_pb2.ORDER_STATE_CANCELLED}


async def test_a_bust_is_settled_by_the_next_svc_ledger(exchange: Exchange) -> None:
    """An operator busts a trade on each shard while svc_ledger is dead: when it is back all agree, to the cent (rule 7.9.2)."""
    seller, buyer = await exchange.join(), await exchange.join()
    async with exchange.broker(seller.split("/")[0]) as selling, exchange.broker(buyer.split("/")[0]) as buying:
        for symbol in SYMBOLS:
            await selling.place(seller, symbol, Side.SELL, 7, 149 * UNIT)
            await buying.place(buyer, symbol, Side.BUY, 7, 149 * UNIT)
    await wait_settled(exchange.home, SETTLE_SECONDS)  # svc_quote has the trades, too
    async with exchange.operator() as operator:
        trades = {symbol: await anext(operator.trades(symbol)) for symbol in SYMBOLS}
        volumes = {symbol: (await operator.statistics(symbol)).volume for symbol in SYMBOLS}
        os.kill(exchange.pid("svc_ledger"), signal.SIGKILL)
        for symbol, shard in SYMBOLS.items():
            await operator.bust_trade(order_id(shard, trades[symbol].sequence), "an error")
        with pytest.raises(Refusal) as again:
            await operator.bust_trade(order_id(SYMBOLS["ACME"], trades["ACME"].sequence), "an error")
        await wait_settled(exchange.home, SETTLE_SECONDS)
        owned = {balance.asset: balance.available for balance in await operator.balances(buyer)}
        after = {symbol: await operator.statistics(symbol) for symbol in SYMBOLS}
    assert again.value.reason == "TRADE_BUSTED"
    assert {symbol: day.volume for symbol, day in after.items()} == {symbol: n - 7 for symbol, n in volumes.items()}
    outcome = await found(exchange)
    assert (outcome.breaks, outcome.counts["busts"]) == ((), len(SYMBOLS))
    assert owned == {"EUR": CASH_E4, **dict.fromkeys(SYMBOLS, SHARES)}


@pytest.mark.parametrize("stream", ["EXEC_0", "MD_1"])
async def test_messages_that_jetstream_lost_or_repeated_are_found(exchange: Exchange, stream: str) -> None:
    """A message that is deleted from a stream, and one that is put into it again, are breaks; a new stream heals them."""
    user = ADMINISTRATOR
    connection = await nats.connect(exchange.machine.nats_url(user), inbox_prefix=f"_INBOX.{user}".encode())
    try:
        jetstream = connection.jetstream()
        await jetstream.delete_msg(stream, 4)
        outcome = await found(exchange)
        assert outcome.found == {"message": 1}
        assert outcome.breaks[0].right.value is None
        await jetstream.purge_stream(stream, seq=10)
        outcome = await found(exchange)
        assert outcome.found == {"message": 1}
        await jetstream.delete_stream(stream)
        async with asyncio.timeout(FOUND_SECONDS):
            while (await found(exchange)).breaks:
                await asyncio.sleep(0.1)
    finally:
        await connection.close()


async def test_a_journal_that_svc_match_does_not_start_on_is_found(exchange: Exchange) -> None:
    """Where a damaged row keeps a shard from coming back, the row is named, though the shard cannot be reached."""
    with exchange.database() as database:
        with crashing(exchange, database, "svc_match-0"):
            table, where, change, _ = PLANTS["an event in the journal is changed"]
            planted = plant(database, table, f"shard = 0 AND {where}", change)
        try:
            outcome = await found(exchange)
        finally:
            planted.heal()
    assert outcome.found.keys() == {"row"}
    assert {each.shard for each in outcome.breaks} == {0}
    await wait_settled(exchange.home, SETTLE_SECONDS)
    assert (await found(exchange)).breaks == ()


async def test_streams_are_rebuilt_when_nats_has_lost_its_disk(exchange: Exchange) -> None:
    """Order entry goes on meanwhile; afterwards both streams have all of the journal again, from its first message."""
    account = await exchange.join()
    pid = exchange.pid("nats")
    os.kill(pid, signal.SIGSTOP)
    shutil.rmtree(exchange.home / "nats" / "streams")
    async with exchange.broker(account.split("/")[0]) as broker:
        placed = await broker.submit_many([Place(account, symbol, Side.BUY, 5, 90 * UNIT) for symbol in SYMBOLS])
        os.kill(pid, signal.SIGKILL)
        placed += await broker.submit_many([Place(account, symbol, Side.SELL, 5, 250 * UNIT) for symbol in SYMBOLS])
    assert {result.outcome for result in placed} == {Outcome.ACCEPTED}
    await wait_settled(exchange.home, SETTLE_SECONDS)
    assert (await found(exchange)).breaks == ()


async def test_it_is_clean_over_a_change_of_date(exchange: Exchange) -> None:
    """Halted, closed and opened on another date: open orders are done, their holds released, and all agree on it."""
    async with exchange.operator() as operator:
        await operator.set_phase(market_pb2.PHASE_HALTED)
        await operator.close_date(TRADING_DATE)
        outcome = await found(exchange)
        assert (outcome.breaks, outcome.counts["holds"], outcome.counts["levels"]) == ((), 0, 0)
        await operator.open_date(TRADING_DATE + 1)
        await operator.set_phase(market_pb2.PHASE_OPEN)
    account = await exchange.join()
    async with exchange.broker(account.split("/")[0]) as broker:
        placed = await broker.submit_many([Place(account, symbol, Side.BUY, 5, 90 * UNIT) for symbol in SYMBOLS])
    outcome = await found(exchange)
    assert {result.outcome for result in placed} == {Outcome.ACCEPTED}
    assert (outcome.breaks, outcome.counts["holds"], outcome.counts["levels"]) == ((), 2, 2)


async def test_settlement_that_has_stopped_is_found(exchange: Exchange) -> None:
    """What svc_ledger cannot settle stops its shard; that is told, with how far it came. (The last test: nothing heals it.)"""
    account = await exchange.join()
    async with exchange.broker(account.split("/")[0]) as broker:
        placed = await broker.place(account, "ACME", Side.BUY, 5, 90 * UNIT)
        await wait_settled(exchange.home, SETTLE_SECONDS)
        with exchange.database() as database:
            plant(database, "svc_ledger.holds", f"order_id = {placed.order_id}", "")
        await broker.cancel(account, placed.order_id)
    outcome = await found(exchange)
    assert outcome.found.keys() == {"settlement", "cursor", "hold", "pending"}
    told = {each.kind: each for each in outcome.breaks}
    assert told["settlement"].left.value
    assert told["cursor"].right.source == "ledger"
    assert told["hold"].where == {"order_id": placed.order_id}
