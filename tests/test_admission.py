"""Order entry's checks, the ledger's holds, the matching core and settlement, each handed what the one before it sends."""

from typing import Any

from bourse.match.v1 import match_pb2
from bourse.types.v1 import command_pb2, market_pb2
from chassis.units import worst
from svc_ledger import wire as ledger_wire
from svc_ledger.app import Holds, Settler
from svc_ledger.core.holds import State
from svc_match.core import commands, events
from svc_match.ports import Head
from svc_match.wire.commands import submission
from svc_match.wire.executions import executions
from svc_order import wire
from svc_order.core.checks import Route, check
from svc_order.core.commands import digest
from svc_order.core.reference import Instrument, Reference, Shard
from svc_order.core.saga import Hold
from svc_order.ports import Ticket
from tests.svc_ledger.memory import Memory
from tests.svc_match.transcript import Desk

INCARNATION, DATE = "1" * 32, 20260105
FEE_E6 = 250
FAR_US = 2**62
BUYER, SELLER = "alpha/main", "beta/main"
CASH_E4 = 10**10


class Chain:
    """One shard of ACME, which two participants trade; prices are in 1/10 000."""

    def __init__(self) -> None:
        self.desk = Desk()
        money = {(account, asset): [0, 0, CASH_E4] for account in (BUYER, SELLER) for asset in ("EUR", "ACME")}
        self.memory = Memory(money, {})
        store: Any = self.memory
        self.holds, self.settler = Holds(store, 5.0), Settler(store, 0)
        self.reference = Reference(frozenset({0}))
        self.reference.shards[0] = Shard(INCARNATION, 1, DATE)
        self.reference.instruments["ACME"] = Instrument("ACME", "EUR", 1, 1, 1, 10**9, 10**9, FEE_E6, 0)
        self.unsettled: list[bytes] = []
        self.number = 0

    async def open(self) -> None:
        options = "tick=0.0001 lot=1 max=100000 quantity=1000000000 maker=0 taker=250 currency=EUR"
        for line in (f"add ACME {options}", f"date {DATE}", "phase all open"):
            command: Any = self.desk.command(line)
            self.journal(command)
        await self.settle()

    def journal(self, command: commands.Command) -> tuple[events.Event, ...]:
        """What the core does, which is not settled yet."""
        self.desk.time_us += 1
        applied = self.desk.engine.apply([command], self.desk.time_us)
        self.unsettled += executions(Head(INCARNATION, 1, 0, self.desk.time_us), applied)
        return tuple(applied.events)

    async def settle(self) -> None:
        parts, self.unsettled = self.unsettled, []
        for part in parts:
            await self.settler.settle([ledger_wire.shard_batch(ledger_wire.decode(part)[0], 0)])

    async def hold(self, message: command_pb2.OrderCommand) -> Ticket:
        """A checked command, with what is held for it."""
        [(command, _)] = wire.commands([message])
        assert command is not None
        route = check(command, command.account.partition("/")[0], self.reference)
        assert isinstance(route, Route)
        ticket = Ticket(command, message, 0, route.need, digest(command))
        request = wire.create_holds(INCARNATION, [ticket])
        found = await self.holds.create(request.incarnation, ledger_wire.hold_requests(request.holds))
        [ticket.hold] = wire.holds(ledger_wire.holds_response(found), [ticket])
        return ticket

    def submit(self, ticket: Ticket) -> tuple[events.Event, ...]:
        [sent] = wire.submit(INCARNATION, [ticket], [FAR_US]).submissions
        command: Any = submission(match_pb2.Submission.FromString(sent.SerializeToString())).command
        return self.journal(command)

    async def send(self, message: command_pb2.OrderCommand) -> tuple[events.Event, ...]:
        """Held, submitted and settled."""
        happened = self.submit(await self.hold(message))
        await self.settle()
        return happened

    def place(self, account: str = BUYER, **fields: Any) -> command_pb2.OrderCommand:
        self.number += 1
        some = {"side": market_pb2.SIDE_BUY, "type": command_pb2.ORDER_TYPE_LIMIT, "symbol": "ACME"}
        some |= {"time_in_force": command_pb2.TIME_IN_FORCE_DAY}
        named = {"account": account, "client_order_id": f"o{self.number}", "trading_date": DATE}
        return command_pb2.OrderCommand(place=command_pb2.PlaceOrder(**named, **{**some, **fields}))

    def sell(self, quantity: int, price_e4: int) -> command_pb2.OrderCommand:
        return self.place(SELLER, side=market_pb2.SIDE_SELL, quantity=quantity, price_e4=price_e4)

    def replace(self, order: command_pb2.OrderCommand, quantity: int, price_e4: int) -> command_pb2.OrderCommand:
        self.number += 1
        named = {"account": BUYER, "client_order_id": f"r{self.number}", "trading_date": DATE, "symbol": "ACME"}
        named |= {"original_client_order_id": order.place.client_order_id}
        return command_pb2.OrderCommand(replace=command_pb2.ReplaceOrder(**named, quantity=quantity, price_e4=price_e4))

    def pair(self, quantity: int = 100, limit_e4: int = 10_0000) -> command_pb2.OrderCommand:
        """A limit of 10.00, and one of 12.00 from 11.00 on."""
        pair = {"type": command_pb2.ORDER_TYPE_ONE_CANCELS_OTHER, "price_e4": limit_e4, "quantity": quantity}
        return self.place(**pair, stop_price_e4=11_0000, stop_limit_price_e4=12_0000)

    @property
    def held(self) -> int:
        return self.memory.balances[BUYER, "EUR"][0]


async def opened() -> Chain:
    chain = Chain()
    await chain.open()
    return chain


