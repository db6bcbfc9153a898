"""One unary PlaceOrder on an idle exchange, beside unary echoes and one-row durable inserts in the same run.

The promise: the median is at most six echoes plus two inserts.
"""

import argparse
import asyncio
import time
from statistics import median

import psycopg

from bench._conditions import conclude
from bench._echo import sample, unary
from bench._exchange import PARTICIPANTS, account, exchange
from bourse.order.v1 import order_pb2, order_pb2_grpc
from bourse_sdk.connection import Connection, Token
from cli.machine import Machine
from cli.opening import today

CALLS = 400
PAUSE_SECONDS = 0.05  # Between calls of all three kinds: an idle exchange has settled the last order before the next.
ECHOES_ALLOWED, INSERTS_ALLOWED = 6, 2


async def measure() -> None:
    async with exchange() as (machine, _):
        echo = median(await unary(CALLS, PAUSE_SECONDS))
        insert = median(await inserts(machine))
        place = median(await places(machine))
    bound = ECHOES_ALLOWED * echo + INSERTS_ALLOWED * insert
    conclude(
        "unary",
        [
            ("unary echo, p50 ms", echo * 1e3),
            ("one-row durable insert, p50 ms", insert * 1e3),
            ("unary place, p50 ms", place * 1e3),
            ("six echoes and two inserts, ms", bound * 1e3),
            ("place / bound (at most 1)", place / bound),
        ],
        {
            "echo_ms": round(echo * 1e3, 4),
            "insert_ms": round(insert * 1e3, 4),
            "place_ms": round(place * 1e3, 4),
            "ratio_to_bound": round(place / bound, 4),
        },
    )


async def places(machine: Machine) -> list[float]:
    """Seconds of each of CALLS unary PlaceOrder calls, one after another."""
    participant, taken = PARTICIPANTS[0], []
    token = Token(machine.credentials.issue(participant, "broker", participant))
    connection = Connection(token, 5.0)
    stub = order_pb2_grpc.OrderServiceStub(connection.channel("order", machine.address("svc_order")))
    for number in range(CALLS):
        order = sample(number).place
        order.account, order.trading_date = account(participant), today()
        request = order_pb2.PlaceOrderRequest(place=order)
        await asyncio.sleep(PAUSE_SECONDS)
        start = time.perf_counter()
        await stub.PlaceOrder(request, metadata=token.metadata())
        taken.append(time.perf_counter() - start)
    await connection.close()
    return taken


async def inserts(machine: Machine) -> list[float]:
    """Seconds of each of CALLS one-row inserts, each its own durable transaction."""
    taken = []
    async with await psycopg.AsyncConnection.connect(machine.database_url("svc_match"), autocommit=True) as connection:
        await connection.execute("CREATE TABLE yardstick (id bigint PRIMARY KEY, words text)")
        for number in range(CALLS):
            await asyncio.sleep(PAUSE_SECONDS)
            start = time.perf_counter()
            await connection.execute("INSERT INTO yardstick VALUES (%s, %s)", (number, "a row of about this size" * 4))
            taken.append(time.perf_counter() - start)
        await connection.execute("DROP TABLE yardstick")
    return taken


if __name__ == "__main__":
    argparse.ArgumentParser(description=__doc__).parse_args()
    asyncio.run(measure())
