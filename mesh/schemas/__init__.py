"""The schemas that a document must pass, as their owners publish them: nothing here is written by hand.

- istio.json.gz: Istio's custom resources, the newest version of each, CEL rules included.
  From the Go module istio.io/api v1.31.1, kubernetes/customresourcedefinitions.gen.yaml. Apache-2.0.
- mesh.json.gz: MeshConfig and ProxyConfig in protobuf's JSON form. From the same module, mesh/v1alpha1/*.proto. Apache-2.0.
- kubernetes.json.gz: the kinds that k8s/ may use, at the oldest version that Istio 1.29 supports.
  From the Go module k8s.io/kubernetes v1.31.14, api/openapi-spec/swagger.json. Apache-2.0.

Only descriptions are left out. `make schemas` (Go on the PATH) makes the files again, byte for byte.
"""

import gzip
import json
from functools import cache
from pathlib import Path
from typing import Any

Schema = dict[str, Any]
FOLDER = Path(__file__).parent
ISTIO, MESH, KUBERNETES = (FOLDER / f"{name}.json.gz" for name in ("istio", "mesh", "kubernetes"))
META = "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta"


def kinds() -> set[tuple[str, str]]:
    """Every (apiVersion, kind) that has a schema."""
    return set(_read(ISTIO)) | set(_read(KUBERNETES)["kinds"])


def schema(api_version: str, kind: str) -> Schema:
    """The OpenAPI v3 schema of a whole document, `metadata` included and every $ref in its place; KeyError if unknown.

    Parts are shared: treat it as read-only.
    """
    if api_version.partition("/")[0].endswith(".istio.io"):
        found = _read(ISTIO)[api_version, kind]
        strings = {"type": "string"}
        properties = {**found["properties"], "apiVersion": strings, "kind": strings, "metadata": _definition(META)}
        return {**found, "properties": properties, "required": ["apiVersion", "kind", "metadata", "spec"]}
    return _definition(_read(KUBERNETES)["kinds"][api_version, kind])


def mesh_config() -> Schema:
    """The schema of MeshConfig; that of ProxyConfig is its property `defaultConfig`."""
    schema: Schema = _read(MESH)
    return schema


@cache
def _read(path: Path) -> dict[Any, Any]:
    found = json.loads(gzip.decompress(path.read_bytes()))
    if path == ISTIO:
        return {tuple(name.rsplit(":", 1)): value for name, value in found.items()}
    if path == KUBERNETES:
        found["kinds"] = {tuple(name.rsplit(":", 1)): value for name, value in found["kinds"].items()}
    assert isinstance(found, dict)
    return found


@cache
def _definition(name: str) -> Schema:
    linked = _linked(_read(KUBERNETES)["definitions"][name])
    assert isinstance(linked, dict)
    return linked


def _linked(part: Any) -> Any:
    if isinstance(part, dict):
        if set(part) == {"$ref"}:
            return _definition(part["$ref"])
        return {name: _linked(value) for name, value in part.items()}
    return [_linked(value) for value in part] if isinstance(part, list) else part
