"""What became of every acknowledged command, by the journal: the proof that none was lost and none was done twice."""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from bourse.match.v1 import events_pb2
from bourse.types.v1 import command_pb2

Identity = tuple[int, str, str]  # The shard, the account, and the id.
RESULT_EVENTS = {
    "accepted": command_pb2.OUTCOME_ACCEPTED,
    "rejected": command_pb2.OUTCOME_REJECTED,
    "replaced": command_pb2.OUTCOME_REPLACED,
    "done": command_pb2.OUTCOME_CANCELLED,
    "mass_cancelled": command_pb2.OUTCOME_CANCELLED,
}


@dataclass(frozen=True, slots=True)
class Acknowledgement:
    """What a client was told of one command: its outcome, and where the journal has it."""

    account: str
    client_order_id: str
    outcome: int
    shard: int
    sequence: int


@dataclass(slots=True)
class Audit:
    """Folds the execution stream of one trading date and compares it with what clients were told.

    With `symbol` it looks at that instrument alone. `lost` holds the acknowledgements that the journal has not, at the
    sequence told; `doubled` the commands that it has twice. `left` is how many orders ended because their client was gone.
    """

    symbol: str = ""
    fills: int = 0
    shares: int = 0
    restated: int = 0
    auctioned: int = 0
    left: int = 0
    cancelled: dict[int, int] = field(default_factory=dict)
    open_orders: set[int] = field(default_factory=set)
    results: dict[tuple[int, int], tuple[str, str, int]] = field(default_factory=dict)
    seen: Counter[Identity] = field(default_factory=Counter)

    def fold(self, batch: events_pb2.ExecutionBatch) -> None:
        for sequence, event in enumerate(batch.events, batch.first_sequence):
            kind = event.WhichOneof("event")
            if kind not in ("trade", "restated") and kind not in RESULT_EVENTS:
                continue
            body = getattr(event, kind)
            if self.symbol and body.symbol != self.symbol:
                continue
            if kind == "trade":
                self.fills += 1
                self.shares += event.trade.quantity
                self.auctioned += event.trade.auction
            elif kind == "restated":
                self.restated += 1
            else:
                self.result(batch.shard, sequence, kind, body)

    def result(self, shard: int, sequence: int, kind: str, event: Any) -> None:
        if kind == "accepted":
            self.open_orders.add(event.order_id)
        elif kind == "done":
            self.open_orders.discard(event.order_id)
            self.left += event.reason == events_pb2.DONE_REASON_SESSION_LOST
            if event.client_order_id:
                self.cancelled[event.order_id] = event.cancelled_quantity
        if event.client_order_id:
            self.seen[shard, event.account, event.client_order_id] += 1
            self.results[shard, sequence] = event.account, event.client_order_id, RESULT_EVENTS[kind]

    def lost(self, acknowledgements: list[Acknowledgement]) -> Iterator[Acknowledgement]:
        for told in acknowledgements:
            if self.results.get((told.shard, told.sequence)) != (told.account, told.client_order_id, told.outcome):
                yield told

    def doubled(self) -> list[Identity]:
        return [identity for identity, count in self.seen.items() if count > 1]
