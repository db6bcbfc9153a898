"""The packed core beside the oracle on random commands that collide; a failure is shrunk to a short transcript, as the golden ones.

python -m tests.svc_match.twin --seed 1 --commands 300000        (make fuzz SEED=1 COMMANDS=300000)
"""

import argparse
import random
import sys
import time
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import date, datetime, timedelta
from hashlib import blake2b
from itertools import groupby
from operator import attrgetter

from chassis.units import order_id
from svc_match.core import books, commands, engine, events, snapshot
from svc_match.core.instrument import AuctionKind, Instrument, Listing, Phase, TickBand
from svc_match.core.layout import COMMAND_EVENTS_LIMIT, HIDDEN_ORDERS_LIMIT, INDICATION_INTERVAL_US, ORDER_FILLS_LIMIT
from svc_match.core.schedule import TOLERANCE_US
from svc_match.core.terms import TERMS, wrong_terms
from svc_match.core.timers import NEVER, TimerKind
from svc_match.core.work import work_limit
from tests.svc_match.invariants import Invariants
from tests.svc_match.oracle import engine as oracle
from tests.svc_match.wording import Sent, Wanted, transcript

ACCOUNTS = ("ann/1", "ann/2", "bob/1", "cyd/1")
LEASES = ("l1", "l2")
SYMBOLS = ("AAA", "BBB", "CCC", "DDD")
PROTECTED = ("CCC", "DDD")  # a hundred ticks around the middle
BATCH_LIMIT = 512
EVENTS_LIMIT = 700
FEW_FILLS = (1, 2, 5)
FEW_HIDDEN = (0, 1, 3)
ENDED_TOGETHER = (events.DoneReason.DATE_CLOSED, events.DoneReason.EXPIRED, events.DoneReason.DELISTED)
SHORT_ROW = 8  # events of a row, or a command: an uncrossing, and what a command brings about, take several rows
DATE_COMMANDS = 5_000
FIRST_DATE = date(2026, 1, 1)
MIDDLES = dict(
    zip(SYMBOLS, (1_000_000, 1_000_000, 20_000, 20_000), strict=True)
)  # ticks, where prices begin: collars are narrow in two
KEPT = 60
CROWDED = 0.001  # of commands
LIFTED = 0.03  # of commands; what keeps orders out lasts for some 33 of them
START = len(SYMBOLS) + 2  # commands that every seed begins with
SHOWN = 200
SHRINKING_SECONDS = 120.0
PROGRESS_SECONDS = 10.0
LARGE = (1 << 63) - 1


class Unequal(AssertionError):
    """The two cores differ."""


def instrument(symbol: str, chance: random.Random) -> Instrument:
    """One whose ticks, lots and fees differ from the others'; half of them are guarded."""
    tick, lot = chance.choice((1, 5, 100, 500)), chance.choice((1, 1, 10))
    protection = int(symbol in PROTECTED)
    made = Instrument(
        symbol, "EUR", tick, lot, tick, tick * 4_000_000, lot * 100_000, chance.choice((0, 100)), 250, 0, protection
    )
    return made if chance.random() < 0.5 else guarded(made, chance)


def guarded(made: Instrument, chance: random.Random) -> Instrument:
    """With ticks that change where prices are drawn, and a largest notional near what is drawn."""
    tick, bands, middle = made.tick_size_e4, [], MIDDLES[made.symbol]
    for start in sorted(chance.sample(range(middle - 12, middle + 12), chance.choice((0, 1, 1, 3)))):
        size = tick * chance.choice((1, 2, 3, 5))
        at = start * tick // size * size
        if not bands or at > bands[-1].price_from_e4:
            bands.append(TickBand(at, size))
    top = made.max_price_e4 - made.max_price_e4 % (bands[-1].tick_size_e4 if bands else tick)
    most = chance.choice((0, middle * tick * made.lot_size * 20))
    reference, collar = chance.choice(((0, 0), (middle * tick + 1, 0), (middle * tick + 1, 4), (0, 4)))
    dynamic, auction_us = chance.choice(((0, 0), (0, 0), (1, 7), (3, 40)))
    band, times = chance.choice(((1, (1, 3, 5)), (3, (2, 1, 40)), (150, (1, 20, 7)), (500, (20, 5, 200))))
    if dynamic or chance.random() < 0.3:
        band, times = 0, (0, 0, 0)
    return replace(
        made,
        dynamic_collar_bp=dynamic,
        volatility_auction_us=auction_us,
        limit_band_bp=band,
        limit_interval_us=times[0],
        limit_state_us=times[1],
        limit_pause_us=times[2],
        tick_bands=tuple(bands),
        max_price_e4=top,
        max_notional_e4=most,
        reference_price_e4=reference,
        static_collar_bp=collar,
    )


