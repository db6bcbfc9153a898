"""What the local mesh does not translate is refused by file, line, kind, name and path, before anything changes.

The table `translated.yaml` is closed: a kind or a field that is not in it is refused, and so is a value of a field of which only
some values are translated. A test sets every field of Istio's schemas, one at a time, and shows that none is ignored in silence.
"""

import ipaddress
import json
import re
from collections.abc import Callable, Iterator, Sequence
from functools import cache
from importlib.resources import files
from typing import Any

import yaml

from mesh import schemas
from mesh.local import servers, shape, webhook
from mesh.local.admission import inadmissible, is_port
from mesh.local.document import FIELD_PATH, Document, Json, Problem
from mesh.local.duration import is_duration
from mesh.local.meshconfig import mesh_config
from mesh.local.retry import is_retry_on
from mesh.local.shape import shown
from mesh.local.workload import KINDS as WORKLOADS
from mesh.local.workload import PROXY_CONFIG, proxy_config, template

ATTRIBUTE = re.compile(
    r"(destination|source|remote)\.ip|destination\.port|connection\.sni|source\.(namespace|trustDomain|serviceAccount|principal)"
    r"|request\.auth\.(principal|audiences|presenter)|request\.headers\[[^\[\]]+\]|request\.auth\.claims(\[[^\[\]]+\])+"
)
HEADLESS = "None"
NEEDS, ONE_OF = STRUCTURE = ("_needs", "_one_of")
IDENTITY = {"apiVersion", "kind", "metadata", "status"}
ISTIO_DOMAIN = "istio.io/"
DEFAULT = "defaultConfig"
DRY_RUN = "istio.io/dry-run"
TRANSLATED_ANNOTATIONS = {("AuthorizationPolicy", DRY_RUN)}
KUSTOMIZATIONS = ("Component", "Kustomization")
INJECT, OF_NAMESPACE = "sidecar.istio.io/inject", "istio-injection"
OF_PODS = {PROXY_CONFIG, INJECT, "inject.istio.io/templates"}
INJECTED = {INJECT: "true", OF_NAMESPACE: "enabled"}
SUBDOMAIN = re.compile(r"(?=.{1,253}$)[a-z0-9]([-a-z0-9]*[a-z0-9])?(\.[a-z0-9]([-a-z0-9]*[a-z0-9])?)*")
PATH_NAMED = ("ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding")


@cache
def table() -> Json:
    """The fields of each translated kind, with traffic policies in their places."""
    text: Json = yaml.load(files("mesh.local").joinpath("translated.yaml").read_bytes(), yaml.CSafeLoader)
    policy = text.pop("TrafficPolicy")
    rule = text["DestinationRule"]["spec"]
    ports = {**policy, **rule["trafficPolicy"]["portLevelSettings"]}
    whole = {**policy, "portLevelSettings": ports}
    rule["trafficPolicy"] = whole
    rule["subsets"] = {**rule["subsets"], "trafficPolicy": whole}
    text[PROXY_CONFIG] = text["MeshConfig"]["defaultConfig"]
    return text


def refuse(documents: Sequence[Document]) -> list[Problem]:
    """Every problem of every document."""
    return [problem for document in documents for problem in problems_of(document)]


def duplicates(documents: Sequence[Document]) -> list[Problem]:
    """The objects that one folder defines a second time."""
    seen: dict[tuple[str, str, str], Document] = {}
    problems = []
    for document in documents:
        first = seen.setdefault(document.key, document)
        if first is not document:
            problems.append(
                document.problem(("metadata", "name"), f"is defined already, in {first.file}:{first.line(())}")
            )
    return problems


def problems_of(document: Document) -> Iterator[Problem]:
    """At first what it is, then its shape, and only of what has its shape what the fields mean together."""
    strange = list(unknown(document))
    if strange:
        yield from strange
        return
    known = document.kind in table()["no_part_in_envoy"]
    found = [] if known or document.kind == "MeshConfig" else list(untranslated(document))
    yield from found
    shapes = schemas.mesh_config() if document.kind == "MeshConfig" else shape.schema_of(document)
    mismatches = list(misshapen(document, shapes, found))
    if mismatches:
        yield from mismatches
        return
    for inner in (mesh_config(document), proxy_config(document) if document.kind in WORKLOADS else None):
        if inner is not None:
            yield from [] if inner is document else inner_keys(inner)
            yield from configured(inner)
    if known:
        yield from kustomized(document)
        yield from injected(document)
    elif document.kind != "MeshConfig":
        yield from marked(document)
        if not found:
            yield from between(document)


