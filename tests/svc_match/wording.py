"""Commands in the words of transcripts, and a transcript of commands that the core and its oracle answer otherwise."""

from collections.abc import Callable, Iterable, Iterator
from difflib import ndiff
from itertools import groupby
from operator import attrgetter
from typing import Any, NamedTuple

from chassis.units import worst
from svc_match.core import commands
from svc_match.core.engine import Applied
from svc_match.core.instrument import Instrument, Phase
from svc_match.core.terms import wrong_quote, wrong_terms
from tests.svc_match.oracle.engine import Engine as Oracle
from tests.svc_match.transcript import (
    FEE_E6,
    LISTINGS,
    OWN,
    PEGS,
    POSTS,
    SIDES,
    STEPS,
    TIMES,
    TRIGGERS,
    Desk,
    instrument,
    money,
    seconds,
)

BUY = commands.Side.BUY
ORDINARY_ROW = 700  # events, of which one command has hardly more
LARGEST = (1 << 63) - 1
MONEY, NUMBER = money, str
INSTRUMENT = {
    "currency": ("currency", str), "tick_size_e4": ("tick", MONEY), "lot_size": ("lot", NUMBER), "min_price_e4": ("min", MONEY),
    "max_price_e4": ("max", MONEY), "max_quantity": ("quantity", NUMBER), "maker_fee_e6": ("maker", NUMBER),
    "taker_fee_e6": ("taker", NUMBER), "shard": ("shard", NUMBER), "market_protection_bp": ("protection", NUMBER),
    "tick_bands": ("bands", lambda bands: ",".join(":".join(map(money, band)) for band in bands)), "max_notional_e4": ("notional", MONEY),
    "reference_price_e4": ("reference", MONEY), "static_collar_bp": ("collar", NUMBER), "dynamic_collar_bp": ("dynamic", NUMBER),
    "volatility_auction_us": ("auction", NUMBER), "limit_band_bp": ("band", NUMBER), "limit_interval_us": ("interval", NUMBER),
    "limit_state_us": ("state", NUMBER), "limit_pause_us": ("pause", NUMBER),
}  # fmt: skip
TERMS = {
    "stop_price_e4": ("stop", MONEY), "stop_trigger": ("trigger", {value: name for name, value in TRIGGERS.items()}.get),
    "display_quantity": ("show", NUMBER), "post_only": ("post", {value: name for name, value in POSTS.items()}.get),
    "minimum_quantity": ("min", NUMBER), "self_trade_prevention": ("own", {value: name for name, value in OWN.items()}.get),
    "trailing_amount_e4": ("trail", MONEY), "trailing_bp": ("bp", NUMBER), "stop_limit_price_e4": ("then", MONEY),
    "peg": ("peg", {value: name for name, value in PEGS.items()}.get), "peg_offset_e4": ("off", MONEY),
    "expire_date": ("expire", NUMBER), "expire_time_us": ("expires", NUMBER),
}  # fmt: skip
WORDS: dict[Any, dict[Any, str]] = {
    table: {value: name for name, value in some.items()}
    for table, some in (("side", SIDES), ("time", TIMES), ("listing", LISTINGS), ("step", STEPS), ("own", OWN))
}


class Sent(NamedTuple):
    """One command, with the batch that it is of: when that began, the limits of events of its rows and commands, how often an
    order trades, how many hidden ones a book takes, and whether a snapshot was taken before.
    """

    batch: int
    time_us: int
    events_limit: int
    command_limit: int
    fills_limit: int
    hidden_limit: int
    restored: bool
    command: commands.Command


class Wanted(Desk):
    """The oracle's answers."""

    def __init__(self, engine: Oracle | None = None) -> None:
        super().__init__(engine or Oracle(0))

    def limit(self) -> None:
        """How often an order trades, how many hidden ones a book takes, and how much a command may write."""
        self.engine.fills_limit, self.engine.command_limit = self.fills_limit, self.command_limit
        self.engine.prices_limit = self.prices_limit
        self.engine.looks_limit = 16 * self.fills_limit
        self.engine.phase_books_limit = 2 * self.fills_limit
        self.engine.open_orders_limit, self.engine.open_accounts_limit = 4 * self.fills_limit, self.fills_limit
        self.engine.enter_limit, self.engine.hidden_limit = self.fills_limit, self.hidden_limit

    def restore(self) -> None:
        """It has no snapshots."""

    def _check(self, applied: Applied) -> None:
        """That is for the core."""


