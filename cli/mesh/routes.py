"""`bourse mesh routes`: how calls are divided, and how messages were."""

from pathlib import Path
from typing import Any

import click

from cli.answers import NotReached, columns, show
from cli.machine import Machine, MachineError
from cli.machine.mesh.envoys import messages
from cli.machine.mesh.mesh import VERSIONED, Mesh
from cli.options import home_option, json_option

HEAD = ("service", "ring", "subset", "weight", "ready", "messages", "share")


@click.command(short_help="Weights, and the share of messages realised.")
@home_option
@json_option
def routes(home: Path, as_json: bool) -> None:
    """How each service's calls are divided between its versions, and the share of messages that each had since.

    Messages are counted by the Envoys that sent them, since the weights changed last. A weight acts when a call or a stream
    begins, so the share follows it as streams move.

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
            one["ring"] or "others",
            one["subset"],
            f"{one['weight']} %",
            "yes" if one["ready"] else "no",
            one["messages"],
            "-" if one["share"] is None else f"{one['share']:.1%}",
        )
        for one in found
    ]
    show(as_json, found, columns(HEAD, cells))


def shares(mesh: Mesh) -> list[dict[str, Any]]:
    """Each way of each service and ring of brokers."""
    status, now = mesh.status, messages(mesh.places)
    found: list[dict[str, Any]] = []
    for service in VERSIONED:
        since = status.messages.get(service, {})
        moved = {
            subset: count - since.get(subset, 0) if count >= since.get(subset, 0) else count  # an Envoy is new
            for subset, count in now.get(service, {}).items()
        }
        total = sum(moved.values())
        for ring, weights in mesh.weights()[service].items():
            for subset, percent in weights.items():
                count = moved.get(subset, 0)
                process = service if subset == "stable" else f"{service}-{subset}"
                found.append(
                    {
                        "service": service,
                        "ring": ring,
                        "subset": subset,
                        "weight": percent,
                        "ready": status.ready.get(process, False),
                        "messages": count,
                        "share": count / total if total else None,
                    }
                )
    return found
