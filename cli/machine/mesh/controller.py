"""Keeps every Envoy of one home in step with the YAML, the desired state, and what is alive.

A process of its own (`python -m cli.machine.mesh.controller HOME`): when it dies the traffic goes on, and the supervisor
starts it again. What cannot be translated, or an Envoy would refuse, changes nothing: its status says why, or its log at its start.
So it is with what nobody foresaw; what was to be done by itself is tried again.
"""

import asyncio
import gc
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import structlog

from cli.machine import background
from cli.machine.credentials import Credentials
from cli.machine.home import Home, MachineError, leaves
from cli.machine.mesh import desired, status
from cli.machine.mesh.desired import Desired
from cli.machine.mesh.envoys import behind, counters
from cli.machine.mesh.keysets import KeySets
from cli.machine.mesh.plan import Plan
from cli.machine.mesh.pods import SIDECAR, Place
from cli.machine.mesh.readiness import Readiness
from cli.machine.mesh.status import Status
from cli.machine.mesh.watches import check_watches
from cli.machine.mesh.world import weights
from mesh.local.confirmed import words
from mesh.local.document import Untranslatable

FOLLOW_SECONDS = 0.01
LOOK_SECONDS = 2.0
RENEWAL_CHECK_SECONDS = 10.0
REPAIR_SECONDS = 1.0
CONFIRM_SECONDS = 3.0
CONFIRM_POLL_SECONDS = 0.005
COUNT_SECONDS = 1.0
COUNTED_SECONDS = 0.25  # An Envoy that answers later is counted next time: no endpoint waits for it.

log = structlog.get_logger()