def unknown(document: Document) -> Iterator[Problem]:
    """What it is, if that is not known: an object is known by its apiVersion and kind, and has a name."""
    version, kind = document.body.get("apiVersion"), document.kind
    is_known = kind in shape.kinds() and (kind in table() or kind in table()["no_part_in_envoy"])
    of_kind: tuple[str | None, ...] = shape.kinds()[kind] if is_known else ()
    if kind == "MeshConfig":
        of_kind = (None,)
    if not of_kind:
        yield document.problem((), f"the kind {kind or '(none)'} is not translated")
    elif version not in of_kind:
        why = f"a {kind} of {shown(version)} is not translated; of {' or '.join(map(str, of_kind))} it would be"
        yield document.problem(("apiVersion",), why)
    elif not isinstance(document.metadata.get("name"), str | None) or (
        not document.name and kind not in KUSTOMIZATIONS
    ):
        yield document.problem(("metadata", "name"), "an object needs a name")
    elif document.name and kind not in PATH_NAMED and not SUBDOMAIN.fullmatch(document.name):
        why = "is no name of an object: lower case letters, digits, - and ., with a letter or a digit at each end (RFC 1123)"
        yield document.problem(("metadata", "name"), f"{shown(document.name)} {why}")


def inner_keys(inner: Document) -> Iterator[Problem]:
    """What would make an object of that which stands in another one."""
    for key, _ in inner.node.value if isinstance(inner.node, yaml.MappingNode) else ():
        if key.value in IDENTITY:
            yield inner.problem((key.value,), "is not translated")


def configured(inner: Document) -> Iterator[Problem]:
    """What is wrong with a MeshConfig or ProxyConfig that stands in another object."""
    found = list(untranslated(inner))
    whole = schemas.mesh_config()
    mismatches = list(misshapen(inner, whole if inner.kind == "MeshConfig" else whole["properties"][DEFAULT], found))
    yield from [*found, *mismatches]
    if not mismatches:
        yield from between(inner)


def untranslated(document: Document) -> Iterator[Problem]:
    return fields(document, {**table()[document.kind], **dict.fromkeys(IDENTITY, "any")}, document.body, ())


def misshapen(document: Document, schema: Json, found: Sequence[Problem]) -> list[Problem]:
    """Where the document is not as its schema has it, but for the places of which something is found already."""
    is_object = "apiVersion" in schema.get("properties", {})
    body = document.body if is_object else {key: document.body[key] for key in document.body.keys() - IDENTITY}
    told = {problem.path for problem in found}
    mismatches = [document.problem(path, why) for path, why in shape.wrong(schema, body, ())]
    return [problem for problem in mismatches if problem.path not in told]


def between(document: Document) -> Iterator[Problem]:
    """What fields mean only together."""
    if document.kind == "Service" and document.spec.get("clusterIP") == HEADLESS and document.spec.get("ports"):
        yield document.problem(("spec", "clusterIP"), "a headless service with ports is not translated")
    if document.kind in webhook.KINDS:
        yield from webhook.inadmissible(document)
    if document.kind == "AuthorizationPolicy":
        yield from inadmissible(document)
    if (
        document.kind == "MeshConfig"
        and document.body.get("accessLogEncoding") == "JSON"
        and not is_json_object(document.body.get("accessLogFormat", "{}"))
    ):
        yield document.problem(("accessLogFormat",), "is no JSON object, as accessLogEncoding wants it")
    if document.kind == "Gateway":
        yield from servers.inadmissible(document)


def kustomized(document: Document) -> Iterator[Problem]:
    """Of a kustomization, its resources are read, and patches of workloads are applied; nothing else."""
    for index, patch in enumerate(document.body.get("patches") or [] if document.kind in KUSTOMIZATIONS else []):
        why = unfit_target(patch["target"])
        if why:
            yield document.problem(("patches", index), why)


def unfit_target(target: Json) -> str | None:
    try:
        re.compile(target.get("name", ".*"))
        kinds = [name for name in shape.kinds() if re.fullmatch(target.get("kind", ".*"), name)]
    except re.error as error:
        return f"the target is no regular expression: {error}"
    return None if set(kinds) <= {*WORKLOADS} else "is not applied: only Deployments and StatefulSets are patched"


