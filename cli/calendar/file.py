"""The YAML file of a calendar: a weekly pattern with holidays and half days, as the absolute times that it comes to."""

from collections.abc import Iterator, Mapping
from datetime import UTC, date, datetime, time, timedelta
from itertools import pairwise
from typing import NamedTuple
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

import yaml

from bourse.types.v1 import market_pb2
from cli.answers import EPOCH
from cli.yaml_file import FileError, composed, fields_of, list_of

ROOT = ("time_zone", "first_date", "last_date", "seed", "weekdays", "holidays", "maintenance", "day", "half_day")
REQUIRED = ("time_zone", "first_date", "last_date", "weekdays", "day")
DAY = ("opens", "phases", "closes")
DAY_REQUIRED = ("opens", "closes")
PHASE = ("at", "phase", "auction", "random_end_seconds")
PHASE_REQUIRED = ("at", "phase")
WINDOW = ("weekday", "from", "until")
WEEKDAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
PHASES = {
    "open": market_pb2.PHASE_OPEN,
    "closed": market_pb2.PHASE_CLOSED,
    "auction": market_pb2.PHASE_AUCTION,
}
AUCTIONS = {
    "opening": market_pb2.AUCTION_KIND_OPENING,
    "closing": market_pb2.AUCTION_KIND_CLOSING,
}
DATES_LIMIT = 400
PHASES_LIMIT = 14  # of a date
BETWEEN_SECONDS = 1  # two steps, at least
SECOND_US = 1_000_000
RANDOM_END_LIMIT_SECONDS = 600
SEED_LIMIT = 1 << 63
FIRST_YEAR, LAST_YEAR = 1971, 9998


class Change(NamedTuple):
    """A step of a kind of day, by the clock on the wall; `mark` is where the file has it."""

    at: time
    mark: yaml.Mark
    kind: market_pb2.TransitionKind
    phase: market_pb2.Phase = market_pb2.PHASE_UNSPECIFIED
    auction: market_pb2.AuctionKind = market_pb2.AUCTION_KIND_UNSPECIFIED
    random_end_us: int = 0


class Window(NamedTuple):
    """The hours of a weekday in which nothing is done."""

    weekday: int
    begins: time
    ends: time


def read_calendar(data: bytes) -> tuple[int, list[market_pb2.Transition]]:
    """The seed and the steps of a file, in their order. Raises FileError."""
    fields = fields_of(composed(data), ROOT, REQUIRED)
    zone = _zone(fields["time_zone"])
    first, last = _date(fields["first_date"]), _date(fields["last_date"])
    if not 0 <= (last - first).days < 2 * DATES_LIMIT:
        raise FileError(fields["last_date"].start_mark, f"it is before {first}, or more than {2 * DATES_LIMIT} days on")
    weekdays = {_one_of(node, WEEKDAYS) for node in list_of(fields["weekdays"])}
    holidays = {_date(node) for node in list_of(fields.get("holidays"))}
    window = _window(fields["maintenance"]) if "maintenance" in fields else None
    usual = _day(fields_of(fields["day"], DAY, DAY_REQUIRED))
    halves: dict[date, yaml.Node] = {}
    half: list[Change] = []
    if "half_day" in fields:
        half_day = fields_of(fields["half_day"], ("dates", *DAY), ("dates", *DAY_REQUIRED))
        half = _day(half_day)
        halves = {_date(node): node for node in list_of(half_day["dates"])}
    days = [day for day in _days(first, last) if WEEKDAYS[day.weekday()] in weekdays and day not in holidays]
    if not 0 < len(days) <= DATES_LIMIT:
        raise FileError(fields["last_date"].start_mark, f"these are {len(days)} dates; 1 to {DATES_LIMIT} can be set")
    for day, node in halves.items():
        if day not in days:
            why = f"it is a holiday, no weekday of the list, or not from {first} to {last}"
            raise FileError(node.start_mark, f"nothing opens on {day}: {why}")
    found: list[tuple[yaml.Mark, date, market_pb2.Transition]] = []
    for day in days:
        found += _steps(day, half if day in halves else usual, zone, window)
    for (_, _, before), (mark, day, after) in pairwise(found):
        if after.time_us < before.time_us + before.random_end_us + BETWEEN_SECONDS * SECOND_US:
            raise FileError(mark, f"on {day} it is not a second behind the step before it and its random end")
    seed = _number(fields["seed"], SEED_LIMIT) if "seed" in fields else 0
    return seed, [step for *_, step in found]


def _steps(
    day: date, changes: list[Change], zone: ZoneInfo, window: Window | None
) -> Iterator[tuple[yaml.Mark, date, market_pb2.Transition]]:
    begins, ends = changes[0], changes[-1].at
    if window is not None and day.weekday() == window.weekday and begins.at < window.ends and ends > window.begins:
        raise FileError(begins.mark, f"on {day} the date is open in the hours of maintenance")
    for change in changes:
        yield (
            change.mark,
            day,
            market_pb2.Transition(
                time_us=_absolute(day, change, zone),
                kind=change.kind,
                trading_date=int(f"{day:%Y%m%d}"),
                phase=change.phase,
                auction=change.auction,
                random_end_us=change.random_end_us,
            ),
        )


