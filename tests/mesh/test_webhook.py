"""What Istio's webhook refuses is refused by file, line and field; and no YAML at all ends the translator."""

import copy
import random
import time
from collections.abc import Iterator
from typing import Any

import pytest
import yaml

from mesh.local import refusal
from mesh.local.document import Document, Untranslatable, read_text
from mesh.local.model import World
from mesh.local.named import translating
from mesh.local.sources import SOURCES
from mesh.local.translate import resources
from tests.mesh.schema_fields import KEY, put
from tests.mesh.test_refusal import (
    CHECKED,
    FOLDER,
    ONE_OF_EACH,
    PLAIN,
    PODS,
    company,
    plain_world,
    schema_of,
    value_of,
)

Json = dict[str, Any]
SEED, SECONDS = 20_261_123, 8.0
EMPTY: tuple[Any, ...] = ({}, [], "")
RULE = ("spec", "trafficPolicy")
ROUTE = ("spec", "http", "[]")
HASH = (*RULE, "loadBalancer", "consistentHash")
DESTINATION, PATCH = {"destination": {"host": "svc-quote"}}, {"operation": "MERGE", "value": {}}


@pytest.mark.parametrize(
    ("kind", "path", "value", "field", "why"),
    [
        (
            "DestinationRule",
            (*RULE, "portLevelSettings"),
            [{"loadBalancer": {"simple": "RANDOM"}}],
            "spec.trafficPolicy.portLevelSettings[0]",
            "needs port",
        ),
        (
            "DestinationRule",
            (*RULE, "portLevelSettings"),
            [{"port": {"number": 1}}, {"port": {"number": 1}}],
            "spec.trafficPolicy.portLevelSettings[1].port.number",
            "1 is there twice",
        ),
        ("DestinationRule", ("spec", "subsets"), [{"name": "a"}] * 2, "spec.subsets[1].name", "a is there twice"),
        (
            "DestinationRule",
            HASH,
            {"httpHeaderName": "a", "useSourceIp": True},
            "spec.trafficPolicy.loadBalancer.consistentHash.useSourceIp",
            "excludes httpHeaderName",
        ),
        (
            "DestinationRule",
            (*RULE, "outlierDetection"),
            {"maxEjectionPercent": 101},
            "spec.trafficPolicy.outlierDetection.maxEjectionPercent",
            "101 is no percentage: it is from 0 to 100",
        ),
        ("VirtualService", ("spec", "hosts"), [], "spec.hosts", "is empty: it would be for no host"),
        (
            "VirtualService",
            (*ROUTE, "match"),
            [{"uri": {"exact": ""}}],
            "spec.http[0].match[0].uri.exact",
            "is empty: no path is",
        ),
        (
            "VirtualService",
            (*ROUTE, "fault"),
            {"abort": {"percentage": {"value": 1}}},
            "spec.http[0].fault.abort",
            "needs httpStatus or grpcStatus",
        ),
        (
            "VirtualService",
            (*ROUTE, "fault"),
            {"abort": {"httpStatus": 503, "percentage": {"value": 100.5}}},
            "spec.http[0].fault.abort.percentage.value",
            "100.5 is no percentage: it is from 0 to 100",
        ),
        (
            "VirtualService",
            (*ROUTE, "corsPolicy"),
            {"allowOrigins": [{}]},
            "spec.http[0].corsPolicy.allowOrigins[0]",
            "needs exact, prefix or regex",
        ),
        ("VirtualService", (*ROUTE, "retries"), {"attempts": -1}, "spec.http[0].retries.attempts", "is negative"),
        (
            "Sidecar",
            ("spec", "egress"),
            [{"hosts": ["svc-quote"]}],
            "spec.egress[0].hosts[0]",
            "svc-quote names no namespace: write NAMESPACE/HOST",
        ),
        (
            "EnvoyFilter",
            ("spec", "configPatches"),
            [{"applyTo": "CLUSTER", "match": {"cluster": {}, "listener": {}}, "patch": PATCH}],
            "spec.configPatches[0].match.listener",
            "excludes cluster",
        ),
        (
            "EnvoyFilter",
            ("spec", "configPatches"),
            [{"applyTo": "CLUSTER", "patch": {"operation": "MERGE"}}],
            "spec.configPatches[0].patch",
            "MERGE needs a value",
        ),
        (
            "Telemetry",
            ("spec", "tracing"),
            [{"customTags": {"a": {"literal": {"value": "b"}, "header": {"name": "c"}}}}],
            "spec.tracing[0].customTags.a.header",
            "excludes literal",
        ),
    ],
)
def test_what_the_webhook_refuses_is_refused_by_line(
    kind: str, path: tuple[str, ...], value: Any, field: str, why: str
) -> None:
    assert refused_where(kind, path, value)[field] == why


