"""gRPC in: translate, call, translate."""

import base64
from collections.abc import AsyncIterator, Iterator
from contextlib import ExitStack, contextmanager
from typing import Any

import grpc

from bourse.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from chassis import telemetry
from chassis.drain import Streams, farewell
from chassis.errors import Refusal
from chassis.identity import caller
from svc_ledger import metrics, wire
from svc_ledger.app import WAIT_SECONDS, Book, Holds, invalid
from svc_ledger.ports import Conflict, DatabaseDown, Denied

SERVICE = ledger_pb2.DESCRIPTOR.services_by_name["LedgerService"]
register = ledger_pb2_grpc.add_LedgerServiceServicer_to_server
EXPORTS_LIMIT = 2
POSITION_DIGITS = 19  # of the largest place of a page
SHARE_OF_DEADLINE = 0.8  # the rest is for the refusal to reach its caller in time


class Servicer(ledger_pb2_grpc.LedgerServiceServicer):
    """LedgerService."""

    def __init__(self, holds: Holds, book: Book, streams: Streams) -> None:
        self._streams = streams
        self._holds = holds
        self._book = book
        self._exports = 0

    async def CreateHolds(  # noqa: N802
        self, requests: AsyncIterator[ledger_pb2.CreateHoldsRequest], _context: Any
    ) -> AsyncIterator[ledger_pb2.CreateHoldsResponse]:
        farewell(_move)
        async for request in requests:
            with refusals(), _traced(request), metrics.HOLD_SECONDS.time():
                results = await self._holds.create(request.incarnation, wire.hold_requests(request.holds))
            metrics.count_holds(results)
            yield wire.holds_response(results)

    async def CreateParticipant(  # noqa: N802
        self, request: ledger_pb2.CreateParticipantRequest, _context: Any
    ) -> ledger_pb2.CreateParticipantResponse:
        with refusals():
            await self._book.create_participant(request.participant.name, request.participant.title)
        return ledger_pb2.CreateParticipantResponse()

    async def ListParticipants(  # noqa: N802
        self, request: ledger_pb2.ListParticipantsRequest, _context: Any
    ) -> ledger_pb2.ListParticipantsResponse:
        with refusals():
            found, following = await self._book.participants(read_token(request.page_token), request.page_size)
        participants = [ledger_pb2.Participant(name=name, title=title) for name, title in found]
        return ledger_pb2.ListParticipantsResponse(participants=participants, next_page_token=write_token(following))

    async def CreateAccount(  # noqa: N802
        self, request: ledger_pb2.CreateAccountRequest, _context: Any
    ) -> ledger_pb2.CreateAccountResponse:
        with refusals():
            await self._book.create_account(request.account)
        return ledger_pb2.CreateAccountResponse()

    async def ListAccounts(  # noqa: N802
        self, request: ledger_pb2.ListAccountsRequest, _context: Any
    ) -> ledger_pb2.ListAccountsResponse:
        with refusals():
            participant = _own_participant(request.participant)
            found, following = await self._book.accounts(participant, read_token(request.page_token), request.page_size)
        return ledger_pb2.ListAccountsResponse(accounts=found, next_page_token=write_token(following))

    async def Deposit(  # noqa: N802
        self, request: ledger_pb2.DepositRequest, _context: Any
    ) -> ledger_pb2.DepositResponse:
        with refusals():
            found = await self._book.deposit(request.transfer_id, request.account, request.asset, request.amount)
        return ledger_pb2.DepositResponse(balance=wire.balance(found))

    async def Withdraw(  # noqa: N802
        self, request: ledger_pb2.WithdrawRequest, _context: Any
    ) -> ledger_pb2.WithdrawResponse:
        with refusals():
            found = await self._book.withdraw(request.transfer_id, request.account, request.asset, request.amount)
        return ledger_pb2.WithdrawResponse(balance=wire.balance(found))

    async def CreateTransfers(  # noqa: N802
        self, request: ledger_pb2.CreateTransfersRequest, _context: Any
    ) -> ledger_pb2.CreateTransfersResponse:
        with refusals(), metrics.TRANSFER_SECONDS.time():
            results = await self._book.create_transfers([wire.transfer(t) for t in request.transfers])
        return ledger_pb2.CreateTransfersResponse(results=results)

    async def ListBalances(  # noqa: N802
        self, request: ledger_pb2.ListBalancesRequest, context: Any
    ) -> ledger_pb2.ListBalancesResponse:
        with refusals():
            _require_own(request.account)
            least = wire.cursors(request.min_sequences)
            found, cursors = await self._book.balances(request.account, least, _patience(context))
        sequences = [wire.position(cursor) for cursor in cursors.values()]
        return ledger_pb2.ListBalancesResponse(balances=map(wire.balance, found), sequences=sequences)

    async def ListEntries(  # noqa: N802
        self, request: ledger_pb2.ListEntriesRequest, _context: Any
    ) -> ledger_pb2.ListEntriesResponse:
        with refusals():
            _require_own(request.account)
            after = _position(request.page_token)
            found, following = await self._book.entries(request.account, request.asset, after, request.page_size)
        token = write_token(str(following) if following else "")
        return ledger_pb2.ListEntriesResponse(entries=map(wire.entry, found), next_page_token=token)

    async def GetSettlement(  # noqa: N802
        self, _request: ledger_pb2.GetSettlementRequest, _context: Any
    ) -> ledger_pb2.GetSettlementResponse:
        with refusals():
            return wire.settlement(await self._book.cursors())

    async def ExportLedger(  # noqa: N802
        self, _request: ledger_pb2.ExportLedgerRequest, _context: Any
    ) -> AsyncIterator[ledger_pb2.ExportLedgerResponse]:
        if self._exports >= EXPORTS_LIMIT:
            message = f"{EXPORTS_LIMIT} exports are running"
            raise Refusal(grpc.StatusCode.RESOURCE_EXHAUSTED, "STREAM_LIMIT", message, fix="try again later")
        self._exports += 1
        try:
            with refusals():
                async for part in self._book.export():
                    yield wire.export_part(part)
        finally:
            self._exports -= 1

    async def Drain(self, request: ledger_pb2.DrainRequest, _context: Any) -> ledger_pb2.DrainResponse:  # noqa: N802
        return ledger_pb2.DrainResponse(streams_told=self._streams.drain(request.share_ppm))


