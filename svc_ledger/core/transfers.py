"""Accounts and transfers as TigerBeetle defines them: names of results, order of checks, linked chains, two phases.

Source: TigerBeetle's reference (create_accounts, create_transfers), with int64's maximum for its 128-bit one.
Not taken over: imported events, history, expiry of timeouts. Ours: OPEN_CREDIT (a pending transfer whose credit side is
named when it is posted) and POST_PART (posts a part to a named account, releases another, the rest stays pending).
"""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field
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
OPEN_CREDIT = 1024
POST_PART = 2048
TRANSFER_FLAGS = 255 | OPEN_CREDIT | POST_PART
NOT_IN_A_POST = PENDING | BALANCING_DEBIT | BALANCING_CREDIT | CLOSING_DEBIT | CLOSING_CREDIT | OPEN_CREDIT

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
    release: int = 0
    code: int = 1
    timeout: int = 0
    user_data: tuple[int, int, int] = (0, 0, 0)
    timestamp: int = 0


@dataclass(slots=True)
class Pending:
    """What became of a pending transfer: "pending", "posted" or "voided", and what it still reserves."""

    status: str
    remaining: int


@dataclass(slots=True)
class Ledger:
    """Balances and known transfers that a batch is decided over, and what it changed: `created` in order, `failed` ids.

    The caller hands in every account, and every transfer (with its pending state), that the batch may name.
    """

    accounts: dict[Id, Account] = field(default_factory=dict)
    transfers: dict[Id, Transfer] = field(default_factory=dict)
    pending: dict[Id, Pending] = field(default_factory=dict)
    already_failed: set[Id] = field(default_factory=set)
    created: list[Transfer] = field(default_factory=list)
    failed: list[Id] = field(default_factory=list)
    _undo: list[Callable[[], object]] | None = None

    def create_accounts(self, events: Sequence[Account], timestamp: int = 1) -> list[str]:
        """Creates accounts; one result an event, in order."""
        return self._execute(events, timestamp, self._create_account)

    def create_transfers(self, events: Sequence[Transfer], timestamp: int = 1) -> list[str]:
        """Applies transfers at `timestamp` (of the last one); one result an event, in order."""
        return self._execute(events, timestamp, self._create_transfer)

    def _execute(self, events: Sequence, timestamp: int, create: Callable) -> list[str]:  # type: ignore[type-arg]
        results: list[str] = []
        chain = -1
        broken = False
        last = len(events) - 1
        for index, event in enumerate(events):
            linked = event.flags & LINKED
            if linked and chain < 0:
                chain, self._undo = index, []
            if linked and index == last:
                result = "linked_event_chain_open"
            elif broken:
                result = "linked_event_failed"
            elif event.timestamp:
                result = "timestamp_must_be_zero"
            else:
                result = create(event, timestamp - last + index)
            if result != CREATED:
                if chain >= 0 and not broken:
                    broken = True
                    self._roll_back()
                    results[chain:] = ["linked_event_failed"] * (index - chain)
                if result in TRANSIENT and event.id not in self.already_failed:
                    self.already_failed.add(event.id)
                    self.failed.append(event.id)
            results.append(result)
            if chain >= 0 and (not linked or result == "linked_event_chain_open"):
                chain, broken, self._undo = -1, False, None
        return results

    def _roll_back(self) -> None:
        assert self._undo is not None
        for undo in reversed(self._undo):
            undo()
        self._undo = None

    def _create_account(self, a: Account, timestamp: int) -> str:
        if a.reserved:
            return "reserved_field"
        if a.flags & ~ACCOUNT_FLAGS:
            return "reserved_flag"
        if not a.id:
            return "id_must_not_be_zero"
        if a.id == ID_MAX:
            return "id_must_not_be_int_max"
        known = self.accounts.get(a.id)
        if known is not None:
            return _account_exists(a, known)
        return _account_invalid(a) or self._insert_account(a, timestamp)

    def _insert_account(self, a: Account, timestamp: int) -> str:
        self.accounts[a.id] = Account(a.id, a.ledger, a.code, a.flags, user_data=a.user_data, timestamp=timestamp)
        if self._undo is not None:
            self._undo.append(lambda: self.accounts.pop(a.id))
        return CREATED

    def _create_transfer(self, t: Transfer, timestamp: int) -> str:
        if t.flags & ~TRANSFER_FLAGS:
            return "reserved_flag"
        if not t.id:
            return "id_must_not_be_zero"
        if t.id == ID_MAX:
            return "id_must_not_be_int_max"
        known = self.transfers.get(t.id)
        if known is not None:
            return self._transfer_exists(t, known)
        if t.id in self.already_failed:
            return "id_already_failed"
        if t.flags & (POST | VOID | POST_PART):
            return self._finish(t, timestamp)
        return _transfer_invalid(t) or self._move(t, timestamp)

    def _move(self, t: Transfer, timestamp: int) -> str:
        debit = self.accounts.get(t.debit)
        if debit is None:
            return "debit_account_not_found"
        credit = _NOBODY if t.flags & OPEN_CREDIT else self.accounts.get(t.credit)
        if credit is None:
            return "credit_account_not_found"
        if debit.ledger != credit.ledger and credit is not _NOBODY:
            return "accounts_must_have_the_same_ledger"
        if t.ledger != debit.ledger:
            return "transfer_must_have_the_same_ledger_as_accounts"
        if debit.flags & CLOSED:
            return "debit_account_already_closed"
        if credit.flags & CLOSED:
            return "credit_account_already_closed"
        amount = _balanced(t, debit, credit) if t.flags & (BALANCING_DEBIT | BALANCING_CREDIT) else t.amount
        result = _overflows(t, amount, debit, credit, timestamp)
        if result:
            return result
        if (
            debit.flags & DEBITS_MUST_NOT_EXCEED_CREDITS
            and debit.debits_pending + debit.debits_posted + amount > debit.credits_posted
        ):
            return "exceeds_credits"
        if (
            credit.flags & CREDITS_MUST_NOT_EXCEED_DEBITS
            and credit.credits_pending + credit.credits_posted + amount > credit.debits_posted
        ):
            return "exceeds_debits"
        self._touch(debit)
        self._touch(credit)
        self._insert(t, t.debit, t.credit, amount, timestamp)
        if t.flags & PENDING:
            self.pending[t.id] = Pending("pending", amount)
            debit.debits_pending += amount
            if credit is not _NOBODY:
                credit.credits_pending += amount
        else:
            debit.debits_posted += amount
            credit.credits_posted += amount
        if t.flags & CLOSING_DEBIT:
            debit.flags |= CLOSED
        if t.flags & CLOSING_CREDIT:
            credit.flags |= CLOSED
        return CREATED

    def _finish(self, t: Transfer, timestamp: int) -> str:
        """Posts, posts a part of, or voids a pending transfer."""
        result = _finish_invalid(t)
        if result:
            return result
        p = self.transfers.get(t.pending_id)
        if p is None:
            return "pending_transfer_not_found"
        if not p.flags & PENDING:
            return "pending_transfer_not_pending"
        state = self.pending[p.id]
        debit = self.accounts[p.debit]
        result = self._finish_differs(t, p)
        if result:
            return result
        amount = _amount_to_finish(t, state.remaining)
        if amount + t.release > (p.amount if state.status != "pending" else state.remaining):
            return "exceeds_pending_transfer_amount"
        if t.flags & VOID and amount < state.remaining and state.status == "pending":
            return "pending_transfer_has_different_amount"
        if state.status != "pending":
            return f"pending_transfer_already_{state.status}"
        to = (
            self.accounts.get(t.credit) if p.flags & OPEN_CREDIT and not t.flags & VOID else self.accounts.get(p.credit)
        )
        result = self._credit_refused(t, p, debit, to)
        if result:
            return result
        self._insert(t, p.debit, to.id if to is not None else p.credit, amount, timestamp)
        self._apply_finish(t, p, state, debit, to, amount)
        return CREATED

    def _credit_refused(self, t: Transfer, p: Transfer, debit: Account, to: Account | None) -> str:
        if t.flags & VOID:
            return ""
        if to is None:
            return "credit_account_not_found"
        if to is debit:
            return "accounts_must_be_different"
        if to.ledger != p.ledger:
            return "accounts_must_have_the_same_ledger"
        if debit.flags & CLOSED:
            return "debit_account_already_closed"
        return "credit_account_already_closed" if to.flags & CLOSED else ""

    def _apply_finish(
        self, t: Transfer, p: Transfer, state: Pending, debit: Account, to: Account | None, amount: int
    ) -> None:
        ends = amount + t.release if t.flags & POST_PART else state.remaining
        reserved = self.accounts.get(p.credit)
        self._touch(debit)
        debit.debits_pending -= ends
        if reserved is not None and not p.flags & OPEN_CREDIT:
            self._touch(reserved)
            reserved.credits_pending -= ends
        if self._undo is not None:
            status, remaining = state.status, state.remaining
            self._undo.append(lambda: _restore(state, status, remaining))
        state.remaining -= ends
        if not state.remaining:
            state.status = "voided" if t.flags & VOID else "posted"
        if t.flags & VOID:
            _reopen(p, debit, reserved)
            return
        assert to is not None
        self._touch(to)
        debit.debits_posted += amount
        to.credits_posted += amount

    def _finish_differs(self, t: Transfer, p: Transfer) -> str:
        if t.debit and t.debit != p.debit:
            return "pending_transfer_has_different_debit_account_id"
        if t.credit and t.credit != p.credit and not p.flags & OPEN_CREDIT:
            return "pending_transfer_has_different_credit_account_id"
        if t.ledger and t.ledger != p.ledger:
            return "pending_transfer_has_different_ledger"
        return "pending_transfer_has_different_code" if t.code and t.code != p.code else ""

    def _transfer_exists(self, t: Transfer, known: Transfer) -> str:
        if t.flags != known.flags:
            return "exists_with_different_flags"
        if t.pending_id != known.pending_id:
            return "exists_with_different_pending_id"
        if t.timeout != known.timeout:
            return "exists_with_different_timeout"
        if t.flags & (POST | VOID | POST_PART):
            return _finish_exists(t, known, self.transfers[t.pending_id])
        if t.debit != known.debit:
            return "exists_with_different_debit_account_id"
        if t.credit != known.credit:
            return "exists_with_different_credit_account_id"
        balancing = t.flags & (BALANCING_DEBIT | BALANCING_CREDIT)
        if t.amount < known.amount or (t.amount != known.amount and not balancing):
            return "exists_with_different_amount"
        return _user_data_differs(t.user_data, known.user_data) or _class_differs(t, known) or "exists"

    def _insert(self, t: Transfer, debit: Id, credit: Id, amount: int, timestamp: int) -> None:
        made = Transfer(
            t.id, debit, credit, amount, t.ledger, t.pending_id, t.flags, t.release, t.code, t.timeout, t.user_data
        )
        made.timestamp = timestamp
        if t.flags & (POST | VOID | POST_PART):
            p = self.transfers[t.pending_id]
            made.ledger, made.code = p.ledger, p.code
            a, b, c = (mine or theirs for mine, theirs in zip(t.user_data, p.user_data, strict=True))
            made.user_data = (a, b, c)
        self.transfers[t.id] = made
        self.created.append(made)
        if self._undo is not None:
            self._undo.append(lambda: self._forget(made))

    def _forget(self, made: Transfer) -> None:
        del self.transfers[made.id]
        self.pending.pop(made.id, None)
        assert self.created.pop() is made

    def _touch(self, account: Account) -> None:
        if self._undo is not None and account is not _NOBODY:
            before = (
                account.flags,
                account.debits_pending,
                account.debits_posted,
                account.credits_pending,
                account.credits_posted,
            )
            self._undo.append(lambda: _reset(account, before))


