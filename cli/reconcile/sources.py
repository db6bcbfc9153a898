"""Where everything is read: svc_match's streams, the services' exports, JetStream's messages, and the rows in PostgreSQL."""

import asyncio
import json
import time
from collections.abc import AsyncGenerator, AsyncIterator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import grpc
import nats
import nats.errors
import nats.js.errors
import psycopg
from nats.aio.client import Client
from nats.aio.msg import Msg
from nats.aio.subscription import Subscription
from psycopg import sql

from bourse.ledger.v1 import ledger_pb2_grpc
from bourse.match.v1 import events_pb2, match_pb2, match_pb2_grpc
from bourse.order.v1 import order_pb2_grpc
from bourse.quote.v1 import quote_pb2_grpc
from bourse_sdk.operator import SHARD_HEADER
from chassis import client, database
from chassis.units import INT64_MAX
from cli.clients import ca_file
from cli.machine import Machine
from cli.machine.credentials import AUDITOR
from cli.machine.home import load_layout
from svc_match.db import COLUMNS
from svc_match.ports import Row

NAME = "reconcile"
CONNECT_SECONDS = 5
CALL_SECONDS = 10.0
STREAM_WAIT_SECONDS = 10.0  # For JetStream to have what the journal has.
POLL_SECONDS = 0.05
STREAM_FULL = 0.9  # Of its bytes: it may then drop its oldest messages.
PULL_MESSAGES = 256
PULL_BYTES = 8 << 20
FOUND_ALL, NOT_FOUND, NO_RESPONDERS = "204", "404", "503"
ROWS_LIMIT = 32  # A query.
TRANSIENT = (grpc.StatusCode.UNAVAILABLE, grpc.StatusCode.DEADLINE_EXCEEDED)


class Unreachable(Exception):
    """Something that must be read cannot be; the message says what, and why."""


@dataclass(frozen=True, slots=True)
class Addresses:
    """Where the parts of one exchange are, and what opens them. With `ca_file` the services are all behind its gateway."""

    match: dict[int, str]
    ledger: str
    order: str
    quote: str
    token_file: str
    database_url: str
    nats_url: str
    ca_file: str = ""


def addresses(home: Path) -> Addresses:
    """Those of the exchange in `home`; its auditor reads PostgreSQL and JetStream, its operator the services."""
    machine = Machine(home)
    if not machine.home.layout.exists():
        raise Unreachable(f"{home} holds no exchange: start one with `bourse up`, or name its folder with --home")
    layout = load_layout(machine.home)
    door = layout.gateway if layout.mesh else ""
    return Addresses(
        match={shard: door or layout.address(f"svc_match-{shard}") for shard in range(layout.shards)},
        ledger=door or layout.address("svc_ledger"),
        order=door or layout.address("svc_order"),
        quote=door or layout.address("svc_quote"),
        token_file=str(machine.credentials.token_file("operator")),
        database_url=machine.database_url(AUDITOR),
        nats_url=machine.nats_url(AUDITOR),
        ca_file=str(ca_file(machine)) if door else "",
    )


@contextmanager
def reaching(what: str) -> Iterator[None]:
    """Any failure to reach `what` becomes Unreachable."""
    try:
        yield
    except grpc.aio.AioRpcError as error:
        raise Unreachable(f"{what}: {error.code().name} {error.details()}") from error
    except (psycopg.Error, nats.errors.Error, OSError, TimeoutError) as error:
        raise Unreachable(f"{what}: {str(error) or type(error).__name__}") from error


