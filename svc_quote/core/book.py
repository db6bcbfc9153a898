"""A book by price, from absolute levels: of each price the last level counts."""

from bisect import bisect_left, insort

from svc_quote.core.events import SELL, Level

CHANGES_LIMIT = 8192


class Side:
    """The levels of one side. Setting costs a bisection, reading the best nothing."""

    __slots__ = ("_levels", "_prices", "_sells")

    def __init__(self, sells: bool) -> None:
        self._sells = sells
        self._levels: dict[int, Level] = {}
        self._prices: list[int] = []

    def set(self, level: Level) -> None:
        """Puts the level in the place of the one at its price; quantity 0 removes that."""
        price, levels = level.price_e4, self._levels
        if level.quantity:
            if price not in levels:
                insort(self._prices, price)
            levels[price] = level
        elif levels.pop(price, None) is not None:
            del self._prices[bisect_left(self._prices, price)]

    def at(self, price_e4: int) -> Level | None:
        """The level at a price."""
        return self._levels.get(price_e4)

    @property
    def best(self) -> Level | None:
        """The highest bid, or the lowest ask."""
        return self._levels[self._prices[0 if self._sells else -1]] if self._prices else None

    def top(self, count: int) -> list[Level]:
        """At most `count` levels, best first."""
        prices = self._prices[:count] if self._sells else self._prices[: -count - 1 : -1]
        return [self._levels[price] for price in prices]

    def __len__(self) -> int:
        return len(self._prices)


class Book:
    """Both sides, and which levels changed last: so a reader is conflated by remembering one number.

    At most CHANGES_LIMIT changed levels are remembered; who was last here before them reads the whole book.
    """

    __slots__ = ("_changed", "asks", "bids", "changes_limit", "floor")

    def __init__(self, symbol_sequence: int = 0, changes_limit: int = CHANGES_LIMIT) -> None:
        self.bids = Side(sells=False)
        self.asks = Side(sells=True)
        self.changes_limit = changes_limit
        self.floor = symbol_sequence
        self._changed: dict[tuple[int, int], int] = {}  # (side, price) -> symbol_sequence, the latest at the end

    def set(self, level: Level, symbol_sequence: int) -> None:
        """Applies a level as the symbol's event `symbol_sequence`."""
        self.put(level)
        changed, key = self._changed, (level.side, level.price_e4)
        if key in changed:
            del changed[key]
        elif len(changed) >= self.changes_limit:
            oldest = next(iter(changed))
            self.floor = changed.pop(oldest)
        changed[key] = symbol_sequence

    def put(self, level: Level) -> None:
        """Applies a level that is no news."""
        (self.asks if level.side == SELL else self.bids).set(level)

    def changes(self, after: int) -> list[Level] | None:
        """The levels, as they are now, that changed after the symbol's event `after`, latest first; None when
        that is too long ago to say.
        """
        if after < self.floor:
            return None
        levels = []
        for (side, price), symbol_sequence in reversed(self._changed.items()):
            if symbol_sequence <= after:
                break
            level = (self.asks if side == SELL else self.bids).at(price)
            levels.append(level or Level(side, price, 0, 0))
        return levels
