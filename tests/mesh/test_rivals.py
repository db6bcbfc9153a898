"""Two documents that want to be the one that holds are refused by both their names; two that concern others are not."""

from pathlib import Path

import pytest

from mesh.local.document import Untranslatable
from mesh.local.model import World

PODS = """
apiVersion: apps/v1
kind: Deployment
metadata: {name: app, namespace: bourse}
spec:
  selector: {matchLabels: {app: app}}
  template: {metadata: {labels: {app: app, tier: money, version: stable}}, spec: {containers: []}}
---
apiVersion: apps/v1
kind: Deployment
metadata: {name: other, namespace: bourse}
spec:
  selector: {matchLabels: {app: other}}
  template: {metadata: {labels: {app: other, version: canary}}, spec: {containers: []}}
---
apiVersion: v1
kind: Service
metadata: {name: app, namespace: bourse}
spec: {selector: {app: app}, ports: [{name: grpc, port: 50051}]}
---
apiVersion: v1
kind: Service
metadata: {name: other, namespace: bourse}
spec: {selector: {app: other}, ports: [{name: grpc, port: 50051}]}
---
kind: MeshConfig
metadata: {name: mesh}
outboundTrafficPolicy: {mode: REGISTRY_ONLY}
"""
VERSIONS = {"PeerAuthentication": "security.istio.io/v1", "Telemetry": "telemetry.istio.io/v1"}
OF_PODS = {"PeerAuthentication": "selector: {matchLabels: %s}", "Telemetry": "selector: {matchLabels: %s}"}
SIDECAR = "workloadSelector: {labels: %s}"
TLS = ", tls: {mode: SIMPLE, credentialName: own}"
SERVER = f"selector: %s, servers: [{{port: {{number: 80, name: https, protocol: HTTPS}}, hosts: [%s]{TLS}}}]"
ENTRY = "hosts: [%s], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS"


def document(kind: str, name: str, spec: str, namespace: str = "bourse") -> str:
    version = VERSIONS.get(kind, "networking.istio.io/v1")
    if kind == "Sidecar":
        spec = ", ".join(filter(None, (spec, "outboundTrafficPolicy: {mode: REGISTRY_ONLY}")))
    return f"---\napiVersion: {version}\nkind: {kind}\nmetadata: {{name: {name}, namespace: {namespace}}}\nspec: {{{spec}}}\n"


def selecting(kind: str, labels: str) -> str:
    return OF_PODS.get(kind, SIDECAR) % labels if labels else ""


def loaded(folder: Path, *documents: str) -> World:
    (folder / "own.yaml").write_text("".join([PODS, *documents]))
    return World.load([folder])


def refused(folder: Path, kind: str, first: str, second: str, said: str) -> None:
    """The second, by both names and where the first one is."""
    (folder / "own.yaml").write_text(PODS)
    with pytest.raises(Untranslatable) as found:
        loaded(folder, first, second)
    (problem,) = found.value.problems
    assert (problem.kind, problem.name, problem.path) == (kind, "second", "metadata.name")
    line = PODS.count("\n") + 2
    assert problem.why.startswith(f"first is there already for {said}, in {folder / 'own.yaml'}:{line}:")


SAME = {"": "all of bourse", "{app: app}": "app: app"}


@pytest.mark.parametrize("kind", ["PeerAuthentication", "Sidecar", "Telemetry"])
@pytest.mark.parametrize("labels", SAME)
def test_two_for_the_same_pods_are_refused(kind: str, labels: str, tmp_path: Path) -> None:
    """Of a whole namespace, or of one selector."""
    spec = selecting(kind, labels)
    refused(tmp_path, kind, document(kind, "first", spec), document(kind, "second", spec), SAME[labels])


@pytest.mark.parametrize("kind", ["PeerAuthentication", "Sidecar", "Telemetry"])
def test_two_that_select_one_workload_are_refused(kind: str, tmp_path: Path) -> None:
    """By other labels; two that no workload has both of, and those of a namespace and of a workload, stand side by side."""
    first = document(kind, "first", selecting(kind, "{app: app}"))
    refused(tmp_path, kind, first, document(kind, "second", selecting(kind, "{tier: money}")), "tier: money")
    refused(tmp_path, kind, first, document(kind, "second", selecting(kind, "{version: canary}")), "version: canary")

    for spec in (selecting(kind, "{app: other}"), ""):
        assert len(loaded(tmp_path, first, document(kind, "second", spec)).of(kind)) == 2
    whole = document(kind, "whole", "", "istio-system")
    assert len(loaded(tmp_path, first, document(kind, "second", ""), whole).of(kind)) == 3


@pytest.mark.parametrize(
    ("kind", "one", "other", "said"),
    [
        ("DestinationRule", "host: app", "host: app.bourse.svc.cluster.local", "app.bourse.svc.cluster.local"),
        ("DestinationRule", 'host: "*.local"', 'host: "*.local"', "*.local"),
        (
            "VirtualService",
            "hosts: [app], http: [{redirect: {uri: /}}]",
            "hosts: [other, app.bourse.svc.cluster.local], http: [{redirect: {uri: /a}}]",
            "app.bourse.svc.cluster.local",
        ),
        ("ServiceEntry", ENTRY % "a.example", ENTRY % "a.example", "a.example"),
        ("Gateway", SERVER % ("{app: app}", "a.example"), SERVER % ("{tier: money}", "A.example"), "a.example:80"),
        ("Gateway", SERVER % ("{app: app}", "a.example"), SERVER % ("{}", "bourse/a.example"), "a.example:80"),
    ],
)
def test_two_for_one_host_are_refused(kind: str, one: str, other: str, said: str, tmp_path: Path) -> None:
    """By its short or its full name; of Gateways on one port, for a pod that both select."""
    refused(tmp_path, kind, document(kind, "first", one), document(kind, "second", other), said)


