"""What follows the events finds each invariant broken, by name, in events that were doctored."""

from collections.abc import Callable
from typing import Any

import pytest

from svc_match.core import commands, events
from svc_match.core.engine import Applied
from svc_match.core.layout import ORDER_FILLS_LIMIT
from tests.svc_match.invariants import Broken, Invariants
from tests.svc_match.transcript import Desk

START = (
    "add ACME",
    "add BAND band=100 interval=1000 state=1000 pause=1000 reference=10",
    "date 20260105",
    "phase all open",
)
QUEUE = ("ann sell s1 10 ACME 10.00", "bob sell s2 10 ACME 10.00", "cyd buy b1 10 ACME 10.00")
HIDDEN = ("ann sell s1 10 ACME 10.00 hidden", "bob sell s2 10 ACME 10.00", "cyd buy b1 10 ACME 10.00")
LEVELS = ("ann sell s1 10 ACME 10.01", "bob sell s2 10 ACME 10.00", "cyd buy b1 10 ACME 10.01")
REPLACED = (
    "ann sell s1 10 ACME 10.00",
    "bob sell s2 10 ACME 10.00",
    "ann replace r1 s1 11 10.00 hold=9 extra=1",
    "cyd buy b1 10 ACME 10.00",
)
PEAKS = ("ann sell s1 10 ACME 10.00 show=5", "bob sell s2 10 ACME 10.00", "cyd buy b1 15 ACME 10.00")
AUCTION = (
    "phase ACME auction opening", "ann sell s1 10 ACME 10.00", "bob sell s2 10 ACME 9.90", "cyd buy b1 10 ACME 10.00 market",
    "dan buy b2 10 ACME 10.00", "phase ACME open",
)  # fmt: skip
OWN = ("ann sell s1 10 ACME 10.00", "ann buy b1 15 ACME 10.00 own=decrement")
STOP = ("ann buy b0 20 ACME 10.00", "bob sell s1 10 ACME market stop=10.00", "cyd sell s2 10 ACME 10.00")
BANDS = ("ann sell s1 10 BAND 10.05", "bob buy b1 10 BAND 10.05")
AMOUNT = ("ann sell s1 10 ACME 10.00", "bob buy b1 10 ACME market amount=101")
REST = ("ann sell s1 10 ACME 10.00", "bob buy b1 10 ACME 9.90")
Doctor = Callable[[list[Any]], object]


def told(*lines: str) -> tuple[Desk, list[Any]]:
    """A desk, and all events of the lines."""
    desk, found = Desk(), []
    for time_us, line in enumerate((*START, *lines), 1):
        found += desk.engine.apply([desk.command(line)], time_us).events  # type: ignore[list-item]
    return desk, found


def follow(found: list[Any], fills_limit: int = ORDER_FILLS_LIMIT) -> Invariants:
    made = Invariants()
    made.follow(Applied(1, len(found), 0, found, {}, [], b""), fills_limit)
    return made


def changed(kind: type, number: int = 0, **fields: object) -> Doctor:
    """The event of a kind says something else."""

    def doctor(found: list[Any]) -> None:
        at = [at for at, event in enumerate(found) if type(event) is kind][number]
        found[at] = found[at]._replace(**fields)

    return doctor


def asked(number: int, **terms: int) -> Doctor:
    """An order asked for something else."""
    return lambda found: changed(events.Accepted, number, terms=commands.PLAIN._replace(**terms))(found)


def left_out(kind: type, number: int = 0, *, renumbered: bool = True) -> Doctor:
    """The event of a kind is not there."""

    def doctor(found: list[Any]) -> None:
        del found[[at for at, event in enumerate(found) if type(event) is kind][number]]
        if renumbered:
            found[:] = [event._replace(sequence=sequence) for sequence, event in enumerate(found, 1)]

    return doctor


def instead(number: int, role: str, order: int, **fields: object) -> Doctor:
    """Another order, by its number, has a role in a trade."""

    def doctor(found: list[Any]) -> None:
        ids = [event.order_id for event in found if type(event) is events.Accepted]
        changed(events.Traded, number, **{f"{role}_order_id": ids[order]}, **fields)(found)

    return doctor


