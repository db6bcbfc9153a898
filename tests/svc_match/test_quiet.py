"""What others use, and what guards an instrument, costs an order that asks for none of it a comparison (quiet.py)."""

import random
import time
from array import array
from dataclasses import replace
from itertools import product
from typing import Any

import pytest

from bench.engine import features
from bench.engine.workload import ACCOUNT, TICK_SIZE
from svc_match.core import commands, events
from svc_match.core import layout as w
from svc_match.core.commands import OrderType, Peg, Side, StopTrigger, Terms, TimeInForce
from svc_match.core.instrument import Instrument, Phase, TickBand
from tests.svc_match import twin

SEED = 7
BATCH, BATCHES = 500, 40
TICKS = range(16_300, 16_450)
SEEDS = range(2)
MEANS, TRADES = 12, 700
SOME, LONG_US = 9, 100_000
FOLLOWED, CLOSE, FEW = 600, 8, 10
DATE, TICK, FEE_E6, COMMANDS = 20260105, 100, 200, 3_000
MIDDLE, NEAR, DRIFT = 10_000, 60, 4  # ticks: a hundred of them are another reference price
BANDED = Instrument(
    "ACME", "EUR", TICK, 1, TICK, 10**9, 10**6, 100, FEE_E6, 0, 0, limit_band_bp=500, limit_interval_us=40,
    limit_state_us=5, limit_pause_us=5, reference_price_e4=MIDDLE * TICK,
)  # fmt: skip
COLLARED = Instrument(
    "ACME", "EUR", TICK, 1, TICK, 10**9, 10**6, 100, FEE_E6, 0, 0, dynamic_collar_bp=60, volatility_auction_us=5,
    reference_price_e4=MIDDLE * TICK,
)  # fmt: skip
MOST = 2  # times; a book that is looked at with each command takes thirty times as long


def orders(chance: random.Random) -> "array[int]":
    """A batch of limit orders on both sides of prices that cross."""
    found = array("q")
    for _ in range(BATCH):
        side, price = chance.randrange(2), chance.choice(TICKS) * TICK_SIZE
        head = w.PLACE | side << 8 | w.LIMIT << 16 | w.DAY << 24 | 1 << 32 | w.HELD << 48
        found.extend([head, ACCOUNT, price, chance.randint(1, 20), 0, price, 1 << 62, 0])
    return found


def seconds(uses: features.Uses) -> float:
    """The best time of a batch."""
    chance, books, best = random.Random(SEED), features.books(1, uses), float("inf")
    for _ in range(BATCHES):
        with memoryview(orders(chance)) as batch:
            start = time.perf_counter()
            books.apply(batch)
            best = min(best, time.perf_counter() - start)
    return best


@pytest.mark.parametrize("uses", [uses for uses in features.Uses if uses])
def test_others_features_cost_a_plain_order_little(uses: features.Uses) -> None:
    """Orders take not much longer where stops, hidden and pegged orders stand far away, and where collars and bands hold."""
    assert seconds(uses) < MOST * seconds(features.Uses.NOTHING), f"seed {SEED}"


def place(number: int, chance: random.Random, middle: int, *, plain: bool) -> commands.Place:
    """An order near the middle: most or all are plain, some wait for the price to come to them, or follow it, or are hidden."""
    side, tick = chance.choice(list(Side)), middle + chance.randint(-NEAR, NEAR)
    kind, price, terms, drawn = OrderType.LIMIT, tick * TICK, commands.PLAIN, 1.0 if plain else chance.random()
    if drawn < 0.05:
        away = chance.randint(1, 300) * TICK
        price = (tick + (400 if side == Side.BUY else -400)) * TICK
        stop = tick * TICK + (away if side == Side.BUY else -away)
        trail = chance.choice((0, away))
        kind, terms = OrderType.STOP_LIMIT, Terms(stop, chance.choice(list(StopTrigger)), trailing_amount_e4=trail)
    elif drawn < 0.08:
        peg = chance.choice((Peg.BID, Peg.ASK, Peg.MIDDLE))
        offset = chance.randint(-5, 5) * TICK if peg == Peg.MIDDLE else 0
        kind, terms = OrderType.PEGGED, Terms(peg=peg, peg_offset_e4=offset)
    elif drawn < 0.1:
        terms = Terms(hidden=1)
    elif drawn < 0.12:
        terms = Terms(display_quantity=2)
    return order(number, side, kind, price, chance.randint(2, 20), terms)


