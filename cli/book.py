"""`bourse book`: the book of an instrument, by price."""

from collections.abc import Sequence
from itertools import zip_longest
from pathlib import Path

import click

from bourse.quote.v1 import quote_pb2
from bourse.types.v1 import market_pb2
from bourse_sdk.money import decimal_text
from cli.answers import answered, as_value, columns, done_by, moment, phase_text, show, word
from cli.market import staff
from cli.options import home_option, json_option


@click.command()
@click.argument("symbol")
@click.option("--levels", type=click.IntRange(1, 10_000), default=10, show_default=True, help="Levels a side.")
@home_option
@json_option
def book(symbol: str, levels: int, home: Path, as_json: bool) -> None:
    """The book of SYMBOL by price, best first, and how it trades: phase, price bands, in an auction what it would do, and what the
    calendar does next.

    \b
    Examples:
      bourse book ACME
      bourse book ACME --levels 3 --json
    """

    async def work() -> tuple[quote_pb2.GetDepthResponse, list[market_pb2.Transition]]:
        async with staff(home) as operator:
            depth = await operator.depth(symbol, levels)
            entries = [entry for entry in await operator.instrument_statuses() if entry.instrument.symbol == symbol]
            return depth, [entry.next_transition for entry in entries if entry.HasField("next_transition")]

    depth, steps = answered(work())
    auction = depth.indicative if depth.HasField("indicative") else None
    status = ", ".join([status_text(depth.status), *map(next_text, steps)])
    value = as_value(depth) | ({"next_transition": as_value(steps[0])} if steps else {})
    show(as_json, value, [status, *sides(depth.bids, depth.asks, auction)])


def status_text(told: quote_pb2.TradingStatus) -> str:
    """Whether and how an instrument trades, for people."""
    text = phase_text(told.phase, told.auction)
    if told.listing != market_pb2.LISTING_LISTED:
        text += f", {word(market_pb2.Listing, told.listing)}"
    if told.HasField("price_bands"):
        bands = told.price_bands
        text += f", trades from {decimal_text(bands.lower_price_e4)} to {decimal_text(bands.upper_price_e4)}"
    limits = {market_pb2.SIDE_BUY: ", limit up", market_pb2.SIDE_SELL: ", limit down"}
    return text + limits.get(told.price_bands.limit_side, "")


def next_text(step: market_pb2.Transition) -> str:
    """What the calendar does next, for people."""
    later = f", or up to {step.random_end_us / 1e6:g} s later" if step.random_end_us else ""
    return f"next {done_by(step)} at {moment(step.time_us)}{later}"


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
