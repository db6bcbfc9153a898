"""Two documents that want to be the one that holds: Istio takes the older one, or merges them, and ages are not written in YAML."""

from collections.abc import Hashable, Iterator, Sequence

from mesh.local import workload
from mesh.local.document import Document, Problem
from mesh.local.host import MESH, full_host
from mesh.local.selectors import SELECTORS, Labels, value_at, without_version
from mesh.local.servers import hosts_of, rival_servers

ONE_FOR_A_POD = ("PeerAuthentication", "Sidecar", "Telemetry")


def rivals(documents: Sequence[Document], root_namespace: str) -> Iterator[Problem]:
    """The later one of each two."""
    carried = [(one.namespace, workload.labels(one)) for one in documents if one.kind in workload.KINDS]
    holders: dict[Hashable, list[Document]] = {}
    for document in documents:
        for thing, said in things(document):
            for first in holders.setdefault(thing, []):
                if first is not document and compete(first, document, carried, root_namespace):
                    why = f"{first.name} is there already for {said}, in {first.file}:{first.line(())}: one of them would hold"
                    yield document.problem(("metadata", "name"), why)
                    break
            holders[thing].append(document)
    gateways = [one for one in documents if one.kind == "Gateway"]
    yield from rival_servers(gateways, lambda first, second: compete(first, second, carried, root_namespace))


def things(document: Document) -> Iterator[tuple[Hashable, str]]:
    """What the document wants to be the only one for, and how that is called."""
    where, spec = document.namespace, document.spec
    if document.kind in ONE_FOR_A_POD:
        labels = value_at(document, SELECTORS[document.kind])
        shown = ", ".join(f"{key}: {value}" for key, value in labels.items()) or f"all of {where}"
        yield (document.kind, where), shown
    elif document.kind == "DestinationRule":
        yield (document.kind, where, full_host(spec["host"], where)), spec["host"]
    elif document.kind == "Gateway":
        for server in spec.get("servers") or []:
            for name in hosts_of(server):
                number = server["port"]["number"]
                yield (document.kind, number, name), f"{name}:{number}"
    elif document.kind == "VirtualService" and MESH in (spec.get("gateways") or [MESH]):
        for host in spec["hosts"]:
            yield (document.kind, where, full_host(host, where)), host
    elif document.kind == "Service":
        yield full_host(document.name, where), document.name
    elif document.kind == "ServiceEntry":
        for host in spec["hosts"]:
            yield full_host(host, where), host


def compete(first: Document, second: Document, carried: Sequence[tuple[str, Labels]], root_namespace: str) -> bool:
    """Two that select pods compete when both mean all pods, or some workload is meant by both, in a version that both name."""
    if second.kind not in SELECTORS:
        return True
    one, other = (value_at(document, SELECTORS[document.kind]) for document in (first, second))
    if not one or not other or one == other:
        return one == other or second.kind == "Gateway"
    both = {**one, **other}
    anywhere = second.namespace == root_namespace or second.kind == "Gateway"
    return {**other, **one} == both and any(
        (anywhere or where == second.namespace) and without_version(both).items() <= own.items()
        for where, own in carried
    )
