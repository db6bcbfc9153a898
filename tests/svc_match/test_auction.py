"""Auctions hold what they promise, whatever is collected, and however many rows an uncrossing takes."""

import random

import pytest

from bourse.match.v1 import match_pb2
from svc_match.core import commands, events, snapshot
from svc_match.core.engine import Applied, Engine
from svc_match.core.events import DoneReason, Reason, Refused
from svc_match.core.instrument import Phase
from svc_match.core.layout import ORDER_FILLS_LIMIT
from svc_match.core.timers import TimerKind
from svc_match.wire import rows
from svc_match.wire.controls import control
from tests.svc_match.invariants import Invariants
from tests.svc_match.transcript import Desk

SEEDS = range(6)
AUCTIONS = 12
ORDERS = 60
SHORT = 3  # events of a row, but for those that come together
LEVELS = 60
PRICES_LIMIT = 200  # that a row looks at
BOOKS = 45
TERMS = (
    "",
    "",
    "",
    " auction",
    " own=newest",
    " own=oldest auction",
    " own=decrement",
    " own=both",
    " hidden",
    " show=5",
)


def collected(chance: random.Random, number: int) -> str:
    """An order for an auction, which often meets others."""
    account, side = chance.choice(("alice/1", "alice/2", "bob", "carl")), chance.choice(("buy", "sell"))
    quantity, price = chance.choice((5, 10, 10, 40)) + 5, f"{chance.randrange(985, 1016) / 100:.2f}"
    roll = chance.random()
    if roll < 0.15:
        return f"{account} {side} i{number} {quantity} ACME {'market' if side == 'sell' else f'{price} market'}"
    if roll < 0.25:
        return f"{account} {side} i{number} {quantity} ACME {'0.00' if side == 'sell' else price} to-limit"
    if roll < 0.35:
        return f"{account} cancel c{number} i{max(number - chance.randrange(1, 30), 0)}"
    return f"{account} {side} i{number} {quantity} ACME {price}{chance.choice(TERMS)}"


def day(seed: int, events_limit: int) -> tuple[Engine, list[Applied]]:
    """A date of auctions alone, in rows of few events."""
    chance, desk, rows = random.Random(seed), Desk(), []
    lines = ["add ACME tick=0.01", "date 20260105"]
    for number in range(AUCTIONS):
        lines += ["phase ACME auction resumption"]
        lines += [collected(chance, number * ORDERS + order) for order in range(ORDERS)]
        lines += [f"phase ACME {chance.choice(('open', 'open', 'closed'))}"]
    batch = [desk.command(line) for line in [*lines, "close 20260105"]]
    # The desk's own engine says what the last date is; this one does the work.
    core, at = Engine(0), 0
    core.packed.command_limit = events_limit
    batch = [one._replace(trading_date=20260105) if isinstance(one, commands.Order) else one for one in batch]
    while at < len(batch) or core.timers.standing():
        rows.append(core.apply(batch[at:], len(rows), events_limit))
        at += len(rows[-1].results)
        last = rows[-1].results[-1] if rows[-1].results else None
        if isinstance(last, events.Stands) and last.more:
            at -= 1
    return core, rows


@pytest.mark.parametrize("seed", SEEDS)
def test_what_holds_of_any_auction(seed: int) -> None:
    """Every invariant holds, and one price is for all but where orders of one participant met (rule 5.4.5)."""
    core, rows = day(seed, 1 << 20)
    told = [event for row in rows for event in row.events]
    followed = Invariants()
    for row in rows:
        followed.follow(row, ORDER_FILLS_LIMIT)
    followed.compare(core.numbered)
    prices: list[int] = []
    prevented = False
    trades = 0
    for event in told:
        if isinstance(event, events.Restated):
            prevented |= event.reason == events.RestateReason.SELF_TRADE
        elif isinstance(event, events.Traded):
            assert event.auction
            trades += 1
            prices.append(event.price_e4)
        elif isinstance(event, events.Done):
            prevented |= event.reason == DoneReason.SELF_TRADE
        elif isinstance(event, events.PhaseChanged) and event.phase != Phase.AUCTION:
            assert len(set(prices)) <= 1 or prevented, f"seed {seed}"
            prices, prevented = [], False
    assert trades > AUCTIONS
    assert core.open_orders == 0


