"""The commands of order entry as values, and what identifies them.

Values of enums are the numbers of bourse/types/v1/command.proto and market.proto, as the caller sent them: checked, not assumed.
"""

from typing import NamedTuple, TypeAlias

from chassis.units import command_digest

BUY, SELL = 1, 2
LIMIT, MARKET = 1, 2
DAY, IOC, FOK = 1, 2, 3
UNSPECIFIED = 0
PLACE, CANCEL, REPLACE = 1, 2, 3


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
    traceparent: str = ""


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


Command: TypeAlias = Place | Cancel | Replace
KINDS: dict[type[Command], int] = {Place: PLACE, Cancel: CANCEL, Replace: REPLACE}


def digest(command: Command) -> bytes:
    """The digest over the client's own fields: the kind, and all but the traceparent."""
    return command_digest(KINDS[type(command)], *command[:-1])
