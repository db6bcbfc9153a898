"""A whole exchange behind its sidecars and its gateway, one for all tests of the mesh."""

import asyncio
from collections.abc import Iterator

import pytest

from cli import clients
from tests.exchange import Exchange, running_exchange
from tests.mesh.door import Door


@pytest.fixture(scope="package")
def meshed() -> Iterator[Exchange]:
    """Who breaks something of it waits until it is whole again."""
    with running_exchange(mesh=True) as exchange:
        yield exchange


@pytest.fixture(scope="module")
def door(meshed: Exchange) -> Door:
    return Door(clients.gateway_address(meshed.machine), clients.ca_file(meshed.machine))


@pytest.fixture(scope="module")
def account(meshed: Exchange) -> str:
    return asyncio.run(meshed.join())


@pytest.fixture(scope="module")
def token(meshed: Exchange, account: str) -> str:
    participant = account.partition("/")[0]
    return meshed.machine.credentials.issue(participant, "broker", participant)
