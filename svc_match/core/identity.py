"""The identity table: every command of a trading date, by its 128-bit key, with its digest and first result.

An entry is a fixed record in insertion order, so a journal row carries its own part of the table, and a restart reads
the parts instead of the commands. Measured: 150 to 200 bytes an entry, the index included.
"""

from bisect import bisect_left
from hashlib import blake2b
from struct import Struct
from zlib import crc32

IDENTITY_LIMIT = 4_194_304

# key, digest, sequence of the first result * 2 + (1 if it accepted an order), checksum of the account's name
RECORD = Struct(">16s16sQI")
SIZE = RECORD.size
KEYS = Struct(">16s28x")
assert KEYS.size == SIZE


class IdentityTable:
    """Finds a command's first use. Sequences ascend, so an order's record is also found by its sequence."""

    def __init__(self, records: bytes = b"") -> None:
        assert len(records) % SIZE == 0
        self.records = bytearray(records)
        self._index = {int.from_bytes(key): place for place, (key,) in enumerate(KEYS.iter_unpack(records))}
        assert len(self._index) == len(self), "a key is twice in the table"
        self._hash = blake2b(digest_size=16)
        self._hashed = 0

    def __len__(self) -> int:
        return len(self.records) // SIZE

    def find(self, key: int) -> tuple[bytes, int, bool] | None:
        """The digest, the sequence of the first result, and whether that accepted an order."""
        place = self._index.get(key)
        if place is None:
            return None
        _, digest, numbered, _ = RECORD.unpack_from(self.records, place * SIZE)
        return digest, numbered >> 1, bool(numbered & 1)

    def add(self, key: int, digest: bytes, sequence: int, accepted: bool, account: str) -> None:
        """Remembers a command; its sequence is higher than all before it."""
        self._index[key] = len(self.records) // SIZE
        self.records += RECORD.pack(key.to_bytes(16), digest, sequence << 1 | accepted, crc32(account.encode()))

    def accepted(self, sequence: int, account: str) -> bool:
        """Whether the account's order was accepted by the event `sequence` of this date."""
        place = bisect_left(range(len(self)), sequence << 1, key=self._numbered)
        if place == len(self):
            return False
        _, _, numbered, checksum = RECORD.unpack_from(self.records, place * SIZE)
        return bool(numbered == sequence << 1 | 1 and checksum == crc32(account.encode()))

    def hash(self) -> bytes:
        """16 bytes over all records; only what is new since the last call is read."""
        self._hash.update(memoryview(self.records)[self._hashed :])
        self._hashed = len(self.records)
        return self._hash.digest()

    def _numbered(self, place: int) -> int:
        return int(RECORD.unpack_from(self.records, place * SIZE)[2])


def find_in(records: bytes, key: int) -> tuple[bytes, int] | None:
    """The digest and the first result's sequence of a key in some records of any date."""
    wanted = key.to_bytes(16)
    for found, digest, numbered, _ in RECORD.iter_unpack(records):
        if found == wanted:
            return digest, numbered >> 1
    return None
