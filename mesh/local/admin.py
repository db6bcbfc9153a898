"""Envoy's admin interface, on its Unix socket."""

import http.client
import json
import socket
from pathlib import Path
from typing import Any

ADMIN_SOCKET = "admin.sock"
TIMEOUT_SECONDS = 3.0


class Unreachable(Exception):
    """Nobody answers on the admin socket."""


class Absent(Unreachable):
    """Nobody listens on it: there is no such Envoy now."""


class Connection(http.client.HTTPConnection):
    """HTTP over a Unix socket."""

    def __init__(self, path: Path, seconds: float) -> None:
        super().__init__("localhost", timeout=seconds)
        self._path = path
        self._seconds = seconds

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self._seconds)
        self.sock.connect(str(self._path))


class Admin:
    """What an Envoy says about itself. Every call has a deadline; Unreachable when there is no answer."""

    def __init__(self, socket_path: Path, seconds: float = TIMEOUT_SECONDS) -> None:
        self.socket = socket_path
        self._seconds = seconds

    def json(self, path: str) -> Any:
        return json.loads(self.get(path))

    def is_live(self) -> bool:
        """Whether it has all it was configured with and takes calls."""
        try:
            return self.get("/ready").strip() == "LIVE"
        except Unreachable:
            return False

    def counters(self, pattern: str) -> dict[str, int]:
        """The counters and gauges whose names match."""
        found = {}
        for line in self.get(f"/stats?filter={pattern}").splitlines():
            name, _, value = line.rpartition(": ")
            if value.isdigit():
                found[name] = int(value)
        return found

    def versions(self) -> dict[str, str]:
        """The version of each file that was last accepted, by the name of what subscribes to it."""
        found = {}
        for line in self.get("/stats?type=TextReadouts&filter=version_text$").splitlines():
            name, _, value = line.partition(": ")
            found[name.removesuffix(".version_text")] = value.strip('"')
        return found

    def get(self, path: str) -> str:
        connection = Connection(self.socket, self._seconds)
        try:
            connection.request("GET", path)
            answer = connection.getresponse()
            text = answer.read().decode()
        except (ConnectionRefusedError, FileNotFoundError) as error:
            raise Absent(f"{self.socket}: {error}") from error
        except (OSError, http.client.HTTPException) as error:
            raise Unreachable(f"{self.socket}: {error}") from error
        finally:
            connection.close()
        if answer.status >= http.client.BAD_REQUEST and path != "/ready":
            raise Unreachable(f"{self.socket}: {answer.status} for {path}: {text.strip()}")
        return text
