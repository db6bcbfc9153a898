"""The mesh of one home, as commands and tests handle it: they change what is to be, and wait until it is so."""

import shutil
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from importlib.metadata import version as release
from pathlib import Path
from typing import Any

from cli.machine import state as states
from cli.machine.credentials import Credentials
from cli.machine.home import Home, Layout, MachineError, load_layout, save_layout
from cli.machine.mesh import applied, desired, drain, status
from cli.machine.mesh.desired import EVERYBODY, STABLE, VERSIONED, Desired, Version, process_of
from cli.machine.mesh.install import found_in
from cli.machine.mesh.keyring import Secret, secrets
from cli.machine.mesh.keysets import KeySets
from cli.machine.mesh.labels import labelled
from cli.machine.mesh.lost import lost, share_of
from cli.machine.mesh.pods import SIDECAR, Place, places
from cli.machine.mesh.status import Status
from cli.machine.mesh.world import load, localized, routed, weighed, weights
from cli.machine.state import State
from cli.machine.words import last_words
from mesh.local import certificates
from mesh.local.certificates import Authority
from mesh.local.document import Untranslatable
from mesh.local.drift import drift
from mesh.local.model import World

ALL = 100
WAIT_SECONDS = 60.0
GAP_SECONDS = 10.0  # Until a controller that ended is there again, on a busy machine.
POLL_SECONDS = 0.01
START_TRIES = 4
SUBSETS = (STABLE, "canary")  # as the DestinationRules have them

Edit = Callable[[Desired], None]


