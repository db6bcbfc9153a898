"""`bourse book`: the book of an instrument, by price."""

from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

import click

from bourse.quote.v1 import quote_pb2
from bourse.types.v1 import market_pb2
from bourse_sdk.money import decimal_text
from cli.answers import answered, as_value, columns, show, word
from cli.market import staff
from cli.options import home_option, json_option


@click.command()
@click.argument("symbol")
@click.option("--levels", type=click.IntRange(1, 10_000), default=10, show_default=True, help="Levels a side.")
@home_option
@json_option
def book(symbol: str, levels: int, home: Path, as_json: bool) -> None:
    """The book of SYMBOL by price, best first; in an auction, what it would trade.

    \b
    Examples:
      bourse book ACME
      bourse book ACME --levels 3 --json
    """

    async def work() -> quote_pb2.GetDepthResponse:
        async with staff(home) as operator:
            return await operator.depth(symbol, levels)

    depth = answered(work())
    auction = depth.indicative if depth.HasField("indicative") else None
    show(as_json, as_value(depth), sides(depth.bids, depth.asks, auction))


def auction_text(told: quote_pb2.Indicative) -> str:
    """What an auction would do, for people."""
    if not told.price_e4:
        return "auction: nothing would trade"
    surplus = f", {told.surplus_quantity} more to {word(market_pb2.Side, told.surplus_side)}" * bool(
        told.surplus_quantity
    )
    return f"auction: {told.quantity} at {decimal_text(told.price_e4)}{surplus}"


def sides(
    bids: Sequence[quote_pb2.Level], asks: Sequence[quote_pb2.Level], auction: quote_pb2.Indicative | None
) -> list[str]:
    """What an auction would do, and both sides next to each other."""
    head = [auction_text(auction)] if auction else []
    rows = []
    for bid, ask in zip_longest(bids, asks):
        left = (bid.orders, bid.quantity, decimal_text(bid.price_e4)) if bid else ("", "", "")
        right = (decimal_text(ask.price_e4), ask.quantity, ask.orders) if ask else ("", "", "")
        rows.append((*left, *right))
    return head + columns(("orders", "quantity", "bid", "ask", "quantity", "orders"), rows)
