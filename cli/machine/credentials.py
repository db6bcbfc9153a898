"""Who may do what on this machine: passwords, the signing key, and the tokens that it signs.

Made at the first start, in files that their owner alone can read. The signing key is Ed25519 (RFC 8032), its public half
a key set (RFC 7517) named by its thumbprint (RFC 7638), the tokens JWTs (RFC 7519). Brokers' tokens may come from an OpenID
Connect issuer instead: where one is named, this key signs none for them.
"""

import base64
import hashlib
import json
import secrets
import time
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

import jwt
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from chassis.units import EXCHANGE, PARTICIPANT, PARTICIPANT_FORM
from cli.machine.home import SERVICES, MachineError, to_json
from mesh.local.private import write_private

ISSUER = "bourse"
AUDIENCE = "bourse"
ADMINISTRATOR = "administrator"  # Makes databases, roles and streams; the supervisor alone uses it.
AUDITOR = "auditor"  # Reads everything and changes nothing: what `bourse reconcile` works with.
USERS = (*SERVICES, AUDITOR, ADMINISTRATOR)
TOKEN_SECONDS = 3_600
RENEWAL_SECONDS = TOKEN_SECONDS // 4
TOKEN_SECONDS_LIMIT = 366 * 86_400


@dataclass(frozen=True)
class BrokerIssuer:
    """Who issues brokers' tokens: its key set (an https URL or a file), its `iss`, and the `aud` that means us.

    Three empty texts stand for this machine's own key.
    """

    jwks: str = ""
    issuer: str = ""
    audience: str = ""

    @property
    def is_remote(self) -> bool:
        """Whether its key set is fetched."""
        return self.jwks.startswith("https://")

    def checked(self) -> "BrokerIssuer":
        """With the file's full path. Raises MachineError when it cannot be used."""
        if not (self.jwks or self.issuer or self.audience):
            return self
        if not (self.jwks and self.issuer and self.audience):
            raise MachineError("an issuer of brokers' tokens needs all of --jwks, --issuer and --audience")
        if self.issuer == ISSUER:
            raise MachineError(f"--issuer {ISSUER} is this machine's own key: name another, or leave it out")
        if self.is_remote:
            return self
        if not Path(self.jwks).is_file():
            raise MachineError(f"--jwks {self.jwks} is neither a file nor an https:// URL")
        return BrokerIssuer(str(Path(self.jwks).resolve()), self.issuer, self.audience)


class Credentials:
    """The files in one folder."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self.key_set = folder / "jwks.json"
        self.authority = folder / "ca.pem"  # Whom the gateway's callers believe; mesh.local.certificates makes it.
        self._key = folder / "signing_key.pem"
        self._passwords = folder / "passwords.json"
        self._broker_issuer = folder / "broker_issuer.json"

    def create(self) -> None:
        """Makes what is not there yet."""
        if not self._passwords.exists():
            made = {server: {user: secrets.token_hex(16) for user in USERS} for server in ("postgres", "nats")}
            write_private(self._passwords, to_json(made))
        if not self._key.exists():
            private = serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
            pem = Ed25519PrivateKey.generate().private_bytes(serialization.Encoding.PEM, *private)
            write_private(self._key, pem.decode())
        write_private(self.key_set, to_json({"keys": [self._public_key()]}))

    def password(self, server: str, user: str) -> str:
        """The user's password at `postgres` or `nats`."""
        passwords: dict[str, dict[str, str]] = json.loads(self._passwords.read_text("utf-8"))
        return passwords[server][user]

    @property
    def broker_issuer(self) -> BrokerIssuer:
        """As it was named last."""
        if not self._broker_issuer.exists():
            return BrokerIssuer()
        return BrokerIssuer(**json.loads(self._broker_issuer.read_text("utf-8")))

    def name_broker_issuer(self, named: BrokerIssuer) -> None:
        """Kept for this start of the exchange and later ones."""
        write_private(self._broker_issuer, to_json(asdict(named.checked())))

    def token_file(self, subject: str) -> Path:
        """Where the token of a service, or of `operator`, is kept fresh."""
        return self._folder / f"{subject}.jwt"

    def renew(self, subjects: Iterable[str] = (*SERVICES, "operator")) -> None:
        """Fresh tokens for the services and the operator, each in its file."""
        for subject in subjects:
            write_private(
                self.token_file(subject), self.issue(subject, "operator" if subject == "operator" else "service")
            )

    def issue(
        self, subject: str, role: str, participant: str = "", seconds: int = TOKEN_SECONDS, *, ring: str = ""
    ) -> str:
        """A signed token. `role` is broker (with a participant, and perhaps a ring), operator or service."""
        if not self._key.exists():
            raise MachineError(f"{self._folder} holds no signing key: start the exchange once with `bourse up`")
        if role == "broker" and (elsewhere := self.broker_issuer.issuer):
            raise MachineError(
                f"brokers' tokens come from {elsewhere}, which `bourse up --issuer` named: get one there"
            )
        if role == "broker" and not PARTICIPANT.fullmatch(participant):
            raise MachineError(f"{participant!r} can be no participant: a name is {PARTICIPANT_FORM}")
        if participant == EXCHANGE:
            raise MachineError(f"{EXCHANGE} is the exchange's own name: no broker has it")
        now = int(time.time())
        claims = {"iss": ISSUER, "aud": AUDIENCE, "sub": subject, "iat": now, "exp": now + seconds, "role": role}
        if participant:
            claims["participant"] = participant
        if ring:
            claims["ring"] = ring
        key = self._public_key()["kid"]
        return jwt.encode(claims, self._key.read_text("ascii"), algorithm="EdDSA", headers={"kid": key})

    def _public_key(self) -> dict[str, str]:
        private = serialization.load_pem_private_key(self._key.read_bytes(), password=None)
        assert isinstance(private, Ed25519PrivateKey)
        raw = private.public_key().public_bytes(serialization.Encoding.Raw, serialization.PublicFormat.Raw)
        required = {"crv": "Ed25519", "kty": "OKP", "x": base64_url(raw)}
        thumbprint = hashlib.sha256(json.dumps(required, sort_keys=True, separators=(",", ":")).encode()).digest()
        return {**required, "alg": "EdDSA", "use": "sig", "kid": base64_url(thumbprint)}


def base64_url(data: bytes) -> str:
    return base64.urlsafe_b64encode(data).rstrip(b"=").decode()
