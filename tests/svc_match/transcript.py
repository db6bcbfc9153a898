"""Transcripts: commands in a trader's words, and what the core said to each.

    > add ACME tick=0.01 maker=100 taker=200      an instrument (fees in millionths; protection= in basis
                                                 points; ticks from prices on: bands=10:0.05,50:0.10; reference= price, collar= in bp;
                                                 price bands: band= in bp, interval= state= pause= in microseconds)
    > date 20260105 | close 20260105 | phase ACME open | phase ACME auction opening | tick
    > change ACME tick=0.05 | suspend ACME | resume ACME | delist ACME
    > fills 3                                   an order trades at most so many times, and so many enter closing auctions at once,
                                                instead of 4 096
    > rows 9                                    behind so many events a row ends, and what a command does goes on in the next one
                                                (rows 700 9: rows of 700, in which a command is done behind 9)
    > clock 1234567                             the next command's journal time, in microseconds
    > batch 3                                   the next 3 commands are one batch: in as many rows as it takes, a microsecond apart
    > restore                                   goes on from a snapshot
    > semantics 2                               what follows is done as those semantics did
    > many 64 alice buy a# 10 ACME 9.00         so often, # counts from 1; what is said is counted, # for a number
    > at 30                                     journal time is 30 seconds; a tick
    > wait                                      0.2 seconds pass, in which what auctions would do is shown
    > calendar 20260105 date@10 opening@15 open@20+5 close@60 seed=7   what is done at which seconds (open is random by 5): date,
                                                close, an auction's kind, or a phase; another date begins with its number;
                                                7u is 7 microseconds, 4:0:0@9 a step by its numbers of kind, phase and auction
    > alice buy a1 100 ACME 10.40 fok hold=7      account, side, own id, quantity, symbol, price; "market" for no price
    > bust #9 a typing error                      busts the trade of sequence 9 (one that was not told: symbol= quantity= price=)
    > alice cancel a2 a1                          cancels alice's order a1; an order id (#5) may be named instead
    > alice replace a3 a1 80 10.40                new total and price, 0.00 for none
    > alice/1 cancel-all a4 ACME buy wide         ends her orders, in all symbols and of both sides if these are left out
    > end alice ACME sell                         the same by the operator
    > alice lease c9 l1 5                          a lease stands for so long; lease=l1 is an option of an order
    > alice/1 quote q1 ACME:10@9.90:10@10.10 BOLT:0:5@20.00   her bid and offer in each; fills= shares= window= reset own= lease=
    > kill alice | release alice | rate alice 1 3 (orders a second, and at once)

Options of an order: day ioc fok gtc, auction at-open at-close (for an auction only); expire= (the last date) or expires= (journal
time), which make it GTD;
to-limit (MARKET_TO_LIMIT) stop= (price; STOP at "market", else STOP_LIMIT) trigger=quote trigger=last
trail= (money) bp= (basis points; the stop price follows) oco then= (ONE_CANCELS_OTHER, with its stop limit price)
peg=bid peg=ask peg=mid off= (PEGGED, with its offset)
show= (an iceberg's peak) hidden post=reject post=slide min= own=newest own=oldest own=both own=decrement own=none
amount= (money) hold= (what is held: money of a buy, shares of a sell; or none) held= (price) fee= in= (the symbol of what is named);
of a quote's sides hold= (1/10 000 of a bid) and fee= in their turn, 1,2
date= until= (journal time) digest= (other fields than the line's) anyway (though its fields alone refuse it).
Unless said otherwise an order is held in full. Journal time is the number of the command.
Each private event is a line "sequence what ..."; public ones are below it, behind "|".
"""

import re
from collections import Counter
from collections.abc import Iterator
from hashlib import blake2b
from typing import Any

