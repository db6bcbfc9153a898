"""The calendar in a shard: its limits, its parts, its bytes, its journal. See golden/calendar.txt for the rules."""

import time

import pytest

from bourse.match.v1 import match_pb2
from bourse.types.v1 import market_pb2
from svc_match.core import commands, engine, events, snapshot
from svc_match.core.book import CLOSE_ORDERS_LIMIT
from svc_match.core.commands import Step, StepKind
from svc_match.core.instrument import AuctionKind, Phase
from svc_match.core.schedule import BETWEEN_US, DATES_LIMIT, STEPS_IN_ALL_LIMIT, STEPS_LIMIT, wrong_steps
from svc_match.wire import reference, rows
from svc_match.wire.controls import TICK, control
from tests.servers import Database
from tests.svc_match.shard import instrument
from tests.svc_match.test_journal import shard
from tests.svc_match.transcript import SECOND_US, Desk
from tests.svc_match.twin import of_the_date

DATE = 20260105
DAY = (
    Step(10 * SECOND_US, StepKind.OPEN_DATE, DATE),
    Step(20 * SECOND_US, StepKind.SET_PHASE, DATE, Phase.AUCTION, AuctionKind.OPENING),
    Step(30 * SECOND_US, StepKind.SET_PHASE, DATE, Phase.OPEN, 0, 5 * SECOND_US),
    Step(60 * SECOND_US, StepKind.CLOSE_DATE, DATE),
)


def of(step: int, field: str, value: int) -> tuple[Step, ...]:
    """The day, with another value in one place."""
    return tuple(one._replace(**{field: value}) if number == step else one for number, one in enumerate(DAY))


@pytest.mark.parametrize(
    ("step", "field", "value", "refused"),
    [
        *[(0, "time_us", value, "transitions[0].time_us") for value in (0, -1, 1 << 62, -(1 << 63))],
        *[(1, "time_us", value, "transitions[1].time_us") for value in (10 * SECOND_US, 11 * SECOND_US - 1, 1)],
        (3, "time_us", 36 * SECOND_US - 1, "transitions[3].time_us"),
        *[(1, "kind", value, "transitions[1].kind") for value in (0, 4, -1)],
        (1, "kind", StepKind.OPEN_DATE, "transitions[1].phase"),
        *[(2, "trading_date", value, "transitions[2].trading_date") for value in (0, 20260231, 20260104)],
        *[(2, "phase", value, "transitions[2].phase") for value in (0, Phase.HALTED, 5, -1)],
        (2, "phase", Phase.AUCTION, "transitions[2].auction"),
        (0, "phase", Phase.OPEN, "transitions[0].phase"),
        *[
            (1, "auction", value, "transitions[1].auction")
            for value in (0, AuctionKind.VOLATILITY, AuctionKind.RESUMPTION, 9)
        ],
        (2, "auction", AuctionKind.CLOSING, "transitions[2].auction"),
        *[(2, "random_end_us", value, "transitions[2].random_end_us") for value in (-1, 600_000_001)],
        (3, "random_end_us", 1, "transitions[3].random_end_us"),
    ],
)
def test_a_step_that_is_wrong_is_refused_by_its_field(step: int, field: str, value: int, refused: str) -> None:
    """Rule 8.2.2: with its number and what it said, and nothing has changed."""
    core = engine.Engine(0)
    before = snapshot.state_hash(core)
    (result,) = core.apply([commands.SetCalendar(of(step, field, value), 0)], 1).results
    assert isinstance(result, events.Refused)
    said = DAY[step]._replace(**{field: value})
    assert (result.reason, result.field) == (events.Reason.CALENDAR_INVALID, refused)
    assert result.value == str(int(getattr(said, refused.rpartition(".")[2])))
    assert snapshot.state_hash(core) == before


