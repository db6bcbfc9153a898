"""Books in which the workload's orders are not alone: what others use, and what guards the instruments."""

from collections.abc import Iterator
from dataclasses import replace
from enum import IntEnum

from bench.engine.workload import TICK_SIZE
from svc_match.core import commands
from svc_match.core import layout as w
from svc_match.core.books import Books
from svc_match.core.commands import OrderType, Peg, Side, StepKind, StopTrigger, Terms, TimeInForce
from svc_match.core.engine import Engine
from svc_match.core.instrument import Instrument, Phase, TickBand

DATE = 20260105
START_US, LEASE_US, DAY_US = 10_000_000, 10**12, 86_400_000_000
LOW, HIGH = 20, 32_770  # ticks on both sides of all that the workload trades at; stops are farther
STOP, BOUND = 5, 6  # ticks beyond
FEE_E6 = 200
LARGE = 1 << 62


class Uses(IntEnum):
    """How much others use, each with all before it."""

    NOTHING = 0
    WAITING = 1
    BESIDE = 2
    FOLLOWING = 3
    GUARDED = 4


TOLD = {
    Uses.NOTHING: "nothing else",
    Uses.WAITING: "stops and stop limits that wait, GTC and GTD orders, a lease, market protection, others' order rate and kill "
    "switch, a calendar",
    Uses.BESIDE: "hidden orders, icebergs, self-trade prevention, a one-cancels-other order and a maker's quotes with protection, far "
    "from the touch",
    Uses.FOLLOWING: "trailing stops and pegged orders, far from the touch",
    Uses.GUARDED: "what its own orders are compared with: a static collar, price bands, a tick table, a largest notional",
}


def books(instruments: int, uses: Uses) -> Books:
    """Open books of a shard in which others use so much; what guards an instrument is too wide to stop an order."""
    engine = Engine(0)
    symbols = [f"S{number}" for number in range(instruments)]
    wanted: list[commands.Command] = [commands.AddInstrument(_instrument(symbol, uses)) for symbol in symbols]
    _apply(engine, [*wanted, commands.OpenDate(DATE)])
    _apply(engine, [commands.SetPhase("", Phase.OPEN)])
    if uses:
        _apply(engine, list(_others(symbols, uses)))
    engine.packed.full = w.NO_LIMIT
    return engine.packed


def _apply(engine: Engine, wanted: list[commands.Command]) -> None:
    """All of them, each of which has to be taken."""
    while wanted:
        row = engine.apply(wanted, START_US)
        refused = [one for one in (*row.events, *row.results) if type(one).__name__ in ("Rejected", "Refused")]
        assert not refused, refused
        wanted = wanted[len(row.results) :]


def _instrument(symbol: str, uses: Uses) -> Instrument:
    made = Instrument(symbol, "EUR", TICK_SIZE, 1, TICK_SIZE, 10**9, 10**9, 100, FEE_E6, 0, 500 if uses else 0)
    if uses < Uses.GUARDED:
        return made
    return replace(
        made, tick_bands=(TickBand(10**8, 10 * TICK_SIZE),), max_notional_e4=10**15, static_collar_bp=10_000, limit_band_bp=9_900,
        reference_price_e4=(HIGH + LOW) // 2 * TICK_SIZE, limit_interval_us=DAY_US, limit_state_us=DAY_US, limit_pause_us=DAY_US,
    )  # fmt: skip


def _others(symbols: list[str], uses: Uses) -> Iterator[commands.Command]:
    yield commands.SetOrderRate("slow", 1_000, 1_000)
    yield commands.KillParticipant("killed")
    yield commands.SetCalendar(tuple(_steps()), 7)
    yield commands.RenewLease("leased/1", "", "lease", LEASE_US)
    number = 0
    for symbol in symbols:
        for account, side, kind, time_in_force, price, terms in _orders(uses):
            number += 1
            lease = "lease" if account == "leased/1" else ""
            yield _placed(number, account, symbol, side, kind, time_in_force, price * TICK_SIZE, terms, lease)
        if uses < Uses.BESIDE:
            continue
        number += 1
        sides = tuple(
            commands.QuoteSide(0, symbol, side, price * TICK_SIZE, 10, f"q{number}/0{' ba'[side]}", number, LARGE, held * TICK_SIZE, FEE_E6)
            for side, price, held in ((Side.BUY, LOW, LOW), (Side.SELL, HIGH, 0))
        )  # fmt: skip
        protection = commands.Protection(1_000, 0, DAY_US)
        yield commands.MassQuote(
            "maker/1",
            f"q{number}",
            DATE,
            number << 64,
            number.to_bytes(16),
            0,
            sides,
            0,
            protection,
            reset=False,
            lease="",
        )


def _orders(uses: Uses) -> Iterator[tuple[str, int, int, int, int, Terms]]:
    """Account, side, type, time in force, price in ticks, and terms."""
    day, limit = TimeInForce.DAY, OrderType.LIMIT
    for side, price, far, peg in ((Side.BUY, LOW, HIGH, Peg.BID), (Side.SELL, HIGH, LOW, Peg.ASK)):
        away = 1 if side == Side.BUY else -1
        stop, bound = (far + away * STOP) * TICK_SIZE, far + away * BOUND
        yield "far/2", side, limit, TimeInForce.GTC, price, commands.PLAIN
        yield "far/2", side, limit, TimeInForce.GTD, price, Terms(expire_time_us=START_US + LEASE_US)
        yield "leased/1", side, limit, day, price, commands.PLAIN
        for trigger in StopTrigger:
            yield "stops/1", side, OrderType.STOP_LIMIT, day, bound, Terms(stop, trigger)
            yield "stops/2", side, OrderType.STOP, day, bound if side == Side.BUY else 0, Terms(stop, trigger)
        if uses >= Uses.BESIDE:
            yield "far/1", side, limit, day, price, Terms(hidden=1)
            yield "far/1", side, limit, day, price, Terms(display_quantity=5)
            yield "far/2", side, limit, day, price, Terms(self_trade_prevention=2)
            yield (
                "slow/1",
                side,
                OrderType.ONE_CANCELS_OTHER,
                day,
                price,
                Terms(stop, stop_limit_price_e4=bound * TICK_SIZE),
            )
        if uses >= Uses.FOLLOWING:
            yield "stops/2", side, OrderType.STOP_LIMIT, day, bound, Terms(stop, trailing_amount_e4=10**12)
            yield "pegs/1", side, OrderType.PEGGED, day, price, Terms(peg=peg)


def _placed(
    number: int,
    account: str,
    symbol: str,
    side: int,
    kind: int,
    time_in_force: int,
    price_e4: int,
    terms: Terms,
    lease: str,
) -> commands.Place:
    held_e4 = max(price_e4, terms.stop_limit_price_e4) if side == Side.BUY else 0
    return commands.Place(
        account, f"o{number}", DATE, number << 64, number.to_bytes(16), 0, number, LARGE, held_e4, FEE_E6, symbol, side, kind,
        time_in_force, price_e4, 10, 0, terms, lease,
    )  # fmt: skip


def _steps() -> Iterator[commands.Step]:
    """The date, which is open already, and the next one."""
    yield commands.Step(START_US // 2, StepKind.OPEN_DATE, DATE)
    kinds = ((StepKind.CLOSE_DATE, DATE), (StepKind.OPEN_DATE, DATE + 1), (StepKind.CLOSE_DATE, DATE + 1))
    for days, (kind, date) in enumerate(kinds, 1):
        yield commands.Step(START_US + days * DAY_US, kind, date)
