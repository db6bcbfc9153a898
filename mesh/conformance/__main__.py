"""`make conformance`: what Istio says of our YAML, and what it would tell Envoy, beside what the local mesh tells it.

Writes docs/conformance.md when nothing is without a reason.
"""

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click

from mesh.conformance import istio, report
from mesh.conformance.cluster import case, weighted
from mesh.conformance.compare import Comparison, Reason, reasons
from mesh.conformance.facts import dangling, facts_of
from mesh.conformance.installation import Installation, installations, misread
from mesh.conformance.workloads import compared, pods_of, proxy
from mesh.local.model import Pod, World
from mesh.local.sources import ROOT
from mesh.local.translate import resources

PAGE = ROOT / "docs" / "conformance.md"
STABLE_WEIGHTS = (100, 90, 50, 0)
KINDS = ("clusters", "endpoints", "listeners", "routes")


def main() -> int:
    try:
        istio.build()
    except istio.Unavailable as why:
        click.echo(f"skipped: {why}")
        return 0
    known, found, problems = reasons(), Comparison(), misread()
    for installation in installations():
        problems += installation.problems()
        problems += compare(installation, found, known)
    cases = ", ".join(f"{share}/{100 - share}" for share in STABLE_WEIGHTS)
    for line in report.lines(found, problems, known, cases):
        click.echo(line)
    if report.amount(found, problems, known):
        return 1
    PAGE.write_text(report.page(found, cases), "utf-8")
    return 0


def compare(installation: Installation, found: Comparison, known: Sequence[Reason]) -> list[str]:
    """Adds the facts of each workload at each weight; what is returned are clusters that either side names and does not have."""
    world = installation.world()
    pods = pods_of(world)
    worlds = [world.changed(weighted(world, share)) for share in STABLE_WEIGHTS]
    cases = [case(one, pods, [proxy(one, pod, ours(one, pod, pods)) for pod in compared(pods)]) for one in worlds]
    broken: dict[str, None] = {}
    for answer in istio.answers(cases):
        for pod in compared(pods):
            where, sides = f"{installation.name} {pod.name}", answer[pod.name]
            found.add(where, facts_of(sides["istiod"], pod.gateway), facts_of(sides["ours"], pod.gateway), known)
            for side, made in sides.items():
                broken |= dict.fromkeys(
                    f"{where}: {side} names cluster {name}, and has none" for name in dangling(made)
                )
    return list(broken)


def ours(world: World, pod: Pod, pods: Sequence[Pod]) -> Mapping[str, Any]:
    """What the local mesh tells the pod's Envoy."""
    made = resources(world, pod, pods, Path("/mesh") / pod.name)
    return {kind: [untyped(each) for each in getattr(made, kind)] for kind in KINDS}


def untyped(resource: Mapping[str, Any]) -> Mapping[str, Any]:
    """Without the type that it has in a file of Envoy's: here its list says what it is."""
    return {name: value for name, value in resource.items() if name != "@type"}


if __name__ == "__main__":
    try:
        sys.exit(main())
    except istio.Failed as why:
        sys.exit(f"Does not conform: {why}")