from chassis.units import worst
from svc_match.core import commands, events, snapshot
from svc_match.core.engine import ROW_EVENTS_LIMIT, Applied, Engine
from svc_match.core.instrument import AuctionKind, Instrument, Listing, Phase, TickBand
from svc_match.core.layout import AUCTION_PRICES_LIMIT, COMMAND_EVENTS_LIMIT, HIDDEN_ORDERS_LIMIT, ORDER_FILLS_LIMIT
from svc_match.core.terms import wrong_quote, wrong_terms

SECOND_US = 1_000_000
WAIT_US = 200_000
SIDES = {"buy": commands.Side.BUY, "sell": commands.Side.SELL}
TIMES = {
    "day": commands.TimeInForce.DAY,
    "ioc": commands.TimeInForce.IOC,
    "fok": commands.TimeInForce.FOK,
    "auction": commands.TimeInForce.GOOD_FOR_AUCTION,
    "at-open": commands.TimeInForce.AT_OPEN,
    "at-close": commands.TimeInForce.AT_CLOSE,
    "gtc": commands.TimeInForce.GTC,
}
SIDE_NAMES = {1: "bid", 2: "ask"}
LISTINGS = {"suspend": Listing.SUSPENDED, "resume": Listing.LISTED, "delist": Listing.DELISTED}
POSTS = {"": 0, "reject": commands.PostOnly.REJECT, "slide": commands.PostOnly.SLIDE}
OWN = {
    "": 0,
    "none": commands.SelfTradePrevention.NONE,
    "newest": commands.SelfTradePrevention.CANCEL_NEWEST,
    "oldest": commands.SelfTradePrevention.CANCEL_OLDEST,
    "both": commands.SelfTradePrevention.CANCEL_BOTH,
    "decrement": commands.SelfTradePrevention.DECREMENT,
}
TRIGGERS = {"": 0, "last": commands.StopTrigger.LAST_TRADE, "quote": commands.StopTrigger.BEST_QUOTE}
PEGS = {"": 0, "bid": commands.Peg.BID, "ask": commands.Peg.ASK, "mid": commands.Peg.MIDDLE}
FEE_E6 = 200
NUMBERS = re.compile(r"(?<=[a-z])\d+$|^\d+$")
STEPS = {  # of a calendar: kind, phase and auction
    "date": (commands.StepKind.OPEN_DATE, 0, 0),
    "close": (commands.StepKind.CLOSE_DATE, 0, 0),
    **{phase.name.lower(): (commands.StepKind.SET_PHASE, phase, 0) for phase in Phase},
    **{kind.name.lower(): (commands.StepKind.SET_PHASE, Phase.AUCTION, kind) for kind in AuctionKind},
}


def e4(text: str) -> int:
    whole, _, part = text.partition(".")
    sign = -1 if whole.startswith("-") else 1
    return int(whole) * 10_000 + sign * int((part + "0000")[:4])


def money(value: int) -> str:
    text = f"{abs(value) // 10_000}.{abs(value) % 10_000:04}".removesuffix("00")
    return f"-{text}" if value < 0 else text


def key(account: str, own_id: str) -> int:
    return int.from_bytes(blake2b(f"{account} {own_id}".encode(), digest_size=16).digest())


