"""Whom a document means by labels: a selector that means no workload of the YAML would be in force for nobody."""

from collections.abc import Iterator, Mapping, Sequence

from mesh.local import workload
from mesh.local.document import FIELD_PATH, Document, Problem

VERSION = "version"
OWN_PODS: FIELD_PATH = ("spec", "selector", "matchLabels")
SELECTORS: Mapping[str, FIELD_PATH] = {
    "AuthorizationPolicy": ("spec", "selector", "matchLabels"),
    "EnvoyFilter": ("spec", "workloadSelector", "labels"),
    "Gateway": ("spec", "selector"),
    "PeerAuthentication": ("spec", "selector", "matchLabels"),
    "RequestAuthentication": ("spec", "selector", "matchLabels"),
    "Sidecar": ("spec", "workloadSelector", "labels"),
    "Telemetry": ("spec", "selector", "matchLabels"),
}
Labels = Mapping[str, str]


def unmatched(documents: Sequence[Document], root_namespace: str) -> Iterator[Problem]:
    """The selectors of translated documents that no workload fits, and the subsets.

    A workload may run in other versions than its own: those that a DestinationRule has a subset for. What an account is for that
    no workload has, such as an operator's own, may run elsewhere with the account's name as its label `app`.
    """
    workloads = [document for document in documents if document.kind in workload.KINDS]
    carried = [(document.namespace, workload.labels(document)) for document in workloads]
    accounts = {workload.service_account(document) for document in workloads}
    carried += [
        (document.namespace, {"app": document.name})
        for document in documents
        if document.kind == "ServiceAccount" and document.name not in accounts
    ]
    for document in workloads:
        wanted = value_at(document, OWN_PODS)
        if not wanted.items() <= workload.labels(document).items():
            yield document.problem(OWN_PODS, f"its own pods do not carry {shown(wanted)}")
    versions = {labels[VERSION] for _, labels in carried if VERSION in labels}
    for document in documents:
        if document.kind == "DestinationRule":
            for path, labels in subsets(document):
                versions.add(labels.get(VERSION, ""))
                if not fits(carried, document.namespace, without_version(labels)):
                    yield document.problem(path, f"no workload of the YAML carries {shown(without_version(labels))}")
    inhabited = {root_namespace, *(where for where, _ in carried)}
    for document in documents:
        if document.kind in SELECTORS and document.kind != "Gateway" and document.namespace not in inhabited:
            yield document.problem(("metadata", "namespace"), f"no workload of the YAML is in {document.namespace}")
            continue
        for path, namespace, labels in selected(document, root_namespace):
            known = labels.get(VERSION) in {None, *versions}
            if not (known and fits(carried, namespace, without_version(labels))):
                yield document.problem(path, f"no workload of the YAML carries {shown(labels)}")


def selected(document: Document, root_namespace: str) -> Iterator[tuple[FIELD_PATH, str, Labels]]:
    """Where the document selects pods, of which namespace (empty: of any), and by which labels."""
    if document.kind in SELECTORS:
        path = SELECTORS[document.kind]
        anywhere = document.kind == "Gateway" or document.namespace == root_namespace
        yield path, "" if anywhere else document.namespace, value_at(document, path)
    if document.kind == "VirtualService":
        for index, rule in enumerate(document.spec.get("http") or []):
            for place, match in enumerate(rule.get("match") or []):
                yield ("spec", "http", index, "match", place, "sourceLabels"), "", match.get("sourceLabels") or {}


def subsets(document: Document) -> Iterator[tuple[FIELD_PATH, Labels]]:
    for index, subset in enumerate(document.spec.get("subsets") or []):
        yield ("spec", "subsets", index, "labels"), subset.get("labels") or {}


def fits(carried: Sequence[tuple[str, Labels]], namespace: str, labels: Labels) -> bool:
    """Whether a workload of the namespace, or of any if it is empty, carries them."""
    return not labels or any(namespace in ("", where) and labels.items() <= own.items() for where, own in carried)


def without_version(labels: Labels) -> Labels:
    return {key: value for key, value in labels.items() if key != VERSION}


def value_at(document: Document, path: FIELD_PATH) -> Labels:
    value = document.body
    for step in path:
        value = value.get(str(step)) or {}
    return value


def shown(labels: Labels) -> str:
    return ", ".join(f"{key}: {value}" for key, value in labels.items())
