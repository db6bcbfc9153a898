"""What the mesh's YAML says of traffic: timeouts, retries, weights, who is put out, and what Istio must be told."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from google.protobuf import descriptor_pb2
from google.protobuf.descriptor import MethodDescriptor

from bourse.ledger.v1 import ledger_pb2
from bourse.match.v1 import match_pb2
from bourse.order.v1 import order_pb2
from bourse.quote.v1 import quote_pb2
from mesh import schemas
from tests.mesh import validation
from tests.mesh.kustomization import Json, build, documents

ISTIO = Path(__file__).resolve().parents[2] / "mesh" / "istio"
EXAMPLE = ISTIO.parents[1] / "k8s" / "overlays" / "example"
OBJECTS = {folder: build(folder) for folder in (ISTIO, EXAMPLE)}
VERSIONED = {
    "svc-order": order_pb2.DESCRIPTOR.services_by_name["OrderService"],
    "svc-ledger": ledger_pb2.DESCRIPTOR.services_by_name["LedgerService"],
    "svc-quote": quote_pb2.DESCRIPTOR.services_by_name["QuoteService"],
}
METHODS = {
    f"/{service.full_name}/{method.name}": method for service in VERSIONED.values() for method in service.methods
}
METHODS |= {
    f"/bourse.match.v1.MatchService/{method.name}": method
    for method in match_pb2.DESCRIPTOR.services_by_name["MatchService"].methods
}
NO_SIDE_EFFECTS = descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS
HOST = ".bourse.svc.cluster.local"
INTERNAL = {"CreateHolds", "GetSettlement"}
HEADERS: list[dict[str, str]] = [
    {},
    {"bourse-ring": "early"},
    {"bourse-ring": "general"},
    {"bourse-version": "stable", "@request.auth.claims.role": "operator"},
    {"bourse-version": "canary", "@request.auth.claims.role": "operator"},
    {"bourse-version": "canary", "@request.auth.claims.role": "broker"},
    {"bourse-shard": "1"},
]


def of(kind: str, folder: Path = ISTIO) -> dict[str, Json]:
    return {document["metadata"]["name"]: document["spec"] for document in OBJECTS[folder] if document["kind"] == kind}


ROUTES = of("VirtualService")


def is_stream(method: MethodDescriptor) -> bool:
    return bool(method.client_streaming or method.server_streaming)


def route(spec: Json, path: str, headers: dict[str, str]) -> Json | None:
    """The first route of a VirtualService that matches."""
    return next(
        (route for route in spec["http"] if any(matches(match, path, headers) for match in route.get("match", [{}]))),
        None,
    )


def matches(match: Json, path: str, headers: dict[str, str]) -> bool:
    return (
        said(match.get("uri", {"prefix": ""}), path)
        and all(name in headers and said(value, headers[name]) for name, value in match.get("headers", {}).items())
        and not any(name in headers for name in match.get("withoutHeaders", {}))
    )


def said(match: Json, text: str) -> bool:
    if not match:
        return True
    ((how, value),) = match.items()
    if how == "prefix":
        return text.startswith(value)
    return re.fullmatch({"exact": re.escape(value), "regex": value}[how], text) is not None


def taken() -> Iterator[tuple[str, MethodDescriptor, dict[str, str], Json]]:
    """Every call that a VirtualService routes: path, method, headers, and the route."""
    for spec in ROUTES.values():
        for path, method in METHODS.items():
            for headers in HEADERS:
                if found := route(spec, path, headers):
                    yield path, method, headers, found


def test_no_stream_has_a_timeout_and_none_is_retried() -> None:
    """A stream lives as long as its session, on whatever route it is."""
    streams = [(path, found) for path, method, _, found in taken() if is_stream(method)]
    assert {path for path, _ in streams} == {path for path, method in METHODS.items() if is_stream(method)}
    assert not [path for path, found in streams if "timeout" in found or "retries" in found]


@pytest.mark.parametrize("folder", [ISTIO, EXAMPLE], ids=["base", "example"])
def test_whatever_is_no_stream_has_an_end(folder: Path) -> None:
    """Through the gateway: a limit of time that is longer than any route's timeout, and not for those routes that take a stream."""
    filters = {name: spec["configPatches"] for name, spec in of("EnvoyFilter", folder).items()}
    manager = filters["gateway-filters"][0]["patch"]["value"]["typed_config"]
    limit = seconds(manager["common_http_protocol_options"]["max_stream_duration"])
    patches = [
        (one["match"]["routeConfiguration"]["vhost"]["route"]["name"], one["patch"]["value"])
        for one in filters["gateway-streams"]
    ]
    none = {"max_stream_duration": "0s", "grpc_timeout_header_max": "0s"}
    assert all(value == {"route": {"max_stream_duration": none}} for _, value in patches)
    services = of("VirtualService", folder).values()
    found = [one for spec in services if "public" in spec.get("gateways", []) for one in spec["http"]]
    routes = [one for one in found if "route" in one]
    assert {name for name, _ in patches} == {one["name"] for one in routes if "timeout" not in one}
    assert all(seconds(one["timeout"]) < limit for one in routes if "timeout" in one)


