"""What the fields alone say about a command: refused for good, or where it goes and what must be held for it.

Source: bourse/types/v1/command.proto and market.proto. What needs the state of a book or of an order is svc_match's to reject.
"""

import re
from datetime import date
from functools import lru_cache
from typing import NamedTuple

from chassis.units import EXCHANGE_ACCOUNTS, INT64_MAX, MAX_SEQUENCE, sequence_of, shard_of, worst
from svc_order.core import quotes
from svc_order.core.commands import (
    AUCTIONS,
    BUY,
    MARKET,
    ONE_CANCELS_OTHER,
    SELL,
    STOP,
    UNSPECIFIED,
    Cancel,
    Command,
    MassCancel,
    MassQuote,
    Place,
    RenewLease,
    Replace,
)
from svc_order.core.reference import Instrument, Reference, Shard
from svc_order.core.refused import Refused, refused
from svc_order.core.terms import PRICED, TYPE_NAMES, check_terms, check_words

CLIENT_ORDER_ID_LIMIT = 36
TRACEPARENT_LIMIT = 55
GRACE_MS = 1_000, 300_000
CACHED_NAMES = 65_536
CACHED_DATES = 1_024

_ACCOUNT = re.compile(r"[a-z][a-z0-9-]{0,19}/[a-z0-9-]{1,15}")
_SYMBOL = re.compile(r"[A-Z0-9.]{1,12}")


class Need(NamedTuple):
    """What the ledger is asked to hold; fields as bourse.ledger.v1.HoldRequest. Which side a replaced order is on, it knows."""

    asset: str
    quantity: int
    held_price_e4: int
    held_fee_e6: int
    amount_e4: int
    replace: bool = False
    order_id: int = 0
    original_client_order_id: str = ""
    symbol: str = ""
    fixed_price: bool = False


class Route(NamedTuple):
    """A command that may be tried: its shard, and the hold that it needs, None for none; a mass quote needs one a side."""

    shard: int
    need: Need | tuple[quotes.Leg, ...] | None


class Everywhere(NamedTuple):
    """A command that goes to every shard: a command of its own on each."""

    routes: tuple[Route, ...]


class Stale(NamedTuple):
    """A refusal that newer reference data could turn: look once more before it is given."""

    refused: Refused


def check(command: Command, participant: str, reference: Reference) -> Route | Everywhere | Stale | Refused:
    """What the fields of `command` of `participant`'s session say."""
    wrong = _identity(command, participant)
    if wrong is not None:
        return wrong
    if isinstance(command, Place):
        return _place(command, reference)
    if isinstance(command, MassCancel):
        return _mass_cancel(command, reference)
    if isinstance(command, MassQuote):
        return _mass_quote(command, reference)
    if isinstance(command, RenewLease):
        return _renew_lease(command, reference)
    return _change(command, reference)


def _identity(command: Command, participant: str) -> Refused | None:
    account, client_order_id = command.account, command.client_order_id
    if not _valid_account(account) or account.startswith(EXCHANGE_ACCOUNTS):
        return refused(
            "ACCOUNT_INVALID",
            "an account is <participant>/<name>",
            field="account",
            value=account,
            fix="name one of your accounts, such as alpha/main",
        )
    if account[: account.index("/")] != participant:
        return refused(
            "ACCOUNT_NOT_YOURS",
            f"the account is not of participant {participant!r}",
            field="account",
            value=account,
            fix=f"name an account that begins with {participant}/",
        )
    if not valid_client_order_id(client_order_id):
        return refused(
            "CLIENT_ORDER_ID_INVALID",
            f"a client_order_id is 1 to {CLIENT_ORDER_ID_LIMIT} printable ASCII characters without blanks",
            field="client_order_id",
            value=client_order_id,
            fix="send an id of your own, unique for the account and trading date",
        )
    if not isinstance(command, RenewLease) and not _valid_date(command.trading_date):
        return refused(
            "TRADING_DATE_INVALID",
            "a trading date is yyyymmdd",
            field="trading_date",
            value=command.trading_date,
            fix="send the open trading date, such as 20260105",
        )
    if len(command.traceparent) > TRACEPARENT_LIMIT:
        return refused(
            "TRACEPARENT_INVALID",
            f"a traceparent has at most {TRACEPARENT_LIMIT} characters",
            field="traceparent",
            value=command.traceparent,
            fix="send a W3C traceparent, or none",
        )
    return None


