"""A shard as bytes and back: what a restart begins with. A header in JSON, then all levels as little-endian int64."""

import json
import sys
from array import array
from collections.abc import Iterator
from hashlib import blake2b
from itertools import chain, islice
from typing import Any

from svc_quote.core.book import Book
from svc_quote.core.events import Indicative, Instrument, Level, Listing, Phase, PriceBands, Transition
from svc_quote.core.market import Market
from svc_quote.core.shard import Shard
from svc_quote.core.statistics import DayStatistics
from svc_quote.core.tape import TAPE_LIMIT, Tape

VERSION = 2
CHECKSUM_BYTES = 16
WORDS_A_LEVEL = len(Level._fields)
STATISTICS = tuple(DayStatistics.__dataclass_fields__)


class Damaged(Exception):
    """The bytes are not a checkpoint that this version wrote."""


def encode(shard: Shard) -> bytes:
    """The shard's state, sealed by a checksum; the trades themselves are not in it."""
    markets = list(shard.markets.values())
    header = {
        "version": VERSION,
        "shard": shard.number,
        "incarnation": shard.incarnation,
        "sequence": shard.sequence,
        "time_us": shard.time_us,
        "trading_date": shard.trading_date,
        "markets": [_header(market) for market in markets],
    }
    levels = array("q")
    for market in markets:
        for side in (market.book.bids, market.book.asks):
            levels.extend(chain.from_iterable(side.top(len(side))))
    if sys.byteorder == "big":
        levels.byteswap()
    text = json.dumps(header, separators=(",", ":")).encode()
    return _sealed(len(text).to_bytes(4, "little") + text + levels.tobytes())


def decode(payload: bytes, tape_limit: int = TAPE_LIMIT) -> Shard:
    """The inverse of `encode`; raises Damaged, naming what is wrong."""
    checksum, body = payload[:CHECKSUM_BYTES], payload[CHECKSUM_BYTES:]
    if checksum != _checksum(body):
        raise Damaged("its checksum is wrong")
    length = int.from_bytes(body[:4], "little")
    header = json.loads(body[4 : 4 + length])
    if header["version"] != VERSION:
        raise Damaged(f"its version is {header['version']}, not {VERSION}")
    levels = array("q", body[4 + length :])
    if sys.byteorder == "big":
        levels.byteswap()
    shard = Shard(header["shard"], header["incarnation"], tape_limit)
    shard.sequence, shard.time_us = header["sequence"], header["time_us"]
    shard.trading_date = header["trading_date"]
    flat = iter(levels)
    each = map(Level._make, zip(*[flat] * WORDS_A_LEVEL, strict=True))
    for entry in header["markets"]:
        shard.markets[entry["symbol"]] = _market(entry, each, tape_limit)
    shard.stored(shard.sequence, 0)
    return shard


def _header(market: Market) -> dict[str, object]:
    return {
        "symbol": market.symbol,
        "instrument": market.instrument.encoded.hex() if market.instrument else "",
        "phase": market.phase,
        "listing": market.listing,
        "auction": market.auction,
        "indicative": market.indicative,
        "bands": market.bands,
        "following": market.following,
        "trading_date": market.trading_date,
        "symbol_sequence": market.symbol_sequence,
        "trades": market.tape.count,
        "levels": len(market.book.bids) + len(market.book.asks),
        "date_began": market.date_began,
        "busted": sorted(market.busted),
        "statistics": [getattr(market.statistics, name) for name in STATISTICS],
    }


def _market(entry: dict[str, Any], levels: Iterator[Level], tape_limit: int) -> Market:
    market = Market(entry["symbol"])
    market.instrument = Instrument(bytes.fromhex(entry["instrument"])) if entry["instrument"] else None
    market.phase, market.auction = Phase(entry["phase"]), entry["auction"]
    market.indicative = None if entry["indicative"] is None else Indicative._make(entry["indicative"])
    market.listing = Listing(entry["listing"])
    market.trading_date = entry["trading_date"]
    following = entry.get("following")  # a version before knew none
    market.following = Transition._make(following) if following else None
    bands = entry.get("bands")  # nor these
    market.bands = PriceBands._make(bands) if bands else None
    market.symbol_sequence = entry["symbol_sequence"]
    market.book = Book(market.symbol_sequence)
    market.tape = Tape(market.symbol_sequence, entry["trades"], tape_limit)
    market.statistics = DayStatistics(*entry["statistics"])
    market.date_began = entry["date_began"]
    market.busted.update(entry["busted"])
    for level in islice(levels, entry["levels"]):
        market.book.put(level)
    return market


def _sealed(body: bytes) -> bytes:
    return _checksum(body) + body


def _checksum(body: bytes) -> bytes:
    return blake2b(body, digest_size=CHECKSUM_BYTES).digest()
