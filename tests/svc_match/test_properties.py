"""What holds for any commands: seeded random days, each of which prints its seed when it fails."""

import random
from collections.abc import Iterable
from typing import NamedTuple

import pytest

from svc_match.core import commands, events, snapshot
from svc_match.core.book import CLOSE_ORDERS_LIMIT
from svc_match.core.engine import Applied, Engine
from svc_match.core.layout import ORDER_FILLS_LIMIT
from tests.svc_match.invariants import Invariants
from tests.svc_match.transcript import Desk
from tests.svc_match.twin import of_the_date

SEEDS = range(12)
COMMANDS = 400
LAST_DATE = 20260106
SYMBOLS = ("ACME", "BRIO", "CORE")


def day(seed: int) -> list[commands.Command | events.Refused]:
    """A day of two dates with trades, mistakes, repeats and halts. The desk only words the commands."""
    chance, desk = random.Random(seed), Desk()
    lines = [f"add {symbol} tick=0.05 lot={lot}" for symbol, lot in zip(SYMBOLS, (1, 1, 5), strict=True)]
    for date in (20260105, LAST_DATE):
        lines += [
            f"date {date}",
            "phase all open",
            *(line(chance, number) for number in range(COMMANDS)),
            f"close {date}",
        ]
    wanted = []
    for text in lines:
        command = desk.command(text)
        wanted.append(command)
        desk.engine.apply([command], len(wanted))
    return wanted


def line(chance: random.Random, number: int) -> str:
    account = chance.choice(("alice/1", "alice/2", "bob", "carl"))
    own_id = f"i{number if chance.random() < 0.95 else chance.randrange(COMMANDS)}"
    other = f"i{max(0, number - chance.randrange(1, 40))}"
    price = f"{chance.randrange(190, 211) * 5 / 100 + (0.01 if chance.random() < 0.02 else 0):.2f}"
    quantity = chance.choice((5, 10, 15, 100, 7))
    roll = chance.random()
    if roll < 0.01:
        return f"{account} cancel-all {own_id} {chance.choice(('', 'ACME', 'NONE', 'buy', 'wide'))}"
    if roll < 0.15:
        return f"{account} cancel {own_id} {other}"
    if roll < 0.30:
        extra = chance.choice(("", " hold=9 extra=90000000 fee=50"))
        return f"{account} replace {own_id} {other} {quantity} {price}{extra}"
    if roll < 0.31:
        return f"phase {chance.choice(SYMBOLS)} {chance.choice(('halted', 'open', 'open'))}"
    side, symbol = chance.choice(("buy", "sell")), chance.choice(SYMBOLS)
    words = chance.choice(("", "", "", " gtc", f" expires={1 + chance.randrange(2 * COMMANDS)}", " ioc", " fok"))
    if roll < 0.36:
        price = "market" + (f" amount={chance.randrange(1, 2000)}" if side == "buy" else "")
    elif roll < 0.6:
        words = ""
        price += chance.choice(
            (" post=slide", " post=reject", " hidden", " hidden post=slide", " show=5", " show=5 post=slide", " min=10 ioc",
             " to-limit", f" stop={price}", f" stop={price} trigger=quote", f" market stop={price}")
        )  # fmt: skip
        if side == "sell" and ("to-limit" in price or "market" in price):
            price = f"market {price.partition(' ')[2]}"
    if "ioc" not in price and "market" not in price and chance.random() < 0.1:
        words = chance.choice((" gtc", f" expire={LAST_DATE}"))
    if chance.random() < 0.3:
        words += chance.choice((" own=newest", " own=oldest", " own=both", " own=decrement"))
    until = f" until={number}" if chance.random() < 0.02 else ""
    return f"{account} {side} {own_id} {quantity} {symbol} {price}{words}{until}"


def run(core: Engine, batch: list[commands.Command | events.Refused], time_us: int = 1) -> list[Applied]:
    """Applies all of a batch, in as many rows as it takes."""
    rows: list[Applied] = []
    while batch or core.ending:
        rows.append(core.apply(batch, time_us, events_limit=200))
        batch = batch[len(rows[-1].results) :]
    return rows


