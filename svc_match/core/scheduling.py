"""The calendar is set, and does its steps when they are due. Source: docs/rule-book.md, 8.2."""

from typing import TYPE_CHECKING

from svc_match.core import events
from svc_match.core.commands import SetCalendar, Step, StepKind
from svc_match.core.events import Refused
from svc_match.core.instrument import PHASES_OF, Phase
from svc_match.core.schedule import DONE, MISSED, TOLERANCE_US, Schedule, wrong_steps
from svc_match.core.timers import Due, TimerKind

if TYPE_CHECKING:
    from svc_match.core.engine import Engine


def set_calendar(engine: "Engine", command: SetCalendar) -> events.Result:
    """Replaces the steps that are still to come; those that are over are left out."""
    wrong = wrong_steps(command.steps, command.seed, engine.packed.now_us)
    if wrong is not None:
        return wrong
    schedule = Schedule(command.seed, (s for s in command.steps if s.due_us(command.seed) > engine.packed.now_us))
    if schedule.state() == engine.schedule.state():
        return events.Stands(engine.sequence)
    engine.schedule = schedule
    return _await(engine, None)


def _await(engine: "Engine", done: Step | None) -> events.Result:
    """The next step is waited for, and told."""
    steps = engine.schedule.steps
    engine.timers.cancel(TimerKind.SCHEDULE, 0)
    if steps:
        engine.timers.set(TimerKind.SCHEDULE, 0, engine.schedule.next_us)
    return engine.announce(
        events.CalendarMoved(engine.next_sequence(), done, steps[0] if steps else None), engine.numbered
    )


def advance(engine: "Engine", due: Due) -> None:
    """Does the next step of the calendar, or goes on with it from a book on; what is late, or cannot be done, is missed."""
    step = engine.schedule.steps[0]
    late = due.key == 0 and engine.packed.now_us - due.due_us > TOLERANCE_US
    following = MISSED if late else _do(engine, step, max(due.key - 1, 0))
    if following == MISSED:
        _miss(engine, step)
    elif following != DONE:
        engine.timers.set(TimerKind.SCHEDULE, 1 + following, due.due_us)
    else:
        del engine.schedule.steps[0]
        _await(engine, step)
        if step.kind != StepKind.SET_PHASE:
            engine.packed.full = engine.packed.sequence  # a row is of one date


def _do(engine: "Engine", step: Step, book: int) -> int:
    """DONE, MISSED, or the book from which on the rest is done next."""
    if not engine.trading_date and (step.kind != StepKind.OPEN_DATE or step.trading_date <= engine.last_date):
        return DONE  # an operator closed the date, or nobody opened it
    if step.kind == StepKind.SET_PHASE:
        return _set_phases(engine, step, book) if step.trading_date == engine.trading_date else MISSED
    result = (engine.open_date if step.kind == StepKind.OPEN_DATE else engine.close_date)(step.trading_date)
    if isinstance(result, Refused):
        return MISSED
    return 0 if isinstance(result, events.Stands) and result.more else DONE


def _set_phases(engine: "Engine", step: Step, first: int) -> int:
    phase, changed = Phase(step.phase), 0
    for number, book in enumerate(engine.numbered[first:], first):
        if engine.packed.sequence >= engine.packed.until():
            return number
        takes = book.phase != Phase.HALTED and phase in PHASES_OF[book.listing]
        if not takes or engine.has_phase(book, phase, step.auction):
            continue
        if changed == engine.phase_books_limit:
            engine.packed.full = engine.packed.sequence
            return number
        changed += 1
        if not engine.change_phase(book, phase, step.auction):
            return number + 1
    return DONE


def _miss(engine: "Engine", step: Step) -> None:
    """Nobody knows what should have happened: all instruments are halted, and an operator says how to go on."""
    engine.schedule.stopped = True
    for book in engine.numbered:
        if engine.trading_date and Phase.HALTED in PHASES_OF[book.listing]:
            engine.change_phase(book, Phase.HALTED, 0)
    engine.announce(events.ScheduleMissed(engine.next_sequence(), step), engine.numbered)
