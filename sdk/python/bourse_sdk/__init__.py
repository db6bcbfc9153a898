"""Clients of the Bourse exchange, asynchronous and synchronous.

    async with Client("api.bourse.example:443", token_file="broker.jwt") as client:
        result = await client.place("alpha/main", "ACME", Side.BUY, quantity=100, price_e4=e4("95.80"))

An order that was answered is on record. One whose answer was lost is sent again under its own identity and done once.
"""

from bourse_sdk.client import Client
from bourse_sdk.commands import (
    Cancel,
    Command,
    CommandResult,
    MassCancel,
    OrderType,
    Outcome,
    Peg,
    Place,
    PostOnly,
    Replace,
    SelfTradePrevention,
    ShardResult,
    Side,
    StopTrigger,
    TimeInForce,
)
from bourse_sdk.errors import BourseError, Identity, OutcomeUnknown, PartlyDone, Refusal, Unreachable
from bourse_sdk.money import decimal_text, e4
from bourse_sdk.operator import Operator
from bourse_sdk.quotes import MassQuote, Quote
from bourse_sdk.sync import SyncClient

__all__ = [
    "BourseError",
    "Cancel",
    "Client",
    "Command",
    "CommandResult",
    "Identity",
    "MassCancel",
    "MassQuote",
    "Operator",
    "OrderType",
    "Outcome",
    "OutcomeUnknown",
    "PartlyDone",
    "Peg",
    "Place",
    "PostOnly",
    "Quote",
    "Refusal",
    "Replace",
    "SelfTradePrevention",
    "ShardResult",
    "Side",
    "StopTrigger",
    "SyncClient",
    "TimeInForce",
    "Unreachable",
    "decimal_text",
    "e4",
]
