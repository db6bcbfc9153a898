"""The YAML of the mesh is read whole, and every pod's Envoy gets of it what istiod would give."""

import copy
from dataclasses import replace
from pathlib import Path

import pytest

from mesh.local.document import Document, Untranslatable
from mesh.local.duration import duration
from mesh.local.model import Pod, World
from mesh.local.resources import Resources
from mesh.local.sources import SOURCES
from mesh.local.translate import resources

SERVICES = ("svc-order", "svc-ledger", "svc-quote")
FOLDER = Path("/folder")


def pods() -> list[Pod]:
    found = [Pod(name, name, {"app": name, "version": "stable"}, "127.0.0.2", FOLDER) for name in SERVICES]
    labels = {"app": "svc-match", "version": "stable", "shard": "0"}
    gateway = Pod("gateway", "gateway", {"app": "gateway"}, "127.0.0.4", FOLDER, gateway=True, ports={443: 8443})
    return [*found, Pod("svc-match-0-0", "svc-match", labels, "127.0.0.3", FOLDER), gateway]


def made(world: World, name: str) -> Resources:
    return resources(world, next(pod for pod in pods() if pod.name == name), pods(), FOLDER)


@pytest.fixture(scope="module")
def world() -> World:
    return World.load(SOURCES)


def write(folder: Path, **files: str) -> Path:
    for name, text in files.items():
        (folder / f"{name}.yaml").write_text(text)
    return folder


def service(name: str, more: str = "") -> str:
    return f"apiVersion: v1\nkind: Service\nmetadata: {{name: {name}, namespace: bourse}}\nspec:\n  selector: {{app: {name}}}\n{more}"


KUSTOMIZATION = "apiVersion: kustomize.config.k8s.io/v1beta1\nkind: Kustomization\n"
MESH = "kind: MeshConfig\nmetadata: {name: mesh}\noutboundTrafficPolicy: {mode: REGISTRY_ONLY}\n"


def test_names_are_those_of_istiod(world: World) -> None:
    """Clusters, listeners and routes are called as istiod calls them, in the scope that the pod's Sidecar gives."""
    order, gateway = made(world, "svc-order"), made(world, "gateway")
    called = {cluster["name"] for cluster in order.clusters}
    assert "outbound|50051|stable|svc-ledger.bourse.svc.cluster.local" in called
    assert "outbound|50051||svc-match-0-0.bourse.svc.cluster.local" in called
    assert not any("svc-quote" in name for name in called)
    assert [listener["name"] for listener in order.listeners] == ["virtualInbound", "egress"]
    assert [listener["name"] for listener in gateway.listeners] == ["0.0.0.0_8443"]
    assert [table["name"] for table in gateway.routes] == ["https.443.https.public.bourse"]


def test_only_the_shards_own_pod_answers_for_it(world: World) -> None:
    """The Service of one pod of a StatefulSet has that pod alone, and only svc_match's identity is believed of it."""
    order = made(world, "svc-order")
    filled = {item["cluster_name"]: len(item["endpoints"]) for item in order.endpoints}
    assert filled["outbound|50051||svc-match-0-0.bourse.svc.cluster.local"] == 1
    assert filled["outbound|50051||svc-match-1-0.bourse.svc.cluster.local"] == 0
    (cluster,) = [cluster for cluster in order.clusters if "svc-match-1-0" in cluster["name"]]
    context = cluster["transport_socket"]["typed_config"]["common_tls_context"]["combined_validation_context"]
    names = context["default_validation_context"]["match_typed_subject_alt_names"]
    assert [name["matcher"]["exact"] for name in names] == ["spiffe://cluster.local/ns/bourse/sa/svc-match"]


def test_what_a_sidecar_takes_out_is_not_known(world: World) -> None:
    """`~` before a namespace takes hosts out of what the others of its Sidecar let in; alone, it means those of every namespace."""
    (sidecar,) = [document for document in world.of("Sidecar") if document.name == "svc-order"]
    hosts = sidecar.spec["egress"][0]["hosts"]
    for without, left in (("~/*", False), ("~./svc-ledger.bourse.svc.cluster.local", False), ("~other/*", True)):
        egress = [{"hosts": [*hosts, without]}]
        changed = world.changed([{**sidecar.body, "spec": {**sidecar.spec, "egress": egress}}])
        assert any("svc-ledger" in cluster["name"] for cluster in made(changed, "svc-order").clusters) is left, without


def test_the_same_world_makes_the_same_resources(world: World) -> None:
    """Translating twice, or from files read again, gives the same."""
    again = World.load(SOURCES)
    for pod in pods():
        assert resources(world, pod, pods(), FOLDER) == resources(again, pod, pods(), FOLDER)


