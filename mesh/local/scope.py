"""What a pod's proxy knows: the services of its Sidecar's scope, and the documents that are visible to it."""

from mesh.local.document import Document
from mesh.local.model import Pod, Service, World, labels_of


def host_matches(pattern: str, host: str) -> bool:
    """`*` fits all, `*.example` every host below it, any other pattern itself."""
    return pattern in ("*", host) or (pattern.startswith("*") and host.endswith(pattern[1:]))


def visible(document: Document, namespace: str) -> bool:
    """By exportTo: `.` is the document's own namespace, `*` and nothing are all."""
    exported = document.spec.get("exportTo") or ["*"]
    return any(where in ("*", namespace) or (where == "." and document.namespace == namespace) for where in exported)


def sidecar_of(world: World, pod: Pod) -> Document | None:
    """The Sidecar that selects the pod, else its namespace's, else the root namespace's."""
    found = world.selected("Sidecar", pod, "workloadSelector")
    found.sort(
        key=lambda document: (
            document.namespace == pod.namespace,
            bool(labels_of(document.spec.get("workloadSelector"))),
        )
    )
    return found[-1] if found else None


def services_of(world: World, pod: Pod) -> list[Service]:
    """The services that the pod may call. A gateway knows all that are visible to it; so does a pod without a Sidecar."""
    known = [
        service for service in world.services if service.external is None or visible(service.external, pod.namespace)
    ]
    sidecar = None if pod.gateway else sidecar_of(world, pod)
    if sidecar is None or "egress" not in sidecar.spec:
        return known
    patterns = [pattern for listener in sidecar.spec["egress"] for pattern in listener["hosts"]]
    return [service for service in known if any(in_scope(pattern, service, pod.namespace) for pattern in patterns)]


def in_scope(pattern: str, service: Service, namespace: str) -> bool:
    """Whether `namespace/host` of a Sidecar's egress means the service; the namespace may be `.`, `*`, or `~` for none."""
    where, _, host = pattern.rpartition("/")
    where = namespace if where == "." else where or "*"
    return where in ("*", service.namespace) and host_matches(host, service.host)