class Desk:
    """An engine that is spoken to in lines."""

    def __init__(self, engine: Any = None) -> None:
        self.engine = engine or Engine(0)
        self.time_us = 0
        self.row_events, self.command_limit, self.fills_limit = (
            ROW_EVENTS_LIMIT,
            COMMAND_EVENTS_LIMIT,
            ORDER_FILLS_LIMIT,
        )
        self.hidden_limit, self.prices_limit = HIDDEN_ORDERS_LIMIT, AUCTION_PRICES_LIMIT
        self._names: dict[int, str] = {}
        self._trades: dict[int, events.Traded] = {}
        self._batch: list[commands.Command | events.Refused] = []
        self._batched = 0  # commands that its batch still takes

    def say(self, line: str) -> list[str]:
        """Runs one command; the lines that tell what happened."""
        verb, *words = line.split()
        if verb == "fills":
            self.fills_limit = int(words[0])
            self.limit()
        elif verb == "prices":
            self.prices_limit = int(words[0])
            self.limit()
        elif verb == "hidden":
            self.hidden_limit = int(words[0])
            self.limit()
        elif verb == "rows":
            self.row_events, self.command_limit = int(words[0]), int(words[-1])
            self.limit()
        elif verb == "clock":
            self.time_us = int(words[0]) - 1
        elif verb == "batch":
            self._batched = int(words[0])
        elif verb == "restore":
            self.restore()
        elif verb == "semantics":
            self.engine.follow(int(words[0]))
        elif verb == "many":
            return self._counted(int(words[0]), " ".join(words[1:]))
        elif self._batched:
            self._batched -= 1
            self._batch.append(self.command(line))
            return [] if self._batched else self._all_of_batch()
        else:
            return self._alone(line)
        return []

    def limit(self) -> None:
        """How often an order trades, how many enter closing auctions at once, how many prices auctions look at, how many hidden ones
        a book takes, and how much a command may write.
        """
        self.engine.packed.fills_limit, self.engine.packed.command_limit = self.fills_limit, self.command_limit
        self.engine.packed.prices_limit = self.prices_limit
        self.engine.closing.looks_limit = 16 * self.fills_limit
        self.engine.phase_books_limit = 2 * self.fills_limit
        self.engine.open_orders_limit, self.engine.open_accounts_limit = 4 * self.fills_limit, self.fills_limit
        self.engine.enter_limit, self.engine.special.hidden_limit = self.fills_limit, self.hidden_limit

    def restore(self) -> None:
        """The engine goes on from its own snapshot."""
        carried = len(self.engine.carried)
        self.engine = snapshot.load(snapshot.encode(self.engine), self.engine.identities.records[carried:])
        self.limit()

    def _counted(self, times: int, line: str) -> list[str]:
        """What each of many lines did, without sequences and own ids, and how often."""
        told = Counter[str]()
        for number in range(1, times + 1):
            for said in self._alone(line.replace("#", str(number))):
                told[" ".join(NUMBERS.sub("#", word) for word in said.split()[1:])] += 1
        return [f"{count} times {said}" for said, count in told.items()]

    def _all_of_batch(self) -> list[str]:
        told, batch, number = [], self._batch, 0
        self._batch = []
        while batch or self.engine.ending:
            self.time_us += 1
            applied = self.engine.apply(batch, self.time_us, self.row_events)
            told += self._lines(applied)
            for number, result in enumerate(applied.results, number + 1):  # noqa: B020
                if not isinstance(result, events.First):
                    told.append(f"= {number}: {_result(result)}")
            batch = batch[len(applied.results) :]
        return told

    def _alone(self, line: str) -> list[str]:
        self.time_us += 1
        if line.strip() == "wait":
            self.time_us += WAIT_US
            return self._lines(self.engine.apply([], self.time_us, self.row_events))
        command = self.command(line)
        before: list[str] = []
        applied = self.engine.apply([command], self.time_us, self.row_events)
        while not applied.results:  # a date opens, and closes by the calendar, in a row of its own
            before += self._lines(applied)
            applied = self.engine.apply([command], self.time_us, self.row_events)
        (result,) = applied.results
        told = before + self._lines(applied)
        if not isinstance(result, events.First):
            told.append(f"= {_result(result)}")
        return told

    def _lines(self, applied: Applied) -> list[str]:
        self._check(applied)
        told = [self._told(event) for event in applied.events]
        return told + [f"  | {symbol} {_public(event)}" for symbol, shown in applied.public.items() for event in shown]

    def command(self, line: str) -> commands.Command | events.Refused:
        first, *words = line.split()
        options = dict(word.split("=", 1) for word in words if "=" in word)
        words = [word for word in words if "=" not in word]
        if first == "add":
            return commands.AddInstrument(instrument(words[0], options))
        if first == "change":
            return commands.ChangeInstrument(instrument(words[0], options))
        if first in LISTINGS:
            return commands.SetListing(words[0], LISTINGS[first])
        if first == "date":
            return commands.OpenDate(int(words[0]))
        if first == "close":
            return commands.CloseDate(int(words[0]))
        if first == "phase":
            kind = AuctionKind[words[2].upper()] if len(words) > 2 else 0
            return commands.SetPhase("" if words[0] == "all" else words[0], Phase[words[1].upper()], kind)
        if first == "bust":
            trade = self._trades.get(int(words[0][1:])) or _trade(int(words[0][1:]), options)
            return commands.BustTrade(trade, " ".join(words[1:]))
        if first == "at":
            self.time_us = max(self.time_us, int(words[0]) * SECOND_US)
            return commands.Tick()
        if first == "calendar":
            return commands.SetCalendar(tuple(_steps(words)), int(options.get("seed", 0)))
        if first == "tick":
            return commands.Tick()
        if first == "rate":
            return commands.SetOrderRate(words[0], int(words[1]), int(words[2]))
        if first in ("kill", "release"):
            return (commands.KillParticipant if first == "kill" else commands.ReleaseParticipant)(words[0])
        if first == "end":
            return commands.EndOrders(words[0], *_which(words[1:]))
        return self._order(first, words, options)

    def _order(self, account: str, words: list[str], options: dict[str, str]) -> commands.Command | events.Refused:
        verb, own_id, *rest = words
        date = int(options.get("date", self.engine.last_date))
        said = [account, *words, options.get("amount", "") + options.get("digest", "")]
        digest = blake2b(" ".join(said).encode(), digest_size=16).digest()
        identity = (account, own_id, date, key(account, own_id), digest, int(options.get("until", 0)))
        if verb in SIDES:
            return self._place(identity, SIDES[verb], rest, options)
        if verb == "lease":
            return commands.RenewLease(account, own_id, rest[0], int(rest[1]))
        if verb == "cancel-all":
            return commands.MassCancel(*identity, 0, "wide" in rest, *_which([word for word in rest if word != "wide"]))
        if verb == "quote":
            return self._quote(identity, rest, options)
        target = rest[0]
        named = int(target[1:]) if target.startswith("#") else 0
        own = ("", 0) if named else (target, key(account, target))
        where = (named, *own, options.get("in", ""))
        if verb == "cancel":
            return commands.Cancel(*identity, 0, *where)
        hold = int(options.get("hold", 0))
        held = int(options.get("extra", 0))
        return commands.Replace(
            *identity, hold, *where, held, int(options.get("fee", FEE_E6)), e4(rest[2]), int(rest[1])
        )

    def _place(
        self, identity: Any, side: commands.Side, rest: list[str], options: dict[str, str]
    ) -> commands.Place | events.Refused:
        quantity, symbol, price, *more = rest
        market = price == "market" or "market" in more
        kind = commands.OrderType.MARKET if market else commands.OrderType.LIMIT
        if "to-limit" in more:
            kind = commands.OrderType.MARKET_TO_LIMIT
        elif "stop" in options:
            kind = commands.OrderType.STOP if market else commands.OrderType.STOP_LIMIT
            kind = commands.OrderType.ONE_CANCELS_OTHER if "oco" in more else kind
        elif "peg" in options:
            kind = commands.OrderType.PEGGED
        time_in_force = next((TIMES[word] for word in more if word in TIMES), None)
        if "expire" in options or "expires" in options:
            time_in_force = commands.TimeInForce.GTD
        price_e4 = 0 if price == "market" else e4(price)
        amount_e4 = e4(options.get("amount", "0"))
        fee_e6 = int(options.get("fee", FEE_E6))
        buys = side == commands.Side.BUY
        bound_e4 = max(price_e4, e4(options.get("then", "0")))
        held_price_e4 = e4(options["held"]) if "held" in options else bound_e4 if buys else 0
        in_full = (amount_e4 or worst(held_price_e4, int(quantity), fee_e6)) if buys else int(quantity)
        hold_id, hold = self.engine.sequence + 1, options.get("hold", "")
        hold_id, held = (
            (0, in_full) if hold == "none" else (hold_id, in_full if not hold else e4(hold) if buys else int(hold))
        )
        if time_in_force is None:
            time_in_force = 0 if kind == commands.OrderType.MARKET else commands.TimeInForce.DAY
        terms = _terms(more, options)
        wrong = None if "anyway" in more else wrong_terms(kind, time_in_force, int(quantity), terms, identity[2])
        return wrong or commands.Place(  # type: ignore[call-arg]
            *identity, hold_id, held, held_price_e4, fee_e6,
            symbol, side, kind, time_in_force, price_e4, int(quantity), amount_e4, terms, options.get("lease", ""),
        )  # fmt: skip

    def _quote(self, identity: Any, rest: list[str], options: dict[str, str]) -> commands.MassQuote | events.Refused:
        entries = []
        for word in [word for word in rest if word not in ("reset", "anyway")]:
            symbol, *parts = word.split(":")
            (bid, bid_e4), (ask, ask_e4) = (
                (int(part.partition("@")[0]), e4(part.partition("@")[2] or "0")) for part in parts
            )
            entries.append((symbol, bid_e4, bid, ask_e4, ask))
        limits = commands.Protection(*(int(options.get(name, 0)) for name in ("fills", "shares", "window")))
        own = OWN[options.get("own", "")]
        wrong = None if "anyway" in rest else wrong_quote(identity[1], entries, own, limits)
        fees, holds = options.get("fee", "").split(","), options.get("hold", "").split(",")
        sides: list[commands.QuoteSide] = []
        for number, (symbol, bid_e4, bid, ask_e4, ask) in enumerate(entries):
            for side, letter, price_e4, quantity in ((1, "b", bid_e4, bid), (2, "a", ask_e4, ask)):
                held_e4 = max(price_e4, 0) if side == commands.Side.BUY else 0
                fee_e6 = int(fees[len(sides) % len(fees)] or FEE_E6)
                held = worst(held_e4, quantity, fee_e6) if held_e4 else quantity
                hold_id = self.engine.sequence + 1 + len(sides) if quantity else 0
                hold = holds[len(sides) % len(holds)]
                hold_id, held = (0, held) if hold == "none" else (hold_id, int(hold or held))
                sides.append(
                    commands.QuoteSide(
                        number, symbol, side, price_e4, quantity, f"{identity[1]}/{number}{letter}", hold_id, held, held_e4, fee_e6
                    )
                )  # fmt: skip
        return wrong or commands.MassQuote(
            *identity, tuple(sides), own, limits, "reset" in rest, options.get("lease", "")
        )

    def _told(self, event: events.Event) -> str:
        return f"{event.sequence} {self._words(event)}"

    def _words(self, event: events.Event) -> str:
        match event:
            case events.Accepted():
                self._names[event.order_id] = f"{event.account}:{event.client_order_id}"
                return f"accepted {self._names[event.order_id]}"
            case events.Rejected():
                return f"rejected {event.account}:{event.client_order_id} {event.reason} {event.field}={event.value}"
            case events.Traded():
                self._trades[event.sequence] = event
                return (
                    f"trade {event.symbol} {event.quantity} at {money(event.price_e4)}{_where(event)}: "
                    f"maker {self._names[event.maker_order_id]} fee {money(event.maker_fee_e4)} "
                    f"open {event.maker_open}, taker {self._names[event.taker_order_id]} "
                    f"fee {money(event.taker_fee_e4)} open {event.taker_open}"
                )
            case events.Replaced():
                return (
                    f"replaced {self._names[event.order_id]} to {event.quantity} at {money(event.price_e4)}, "
                    f"open {event.open_quantity}, held at {money(event.held_price_e4)}"
                )
            case events.Restated():
                return (
                    f"restated {self._names[event.order_id]} {event.reason.name}: {event.quantity} at "
                    f"{money(event.price_e4)}, open {event.open_quantity}, held at {money(event.held_price_e4)}"
                )
            case events.MassCancelled():
                whose = event.participant if event.participant_wide else event.account
                side = f" {SIDE_NAMES[event.side]}s" if event.side else ""
                return f"ends {event.orders} orders of {whose}{' in ' * bool(event.symbol)}{event.symbol}{side}"
            case events.MassQuoted():
                reset = ", reset" if event.reset else ""
                limits = f"{event.fill_limit} trades or {event.share_limit} shares in {event.window_us}"
                until = f", until {limits}" if event.window_us else ""
                return f"{event.account} quotes {event.quotes} sides{until}{reset}"
            case events.MakerProtected():
                return f"{event.account} is protected after {event.fills} trades of {event.shares}, {event.quotes} quotes end"
            case events.ParticipantKilled():
                return f"{event.participant} is killed, {event.orders} orders end"
            case events.ParticipantReleased():
                return f"{event.participant} is released"
            case events.OrderRateSet():
                return f"{event.participant} may send {event.per_second} orders a second, {event.burst} at once"
            case events.LeaseChanged():
                what = (
                    f"until {event.expire_time_us}" if event.expire_time_us else f"is over, {event.orders} orders end"
                )
                return f"lease {event.lease} of {event.participant} {what}"
            case events.Done():
                return (
                    f"done {self._names[event.order_id]} {event.reason.name}: "
                    f"executed {event.executed_quantity}, cancelled {event.cancelled_quantity}"
                )
        return _public(event)

    def _check(self, applied: Applied) -> None:
        for number, event in enumerate(applied.events, applied.first_sequence):
            assert event.sequence == number
        assert applied.last_sequence == self.engine.sequence
        for book in self.engine.numbered:
            bids, asks = book.depth(1, 1), book.depth(2, 1)
            crossed = bids and asks and bids[0][0] >= asks[0][0]
            assert not crossed or book.phase != Phase.OPEN, "crossed"


