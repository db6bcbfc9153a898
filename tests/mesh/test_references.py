"""What a document names and nothing has is refused where it stands: a host, a port, a subset, a gateway, a provider, an account."""

from pathlib import Path

import pytest

from mesh.local.document import Untranslatable
from mesh.local.model import World

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
spec: {selector: {app: door}, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [api.example]}]}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: door, namespace: bourse}
spec:
  selector: {matchLabels: {app: door}}
  template: {metadata: {labels: {app: door}}, spec: {containers: []}}
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
apiVersion: networking.istio.io/v1
kind: Sidecar
metadata: {name: app, namespace: bourse}
spec: {egress: [{hosts: [./app.bourse.svc.cluster.local, elsewhere/any.example]}]}
---
apiVersion: v1
kind: ServiceAccount
metadata: {name: caller, namespace: bourse}
---
apiVersion: security.istio.io/v1
kind: AuthorizationPolicy
metadata: {name: app, namespace: bourse}
spec: {rules: [{from: [{source: {principals: [cluster.local/ns/bourse/sa/caller, cluster.local/ns/far/sa/any]}}]}]}
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
    (
        "selector: {matchLabels: {app: app}}",
        "selector: {matchLabels: {app: apq}}",
        "Deployment app: spec.selector.matchLabels: its own pods do not carry app: apq",
    ),
    (
        "./app.bourse.svc",
        "./app.burse.svc",
        "Sidecar app: spec.egress[0].hosts[0]: no service of bourse is app.burse.svc.cluster.local",
    ),
    (
        "bourse/sa/caller",
        "bourse/sa/called",
        "app: spec.rules[0].from[0].source.principals[0]: no ServiceAccount of bourse is called",
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


def test_a_destination_needs_a_port_where_the_caller_names_another(tmp_path: Path) -> None:
    """Istio would look for the caller's own port there, and find no cluster."""
    ports = "ports: [{name: grpc, port: 50051}, {name: http, port: 80}]"
    more = f"\n---\napiVersion: v1\nkind: Service\nmetadata: {{name: two, namespace: bourse}}\nspec: {{selector: {{app: app}}, {ports}}}"
    text = GIVEN.replace("hosts: [app,", "hosts: [two,") + more
    for right, wrong, path in (
        (
            "[{destination: {host: app}}]",
            "[{destination: {host: two}}]",
            f"{HTTP}.mirror: needs a port: calls come on port 80",
        ),
        ("mirror: {host: app, subset: stable}", "mirror: {host: two}", f"{HTTP}.route[0].destination: needs a port"),
    ):
        with pytest.raises(Untranslatable) as refused:
            load(tmp_path, text.replace(right, wrong))
        (problem,) = refused.value.problems
        assert f"VirtualService app: {path}" in str(problem)
    only = text.replace(
        "http: [{route: [{destination: {host: app}}]",
        "http: [{match: [{port: 50051}], route: [{destination: {host: app}}]",
    )
    load(tmp_path, only)


MANAGER = "envoy.filters.network.http_connection_manager"
BEFORE_ROUTER = f"{{name: {MANAGER}, subFilter: {{name: envoy.filters.http.router}}}}"
PATCHES = f"""
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {{name: own, namespace: bourse}}
spec:
  workloadSelector: {{labels: {{app: app}}}}
  configPatches:
  - applyTo: HTTP_FILTER
    match: {{context: SIDECAR_INBOUND, listener: {{filterChain: {{filter: {BEFORE_ROUTER}}}}}}}
    patch: {{operation: INSERT_BEFORE, value: {{name: first}}}}
  - applyTo: HTTP_FILTER
    match: {{context: SIDECAR_INBOUND, listener: {{filterChain: {{filter: {{subFilter: {{name: first}}}}}}}}}}
    patch: {{operation: INSERT_AFTER, value: {{name: second}}}}
  - applyTo: HTTP_FILTER
    match: {{listener: {{filterChain: {{filter: {{subFilter: {{name: second}}}}}}}}}}
    patch: {{operation: MERGE, value: {{disabled: true}}}}
  - applyTo: CLUSTER
    match: {{context: SIDECAR_OUTBOUND, cluster: {{service: app.bourse.svc.cluster.local, subset: stable}}}}
    patch: {{operation: MERGE, value: {{connect_timeout: 7s}}}}
  - applyTo: HTTP_ROUTE
    match: {{context: SIDECAR_INBOUND, routeConfiguration: {{portNumber: 50051, vhost: {{route: {{name: default}}}}}}}}
    patch: {{operation: MERGE, value: {{route: {{idle_timeout: 9s}}}}}}
---
apiVersion: networking.istio.io/v1alpha3
kind: EnvoyFilter
metadata: {{name: doors, namespace: bourse}}
spec:
  workloadSelector: {{labels: {{app: door}}}}
  configPatches:
  - applyTo: LISTENER
    match: {{context: GATEWAY, listener: {{portNumber: 80}}}}
    patch: {{operation: MERGE, value: {{per_connection_buffer_limit_bytes: 32768}}}}
  - applyTo: VIRTUAL_HOST
    match: {{context: GATEWAY, routeConfiguration: {{vhost: {{domainName: api.example}}}}}}
    patch: {{operation: MERGE, value: {{request_headers_to_remove: [secret]}}}}
"""
NOWHERE = [
    (f"name: {MANAGER}", "name: envoy.filters.network.htpp", "own", 0),
    ("http.router", "http.rooter", "own", 0),
    ("http.router", "http.jwt_authn", "own", 0),
    ("name: first}}}", "name: fist}}}", "own", 1),
    (
        "INBOUND, listener: {filterChain: {filter: {subFilter",
        "OUTBOUND, listener: {filterChain: {filter: {subFilter",
        "own",
        1,
    ),
    ("name: second}}}", "name: third}}}", "own", 2),
    (
        "{listener: {filterChain: {filter: {subFilter",
        "{context: GATEWAY, listener: {filterChain: {filter: {subFilter",
        "own",
        2,
    ),
    ("cluster.local, subset: stable}", "cluster.local, subset: stabel}", "own", 3),
    ("SIDECAR_OUTBOUND", "SIDECAR_INBOUND", "own", 3),
    ("portNumber: 50051, vhost", "portNumber: 50052, vhost", "own", 4),
    ("{name: default}", "{name: defualt}", "own", 4),
    ("GATEWAY, listener", "SIDECAR_INBOUND, listener", "doors", 0),
    ("portNumber: 80", "portNumber: 81", "doors", 0),
    ("domainName: api.example", "domainName: ap.example", "doors", 1),
]


@pytest.mark.parametrize(("right", "wrong", "name", "index"), NOWHERE)
def test_a_patch_that_no_envoy_has_a_place_for_is_refused(
    right: str, wrong: str, name: str, index: int, tmp_path: Path
) -> None:
    """Under another context, beside a filter that is not there, of what nobody has: by name and line. What another patch
    adds is there.
    """
    load(tmp_path, GIVEN + PATCHES)
    text = (GIVEN + PATCHES).replace(right, wrong, 1)
    with pytest.raises(Untranslatable) as refused:
        load(tmp_path, text)
    problem = refused.value.problems[0]
    assert (problem.name, problem.path) == (name, f"spec.configPatches[{index}].match")
    assert wrong in text.splitlines()[problem.line - 1]
    assert problem.why.startswith("no Envoy that it selects has a place for it in context ")


RULES = [
    ("PeerAuthentication", 'portLevelMtls: {"80": {mode: STRICT}}', "spec: portLevelMtls requires selector"),
    (
        "PeerAuthentication",
        'selector: {matchLabels: {app: app}}, portLevelMtls: {"grpc": {mode: STRICT}}',
        "spec.portLevelMtls: ",
    ),
    (
        "RequestAuthentication",
        'jwtRules: [{issuer: a, jwks: "{keys: []}", jwksUri: "https://a"}]'.replace("keys", r"\"keys\""),
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
    for labels, why in (
        ("{}", "metadata: needs the label istio-injection: enabled"),
        ("{istio-injection: enabled, istio.io/rev: a}", "metadata.labels.istio.io/rev: is not translated"),
        (
            "{istio-injection: enabled, istio.io/dataplane-mode: ambient}",
            "metadata.labels.istio.io/dataplane-mode: is not translated",
        ),
        (
            "{istio-injection: enabled, istio.io/use-waypoint: own}",
            "metadata.labels.istio.io/use-waypoint: is not translated",
        ),
    ):
        with pytest.raises(Untranslatable, match=rf"own.yaml:3: Namespace bourse: {why}"):
            load(tmp_path, own.replace("{istio-injection: disabled}", labels) + GIVEN)


def test_a_pod_of_its_nodes_network_is_refused(tmp_path: Path) -> None:
    """On a cluster it has no sidecar."""
    with pytest.raises(Untranslatable, match=r"Deployment app: spec.template.spec.hostNetwork: is not translated"):
        load(tmp_path, GIVEN.replace("containers:", "hostNetwork: true, containers:", 1))
