"""Where the YAML is that is applied to a cluster: it is the same here."""

from pathlib import Path

ROOT = Path(__file__).parents[2]
WORKLOADS = ROOT / "k8s" / "base"
MESH = ROOT / "mesh" / "istio"
INSTALL = MESH / "install.yaml"
"""What Istio itself is told when it is installed: its MeshConfig."""
SOURCES = (WORKLOADS, MESH, INSTALL)
