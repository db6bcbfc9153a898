"""The codec of a shard. What is plain goes straight between bytes and the books' packed records, a batch at a time; all else goes
through messages of the protobuf library (wire). Both ways give the same bytes.
"""

from array import array
from collections import Counter
from collections.abc import Iterable, Sequence
from functools import partial
from typing import Any

from svc_match.core.engine import SEMANTICS, Applied, Engine
from svc_match.core.events import First, Rejected
from svc_match.core.plain import Executed, in_words, text
from svc_match.core.record import R_OWN_ID, R_TRACE, RECORD_BYTES
from svc_match.core.telling import Telling
from svc_match.decoder import Decoder
from svc_match.encoder import Encoder, Shown, recorded
from svc_match.ports import NO_SYMBOL, Command, Encoded, Head, Item, Request
from svc_match.wire import answers, controls, rows
from svc_match.wire.commands import framed, own_id, read_request, read_submission
from svc_match.wire.executions import firsts, private_event, private_parts
from svc_match.wire.market_data import public_part


class Codec:
    """Bytes in, bytes out; one row at a time."""

    TICK = controls.TICK

    def __init__(self) -> None:
        self._decoder = Decoder()
        self._encoder = Encoder()
        self._refusals: dict[tuple[str, str], bytes] = {}

    # Commands

    def request(self, raw: bytes) -> Request:
        """A SubmitRequest's commands; raises protobuf's DecodeError where it is none."""
        found = self._decoder.split(raw, read_submission)
        return Request(*(read_request(raw) if found is None else found))

    def command(self, encoded: bytes, semantics: int = SEMANTICS) -> Command:
        """One encoded Submission, as the semantics read it."""
        return self._decoder.plain(encoded) or read_submission(encoded, semantics)

    def items(self, encoded: bytes, semantics: int = SEMANTICS) -> list[Command]:
        """The commands of a row, as its semantics read them."""
        return rows.items(encoded, partial(self.command, semantics=semantics), semantics)

    def item(self, command: Command) -> Item:
        """A command in words, plain or not."""
        if not isinstance(command, bytes):
            return command
        return Item(in_words(command), framed(command[RECORD_BYTES:]), text(command, R_TRACE))

    def own_id(self, command: Command) -> str:
        """The command's own id, for its answer."""
        return text(command, R_OWN_ID) if isinstance(command, bytes) else own_id(command)

    def traceparent(self, command: Command) -> str:
        """The command's trace, or nothing."""
        return text(command, R_TRACE) if isinstance(command, bytes) else command.traceparent

    # Rows

    def encoded(self, head: Head, engine: Engine, commands: Sequence[Any], done: Applied | Executed) -> Encoded:
        """What commands did, encoded; they are those that have a result, and in words where `done` is."""
        if isinstance(done, Executed):
            straight = self._straight(head, engine, list(commands), done)
            if straight is not None:
                return straight
            done = engine.told(done, [self.item(command).command for command in commands])
        return rows.encoded(head, engine, [self.item(command) for command in commands], done)

    def _straight(self, head: Head, engine: Engine, commands: list[Any], done: Executed) -> Encoded | None:
        """The same, straight; nothing where an event is known to the general way alone."""
        symbols = [one.symbol for one in engine.instruments]
        results, encoder = list(done.results), self._encoder

        def refused(words: list[int], number: int, sequence: int) -> tuple[str, bytes]:
            telling = Telling(engine.instruments, engine.names, sequence)
            event = telling.rejected(words, in_words(commands[number]))
            return event.symbol, self._refusal(event)

        def told(words: list[int], number: int, sequence: int) -> tuple[bytes, Any]:
            telling = Telling(engine.instruments, engine.names, sequence - 1)
            telling.tell(memoryview(array("q", words)), {number: commands[number].command}, results)
            return private_event(telling.events[0]), results[number]

        first = done.first_sequence
        if not encoder.encode(engine.packed, commands, results, engine.names, symbols, first, refused, told):
            return None
        counts = Counter(type(result).__name__.lower() for result in results if type(result) is not bytes)
        counts.update(
            accepted=encoder.placed, done=encoder.cancelled, replaced=encoder.replaced, rejected=encoder.rejected
        )
        return Encoded(
            commands=recorded(commands, done.results),
            executions=private_parts(head, done, encoder.count, encoder.events),
            market_data=self._public(head, engine, done, encoder.pieces(engine.packed, symbols)),
            results=results,
            counts=+counts,
            fills=encoder.trades,
        )

    def _public(self, head: Head, engine: Engine, done: Executed, shown: list[Shown]) -> list[tuple[str, bytes]]:
        totals: Counter[str] = Counter()
        for piece in shown:
            totals[piece.symbol] += piece.events
        parts: list[tuple[str, bytes]] = []
        for piece in shown or [Shown("", 0, 0, b"")]:
            symbol_sequence = 0
            if piece.symbol:
                symbol_sequence = engine.books[piece.symbol].symbol_sequence - totals[piece.symbol] + 1 + piece.first
            place = (piece.symbol, symbol_sequence, len(parts), len(shown) or 1)
            parts.append((piece.symbol or NO_SYMBOL, public_part(head, done, place, piece.encoded)))
        return parts

    def _refusal(self, event: Rejected) -> bytes:
        """An encoded Refusal; all that is the same for a reason and a field is kept."""
        kept = self._refusals.get((event.reason, event.field))
        if kept is None:
            kept = self._refusals[event.reason, event.field] = answers.refusal_but_value(event.reason, event.field)
        return kept + answers.refusal_value(event.value)

    def firsts(self, parts: Iterable[bytes], sequences: Sequence[int]) -> dict[int, First]:
        """Those of `sequences` that a row's private parts hold; each is some command's first result."""
        return firsts(parts, sequences)

    def answer(self, commands: Sequence[Command], results: Sequence[Any]) -> bytes:
        """A SubmitResponse; what is encoded already is taken as it is."""
        return b"".join(
            result if type(result) is bytes else answers.result(self.own_id(command), result)
            for command, result in zip(commands, results, strict=True)
        )
