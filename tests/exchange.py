"""A whole exchange for tests: PostgreSQL, NATS and every service, with a market open on two shards."""

import asyncio
import itertools
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import psycopg

from bourse.types.v1 import market_pb2
from bourse_sdk import Client, Operator
from cli import clients
from cli.machine import Machine
from cli.machine.credentials import ADMINISTRATOR
from cli.opening import open_market, seen_open

CURRENCY = "EUR"
SYMBOLS = {"ACME": 0, "BRIO": 1}  # and the shard of each
TRADING_DATE = 20_260_105
CASH_E4 = 1_000_000_0000
SHARES = 1_000_000
names = itertools.count(1)
# Its input ends when we do, however that comes.
HEIR = """
import sys
sys.stdin.read()
from pathlib import Path
from cli.machine import Machine
machine = Machine(Path(sys.argv[1]))
machine.stop()
machine.home.remove()
"""


class Exchange:
    """A running exchange. Tests that share it add to it, with participants of their own; they break and stop nothing."""

    def __init__(self, machine: Machine) -> None:
        self.machine = machine
        self.home = machine.home.folder

    def operator(self) -> Operator:
        return clients.operator(self.machine)

    def broker(self, participant: str) -> Client:
        return clients.broker(self.machine, participant)

    async def join(self, *, cash_e4: int = CASH_E4, shares: int = SHARES) -> str:
        """The account of a new participant, with money and shares of every symbol."""
        participant = f"p{next(names)}"
        account = f"{participant}/main"
        async with self.operator() as operator:
            await operator.create_participant(participant)
            await operator.create_account(account)
            for asset, amount in ((CURRENCY, cash_e4), *((symbol, shares) for symbol in SYMBOLS)):
                if amount:
                    await operator.deposit(f"{participant}-{asset}", account, asset, amount)
        return account

    def database(self) -> psycopg.Connection:
        """PostgreSQL as its administrator, in autocommit: to look, and to plant what must be found."""
        return psycopg.connect(self.machine.database_url(ADMINISTRATOR), autocommit=True)

    def pid(self, process: str) -> int:
        state = self.machine.state()
        assert state is not None
        return state.process(process).pid

    async def open(self) -> None:
        """Lists SYMBOLS and opens TRADING_DATE."""
        async with self.operator() as operator, self.broker("nobody") as watcher:
            await open_market(operator, [instrument(*listed) for listed in SYMBOLS.items()], [], TRADING_DATE)
            await seen_open(watcher, list(SYMBOLS), TRADING_DATE)


def instrument(symbol: str, shard: int) -> market_pb2.Instrument:
    return market_pb2.Instrument(
        symbol=symbol,
        currency=CURRENCY,
        tick_size_e4=100,
        lot_size=1,
        min_price_e4=100,
        max_price_e4=100_000_000,
        max_quantity=1_000_000,
        maker_fee_e6=100,
        taker_fee_e6=300,
        shard=shard,
    )


@contextmanager
def running_exchange(*, mesh: bool = False) -> Iterator[Exchange]:
    """An exchange in a new home with a market open; it ends with the test run, also when that is killed. Without `mesh` its
    services are dialled themselves.
    """
    machine = Machine(Path(tempfile.mkdtemp(prefix="bourse-test-")))
    with ended(machine):
        machine.start(shards=len(SYMBOLS), mesh=mesh, leash=True)
        exchange = Exchange(machine)
        asyncio.run(exchange.open())
        yield exchange


@contextmanager
def ended(machine: Machine) -> Iterator[None]:
    """Whatever is started in that home meanwhile ends with the block, and the home goes; also when this process is killed, and
    what `bourse up` has started, which nobody holds a leash of.
    """
    heir = subprocess.Popen(
        [sys.executable, "-c", HEIR, str(machine.home.folder)], stdin=subprocess.PIPE, start_new_session=True
    )
    try:
        yield
    finally:
        machine.stop()
        machine.home.remove()
        heir.kill()
        heir.communicate()