ACCEPTED, TRADED, RESTATED, REPLACED_, DONE = (
    events.Accepted, events.Traded, events.Restated, events.Replaced, events.Done,
)  # fmt: skip
DOCTORED: dict[str, tuple[tuple[str, ...], Doctor, str]] = {
    "an event is missing": (QUEUE, left_out(TRADED, renumbered=False), "sequence"),
    "an event comes twice": (QUEUE, lambda found: found.append(found[-1]), "sequence"),
    "a trade leaves other shares": (QUEUE, changed(TRADED, maker_open=1), "conservation"),
    "a trade of nothing": (QUEUE, changed(TRADED, quantity=0, maker_open=10, taker_open=10), "conservation"),
    "executed shares are told otherwise": (QUEUE, changed(DONE, executed_quantity=9), "conservation"),
    "cancelled shares are told otherwise": (AMOUNT, changed(DONE, cancelled_quantity=9), "conservation"),
    "filled, and shares are left": (QUEUE, left_out(TRADED), "conservation"),
    "a replace forgets what is open": (REPLACED, changed(REPLACED_, open_quantity=10), "conservation"),
    "shares vanish": (OWN, changed(RESTATED, reason=events.RestateReason.SLID), "conservation"),
    "no shares are prevented": (OWN, changed(RESTATED, quantity=15, open_quantity=15), "conservation"),
    "an order that is done trades": (
        (*QUEUE[1:], "dan sell s3 10 ACME 10.00", "cyd buy b2 10 ACME 10.00"), instead(1, "maker", 0), "conservation",
    ),
    "beyond the taker's limit": (QUEUE, changed(TRADED, price_e4=100_100), "limit"),
    "beyond the maker's limit": (QUEUE, changed(TRADED, price_e4=99_900), "limit"),
    "beyond what is held": (QUEUE, changed(ACCEPTED, 2, held_price_e4=99_900), "limit"),
    "beyond the amount": (AMOUNT, changed(TRADED, taker_fee_e4=20_000), "limit"),
    "beyond the price bands": (BANDS, changed(events.PriceBandsChanged, upper_price_e4=100_400), "limit"),
    "a younger order first": (QUEUE, instead(0, "maker", 1), "priority"),
    "a hidden order first": (HIDDEN, instead(0, "maker", 0), "priority"),
    "a worse price first": (LEVELS, instead(0, "maker", 0, price_e4=100_100), "priority"),
    "the other side of the taker": (QUEUE, changed(TRADED, taker_side=2), "priority"),
    "a replaced order keeps its place": (REPLACED, instead(0, "maker", 0), "priority"),
    "a new peak keeps its place": (PEAKS, instead(1, "maker", 0, quantity=5, maker_open=0, taker_open=5), "priority"),
    "more than the peak": (PEAKS, changed(ACCEPTED, 0, terms=commands.PLAIN._replace(display_quantity=4)), "priority"),
    "a limit before the market in an auction": (AUCTION, instead(0, "taker", 3), "priority"),
    "the younger order makes in an auction": (AUCTION, instead(0, "maker", 2, taker_order_id=9, taker_side=2), "priority"),
    "a trade of an auction in continuous trading": (QUEUE, changed(TRADED, auction=True), "priority"),
    "a post-only order takes": (QUEUE, asked(2, post_only=1), "prevented"),
    "a trade with itself": (
        ("ann sell s1 10 ACME 10.00", "ann buy b1 10 ACME 10.00"), asked(1, self_trade_prevention=2), "prevented",
    ),
    "a date leaves what ends with it": (("ann buy b1 10 ACME 9.00", "close 20260105"), left_out(DONE), "lasting"),
    "a stop that was not triggered": (STOP, left_out(RESTATED), "prevented"),
    "a book that is crossed": (REST, changed(ACCEPTED, 1, price_e4=100_000), "crossed"),
    "a hidden order that is crossed": (
        ("ann sell s1 10 ACME 10.00 hidden", "bob buy b1 10 ACME 9.90"), changed(ACCEPTED, 1, price_e4=100_000), "crossed",
    ),
}  # fmt: skip


@pytest.mark.parametrize("name", DOCTORED)
def test_a_doctored_event_breaks_its_invariant(name: str) -> None:
    """As the core told them the events are in order; doctored they are refused by the invariant's name."""
    lines, doctor, invariant = DOCTORED[name]
    _, found = told(*lines)
    follow(found)
    doctor(found)
    with pytest.raises(Broken, match=rf"^{invariant}: "):
        follow(found)


def test_an_order_that_trades_too_often_breaks_its_invariant() -> None:
    """Sweeping two orders is more than one trade; so are the two sides of a mass quote that one each."""
    for lines in (
        (*QUEUE[:2], "cyd buy b1 20 ACME 10.00"),
        (*QUEUE[:1], "ann sell s3 10 BAND 10.00", "cyd quote q1 ACME:10@10.00:0 BAND:10@10.00:0"),
    ):
        _, found = told(*lines)
        follow(found, fills_limit=2)
        with pytest.raises(Broken, match=r"^work: "):
            follow(found, fills_limit=1)


@pytest.mark.parametrize(
    ("untold", "invariant"),
    [
        ("bob cancel c1 b1", "conservation: other orders are open"),
        ("cyd cancel c2 s2", "priority: ACME"),
        ("ann cancel c3 s1", "sequence: ACME"),
    ],
)
def test_the_core_is_compared_with_its_events(untold: str, invariant: str) -> None:
    """A stop, a hidden order, or a public event that the events did not tell of is missed."""
    desk, made = Desk(), Invariants()
    lines = (
        "ann sell s1 10 ACME 10.00 show=5",
        "cyd sell s2 10 ACME 10.00 hidden",
        "bob sell b1 10 ACME market stop=9.00",
    )
    for time_us, line in enumerate((*START, *lines), 1):
        row = desk.engine.apply([desk.command(line)], time_us)
        made.follow(row, ORDER_FILLS_LIMIT)
    made.compare(desk.engine.numbered)
    desk.engine.apply([desk.command(untold)], 99)
    with pytest.raises(Broken, match=f"^{invariant}"):
        made.compare(desk.engine.numbered)


def test_what_is_published_is_compared_with_the_events() -> None:
    """A level that is shown with other shares than its orders display is missed."""
    desk, made = Desk(), Invariants()
    for time_us, line in enumerate((*START, "ann sell s1 10 ACME 10.00 show=5"), 1):
        row = desk.engine.apply([desk.command(line)], time_us)
        shown = {
            symbol: [one._replace(quantity=10) if type(one) is events.LevelChanged else one for one in some]
            for symbol, some in row.public.items()
        }
        made.follow(row._replace(public=shown), ORDER_FILLS_LIMIT)
    with pytest.raises(Broken, match=r"^conservation: ACME is displayed otherwise"):
        made.compare(desk.engine.numbered)
