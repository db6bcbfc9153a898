"""Telemetry: access logs and traces, by the providers that MeshConfig names."""

import json
import re
from collections.abc import Iterable, Sequence

from mesh.local.document import Json
from mesh.local.model import Pod, World, labels_of
from mesh.local.scope import services_of

TYPE = "type.googleapis.com/envoy."
DEFAULT_FORMAT = (
    '[%START_TIME%] "%REQ(:METHOD)% %REQ(X-ENVOY-ORIGINAL-PATH?:PATH)% %PROTOCOL%" %RESPONSE_CODE% %RESPONSE_FLAGS% '
    '%RESPONSE_CODE_DETAILS% %CONNECTION_TERMINATION_DETAILS% "%UPSTREAM_TRANSPORT_FAILURE_REASON%" %BYTES_RECEIVED% %BYTES_SENT% '
    '%DURATION% %RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)% "%REQ(X-FORWARDED-FOR)%" "%REQ(USER-AGENT)%" "%REQ(X-REQUEST-ID)%" '
    '"%REQ(:AUTHORITY)%" "%UPSTREAM_HOST%" %UPSTREAM_CLUSTER_RAW% %UPSTREAM_LOCAL_ADDRESS% %DOWNSTREAM_LOCAL_ADDRESS% '
    "%DOWNSTREAM_REMOTE_ADDRESS% %REQUESTED_SERVER_NAME% %ROUTE_NAME%\n"
)
JSON_FORMAT = {
    "start_time": "%START_TIME%",
    "method": "%REQ(:METHOD)%",
    "path": "%REQ(X-ENVOY-ORIGINAL-PATH?:PATH)%",
    "protocol": "%PROTOCOL%",
    "response_code": "%RESPONSE_CODE%",
    "response_flags": "%RESPONSE_FLAGS%",
    "response_code_details": "%RESPONSE_CODE_DETAILS%",
    "connection_termination_details": "%CONNECTION_TERMINATION_DETAILS%",
    "upstream_transport_failure_reason": "%UPSTREAM_TRANSPORT_FAILURE_REASON%",
    "bytes_received": "%BYTES_RECEIVED%",
    "bytes_sent": "%BYTES_SENT%",
    "duration": "%DURATION%",
    "upstream_service_time": "%RESP(X-ENVOY-UPSTREAM-SERVICE-TIME)%",
    "x_forwarded_for": "%REQ(X-FORWARDED-FOR)%",
    "user_agent": "%REQ(USER-AGENT)%",
    "request_id": "%REQ(X-REQUEST-ID)%",
    "authority": "%REQ(:AUTHORITY)%",
    "upstream_host": "%UPSTREAM_HOST%",
    "upstream_cluster": "%UPSTREAM_CLUSTER_RAW%",
    "upstream_local_address": "%UPSTREAM_LOCAL_ADDRESS%",
    "downstream_local_address": "%DOWNSTREAM_LOCAL_ADDRESS%",
    "downstream_remote_address": "%DOWNSTREAM_REMOTE_ADDRESS%",
    "requested_server_name": "%REQUESTED_SERVER_NAME%",
    "route_name": "%ROUTE_NAME%",
}
SIDES = {"SIDECAR_INBOUND": "SERVER", "SIDECAR_OUTBOUND": "CLIENT", "GATEWAY": "CLIENT"}
NO_ROUTE: Json = {"response_flag_filter": {"flags": ["NR"]}}
DEFAULT_SAMPLING = 1.0


def settings(world: World, pod: Pod, part: str) -> list[list[Json]]:
    """The entries of that part of each Telemetry that has any: of the mesh's, then its namespace's, then the pod's own."""
    root = world.mesh.root_namespace
    found = [
        document
        for document in world.selected("Telemetry", pod)
        if document.spec.get(part)
        and (document.namespace == pod.namespace or not labels_of(document.spec.get("selector")))
    ]
    found.sort(key=lambda document: (document.namespace != root, bool(labels_of(document.spec.get("selector")))))
    return [document.spec[part] for document in found]


def concerns(entry: Json, direction: str) -> bool:
    return (entry.get("match") or {}).get("mode", "CLIENT_AND_SERVER") in ("CLIENT_AND_SERVER", SIDES[direction])


def access_logs(world: World, pod: Pod, direction: str) -> Json:
    """The logs of calls, by the Telemetry that holds; where it names none, MeshConfig's own."""
    logs = [filtered(log, expression) for log, expression in logs_of(world, pod, direction)]
    return {"access_log": logs} if logs else {}


def listener_logs(world: World, pod: Pod, direction: str) -> Json:
    """The same logs of connections that no filter chain takes."""
    logs = [filtered(log, expression, NO_ROUTE) for log, expression in logs_of(world, pod, direction)]
    return {"access_log": logs} if logs else {}


def logs_of(world: World, pod: Pod, direction: str) -> list[tuple[Json, str]]:
    """Each log with the expression that filters it, by the names of their providers.

    Where no Telemetry says anything, those of MeshConfig's defaultProviders; where that makes none, its accessLogFile.
    """
    mesh = world.mesh
    chosen = chosen_logs(
        settings(world, pod, "accessLogging"), mesh.get("defaultProviders", "accessLogging") or [], direction
    )
    if not any(provided_log(world, name) for name in chosen):
        return [(file_log(mesh.get("accessLogFile"), mesh_format(world)), "")] if mesh.get("accessLogFile") else []
    return [
        (log, (entry.get("filter") or {}).get("expression", ""))
        for name, entry in sorted(chosen.items())
        if entry is not None
        for log in provided_log(world, name)
    ]


