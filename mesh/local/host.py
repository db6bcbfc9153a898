"""Names of hosts, and of the one gateway that is none: every sidecar."""

CLUSTER_DOMAIN = "cluster.local"
MESH = "mesh"


def full_host(host: str, namespace: str) -> str:
    """A short name is one of the document's own namespace."""
    return host if "." in host or host == "*" else f"{host}.{namespace}.svc.{CLUSTER_DOMAIN}"
