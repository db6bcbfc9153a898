"""What a pod's proxy knows: the services of its Sidecar's scope, and the documents that are visible to it."""

from collections.abc import Iterator, Sequence

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
    return [each for each in known if in_scope(patterns, each.namespace, each.host, pod)]


def reachable_services(world: World, pod: Pod) -> list[Service]:
    """Those, and the ones to which a VirtualService of a name in scope leads."""
    patterns, known = patterns_of(world, pod), services_of(world, pod)
    if patterns is None:
        return known
    hosts = {service.host for service in known}
    for document in virtual_services(world, pod):
        hosts |= {full_host(host, document.namespace) for host in destinations(document)}
    return [service for service in visible_services(world, pod) if service.host in hosts]


def virtual_services(world: World, pod: Pod) -> list[Document]:
    """Those for calls inside the mesh that are visible to the pod, and name a host that its Sidecar lets it know of."""
    patterns = patterns_of(world, pod)
    return [
        document
        for document in world.of("VirtualService")
        if MESH in (document.spec.get("gateways") or [MESH])
        and visible(document, pod.namespace)
        and (
            patterns is None
            or any(
                in_scope(patterns, document.namespace, full_host(host, document.namespace), pod, routes=True)
                for host in document.spec["hosts"]
            )
        )
    ]


def destinations(document: Document) -> Iterator[str]:
    """The hosts to which a VirtualService leads, or mirrors."""
    for rule in document.spec.get("http") or []:
        yield from (way["destination"]["host"] for way in [*(rule.get("route") or []), *(rule.get("mirrors") or [])])
        if rule.get("mirror"):
            yield rule["mirror"]["host"]


def in_scope(patterns: Sequence[str], namespace: str, host: str, pod: Pod, *, routes: bool = False) -> bool:
    """Whether one of the `NAMESPACE/HOST` of a Sidecar's egress means the host, and none that begins with `~` takes it out.

    The namespace may be `.` for the pod's own, or `*` for any; behind `~` nothing is any too. Of routes a wildcard is meant by
    each host that it fits.
    """

    def meant(pattern: str, *, routes: bool = False) -> bool:
        where, _, wanted = pattern.partition("/")
        where = pod.namespace if where == "." else where or "*"
        return where in ("*", namespace) and (host_matches(wanted, host) or (routes and host_matches(host, wanted)))

    return any(meant(pattern, routes=routes) for pattern in patterns if not pattern.startswith("~")) and not any(
        meant(pattern.removeprefix("~")) for pattern in patterns if pattern.startswith("~")
    )
