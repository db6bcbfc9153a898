"""Bad reads and streams: pages, tokens, positions, foreign accounts, and more streams than there may be."""

import asyncio
import base64
from collections.abc import Callable
from typing import Any, NamedTuple

import grpc
import pytest

from bourse.ledger.v1 import ledger_pb2
from bourse.match.v1 import match_pb2
from bourse.order.v1 import order_pb2
from bourse.quote.v1 import quote_pb2
from bourse.types.v1 import market_pb2
from tests.bad_input.desk import UNKNOWN_ORDER, Desk, Floor, Info, channel, info, require_whole, unchanged
from tests.exchange import instrument

AHEAD = 1 << 40
ELSEWHERE = "0" * 32
STREAM_SECONDS = 60.0
AHEAD_SECONDS = 5.0  # A tenth of it, at least, is left when a service gives up: that is for its answer.
DEARER = market_pb2.Instrument()  # ACME with another fee, and in another currency
DEARER.CopyFrom(instrument("ACME", 0))
DEARER.taker_fee_e6 += 1
IN_DOLLARS = market_pb2.Instrument()
IN_DOLLARS.CopyFrom(DEARER)
IN_DOLLARS.currency = "USD"
SHARD, ORDERS, QUOTES = "svc_match-0", "svc_order", "svc_quote"


class Bad(NamedTuple):
    """A bad read: who asks, the method, the request's fields, and what is told."""

    who: str
    method: str
    fields: Callable[[Floor], dict[str, Any]] | dict[str, Any]
    code: str
    reason: str
    field: str
    value: Callable[[Floor], object] | object


def at(**fields: Any) -> market_pb2.ShardSequence:
    return market_pb2.ShardSequence(**fields)


def encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode()


PAGES = {  # Who asks, method, fields that it needs.
    "orders": ("desk", "order.ListOrders", {}),
    "entries": ("desk", "ledger.ListEntries", lambda floor: {"account": floor.account}),
    "accounts": ("desk", "ledger.ListAccounts", {}),
    "participants": ("staff", "ledger.ListParticipants", {}),
    "trades": ("desk", "quote.ListTrades", {"symbol": "BRIO"}),
}
TOKENS = {
    "no-base64": "%%%",
    "nonsense": encoded("nonsense"),
    "binary": base64.urlsafe_b64encode(bytes(range(128, 160))).decode(),
    "numbers": encoded("99999999999999999999.1"),
    "foreign": encoded(f"{ELSEWHERE}/ACME/1"),
    "injected": encoded("1';--.2"),
}


def with_fields(fields: Any, **more: Any) -> Callable[[Floor], dict[str, Any]]:
    return lambda floor: {**(fields(floor) if callable(fields) else fields), **more}


def pages() -> dict[str, Bad]:
    bad: dict[str, Bad] = {}
    for name, (who, method, fields) in PAGES.items():
        for size in (1001, -1, 1 << 30):
            asked = with_fields(fields, page_size=size)
            bad[f"{name}-page-of-{size}"] = Bad(
                who, method, asked, "INVALID_ARGUMENT", "PAGE_TOO_LARGE", "page_size", size
            )
        for kind, token in TOKENS.items():
            if name in ("accounts", "participants") and kind not in ("no-base64", "binary"):
                continue  # Their tokens are names: any text is a place in the alphabet.
            asked = with_fields(fields, page_token=token)
            bad[f"{name}-token-{kind}"] = Bad(
                who, method, asked, "INVALID_ARGUMENT", "PAGE_TOKEN_INVALID", "page_token", token
            )
    return bad


def streams() -> dict[str, Bad]:
    bad: dict[str, Bad] = {}
    for method in ("match.StreamExecutions", "match.StreamMarketData"):
        kind = method.partition(".")[2]
        bad |= {
            f"{kind}-ahead": Bad(
                "staff", method, {"from_sequence": AHEAD}, "OUT_OF_RANGE", "SEQUENCE_AHEAD", "from_sequence", AHEAD
            ),
            f"{kind}-zero": Bad("staff", method, {}, "INVALID_ARGUMENT", "SEQUENCE_INVALID", "from_sequence", 0),
            f"{kind}-elsewhere": Bad(
                "staff", method, {"from_sequence": 1, "incarnation": ELSEWHERE},
                "FAILED_PRECONDITION", "INCARNATION_CHANGED", "incarnation", ELSEWHERE,
            ),
        }  # fmt: skip
    return bad


