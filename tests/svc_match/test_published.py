"""Everyone sees what concerns everyone: each trade with its condition, each phase, price band, listing, instrument and date."""

from svc_match.core import events
from svc_match.core.engine import Engine
from tests.svc_match import twin

SEED = 1
COMMANDS = 60_000
OF_INSTRUMENTS = (
    events.InstrumentAdded,
    events.InstrumentChanged,
    events.ListingChanged,
    events.PhaseChanged,
    events.PriceBandsChanged,
)
OF_DATES = (events.DateOpened, events.DateClosed, events.CalendarMoved, events.ScheduleMissed)


def test_what_concerns_everyone_is_published() -> None:
    """By symbol, in order, with the sequence of the private event (rules 3.8, 5.5.3, 7.2.1, 7.5.7); a date and the calendar by
    each instrument that there is.
    """
    drawing, engine = twin.Drawing(SEED), Engine(0)
    kinds = set()
    for time_us, command in enumerate(drawing.draw(COMMANDS)):
        symbols = [book.instrument.symbol for book in engine.numbered]
        applied = engine.apply([command], time_us)
        drawing.sequence = engine.sequence
        wanted: dict[str, list[events.Public]] = {}
        for event in applied.events:
            if isinstance(event, events.Traded):
                seen = events.PublicTrade(
                    event.sequence, event.price_e4, event.quantity, event.taker_side, event.auction
                )
                wanted.setdefault(event.symbol, []).append(seen)
            elif isinstance(event, OF_INSTRUMENTS):
                symbol = event.symbol if hasattr(event, "symbol") else event.instrument.symbol
                wanted.setdefault(symbol, []).append(event)
            elif isinstance(event, OF_DATES):
                for symbol in symbols:
                    wanted.setdefault(symbol, []).append(event)
        told = {
            symbol: [one for one in shown if not isinstance(one, events.LevelChanged | events.IndicativeChanged)]
            for symbol, shown in applied.public.items()
        }
        assert {symbol: shown for symbol, shown in told.items() if shown} == wanted, f"seed {SEED}, {command}"
        kinds |= {type(event) for shown in wanted.values() for event in shown}
    assert kinds >= {events.PublicTrade, *OF_INSTRUMENTS, events.DateOpened}
