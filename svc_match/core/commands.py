"""What the core is asked to do. Tuples, because a shard makes one for every order.

`key` and `digest` are the command's identity: 128 bits over (account, client_order_id), and 128 bits over all of its
sender's own fields. The numbers of sides, order types and times in force are those of the protos.
"""

from enum import IntEnum
from hashlib import blake2b
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from svc_match.core.instrument import Instrument, Listing, Phase

if TYPE_CHECKING:
    from svc_match.core.events import Traded


class Side(IntEnum):
    """Which side of the book."""

    BUY = 1
    SELL = 2


class OrderType(IntEnum):
    """How an order is priced."""

    LIMIT = 1
    MARKET = 2
    MARKET_TO_LIMIT = 3
    STOP = 4
    STOP_LIMIT = 5
    ONE_CANCELS_OTHER = 6
    PEGGED = 7


class TimeInForce(IntEnum):
    """How long an order stands."""

    DAY = 1
    IOC = 2
    FOK = 3
    GOOD_FOR_AUCTION = 4
    AT_OPEN = 5
    AT_CLOSE = 6
    GTC = 7
    GTD = 8


class StopTrigger(IntEnum):
    """What is compared with a stop price."""

    LAST_TRADE = 1
    BEST_QUOTE = 2


class Peg(IntEnum):
    """Which price a pegged order follows."""

    BID = 1
    ASK = 2
    MIDDLE = 3


class PostOnly(IntEnum):
    """What becomes of an order that is to add liquidity only, when it would trade."""

    REJECT = 1
    SLIDE = 2


class SelfTradePrevention(IntEnum):
    """What happens instead of a trade between two orders of one participant."""

    NONE = 1
    CANCEL_NEWEST = 2
    CANCEL_OLDEST = 3
    CANCEL_BOTH = 4
    DECREMENT = 5


FIRST_TERMS = 7  # that an order could have when it could first have any


class Terms(NamedTuple):
    """What an order may ask for beyond its price, quantity and time in force; 0 asks for nothing."""

    stop_price_e4: int = 0
    stop_trigger: int = 0
    display_quantity: int = 0
    hidden: int = 0
    post_only: int = 0
    minimum_quantity: int = 0
    self_trade_prevention: int = 0
    trailing_amount_e4: int = 0
    trailing_bp: int = 0
    stop_limit_price_e4: int = 0
    peg: int = 0
    peg_offset_e4: int = 0
    expire_date: int = 0
    expire_time_us: int = 0

    @property
    def digested(self) -> tuple[int, ...]:
        """As a digest has them: the first ones, and of those that came later what asks for something."""
        count = len(self)
        while count > FIRST_TERMS and not self[count - 1]:
            count -= 1
        return self[:count]


PLAIN = Terms()


class Place(NamedTuple):
    """A new order, with what the ledger holds for it (cash for a buy, shares for a sell)."""

    account: str
    client_order_id: str
    trading_date: int
    key: int
    digest: bytes
    deadline_us: int
    hold_id: int
    held_amount: int
    held_price_e4: int
    held_fee_e6: int
    symbol: str
    side: int
    type: int
    time_in_force: int
    price_e4: int
    quantity: int
    amount_e4: int
    terms: Terms = PLAIN
    lease: str = ""


class Cancel(NamedTuple):
    """Ends an open order, named by `order_id`, or (when that is 0) by the key of the id that it was placed under."""

    account: str
    client_order_id: str
    trading_date: int
    key: int
    digest: bytes
    deadline_us: int
    hold_id: int
    order_id: int
    original_client_order_id: str
    original_key: int
    symbol: str


class Replace(NamedTuple):
    """Changes price and total quantity of an open order, named as in Cancel, with the extra that the ledger holds."""

    account: str
    client_order_id: str
    trading_date: int
    key: int
    digest: bytes
    deadline_us: int
    hold_id: int
    order_id: int
    original_client_order_id: str
    original_key: int
    symbol: str
    held_amount: int
    held_fee_e6: int
    price_e4: int
    quantity: int


class MassCancel(NamedTuple):
    """Ends the open orders of an account, or (`participant_wide`) of all accounts of its participant: of a side and in a symbol,
    or, where these are left out, of both and in all.
    """

    account: str
    client_order_id: str
    trading_date: int
    key: int
    digest: bytes
    deadline_us: int
    hold_id: int
    participant_wide: bool
    symbol: str
    side: int


