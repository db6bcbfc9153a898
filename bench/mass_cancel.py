"""What a mass cancel costs a shard's matching core: where it ends nothing, a few orders, or all that rest.

One account has all orders but ten, a second those ten, a third had one. The journal and the answers to clients are not in it.
"""

import argparse
import itertools
import time

from bench._conditions import conclude
from svc_match.core import commands
from svc_match.core.commands import OrderType, Side, TimeInForce
from svc_match.core.engine import Engine
from svc_match.core.instrument import Instrument, Phase

DATE, TICK_E4, MIDDLE_E4, LEVELS, INSTRUMENTS = 20260105, 100, 1_000_000, 4_000, 8
FEW, ROUNDS, BATCH = 10, 50, 1_024
MANY, SOME, NONE = "many/1", "some/1", "none/1"


class Desk:
    """An engine with orders that rest, and the ids of its commands."""

    def __init__(self) -> None:
        self.engine = Engine(0)
        self._ids = itertools.count()
        symbols = [f"S{number}" for number in range(INSTRUMENTS)]
        self.symbols = itertools.cycle(symbols)
        added = [
            commands.AddInstrument(Instrument(one, "EUR", TICK_E4, 1, TICK_E4, 10 * MIDDLE_E4, 1_000_000, 100, 300, 0))
            for one in symbols
        ]
        self.do(*added, commands.OpenDate(DATE))
        self.do(commands.OpenDate(DATE), commands.SetPhase("", Phase.OPEN, 0))

    def do(self, *those: commands.Command) -> float:
        """Seconds that it takes until nothing is left of it."""
        start = time.perf_counter()
        self.engine.apply(those, 1)
        while self.engine.ending is not None:
            self.engine.apply((), 1)
        return time.perf_counter() - start

    def rest(self, account: str, orders: int) -> None:
        for first in range(0, orders, BATCH):
            self.do(*(self.order(account) for _ in range(min(BATCH, orders - first))))

    def order(self, account: str) -> commands.Place:
        number, symbol = next(self._ids), next(self.symbols)
        price_e4 = MIDDLE_E4 - TICK_E4 * (number * 7_919 % LEVELS + 1)
        identity = (account, str(number), DATE, number, number.to_bytes(16), 0)
        hold = (number + 1, 1 << 60, price_e4, 300)
        return commands.Place(*identity, *hold, symbol, Side.BUY, OrderType.LIMIT, TimeInForce.DAY, price_e4, 10, 0)

    def cancel(self, account: str, symbol: str = "", side: int = 0) -> commands.MassCancel:
        number = next(self._ids)
        return commands.MassCancel(account, str(number), DATE, number, number.to_bytes(16), 0, 0, False, symbol, side)


def measure(orders: int) -> None:
    desk = Desk()
    desk.rest(NONE, 1)
    for _ in range(FEW):
        desk.rest(SOME, 1)
        desk.rest(MANY, orders // FEW - 1)
    first = desk.do(desk.cancel(NONE))
    again = min(desk.do(desk.cancel(NONE)) for _ in range(ROUNDS))
    other_first = desk.do(desk.cancel(MANY, side=Side.SELL))
    other = min(desk.do(desk.cancel(MANY, side=Side.SELL)) for _ in range(ROUNDS))
    few_first = desk.do(desk.cancel(SOME))
    few = []
    for _ in range(ROUNDS):
        desk.rest(SOME, FEW)
        few.append(desk.do(desk.cancel(SOME)))
    desk.rest(SOME, 1)
    behind = []
    for _ in range(ROUNDS):
        desk.rest(MANY, BATCH)
        behind.append(desk.do(desk.cancel(SOME, side=Side.SELL)))
    resting = desk.engine.open_orders - 1
    whole = desk.do(desk.cancel(MANY))
    assert desk.engine.open_orders == 1
    figures: dict[str, float | int] = {
        "resting": resting,
        "nothing, the account's first of the date, us": round(first * 1e6, 1),
        "nothing, us": round(again * 1e6, 1),
        "nothing on that side, its first of the date, us": round(other_first * 1e6, 1),
        "nothing on that side, all orders on the other, us": round(other * 1e6, 1),
        f"nothing, {BATCH} orders later, us": round(min(behind) * 1e6, 1),
        f"{FEW} orders, the account's first of the date, us": round(few_first * 1e6, 1),
        f"{FEW} orders, us": round(min(few) * 1e6, 1),
        "all, ms": round(whole * 1e3, 1),
        "all, us an order": round(whole * 1e6 / resting, 3),
    }
    conclude("mass_cancel", list(figures.items()), dict(figures))


if __name__ == "__main__":
    options = argparse.ArgumentParser(prog="bench.mass_cancel", description=__doc__)
    options.add_argument("--orders", type=int, default=300_000, help="orders that rest (300 000)")
    measure(options.parse_args().orders)
