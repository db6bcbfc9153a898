"""What the YAML says, as a whole: the services, the pods that stand for them, and which documents concern which pod."""

from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence, Set
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

from mesh.local import workload
from mesh.local.document import Document, Json, Untranslatable
from mesh.local.host import CLUSTER_DOMAIN
from mesh.local.kustomize import read_folder
from mesh.local.meshconfig import MeshConfig
from mesh.local.named import translating
from mesh.local.references import dangling
from mesh.local.refusal import duplicates, refuse
from mesh.local.rivals import rivals
from mesh.local.selectors import unmatched

WORKLOADS = workload.KINDS
Made = TypeVar("Made")
OPEN = "where nothing is said it is ALLOW_ANY, which is not translated; REGISTRY_ONLY would be"


@dataclass(frozen=True)
class Pod:
    """One process and its Envoy. `address` is a loopback address of its own; `sockets` is a folder of mode 0700."""

    name: str
    service_account: str
    labels: Mapping[str, str]
    address: str
    sockets: Path
    namespace: str = "bourse"
    gateway: bool = False
    ports: Mapping[int, int] = field(default_factory=dict)
    """A gateway's alone: the port of a Gateway's server, and the port on 127.0.0.1 that stands for it."""
    ready: bool = True


@dataclass(frozen=True, slots=True)
class Port:
    """A service's port. `target` is where its pods listen; `protocol` is lower case, such as grpc, http or tcp."""

    number: int
    target: int
    protocol: str
    name: str = ""

    @property
    def is_http(self) -> bool:
        return self.protocol in {"http", "http2", "grpc", "grpc-web"}

    @property
    def is_http2(self) -> bool:
        return self.protocol in {"http2", "grpc", "grpc-web"}


@dataclass(frozen=True)
class Service:
    """A Kubernetes Service, or one host of a ServiceEntry (`external`)."""

    host: str
    namespace: str
    ports: tuple[Port, ...]
    selector: Mapping[str, str]
    unready_too: bool = False
    external: Document | None = None

    @property
    def name(self) -> str:
        return self.host.split(".", 1)[0]

    @property
    def is_outside(self) -> bool:
        """Whether nobody of the mesh answers for it, so that no mutual TLS is expected of itself."""
        return self.external is not None and self.external.spec.get("location", "MESH_EXTERNAL") == "MESH_EXTERNAL"


class World:
    """The documents that are in force, all translatable. Never changes; `changed` makes another."""

    @translating
    def __init__(
        self, documents: Sequence[Document], keys: Mapping[str, str] | None = None, checked: Set[int] = frozenset()
    ) -> None:
        """`keys`: the JWKS of each jwksUri. Untranslatable when a document is not, with every problem of every document.

        `checked`: the identities of documents that are known to be translatable.
        """
        problems = refuse([document for document in documents if id(document) not in checked])
        if problems:
            raise Untranslatable(problems)
        self.documents = tuple(documents)
        self.keys = dict(keys or {})
        self._kept: dict[Hashable, tuple[object, Any]] = {}

    @classmethod
    @translating
    def load(
        cls,
        folders: Sequence[Path],
        changes: Sequence[Document | Json] = (),
        keys: Mapping[str, str] | None = None,
    ) -> "World":
        """The documents of the folders, the later ones and then the changes in place of those of the same kind, namespace and name.

        Untranslatable when any of them is not, one folder defines an object twice, a rule of Istio's schemas is broken, a selector
        means no workload of them, two documents want to be the one that holds, one names what nothing has, or a patch has no place.
        """
        from mesh.local.rules import unruly  # Who reads no YAML does not load cel-python.
        from mesh.local.unplaced import unplaced  # It translates, which stands on this.

        documents: list[Document] = []
        problems = []
        for folder in folders:
            found = read_folder(folder)
            problems += duplicates(found)
            documents = replaced(documents, found)
        if problems:
            raise Untranslatable(problems)
        world = cls(replaced(documents, as_documents(changes)), keys)
        if world.mesh.get("outboundTrafficPolicy", "mode") is None:
            raise Untranslatable([Document({"kind": "MeshConfig"}).problem(("outboundTrafficPolicy", "mode"), OPEN)])
        root = world.mesh.root_namespace
        problems = list(unruly(world.documents))
        problems = problems or [*unmatched(world.documents, root), *rivals(world.documents, root), *dangling(world)]
        problems = problems or list(unplaced(world))
        if problems:
            raise Untranslatable(problems)
        return world

    def changed(self, changes: Sequence[Document | Json]) -> "World":
        """This world with these documents in place of those of the same kind, namespace and name."""
        known = {id(document) for document in self.documents}
        documents = as_documents(changes)
        world = World(replaced(self.documents, documents), self.keys, known)
        if {document.kind for document in documents} <= {"VirtualService"}:
            world._kept = self._kept
        return world

    def with_keys(self, keys: Mapping[str, str]) -> "World":
        """This world with other JWKS of its jwksUris."""
        return World(self.documents, keys, {id(document) for document in self.documents})

    def kept(self, name: Hashable, given: object, make: Callable[[], Made]) -> Made:
        """What `make` makes of `given` and of this world's documents but VirtualServices, unless they are in `given`: made once
        for all worlds that differ in these alone. Weights change often, and everything else seldom.
        """
        if name not in self._kept or self._kept[name][0] != given:
            self._kept[name] = given, make()
        made: Made = self._kept[name][1]
        return made

    def of(self, kind: str) -> list[Document]:
        return list(self._by_kind.get(kind, ()))

    @cached_property
    def _by_kind(self) -> dict[str, list[Document]]:
        found: dict[str, list[Document]] = {}
        for document in self.documents:
            found.setdefault(document.kind, []).append(document)
        return found

    @cached_property
    def mesh(self) -> MeshConfig:
        return MeshConfig.of(self.documents)

    @cached_property
    def services(self) -> tuple[Service, ...]:
        """Sorted by host."""
        found = [self._service(document) for document in self.of("Service")]
        for document in self.of("ServiceEntry"):
            found += external_services(document)
        return tuple(sorted(found, key=lambda service: service.host))

    def service(self, host: str) -> Service | None:
        return next((service for service in self.services if service.host == host), None)

    def selected(self, kind: str, pod: Pod, selector: str = "selector") -> list[Document]:
        """Documents of that kind that concern the pod: of the mesh's root namespace, of its own, and those that select it."""
        return [
            document
            for document in self.of(kind)
            if document.namespace in (pod.namespace, self.mesh.root_namespace)
            and matches(labels_of(document.spec.get(selector)), pod.labels)
        ]

    def service_accounts(self, service: Service, pods: Iterable[Pod]) -> list[str]:
        """SPIFFE ids of whoever may answer for the service: of its workloads in the YAML and of its pods, ready or not."""
        accounts = {(pod.namespace, pod.service_account) for pod in pods if stands_for(pod, service)}
        for document in self._workloads:
            if document.namespace == service.namespace and workload.is_selected(document, service.selector):
                accounts.add((document.namespace, workload.service_account(document)))
        domains = [self.mesh.trust_domain, *self.mesh.trust_domain_aliases]
        return sorted(spiffe(domain, *account) for account in accounts for domain in domains)

    def proxy(self, pod: Pod) -> Json:
        """Istio's ProxyConfig of the pod: the mesh's defaultConfig, and over it what the pod's workload says."""
        found: Json = self.mesh.get("defaultConfig") or {}
        document = workload.of_pod(self._workloads, pod.namespace, pod.labels)
        own = workload.proxy_config(document) if document else None
        return workload.overlaid(found, own.body) if own else found

    @cached_property
    def _workloads(self) -> list[Document]:
        return [document for kind in WORKLOADS for document in self.of(kind)]

    def _service(self, document: Document) -> Service:
        spec = document.spec
        host = f"{document.name}.{document.namespace}.svc.{CLUSTER_DOMAIN}"
        selector = spec.get("selector") or {}
        ports = tuple(
            Port(
                port["port"], self._target(document.namespace, selector, port), protocol_of(port), port.get("name", "")
            )
            for port in spec.get("ports") or []
        )
        return Service(host, document.namespace, ports, selector, bool(spec.get("publishNotReadyAddresses")))

    def _target(self, namespace: str, selector: Mapping[str, str], port: Json) -> int:
        target = port["targetPort"] if "targetPort" in port else port["port"]
        if isinstance(target, int):
            return target
        for document in self._workloads:
            if document.namespace == namespace and workload.is_selected(document, selector):
                found = workload.named_port(document, target)
                if found is not None:
                    return found
        return int(port["port"])