def _place(place: Place, reference: Reference) -> Route | Stale | Refused:
    if not _SYMBOL.fullmatch(place.symbol):
        return _bad_symbol(place.symbol)
    wrong = _side(place) or check_words(place) or (_lease(place.lease) if place.lease else None)
    if wrong is not None:
        return wrong
    instrument = reference.instruments.get(place.symbol)
    if instrument is None:
        return _unknown_symbol(place.symbol)
    wrong = (
        _quantity(place.quantity, instrument)
        or _price(place, instrument)
        or check_terms(place, instrument.lot_size)
        or _stop_prices(place, instrument)
        or _notional(place, instrument)
    )
    if wrong is not None:
        return wrong
    need = _need(place, instrument)
    if isinstance(need, Refused):
        return need
    return _dated(place.trading_date, reference.shards.get(instrument.shard), Route(instrument.shard, need))


def _side(place: Place) -> Refused | None:
    if place.side not in (BUY, SELL):
        return refused("SIDE_INVALID", "an order buys or sells", field="side", value=place.side, fix="send BUY or SELL")
    return None


def _price(place: Place, instrument: Instrument) -> Refused | None:
    takes_amount = place.type == MARKET and place.side == BUY and place.time_in_force not in AUCTIONS
    bounded_by_amount = takes_amount and place.price_e4 == 0
    if bounded_by_amount:
        if place.amount_e4 > 0:
            return None
        return _bad_amount(place.amount_e4, "a MARKET buy names price_e4 or a positive amount_e4 as its bound")
    if place.amount_e4 != 0:
        return _bad_amount(place.amount_e4, "only a MARKET buy without price_e4, and for no auction, names an amount")
    if place.type not in PRICED and place.side == SELL:
        if place.price_e4 == 0:
            return None
        message = f"a {TYPE_NAMES[place.type]} sell names no price"
        return _bad_price("PRICE_INVALID", place.price_e4, message, "send 0")
    return _limits(place.price_e4, instrument)


def _stop_prices(place: Place, instrument: Instrument) -> Refused | None:
    for field in ("stop_price_e4", "stop_limit_price_e4"):
        price_e4 = getattr(place.terms, field)
        wrong = _limits(price_e4, instrument, field) if price_e4 else None
        if wrong is not None:
            return wrong
    return None


def _limits(price_e4: int, instrument: Instrument, field: str = "price_e4") -> Refused | None:
    if price_e4 <= 0:
        message, fix = "a price is positive", "send a price in 1/10 000 of the currency"
        return _bad_price("PRICE_INVALID", price_e4, message, fix, field)
    if price_e4 % instrument.tick_at(price_e4):
        message = f"a price there is a multiple of {instrument.tick_at(price_e4)}"
        fix = f"send {_nearest(price_e4, instrument)}"
        return _bad_price("PRICE_OFF_TICK", price_e4, message, fix, field)
    if not instrument.min_price_e4 <= price_e4 <= instrument.max_price_e4:
        span = f"{instrument.min_price_e4} to {instrument.max_price_e4}"
        message, fix = f"{instrument.symbol} takes prices of {span}", f"send {span}"
        return _bad_price("PRICE_OUT_OF_LIMITS", price_e4, message, fix, field)
    return None


def _nearest(price_e4: int, instrument: Instrument) -> str:
    """The prices that the instrument takes next to one that is off its ticks: two, or one at a limit."""
    tick_size_e4 = instrument.tick_at(price_e4)
    down = price_e4 - price_e4 % tick_size_e4
    next_band_e4 = [start for start, _ in instrument.tick_bands if start > price_e4][:1]
    up = min([down + tick_size_e4, *next_band_e4])
    lowest, highest = instrument.min_price_e4, instrument.max_price_e4
    near = {min(max(price, lowest), highest) for price in (down, up)}
    return " or ".join(map(str, sorted(near)))