class Mesh:
    def __init__(self, home: Home) -> None:
        self._home = home

    @property
    def places(self) -> list[Place]:
        return places(self._home, load_layout(self._home), self.desired.versions)

    @property
    def desired(self) -> Desired:
        return desired.read(self._home)

    @property
    def world(self) -> World:
        """What acts: the YAML that was applied last, with what is wanted. MachineError when no mesh runs."""
        _ = self.status  # whether there is one
        kept = applied.read(self._home)
        if kept is None:
            raise MachineError(f"the mesh of {self._home.folder} has not begun yet: see `bourse logs controller`")
        return self._meant(
            lambda layout, credentials, keys: localized(World(kept.documents, keys), layout, credentials)
        )

    @property
    def on_disk(self) -> World:
        """What would act after `bourse mesh apply`. MachineError when it cannot be translated."""
        return self._meant(load)

    def _meant(self, read: Callable[[Layout, Credentials, Mapping[str, str]], World]) -> World:
        credentials = Credentials(self._home.credentials)
        keys = KeySets(self._home, credentials.broker_issuer).known
        try:
            return weighed(read(load_layout(self._home), credentials, keys), self.desired)
        except Untranslatable as error:
            raise MachineError(str(error)) from None

    @property
    def secrets(self) -> list[Secret]:
        """Those that the Envoys need."""
        try:
            return secrets(self.places, self.world)
        except Untranslatable as error:
            raise MachineError(str(error)) from None

    @property
    def status(self) -> Status:
        """What the controller says; one that is just starting again is waited for. MachineError when there is none."""
        deadline = time.monotonic() + GAP_SECONDS
        while True:
            self._state()
            found = status.read(self._home)
            if found is not None and states.runs(found.pid, self._home):
                return found
            if time.monotonic() > deadline:
                raise MachineError(
                    f"the mesh of {self._home.folder} has no controller now: see `bourse logs controller`"
                )
            time.sleep(POLL_SECONDS)

    def drift(self) -> list[str]:
        """Where an Envoy runs other than the YAML on the disk and the desired state say, certificates that are of no use, and
        weights that send calls where nobody answers. MachineError when that YAML cannot be translated.
        """
        said, world = self.status, self.on_disk
        try:
            found = labelled(self.places, world)
            pods = [replace(place.pod, ready=said.ready.get(place.process, False)) for place in found]
            differing = [
                words for place, pod in zip(found, pods, strict=True) for words in drift(world, pod, pods, place.folder)
            ]
            return [
                *differing,
                *(in_words(*one) for one in lost(said)),
                *useless(found, world, Authority(self._home.credentials)),
            ]
        except Untranslatable as error:
            raise MachineError(str(error)) from None

    def missing(self, state: State) -> list[str]:
        """The versions that are wanted and not up, and those that get calls and are not wanted, in words."""
        up = {process.name for process in state.processes if process.ready}
        wanted, said = self.desired, status.read(self._home)
        given = {} if said is None else said.weights
        away = [one for one in wanted.versions if not {one.process, f"{one.process}{SIDECAR}"} <= up]
        gone = (
            [] if said is None else [one for one in lost(said) if one[1] != STABLE and wanted.version(*one[:2]) is None]
        )
        return [
            f"{one.process} is wanted and not up{given_to(one, given)}; {last_words(self._home, one.process)}"
            for one in away
        ] + [in_words(*one) for one in gone]

    def weigh(self, service: str, weights: Mapping[str, int] | None, ring: str = EVERYBODY) -> float:
        """Divides the service's new calls and streams between its versions, per cent, for all brokers or those of one ring;
        None: the ring's as everybody's. Returns after how many milliseconds every Envoy ran it.

        MachineError when it cannot be so; then it is as before, and says whether an Envoy ran it for a moment.
        """
        of_service(service)
        if ring and ring not in (known := self.weights()[service]):
            rings = ", ".join(one for one in known if one)
            raise MachineError(f"no route of {service} is for a ring {ring}: there are {rings or 'none'}")
        if weights is not None:
            self._check(service, weights)

        return self._change(weighing(service, ring, weights)).milliseconds

    def apply(self) -> float:
        """Has the YAML read again. Returns after how many milliseconds every Envoy ran it. MachineError, with every problem
        by file and line, when something of it cannot be translated, or what an Envoy would say; then nothing has changed.
        """

        def change(wanted: Desired) -> Edit:
            wanted.readings += 1
            return read_no_more

        def read_no_more(wanted: Desired) -> None:
            wanted.readings -= 1

        return self._change(change).milliseconds

    def renew_certificates(self) -> float:
        """Makes every certificate anew. Returns after how many milliseconds that was so. MachineError when it is not; then
        nothing more is wanted, and each Envoy has a certificate that is good: its old one or a new one.
        """

        def change(wanted: Desired) -> Edit:
            wanted.rotations += 1
            return rotate_no_more

        def rotate_no_more(wanted: Desired) -> None:
            wanted.rotations -= 1

        return self._change(change, "an Envoy that has no new certificate goes on with its old one").milliseconds

    def add_version(self, service: str, subset: str, folder: Path) -> Version:
        """Starts the version that is installed in the folder beside the stable one; it gets no calls before it has a weight.

        MachineError when it does not come up; then nothing of it is left.
        """
        of_service(service)
        of_subset(subset)
        python, release = found_in(folder, service)
        version = Version(service, subset, str(folder.resolve()), str(python), release)
        with desired.editing(self._home) as wanted:
            if wanted.version(service, subset) is not None:
                raise MachineError(f"{service} has a version {subset} already: remove it first")
            layout = load_layout(self._home)
            layout.add([version.process])
            save_layout(self._home, layout)
            wanted.versions.append(version)
        try:
            self._until(lambda: self._known().get(version.process, False), version.process)
        except MachineError:
            self._take_out(version)
            raise
        return version

    def drain(self, service: str, subset: str, share: float = 1.0) -> int:
        """Tells that share of the version's open streams to move. How many were told."""
        if subset != STABLE:
            self.version(service, subset)
        self._state()
        return drain.drain(self._home, of_service(service), subset, share)

    def remove_version(self, service: str, subset: str) -> None:
        """Ends it, once its streams have moved and it has answered what it received. MachineError while it has a weight, or is
        to have one.
        """
        version = self.version(service, subset)
        for now in (self.weights(), weights(self.world)):
            for ring, own in now[service].items():
                if own.get(subset):
                    raise MachineError(self._still_given(version, ring, own[subset]))
        if self.status.ready.get(version.process):
            self.drain(service, subset)
        self._take_out(version)

    def versions(self) -> list[dict[str, Any]]:
        """Every version of every service, the stable ones first."""
        said = self.status
        stable = [Version(service, STABLE, "", "", release("bourse")) for service in VERSIONED]
        beside = self.desired.versions
        known = {one.process for one in [*stable, *beside]}
        gone = [Version(*one[:2], "", "", "") for one in lost(said) if process_of(*one[:2]) not in known]
        return [
            {
                "service": one.service,
                "subset": one.subset,
                "release": one.release,
                "ready": said.ready.get(one.process, False),
                "weights": {ring: shares.get(one.subset, 0) for ring, shares in said.weights[one.service].items()},
                "from": one.folder,
            }
            for one in sorted([*stable, *beside, *gone], key=lambda one: one.service)
        ]

    def weights(self) -> dict[str, dict[str, dict[str, int]]]:
        """Per cent by service, ring and subset, as the Envoys have them."""
        return self.status.weights

    def version(self, service: str, subset: str) -> Version:
        found = self.desired.version(of_service(service), subset)
        if found is None:
            raise MachineError(f"{service} has no version {subset}: see `bourse version list`")
        return found

    def _still_given(self, version: Version, ring: str, weight: int) -> str:
        """Where that comes from, and what to do."""
        service, subset = version.service, version.subset
        own = self.desired.weights.get(service, {})
        origin, of_ring = "as `bourse mesh weight` said", f" --ring {ring}" if ring and ring in own else ""
        if ring not in own and EVERYBODY not in own:
            files = {
                one.file
                for one in self.world.of("VirtualService")
                if any(found == ring for found, _ in routed(one.body, one.namespace, service))
            }
            origin = f"by {', '.join(sorted(files))}, as it was applied last"
        return (
            f"{subset} still gets {weight} % of {service}'s calls{f' of the ring {ring}' if ring else ''}, {origin}: "
            f"bourse mesh weight {service} {STABLE}={ALL} {subset}=0{of_ring}"
        )

    def _take_out(self, version: Version) -> None:
        with desired.editing(self._home) as wanted:
            wanted.versions = [one for one in wanted.versions if one.process != version.process]
        own = {version.process, f"{version.process}{SIDECAR}"}
        self._until(lambda: not own & {process.name for process in self._state().processes})
        self._until(lambda: version.process not in self._known())
        shutil.rmtree(self._home.mesh / version.process, ignore_errors=True)

    def _check(self, service: str, weights: Mapping[str, int]) -> None:
        if unknown := set(weights) - set(SUBSETS):
            raise MachineError(f"{service} has no subset {', '.join(sorted(unknown))}: it has {', '.join(SUBSETS)}")
        if sum(weights.values()) != ALL or min(weights.values()) < 0:
            raise MachineError(f"the weights are {sum(weights.values())} together: they are per cent, and make {ALL}")
        for subset in [subset for subset, weight in weights.items() if weight and subset != STABLE]:
            process = self.version(service, subset).process
            if not self.status.ready.get(process):
                raise MachineError(f"{process} is not ready: calls to it would fail; see `bourse logs {process}`")

    def _change(self, change: Callable[[Desired], Edit], otherwise: str = "nothing has changed") -> Status:
        """Has it made true. Refused, or not done in time, it is undone, and nothing else is that somebody has edited meanwhile."""
        self._state()
        with desired.editing(self._home) as wanted:
            undo = change(wanted)
            generation = wanted.generation + 1
        try:
            found = self._obeyed(generation)
        except BaseException:
            self._edit(undo)
            raise
        if found.refused:
            self._edit(undo)
            done = "taken back from the Envoys that had it already" if found.given else otherwise
            raise MachineError(f"refused, and {done}: {found.refused}")
        return found

    def _edit(self, edit: Edit) -> None:
        with desired.editing(self._home) as wanted:
            edit(wanted)

    def _obeyed(self, generation: int) -> Status:
        deadline = time.monotonic() + WAIT_SECONDS
        while time.monotonic() < deadline:
            said = status.read(self._home)
            if said is not None and (said.running >= generation or (said.refused and said.generation >= generation)):
                return said
            time.sleep(POLL_SECONDS)
        raise MachineError(
            f"not done within {WAIT_SECONDS:.0f} s, and taken back: it is not wanted any more; see `bourse logs controller`"
        )

    def _until(self, condition: Callable[[], bool], process: str = "") -> None:
        deadline = time.monotonic() + WAIT_SECONDS
        while not condition():
            failed = [
                one.name for one in self._state().processes if one.name == process and one.restarts >= START_TRIES
            ]
            if failed or time.monotonic() > deadline:
                raise MachineError(
                    f"{process or 'the mesh'} did not come so far; {last_words(self._home, process or 'controller')}"
                )
            time.sleep(POLL_SECONDS)

    def _known(self) -> dict[str, bool]:
        """Which pods take calls, as the controller said last; it may just be starting again."""
        said = status.read(self._home)
        return {} if said is None else said.ready

    def _state(self) -> State:
        state = states.read(self._home)
        if state is None:
            raise MachineError(f"no exchange is running in {self._home.folder}: start it with `bourse up`")
        if not state.mesh:
            raise MachineError(f"the exchange in {self._home.folder} has no mesh: start it with `bourse up --mesh`")
        return state


