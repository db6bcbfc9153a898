"""What the use cases need of the world, in the ledger's words."""

from collections.abc import AsyncIterator, Iterator, Sequence
from contextlib import AbstractAsyncContextManager
from dataclasses import dataclass
from typing import NamedTuple, Protocol, TypeAlias

from svc_ledger.core.holds import Hold, HoldRequest, Key, Known, Refused
from svc_ledger.core.records import Transfer
from svc_ledger.core.settlement import Event, Posting, Settlement
from svc_ledger.core.transfers import Ledger

ExportPart: TypeAlias = "list[Cursor] | list[Balance] | list[Hold] | list[Posting]"


class Denied(Exception):
    """The request is refused: the status' name, a reason for programs, a sentence, and what was wrong."""

    def __init__(self, status: str, reason: str, message: str, **metadata: str) -> None:
        super().__init__(message)
        self.status = status
        self.reason = reason
        self.message = message
        self.metadata = metadata


class Conflict(Exception):
    """Another transaction came between; nothing was written: run again."""


class DatabaseDown(Exception):
    """PostgreSQL did not do it, or nobody knows whether it did: read again before going on."""


class Forbidden(Exception):
    """A CHECK constraint or an int64's range forbids what was to be written: the core decided wrongly, or rows were changed."""


class CursorMoved(Exception):
    """Another process settles the shard, or this one's outcome was unknown: start again from the stored cursor."""


@dataclass(frozen=True, slots=True)
class Cursor:
    """How far a shard is settled, and why it stopped, if it did. An empty incarnation is before the first message."""

    shard: int
    incarnation: str = ""
    sequence: int = 0
    time_us: int = 0
    stopped: Refused | None = None


class Balance(NamedTuple):
    """What a ledger account has."""

    account: str
    asset: str
    debits_pending: int
    debits_posted: int
    credits_pending: int
    credits_posted: int


class Entry(NamedTuple):
    """A posted movement of an account; `amount` is positive when received."""

    position: int
    asset: str
    amount: int
    kind: int
    trade_id: int
    transfer_id: str
    time_us: int


class ShardBatch(NamedTuple):
    """What is new in some messages of a shard, up to `sequence`."""

    shard: int
    incarnation: str
    sequence: int
    time_us: int
    events: list[Event]


class HoldBatch(Protocol):
    """Locked balances and known holds for a batch of requests. `cursors` has every shard that ever settled."""

    @property
    def known(self) -> Known: ...
    @property
    def cursors(self) -> dict[int, Cursor]: ...
    @property
    def hold_ids(self) -> Iterator[int]: ...
    async def store(self) -> None:
        """Writes `known.made` and what it takes of the balances, and commits."""


class SettleBatch(Protocol):
    """The holds that a batch of events names, behind the shard's locked cursor."""

    @property
    def settlement(self) -> Settlement: ...
    @property
    def candidates(self) -> list[Hold]:
        """Holds of the shard that may have expired."""
        ...

    async def store(self, after: Cursor) -> None:
        """Writes all effects and the cursor, and commits."""


class TransferBatch(Protocol):
    """Locked balances and known transfers for a batch of transfers."""

    @property
    def ledger(self) -> Ledger: ...
    async def store(self) -> None:
        """Writes what was created and what failed for good, and commits."""


class Store(Protocol):
    """The ledger's tables. Any method may raise DatabaseDown."""

    def holding(self, requests: Sequence[HoldRequest]) -> AbstractAsyncContextManager[HoldBatch]: ...
    def settling(self, before: Cursor, batch: ShardBatch) -> AbstractAsyncContextManager[SettleBatch]: ...
    def transferring(self, transfers: Sequence[Transfer], kind: int) -> AbstractAsyncContextManager[TransferBatch]: ...
    async def cursors(self) -> dict[int, Cursor]: ...
    async def stop(self, cursor: Cursor, sequence: int, why: Refused) -> None: ...
    async def create_participant(self, name: str, title: str) -> str: ...
    async def participants(self, after: str, limit: int) -> list[tuple[str, str]]: ...
    async def create_account(self, account: str, participant: str) -> bool: ...
    async def accounts(self, participant: str, after: str, limit: int) -> list[str]: ...
    async def has_account(self, account: str) -> bool: ...
    async def has_instrument(self, symbol: str) -> bool: ...
    async def ensure_balances(self, keys: Sequence[Key]) -> None: ...
    async def balances(self, account: str) -> tuple[list[Balance], dict[int, Cursor]]: ...
    async def entries(self, account: str, asset: str, after: int, limit: int) -> list[Entry]: ...
    def export(self) -> AsyncIterator[ExportPart]: ...
