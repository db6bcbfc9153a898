"""What sidecars do for processes, without TLS: sockets in a folder, the caller's certificate told, streams seen and held up."""

import asyncio
import threading
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import grpc

from cli.machine import Machine
from tests.servers import Database
from tests.svc_order.process import LOCAL, Exchange

MESH = "cluster.local/ns/bourse"
HEADER = "x-forwarded-client-cert"
SERVICES = ("svc_match", "svc_ledger", "svc_order")
OWN = ("user-agent", "grpc-accept-encoding", "accept-encoding", HEADER)


def certificate(account: str) -> tuple[str, str]:
    """The header of a peer's certificate, as Envoy writes it."""
    uri = f"spiffe://{MESH}/sa/{account}"
    return HEADER, f'By=spiffe://{MESH}/sa/any;Hash=00;Subject="";URI={uri}'


class Egress(grpc.GenericRpcHandler):
    """The outbound side of one process: passes calls on to the service that their path names, with the process' certificate."""

    def __init__(self, account: str, folder: Path) -> None:
        self.streams: list[tuple[str, dict[str, Any]]] = []
        self.gates: dict[str, asyncio.Event] = {}
        self._certificate = certificate(account)
        self._folder = folder

    def service(self, details: Any) -> Any:
        """Every method, as a stream of bytes both ways."""
        method, metadata = details.method, dict(details.invocation_metadata)
        self.streams.append((method, metadata))
        gate = self.gates.get(metadata.get("bourse-ring", ""))

        async def pass_on(requests: AsyncIterator[bytes], context: Any) -> AsyncIterator[bytes]:
            async def held_up() -> AsyncIterator[bytes]:
                async for request in requests:
                    if gate is not None:
                        await gate.wait()
                    yield request

            target = f"unix:{self._folder}/svc_{method.split('.')[1]}.app"
            sent = (*((key, value) for key, value in metadata.items() if key not in OWN), self._certificate)
            async with grpc.aio.insecure_channel(target, options=LOCAL) as channel:
                call: Any = channel.stream_stream(method)(held_up(), metadata=sent)  # type: ignore[operator]
                try:
                    async for response in call:
                        yield response
                except grpc.aio.AioRpcError as error:
                    await context.abort(error.code(), error.details() or "", tuple(error.trailing_metadata()))

        return grpc.stream_stream_rpc_method_handler(pass_on)


class Meshed(Exchange):
    """The exchange with every process behind its own sockets, known by certificates; no service has a token."""

    def __init__(self, machine: Machine, database: Database, folder: Path) -> None:
        super().__init__(machine, database)
        self._sockets = folder
        self.egress = {name: Egress(name.replace("_", "-"), folder) for name in SERVICES}
        self.address = {name: f"unix:{folder}/{name}.app" for name in SERVICES}
        for name in SERVICES:
            self.variables[name] = {"MESH": MESH, "EGRESS": f"unix:{folder}/{name}.out", "TOKEN_FILE": ""}
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever)
        self._thread.start()
        self._servers = self.run(self._serve())

    def run(self, work: Any) -> Any:
        """Runs a coroutine where the sidecars run."""
        return asyncio.run_coroutine_threadsafe(work, self._loop).result(30)

    def at(self, name: str, *metadata: tuple[str, str]) -> Any:
        """A channel to a process' own socket, as its sidecar dials it; every call carries `metadata`."""
        return Carrying(grpc.insecure_channel(self.address[name], options=LOCAL), metadata)

    def end(self) -> None:
        """Ends everything."""
        super().end()
        for server in self._servers:
            self.run(server.stop(0))
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()

    def _channel(self, name: str, token: str) -> Any:
        """As from the gateway."""
        return self.at(name, certificate("gateway"), *((("authorization", f"Bearer {token}"),) if token else ()))

    async def _serve(self) -> list[grpc.aio.Server]:
        servers = []
        for name, egress in self.egress.items():
            server = grpc.aio.server()
            server.add_generic_rpc_handlers((egress,))
            server.add_insecure_port(f"unix:{self._sockets}/{name}.out")
            await server.start()
            servers.append(server)
        return servers


class Carrying:
    """A channel whose every call carries metadata, its own first."""

    def __init__(self, channel: grpc.Channel, metadata: tuple[tuple[str, str], ...]) -> None:
        self._channel = channel
        self._metadata = metadata

    def __getattr__(self, kind: str) -> Any:
        def method(*arguments: Any, **options: Any) -> Any:
            start = getattr(self._channel, kind)(*arguments, **options)
            return lambda *given, metadata=(), **more: start(*given, metadata=(*metadata, *self._metadata), **more)

        return method
