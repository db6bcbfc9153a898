"""What a Deployment or StatefulSet says about its pods' proxies: labels, service account, named ports, and proxy.istio.io/config."""

import re
from collections.abc import Mapping, Sequence

from mesh.local.document import Document, Json, read_text

KINDS = ("Deployment", "StatefulSet")
PROXY_CONFIG = "proxy.istio.io/config"
HEADERS = "proxyHeaders"
KEPT = ("forwardedClientCert", "requestId", "attemptCount", "server", "envoyDebugHeaders")
POD_NAME = "statefulset.kubernetes.io/pod-name"


def template(document: Document) -> Json:
    found: Json = document.spec.get("template") or {}
    return found


def labels(document: Document) -> Mapping[str, str]:
    found: Mapping[str, str] = (template(document).get("metadata") or {}).get("labels") or {}
    return found


def annotations(document: Document) -> Mapping[str, str]:
    found: Mapping[str, str] = (template(document).get("metadata") or {}).get("annotations") or {}
    return found


def service_account(document: Document) -> str:
    return str((template(document).get("spec") or {}).get("serviceAccountName") or "default")


def is_selected(document: Document, selector: Mapping[str, str]) -> bool:
    """Whether a service with this selector means pods of the workload. A StatefulSet's pods are labelled with their names too."""
    own = {**labels(document), **(numbered(document, selector[POD_NAME]) if POD_NAME in selector else {})}
    return bool(selector) and all(own.get(key) == value for key, value in selector.items())


def numbered(document: Document, pod: str) -> Mapping[str, str]:
    is_own = document.kind == "StatefulSet" and re.fullmatch(rf"{re.escape(document.name)}-\d+", pod)
    return {POD_NAME: pod} if is_own else {}


def named_port(document: Document, name: str) -> int | None:
    containers = (template(document).get("spec") or {}).get("containers") or []
    ports = (port for container in containers for port in container.get("ports") or [])
    return next((int(port["containerPort"]) for port in ports if port.get("name") == name), None)


def proxy_config(document: Document) -> Document | None:
    """What the workload wants of its own proxies, as a document of its own; None when it says nothing."""
    text = annotations(document).get(PROXY_CONFIG)
    if not text:
        return None
    path = ("spec", "template", "metadata", "annotations", PROXY_CONFIG)
    inner = next(iter(read_text(text, document.file, document.line(path))), None)
    if inner is None:
        return None
    body = {**inner.body, "kind": PROXY_CONFIG, "metadata": {"name": document.name}}
    return Document(body, inner.file, inner.node, inner.first_line)


def overlaid(below: Json, above: Json) -> Json:
    """A pod's configuration over the mesh's: a field replaces all of it, but for five of proxyHeaders, which are kept each."""
    headers, own = below.get(HEADERS) or {}, above.get(HEADERS) or {}
    found = {**below, **above}
    if own:
        found[HEADERS] = {**{name: headers[name] for name in KEPT if name in headers}, **own}
    return found


def of_pod(documents: Sequence[Document], namespace: str, pod_labels: Mapping[str, str]) -> Document | None:
    """The workload whose pods carry all the labels of its template; of several the one with the most."""
    fitting = [item for item in documents if item.namespace == namespace and labels(item).items() <= pod_labels.items()]
    return max(fitting, key=lambda item: len(labels(item)), default=None)
