"""Envoy's listeners: of a sidecar, the pod's mTLS address and the application's egress socket; of a gateway, its ports.

On a cluster one listener takes everything that arrives, and a filter chain is chosen by the destination's port. So it is here;
only the addresses are the pod's own. `enable_reuse_port` is off: a second process on the same port is an error, not a rival.
"""

from pathlib import Path

from mesh.local.certificates import ROOT, WORKLOAD, gateway_secret
from mesh.local.cluster import TLS, inbound_ports, secret, service_of
from mesh.local.connection import GATEWAY, INBOUND, Manager, target_port
from mesh.local.document import Document, Json
from mesh.local.duration import duration
from mesh.local.model import Pod, World, matches
from mesh.local.peer import peer_authentication
from mesh.local.servers import hosts_of
from mesh.local.telemetry import listener_logs
from mesh.local.virtualhost import EGRESS, gateway_route_name, inbound_routes

TYPE = "type.googleapis.com/envoy."
VIRTUAL_INBOUND = "virtualInbound"
EGRESS_SOCKET = "egress.sock"
OWNER_ONLY = 0o600
CIPHERS = [
    "ECDHE-ECDSA-AES256-GCM-SHA384",
    "ECDHE-RSA-AES256-GCM-SHA384",
    "ECDHE-ECDSA-AES128-GCM-SHA256",
    "ECDHE-RSA-AES128-GCM-SHA256",
    "AES256-GCM-SHA384",
    "AES128-GCM-SHA256",
]
VERSIONS = {"TLSV1_2": "TLSv1_2", "TLSV1_3": "TLSv1_3"}
TLS_INSPECTOR = {
    "name": "envoy.filters.listener.tls_inspector",
    "typed_config": {
        "@type": TYPE + "extensions.filters.listener.tls_inspector.v3.TlsInspector",
        "initial_read_buffer_size": 512,
    },
}
CONNECT_TIMEOUT = {"transport_socket_connect_timeout": "15s"}
IN_MESH = ["istio", "istio-peer-exchange", "istio-http/1.0", "istio-http/1.1", "istio-h2"]


def sidecar_listeners(world: World, pod: Pod, folder: Path) -> list[Json]:
    manager = Manager(world, pod, folder)
    ports = inbound_ports(world, pod)
    return [*([inbound(world, pod, folder, manager, ports)] if ports else []), egress(pod, manager)]


def inbound(world: World, pod: Pod, folder: Path, manager: Manager, ports: list[int]) -> Json:
    chains = [chain for port in ports for chain in inbound_chains(world, pod, folder, manager, port)]
    addresses = [address(pod.address, port) for port in ports]
    more = {"additional_addresses": [{"address": item} for item in addresses[1:]]} if addresses[1:] else {}
    return {
        "@type": TYPE + "config.listener.v3.Listener",
        "name": VIRTUAL_INBOUND,
        "address": addresses[0],
        **more,
        "enable_reuse_port": False,
        "traffic_direction": "INBOUND",
        "listener_filters": [TLS_INSPECTOR],
        "listener_filters_timeout": duration(world.mesh.get("protocolDetectionTimeout") or "0s"),
        "continue_on_listener_filters_timeout": True,
        "max_connections_to_accept_per_socket_event": 1,
        "filter_chains": chains,
        **listener_logs(world, pod, INBOUND),
    }


def inbound_chains(world: World, pod: Pod, folder: Path, manager: Manager, port: int) -> list[Json]:
    """Mutual TLS, plaintext or either, as PeerAuthentication has it for the port. HTTP alone: other ports are not captured."""
    service, served = service_of(world, pod, port)
    mode = peer_authentication(world, pod, port)

    def chain(match: Json, **more: Json) -> Json:
        filters = [manager.inbound(port, inbound_routes(service, served))]
        matched = {"destination_port": port, **match}
        return {"name": f"0.0.0.0_{port}", "filter_chain_match": matched, "filters": filters, **more}

    plain, mutual, socket = (
        {"transport_protocol": "raw_buffer"},
        {"transport_protocol": "tls"},
        mutual_tls(world, folder),
    )
    if mode == "DISABLE":
        return [chain(plain)]
    if mode == "STRICT":
        return [chain(mutual, transport_socket=socket)]
    return [chain({**mutual, "application_protocols": IN_MESH}, transport_socket=socket), chain(plain)]


