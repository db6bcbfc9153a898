"""Names of hosts, and of the one gateway that is none: every sidecar."""

CLUSTER_DOMAIN = "cluster.local"
MESH = "mesh"


def full_host(host: str, namespace: str) -> str:
    """A short name is one of the document's own namespace."""
    return host if "." in host or host == "*" else f"{host}.{namespace}.svc.{CLUSTER_DOMAIN}"


def host_matches(pattern: str, host: str) -> bool:
    """`*` fits all, `*.example` every host below it, any other pattern itself."""
    return pattern in ("*", host) or (pattern.startswith("*") and host.endswith(pattern[1:]))
