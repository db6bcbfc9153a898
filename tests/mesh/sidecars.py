"""A small mesh for a test: real Envoys of the translator, and an echo of who called behind each sidecar."""

from __future__ import annotations

import json
import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import grpc

from cli.machine.mesh.sidecar import DRAIN_STRATEGY
from mesh.local.admin import ADMIN_SOCKET, Admin
from mesh.local.certificates import WORKLOAD, Authority, gateway_secret, write_root, write_secret
from mesh.local.cluster import APP_SOCKET
from mesh.local.confirmed import behind
from mesh.local.files import bootstrap, push
from mesh.local.listener import EGRESS_SOCKET
from mesh.local.model import Pod, World, spiffe
from mesh.local.resources import Resources
from mesh.local.translate import resources
from tests.waiting import eventually

ENVOY = Path(".venv/bin/envoy").resolve()
START_SECONDS = 60.0
ECHO = "/bourse.test.v1.EchoService/Echo"
STREAM = "/bourse.test.v1.EchoService/EchoStream"


def fresh_addresses() -> Iterator[str]:
    """Loopback addresses of a network of this run's own: two runs beside each other do not meet."""
    network = f"127.{secrets.randbelow(120) + 100}.{secrets.randbelow(256)}"
    return (f"{network}.{host}" for host in range(1, 255))


class Echo(grpc.GenericRpcHandler):
    """Answers every method with what it was sent: the metadata, and which pod this is."""

    def __init__(self, pod: Pod) -> None:
        self.pod = pod

    def service(self, handler_call_details: grpc.HandlerCallDetails) -> grpc.RpcMethodHandler[bytes, bytes]:
        def answer(request: bytes, context: grpc.ServicerContext) -> bytes:
            if request:
                context.abort(grpc.StatusCode[request.decode()], "as asked")
            metadata: dict[str, list[str]] = {}
            for key, value in context.invocation_metadata():
                metadata.setdefault(str(key), []).append(value if isinstance(value, str) else value.hex())
            return json.dumps({"pod": self.pod.name, "metadata": metadata}).encode()

        def stream(requests: Any, context: grpc.ServicerContext) -> Any:
            for request in requests:
                yield answer(request, context)

        if handler_call_details.method.endswith("Stream"):
            return grpc.stream_stream_rpc_method_handler(stream)
        return grpc.unary_unary_rpc_method_handler(answer)


class Sidecars:
    """Pods in one mesh. `close` ends all that it started and removes its folder. Without `echoes` the applications are the
    caller's own matter.
    """

    def __init__(
        self,
        world: World,
        pods: Sequence[Pod],
        authority: Authority | None = None,
        *,
        echoes: bool = True,
        drain_seconds: int = 1,
    ) -> None:
        self.world = world
        self.folder = Path(tempfile.mkdtemp(prefix="mesh-"))
        self.pods = {pod.name: pod for pod in pods}
        self.authority = authority or Authority(self.folder)
        self.authority.create()
        self._with_echoes = echoes
        self._drain = ("--drain-time-s", str(drain_seconds), "--drain-strategy", DRAIN_STRATEGY)
        self._envoys: dict[str, subprocess.Popen[bytes]] = {}
        self._echoes: list[grpc.Server] = []

    def start(self) -> None:
        for pod in self.pods.values():
            self._place(pod)
        for name in self.pods:
            eventually(self.admin(name).is_live, START_SECONDS)

    def folder_of(self, name: str) -> Path:
        return self.folder / name

    def admin(self, name: str) -> Admin:
        return Admin(self.pods[name].sockets / ADMIN_SOCKET)

    def made(self, name: str, world: World) -> Resources:
        """What the pod's Envoy must have in this world."""
        return resources(world, self.pods[name], list(self.pods.values()), self.folder_of(name))

    def push(self, name: str) -> list[str]:
        """Gives the pod's Envoy what the world says now."""
        return push(self.folder_of(name), self.made(name, self.world))

    def run(self, name: str, world: World) -> None:
        """Gives the pod's Envoy what this world says, and returns when it runs that."""
        given = self.made(name, world)
        push(self.folder_of(name), given)
        eventually(lambda: not behind(self.admin(name).versions(), given))

    def channel(self, name: str, host: str) -> grpc.Channel:
        """As the application of that pod dials: its egress socket, the target as authority."""
        options = [("grpc.default_authority", host), ("grpc.use_local_subchannel_pool", 1)]
        return grpc.insecure_channel(f"unix:{self.pods[name].sockets / EGRESS_SOCKET}", options)

    def pid(self, name: str) -> int:
        return self._envoys[name].pid

    def log(self, name: str) -> str:
        return (self.folder_of(name) / "envoy.log").read_text()

    def close(self) -> None:
        for envoy in self._envoys.values():
            envoy.send_signal(signal.SIGTERM)
        for echo in self._echoes:
            echo.stop(None)
        for envoy in self._envoys.values():
            try:
                envoy.wait(5)
            except subprocess.TimeoutExpired:
                envoy.kill()
                envoy.wait()
        shutil.rmtree(self.folder)
        for pod in self.pods.values():
            shutil.rmtree(pod.sockets, ignore_errors=True)

    def _place(self, pod: Pod) -> None:
        folder = self.folder_of(pod.name)
        folder.mkdir()
        pod.sockets.mkdir(mode=0o700, exist_ok=True)
        issued = self.authority.issue(spiffe(self.world.mesh.trust_domain, pod.namespace, pod.service_account))
        write_secret(folder, WORKLOAD, issued)
        write_root(folder, self.authority)
        for gateway in self.world.of("Gateway"):
            for server in gateway.spec["servers"]:
                if "tls" in server:
                    hosts = ["localhost" if host == "*" else host for host in server["hosts"]]
                    issued = self.authority.issue(hosts=hosts)
                    write_secret(folder, gateway_secret(server["tls"]["credentialName"]), issued)
        if self._with_echoes and not pod.gateway:
            server = grpc.server(ThreadPoolExecutor(4), handlers=[Echo(pod)])
            server.add_insecure_port(f"unix:{pod.sockets / APP_SOCKET}")
            server.start()
            self._echoes.append(server)
        self.push(pod.name)
        (folder / "bootstrap.json").write_text(json.dumps(bootstrap(pod, folder)))
        with (folder / "envoy.log").open("wb") as log:
            command = [
                ENVOY,
                "-c",
                folder / "bootstrap.json",
                "--concurrency",
                "1",
                "--disable-hot-restart",
                "--reject-unknown-dynamic-fields",
                "-l",
                "warn",
            ]
            self._envoys[pod.name] = subprocess.Popen(
                [*map(str, command), *self._drain], stdout=log, stderr=log, start_new_session=True, env={**os.environ}
            )
