"""The use cases: load, decide, store, return."""

import asyncio
import re
from collections.abc import AsyncIterator, Mapping, Sequence
from types import MappingProxyType

import structlog

from chassis.units import CURRENCIES, EXCHANGE, EXCHANGE_ACCOUNTS, PARTICIPANT, PARTICIPANT_FORM
from svc_ledger.core.holds import HoldRequest, HoldResult, Refused, decide
from svc_ledger.core.records import CREATED, Transfer
from svc_ledger.core.settlement import VAULT, Kind, Unsettleable
from svc_ledger.ports import (
    Balance,
    Conflict,
    Cursor,
    DatabaseDown,
    Denied,
    Entry,
    ExportPart,
    Forbidden,
    ShardBatch,
    Store,
)

BATCH_LIMIT = 4096
EVENTS_LIMIT = 8192  # of one settlement transaction
CONFLICT_TRIES = 5
PACE_US = 500_000  # of journal time that settlement may be behind before holds wait for it
PACE_WAIT_SECONDS = 2.0
PAGE_LIMIT = 1000
PAGE_DEFAULT = 100
WAIT_SECONDS = 5.0
POLL_SECONDS = 0.05
ASSET_WAIT_SECONDS = 2.0  # for an instrument that was added just now
ACCOUNT = re.compile(r"[a-z][a-z0-9-]{0,19}/[a-z0-9-]{1,15}")
ASSET = re.compile(r"[A-Z0-9.]{1,12}")
TRANSFER_ID = re.compile(r"[!-~]{1,36}")
TITLE_LIMIT = 100
INT64_MAX = (1 << 63) - 1

log = structlog.get_logger()


class Holds:
    """Makes holds, no faster than settlement goes. `newest_us` is the newest journal time heard of for each shard, whoever
    said so.
    """

    def __init__(
        self, store: Store, lag_seconds: float, settlers: Mapping[int, "Settler"] = MappingProxyType({})
    ) -> None:
        self._store = store
        self._lag_us = int(lag_seconds * 1_000_000)
        self._settlers = settlers
        self.newest_us: dict[int, int] = {}

    async def create(self, incarnation: str, requests: list[HoldRequest]) -> list[HoldResult]:
        """One result a request, in order, after all are committed."""
        if not 1 <= len(requests) <= BATCH_LIMIT:
            raise too_large("holds", len(requests), BATCH_LIMIT)
        await self._pace({request.shard for request in requests})
        for last in range(CONFLICT_TRIES, 0, -1):
            try:
                async with self._store.holding(requests) as batch:
                    for shard in {request.shard for request in requests}:
                        self._require_current(shard, incarnation, batch.cursors.get(shard))
                    results = decide(requests, batch.known, batch.hold_ids)
                    await batch.store()
                return results
            except Conflict:
                if last == 1:
                    raise
        raise AssertionError

    def hear(self, shard: int, time_us: int) -> None:
        """The journal of `shard` is at least at `time_us`."""
        if time_us > self.newest_us.get(shard, 0):
            self.newest_us[shard] = time_us

    async def _pace(self, shards: set[int]) -> None:
        """Waits, bounded, while settlement of the shards is behind: order entry then goes as fast as settlement does."""
        behind = [settler for settler in map(self._settlers.get, shards) if settler and self._is_behind(settler)]
        try:
            async with asyncio.timeout(PACE_WAIT_SECONDS):
                for settler in behind:
                    while self._is_behind(settler):
                        await settler.moved.wait()
        except TimeoutError:
            return  # what it may still hold is decided by the stored cursors

    def _is_behind(self, settler: "Settler") -> bool:
        at = settler.cursor
        return at.stopped is None and self.newest_us.get(at.shard, 0) - at.time_us > PACE_US

    def _require_current(self, shard: int, incarnation: str, cursor: Cursor | None) -> None:
        """Compares journal times alone: no clock says anything here."""
        if cursor is None:
            raise _lags(shard, "it has settled nothing yet")
        if incarnation != cursor.incarnation:
            raise Denied(
                "FAILED_PRECONDITION",
                "INCARNATION_CHANGED",
                f"shard {shard} is settled in incarnation {cursor.incarnation}",
                field="incarnation",
                value=incarnation,
                fix="ask svc_match for the present one",
            )
        if cursor.stopped is not None:
            return  # its new holds are refused one by one: it will not catch up by itself
        behind_us = self.newest_us.get(shard, 0) - cursor.time_us
        if behind_us > self._lag_us:
            raise _lags(shard, f"it is {behind_us / 1e6:.1f} s of journal time behind")