def order(number: int, side: Side, kind: OrderType, price: int, quantity: int, terms: Terms) -> commands.Place:
    """One of a day, of the participant."""
    held_e4 = price if side == Side.BUY else 0
    return commands.Place(
        "p/1", f"o{number}", DATE, number << 64, number.to_bytes(16), 0, number, 1 << 62, held_e4, FEE_E6, "ACME", side, kind,
        TimeInForce.DAY, price, quantity, 0, terms, "",
    )  # fmt: skip


def cancelled(number: int, order_id: int) -> commands.Cancel:
    """The end of an order of the participant."""
    return commands.Cancel("p/1", f"x{number}", DATE, number << 64, number.to_bytes(16), 0, 0, order_id, "", 0, "ACME")


@pytest.mark.parametrize(
    ("instrument", "plain"),
    [(BANDED, True), (BANDED, False), (COLLARED, False)],
    ids=["bands alone", "bands", "dynamic collar"],
)
@pytest.mark.parametrize("seed", SEEDS)
def test_what_waits_acts_when_it_is_its_time(seed: int, instrument: Instrument, *, plain: bool) -> None:
    """While prices drift through stops, pegs and price bands, every event is that of the twin, which looks at all with each command."""
    chance, pair, middle, opened = random.Random(seed), twin.Pair(), MIDDLE, list[events.Accepted]()
    pair.apply([commands.AddInstrument(instrument), commands.OpenDate(DATE), commands.SetPhase("", Phase.OPEN)])
    for number in range(1, COMMANDS + 1):
        middle += chance.randint(-DRIFT, DRIFT)
        batch: list[commands.Command] = [place(number, chance, middle, plain=plain)]
        if opened and chance.random() < 0.3:
            one = opened.pop(chance.randrange(len(opened)))
            batch.append(cancelled(COMMANDS + number, one.order_id))
        pair.apply(batch)
        opened += pair.accepted
    pair.compare()
    assert pair.packed.sequence > COMMANDS, f"seed {seed}"


def test_the_best_price_is_hidden_once_what_was_displayed_there_leaves() -> None:
    """A stop that waits for the best bid is executed though that price has orders still, of which none is displayed."""
    pair, limit, hidden = twin.Pair(), OrderType.LIMIT, Terms(hidden=1)
    pair.apply([commands.AddInstrument(COLLARED), commands.OpenDate(DATE), commands.SetPhase("", Phase.OPEN)])
    best, below, stop = MIDDLE * TICK, (MIDDLE - 3) * TICK, (MIDDLE - 2) * TICK
    pair.apply(
        [order(1, Side.BUY, limit, best, 5, commands.PLAIN), order(2, Side.BUY, limit, below, 5, commands.PLAIN)]
    )
    displayed = pair.accepted[0].order_id
    pair.apply([order(3, Side.SELL, OrderType.STOP, 0, 5, Terms(stop, StopTrigger.BEST_QUOTE))])
    pair.apply([order(4, Side.BUY, limit, best, 5, hidden)])
    pair.apply([cancelled(5, displayed)])
    assert [(trade.price_e4, trade.quantity) for trade in pair.trades] == [(best, 5)]
    pair.compare()


