"""The pods of one home: which process is which pod of the mesh, and where it listens."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from cli.machine.home import POD_PORT, Home, Layout
from cli.machine.mesh.desired import STABLE, Version
from mesh.local.host import CLUSTER_DOMAIN
from mesh.local.model import Pod, spiffe
from mesh.local.workload import POD_NAME

NAMESPACE = "bourse"
GATEWAY = "gateway"
TLS_PORT = 443
SIDECAR = ".sidecar"


@dataclass(frozen=True)
class Place:
    """A pod, the process that it stands for, and the folder of its Envoy."""

    process: str
    service: str
    pod: Pod
    folder: Path

    @property
    def envoy(self) -> str:
        """The name of the process that Envoy is."""
        return GATEWAY if self.pod.gateway else f"{self.process}{SIDECAR}"

    @property
    def application(self) -> str:
        return f"unix:{self.pod.sockets / 'app.sock'}"

    @property
    def egress(self) -> str:
        return f"unix:{self.pod.sockets / 'egress.sock'}"

    @property
    def admin(self) -> Path:
        return self.pod.sockets / "admin.sock"

    @property
    def identity(self) -> str:
        return spiffe(CLUSTER_DOMAIN, self.pod.namespace, self.pod.service_account)

    def make(self) -> None:
        """The folders, closed to others."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self.pod.sockets.mkdir(mode=0o700, parents=True, exist_ok=True)


def places(home: Home, layout: Layout, versions: Sequence[Version] = ()) -> list[Place]:
    """A pod for each process of a service, the versions beside the stable ones too, and the gateway's. What the YAML
    says of their labels is not known here (labels.py).
    """
    found = [place_of(home, layout, process, service, STABLE) for process, service in layout.services.items()]
    found += [place_of(home, layout, one.process, one.service, one.subset) for one in versions]
    return [*found, gateway_of(home, layout)]


def place_of(home: Home, layout: Layout, process: str, service: str, subset: str) -> Place:
    """The pod has those labels alone that its workload's template does not give it."""
    name, labels = process.replace("_", "-"), {}
    if subset != STABLE:
        labels["version"] = subset
    if service == "svc_match":
        name = f"{name}-0"  # the only pod of its shard's StatefulSet
        labels[POD_NAME] = name
    sockets = sockets_of(home, layout, process)
    pod = Pod(name, account_of(service), labels, layout.pod_address(process), sockets, NAMESPACE)
    return Place(process, service, pod, home.mesh / process)


def account_of(service: str) -> str:
    """The service account of its pods."""
    return service.replace("_", "-")


def workload_name(process: str, service: str) -> str:
    """The Deployment or StatefulSet that the process stands for: a shard is one of its own, and a version is its service's."""
    return (process if service == "svc_match" else service).replace("_", "-")


def gateway_of(home: Home, layout: Layout) -> Place:
    pod = Pod(
        GATEWAY,
        GATEWAY,
        {},
        layout.pod_address(GATEWAY),
        sockets_of(home, layout, GATEWAY),
        NAMESPACE,
        gateway=True,
        ports={TLS_PORT: layout.ports[GATEWAY]},
    )
    return Place(GATEWAY, GATEWAY, pod, home.mesh / GATEWAY)


def sockets_of(home: Home, layout: Layout, process: str) -> Path:
    """In the home, or in a shorter folder where a socket's path would be too long."""
    return (Path(layout.sockets) if layout.sockets else home.mesh) / process


def ledger_host() -> str:
    return host("svc-ledger")


def shard_host(shard: int) -> str:
    return host(f"svc-match-{shard}-0")


def host(service: str) -> str:
    return f"{service}.{NAMESPACE}.svc.{CLUSTER_DOMAIN}:{POD_PORT}"
