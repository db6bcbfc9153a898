"""The admission saga: what is done next, from what the ledger and the core answered.

Model-checked as m2_admission and m4_replace. A new command is executed only under a pending hold; under a bound or ended
one it is submitted too, and the core answers with the first result. Nothing here releases a hold: the ledger alone does.
"""

from enum import Enum, IntEnum
from typing import NamedTuple

from svc_order.core.refused import Refused

ATTEMPTS_LIMIT = 2


class HoldState(IntEnum):
    """As bourse.ledger.v1.HoldState."""

    UNSPECIFIED = 0
    PENDING = 1
    BOUND = 2
    ENDED = 3
    EXPIRED = 4
    FAILED = 5
    REUSED = 6
    NOT_NEEDED = 7
    REFUSED = 8


class Step(Enum):
    """What is done next with a command."""

    SUBMIT = "submit under the stored hold"
    SUBMIT_BARE = "submit without a hold"
    ANSWER = "tell the caller the ledger's refusal"
    AGAIN = "ask the ledger again, for a new attempt"
    OPEN = "end the session here: the outcome is open"


class Hold(NamedTuple):
    """A hold as the ledger stores it; a submit carries these values, never recomputed ones."""

    state: int
    hold_id: int
    deadline_us: int
    held_amount: int
    held_price_e4: int
    held_fee_e6: int
    refused: Refused | None
    legs: tuple["Hold", ...] = ()  # of a mass quote, whose state and deadline this is


STEPS: dict[int, Step] = {
    HoldState.UNSPECIFIED: Step.OPEN,
    HoldState.PENDING: Step.SUBMIT,
    HoldState.BOUND: Step.SUBMIT,
    HoldState.ENDED: Step.SUBMIT,
    HoldState.EXPIRED: Step.AGAIN,
    HoldState.FAILED: Step.ANSWER,
    HoldState.REUSED: Step.ANSWER,
    HoldState.NOT_NEEDED: Step.SUBMIT_BARE,
    HoldState.REFUSED: Step.ANSWER,
}


def after_hold(hold: Hold, *, attempt: int, may_be_known_later: bool = False) -> Step:
    """What follows the ledger's answer to attempt number `attempt` (from 1) of this session at the command.

    An order to be replaced, if only its order_id is known, may be unknown because settlement has not come to it yet
    (`may_be_known_later`): once more, when it has. In the end the core says on record what is wrong with it.
    """
    step = STEPS.get(hold.state, Step.OPEN)
    if step is Step.ANSWER and hold.refused is not None and hold.refused.reason == "ORDER_UNKNOWN":
        return Step.AGAIN if may_be_known_later else Step.SUBMIT_BARE
    if step is Step.AGAIN:
        return after_late(attempt)
    return step


def after_late(attempt: int) -> Step:
    """What follows a refusal for the deadline, which is never an answer to the caller."""
    return Step.AGAIN if attempt < ATTEMPTS_LIMIT else Step.OPEN
