"""A date opens in as many rows as what stands asks for, and nothing comes in between; phases are set of so many books in a row."""

from svc_match.core import commands, events, snapshot
from svc_match.core.engine import Engine
from svc_match.core.instrument import Phase
from tests.svc_match.churn import market
from tests.svc_match.transcript import Desk
from tests.svc_match.twin import of_the_date

ORDERS, ACCOUNTS = 41, 5
NEXT = 20260106


def closed(*lines: str) -> Desk:
    """Orders that last, some of which are over by now, behind what was said before, and a date that is closed."""
    desk = market(*lines)
    owners = [f"p{number % ACCOUNTS}" for number in range(ORDERS)]
    desk.engine.apply(
        [desk.command(f"{who} buy i{number} 1 ACME 9.00 gtc") for number, who in enumerate(owners)], 5, 1 << 40
    )
    desk.engine.apply([desk.command(f"p4 cancel x{number} i{number}") for number in range(4, ORDERS, ACCOUNTS)], 6)
    desk.say("close 20260105")
    return desk


def limited(core: Engine) -> Engine:
    core.open_orders_limit, core.open_accounts_limit = 8, 3
    return core


def restored(core: Engine) -> Engine:
    return limited(snapshot.load(snapshot.encode(core), of_the_date(core)))


def test_a_date_opens_in_rows() -> None:
    """Rule 8.1.3: each row but the last is a tick, no command begins before that, and a shard restored before any row does the same."""
    core, open_orders = limited(closed().engine), ORDERS - ORDERS // ACCOUNTS
    batch = [commands.OpenDate(NEXT), commands.Tick()]
    first = core.apply(batch, 7)
    assert first.results == [events.Stands(core.sequence, more=True)]
    rows = [first]
    while core.goes_on:
        again = restored(core)
        rows.append(core.apply(batch[1:], 7))
        assert again.apply(batch[1:], 7) == rows[-1]
        assert snapshot.state_hash(again) == snapshot.state_hash(core)
    assert [type(event) for row in rows for event in row.events] == [
        *[events.Ticked] * ((open_orders - 1) // 8 + 1),
        events.DateOpened,
        events.Ticked,
    ]
    assert [len(row.results) for row in rows] == [1] + [0] * (len(rows) - 2) + [1]
    assert core.apply(batch[:1], 7).results == [events.Stands(core.sequence)]


def test_what_stands_is_not_walked_over_where_nothing_of_it_ends() -> None:
    """Rule 8.1.2: a date opens at once, though more stands than a part of a date's end looks at, and some of it ended before."""
    desk = closed("ann buy o 1 ACME 9.00 gtd expire=20260105")
    desk.engine.closing.looks_limit = 8
    opened = desk.engine.apply([commands.OpenDate(NEXT + 1)], 7)
    assert [type(event) for event in opened.events] == [events.DateOpened]


def test_however_many_rows_it_takes_the_same_stays() -> None:
    """Rule 8.1.3: but for the numbers of the events, the state is the same as after one row."""
    states = []
    for part in (limited, lambda core: core):
        core = part(closed().engine)
        core.apply([commands.OpenDate(NEXT)], 7)
        while core.goes_on:
            core.apply([], 7)
        book = core.books["ACME"]
        states.append(
            (core.names, core.participants, core.carried, len(core.lasting), book.standing(commands.Side.BUY))
        )
    assert states[0] == states[1]


def test_phases_are_set_of_so_many_books_in_a_row() -> None:
    """Rule 1.7: who asks again goes on with the books that are left, and a row has no more of them, whatever else it was to take."""
    core = market("add BOLT", "add CORK").engine
    core.phase_books_limit = 2
    halts = commands.SetPhase("", Phase.HALTED, 0)
    first = core.apply([halts, halts], 7)
    assert first.results == [events.Stands(core.sequence, more=True)]
    core = snapshot.load(snapshot.encode(core), of_the_date(core))
    second = core.apply([halts, halts], 7)
    assert second.results == [events.Stands(core.sequence)] * 2
    assert [len(row.events) for row in (first, second)] == [2, 1]
    assert {book.phase for book in core.numbered} == {Phase.HALTED}
