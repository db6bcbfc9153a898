"""The mesh's certificate authority on one machine, and the files that Envoy watches."""

import json
import ssl
import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest
from cryptography import x509

from cli.machine.mesh.keyring import Keyring, Secret
from mesh.local import certificates
from mesh.local.certificates import Authority, Issued

SPIFFE = "spiffe://cluster.local/ns/bourse/sa/svc-order"


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    made = Authority(tmp_path)
    made.create()
    return made


def test_a_workload_has_its_spiffe_id_alone(authority: Authority) -> None:
    """One URI, critical because there is no subject; no authority of its own; client and server."""
    certificate = x509.load_pem_x509_certificate(authority.issue(SPIFFE).certificate.encode())
    name = certificate.extensions.get_extension_for_class(x509.SubjectAlternativeName)
    assert (list(name.value), name.critical) == ([x509.UniformResourceIdentifier(SPIFFE)], True)
    assert not certificate.subject.rdns
    assert not certificate.extensions.get_extension_for_class(x509.BasicConstraints).value.ca
    assert certificates.is_of(certificate, authority)


@pytest.mark.parametrize("host", ["localhost", "127.0.0.1", "api.bourse.example"])
def test_strict_clients_believe_the_gateway(authority: Authority, tmp_path: Path, host: str) -> None:
    """A client with the authority's certificate alone, and OpenSSL's strict rules, accepts each of its names."""
    issued = authority.issue(hosts=("localhost", "127.0.0.1", "api.bourse.example"))
    assert handshake(authority, issued, tmp_path, host) == ""


def test_a_name_that_it_has_not_is_refused(authority: Authority, tmp_path: Path) -> None:
    """A certificate of localhost is none of another host."""
    issued = authority.issue(hosts=("localhost",))
    assert "Hostname mismatch" in handshake(authority, issued, tmp_path, "other.example")


def test_another_authority_is_not_believed(authority: Authority, tmp_path: Path) -> None:
    """The same names from elsewhere do not help."""
    (tmp_path / "other").mkdir()
    other = Authority(tmp_path / "other")
    other.create()
    assert "CERTIFICATE_VERIFY_FAILED" in handshake(authority, other.issue(hosts=("localhost",)), tmp_path, "localhost")
    foreign = x509.load_pem_x509_certificate(other.issue(SPIFFE).certificate.encode())
    assert not certificates.is_of(foreign, authority)


def test_an_authority_stays(authority: Authority, tmp_path: Path) -> None:
    """What it issued before a restart is still its own."""
    before = authority.certificate.read_text()
    Authority(tmp_path).create()
    assert authority.certificate.read_text() == before


def test_it_is_renewed_after_two_thirds_of_its_life(authority: Authority) -> None:
    """Of 24 hours: after 16."""
    certificate = x509.load_pem_x509_certificate(authority.issue(SPIFFE).certificate.encode())
    left = certificates.renewal_time(certificate) - datetime.now(UTC)
    assert timedelta(hours=15.9) < left <= timedelta(hours=16)


def test_a_secret_is_one_file_for_its_owner(authority: Authority, tmp_path: Path) -> None:
    """Chain and key are replaced together, and nobody else reads them, nor prints them by accident."""
    issued = authority.issue(SPIFFE)
    certificates.write_secret(tmp_path, certificates.WORKLOAD, issued)
    certificates.write_root(tmp_path, authority)
    for name in (certificates.WORKLOAD, certificates.ROOT):
        path = certificates.secret_file(tmp_path, name)
        assert stat.S_IMODE(path.stat().st_mode) == 0o600
        assert stat.S_IMODE(path.parent.stat().st_mode) == 0o700
        assert json.loads(path.read_text())["resources"][0]["name"] == name
    assert certificates.held(tmp_path) == x509.load_pem_x509_certificate(issued.certificate.encode())
    assert "PRIVATE KEY" not in repr(issued)


@pytest.mark.parametrize("name", [certificates.WORKLOAD, certificates.ROOT])
@pytest.mark.parametrize("damage", ["", "{", "[]", "changed", "missing", "the other's", "the authority's", "a list"])
def test_a_damaged_secret_is_written_again(authority: Authority, tmp_path: Path, name: str, damage: str) -> None:
    """A pod's own, a byte of its key too, and whom it believes, each alone; what is whole stays as it is."""
    keyring, wanted = Keyring(authority), [Secret(tmp_path / "pod", certificates.WORKLOAD, SPIFFE)]
    assert (keyring.keep(wanted), keyring.keep(wanted)) == (1, 0)
    files = {one: certificates.secret_file(tmp_path / "pod", one) for one in (certificates.WORKLOAD, certificates.ROOT)}
    before = {one: file.read_text() for one, file in files.items()}
    if damage == "missing":
        files[name].unlink()
    elif damage == "the other's":
        files[name].write_text(next(before[one] for one in files if one != name))
    elif damage == "the authority's":
        certificates.write_secret(tmp_path / "pod", name, Issued(authority.certificate.read_text(), ""))
    elif damage == "a list":
        files[name].write_text(json.dumps({"version_info": certificates.version([]), "resources": [[]]}))
    else:
        files[name].write_text(before[name].replace("-----END", "A-----END") if damage == "changed" else damage)
    assert keyring.keep(wanted) == (name == certificates.WORKLOAD)
    assert certificates.held(tmp_path / "pod") is not None
    assert certificates.holds_root(tmp_path / "pod", authority)
    after = {one: file.read_text() for one, file in files.items()}
    assert {one for one in files if after[one] != before[one]} == {name} - {certificates.ROOT}


def test_what_is_no_secret_holds_nothing(tmp_path: Path) -> None:
    """A missing, an empty and a damaged file are to be written again."""
    assert certificates.held(tmp_path) is None
    path = certificates.secret_file(tmp_path, certificates.WORKLOAD)
    path.parent.mkdir()
    for text in ("", "{}", '{"resources": [{"tls_certificate": {"certificate_chain": {"inline_string": "x"}}}]}'):
        path.write_text(text)
        assert certificates.held(tmp_path) is None


def handshake(authority: Authority, issued: Issued, folder: Path, host: str) -> str:
    """Why a client refuses the server; empty when it does not."""
    chain = folder / "server.pem"
    chain.write_text(issued.certificate + issued.key)
    serving = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    serving.load_cert_chain(chain)
    asking = ssl.create_default_context(cafile=str(authority.certificate))
    asking.verify_flags |= ssl.VERIFY_X509_STRICT
    up, down = ssl.MemoryBIO(), ssl.MemoryBIO()
    client = asking.wrap_bio(down, up, server_hostname=host)
    server = serving.wrap_bio(up, down, server_side=True)
    for _ in range(4):
        for side in (client, server):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
            except ssl.SSLCertVerificationError as error:
                return str(error)
    return ""
