"""AuthorizationPolicy to Envoy's RBAC filters, as istiod generates them: AUDIT, then DENY, then ALLOW.

An ALLOW policy without rules allows nothing, and a pod with any ALLOW policy denies what none of them allows.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass

from mesh.local.document import Document, Json
from mesh.local.identity import (
    PARTS_BEHIND_DOMAIN,
    address_range,
    authenticated,
    fits,
    header,
    path,
    principal,
    quoted,
    regex,
    request_principal,
    source_namespace,
    text,
    trust_domain,
)
from mesh.local.match import claim_match
from mesh.local.model import Pod, World
from mesh.local.refusal import DRY_RUN

NAME = "envoy.filters.http.rbac"
TYPE = "type.googleapis.com/envoy.extensions."
ACTIONS = (("AUDIT", "LOG"), ("DENY", "DENY"), ("ALLOW", "ALLOW"))
DRY_RUN_STATISTICS = {"ALLOW": "istio_dry_run_allow_", "DENY": "istio_dry_run_deny_", "LOG": ""}
TRUE = {"1", "t", "T", "true", "TRUE", "True"}
Matcher = Callable[[str], Json]
Condition = tuple[Sequence[str], Sequence[str], "Matcher | Together"]


@dataclass(frozen=True)
class Together:
    """A matcher that takes all values at once."""

    build: Callable[[Sequence[str]], Json]


@dataclass(frozen=True)
class Words:
    """Envoy's names in one half of a policy."""

    every: str
    any: str
    none: str
    list: str

    def all_of(self, items: Sequence[Json]) -> Json:
        return {self.every: {self.list: list(items)}}

    def any_of(self, items: Sequence[Json]) -> Json:
        return {self.any: {self.list: list(items)}}


WHAT = Words("and_rules", "or_rules", "not_rule", "rules")
WHO = Words("and_ids", "or_ids", "not_id", "ids")


def authorization_filters(world: World, pod: Pod, ports: Mapping[int, int] | None = None) -> list[Json]:
    """The filters of all policies that concern the pod. `ports`: where a gateway's ports are on this machine."""
    policies = sorted(
        world.selected("AuthorizationPolicy", pod), key=lambda document: (document.namespace, document.name)
    )
    found = []
    for action, envoys in ACTIONS:
        chosen = [policy for policy in policies if policy.spec.get("action", "ALLOW") == action]
        if chosen:
            found.append(rbac(world, chosen, envoys, ports or {}))
    return found


def rbac(world: World, policies: Sequence[Document], action: str, ports: Mapping[int, int]) -> Json:
    """One filter. Policies that are annotated for a dry run are only counted."""
    config: Json = {"@type": TYPE + "filters.http.rbac.v3.RBAC"}
    for name, wanted in (("rules", False), ("shadow_rules", True)):
        chosen = [policy for policy in policies if (policy.annotations.get(DRY_RUN) in TRUE) is wanted]
        if chosen:
            config[name] = {
                "action": action,
                "policies": {key: value for policy in chosen for key, value in rules(world, policy, ports)},
            }
    config["shadow_rules_stat_prefix"] = DRY_RUN_STATISTICS[action if "shadow_rules" in config else "ALLOW"]
    return {"name": NAME, "typed_config": config}


def rules(world: World, policy: Document, ports: Mapping[int, int]) -> Iterator[tuple[str, Json]]:
    name = f"ns[{policy.namespace}]-policy[{policy.name}]"
    listed = policy.spec.get("rules") or []
    for number, rule in enumerate(listed):
        yield f"{name}-rule[{number}]", envoy_policy(Reader(world, policy.namespace, ports), rule or {})
    if not listed:
        yield (
            f"{name}-rule[0]",
            {"permissions": [{"not_rule": {"any": True}}], "principals": [{"not_id": {"any": True}}]},
        )


def envoy_policy(reader: "Reader", rule: Json) -> Json:
    """Any of the operations by any of the sources, under all the conditions."""
    when = [reader.when(item) for item in rule.get("when") or []]
    what = [condition for words, condition in when if words is WHAT]
    who = [condition for words, condition in when if words is WHO]
    sources = [(item or {}).get("source") or {} for item in rule.get("from") or [{}]]
    operations = [(item or {}).get("operation") or {} for item in rule.get("to") or [{}]]
    return {
        "permissions": [combined(WHAT, [*reader.operation(operation), *what]) for operation in operations],
        "principals": [combined(WHO, [*reader.source(source), *who]) for source in sources],
    }


def combined(words: Words, conditions: Sequence[Condition]) -> Json:
    """All conditions at once; each is met by any of its values and by none of its excluded ones."""
    found = []
    for values, excluded, matcher in conditions:
        for chosen, wanted in ((values, True), (excluded, False)):
            if chosen:
                each = (
                    matcher.build(chosen)
                    if isinstance(matcher, Together)
                    else words.any_of([matcher(value) for value in chosen])
                )
                found.append(each if wanted else {words.none: each})
    return words.all_of(found or [{"any": True}])


