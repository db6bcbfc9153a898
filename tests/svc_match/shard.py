"""svc_match as a real process on a real PostgreSQL, and what a test says to it."""

import asyncio
import itertools
import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import weakref
from collections.abc import AsyncIterator, Iterable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import grpc

from bourse.match.v1 import events_pb2, match_pb2, match_pb2_grpc
from bourse.types.v1 import command_pb2, market_pb2
from chassis import client
from cli.machine import Machine
from tests.servers import Database

TRADING_DATE = 20260105
READY_SECONDS = 60.0
ids = itertools.count(1)


class Process:
    """One svc_match. `stub` calls it as svc_order, `operator` as the operator."""

    def __init__(self, machine: Machine, database: Database, shard: int = 0, nats_url: str = "") -> None:
        with socket.socket() as free:
            free.bind(("127.0.0.1", 0))
            self.address = f"127.0.0.1:{free.getsockname()[1]}"
        self._machine = machine
        self._environment = {
            "BOURSE_NAME": f"svc_match-{shard}",
            "BOURSE_LISTEN": self.address,
            "BOURSE_DATABASE_URL": database.url("svc_match"),
            "BOURSE_NATS_URL": nats_url,
            "BOURSE_JWKS": str(machine.credentials.key_set),
            "BOURSE_JWT_ISSUER": "bourse",
            "BOURSE_JWT_AUDIENCE": "bourse",
            "BOURSE_TOKEN_FILE": str(machine.credentials.token_file("svc_match")),
            "BOURSE_SHARD": str(shard),
            "BOURSE_DRAIN_ACCEPT_SECONDS": "0",
        }
        self.log = Path(tempfile.mkdtemp(prefix="match-")) / "log"
        weakref.finalize(self, shutil.rmtree, self.log.parent)
        self._process: subprocess.Popen[bytes] | None = None
        self._channels: list[grpc.aio.Channel] = []

    async def start(self) -> "Process":
        with self.log.open("ab") as log:
            self._process = subprocess.Popen(
                [sys.executable, "-m", "svc_match"], env={**os.environ, **self._environment}, stderr=log, stdout=log
            )
        self.call()
        async with asyncio.timeout(READY_SECONDS):
            while True:
                assert self._process.poll() is None, self.log.read_text()
                try:
                    await self.state()
                    return self
                except grpc.aio.AioRpcError:
                    await asyncio.sleep(0.02)

    def call(self) -> None:
        """Opens channels, in this event loop."""
        self.stub = self._stub(self.token("svc_order", "service"))
        self.operator = self._stub(self.token("operator", "operator"))

    async def hang_up(self) -> None:
        """Closes them."""
        for channel in self._channels:
            await channel.close()
        self._channels.clear()

    def token(self, subject: str, role: str) -> str:
        return self._machine.credentials.issue(subject, role)

    def terminate(self) -> None:
        assert self._process is not None
        self._process.terminate()

    def kill(self) -> None:
        assert self._process is not None
        self._process.send_signal(signal.SIGKILL)
        self._process.wait()

    async def stop(self) -> int:
        """SIGTERM; the exit code."""
        await self.hang_up()
        assert self._process is not None
        self._process.terminate()
        return await self.exit_code()

    async def exit_code(self) -> int:
        assert self._process is not None
        return await asyncio.wait_for(asyncio.to_thread(self._process.wait), READY_SECONDS)

    async def state(self) -> match_pb2.GetShardResponse:
        state: match_pb2.GetShardResponse = await self.operator.GetShard(match_pb2.GetShardRequest(), timeout=5)
        return state

    async def open(self, *symbols: str) -> None:
        """A market with these symbols, open."""
        for symbol in symbols:
            await self.operator.AddInstrument(match_pb2.AddInstrumentRequest(instrument=instrument(symbol)))
        await self.operator.OpenTradingDate(match_pb2.OpenTradingDateRequest(trading_date=TRADING_DATE))
        await self.operator.SetPhase(match_pb2.SetPhaseRequest(phase=market_pb2.PHASE_OPEN))

    async def submit(self, *submissions: match_pb2.Submission) -> list[command_pb2.CommandResult]:
        """One batch on a stream of its own."""
        incarnation = (await self.state()).incarnation
        call = self.stub.Submit(iter([match_pb2.SubmitRequest(incarnation=incarnation, submissions=submissions)]))
        return [result async for response in call for result in response.results]

    async def executions(self, sequence: int = 1, to: int = 0) -> list[events_pb2.ExecutionEvent]:
        """All events from `sequence` to `to`, which is the last one if 0."""
        to = to or (await self.state()).sequence
        request = match_pb2.StreamExecutionsRequest(from_sequence=sequence, to_sequence=to)
        return [
            event
            async for response in self.operator.StreamExecutions(request)
            for encoded in response.batches
            for event in events_pb2.ExecutionBatch.FromString(encoded).events
        ]

    def _stub(self, token: str) -> Any:
        channel = client.channel(self.address, token=token)
        self._channels.append(channel)
        return match_pb2_grpc.MatchServiceStub(channel)


@asynccontextmanager
async def running(machine: Machine, database: Database, **options: Any) -> AsyncIterator[Process]:
    """A process that serves, and that a test may kill."""
    process = await Process(machine, database, **options).start()
    try:
        yield process
    finally:
        await process.stop()


def instrument(symbol: str, **fields: Any) -> market_pb2.Instrument:
    defaults: dict[str, Any] = {
        "currency": "EUR",
        "tick_size_e4": 100,
        "lot_size": 1,
        "min_price_e4": 100,
        "max_price_e4": 10_000_000,
        "max_quantity": 1_000_000,
        "maker_fee_e6": 100,
        "taker_fee_e6": 200,
    }
    return market_pb2.Instrument(symbol=symbol, **(defaults | fields))


def place(symbol: str, side: Any, price_e4: int, quantity: int, **fields: Any) -> match_pb2.Submission:
    """A DAY limit order with a hold that is more than enough."""
    held = {name: fields.pop(name) for name in ("deadline_us", "hold_id", "held_amount") if name in fields}
    defaults: dict[str, Any] = {
        "account": "alice/main",
        "client_order_id": f"c{next(ids)}",
        "trading_date": TRADING_DATE,
        "type": command_pb2.ORDER_TYPE_LIMIT,
        "time_in_force": command_pb2.TIME_IN_FORCE_DAY,
    }
    order = command_pb2.PlaceOrder(
        symbol=symbol, side=side, price_e4=price_e4, quantity=quantity, **(defaults | fields)
    )
    return match_pb2.Submission(
        command=command_pb2.OrderCommand(place=order),
        **{"hold_id": next(ids), "held_amount": 1 << 60} | held,
        held_price_e4=price_e4 if side == market_pb2.SIDE_BUY else 0,
        held_fee_e6=200,
    )


def cancel(order_id: int, **fields: Any) -> match_pb2.Submission:
    defaults: dict[str, Any] = {
        "account": "alice/main",
        "client_order_id": f"c{next(ids)}",
        "trading_date": TRADING_DATE,
    }
    command = command_pb2.CancelOrder(order_id=order_id, **(defaults | fields))
    return match_pb2.Submission(command=command_pb2.OrderCommand(cancel=command))


def outcomes(results: Iterable[command_pb2.CommandResult]) -> list[str]:
    return [command_pb2.Outcome.Name(result.outcome).removeprefix("OUTCOME_") for result in results]
