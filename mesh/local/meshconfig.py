"""MeshConfig: what holds for the whole mesh. It is a document of ours, or the text in Istio's own ConfigMap."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from mesh.local.document import Document, Json, read_text

CONFIG_MAP = "istio"
DATA_KEY = "mesh"


@dataclass(frozen=True)
class MeshConfig:
    """Istio's MeshConfig with its defaults."""

    values: Json = field(default_factory=dict)

    @classmethod
    def of(cls, documents: Sequence[Document]) -> "MeshConfig":
        """Of the last ConfigMap `istio` or MeshConfig among the documents; defaults when there is none."""
        values: Json = {}
        for document in documents:
            inner = mesh_config(document)
            if inner is not None:
                values = inner.body
        return cls({key: value for key, value in values.items() if key not in ("kind", "metadata")})

    def get(self, *path: str) -> Any:
        """The value at that path; None when a part of it is not there."""
        value: Any = self.values
        for step in path:
            value = value.get(step) if isinstance(value, dict) else None
        return value

    @property
    def trust_domain(self) -> str:
        return str(self.get("trustDomain") or "cluster.local")

    @property
    def trust_domain_aliases(self) -> list[str]:
        return list(self.get("trustDomainAliases") or [])

    @property
    def root_namespace(self) -> str:
        return str(self.get("rootNamespace") or "istio-system")

    def provider(self, name: str) -> Json | None:
        return next((item for item in self.get("extensionProviders") or [] if item["name"] == name), None)


def mesh_config(document: Document) -> Document | None:
    """The MeshConfig in the document, as one of kind MeshConfig with its lines; None when it holds none."""
    if document.kind == "MeshConfig":
        return document
    if document.kind == "ConfigMap" and document.name == CONFIG_MAP:
        text = (document.body.get("data") or {}).get(DATA_KEY, "")
        first = document.line(("data", DATA_KEY))
        inner = next(iter(read_text(text, document.file, first)), None)
        return inner.part((), "MeshConfig", inner.body) if inner else None
    if document.kind == "IstioOperator":
        return document.part(("spec", "meshConfig"), "MeshConfig", document.spec.get("meshConfig") or {})
    return None
