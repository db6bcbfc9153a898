"""A bad command is refused by name, changes nothing, and spoils no neighbour: each in a call of its own, and in a batch."""

from collections.abc import Callable
from typing import Any, NamedTuple

import grpc
import pytest

from bourse.match.v1 import match_pb2
from bourse.order.v1 import order_pb2
from bourse.types.v1 import command_pb2, market_pb2
from tests.bad_input.desk import (
    HIGHEST_E4,
    LOWEST_E4,
    UNKNOWN_ORDER,
    Desk,
    Floor,
    Info,
    cancel,
    info,
    mass_cancel,
    mass_quote,
    new_id,
    place,
    refusal,
    renew_lease,
    replace,
    require_whole,
    unchanged,
)
from tests.exchange import TRADING_DATE

INT64_MAX = (1 << 63) - 1
SELL = market_pb2.SIDE_SELL
MARKET = command_pb2.ORDER_TYPE_MARKET
UNSPECIFIED, DAY = command_pb2.TIME_IN_FORCE_UNSPECIFIED, command_pb2.TIME_IN_FORCE_DAY
GTD = command_pb2.TIME_IN_FORCE_GTD
REFUSED, REJECTED = command_pb2.OUTCOME_REFUSED, command_pb2.OUTCOME_REJECTED
Make = Callable[[Floor], command_pb2.OrderCommand]
Value = Callable[[Floor], object] | None


class Bad(NamedTuple):
    """A bad command; `value` is what its `field` holds unless given. On record it is REJECTED, otherwise REFUSED."""

    name: str
    make: Make
    code: str
    reason: str
    field: str
    value: Value = None
    on_record: bool = False


def bad_place(name: str, code: str, reason: str, field: str, /, **fields: Any) -> Bad:
    return Bad(name, lambda floor: place(floor.account, **fields), code, reason, field)


def bad_change(
    name: str, make: Make, code: str, reason: str, field: str, value: Value = None, *, on_record: bool = False
) -> Bad:
    return Bad(name, make, code, reason, field, value, on_record)


