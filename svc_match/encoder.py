# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""Packed events of plain commands into the bytes of protobuf messages: what is stored, published, streamed and answered.

They are the bytes that the general way (telling.py and wire) makes of the same events, which a test holds it to. A rejection is
put into words by the caller; a row with an event of a kind that is not known here is left to the general way as a whole.
`encoder.pxd` gives the types of C.
"""

from collections.abc import Callable
from typing import Any, NamedTuple

from svc_match.core import bits, books, octets
from svc_match.core import layout as w
from svc_match.core import record as r
from svc_match.core.memory import Words

assert (not __file__.endswith(".py")) == books.COMPILED, "the core is compiled as a whole or not at all: run make setup"

ROOM = 4_096  # bytes that an event takes at most: two accounts of 128 characters, at most 4 bytes each
PART_EVENTS_LIMIT = 4_096
PLACED, CANCELLED, REPLACED, REJECTED = 1, 2, 3, 4  # Outcome of a CommandResult


class Shown(NamedTuple):
    """Some encoded public events of one symbol: the first of them is the `first`th that the row has of it."""

    symbol: str
    first: int
    events: int
    encoded: bytes


class Encoder:
    """Encodes one row at a time."""

    def __init__(self) -> None:
        self._private = Words(1 << 13)
        self._public = Words(1 << 13)
        self._marks = Words(1 << 10)
        self._links = Words(1 << 10)
        self._books = Words(4)
        self._one = Words(32)
        self.n = 0
        self.count = 0
        self.shown = 0
        self.trades = 0
        self.placed = 0
        self.cancelled = 0
        self.replaced = 0
        self.rejected = 0
        self.touched: list[int] = []
        self._point()

    def _point(self) -> int:
        """After any pool grew."""
        self.private = octets.octets(self._private.view)
        self.public = octets.octets(self._public.view)
        self.marks = bits.words(self._marks.view)
        self.links = bits.words(self._links.view)
        self.books = bits.words(self._books.view)
        self.one = octets.octets(self._one.view)
        self.private_room = len(self._private) * 8 - ROOM
        self.public_room = len(self._public) * 8 - ROOM
        self.marks_room = len(self._marks) - 2
        self.links_room = len(self._links) // 3 - 2
        return 0

    def encode(
        self,
        packed: "books.Books",
        commands: list[Any],
        answers: list[Any],
        names: list[str],
        symbols: list[str],
        first: int,
        refused: Callable[[list[int], int, int], tuple[str, bytes]],
        told: Callable[[list[int], int, int], tuple[bytes, Any]],
    ) -> bool:
        """Encodes the events of a batch, of which `first` is the first one's sequence. A command that has no answer gets its
        own, encoded as one of the `results` of a SubmitResponse. `refused` has a rejection's symbol and its encoded Refusal;
        `told` the encoded event and the answer of a command that is not plain. False: there is an event that is not known
        here, and nothing is to be used.
        """
        out = packed.out
        end = packed.written
        at = 0
        sequence = first - 1
        self.n = self.count = self.shown = self.trades = 0
        self.placed = self.cancelled = self.replaced = self.rejected = 0
        self._books.reserve(4 * len(symbols))
        self._point()
        for book in self.touched:
            self.books[4 * book + 2] = 0
        self.touched = []
        while at < end:
            head = out[at]
            kind = head & 255
            book_number = (head >> 16 & 0xFFFF) - 1
            if kind == w.LEVEL:
                self._link(book_number, at, sequence)
                at += w.LEVEL_EVENT_WORDS
                continue
            if self.n > self.private_room or self.count > self.marks_room:
                self._widen()
            sequence += 1
            number = head >> 32
            length = self._general(kind, head, commands, number)
            if length != 0:
                encoded, answers[number] = told([out[place] for place in range(at, at + length)], number, sequence)
                self._add(encoded)
                at += length
            elif kind == w.TRADED:
                self._traded(out, at, names[out[at + 9] & 0x7FFFFFFF], names[out[at + 9] >> 32], symbols[book_number])
                self._link(book_number, at, sequence)
                self.trades += 1
                at += w.TRADED_WORDS
            elif kind == w.DONE and head >> 8 & 255 <= w.DATE_CLOSED:
                self._done(out, at, names[out[at + 4]], symbols[book_number], commands)
                if head >> 8 & 255 == w.CANCELLED:
                    self.cancelled += 1
                    answers[number] = self._answer(commands[number], CANCELLED, out[at + 1], sequence, out[at + 3])
                at += w.DONE_WORDS
            elif kind == w.ACCEPTED and head >> 8 & 255 == 0:
                c = octets.words(commands[number])
                self._accepted(out[at + 1], c, octets.octets(commands[number]))
                self.placed += 1
                answers[number] = self._answer(commands[number], PLACED, out[at + 1], sequence, c[r.R_QUANTITY])
                at += w.ACCEPTED_WORDS
            elif kind == w.REPLACED and head >> 8 & 255 <= w.SELL:
                self._replaced(out, at, commands[number], symbols[book_number])
                self.replaced += 1
                answers[number] = self._answer(commands[number], REPLACED, out[at + 1], sequence, out[at + 2])
                at += w.REPLACED_WORDS
            elif kind == w.REJECTED:
                symbol, refusal = refused([out[at], out[at + 1], out[at + 2], out[at + 3]], number, sequence)
                while self.n + len(refusal) > self.private_room:
                    self._widen()
                answers[number] = self._rejected(out, at, sequence, commands[number], symbol, refusal)
                self.rejected += 1
                at += w.REJECTED_WORDS
            else:
                return False
            self.count += 1
            self.marks[self.count] = self.n
        return True

    def events(self, start: int, end: int) -> bytes:
        """The private events from `start` to before `end`, counted in the row, as the `events` of an ExecutionBatch."""
        begin = self.marks[start] if start else 0
        return octets.piece(self.private, begin, self.marks[end] - begin)

    def pieces(self, packed: "books.Books", symbols: list[str]) -> list[Shown]:
        """The public events by symbol, as the `events` of MarketDataBatches of at most PART_EVENTS_LIMIT."""
        found = []
        out = packed.out
        for book in self.touched:
            symbol = symbols[book]
            link = self.books[4 * book]
            total = self.books[4 * book + 2]
            done = 0
            while done < total:
                n = 0
                some = min(total - done, PART_EVENTS_LIMIT)
                for _ in range(some):
                    if n > self.public_room:
                        self._widen_public()
                    n = self._show(out, self.links[3 * link], self.links[3 * link + 1], n)
                    link = self.links[3 * link + 2]
                found.append(Shown(symbol, done, some, octets.piece(self.public, 0, n)))
                done += some
        return found

    def _general(self, kind: int, head: int, commands: list[Any], number: int) -> int:
        """How many words an event has that is put into words by its command, which is not plain; 0 for all others."""
        if kind == w.TRADED or (kind == w.DONE and head >> 8 & 255 != w.CANCELLED) or kind > w.DONE:
            return 0
        if type(commands[number]) is bytes:
            return 0
        if kind == w.ACCEPTED:
            return w.ACCEPTED_WORDS
        if kind == w.REJECTED:
            return w.REJECTED_WORDS
        return w.REPLACED_WORDS if kind == w.REPLACED else w.DONE_WORDS

    def _add(self, encoded: bytes) -> int:
        """An event that is encoded already."""
        length = len(encoded)
        while self.n + length > self.private_room:
            self._widen()
        self.n = octets.copy(self.private, self.n, octets.octets(encoded), 0, length)
        return 0

    # Room

    def _widen(self) -> int:
        self._private.reserve(len(self._private) * 2)
        self._marks.reserve(len(self._marks) * 2)
        self._point()
        return 0

    def _widen_public(self) -> int:
        self._public.reserve(len(self._public) * 2)
        self._point()
        return 0

    def _widen_links(self) -> int:
        self._links.reserve(len(self._links) * 2)
        self._point()
        return 0

    def _link(self, book: int, at: int, sequence: int) -> int:
        """A public event behind the others of its book."""
        if self.shown > self.links_room:
            self._widen_links()
        link = self.shown
        self.links[3 * link] = at
        self.links[3 * link + 1] = sequence
        if self.books[4 * book + 2] == 0:
            self.books[4 * book] = link
            self.touched.append(book)
        else:
            self.links[3 * self.books[4 * book + 1] + 2] = link
        self.books[4 * book + 1] = link
        self.books[4 * book + 2] += 1
        self.shown = link + 1
        return 0

    # Fields: nothing is written of one that is 0 or empty

    def _int(self, n: int, tag: int, value: int) -> int:
        if value == 0:
            return n
        self.private[n] = tag
        return octets.put_varint(self.private, n + 1, value)

    def _name(self, n: int, tag: int, value: str) -> int:
        """Text, whose length is known once it is written."""
        end = octets.put_text(self.private, n + 2, value)
        length = end - n - 2
        if length == 0:
            return n
        self.private[n] = tag
        if length > 127:
            octets.copy(self.private, n + 3, self.private, n + 2, length)
            end += 1
        octets.put_varint(self.private, n + 1, length)
        return end

    def _slice(self, n: int, tag: int, p: memoryview, where: int) -> int:
        """Text of a command."""
        if where == 0:
            return n
        self.private[n] = tag
        n = octets.put_varint(self.private, n + 1, where >> 32)
        return octets.copy(self.private, n, p, where & 0xFFFFFFFF, where >> 32)

    def _close(self, tag: int, end: int) -> int:
        """Puts the event's own head, and that of the kind with this tag, before the body that stands 4 bytes behind n."""
        n = self.n
        length = end - n - 4
        if length < 126:
            self.private[n] = 0x42
            self.private[n + 1] = length + 2
            self.private[n + 2] = tag
            self.private[n + 3] = length
            self.n = end
            return 0
        outer = length + (2 if length < 128 else 3)
        octets.copy(self.private, n + 8, self.private, n + 4, length)
        self.private[n] = 0x42
        start = octets.put_varint(self.private, n + 1, outer)
        self.private[start] = tag
        start = octets.put_varint(self.private, start + 1, length)
        self.n = octets.copy(self.private, start, self.private, n + 8, length)
        return 0

    # Private events

    def _accepted(self, identity: int, c: memoryview, p: memoryview) -> int:
        head = c[r.R_HEAD]
        time_in_force = head >> 24 & 255
        if head >> 16 & 255 == w.MARKET and time_in_force != w.FOK:
            time_in_force = w.IOC
        n = self._int(self.n + 4, 0x08, identity)
        n = self._slice(n, 0x12, p, c[r.R_ACCOUNT])
        n = self._slice(n, 0x1A, p, c[r.R_OWN_ID])
        n = self._slice(n, 0x22, p, c[r.R_SYMBOL])
        n = self._int(n, 0x28, (head >> 8 & 255) + 1)
        n = self._int(n, 0x30, head >> 16 & 255)
        n = self._int(n, 0x38, time_in_force)
        n = self._int(n, 0x40, c[r.R_PRICE])
        n = self._int(n, 0x48, c[r.R_QUANTITY])
        n = self._int(n, 0x50, c[r.R_AMOUNT])
        n = self._int(n, 0x58, c[r.R_HOLD])
        n = self._int(n, 0x60, c[r.R_HELD_PRICE])
        n = self._int(n, 0x68, c[r.R_FEE])
        return self._close(0x32, n)

    def _traded(self, e: memoryview, at: int, maker: str, taker: str, symbol: str) -> int:
        n = self._name(self.n + 4, 0x0A, symbol)
        n = self._int(n, 0x10, e[at + 3])
        n = self._int(n, 0x18, e[at + 4])
        n = self._int(n, 0x20, e[at + 1])
        n = self._int(n, 0x28, e[at + 2])
        n = self._name(n, 0x32, maker)
        n = self._name(n, 0x3A, taker)
        n = self._int(n, 0x40, (e[at] >> 8 & 255) + 1)
        n = self._int(n, 0x48, e[at + 7])
        n = self._int(n, 0x50, e[at + 8])
        n = self._int(n, 0x58, e[at + 5])
        n = self._int(n, 0x60, e[at + 6])
        return self._close(0x42, n)

    def _replaced(self, e: memoryview, at: int, command: bytes, symbol: str) -> int:
        c = octets.words(command)
        p = octets.octets(command)
        n = self._int(self.n + 4, 0x08, e[at + 1])
        n = self._slice(n, 0x12, p, c[r.R_ACCOUNT])
        n = self._slice(n, 0x1A, p, c[r.R_OWN_ID])
        n = self._name(n, 0x22, symbol)
        n = self._int(n, 0x28, c[r.R_PRICE])
        n = self._int(n, 0x30, c[r.R_QUANTITY])
        n = self._int(n, 0x38, e[at + 2])
        n = self._int(n, 0x40, c[r.R_HOLD])
        n = self._int(n, 0x48, e[at + 4])
        n = self._int(n, 0x50, e[at + 3])
        return self._close(0x4A, n)

    def _done(self, e: memoryview, at: int, account: str, symbol: str, commands: list[bytes]) -> int:
        n = self._int(self.n + 4, 0x08, e[at + 1])
        n = self._name(n, 0x12, account)
        n = self._int(n, 0x18, e[at] >> 8 & 255)
        if e[at] >> 8 & 255 == w.CANCELLED:
            command = commands[e[at] >> 32]
            n = self._slice(n, 0x22, octets.octets(command), octets.words(command)[r.R_OWN_ID])
        n = self._name(n, 0x2A, symbol)
        n = self._int(n, 0x30, e[at + 2])
        n = self._int(n, 0x38, e[at + 3])
        return self._close(0x52, n)

    def _rejected(self, e: memoryview, at: int, sequence: int, command: bytes, symbol: str, refusal: bytes) -> bytes:
        """A rejection's event; its answer."""
        c = octets.words(command)
        p = octets.octets(command)
        told = octets.octets(refusal)
        length = len(refusal)
        n = self._int(self.n + 4, 0x08, e[at] >> 8 & 255)
        n = self._int(n, 0x10, e[at + 1])
        n = self._slice(n, 0x1A, p, c[r.R_ACCOUNT])
        n = self._slice(n, 0x22, p, c[r.R_OWN_ID])
        n = self._name(n, 0x2A, symbol)
        n = self._int(n, 0x30, c[r.R_HOLD])
        self.private[n] = 0x3A
        n = octets.put_varint(self.private, n + 1, length)
        self._close(0x3A, octets.copy(self.private, n, told, 0, length))
        body = self.n + 16
        n = self._slice(body, 0x0A, p, c[r.R_OWN_ID])
        n = self._int(n, 0x10, REJECTED)
        n = self._int(n, 0x18, e[at + 1])
        n = self._int(n, 0x20, sequence)
        self.private[n] = 0x32
        n = octets.put_varint(self.private, n + 1, length)
        n = octets.copy(self.private, n, told, 0, length)
        self.private[self.n] = 0x0A
        start = octets.put_varint(self.private, self.n + 1, n - body)
        n = octets.copy(self.private, start, self.private, body, n - body)
        return octets.piece(self.private, self.n, n - self.n)

    # Public events and answers

    def _show(self, e: memoryview, at: int, sequence: int, n: int) -> int:
        """One public event; where it ends."""
        to = self.public
        head = e[at]
        to[n] = 0x5A
        to[n + 2] = 0x08
        m = octets.put_varint(to, n + 3, sequence)
        body = m + 2
        if head & 255 == w.LEVEL:
            to[m] = 0x1A
            to[body] = 0x08
            to[body + 1] = (head >> 8 & 255) + 1
            to[body + 2] = 0x10
            end = octets.put_varint(to, body + 3, e[at + 1])
            if e[at + 2] != 0:
                to[end] = 0x18
                end = octets.put_varint(to, end + 1, e[at + 2])
            if e[at + 3] != 0:
                to[end] = 0x20
                end = octets.put_varint(to, end + 1, e[at + 3])
        else:
            to[m] = 0x12
            to[body] = 0x08
            end = octets.put_varint(to, body + 1, e[at + 3])
            to[end] = 0x10
            end = octets.put_varint(to, end + 1, e[at + 4])
            to[end] = 0x18
            to[end + 1] = (head >> 8 & 255) + 1
            end += 2
        to[m + 1] = end - body
        to[n + 1] = end - n - 2
        return end

    def _answer(self, command: bytes, outcome: int, identity: int, sequence: int, quantity: int) -> bytes:
        to = self.one
        where = octets.words(command)[r.R_OWN_ID]
        to[0] = 0x0A
        to[2] = 0x0A
        to[3] = where >> 32
        n = octets.copy(to, 4, octets.octets(command), where & 0xFFFFFFFF, where >> 32)
        to[n] = 0x10
        to[n + 1] = outcome
        to[n + 2] = 0x18
        n = octets.put_varint(to, n + 3, identity)
        to[n] = 0x20
        n = octets.put_varint(to, n + 1, sequence)
        if quantity != 0:
            to[n] = 0x28
            n = octets.put_varint(to, n + 1, quantity)
        to[1] = n - 2
        return octets.piece(to, 0, n)


def recorded(commands: list[Any], results: list[Any]) -> bytes:
    """The commands that are on record, as wire.rows.commands has them: a byte for the kind, four for the length, the Submission."""
    made = bytearray()
    for number in range(len(results)):
        if results[number] is None:
            item = commands[number]
            if type(item) is not bytes:
                made += item.encoded
                continue
            command = item
            length = len(command) - r.RECORD_BYTES
            made += b"\x00" + length.to_bytes(4)
            made += command[r.RECORD_BYTES :]
    return bytes(made)
