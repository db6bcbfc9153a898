"""The YAML of a cluster, as this machine means it: its host name, its keys, its shards, and the weights that are wanted."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from chassis.peers import RING_HEADER
from cli.machine.credentials import AUDIENCE, ISSUER, Credentials
from cli.machine.home import Layout
from cli.machine.mesh.desired import EVERYBODY, VERSIONED, Desired
from cli.machine.mesh.labels import check
from mesh.local.document import Document
from mesh.local.host import full_host
from mesh.local.model import World
from mesh.local.named import translating
from mesh.local.sources import SOURCES

PUBLIC_HOST = "api.bourse.example"
LOCAL_HOST = "localhost"
PUBLIC_ISSUER = "https://id.bourse.example"
SHARDS_IN_YAML = 2
LAST_SHARD = SHARDS_IN_YAML - 1  # The model of those that the YAML does not know.
SHARD_HEADER = "bourse-shard"
VERSION_HEADER = "bourse-version"
WHOLE = 100

Json = dict[str, Any]


def load(layout: Layout, credentials: Credentials, keys: Mapping[str, str]) -> World:
    """All of the YAML on the disk, for this machine. Untranslatable when something is.

    `keys`: the key set of each jwksUri.
    """
    return localized(World.load(SOURCES, keys=keys), layout, credentials)


@translating
def localized(world: World, layout: Layout, credentials: Credentials) -> World:
    """The YAML with what this machine is in place of what it says for a cluster. Untranslatable when something is."""
    changes = [replace(document, body=here(document, layout, credentials)) for document in world.documents]
    extra = [
        replace(document, body=of_shard(document.body, shard))
        for shard in range(SHARDS_IN_YAML, layout.shards)
        for document in changes
        if f"svc-match-{LAST_SHARD}" in document.name
    ]
    found = world.changed([*changes, *extra])
    check(found, layout)
    return found


@translating
def weighed(world: World, desired: Desired) -> World:
    """The world with the weights that are wanted."""
    for service, weights in desired.weights.items():
        world = world.changed(list(weigh(world, service, weights)))
    return world


def weigh(world: World, service: str, weights: Mapping[str, Mapping[str, int]]) -> Iterator[Document]:
    """Every VirtualService that divides the service's calls between its versions, dividing them so. `weights` are by ring;
    those of "" hold for every ring that has none of its own.
    """
    for document in world.of("VirtualService"):
        if not any(divided(document.body, document.namespace, service)):
            continue
        body = json.loads(json.dumps(document.body))  # A copy in a fraction of the time that copy.deepcopy takes.
        for ring, ways in divided(body, document.namespace, service):
            wanted = weights.get(ring, weights.get(EVERYBODY))
            for way in ways:
                way["weight"] = way.get("weight", 0) if wanted is None else wanted.get(way["destination"]["subset"], 0)
        if body != document.body:
            yield replace(document, body=body)


@translating
def weights(world: World) -> dict[str, dict[str, dict[str, int]]]:
    """Per cent by service, ring and subset, as the routes have them; the greatest, where those of a ring differ."""
    found: dict[str, dict[str, dict[str, int]]] = {service: {} for service in VERSIONED}
    for document in world.of("VirtualService"):
        for service, rings in found.items():
            for ring, ways in routed(document.body, document.namespace, service):
                own = rings.setdefault(ring, {})
                for way in ways:
                    subset, weight = way["destination"]["subset"], way.get("weight", 0 if len(ways) > 1 else WHOLE)
                    own[subset] = max(weight, own.get(subset, 0))
    return found


def divided(body: Json, namespace: str, service: str) -> Iterator[tuple[str, list[Json]]]:
    """The ways of each route of a VirtualService that goes to more than one version of the service, with its ring."""
    return ((ring, ways) for ring, ways in routed(body, namespace, service) if len(ways) > 1)


def routed(body: Json, namespace: str, service: str) -> Iterator[tuple[str, list[Json]]]:
    """The ways of each route to versions of the service, with its ring; but where the caller names the version."""
    host = full_host(service.replace("_", "-"), namespace)
    for route in body["spec"].get("http") or []:
        ways = route.get("route") or []
        matches = [match.get("headers", {}) for match in route.get("match") or [{}]]
        hosts = {full_host(way["destination"]["host"], namespace) for way in ways}
        of_versions = hosts == {host} and all("subset" in way["destination"] for way in ways)
        if of_versions and not all(VERSION_HEADER in headers for headers in matches):
            rings = {headers.get(RING_HEADER, {}).get("exact", EVERYBODY) for headers in matches}
            yield rings.pop() if len(rings) == 1 else EVERYBODY, ways


def here(document: Document, layout: Layout, credentials: Credentials) -> Json:
    """The document for this machine."""
    body: Json = renamed(document.body, {PUBLIC_HOST: LOCAL_HOST})
    spec = body.get("spec") or {}
    if document.kind == "RequestAuthentication":
        spec["jwtRules"] = [made for rule in spec.get("jwtRules") or [] for made in issuers(rule, credentials)]
    if document.kind == "VirtualService":
        spec["http"] = [made for route in spec.get("http") or [] for made in with_shards(route, layout.shards)]
    if document.kind == "Sidecar":
        for egress in spec.get("egress") or []:
            egress["hosts"] = [made for host in egress["hosts"] for made in with_shards(host, layout.shards)]
    if document.kind == "EnvoyFilter":
        patches = spec.get("configPatches") or []
        spec["configPatches"] = [made for patch in patches for made in with_shards(patch, layout.shards)]
    return body


def issuers(rule: Json, credentials: Credentials) -> list[Json]:
    """The rule with this machine's own keys, and the same for the issuer of brokers' tokens where there is one."""
    if rule["issuer"] != PUBLIC_ISSUER:
        return [rule]
    own = {key: value for key, value in rule.items() if key not in ("jwks", "jwksUri")}
    found = [own | {"issuer": ISSUER, "audiences": [AUDIENCE], "jwks": one_line(credentials.key_set)}]
    brokers = credentials.broker_issuer
    if brokers.issuer:
        keys = {"jwksUri": brokers.jwks} if brokers.is_remote else {"jwks": one_line(Path(brokers.jwks))}
        found.append(own | {"issuer": brokers.issuer, "audiences": [brokers.audience], **keys})
    return found


def one_line(key_set: Path) -> str:
    return json.dumps(json.loads(key_set.read_text("utf-8")), separators=(",", ":"))


def with_shards(value: Any, shards: int) -> list[Any]:
    """The route, host or patch of a route; the last shard's in the YAML also for each shard that the YAML does not know."""
    text = json.dumps(value)
    if f"svc-match-{LAST_SHARD}-" not in text and f"shard-{LAST_SHARD}-" not in text:
        return [value]
    return [value, *(of_shard(value, shard) for shard in range(SHARDS_IN_YAML, shards))]


def of_shard(value: Any, shard: int) -> Any:
    """What the last shard in the YAML has, for another one."""
    names = {f"svc-match-{LAST_SHARD}": f"svc-match-{shard}", f"shard-{LAST_SHARD}": f"shard-{shard}"}
    return relabelled(renamed(value, names), str(shard))


def relabelled(value: Any, shard: str) -> Any:
    """With the label `shard` and the shard's header of this shard, wherever they stand."""
    if isinstance(value, dict):
        own = {"shard": shard, SHARD_HEADER: {"exact": shard}}
        return {key: own.get(key, relabelled(item, shard)) for key, item in value.items()}
    return [relabelled(item, shard) for item in value] if isinstance(value, list) else value


def renamed(value: Any, names: Mapping[str, str]) -> Any:
    """A copy with these names replaced wherever they stand."""
    if isinstance(value, dict):
        return {renamed(key, names): renamed(item, names) for key, item in value.items()}
    if isinstance(value, list):
        return [renamed(item, names) for item in value]
    if isinstance(value, str):
        for old, new in names.items():
            value = value.replace(old, new)
    return value
