"""Every field of Istio's schemas is translated, or refused by file, line, kind, name and path; none is ignored in silence."""

import copy
import json
from collections.abc import Iterator
from functools import cache, lru_cache
from pathlib import Path
from typing import Any

import pytest
import yaml

from cli.machine.mesh.sidecar import DRAIN_SECONDS
from mesh import schemas
from mesh.local.document import Document, Untranslatable, read_text
from mesh.local.model import Pod, World
from mesh.local.refusal import problems_of, table, unfit
from mesh.local.resources import Resources
from mesh.local.translate import resources
from tests.mesh.schema_fields import KEY, Field, fields, leaves, put

Json = dict[str, Any]
FOLDER = Path("/folder")
PODS = (
    Pod("svc-order", "svc-order", {"app": "svc-order"}, "127.0.0.2", FOLDER),
    Pod("svc-quote", "svc-quote", {"app": "svc-quote", "version": "stable"}, "127.0.0.3", FOLDER),
    Pod("unready", "svc-quote", {"app": "svc-quote", "version": "stable"}, "127.0.0.4", FOLDER, ready=False),
    Pod("gateway", "gateway", {"app": "gateway"}, "127.0.0.5", FOLDER, gateway=True, ports={443: 8443}),
)
PLAIN: list[Json] = list(yaml.safe_load_all(Path(__file__).with_name("plain.yaml").read_text()))
ONE_OF_EACH = {document["kind"]: document for document in reversed(PLAIN)}
VALUES: dict[str, tuple[Any, Any]] = {
    "text": ("one", "two"),
    "boolean": (True, False),
    "integer": (3, 4),
    "number": (1.5, 2.5),
    "duration": ("3s", "4s"),
    "port": (50052, 50053),
    "block": ("10.0.0.1", "10.0.0.0/8"),
    "retry conditions": ("reset", "503,unavailable"),
    "number as text": ("1", "2"),
    "attribute": ("source.namespace", "connection.sni"),
    "any": ({"name": "one"}, {"name": "two"}),
}
BESIDE: dict[str, list[Json]] = yaml.safe_load(Path(__file__).with_name("beside.yaml").read_text())
ALONE = {
    "PeerAuthentication",
    "AuthorizationPolicy",
    "RequestAuthentication",
    "ServiceEntry",
    "Telemetry",
    "EnvoyFilter",
}
KEYS = {"one": "first keys", "two": "second keys"}
ISTIOS = sorted(kind for version, kind in schemas.kinds() if version.partition("/")[0].endswith(".istio.io"))
CHECKED = [*(kind for kind in ISTIOS if kind in table()), "MeshConfig", "Service"]


@cache
def schema_of(kind: str) -> tuple[Field, ...]:
    if kind == "MeshConfig":
        return tuple(fields(schemas.mesh_config()))
    version = next(version for version, name in schemas.kinds() if name == kind)
    return tuple(fields(schemas.schema(version, kind)["properties"]["spec"], ("spec",)))


def value_of(field: Field, number: int = 0) -> Any:
    if field.values:
        return field.values[-1 - number]
    return VALUES["text" if field.kind == "string" else field.kind if field.kind in VALUES else "any"][number]


def test_every_kind_is_translated_or_refused() -> None:
    """A kind of Istio's or Kubernetes' schemas is in the table, is known to have no part in Envoy, or is refused by its name."""
    known = {*table(), *table()["no_part_in_envoy"]}
    for version, kind in schemas.kinds():
        body = {"apiVersion": version, "kind": kind, "metadata": {"name": "own"}, "spec": {}}
        found = list(problems_of(Document(body)))
        refused = [
            (problem.kind, problem.name) for problem in found if problem.why == f"the kind {kind} is not translated"
        ]
        assert refused == ([] if kind in known else [(kind, "own")])


@pytest.mark.parametrize("kind", CHECKED)
def test_the_table_names_fields_that_exist(kind: str) -> None:
    """Each field that is said to be translated is one of the schema, and so is each value."""
    types = {field.name: field for field in schema_of(kind)}
    for path, leaf in leaves(table()[kind]):
        assert any(name[: len(path)] == path for name in types), path
        if isinstance(leaf, list) and path in types and types[path].values:
            assert set(leaf) <= set(types[path].values), path


