"""Which trading date a command is first sent under: the one that is open on its shard, as svc_quote says."""

import time
from collections.abc import Awaitable, Callable, Iterable
from datetime import UTC, datetime

from bourse.quote.v1 import quote_pb2
from bourse.types.v1 import command_pb2 as pb
from bourse_sdk.commands import Body, CommandResult, DatedBody

SHARD_BITS = 48
REFRESH_SECONDS = 0.5

ListInstruments = Callable[[], Awaitable[quote_pb2.ListInstrumentsResponse]]


class TradingDates:
    """The open trading date of each instrument and shard, remembered until the exchange says that one is wrong."""

    def __init__(self, list_instruments: ListInstruments) -> None:
        self._list_instruments = list_instruments
        self._symbols: dict[str, int] = {}
        self._shards: dict[int, int] = {}
        self._stale = True
        self._asked = -REFRESH_SECONDS

    async def stamp(self, bodies: list[Body]) -> None:
        """Fills in the date of those that have none, because they were never sent. A repeat keeps its date: it is a part
        of its identity. Where no date is open it is today's (UTC), and the exchange says what is wrong.
        """
        undated = [body for body in bodies if not isinstance(body, pb.RenewLease) and not body.trading_date]
        if undated and (self._stale or not self._fill(undated)):
            await self._refresh()
            self._fill(undated)
            for body in undated:
                body.trading_date = body.trading_date or self._latest() or _today()

    def _fill(self, undated: list[DatedBody]) -> bool:
        """Fills in what is known; whether that was all."""
        unknown = 0
        for body in undated:
            if date := self._known(body):
                body.trading_date = date
            else:
                unknown += 1
        return not unknown

    def look_at(self, results: Iterable[CommandResult]) -> None:
        """A command refused for its date means that another one is open: those never sent will be given that."""
        for result in results:
            if result.refusal is not None and result.refusal.reason == "TRADING_DATE_WRONG":
                self._stale = True

    async def _refresh(self) -> None:
        if time.monotonic() - self._asked < REFRESH_SECONDS and self._symbols and not self._stale:
            return
        self._asked = time.monotonic()
        instruments = (await self._list_instruments()).instruments
        self._symbols = {entry.instrument.symbol: entry.trading_date for entry in instruments}
        self._shards = {entry.instrument.shard: entry.trading_date for entry in instruments}
        self._stale = False

    def _known(self, body: DatedBody) -> int:
        """The date that is open where the command goes, 0 for none; a mass cancel without a symbol goes to every shard."""
        if symbol := _symbol_of(body):
            return self._symbols.get(symbol, 0)
        if isinstance(body, pb.MassCancel):
            return self._latest()
        if isinstance(body, pb.CancelOrder | pb.ReplaceOrder):
            return self._shards.get(body.order_id >> SHARD_BITS, 0)
        return 0

    def _latest(self) -> int:
        return max(self._shards.values(), default=0)


def _today() -> int:
    return int(datetime.now(UTC).strftime("%Y%m%d"))


def _symbol_of(body: DatedBody) -> str:
    """An instrument that the command names; those of a mass quote are of one shard."""
    if isinstance(body, pb.MassQuote):
        return body.entries[0].symbol if body.entries else ""
    return body.symbol
