"""What an order must fulfil. Each rule returns why it is broken, or None; the core rejects with it, on record."""

from fractions import Fraction
from math import ceil, floor

from chassis.units import INT64_MAX, worst
from svc_match.core.commands import OrderType, Peg, Place, PostOnly, Replace, Side, Terms, TimeInForce
from svc_match.core.events import Reason, Refused
from svc_match.core.instrument import AuctionKind, Instrument, Listing, Phase
from svc_match.core.layout import PEAKS_LIMIT, PEGGED_ORDERS_LIMIT, TRAILING_STOPS_LIMIT
from tests.svc_match.oracle.book import Book
from tests.svc_match.oracle.orders import Order

BUY = Side.BUY
LIMIT, MARKET, MARKET_TO_LIMIT, STOP, STOP_LIMIT, ONE_CANCELS_OTHER, PEGGED = OrderType
_, IOC, FOK, GOOD_FOR_AUCTION, AT_OPEN, AT_CLOSE, *_ = TimeInForce
OPEN = Phase.OPEN


def wrong_place(command: Place, book: Book | None, time_us: int) -> Refused | None:
    """Why the order cannot be taken at a journal time, if it cannot."""
    if book is None:
        return Refused(Reason.SYMBOL_UNKNOWN, "symbol", command.symbol)
    if 0 < command.terms.expire_time_us <= time_us:
        return Refused(Reason.EXPIRE_TIME_PAST, "expire_time_us", str(command.terms.expire_time_us))
    wrong = wrong_phase(book) or wrong_time(command, book)
    if wrong is not None:
        return wrong
    instrument = book.instrument
    price_e4, quantity = command.price_e4, command.quantity
    if price_e4 or is_priced(command):
        wrong = wrong_price(price_e4, instrument) or outside_collar(price_e4, book)
        if wrong is not None:
            return wrong
    if command.type in (STOP, STOP_LIMIT, ONE_CANCELS_OTHER):
        wrong = wrong_price(command.terms.stop_price_e4, instrument)
        if wrong is not None:
            return wrong._replace(field="stop_price_e4")
    if command.type == ONE_CANCELS_OTHER:
        wrong = wrong_pair(command, book)
        if wrong is not None:
            return wrong
    if quantity % instrument.lot_size or not 0 < quantity <= instrument.max_quantity:
        return wrong_quantity(quantity, instrument)
    return (
        wrong_lots(command.terms, instrument)
        or wrong_bound(command, book)
        or wrong_notional(command, book)
        or wrong_hold(command)
    )


def is_priced(command: Place) -> bool:
    """Whether it names a price, as a limit or as a bound; a MARKET buy may."""
    return command.type in (LIMIT, STOP_LIMIT, ONE_CANCELS_OTHER, PEGGED) or (
        command.type != MARKET and command.side == BUY
    )


def wrong_pair(command: Place, book: Book) -> Refused | None:
    """The stop price is beyond the limit, and the limit of what the order is then there or beyond; a sell may have none."""
    stop_e4, second_e4, sign = command.terms.stop_price_e4, command.terms.stop_limit_price_e4, 1
    if command.side == BUY or second_e4:
        wrong = wrong_price(second_e4, book.instrument) or outside_collar(second_e4, book)
        if wrong is not None:
            return wrong._replace(field="stop_limit_price_e4")
    if command.side != BUY:
        sign = -1
    if sign * command.price_e4 >= sign * stop_e4:
        return Refused(Reason.STOP_PRICE_INVALID, "stop_price_e4", str(stop_e4))
    if sign * second_e4 < sign * stop_e4:
        return Refused(Reason.STOP_LIMIT_PRICE_INVALID, "stop_limit_price_e4", str(second_e4))
    return None


def wrong_lots(terms: Terms, instrument: Instrument) -> Refused | None:
    """What is displayed and what must trade at once are whole lots."""
    if terms.display_quantity % instrument.lot_size:
        return Refused(Reason.DISPLAY_QUANTITY_INVALID, "display_quantity", str(terms.display_quantity))
    if terms.minimum_quantity % instrument.lot_size:
        return Refused(Reason.MINIMUM_QUANTITY_INVALID, "minimum_quantity", str(terms.minimum_quantity))
    return None


