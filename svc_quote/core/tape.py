"""The recent trades of one instrument, and their busts, in order, in bounded memory; older ones are in the store."""

from bisect import bisect_right
from itertools import islice
from operator import attrgetter

from svc_quote.core.events import Trade

TAPE_LIMIT = 10_000

_sequence = attrgetter("sequence")


class Tape:
    """All trades with a symbol_sequence above `floor`. Adding never drops: `trim` does, and only what is stored."""

    __slots__ = ("_sequences", "_trades", "count", "floor", "limit")

    def __init__(self, floor: int = 0, count: int = 0, limit: int = TAPE_LIMIT) -> None:
        self.floor = floor
        self.count = count  # trades ever, those below the floor included
        self.limit = limit
        self._trades: list[Trade] = []
        self._sequences: list[int] = []

    def add(self, trade: Trade) -> None:
        """Appends a trade."""
        self._trades.append(trade)
        self._sequences.append(trade.symbol_sequence)
        self.count += 1

    def after(self, symbol_sequence: int, limit: int) -> list[Trade]:
        """The first `limit` trades behind a symbol_sequence, which is not below the floor."""
        assert symbol_sequence >= self.floor
        start = bisect_right(self._sequences, symbol_sequence)
        return self._trades[start : start + limit]

    def before(self, symbol_sequence: int, limit: int) -> list[Trade]:
        """The last `limit` trades in memory before a symbol_sequence, newest first; without what tells of busts."""
        end = bisect_right(self._sequences, symbol_sequence - 1)
        older = map(self._trades.__getitem__, range(end - 1, -1, -1))
        return list(islice((trade for trade in older if not trade.busts), limit))

    def since(self, sequence: int) -> list[Trade]:
        """The trades in memory behind a sequence of the shard."""
        return self._trades[bisect_right(self._trades, sequence, key=_sequence) :]

    def behind(self, symbol_sequence: int) -> int:
        """How many trades in memory lie behind a symbol_sequence."""
        return len(self._trades) - bisect_right(self._sequences, symbol_sequence)

    @property
    def older(self) -> int:
        """How many trades are no longer in memory."""
        return self.count - len(self._trades)

    def trim(self, stored_sequence: int) -> None:
        """Keeps the newest `limit` trades, and all that the store does not have yet. Rare: at twice the limit."""
        if len(self._trades) < 2 * self.limit:
            return
        drop = len(self._trades) - self.limit
        while drop and self._trades[drop - 1].sequence > stored_sequence:
            drop -= 1
        if drop:
            self.floor = self._sequences[drop - 1]
            del self._trades[:drop], self._sequences[:drop]
