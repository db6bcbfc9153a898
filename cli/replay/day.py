"""A recorded day: the file's rows as commands, and what must come of them. docs/replay.md describes the format.

The commands of a row can depend on what has traded before it: a reduction by all that is open ends the order. So the rows
go through a plain book of their own, which also says how many fills and shares there must be.
"""

import math
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import date
from enum import Enum

from bourse_sdk.money import INT64_MAX, e4

FIELDS = ("ordtype", "uid", "is_buy", "qty", "price", "timestamp")
SEPARATOR = ";"
FILE_BYTES_LIMIT = 256 << 20
QUANTITY_LIMIT = 10**12
PRICE_E4_LIMIT = 10**13
TICK_SIZE_E4_LIMIT = 10**7
TOTAL_LIMIT = INT64_MAX // 2  # Of money, and of shares: fees, and what accounts have already, fit beside it.
FIRST_YEAR = 1970


class FileError(Exception):
    """`line:column: what is wrong`."""

    def __init__(self, line: int, column: int, message: str) -> None:
        super().__init__(f"{line}:{column}: {message}")


class Action(Enum):
    """What is sent for a row."""

    PLACE = "place"
    CANCEL = "cancel"
    REDUCE = "reduce"  # Sent as a replace with less quantity.
    END = "end"  # A reduction by all that is open, sent as a cancel.


@dataclass(frozen=True, slots=True)
class Step:
    """One row as a command. `quantity` is the order's total after it; `expected` what the answer must say."""

    line: int
    action: Action
    uid: int
    buy: bool
    price_e4: int
    quantity: int
    expected: int


@dataclass(slots=True)
class Day:
    """All steps, in the file's order, and what must come of them. `date` is that of the first row, as yyyymmdd."""

    date: int = 0
    steps: list[Step] = field(default_factory=list)
    placed: dict[int, int] = field(default_factory=dict)
    fills: int = 0
    shares: int = 0
    open_orders: int = 0

    @property
    def tick_size_e4(self) -> int:
        """The largest that an instrument can have, of which every price is a multiple."""
        return math.gcd(TICK_SIZE_E4_LIMIT, *(step.price_e4 for step in self.steps if step.action is Action.PLACE))

    @property
    def highest_price_e4(self) -> int:
        return max(step.price_e4 for step in self.steps)

    @property
    def largest_quantity(self) -> int:
        return max(step.quantity for step in self.steps)


@dataclass(slots=True)
class Resting:
    """An order as the plain book has it: `total` is what was ordered less what was taken back."""

    uid: int
    buy: bool
    price_e4: int
    total: int
    open: int


class PlainBook:
    """Price and time, and nothing else."""

    def __init__(self) -> None:
        self.orders: dict[int, Resting] = {}
        self._levels: dict[bool, dict[int, deque[Resting]]] = {True: {}, False: {}}
        self.fills = 0
        self.shares = 0

    def place(self, order: Resting) -> None:
        against = self._levels[not order.buy]
        while order.open and against:
            best = min(against) if order.buy else max(against)
            if (best > order.price_e4) if order.buy else (best < order.price_e4):
                break
            self._trade(order, against[best][0])
            if not against[best][0].open:
                self.remove(against[best][0])
        self.orders[order.uid] = order
        if order.open:
            self._levels[order.buy].setdefault(order.price_e4, deque()).append(order)

    def remove(self, order: Resting) -> None:
        level = self._levels[order.buy][order.price_e4]
        level.remove(order)
        if not level:
            del self._levels[order.buy][order.price_e4]

    def _trade(self, taker: Resting, maker: Resting) -> None:
        quantity = min(taker.open, maker.open)
        taker.open -= quantity
        maker.open -= quantity
        self.fills += 1
        self.shares += quantity


def read_day(data: bytes) -> Day:
    """The day in a file. Raises FileError."""
    day, book = Day(), PlainBook()
    totals = {True: 0, False: 0}  # What the buys could cost, and the shares of all sells.
    for line, values, columns in _rows(data):
        row = _Row(line, values, columns)
        at = row.date()
        day.date = day.date or at
        step = _step(row, book, day.placed)
        day.steps.append(step)
        if step.action is Action.PLACE:
            cost = step.price_e4 * step.quantity
            totals[step.buy] += cost if step.buy else step.quantity
            if max(cost, totals[step.buy]) > TOTAL_LIMIT:
                raise row.error("qty", "this order, or all of its side so far, is worth more than an account can hold")
    if not day.steps:
        raise FileError(2, 1, "there is no row")
    day.fills, day.shares = book.fills, book.shares
    day.open_orders = sum(1 for order in book.orders.values() if order.open)
    return day


