"""What the Envoys of one home say of themselves: whether they run what they were given, and how many messages went where."""

from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor

from cli.machine.mesh.pods import Place
from mesh.local import confirmed
from mesh.local.admin import TIMEOUT_SECONDS, Absent, Admin, Unreachable
from mesh.local.certificates import secret_file
from mesh.local.files import held_version
from mesh.local.resources import Resources

MESSAGES = r"^cluster\.outbound\|[0-9]+\|[^|]+\|.*grpc\.request_message_count$"
SDS = "sds."


def behind(places: Sequence[Place], given: Mapping[str, Resources]) -> dict[str, list[str] | None]:
    """What those Envoys that live do not run of what they were given, by Envoy; nothing of one that does not answer."""
    with ThreadPoolExecutor() as pool:
        late = pool.map(late_in, places, [given[place.process] for place in places])
        return {place.envoy: words for place, words in zip(places, late, strict=True) if words != []}


def late_in(place: Place, given: Resources) -> list[str] | None:
    """None when it lives and does not answer."""
    try:
        running = Admin(place.admin).versions()
    except Absent:
        return []  # It reads its files when it starts.
    except Unreachable:
        return None
    return confirmed.behind(running, given) + late_secrets(place, running)


def late_secrets(place: Place, running: dict[str, str]) -> list[str]:
    names = [name.removeprefix(SDS) for name in running if name.startswith(SDS)]
    return [
        f"certificate {name}" for name in names if running[SDS + name] != held_version(secret_file(place.folder, name))
    ]


def counters(places: Sequence[Place], seconds: float = TIMEOUT_SECONDS) -> dict[str, dict[str, int]]:
    """How many messages went to each cluster that is a version of a service, by Envoy; those alone that answer in time."""
    with ThreadPoolExecutor(max(1, len(places))) as pool:
        said = pool.map(lambda place: counters_of(place, seconds), places)
        return {place.envoy: found for place, found in zip(places, said, strict=True) if found is not None}


def counters_of(place: Place, seconds: float) -> dict[str, int] | None:
    try:
        found = Admin(place.admin, seconds).counters(MESSAGES)
    except Unreachable:
        return None
    return {name.split(";")[0].removeprefix("cluster."): count for name, count in found.items()}


def serial_numbers(place: Place) -> set[int]:
    """Of the certificates that the Envoy uses; empty when it does not answer."""
    try:
        chains = Admin(place.admin).json("/certs")["certificates"]
    except Unreachable:
        return set()
    return {int(one["serial_number"], 16) for chain in chains for one in chain.get("cert_chain", [])}