class Sources:
    """Open connections to all of them; close it by leaving its context."""

    def __init__(self, where: Addresses) -> None:
        self.where = where
        self.shards = sorted(where.match)
        self._channels: list[grpc.aio.Channel] = []
        self.match = {
            shard: match_pb2_grpc.MatchServiceStub(self._channel(at, (SHARD_HEADER, str(shard))))
            for shard, at in where.match.items()
        }
        self.ledger = ledger_pb2_grpc.LedgerServiceStub(self._channel(where.ledger))
        self.order = order_pb2_grpc.OrderServiceStub(self._channel(where.order))
        self.quote = quote_pb2_grpc.QuoteServiceStub(self._channel(where.quote))
        self._nats = Client()
        self._database: psycopg.AsyncConnection[tuple[Any, ...]] | None = None

    def _channel(self, address: str, *metadata: tuple[str, str]) -> grpc.aio.Channel:
        where = self.where
        made = client.channel(
            address,
            token_file=where.token_file,
            ca_file=where.ca_file,
            metadata=metadata,
            call_deadline_seconds=CALL_SECONDS,
        )
        self._channels.append(made)
        return made

    async def __aenter__(self) -> Self:
        return self

    async def __aexit__(
        self, _k: type[BaseException] | None, _e: BaseException | None, _t: TracebackType | None
    ) -> None:
        if self._nats.is_connected:
            await self._nats.close()
        if self._database is not None:
            await self._database.close()
        for channel in self._channels:
            await channel.close()

    async def connect(self) -> None:
        """Connects to PostgreSQL and NATS; the services need no connection before the first call."""
        with reaching("PostgreSQL"):
            self._database = await database.connect(self.where.database_url, NAME)
        with reaching("NATS"):
            await self._nats.connect(
                self.where.nats_url,
                name=NAME,
                allow_reconnect=False,
                connect_timeout=CONNECT_SECONDS,
                inbox_prefix=f"_INBOX.{AUDITOR}".encode(),
                error_cb=_ignore,
            )

    async def executions(self, shard: int, through: int) -> AsyncIterator[bytes]:
        """The messages of private events up to the one that holds `through`, as svc_match streams them."""
        if through:
            request = match_pb2.StreamExecutionsRequest(from_sequence=1, to_sequence=through)
            async for response in self.match[shard].StreamExecutions(request):
                for message in response.batches:
                    yield message

    async def market_data(self, shard: int, through: int) -> AsyncIterator[bytes]:
        """The messages of public events up to the row that holds `through`, as svc_match streams them."""
        if through:
            request = match_pb2.StreamMarketDataRequest(from_sequence=1, to_sequence=through)
            async for response in self.match[shard].StreamMarketData(request):
                for message in response.batches:
                    yield message

    async def rows(self, shard: int) -> AsyncGenerator[Row, None]:
        """The rows of the journal as PostgreSQL has them, in order, whatever they hold."""
        assert self._database is not None, "connect() first"
        query = sql.SQL(
            "SELECT {} FROM svc_match.journal WHERE shard = %s AND first_sequence > %s ORDER BY first_sequence LIMIT %s"
        ).format(sql.SQL(COLUMNS))
        after = 0
        while True:
            async with self._database.cursor(binary=True) as cursor:
                await cursor.execute(query, (shard, after, ROWS_LIMIT))
                records = await cursor.fetchall()
            for record in records:
                row = Row(*record)
                after = row.first_sequence
                yield row
            if len(records) < ROWS_LIMIT:
                return

    async def kept_since_us(self, stream: str) -> int:
        """The journal time from which the stream must have every message, by its limits; 0 for all."""
        try:
            info = await self._nats.jetstream(timeout=CALL_SECONDS).stream_info(stream)
        except nats.js.errors.NotFoundError:
            return 0
        if (limit := info.config.max_bytes or 0) > 0 and info.state.bytes >= STREAM_FULL * limit:
            return INT64_MAX
        seconds = info.config.max_age or 0
        return int((time.time() - seconds) * 1_000_000) if seconds else 0

    async def published(self, stream: str, ended: asyncio.Event) -> AsyncGenerator[bytes, None]:
        """The messages that JetStream has; until `ended` it waits, STREAM_WAIT_SECONDS in all, for those that it will have.

        Direct gets in batches (NATS ADR-31): they need no consumer, and leave nothing behind.
        """
        after, deadline = 0, time.monotonic() + STREAM_WAIT_SECONDS
        inbox = self._nats.new_inbox()
        answers = await self._nats.subscribe(inbox, pending_bytes_limit=4 * PULL_BYTES)
        try:
            while True:
                request = {"seq": after + 1, "batch": PULL_MESSAGES, "max_bytes": PULL_BYTES}
                await self._nats.publish(f"$JS.API.DIRECT.GET.{stream}", json.dumps(request).encode(), inbox)
                before = after
                async for message in _until_status(answers):
                    after = int((message.headers or {})["Nats-Sequence"])
                    yield message.data
                if after == before:
                    if ended.is_set() or time.monotonic() > deadline:
                        return
                    await asyncio.sleep(POLL_SECONDS)
        finally:
            await answers.unsubscribe()


async def _until_status(answers: Subscription) -> AsyncIterator[Msg]:
    """The answers to one request: messages, then a status that ends them."""
    while True:
        message = await answers.next_msg(timeout=CALL_SECONDS)
        status = (message.headers or {}).get("Status")
        if status in (FOUND_ALL, NOT_FOUND, NO_RESPONDERS):
            return
        if status:
            raise Unreachable(f"JetStream: {message.headers}")
        yield message


async def _ignore(_: Exception) -> None:
    """What fails is raised where it is awaited."""


def parse_executions(message: bytes) -> events_pb2.ExecutionBatch:
    return events_pb2.ExecutionBatch.FromString(message)


def parse_market_data(message: bytes) -> events_pb2.MarketDataBatch:
    return events_pb2.MarketDataBatch.FromString(message)
