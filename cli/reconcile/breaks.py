"""What reconciliation found: breaks, each with both sides, and how much was compared."""

from collections import Counter
from dataclasses import dataclass, field
from typing import Any

BREAKS_KEPT_LIMIT = 200  # A kind; the rest is counted.
SUSPECTS_LIMIT = 5 * BREAKS_KEPT_LIMIT

KINDS = {
    "sequence": "the execution stream or the feed is not one contiguous sequence",
    "event": "an event of the journal contradicts those before it",
    "row": "a stored journal row is damaged, or its bytes are not those that svc_match streams",
    "stream": "svc_match does not stream all that its journal has",
    "message": "JetStream lacks, repeats or changed a message of the journal",
    "cursor": "a consumer has not reached the sequence at which reconciliation began, or is behind the journal's end",
    "incarnation": "a consumer's position is of another incarnation",
    "settlement": "settlement of a shard has stopped",
    "trade": "a trade's postings in the ledger are not those that it calls for",
    "hold": "what is held is not what the open orders call for",
    "balance": "a balance is not what deposits, withdrawals and trades add up to",
    "posting": "a balance does not follow from the ledger's own postings, or one of them is for nothing",
    "pending": "what a balance has pending is not the sum of its holds",
    "negative": "a participant's balance is below zero",
    "conservation": "an asset was created or destroyed",
    "order": "the order history differs from the journal",
    "drop_copy": "what a participant is told of its orders differs from the journal",
    "feed_trade": "a public trade is not the private one",
    "feed_reference": "an instrument, a phase or a date was made public otherwise than it is",
    "feed_depth": "the public book is not what the open orders display",
    "quote_trade": "the tape of svc_quote differs from the feed",
    "quote_depth": "a book of svc_quote differs from the feed",
}


@dataclass(frozen=True, slots=True)
class Side:
    """What one source says; `value` is None where it has nothing."""

    source: str
    value: Any


@dataclass(frozen=True, slots=True)
class Break:
    """A difference. `where` names the sequence, order, account, asset, symbol, ... that it is at."""

    kind: str
    shard: int | None
    where: dict[str, int | str]
    left: Side
    right: Side

    def as_json(self) -> dict[str, Any]:
        sides = {name: {"source": side.source, "value": side.value} for name, side in self.sides()}
        return {"kind": self.kind, "shard": self.shard, **self.where, **sides}

    def sides(self) -> tuple[tuple[str, Side], tuple[str, Side]]:
        return ("left", self.left), ("right", self.right)


@dataclass(slots=True)
class Breaks:
    """Collects breaks: keeps the first BREAKS_KEPT_LIMIT of each kind, counts all.

    `suspects` are the (shard, sequence) of trades and orders that were compared by digest alone.
    """

    kept: list[Break] = field(default_factory=list)
    found: Counter[str] = field(default_factory=Counter)
    suspects: set[tuple[int, int]] = field(default_factory=set)

    def add(
        self, kind: str, shard: int | None, left: tuple[str, Any], right: tuple[str, Any], **where: int | str
    ) -> None:
        assert kind in KINDS, kind
        self.found[kind] += 1
        if self.found[kind] <= BREAKS_KEPT_LIMIT:
            self.kept.append(Break(kind, shard, where, Side(*left), Side(*right)))

    def suspect(self, shard: int, sequence: int) -> None:
        if len(self.suspects) < SUSPECTS_LIMIT:
            self.suspects.add((shard, sequence))


@dataclass(frozen=True, slots=True)
class Reconciliation:
    """The outcome. Everything up to `sequences[shard]` was compared everywhere, and each consumer up to its own cursor.

    `breaks` holds the first of each kind, `found` the number of each kind, `counts` what was compared, and `cursors`
    each consumer's position by shard.
    """

    sequences: dict[int, int]
    cursors: dict[str, dict[int, int]]
    counts: dict[str, int]
    breaks: tuple[Break, ...]
    found: dict[str, int]
    seconds: float

    @property
    def broken(self) -> int:
        """How many breaks there are, those included that are only counted."""
        return sum(self.found.values())

    def as_json(self) -> dict[str, Any]:
        return {
            "clean": not self.broken,
            "sequences": {str(shard): sequence for shard, sequence in self.sequences.items()},
            "cursors": {name: {str(s): n for s, n in cursors.items()} for name, cursors in self.cursors.items()},
            "counts": self.counts,
            "found": self.found,
            "breaks": [found.as_json() for found in self.breaks],
            "seconds": round(self.seconds, 3),
        }
