"""Whether Kubernetes would admit a document: its schema, unknown fields refused, lists with keys, and the schema's CEL rules.

jsonschema does the first; the rules are evaluated as the local mesh evaluates them (mesh/local/rules.py).
"""

from collections.abc import Iterator
from typing import Any

import jsonschema

from mesh import schemas
from mesh.local.document import dotted
from mesh.local.rules import broken
from mesh.schemas import Schema


def problems(document: dict[str, Any]) -> list[str]:
    """What is wrong with a whole document; empty when it is admitted."""
    key = str(document.get("apiVersion")), str(document.get("kind"))
    if key not in schemas.kinds():
        return [f"no schema for {key}"]
    return problems_of(document, schemas.schema(*key))


def problems_of(value: Any, schema: Schema) -> list[str]:
    """What is wrong with a value of that schema."""
    wrong = [
        f"{'.'.join(map(str, error.absolute_path))}: {error.message}"
        for error in jsonschema.Draft202012Validator(strict(schema)).iter_errors(value)
    ]
    return wrong or [f"{dotted(path)}: {why}" for path, why in broken(schema, value, ())]


def strict(schema: Any) -> Any:
    """The same schema as JSON Schema, in which a field that is not named is an error."""
    if not isinstance(schema, dict):
        return schema
    made = {name: value for name, value in schema.items() if name != "format"}
    if schema.get("format") == "int-or-string":
        made["type"] = ["integer", "string"]
    if schema.get("nullable"):
        made["type"] = [schema["type"], "null"]
    if "properties" in schema:
        made["properties"] = {name: strict(value) for name, value in schema["properties"].items()}
        if not schema.get("x-kubernetes-preserve-unknown-fields"):
            made.setdefault("additionalProperties", False)
    for name in ("items", "additionalProperties"):
        if isinstance(schema.get(name), dict):
            made[name] = strict(schema[name])
    return made


def rules(schema: Any) -> Iterator[str]:
    """Every rule in a schema."""
    if isinstance(schema, dict):
        for said in schema.get("x-kubernetes-validations", ()):
            if isinstance(said, dict):
                yield said["rule"]
        for inner in schema.values():
            yield from rules(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from rules(inner)
