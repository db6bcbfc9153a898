"""Clients of the exchange that runs in a home: its operator, and any of its participants."""

from pathlib import Path

from bourse_sdk.client import Client
from bourse_sdk.operator import Operator
from cli.machine import Machine, MachineError

SHARD_PREFIX = "svc_match-"


def operator(machine: Machine, *, give_up_seconds: float = 30.0) -> Operator:
    """The operator of the running exchange. Raises MachineError when none runs."""
    state = machine.state()
    if state is None:
        raise MachineError(f"no exchange is running in {machine.home.folder}: start it with `bourse up`")
    addresses = {process.name: process.address for process in state.processes}
    shards = {
        int(name.removeprefix(SHARD_PREFIX)): address
        for name, address in addresses.items()
        if name.startswith(SHARD_PREFIX)
    }
    return Operator(
        shards=shards,
        ledger=addresses["svc_ledger"],
        order=addresses["svc_order"],
        quote=addresses["svc_quote"],
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
) -> Client:
    """A participant of the running exchange, with the token in the file, or one from the local key.

    Raises MachineError when no exchange runs.
    """
    return Client(
        order=machine.address("svc_order"),
        ledger=machine.address("svc_ledger"),
        quote=machine.address("svc_quote"),
        token="" if token_file else machine.credentials.issue(participant, "broker", participant),
        token_file=token_file,
        give_up_seconds=give_up_seconds,
        client_order_id_prefix=client_order_id_prefix,
    )