def wrong_trailing(book: Book, terms: Terms) -> Refused | None:
    """A book takes only so many stops that trail."""
    field = "trailing_bp" if terms.trailing_bp else "trailing_amount_e4"
    full = sum(stop.trails for stop in book.stops) >= TRAILING_STOPS_LIMIT
    return Refused(Reason.TRAILING_LIMIT, field, str(getattr(terms, field))) if full and getattr(terms, field) else None


def wrong_peg(book: Book, command: Place) -> Refused | None:
    """A book takes only so many orders that are pegged."""
    full = command.type == PEGGED and len(book.pegs) >= PEGGED_ORDERS_LIMIT
    return Refused(Reason.PEGGED_LIMIT, "peg", str(command.terms.peg)) if full else None


def wrong_hidden(book: Book, command: Place, limit: int) -> Refused | None:
    """A book takes only so many orders that are hidden."""
    stand = sum(order.terms.hidden for side in book.sides.values() for order in side.orders())
    full = command.terms.hidden and stand >= limit
    return Refused(Reason.HIDDEN_LIMIT, "hidden", str(command.terms.hidden)) if full else None


def posted_price(book: Book, side: int, price_e4: int, terms: Terms) -> int:
    """The price at which an order stands that may be post-only; 0 where it is to be rejected."""
    if not terms.post_only or not book.meets(side, price_e4):
        return price_e4
    instrument, other = book.instrument, book.opposite(side)
    best_e4 = other.sign * other.keys[-1]
    slid_e4 = price_next_to(best_e4, side, instrument)
    within = instrument.min_price_e4 <= slid_e4 <= instrument.max_price_e4
    return slid_e4 if terms.post_only == PostOnly.SLIDE and within else 0


def price_next_to(price_e4: int, side: int, instrument: Instrument) -> int:
    """The next price on a tick below, for a buy, or above, for a sell; tried one smallest tick after the other."""
    step = -instrument.tick_size_e4 if side == BUY else instrument.tick_size_e4
    price_e4 += step
    while price_e4 > 0 and is_off_tick(price_e4, instrument):
        price_e4 += step
    return price_e4


def is_off_tick(price_e4: int, instrument: Instrument) -> bool:
    """Whether a price is no multiple of the tick size that holds there: of the last band that begins at or below it."""
    tick_size_e4 = instrument.tick_size_e4
    for price_from_e4, of_band_e4 in instrument.tick_bands:
        if price_e4 >= price_from_e4:
            tick_size_e4 = of_band_e4
    return price_e4 % tick_size_e4 != 0


def wrong_notional(command: Place, book: Book) -> Refused | None:
    """Price times quantity, or the amount, is at most the instrument's limit: the higher where there are two. Without one that of
    the stop, or of the last trade, or the reference price, counts.
    """
    most_e4 = book.instrument.max_notional_e4
    if not most_e4:
        return None
    if command.amount_e4 > most_e4:
        return Refused(Reason.NOTIONAL_OUT_OF_LIMITS, "amount_e4", str(command.amount_e4))
    price_e4 = max(command.price_e4, command.terms.stop_limit_price_e4)
    price_e4 = price_e4 or (command.terms.stop_price_e4 if command.type == STOP else 0) or book.compared_e4
    if not command.amount_e4 and price_e4 * command.quantity > most_e4:
        return Refused(Reason.NOTIONAL_OUT_OF_LIMITS, "quantity", str(command.quantity))
    return None


def wrong_replace(
    order: Order, command: Replace, book: Book, open_quantity: int, held_fee_e6: int, *, unpriced: bool
) -> Refused | None:
    """Why the order, which may be a sell that has no price, cannot be replaced; whether it may post is for the book to say."""
    instrument, price_e4, quantity = book.instrument, command.price_e4, command.quantity
    wrong = wrong_phase(book)
    if price_e4 or not unpriced:
        wrong = wrong or wrong_price(price_e4, instrument)
    if not unpriced:
        wrong = wrong or outside_collar(price_e4, book)
    wrong = wrong or wrong_quantity(quantity, instrument)
    if wrong is not None:
        return wrong
    if open_quantity <= 0:
        return Refused(Reason.QUANTITY_BELOW_EXECUTED, "quantity", str(quantity))
    counted_e4 = order.stop_e4 or book.compared_e4 if unpriced else max(price_e4, order.bound_e4(price_e4))
    if instrument.max_notional_e4 and counted_e4 * quantity > instrument.max_notional_e4:
        return Refused(Reason.NOTIONAL_OUT_OF_LIMITS, "quantity", str(quantity))
    wrong = wrong_extra(order, command, open_quantity, held_fee_e6)
    return wrong or wrong_terms(order, command)


