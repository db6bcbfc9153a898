"""An OpenID Connect provider, as far as an exchange sees it: a key set in a file, and the ID tokens that it signs."""

import json
import time
from pathlib import Path
from typing import Any

import jwt
from cryptography.hazmat.primitives.asymmetric import ec, rsa

ISSUER = "https://id.example/realms/brokers"
AUDIENCE = "the-exchange"
RSA_BITS = 2048


class Provider:
    """Publishes the public halves of its keys; signs with the newest."""

    def __init__(self, folder: Path) -> None:
        self.key_set = folder / "provider.json"
        self._key: ec.EllipticCurvePrivateKey | rsa.RSAPrivateKey
        self._published: dict[str, dict[str, Any]] = {}
        self.rotate("ES256", "first")

    def rotate(self, algorithm: str, key_id: str, *, keep: bool = True) -> None:
        """A new key of the algorithm, beside those before it or in their place."""
        if algorithm == "ES256":
            private = ec.generate_private_key(ec.SECP256R1())
            public = json.loads(jwt.algorithms.ECAlgorithm.to_jwk(private.public_key()))
            self._key = private
        else:
            self._key = rsa.generate_private_key(65537, RSA_BITS)
            public = json.loads(jwt.algorithms.RSAAlgorithm.to_jwk(self._key.public_key()))
        self._algorithm, self._key_id = algorithm, key_id
        kept = self._published if keep else {}
        self._published = {**kept, key_id: {**public, "kid": key_id, "use": "sig"}}
        self.publish()

    def publish(self, use: str = "sig") -> None:
        """Writes the key set."""
        self.key_set.write_text(json.dumps({"keys": [{**key, "use": use} for key in self._published.values()]}))

    def token(self, **claims: Any) -> str:
        """Signed with the newest key. A claim of None is left out."""
        now = time.time()
        usual = {"iss": ISSUER, "aud": [AUDIENCE, "account"], "sub": "ann", "participant": "alpha", "iat": now}
        payload = usual | {"exp": now + 60, "azp": "terminal"} | claims
        kept = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(kept, self._key, self._algorithm, {"kid": self._key_id})