def _step(row: "_Row", book: PlainBook, placed: dict[int, int]) -> Step:
    kind, uid, quantity = row.kind(), row.integer("uid", 2**63 - 1), row.integer("qty", QUANTITY_LIMIT)
    if kind == "new":
        if uid in placed:
            raise row.error("uid", f"order {uid} was placed in line {placed[uid]} already")
        placed[uid] = row.line
        order = Resting(uid, row.side(), row.price_e4(), quantity, quantity)
        book.place(order)
        return Step(row.line, Action.PLACE, uid, order.buy, order.price_e4, quantity, quantity)
    if uid not in placed:
        raise row.error("uid", f"order {uid} was not placed before")
    order = book.orders[uid]
    if kind == "cancel" or quantity >= order.open:
        if order.open:
            book.remove(order)
        order.total, order.open = order.total - order.open, 0
        action = Action.CANCEL if kind == "cancel" else Action.END
        return Step(row.line, action, uid, order.buy, order.price_e4, order.total, quantity)
    order.total -= quantity
    order.open -= quantity
    return Step(row.line, Action.REDUCE, uid, order.buy, order.price_e4, order.total, order.open)


@dataclass(frozen=True, slots=True)
class _Row:
    line: int
    values: dict[str, str]
    columns: dict[str, int]

    def kind(self) -> str:
        if self.values["ordtype"] not in ("new", "cancel", "modif"):
            raise self.error("ordtype", f"{self.values['ordtype']!r} is none of new, cancel and modif")
        return self.values["ordtype"]

    def side(self) -> bool:
        if self.values["is_buy"] not in ("True", "False"):
            raise self.error("is_buy", f"{self.values['is_buy']!r} is neither True nor False")
        return self.values["is_buy"] == "True"

    def integer(self, name: str, limit: int) -> int:
        text = self.values[name]
        if not (text.isascii() and text.isdigit() and 0 < int(text[:20]) <= limit):
            raise self.error(name, f"{text!r} is no whole number from 1 to {limit}")
        return int(text)

    def price_e4(self) -> int:
        try:
            price = e4(self.values["price"])
        except ValueError as error:
            raise self.error("price", str(error)) from None
        if not 0 < price <= PRICE_E4_LIMIT:
            raise self.error("price", f"{self.values['price']!r} is out of range")
        return price

    def date(self) -> int:
        text = self.values["timestamp"][:10]
        try:
            found = date.fromisoformat(text)
        except ValueError:
            found = date.min
        if found.year < FIRST_YEAR or found.isoformat() != text:
            said = f"{self.values['timestamp']!r} does not begin with a day as yyyy-mm-dd, from {FIRST_YEAR} on"
            raise self.error("timestamp", said)
        return found.year * 10_000 + found.month * 100 + found.day

    def error(self, name: str, message: str) -> FileError:
        return FileError(self.line, self.columns[name], f"{name}: {message}")


def _rows(data: bytes) -> Iterator[tuple[int, dict[str, str], dict[str, int]]]:
    """Each row behind the head: its line, and its values and columns by name."""
    if len(data) > FILE_BYTES_LIMIT:
        raise FileError(1, 1, f"the file is larger than {FILE_BYTES_LIMIT} bytes")
    try:
        lines = data.decode("utf-8-sig").splitlines()
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise FileError(line, error.start - data.rfind(b"\n", 0, error.start), "this is not UTF-8") from None
    head = lines[0].split(SEPARATOR) if lines else []
    if tuple(head) != FIELDS:
        raise FileError(1, 1, f"the head must be {SEPARATOR.join(FIELDS)}")
    for number, text in enumerate(lines[1:], 2):
        values = text.split(SEPARATOR)
        if len(values) != len(FIELDS):
            raise FileError(number, len(text) + 1, f"{len(values)} values where {len(FIELDS)} are needed")
        columns, column = {}, 1
        for name, value in zip(FIELDS, values, strict=True):
            columns[name] = column
            column += len(value) + 1
        yield number, dict(zip(FIELDS, values, strict=True)), columns
