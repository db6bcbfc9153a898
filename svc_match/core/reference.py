"""Reference data: instruments are added, changed, suspended and delisted, and their books made. Source: docs/rule-book.md, section 7."""

from typing import TYPE_CHECKING

from svc_match.core import events
from svc_match.core.book import CLOSE_ORDERS_LIMIT, Book
from svc_match.core.commands import SetListing
from svc_match.core.events import Reason, Refused
from svc_match.core.instrument import Instrument, Listing, Phase, bound_by_orders, told, wrong_field

if TYPE_CHECKING:
    from svc_match.core.engine import Engine

INSTRUMENT_LIMIT = 4_096


def add_instrument(engine: "Engine", instrument: Instrument) -> events.Result:
    """A new instrument, which is closed; none is added twice."""
    wrong = "" if engine.packed.earlier else wrong_field(instrument, engine.shard)  # a row has what was right then
    if wrong:
        return Refused(Reason.INSTRUMENT_INVALID, wrong, told(instrument, wrong))
    there = engine.books.get(instrument.symbol)
    if there is not None:
        if there.listing == Listing.DELISTED:
            return Refused(Reason.INSTRUMENT_DELISTED, "symbol", instrument.symbol)
        if there.instrument == instrument:
            return events.Stands(engine.sequence)
        return Refused(Reason.INSTRUMENT_EXISTS, "symbol", instrument.symbol)
    if len(engine.books) >= INSTRUMENT_LIMIT:
        return Refused(Reason.INSTRUMENT_LIMIT, "symbol", instrument.symbol)
    book = add_book(engine, instrument, Phase.CLOSED)
    return engine.announce(events.InstrumentAdded(engine.next_sequence(), instrument), [book])


def change_instrument(engine: "Engine", instrument: Instrument) -> events.Result:
    """Other reference data of an instrument that is closed, and which its orders, if there are any, still fit."""
    book = engine.books.get(instrument.symbol)
    if book is None:
        return Refused(Reason.SYMBOL_UNKNOWN, "symbol", instrument.symbol)
    wrong = wrong_field(instrument, engine.shard)
    if not wrong and instrument.currency != book.instrument.currency:
        wrong = "currency"
    if wrong:
        return Refused(Reason.INSTRUMENT_INVALID, wrong, told(instrument, wrong))
    if book.listing == Listing.DELISTED:
        return Refused(Reason.INSTRUMENT_DELISTED, "symbol", instrument.symbol)
    if instrument == book.instrument:
        return events.Stands(engine.sequence)
    if book.phase != Phase.CLOSED:
        return Refused(Reason.INSTRUMENT_NOT_CLOSED, "symbol", instrument.symbol)
    bound = bound_by_orders(book.instrument, instrument)
    if bound and not book.is_empty:
        return Refused(Reason.INSTRUMENT_HAS_ORDERS, bound, told(instrument, bound))
    engine.packed.define(book.number, *_of_books(instrument))
    _guard(engine, book.number, instrument)
    if instrument.reference_price_e4 != book.instrument.reference_price_e4:
        engine.special.protection.refer(book.number, instrument.reference_price_e4)
    engine.instruments[book.number] = instrument
    book.define(instrument)
    return engine.announce(events.InstrumentChanged(engine.next_sequence(), instrument), [book])


def set_listing(engine: "Engine", command: SetListing) -> events.Result:
    """Suspends, delists or lists again; the orders of what is delisted end, as many as a row takes."""
    symbol, listing = command
    book = engine.books.get(symbol)
    if book is None:
        return Refused(Reason.SYMBOL_UNKNOWN, "symbol", symbol)
    if book.listing != listing:
        if book.listing == Listing.DELISTED:
            return Refused(Reason.INSTRUMENT_DELISTED, "symbol", symbol)
        if listing == Listing.DELISTED and book.phase != Phase.CLOSED:
            return Refused(Reason.INSTRUMENT_NOT_CLOSED, "symbol", symbol)
        engine.packed.set_listing(book.number, listing)
        engine.announce(events.ListingChanged(engine.next_sequence(), symbol, listing), [book])
        if book.phase != Phase.CLOSED:
            engine.change_phase(book, Phase.HALTED, 0)
    if listing == Listing.DELISTED:
        engine.closing.delist(book.number, CLOSE_ORDERS_LIMIT)
        engine.tell((), [])
        return events.Stands(engine.sequence, more=not book.is_empty)
    return events.Stands(engine.sequence)


def add_book(engine: "Engine", instrument: Instrument, phase: Phase) -> Book:
    """An empty book, numbered behind all others."""
    number = engine.packed.add_book(*_of_books(instrument), phase)
    _guard(engine, number, instrument)
    engine.special.protection.refer(number, instrument.reference_price_e4)
    book = engine.books[instrument.symbol] = Book(engine.packed, engine.special, number, instrument, engine.names)
    engine.numbers[instrument.symbol] = number + 1
    engine.numbered.append(book)
    engine.instruments.append(instrument)
    return book


def _guard(engine: "Engine", number: int, instrument: Instrument) -> None:
    engine.packed.protect(number, instrument.market_protection_bp)
    bands, collar_bp = [(start, tick) for start, tick in instrument.tick_bands], instrument.static_collar_bp
    dynamic_bp, band_bp = instrument.dynamic_collar_bp, instrument.limit_band_bp
    engine.special.protection.guard(number, bands, instrument.max_notional_e4, collar_bp, dynamic_bp, band_bp)
    engine.special.bands.rule(number, band_bp, instrument.limit_interval_us)


def _of_books(instrument: Instrument) -> tuple[int, int, int, int, int, int, int]:
    """What the books know of an instrument, in their order."""
    return (
        instrument.tick_size_e4,
        instrument.lot_size,
        instrument.min_price_e4,
        instrument.max_price_e4,
        instrument.max_quantity,
        instrument.maker_fee_e6,
        instrument.taker_fee_e6,
    )
