"""Requests from values, of which some fit in no message: those are refused here, as the exchange would refuse them."""

from collections.abc import Callable
from enum import IntEnum
from typing import ParamSpec, TypeVar

import grpc

from bourse_sdk.errors import Refusal

P = ParamSpec("P")
M = TypeVar("M")

REASONS = {  # As the services themselves have them; where they have none, it is no message.
    "account": "ACCOUNT_INVALID",
    "client_order_id": "CLIENT_ORDER_ID_INVALID",
    "trading_date": "TRADING_DATE_INVALID",
    "symbol": "SYMBOL_INVALID",
    "symbols": "SYMBOL_INVALID",
    "side": "SIDE_INVALID",
    "type": "ORDER_TYPE_INVALID",
    "time_in_force": "TIME_IN_FORCE_INVALID",
    "price_e4": "PRICE_OUT_OF_LIMITS",
    "quantity": "QUANTITY_OUT_OF_LIMITS",
    "amount_e4": "AMOUNT_INVALID",
    "stop_price_e4": "PRICE_OUT_OF_LIMITS",
    "stop_trigger": "STOP_TRIGGER_INVALID",
    "display_quantity": "DISPLAY_QUANTITY_INVALID",
    "hidden": "HIDDEN_INVALID",
    "post_only": "POST_ONLY_INVALID",
    "minimum_quantity": "MINIMUM_QUANTITY_INVALID",
    "self_trade_prevention": "SELF_TRADE_PREVENTION_INVALID",
    "stop_limit_price_e4": "PRICE_OUT_OF_LIMITS",
    "peg": "PEG_INVALID",
    "peg_offset_e4": "PEG_INVALID",
    "trailing_amount_e4": "TRAILING_INVALID",
    "trailing_bp": "TRAILING_INVALID",
    "expire_date": "EXPIRE_DATE_INVALID",
    "expire_time_us": "EXPIRE_TIME_INVALID",
    "bid_price_e4": "PRICE_OUT_OF_LIMITS",
    "bid_quantity": "QUANTITY_OUT_OF_LIMITS",
    "ask_price_e4": "PRICE_OUT_OF_LIMITS",
    "ask_quantity": "QUANTITY_OUT_OF_LIMITS",
    "lease": "LEASE_INVALID",
    "fill_limit": "MAKER_PROTECTION_INVALID",
    "share_limit": "MAKER_PROTECTION_INVALID",
    "window_us": "MAKER_PROTECTION_INVALID",
    "order_id": "ORDER_NAME_INVALID",
    "original_client_order_id": "ORDER_NAME_INVALID",
    "amount": "AMOUNT_INVALID",
    "asset": "ASSET_INVALID",
    "transfer_id": "TRANSFER_ID_INVALID",
    "phase": "PHASE_INVALID",
    "min_sequence": "SEQUENCE_INVALID",
    "from_sequence": "SEQUENCE_INVALID",
    "to_sequence": "SEQUENCE_INVALID",
    "after_symbol_sequence": "SEQUENCE_INVALID",
}
OTHERWISE = "MALFORMED_MESSAGE"
NAME_LIMIT = 36  # characters
SYMBOL_LIMIT = 12
SHOWN_BITS = 256
SHOWN_CHARACTERS = 64


def make(kind: Callable[P, M], *_: P.args, **values: P.kwargs) -> M:
    """The request of these fields. Raises Refusal for a number beyond its field's range, or text that is no Unicode."""
    try:
        return kind(*_, **values)
    except ValueError:
        for field, value in values.items():
            if not _carries(kind, field, value):
                raise unsendable(field, value) from None
        raise


def _carries(kind: Callable[..., object], field: str, value: object) -> bool:
    try:
        kind(**{field: value})
    except ValueError:
        return False
    return True


def unsendable(field: str, value: object, wanted: type[IntEnum] | None = None, *, place: str = "") -> Refusal:
    """Says why no message can carry the value; `wanted` are the values that the field takes, if it has few, `place` where it is."""
    if isinstance(value, int):
        shown = str(value) if value.bit_length() <= SHOWN_BITS else f"a number of {value.bit_length()} bits"
        message, fix = "no message can carry this number", "send a number within the limits"
    else:
        shown = _shown(value if isinstance(value, str) else repr(value))
        message, fix = "this is no text", "send valid Unicode"
    if wanted is not None:
        message, fix = f"this is no {wanted.__name__}", "send " + " or ".join(map(_written, wanted))
    return _refusal(field, shown, message, fix, place)


def too_long(field: str, text: str, limit: int, *, place: str = "") -> Refusal:
    """Says that the text is longer than the exchange takes."""
    return _refusal(field, _shown(text), f"it has {len(text)} characters", f"send at most {limit}", place)


def _written(member: IntEnum) -> str:
    return f"{type(member).__name__}.{member.name}"


def _shown(text: str) -> str:
    return text[:SHOWN_CHARACTERS].encode("ascii", "backslashreplace").decode()


def _refusal(field: str, shown: str, message: str, fix: str, place: str = "") -> Refusal:
    metadata = {"field": place + field, "value": shown, "fix": fix}
    return Refusal(REASONS.get(field, OTHERWISE), message, metadata, code=grpc.StatusCode.INVALID_ARGUMENT)