def transcript(some: list[Sent], wanted: Desk) -> list[str]:
    """The commands with the answers of a desk, to be saved among the golden ones; what the core says otherwise (+) as comments."""
    told: list[str] = []
    found = Desk()
    for line in lines(some, wanted):
        answers = _answers(wanted, line)
        differ = [said for said in ndiff(answers, _answers(found, line)) if said[0] in "+-"]
        told += [f"> {line}", *answers, *(f"# {said}" for said in differ)]
    return told


def _answers(desk: Desk, line: str) -> list[str]:
    try:
        return desk.say(line)
    except Exception as failure:  # noqa: BLE001 - whatever goes wrong is told
        return [f"# {type(failure).__name__}: {failure}"]


def lines(some: list[Sent], desk: Desk) -> Iterator[str]:
    """The commands, and when, how and in which batches they come, told one after another to a desk."""
    for _, group in groupby(some, key=attrgetter("batch")):
        batch = list(group)
        first = batch[0]
        if first.restored:
            yield "restore"
        if (first.events_limit, first.command_limit) != (desk.row_events, desk.command_limit):
            yield f"rows {first.events_limit} {first.command_limit}"
        if first.fills_limit != desk.fills_limit:
            yield f"fills {first.fills_limit}"
            yield f"prices {first.fills_limit}"
        if first.hidden_limit != desk.hidden_limit:
            yield f"hidden {first.hidden_limit}"
        if first.time_us > desk.time_us:
            yield f"clock {first.time_us + 1}"
        if len(batch) > 1 or min(first.events_limit, first.command_limit) < ORDINARY_ROW:
            yield f"batch {len(batch)}"
        for sent in batch:
            yield worded(sent.command, desk.engine.last_date)


def worded(command: commands.Command, last_date: int) -> str:
    """The line that is this command, but for the number of its hold, once that date was the last one that opened."""
    match command:
        case commands.AddInstrument() | commands.ChangeInstrument():
            return f"{'add' if isinstance(command, commands.AddInstrument) else 'change'} {_instrument(command.instrument)}"
        case commands.OpenDate():
            return f"date {command.trading_date}"
        case commands.CloseDate():
            return f"close {command.trading_date}"
        case commands.SetPhase():
            auction = f" {_name(command.auction)}" if command.auction else ""
            return f"phase {command.symbol or 'all'} {Phase(command.phase).name.lower()}{auction}"
        case commands.SetListing():
            return f"{WORDS['listing'][command.listing]} {command.symbol}"
        case commands.BustTrade():
            trade = command.trade
            told = f"symbol={trade.symbol} quantity={trade.quantity} price={money(trade.price_e4)}"
            return f"bust #{trade.sequence} {command.reason} {told}"
        case commands.SetCalendar():
            return f"calendar {' '.join(_steps(command.steps))} seed={command.seed}"
        case commands.SetOrderRate():
            return f"rate {command.participant} {command.per_second} {command.burst}"
        case commands.KillParticipant():
            return f"kill {command.participant}"
        case commands.ReleaseParticipant():
            return f"release {command.participant}"
        case commands.EndOrders():
            return f"end {command.participant} {_which(command.symbol, command.side)}".rstrip()
        case commands.RenewLease():
            return f"{command.account} lease {command.client_order_id} {command.lease} {command.grace_us}"
        case commands.Tick():
            return "tick"
    return " ".join(filter(None, (*_order(command), *_identity(command, last_date))))


def _name(auction: int) -> str:
    return WORDS["step"][commands.StepKind.SET_PHASE, Phase.AUCTION, auction]


def _which(symbol: str, side: int) -> str:
    return f"{symbol} {WORDS['side'].get(side, '')}".strip()


def _instrument(made: Instrument) -> str:
    usual = instrument(made.symbol, {"tick": money(made.tick_size_e4)})
    told = [made.symbol, f"tick={money(made.tick_size_e4)}"]
    for field, (option, say) in INSTRUMENT.items():
        if getattr(made, field) != getattr(usual, field):
            told.append(f"{option}={say(getattr(made, field))}")
    return " ".join(told)


def _steps(steps: Iterable[commands.Step]) -> Iterator[str]:
    for date, some in groupby(steps, key=attrgetter("trading_date")):
        yield str(date)
        for step in some:
            what = (step.kind, step.phase, step.auction)
            random = f"+{seconds(step.random_end_us)}" if step.random_end_us else ""
            yield f"{WORDS['step'].get(what) or ':'.join(map(str, map(int, what)))}@{seconds(step.time_us)}{random}"


