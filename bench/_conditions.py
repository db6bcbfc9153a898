"""The conditions of a measurement, and how a benchmark ends: a table, then one JSON object."""

import json
import os
import platform
from pathlib import Path

import grpc
import psutil


def conditions() -> dict[str, str | int | float]:
    """What the figures depend on: machine, load at the start, versions."""
    return {
        "processor": processor(),
        "cores": os.cpu_count() or 0,
        "load_before": round(psutil.getloadavg()[0], 2),
        "python": platform.python_version(),
        "grpcio": grpc.__version__,
    }


def processor() -> str:
    for line in Path("/proc/cpuinfo").read_text("utf-8").splitlines():
        if line.startswith("model name"):
            return line.partition(":")[2].strip()
    return platform.processor()


def conclude(name: str, rows: list[tuple[str, float | int | str]], figures: dict[str, object]) -> None:
    """Prints the conditions and the table, and as the last line the JSON object."""
    measured_under = conditions()
    for key, value in measured_under.items():
        print(f"{key:<28}{value}")
    print()
    for label, value in rows:
        shown = f"{value:,.3f}" if isinstance(value, float) else value
        print(f"{label:<44}{shown:>16}")
    print(json.dumps({"bench": name, **figures, "conditions": measured_under}))
