"""Clients of the exchange that runs in a home: its operator, and any of its participants.

They come in as everybody does, through the gateway. Without a mesh they dial the services themselves.
"""

from pathlib import Path
from typing import TypedDict

from bourse_sdk.client import Client
from bourse_sdk.operator import Operator
from cli.machine import Machine, MachineError
from cli.machine.home import load_layout
from cli.machine.state import State

SHARD_PREFIX = "svc_match-"


class Doors(TypedDict, total=False):
    """Where a client of the SDK comes in."""

    gateway: str
    ca_file: Path
    order: str
    ledger: str
    quote: str


def doors(machine: Machine) -> Doors:
    """Of the running exchange. Raises MachineError when none runs."""
    state = running(machine)
    if state.mesh:
        return Doors(gateway=gateway_address(machine), ca_file=ca_file(machine))
    found = {name: machine.address(f"svc_{name}") for name in ("order", "ledger", "quote")}
    return Doors(order=found["order"], ledger=found["ledger"], quote=found["quote"])


def gateway_address(machine: Machine) -> str:
    """host:port of the gateway, by the name in its certificate. Raises MachineError when none runs."""
    running(machine)
    return load_layout(machine.home).gateway


def ca_file(machine: Machine) -> Path:
    """Whom the gateway's callers believe."""
    return machine.credentials.authority


def operator(machine: Machine, *, give_up_seconds: float = 30.0) -> Operator:
    """The operator of the running exchange. Raises MachineError when none runs."""
    state = running(machine)
    return Operator(
        **doors(machine),
        shards=range(state.shards) if state.mesh else matches(state),
        token_file=machine.credentials.token_file("operator"),
        give_up_seconds=give_up_seconds,
    )


def broker(
    machine: Machine,
    participant: str,
    *,
    give_up_seconds: float = 30.0,
    client_order_id_prefix: str = "",
    token_file: Path | None = None,
    cancel_on_disconnect_seconds: float = 0.0,
) -> Client:
    """A participant of the running exchange, with the token in the file, or one from the local key.

    Raises MachineError when no exchange runs.
    """
    return Client(
        **doors(machine),
        token="" if token_file else machine.credentials.issue(participant, "broker", participant),
        token_file=token_file,
        give_up_seconds=give_up_seconds,
        client_order_id_prefix=client_order_id_prefix,
        cancel_on_disconnect_seconds=cancel_on_disconnect_seconds,
    )


def running(machine: Machine) -> State:
    state = machine.state()
    if state is None:
        raise MachineError(f"no exchange is running in {machine.home.folder}: start it with `bourse up`")
    return state


def matches(state: State) -> dict[int, str]:
    """The address of each shard's svc_match."""
    named = {process.name: process.address for process in state.processes if process.name.startswith(SHARD_PREFIX)}
    return {int(name.removeprefix(SHARD_PREFIX)): address for name, address in named.items()}