def _quantity(quantity: int, instrument: Instrument) -> Refused | None:
    if quantity <= 0:
        return _bad_quantity("QUANTITY_INVALID", quantity, "a quantity is positive", "send at least one lot")
    if quantity % instrument.lot_size:
        lot = instrument.lot_size
        return _bad_quantity(
            "QUANTITY_OFF_LOT", quantity, f"a quantity is a multiple of {lot}", f"send a multiple of {lot}"
        )
    if quantity > instrument.max_quantity:
        most = instrument.max_quantity
        return _bad_quantity(
            "QUANTITY_OUT_OF_LIMITS", quantity, f"an order has at most {most} shares", f"send at most {most}"
        )
    return None


def _notional(place: Place, instrument: Instrument) -> Refused | None:
    """What an order without a price comes to, svc_match knows."""
    if not instrument.max_notional_e4:
        return None
    price_e4 = max(place.price_e4, place.terms.stop_limit_price_e4)
    price_e4 = price_e4 or (place.terms.stop_price_e4 if place.type == STOP else 0)
    if place.amount_e4 > instrument.max_notional_e4:
        return _bad_notional("amount_e4", place.amount_e4, instrument)
    return _worth(price_e4, place.quantity, instrument)


def _worth(price_e4: int, quantity: int, instrument: Instrument) -> Refused | None:
    if instrument.max_notional_e4 and price_e4 * quantity > instrument.max_notional_e4:
        return _bad_notional("quantity", quantity, instrument)
    return None


def _need(place: Place, instrument: Instrument) -> Need | Refused:
    if place.side == SELL:
        if place.price_e4 * place.quantity > INT64_MAX:
            return _overflow(place.quantity)
        return Need(place.symbol, place.quantity, 0, 0, 0)
    fee_e6 = instrument.highest_fee_e6
    if place.amount_e4:
        return Need(instrument.currency, place.quantity, 0, fee_e6, place.amount_e4)
    fixed = place.type == ONE_CANCELS_OTHER  # A replace changes the lower of the two prices that it may come to pay.
    price_e4 = place.terms.stop_limit_price_e4 if fixed else place.price_e4
    if worst(price_e4, place.quantity, fee_e6) > INT64_MAX:
        return _overflow(place.quantity)
    return Need(instrument.currency, place.quantity, price_e4, fee_e6, 0, fixed_price=fixed)


def _change(command: Cancel | Replace, reference: Reference) -> Route | Stale | Refused:
    wrong = _name(command)
    if wrong is not None:
        return wrong
    instrument = reference.instruments.get(command.symbol)
    if command.symbol and instrument is None:
        return _unknown_symbol(command.symbol)
    shard = shard_of(command.order_id) if command.order_id else instrument.shard if instrument else -1
    if shard not in reference.shard_numbers or (instrument is not None and instrument.shard != shard):
        return unknown_order(command)
    need = None
    if isinstance(command, Replace):
        if instrument is None:
            return unknown_order(command)
        price_e4, quantity = command.price_e4, command.quantity
        bad = _quantity(quantity, instrument)
        if price_e4 != 0:  # none is right for a sell without a price: svc_match knows
            bad = bad or _limits(price_e4, instrument) or _worth(price_e4, quantity, instrument)
        if bad is not None:
            return bad
        if worst(command.price_e4, command.quantity, instrument.highest_fee_e6) > INT64_MAX:
            return _overflow(command.quantity)
        need = Need(
            instrument.currency,
            command.quantity,
            command.price_e4,
            instrument.highest_fee_e6,
            0,
            True,
            command.order_id,
            command.original_client_order_id,
            command.symbol,
        )
    return _dated(command.trading_date, reference.shards.get(shard), Route(shard, need))


