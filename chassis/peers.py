"""Who is at the other end of the mesh: the certificate that the sidecar verified, as it tells it with every call.

The header is x-forwarded-client-cert as Envoy writes it (docs: HTTP header manipulation, XFCC) and SANITIZE_SET keeps it: one
element, the peer's own. Only the sidecar can reach the process, so only the sidecar can have written it.
"""

import math
import re
from collections.abc import Sequence
from dataclasses import replace
from typing import Protocol

import grpc

from chassis.errors import Refusal
from chassis.identity import GENERAL, RINGS, Caller, Metadata, Verifier, issuers
from chassis.settings import Process

HEADER = "x-forwarded-client-cert"
RING_HEADER = "bourse-ring"
GATEWAY = "gateway"
SERVICE = re.compile(r"svc-[a-z]+")
HEADER_BYTES_LIMIT = 16_384
PAIR = r'([A-Za-z]+)=("(?:[^"\\]|\\.)*"|[^",;=]*)'
PAIRS = re.compile(PAIR)
ELEMENT = re.compile(f"{PAIR}(?:;{PAIR})*")


class Callers(Protocol):
    """Knows who calls."""

    async def caller(self, metadata: Metadata) -> Caller:
        """The caller of a call with this metadata. Raises Refusal UNAUTHENTICATED."""


class Peers:
    """In the mesh `mesh` (trust domain and namespace, such as cluster.local/ns/bourse): a service is known by its certificate.

    The gateway's peer is whoever the token says that it brings: a broker or an operator, never a service. The ring is
    the gateway's word alone.
    """

    def __init__(self, mesh: str, verifier: Verifier) -> None:
        self._accounts = f"spiffe://{mesh}/sa/"
        self._verifier = verifier

    async def caller(self, metadata: Metadata) -> Caller:
        """See Callers; PEER_UNKNOWN when the certificate is no service's and not the gateway's."""
        account = self._account([value for key, value in metadata if key == HEADER])
        if SERVICE.fullmatch(account):
            return Caller("service", account.replace("-", "_"), "", math.inf)
        if account != GATEWAY:
            raise _unknown(account)
        return replace(await self._verifier.caller(metadata), ring=_ring(metadata))

    def _account(self, headers: Sequence[str | bytes]) -> str:
        peer = peer_uri(headers[0]) if len(headers) == 1 else ""
        return peer.removeprefix(self._accounts) if peer.startswith(self._accounts) else ""


def callers(told: Process) -> Callers:
    """Who is believed to be whom, as the settings say."""
    verifier = Verifier(*issuers(told))
    return Peers(told.mesh, verifier) if told.mesh else verifier


def peer_uri(header: str | bytes) -> str:
    """The one URI of the one element of the header; empty when there are none or several, or it is no such header."""
    if not isinstance(header, str) or len(header) > HEADER_BYTES_LIMIT or not ELEMENT.fullmatch(header):
        return ""
    uris = [value for key, value in PAIRS.findall(header) if key.lower() == "uri"]
    return _unquoted(uris[0]) if len(uris) == 1 else ""


def _unquoted(value: str) -> str:
    return re.sub(r"\\(.)", r"\1", value[1:-1]) if value.startswith('"') else value


def _ring(metadata: Metadata) -> str:
    named = [value for key, value in metadata if key == RING_HEADER]
    return next((ring for ring in RINGS if named == [ring]), GENERAL)


def _unknown(account: str) -> Refusal:
    return Refusal(
        grpc.StatusCode.UNAUTHENTICATED,
        "PEER_UNKNOWN",
        "no certificate of a service or of the gateway came with the call",
        field=HEADER,
        value=account,
        fix="call through the mesh",
    )
