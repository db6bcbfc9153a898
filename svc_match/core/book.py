"""One instrument's book, as the packed books have it."""

import json
from dataclasses import asdict

from svc_match.core import layout as w
from svc_match.core.books import Books
from svc_match.core.commands import Side
from svc_match.core.instrument import Instrument, Listing, Phase
from svc_match.core.special import Special

CLOSE_ORDERS_LIMIT = 4_096  # that end at once with a date, or with what is delisted
PHASE_BOOKS_LIMIT = 1_024  # whose phases change at once
ENTER_ORDERS_LIMIT = 4_096  # that enter closing auctions at once


class Book:
    """One instrument's book, as the packed books have it."""

    __slots__ = ("_books", "_names", "_special", "described", "instrument", "number")

    def __init__(self, books: Books, special: Special, number: int, instrument: Instrument, names: list[str]) -> None:
        self._books = books
        self._special = special
        self._names = names
        self.number = number
        self.define(instrument)

    def define(self, instrument: Instrument) -> None:
        """Its reference data, and the same as JSON, which a snapshot does not wait for."""
        self.instrument = instrument
        self.described = json.dumps(asdict(instrument)).encode()

    @property
    def phase(self) -> Phase:
        """What the book does with commands."""
        return Phase(self._books.phase(self.number))

    @property
    def listing(self) -> Listing:
        """Whether it may be traded at all."""
        return Listing(self._books.listing(self.number))

    @property
    def reference_price_e4(self) -> int:
        """What the prices of orders are compared with, 0 for nothing."""
        return self._special.protection.reference(self.number)

    @property
    def is_empty(self) -> bool:
        """Whether no order of it is open."""
        return self._special.is_empty(self.number)

    @property
    def auction(self) -> int:
        """The kind of the auction that collects orders, 0 while none does."""
        return self._books.auction(self.number) if self.phase == Phase.AUCTION else 0

    @property
    def indication(self) -> tuple[int, int, int, int]:
        """What that would do: price_e4, quantity, side and quantity of the surplus; all 0 where nothing would trade."""
        found: tuple[int, int, int, int] = self._special.auction.indication.told(self.number)
        return found

    @property
    def bands(self) -> tuple[int, ...]:
        """The reference price of its price bands, the lower and the upper one, and the side that is displayed at one; 0 for none."""
        return self._special.bands.told(self.number)

    @property
    def symbol_sequence(self) -> int:
        """The number of its last public event."""
        return self._books.public(self.number)

    def depth(self, side: int, levels: int) -> list[tuple[int, int, int]]:
        """(price_e4, quantity, orders) of what the best `levels` levels of a side display, best first."""
        return self._books.depth(self.number, packed_side(side), levels)

    def standing(self, side: int) -> list[tuple[int, int, int, str]]:
        """(price_e4, order_id, open quantity, account) of a side's orders, in the order in which they would trade."""
        return [
            (price_e4, identity, quantity, self._names[account])
            for price_e4, identity, quantity, account in self._books.standing(self.number, packed_side(side))
        ]

    def waiting(self) -> list[tuple[int, int, str]]:
        """(order_id, quantity, account) of the stops that wait: buys, then sells, the nearest price first."""
        return [
            (identity, quantity, self._names[account])
            for identity, quantity, account in self._special.waiting(self.number)
        ]

    def unpriced(self) -> list[tuple[int, int, str]]:
        """(order_id, quantity, account) of the orders that wait for an auction, or in front of its prices, the oldest first."""
        return [
            (identity, quantity, self._names[account])
            for identity, quantity, account in self._special.auction.waiting(self.number)
        ]


def packed_side(side: int) -> int:
    """A side as the books number it."""
    return w.BUY if side == Side.BUY else w.SELL
