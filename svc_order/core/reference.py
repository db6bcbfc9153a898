"""Reference data as the journal has it: instruments, and which trading date is open on which shard."""

from dataclasses import dataclass, field
from typing import NamedTuple


class Instrument(NamedTuple):
    """An instrument's fields that order entry needs; units as in bourse/types/v1/market.proto."""

    symbol: str
    currency: str
    tick_size_e4: int
    lot_size: int
    min_price_e4: int
    max_price_e4: int
    max_quantity: int
    highest_fee_e6: int
    shard: int
    tick_bands: tuple[tuple[int, int], ...] = ()
    max_notional_e4: int = 0

    def tick_at(self, price_e4: int) -> int:
        """The tick size that holds at a price: that of the last band that begins at or below it."""
        for price_from_e4, tick_size_e4 in reversed(self.tick_bands):
            if price_from_e4 <= price_e4:
                return tick_size_e4
        return self.tick_size_e4


@dataclass(slots=True)
class Shard:
    """What is known of a shard. `trading_date` is the open one, `closed_date` the last that is known to have closed; 0 for none."""

    incarnation: str
    sequence: int
    trading_date: int
    closed_date: int = 0


@dataclass(slots=True)
class Reference:
    """All shards' reference data. What is older than what is known of a shard changes nothing."""

    shard_numbers: frozenset[int]
    instruments: dict[str, Instrument] = field(default_factory=dict)
    known_at: dict[str, int] = field(default_factory=dict)  # the sequence that an instrument's fields are of, by symbol
    shards: dict[int, Shard] = field(default_factory=dict)

    @property
    def complete(self) -> bool:
        """Whether every shard is known, so that an unknown symbol is one."""
        return len(self.shards) == len(self.shard_numbers)

    def load(self, number: int, shard: Shard, instruments: list[Instrument]) -> None:
        """Takes a shard's whole state as of its sequence."""
        known = self.shards.get(number)
        if known is not None and known.incarnation != shard.incarnation:
            self.instruments = {name: one for name, one in self.instruments.items() if one.shard != number}
            self.known_at = {name: at for name, at in self.known_at.items() if name in self.instruments}
            known = None
        for instrument in instruments:
            self.added(shard.sequence, instrument)
        if known is None:
            self.shards[number] = shard
        elif shard.sequence > known.sequence:
            if known.trading_date and known.trading_date != shard.trading_date:
                known.closed_date = max(known.closed_date, known.trading_date)
            known.sequence, known.trading_date = shard.sequence, shard.trading_date

    def added(self, sequence: int, instrument: Instrument) -> None:
        """InstrumentAdded, InstrumentChanged, or as a shard lists it at a sequence."""
        if sequence >= self.known_at.get(instrument.symbol, 0):
            self.instruments[instrument.symbol] = instrument
            self.known_at[instrument.symbol] = sequence

    def opened(self, number: int, sequence: int, trading_date: int) -> None:
        """TradingDateOpened."""
        shard = self.shards.get(number)
        if shard is not None and sequence > shard.sequence:
            shard.sequence, shard.trading_date = sequence, trading_date

    def closed(self, number: int, sequence: int, trading_date: int) -> None:
        """TradingDateClosed."""
        shard = self.shards.get(number)
        if shard is not None:
            shard.closed_date = max(shard.closed_date, trading_date)
            if sequence > shard.sequence:
                shard.sequence, shard.trading_date = sequence, 0
