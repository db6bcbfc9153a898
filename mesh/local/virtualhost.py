"""Virtual hosts: which routes a host's name leads to, in a sidecar and at a gateway."""

from mesh.local.cluster import inbound_name, outbound_ports
from mesh.local.document import Document, Json
from mesh.local.host import MESH, full_host, host_matches
from mesh.local.match import is_catch_all
from mesh.local.model import Pod, Port, Service, World
from mesh.local.route import Router, default_route
from mesh.local.scope import services_of, virtual_services, visible

ROUTES_TYPE = "type.googleapis.com/envoy.config.route.v3.RouteConfiguration"
EGRESS = "egress"
BLOCK_ALL = "block_all"
UNNAMED_PORT = 80
MAX_DIRECT_RESPONSE = 1_048_576


def egress_routes(world: World, pod: Pod) -> Json:
    """The routes of the sidecar's one egress socket, where the application names host and port in :authority.

    On a cluster each port has a listener and routes of its own, since iptables hands over the destination's port; the virtual
    hosts are the same. A host with one HTTP port is found without its port too. Any other host is refused (REGISTRY_ONLY).
    """
    hosts = [host for service in services_of(world, pod) for host in virtual_hosts(world, pod, service)]
    hosts += strangers(world, pod)
    refused = {"name": BLOCK_ALL, "match": {"prefix": "/"}, "direct_response": {"status": 502}}
    catch_all = {"name": BLOCK_ALL, "domains": ["*"], "routes": [refused], **counted(world, pod)}
    return {
        "@type": ROUTES_TYPE,
        "name": EGRESS,
        "virtual_hosts": [*sorted(hosts, key=lambda host: str(host["name"])), catch_all],
        "validate_clusters": False,
        "max_direct_response_body_size_bytes": MAX_DIRECT_RESPONSE,
    }


def virtual_hosts(world: World, pod: Pod, service: Service) -> list[Json]:
    """One for each HTTP port: the routes of the VirtualService that names the host, or one to the service as it is."""
    found = []
    ports = outbound_ports(service)
    for port in ports:
        routes = None
        document = virtual_service(world, pod, service)
        if document is not None:
            routes = Router(world, pod, document, {MESH}, port.number).routes()
        names = [f"{name}:{port.number}" for name in names_of(service, pod)]
        found.append(
            {
                "name": f"{service.host}:{port.number}",
                "domains": [*names_of(service, pod), *names] if len(ports) == 1 else names,
                "routes": routes or [default_route(world, pod, service.host, port.number)],
                **counted(world, pod),
            }
        )
    return found


def strangers(world: World, pod: Pod) -> list[Json]:
    """Of the hosts of a VirtualService that no service has on a port: as in istiod they are known on each port that a service of
    its other hosts has, and on port 80 in any case.
    """
    found: dict[str, Json] = {}
    served: dict[int, list[str]] = {}
    for service in services_of(world, pod):
        for port in outbound_ports(service):
            served.setdefault(port.number, []).append(service.host)
    for document in sorted(virtual_services(world, pod), key=by_age):
        hosts = [full_host(host, document.namespace).lower() for host in document.spec["hosts"]]
        for number, known in sorted(served.items()):
            strange = [host for host in hosts if not any(host_matches(host, each) for each in known)]
            if not strange or (len(strange) == len(hosts) and number != UNNAMED_PORT):
                continue
            if routes := Router(world, pod, document, {MESH}, number).routes():
                for name in (f"{host}:{number}" for host in strange):
                    found.setdefault(name, {"name": name, "domains": [name], "routes": routes, **counted(world, pod)})
    return list(found.values())


def virtual_service(world: World, pod: Pod, service: Service) -> Document | None:
    """The one for calls inside the mesh that names the host itself, else the most specific wildcard; the first of equals."""
    fitting = []
    for document in sorted(virtual_services(world, pod), key=by_age):
        hosts = [full_host(host, document.namespace) for host in document.spec["hosts"]]
        best = max(
            (len(host) + 1000 * (host == service.host) for host in hosts if host_matches(host, service.host)), default=0
        )
        if best:
            fitting.append((best, document))
    return max(fitting, key=lambda item: item[0])[1] if fitting else None


def by_age(document: Document) -> str:
    """Istiod takes the older document first; of the same age, as all are here, by name and namespace."""
    return f"{document.name}.{document.namespace}"


