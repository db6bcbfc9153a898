"""Waiting until every consumer has what the journal has."""

import asyncio
import time
from pathlib import Path

import grpc

from bourse.ledger.v1 import ledger_pb2
from bourse.match.v1 import match_pb2
from bourse.order.v1 import order_pb2
from bourse.quote.v1 import quote_pb2
from bourse.types.v1 import market_pb2
from cli.reconcile.sources import POLL_SECONDS, TRANSIENT, Sources, Unreachable, addresses

WAIT_SECONDS = 2.0


async def wait_settled(home: Path, timeout: float) -> dict[int, int]:
    """Waits until every consumer has what each shard has now, and returns these sequences. Raises TimeoutError."""
    async with Sources(addresses(home)) as sources:
        deadline = time.monotonic() + timeout
        sequences = {shard: (await state(sources, shard, deadline)).sequence for shard in sources.shards}
        if behind := await lagging(sources, sequences, deadline):
            raise TimeoutError(f"not settled within {timeout:g} s: {', '.join(behind)} did not reach {sequences}")
        return sequences


class Stopped(Exception):
    """What is behind stays there: nobody goes on before somebody has put it right."""


async def symbols(sources: Sources) -> dict[str, int]:
    """The shard of each instrument."""
    request = match_pb2.ListInstrumentsRequest()
    lists = {shard: await match.ListInstruments(request) for shard, match in sources.match.items()}
    return {entry.instrument.symbol: shard for shard, found in lists.items() for entry in found.instruments}


async def state(sources: Sources, shard: int, deadline: float) -> match_pb2.GetShardResponse:
    """The shard's state; a shard that is being restarted is waited for."""
    while True:
        try:
            return await sources.match[shard].GetShard(match_pb2.GetShardRequest())
        except grpc.aio.AioRpcError as error:
            if error.code() not in TRANSIENT or time.monotonic() > deadline:
                raise Unreachable(f"svc_match-{shard}: {error.code().name} {error.details()}") from error
        await asyncio.sleep(POLL_SECONDS)


async def lagging(sources: Sources, sequences: dict[int, int], deadline: float) -> list[str]:
    """Waits for every consumer to be at `sequences`, and names those that were not there in time, or have stopped before."""
    has = {"svc_ledger": _ledger_has, "svc_order": _history_has, "svc_quote": _quotes_have, "JetStream": _published}
    stopped = []
    while True:
        behind = []
        for name, reached in has.items():
            try:
                if not await reached(sources, sequences):
                    behind.append(name)
            except Stopped:
                stopped.append(name)
            except grpc.aio.AioRpcError as error:
                if error.code() not in TRANSIENT:
                    raise
                behind.append(name)
        if not behind or time.monotonic() > deadline:
            return stopped + behind
        has = {name: has[name] for name in behind}
        await asyncio.sleep(POLL_SECONDS)


async def _ledger_has(sources: Sources, sequences: dict[int, int]) -> bool:
    settlement = await sources.ledger.GetSettlement(ledger_pb2.GetSettlementRequest())
    found = {shard.position.shard: shard for shard in settlement.shards}
    behind = [shard for shard, at in sequences.items() if shard not in found or found[shard].position.sequence < at]
    if any(shard in found and found[shard].HasField("stopped") for shard in behind):
        raise Stopped
    return not behind


async def _history_has(sources: Sources, sequences: dict[int, int]) -> bool:
    positions = [market_pb2.ShardSequence(shard=shard, sequence=sequence) for shard, sequence in sequences.items()]
    request = order_pb2.ListOrdersRequest(page_size=1, min_sequences=positions)
    await sources.order.ListOrders(request, timeout=WAIT_SECONDS)
    return True


async def _quotes_have(sources: Sources, sequences: dict[int, int]) -> bool:
    """Asks for one instrument of each shard; a shard without one has no quotes."""
    for symbol, shard in {shard: (symbol, shard) for symbol, shard in (await symbols(sources)).items()}.values():
        request = quote_pb2.GetTopOfBookRequest(symbol=symbol, min_sequence=sequences[shard])
        await sources.quote.GetTopOfBook(request, timeout=WAIT_SECONDS)
    return True


async def _published(sources: Sources, sequences: dict[int, int]) -> bool:
    states = [await sources.match[shard].GetShard(match_pb2.GetShardRequest()) for shard in sequences]
    return all(found.published_sequence >= sequences[found.shard] for found in states)
