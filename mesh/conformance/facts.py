"""Envoy's configuration as facts: one path and one value for each thing that Envoy is told, the same path on both sides.

Where a listener stands differs between a pod and one machine, so paths begin with what is configured and not with where:
`cluster/<name>`, `endpoints/<cluster>`, `inbound/<port>`, `outbound`, `route/<virtual host>`, `gateway/<routes>`.
"""

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any

Json = dict[str, Any]
Facts = dict[str, str]

MANAGER = "envoy.filters.network.http_connection_manager"
ISTIO_BUILD_ONLY = ("istio.alpn", "istio.metadata_exchange", "istio.stats")
BOOTSTRAPPED = ("sds-grpc",)  # Envoy has it before it asks for any.
OUTBOUND = "outbound"
OUTBOUND_ROUTES = ("50051", "egress")  # Istiod has a table for each port; the local mesh one for all.

KINDS: tuple[tuple[str, str], ...] = (
    ("rate limits, EnvoyFilters", r"ratelimit|rate_limit|transcoder|grpc_web|lua|header_mutation|rateLimits|buffer"),
    ("RBAC", r"\.rbac"),
    ("JWT", r"jwt_authn"),
    ("XFCC", r"[cC]lientCertDetails"),
    ("mTLS", r"transportSocket|transportProtocol|requireClientCertificate|serverNames"),
    ("outlier detection", r"outlierDetection|healthyPanicThreshold"),
    ("circuit breakers", r"circuitBreakers"),
    ("endpoints", r"^endpoints/|loadAssignment"),
    ("telemetry", r"tracing|accessLog|stat[A-Z]|altStatName|grpc_stats|decorator|metadata"),
    ("weights", r"weightedClusters|/route/cluster$"),
    ("retries", r"retryPolicy|retry"),
    ("timeouts", r"[tT]imeout|[dD]uration"),
    ("matches", r"^route/.*/(match|domains)|^route/[^/]*$"),
    ("connections", r"^cluster/"),
    ("other HTTP", r""),
)


def kind_of(path: str) -> str:
    return next(kind for kind, pattern in KINDS if re.search(pattern, path))


def facts_of(resources: Json, gateway: bool) -> Mapping[str, Facts]:
    """Every fact of one proxy's clusters, endpoints, listeners and routes, by the thing that it is about."""
    found: dict[str, Facts] = {}
    for subject, value in parts(resources, gateway):
        found.setdefault(subject, {}).update(leaves("", value))
    return found


def parts(resources: Json, gateway: bool) -> Iterator[tuple[str, Any]]:
    for cluster in resources["clusters"] or []:
        yield f"cluster/{cluster['name']}", cluster
    for assignment in resources["endpoints"] or []:
        yield f"endpoints/{assignment['clusterName']}", list(healthy(assignment.get("endpoints", [])))
    for table in resources["routes"] or []:
        name = OUTBOUND if table["name"] in OUTBOUND_ROUTES else table["name"]
        yield f"routes/{name}", without(table, "virtualHosts", "name")
        for virtual in table["virtualHosts"]:
            yield f"route/{virtual['name']}", {**virtual, "domains": sorted(names(virtual))}
    for listener in resources["listeners"] or []:
        yield from gateway_parts(listener) if gateway else sidecar_parts(listener)


def names(virtual: Json) -> set[str]:
    """The hosts that a virtual host is for. The local mesh's one table tells ports by them, and Istiod's has a table for each."""
    port = virtual["name"].rpartition(":")[2]
    return {domain.removesuffix(f":{port}") for domain in virtual["domains"]}


def healthy(localities: list[Json]) -> Iterator[Json]:
    """Istiod lists pods that are not ready as unhealthy, and the local mesh leaves them out: neither sends them a call."""
    for locality in localities:
        ready = [each for each in locality["lbEndpoints"] if each.get("healthStatus") != "UNHEALTHY"]
        if ready:
            weight = sum(each["loadBalancingWeight"] for each in ready)
            yield {**locality, "lbEndpoints": ready, "loadBalancingWeight": weight}


def gateway_parts(listener: Json) -> Iterator[tuple[str, Any]]:
    """A gateway has one listener for each port that it is reached on; its chains stand in the order of the servers."""
    yield f"gateway/{','.join(route_names(listener)) or listener['name']}", listener


