"""Price bands and limit states in the most obvious way: all trades are remembered, and the mean is taken anew.

Source: docs/rule-book.md, section 7.5.
"""

from fractions import Fraction
from math import ceil, floor
from typing import NamedTuple

from svc_match.core.commands import Side
from svc_match.core.instrument import Instrument, Phase
from tests.svc_match.oracle.book import BASIS_POINTS, Book
from tests.svc_match.oracle.rules import is_off_tick

INTERVALS = 10
STEP = 100


class Limits(NamedTuple):
    """What holds around a reference price."""

    reference_e4: int
    lower_e4: int
    upper_e4: int


def rounded(price_e4: Fraction | int, instrument: Instrument, *, up: bool = False) -> int:
    """The nearest price on a tick, below unless it is `up`."""
    step = instrument.tick_size_e4
    found = (ceil(Fraction(price_e4) / step) if up else floor(Fraction(price_e4) / step)) * step
    while is_off_tick(found, instrument):
        found += step if up else -step
    return found


def around(price_e4: Fraction | int, instrument: Instrument) -> Limits:
    """The bands of a reference price, which is one that an order may have."""
    within_e4 = min(max(price_e4, instrument.min_price_e4), instrument.max_price_e4)
    reference_e4 = rounded(within_e4, instrument)
    away_e4 = Fraction(reference_e4 * instrument.limit_band_bp, BASIS_POINTS)
    return Limits(
        reference_e4,
        rounded(reference_e4 - away_e4, instrument, up=True),
        rounded(reference_e4 + away_e4, instrument),
    )


def best(book: Book, side: int) -> int:
    """The best price of a side, hidden or not; 0 for none."""
    place = book.sides[side]
    return place.sign * place.keys[-1] if place.keys else 0


def fresh(book: Book) -> Limits | None:
    """The bands of a book that has none yet: no bid is above their reference price, and no offer below."""
    price_e4 = book.compared_e4
    if not book.instrument.limit_band_bp or book.phase != Phase.OPEN or not price_e4:
        return None
    price_e4 = max(around(price_e4, book.instrument).reference_e4, best(book, Side.BUY))
    if ask_e4 := best(book, Side.SELL):
        price_e4 = min(price_e4, ask_e4)
    return around(price_e4, book.instrument)


def renewed(book: Book, now_us: int) -> Limits | None:
    """Other bands that a book has from now on, if it has."""
    interval_us, limits = book.instrument.limit_interval_us, book.limits
    assert limits is not None
    if now_us < book.referred_us + interval_us or limit_side(book):
        return None
    newest = now_us // interval_us
    prices = [price_e4 for time_us, price_e4 in book.prices if time_us // interval_us > newest - INTERVALS]
    if not prices:
        return None
    found = around(Fraction(sum(prices), len(prices)), book.instrument)
    if abs(found.reference_e4 - limits.reference_e4) < Fraction(limits.reference_e4, STEP):
        return None
    ask_e4 = best(book, Side.SELL)
    outside = best(book, Side.BUY) > found.upper_e4 or 0 < ask_e4 < found.lower_e4
    return None if outside else found


def limit_side(book: Book) -> int:
    """The side of which an order is displayed at its band, 0 for none."""
    if book.limits is None:
        return 0
    for side, band_e4 in ((Side.BUY, book.limits.upper_e4), (Side.SELL, book.limits.lower_e4)):
        if [price_e4 for price_e4, _, _ in book.sides[side].depth(1)] == [band_e4]:
            return side
    return 0
