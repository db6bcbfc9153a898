"""So many leases, participants that are stopped and rates, and no more; the twin says the same."""

from collections.abc import Callable

import pytest

from svc_match.core import commands, events
from svc_match.core.leases import LEASES_LIMIT, PARTICIPANT_LEASES_LIMIT, SPARE_ORDERS
from svc_match.core.restrictions import PARTICIPANTS_LIMIT
from tests.svc_match import twin
from tests.svc_match.churn import come_and_go, market
from tests.svc_match.transcript import SECOND_US


def apply(pair: twin.Pair, *those: commands.Command) -> events.Result:
    """The last one's result, of both."""
    told = pair.packed.apply(those, pair.time_us, twin.EVENTS_LIMIT)
    assert tuple(told) == tuple(pair.plain.apply(those, pair.time_us, twin.EVENTS_LIMIT))
    result: events.Result = told.results[-1]
    return result


def renewal(participant: str, lease: str) -> commands.RenewLease:
    return commands.RenewLease(f"{participant}/1", "c", lease, SECOND_US)


def test_a_participant_has_so_many_leases() -> None:
    """Rule 6.4.1: one more is refused, until one is over; those that stand are renewed, and others have theirs."""
    pair = twin.Pair()
    for number in range(PARTICIPANT_LEASES_LIMIT):
        assert isinstance(apply(pair, renewal("ann", f"l{number}")), events.LeaseChanged)
    refused = events.Refused(events.Reason.LEASE_LIMIT, "lease", "more")
    assert apply(pair, renewal("ann", "more")) == refused
    assert isinstance(apply(pair, renewal("ben", "more")), events.LeaseChanged)
    pair.time_us += SECOND_US - 1
    assert isinstance(apply(pair, renewal("ann", "l0")), events.LeaseChanged)
    assert apply(pair, renewal("ann", "more")) == refused
    pair.time_us += 1
    assert isinstance(apply(pair, renewal("ann", "more")), events.LeaseChanged)
    pair.compare()


def test_a_shard_has_so_many_leases() -> None:
    """Rule 6.4.1: whosever they are."""
    pair = twin.Pair()
    some = [
        renewal(f"p{number // PARTICIPANT_LEASES_LIMIT}", f"l{number % PARTICIPANT_LEASES_LIMIT}")
        for number in range(LEASES_LIMIT)
    ]
    for start in range(0, LEASES_LIMIT, 64):
        assert isinstance(apply(pair, *some[start : start + 64]), events.LeaseChanged)
    assert apply(pair, renewal("ann", "l")) == events.Refused(events.Reason.LEASE_LIMIT, "lease", "l")


def test_a_lease_forgets_finished_orders_when_a_restored_one_does() -> None:
    """However many orders came and went by it; the state is that of a shard that was never restored."""
    desk = market("alice lease c1 l1 500", "alice buy first 1 ACME 9.00 lease=l1")
    come_and_go(desk, "1 ACME 8.00 lease=l1", 4 * SPARE_ORDERS, 64, SPARE_ORDERS // 2)
    lease = desk.engine.leases.find(("alice", "l1"))
    assert lease is not None
    assert len(lease.orders) <= SPARE_ORDERS + 2


@pytest.mark.parametrize("kind", [commands.KillParticipant, lambda name: commands.SetOrderRate(name, 1, 1)])
def test_so_many_are_stopped_or_have_a_rate(kind: Callable[[str], commands.Command]) -> None:
    """One more is refused; one that is among them is not, and there is room when one leaves."""
    pair = twin.Pair()
    some = [kind(f"p{number}") for number in range(PARTICIPANTS_LIMIT)]
    for start in range(0, PARTICIPANTS_LIMIT, 64):
        assert isinstance(apply(pair, *some[start : start + 64]), events.Stands)
    refused = events.Refused(events.Reason.PARTICIPANT_LIMIT, "participant", "ann")
    assert apply(pair, kind("ann")) == refused
    assert isinstance(apply(pair, kind("p7")), events.Stands)
    apply(pair, commands.ReleaseParticipant("p7"), commands.SetOrderRate("p7", 0, 0))
    assert isinstance(apply(pair, kind("ann")), events.Stands)
