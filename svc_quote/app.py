"""Use cases: follow the shards, keep checkpoints, read."""

import asyncio
from collections.abc import Iterable, Sequence
from contextlib import suppress
from itertools import chain
from typing import NamedTuple

import structlog

from svc_quote.core import checkpoint
from svc_quote.core.events import Part, Trade
from svc_quote.core.market import Market
from svc_quote.core.refused import Refused, not_ready, symbol_unknown
from svc_quote.core.shard import Shard
from svc_quote.core.tape import TAPE_LIMIT
from svc_quote.ports import Audience, Store, StoreDown

CHECKPOINT_SECONDS = 1.0
CHECKPOINT_BYTES_A_SECOND = 1 << 20
UNSTORED_TRADES_LIMIT = 20_000
EVENTS_A_TURN = 2_000
RECOUNTED_TRADES = 10_000
RETRY_SECONDS = 0.5

log = structlog.get_logger()


class Place(NamedTuple):
    """An instrument and the shard that lists it."""

    shard: Shard
    market: Market


class Quotes:
    """All shards. Checkpoints are written by one process alone: one without `writes` reads them. Reads are refused (NOT_READY)
    until each shard has been followed to where it was at the start.
    """

    def __init__(
        self,
        numbers: Iterable[int],
        store: Store,
        *,
        checkpoint_seconds: float = CHECKPOINT_SECONDS,
        tape_limit: int = TAPE_LIMIT,
        writes: bool = True,
    ) -> None:
        self.store = store
        self._writes = writes  # else another process does, and this one only follows how far that is
        self.shards = {number: Shard(number, tape_limit=tape_limit) for number in numbers}
        self.audience: Audience | None = None
        self.events = 0
        self.ready = asyncio.Event()
        self.lost = asyncio.Event()  # the opposite
        self._tape_limit = tape_limit
        self._checkpoint_seconds = checkpoint_seconds
        self._targets: dict[int, int] = {}
        self._arrivals: list[asyncio.Future[None]] = []
        self._due = asyncio.Event()
        self._kept = asyncio.Condition()
        self._storing = asyncio.Lock()

    # Following

    async def restore(self) -> None:
        """Loads the checkpoints. A damaged one is dropped, loudly: its shard is rebuilt from the journal."""
        for number in self.shards:
            payload = await self.store.load(number)
            if payload is None:
                continue
            try:
                self.shards[number] = checkpoint.decode(payload, self._tape_limit)
            except checkpoint.Damaged as damage:
                log.error("checkpoint_damaged", shard=number, damage=str(damage))
                await self.drop(number, "checkpoint_damaged")
                continue
            log.info("checkpoint_loaded", shard=number, sequence=self.shards[number].sequence)

    async def begin(self, number: int, incarnation: str, sequence: int) -> Shard:
        """The shard to follow on, now that svc_match is known to be at `sequence`: an empty one if what is here
        is of another incarnation, or ahead of the journal.
        """
        shard = self.shards[number]
        if shard.incarnation not in ("", incarnation):
            log.error("incarnation_changed", shard=number, was=shard.incarnation, now=incarnation)
            await self.drop(number, "incarnation_changed")
        elif shard.sequence > sequence:
            log.error("ahead_of_journal", shard=number, sequence=shard.sequence, journal=sequence)
            await self.drop(number, "ahead_of_journal")
        shard = self.shards[number]
        shard.incarnation = incarnation
        shard.forget_row()
        self._targets[number] = sequence
        self._note_readiness()
        return shard

    async def drop(self, number: int, reason: str) -> None:
        """Forgets a shard here and in the store; its readers are sent away."""
        log.warning("shard_dropped", shard=number, reason=reason)
        self.ready.clear()
        self.lost.set()
        self._targets.pop(number, None)
        old = self.shards[number]
        self.shards[number] = Shard(number, tape_limit=self._tape_limit)
        if self.audience is not None:
            self.audience.gone(old)
        while self._writes:
            try:
                async with self._storing:
                    await self.store.drop(number)
                return
            except StoreDown as error:
                log.warning("store_down", error=str(error))
                await asyncio.sleep(RETRY_SECONDS)

    async def apply(self, number: int, parts: Sequence[Part]) -> None:
        """Applies parts of rows, in order, and tells the audience of each row; waits while the store is too far
        behind. Raises Broken.
        """
        shard, turn = self.shards[number], 0
        for part in parts:
            changes = shard.take(part)
            for market, _ in changes:
                if market.miscounted:
                    await self._recount(shard, market)
            turn += len(part.events)
            if changes and self.audience is not None:
                self.audience.changed(shard, changes)
            if turn >= EVENTS_A_TURN:
                self.events += turn
                turn = 0
                await asyncio.sleep(0)
        self.events += turn
        self._note_readiness()
        self._note_arrival()
        if shard.trades - shard.stored_trades > UNSTORED_TRADES_LIMIT:
            await self._wait_stored(shard)

    async def _recount(self, shard: Shard, market: Market) -> None:
        """Counts the date's trades again: those in the store first, unless all are in memory."""
        tape, at, trades = market.tape, market.date_began, list[Trade]()
        while at < tape.floor:
            try:
                page = await self.store.trades_after(shard.number, market.symbol, at, tape.floor, RECOUNTED_TRADES)
            except StoreDown as error:
                log.warning("store_down", shard=shard.number, error=str(error))
                await asyncio.sleep(RETRY_SECONDS)
                continue
            trades += page
            at = page[-1].symbol_sequence if len(page) == RECOUNTED_TRADES else tape.floor
        market.recount(chain(trades, tape.after(at, tape.behind(at))))

    # Keeping

    async def keep(self) -> None:
        """Stores checkpoints for ever: about one a second, fewer of big books, at once when many trades wait."""
        while True:
            pause = await (self._store_all() if self._writes else self._see_all())
            async with self._kept:
                self._kept.notify_all()
            with suppress(TimeoutError):
                async with asyncio.timeout(pause):
                    await self._due.wait()
            self._due.clear()

    async def _store_all(self) -> float:
        """Stores what has changed; how many seconds to rest then."""
        written = 0
        for shard in list(self.shards.values()):
            if shard.sequence > shard.stored_sequence:
                try:
                    written += await self.store_shard(shard)
                except StoreDown as error:
                    log.warning("store_down", shard=shard.number, error=str(error))
                    await asyncio.sleep(RETRY_SECONDS)
        return max(self._checkpoint_seconds, written / CHECKPOINT_BYTES_A_SECOND)

    async def _see_all(self) -> float:
        """Sees what another process has stored; how many seconds to rest then."""
        for shard in list(self.shards.values()):
            try:
                incarnation, sequence = await self.store.cursor(shard.number)
            except StoreDown as error:
                log.warning("store_down", shard=shard.number, error=str(error))
                continue
            if incarnation == shard.incarnation:
                shard.stored_elsewhere(sequence)
        return self._checkpoint_seconds

    async def store_shard(self, shard: Shard) -> int:
        """Stores the shard as it is, unless it was dropped; the size of its checkpoint. Raises StoreDown."""
        async with self._storing:
            if self.shards[shard.number] is not shard:
                return 0
            sequence, count = shard.sequence, shard.trades
            payload, trades = checkpoint.encode(shard), shard.unstored()
            await self.store.save(shard.number, shard.incarnation, sequence, payload, trades)
            shard.stored(sequence, count)
            return len(payload)

    async def finish(self) -> None:
        """Stores what is left, if the store is there: the next start then has nothing to fetch."""
        with suppress(StoreDown):
            for shard in self.shards.values() if self._writes else ():
                if shard.sequence > shard.stored_sequence:
                    await self.store_shard(shard)

    async def _wait_stored(self, shard: Shard) -> None:
        async with self._kept:
            while shard.trades - shard.stored_trades > UNSTORED_TRADES_LIMIT and self.shards[shard.number] is shard:
                if self._writes:
                    self._due.set()
                await self._kept.wait()

    # Reading

    def now(self, symbol: str) -> Place:
        """Where the instrument is, as it is now."""
        if not self.ready.is_set():
            raise not_ready()
        place = self._find(symbol)
        if place is None:
            raise symbol_unknown(symbol)
        return place

    def every(self) -> list[Place]:
        """Where all instruments are, as they are now."""
        if not self.ready.is_set():
            raise not_ready()
        return [Place(shard, market) for shard in self.shards.values() for market in shard.markets.values()]

    async def at_least(self, symbol: str, min_sequence: int) -> Place:
        """Where the instrument is, once its shard is at `min_sequence`; the caller bounds the wait."""
        while True:
            if not self.ready.is_set():
                raise not_ready()
            place = self._find(symbol)
            if place is not None and place.shard.sequence >= min_sequence:
                return place
            if place is None and all(shard.sequence >= min_sequence for shard in self.shards.values()):
                raise symbol_unknown(symbol)
            await self._arrival()

    async def trades_before(self, place: Place, symbol_sequence: int, limit: int) -> list[Trade]:
        """The last `limit` trades before a symbol_sequence, newest first: from memory, then from the store."""
        shard, market = place
        tape = market.tape
        floor, found = tape.floor, tape.before(symbol_sequence, limit)
        if len(found) < limit and tape.older:
            before = min(symbol_sequence, floor + 1)
            found += await self._stored(shard, before, limit - len(found), market.symbol)
        return found

    async def trades_after(self, place: Place, after: int, until: int, limit: int) -> list[Trade]:
        """The first `limit` stored trades behind `after` up to `until`, which is not above the tape's floor."""
        try:
            return await self.store.trades_after(place.shard.number, place.market.symbol, after, until, limit)
        except StoreDown:
            raise _store_down() from None

    async def _stored(self, shard: Shard, before: int, limit: int, symbol: str) -> list[Trade]:
        try:
            return await self.store.trades_before(shard.number, symbol, before, limit)
        except StoreDown:
            raise _store_down() from None

    def _find(self, symbol: str) -> Place | None:
        for shard in self.shards.values():
            market = shard.markets.get(symbol)
            if market is not None:
                return Place(shard, market)
        return None

    async def _arrival(self) -> None:
        future: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._arrivals.append(future)
        await future

    def _note_arrival(self) -> None:
        if self._arrivals:
            arrivals, self._arrivals = self._arrivals, []
            for future in arrivals:
                if not future.done():
                    future.set_result(None)

    def _note_readiness(self) -> None:
        if self.ready.is_set() or len(self._targets) < len(self.shards):
            return
        if all(self.shards[number].sequence >= target for number, target in self._targets.items()):
            self.lost.clear()
            self.ready.set()
            log.info("ready", sequences={number: shard.sequence for number, shard in self.shards.items()})


def _store_down() -> Refused:
    return Refused("NOT_READY", "older trades cannot be read now", fix="try again")