def test_what_cannot_be_translated_changes_nothing(tmp_path: Path) -> None:
    """All problems of all files are named at once, each with its line, and there is no world with some of them."""
    write(tmp_path, mesh=MESH, a=service("a", "  externalName: other\n"), b="kind: WasmPlugin\nmetadata: {name: b}\n")
    with pytest.raises(Untranslatable) as refused:
        World.load([tmp_path])
    assert [str(problem) for problem in refused.value.problems] == [
        f"{tmp_path}/a.yaml:6: Service a: spec.externalName: is not translated",
        f"{tmp_path}/b.yaml:1: WasmPlugin b: (document): the kind WasmPlugin is not translated",
    ]


def test_a_later_folder_replaces_and_one_folder_does_not(tmp_path: Path) -> None:
    """An installation's own document takes the place of the one of its name; twice in one folder is refused."""
    first, second = tmp_path / "first", tmp_path / "second"
    first.mkdir()
    second.mkdir()
    write(first, mesh=MESH, own=service("own"))
    write(second, own=service("own", "  publishNotReadyAddresses: true\n"))
    assert [found.unready_too for found in World.load([first, second]).services] == [True]
    write(first, twice=service("own"))
    with pytest.raises(Untranslatable, match=r"twice.yaml:3: Service own: metadata.name: is defined already"):
        World.load([first])


def test_the_open_default_is_refused(tmp_path: Path) -> None:
    """Istio lets a pod call whom the mesh does not know, where nothing is said; here that would be refused, so it must be said."""
    with pytest.raises(Untranslatable, match="ALLOW_ANY, which is not translated"):
        World.load([write(tmp_path, own=service("own"))])


def test_a_kustomization_says_what_is_read(tmp_path: Path) -> None:
    """Its resources are read and its patches of workloads are laid over them; what else it would do is refused."""
    deployment = (
        "apiVersion: apps/v1\nkind: Deployment\nmetadata: {name: own, namespace: bourse}\n"
        "spec: {selector: {matchLabels: {app: own}}, template: {metadata: {labels: {app: own}}}}\n"
    )
    patch = "kind: Deployment\nspec: {template: {spec: {serviceAccountName: account, containers: []}}}\n"
    kustomization = f"{KUSTOMIZATION}resources: [mesh.yaml, own.yaml, run.yaml]\n"
    patches = "patches: [{path: patch.yaml, target: {kind: Deployment}}]\n"
    write(tmp_path, mesh=MESH, own=service("own"), run=deployment, patch=patch, kustomization=kustomization + patches)
    world = World.load([tmp_path])
    assert world.service_accounts(world.services[0], []) == ["spiffe://cluster.local/ns/bourse/sa/account"]
    write(tmp_path, kustomization=kustomization + "namePrefix: own-\n")
    with pytest.raises(Untranslatable, match=r"kustomization.yaml:4: Kustomization .*: namePrefix: is not applied"):
        World.load([tmp_path])


@pytest.mark.parametrize(
    ("written", "envoys"), [("1m30s", "90s"), ("250ms", "0.25s"), ("0s", "0s"), ("1h", "3600s"), ("1.5s", "1.5s")]
)
def test_durations_are_envoys(written: str, envoys: str) -> None:
    """A duration of Kubernetes is the same time in Envoy."""
    assert duration(written) == envoys


def test_what_is_kept_between_worlds_is_as_if_made_anew(world: World) -> None:
    """A world with other weights, of the gateway's routes or of those inside the mesh, or with other policies, gives every pod
    what the same documents read at once give. The routes of the pods that the weights do not concern are not made again.
    """
    policy, routes = world.of("AuthorizationPolicy")[0], {one.name: one for one in world.of("VirtualService")}
    for pod in pods():
        made(world, pod.name)
    for changes in (
        [heavier(routes["svc-quote"])],
        [heavier(routes["svc-ledger-internal"])],
        [replace(policy, body={**policy.body, "spec": {}})],
    ):
        found = world.changed(changes)
        anew = World(found.documents, found.keys)
        for pod in pods():
            assert made(found, pod.name) == made(anew, pod.name)
    order, gateway = made(world, "svc-order"), made(world, "gateway")
    found = world.changed([heavier(routes["svc-quote"])])
    assert made(found, "svc-order").routes is order.routes
    assert made(found, "gateway").routes != gateway.routes


def heavier(document: Document) -> Document:
    body = copy.deepcopy(document.body)
    ways = next(route["route"] for route in body["spec"]["http"] if len(route.get("route", [])) > 1)
    ways[0]["weight"], ways[1]["weight"] = 30, 70
    return replace(document, body=body)
