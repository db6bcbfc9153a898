"""Runs the programs of one home: in order, again when one dies, and to the end in reverse order.

It is a process of its own (`python -m cli.machine.supervisor HOME`). On its standard output it tells whoever started it
how the start goes, a JSON object a line, and closes it once all is ready. SIGTERM ends everything; so does the end of
its standard input when it was started with `--leash`, however that came.
"""

import asyncio
import fcntl
import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Coroutine, Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import IO, Any

import psutil
import structlog

from cli.machine import background
from cli.machine import state as states
from cli.machine.credentials import RENEWAL_SECONDS, Credentials
from cli.machine.home import Home, Layout, MachineError, leaves, load_layout, open_private, save_layout
from cli.machine.mesh import applied, desired
from cli.machine.processes import programs
from cli.machine.program import Program, end, marked, popen_arguments
from cli.machine.state import Phase, ProcessState, State
from cli.machine.words import last_words

READY_POLL_SECONDS = 0.05
FOLLOW_POLL_SECONDS = 0.1
START_SECONDS = 60.0
START_TRIES = 4
BACKOFF_MIN_SECONDS = 0.05
BACKOFF_MAX_SECONDS = 2.0
STEADY_SECONDS = 10.0  # Who lived that long is restarted at once.
STOP_SECONDS = 40.0  # More than a service's own 30 s for draining.
LOG_BYTES_LIMIT = 64 << 20
LEASH = "--leash"

log = structlog.get_logger()


class Keeper:
    """Keeps one program running."""

    def __init__(self, program: Program, home: Home, state: ProcessState, changed: asyncio.Event) -> None:
        self.program = program
        self.ready = asyncio.Event()
        self.failures = 0
        self._home = home
        self._state = state
        self._changed = changed
        self._process: asyncio.subprocess.Process | None = None
        self._stopping = asyncio.Event()
        self._ended = asyncio.Event()

    async def keep(self) -> None:
        """Starts it, and starts it again whenever it ends, until `stop`."""
        backoff = BACKOFF_MIN_SECONDS
        try:
            while not self._stopping.is_set():
                started = time.monotonic()
                await self._live()
                backoff = min(2 * backoff, BACKOFF_MAX_SECONDS)
                if time.monotonic() - started >= STEADY_SECONDS:
                    backoff = BACKOFF_MIN_SECONDS
                with suppress(TimeoutError):
                    async with asyncio.timeout(backoff):
                        await self._stopping.wait()
                self.failures += 1
        finally:
            self._ended.set()

    async def stop(self) -> None:
        """Asks it to end, and kills it when it has not within STOP_SECONDS. `keep` must have been started."""
        self._stopping.set()
        self._send(self.program.stop_signal)
        try:
            async with asyncio.timeout(STOP_SECONDS):
                await self._ended.wait()
        except TimeoutError:
            log.error("process_killed", process=self.program.name, after_seconds=STOP_SECONDS)
            self._send(signal.SIGKILL)
            await self._ended.wait()

    async def _live(self) -> None:
        """One life: prepare, start, watch until ready, wait for the end."""
        try:
            await asyncio.to_thread(self.program.prepare)
            if self._stopping.is_set():
                return
            process = self._process = await self._spawn()
        except (MachineError, OSError, subprocess.SubprocessError, psutil.Error) as error:
            log.error("process_not_started", process=self.program.name, error=str(error))
            return
        if self._stopping.is_set():
            self._send(self.program.stop_signal)
        log.info("process_started", process=self.program.name, pid=process.pid)
        watch = asyncio.create_task(self._watch())
        try:
            code = await process.wait()
            log.info("process_ended", process=self.program.name, code=code)
        finally:
            watch.cancel()
            self._send(self.program.stop_signal)
            self.ready.clear()
            self._become(0, ready=False)

    async def _spawn(self) -> asyncio.subprocess.Process:
        with open_log(self._home.log(self.program.name)) as output:
            arguments = popen_arguments(self.program, self._home.folder, output)
            process = await asyncio.create_subprocess_exec(*self.program.command, **arguments)
        self._state.restarts = self.failures
        self._become(process.pid, ready=False)
        return process

    async def _watch(self) -> None:
        while not await self._is_ready():
            await asyncio.sleep(READY_POLL_SECONDS)
        log.info("process_ready", process=self.program.name)
        self._become(self._state.pid, ready=True)
        self.ready.set()

    async def _is_ready(self) -> bool:
        try:
            return await asyncio.to_thread(self.program.ready, self._state.pid)
        except MachineError as error:
            log.error("process_not_ready", process=self.program.name, error=str(error))
            return False

    def _send(self, number: int) -> None:
        if self._process is not None and self._process.returncode is None:
            with suppress(ProcessLookupError):
                self._process.send_signal(number)

    def _become(self, pid: int, *, ready: bool) -> None:
        if pid != self._state.pid:
            self._state.started = time.time() if pid else 0.0
        self._state.pid, self._state.ready = pid, ready
        self._changed.set()