def weighing(service: str, ring: str, weights: Mapping[str, int] | None) -> Callable[[Desired], Edit]:
    """Sets the ring's weights (None: has it none of its own); what it returns brings back what was, unless somebody has
    set others since.
    """
    made = None if weights is None else dict(weights)

    def change(wanted: Desired) -> Edit:
        before = put(wanted, made)

        def undo(later: Desired) -> None:
            if later.weights.get(service, {}).get(ring) == made:
                put(later, before)

        return undo

    def put(wanted: Desired, own: dict[str, int] | None) -> dict[str, int] | None:
        """Returns what was before."""
        of_rings = wanted.weights.setdefault(service, {})
        before = of_rings.pop(ring, None)
        if own is not None:
            of_rings[ring] = own
        if not of_rings:
            del wanted.weights[service]
        return before

    return change


def given_to(version: Version, given: Mapping[str, Mapping[str, Mapping[str, int]]]) -> str:
    """What the weights send to it, such as: , but is given 70 % of all calls to svc_quote, which fail."""
    share = share_of(given.get(version.service, {}), version.subset)
    return f", but is given {share} to {version.service}, which fail" if share else ""


def in_words(service: str, subset: str, share: str) -> str:
    """Of a weight that is lost."""
    return f"{service} {subset} is given {share}, which fail: nothing of it is ready"


