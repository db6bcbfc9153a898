"""The identity table beside a dict, from its records too, and what it takes."""

import random
from bisect import bisect_left
from zlib import crc32

import pytest

from svc_match.core.identity import RECORD, IdentityTable

ENTRIES = 20_000
MANY = 200_000
BYTES_AN_ENTRY = 40
STEPS = (1, 1, 2, 3, 5, 126, 127, 128, 1_000, 16_000)


@pytest.mark.parametrize("seed", range(2))
def test_the_table_equals_a_dict(seed: int) -> None:
    """Keys, digests, sequences, accounts, records and the hash; while the index grows, and in a table of the records."""
    chance, table, known, records, sequence = random.Random(seed), IdentityTable(), {}, bytearray(), 0  # type: ignore[var-annotated]
    sequences: list[int] = []
    for number in range(ENTRIES):
        sequence += chance.choice(STEPS)
        key, digest, accepted = chance.getrandbits(128), chance.randbytes(16), chance.random() < 0.6
        account = f"p/{chance.randrange(300)}"
        assert table.find(key) is None
        table.begin()
        table.add(key, digest, sequence, accepted, account)
        made = RECORD.pack(key.to_bytes(16), digest, sequence << 1 | accepted, crc32(account.encode()))
        assert table.taken() == made
        records += made
        known[key] = (digest, sequence, accepted)
        sequences.append(sequence)
        asked = chance.choice((key, key ^ 1, key ^ 1 << 120)) if number % 2 else chance.choice(list(known)[:50])
        assert table.find(asked) == known.get(asked)
        for wanted in (sequence, sequence - 1, chance.choice(sequences[:50])):
            place = bisect_left(sequences, wanted)
            there = sequences[place] == wanted
            _, _, numbered, checksum = RECORD.unpack_from(records, 44 * place)
            right = there and bool(numbered & 1) and checksum == crc32(account.encode())
            assert table.accepted(wanted, account) == right
    again = IdentityTable(bytes(records))
    for one in (table, again):
        assert one.records == records
        assert one.hash() == table.hash()
        assert len(one) == ENTRIES
        assert all(one.find(key) == wanted for key, wanted in known.items())
    with pytest.raises(AssertionError, match="twice"):
        IdentityTable(bytes(records) + bytes(records[:44]))


def test_an_entry_takes_at_most_40_bytes() -> None:
    """Also right after the index grew; only while it grows there are two of them."""
    chance = random.Random(1)
    records = b"".join(
        RECORD.pack(chance.randbytes(16), chance.randbytes(16), 2 * number, number % 1_000) for number in range(1, MANY)
    )
    table = IdentityTable(records)
    most = 0.0
    for number in range(MANY, MANY + MANY // 2):
        table.add(chance.getrandbits(128), bytes(16), number, True, "a/b")
        table.begin()
        if not table.grows:
            most = max(most, table.held_bytes / len(table))
    assert 38 < most <= BYTES_AN_ENTRY
