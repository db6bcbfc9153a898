"""svc_quote behind a real svc_match: both always know the same book."""

import random
from pathlib import Path
from typing import Any

from bourse.match.v1 import match_pb2
from bourse.quote.v1 import quote_pb2
from bourse.types.v1 import market_pb2
from cli.machine import Machine
from tests.servers import Database, NatsServer
from tests.svc_match.shard import Process, place, running
from tests.svc_quote.exchange import Quote, environment, levels

SYMBOLS = ("ACME", "BETA")
SIDES = (market_pb2.SIDE_BUY, market_pb2.SIDE_SELL)


async def test_books_and_tape_of_a_real_shard(
    machine: Machine, postgres: Database, nats: NatsServer, tmp_path: Path
) -> None:
    """Books and trades are svc_match's own, over kills of svc_quote and of svc_match."""
    chooser = random.Random(9)
    async with running(machine, postgres, nats_url=nats.url("svc_match")) as match:
        await match.open(*SYMBOLS)
        identity = {
            "jwks": str(machine.credentials.key_set),
            "token_file": str(machine.credentials.token_file("svc_quote")),
        }
        variables = environment(postgres, nats, {0: match.address}, **identity, checkpoint_seconds="0.05")
        quote = Quote(variables, match.token("operator", "operator"), tmp_path / "svc_quote.log")
        try:
            await quote.start()
            await trade(match, chooser)
            await assert_same(match, quote)
            await quote.kill()
            await trade(match, chooser)
            await quote.start()
            await assert_same(match, quote)
            match.kill()
            await match.start()
            await trade(match, chooser)
            await assert_same(match, quote)
            assert await quote.stop() == 0
        finally:
            await quote.end()


async def trade(match: Process, chooser: random.Random) -> None:
    """A few batches of orders that rest and trade."""
    for _ in range(10):
        orders = [
            place(
                chooser.choice(SYMBOLS),
                chooser.choice(SIDES),
                100 * chooser.randrange(90, 110),
                chooser.randrange(1, 50),
            )
            for _ in range(40)
        ]
        await match.submit(*orders)


async def assert_same(match: Process, quote: Quote) -> None:
    await quote.ready()
    sequence = (await match.state()).sequence
    for symbol in SYMBOLS:
        wanted = await match.operator.GetDepth(match_pb2.GetDepthRequest(symbol=symbol))
        request = quote_pb2.GetDepthRequest(symbol=symbol, levels=1000, min_sequence=sequence)
        shown = await quote.stub.GetDepth(request, timeout=10)
        assert levels(shown.bids) == levels(wanted.bids)
        assert levels(shown.asks) == levels(wanted.asks)
        assert shown.position.symbol_sequence == wanted.symbol_sequence
    made = [
        (at, event.trade.symbol, event.trade.price_e4, event.trade.quantity, event.trade.taker_side)
        for at, event in enumerate(await match.executions(1, sequence), 1)
        if event.HasField("trade")
    ]
    assert (
        sorted(each for part in await quote.export() for each in map(row, part.trades) if each[0] <= sequence) == made
    )


def row(entry: quote_pb2.ExportedTrade) -> tuple[Any, ...]:
    made = entry.trade
    return made.sequence, entry.symbol, made.price_e4, made.quantity, made.taker_side
