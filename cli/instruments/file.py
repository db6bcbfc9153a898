"""The YAML file of instruments: what is in it, or the line and column of what cannot be."""

import zlib
from collections.abc import Mapping, Sequence
from typing import Any

import yaml

from bourse.types.v1 import market_pb2
from bourse_sdk.money import e4
from chassis.units import CURRENCIES
from cli.market import shares
from cli.yaml_file import FileError, composed, fields_of, list_of

REQUIRED = ("symbol", "currency", "tick_size", "max_price", "max_quantity")
MONEY = ("tick_size", "min_price", "max_price", "max_notional", "reference_price")
BAND = ("price_from", "tick_size")
COUNTS = (
    "lot_size",
    "max_quantity",
    "maker_fee_e6",
    "taker_fee_e6",
    "shard",
    "market_protection_bp",
    "static_collar_bp",
    "dynamic_collar_bp",
    "volatility_auction_us",
    "limit_band_bp",
    "limit_interval_us",
    "limit_state_us",
    "limit_pause_us",
)
WORDS = ("symbol", "currency")
LISTS = ("tick_bands",)


def read_instruments(data: bytes, shards: Sequence[int]) -> list[market_pb2.Instrument]:
    """The instruments of a file. Without `shard` an instrument goes to crc32(symbol) modulo the number of shards.

    Raises FileError.
    """
    found: dict[str, market_pb2.Instrument] = {}
    for node in _items(composed(data)):
        instrument = _instrument(node, shards)
        if instrument.symbol in found:
            raise FileError(node.start_mark, f"{instrument.symbol} is in the file twice")
        found[instrument.symbol] = instrument
    return list(found.values())


def _items(root: yaml.Node | None) -> list[yaml.Node]:
    """The entries below `instruments:`."""
    fields = fields_of(root, ("instruments",)) if root is not None else {}
    entries = fields.get("instruments")
    if not isinstance(entries, yaml.SequenceNode):
        mark = entries.start_mark if entries is not None else None
        raise FileError(mark, "a list under the key `instruments` is needed")
    nodes: list[yaml.Node] = entries.value
    return nodes


def _instrument(node: yaml.Node, shards: Sequence[int]) -> market_pb2.Instrument:
    fields = fields_of(node, WORDS + MONEY + COUNTS + LISTS, REQUIRED)
    bands = [_band(band) for band in list_of(fields.pop("tick_bands", None))]
    values = {name: _value(name, field) for name, field in fields.items()}
    symbol = values["symbol"]
    shard = values.get("shard", shards[zlib.crc32(symbol.encode()) % len(shards)])
    if shard not in shards:
        raise FileError(fields["shard"].start_mark, f"there is no shard {shard}; there are {list(shards)}")
    instrument = _checked(values, fields, shard)
    instrument.tick_bands.extend(bands)
    return instrument


def _band(node: yaml.Node) -> market_pb2.TickBand:
    fields = fields_of(node, BAND, BAND)
    values = {name: _value(name, field) for name, field in fields.items()}
    _require_carried(values, fields)
    return market_pb2.TickBand(price_from_e4=values["price_from"], tick_size_e4=values["tick_size"])


def _require_carried(values: Mapping[str, Any], fields: Mapping[str, yaml.Node]) -> None:
    for name, value in values.items():
        limit = 2 ** (31 if name.endswith("_bp") else 63)
        if isinstance(value, int) and not 0 <= value < limit:
            raise FileError(fields[name].start_mark, f"`{name}` is out of range")


def _checked(values: Mapping[str, Any], fields: Mapping[str, yaml.Node], shard: int) -> market_pb2.Instrument:
    """Ranges are the exchange's to refuse; a number that no message can carry, and what is no currency, is found here."""
    _require_carried(values, fields)
    symbol, currency = values["symbol"], values["currency"]
    if symbol in CURRENCIES:
        raise FileError(
            fields["symbol"].start_mark,
            f"{symbol} is a currency: give the ticker its market's suffix, such as {symbol}.O",
        )
    if currency not in CURRENCIES:
        raise FileError(fields["currency"].start_mark, f"{currency!r} is no currency of ISO 4217")
    given = {"lot_size": 1, "min_price": values["tick_size"], **values, "shard": shard}
    return market_pb2.Instrument(**{f"{name}_e4" if name in MONEY else name: value for name, value in given.items()})


def _value(name: str, node: yaml.Node) -> Any:
    """The text of the scalar, not YAML's reading of it: 0.10 stays a decimal, NO a word."""
    if not isinstance(node, yaml.ScalarNode):
        raise FileError(node.start_mark, f"`{name}` needs one value")
    text: str = node.value
    try:
        if name in MONEY + BAND:
            return e4(text)
        return shares(text.replace("_", "")) if name in COUNTS else text
    except ValueError:
        kind = "a decimal with at most 4 places" if name in MONEY + BAND else "a whole number"
        raise FileError(node.start_mark, f"`{name}` is {text!r}; {kind} is needed") from None
