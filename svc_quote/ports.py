"""What the use cases need of the world."""

from typing import Protocol

from svc_quote.core.events import Trade
from svc_quote.core.market import Changed, Market
from svc_quote.core.shard import Shard


class OtherWriter(Exception):
    """The store is ahead of this process: another one writes it."""


class StoreDown(Exception):
    """The store did not answer, and may or may not have done it; try again."""


class Store(Protocol):
    """Keeps one checkpoint a shard and its whole tape. Every method may raise StoreDown."""

    async def load(self, shard: int) -> bytes | None:
        """The last checkpoint."""
        ...

    async def cursor(self, shard: int) -> tuple[str, int]:
        """Incarnation and sequence of the last checkpoint; an empty one and 0 when there is none."""
        ...

    async def save(
        self, shard: int, incarnation: str, sequence: int, checkpoint: bytes, trades: list[tuple[str, Trade]]
    ) -> None:
        """Stores the checkpoint of `sequence` and the trades behind the one before, all or nothing. Trades
        that it has are skipped, so a retry is safe. Raises OtherWriter.
        """
        ...

    async def drop(self, shard: int) -> None:
        """Forgets all of a shard."""
        ...

    async def trades_before(self, shard: int, symbol: str, symbol_sequence: int, limit: int) -> list[Trade]:
        """The last `limit` stored trades before a symbol_sequence, newest first; without what tells of busts."""
        ...

    async def trades_after(self, shard: int, symbol: str, after: int, until: int, limit: int) -> list[Trade]:
        """The first `limit` stored trades with `after` < symbol_sequence <= `until`."""
        ...


class Audience(Protocol):
    """Who wants to know what changed."""

    def changed(self, shard: Shard, changes: list[tuple[Market, Changed]]) -> None:
        """A row is applied."""
        ...

    def gone(self, shard: Shard) -> None:
        """The shard is dropped, to be rebuilt."""
        ...
