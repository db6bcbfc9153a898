"""What `make conformance` rests on, as far as it can be seen without Go."""

import re
from collections.abc import Iterator
from typing import Any

from mesh.conformance.compare import Comparison, Difference, Reason, accepted, reasons
from mesh.conformance.facts import facts_of, kind_of
from mesh.conformance.installation import EXERCISE
from mesh.conformance.istio import MODULE
from mesh.conformance.workloads import ISTIO_VERSION
from mesh.local.kustomize import read_folder
from mesh.local.meshconfig import mesh_config
from mesh.local.model import World
from mesh.local.refusal import STRUCTURE, table
from mesh.local.sources import ROOT, SOURCES

PINNED = {
    "istio.io/istio": "v0.0.0-20260827124520-eed52ebb66ad",
    "istio.io/api": "v1.31.1",
    "istio.io/client-go": "v1.31.1",
}

# Fields that stand in several places and are compared in one: a traffic policy, and what a pod says of its own proxy.
SAME_ELSEWHERE = {
    "DestinationRule.spec.subsets.trafficPolicy",
    "DestinationRule.spec.trafficPolicy.portLevelSettings",
    "MeshConfig.defaultConfig",
    "ProxyConfig",
    "no_part_in_envoy",
    "proxy.istio.io/config",
}
OLD_SPELLING = {"RequestAuthentication.spec.jwtRules.jwks_uri"}


def test_every_accepted_difference_has_a_reason() -> None:
    """Nothing may differ from Istio, and nothing that istioctl says is passed over, without a sentence that says why."""
    assert all(len(reason.reason.split()) >= 5 and reason.facts for reason in reasons())
    assert all(len(why.split()) >= 5 for why in accepted().values())
    assert all(reason.only in ("", "istiod", "ours") for reason in reasons())


def test_the_page_names_every_reason() -> None:
    """docs/conformance.md is of these reasons and of this version of Istio."""
    page = (ROOT / "docs" / "conformance.md").read_text("utf-8")
    assert {reason.reason for reason in reasons()} == set(re.findall(r"^\| \d+ \| (.+) \|$", page, re.MULTILINE))
    assert f"(version {ISTIO_VERSION})" in page


def test_istio_is_pinned() -> None:
    """The module compares with one version of Istio, and the proxies say that they are of it."""
    text = (MODULE / "go.mod").read_text("utf-8")
    sums = (MODULE / "go.sum").read_text("utf-8")
    found = dict(re.findall(r"^(?:require|\t)\s*(istio\.io/\S+) (\S+)", text, re.MULTILINE))
    assert found == PINNED
    assert all(f"{module} {version} h1:" in sums for module, version in PINNED.items())
    assert PINNED["istio.io/api"] == f"v{ISTIO_VERSION}"


def test_a_difference_without_a_reason_is_found() -> None:
    """A reason explains facts of its own pattern, side and values, and no others; one that explains nothing is named."""
    reason = Reason("because it is so", ("cluster/*/type",), istiod='"ORIGINAL_DST"', ours='"STATIC"')
    stale = Reason("because it was so", ("cluster/*/name",), only="ours")
    found = Comparison()
    istiod = facts_of(resources({"name": "a", "type": "ORIGINAL_DST", "connectTimeout": "1s"}), gateway=False)
    ours = facts_of(resources({"name": "a", "type": "STATIC", "connectTimeout": "2s"}), gateway=False)
    found.add("base svc-order", istiod, ours, [reason, stale])
    assert found.unexplained == [Difference("base svc-order", "cluster/a/connectTimeout", '"1s"', '"2s"')]
    assert found.by_reason == {reason: 1}
    assert found.unused([reason, stale]) == [stale]
    assert kind_of("cluster/a/connectTimeout") == "timeouts"


def test_a_host_that_is_lost_is_found() -> None:
    """Of a virtual host the names are compared, whether a table has them with their port or has all of one port."""

    def table(*domains: str) -> dict[str, Any]:
        host = {"name": "a.example:80", "domains": list(domains), "routes": []}
        return {"clusters": [], "endpoints": [], "listeners": [], "routes": [{"name": "80", "virtualHosts": [host]}]}

    one, both = table("a", "a.example"), table("a.example:80", "a:80")
    found, lost = Comparison(), Comparison()
    found.add("base svc-order", facts_of(one, gateway=False), facts_of(both, gateway=False), reasons())
    assert found.unexplained == []
    lost.add("base svc-order", facts_of(one, gateway=False), facts_of(table("a:80"), gateway=False), reasons())
    assert lost.unexplained == [
        Difference("base svc-order", "route/a.example:80/domains", '["a", "a.example"]', '["a"]')
    ]


def test_every_field_that_is_translated_is_compared() -> None:
    """What the local mesh translates stands in YAML that Istio's discovery server is given too: ours, and an exercise for the rest."""
    known = table()
    documents = [document for source in (*SOURCES, EXERCISE) for document in read_folder(source)]
    documents += [inner for inner in map(mesh_config, documents) if inner is not None]
    used = {
        field for document in documents for field in fields(known.get(document.kind, ""), document.kind, document.body)
    }
    missing = {field for kind in known for field in fields(known[kind], kind)} - used - OLD_SPELLING
    assert not {field for field in missing if not field.startswith(tuple(SAME_ELSEWHERE))}


def test_the_exercise_is_translated() -> None:
    """What Istio's discovery server is given as an exercise, the local mesh reads as it reads our own YAML."""
    assert World.load([EXERCISE]).services


NOTHING = object()


def fields(known: Any, path: str, value: Any = NOTHING) -> Iterator[str]:
    """The translated fields below a path, or those of them that the value has. What changes no Envoy is left out."""
    if isinstance(value, list):
        for item in value:
            yield from fields(known, path, item)
    elif isinstance(known, dict):
        for name in known if value is NOTHING else (value or {}):
            key = name if name in known else "*"
            if key in known and key not in STRUCTURE:
                yield from fields(known[key], f"{path}.{key}", NOTHING if value is NOTHING else value[name])
    elif ";" not in str(known):
        yield path


def resources(cluster: dict[str, str]) -> dict[str, list[dict[str, str]]]:
    return {"clusters": [cluster], "endpoints": [], "listeners": [], "routes": []}