READS = {
    **pages(),
    **streams(),
    "orders-of-no-text": Bad(
        "desk", "order.ListOrders", {"symbol": "A\0"},
        "INVALID_ARGUMENT", "FILTER_INVALID", "symbol", ascii("A\0"),
    ),
    "balances-negative": Bad(
        "desk", "ledger.ListBalances", lambda floor: {"account": floor.account, "min_sequences": [at(sequence=-1)]},
        "INVALID_ARGUMENT", "SEQUENCE_INVALID", "min_sequences", -1,
    ),
    "orders-of-long-text": Bad(
        "desk", "order.ListOrders", {"symbol": "A" * 37},
        "INVALID_ARGUMENT", "FILTER_INVALID", "symbol", ascii("A" * 37),
    ),
    "watch-of-no-text": Bad(
        "staff", "order.WatchOrders", {"participant": "a\0"},
        "INVALID_ARGUMENT", "FILTER_INVALID", "participant", ascii("a\0"),
    ),
    "watch-after-one-shard-twice": Bad(
        "desk", "order.WatchOrders", {"after": [at(shard=0)] * 2}, "INVALID_ARGUMENT", "SEQUENCE_INVALID", "sequence", 2,
    ),
    "orders-at-one-shard-twice": Bad(
        "desk", "order.ListOrders", {"min_sequences": [at(shard=0)] * 2},
        "INVALID_ARGUMENT", "SEQUENCE_INVALID", "sequence", 2,
    ),
    "balances-at-one-shard-twice": Bad(
        "desk", "ledger.ListBalances", lambda floor: {"account": floor.account, "min_sequences": [at(shard=0)] * 2},
        "INVALID_ARGUMENT", "SEQUENCE_INVALID", "min_sequences", 2,
    ),
    "balances-of-no-shard": Bad(
        "desk", "ledger.ListBalances", lambda floor: {"account": floor.account, "min_sequences": [at(shard=99)]},
        "INVALID_ARGUMENT", "SHARD_UNKNOWN", "min_sequences", 99,
    ),
    "balances-elsewhere": Bad(
        "desk", "ledger.ListBalances",
        lambda floor: {"account": floor.account, "min_sequences": [at(sequence=1, incarnation=ELSEWHERE)]},
        "FAILED_PRECONDITION", "INCARNATION_CHANGED", "min_sequences", ELSEWHERE,
    ),
    "watch-ahead": Bad(
        "desk", "order.WatchOrders", {"after": [at(shard=0, sequence=AHEAD)]},
        "OUT_OF_RANGE", "SEQUENCE_AHEAD", "sequence", AHEAD,
    ),
    "watch-elsewhere": Bad(
        "desk", "order.WatchOrders", {"after": [at(shard=0, sequence=1, incarnation=ELSEWHERE)]},
        "FAILED_PRECONDITION", "INCARNATION_CHANGED", "incarnation", ELSEWHERE,
    ),
    "watch-negative": Bad(
        "desk", "order.WatchOrders", {"after": [at(shard=0, sequence=-1)]},
        "INVALID_ARGUMENT", "SEQUENCE_INVALID", "sequence", -1,
    ),
    "watch-no-shard": Bad(
        "desk", "order.WatchOrders", {"after": [at(shard=77, sequence=1)]},
        "INVALID_ARGUMENT", "FILTER_INVALID", "shard", 77,
    ),
    "watch-foreign": Bad(
        "desk", "order.WatchOrders", lambda floor: {"participant": floor.other_participant},
        "PERMISSION_DENIED", "ACCOUNT_NOT_YOURS", "participant", lambda floor: floor.other_participant,
    ),
    "trades-ahead": Bad(
        "desk", "quote.StreamTrades", {"symbol": "ACME", "after_symbol_sequence": AHEAD},
        "OUT_OF_RANGE", "SEQUENCE_AHEAD", "after_symbol_sequence", AHEAD,
    ),
    "trades-before-all": Bad(
        "desk", "quote.StreamTrades", {"symbol": "ACME", "after_symbol_sequence": -2},
        "INVALID_ARGUMENT", "SEQUENCE_INVALID", "after_symbol_sequence", -2,
    ),
    "trades-elsewhere": Bad(
        "desk", "quote.StreamTrades", {"symbol": "ACME", "incarnation": ELSEWHERE},
        "FAILED_PRECONDITION", "INCARNATION_CHANGED", "incarnation", ELSEWHERE,
    ),
    "trades-symbol": Bad(
        "desk", "quote.StreamTrades", {"symbol": "NOPE"}, "NOT_FOUND", "SYMBOL_UNKNOWN", "symbol", "NOPE",
    ),
    "tops-of-none": Bad("desk", "quote.StreamTopOfBook", {}, "INVALID_ARGUMENT", "SYMBOLS_INVALID", "symbols", 0),
    "tops-of-many": Bad(
        "desk", "quote.StreamTopOfBook", {"symbols": ["ACME"] * 101},
        "INVALID_ARGUMENT", "SYMBOLS_INVALID", "symbols", 101,
    ),
    "statistics-of-unknown": Bad(
        "desk", "quote.StreamDayStatistics", {"symbols": ["ACME", "NOPE"]},
        "NOT_FOUND", "SYMBOL_UNKNOWN", "symbol", "NOPE",
    ),
    "depth-levels": Bad(
        "desk", "quote.GetDepth", {"symbol": "ACME", "levels": 10_001},
        "INVALID_ARGUMENT", "LEVELS_INVALID", "levels", 10_001,
    ),
    "depth-stream-levels": Bad(
        "desk", "quote.StreamDepth", {"symbol": "ACME", "levels": -1}, "INVALID_ARGUMENT", "LEVELS_INVALID", "levels", -1,
    ),
    "depth-symbol": Bad(
        "desk", "quote.GetDepth", {"symbol": "nope"}, "INVALID_ARGUMENT", "SYMBOL_INVALID", "symbol", "nope",
    ),
    "top-symbol": Bad(
        "desk", "quote.GetTopOfBook", {"symbol": "NOPE"}, "NOT_FOUND", "SYMBOL_UNKNOWN", "symbol", "NOPE",
    ),
    "shard-depth-symbol": Bad(
        "staff", "match.GetDepth", {"symbol": "NOPE"}, "NOT_FOUND", "SYMBOL_UNKNOWN", "symbol", "NOPE",
    ),
    "shard-depth-levels": Bad(
        "staff", "match.GetDepth", {"symbol": "ACME", "levels": 100_001},
        "INVALID_ARGUMENT", "PAGE_TOO_LARGE", "levels", 100_001,
    ),
    "order-unknown": Bad(
        "desk", "order.GetOrder", {"order_id": UNKNOWN_ORDER}, "NOT_FOUND", "ORDER_UNKNOWN", "order_id", UNKNOWN_ORDER,
    ),
    "order-negative": Bad("desk", "order.GetOrder", {"order_id": -7}, "NOT_FOUND", "ORDER_UNKNOWN", "order_id", -7),
    "order-before-all": Bad(
        "desk", "order.GetOrder", lambda floor: {"order_id": floor.partly.order_id, "min_sequence": -1},
        "INVALID_ARGUMENT", "SEQUENCE_INVALID", "sequence", -1,
    ),
    "orders-before-all": Bad(
        "desk", "order.ListOrders", {"min_sequences": [at(shard=0, sequence=-1)]},
        "INVALID_ARGUMENT", "SEQUENCE_INVALID", "sequence", -1,
    ),
    "order-foreign": Bad(
        "desk", "order.GetOrder", lambda floor: {"order_id": floor.foreign.order_id},
        "NOT_FOUND", "ORDER_UNKNOWN", "order_id", lambda floor: floor.foreign.order_id,
    ),
    "orders-of-foreign-participant": Bad(
        "desk", "order.ListOrders", lambda floor: {"participant": floor.other_participant},
        "PERMISSION_DENIED", "ACCOUNT_NOT_YOURS", "participant", lambda floor: floor.other_participant,
    ),
    "orders-of-foreign-account": Bad(
        "desk", "order.ListOrders", lambda floor: {"account": floor.other},
        "PERMISSION_DENIED", "ACCOUNT_NOT_YOURS", "account", lambda floor: floor.other,
    ),
    "orders-in-no-state": Bad(
        "desk", "order.ListOrders", {"state": 77}, "INVALID_ARGUMENT", "FILTER_INVALID", "state", 77,
    ),
    "balances-foreign": Bad(
        "desk", "ledger.ListBalances", lambda floor: {"account": floor.other},
        "PERMISSION_DENIED", "ACCOUNT_NOT_YOURS", "account", lambda floor: floor.other,
    ),
    "balances-unknown": Bad(
        "desk", "ledger.ListBalances", lambda floor: {"account": f"{floor.participant}/nope"},
        "NOT_FOUND", "ACCOUNT_UNKNOWN", "account", lambda floor: f"{floor.participant}/nope",
    ),
    "statement-foreign": Bad(
        "desk", "ledger.ListEntries", lambda floor: {"account": floor.other},
        "PERMISSION_DENIED", "ACCOUNT_NOT_YOURS", "account", lambda floor: floor.other,
    ),
    "accounts-foreign": Bad(
        "desk", "ledger.ListAccounts", lambda floor: {"participant": floor.other_participant},
        "PERMISSION_DENIED", "ACCOUNT_NOT_YOURS", "participant", lambda floor: floor.other_participant,
    ),
}  # fmt: skip

