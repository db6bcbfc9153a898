"""Commands a second of svc_match alone: gRPC in, journal, answers and events out, no ledger.

Orders, cancels by the order's own id, and immediate orders around one price, in batches whose bytes are made beforehand, so
that the client costs little.
"""

import argparse
import asyncio
import tempfile
import time
from collections import Counter
from itertools import pairwise
from pathlib import Path
from random import Random

import grpc
import psutil

from bench._conditions import conclude
from bourse.match.v1 import match_pb2, match_pb2_grpc
from bourse.types.v1 import command_pb2, market_pb2
from bourse_sdk.connection import OPTIONS, Token
from chassis.units import worst
from cli.demo.run import instrument
from cli.machine import Machine
from cli.opening import today

PRICE_E4, TICK_E4, LEVELS, FEE_E6 = 50_0000, 100, 12, 300
SYMBOLS = ("ACME", "BOLT")
IN_FLIGHT = 4
RECENT = 2_000


async def measure(commands: int, batch: int, seed: int) -> None:
    with tempfile.TemporaryDirectory(prefix="bourse-bench-") as folder:
        machine = Machine(Path(folder) / "home")
        try:
            await asyncio.to_thread(
                machine.start, ["postgres", "nats", "svc_match-0"], shards=1, mesh=False, leash=True
            )
            async with grpc.aio.insecure_channel(machine.address("svc_match-0"), options=OPTIONS) as channel:
                await load(machine, channel, commands, batch, seed)
        finally:
            await asyncio.to_thread(machine.stop)
            machine.home.remove()


async def load(machine: Machine, channel: grpc.aio.Channel, commands: int, batch: int, seed: int) -> None:
    stub = match_pb2_grpc.MatchServiceStub(channel)
    staff = Token(file=machine.credentials.token_file("operator")).metadata()
    for symbol in SYMBOLS:
        await stub.AddInstrument(match_pb2.AddInstrumentRequest(instrument=instrument(symbol, 0)), metadata=staff)
    await stub.OpenTradingDate(match_pb2.OpenTradingDateRequest(trading_date=today()), metadata=staff)
    await stub.SetPhase(match_pb2.SetPhaseRequest(phase=market_pb2.PHASE_OPEN), metadata=staff)
    state = await stub.GetShard(match_pb2.GetShardRequest(), metadata=staff)
    requests = batches(commands, batch, seed, state.incarnation)
    submit = channel.stream_stream("/bourse.match.v1.MatchService/Submit")
    call = submit(metadata=Token(file=machine.credentials.token_file("svc_order")).metadata())
    running = machine.state()
    assert running is not None
    process = psutil.Process(running.process("svc_match-0").pid)
    room, answers, times = asyncio.Semaphore(IN_FLIGHT), [], []  # type: ignore[var-annotated]

    async def read() -> None:
        while len(answers) < len(requests):
            answers.append(await call.read())
            times.append(time.perf_counter())
            room.release()

    reader = asyncio.create_task(read())
    used, start = sum(process.cpu_times()[:2]), time.perf_counter()
    for request in requests:
        await room.acquire()
        await call.write(request)
    await reader
    seconds, used = time.perf_counter() - start, sum(process.cpu_times()[:2]) - used
    call.cancel()
    state = await stub.GetShard(match_pb2.GetShardRequest(), metadata=staff)
    outcomes = Counter(
        command_pb2.Outcome.Name(result.outcome).removeprefix("OUTCOME_")
        for answer in answers
        for result in match_pb2.SubmitResponse.FromString(answer).results
    )
    best = min(later - earlier for earlier, later in pairwise([start, *times]))
    conclude(
        "match",
        [
            ("commands, of a batch", f"{commands:,}, {batch}"),
            ("seconds", seconds),
            ("commands/s", commands / seconds),
            ("processor time a command in svc_match, us", used / commands * 1e6),
            ("shortest time between two answers, us a command", best / batch * 1e6),
            ("events", state.sequence),
            ("orders open at the end", state.open_orders),
            ("core", getattr(state, "core", "")),
            *((outcome, count) for outcome, count in sorted(outcomes.items())),
        ],
        {
            "commands_per_second": round(commands / seconds),
            "processor_us_per_command": round(used / commands * 1e6, 2),
            "batch": batch,
            "events": state.sequence,
        },
    )


def batches(commands: int, batch: int, seed: int, incarnation: str) -> list[bytes]:
    chance, made, recent = Random(seed), [], []  # type: ignore[var-annotated]
    for first in range(0, commands, batch):
        submissions = []
        for number in range(first, min(first + batch, commands)):
            if recent and chance.random() < 0.3:
                submissions.append(cancel(number, recent.pop(chance.randrange(len(recent)))))
            else:
                submissions.append(place(number, chance))
                recent.append(number)
                del recent[:-RECENT]
        made.append(match_pb2.SubmitRequest(incarnation=incarnation, submissions=submissions).SerializeToString())
    return made


def place(number: int, chance: Random) -> match_pb2.Submission:
    side = chance.choice((market_pb2.SIDE_BUY, market_pb2.SIDE_SELL))
    away, buys = chance.randrange(-2, LEVELS), side == market_pb2.SIDE_BUY
    price_e4, quantity = PRICE_E4 - away * TICK_E4 if buys else PRICE_E4 + away * TICK_E4, 10 * chance.randrange(1, 20)
    order = command_pb2.PlaceOrder(
        account=f"alpha/{number % 50}",
        client_order_id=f"order-{number}",
        trading_date=today(),
        symbol=chance.choice(SYMBOLS),
        side=side,
        type=command_pb2.ORDER_TYPE_LIMIT,
        time_in_force=command_pb2.TIME_IN_FORCE_IOC if chance.random() < 0.05 else command_pb2.TIME_IN_FORCE_DAY,
        price_e4=price_e4,
        quantity=quantity,
    )
    return match_pb2.Submission(
        command=command_pb2.OrderCommand(place=order),
        hold_id=number + 1,
        held_amount=worst(price_e4, quantity, FEE_E6) if buys else quantity,
        held_price_e4=price_e4 if buys else 0,
        held_fee_e6=FEE_E6,
    )


def cancel(number: int, of: int) -> match_pb2.Submission:
    named = command_pb2.CancelOrder(
        account=f"alpha/{of % 50}",
        client_order_id=f"order-{number}",
        trading_date=today(),
        original_client_order_id=f"order-{of}",
    )
    return match_pb2.Submission(command=command_pb2.OrderCommand(cancel=named))


if __name__ == "__main__":
    options = argparse.ArgumentParser(prog="bench.match", description=__doc__)
    options.add_argument("--commands", type=int, default=300_000, help="commands sent (300 000)")
    options.add_argument("--batch", type=int, default=1_000, help="commands of a batch (1 000)")
    options.add_argument("--seed", type=int, default=1)
    chosen = options.parse_args()
    asyncio.run(measure(chosen.commands, chosen.batch, chosen.seed))
