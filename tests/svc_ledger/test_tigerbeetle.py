"""The even tables of TigerBeetle's own state machine tests, run against the core; those of transfers against PostgreSQL too."""

import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest
from psycopg import Connection

from chassis.units import INT64_MAX
from svc_ledger.app import Book
from svc_ledger.core.records import Account, Id, Transfer
from svc_ledger.core.transfers import Ledger
from svc_ledger.db import Store
from tests.servers import Database

TABLES = Path(__file__).parents[2].parent / "shared" / "data" / "tigerbeetle"
ABSENT = f"{TABLES} is absent: TigerBeetle's tables come with the data, not with this project"
NEXT_TABLE = re.compile(r"(?<=commit lookup_accounts)\n(?=account)")  # a file may hold several, each from nothing
TIMESTAMP_MAX = INT64_MAX - 1
NANOSECONDS = {"nanoseconds": 1, "seconds": 1_000_000_000}

# The columns of TestCreateAccount and TestCreateTransfer, between the row's name and its expected result.
ACCOUNT = (
    "id debits_pending debits_posted credits_pending credits_posted user_data_128 user_data_64 user_data_32 reserved "
    "ledger code LNK D<C C<D HIST IMP CLSD padding timestamp"
).split()
TRANSFER = (
    "id debit credit amount pending_id user_data_128 user_data_64 user_data_32 timeout ledger code LNK PEN POS VOI BDR "
    "BCR IMP CDR CCR padding timestamp"
).split()
ACCOUNT_FLAGS = {"LNK": 1, "D<C": 2, "C<D": 4, "HIST": 8, "IMP": 16, "CLSD": 32, "padding": 1 << 15}
TRANSFER_FLAGS = {
    "LNK": 1, "PEN": 2, "POS": 4, "VOI": 8, "BDR": 16, "BCR": 32, "CDR": 64, "CCR": 128, "IMP": 256, "padding": 1 << 15,
}  # fmt: skip


def number(word: str) -> int:
    """A cell: `_` is 0, a letter before digits names a kind, a minus counts down from the maximum."""
    word = word.lstrip("ATLCUP")
    if word == "_":
        return 0
    return INT64_MAX - int(word[1:]) if word.startswith("-") else int(word)


class Table:
    """Runs the rows of one table; every `commit` applies what was gathered and compares the results."""

    def __init__(self) -> None:
        self.ledger = Ledger()
        self.now = 0
        self.accounts: list[tuple[Account, str]] = []
        self.transfers: list[tuple[Transfer, str]] = []

    def run(self, text: str) -> None:
        for row in filter(str.strip, text.splitlines()):
            kind, *cells = row.split()
            getattr(self, kind)(cells)

    def account(self, cells: list[str]) -> None:
        self.accounts.append((event(Account, ACCOUNT, ACCOUNT_FLAGS, cells), cells[-1]))

    def transfer(self, cells: list[str]) -> None:
        self.transfers.append((event(Transfer, TRANSFER, TRANSFER_FLAGS, cells), cells[-1]))

    def setup(self, cells: list[str]) -> None:
        account = self.ledger.accounts[number(cells[0])]
        for name, cell in zip(ACCOUNT[1:5], cells[1:], strict=True):
            setattr(account, name, number(cell))

    def tick(self, cells: list[str]) -> None:
        nanoseconds = abs(int(cells[0])) * NANOSECONDS[cells[1]]
        self.now += nanoseconds if int(cells[0]) > 0 else TIMESTAMP_MAX - nanoseconds

    def lookup_account(self, cells: list[str]) -> None:
        account = self.ledger.accounts.get(number(cells[0]))
        if cells[1] == "_":
            assert account is None, cells
        else:
            assert account is not None, cells
            assert [getattr(account, name) for name in ACCOUNT[1:5]] == [number(cell) for cell in cells[1:5]], cells

    def lookup_transfer(self, cells: list[str]) -> None:
        transfer = self.ledger.transfers.get(number(cells[0]))
        if cells[1] == "exists":
            assert (transfer is not None) == (cells[2] == "true"), cells
        else:
            assert transfer is not None
            assert transfer.amount == number(cells[2]), cells

    def commit(self, cells: list[str]) -> None:
        if cells == ["create_accounts"]:
            self._apply(self.accounts, self.ledger.create_accounts)
        elif cells == ["create_transfers"]:
            self._apply(self.transfers, self.ledger.create_transfers)

    def _apply(self, rows: list[tuple[Any, str]], create: Callable[[list[Any], int], list[str]]) -> None:
        self.now += 1 + len(rows)
        results = create([given for given, _ in rows], self.now)
        for (given, expected), result in zip(rows, results, strict=True):
            assert result == expected, given
        rows.clear()


def event(kind: Any, columns: list[str], flags: dict[str, int], cells: list[str]) -> Any:
    values = dict(zip(columns, cells[:-1], strict=True))
    known = {field.name for field in fields(kind)}
    numbers: dict[str, Any] = {name: number(cell) for name, cell in values.items() if name in known}
    numbers["flags"] = sum(bit for name, bit in flags.items() if values[name] != "_")
    numbers["user_data"] = tuple(number(values[f"user_data_{bits}"]) for bits in (128, 64, 32))
    return kind(**numbers)


