"""Whether Envoy would take what it is to be given, asked of one that only looks at it: nothing listens, nothing is called."""

import json
import re
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from mesh.local.document import Json
from mesh.local.files import bootstrap
from mesh.local.model import Pod
from mesh.local.private import write_private
from mesh.local.resources import Resources

SECONDS = 30.0
WHY = re.compile(r"error initializing configuration '[^']*': (.*)", re.DOTALL)


def refusal(envoy: Path, pod: Pod, folder: Path, resources: Resources) -> str:
    """Why the pod's Envoy would refuse it; empty when it would take it. Its certificates are in the folder already."""
    file = folder / "validated.json"
    write_private(file, json.dumps(whole(pod, folder, resources)))
    command = [str(envoy), "--mode", "validate", "--config-path", str(file), "--disable-hot-restart"]
    try:
        said = subprocess.run(
            [*command, "--log-level", "critical"], capture_output=True, text=True, timeout=SECONDS, check=False
        )
    except subprocess.TimeoutExpired:
        return f"it was not looked at within {SECONDS:.0f} s"
    finally:
        file.unlink()
    if said.returncode == 0:
        return ""
    found = WHY.search(said.stderr)
    return found[1].strip() if found else f"it ended with {said.returncode}: {said.stderr.strip()}"


def whole(pod: Pod, folder: Path, resources: Resources) -> Json:
    """The pod's bootstrap with all resources in it, the routes in their listeners."""
    start = {name: value for name, value in bootstrap(pod, folder).items() if name != "dynamic_resources"}
    routes = {str(table["name"]): table for table in resources.routes}
    found = {
        "clusters": [untyped(one) for one in resources.clusters_with_endpoints],
        "listeners": [untyped(routed(one, routes)) for one in resources.listeners],
    }
    return {**start, "static_resources": found}


def routed(value: Any, routes: Mapping[str, Json]) -> Any:
    """With the table itself wherever one is named."""
    if isinstance(value, list):
        return [routed(item, routes) for item in value]
    if not isinstance(value, dict):
        return value
    made = {key: routed(item, routes) for key, item in value.items() if key != "rds"}
    if "rds" in value:
        table = untyped(routes[value["rds"]["route_config_name"]])
        made["route_config"] = {**table, "validate_clusters": False}
    return made


def untyped(resource: Json) -> Json:
    return {name: value for name, value in resource.items() if name != "@type"}
