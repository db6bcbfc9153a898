"""What one machine runs, in the order of its start."""

from collections.abc import Collection, Sequence

from cli.machine.credentials import Credentials
from cli.machine.home import Home, Layout, MachineError
from cli.machine.mesh import desired
from cli.machine.mesh.control import Controller
from cli.machine.mesh.desired import Version
from cli.machine.mesh.pods import NAMESPACE, Place, ledger_host, places, shard_host
from cli.machine.mesh.sidecar import Sidecar
from cli.machine.nats import Nats
from cli.machine.postgres import Postgres
from cli.machine.program import Program
from cli.machine.service import Install, Service, Wiring
from mesh.local.host import CLUSTER_DOMAIN

MESH = f"{CLUSTER_DOMAIN}/ns/{NAMESPACE}"


def programs(
    home: Home,
    layout: Layout,
    credentials: Credentials,
    only: Collection[str] = (),
    versions: Sequence[Version] | None = None,
) -> list[Program]:
    """PostgreSQL, NATS, the shards of svc_match and the other services, and with a mesh its controller, its sidecars, its
    gateway and the versions beside the stable ones (None: those that are wanted now); or those of them that are named.
    """
    postgres = Postgres(home, credentials, layout.ports["postgres"])
    nats = Nats(home, credentials, layout.ports["nats"], layout.shards)
    if not layout.mesh:
        versions = []
    elif versions is None:
        versions = desired.read(home).versions
    found: list[Program] = [postgres, nats]
    pods = places(home, layout, versions) if layout.mesh else []
    of_process = {place.process: place for place in pods}
    for name, service, version in named(layout, versions):
        urls = postgres.url(service), nats.url(service)
        wiring, install = wiring_of(layout, name, of_process.get(name)), install_of(version)
        found.append(Service(name, service, wiring, layout.address(f"{name}.metrics"), credentials, urls, install))
    if layout.mesh:
        found.append(Controller(home))
        found += [Sidecar(place) for place in pods]
    if unknown := set(only) - {program.name for program in found}:
        raise MachineError(f"no process is named {', '.join(sorted(unknown))}")
    return [program for program in found if not only or program.name in only]


def named(layout: Layout, versions: Sequence[Version]) -> list[tuple[str, str, Version | None]]:
    """Each process of a service: its name, the service, and which version it is if not the stable one."""
    stable: list[tuple[str, str, Version | None]] = [(name, service, None) for name, service in layout.services.items()]
    return stable + [(version.process, version.service, version) for version in versions]


def wiring_of(layout: Layout, name: str, place: Place | None) -> Wiring:
    """Through the pod's sidecar, or without a mesh (None) by itself."""
    if place is None:
        shards = {shard: layout.address(f"svc_match-{shard}") for shard in range(layout.shards)}
        return Wiring(layout.address(name), layout.address("svc_ledger"), shards)
    shards = {shard: shard_host(shard) for shard in range(layout.shards)}
    return Wiring(place.application, ledger_host(), shards, place.egress, MESH)


def install_of(version: Version | None) -> Install:
    return Install() if version is None else Install(version.python, version.release, stable=False)
