"""The life of a process: telemetry, signals, background tasks, and an exit code that tells the truth."""

import asyncio
import signal
import sys
from collections.abc import Awaitable, Callable, Coroutine
from typing import Any

import structlog

from chassis import telemetry
from chassis.settings import Process as Settings

END_TRIES = 10
END_SECONDS = 0.5

log = structlog.get_logger()


class Process:
    """A running process. `stop` is set by SIGTERM and SIGINT; `spawn` starts a task that must not fail."""

    def __init__(self, tasks: asyncio.TaskGroup) -> None:
        self.stop = asyncio.Event()
        self._tasks = tasks
        self._main = asyncio.current_task()
        self._spawned: set[asyncio.Task[Any]] = set()

    def spawn(self, work: Coroutine[Any, Any, Any], name: str = "") -> asyncio.Task[Any]:
        """Runs `work` beside main. If it raises, the process ends (crash-only); it is cancelled when main returns."""
        task = self._tasks.create_task(work, name=name or None)
        self._spawned.add(task)
        task.add_done_callback(self._spawned.discard)
        return task

    def on_signal(self) -> None:
        """The first one asks main to end, the second one cancels it."""
        if self.stop.is_set() and self._main is not None:
            self._main.cancel()
        self.stop.set()

    async def end_spawned(self) -> None:
        """Ends the background tasks, before what they use is closed. One that a cancellation met at a bad moment gets another."""
        for _ in range(END_TRIES):
            if not (spawned := set(self._spawned)):
                return
            for task in spawned:
                task.cancel()
            await asyncio.wait(spawned, timeout=END_SECONDS)


def run(settings: Settings, main: Callable[[Process], Awaitable[None]]) -> None:
    """Runs `main` until it returns, and exits the interpreter: 0, or 1 after an error, which is logged.

    `main` builds everything, waits for `process.stop`, drains its server and returns.
    """
    telemetry.set_up(settings.name, settings.metrics_listen, settings.log_format, settings.log_level)
    log.info("starting", listen=settings.listen)
    try:
        asyncio.run(_run(main))
    except asyncio.CancelledError:
        log.warning("cut_short")
        sys.exit(1)
    except Exception as error:  # the last one to catch it
        log.critical("failed", exc_info=error)
        sys.exit(1)
    log.info("stopped")


async def _run(main: Callable[[Process], Awaitable[None]]) -> None:
    async with asyncio.TaskGroup() as tasks:
        process = Process(tasks)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, process.on_signal)
        process.spawn(telemetry.watch_loop(), "watch_loop")
        await main(process)
        await process.end_spawned()