def chosen_logs(levels: Sequence[Sequence[Json]], default: Sequence[str], direction: str) -> dict[str, Json | None]:
    """The providers, each with the last entry that names it, whose filter holds; None where it is disabled.

    The last level that names providers says which. An entry that names none is about those of the entry before it.
    """
    if not levels:
        return {name: {} for name in default}
    wanted = set(default)
    last: dict[str, Json] = {}
    chosen: dict[str, Json | None] = {}
    for level in levels:
        named = {name: entry for entry in level if concerns(entry, direction) for name in names_of(entry)}
        wanted, last = set(named) or wanted, {**last, **named}
    for entry in (entry for level in levels for entry in level):
        default = names_of(entry) or default
        for name in default:
            if name in wanted and concerns(entry, direction):
                chosen[name] = None if entry.get("disabled") else last.get(name, {})
    return chosen


def names_of(entry: Json) -> list[str]:
    return [provider["name"] for provider in entry.get("providers") or []]


def provided_log(world: World, name: str) -> list[Json]:
    provider = (world.mesh.provider(name) or {}).get("envoyFileAccessLog")
    if provider is None:
        return [file_log("/dev/stdout", mesh_format(world))] if name == "envoy" else []
    wanted = provider.get("logFormat") or {}
    shape = (
        {"json_format": wanted["labels"], "json_format_options": {}}
        if wanted.get("labels")
        else text_format(wanted["text"])
        if wanted.get("text")
        else mesh_format(world)
    )
    return [file_log(provider.get("path") or "/dev/stdout", shape)]


def mesh_format(world: World) -> Json:
    wanted = world.mesh.get("accessLogFormat")
    if world.mesh.get("accessLogEncoding") == "JSON":
        return {"json_format": json.loads(wanted) if wanted else JSON_FORMAT, "json_format_options": {}}
    return text_format(wanted or DEFAULT_FORMAT)


def text_format(text: str) -> Json:
    return {"text_format_source": {"inline_string": text if text.endswith("\n") else text + "\n"}}


def file_log(path: str, shape: Json) -> Json:
    config = {"@type": TYPE + "extensions.access_loggers.file.v3.FileAccessLog", "path": path, "log_format": shape}
    return {"name": "envoy.access_loggers.file", "typed_config": config}


def filtered(log: Json, expression: str, first: Json | None = None) -> Json:
    filters = [first] if first else []
    if expression:
        config = {"@type": TYPE + "extensions.access_loggers.filters.cel.v3.ExpressionFilter", "expression": expression}
        cel = {"name": "envoy.access_loggers.extension_filters.cel", "typed_config": config}
        filters.append({"extension_filter": cel})
    if not filters:
        return log
    return {**log, "filter": filters[0] if len(filters) == 1 else {"and_filter": {"filters": filters}}}


def tracing(world: World, pod: Pod, direction: str) -> Json:
    """Spans to the OpenTelemetry provider that a Telemetry, or MeshConfig by default, names; none where the pod knows no such service."""
    entries, default = settings(world, pod, "tracing"), world.mesh.get("defaultProviders", "tracing") or []
    if not entries and not default:
        untold = {"tracing": sampling(DEFAULT_SAMPLING)} if world.mesh.get("enableTracing") else {}
        return {**untold, **request_id(by_id=True)}
    entry = merged(entry for level in entries for entry in level if concerns(entry, direction))
    if entry.get("disableSpanReporting"):
        return request_id(by_id=True)
    name = next(iter(names_of(entry) or default), "")
    provider = (world.mesh.provider(name) or {}).get("opentelemetry")
    if provider is None:
        return request_id(by_id=True)
    host, port = provider["service"].rpartition("/")[2], provider["port"]
    if all(service.host != host for service in services_of(world, pod)):
        return request_id(by_id=True)
    collector = {"envoy_grpc": {"cluster_name": f"outbound|{port}||{host}", "authority": host}}
    config: Json = {
        "@type": TYPE + "config.trace.v3.OpenTelemetryConfig",
        "service_name": f"{pod.labels.get('app', pod.name)}.{pod.namespace}",
        "grpc_service": collector,
    }
    found: Json = {
        "provider": {"name": "envoy.tracers.opentelemetry", "typed_config": config},
        **sampling(entry.get("randomSamplingPercentage", DEFAULT_SAMPLING)),
        "custom_tags": [custom_tag(tag, value) for tag, value in sorted((entry.get("customTags") or {}).items())],
    }
    if pod.gateway:
        found["spawn_upstream_span"] = True
    if provider.get("maxTagLength"):
        found["max_path_tag_length"] = provider["maxTagLength"]
    return {"tracing": found, **request_id(by_id=entry.get("useRequestIdForTraceSampling", True))}


def request_id(*, by_id: bool) -> Json:
    """Whether a request's own id decides if it is traced."""
    config = {
        "@type": TYPE + "extensions.request_id.uuid.v3.UuidRequestIdConfig",
        "use_request_id_for_trace_sampling": by_id,
    }
    return {"request_id_extension": {"typed_config": config}}


def sampling(share: float) -> Json:
    return {"client_sampling": {"value": 100}, "random_sampling": {"value": share}, "overall_sampling": {"value": 100}}


def merged(entries: Iterable[Json]) -> Json:
    """What each field says last: what a Telemetry leaves out, it inherits."""
    return {name: value for entry in entries for name, value in entry.items() if value != []}


def custom_tag(tag: str, value: Json) -> Json:
    if "literal" in value:
        return {"tag": tag, "literal": {"value": value["literal"]["value"]}}
    ((kind, inner),) = value.items()
    named = {re.sub("[A-Z]", lambda letter: f"_{letter[0].lower()}", name): text for name, text in inner.items()}
    return {"tag": tag, "request_header" if kind == "header" else kind: named}
