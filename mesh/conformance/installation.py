"""The installations that are compared, and what Istio's own tools say of their YAML."""

import json
from dataclasses import dataclass
from fnmatch import fnmatchcase
from pathlib import Path

from mesh.conformance import istio
from mesh.conformance.compare import accepted
from mesh.local.document import Document, read_text
from mesh.local.kustomize import read_folder
from mesh.local.model import World
from mesh.local.sources import INSTALL, MESH, ROOT, WORKLOADS

BASE = (WORKLOADS, MESH)
OVERLAY = ROOT / "k8s" / "overlays" / "example"
EXERCISE = istio.MODULE / "exercise"
RENDERED = istio.BUILD / "rendered.yaml"
MESH_CONFIG = istio.BUILD / "mesh.json"
ONLY_READ = ("Component", "Kustomization")
# What the issuer of tokens would answer at a jwksUri. Istiod fetches keys itself, and there is nobody to ask here.
KEYS = '{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}'
# Of another namespace, and not ours: without it istiod traces nothing.
COLLECTOR = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "otel-collector", "namespace": "observability"},
    "spec": {"selector": {"app": "otel-collector"}, "ports": [{"name": "grpc", "port": 4317, "appProtocol": "grpc"}]},
}


@dataclass(frozen=True)
class Installation:
    """What is applied to a cluster, and what Istio is told when it is installed."""

    name: str
    applied: tuple[Document, ...]
    install: tuple[Document, ...]

    def world(self) -> World:
        """As the local mesh has it, with the issuer's keys at hand."""
        return World([*map(with_keys, self.applied), *self.install, Document(COLLECTOR)])

    def problems(self) -> list[str]:
        """What `istioctl analyze` and `validate` say that nobody accepted."""
        RENDERED.write_text("\n---\n".join(json.dumps(document.body) for document in self.applied), "utf-8")
        MESH_CONFIG.write_text(json.dumps(World(self.install).mesh.values), "utf-8")
        said = [f"{each['code']} {each['origin']}: {each['message']}" for each in istio.analyzed(RENDERED, MESH_CONFIG)]
        said += istio.validated(RENDERED)
        return [f"{self.name}: {line}" for line in said if not any(fnmatchcase(line, each) for each in accepted())]


def installations() -> list[Installation]:
    """What one machine runs; an installation with an overlay; and a mesh that uses everything that is translated."""
    install = tuple(read_folder(INSTALL))
    exercise = read_folder(EXERCISE)
    return [
        Installation("base", rendered(*BASE), install),
        Installation("example", rendered(OVERLAY), install),
        Installation("exercise", *divided(exercise)),
    ]


def rendered(*folders: Path) -> tuple[Document, ...]:
    """As kustomize has it."""
    return tuple(document for folder in folders for document in read_text(istio.kustomized(folder), str(folder)))


def divided(documents: list[Document]) -> tuple[tuple[Document, ...], tuple[Document, ...]]:
    """What is applied, and what Istio is told when it is installed."""
    install = tuple(document for document in documents if document.kind == "IstioOperator")
    return tuple(document for document in documents if document not in install), install


def misread() -> list[str]:
    """Where the local mesh, which reads folders itself, reads another thing than kustomize."""
    read = [document for folder in BASE for document in read_folder(folder) if document.kind not in ONLY_READ]
    here = {document.key: document.body for document in read}
    there = {document.key: document.body for document in rendered(*BASE)}
    differ = [key for key in here | there if here.get(key) != there.get(key)]
    return [f"{' '.join(key)}: kustomize and the local mesh read different things" for key in differ]


def with_keys(document: Document) -> Document:
    """With the issuer's keys in place of where they are fetched from."""
    if document.kind != "RequestAuthentication":
        return document
    rules = [{"jwks": KEYS, **rule} for rule in document.spec["jwtRules"]]
    for rule in rules:
        for name in ("jwksUri", "jwks_uri"):
            rule.pop(name, None)
    return Document({**document.body, "spec": {**document.spec, "jwtRules": rules}}, document.file)
