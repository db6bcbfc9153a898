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
SERVER = "selector: %s, servers: [{port: {number: 80, name: http, protocol: HTTP}, hosts: [%s]}]"
ENTRY = "hosts: [%s], ports: [{number: 80, name: http, protocol: HTTP}], resolution: DNS"


def document(kind: str, name: str, spec: str, namespace: str = "bourse") -> str:
    version = VERSIONS.get(kind, "networking.istio.io/v1")
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
    gateway = document("Gateway", "public", "selector: {app: app}, servers: []")
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
