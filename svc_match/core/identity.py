# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
# cython: nonecheck=False, annotation_typing=False, infer_types=True
"""The identity table: every command of a trading date, by its 128-bit key, with its digest and first result.

A journal row carries the records of its own commands (RECORD), and a restart reads these instead of the commands. In memory an
entry is 32 bytes in the order of arrival: key and digest, but in place of the key's first byte how far its sequence is behind
the one before it, and whether it accepted an order. That byte of the key is in the index, which is open addressing over
4 bytes a place, 75 to 90 % full. With 2 bytes for the account's checksum and a whole sequence every 16 entries an entry takes
at most 40 bytes. The index grows by a fifth, some places with each entry that is added, so nobody waits for it.
`identity.pxd` gives the types of C.
"""

import secrets
from hashlib import blake2b
from struct import Struct
from zlib import crc32

from svc_match.core import bits, books, octets
from svc_match.core import record as r
from svc_match.core.memory import Words

assert (not __file__.endswith(".py")) == books.COMPILED, "the core is compiled as a whole or not at all: run make setup"

IDENTITY_LIMIT = 4_194_304

# key, digest, sequence of the first result * 2 + (1 if it accepted an order), checksum of the account's name
RECORD = Struct(">16s16sQI")
assert RECORD.size == r.I_SIZE
FIRST_PLACES = 1_024
HASH_BYTES = 16


