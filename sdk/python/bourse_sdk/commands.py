"""Commands and their results, as values."""

import itertools
import secrets
from dataclasses import dataclass, fields
from enum import IntEnum
from typing import Any, TypedDict

from bourse.types.v1 import command_pb2 as pb
from bourse_sdk import requests
from bourse_sdk.errors import Refusal
from bourse_sdk.quotes import MassQuote, Quote
from bourse_sdk.requests import NAME_LIMIT, SYMBOL_LIMIT


class Side(IntEnum):
    """Buy or sell."""

    BUY = 1
    SELL = 2


class OrderType(IntEnum):
    """How an order is priced: at its limit, at the book's prices, at the best price with the rest left there as a limit, as a
    MARKET or LIMIT order once its stop price is reached, at its limit until then, or at a best price that it follows.
    """

    LIMIT = 1
    MARKET = 2
    MARKET_TO_LIMIT = 3
    STOP = 4
    STOP_LIMIT = 5
    ONE_CANCELS_OTHER = 6
    PEGGED = 7


class TimeInForce(IntEnum):
    """How long an order stands. Three are for an auction only: the one that collects orders, the opening one, the closing one. GTC
    and GTD are for later trading dates, too.
    """

    DAY = 1
    IOC = 2
    FOK = 3
    GOOD_FOR_AUCTION = 4
    AT_OPEN = 5
    AT_CLOSE = 6
    GTC = 7
    GTD = 8


class StopTrigger(IntEnum):
    """What reaches a stop price: the last trade, or the best displayed price of the other side."""

    LAST_TRADE = 1
    BEST_QUOTE = 2


class Peg(IntEnum):
    """Which best price a PEGGED order follows."""

    BID = 1
    ASK = 2
    MIDDLE = 3


class PostOnly(IntEnum):
    """What becomes of an order that would trade at once, though it is to add liquidity only."""

    REJECT = 1
    SLIDE = 2


class SelfTradePrevention(IntEnum):
    """What happens instead of a trade with an order of the same participant: which of the two is cancelled, or both lose the
    smaller one's quantity. The choice of the order that arrives holds.
    """

    NONE = 1
    CANCEL_NEWEST = 2
    CANCEL_OLDEST = 3
    CANCEL_BOTH = 4
    DECREMENT = 5


# Of a MARKET order the phase decides: for the auction, or IOC.
IMPLIED: dict[int, int] = {kind: TimeInForce.DAY for kind in OrderType if kind is not OrderType.MARKET}

# The most characters of a command's texts, as bourse/types/v1/command.proto has them. With them the largest batch, in whatever
# script, fits in one message of the service.
TEXT_LIMITS = {
    "account": NAME_LIMIT,
    "client_order_id": NAME_LIMIT,
    "original_client_order_id": NAME_LIMIT,
    "symbol": SYMBOL_LIMIT,
    "lease": NAME_LIMIT,
}
ENUMS: dict[str, type[IntEnum]] = {
    "side": Side,
    "type": OrderType,
    "time_in_force": TimeInForce,
    "stop_trigger": StopTrigger,
    "peg": Peg,
    "post_only": PostOnly,
    "self_trade_prevention": SelfTradePrevention,
}


class Outcome(IntEnum):
    """What became of a command."""

    ACCEPTED = 1
    CANCELLED = 2
    REPLACED = 3
    REJECTED = 4
    REFUSED = 5


