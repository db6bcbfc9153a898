"""Brings the generated YAML of the gateway up to date."""

from mesh.gateway.documents import documents

for path, content in documents().items():
    path.write_text(content, "utf-8")
