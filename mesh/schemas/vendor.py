"""Makes the files of this folder from the modules that publish them: `make schemas`, with Go on the PATH.

`python -m mesh.schemas.vendor [FOLDER]`
"""

import gzip
import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import grpc_tools
import yaml
from google.protobuf import descriptor_pb2 as pb
from google.rpc import status_pb2
from grpc_tools import protoc

from mesh import schemas

ISTIO_API = "istio.io/api@v1.31.1"
KUBERNETES = "k8s.io/kubernetes@v1.31.14"
KINDS = {
    "apps/v1": ["Deployment", "StatefulSet"],
    "autoscaling/v2": ["HorizontalPodAutoscaler"],
    "batch/v1": ["CronJob", "Job"],
    "networking.k8s.io/v1": ["NetworkPolicy"],
    "policy/v1": ["PodDisruptionBudget"],
    "rbac.authorization.k8s.io/v1": ["ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"],
    "v1": [
        "ConfigMap",
        "Endpoints",
        "Namespace",
        "PersistentVolumeClaim",
        "Pod",
        "Secret",
        "Service",
        "ServiceAccount",
    ],
}
TEXT = {"type": "string"}
WELL_KNOWN: dict[str, dict[str, Any]] = {
    "Any": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    "BoolValue": {"type": "boolean"},
    "DoubleValue": {"type": "number"},
    "Duration": TEXT,
    "Int32Value": {"type": "integer"},
    "Int64Value": {"type": "integer"},
    "StringValue": TEXT,
    "Struct": {"type": "object", "x-kubernetes-preserve-unknown-fields": True},
    "Timestamp": TEXT,
    "UInt32Value": {"type": "integer"},
    "Value": {"x-kubernetes-preserve-unknown-fields": True},
}
Field = pb.FieldDescriptorProto
SCALARS: dict[int, dict[str, Any]] = {
    Field.TYPE_BOOL: {"type": "boolean"},
    Field.TYPE_BYTES: TEXT,
    Field.TYPE_DOUBLE: {"type": "number"},
    Field.TYPE_FLOAT: {"type": "number"},
    Field.TYPE_STRING: TEXT,
}


def module(name: str) -> Path:
    """The folder of a Go module, which Go verifies by its checksum database."""
    done = subprocess.run(["go", "mod", "download", "-json", name], capture_output=True, check=True, cwd="/")
    return Path(json.loads(done.stdout)["Dir"])


def bare(part: Any, *, properties: bool = False) -> Any:
    """The schema without its descriptions; a property may be named so."""
    if isinstance(part, dict):
        return {
            name: bare(value, properties=name == "properties")
            for name, value in part.items()
            if properties or name != "description"
        }
    return [bare(value) for value in part] if isinstance(part, list) else part


def istio(api: Path) -> dict[str, Any]:
    """Each custom resource at the newest version that it has: v1, if there is one."""
    text = (api / "kubernetes" / "customresourcedefinitions.gen.yaml").read_text("utf-8")
    found = {}
    for resource in filter(None, yaml.load_all(text, yaml.CSafeLoader)):
        spec = resource["spec"]
        version = min(spec["versions"], key=lambda version: (len(version["name"]), version["name"]))
        name = f"{spec['group']}/{version['name']}:{spec['names']['kind']}"
        found[name] = bare(version["schema"]["openAPIV3Schema"])
    return found


def kubernetes(source: Path) -> dict[str, Any]:
    """The kinds, and the definitions that they are made of."""
    published = json.loads((source / "api" / "openapi-spec" / "swagger.json").read_text("utf-8"))["definitions"]
    kinds = {}
    for name, definition in published.items():
        for said in definition.get("x-kubernetes-group-version-kind", ()):
            version = "/".join(filter(None, (said["group"], said["version"])))
            if said["kind"] in KINDS.get(version, ()):
                kinds[f"{version}:{said['kind']}"] = name
    needed: dict[str, Any] = {}
    waiting = [*kinds.values(), schemas.META]
    while waiting:
        name = waiting.pop()
        if name not in needed:
            needed[name] = pointed(bare(published[name]), waiting)
    return {"kinds": kinds, "definitions": needed}


def pointed(part: Any, names: list[str]) -> Any:
    """The definition, its references by name alone; the names are added to `names`."""
    if isinstance(part, dict):
        if "$ref" in part:
            names.append(part["$ref"].rpartition("/")[2])
            return {"$ref": names[-1]}
        return {name: pointed(value, names) for name, value in part.items()}
    return [pointed(value, names) for value in part] if isinstance(part, list) else part


def mesh(api: Path) -> dict[str, Any]:
    """MeshConfig as protobuf's JSON form has it: camelCase names, enums by name, durations as text."""
    with tempfile.NamedTemporaryFile() as output:
        folders = (api, Path(grpc_tools.__file__).with_name("_proto"), Path(status_pb2.__file__).parents[2])
        paths = [f"--proto_path={folder}" for folder in folders]
        arguments = ["protoc", *paths, "--include_imports", f"--descriptor_set_out={output.name}"]
        if protoc.main([*arguments, "mesh/v1alpha1/config.proto"]) != 0:
            raise RuntimeError("protoc refused the protos; its words are above")
        files = pb.FileDescriptorSet.FromString(Path(output.name).read_bytes())
    named: dict[str, Any] = {}
    for file in files.file:
        collect(f".{file.package}", file, named)
    return message(".istio.mesh.v1alpha1.MeshConfig", named)


def collect(prefix: str, scope: Any, named: dict[str, Any]) -> None:
    messages = scope.nested_type if isinstance(scope, pb.DescriptorProto) else scope.message_type
    for found in [*messages, *scope.enum_type]:
        named[f"{prefix}.{found.name}"] = found
    for found in messages:
        collect(f"{prefix}.{found.name}", found, named)


def message(name: str, named: dict[str, Any]) -> dict[str, Any]:
    known = name.removeprefix(".google.protobuf.")
    if known in WELL_KNOWN:
        return WELL_KNOWN[known]
    return {"type": "object", "properties": {field.json_name: value(field, named) for field in named[name].field}}


def value(field: Any, named: dict[str, Any]) -> dict[str, Any]:
    if field.type == Field.TYPE_ENUM:
        one: dict[str, Any] = {"type": "string", "enum": [value.name for value in named[field.type_name].value]}
    elif field.type == Field.TYPE_MESSAGE:
        if named[field.type_name].options.map_entry:
            return {"type": "object", "additionalProperties": value(named[field.type_name].field[1], named)}
        one = message(field.type_name, named)
    else:
        one = SCALARS.get(field.type, {"type": "integer"})
    return {"type": "array", "items": one} if field.label == Field.LABEL_REPEATED else one


def vendor(folder: Path) -> None:
    api = module(ISTIO_API)
    made = {schemas.ISTIO: istio(api), schemas.MESH: mesh(api), schemas.KUBERNETES: kubernetes(module(KUBERNETES))}
    for path, content in made.items():
        text = json.dumps(content, sort_keys=True, separators=(",", ":")).encode()
        (folder / path.name).write_bytes(gzip.compress(text, mtime=0))


if __name__ == "__main__":
    vendor(Path(sys.argv[1]) if len(sys.argv) > 1 else schemas.FOLDER)
