"""The calendar of a shard: at which journal times its dates open and close and its phases change. Its rules: docs/rule-book.md, 8.2."""

from collections.abc import Iterable
from itertools import pairwise

from chassis.units import is_date
from svc_match.core.commands import Step, StepKind
from svc_match.core.events import Reason, Refused
from svc_match.core.instrument import AuctionKind, Phase
from svc_match.core.timers import NEVER

DATES_LIMIT = 400
STEPS_LIMIT = 16  # of a date
STEPS_IN_ALL_LIMIT = DATES_LIMIT * STEPS_LIMIT
TOLERANCE_US = 5_000_000  # that a row may be behind a step that is due
BETWEEN_US = 1_000_000  # two steps, at least
RANDOM_END_LIMIT_US = 600_000_000
SEED_LIMIT = 1 << 63
DONE, MISSED = -1, -2  # what became of a step
# The phases that a step may set, and what these may be for.
PHASES: dict[int, tuple[int, ...]] = {
    Phase.CLOSED: (0,),
    Phase.OPEN: (0,),
    Phase.AUCTION: (AuctionKind.OPENING, AuctionKind.CLOSING),
}


class Schedule:
    """The steps that are still to come. One that stopped does none of them until it is set again."""

    __slots__ = ("seed", "steps", "stopped")

    def __init__(self, seed: int = 0, steps: Iterable[Iterable[int]] = (), *, stopped: bool = False) -> None:
        self.seed = seed
        self.steps = [Step(*step) for step in steps]
        self.stopped = stopped

    @property
    def next_us(self) -> int:
        """When the next step is due; NEVER for none."""
        return self.steps[0].due_us(self.seed) if self.steps and not self.stopped else NEVER

    def state(self) -> list[object]:
        """What makes an equal one."""
        return [self.seed, self.steps, self.stopped]


def wrong_steps(steps: tuple[Step, ...], seed: int, now_us: int) -> Refused | None:
    """Why there can be no such calendar at this time."""
    if not 0 <= seed < SEED_LIMIT:
        return Refused(Reason.CALENDAR_INVALID, "seed", str(seed))
    for number, step in enumerate(steps):
        if wrong := _wrong_field(step):
            return _refused(number, wrong, getattr(step, wrong))
    for number, (one, other) in enumerate(pairwise(steps), 1):
        if wrong := _wrong_behind(one, other):
            return _refused(number, wrong, getattr(other, wrong))
    dates: dict[int, list[int]] = {}
    for number, step in enumerate(steps):
        dates.setdefault(step.trading_date, []).append(number)
    if len(dates) > DATES_LIMIT:
        return Refused(Reason.CALENDAR_INVALID, "transitions", f"{len(dates)} dates")
    for trading_date, numbers in dates.items():
        if len(numbers) > STEPS_LIMIT:
            return Refused(Reason.CALENDAR_INVALID, "transitions", f"{len(numbers)} of {trading_date}")
        if steps[numbers[0]].kind != StepKind.OPEN_DATE:
            return _refused(numbers[0], "kind", steps[numbers[0]].kind)
        if steps[numbers[-1]].kind != StepKind.CLOSE_DATE:
            return _refused(numbers[-1], "kind", steps[numbers[-1]].kind)
    if steps and steps[-1].due_us(seed) <= now_us:
        return _refused(len(steps) - 1, "time_us", steps[-1].time_us)
    return None


def _refused(number: int, field: str, value: int) -> Refused:
    return Refused(Reason.CALENDAR_INVALID, f"transitions[{number}].{field}", str(value))


def _wrong_field(step: Step) -> str:
    """The first field that is outside its limits; empty when all are within."""
    sets_phase = step.kind == StepKind.SET_PHASE
    auctions = PHASES.get(step.phase, ()) if sets_phase else (0,)
    rules = {
        "time_us": 0 < step.time_us < NEVER - RANDOM_END_LIMIT_US,
        "kind": step.kind in tuple(StepKind),
        "trading_date": is_date(step.trading_date),
        "phase": step.phase in PHASES if sets_phase else step.phase == 0,
        "auction": step.auction in auctions,
        "random_end_us": 0 <= step.random_end_us <= (RANDOM_END_LIMIT_US if sets_phase else 0),
    }
    return next((field for field, right in rules.items() if not right), "")


def _wrong_behind(one: Step, other: Step) -> str:
    """The first field for which a step cannot be next; empty when it can."""
    same = other.trading_date == one.trading_date
    opens = one.kind == StepKind.CLOSE_DATE or not same
    rules = {
        "time_us": other.time_us >= one.time_us + one.random_end_us + BETWEEN_US,
        "trading_date": other.trading_date > one.trading_date if opens else same,
        "kind": (other.kind == StepKind.OPEN_DATE) == opens
        and not (one.phase == Phase.AUCTION and other.kind == StepKind.CLOSE_DATE),
    }
    return next((field for field, right in rules.items() if not right), "")
