"""An exchange for the tests of a module that need processes."""

from collections.abc import Iterator

import pytest

from cli.machine import Machine
from tests.conftest import fresh_database
from tests.svc_order.process import Exchange, place, resend


@pytest.fixture(scope="module")
def exchange(machine: Machine) -> Iterator[Exchange]:
    """svc_match, svc_ledger and svc_order with an open market; each test leaves them running."""
    with fresh_database(machine) as database:
        one = Exchange(machine, database)
        try:
            one.start("svc_match", "svc_ledger", "svc_order")
            one.open_market()
            resend(one, place("first"))
            yield one
        finally:
            one.end()
