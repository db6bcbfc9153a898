"""Whatever dies, and however, it comes back with all that it had acknowledged."""

import asyncio
import os
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path

import nats as nats_client
import psutil
import psycopg
import pytest
from click.testing import CliRunner

from cli.__main__ import main
from cli.machine import Machine, MachineError
from cli.machine import postgres as postgres_module
from cli.machine.program import marked
from tests.waiting import eventually

PARTS = ["postgres", "nats"]


@pytest.fixture(scope="module")
def own() -> Iterator[Machine]:
    """A machine for the tests of this module to break."""
    machine = Machine(Path(tempfile.mkdtemp(prefix="bourse-test-")))
    machine.start(PARTS, leash=True)
    yield machine
    machine.stop()
    machine.home.remove()


def pid_of(machine: Machine, name: str) -> int:
    """The pid of a process once it is ready."""

    def ready_pid() -> int:
        state = machine.state()
        assert state is not None
        return state.process(name).pid if state.process(name).ready else 0

    return eventually(ready_pid)


def kill(machine: Machine, name: str) -> None:
    """Kills the process, and waits until another one is ready in its place."""
    pid = pid_of(machine, name)
    os.kill(pid, signal.SIGKILL)
    eventually(lambda: pid_of(machine, name) != pid)


def query(machine: Machine, statement: str) -> list[tuple[object, ...]]:
    with psycopg.connect(machine.database_url("svc_match"), autocommit=True) as connection:
        cursor = connection.execute(statement)
        return cursor.fetchall() if cursor.description else []


def servers_of(machine: Machine) -> list[psutil.Process]:
    """Every process that runs for the home, PostgreSQL's children too."""
    data = str(machine.home.postgres.resolve() / "data")
    found = list(marked(machine.home.folder))
    for process in psutil.process_iter():
        try:
            if process.name() == "postgres" and process.cwd() == data:
                found.append(process)
        except (psutil.AccessDenied, psutil.NoSuchProcess):
            continue
    return found


def test_postgres_comes_back_after_a_kill(own: Machine) -> None:
    """The postmaster is killed under a busy backend that outlives it; what was committed is there when it is back."""
    query(own, "CREATE TABLE journal (sequence int)")
    query(own, "INSERT INTO journal VALUES (1)")

    def busy() -> None:
        with pytest.raises(psycopg.OperationalError):
            query(own, "SELECT sum(a * b) FROM generate_series(1, 100000) a, generate_series(1, 100000) b")

    thread = threading.Thread(target=busy)
    thread.start()
    eventually(lambda: query(own, "SELECT 1 FROM pg_stat_activity WHERE query LIKE 'SELECT sum%' AND state = 'active'"))
    kill(own, "postgres")
    thread.join(10)
    assert not thread.is_alive()
    assert query(own, "SELECT * FROM journal") == [(1,)]
    state = own.state()
    assert state is not None
    assert state.process("postgres").restarts == 1


def test_nats_comes_back_after_a_kill(own: Machine) -> None:
    """NATS is killed, and what it had stored is there when it is back."""

    async def last_sequence(publish: bool) -> int:
        connection = await nats_client.connect(own.nats_url("svc_match"), inbox_prefix="_INBOX.svc_match")
        jetstream = connection.jetstream()
        if publish:
            await jetstream.add_stream(name="EXEC_0", subjects=["exec.0"])
            await jetstream.publish("exec.0", b"execution")
        sequence = (await jetstream.stream_info("EXEC_0")).state.last_seq
        await connection.close()
        return sequence

    assert asyncio.run(last_sequence(publish=True)) == 1
    kill(own, "nats")
    assert asyncio.run(last_sequence(publish=False)) == 1


def test_a_second_start_says_that_it_runs(own: Machine) -> None:
    """Starting what runs changes nothing and says so."""
    before = own.state()
    with pytest.raises(MachineError, match="already running"):
        Machine(own.home.folder).start(PARTS)
    assert own.state() == before


def test_homes_do_not_touch_each_other(own: Machine, machine: Machine) -> None:
    """Two machines run side by side, with other ports and passwords."""
    assert own.address("postgres") != machine.address("postgres")
    assert own.credentials.password("nats", "svc_match") != machine.credentials.password("nats", "svc_match")


def test_only_the_owner_reads_what_is_kept(own: Machine) -> None:
    """Credentials, state and logs are closed to everybody else; others may at most pass through to PostgreSQL's folder."""
    allowed_to_pass = {own.home.folder, own.home.postgres}
    for path in [
        own.home.folder,
        *own.home.folder.iterdir(),
        *own.home.credentials.iterdir(),
        *own.home.logs.iterdir(),
    ]:
        others = stat.S_IMODE(path.lstat().st_mode) & 0o077
        assert not others or (path in allowed_to_pass and others == 0o011), f"{path}: {others:o}"
    assert stat.S_IMODE((own.home.postgres.resolve() / "data").stat().st_mode) == 0o700


