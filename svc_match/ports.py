"""What the use cases need: a journal, a codec, and the shapes that pass between them."""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, Protocol, TypeAlias

from svc_match.core import commands
from svc_match.core.engine import Applied, Engine
from svc_match.core.events import First, Refused
from svc_match.core.plain import Executed

NO_SYMBOL = "-"


class JournalDamaged(Exception):
    """A row, or the order of rows, is not what was written; the message names it."""


class NotLeader(Exception):
    """The journal took no row from this process: it leads no more, or the outcome is unknown. The process must end."""


class Item(NamedTuple):
    """A command as it came: decoded (or already refused), its bytes for the journal, and its trace."""

    command: commands.Command | Refused
    encoded: bytes
    traceparent: str = ""


Command: TypeAlias = Item | bytes  # bytes are a plain command: see core/record.py


class Request(NamedTuple):
    """One SubmitRequest."""

    incarnation: str
    commands: list[Command]


@dataclass(frozen=True, slots=True)
class Row:
    """One journal row: a batch of commands and all that it did. The encoded bytes are what is published and streamed.

    `executions` and `market_data` are parts of at most 512 KiB; `symbols` names each market data part's symbol ("-"
    for none). `identity_date` is the trading date of the identities. `checksum` covers all the other fields.
    """

    shard: int
    first_sequence: int
    last_sequence: int
    incarnation: str
    epoch: int
    time_us: int
    semantics: int
    identity_date: int
    commands: bytes
    identities: bytes
    executions: list[bytes]
    market_data: list[bytes]
    symbols: list[str]
    traces: list[str]
    checksum: bytes = b""

    @property
    def size(self) -> int:
        """The bytes that readers get."""
        return sum(map(len, self.executions)) + sum(map(len, self.market_data))


@dataclass(frozen=True, slots=True)
class Snapshot:
    """A shard's state after the row that ends at `sequence`, whose checksum it names. `checksum` covers the others."""

    shard: int
    sequence: int
    epoch: int
    semantics: int
    time_us: int
    row_checksum: bytes
    state: bytes | memoryview
    checksum: bytes = b""


class Head(NamedTuple):
    """What every encoded message of a row names."""

    incarnation: str
    epoch: int
    shard: int
    time_us: int


class Encoded(NamedTuple):
    """What a row's commands did: those on record, the private events in parts, the public ones in parts with their symbols.
    A result is an event or a refusal, or a plain command's encoded answer; `counts` has how many there are of each kind.
    """

    commands: bytes
    executions: list[bytes]
    market_data: list[tuple[str, bytes]]
    results: list[Any]
    counts: "Counter[str]"
    fills: int


class Journal(Protocol):
    """One shard's rows, written by one process at a time."""

    epoch: int
    incarnation: str

    async def append(self, row: Row) -> Row:
        """Commits the row behind the last one, and returns it with its checksum; raises NotLeader unless it is known
        to be committed.
        """

    async def rows(self, sequence: int, bytes_limit: int) -> list[Row]:
        """Rows from the one that holds `sequence` on: at least one, if there is one, and about `bytes_limit` bytes."""

    async def first_result(self, identity_date: int, key: int, digest: bytes) -> tuple[bytes, int] | None:
        """Digest and first result's sequence of a command of any trading date; raises JournalDamaged if its row is not what was
        written.
        """

    async def snapshots(self) -> list[int]:
        """The sequences of the stored snapshots, newest first."""

    async def snapshot(self, sequence: int) -> Snapshot:
        """A snapshot; raises JournalDamaged if it, or the row that it names, is not what was written."""

    async def identities(self, after: int, until: int) -> bytes:
        """The identity records of the rows behind sequence `after` up to `until`."""

    async def table_bytes(self) -> int:
        """The disk space that the journal takes, of all shards that are kept together with this one."""

    async def save(self, snapshot: Snapshot) -> None:
        """Stores a snapshot and drops the oldest ones; raises NotLeader if this process leads no more."""


class Codec(Protocol):
    """The bytes of commands and events."""

    TICK: Item

    def items(self, encoded: bytes, semantics: int = ...) -> list[Command]:
        """The commands of a row, as its semantics read them."""

    def item(self, command: Command) -> Item:
        """A command in words, plain or not."""

    def traceparent(self, command: Command) -> str:
        """The command's trace, or nothing."""

    def encoded(self, head: Head, engine: Engine, commands: Sequence[Any], done: Applied | Executed) -> Encoded:
        """What commands did, encoded; they are those that have a result, and in words where `done` is."""

    def firsts(self, parts: Iterable[bytes], sequences: Sequence[int]) -> dict[int, First]:
        """Those of `sequences` that a row's private parts hold; each is some command's first result."""
