"""What svc_order makes of the ledger's refusals, on real processes."""

import pytest

from bourse.match.v1 import match_pb2
from chassis.identity import GENERAL
from cli.machine import Machine
from svc_order import wire
from svc_order.clients import Ledger
from svc_order.core.checks import Need
from svc_order.core.commands import digest
from svc_order.core.refused import Unavailable
from svc_order.ports import Ticket
from svc_order.settings import Settings
from tests.svc_order.process import CALL_SECONDS, Exchange, name, place


def ticket(shard: int) -> Ticket:
    [(command, message)] = wire.commands([place(name())])
    assert command is not None
    return Ticket(command, message, shard, Need("EUR", 10, 1000, 0, 0), digest(command))


def told(ledger: str, token_file: str) -> Settings:
    return Settings(
        name="svc_order", listen="", jwks="", jwt_issuer="", jwt_audience="", token_file=token_file,
        database_url="", nats_url="", ledger=ledger, match_shards={},
    )  # fmt: skip


async def test_a_shard_whose_settlement_lags_is_named(exchange: Exchange, machine: Machine) -> None:
    """What is asked of other shards can be asked again without it; a dead ledger names none."""
    token = str(machine.credentials.token_file("svc_order"))
    incarnation = exchange.match().GetShard(match_pb2.GetShardRequest(), timeout=CALL_SECONDS).incarnation
    ledger = Ledger(told(exchange.address["svc_ledger"], token))
    with pytest.raises(Unavailable) as lagging:
        await ledger.create_holds(GENERAL, incarnation, [ticket(0), ticket(7)])
    assert lagging.value.shard == 7
    (hold,) = await ledger.create_holds(GENERAL, incarnation, [ticket(0)])
    assert hold.hold_id
    await ledger.close()
    dead = Ledger(told("127.0.0.1:1", token))
    with pytest.raises(Unavailable) as gone:
        await dead.create_holds(GENERAL, incarnation, [ticket(0)])
    assert gone.value.shard is None
    await dead.close()
