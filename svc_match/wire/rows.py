"""What a row of the journal keeps: the commands that are on record, and what they did."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any

from svc_match.core import events
from svc_match.core.engine import SEMANTICS, Applied, Engine
from svc_match.ports import Encoded, Head, Item
from svc_match.wire.commands import ITEM_HEAD, SUBMISSION, read_submission
from svc_match.wire.controls import ADD_INSTRUMENT, CONTROLS, SET_PHASE, TICK, TICK_KIND, control
from svc_match.wire.executions import executions
from svc_match.wire.market_data import market_data

AUCTIONS_SINCE = PROTECTION_SINCE = 3  # the semantics that know them
PROTECTION = (
    "market_protection_bp", "tick_bands", "max_notional_e4", "reference_price_e4", "static_collar_bp", "dynamic_collar_bp",
    "volatility_auction_us", "limit_band_bp", "limit_interval_us", "limit_state_us", "limit_pause_us",
)  # fmt: skip


def items(encoded: bytes, read: Callable[[bytes], Any] = read_submission, semantics: int = SEMANTICS) -> list[Any]:
    """The commands of a journal row, as its semantics read them; `read` makes a command of a Submission's bytes."""
    found, start = [], 0
    while start < len(encoded):
        kind, length = ITEM_HEAD.unpack_from(encoded, start)
        start += ITEM_HEAD.size
        body = encoded[start : start + length]
        start += length
        if kind == SUBMISSION:
            found.append(read(body))
        elif kind == TICK_KIND:
            found.append(TICK)
        else:
            message = CONTROLS[kind].FromString(body)
            if semantics < AUCTIONS_SINCE and kind == SET_PHASE:
                message.ClearField("auction")
            if semantics < PROTECTION_SINCE and kind == ADD_INSTRUMENT:
                for field in PROTECTION:
                    message.instrument.ClearField(field)
            found.append(control(message))
    return found


def commands(these: Sequence[Item]) -> bytes:
    """The inverse of `items`."""
    return b"".join([item.encoded for item in these])


def encoded(head: Head, engine: Engine, these: Sequence[Item], applied: Applied) -> Encoded:
    """What commands did; `these` are those that have a result."""
    last = {symbol: engine.books[symbol].symbol_sequence for symbol in applied.public}
    recorded = [item for item, result in zip(these, applied.results, strict=False) if type(result) in events.ON_RECORD]
    counted = [
        type(result).__name__.lower() for item, result in zip(these, applied.results, strict=False) if item is not TICK
    ]
    return Encoded(
        commands=commands(recorded),
        executions=executions(head, applied),
        market_data=market_data(head, applied, last),
        results=applied.results,
        counts=Counter(counted),
        fills=sum(type(event) is events.Traded for event in applied.events),
    )
