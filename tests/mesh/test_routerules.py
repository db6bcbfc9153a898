"""What no webhook of Istio's admits of routes, rules and sidecars is refused by file, line and field; what it admits is not."""

from typing import Any

import pytest

from mesh.local.document import Document
from mesh.local.model import World
from tests.mesh.schema_fields import put
from tests.mesh.test_refusal import ONE_OF_EACH
from tests.mesh.test_webhook import HASH, ROUTE, RULE, Json, refused_where

MIRROR: Json = {"host": "svc-quote"}
WAY: Json = {"route": [{"destination": MIRROR}]}
POOL, BALANCED = (*RULE, "connectionPool"), (*RULE, "loadBalancer")
REFUSED: list[tuple[str, tuple[str, ...], Any, str, str]] = [
    # What a route does
    (
        "VirtualService",
        ROUTE,
        {"redirect": {"uri": "/a"}, "rewrite": {"uri": "/b"}},
        "rewrite",
        "excludes redirect: no call is forwarded",
    ),
    (
        "VirtualService",
        ROUTE,
        {"redirect": {"uri": "/a"}, "fault": {"abort": {"httpStatus": 503}}},
        "fault",
        "excludes redirect: no call is forwarded",
    ),
    (
        "VirtualService",
        ROUTE,
        {"directResponse": {"status": 200}, "rewrite": {"uri": "/b"}},
        "rewrite",
        "excludes directResponse: no call is forwarded",
    ),
    (
        "VirtualService",
        ROUTE,
        {"directResponse": {"status": 999}},
        "directResponse.status",
        "999 is no status of an answer: 200 to 599 are",
    ),
    (
        "VirtualService",
        ROUTE,
        {"redirect": {"redirectCode": 301}},
        "redirect",
        "needs uri, prefixRewrite, authority or scheme",
    ),
    (
        "VirtualService",
        ROUTE,
        {"redirect": {"uri": "/a", "prefixRewrite": "/b"}},
        "redirect.prefixRewrite",
        "excludes uri",
    ),
    (
        "VirtualService",
        ROUTE,
        {"redirect": {"uri": "/a", "scheme": "ftp"}},
        "redirect.scheme",
        "ftp is neither http nor https",
    ),
    (
        "VirtualService",
        ROUTE,
        {"redirect": {"prefixRewrite": "/a"}, "match": [{"uri": {"exact": "/b"}}]},
        "redirect.prefixRewrite",
        "needs matches by a prefix of the path",
    ),
    (
        "VirtualService",
        ROUTE,
        {**WAY, "fault": {"abort": {"httpStatus": 99}}},
        "fault.abort.httpStatus",
        "99 is no status of an answer: 200 to 599 are",
    ),
    (
        "VirtualService",
        ROUTE,
        {**WAY, "mirror": MIRROR, "mirrors": [{"destination": MIRROR}]},
        "mirrors",
        "excludes mirror",
    ),
    ("VirtualService", ROUTE, {**WAY, "rewrite": {}}, "rewrite", "needs uri, uriRegexRewrite or authority"),
    (
        "VirtualService",
        ROUTE,
        {**WAY, "rewrite": {"uriRegexRewrite": {"match": "a", "rewrite": ""}}},
        "rewrite.uriRegexRewrite.rewrite",
        "is empty",
    ),
    (
        "VirtualService",
        ROUTE,
        {**WAY, "retries": {"retryOn": "5xx"}},
        "retries.retryOn",
        "needs attempts: without them nothing is retried",
    ),
    (
        "VirtualService",
        ROUTE,
        {**WAY, "retries": {"attempts": 0, "perTryTimeout": "1s"}},
        "retries.perTryTimeout",
        "needs attempts: without them nothing is retried",
    ),
    (
        "VirtualService",
        ROUTE,
        {**WAY, "corsPolicy": {"maxAge": "1500ms"}},
        "corsPolicy.maxAge",
        "1500ms is no number of whole seconds",
    ),
    (
        "VirtualService",
        ROUTE,
        {**WAY, "corsPolicy": {"allowOrigins": [{"exact": ""}]}},
        "corsPolicy.allowOrigins[0]",
        "needs exact, prefix or regex",
    ),
    (
        "VirtualService",
        ROUTE,
        {**WAY, "corsPolicy": {"allowMethods": ["FETCH"]}},
        "corsPolicy.allowMethods[0]",
        "FETCH is no method of HTTP",
    ),
    (
        "VirtualService",
        ROUTE,
        {**WAY, "corsPolicy": {"exposeHeaders": ["a b"]}},
        "corsPolicy.exposeHeaders[0]",
        "a b is no name of a header",
    ),
    (
        "VirtualService",
        ROUTE,
        {**WAY, "headers": {"response": {"set": {"host": "a"}}}},
        "headers.response.set.host",
        "host is no header that can be changed",
    ),
    (
        "VirtualService",
        ROUTE,
        {**WAY, "headers": {"request": {"remove": [":path"]}}},
        "headers.request.remove[0]",
        ":path is no header that can be changed",
    ),
    (
        "VirtualService",
        ROUTE,
        {**WAY, "rewrite": {"authority": "a"}, "headers": {"request": {"set": {"host": "b"}}}},
        "headers.request.set.host",
        "the authority is set already",
    ),
    # What it compares with
    (
        "VirtualService",
        (*ROUTE, "match"),
        [{"headers": {"a": {"prefix": ""}}}],
        "match[0].headers.a.prefix",
        "is empty",
    ),
    (
        "VirtualService",
        (*ROUTE, "match"),
        [{"withoutHeaders": {"a": {"regex": ""}}}],
        "match[0].withoutHeaders.a.regex",
        "is empty",
    ),
    ("VirtualService", (*ROUTE, "match"), [{"authority": {"prefix": ""}}], "match[0].authority.prefix", "is empty"),
    (
        "VirtualService",
        (*ROUTE, "match"),
        [{"queryParams": {"a": {"regex": ""}}}],
        "match[0].queryParams.a.regex",
        "is empty",
    ),
    (
        "VirtualService",
        (*ROUTE, "match"),
        [{"headers": {"a b": {"exact": "c"}}}],
        "match[0].headers.a b",
        "a b is no name of a header",
    ),
    (
        "VirtualService",
        (*ROUTE, "match"),
        [{"headers": {"@request.auth.claims.role": {"exact": "a"}}}],
        "match[0].headers.@request.auth.claims.role",
        "a claim of a token is compared at a gateway alone: a VirtualService of its own, without mesh",
    ),
    ("VirtualService", (*ROUTE, "match"), [{"port": 70_000}], "match[0].port", "70000 is no port"),
    (
        "VirtualService",
        ("spec", "hosts"),
        ["*"],
        "spec.hosts[0]",
        "* is for gateways alone: a sidecar knows its hosts by name",
    ),
    (
        "VirtualService",
        ("spec", "hosts"),
        ["a.example", "*.example"],
        "spec.hosts[1]",
        "*.example is there already, as a.example",
    ),
    ("VirtualService", ("spec", "http"), [], "spec", "needs http: it would lead nowhere"),
    # Rules and sidecars
    ("DestinationRule", RULE, {}, "spec.trafficPolicy", "says nothing"),
    ("DestinationRule", POOL, {}, "spec.trafficPolicy.connectionPool", "needs http or tcp"),
    (
        "DestinationRule",
        (*POOL, "http", "http2KeepAlive"),
        {"interval": "1s"},
        "spec.trafficPolicy.connectionPool.http.http2KeepAlive",
        "needs timeout",
    ),
    (
        "DestinationRule",
        (*HASH, "maglev"),
        {},
        "spec.trafficPolicy.loadBalancer.consistentHash.maglev",
        "needs a tableSize that is a prime number below 5000011",
    ),
    (
        "DestinationRule",
        (*HASH, "maglev"),
        {"tableSize": 100},
        "spec.trafficPolicy.loadBalancer.consistentHash.maglev",
        "needs a tableSize that is a prime number below 5000011",
    ),
    (
        "DestinationRule",
        (*BALANCED, "warmup"),
        {"duration": "1s", "aggression": 0},
        "spec.trafficPolicy.loadBalancer.warmup.aggression",
        "is not more than 0",
    ),
    (
        "DestinationRule",
        (*RULE, "outlierDetection"),
        {"consecutiveLocalOriginFailures": 1},
        "spec.trafficPolicy.outlierDetection.consecutiveLocalOriginFailures",
        "needs splitExternalLocalOriginErrors: true",
    ),
    ("Sidecar", ("spec",), {}, "spec", "says nothing: needs egress or outboundTrafficPolicy"),
    (
        "Sidecar",
        ("spec", "egress"),
        [{"hosts": ["./a"]}, {"hosts": ["./b"]}],
        "spec.egress[1]",
        "is there twice: without a port there is one list of hosts",
    ),
    ("Sidecar", ("spec", "egress"), [{"hosts": []}], "spec.egress[0].hosts", "needs a host"),
]


