"""The part of kustomize that our folders use: the files that a kustomization names, its namespace, and patches laid over
workloads.

Everything else that a kustomization could say is refused (refusal.py), and so is a name of a file that is not there.
"""

import copy
import re
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

from mesh.local.document import Document, Json, Problem, Untranslatable, read_text
from mesh.local.refusal import problems_of

KUSTOMIZATION = "kustomization.yaml"
OTHER_NAMES = ("kustomization.yml", "Kustomization")
CLUSTER_WIDE = ("ClusterRole", "ClusterRoleBinding", "Component", "Kustomization", "Namespace")
NO_SUCH = "is neither a file nor a folder with a kustomization"


def read_folder(path: Path) -> list[Document]:
    """Every document of a file, or of a folder: of what its kustomization names, or of all its YAML files.

    Untranslatable when something that is named is not there, or holds nothing.
    """
    if path.is_file():
        return read_file(path)
    for name in OTHER_NAMES:
        if (path / name).is_file():
            raise refused(path / name, f"is not read: a kustomization is a file named {KUSTOMIZATION}")
    if (path / KUSTOMIZATION).is_file():
        return kustomized(path)
    files = sorted([*path.glob("*.yaml"), *path.glob("*.yml")])
    if not files:
        raise refused(path, "is no file, and no folder with YAML files")
    return [document for file in files for document in read_file(file)]


def read_file(path: Path) -> list[Document]:
    try:
        return list(read_text(path.read_text("utf-8"), str(path)))
    except (OSError, UnicodeDecodeError) as error:
        raise refused(path, f"cannot be read: {error}") from error


def kustomized(path: Path) -> list[Document]:
    """The kustomization in the folder, and what it makes of what it names."""
    own = only(path / KUSTOMIZATION)
    check(own, path)
    found = [document for name in own.body.get("resources") or [] for document in some(path / name)]
    for name in own.body.get("components") or []:
        component = only(path / name / KUSTOMIZATION)
        check(component, path / name)
        found = [component, *laid_over_all(found, path / name, component)]
    namespace = own.body.get("namespace")
    if namespace:
        found = [moved(document, namespace) for document in found]
    return [own, *laid_over_all(found, path, own)]


def check(kustomization: Document, path: Path) -> None:
    """Untranslatable when the kustomization says what is not applied, or names what is not there."""
    problems = list(problems_of(kustomization)) or list(missing(kustomization, path))
    if problems:
        raise Untranslatable(problems)


def missing(kustomization: Document, path: Path) -> Iterator[Problem]:
    body = kustomization.body
    for index, name in enumerate(body.get("resources") or []):
        inner = path / name
        if not inner.is_file() and not any((inner / one).is_file() for one in (KUSTOMIZATION, *OTHER_NAMES)):
            yield kustomization.problem(("resources", index), f"{name} {NO_SUCH}")
    for index, name in enumerate(body.get("components") or []):
        if not (path / name / KUSTOMIZATION).is_file():
            yield kustomization.problem(("components", index), f"{name} is no folder with a kustomization")
    for index, patch in enumerate(body.get("patches") or []):
        if not (path / patch["path"]).is_file():
            yield kustomization.problem(("patches", index, "path"), f"{patch['path']} is no file")


def some(path: Path) -> list[Document]:
    found = read_folder(path)
    if not found:
        raise refused(path, "holds no object")
    return found


def only(path: Path) -> Document:
    found = read_file(path)
    if len(found) != 1:
        raise refused(path, f"holds {len(found)} documents where one is meant")
    return found[0]


def refused(path: Path, why: str) -> Untranslatable:
    return Untranslatable([Problem(str(path), 0, "", "", "(document)", why)])


def moved(document: Document, namespace: str) -> Document:
    """The document in this namespace, if it can be in one."""
    if document.kind in CLUSTER_WIDE:
        return document
    return replace(document, body={**document.body, "metadata": {**document.metadata, "namespace": namespace}})


def laid_over_all(documents: list[Document], path: Path, kustomization: Document) -> list[Document]:
    """The documents with the patches of the kustomization at `path`."""
    found = documents
    for item in kustomization.body.get("patches") or []:
        patch = only(path / item["path"])
        found = [laid_over(document, patch) if aimed_at(item["target"], document) else document for document in found]
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
    return isinstance(value, list) and all(
        isinstance(item, dict) and isinstance(item.get("name"), str) for item in value
    )


def merged(old: Iterable[Json], new: Iterable[Json]) -> Iterator[Json]:
    named = {item["name"]: copy.deepcopy(item) for item in old}
    for item in new:
        lay(named.setdefault(item["name"], {}), item)
    return iter(named.values())
