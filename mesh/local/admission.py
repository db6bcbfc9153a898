"""What Istio's webhook refuses of a policy though its schema allows it (pkg/config/validation, ValidateAuthorizationPolicy).

What is there and says nothing would not narrow a rule: it would open it to everybody.
"""

import ipaddress
import re
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from mesh.local.document import FIELD_PATH, Document, Json, Problem, below

Why = str | None
PORTS = 65_536
PORT = re.compile("[0-9]{1,5}")
ACCOUNTS_LIMIT, ACCOUNT_LIMIT = 16, 320
EMPTY = "is empty: it narrows nothing, so it would mean everybody"
LITERAL = frozenset("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._~%!$&'()+,;:@=")
ONE, ANY = "{*}", "{**}"


def inadmissible(document: Document) -> Iterator[Problem]:
    """Of an AuthorizationPolicy whose shape is right."""
    rules = document.spec.get("rules")
    if document.spec.get("action") == "DENY" and not rules:
        yield document.problem(("spec",), "DENY needs rules: without one nothing is denied; {} denies everything")
    for index, rule in enumerate(rules or []):
        path: FIELD_PATH = ("spec", "rules", index)
        yield from hollow(document, rule, path)
        for part, inner in (("from", "source"), ("to", "operation")):
            for place, item in enumerate(rule.get(part) or []):
                for name, values in (item.get(inner) or {}).items():
                    yield from unfit(document, name, values, (*path, part, place, inner, name))
        for place, condition in enumerate(rule.get("when") or []):
            yield from of_condition(document, condition, (*path, "when", place))


def hollow(document: Document, value: Any, path: FIELD_PATH) -> Iterator[Problem]:
    """The lists, mappings and texts below that hold nothing."""
    for place, part in below(value, path):
        if part in ([], {}, ""):
            yield document.problem(place, EMPTY)


def of_condition(document: Document, condition: Json, path: FIELD_PATH) -> Iterator[Problem]:
    if not any(name in condition for name in ("values", "notValues")):
        yield document.problem(path, f"needs values or notValues: {EMPTY.partition(': ')[2]}")
    for name in ("values", "notValues"):
        yield from unfit(document, condition["key"], condition.get(name) or [], (*path, name))


def unfit(document: Document, kind: str, values: list[str], path: FIELD_PATH) -> Iterator[Problem]:
    """The values that are none of that field of a source or an operation, or of that attribute."""
    check = CHECKS.get(kind)
    for index, value in enumerate(values if check else ()):
        why = check(value) if check and value else None
        if why:
            yield document.problem((*path, index), f"{value} {why}")
    if check is account and len(values) > ACCOUNTS_LIMIT:
        yield document.problem(path, f"has more than {ACCOUNTS_LIMIT} service accounts")


def account(value: str) -> Why:
    parts = value.split("/")
    fine = 1 <= len(parts) <= 2 and all(parts) and "*" not in value and len(value) <= ACCOUNT_LIMIT
    return None if fine else "is no service account: account or namespace/account, without a wildcard"


def trust_domain(value: str) -> Why:
    inside = value.strip("*") if value.count("*") == 1 else value
    return "is no trust domain: at most one * at its start or end, and no /" if set("*/") & set(inside) else None


def template(value: str) -> Why:
    """A path with `{*}` for a segment and at last `{**}` for the rest; its other segments are literal."""
    segments = value.strip("/").split("/")
    templated = ONE in value or ANY in value
    for number, segment in enumerate(segments):
        if ANY in segments[:number] and segment in (ONE, ANY):
            return "is no path: {**} is not the last operator"
        if segment not in (ONE, ANY) and (
            set("{}") & set(segment) or (templated and not (segment and LITERAL.issuperset(segment)))
        ):
            return "is no path: {*} and {**} stand for whole segments, beside literal ones"
    return None


def block(value: str) -> Why:
    try:
        ipaddress.ip_network(value, strict=False)
    except ValueError:
        return "is no address or block of addresses"
    return None


def is_port(value: str) -> bool:
    return PORT.fullmatch(value) is not None and int(value) < PORTS


def port(value: str) -> Why:
    return None if is_port(value) else "is no number of a port"


CHECKS: Mapping[str, Callable[[str], Why]] = {
    "serviceAccounts": account,
    "notServiceAccounts": account,
    "source.serviceAccount": account,
    "trustDomains": trust_domain,
    "notTrustDomains": trust_domain,
    "source.trustDomain": trust_domain,
    "paths": template,
    "notPaths": template,
    "source.ip": block,
    "remote.ip": block,
    "destination.ip": block,
    "destination.port": port,
}
