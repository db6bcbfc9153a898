"""Patches of EnvoyFilters that no Envoy has a place for: under another context's name, beside a filter that is not there, or in a
table, host, route or cluster that nobody has. In a cluster they would be in force for nobody, without a word.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from mesh.local import workload
from mesh.local.cluster import clusters
from mesh.local.connection import GATEWAY, INBOUND, OUTBOUND
from mesh.local.connection import NAME as CONNECTION_MANAGER
from mesh.local.document import Document, Json, Problem
from mesh.local.envoyfilter import (
    Patch,
    fits_chain,
    fits_cluster,
    fits_host,
    fits_listener,
    fits_routes,
    http_fit,
    network_fit,
    patched_listeners,
    patches,
    route_fit,
)
from mesh.local.listener import gateway_listeners, sidecar_listeners
from mesh.local.model import Pod, World, labels_of, matches
from mesh.local.selectors import without_version
from mesh.local.translate import gateway_tables
from mesh.local.virtualhost import egress_routes

ANYWHERE = Path("/")
ADDED_ALONE = ("LISTENER", "CLUSTER")  # Of its own: beside nothing.


@dataclass(frozen=True)
class Side:
    """What an Envoy has in one context before any patch."""

    context: str
    listeners: Sequence[Json]
    tables: Sequence[Json]
    clusters: Sequence[Json]


def unplaced(world: World) -> Iterator[Problem]:
    """Each patch for which the Envoy of no workload of the YAML has a place, in any version that the selector names."""
    pods = pods_of(world)
    for document in world.of("EnvoyFilter"):
        wanted = labels_of(document.spec.get("workloadSelector"))
        left = set(range(len(document.spec.get("configPatches") or [])))
        for pod in pods:
            if left and matches(without_version(wanted), pod.labels):
                left -= placed_in(world, replace(pod, labels={**pod.labels, **wanted}), document)
        for index in sorted(left):
            match = document.spec["configPatches"][index].get("match") or {}
            context, names = match.get("context", "ANY"), ", ".join(named({**match, "context": {}}))
            why = f"no Envoy that it selects has a place for it in context {context}" + (f": {names}" if names else "")
            yield document.problem(("spec", "configPatches", index, "match"), why)


def named(match: Json) -> Iterator[str]:
    """All that a match names, from the outside in."""
    for value in match.values():
        if isinstance(value, dict):
            yield from named(value)
        else:
            yield str(value)


def placed_in(world: World, pod: Pod, document: Document) -> set[int]:
    """The document's patches that have a place in the pod's Envoy, beside what is placed before them."""
    found = set()
    for side in sides(world, pod):
        every = patches(world, pod, side.context)
        for number, patch in enumerate(every):
            if patch.document is document:
                before = [
                    one for one in (every if patch.operation == "MERGE" else every[:number]) if one.operation != "MERGE"
                ]
                if has_place(patch, replace(side, listeners=patched_listeners(side.listeners, before))):
                    found.add(patch.index)
    return found


def has_place(patch: Patch, side: Side) -> bool:
    adds = patch.operation == "ADD"
    if adds and patch.apply_to in ADDED_ALONE:
        return True
    if patch.apply_to == "CLUSTER":
        return any(fits_cluster(patch, cluster) for cluster in side.clusters)
    if patch.apply_to in ("ROUTE_CONFIGURATION", "VIRTUAL_HOST", "HTTP_ROUTE"):
        return any(has_route_place(patch, table, adds=adds) for table in side.tables if fits_routes(patch, table))
    listeners = [listener for listener in side.listeners if fits_listener(patch, listener)]
    if patch.apply_to == "LISTENER" or (patch.apply_to == "FILTER_CHAIN" and adds):
        return bool(listeners)
    chains = [chain for one in listeners for chain in one["filter_chains"] if fits_chain(patch, one, chain)]
    if patch.apply_to == "FILTER_CHAIN":
        return bool(chains)
    filters = [item for chain in chains for item in chain["filters"] if network_fit(patch)(item)]
    if patch.apply_to == "NETWORK_FILTER":
        return bool(filters)
    managers = [item["typed_config"] for item in filters if item["name"] == CONNECTION_MANAGER]
    return any(http_fit(patch)(item) for manager in managers for item in manager["http_filters"])


def has_route_place(patch: Patch, table: Json, *, adds: bool) -> bool:
    hosts = [host for host in table["virtual_hosts"] if fits_host(patch, host)]
    if patch.apply_to == "ROUTE_CONFIGURATION" or (patch.apply_to == "VIRTUAL_HOST" and adds):
        return True
    if patch.apply_to == "VIRTUAL_HOST" or adds:
        return bool(hosts)
    return any(route_fit(patch)(route) for host in hosts for route in host.get("routes") or [])


def sides(world: World, pod: Pod) -> Iterator[Side]:
    made = clusters(world, pod, [], ANYWHERE)
    if pod.gateway:
        yield Side(GATEWAY, gateway_listeners(world, pod, ANYWHERE), gateway_tables(world, pod), made)
        return
    listeners = sidecar_listeners(world, pod, ANYWHERE)
    entering = [one for one in listeners if one["traffic_direction"] == "INBOUND"]
    chains = [chain for listener in entering for chain in listener["filter_chains"]]
    tables = [chain["filters"][-1]["typed_config"]["route_config"] for chain in chains]
    own = [cluster for cluster in made if str(cluster["name"]).startswith("inbound|")]
    yield Side(INBOUND, entering, tables, own)
    leaving = [one for one in listeners if one not in entering]
    yield Side(OUTBOUND, leaving, [egress_routes(world, pod)], [one for one in made if one not in own])


def pods_of(world: World) -> list[Pod]:
    """One of each workload of the YAML, and of each account that none has. A gateway's is what a Gateway selects."""
    gateways = [labels_of(document.spec.get("selector")) for document in world.of("Gateway")]
    found = []
    for document in (one for kind in workload.KINDS for one in world.of(kind)):
        name = f"{document.name}-0" if document.kind == "StatefulSet" else document.name
        labels = {**workload.labels(document), **workload.numbered(document, name)}
        account = workload.service_account(document)
        is_gateway = any(matches(selector, labels) for selector in gateways)
        found.append(Pod(name, account, labels, "127.0.0.1", ANYWHERE, document.namespace, is_gateway))
    known = {pod.service_account for pod in found}
    others = [one for one in world.of("ServiceAccount") if one.name not in known]
    return found + [Pod(one.name, one.name, {"app": one.name}, "127.0.0.1", ANYWHERE, one.namespace) for one in others]
