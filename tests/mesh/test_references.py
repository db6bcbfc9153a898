"""What a document names and nothing has is refused where it stands: a host, a port, a subset, a gateway, a provider."""

from pathlib import Path

import pytest

from mesh.conformance.installation import EXERCISE
from mesh.conformance.workloads import compared, pods_of
from mesh.local import references
from mesh.local.document import Untranslatable
from mesh.local.model import World
from mesh.local.translate import resources

GIVEN = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, namespace: bourse}
spec:
  selector: {matchLabels: {app: app}}
  template:
    metadata: {labels: {app: app, version: stable}}
    spec: {containers: [{name: app, ports: [{name: grpc, containerPort: 50051}]}]}
---
apiVersion: v1
kind: Service
metadata: {name: app, namespace: bourse}
spec: {selector: {app: app}, ports: [{name: grpc, port: 50051, targetPort: grpc}]}
---
apiVersion: networking.istio.io/v1
kind: DestinationRule
metadata: {name: app, namespace: bourse}
spec: {host: app, subsets: [{name: stable, labels: {version: stable}}]}
---
apiVersion: networking.istio.io/v1
kind: Gateway
metadata: {name: public, namespace: bourse}
spec: {selector: {app: app}, servers: []}
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: public, namespace: bourse}
spec:
  hosts: [api.example]
  gateways: [public]
  http:
  - match: [{uri: {prefix: /a}, gateways: [bourse/public]}]
    route: [{destination: {host: app, subset: stable, port: {number: 50051}}}]
    mirrors: [{destination: {host: app.bourse.svc.cluster.local}}]
---
apiVersion: networking.istio.io/v1
kind: VirtualService
metadata: {name: app, namespace: bourse}
spec: {hosts: [app, "*.svc.cluster.local"], http: [{route: [{destination: {host: app}}], mirror: {host: app, subset: stable}}]}
---
apiVersion: telemetry.istio.io/v1
kind: Telemetry
metadata: {name: app, namespace: bourse}
spec: {tracing: [{providers: [{name: otel}]}], accessLogging: [{providers: [{name: envoy}]}]}
---
kind: MeshConfig
metadata: {name: mesh}
outboundTrafficPolicy: {mode: REGISTRY_ONLY}
extensionProviders: [{name: otel, opentelemetry: {service: app, port: 50051}}]
"""
HTTP = "spec.http[0]"
MISSPELT = [
    (
        "targetPort: grpc",
        "targetPort: gprc",
        "Service app: spec.ports[0].targetPort: no container has a port named gprc",
    ),
    (
        "spec: {host: app,",
        "spec: {host: ap,",
        "DestinationRule app: spec.host: no service is ap.bourse.svc.cluster.local",
    ),
    ("gateways: [public]", "gateways: [pubic]", "VirtualService public: spec.gateways[0]: no Gateway is pubic"),
    (
        "[bourse/public]",
        "[other/public]",
        f"VirtualService public: {HTTP}.match[0].gateways[0]: no Gateway is other/public",
    ),
    (
        "[{destination: {host: app,",
        "[{destination: {host: apq,",
        f"public: {HTTP}.route[0].destination.host: no service is apq",
    ),
    ("subset: stable, port", "subset: stabel, port", f"{HTTP}.route[0].destination.subset: no DestinationRule of app"),
    (
        "{number: 50051}",
        "{number: 50052}",
        f"{HTTP}.route[0].destination.port: app.bourse.svc.cluster.local has no port 50052",
    ),
    (
        "host: app.bourse.",
        "host: app.bursa.",
        f"{HTTP}.mirrors[0].destination.host: no service is app.bursa.svc.cluster",
    ),
    ("hosts: [app,", "hosts: [aap,", "VirtualService app: spec.hosts[0]: no service is aap"),
    (
        "mirror: {host: app, subset: stable}",
        "mirror: {host: app, subset: old}",
        f"{HTTP}.mirror.subset: no DestinationRule of",
    ),
    (
        "[{name: otel}]",
        "[{name: hotel}]",
        "Telemetry app: spec.tracing[0].providers[0].name: meshConfig has no provider hotel",
    ),
    ("[{name: envoy}]", "[{name: file}]", "spec.accessLogging[0].providers[0].name: meshConfig has no provider file"),
]


def load(folder: Path, text: str) -> World:
    (folder / "own.yaml").write_text(text)
    return World.load([folder])


def test_what_is_there_may_be_named(tmp_path: Path) -> None:
    assert len(load(tmp_path, GIVEN).services) == 1


@pytest.mark.parametrize(("right", "wrong", "said"), MISSPELT)
def test_what_is_not_there_is_refused_by_its_name(right: str, wrong: str, said: str, tmp_path: Path) -> None:
    """One letter is wrong: by file, line, kind, name and path."""
    text = GIVEN.replace(right, wrong, 1)
    with pytest.raises(Untranslatable) as refused:
        load(tmp_path, text)
    problem = next(one for one in refused.value.problems if said in str(one))
    assert wrong in text.splitlines()[problem.line - 1]
    assert len(refused.value.problems) == 1 or "DestinationRule" in said


FILTER = """
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {name: own, namespace: bourse}
spec:
  configPatches:
  - applyTo: HTTP_FILTER
    match: {listener: {filterChain: {filter: {name: envoy.filters.network.http_connection_manager,
      subFilter: {name: envoy.filters.http.router}}}}}
    patch: {operation: INSERT_BEFORE, value: {name: first}}
  - applyTo: HTTP_FILTER
    match: {listener: {filterChain: {filter: {subFilter: {name: first}}}}}
    patch: {operation: INSERT_AFTER, value: {name: second}}
