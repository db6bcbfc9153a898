"""Opening a market for a session: members with money and shares, instruments, a trading date, and the phase."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from bourse.types.v1 import market_pb2
from bourse_sdk.client import Client
from bourse_sdk.operator import Operator

CONSISTENT_SECONDS = 20.0
POLL_SECONDS = 0.05


@dataclass(frozen=True, slots=True)
class Endowment:
    """What each account begins with: amounts in 1/10 000 by currency, shares by symbol."""

    accounts: Sequence[str]
    assets: Mapping[str, int]


def today() -> int:
    """The date of now (UTC) as yyyymmdd."""
    return int(datetime.now(UTC).strftime("%Y%m%d"))


async def open_market(
    operator: Operator, instruments: Sequence[market_pb2.Instrument], endowments: Sequence[Endowment], trading_date: int
) -> None:
    """All of it, in order; again it changes nothing. Raises Refusal and Unreachable."""
    await prepare_market(operator, instruments, endowments, trading_date)
    await operator.set_phase(market_pb2.PHASE_OPEN)


async def prepare_market(
    operator: Operator, instruments: Sequence[market_pb2.Instrument], endowments: Sequence[Endowment], trading_date: int
) -> None:
    """All but the phase."""
    for instrument in instruments:
        await operator.add_instrument(instrument)
    for endowment in endowments:
        for account in endowment.accounts:
            await operator.create_participant(account.partition("/")[0])
            await operator.create_account(account)
            for asset, amount in endowment.assets.items():
                await operator.deposit(f"open-{account}-{asset}"[:36], account, asset, amount)
    await operator.open_date(trading_date)


async def seen_open(client: Client, symbols: Sequence[str], trading_date: int) -> None:
    """Waits until market data shows the instruments open on the date. Raises TimeoutError."""
    async with asyncio.timeout(CONSISTENT_SECONDS):
        while True:
            states = {state.instrument.symbol: state for state in await client.instruments()}
            if all(
                symbol in states
                and states[symbol].phase == market_pb2.PHASE_OPEN
                and states[symbol].trading_date == trading_date
                for symbol in symbols
            ):
                return
            await asyncio.sleep(POLL_SECONDS)
