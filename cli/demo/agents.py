"""Who trades in the demo: market makers, informed traders, noise traders. Pure: what they see in, what they want out.

Each agent is a participant with one account. Its random numbers are seeded; what it wants also depends on the tops of
book that it saw, so a session is alike, not equal, from run to run.
"""

from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from random import Random

from bourse_sdk.commands import (
    Cancel,
    Command,
    MassCancel,
    OrderType,
    Peg,
    Place,
    PlaceOptions,
    PostOnly,
    Replace,
    SelfTradePrevention,
    Side,
    StopTrigger,
    TimeInForce,
)

TICK_E4 = 100
START_PRICES_E4 = {"ACME": 52_0000, "BOLT": 118_0000, "CRUX": 9_5000, "DUNE": 240_0000}
REMEMBERED_ORDERS = 400
PLAIN = PlaceOptions()
PREVENTIONS = tuple(one for one in SelfTradePrevention if one is not SelfTradePrevention.NONE)


@dataclass(frozen=True, slots=True)
class Top:
    """Best prices of an instrument in 1/10 000, 0 where there is none."""

    bid_e4: int = 0
    ask_e4: int = 0


@dataclass(frozen=True, slots=True)
class Wish:
    """A command that an agent sends. A bad one names the reason that it must be refused for."""

    command: Command
    expected_reason: str = ""


@dataclass(frozen=True, slots=True)
class Working:
    """An order of the agent that was in the book when it last heard of it."""

    order_id: int
    price_e4: int
    quantity: int


@dataclass(slots=True)
class Agent:
    """What all agents share: a name, random numbers, and the orders that they remember, oldest first."""

    name: str
    random: Random
    fair_e4: dict[str, int]
    working: deque[Working] = field(default_factory=lambda: deque(maxlen=REMEMBERED_ORDERS))
    lease_seconds = 0.0  # Its orders end when it is gone for so long; 0: they do not.

    def step(self, tops: dict[str, Top]) -> Iterator[Wish]:
        """What the agent wants to do now, given the market."""
        return iter(())

    @property
    def account(self) -> str:
        return f"{self.name}/main"

    def order(self, symbol: str, buy: bool, quantity: int, price_e4: int, options: PlaceOptions = PLAIN) -> Wish:
        return Wish(Place(self.account, symbol, side(buy), quantity, price_e4, **options))

    def cancel(self, order: Working) -> Wish:
        return Wish(Cancel(self.account, order.order_id))

    def middle(self, symbol: str, tops: dict[str, Top]) -> int:
        top = tops.get(symbol, Top())
        return (top.bid_e4 + top.ask_e4) // 2 if top.bid_e4 and top.ask_e4 else self.fair_e4[symbol]

    def any_symbol(self) -> str:
        return self.random.choice(tuple(self.fair_e4))


