"""The rules of Istio's schemas (CEL), which an API server evaluates when a document is applied.

cel-python has all that they use but for a few functions of Kubernetes' own (FUNCTIONS). A rule that cannot be evaluated is not
passed, as in Kubernetes.
"""

import json
import re
from collections.abc import Iterator, Sequence
from functools import cache, lru_cache
from typing import Any
from urllib.parse import urlsplit

import celpy
from celpy import celtypes
from celpy.adapter import json_to_cel
from celpy.evaluation import CELEvalError

from mesh.local.document import FIELD_PATH, Document, Problem
from mesh.local.shape import schema_of
from mesh.schemas import Schema

ISTIO_GROUP = ".istio.io/"
VERDICTS = 4096  # Most of what is read again is as it was.


def unruly(documents: Sequence[Document]) -> Iterator[Problem]:
    """Where a document of Istio's, of the right shape, breaks a rule of its schema."""
    for document in documents:
        if ISTIO_GROUP in str(document.body.get("apiVersion")) and document.kind != "IstioOperator":
            for path, why in broken(schema_of(document), document.body, ()):
                yield document.problem(path, why)


def broken(schema: Schema, value: Any, path: FIELD_PATH) -> Iterator[tuple[FIELD_PATH, str]]:
    """Where a rule of the schema does not hold, and its message."""
    for said in schema.get("x-kubernetes-validations", ()):
        why = refused(said["rule"], value)
        if why is not None:
            yield path, f"{said.get('message', said['rule'])}{why}"
    if isinstance(value, dict):
        extra = schema.get("additionalProperties")
        for name, inner in value.items():
            known = schema.get("properties", {}).get(name, extra if isinstance(extra, dict) else {})
            yield from broken(known, inner, (*path, str(name)))
    if isinstance(value, list):
        if schema.get("x-kubernetes-list-type") == "map":
            keys = [tuple(item.get(name) for name in schema["x-kubernetes-list-map-keys"]) for item in value]
            yield from ((path, f"{key} is there twice") for key in sorted(set(keys), key=str) if keys.count(key) > 1)
        for index, inner in enumerate(value):
            yield from broken(schema.get("items", {}), inner, (*path, index))


def refused(rule: str, value: Any) -> str | None:
    """None if the rule holds for the value; what evaluation said, if it failed."""
    return verdict(rule, json.dumps(value, sort_keys=True))


@lru_cache(maxsize=VERDICTS)
def verdict(rule: str, written: str) -> str | None:
    try:
        return None if program(rule).evaluate({"self": json_to_cel(json.loads(written))}) else ""
    except CELEvalError as error:
        return f" ({error})"


@cache
def program(rule: str) -> celpy.Runner:
    environment = celpy.Environment()
    return environment.program(environment.compile(rule), functions=FUNCTIONS)


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
