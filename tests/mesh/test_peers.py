"""Processes in a mesh: known by certificates alone, and each ring's holds apart."""

import asyncio
import itertools
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import grpc
import pytest

from bourse.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from bourse.match.v1 import match_pb2, match_pb2_grpc
from bourse.order.v1 import order_pb2_grpc
from bourse.types.v1 import command_pb2
from cli.machine import Machine
from tests.conftest import fresh_database
from tests.mesh.peers import Meshed, certificate
from tests.svc_order.process import Stream, cancel, eventually, name, place, refusal

CREATE_HOLDS = "/bourse.ledger.v1.LedgerService/CreateHolds"
ACCEPTED = command_pb2.OUTCOME_ACCEPTED


@pytest.fixture(scope="module")
def meshed(machine: Machine) -> Iterator[Meshed]:
    """One shard, the ledger and order entry, each behind its sockets."""
    with fresh_database(machine) as database, tempfile.TemporaryDirectory(prefix="mesh-") as folder:
        running = Meshed(machine, database, Path(folder))
        try:
            running.start("svc_match", "svc_ledger", "svc_order")
            running.open_market()
            yield running
        finally:
            running.end()


def session(meshed: Meshed, *ring: str) -> Stream:
    """A session of alpha, as the gateway brings it, with the ring headers that it sets."""
    token = ("authorization", "Bearer " + meshed.token("broker", participant="alpha"))
    headers = [("bourse-ring", one) for one in ring]
    return Stream(order_pb2_grpc.OrderServiceStub(meshed.at("svc_order", certificate("gateway"), token, *headers)))


def rings(meshed: Meshed) -> list[str]:
    """The rings of the hold streams that svc_order has opened."""
    return [
        metadata["bourse-ring"] for method, metadata in meshed.egress["svc_order"].streams if method == CREATE_HOLDS
    ]


def test_services_need_no_token_and_send_none(meshed: Meshed) -> None:
    """An order goes through all of them by certificates alone."""
    (result,) = session(meshed).ask(place(name()))
    assert result.outcome == ACCEPTED
    sent = [metadata for egress in meshed.egress.values() for _, metadata in egress.streams]
    assert sent
    assert not any("authorization" in metadata for metadata in sent)


@pytest.mark.parametrize(
    ("headers", "reason"),
    [
        ((), "PEER_UNKNOWN"),
        ((certificate("monitor"),), "PEER_UNKNOWN"),
        ((certificate("svc-order"), certificate("svc-order")), "PEER_UNKNOWN"),
        ((certificate("svc-quote"),), "CALLER_NOT_ALLOWED"),
        ((certificate("gateway"),), "TOKEN_MISSING"),
        ((certificate("svc-order"),), ""),
    ],
)
def test_only_svc_order_makes_holds(meshed: Meshed, headers: Any, reason: str) -> None:
    """By its certificate, whatever else comes with the call; an operator's token makes nobody a service."""
    operator = ("authorization", "Bearer " + meshed.token("operator"))
    for more in ((), (operator,)) if reason != "TOKEN_MISSING" else ((),):
        stub: Any = ledger_pb2_grpc.LedgerServiceStub(meshed.at("svc_ledger", *headers, *more))
        call = stub.CreateHolds(iter([]), timeout=10)
        if not reason:
            assert list(call) == []
            continue
        assert refusal(lambda call=call: list(call)).reason == reason  # type: ignore[misc]


def test_a_services_token_is_nobodys_at_the_gateway(meshed: Meshed) -> None:
    """What a service's token could do without a mesh it cannot do in one."""
    token = ("authorization", "Bearer " + meshed.service_token("svc_order"))
    stub: Any = match_pb2_grpc.MatchServiceStub(meshed.at("svc_match", certificate("gateway"), token))
    why = refusal(lambda: stub.GetShard(match_pb2.GetShardRequest(), timeout=10))
    assert (why.code, why.reason) == (grpc.StatusCode.UNAUTHENTICATED, "TOKEN_INVALID")


def test_each_ring_has_a_hold_stream_of_its_own(meshed: Meshed) -> None:
    """While the early ring's holds are held up, the general ring trades on; each session keeps its order; unknown rings
    and two of them are general."""
    egress = meshed.egress["svc_order"]
    gate = meshed.run(_closed_gate())
    egress.gates["early"] = gate
    early, general = session(meshed, "early"), session(meshed, "general")
    late = [place(name()) for _ in range(5)]
    late += [cancel(name(), one.place.client_order_id) for one in late]
    early.send(*late)
    eventually(lambda: "early" in rings(meshed))
    for _ in range(20):
        assert [one.outcome for one in general.ask(place(name()), place(name()))] == [ACCEPTED] * 2
    for odd in (("late",), ("early", "general"), ("",)):
        (result,) = session(meshed, *odd).ask(place(name()))
        assert result.outcome == ACCEPTED
    assert meshed.metric('order_batches_in_flight{stage="hold"}') == 1
    meshed.run(_open(gate))
    results = early.results(len(late))
    assert [one.client_order_id for one in results] == [_id(one) for one in late]
    assert [one.sequence for one in results] == sorted(one.sequence for one in results)
    assert set(rings(meshed)) == {"early", "general"}


def test_the_ledger_drains_the_streams_of_both_rings(meshed: Meshed) -> None:
    """Both are opened again, in their ring, and no session breaks."""
    sessions = [session(meshed, ring) for ring in ("early", "general")]
    for one in sessions:
        one.ask(place(name()))
    before = len(rings(meshed))
    stub: Any = meshed.operators_stub(ledger_pb2_grpc.LedgerServiceStub, "svc_ledger")
    assert stub.Drain(ledger_pb2.DrainRequest(share_ppm=1_000_000), timeout=10).streams_told >= 2
    for one in itertools.islice(itertools.cycle(sessions), 10):
        assert one.ask(place(name()))[0].outcome == ACCEPTED
    assert set(rings(meshed)[before:]) == {"early", "general"}
    assert stub.Drain(ledger_pb2.DrainRequest(share_ppm=500_000), timeout=10).streams_told >= 1


def _id(command: command_pb2.OrderCommand) -> str:
    return str(getattr(command, command.WhichOneof("command") or "").client_order_id)


async def _closed_gate() -> asyncio.Event:
    return asyncio.Event()


async def _open(gate: asyncio.Event) -> None:
    gate.set()
