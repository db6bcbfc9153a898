"""What a document names, and nothing has: a call would be refused, or the document would be in force for nobody."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

from mesh.local import workload
from mesh.local.document import FIELD_PATH, Document, Json, Problem
from mesh.local.host import MESH, full_host, host_matches

if TYPE_CHECKING:
    from mesh.local.model import World

PRINCIPAL = re.compile(r"[^*/]+/ns/([^*/]+)/sa/([^*/]+)")  # Of one account: without a wildcard.
BUILT_IN = {"envoy", "prometheus"}  # Providers that Istio has without being told.


def dangling(world: World) -> Iterator[Problem]:
    ports = {service.host: {port.number for port in service.ports} for service in world.services}
    subsets: dict[str, set[str]] = {}
    for document in world.of("DestinationRule"):
        host = full_host(document.spec["host"], document.namespace)
        subsets.setdefault(host, set()).update(subset["name"] for subset in document.spec.get("subsets") or [])
        if not is_known(host, ports):
            yield document.problem(("spec", "host"), f"no service is {host}")
    for document in world.of("VirtualService"):
        yield from of_gateways(world, document)
        yield from of_hosts(document, ports)
        for path, destination in destinations(document):
            yield from of_destination(document, path, destination, ports, subsets)
            if "port" not in destination:
                yield from unported(
                    world, document, path, ports.get(full_host(destination["host"], document.namespace))
                )
    for document in world.of("Service"):
        yield from of_target_ports(world, document)
    for document in world.of("Telemetry"):
        yield from of_providers(world, document)
    for document in world.of("Sidecar"):
        yield from of_egress(document, world)
    for document in world.of("AuthorizationPolicy"):
        yield from of_principals(document, world)


def is_known(pattern: str, hosts: Mapping[str, set[int]]) -> bool:
    return any(host_matches(pattern, host) for host in hosts)


def of_gateways(world: World, document: Document) -> Iterator[Problem]:
    known = {MESH, *(f"{gateway.namespace}/{gateway.name}" for gateway in world.of("Gateway"))}
    lists: list[tuple[FIELD_PATH, list[str]]] = [(("spec", "gateways"), document.spec.get("gateways") or [])]
    for index, rule in enumerate(document.spec.get("http") or []):
        for place, match in enumerate(rule.get("match") or []):
            lists.append((("spec", "http", index, "match", place, "gateways"), match.get("gateways") or []))
    for path, names in lists:
        for index, name in enumerate(names):
            if name not in known and f"{document.namespace}/{name}" not in known:
                yield document.problem((*path, index), f"no Gateway is {name}")


def of_hosts(document: Document, ports: Mapping[str, set[int]]) -> Iterator[Problem]:
    """The hosts of a VirtualService for calls inside the mesh alone; a gateway's are those of callers."""
    inside = set(document.spec.get("gateways") or [MESH]) == {MESH}
    for index, host in enumerate(document.spec["hosts"] if inside else []):
        if not is_known(full_host(host, document.namespace), ports):
            yield document.problem(("spec", "hosts", index), f"no service is {host}")


def destinations(document: Document) -> Iterator[tuple[FIELD_PATH, Json]]:
    for index, rule in enumerate(document.spec.get("http") or []):
        for part in ("route", "mirrors"):
            for place, way in enumerate(rule.get(part) or []):
                yield ("spec", "http", index, part, place, "destination"), way["destination"]
        if rule.get("mirror"):
            yield ("spec", "http", index, "mirror"), rule["mirror"]


def of_destination(
    document: Document,
    path: FIELD_PATH,
    destination: Json,
    ports: Mapping[str, set[int]],
    subsets: Mapping[str, set[str]],
) -> Iterator[Problem]:
    host, subset = full_host(destination["host"], document.namespace), destination.get("subset")
    number = (destination.get("port") or {}).get("number")
    if host not in ports:
        yield document.problem((*path, "host"), f"no service is {host}")
        return
    if number is not None and number not in ports[host]:
        yield document.problem((*path, "port"), f"{host} has no port {number}")
    if subset and subset not in subsets.get(host, ()):
        yield document.problem((*path, "subset"), f"no DestinationRule of {host} has a subset {subset}")


