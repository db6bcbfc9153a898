"""A service does not start on a PostgreSQL that may lose what it has said is stored."""

import asyncio
import os
import socket
import sys
from pathlib import Path

import psycopg
import pytest

from cli.machine import Machine
from cli.machine.credentials import ADMINISTRATOR
from tests.chassis.conftest import Keys
from tests.servers import Database

EXIT_SECONDS = 60.0
SETTINGS = {
    "svc_match": "fsync",
    "svc_ledger": "full_page_writes",
    "svc_order": "synchronous_commit",
    "svc_quote": "fsync",
}


@pytest.mark.parametrize("service", SETTINGS)
async def test_refused_at_start(service: str, machine: Machine, postgres: Database, tmp_path: Path) -> None:
    """The process ends with exit code 1; its log names the setting and what to do."""
    setting = SETTINGS[service]
    with psycopg.connect(machine.database_url(ADMINISTRATOR, "postgres"), autocommit=True) as server:
        server.execute(f"ALTER SYSTEM SET {setting} = off")
        server.execute("SELECT pg_reload_conf()")
        try:
            code, log = await started(service, postgres, tmp_path)
        finally:
            server.execute(f"ALTER SYSTEM RESET {setting}")
            server.execute("SELECT pg_reload_conf()")
    assert code == 1, log
    assert f"PostgreSQL has {setting} = off; set it to on" in log


async def started(service: str, postgres: Database, folder: Path) -> tuple[int | None, str]:
    """Exit code and log of a process that should not stay."""
    keys = Keys(folder)
    token = folder / "token.jwt"
    token.write_text(keys.token("service", service))
    with socket.create_server(("127.0.0.1", 0)) as listener:
        port = listener.getsockname()[1]
    environment = {
        "NAME": service,
        "LISTEN": f"127.0.0.1:{port}",
        "METRICS_LISTEN": "",
        "DATABASE_URL": postgres.url(service),
        "NATS_URL": f"nats://{service}:x@127.0.0.1:1",
        "JWKS": str(keys.file),
        "JWT_ISSUER": "bourse",
        "JWT_AUDIENCE": "bourse",
        "TOKEN_FILE": str(token),
        "MATCH_SHARDS": "0=127.0.0.1:1",
        "LEDGER": "127.0.0.1:1",
        "SHARD": "0",
    }
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        service,
        env={**os.environ, **{f"BOURSE_{name}": value for name, value in environment.items()}},
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    try:
        output, _ = await asyncio.wait_for(process.communicate(), EXIT_SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    return process.returncode, output.decode()