class Drawing:
    """Commands of a seed, drawn with few prices, accounts and orders, so that they meet."""

    def __init__(self, seed: int) -> None:
        self.chance = random.Random(seed)
        self.instruments = {symbol: instrument(symbol, self.chance) for symbol in SYMBOLS}
        self.middle = dict(MIDDLES)
        self.leased = (0.0, 0.02, 0.1, 0.3)[seed % 4]
        self.sweeping = (0.01, 0.002, 0.05, 0.2)[seed % 4]  # of cancels, how many are of many orders
        self.rare = (0.1, 0.3, 0.6, 0.9)[seed % 4]
        self.controls = (0.005, 0.02)[seed % 2]
        self.auctions = (0.05, 0.15)[seed % 2]
        self.quoting = (0.02, 0.06, 0.005, 0.15)[seed % 4]
        self.quoted: dict[str, commands.MassQuote] = {}  # the last of each account
        self.number = 0
        self.date = self.day(0)
        self.days = 0
        self.recent: list[commands.Order] = []
        self.sequence = 0  # of the core, told by who runs the commands, with the time
        self.time_us = 1
        self.open_date = 0
        self.rests = False  # nothing trades
        self.trades: deque[events.Traded] = deque(maxlen=KEPT)  # what traded last
        self.accepted: deque[events.Accepted] = deque(maxlen=KEPT)  # and what was accepted
        self.traded = SYMBOLS
        self.lifts: deque[commands.Control] = deque()  # what undoes what keeps orders out

    def see(self, pair: "Pair") -> None:
        """What became of the commands, and of the calendar."""
        core = pair.packed
        self.sequence, self.time_us, self.open_date = core.sequence, pair.time_us, core.trading_date
        self.rests = sum(book.phase in (Phase.OPEN, Phase.AUCTION) for book in core.numbered) < 2
        self.trades.extend(pair.trades)
        self.accepted.extend(pair.accepted)
        self.instruments |= {book.instrument.symbol: book.instrument for book in core.numbered}
        self.traded = tuple(book.instrument.symbol for book in core.numbered if book.listing != Listing.DELISTED)
        if core.last_date:
            self.date = core.last_date
            self.days = (datetime.strptime(str(core.last_date), "%Y%m%d").date() - FIRST_DATE).days  # noqa: DTZ007

    def day(self, number: int) -> int:
        """A date as yyyymmdd."""
        return int(f"{FIRST_DATE + timedelta(days=number):%Y%m%d}")

    def draw(self, count: int) -> Iterator[commands.Command]:
        """A start, then `count` commands with dates that close and open."""
        for one in self.instruments.values():
            yield commands.AddInstrument(one)
        yield commands.OpenDate(self.date)
        yield commands.SetPhase("", Phase.OPEN)
        for number in range(count):
            if self.chance.random() < self.controls:
                made = self.control()
                self.lifts.extend(lifting(made))
                yield made
            else:
                yield self.order()
            if self.chance.random() < CROWDED:
                yield from self.crowd()
            if self.lifts and self.chance.random() < LIFTED:
                yield self.lifts.popleft()
            if self.rests and self.chance.random() < 0.02:
                yield from self.waking()
            if number % DATE_COMMANDS == DATE_COMMANDS - 1:
                if self.chance.random() < 0.4:
                    yield from self.going()
                for _ in range(self.chance.choice((1, 2, 6))):
                    yield commands.CloseDate(self.date)
                yield from self.closed()
                self.days += self.chance.choice((1, 1, 2, 4))  # some days are no trading dates
                self.date = self.day(self.days)
                for _ in range(self.chance.choice((1, 3))):
                    yield commands.OpenDate(self.date)
                yield commands.SetPhase("", Phase.OPEN)

    def control(self) -> commands.Command:
        chance = self.chance
        roll = chance.random()
        if roll < 0.07:
            return commands.Tick()
        if roll < 0.37:
            return self.against(chance.choice(("ann", "bob", "dan")))
        if roll < 0.4 and self.trades:
            return commands.BustTrade(chance.choice(self.trades), "drawn")
        if roll < 0.43:
            return commands.OpenDate(chance.choice((0, self.date, self.date + 1, 20261399)))
        if roll < 0.47:
            return commands.AddInstrument(chance.choice(list(self.instruments.values())))
        if roll < 0.5:
            return self.change()
        if roll < 0.6:
            listing = chance.choice((*[Listing.LISTED] * 5, Listing.SUSPENDED))
            return commands.SetListing(chance.choice((*SYMBOLS, "ZZZ")), listing)
        if roll < 0.66:
            return self.calendar()
        symbol = chance.choice((*SYMBOLS, *SYMBOLS, "", "ZZZ"))
        phase = chance.choice(
            (Phase.OPEN, Phase.OPEN, Phase.OPEN, Phase.OPEN, Phase.AUCTION, Phase.AUCTION, Phase.HALTED, Phase.CLOSED)
        )
        return commands.SetPhase(symbol, phase, chance.choice(list(AuctionKind)) if phase == Phase.AUCTION else 0)

    def change(self) -> commands.ChangeInstrument:
        """Other rules for an instrument, which are drawn by from then on, taken or not."""
        chance, symbol = self.chance, self.chance.choice(SYMBOLS)
        now = self.instruments[symbol]
        made = chance.choice((
            guarded(replace(now, tick_bands=(), max_price_e4=now.tick_size_e4 * 4_000_000), chance),
            replace(now, maker_fee_e6=chance.choice((0, 100)), max_quantity=now.lot_size * chance.choice((100_000, 40))),
            replace(now, lot_size=10, max_quantity=1_000_000),
            replace(now, currency="USD"),
        ))  # fmt: skip
        self.instruments[symbol] = made if made.currency == now.currency else now
        return commands.ChangeInstrument(made)

    def closed(self) -> Iterator[commands.Command]:
        """What happens between two dates: instruments change their ticks, too."""
        chance = self.chance
        for symbol in chance.sample(SYMBOLS, 2):
            made = instrument(symbol, chance)
            if made.tick_size_e4 == self.instruments[symbol].tick_size_e4 or chance.random() < 0.5:
                self.instruments[symbol] = made
                yield commands.ChangeInstrument(made)

    def going(self) -> Iterator[commands.Command]:
        """The end of an instrument whose orders are open, in as many parts as there may be."""
        yield commands.SetListing("DDD", Listing.DELISTED)
        yield commands.SetPhase("DDD", Phase.CLOSED)
        yield commands.SetListing("DDD", Listing.DELISTED)
        yield self.order()
        yield commands.SetListing("DDD", Listing.DELISTED)

    def against(self, participant: str) -> commands.Control:
        """What the operator does to a participant, mostly for a short time."""
        chance = self.chance
        roll = chance.random()
        if roll < 0.4:
            return commands.EndOrders(participant, chance.choice((*SYMBOLS, "", "ZZZ")), chance.choice((0, 1, 2)))
        if roll < 0.43:
            return commands.KillParticipant(participant)
        if roll < 0.8:
            return commands.ReleaseParticipant(participant)
        return commands.SetOrderRate(
            participant, *chance.choice((*[(0, 0)] * 5, (300_000, 400), (1_000_000, 30), (1, 1)))
        )

    def calendar(self) -> commands.SetCalendar:
        """Steps from now on of the open date and days after it; the last of these may be far away, and some are nonsense."""
        chance, at, steps = self.chance, self.time_us, []
        opening, closing = AuctionKind.OPENING, AuctionKind.CLOSING
        phases = (
            (Phase.OPEN, 0),
            (Phase.OPEN, 0),
            (Phase.AUCTION, opening),
            (Phase.AUCTION, closing),
            (Phase.CLOSED, 0),
        )
        for days in range(self.days, self.days + chance.choice((1, 2, 2, 3))):
            drawn = [chance.choice(phases) for _ in range(chance.randrange(6))]
            sets = [(commands.StepKind.SET_PHASE, *one) for one in drawn]
            if sets and sets[-1][1] == Phase.AUCTION and chance.random() < 0.95:
                sets.append((commands.StepKind.SET_PHASE, Phase.CLOSED, 0))
            for kind, phase, auction in (
                (commands.StepKind.OPEN_DATE, 0, 0),
                *sets,
                (commands.StepKind.CLOSE_DATE, 0, 0),
            ):
                at += chance.choice((1_000_000, 1_000_000, 3_000_000, 9_000_000, 20_000_000))
                random_us = chance.choice((0, 0, 1, 3_000_000)) if kind == commands.StepKind.SET_PHASE else 0
                steps.append(commands.Step(at, kind, self.day(days), phase, auction, random_us))
                at += random_us
        if chance.random() < 0.3:
            last = steps[-1]
            steps[-1] = last._replace(time_us=last.time_us + (1 << 40))
        if chance.random() < 0.2:
            wrong = chance.choice((
                {"kind": 4}, {"time_us": 0}, {"phase": 9}, {"trading_date": 20260231}, {"random_end_us": -1},
                {"kind": 2, "phase": Phase.HALTED}, {"kind": 2, "phase": Phase.AUCTION, "auction": AuctionKind.VOLATILITY},
            ))  # fmt: skip
            number = chance.randrange(len(steps))
            steps[number] = steps[number]._replace(**wrong)
        return commands.SetCalendar(tuple(steps[chance.random() < 0.05 :]), chance.choice((0, 7, 7, 7, -1)))

    def waking(self) -> Iterator[commands.Command]:
        """A date is open again, and all trades that was closed, or halted."""
        if not self.open_date:
            self.days += 1
            self.date = self.day(self.days)
            yield commands.OpenDate(self.date)
        self.rests = False
        yield commands.SetPhase("", Phase.OPEN)
        if self.chance.random() < 0.5:
            yield self.calendar()

    def order(self) -> commands.Order:
        chance = self.chance
        if chance.random() < 0.004 + self.leased / 20:
            return commands.RenewLease(
                chance.choice(ACCOUNTS), "r", chance.choice(LEASES), chance.choice((1, 5, 40, 300))
            )
        if self.recent and chance.random() < 0.02:
            again = chance.choice(self.recent)
            return again if chance.random() < 0.7 else again._replace(digest=bytes(16))
        roll = chance.random()
        made: commands.Order
        if chance.random() < self.quoting:
            made = self.mass_quote()
        elif roll < 0.62:
            made = self.place()
        elif roll < 0.82:
            made = self.cancel() if chance.random() > self.sweeping else self.mass_cancel()
        else:
            made = self.replace()
        self.recent.append(made)
        del self.recent[:-KEPT]
        return made

    def identity(self) -> tuple[str, str, int, int, bytes, int]:
        self.number += 1
        account, own_id = self.chance.choice(ACCOUNTS), f"o{self.number}"
        date = self.date - (self.chance.random() < 0.005)
        deadline = 1 if self.chance.random() < 0.005 else 0
        return account, own_id, date, key(account, own_id), blake2b(own_id.encode(), digest_size=16).digest(), deadline

    def price(self, symbol: str) -> int:
        chance, there = self.chance, self.instruments[symbol]
        tick = there.tick_size_e4
        if chance.random() < 0.02:
            self.middle[symbol] += chance.randrange(-300, 301)
        elif there.static_collar_bp and there.reference_price_e4 and chance.random() < 0.05:
            self.middle[symbol] = there.reference_price_e4 // tick
        away = chance.randrange(-8, 9)
        if chance.random() < 0.03:
            away = chance.choice((-900_000, -40_000, -2_000, -300, 300, 2_000, 40_000, 900_000)) + chance.randrange(9)
        price = (self.middle[symbol] + away) * tick
        if chance.random() < 0.9:
            price -= price % there.tick_at(price)
        return chance.choice((0, -tick, price + 1, price * 100, LARGE)) if chance.random() < 0.01 else price

    def quantity(self, symbol: str) -> int:
        chance, lot = self.chance, self.instruments[symbol].lot_size
        if chance.random() < 0.01:
            return chance.choice((0, -1, 7, lot * 100_001, LARGE))
        return lot * chance.choice((1, 2, 3, 5, 10, 50))

    def place(self) -> commands.Place:
        chance = self.chance
        symbol = chance.choice(self.traded if chance.random() < 0.98 else SYMBOLS)
        side = chance.choice((commands.Side.BUY, commands.Side.SELL))
        price, quantity, amount = self.price(symbol), self.quantity(symbol), 0
        kind, time_in_force = 1, chance.choice((1, 1, 1, 1, 2, 3, 7, 8))
        if chance.random() < 0.2:
            kind, time_in_force = chance.choice(
                (
                    *((2, 0), (2, 2), (2, 3), (3, 1), (3, 2), (4, 1), (4, 1), (5, 1), (5, 1)),
                    *(*[(6, 1)] * 4, *[(7, 1)] * 6),
                    *((3, 7), (4, 7), (5, 8), (4, 8)),
                )
            )
            if side == commands.Side.SELL and kind < commands.OrderType.STOP_LIMIT:
                price = 0 if chance.random() < 0.98 else price
            elif kind == commands.OrderType.MARKET and chance.random() < 0.6:
                amount = min(LARGE, chance.choice((1, max(price, 1) * max(quantity, 1), max(price, 1) * 3 + 7)))
                price = 0
        if kind in (1, 2) and chance.random() < self.auctions:
            time_in_force = chance.choice((4, 4, 5, 6))
        if kind == commands.OrderType.PEGGED and price < LARGE // 2 and chance.random() < 0.7:
            price += (30 if side == commands.Side.BUY else -30) * self.instruments[symbol].tick_size_e4
        if chance.random() < 0.01:
            amount = chance.choice((amount, -1, 5))
        terms = self.terms(symbol, kind, time_in_force, quantity)
        if kind == commands.OrderType.ONE_CANCELS_OTHER:
            terms = self.pair(symbol, side, price, terms)
        bound = terms.stop_limit_price_e4 or price
        held_price = bound if chance.random() < 0.97 else min(LARGE, bound + chance.choice((-1, 1, 500)))
        held = LARGE if chance.random() < 0.97 else chance.choice((0, quantity, abs(price * quantity) % LARGE))
        hold_id = 0 if chance.random() < 0.005 else 1 + self.number
        return commands.Place(
            *self.identity(), hold_id, held, max(held_price, 0) if side == commands.Side.BUY else 0,
            chance.choice((250, 250, 100, 0)), symbol if chance.random() < 0.995 else "ZZZ", side, kind, time_in_force,
            price, quantity, amount, terms,
            chance.choice(LEASES) if chance.random() < self.leased else "",
        )  # fmt: skip

    def mass_quote(self) -> commands.MassQuote:
        """Quotes in some instruments, many of them as they were quoted before, with less or as much."""
        chance, identity = self.chance, self.identity()
        before = self.quoted.get(identity[0])
        known = {(one.symbol, one.side): one for one in before.sides} if before else {}
        sides: list[commands.QuoteSide] = []
        for entry, symbol in enumerate(
            chance.sample((*SYMBOLS, "ZZZ")[: 4 + (chance.random() < 0.01)], chance.choice((1, 2, 3, 4)))
        ):
            sides += self.quote(entry, symbol, identity[1], known)
        limits = chance.choice(((0, 0), (1, 0), (1, 0), (2, 0), (3, 0), (0, 1), (0, 30), (3, 60)))
        made = commands.MassQuote(
            *identity, tuple(sides), chance.choice((0, 0, 1, 2, 3, 4, 5)),
            commands.Protection(*limits, chance.choice((1, 3, 30, 1_000)) if any(limits) else 0), chance.random() < 0.5,
            chance.choice(LEASES) if chance.random() < self.leased else "",
        )  # fmt: skip
        if before and chance.random() < 0.5:
            made = made._replace(prevention=before.prevention, lease=before.lease)
        self.quoted[identity[0]] = made
        return made

    def crowd(self) -> Iterator[commands.Order]:
        """Makers whose quotes a trade of each pulls, and an order that meets all of them."""
        chance, symbol = self.chance, self.chance.choice(self.traded)
        there = self.instruments[symbol]
        price = self.middle[symbol] * there.tick_size_e4
        price -= price % there.tick_at(price)
        for account in chance.sample(ACCOUNTS, 3):
            _, own_id, *rest = self.identity()
            rest[1] = key(account, own_id)
            held = (1 + self.number, LARGE, price, 250)
            bid = commands.QuoteSide(0, symbol, 1, price, there.lot_size, f"{own_id}/0b", *held)
            ask = commands.QuoteSide(0, symbol, 2, 0, 0, f"{own_id}/0a", 0, 0, 0, 0)
            once = commands.Protection(1, 0, 1_000)
            yield commands.MassQuote(account, own_id, *rest, (bid, ask), 0, once, reset=True, lease="")  # type: ignore[arg-type]
        yield commands.Place(
            *self.identity(), 1 + self.number, LARGE, 0, 250, symbol, commands.Side.SELL, commands.OrderType.LIMIT,
            commands.TimeInForce.IOC, price, there.lot_size * 100, 0,
        )  # fmt: skip

    def quote(
        self, entry: int, symbol: str, own_id: str, known: dict[tuple[str, int], commands.QuoteSide]
    ) -> list[commands.QuoteSide]:
        """A bid, and an offer above it."""
        chance, there = self.chance, symbol if symbol in self.instruments else "AAA"
        tick, made = self.instruments[there].tick_size_e4, []
        bid = min(self.price(there), LARGE >> 1)
        prices = bid, bid + tick * chance.choice((1, 2, 3, 10)) * 5
        again = (symbol, 1) in known and chance.random() < 0.6
        for side, price in zip((1, 2), prices, strict=True):
            quantity = self.quantity(there) if chance.random() < 0.85 else 0
            if again:
                one = known[symbol, side]
                price = one.price_e4
                quantity = one.quantity - self.instruments[there].lot_size * chance.choice((0, 0, 1)) if quantity else 0
            held = LARGE if chance.random() < 0.99 else max(0, quantity - 1)
            made.append(
                commands.QuoteSide(
                    entry, symbol, side, price, max(quantity, 0), f"{own_id}/{entry}{' ba'[side]}",
                    1 + self.number if chance.random() < 0.998 else 0, held, max(price, 0) if side == 1 else 0,
                    chance.choice((250, 250, 100, 0)),
                )
            )  # fmt: skip
        return made

    def terms(self, symbol: str, kind: int, time_in_force: int, quantity: int) -> commands.Terms:
        """What the order asks for beyond; most do not, unless the seed has many of them."""
        chance, lot = self.chance, self.instruments[symbol].lot_size
        pegs = kind == commands.OrderType.PEGGED
        stops = kind >= commands.OrderType.STOP and not pegs
        until = self.until() if time_in_force == commands.TimeInForce.GTD else (0, 0)
        if not stops and not pegs and chance.random() > self.rare:
            return (
                commands.PLAIN._replace(expire_date=until[0], expire_time_us=until[1]) if any(until) else commands.PLAIN
            )
        drawn = commands.Terms(
            max(self.price(symbol), 1) if stops else 0,
            chance.choice((0, 1, 2)) if stops else 0,
            0 if chance.random() < 0.6 else lot * chance.choice((1, 2, 3, 10)),
            chance.choice((0, 0, 1)),
            chance.choice((0, 0, 0, 0, 1, 2)),
            0 if chance.random() < 0.8 else min(quantity, lot * chance.choice((1, 2, 5, 10))),
            chance.choice((0, 0, 1, 2, 3, 4, 5)),
            *self.trailing(symbol, stops=stops),
            0,
            *self.peg(symbol, pegs=pegs),
            *until,
        )
        if chance.random() < 0.02:
            drawn = drawn._replace(display_quantity=1, minimum_quantity=drawn.minimum_quantity and 3)
        while (
            wrong := wrong_terms(kind, time_in_force, quantity, drawn, self.date)
        ) is not None and wrong.field in TERMS:
            drawn = drawn._replace(**{wrong.field: int(wrong.field in ("stop_price_e4", "peg"))})
        return commands.PLAIN if drawn == commands.PLAIN else drawn

    def peg(self, symbol: str, *, pegs: bool) -> tuple[int, int]:
        """What an order is pegged to, with an offset that may be off its ticks, or far away."""
        if not pegs:
            return 0, 0
        chance, tick = self.chance, self.instruments[symbol].tick_size_e4
        return chance.choice((1, 2, 3)), tick * chance.choice((0, 0, -1, 1, -3, 5, 2_000_000)) + chance.choice(
            (0, 0, 1)
        )

    def pair(self, symbol: str, side: int, price: int, terms: commands.Terms) -> commands.Terms:
        """A stop price beyond the limit, and a limit there or beyond; now and then it is not."""
        chance, away = self.chance, self.instruments[symbol].tick_size_e4 * (1 if side == commands.Side.BUY else -1)
        stop = max(price + away * (chance.choice((1, 2, 5, 10)) if chance.random() < 0.97 else 0), 1)
        second = stop + away * (chance.choice((0, 1, 5)) if chance.random() < 0.97 else -1)
        if side == commands.Side.SELL and chance.random() < 0.5:
            second = 0
        return terms._replace(stop_price_e4=min(stop, LARGE), stop_limit_price_e4=min(max(second, 0), LARGE))

    def trailing(self, symbol: str, *, stops: bool) -> tuple[int, int]:
        """How far a stop trails: by an amount, off the ticks too, or by basis points of a million ticks."""
        chance, tick = self.chance, self.instruments[symbol].tick_size_e4
        if not stops or chance.random() < 0.5:
            return 0, 0
        return chance.choice(((tick * 2, 0), (tick * 7 + 1, 0), (tick * 300, 0), (0, 1), (0, 10_000), (10**13, 0)))

    def until(self) -> tuple[int, int]:
        """The last date of a GTD order, or the time, which may be over, at which it ends."""
        chance = self.chance
        if chance.random() < 0.3:
            return self.day(self.days + chance.choice((0, 1, 1, 3))), 0
        return 0, max(1, self.time_us + chance.choice((-1, 0, 1, 2, 3, 5, 10, 40, 200, 2_000)))

    def target(self) -> tuple[str, tuple[int, str, int, str]]:
        """The account of a recent order, and how it is named."""
        chance = self.chance
        if not self.recent or chance.random() < 0.02:
            unknown = chance.choice((-LARGE, 1 << 48, self.sequence + 5, LARGE, 1))
            return chance.choice(ACCOUNTS), (unknown, "", 0, "")
        if chance.random() < 0.1:
            return chance.choice(ACCOUNTS), (order_id(0, max(1, self.sequence - chance.randrange(200))), "", 0, "")
        if self.accepted and chance.random() < 0.6:
            known = chance.choice(self.accepted)
            return known.account, (known.order_id, "", 0, "")
        there = chance.choice(self.recent)
        account = there.account if chance.random() < 0.97 else chance.choice(ACCOUNTS)
        named = chance.random() < 0.5 and not isinstance(there, commands.MassQuote)
        symbol = there.symbol if named else chance.choice(("", "", "", "AAA", "ZZZ"))
        return account, (0, there.client_order_id, key(account, there.client_order_id), symbol)

    def cancel(self) -> commands.Cancel:
        account, named = self.target()
        _, own_id, *rest = self.identity()
        rest[1] = key(account, own_id)
        return commands.Cancel(account, own_id, *rest, 0, *named)  # type: ignore[arg-type]

    def mass_cancel(self) -> commands.MassCancel:
        chance = self.chance
        symbol = chance.choice((*SYMBOLS, "", "", "ZZZ"))
        return commands.MassCancel(*self.identity(), 0, chance.random() < 0.3, symbol, chance.choice((0, 1, 2)))

    def replace(self) -> commands.Replace:
        account, named = self.target()
        _, own_id, *rest = self.identity()
        rest[1] = key(account, own_id)
        symbol = self.chance.choice(SYMBOLS)
        hold_id, extra = self.chance.choice(((0, 0), (0, LARGE), (3, LARGE), (4, 1_000_000), (5, 0)))
        fee = self.chance.choice((250, 0, 100))
        return commands.Replace(  # type: ignore[misc]
            account,
            own_id,
            *rest,
            hold_id,
            *named,
            extra,
            fee,
            0 if self.chance.random() < 0.1 else self.price(symbol),
            self.quantity(symbol),  # type: ignore[arg-type]
        )