def test_a_killed_supervisor_stops_no_later_start(own: Machine) -> None:
    """It leaves its servers behind; the next start ends them and goes on with what they had stored, stop leaves none."""
    state = own.state()
    assert state is not None
    os.kill(state.supervisor, signal.SIGKILL)
    eventually(lambda: own.state() is None)
    orphans = servers_of(own)
    assert orphans
    told = CliRunner().invoke(main, ["status", "--home", str(own.home.folder)])
    assert (told.exit_code, "unsupervised" in told.output) == (1, True)
    again = Machine(own.home.folder)
    again.start(PARTS, leash=True)
    assert not any(process.is_running() for process in orphans)
    assert query(again, "SELECT * FROM journal") == [(1,)]
    assert again.stop()
    assert not servers_of(again)
    assert not again.stop()


def test_a_home_may_be_called_anything(tmp_path: Path) -> None:
    """Letters beyond ASCII, blanks and quotation marks in the home's path are nothing to any server."""
    own = Machine(tmp_path / 'an \u00fcml\u00e4ut\'s "home"')
    own.start(PARTS, leash=True)
    assert query(own, "SELECT 1") == [(1,)]
    assert own.stop()
    own.home.remove()


def test_a_stale_lock_file_stops_no_start(own: Machine) -> None:
    """A postmaster.pid whose process id now is someone else's is no PostgreSQL of ours."""
    (own.home.postgres.resolve() / "data" / "postmaster.pid").write_text(f"{os.getppid()}\n")
    own.start(PARTS, leash=True)
    assert query(own, "SELECT * FROM journal") == [(1,)]
    own.stop()


def test_everything_ends_with_who_holds_the_leash(own: Machine) -> None:
    """Killed without a chance to clean up, a test run leaves nothing running."""
    code = f"""
from pathlib import Path
from cli.machine import Machine
Machine(Path({str(own.home.folder)!r})).start({PARTS!r}, leash=True)
print("up", flush=True)
input()
"""
    holder = subprocess.Popen([sys.executable, "-c", code], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    assert holder.stdout is not None
    assert holder.stdout.readline() == "up\n"
    assert servers_of(own)
    assert Machine(own.home.folder).occupied()
    holder.kill()
    holder.communicate()
    assert not Machine(own.home.folder).occupied(), "the next one waits until all of it has ended"
    eventually(lambda: not servers_of(own))


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
def test_a_home_that_postgres_cannot_reach() -> None:
    """Below a folder that only root may enter, the data are kept where PostgreSQL's user can come, and found again."""
    closed = Path(tempfile.mkdtemp(prefix="bourse-test-"))
    machine = Machine(closed / "home")
    machine.start(["postgres"], leash=True)
    query(machine, "CREATE TABLE kept ()")
    place = machine.home.postgres.resolve()
    assert place.parent == Path("/var/tmp")
    machine.stop()
    machine.start(["postgres"], leash=True)
    assert query(machine, "SELECT count(*) FROM kept") == [(0,)]
    machine.stop()
    machine.home.remove()
    closed.rmdir()
    assert not place.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root runs PostgreSQL as another user")
def test_programs_that_postgres_cannot_reach() -> None:
    """Where the environment is closed to PostgreSQL's user, its programs run from a copy."""
    entry = postgres_module.system_user()
    place = Path(tempfile.mkdtemp(prefix="bourse-test-", dir="/var/tmp"))
    place.chmod(0o711)
    postgres_module.copy_programs(place / "program")
    for program in ("postgres", "initdb"):
        copied = place / "program" / "package" / "pginstall18" / "bin" / program
        assert postgres_module.can_run((entry.pw_uid, entry.pw_gid), copied)
    shutil.rmtree(place)


@pytest.mark.skipif(os.geteuid() != 0, reason="already an ordinary user")
def test_an_ordinary_user_runs_it() -> None:
    """Without root, the same commands do the same."""
    entry = postgres_module.system_user()
    user = entry.pw_uid, entry.pw_gid
    if not postgres_module.can_run(user, Path(sys.executable)):
        pytest.skip(f"{sys.executable} is closed to {entry.pw_name}")
    folder = Path(tempfile.mkdtemp(prefix="bourse-test-"))
    os.chown(folder, *user)
    code = f"""
from pathlib import Path
from cli.machine import Machine
machine = Machine(Path({str(folder)!r}))
machine.start({PARTS!r}, leash=True)
print(machine.state().phase)
machine.stop()
"""
    run = subprocess.run(
        [sys.executable, "-c", code],
        cwd="/",
        user=user[0],
        group=user[1],
        extra_groups=[],
        capture_output=True,
        text=True,
        check=False,
    )
    assert run.stdout == "ready\n", run.stderr
    shutil.rmtree(folder)
