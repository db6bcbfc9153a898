"""Mass cancels find what is open however often they are sent, and cost what they end."""

import itertools
import time
from random import Random

from svc_match.core import commands
from svc_match.core.commands import OrderType, Side, TimeInForce
from svc_match.core.ending import SLOTS_AN_EVENT, SPARE_ORDERS
from svc_match.core.instrument import Instrument, Phase
from tests.svc_match import twin

DATE, TICK_E4, MIDDLE_E4, SEED = 20260105, 100, 1_000_000, 7
SYMBOLS = ("ACME", "BOLT")
ACCOUNTS = ("ann/1", "ann/2", "ben/1")
RESTING, ROUNDS, BATCH = 1_000, 60, 64


class Desk(twin.Pair):
    """Two books that are open, in both cores."""

    def __init__(self) -> None:
        super().__init__()
        self.numbers = itertools.count(1)
        some = [Instrument(one, "EUR", TICK_E4, 1, TICK_E4, 2 * MIDDLE_E4, 1_000_000, 0, 0, 0) for one in SYMBOLS]
        self.apply([*map(commands.AddInstrument, some)])
        self.apply([commands.OpenDate(DATE)])
        self.apply([commands.SetPhase("", Phase.OPEN, 0)])

    def order(self, account: str, symbol: str, side: Side) -> commands.Place:
        """One that meets no other."""
        number = next(self.numbers)
        price_e4 = MIDDLE_E4 + TICK_E4 * (number % 500 + 1) * (1 if side == Side.SELL else -1)
        held = (number, 1 << 50, price_e4 if side == Side.BUY else 0, 0)
        terms = (symbol, side, OrderType.LIMIT, TimeInForce.DAY, price_e4, 10, 0)
        return commands.Place(account, str(number), DATE, number, number.to_bytes(16), 0, *held, *terms)

    def cancel(self, account: str, order_id: int) -> commands.Cancel:
        number = next(self.numbers)
        return commands.Cancel(account, str(number), DATE, number, number.to_bytes(16), 0, 0, order_id, "", 0, "")

    def mass_cancel(self, account: str, symbol: str = "", side: int = 0, *, wide: bool = False) -> commands.MassCancel:
        number = next(self.numbers)
        return commands.MassCancel(account, str(number), DATE, number, number.to_bytes(16), 0, 0, wide, symbol, side)

    def seconds(self, command: commands.MassCancel) -> float:
        """What it takes the packed core, which is told it alone."""
        start = time.perf_counter()
        self.packed.apply([command], self.time_us)
        return time.perf_counter() - start


def test_mass_cancels_end_what_is_open() -> None:
    """Rule 6.1.7: many behind one another, of whatever they ask for, with few orders between two and with many, over restarts."""
    random, desk = Random(SEED), Desk()

    def drawn() -> commands.Place:
        return desk.order(random.choice(ACCOUNTS), random.choice(SYMBOLS), random.choice(list(Side)))

    few, many = RESTING // SLOTS_AN_EVENT // 4, RESTING // 4
    desk.apply([drawn() for _ in range(RESTING)])
    for _ in range(ROUNDS):
        desk.apply([drawn() for _ in range(random.choice((0, 1, few, many)))])
        desk.apply([desk.cancel(one.account, one.order_id) for one in desk.accepted[::3]])
        asked = random.choice(("", *SYMBOLS)), random.choice((0, *Side))
        desk.apply([desk.mass_cancel(random.choice(ACCOUNTS), *asked, wide=random.random() < 0.2)])
        if random.random() < 0.1:
            desk.restore()
    desk.compare()


def test_finished_orders_are_forgotten() -> None:
    """Mass cancels that end nothing, between orders that come and go, find the same as ever."""
    desk = Desk()
    desk.apply([desk.order("ann/1", "ACME", Side.BUY)])
    for _ in range(2 * SPARE_ORDERS // BATCH):
        desk.apply([desk.order("ann/1", "BOLT", Side.BUY) for _ in range(BATCH)])
        gone = desk.accepted
        desk.apply([desk.mass_cancel("ann/1", "BOLT", Side.SELL)])
        desk.apply([desk.cancel(one.account, one.order_id) for one in gone])
    desk.apply([desk.mass_cancel("ann/1", "BOLT"), desk.mass_cancel("ann/1")])
    assert desk.packed.open_orders == 0
    desk.compare()


def test_one_that_ends_nothing_does_not_look_at_what_rests() -> None:
    """Rules 6.1.7, 6.3.3: with 320 times the orders it takes about as long as with few."""
    taken = []
    for orders in (BATCH, 320 * BATCH):
        desk = Desk()
        for _ in range(0, orders, BATCH):
            desk.packed.apply([desk.order("ann/1", "ACME", Side.BUY) for _ in range(BATCH)], desk.time_us)
        taken.append(min(desk.seconds(desk.mass_cancel("ann/1", "", Side.SELL)) for _ in range(50)))
    assert taken[1] < 10 * taken[0], taken
