"""DestinationRules: which one holds for a host, its subsets, and the traffic policy of a port in a subset."""

from collections.abc import Mapping
from dataclasses import dataclass

from mesh.local.document import Document, Json
from mesh.local.host import full_host, host_matches
from mesh.local.model import Pod, World
from mesh.local.scope import visible

POLICY_FIELDS = ("connectionPool", "loadBalancer", "outlierDetection", "tls")


@dataclass(frozen=True)
class Rule:
    """The DestinationRule of one host; an empty one when there is none."""

    document: Document | None = None

    @property
    def subsets(self) -> Mapping[str, Mapping[str, str]]:
        """The labels of each subset."""
        spec = self.document.spec if self.document else {}
        return {subset["name"]: subset.get("labels") or {} for subset in spec.get("subsets") or []}

    def policy(self, port: int, subset: str = "") -> Json:
        """The traffic policy: the host's with the subset's fields instead of its own; a port's own settings replace all."""
        spec = self.document.spec if self.document else {}
        policy = spec.get("trafficPolicy") or {}
        policy = of_port(policy, port) or policy
        for item in spec.get("subsets") or []:
            if item["name"] == subset and item.get("trafficPolicy"):
                own = item["trafficPolicy"]
                policy = of_port(own, port) or {**policy, **own}
        return {name: policy[name] for name in POLICY_FIELDS if name in policy}

    def tls_mode(self, port: int, subset: str = "") -> str | None:
        """Of the subset, else of the host: here a port's settings without TLS do not hide those of all ports."""
        spec = self.document.spec if self.document else {}
        own = next((item.get("trafficPolicy") for item in spec.get("subsets") or [] if item["name"] == subset), None)
        for policy in (own or {}, spec.get("trafficPolicy") or {}):
            for settings in (of_port(policy, port) or {}, policy):
                if settings.get("tls"):
                    return str(settings["tls"]["mode"])
        return None


def of_port(policy: Json, port: int) -> Json | None:
    """The settings of that port alone, which are never merged with those of all ports; None when it has none."""
    return next((item for item in policy.get("portLevelSettings") or [] if item["port"]["number"] == port), None)


def rule_of(world: World, pod: Pod, host: str) -> Rule:
    """As istiod looks it up: in the pod's own namespace, else in the service's, else in the mesh's root, and in no other.

    In each of them the rule that names the host itself, else the longest wildcard; of another's namespace only what it exports,
    and when that rule is not exported to the pod's namespace, none of that namespace.
    """
    service, root = world.service(host), world.mesh.root_namespace
    fitting = [
        document
        for document in world.of("DestinationRule")
        if host_matches(full_host(document.spec["host"], document.namespace), host)
    ]
    own = [
        document
        for document in fitting
        if document.namespace == pod.namespace
        and visible(document, pod.namespace)
        and (pod.namespace != root or is_private(document))
    ]
    if own:
        return Rule(max(own, key=precision))
    for namespace in (service.namespace if service else pod.namespace, root):
        exported = [one for one in fitting if one.namespace == namespace and not is_private(one)]
        best = max(exported, key=precision, default=None)
        if best is not None and visible(best, pod.namespace):
            return Rule(best)
    return Rule()


def is_private(document: Document) -> bool:
    """Whether it is exported to its own namespace alone."""
    exported = document.spec.get("exportTo") or []
    return len(exported) == 1 and exported[0] in (".", document.namespace)


def precision(document: Document) -> tuple[bool, int]:
    return not document.spec["host"].startswith("*"), len(document.spec["host"])