class Settler:
    """Settles one shard, batch after batch, behind a cursor that the store compares and sets."""

    def __init__(self, store: Store, shard: int) -> None:
        self._store = store
        self.cursor = Cursor(shard)
        self.moved = asyncio.Event()
        self.events = 0
        self.postings = 0
        self.expired = 0

    async def begin(self) -> Cursor:
        """Reads the stored cursor."""
        cursors = await self._store.cursors()
        self.cursor = cursors.get(self.cursor.shard, Cursor(self.cursor.shard))
        return self.cursor

    def see(self, stored: Cursor) -> None:
        """Another process settles this shard, and is so far."""
        if stored != self.cursor:
            self.cursor = stored
            self.moved.set()
            self.moved.clear()

    async def settle(self, batches: Sequence[ShardBatch]) -> None:
        """Settles contiguous new batches, many in one transaction. One that cannot be settled stops at its beginning."""
        start = 0
        while start < len(batches):
            end, events = start + 1, len(batches[start].events)
            while end < len(batches) and events + len(batches[end].events) <= EVENTS_LIMIT:
                events += len(batches[end].events)
                end += 1
            await self._settle_some(batches[start:end])
            start = end

    async def stop(self, sequence: int, why: Refused) -> None:
        """Keeps why this shard's settlement goes no further; the other shards go on."""
        log.critical(
            "settlement_stopped", shard=self.cursor.shard, sequence=sequence, reason=why.reason, why=why.message
        )
        self.cursor = Cursor(self.cursor.shard, self.cursor.incarnation, self.cursor.sequence, self.cursor.time_us, why)
        await self._store.stop(self.cursor, sequence, why)

    async def _settle_some(self, batches: Sequence[ShardBatch]) -> None:
        try:
            await self._apply(_joined(batches))
        except (Unsettleable, Forbidden):
            if len(batches) == 1:
                raise
            for batch in batches:
                await self._apply(batch)

    async def _apply(self, batch: ShardBatch) -> None:
        after = Cursor(batch.shard, batch.incarnation, batch.sequence, batch.time_us)
        async with self._store.settling(self.cursor, batch) as held:
            held.settlement.settle(batch.events)
            expired = held.settlement.expire(held.candidates, batch.time_us)
            await held.store(after)
        self.cursor = after
        self.events += len(batch.events)
        self.postings += len(held.settlement.postings)
        self.expired += expired
        self.moved.set()
        self.moved.clear()


async def mirror(store: Store, settlers: Mapping[int, Settler]) -> None:
    """Follows for ever what another process settles. Belongs to a TaskGroup."""
    while True:
        try:
            stored = await store.cursors()
        except DatabaseDown as error:
            log.warning("settlement_unread", error=str(error))
        else:
            for shard, settler in settlers.items():
                settler.see(stored.get(shard) or Cursor(shard))
        await asyncio.sleep(POLL_SECONDS)


