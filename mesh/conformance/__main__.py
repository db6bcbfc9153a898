"""`make conformance`: what Istio says of our YAML, and what it would tell Envoy, beside what the local mesh tells it."""

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import yaml

from mesh.conformance import compare, istio, report
from mesh.conformance.cluster import case, weighted
from mesh.conformance.facts import dangling, facts_of
from mesh.conformance.workloads import compared, pods_of, proxy
from mesh.local.document import Document, read_text
from mesh.local.model import Pod, World
from mesh.local.translate import resources

ROOT = Path(__file__).parents[2]
FOLDER = ROOT / "k8s" / "overlays" / "example"
INSTALLATION = ROOT / "mesh" / "istio" / "install.yaml"
RENDERED = istio.BUILD / "rendered.yaml"
MESH_CONFIG = istio.BUILD / "mesh.yaml"
STABLE_WEIGHTS = (100, 90, 50, 0)
# What the identity provider would answer at a jwksUri. Istiod fetches keys itself, and there is nobody to ask here.
KEYS = '{"keys":[{"kty":"OKP","crv":"Ed25519","kid":"1","x":"11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo"}]}'

# Of another namespace, and not ours: without it istiod traces nothing.
COLLECTOR = {
    "apiVersion": "v1",
    "kind": "Service",
    "metadata": {"name": "otel-collector", "namespace": "observability"},
    "spec": {"selector": {"app": "otel-collector"}, "ports": [{"name": "grpc", "port": 4317, "appProtocol": "grpc"}]},
}


def main() -> int:
    try:
        istio.build()
    except istio.Unavailable as why:
        click.echo(f"skipped: {why}")
        return 0
    world = load()
    problems = istioctl(world)
    if problems:
        click.echo("\n".join([*problems, "Does not conform: Istio would not take this YAML."]))
        return 1
    reasons = compare.reasons()
    found, broken = compared_with_istiod(world, reasons)
    shares = ", ".join(f"{share}/{100 - share}" for share in STABLE_WEIGHTS)
    for line in report.lines(found, broken, reasons, shares):
        click.echo(line)
    return 1 if report.amount(found, broken, reasons) else 0


def compared_with_istiod(world: World, reasons: Sequence[compare.Reason]) -> tuple[compare.Comparison, list[str]]:
    """The facts of each workload at each weight, and the clusters that are named and not there."""
    pods = pods_of(world)
    worlds = [world.changed(weighted(world, share)) for share in STABLE_WEIGHTS]
    cases = [case(one, pods, [proxy(one, pod, translated(one, pod, pods)) for pod in compared(pods)]) for one in worlds]
    found = compare.Comparison()
    broken: dict[str, None] = {}
    for answer in istio.answers(cases):
        for pod in compared(pods):
            sides = answer[pod.name]
            found.add(pod.name, facts_of(sides["istiod"], pod.gateway), facts_of(sides["ours"], pod.gateway), reasons)
            for side, made in sides.items():
                broken.update(
                    {f"{pod.name}: {side}: cluster {name} is named, and there is none": None for name in dangling(made)}
                )
    return found, list(broken)


def load() -> World:
    """What is applied to a cluster, and what Istio's installation is told, with the issuer's keys at hand."""
    documents = [
        *read_text(istio.kustomized(FOLDER), str(FOLDER)),
        *read_text(INSTALLATION.read_text("utf-8"), str(INSTALLATION)),
    ]
    return World([with_keys(document) for document in documents])


def with_keys(document: Document) -> Document:
    if document.kind != "RequestAuthentication":
        return document
    rules = [
        {**{name: value for name, value in rule.items() if name != "jwksUri"}, "jwks": rule.get("jwks", KEYS)}
        for rule in document.spec["jwtRules"]
    ]
    return Document({**document.body, "spec": {**document.spec, "jwtRules": rules}}, document.file)


def translated(world: World, pod: Pod, pods: Sequence[Pod]) -> Mapping[str, Any]:
    made = resources(world, pod, pods, Path("/mesh") / pod.name)
    return {
        kind: [untyped(each) for each in getattr(made, kind)]
        for kind in ("clusters", "endpoints", "listeners", "routes")
    }


def untyped(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without the type that it has in a file of Envoy's: here its list says what it is."""
    return {name: value for name, value in resource.items() if name != "@type"}


def istioctl(world: World) -> list[str]:
    """What `istioctl analyze` and `validate` find that nobody accepted."""
    RENDERED.write_text("---\n".join(yaml.safe_dump(document.body) for document in world.documents))
    MESH_CONFIG.write_text(json.dumps(world.mesh.values))
    found = [f"{each['code']} {each['origin']}: {each['message']}" for each in istio.analyzed(RENDERED, MESH_CONFIG)]
    accepted = compare.accepted()
    return [line for line in [*found, *istio.validated(RENDERED)] if not line.startswith(tuple(accepted))]


sys.exit(main())
