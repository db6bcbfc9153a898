"""Keys, passwords and tokens of a running mesh: nobody else can read them, and nothing tells them."""

import stat
from pathlib import Path

import psutil
import pytest
from click.testing import CliRunner

import cli.__main__ as command
from mesh.local.admin import Admin
from tests.exchange import Exchange
from tests.mesh.test_machine import secrets_of

COMMANDS = (
    "status",
    "status --json",
    "mesh certs",
    "mesh certs --json",
    "mesh routes --json",
    "mesh policies --json",
    "mesh check",
    "version list --json",
    "gateway",
    "logs",
)


@pytest.mark.parametrize("words", COMMANDS)
def test_no_command_prints_a_secret(meshed: Exchange, words: str) -> None:
    told = CliRunner().invoke(command.main, [*words.split(), "--home", str(meshed.home)])
    assert told.exit_code == 0, told.output
    assert not told_in(told.output, meshed)


def test_no_command_line_names_a_secret(meshed: Exchange) -> None:
    """Everybody on the machine can read the command lines of all processes."""
    state = meshed.machine.state()
    assert state is not None
    for process in state.processes:
        if process.pid:
            assert not told_in(" ".join(psutil.Process(process.pid).cmdline()), meshed), process.name


def test_the_sockets_are_the_owners(meshed: Exchange) -> None:
    """Folder and sockets of every pod: who reached one could speak as the service."""
    for place in meshed.machine.mesh.places:
        assert mode(place.pod.sockets) == 0o700
        assert list(place.pod.sockets.iterdir())


def test_an_envoy_tells_no_key(meshed: Exchange) -> None:
    """Neither its admin socket's dump, nor its log."""
    for place in meshed.machine.mesh.places:
        dump = Admin(place.admin).get("/config_dump?include_eds")
        assert "BEGIN CERTIFICATE" in dump or "[redacted]" in dump
        assert not told_in(dump, meshed)


def told_in(text: str, exchange: Exchange) -> list[str]:
    return [secret[:8] for secret in secrets_of(exchange.home) if secret in text]


def mode(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)