def test_only_what_has_no_side_effects_is_retried() -> None:
    """A route that retries takes unary methods without side effects alone, and within its timeout."""
    for path, method, _, found in taken():
        if "retries" in found:
            assert method.GetOptions().idempotency_level == NO_SIDE_EFFECTS, path
            assert found["retries"]["attempts"] > 0
            assert seconds(found["retries"]["perTryTimeout"]) < seconds(found["timeout"])


@pytest.mark.parametrize("headers", HEADERS, ids=str)
def test_unary_methods_have_a_timeout(headers: dict[str, str]) -> None:
    """From the gateway every unary method has one, whatever version, ring or shard is named."""
    public = [spec for spec in ROUTES.values() if "public" in spec.get("gateways", [])]
    for path, method in METHODS.items():
        (found,) = [found for spec in public if (found := route(spec, path, headers))]
        if not is_stream(method):
            assert seconds(found["timeout"]) > 0, path


@pytest.mark.parametrize("name", VERSIONED)
@pytest.mark.parametrize("ring", [{}, {"bourse-ring": "early"}], ids=["general", "early"])
def test_reads_are_retried(name: str, ring: dict[str, str]) -> None:
    """From the gateway, the unary methods of a versioned service that have no side effects, all of them and those alone."""
    for method in VERSIONED[name].methods:
        found = route(ROUTES[name], f"/{VERSIONED[name].full_name}/{method.name}", ring)
        assert found is not None
        if not is_stream(method):
            assert ("retries" in found) == (method.GetOptions().idempotency_level == NO_SIDE_EFFECTS)


def seconds(text: str) -> float:
    assert text.endswith("s")
    return float(text.removesuffix("s"))


@pytest.mark.parametrize("name", VERSIONED)
def test_a_version_that_there_is_not_is_refused(name: str) -> None:
    """An operator's call does not go where nobody has said."""
    for method in VERSIONED[name].methods:
        path = f"/{VERSIONED[name].full_name}/{method.name}"
        found = route(ROUTES[name], path, {"bourse-version": "blue", "@request.auth.claims.role": "operator"})
        assert found is not None
        assert found["directResponse"] == {"status": 400}


def test_weights_move_every_route_of_a_version() -> None:
    """Each route to a service with versions, an operator's own choice and what is said of all apart, weighs stable 100 and canary 0."""
    for spec in ROUTES.values():
        for found in spec["http"]:
            if "directResponse" in found:
                continue
            host = found["route"][0]["destination"]["host"]
            if (
                host.removesuffix(HOST) in VERSIONED
                and found["name"] != "about"
                and not found["name"].startswith("operator-")
            ):
                assert [(item["destination"]["subset"], item["weight"]) for item in found["route"]] == [
                    ("stable", 100),
                    ("canary", 0),
                ]
                assert {item["destination"]["host"] for item in found["route"]} == {host}


@pytest.mark.parametrize("name", VERSIONED)
def test_a_ring_has_routes_of_its_own(name: str) -> None:
    """What is done for the early ring takes other routes than the rest, for every method, so its weights are its own."""
    for method in VERSIONED[name].methods:
        path = f"/{VERSIONED[name].full_name}/{method.name}"
        early, general = (route(ROUTES[name], path, {"bourse-ring": ring}) for ring in ("early", "general"))
        assert early is not None
        assert general is not None
        assert early["name"] == f"early-{general['name']}"
        assert general == route(ROUTES[name], path, {})


