"""What dies, dies while orders go in: nothing acknowledged is lost or done twice, and everything reconciles."""

import asyncio
import json
import os
import shutil
import signal
import subprocess
import sys
from collections.abc import Awaitable, Callable, Container, Iterator
from pathlib import Path
from random import Random

import pytest

from bourse.match.v1 import events_pb2, match_pb2
from bourse.order.v1 import order_pb2
from bourse_sdk import Cancel, Client, Operator, Place, Side
from bourse_sdk.commands import CommandResult, Outcome
from chassis.units import shard_of
from cli import clients
from cli.audit import Acknowledgement, Audit
from cli.reconcile.run import reconcile
from cli.reconcile.settled import wait_settled
from svc_match.core import snapshot
from svc_match.core.engine import Engine
from svc_match.wire.rows import items
from tests.exchange import SYMBOLS, Exchange, running_exchange

RECORDED = Path(__file__).parents[2] / "shared" / "data" / "bme" / "orders-ana-2019-5-23.csv"
VICTIMS = "svc_order,svc_match-0,svc_ledger,svc_ledger,svc_quote,nats,postgres"
SEED = 7
BATCHES, BATCH = 60, 20
SETTLE_SECONDS = 180.0
TRADING_SECONDS = 300.0
LEASE_SECONDS, OUTAGE_SECONDS = 4.0, 24.0  # of one that is gone, and of one that waits for svc_order
PRICE_E4, TICK_E4 = 50_0000, 100
OPEN, CANCELLED = order_pb2.ORDER_STATE_OPEN, order_pb2.ORDER_STATE_CANCELLED
NOT_DONE, SESSION_LOST = events_pb2.DONE_REASON_UNSPECIFIED, events_pb2.DONE_REASON_SESSION_LOST


@pytest.fixture(scope="module")
def exchange() -> Iterator[Exchange]:
    """An exchange of this module's own: its processes are killed."""
    with running_exchange() as exchange:
        yield exchange


@pytest.mark.parametrize("victim", ["svc_order", "svc_match-0", "svc_ledger", "svc_quote", "nats", "postgres"])
async def test_kill(exchange: Exchange, victim: str) -> None:
    """Any process may be killed in the middle: every command is answered, once, and the books agree."""
    await trade_through(exchange, lambda: kill(exchange, victim))


async def test_storage_of_nats_lost(exchange: Exchange) -> None:
    """NATS and its disk may be lost: order entry goes on, and the streams are rebuilt from the journal."""

    async def lose() -> None:
        await kill(exchange, "nats")
        shutil.rmtree(exchange.machine.home.nats / "streams")

    await trade_through(exchange, lose)


async def test_a_killed_shard_comes_back_as_it_was(exchange: Exchange) -> None:
    """With orders resting and identities of several members: whatever hash a shard told at a sequence, before a kill -9 or
    after it, is that of the journal up to there; and between the two lie ticks alone, which change nothing but the sequence.
    """
    random, told = Random(SEED), list[dict[int, match_pb2.GetShardResponse]]()
    async with exchange.operator() as operator:
        for account in [await exchange.join() for _ in range(3)]:
            async with exchange.broker(account.partition("/")[0]) as client:
                results = await client.submit_many(orders(account, random))
                await client.submit_many([Cancel(account, result.order_id) for result in results[::5]])
            told.append(await operator.shard_states())
        before = told[-1]
        for shard in before:
            await kill(exchange, f"svc_match-{shard}")
        after = await operator.shard_states()
        while any(after[shard].epoch == before[shard].epoch for shard in before):
            after = await operator.shard_states()
        for shard, state in before.items():
            assert state.open_orders == after[shard].open_orders > 0
            batches = operator.executions(shard, state.sequence + 1, after[shard].sequence)
            events = [event async for batch in batches for event in batch.events]
            assert {event.WhichOneof("event") for event in events} == {"tick"}
    for shard in before:
        hashes = {states[shard].sequence: states[shard].state_hash for states in (*told, after)}
        assert replayed(exchange, shard, hashes) == hashes


async def test_orders_end_with_their_client_not_with_svc_order(exchange: Exchange) -> None:
    """Rule 6.4.3: a client is gone, and svc_order is killed. That client's orders end on both shards, for which no svc_order is
    needed; one that lives renews through the next svc_order and keeps its own, as does who asked for no lease.
    """
    alive, gone = await exchange.join(), await exchange.join()
    async with exchange.operator() as operator, leased(exchange, alive, OUTAGE_SECONDS) as living:
        before = await operator.shard_states()
        async with exchange.broker(gone.partition("/")[0]) as plain, leased(exchange, gone, LEASE_SECONDS) as leaving:
            lost = await leaving.submit_many(one_each(gone))
            stay = [*await plain.submit_many(one_each(gone)), *await living.submit_many(one_each(alive))]
        await kill(exchange, "svc_order")
        killed, seen = await operator.shard_states(), dict[int, int]()
        for shard in killed:
            over, ended = await lease_change(operator, shard, before[shard].sequence + 1, gone, over=True)
            renewed, _ = await lease_change(operator, shard, killed[shard].sequence + 1, alive)
            assert ended == 1
            seen[shard] = max(over + ended, renewed)
        for result in (*lost, *stay):
            order = await operator.get_order(result.order_id, min_sequence=seen[shard_of(result.order_id)])
            why = order.done_reason
            assert (order.state, why) == ((CANCELLED, SESSION_LOST) if result in lost else (OPEN, NOT_DONE))
        assert (await living.mass_cancel(alive)).orders == len(SYMBOLS)
    await wait_settled(exchange.home, SETTLE_SECONDS)
    assert not (await reconcile(exchange.home)).breaks