class Book:
    """Participants, accounts, deposits, withdrawals, transfers, and what there is to read."""

    def __init__(self, store: Store, settlers: dict[int, Settler]) -> None:
        self._store = store
        self._settlers = settlers

    async def create_participant(self, name: str, title: str) -> None:
        """Creates a participant; again with the same title it changes nothing."""
        require(PARTICIPANT, "PARTICIPANT_INVALID", "participant.name", name, PARTICIPANT_FORM)
        if name == EXCHANGE:
            raise invalid("PARTICIPANT_INVALID", "participant.name", name, "another name: this is the exchange's own")
        if len(title) > TITLE_LIMIT or "\0" in title:
            raise invalid("PARTICIPANT_INVALID", "participant.title", title, f"send at most {TITLE_LIMIT} characters")
        if await self._store.create_participant(name, title) != title:
            message = f"participant {name!r} has another title"
            raise Denied(
                "ALREADY_EXISTS",
                "PARTICIPANT_EXISTS",
                message,
                field="participant.title",
                value=title,
                fix="use another name",
            )

    async def participants(self, after: str, size: int) -> tuple[list[tuple[str, str]], str]:
        """A page of participants, and where the next begins (empty on the last)."""
        size = page_size(size)
        found = await self._store.participants(after, size + 1)
        return found[:size], found[size - 1][0] if len(found) > size else ""

    async def create_account(self, account: str) -> None:
        """Creates an account; again it changes nothing."""
        require(ACCOUNT, "ACCOUNT_INVALID", "account", account, "<participant>/<name>, name 1 to 15 of a-z, 0-9, '-'")
        participant = account.partition("/")[0]
        if participant == EXCHANGE:
            raise invalid(
                "ACCOUNT_INVALID", "account", account, "name an account of a member: this is the exchange's own"
            )
        if not await self._store.create_account(account, participant):
            message = f"there is no participant {participant!r}"
            raise Denied(
                "NOT_FOUND", "PARTICIPANT_UNKNOWN", message, field="account", value=account, fix="create it first"
            )

    async def accounts(self, participant: str, after: str, size: int) -> tuple[list[str], str]:
        """A page of account names, and where the next begins."""
        size = page_size(size)
        if participant and not PARTICIPANT.fullmatch(participant):
            return [], ""  # nobody has such a name
        found = await self._store.accounts(participant, after, size + 1)
        return found[:size], found[size - 1] if len(found) > size else ""

    async def deposit(self, transfer_id: str, account: str, asset: str, amount: int) -> Balance:
        """Pays in from the vault; the balance after it."""
        await self._require_payment(transfer_id, account, asset, amount)
        await self._require_asset(asset)
        await self._store.ensure_balances([(VAULT, asset), (account, asset)])
        return await self._pay(
            Transfer(transfer_id, (VAULT, asset), (account, asset), amount, asset), Kind.DEPOSIT, account
        )

    async def withdraw(self, transfer_id: str, account: str, asset: str, amount: int) -> Balance:
        """Pays out to the vault what is not held; the balance after it."""
        await self._require_payment(transfer_id, account, asset, amount)
        transfer = Transfer(transfer_id, (account, asset), (VAULT, asset), amount, asset)
        return await self._pay(transfer, Kind.WITHDRAWAL, account)

    async def create_transfers(self, transfers: list[Transfer], kind: int = Kind.TRANSFER) -> list[str]:
        """TigerBeetle's result for each transfer, in order, in one transaction."""
        if not 1 <= len(transfers) <= BATCH_LIMIT:
            raise too_large("transfers", len(transfers), BATCH_LIMIT)
        for transfer in transfers:
            if transfer.amount < 0:
                raise invalid("AMOUNT_INVALID", "amount", str(transfer.amount), "send 0 to 2^63-1")
            for name, value in (("transfer_id", transfer.id), ("pending_id", transfer.pending_id)):
                if value and not TRANSFER_ID.fullmatch(str(value)):
                    raise invalid("TRANSFER_ID_INVALID", name, str(value), "send 1 to 36 printable ASCII characters")
        for last in range(CONFLICT_TRIES, 0, -1):
            try:
                async with self._store.transferring(transfers, kind) as batch:
                    results = batch.ledger.create_transfers(transfers)
                    await batch.store()
                return results
            except Conflict:
                if last == 1:
                    raise
        raise AssertionError

    async def balances(
        self, account: str, least: Sequence[Cursor], patience_seconds: float = WAIT_SECONDS
    ) -> tuple[list[Balance], dict[int, Cursor]]:
        """An account's balances, at or after the positions in `least`; waits for settlement, bounded."""
        deadline = asyncio.get_running_loop().time() + min(patience_seconds, WAIT_SECONDS)
        await self.require_account(account)
        if len({at.shard for at in least}) < len(least):
            raise invalid("SEQUENCE_INVALID", "min_sequences", str(len(least)), "name each shard once")
        for at in least:
            self._require_position(at)
        while True:
            found, cursors = await self._store.balances(account)
            missing = [at for at in least if not _reached(at, cursors.get(at.shard))]
            if not missing:
                return found, cursors
            if asyncio.get_running_loop().time() > deadline:
                at = missing[0]
                message = f"shard {at.shard} is not settled up to {at.sequence} yet"
                raise Denied(
                    "DEADLINE_EXCEEDED",
                    "SEQUENCE_NOT_REACHED",
                    message,
                    field="min_sequences",
                    value=str(at.sequence),
                    fix="ask again",
                )
            await self._wait(missing[0].shard)

    async def entries(self, account: str, asset: str, after: int, size: int) -> tuple[list[Entry], int]:
        """A page of a statement, and the position that the next begins behind (0 on the last)."""
        size = page_size(size)
        if asset:
            require(ASSET, "ASSET_INVALID", "asset", asset, "1 to 12 of A-Z, 0-9 and '.'")
        await self.require_account(account)
        found = await self._store.entries(account, asset, after, size + 1)
        return found[:size], found[size - 1].position if len(found) > size else 0

    async def cursors(self) -> list[Cursor]:
        """Settlement of each shard."""
        stored = await self._store.cursors()
        shards = sorted(stored.keys() | self._settlers.keys())
        return [stored.get(shard) or Cursor(shard) for shard in shards]

    def export(self) -> AsyncIterator[ExportPart]:
        """The whole ledger out of one snapshot."""
        return self._store.export()

    async def require_account(self, account: str) -> None:
        """Refuses an account that does not exist."""
        if not ACCOUNT.fullmatch(account) or not await self._store.has_account(account):
            message = f"there is no account {account!r}"
            raise Denied(
                "NOT_FOUND", "ACCOUNT_UNKNOWN", message, field="account", value=account, fix="list the accounts"
            )

    def _require_position(self, at: Cursor) -> None:
        """Refuses a position that can never be reached."""
        if at.sequence < 0:
            raise invalid("SEQUENCE_INVALID", "min_sequences", str(at.sequence), "send 0 or more")
        settler = self._settlers.get(at.shard)
        if settler is None:
            raise invalid("SHARD_UNKNOWN", "min_sequences", str(at.shard), "name a shard of the exchange")
        if at.incarnation and settler.cursor.incarnation not in ("", at.incarnation):
            message = f"shard {at.shard} is settled in incarnation {settler.cursor.incarnation}"
            raise Denied(
                "FAILED_PRECONDITION",
                "INCARNATION_CHANGED",
                message,
                field="min_sequences",
                value=at.incarnation,
                fix="take a position of the present incarnation",
            )

    async def _require_payment(self, transfer_id: str, account: str, asset: str, amount: int) -> None:
        require(TRANSFER_ID, "TRANSFER_ID_INVALID", "transfer_id", transfer_id, "1 to 36 printable ASCII characters")
        require(ASSET, "ASSET_INVALID", "asset", asset, "1 to 12 of A-Z, 0-9 and '.'")
        if amount <= 0:
            raise invalid("AMOUNT_INVALID", "amount", str(amount), "send a positive amount", asset=asset)
        if account.startswith(EXCHANGE_ACCOUNTS):
            raise invalid(
                "ACCOUNT_INVALID", "account", account, "name an account of a member: this is the exchange's own"
            )
        await self.require_account(account)

    async def _require_asset(self, asset: str) -> None:
        """Refuses what is neither money nor a symbol; waits, bounded, for an instrument that is not settled yet."""
        deadline = asyncio.get_running_loop().time() + ASSET_WAIT_SECONDS
        while asset not in CURRENCIES and not await self._store.has_instrument(asset):
            if asyncio.get_running_loop().time() > deadline:
                message = f"{asset!r} is neither a currency nor the symbol of an instrument"
                fix = "add its instrument first, or name a currency by its ISO 4217 code"
                raise Denied("NOT_FOUND", "ASSET_UNKNOWN", message, field="asset", value=asset, fix=fix)
            await asyncio.sleep(POLL_SECONDS)

    async def _pay(self, transfer: Transfer, kind: int, account: str) -> Balance:
        (result,) = await self.create_transfers([transfer], kind)
        if result not in (CREATED, "exists"):
            raise _payment_refused(transfer, result)
        found, _ = await self._store.balances(account)
        return next(balance for balance in found if balance.asset == transfer.ledger)

    async def _wait(self, shard: int) -> None:
        settler = self._settlers.get(shard)
        try:
            async with asyncio.timeout(POLL_SECONDS):
                await (settler.moved.wait() if settler else asyncio.Event().wait())
        except TimeoutError:
            return


