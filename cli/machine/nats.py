"""NATS with JetStream from the Python package index: streams in the home, a user for each service.

Rights, by stream: svc_match makes and fills EXEC_<shard> and MD_<shard>; svc_ledger and svc_order consume EXEC_<shard>,
each through the durable consumer that bears its name; svc_quote, the only reader of MD_<shard>, through any; the auditor
reads all of them; nobody else anything.
Answers come to inboxes below `_INBOX.<user>`, and no user hears another's: a client connects with that inbox prefix.
"""

import json
import signal
import socket
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from cli.machine.credentials import ADMINISTRATOR, AUDITOR, Credentials
from cli.machine.home import Home
from cli.machine.program import listens
from mesh.local.private import write_private

READY_TIMEOUT_SECONDS = 1.0
STORAGE_BYTES_LIMIT = 32 << 30
MEMORY_BYTES_LIMIT = 256 << 20
CONNECTIONS_LIMIT = 256


class Nats:
    name = "nats"
    stage = 0
    awaited = True
    metrics = ""
    stop_signal = signal.SIGTERM
    user = None

    def __init__(self, home: Home, credentials: Credentials, port: int, shards: int) -> None:
        self._home = home
        self._credentials = credentials
        self._port = port
        self._shards = shards
        self.address = f"127.0.0.1:{port}"

    @property
    def version(self) -> str:
        said = subprocess.run([program(), "--version"], capture_output=True, text=True, check=True)
        return said.stdout.split()[-1].removeprefix("v")

    @property
    def command(self) -> list[str]:
        return [str(program()), "--config", str(self._configuration)]

    @property
    def environment(self) -> Mapping[str, str]:
        return {}

    def prepare(self) -> None:
        users = {
            user: {"user": user, "password": self._credentials.password("nats", user), "permissions": permissions}
            for user, permissions in rights(self._shards).items()
        }
        configuration = {
            "server_name": "bourse",
            "listen": self.address,
            "max_connections": CONNECTIONS_LIMIT,
            "jetstream": {
                "store_dir": str(self._home.nats / "streams"),
                "max_memory_store": MEMORY_BYTES_LIMIT,
                "max_file_store": STORAGE_BYTES_LIMIT,
            },
            "authorization": {"users": list(users.values())},
        }
        write_private(self._configuration, json.dumps(configuration, indent=2, ensure_ascii=False) + "\n")

    def ready(self, pid: int) -> bool:
        """It greets: by then its streams are recovered."""
        if not listens(pid, self.address):
            return False
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=READY_TIMEOUT_SECONDS) as connection:
                return connection.recv(5) == b"INFO "
        except OSError:
            return False

    def url(self, user: str) -> str:
        return f"nats://{user}:{self._credentials.password('nats', user)}@{self.address}"

    @property
    def _configuration(self) -> Path:
        return self._home.nats / "nats.conf"


def rights(shards: int) -> dict[str, dict[str, Any]]:
    """Each user's permissions."""
    executions = [f"EXEC_{shard}" for shard in range(shards)]
    market_data = [f"MD_{shard}" for shard in range(shards)]
    subjects = [subject for shard in range(shards) for subject in (f"exec.{shard}", f"md.{shard}.>")]
    publish = {
        "svc_match": [*subjects, *(subject for stream in executions + market_data for subject in owning(stream))],
        "svc_ledger": [subject for stream in executions for subject in consuming(stream, "svc_ledger")],
        "svc_order": [subject for stream in executions for subject in consuming(stream, "svc_order")],
        "svc_quote": [subject for stream in market_data for subject in consuming(stream, "*")],
        AUDITOR: [subject for stream in executions + market_data for subject in reading(stream)],
        ADMINISTRATOR: [">"],
    }
    return {
        user: {"publish": {"allow": ["$JS.API.INFO", *allowed]}, "subscribe": {"allow": [f"_INBOX.{user}.>"]}}
        for user, allowed in publish.items()
    }


def reading(stream: str) -> list[str]:
    return [
        f"$JS.API.STREAM.INFO.{stream}",
        f"$JS.API.STREAM.MSG.GET.{stream}",
        f"$JS.API.DIRECT.GET.{stream}",
        f"$JS.API.DIRECT.GET.{stream}.>",
    ]


def owning(stream: str) -> list[str]:
    return [*reading(stream), *(f"$JS.API.STREAM.{what}.{stream}" for what in ("CREATE", "UPDATE", "PURGE", "DELETE"))]


def consuming(stream: str, consumer: str) -> list[str]:
    return [
        f"$JS.API.STREAM.INFO.{stream}",
        f"$JS.API.CONSUMER.CREATE.{stream}.{consumer}",
        f"$JS.API.CONSUMER.CREATE.{stream}.{consumer}.>",
        f"$JS.API.CONSUMER.DURABLE.CREATE.{stream}.{consumer}",
        f"$JS.API.CONSUMER.INFO.{stream}.{consumer}",
        f"$JS.API.CONSUMER.MSG.NEXT.{stream}.{consumer}",
        f"$JS.API.CONSUMER.DELETE.{stream}.{consumer}",
        f"$JS.ACK.{stream}.{consumer}.>",
    ]


def program() -> Path:
    return Path(sys.executable).with_name("nats-server")