def wrong_time(command: Place, book: Book) -> Refused | None:
    """Orders that need continuous trading are not taken in an auction, those for an auction only in theirs."""
    time_in_force, terms = command.time_in_force, command.terms
    collects = book.phase == Phase.AUCTION
    theirs = {GOOD_FOR_AUCTION: collects, AT_OPEN: collects and book.auction == AuctionKind.OPENING}
    if not theirs.get(time_in_force, True):  # type: ignore[call-overload]
        return Refused(Reason.MARKET_NOT_IN_AUCTION, "time_in_force", str(time_in_force))
    if not collects:
        return None
    if time_in_force in (IOC, FOK):
        return Refused(Reason.MARKET_IN_AUCTION, "time_in_force", str(time_in_force))
    for field in ("post_only", "minimum_quantity", "peg"):
        if getattr(terms, field):
            return Refused(Reason.MARKET_IN_AUCTION, field, str(getattr(terms, field)))
    return None


def wrong_phase(book: Book) -> Refused | None:
    if book.phase in (OPEN, Phase.AUCTION):
        return None
    if book.listing != Listing.LISTED:
        return not_traded(book)
    reason = Reason.MARKET_HALTED if book.phase == Phase.HALTED else Reason.MARKET_CLOSED
    return Refused(reason, "symbol", book.instrument.symbol)


def not_traded(book: Book) -> Refused:
    """That an instrument is suspended or delisted."""
    suspended = book.listing == Listing.SUSPENDED
    reason = Reason.INSTRUMENT_SUSPENDED if suspended else Reason.INSTRUMENT_DELISTED
    return Refused(reason, "symbol", book.instrument.symbol)


def wrong_price(price_e4: int, instrument: Instrument) -> Refused | None:
    off_tick = is_off_tick(price_e4, instrument)
    if instrument.min_price_e4 <= price_e4 <= instrument.max_price_e4 and not off_tick:
        return None
    if price_e4 <= 0:
        reason = Reason.PRICE_INVALID
    elif off_tick:
        reason = Reason.PRICE_OFF_TICK
    else:
        reason = Reason.PRICE_OUT_OF_LIMITS
    return Refused(reason, "price_e4", str(price_e4))


def outside_collar(price_e4: int, book: Book) -> Refused | None:
    """A price is at most so many 1/10 000 of the reference price away from it."""
    if not book.reference_e4 or not book.instrument.static_collar_bp:
        return None
    away_e4 = Fraction(book.reference_e4 * book.instrument.static_collar_bp, 10_000)
    if book.reference_e4 - away_e4 <= price_e4 <= book.reference_e4 + away_e4:
        return None
    return Refused(Reason.PRICE_OUTSIDE_COLLAR, "price_e4", str(price_e4))


def wrong_quantity(quantity: int, instrument: Instrument) -> Refused | None:
    if 0 < quantity <= instrument.max_quantity and not quantity % instrument.lot_size:
        return None
    if quantity <= 0:
        reason = Reason.QUANTITY_INVALID
    elif quantity % instrument.lot_size:
        reason = Reason.QUANTITY_OFF_LOT
    else:
        reason = Reason.QUANTITY_OUT_OF_LIMITS
    return Refused(reason, "quantity", str(quantity))