_NOBODY = Account(0, 0)


def net(accounts: Iterable[Account]) -> int:
    """Posted credits less posted debits over accounts: zero over a whole ledger."""
    return sum(account.credits_posted - account.debits_posted for account in accounts)


def _account_exists(a: Account, known: Account) -> str:
    if a.flags != known.flags:
        return "exists_with_different_flags"
    differs = _user_data_differs(a.user_data, known.user_data)
    if differs:
        return differs
    if a.ledger != known.ledger:
        return "exists_with_different_ledger"
    return "exists_with_different_code" if a.code != known.code else "exists"


def _account_invalid(a: Account) -> str:
    both = DEBITS_MUST_NOT_EXCEED_CREDITS | CREDITS_MUST_NOT_EXCEED_DEBITS
    if a.flags & both == both:
        return "flags_are_mutually_exclusive"
    for name in ("debits_pending", "debits_posted", "credits_pending", "credits_posted"):
        if getattr(a, name):
            return f"{name}_must_be_zero"
    if not a.ledger:
        return "ledger_must_not_be_zero"
    return "" if a.code else "code_must_not_be_zero"


def _transfer_invalid(t: Transfer) -> str:
    if not t.debit:
        return "debit_account_id_must_not_be_zero"
    if t.debit == ID_MAX:
        return "debit_account_id_must_not_be_int_max"
    if not t.flags & OPEN_CREDIT:
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
        if t.flags & OPEN_CREDIT:
            return "flags_are_mutually_exclusive"
    if not t.ledger:
        return "ledger_must_not_be_zero"
    return "" if t.code else "code_must_not_be_zero"


