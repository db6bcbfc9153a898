"""What happened, and what a command came to. Private events are numbered by `sequence`, public ones by their place in
their symbol's sequence. Tuples, because a shard makes several for every order.
"""

from enum import IntEnum, StrEnum
from typing import NamedTuple, TypeAlias

from svc_match.core.commands import PLAIN, Step, Terms
from svc_match.core.instrument import Instrument, Listing, Phase


class Reason(StrEnum):
    """Why a command was rejected (on record) or refused (no trace)."""

    # Rejected.
    SYMBOL_UNKNOWN = "SYMBOL_UNKNOWN"
    MARKET_CLOSED = "MARKET_CLOSED"
    MARKET_HALTED = "MARKET_HALTED"
    INSTRUMENT_SUSPENDED = "INSTRUMENT_SUSPENDED"
    INSTRUMENT_DELISTED = "INSTRUMENT_DELISTED"
    PRICE_INVALID = "PRICE_INVALID"
    PRICE_OFF_TICK = "PRICE_OFF_TICK"
    PRICE_OUT_OF_LIMITS = "PRICE_OUT_OF_LIMITS"
    PRICE_OUTSIDE_COLLAR = "PRICE_OUTSIDE_COLLAR"
    QUANTITY_INVALID = "QUANTITY_INVALID"
    QUANTITY_OFF_LOT = "QUANTITY_OFF_LOT"
    QUANTITY_OUT_OF_LIMITS = "QUANTITY_OUT_OF_LIMITS"
    QUANTITY_BELOW_EXECUTED = "QUANTITY_BELOW_EXECUTED"
    AMOUNT_INVALID = "AMOUNT_INVALID"
    NOTIONAL_OVERFLOW = "NOTIONAL_OVERFLOW"
    NOTIONAL_OUT_OF_LIMITS = "NOTIONAL_OUT_OF_LIMITS"
    HOLD_TOO_SMALL = "HOLD_TOO_SMALL"
    ORDER_UNKNOWN = "ORDER_UNKNOWN"
    ORDER_FINISHED = "ORDER_FINISHED"
    POST_ONLY_WOULD_TRADE = "POST_ONLY_WOULD_TRADE"
    TRAILING_LIMIT = "TRAILING_LIMIT"
    MARKET_IN_AUCTION = "MARKET_IN_AUCTION"
    MARKET_NOT_IN_AUCTION = "MARKET_NOT_IN_AUCTION"
    PEGGED_LIMIT = "PEGGED_LIMIT"
    HIDDEN_LIMIT = "HIDDEN_LIMIT"
    EXPIRE_TIME_PAST = "EXPIRE_TIME_PAST"
    PARTICIPANT_KILLED = "PARTICIPANT_KILLED"
    ORDER_RATE_EXCEEDED = "ORDER_RATE_EXCEEDED"
    LEASE_UNKNOWN = "LEASE_UNKNOWN"
    MAKER_PROTECTION_ACTIVE = "MAKER_PROTECTION_ACTIVE"
    ORDER_IS_QUOTE = "ORDER_IS_QUOTE"
    QUOTE_LIMIT = "QUOTE_LIMIT"
    # Refused.
    CLIENT_ORDER_ID_REUSED = "CLIENT_ORDER_ID_REUSED"
    TRADING_DATE_WRONG = "TRADING_DATE_WRONG"
    IDENTITY_LIMIT = "IDENTITY_LIMIT"
    COMMAND_MISSING = "COMMAND_MISSING"
    LEASE_INVALID = "LEASE_INVALID"
    QUOTE_INVALID = "QUOTE_INVALID"
    MAKER_PROTECTION_INVALID = "MAKER_PROTECTION_INVALID"
    LEASE_LIMIT = "LEASE_LIMIT"
    ACCOUNT_INVALID = "ACCOUNT_INVALID"
    CLIENT_ORDER_ID_INVALID = "CLIENT_ORDER_ID_INVALID"
    SIDE_INVALID = "SIDE_INVALID"
    ORDER_TYPE_INVALID = "ORDER_TYPE_INVALID"
    TIME_IN_FORCE_INVALID = "TIME_IN_FORCE_INVALID"
    STOP_TRIGGER_INVALID = "STOP_TRIGGER_INVALID"
    HIDDEN_INVALID = "HIDDEN_INVALID"
    POST_ONLY_INVALID = "POST_ONLY_INVALID"
    SELF_TRADE_PREVENTION_INVALID = "SELF_TRADE_PREVENTION_INVALID"
    TRAILING_INVALID = "TRAILING_INVALID"
    PEG_INVALID = "PEG_INVALID"
    EXPIRE_DATE_INVALID = "EXPIRE_DATE_INVALID"
    EXPIRE_TIME_INVALID = "EXPIRE_TIME_INVALID"
    # Refused by its fields, or rejected by the instrument's.
    STOP_PRICE_INVALID = "STOP_PRICE_INVALID"
    STOP_LIMIT_PRICE_INVALID = "STOP_LIMIT_PRICE_INVALID"
    DISPLAY_QUANTITY_INVALID = "DISPLAY_QUANTITY_INVALID"
    MINIMUM_QUANTITY_INVALID = "MINIMUM_QUANTITY_INVALID"
    # Refused control commands.
    TRADING_DATE_OPEN = "TRADING_DATE_OPEN"
    TRADING_DATE_PAST = "TRADING_DATE_PAST"
    TRADING_DATE_INVALID = "TRADING_DATE_INVALID"
    TRADING_DATE_NOT_OPEN = "TRADING_DATE_NOT_OPEN"
    PHASE_INVALID = "PHASE_INVALID"
    AUCTION_KIND_INVALID = "AUCTION_KIND_INVALID"
    INSTRUMENT_EXISTS = "INSTRUMENT_EXISTS"
    INSTRUMENT_INVALID = "INSTRUMENT_INVALID"
    INSTRUMENT_LIMIT = "INSTRUMENT_LIMIT"
    INSTRUMENT_NOT_CLOSED = "INSTRUMENT_NOT_CLOSED"
    INSTRUMENT_HAS_ORDERS = "INSTRUMENT_HAS_ORDERS"
    LISTING_INVALID = "LISTING_INVALID"
    TRADE_UNKNOWN = "TRADE_UNKNOWN"
    TRADE_OF_EARLIER_DATE = "TRADE_OF_EARLIER_DATE"
    TRADE_BUSTED = "TRADE_BUSTED"
    BUST_REASON_INVALID = "BUST_REASON_INVALID"
    BUST_LIMIT = "BUST_LIMIT"
    PARTICIPANT_INVALID = "PARTICIPANT_INVALID"
    PARTICIPANT_LIMIT = "PARTICIPANT_LIMIT"
    ORDER_RATE_INVALID = "ORDER_RATE_INVALID"
    CALENDAR_INVALID = "CALENDAR_INVALID"


