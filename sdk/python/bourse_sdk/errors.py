"""What can go wrong, as types: refused, unreachable, or refused or done but nobody knows which."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import grpc
from google.rpc import error_details_pb2, status_pb2

if TYPE_CHECKING:
    from bourse_sdk.commands import CommandResult

DETAILS_KEY = "grpc-status-details-bin"

# The same request can succeed later: a lost connection, a process that restarts, a queue that is full.
TRANSIENT = frozenset(
    {
        grpc.StatusCode.UNAVAILABLE,
        grpc.StatusCode.CANCELLED,
        grpc.StatusCode.UNKNOWN,
        grpc.StatusCode.INTERNAL,
        grpc.StatusCode.ABORTED,
        grpc.StatusCode.DEADLINE_EXCEEDED,
        grpc.StatusCode.RESOURCE_EXHAUSTED,
    }
)
TOO_LARGE = "MESSAGE_TOO_LARGE"
LASTING = frozenset({TOO_LARGE, "HEADERS_TOO_LARGE"})  # RESOURCE_EXHAUSTED, and the same again next time
TOO_LARGE_OF_GRPC = "message larger than max"
CLOSED = "the client is closed"
TOKEN_REASONS = frozenset({"TOKEN_EXPIRED", "TOKEN_INVALID"})


class BourseError(Exception):
    """Whatever this package raises about the exchange."""


class Refusal(BourseError):
    """The exchange said no. `reason` is for programs, the message for people.

    `code` is the status of a call, None for a command in a session that was sent. `on_record`: the journal holds the rejection and
    the same command gets the same answer. `result`: the command's result, if it was a command's.
    """

    def __init__(
        self,
        reason: str,
        message: str,
        metadata: Mapping[str, str],
        *,
        code: grpc.StatusCode | None = None,
        on_record: bool = False,
    ) -> None:
        super().__init__(message)
        self.reason = reason
        self.message = message
        self.metadata = dict(metadata)
        self.code = code
        self.on_record = on_record
        self.result: CommandResult | None = None

    @property
    def field(self) -> str:
        """The field that is wrong, empty when no single one is."""
        return self.metadata.get("field", "")

    @property
    def value(self) -> str:
        """The value that is wrong."""
        return self.metadata.get("value", "")

    @property
    def fix(self) -> str:
        """What to do."""
        return self.metadata.get("fix", "")

    def __str__(self) -> str:
        about = f" ({self.field}={self.value!r})" if self.field else ""
        return f"{self.reason}: {self.message}{about}" + (f"; {self.fix}" if self.fix else "")


class Unreachable(BourseError):
    """No answer came within the caller's patience, and none was needed to know that nothing was changed."""


@dataclass(frozen=True, slots=True)
class Identity:
    """What a command is known by. Sent again with the same identity and fields, it is done at most once."""

    account: str
    client_order_id: str
    trading_date: int


class OutcomeUnknown(Unreachable):
    """Commands were given up unanswered: each may or may not have been done. Ask (`list_orders`), or send them again under
    the same `identities`. `results`: of those submitted together with them, what had been answered.
    """

    def __init__(
        self, message: str, identities: Sequence[Identity] = (), results: Sequence[CommandResult] = ()
    ) -> None:
        super().__init__(message)
        self.identities = tuple(identities)
        self.results = tuple(results)


class PartlyDone(BourseError):
    """What was for all shards was done by some, or failed in different ways. `done` has what each of them says that did it: how many
    orders ended, or its sequence (`figure`); `failed` why not, of the others. Told again, who did it does nothing more.
    """

    def __init__(self, figure: str, done: Mapping[int, int], failed: Mapping[int, BourseError]) -> None:
        self.figure = figure
        self.done = dict(done)
        self.failed = dict(failed)
        told = {shard: f"done, {figure}={value}" for shard, value in self.done.items()}
        told |= {shard: f"failed, {why}" for shard, why in self.failed.items()}
        super().__init__("; ".join(f"shard {shard}: {told[shard]}" for shard in sorted(told)))


def alike(one: BourseError, other: BourseError) -> bool:
    """Whether two shards fail in the same way."""
    if isinstance(one, Refusal) and isinstance(other, Refusal):
        return one.reason == other.reason
    return type(one) is type(other)


def from_rpc(error: grpc.aio.AioRpcError) -> Refusal:
    """The refusal in a call's status; without ErrorInfo (a proxy, a dead peer) the reason is the code's name."""
    code = error.code()
    for key, value in error.trailing_metadata() or ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            status, info = status_pb2.Status.FromString(value), error_details_pb2.ErrorInfo()
            if any(detail.Unpack(info) for detail in status.details):
                return Refusal(info.reason, status.message, dict(info.metadata), code=code)
    details = error.details() or code.name
    reason = TOO_LARGE if TOO_LARGE_OF_GRPC in details else code.name
    return Refusal(reason, details, {}, code=code)


def is_transient(refusal: Refusal, *, renewable: bool) -> bool:
    """Whether to try again; `renewable`: the token can have been renewed meanwhile."""
    if refusal.code is grpc.StatusCode.UNAUTHENTICATED:
        return renewable and refusal.reason in TOKEN_REASONS
    return refusal.code in TRANSIENT and refusal.reason not in LASTING
