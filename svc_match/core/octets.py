"""Bytes by index, where the core runs interpreted; octets.pxd is the same by pointers of C."""

from hashlib import blake2b

DIGEST_BYTES = 16
MASK = (1 << 64) - 1


def octets(view: object) -> memoryview:
    """The bytes of a pool or of a bytes object, by index."""
    return memoryview(view).cast("B")  # type: ignore[arg-type]


def words(record: bytes) -> memoryview:
    """The int64 words that a record begins with."""
    return memoryview(record)[: len(record) // 8 * 8].cast("q")


def shorts(view: memoryview) -> memoryview:
    """A pool by unsigned 16-bit numbers."""
    return view.cast("B").cast("H")


def slots(view: memoryview) -> memoryview:
    """A pool by unsigned 32-bit numbers."""
    return view.cast("B").cast("I")


def to_signed(value: int) -> int:
    """The int64 with the same low 64 bits."""
    return (value & MASK ^ 1 << 63) - (1 << 63)


def to_unsigned(value: int) -> int:
    """The inverse of `to_signed`."""
    return value & MASK


def text(source: memoryview, start: int, length: int) -> str:
    """ASCII text."""
    return str(source[start : start + length], "ascii")


def piece(source: memoryview, start: int, length: int) -> bytes:
    """Some bytes."""
    return bytes(source[start : start + length])


def joined(record: memoryview, length: int, source: memoryview, start: int, count: int) -> bytes:
    """The first `length` bytes of one, and `count` of the other from `start` on."""
    return bytes(record[:length]) + bytes(source[start : start + count])


def copy(target: memoryview, at: int, source: memoryview, start: int, length: int) -> int:
    """Copies bytes, also within one buffer; where they end."""
    target[at : at + length] = bytes(source[start : start + length])
    return at + length


def put_text(target: memoryview, at: int, value: str) -> int:
    """Text in UTF-8; where it ends."""
    encoded = value.encode()
    target[at : at + len(encoded)] = encoded
    return at + len(encoded)


def put_varint(target: memoryview, at: int, value: int) -> int:
    """A number as protobuf has it; where it ends."""
    value &= MASK
    while value > 127:
        target[at] = value & 127 | 128
        value >>= 7
        at += 1
    target[at] = value
    return at + 1


def put_decimal(target: memoryview, at: int, value: int) -> int:
    """A number as Python writes it; where it ends."""
    return put_text(target, at, str(value))


def put_big(target: memoryview, at: int, value: int) -> int:
    """Eight bytes, the highest first; where they end."""
    target[at : at + 8] = (value & MASK).to_bytes(8)
    return at + 8


def big(source: memoryview, at: int) -> int:
    """The inverse of `put_big`."""
    return int.from_bytes(source[at : at + 8], signed=True)


def put_digest(target: memoryview, at: int, source: memoryview, length: int) -> int:
    """chassis.units.command_digest of a text, as two words."""
    digest = blake2b(source[:length], digest_size=DIGEST_BYTES).digest()
    target[at] = int.from_bytes(digest[:8], signed=True)
    target[at + 1] = int.from_bytes(digest[8:], signed=True)
    return 0


def spread(number: int, multiplier: int, size: int) -> int:
    """One of `size` places for a number."""
    return ((number * multiplier & MASK) >> 32) * size >> 32


def ahead(_words: memoryview, _place: int) -> None:
    """Asks for a word of memory that is read soon."""
