"""Accounts and transfers as TigerBeetle records them, with their flags."""

from dataclasses import dataclass
from typing import TypeAlias

from chassis.units import INT64_MAX

Id: TypeAlias = int | str | tuple[str, str]
ID_MAX: Id = INT64_MAX
NANOSECONDS = 1_000_000_000

# Flags of accounts and of transfers.
LINKED = 1
DEBITS_MUST_NOT_EXCEED_CREDITS = 2
CREDITS_MUST_NOT_EXCEED_DEBITS = 4
HISTORY = 8
CLOSED = 32
ACCOUNT_FLAGS = LINKED | DEBITS_MUST_NOT_EXCEED_CREDITS | CREDITS_MUST_NOT_EXCEED_DEBITS | HISTORY | CLOSED
PENDING = 2
POST = 4
VOID = 8
BALANCING_DEBIT = 16
BALANCING_CREDIT = 32
CLOSING_DEBIT = 64
CLOSING_CREDIT = 128
POST_PART = 1024
TRANSFER_FLAGS = 255 | POST_PART
NOT_IN_A_POST = PENDING | BALANCING_DEBIT | BALANCING_CREDIT | CLOSING_DEBIT | CLOSING_CREDIT

CREATED = "created"
# Results that depend on the state of the ledger: the transfer's id is used up all the same.
TRANSIENT = frozenset(
    {
        "debit_account_not_found",
        "credit_account_not_found",
        "pending_transfer_not_found",
        "exceeds_credits",
        "exceeds_debits",
        "debit_account_already_closed",
        "credit_account_already_closed",
    }
)


@dataclass(slots=True)
class Account:
    """A ledger account and its balances, in the unit of its ledger (the asset)."""

    id: Id
    ledger: Id
    code: int = 1
    flags: int = 0
    debits_pending: int = 0
    debits_posted: int = 0
    credits_pending: int = 0
    credits_posted: int = 0
    user_data: tuple[int, int, int] = (0, 0, 0)
    reserved: int = 0
    timestamp: int = 0


@dataclass(slots=True)
class Transfer:
    """A transfer as asked for; once created, `amount` is what moved. Times in nanoseconds, `timeout` in seconds."""

    id: Id
    debit: Id
    credit: Id
    amount: int
    ledger: Id
    pending_id: Id = 0
    flags: int = 0
    code: int = 1
    timeout: int = 0
    user_data: tuple[int, int, int] = (0, 0, 0)
    timestamp: int = 0


@dataclass(slots=True)
class Pending:
    """What became of a pending transfer: "pending", "posted" or "voided", what it still reserves, and what parts posted of it."""

    status: str
    remaining: int
    parted: int = 0