@dataclass(frozen=True)
class Reader:
    """Reads the sources, operations and conditions of a policy in one namespace."""

    world: World
    namespace: str
    ports: Mapping[int, int]

    def source(self, source: Json) -> list[Condition]:
        """In istiod's order."""
        kinds: tuple[tuple[str, Matcher | Together], ...] = (
            ("principals", principal),
            ("requestPrincipals", Together(request_principals)),
            ("serviceAccounts", self._service_account),
            ("trustDomains", trust_domain),
            ("namespaces", source_namespace),
            ("remoteIpBlocks", lambda block: {"remote_ip": address_range(block)}),
            ("ipBlocks", lambda block: {"direct_remote_ip": address_range(block)}),
        )
        return [(*self._values(source, name), matcher) for name, matcher in kinds if self._named(source, name)]

    def operation(self, operation: Json) -> list[Condition]:
        kinds: tuple[tuple[str, Matcher | Together], ...] = (
            ("hosts", lambda host: {"header": header(":authority", host, ignore_case=True)}),
            ("methods", lambda method: {"header": header(":method", method)}),
            ("paths", path),
            ("ports", self._port),
        )
        return [(*self._values(operation, name), matcher) for name, matcher in kinds if self._named(operation, name)]

    def when(self, condition: Json) -> tuple[Words, Condition]:
        """A condition on an attribute. ValueError for an attribute that Istio does not have (its webhook refuses it before)."""
        key = condition["key"]
        values, excluded = condition.get("values") or [], condition.get("notValues") or []
        words, matcher = self._attribute(key)
        if key == "source.principal":
            values, excluded = self._aliased(values), self._aliased(excluded)
        if key == "source.trustDomain":
            values, excluded = self._expanded(values), self._expanded(excluded)
        return words, (values, excluded, matcher)

    def _attribute(self, key: str) -> tuple[Words, "Matcher | Together"]:
        plain: dict[str, tuple[Words, Matcher | Together]] = {
            "destination.ip": (WHAT, lambda block: {"destination_ip": address_range(block)}),
            "destination.port": (WHAT, self._port),
            "connection.sni": (WHAT, lambda name: {"requested_server_name": text(name)}),
            "source.ip": (WHO, lambda block: {"direct_remote_ip": address_range(block)}),
            "remote.ip": (WHO, lambda block: {"remote_ip": address_range(block)}),
            "source.namespace": (WHO, source_namespace),
            "source.trustDomain": (WHO, trust_domain),
            "source.serviceAccount": (WHO, self._service_account),
            "source.principal": (WHO, principal),
            "request.auth.principal": (WHO, Together(request_principals)),
            "request.auth.audiences": (WHO, claim(["aud"])),
            "request.auth.presenter": (WHO, claim(["azp"])),
        }
        if key in plain:
            return plain[key]
        if key.startswith("request.headers["):
            name = key[len("request.headers[") : -1]
            return WHO, lambda value: {"header": header(name, value)}
        if key.startswith("request.auth.claims["):
            return WHO, claim(key[len("request.auth.claims[") : -1].split("]["))
        raise ValueError(f"{key} is no attribute of a condition")

    def _values(self, item: Json, name: str) -> tuple[Sequence[str], Sequence[str]]:
        values, excluded = item.get(name) or [], item.get(negated(name)) or []
        if name == "principals":
            return self._aliased(values), self._aliased(excluded)
        if name == "trustDomains":
            return self._expanded(values), self._expanded(excluded)
        return values, excluded

    @staticmethod
    def _named(item: Json, name: str) -> bool:
        return bool(item.get(name) or item.get(negated(name)))

    def _aliased(self, principals: Sequence[str]) -> list[str]:
        """A whole principal of this trust domain, or of `cluster.local`, is one of all its aliases."""
        domains = [self.world.mesh.trust_domain, *self.world.mesh.trust_domain_aliases]
        found: list[str] = []
        for name in principals:
            domain, *rest = name.split("/")
            whole = len(rest) == PARTS_BEHIND_DOMAIN and domain != "*"
            if whole and (domain == "cluster.local" or any(fits(domain, own) for own in domains)):
                found += [
                    name if domain.startswith("*") and fits(domain, own) else "/".join([own, *rest]) for own in domains
                ]
            else:
                found.append(name)
        return list(dict.fromkeys(found))

    def _expanded(self, domains: Sequence[str]) -> list[str]:
        """One of this mesh's trust domains is all of them."""
        own = [self.world.mesh.trust_domain, *self.world.mesh.trust_domain_aliases]
        return list(dict.fromkeys(each for domain in domains for each in (own if domain in own else [domain])))

    def _service_account(self, value: str) -> Json:
        namespace, _, account = value.rpartition("/")
        where, who = quoted(namespace or self.namespace), quoted(account)
        return authenticated(regex(f"spiffe://.+/ns/{where}/(.+/|)sa/{who}(/.+)?"))

    def _port(self, value: str) -> Json:
        port = int(value)
        return {"destination_port": self.ports.get(port, port)}


def negated(name: str) -> str:
    return f"not{name[0].upper()}{name[1:]}"


def claim(name: Sequence[str]) -> Together:
    def build(values: Sequence[str]) -> Json:
        each = [{"string_match": text(value)} for value in values]
        return {
            "metadata": claim_match(list(name), each[0] if len(each) == 1 else {"or_match": {"value_matchers": each}})
        }

    return Together(build)


def request_principals(values: Sequence[str]) -> Json:
    found = [request_principal(value) for value in values]
    return found[0] if len(found) == 1 else WHO.any_of(found)
