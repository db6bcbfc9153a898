"""Half of a service's streams move to its second version and back while orders go in; `make bench NAME=release` takes all steps."""

from pathlib import Path

import pytest

from tests.exchange import Exchange
from tests.mesh.release import release

REPOSITORY = Path(__file__).parents[2]
STEPS = (50, 0)
SECONDS = {"svc_order": 2.0, "svc_ledger": 3.0, "svc_quote": 2.0}
SESSIONS = 8
ORDERS_PER_SECOND = 100.0


@pytest.mark.parametrize("service", SECONDS)
async def test_a_release_there_and_back_loses_nothing(meshed: Exchange, service: str) -> None:
    """No order fails, is lost, doubled, or overtaken; no drop copy and no tape has a gap or a repeat; and all come back."""
    half, back = await release(
        meshed,
        service,
        REPOSITORY,
        steps=STEPS,
        seconds=SECONDS[service],
        sessions=SESSIONS,
        orders_per_second=ORDERS_PER_SECOND,
    )
    assert half.wrong.none, half
    assert back.wrong.none, back
    assert half.acknowledged
    assert back.acknowledged
    assert half.moved
    if service == "svc_ledger":
        assert 0 < half.messages < 1, (
            "svc_order opens its stream of holds again and again, and each goes where the weights say"
        )
    assert back.messages == 0
