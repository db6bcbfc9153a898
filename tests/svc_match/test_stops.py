"""Stops cost what is done with them, however many there are: that many are triggered together, or wait beside those that follow."""

import time

from svc_match.core import snapshot
from svc_match.core.commands import Command, OrderType, Place, Side, Terms
from tests.svc_match.test_mass_cancels import MIDDLE_E4, TICK_E4, Desk
from tests.svc_match.twin import of_the_date

SHORT_ROW = 64  # events
ROWS = 10
MOST = 10  # times, where what is looked at is 32 times as much or more: a busy machine is no worse
TRAILING = 256
BATCH = 4_096


class Stops(Desk):
    """A desk that tells the packed core alone."""

    def sell(self, price_e4: int, terms: Terms) -> Place:
        return self.order("ann/1", "ACME", Side.SELL)._replace(
            type=OrderType.STOP_LIMIT, price_e4=price_e4, quantity=10, terms=terms
        )

    def trade(self, price_e4: int) -> list[Command]:
        """Two orders that meet there."""
        buy = self.order("ben/1", "ACME", Side.BUY)._replace(price_e4=price_e4, held_price_e4=price_e4)
        return [buy, self.order("ben/1", "ACME", Side.SELL)._replace(price_e4=price_e4)]

    def place(self, count: int, price_e4: int, terms: Terms) -> None:
        for _ in range(0, count, BATCH):
            some = [self.sell(price_e4, terms) for _ in range(min(BATCH, count))]
            self.packed.apply(some, self.time_us, 1 << 40)

    def row(self, *some: Command) -> float:
        """The seconds that it takes."""
        start = time.perf_counter()
        self.packed.apply(some, self.time_us)
        return time.perf_counter() - start

    def triggered(self, count: int) -> float:
        """So many stops, and the seconds of a row with the trade that triggers them."""
        self.place(count, MIDDLE_E4 + TICK_E4, Terms(stop_price_e4=MIDDLE_E4))
        self.packed.packed.command_limit = SHORT_ROW
        taken = self.row(*self.trade(MIDDLE_E4))
        assert self.packed.goes_on
        return taken


def test_a_row_of_triggered_stops_does_not_look_at_those_behind() -> None:
    """Rule 4.7.8: with 32 times the stops that wait for their turn a row takes about as long."""
    taken = []
    for count in (1_024, 32 * 1_024):
        desk = Stops()
        desk.triggered(count)
        taken.append(min(desk.row() for _ in range(ROWS)))
        assert desk.packed.goes_on
    assert taken[1] < MOST * taken[0], taken


def test_what_triggers_stops_does_not_look_at_each() -> None:
    """Rule 4.7.8: with 32 times the stops that one trade triggers its own row takes about as long."""
    taken = [min(Stops().triggered(count) for _ in range(3)) for count in (1_024, 32 * 1_024)]
    assert taken[1] < MOST * taken[0], taken


def test_what_a_row_leaves_goes_on_from_any_snapshot() -> None:
    """Rule 4.7.8: a shard that is restored between any two rows says the same, and has the same state."""
    one, other = Stops(), Stops()
    one.triggered(1_024)
    other.triggered(1_024)
    rows = 0
    while one.packed.goes_on:
        other.packed = snapshot.load(snapshot.encode(other.packed), of_the_date(other.packed))
        other.packed.packed.command_limit = SHORT_ROW
        assert one.packed.apply([], one.time_us) == other.packed.apply([], other.time_us)
        assert snapshot.state_hash(one.packed) == snapshot.state_hash(other.packed)
        rows += 1
    assert rows >= 1_024 // SHORT_ROW
    assert one.packed.numbered[0].waiting() == []


def test_following_does_not_move_those_that_stay() -> None:
    """Rule 4.8.1: with 100 times the stops beside them it takes the trailing ones about as long to follow a price."""
    taken = []
    for count in (1_000, 100_000):
        desk = Stops()
        desk.packed.apply(desk.trade(MIDDLE_E4), desk.time_us)
        desk.place(count, TICK_E4, Terms(stop_price_e4=MIDDLE_E4 // 2))
        desk.place(TRAILING, TICK_E4, Terms(stop_price_e4=TICK_E4, trailing_amount_e4=MIDDLE_E4 // 2 - TICK_E4))
        prices = (MIDDLE_E4 + TICK_E4 * number for number in range(1, ROWS + 1))
        taken.append(min(desk.row(*desk.trade(price_e4)) for price_e4 in prices))
        assert len(desk.packed.numbered[0].waiting()) >= count + TRAILING
    assert taken[1] < MOST * taken[0], taken
