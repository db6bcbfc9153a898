"""A shard's state as bytes, and back. The bytes are a function of the commands so far, however they were batched.

The identity table is not in them, only its hash: its records are in the journal's rows, in order.
"""

import json
from array import array
from dataclasses import asdict
from hashlib import blake2b

from svc_match.core.identity import IdentityTable
from svc_match.core.instrument import Instrument, Phase
from tests.svc_match.oracle.book import Book
from tests.svc_match.oracle.engine import Engine

HASH_BYTES = 16
LENGTH_BYTES = 8


class SnapshotDamaged(Exception):
    """A snapshot does not say what its own hash says."""


def encode(engine: Engine) -> bytes:
    """The state without the identities' records."""
    return b"".join(_pieces(engine))


def state_hash(engine: Engine) -> bytes:
    """A hash over books and identity table."""
    state = blake2b(digest_size=HASH_BYTES)
    for piece in _pieces(engine):
        state.update(piece)
    return state.digest()


def _pieces(engine: Engine) -> list[bytes | bytearray]:
    """Each part behind its length. The last and large one is the mirror of the open orders, not copied."""
    orders = engine.orders
    header = {
        "shard": engine.shard,
        "sequence": engine.sequence,
        "trading_date": engine.trading_date,
        "last_date": engine.last_date,
        "date_opened_sequence": engine.date_opened_sequence,
        "identities": len(engine.identities),
        "identity_hash": engine.identities.hash().hex(),
        "books": [[asdict(book.instrument), int(book.phase), book.symbol_sequence] for book in engine.numbered],
        "accounts": list(orders.accounts),
    }
    parts: list[bytes | bytearray] = [json.dumps(header).encode(), array("q", orders.free).tobytes(), orders.packed]
    return [piece for part in parts for piece in (len(part).to_bytes(LENGTH_BYTES), part)]


def identity_range(state: bytes) -> tuple[int, int]:
    """The sequence that opened the state's last date and the state's own: its identities are in the rows between."""
    header = json.loads(_parts(state)[0])
    return header["date_opened_sequence"], header["sequence"]


def load(state: bytes, identities: bytes) -> Engine:
    """The engine of a state and its identities' records; raises SnapshotDamaged if they do not fit."""
    text, free, packed = _parts(state)
    header = json.loads(text)
    engine = Engine(header["shard"])
    engine.sequence = header["sequence"]
    engine.trading_date = header["trading_date"]
    engine.last_date = header["last_date"]
    engine.date_opened_sequence = header["date_opened_sequence"]
    engine.identities = IdentityTable(identities)
    if engine.identities.hash().hex() != header["identity_hash"]:
        raise SnapshotDamaged(
            f"the identities up to sequence {engine.sequence} have another hash than the snapshot says"
        )
    for fields, phase, symbol_sequence in header["books"]:
        book = Book(len(engine.numbered), Instrument(**fields))
        book.phase = Phase(phase)
        book.symbol_sequence = symbol_sequence
        engine.numbered.append(book)
        engine.books[book.instrument.symbol] = book
    slots = array("q")
    slots.frombytes(free)
    for order in engine.orders.load(packed, slots.tolist(), header["accounts"]):
        engine.numbered[order.book].sides[order.side].add(order)
    return engine


def _parts(state: bytes) -> list[bytes]:
    parts, start = [], 0
    while start < len(state):
        length = int.from_bytes(state[start : start + LENGTH_BYTES])
        start += LENGTH_BYTES
        parts.append(state[start : start + length])
        start += length
    return parts
