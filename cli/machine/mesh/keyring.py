"""The certificates of all pods of one home: issued, renewed in time, and issued again when that is wanted."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from cryptography import x509

from cli.machine.mesh.pods import Place
from mesh.local import certificates
from mesh.local.certificates import WORKLOAD, Authority
from mesh.local.model import World
from mesh.local.named import translating

LOCAL_NAMES = ("localhost", "127.0.0.1")


@dataclass(frozen=True)
class Secret:
    """One that an Envoy needs: a workload's by its SPIFFE id, or a server's by its names."""

    folder: Path
    name: str
    spiffe: str = ""
    hosts: tuple[str, ...] = ()

    @property
    def names(self) -> list[str]:
        return [self.spiffe] if self.spiffe else list(self.hosts)


@translating
def secrets(places: Iterable[Place], world: World) -> list[Secret]:
    """Every pod's own, and for the gateway those that its Gateways name. Untranslatable when something of these is."""
    found = []
    for place in places:
        found.append(Secret(place.folder, WORKLOAD, place.identity))
        if place.pod.gateway:
            found += [
                Secret(place.folder, certificates.gateway_secret(name), hosts=hosts)
                for name, hosts in servers(world).items()
            ]
    return found


def servers(world: World) -> dict[str, tuple[str, ...]]:
    """Each credential that a Gateway names, and the host names that it has to hold."""
    found: dict[str, list[str]] = {}
    for gateway in world.of("Gateway"):
        for server in gateway.spec.get("servers") or []:
            if credential := (server.get("tls") or {}).get("credentialName"):
                hosts = [host.rpartition("/")[2] for host in server["hosts"]]
                found.setdefault(credential, list(LOCAL_NAMES)).extend(host for host in hosts if host != "*")
    return {credential: tuple(dict.fromkeys(hosts)) for credential, hosts in found.items()}


class Keyring:
    def __init__(self, authority: Authority) -> None:
        self._authority = authority

    def keep(self, wanted: Sequence[Secret], *, anew: bool = False) -> int:
        """Issues what is missing, due, damaged or of other names; all of it with `anew`. How many were issued.

        Whom a pod believes is written again wherever it is missing or damaged, also beside a good certificate.
        """
        due = [secret for secret in wanted if anew or not self._holds(secret)]
        for folder in {secret.folder for secret in wanted}:
            if not certificates.holds_root(folder, self._authority):
                certificates.write_root(folder, self._authority)
        for secret in due:
            certificates.write_secret(secret.folder, secret.name, self._authority.issue(secret.spiffe, secret.hosts))
        return len(due)

    def _holds(self, secret: Secret) -> bool:
        held = certificates.held(secret.folder, secret.name)
        return (
            held is not None
            and certificates.renewal_time(held) > datetime.now(UTC)
            and certificates.is_of(held, self._authority)
            and names_of(held) == secret.names
        )


def names_of(certificate: x509.Certificate) -> list[str]:
    """None where it is an authority's."""
    try:
        alternatives = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName).value
    except (x509.ExtensionNotFound, ValueError):
        return []
    return [str(name.value) for name in alternatives]
