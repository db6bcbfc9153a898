# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""A SubmitRequest's bytes into plain commands, without a message of the protobuf library in between.

What is not plain (see core/record.py), or not encoded as the library itself writes it, is nobody's error here: it goes the
general way, which says what is wrong. So the two can not differ in what they accept. `decoder.pxd` gives the types of C.
"""

from collections.abc import Callable
from typing import Any

from svc_match.core import bits, books, octets
from svc_match.core import layout as w
from svc_match.core import record as r
from svc_match.core.memory import Words

assert (not __file__.endswith(".py")) == books.COMPILED, "the core is compiled as a whole or not at all: run make setup"

OWN_ID_LIMIT = 36
SYMBOL_LIMIT = 12
INT32_MAX = (1 << 31) - 1
LOWEST, HIGHEST = 0x20, 0x7E


class Decoder:
    """Reads one request at a time."""

    def __init__(self) -> None:
        self._record = Words(r.RECORD_WORDS)
        self._made = Words(128)
        self.record = octets.octets(self._record.view)
        self.to = bits.words(self._record.view)
        self.made = octets.octets(self._made.view)
        self.source = self.made
        self.at = 0
        self.begin = 0

    def split(self, raw: bytes, otherwise: Callable[[bytes], Any]) -> tuple[str, list[Any]] | None:
        """The incarnation and a command for each submission: plain, or what `otherwise` makes of its bytes. Nothing where
        the request itself is not as the library would write it.
        """
        source = octets.octets(raw)
        found: list[Any] = []
        incarnation = ""
        at, end = 0, len(raw)
        self.source = source
        if end > 0 and source[0] == 0x0A:
            self.at = 1
            length = self._number(end)
            if length <= 0 or length > end - self.at or self._wrong_text(length, LOWEST):
                return None
            incarnation = octets.text(source, self.at, length)
            at = self.at + length
        while at < end:
            if source[at] != 0x12:
                return None
            self.at = at + 1
            length = self._number(end)
            if length < 0 or length > end - self.at:
                return None
            at = self.at
            if self._submission(at, at + length):
                found.append(octets.joined(self.record, r.RECORD_BYTES, source, at, length))
            else:
                found.append(otherwise(octets.piece(source, at, length)))
                self.source = source
            at += length
        return incarnation, found

    def plain(self, submission: bytes) -> bytes | None:
        """One encoded Submission as a plain command, or nothing where it is not plain."""
        self.source = octets.octets(submission)
        if not self._submission(0, len(submission)):
            return None
        return octets.joined(self.record, r.RECORD_BYTES, self.source, 0, len(submission))

    def _submission(self, start: int, end: int) -> bool:
        """Whether these bytes are plain; then the record is filled, but for the bytes themselves."""
        for place in range(r.RECORD_WORDS):
            self.to[place] = 0
        self.begin = start
        if end - start < 2 or self.source[start] != 0x0A:
            return False
        self.at = start + 1
        length = self._number(end)
        if length < 2 or length > end - self.at:
            return False
        inner = self.at + length
        kind = self.source[self.at] >> 3
        if self.source[self.at] & 7 != 2 or kind < w.PLACE or kind > w.REPLACE:
            return False
        self.at += 1
        length = self._number(inner)
        if length < 0 or length != inner - self.at:
            return False
        if not (self._place(inner) if kind == w.PLACE else self._change(inner, kind)):
            return False
        return self._held(end)

    def _held(self, end: int) -> bool:
        """What the ledger holds, behind the command."""
        last = 1
        while self.at < end:
            field = self.source[self.at] >> 3
            if self.source[self.at] & 7 != 0 or field <= last or field > 6:
                return False
            self.at += 1
            value = self._number(end)
            if value <= 0:
                return False
            last = field
            if field == 2:
                self.to[r.R_HOLD] = value
            elif field == 3:
                self.to[r.R_HELD_AMOUNT] = value
            elif field == 4:
                self.to[r.R_HELD_PRICE] = value
            elif field == 5:
                self.to[r.R_FEE] = value
            else:
                self.to[r.R_DEADLINE] = value
        if self.to[r.R_FEE] > INT32_MAX:
            return False
        if self.to[r.R_HOLD] != 0:
            self.to[r.R_HEAD] |= r.R_HELD
        return True

    def _place(self, end: int) -> bool:
        side = kind = time_in_force = last = 0
        while self.at < end:
            field = self.source[self.at] >> 3
            text = field in (1, 2, 4, 15)
            if (
                field <= last
                or self.source[self.at] & 7 != (2 if text else 0)
                or field in (11, 12, 13, 14)
                or field > 15
            ):
                return False
            last = field
            self.at += 1
            if text:
                if not self._text(end, field):
                    return False
                continue
            value = self._number(end)
            if value <= 0:
                return False
            if field == 3:
                self.to[r.R_DATE] = value
            elif field == 5:
                side = value
            elif field == 6:
                kind = value
            elif field == 7:
                time_in_force = value
            elif field == 8:
                self.to[r.R_PRICE] = value
            elif field == 9:
                self.to[r.R_QUANTITY] = value
            else:
                self.to[r.R_AMOUNT] = value
        if side < 1 or side > 2 or kind < w.LIMIT or kind > w.MARKET or time_in_force > w.FOK:
            return False
        if time_in_force == (0 if kind == w.LIMIT else w.DAY) or not self._named():
            return False
        self.to[r.R_HEAD] = w.PLACE | (side - 1) << 8 | kind << 16 | time_in_force << 24
        n = self._digested(w.PLACE)
        n = self._quoted(n, r.R_SYMBOL)
        n = self._counted(n, side)
        n = self._counted(n, kind)
        n = self._counted(n, time_in_force)
        n = self._counted(n, self.to[r.R_PRICE])
        n = self._counted(n, self.to[r.R_QUANTITY])
        n = self._counted(n, self.to[r.R_AMOUNT])
        self._finish(n, r.R_DIGEST)
        return True

    def _change(self, end: int, kind: int) -> bool:
        """A cancel or a replace."""
        last = 0
        while self.at < end:
            field = self.source[self.at] >> 3
            text = field in (1, 2, 5, 6, 15)
            if field <= last or self.source[self.at] & 7 != (2 if text else 0) or field > 15:
                return False
            if field > (6 if kind == w.CANCEL else 8) and field != 15:
                return False
            last = field
            self.at += 1
            if text:
                if not self._text(end, field if field != 6 else 4):
                    return False
                continue
            value = self._number(end)
            if value <= 0:
                return False
            if field == 3:
                self.to[r.R_DATE] = value
            elif field == 4:
                self.to[r.R_ORDER] = value
            elif field == 7:
                self.to[r.R_PRICE] = value
            else:
                self.to[r.R_QUANTITY] = value
        if not self._named():
            return False
        self.to[r.R_HEAD] = kind
        if self.to[r.R_ORIGINAL] != 0:
            n = self._quoted(self._opened(), r.R_ACCOUNT)
            self._finish(self._quoted(n, r.R_ORIGINAL), r.R_ORIGINAL_KEY)
        n = self._digested(kind)
        n = self._counted(n, self.to[r.R_ORDER])
        n = self._quoted(n, r.R_ORIGINAL)
        n = self._quoted(n, r.R_SYMBOL)
        if kind == w.REPLACE:
            n = self._counted(n, self.to[r.R_PRICE])
            n = self._counted(n, self.to[r.R_QUANTITY])
        self._finish(n, r.R_DIGEST)
        return True

    # Parts of the encoding

    def _number(self, end: int) -> int:
        """The next varint in its shortest form, of at most 63 bits; -1 where there is none."""
        value = 0
        shift = 0
        at = self.at
        while at < end and shift < 63:
            byte = self.source[at]
            at += 1
            value |= (byte & 127) << shift
            if byte < 128:
                self.at = at
                return -1 if byte == 0 and shift != 0 else value
            shift += 7
        return -1

    def _text(self, end: int, field: int) -> bool:
        """The next text, of a field as PlaceOrder counts them (5 is the original's id)."""
        length = self._number(end)
        limit, lowest, place = r.TEXT_LIMIT, LOWEST, r.R_ACCOUNT
        if field == 2:
            limit, lowest, place = OWN_ID_LIMIT, LOWEST + 1, r.R_OWN_ID
        elif field == 4:
            limit, place = SYMBOL_LIMIT, r.R_SYMBOL
        elif field == 5:
            place = r.R_ORIGINAL
        elif field == 15:
            place = r.R_TRACE
        if length <= 0 or length > limit or length > end - self.at or self._wrong_text(length, lowest):
            return False
        self.to[place] = (r.RECORD_BYTES + self.at - self.begin) | length << 32
        self.at += length
        return True

    def _wrong_text(self, length: int, lowest: int) -> bool:
        """Whether text has what is not printable ASCII, or what a digest would write in another way."""
        for place in range(self.at, self.at + length):
            byte = self.source[place]
            if byte < lowest or byte > HIGHEST or byte == 0x27 or byte == 0x5C:
                return True
        return False

    def _named(self) -> bool:
        """What every command has; then its key is known."""
        if self.to[r.R_ACCOUNT] == 0 or self.to[r.R_OWN_ID] == 0 or self.to[r.R_DATE] > INT32_MAX:
            return False
        n = self._quoted(self._opened(), r.R_ACCOUNT)
        self._finish(self._quoted(n, r.R_OWN_ID), r.R_KEY)
        return True

    # Identities: digests over fields as Python writes a tuple of them

    def _opened(self) -> int:
        self.made[0] = 0x28
        return 1

    def _digested(self, kind: int) -> int:
        name = "place" if kind == w.PLACE else "cancel" if kind == w.CANCEL else "replace"
        self.made[1] = 0x27
        n = octets.put_text(self.made, 2, name)
        self.made[n] = 0x27
        n = self._quoted(n + 1, r.R_ACCOUNT)
        return self._counted(self._quoted(n, r.R_OWN_ID), self.to[r.R_DATE])

    def _quoted(self, n: int, place: int) -> int:
        start = (self.to[place] & 0xFFFFFFFF) - r.RECORD_BYTES + self.begin
        n = self._apart(n)
        self.made[n] = 0x27
        n += 1
        if self.to[place] != 0:
            n = octets.copy(self.made, n, self.source, start, self.to[place] >> 32)
        self.made[n] = 0x27
        return n + 1

    def _counted(self, n: int, value: int) -> int:
        return octets.put_decimal(self.made, self._apart(n), value)

    def _apart(self, n: int) -> int:
        if n == 1:
            return n
        self.made[n] = 0x2C
        self.made[n + 1] = 0x20
        return n + 2

    def _finish(self, n: int, place: int) -> int:
        self.made[n] = 0x29
        return octets.put_digest(self.to, place, self.made, n + 1)