def kinds(happened: tuple[events.Event, ...]) -> list[type]:
    return [type(event) for event in happened]


def state(ticket: Ticket) -> int:
    assert isinstance(ticket.hold, Hold)
    return ticket.hold.state


async def test_one_cancels_other_grows_and_moves_held_at_its_stop_limit_price() -> None:
    """4.10.5: whatever limit a replace names, what it adds is held at the higher price, once; when triggered it is the price."""
    chain = await opened()
    order = chain.pair()
    await chain.send(order)
    for quantity, price_e4 in ((101, 10_0000), (200, 10_0000), (150, 10_5000), (90, 9_0000), (201, 10_9999)):
        ticket = await chain.hold(chain.replace(order, quantity, price_e4))
        assert (await chain.hold(ticket.message)).hold == ticket.hold  # type: ignore[arg-type]  # asked again
        assert kinds(chain.submit(ticket)) == [events.Replaced]
        assert kinds(chain.submit(ticket)) == []  # the first result
        await chain.settle()
        assert chain.held == worst(12_0000, quantity, FEE_E6)
    await chain.send(chain.sell(1, 10_9999))
    assert chain.held == worst(12_0000, 200, FEE_E6)
    await chain.send(chain.sell(1, 11_0000))
    happened = await chain.send(chain.place(quantity=1, price_e4=11_0000))
    assert events.Restated in kinds(happened)
    assert chain.held == worst(12_0000, 200, FEE_E6)
    await chain.send(chain.sell(200, 12_0000))
    assert chain.held == 0


async def test_one_cancels_other_is_replaced_before_its_acceptance_is_settled() -> None:
    """Its pending hold says at what price."""
    chain = await opened()
    order = chain.pair()
    chain.submit(await chain.hold(order))
    assert kinds(chain.submit(await chain.hold(chain.replace(order, 150, 9_0000)))) == [events.Replaced]
    await chain.settle()
    assert chain.held == worst(12_0000, 150, FEE_E6)


async def test_what_one_cancels_other_traded_is_held_no_more_when_it_grows() -> None:
    """Fills at the limit, which svc_ledger may not know yet."""
    for settled in (False, True):
        chain = await opened()
        order = chain.pair()
        await chain.send(order)
        chain.submit(await chain.hold(chain.sell(40, 10_0000)))
        if settled:
            await chain.settle()
        assert kinds(await chain.send(chain.replace(order, 120, 9_5000))) == [events.Replaced]
        assert chain.held == worst(12_0000, 80, FEE_E6)


async def test_a_triggered_order_is_held_at_the_price_that_a_replace_names() -> None:
    """It has one price from then on: more shares at a lower one may need nothing more."""
    chain = await opened()
    order = chain.pair()
    await chain.send(order)
    await chain.send(chain.sell(1, 11_5000))
    await chain.send(chain.place(quantity=1, price_e4=11_5000))
    ticket = await chain.hold(chain.replace(order, 110, 10_0000))
    assert state(ticket) == State.NOT_NEEDED
    assert kinds(chain.submit(ticket)) == [events.Replaced]
    await chain.settle()
    assert chain.held == worst(10_0000, 110, FEE_E6)


async def test_an_order_of_one_price_is_held_at_the_price_that_a_replace_names() -> None:
    """Limits and stops: not at the one that they had."""
    stop = {"type": command_pb2.ORDER_TYPE_STOP_LIMIT, "stop_price_e4": 11_0000}
    for terms in ({}, stop):
        chain = await opened()
        order = chain.place(quantity=100, price_e4=12_0000, **terms)
        await chain.send(order)
        ticket = await chain.hold(chain.replace(order, 110, 10_0000))
        assert state(ticket) == State.NOT_NEEDED
        assert kinds(chain.submit(ticket)) == [events.Replaced]
        await chain.settle()
        assert chain.held == worst(10_0000, 110, FEE_E6)


async def test_a_pair_that_cannot_be_paid_at_the_higher_price_does_not_grow() -> None:
    """The refusal is on record, and nothing is held for it."""
    chain = await opened()
    order = chain.pair(quantity=80_000)
    await chain.send(order)
    ticket = await chain.hold(chain.replace(order, 90_000, 10_0000))
    assert state(ticket) == State.FAILED
    assert chain.held == worst(12_0000, 80_000, FEE_E6)


async def test_a_stop_sell_is_replaced_without_a_price_and_holds_its_shares() -> None:
    """4.7.7: also one whose acceptance is not settled yet."""
    for settled in (False, True):
        chain = await opened()
        order = chain.place(
            side=market_pb2.SIDE_SELL, type=command_pb2.ORDER_TYPE_STOP, stop_price_e4=9_0000, quantity=100
        )
        chain.submit(await chain.hold(order))
        if settled:
            await chain.settle()
        for quantity in (150, 40):
            [replaced] = await chain.send(chain.replace(order, quantity, 0))
            assert isinstance(replaced, events.Replaced)
            assert (replaced.price_e4, replaced.open_quantity) == (0, quantity)
            assert chain.memory.balances[BUYER, "ACME"][0] == quantity


async def test_a_replace_without_a_price_is_rejected_where_the_order_has_one() -> None:
    """4.7.7: on record, and what was held stays held."""
    chain = await opened()
    order = chain.place(quantity=100, price_e4=12_0000)
    await chain.send(order)
    [rejected] = await chain.send(chain.replace(order, 150, 0))
    assert isinstance(rejected, events.Rejected)
    assert (rejected.reason, rejected.field, rejected.value) == (events.Reason.PRICE_INVALID, "price_e4", "0")
    assert chain.held == worst(12_0000, 100, FEE_E6)
