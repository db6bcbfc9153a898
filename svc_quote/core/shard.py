"""All instruments of one shard, at one cursor: journal rows are applied whole, so readers never see half of one."""

from svc_quote.core.events import DateClosed, DateOpened, Event, Part, Phase, Trade
from svc_quote.core.market import Changed, Market
from svc_quote.core.tape import TAPE_LIMIT


class Shard:
    """The state after the shard's event `sequence`. An empty incarnation has applied nothing."""

    def __init__(self, number: int, incarnation: str = "", tape_limit: int = TAPE_LIMIT) -> None:
        self.number = number
        self.incarnation = incarnation
        self.tape_limit = tape_limit
        self.sequence = 0
        self.time_us = 0
        self.trading_date = 0
        self.date_missing = False  # one opened before the first instrument was there to be told
        self.markets: dict[str, Market] = {}
        self.trades = 0  # since this process began with the shard
        self.stored_sequence = 0
        self.stored_trades = 0
        self._row: list[Part] = []

    def take(self, part: Part) -> list[tuple[Market, Changed]]:
        """Applies a row when its last part is here, and says what changed; parts come in order, none twice.

        Raises Broken when it cannot follow what is applied; the shard is then of no more use.
        """
        self._row.append(part)
        if not part.ends_row:
            return []
        row, self._row = self._row, []
        changes = [self._apply(each) for each in row if each.events]
        assert part.last_sequence > self.sequence
        assert part.time_us >= self.time_us, "journal time never goes back"
        self.sequence, self.time_us = part.last_sequence, part.time_us
        return changes

    def open_date(self, trading_date: int) -> None:
        """Sets the date that is open, where no event could tell it: instruments trade on it already."""
        self.date_missing, self.trading_date = False, trading_date
        for market in self.markets.values():
            market.trading_date = market.statistics.trading_date = trading_date

    def forget_row(self) -> None:
        """Forgets the parts of a row that is not whole; they will come again."""
        self._row = []

    def unstored(self) -> list[tuple[str, Trade]]:
        """The trades that the store does not have yet, by instrument, in order."""
        return [
            (market.symbol, trade)
            for market in self.markets.values()
            for trade in market.tape.since(self.stored_sequence)
        ]

    def stored(self, sequence: int, trades: int) -> None:
        """The store has all up to `sequence`, when the shard's trades were `trades`."""
        self.stored_sequence, self.stored_trades = sequence, trades
        for market in self.markets.values():
            market.tape.trim(sequence)

    def stored_elsewhere(self, sequence: int) -> None:
        """The store, which another process writes, has all up to `sequence`."""
        sequence = min(sequence, self.sequence)
        if sequence > self.stored_sequence:
            behind = sum(len(market.tape.since(sequence)) for market in self.markets.values())
            self.stored(sequence, self.trades - behind)

    def _apply(self, part: Part) -> tuple[Market, Changed]:
        market = self._market(part)
        before = market.tape.count
        changed = market.apply(part.first_symbol_sequence, part.events, part.time_us)
        self.trades += market.tape.count - before
        if Changed.REFERENCE in changed:
            self._note_date(part.events)
            self.date_missing = not self.trading_date and market.phase is not Phase.CLOSED
        return market, changed

    def _market(self, part: Part) -> Market:
        market = self.markets.get(part.symbol)
        if market is None:
            market = Market(part.symbol, self.trading_date)
            market.tape.limit = self.tape_limit
            if part.symbol:
                self.markets[part.symbol] = market
            else:  # events of a shard without instruments: they have no sequence of a symbol
                market.symbol_sequence = part.first_symbol_sequence - 1
        return market

    def _note_date(self, events: list[Event]) -> None:
        for event in events:
            if isinstance(event, DateOpened):
                self.trading_date = event.trading_date
            elif isinstance(event, DateClosed):
                self.trading_date = 0