def refused_where(kind: str, path: tuple[str, ...], value: Any) -> dict[str, str]:
    """By field why a document of that kind with this value is refused, each in its file, of its kind, and on a line behind the first."""
    text = written(put(ONE_OF_EACH[kind], path, value))
    with pytest.raises(Untranslatable) as refused:
        World(list(read_text(text, "own.yaml")))
    for problem in refused.value.problems:
        assert (problem.file, problem.kind) == ("own.yaml", kind)
        assert 1 < problem.line <= len(text.splitlines())
    return {problem.path: problem.why for problem in refused.value.problems}


def test_no_document_ends_the_translator() -> None:
    """Of our own documents and of those with one field of the schema set: without what stands at one place, or empty there. It is
    translated, or refused by file and line; and what a rule refuses is not left to the last resort.
    """
    dice = random.Random(SEED)
    whole = [*PLAIN, *(document.body for document in World.load(SOURCES).documents), *set_fields()]
    drawn = [(document, path) for document in whole for path in places(document.get("spec"), ("spec",))]
    dice.shuffle(drawn)
    end, told = time.monotonic() + SECONDS, set()
    for document, path in drawn:
        if time.monotonic() > end:
            break
        told |= set(crashes(document, path, dice))
    assert sorted(told) == [], f"seed {SEED}"


def crashes(document: Json, path: tuple[Any, ...], dice: random.Random) -> Iterator[str]:
    for value in (None, dice.choice(EMPTY)):
        (changed,) = read_text(written(without(document, path, value)), "own.yaml")
        try:
            world = plain_world().changed([changed])
            for pod in PODS:
                resources(world, pod, PODS, FOLDER)
        except Untranslatable as error:
            for problem in error.problems:
                assert (problem.file, problem.line > 0) == ("own.yaml", True), problem
                if "cannot be translated" in problem.why:
                    yield f"{problem.kind} {path} {value}: {problem.why}"


def set_fields() -> Iterator[Json]:
    """Of each field that is translated, a document that has it."""
    for kind in CHECKED:
        for field in schema_of(kind):
            plain, _, key, _ = company(kind, field)
            changed = put(plain, field.path, value_of(field), key if KEY in field.path else "k")
            if not list(refusal.problems_of(Document(changed))):
                yield changed


def places(value: Any, path: tuple[Any, ...]) -> Iterator[tuple[Any, ...]]:
    if value is not None:
        yield path
    for key, inner in value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ():
        yield from places(inner, (*path, key))


def without(document: Json, path: tuple[Any, ...], value: Any) -> Json:
    """A copy with this value there; nothing at all for None."""
    made = copy.deepcopy(document)
    target: Any = made
    for step in path[:-1]:
        target = target[step]
    if value is None:
        del target[path[-1]]
    else:
        target[path[-1]] = copy.deepcopy(value)
    return made


def written(document: Json) -> str:
    return yaml.dump(document, Dumper=yaml.CSafeDumper, sort_keys=False)


def test_an_unexpected_error_names_the_document_it_was_at() -> None:
    """The innermost one, by file and line."""

    @translating
    def outer(documents: list[Document]) -> None:
        for document in documents:
            inner(document)

    def inner(document: Document) -> None:
        document.body["spec"]["missing"]

    found = list(
        read_text(
            "kind: A\nmetadata: {name: a}\nspec: {missing: 1}\n---\nkind: B\nmetadata: {name: b}\nspec: {}\n",
            "own.yaml",
        )
    )
    with pytest.raises(Untranslatable) as refused:
        outer(found)
    assert str(refused.value) == "own.yaml:5: B b: (document): cannot be translated: KeyError: 'missing'"
