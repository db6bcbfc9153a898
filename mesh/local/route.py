"""A VirtualService's HTTP routes to Envoy's, as istiod makes them."""

from dataclasses import dataclass
from typing import Any

from mesh.local.cluster import cluster_name
from mesh.local.destination import rule_of
from mesh.local.document import Document, Json
from mesh.local.duration import duration, seconds
from mesh.local.fault import fault, per_million
from mesh.local.headers import add_headers, authority, changed_headers
from mesh.local.host import full_host
from mesh.local.match import concerns, is_catch_all, route_match, string_match
from mesh.local.model import Pod, World
from mesh.local.retry import retry_policy

TYPE = "type.googleapis.com/envoy."
REDIRECTS = {
    301: "MOVED_PERMANENTLY",
    302: "FOUND",
    303: "SEE_OTHER",
    307: "TEMPORARY_REDIRECT",
    308: "PERMANENT_REDIRECT",
}
ALL = {"default_value": {"numerator": 100, "denominator": "HUNDRED"}}


@dataclass(frozen=True)
class Router:
    """The routes of one VirtualService for one pod, on one port, for calls of the mesh or of these gateways."""

    world: World
    pod: Pod
    document: Document
    gateways: set[str]
    port: int

    def routes(self) -> list[Json]:
        """In the document's order, up to the first that takes everything."""
        found: list[Json] = []
        for rule in self.document.spec.get("http") or []:
            for match in rule.get("match") or [None]:
                if match is None or concerns(match, self.pod, self.gateways, self.port):
                    found.append(self._route(rule, match))
                    if match is None or is_catch_all(found[-1]["match"]):
                        return found
        return found

    def _route(self, rule: Json, match: Json | None) -> Json:
        name = rule.get("name", "") + (f".{match['name']}" if match and match.get("name") else "")
        route: Json = {"match": route_match(match), **changed_headers(rule.get("headers"))}
        if name:
            route["name"] = name
        if match and match.get("statPrefix"):
            route["stat_prefix"] = match["statPrefix"]
        if rule.get("redirect"):
            route["redirect"] = redirect(rule["redirect"])
        elif rule.get("directResponse"):
            route["direct_response"] = direct_response(rule["directResponse"])
        else:
            self._forward(route, rule)
        route["decorator"] = {"operation": self._operation(route)}
        filters = {}
        if rule.get("fault"):
            filters["envoy.filters.http.fault"] = fault(rule["fault"])
        if rule.get("corsPolicy"):
            filters["envoy.filters.http.cors"] = cors(rule["corsPolicy"])
        return {**route, **({"typed_per_filter_config": filters} if filters else {})}

    def _forward(self, route: Json, rule: Json) -> None:
        """The route's action: where the call goes. Headers of the only destination are the route's."""
        action: Json = {**timeouts(rule.get("timeout")), **rewrite(rule)}
        mirrors = [(item["destination"], item.get("percentage")) for item in rule.get("mirrors") or []]
        if rule.get("mirror"):
            mirrors.insert(0, (rule["mirror"], rule.get("mirrorPercentage")))
        policies = [self._mirror(*mirror) for mirror in mirrors if mirror[1] is None or mirror[1].get("value", 0) > 0]
        if policies:
            action["request_mirror_policies"] = policies
        destinations = rule.get("route") or []
        hashes = [
            self._hash(item["destination"]) for item in destinations if len(destinations) == 1 or item.get("weight")
        ]
        if any(hashes):
            action["hash_policy"] = [policy for policy in hashes if policy]
        if len(destinations) == 1:
            action["cluster"] = self._cluster(destinations[0]["destination"])
            add_headers(route, changed_headers(destinations[0].get("headers")))
            own = authority(destinations[0].get("headers"))
            if own and "host_rewrite_literal" not in action:
                action["host_rewrite_literal"] = own
        else:
            action["weighted_clusters"] = {
                "clusters": [self._weighted(item) for item in destinations if item.get("weight")]
            }
        retries = retry_policy(
            rule.get("retries", self.world.mesh.get("defaultHttpRetryPolicy")),
            hashed=len(destinations) == 1 and any(hashes),
        )
        if retries:
            action["retry_policy"] = retries
        route["route"] = action

    def _cluster(self, destination: Json) -> str:
        host = full_host(destination["host"], self.document.namespace)
        service = self.world.service(host) if self.pod.gateway else None
        only = service.ports[0].number if service and len(service.ports) == 1 else self.port
        port = (destination.get("port") or {}).get("number") or only
        return cluster_name(port, destination.get("subset", ""), host)

    def _weighted(self, item: Json) -> Json:
        own = authority(item.get("headers"))
        return {
            "name": self._cluster(item["destination"]),
            "weight": item["weight"],
            **changed_headers(item.get("headers")),
            **({"host_rewrite_literal": own} if own else {}),
        }

    def _mirror(self, destination: Json, percentage: Json | None) -> Json:
        share = ALL if percentage is None else {"default_value": per_million(percentage)}
        return {
            "cluster": self._cluster(destination),
            "runtime_fraction": share,
            "trace_sampled": False,
            "disable_shadow_host_suffix_append": True,
        }

    def _hash(self, destination: Json) -> Json | None:
        host = full_host(destination["host"], self.document.namespace)
        port = (destination.get("port") or {}).get("number", 0)
        policy = rule_of(self.world, self.pod, host).policy(port, destination.get("subset", ""))
        return hash_policy(policy)

    def _operation(self, route: Json) -> str:
        """How a trace calls it."""
        match = route["match"]
        path = match.get("path") or (match["prefix"] + "*" if "prefix" in match else match["safe_regex"]["regex"])
        cluster = route.get("route", {}).get("cluster", "")
        if cluster:
            _, port, _, host = cluster.split("|")
            return f"{host}:{port}{path}"
        return f"{self.document.name}:{self.port}{path}"


