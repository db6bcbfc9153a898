"""`bourse instruments`: list instruments, load and change them from a YAML file, suspend and delist them."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import TypeAlias

import click

from bourse.match.v1 import match_pb2
from bourse.types.v1 import market_pb2
from bourse_sdk import Operator
from bourse_sdk.money import decimal_text
from cli.answers import Unreadable, answered, as_value, columns, phase_text, show, word
from cli.instruments.file import read_instruments
from cli.market import staff
from cli.options import RegularFile, home_option, json_option
from cli.yaml_file import FileError

Put: TypeAlias = Callable[[Operator, market_pb2.Instrument], Awaitable[int]]
HEAD = ("symbol", "currency", "listing", "phase", "tick", "lot", "lowest", "highest", "maker fee", "taker fee", "shard")


@click.group()
def instruments() -> None:
    """List instruments, load and change them from a YAML file, suspend and delist them.

    \b
    Examples:
      bourse instruments load docs/instruments.yaml
      bourse instruments list
      bourse phase closed BOLT && bourse instruments change docs/instruments.yaml BOLT
      bourse instruments suspend ACME
      bourse instruments resume ACME
    """


@instruments.command()
@click.argument("file", type=RegularFile())
@home_option
@json_option
def load(file: Path, home: Path, as_json: bool) -> None:
    """Add the instruments of FILE; those that are there already with the same fields stay. docs/instruments.yaml is an example.

    \b
    Example:
      bourse instruments load docs/instruments.yaml
    """

    _put(file, home, as_json, Operator.add_instrument)


@instruments.command()
@click.argument("file", type=RegularFile())
@click.argument("symbols", nargs=-1)
@home_option
@json_option
def change(file: Path, symbols: tuple[str, ...], home: Path, as_json: bool) -> None:
    """Give the instruments of FILE, or those SYMBOLS of it, the reference data that it says, while they are CLOSED.

    Ticks, lots and price limits stay while orders are open; symbol, currency and shard for ever.

    \b
    Examples:
      bourse instruments change docs/instruments.yaml
      bourse instruments change docs/instruments.yaml BOLT
    """
    _put(file, home, as_json, Operator.change_instrument, symbols)


def _put(file: Path, home: Path, as_json: bool, put: Put, symbols: tuple[str, ...] = ()) -> None:
    """Sends the instruments of a file, or some of them, and says which."""

    async def work() -> list[market_pb2.Instrument]:
        async with staff(home) as operator:
            found = read_instruments(file.read_bytes(), operator.shards)
            missing = set(symbols) - {instrument.symbol for instrument in found}
            if missing:
                raise FileError(None, f"{', '.join(sorted(missing))} is not in it")
            wanted = [instrument for instrument in found if instrument.symbol in symbols or not symbols]
            for instrument in wanted:
                await put(operator, instrument)
            return wanted

    try:
        done = answered(work())
    except FileError as error:
        raise Unreadable(f"{file}:{error}") from None
    lines = [f"{instrument.symbol} on shard {instrument.shard}" for instrument in done]
    show(as_json, [as_value(instrument) for instrument in done], lines)


@instruments.command()
@click.argument("symbol")
@home_option
@json_option
def suspend(symbol: str, home: Path, as_json: bool) -> None:
    """Suspend SYMBOL until it is resumed, on later dates too: it is halted, orders are rejected, cancels are taken.

    \b
    Example:
      bourse instruments suspend ACME
    """
    _list_as(symbol, market_pb2.LISTING_SUSPENDED, home, as_json)


@instruments.command()
@click.argument("symbol")
@home_option
@json_option
def resume(symbol: str, home: Path, as_json: bool) -> None:
    """List SYMBOL again, which was suspended. It stays halted or closed until `bourse phase open SYMBOL`.

    \b
    Example:
      bourse instruments resume ACME
    """
    _list_as(symbol, market_pb2.LISTING_LISTED, home, as_json)


@instruments.command()
@click.argument("symbol")
@home_option
@json_option
def delist(symbol: str, home: Path, as_json: bool) -> None:
    """Delist SYMBOL, which is CLOSED, for ever: its open orders are done, and the symbol is never used again.

    \b
    Example:
      bourse phase closed ACME && bourse instruments delist ACME
    """
    _list_as(symbol, market_pb2.LISTING_DELISTED, home, as_json)


def _list_as(symbol: str, listing: market_pb2.Listing, home: Path, as_json: bool) -> None:
    async def work() -> int:
        async with staff(home) as operator:
            return await operator.set_listing(symbol, listing)

    sequence = answered(work())
    said = word(market_pb2.Listing, listing)
    show(as_json, {"symbol": symbol, "listing": said, "sequence": sequence}, [f"{symbol}: {said}"])


@instruments.command("list")
@home_option
@json_option
def list_all(home: Path, as_json: bool) -> None:
    """All instruments with their phase, by symbol.

    \b
    Example:
      bourse instruments list
    """

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
        word(market_pb2.Listing, entry.listing),
        phase_text(entry.phase, entry.auction),
        decimal_text(instrument.tick_size_e4),
        instrument.lot_size,
        decimal_text(instrument.min_price_e4),
        decimal_text(instrument.max_price_e4),
        f"{instrument.maker_fee_e6 / 10_000:.4f} %",
        f"{instrument.taker_fee_e6 / 10_000:.4f} %",
        instrument.shard,
    )
