"""What every Envoy of one home must have: its folder, its certificates, and its configuration."""

from collections.abc import Mapping, Sequence
from dataclasses import replace

from cli.machine.credentials import Credentials
from cli.machine.home import Home, load_layout, to_json, write_private
from cli.machine.mesh import world
from cli.machine.mesh.desired import Desired
from cli.machine.mesh.keyring import Keyring, secrets
from cli.machine.mesh.pods import Place, places
from cli.machine.mesh.sidecar import bootstrap_file
from mesh.local.certificates import Authority
from mesh.local.files import bootstrap, push
from mesh.local.model import Pod
from mesh.local.translate import resources


class Plan:
    """The desired state that was adopted last, and the YAML as this machine means it."""

    def __init__(self, home: Home, credentials: Credentials) -> None:
        self.places: Sequence[Place] = ()
        self._home = home
        self._credentials = credentials
        authority = Authority(home.credentials)
        authority.create()
        self._keyring = Keyring(authority)

    def load(self, keys: Mapping[str, str]) -> None:
        """Reads the YAML. Untranslatable when something of it is; then nothing has changed."""
        self._base = world.load(load_layout(self._home), self._credentials, keys)

    def adopt(self, desired: Desired) -> None:
        """Takes it as what is to be, once everything of it is translated: Untranslatable leaves all as it was."""
        wanted = world.weighed(self._base, desired)
        found = places(self._home, load_layout(self._home), desired.versions)
        pods = [place.pod for place in found]
        for place in found:
            resources(wanted, place.pod, pods, place.folder)
        self.world, self.places = wanted, found
        for place in found:
            place.make()
            write_private(bootstrap_file(place), to_json(bootstrap(place.pod, place.folder)))
        self.keep_certificates()

    def keep_certificates(self, *, anew: bool = False) -> int:
        """Those that are missing or due, or all. How many were issued."""
        return self._keyring.keep(secrets(self.places, self.world), anew=anew)

    def push(self, ready: Mapping[str, bool]) -> list[str]:
        """Every Envoy gets what it must have, with the endpoints that are ready. What changed, by process and file."""
        pods = self.pods(ready)
        changed = []
        for place, pod in zip(self.places, pods, strict=True):
            made = resources(self.world, pod, pods, place.folder)
            changed += [f"{place.process}/{name}" for name in push(place.folder, made)]
        return changed

    def pods(self, ready: Mapping[str, bool]) -> list[Pod]:
        return [replace(place.pod, ready=ready.get(place.process, False)) for place in self.places]