class MarketMaker(Agent):
    """Quotes both sides of every instrument around its own estimate, and moves its oldest quotes. It never trades with itself;
    some quotes add liquidity only, of some it displays a part.
    """

    QUOTES_A_STEP = 40
    SPREAD_TICKS = 4
    DEPTH_TICKS = 15

    def step(self, tops: dict[str, Top]) -> Iterator[Wish]:
        for _ in range(self.QUOTES_A_STEP):
            symbol, buy = self.any_symbol(), self.random.random() < 0.5
            away = (self.SPREAD_TICKS // 2 + self.random.randrange(self.DEPTH_TICKS)) * TICK_E4
            price = to_tick((self.middle(symbol, tops) + self.fair_e4[symbol]) // 2 + (-away if buy else away))
            if len(self.working) < REMEMBERED_ORDERS // 2:
                quantity = 10 * self.random.randint(1, 30)
                yield self.order(symbol, buy, quantity, price, self.quote(quantity))
            elif self.random.random() < 0.5:
                yield self.cancel(self.working.popleft())
            else:
                order = self.working.popleft()
                shift = self.random.choice((-1, 1)) * TICK_E4
                price = max(TICK_E4, order.price_e4 + shift)
                yield Wish(Replace(self.account, price, order.quantity, order.order_id))

    def quote(self, quantity: int) -> PlaceOptions:
        options = PlaceOptions(self_trade_prevention=self.random.choice(PREVENTIONS))
        if self.random.random() < 0.3:
            options["post_only"] = self.random.choice(tuple(PostOnly))
        if quantity > 50 and self.random.random() < 0.3:
            options["display_quantity"] = 10 * self.random.randint(1, 4)
        return options


class InformedTrader(Agent):
    """Knows where the price is going, and takes what is cheap by that knowledge."""

    EDGE_TICKS = 3

    def step(self, tops: dict[str, Top]) -> Iterator[Wish]:
        symbol = self.any_symbol()
        fair, top, edge = self.fair_e4[symbol], tops.get(symbol, Top()), self.EDGE_TICKS * TICK_E4
        quantity = 10 * self.random.randint(2, 40)
        if top.ask_e4 and top.ask_e4 < fair - edge:
            yield self.order(symbol, True, quantity, top.ask_e4, {"time_in_force": TimeInForce.IOC})
        elif top.bid_e4 and top.bid_e4 > fair + edge:
            yield self.order(symbol, False, quantity, top.bid_e4, {"time_in_force": TimeInForce.FOK})


class NoiseTrader(Agent):
    """Buys and sells for reasons of its own, by every type of order, changes its mind, seldom about all of them at once, and now
    and then sends an order that must be refused.
    """

    BAD_SHARE = 0.05
    MASS_CANCELS_A_STEP = 0.01
    lease_seconds = 60.0

    def step(self, tops: dict[str, Top]) -> Iterator[Wish]:
        if self.random.random() < self.MASS_CANCELS_A_STEP:
            self.working.clear()
            yield Wish(MassCancel(self.account))
        for _ in range(self.random.randint(5, 25)):
            dice = self.random.random()
            if dice < self.BAD_SHARE:
                yield self.bad_order()
            elif dice < 0.25 and self.working:
                yield self.cancel(self.working.popleft())
            else:
                yield self.wish(tops)

    def wish(self, tops: dict[str, Top]) -> Wish:
        symbol, buy = self.any_symbol(), self.random.random() < 0.5
        middle, quantity = self.middle(symbol, tops), 10 * self.random.randint(1, 20)
        bound, dice = to_tick(middle * 11 // 10) if buy else 0, self.random.random()
        if dice < 0.2:
            return self.order(symbol, buy, quantity, bound, {"type": OrderType.MARKET})
        if dice < 0.3:
            return self.order(symbol, buy, quantity, bound, {"type": OrderType.MARKET_TO_LIMIT})
        if dice < 0.4:
            return self.stop(symbol, buy, quantity, middle, bound)
        if dice < 0.405:
            options = PlaceOptions(
                type=OrderType.PEGGED, peg=self.random.choice((Peg.BID if buy else Peg.ASK, Peg.MIDDLE))
            )
            return self.order(symbol, buy, quantity, to_tick(middle + (10 if buy else -10) * TICK_E4), options)
        offset = self.random.randint(-6, 3) * TICK_E4
        price = to_tick(middle + (offset if buy else -offset))
        return self.order(symbol, buy, quantity, price, self.terms(quantity))

    def stop(self, symbol: str, buy: bool, quantity: int, middle: int, bound: int) -> Wish:
        """Beyond the market: it follows the price where that goes. Some trail it; some stand on the other side of it meanwhile."""
        away = self.random.randint(1, 8) * TICK_E4
        options = PlaceOptions(
            stop_price_e4=to_tick(middle + (away if buy else -away)),
            stop_trigger=self.random.choice(tuple(StopTrigger)),
        )
        dice = self.random.random()
        if dice < 0.1:
            options["trailing_amount_e4"] = away
        if dice < 0.5:
            return self.order(symbol, buy, quantity, bound, {"type": OrderType.STOP, **options})
        price = to_tick(options["stop_price_e4"] + (2 if buy else -2) * TICK_E4)
        if dice < 0.6:
            stands = to_tick(middle + (-away if buy else away))
            options |= {"type": OrderType.ONE_CANCELS_OTHER, "stop_limit_price_e4": price}
            return self.order(symbol, buy, quantity, stands, options)
        return self.order(symbol, buy, quantity, price, {"type": OrderType.STOP_LIMIT, **options})

    def terms(self, quantity: int) -> PlaceOptions:
        dice = self.random.random()
        if dice < 0.1:
            return {"hidden": True}
        if dice < 0.2:
            return {"minimum_quantity": 10 * self.random.randint(1, quantity // 10)}
        if dice < 0.3:
            return {"time_in_force": TimeInForce.GTC}
        return PLAIN

    def bad_order(self) -> Wish:
        symbol = self.any_symbol()
        price, limit, account = self.fair_e4[symbol], OrderType.LIMIT, self.account
        bad = (
            ("PRICE_OFF_TICK", Place(account, symbol, Side.BUY, 10, price + 1, limit)),
            ("QUANTITY_INVALID", Place(account, symbol, Side.BUY, 0, price, limit)),
            ("QUANTITY_OFF_LOT", Place(account, symbol, Side.SELL, 7, price, limit)),
            ("SYMBOL_UNKNOWN", Place(account, "NONE", Side.BUY, 10, price, limit)),
            ("ACCOUNT_NOT_YOURS", Place("somebody/else", symbol, Side.BUY, 10, price, limit)),
            ("DISPLAY_QUANTITY_INVALID", Place(account, symbol, Side.BUY, 10, price, limit, display_quantity=10)),
            ("STOP_PRICE_INVALID", Place(account, symbol, Side.BUY, 10, price, OrderType.STOP)),
            ("FUNDS_INSUFFICIENT", Place(account, symbol, Side.BUY, 1_000_000, 990_0000, limit)),
        )
        reason, command = self.random.choice(bad)
        return Wish(command, reason)


def side(buy: bool) -> Side:
    return Side.BUY if buy else Side.SELL


def to_tick(price_e4: int) -> int:
    return max(TICK_E4, price_e4 // TICK_E4 * TICK_E4)


def drift(fair_e4: dict[str, int], random: Random) -> None:
    """Moves the prices that informed traders know: a seeded walk of up to three ticks."""
    for symbol, price_e4 in fair_e4.items():
        fair_e4[symbol] = max(100 * TICK_E4, price_e4 + random.randint(-3, 3) * TICK_E4)


def cast(seed: int, fair_e4: dict[str, int]) -> list[Agent]:
    """The demo's eight participants: two makers, two informed traders, four noise traders."""
    roles = {"maker": (MarketMaker, 2), "informed": (InformedTrader, 2), "noise": (NoiseTrader, 4)}
    return [
        role(f"{name}-{number}", Random(f"{seed}/{name}-{number}"), fair_e4)  # noqa: S311  # a session is to be repeatable
        for name, (role, count) in roles.items()
        for number in range(1, count + 1)
    ]