class Kind(IntEnum):
    """Which kind of command was rejected."""

    PLACE = 1
    CANCEL = 2
    REPLACE = 3
    MASS_CANCEL = 4
    MASS_QUOTE = 5


class DoneReason(IntEnum):
    """Why an order is finished."""

    FILLED = 1
    CANCELLED = 2
    IMMEDIATE = 3
    DATE_CLOSED = 4
    MINIMUM_QUANTITY = 5
    SELF_TRADE = 6
    AUCTION_OVER = 7
    DELISTED = 15
    EXPIRED = 14
    MASS_CANCELLED = 8
    KILLED = 9
    SESSION_LOST = 10
    MAKER_PROTECTION = 11
    QUOTE_WITHDRAWN = 18
    FILLS_LIMIT = 19


class RestateReason(IntEnum):
    """Why the exchange changed an order."""

    SLID = 1
    MARKET_TO_LIMIT = 2
    TRIGGERED = 3
    SELF_TRADE = 4
    PEGGED = 5
    PRICE_BAND = 9


class Ticked(NamedTuple):
    """Time passed."""

    sequence: int


class DateOpened(NamedTuple):
    """A trading date opened; private and public."""

    sequence: int
    trading_date: int


class DateClosed(NamedTuple):
    """A trading date closed; private and public."""

    sequence: int
    trading_date: int


