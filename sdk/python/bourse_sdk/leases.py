"""A client's lease: what it renews while it lives, and what its orders stand by."""

import asyncio
import contextlib
import secrets
from functools import partial

from bourse.types.v1 import command_pb2 as pb
from bourse_sdk.commands import ClientOrderIds, CommandResult
from bourse_sdk.errors import BourseError
from bourse_sdk.session import Session

RENEWALS = 3  # in the time that a lease stands
UNANSWERED_LIMIT = 8


class Lease:
    """Renews itself from its first use on, until it is closed or nobody runs it: `grace_seconds` later the exchange ends the orders."""

    def __init__(self, session: Session, ids: ClientOrderIds, grace_seconds: float) -> None:
        self.name = secrets.token_hex(8)
        self._session = session
        self._ids = ids
        self._grace_seconds = grace_seconds
        self._unanswered: set[asyncio.Future[list[CommandResult]]] = set()
        self._running: asyncio.Task[None] | None = None
        self._account = ""
        self._taken = False

    async def begin(self, account: str) -> None:
        """Renews it once, before anything that is submitted later, and from now on. It is the participant's, whichever of its accounts
        renews it: until the exchange takes one, each that comes does.
        """
        if self._taken or account == self._account:
            return
        self._account = account
        if self._running is None:
            self._running = asyncio.create_task(self._run(), name="bourse lease")
        await self._renew(account)

    async def close(self) -> None:
        """Renews it no more."""
        if self._running is not None:
            self._running.cancel()
            await asyncio.gather(self._running, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(self._grace_seconds / RENEWALS)
            if len(self._unanswered) < UNANSWERED_LIMIT:
                with contextlib.suppress(BourseError):
                    await self._renew(self._account)

    async def _renew(self, account: str) -> None:
        command = pb.OrderCommand()
        body = command.renew_lease
        body.account, body.client_order_id, body.lease = account, self._ids.next(), self.name
        body.grace_ms = round(self._grace_seconds * 1_000)
        answer = await self._session.submit([command], [body])
        self._unanswered.add(answer)
        answer.add_done_callback(partial(self._answered, account))

    def _answered(self, account: str, answer: asyncio.Future[list[CommandResult]]) -> None:
        """Whether it was renewed shows in what becomes of the orders; but only an account that was taken goes on renewing it."""
        self._unanswered.discard(answer)
        if not answer.cancelled() and answer.exception() is None and not self._taken and answer.result()[0].ok:
            self._account, self._taken = account, True
