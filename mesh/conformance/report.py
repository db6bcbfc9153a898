"""The conformance table, for people."""

from collections import Counter
from collections.abc import Iterator, Sequence

from mesh.conformance.compare import Comparison, Reason
from mesh.conformance.facts import KINDS, kind_of

SHOWN = 60
WIDTHS = (28, 8, 10, 8, 11)


def lines(found: Comparison, problems: Sequence[str], reasons: Sequence[Reason], cases: str) -> Iterator[str]:
    """Counts by kind of fact, the reasons, whatever has none, and the verdict."""
    unexplained = Counter(kind_of(each.fact) for each in found.unexplained)
    yield row("", "facts", "the same", "differ", "no reason")
    for kind, _ in KINDS:
        yield row(kind, *counts(found.facts[kind], found.explained[kind], unexplained[kind]))
    yield row("all", *counts(found.facts.total(), found.explained.total(), unexplained.total()))
    yield "\nDifferences with a reason:"
    yield from (f"{count:>6}  {reason}" for reason, count in found.by_reason.most_common())
    yield from (f"\n{difference}" for difference in found.unexplained[:SHOWN])
    if len(found.unexplained) > SHOWN:
        yield f"\n... and {len(found.unexplained) - SHOWN} more"
    yield from (f"\n{problem}" for problem in problems)
    yield from (f"\nThere is no such difference any more: {reason}" for reason in found.unused(reasons))
    wrong = amount(found, problems, reasons)
    verdict = f"Does not conform: {wrong} things are wrong" if wrong else "Conforms"
    yield f"\n{verdict} (istioctl analyze, istioctl validate, istiod's configuration at {cases})."


def amount(found: Comparison, problems: Sequence[str], reasons: Sequence[Reason]) -> int:
    """How many things are wrong."""
    return len(found.unexplained) + len(problems) + len(found.unused(reasons))


def counts(facts: int, explained: int, unexplained: int) -> tuple[str, ...]:
    return str(facts), str(facts - explained - unexplained), str(explained + unexplained), str(unexplained)


def row(kind: str, *values: str) -> str:
    return kind.ljust(WIDTHS[0]) + "".join(value.rjust(width) for value, width in zip(values, WIDTHS[1:], strict=True))