@dataclass(frozen=True, slots=True)
class Place:
    """A new order. `price_e4` is the limit; of a MARKET, MARKET_TO_LIMIT or STOP buy the most that it pays a share (of a MARKET
    buy `amount_e4` may bound its cost instead); a sell of these types names none.

    `stop_price_e4` triggers a STOP or STOP_LIMIT order; it trails the market by `trailing_amount_e4` or `trailing_bp`. A
    ONE_CANCELS_OTHER order is a limit order until it is reached, then one at `stop_limit_price_e4`, or a market order. A PEGGED
    order stands at its `peg` and offset, within `price_e4`. Of an iceberg `display_quantity` is shown at a time, of a `hidden`
    order nothing. A `post_only` order never trades when it arrives; one with a `minimum_quantity` trades at least that then, or
    ends.

    A GTC order stands on later trading dates too; a GTD order until `expire_date` (yyyymmdd) closes, or until `expire_time_us`.
    With a `lease` it ends when that is over: see `Client`.

    Without `client_order_id` it gets one; without `trading_date` the one that is open when it is first sent; without
    `time_in_force` GTD where it names a date or a time, else DAY; but a MARKET order is for the auction that collects orders, or
    IOC where there is none.
    """

    account: str
    symbol: str
    side: Side
    quantity: int
    price_e4: int = 0
    type: OrderType = OrderType.LIMIT
    time_in_force: TimeInForce | None = None
    amount_e4: int = 0
    client_order_id: str = ""
    trading_date: int = 0
    stop_price_e4: int = 0
    stop_trigger: StopTrigger | None = None
    display_quantity: int = 0
    hidden: bool = False
    post_only: PostOnly | None = None
    minimum_quantity: int = 0
    self_trade_prevention: SelfTradePrevention | None = None
    trailing_amount_e4: int = 0
    trailing_bp: int = 0
    stop_limit_price_e4: int = 0
    peg: Peg | None = None
    peg_offset_e4: int = 0
    expire_date: int = 0
    expire_time_us: int = 0
    lease: str = ""

    def message(self, client_order_id: str, traceparent: str) -> tuple[pb.OrderCommand, pb.PlaceOrder]:
        if len(client_order_id) > NAME_LIMIT or len(self.account) > NAME_LIMIT or len(self.symbol) > SYMBOL_LIMIT:
            raise ValueError(self)
        command = pb.OrderCommand()
        place = command.place  # Fields are set one by one: it costs half of what arguments do.
        place.account = self.account
        place.client_order_id = client_order_id
        place.trading_date = self.trading_date
        place.symbol = self.symbol
        place.side = self.side  # type: ignore[assignment]  # The numbers are the proto's.
        place.type = self.type  # type: ignore[assignment]
        place.time_in_force = self.time_in_force or self._implied()  # type: ignore[assignment]
        place.price_e4 = self.price_e4
        place.quantity = self.quantity
        place.amount_e4 = self.amount_e4
        place.traceparent = traceparent
        if self.lease:
            if len(self.lease) > NAME_LIMIT:
                raise ValueError(self)
            place.lease = self.lease
        for name in TERMS:
            if value := getattr(self, name):
                setattr(place, name, value)
        return command, place

    def _implied(self) -> int:
        return TimeInForce.GTD if self.expire_date or self.expire_time_us else IMPLIED.get(self.type, 0)


TERMS = (
    *("stop_price_e4", "stop_trigger", "display_quantity", "hidden", "post_only", "minimum_quantity"),
    *("self_trade_prevention", "trailing_amount_e4", "trailing_bp", "stop_limit_price_e4"),
    *("peg", "peg_offset_e4", "expire_date", "expire_time_us"),
)


class PlaceOptions(TypedDict, total=False):
    """The fields of a Place that may be left out, as `place` of the clients takes them."""

    type: OrderType
    time_in_force: TimeInForce | None
    amount_e4: int
    client_order_id: str
    trading_date: int
    stop_price_e4: int
    stop_trigger: StopTrigger | None
    display_quantity: int
    hidden: bool
    post_only: PostOnly | None
    minimum_quantity: int
    self_trade_prevention: SelfTradePrevention | None
    trailing_amount_e4: int
    trailing_bp: int
    stop_limit_price_e4: int
    peg: Peg | None
    peg_offset_e4: int
    expire_date: int
    expire_time_us: int
    lease: str


