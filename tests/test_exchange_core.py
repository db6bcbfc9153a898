"""exchange-core's feature files, every step, against order entry's checks, the ledger's holds and settlement, and the matching
core, put together in one process as the services are: what one writes is what the other reads.

Units: a lot of ETH_XBT is 100 000 ETH and a price step is 10 XBT a lot. So ETH are shares, XBT are money in whole units, and a
price of theirs is ours in 1/10 000. XBT is no currency of ISO 4217, and is EUR here. Fees are 0, as theirs.
"""

import re
from collections import Counter
from typing import Any

import pytest

from chassis.units import command_digest
from svc_ledger import wire as ledger_wire
from svc_ledger.app import Holds, Settler
from svc_ledger.core.holds import Hold, HoldRequest, HoldResult, State
from svc_match.core import commands, events
from svc_match.ports import Head
from svc_match.wire.executions import executions
from svc_order.core import commands as asked
from svc_order.core.checks import Need, Route, check
from svc_order.core.history import OPEN, Order
from svc_order.core.reference import Reference, Shard
from svc_order.ports import Position
from svc_order.wire.chronicle import Chronicle
from tests.gherkin import Scenario, Step, all_of
from tests.svc_ledger.memory import Memory
from tests.svc_match.transcript import Desk

INCARNATION, DATE = "1" * 32, 20260105
LOT, UNIT_E4 = 100_000, 10_000
MONEY = {"XBT": "EUR", "USD": "USD"}
SHARES = {"ETH": "ETHXBT"}
SYMBOLS = {"ETH_XBT": "ETHXBT", "EUR_USD": "EURUSD"}
SIDES = {"BID": asked.BUY, "ASK": asked.SELL}

# What cannot be compared, and why. Everything else of every step is.
ASK_RESERVE = "an ASK holds shares here, at no price: its reservePrice is not kept"
RESERVE_STAYS = (
    "a replace releases here what its new price does not need; there the first reserve stays until the order ends"
)
MARGIN = "EUR_USD is a future on margin there; here its sellers have shares, which each new client gets"
NO_EXTRA = "a dearer price asks the ledger for an extra hold here, and may pass; there it never does: the core is asked without one"
DIFFERENT: dict[str, dict[str, int]] = {
    "basic full cycle test EUR_USD": {ASK_RESERVE: 1, MARGIN: 2},
    "basic full cycle test ETH_XBT": {ASK_RESERVE: 1, MARGIN: 2},
    "cancel BID order": {MARGIN: 3},
    "basic scenario": {MARGIN: 2},
    "move orders UP and DOWN": {ASK_RESERVE: 4, RESERVE_STAYS: 2, NO_EXTRA: 1, MARGIN: 2},
}


