"""Whether a document has the shape that its schema gives it: the type of each field, what must be there, and which values may.

The schemas are those of Kubernetes and Istio (mesh/schemas); kustomize and IstioOperator publish none, so what we use is here.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any

from mesh import schemas
from mesh.local.document import FIELD_PATH, Document
from mesh.schemas import Schema

TEXT = {"type": "string"}
TEXTS = {"type": "array", "items": TEXT}
OPEN: Schema = {"type": "object", "x-kubernetes-preserve-unknown-fields": True}
ANY_OBJECT: Schema = {"apiVersion": TEXT, "kind": TEXT, "metadata": OPEN}
TARGET = {"type": "object", "properties": {"kind": TEXT, "name": TEXT}}
PATCH = {"type": "object", "required": ["path", "target"], "properties": {"path": TEXT, "target": TARGET}}
PATCHES = {"type": "array", "items": PATCH}
OURS: dict[tuple[str, str], Schema] = {
    ("install.istio.io/v1alpha1", "IstioOperator"): {
        "type": "object",
        "properties": {**ANY_OBJECT, "spec": {**OPEN, "properties": {"meshConfig": OPEN}}},
    },
    ("kustomize.config.k8s.io/v1beta1", "Kustomization"): {
        "type": "object",
        "properties": {**ANY_OBJECT, "namespace": TEXT, "resources": TEXTS, "components": TEXTS, "patches": PATCHES},
    },
    ("kustomize.config.k8s.io/v1alpha1", "Component"): {
        "type": "object",
        "properties": {**ANY_OBJECT, "patches": PATCHES},
    },
}
NAMES = {
    "array": "list",
    "boolean": "boolean",
    "integer": "whole number",
    "number": "number",
    "object": "mapping",
    "string": "text",
}
TYPES: dict[str, tuple[type, ...]] = {
    "array": (list,),
    "boolean": (bool,),
    "integer": (int,),
    "number": (int, float),
    "object": (dict,),
    "string": (str,),
}


BITS = {"int32": 31, "int64": 63}


@cache
def kinds() -> dict[str, tuple[str, ...]]:
    """The apiVersions that each kind has."""
    found: dict[str, tuple[str, ...]] = {}
    for version, kind in sorted(schemas.kinds() | OURS.keys()):
        found[kind] = (*found.get(kind, ()), version)
    return found


def schema_of(document: Document) -> Schema:
    """KeyError when there is none."""
    key = str(document.body.get("apiVersion")), document.kind
    return OURS[key] if key in OURS else schemas.schema(*key)


def wrong(schema: Schema, value: Any, path: FIELD_PATH) -> Iterator[tuple[FIELD_PATH, str]]:
    """Where the value, or something in it, is not as the schema says; one reason for each place."""
    why = unfit(schema, value)
    if why:
        yield path, why
    elif isinstance(value, dict):
        yield from wrong_fields(schema, value, path)
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from wrong(schema.get("items", {}), item, (*path, index))


def wrong_fields(schema: Schema, value: dict[Any, Any], path: FIELD_PATH) -> Iterator[tuple[FIELD_PATH, str]]:
    known, extra = schema.get("properties", {}), schema.get("additionalProperties")
    for name in schema.get("required", ()):
        if name not in value:
            yield path, f"needs {name}"
    for name, inner in value.items():
        below = (*path, name if isinstance(name, str) else str(name))
        if name in known:
            yield from wrong(known[name], inner, below)
        elif isinstance(extra, dict):
            yield from wrong(extra, inner, below)
        elif known and not extra and not schema.get("x-kubernetes-preserve-unknown-fields"):
            yield below, "is not applied: nothing has this field"


def unfit(schema: Schema, value: Any) -> str | None:
    """Why the value itself is none of the schema. A field that is written has a value, also where the schema would do without."""
    kind = schema.get("type")
    if schema.get("x-kubernetes-int-or-string") or schema.get("format") == "int-or-string":
        return None if is_of("integer", value) or is_of("string", value) else f"{shown(value)} is no number or name"
    if kind is None:
        return None
    if not is_of(kind, value):
        return f"{shown(value)} is no {NAMES[kind]}"
    if "enum" in schema and value not in schema["enum"]:
        return f"{shown(value)} is none of {', '.join(map(str, schema['enum']))}"
    return out_of_range(schema, value)


def out_of_range(schema: Schema, value: Any) -> str | None:
    if isinstance(value, str | list):
        one = "item" if isinstance(value, list) else "character"
        least = schema.get("minItems" if isinstance(value, list) else "minLength", 0)
        most = schema.get("maxItems" if isinstance(value, list) else "maxLength", len(value))
        if not least <= len(value) <= most:
            return f"has {len(value)} {one}s, which are too {'few' if len(value) < least else 'many'}"
        if isinstance(value, str) and "pattern" in schema and not re.search(schema["pattern"], value):
            return f"{shown(value)} is not written as {schema['pattern']}"
    elif is_of("number", value):
        least, most = schema.get("minimum", value), schema.get("maximum", value)
        bits = BITS.get(schema.get("format", ""))
        if not least <= value <= most or (bits is not None and not -(1 << bits) <= value < 1 << bits):
            return f"{shown(value)} is out of range"
    return None


def is_of(kind: str, value: object) -> bool:
    return isinstance(value, TYPES[kind]) and (kind == "boolean" or not isinstance(value, bool))


def shown(value: object) -> str:
    """The value, shortened; of nothing, that it is nothing."""
    text = "nothing" if value is None else str(value).lower() if isinstance(value, bool) else str(value)
    return text if len(text) <= 60 else text[:57] + "..."