def mutual_tls(world: World, folder: Path) -> Json:
    domains = [world.mesh.trust_domain, *world.mesh.trust_domain_aliases]
    prefixes = [{"san_type": "URI", "matcher": {"prefix": f"spiffe://{domain}/"}} for domain in domains]
    return downstream_tls(
        {
            "tls_params": {
                "cipher_suites": CIPHERS,
                "tls_minimum_protocol_version": "TLSv1_2",
                "tls_maximum_protocol_version": "TLSv1_3",
            },
            "tls_certificate_sds_secret_configs": [secret(folder, WORKLOAD)],
            "combined_validation_context": {
                "default_validation_context": {"match_typed_subject_alt_names": prefixes},
                "validation_context_sds_secret_config": secret(folder, ROOT),
            },
        },
        client_certificate=True,
    )


def downstream_tls(common: Json, *, client_certificate: bool) -> Json:
    config = {
        "@type": TYPE + "extensions.transport_sockets.tls.v3.DownstreamTlsContext",
        "require_client_certificate": client_certificate,
        "common_tls_context": {"alpn_protocols": ["h2", "http/1.1"], **common},
    }
    return {**TLS, "typed_config": config}


def egress(pod: Pod, manager: Manager) -> Json:
    """Where the application sends all its calls. Nobody else can: the socket is the owner's, in a folder that is the owner's."""
    return {
        "@type": TYPE + "config.listener.v3.Listener",
        "name": EGRESS,
        "address": {"pipe": {"path": str(pod.sockets / EGRESS_SOCKET), "mode": OWNER_ONLY}},
        "traffic_direction": "OUTBOUND",
        "filter_chains": [{"filters": [manager.outbound(EGRESS)], **CONNECT_TIMEOUT}],
    }


def gateway_listeners(world: World, pod: Pod, folder: Path) -> list[Json]:
    """One listener for each port of the Gateways that select the pod, a filter chain for each server."""
    manager = Manager(world, pod, folder)
    listeners: dict[int, Json] = {}
    for gateway, server in servers_of(world, pod):
        port = server["port"]["number"]
        listener = listeners.setdefault(port, gateway_listener(world, pod, port))
        if server["port"]["protocol"] == "HTTPS":
            listener["listener_filters"] = [TLS_INSPECTOR]
            listener["filter_chains"].append(server_chain(folder, manager, gateway, server))
        elif not listener["filter_chains"]:
            listener["filter_chains"].append(
                {"filters": [manager.gateway(port, gateway_route_name(gateway, server))], **CONNECT_TIMEOUT}
            )
    return [listeners[port] for port in sorted(listeners)]


def servers_of(world: World, pod: Pod) -> list[tuple[Document, Json]]:
    """The servers of the Gateways that select the pod, in the order of their names."""
    gateways = [
        document for document in world.of("Gateway") if matches(document.spec.get("selector") or {}, pod.labels)
    ]
    gateways.sort(key=lambda document: (document.namespace, document.name))
    return [(gateway, server) for gateway in gateways for server in gateway.spec.get("servers") or []]


def gateway_listener(world: World, pod: Pod, port: int) -> Json:
    """Named by the port where the gateway's pods listen on a cluster; its address is a port of this machine."""
    where = address("127.0.0.1", pod.ports[port]) if port in pod.ports else address(pod.address, port)
    return {
        "@type": TYPE + "config.listener.v3.Listener",
        "name": f"0.0.0.0_{target_port(world, pod, port)}",
        "address": where,
        "enable_reuse_port": False,
        "traffic_direction": "OUTBOUND",
        "max_connections_to_accept_per_socket_event": 1,
        **listener_logs(world, pod, GATEWAY),
        "filter_chains": [],
    }


def server_chain(folder: Path, manager: Manager, gateway: Document, server: Json) -> Json:
    """TLS for the server's hosts, by the name in the client's hello, with the certificate of its credentialName."""
    tls, port = server.get("tls") or {}, server["port"]["number"]
    hosts = hosts_of(server)
    named = [] if "*" in hosts else hosts
    params: Json = {}
    if tls.get("cipherSuites"):
        params["cipher_suites"] = tls["cipherSuites"]
    for field, name in (("minProtocolVersion", "minimum"), ("maxProtocolVersion", "maximum")):
        if tls.get(field) in VERSIONS:
            params[f"tls_{name}_protocol_version"] = VERSIONS[tls[field]]
    common: Json = {
        "tls_certificate_sds_secret_configs": [secret(folder, gateway_secret(tls.get("credentialName", "")))]
    }
    if params:
        common["tls_params"] = params
    return {
        **({"filter_chain_match": {"server_names": named}} if named else {}),
        "transport_socket": downstream_tls(common, client_certificate=False),
        **CONNECT_TIMEOUT,
        "filters": [manager.gateway(port, gateway_route_name(gateway, server), server.get("name", ""))],
    }


def address(host: str, port: int) -> Json:
    return {"socket_address": {"address": host, "port_value": port}}
