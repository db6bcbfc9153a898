"""svc_match, svc_ledger and svc_order as processes on a real PostgreSQL, and what a test does to them."""

import asyncio
import functools
import itertools
import os
import queue
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import urllib.request
import weakref
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, TypeVar

import grpc
import nats
import psycopg
from grpc_health.v1 import health_pb2, health_pb2_grpc

from bourse.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from bourse.match.v1 import match_pb2, match_pb2_grpc
from bourse.order.v1 import order_pb2, order_pb2_grpc
from bourse.types.v1 import command_pb2, market_pb2
from chassis.errors import Refusal, from_rpc_error
from cli.machine import Machine
from tests.servers import Database
from tests.waiting import eventually as eventually_within

DATE = 20260105
READY_SECONDS = 60.0
CALL_SECONDS = 60.0
HOLD_SECONDS = 10.0  # More than a busy machine keeps a command waiting between the ledger and the journal.
DEPOSIT = 10**15
numbers = itertools.count(1)
T = TypeVar("T")
LOCAL = (
    ("grpc.use_local_subchannel_pool", 1),
    ("grpc.max_reconnect_backoff_ms", 100),
    ("grpc.initial_reconnect_backoff_ms", 50),
)


class Exchange:
    """One shard, the ledger and order entry. Processes are stopped, gone on with and killed by name.

    `more` names others, such as svc_quote or svc_order-canary: a version beside the stable one, which does not consume.
    `variables` are what a test adds to the environment of one of them.
    """

    def __init__(self, machine: Machine, database: Database, *more: str) -> None:
        self.database = database
        self.variables: dict[str, dict[str, str]] = {}
        self._machine = machine
        self._folder = Path(tempfile.mkdtemp(prefix="order-"))
        weakref.finalize(self, shutil.rmtree, self._folder)
        self.address = {name: f"127.0.0.1:{_free_port()}" for name in ("svc_match", "svc_ledger", "svc_order", *more)}
        self.metrics = f"127.0.0.1:{_free_port()}"
        self._processes: dict[str, subprocess.Popen[bytes]] = {}
        self._channels: list[grpc.Channel] = []

    def start(self, *names: str, **variables: str) -> None:
        """Starts processes, and waits until each serves. `variables` are more of their environment."""
        for name in names:
            with (self._folder / f"{name}.log").open("ab") as log:
                self._processes[name] = subprocess.Popen(
                    [sys.executable, "-m", _service(name)],
                    env={**os.environ, **self._environment(name), **variables},
                    stderr=log,
                    stdout=log,
                )
        for name in names:
            eventually(lambda name=name: self._serves(name), READY_SECONDS)  # type: ignore[misc]

    def pause(self, name: str) -> None:
        """Stops a process where it is."""
        self._processes[name].send_signal(signal.SIGSTOP)

    def go_on(self, name: str) -> None:
        """Lets it go on."""
        self._processes[name].send_signal(signal.SIGCONT)

    def kill(self, *names: str) -> None:
        """Ends processes at once, as a power failure would."""
        for name in names:
            self._processes[name].kill()
            self._processes[name].wait()

    def begin_terminate(self, name: str) -> None:
        """Asks a process to stop."""
        self._processes[name].terminate()

    def wait(self, name: str) -> int:
        """The exit code of a process that was asked to stop."""
        return self._processes[name].wait(40)

    def await_waiting(self) -> None:
        """Returns when svc_order waits for the ledger."""
        eventually(lambda: self.metric('order_batches_in_flight{stage="hold"}'))

    def metric(self, sample: str) -> float:
        """A sample of svc_order's metrics, 0 if there is none."""
        with urllib.request.urlopen(f"http://{self.metrics}/metrics", timeout=5) as page:
            lines = page.read().decode().splitlines()
        return next((float(line.rpartition(" ")[2]) for line in lines if line.startswith(sample + " ")), 0.0)

    def end(self) -> None:
        """Ends everything, and leaves NATS as it was."""
        for channel in self._channels:
            channel.close()
        self.kill(*self._processes)
        asyncio.run(self._delete_streams())

    async def _delete_streams(self) -> None:
        connection = await nats.connect(self._machine.nats_url("administrator"), inbox_prefix="_INBOX.administrator")
        jetstream = connection.jetstream()
        for stream in await jetstream.streams_info():
            assert stream.config.name is not None
            await jetstream.delete_stream(stream.config.name)
        await connection.close()

    def log(self, name: str) -> str:
        """What a process has logged."""
        return (self._folder / f"{name}.log").read_text()

    def add_instrument(self, symbol: str) -> None:
        """Lists it, closed."""
        self.match().AddInstrument(
            match_pb2.AddInstrumentRequest(
                instrument=market_pb2.Instrument(
                    symbol=symbol,
                    currency="EUR",
                    tick_size_e4=100,
                    lot_size=10,
                    min_price_e4=100,
                    max_price_e4=10**9,
                    max_quantity=10**6,
                    maker_fee_e6=100,
                    taker_fee_e6=300,
                )
            ),
            timeout=CALL_SECONDS,
        )

    def open_market(self) -> None:
        """Accounts with money and shares, an instrument, a trading date, the open phase."""
        ledger, match = self.ledger(), self.match()
        for participant in ("alpha", "beta"):
            ledger.CreateParticipant(
                ledger_pb2.CreateParticipantRequest(participant=ledger_pb2.Participant(name=participant)),
                timeout=CALL_SECONDS,
            )
            account = f"{participant}/main"
            ledger.CreateAccount(ledger_pb2.CreateAccountRequest(account=account), timeout=CALL_SECONDS)
        self.add_instrument("AAA")
        match.OpenTradingDate(match_pb2.OpenTradingDateRequest(trading_date=DATE), timeout=CALL_SECONDS)
        match.SetPhase(match_pb2.SetPhaseRequest(phase=market_pb2.PHASE_OPEN), timeout=CALL_SECONDS)
        for participant in ("alpha", "beta"):
            for asset in ("EUR", "AAA"):
                request = ledger_pb2.DepositRequest(
                    transfer_id=f"{participant}-{asset}", account=f"{participant}/main", asset=asset, amount=DEPOSIT
                )
                eventually(lambda request=request: _done(lambda: ledger.Deposit(request, timeout=CALL_SECONDS)))  # type: ignore[misc]

    def broker(self, participant: str = "alpha", **claims: Any) -> Any:
        """A stub of order entry for a participant."""
        token = self._machine.credentials.issue("tester", "broker", participant=participant, **claims)
        return order_pb2_grpc.OrderServiceStub(self._channel("svc_order", token))

    def token(self, role: str, **claims: Any) -> str:
        """A token of the machine's issuer."""
        return str(self._machine.credentials.issue("tester", role, **claims))

    def stub(self, token: str) -> Any:
        """A stub of order entry with any token, or none."""
        return order_pb2_grpc.OrderServiceStub(self._channel("svc_order", token))

    def raw(self, method: str, message: bytes) -> Refusal:
        """What order entry says to bytes that may be no message."""
        call = self._channel("svc_order", self.token("broker", participant="alpha")).unary_unary(
            f"/bourse.order.v1.OrderService/{method}"
        )
        return refusal(lambda: call(message, timeout=CALL_SECONDS))

    def operator(self) -> Any:
        """A stub of order entry for the operator."""
        return order_pb2_grpc.OrderServiceStub(self._channel("svc_order", self._operator()))

    def match(self) -> Any:
        """The shard, for the operator."""
        return match_pb2_grpc.MatchServiceStub(self._channel("svc_match", self._operator()))

    def ledger(self) -> Any:
        """The ledger, for the operator."""
        return ledger_pb2_grpc.LedgerServiceStub(self._channel("svc_ledger", self._operator()))

    def sequence(self) -> int:
        """The shard's last sequence."""
        return int(self.match().GetShard(match_pb2.GetShardRequest(), timeout=CALL_SECONDS).sequence)

    def orders(self) -> list[order_pb2.Order]:
        """All of history, once it is where the journal is now."""
        at = order_pb2.ListOrdersRequest(page_size=1000)
        at.min_sequences.add(shard=0, sequence=self.sequence())
        eventually(lambda: _done(lambda: self.operator().ListOrders(at, timeout=CALL_SECONDS)), READY_SECONDS)
        return list(self.operator().ListOrders(at, timeout=CALL_SECONDS).orders)

    def holds(self) -> list[ledger_pb2.OpenHold]:
        """Holds that are pending or bound, as they are now."""
        parts = self.ledger().ExportLedger(ledger_pb2.ExportLedgerRequest(), timeout=CALL_SECONDS)
        return [hold for part in parts for hold in part.holds]

    def settled_holds(self) -> list[ledger_pb2.OpenHold]:
        """The same once settlement is where the journal is now."""
        sequence = self.sequence()

        def settled() -> bool:
            answer = self.ledger().GetSettlement(ledger_pb2.GetSettlementRequest(), timeout=CALL_SECONDS)
            return any(one.position.sequence >= sequence for one in answer.shards)

        eventually(settled)
        return self.holds()

    def connect(self, role: str) -> psycopg.Connection:
        """A session in the database, as a service's role, in transactions."""
        return psycopg.connect(self.database.url(role))

    def _operator(self) -> str:
        return str(self._machine.credentials.issue("tester", "operator"))

    def operators_stub(self, kind: Any, name: str) -> Any:
        """A stub of class `kind` at a process, for the operator."""
        return kind(self._channel(name, self._operator()))

    def service_token(self, service: str) -> str:
        """The token of a service."""
        return str(self._machine.credentials.issue(service, "service"))

    def channel(self, name: str, token: str) -> Any:
        """A channel to a process, whose every call carries a token."""
        return self._channel(name, token)

    def _channel(self, name: str, token: str) -> Any:
        channel = grpc.insecure_channel(self.address[name], options=LOCAL)
        self._channels.append(channel)
        return _WithToken(channel, token)

    def _serves(self, name: str) -> bool:
        assert self._processes[name].poll() is None, self.log(name)
        with grpc.insecure_channel(self.address[name], options=LOCAL) as channel:
            try:
                health: Any = health_pb2_grpc.HealthStub(channel)
                answer = health.Check(health_pb2.HealthCheckRequest(), timeout=2)
            except grpc.RpcError:
                return False
        return bool(answer.status == health_pb2.HealthCheckResponse.SERVING)

    def _environment(self, name: str) -> dict[str, str]:
        credentials = self._machine.credentials
        variables = {
            "NAME": name,
            "LISTEN": self.address[name],
            "DATABASE_URL": self.database.url(_service(name)),
            "NATS_URL": self._machine.nats_url(_service(name)),
            "JWKS": str(credentials.key_set),
            "JWT_ISSUER": "bourse",
            "JWT_AUDIENCE": "bourse",
            "TOKEN_FILE": str(credentials.token_file(_service(name))),
            "MATCH_SHARDS": f"0={self.address['svc_match']}",
            "SHARD": "0",
            "LEDGER": self.address["svc_ledger"],
            "METRICS_LISTEN": self.metrics if name == "svc_order" else "",
            "HOLD_SECONDS": str(HOLD_SECONDS),
            "DRAIN_ACCEPT_SECONDS": "0",
            "CONSUME": "false" if name.endswith("-canary") else "true",
            **self.variables.get(name, {}),
        }
        return {"GRPC_VERBOSITY": "ERROR", **{f"BOURSE_{key}": value for key, value in variables.items()}}


