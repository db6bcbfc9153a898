"""The feature files of MultiBit's order book and of exchange-core, as far as they name rules of the core.

Prices with more than four decimals, balances and accounts' order lists are not the core's, and are passed over.
"""

import re
from collections.abc import Iterator
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest

from svc_match.core import commands, events
from tests.svc_match.transcript import Desk

FOLDER = Path(__file__).parents[3] / "shared" / "data" / "gherkin"
MULTIBIT = ("OrderBook.LimitOrder.Matching", "OrderBook.MarketOrder.Matching", "Exchange.Quote")
Table = list[dict[str, str]]


class Step(NamedTuple):
    """A step and the rows of its table, heading first."""

    text: str
    rows: list[list[str]]

    def table(self) -> Table:
        return [dict(zip(self.rows[0], row, strict=True)) for row in self.rows[1:]]


class Scenario(NamedTuple):
    """A scenario with its background's steps before its own."""

    name: str
    steps: list[Step]


def scenarios(path: Path) -> Iterator[Scenario]:
    """The scenarios of a feature file; an outline gives one for each example."""
    background: list[Step] = []
    for block in re.split(r"(?m)^\s*(?=Background:|Scenario:|Scenario Outline:)", path.read_text("utf-8"))[1:]:
        head, _, body = block.partition("\n")
        body, _, examples = re.sub(r"(?m)^\s*@.*$", "", body).partition("Examples:")
        if head.startswith("Background"):
            background = steps(body)
            continue
        name = head.partition(":")[2].strip()
        (heading, *rows) = cells(examples) if examples else [[], []]
        for row in rows:
            filled = body
            for key, value in zip(heading, row, strict=True):
                filled = filled.replace(f"<{key}>", value)
            yield Scenario(f"{name} {' '.join(row[:1])}".strip(), background + steps(filled))


def steps(body: str) -> list[Step]:
    found: list[Step] = []
    for line in body.splitlines():
        text = line.strip()
        if text.startswith("|"):
            found[-1].rows.append(cells(text)[0])
        elif re.match(r"(Given|When|Then|And) ", text):
            found.append(Step(text.split(" ", 1)[1], []))
    return found


def cells(text: str) -> list[list[str]]:
    lines = [line.strip() for line in text.splitlines() if line.strip().startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines]


def all_of(*names: str) -> list[object]:
    if not FOLDER.is_dir():
        return [pytest.param(None, marks=pytest.mark.skip(reason=f"{FOLDER} is not here"))]
    found = [(name, scenario) for name in names for scenario in scenarios(FOLDER / f"{name}.feature")]
    return [pytest.param(scenario, id=f"{name}: {scenario.name}"[:90]) for name, scenario in found]


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


class ExchangeCore:
    """Orders, moves and books in the words of exchange-core's features. A reserve price is the price of the hold."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.numbers = iter(range(1, 1000))
        self.happened: list[events.Event] = []
        self.orders: dict[str, str] = {}
        for line in ("date 20260105", *(f"add {s} tick=0.0001" for s in ("EURUSD", "ETHXBT")), "phase all open"):
            self.desk.say(line)

    def run(self, text: str, rows: list[list[str]]) -> bool:
        """Does what the step says; False when the core has no such rule."""
        for pattern, act in (
            (
                r"A client (\w+) places an (ASK|BID) order (\d+) at (\d+)@(\d+) \(type: (\w+), symbol: (\w+)",
                self._place,
            ),
            (r"A client (\w+) moves a price to (\d+) of the order (\d+)$", self._move),
            (r"A client (\w+) could not move a price to (\d+) of the order (\d+)", self._cannot_move),
            (r"A client (\w+) cancels the remaining size (\d+) of the order (\d+)", self._cancel),
            (r"The order (\d+) is (fully|partially) matched. LastPx: (\d+), LastQty: (\d+)", self._matched),
            (r"(No) trade events", lambda _: self._no_trades()),
        ):
            match = re.match(pattern, text)
            if match:
                reserve = re.search(r"reservePrice: (\d+)", text)
                self.reserve = reserve[1] if reserve else "0"
                act(match)
                return True
        match = re.match(r"An (\w+) order book is", text)
        if match:
            self._book(match[1].replace("_", ""), rows)
        return bool(match)

    def _say(self, line: str) -> None:
        command = self.desk.command(line)
        self.happened = self.desk.engine.apply([command], 1).events

    def _place(self, match: re.Match[str]) -> None:
        client, side, number, price, quantity, kind, symbol = match.groups()
        words = "ioc" if kind == "IOC" else ""
        verb, held = ("buy", f" held={e4(self.reserve)}") if side == "BID" else ("sell", "")
        self._say(f"{client} {verb} {number} {quantity} {symbol.replace('_', '')} {e4(price)} {words}{held}")
        assert isinstance(self.happened[0], events.Accepted)
        self.orders[number] = quantity

    def _move(self, match: re.Match[str]) -> None:
        client, price, number = match.groups()
        self._say(f"{client} replace m{next(self.numbers)} {number} {self.orders[number]} {e4(price)}")
        assert isinstance(self.happened[0], events.Replaced)

    def _cannot_move(self, match: re.Match[str]) -> None:
        client, price, number = match.groups()
        self._say(f"{client} replace m{next(self.numbers)} {number} {self.orders[number]} {e4(price)}")
        (rejected,) = self.happened
        assert isinstance(rejected, events.Rejected)
        assert rejected.reason == events.Reason.HOLD_TOO_SMALL

    def _cancel(self, match: re.Match[str]) -> None:
        client, size, number = match.groups()
        self._say(f"{client} cancel c{next(self.numbers)} {number}")
        (done,) = self.happened
        assert isinstance(done, events.Done)
        assert done.cancelled_quantity == int(size)

    def _matched(self, match: re.Match[str]) -> None:
        _, how, price, quantity = match.groups()
        (trade,) = [event for event in self.happened if isinstance(event, events.Traded)]
        assert (trade.price_e4, trade.quantity) == (int(price), int(quantity))
        assert (trade.maker_open == 0) == (how == "fully")

    def _no_trades(self) -> None:
        assert not any(isinstance(event, events.Traded) for event in self.happened)

    def _book(self, symbol: str, rows: list[list[str]]) -> None:
        wanted = [(bid, price, ask) for bid, price, ask in rows if bid != "bid"]
        book = self.desk.engine.books[symbol]
        asks, bids = book.depth(2, 100), book.depth(1, 100)
        shown = [("", str(price), str(quantity)) for price, quantity, _ in reversed(asks)]
        shown += [(str(quantity), str(price), "") for price, quantity, _ in bids]
        assert shown == wanted


def e4(text: str) -> str:
    """An integer price of the features as 1/10 000."""
    return f"{int(text) // 10_000}.{int(text) % 10_000:04}"


@pytest.mark.parametrize("scenario", all_of("exchange_core_basic", "exchange_core_risk"))
def test_exchange_core(scenario: Scenario) -> None:
    """exchange-core's trades, books, moves and cancels come out; what is the ledger's is its tests' matter."""
    market = ExchangeCore()
    done = [market.run(step.text, step.rows) for step in scenario.steps]
    assert any(done)