def _finish_invalid(t: Transfer) -> str:
    if (t.flags & (POST | VOID | POST_PART)).bit_count() > 1 or t.flags & NOT_IN_A_POST:
        return "flags_are_mutually_exclusive"
    if not t.pending_id:
        return "pending_id_must_not_be_zero"
    if t.pending_id == ID_MAX:
        return "pending_id_must_not_be_int_max"
    if t.pending_id == t.id:
        return "pending_id_must_be_different"
    return "timeout_reserved_for_pending_transfer" if t.timeout else ""


def _amount_to_finish(t: Transfer, remaining: int) -> int:
    if t.flags & VOID:
        return t.amount or remaining
    return remaining if t.flags & POST and t.amount == INT64_MAX else t.amount


def _balanced(t: Transfer, debit: Account, credit: Account) -> int:
    amount = t.amount
    if t.flags & BALANCING_DEBIT:
        amount = min(amount, max(0, debit.credits_posted - debit.debits_posted - debit.debits_pending))
    if t.flags & BALANCING_CREDIT:
        amount = min(amount, max(0, credit.debits_posted - credit.credits_posted - credit.credits_pending))
    return amount


def _overflows(t: Transfer, amount: int, debit: Account, credit: Account, timestamp: int) -> str:
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


def _finish_exists(t: Transfer, known: Transfer, p: Transfer) -> str:
    if t.debit and t.debit != known.debit:
        return "exists_with_different_debit_account_id"
    if t.credit and t.credit != known.credit:
        return "exists_with_different_credit_account_id"
    if t.release != known.release:
        return "exists_with_different_amount"
    all_of_it = (t.flags & VOID and not t.amount) or (t.flags & POST and t.amount == INT64_MAX)
    if known.amount != (p.amount if all_of_it else t.amount):
        return "exists_with_different_amount"
    a, b, c = (mine or theirs for mine, theirs in zip(t.user_data, p.user_data, strict=True))
    return _user_data_differs((a, b, c), known.user_data) or _class_differs(t, known, optional=True) or "exists"


def _user_data_differs(asked: tuple[int, int, int], known: tuple[int, int, int]) -> str:
    for mine, theirs, bits in zip(asked, known, (128, 64, 32), strict=True):
        if mine != theirs:
            return f"exists_with_different_user_data_{bits}"
    return ""


def _class_differs(t: Transfer, known: Transfer, *, optional: bool = False) -> str:
    if t.ledger != known.ledger and (t.ledger or not optional):
        return "exists_with_different_ledger"
    return "exists_with_different_code" if t.code != known.code and (t.code or not optional) else ""


def _reopen(p: Transfer, debit: Account, credit: Account | None) -> None:
    if p.flags & CLOSING_DEBIT:
        debit.flags &= ~CLOSED
    if p.flags & CLOSING_CREDIT and credit is not None:
        credit.flags &= ~CLOSED


def _restore(state: Pending, status: str, remaining: int) -> None:
    state.status, state.remaining = status, remaining


def _reset(account: Account, before: tuple[int, int, int, int, int]) -> None:
    (
        account.flags,
        account.debits_pending,
        account.debits_posted,
        account.credits_pending,
        account.credits_posted,
    ) = before
