"""Price bands: what an instrument may have, that nothing trades or stands outside of them, and that a shard that was restored goes on."""

from dataclasses import replace

import pytest

from svc_match.core import events, snapshot
from svc_match.core.engine import Engine
from svc_match.core.instrument import Instrument, Phase, wrong_field
from tests.svc_match import twin
from tests.svc_match.transcript import Desk

SEED = 7
COMMANDS = 8_000
PLAIN = Instrument("ACME", "EUR", 100, 1, 100, 1_000_000, 1_000, 0, 0, 0)
BANDED = replace(PLAIN, limit_band_bp=500, limit_interval_us=1, limit_state_us=1, limit_pause_us=1)
DAY_US = 86_400_000_000


@pytest.mark.parametrize(
    ("changes", "wrong"),
    [
        ({}, ""),
        (
            {"limit_band_bp": 10_000, "limit_interval_us": DAY_US, "limit_state_us": DAY_US, "limit_pause_us": DAY_US},
            "",
        ),
        ({"static_collar_bp": 1, "market_protection_bp": 1, "reference_price_e4": 1}, ""),
        ({"limit_band_bp": -1}, "limit_band_bp"),
        ({"limit_band_bp": 10_001}, "limit_band_bp"),
        ({"limit_band_bp": 0}, "limit_interval_us"),
        ({"limit_band_bp": 0, "limit_interval_us": 0}, "limit_state_us"),
        ({"limit_band_bp": 0, "limit_interval_us": 0, "limit_state_us": 0}, "limit_pause_us"),
        ({"dynamic_collar_bp": 1, "volatility_auction_us": 1}, "limit_band_bp"),
        *(
            ({field: value}, field)
            for field in ("limit_interval_us", "limit_state_us", "limit_pause_us")
            for value in (0, -1, DAY_US + 1)
        ),
    ],
)
def test_bands_have_their_times_and_no_dynamic_collar(changes: dict[str, int], wrong: str) -> None:
    """Rule 7.5.1: the first field that does not go with the others is named."""
    assert wrong_field(replace(BANDED, **changes), 0) == wrong  # type: ignore[arg-type]


def test_what_is_rejected_moves_no_bands() -> None:
    """Rule 7.5.4: the mean is another one, and a command that is taken says so; before it one that is rejected changes nothing."""
    desk = Desk()
    for line in (
        "add ACME reference=10.00 band=1000 interval=5 state=6 pause=3", "date 20260105", "phase ACME open",
        "alice sell a1 10 ACME 10.50", "bob buy b1 10 ACME 10.50",
    ):  # fmt: skip
        desk.say(line)
    lines = ("bob cancel x1 a1", "bob buy b2 0 ACME 10.00", "bob replace x2 b1 5 10.40", "bob buy b3 1 ACME 10.00")
    found = desk.engine.apply([desk.command(line) for line in lines], 12).events
    kinds = [type(event) for event in found]
    assert kinds == [*[events.Rejected] * 3, events.Accepted, events.PriceBandsChanged]


def test_nothing_trades_or_stands_outside_of_the_bands() -> None:
    """As they were told last (rules 7.5.1, 7.5.2, 7.5.3, 7.5.4), whatever is drawn; a limit state begins and ends, and trading pauses."""
    drawing, engine = twin.Drawing(SEED), Engine(0)
    bands: dict[str, events.PriceBandsChanged] = {}
    sides, paused = set(), 0
    for time_us, command in enumerate(drawing.draw(COMMANDS)):
        for event in engine.apply([command], time_us).events:
            if isinstance(event, events.PhaseChanged):
                before = bands.pop(event.symbol, None)
                paused += event.phase == Phase.AUCTION and before is not None and before.limit_side != 0
            elif isinstance(event, events.PriceBandsChanged):
                bands[event.symbol] = event
                sides.add(event.limit_side)
            elif isinstance(event, events.Traded) and event.symbol in bands:
                told = bands[event.symbol]
                assert told.lower_price_e4 <= event.price_e4 <= told.upper_price_e4, f"seed {SEED}: {event}, {told}"
        drawing.sequence, drawing.time_us = engine.sequence, time_us
        for symbol, told in bands.items():
            book = engine.books[symbol]
            assert all(level[0] <= told.upper_price_e4 for level in book.depth(1, 1)), f"seed {SEED}: {symbol}"
            assert all(level[0] >= told.lower_price_e4 for level in book.depth(2, 1)), f"seed {SEED}: {symbol}"
    assert sides == {0, 1, 2}
    assert paused


def test_a_restored_shard_goes_on_in_its_limit_state() -> None:
    """The reference price, its trades and the limit state are in a snapshot, and the pause comes when it would have."""
    desk = Desk()
    for line in (
        "add ACME reference=10.00 band=1000 interval=2 state=6 pause=3",
        "date 20260105",
        "phase ACME open",
        "alice sell a1 10 ACME 10.50",
        "bob buy b1 5 ACME 10.50",
        "bob buy b2 20 ACME 12.00",
    ):
        said = desk.say(line)
    assert "ACME trades from 9.45 to 11.55 around 10.50, bid at the limit" in said[-1]
    before = snapshot.state_hash(desk.engine)
    desk.engine = snapshot.load(snapshot.encode(desk.engine), twin.of_the_date(desk.engine))
    assert snapshot.state_hash(desk.engine) == before
    assert desk.engine.books["ACME"].bands == (105_000, 94_500, 115_500, 1)
    said = [line for _ in range(6) for line in desk.say("tick")]
    assert [line for line in said if "RESUMPTION" in line and "|" not in line] == ["20 ACME is AUCTION (RESUMPTION)"]
