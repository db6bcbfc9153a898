"""docs/calendar.yaml and files like it: the times that they come to, and what is wrong where."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from bourse.types.v1 import market_pb2
from cli.calendar.file import read_calendar
from cli.yaml_file import FileError

DOCS = Path(__file__).parents[2] / "docs"
FILE = """\
time_zone: Europe/Zurich
first_date: 2026-03-26
last_date: 2026-03-31
weekdays: [mon, thu, fri]
day:
  opens: "07:00"
  phases:
    - {at: "09:00", phase: open}
  closes: "18:00"
"""
HALF_DAY = "half_day: {dates: [DATES], opens: '09:00', closes: '10:00'}\nday:"


def times(text: str) -> list[str]:
    """The steps in UTC."""
    _, steps = read_calendar(text.encode())
    return [f"{datetime.fromtimestamp(step.time_us / 1e6, UTC):%m-%d %H:%M}" for step in steps]


def test_the_example_is_a_year() -> None:
    """Its holidays are missing, its half days end at noon, its auctions end by chance."""
    seed, steps = read_calendar((DOCS / "calendar.yaml").read_bytes())
    dates = {step.trading_date for step in steps}
    assert (seed, len(dates), 20261225 in dates) == (4711, 253, False)
    assert [step.phase for step in steps if step.trading_date == 20261224] == [
        0,
        market_pb2.PHASE_OPEN,
        market_pb2.PHASE_CLOSED,
        0,
    ]
    assert {step.random_end_us for step in steps} == {0, 30_000_000}
    assert [step.auction for step in steps[:4]] == [
        0,
        market_pb2.AUCTION_KIND_OPENING,
        0,
        market_pb2.AUCTION_KIND_CLOSING,
    ]


def test_hours_are_those_of_the_wall() -> None:
    """In UTC they move when clocks go forward."""
    assert times(FILE) == [
        *("03-26 06:00", "03-26 08:00", "03-26 17:00", "03-27 06:00", "03-27 08:00", "03-27 17:00"),
        *("03-30 05:00", "03-30 07:00", "03-30 16:00"),
    ]


@pytest.mark.parametrize(
    ("before", "after", "said"),
    [
        ("Europe/Zurich", "Europe/Zurck", "1:12: 'Europe/Zurck' is no time zone"),
        ("2026-03-31", "2026-03-25", "3:12: it is before 2026-03-26"),
        ("2026-03-31", "2099-03-31", "3:12: it is before 2026-03-26, or more than 800 days on"),
        ("2026-03-31", "31.3.2026", "3:12: '31.3.2026' is no day"),
        ("2026-03-31", "9999-12-31", "3:12: '9999-12-31' is no day"),
        ("[mon, thu, fri]", "[mon, tuesday]", "4:17: 'tuesday' is none of mon"),
        ("[mon, thu, fri]", "mon", "4:11: a list is needed"),
        ('opens: "07:00"', 'opens: "25:00"', "6:10: '25:00' is no time of day"),
        ('opens: "07:00"', 'opens: "09:00"', "8:12: 09:00:00 is not behind 09:00:00"),
        ("phase: open", "phase: halted", "8:28: 'halted' is none of open, closed, auction"),
        ("phase: open", "phase: auction", "8:7: `auction` is missing"),
        ("phase: open", "phase: open, auction: opening", "8:43: only the phase `auction` is one"),
        ("phase: open", "phase: open, random_end_seconds: 601", "8:54: '601' is no whole number below 601"),
        ("phase: open", "phase: open, random_end_seconds: \u0665", "8:54: '\u0665' is no whole number below 601"),
        ("phase: open", "phase: open, colour: red", "8:34: unknown key `colour`"),
        (
            "day:",
            "maintenance: {weekday: thu, from: '05:00', until: '07:30'}\nday:",
            "7:10: on 2026-03-26 the date is open in the hours",
        ),
        ("weekdays: [mon, thu, fri]", "weekdays: [sun]\nseed: -1", "5:7: '-1' is no whole number"),
        ("[mon, thu, fri]", "[tue]\nholidays: [2026-03-31]", "3:12: these are 0 dates; 1 to 400 can be set"),
        ('"18:00"', '"09:00:00.9"', "9:11: on 2026-03-26 it is not a second behind the step before it"),
        (
            'open}\n  closes: "18:00"',
            'open, random_end_seconds: 60}\n  closes: "09:01"',
            "9:11: on 2026-03-26 it is not",
        ),
        ("phase: open", "phase: auction, auction: closing", "8:12: the auction is not ended"),
        ("phase: open", "phase: auction, auction: volatility", "8:46: 'volatility' is none of opening, closing"),
        ("  phases:", "  dates: [2026-03-27]\n  phases:", "7:3: unknown key `dates`"),
        ("day:", "half_day: soon\nday:", "5:11: a mapping with dates, opens, phases, closes is needed"),
        ("day:", "half_day: {opens: '09:00', closes: '10:00'}\nday:", "5:11: `dates` is missing"),
        ("day:", HALF_DAY.replace("DATES", "2026-03-27"), ""),
        ("day:", HALF_DAY.replace("DATES", "2026-03-27, 2026-03-28"), "5:32: nothing opens on 2026-03-28: it is"),
        ("day:", "holidays: [2026-03-30]\n" + HALF_DAY.replace("DATES", "2026-03-30"), "6:20: nothing opens on"),
        ("day:", HALF_DAY.replace("DATES", "2026-04-02"), "5:20: nothing opens on 2026-04-02"),
        (
            "day:",
            "maintenance: {weekday: sat, from: '05:00', until: '04:00'}\nday:",
            "5:51: 04:00:00 is not behind 05:00:00",
        ),
        ("day:", "maintenance: {weekday: sat, from: '05:00'}\nday:", "5:14: `until` is missing"),
        ("last_date: 2026-03-31\n", "", "1:1: `last_date` is missing"),
        ("weekdays", "weekday", "4:1: unknown key `weekday`"),
        ('opens: "07:00"', 'opens: "02:30"', ""),
        ("[mon, thu, fri]", "[sun]", ""),
    ],
)
def test_what_is_wrong_is_named_by_its_place(before: str, after: str, said: str) -> None:
    """Line, column and what is needed; what is right is taken."""
    text = FILE.replace(before, after)
    assert text != FILE
    if not said:
        assert times(text)
        return
    with pytest.raises(FileError) as raised:
        read_calendar(text.encode())
    assert str(raised.value).startswith(said)


@pytest.mark.parametrize(
    ("day", "opens", "open_at", "closes", "said"),
    [
        ("2026-03-28", "00:30", "03:30", "22:00", ["03-27 23:30", "03-28 02:30", "03-28 21:00"]),
        ("2026-03-29", "00:30", "03:30", "22:00", ["03-28 23:30", "03-29 01:30", "03-29 20:00"]),
        ("2026-03-29", "01:59:59", "03:00", "22:00", ["03-29 00:59", "03-29 01:00", "03-29 20:00"]),
        ("2026-10-24", "00:30", "03:30", "22:00", ["10-23 22:30", "10-24 01:30", "10-24 20:00"]),
        ("2026-10-25", "00:30", "03:30", "22:00", ["10-24 22:30", "10-25 02:30", "10-25 21:00"]),
        ("2026-10-25", "02:00", "02:30", "22:00", ["10-25 00:00", "10-25 00:30", "10-25 21:00"]),
        ("2026-10-25", "02:59:59", "03:00", "22:00", ["10-25 00:59", "10-25 02:00", "10-25 21:00"]),
    ],
)
def test_both_changes_of_the_clocks_in_madrid(day: str, opens: str, open_at: str, closes: str, said: list[str]) -> None:
    """The day on which they go forward lacks an hour, the one on which they go back has one twice: the first is meant."""
    text = FILE.replace("Zurich", "Madrid").replace("[mon, thu, fri]", "[sat, sun]")
    text = text.replace("2026-03-26", day).replace("2026-03-31", day)
    text = text.replace("07:00", opens).replace("09:00", open_at).replace("18:00", closes)
    assert times(text) == said


def test_an_hour_that_there_is_not_is_refused() -> None:
    """Clocks go forward over it."""
    for wall in ("02:00", "02:30", "02:59:59"):
        text = FILE.replace("Zurich", "Madrid").replace("[mon, thu, fri]", "[sun]").replace("07:00", wall)
        with pytest.raises(FileError, match=f"6:10: on 2026-03-29 clocks go forward over {wall[:5]}"):
            read_calendar(text.encode())


def test_many_dates_are_refused() -> None:
    """The exchange takes at most 400."""
    last = datetime(2026, 3, 26, tzinfo=UTC) + timedelta(days=799)
    text = FILE.replace("2026-03-31", f"{last:%Y-%m-%d}").replace("[mon, thu, fri]", "[mon, tue, wed, thu, fri]")
    with pytest.raises(FileError, match="these are 572 dates; 1 to 400 can be set"):
        read_calendar(text.encode())
