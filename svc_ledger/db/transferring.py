"""A batch of transfers that were asked for by name: deposits, withdrawals, and an operator's own."""

import time
from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Any

from svc_ledger.core.records import PENDING, Account, Id, Pending, Transfer
from svc_ledger.core.transfers import Ledger
from svc_ledger.db import rows
from svc_ledger.db.connection import Connection, Hot, copy_text, escaped, integers
from svc_ledger.db.holding import texts
from svc_ledger.db.names import Names
from svc_ledger.ports import Conflict

STATES = ("", "pending", "posted", "voided")
FIND = (
    "SELECT transfer_id, debit_id, credit_id, amount, coalesce(pending_id, ''), flags, "
    "coalesce(pending_state, 0), coalesce(pending_parted, 0) "
    "FROM transfers WHERE transfer_id = ANY(%s::text[])"
)
FIND_FAILED = "SELECT transfer_id FROM failed_transfers WHERE transfer_id = ANY(%s::text[])"
LOCK = (
    "SELECT balance_id, flags, debits_pending, debits_posted, credits_pending, credits_posted FROM balances "
    "WHERE balance_id = ANY(%s::int4[]) ORDER BY balance_id FOR UPDATE"
)
COPY = (
    "COPY transfers (position, amount, trade_id, time_us, debit_id, credit_id, kind, flags, pending_state, "
    "pending_parted, transfer_id, pending_id) FROM STDIN"
)
SET_BALANCES = (
    "UPDATE balances SET debits_pending = u.a, debits_posted = u.b, credits_pending = u.c, credits_posted = u.d "
    "FROM unnest(%s::int4[], %s::int8[], %s::int8[], %s::int8[], %s::int8[]) AS u(id, a, b, c, d) WHERE balance_id = u.id"
)
FINISH_PENDING = (
    "UPDATE transfers SET pending_state = u.s, pending_parted = u.p "
    "FROM unnest(%s::text[], %s::int2[], %s::int8[]) AS u(id, s, p) WHERE transfer_id = u.id"
)
KEEP_FAILED = "INSERT INTO failed_transfers SELECT unnest(%s::text[]) ON CONFLICT DO NOTHING"


@dataclass(slots=True)
class Batch:
    """Locked balances and known transfers; see ports.TransferBatch."""

    connection: Connection
    names: Names
    kind: int
    ledger: Ledger

    async def store(self) -> None:
        """Writes what was created and what failed for good, and commits."""
        ledger = self.ledger
        if not ledger.created and not ledger.failed:
            return
        first = await rows.positions(self.connection, len(ledger.created)) if ledger.created else 0
        if ledger.created:
            await copy_text(self.connection, COPY, self._rows(first))
        touched = {id_ for made in ledger.created for id_ in (made.debit, made.credit)}
        accounts = [ledger.accounts[id_] for id_ in touched]
        finished = {made.pending_id for made in ledger.created if made.pending_id} - {
            made.id for made in ledger.created
        }
        async with self.connection.pipeline():
            await self.connection.execute(
                SET_BALANCES,
                [
                    integers(self.names.balance_ids[_key(account.id)] for account in accounts),
                    integers(account.debits_pending for account in accounts),
                    integers(account.debits_posted for account in accounts),
                    integers(account.credits_pending for account in accounts),
                    integers(account.credits_posted for account in accounts),
                ],
            )
            if finished:
                states = integers(STATES.index(ledger.pending[id_].status) for id_ in finished)
                parted = integers(ledger.pending[id_].parted for id_ in finished)
                await self.connection.execute(FINISH_PENDING, [texts([str(id_) for id_ in finished]), states, parted])
            if ledger.failed:
                await self.connection.execute(KEEP_FAILED, [texts([str(id_) for id_ in ledger.failed])])
            await self.connection.execute("COMMIT")

    def _rows(self, first: int) -> Iterator[str]:
        ids, pending = self.names.balance_ids, self.ledger.pending
        now_us = time.time_ns() // 1000
        for position, t in enumerate(self.ledger.created, first):
            of_two = pending[t.id] if t.flags & PENDING else None
            state, parted = (STATES.index(of_two.status), of_two.parted) if of_two else ("\\N", "\\N")
            pending_id = escaped(str(t.pending_id)) if t.pending_id else "\\N"
            yield (
                f"{position}\t{t.amount}\t0\t{now_us}\t{ids[_key(t.debit)]}\t{ids[_key(t.credit)]}\t{self.kind}\t{t.flags}\t"
                f"{state}\t{parted}\t{escaped(str(t.id))}\t{pending_id}"
            )


@asynccontextmanager
async def transferring(hot: Hot, names: Names, transfers: Sequence[Transfer], kind: int) -> AsyncIterator[Batch]:
    """Finds the transfers that are named, locks every balance that they or the asked ones touch, and finds them again."""
    keys = {_key(id_) for t in transfers for id_ in (t.debit, t.credit) if id_}
    await names.know(keys)
    ids = texts(list({str(id_) for t in transfers for id_ in (t.id, t.pending_id) if id_}))
    pending = texts(list({str(t.pending_id) for t in transfers if t.pending_id}))
    balance_ids = {names.balance_ids[key] for key in keys if key in names.balance_ids}
    async with hot.transaction() as connection:
        await connection.execute("BEGIN")
        await connection.execute(rows.TAKE_TURN)  # before the balances, as settlement does
        if pending != "{}":
            for row in await (await connection.execute(FIND, [pending])).fetchall():
                balance_ids.update(row[1:3])
        async with connection.pipeline():
            locked = connection.cursor(binary=True)
            await locked.execute(LOCK, [integers(balance_ids)])
            found = connection.cursor(binary=True)
            await found.execute(FIND, [ids])
            failed = await connection.execute(FIND_FAILED, [ids])
            ledger = Ledger(already_failed={row[0] for row in await failed.fetchall()})
            for row in await locked.fetchall():
                key = names.keys[row[0]]
                ledger.accounts[key] = Account(key, key[1], 1, *row[1:])
            _know(ledger, await found.fetchall(), names)
        yield Batch(connection, names, kind, ledger)


def _know(ledger: Ledger, found: list[tuple[Any, ...]], names: Names) -> None:
    for id_, debit_id, credit_id, amount, pending_id, flags, state, parted in found:
        debit, credit = names.keys[debit_id], names.keys[credit_id]
        if flags & PENDING:
            if debit not in ledger.accounts or credit not in ledger.accounts:
                raise Conflict(f"transfer {id_} was made in between")
            ledger.pending[id_] = Pending(STATES[state], amount - parted if state == 1 else 0, parted)
        ledger.transfers[id_] = Transfer(id_, debit, credit, amount, debit[1], pending_id or 0, flags)


def _key(id_: Id) -> tuple[str, str]:
    assert isinstance(id_, tuple)
    return id_