@pytest.mark.parametrize(
    ("some", "seed", "now_us", "refused"),
    [
        (DAY, 0, 1, ""),
        (DAY, -1, 1, "seed"),
        (DAY, 1 << 63, 1, "seed"),
        (DAY, 0, 60 * SECOND_US - 1, ""),
        (DAY, 0, 60 * SECOND_US, "transitions[3].time_us"),
        (DAY[1:], 0, 1, "transitions[0].kind"),
        (DAY[:-1], 0, 1, "transitions[2].kind"),
        ((*DAY[:2], DAY[3]), 0, 1, "transitions[2].kind"),
        ((*DAY, DAY[2]._replace(time_us=70 * SECOND_US)), 0, 1, "transitions[4].trading_date"),
        ((*DAY[:-1], *(one._replace(time_us=one.time_us + 100 * SECOND_US, trading_date=DATE + 1) for one in DAY)), 0, 1,
         "transitions[2].kind"),
        ((), 0, 1, ""),
    ],
)  # fmt: skip
def test_what_is_no_calendar_is_refused(some: tuple[Step, ...], seed: int, now_us: int, refused: str) -> None:
    """Rules 8.2.2, 8.2.3: gaps, what is over, and seeds."""
    wrong = wrong_steps(some, seed, now_us)
    assert (wrong.field if wrong else "") == refused


def steps(count: int, between: int) -> tuple[Step, ...]:
    """So many dates of so many steps between their opening and their close."""
    kinds = [StepKind.OPEN_DATE, *[StepKind.SET_PHASE] * between, StepKind.CLOSE_DATE]
    made: list[Step] = []
    for day in range(count):
        date = 20260101 + day // 28 * 100 + day % 28 + day // (28 * 12) * (10_000 - 1_200)
        for kind in kinds:
            phase = Phase.OPEN if kind == StepKind.SET_PHASE else 0
            made.append(Step((len(made) + 1) * BETWEEN_US, kind, date, phase))
    return tuple(made)


@pytest.mark.parametrize(
    ("count", "between", "said"),
    [
        (DATES_LIMIT, STEPS_LIMIT - 2, ""),
        (DATES_LIMIT + 1, 1, f"{DATES_LIMIT + 1} dates"),
        (1, STEPS_LIMIT - 1, f"{STEPS_LIMIT + 1} of 20260101"),
    ],
)
def test_a_calendar_has_a_limit(count: int, between: int, said: str) -> None:
    """Rule 8.2.2: so many dates, and so many steps of a date."""
    refused = wrong_steps(steps(count, between), 0, 0)
    assert (refused.value if refused else "") == said


def test_more_steps_than_there_may_be_are_refused_unread() -> None:
    """By their number, before they are looked at."""
    message = match_pb2.SetCalendarRequest(transitions=[market_pb2.Transition()] * (STEPS_IN_ALL_LIMIT + 1))
    wrong = control(message).command
    assert isinstance(wrong, events.Refused)
    assert (wrong.field, wrong.value) == ("transitions", str(STEPS_IN_ALL_LIMIT + 1))


def test_a_close_of_many_orders_is_not_late_for_its_length() -> None:
    """Rule 8.2.8: it goes on with the next rows, whenever they come."""
    desk = Desk()
    for line in ("add ACME", f"calendar {DATE} date@10 open@20 close@60", "at 10", "at 20"):
        desk.say(line)
    count = CLOSE_ORDERS_LIMIT + 1
    desk.engine.apply(
        [desk.command(f"alice buy i{number} 1 ACME 10.00") for number in range(count)], 25 * SECOND_US, 1 << 30
    )
    first = desk.engine.apply([], 60 * SECOND_US, 1_000)
    assert desk.engine.open_orders == 1
    assert first.results == []
    loaded = snapshot.load(snapshot.encode(desk.engine), of_the_date(desk.engine))
    for core in (desk.engine, loaded):
        done = core.apply([commands.Tick()], 99 * SECOND_US)
        assert [type(event) for event in done.events] == [events.Done, events.DateClosed, events.CalendarMoved]
        assert (done.trading_date, done.results) == (DATE, [])
    assert snapshot.state_hash(loaded) == snapshot.state_hash(desk.engine)


