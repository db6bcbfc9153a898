"""Any integers and any text in the fields of commands, and of what an operator asks: each is answered, and the books stay whole."""

import asyncio
from typing import Any

from google.protobuf.descriptor import FieldDescriptor
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bourse.match.v1 import match_pb2
from bourse.order.v1 import order_pb2
from bourse.types.v1 import command_pb2, market_pb2
from cli.reconcile.run import reconcile
from cli.reconcile.settled import wait_settled
from tests.bad_input.desk import CALL_SECONDS, HIGHEST_E4, LOWEST_E4, Desk, Floor, Info, new_id, require_whole
from tests.exchange import TRADING_DATE

EXAMPLES, COMMANDS_LIMIT = 40, 6
ENTRIES_LIMIT, STEPS_LIMIT = 3, 4
SETTLE_SECONDS = 30.0
INT32, INT64 = (1 << 31) - 1, (1 << 63) - 1
KINDS = {
    "place": command_pb2.PlaceOrder,
    "cancel": command_pb2.CancelOrder,
    "replace": command_pb2.ReplaceOrder,
    "mass_cancel": command_pb2.MassCancel,
    "renew_lease": command_pb2.RenewLease,
    "mass_quote": command_pb2.MassQuote,
}
# What an operator asks of a shard that can be undone, or concerns one participant.
ASKED = {
    "EndOrders": match_pb2.EndOrdersRequest,
    "KillParticipant": match_pb2.KillParticipantRequest,
    "ReleaseParticipant": match_pb2.ReleaseParticipantRequest,
    "SetOrderRate": match_pb2.SetOrderRateRequest,
    "SetCalendar": match_pb2.SetCalendarRequest,
}
FINAL = (
    command_pb2.OUTCOME_ACCEPTED,
    command_pb2.OUTCOME_CANCELLED,
    command_pb2.OUTCOME_REPLACED,
    command_pb2.OUTCOME_REJECTED,
    command_pb2.OUTCOME_REFUSED,
)
int64s = st.one_of(
    st.sampled_from([0, 1, -1, 10, 100, LOWEST_E4, HIGHEST_E4, 50_0000, 10**12, 10**13, INT64, -INT64 - 1, 1 << 48]),
    st.integers(1, 500).map(lambda n: n * 100),
    st.integers(-INT64 - 1, INT64),
)
texts = st.text(max_size=40)


