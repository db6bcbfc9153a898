"""`bourse calendar`: set and show what the exchange does by itself: dates, phases and auctions by the clock."""

from pathlib import Path

import click

from bourse.match.v1 import match_pb2
from bourse.types.v1 import market_pb2
from cli.answers import Unreadable, answered, as_value, columns, done_by, moment, show
from cli.calendar.file import read_calendar
from cli.market import staff
from cli.options import RegularFile, home_option, json_option
from cli.yaml_file import FileError

HEAD = ("time", "date", "what", "random end")
SHOWN = 12


@click.group()
def calendar() -> None:
    """Set and show the calendar: when dates open and close, and when the phases change.

    \b
    Examples:
      bourse calendar set docs/calendar.yaml
      bourse calendar show
      bourse calendar remove
    """


@calendar.command("set")
@click.argument("file", type=RegularFile())
@home_option
@json_option
def set_calendar(file: Path, home: Path, as_json: bool) -> None:
    """Set the calendar of FILE on all shards, in the place of the one before. docs/calendar.yaml is an example.

    What is over is passed over. A calendar that stopped, because a step was missed, goes on when it is set again.

    \b
    Example:
      bourse calendar set docs/calendar.yaml
    """
    try:
        seed, steps = read_calendar(file.read_bytes())
    except FileError as error:
        raise Unreadable(f"{file}:{error}") from None

    async def work() -> dict[int, int]:
        async with staff(home) as operator:
            return await operator.set_calendar(steps, seed)

    sequences = answered(work())
    dates = len({step.trading_date for step in steps})
    value = {"dates": dates, "transitions": len(steps), "sequences": sequences}
    show(as_json, value, [f"{dates} dates, {len(steps)} transitions"])


@calendar.command("remove")
@home_option
@json_option
def remove(home: Path, as_json: bool) -> None:
    """Remove the calendar: from now on dates and phases are an operator's. What is open stays so.

    \b
    Example:
      bourse calendar remove
    """

    async def work() -> dict[int, int]:
        async with staff(home) as operator:
            return await operator.remove_calendar()

    show(as_json, {"sequences": answered(work())}, ["there is no calendar"])


@calendar.command("show")
@click.option("--limit", type=click.IntRange(1), default=SHOWN, show_default=True, help="Most steps wanted of a shard.")
@home_option
@json_option
def show_calendar(limit: int, home: Path, as_json: bool) -> None:
    """What the calendar does next, and whether it stopped.

    \b
    Examples:
      bourse calendar show
      bourse calendar show --limit 3
    """

    async def work() -> dict[int, match_pb2.GetCalendarResponse]:
        async with staff(home) as operator:
            return await operator.calendars()

    lines = []
    values = {}
    for shard, found in answered(work()).items():
        steps = list(found.transitions)[:limit]
        values[shard] = {"stopped": found.stopped, "transitions": [as_value(step) for step in steps]}
        lines.append(f"shard {shard}: {'stopped' if found.stopped else 'runs' if steps else 'none'}")
        lines += columns(HEAD, map(row, steps)) if steps else []
    show(as_json, values, lines)


def row(step: market_pb2.Transition) -> tuple[object, ...]:
    """A step under HEAD."""
    random_end = f"{step.random_end_us / 1e6:g} s" if step.random_end_us else ""
    return moment(step.time_us), step.trading_date, done_by(step), random_end