def _public(event: Any) -> str:
    match event:
        case events.Busted():
            trade = event.trade
            return f"bust of trade {trade.sequence}, {trade.quantity} at {money(trade.price_e4)}: {event.reason}"
        case events.PublicTrade():
            return f"trade {event.quantity} at {money(event.price_e4)}{_where(event)}"
        case events.IndicativeChanged():
            side = (
                f", {event.surplus_quantity} more on the {SIDE_NAMES[event.surplus_side]}" if event.surplus_side else ""
            )
            return f"would trade {event.quantity} at {money(event.price_e4)}{side}"
        case events.LevelChanged():
            return f"{SIDE_NAMES[event.side]} {money(event.price_e4)}: {event.quantity} in {event.orders}"
        case events.PhaseChanged():
            kind = f" ({AuctionKind(event.auction).name})" if event.auction else ""
            return f"{event.symbol} is {event.phase.name}{kind}"
        case events.PriceBandsChanged():
            bands = f"{money(event.lower_price_e4)} to {money(event.upper_price_e4)} around {money(event.reference_price_e4)}"
            limit = f", {SIDE_NAMES[event.limit_side]} at the limit" if event.limit_side else ""
            return f"{event.symbol} trades from {bands}{limit}"
        case events.InstrumentAdded():
            return f"{event.instrument.symbol} is new"
        case events.InstrumentChanged():
            return f"{event.instrument.symbol} is changed"
        case events.ListingChanged():
            return f"{event.symbol} is {event.listing.name}"
        case events.DateOpened():
            return f"{event.trading_date} is open"
        case events.DateClosed():
            return f"{event.trading_date} is closed"
        case events.CalendarMoved():
            return f"calendar: {_step(event.done)} done, then {_step(event.following)}"
        case events.ScheduleMissed():
            return f"calendar: {_step(event.missed)} missed"
    return "tick"


