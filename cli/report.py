"""The report of a trading session: what was done, whether anything was lost, and the verdict. `docs/report.md` explains each field."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path


@dataclass(frozen=True, slots=True)
class Latency:
    """From the call in the SDK to its answer, over all acknowledged commands, in milliseconds."""

    p50: float
    p99: float


@dataclass(frozen=True, slots=True)
class Report:
    """One session. Counts are of commands; `shares` is the sum over fills; `seconds` is the time of order entry."""

    orders_acknowledged: int
    orders_rejected: int
    fills: int
    shares: int
    cancels: int
    cancels_with_expected_quantity: int
    acknowledged_lost: int
    acknowledged_doubled: int
    reconciliation_breaks: int
    orders_per_second: float
    latency_ms: Latency
    restarts: int
    seconds: float
    problems: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Nothing was lost, doubled or broken, and nothing else was found wrong."""
        return not (self.acknowledged_lost or self.acknowledged_doubled or self.reconciliation_breaks or self.problems)

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"passed": self.passed, **asdict(self)}, indent=2) + "\n", "utf-8")


def latency(milliseconds: list[float]) -> Latency:
    """Percentiles by nearest rank; zeros without a sample."""
    if not milliseconds:
        return Latency(0.0, 0.0)
    ordered = sorted(milliseconds)
    return Latency(*(round(ordered[min(len(ordered) - 1, len(ordered) * percent // 100)], 3) for percent in (50, 99)))
