"""What is stored, when, and what happens while the store is away."""

import asyncio
from contextlib import suppress

import pytest
from prometheus_client import CollectorRegistry, generate_latest

from chassis.bus import Bus
from chassis.client import channel
from svc_quote import app
from svc_quote.bus import Feed
from svc_quote.core import checkpoint
from svc_quote.metrics import Metrics
from tests.svc_quote.exchange import WAIT_SECONDS, until
from tests.svc_quote.market import Market
from tests.svc_quote.memory import Here


@pytest.fixture
async def here() -> Here:
    """An instrument that has traded; nothing of it is stored."""
    here = Here(Market(["AAA"], seed=31))
    here.market.open()
    here.market.trade_some(50)
    await here.begin()
    await here.apply()
    return here


async def test_a_checkpoint_and_its_trades_are_stored_together(here: Here) -> None:
    """What a restart loads is the state with just the trades of its sequence."""
    for _ in range(5):
        await here.feed()
        here.market.trade_some(10)
        await here.apply()
    loaded = checkpoint.decode(await here.store.load(0) or b"")
    trades = here.store.trades[0, "AAA"]
    assert [entry[:6] for entry in trades] == [
        entry for entry in here.market.naive.trades["AAA"] if entry[0] <= loaded.sequence
    ]
    assert loaded.markets["AAA"].tape.count == len(trades)


async def test_applying_waits_for_a_store_that_is_down(here: Here, monkeypatch: pytest.MonkeyPatch) -> None:
    """Unstored trades are bounded: beyond the limit nothing is applied until the store is back; reads go on."""
    monkeypatch.setattr(app, "UNSTORED_TRADES_LIMIT", 20)
    monkeypatch.setattr(app, "RETRY_SECONDS", 0.01)
    here.store.down = True
    keeping = asyncio.create_task(here.quotes.keep())
    here.market.trade_some(50)
    applying = asyncio.create_task(here.apply())
    done, _ = await asyncio.wait({applying}, timeout=0.1)
    assert not done
    assert here.quotes.now("AAA").shard.sequence == here.market.sequence
    here.store.down = False
    await asyncio.wait_for(applying, WAIT_SECONDS)
    await until(lambda: here.quotes.shards[0].stored_sequence == here.market.sequence)
    keeping.cancel()
    with suppress(asyncio.CancelledError):
        await keeping
    assert [entry[:6] for entry in here.store.trades[0, "AAA"]] == here.market.naive.trades["AAA"]


async def test_a_shard_ahead_of_its_journal_is_dropped(here: Here) -> None:
    """What the journal does not have cannot be true: it is forgotten, here and in the store."""
    await here.feed()
    shard = await here.quotes.begin(0, here.market.incarnation, here.market.sequence - 1)
    assert shard.sequence == 0
    assert not here.store.checkpoints
    assert not here.store.trades
    assert not here.quotes.ready.is_set()


async def test_metrics(here: Here) -> None:
    """Each count and gauge is exposed, with its shard."""
    registry = CollectorRegistry()
    async with channel("127.0.0.1:1") as match:
        feed = Feed(0, here.quotes, Bus("nats://127.0.0.1:1", "test"), match)
        feed.journal_sequence = here.market.sequence + 7
        Metrics(here.quotes, here.fanout, {0: feed}).expose(registry)
        lines = generate_latest(registry).decode().splitlines()
    assert f"quote_events_applied_total {float(sum(here.market.naive.symbol_sequence.values()))}" in lines
    assert 'quote_lag_events{shard="0"} 7.0' in lines
    assert f'quote_sequence{{shard="0"}} {float(here.market.sequence)}' in lines
    assert f'quote_trades_unstored{{shard="0"}} {float(len(here.market.naive.trades["AAA"]))}' in lines
    for name in ("quote_responses_sent_total", "quote_states_conflated_total", "quote_readers_behind_total"):
        assert f"{name} 0.0" in lines
