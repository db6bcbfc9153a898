"""What the supervisor knows of each thing that it runs."""

import os
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, Protocol

import psutil

# Every process of an exchange carries the path of its home in this variable of its environment.
MARK = "BOURSE_SUPERVISED"
END_SECONDS = 10.0


class Program(Protocol):
    """A server to run. Programs of one stage start together, after those of the stages before that are awaited."""

    @property
    def name(self) -> str: ...

    @property
    def stage(self) -> int: ...

    @property
    def awaited(self) -> bool:
        """Whether the stages behind start only once it is ready; else they are started at once, and wait for it themselves."""

    @property
    def address(self) -> str: ...

    @property
    def metrics(self) -> str:
        """Where Prometheus finds it; empty where it has none."""

    @property
    def version(self) -> str: ...

    @property
    def stop_signal(self) -> int: ...

    def prepare(self) -> None:
        """Before each start: makes what it needs, and ends what an earlier run of it left."""

    @property
    def command(self) -> list[str]: ...

    @property
    def environment(self) -> Mapping[str, str]: ...

    @property
    def user(self) -> tuple[int, int] | None:
        """The system user and group that it runs as; None is our own."""

    def ready(self, pid: int) -> bool:
        """Whether the process `pid` serves now. Takes a second or two at most."""


def popen_arguments(program: Program, home: Path, log: Any) -> dict[str, Any]:
    """How to start it: in a session of its own, with nothing of ours open but its log."""
    arguments: dict[str, Any] = {
        "env": {**os.environ, **program.environment, MARK: str(home)},
        "cwd": "/",
        "stdin": subprocess.DEVNULL,
        "stdout": log,
        "stderr": subprocess.STDOUT,
        "start_new_session": True,
    }
    return arguments | as_user(program.user)


def as_user(user: tuple[int, int] | None) -> dict[str, Any]:
    return {"user": user[0], "group": user[1], "extra_groups": []} if user else {}


def marked(home: Path) -> Iterator[psutil.Process]:
    """The processes that run for this home, whoever started them, but for ourselves."""
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARK) == str(home):
                yield process
        except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess, OSError):
            continue


def listens(pid: int, address: str) -> bool:
    """Whether it is this process that listens at the address, and not a stranger who took the port."""
    port = int(address.rpartition(":")[2])
    try:
        connections = psutil.Process(pid).net_connections("tcp")
    except (psutil.AccessDenied, psutil.NoSuchProcess, psutil.ZombieProcess):
        return False
    return any(one.status == psutil.CONN_LISTEN and one.laddr.port == port for one in connections)


def end(processes: list[psutil.Process], patience_seconds: float = END_SECONDS) -> None:
    """Ends them: asks first, then does not."""
    for ask in (psutil.Process.terminate, psutil.Process.kill):
        for process in processes:
            try:
                ask(process)
            except psutil.NoSuchProcess:
                continue
        _, processes = psutil.wait_procs(processes, timeout=patience_seconds)
    assert not processes, f"still running after SIGKILL: {processes}"