class Supervisor:
    """`wanted` says which programs are to run beside those `chosen`; it is asked again whenever the desired state changes.
    The start does not fail when one of them does.
    """

    def __init__(
        self,
        home: Home,
        layout: Layout,
        credentials: Credentials,
        chosen: Sequence[Program],
        wanted: Callable[[], Sequence[Program]] = tuple,
    ) -> None:
        self.stop = asyncio.Event()
        self._home = home
        self._credentials = credentials
        self._wanted = wanted
        self._changed = asyncio.Event()
        self.state = State(os.getpid(), layout.shards, layout.mesh)
        self._keepers = [self._keeper(program) for program in chosen]
        self._beside: list[Keeper] = []
        self._started: list[Keeper] = []

    async def run(self) -> None:
        """Until `stop` is set. Raises MachineError when the start fails; either way nothing is left running."""
        async with asyncio.TaskGroup() as tasks:
            beside = [tasks.create_task(self._record()), tasks.create_task(self._renew())]
            try:
                await until(self._start(tasks), self.stop)
                if not self.stop.is_set():
                    self._enter(Phase.READY)
                    tell(ready=True)
                    close_report()
                await until(self._follow(tasks), self.stop)
            finally:
                self._enter(Phase.STOPPING)
                await self._stop_all()
                for task in beside:
                    task.cancel()

    async def _start(self, tasks: asyncio.TaskGroup) -> None:
        for stage in sorted({keeper.program.stage for keeper in self._keepers}):
            keepers = [keeper for keeper in self._keepers if keeper.program.stage == stage]
            self._keep(tasks, keepers)
            await asyncio.gather(*(self._wait_ready(keeper) for keeper in keepers if keeper.program.awaited))
        await asyncio.gather(*(self._wait_ready(keeper) for keeper in self._keepers if not keeper.program.awaited))
        await self._make_true(tasks)
        with suppress(MachineError):  # Its log says why; it is tried again for ever.
            for keeper in self._beside:
                await self._wait_ready(keeper)

    def _keep(self, tasks: asyncio.TaskGroup, keepers: Sequence[Keeper]) -> None:
        for keeper in keepers:
            tasks.create_task(keeper.keep())
            self._started.append(keeper)

    async def _follow(self, tasks: asyncio.TaskGroup) -> None:
        """Starts and ends programs as the desired state says."""
        seen = None
        while True:
            with going_on("versions_not_followed"):
                if (stamp := desired.stamp(self._home)) != seen:
                    try:
                        await self._make_true(tasks)
                    except MachineError as error:  # Somebody has spoiled it: all goes on as it is.
                        log.error("versions_not_followed", error=str(error))
                    seen = stamp
            await asyncio.sleep(FOLLOW_POLL_SECONDS)

    async def _make_true(self, tasks: asyncio.TaskGroup) -> None:
        wanted = {program.name: program for program in self._wanted()}
        gone = [keeper for keeper in self._beside if keeper.program.name not in wanted]
        await self._stop_in_stages(gone)
        for keeper in gone:
            self._beside.remove(keeper)
            self._started.remove(keeper)
            self.state.processes.remove(self.state.process(keeper.program.name))
        there = {keeper.program.name for keeper in self._beside}
        fresh = [self._keeper(program) for name, program in wanted.items() if name not in there]
        self._beside += fresh
        self._keep(tasks, fresh)
        self._changed.set()

    def _keeper(self, program: Program) -> Keeper:
        state = ProcessState(program.name, program.address, program.metrics, program.version)
        self.state.processes.append(state)
        return Keeper(program, self._home, state, self._changed)

    async def _wait_ready(self, keeper: Keeper) -> None:
        started = time.monotonic()
        name = keeper.program.name
        while not keeper.ready.is_set():
            if time.monotonic() - started > START_SECONDS:
                raise MachineError(f"{name} was not ready after {START_SECONDS:.0f} s; {last_words(self._home, name)}")
            if keeper.failures >= START_TRIES:
                raise MachineError(f"{name} ended {START_TRIES} times at its start; {last_words(self._home, name)}")
            with suppress(TimeoutError):
                async with asyncio.timeout(READY_POLL_SECONDS):
                    await keeper.ready.wait()
        tell(process=name, seconds=round(time.monotonic() - started, 2))

    async def _stop_all(self) -> None:
        await self._stop_in_stages(self._started)

    async def _stop_in_stages(self, keepers: Sequence[Keeper]) -> None:
        for stage in sorted({keeper.program.stage for keeper in keepers}, reverse=True):
            await asyncio.gather(*(keeper.stop() for keeper in keepers if keeper.program.stage == stage))

    def _enter(self, phase: Phase) -> None:
        self.state.phase = phase
        with going_on("state_not_written"):
            states.write(self._home, self.state)

    async def _record(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            with going_on("state_not_written"):
                states.write(self._home, self.state)

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEWAL_SECONDS)
            with going_on("tokens_not_renewed"):
                self._credentials.renew()