def key(account: str, own_id: str) -> int:
    return int.from_bytes(blake2b(f"{account} {own_id}".encode(), digest_size=16).digest())


def of_the_date(core: engine.Engine) -> bytes:
    """The identities that the open date's rows have."""
    return core.identities.records[len(core.carried) :]


def lifting(made: commands.Command) -> Iterator[commands.Control]:
    """What undoes a command that keeps orders out."""
    if isinstance(made, commands.KillParticipant):
        yield commands.ReleaseParticipant(made.participant)
    if isinstance(made, commands.SetOrderRate) and made.per_second:
        yield made._replace(per_second=0, burst=0)
    if isinstance(made, commands.SetListing) and made.listing != Listing.LISTED:
        yield made._replace(listing=Listing.LISTED)
    if isinstance(made, commands.SetPhase) and made.phase != Phase.OPEN:
        yield commands.SetPhase(made.symbol, Phase.OPEN, 0)


class Pair:
    """Both cores, which are told the same."""

    def __init__(self) -> None:
        self.plain, self.packed = oracle.Engine(0), engine.Engine(0)
        self.invariants = Invariants()
        self.time_us = 0
        self.trades: list[events.Traded] = []  # of the last batch
        self.accepted: list[events.Accepted] = []
        self.events_limit = EVENTS_LIMIT
        self.command_limit = EVENTS_LIMIT
        self.fills_limit = ORDER_FILLS_LIMIT
        self.hidden_limit = HIDDEN_ORDERS_LIMIT
        self.makers_waited = False  # whether a command's limit left quotes of makers whose limit is reached

    def apply(self, batch: list[commands.Command]) -> None:
        """All of a batch, in as many rows as it takes; everything that both say is equal."""
        self.trades, self.accepted = [], []
        restored = False
        self.limit()
        while batch or self.plain.ending:
            self.time_us += 1
            wanted = self.plain.apply(batch, self.time_us, self.events_limit)
            found = self.packed.apply(batch, self.time_us, self.events_limit)
            self.invariants.follow(found, self.fills_limit)
            self.check_work(found)
            if tuple(found) != tuple(wanted) or list(found.public.items()) != list(wanted.public.items()):
                raise Unequal(difference(wanted, found))
            self.trades += [event for event in found.events if type(event) is events.Traded]
            self.accepted += [event for event in found.events if type(event) is events.Accepted]
            batch = batch[len(found.results) :]
            enters = any(kind in (TimerKind.ENTERING, TimerKind.OPENING) for kind, _ in self.plain.timers)
            if self.plain.makers_wait or self.plain.cascades or enters:
                self.makers_waited |= self.plain.makers_wait
                if not restored:  # once a batch: it takes longer than many rows
                    self.restore()
                    self.limit()
                restored = True

    def limit(self) -> None:
        """How much a command may write, an order trade, how many orders enter closing auctions at once, how many prices auctions
        look at, and how many hidden ones a book takes.
        """
        for limited in (self.plain, self.packed.packed):
            limited.command_limit, limited.fills_limit = self.command_limit, self.fills_limit
        self.plain.enter_limit = self.packed.enter_limit = self.fills_limit
        for core in (self.plain, self.packed):
            core.phase_books_limit = 2 * self.fills_limit
            core.open_orders_limit, core.open_accounts_limit = 4 * self.fills_limit, self.fills_limit
        self.plain.looks_limit = self.packed.closing.looks_limit = 16 * self.fills_limit
        self.plain.prices_limit = self.packed.packed.prices_limit = self.fills_limit
        self.plain.hidden_limit = self.packed.special.hidden_limit = self.hidden_limit

    def check_work(self, found: engine.Applied) -> None:
        """A row ends behind its limit by no more than what is done at once."""
        ended = sum(type(event) is events.Done and event.reason in ENDED_TOGETHER for event in found.events)
        sides = 2 * len(SYMBOLS)
        most = self.events_limit + work_limit(self.command_limit, self.fills_limit, sides, sides, len(SYMBOLS), ended)
        if len(found.events) >= most:
            raise Unequal(f"a row of {self.events_limit} has {len(found.events)} events")

    def pass_time(self, chance: random.Random) -> None:
        """Some seconds, or until auctions are told of, or until about when the calendar's next step is due or late."""
        next_us = self.packed.schedule.next_us
        if next_us == NEVER or chance.random() < 0.1:
            self.time_us += chance.choice((1_000_000, 4_000_000, 12_000_000, *[INDICATION_INTERVAL_US] * 3))
        else:
            behind_us = chance.choice((-2, -1, 0, 0, 0, 3_000_000, TOLERANCE_US - 1, TOLERANCE_US))
            behind_us = behind_us if chance.random() < 0.9 else 2 * TOLERANCE_US
            self.time_us = max(self.time_us, next_us + behind_us)

    def compare(self) -> None:
        """What stands is equal, in its order, and what the events tell; no book that is open is crossed."""
        if not any(kind == TimerKind.ENTERING for kind, _ in self.plain.timers):  # no event tells how far that is
            self.invariants.compare(self.packed.numbered)
        for one, other in zip(self.plain.numbered, self.packed.numbered, strict=True):
            best = []
            for side in (commands.Side.BUY, commands.Side.SELL):
                place = one.sides[side]
                stands = [(order.price_e4, order.order_id, order.open, order.account) for order in place.orders()]
                if other.standing(side) != stands or other.depth(side, 1 << 40) != place.depth(1 << 40):
                    raise Unequal(f"side {side.name} of {one.instrument.symbol} stands otherwise")
                best.append(stands[0][0] if stands else None)
            if one.phase == Phase.OPEN and None not in best and best[0] >= best[1]:
                raise Unequal(f"{one.instrument.symbol} is crossed")
            waits = [
                (order.order_id, order.open, order.account)
                for order in (
                    *sorted(one.stops, key=lambda stop: stop.stop_rank()),
                    *(peg for peg in one.pegs if not peg.price_e4),
                )
            ]
            if other.waiting() != waits:
                raise Unequal(f"other stops of {one.instrument.symbol} wait")
            unpriced = [
                (order.order_id, order.open, order.account)
                for order in sorted(one.front + one.closing, key=lambda order: order.order_id)
            ]
            if other.unpriced() != unpriced or other.indication != one.shown:
                raise Unequal(f"the auction of {one.instrument.symbol} is otherwise")
            told = TimerKind.INDICATION, one.number
            if self.plain.timers.get(told, NEVER) != self.packed.timers.at(*told):
                raise Unequal(f"the auction of {one.instrument.symbol} is told of at another time")
            if (other.phase, other.listing, other.symbol_sequence) != (one.phase, one.listing, one.symbol_sequence):
                raise Unequal(f"{one.instrument.symbol} is in another phase, or counts otherwise")
            limits = (*one.limits, one.limit_side) if one.limits else (0, 0, 0, 0)
            if other.bands != limits:
                raise Unequal(f"{one.instrument.symbol} has other price bands")
            if (
                one.limits
                and one.phase == Phase.OPEN
                and not ((best[0] or 0) <= one.limits.upper_e4 and one.limits.lower_e4 <= (best[1] or LARGE))
            ):
                raise Unequal(f"an order of {one.instrument.symbol} stands beyond its price bands")
            if other.instrument != one.instrument:
                raise Unequal(f"{one.instrument.symbol} has other rules")

    def restore(self) -> None:
        """The packed core goes on from its own snapshot, which has the same hash."""
        state, records = snapshot.encode(self.packed), of_the_date(self.packed)
        before = snapshot.state_hash(self.packed)
        self.packed = snapshot.load(state, records)
        if snapshot.state_hash(self.packed) != before or snapshot.encode(self.packed) != state:
            raise Unequal("a restored state has another hash")