PLACES = [
    bad_place("symbol-unknown", "NOT_FOUND", "SYMBOL_UNKNOWN", "symbol", symbol="NOPE"),
    bad_place("symbol-empty", "INVALID_ARGUMENT", "SYMBOL_INVALID", "symbol", symbol=""),
    bad_place("symbol-nonsense", "INVALID_ARGUMENT", "SYMBOL_INVALID", "symbol", symbol="acme; drop"),
    Bad("account-unknown", lambda floor: place(f"{floor.participant}/nope"), "NOT_FOUND", "ACCOUNT_UNKNOWN", "account"),
    Bad("account-foreign", lambda floor: place(floor.other), "PERMISSION_DENIED", "ACCOUNT_NOT_YOURS", "account"),
    Bad("account-empty", lambda _: place(""), "INVALID_ARGUMENT", "ACCOUNT_INVALID", "account"),
    Bad("account-nonsense", lambda _: place("p1'/--"), "INVALID_ARGUMENT", "ACCOUNT_INVALID", "account"),
    bad_place("price-off-tick", "INVALID_ARGUMENT", "PRICE_OFF_TICK", "price_e4", price_e4=10_0001),
    bad_place("price-0", "INVALID_ARGUMENT", "PRICE_INVALID", "price_e4", price_e4=0),
    bad_place("price-negative", "INVALID_ARGUMENT", "PRICE_INVALID", "price_e4", price_e4=-100),
    bad_place("price-least-int64", "INVALID_ARGUMENT", "PRICE_INVALID", "price_e4", price_e4=-(1 << 63)),
    bad_place("price-low", "INVALID_ARGUMENT", "PRICE_OUT_OF_LIMITS", "price_e4", symbol="WIDE", price_e4=9900),
    bad_place("price-high", "INVALID_ARGUMENT", "PRICE_OUT_OF_LIMITS", "price_e4", price_e4=HIGHEST_E4 + 100),
    bad_place(
        "price-greatest-int64", "INVALID_ARGUMENT", "PRICE_OUT_OF_LIMITS", "price_e4", price_e4=INT64_MAX // 100 * 100
    ),
    bad_place(
        "price-of-market-sell", "INVALID_ARGUMENT", "PRICE_INVALID", "price_e4",
        side=SELL, type=MARKET, time_in_force=UNSPECIFIED,
    ),
    bad_place(
        "notional-over-int64", "INVALID_ARGUMENT", "NOTIONAL_OVERFLOW", "quantity",
        symbol="WIDE", price_e4=10**13, quantity=10**12,
    ),
    bad_place(
        "notional-over-int64-of-sell", "INVALID_ARGUMENT", "NOTIONAL_OVERFLOW", "quantity",
        symbol="WIDE", side=SELL, price_e4=10**13, quantity=10**12,
    ),
    bad_place("quantity-0", "INVALID_ARGUMENT", "QUANTITY_INVALID", "quantity", quantity=0),
    bad_place("quantity-negative", "INVALID_ARGUMENT", "QUANTITY_INVALID", "quantity", quantity=-10),
    bad_place(
        "quantity-off-lot", "INVALID_ARGUMENT", "QUANTITY_OFF_LOT", "quantity",
        symbol="WIDE", price_e4=1_0000, quantity=15,
    ),
    bad_place("quantity-large", "INVALID_ARGUMENT", "QUANTITY_OUT_OF_LIMITS", "quantity", quantity=1_000_001),
    bad_place("quantity-greatest", "INVALID_ARGUMENT", "QUANTITY_OUT_OF_LIMITS", "quantity", quantity=INT64_MAX),
    bad_place("amount-of-limit", "INVALID_ARGUMENT", "AMOUNT_INVALID", "amount_e4", amount_e4=1),
    bad_place(
        "amount-missing", "INVALID_ARGUMENT", "AMOUNT_INVALID", "amount_e4",
        type=MARKET, time_in_force=UNSPECIFIED, price_e4=0,
    ),
    bad_place(
        "amount-negative", "INVALID_ARGUMENT", "AMOUNT_INVALID", "amount_e4",
        type=MARKET, time_in_force=UNSPECIFIED, price_e4=0, amount_e4=-1,
    ),
    bad_place("id-missing", "INVALID_ARGUMENT", "CLIENT_ORDER_ID_INVALID", "client_order_id", client_order_id=""),
    bad_place("id-overlong", "INVALID_ARGUMENT", "CLIENT_ORDER_ID_INVALID", "client_order_id", client_order_id="x" * 37),
    bad_place("id-not-ascii", "INVALID_ARGUMENT", "CLIENT_ORDER_ID_INVALID", "client_order_id", client_order_id="año"),
    bad_place("id-blank", "INVALID_ARGUMENT", "CLIENT_ORDER_ID_INVALID", "client_order_id", client_order_id="a b"),
    bad_place("id-control", "INVALID_ARGUMENT", "CLIENT_ORDER_ID_INVALID", "client_order_id", client_order_id="a\0b"),
    bad_place("date-past", "FAILED_PRECONDITION", "TRADING_DATE_WRONG", "trading_date", trading_date=20260102),
    bad_place("date-future", "FAILED_PRECONDITION", "TRADING_DATE_WRONG", "trading_date", trading_date=20260106),
    bad_place("date-missing", "INVALID_ARGUMENT", "TRADING_DATE_INVALID", "trading_date", trading_date=0),
    bad_place("date-nonsense", "INVALID_ARGUMENT", "TRADING_DATE_INVALID", "trading_date", trading_date=20260230),
    bad_place("date-negative", "INVALID_ARGUMENT", "TRADING_DATE_INVALID", "trading_date", trading_date=-TRADING_DATE),
    *[
        bad_place(f"{field}-{value}-of-ioc", "INVALID_ARGUMENT", f"{field.upper()}_INVALID", field, **{field: value})
        for field, value in (
            ("display_quantity", 5), ("hidden", True), ("post_only", 1), ("minimum_quantity", 11), ("stop_trigger", 1),
            ("self_trade_prevention", 77),
        )
    ],
    bad_place("stop-price-of-limit", "INVALID_ARGUMENT", "STOP_PRICE_INVALID", "stop_price_e4", stop_price_e4=100),
    bad_place(
        "stop-price-missing", "INVALID_ARGUMENT", "STOP_PRICE_INVALID", "stop_price_e4",
        type=command_pb2.ORDER_TYPE_STOP_LIMIT, time_in_force=DAY,
    ),
    bad_place(
        "stop-price-off-tick", "INVALID_ARGUMENT", "PRICE_OFF_TICK", "stop_price_e4",
        type=command_pb2.ORDER_TYPE_STOP_LIMIT, time_in_force=DAY, stop_price_e4=10_0001,
    ),
    bad_place(
        "stop-for-ioc", "INVALID_ARGUMENT", "TIME_IN_FORCE_INVALID", "time_in_force",
        type=command_pb2.ORDER_TYPE_STOP, stop_price_e4=100,
    ),
    bad_place(
        "stop-buy-without-bound", "INVALID_ARGUMENT", "PRICE_INVALID", "price_e4",
        type=command_pb2.ORDER_TYPE_STOP, time_in_force=DAY, stop_price_e4=100, price_e4=0,
    ),
    bad_place(
        "one-cancels-other-stop-at-limit", "INVALID_ARGUMENT", "STOP_PRICE_INVALID", "stop_price_e4",
        type=command_pb2.ORDER_TYPE_ONE_CANCELS_OTHER, time_in_force=DAY, price_e4=10_0000, stop_price_e4=10_0000,
        stop_limit_price_e4=10_0000,
    ),
    bad_place(
        "one-cancels-other-buy-without-bound", "INVALID_ARGUMENT", "STOP_LIMIT_PRICE_INVALID", "stop_limit_price_e4",
        type=command_pb2.ORDER_TYPE_ONE_CANCELS_OTHER, time_in_force=DAY, stop_price_e4=10_0500,
    ),
    bad_place("peg-of-limit", "INVALID_ARGUMENT", "PEG_INVALID", "peg", time_in_force=DAY, peg=1),
    bad_place(
        "peg-missing", "INVALID_ARGUMENT", "PEG_INVALID", "peg", type=command_pb2.ORDER_TYPE_PEGGED, time_in_force=DAY,
    ),
    bad_place("trailing-limit", "INVALID_ARGUMENT", "TRAILING_INVALID", "trailing_bp", time_in_force=DAY, trailing_bp=1),
    bad_place(
        "trailing-twice", "INVALID_ARGUMENT", "TRAILING_INVALID", "trailing_amount_e4",
        type=command_pb2.ORDER_TYPE_STOP_LIMIT, time_in_force=DAY, stop_price_e4=10_0000, trailing_amount_e4=1, trailing_bp=1,
    ),
    bad_place(
        "peak-of-all", "INVALID_ARGUMENT", "DISPLAY_QUANTITY_INVALID", "display_quantity",
        time_in_force=DAY, display_quantity=10,
    ),
    bad_place(
        "minimum-and-post-only", "INVALID_ARGUMENT", "MINIMUM_QUANTITY_INVALID", "minimum_quantity",
        time_in_force=DAY, minimum_quantity=10, post_only=1,
    ),
    bad_place("gtd-without-an-end", "INVALID_ARGUMENT", "EXPIRE_DATE_INVALID", "expire_date", time_in_force=GTD),
    bad_place("day-with-a-date", "INVALID_ARGUMENT", "EXPIRE_DATE_INVALID", "expire_date", time_in_force=DAY, expire_date=99991231),
    bad_place("date-that-is-none", "INVALID_ARGUMENT", "EXPIRE_DATE_INVALID", "expire_date", time_in_force=GTD, expire_date=99991331),
    bad_place("date-that-is-past", "INVALID_ARGUMENT", "EXPIRE_DATE_INVALID", "expire_date", time_in_force=GTD, expire_date=19700101),
    bad_place(
        "date-and-time", "INVALID_ARGUMENT", "EXPIRE_TIME_INVALID", "expire_time_us",
        time_in_force=GTD, expire_date=99991231, expire_time_us=1,
    ),
    bad_change(
        "time-that-is-past", lambda floor: place(floor.account, time_in_force=GTD, expire_time_us=1),
        "FAILED_PRECONDITION", "EXPIRE_TIME_PAST", "expire_time_us", on_record=True,
    ),
    bad_place("side-missing", "INVALID_ARGUMENT", "SIDE_INVALID", "side", side=0),
    bad_place("side-unknown", "INVALID_ARGUMENT", "SIDE_INVALID", "side", side=77),
    bad_place("type-missing", "INVALID_ARGUMENT", "ORDER_TYPE_INVALID", "type", type=0),
    bad_place("type-unknown", "INVALID_ARGUMENT", "ORDER_TYPE_INVALID", "type", type=-5),
    bad_place("time-in-force-missing", "INVALID_ARGUMENT", "TIME_IN_FORCE_INVALID", "time_in_force", time_in_force=0),
    bad_place("time-in-force-unknown", "INVALID_ARGUMENT", "TIME_IN_FORCE_INVALID", "time_in_force", time_in_force=99),
    bad_place("time-in-force-of-market", "INVALID_ARGUMENT", "TIME_IN_FORCE_INVALID", "time_in_force",
        type=MARKET, time_in_force=command_pb2.TIME_IN_FORCE_DAY,
    ),
    bad_place(
        "cash-not-enough", "FAILED_PRECONDITION", "FUNDS_INSUFFICIENT", "quantity",
        price_e4=HIGHEST_E4, quantity=1_000_000,
    ),
    bad_place(
        "shares-not-enough", "FAILED_PRECONDITION", "FUNDS_INSUFFICIENT", "quantity",
        symbol="WIDE", side=SELL, price_e4=1_0000, quantity=10,
    ),
    Bad("command-missing", lambda _: command_pb2.OrderCommand(), "INVALID_ARGUMENT", "COMMAND_MISSING", "command", lambda _: ""),
]  # fmt: skip

