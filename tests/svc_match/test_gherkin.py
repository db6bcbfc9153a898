"""The feature files of MultiBit's order book, all of their steps. Prices with more than four decimals are passed over, as a whole
scenario."""

import re
from decimal import Decimal

import pytest

from svc_match.core import commands, events
from tests.gherkin import Scenario, Step, all_of
from tests.svc_match.transcript import Desk

MULTIBIT = ("OrderBook.LimitOrder.Matching", "OrderBook.MarketOrder.Matching", "Exchange.Quote")


class MultiBit:
    """Orders, trades and the book in the words of MultiBit's features. A market buy is bounded by a high price."""

    def __init__(self) -> None:
        self.desk = Desk()
        for line in ("add ACME tick=0.0001 max=10000", "date 20260105", "phase ACME open"):
            self.desk.say(line)
        self.trades: list[tuple[str, str, int, Decimal]] = []
        self.numbers = iter(range(1, 1000))

    def run(self, step: Step) -> None:
        if step.text.startswith("the following orders are submitted"):
            self.trades = [trade for row in step.table() for trade in self._submit(row)]
        elif step.text == "no trades are generated":
            assert self.trades == []
        elif step.text.startswith("the following trades are generated"):
            wanted = [
                (r["Buying broker"], r["Selling broker"], int(r["Qty"]), Decimal(r["Price"])) for r in step.table()
            ]
            assert self.trades == wanted
        elif step.text.startswith("market order book looks like"):
            assert [self._side(1), self._side(2)] == _book(step.rows[1:])
        else:
            assert step.text.startswith("the quote looks like")
            (row,) = step.table()
            (bid, *_), (ask, *_) = self._side(1), self._side(2)
            assert [bid[2], ask[2], ask[2] - bid[2]] == [Decimal(row[name]) for name in ("Bid", "Ask", "Spread")]

    def _submit(self, row: dict[str, str]) -> list[tuple[str, str, int, Decimal]]:
        price, side = row["Price"], row["Side"].lower()
        words = ("9999 market" if side == "buy" else "market") if price == "M" else price
        command = self.desk.command(f"{row['Broker']} {side} o{next(self.numbers)} {row['Qty']} ACME {words}")
        trades = []
        for event in self.desk.engine.apply([command], 1).events:
            if isinstance(event, events.Traded):
                buyer, seller = event.taker_account, event.maker_account
                if event.taker_side == commands.Side.SELL:
                    buyer, seller = seller, buyer
                trades.append((buyer, seller, event.quantity, Decimal(event.price_e4) / 10_000))
        return trades

    def _side(self, side: int) -> list[tuple[str, int, Decimal]]:
        return [
            (account, quantity, Decimal(price_e4) / 10_000)
            for price_e4, _, quantity, account in self.desk.engine.books["ACME"].standing(side)
        ]


def _book(rows: list[list[str]]) -> list[list[tuple[str, int, Decimal]]]:
    bids = [(broker, int(quantity), Decimal(price)) for broker, quantity, price, *_ in rows if broker]
    asks = [(broker, int(quantity), Decimal(price)) for *_, price, quantity, broker in rows if broker]
    return [bids, asks]


@pytest.mark.parametrize("scenario", all_of(*MULTIBIT))
def test_multibit(scenario: Scenario) -> None:
    """MultiBit's trades, books and quotes come out."""
    text = " ".join(
        [step.text for step in scenario.steps] + [cell for s in scenario.steps for row in s.rows for cell in row]
    )
    if re.search(r"\d\.\d{5,}", text):
        pytest.skip("a price is finer than 1/10 000, the unit of all prices")
    market = MultiBit()
    for step in scenario.steps:
        market.run(step)
