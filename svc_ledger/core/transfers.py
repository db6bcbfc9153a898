"""Accounts and transfers as TigerBeetle defines them: names of results, order of checks, linked chains, two phases.

Source: TigerBeetle's reference (create_accounts, create_transfers), with int64's maximum for its 128-bit one.
Not taken over: imported events, history, expiry of timeouts. Ours: POST_PART posts a part of a pending transfer, and the rest stays
pending; POST and VOID end what is left of it.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from svc_ledger.core.checks import (
    account_exists,
    account_invalid,
    amount_to_finish,
    balanced,
    class_differs,
    finish_exists,
    finish_invalid,
    overflows,
    transfer_invalid,
    user_data_differs,
)
from svc_ledger.core.records import (
    ACCOUNT_FLAGS,
    BALANCING_CREDIT,
    BALANCING_DEBIT,
    CLOSED,
    CLOSING_CREDIT,
    CLOSING_DEBIT,
    CREATED,
    CREDITS_MUST_NOT_EXCEED_DEBITS,
    DEBITS_MUST_NOT_EXCEED_CREDITS,
    ID_MAX,
    LINKED,
    PENDING,
    POST,
    POST_PART,
    TRANSFER_FLAGS,
    TRANSIENT,
    VOID,
    Account,
    Id,
    Pending,
    Transfer,
)


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
            return account_exists(a, known)
        return account_invalid(a) or self._insert_account(a, timestamp)

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
        return transfer_invalid(t) or self._move(t, timestamp)

    def _move(self, t: Transfer, timestamp: int) -> str:
        debit = self.accounts.get(t.debit)
        if debit is None:
            return "debit_account_not_found"
        credit = self.accounts.get(t.credit)
        if credit is None:
            return "credit_account_not_found"
        if debit.ledger != credit.ledger:
            return "accounts_must_have_the_same_ledger"
        if t.ledger != debit.ledger:
            return "transfer_must_have_the_same_ledger_as_accounts"
        if debit.flags & CLOSED:
            return "debit_account_already_closed"
        if credit.flags & CLOSED:
            return "credit_account_already_closed"
        amount = balanced(t, debit, credit) if t.flags & (BALANCING_DEBIT | BALANCING_CREDIT) else t.amount
        result = overflows(t, amount, debit, credit, timestamp)
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
        result = finish_invalid(t)
        if result:
            return result
        p = self.transfers.get(t.pending_id)
        if p is None:
            return "pending_transfer_not_found"
        if not p.flags & PENDING:
            return "pending_transfer_not_pending"
        state = self.pending[p.id]
        debit, credit = self.accounts[p.debit], self.accounts[p.credit]
        result = _finish_differs(t, p)
        if result:
            return result
        amount = amount_to_finish(t, state.remaining)
        if amount > (p.amount if state.status != "pending" else state.remaining):
            return "exceeds_pending_transfer_amount"
        if t.flags & VOID and amount < state.remaining and state.status == "pending":
            return "pending_transfer_has_different_amount"
        if state.status != "pending":
            return f"pending_transfer_already_{state.status}"
        if not t.flags & VOID:
            if debit.flags & CLOSED:
                return "debit_account_already_closed"
            if credit.flags & CLOSED:
                return "credit_account_already_closed"
        self._insert(t, p.debit, p.credit, amount, timestamp)
        self._apply_finish(t, p, state, debit, credit, amount)
        return CREATED

    def _apply_finish(
        self, t: Transfer, p: Transfer, state: Pending, debit: Account, credit: Account, amount: int
    ) -> None:
        ends = amount if t.flags & POST_PART else state.remaining
        self._touch(debit)
        self._touch(credit)
        debit.debits_pending -= ends
        credit.credits_pending -= ends
        if self._undo is not None:
            before = state.status, state.remaining, state.parted
            self._undo.append(lambda: _restore(state, before))
        state.remaining -= ends
        if t.flags & POST_PART:
            state.parted += amount
        if not state.remaining:
            state.status = "voided" if t.flags & VOID else "posted"
        if t.flags & VOID:
            _reopen(p, debit, credit)
            return
        debit.debits_posted += amount
        credit.credits_posted += amount

    def _transfer_exists(self, t: Transfer, known: Transfer) -> str:
        if t.flags != known.flags:
            return "exists_with_different_flags"
        if t.pending_id != known.pending_id:
            return "exists_with_different_pending_id"
        if t.timeout != known.timeout:
            return "exists_with_different_timeout"
        if t.flags & (POST | VOID | POST_PART):
            return finish_exists(t, known, self.transfers[t.pending_id], self.pending[t.pending_id].parted)
        if t.debit != known.debit:
            return "exists_with_different_debit_account_id"
        if t.credit != known.credit:
            return "exists_with_different_credit_account_id"
        balancing = t.flags & (BALANCING_DEBIT | BALANCING_CREDIT)
        if t.amount < known.amount or (t.amount != known.amount and not balancing):
            return "exists_with_different_amount"
        return user_data_differs(t.user_data, known.user_data) or class_differs(t, known) or "exists"

    def _insert(self, t: Transfer, debit: Id, credit: Id, amount: int, timestamp: int) -> None:
        made = Transfer(t.id, debit, credit, amount, t.ledger, t.pending_id, t.flags, t.code, t.timeout, t.user_data)
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
        if self._undo is not None:
            before = (
                account.flags,
                account.debits_pending,
                account.debits_posted,
                account.credits_pending,
                account.credits_posted,
            )
            self._undo.append(lambda: _reset(account, before))


def _finish_differs(t: Transfer, p: Transfer) -> str:
    if t.debit and t.debit != p.debit:
        return "pending_transfer_has_different_debit_account_id"
    if t.credit and t.credit != p.credit:
        return "pending_transfer_has_different_credit_account_id"
    if t.ledger and t.ledger != p.ledger:
        return "pending_transfer_has_different_ledger"
    return "pending_transfer_has_different_code" if t.code and t.code != p.code else ""


def _reopen(p: Transfer, debit: Account, credit: Account) -> None:
    if p.flags & CLOSING_DEBIT:
        debit.flags &= ~CLOSED
    if p.flags & CLOSING_CREDIT:
        credit.flags &= ~CLOSED


def _restore(state: Pending, before: tuple[str, int, int]) -> None:
    state.status, state.remaining, state.parted = before


def _reset(account: Account, before: tuple[int, int, int, int, int]) -> None:
    (
        account.flags,
        account.debits_pending,
        account.debits_posted,
        account.credits_pending,
        account.credits_posted,
    ) = before