class QuoteSide(NamedTuple):
    """One side of a quote, with its hold: what is to stand there from now on, with the quantity 0 nothing. `own_id` is its order's."""

    entry: int
    symbol: str
    side: int
    price_e4: int
    quantity: int
    own_id: str
    hold_id: int = 0
    held_amount: int = 0
    held_price_e4: int = 0
    held_fee_e6: int = 0


class Protection(NamedTuple):
    """When an account's quotes are pulled: after so many trades, or shares, of quotes that stood, within `window_us` of the first
    of them; 0 for no such limit.
    """

    fill_limit: int = 0
    share_limit: int = 0
    window_us: int = 0


class MassQuote(NamedTuple):
    """Replaces the account's quotes in some instruments, a bid and an offer each, in this order. `reset` begins its protection anew."""

    account: str
    client_order_id: str
    trading_date: int
    key: int
    digest: bytes
    deadline_us: int
    sides: tuple[QuoteSide, ...]
    prevention: int
    protection: Protection
    reset: bool
    lease: str


class RenewLease(NamedTuple):
    """Begins or renews a lease of a participant: it is over when it is not renewed for `grace_us`. It has no identity."""

    account: str
    client_order_id: str
    lease: str
    grace_us: int


class Tick(NamedTuple):
    """Lets journal time pass."""


class OpenDate(NamedTuple):
    """Opens a trading date (yyyymmdd)."""

    trading_date: int


class CloseDate(NamedTuple):
    """Closes the trading date, or does the next part of it."""

    trading_date: int


class EndOrders(NamedTuple):
    """Ends the open orders of a participant, of a side and in a symbol, or, where these are left out, of both and in all."""

    participant: str
    symbol: str
    side: int


class KillParticipant(NamedTuple):
    """Ends all open orders of a participant, and lets it place and replace none from now on."""

    participant: str


class ReleaseParticipant(NamedTuple):
    """Lets a participant that was killed place orders again."""

    participant: str


class SetOrderRate(NamedTuple):
    """Lets a participant place and replace so many orders a second, and `burst` at once; 0 and 0 as many as it likes."""

    participant: str
    per_second: int
    burst: int


class AddInstrument(NamedTuple):
    """Adds an instrument, CLOSED."""

    instrument: Instrument


class ChangeInstrument(NamedTuple):
    """Gives an instrument that is CLOSED other reference data."""

    instrument: Instrument


class SetListing(NamedTuple):
    """Suspends an instrument, lists it again, or delists it, or does the next part of that."""

    symbol: str
    listing: Listing


class SetPhase(NamedTuple):
    """Sets the phase of one instrument, or of all when `symbol` is empty; `auction` is its kind where that is AUCTION, else 0."""

    symbol: str
    phase: Phase
    auction: int = 0


class BustTrade(NamedTuple):
    """Busts a trade, which is as the journal has it."""

    trade: "Traded"
    reason: str


class StepKind(IntEnum):
    """What is done."""

    OPEN_DATE = 1
    SET_PHASE = 2
    CLOSE_DATE = 3


class Step(NamedTuple):
    """What is done at `time_us`, or up to `random_end_us` later: the seed says when."""

    time_us: int
    kind: int
    trading_date: int
    phase: int = 0
    auction: int = 0
    random_end_us: int = 0

    def due_us(self, seed: int) -> int:
        """When it is done: `time_us`, and of what the seed and it have as a digest so much as is left of `random_end_us` + 1."""
        if not self.random_end_us:
            return self.time_us
        digest = blake2b(f"{seed} {self.time_us}".encode(), digest_size=8).digest()
        return self.time_us + int.from_bytes(digest) % (self.random_end_us + 1)


class SetCalendar(NamedTuple):
    """Sets the calendar: what is done by itself, at which journal times. Steps that are over are passed over."""

    steps: tuple[Step, ...]
    seed: int


Order: TypeAlias = Place | Cancel | Replace | MassCancel | MassQuote | RenewLease
Control: TypeAlias = (
    Tick
    | OpenDate
    | CloseDate
    | AddInstrument
    | ChangeInstrument
    | SetListing
    | SetPhase
    | EndOrders
    | KillParticipant
    | ReleaseParticipant
    | SetOrderRate
    | BustTrade
    | SetCalendar
)
Command: TypeAlias = Order | Control
