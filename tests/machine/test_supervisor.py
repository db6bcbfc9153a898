"""How the supervisor starts, keeps and ends programs: tried with small real processes."""

import asyncio
import signal
import sys
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from cli.machine import state as states
from cli.machine.credentials import Credentials
from cli.machine.home import Home, Layout, MachineError
from cli.machine.program import marked
from cli.machine.state import Phase
from cli.machine.supervisor import START_TRIES, Supervisor
from tests.waiting import PATIENCE_SECONDS

# Says when it starts and when it is asked to end.
SERVE = """
import signal, sys
def say(word):
    with open(sys.argv[1], "a") as journal:
        journal.write(f"{word} {sys.argv[2]}\\n")
def end(*_):
    say("end")
    sys.exit(0)
signal.signal(signal.SIGTERM, end)
say("start")
signal.pause()
"""


@dataclass
class Sample:
    """A program that is ready once it, and another that it `needs`, have said that they started."""

    name: str
    stage: int
    journal: Path
    code: str = SERVE
    address: str = "127.0.0.1:1"
    metrics: str = ""
    version: str = "1"
    stop_signal: int = signal.SIGTERM
    user: None = None
    environment: Mapping[str, str] = field(default_factory=dict)
    broken: int = 0
    awaited: bool = True
    needs: str = ""

    @property
    def command(self) -> list[str]:
        return [sys.executable, "-S", "-c", self.code, str(self.journal), self.name]

    def prepare(self) -> None:
        if self.broken:
            self.broken -= 1
            raise MachineError("broken")

    def ready(self, pid: int) -> bool:
        said = self.journal.read_text() if self.journal.exists() else ""
        return all(f"start {name}\n" in said for name in (self.name, self.needs or self.name))


class Bench:
    """A home, and a journal of what its programs said."""

    def __init__(self, folder: Path) -> None:
        self.home = Home(folder)
        self.home.create()
        self.journal = folder / "journal"

    def said(self) -> list[str]:
        return self.journal.read_text().splitlines() if self.journal.exists() else []

    def supervisor(self, *programs: Sample) -> Supervisor:
        return Supervisor(self.home, Layout(shards=1), Credentials(self.home.credentials), programs)

    @asynccontextmanager
    async def running(self, *programs: Sample) -> AsyncIterator[Supervisor]:
        supervisor = self.supervisor(*programs)
        running = asyncio.create_task(supervisor.run())
        try:
            await self.until(lambda: supervisor.state.phase is Phase.READY or running.done())
            yield supervisor
        finally:
            supervisor.stop.set()
            await running
        assert not list(marked(self.home.folder))

    async def until(self, condition: Callable[[], object]) -> None:
        async with asyncio.timeout(PATIENCE_SECONDS):
            while not condition():
                await asyncio.sleep(0.01)


@pytest.fixture
def bench(tmp_path: Path) -> Bench:
    return Bench(tmp_path)


async def test_programs_start_in_order_and_end_in_reverse(bench: Bench) -> None:
    """A stage starts when the one before is ready, and ends after the one behind it has ended."""
    names = ["one", "two", "three"]
    async with bench.running(*(Sample(name, stage, bench.journal) for stage, name in enumerate(names))) as supervisor:
        assert [process.ready for process in supervisor.state.processes] == [True] * 3
    assert bench.said() == [f"start {name}" for name in names] + [f"end {name}" for name in reversed(names)]


async def test_who_is_not_awaited_keeps_nobody_back(bench: Bench) -> None:
    """The stage behind starts at once; all are ready at the end of the start, and they end in reverse too."""
    first = Sample("first", 0, bench.journal, awaited=False, needs="second")
    async with bench.running(first, Sample("second", 1, bench.journal)) as supervisor:
        assert [process.ready for process in supervisor.state.processes] == [True] * 2
    assert bench.said()[2:] == ["end second", "end first"]


async def test_who_ends_is_started_again(bench: Bench) -> None:
    """A process that exits, even with 0, has a successor; how often is counted."""
    one = Sample("one", 0, bench.journal)
    async with bench.running(one, Sample("two", 1, bench.journal)) as supervisor:
        pid = supervisor.state.process("one").pid
        next(process for process in marked(bench.home.folder) if process.pid == pid).terminate()
        await bench.until(lambda: supervisor.state.process("one").restarts == 1)
        await bench.until(lambda: supervisor.state.process("one").ready)
        assert supervisor.state.process("one").pid != pid
        assert supervisor.state.process("two").restarts == 0


async def test_a_start_that_cannot_be_prepared_is_tried_again(bench: Bench) -> None:
    """What goes away is waited for."""
    async with bench.running(Sample("one", 0, bench.journal, broken=2)) as supervisor:
        assert supervisor.state.process("one").restarts == 2


async def test_a_start_that_fails_ends_what_was_started(bench: Bench) -> None:
    """A program that never lives stops the start with its name, and leaves nothing."""
    good, bad = Sample("good", 0, bench.journal), Sample("bad", 1, bench.journal, code="raise SystemExit(1)")
    with pytest.raises(ExceptionGroup) as raised:
        await bench.supervisor(good, bad).run()
    (error,) = raised.value.exceptions
    assert f"bad ended {START_TRIES} times at its start" in str(error)
    assert bench.said() == ["start good", "end good"]
    assert not list(marked(bench.home.folder))


async def test_a_stop_during_the_start_is_obeyed(bench: Bench) -> None:
    """A program that is never ready does not hold up a stop."""
    silent = Sample("silent", 0, bench.journal, code="import signal; signal.pause()")
    supervisor = bench.supervisor(silent)
    running = asyncio.create_task(supervisor.run())
    await bench.until(lambda: supervisor.state.process("silent").pid)
    supervisor.stop.set()
    async with asyncio.timeout(PATIENCE_SECONDS):
        await running
    assert not list(marked(bench.home.folder))


async def test_the_state_file_says_what_runs(bench: Bench) -> None:
    """state.json follows every change, and is no state once the supervisor that wrote it is gone."""
    async with bench.running(Sample("one", 0, bench.journal)) as supervisor:
        pid = supervisor.state.process("one").pid
        await bench.until(lambda: f'"pid": {pid}' in bench.home.state.read_text())
        assert '"phase": "ready"' in bench.home.state.read_text()
    assert states.read(bench.home) is None
