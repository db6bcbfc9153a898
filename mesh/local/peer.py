"""PeerAuthentication: whether a pod's port, and whether a namespace, takes mutual TLS, plaintext or both."""

from mesh.local.document import Json
from mesh.local.model import Pod, World, labels_of


def peer_authentication(world: World, pod: Pod, port: int) -> str:
    """The mode of the port: of the pod's own policy, else its namespace's, else the mesh's; PERMISSIVE where none says."""
    mode, found = "PERMISSIVE", world.selected("PeerAuthentication", pod)
    rank = {False: 1, True: 2}
    found = [
        document
        for document in found
        if document.namespace == pod.namespace or not labels_of(document.spec.get("selector"))
    ]
    found.sort(
        key=lambda document: (
            (document.namespace == pod.namespace) * rank[bool(labels_of(document.spec.get("selector")))]
        )
    )
    for document in found:
        mode = wanted(document.spec.get("mtls"), mode)
        if labels_of(document.spec.get("selector")):
            ports = {str(number): mtls for number, mtls in (document.spec.get("portLevelMtls") or {}).items()}
            mode = wanted(ports.get(str(port)), mode)
    return mode


def of_namespace(world: World, namespace: str) -> str:
    """The mode of a namespace, which alone says whether its callers have a socket for mutual TLS: a pod's own policy does not."""
    mode = "PERMISSIVE"
    for where in (world.mesh.root_namespace, namespace):
        for document in world.of("PeerAuthentication"):
            if document.namespace == where and not labels_of(document.spec.get("selector")):
                mode = wanted(document.spec.get("mtls"), mode)
    return mode


def wanted(mtls: Json | None, otherwise: str) -> str:
    mode = (mtls or {}).get("mode", "UNSET")
    return otherwise if mode == "UNSET" else str(mode)
