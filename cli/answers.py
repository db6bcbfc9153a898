"""From the exchange's answer to the terminal: exit codes, JSON, columns.

Exit codes: 0 done, 1 refused, or not done by every shard (or something is broken), 2 wrong usage or an unreadable file, 3 the
exchange cannot be reached.
"""

import asyncio
import json
import re
from collections.abc import Coroutine, Iterable, Sequence
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar

import click
from google.protobuf.message import Message

from bourse.types.v1 import market_pb2
from bourse_sdk.errors import PartlyDone, Refusal, Unreachable
from bourse_sdk.money import decimal_text
from chassis.units import CURRENCIES
from cli.machine import MachineError

PATIENCE_SECONDS = 5.0
INTEGER = re.compile(r"-?\d+")
PRICES = re.compile(r"\b(of|to|or|send) (-?\d+)(?![\w.])")  # Where they stand in what is said of a price.
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
T = TypeVar("T")


class Refused(click.ClickException):
    """The exchange said no."""

    exit_code = 1


class NotReached(click.ClickException):
    """No answer."""

    exit_code = 3


class Unreadable(click.ClickException):
    """A file that cannot be used; the message names line and column."""

    exit_code = 2


def answered(work: Coroutine[Any, Any, T]) -> T:
    """What `work` returns; what went wrong ends the command with its exit code."""
    try:
        return asyncio.run(work)
    except Refusal as refusal:
        raise Refused(in_units(refusal)) from None
    except PartlyDone as partly:
        raise Refused(str(partly)) from None
    except (Unreachable, MachineError) as error:
        raise NotReached(str(error)) from None


def in_units(refusal: Refusal) -> str:
    """What a refusal says, with prices and amounts of money as people write them here: the service's are in 1/10 000."""
    said, field, value = str(refusal), refusal.field, refusal.value
    needed = refusal.metadata.get("needed", "")
    is_price = field.endswith("_e4")
    is_money = refusal.metadata.get("asset") in CURRENCIES
    if is_price:
        said = said.replace(" in 1/10 000 of the currency", "").replace(f"({field}=", f"({field[:-3]}=")
        said = PRICES.sub(lambda found: f"{found[1]} {decimal_text(int(found[2]))}", said)
    if is_money and INTEGER.fullmatch(needed):
        said = said.replace(f": {needed} is needed", f": {decimal_text(int(needed))} is needed")
    if (is_price or (is_money and field == "amount")) and INTEGER.fullmatch(value):
        said = said.replace(repr(value), repr(decimal_text(int(value))))
    return said


def show(as_json: bool, value: Any, lines: Iterable[str]) -> None:
    """The value as JSON, or lines for people."""
    if as_json:
        click.echo(json.dumps(value, indent=2))
    else:
        for line in lines:
            click.echo(line)


def columns(head: Sequence[str], rows: Iterable[Sequence[object]]) -> list[str]:
    """Aligned columns, numbers to the right; the head alone when there is no row."""
    cells = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(len, column)) for column in zip(head, *cells, strict=True)]
    right = [bool(cells) and all(_is_number(row[index]) for row in cells) for index in range(len(head))]
    return [
        "  ".join(
            cell.rjust(width) if to_right else cell.ljust(width)
            for cell, width, to_right in zip(row, widths, right, strict=True)
        ).rstrip()
        for row in (head, *cells)
    ]


def as_value(message: Message) -> dict[str, Any]:
    """A message with all of its fields, under their names in the proto; integers stay integers, enums are names."""
    return {field.name: _field(message, field) for field in message.DESCRIPTOR.fields if _is_there(message, field)}


def word(enum: Any, number: int) -> str:
    """An enum value for people: SIDE_BUY is "buy"."""
    name: str = enum.Name(number)
    prefix = "".join(f"_{letter}" if letter.isupper() else letter.upper() for letter in enum.DESCRIPTOR.name)
    return name.removeprefix(prefix.lstrip("_") + "_").lower().replace("_", "-")


def phase_text(phase: market_pb2.Phase, auction: market_pb2.AuctionKind) -> str:
    """A phase, and what an auction is for."""
    kind = f" ({word(market_pb2.AuctionKind, auction)})" if auction else ""
    return word(market_pb2.Phase, phase) + kind


def done_by(step: market_pb2.Transition) -> str:
    """What a step of the calendar does: the phase that it sets, or that a date opens or closes."""
    if step.kind == market_pb2.TRANSITION_KIND_SET_PHASE:
        return phase_text(step.phase, step.auction)
    return word(market_pb2.TransitionKind, step.kind)


def moment(time_us: int) -> str:
    """A journal time, to the second, in UTC."""
    return f"{EPOCH + timedelta(microseconds=time_us):%Y-%m-%dT%H:%M:%SZ}"


def _is_there(message: Message, field: Any) -> bool:
    return not field.has_presence or message.HasField(field.name)


def _field(message: Message, field: Any) -> Any:
    value = getattr(message, field.name)
    if field.message_type is not None and field.message_type.GetOptions().map_entry:
        return dict(value)
    return [_value(field, item) for item in value] if _is_repeated(field) else _value(field, value)


def _is_repeated(field: Any) -> bool:
    repeated: bool = field.is_repeated
    return repeated


def _value(field: Any, value: Any) -> Any:
    if field.message_type is not None:
        return as_value(value)
    if field.enum_type is not None:
        return field.enum_type.values_by_number[value].name
    return value


def _is_number(text: str) -> bool:
    return text.removeprefix("-").replace(".", "", 1).replace(",", "").isdigit() or text == "-"
