"""What Istio's webhook refuses of a VirtualService though its schema allows it (ValidateVirtualService)."""

import re
from collections.abc import Iterator

from mesh.local.claim import CLAIM, is_claim
from mesh.local.document import FIELD_PATH, Document, Json, Problem
from mesh.local.duration import seconds
from mesh.local.headers import is_internal
from mesh.local.host import MESH, host_matches

TOKEN = re.compile(r"[-!#$%&'*+.^_`|~0-9A-Za-z]+")
METHODS = {"GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "CONNECT", "OPTIONS", "TRACE", "*"}
STATUSES = range(200, 600)
PORTS = range(1, 65536)
SCHEMES = {"http", "https"}
UNFORWARDED = ("redirect", "directResponse")
FORWARDING = ("fault", "rewrite")
ONE_TEXT = "needs exact, prefix or regex"


def of_routes(document: Document) -> Iterator[Problem]:
    hosts, inside = document.spec.get("hosts") or [], MESH in (document.spec.get("gateways") or [MESH])
    if not hosts:
        yield document.problem(("spec", "hosts"), "is empty: it would be for no host")
    if not document.spec.get("http"):
        yield document.problem(("spec",), "needs http: it would lead nowhere")
    for index, host in enumerate(hosts):
        if inside and host == "*":
            yield document.problem(
                ("spec", "hosts", index), "* is for gateways alone: a sidecar knows its hosts by name"
            )
        same = next((one for one in hosts[:index] if host_matches(one, host) or host_matches(host, one)), None)
        if same is not None:
            yield document.problem(("spec", "hosts", index), f"{host} is there already, as {same}")
    for index, rule in enumerate(document.spec.get("http") or []):
        path = ("spec", "http", index)
        yield from of_action(document, rule, path)
        yield from of_matches(document, rule, path, inside=inside)
        yield from of_redirect(document, rule, path)
        yield from of_retries(document, rule.get("retries") or {}, (*path, "retries"))
        yield from of_origins(document, rule.get("corsPolicy") or {}, (*path, "corsPolicy"))
        yield from of_headers(document, rule, path)
        for place, way in enumerate(rule.get("route") or []):
            yield from of_headers(document, way, (*path, "route", place))


def of_action(document: Document, rule: Json, path: FIELD_PATH) -> Iterator[Problem]:
    """It leads somewhere, and to one thing; its weights are a division of something."""
    weights = [way.get("weight", 0) for way in rule.get("route") or []]
    if not any(rule.get(name) for name in ("route", *UNFORWARDED)):
        yield document.problem(path, "needs route, redirect or directResponse")
    if any(weight < 0 for weight in weights) or (len(weights) > 1 and sum(weights) == 0):
        why = "the weights divide nothing: none may be negative, and one must be more than 0"
        yield document.problem((*path, "route"), why)
    for action in UNFORWARDED:
        for name in FORWARDING if rule.get(action) else ():
            if name in rule:
                yield document.problem((*path, name), f"excludes {action}: no call is forwarded")
    if rule.get("mirror") and rule.get("mirrors"):
        yield document.problem((*path, "mirrors"), "excludes mirror")
    abort, answer = (rule.get("fault") or {}).get("abort"), rule.get("directResponse") or {}
    if abort is not None and not any(name in abort for name in ("httpStatus", "grpcStatus")):
        yield document.problem((*path, "fault", "abort"), "needs httpStatus or grpcStatus")
    for status, where in (
        ((abort or {}).get("httpStatus"), ("fault", "abort", "httpStatus")),
        (answer.get("status"), ("directResponse", "status")),
    ):
        if status is not None and status not in STATUSES:
            yield document.problem((*path, *where), f"{status} is no status of an answer: 200 to 599 are")
    rewrite = rule.get("rewrite")
    if rewrite is not None and not any(rewrite.get(name) for name in ("uri", "uriRegexRewrite", "authority")):
        yield document.problem((*path, "rewrite"), "needs uri, uriRegexRewrite or authority")
    for name, text in ((rewrite or {}).get("uriRegexRewrite") or {}).items():
        if not text:
            yield document.problem((*path, "rewrite", "uriRegexRewrite", name), "is empty")


def of_matches(document: Document, rule: Json, path: FIELD_PATH, *, inside: bool) -> Iterator[Problem]:
    """What is compared with is there; a token's claims are compared at gateways alone."""
    for index, match in enumerate(rule.get("match") or []):
        at = (*path, "match", index)
        for name, text in (match.get("uri") or {}).items():
            if not text:
                yield document.problem((*at, "uri", name), "is empty: no path is")
        for part in ("authority", "method", "scheme"):
            yield from empty(document, match.get(part), (*at, part))
        for part in ("headers", "withoutHeaders", "queryParams"):
            for name, text in (match.get(part) or {}).items():
                yield from empty(document, text, (*at, part, name))
                if part != "queryParams":
                    yield from of_header(document, name, text, (*at, part, name), inside=inside)
        if match.get("port", 1) not in PORTS:
            yield document.problem((*at, "port"), f"{match['port']} is no port")


def of_header(document: Document, name: str, text: Json | None, path: FIELD_PATH, *, inside: bool) -> Iterator[Problem]:
    if is_claim(name) and inside:
        yield document.problem(
            path, "a claim of a token is compared at a gateway alone: a VirtualService of its own, without mesh"
        )
    elif name.lower().startswith(CLAIM) and not text:
        yield document.problem(path, ONE_TEXT)
    elif not is_claim(name) and name not in (":method", ":scheme", ":authority") and not TOKEN.fullmatch(name):
        yield document.problem(path, f"{name} is no name of a header")


def empty(document: Document, text: Json | None, path: FIELD_PATH) -> Iterator[Problem]:
    for kind in ("prefix", "regex"):
        if (text or {}).get(kind) == "":
            yield document.problem((*path, kind), "is empty")


def of_redirect(document: Document, rule: Json, path: FIELD_PATH) -> Iterator[Problem]:
    wanted = rule.get("redirect")
    if not wanted:
        return
    if not any(wanted.get(name) for name in ("uri", "prefixRewrite", "authority", "scheme")):
        yield document.problem((*path, "redirect"), "needs uri, prefixRewrite, authority or scheme")
    if wanted.get("uri") and wanted.get("prefixRewrite"):
        yield document.problem((*path, "redirect", "prefixRewrite"), "excludes uri")
    if wanted.get("scheme") and wanted["scheme"] not in SCHEMES:
        yield document.problem((*path, "redirect", "scheme"), f"{wanted['scheme']} is neither http nor https")
    uris = [match.get("uri") for match in rule.get("match") or []]
    if wanted.get("prefixRewrite") and any(uri and "prefix" not in uri for uri in uris):
        yield document.problem((*path, "redirect", "prefixRewrite"), "needs matches by a prefix of the path")


def of_retries(document: Document, retries: Json, path: FIELD_PATH) -> Iterator[Problem]:
    if retries.get("attempts", 0) < 0:
        yield document.problem((*path, "attempts"), "is negative")
    for name in ("perTryTimeout", "retryOn") if not retries.get("attempts") else ():
        if retries.get(name):
            yield document.problem((*path, name), "needs attempts: without them nothing is retried")


def of_origins(document: Document, policy: Json, path: FIELD_PATH) -> Iterator[Problem]:
    for index, origin in enumerate(policy.get("allowOrigins") or []):
        if not any(origin.values()):
            yield document.problem((*path, "allowOrigins", index), ONE_TEXT)
    for index, method in enumerate(policy.get("allowMethods") or []):
        if method not in METHODS:
            yield document.problem((*path, "allowMethods", index), f"{method} is no method of HTTP")
    for part in ("allowHeaders", "exposeHeaders"):
        for index, name in enumerate(policy.get(part) or []):
            if not TOKEN.fullmatch(name):
                yield document.problem((*path, part, index), f"{name} is no name of a header")
    if policy.get("maxAge") and seconds(policy["maxAge"]) % 1:
        yield document.problem((*path, "maxAge"), f"{policy['maxAge']} is no number of whole seconds")


def of_headers(document: Document, part: Json, path: FIELD_PATH) -> Iterator[Problem]:
    """What is changed are headers, and the authority at most once."""
    authorities = [(*path, "rewrite", "authority")] if (part.get("rewrite") or {}).get("authority") else []
    for side, operations in (part.get("headers") or {}).items():
        for operation, names in (operations or {}).items():
            for place, name in enumerate(names or []):
                at = (*path, "headers", side, operation, place if operation == "remove" else name)
                if (
                    is_internal(name)
                    and side == "request"
                    and name.lower() in (":authority", "host")
                    and operation != "remove"
                ):
                    authorities.append(at)
                elif not name or is_internal(name):
                    yield document.problem(at, f"{name or 'nothing'} is no header that can be changed")
    for at in authorities[1:]:
        yield document.problem(at, "the authority is set already")
