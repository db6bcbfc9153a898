"""The controller as a process."""

import signal
import sys
from collections.abc import Mapping
from importlib.metadata import version

from cli.machine.home import Home
from cli.machine.mesh import status


class Controller:
    name = "controller"
    stage = 0
    awaited = True
    address = ""
    metrics = ""
    stop_signal = signal.SIGTERM
    user = None

    def __init__(self, home: Home) -> None:
        self._home = home

    @property
    def version(self) -> str:
        return version("bourse")

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-m", "cli.machine.mesh.controller", str(self._home.folder)]

    @property
    def environment(self) -> Mapping[str, str]:
        return {"GRPC_VERBOSITY": "NONE"}

    def prepare(self) -> None:
        """It makes what it needs."""

    def ready(self, pid: int) -> bool:
        """Every Envoy has its configuration."""
        said = status.read(self._home)
        return said is not None and said.pid == pid and said.generation >= 0