@pytest.mark.skipif(not TABLES.is_dir(), reason=ABSENT)
@pytest.mark.parametrize("number", ["02", "04", "06", "08", "10", "12"])
def test_results_and_balances_are_tigerbeetles(number: str) -> None:
    """Each row of the table gets the result that TigerBeetle gives it, and leaves the balances that it leaves."""
    (path,) = TABLES.glob(f"{number}_*.txt")
    for table in NEXT_TABLE.split(path.read_text()):
        Table().run(table)


# Results about what the service's transfers do not have: codes, user data, timeouts, and ids that are numbers.
NOT_OURS = re.compile(r".*(_code|code_must_not_be_zero|user_data_\d+|timeout.*|account_id_must_not_be_int_max)")
LEFT_OUT = {"06": 10, "08": 0, "10": 0, "12": 0}
MAKE_BALANCE = "INSERT INTO balances (account_id, asset, flags) SELECT account_id, %s, %s FROM accounts WHERE name = %s"
SET_BALANCE = (
    "UPDATE balances SET debits_pending = %s, debits_posted = %s, credits_pending = %s, credits_posted = %s "
    "WHERE account_id = (SELECT account_id FROM accounts WHERE name = %s)"
)
GET_BALANCE = (
    "SELECT debits_pending, debits_posted, credits_pending, credits_posted FROM balances JOIN accounts USING (account_id) "
    "WHERE name = %s"
)


class Stored:
    """Runs a table through the use case and the set-wise write; what a transfer is compared with comes from its row."""

    def __init__(self, store: Store, sql: Connection) -> None:
        self.store = store
        self.book = Book(store, {})
        self.sql = sql
        self.transfers: list[tuple[Transfer, str]] = []
        self.ledgers: dict[int, str] = {}
        self.left_out = 0

    async def run(self, text: str) -> None:
        await self.book.create_participant("tiger", "")
        for row in filter(str.strip, text.splitlines()):
            kind, *cells = row.split()
            if kind == "commit":
                await self.commit(cells[0])
            elif kind != "tick":
                await getattr(self, kind)(cells)

    async def account(self, cells: list[str]) -> None:
        account = event(Account, ACCOUNT, ACCOUNT_FLAGS, cells)
        assert cells[-1] == "created"
        self.ledgers[account.id] = f"L{account.ledger}"
        await self.book.create_account(name_of(account.id))
        self.sql.execute(MAKE_BALANCE, [self.ledgers[account.id], account.flags, name_of(account.id)])
        await self.store.names.load()

    async def setup(self, cells: list[str]) -> None:
        self.sql.execute(SET_BALANCE, [*map(number, cells[1:]), name_of(number(cells[0]))])

    async def transfer(self, cells: list[str]) -> None:
        if NOT_OURS.fullmatch(cells[-1]):
            self.left_out += 1
            return
        asked = event(Transfer, TRANSFER, TRANSFER_FLAGS, cells)
        asked.debit, asked.credit = self.key(asked.debit), self.key(asked.credit)
        asked.ledger = f"L{asked.ledger}" if asked.ledger else 0
        asked.code, asked.timeout, asked.user_data = 1, 0, (0, 0, 0)
        asked.id, asked.pending_id = (
            f"T{id_}" if id_ and id_ != INT64_MAX else id_ for id_ in (asked.id, asked.pending_id)
        )
        self.transfers.append((asked, cells[-1]))

    def key(self, id_: int) -> Id:
        return (name_of(id_), self.ledgers.get(id_, "L1")) if id_ else 0

    async def lookup_account(self, cells: list[str]) -> None:
        found = self.sql.execute(GET_BALANCE, [name_of(number(cells[0]))]).fetchone()
        assert found == tuple(map(number, cells[1:5])), cells

    async def lookup_transfer(self, cells: list[str]) -> None:
        query = "SELECT amount FROM transfers WHERE transfer_id = %s"
        found = self.sql.execute(query, [f"T{number(cells[0])}"]).fetchone()
        if cells[1] == "exists":
            assert (found is not None) == (cells[2] == "true"), cells
        else:
            assert found == (number(cells[2]),), cells

    async def commit(self, what: str) -> None:
        if what != "create_transfers":
            return
        results = await self.book.create_transfers([asked for asked, _ in self.transfers])
        for (asked, expected), result in zip(self.transfers, results, strict=True):
            assert result == expected, asked
        self.transfers.clear()


def name_of(id_: int) -> str:
    return f"tiger/a{id_}"


@pytest.mark.skipif(not TABLES.is_dir(), reason=ABSENT)
@pytest.mark.parametrize("number", LEFT_OUT)
async def test_what_is_stored_gets_tigerbeetles_results_too(
    module_postgres: Database, store: Store, number: str
) -> None:
    """Tables of transfers through PostgreSQL, every row but the counted ones. Tables of accounts alone are not run: the service
    makes accounts one by one, by name."""
    (path,) = TABLES.glob(f"{number}_*.txt")
    with module_postgres.connect("svc_ledger") as sql:
        table = Stored(store, sql)
        await table.run(path.read_text())
    assert table.left_out == LEFT_OUT[number]
