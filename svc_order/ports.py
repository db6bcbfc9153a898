"""What the use cases need from outside, in the domain's words."""

from collections.abc import AsyncIterator, Callable, Sequence
from typing import NamedTuple, Protocol

from svc_order.core.checks import Need
from svc_order.core.commands import Command
from svc_order.core.history import Fold
from svc_order.core.quotes import Leg
from svc_order.core.reference import Instrument, Shard
from svc_order.core.refused import Refused
from svc_order.core.saga import Hold

ACCEPTED, LATE = 1, 6  # bourse.types.v1.OUTCOME_ACCEPTED, OUTCOME_LATE


class Answer(Protocol):
    """A result of the core: a bourse.types.v1.CommandResult, which goes back to the caller as it is."""

    @property
    def outcome(self) -> int: ...
    @property
    def sequence(self) -> int: ...
    @property
    def order_id(self) -> int: ...


class Ticket:
    """One command on its way: the broker's `message` is passed on as it came; `result` is set once.

    A command for every shard has a ticket for each, one behind the other: the last one has the others in `before`.
    """

    __slots__ = (
        "attempt",
        "before",
        "command",
        "digest",
        "end_span",
        "goes_everywhere",
        "hold",
        "is_part",
        "message",
        "need",
        "result",
        "sent",
        "shard",
        "traceparent",
        "waited",
    )

    def __init__(
        self, command: Command | None, message: object, shard: int, need: Need | tuple[Leg, ...] | None, digest: bytes
    ) -> None:
        self.command = command
        self.message = message
        self.shard = shard
        self.need = need
        self.digest = digest
        self.hold: Hold | None = None
        self.result: Answer | Refused | None = None
        self.sent = False
        self.waited = False  # Settlement has come to where the journal was when the ledger did not know its order.
        self.attempt = 1
        self.traceparent = ""
        self.end_span: Callable[[], None] | None = None
        self.is_part = False  # of a command that a later ticket answers
        self.goes_everywhere = False
        self.before: Sequence[Ticket] = ()


class Ledger(Protocol):
    """The ledger's holds."""

    async def create_holds(self, ring: str, incarnation: str, tickets: Sequence[Ticket]) -> Sequence[Hold]:
        """One hold a ticket, in order, after they are committed; each ring has a stream of its own. Raises Unavailable."""

    async def settled(self, shard: int) -> tuple[int, int]:
        """Sequence and journal time of settlement's cursor. Raises Unavailable."""


class Match(Protocol):
    """The shards of the exchange."""

    async def submit(
        self, shard: int, incarnation: str, tickets: Sequence[Ticket], deadlines_us: Sequence[int]
    ) -> Sequence[Answer]:
        """One answer a ticket, in order, after they are in the journal; calls of one shard are taken in the order made.

        Raises Unavailable; then so does every call of the shard that was made before it raised.
        """

    def breaks(self, shard: int) -> int:
        """How often the shard's calls failed: those that are made while this moves fail, even if they do not know it yet."""

    async def state(self, shard: int) -> tuple[Shard, list[Instrument]]:
        """The shard's reference data at its last committed row. Raises Unavailable."""


class OrderRow(NamedTuple):
    """An order as history stores it; fields as bourse.order.v1.Order, `refusal` as JSON or empty."""

    order_id: int
    participant: str
    account: str
    client_order_id: str
    trading_date: int
    symbol: str
    side: int
    type: int
    time_in_force: int
    price_e4: int
    quantity: int
    executed_quantity: int
    open_quantity: int
    executed_amount_e4: int
    fees_e4: int
    state: int
    create_time_us: int
    update_time_us: int
    last_sequence: int
    refusal: str
    stop_price_e4: int = 0
    stop_trigger: int = 0
    display_quantity: int = 0
    hidden: bool = False
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
    triggered: bool = False
    done_reason: int = 0
    lease: str = ""
    busted_quantity: int = 0
    busted_amount_e4: int = 0
    busted_fees_e4: int = 0


class OrderFilter(NamedTuple):
    """Which orders are wanted; empty text and 0 are any."""

    participant: str = ""
    account: str = ""
    symbol: str = ""
    state: int = 0
    client_order_id: str = ""


class Segment(NamedTuple):
    """The drop copy of sequences `first` to `last` of a shard: the encoded updates of each participant that has some."""

    first: int
    last: int
    updates: dict[str, bytes]


class Position(NamedTuple):
    """How far history is on a shard, and the command that was being executed there, whose trades may go on."""

    incarnation: str
    sequence: int
    taker_order_id: int = 0
    taker_client_order_id: str = ""


class Copy(NamedTuple):
    """A stored part of a participant's drop copy: its encoded updates of sequences `first` to `last` of a shard."""

    shard: int
    participant: str
    first: int
    last: int
    updates: bytes


class Exported(NamedTuple):
    """A part of an export."""

    positions: dict[int, Position]
    orders: Sequence[OrderRow]
    copies: Sequence[Copy]


class Store(Protocol):
    """The history of orders, and its positions. Reads raise Unavailable when the database does not answer."""

    async def position(self, shard: int) -> Position:
        """What is stored, to go on from; an empty incarnation and 0 before the first."""

    async def stored(self, shard: int) -> Position:
        """The same, only to know it."""

    async def append(self, shard: int, before: int, after: Position, fold: Fold, segments: Sequence[Segment]) -> None:
        """Stores a fold, the drop copy and the position in one transaction, if the position is at `before`."""

    async def reset(self, shard: int, incarnation: str) -> None:
        """Drops what is stored of a shard, and begins it at 0 of an incarnation."""

    async def order(self, order_id: int) -> OrderRow | None:
        """An order by its id."""

    async def orders(self, wanted: OrderFilter, limit: int, behind: tuple[int, int] | None) -> list[OrderRow]:
        """Orders newest first, from behind (create_time_us, order_id)."""

    async def named(self, order_ids: Sequence[int], names: Sequence[tuple[str, str]]) -> list[OrderRow]:
        """Orders by their ids, and by (account, client_order_id)."""

    async def copies(self, participant: str, shard: int, after: int, limit: int) -> list[tuple[int, int, bytes]]:
        """Drop copy (first, last, encoded) of a participant behind a sequence, oldest first."""

    def export(self) -> AsyncIterator[Exported]:
        """All positions, then all orders by order_id, then the drop copy by shard, participant and sequence: one snapshot."""
