"""The YAML to what one pod's Envoy must have."""

from collections.abc import Sequence
from pathlib import Path

from mesh.local.cluster import cluster_name, clusters, outbound_ports
from mesh.local.connection import GATEWAY, INBOUND, OUTBOUND
from mesh.local.destination import rule_of
from mesh.local.document import Document, Json
from mesh.local.endpoint import assignment
from mesh.local.envoyfilter import patched_clusters, patched_listeners, patched_routes, patches
from mesh.local.host import MESH
from mesh.local.listener import gateway_listeners, servers_of, sidecar_listeners
from mesh.local.model import Pod, World
from mesh.local.named import translating
from mesh.local.resources import Resources
from mesh.local.scope import reachable_services
from mesh.local.virtualhost import egress_routes, gateway_routes


@translating
def resources(world: World, pod: Pod, pods: Sequence[Pod], folder: Path) -> Resources:
    """What the Envoy of `pod` must have, of the same names as istiod's. `folder` is where it reads its files.

    The same world and pods always give the same resources.
    """
    own = pod.name, folder
    given = pod, list(pods), reachable_services(world, pod)  # All that a VirtualService changes of clusters is which.
    return Resources(
        world.kept(
            ("clusters", *own),
            given,
            lambda: tuple(patched_by_direction(world, pod, clusters(world, pod, pods, folder))),
        ),
        world.kept(("endpoints", *own), given, lambda: tuple(endpoints(world, pod, pods))),
        world.kept(("listeners", *own), pod, lambda: tuple(listeners(world, pod, folder))),
        world.kept(("routes", *own), (pod, routing(world, pod)), lambda: tuple(routes(world, pod))),
    )


def routing(world: World, pod: Pod) -> list[Document]:
    """The VirtualServices that can have a part in the pod's routes: those for gateways, or those for calls inside the mesh."""
    return [
        document
        for document in world.of("VirtualService")
        if any((name != MESH) == pod.gateway for name in document.spec.get("gateways") or [MESH])
    ]


def endpoints(world: World, pod: Pod, pods: Sequence[Pod]) -> list[Json]:
    found = []
    for service in reachable_services(world, pod):
        rule = rule_of(world, pod, service.host)
        by_name = (
            service.external is not None and not service.selector and service.external.spec.get("resolution") == "DNS"
        )
        for port in [] if by_name else outbound_ports(service):
            for subset in ("", *rule.subsets):
                name = cluster_name(port.number, subset, service.host)
                found.append(assignment(world, name, service, port, rule, subset, pods))
    return found


def gateway_tables(world: World, pod: Pod) -> list[Json]:
    tables = [gateway_routes(world, pod, gateway, server) for gateway, server in servers_of(world, pod)]
    return list({str(table["name"]): table for table in tables}.values())


def routes(world: World, pod: Pod) -> list[Json]:
    if pod.gateway:
        return patched_routes(gateway_tables(world, pod), patches(world, pod, GATEWAY))
    return patched_routes([egress_routes(world, pod)], patches(world, pod, OUTBOUND))


def listeners(world: World, pod: Pod, folder: Path) -> list[Json]:
    """As the EnvoyFilters want them; inbound routes stand in them. No VirtualService has a part in them."""
    if pod.gateway:
        return patched_listeners(gateway_listeners(world, pod, folder), patches(world, pod, GATEWAY))
    inbound, outbound = patches(world, pod, INBOUND), patches(world, pod, OUTBOUND)
    found = sidecar_listeners(world, pod, folder)
    entering = [item for item in found if item["traffic_direction"] == "INBOUND"]
    leaving = [item for item in found if item["traffic_direction"] == "OUTBOUND"]
    for listener in entering:
        for chain in listener["filter_chains"]:
            manager = chain["filters"][-1]["typed_config"]
            (manager["route_config"],) = patched_routes([manager["route_config"]], inbound)
    return patched_listeners(entering, inbound) + patched_listeners(leaving, outbound)


def patched_by_direction(world: World, pod: Pod, found: list[Json]) -> list[Json]:
    """The clusters as the EnvoyFilters want them."""
    if pod.gateway:
        return patched_clusters(found, patches(world, pod, GATEWAY))
    own = [item for item in found if str(item["name"]).startswith("inbound|")]
    others = [item for item in found if item not in own]
    outbound, inbound = patches(world, pod, OUTBOUND), patches(world, pod, INBOUND)
    return patched_clusters(others, outbound) + patched_clusters(own, inbound)