def _service(name: str) -> str:
    return name.partition("-")[0]


class Stream:
    """A session of order entry, batch by batch."""

    def __init__(self, stub: Any, seconds: float = CALL_SECONDS) -> None:
        self._requests: queue.SimpleQueue[order_pb2.EnterOrdersRequest | None] = queue.SimpleQueue()
        self.call = stub.EnterOrders(iter(self._requests.get, None), timeout=seconds)

    def send(self, *commands: command_pb2.OrderCommand) -> None:
        """One batch."""
        self._requests.put(order_pb2.EnterOrdersRequest(commands=commands))

    def close(self) -> None:
        """No more."""
        self._requests.put(None)

    def ask(self, *commands: command_pb2.OrderCommand) -> list[command_pb2.CommandResult]:
        """One batch, and its results."""
        self.send(*commands)
        return self.results(len(commands))

    def results(self, count: int) -> list[command_pb2.CommandResult]:
        """The next results."""
        taken: list[command_pb2.CommandResult] = []
        while len(taken) < count:
            taken += next(self.call).results
        return taken

    def rest(self) -> Iterator[order_pb2.EnterOrdersResponse]:
        """All responses to the end."""
        return iter(self.call)


def name() -> str:
    """An id that no other command of this run has."""
    return f"order-{next(numbers):03}"