@pytest.mark.parametrize("seed", SEEDS)
def test_an_uncrossing_takes_rows_and_nothing_comes_between(seed: int) -> None:
    """Rule 5.1.5: in short rows the same private events come in the same order."""
    _, whole = day(seed, 1 << 20)
    core, rows = day(seed, SHORT)
    assert [event for row in rows for event in row.events] == [event for row in whole for event in row.events]
    assert max(len(row.events) for row in rows[:-1]) <= 2 * SHORT + 2  # a row, and what its last command does
    assert any(not row.results and row.events for row in rows)
    assert core.open_orders == 0


def test_a_snapshot_between_two_rows_of_an_uncrossing() -> None:
    """What is loaded goes on where the other one does (rule 5.1.5)."""
    desk = Desk()
    for line in ("add ACME", "date 20260105", "phase ACME auction opening"):
        desk.say(line)
    for number in range(20):
        desk.say(f"alice buy a{number} 10 ACME 10.{number:02}")
        desk.say(f"bob sell b{number} 7 ACME 10.0{number % 10}{' auction' if number % 3 else ''}")
    core = desk.engine
    held = desk.command("carl cancel c1 a1")
    opened = commands.SetPhase("ACME", Phase.OPEN)
    core.packed.command_limit = 5
    rows = [core.apply([opened, held], 100, 5)]
    assert rows[0].results == [events.Stands(core.sequence, more=True)]
    parts = 0
    while core.timers.standing():
        assert core.is_due(100)
        other = snapshot.load(snapshot.encode(core), bytes(core.identities.records))
        assert snapshot.state_hash(other) == snapshot.state_hash(core)
        other.packed.command_limit = 5
        one, two = (each.apply([held], 100, 5) for each in (core, other))
        assert one == two
        assert snapshot.encode(other) == snapshot.encode(core)
        parts += 1
    assert parts > 5
    assert core.books["ACME"].phase == Phase.OPEN
    assert core.apply([opened], 101).results == [events.Stands(core.sequence)]


@pytest.mark.parametrize(
    ("phase", "auction", "right"),
    [
        (4, 0, False),
        (4, 1, True),
        (4, 4, True),
        (4, 5, False),
        (2, 0, True),
        (2, 1, False),
        (3, 4, False),
        (4, -1, False),
    ],
)
def test_an_auction_has_a_kind(phase: int, auction: int, *, right: bool) -> None:
    """Rule 5.1.1: the operator names it, for no other phase."""
    item = control(match_pb2.SetPhaseRequest(symbol="ACME", phase=phase, auction=auction))  # type: ignore[arg-type]
    wrong = Refused(Reason.AUCTION_KIND_INVALID, "auction", str(auction))
    assert item.command == (commands.SetPhase("ACME", Phase(phase), auction) if right else wrong)
    assert rows.items(rows.commands([item])) == [item]


def test_rows_of_before_know_no_auctions() -> None:
    """What a row of semantics 2 had where auctions are named now meant nothing."""
    request = match_pb2.SetPhaseRequest(symbol="ACME", phase=2, auction=1)  # type: ignore[arg-type]
    encoded = rows.commands([control(request)])
    (item,) = rows.items(encoded, semantics=2)
    assert item.command == commands.SetPhase("ACME", Phase.OPEN)


def test_the_indication_is_one_of_the_book() -> None:
    """Rule 5.5.2: it is shown when it changes and only then, and a restored shard shows it once more only when it changes."""
    desk = Desk()
    for line in ("add ACME", "date 20260105", "phase ACME auction opening", "alice buy a1 10 ACME 10.00"):
        desk.say(line)
    desk.say("bob sell b1 4 ACME market")
    assert "  | ACME would trade 4 at 10.00, 6 more on the bid" in desk.say("wait")
    desk.engine = snapshot.load(snapshot.encode(desk.engine), bytes(desk.engine.identities.records))
    assert desk.engine.books["ACME"].indication == (100_000, 4, 1, 6)
    assert desk.say("carl buy c1 1 ACME 9.00")[-1] == "  | ACME bid 9.00: 1 in 1"
    assert not any("would" in line for line in desk.say("wait"))
    desk.say("bob cancel b2 b1")
    assert "  | ACME would trade 0 at 0.00" in desk.say("wait")
    assert not any("would" in line for line in desk.say("wait"))