def injected(document: Document) -> Iterator[Problem]:
    """What a workload or a namespace tells Istio's injector: here every pod has a proxy."""
    of_pods = document.kind in WORKLOADS
    path: FIELD_PATH = ("spec", "template", "metadata") if of_pods else ("metadata",)
    metadata = (template(document).get("metadata") or {}) if of_pods else document.metadata
    if of_pods and (template(document).get("spec") or {}).get("hostNetwork"):
        where: FIELD_PATH = ("spec", "template", "spec", "hostNetwork")
        yield document.problem(
            where, "is not translated: a pod of its node's network has no sidecar, and here every pod has one"
        )
    if document.kind == "Namespace":
        labels = document.metadata.get("labels") or {}
        if OF_NAMESPACE not in labels:
            yield document.problem(
                ("metadata",),
                f"needs the label {OF_NAMESPACE}: {INJECTED[OF_NAMESPACE]}: every pod has its sidecar here",
            )
    for part in ("annotations", "labels") if of_pods or document.kind == "Namespace" else ():
        for name, value in (metadata.get(part) or {}).items():
            if value != INJECTED.get(name, value):
                why = f"{value} is not translated, since every pod has its sidecar; {INJECTED[name]} would be"
                yield document.problem((*path, part, name), why)
            elif ISTIO_DOMAIN in name and not (of_pods and name in OF_PODS):
                yield document.problem((*path, part, name), "is not translated")


def marked(document: Document) -> Iterator[Problem]:
    """Istio's own annotations and labels on an object of a translated kind."""
    for part in ("annotations", "labels"):
        for name in document.metadata.get(part) or {}:
            if ISTIO_DOMAIN in name and (document.kind, name) not in TRANSLATED_ANNOTATIONS:
                yield document.problem(("metadata", part, name), "is not translated")


def fields(document: Document, known: Any, value: Any, path: FIELD_PATH) -> Iterator[Problem]:
    """The fields and values below `path` that the table does not have."""
    if value is None:
        return
    if isinstance(value, list) and known != "any":
        for index, item in enumerate(value):
            yield from fields(document, known, item, (*path, index))
    elif isinstance(known, dict):
        if not isinstance(value, dict):
            yield document.problem(path, f"{shown(value)} is no mapping")
            return
        yield from together(document, known, value, path)
        for name, inner in value.items():
            below = known.get(str(name), known.get("*"))
            if below is None or str(name) in STRUCTURE:
                yield document.problem((*path, str(name)), "is not translated")
            else:
                yield from fields(document, below, inner, (*path, str(name)))
    else:
        why = unfit(known, value)
        if why:
            yield document.problem(path, why)


def together(document: Document, known: Json, value: Json, path: FIELD_PATH) -> Iterator[Problem]:
    """What is missing beside the fields that are there, and which of them exclude each other."""
    for name in known.get(NEEDS, ()):
        if value.get(name) is None:
            yield document.problem(path, f"needs {name}")
    for names in known.get(ONE_OF, ()):
        alternatives = [name for name in names if name in value]
        if len(alternatives) > 1:
            yield document.problem((*path, alternatives[1]), f"excludes {alternatives[0]}")


def unfit(known: Any, value: Any) -> str | None:
    """Why the value is none that is translated."""
    if isinstance(known, list):
        allowed = ["None" if item is None else item for item in known]
        names = ", ".join(map(shown, allowed))
        return None if value in allowed else f"the value {shown(value)} is not translated; {names} would be"
    kind = str(known).split(";", 1)[0]
    if kind not in FITS:
        return unfit(kind.split(", "), value)
    return None if FITS[kind](value) else f"{shown(value)} is no {NAMES[kind]}"


def is_integer(value: object) -> bool:
    return isinstance(value, int) and not isinstance(value, bool)


def is_block(value: object) -> bool:
    try:
        ipaddress.ip_network(str(value), strict=False)
    except ValueError:
        return False
    return isinstance(value, str)


def is_json_object(value: object) -> bool:
    try:
        return isinstance(json.loads(str(value)), dict)
    except ValueError:
        return False


def is_number_as_text(value: object) -> bool:
    return isinstance(value, str) and is_port(value)


FITS: dict[str, Callable[[object], bool]] = {
    "any": lambda value: True,
    "text": lambda value: isinstance(value, str),
    "boolean": lambda value: isinstance(value, bool),
    "integer": is_integer,
    "number": lambda value: is_integer(value) or isinstance(value, float),
    "duration": is_duration,
    "port": lambda value: is_integer(value) or isinstance(value, str),
    "block": is_block,
    "retry conditions": is_retry_on,
    "number as text": is_number_as_text,
    "attribute": lambda value: isinstance(value, str) and ATTRIBUTE.fullmatch(value) is not None,
}
NAMES = {
    "text": "text",
    "boolean": "boolean",
    "integer": "whole number",
    "number": "number",
    "duration": "duration, such as 1m30s or 250ms",
    "port": "port's number or name",
    "block": "address or block of addresses",
    "retry conditions": "list of Envoy's conditions of a retry and of HTTP statuses, with commas alone between",
    "number as text": "number of a port, written as text",
    "attribute": "attribute that is translated",
}
