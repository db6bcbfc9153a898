"""A VirtualService's match of a request to Envoy's, as istiod translates it."""

from collections.abc import Iterator

from mesh.local.claim import CLAIM, is_claim
from mesh.local.document import Json
from mesh.local.model import Pod, matches

PSEUDO_HEADERS = (("method", ":method"), ("authority", ":authority"), ("scheme", ":scheme"))


def concerns(match: Json, pod: Pod, gateways: set[str], port: int) -> bool:
    """Whether a match can be met by a call that this pod sends (or, at a gateway, takes) on that port."""
    if match.get("port") not in (None, port):
        return False
    if match.get("gateways"):
        return bool(set(match["gateways"]) & gateways)
    return matches(match.get("sourceLabels") or {}, pod.labels) and match.get("sourceNamespace") in (
        None,
        "",
        pod.namespace,
    )


def route_match(match: Json | None) -> Json:
    """Headers in the order of their names, then the pseudo headers; a claim of the token is a match of metadata."""
    if not match:
        return {"prefix": "/"}
    found: Json = {**path_match(match.get("uri")), "case_sensitive": not match.get("ignoreUriCase", False)}
    named = [*plain(match.get("headers"), inverted=False), *plain(match.get("withoutHeaders"), inverted=True)]
    headers = sorted(named, key=lambda header: str(header["name"]))
    headers += [header_match(name, match[field]) for field, name in PSEUDO_HEADERS if match.get(field)]
    if headers:
        found["headers"] = headers
    claims = [
        *claim_matches(match.get("headers"), inverted=False),
        *claim_matches(match.get("withoutHeaders"), inverted=True),
    ]
    if claims:
        found["dynamic_metadata"] = claims
    if match.get("queryParams"):
        found["query_parameters"] = [header_match(name, value) for name, value in sorted(match["queryParams"].items())]
    return found


def path_match(uri: Json | None) -> Json:
    if not uri:
        return {"prefix": "/"}
    ((kind, value),) = uri.items()
    return {"safe_regex": {"regex": value}} if kind == "regex" else {"path" if kind == "exact" else "prefix": value}


def is_catch_all(match: Json) -> bool:
    """Whether nothing behind a route with this match is ever reached."""
    path = match.get("prefix") == "/" or match.get("safe_regex", {}).get("regex") == ".*"
    return path and not any(match.get(part) for part in ("headers", "query_parameters", "dynamic_metadata"))


def plain(headers: Json | None, *, inverted: bool) -> Iterator[Json]:
    for name, value in (headers or {}).items():
        if not is_claim(name):
            found = header_match(name, value)
            if inverted:
                found["invert_match"] = True
                if not is_present_match(value):
                    found["treat_missing_header_as_empty"] = True
            yield found


def header_match(name: str, value: Json | None) -> Json:
    return (
        {"name": name, "present_match": True}
        if is_present_match(value)
        else {"name": name, "string_match": string_match(value or {})}
    )


def is_present_match(value: Json | None) -> bool:
    return not value or value.get("regex") == "*"


def string_match(value: Json) -> Json:
    """Istio's exact, prefix or regex."""
    ((kind, text),) = value.items()
    return {"safe_regex": {"regex": text}} if kind == "regex" else {kind: text}


def claim_matches(headers: Json | None, *, inverted: bool) -> Iterator[Json]:
    """`@request.auth.claims.ring`, or with brackets: a claim of the verified token, a text or a list with that text in it."""
    for name, value in (headers or {}).items():
        if is_claim(name):
            rest = name[len(CLAIM) :]
            path = rest[1:].split(".") if rest.startswith(".") else rest[1:-1].split("][")
            yield {**claim_match(path, {"string_match": string_match(value)}), **({"invert": True} if inverted else {})}


def claim_match(path: list[str], value: Json) -> Json:
    """A claim that is this value, or a list that holds it."""
    either = {"or_match": {"value_matchers": [{"list_match": {"one_of": value}}, value]}}
    return {
        "filter": "envoy.filters.http.jwt_authn",
        "path": [{"key": key} for key in ("payload", *path)],
        "value": either,
    }
