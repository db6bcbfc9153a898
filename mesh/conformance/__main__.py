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
from mesh.local.kustomize import read_folder
from mesh.local.model import Pod, World
from mesh.local.sources import INSTALL, MESH, ROOT, WORKLOADS
from mesh.local.translate import resources

BASE = (WORKLOADS, MESH)
OVERLAY = ROOT / "k8s" / "overlays" / "example"
EXERCISE = istio.MODULE / "exercise"
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
    worlds = {
        name: World([*map(with_keys, documents), Document(COLLECTOR)]) for name, documents in installations().items()
    }
    problems = [*misread(), *(line for world in worlds.values() for line in istioctl(world))]
    reasons = compare.reasons()
    found, broken = compared_with_istiod(list(worlds.values()), reasons)
    cases = f"{' and '.join(worlds)} at {', '.join(f'{share}/{100 - share}' for share in STABLE_WEIGHTS)}"
    for line in report.lines(found, [*problems, *broken], reasons, cases):
        click.echo(line)
    return 1 if report.amount(found, [*problems, *broken], reasons) else 0


def installations() -> dict[str, list[Document]]:
    """What one machine runs, and an installation with an overlay: of each what is applied, and what Istio is told when it is installed."""
    installed = read_folder(INSTALL)
    return {
        "base": [*rendered(*BASE), *installed],
        "the example overlay": [*rendered(OVERLAY), *installed],
        "the exercise": read_folder(EXERCISE),
    }


def rendered(*folders: Path) -> list[Document]:
    return [document for folder in folders for document in read_text(istio.kustomized(folder), str(folder))]


def misread() -> list[str]:
    """Where the local mesh, which reads folders itself, reads another thing than kustomize."""
    here = {
        document.key: document.body
        for folder in BASE
        for document in read_folder(folder)
        if document.kind not in ("Component", "Kustomization")
    }
    there = {document.key: document.body for document in rendered(*BASE)}
    return [
        f"{' '.join(key)}: kustomize and the local mesh read different things"
        for key in here | there
        if here.get(key) != there.get(key)
    ]


def compared_with_istiod(
    worlds: Sequence[World], reasons: Sequence[compare.Reason]
) -> tuple[compare.Comparison, list[str]]:
    """The facts of each workload at each weight, and the clusters that are named and not there."""
    found = compare.Comparison()
    broken: dict[str, None] = {}
    for world in worlds:
        pods = pods_of(world)
        weights = [world.changed(weighted(world, share)) for share in STABLE_WEIGHTS]
        cases = [
            case(one, pods, [proxy(one, pod, translated(one, pod, pods)) for pod in compared(pods)]) for one in weights
        ]
        for answer in istio.answers(cases):
            for pod in compared(pods):
                sides = answer[pod.name]
                found.add(
                    pod.name, facts_of(sides["istiod"], pod.gateway), facts_of(sides["ours"], pod.gateway), reasons
                )
                for side, made in sides.items():
                    broken.update(
                        {
                            f"{pod.name}: {side}: cluster {name} is named, and there is none": None
                            for name in dangling(made)
                        }
                    )
    return found, list(broken)


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


if __name__ == "__main__":
    try:
        sys.exit(main())
    except istio.Failed as why:
        sys.exit(f"Does not conform: {why}")
