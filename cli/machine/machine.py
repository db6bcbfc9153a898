"""One exchange on this machine, as the command line and the tests handle it."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import psutil

from cli.machine import state as states
from cli.machine.credentials import BrokerIssuer, Credentials
from cli.machine.home import DATABASE, Home, MachineError, load_layout, save_layout
from cli.machine.postgres import Postgres
from cli.machine.processes import programs
from cli.machine.program import MARK, Program, end, marked
from cli.machine.state import State, is_ending
from cli.machine.supervisor import LEASH, STOP_SECONDS, open_log

if TYPE_CHECKING:
    from cli.machine.mesh.mesh import Mesh

STOP_ALL_SECONDS = 3 * STOP_SECONDS
END_POLL_SECONDS = 0.05
LOG_TAIL_LINES = 5


class Machine:
    """The exchange of one home. Any number of them, each in its home, run side by side."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder.resolve())
        self.credentials = Credentials(self.home.credentials)
        self._supervisor: subprocess.Popen[str] | None = None

    def start(
        self,
        only: Sequence[str] = (),
        *,
        shards: int | None = None,
        mesh: bool | None = None,
        broker_issuer: BrokerIssuer | None = None,
        leash: bool = False,
        report: Callable[[str, float], None] = lambda _name, _seconds: None,
    ) -> None:
        """Returns once every process (or those named) is ready; calls `report` with the name and the seconds of each.

        `shards`, `mesh` and `broker_issuer` are kept; None is what they were, at first a mesh. With `leash` all of it ends
        when this process does, however that comes. Raises MachineError when it runs already or cannot start; then it has started nothing.
        """
        self.home.create()
        if self.occupied():
            raise MachineError(f"an exchange is already running in {self.home.folder}")
        layout = load_layout(self.home, shards)
        layout.mesh = layout.mesh if mesh is None else mesh
        if broker_issuer is not None:
            self.credentials.name_broker_issuer(broker_issuer)
        save_layout(self.home, layout)
        options = [*only, *([LEASH] if leash else [])]
        with open_log(self.home.log("supervisor")) as log:
            self._supervisor = subprocess.Popen(
                [sys.executable, "-m", "cli.machine.supervisor", str(self.home.folder), *options],
                cwd="/",
                env={**os.environ, MARK: str(self.home.folder)},
                stdin=subprocess.PIPE if leash else subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                start_new_session=True,
            )
        try:
            self._await_ready(self._supervisor, report)
        except KeyboardInterrupt:
            self.stop()
            raise

    def occupied(self) -> bool:
        """Whether an exchange runs here that is to stay: one that is ending, as when its owner was killed, is waited for."""
        deadline = time.monotonic() + STOP_ALL_SECONDS
        while (state := self.state()) is not None:
            if not is_ending(state) or time.monotonic() > deadline:
                return True
            time.sleep(END_POLL_SECONDS)
        return False

    def stop(self) -> bool:
        """Ends everything of this home, in order, also what a crashed supervisor has left. Whether anything ran."""
        state = self.state()
        if state is not None:
            supervisor = psutil.Process(state.supervisor)
            supervisor.terminate()
            psutil.wait_procs([supervisor], timeout=STOP_ALL_SECONDS)
        leftovers = list(marked(self.home.folder))
        end(leftovers)
        if self.home.layout.exists() and self.home.postgres.exists():
            self._postgres().end_leftovers()
        if self._supervisor is not None:
            self._supervisor.wait()
            for pipe in (self._supervisor.stdin, self._supervisor.stdout):
                if pipe is not None:
                    pipe.close()
            self._supervisor = None
        return state is not None or bool(leftovers)

    @property
    def mesh(self) -> "Mesh":
        """What goes where between the services of the running exchange, and how to change it."""
        from cli.machine.mesh.mesh import Mesh

        return Mesh(self.home)

    def missing(self) -> list[str]:
        """Versions beside the stable ones that are wanted and not up, in words."""
        state = self.state()
        return self.mesh.missing(state) if state is not None and state.mesh else []

    def state(self) -> State | None:
        """What runs now; None when nothing does."""
        return states.read(self.home)

    def unsupervised(self) -> list[str]:
        """What goes on although its supervisor is dead; `start` and `stop` end it."""
        left = [] if self.state() is not None else marked(self.home.folder)
        return sorted(f"{process.name()} ({process.pid})" for process in left)

    def programs(self) -> list[Program]:
        """All that this home's layout names, whether it runs or not. The home must have been started once."""
        return programs(self.home, load_layout(self.home), self.credentials)

    def address(self, name: str) -> str:
        """host:port of a process. Raises MachineError when it does not run."""
        state = self.state()
        if state is None:
            raise MachineError(f"no exchange is running in {self.home.folder}: start it with `bourse up`")
        return state.process(name).address

    def database_url(self, role: str, database: str = DATABASE) -> str:
        return self._postgres().url(role, database)

    def nats_url(self, user: str) -> str:
        password = self.credentials.password("nats", user)
        return f"nats://{user}:{password}@{load_layout(self.home).address('nats')}"

    def _postgres(self) -> Postgres:
        return Postgres(self.home, self.credentials, load_layout(self.home).ports["postgres"])

    def _await_ready(self, supervisor: "subprocess.Popen[str]", report: Callable[[str, float], None]) -> None:
        assert supervisor.stdout is not None
        for line in supervisor.stdout:
            words = json.loads(line)
            if "error" in words:
                supervisor.wait()
                raise MachineError(words["error"])
            if "ready" in words:
                return
            report(words["process"], words["seconds"])
        supervisor.wait()
        tail = self.home.log("supervisor").read_text("utf-8").splitlines()[-LOG_TAIL_LINES:]
        raise MachineError("the supervisor ended at its start:\n" + "\n".join(tail))
