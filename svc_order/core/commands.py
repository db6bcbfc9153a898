"""The commands of order entry as values, and what identifies them.

Values of enums are the numbers of bourse/types/v1/command.proto and market.proto, as the caller sent them: checked, not assumed.
"""

from typing import NamedTuple, TypeAlias

from chassis.units import command_digest

BUY, SELL = 1, 2
LIMIT, MARKET, MARKET_TO_LIMIT, STOP, STOP_LIMIT, ONE_CANCELS_OTHER, PEGGED = 1, 2, 3, 4, 5, 6, 7
DAY, IOC, FOK, GOOD_FOR_AUCTION, AT_OPEN, AT_CLOSE, GTC, GTD = 1, 2, 3, 4, 5, 6, 7, 8
AUCTIONS = (GOOD_FOR_AUCTION, AT_OPEN, AT_CLOSE)
STANDING = (DAY, GTC, GTD)
UNSPECIFIED = 0
PLACE, CANCEL, REPLACE, MASS_CANCEL, MASS_QUOTE, RENEW_LEASE = 1, 2, 3, 4, 5, 6
OWN_FIELDS = 10  # of a place, before its terms


FIRST_TERMS = 7  # that an order could have when it could first have any


class Terms(NamedTuple):
    """What an order asks for beyond type, price and quantity; as it was placed."""

    stop_price_e4: int = 0
    stop_trigger: int = 0
    display_quantity: int = 0
    hidden: bool = False
    post_only: int = 0
    minimum_quantity: int = 0
    self_trade_prevention: int = 0
    trailing_amount_e4: int = 0
    trailing_bp: int = 0
    stop_limit_price_e4: int = 0
    peg: int = 0
    peg_offset_e4: int = 0
    expire_date: int = 0
    expire_time_us: int = 0

    @property
    def digested(self) -> tuple[int, ...]:
        """As a digest has them: the first ones, and of those that came later what asks for something."""
        count = len(self)
        while count > FIRST_TERMS and not self[count - 1]:
            count -= 1
        return self[:count]


PLAIN = Terms()


class Place(NamedTuple):
    """A new order."""

    account: str
    client_order_id: str
    trading_date: int
    symbol: str
    side: int
    type: int
    time_in_force: int
    price_e4: int
    quantity: int
    amount_e4: int
    terms: Terms = PLAIN
    traceparent: str = ""
    lease: str = ""


class Cancel(NamedTuple):
    """The end of an order, which is named by order_id, or by original_client_order_id and symbol."""

    account: str
    client_order_id: str
    trading_date: int
    order_id: int
    original_client_order_id: str
    symbol: str
    traceparent: str = ""


class Replace(NamedTuple):
    """A new price and total quantity for an order, which is named as in Cancel."""

    account: str
    client_order_id: str
    trading_date: int
    order_id: int
    original_client_order_id: str
    symbol: str
    price_e4: int
    quantity: int
    traceparent: str = ""


class MassCancel(NamedTuple):
    """The end of all open orders of an account or of its participant, in a symbol or in all, of a side or of both."""

    account: str
    client_order_id: str
    trading_date: int
    participant_wide: bool
    symbol: str
    side: int
    traceparent: str = ""


class QuoteEntry(NamedTuple):
    """A bid and an offer; a side of quantity 0 asks for nothing to stand."""

    symbol: str
    bid_price_e4: int
    bid_quantity: int
    ask_price_e4: int
    ask_quantity: int


class MassQuote(NamedTuple):
    """An account's quotes in some instruments, in the place of those that it has there, and when all of them are pulled."""

    account: str
    client_order_id: str
    trading_date: int
    entries: tuple[QuoteEntry, ...]
    self_trade_prevention: int
    fill_limit: int
    share_limit: int
    window_us: int
    reset: bool
    lease: str
    traceparent: str = ""


class RenewLease(NamedTuple):
    """A session's lease, which is to stand for some time from now on."""

    account: str
    client_order_id: str
    lease: str
    grace_ms: int
    traceparent: str = ""


Command: TypeAlias = Place | Cancel | Replace | MassCancel | MassQuote | RenewLease
KINDS: dict[type[Command], int] = {
    Place: PLACE,
    Cancel: CANCEL,
    Replace: REPLACE,
    MassCancel: MASS_CANCEL,
    MassQuote: MASS_QUOTE,
    RenewLease: RENEW_LEASE,
}


def digest(command: Command) -> bytes:
    """The digest over the client's own fields: the kind, and all but the traceparent.

    A place without terms is digested as before there were any, and one with the first ones alone as before there were more, so
    it may be sent again to a version that knows no others.
    """
    if type(command) is Place:
        own, terms = (*command[:OWN_FIELDS], *((command.lease,) if command.lease else ())), command.terms
        return command_digest(PLACE, *own) if terms == PLAIN else command_digest(PLACE, *own, *terms.digested)
    if type(command) is MassQuote:
        entries = (value for entry in command.entries for value in entry)
        return command_digest(MASS_QUOTE, *command[:3], *command[4:-1], *entries)
    return command_digest(KINDS[type(command)], *command[:-1])