@contextmanager
def going_on(failure: str) -> Iterator[None]:
    """A full disk is told, and ends nothing."""
    try:
        yield
    except OSError as error:
        log.error(failure, error=str(error))


async def until(work: Coroutine[Any, Any, None], stop: asyncio.Event) -> None:
    """Does the work, or part of it if `stop` comes first."""
    doing, stopping = asyncio.ensure_future(work), asyncio.ensure_future(stop.wait())
    try:
        await asyncio.wait({doing, stopping}, return_when=asyncio.FIRST_COMPLETED)
        if doing.done():
            doing.result()
    finally:
        doing.cancel()
        stopping.cancel()


def open_log(path: Path) -> IO[bytes]:
    """To be appended to; what is there becomes `<name>.log.1` once it is long."""
    if path.exists() and path.stat().st_size > LOG_BYTES_LIMIT:
        path.replace(path.with_name(path.name + ".1"))
    return open_private(path)


def tell(**words: object) -> None:
    """A line to whoever started us, if they still listen."""
    with suppress(BrokenPipeError, ValueError):
        sys.stdout.write(json.dumps(words) + "\n")
        sys.stdout.flush()


def close_report() -> None:
    with open(os.devnull, "wb") as nowhere:
        os.dup2(nowhere.fileno(), sys.stdout.fileno())


def lock(home: Home) -> IO[bytes]:
    """Held for as long as the supervisor lives; the kernel lets it go, whatever ends us."""
    file = open_private(home.lock)
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        raise MachineError(f"an exchange is already running in {home.folder}") from None
    return file


async def supervise(home: Home, layout: Layout, credentials: Credentials, only: Sequence[str], leash: bool) -> None:
    chosen = programs(home, layout, credentials, only, versions=[])
    names = {program.name for program in chosen}

    def versions() -> list[Program]:
        return [one for one in programs(home, load_layout(home), credentials) if one.name not in names]

    supervisor = Supervisor(home, layout, credentials, chosen, tuple if only or not layout.mesh else versions)
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        loop.add_signal_handler(number, supervisor.stop.set)
    if leash:
        supervisor.state.owner = os.getppid()
        loop.add_reader(sys.stdin.fileno(), supervisor.stop.set)
    await supervisor.run()


def main(folder: str, *options: str) -> None:
    """`options`: names of the programs to run (all if none), and LEASH."""
    home = Home(Path(folder))
    background.begin()
    try:
        with lock(home):
            try:
                begin(home, [name for name in options if name != LEASH], LEASH in options)
            finally:
                home.state.unlink(missing_ok=True)
    except* MachineError as errors:
        for error in leaves(errors):
            log.error("failed", error=str(error))
            tell(error=str(error))
        sys.exit(1)


def begin(home: Home, only: Sequence[str], leash: bool) -> None:
    """What a start finds or makes in the home, and then the life of the exchange."""
    end(list(marked(home.folder)))
    layout = load_layout(home)
    layout.choose(home, [version.process for version in desired.read(home).versions])
    save_layout(home, layout)
    credentials = Credentials(home.credentials)
    credentials.create()
    credentials.renew()
    applied.forget(home)
    asyncio.run(supervise(home, layout, credentials, only, leash))


if __name__ == "__main__":
    main(*sys.argv[1:])