class IdentityTable:
    """Finds a command's first use. Sequences ascend, so an order's entry is also found by its sequence."""

    def __init__(self, records: bytes = b"", places_for: int = 0) -> None:
        self._pool = Words(1_024)
        self._bases = Words(64)
        self._sums = Words(64)
        self._new = Words(64)
        self._one = Words(2)
        self.places = max(FIRST_PLACES, places_for * 6 // 5)
        self._index = Words((self.places + 1) // 2)
        self._older = self._index
        self.multiplier = secrets.randbits(63) | 1  # nobody can choose ids that meet; nothing but places depends on it
        self.older_places = 0
        self.moved = 0
        self.count = 0
        self.last = 0
        self.added = 0
        self._steps: dict[int, int] = {}
        self._others: dict[int, int] = {}
        self._checksums: list[int] = []
        self._numbers: dict[int, int] = {}
        self._accounts: dict[str, int] = {}
        self._hash = blake2b(digest_size=HASH_BYTES)
        self._point()
        if records:
            self.load(records)

    def _point(self) -> int:
        """After any pool grew."""
        self.pool = bits.words(self._pool.view)
        self.tails = octets.octets(self._pool.view)
        self.one = octets.octets(self._one.view)
        self.bases = bits.words(self._bases.view)
        self.sums = octets.shorts(self._sums.view)
        self.new = octets.octets(self._new.view)
        self.index = octets.slots(self._index.view)
        self.older = octets.slots(self._older.view)
        self.new_room = len(self._new) * 8
        self.room = min(len(self._pool) // 4, len(self._bases) * r.I_BASE, len(self._sums) * 4)
        return 0

    def __len__(self) -> int:
        return self.count

    # Compiled callers: keys and digests are two words, entries are counted from 0

    def seek(self, high: int, low: int) -> int:
        """The entry of a key, or -1."""
        found = self._seek(self.index, self.places, high, low)
        if found < 0 and self.older_places != 0:
            return self._seek(self.older, self.older_places, high, low)
        return found

    def same(self, entry: int, high: int, low: int) -> bool:
        """Whether an entry has a digest."""
        return self.pool[4 * entry + 2] == high and self.pool[4 * entry + 3] == low

    def was_accepted(self, entry: int) -> bool:
        """Whether an entry's command accepted an order."""
        return self.tails[32 * entry + 7] & 1 != 0

    def sequence(self, entry: int) -> int:
        """The sequence of an entry's first result."""
        start = entry // r.I_BASE
        found = self.bases[start]
        for other in range(start * r.I_BASE + 1, entry + 1):
            step = self.tails[32 * other + 7] >> 1
            if step == r.I_FAR:
                found += self._step(other)
            else:
                found += step
        return found

    def checksum(self, account: str) -> int:
        """The number that the table has for the checksum of an account's name."""
        known = self._accounts.get(account)
        if known is None:
            known = self._accounts[account] = self._checksum(crc32(account.encode()))
        return known

    def remember(
        self, high: int, low: int, first: int, second: int, sequence: int, accepted: bool, checksum: int
    ) -> int:
        """Adds an entry: key, digest, sequence, and the number of the account's checksum."""
        entry = self.count
        if entry >= self.room:
            self._widen()
        place = 4 * entry
        self.pool[place] = high
        self.pool[place + 1] = low
        self.pool[place + 2] = first
        self.pool[place + 3] = second
        step = sequence - self.last
        if entry % r.I_BASE == 0:
            self.bases[entry // r.I_BASE] = sequence
            step = 0
        elif step >= r.I_FAR:
            self._steps[entry] = step
            step = r.I_FAR
        self.last = sequence
        self.tails[32 * entry + 7] = step << 1 | accepted
        if checksum >= r.I_MANY:
            self._others[entry] = checksum
            self.sums[entry] = r.I_MANY
        else:
            self.sums[entry] = checksum
        self.count = entry + 1
        if self.older_places != 0:
            self._move(r.I_MOVED)
        if 10 * (entry + 1) > 9 * self.places:
            self._grow()
        self._put(entry, high >> 56 & 255, low)
        n = self.added * r.I_SIZE
        if n + r.I_SIZE > self.new_room:
            self._widen_new()
        n = octets.put_big(self.new, n, high)
        n = octets.put_big(self.new, n, low)
        n = octets.put_big(self.new, n, first)
        n = octets.put_big(self.new, n, second)
        n = octets.put_big(self.new, n, sequence << 1 | accepted)
        self._put_total(self.new, n, self._total(checksum))
        self.added += 1
        return 0

    # A row's part

    def begin(self) -> None:
        """A row begins."""
        self.added = 0

    def taken(self) -> bytes:
        """The records of what was added since `begin`; the next row begins."""
        records = bytes(self._new.view.cast("B")[: self.added * r.I_SIZE])
        self._hash.update(records)
        self.added = 0
        return records

    # By numbers and bytes of Python

    def find(self, key: int) -> tuple[bytes, int, bool] | None:
        """The digest, the sequence of the first result, and whether that accepted an order."""
        entry = self.seek(octets.to_signed(key >> 64 & (1 << 64) - 1), octets.to_signed(key & (1 << 64) - 1))
        if entry < 0:
            return None
        octets.put_big(self.one, 0, self.pool[4 * entry + 2])
        octets.put_big(self.one, 8, self.pool[4 * entry + 3])
        return octets.piece(self.one, 0, 16), self.sequence(entry), self.was_accepted(entry)

    def add(self, key: int, digest: bytes, sequence: int, accepted: bool, account: str) -> None:
        """Remembers a command; its sequence is higher than all before it."""
        high, low = octets.to_signed(key >> 64 & (1 << 64) - 1), octets.to_signed(key & (1 << 64) - 1)
        first, second = int.from_bytes(digest[:8], signed=True), int.from_bytes(digest[8:], signed=True)
        self.remember(high, low, first, second, sequence, accepted, self.checksum(account))

    def accepted(self, sequence: int, account: str) -> bool:
        """Whether the account's order was accepted by the event `sequence`, and is of this date or was open when it began."""
        entry = self._entry(sequence)
        if entry < 0:
            return False
        return self.was_accepted(entry) and self._total(self._sum(entry)) == crc32(account.encode())

    def kept(self, sequences: memoryview) -> bytes:
        """The records of the commands whose first results are these, which ascend."""
        count = len(sequences)
        made = bytearray(count * r.I_SIZE)
        if count == 0:
            return b""
        wanted, to = bits.words(sequences), octets.octets(made)
        n = 0
        last = (self.count - 1) // r.I_BASE
        block = max(self._block(wanted[0]), 0)
        for number in range(count):
            while block < last and self.bases[block + 1] <= wanted[number]:
                block += 1
            entry = block * r.I_BASE
            found = self.bases[block]
            while found < wanted[number]:
                entry += 1
                step = self.tails[32 * entry + 7] >> 1
                found += self._step(entry) if step == r.I_FAR else step
            assert found == wanted[number], "the commands are in the table"
            octets.put_big(to, n, self.pool[4 * entry])
            to[n] = self._first_byte(entry)
            octets.put_big(to, n + 8, self.pool[4 * entry + 1])
            octets.put_big(to, n + 16, self.pool[4 * entry + 2])
            octets.put_big(to, n + 24, self.pool[4 * entry + 3])
            octets.put_big(to, n + 32, found << 1 | self.was_accepted(entry))
            self._put_total(to, n + 40, self._total(self._sum(entry)))
            n += r.I_SIZE
        return bytes(made)

    def _put_total(self, to: memoryview, n: int, total: int) -> int:
        to[n] = total >> 24 & 255
        to[n + 1] = total >> 16 & 255
        to[n + 2] = total >> 8 & 255
        to[n + 3] = total & 255
        return 0

    def _first_byte(self, entry: int) -> int:
        """The first byte of an entry's key, which its place in the index has."""
        found = self._byte_in(self.index, self.places, entry)
        if found < 0 and self.older_places != 0:
            found = self._byte_in(self.older, self.older_places, entry)
        assert found >= 0, "every entry is in the index"
        return found

    def _byte_in(self, index: memoryview, places: int, entry: int) -> int:
        place = octets.spread(self.pool[4 * entry + 1], self.multiplier, places)
        while True:
            found = index[place]
            if found == 0:
                return -1
            if (found & r.I_RANK) - 1 == entry:
                return found >> 23 & 255
            place += 1
            if place == places:
                place = 0

    def _entry(self, sequence: int) -> int:
        """The entry whose first result is the event `sequence`, or -1."""
        block = self._block(sequence)
        for entry in range(max(block, 0) * r.I_BASE, min((block + 1) * r.I_BASE, self.count)):
            if self.sequence(entry) == sequence:
                return entry
        return -1

    def _block(self, sequence: int) -> int:
        """The last I_BASE entries that begin at the event `sequence` or before, -1 if none do."""
        low, high = 0, (self.count + r.I_BASE - 1) // r.I_BASE
        while low < high:
            middle = (low + high) // 2
            if self.bases[middle] <= sequence:
                low = middle + 1
            else:
                high = middle
        return low - 1

    def hash(self) -> bytes:
        """16 bytes over all records of rows that are complete."""
        return self._hash.digest()

    @property
    def records(self) -> bytes:
        """All records, in order."""
        first_bytes = bytearray(self.count)
        for index in (self._older, self._index) if self.older_places else (self._index,):
            for place in memoryview(index.view.cast("B")).cast("I"):
                if place:
                    first_bytes[(place & r.I_RANK) - 1] = place >> 23 & 255
        made = bytearray()
        pool = memoryview(self._pool.view.cast("B")).cast("Q")
        for entry, first_byte in enumerate(first_bytes):
            high = pool[4 * entry] & (1 << 56) - 1 | first_byte << 56
            made += RECORD.pack(
                high.to_bytes(8) + pool[4 * entry + 1].to_bytes(8),
                pool[4 * entry + 2].to_bytes(8) + pool[4 * entry + 3].to_bytes(8),
                self.sequence(entry) << 1 | self.was_accepted(entry),
                self._total(self._sum(entry)),
            )
        return bytes(made)

    @property
    def held_bytes(self) -> int:
        """The memory that the entries take."""
        return 32 * self.count + 2 * self.count + 8 * (self.count // r.I_BASE) + 4 * (self.places + self.older_places)

    @property
    def grows(self) -> bool:
        """Whether entries are moving to a larger index."""
        return self.older_places != 0

    # Parts

    def _seek(self, index: memoryview, places: int, high: int, low: int) -> int:
        """The entry of a key in one index, or -1."""
        place = octets.spread(low, self.multiplier, places)
        first_byte = high >> 56 & 255
        while True:
            found = index[place]
            if found == 0:
                return -1
            if found >> 23 & 255 == first_byte:
                entry = (found & r.I_RANK) - 1
                if self.pool[4 * entry + 1] == low and (self.pool[4 * entry] ^ high) & 0xFFFFFFFFFFFFFF == 0:
                    return entry
            place += 1
            if place == places:
                place = 0

    def _put(self, entry: int, first_byte: int, low: int) -> int:
        place = octets.spread(low, self.multiplier, self.places)
        while self.index[place] != 0:
            place += 1
            if place == self.places:
                place = 0
        self.index[place] = (entry + 1) | first_byte << 23
        return 0

    def _grow(self) -> int:
        """A larger index begins; what is in the one before moves little by little."""
        self._move(self.older_places)
        self._older = self._index
        self.older_places = self.places
        self.moved = 0
        self.places = self.places * 6 // 5
        self._index = Words((self.places + 1) // 2)
        self._point()
        return 0

    def _move(self, places: int) -> int:
        """The next places of the older index move to the larger one; the last of them ends it."""
        end = min(self.moved + places, self.older_places)
        for place in range(self.moved, end):
            found = self.older[place]
            if found != 0:
                octets.ahead(self.pool, 4 * ((found & r.I_RANK) - 1) + 1)
        for place in range(self.moved, end):
            found = self.older[place]
            if found != 0:
                entry = (found & r.I_RANK) - 1
                self._put(entry, found >> 23, self.pool[4 * entry + 1])
        self.moved = end
        if end == self.older_places:
            self.older_places = 0
            self._older = self._index
            self._point()
        return 0

    def _widen(self) -> int:
        self._pool.reserve(4 * (self.count + 1))
        self._bases.reserve(self.count // r.I_BASE + 1)
        self._sums.reserve(self.count // 4 + 1)
        self._point()
        return 0

    def _widen_new(self) -> int:
        self._new.reserve(2 * len(self._new))
        self._point()
        return 0

    def _step(self, entry: int) -> int:
        return self._steps[entry]

    def _checksum(self, total: int) -> int:
        number = self._numbers.get(total)
        if number is None:
            number = self._numbers[total] = len(self._checksums)
            self._checksums.append(total)
        return number

    def _total(self, number: int) -> int:
        return self._checksums[number]

    def _sum(self, entry: int) -> int:
        number = self.sums[entry]
        return self._others[entry] if number == r.I_MANY else number

    def load(self, records: bytes) -> int:
        """More entries from their records, as rows of before have them."""
        assert len(records) % r.I_SIZE == 0
        source = octets.octets(records)
        for number in range(len(records) // r.I_SIZE):
            n = number * r.I_SIZE
            high, low = octets.big(source, n), octets.big(source, n + 8)
            assert self.seek(high, low) < 0, "a key is twice in the table"
            numbered = octets.big(source, n + 32)
            total = octets.big(source, n + 36) & 0xFFFFFFFF
            checksum = self._checksum(total)
            first, second = octets.big(source, n + 16), octets.big(source, n + 24)
            self.remember(high, low, first, second, numbered >> 1, numbered & 1 != 0, checksum)
            self.added = 0
        self._hash.update(records)
        return 0


def hash_of(records: bytes) -> bytes:
    """What `IdentityTable.hash` says of a table of these records, whatever they are."""
    return blake2b(records, digest_size=HASH_BYTES).digest()


def find_in(records: bytes, key: int) -> tuple[bytes, int] | None:
    """The digest and the first result's sequence of a key in some records of any date."""
    wanted = key.to_bytes(16)
    for found, digest, numbered, _ in RECORD.iter_unpack(records):
        if found == wanted:
            return digest, numbered >> 1
    return None
