"""The report of a trading session: what was done, whether anything was lost, and the verdict. `docs/report.md` explains each field."""

import json
from dataclasses import asdict, dataclass, field
from pathlib import Path

from rich.console import Console
from rich.table import Table

from svc_order.core.refused import STATUS_OF

FAULTS = ("UNAVAILABLE", "INTERNAL", "DEADLINE_EXCEEDED", None)  # None: of a reason that no command has


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
    orders_failed: int
    acknowledged_lost: int
    acknowledged_doubled: int
    reconciliation_breaks: int
    orders_per_second: float
    latency_ms: Latency
    restarts: int
    seconds: float
    streams_moved: int = 0
    orders_restated: int = 0
    problems: tuple[str, ...] = field(default=())

    @property
    def passed(self) -> bool:
        """Nothing was lost, doubled, failed or broken, and nothing else was found wrong."""
        wrong = self.orders_failed or self.acknowledged_lost or self.acknowledged_doubled
        return not (wrong or self.reconciliation_breaks or self.problems)

    def write(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(json.dumps({"passed": self.passed, **asdict(self)}, indent=2) + "\n", "utf-8")

    def show(self, console: Console, path: Path) -> None:
        """The report as a table, and the verdict as the last line."""
        table = Table(show_header=False, box=None)
        for name, value in asdict(self).items():
            if name not in ("problems", "latency_ms"):
                table.add_row(name.replace("_", " "), f"{value:,}")
        table.add_row("latency p50 / p99", f"{self.latency_ms.p50:,} / {self.latency_ms.p99:,} ms")
        console.print(table)
        for problem in self.problems:
            console.print(f"problem: {problem}", highlight=False)
        console.print(f"Report: {path}", highlight=False, soft_wrap=True)
        if self.passed:
            moved = f" of {self.streams_moved} streams that moved between two versions" if self.streams_moved else ""
            console.print(
                f"PASSED: nothing acknowledged{moved} was lost or done twice, no order failed, and everything reconciles"
            )
        else:
            console.print("FAILED: see above, and the report")


def is_fault(reason: str) -> bool:
    """Whether a command that was refused for it failed: it is no answer to what the command asks for."""
    return STATUS_OF.get(reason) in FAULTS


def latency(milliseconds: list[float]) -> Latency:
    """Percentiles by nearest rank; zeros without a sample."""
    if not milliseconds:
        return Latency(0.0, 0.0)
    ordered = sorted(milliseconds)
    return Latency(*(round(ordered[min(len(ordered) - 1, len(ordered) * percent // 100)], 3) for percent in (50, 99)))