def _mass_cancel(command: MassCancel, reference: Reference) -> Route | Everywhere | Stale | Refused:
    if command.side not in (UNSPECIFIED, BUY, SELL):
        message, fix = "orders buy or sell", "send BUY or SELL, or nothing for both"
        return refused("SIDE_INVALID", message, field="side", value=command.side, fix=fix)
    if command.symbol:
        if not _SYMBOL.fullmatch(command.symbol):
            return _bad_symbol(command.symbol)
        instrument = reference.instruments.get(command.symbol)
        if instrument is None:
            return _unknown_symbol(command.symbol)
        return _dated(command.trading_date, reference.shards.get(instrument.shard), Route(instrument.shard, None))
    routes = []
    for shard in sorted(reference.shard_numbers):
        route = _dated(command.trading_date, reference.shards.get(shard), Route(shard, None))
        if not isinstance(route, Route):
            return route
        routes.append(route)
    return Everywhere(tuple(routes))


def _mass_quote(command: MassQuote, reference: Reference) -> Route | Stale | Refused:
    wrong = quotes.wrong(command) or (_lease(command.lease) if command.lease else None)
    if wrong is not None:
        return wrong
    shard = -1
    for number, entry in enumerate(command.entries):
        instrument = reference.instruments.get(entry.symbol)
        if not _SYMBOL.fullmatch(entry.symbol):
            return _at(f"entries[{number}].", _bad_symbol(entry.symbol))
        if instrument is None:
            unknown = _unknown_symbol(entry.symbol)
            return unknown._replace(refused=_at(f"entries[{number}].", unknown.refused))
        shard = instrument.shard if shard < 0 else shard
        if instrument.shard != shard:
            message, fix = "the instruments of a mass quote are of one shard", "send a mass quote for each shard"
            field = f"entries[{number}].symbol"
            return refused("QUOTE_INVALID", message, field=field, value=entry.symbol, fix=fix)
    sides = quotes.sides(command)
    for side in sides:
        instrument = reference.instruments[side.symbol]
        bad = (
            _quantity(side.quantity, instrument)
            or _limits(side.price_e4, instrument)
            or _worth(side.price_e4, side.quantity, instrument)
        )
        if bad is not None:
            return _at(f"{side.field}_", bad)
    legs = quotes.legs(sides, reference.instruments)
    if isinstance(legs, Refused):
        return legs
    return _dated(command.trading_date, reference.shards.get(shard), Route(shard, legs or None))


def _at(place: str, why: Refused) -> Refused:
    """A refusal of a field that stands in a part of its command."""
    return why._replace(metadata={**why.metadata, "field": place + why.metadata["field"]})


def _renew_lease(command: RenewLease, reference: Reference) -> Everywhere | Refused:
    low, high = GRACE_MS
    if not low <= command.grace_ms <= high:
        message, fix = f"a lease stands for {low} to {high} ms", "send such a number"
        return refused("LEASE_INVALID", message, field="grace_ms", value=command.grace_ms, fix=fix)
    routes = tuple(Route(shard, None) for shard in sorted(reference.shard_numbers))
    return _lease(command.lease) or Everywhere(routes)


def _lease(name: str) -> Refused | None:
    if valid_client_order_id(name):
        return None
    message = f"a lease's name is 1 to {CLIENT_ORDER_ID_LIMIT} printable ASCII characters without blanks"
    return refused("LEASE_INVALID", message, field="lease", value=name, fix="name the session's lease so")