class Exchange:
    """One shard, its ledger, and order entry, in the words of the features."""

    def __init__(self) -> None:
        self.desk = Desk()
        self.memory = Memory({}, {})
        store: Any = self.memory
        self.holds, self.settler = Holds(store, 5.0), Settler(store, 0)
        self.journal: list[bytes] = []
        self.happened: list[events.Event] = []
        self.number = 0
        self.first_reserve: dict[int, int] = {}
        self.different: Counter[str] = Counter()
        self.steps = [(re.compile(pattern), act) for pattern, act in STEPS]

    async def open(self) -> None:
        options = f"tick=0.0001 lot={LOT} max=1000000 quantity={10**12 // LOT * LOT} maker=0 taker=0"
        for line in (
            f"add ETHXBT {options} currency=EUR",
            f"add EURUSD {options} currency=USD",
            f"date {DATE}",
            "phase all open",
        ):
            await self.execute(self.desk.command(line))

    async def execute(self, command: commands.Command) -> None:
        """Journals what the core did, and settles it."""
        self.desk.time_us += 1
        applied = self.desk.engine.apply([command], self.desk.time_us)
        self.happened = applied.events
        head = Head(INCARNATION, 1, 0, self.desk.time_us)
        for part in executions(head, applied):
            self.journal.append(part)
            await self.settler.settle([ledger_wire.shard_batch(ledger_wire.decode(part)[0], 0)])

    def history(self) -> tuple[Reference, list[Order]]:
        """What order entry reads in the journal."""
        reference = Reference(frozenset({0}))
        reference.load(0, Shard(INCARNATION, 0, 0), [])
        chronicle = Chronicle(0, Position(INCARNATION, 0), reference)
        for part in self.journal:
            batch, _ = ledger_wire.decode(part)
            chronicle.take(batch, 0, len(batch.events))
        return reference, list(chronicle.cut()[1].orders.values())

    async def run(self, step: Step) -> None:
        """Does what the step says; a step that is not known fails."""
        for pattern, act in self.steps:
            match = pattern.fullmatch(step.text)
            if match:
                await act(self, step, **match.groupdict())
                return
        raise AssertionError(f"nothing does {step.text!r}")

    # What clients have.

    async def new_client(self, step: Step, client: str) -> None:
        assert not any(account == main(client) for account, _ in self.memory.balances)
        for asset in ("EUR", "USD", *SYMBOLS.values()):
            self.memory.balances[main(client), asset] = [0, 0, 0]
        self.memory.balances[main(client), "EURUSD"][2] = 100 * LOT
        self.different[MARGIN] += 1
        for asset, amount in step.rows:
            self.add(client, asset, int(amount))

    async def deposit(self, _step: Step, amount: str, asset: str, client: str) -> None:
        self.add(client, asset, int(amount))

    def add(self, client: str, asset: str, amount: int) -> None:
        ours = MONEY.get(asset) or SHARES[asset]
        self.memory.balances[main(client), ours][2] += amount * (UNIT_E4 if asset in MONEY else 1)

    async def balance(self, step: Step, client: str) -> None:
        for asset, amount in step.rows:
            if asset in SHARES:
                assert self.memory.available((main(client), SHARES[asset])) == int(amount)
                continue
            kept = self.kept(client) if asset == "XBT" else 0
            self.different[RESERVE_STAYS] += bool(kept)
            assert self.memory.available((main(client), MONEY[asset])) - kept == int(amount) * UNIT_E4

    def kept(self, client: str) -> int:
        """What exchange-core still keeps of open orders at their first reserve, and the ledger here has released."""
        bids = [hold for hold in self.open_holds(client) if hold.price_e4]
        return sum(
            (self.first_reserve[hold.order_id] - hold.price_e4) * hold.remaining // hold.price_e4 for hold in bids
        )

    def open_holds(self, client: str) -> list[Hold]:
        return [
            hold for hold in self.memory.holds.values() if hold.key[0] == main(client) and hold.state is State.BOUND
        ]

    # Orders.

    async def place(self, _step: Step, **words: str) -> None:
        place, hold = await self.hold(**words)
        assert hold.state is State.PENDING
        line = (
            f"{place.account} {'buy' if place.side == asked.BUY else 'sell'} {place.client_order_id} {place.quantity}"
        )
        line += (
            f" {place.symbol} {decimal(place.price_e4)} {'ioc' if place.time_in_force == asked.IOC else 'day'} fee=0"
        )
        command: Any = self.desk.command(line)
        await self.execute(
            command._replace(
                hold_id=hold.hold_id,
                held_amount=hold.held_amount,
                held_price_e4=hold.held_price_e4,
                held_fee_e6=hold.held_fee_e6,
            )
        )
        accepted = self.happened[0]
        assert isinstance(accepted, events.Accepted)
        self.first_reserve[accepted.order_id] = hold.held_price_e4

    async def cannot_place(self, _step: Step, **words: str) -> None:
        """Refused by the ledger, for good under its id; so it has another one than the order that is placed later."""
        _, hold = await self.hold(**{**words, "id": f"{words['id']}-poor"})
        assert hold.state is State.FAILED
        assert hold.refused is not None
        assert hold.refused.reason == "FUNDS_INSUFFICIENT"

    async def hold(self, **words: str) -> tuple[asked.Place, HoldResult]:
        """Checks an order as order entry does, and asks the ledger; a BID at its reserve price."""
        place = asked.Place(
            main(words["client"]),
            words["id"],
            DATE,
            SYMBOLS[words["symbol"]],
            SIDES[words["side"]],
            asked.LIMIT,
            asked.IOC if words["type"] == "IOC" else asked.DAY,
            int(words["price"]),
            int(words["size"]) * LOT,
            0,
        )
        need = self.need(place)
        if place.side == asked.BUY:
            need = need._replace(held_price_e4=int(words["reserve"]))
        return place, await self.ask(place, need)

    def need(self, command: asked.Place | asked.Replace) -> Need:
        route = check(command, command.account.partition("/")[0], self.history()[0])
        assert isinstance(route, Route)
        assert route.need is not None
        return route.need

    async def ask(self, command: asked.Place | asked.Replace, need: Need) -> HoldResult:
        digest = command_digest(*command)
        request = HoldRequest(DATE, command.account, command.client_order_id, digest, 0, *need)
        (hold,) = await self.holds.create(INCARNATION, [request])
        return hold

    async def move(self, _step: Step, client: str, price: str, id: str) -> None:  # noqa: A002  # the features' word
        replace = self.replace(client, id, price)
        extra = await self.ask(replace, self.need(replace))
        assert extra.state is State.NOT_NEEDED
        await self.send(replace)
        assert isinstance(self.happened[0], events.Replaced)

    async def cannot_move(self, _step: Step, client: str, price: str, id: str) -> None:  # noqa: A002
        await self.send(self.replace(client, id, price))
        (rejected,) = self.happened
        assert isinstance(rejected, events.Rejected)
        assert rejected.reason == events.Reason.HOLD_TOO_SMALL
        self.different[NO_EXTRA] += 1

    def replace(self, client: str, id_: str, price: str) -> asked.Replace:
        order = self.order(id_)
        own = f"m{self.next()}"
        return asked.Replace(main(client), own, DATE, 0, id_, order.symbol, int(price), order.quantity)

    async def send(self, it: asked.Replace) -> None:
        line = f"{it.account} replace {it.client_order_id} {it.original_client_order_id} {it.quantity} {decimal(it.price_e4)}"
        await self.execute(self.desk.command(f"{line} fee=0"))

    async def cancel(self, _step: Step, client: str, size: str, id: str) -> None:  # noqa: A002
        await self.execute(self.desk.command(f"{main(client)} cancel c{self.next()} {id}"))
        (done,) = self.happened
        assert isinstance(done, events.Done)
        assert done.cancelled_quantity == int(size) * LOT

    # What happened.

    async def matched(self, _step: Step, id: str, how: str, price: str, size: str, **_: str) -> None:  # noqa: A002
        (trade,) = [event for event in self.happened if isinstance(event, events.Traded)]
        maker = self.order(id)
        assert (trade.maker_order_id, trade.price_e4, trade.quantity) == (maker.order_id, int(price), int(size) * LOT)
        assert (trade.maker_open == 0) == (how == "fully")

    async def bidder_held(self, step: Step, held: str, **words: str) -> None:
        await self.matched(step, **words)
        assert self.first_reserve[self.order(words["id"]).order_id] == int(held)
        self.different[RESERVE_STAYS] += 1

    async def no_trades(self, _step: Step) -> None:
        assert not any(isinstance(event, events.Traded) for event in self.happened)

    async def orders(self, step: Step, client: str) -> None:
        wanted = {row["id"]: row for row in step.table()}
        found = {order.client_order_id: order for order in self.open_orders(client)}
        assert found.keys() == wanted.keys()
        holds = {hold.order_id: hold for hold in self.open_holds(client)}
        for id_, row in wanted.items():
            order = found[id_]
            assert (order.side, order.price_e4) == (SIDES[row["side"]], int(row["price"]))
            assert (order.quantity, order.executed_quantity) == (int(row["size"]) * LOT, int(row["filled"]) * LOT)
            if row["side"] == "BID":
                assert holds[order.order_id].price_e4 == int(row["reservePrice"])
            else:
                self.different[ASK_RESERVE] += 1

    async def no_orders(self, _step: Step, client: str) -> None:
        assert not self.open_orders(client)

    async def book(self, step: Step, symbol: str) -> None:
        wanted = [(bid, price, ask) for bid, price, ask in step.rows if bid != "bid"]
        book = self.desk.engine.books[SYMBOLS[symbol]]
        asks, bids = book.depth(2, 100), book.depth(1, 100)
        shown = [("", str(price), str(quantity // LOT)) for price, quantity, _ in reversed(asks)]
        shown += [(str(quantity // LOT), str(price), "") for price, quantity, _ in bids]
        assert shown == wanted

    def open_orders(self, client: str) -> list[Order]:
        return [order for order in self.history()[1] if order.account == main(client) and order.state == OPEN]

    def order(self, id_: str) -> Order:
        (found,) = [order for order in self.history()[1] if order.client_order_id == id_]
        return found

    def next(self) -> int:
        self.number += 1
        return self.number


def main(client: str) -> str:
    return f"{client.lower()}/main"


def decimal(price_e4: int) -> str:
    return f"{price_e4 // UNIT_E4}.{price_e4 % UNIT_E4:04}"


ORDER = (
    r"(?P<side>ASK|BID) order (?P<id>\d+) at (?P<price>\d+)@(?P<size>\d+) "
    r"\(type: (?P<type>\w+), symbol: (?P<symbol>\w+)(?:, reservePrice: (?P<reserve>\d+))?\)"
)
MATCHED = r"The order (?P<id>\d+) is (?P<how>fully|partially) matched\. LastPx: (?P<price>\d+), LastQty: (?P<size>\d+)"
MOVE = r"moves? a price to (?P<price>\d+) of the order (?P<id>\d+)"
CANNOT_MOVE = rf"A client (?P<client>\w+) could not {MOVE} due to MATCHING_MOVE_FAILED_PRICE_OVER_RISK_LIMIT"
STEPS: tuple[tuple[str, Any], ...] = (
    (r"New client (?P<client>\w+) has a balance:", Exchange.new_client),
    (r"(?P<amount>\d+) (?P<asset>\w+) is added to the balance of a client (?P<client>\w+)", Exchange.deposit),
    (r"A balance of a client (?P<client>\w+):", Exchange.balance),
    (rf"A client (?P<client>\w+) places an {ORDER}", Exchange.place),
    (rf"A client (?P<client>\w+) could not place an {ORDER} due to RISK_NSF", Exchange.cannot_place),
    (rf"A client (?P<client>\w+) {MOVE}", Exchange.move),
    (CANNOT_MOVE, Exchange.cannot_move),
    (r"A client (?P<client>\w+) cancels the remaining size (?P<size>\d+) of the order (?P<id>\d+)", Exchange.cancel),
    (MATCHED, Exchange.matched),
    (MATCHED + r", bidderHoldPrice: (?P<held>\d+)", Exchange.bidder_held),
    (r"No trade events", Exchange.no_trades),
    (r"A client (?P<client>\w+) orders:", Exchange.orders),
    (r"A client (?P<client>\w+) does not have active orders", Exchange.no_orders),
    (r"An (?P<symbol>\w+) order book is:", Exchange.book),
)


@pytest.mark.parametrize("scenario", all_of("exchange_core_basic", "exchange_core_risk"))
async def test_exchange_core(scenario: Scenario) -> None:
    """Trades, books, moves, cancels, refusals for funds, balances and lists of orders come out; what differs is counted."""
    market = Exchange()
    await market.open()
    for step in scenario.steps:
        await market.run(step)
    assert +market.different == Counter(DIFFERENT[scenario.name])