def wrong_bound(command: Place, book: Book) -> Refused | None:
    """A MARKET buy names a price or, if it is for no auction, an amount, all others no amount; a sell that is no limit order
    names no price.
    """
    price_e4, amount_e4 = command.price_e4, command.amount_e4
    collected = book.phase == Phase.AUCTION or command.time_in_force == AT_CLOSE
    if command.type == MARKET:
        if (
            command.side == BUY
            and (price_e4 > 0) != (amount_e4 > 0)
            and amount_e4 >= 0
            and not (amount_e4 and collected)
        ):
            return None
        if command.side != BUY and not amount_e4:
            return Refused(Reason.PRICE_INVALID, "price_e4", str(price_e4)) if price_e4 else None
        return Refused(Reason.AMOUNT_INVALID, "amount_e4", str(amount_e4))
    if amount_e4:
        return Refused(Reason.AMOUNT_INVALID, "amount_e4", str(amount_e4))
    return Refused(Reason.PRICE_INVALID, "price_e4", str(price_e4)) if price_e4 and not is_priced(command) else None


def wrong_hold(command: Place) -> Refused | None:
    """A buy is held at its price or above with the highest fee, or by its amount, at no price; a sell by its shares."""
    quantity, held_amount = command.quantity, command.held_amount
    if command.side != BUY:
        needed = quantity
    elif command.amount_e4:
        needed = command.amount_e4
        if command.held_price_e4:
            return Refused(Reason.HOLD_TOO_SMALL, "held_price_e4", str(command.held_price_e4))
    else:
        bound_e4 = command.terms.stop_limit_price_e4 if command.type == ONE_CANCELS_OTHER else command.price_e4
        needed = worst(max(command.held_price_e4, bound_e4), quantity, command.held_fee_e6)
        if needed > INT64_MAX:
            return Refused(Reason.NOTIONAL_OVERFLOW, "quantity", str(quantity))
        if command.held_price_e4 < bound_e4:
            return Refused(Reason.HOLD_TOO_SMALL, "held_price_e4", str(command.held_price_e4))
    if held_amount < needed or not command.hold_id:
        return Refused(Reason.HOLD_TOO_SMALL, "held_amount", str(held_amount))
    return None


def wrong_extra(order: Order, command: Replace, open_quantity: int, held_fee_e6: int) -> Refused | None:
    """What is still held and the extra cover the worst cost of the new remainder."""
    extra = command.held_amount if command.hold_id else 0
    if order.side == BUY:
        held = worst(order.held_price_e4, order.open, order.held_fee_e6)
        needed = worst(order.bound_e4(command.price_e4), open_quantity, held_fee_e6)
    else:
        held, needed = order.open, open_quantity
    if needed > INT64_MAX:
        return Refused(Reason.NOTIONAL_OVERFLOW, "quantity", str(command.quantity))
    return Refused(Reason.HOLD_TOO_SMALL, "held_amount", str(extra)) if needed > held + extra else None


def wrong_terms(order: Order, command: Replace) -> Refused | None:
    """What the order asked for when it was placed goes with what it is to be."""
    if order.is_iceberg and command.quantity > order.terms.display_quantity * PEAKS_LIMIT:
        return Refused(Reason.DISPLAY_QUANTITY_INVALID, "quantity", str(command.quantity))
    if order.pairs and not order.is_short_of_stop(command.price_e4):
        return Refused(Reason.STOP_PRICE_INVALID, "price_e4", str(command.price_e4))
    return None


def called_price(order: Order, bid_e4: int, ask_e4: int, book: Book) -> int:
    """The price at which a pegged order is to stand, on the passive side of what it follows; 0 for none."""
    instrument = book.instrument
    peg, tick_e4 = order.terms.peg, instrument.tick_size_e4
    if (not bid_e4 and peg != Peg.ASK) or (not ask_e4 and peg != Peg.BID):
        return 0
    followed = {Peg.BID: Fraction(bid_e4), Peg.ASK: Fraction(ask_e4), Peg.MIDDLE: Fraction(bid_e4 + ask_e4, 2)}[
        Peg(peg)
    ]
    wanted = (followed + order.terms.peg_offset_e4) / tick_e4
    price_e4 = (floor(wanted) if order.side == BUY else ceil(wanted)) * tick_e4
    if price_e4 > 0 and is_off_tick(price_e4, instrument):
        price_e4 = price_next_to(price_e4, order.side, instrument)
    price_e4 = min(price_e4, order.limit_e4) if order.side == BUY else max(price_e4, order.limit_e4)
    if price_e4:
        price_e4 = book.banded(order.side, price_e4)
    return price_e4 if instrument.min_price_e4 <= price_e4 <= instrument.max_price_e4 else 0
