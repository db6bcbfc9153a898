"""A maker's quotes, as values."""

from dataclasses import dataclass, fields
from typing import TYPE_CHECKING

from bourse.types.v1 import command_pb2 as pb
from bourse_sdk.requests import NAME_LIMIT, SYMBOL_LIMIT

if TYPE_CHECKING:
    from bourse_sdk.commands import SelfTradePrevention


@dataclass(frozen=True, slots=True)
class Quote:
    """A bid and an offer in an instrument; a side without a quantity is withdrawn."""

    symbol: str
    bid_price_e4: int = 0
    bid_quantity: int = 0
    ask_price_e4: int = 0
    ask_quantity: int = 0


@dataclass(frozen=True, slots=True)
class MassQuote:
    """Replaces the account's quotes in up to 100 instruments of one shard, all or none.

    After `fill_limit` trades or `share_limit` shares of quotes that stood, within `window_us`, all of its quotes are pulled, until a
    mass quote says `reset`. Each side is an order; its client_order_id is the command's, "/", the number of its entry, and "b" or "a".
    """

    account: str
    entries: tuple[Quote, ...]
    self_trade_prevention: "SelfTradePrevention | None" = None
    fill_limit: int = 0
    share_limit: int = 0
    window_us: int = 0
    reset: bool = False
    lease: str = ""
    client_order_id: str = ""
    trading_date: int = 0

    def message(self, client_order_id: str, traceparent: str) -> tuple[pb.OrderCommand, pb.MassQuote]:
        if max(len(client_order_id), len(self.account), len(self.lease)) > NAME_LIMIT:
            raise ValueError(self)
        command = pb.OrderCommand()
        quote = command.mass_quote
        quote.account = self.account
        quote.client_order_id = client_order_id
        quote.trading_date = self.trading_date
        for one in self.entries:
            if len(one.symbol) > SYMBOL_LIMIT:
                raise ValueError(self)
            quote.entries.add(**{field.name: getattr(one, field.name) for field in fields(one)})
        quote.self_trade_prevention = self.self_trade_prevention or 0  # type: ignore[assignment]
        quote.fill_limit, quote.share_limit, quote.window_us = self.fill_limit, self.share_limit, self.window_us
        quote.reset, quote.lease, quote.traceparent = self.reset, self.lease, traceparent
        return command, quote
