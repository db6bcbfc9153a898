"""Whether Kubernetes would admit a document: its schema, unknown fields refused, lists with keys, and the schema's CEL rules.

jsonschema does the first; the rules are evaluated by cel-python, which has all that they use but for a few functions of
Kubernetes' own (FUNCTIONS). A rule that cannot be evaluated is not passed, as in Kubernetes.
"""

import re
from collections.abc import Iterator
from functools import cache
from typing import Any
from urllib.parse import urlsplit

import celpy
import jsonschema
from celpy import celtypes
from celpy.adapter import json_to_cel
from celpy.evaluation import CELEvalError

from mesh import schemas
from mesh.schemas import Schema

URL = re.compile(r"(/|[A-Za-z][A-Za-z0-9+.-]*:)\S*")


def is_url(text: Any) -> celtypes.BoolType:
    return celtypes.BoolType(URL.fullmatch(str(text)) is not None)


def url(text: Any) -> celtypes.StringType:
    if not is_url(text):
        raise CELEvalError(f"{text} is no URL")
    return celtypes.StringType(text)


def scheme(text: Any) -> celtypes.StringType:
    return celtypes.StringType(urlsplit(str(text)).scheme)


def substring(text: Any, start: Any, end: Any) -> celtypes.StringType:
    return celtypes.StringType(str(text)[int(start) : int(end)])


FUNCTIONS: Any = {"isURL": is_url, "url": url, "getScheme": scheme, "substring": substring}


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
    return wrong or [f"{path}: {why}" for path, why in broken(schema, value, "")]


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


def broken(schema: Schema, value: Any, path: str) -> Iterator[tuple[str, str]]:
    """Where a rule of the schema does not hold, and its message."""
    for said in schema.get("x-kubernetes-validations", ()):
        why = refused(said["rule"], value)
        if why is not None:
            yield path, f"{said.get('message', said['rule'])}{why}"
    if isinstance(value, dict):
        extra = schema.get("additionalProperties")
        for name, inner in value.items():
            known = schema.get("properties", {}).get(name, extra if isinstance(extra, dict) else {})
            yield from broken(known, inner, f"{path}.{name}")
    if isinstance(value, list):
        if schema.get("x-kubernetes-list-type") == "map":
            keys = [tuple(item.get(name) for name in schema["x-kubernetes-list-map-keys"]) for item in value]
            yield from ((path, f"{key} is there twice") for key in sorted(set(keys), key=str) if keys.count(key) > 1)
        for index, inner in enumerate(value):
            yield from broken(schema.get("items", {}), inner, f"{path}[{index}]")


def refused(rule: str, value: Any) -> str | None:
    """None if the rule holds for the value; what evaluation said, if it failed."""
    try:
        return None if program(rule).evaluate({"self": json_to_cel(value)}) else ""
    except CELEvalError as error:
        return f" ({error})"


@cache
def program(rule: str) -> celpy.Runner:
    environment = celpy.Environment()
    return environment.program(environment.compile(rule), functions=FUNCTIONS)


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
