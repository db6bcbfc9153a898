"""`bourse watch`: a book, its trades, or a participant's orders, live."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Coroutine
from pathlib import Path
from typing import Any

import click
from rich.console import Console
from rich.live import Live
from rich.text import Text

from bourse.match.v1 import events_pb2
from bourse.order.v1 import order_pb2
from bourse.quote.v1 import quote_pb2
from bourse.types.v1 import market_pb2
from bourse_sdk.money import decimal_text
from chassis.units import order_id, shard_of
from cli.answers import answered, as_value, word
from cli.book import sides, status_text
from cli.market import member, staff, token_option
from cli.options import Number, home_option, json_option
from cli.statement import time_text

REFRESHES_PER_SECOND = 10
LEVELS = 10

seconds_option = click.option("--seconds", type=Number(0), help="End after this time. [default: at Ctrl-C]")
Print = Callable[[list[str]], None]


@click.group()
def watch() -> None:
    """A book, its trades, or a participant's orders, live: drawn in place on a terminal, plain lines elsewhere.

    \b
    Examples:
      bourse watch book ACME
      bourse watch trades ACME --json
      bourse watch orders alpha
    """


@watch.command("book")
@click.argument("symbol")
@seconds_option
@home_option
@json_option
def watch_book(symbol: str, seconds: float | None, home: Path, as_json: bool) -> None:
    """The book of SYMBOL, and how it trades, each time that either changes.

    \b
    Examples:
      bourse watch book ACME
      bourse watch book ACME --seconds 10 --json
    """

    async def work(draw: Print) -> None:
        async with staff(home) as operator:
            async for bids, asks, auction, status in books(operator.watch_depth(symbol)):
                if as_json:
                    value: dict[str, Any] = {
                        name: list(map(as_value, side)) for name, side in (("bids", bids), ("asks", asks))
                    }
                    value["status"] = as_value(status)
                    click.echo(json.dumps(value | ({"indicative": as_value(auction)} if auction else {})))
                else:
                    draw([f"{symbol}: {status_text(status)}", *sides(bids, asks, auction)])

    console = Console()
    if as_json or not console.is_terminal:
        live(work(lambda lines: click.echo("\n".join([*lines, ""]))), seconds)
        return
    with Live(console=console, refresh_per_second=REFRESHES_PER_SECOND) as screen:
        live(work(lambda lines: screen.update(Text("\n".join(lines)))), seconds)


@watch.command("trades")
@click.argument("symbol")
@seconds_option
@home_option
@json_option
def watch_trades(symbol: str, seconds: float | None, home: Path, as_json: bool) -> None:
    """Each trade of SYMBOL from now on, and each that is busted.

    \b
    Example:
      bourse watch trades ACME
    """

    async def follow(entries: AsyncIterator[quote_pb2.Trade] | AsyncIterator[quote_pb2.TradeBust]) -> None:
        async for entry in entries:
            click.echo(json.dumps(as_value(entry)) if as_json else tape_text(entry))

    async def work() -> None:
        async with staff(home) as operator:
            await asyncio.gather(follow(operator.watch_trades(symbol)), follow(operator.watch_busts(symbol)))

    live(work(), seconds)


@watch.command("orders")
@click.argument("participant")
@token_option
@seconds_option
@home_option
@json_option
def watch_orders(participant: str, token_file: Path | None, seconds: float | None, home: Path, as_json: bool) -> None:
    """Every event of the orders of PARTICIPANT: all of the past, then live (the drop copy).

    \b
    Example:
      bourse watch orders alpha
    """

    async def work() -> None:
        async with member(home, participant, token_file) as client:
            async for part in client.watch_orders():
                for update in part.updates:
                    click.echo(json.dumps(as_value(update)) if as_json else update_text(update))

    live(work(), seconds)


def live(work: Coroutine[Any, Any, None], seconds: float | None) -> None:
    """Runs until Ctrl-C, or for `seconds`."""

    async def limited() -> None:
        try:
            async with asyncio.timeout(seconds):
                await work
        except TimeoutError:
            return

    try:
        answered(limited())
    except KeyboardInterrupt:
        return


async def books(
    changes: AsyncIterator[quote_pb2.StreamDepthResponse],
) -> AsyncIterator[
    tuple[list[quote_pb2.Level], list[quote_pb2.Level], quote_pb2.Indicative | None, quote_pb2.TradingStatus]
]:
    """The best levels of both sides after each response, what an auction would do, and how the instrument trades."""
    bids: dict[int, quote_pb2.Level] = {}
    asks: dict[int, quote_pb2.Level] = {}
    async for change in changes:
        if change.snapshot:
            bids.clear()
            asks.clear()
        for side, levels in ((bids, change.bids), (asks, change.asks)):
            side.update({level.price_e4: level for level in levels})
            for level in levels:
                if not level.quantity:
                    del side[level.price_e4]
        best_bids = [bids[price] for price in sorted(bids, reverse=True)[:LEVELS]]
        auction = change.indicative if change.HasField("indicative") else None
        yield best_bids, [asks[price] for price in sorted(asks)[:LEVELS]], auction, change.status


def tape_text(entry: quote_pb2.Trade | quote_pb2.TradeBust) -> str:
    """A trade with its condition, or a bust, as a line."""
    if isinstance(entry, quote_pb2.TradeBust):
        return f"{time_text(entry.time_us)}  busted: the trade of sequence {entry.trade_sequence}"
    side = word(market_pb2.Side, entry.taker_side)
    condition = "  auction" * entry.auction
    return f"{time_text(entry.time_us)}  {decimal_text(entry.price_e4)}  {entry.quantity}  {side}{condition}"


def update_text(update: order_pb2.OrderUpdate) -> str:
    """One event of an order as a line."""
    kind = word(order_pb2.UpdateKind, update.kind)
    price = f" at {decimal_text(update.price_e4)}" if update.price_e4 else ""
    reasons = [update.refusal.reason] * update.HasField("refusal")
    reasons += [word(events_pb2.RestateReason, update.restate_reason)] * bool(update.restate_reason)
    reasons += [word(events_pb2.DoneReason, update.done_reason)] * bool(update.done_reason)
    reasons += ["auction"] * update.auction
    if update.trade_sequence:
        reasons.append(f"trade {order_id(shard_of(update.order_id), update.trade_sequence)}: {update.bust_reason}")
    reason = f" ({', '.join(reasons)})" if reasons else ""
    return (
        f"{time_text(update.time_us)}  {kind:<9}  order {update.order_id}  {update.account}  {update.symbol}  "
        f"{update.quantity}{price}, open {update.open_quantity}{reason}"
    )