@pytest.mark.parametrize("kind", CHECKED)
def test_an_untranslated_field_is_refused_by_line_and_name(kind: str) -> None:
    """Every field of the schema that is not in the table, set in a document that is translated, is refused where it stands."""
    known = dict(leaves(table()[kind]))
    for field in schema_of(kind):
        if not any(field.name[: len(path)] == path for path in known):
            text = yaml.dump(
                put(ONE_OF_EACH[kind], field.path, value_of(field)), Dumper=yaml.CSafeDumper, sort_keys=False
            )
            with pytest.raises(Untranslatable) as refused:
                World(list(read_text(text, "own.yaml")))
            refusals = [problem for problem in refused.value.problems if "not translated" in problem.why]
            (problem,) = [problem for problem in refusals if stands_for(problem.path, field)]
            assert (problem.file, problem.kind, problem.name) == (
                "own.yaml",
                kind,
                ONE_OF_EACH[kind]["metadata"]["name"],
            )
            last = problem.path.rpartition(".")[2].partition("[")[0]
            assert f"{last}:" in text.splitlines()[problem.line - 1]


def stands_for(found: str, field: Field) -> bool:
    """Whether a problem's path is that of the field, or of what it stands in."""
    whole = ".".join(field.path).replace(".[]", "[0]").replace(KEY, "k")
    return whole == found or whole.startswith((f"{found}.", f"{found}["))


@pytest.mark.parametrize("kind", CHECKED)
def test_an_untranslated_value_is_refused(kind: str) -> None:
    """A value that the schema allows, and that is not among those translated, is refused; so is one of another type."""
    known = dict(leaves(table()[kind]))
    for field in schema_of(kind):
        leaf = known.get(field.name)
        for value in {*field.values} - {*leaf} if isinstance(leaf, list) else ():
            assert is_refused(put(ONE_OF_EACH[kind], field.path, value), str(value)), (field, value)
        if isinstance(leaf, str) and leaf.partition(";")[0] != "any":
            assert is_refused(put(ONE_OF_EACH[kind], field.path, {"of": "another type"}), "another type"), field


ANYTHING = {  # Another entry of the table says what stands there, and the schema has no fields.
    ("IstioOperator", ("spec", "meshConfig")),
    ("MeshConfig", ("extensionProviders", "prometheus")),
}


def test_a_field_that_changes_nothing_is_typed() -> None:
    """What is read, and changes no Envoy for a reason that the table names, is refused when it is of another type."""
    named = {(kind, path): leaf for kind in table() for path, leaf in leaves(table()[kind]) if ";" in str(leaf)}
    reasoned = {at: leaf for at, leaf in named.items() if at[0] != "no_part_in_envoy"}
    assert {at for at, leaf in reasoned.items() if leaf.startswith("any")} == ANYTHING
    assert all(unfit(leaf, {"of": "another type"}) for at, leaf in reasoned.items() if at not in ANYTHING)


@pytest.mark.parametrize(
    ("spec", "why"),
    [
        ({"components": {"bogus": 1}}, "spec.components.bogus: is not translated"),
        ({"components": {"cni": {"enabled": "yes"}}}, "spec.components.cni.enabled: yes is no boolean"),
        (
            {"meshConfig": {"defaultConfig": {"terminationDrainDuration": "5s"}}},
            f"defaultConfig.terminationDrainDuration: the value 5s is not translated; {DRAIN_SECONDS}s would be",
        ),
        (
            {"meshConfig": {"defaultConfig": {"holdApplicationUntilProxyStarts": False}}},
            "defaultConfig.holdApplicationUntilProxyStarts: the value false is not translated; true would be",
        ),
    ],
)
def test_an_installation_that_would_change_nothing_is_refused(spec: Json, why: str) -> None:
    """What Istio is told when it is installed is there on one machine too, or refused."""
    body = {
        "apiVersion": "install.istio.io/v1alpha1",
        "kind": "IstioOperator",
        "metadata": {"name": "own"},
        "spec": spec,
    }
    assert why in [f"{problem.path}: {problem.why}" for problem in problems_of(Document(body))]


def is_refused(document: Json, why: str) -> bool:
    return any(why in problem.why for problem in problems_of(Document(document)))


def differ(one: World, other: World) -> bool:
    """Whether any pod's Envoy has another configuration."""
    return any(made(one, number) != made(other, number) for number, pod in enumerate(PODS) if pod.ready)


