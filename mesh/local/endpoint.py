"""Pods to Envoy's endpoints: those that are ready, at their own loopback addresses."""

from collections.abc import Iterable

from mesh.local.destination import Rule
from mesh.local.document import Document, Json
from mesh.local.model import Pod, Port, Service, World, instances
from mesh.local.peer import peer_authentication

TYPE = "type.googleapis.com/envoy.config.endpoint.v3.ClusterLoadAssignment"


def assignment(
    world: World, name: str, service: Service, port: Port, rule: Rule, subset: str, pods: Iterable[Pod]
) -> Json:
    """The pods of the service that are ready and in the subset, each with the same weight; a ServiceEntry's own endpoints."""
    if service.external is not None and not service.selector:
        return {"@type": TYPE, "cluster_name": name, "endpoints": static_endpoints(service.external, port)}
    mode = rule.tls_mode(port.number, subset)
    chosen = instances(service, pods, rule.subsets.get(subset, {}))
    found = [endpoint(pod, port.target, of_mesh=takes_mutual_tls(world, pod, port.target, mode)) for pod in chosen]
    endpoints = [{"locality": {}, "lb_endpoints": found, "load_balancing_weight": len(found)}] if found else []
    return {"@type": TYPE, "cluster_name": name, "endpoints": endpoints}


def takes_mutual_tls(world: World, pod: Pod, port: int, mode: str | None) -> bool:
    """As the DestinationRule says, else as the pod's PeerAuthentication has it."""
    return mode == "ISTIO_MUTUAL" if mode else peer_authentication(world, pod, port) != "DISABLE"


def endpoint(pod: Pod, port: int, *, of_mesh: bool) -> Json:
    marked = {"envoy.transport_socket_match": {"tlsMode": "istio"}} if of_mesh else {}
    workload = f"{pod.name};{pod.namespace};{pod.labels.get('app', '')};{pod.labels.get('version', '')};"
    return {
        "endpoint": {"address": {"socket_address": {"address": pod.address, "port_value": port}}},
        "health_status": "HEALTHY",
        "load_balancing_weight": 1,
        "metadata": {"filter_metadata": {**marked, "istio": {"workload": workload}}},
    }


def static_endpoints(entry: Document, port: Port) -> list[Json]:
    """A ServiceEntry's own endpoints, or its hosts themselves where they are to be asked of DNS."""
    hosts = [{"address": host} for host in entry.spec["hosts"]] if entry.spec.get("resolution") == "DNS" else []
    written = entry.spec.get("endpoints")
    found = [
        static_endpoint(entry, item, port, f"{entry.name}-{index}" if written else entry.name)
        for index, item in enumerate(written or hosts)
    ]
    weight = sum(item["load_balancing_weight"] for item in found)
    return [{"locality": {}, "lb_endpoints": found, "load_balancing_weight": weight}] if found else []


def static_endpoint(entry: Document, item: Json, port: Port, name: str) -> Json:
    where = {"address": item["address"], "port_value": (item.get("ports") or {}).get(port.name, port.target)}
    return {
        "endpoint": {"address": {"socket_address": where}},
        "load_balancing_weight": item.get("weight") or 1,
        "metadata": {"filter_metadata": {"istio": {"workload": f"{name};{entry.namespace};{name};;"}}},
    }