def require(pattern: re.Pattern[str], reason: str, name: str, value: str, words: str) -> None:
    """Refuses a value that the whole pattern does not match."""
    if not pattern.fullmatch(value):
        raise invalid(reason, name, value, f"send {words}")


def invalid(reason: str, name: str, value: str, fix: str, **metadata: str) -> Denied:
    """INVALID_ARGUMENT."""
    message = f"{name} {value!r} cannot be taken"
    return Denied("INVALID_ARGUMENT", reason, message, field=name, value=value, fix=fix, **metadata)


def too_large(name: str, count: int, limit: int) -> Denied:
    """A batch that is empty or over its limit."""
    return Denied(
        "INVALID_ARGUMENT",
        "BATCH_TOO_LARGE",
        f"{count} {name} cannot be taken",
        field=name,
        value=str(count),
        fix=f"send 1 to {limit}",
    )


def page_size(size: int) -> int:
    """The size of a page; 0 means PAGE_DEFAULT."""
    if not 0 <= size <= PAGE_LIMIT:
        raise invalid("PAGE_TOO_LARGE", "page_size", str(size), f"send 1 to {PAGE_LIMIT}, or 0 for {PAGE_DEFAULT}")
    return size or PAGE_DEFAULT


def _joined(batches: Sequence[ShardBatch]) -> ShardBatch:
    if len(batches) == 1:
        return batches[0]
    last = batches[-1]
    return ShardBatch(
        last.shard,
        last.incarnation,
        last.sequence,
        last.time_us,
        [event for batch in batches for event in batch.events],
    )