def _absolute(day: date, change: Change, zone: ZoneInfo) -> int:
    """Where clocks go forward over it there is no such time; where they go back over it, it is the first one."""
    local = datetime.combine(day, change.at, zone)
    moment = local.astimezone(UTC)
    if moment.astimezone(zone).replace(tzinfo=None) != local.replace(tzinfo=None):
        raise FileError(change.mark, f"on {day} clocks go forward over {change.at:%H:%M}")
    return (moment - EPOCH) // timedelta(microseconds=1)


def _days(first: date, last: date) -> Iterator[date]:
    for number in range((last - first).days + 1):
        yield first + timedelta(days=number)


def _day(fields: Mapping[str, yaml.Node]) -> list[Change]:
    """The steps of a kind of day, in their order."""
    opens, closes = fields["opens"], fields["closes"]
    found = [Change(_time(opens), opens.start_mark, market_pb2.TRANSITION_KIND_OPEN_DATE)]
    found += [_phase(one) for one in list_of(fields.get("phases"))]
    found.append(Change(_time(closes), closes.start_mark, market_pb2.TRANSITION_KIND_CLOSE_DATE))
    for before, after in pairwise(found):
        if after.at <= before.at:
            raise FileError(after.mark, f"{after.at:%H:%M:%S} is not behind {before.at:%H:%M:%S}")
    if len(found) > 2 + PHASES_LIMIT:
        raise FileError(found[1 + PHASES_LIMIT].mark, f"a date has at most {PHASES_LIMIT} phases")
    if found[-2].phase == market_pb2.PHASE_AUCTION:
        raise FileError(found[-2].mark, "the auction is not ended: the close of a date uncrosses nothing")
    return found


def _phase(node: yaml.Node) -> Change:
    fields = fields_of(node, PHASE, PHASE_REQUIRED)
    phase = PHASES[_one_of(fields["phase"], PHASES)]
    auction = market_pb2.AUCTION_KIND_UNSPECIFIED
    if phase == market_pb2.PHASE_AUCTION:
        auction = AUCTIONS[_one_of(fields_of(node, PHASE, ("auction",))["auction"], AUCTIONS)]
    elif "auction" in fields:
        raise FileError(fields["auction"].start_mark, "only the phase `auction` is one")
    random = fields.get("random_end_seconds")
    seconds = _number(random, RANDOM_END_LIMIT_SECONDS + 1) if random is not None else 0
    kind = market_pb2.TRANSITION_KIND_SET_PHASE
    return Change(_time(fields["at"]), fields["at"].start_mark, kind, phase, auction, seconds * SECOND_US)


def _window(node: yaml.Node) -> Window:
    fields = fields_of(node, WINDOW, WINDOW)
    weekday, begins, ends = (fields[name] for name in WINDOW)
    found = Window(WEEKDAYS.index(_one_of(weekday, WEEKDAYS)), _time(begins), _time(ends))
    if found.ends <= found.begins:
        raise FileError(ends.start_mark, f"{found.ends:%H:%M:%S} is not behind {found.begins:%H:%M:%S}")
    return found


def _text(node: yaml.Node) -> str:
    if not isinstance(node, yaml.ScalarNode):
        raise FileError(node.start_mark, "one value is needed")
    return str(node.value)


def _one_of(node: yaml.Node, known: tuple[str, ...] | Mapping[str, object]) -> str:
    text = _text(node)
    if text not in known:
        raise FileError(node.start_mark, f"{text!r} is none of {', '.join(known)}")
    return text


def _number(node: yaml.Node, limit: int) -> int:
    text = _text(node)
    if not (text.isascii() and text.isdecimal()) or len(text) > len(str(limit)) or int(text) >= limit:
        raise FileError(node.start_mark, f"{text!r} is no whole number below {limit}")
    return int(text)


def _date(node: yaml.Node) -> date:
    text = _text(node)
    try:
        found = datetime.strptime(text, "%Y-%m-%d").date()  # noqa: DTZ007 - a day has no zone
    except ValueError:
        found = date.min
    if not FIRST_YEAR <= found.year <= LAST_YEAR:
        raise FileError(node.start_mark, f"{text!r} is no day such as 2026-01-05")
    return found


def _time(node: yaml.Node) -> time:
    text = _text(node)
    try:
        found = time.fromisoformat(text)
    except ValueError:
        found = None
    if found is None or found.tzinfo is not None or ":" not in text:
        raise FileError(node.start_mark, f"{text!r} is no time of day such as 09:00")
    return found


def _zone(node: yaml.Node) -> ZoneInfo:
    text = _text(node)
    try:
        return ZoneInfo(text)
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise FileError(node.start_mark, f"{text!r} is no time zone such as Europe/Zurich") from None
