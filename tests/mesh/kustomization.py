"""What `kubectl kustomize` makes of a folder, for the part of kustomize that this project uses; anything else is an error."""

import copy
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import yaml

Json = dict[str, Any]
FIELDS = {"apiVersion", "kind", "namespace", "resources", "components", "patches", "images"}
CLUSTER_WIDE = {"Namespace"}
# Lists of Kubernetes that a patch merges, item by item, and the field that tells the items apart; it replaces other lists.
MERGED_LISTS = {
    "containers": "name",
    "env": "name",
    "ports": "containerPort",
    "topologySpreadConstraints": "topologyKey",
    "volumeMounts": "mountPath",
    "volumes": "name",
}


def documents(file: Path) -> list[Json]:
    return [document for document in yaml.load_all(file.read_text("utf-8"), yaml.CSafeLoader) if document]


def build(folder: Path) -> list[Json]:
    """Every object of the folder's kustomization, patched."""
    objects: list[Json] = []
    change(folder, objects)
    return objects


def change(folder: Path, objects: list[Json]) -> None:
    """Adds the folder's resources to the objects and changes them all as its kustomization, or component, says."""
    (said,) = documents(folder / "kustomization.yaml")
    assert set(said) <= FIELDS, f"{folder}: {set(said) - FIELDS}"
    for name in said.get("resources", ()):
        path = (folder / name).resolve()
        objects += build(path) if path.is_dir() else documents(path)
    for name in said.get("components", ()):
        change((folder / name).resolve(), objects)
    for document in objects:
        if said.get("namespace") and document["kind"] not in CLUSTER_WIDE:
            document["metadata"]["namespace"] = said["namespace"]
    for patch in said.get("patches", ()):
        apply(patch, folder, objects)
    for image in said.get("images", ()):
        for container in containers(objects):
            if container["image"] == image["name"]:
                container["image"] = renamed(image)


def apply(patch: Json, folder: Path, objects: list[Json]) -> None:
    change = yaml.safe_load((folder / patch["path"]).read_text("utf-8") if "path" in patch else patch["patch"])
    target = patch.get("target") or {"kind": change["kind"], "name": change["metadata"]["name"]}
    found = [document for document in objects if concerns(target, document)]
    assert found, f"{folder}: {target} is nothing"
    for document in found:
        if isinstance(change, list):
            for operation in change:
                operate(operation, document)
        else:
            inner = {name: value for name, value in change.items() if name not in {"apiVersion", "kind", "metadata"}}
            merge(document, copy.deepcopy(inner))


def concerns(target: Json, document: Json) -> bool:
    assert set(target) <= {"kind", "name", "group", "version"}, target
    return bool(
        re.fullmatch(target.get("kind", ".*"), document["kind"])
        and re.fullmatch(target.get("name", ".*"), document["metadata"]["name"])
    )


def merge(base: Json, change: Json) -> None:
    """A strategic merge; our patches delete nothing."""
    for name, value in change.items():
        known = base.get(name)
        if isinstance(known, dict) and isinstance(value, dict):
            merge(known, value)
        elif isinstance(known, list) and name in MERGED_LISTS and isinstance(value, list):
            base[name] = merged(known, value, MERGED_LISTS[name])
        else:
            base[name] = value


def merged(known: list[Json], changes: list[Json], key: str) -> list[Json]:
    rest = list(changes)
    for item in known:
        for change in [change for change in rest if change[key] == item[key]]:
            rest.remove(change)
            merge(item, change)
    return [*known, *rest]


def operate(operation: Json, document: Json) -> None:
    """One JSON patch operation."""
    *path, last = [step.replace("~1", "/").replace("~0", "~") for step in operation["path"].split("/")[1:]]
    value: Any = document
    for step in path:
        value = value[int(step) if isinstance(value, list) else step]
    if operation["op"] == "add" and last == "-":
        value.append(operation["value"])
    elif operation["op"] == "add" and isinstance(value, list):
        value.insert(int(last), operation["value"])
    else:
        assert operation["op"] in {"add", "replace"}, operation
        step = int(last) if isinstance(value, list) else last
        assert operation["op"] == "add" or value[step] is not None
        value[step] = operation["value"]


def containers(objects: list[Json]) -> Iterator[Json]:
    for document in objects:
        yield from document.get("spec", {}).get("template", {}).get("spec", {}).get("containers", ())


def renamed(image: Json) -> str:
    name = image.get("newName", image["name"])
    return f"{name}@{image['digest']}" if "digest" in image else f"{name}:{image['newTag']}"
