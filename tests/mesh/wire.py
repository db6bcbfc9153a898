"""Callers at the mTLS port of a pod with any certificate, or none: gRPC on a socket of their own, TLS from there to the pod.

gRPC's own TLS wants a host name in the server's certificate; a workload's has a SPIFFE id alone.
"""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

from mesh.local.certificates import Issued

CHUNK_BYTES = 1 << 16
SECONDS = 10.0
DENIED = "this caller may not call this method"  # As a sidecar says it; a service names the caller.
LOCAL = (("grpc.use_local_subchannel_pool", 1),)


@dataclass(frozen=True)
class Ended:
    """How a call ended: its status, the reason of its ErrorInfo, and what it said."""

    status: str
    reason: str = ""
    details: str = ""

    @property
    def arrived(self) -> bool:
        """Whether the service itself answered: with a result, or with a refusal of its own that is not about the caller."""
        if self.status in ("UNAUTHENTICATED", "PERMISSION_DENIED"):
            return (
                bool(self.reason)
                and self.reason not in ("CALLER_NOT_ALLOWED", "PEER_UNKNOWN")
                and "TOKEN" not in self.reason
            )
        return self.status == "OK" or (bool(self.reason) and self.reason != "SERVICE_UNREACHABLE")


@asynccontextmanager
async def peer(folder: Path, address: str, context: ssl.SSLContext | None) -> AsyncIterator[grpc.aio.Channel]:
    """A channel to host:port as whoever the context's certificate names; None: in the clear."""
    host, _, port = address.rpartition(":")

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with contextlib.suppress(OSError):
            there = await asyncio.open_connection(host, int(port), ssl=context)
            await asyncio.gather(pump(reader, there[1]), pump(there[0], writer))
        writer.close()

    socket = folder / f"{len(list(folder.iterdir()))}.sock"
    server = await asyncio.start_unix_server(pass_on, socket)
    async with grpc.aio.insecure_channel(f"unix:{socket}", LOCAL) as channel:
        yield channel
    server.close()


async def pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(OSError):  # Also what TLS has against the peer, which the server says late.
        while data := await reader.read(CHUNK_BYTES):
            writer.write(data)
            await writer.drain()
    writer.close()


def as_peer(folder: Path, issued: Issued | None) -> ssl.SSLContext:
    """TLS with HTTP/2 and this certificate. The server's own is not looked at: who it is, others test."""
    context = ssl.create_default_context()
    context.check_hostname, context.verify_mode = False, ssl.CERT_NONE
    context.set_alpn_protocols(["h2"])
    if issued is not None:
        chain = folder / f"{len(list(folder.iterdir()))}.pem"
        chain.write_text(issued.certificate + issued.key)
        context.load_cert_chain(chain)
    return context


async def call(
    channel: grpc.aio.Channel, path: str, request: bytes | None, metadata: Iterable[tuple[str, str]] = ()
) -> Ended:
    """Any method, until its first answer or its end. No request: a stream of none."""
    told: Any = {"metadata": tuple(metadata), "timeout": SECONDS}
    opened: Any = channel
    made = (
        opened.stream_stream(path)(iter(()), **told) if request is None else opened.unary_stream(path)(request, **told)
    )
    try:
        await made.read()
        return Ended("OK")
    except asyncio.CancelledError:
        if not made.done():
            raise
        return Ended("UNAVAILABLE", details="the connection broke")  # grpc's other word for it
    except grpc.aio.AioRpcError as error:
        return Ended(error.code().name, reason_of(error), error.details() or "")
    finally:
        made.cancel()


def reason_of(error: grpc.aio.AioRpcError) -> str:
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin" and isinstance(value, bytes):
            info = error_details_pb2.ErrorInfo()
            if status_pb2.Status.FromString(value).details[0].Unpack(info):
                return str(info.reason)
    return ""
