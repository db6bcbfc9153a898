"""The generated documents: the EnvoyFilters of JSON and of the gateway's own answers."""

import base64
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import yaml
from google.protobuf.descriptor_pb2 import FieldDescriptorProto, FileDescriptorSet

from mesh.gateway import contract
from mesh.gateway.replies import UNCHECKED, of_gateway, of_sidecars

ISTIO = contract.ROOT / "mesh" / "istio"
EXTENSIONS = "type.googleapis.com/envoy.extensions.filters"
HCM = "envoy.filters.network.http_connection_manager"
JSON_BODY_LIMIT = 1 << 20
MESSAGE_LIMIT = (4 << 20) + 5  # A service's largest message, in its frame.
LAST = 10  # These patches come after those of gateway-filters.yaml, so their filters stand behind: limits come first.
GATEWAY = {"app": "gateway"}
Document = dict[str, Any]


def documents() -> dict[Path, str]:
    """Each generated file and what it has to say."""
    files = contract.described()
    return {
        ISTIO / "gateway-json.yaml": text(json_filters(files)),
        ISTIO / "gateway-replies.yaml": text(
            local_replies("gateway-replies", "GATEWAY", of_gateway(), GATEWAY),
            local_replies("sidecar-replies", "SIDECAR_INBOUND", of_sidecars(), {}),
            version_filter(),
        ),
    }


def json_filters(files: FileDescriptorSet) -> Document:
    """The strict check, a filter that lets nothing unchecked pass, the transcoder, and behind it what counts messages: Istio
    has that before them, where a call with JSON is none of gRPC yet.
    """
    check = {"default_source_code": {"inline_string": lua(files)}}
    transcoder = {
        "proto_descriptor_bin": base64.b64encode(files.SerializeToString(deterministic=True)).decode(),
        "services": contract.services(files),
        "auto_mapping": True,
        "convert_grpc_status": True,
        "print_options": {"always_print_primitive_fields": True, "preserve_proto_field_names": True},
        "max_request_body_size": JSON_BODY_LIMIT,
        "max_response_body_size": MESSAGE_LIMIT,
    }
    return envoy_filter(
        "gateway-json",
        [
            before_router("envoy.filters.http.lua.strict", f"{EXTENSIONS}.http.lua.v3.Lua", check),
            before_router("envoy.filters.http.rbac.unchecked", f"{EXTENSIONS}.http.rbac.v3.RBAC", refuse_unchecked()),
            before_router(
                "envoy.filters.http.grpc_json_transcoder",
                f"{EXTENSIONS}.http.grpc_json_transcoder.v3.GrpcJsonTranscoder",
                transcoder,
            ),
            removed("envoy.filters.http.grpc_stats"),
            before_router(
                "envoy.filters.http.grpc_stats.transcoded",
                f"{EXTENSIONS}.http.grpc_stats.v3.FilterConfig",
                {"emit_filter_state": True, "stats_for_all_methods": False},
            ),
        ],
        GATEWAY,
    )


def refuse_unchecked() -> Document:
    """What Envoy takes for gRPC passes, and what was checked; nothing else."""
    passing = [
        {"name": "content-type", "string_match": {"exact": "application/grpc"}},
        {"name": "content-type", "string_match": {"prefix": "application/grpc+"}},
        {"name": "bourse-json", "string_match": {"exact": "checked"}},
    ]
    permission = {"not_rule": {"or_rules": {"rules": [{"header": header} for header in passing]}}}
    policy = {"permissions": [permission], "principals": [{"any": True}]}
    return {"rules": {"action": "DENY", "policies": {UNCHECKED: policy}}}