class InstrumentAdded(NamedTuple):
    """An instrument was added; private and public."""

    sequence: int
    instrument: Instrument


class InstrumentChanged(NamedTuple):
    """An instrument has other reference data; private and public."""

    sequence: int
    instrument: Instrument


class ListingChanged(NamedTuple):
    """An instrument was suspended, listed again or delisted; private and public."""

    sequence: int
    symbol: str
    listing: Listing


class PhaseChanged(NamedTuple):
    """An instrument's phase changed; private and public. `auction` is the kind of the auction that begins, else 0."""

    sequence: int
    symbol: str
    phase: Phase
    auction: int = 0


class CalendarMoved(NamedTuple):
    """The calendar was set (then `done` is nothing), or did a step; what is next, if anything; private and public."""

    sequence: int
    done: Step | None
    following: Step | None


class ScheduleMissed(NamedTuple):
    """A step of the calendar was not done in time: what was open is halted, and the calendar stopped; private and public."""

    sequence: int
    missed: Step


class Accepted(NamedTuple):
    """An order was accepted; its fields as they were placed."""

    sequence: int
    order_id: int
    account: str
    client_order_id: str
    symbol: str
    side: int
    type: int
    time_in_force: int
    price_e4: int
    quantity: int
    amount_e4: int
    hold_id: int
    held_price_e4: int
    held_fee_e6: int
    terms: Terms = PLAIN
    lease: str = ""


class Rejected(NamedTuple):
    """A command was rejected, for good. `field` and `value` say what was wrong; `hold_ids` are those of a mass quote."""

    sequence: int
    kind: Kind
    order_id: int
    account: str
    client_order_id: str
    symbol: str
    hold_id: int
    reason: Reason
    field: str
    value: str
    hold_ids: tuple[int, ...] = ()


class Traded(NamedTuple):
    """Two orders traded at the maker's price, or in an auction; there the maker is the older order."""

    sequence: int
    symbol: str
    price_e4: int
    quantity: int
    maker_order_id: int
    taker_order_id: int
    maker_account: str
    taker_account: str
    taker_side: int
    maker_fee_e4: int
    taker_fee_e4: int
    maker_open: int
    taker_open: int
    auction: bool = False


class Busted(NamedTuple):
    """An operator busted a trade; private and public."""

    sequence: int
    trade: Traded
    reason: str


class Replaced(NamedTuple):
    """An order was replaced; what is held beyond the worst cost of `open_quantity` is released."""

    sequence: int
    order_id: int
    account: str
    client_order_id: str
    symbol: str
    price_e4: int
    quantity: int
    open_quantity: int
    hold_id: int
    held_price_e4: int
    held_fee_e6: int


class Restated(NamedTuple):
    """The exchange changed an order; what is held beyond the worst cost of `open_quantity` is released."""

    sequence: int
    order_id: int
    account: str
    reason: RestateReason
    symbol: str
    price_e4: int
    quantity: int
    open_quantity: int
    held_price_e4: int
    held_fee_e6: int


class MassCancelled(NamedTuple):
    """So many orders end, in the events behind this one: those of the account, or (`participant_wide`) of its participant.
    `account` and `client_order_id` are empty where the operator ends them, `symbol` and `side` for all and both.
    """

    sequence: int
    participant: str
    account: str
    client_order_id: str
    participant_wide: bool
    symbol: str
    side: int
    orders: int


class MassQuoted(NamedTuple):
    """A mass quote was taken: so many sides are to stand, in the events behind this one; of what it says of the protection see
    commands.Protection.
    """

    sequence: int
    account: str
    client_order_id: str
    quotes: int
    fill_limit: int
    share_limit: int
    window_us: int
    reset: bool


