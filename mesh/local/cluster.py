"""Services and DestinationRules to Envoy's clusters, as istiod makes them.

Different here: a call leaves from the pod's own loopback address, and the inbound cluster is the application's Unix socket.
"""

from collections.abc import Iterable
from pathlib import Path

from mesh.local.certificates import ROOT, WORKLOAD, secret_file
from mesh.local.destination import Rule, rule_of
from mesh.local.document import Json
from mesh.local.endpoint import static_endpoints
from mesh.local.meshconfig import MeshConfig
from mesh.local.model import Pod, Port, Service, World, stands_for
from mesh.local.peer import of_namespace
from mesh.local.scope import reachable_services
from mesh.local.traffic import connect_timeout, http_options, keepalive, load_balancing, outlier_detection, thresholds

TYPE = "type.googleapis.com/envoy."
TLS = {"name": "envoy.transport_sockets.tls"}
PLAINTEXT = {
    "name": "envoy.transport_sockets.raw_buffer",
    "typed_config": {"@type": TYPE + "extensions.transport_sockets.raw_buffer.v3.RawBuffer"},
}
BLACK_HOLE = "BlackHoleCluster"
DNS: Json = {
    "dns_lookup_family": "V4_ONLY",
    "dns_refresh_rate": "60s",
    "dns_jitter": "0.1s",
    "respect_dns_ttl": True,
    "typed_dns_resolver_config": {
        "name": "envoy.network.dns_resolver.cares",
        "typed_config": {
            "@type": TYPE + "extensions.network.dns_resolver.cares.v3.CaresDnsResolverConfig",
            "udp_max_queries": 100,
        },
    },
}
APP_SOCKET = "app.sock"
AGGREGATED: Json = {
    "ads": {},
    "initial_fetch_timeout": "0s",
    "resource_api_version": "V3",
}  # files.py puts them into the cluster.


def cluster_name(port: int, subset: str, host: str) -> str:
    return f"outbound|{port}|{subset}|{host}"


def inbound_name(port: int) -> str:
    return f"inbound|{port}||"


def clusters(world: World, pod: Pod, pods: Iterable[Pod], folder: Path) -> list[Json]:
    """All clusters of the pod's Envoy, by name: of each HTTP port of each service in its scope, of the subsets, and its own."""
    found = [black_hole(world.mesh)]
    for service in reachable_services(world, pod):
        rule = rule_of(world, pod, service.host)
        for port in outbound_ports(service):
            found += [outbound(world, pod, pods, folder, service, port, rule, subset) for subset in ("", *rule.subsets)]
    if not pod.gateway:
        found += [inbound(world, pod, port) for port in inbound_ports(world, pod)]
    return sorted(found, key=lambda cluster: str(cluster["name"]))


def outbound_ports(service: Service) -> list[Port]:
    """TCP goes past the sidecars of one machine: nothing captures it, and PostgreSQL and NATS do TLS themselves."""
    return [port for port in service.ports if port.is_http]


def inbound_ports(world: World, pod: Pod) -> list[int]:
    """The ports on which the pod's services are reached, which its application serves on its one socket."""
    return sorted(
        {
            port.target
            for service in world.services
            if stands_for(pod, service)
            for port in service.ports
            if port.is_http2
        }
    )


def service_of(world: World, pod: Pod, target: int) -> tuple[Service, Port]:
    """The pod's first service with that target port, and that port of it."""
    return next(
        (service, port)
        for service in world.services
        if stands_for(pod, service)
        for port in service.ports
        if port.target == target and port.is_http2
    )


def outbound(
    world: World, pod: Pod, pods: Iterable[Pod], folder: Path, service: Service, port: Port, rule: Rule, subset: str
) -> Json:
    name = cluster_name(port.number, subset, service.host)
    policy = rule.policy(port.number, subset)
    pool = policy.get("connectionPool") or {}
    upgrade = (pool.get("http") or {}).get("h2UpgradePolicy") == "UPGRADE"
    cluster: Json = {
        "@type": TYPE + "config.cluster.v3.Cluster",
        "name": name,
        "alt_stat_name": name + ";",
        **source_of_endpoints(service, port, name),
        "connect_timeout": connect_timeout(world.mesh, pool),
        "common_lb_config": {"healthy_panic_threshold": {}},
        "circuit_breakers": {"thresholds": [thresholds(pool)]},
        "upstream_bind_config": {"source_address": {"address": pod.address, "port_value": 0}},
        **http_options(pool, port.is_http2 or upgrade),
        **load_balancing(policy.get("loadBalancer") or {}),
        **outlier_detection(policy.get("outlierDetection")),
        **keepalive(pool),
        **encrypted(world, pods, folder, service, port, subset, policy.get("tls")),
    }
    return cluster