def _name(command: Cancel | Replace) -> Refused | None:
    field, value, message = "order_id", str(command.order_id), ""
    if command.order_id < 0 or (command.order_id and not 1 <= sequence_of(command.order_id) <= MAX_SEQUENCE):
        message = "an order_id is positive"
    elif command.order_id and command.original_client_order_id:
        message = "order_id and original_client_order_id exclude each other"
    elif not command.order_id and not command.original_client_order_id:
        message = "the order is named by order_id, or by original_client_order_id and symbol"
    elif command.original_client_order_id and not valid_client_order_id(command.original_client_order_id):
        field, value = "original_client_order_id", command.original_client_order_id
        message = "it is no client_order_id"
    if message:
        return refused(
            "ORDER_NAME_INVALID", message, field=field, value=value, fix="name the order in one of the two ways"
        )
    if command.symbol and not _SYMBOL.fullmatch(command.symbol):
        return _bad_symbol(command.symbol)
    if command.original_client_order_id and not command.symbol:
        return refused(
            "ORDER_NAME_INVALID",
            "original_client_order_id goes with the order's symbol",
            field="symbol",
            value="",
            fix="send the order's symbol",
        )
    return None


def _dated(trading_date: int, shard: Shard | None, route: Route) -> Route | Stale | Refused:
    """A past date goes to the core without a hold: it can never open again, and the journal may have a first result."""
    if shard is None or trading_date == shard.trading_date:
        return route
    if trading_date < shard.trading_date or trading_date <= shard.closed_date:
        return Route(route.shard, None)
    if not shard.trading_date and not shard.closed_date:
        return route
    is_open = str(shard.trading_date) if shard.trading_date else "none"
    return Stale(
        refused(
            "TRADING_DATE_WRONG",
            f"the open trading date is {is_open}",
            field="trading_date",
            value=trading_date,
            fix=f"send the date on which you first sent the command; open is {is_open}",
        )
    )


def unknown_order(command: Cancel | Replace) -> Refused:
    """ORDER_UNKNOWN, by the name that the command used."""
    field = "order_id" if command.order_id else "original_client_order_id"
    return refused(
        "ORDER_UNKNOWN",
        "the account has no such order",
        field=field,
        value=getattr(command, field),
        fix="name an order of this account, with its symbol",
    )


def valid_client_order_id(text: str) -> bool:
    """Whether `text` is 1 to 36 printable ASCII characters without blanks."""
    return 1 <= len(text) <= CLIENT_ORDER_ID_LIMIT and text.isascii() and text.isprintable() and " " not in text


@lru_cache(CACHED_NAMES)
def _valid_account(account: str) -> bool:
    return _ACCOUNT.fullmatch(account) is not None


@lru_cache(CACHED_DATES)
def _valid_date(number: int) -> bool:
    try:
        return number >= 1_00_00 and bool(date(number // 1_00_00, number // 100 % 100, number % 100))
    except ValueError:
        return False


def _bad_symbol(symbol: str) -> Refused:
    return refused(
        "SYMBOL_INVALID", "a symbol is 1 to 12 of A-Z, 0-9 and '.'", field="symbol", value=symbol, fix="send a ticker"
    )


def _unknown_symbol(symbol: str) -> Stale:
    return Stale(
        refused("SYMBOL_UNKNOWN", "no such instrument", field="symbol", value=symbol, fix="see `bourse instruments`")
    )


def _bad_amount(amount_e4: int, message: str) -> Refused:
    return refused(
        "AMOUNT_INVALID", message, field="amount_e4", value=amount_e4, fix="send price_e4 or amount_e4, not both"
    )


def _bad_price(reason: str, price_e4: int, message: str, fix: str, field: str = "price_e4") -> Refused:
    return refused(reason, message, field=field, value=price_e4, fix=fix)


def _bad_quantity(reason: str, quantity: int, message: str, fix: str) -> Refused:
    return refused(reason, message, field="quantity", value=quantity, fix=fix)


def _bad_notional(field: str, value: int, instrument: Instrument) -> Refused:
    most = instrument.max_notional_e4
    message = f"an order in {instrument.symbol} is worth at most {most}"
    return refused("NOTIONAL_OUT_OF_LIMITS", message, field=field, value=value, fix="split the order")


def _overflow(quantity: int) -> Refused:
    return refused(
        "NOTIONAL_OVERFLOW",
        "price times quantity, with the fee, exceeds int64",
        field="quantity",
        value=quantity,
        fix="send a smaller quantity",
    )
