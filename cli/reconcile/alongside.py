"""Copies of the journal's messages, read in step with it: nothing missing, repeated or changed."""

import asyncio
from collections.abc import AsyncGenerator, Callable
from dataclasses import dataclass
from hashlib import blake2b
from typing import Any

from google.protobuf.message import DecodeError

from bourse.match.v1 import events_pb2
from cli.reconcile.breaks import Breaks

Key = tuple[int, int]  # first sequence of a message, and its part
REPEATED = "repeated or out of order"
NOTHING: Key = (0, 0)
Batch = events_pb2.ExecutionBatch | events_pb2.MarketDataBatch


def key(batch: Batch) -> Key:
    """Where a message stands among those of its shard."""
    return batch.first_sequence, batch.part if isinstance(batch, events_pb2.MarketDataBatch) else 0


@dataclass(slots=True)
class Copy:
    """Another copy of the messages of one shard, compared message by message as the journal's pass by.

    At its beginning it may lack messages of a journal time before `kept_since_us`. Once `ended` is set, `messages` must
    end with what there is.
    """

    source: str
    kind: str
    shard: int
    parse: Callable[[bytes], Batch]
    messages: AsyncGenerator[bytes, None]
    breaks: Breaks
    ended: asyncio.Event
    kept_since_us: int = 0
    _next: bytes | None = None
    _last: Key = NOTHING
    _missing: tuple[int, int, int] | None = None  # first and last sequence, messages

    async def check(self, message: bytes, batch: Batch) -> None:
        """The next message of the journal, and what it holds."""
        at = key(batch)
        while (other := await self._ahead()) is not None and other != message:
            found = self._key(other)
            if found is None or found == at:
                self._break(at[0], _show(message, batch), _show(other, None if found is None else self.parse(other)))
            elif found > at:
                break
            else:
                before = REPEATED if found <= self._last else "not in the journal"
                self._break(found[0], None, {**_show(other, self.parse(other)), "what": before})
            self._next = None
            if found is None or found == at:
                self._present(at)
                return
        if other == message:
            self._next = None
            self._present(at)
        elif self._last != NOTHING or batch.time_us >= self.kept_since_us:
            first, _, count = self._missing or (at[0], 0, 0)
            self._missing = first, batch.last_sequence, count + 1

    async def finish(self) -> None:
        """The journal has ended where the comparison ends: what the copy has behind it is newer, or repeated."""
        self._present(self._last)
        self.ended.set()
        while (other := await self._ahead()) is not None:
            found = self._key(other)
            if found is not None and found <= self._last:
                self._break(found[0], None, {**_show(other, self.parse(other)), "what": REPEATED})
            self._next = None

    async def _ahead(self) -> bytes | None:
        if self._next is None:
            self._next = await anext(self.messages, None)
        return self._next

    def _key(self, message: bytes) -> Key | None:
        try:
            return key(self.parse(message))
        except DecodeError:
            return None

    def _present(self, at: Key) -> None:
        self._last = at
        if self._missing:
            first, last, count = self._missing
            self._break(first, {"first_sequence": first, "last_sequence": last, "messages": count}, None)
            self._missing = None

    def _break(self, sequence: int, left: Any, right: Any) -> None:
        self.breaks.add(self.kind, self.shard, ("svc_match", left), (self.source, right), sequence=sequence)


def _show(message: bytes, batch: Batch | None) -> dict[str, Any]:
    """A message for people: its range, and what tells its bytes from others."""
    says: dict[str, Any] = {"bytes": len(message), "blake2b": blake2b(message, digest_size=8).hexdigest()}
    if batch is not None:
        says |= {"first_sequence": batch.first_sequence, "last_sequence": batch.last_sequence}
    return says
