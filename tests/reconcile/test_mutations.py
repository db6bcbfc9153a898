"""Every field of every export, and of every event, is compared: change any one, and a break is found."""

from collections.abc import Iterator
from typing import Any

import pytest
from google.protobuf.message import Message

from tests.reconcile.test_fold import Day

# What nothing else in the exchange can confirm, and why.
FREE = {
    "OpenHold.hold_id": "the ledger's own number",
    "OpenHold.deadline_us": "of no meaning once a hold is bound",
    "OpenHold.shard": "of no meaning once a hold is bound",
    "ExecutionBatch.epoch": "is for the journal's writer to check",
    "ExecutionBatch.time_us": "only times of orders and trades are told to anyone else",
    "OrderAccepted.hold_id": "the ledger's own number: its hold is known by the order",
    "OrderAccepted.amount_e4": "counts for a market buy while it is open",
    "OrderAccepted.held_price_e4": "counts while the order is open",
    "OrderAccepted.held_fee_e6": "counts while the order is open",
    "StoredUpdates.last_sequence": "svc_order's own cut, within which all updates are",
    "MarketDataBatch.incarnation": "the private events have it too",
    "MarketDataBatch.epoch": "is for the journal's writer to check",
    "MarketDataBatch.time_us": "only times of trades are told to anyone else",
    "MarketDataBatch.last_sequence": "too long a last row is seen where the next one begins",
    "MarketDataBatch.symbol": "of a message without events",
    "MarketDataBatch.first_symbol_sequence": "of a message without events",
    "LevelChanged.quantity": "of a level that changes again later",
    "LevelChanged.orders": "of a level that changes again later",
}


def fields(message: Message, path: str = "") -> Iterator[tuple[str, Message, Any]]:
    """Every field of the message and of those in it that holds one value, with its path."""
    for field in message.DESCRIPTOR.fields:
        here = f"{path}.{field.name}"
        if field.message_type is None:
            if not field.is_repeated and field.containing_oneof is None:
                yield here, message, field
        elif field.is_repeated:
            for number, part in enumerate(getattr(message, field.name)):
                yield from fields(part, f"{here}[{number}]")
        elif message.HasField(field.name):
            yield from fields(getattr(message, field.name), here)


def mutate(message: Message, field: Any) -> None:
    value: Any = getattr(message, field.name)
    match value:
        case bool():
            other: Any = not value
        case str():
            other = value + "x"
        case bytes():
            other = value[:-1] + bytes([value[-1] ^ 1])
        case _:
            other = value + 1
    setattr(message, field.name, other)


def parts(day: Day) -> dict[str, Message]:
    """Whatever a day is told by."""
    journal = {f"private {number}": batch for number, batch in enumerate(day.journal.batches)}
    public = {f"public {number}": batch for number, batch in enumerate(day.journal.public)}
    told = {f"told {number}": update for number, update in enumerate(day.told)}
    return {"ledger": day.ledger, "history": day.history, "quotes": day.quotes, **journal, **public, **told}


ALL = [
    (name, path, f"{message.DESCRIPTOR.name}.{field.name}")
    for name, part in parts(Day()).items()
    for path, message, field in fields(part)
]


@pytest.mark.parametrize(("name", "path", "field_name"), ALL, ids=[f"{name}{path}" for name, path, _ in ALL])
def test_a_field_that_is_changed_is_found(name: str, path: str, field_name: str) -> None:
    """A single field is changed, and is found, or is listed as one that nothing can confirm."""
    day = Day()
    message, field = next((message, field) for here, message, field in fields(parts(day)[name]) if here == path)
    mutate(message, field)
    if name.startswith("told"):
        day.store(*day.told)
    assert day.reconcile().found or field_name in FREE
