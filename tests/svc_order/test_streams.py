"""A stream to svc_ledger that grows old under requests: a server of its own answers, slowly and told to move at random."""

import asyncio
from collections.abc import AsyncIterator
from random import Random
from typing import Any

import grpc

from bourse.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from svc_order.clients import Exchange

AGE_SECONDS = 0.01
ANSWER_SECONDS = 30.0
SLOW_SECONDS = 0.004
REQUESTS = 400
STREAMS_LEAST = 10

Holds = Exchange[ledger_pb2.CreateHoldsRequest, ledger_pb2.CreateHoldsResponse]


class Ledger(ledger_pb2_grpc.LedgerServiceServicer):
    """Answers each request with its number, and now and then says that the caller is to move."""

    def __init__(self, random: Random) -> None:
        self.random = random
        self.streams = 0
        self.received: list[int] = []
        self.answered = 0
        self.overtaken: list[int] = []

    async def CreateHolds(  # noqa: N802
        self, requests: AsyncIterator[ledger_pb2.CreateHoldsRequest], _context: Any
    ) -> AsyncIterator[ledger_pb2.CreateHoldsResponse]:
        self.streams += 1
        first = True
        async for request in requests:
            if first and self.answered < len(self.received):
                self.overtaken.append(int(request.incarnation))
            first = False
            self.received.append(int(request.incarnation))
            await asyncio.sleep(self.random.choice((0, 0, SLOW_SECONDS)))
            self.answered += 1
            if self.random.random() < 0.1:
                yield ledger_pb2.CreateHoldsResponse(draining=ledger_pb2.Draining())
            yield ledger_pb2.CreateHoldsResponse(results=[ledger_pb2.HoldResult(hold_id=int(request.incarnation))])
            if self.random.random() < 0.1:
                yield ledger_pb2.CreateHoldsResponse(draining=ledger_pb2.Draining())


async def test_an_old_stream_is_left_and_nothing_is_overtaken() -> None:
    """Each request is answered once, in the order made, on many streams; none reaches a new one before the old has answered."""
    seed = Random().randrange(2**32)
    random = Random(seed)
    ledger, server = Ledger(random), grpc.aio.server()
    ledger_pb2_grpc.add_LedgerServiceServicer_to_server(ledger, server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
        stub: Any = ledger_pb2_grpc.LedgerServiceStub(channel)
        holds: Holds = Exchange(stub.CreateHolds, "LEDGER_DOWN", ANSWER_SECONDS, AGE_SECONDS)
        asked = []
        for number in range(REQUESTS):
            asked.append(asyncio.create_task(holds.ask(ledger_pb2.CreateHoldsRequest(incarnation=str(number)))))
            if random.random() < 0.3:
                await asked[-1]
            if random.random() < 0.02:
                await asyncio.sleep(2 * AGE_SECONDS)
        answers = await asyncio.gather(*asked, return_exceptions=True)
        assert [number_of(answer) for answer in answers] == list(range(REQUESTS)), f"seed {seed}"
        assert ledger.received == list(range(REQUESTS)), f"seed {seed}"
        assert not ledger.overtaken, f"seed {seed}"
        assert ledger.streams >= STREAMS_LEAST
        assert holds.breaks == 0
        await holds.close()
    await server.stop(None)


def number_of(answer: ledger_pb2.CreateHoldsResponse | BaseException) -> int | str:
    return repr(answer) if isinstance(answer, BaseException) else answer.results[0].hold_id