CANCELS = [
    bad_change(
        "order-unknown", lambda floor: cancel(floor.account, order_id=UNKNOWN_ORDER),
        "NOT_FOUND", "ORDER_UNKNOWN", "order_id", on_record=True,
    ),
    bad_change(
        "order-of-no-shard", lambda floor: cancel(floor.account, order_id=77 << 48 | 1),
        "NOT_FOUND", "ORDER_UNKNOWN", "order_id",
    ),
    bad_change(
        "order-unknown-by-name",
        lambda floor: cancel(floor.account, original_client_order_id="nobody-s", symbol="ACME"),
        "NOT_FOUND", "ORDER_UNKNOWN", "original_client_order_id", on_record=True,
    ),
    bad_change(
        "order-foreign", lambda floor: cancel(floor.account, order_id=floor.foreign.order_id),
        "NOT_FOUND", "ORDER_UNKNOWN", "order_id", on_record=True,
    ),
    bad_change(
        "order-foreign-by-name",
        lambda floor: cancel(floor.account, original_client_order_id="foreign", symbol="ACME"),
        "NOT_FOUND", "ORDER_UNKNOWN", "original_client_order_id", on_record=True,
    ),
    bad_change(
        "account-foreign", lambda floor: cancel(floor.other, order_id=floor.foreign.order_id),
        "PERMISSION_DENIED", "ACCOUNT_NOT_YOURS", "account",
    ),
    bad_change(
        "order-of-another-symbol", lambda floor: cancel(floor.account, order_id=floor.resting.order_id, symbol="WIDE"),
        "NOT_FOUND", "ORDER_UNKNOWN", "order_id", on_record=True,
    ),
    bad_change(
        "order-cancelled", lambda floor: cancel(floor.account, order_id=floor.cancelled.order_id),
        "FAILED_PRECONDITION", "ORDER_FINISHED", "order_id", on_record=True,
    ),
    bad_change(
        "order-filled", lambda floor: cancel(floor.account, order_id=floor.filled.order_id),
        "FAILED_PRECONDITION", "ORDER_FINISHED", "order_id", on_record=True,
    ),
    bad_change(
        "order-not-named", lambda floor: cancel(floor.account), "INVALID_ARGUMENT", "ORDER_NAME_INVALID", "order_id",
    ),
    bad_change(
        "order-named-twice",
        lambda floor: cancel(floor.account, order_id=floor.resting.order_id, original_client_order_id="resting"),
        "INVALID_ARGUMENT", "ORDER_NAME_INVALID", "order_id",
    ),
    bad_change(
        "order-negative", lambda floor: cancel(floor.account, order_id=-1),
        "INVALID_ARGUMENT", "ORDER_NAME_INVALID", "order_id",
    ),
    bad_change(
        "order-name-overlong",
        lambda floor: cancel(floor.account, original_client_order_id="x" * 37, symbol="ACME"),
        "INVALID_ARGUMENT", "ORDER_NAME_INVALID", "original_client_order_id",
    ),
    bad_change(
        "symbol-missing", lambda floor: cancel(floor.account, original_client_order_id="resting"),
        "INVALID_ARGUMENT", "ORDER_NAME_INVALID", "symbol",
    ),
    bad_change(
        "symbol-unknown", lambda floor: cancel(floor.account, original_client_order_id="resting", symbol="NOPE"),
        "NOT_FOUND", "SYMBOL_UNKNOWN", "symbol",
    ),
    bad_change(
        "id-missing", lambda floor: cancel(floor.account, client_order_id="", order_id=floor.resting.order_id),
        "INVALID_ARGUMENT", "CLIENT_ORDER_ID_INVALID", "client_order_id",
    ),
    bad_change(
        "date-past", lambda floor: cancel(floor.account, trading_date=20260102, order_id=floor.resting.order_id),
        "FAILED_PRECONDITION", "TRADING_DATE_WRONG", "trading_date",
    ),
]  # fmt: skip


