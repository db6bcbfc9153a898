"""A shard's state as bytes, and back. The bytes are a function of the rows so far.

The identity table is not in them, only its hash: its records are in the journal's rows, in order. But those of the open date
alone; the records of orders from before it are here.
"""

import json
from array import array
from collections.abc import Iterable
from hashlib import blake2b
from itertools import accumulate
from typing import Any, NamedTuple

from svc_match.core.engine import Engine
from svc_match.core.identity import IdentityTable, hash_of
from svc_match.core.instrument import Instrument, Phase
from svc_match.core.layout import EXTENSION_WORDS, ORDER_WORDS
from svc_match.core.memory import Words
from svc_match.core.opening import Opening
from svc_match.core.participants import Orders
from svc_match.core.reference import add_book
from svc_match.core.schedule import Schedule
from svc_match.core.timers import TimerKind, Timers

FORMAT = b"bourse packed books 4\n"
HASH_BYTES = 16
LENGTH_BYTES = 8
CARRIED = 3  # the place of the carried identities among the pieces
COUNTED_BYTES = ("carried", "instruments", "accounts")
POOL_BYTES = (16, 8 * EXTENSION_WORDS, 8 * ORDER_WORDS, 8, 8)  # of each that a pool has
COUNTED = 3  # pools whose numbers are no part of what they are of
ROOM_BYTES = 1 << 22  # for the header, and for what is added until the copy is taken
TOUCHED_BYTES = 1 << 18


class SnapshotDamaged(Exception):
    """A snapshot does not say what its own hash says, or is of another format."""


class Copy(NamedTuple):
    """A state as it was, but for its hash, and for the bytes that do not change on a date: these are to go where they are missing."""

    state: memoryview
    carried: bytes | bytearray
    at: int


def encode(engine: Engine) -> bytes:
    """The state without the identities' records."""
    return bytes(seal(copy(engine)))


def size(engine: Engine) -> int:
    """About how many bytes a copy takes."""
    return sum(map(len, _pools(engine))) + len(engine.carried) + len(engine.quoted)


def room(size: int) -> Words:
    """Memory for a copy of about this size, which the system has given: that takes longer than the copy itself."""
    made = Words((size + ROOM_BYTES) // 8)
    view = made.view.cast("B")
    for start in range(0, len(view), TOUCHED_BYTES):
        view[start : start + TOUCHED_BYTES] = bytes(len(view[start : start + TOUCHED_BYTES]))
    return made


def copy(engine: Engine, made: Words | None = None) -> Copy:
    """The state as it is now, to be sealed, in this room if it is enough: all that the next command has to wait for."""
    pieces = _pieces(engine)
    carried = sum(map(len, pieces[:CARRIED]))
    total = sum(map(len, pieces)) + HASH_BYTES
    if made is None or len(made) * 8 < total:
        made = Words((total + 7) // 8)
    state = made.view.cast("B")[:total]
    at = 0
    for number, piece in enumerate(pieces):
        if number != CARRIED:
            state[at : at + len(piece)] = piece
        at += len(piece)
    return Copy(state, engine.carried, carried)


def seal(copied: Copy) -> memoryview:
    """The whole state with its own hash, which takes a while."""
    state, carried, at = copied
    state[at : at + len(carried)] = carried
    state[-HASH_BYTES:] = blake2b(state[:-HASH_BYTES], digest_size=HASH_BYTES).digest()
    return state


def state_hash(engine: Engine) -> bytes:
    """A hash over books and identity table."""
    state = blake2b(digest_size=HASH_BYTES)
    for piece in _pieces(engine):
        state.update(piece)
    return state.digest()


def _pools(engine: Engine) -> Iterable[memoryview]:
    """What grows with the orders, as it is: until when they last, what is not plain of them, themselves, and the ids that leases
    and the end of many name.
    """
    yield engine.lasting.pool()
    yield engine.special.standing.pool()
    yield engine.packed.pool()
    if engine.ending is not None and engine.ending.ids:
        yield memoryview(engine.ending.ids).cast("B")
    yield from engine.leases.pools()


def _pieces(engine: Engine) -> list[bytes | bytearray | memoryview]:
    """The format, the header behind its length, the identities from before the date (CARRIED), the instruments and the accounts
    as JSON without brackets, and the pools.
    """
    packed, standing = engine.packed, engine.special.standing
    protection, bands = engine.special.protection, engine.special.bands
    pools = list(_pools(engine))
    instruments = b",".join([book.described for book in engine.numbered])
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
                packed.listing(number),
                packed.phase(number),
                packed.public(number),
                packed.last(number),
                protection.reference(number),
                packed.auction(number),
                bands.state(number),
            ]
            for number in range(packed.book_count)
        ],
        "instruments": len(instruments),
        "windows": [packed.window(side) for side in range(2 * len(engine.numbered))],
        "free": packed.first_free(),
        "free_record": standing.first_free(),
        "pools": [len(pool) // size for pool, size in zip(pools, POOL_BYTES[:COUNTED], strict=False)],
        "accounts": len(engine.quoted),
        "timers": [due for due in engine.timers.standing() if due.kind != TimerKind.EXPIRY],
        "calendar": engine.schedule.state(),
        "carried": len(engine.carried),
        "opening": engine.opening and engine.opening.state(),
        "reached": engine.special.stops.state(),
        "closing": engine.closing.state(),
        "uncrossing": engine.special.auction.under_way(),
        "indications": engine.special.auction.indication.state(),
        "ending": engine.ending and [*engine.ending[:-1], len(engine.ending.ids)],
        "restrictions": engine.restrictions.state(),
        "leases": engine.leases.state(),
        "quotes": engine.special.quotes.state(),
    }
    header = json.dumps(fields).encode()
    length = len(header).to_bytes(LENGTH_BYTES)
    return [FORMAT, length, header, engine.carried, instruments, engine.quoted, *pools]