def _reached(at: Cursor, now: Cursor | None) -> bool:
    return now is not None and now.sequence >= at.sequence and at.incarnation in ("", now.incarnation)


def _lags(shard: int, why: str) -> Denied:
    message = f"settlement of shard {shard} is behind: {why}"
    return Denied("UNAVAILABLE", "SETTLEMENT_LAGS", message, field="shard", value=str(shard), fix="send again")


def _payment_refused(transfer: Transfer, result: str) -> Denied:
    value = str(transfer.id)
    if result.startswith("exists_with") or result == "id_already_failed":
        message = f"transfer {value!r} was asked for before, and is not this one: {result}"
        return Denied(
            "ALREADY_EXISTS",
            "TRANSFER_ID_REUSED",
            message,
            field="transfer_id",
            value=value,
            result=result,
            fix="use a new id",
        )
    if result in ("exceeds_credits", "debit_account_not_found"):
        message = f"not enough {transfer.ledger} is free"
        return Denied(
            "FAILED_PRECONDITION",
            "FUNDS_INSUFFICIENT",
            message,
            field="amount",
            value=str(transfer.amount),
            asset=str(transfer.ledger),
            result=result,
            fix="take less",
        )
    if result.startswith("overflows"):
        message = "the balance would not fit an int64"
        return Denied(
            "FAILED_PRECONDITION",
            "OVERFLOWS",
            message,
            field="amount",
            value=str(transfer.amount),
            asset=str(transfer.ledger),
            result=result,
            fix="pay in less" if transfer.debit == (VAULT, transfer.ledger) else "take less",
        )
    raise AssertionError(f"a payment of an existing account came to {result}")
