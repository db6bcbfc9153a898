"""A gateway of the YAML, alone but for two versions of svc_order behind their sidecars: each echoes the metadata it gets."""

import json
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import jwt

from cli.machine.credentials import Credentials
from cli.machine.home import Home, Layout, free_port
from cli.machine.mesh import world
from mesh.local.document import Document
from mesh.local.model import Pod, World
from tests.mesh.door import PLACE, Door
from tests.mesh.sidecars import Sidecars, fresh_addresses

HOUR = 3600


class Gate(Door):
    """Its callers' side, and the tokens that it accepts."""

    def __init__(self, sidecars: Sidecars, credentials: Credentials, port: int) -> None:
        super().__init__(f"localhost:{port}", sidecars.authority.certificate)
        self.sidecars = sidecars
        self._credentials = credentials

    def token(self, **claims: Any) -> str:
        """A broker's, changed by the claims; None leaves one out. `key` signs it instead of the right one."""
        folder = self._credentials.key_set.parent
        key = claims.pop("key", (folder / "signing_key.pem").read_text())
        usual = {"iss": "bourse", "aud": "bourse", "sub": "ann", "role": "broker", "participant": "alpha"}
        payload = usual | {"exp": time.time() + HOUR} | claims
        (public,) = json.loads(self._credentials.key_set.read_text())["keys"]
        kept = {name: value for name, value in payload.items() if value is not None}
        return jwt.encode(kept, key, "EdDSA", {"kid": public["kid"]})

    def echo(self, *sent: tuple[str, str]) -> dict[str, Any]:
        """What svc_order gets of a PlaceOrder with this metadata: `pod`, which says the version, and `metadata`."""
        told = self.call(PLACE, metadata=sent)
        assert told.status == "OK", told
        answer: dict[str, Any] = json.loads(told.body)
        return answer


@contextmanager
def gate(*changes: Document, drain_seconds: int = 1) -> Iterator[Gate]:
    """With these documents in place of the YAML's. `drain_seconds`: how long a listener lives on that is replaced."""
    with tempfile.TemporaryDirectory() as folder:
        home = Home(Path(folder) / "home")
        home.create()
        credentials = Credentials(home.credentials)
        credentials.create()
        layout = Layout(shards=2)
        layout.choose(home)
        port = free_port(set())
        addresses = fresh_addresses()
        versions = [pod(version, next(addresses)) for version in ("stable", "canary")]
        labels = {"app": "gateway"}
        entrance = Pod("gateway", "gateway", labels, next(addresses), sockets(), gateway=True, ports={443: port})
        made = loaded(layout, credentials).changed(changes)
        sidecars = Sidecars(made, [entrance, *versions], drain_seconds=drain_seconds)
        try:
            sidecars.start()
            yield Gate(sidecars, credentials, port)
        finally:
            sidecars.close()


def loaded(layout: Layout, credentials: Credentials) -> World:
    return world.load(layout, credentials, {})


def pod(version: str, address: str) -> Pod:
    labels = {"app": "svc-order", "version": version}
    return Pod(version, "svc-order", labels, address, sockets())


def sockets() -> Path:
    return Path(tempfile.mkdtemp(prefix="gate-"))
