"""Weights that send calls to a version of which nothing is ready: those calls fail."""

from collections.abc import Iterator, Mapping

from cli.machine.mesh.desired import EVERYBODY, process_of
from cli.machine.mesh.status import Status


def lost(status: Status) -> Iterator[tuple[str, str, str]]:
    """The service, the subset, and its share in words, of each."""
    for service, weights in status.weights.items():
        for subset in dict.fromkeys(subset for own in weights.values() for subset in own):
            share = share_of(weights, subset)
            if share and not status.ready.get(process_of(service, subset)):
                yield service, subset, share


def share_of(weights: Mapping[str, Mapping[str, int]], subset: str) -> str:
    """Such as: 100 % of the calls of the ring early and 70 % of all calls. Empty when it gets none."""
    everybody = weights.get(EVERYBODY, {}).get(subset, 0)
    said = [
        f"{own[subset]} % of {f'the calls of the ring {ring}' if ring else 'all calls'}"
        for ring, own in weights.items()
        if own.get(subset) and (ring == EVERYBODY or own[subset] != everybody)
    ]
    return " and ".join(said)
