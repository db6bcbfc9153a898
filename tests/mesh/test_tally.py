"""Counters that begin anew are counted on."""

from cli.machine.mesh.tally import Tally

STABLE, CANARY = (f"outbound|50051|{subset}|svc-order.bourse.svc.cluster.local" for subset in ("stable", "canary"))
LEDGER = "outbound|50051|stable|svc-ledger.bourse.svc.cluster.local"


def tally(*readings: dict[str, dict[str, int]]) -> dict[str, int]:
    """What the versions of svc_order had, after these."""
    found = Tally()
    for reading in readings:
        found.add(reading)
    return found.messages.get("svc_order", {})


def test_what_is_more_than_before_is_added() -> None:
    """Of each Envoy and version; the same again is nothing."""
    one, two = {"gateway": {STABLE: 5, CANARY: 1}}, {"gateway": {STABLE: 9, CANARY: 1}, "other": {STABLE: 2}}
    assert tally(one, one, two, two) == {"stable": 11, "canary": 1}


def test_a_counter_that_is_smaller_has_begun_anew() -> None:
    """All that it says is new; so is what it says after it was gone."""
    assert tally({"gateway": {STABLE: 50}}, {"gateway": {STABLE: 3}}) == {"stable": 53}
    assert tally({"gateway": {STABLE: 50}}, {"gateway": {}}, {"gateway": {STABLE: 60}}) == {"stable": 110}


def test_an_envoy_that_does_not_answer_is_not_new() -> None:
    """What it counted meanwhile is added when it answers again."""
    assert tally({"gateway": {STABLE: 50}}, {}, {"gateway": {STABLE: 60}}) == {"stable": 60}


def test_from_a_start_on_only_what_comes_then_counts() -> None:
    found = Tally()
    found.add({"gateway": {STABLE: 50}})
    found.start()
    found.add({"gateway": {STABLE: 60}})
    assert found.messages == {"svc_order": {"stable": 10}}


def test_a_version_that_is_gone_had_nothing() -> None:
    """One that is added later under its name begins at nothing, whatever its Envoy counts first; the others go on."""
    found, own = Tally(), "svc_order-canary.sidecar"
    found.add({"gateway": {STABLE: 50, CANARY: 20}, own: {LEDGER: 3}})
    found.forget("svc_order", "canary", own)
    assert found.messages == {"svc_order": {"stable": 50}, "svc_ledger": {"stable": 3}}
    found.add({"gateway": {STABLE: 60, CANARY: 20}, own: {LEDGER: 5}})
    found.add({"gateway": {STABLE: 60, CANARY: 24}, own: {LEDGER: 5}})
    assert found.messages == {"svc_order": {"stable": 60, "canary": 4}, "svc_ledger": {"stable": 8}}
