"""An order of the plain engine."""

from fractions import Fraction
from math import ceil, floor

from chassis.units import sequence_of
from svc_match.core.commands import OrderType, SelfTradePrevention, Terms, TimeInForce

NEVER = (0, SelfTradePrevention.NONE)


class Order:
    """An order. `shown` is what is displayed of an iceberg that stands; `ended` is true of one that is done. `placed` is the
    sequence since which it has its place, `for_auction` is true of one that ends with the auction, `quoted` of a side of a quote.
    """

    __slots__ = (
        "account", "book", "ended", "for_auction", "held_fee_e6", "held_price_e4", "lease", "limit_e4", "open", "order_id", "placed",
        "price_e4", "quantity", "quoted", "shown", "side", "stop_e4", "terms", "time_in_force", "turns", "type",
    )  # fmt: skip

    def __init__(
        self, order_id: int, account: str, book: int, side: int, kind: int, price_e4: int, quantity: int, held_price_e4: int,
        held_fee_e6: int, terms: Terms, time_in_force: int,
    ) -> None:  # fmt: skip
        self.order_id = order_id
        self.account = account
        self.book = book
        self.side = side
        self.type = kind
        self.price_e4 = price_e4
        self.quantity = quantity
        self.open = quantity
        self.held_price_e4 = held_price_e4
        self.held_fee_e6 = held_fee_e6
        self.terms = terms
        self.stop_e4 = terms.stop_price_e4
        self.limit_e4 = price_e4  # of one that is pegged, whose price is where it stands, or 0
        if self.is_pegged:
            self.price_e4 = 0
        self.time_in_force = time_in_force
        self.shown = 0
        self.ended = False
        self.turns = 0  # how often it may still trade, or prevent that, as it arrives
        self.for_auction = False
        self.quoted = False
        self.lease = ""  # of a quote
        self.placed = sequence_of(order_id)

    @property
    def participant(self) -> str:
        """Whose account it is."""
        return participant_of(self.account)

    @property
    def is_iceberg(self) -> bool:
        """Whether only a part is displayed at a time."""
        return self.terms.display_quantity > 0

    @property
    def in_turn(self) -> int:
        """What it trades before the next order has its turn."""
        return self.shown if self.is_iceberg else self.open

    @property
    def displayed(self) -> int:
        """What everyone sees of it."""
        return 0 if self.terms.hidden else self.in_turn

    def show_peak(self) -> None:
        """A new peak of an iceberg."""
        self.shown = min(self.terms.display_quantity, self.open)

    def shrink(self) -> None:
        """An iceberg displays no more than it has."""
        self.shown = min(self.shown, self.open)

    def prevents(self, other: "Order") -> bool:
        """Whether it, arriving, is not to trade with an order that stands."""
        return self.terms.self_trade_prevention not in NEVER and self.participant == other.participant

    @property
    def trails(self) -> bool:
        """Whether its stop price follows."""
        return bool(self.terms.trailing_amount_e4 or self.terms.trailing_bp)

    def follow(self, reference_e4: int, tick_e4: int) -> None:
        """A trailing stop's price follows one that it looks at; rounded to a tick away from it, and never back."""
        amount, share = self.terms.trailing_amount_e4, Fraction(self.terms.trailing_bp, 10_000)
        away = amount or reference_e4 * share
        if self.side == 1:
            self.stop_e4 = min(self.stop_e4, ceil((reference_e4 + away) / Fraction(tick_e4)) * tick_e4)
        else:
            self.stop_e4 = max(self.stop_e4, floor((reference_e4 - away) / Fraction(tick_e4)) * tick_e4)

    def lasts_beyond(self, date: int) -> bool:
        """Whether it stands when the date has closed."""
        if self.time_in_force == TimeInForce.GTD and self.terms.expire_date:
            return self.terms.expire_date > date
        return self.time_in_force in (TimeInForce.GTC, TimeInForce.GTD)

    def stop_rank(self) -> tuple[int, int, int]:
        """What sorts stops that are triggered together: buys first, the nearest price first, the oldest first."""
        return self.side, self.stop_e4 if self.side == 1 else -self.stop_e4, self.order_id

    @property
    def becomes(self) -> OrderType:
        """What a stop is once it is triggered."""
        return OrderType.LIMIT if self.type == OrderType.STOP_LIMIT else OrderType.MARKET

    @property
    def pairs(self) -> bool:
        """Whether it stands as a limit order until it is a stop that is triggered."""
        return self.type == OrderType.ONE_CANCELS_OTHER

    @property
    def is_pegged(self) -> bool:
        """Whether its price follows the best prices."""
        return self.type == OrderType.PEGGED

    def is_short_of_stop(self, price_e4: int) -> bool:
        """Whether a limit is on this side of the stop price."""
        return price_e4 < self.stop_e4 if self.side == 1 else price_e4 > self.stop_e4

    def bound_e4(self, price_e4: int) -> int:
        """The limit that an order with this one ends with; a sell may then have none (0)."""
        return self.terms.stop_limit_price_e4 if self.pairs else price_e4


def participant_of(account: str) -> str:
    """Whose account it is."""
    return account.partition("/")[0]
