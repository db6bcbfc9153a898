"""How soon svc_match serves again after kill -9, with a long journal and many resting orders.

The promise: 1 000 000 journalled orders, 100 000 of them resting: under 5 s.
"""

import argparse
import asyncio
import os
import signal
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import grpc

from bench._conditions import conclude
from bourse.match.v1 import match_pb2, match_pb2_grpc
from bourse.types.v1 import command_pb2, market_pb2
from bourse_sdk.connection import OPTIONS, Token
from chassis.units import worst
from cli.demo.run import instrument
from cli.machine import Machine
from cli.opening import today

BATCH, IN_FLIGHT = 1000, 4
PRICE_E4, TICK_E4, QUANTITY, FEE_E6 = 50_0000, 100, 10, 300
RESTING_LEVELS = 1000
POLL_SECONDS = 0.02
PROMISED_SECONDS = 5.0


async def measure(orders: int, resting: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bourse-bench-") as folder:
        machine = Machine(Path(folder) / "home")
        try:
            await asyncio.to_thread(
                machine.start, ["postgres", "nats", "svc_match-0"], shards=1, mesh=False, leash=True
            )
            async with grpc.aio.insecure_channel(machine.address("svc_match-0"), options=OPTIONS) as channel:
                stub = match_pb2_grpc.MatchServiceStub(channel)
                filled_in = await fill(machine, stub, orders, resting)
                before = await state(machine, stub)
                seconds = await killed_and_back(machine, stub)
                after = await state(machine, stub)
        finally:
            await asyncio.to_thread(machine.stop)
            machine.home.remove()
    assert after.sequence >= before.sequence, "events were lost"
    assert after.open_orders == before.open_orders, "orders were lost"
    conclude(
        "restart",
        [
            ("orders journalled", orders),
            ("orders resting", before.open_orders),
            ("events journalled", before.sequence),
            ("seconds to journal them", filled_in),
            ("orders/s into svc_match alone", orders / filled_in),
            ("seconds from kill -9 to the first answer", seconds),
        ],
        {
            "orders": orders,
            "resting": before.open_orders,
            "events": before.sequence,
            "restart_seconds": round(seconds, 3),
            "promised_seconds": PROMISED_SECONDS,
            "match_orders_per_second": round(orders / filled_in, 1),
        },
    )


async def fill(machine: Machine, stub: match_pb2_grpc.MatchServiceStub, orders: int, resting: int) -> float:
    """Journals the orders: pairs that trade, and the resting ones evenly among them."""
    staff = Token(file=machine.credentials.token_file("operator")).metadata()
    await stub.AddInstrument(match_pb2.AddInstrumentRequest(instrument=instrument("ACME", 0)), metadata=staff)
    await stub.OpenTradingDate(match_pb2.OpenTradingDateRequest(trading_date=today()), metadata=staff)
    await stub.SetPhase(match_pb2.SetPhaseRequest(phase=market_pb2.PHASE_OPEN), metadata=staff)
    incarnation = (await stub.GetShard(match_pb2.GetShardRequest(), metadata=staff)).incarnation
    call = stub.Submit(metadata=Token(file=machine.credentials.token_file("svc_order")).metadata())
    room, start = asyncio.Semaphore(IN_FLIGHT), time.monotonic()

    async def read() -> None:
        answered = 0
        while answered < orders:
            results = (await call.read()).results
            assert all(result.outcome == command_pb2.OUTCOME_ACCEPTED for result in results), results[0]
            answered += len(results)
            room.release()

    reader = asyncio.create_task(read())
    stream = submissions(resting, orders)
    for _ in range(0, orders, BATCH):
        await room.acquire()
        batch = [next(stream) for _ in range(BATCH)]
        await call.write(match_pb2.SubmitRequest(incarnation=incarnation, submissions=batch))
    await reader
    call.cancel()
    return time.monotonic() - start


def submissions(resting: int, orders: int) -> Iterator[match_pb2.Submission]:
    every = orders // resting if resting else orders + 1
    rested, traded = 0, 0
    for number in range(orders):
        if number % every == 0:
            rested += 1
            price = PRICE_E4 - TICK_E4 * (1 + rested % RESTING_LEVELS)
            yield submission(number, market_pb2.SIDE_BUY, price)
        else:
            traded += 1
            yield submission(number, market_pb2.SIDE_SELL if traded % 2 else market_pb2.SIDE_BUY, PRICE_E4)


def submission(number: int, side: market_pb2.Side, price_e4: int) -> match_pb2.Submission:
    buy = side == market_pb2.SIDE_BUY
    return match_pb2.Submission(
        command=command_pb2.OrderCommand(
            place=command_pb2.PlaceOrder(
                account="alpha/main",
                client_order_id=f"order-{number}",
                trading_date=today(),
                symbol="ACME",
                side=side,
                type=command_pb2.ORDER_TYPE_LIMIT,
                time_in_force=command_pb2.TIME_IN_FORCE_DAY,
                price_e4=price_e4,
                quantity=QUANTITY,
            )
        ),
        hold_id=number + 1,
        held_amount=worst(price_e4, QUANTITY, FEE_E6) if buy else QUANTITY,
        held_price_e4=price_e4 if buy else 0,
        held_fee_e6=FEE_E6 if buy else 0,
    )


async def killed_and_back(machine: Machine, stub: match_pb2_grpc.MatchServiceStub) -> float:
    """Seconds from the kill to the first answer of the process that the supervisor starts instead."""
    running = machine.state()
    assert running is not None
    pid = running.process("svc_match-0").pid
    start = time.monotonic()
    os.kill(pid, signal.SIGKILL)
    while True:
        try:
            await state(machine, stub)
            return time.monotonic() - start
        except grpc.aio.AioRpcError:
            await asyncio.sleep(POLL_SECONDS)


async def state(machine: Machine, stub: match_pb2_grpc.MatchServiceStub) -> match_pb2.GetShardResponse:
    metadata = Token(file=machine.credentials.token_file("operator")).metadata()
    return await stub.GetShard(match_pb2.GetShardRequest(), metadata=metadata, timeout=5.0)


if __name__ == "__main__":
    options = argparse.ArgumentParser(prog="bench.restart", description=__doc__)
    options.add_argument("--orders", type=int, default=1_000_000, help="orders journalled (1 000 000)")
    options.add_argument("--resting", type=int, default=100_000, help="of these, resting at the end (100 000)")
    chosen = options.parse_args()
    asyncio.run(measure(chosen.orders, chosen.resting))