def change_partly(**fields: Any) -> Make:
    return lambda floor: replace(
        floor.account, **{"order_id": floor.partly.order_id, "symbol": "BRIO", "price_e4": LOWEST_E4, **fields}
    )


REPLACES = [
    bad_change(
        "order-unknown", lambda floor: replace(floor.account, order_id=UNKNOWN_ORDER, symbol="ACME"),
        "NOT_FOUND", "ORDER_UNKNOWN", "order_id", on_record=True,
    ),
    bad_change(
        "order-unknown-without-symbol", lambda floor: replace(floor.account, order_id=UNKNOWN_ORDER),
        "NOT_FOUND", "ORDER_UNKNOWN", "order_id",
    ),
    bad_change(
        "order-unknown-by-name",
        lambda floor: replace(floor.account, original_client_order_id="nobody-s", symbol="ACME"),
        "NOT_FOUND", "ORDER_UNKNOWN", "original_client_order_id", on_record=True,
    ),
    bad_change(
        "order-foreign", lambda floor: replace(floor.account, order_id=floor.foreign.order_id, symbol="ACME"),
        "NOT_FOUND", "ORDER_UNKNOWN", "order_id", on_record=True,
    ),
    bad_change(
        "account-foreign", lambda floor: replace(floor.other, order_id=floor.foreign.order_id, symbol="ACME"),
        "PERMISSION_DENIED", "ACCOUNT_NOT_YOURS", "account",
    ),
    bad_change(
        "order-filled", lambda floor: replace(floor.account, order_id=floor.filled.order_id, symbol="BRIO"),
        "FAILED_PRECONDITION", "ORDER_FINISHED", "order_id", on_record=True,
    ),
    bad_change(
        "order-cancelled", lambda floor: replace(floor.account, original_client_order_id="cancelled", symbol="ACME"),
        "FAILED_PRECONDITION", "ORDER_FINISHED", "order_id", lambda floor: floor.cancelled.order_id, on_record=True,
    ),
    bad_change(
        "quantity-below-executed", change_partly(quantity=3),
        "FAILED_PRECONDITION", "QUANTITY_BELOW_EXECUTED", "quantity", on_record=True,
    ),
    bad_change(
        "quantity-as-executed", change_partly(quantity=5),
        "FAILED_PRECONDITION", "QUANTITY_BELOW_EXECUTED", "quantity", on_record=True,
    ),
    bad_change("quantity-0", change_partly(quantity=0), "INVALID_ARGUMENT", "QUANTITY_INVALID", "quantity"),
    bad_change(
        "quantity-large", change_partly(quantity=1_000_001), "INVALID_ARGUMENT", "QUANTITY_OUT_OF_LIMITS", "quantity",
    ),
    bad_change("price-off-tick", change_partly(price_e4=150), "INVALID_ARGUMENT", "PRICE_OFF_TICK", "price_e4"),
    bad_change("price-0", change_partly(price_e4=0), "INVALID_ARGUMENT", "PRICE_INVALID", "price_e4", on_record=True),
    bad_change("price-negative", change_partly(price_e4=-100), "INVALID_ARGUMENT", "PRICE_INVALID", "price_e4"),
    bad_change(
        "price-high", change_partly(price_e4=HIGHEST_E4 + 100), "INVALID_ARGUMENT", "PRICE_OUT_OF_LIMITS", "price_e4",
    ),
    bad_change(
        "cash-not-enough", change_partly(price_e4=HIGHEST_E4, quantity=1_000_000),
        "FAILED_PRECONDITION", "FUNDS_INSUFFICIENT", "quantity",
    ),
    bad_change(
        "date-future", change_partly(trading_date=20260106), "FAILED_PRECONDITION", "TRADING_DATE_WRONG", "trading_date",
    ),
    bad_change("order-not-named", change_partly(order_id=0), "INVALID_ARGUMENT", "ORDER_NAME_INVALID", "order_id"),
]  # fmt: skip