def test_an_indication_of_many_prices_waits_longer() -> None:
    """Rule 5.5.2: the next one is no sooner than 100 ms and 10 us for each price that was looked at, also in a restored shard."""
    desk = Desk()
    for line in ("add ACME", "date 20260105", "phase ACME auction opening", "alice buy a1 100 ACME 50.00"):
        desk.say(line)
    some = [desk.command(f"bob sell b{number} 1 ACME {10 + number / 100:.2f}") for number in range(3_000)]
    desk.engine.apply(some, 10)
    for core in (desk.engine, snapshot.load(snapshot.encode(desk.engine), bytes(desk.engine.identities.records))):
        assert not shown(core.apply([], 100_000))
        now_us = core.timers.at(TimerKind.INDICATION, 0)
        assert shown(core.apply([], now_us)) == [100]
        assert not core.is_due(now_us + 1_000_000)
        assert not shown(core.apply([commands.EndOrders("alice", "", 0)], now_us + 1))
        (due,) = core.timers.standing()
        assert due == (now_us + 100_000 + 3_001 * 10, TimerKind.INDICATION, 0)


def shown(applied: Applied) -> list[int]:
    """What is published of auctions, by quantity; each row of it has an event of its own."""
    assert len(applied.events) == applied.last_sequence - applied.first_sequence + 1 or not applied.public
    public = [event for some in applied.public.values() for event in some]
    assert applied.events or not public
    return [event.quantity for event in public if isinstance(event, events.IndicativeChanged)]


def test_an_uncrossing_ends_its_row_behind_so_many_prices() -> None:
    """Rule 5.1.5: where each price costs one event, a row has no more prices than its limit and one look; all trades as in one row."""
    rows, whole = prevented(PRICES_LIMIT), prevented(1 << 60)
    assert [event for row in rows for event in row.events] == [event for row in whole for event in row.events]
    assert len(whole) == 1
    looks = [len(row.events) for row in rows[:-1]]
    assert len(looks) > LEVELS * LEVELS // 2 // PRICES_LIMIT // 2
    # The first look takes as many prices as there are asks, and two bids; each of the others takes one less.
    assert looks[0] == PRICES_LIMIT // (LEVELS + 2) + 1
    assert sorted(looks) == looks


def prevented(prices_limit: int) -> list[Applied]:
    """The rows of an uncrossing in which the best bid, which meets its owner's ask, ends, and then the next."""
    desk = Desk()
    for line in ("add ACME", "date 20260105", "phase ACME auction opening"):
        desk.say(line)
    sells = [desk.command(f"alice sell s{tick} 1 ACME {tick / 100:.2f}") for tick in range(1, LEVELS + 1)]
    buys = [
        desk.command(f"alice buy b{tick} {LEVELS} ACME {tick / 100:.2f} own=newest") for tick in range(1, LEVELS + 1)
    ]
    core = desk.engine
    core.apply([*sells, *buys], 10)
    core.packed.prices_limit = prices_limit
    rows = [core.apply([commands.SetPhase("ACME", Phase.OPEN)], 11)]
    while core.timers.begins_with(TimerKind.UNCROSSING):
        core = restored(core)
        rows.append(core.apply([], 11))
    assert core.books["ACME"].phase == Phase.OPEN
    assert sum(isinstance(event, events.Done) for row in rows for event in row.events) == LEVELS
    return rows


def restored(core: Engine) -> Engine:
    """From its own snapshot, under the same limit."""
    other = snapshot.load(snapshot.encode(core), bytes(core.identities.records))
    other.packed.prices_limit = core.packed.prices_limit
    return other


def test_indications_end_their_row_behind_so_many_prices() -> None:
    """Rule 5.5.2: what many auctions would do is told in rows, each with a tick, and no command comes between; also in a restored shard."""
    desk = Desk()
    for number in range(BOOKS):
        desk.say(f"add B{number}")
    for line in ("date 20260105", "phase all auction opening"):
        desk.say(line)
    for number in range(BOOKS):
        for tick in range(10):
            desk.say(f"alice buy b{number}x{tick} 1 B{number} 10.{tick:02}")
            desk.say(f"bob sell s{number}x{tick} 1 B{number} 10.{tick:02}")
    core = desk.engine
    core.packed.prices_limit = PRICES_LIMIT
    held = desk.command("carl buy c1 1 B0 9.00")
    told = []
    while not told or core.is_due(10_000_000):
        core = restored(core)
        told.append(core.apply([held], 10_000_000))
    assert [len(shown(row)) for row in told[:-1]] == [PRICES_LIMIT // 20] * (BOOKS * 20 // PRICES_LIMIT)
    assert sum(len(shown(row)) for row in told) == BOOKS
    assert [len(row.results) for row in told] == [0] * (len(told) - 1) + [1]