def leased(exchange: Exchange, account: str, seconds: float) -> Client:
    """A client whose orders end when it is gone for so long."""
    return clients.broker(exchange.machine, account.partition("/")[0], cancel_on_disconnect_seconds=seconds)


def one_each(account: str) -> list[Place]:
    """Orders that stand: nobody sells so low."""
    return [Place(account, symbol, Side.BUY, 1, TICK_E4) for symbol in SYMBOLS]


async def lease_change(
    operator: Operator, shard: int, sequence: int, account: str, *, over: bool = False
) -> tuple[int, int]:
    """The sequence of the next change of the lease of the account's participant, or of its end, and how many orders end by it."""
    async with asyncio.timeout(TRADING_SECONDS):
        async for batch in operator.executions(shard, sequence):
            for number, event in enumerate(batch.events, batch.first_sequence):
                change = event.lease_changed
                changes = number >= sequence and change.participant == account.partition("/")[0]
                if changes and not (over and change.expire_time_us):
                    return number, change.orders
    raise AssertionError("the stream ended")


def replayed(exchange: Exchange, shard: int, sequences: Container[int]) -> dict[int, str]:
    """The hashes at these sequences of a core that takes the journal's commands from the first one on."""
    engine, hashes = Engine(shard), dict[int, str]()
    with exchange.database() as database:
        rows = database.execute(
            "SELECT commands, time_us FROM svc_match.journal WHERE shard = %s ORDER BY first_sequence", [shard]
        )
        for commands, time_us in rows:
            engine.apply([item.command for item in items(commands)], time_us)
            if engine.sequence in sequences:
                hashes[engine.sequence] = snapshot.state_hash(engine).hex()
    return hashes


async def kill(exchange: Exchange, victim: str) -> None:
    os.kill(exchange.pid(victim), signal.SIGKILL)


async def trade_through(exchange: Exchange, incident: Callable[[], Awaitable[None]]) -> None:
    """Trades, has the incident in the middle, and checks every answer against the journal."""
    account, audit = await exchange.join(), Audit()
    async with exchange.broker(account.partition("/")[0]) as client, asyncio.timeout(TRADING_SECONDS):
        told = await session(client, account, incident)
    await wait_settled(exchange.home, SETTLE_SECONDS)
    async with exchange.operator() as operator:
        for shard, state in (await operator.shard_states()).items():
            async for batch in operator.executions(shard, to_sequence=state.sequence):
                audit.fold(batch)
    assert len(told) == BATCHES * BATCH, f"seed {SEED}"
    assert not list(audit.lost(told)), f"seed {SEED}"
    assert not audit.doubled(), f"seed {SEED}"
    assert not (await reconcile(exchange.home)).breaks, f"seed {SEED}"


async def session(client: Client, account: str, incident: Callable[[], Awaitable[None]]) -> list[Acknowledgement]:
    """BATCHES batches of orders, a few under way at a time; all must be accepted."""
    random, told = Random(SEED), list[Acknowledgement]()
    for number in range(0, BATCHES, 4):
        batches = [client.submit_many(orders(account, random)) for _ in range(4)]
        if number == BATCHES // 2 // 4 * 4:
            results, _ = await asyncio.gather(asyncio.gather(*batches), incident())
        else:
            results = await asyncio.gather(*batches)
        told += [acknowledgement(account, result) for batch in results for result in batch]
    return told


def orders(account: str, random: Random) -> list[Place]:
    return [
        Place(
            account,
            random.choice(list(SYMBOLS)),
            random.choice((Side.BUY, Side.SELL)),
            random.randint(1, 9),
            PRICE_E4 + TICK_E4 * random.randint(-3, 3),
        )
        for _ in range(BATCH)
    ]


def acknowledgement(account: str, result: CommandResult) -> Acknowledgement:
    assert result.outcome is Outcome.ACCEPTED, f"seed {SEED}: {result}"
    return Acknowledgement(account, result.client_order_id, result.outcome, shard_of(result.order_id), result.sequence)


def test_recorded_day_over_kills(tmp_path: Path) -> None:
    """A recorded day gives the same figures whoever is killed in the middle, and again: its one session keeps its order."""
    if not RECORDED.exists():
        pytest.skip(f"{RECORDED} is not there")
    report = tmp_path / "report.json"
    words: list[str | Path] = [
        "replay",
        "--own",
        "--home",
        tmp_path / "home",
        "--orders",
        RECORDED,
        "--kill",
        VICTIMS,
        "--report",
        report,
    ]
    done = subprocess.run(
        [sys.executable, "-m", "cli", *words], capture_output=True, text=True, timeout=TRADING_SECONDS
    )
    assert done.returncode == 0, done.stdout + done.stderr
    told = json.loads(report.read_text())
    names = ("fills", "shares", "cancels_with_expected_quantity", "acknowledged_lost", "acknowledged_doubled")
    assert [told[name] for name in (*names, "reconciliation_breaks")] == [996, 54_378, 11_433, 0, 0, 0]
    assert told["restarts"] >= len(VICTIMS.split(","))