def difference(wanted: oracle.Applied, found: engine.Applied) -> str:
    parts = sorted(
        zip(wanted._fields, wanted, found, strict=True), key=lambda part: part[0] not in ("events", "results")
    )
    for name, one, other in parts:
        if one != other:
            if isinstance(one, list) and isinstance(other, list):
                pairs = [(a, b) for a, b in zip(one, other, strict=False) if a != b]
                return (
                    f"{name}: wanted {pairs[0][0]}, found {pairs[0][1]}"
                    if pairs
                    else f"{name}: {len(one)}, {len(other)}"
                )
            return f"{name}: wanted {one!r:.2000}, found {other!r:.2000}"
    return "the symbols come in another order"


def run(seed: int, count: int, tell: Callable[[int], None] = lambda _: None) -> tuple[Pair, list[Sent]]:
    """Commands of a seed in batches of any size, told how many are done; raises with what is needed to see a failure again."""
    drawing, pair, batch, sent = Drawing(seed), Pair(), [], []  # type: ignore[var-annotated]
    size, number, restored = 1, 0, False
    try:
        for command in drawing.draw(count):
            batch.append(command)
            limits = pair.events_limit, pair.command_limit, pair.fills_limit, pair.hidden_limit
            sent.append(Sent(number, pair.time_us, *limits, restored, command))
            if len(batch) >= size:
                pair.apply(batch)
                batch, number, restored = [], number + 1, False
                drawing.see(pair)
                tell(len(sent))
                size = drawing.chance.choice((1, 2, 7, 64, BATCH_LIMIT))
                pair.events_limit = drawing.chance.choice((EVENTS_LIMIT, EVENTS_LIMIT, EVENTS_LIMIT, SHORT_ROW))
                pair.command_limit = drawing.chance.choice((EVENTS_LIMIT, EVENTS_LIMIT, EVENTS_LIMIT, SHORT_ROW))
                pair.fills_limit = drawing.chance.choice((*[ORDER_FILLS_LIMIT] * 5, *FEW_FILLS))
                pair.hidden_limit = drawing.chance.choice((HIDDEN_ORDERS_LIMIT, HIDDEN_ORDERS_LIMIT, *FEW_HIDDEN))
                if drawing.chance.random() < 0.25:
                    pair.pass_time(drawing.chance)
                if drawing.chance.random() < 0.05:
                    pair.compare()
                if drawing.chance.random() < 0.02:
                    pair.restore()
                    restored = True
        pair.apply(batch)
        pair.compare()
    except Exception as failure:
        what = f"# seed {seed}: {type(failure).__name__}: {failure}".replace("\n", " ")
        told = transcript(shrink(sent, type(failure)), Wanted())
        raise Unequal("\n".join((what, *told))) from failure
    return pair, sent


