"""`bourse instruments`: list instruments, and load them from a YAML file."""

from pathlib import Path

import click

from bourse.match.v1 import match_pb2
from bourse.types.v1 import market_pb2
from bourse_sdk.money import decimal_text
from cli.answers import Unreadable, answered, as_value, columns, show, word
from cli.instruments.file import FileError, read_instruments
from cli.market import staff
from cli.options import RegularFile, home_option, json_option

HEAD = ("symbol", "currency", "phase", "tick", "lot", "lowest", "highest", "maker fee", "taker fee", "shard")


@click.group()
def instruments() -> None:
    """List instruments, and load them from a YAML file.

    \b
    Examples:
      bourse instruments load docs/instruments.yaml
      bourse instruments list
    """


@instruments.command()
@click.argument("file", type=RegularFile())
@home_option
@json_option
def load(file: Path, home: Path, as_json: bool) -> None:
    """Add the instruments of FILE; those that are there already with the same fields stay. docs/instruments.yaml is an example."""

    async def work() -> list[market_pb2.Instrument]:
        async with staff(home) as operator:
            found = read_instruments(file.read_bytes(), operator.shards)
            for instrument in found:
                await operator.add_instrument(instrument)
            return found

    try:
        added = answered(work())
    except FileError as error:
        raise Unreadable(f"{file}:{error}") from None
    lines = [f"{instrument.symbol} on shard {instrument.shard}" for instrument in added]
    show(as_json, [as_value(instrument) for instrument in added], lines)


@instruments.command("list")
@home_option
@json_option
def list_all(home: Path, as_json: bool) -> None:
    """All instruments with their phase, by symbol."""

    async def work() -> list[match_pb2.InstrumentState]:
        async with staff(home) as operator:
            return await operator.instruments()

    found = answered(work())
    show(as_json, [as_value(entry) for entry in found], columns(HEAD, map(row, found)))


def row(entry: match_pb2.InstrumentState) -> tuple[object, ...]:
    instrument = entry.instrument
    return (
        instrument.symbol,
        instrument.currency,
        word(market_pb2.Phase, entry.phase),
        decimal_text(instrument.tick_size_e4),
        instrument.lot_size,
        decimal_text(instrument.min_price_e4),
        decimal_text(instrument.max_price_e4),
        f"{instrument.maker_fee_e6 / 10_000:.4f} %",
        f"{instrument.taker_fee_e6 / 10_000:.4f} %",
        instrument.shard,
    )
