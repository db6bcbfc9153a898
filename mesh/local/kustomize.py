"""The part of kustomize that our folders use: the files that a kustomization names, and patches laid over workloads.

Everything else that a kustomization could say is refused (refusal.py), so nothing of it is lost here.
"""

import copy
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

from mesh.local.document import Document, Json, read_text

KUSTOMIZATION = "kustomization.yaml"


def read_folder(path: Path) -> list[Document]:
    """Every document of a file, or of a folder: of what its kustomization names, or of all its YAML files."""
    if path.is_file():
        return list(read_text(path.read_text(), str(path)))
    own = path / KUSTOMIZATION
    if not own.is_file():
        return [document for file in sorted(path.glob("*.yaml")) for document in read_folder(file)]
    (kustomization,) = read_folder(own)
    found = [document for name in kustomization.body.get("resources") or [] for document in read_folder(path / name)]
    for name in kustomization.body.get("components") or []:
        (component,) = read_folder(path / name / KUSTOMIZATION)
        found = [component, *laid_over_all(found, path / name, component)]
    return [kustomization, *laid_over_all(found, path, kustomization)]


def laid_over_all(documents: list[Document], path: Path, kustomization: Document) -> list[Document]:
    """The documents with the patches of the kustomization at `path`."""
    found = documents
    for item in kustomization.body.get("patches") or []:
        if {"path", "target"} <= item.keys():
            (patch,) = read_folder(path / item["path"])
            found = [
                laid_over(document, patch) if aimed_at(item["target"], document) else document for document in found
            ]
    return found


def aimed_at(target: Json, document: Document) -> bool:
    """Whether a patch's target, whose kind and name are whole regular expressions, means the document."""
    return all(
        re.fullmatch(target.get(field, ".*"), value)
        for field, value in (("kind", document.kind), ("name", document.name))
    )


def laid_over(document: Document, patch: Document) -> Document:
    """The document with the patch's fields; who it is stays. Lines are the document's own."""
    body = copy.deepcopy(document.body)
    spec = {name: value for name, value in patch.body.items() if name not in ("apiVersion", "kind", "metadata")}
    lay(body, spec)
    return Document(body, document.file, document.node, document.first_line)


def lay(target: Json, patch: Json) -> None:
    """Kubernetes' strategic merge: mappings are merged, lists of named items by name, any other value is replaced."""
    for name, value in patch.items():
        old = target.get(name)
        if isinstance(value, dict) and isinstance(old, dict):
            lay(old, value)
        elif isinstance(old, list) and is_named(value) and is_named(old):
            target[name] = list(merged(old, value))
        else:
            target[name] = copy.deepcopy(value)


def is_named(value: Any) -> bool:
    return isinstance(value, list) and all(isinstance(item, dict) and "name" in item for item in value)


def merged(old: Iterable[Json], new: Iterable[Json]) -> Iterator[Json]:
    named = {item["name"]: copy.deepcopy(item) for item in old}
    for item in new:
        lay(named.setdefault(item["name"], {}), item)
    return iter(named.values())