@dataclass(frozen=True, slots=True)
class Cancel:
    """Ends an open order: by `order_id`, or by the id that it was placed under together with its symbol."""

    account: str
    order_id: int = 0
    original_client_order_id: str = ""
    symbol: str = ""
    client_order_id: str = ""
    trading_date: int = 0

    def message(self, client_order_id: str, traceparent: str) -> tuple[pb.OrderCommand, pb.CancelOrder]:
        _check_lengths(self, client_order_id)
        command = pb.OrderCommand()
        cancel = command.cancel
        cancel.account = self.account
        cancel.client_order_id = client_order_id
        cancel.trading_date = self.trading_date
        cancel.order_id = self.order_id
        cancel.original_client_order_id = self.original_client_order_id
        cancel.symbol = self.symbol
        cancel.traceparent = traceparent
        return command, cancel


@dataclass(frozen=True, slots=True)
class Replace:
    """A new price (0 for a sell that has none: a STOP, or a MARKET or MARKET_TO_LIMIT order that waits for an auction) and total
    quantity (what is executed included) for an open order, named as in `Cancel`.
    """

    account: str
    price_e4: int
    quantity: int
    order_id: int = 0
    original_client_order_id: str = ""
    symbol: str = ""
    client_order_id: str = ""
    trading_date: int = 0

    def message(self, client_order_id: str, traceparent: str) -> tuple[pb.OrderCommand, pb.ReplaceOrder]:
        _check_lengths(self, client_order_id)
        command = pb.OrderCommand()
        replace = command.replace
        replace.account = self.account
        replace.client_order_id = client_order_id
        replace.trading_date = self.trading_date
        replace.order_id = self.order_id
        replace.original_client_order_id = self.original_client_order_id
        replace.symbol = self.symbol
        replace.price_e4 = self.price_e4
        replace.quantity = self.quantity
        replace.traceparent = traceparent
        return command, replace


@dataclass(frozen=True, slots=True)
class MassCancel:
    """Ends all open orders of an account, or (`participant_wide`) of its participant: in a symbol, or everywhere; of a side, or of both."""

    account: str
    symbol: str = ""
    side: Side | None = None
    participant_wide: bool = False
    client_order_id: str = ""
    trading_date: int = 0

    def message(self, client_order_id: str, traceparent: str) -> tuple[pb.OrderCommand, pb.MassCancel]:
        if len(client_order_id) > NAME_LIMIT or len(self.account) > NAME_LIMIT or len(self.symbol) > SYMBOL_LIMIT:
            raise ValueError(self)
        command = pb.OrderCommand()
        cancel = command.mass_cancel
        cancel.account = self.account
        cancel.client_order_id = client_order_id
        cancel.trading_date = self.trading_date
        cancel.participant_wide = self.participant_wide
        cancel.symbol = self.symbol
        cancel.side = self.side or 0  # type: ignore[assignment]
        cancel.traceparent = traceparent
        return command, cancel


Command = Place | Cancel | Replace | MassCancel | MassQuote
DatedBody = pb.PlaceOrder | pb.CancelOrder | pb.ReplaceOrder | pb.MassCancel | pb.MassQuote
Body = DatedBody | pb.RenewLease


@dataclass(frozen=True, slots=True)
class ShardResult:
    """What a mass cancel without a symbol did on one shard: how many `orders` it ended."""

    shard: int
    outcome: Outcome
    sequence: int
    orders: int


@dataclass(frozen=True, slots=True)
class CommandResult:
    """The first and only result of a command; repeats get the same one.

    `quantity` in shares: of an accepted order its own, of a cancel what was cancelled, of a replace what is open after it.
    `sequence` serves as min_sequence in reads. `refusal` says why, for REJECTED and REFUSED. `orders` is how many a mass cancel
    ended, of one without a symbol `shards` says where; of a mass quote how many sides it quotes.
    """

    client_order_id: str
    outcome: Outcome
    order_id: int
    sequence: int
    quantity: int
    refusal: Refusal | None = None
    orders: int = 0
    shards: tuple[ShardResult, ...] = ()

    @property
    def ok(self) -> bool:
        """Whether the command was done."""
        return self.refusal is None