def useless(found: Sequence[Place], world: World, authority: Authority) -> Iterator[str]:
    """Certificates that are missing, cannot be read, or have expired; and whom an Envoy believes, where that is damaged."""
    envoys = {place.folder: place.envoy for place in found}
    for folder, envoy in envoys.items():
        if not certificates.holds_root(folder, authority):
            yield f"{envoy}: whom it believes, {certificates.ROOT}, is missing or cannot be read"
    for secret in secrets(found, world):
        held = certificates.held(secret.folder, secret.name)
        if held is None:
            yield f"{envoys[secret.folder]}: its certificate {secret.name} is missing or cannot be read"
        elif held.not_valid_after_utc <= datetime.now(UTC):
            yield f"{envoys[secret.folder]}: its certificate {secret.name} expired at {held.not_valid_after_utc:%Y-%m-%d %H:%M} UTC"


def of_service(service: str) -> str:
    """The service, if it can have versions. MachineError otherwise."""
    if service == "svc_match":
        raise MachineError("svc_match has no versions side by side: one process alone writes a shard's journal")
    if service not in VERSIONED:
        raise MachineError(f"{service!r} is no service: there are {', '.join(VERSIONED)}")
    return service


def of_subset(subset: str) -> str:
    if subset == STABLE:
        raise MachineError(f"{STABLE} is what `bourse up` runs: name the other version {SUBSETS[1]}")
    if subset not in SUBSETS:
        raise MachineError(f"{subset!r} is no subset of the DestinationRules: there are {', '.join(SUBSETS)}")
    return subset
