"""`bourse mesh routes`: how calls are divided, and how messages were."""

from pathlib import Path
from typing import Any

import click

from cli.answers import NotReached, columns, show
from cli.machine import Machine, MachineError
from cli.machine.mesh.desired import VERSIONED, process_of
from cli.machine.mesh.envoys import counters
from cli.machine.mesh.mesh import Mesh
from cli.options import home_option, json_option

HEAD = ("service", "subset", "weights", "ready", "messages", "share")


@click.command(short_help="Weights, and the share of messages realised.")
@home_option
@json_option
def routes(home: Path, as_json: bool) -> None:
    """How each service's calls are divided between its versions, by ring of brokers, and the share of messages that each had since.

    Messages are counted by the Envoys that sent them, since the weights changed last or the version was added: gRPC's and
    those that the gateway makes of JSON. They do not tell one ring from another, so messages and share are those of all
    rings together. A weight acts when a call or a stream begins, so the share follows it as streams move.

    \b
    Examples:
      bourse mesh routes
      bourse mesh routes --json
    """
    machine = Machine(home)
    try:
        found = shares(machine.mesh)
    except MachineError as error:
        raise NotReached(str(error)) from None
    cells = [
        (
            one["service"],
            one["subset"],
            " ".join(f"{ring or 'others'} {percent} %" for ring, percent in one["weights"].items()),
            "yes" if one["ready"] else "no",
            one["messages"],
            "-" if one["share"] is None else f"{one['share']:.1%}",
        )
        for one in found
    ]
    show(as_json, found, columns(HEAD, cells))


def shares(mesh: Mesh) -> list[dict[str, Any]]:
    """Each version of each service: its weight by ring, and what it had of all rings together."""
    status = mesh.status
    status.tally.add(counters(mesh.places))
    found: list[dict[str, Any]] = []
    for service in VERSIONED:
        had = status.tally.messages.get(service, {})
        total = sum(had.values())
        weights = status.weights[service]
        for subset in dict.fromkeys(subset for shares in weights.values() for subset in shares):
            count = had.get(subset, 0)
            found.append(
                {
                    "service": service,
                    "subset": subset,
                    "weights": {ring: shares.get(subset, 0) for ring, shares in weights.items()},
                    "ready": status.ready.get(process_of(service, subset), False),
                    "messages": count,
                    "share": count / total if total else None,
                }
            )
    return found