def failure_of(some: list[Sent]) -> type[Exception] | None:
    """What goes wrong when these are sent in their batches, at their times or later."""
    pair = Pair()
    try:
        for _, sent in groupby(some, key=attrgetter("batch")):
            batch = list(sent)
            pair.time_us, pair.events_limit = max(pair.time_us, batch[0].time_us), batch[0].events_limit
            pair.command_limit, pair.fills_limit = batch[0].command_limit, batch[0].fills_limit
            pair.hidden_limit = batch[0].hidden_limit
            if batch[0].restored:
                pair.restore()
            pair.apply([one.command for one in batch])
            pair.compare()
    except Exception as failure:  # noqa: BLE001 - whatever is wrong is what is looked for
        return type(failure)
    return None


def shrink(some: list[Sent], failure: type[Exception], seconds: float = SHRINKING_SECONDS) -> list[Sent]:
    """The start, and of the rest as few as can be that fail in the same way, the last ones first; each by itself, if they do so then."""
    until = time.monotonic() + seconds
    start, some = some[:START], some[START:]
    for last in (50, 500, 5_000):
        if failure_of(start + some[-last:]) is failure:
            some = some[-last:]
            break
    alone = [
        Sent(
            number,
            one.time_us,
            engine.ROW_EVENTS_LIMIT,
            COMMAND_EVENTS_LIMIT,
            ORDER_FILLS_LIMIT,
            HIDDEN_ORDERS_LIMIT,
            restored=False,
            command=one.command,
        )
        for number, one in enumerate(start + some)
    ]
    if failure_of(alone) is failure:
        start, some = alone[:START], alone[START:]
    width = len(some) // 2
    while width and time.monotonic() < until:
        at = 0
        while at < len(some) and time.monotonic() < until:
            fewer = some[:at] + some[at + width :]
            if failure_of(start + fewer) is failure:
                some = fewer
            else:
                at += width
        width //= 2
    return start + some[-SHOWN:]


def main() -> None:
    reader = argparse.ArgumentParser()
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument("--commands", type=int, default=300_000)
    told = reader.parse_args()
    began = last = time.monotonic()

    def tell(done: int) -> None:
        nonlocal last
        if time.monotonic() > last + PROGRESS_SECONDS:
            last = time.monotonic()
            sys.stderr.write(f"seed {told.seed}: {done} of {told.commands} commands, {last - began:.0f} s\n")

    try:
        pair, _ = run(told.seed, told.commands, tell)
    except Unequal as failure:
        sys.stdout.write(f"{failure}\n")
        sys.exit(1)
    sys.stdout.write(
        f"seed {told.seed}: {told.commands} commands, {pair.packed.sequence} events, equal; "
        f"core {'compiled' if books.COMPILED else 'interpreted'}; {time.monotonic() - began:.1f} s; "
        f"state {snapshot.state_hash(pair.packed).hex()}\n"
    )


if __name__ == "__main__":
    main()
