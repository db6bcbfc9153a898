"""The commands that run an exchange on this machine."""

import json
import os
import stat
from pathlib import Path

import jwt
import pytest
from click.testing import CliRunner, Result

import cli.__main__ as command
from chassis.errors import Refusal
from chassis.identity import Caller, Issuer, Verifier
from cli.machine import Machine
from cli.machine.credentials import AUDIENCE, ISSUER
from cli.machine.home import Home


def bourse(*arguments: str | Path) -> Result:
    return CliRunner().invoke(command.main, list(map(str, arguments)))


def test_status_tells_what_runs(machine: Machine) -> None:
    """Pid, address, readiness and version of every process; 0 when all are ready."""
    told = bourse("status", "--json", "--home", machine.home.folder)
    assert told.exit_code == 0
    status = json.loads(told.output)
    assert status["phase"] == "ready"
    assert [process["name"] for process in status["processes"]] == ["postgres", "nats"]
    for process in status["processes"]:
        assert process["pid"] > 0
        assert process["ready"] is True
        assert process["address"] == machine.address(process["name"])
        assert process["version"][0].isdigit()
    table = bourse("status", "--home", machine.home.folder)
    assert machine.address("nats") in table.output


def test_nothing_runs_in_an_empty_home(tmp_path: Path) -> None:
    """status says so with exit code 3, down says so and succeeds, token says what to do."""
    assert bourse("status", "--home", tmp_path).exit_code == 3
    down = bourse("down", "--home", tmp_path)
    assert (down.exit_code, "No exchange is running" in down.output) == (0, True)
    token = bourse("token", "--operator", "--home", tmp_path)
    assert (token.exit_code, "bourse up" in token.output) == (1, True)
    assert not list(tmp_path.iterdir())


def test_up_says_that_it_runs(machine: Machine) -> None:
    """A second start of a home is refused."""
    again = bourse("up", "--home", machine.home.folder)
    assert again.exit_code == 1
    assert "already running" in again.output


def test_a_home_that_was_open_to_others_is_closed(tmp_path: Path) -> None:
    """But for the way to PostgreSQL's folder where another user runs it; a folder of other things is left as it is."""
    fresh, used, foreign = (Home(tmp_path / name) for name in ("fresh", "used", "foreign"))
    for home in (fresh, used, foreign):
        home.folder.mkdir()
        home.folder.chmod(0o755)
    used.postgres.mkdir()
    used.layout.write_text('{"shards": 2}')
    (foreign.folder / "letter.txt").write_text("")
    for home in (fresh, used, foreign):
        home.create()
    passed = 0o711 if os.geteuid() == 0 else 0o700
    assert [stat.S_IMODE(home.folder.stat().st_mode) for home in (fresh, used, foreign)] == [0o700, passed, 0o755]


def test_the_number_of_shards_is_kept(machine: Machine, tmp_path: Path) -> None:
    """Another number than that of the first start is refused, with what to do."""
    (tmp_path / "layout.json").write_text('{"shards": 2}')
    other = bourse("up", "--shards", "3", "--home", tmp_path)
    assert other.exit_code == 1
    assert "has 2 shards" in other.output


async def test_tokens_name_their_holder(machine: Machine) -> None:
    """A service verifies the tokens of brokers, operators and services, and finds who they are for."""
    verifier = Verifier(Issuer(str(machine.credentials.key_set), ISSUER, AUDIENCE))
    broker = await verifier.verify(
        bourse("token", "--participant", "alpha", "--home", machine.home.folder).output.strip()
    )
    assert (broker.role, broker.name, broker.participant) == ("broker", "alpha", "alpha")
    operator = await verifier.verify(bourse("token", "--operator", "--home", machine.home.folder).output.strip())
    assert (operator.role, operator.participant) == ("operator", "")
    service: Caller = await verifier.verify(machine.credentials.token_file("svc_order").read_text())
    assert service.rule == "CALLER_SVC_ORDER"
    with pytest.raises(Refusal, match="expired"):
        await verifier.verify(machine.credentials.issue("alpha", "broker", "alpha", seconds=-1))


def test_a_token_is_for_a_name_that_can_be(machine: Machine) -> None:
    """No token names a participant that the ledger would never create, or ends before it begins."""
    for name in ("ALPHA", "a b", "exchange", ""):
        assert bourse("token", "--participant", name, "--home", machine.home.folder).exit_code in (1, 2), name
    assert bourse("token", "--operator", "--hours", 0, "--home", machine.home.folder).exit_code == 2


def test_a_token_is_written_for_its_owner_alone(machine: Machine, tmp_path: Path) -> None:
    """To the file, in place of what was there with whatever rights, and not to the terminal."""
    file = tmp_path / "alpha.jwt"
    file.write_text("old")
    file.chmod(0o644)
    told = bourse("token", "--participant", "alpha", "--output", file, "--home", machine.home.folder)
    assert (told.exit_code, told.output) == (0, "")
    assert stat.S_IMODE(file.stat().st_mode) == 0o600
    assert jwt.decode(file.read_text().strip(), options={"verify_signature": False})["participant"] == "alpha"
    nowhere = bourse("token", "--operator", "--output", tmp_path / "none" / "x.jwt", "--home", machine.home.folder)
    assert (nowhere.exit_code, "bourse token: " in nowhere.output) == (1, True)


def test_a_token_is_for_one_role(machine: Machine) -> None:
    """Neither or both of --participant and --operator is a usage error."""
    assert bourse("token", "--home", machine.home.folder).exit_code == 2
    assert bourse("token", "--operator", "--participant", "alpha", "--home", machine.home.folder).exit_code == 2


def test_logs_are_readable_and_json(machine: Machine) -> None:
    """A JSON line is shown as words, or as it is; an unknown name is told the known ones."""
    readable = bourse("logs", "supervisor", "--lines", "1", "--home", machine.home.folder)
    assert "process_ready  process=" in readable.output
    line = bourse("logs", "supervisor", "--json", "--lines", "1", "--home", machine.home.folder)
    assert json.loads(line.output)["event"] == "process_ready"
    unknown = bourse("logs", "nobody", "--home", machine.home.folder)
    assert (unknown.exit_code, "supervisor" in unknown.output) == (1, True)


def test_a_broken_command_harms_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A module that cannot be parsed is no command, and the others are found without being imported."""
    (tmp_path / "broken.py").write_text('"""`bourse broken`: x."""\ndef (')
    (tmp_path / "raises.py").write_text('"""`bourse raises`: fail when run."""\nraise RuntimeError')
    (tmp_path / "other.py").write_text('"""No command."""')
    monkeypatch.setattr(command, "FOLDER", tmp_path)
    assert command.lines() == {"raises": "fail when run."}


def test_every_command_has_help() -> None:
    """Each is listed with its line, and tells how to use it."""
    listed = bourse("--help").output
    for name in command.lines():
        assert f"  {name} " in listed
        assert bourse(name, "--help").exit_code == 0