def _identity(command: Any, last_date: int) -> Iterator[str]:
    if command.trading_date != last_date:
        yield f"date={command.trading_date}"
    if command.deadline_us:
        yield f"until={command.deadline_us}"
    if not any(command.digest):
        yield "digest=other"


def _order(command: Any) -> Iterator[str]:
    """The words of a command of a participant."""
    yield command.account
    if isinstance(command, commands.MassQuote):
        yield from _mass_quote(command)
    elif isinstance(command, commands.MassCancel):
        yield f"cancel-all {command.client_order_id} {_which(command.symbol, command.side)}".rstrip()
        yield "wide" * command.participant_wide
    elif isinstance(command, commands.Place):
        yield from _place(command)
    else:
        named = f"#{command.order_id}" if command.order_id else command.original_client_order_id
        verb = "cancel" if isinstance(command, commands.Cancel) else "replace"
        yield f"{verb} {command.client_order_id} {named}"
        if isinstance(command, commands.Replace):
            yield f"{command.quantity} {money(command.price_e4)} hold={command.hold_id} extra={command.held_amount}"
            yield f"fee={command.held_fee_e6}"
        if command.symbol:
            yield f"in={command.symbol}"


def _place(command: commands.Place) -> Iterator[str]:
    kind, terms, buys = commands.OrderType(command.type), command.terms, command.side == BUY
    without = kind in (commands.OrderType.MARKET, commands.OrderType.STOP) and not command.price_e4
    price = "market" if without else money(command.price_e4)
    yield f"{WORDS['side'][command.side]} {command.client_order_id} {command.quantity} {command.symbol} {price}"
    if not without and kind in (commands.OrderType.MARKET, commands.OrderType.STOP):
        yield "market"
    yield {commands.OrderType.MARKET_TO_LIMIT: "to-limit", commands.OrderType.ONE_CANCELS_OTHER: "oco"}.get(kind, "")
    if command.time_in_force != commands.TimeInForce.DAY:
        yield WORDS["time"].get(command.time_in_force, "")
    yield "hidden" * terms.hidden
    for field, (option, say) in TERMS.items():
        if getattr(terms, field):
            yield f"{option}={say(getattr(terms, field))}"
    if command.amount_e4:
        yield f"amount={money(command.amount_e4)}"
    if buys and command.held_price_e4 != max(command.price_e4, terms.stop_limit_price_e4):
        yield f"held={money(command.held_price_e4)}"
    in_full = command.amount_e4 or worst(command.held_price_e4, command.quantity, command.held_fee_e6)
    yield _hold(command.hold_id, command.held_amount, in_full if buys else command.quantity, money if buys else str)
    if command.held_fee_e6 != FEE_E6:
        yield f"fee={command.held_fee_e6}"
    if command.lease:
        yield f"lease={command.lease}"
    if wrong_terms(kind, command.time_in_force, command.quantity, terms, command.trading_date):
        yield "anyway"


def _hold(hold_id: int, held: int, in_full: int, say: Callable[[int], str]) -> str:
    """What is held, unless that is all that is needed, and as much as can be is as good."""
    if not hold_id:
        return "hold=none"
    return "" if held in (in_full, LARGEST) and 0 <= in_full <= LARGEST else f"hold={say(held)}"


def _mass_quote(command: commands.MassQuote) -> Iterator[str]:
    yield f"quote {command.client_order_id}"
    sides = command.sides
    pairs = zip(sides[::2], sides[1::2], strict=True)
    entries = [(bid.symbol, bid.price_e4, bid.quantity, ask.price_e4, ask.quantity) for bid, ask in pairs]
    for symbol, bid_e4, bid, ask_e4, ask in entries:
        yield f"{symbol}:{bid}@{money(bid_e4)}:{ask}@{money(ask_e4)}"
    if command.prevention:
        yield f"own={WORDS['own'][command.prevention]}"
    for option, value in zip(("fills", "shares", "window"), command.protection, strict=True):
        if value:
            yield f"{option}={value}"
    yield "reset" * command.reset
    if command.lease:
        yield f"lease={command.lease}"
    holds = []
    for one in sides:
        in_full = worst(one.held_price_e4, one.quantity, one.held_fee_e6) if one.held_price_e4 else one.quantity
        told = _hold(one.hold_id, one.held_amount, in_full, str) if one.quantity else ""
        holds.append(told.removeprefix("hold="))
    if any(holds):
        yield f"hold={','.join(holds)}"
    yield f"fee={','.join(str(one.held_fee_e6) for one in sides)}"
    if wrong_quote(command.client_order_id, entries, command.prevention, command.protection):
        yield "anyway"
