"""What one Envoy must have, and the versions by which it says what it runs."""

import hashlib
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from mesh.local.document import Json


@dataclass(frozen=True)
class Resources:
    """Envoy's v3 resources, each with its @type."""

    clusters: tuple[Json, ...]
    endpoints: tuple[Json, ...]
    listeners: tuple[Json, ...]
    routes: tuple[Json, ...]

    @cached_property
    def clusters_with_endpoints(self) -> list[Json]:
        """The clusters, each with its own endpoints."""
        assigned = {item["cluster_name"]: item["endpoints"] for item in self.endpoints}
        return [
            {
                **{name: value for name, value in cluster.items() if name != "eds_cluster_config"},
                "type": "STATIC",
                "load_assignment": {"cluster_name": cluster["name"], "endpoints": assigned.get(cluster["name"], [])},
            }
            if cluster.get("type") == "EDS"
            else cluster
            for cluster in self.clusters
        ]

    @cached_property
    def cluster_version(self) -> str:
        return version_of(self.clusters_with_endpoints)

    @cached_property
    def listener_version(self) -> str:
        return version_of(self.listeners)

    @cached_property
    def route_versions(self) -> Mapping[str, str]:
        """By the name of the table."""
        return {str(item["name"]): version_of([item]) for item in self.routes}


def version_of(items: Sequence[Json]) -> str:
    """The same resources always have the same version."""
    text = json.dumps(items, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:16]
