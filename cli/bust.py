"""`bourse bust`: take back a trade of the open trading date."""

from pathlib import Path

import click

from bourse_sdk.money import INT64_MAX
from cli.answers import answered, show
from cli.market import staff
from cli.options import home_option, json_option


@click.command()
@click.argument("trade", type=click.IntRange(1, INT64_MAX))
@click.option("--reason", required=True, help="Why, for both sides to read; at most 200 characters.")
@home_option
@json_option
def bust(trade: int, reason: str, home: Path, as_json: bool) -> None:
    """Bust TRADE, whose number `bourse trades` and `bourse statement` show.

    Money, shares and fees of both sides go back, the statistics count it no more, and both sides are told. The orders stay as they are.

    \b
    Examples:
      bourse bust 17 --reason "clearly erroneous price"
    """

    async def work() -> int:
        async with staff(home) as operator:
            return await operator.bust_trade(trade, reason)

    sequence = answered(work())
    show(as_json, {"trade_id": trade, "sequence": sequence}, [f"trade {trade} is busted"])