def source_of_endpoints(service: Service, port: Port, name: str) -> Json:
    external = service.external
    if external is not None and not service.selector and external.spec.get("resolution") == "DNS":
        assigned = {"cluster_name": name, "endpoints": static_endpoints(external, port)}
        return {"type": "STRICT_DNS", **DNS, "load_assignment": assigned}
    return {"type": "EDS", "eds_cluster_config": {"eds_config": AGGREGATED, "service_name": name}}


def watched(file: Path) -> Json:
    """A file that Envoy reads again whenever something is renamed into its folder."""
    return {
        "path_config_source": {"path": str(file), "watched_directory": {"path": str(file.parent)}},
        "resource_api_version": "V3",
    }


def encrypted(
    world: World, pods: Iterable[Pod], folder: Path, service: Service, port: Port, subset: str, settings: Json | None
) -> Json:
    """Mutual TLS with whoever may answer for the service and nobody else, when the policy or, of itself, the mesh says so."""
    mode = (settings or {}).get("mode", "DISABLE")
    automatic = (
        settings is None
        and not service.is_outside
        and world.mesh.get("enableAutoMtls") is not False
        and of_namespace(world, service.namespace) != "DISABLE"
    )
    if not automatic and mode != "ISTIO_MUTUAL":
        return {}
    names = (settings or {}).get("subjectAltNames") or world.service_accounts(service, pods)
    sni = (settings or {}).get("sni") or f"outbound_.{port.number}_.{subset}_.{service.host}"
    believed = (
        {"match_typed_subject_alt_names": [{"san_type": "URI", "matcher": {"exact": name}} for name in names]}
        if names
        else {}
    )
    common = {
        "tls_params": {"tls_minimum_protocol_version": "TLSv1_2", "tls_maximum_protocol_version": "TLSv1_3"},
        "alpn_protocols": ["istio", "h2"] if port.is_http2 else ["istio"],
        "tls_certificate_sds_secret_configs": [secret(folder, WORKLOAD)],
        "combined_validation_context": {
            "default_validation_context": believed,
            "validation_context_sds_secret_config": secret(folder, ROOT),
        },
    }
    context = {
        "@type": TYPE + "extensions.transport_sockets.tls.v3.UpstreamTlsContext",
        "sni": sni,
        "common_tls_context": common,
    }
    socket = {**TLS, "typed_config": context}
    if not automatic:
        return {"transport_socket": socket}
    in_mesh = {"name": "tlsMode-istio", "match": {"tlsMode": "istio"}, "transport_socket": socket}
    return {
        "transport_socket_matches": [in_mesh, {"name": "tlsMode-disabled", "match": {}, "transport_socket": PLAINTEXT}]
    }


def secret(folder: Path, name: str) -> Json:
    return {"name": name, "sds_config": watched(secret_file(folder, name))}


def inbound(world: World, pod: Pod, port: int) -> Json:
    """The application, which listens on its Unix socket and speaks HTTP/2 without TLS there.

    The limits on connections to the service hold here too, where the pod knows its own service.
    """
    service, served = service_of(world, pod, port)
    known = any(each.host == service.host for each in reachable_services(world, pod))
    policy = rule_of(world, pod, service.host).policy(served.number) if known else {}
    pool = policy.get("connectionPool") or {}
    name = inbound_name(port)
    address = {"pipe": {"path": str(pod.sockets / APP_SOCKET)}}
    return {
        "@type": TYPE + "config.cluster.v3.Cluster",
        "name": name,
        "alt_stat_name": name + ";",
        "type": "STATIC",
        "connect_timeout": connect_timeout(world.mesh, pool),
        "common_lb_config": {},
        "circuit_breakers": {"thresholds": [thresholds(pool)]},
        **http_options(pool, http2=True),
        **keepalive(pool),
        "load_assignment": {
            "cluster_name": name,
            "endpoints": [{"lb_endpoints": [{"endpoint": {"address": address}}]}],
        },
    }


def black_hole(mesh: MeshConfig) -> Json:
    return {
        "@type": TYPE + "config.cluster.v3.Cluster",
        "name": BLACK_HOLE,
        "alt_stat_name": BLACK_HOLE + ";",
        "type": "STATIC",
        "connect_timeout": connect_timeout(mesh, {}),
    }
