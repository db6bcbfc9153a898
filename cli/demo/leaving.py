"""A client that places orders and is gone: they end without it, while the others trade."""

from collections.abc import Iterable

from bourse_sdk.commands import OrderType, Place, Side
from cli.clients import broker
from cli.demo.agents import TICK_E4, Agent
from cli.demo.trading import Tally, enter
from cli.machine import Machine

LEASE_SECONDS = 2.0


async def leave(machine: Machine, agent: Agent, symbols: Iterable[str], tally: Tally) -> None:
    """A stop order in each instrument, so low that no trade reaches it; they stand by a lease that is not renewed any more."""
    orders = [
        Place(agent.account, symbol, Side.SELL, 10, 0, type=OrderType.STOP, stop_price_e4=TICK_E4) for symbol in symbols
    ]
    async with broker(machine, agent.name, cancel_on_disconnect_seconds=LEASE_SECONDS) as client:
        await enter(client, orders, tally)
