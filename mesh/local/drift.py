"""What an Envoy says it runs, against what the YAML says it should."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from mesh.local.admin import ADMIN_SOCKET, Admin, Unreachable
from mesh.local.certificates import secret_file
from mesh.local.document import Json
from mesh.local.files import contents, held_version, read_resources
from mesh.local.model import Pod, World
from mesh.local.named import translating
from mesh.local.resources import Resources, version_of
from mesh.local.translate import resources

REJECTED = "update_rejected$"


@translating
def drift(world: World, pod: Pod, pods: Sequence[Pod], folder: Path) -> list[str]:
    """Every difference between the pod's Envoy and the YAML, in words; empty when there is none. Untranslatable when the YAML is."""
    wanted = resources(world, pod, pods, folder)
    found = [f"{pod.name}: {words}" for words in in_files(folder, wanted)]
    try:
        found += [f"{pod.name}: {words}" for words in in_envoy(Admin(pod.sockets / ADMIN_SOCKET), folder, wanted)]
    except Unreachable as error:
        found.append(f"{pod.name}: its Envoy does not answer: {error}")
    return found


def in_files(folder: Path, wanted: Resources) -> Iterator[str]:
    """Files that are not what the YAML makes: missing, older, edited, or left over."""
    every = contents(folder, wanted)
    for path, items in every.items():
        name = path.relative_to(folder)
        held = read_resources(path)
        if held is None:
            yield f"{name} is missing"
        elif version_of(held) != version_of(items):
            yield f"{name} is not what the YAML makes"
    left = [path for path in sorted((folder / "rds").glob("*.json")) if path not in every]
    yield from (f"{path.relative_to(folder)} is left over" for path in left)


def in_envoy(admin: Admin, folder: Path, wanted: Resources) -> Iterator[str]:
    """What runs is not what should; with how many updates it refused, when something is wrong at all."""
    running = {str(part["@type"]).rpartition(".")[2]: part for part in admin.json("/config_dump")["configs"]}
    clusters, listeners = running["ClustersConfigDump"], running["ListenersConfigDump"]
    found = [
        *differences("", overall(clusters, listeners), files_of(wanted)),
        *differences("cluster", of_clusters(clusters), of_names(wanted.clusters)),
        *differences("listener", of_listeners(listeners), of_names(wanted.listeners)),
        *differences("routes", of_routes(running), wanted.route_versions),
        *differences("secret", *of_secrets(running, folder)),
    ]
    yield from found
    if found:
        for name, count in admin.counters(REJECTED).items():
            if count:
                yield f"{name.removesuffix('.update_rejected')} refused {count} updates"


def overall(clusters: Json, listeners: Json) -> dict[str, str]:
    """The versions of the two files; an item that a file left as it was keeps its older one."""
    return {"clusters": str(clusters.get("version_info", "")), "listeners": str(listeners.get("version_info", ""))}


def files_of(wanted: Resources) -> dict[str, str]:
    return {"clusters": wanted.cluster_version, "listeners": wanted.listener_version}


def of_names(items: Iterable[Json]) -> dict[str, str]:
    return {str(item["name"]): "" for item in items}


def differences(kind: str, running: Mapping[str, str], wanted: Mapping[str, str]) -> Iterator[str]:
    """By name, and by version where both have it."""
    for name in sorted(wanted.keys() - running.keys()):
        yield f"{kind} {name} does not run".lstrip()
    for name in sorted(running.keys() - wanted.keys()):
        yield f"{kind} {name} runs, and is not in the YAML".lstrip()
    for name in sorted(running.keys() & wanted.keys()):
        if running[name] != wanted[name]:
            yield f"{kind} {name} at version {running[name] or '(none)'} run, and the YAML makes {wanted[name]}".lstrip()


def of_clusters(running: Json) -> dict[str, str]:
    return {str(item["cluster"]["name"]): "" for item in running.get("dynamic_active_clusters") or []}


def of_listeners(running: Json) -> dict[str, str]:
    return {str(item["name"]): "" for item in running.get("dynamic_listeners") or [] if "active_state" in item}


def of_routes(running: Mapping[str, Json]) -> dict[str, str]:
    return versions(running["RoutesConfigDump"].get("dynamic_route_configs"), "route_config")


def of_secrets(running: Mapping[str, Json], folder: Path) -> tuple[dict[str, str], dict[str, str]]:
    """Those that run, and the versions of their files."""
    part = running.get("SecretsConfigDump", {})
    found = {str(item["name"]): str(item.get("version_info", "")) for item in part.get("dynamic_active_secrets") or []}
    waiting = {str(item["name"]): "" for item in part.get("dynamic_warming_secrets") or []}
    return found, {name: held_version(secret_file(folder, name)) or "(no file)" for name in {**found, **waiting}}


def versions(items: Iterable[Any] | None, inner: str) -> dict[str, str]:
    return {str(item[inner]["name"]): str(item.get("version_info", "")) for item in items or []}
