"""PostgreSQL and NATS with TLS, dialled by what the services dial them with, told what k8s/base tells them."""

import asyncio
import json
import ssl
import subprocess
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager, suppress
from pathlib import Path
from socket import socket

import psycopg
import pytest
import yaml

from chassis import database
from chassis.bus import Bus
from cli.machine import Machine
from cli.machine.home import Home, load_layout
from cli.machine.nats import Nats
from mesh.local.certificates import Authority
from mesh.local.sources import WORKLOADS
from tests.servers import Database
from tests.waiting import eventually

SECONDS = 30.0
REFUSED_SECONDS = 1.0
CA_FILE = "/etc/bourse/ca.crt"
SSL_REQUEST = bytes.fromhex("0000000804d2162f")
PART_BYTES = 65_536
HERE, ELSEWHERE = "localhost", "elsewhere.example"


@pytest.fixture
def authority(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Authority:
    """Whom the environment of k8s/base/settings.yaml makes a service believe, the file's place apart."""
    made = Authority(tmp_path)
    made.create()
    settings = yaml.safe_load((WORKLOADS / "settings.yaml").read_text("utf-8"))["data"]
    told = {name: value for name, value in settings.items() if not name.startswith("BOURSE_")}
    assert told == {"PGSSLMODE": "verify-full", "PGSSLROOTCERT": CA_FILE, "SSL_CERT_FILE": CA_FILE}
    for name, value in told.items():
        monkeypatch.setenv(name, value.replace(CA_FILE, str(made.certificate)))
    return made


def stranger(folder: Path) -> Authority:
    """Another authority, whom nobody was told to believe."""
    folder.mkdir()
    made = Authority(folder)
    made.create()
    return made


async def test_postgresql_is_dialled_with_tls(
    machine: Machine, postgres: Database, authority: Authority, tmp_path: Path
) -> None:
    """The connection is encrypted; a server of another name, of another authority, or without TLS is not believed."""
    port = load_layout(machine.home).ports["postgres"]
    plain = postgres.url("svc_order").replace("127.0.0.1", HERE)
    async with (
        encrypted(port, authority, HERE, tmp_path) as own,
        await database.connect(plain.replace(f":{port}/", f":{own}/"), "svc_order") as connection,
    ):
        found = await connection.execute("SELECT current_user")
        assert await found.fetchone() == ("svc_order",)
        assert connection.pgconn.ssl_in_use
    for signer, host in ((authority, ELSEWHERE), (stranger(tmp_path / "stranger"), HERE)):
        async with encrypted(port, signer, host, tmp_path) as own:
            with pytest.raises(psycopg.OperationalError, match="certificate"):
                await database.connect(plain.replace(f":{port}/", f":{own}/"), "svc_order")
    with pytest.raises(psycopg.OperationalError, match="server does not support SSL"):
        await database.connect(plain, "svc_order")


@asynccontextmanager
async def encrypted(port: int, authority: Authority, host: str, folder: Path) -> AsyncIterator[int]:
    """Speaks TLS as PostgreSQL does, before one that was built without; yields its port."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(*written(authority, host, folder))

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        with suppress(OSError, asyncio.IncompleteReadError):
            assert await reader.readexactly(len(SSL_REQUEST)) == SSL_REQUEST
            writer.write(b"S")
            await writer.start_tls(context)
            answers, questions = await asyncio.open_connection("127.0.0.1", port)
            await asyncio.gather(copied(reader, questions), copied(answers, writer))
        writer.close()

    server = await asyncio.start_server(serve, "127.0.0.1", 0)
    try:
        yield server.sockets[0].getsockname()[1]
    finally:
        server.close()


async def copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while part := await reader.read(PART_BYTES):
        writer.write(part)
    writer.close()


def written(authority: Authority, host: str, folder: Path) -> tuple[Path, Path]:
    """The files of a certificate for that name, and of its key."""
    issued, files = authority.issue(hosts=[host]), (folder / "server.crt", folder / "server.key")
    for file, text in zip(files, (issued.certificate, issued.key), strict=True):
        file.write_text(text)
    return files


async def test_nats_is_dialled_with_tls(machine: Machine, authority: Authority, tmp_path: Path) -> None:
    """A server that speaks TLS alone is dialled and makes a stream; one of another name or of another authority is not believed."""
    with serving(machine, authority, HERE, tmp_path / "good") as url:
        async with dialled(url) as bus:
            await asyncio.wait_for(bus.wait_connected(), SECONDS)
            await bus.ensure_stream("EXEC_0", ["exec.0"])
            assert (await bus.last_message("EXEC_0")).sequence == 0
    for signer, host, name in (
        (authority, ELSEWHERE, "named"),
        (stranger(tmp_path / "stranger"), HERE, "signed"),
    ):
        with serving(machine, signer, host, tmp_path / name) as url:
            async with dialled(url) as bus:
                with pytest.raises(TimeoutError):
                    await asyncio.wait_for(bus.wait_connected(), REFUSED_SECONDS)


@asynccontextmanager
async def dialled(url: str) -> AsyncIterator[Bus]:
    bus = Bus(url, "svc_match")
    work = asyncio.create_task(bus.work())
    try:
        yield bus
    finally:
        work.cancel()
        with suppress(asyncio.CancelledError):
            await work


@contextmanager
def serving(machine: Machine, authority: Authority, host: str, folder: Path) -> Iterator[str]:
    """A NATS as `bourse up` runs it, which speaks TLS alone; yields the address for svc_match, as a Secret has it."""
    home = Home(folder)
    home.create()
    with socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    server = Nats(home, machine.credentials, port, 1)
    server.prepare()
    certificate, key = written(authority, host, folder)
    configuration = home.nats / "nats.conf"
    tls = {"tls": {"cert_file": str(certificate), "key_file": str(key)}}
    configuration.write_text(json.dumps(json.loads(configuration.read_text()) | tls))
    process = subprocess.Popen(server.command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        eventually(lambda: server.ready(process.pid), SECONDS)
        yield server.url("svc_match").replace("nats://", "tls://").replace("127.0.0.1", HERE)
    finally:
        process.terminate()
        process.wait()
