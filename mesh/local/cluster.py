"""Services and DestinationRules to Envoy's clusters, as istiod makes them.

Different here: a call leaves from the pod's own loopback address, and the inbound cluster is the application's Unix socket.
"""

from collections.abc import Iterable
from pathlib import Path

from mesh.local.certificates import ROOT, WORKLOAD, secret_file
from mesh.local.destination import Rule, rule_of
from mesh.local.document import Json
from mesh.local.duration import duration, seconds
from mesh.local.endpoint import static_endpoints
from mesh.local.meshconfig import MeshConfig
from mesh.local.model import Pod, Port, Service, World, stands_for
from mesh.local.scope import reachable_services

TYPE = "type.googleapis.com/envoy."
TLS = {"name": "envoy.transport_sockets.tls"}
PLAINTEXT = {
    "name": "envoy.transport_sockets.raw_buffer",
    "typed_config": {"@type": TYPE + "extensions.transport_sockets.raw_buffer.v3.RawBuffer"},
}
HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
UNLIMITED = 2**32 - 1
CONNECT_SECONDS = "10s"
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
POLICIES = {"RANDOM": "RANDOM", "ROUND_ROBIN": "ROUND_ROBIN"}
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


def connect_timeout(mesh: MeshConfig, pool: Json) -> str:
    return duration((pool.get("tcp") or {}).get("connectTimeout") or mesh.get("connectTimeout") or CONNECT_SECONDS)


def thresholds(pool: Json) -> Json:
    """Unset and zero are unlimited: Istio cannot tell them apart."""
    http, tcp = pool.get("http") or {}, pool.get("tcp") or {}
    return {
        "max_connections": tcp.get("maxConnections") or UNLIMITED,
        "max_pending_requests": http.get("http1MaxPendingRequests") or UNLIMITED,
        "max_requests": http.get("http2MaxRequests") or UNLIMITED,
        "max_retries": http.get("maxRetries") or UNLIMITED,
    }


def http_options(pool: Json, http2: bool) -> Json:
    http, tcp = pool.get("http") or {}, pool.get("tcp") or {}
    common: Json = {}
    idle = http.get("idleTimeout") or tcp.get("idleTimeout")
    if idle:
        common["idle_timeout"] = duration(idle)
    if http.get("maxRequestsPerConnection"):
        common["max_requests_per_connection"] = http["maxRequestsPerConnection"]
    if tcp.get("maxConnectionDuration"):
        common["max_connection_duration"] = duration(tcp["maxConnectionDuration"])
    if not common and not http2:
        return {}
    options: Json = {"common_http_protocol_options": common} if common else {}
    explicit = {"http2_protocol_options": http2_options(http)} if http2 else {"http_protocol_options": {}}
    typed = {"@type": f"type.googleapis.com/{HTTP_OPTIONS}", **options, "explicit_http_config": explicit}
    return {"typed_extension_protocol_options": {HTTP_OPTIONS: typed}}


def http2_options(http: Json) -> Json:
    options: Json = {}
    if http.get("maxConcurrentStreams"):
        options["max_concurrent_streams"] = http["maxConcurrentStreams"]
    if http.get("http2KeepAlive"):
        options["connection_keepalive"] = {name: duration(value) for name, value in http["http2KeepAlive"].items()}
    return options


def load_balancing(settings: Json) -> Json:
    """LEAST_REQUEST unless another is asked for. A hash takes precedence; its key stands in the route."""
    hashed = settings.get("consistentHash")
    if hashed is not None:
        if "maglev" in hashed:
            size = (hashed["maglev"] or {}).get("tableSize")
            return {"lb_policy": "MAGLEV", **({"maglev_lb_config": {"table_size": size}} if size else {})}
        size = (hashed["ringHash"] or {}).get("minimumRingSize") if "ringHash" in hashed else 1024
        return {"lb_policy": "RING_HASH", **({"ring_hash_lb_config": {"minimum_ring_size": size}} if size else {})}
    policy = POLICIES.get(settings.get("simple", ""), "LEAST_REQUEST")
    warmup = settings.get("warmup")
    if not warmup or policy == "RANDOM":
        return {"lb_policy": policy}
    slow_start: Json = {
        "aggression": {"default_value": warmup.get("aggression", 1), "runtime_key": "("},
        "min_weight_percent": {"value": warmup.get("minimumPercent", 10)},
    }
    if "duration" in warmup:
        slow_start["slow_start_window"] = duration(warmup["duration"])
    return {"lb_policy": policy, f"{policy.lower()}_lb_config": {"slow_start_config": slow_start}}


def outlier_detection(settings: Json | None) -> Json:
    """An ejection by success rate never happens. A count of zero turns that kind of ejection off."""
    if settings is None:
        return {}
    found: Json = {"enforcing_success_rate": 0}
    for field, name in (
        ("consecutive5xxErrors", "consecutive_5xx"),
        ("consecutiveGatewayErrors", "consecutive_gateway_failure"),
    ):
        if field in settings:
            found |= {name: settings[field], f"enforcing_{name}": 100 if settings[field] else 0}
    for field, name in (("interval", "interval"), ("baseEjectionTime", "base_ejection_time")):
        if field in settings:
            found[name] = duration(settings[field])
    if settings.get("maxEjectionPercent"):
        found["max_ejection_percent"] = settings["maxEjectionPercent"]
    if settings.get("splitExternalLocalOriginErrors"):
        found |= {"split_external_local_origin_errors": True, "enforcing_local_origin_success_rate": 0}
        if settings.get("consecutiveLocalOriginFailures"):
            found["consecutive_local_origin_failure"] = settings["consecutiveLocalOriginFailures"]
            found["enforcing_consecutive_local_origin_failure"] = 100
    panic = {"healthy_panic_threshold": {"value": settings.get("minHealthPercent", 0)}}
    return {"outlier_detection": found, "common_lb_config": panic}


def keepalive(pool: Json) -> Json:
    settings = (pool.get("tcp") or {}).get("tcpKeepalive")
    if settings is None:
        return {}
    found: Json = {"keepalive_probes": settings["probes"]} if settings.get("probes") else {}
    found |= {f"keepalive_{name}": int(seconds(settings[name])) for name in ("time", "interval") if name in settings}
    return {"upstream_connection_options": {"tcp_keepalive": found}}


def encrypted(
    world: World, pods: Iterable[Pod], folder: Path, service: Service, port: Port, subset: str, settings: Json | None
) -> Json:
    """Mutual TLS with whoever may answer for the service and nobody else, when the policy or, of itself, the mesh says so."""
    mode = (settings or {}).get("mode", "DISABLE")
    automatic = settings is None and not service.is_outside and world.mesh.get("enableAutoMtls") is not False
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
