"""What Istio's webhook refuses of routes, rules and sidecars though their schema allows it (pkg/config/validation)."""

import json
import re
import warnings
from collections.abc import Callable, Iterator, Sequence
from typing import Any

from mesh.local.document import FIELD_PATH, Document, Json, Problem, below

Parts = Sequence[tuple[FIELD_PATH, Any]]
SHARES = ("percentage", "mirrorPercentage")
PER_CENT = ("maxEjectionPercent", "minHealthPercent")
WHOLE = 100
CLAIM = "@request.auth.claims"
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


def of_routes(document: Document) -> Iterator[Problem]:
    if not document.spec.get("hosts"):
        yield document.problem(("spec", "hosts"), "is empty: it would be for no host")
    for index, rule in enumerate(document.spec.get("http") or []):
        yield from of_route(document, rule, ("spec", "http", index))


def of_route(document: Document, rule: Json, path: FIELD_PATH) -> Iterator[Problem]:
    """It leads somewhere, its weights are a division of something, and what it compares with is there."""
    ways = rule.get("route") or []
    weights = [way.get("weight", 0) for way in ways]
    if not any(rule.get(name) for name in ("route", "redirect", "directResponse")):
        yield document.problem(path, "needs route, redirect or directResponse")
    if any(weight < 0 for weight in weights) or (len(ways) > 1 and sum(weights) == 0):
        yield document.problem(
            (*path, "route"), "the weights divide nothing: none may be negative, and one must be more than 0"
        )
    if (rule.get("retries") or {}).get("attempts", 0) < 0:
        yield document.problem((*path, "retries", "attempts"), "is negative")
    for index, match in enumerate(rule.get("match") or []):
        for name, text in (match.get("uri") or {}).items():
            if not text:
                yield document.problem((*path, "match", index, "uri", name), "is empty: no path is")
        for part in ("headers", "withoutHeaders"):
            for name, text in (match.get(part) or {}).items():
                if name.lower().startswith(CLAIM) and not text:
                    yield document.problem((*path, "match", index, part, name), "needs exact, prefix or regex")
    origins = (rule.get("corsPolicy") or {}).get("allowOrigins") or []
    for index, origin in enumerate(origins):
        if not origin:
            yield document.problem((*path, "corsPolicy", "allowOrigins", index), "needs exact, prefix or regex")
    abort = (rule.get("fault") or {}).get("abort")
    if abort is not None and not any(name in abort for name in ("httpStatus", "grpcStatus")):
        yield document.problem((*path, "fault", "abort"), "needs httpStatus or grpcStatus")


def pools(document: Document, policy: Json, path: FIELD_PATH) -> Iterator[Problem]:
    """The limits of connections are none below nothing."""
    for part, limits in (policy.get("connectionPool") or {}).items():
        for name, limit in limits.items():
            if isinstance(limit, int) and limit < 0:
                yield document.problem((*path, "connectionPool", part, name), f"{limit} is negative")


def of_rule(document: Document) -> Iterator[Problem]:
    """Each subset and each port is there once."""
    subsets = document.spec.get("subsets") or []
    yield from twice(document, [one["name"] for one in subsets], ("spec", "subsets"), ("name",))
    policies: list[tuple[FIELD_PATH, Json]] = [
        (("spec", "subsets", index, "trafficPolicy"), one.get("trafficPolicy") or {})
        for index, one in enumerate(subsets)
    ]
    for path, policy in [(("spec", "trafficPolicy"), document.spec.get("trafficPolicy") or {}), *policies]:
        yield from pools(document, policy, path)
        for index, one in enumerate(policy.get("portLevelSettings") or []):
            yield from pools(document, one, (*path, "portLevelSettings", index))
        ports = [one["port"]["number"] for one in policy.get("portLevelSettings") or []]
        yield from twice(document, ports, (*path, "portLevelSettings"), ("port", "number"))


def twice(document: Document, values: list[Any], path: FIELD_PATH, field: FIELD_PATH) -> Iterator[Problem]:
    for index, value in enumerate(values):
        if value in values[:index]:
            yield document.problem((*path, index, *field), f"{value} is there twice")


def of_egress(document: Document) -> Iterator[Problem]:
    for index, egress in enumerate(document.spec.get("egress") or []):
        for place, host in enumerate(egress["hosts"]):
            namespace, slash, name = host.partition("/")
            if not (namespace and slash and name):
                yield document.problem(
                    ("spec", "egress", index, "hosts", place), f"{host} names no namespace: write NAMESPACE/HOST"
                )


def of_patches(document: Document) -> Iterator[Problem]:
    """What a patch puts in has a name."""
    for index, item in enumerate(document.spec.get("configPatches") or []):
        patch = item["patch"]
        if (
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