def names_of(service: Service, pod: Pod) -> list[str]:
    """The host and the shorter names that Kubernetes' DNS knows in the pod's namespace."""
    if service.external is not None:
        return [
            service.host,
            f"{service.host}.",
            *(address for address in service.external.spec.get("addresses") or [] if "/" not in address),
        ]
    inside = f"{service.name}.{service.namespace}"
    short = [service.name] if service.namespace == pod.namespace else []
    return [service.host, f"{service.host}.", *short, f"{inside}.svc", inside]


def counted(world: World, pod: Pod) -> Json:
    disabled = ((world.proxy(pod).get("proxyHeaders") or {}).get("attemptCount") or {}).get("disabled")
    return {} if disabled else {"include_request_attempt_count": True}


def inbound_routes(service: Service, port: Port) -> Json:
    """All calls that arrive go to the application, without a timeout of the sidecar's own."""
    action: Json = {
        "cluster": inbound_name(port.target),
        "timeout": "0s",
        "max_stream_duration": {"max_stream_duration": "0s", "grpc_timeout_header_max": "0s"},
    }
    if not port.protocol.startswith("grpc"):
        action["retry_policy"] = {"retry_on": "reset-before-request", "num_retries": 2}
    route = {
        "name": "default",
        "match": {"prefix": "/"},
        "decorator": {"operation": f"{service.host}:{port.number}/*"},
        "route": action,
    }
    return {
        "name": inbound_name(port.target),
        "virtual_hosts": [{"name": f"inbound|http|{port.number}", "domains": ["*"], "routes": [route]}],
        "validate_clusters": False,
    }


def gateway_routes(world: World, pod: Pod, gateway: Document, server: Json) -> Json:
    """The routes of one server of a Gateway: those of the VirtualServices that name it, for the hosts that both have."""
    port = server["port"]["number"]
    names = {f"{gateway.namespace}/{gateway.name}"}
    hosts: dict[str, Json] = {}
    redirected = bool((server.get("tls") or {}).get("httpsRedirect"))
    count = counted(world, pod)
    for document in virtual_services_of(world, pod, gateway):
        own = names | {gateway.name} if document.namespace == gateway.namespace else names
        router = Router(world, pod, document, own, port)
        kept = "routes of", document.key, pod.name, frozenset(own), port
        routes = world.kept(kept, (pod, document), router.routes)  # Weights change one of them at a time.
        if not routes:
            continue
        for host in common_hosts(server["hosts"], document):
            known = hosts.setdefault(host, {"name": f"{host}:{port}", "domains": [host], "routes": [], **count})
            known["routes"] += routes
    if redirected:
        for host in server["hosts"]:
            name = host.rpartition("/")[2].lower()
            hosts.setdefault(name, {"name": f"{name}:{port}", "domains": [name], **count})
        for known in hosts.values():
            known["require_tls"] = "ALL"
    for known in hosts.values():
        known["routes"] = catch_all_last(known.get("routes") or [])
    black_hole = {"name": f"blackhole:{port}", "domains": ["*"]}
    return {
        "@type": ROUTES_TYPE,
        "name": gateway_route_name(gateway, server),
        "virtual_hosts": sorted(hosts.values(), key=lambda host: str(host["name"])) or [black_hole],
        "validate_clusters": False,
        "ignore_port_in_host_matching": True,
        "max_direct_response_body_size_bytes": MAX_DIRECT_RESPONSE,
    }


def gateway_route_name(gateway: Document, server: Json) -> str:
    port = server["port"]
    if port["protocol"] != "HTTPS":
        return f"http.{port['number']}"
    return f"https.{port['number']}.{port.get('name', '')}.{gateway.name}.{gateway.namespace}"


def virtual_services_of(world: World, pod: Pod, gateway: Document) -> list[Document]:
    found = []
    for document in world.of("VirtualService"):
        named = [
            name if "/" in name else f"{document.namespace}/{name}" for name in document.spec.get("gateways") or []
        ]
        if f"{gateway.namespace}/{gateway.name}" in named and visible(document, pod.namespace):
            found.append(document)
    return sorted(found, key=by_age)


def common_hosts(served: list[str], document: Document) -> list[str]:
    """The hosts of a VirtualService that a server has, or the server's where the VirtualService's is the wider one."""
    found = []
    for entry in served:
        namespace, _, host = entry.lower().rpartition("/")
        if namespace not in ("", "*") and (document.namespace if namespace == "." else namespace) != document.namespace:
            continue
        for wanted in (name.lower() for name in document.spec["hosts"]):
            if host_matches(host, wanted):
                found.append(wanted)
            elif host_matches(wanted, host):
                found.append(host)
    return list(dict.fromkeys(found))


def catch_all_last(routes: list[Json]) -> list[Json]:
    return sorted(routes, key=lambda route: is_catch_all(route["match"]))
