"""Every certificate of the mesh made anew again and again, while orders go in: no error, no stream that breaks.

Exit code 0: every order was accepted and is on record once, and no session had to begin a new stream.
"""

import argparse
import asyncio
import time

from bench._conditions import conclude
from bourse_sdk.commands import Outcome
from mesh.local.admin import Admin
from tests.exchange import Exchange, running_exchange
from tests.mesh.load import under_load

STREAMS = r"^cluster\.outbound\|50051\|stable\|svc-order.*upstream_rq_total$"


async def rotate(exchange: Exchange, seconds: float, every: float) -> None:
    mesh = exchange.machine.mesh
    taken: list[float] = []
    async with under_load(exchange) as load:
        started, opened, answered = time.monotonic(), streams(exchange), len(load.results)
        while time.monotonic() - started < seconds:
            due = time.monotonic() + every
            taken.append(await asyncio.to_thread(mesh.renew_certificates))
            await asyncio.sleep(max(0.0, due - time.monotonic()))
        lasted = time.monotonic() - started
        opened, results = streams(exchange) - opened, load.results[answered:]
    accepted = sum(result.outcome is Outcome.ACCEPTED for result in results)
    conclude(
        "rotation",
        [
            ("rotations", len(taken)),
            ("seconds", round(lasted, 1)),
            ("slowest rotation, ms", max(taken)),
            ("orders accepted", accepted),
            ("failed", len(results) - accepted),
            ("streams and calls begun by the session", opened),
        ],
        {"every_seconds": every},
    )
    assert not opened, "a session began a new stream"


def streams(exchange: Exchange) -> int:
    """How many the gateway has begun to svc_order."""
    (gateway,) = [place for place in exchange.machine.mesh.places if place.pod.gateway]
    return sum(Admin(gateway.admin).counters(STREAMS).values())


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--every", type=float, default=5)
    options = parser.parse_args()
    with running_exchange(mesh=True) as running:
        asyncio.run(rotate(running, options.seconds, options.every))