def told(rows: Iterable[Applied]) -> tuple[list[events.Event], dict[str, list[events.Public]], list[events.Result]]:
    private, public, results = [], {symbol: [] for symbol in SYMBOLS}, []  # type: ignore[var-annotated]
    for row in rows:
        private += row.events
        results += row.results
        for symbol, shown in row.public.items():
            public[symbol] += shown
    return private, public, results


@pytest.mark.parametrize("seed", SEEDS)
def test_events_do_not_depend_on_batches_or_snapshots(seed: int) -> None:
    """Rule 1.1: one batch, single commands, and a start from any snapshot give the same events, results and state hash."""
    wanted = day(seed)
    single, whole, chance = Engine(0), Engine(0), random.Random(seed)
    rows, hashes, identities = [], [], b""
    restored = Engine(0)
    for command in wanted:
        rows += run(single, [command])
        again = run(restored, [command])
        assert again == rows[-len(again) :]
        hashes.append(snapshot.state_hash(single))
        assert snapshot.state_hash(restored) == hashes[-1]
        identities = b"" if isinstance(command, commands.OpenDate) else identities
        identities += again[-1].identities
        if chance.random() < 0.1:
            restored = snapshot.load(snapshot.encode(restored), of_the_date(single))
    assert told(run(whole, wanted)) == told(rows)
    assert snapshot.state_hash(whole) == hashes[-1]
    assert identities == of_the_date(single)


@pytest.mark.parametrize("seed", SEEDS)
def test_invariants(seed: int) -> None:
    """Every invariant holds after each command, and the public levels are the book."""
    core, followed, traded = Engine(0), Invariants(), False
    for time_us, command in enumerate(day(seed), 1):
        for row in run(core, [command], time_us):
            followed.follow(row, ORDER_FILLS_LIMIT)
            traded |= any(isinstance(event, events.Traded) for event in row.events)
        followed.compare(core.numbered)
    assert traded


class Resting(NamedTuple):
    """An order of the twin: `rank` sorts best first."""

    rank: tuple[int, int]
    order_id: int
    quantity: int


@pytest.mark.parametrize("seed", SEEDS)
def test_trades_are_those_of_a_naive_twin(seed: int) -> None:
    """Sorting all orders by price and age before every trade gives the same trades."""
    chance, desk = random.Random(seed), Desk()
    for text in ("add ACME", "date 20260105", "phase ACME open"):
        desk.say(text)
    books: dict[int, list[Resting]] = {1: [], 2: []}
    for number in range(COMMANDS):
        side, price, quantity = chance.choice((1, 2)), chance.randrange(990, 1011), chance.randrange(1, 50)
        word = "buy" if side == 1 else "sell"
        command = desk.command(f"alice {word} i{number} {quantity} ACME {price / 100:.2f}")
        applied = desk.engine.apply([command], number)
        expected = []
        book = books[3 - side]
        for maker in sorted(book, key=lambda resting: resting.rank):
            if quantity and maker.rank[0] <= (price if side == 1 else -price):
                traded = min(quantity, maker.quantity)
                expected.append((maker.order_id, traded))
                quantity -= traded
                book.remove(maker)
                if maker.quantity > traded:
                    book.append(maker._replace(quantity=maker.quantity - traded))
        trades = [(e.maker_order_id, e.quantity) for e in applied.events if isinstance(e, events.Traded)]
        assert trades == expected
        if quantity:
            accepted = applied.events[0]
            assert isinstance(accepted, events.Accepted)
            books[side].append(Resting((price if side == 2 else -price, number), accepted.order_id, quantity))


def test_a_date_closes_in_parts() -> None:
    """Closing ends at most CLOSE_ORDERS_LIMIT orders at a time, until none is open."""
    desk = Desk()
    for text in ("add ACME", "date 20260105", "phase ACME open"):
        desk.say(text)
    count = CLOSE_ORDERS_LIMIT + 1
    desk.engine.apply([desk.command(f"alice buy i{number} 1 ACME 10.00") for number in range(count)], 1, 1 << 30)
    close = desk.command("close 20260105")
    assert desk.engine.apply([close], 2).results == [events.Stands(desk.engine.sequence, more=True)]
    assert desk.engine.open_orders == 1
    assert desk.engine.apply([close], 2).results == [events.Stands(desk.engine.sequence)]
    assert not desk.engine.open_orders
    assert desk.engine.trading_date == 0
