"""What the Envoys of one home say of themselves: which configuration they run, and how many messages went where."""

from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor

from cli.machine.mesh.pods import Place
from mesh.local.admin import Admin, Unreachable
from mesh.local.files import cluster_file, held_version, listener_file

CLUSTERS = "cluster_manager.cds"
LISTENERS = "listener_manager.lds"
MESSAGES = r"^cluster\.outbound.*grpc\.request_message_count$"


def behind(places: Iterable[Place]) -> list[str]:
    """The Envoys that live and do not run the files that they were given, and which of them."""
    with ThreadPoolExecutor() as pool:
        return [line for lines in pool.map(late, places) for line in lines]


def late(place: Place) -> list[str]:
    try:
        running = Admin(place.admin).versions()
    except Unreachable:
        return []
    wanted = versions(place)
    return [
        f"{place.envoy} runs {running.get(name) or 'no'} {name} and not {version}"
        for name, version in wanted.items()
        if running.get(name) != version
    ]


def versions(place: Place) -> dict[str, str | None]:
    """The version of each file, by the name of what subscribes to it."""
    return {CLUSTERS: held_version(cluster_file(place.folder)), LISTENERS: held_version(listener_file(place.folder))}


def messages(places: Iterable[Place]) -> dict[str, dict[str, int]]:
    """How many messages went to each subset of each service."""
    found: dict[str, dict[str, int]] = {}
    for place in places:
        try:
            counters = Admin(place.admin).counters(MESSAGES)
        except Unreachable:
            continue
        for name, count in counters.items():
            _, _, subset, host = name.split(";")[0].split("|")
            service = host.partition(".")[0].replace("-", "_")
            if subset:
                found.setdefault(service, {})[subset] = found.get(service, {}).get(subset, 0) + count
    return found