def _check_lengths(command: Cancel | Replace, client_order_id: str) -> None:
    if (
        len(client_order_id) > NAME_LIMIT
        or len(command.account) > NAME_LIMIT
        or len(command.original_client_order_id) > NAME_LIMIT
        or len(command.symbol) > SYMBOL_LIMIT
    ):
        raise ValueError(command)


BODIES: dict[type[Command], type[Body]] = {
    Place: pb.PlaceOrder,
    Cancel: pb.CancelOrder,
    Replace: pb.ReplaceOrder,
    MassCancel: pb.MassCancel,
    MassQuote: pb.MassQuote,
}


def unsendable(command: Command, client_order_id: str, error: ValueError) -> CommandResult:
    """The result of a command that is not sent: a number of it is beyond its field's range, or a text is no Unicode or too long."""
    body = BODIES[type(command)]()
    for field in fields(command):
        value: Any = client_order_id if field.name == "client_order_id" else getattr(command, field.name)
        entries = field.name == "entries"
        refusal = _unsendable_entry(value) if entries else _unsendable_field(body, field.name, value)
        if refusal is not None:
            refusal.result = CommandResult(client_order_id, Outcome.REFUSED, 0, 0, 0, refusal)
            return refusal.result
    raise error


def _unsendable_entry(entries: tuple[Quote, ...]) -> Refusal | None:
    """The first field of a mass quote's entries that fits in no message."""
    for number, entry in enumerate(entries):
        body = pb.QuoteEntry()
        for field in fields(entry):
            value = getattr(entry, field.name)
            refusal = _unsendable_field(body, field.name, value, place=f"entries[{number}].")
            if refusal is not None:
                return refusal
    return None


def _unsendable_field(body: Body | pb.QuoteEntry, name: str, value: object, *, place: str = "") -> Refusal | None:
    try:
        if value is not None:
            setattr(body, name, value)
    except ValueError:
        return requests.unsendable(name, value, ENUMS.get(name), place=place)
    limit = TEXT_LIMITS.get(name)
    if limit is not None and isinstance(value, str) and len(value) > limit:
        return requests.too_long(name, value, limit, place=place)
    return None


OUTCOMES: tuple[Outcome | None, ...] = (None, *Outcome)


def result_of(message: pb.CommandResult) -> CommandResult:
    """The result in a message. ValueError for an outcome that is none."""
    number = message.outcome
    outcome = OUTCOMES[number] if number < len(OUTCOMES) else None
    if outcome is None:
        raise ValueError(f"{number} is no outcome that a broker is told")
    refusal = None
    if outcome >= Outcome.REJECTED:
        why = message.refusal
        refusal = Refusal(why.reason, why.message, why.metadata, on_record=outcome is Outcome.REJECTED)
    orders = 0
    shards: tuple[ShardResult, ...] = ()
    if not message.order_id:
        orders, shards = message.orders, _on_shards(message)
    result = CommandResult(
        message.client_order_id, outcome, message.order_id, message.sequence, message.quantity, refusal, orders, shards
    )
    if refusal is not None:
        refusal.result = result
    return result


def _on_shards(message: pb.CommandResult) -> tuple[ShardResult, ...]:
    return tuple(ShardResult(one.shard, Outcome(one.outcome), one.sequence, one.orders) for one in message.shards)


class ClientOrderIds:
    """Ids that no other generator gives: a random prefix and a count."""

    def __init__(self, prefix: str = "") -> None:
        self._prefix = prefix or secrets.token_hex(6)
        self._count = itertools.count(1)

    def next(self) -> str:
        return f"{self._prefix}-{next(self._count):x}"
