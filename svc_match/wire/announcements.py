"""Events that are the same in private and in public messages: of dates, instruments, phases and the calendar."""

from collections.abc import Callable
from typing import Any

from svc_match.core import events
from svc_match.wire.reference import instrument_message, transition_message


def _put_date_opened(message: Any, event: events.DateOpened) -> None:
    message.date_opened.trading_date = event.trading_date


def _put_date_closed(message: Any, event: events.DateClosed) -> None:
    message.date_closed.trading_date = event.trading_date


def _put_instrument(message: Any, event: events.InstrumentAdded) -> None:
    message.instrument_added.instrument.CopyFrom(instrument_message(event.instrument))


def _put_changed(message: Any, event: events.InstrumentChanged) -> None:
    message.instrument_changed.instrument.CopyFrom(instrument_message(event.instrument))


def _put_listing(message: Any, event: events.ListingChanged) -> None:
    message.listing_changed.symbol = event.symbol
    message.listing_changed.listing = int(event.listing)


def _put_phase(message: Any, event: events.PhaseChanged) -> None:
    message.phase_changed.symbol = event.symbol
    message.phase_changed.phase = int(event.phase)
    message.phase_changed.auction = event.auction


def _put_calendar(message: Any, event: events.CalendarMoved) -> None:
    to = message.calendar_moved
    to.SetInParent()
    if event.done is not None:
        to.done.CopyFrom(transition_message(event.done))
    if event.following is not None:
        to.following.CopyFrom(transition_message(event.following))


def _put_missed(message: Any, event: events.ScheduleMissed) -> None:
    message.schedule_missed.missed.CopyFrom(transition_message(event.missed))


def _put_bands(message: Any, event: events.PriceBandsChanged) -> None:
    to = message.price_bands_changed
    _, to.symbol, to.reference_price_e4, to.lower_price_e4, to.upper_price_e4, to.limit_side = event


SHARED: dict[type, Callable[[Any, Any], None]] = {
    events.DateOpened: _put_date_opened,
    events.DateClosed: _put_date_closed,
    events.InstrumentAdded: _put_instrument,
    events.InstrumentChanged: _put_changed,
    events.ListingChanged: _put_listing,
    events.PhaseChanged: _put_phase,
    events.CalendarMoved: _put_calendar,
    events.ScheduleMissed: _put_missed,
    events.PriceBandsChanged: _put_bands,
}
