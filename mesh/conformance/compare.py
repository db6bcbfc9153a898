"""Both sides' facts beside each other, and which of the differences have a reason (differences.yaml)."""

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from pathlib import Path

import yaml

from mesh.conformance.facts import Facts, kind_of

REASONS = Path(__file__).with_name("differences.yaml")
ABSENT = None
THERE = "is there"
SIDES = {"istiod", "ours"}


@dataclass(frozen=True, slots=True)
class Difference:
    """One fact on which the sides do not agree. None where a side has no such fact. `where` is an installation and a workload of it."""

    where: str
    fact: str
    istiod: str | None
    ours: str | None

    def __str__(self) -> str:
        return (
            f"{self.where}: {self.fact}\n    istiod  {self.istiod or 'nothing'}\n    ours    {self.ours or 'nothing'}"
        )


@dataclass(frozen=True, slots=True)
class Reason:
    """Why some facts may differ. `only` names the one side that has them; without it both have them, with other values.

    `istiod` and `ours`, where given, are patterns of the only values that the reason is for.
    """

    reason: str
    facts: tuple[str, ...]
    only: str = ""
    where: str = "*"
    istiod: str = "*"
    ours: str = "*"

    def explains(self, difference: Difference) -> bool:
        present = {side for side in SIDES if getattr(difference, side) is not ABSENT}
        return (
            present == ({self.only} if self.only else SIDES)
            and fnmatchcase(difference.where, self.where)
            and fits(difference.istiod, self.istiod)
            and fits(difference.ours, self.ours)
            and any(fnmatchcase(difference.fact, pattern) for pattern in self.facts)
        )


def fits(value: str | None, wanted: str) -> bool:
    return value == wanted or fnmatchcase(str(value), wanted)


@dataclass
class Comparison:
    """What was found in all cases together: counts by kind of fact, what each reason was for, and what has none.

    A fact counts once for each pair of values that it has: most are the same whatever the weights.
    """

    facts: Counter[str] = field(default_factory=Counter)
    explained: Counter[str] = field(default_factory=Counter)
    unexplained: list[Difference] = field(default_factory=list)
    by_reason: Counter[Reason] = field(default_factory=Counter)
    seen: set[Difference] = field(default_factory=set)

    def add(
        self, where: str, istiod: Mapping[str, Facts], ours: Mapping[str, Facts], reasons: Sequence[Reason]
    ) -> None:
        """Both sides' facts of one proxy, by subject."""
        there, here = flat(istiod, ours), flat(ours, istiod)
        for fact in sorted(there.keys() | here.keys()):
            pair = Difference(where, fact, there.get(fact), here.get(fact))
            if pair not in self.seen:
                self.seen.add(pair)
                self.facts[kind_of(fact)] += 1
                if pair.istiod != pair.ours:
                    self._judge(pair, reasons)

    def _judge(self, difference: Difference, reasons: Sequence[Reason]) -> None:
        reason = next((each for each in reasons if each.explains(difference)), None)
        if reason is None:
            self.unexplained.append(difference)
        else:
            self.explained[kind_of(difference.fact)] += 1
            self.by_reason[reason] += 1

    def unused(self, reasons: Iterable[Reason]) -> list[Reason]:
        """Reasons for differences that there are no longer."""
        return [each for each in reasons if not self.by_reason[each]]


def flat(side: Mapping[str, Facts], other: Mapping[str, Facts]) -> Facts:
    """All facts of a side. Of a thing that the other side does not have at all, the only fact is that it is there."""
    found: Facts = {}
    for subject, facts in side.items():
        found |= {f"{subject}{path}": value for path, value in facts.items()} if subject in other else {subject: THERE}
    return found


def reasons(file: Path = REASONS) -> list[Reason]:
    return [
        Reason(**{**item, "facts": tuple(item["facts"])}) for item in yaml.safe_load(file.read_text("utf-8"))["facts"]
    ]


def accepted(file: Path = REASONS) -> Mapping[str, str]:
    """What `istioctl` may say, as patterns of its lines, and why that is no problem here."""
    found: Mapping[str, str] = yaml.safe_load(file.read_text("utf-8"))["istioctl"]
    return found
