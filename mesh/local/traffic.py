"""A DestinationRule's traffic policy to the fields of Envoy's cluster, as istiod translates it."""

from mesh.local.document import Json
from mesh.local.duration import duration, seconds
from mesh.local.meshconfig import MeshConfig

HTTP_OPTIONS = "envoy.extensions.upstreams.http.v3.HttpProtocolOptions"
UNLIMITED = 2**32 - 1
CONNECT_SECONDS = "10s"
POLICIES = {"RANDOM": "RANDOM", "ROUND_ROBIN": "ROUND_ROBIN"}


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
            return {"lb_policy": "MAGLEV", "maglev_lb_config": {"table_size": hashed["maglev"]["tableSize"]}}
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