def local_replies(name: str, context: str, mappers: list[Document], labels: Mapping[str, str]) -> Document:
    """What the Envoys of that context answer themselves."""
    merged = {
        "name": HCM,
        "typed_config": {
            "@type": f"{EXTENSIONS}.network.http_connection_manager.v3.HttpConnectionManager",
            "local_reply_config": {"mappers": mappers},
        },
    }
    match = {"context": context, "listener": {"filterChain": {"filter": {"name": HCM}}}}
    patch = {"applyTo": "NETWORK_FILTER", "match": match, "patch": {"operation": "MERGE", "value": merged}}
    return envoy_filter(name, [patch], labels)


def version_filter() -> Document:
    """What an operator is told who names no version: behind the transcoder, which makes JSON of it where that was asked."""
    words = {"default_source_code": {"inline_string": Path(__file__).with_name("version.lua").read_text("utf-8")}}
    added = before_router("envoy.filters.http.lua.version", f"{EXTENSIONS}.http.lua.v3.Lua", words)
    return envoy_filter("gateway-version", [added], GATEWAY)


def before_router(name: str, kind: str, config: Mapping[str, Any]) -> Document:
    value = {"name": name, "typed_config": {"@type": kind, **config}}
    return {**at("envoy.filters.http.router"), "patch": {"operation": "INSERT_BEFORE", "value": value}}


def removed(name: str) -> Document:
    return {**at(name), "patch": {"operation": "REMOVE"}}


def at(http_filter: str) -> Document:
    place = {"filter": {"name": HCM, "subFilter": {"name": http_filter}}}
    return {"applyTo": "HTTP_FILTER", "match": {"context": "GATEWAY", "listener": {"filterChain": place}}}


def envoy_filter(name: str, patches: list[Document], labels: Mapping[str, str]) -> Document:
    """For the workloads with these labels; without labels for all of the namespace."""
    selector = {"workloadSelector": {"labels": dict(labels)}} if labels else {}
    return {
        "apiVersion": "networking.istio.io/v1alpha3",
        "kind": "EnvoyFilter",
        "metadata": {"name": name, "namespace": "bourse"},
        "spec": {**selector, "priority": LAST, "configPatches": patches},
    }


def lua(files: FileDescriptorSet) -> str:
    """The check with its tables."""
    requests = contract.requests(files)
    messages = contract.fields(files, sorted(set(requests.values())))
    values = contract.values(files)
    lines = ["local METHODS = {"]
    lines += [f'  ["{path}"] = "{message}",' for path, message in sorted(requests.items())]
    lines += ["}", "local MESSAGES = {"]
    for message, fields in messages.items():
        lines.append(f'  ["{message}"] = {{')
        for field in fields:
            entry = lua_field(field, values)
            lines += [f"    {name} = {entry}," for name in dict.fromkeys((field.name, field.json_name))]
        lines.append("  },")
    check = Path(__file__).with_name("strict.lua").read_text("utf-8")
    return "\n".join([*lines, "}", "", check])


def lua_field(field: FieldDescriptorProto, values: Mapping[str, list[str]]) -> str:
    parts = [f'name = "{field.name}"']
    kind = field.type_name.lstrip(".")
    if contract.is_message(field):
        parts.append(f'message = "{kind}"')
    elif kind:
        parts.append("values = {" + ", ".join(f"{name} = true" for name in values[kind]) + "}")
    if contract.is_list(field):
        parts.append("list = true")
    if contract.is_truth(field):
        parts.append("truth = true")
    return "{" + ", ".join(parts) + "}"


class Dumper(yaml.SafeDumper):
    """Blocks for texts of several lines, and no anchors."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def block(dumper: yaml.SafeDumper, value: str) -> yaml.ScalarNode:
    return dumper.represent_scalar("tag:yaml.org,2002:str", value, style="|" if "\n" in value else None)


Dumper.add_representer(str, block)


def text(*documents: Document) -> str:
    head = "# Generated by `make gateway`; edit mesh/gateway or the protos instead.\n"
    return head + yaml.dump_all(documents, Dumper=Dumper, sort_keys=False, width=140, allow_unicode=True)
