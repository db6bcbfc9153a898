"""What Istio's webhook refuses of routes, rules and sidecars though their schema allows it (pkg/config/validation)."""

import json
import math
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mesh.local.document import FIELD_PATH, Document, Json, Problem, below
from mesh.local.routerules import of_routes

Parts = Sequence[tuple[FIELD_PATH, Any]]
SHARES = ("percentage", "mirrorPercentage")
PER_CENT = ("maxEjectionPercent", "minHealthPercent")
WHOLE = 100
LARGEST_TABLE = 5_000_011  # Envoy's.
NAMED = ("LISTENER", "NETWORK_FILTER", "HTTP_FILTER", "VIRTUAL_HOST", "CLUSTER")
UNNAMED = ("MERGE", "REMOVE")
QUOTED = r"\Q"  # RE2's alone.
NO_PATTERN = ("missing ), unterminated subpattern", "unbalanced parenthesis", "unterminated character set")


def inadmissible(document: Document) -> Iterator[Problem]:
    """Of a document of one of KINDS whose shape is right."""
    yield from KINDS[document.kind](document)
    parts = list(below(document.spec, ("spec",)))
    yield from shares(document, parts)
    yield from patterns(document, parts)


def of_policy(document: Document, policy: Json, path: FIELD_PATH) -> Iterator[Problem]:
    """It says something; its limits of connections are none below nothing, and what it counts and hashes by can be."""
    if not policy.keys() - {"port"}:
        yield document.problem(path, "says nothing")
    pool, outliers = policy.get("connectionPool"), policy.get("outlierDetection") or {}
    if pool is not None and not pool:
        yield document.problem((*path, "connectionPool"), "needs http or tcp")
    for part, limits in (pool or {}).items():
        for name, limit in (limits or {}).items():
            if isinstance(limit, int) and limit < 0:
                yield document.problem((*path, "connectionPool", part, name), f"{limit} is negative")
    if outliers.get("consecutiveLocalOriginFailures") and not outliers.get("splitExternalLocalOriginErrors"):
        where = (*path, "outlierDetection", "consecutiveLocalOriginFailures")
        yield document.problem(where, "needs splitExternalLocalOriginErrors: true")
    balanced = policy.get("loadBalancer") or {}
    maglev = (balanced.get("consistentHash") or {}).get("maglev")
    if maglev is not None and not is_table_size((maglev or {}).get("tableSize", 0)):
        where = (*path, "loadBalancer", "consistentHash", "maglev")
        yield document.problem(where, f"needs a tableSize that is a prime number below {LARGEST_TABLE}")
    warmup = balanced.get("warmup") or {}
    if warmup.get("aggression", 1) <= 0:
        yield document.problem((*path, "loadBalancer", "warmup", "aggression"), "is not more than 0")


def is_table_size(number: int) -> bool:
    return 1 <= number < LARGEST_TABLE and all(number % factor for factor in range(2, math.isqrt(number) + 1))


def of_rule(document: Document) -> Iterator[Problem]:
    """Each subset and each port is there once."""
    subsets = document.spec.get("subsets") or []
    yield from twice(document, [one["name"] for one in subsets], ("spec", "subsets"), ("name",))
    policies: list[tuple[FIELD_PATH, Json | None]] = [
        (("spec", "subsets", index, "trafficPolicy"), one.get("trafficPolicy")) for index, one in enumerate(subsets)
    ]
    for path, policy in [(("spec", "trafficPolicy"), document.spec.get("trafficPolicy")), *policies]:
        if policy is None:
            continue
        yield from of_policy(document, policy, path)
        for index, one in enumerate(policy.get("portLevelSettings") or []):
            yield from of_policy(document, one, (*path, "portLevelSettings", index))
        ports = [one["port"]["number"] for one in policy.get("portLevelSettings") or []]
        yield from twice(document, ports, (*path, "portLevelSettings"), ("port", "number"))