@pytest.mark.parametrize("name", VERSIONED)
def test_only_an_operator_names_a_version(name: str) -> None:
    """The header does nothing for a broker."""
    for method in VERSIONED[name].methods:
        path = f"/{VERSIONED[name].full_name}/{method.name}"
        for version in ("stable", "canary"):
            headers = {"bourse-version": version}
            chosen = route(ROUTES[name], path, {**headers, "@request.auth.claims.role": "operator"})
            assert chosen is not None
            assert [item["destination"]["subset"] for item in chosen["route"]] == [version]
            assert route(ROUTES[name], path, {**headers, "@request.auth.claims.role": "broker"}) == route(
                ROUTES[name], path, {}
            )


def test_svc_order_reaches_svc_ledger_by_rings() -> None:
    """In the mesh the ring that svc_order passes on chooses the ledger's version too."""
    for name in INTERNAL:
        path = f"/bourse.ledger.v1.LedgerService/{name}"
        early = route(ROUTES["svc-ledger-internal"], path, {"bourse-ring": "early"})
        general = route(ROUTES["svc-ledger-internal"], path, {})
        assert early is not None
        assert general is not None
        assert early["name"] == f"early-{general['name']}"


@pytest.mark.parametrize("name", VERSIONED)
def test_versions_are_subsets_and_the_unreachable_are_put_out(name: str) -> None:
    """Only failures to connect count, so that a database that is down ejects nobody; and calls are mTLS whatever the peer offers."""
    spec = of("DestinationRule")[name]
    assert spec["host"] == name + HOST
    assert spec["subsets"] == [{"name": version, "labels": {"version": version}} for version in ("stable", "canary")]
    policy = spec["trafficPolicy"]
    assert policy["tls"] == {"mode": "ISTIO_MUTUAL"}
    assert policy["connectionPool"].keys() == {"tcp", "http"}
    outlier = policy["outlierDetection"]
    assert outlier["splitExternalLocalOriginErrors"] is True
    assert outlier["consecutive5xxErrors"] == outlier["consecutiveGatewayErrors"] == 0
    assert outlier["consecutiveLocalOriginFailures"] > 0


def test_no_shard_is_put_out() -> None:
    """svc_match has neither outlier detection nor subsets: nobody else can answer for a shard."""
    shards = {name: spec for name, spec in of("DestinationRule").items() if name.startswith("svc-match")}
    assert set(shards) == {"svc-match-0-0", "svc-match-1-0"}
    for spec in shards.values():
        assert "subsets" not in spec
        assert spec["trafficPolicy"].keys() == {"tls", "connectionPool"}


def test_the_mesh_is_closed() -> None:
    """Plaintext is refused everywhere, and so is whoever no policy admits. EnvoyFilters are for the gateway, but for the
    sidecars' words to those whom they refuse.
    """
    assert of("PeerAuthentication") == {"strict": {"mtls": {"mode": "STRICT"}}}
    assert of("AuthorizationPolicy")["nobody"] == {}
    filters = of("EnvoyFilter")
    replies = filters.pop("sidecar-replies")["configPatches"]
    assert {(patch["applyTo"], patch["match"]["context"]) for patch in replies} == {
        ("NETWORK_FILTER", "SIDECAR_INBOUND")
    }
    assert all(spec["workloadSelector"] == {"labels": {"app": "gateway"}} for spec in filters.values())


def test_what_istio_must_be_told() -> None:
    """install.yaml has MeshConfig's fields only: no retry that a route does not ask for, no unknown destination, one trust domain."""
    (document,) = documents(ISTIO / "install.yaml")
    config: Any = document["spec"]["meshConfig"]
    assert not validation.problems_of(config, schemas.mesh_config())
    assert config["defaultHttpRetryPolicy"] == {"attempts": 0}
    assert config["outboundTrafficPolicy"] == {"mode": "REGISTRY_ONLY"}
    assert config["defaultConfig"]["proxyHeaders"] == {"forwardedClientCert": "SANITIZE_SET"}
    assert config["trustDomain"] == "cluster.local"
    assert {item["name"] for item in config["extensionProviders"]} == {"otel"}
