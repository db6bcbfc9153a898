"""The auctions that open and close the session, in all instruments: whatever stands takes part, and two orders that surely meet."""

from collections.abc import Mapping, Sequence

from bourse.types.v1 import market_pb2
from bourse_sdk.commands import Place, Side, TimeInForce
from bourse_sdk.operator import Operator
from cli.clients import broker
from cli.demo.agents import Agent, to_tick
from cli.demo.trading import Tally, enter
from cli.machine import Machine

SHARES = 1_000
AWAY = 100  # The limits are this part of the fair price away from it.


async def auction(
    machine: Machine,
    staff: Operator,
    agents: Sequence[Agent],
    fair_e4: Mapping[str, int],
    tally: Tally,
    kind: market_pb2.AuctionKind,
) -> None:
    """An opening auction ends in continuous trading, a closing one with it."""
    await staff.set_phase(market_pb2.PHASE_AUCTION, auction=kind)
    for agent, side, away in ((agents[0], Side.BUY, AWAY), (agents[1], Side.SELL, -AWAY)):
        orders = [
            Place(
                agent.account,
                symbol,
                side,
                SHARES,
                to_tick(fair + fair // away),
                time_in_force=TimeInForce.GOOD_FOR_AUCTION,
            )
            for symbol, fair in fair_e4.items()
        ]
        async with broker(machine, agent.name) as client:
            await enter(client, orders, tally)
    opens = kind == market_pb2.AUCTION_KIND_OPENING
    await staff.set_phase(market_pb2.PHASE_OPEN if opens else market_pb2.PHASE_CLOSED)
