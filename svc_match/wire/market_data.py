"""Public events: a row's MarketDataBatches."""

from collections.abc import Callable, Iterator, Sequence
from typing import Any

from bourse.match.v1 import events_pb2
from svc_match.core import events
from svc_match.core.engine import Applied
from svc_match.core.plain import Executed
from svc_match.ports import NO_SYMBOL, Head
from svc_match.wire import PART_BYTES_LIMIT, PART_EVENTS_LIMIT
from svc_match.wire.announcements import SHARED


def market_data(head: Head, applied: Applied, last_symbol_sequences: dict[str, int]) -> list[tuple[str, bytes]]:
    """The public events in parts of at most PART_BYTES_LIMIT bytes, each with its symbol; at least one part."""
    pieces = [
        piece
        for symbol, shown in applied.public.items()
        for piece in _pieces(symbol, last_symbol_sequences[symbol] - len(shown) + 1, shown)
    ] or [("", 0, b"")]
    return [
        (symbol or NO_SYMBOL, public_part(head, applied, (symbol, number, part, len(pieces)), encoded))
        for part, (symbol, number, encoded) in enumerate(pieces)
    ]


def _pieces(symbol: str, first_number: int, shown: list[events.Public]) -> Iterator[tuple[str, int, bytes]]:
    for start in range(0, len(shown), PART_EVENTS_LIMIT):
        piece = events_pb2.MarketDataBatch()
        add = piece.events.add
        for event in shown[start : start + PART_EVENTS_LIMIT]:
            message = add()
            message.sequence = event.sequence
            _PUBLIC[type(event)](message, event)
        yield symbol, first_number + start, piece.SerializeToString()


def public_part(head: Head, done: Applied | Executed, place: tuple[str, int, int, int], encoded: bytes) -> bytes:
    """A part with its encoded events; `place` is the symbol, the first symbol_sequence, the part and how many parts there are."""
    symbol, first_symbol_sequence, part, parts = place
    batch = events_pb2.MarketDataBatch(
        incarnation=head.incarnation,
        epoch=head.epoch,
        shard=head.shard,
        first_sequence=done.first_sequence,
        last_sequence=done.last_sequence,
        time_us=head.time_us,
        part=part,
        parts=parts,
        symbol=symbol,
        first_symbol_sequence=first_symbol_sequence,
    )
    made = batch.SerializeToString() + encoded
    assert len(made) <= PART_BYTES_LIMIT, "PART_EVENTS_LIMIT public events fit a part"
    return made


def _put_trade(message: events_pb2.MarketDataEvent, event: events.PublicTrade) -> None:
    to = message.trade
    _, to.price_e4, to.quantity, to.taker_side, to.auction = event  # type: ignore[assignment]


def _put_level(message: events_pb2.MarketDataEvent, event: events.LevelChanged) -> None:
    to = message.level
    _, to.side, to.price_e4, to.quantity, to.orders = event  # type: ignore[assignment]


def _put_public_bust(message: events_pb2.MarketDataEvent, event: events.Busted) -> None:
    to, trade = message.busted, event.trade
    to.trade_sequence, to.price_e4, to.quantity = trade.sequence, trade.price_e4, trade.quantity
    to.taker_side = trade.taker_side  # type: ignore[assignment]


def _put_indicative(message: events_pb2.MarketDataEvent, event: events.IndicativeChanged) -> None:
    message.indicative.CopyFrom(indicative(event[1:]))


def indicative(found: Sequence[int]) -> events_pb2.IndicativeChanged:
    """What an auction would do, as IndicativeChanged has it."""
    price_e4, quantity, side, surplus = found
    return events_pb2.IndicativeChanged(
        price_e4=price_e4,
        quantity=quantity,
        surplus_side=side,  # type: ignore[arg-type]
        surplus_quantity=surplus,
    )


_PUBLIC: dict[type, Callable[[Any, Any], None]] = {
    **SHARED,
    events.PublicTrade: _put_trade,
    events.Busted: _put_public_bust,
    events.LevelChanged: _put_level,
    events.IndicativeChanged: _put_indicative,
}


def last_of_market_data(encoded: bytes) -> tuple[str, int, int, int]:
    """Incarnation, last sequence, part and parts of a MarketDataBatch."""
    batch = events_pb2.MarketDataBatch.FromString(encoded)
    return batch.incarnation, batch.last_sequence, batch.part, batch.parts