MASS_CANCELS = [
    bad_change(
        "account-foreign", lambda floor: mass_cancel(floor.other, participant_wide=True),
        "PERMISSION_DENIED", "ACCOUNT_NOT_YOURS", "account",
    ),
    bad_change(
        "symbol-unknown", lambda floor: mass_cancel(floor.account, symbol="NOPE"),
        "NOT_FOUND", "SYMBOL_UNKNOWN", "symbol",
    ),
    bad_change(
        "symbol-lower", lambda floor: mass_cancel(floor.account, symbol="acme"),
        "INVALID_ARGUMENT", "SYMBOL_INVALID", "symbol",
    ),
    bad_change(
        "side-unknown", lambda floor: mass_cancel(floor.account, side=77), "INVALID_ARGUMENT", "SIDE_INVALID", "side",
    ),
    bad_change(
        "id-missing", lambda floor: mass_cancel(floor.account, client_order_id=""),
        "INVALID_ARGUMENT", "CLIENT_ORDER_ID_INVALID", "client_order_id",
    ),
    bad_change(
        "date-future", lambda floor: mass_cancel(floor.account, trading_date=20260106),
        "FAILED_PRECONDITION", "TRADING_DATE_WRONG", "trading_date",
    ),
]  # fmt: skip

DEAR = {"bid_price_e4": HIGHEST_E4, "bid_quantity": 1_000_000, "ask_price_e4": 0, "ask_quantity": 0}
MASS_QUOTES = [
    bad_change(
        "account-foreign", lambda floor: mass_quote(floor.other, quote()),
        "PERMISSION_DENIED", "ACCOUNT_NOT_YOURS", "account",
    ),
    bad_change("empty", lambda floor: mass_quote(floor.account), "INVALID_ARGUMENT", "QUOTE_INVALID", "entries"),
    bad_change(
        "crossed", lambda floor: mass_quote(floor.account, quote(ask_price_e4=10_000)),
        "INVALID_ARGUMENT", "QUOTE_INVALID", "entries[0].ask_price_e4",
    ),
    bad_change(
        "twice", lambda floor: mass_quote(floor.account, quote(), quote()),
        "INVALID_ARGUMENT", "QUOTE_INVALID", "entries[1].symbol",
    ),
    bad_change(
        "quantity-negative", lambda floor: mass_quote(floor.account, quote(bid_quantity=-1)),
        "INVALID_ARGUMENT", "QUANTITY_INVALID", "entries[0].bid_quantity",
    ),
    bad_change(
        "symbol-unknown", lambda floor: mass_quote(floor.account, quote(symbol="NOPE")),
        "NOT_FOUND", "SYMBOL_UNKNOWN", "entries[0].symbol",
    ),
    bad_change(
        "window-missing", lambda floor: mass_quote(floor.account, quote(), fill_limit=1),
        "INVALID_ARGUMENT", "MAKER_PROTECTION_INVALID", "window_us",
    ),
    bad_change(
        "cash-not-there", lambda floor: mass_quote(floor.account, quote(**DEAR)),
        "FAILED_PRECONDITION", "FUNDS_INSUFFICIENT", "entries[0].bid_quantity",
    ),
    bad_change(
        "date-future", lambda floor: mass_quote(floor.account, quote(), trading_date=20260106),
        "FAILED_PRECONDITION", "TRADING_DATE_WRONG", "trading_date",
    ),
]  # fmt: skip