def twice(document: Document, values: list[Any], path: FIELD_PATH, field: FIELD_PATH) -> Iterator[Problem]:
    for index, value in enumerate(values):
        if value in values[:index]:
            yield document.problem((*path, index, *field), f"{value} is there twice")


def of_egress(document: Document) -> Iterator[Problem]:
    listeners = document.spec.get("egress") or []
    if not listeners and "outboundTrafficPolicy" not in document.spec:
        yield document.problem(("spec",), "says nothing: needs egress or outboundTrafficPolicy")
    if len(listeners) > 1:
        yield document.problem(("spec", "egress", 1), "is there twice: without a port there is one list of hosts")
    for index, egress in enumerate(listeners):
        if not egress["hosts"]:
            yield document.problem(("spec", "egress", index, "hosts"), "needs a host")
        for place, host in enumerate(egress["hosts"]):
            namespace, slash, name = host.partition("/")
            if not (namespace and slash and name):
                yield document.problem(
                    ("spec", "egress", index, "hosts", place), f"{host} names no namespace: write NAMESPACE/HOST"
                )


def of_patches(document: Document) -> Iterator[Problem]:
    """What a patch puts in is there, and has a name."""
    for index, item in enumerate(document.spec.get("configPatches") or []):
        patch = item["patch"]
        if patch["operation"] != "REMOVE" and not patch.get("value"):
            path = ("spec", "configPatches", index, "patch")
            yield document.problem(path, f"{patch['operation']} needs a value")
        elif (
            item["applyTo"] in NAMED
            and patch["operation"] not in UNNAMED
            and not (isinstance(patch.get("value"), dict) and patch["value"].get("name"))
        ):
            yield document.problem(("spec", "configPatches", index, "patch", "value"), "needs a name")


def of_tags(document: Document) -> Iterator[Problem]:
    for index, tracing in enumerate(document.spec.get("tracing") or []):
        for name, tag in (tracing.get("customTags") or {}).items():
            if not tag:
                path = ("spec", "tracing", index, "customTags", name)
                yield document.problem(path, "needs literal, header or environment")


def of_keys(document: Document) -> Iterator[Problem]:
    """The keys that stand in a rule are some."""
    for index, rule in enumerate(document.spec.get("jwtRules") or []):
        if rule.get("jwks") and not is_key_set(rule["jwks"]):
            yield document.problem(("spec", "jwtRules", index, "jwks"), 'is no key set: JSON such as {"keys": [...]}')


def is_key_set(text: str) -> bool:
    try:
        found = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(found, dict) and isinstance(found.get("keys"), list)


def patterns(document: Document, parts: Parts) -> Iterator[Problem]:
    """The regular expressions among them that are none, neither here nor for RE2; what is none for RE2 alone, an Envoy tells."""
    for path, part in parts:
        if path[-1] in ("regex", "match") and isinstance(part, str) and (why := broken(part)):
            yield document.problem(path, f"{part} is no regular expression: {why}")


def broken(pattern: str) -> str | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            re.compile(pattern)
    except (re.error, OverflowError, RecursionError) as error:
        why = error.msg if isinstance(error, re.error) else ""
        return why if why in NO_PATTERN and QUOTED not in pattern else None
    return None


def shares(document: Document, parts: Parts) -> Iterator[Problem]:
    """The percentages among them that are none."""
    for path, part in parts:
        key, share, field = path[-1], part, path
        if key in SHARES and isinstance(part, dict):
            share, field = part.get("value"), (*path, "value")
        if key in (*SHARES, *PER_CENT) and isinstance(share, int | float) and not 0 <= share <= WHOLE:
            yield document.problem(field, f"{share} is no percentage: it is from 0 to {WHOLE}")


KINDS: dict[str, Callable[[Document], Iterator[Problem]]] = {
    "VirtualService": of_routes,
    "DestinationRule": of_rule,
    "Sidecar": of_egress,
    "EnvoyFilter": of_patches,
    "RequestAuthentication": of_keys,
    "Telemetry": of_tags,
}
