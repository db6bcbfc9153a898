"""The even tables of TigerBeetle's own state machine tests, run against the core."""

import re
from collections.abc import Callable
from dataclasses import fields
from pathlib import Path
from typing import Any

import pytest

from chassis.units import INT64_MAX
from svc_ledger.core.records import Account, Transfer
from svc_ledger.core.transfers import Ledger

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