def unported(world: World, document: Document, path: FIELD_PATH, known: set[int] | None) -> Iterator[Problem]:
    """A destination that names no port is called on the caller's own; at a gateway, on the only one if it has but one."""
    matches = document.spec["http"][path[2]].get("match") or [{}]
    asked = {match.get("port") for match in matches}
    gateways, namespace = document.spec.get("gateways") or [MESH], document.namespace
    called: set[int] = set()
    if MESH in gateways:
        hosts = [full_host(host, namespace) for host in document.spec["hosts"]]
        named = [one for one in world.services if any(host_matches(host, one.host) for host in hosts)]
        called |= {port.number for one in named for port in one.ports if port.is_http}
    if known is not None and len(known) > 1:
        for gateway in world.of("Gateway"):
            if f"{gateway.namespace}/{gateway.name}" in [
                name if "/" in name else f"{namespace}/{name}" for name in gateways
            ]:
                called |= {server["port"]["number"] for server in gateway.spec.get("servers") or []}
    missing = (called if None in asked else called & asked) - (known or called)
    if missing:
        why = f"needs a port: calls come on port {min(missing)} too, and the host has none of that number"
        yield document.problem(path, why)


def of_target_ports(world: World, document: Document) -> Iterator[Problem]:
    """Ports that are named, of a service whose workloads are in the YAML."""
    own = [
        one
        for kind in workload.KINDS
        for one in world.of(kind)
        if one.namespace == document.namespace and workload.is_selected(one, document.spec.get("selector") or {})
    ]
    for index, port in enumerate(document.spec.get("ports") or []):
        name = port.get("targetPort")
        if isinstance(name, str) and own and all(workload.named_port(one, name) is None for one in own):
            yield document.problem(("spec", "ports", index, "targetPort"), f"no container has a port named {name}")


def of_providers(world: World, document: Document) -> Iterator[Problem]:
    known = BUILT_IN | {provider["name"] for provider in world.mesh.get("extensionProviders") or []}
    for part in ("accessLogging", "metrics", "tracing"):
        for index, entry in enumerate(document.spec.get(part) or []):
            for place, provider in enumerate(entry.get("providers") or []):
                if provider["name"] not in known:
                    path: FIELD_PATH = ("spec", part, index, "providers", place, "name")
                    yield document.problem(path, f"meshConfig has no provider {provider['name']}")


def of_egress(document: Document, world: World) -> Iterator[Problem]:
    """Each of its hosts in a namespace whose services are in the YAML is one of theirs."""
    for index, egress in enumerate(document.spec.get("egress") or []):
        for place, entry in enumerate(egress["hosts"]):
            where, _, host = entry.partition("/")
            namespace = document.namespace if where == "." else where
            known = [service.host for service in world.services if service.namespace == namespace]
            if known and host != "*" and not any(host_matches(host, one) for one in known):
                yield document.problem(
                    ("spec", "egress", index, "hosts", place), f"no service of {namespace} is {host}"
                )


def of_principals(document: Document, world: World) -> Iterator[Problem]:
    """Whom a policy names by an account of a namespace whose accounts are in the YAML."""
    known = {(one.namespace, one.name) for one in world.of("ServiceAccount")}
    inhabited = {namespace for namespace, _ in known}
    for index, rule in enumerate(document.spec.get("rules") or []):
        for place, caller in enumerate(rule.get("from") or []):
            for field in ("principals", "notPrincipals"):
                for number, name in enumerate((caller.get("source") or {}).get(field) or []):
                    found = PRINCIPAL.fullmatch(name)
                    if found and found[1] in inhabited and (found[1], found[2]) not in known:
                        path = ("spec", "rules", index, "from", place, "source", field, number)
                        yield document.problem(path, f"no ServiceAccount of {found[1]} is {found[2]}")
