"""What a market order that spends an amount trades, where fees are rounded (rule 3.4)."""

from dataclasses import replace

import pytest

from svc_match.core import commands
from svc_match.core.commands import OrderType, Side, Terms, TimeInForce
from svc_match.core.instrument import Instrument, Phase
from tests.svc_match import twin

DATE, TICK, PRICE_E4, FEE_E6 = 20260105, 5, 106_790, 100
COST_OF_ONE_E4 = PRICE_E4 * (1_000_000 + FEE_E6) // 1_000_000
PLAIN = Instrument("ACME", "EUR", TICK, 1, TICK, 10**9, 10**6, 0, FEE_E6, 0, 0)
BOOKS = {"plain": PLAIN, "guarded": replace(PLAIN, max_notional_e4=10**12)}
STANDING = {"plain": commands.PLAIN, "iceberg": Terms(display_quantity=2), "hidden": Terms(hidden=1)}


def place(
    number: int, side: Side, kind: int, time_in_force: int, quantity: int, amount_e4: int, terms: Terms
) -> commands.Place:
    price_e4 = PRICE_E4 if kind == OrderType.LIMIT else 0
    return commands.Place(
        "p/1", f"o{number}", DATE, number << 64, number.to_bytes(16), 0, number, 1 << 62, 0, FEE_E6, "ACME", side, kind,
        time_in_force, price_e4, quantity, amount_e4, terms, "",
    )  # fmt: skip


def traded(instrument: Instrument, terms: Terms, time_in_force: int, quantity: int, amount_e4: int) -> int:
    """How many shares such a buy trades with an order of four, if it trades all; else 0."""
    pair = twin.Pair()
    pair.apply([commands.AddInstrument(instrument), commands.OpenDate(DATE), commands.SetPhase("", Phase.OPEN)])
    pair.apply(
        [
            place(1, Side.SELL, OrderType.LIMIT, TimeInForce.DAY, 4, 0, terms),
            place(2, Side.BUY, OrderType.MARKET, time_in_force, quantity, amount_e4, commands.PLAIN),
        ]
    )
    found = sum(event.quantity for event in pair.trades)
    return found if found == quantity else 0


@pytest.mark.parametrize("terms", STANDING.values(), ids=STANDING)
@pytest.mark.parametrize("instrument", BOOKS.values(), ids=BOOKS)
def test_fill_or_kill_by_amount_trades_what_would_trade(instrument: Instrument, terms: Terms) -> None:
    """Shares one by one may cost less than at once: an order that may not be filled in part finds that as one that may does."""
    filled = {}
    for quantity in (2, 3, 4):
        least = quantity * COST_OF_ONE_E4
        for amount_e4 in range(least - 2, least + 4):
            found = [
                traded(instrument, terms, time_in_force, quantity, amount_e4)
                for time_in_force in (TimeInForce.FOK, TimeInForce.IOC)
            ]
            assert found[0] == found[1], f"{quantity} for {amount_e4}"
            filled[quantity, amount_e4] = found[0]
    assert filled[2, 2 * COST_OF_ONE_E4] == 2
    assert filled[2, 2 * COST_OF_ONE_E4 - 1] == 0
