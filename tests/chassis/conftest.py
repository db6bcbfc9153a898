"""A server on the chassis with tokens of its own: the boundary is tried from outside, over a real socket."""

import json
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from bourse.match.v1 import match_pb2, match_pb2_grpc
from chassis.client import channel
from chassis.identity import Issuer, Verifier
from chassis.server import Server

MATCH = match_pb2.DESCRIPTOR.services_by_name["MatchService"]
Mint = Callable[..., str]


class Keys:
    """An issuer: a key, the key set that names it, and the tokens it signs."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "jwks.json"
        self._key = Ed25519PrivateKey.generate()
        self.publish("one")

    def publish(self, *key_ids: str) -> None:
        """Writes the key set, with the key under each of `key_ids`; tokens name the first."""
        public = json.loads(jwt.algorithms.OKPAlgorithm.to_jwk(self._key.public_key()))
        keys = [{**public, "kid": key_id, "alg": "EdDSA", "use": "sig"} for key_id in key_ids]
        self.file.write_text(json.dumps({"keys": keys}))
        self.key_id = key_ids[0]

    def token(self, role: str = "operator", sub: str = "someone", seconds: float = 60, **claims: Any) -> str:
        """A token that expires in `seconds`."""
        payload = {"iss": "bourse", "aud": "bourse", "sub": sub, "role": role, "exp": time.time() + seconds}
        return jwt.encode(payload | claims, self._key, "EdDSA", {"kid": self.key_id} if self.key_id else None)

    def verifier(self) -> Verifier:
        """A verifier that reads this key set."""
        return Verifier(Issuer(str(self.file), "bourse", "bourse"))


@pytest.fixture
def keys(tmp_path: Path) -> Keys:
    """A fresh issuer."""
    return Keys(tmp_path)


@asynccontextmanager
async def serving(servicer: match_pb2_grpc.MatchServiceServicer, keys: Keys) -> AsyncIterator[tuple[Server, str]]:
    """A started server and its address; stopped at the end."""
    server = Server("127.0.0.1:0", keys.verifier())
    server.add(MATCH, match_pb2_grpc.add_MatchServiceServicer_to_server, servicer)
    await server.start()
    try:
        yield server, f"127.0.0.1:{server.port}"
    finally:
        await server.drain()


@asynccontextmanager
async def calling(address: str, token: str = "") -> AsyncIterator[Any]:
    """A stub that calls with `token`."""
    async with channel(address, token=token) as opened:
        yield match_pb2_grpc.MatchServiceStub(opened)


async def refused(call: Any) -> grpc.aio.AioRpcError:
    """The error that `call` ends with; fails if it succeeds."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await call
    return caught.value
