"""Envoy's HTTP connection manager, as istiod configures it for a sidecar's two sides and for a gateway.

This build of Envoy has neither `istio.stats`, `istio.alpn` nor `istio.metadata_exchange`: its own statistics are read instead,
and nothing in the mesh relies on the other two.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from mesh.local.authorization import authorization_filters
from mesh.local.cluster import watched
from mesh.local.document import Json
from mesh.local.jwt import jwt_filters
from mesh.local.model import Pod, World, stands_for
from mesh.local.telemetry import access_logs, tracing

TYPE = "type.googleapis.com/envoy.extensions.filters."
NAME = "envoy.filters.network.http_connection_manager"
INBOUND, OUTBOUND, GATEWAY = "SIDECAR_INBOUND", "SIDECAR_OUTBOUND", "GATEWAY"
UNCHANGED: Json = {"path_with_escaped_slashes_action": "KEEP_UNCHANGED"}
NORMALIZATION: dict[str, Json] = {
    "NONE": {"normalize_path": False, **UNCHANGED},
    "BASE": {"normalize_path": True, **UNCHANGED},
    "DEFAULT": {"normalize_path": True, **UNCHANGED},
    "MERGE_SLASHES": {"normalize_path": True, "merge_slashes": True, **UNCHANGED},
    "DECODE_AND_MERGE_SLASHES": {
        "normalize_path": True,
        "merge_slashes": True,
        "path_with_escaped_slashes_action": "UNESCAPE_AND_FORWARD",
    },
}


@dataclass(frozen=True)
class Manager:
    """The connection managers of one pod."""

    world: World
    pod: Pod
    folder: Path

    def inbound(self, port: int, routes: Json) -> Json:
        """Who called is told to the application, in a header that holds nothing which the caller wrote there."""
        headers = self.world.proxy(self.pod).get("proxyHeaders") or {}
        details = {
            "subject": True,
            "dns": True,
            "uri": True,
            "cert": False,
            "chain": False,
            **(headers.get("setCurrentClientCertDetails") or {}),
        }
        return self._manager(
            INBOUND,
            f"inbound_0.0.0.0_{port};",
            [*jwt_filters(self.world, self.pod), *authorization_filters(self.world, self.pod)],
            {
                "forward_client_cert_details": headers.get("forwardedClientCert") or "APPEND_FORWARD",
                "set_current_client_cert_details": details,
                "http2_protocol_options": {},
                "use_remote_address": False,
                "route_config": routes,
            },
        )

    def outbound(self, name: str) -> Json:
        return self._manager(
            OUTBOUND, f"outbound_{name};", [], {"use_remote_address": False, "rds": self._routes(name)}
        )

    def gateway(self, port: int, name: str, statistics: str = "") -> Json:
        """Whatever a client says about itself, its address and its certificate, is replaced by what the gateway sees."""
        topology = self.world.proxy(self.pod).get("gatewayTopology") or {}
        forward = topology.get("forwardClientCertDetails") or "SANITIZE_SET"
        more: Json = {"forward_client_cert_details": forward}
        if forward in ("SANITIZE_SET", "APPEND_FORWARD"):
            more["set_current_client_cert_details"] = {"subject": True, "cert": True, "dns": True, "uri": True}
        if topology.get("numTrustedProxies"):
            more["xff_num_trusted_hops"] = topology["numTrustedProxies"]
        ports = {target_port(self.world, self.pod, number): local for number, local in self.pod.ports.items()}
        filters = [*jwt_filters(self.world, self.pod), *authorization_filters(self.world, self.pod, ports)]
        return self._manager(
            GATEWAY,
            statistics or f"outbound_0.0.0.0_{target_port(self.world, self.pod, port)};",
            filters,
            {**more, "use_remote_address": True, "http_protocol_options": {}, "rds": self._routes(name)},
        )

    def _routes(self, name: str) -> Json:
        return {
            "route_config_name": name,
            "config_source": {**watched(route_file(self.folder, name)), "initial_fetch_timeout": "0s"},
        }

    def _manager(self, direction: str, statistics: str, first: Sequence[Json], more: Json) -> Json:
        mesh, headers = self.world.mesh, self.world.proxy(self.pod).get("proxyHeaders") or {}
        config = {
            "@type": TYPE + "network.http_connection_manager.v3.HttpConnectionManager",
            "stat_prefix": statistics,
            "codec_type": "AUTO",
            "stream_idle_timeout": "0s",
            "proxy_100_continue": True,
            "upgrade_configs": [{"upgrade_type": "websocket"}],
            **NORMALIZATION[mesh.get("pathNormalization", "normalization") or "DEFAULT"],
            **named(headers, direction),
            **access_logs(self.world, self.pod, direction),
            **tracing(self.world, self.pod, direction),
            **more,
            "http_filters": [
                *first,
                *LAST,
                router(quiet=bool((headers.get("envoyDebugHeaders") or {}).get("disabled"))),
            ],
        }
        return {"name": NAME, "typed_config": config}


def target_port(world: World, pod: Pod, port: int) -> int:
    """Where a gateway's pods listen on a cluster for that port of a Gateway: the target of their Service's port."""
    ports = (item for service in world.services if stands_for(pod, service) for item in service.ports)
    return next((item.target for item in ports if item.number == port), port)


def route_file(folder: Path, name: str) -> Path:
    """Where Envoy reads a route configuration."""
    return folder / "rds" / f"{name}.json"


def named(headers: Json, direction: str) -> Json:
    """The server header and the request id, as MeshConfig's proxyHeaders want them. Outbound is Envoy's own default."""
    found: Json = {} if direction == OUTBOUND else {"server_name": "istio-envoy"}
    server = headers.get("server") or {}
    if server.get("disabled"):
        found = {"server_header_transformation": "PASS_THROUGH"}
    elif server.get("value"):
        found = {"server_name": server["value"]}
    if (headers.get("requestId") or {}).get("disabled"):
        found["generate_request_id"] = False
    return found


def http_filter(name: str, message: str, **fields: object) -> Json:
    return {
        "name": f"envoy.filters.http.{name}",
        "typed_config": {"@type": f"{TYPE}http.{name}.v3.{message}", **fields},
    }


LAST = (
    http_filter("grpc_stats", "FilterConfig", emit_filter_state=True, stats_for_all_methods=False),
    http_filter("fault", "HTTPFault"),
    http_filter("cors", "Cors"),
)


def router(*, quiet: bool) -> Json:
    return http_filter("router", "Router", **({"suppress_envoy_headers": True} if quiet else {}))