def quote(**fields: Any) -> command_pb2.QuoteEntry:
    good = {"symbol": "ACME", "bid_price_e4": 10_000, "bid_quantity": 1, "ask_price_e4": 20_000, "ask_quantity": 1}
    return command_pb2.QuoteEntry(**{**good, **fields})


ALL = [
    pytest.param(bad, id=f"{kind}-{bad.name}")
    for kind, table in (
        ("place", PLACES),
        ("cancel", CANCELS),
        ("replace", REPLACES),
        ("mass-cancel", MASS_CANCELS),
        ("mass-quote", MASS_QUOTES),
    )
    for bad in table
]


def expected(bad: Bad, command: command_pb2.OrderCommand, floor: Floor) -> tuple[str, str, str]:
    if bad.value is not None:
        return bad.reason, bad.field, str(bad.value(floor))
    kind = command.WhichOneof("command")
    assert kind is not None
    return bad.reason, bad.field, str(held(getattr(command, kind), bad.field))


def held(body: Any, field: str) -> object:
    """What a field holds, also one of an entry; of all entries how many they are."""
    part, _, name = field.rpartition("].")
    if part:
        return getattr(body.entries[int(part.removeprefix("entries["))], name)
    return len(body.entries) if field == "entries" else getattr(body, field)


@pytest.mark.parametrize("bad", ALL)
async def test_alone(bad: Bad, floor: Floor, desk: Desk, staff: Desk) -> None:
    """A status with reason, field, value and what to do; on record at most as rejected; money and orders are as before."""
    command = bad.make(floor)
    async with unchanged(staff, floor, ["rejected"] if bad.on_record else []):
        told = await desk.unary(command)
    require_whole(told)
    assert (told.code, told.what) == (bad.code, expected(bad, command, floor))
    outcome = REJECTED if bad.on_record else REFUSED
    assert told.metadata["outcome"] == command_pb2.Outcome.Name(outcome)