def place(
    client_order_id: str,
    quantity: int = 10,
    price_e4: int = 1000,
    side: int = 1,
    account: str = "alpha/main",
    **other: Any,
) -> command_pb2.OrderCommand:
    """A LIMIT order for the day."""
    fields: Any = {"trading_date": DATE, "symbol": "AAA"} | other
    return command_pb2.OrderCommand(
        place=command_pb2.PlaceOrder(
            account=account,
            client_order_id=client_order_id,
            **fields,
            side=side,  # type: ignore[arg-type]
            type=1,  # type: ignore[arg-type]
            time_in_force=1,  # type: ignore[arg-type]
            price_e4=price_e4,
            quantity=quantity,
        )
    )


def replace(client_order_id: str, original: str, quantity: int) -> command_pb2.OrderCommand:
    """A new quantity at 1000."""
    return command_pb2.OrderCommand(
        replace=command_pb2.ReplaceOrder(
            account="alpha/main",
            client_order_id=client_order_id,
            trading_date=DATE,
            original_client_order_id=original,
            symbol="AAA",
            price_e4=1000,
            quantity=quantity,
        )
    )


def cancel(client_order_id: str, original: str) -> command_pb2.OrderCommand:
    """The end of an order."""
    return command_pb2.OrderCommand(
        cancel=command_pb2.CancelOrder(
            account="alpha/main",
            client_order_id=client_order_id,
            trading_date=DATE,
            original_client_order_id=original,
            symbol="AAA",
        )
    )


