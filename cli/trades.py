"""`bourse trades`: the last trades of an instrument."""

from pathlib import Path

import click

from bourse.quote.v1 import quote_pb2
from bourse.types.v1 import market_pb2
from bourse_sdk.money import decimal_text
from chassis.units import order_id
from cli.answers import answered, as_value, columns, show, word
from cli.market import staff
from cli.options import home_option, json_option
from cli.statement import time_text


@click.command()
@click.argument("symbol")
@click.option("--limit", type=click.IntRange(1), default=20, show_default=True, help="Most trades wanted.")
@home_option
@json_option
def trades(symbol: str, limit: int, home: Path, as_json: bool) -> None:
    """The last trades of SYMBOL, newest first, and the day's statistics.

    \b
    Examples:
      bourse trades ACME
      bourse trades ACME --limit 1000 --json
    """

    async def work() -> tuple[list[quote_pb2.Trade], quote_pb2.DayStatistics, int]:
        found: list[quote_pb2.Trade] = []
        async with staff(home) as operator:
            async for trade in operator.trades(symbol):
                found.append(trade)
                if len(found) == limit:
                    break
            day = await operator.statistics(symbol)
            listed = {entry.instrument.symbol: entry.instrument.shard for entry in await operator.instruments()}
            return found, day, listed[symbol]

    found, day, shard = answered(work())
    rows = [
        (
            time_text(trade.time_us),
            decimal_text(trade.price_e4),
            trade.quantity,
            word(market_pb2.Side, trade.taker_side),
            order_id(shard, trade.sequence),
            ", ".join(name for name in ("auction", "busted") if getattr(trade, name)),
        )
        for trade in found
    ]
    prices = {"open": day.open_price_e4, "high": day.high_price_e4, "low": day.low_price_e4, "last": day.last_price_e4}
    summary = ", ".join(f"{name} {decimal_text(price)}" for name, price in prices.items())
    show(
        as_json,
        {"trades": [as_value(trade) for trade in found], "statistics": as_value(day)},
        [
            *columns(("time", "price", "quantity", "taker", "trade", ""), rows),
            f"{summary}, volume {day.volume}, trades {day.trades}",
        ],
    )
