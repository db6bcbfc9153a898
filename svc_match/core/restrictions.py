"""What participants may not do: those that are killed, and how many orders a second the others may send.

A rate is a bucket of tokens that fills with journal time: `level` is in millionths of a token, so that it is exact.
"""

from typing import Any, NamedTuple

from svc_match.core import layout as w

TOKEN = 1_000_000
PER_SECOND_LIMIT = 1_000_000
PARTICIPANTS_LIMIT = 4_096


class Rate(NamedTuple):
    """Orders a second, and how many at once; the bucket's level at a journal time."""

    per_second: int
    burst: int
    level: int
    time_us: int

    def at(self, time_us: int) -> "Rate":
        """The bucket at a later time."""
        level = min(self.burst * TOKEN, self.level + (time_us - self.time_us) * self.per_second)
        return self._replace(level=level, time_us=time_us)


class Restrictions:
    """By participant. It is true where there is any."""

    def __init__(self) -> None:
        self.killed: set[str] = set()
        self.rates: dict[str, Rate] = {}

    def __bool__(self) -> bool:
        return bool(self.killed or self.rates)

    def reason(self, participant: str, time_us: int) -> int:
        """Why it cannot place or replace an order now, or 0: then one is counted."""
        if participant in self.killed:
            return w.PARTICIPANT_KILLED
        rate = self.rates.get(participant)
        if rate is None:
            return 0
        rate = rate.at(time_us)
        if rate.level < TOKEN:
            return w.ORDER_RATE_EXCEEDED
        self.rates[participant] = rate._replace(level=rate.level - TOKEN)
        return 0

    def has_room(self, these: set[str] | dict[str, Rate], participant: str) -> bool:
        """Whether the participant is among these, or may be."""
        return participant in these or len(these) < PARTICIPANTS_LIMIT

    def set_rate(self, participant: str, per_second: int, burst: int, time_us: int) -> bool:
        """A rate, with a full bucket, or none (0); whether it is another one than before."""
        before = self.rates.get(participant)
        if (before.per_second, before.burst) == (per_second, burst) if before else not per_second:
            return False
        if per_second:
            self.rates[participant] = Rate(per_second, burst, burst * TOKEN, time_us)
        else:
            del self.rates[participant]
        return True

    def state(self) -> dict[str, Any]:
        """All of it, for a snapshot."""
        return {"killed": sorted(self.killed), "rates": dict(sorted(self.rates.items()))}

    def load(self, state: dict[str, Any]) -> None:
        """The inverse of `state`."""
        self.killed = set(state["killed"])
        self.rates = {name: Rate(*rate) for name, rate in state["rates"].items()}
