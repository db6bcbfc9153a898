"""The pods that the YAML's workloads would be, placed as on one machine: each at a loopback address of its own."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from mesh.conformance.cluster import injected
from mesh.local.document import Document
from mesh.local.model import Pod, World, unready
from mesh.local.workload import KINDS, PROXY_CONFIG, annotations, of_pod

Json = dict[str, Any]
ISTIO_VERSION = "1.31.1"
ADDRESS = "127.77.0.{}"
GATEWAY = "gateway"
GATEWAY_PORTS = {443: 8443}
CANARY, STARTING = "canary", "starting"


def pods_of(world: World) -> list[Pod]:
    """One pod of each workload, and beside each stable one of a Deployment a canary and one that is not ready yet."""
    found: list[Pod] = []
    for kind in KINDS:
        for document in world.of(kind):
            found.append(pod_of(document, len(found) + 1))
            if kind == "Deployment" and not found[-1].gateway:
                stable = found[-1]
                found.append(another(stable, len(found) + 1, CANARY))
                found.append(unready(another(stable, len(found) + 1, STARTING)))
    return found


def pod_of(document: Document, number: int) -> Pod:
    template = document.spec["template"]
    labels = dict(template["metadata"]["labels"])
    name = document.name
    if document.kind == "StatefulSet":
        name = f"{name}-0"
        labels["statefulset.kubernetes.io/pod-name"] = name
    account = template["spec"]["serviceAccountName"]
    gateway = account == GATEWAY
    return Pod(
        name,
        account,
        labels,
        ADDRESS.format(number),
        Path("/sockets") / name,
        document.namespace,
        gateway,
        GATEWAY_PORTS if gateway else {},
    )


def another(stable: Pod, number: int, kind: str) -> Pod:
    labels = {**stable.labels, "version": kind if kind == CANARY else stable.labels["version"]}
    name = f"{stable.name}-{kind}"
    return Pod(name, stable.service_account, labels, ADDRESS.format(number), Path("/sockets") / name, stable.namespace)


def compared(pods: Sequence[Pod]) -> list[Pod]:
    """The pods whose proxies are compared: the first of each service, and the gateway's."""
    first: dict[str, Pod] = {}
    for pod in pods:
        first.setdefault(pod.service_account, pod)
    return list(first.values())


def proxy(world: World, pod: Pod, ours: Mapping[str, Any]) -> Json:
    """The pod's proxy as `main.go` reads it."""
    return {
        "name": pod.name,
        "namespace": pod.namespace,
        "service_account": pod.service_account,
        "labels": injected(pod.labels),
        "address": pod.address,
        "gateway": pod.gateway,
        "version": ISTIO_VERSION,
        "proxy_config": proxy_config(world, pod),
        "ours": ours,
    }


def proxy_config(world: World, pod: Pod) -> str:
    """The annotation proxy.istio.io/config of the pod's template."""
    owner = of_pod([document for kind in KINDS for document in world.of(kind)], pod.namespace, pod.labels)
    return annotations(owner).get(PROXY_CONFIG, "") if owner else ""