@pytest.mark.parametrize("bad", ALL)
async def test_between_good_neighbours(bad: Bad, floor: Floor, desk: Desk, staff: Desk) -> None:
    """The same inside a batch, whose other orders are accepted as if it were not there."""
    command = bad.make(floor)
    before, behind = place(floor.account), place(floor.account, symbol="BRIO", side=SELL, price_e4=HIGHEST_E4)
    kinds = ["accepted", "done"] * 2 + (["rejected"] if bad.on_record else [])
    async with unchanged(staff, floor, kinds):
        first, told, last = await desk.batch(before, command, behind)
    assert [first.outcome, last.outcome] == [command_pb2.OUTCOME_ACCEPTED] * 2
    assert told.outcome == (REJECTED if bad.on_record else REFUSED)
    require_whole(refusal(told))
    assert refusal(told).what == expected(bad, command, floor)


async def test_leases_that_are_none(floor: Floor, desk: Desk, staff: Desk) -> None:
    """By the account, the name, and the time; an order names a lease that stands."""
    bad = {
        "ACCOUNT_NOT_YOURS": renew_lease(floor.other),
        "LEASE_INVALID": renew_lease(floor.account, lease="no lease"),
        "CLIENT_ORDER_ID_INVALID": renew_lease(floor.account, client_order_id="x" * 37),
    }
    async with unchanged(staff, floor, ["rejected"]):
        *told, soon, late, unknown = await desk.batch(
            *bad.values(),
            renew_lease(floor.account, grace_ms=999),
            renew_lease(floor.account, grace_ms=300_001),
            place(floor.account, lease="unheard-of"),
        )
    assert [refusal(one).reason for one in told] == list(bad)
    assert [refusal(one).what for one in (soon, late)] == [
        ("LEASE_INVALID", "grace_ms", "999"),
        ("LEASE_INVALID", "grace_ms", "300001"),
    ]
    assert (unknown.outcome, refusal(unknown).what) == (REJECTED, ("LEASE_UNKNOWN", "lease", "unheard-of"))
    for one in (*told, soon, late, unknown):
        require_whole(refusal(one))


async def test_an_id_again(floor: Floor, desk: Desk, staff: Desk) -> None:
    """With the same fields it gets the first result, byte for byte; with others it is refused, and the first one's hold stands."""
    first = place(floor.account, time_in_force=command_pb2.TIME_IN_FORCE_DAY)
    used = first.place.client_order_id
    result = await desk.unary(first)
    others = [
        place(floor.account, client_order_id=used, quantity=11),
        place(floor.account, client_order_id=used, symbol="BRIO"),
        cancel(floor.account, client_order_id=used, order_id=result.order_id),
        replace(floor.account, client_order_id=used, order_id=result.order_id, symbol="ACME", quantity=5),
    ]
    reused = ("CLIENT_ORDER_ID_REUSED", "client_order_id", used)
    async with unchanged(staff, floor):
        again, *batched = await desk.batch(first, *others[:1], *others[2:], first)
        assert again.SerializeToString() == batched.pop().SerializeToString() == result.SerializeToString()
        assert (await desk.unary(first)).SerializeToString() == result.SerializeToString()
        for one in batched:
            require_whole(refusal(one))
            assert (one.outcome, refusal(one).what) == (REFUSED, reused)
        for other in others[:1] + others[2:]:
            told = await desk.unary(other)
            require_whole(told)
            assert (told.code, told.what) == ("ALREADY_EXISTS", reused)
    ended = await desk.unary(cancel(floor.account, order_id=result.order_id))
    assert ended.quantity == 10


