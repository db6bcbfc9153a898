"""Why a command was not done, as a value; and what each reason means to a caller."""

from typing import NamedTuple


class Refused(NamedTuple):
    """A refusal by the fields alone, or one that another service gave. `metadata` has field, value and fix."""

    reason: str
    message: str
    metadata: dict[str, str]


def refused(reason: str, message: str, *, field: str, value: object, fix: str) -> Refused:
    """A refusal that names the field, what was in it, and what to do."""
    return Refused(reason, message, {"field": field, "value": str(value), "fix": fix})


# The status of each reason, by gRPC's names; the reasons of one command are those of bourse/order/v1/order.proto.
STATUS_OF: dict[str, str] = {
    **dict.fromkeys(
        (
            "CLIENT_ORDER_ID_INVALID",
            "ACCOUNT_INVALID",
            "TRADING_DATE_INVALID",
            "SYMBOL_INVALID",
            "SIDE_INVALID",
            "ORDER_TYPE_INVALID",
            "TIME_IN_FORCE_INVALID",
            "PRICE_INVALID",
            "PRICE_OFF_TICK",
            "PRICE_OUT_OF_LIMITS",
            "QUANTITY_INVALID",
            "QUANTITY_OFF_LOT",
            "QUANTITY_OUT_OF_LIMITS",
            "AMOUNT_INVALID",
            "NOTIONAL_OVERFLOW",
            "NOTIONAL_OUT_OF_LIMITS",
            "ORDER_NAME_INVALID",
            "STOP_PRICE_INVALID",
            "STOP_TRIGGER_INVALID",
            "DISPLAY_QUANTITY_INVALID",
            "HIDDEN_INVALID",
            "POST_ONLY_INVALID",
            "MINIMUM_QUANTITY_INVALID",
            "SELF_TRADE_PREVENTION_INVALID",
            "TRAILING_INVALID",
            "STOP_LIMIT_PRICE_INVALID",
            "PEG_INVALID",
            "EXPIRE_DATE_INVALID",
            "EXPIRE_TIME_INVALID",
            "TRACEPARENT_INVALID",
            "COMMAND_MISSING",
            "LEASE_INVALID",
            "QUOTE_INVALID",
            "MAKER_PROTECTION_INVALID",
            "BATCH_TOO_LARGE",
            "PAGE_TOKEN_INVALID",
            "PAGE_TOO_LARGE",
            "FILTER_INVALID",
            "SEQUENCE_INVALID",
        ),
        "INVALID_ARGUMENT",
    ),
    **dict.fromkeys(("SYMBOL_UNKNOWN", "ACCOUNT_UNKNOWN", "ORDER_UNKNOWN"), "NOT_FOUND"),
    "CLIENT_ORDER_ID_REUSED": "ALREADY_EXISTS",
    **dict.fromkeys(
        (
            "TRADING_DATE_WRONG",
            "FUNDS_INSUFFICIENT",
            "MARKET_CLOSED",
            "MARKET_HALTED",
            "PRICE_OUTSIDE_COLLAR",
            "INSTRUMENT_SUSPENDED",
            "INSTRUMENT_DELISTED",
            "ORDER_FINISHED",
            "QUANTITY_BELOW_EXECUTED",
            "HOLD_TOO_SMALL",
            "POST_ONLY_WOULD_TRADE",
            "MARKET_IN_AUCTION",
            "MARKET_NOT_IN_AUCTION",
            "EXPIRE_TIME_PAST",
            "PARTICIPANT_KILLED",
            "LEASE_UNKNOWN",
            "MAKER_PROTECTION_ACTIVE",
            "ORDER_IS_QUOTE",
            "INCARNATION_CHANGED",
        ),
        "FAILED_PRECONDITION",
    ),
    **dict.fromkeys(
        (
            "IDENTITY_LIMIT",
            "LEASE_LIMIT",
            "QUOTE_LIMIT",
            "ORDER_RATE_EXCEEDED",
            "SESSION_LIMIT",
            "STREAM_LIMIT",
            "TRAILING_LIMIT",
            "PEGGED_LIMIT",
            "HIDDEN_LIMIT",
        ),
        "RESOURCE_EXHAUSTED",
    ),
    "ACCOUNT_NOT_YOURS": "PERMISSION_DENIED",
    "SEQUENCE_AHEAD": "OUT_OF_RANGE",
    "SEQUENCE_NOT_REACHED": "DEADLINE_EXCEEDED",
    **dict.fromkeys(
        (
            "NOT_READY",
            "LEDGER_DOWN",
            "MATCH_DOWN",
            "OUTCOME_OPEN",
            "DATABASE_DOWN",
            "ASSET_UNKNOWN",  # The ledger has not come to where the instrument was added.
            "SETTLEMENT_STOPPED",
        ),
        "UNAVAILABLE",
    ),
    "HOLD_INVALID": "INTERNAL",  # What is checked here is never so.
    "REFUSAL_DAMAGED": "INTERNAL",
}


class Unavailable(Exception):
    """It cannot be done now, or its outcome is open: send it again. Never a refusal of the command.

    `shard` is the one that it is about, if what is asked of others can be done.
    """

    def __init__(
        self, reason: str, message: str, fix: str = "send it again, in order", *, shard: int | None = None
    ) -> None:
        super().__init__(message)
        self.shard = shard
        self.refused = Refused(reason, message, {"fix": fix})