def replaced(documents: Sequence[Document], changes: Sequence[Document]) -> list[Document]:
    """The documents, with the changes in place of those with the same kind, namespace and name, or behind all."""
    latest = {change.key: change for change in changes}
    kept = [latest.pop(document.key, document) for document in documents]
    return kept + list(latest.values())


def as_documents(changes: Sequence[Document | Json]) -> list[Document]:
    return [change if isinstance(change, Document) else Document(change) for change in changes]


def external_services(entry: Document) -> list[Service]:
    spec = entry.spec
    ports = tuple(
        Port(
            port["number"],
            port.get("targetPort", port["number"]),
            port.get("protocol", "tcp").lower(),
            port.get("name", ""),
        )
        for port in spec.get("ports") or []
    )
    selector = labels_of(spec.get("workloadSelector"))
    return [Service(host, entry.namespace, ports, selector, external=entry) for host in spec["hosts"]]


def protocol_of(port: Json) -> str:
    """As Istio finds it: by appProtocol, else by the name's prefix, else TCP."""
    named = str(port.get("appProtocol") or port.get("name", "tcp").split("-")[0]).lower()
    aliases = {"kubernetes.io/h2c": "http2", "kubernetes.io/ws": "http"}
    return aliases.get(named, named)


def labels_of(selector: Json | None) -> Mapping[str, str]:
    """Of `selector: {matchLabels: …}` (security) or `workloadSelector: {labels: …}` (networking) or plain labels."""
    if not selector:
        return {}
    labels: Mapping[str, str] = selector.get("matchLabels", selector.get("labels", selector)) or {}
    return labels


def matches(selector: Mapping[str, str], labels: Mapping[str, str]) -> bool:
    return all(labels.get(key) == value for key, value in selector.items())


def stands_for(pod: Pod, service: Service) -> bool:
    labels = {workload.POD_NAME: pod.name, **pod.labels}
    return pod.namespace == service.namespace and bool(service.selector) and matches(service.selector, labels)


def instances(service: Service, pods: Iterable[Pod], labels: Mapping[str, str]) -> list[Pod]:
    """The pods that take calls for the service and carry these labels too, by name."""
    found = [
        pod
        for pod in pods
        if stands_for(pod, service) and matches(labels, pod.labels) and (pod.ready or service.unready_too)
    ]
    return sorted(found, key=lambda pod: pod.name)


def spiffe(trust_domain: str, namespace: str, account: str) -> str:
    return f"spiffe://{trust_domain}/ns/{namespace}/sa/{account}"


def unready(pod: Pod) -> Pod:
    return replace(pod, ready=False)
