"""The files that an Envoy reads: its bootstrap, and the resources that it watches.

A file is replaced by rename, which is what Envoy watches for, and only when it holds anything else, whatever version it claims.
What is named must be there before who names it: clusters, then new routes, listeners, other routes; what is no longer named
goes last.

Endpoints stand in their clusters, and not in files of their own (EDS): for each file Envoy takes an inotify instance, of which
a user has 128 on an ordinary machine, and when there is none left it aborts. So it takes five. Streams outlive a change of their
cluster; new calls go the new way at once. What is lost is which endpoints were ejected when an endpoint of theirs comes or goes.
"""

import json
import os
from collections.abc import Iterable, Sequence
from pathlib import Path

from mesh.local.admin import ADMIN_SOCKET
from mesh.local.cluster import watched
from mesh.local.connection import route_file
from mesh.local.document import Json
from mesh.local.model import Pod
from mesh.local.resources import Resources, version_of

CONNECTIONS = (
    "type.googleapis.com/envoy.extensions.resource_monitors.downstream_connections.v3.DownstreamConnectionsConfig"
)
MAX_CONNECTIONS = 50_000
RUNTIME = {"re2.max_program_size.error_level": 32_768}  # Patterns as long as Istio's own bootstrap allows.
MAX_SOCKET_PATH = 107

Held = dict[Path, tuple[Sequence[Json], tuple[int, int, int] | None]]


def cluster_file(folder: Path) -> Path:
    return folder / "cds" / "clusters.json"


def listener_file(folder: Path) -> Path:
    return folder / "lds" / "listeners.json"


def bootstrap(pod: Pod, folder: Path) -> Json:
    """What Envoy starts with: who it is, its admin socket, and the files to watch. Its resources are not in it."""
    longest = pod.sockets / ADMIN_SOCKET
    assert len(str(longest)) <= MAX_SOCKET_PATH, f"{longest} is too long for a Unix socket"
    kind = "router" if pod.gateway else "sidecar"
    return {
        "node": {
            "id": f"{kind}~{pod.address}~{pod.name}.{pod.namespace}~{pod.namespace}.svc.cluster.local",
            "cluster": f"{pod.labels.get('app', pod.name)}.{pod.namespace}",
            "metadata": {
                "LABELS": dict(pod.labels),
                "NAMESPACE": pod.namespace,
                "SERVICE_ACCOUNT": pod.service_account,
            },
        },
        "admin": {"address": {"pipe": {"path": str(longest), "mode": 0o600}}},
        "dynamic_resources": {
            "cds_config": watched(cluster_file(folder)),
            "lds_config": watched(listener_file(folder)),
        },
        "layered_runtime": {"layers": [{"name": "istio", "static_layer": RUNTIME}]},
        "stats_config": {
            "use_all_default_tags": True,
            "stats_tags": [
                {"tag_name": "cluster_name", "regex": r"^cluster\.((.+?(\..+?\.svc\.cluster\.local)?);\.)"},
                {"tag_name": "http_conn_manager_prefix", "regex": r"^http\.((.+?);\.)"},
            ],
        },
        "overload_manager": {
            "resource_monitors": [
                {
                    "name": "envoy.resource_monitors.global_downstream_max_connections",
                    "typed_config": {"@type": CONNECTIONS, "max_active_downstream_connections": MAX_CONNECTIONS},
                }
            ]
        },
    }


def contents(folder: Path, resources: Resources) -> dict[Path, Sequence[Json]]:
    """Every file with its resources, in the order of writing when all are there: CDS, LDS, RDS."""
    return {
        cluster_file(folder): resources.clusters_with_endpoints,
        listener_file(folder): resources.listeners,
        **{route_file(folder, item["name"]): [item] for item in resources.routes},
    }


def push(folder: Path, resources: Resources, held: Held | None = None) -> list[str]:
    """Writes what changed, and removes what is no longer named. The names of the changed files, in the order of writing.

    `held`: what each file was found to hold, and the stamp that it had then, kept from one push to the next; one that still
    has that stamp is not read again.
    """
    held = {} if held is None else held
    wanted = contents(folder, resources)
    for path in wanted:
        path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    changed = [path for path in in_order(wanted) if replace(path, wanted[path], held)]
    dead = [path for path in sorted((folder / "rds").glob("*.json")) if path not in wanted]
    for path in dead:
        path.unlink()
    return [str(path.relative_to(folder)) for path in [*changed, *dead]]


def in_order(paths: Iterable[Path]) -> list[Path]:
    """Routes that a listener is about to name for the first time go before it."""
    every = list(paths)
    new = [path for path in every if not path.exists()]
    ranks = {"cds": 0, "lds": 2}
    return sorted(every, key=lambda path: ranks.get(path.parent.name, 1 if path in new else 3))


def replace(path: Path, items: Sequence[Json], held: Held) -> bool:
    """Puts the resources there at once, unless they are there already. Envoy reads a file that is replaced also when its
    version is the same, and before it answers what is asked of it later.
    """
    if (before := stamp(path)) and held.get(path) == (items, before):
        return False
    text = json.dumps({"version_info": version_of(items), "resources": list(items)})
    if changed := text_of(path) != text:
        fresh = path.with_name(f".{path.name}.{os.getpid()}")
        fresh.touch(mode=0o600)
        fresh.write_text(text)
        fresh.replace(path)
    held[path] = (items, stamp(path))
    return changed


def stamp(path: Path) -> tuple[int, int, int] | None:
    """Another one after each change of the file, whoever makes it; None when there is none."""
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_ctime_ns, found.st_size


def text_of(path: Path) -> str | None:
    """None when it cannot be read."""
    try:
        return path.read_text()
    except (OSError, ValueError):
        return None


def held_version(path: Path) -> str | None:
    """The version that the file says it has; None when there is no such file."""
    try:
        return str(json.loads(path.read_text())["version_info"])
    except (OSError, ValueError, LookupError, TypeError):
        return None


def read_resources(path: Path) -> Sequence[Json] | None:
    """The resources in the file; None when there is none, or it cannot be read."""
    try:
        found: Sequence[Json] = json.loads(path.read_text())["resources"]
    except (OSError, ValueError, LookupError, TypeError):
        return None
    return found
