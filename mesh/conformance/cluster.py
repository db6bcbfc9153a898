"""The YAML as Istio's discovery server reads it: what a cluster's API server would hold once the workloads run."""

import json
from collections.abc import Mapping, Sequence
from typing import Any

from mesh.local.document import Document
from mesh.local.model import Pod, Service, World
from mesh.local.workload import KINDS, of_pod, template

Json = dict[str, Any]
WEIGHTED = ("stable", "canary")
READ_BY_ISTIOD = ("Namespace", "Service", "ServiceAccount")
ISTIO_GROUPS = ("networking.istio.io", "security.istio.io", "telemetry.istio.io")
CREATED = "2026-01-01T00:00:00Z"  # Istio orders documents by age, then by name: here all are of one age.


def case(world: World, pods: Sequence[Pod], proxies: Sequence[Json]) -> Json:
    """One state of the mesh, as `main.go` reads it."""
    found = [dated(document) for document in world.documents]
    objects = [body for body in found if body["kind"] in READ_BY_ISTIOD]
    known = {body["metadata"]["name"] for body in objects if body["kind"] == "Namespace"}
    objects += [
        {"apiVersion": "v1", "kind": "Namespace", "metadata": {"name": name}}
        for name in {pod.namespace for pod in pods} - known
    ]
    objects += [kubernetes_pod(world, pod) for pod in pods]
    objects += [
        endpoint_slice(service, pods) for service in world.services if service.selector and not service.external
    ]
    configs = [body for body in found if str(body.get("apiVersion", "")).split("/")[0] in ISTIO_GROUPS]
    return {"mesh": json.dumps(world.mesh.values), "objects": objects, "configs": configs, "proxies": list(proxies)}


def dated(document: Document) -> Json:
    metadata = {"namespace": document.namespace, **document.metadata, "creationTimestamp": CREATED}
    return {**document.body, "metadata": metadata}


def kubernetes_pod(world: World, pod: Pod) -> Json:
    """A running pod with its sidecar, as the injector and the kubelet leave it."""
    workloads = [document for kind in KINDS for document in world.of(kind)]
    owner = of_pod(workloads, pod.namespace, pod.labels)
    spec = template(owner)["spec"] if owner else {}
    state = "True" if pod.ready else "False"
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {
            "name": pod.name,
            "namespace": pod.namespace,
            "labels": injected(pod.labels),
            "creationTimestamp": CREATED,
        },
        "spec": {
            "nodeName": "node",
            "serviceAccountName": pod.service_account,
            "containers": spec.get("containers", []),
        },
        "status": {
            "phase": "Running",
            "podIP": pod.address,
            "podIPs": [{"ip": pod.address}],
            "conditions": [{"type": "Ready", "status": state}],
        },
    }


def injected(labels: Mapping[str, str]) -> dict[str, str]:
    """A pod's labels with those that the sidecar's injector adds."""
    return {
        **labels,
        "security.istio.io/tlsMode": "istio",
        "service.istio.io/canonical-name": labels["app"],
        "service.istio.io/canonical-revision": labels.get("version", "latest"),
    }


def endpoint_slice(service: Service, pods: Sequence[Pod]) -> Json:
    """What the endpoint controller writes for the service: its pods, those that are not ready marked so, on each port."""
    name = service.host.split(".", 1)[0]
    return {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": name,
            "namespace": service.namespace,
            "labels": {"kubernetes.io/service-name": name},
        },
        "addressType": "IPv4",
        "ports": [{"name": port.name, "port": port.target, "protocol": "TCP"} for port in service.ports],
        "endpoints": [
            {
                "addresses": [pod.address],
                "conditions": {"ready": pod.ready or service.unready_too, "serving": pod.ready, "terminating": False},
                "targetRef": {"kind": "Pod", "name": pod.name, "namespace": pod.namespace},
            }
            for pod in pods
            if pod.namespace == service.namespace and service.selector.items() <= pod.labels.items()
        ],
    }


def weighted(world: World, stable: int) -> list[Json]:
    """Every VirtualService that splits between stable and canary, with this share (of 100) for stable."""
    shares = dict(zip(WEIGHTED, (stable, 100 - stable), strict=True))
    changed = []
    for document in world.of("VirtualService"):
        routes = [weigh(route, shares) for route in document.spec.get("http") or []]
        if routes != document.spec.get("http", []):
            changed.append({**document.body, "spec": {**document.spec, "http": routes}})
    return changed


def weigh(route: Json, shares: Mapping[str, int]) -> Json:
    destinations = route.get("route") or []
    if sorted(item["destination"].get("subset", "") for item in destinations) != sorted(WEIGHTED):
        return route
    return {**route, "route": [{**item, "weight": shares[item["destination"]["subset"]]} for item in destinations]}