def resend(exchange: Exchange, *commands: command_pb2.OrderCommand) -> list[command_pb2.CommandResult]:
    """What a client does after a break: all unanswered again, in order, until it is answered."""

    def answered() -> list[command_pb2.CommandResult] | None:
        stream = Stream(exchange.broker())
        stream.send(*commands)
        try:
            return stream.results(len(commands))
        except grpc.RpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            return None

    results = eventually(answered)
    assert results is not None
    return results


class _WithToken:
    """A channel whose every call carries a token."""

    def __init__(self, channel: grpc.Channel, token: str) -> None:
        self._channel = channel
        self._metadata = (("authorization", f"Bearer {token}"),) if token else ()

    def __getattr__(self, kind: str) -> Any:
        def method(*arguments: Any, **options: Any) -> Any:
            return functools.partial(getattr(self._channel, kind)(*arguments, **options), metadata=self._metadata)

        return method


def eventually(condition: Callable[[], T], seconds: float = READY_SECONDS) -> T:
    """tests.waiting.eventually, patient: processes start meanwhile."""
    return eventually_within(condition, seconds)


def refusal(call: Any) -> Refusal:
    """What a call is refused with; it fails when the call succeeds."""
    try:
        call()
    except grpc.RpcError as error:
        return from_rpc_error(error)
    raise AssertionError("it was not refused")


def _done(call: Any) -> bool:
    try:
        call()
    except grpc.RpcError:
        return False
    return True


def _free_port() -> int:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        return int(free.getsockname()[1])