def _where(event: events.Traded | events.PublicTrade) -> str:
    return " in auction" if event.auction else ""


def _step(step: commands.Step | None) -> str:
    if step is None:
        return "nothing"
    what = Phase(step.phase).name if step.phase else commands.StepKind(step.kind).name
    what = AuctionKind(step.auction).name if step.auction else what
    random = f"+{seconds(step.random_end_us)}" if step.random_end_us else ""
    return f"{step.trading_date} {what}@{seconds(step.time_us)}{random}"


def seconds(time_us: int) -> str:
    """Whole seconds, or microseconds."""
    return f"{time_us}u" if time_us % SECOND_US else str(time_us // SECOND_US)


def _microseconds(text: str) -> int:
    return int(text[:-1]) if text.endswith("u") else int(text) * SECOND_US


def _steps(words: list[str]) -> Iterator[commands.Step]:
    date = 0
    for word in words:
        what, _, when = word.partition("@")
        at, _, random = when.partition("+")
        if not when:
            date = int(what)
            continue
        kind, phase, auction = STEPS[what] if what in STEPS else map(int, what.split(":"))
        yield commands.Step(_microseconds(at), kind, date, phase, auction, _microseconds(random or "0"))


def _trade(sequence: int, options: dict[str, str]) -> events.Traded:
    """One that nobody told of."""
    price_e4, quantity = e4(options["price"]), int(options["quantity"])
    return events.Traded(sequence, options["symbol"], price_e4, quantity, 0, 0, "", "", 0, 0, 0, 0, 0)


def _result(result: events.Result) -> str:
    match result:
        case events.Refused():
            return f"refused {result.reason} {result.field}={result.value}"
        case events.Late():
            return "late"
        case events.Repeat():
            return f"repeat of {result.sequence}"
        case events.EarlierDate():
            return f"of date {result.trading_date}"
        case events.Stands():
            return f"stands at {result.sequence}" + (" (more)" if result.more else "")
    raise AssertionError(result)


def _terms(words: list[str], options: dict[str, str]) -> commands.Terms:
    terms = commands.Terms(
        e4(options.get("stop", "0")), TRIGGERS[options.get("trigger", "")], int(options.get("show", 0)), int("hidden" in words),
        POSTS[options.get("post", "")], int(options.get("min", 0)), OWN[options.get("own", "")],
        e4(options.get("trail", "0")), int(options.get("bp", 0)), e4(options.get("then", "0")),
        PEGS[options.get("peg", "")], e4(options.get("off", "0")),
        int(options.get("expire", 0)), int(options.get("expires", 0)),
    )  # fmt: skip
    return commands.PLAIN if terms == commands.PLAIN else terms


def _which(words: list[str]) -> tuple[str, int]:
    """A symbol and a side, of which either may be left out."""
    side = next((SIDES[word] for word in words if word in SIDES), 0)
    return next((word for word in words if word not in SIDES), ""), side


def instrument(symbol: str, options: dict[str, str]) -> Instrument:
    return Instrument(
        symbol=symbol,
        currency=options.get("currency", "EUR"),
        tick_size_e4=e4(options.get("tick", "0.01")),
        lot_size=int(options.get("lot", 1)),
        min_price_e4=e4(options.get("min", options.get("tick", "0.01"))),
        max_price_e4=e4(options.get("max", "1000")),
        max_quantity=int(options.get("quantity", 1_000_000)),
        maker_fee_e6=int(options.get("maker", 100)),
        taker_fee_e6=int(options.get("taker", FEE_E6)),
        shard=int(options.get("shard", 0)),
        market_protection_bp=int(options.get("protection", 0)),
        tick_bands=tuple(TickBand(*map(e4, band.split(":"))) for band in options.get("bands", "").split(",") if band),
        max_notional_e4=e4(options.get("notional", "0")),
        reference_price_e4=e4(options.get("reference", "0")),
        static_collar_bp=int(options.get("collar", 0)),
        dynamic_collar_bp=int(options.get("dynamic", 0)),
        volatility_auction_us=int(options.get("auction", 0)),
        limit_band_bp=int(options.get("band", 0)),
        limit_interval_us=int(options.get("interval", 0)),
        limit_state_us=int(options.get("state", 0)),
        limit_pause_us=int(options.get("pause", 0)),
    )
