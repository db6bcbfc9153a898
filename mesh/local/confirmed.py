"""Whether an Envoy runs what it was given, and why not."""

import re
from pathlib import Path

from mesh.local.admin import Admin
from mesh.local.document import Json
from mesh.local.files import version_of, with_endpoints
from mesh.local.translate import Resources

LOG_TAIL_BYTES = 65_536
REFUSED = "config update rejected: "
NEXT_LINE = re.compile(r"^\[20\d\d-", re.MULTILINE)


def behind(admin: Admin, resources: Resources) -> list[str]:
    """What Envoy does not run yet. Unreachable when it does not answer."""
    running = admin.versions()
    clusters, listeners = version_of(with_endpoints(resources)), version_of(resources.listeners)
    wanted = {"cluster_manager.cds": clusters, "listener_manager.lds": listeners}
    late = [name for name, version in wanted.items() if running.get(name) != version]
    return late + [
        f"routes {item['name']}" for item in resources.routes if route_versions(running, item) != {version_of([item])}
    ]


def route_versions(running: dict[str, str], item: Json) -> set[str]:
    """One for each listener that reads these routes."""
    return {version for name, version in running.items() if name.endswith(f".rds.{item['name']}")}


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
