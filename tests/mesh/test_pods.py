"""Every pod of the exchange: hardened, probed, drained in time, addressed by one name, and told only of what there is."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from chassis.server import DRAIN_SECONDS
from chassis.settings import PREFIX, read
from chassis.settings import Process as Settings
from mesh import schemas
from svc_ledger.settings import Settings as Ledger
from svc_match.settings import Settings as Match
from svc_order.settings import Settings as Order
from svc_quote.settings import Settings as Quote
from tests.mesh import validation
from tests.mesh.kustomization import Json, build

ROOT = Path(__file__).resolve().parents[2]
BASE = ROOT / "k8s" / "base"
SETTINGS: dict[str, type[Settings]] = {"svc-order": Order, "svc-match": Match, "svc-ledger": Ledger, "svc-quote": Quote}
GRACE_SECONDS, SIDECAR_SECONDS = 60, 45
HOST = ".bourse.svc.cluster.local"
POD_NAME = "statefulset.kubernetes.io/pod-name"
STORES = {"postgres", "nats"}
OBJECTS = build(ROOT / "k8s" / "overlays" / "example")


def of(kind: str) -> list[Json]:
    return [document for document in OBJECTS if document["kind"] == kind]


WORKLOADS = {document["metadata"]["name"]: document for document in (*of("Deployment"), *of("StatefulSet"))}
SERVICES = {name: document for name, document in WORKLOADS.items() if name.startswith("svc-")}


def pod(name: str) -> tuple[Json, Json]:
    """The spec of a workload's pods, and its one container."""
    spec = WORKLOADS[name]["spec"]["template"]["spec"]
    (container,) = spec["containers"]
    return spec, container


def app(name: str) -> str:
    return str(WORKLOADS[name]["spec"]["template"]["metadata"]["labels"]["app"])


def test_what_runs() -> None:
    """The gateway, three services that have versions, and a StatefulSet a shard."""
    assert set(WORKLOADS) == {
        "gateway",
        "svc-order",
        "svc-ledger",
        "svc-quote",
        "svc-match-0",
        "svc-match-1",
        "svc-match-2",
    }


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_pod_is_hardened(name: str) -> None:
    """Not root, nothing written but a scratch volume in memory, no capability, no token for Kubernetes, limited memory."""
    spec, container = pod(name)
    assert spec["securityContext"]["runAsNonRoot"] is True
    assert spec["securityContext"]["seccompProfile"] == {"type": "RuntimeDefault"}
    assert spec["automountServiceAccountToken"] is False
    assert container["securityContext"] == {
        "allowPrivilegeEscalation": False,
        "readOnlyRootFilesystem": True,
        "capabilities": {"drop": ["ALL"]},
    }
    assert container["resources"]["requests"].keys() == {"cpu", "memory"}
    assert "memory" in container["resources"]["limits"]
    assert {item["topologyKey"] for item in spec["topologySpreadConstraints"]} == {
        "topology.kubernetes.io/zone",
        "kubernetes.io/hostname",
    }
    assert spec["serviceAccountName"] == app(name)


@pytest.mark.parametrize("name", WORKLOADS)
def test_a_pod_has_the_time_to_drain(name: str) -> None:
    """The service drains within the sidecar's time, and the sidecar within the pod's."""
    spec, _ = pod(name)
    assert spec["terminationGracePeriodSeconds"] == GRACE_SECONDS
    assert proxy_config(name)["terminationDrainDuration"] == f"{SIDECAR_SECONDS}s"
    assert Settings.drain_accept_seconds + DRAIN_SECONDS < SIDECAR_SECONDS < GRACE_SECONDS


@pytest.mark.parametrize("name", SERVICES)
def test_only_the_mesh_says_who_calls(name: str) -> None:
    """A pod's own annotation makes its sidecar set the caller's certificate and drop what the caller sent of one."""
    config = proxy_config(name)
    assert config["proxyHeaders"] == {"forwardedClientCert": "SANITIZE_SET"}
    assert not validation.problems_of(config, schemas.mesh_config()["properties"]["defaultConfig"])


def proxy_config(name: str) -> Json:
    annotations = WORKLOADS[name]["spec"]["template"]["metadata"]["annotations"]
    config = yaml.safe_load(annotations["proxy.istio.io/config"])
    assert isinstance(config, dict)
    return config


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_is_probed_by_grpc(name: str) -> None:
    """Ready is what grpc.health.v1 says; a service that waits for its database is not killed for it."""
    _, container = pod(name)
    assert container["readinessProbe"]["grpc"] == {"port": 50051}
    assert container["livenessProbe"]["tcpSocket"] == container["startupProbe"]["tcpSocket"] == {"port": "grpc"}
    assert container["ports"] == [{"name": "grpc", "containerPort": 50051}]


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_understands_what_it_is_told(name: str) -> None:
    """With its Secret, the environment of a pod is complete, known to the service to the last variable, and in the mesh."""
    _, container = pod(name)
    sources = {document["metadata"]["name"]: document["data"] for document in of("ConfigMap")}
    environment = {"BOURSE_DATABASE_URL": "postgresql://x", "BOURSE_NATS_URL": "tls://x"}
    for source in container["envFrom"]:
        environment |= sources.get(source.get("configMapRef", {}).get("name"), {})
    environment |= {item["name"]: item["value"] for item in container["env"]}
    told = read(SETTINGS[app(name)], environment)
    shared = {PREFIX + field.upper() for kind in SETTINGS.values() for field in kind.__dataclass_fields__}
    assert {variable for variable in environment if variable.startswith(PREFIX)} <= shared
    assert told.mesh == "cluster.local/ns/bourse"
    assert not told.egress
    assert told.consume
    assert container["command"] == ["python", "-m", app(name).replace("-", "_")]
    assert told.name == name.replace("svc-", "svc_", 1)