class Controller:
    def __init__(self, home: Home) -> None:
        credentials = Credentials(home.credentials)
        self._home = home
        self._plan = Plan(home, credentials)
        self._key_sets = KeySets(home, credentials.broker_issuer)
        self._desired = Desired()
        self._readiness: dict[str, Readiness] = {}
        self._following: dict[str, asyncio.Task[None]] = {}
        self._changed = asyncio.Event()
        self._turn = asyncio.Lock()  # Of what is to be: one thing after the other.
        self._counting = asyncio.Lock()  # What was read first is added first.
        before = status.read(home)
        self._known = {} if before is None else before.ready
        self._status = (
            Status(os.getpid()) if before is None else Status(os.getpid(), tally=before.tally, obeyed=before.obeyed)
        )

    async def run(self) -> None:
        """Until it is cancelled. Untranslatable when the YAML that was applied last is (at first: that on the disk), MachineError
        when an Envoy would refuse what it makes; then nothing was pushed.

        It begins with what was obeyed last. What is wanted and was not is obeyed then, as any edit is: who asked for it may be
        waiting, and is told so once every Envoy runs it.
        """
        await self._key_sets.fetch()
        seen, obeyed = desired.stamp(self._home), self._status.obeyed
        asked = self._asked() or obeyed or Desired()
        wanted = self._plan.start(self._key_sets.known, asked, obeyed)
        async with asyncio.TaskGroup() as tasks:
            self._follow_pods(tasks, self._plan.places_of(wanted))
            await self._look()
            await self._count()
            if refused := await self._plan.refusals(wanted, self._ready()):
                raise MachineError("; ".join(refused))
            self._plan.adopt(wanted, self._ready())
            self._plan.keep(wanted.readings)
            if not any(self._ready().values()):
                check_watches(self._plan.places)
            gc.freeze()  # The YAML stays: a look through all of it would take longer than a change of weights.
            self._desired = wanted
            is_done = wanted == asked == obeyed
            self._status.generation = self._status.running = asked.generation - (not is_done)
            self._say()
            tasks.create_task(self._follow_desired(tasks, seen if is_done else None), name="desired")
            tasks.create_task(self._repair(), name="files")
            tasks.create_task(self._renew(), name="certificates")
            tasks.create_task(self._refresh_keys(), name="keys")
            tasks.create_task(self._follow_messages(), name="messages")
            await self._follow_readiness()

    def _follow_pods(self, tasks: asyncio.TaskGroup, places: Sequence[Place]) -> None:
        wanted = {place.process: place for place in places}
        for gone in self._readiness.keys() - wanted.keys():
            self._following.pop(gone).cancel()
            del self._readiness[gone]
        for process in wanted.keys() - self._readiness.keys():
            readiness = Readiness(wanted[process], self._known.get(process, False), self._changed.set)
            self._readiness[process] = readiness
            self._following[process] = tasks.create_task(readiness.follow(), name=process)

    async def _look(self) -> None:
        """Nobody's endpoint is taken out only because this process is new."""
        try:
            async with asyncio.timeout(LOOK_SECONDS):
                for readiness in list(self._readiness.values()):
                    await readiness.looked.wait()
        except TimeoutError:
            log.warning("pods_not_looked_at", after_seconds=LOOK_SECONDS)

    async def _follow_readiness(self) -> None:
        while True:
            await self._changed.wait()
            self._changed.clear()
            await self._count()
            with surviving("push_endpoints"):
                self._plan.push(self._ready())
            self._say()

    async def _follow_messages(self) -> None:
        while True:
            await asyncio.sleep(COUNT_SECONDS)
            if await self._count():
                self._say()

    async def _count(self) -> bool:
        """Before an Envoy is given anything: the counters of a cluster that is made anew begin anew. Whether they say anything new."""
        async with self._counting:
            places = [readiness.place for readiness in self._readiness.values()]
            return self._status.tally.add(await asyncio.to_thread(counters, places, COUNTED_SECONDS))

    async def _follow_desired(self, tasks: asyncio.TaskGroup, seen: tuple[int, int] | None) -> None:
        while True:
            await asyncio.sleep(FOLLOW_SECONDS)
            if (stamp := desired.stamp(self._home)) != seen:
                seen = stamp
                if (asked := self._asked()) is not None:
                    async with self._turn:
                        await self._obey(asked, tasks)

    def _asked(self) -> Desired | None:
        """None when somebody has written what is no desired state: then what was obeyed last goes on."""
        try:
            return desired.read(self._home)
        except MachineError as error:
            log.error("not_obeyed", error=str(error))
            return None

    async def _obey(self, wanted: Desired, tasks: asyncio.TaskGroup) -> None:
        started = time.monotonic()
        before, base = self._desired, self._plan.base
        if wanted.weights == before.weights:
            await self._count()
        self._status.given = False
        self._status.refused = await self._try(wanted, tasks)
        self._status.generation = wanted.generation
        self._status.milliseconds = round((time.monotonic() - started) * 1_000, 1)
        if self._status.refused:
            log.error("refused", generation=wanted.generation, error=self._status.refused)
            self._plan.base = base
            with surviving("take_back"):
                self._plan.adopt(before, self._ready())
        else:
            if wanted.readings != before.readings:
                self._plan.keep(wanted.readings)
            self._desired = self._status.obeyed = wanted
            self._status.running = wanted.generation
            log.info("obeyed", generation=wanted.generation, milliseconds=self._status.milliseconds)
        self._follow_pods(tasks, self._plan.places)
        gone = [one for one in before.versions if self._desired.version(one.service, one.subset) is None]
        if gone or wanted.weights != before.weights:
            await self._count()
        for one in gone:
            self._status.tally.forget(one.service, one.subset, f"{one.process}{SIDECAR}")
        if wanted.weights != before.weights:
            self._status.tally.start()
        self._say()

    async def _try(self, wanted: Desired, tasks: asyncio.TaskGroup) -> str:
        """Makes it so, and waits until every Envoy that lives says that it is. Else why it is not."""
        try:
            return await self._make(wanted, tasks)
        except Untranslatable as error:
            return str(error)
        except Exception as error:
            log.error("failed", attempt="obey", exc_info=error)
            return in_words(error)

    async def _make(self, wanted: Desired, tasks: asyncio.TaskGroup) -> str:
        begun = {place.envoy: log_size(self._home.log(place.envoy)) for place in self._plan.places}
        if wanted.readings != self._desired.readings:
            self._plan.load(self._key_sets.known)
            if refused := await self._plan.refusals(wanted, self._ready()):
                return "; ".join(refused)
        changed = self._plan.adopt(wanted, self._ready())
        self._status.given = bool(changed)
        if wanted.rotations > self._desired.rotations:
            self._plan.keep_certificates(anew=True)
        self._follow_pods(tasks, self._plan.places)
        log.info("given", generation=wanted.generation, changed=changed)
        deadline = time.monotonic() + CONFIRM_SECONDS
        fresh = [place for place in self._plan.places if any(name.startswith(f"{place.process}/") for name in changed)]
        for asked in (fresh, self._plan.places):  # Who has something new to read is not kept waiting by who has not.
            while late := await asyncio.to_thread(behind, asked, self._plan.given):
                if time.monotonic() > deadline:
                    return "; ".join(self._why(envoy, what, begun.get(envoy, 0)) for envoy, what in late.items())
                self._plan.write()
                await asyncio.sleep(CONFIRM_POLL_SECONDS)
        return ""

    def _why(self, envoy: str, late: list[str] | None, begun: int) -> str:
        """What it does not run, and what its log says of that from there on."""
        if late is None:
            return f"{envoy} does not answer"
        return f"{envoy} does not run {', '.join(late)}: {words(self._home.log(envoy), begun)}"

    async def _repair(self) -> None:
        while True:
            await asyncio.sleep(REPAIR_SECONDS)
            with surviving("repair"):
                if repaired := self._plan.write():
                    log.warning("repaired", files=repaired)
            with surviving("repair_status"):
                if status.read(self._home) is None:
                    self._say()

    async def _renew(self) -> None:
        while True:
            await asyncio.sleep(RENEWAL_CHECK_SECONDS)
            with surviving("renew_certificates"):
                if issued := self._plan.keep_certificates():
                    log.info("certificates_renewed", issued=issued)

    async def _refresh_keys(self) -> None:
        while True:
            await self._key_sets.next()
            async with self._turn:
                await self._count()
                with surviving("rekey"):
                    if refused := await self._plan.rekey(self._key_sets.known, self._desired, self._ready()):
                        log.error("refused", error="; ".join(refused))

    def _ready(self) -> dict[str, bool]:
        return {process: readiness.ready for process, readiness in self._readiness.items()}

    def _say(self) -> None:
        for process, ready in self._ready().items():
            if ready != self._status.ready.get(process):
                log.info("endpoint", process=process, ready=ready)
        self._status.ready, self._status.weights = self._ready(), weights(self._plan.world)
        status.write(self._home, self._status)


@contextmanager
def surviving(attempt: str) -> Iterator[None]:
    """What goes wrong in it is told in the log, and ends nothing."""
    try:
        yield
    except Untranslatable as error:
        log.error("failed", attempt=attempt, error=str(error))
    except Exception as error:
        log.error("failed", attempt=attempt, error=in_words(error), exc_info=error)


def in_words(error: Exception) -> str:
    """Of what nobody foresaw."""
    return f"{type(error).__name__}: {error}"


def log_size(log_file: Path) -> int:
    return log_file.stat().st_size if log_file.exists() else 0


async def run(home: Home) -> None:
    work = asyncio.create_task(Controller(home).run())
    asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, work.cancel)
    await work


def main(folder: str) -> None:
    background.begin()
    try:
        asyncio.run(run(Home(Path(folder))))
    except* asyncio.CancelledError:
        log.info("stopped")
    except* (Untranslatable, MachineError) as errors:
        for error in leaves(errors):
            log.critical("failed", error=str(error))
        sys.exit(1)
    except* Exception as errors:
        for error in leaves(errors):
            log.critical("failed", error=in_words(error), exc_info=error)
        sys.exit(1)


if __name__ == "__main__":
    main(*sys.argv[1:])
