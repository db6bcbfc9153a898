"""`bourse date`: open, show and close the trading date."""

from pathlib import Path

import click

from bourse_sdk.operator import Operator
from cli.answers import Refused, answered, show
from cli.market import staff
from cli.opening import today
from cli.options import home_option, json_option

argument = click.argument("trading_date", type=click.IntRange(1, 99_999_999), required=False, metavar="[YYYYMMDD]")


@click.group()
def date() -> None:
    """Open, show and close the trading date, on all shards.

    \b
    Examples:
      bourse date open
      bourse date open 20260105
      bourse date show
      bourse date close
    """


@date.command("open")
@argument
@home_option
@json_option
def open_date(trading_date: int | None, home: Path, as_json: bool) -> None:
    """Open a trading date [default: today in UTC]. All instruments are closed until `bourse phase open`.

    \b
    Examples:
      bourse date open
      bourse date open 20260105
    """
    wanted = trading_date or today()

    async def work() -> dict[int, int]:
        async with staff(home) as operator:
            return await operator.open_date(wanted)

    sequences = answered(work())
    show(as_json, {"trading_date": wanted, "sequences": sequences}, [f"trading date {wanted} is open"])


@date.command("show")
@home_option
@json_option
def show_date(home: Path, as_json: bool) -> None:
    """The trading date that is open; it ends with 1 when none is.

    \b
    Example:
      bourse date show
    """

    async def work() -> int:
        async with staff(home) as operator:
            return await open_one(operator)

    found = answered(work())
    if not found:
        raise Refused("no trading date is open: open one with `bourse date open`")
    show(as_json, {"trading_date": found}, [str(found)])


@date.command("close")
@argument
@home_option
@json_option
def close_date(trading_date: int | None, home: Path, as_json: bool) -> None:
    """Close the trading date [default: the one that is open]. Every order that does not outlive it ends.

    \b
    Example:
      bourse date close
    """

    async def work() -> tuple[int, dict[int, int]]:
        async with staff(home) as operator:
            wanted = trading_date or await open_one(operator) or today()
            return wanted, await operator.close_date(wanted)

    closed, sequences = answered(work())
    show(as_json, {"trading_date": closed, "sequences": sequences}, [f"trading date {closed} is closed"])


async def open_one(operator: Operator) -> int:
    """The trading date that is open; 0 when none is."""
    return max((state.trading_date for state in (await operator.shard_states()).values()), default=0)
