"""A whole exchange behind its sidecars and its gateway, one for all tests of the mesh."""

from collections.abc import Iterator

import pytest

from tests.exchange import Exchange, running_exchange


@pytest.fixture(scope="package")
def meshed() -> Iterator[Exchange]:
    """Who breaks something of it waits until it is whole again."""
    with running_exchange(mesh=True) as exchange:
        yield exchange
