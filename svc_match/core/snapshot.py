"""A shard's state as bytes, and back. The bytes are a function of the rows so far.

The identity table is not in them, only its hash: its records are in the journal's rows, in order. But those of the open date
alone; the records of orders from before it are here.
"""

import json
from array import array
from dataclasses import asdict
from hashlib import blake2b
from typing import Any

from svc_match.core.engine import Engine
from svc_match.core.identity import IdentityTable
from svc_match.core.instrument import Instrument, Phase
from svc_match.core.layout import EXTENSION_WORDS, ORDER_WORDS
from svc_match.core.memory import Words
from svc_match.core.participants import Orders
from svc_match.core.reference import add_book
from svc_match.core.schedule import Schedule
from svc_match.core.timers import TimerKind, Timers

FORMAT = b"bourse packed books 3\n"
HASH_BYTES = 16
LENGTH_BYTES = 8
ROOM_WORDS = 1 << 17  # for what is added until the copy is taken
TOUCHED_BYTES = 1 << 18


class SnapshotDamaged(Exception):
    """A snapshot does not say what its own hash says, or is of another format."""


def encode(engine: Engine) -> bytes:
    """The state without the identities' records."""
    return bytes(seal(copy(engine)))


def room(size: int) -> Words:
    """Memory for a copy of about this size, which the system has given: that takes longer than the copy itself."""
    made = Words(size // 8 + ROOM_WORDS)
    view = made.view.cast("B")
    for start in range(0, len(view), TOUCHED_BYTES):
        view[start : start + TOUCHED_BYTES] = bytes(len(view[start : start + TOUCHED_BYTES]))
    return made


def copy(engine: Engine, made: Words | None = None) -> memoryview:
    """The state as it is now, to be sealed, in this room if it is enough: all that the next command has to wait for."""
    pieces = _pieces(engine)
    size = sum(map(len, pieces)) + HASH_BYTES
    if made is None or len(made) * 8 < size:
        made = Words((size + 7) // 8)
    state = made.view.cast("B")[:size]
    at = 0
    for piece in pieces:
        state[at : at + len(piece)] = piece
        at += len(piece)
    return state


def seal(state: memoryview) -> memoryview:
    """The copy with its own hash, which takes a while."""
    state[-HASH_BYTES:] = blake2b(state[:-HASH_BYTES], digest_size=HASH_BYTES).digest()
    return state


def state_hash(engine: Engine) -> bytes:
    """A hash over books and identity table."""
    state = blake2b(digest_size=HASH_BYTES)
    for piece in _pieces(engine):
        state.update(piece)
    return state.digest()


def _pieces(engine: Engine) -> list[bytes | memoryview]:
    """The format, the header behind its length, the identities from before the date, until when orders last, the orders' records
    of what is not plain, and their pool as it is.
    """
    packed, standing = engine.packed, engine.special.standing
    records = standing.pool()
    lasting = array("q", [*packed.lasting, *packed.lasting.values()])
    timers = [due for due in engine.timers.standing() if due.kind != TimerKind.EXPIRY or packed.is_open(due.key)]
    fields = {
        "shard": engine.shard,
        "sequence": engine.sequence,
        "trading_date": engine.trading_date,
        "last_date": engine.last_date,
        "date_opened_sequence": engine.date_opened_sequence,
        "identities": len(engine.identities),
        "identity_hash": engine.identities.hash().hex(),
        "busted": sorted(engine.busted),
        "books": [
            [
                asdict(book.instrument),
                int(book.listing),
                int(book.phase),
                book.symbol_sequence,
                packed.last(book.number),
                book.reference_price_e4,
                packed.auction(book.number),
                engine.special.bands.state(book.number),
            ]
            for book in engine.numbered
        ],
        "windows": [packed.window(side) for side in range(2 * len(engine.numbered))],
        "free": packed.first_free(),
        "free_record": standing.first_free(),
        "records": len(records) // (8 * EXTENSION_WORDS),
        "accounts": engine.names,
        "timers": timers,
        "calendar": engine.schedule.state(),
        "carried": len(engine.carried),
        "lasting": len(packed.lasting),
        "uncrossing": engine.special.auction.under_way(),
        "ending": engine.ending,
        "restrictions": engine.restrictions.state(),
        "leases": engine.leases.state(),
        "quotes": engine.special.quotes.state(),
    }
    header = json.dumps(fields).encode()
    length = len(header).to_bytes(LENGTH_BYTES)
    return [FORMAT, length, header, engine.carried, lasting.tobytes(), records, packed.pool()]


def identity_range(state: bytes) -> tuple[int, int]:
    """The sequence that opened the state's last date and the state's own: its identities are in the rows between."""
    header, _ = _parts(state)
    return header["date_opened_sequence"], header["sequence"]


def load(state: bytes, identities: bytes) -> Engine:
    """The engine of a state and its identities' records; raises SnapshotDamaged if they do not fit."""
    header, pool = _parts(state)
    engine = Engine(header["shard"])
    engine.packed.sequence = header["sequence"]
    engine.trading_date = header["trading_date"]
    engine.last_date = header["last_date"]
    engine.date_opened_sequence = header["date_opened_sequence"]
    engine.carried, pool = pool[: header["carried"]], pool[header["carried"] :]
    engine.identities = IdentityTable(engine.carried + identities)
    if engine.identities.hash().hex() != header["identity_hash"]:
        raise SnapshotDamaged(
            f"the identities up to sequence {engine.sequence} have another hash than the snapshot says"
        )
    engine.busted.update(header["busted"])
    for fields, listing, phase, symbol_sequence, last, reference, auction, bands in header["books"]:
        book = add_book(engine, Instrument.restored(fields), Phase(phase))
        engine.packed.set_listing(book.number, listing)
        engine.packed.count_public(book.number, symbol_sequence)
        engine.packed.set_last(book.number, last)
        engine.special.protection.refer(book.number, reference)
        engine.packed.set_auction(book.number, auction)
        engine.special.bands.restore(book.number, bands)
    for account in header["accounts"]:
        engine.name(account)
    engine.timers = Timers(header["timers"])
    seed, steps, stopped = header["calendar"]
    engine.schedule = Schedule(seed, steps, stopped=stopped)
    lasting = memoryview(pool[: 16 * header["lasting"]]).cast("q").tolist()
    engine.packed.lasting = dict(zip(lasting[: header["lasting"]], lasting[header["lasting"] :], strict=True))
    pool = pool[16 * header["lasting"] :]
    engine.restrictions.load(header["restrictions"])
    engine.leases.load(header["leases"])
    engine.special.quotes.load(header["quotes"])
    if header["ending"] is not None:
        *these, ids = header["ending"]
        engine.ending = Orders._make([*these, tuple(ids)])
    end = 8 * EXTENSION_WORDS * header["records"]
    engine.special.standing.load(pool[:end], header["free_record"])
    engine.packed.load(pool[end:], header["free"], [tuple(window) for window in header["windows"]])
    engine.special.auction.restore(*header["uncrossing"])
    return engine


def _parts(state: bytes) -> tuple[dict[str, Any], bytes]:
    """The header and the pools; nothing is read of bytes that are not as they were written."""
    start = len(FORMAT) + LENGTH_BYTES
    if not state.startswith(FORMAT):
        raise SnapshotDamaged(f"the snapshot is not in the format {FORMAT.decode().strip()!r}")
    body, digest = state[:-HASH_BYTES], state[-HASH_BYTES:]
    if blake2b(body, digest_size=HASH_BYTES).digest() != digest:
        raise SnapshotDamaged("the snapshot has another hash than it says")
    end = start + int.from_bytes(body[start - LENGTH_BYTES : start])
    header = json.loads(body[start:end])
    assert (len(body) - end - header["carried"] - 16 * header["lasting"]) % (8 * ORDER_WORDS) == 0
    return header, body[end:]