def _move() -> ledger_pb2.CreateHoldsResponse:
    return ledger_pb2.CreateHoldsResponse(draining=ledger_pb2.Draining())


@contextmanager
def refusals() -> Iterator[None]:
    """What is denied inside leaves as a status."""
    try:
        yield
    except Denied as no:
        raise Refusal(grpc.StatusCode[no.status], no.reason, no.message, **no.metadata) from None
    except (DatabaseDown, Conflict) as error:
        raise Refusal(
            grpc.StatusCode.UNAVAILABLE, "DATABASE_DOWN", "the ledger's database did not answer", fix="send again"
        ) from error


def write_token(place: str) -> str:
    """Where a page ended, opaque; empty on the last."""
    return base64.urlsafe_b64encode(place.encode()).decode()


def read_token(token: str) -> str:
    """The place in a page token."""
    try:
        place = base64.b64decode(token, altchars=b"-_", validate=True).decode("ascii")
        if place.isprintable():
            return place
    except ValueError:
        pass
    raise invalid("PAGE_TOKEN_INVALID", "page_token", token, "send next_page_token as it came")


def _position(token: str) -> int:
    place = read_token(token) or "0"
    if not place.isdecimal() or len(place) > POSITION_DIGITS or int(place) >= 1 << 63:
        raise invalid("PAGE_TOKEN_INVALID", "page_token", token, "send next_page_token as it came")
    return int(place)


def _patience(context: Any) -> float:
    """How long a call may wait for settlement."""
    left = context.time_remaining()
    return WAIT_SECONDS if left is None else float(left) * SHARE_OF_DEADLINE


def _own_participant(participant: str) -> str:
    who = caller()
    if who.role != "broker":
        return participant
    if participant not in ("", who.participant):
        raise _not_yours("participant", participant, who.participant)
    return who.participant


def _require_own(account: str) -> None:
    """A broker sees its own alone, and learns of others' not even whether they exist."""
    who = caller()
    if who.role == "broker" and account.partition("/")[0] != who.participant:
        raise _not_yours("account", account, who.participant)


def _not_yours(name: str, value: str, participant: str) -> Denied:
    message = f"{name} {value!r} is not of participant {participant!r}"
    return Denied("PERMISSION_DENIED", "ACCOUNT_NOT_YOURS", message, field=name, value=value, fix="name your own")


@contextmanager
def _traced(request: ledger_pb2.CreateHoldsRequest) -> Iterator[None]:
    """A span for each traced command of the batch."""
    if not telemetry.enabled():
        yield
        return
    with ExitStack() as spans:
        for hold in request.holds:
            if hold.traceparent:
                spans.enter_context(telemetry.span("hold", hold.traceparent, client_order_id=hold.client_order_id))
        yield
