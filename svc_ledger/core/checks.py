"""What is wrong with an account or a transfer, told from it and from what it is compared with; an empty result is well.

The order of checks is TigerBeetle's.
"""

from chassis.units import INT64_MAX
from svc_ledger.core.records import (
    BALANCING_CREDIT,
    BALANCING_DEBIT,
    CLOSING_CREDIT,
    CLOSING_DEBIT,
    CREDITS_MUST_NOT_EXCEED_DEBITS,
    DEBITS_MUST_NOT_EXCEED_CREDITS,
    ID_MAX,
    NANOSECONDS,
    NOT_IN_A_POST,
    PENDING,
    POST,
    POST_PART,
    VOID,
    Account,
    Transfer,
)


def account_exists(a: Account, known: Account) -> str:
    if a.flags != known.flags:
        return "exists_with_different_flags"
    differs = user_data_differs(a.user_data, known.user_data)
    if differs:
        return differs
    if a.ledger != known.ledger:
        return "exists_with_different_ledger"
    return "exists_with_different_code" if a.code != known.code else "exists"


def account_invalid(a: Account) -> str:
    both = DEBITS_MUST_NOT_EXCEED_CREDITS | CREDITS_MUST_NOT_EXCEED_DEBITS
    if a.flags & both == both:
        return "flags_are_mutually_exclusive"
    for name in ("debits_pending", "debits_posted", "credits_pending", "credits_posted"):
        if getattr(a, name):
            return f"{name}_must_be_zero"
    if not a.ledger:
        return "ledger_must_not_be_zero"
    return "" if a.code else "code_must_not_be_zero"


def transfer_invalid(t: Transfer) -> str:
    if not t.debit:
        return "debit_account_id_must_not_be_zero"
    if t.debit == ID_MAX:
        return "debit_account_id_must_not_be_int_max"
    if not t.credit:
        return "credit_account_id_must_not_be_zero"
    if t.credit == ID_MAX:
        return "credit_account_id_must_not_be_int_max"
    if t.credit == t.debit:
        return "accounts_must_be_different"
    if t.pending_id:
        return "pending_id_must_be_zero"
    if not t.flags & PENDING:
        if t.timeout:
            return "timeout_reserved_for_pending_transfer"
        if t.flags & (CLOSING_DEBIT | CLOSING_CREDIT):
            return "closing_transfer_must_be_pending"
    if not t.ledger:
        return "ledger_must_not_be_zero"
    return "" if t.code else "code_must_not_be_zero"


def finish_invalid(t: Transfer) -> str:
    if (t.flags & (POST | VOID | POST_PART)).bit_count() > 1 or t.flags & NOT_IN_A_POST:
        return "flags_are_mutually_exclusive"
    if not t.pending_id:
        return "pending_id_must_not_be_zero"
    if t.pending_id == ID_MAX:
        return "pending_id_must_not_be_int_max"
    if t.pending_id == t.id:
        return "pending_id_must_be_different"
    return "timeout_reserved_for_pending_transfer" if t.timeout else ""


def amount_to_finish(t: Transfer, remaining: int) -> int:
    if t.flags & VOID:
        return t.amount or remaining
    return remaining if t.flags & POST and t.amount == INT64_MAX else t.amount


def balanced(t: Transfer, debit: Account, credit: Account) -> int:
    amount = t.amount
    if t.flags & BALANCING_DEBIT:
        amount = min(amount, max(0, debit.credits_posted - debit.debits_posted - debit.debits_pending))
    if t.flags & BALANCING_CREDIT:
        amount = min(amount, max(0, credit.debits_posted - credit.credits_posted - credit.credits_pending))
    return amount


def overflows(t: Transfer, amount: int, debit: Account, credit: Account, timestamp: int) -> str:
    if t.flags & PENDING:
        if amount + debit.debits_pending > INT64_MAX:
            return "overflows_debits_pending"
        if amount + credit.credits_pending > INT64_MAX:
            return "overflows_credits_pending"
    if amount + debit.debits_posted > INT64_MAX:
        return "overflows_debits_posted"
    if amount + credit.credits_posted > INT64_MAX:
        return "overflows_credits_posted"
    if amount + debit.debits_pending + debit.debits_posted > INT64_MAX:
        return "overflows_debits"
    if amount + credit.credits_pending + credit.credits_posted > INT64_MAX:
        return "overflows_credits"
    return "overflows_timeout" if timestamp + t.timeout * NANOSECONDS > INT64_MAX else ""


def finish_exists(t: Transfer, known: Transfer, p: Transfer, parted: int) -> str:
    if t.debit and t.debit != known.debit:
        return "exists_with_different_debit_account_id"
    if t.credit and t.credit != known.credit:
        return "exists_with_different_credit_account_id"
    all_of_it = (t.flags & VOID and not t.amount) or (t.flags & POST and t.amount == INT64_MAX)
    if known.amount != (p.amount - parted if all_of_it else t.amount):
        return "exists_with_different_amount"
    a, b, c = (mine or theirs for mine, theirs in zip(t.user_data, p.user_data, strict=True))
    return user_data_differs((a, b, c), known.user_data) or class_differs(t, known, optional=True) or "exists"


def user_data_differs(asked: tuple[int, int, int], known: tuple[int, int, int]) -> str:
    for mine, theirs, bits in zip(asked, known, (128, 64, 32), strict=True):
        if mine != theirs:
            return f"exists_with_different_user_data_{bits}"
    return ""


def class_differs(t: Transfer, known: Transfer, *, optional: bool = False) -> str:
    if t.ledger != known.ledger and (t.ledger or not optional):
        return "exists_with_different_ledger"
    return "exists_with_different_code" if t.code != known.code and (t.code or not optional) else ""