@pytest.mark.parametrize(
    ("kind", "path", "value", "why"),
    [
        ("VirtualService", ("spec", "http"), [{"name": "own"}], "needs route, redirect or directResponse"),
        (
            "VirtualService",
            ("spec", "http", "[]", "route"),
            [{"destination": {"host": "a"}}] * 2,
            "the weights divide nothing",
        ),
        (
            "AuthorizationPolicy",
            ("spec", "rules"),
            [{"when": [{"key": "request.body", "values": ["a"]}]}],
            "is no attribute",
        ),
        (
            "AuthorizationPolicy",
            ("spec", "rules"),
            [{"to": [{"operation": {"ports": ["http"]}}]}],
            "is no number of a port",
        ),
        (
            "AuthorizationPolicy",
            ("spec", "rules"),
            [{"to": [{"operation": {"ports": ["9" * 5_000]}}]}],
            "is no number of a port",
        ),
        ("Gateway", ("spec", "servers", "[]", "tls"), {"mode": "SIMPLE"}, "with a mode and a credentialName alone"),
        ("Service", ("spec", "clusterIP"), "None", "a headless service with ports is not translated"),
        (
            "Service",
            ("metadata", "annotations"),
            {"networking.istio.io/traffic-distribution": "a"},
            "is not translated",
        ),
        ("VirtualService", ("spec", "http", "[]", "retries"), {"perTryTimeout": "fast"}, "is no duration"),
        (
            "VirtualService",
            ("spec", "http", "[]", "retries"),
            {"attempts": 1, "retryOn": "refused-stream,unavailible"},
            "is no list of Envoy's conditions of a retry",
        ),
        (
            "VirtualService",
            ("spec", "http", "[]", "retries"),
            {"attempts": 1, "retryOn": "503,600"},
            "503,600 is no list",
        ),
    ],
)
def test_what_means_nothing_here_is_refused(kind: str, path: tuple[str, ...], value: Any, why: str) -> None:
    """Fields that are translated, and together or with that value mean something that is not."""
    assert is_refused(put(ONE_OF_EACH[kind], path, value), why)


@lru_cache(maxsize=8)
def made(world: World, number: int) -> Resources:
    return resources(world, PODS[number], PODS, FOLDER)


@lru_cache(maxsize=2)
def world_of(documents: str) -> World:
    """The plain documents, with these in place of those of their names."""
    return plain_world().changed(json.loads(documents))


@cache
def plain_world() -> World:
    return World([Document(document) for document in PLAIN if document["kind"] not in ALONE], KEYS)


TOGETHER = {
    ("Gateway", ("spec", "servers", "port", "protocol"))
}  # HTTPS needs what others must not have: test_rivals.py.


def translated(kind: str) -> Iterator[tuple[Field, Any]]:
    """The fields of the schema that the table has, but for those with a reason, and those with one value alone."""
    known = dict(leaves(table()[kind]))
    for field in schema_of(kind):
        leaf = known.get(field.name)
        if (
            leaf is not None
            and (kind, field.name) not in TOGETHER
            and not (isinstance(leaf, str) and ";" in leaf)
            and not (isinstance(leaf, list) and len(leaf) == 1)
        ):
            yield field, leaf


@pytest.mark.parametrize("kind", CHECKED)
def test_a_translated_field_changes_what_an_envoy_has(kind: str) -> None:
    """Every field in the table that names no reason against it: with another value, some Envoy has another configuration."""
    unchanged = []
    for field, leaf in translated(kind):
        plain, also, key, values = company(kind, field)
        before = world_of(json.dumps([plain, *also]))
        values = values or (leaf if isinstance(leaf, list) else VALUES[leaf])
        changed = (plain_world().changed([put(plain, field.path, value, key), *also]) for value in values)
        if not any(differ(before, world) for world in changed):
            unchanged.append(".".join(field.path))
    assert unchanged == []


def company(kind: str, field: Field) -> tuple[Json, list[Json], str, list[Any]]:
    """The plain document with what must stand beside the field; other documents; the key to set in a map; and values."""
    plain, also, key, values = copy.deepcopy(ONE_OF_EACH[kind]), [], "k", []
    for entry in BESIDE.get(kind, []):
        at = tuple(entry["at"].split("."))
        if field.name[: len(at)] == at:
            lay(plain, entry.get("beside", {}))
            also, key = entry.get("also", also), entry.get("key", key)
            values = entry.get("values", []) if "values" in entry else values
    return plain, also, key, values


def lay(target: Any, patch: Any) -> None:
    for name, value in patch.items() if isinstance(patch, dict) else enumerate(patch):
        if isinstance(target, list) and name == len(target):
            target.append(copy.deepcopy(value))
        elif value is None:
            target.pop(name, None)
        elif isinstance(value, dict | list) and isinstance(
            target[name] if isinstance(target, list) else target.get(name), type(value)
        ):
            lay(target[name], value)
        else:
            target[name] = copy.deepcopy(value)