"""


@pytest.mark.parametrize(
    ("right", "wrong", "path"),
    [
        (
            "name: envoy.filters.network.http",
            "name: envoy.filters.network.htpp",
            "configPatches[0].match.listener.filterChain.filter",
        ),
        ("http.router", "http.rooter", "configPatches[0].match.listener.filterChain.filter.subFilter"),
        (
            "subFilter: {name: first}",
            "subFilter: {name: fist}",
            "configPatches[1].match.listener.filterChain.filter.subFilter",
        ),
    ],
)
def test_a_place_beside_a_filter_that_is_nowhere_is_refused(right: str, wrong: str, path: str, tmp_path: Path) -> None:
    """A filter of the translator's own, or of another patch."""
    load(tmp_path, GIVEN + FILTER)
    with pytest.raises(Untranslatable) as refused:
        load(tmp_path, (GIVEN + FILTER).replace(right, wrong))
    (problem,) = refused.value.problems
    assert (problem.name, problem.path) == ("own", f"spec.{path}.name")
    assert problem.why.startswith("no filter is ")


def test_the_filters_that_are_known_are_those_that_are_made() -> None:
    """Of every pod of an exercise of all that is translated."""
    world = World.load([EXERCISE])
    pods = pods_of(world)
    listeners = [each for pod in compared(pods) for each in resources(world, pod, pods, Path("/mesh")).listeners]
    chains = [chain for listener in listeners for chain in listener["filter_chains"]]
    network = [item for chain in chains for item in chain["filters"]]
    http = [item for one in network for item in one["typed_config"].get("http_filters", [])]
    added = {"after", "before", "first"}
    assert {item["name"] for item in [*network, *http]} == references.FILTERS | added


RULES = [
    ("PeerAuthentication", 'portLevelMtls: {"80": {mode: STRICT}}', "spec: portLevelMtls requires selector"),
    (
        "PeerAuthentication",
        'selector: {matchLabels: {app: app}}, portLevelMtls: {"grpc": {mode: STRICT}}',
        "spec.portLevelMtls: ",
    ),
    (
        "RequestAuthentication",
        'jwtRules: [{issuer: a, jwks: "{}", jwksUri: "https://a"}]',
        "only one of jwks or jwksUri",
    ),
    (
        "RequestAuthentication",
        "jwtRules: [{issuer: a, jwksUri: not a url}]",
        "spec.jwtRules[0].jwksUri: url must have scheme",
    ),
    (
        "VirtualService",
        "hosts: [app], http: [{redirect: {uri: /}, timeout: 0s}]",
        "spec.http[0].timeout: must be a valid duration",
    ),
]


@pytest.mark.parametrize(("kind", "spec", "said"), RULES)
def test_a_rule_of_a_schema_is_evaluated(kind: str, spec: str, said: str, tmp_path: Path) -> None:
    """As an API server would; tests/mesh/test_yaml.py has more of them."""
    group = "networking" if kind == "VirtualService" else "security"
    own = f"apiVersion: {group}.istio.io/v1\nkind: {kind}\nmetadata: {{name: own, namespace: bourse}}\nspec: {{{spec}}}\n---"
    with pytest.raises(Untranslatable) as refused:
        load(tmp_path, own + GIVEN)
    (problem,) = refused.value.problems
    assert (problem.kind, problem.name, problem.line) == (kind, "own", 4)
    assert said in f"{problem.path}: {problem.why}"


@pytest.mark.parametrize(
    ("right", "wrong", "path"),
    [
        ("labels: {app: app, version", 'labels: {sidecar.istio.io/inject: "false", app: app, version', "labels"),
        ("metadata: {labels", 'metadata: {annotations: {sidecar.istio.io/inject: "false"}, labels', "annotations"),
    ],
)
def test_a_pod_without_its_sidecar_is_refused(right: str, wrong: str, path: str, tmp_path: Path) -> None:
    """Here every pod has one."""
    with pytest.raises(
        Untranslatable, match=rf"own.yaml:8: Deployment app: spec.template.metadata.{path}.*false is not"
    ):
        load(tmp_path, GIVEN.replace(right, wrong, 1))


def test_a_namespace_without_sidecars_is_refused(tmp_path: Path) -> None:
    own = "apiVersion: v1\nkind: Namespace\nmetadata: {name: bourse, labels: {istio-injection: disabled}}\n---"
    with pytest.raises(
        Untranslatable, match=r"own.yaml:3: Namespace bourse: metadata.labels.istio-injection: disabled"
    ):
        load(tmp_path, own + GIVEN)
    load(tmp_path, own.replace("disabled", "enabled") + GIVEN)