def test_a_step_goes_on_where_the_row_was_full() -> None:
    """Rule 8.2.8: an instrument whose phase it set is not set again, whatever became of it; what is next comes behind it."""
    desk = Desk()
    day = f"calendar {DATE} date@10 opening@20 open@30 close@60"
    for line in ("add ACME reference=10.00 dynamic=100 auction=90000000", "add BOLT", day, "at 10", "at 20"):
        desk.say(line)
    for line in ("bob sell b1 1 ACME 10.00", "alice buy a1 1 ACME 10.00", "bob sell b2 1 ACME 12.00"):
        desk.say(line)
    for line in ("alice buy a2 1 ACME 15.00 stop=10.00", "bob sell b3 1 BOLT 10.00", "alice buy a3 1 BOLT 10.00"):
        desk.say(line)
    for second in (30, 36, 42):
        desk.engine.apply([], second * SECOND_US, 5)
    acme, bolt = desk.engine.numbered
    assert (acme.phase, acme.auction, bolt.phase) == (Phase.AUCTION, AuctionKind.VOLATILITY, Phase.OPEN)
    assert desk.engine.schedule.steps[0].kind == StepKind.CLOSE_DATE


def test_a_step_is_in_the_bytes_as_it_was_set() -> None:
    """Of the command and of both events."""
    step = market_pb2.Transition(time_us=7, kind=market_pb2.TRANSITION_KIND_SET_PHASE, trading_date=DATE)
    step.phase, step.auction, step.random_end_us = market_pb2.PHASE_AUCTION, market_pb2.AUCTION_KIND_CLOSING, 9
    request = match_pb2.SetCalendarRequest(transitions=[step], seed=3)
    item = control(request)
    as_it_is = Step(7, StepKind.SET_PHASE, DATE, Phase.AUCTION, AuctionKind.CLOSING, 9)
    assert item.command == commands.SetCalendar((as_it_is,), 3)
    assert rows.items(item.encoded) == [item]
    assert reference.transition_message(as_it_is) == step


async def test_a_leap_of_the_clock_over_a_step_halts_the_market(postgres: Database) -> None:
    """Rules 8.2.5, 8.2.6: a shard that comes back behind a step halts, and goes on once the calendar is set again; its rows are
    replayed.
    """
    begins_us, passed_us = int(time.time() * 1e6), 0

    def clock() -> tuple[int, int]:
        return begins_us + passed_us, begins_us + passed_us

    day = [one._replace(time_us=begins_us + one.time_us) for one in DAY]
    calendar = match_pb2.SetCalendarRequest(transitions=map(reference.transition_message, day), seed=3)
    resumed = match_pb2.SetPhaseRequest(phase=market_pb2.PHASE_OPEN)
    async with shard(postgres, clock=clock) as it:
        for request in (match_pb2.AddInstrumentRequest(instrument=instrument("ACME")), calendar):
            await it.submit([control(request)])
        passed_us = 10 * SECOND_US
        await it.submit([TICK])
        assert await it.read(state) == (DATE, Phase.CLOSED, False, 3)
    passed_us = 26 * SECOND_US
    async with shard(postgres, clock=clock) as it:
        assert await it.read(state) == (DATE, Phase.HALTED, True, 3)
        passed_us = 36 * SECOND_US
        for request in (calendar, resumed):
            await it.submit([control(request)])
        assert await it.read(state) == (DATE, Phase.OPEN, False, 1)
    passed_us = 63 * SECOND_US
    async with shard(postgres, clock=clock) as it:
        assert await it.read(state) == (0, Phase.CLOSED, False, 0)


def state(core: engine.Engine) -> tuple[int, Phase, bool, int]:
    """The open date, the phase, whether the calendar stopped, and how many steps are to come."""
    return core.trading_date, core.numbered[0].phase, core.schedule.stopped, len(core.schedule.steps)