def identity_range(state: bytes) -> tuple[int, int]:
    """The sequence that opened the state's last date and the state's own: its identities are in the rows between."""
    header, _ = _parts(state)
    return header["date_opened_sequence"], header["sequence"]


def load(state: bytes, identities: bytes) -> Engine:
    """The engine of a state and its identities' records; raises SnapshotDamaged if they do not fit."""
    header, start = _parts(state)
    rest = memoryview(state)[start:-HASH_BYTES]
    engine = Engine(header["shard"])
    engine.packed.sequence = header["sequence"]
    engine.trading_date = header["trading_date"]
    engine.last_date = header["last_date"]
    engine.date_opened_sequence = header["date_opened_sequence"]
    carried, instruments, accounts, lasting, records, orders, ending, leased = _cut(rest, header)
    engine.carried = bytes(carried)
    identities = engine.carried + identities
    if hash_of(identities).hex() != header["identity_hash"]:
        raise SnapshotDamaged(
            f"the identities up to sequence {engine.sequence} have another hash than the snapshot says"
        )
    engine.identities = IdentityTable(identities)
    engine.busted.update(header["busted"])
    for fields, book_fields in zip(_list(instruments), header["books"], strict=True):
        listing, phase, symbol_sequence, last, reference, auction, bands = book_fields
        book = add_book(engine, Instrument.restored(fields), Phase(phase))
        engine.packed.set_listing(book.number, listing)
        engine.packed.count_public(book.number, symbol_sequence)
        engine.packed.set_last(book.number, last)
        engine.special.protection.refer(book.number, reference)
        engine.packed.set_auction(book.number, auction)
        engine.special.bands.restore(book.number, bands)
    for account in _list(accounts[:-1]):
        engine.name(account)
    engine.timers = Timers(header["timers"])
    seed, steps, stopped = header["calendar"]
    engine.schedule = Schedule(seed, steps, stopped=stopped)
    engine.restrictions.load(header["restrictions"])
    engine.leases.load(header["leases"], leased)
    engine.special.quotes.load(header["quotes"])
    if header["ending"] is not None:
        ids = array("q")
        ids.frombytes(ending)
        engine.ending = Orders._make([*header["ending"][:-1], ids])
    if header["opening"] is not None:
        engine.opening = Opening(*header["opening"])
    engine.special.standing.load(records, header["free_record"])
    engine.packed.load(orders, header["free"], [tuple(window) for window in header["windows"]])
    engine.lasting.load(lasting)
    engine.special.stops.load(header["reached"])
    engine.closing.load(header["closing"])
    engine.await_expiry()
    engine.special.auction.restore(*header["uncrossing"])
    awaited = [due.key for due in engine.timers.standing() if due.kind == TimerKind.INDICATION]
    engine.special.auction.indication.load(header["indications"], awaited)
    engine.special.restore([due.key for due in engine.timers.standing() if due.kind == TimerKind.STOPS])
    return engine


def _list(inside: memoryview) -> list[Any]:
    """The values of a JSON array without its brackets."""
    made: list[Any] = json.loads(b"[%b]" % bytes(inside))
    return made


def _cut(rest: memoryview, header: dict[str, Any]) -> list[memoryview]:
    """What is behind the header, which says how much there is of each."""
    ending = header["ending"][-1] if header["ending"] is not None else 0
    counts = (*header["pools"], ending, sum(lease[-1] for lease in header["leases"][1]))
    lengths = [
        *(header[name] for name in COUNTED_BYTES),
        *(count * size for count, size in zip(counts, POOL_BYTES, strict=True)),
    ]
    if min(lengths) < 0 or sum(lengths) != len(rest):
        raise SnapshotDamaged(f"the snapshot has {len(rest)} bytes behind its header, not {lengths}")
    ends = list(accumulate(lengths))
    return [rest[end - length : end] for end, length in zip(ends, lengths, strict=True)]


def _parts(state: bytes) -> tuple[dict[str, Any], int]:
    """The header, and where the rest begins; nothing is read of bytes that are not as they were written."""
    start = len(FORMAT) + LENGTH_BYTES
    if not state.startswith(FORMAT):
        raise SnapshotDamaged(f"the snapshot is not in the format {FORMAT.decode().strip()!r}")
    body, digest = memoryview(state)[:-HASH_BYTES], state[-HASH_BYTES:]
    if blake2b(body, digest_size=HASH_BYTES).digest() != digest:
        raise SnapshotDamaged("the snapshot has another hash than it says")
    end = start + int.from_bytes(body[start - LENGTH_BYTES : start])
    return json.loads(bytes(body[start:end])), end
