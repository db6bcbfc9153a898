"""Whether an Envoy runs what it was given, and why not."""

import re
from collections.abc import Mapping
from pathlib import Path

from mesh.local.resources import Resources

LOG_TAIL_BYTES = 65_536
REFUSED = "config update rejected: "
NEXT_LINE = re.compile(r"^\[20\d\d-", re.MULTILINE)


def behind(running: Mapping[str, str], resources: Resources) -> list[str]:
    """What an Envoy that runs these versions does not run yet."""
    wanted = {"cluster_manager.cds": resources.cluster_version, "listener_manager.lds": resources.listener_version}
    late = [name for name, version in wanted.items() if running.get(name) != version]
    return late + [
        f"routes {name}" for name, version in resources.route_versions.items() if of_routes(running, name) != {version}
    ]


def of_routes(running: Mapping[str, str], table: str) -> set[str]:
    """One version for each listener that reads these routes."""
    return {version for name, version in running.items() if name.endswith(f".rds.{table}")}


def words(log: Path, start: int) -> str:
    """What Envoy last said in its log about a refusal, since that place in it."""
    try:
        with log.open("rb") as file:
            file.seek(max(start, log.stat().st_size - LOG_TAIL_BYTES))
            text = file.read().decode(errors="replace")
    except OSError as error:
        return f"(no log: {error})"
    _, found, said = text.rpartition(REFUSED)
    if not found:
        return "(its log does not say why)"
    end = NEXT_LINE.search(said)
    lines = [line for line in said[: end.start() if end else None].splitlines() if line]
    return lines[0] if len(lines) == 1 else f"{lines[0]} … {lines[-1]}"
