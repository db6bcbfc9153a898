"""The mesh's certificates on one machine: a certificate authority, what it issues, and the files that Envoy watches.

A workload's certificate is an X.509-SVID (SPIFFE): one URI, no other name, good for client and server. The gateway's is an
ordinary server certificate. Keys are EC P-256 (RFC 5480). A secret is one file with the chain and its key inline, replaced
by rename, so Envoy never sees the one without the other; open connections go on under the certificate they began with.
Every file is readable by its owner alone.
"""

import hashlib
import ipaddress
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from cryptography import x509
from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from mesh.local.private import write_private

LIFE_SECONDS = 86_400
AUTHORITY_LIFE = timedelta(days=3_650)
BACKDATED = timedelta(seconds=60)  # A clock that is set back a little makes no certificate invalid.
RENEWED_AT = 2 / 3  # of its life
WORKLOAD = "default"  # Istio's names of the secrets: a workload's own certificate,
ROOT = "ROOTCA"  # and whom it believes.
TYPE = "type.googleapis.com/envoy.extensions.transport_sockets.tls.v3.Secret"


@dataclass(frozen=True, slots=True)
class Issued:
    """A certificate and its private key, both as PEM."""

    certificate: str
    key: str = field(repr=False)


class Authority:
    """The certificate authority in one folder: `ca.pem` for everybody, `ca_key.pem` for itself."""

    def __init__(self, folder: Path) -> None:
        self.certificate = folder / "ca.pem"
        self._key = folder / "ca_key.pem"

    def create(self) -> None:
        """Makes it when it is not there yet. A key whose certificate was never written is replaced."""
        if self._key.exists() and self.certificate.exists():
            return
        key = ec.generate_private_key(ec.SECP256R1())
        name = x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, "bourse, on one machine")])
        now = datetime.now(UTC)
        builder = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        signed = (
            builder.not_valid_before(now - BACKDATED)
            .not_valid_after(now + AUTHORITY_LIFE)
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(key_usage(signs_certificates=True), critical=True)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False)
            .sign(key, hashes.SHA256())
        )
        write_private(self._key, pem_of(key))
        write_private(self.certificate, pem_of(signed))

    def issue(self, spiffe: str = "", hosts: Sequence[str] = (), seconds: float = LIFE_SECONDS) -> Issued:
        """A certificate for a workload (its SPIFFE id), or for a server (its host names and addresses). Not written."""
        assert bool(spiffe) != bool(hosts), "a workload has its SPIFFE id and no other name"
        authority = x509.load_pem_x509_certificate(self.certificate.read_bytes())
        signer = serialization.load_pem_private_key(self._key.read_bytes(), password=None)
        assert isinstance(signer, ec.EllipticCurvePrivateKey)
        key = ec.generate_private_key(ec.SECP256R1())
        now = datetime.now(UTC)
        uses = [ExtendedKeyUsageOID.SERVER_AUTH, *([ExtendedKeyUsageOID.CLIENT_AUTH] if spiffe else [])]
        public = key.public_key()
        builder = x509.CertificateBuilder(authority.subject, x509.Name([]), public, x509.random_serial_number())
        signed = (
            builder.not_valid_before(now - BACKDATED)
            .not_valid_after(now + timedelta(seconds=seconds))
            .add_extension(x509.SubjectAlternativeName(names(spiffe, hosts)), critical=True)
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(key_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(uses), critical=False)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public), critical=False)
            .add_extension(x509.AuthorityKeyIdentifier.from_issuer_public_key(signer.public_key()), critical=False)
            .sign(signer, hashes.SHA256())
        )
        return Issued(pem_of(signed), pem_of(key))


def write_secret(folder: Path, name: str, issued: Issued) -> None:
    """The certificate and its key, as Envoy's secret `name`."""
    chain, key = {"inline_string": issued.certificate}, {"inline_string": issued.key}
    write(folder, name, {"tls_certificate": {"certificate_chain": chain, "private_key": key}})


def write_root(folder: Path, authority: Authority) -> None:
    """Whom a workload believes, as Envoy's secret ROOTCA."""
    write(folder, ROOT, root(authority))


def holds_root(folder: Path, authority: Authority) -> bool:
    """Whether the secret ROOTCA is there, undamaged, and of this authority."""
    return stored(folder, ROOT) == {"@type": TYPE, "name": ROOT, **root(authority)}


def root(authority: Authority) -> dict[str, object]:
    return {"validation_context": {"trusted_ca": {"inline_string": authority.certificate.read_text()}}}


def secret_file(folder: Path, name: str) -> Path:
    """Where Envoy reads the secret; its folder is the one to watch. `folder` is the Envoy's own."""
    return folder / "secrets" / f"{name}.json"


def gateway_secret(credential: str) -> str:
    """The name of the secret that a Gateway's `credentialName` means."""
    return f"kubernetes-{credential}"


def held(folder: Path, name: str = WORKLOAD) -> x509.Certificate | None:
    """The certificate that the secret holds now; None when there is none, or a byte of it or of its key is damaged."""
    try:
        chain = (stored(folder, name) or {})["tls_certificate"]["certificate_chain"]["inline_string"]
        return x509.load_pem_x509_certificate(chain.encode())
    except (ValueError, LookupError, TypeError, AttributeError):  # Another secret's content, or none.
        return None


def stored(folder: Path, name: str) -> dict[str, Any] | None:
    """The secret as it was written; None when there is none, or it is damaged."""
    try:
        file = json.loads(secret_file(folder, name).read_text("utf-8"))
        (secret,) = file["resources"]
        return secret if file["version_info"] == version(secret) else None
    except (OSError, ValueError, LookupError, TypeError):
        return None


def renewal_time(certificate: x509.Certificate) -> datetime:
    """When two thirds of its life have passed."""
    issued = certificate.not_valid_before_utc + BACKDATED
    return issued + RENEWED_AT * (certificate.not_valid_after_utc - issued)


def is_of(certificate: x509.Certificate, authority: Authority) -> bool:
    """Whether this authority issued it."""
    try:
        certificate.verify_directly_issued_by(x509.load_pem_x509_certificate(authority.certificate.read_bytes()))
    except (ValueError, TypeError, InvalidSignature):
        return False
    return True


def names(spiffe: str, hosts: Sequence[str]) -> list[x509.GeneralName]:
    if spiffe:
        return [x509.UniformResourceIdentifier(spiffe)]
    return [x509.IPAddress(ipaddress.ip_address(host)) if is_address(host) else x509.DNSName(host) for host in hosts]


def is_address(host: str) -> bool:
    try:
        ipaddress.ip_address(host)
    except ValueError:
        return False
    return True


def key_usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        encipher_only=False,
        decipher_only=False,
    )


def pem_of(item: x509.Certificate | ec.EllipticCurvePrivateKey) -> str:
    if isinstance(item, x509.Certificate):
        return item.public_bytes(serialization.Encoding.PEM).decode()
    private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    return item.private_bytes(serialization.Encoding.PEM, *private).decode()


def write(folder: Path, name: str, secret: dict[str, object]) -> None:
    path = secret_file(folder, name)
    path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
    resource = {"@type": TYPE, "name": name, **secret}
    write_private(path, json.dumps({"version_info": version(resource), "resources": [resource]}))


def version(resource: dict[str, Any]) -> str:
    return hashlib.sha256(json.dumps(resource).encode()).hexdigest()[:16]