async def test_an_id_of_a_rejected_or_failed_command_again(floor: Floor, desk: Desk, staff: Desk) -> None:
    """What was rejected on record, or had not enough money, gets its first answer again."""
    poor = place(floor.account, price_e4=HIGHEST_E4, quantity=1_000_000)
    late = cancel(floor.account, order_id=floor.filled.order_id)
    first = await desk.batch(poor, late)
    async with unchanged(staff, floor):
        second = await desk.batch(poor, late)
    assert [one.SerializeToString() for one in second] == [one.SerializeToString() for one in first]


@pytest.mark.parametrize("count", [0, 4097], ids=["empty", "over-its-limit"])
async def test_batch(count: int, floor: Floor, desk: Desk, staff: Desk) -> None:
    """A batch that is empty or too large ends its session, after the answers to what came before it."""
    good = order_pb2.EnterOrdersRequest(commands=[place(floor.account)])
    commands = [place(floor.account)] * count
    async with unchanged(staff, floor, ["accepted", "done"]):
        call = desk.order.EnterOrders(
            iter([good, order_pb2.EnterOrdersRequest(commands=commands), good]), timeout=10, metadata=desk.metadata
        )
        results: list[Any] = []
        told = await ending(call, results)
    assert [one.outcome for one in results] == [command_pb2.OUTCOME_ACCEPTED]
    require_whole(told)
    assert (told.code, told.what) == ("INVALID_ARGUMENT", ("BATCH_TOO_LARGE", "commands", str(count)))


@pytest.mark.parametrize(
    ("phase", "reason"),
    [(market_pb2.PHASE_CLOSED, "MARKET_CLOSED"), (market_pb2.PHASE_HALTED, "MARKET_HALTED")],
    ids=["closed", "halted"],
)
async def test_market_not_open(phase: market_pb2.Phase, reason: str, floor: Floor, desk: Desk, staff: Desk) -> None:
    """Orders and replaces are rejected on record and hold nothing; a cancel is taken."""
    rests = place(floor.account, symbol="WIDE", price_e4=1_0000, time_in_force=command_pb2.TIME_IN_FORCE_DAY)
    resting = await desk.unary(rests)
    bad: list[Callable[[], command_pb2.OrderCommand]] = [
        lambda: place(floor.account, symbol="WIDE", price_e4=1_0000),
        lambda: replace(floor.account, symbol="WIDE", order_id=resting.order_id, price_e4=1_0000, quantity=20),
    ]
    await set_phase(staff, phase)
    try:
        async with unchanged(staff, floor, ["rejected"] * 4 + ["accepted", "done"]):
            told = [await desk.unary(make()) for make in bad]
            *batched, good = await desk.batch(*(make() for make in bad), place(floor.account))
        cancelled = await desk.unary(cancel(floor.account, order_id=resting.order_id))
    finally:
        await set_phase(staff, market_pb2.PHASE_OPEN)
    for one in (*told, *map(refusal, batched)):
        require_whole(one)
        assert one.what == (reason, "symbol", "WIDE")
    assert [one.code for one in told] == ["FAILED_PRECONDITION"] * 2
    assert good.outcome == command_pb2.OUTCOME_ACCEPTED
    assert (cancelled.outcome, cancelled.quantity) == (command_pb2.OUTCOME_CANCELLED, 10)


async def test_a_passed_deadline(floor: Floor, desk: Desk, staff: Desk) -> None:
    """A call that was given no time has no answer; the command is done at most once, and asking again tells how."""
    command = place(floor.account, client_order_id=new_id())
    told = await desk.call(desk.order.PlaceOrder, order_pb2.PlaceOrderRequest(place=command.place), seconds=0.0005)
    assert isinstance(told, Info)
    assert told.code == "DEADLINE_EXCEEDED"
    first, second = await desk.unary(command), await desk.unary(command)
    assert first.outcome == command_pb2.OUTCOME_ACCEPTED
    assert first.SerializeToString() == second.SerializeToString()
    async with unchanged(staff, floor):
        assert (await desk.unary(command)).SerializeToString() == first.SerializeToString()


async def ending(call: Any, results: list[Any]) -> Any:
    """How a session ends; its results are put into `results`."""
    try:
        async for response in call:
            results.extend(response.results)
    except grpc.aio.AioRpcError as error:
        return info(error)
    return None


async def set_phase(staff: Desk, phase: market_pb2.Phase) -> None:
    await staff.match[0].SetPhase(match_pb2.SetPhaseRequest(symbol="WIDE", phase=phase), metadata=staff.metadata)