def test_virtual_services_of_a_gateway_share_a_host(tmp_path: Path) -> None:
    """Their routes stand one behind the other there; a sidecar would know one of them."""
    gateway = document("Gateway", "public", SERVER % ("{app: app}", "a.example"))
    shared = "hosts: [a.example], gateways: [public], http: [{redirect: {uri: /}}]"
    found = loaded(
        tmp_path, gateway, document("VirtualService", "first", shared), document("VirtualService", "second", shared)
    )
    assert len(found.of("VirtualService")) == 2


@pytest.mark.parametrize(
    ("selector", "host", "port"), [("app: other", "a.", 80), ("app: app", "b.", 80), ("app: app", "a.", 81)]
)
def test_gateways_of_other_pods_hosts_or_ports_stand_side_by_side(
    selector: str, host: str, port: int, tmp_path: Path
) -> None:
    first = document("Gateway", "first", SERVER % ("{app: app}", "a.example"))
    second = SERVER.replace("80", str(port)) % (f"{{{selector}}}", f"{host}example")
    assert len(loaded(tmp_path, first, document("Gateway", "second", second)).of("Gateway")) == 2


def gateway(name: str, *servers: tuple[str, str, str], app: str = "app") -> str:
    """Each server is a port's name, its protocol, and hosts; all on port 443."""
    listed = ", ".join(
        f"{{port: {{number: 443, name: {port}, protocol: {protocol}}}, hosts: [{hosts}]{TLS if protocol == 'HTTPS' else ''}}}"
        for port, protocol, hosts in servers
    )
    return document("Gateway", name, f"selector: {{app: {app}}}, servers: [{listed}]")


A, B = ("one", "HTTPS", "a.example"), ("two", "HTTPS", "b.example")
PLAIN, OTHER_PLAIN = ("plain", "HTTP", "c.example"), ("more", "GRPC", "d.example")


@pytest.mark.parametrize(
    ("first", "second", "said"),
    [
        (A, PLAIN, "HTTP beside HTTPS on port 443"),
        (PLAIN, A, "HTTPS beside HTTP on port 443"),
        (PLAIN, OTHER_PLAIN, "GRPC beside HTTP on port 443"),
    ],
)
@pytest.mark.parametrize("gateways", [1, 2])
def test_two_servers_of_one_port_that_nothing_tells_apart_are_refused(
    gateways: int, first: tuple[str, str, str], second: tuple[str, str, str], said: str, tmp_path: Path
) -> None:
    """The second by file, line and field, with the first one's: Istio would serve one of them, or is not followed."""
    made = [gateway("first", first), gateway("second", second)] if gateways == 2 else [gateway("first", first, second)]
    with pytest.raises(Untranslatable) as found:
        loaded(tmp_path, *made)
    (problem,) = found.value.problems
    assert problem.path == f"spec.servers[{2 - gateways}].port.protocol"
    line = PODS.count("\n") + 5
    assert f"{tmp_path / 'own.yaml'}:{line + 5 * (gateways - 1)}:" in str(problem)
    assert problem.why.startswith(f"{said}, of first's servers[0], in {tmp_path / 'own.yaml'}:{line}")


def test_servers_of_one_port_are_told_apart_by_their_hosts(tmp_path: Path) -> None:
    """HTTPS of several hosts on one port, and whatever on another pod's port, stand side by side; one host twice does not."""
    assert len(loaded(tmp_path, gateway("first", A, B), gateway("other", PLAIN, app="other")).of("Gateway")) == 2
    for servers, index in (
        ((A, ("two", "HTTPS", "b.example, A.example")), 1),
        ((("one", "HTTPS", "a.example, a.example"),), 0),
    ):
        with pytest.raises(Untranslatable) as found:
            loaded(tmp_path, gateway("first", *servers))
        (problem,) = found.value.problems
        assert problem.path == f"spec.servers[{index}].hosts"


@pytest.mark.parametrize(
    ("spec", "path", "why"),
    [
        ("servers: []", "spec", "needs servers"),
        (
            "servers: [{port: {number: 80, name: a, protocol: HTTP}, hosts: []}]",
            "spec.servers[0].hosts",
            "needs a host",
        ),
        (
            "servers: [{port: {number: 0, name: a, protocol: HTTP}, hosts: [a.example]}]",
            "spec.servers[0].port.number",
            "0 is no port",
        ),
        (
            f"servers: [{{port: {{number: 80, name: a, protocol: HTTP}}, hosts: [a.example]{TLS}}}]",
            "spec.servers[0].tls",
            "HTTP has no TLS",
        ),
        (
            """servers:
  - {port: {number: 80, name: a, protocol: HTTP}, hosts: [a.example]}
  - {port: {number: 81, name: a, protocol: HTTP}, hosts: [a.example]}""",
            "spec.servers[1].port.name",
            "servers[0] has the name a already",
        ),
    ],
)
def test_a_gateway_that_istio_would_not_admit_is_refused(spec: str, path: str, why: str, tmp_path: Path) -> None:
    with pytest.raises(Untranslatable) as found:
        loaded(tmp_path, document("Gateway", "first", "").replace("spec: {}", f"spec:\n  {spec}\n"))
    (problem,) = found.value.problems
    assert (problem.path, problem.why.startswith(why)) == (path, True), problem
