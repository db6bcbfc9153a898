"""What every Envoy of one home must have: its folder, its certificates, and its configuration."""

import asyncio
from collections.abc import Mapping, Sequence
from dataclasses import replace

from cli.machine.credentials import Credentials
from cli.machine.home import Home, load_layout, to_json
from cli.machine.mesh import applied, world
from cli.machine.mesh.applied import Applied
from cli.machine.mesh.desired import Desired
from cli.machine.mesh.keyring import Keyring, secrets
from cli.machine.mesh.labels import labelled
from cli.machine.mesh.pods import Place, places
from cli.machine.mesh.sidecar import ENVOY, bootstrap_file
from mesh.local.certificates import Authority
from mesh.local.drift import in_files
from mesh.local.files import Held, bootstrap, push
from mesh.local.model import World
from mesh.local.private import write_private
from mesh.local.resources import Resources
from mesh.local.sources import SOURCES
from mesh.local.translate import resources
from mesh.local.validation import refusal


class Plan:
    """The YAML as this machine means it (`base`), with the desired state that was adopted last (`world`), and what was `given`
    to the Envoy of each process.
    """

    def __init__(self, home: Home, credentials: Credentials) -> None:
        self.places: Sequence[Place] = ()
        self.given: Mapping[str, Resources] = {}
        self._held: Held = {}
        self._home = home
        self._credentials = credentials
        authority = Authority(home.credentials)
        authority.create()
        self._keyring = Keyring(authority)

    def load(self, keys: Mapping[str, str]) -> None:
        """Reads the YAML on the disk. Untranslatable when something of it is; then nothing has changed."""
        self._take(World.load(SOURCES, keys=keys))

    def start(self, keys: Mapping[str, str], desired: Desired, obeyed: Desired | None) -> Desired:
        """Takes the YAML that was applied last, and at first what is on the disk. What is in force with it: the weights that were
        obeyed last, and the rotations that were done. What of the desired state is other than that is still to be done.
        """
        done = replace(desired, rotations=0 if obeyed is None else obeyed.rotations)
        kept = applied.read(self._home)
        if kept is None:
            self.load(keys)
            return done
        self._take(World(kept.documents, keys))
        return replace(done, readings=kept.readings, weights=desired.weights if obeyed is None else obeyed.weights)

    def keep(self, readings: int) -> None:
        """The YAML as it was read last is what the next controller starts from."""
        applied.write(self._home, Applied(readings, self._documents))

    def _take(self, read: World) -> None:
        self.base: World = world.localized(read, load_layout(self._home), self._credentials)
        self._documents = read.documents

    async def refusals(self, desired: Desired, ready: Mapping[str, bool]) -> list[str]:
        """Why Envoys would refuse what `adopt` would give them; nothing is given. Untranslatable when something of it is.

        What an Envoy was given, or has in its files already, is not asked again.
        """
        wanted = world.weighed(self.base, desired)
        found = self.places_of(desired)
        made = translated(wanted, found, ready)
        due = [
            place
            for place in found
            if made[place.process] != self.given.get(place.process) and any(in_files(place.folder, made[place.process]))
        ]
        for place in due:
            place.make()
        self._keyring.keep(secrets(due, wanted))
        said = await asyncio.gather(
            *(asyncio.to_thread(refusal, ENVOY, place.pod, place.folder, made[place.process]) for place in due)
        )
        return [f"{place.envoy} would refuse it: {why}" for place, why in zip(due, said, strict=True) if why]

    async def rekey(self, keys: Mapping[str, str], desired: Desired, ready: Mapping[str, bool]) -> list[str]:
        """Gives every Envoy other keys of issuers, with the YAML as it was read last. Why Envoys would refuse them: then nothing
        has changed, nor when it raises.
        """
        before = self.base
        self.base = before.with_keys(keys)
        try:
            if not (refused := await self.refusals(desired, ready)):
                self.adopt(desired, ready)
                before = self.base
        finally:
            self.base = before
        return refused

    def adopt(self, desired: Desired, ready: Mapping[str, bool]) -> list[str]:
        """Takes it as what is to be, and gives every Envoy what it must have, at first those for which that is new. What
        changed, by process and file. Untranslatable before anything changes.
        """
        wanted = world.weighed(self.base, desired)
        found = self.places_of(desired)
        made = translated(wanted, found, ready)
        fresh = [place for place in found if place not in self.places]
        for place in fresh:
            place.make()
            write_bootstrap(place)
        self._keyring.keep(secrets(fresh, wanted))
        self.world, self.places = wanted, found
        return self._give(made) + self.write()

    def places_of(self, desired: Desired) -> list[Place]:
        """With the labels of the YAML as it was read last."""
        return labelled(places(self._home, load_layout(self._home), desired.versions), self.base)

    def keep_certificates(self, *, anew: bool = False) -> int:
        """Those that are missing or due, or all. How many were issued."""
        return self._keyring.keep(secrets(self.places, self.world), anew=anew)

    def push(self, ready: Mapping[str, bool]) -> list[str]:
        """Every Envoy gets the endpoints that are ready. What changed, by process and file."""
        return self._give(translated(self.world, self.places, ready))

    def write(self) -> list[str]:
        """Every Envoy gets again what it was given, where somebody has changed its files. What changed, by process and file."""
        return self._write(self.places)

    def _give(self, made: Mapping[str, Resources]) -> list[str]:
        """To those for which it is new; for the others what they were given stays, with its versions."""
        held = {process: one for process, one in self.given.items() if made.get(process) == one}
        self.given = {**made, **held}
        return self._write([place for place in self.places if place.process not in held])

    def _write(self, chosen: Sequence[Place]) -> list[str]:
        changed = []
        for place in chosen:
            changed += [f"{place.process}/{name}" for name in push(place.folder, self.given[place.process], self._held)]
        return changed


def translated(wanted: World, found: Sequence[Place], ready: Mapping[str, bool]) -> dict[str, Resources]:
    """What the Envoy of each process must have, with the endpoints that are ready."""
    pods = [replace(place.pod, ready=ready.get(place.process, False)) for place in found]
    return {place.process: resources(wanted, pod, pods, place.folder) for place, pod in zip(found, pods, strict=True)}


def write_bootstrap(place: Place) -> None:
    text = to_json(bootstrap(place.pod, place.folder))
    file = bootstrap_file(place)
    if not file.exists() or file.read_text("utf-8") != text:
        write_private(file, text)
