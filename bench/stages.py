"""Where the time of an order goes in svc_match, without gRPC, PostgreSQL and NATS: the straight way beside the general one, on the
same requests, in turns; and what many orders take: bytes of the identity table, the longest batch, a snapshot and its restore.

A stage's time is the median over the batches, in microseconds a command.
"""

import argparse
import time
from collections import defaultdict
from collections.abc import Callable
from random import Random
from statistics import median
from typing import Any

from bench._conditions import conclude
from bench.match import SYMBOLS, batches
from bourse.match.v1 import match_pb2
from cli.demo.run import instrument
from cli.opening import today
from svc_match import db
from svc_match.codec import Codec
from svc_match.core import commands, plain, snapshot
from svc_match.core.engine import ROW_EVENTS_LIMIT, Engine
from svc_match.core.instrument import Phase
from svc_match.ports import Encoded, Head, Row
from svc_match.wire import reference
from svc_match.wire.commands import read_request

HEAD = Head("0" * 32, 1, 0, 1_000_000)
STAGES = ("request", "apply", "encode", "answer", "checksum")


class Way:
    """One way from a request's bytes to a row and the answer's bytes, with its own engine."""

    def __init__(self, straight: bool) -> None:
        self.straight = straight
        self.codec, self.engine = Codec(), Engine(0)
        for symbol in SYMBOLS:
            self.engine.apply([commands.AddInstrument(reference.instrument(instrument(symbol, 0)))], 1)
        self.engine.apply([commands.OpenDate(today())], 1)
        self.engine.apply([commands.SetPhase("", Phase.OPEN)], 1)
        self.times: dict[str, list[float]] = defaultdict(list)
        self.identities: list[bytes] = []

    def take(self, raw: bytes, count: int) -> None:
        """One request, which fits a row."""
        read = self.codec.request if self.straight else read_request
        _, items = self.timed("request", count, lambda: read(raw))
        done = self.timed("apply", count, lambda: self.apply(items))
        assert len(done.results) == count
        encoded = self.timed("encode", count, lambda: self.codec.encoded(HEAD, self.engine, items, done))
        self.timed("answer", count, lambda: self.codec.answer(items, encoded.results))
        self.timed("checksum", count, lambda: db.row_checksum(row(done, encoded)))
        self.identities.append(done.identities)

    def apply(self, items: list[Any]) -> Any:
        if self.straight:
            return plain.execute(self.engine, items, 1, ROW_EVENTS_LIMIT)
        return self.engine.apply([item.command for item in items], 1)

    def timed(self, stage: str, count: int, work: Callable[[], Any]) -> Any:
        start = time.perf_counter()
        result = work()
        self.times[stage].append((time.perf_counter() - start) / count * 1e6)
        return result


def row(done: Any, encoded: Encoded) -> Row:
    parts = [part for _, part in encoded.market_data]
    return Row(
        0, done.first_sequence, done.last_sequence, HEAD.incarnation, 1, 1, 1, today(), encoded.commands, done.identities,
        encoded.executions, parts, [symbol for symbol, _ in encoded.market_data], [],
    )  # fmt: skip


def measure(count: int, batch: int, seed: int, not_plain: float, resting: int) -> None:
    ways, chance = (Way(straight=False), Way(straight=True)), Random(seed)
    for made in batches(count, batch, seed, HEAD.incarnation):
        request = match_pb2.SubmitRequest.FromString(made)
        for submission in request.submissions:
            if chance.random() < not_plain and submission.command.HasField("place"):
                submission.command.place.account = "o'hara/main"
        for way in ways:
            way.take(request.SerializeToString(), len(request.submissions))
    general, straight = ({stage: median(way.times[stage]) for stage in STAGES} for way in ways)
    assert snapshot.state_hash(ways[0].engine) == snapshot.state_hash(ways[1].engine)
    figures = {"general_us": round(sum(general.values()), 2), "straight_us": round(sum(straight.values()), 2)}
    held = many(resting, batch)
    conclude(
        "stages",
        [
            *((f"{stage}, general way, us", general[stage]) for stage in STAGES),
            *((f"{stage}, straight, us", straight[stage]) for stage in STAGES),
            *figures.items(),
            *held.items(),
        ],
        {**figures, **{name: round(value, 2) for name, value in held.items()}},
    )


def many(count: int, batch: int) -> dict[str, float]:
    """What orders that all rest take."""
    way = Way(straight=True)
    for start in range(0, count, batch):
        raw = resting(start, batch)
        way.take(raw, batch)
    table, room = way.engine.identities, snapshot.room(snapshot.size(way.engine))
    start = time.perf_counter()
    copied = snapshot.copy(way.engine, room)
    copy = time.perf_counter() - start
    state, records = bytes(snapshot.seal(copied)), b"".join(way.identities)
    start = time.perf_counter()
    assert snapshot.load(state, records).open_orders == way.engine.open_orders
    return {
        "resting": way.engine.open_orders,
        "identity_bytes_an_order": table.held_bytes / len(table),
        "longest_batch_ms": max(way.times["apply"]) * batch / 1e3,
        "snapshot_copy_ms": copy * 1e3,
        "restore_seconds": time.perf_counter() - start,
    }


def resting(first: int, count: int) -> bytes:
    """Buys below the price, sells above it."""
    request = match_pb2.SubmitRequest(incarnation=HEAD.incarnation)
    for number in range(first, first + count):
        side = 1 + number % 2
        price_e4 = 500_000 + (200 + number * 7_919 % 200_000 // 100 * 100) * (1 if side == commands.Side.SELL else -1)
        made = request.submissions.add(hold_id=number + 1, held_amount=1 << 60, held_price_e4=price_e4, held_fee_e6=300)
        order = made.command.place
        order.account, order.client_order_id, order.trading_date = f"alpha/{number % 50}", f"order-{number}", today()
        order.symbol, order.side, order.type, order.time_in_force = SYMBOLS[number % 2], side, 1, 1  # type: ignore[assignment]
        order.price_e4, order.quantity = price_e4, 10
    return request.SerializeToString()


if __name__ == "__main__":
    options = argparse.ArgumentParser(prog="bench.stages", description=__doc__)
    options.add_argument("--commands", type=int, default=100_000, help="commands of both ways (100 000)")
    options.add_argument("--batch", type=int, default=1_000, help="commands of a batch (1 000)")
    options.add_argument("--seed", type=int, default=1)
    options.add_argument("--not-plain", type=float, default=0.0, help="share of orders that are not plain (0)")
    options.add_argument("--resting", type=int, default=1_000_000, help="orders that rest (1 000 000)")
    chosen = options.parse_args()
    measure(chosen.commands, chosen.batch, chosen.seed, chosen.not_plain, chosen.resting)