def test_a_reference_price_that_a_bid_keeps_is_renewed_when_it_ends() -> None:
    """A bid above the bands to come keeps the reference price, until it is cancelled: without a trade, and at no other time."""
    pair = twin.Pair()
    pair.apply([commands.AddInstrument(BANDED), commands.OpenDate(DATE), commands.SetPhase("", Phase.OPEN)])
    reference = MIDDLE * TICK
    lowest, above = reference * 95 // 100, reference * 104 // 100
    both = (Side.BUY, Side.SELL)
    pair.apply([order(at, side, OrderType.LIMIT, reference, 1, commands.PLAIN) for at, side in enumerate(both, 1)])
    assert pair.packed.special.bands.told(0) == (reference, lowest, reference * 105 // 100, 0)
    pair.apply([order(at, side, OrderType.LIMIT, lowest, 50, commands.PLAIN) for at, side in enumerate(both, 3)])
    pair.apply([order(at, side, OrderType.LIMIT, lowest, 50, commands.PLAIN) for at, side in enumerate(both, 5)])
    pair.apply([order(7, Side.BUY, OrderType.LIMIT, above, 1, commands.PLAIN)])
    kept = pair.accepted[0].order_id
    pair.time_us += BANDED.limit_interval_us
    pair.apply([order(8, Side.BUY, OrderType.LIMIT, lowest, 1, commands.PLAIN)])
    assert pair.packed.special.bands.told(0)[0] == reference
    pair.apply([cancelled(9, kept)])
    assert pair.packed.special.bands.told(0)[0] < reference
    pair.compare()


@pytest.mark.parametrize("seed", range(MEANS))
def test_a_reference_price_is_renewed_with_the_trade_or_the_time_that_does_it(seed: int) -> None:
    """Plain orders alone trade at the bands, and where the mean is about to be another reference price: each event is the twin's."""
    chance, pair, number, renewed = random.Random(seed), twin.Pair(), 0, 0
    size, middle = chance.choice(((1, 200), (1, 333), (1, MIDDLE * TICK), (TICK, MIDDLE * TICK)))
    share = chance.choice((110, 150, 500))
    banded = replace(BANDED, tick_size_e4=size, min_price_e4=size, limit_band_bp=share, reference_price_e4=middle)
    pair.apply([commands.AddInstrument(banded), commands.OpenDate(DATE), commands.SetPhase("", Phase.OPEN)])
    told, walls, between, prices = (middle, 0, 0, 0), list[int](), list[int](), [middle]

    def placed(*wanted: tuple[Side, int, int]) -> list[int]:
        nonlocal number
        number += len(wanted)
        pair.apply(
            [
                order(number - at, side, OrderType.LIMIT, *rest, commands.PLAIN)
                for at, (side, *rest) in enumerate(wanted)
            ]
        )
        return [one.order_id for one in pair.accepted]

    def ended(orders: list[int]) -> None:
        nonlocal number
        number += len(orders)
        pair.apply([cancelled(number - at, one) for at, one in enumerate(orders)])

    for _ in range(TRADES):
        before, told = told, pair.packed.special.bands.told(0)
        reference, lowest, highest, _ = told
        if told != before and reference:
            renewed += 1
            ended(walls)
            walls = placed((Side.BUY, lowest, TRADES), (Side.SELL, highest, TRADES))
        if reference and chance.random() < 0.08:
            prices = [chance.choice(corners(reference, lowest, highest, size)), *[reference] * chance.randrange(2)]
        if chance.random() < 0.04:
            pair.time_us += chance.choice((1, 9)) * BANDED.limit_interval_us - chance.randrange(3)
        if between and chance.random() < 0.1:
            ended(between)
            between = []
        elif reference and not between and chance.random() < 0.1:
            between = placed((chance.choice(list(Side)), reference, 1))
        if not between or chance.random() < 0.1:
            price = chance.choice(prices)
            sides = (Side.SELL, Side.BUY) if price > reference else (Side.BUY, Side.SELL)
            placed(*((side, price, 1) for side in sides))
        else:
            placed((Side.BUY, lowest, 1))
    pair.compare()
    assert renewed > 1, f"seed {seed}"


@pytest.mark.parametrize("side", Side)
@pytest.mark.parametrize("share", [120, 150, 500])
@pytest.mark.parametrize(("size", "coarse"), [(1, 1), (TICK, 1), (TICK, 7)])
def test_trades_near_a_band_alone_renew_the_reference_price(size: int, coarse: int, share: int, side: Side) -> None:
    """Behind a few at the reference price, in one interval, with nothing else between: the twin says with which trade."""
    ticks = (TickBand(size, size), TickBand(9_002 * size, coarse * size)) if coarse > 1 else ()
    banded = replace(
        BANDED, tick_size_e4=size, min_price_e4=size, max_price_e4=7 * 10**8, limit_band_bp=share, limit_interval_us=LONG_US,
        tick_bands=ticks,
    )  # fmt: skip
    other = Side.SELL if side == Side.BUY else Side.BUY
    for count, inside in product(range(1, SOME + 1), (0, coarse * size)):
        pair, numbers = twin.Pair(), iter(range(1, TRADES))

        def placed(side: Side, price: int, quantity: int, pair: twin.Pair = pair, numbers: Any = numbers) -> None:
            pair.apply([order(next(numbers), side, OrderType.LIMIT, price, quantity, commands.PLAIN)])

        pair.apply([commands.AddInstrument(banded), commands.OpenDate(DATE), commands.SetPhase("", Phase.OPEN)])
        bands = pair.packed.special.bands
        reference, lowest, highest, _ = bands.told(0)
        band = highest - inside if side == Side.BUY else lowest + inside
        placed(other, band, TRADES)
        pair.time_us = 2 * LONG_US
        for _ in range(count):
            placed(side, reference, 1)
            placed(other, reference, 1)
        while bands.told(0)[0] == reference:
            placed(side, band, 1)
        pair.compare()


def corners(reference: int, lowest: int, highest: int, size: int) -> list[int]:
    """The bands, the reference price, and the prices beside those that are another reference price."""
    step = -(-reference // size // 100) * size
    beside = (reference + step, reference - step, reference + step - size, reference - step + size)
    return sorted({lowest, highest, reference, *(price for price in beside if lowest <= price <= highest)})


@pytest.mark.parametrize("seed", range(MEANS))
def test_pegged_orders_move_with_the_best_price_that_calls_them(seed: int) -> None:
    """While the best bid and offer walk between one tick and some past pegged orders with limits and offsets, each event is the twin's."""
    chance, pair, pegged, number, calm, few = random.Random(seed), twin.Pair(), list[int](), 0, 0, seed % 3
    instrument = replace(COLLARED, dynamic_collar_bp=0, volatility_auction_us=0, reference_price_e4=0)
    bands = chance.choice(((), (TickBand(TICK, TICK), TickBand(CLOSE * TICK, 2 * TICK))))
    pair.apply(
        [
            commands.AddInstrument(replace(instrument, tick_bands=bands)),
            commands.OpenDate(DATE),
            commands.SetPhase("", Phase.OPEN),
        ]
    )
    best = {Side.BUY: (0, CLOSE // 2), Side.SELL: (0, 2 * CLOSE)}
    for _ in range(FOLLOWED):
        side = chance.choice(list(Side))
        number += 2
        if len(pegged) > few and chance.random() < 0.1:
            pair.apply([cancelled(number, pegged.pop(chance.randrange(len(pegged))))])
        elif len(pegged) <= few and chance.random() < 0.1:
            offset = (-1 if side == Side.BUY else 1) * chance.choice((0, 1, 2, 3, 4, 6, 9)) * TICK // 2
            terms = Terms(peg=chance.choice(list(Peg)), peg_offset_e4=offset)
            pair.apply(
                [
                    order(
                        number, side, OrderType.PEGGED, 2 * chance.randint(1, CLOSE) * TICK, chance.randint(1, 9), terms
                    )
                ]
            )
            pegged += [one.order_id for one in pair.accepted]
        else:
            before, tick = best[side]
            tick += chance.choice((-4, -2, 2, 4)) if tick > CLOSE else chance.choice((-3, -2, -1, 1, 2, 3))
            if 0 < tick <= 3 * CLOSE and (tick < best[Side.SELL][1] if side == Side.BUY else tick > best[Side.BUY][1]):
                pair.apply([order(number, side, OrderType.LIMIT, tick * TICK, 1_000, commands.PLAIN)])
                if pair.accepted:
                    best[side] = (pair.accepted[0].order_id, tick)
                    pair.apply([cancelled(number + 1, before)])
        low, high, *ask = pair.packed.special.pegs.calm(0)
        calm += low < high or ask[0] < ask[1]
        for bid in ticks(low, high):
            for offer in ticks(*ask):
                assert pair.packed.special.pegs.all_stay(0, bid, offer), f"seed {seed}"
    pair.compare()
    assert calm > FEW, f"seed {seed}"


def ticks(low: int, high: int) -> list[int]:
    """Some of those from one to another: the outermost, and those beside them."""
    return sorted(
        {tick for tick in (low, low + 1, (low + min(high, 4 * CLOSE)) // 2, high - 1, high) if low <= tick <= high}
    )