class MakerProtected(NamedTuple):
    """An account's quotes have traded as often or as much as it said: so many end, in the events behind this one."""

    sequence: int
    account: str
    quotes: int
    fills: int
    shares: int


class ParticipantKilled(NamedTuple):
    """A participant places and replaces no orders from now on; so many end, in the events behind this one."""

    sequence: int
    participant: str
    orders: int


class ParticipantReleased(NamedTuple):
    """A participant that was killed may place orders again."""

    sequence: int
    participant: str


class OrderRateSet(NamedTuple):
    """A participant may place and replace so many orders a second; 0 and 0: as many as it likes."""

    sequence: int
    participant: str
    per_second: int
    burst: int


class LeaseChanged(NamedTuple):
    """A lease began or was renewed until `expire_time_us`; or it is over (0): so many orders end, in the events behind this one."""

    sequence: int
    participant: str
    lease: str
    expire_time_us: int
    orders: int


class Done(NamedTuple):
    """An order is finished; all that is held for it is released."""

    sequence: int
    order_id: int
    account: str
    reason: DoneReason
    client_order_id: str
    symbol: str
    executed_quantity: int
    cancelled_quantity: int


class PublicTrade(NamedTuple):
    """A trade as everyone sees it."""

    sequence: int
    price_e4: int
    quantity: int
    taker_side: int
    auction: bool = False


class IndicativeChanged(NamedTuple):
    """What an auction would do if it ended now; all is 0 where nothing would trade, the side where no shares would be left."""

    sequence: int
    price_e4: int
    quantity: int
    surplus_side: int
    surplus_quantity: int


class PriceBandsChanged(NamedTuple):
    """Another reference price, or the limit state began, of the side that is displayed at its band, or ended: 0. Private and public."""

    sequence: int
    symbol: str
    reference_price_e4: int
    lower_price_e4: int
    upper_price_e4: int
    limit_side: int


class LevelChanged(NamedTuple):
    """The total at a price after a command; quantity 0 removes the level."""

    sequence: int
    side: int
    price_e4: int
    quantity: int
    orders: int


class Refused(NamedTuple):
    """The command left no trace."""

    reason: Reason
    field: str = ""
    value: str = ""


class Late(NamedTuple):
    """The command's deadline had passed; no trace but the time of its row."""


class Repeat(NamedTuple):
    """The command was taken before: its first result is the event of this sequence."""

    sequence: int


class EarlierDate(NamedTuple):
    """The command names another date: its first result, if it has one, is in that date's part of the journal."""

    trading_date: int
    key: int
    digest: bytes


class Stands(NamedTuple):
    """A control command is done; `sequence` is the shard's last. `more` asks for the command again; `orders` end by it."""

    sequence: int
    more: bool = False
    orders: int = 0


Event: TypeAlias = (
    Ticked
    | DateOpened
    | DateClosed
    | InstrumentAdded
    | InstrumentChanged
    | ListingChanged
    | PhaseChanged
    | CalendarMoved
    | ScheduleMissed
    | PriceBandsChanged
    | Accepted
    | Rejected
    | Traded
    | Busted
    | Replaced
    | Restated
    | MassCancelled
    | MassQuoted
    | MakerProtected
    | ParticipantKilled
    | ParticipantReleased
    | OrderRateSet
    | LeaseChanged
    | Done
)
Public: TypeAlias = (
    PublicTrade
    | LevelChanged
    | IndicativeChanged
    | PhaseChanged
    | PriceBandsChanged
    | InstrumentAdded
    | InstrumentChanged
    | ListingChanged
    | DateOpened
    | DateClosed
    | Busted
    | CalendarMoved
    | ScheduleMissed
)
First: TypeAlias = Accepted | Rejected | Replaced | Done | MassCancelled | MassQuoted | LeaseChanged
Result: TypeAlias = First | Refused | Late | Repeat | EarlierDate | Stands
ON_RECORD = frozenset(
    {Accepted, Rejected, Replaced, Done, MassCancelled, MassQuoted, LeaseChanged, Stands}
)  # The results whose command is in the journal.