@pytest.mark.parametrize(("kind", "path", "value", "field", "why"), REFUSED)
def test_what_istio_would_never_admit_is_refused_by_line(
    kind: str, path: tuple[str, ...], value: Any, field: str, why: str
) -> None:
    """Fields of a right shape that exclude each other, need each other or are empty."""
    assert refused_where(kind, path, value)[field if field.startswith("spec") else f"spec.http[0].{field}"] == why


def test_what_istio_admits_is_not_refused() -> None:
    """Beside what is refused: at a gateway a claim and every host, a header that is there, attempts that are none."""
    gateway = {**ONE_OF_EACH["VirtualService"], "spec": {"hosts": ["*"], "gateways": ["public"], "http": [WAY]}}
    claims = {
        "headers": {"@request.auth.claims.role": {"exact": "a"}},
        "withoutHeaders": {"a": {"regex": "*"}, "b": {}},
    }
    for path, value in (
        (("spec", "gateways"), ["public"]),
        ((*ROUTE, "match"), [claims]),
        ((*ROUTE, "retries"), {"attempts": 0}),
        ((*ROUTE, "corsPolicy"), {"maxAge": "1m", "allowOrigins": [{"exact": "*"}], "allowHeaders": ["*"]}),
    ):
        World([Document(put(gateway, path, value))])