def seldom(values: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """A term that most orders leave out."""
    return st.one_of(st.just(0), st.just(0), st.just(0), values)


STRATEGIES: dict[str, st.SearchStrategy[Any]] = {
    "account": st.one_of(st.just("ours"), st.just("ours"), texts),
    "client_order_id": st.one_of(st.builds(new_id), st.sampled_from(["f-1", "f-2", "partly"]), texts),
    "original_client_order_id": st.one_of(st.just(""), st.sampled_from(["f-1", "f-2", "partly", "foreign"]), texts),
    "trading_date": st.one_of(st.just(TRADING_DATE), st.just(TRADING_DATE), st.integers(-INT32 - 1, INT32)),
    "symbol": st.one_of(st.sampled_from(["ACME", "BRIO", "WIDE", ""]), texts),
    "side": st.one_of(st.integers(1, 2), st.integers(-INT32 - 1, INT32)),
    "type": st.one_of(st.just(1), st.integers(1, 7), st.integers(-INT32 - 1, INT32)),
    "time_in_force": st.one_of(st.integers(0, 8), st.integers(-INT32 - 1, INT32)),
    "expire_date": seldom(st.one_of(st.integers(TRADING_DATE - 1, TRADING_DATE + 400), st.integers(-INT32 - 1, INT32))),
    "quantity": st.one_of(st.integers(1, 1000).map(lambda n: 10 * n), int64s),
    "amount_e4": st.one_of(st.just(0), st.just(0), int64s),
    "stop_price_e4": seldom(int64s),
    "stop_trigger": seldom(st.integers(-INT32 - 1, INT32)),
    "stop_limit_price_e4": seldom(int64s),
    "peg": seldom(st.one_of(st.integers(1, 3), st.integers(-INT32 - 1, INT32))),
    "peg_offset_e4": seldom(int64s),
    "trailing_amount_e4": seldom(int64s),
    "trailing_bp": seldom(st.integers(-INT32 - 1, INT32)),
    "display_quantity": seldom(st.one_of(st.integers(1, 100).map(lambda n: 10 * n), int64s)),
    "hidden": seldom(st.just(True)),
    "post_only": seldom(st.one_of(st.integers(1, 2), st.integers(-INT32 - 1, INT32))),
    "minimum_quantity": seldom(st.one_of(st.integers(1, 100).map(lambda n: 10 * n), int64s)),
    "self_trade_prevention": st.one_of(st.integers(0, 5), st.integers(0, 5), st.integers(-INT32 - 1, INT32)),
    "participant_wide": st.booleans(),
    "lease": st.one_of(st.just(""), st.just(""), st.sampled_from(["fuzz", "other"]), texts),
    "grace_ms": st.sampled_from([300_000, 300_001, 999, 0, -INT32 - 1, INT32]),  # Over after this test, or not a time.
    "MassCancel.symbol": st.one_of(st.just("WIDE"), texts.filter(bool)),  # The floor's orders stay: they are elsewhere.
    "traceparent": st.one_of(st.just(""), texts),
    "fill_limit": seldom(st.one_of(st.integers(1, 3), int64s)),
    "share_limit": seldom(st.one_of(st.integers(1, 300), int64s)),
    "window_us": seldom(st.one_of(st.integers(1, 10**6), int64s)),
    "reset": st.booleans(),
    "entries": st.lists(st.deferred(lambda: entries), max_size=ENTRIES_LIMIT),
    "participant": st.one_of(st.just("spare"), texts),
    "EndOrdersRequest.symbol": st.one_of(st.just("WIDE"), texts),
    "rate": st.deferred(lambda: fields(market_pb2.OrderRate)),
    "per_second": st.one_of(st.integers(0, 3), int64s),
    "burst": st.one_of(st.integers(0, 3), int64s),
    "transitions": st.deferred(lambda: steps),
    "seed": st.one_of(st.integers(0, 3), int64s),
    "remove": st.sampled_from([False, False, True]),
    "kind": st.one_of(st.integers(1, 3), st.integers(-INT32 - 1, INT32)),
    "phase": st.one_of(st.integers(0, 4), st.integers(-INT32 - 1, INT32)),
    "auction": st.one_of(st.integers(0, 3), st.integers(-INT32 - 1, INT32)),
}


def strategy(field: FieldDescriptor) -> st.SearchStrategy[Any]:
    own = f"{field.containing_type.name}.{field.name}"
    return STRATEGIES.get(own, STRATEGIES.get(field.name, int64s))


def fields(message: Any) -> st.SearchStrategy[Any]:
    return st.fixed_dictionaries({field.name: strategy(field) for field in message.DESCRIPTOR.fields})


def quoted(symbol: str, bid: int, spread: int, sizes: tuple[int, int]) -> dict[str, Any]:
    """An entry that is right, but for what the book and the holds say."""
    bid_e4, ask_e4 = (100 * price if size else 0 for price, size in zip((bid, bid + spread), sizes, strict=True))
    sides = {"bid_price_e4": bid_e4, "bid_quantity": sizes[0], "ask_price_e4": ask_e4, "ask_quantity": sizes[1]}
    return {"symbol": symbol, **sides}


def planned(starts_us: int, phases: list[int], trading_date: int) -> list[dict[str, int]]:
    """A date of a calendar, far ahead."""
    made = [{"kind": 1}, *({"kind": 2, "phase": phase} for phase in phases), {"kind": 3}]
    return [{"time_us": starts_us + n * 1_000_000, "trading_date": trading_date, **step} for n, step in enumerate(made)]


sizes = st.sampled_from([0, 10, 20, 100])
entries_right = st.builds(
    quoted, st.sampled_from(["ACME", "WIDE"]), st.integers(101, 300), st.integers(1, 9), st.tuples(sizes, sizes)
)
entries = st.one_of(entries_right, fields(command_pb2.QuoteEntry))
steps_right = st.builds(
    planned,
    st.integers(1 << 56, 1 << 61),
    st.lists(st.sampled_from([int(market_pb2.PHASE_OPEN), int(market_pb2.PHASE_CLOSED)]), max_size=STEPS_LIMIT),
    st.sampled_from([TRADING_DATE, TRADING_DATE + 1]),
)
steps = st.one_of(
    steps_right,
    st.lists(fields(market_pb2.Transition), max_size=STEPS_LIMIT),
)


def nearly(message: Any, **right: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """What is right, but for one field."""
    names = st.sampled_from([field.name for field in message.DESCRIPTOR.fields])
    return st.builds(
        lambda good, drawn, name: good | {name: drawn[name]}, st.fixed_dictionaries(right), fields(message), names
    )


good_quotes = nearly(
    command_pb2.MassQuote, account=st.just("ours"), client_order_id=st.builds(new_id), trading_date=st.just(TRADING_DATE),
    entries=st.lists(entries_right, min_size=1, max_size=2, unique_by=lambda one: one["symbol"]),
)  # fmt: skip
good_calendars = nearly(match_pb2.SetCalendarRequest, transitions=steps_right)
asked = st.one_of(
    st.tuples(st.just("SetCalendar"), st.integers(0, 1), good_calendars),
    st.tuples(st.sampled_from(["KillParticipant", "EndOrders"]), st.integers(0, 1), st.just({"participant": "spare"})),
    *(st.tuples(st.just(name), st.integers(0, 1), fields(message)) for name, message in ASKED.items()),
)
commands = st.one_of(
    st.tuples(st.just("mass_quote"), good_quotes),
    *(st.tuples(st.just(kind), fields(message)) for kind, message in KINDS.items()),
    st.just(("", dict[str, Any]())),
)


def made(floor: Floor, kind: str, chosen: dict[str, Any]) -> command_pb2.OrderCommand:
    if not kind:
        return command_pb2.OrderCommand()
    account = floor.account if chosen["account"] == "ours" else chosen["account"]
    return command_pb2.OrderCommand(**{kind: KINDS[kind](**chosen | {"account": account})})


def request_of(name: str, spare: str, chosen: dict[str, Any]) -> Any:
    """What an operator asks: of a participant that is none of the floor's, or of none."""
    if "rate" in chosen:
        return ASKED[name](rate=named(chosen["rate"], spare))
    return ASKED[name](**named(chosen, spare))


def named(chosen: dict[str, Any], spare: str) -> dict[str, Any]:
    return chosen | {"participant": spare} if chosen.get("participant") == "spare" else chosen


async def answered(desk: Desk, batch: list[command_pb2.OrderCommand]) -> None:
    """Each command of a batch is answered for good, and the first one alone, unless it is one for streams, as it was there."""
    results = await desk.batch(*batch)
    assert len(results) == len(batch)
    for command, result in zip(batch, results, strict=True):
        assert result.outcome in FINAL, (command, result)
        refused = result.outcome in (command_pb2.OUTCOME_REFUSED, command_pb2.OUTCOME_REJECTED)
        assert refused == bool(result.refusal.reason), (command, result)
        assert not refused or result.refusal.metadata["fix"], (command, result)
    if batch[0].HasField("renew_lease"):
        return
    told = await desk.unary(batch[0])
    if isinstance(told, Info):
        assert told.code not in ("INTERNAL", "UNKNOWN"), (batch[0], told)
        assert told.reason, (batch[0], told)
    else:
        assert told.SerializeToString() == results[0].SerializeToString()


async def operate(staff: Desk, name: str, shard: int, request: Any) -> None:
    """An operator's request is done, and undone, or refused by name."""
    stub = staff.match[shard]
    answer = await staff.call(getattr(stub, name), request)
    if isinstance(answer, Info):
        assert answer.code not in ("INTERNAL", "UNKNOWN", "UNAVAILABLE"), (name, request, answer)
        require_whole(answer)
    elif name == "KillParticipant":
        released = match_pb2.ReleaseParticipantRequest(participant=request.participant)
        assert (await staff.call(stub.ReleaseParticipant, released)).sequence > answer.sequence
    elif name == "SetOrderRate":
        unlimited = market_pb2.OrderRate(participant=request.rate.participant)
        assert (await staff.call(stub.SetOrderRate, match_pb2.SetOrderRateRequest(rate=unlimited))).sequence
    elif name == "SetCalendar":
        assert (await staff.call(stub.SetCalendar, match_pb2.SetCalendarRequest(remove=True))).sequence


def test_any_fields(floor: Floor) -> None:
    """Every command gets its answer and never INTERNAL; then money, shares, holds, history and market data agree."""
    token = floor.exchange.machine.credentials.issue(floor.participant, "broker", floor.participant)
    operators = floor.exchange.machine.credentials.issue("operator", "operator")
    with asyncio.Runner() as runner:

        async def open_desks() -> tuple[Desk, Desk, str]:
            spare = (await floor.exchange.join()).partition("/")[0]
            return Desk(floor.exchange, token), Desk(floor.exchange, operators), spare

        desk, staff, spare = runner.run(open_desks())

        @settings(max_examples=EXAMPLES, suppress_health_check=[HealthCheck.too_slow, HealthCheck.data_too_large])
        @given(st.lists(commands, min_size=1, max_size=COMMANDS_LIMIT), asked)
        def fuzz(drawn: list[tuple[str, dict[str, Any]]], asks: tuple[str, int, dict[str, Any]]) -> None:
            runner.run(answered(desk, [made(floor, *one) for one in drawn]))
            name, shard, chosen = asks
            runner.run(operate(staff, name, shard, request_of(name, spare, chosen)))

        try:
            fuzz()
            runner.run(cancel_all(desk, floor))
            runner.run(wait_settled(floor.exchange.home, SETTLE_SECONDS))
            assert not runner.run(reconcile(floor.exchange.home)).breaks
        finally:
            runner.run(desk.close())
            runner.run(staff.close())


async def cancel_all(desk: Desk, floor: Floor) -> None:
    """Ends what the fuzz left open; what the floor laid stays."""
    request = order_pb2.ListOrdersRequest(state=order_pb2.ORDER_STATE_OPEN, page_size=1000)
    listed = await desk.order.ListOrders(request, metadata=desk.metadata, timeout=CALL_SECONDS)
    keep = {floor.partly.order_id, floor.resting.order_id}
    cancels = [
        command_pb2.OrderCommand(
            cancel=command_pb2.CancelOrder(
                account=one.account, client_order_id=new_id(), trading_date=TRADING_DATE, order_id=one.order_id
            )
        )
        for one in listed.orders
        if one.order_id not in keep
    ]
    if cancels:
        assert {one.outcome for one in await desk.batch(*cancels)} <= {command_pb2.OUTCOME_CANCELLED}
