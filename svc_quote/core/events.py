"""What a shard tells the public, as values. Prices are price_e4, quantities shares, times journal time_us."""

from enum import IntEnum
from typing import NamedTuple, TypeAlias

BUY, SELL = 1, 2


class Phase(IntEnum):
    """What an instrument's book does with commands."""

    CLOSED = 1
    OPEN = 2
    HALTED = 3
    AUCTION = 4


class Listing(IntEnum):
    """Whether an instrument may be traded at all."""

    LISTED = 1
    SUSPENDED = 2
    DELISTED = 3


class Level(NamedTuple):
    """The total at a price, absolute; quantity 0 removes the level."""

    side: int
    price_e4: int
    quantity: int
    orders: int


class Traded(NamedTuple):
    """Two orders traded; `sequence` is the trade's id within the shard."""

    sequence: int
    price_e4: int
    quantity: int
    taker_side: int
    auction: bool = False


class Indicative(NamedTuple):
    """What the auction that collects orders would do now; the price is 0, and all else, where nothing would trade."""

    price_e4: int = 0
    quantity: int = 0
    surplus_side: int = 0
    surplus_quantity: int = 0


class PriceBands(NamedTuple):
    """Outside of these nothing trades while the instrument is open; `limit_side` is displayed at its band, 0 for none."""

    reference_price_e4: int
    lower_price_e4: int
    upper_price_e4: int
    limit_side: int = 0


class Busted(NamedTuple):
    """The trade of `trade_sequence`, whose other fields are told again, does not count any more."""

    sequence: int
    trade_sequence: int
    price_e4: int
    quantity: int
    taker_side: int


class PhaseChanged(NamedTuple):
    """The instrument's phase changed; `auction` is the kind of the auction that begins, as the protos number them, else 0."""

    phase: Phase
    auction: int = 0


class Instrument(NamedTuple):
    """Reference data of one instrument, encoded as the journal has it; as an event: it was added or changed."""

    encoded: bytes


class ListingChanged(NamedTuple):
    """The instrument was suspended, listed again or delisted."""

    listing: Listing


class DateOpened(NamedTuple):
    """A trading date opened; all instruments are closed."""

    trading_date: int


class DateClosed(NamedTuple):
    """A trading date closed; all instruments are closed, no order is open."""

    trading_date: int


class Transition(NamedTuple):
    """A step of the calendar; fields as bourse.types.v1.Transition."""

    time_us: int
    kind: int
    trading_date: int
    phase: int
    auction: int
    random_end_us: int


class CalendarMoved(NamedTuple):
    """What the calendar does next; nothing where it does nothing more, or stopped."""

    following: Transition | None


Event: TypeAlias = (
    CalendarMoved
    | Level
    | Traded
    | Indicative
    | PriceBands
    | Busted
    | PhaseChanged
    | Instrument
    | ListingChanged
    | DateOpened
    | DateClosed
)


class Part(NamedTuple):
    """One part of a journal row: the events of `symbol`, the first with `first_symbol_sequence`."""

    last_sequence: int
    time_us: int
    ends_row: bool
    symbol: str
    first_symbol_sequence: int
    events: list[Event]


class Trade(NamedTuple):
    """An entry of the tape: a trade, or the bust of the trade whose sequence is `busts`, with that trade's price, quantity and side."""

    sequence: int
    symbol_sequence: int
    price_e4: int
    quantity: int
    taker_side: int
    time_us: int
    busts: int = 0
    auction: bool = False


class Broken(Exception):
    """Market data that cannot follow what was applied before it: damage or a bug, never a state of the market."""