def sidecar_parts(listener: Json) -> Iterator[tuple[str, Any]]:
    """A connection manager for calls in or out, and of every other way through the sidecar only where it leads."""
    side = ""
    for chain in chains(listener):
        manager = connection_manager(chain) or {}
        inner = manager.get("routeConfig", {}).get("name", "")
        if inner.startswith("inbound|"):
            side = "inbound"
            plain = " (plaintext)" if chain.get("filterChainMatch", {}).get("transportProtocol") == "raw_buffer" else ""
            yield f"inbound/{inner.split('|')[1]}{plain}", chain
        elif manager.get("rds", {}).get("routeConfigName") in OUTBOUND_ROUTES:
            side = OUTBOUND
            yield OUTBOUND, chain
        else:
            yield f"way/{listener['name']}/{chain.get('name', '')}", ways(chain)
    if side:
        yield f"listener/{side}", without(listener, "filterChains", "defaultFilterChain")


def chains(listener: Json) -> list[Json]:
    default = [listener["defaultFilterChain"]] if "defaultFilterChain" in listener else []
    return [*listener.get("filterChains", []), *default]


def route_names(listener: Json) -> list[str]:
    return [
        manager["rds"]["routeConfigName"]
        for manager in map(connection_manager, chains(listener))
        if manager and "rds" in manager
    ]


def ways(chain: Json) -> list[str]:
    return clusters_in(chain) or route_names({"filterChains": [chain]})


def connection_manager(chain: Json) -> Json | None:
    return next((each["typedConfig"] for each in chain.get("filters", []) if each["name"] == MANAGER), None)


def without(value: Json, *names: str) -> Json:
    return {name: inner for name, inner in value.items() if name not in names}


def leaves(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, dict) and value:
        for name, inner in spelled(value).items():
            yield from leaves(f"{path}/{name}", inner)
    elif isinstance(value, list) and value and all(isinstance(item, dict) for item in value):
        yield from items(path, value)
    else:
        yield path, json.dumps(value, sort_keys=True)


def spelled(value: Json) -> Json:
    """The same in Istiod's spelling, where Envoy has a deprecated field (which Istiod fills) and one in its place (which we do).

    A SPIFFE name is a URI, whichever list of believed names it is in.
    """
    typed = value.get("matchTypedSubjectAltNames")
    if typed and all(each["sanType"] == "URI" for each in typed):
        return {
            **without(value, "matchTypedSubjectAltNames"),
            "matchSubjectAltNames": [each["matcher"] for each in typed],
        }
    return value


def items(path: str, values: list[Json]) -> Iterator[tuple[str, str]]:
    """Named items by name, with the order of filters as a fact of its own; routes and nameless items by their place."""
    names = [str(item.get("name", item.get("tag", ""))) for item in values]
    if path.endswith("/routes") or not all(names):
        for place, item in enumerate(values):
            yield from leaves(f"{path}/{place}", item)
        return
    order = [name for name in names if name not in ISTIO_BUILD_ONLY]
    if order and path.endswith("ilters"):
        yield f"{path}/(order)", json.dumps(order)
    for place, item in enumerate(values):
        again = names[:place].count(names[place])
        yield from leaves(f"{path}/{names[place]}" + (f"#{again + 1}" if again else ""), item)


def dangling(resources: Json) -> list[str]:
    """Clusters that listeners or routes name and that are not there: Envoy would refuse them, or answer 503."""
    there = {cluster["name"] for cluster in resources["clusters"] or []} | set(BOOTSTRAPPED)
    return sorted(set(clusters_in([resources["listeners"] or [], resources["routes"] or []])) - there)


def clusters_in(value: Any) -> list[str]:
    """Every cluster that is named anywhere in it."""
    if isinstance(value, list):
        return [name for item in value for name in clusters_in(item)]
    if not isinstance(value, dict):
        return []
    found = []
    for name, inner in value.items():
        if name in ("cluster", "clusterName") and isinstance(inner, str):
            found.append(inner)
        elif name == "weightedClusters":
            found += [item["name"] for item in inner["clusters"]]
        else:
            found += clusters_in(inner)
    return found