def default_route(world: World, pod: Pod, host: str, port: int) -> Json:
    """The route to a service that no VirtualService names."""
    action: Json = {"cluster": cluster_name(port, "", host), **timeouts(None)}
    hashed = hash_policy(rule_of(world, pod, host).policy(port))
    if hashed:
        action["hash_policy"] = [hashed]
    retries = retry_policy(world.mesh.get("defaultHttpRetryPolicy"))
    if retries:
        action["retry_policy"] = retries
    return {
        "name": "default",
        "match": {"prefix": "/"},
        "decorator": {"operation": f"{host}:{port}/*"},
        "route": action,
    }


def timeouts(timeout: str | None) -> Json:
    """No timeout unless there is one; a call's own grpc-timeout holds within it.

    With max_stream_duration in place of the deprecated max_grpc_timeout, Envoy would set no limit to a call without a grpc-timeout.
    """
    found = duration(timeout) if timeout else "0s"
    return {"timeout": found, "max_grpc_timeout": found}


def hash_policy(policy: Json) -> Json | None:
    key = (policy.get("loadBalancer") or {}).get("consistentHash") or {}
    if key.get("httpHeaderName"):
        return {"header": {"header_name": key["httpHeaderName"]}}
    if key.get("httpQueryParameterName"):
        return {"query_parameter": {"name": key["httpQueryParameterName"]}}
    if key.get("useSourceIp"):
        return {"connection_properties": {"source_ip": True}}
    if key.get("httpCookie"):
        cookie = {name: key["httpCookie"][name] for name in ("name", "path") if key["httpCookie"].get(name)}
        ttl = key["httpCookie"].get("ttl")
        return {"cookie": {**cookie, **({"ttl": duration(ttl)} if ttl else {})}}
    return None


def rewrite(rule: Json) -> Json:
    """A new path or authority. An authority that the headers set counts too."""
    wanted = rule.get("rewrite") or {}
    found: Json = {}
    if wanted.get("uriRegexRewrite"):
        pattern = wanted["uriRegexRewrite"]
        found["regex_rewrite"] = {"pattern": {"regex": pattern["match"]}, "substitution": pattern["rewrite"]}
    elif wanted.get("uri"):
        found["prefix_rewrite"] = wanted["uri"]
    host = wanted.get("authority") or authority(rule.get("headers"))
    return {**found, **({"host_rewrite_literal": host} if host else {})}


def redirect(wanted: Json) -> Json:
    names = {
        "authority": "host_redirect",
        "prefixRewrite": "prefix_rewrite",
        "uri": "path_redirect",
        "scheme": "scheme_redirect",
    }
    found = {name: wanted[field] for field, name in names.items() if wanted.get(field)}
    if "prefix_rewrite" in found:
        found.pop("path_redirect", None)
    return {**found, "response_code": REDIRECTS[wanted.get("redirectCode") or 301]}


def direct_response(wanted: Json) -> Json:
    body = wanted.get("body")
    return {"status": wanted["status"], **({"body": {"inline_string": body["string"]}} if body else {})}


def cors(wanted: Json) -> Json:
    found: dict[str, Any] = {
        "@type": TYPE + "extensions.filters.http.cors.v3.CorsPolicy",
        "allow_origin_string_match": [string_match(origin) for origin in wanted.get("allowOrigins") or []],
        "allow_methods": ",".join(wanted.get("allowMethods") or []),
        "allow_headers": ",".join(wanted.get("allowHeaders") or []),
        "expose_headers": ",".join(wanted.get("exposeHeaders") or []),
        "forward_not_matching_preflights": wanted.get("unmatchedPreflights") != "IGNORE",
        "filter_enabled": ALL,
    }
    if wanted.get("maxAge"):
        found["max_age"] = str(int(seconds(wanted["maxAge"])))
    if "allowCredentials" in wanted:
        found["allow_credentials"] = wanted["allowCredentials"]
    return found