@pytest.mark.parametrize("name", SERVICES)
def test_a_service_can_reach_whom_it_is_told_of(name: str) -> None:
    """Its sidecar knows every address in its environment that it dials, and each of those is a Service."""
    (settings,) = of("ConfigMap")
    shards = [shard.partition("=")[2] for shard in settings["data"]["BOURSE_MATCH_SHARDS"].split(",")]
    dialled = {
        "svc-order": [settings["data"]["BOURSE_LEDGER"], *shards],
        "svc-ledger": shards,
        "svc-quote": shards,
        "svc-match": [],
    }[app(name)]
    (hosts,) = [
        set(document["spec"]["egress"][0]["hosts"])
        for document in of("Sidecar")
        if document["spec"].get("workloadSelector", {}).get("labels") == {"app": app(name)}
    ]
    known = {f"{document['metadata']['name']}{HOST}" for document in of("Service")}
    in_mesh = {host.removeprefix("./") for host in hosts if "svc-" in host}
    assert in_mesh == {address.removesuffix(":50051") for address in dialled} <= known
    assert {f"./postgres{HOST}", f"./nats{HOST}"} <= hosts


@pytest.mark.parametrize("name", [name for name in WORKLOADS if name.startswith("svc-match")])
def test_a_shard_is_a_set_whose_pods_have_names(name: str) -> None:
    """Every pod has an ordinary Service of its own; a new version waits until somebody deletes the pod."""
    spec = WORKLOADS[name]["spec"]
    assert WORKLOADS[name]["kind"] == "StatefulSet"
    assert (spec["podManagementPolicy"], spec["updateStrategy"]) == ("Parallel", {"type": "OnDelete"})
    services = {document["metadata"]["name"]: document["spec"] for document in of("Service")}
    for number in range(spec["replicas"]):
        service = services[f"{name}-{number}"]
        assert service["selector"] == {POD_NAME: f"{name}-{number}"}
        assert "clusterIP" not in service
    assert services[spec["serviceName"]] == {"clusterIP": "None", "selector": {"app": "svc-match"}}


def test_calls_are_grpc_and_stores_are_bytes() -> None:
    """Each Service says what it speaks: gRPC, https at the gateway, tcp for the stores, whose clients do TLS themselves."""
    spoken = {
        document["metadata"]["name"]: [port["appProtocol"] for port in document["spec"].get("ports", ())]
        for document in of("Service")
    }
    assert spoken.pop("svc-match") == []
    assert spoken.pop("gateway") == ["https"]
    assert spoken.pop("postgres") == spoken.pop("nats") == ["tcp"]
    assert all(protocols == ["grpc"] for protocols in spoken.values())
    (settings,) = of("ConfigMap")
    assert settings["data"]["PGSSLMODE"] == "verify-full"


def test_selectors_select() -> None:
    """A workload owns the pods of its template, and every Service of the exchange has pods behind it."""
    templates = [document["spec"]["template"]["metadata"]["labels"] for document in WORKLOADS.values()]
    for document, labels in zip(WORKLOADS.values(), templates, strict=True):
        assert document["spec"]["selector"]["matchLabels"].items() <= labels.items()
    for service in of("Service"):
        selector = service["spec"]["selector"]
        if selector.get("app") not in STORES and POD_NAME not in selector:
            assert any(selector.items() <= labels.items() for labels in templates), service["metadata"]["name"]


def test_no_eviction_stops_the_exchange() -> None:
    """Every workload has a disruption budget, and it selects that workload's pods."""
    budgets = [document["spec"]["selector"]["matchLabels"] for document in of("PodDisruptionBudget")]
    assert sorted(labels["app"] for labels in budgets) == [
        "gateway",
        "svc-ledger",
        "svc-match",
        "svc-order",
        "svc-quote",
    ]


def test_pods_admit_calls_probes_and_metrics_only() -> None:
    """A service is reached on 50051 by pods of the exchange, on the sidecar's probe and metrics ports by anyone, on no other port."""
    rules = {document["metadata"]["name"]: document["spec"] for document in of("NetworkPolicy")}
    assert set(rules) == {"services", "gateway"}
    (selected,) = rules["services"]["podSelector"]["matchExpressions"]
    assert set(selected["values"]) == {app(name) for name in SERVICES}
    calls, probes = rules["services"]["ingress"]
    assert ports(calls) == {50051}
    (callers,) = calls["from"][0]["podSelector"]["matchExpressions"]
    assert set(callers["values"]) == {app(name) for name in WORKLOADS} | {"monitor"}
    assert "from" not in probes
    assert ports(probes) == {15020, 15021}
    (gateway,) = rules["gateway"]["ingress"]
    assert ports(gateway) == {8443, 15020, 15021}


def ports(rule: Json) -> set[Any]:
    return {port["port"] for port in rule["ports"]}


def test_the_secrets_that_must_exist_are_listed() -> None:
    """k8s/base/kustomization.yaml names every Secret that a pod or the gateway needs, and no object holds one."""
    listed = set(
        re.findall(r"^#   ([a-z-]+(?:, [a-z-]+)*) {2,}", (BASE / "kustomization.yaml").read_text("utf-8"), re.MULTILINE)
    )
    needed = {
        source["secretRef"]["name"] for name in SERVICES for source in pod(name)[1]["envFrom"] if "secretRef" in source
    }
    needed |= {
        volume["secret"]["secretName"] for name in SERVICES for volume in pod(name)[0]["volumes"] if "secret" in volume
    }
    needed |= {server["tls"]["credentialName"] for document in of("Gateway") for server in document["spec"]["servers"]}
    assert {name for names in listed for name in names.split(", ")} == needed
    assert not of("Secret")
