"""One floor for all tests of bad input: two members with orders, and an instrument with wide limits."""

import asyncio
from collections.abc import AsyncIterator, Iterator

import pytest

from bourse.match.v1 import match_pb2
from bourse.types.v1 import command_pb2, market_pb2
from tests.bad_input.desk import HIGHEST_E4, PRICE_E4, WIDE, Desk, Floor, place
from tests.exchange import Exchange, running_exchange

DAY = command_pb2.TIME_IN_FORCE_DAY
SELL = market_pb2.SIDE_SELL


@pytest.fixture(scope="package")
def exchange() -> Iterator[Exchange]:
    """An exchange of its own: what these tests leave in the books would be in others' way."""
    with running_exchange() as exchange:
        yield exchange


@pytest.fixture(scope="package")
def floor(exchange: Exchange) -> Floor:
    """Members and their orders, on the shared exchange."""
    return asyncio.run(laid(exchange))


@pytest.fixture
async def desk(floor: Floor) -> AsyncIterator[Desk]:
    """The member's desk."""
    token = floor.exchange.machine.credentials.issue(floor.participant, "broker", floor.participant)
    desk = Desk(floor.exchange, token)
    yield desk
    await desk.close()


@pytest.fixture
async def staff(floor: Floor) -> AsyncIterator[Desk]:
    """The operator's desk."""
    staff = Desk(floor.exchange, floor.exchange.machine.credentials.issue("operator", "operator"))
    yield staff
    await staff.close()


async def laid(exchange: Exchange) -> Floor:
    account, other = await exchange.join(), await exchange.join()
    credentials = exchange.machine.credentials
    staff = Desk(exchange, credentials.issue("operator", "operator"))
    await staff.match[0].AddInstrument(match_pb2.AddInstrumentRequest(instrument=WIDE), metadata=staff.metadata)
    opened = match_pb2.SetPhaseRequest(symbol=WIDE.symbol, phase=market_pb2.PHASE_OPEN)
    await staff.match[0].SetPhase(opened, metadata=staff.metadata)
    desks = {
        name: Desk(exchange, credentials.issue(name, "broker", name.partition("/")[0])) for name in (account, other)
    }
    mine, theirs = desks[account], desks[other]
    filled, partly, cancelled, resting = await mine.batch(
        place(account, symbol="BRIO", price_e4=PRICE_E4 + 100, quantity=7, time_in_force=DAY, client_order_id="filled"),
        place(account, symbol="BRIO", price_e4=PRICE_E4, quantity=20, time_in_force=DAY, client_order_id="partly"),
        place(account, client_order_id="cancelled"),
        place(account, time_in_force=DAY, client_order_id="resting"),
    )
    _, foreign = await theirs.batch(
        place(other, symbol="BRIO", side=SELL, price_e4=PRICE_E4, quantity=12),
        place(other, side=SELL, price_e4=HIGHEST_E4 - 100, time_in_force=DAY, client_order_id="foreign"),
    )
    for desk in (staff, mine, theirs):
        await desk.close()
    return Floor(exchange, account, other, partly, cancelled, filled, resting, foreign)
