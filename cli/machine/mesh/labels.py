"""The labels of the pods: those of the YAML's workloads, as Kubernetes would give them."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cli.machine.home import Layout
from cli.machine.mesh.pods import GATEWAY, NAMESPACE, Place, account_of, workload_name
from mesh.local import workload
from mesh.local.document import Document, Problem, Untranslatable
from mesh.local.model import World


def labelled(found: Sequence[Place], world: World) -> list[Place]:
    """The places, their pods with the labels of the world's workloads. A version beside the stable one keeps its own label."""
    return [replace(place, pod=replace(place.pod, labels=labels_of(place, world))) for place in found]


def labels_of(place: Place, world: World) -> Mapping[str, str]:
    return {**workload.labels(workload_of(world, place.process, place.service)), **place.pod.labels}


def check(world: World, layout: Layout) -> None:
    """Untranslatable when a process of this machine is no workload of the YAML, or one with another identity than the process has."""
    for process, service in {**layout.services, GATEWAY: GATEWAY}.items():
        document, account = workload_of(world, process, service), account_of(service)
        if workload.service_account(document) != account:
            why = f"a process of {service} has the identity of {account} here: its pods would have another one on a cluster"
            raise Untranslatable([document.problem(("spec", "template", "spec", "serviceAccountName"), why)])


def workload_of(world: World, process: str, service: str) -> Document:
    name = workload_name(process, service)
    for kind in workload.KINDS:
        for document in world.of(kind):
            if (document.name, document.namespace) == (name, NAMESPACE):
                return document
    why = "the process runs here, and no Deployment or StatefulSet of the YAML has this name"
    raise Untranslatable([Problem("(given)", 0, "", name, "(document)", why)])
