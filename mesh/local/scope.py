"""What a pod's proxy knows: the services of its Sidecar's scope, and the documents that are visible to it."""

from collections.abc import Iterator

from mesh.local.document import Document
from mesh.local.host import MESH, full_host, host_matches
from mesh.local.model import Pod, Service, World, labels_of


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


def patterns_of(world: World, pod: Pod) -> list[str] | None:
    """What the pod's Sidecar lets it know of; None when that is everything, as for a gateway."""
    sidecar = None if pod.gateway else sidecar_of(world, pod)
    if sidecar is None or "egress" not in sidecar.spec:
        return None
    return [pattern for listener in sidecar.spec["egress"] for pattern in listener["hosts"]]


def visible_services(world: World, pod: Pod) -> list[Service]:
    return [each for each in world.services if each.external is None or visible(each.external, pod.namespace)]


def services_of(world: World, pod: Pod) -> list[Service]:
    """The services that the pod may call by their names."""
    patterns, known = patterns_of(world, pod), visible_services(world, pod)
    if patterns is None:
        return known
    return [each for each in known if any(in_scope(pattern, each.namespace, each.host, pod) for pattern in patterns)]


def reachable_services(world: World, pod: Pod) -> list[Service]:
    """Those, and the ones to which a VirtualService of a name in scope leads."""
    patterns, known = patterns_of(world, pod), services_of(world, pod)
    if patterns is None:
        return known
    hosts = {service.host for service in known}
    for document in world.of("VirtualService"):
        own = [full_host(host, document.namespace) for host in document.spec["hosts"]]
        named = any(in_scope(pattern, document.namespace, host, pod) for pattern in patterns for host in own)
        if named and visible(document, pod.namespace) and MESH in (document.spec.get("gateways") or [MESH]):
            hosts |= {full_host(host, document.namespace) for host in destinations(document)}
    return [service for service in visible_services(world, pod) if service.host in hosts]


def destinations(document: Document) -> Iterator[str]:
    """The hosts to which a VirtualService leads, or mirrors."""
    for rule in document.spec.get("http") or []:
        yield from (way["destination"]["host"] for way in [*(rule.get("route") or []), *(rule.get("mirrors") or [])])
        if rule.get("mirror"):
            yield rule["mirror"]["host"]


def in_scope(pattern: str, namespace: str, host: str, pod: Pod) -> bool:
    """Whether `namespace/host` of a Sidecar's egress means the host; the namespace may be `.`, `*`, or `~` for none."""
    where, _, wanted = pattern.rpartition("/")
    where = pod.namespace if where == "." else where or "*"
    return where in ("*", namespace) and host_matches(wanted, host)
