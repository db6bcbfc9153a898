"""The admission saga and the order of a session, as tables, transcripts and properties."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from svc_order.core.commands import BUY, DAY, LIMIT, Cancel, Command, Place, Replace
from svc_order.core.refused import Refused
from svc_order.core.saga import STEPS, Hold, HoldState, Step, after_hold, after_late
from svc_order.core.session import Deadlines, passing

ACCOUNT = "alpha/main"


def hold(state: int, reason: str = "") -> Hold:
    return Hold(state, 1, 100, 5, 5, 0, Refused(reason, reason, {}) if reason else None)


def test_every_state_of_a_hold_has_a_step() -> None:
    """A new command is executed only under a pending hold; a refusal is told only when it is on record or touched nothing."""
    assert set(STEPS) == set(HoldState)
    submitted = {state for state, step in STEPS.items() if step in (Step.SUBMIT, Step.SUBMIT_BARE)}
    assert submitted == {HoldState.PENDING, HoldState.BOUND, HoldState.ENDED, HoldState.NOT_NEEDED}
    assert {state for state, step in STEPS.items() if step is Step.ANSWER} == {
        HoldState.FAILED,
        HoldState.REUSED,
        HoldState.REFUSED,
    }


@pytest.mark.parametrize(
    ("state", "reason", "later", "attempt", "step"),
    [
        (HoldState.PENDING, "", False, 1, Step.SUBMIT),
        (HoldState.EXPIRED, "", False, 1, Step.AGAIN),
        (HoldState.EXPIRED, "", False, 2, Step.OPEN),
        (HoldState.FAILED, "FUNDS_INSUFFICIENT", False, 1, Step.ANSWER),
        (HoldState.REFUSED, "ACCOUNT_UNKNOWN", True, 1, Step.ANSWER),
        (HoldState.REFUSED, "ORDER_UNKNOWN", True, 1, Step.AGAIN),
        (HoldState.REFUSED, "ORDER_UNKNOWN", False, 1, Step.SUBMIT_BARE),
        (99, "", False, 1, Step.OPEN),
    ],
)
def test_what_follows_a_hold(state: int, reason: str, later: bool, attempt: int, step: Step) -> None:
    """Each answer of the ledger, at the first and at the last attempt."""
    assert after_hold(hold(state, reason), attempt=attempt, may_be_known_later=later) is step


def test_late_is_never_an_answer() -> None:
    """A refusal for the deadline leads to a new attempt, then to an open outcome."""
    assert [after_late(1), after_late(2)] == [Step.AGAIN, Step.OPEN]


@given(st.lists(st.tuples(st.lists(st.integers(0, 50), min_size=1, max_size=5), st.integers(0, 3)), max_size=8))
def test_a_submit_carries_the_earliest_deadline_before_it(pieces: list[tuple[list[int], int]]) -> None:
    """Against a naive model: the earliest of its own and of all unanswered before it; what is answered binds nothing."""
    deadlines = Deadlines()
    unanswered: list[list[int]] = []
    for own, answers in pieces:
        for _ in range(min(answers, len(unanswered))):
            unanswered.pop(0)
            deadlines.answered()
        carried = deadlines.carry(own)
        before = [one for piece in unanswered for one in piece if one]
        for index, one in enumerate(carried):
            assert one == min([*before, *(d for d in own[: index + 1] if d)], default=0)
        unanswered.append(own)


def place(name: str) -> Place:
    return Place(ACCOUNT, name, 20260105, "AAA", BUY, LIMIT, DAY, 100, 10, 0)


def cancel(original: str = "", order_id: int = 0, symbol: str = "AAA") -> Cancel:
    return Cancel(ACCOUNT, f"c{original}{order_id}", 20260105, order_id, original, symbol)


def replace(original: str = "", order_id: int = 0) -> Replace:
    return Replace(ACCOUNT, f"r{original}{order_id}", 20260105, order_id, original, "AAA", 100, 10)


@pytest.mark.parametrize(
    ("commands", "passed"),
    [
        ([(place("a"), False), (cancel("b"), True)], [1]),
        ([(place("a"), False), (cancel("a"), True)], []),
        ([(place("a"), False), (cancel(order_id=9), True)], [1]),
        ([(replace("a"), False), (cancel("a"), True), (cancel("b"), True)], [2]),
        ([(replace("a"), False), (cancel(order_id=9), True)], []),
        ([(replace(order_id=8), False), (cancel(order_id=9), True), (cancel(order_id=8), True)], [1]),
        ([(replace("a"), True), (cancel("a"), True)], [0, 1]),
        ([(place("a"), False), (replace("a"), True), (cancel("a"), True)], []),
    ],
)
def test_what_passes_while_the_ledger_is_down(commands: list[tuple[Command, bool]], passed: list[int]) -> None:
    """A cancel or reduction passes those before it, unless one that stays acts on its order, or may."""
    assert passing(commands, overtakes=True) == passed
    leading = next((index for index, (_, bare) in enumerate(commands) if not bare), len(commands))
    assert passing(commands, overtakes=False) == list(range(leading))