NOT_REACHED = {
    "order.GetOrder": lambda floor: {"order_id": floor.partly.order_id, "min_sequence": AHEAD},
    "order.ListOrders": {"min_sequences": [at(shard=0, sequence=AHEAD)]},
    "ledger.ListBalances": lambda floor: {"account": floor.account, "min_sequences": [at(shard=0, sequence=AHEAD)]},
    "quote.GetTopOfBook": {"symbol": "ACME", "min_sequence": AHEAD},
    "quote.ListTrades": {"symbol": "ACME", "min_sequence": AHEAD},
}


def day(step: int = 0, **fields: int) -> list[market_pb2.Transition]:
    """A date long ago, with other fields in one step."""
    whole = [(1, 0, 0), (2, 4, 1), (2, 2, 0), (3, 0, 0)]
    steps: list[dict[str, int]] = [
        {"time_us": (n + 1) * 10_000_000, "kind": kind, "trading_date": 20260105, "phase": phase, "auction": auction}
        for n, (kind, phase, auction) in enumerate(whole)
    ]
    steps[step].update(fields)
    return [market_pb2.Transition(**one) for one in steps]  # type: ignore[arg-type]


def dates(count: int) -> list[market_pb2.Transition]:
    """So many dates, which open and close."""
    days = [20000101 + n // 28 % 12 * 100 + n % 28 + n // 336 * 10_000 for n in range(count)]
    return [
        market_pb2.Transition(time_us=(4 * n + kind) * 1_000_000, kind=kind, trading_date=date)  # type: ignore[arg-type]
        for n, date in enumerate(days)
        for kind in (1, 3)
    ]


STAFF = {
    "deposit-unknown-account": (
        "Deposit", {"transfer_id": "x", "account": "nobody/main", "asset": "EUR", "amount": 1},
        "NOT_FOUND", "ACCOUNT_UNKNOWN", "account", "nobody/main",
    ),
    "deposit-of-0": (
        "Deposit", {"transfer_id": "x", "account": "p1/main", "asset": "EUR"},
        "INVALID_ARGUMENT", "AMOUNT_INVALID", "amount", "0",
    ),
    "deposit-negative": (
        "Deposit", {"transfer_id": "x", "account": "p1/main", "asset": "EUR", "amount": -1},
        "INVALID_ARGUMENT", "AMOUNT_INVALID", "amount", "-1",
    ),
    "deposit-to-the-exchange": (
        "Deposit", {"transfer_id": "x", "account": "exchange/fees", "asset": "EUR", "amount": 1},
        "INVALID_ARGUMENT", "ACCOUNT_INVALID", "account", "exchange/fees",
    ),
    "account-of-the-exchange": (
        "CreateAccount", {"account": "exchange/more"},
        "INVALID_ARGUMENT", "ACCOUNT_INVALID", "account", "exchange/more",
    ),
    "participant-exchange": (
        "CreateParticipant", {"participant": ledger_pb2.Participant(name="exchange")},
        "INVALID_ARGUMENT", "PARTICIPANT_INVALID", "participant.name", "exchange",
    ),
    "transfer-negative": (
        "CreateTransfers", {"transfers": [ledger_pb2.Transfer(transfer_id="x", amount=-1)]},
        "INVALID_ARGUMENT", "AMOUNT_INVALID", "amount", "-1",
    ),
    "deposit-nameless": (
        "Deposit", {"account": "p1/main", "asset": "EUR", "amount": 1},
        "INVALID_ARGUMENT", "TRANSFER_ID_INVALID", "transfer_id", "",
    ),
    "deposit-of-nothing": (
        "Deposit", {"transfer_id": "x", "account": "p1/main", "asset": "euro", "amount": 1},
        "INVALID_ARGUMENT", "ASSET_INVALID", "asset", "euro",
    ),
    "withdrawal-of-what-nobody-has": (
        "Withdraw", lambda floor: {"transfer_id": "w-none", "account": floor.account, "asset": "XXX", "amount": 1},
        "FAILED_PRECONDITION", "FUNDS_INSUFFICIENT", "amount", "1",
    ),
    "deposit-of-what-nobody-knows": (
        "Deposit", lambda floor: {"transfer_id": "d-none", "account": floor.account, "asset": "XXX", "amount": 1},
        "NOT_FOUND", "ASSET_UNKNOWN", "asset", "XXX",
    ),
    "instrument-named-like-money": (
        "AddInstrument", {"instrument": market_pb2.Instrument(symbol="EUR", currency="EUR")},
        "INVALID_ARGUMENT", "INSTRUMENT_INVALID", "symbol", "EUR",
    ),
    "instrument-priced-in-nothing": (
        "AddInstrument", {"instrument": market_pb2.Instrument(symbol="NICE", currency="XXX")},
        "INVALID_ARGUMENT", "INSTRUMENT_INVALID", "currency", "XXX",
    ),
    "participant-nonsense": (
        "CreateParticipant", {"participant": ledger_pb2.Participant(name="Ä b")},
        "INVALID_ARGUMENT", "PARTICIPANT_INVALID", "participant.name", "Ä b",
    ),
    "account-of-nobody": (
        "CreateAccount", {"account": "nobody/main"}, "NOT_FOUND", "PARTICIPANT_UNKNOWN", "account", "nobody/main",
    ),
    "account-nonsense": ("CreateAccount", {"account": "/"}, "INVALID_ARGUMENT", "ACCOUNT_INVALID", "account", "/"),
    "transfers-of-none": ("CreateTransfers", {}, "INVALID_ARGUMENT", "BATCH_TOO_LARGE", "transfers", "0"),
    "transfers-of-many": (
        "CreateTransfers", {"transfers": [ledger_pb2.Transfer()] * 4097},
        "INVALID_ARGUMENT", "BATCH_TOO_LARGE", "transfers", "4097",
    ),
    "date-other": (
        "OpenTradingDate", {"trading_date": 20270101}, "FAILED_PRECONDITION", "TRADING_DATE_OPEN", "trading_date", "20270101",
    ),
    "date-nonsense": (
        "OpenTradingDate", {"trading_date": 20261399}, "INVALID_ARGUMENT", "TRADING_DATE_INVALID", "trading_date", "20261399",
    ),
    "date-not-open": (
        "CloseTradingDate", {"trading_date": 20200102},
        "FAILED_PRECONDITION", "TRADING_DATE_NOT_OPEN", "trading_date", "20200102",
    ),
    "change-of-unknown": (
        "ChangeInstrument", {"instrument": market_pb2.Instrument(symbol="NOPE", currency="EUR")},
        "NOT_FOUND", "SYMBOL_UNKNOWN", "symbol", "NOPE",
    ),
    "change-of-open": (
        "ChangeInstrument", {"instrument": DEARER}, "FAILED_PRECONDITION", "INSTRUMENT_NOT_CLOSED", "symbol", "ACME",
    ),
    "change-of-currency": (
        "ChangeInstrument", {"instrument": IN_DOLLARS},
        "INVALID_ARGUMENT", "INSTRUMENT_INVALID", "currency", "USD",
    ),
    "listing-missing": ("SetListing", {"symbol": "ACME"}, "INVALID_ARGUMENT", "LISTING_INVALID", "listing", "0"),
    "listing-unknown": (
        "SetListing", {"symbol": "ACME", "listing": 9}, "INVALID_ARGUMENT", "LISTING_INVALID", "listing", "9",
    ),
    "listing-of-unknown": ("SetListing", {"symbol": "NOPE", "listing": 2}, "NOT_FOUND", "SYMBOL_UNKNOWN", "symbol", "NOPE"),
    "delisting-of-open": (
        "SetListing", {"symbol": "ACME", "listing": 3}, "FAILED_PRECONDITION", "INSTRUMENT_NOT_CLOSED", "symbol", "ACME",
    ),
    "phase-missing": ("SetPhase", {"symbol": "ACME"}, "INVALID_ARGUMENT", "PHASE_INVALID", "phase", "0"),
    "phase-unknown": ("SetPhase", {"symbol": "ACME", "phase": 9}, "INVALID_ARGUMENT", "PHASE_INVALID", "phase", "9"),
    "phase-of-unknown": ("SetPhase", {"symbol": "NOPE", "phase": 2}, "NOT_FOUND", "SYMBOL_UNKNOWN", "symbol", "NOPE"),
    "kill-of-nobody": ("KillParticipant", {}, "INVALID_ARGUMENT", "PARTICIPANT_INVALID", "participant", ""),
    "kill-of-an-account": (
        "KillParticipant", {"participant": "alpha/main"},
        "INVALID_ARGUMENT", "PARTICIPANT_INVALID", "participant", "alpha/main",
    ),
    "release-of-nobody": ("ReleaseParticipant", {}, "INVALID_ARGUMENT", "PARTICIPANT_INVALID", "participant", ""),
    "orders-of-nobody": (
        "EndOrders", {"participant": "x" * 37}, "INVALID_ARGUMENT", "PARTICIPANT_INVALID", "participant", "x" * 37,
    ),
    "orders-of-unknown": (
        "EndOrders", {"participant": "alpha", "symbol": "NOPE"}, "NOT_FOUND", "SYMBOL_UNKNOWN", "symbol", "NOPE",
    ),
    "orders-of-no-side": (
        "EndOrders", {"participant": "alpha", "side": 9}, "INVALID_ARGUMENT", "SIDE_INVALID", "side", "9",
    ),
    "rate-of-nobody": ("SetOrderRate", {}, "INVALID_ARGUMENT", "PARTICIPANT_INVALID", "participant", ""),
    "rate-without-burst": (
        "SetOrderRate", {"rate": market_pb2.OrderRate(participant="alpha", per_second=1)},
        "INVALID_ARGUMENT", "ORDER_RATE_INVALID", "burst", "0",
    ),
    "rate-of-none-with-burst": (
        "SetOrderRate", {"rate": market_pb2.OrderRate(participant="alpha", burst=1)},
        "INVALID_ARGUMENT", "ORDER_RATE_INVALID", "per_second", "0",
    ),
    "rate-too-high": (
        "SetOrderRate", {"rate": market_pb2.OrderRate(participant="alpha", per_second=1_000_001, burst=1)},
        "INVALID_ARGUMENT", "ORDER_RATE_INVALID", "per_second", "1000001",
    ),
    "calendar-past": (
        "SetCalendar", {"transitions": day()}, "INVALID_ARGUMENT", "CALENDAR_INVALID", "transitions[3].time_us", "40000000",
    ),
    "calendar-unordered": (
        "SetCalendar", {"transitions": day(2, time_us=5)},
        "INVALID_ARGUMENT", "CALENDAR_INVALID", "transitions[2].time_us", "5",
    ),
    "calendar-of-a-kind-unknown": (
        "SetCalendar", {"transitions": day(1, kind=9)},
        "INVALID_ARGUMENT", "CALENDAR_INVALID", "transitions[1].kind", "9",
    ),
    "calendar-halted": (
        "SetCalendar", {"transitions": day(2, phase=3)},
        "INVALID_ARGUMENT", "CALENDAR_INVALID", "transitions[2].phase", "3",
    ),
    "calendar-of-an-auction-unknown": (
        "SetCalendar", {"transitions": day(1, auction=9)},
        "INVALID_ARGUMENT", "CALENDAR_INVALID", "transitions[1].auction", "9",
    ),
    "calendar-without-close": (
        "SetCalendar", {"transitions": day()[:3]},
        "INVALID_ARGUMENT", "CALENDAR_INVALID", "transitions[2].kind", "2",
    ),
    "calendar-of-many-dates": (
        "SetCalendar", {"transitions": dates(401)},
        "INVALID_ARGUMENT", "CALENDAR_INVALID", "transitions", "401 dates",
    ),
    "calendar-of-many-steps": (
        "SetCalendar", {"transitions": [market_pb2.Transition()] * 6401},
        "INVALID_ARGUMENT", "CALENDAR_INVALID", "transitions", "6401",
    ),
    "calendar-of-nothing": (
        "SetCalendar", {}, "INVALID_ARGUMENT", "CALENDAR_INVALID", "transitions", "",
    ),
    "calendar-removed-and-set": (
        "SetCalendar", {"remove": True, "transitions": day()}, "INVALID_ARGUMENT", "CALENDAR_INVALID", "remove", "true",
    ),
    "calendar-of-a-seed-below-zero": (
        "SetCalendar", {"remove": True, "seed": -1}, "INVALID_ARGUMENT", "CALENDAR_INVALID", "seed", "-1",
    ),
}  # fmt: skip


def request(method: Any, fields: dict[str, Any]) -> Any:
    module = {"order": order_pb2, "ledger": ledger_pb2, "quote": quote_pb2, "match": match_pb2}[
        method.partition(".")[0]
    ]
    return getattr(module, method.partition(".")[2] + "Request")(**fields)


def stub(desk: Desk, method: str) -> Any:
    service, _, name = method.partition(".")
    return getattr(desk.match[0] if service == "match" else getattr(desk, service), name)


async def ask(desk: Desk, method: str, fields: Any, floor: Floor, seconds: float = 10.0) -> Any:
    call, message = stub(desk, method), request(method, fields(floor) if callable(fields) else fields)
    streamed = isinstance(call, grpc.aio.UnaryStreamMultiCallable)
    return await (desk.stream(call, message, seconds) if streamed else desk.call(call, message, seconds))


@pytest.mark.parametrize("bad", READS.values(), ids=READS)
async def test_reads(bad: Bad, floor: Floor, desk: Desk, staff: Desk) -> None:
    """A bad read or stream is refused with a status, the reason, the field, the value and what to do."""
    told = await ask(desk if bad.who == "desk" else staff, bad.method, bad.fields, floor)
    require_whole(told)
    value = bad.value(floor) if callable(bad.value) else bad.value
    assert (told.code, told.what) == (bad.code, (bad.reason, bad.field, str(value)))


async def test_a_sequence_of_the_future(floor: Floor, desk: Desk) -> None:
    """Who waits for a sequence that does not come is told so by the service, before the deadline passes."""
    waiting = (ask(desk, method, fields, floor, seconds=AHEAD_SECONDS) for method, fields in NOT_REACHED.items())
    for method, told in zip(NOT_REACHED, await asyncio.gather(*waiting), strict=True):
        require_whole(told)
        assert (told.code, told.reason) == ("DEADLINE_EXCEEDED", "SEQUENCE_NOT_REACHED"), method
        assert told.metadata["value"] == str(AHEAD), method


@pytest.mark.parametrize("name", STAFF)
async def test_staff(name: str, floor: Floor, staff: Desk) -> None:
    """The operator's own slips are refused alike, and change nothing."""
    method, fields, code, reason, field, value = STAFF[name]
    service = "ledger" if hasattr(ledger_pb2, method + "Request") else "match"
    async with unchanged(staff, floor):
        told = await ask(staff, f"{service}.{method}", fields, floor)
    require_whole(told)
    assert (told.code, told.what) == (code, (reason, field, value))


LIMITS: dict[str, tuple[str, str, str, Callable[[Floor], dict[str, Any]], str]] = {
    "match": ("staff", SHARD, "match.StreamExecutions", lambda _: {"from_sequence": 1}, "STREAM_LIMIT"),
    "order": ("desk", ORDERS, "order.WatchOrders", lambda _: {}, "STREAM_LIMIT"),
    "quote": ("desk", QUOTES, "quote.StreamTopOfBook", lambda _: {"symbols": ["ACME"]}, "STREAM_LIMIT"),
}
MOST_STREAMS = 1_100
STREAMS_A_CONNECTION = 700


@pytest.mark.parametrize("service", LIMITS)
async def test_streams_over_their_limit(service: str, floor: Floor, desk: Desk, staff: Desk) -> None:
    """One stream too many is refused; when one ends, there is room again."""
    who, process, method, fields, reason = LIMITS[service]
    asker = desk if who == "desk" else staff
    path = f"/bourse.{service}.v1.{service.title()}Service/{method.partition('.')[2]}"
    message = request(method, fields(floor)).SerializeToString()
    address = floor.exchange.machine.address(process)
    channels = [channel(address) for _ in range(2)]
    calls: list[Any] = []
    told: Any = None
    try:
        async with asyncio.timeout(STREAM_SECONDS):
            while not isinstance(told, Info):
                assert len(calls) < MOST_STREAMS
                method_of: Any = channels[len(calls) // STREAMS_A_CONNECTION].unary_stream(path)
                more = [method_of(message, metadata=asker.metadata) for _ in range(20)]
                calls += more
                told = next((one for one in await asyncio.gather(*map(first, more)) if isinstance(one, Info)), None)
        require_whole(told)
        assert (told.code, told.reason) == ("RESOURCE_EXHAUSTED", reason)
    finally:
        for call in calls:
            call.cancel()
        for opened in channels:
            await opened.close()
    async with asyncio.timeout(STREAM_SECONDS):
        while isinstance(await ask(asker, method, fields, floor), Info):
            await asyncio.sleep(0.02)


async def test_sessions_over_their_limit(floor: Floor, desk: Desk, staff: Desk) -> None:
    """One session of order entry too many is refused, and a single call, which is one, too; when they end, there is room."""
    nothing = order_pb2.PlaceOrderRequest()
    sessions: list[Any] = []
    async with asyncio.timeout(STREAM_SECONDS), unchanged(staff, floor):
        while (told := await desk.call(desk.order.PlaceOrder, nothing)).reason == "COMMAND_MISSING":
            assert len(sessions) < MOST_STREAMS
            sessions += [desk.order.EnterOrders(metadata=desk.metadata) for _ in range(32)]
        late = await first(desk.order.EnterOrders(metadata=desk.metadata))
        for session in sessions:
            session.cancel()
        for one in (told, late):
            require_whole(one)
            assert (one.code, one.reason) == ("RESOURCE_EXHAUSTED", "SESSION_LIMIT")
        while (await desk.call(desk.order.PlaceOrder, nothing)).reason != "COMMAND_MISSING":
            await asyncio.sleep(0.02)


async def first(call: Any) -> Any:
    try:
        return await call.read()
    except grpc.aio.AioRpcError as error:
        return info(error)
