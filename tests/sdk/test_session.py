"""Order entry keeps its promises whatever happens to its streams."""

import asyncio
from collections.abc import Callable
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import Any

import grpc
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from bourse.order.v1 import order_pb2
from bourse.types.v1 import command_pb2
from bourse_sdk import (
    Cancel,
    Client,
    Command,
    MassCancel,
    MassQuote,
    OrderType,
    Outcome,
    OutcomeUnknown,
    Peg,
    Place,
    PostOnly,
    Quote,
    Refusal,
    Replace,
    SelfTradePrevention,
    Side,
    StopTrigger,
    SyncClient,
    TimeInForce,
)
from bourse_sdk.commands import NAME_LIMIT, SYMBOL_LIMIT
from bourse_sdk.session import BATCH_LIMIT
from chassis.boundary import MESSAGE_BYTES_LIMIT
from tests.sdk.exchange import DATE, SYMBOL, Exchange, Plan, abort, direct, served
from tests.waiting import PATIENCE_SECONDS

PLANS = st.lists(
    st.builds(Plan, after=st.integers(0, 12), drains=st.booleans(), answers=st.booleans(), lingers=st.booleans()),
    max_size=4,
)


def order(number: int) -> Place:
    return Place("alpha/main", SYMBOL, Side.BUY, quantity=7, price_e4=10_000, client_order_id=f"c-{number}")


def ids(count: int) -> list[str]:
    return [f"c-{number}" for number in range(count)]


async def until(condition: Callable[[], Any]) -> None:
    async with asyncio.timeout(PATIENCE_SECONDS):
        while not condition():
            await asyncio.sleep(0.001)


@pytest.mark.parametrize("drains", [False, True])
async def test_orders_stand_by_a_lease_that_the_client_renews(drains: bool) -> None:
    """The lease comes before the first order, and in time on whichever stream; a client that is closed renews it no more."""
    exchange = Exchange(plans=[Plan(after=2, drains=drains)])
    async with served(exchange) as address:
        async with Client(**direct(address), token="t", cancel_on_disconnect_seconds=0.3) as client:
            await client.submit_many([order(0), order(1), order(2)])
            await until(lambda: len(renewals(exchange)) > 4)
            plain = await client.cancel("alpha/main", 1)
        assert plain.ok
        count = len(renewals(exchange))
        names = {command.place.lease for command in exchange.received if command.HasField("place")}
    assert exchange.received[0].HasField("renew_lease")
    assert names == {command.renew_lease.lease for command in exchange.received if command.HasField("renew_lease")}
    assert len(names) == 1
    assert {one.renew_lease.grace_ms for one in renewals(exchange)} == {300}
    assert exchange.done[:3] == ids(3)
    assert len(renewals(exchange)) == count


async def test_a_command_that_is_not_sent_begins_no_lease() -> None:
    """It is that of the first order that some message can carry."""
    exchange = Exchange()
    async with served(exchange) as address:
        async with Client(**direct(address), token="t", cancel_on_disconnect_seconds=1.0) as client:
            bad = [replace(order(0), account=account) for account in ("alpha/" + "m" * 31, LONE)]
            results = await client.submit_many([*bad, order(1)])
        assert [result.ok for result in results] == [False, False, True]
    assert [one.renew_lease.account for one in renewals(exchange)] == ["alpha/main"]
    assert exchange.done == ids(2)[1:]


async def test_a_lease_is_renewed_by_an_account_that_is_taken() -> None:
    """It is the participant's: orders of all its accounts stand by one lease, also where the accounts of the first are refused."""
    exchange, accounts = Exchange(not_yours={"beta/main", "beta/other"}), ["beta/main", "alpha/main", "beta/other"]
    async with (
        served(exchange) as address,
        Client(**direct(address), token="t", cancel_on_disconnect_seconds=0.3) as client,
    ):
        results = await client.submit_many([replace(order(n), account=one) for n, one in enumerate(accounts)])
        await client.submit(replace(order(3), account="alpha/other"))
        await client.submit_many([replace(order(4), account="beta/main")])
        await until(lambda: len(renewals(exchange)) > 6)
    assert [result.ok for result in results] == [False, True, False]
    assert [one.renew_lease.account for one in renewals(exchange)][:7] == [*accounts, *["alpha/main"] * 4]
    assert len({one.renew_lease.lease for one in renewals(exchange)}) == 1
    places = [one.place for one in exchange.received if one.HasField("place")]
    assert {one.lease for one in places} == {renewals(exchange)[0].renew_lease.lease}


def renewals(exchange: Exchange) -> list[command_pb2.OrderCommand]:
    return [command for command in exchange.received if command.HasField("renew_lease")]


@settings(max_examples=40, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(plans=PLANS, sizes=st.lists(st.integers(1, 9), min_size=1, max_size=6))
async def test_whatever_breaks_every_command_is_done_once_in_order_and_answered(
    plans: list[Plan], sizes: list[int]
) -> None:
    """Streams that break or drain anywhere, also with answers lost and commands that arrive late, lose, double and reorder nothing."""
    exchange = Exchange(plans=plans)
    async with served(exchange) as address, Client(**direct(address), token="t") as client:
        parts, start = [], 0
        for size in sizes:
            parts.append(client.submit_many([order(number) for number in range(start, start + size)]))
            start += size
        tasks = [asyncio.create_task(part) for part in parts]
        results = [result for part in await asyncio.gather(*tasks) for result in part]
    assert exchange.done == ids(start)
    assert [result.client_order_id for result in results] == ids(start)
    assert [result.order_id for result in results] == list(range(1, start + 1))
    assert not exchange.overlaps  # No stream was used before the last answer of the one that drained.


async def test_what_waits_while_a_batch_is_written_is_the_next_batch() -> None:
    """A thousand concurrent awaits travel in a few messages, and come back each to its own caller."""
    exchange = Exchange()
    async with served(exchange) as address, Client(**direct(address), token="t") as client:
        results = await asyncio.gather(*(client.submit(order(number)) for number in range(1000)))
    assert [result.client_order_id for result in results] == ids(1000)
    assert exchange.done == ids(1000)
    assert len(exchange.batches) <= 4


async def test_many_commands_go_in_batches_within_the_limit() -> None:
    """Ten thousand commands are split at the batch limit and answered in order."""
    exchange = Exchange()
    async with served(exchange) as address, Client(**direct(address), token="t", unanswered_limit=1) as client:
        results = await client.submit_many(order(number) for number in range(10_000))
    assert [result.client_order_id for result in results] == ids(10_000)
    assert max(exchange.batches) <= 4096


async def test_who_waits_for_room_keeps_its_place() -> None:
    """Beyond the limit of unanswered commands callers wait, first come first served, and nobody passes them."""
    exchange = Exchange()
    async with served(exchange) as address, Client(**direct(address), token="t", unanswered_limit=1) as client:
        parts = [[order(number) for number in range(start, start + 3000)] for start in range(0, 12_000, 3000)]
        tasks = [asyncio.create_task(client.submit_many(part)) for part in parts]
        tasks.append(asyncio.create_task(client.submit_many([order(12_000)])))
        await until(lambda: client.unanswered)
        assert client.unanswered <= 4096
        await asyncio.gather(*tasks)
    assert exchange.done == ids(12_001)


async def test_a_token_file_that_is_not_there_is_named(tmp_path: Path) -> None:
    """Before anything is sent."""
    async with served(Exchange()) as address, Client(**direct(address), token_file=tmp_path / "none.jwt") as client:
        with pytest.raises(Refusal, match="TOKEN_FILE_UNREADABLE"):
            await client.submit(order(0))


async def test_place_cancel_and_replace_return_typed_results() -> None:
    """Each of the three commands comes back as a value that says what became of it."""
    async with served(Exchange()) as address, Client(**direct(address), token="t") as client:
        placed = await client.place("alpha/main", SYMBOL, Side.BUY, 7, 10_000)
        replaced = await client.replace("alpha/main", 10_100, 7, placed.order_id)
        cancelled = await client.cancel("alpha/main", placed.order_id)
        many = await client.submit_many([Replace("a/b", 1, 1, order_id=1), Cancel("a/b", order_id=1)])
    assert [placed.outcome, replaced.outcome, cancelled.outcome] == [
        Outcome.ACCEPTED,
        Outcome.REPLACED,
        Outcome.CANCELLED,
    ]
    assert placed.client_order_id != cancelled.client_order_id
    assert all(result.ok and result.sequence for result in many)


async def test_every_term_of_an_order_is_sent() -> None:
    """By both clients, under the names that the exchange has for them."""
    terms: dict[str, Any] = {
        "stop_price_e4": 9_900,
        "stop_trigger": StopTrigger.BEST_QUOTE,
        "display_quantity": 5,
        "hidden": True,
        "post_only": PostOnly.SLIDE,
        "minimum_quantity": 3,
        "self_trade_prevention": SelfTradePrevention.CANCEL_BOTH,
        "trailing_amount_e4": 100,
        "trailing_bp": 50,
        "stop_limit_price_e4": 9_800,
        "peg": Peg.MIDDLE,
        "peg_offset_e4": -100,
        "expire_date": 20260130,
        "expire_time_us": 7,
    }
    exchange = Exchange()
    async with served(exchange) as address:
        async with Client(**direct(address), token="t") as client:
            await client.place("alpha/main", SYMBOL, Side.BUY, 7, 10_000, type=OrderType.STOP_LIMIT, **terms)
        with SyncClient(**direct(address), token="t") as blocking:
            place = partial(blocking.place, type=OrderType.STOP_LIMIT, **terms)
            await asyncio.to_thread(place, "alpha/main", SYMBOL, Side.BUY, 7, 10_000)
    assert len(exchange.received) == 2
    for command in exchange.received:
        assert command.place.type == OrderType.STOP_LIMIT
        assert command.place.time_in_force == TimeInForce.GTD
        assert {name: getattr(command.place, name) for name in terms} == terms


async def test_a_refused_command_raises_with_reason_field_value_and_fix_and_spoils_no_neighbour() -> None:
    """`submit` raises what `submit_many` returns."""
    exchange = Exchange(refuse={"c-1": "FUNDS_INSUFFICIENT"})
    async with served(exchange) as address, Client(**direct(address), token="t") as client:
        results = await client.submit_many(order(number) for number in range(3))
        with pytest.raises(Refusal) as raised:
            await client.submit(order(1))
    assert [result.ok for result in results] == [True, False, True]
    error = raised.value
    assert (error.reason, error.field, error.value, error.fix) == ("FUNDS_INSUFFICIENT", "trading_date", "1", "other")
    assert error.result is not None
    assert not error.on_record


async def test_a_restarted_service_gets_the_unanswered_again() -> None:
    """The process goes away and comes back at its address; the command is answered."""
    exchange = Exchange()
    async with served(exchange) as address:
        client = Client(**direct(address), token="t")
        await client.submit(order(0))
    async with client:
        waiting = asyncio.create_task(client.submit(order(1)))
        await until(lambda: client.unanswered)
        async with served(exchange, int(address.rpartition(":")[2])):
            assert (await waiting).order_id == 2


async def test_patience_ends_when_the_caller_said() -> None:
    """Nobody answers: the caller learns which commands may have been done, under which identity to ask."""
    async with Client(**direct("127.0.0.1:1"), token="t", give_up_seconds=0.2) as client:
        with pytest.raises(OutcomeUnknown) as raised:
            await client.submit_many(
                [Place("alpha/main", SYMBOL, Side.BUY, 7, 1, client_order_id="x", trading_date=DATE)]
            )
    (identity,) = raised.value.identities
    assert (identity.account, identity.client_order_id, identity.trading_date) == ("alpha/main", "x", DATE)


async def test_a_client_that_gave_up_can_be_used_again() -> None:
    """Patience is per answer, not per client."""
    async with served(Exchange()) as address:
        pass
    exchange = Exchange()
    async with Client(**direct(address), token="t", give_up_seconds=5.0) as client:
        with pytest.raises(OutcomeUnknown):
            await client.submit(order(0))
        async with served(exchange, int(address.rpartition(":")[2])):
            assert (await client.submit(order(1))).ok


async def test_closing_fails_what_is_unanswered() -> None:
    """Nobody waits for ever on a client that was closed."""
    client = Client(**direct("127.0.0.1:1"), token="t")
    waiting = asyncio.create_task(client.submit(order(0)))
    await until(lambda: client.unanswered)
    await client.close()
    with pytest.raises(OutcomeUnknown):
        await waiting


async def test_a_cancelled_await_cancels_no_command() -> None:
    """Who stops waiting has not withdrawn the order, and the answers of others stay theirs."""
    exchange = Exchange()
    async with served(exchange) as address, Client(**direct(address), token="t") as client:
        first = asyncio.create_task(client.submit(order(0)))
        await asyncio.sleep(0)
        first.cancel()
        assert (await client.submit(order(1))).order_id == 2
    assert exchange.done == ids(2)


async def test_commands_without_a_date_get_the_open_one_when_first_sent() -> None:
    """The date is asked for once; after a refusal for it, commands that were never sent get the new one."""
    exchange = Exchange()
    async with served(exchange) as address, Client(**direct(address), token="t") as client:
        await client.submit(order(0))
        exchange.date = exchange.quoted_date = DATE + 1
        with pytest.raises(Refusal, match="TRADING_DATE_WRONG"):
            await client.submit(order(1))
        await client.submit(order(2))
    assert exchange.dates == [DATE, DATE + 1]


async def test_mass_cancels_of_all_instruments_ask_for_the_date_once() -> None:
    """As all other commands do; after a refusal for it, they ask again."""
    exchange = Exchange()
    async with served(exchange) as address, Client(**direct(address), token="t") as client:
        for _ in range(3):
            await client.mass_cancel("alpha/main")
        assert exchange.listed == 1
        exchange.date = exchange.quoted_date = DATE + 1
        with pytest.raises(Refusal, match="TRADING_DATE_WRONG"):
            await client.mass_cancel("alpha/main")
        await client.mass_cancel("alpha/main")
    assert (exchange.dates, exchange.listed) == ([DATE] * 3 + [DATE + 1], 2)


async def test_a_repeat_keeps_the_date_that_it_was_first_sent_under() -> None:
    """The date is a part of a command's identity, so a resend never changes it."""
    exchange = Exchange(plans=[Plan(after=0)])
    async with served(exchange) as address, Client(**direct(address), token="t") as client:
        waiting = asyncio.create_task(client.submit(order(0)))
        await until(lambda: exchange.batches)
        exchange.quoted_date = DATE + 1
        await waiting
    assert exchange.dates == [DATE]


class Guarded(Exchange):
    """Admits the token `good` alone."""

    async def admit(self, context: Any) -> None:
        if self.tokens[-1] != "Bearer good":
            await abort(
                context,
                grpc.StatusCode.UNAUTHENTICATED,
                "TOKEN_EXPIRED" if "old" in self.tokens[-1] else "TOKEN_INVALID",
            )


async def test_a_refused_token_is_told_at_once() -> None:
    """What no retry can heal is raised as it is."""
    async with served(Guarded()) as address, Client(**direct(address), token="bad") as client:
        with pytest.raises(Refusal) as raised:
            await client.submit(order(0))
    assert raised.value.reason == "TOKEN_INVALID"
    assert raised.value.code is grpc.StatusCode.UNAUTHENTICATED


async def test_a_token_file_is_read_again_when_its_token_expired(tmp_path: Path) -> None:
    """A renewed token is taken up without a new client."""
    file = tmp_path / "broker.jwt"
    file.write_text("old")
    exchange = Guarded()
    async with served(exchange) as address, Client(**direct(address), token_file=file) as client:
        waiting = asyncio.create_task(client.submit(order(0)))
        await until(lambda: exchange.tokens)
        file.write_text("good\n")
        assert (await waiting).ok


HUGE, LONE = 10**30, "c-\ud800"


@pytest.mark.parametrize(
    ("command", "reason", "field", "value"),
    [
        (Place("alpha/main", SYMBOL, Side.BUY, HUGE, 1), "QUANTITY_OUT_OF_LIMITS", "quantity", str(HUGE)),
        (Place("alpha/main", SYMBOL, Side.BUY, 1, -HUGE), "PRICE_OUT_OF_LIMITS", "price_e4", str(-HUGE)),
        (Place("alpha/main", SYMBOL, Side.BUY, 1, amount_e4=HUGE), "AMOUNT_INVALID", "amount_e4", str(HUGE)),
        (Place("alpha/main", "\udfff", Side.BUY, 1, 1), "SYMBOL_INVALID", "symbol", "\\udfff"),
        (
            Place("alpha/main", SYMBOL, Side.BUY, 10**5000, 1),
            "QUANTITY_OUT_OF_LIMITS",
            "quantity",
            "a number of 16610 bits",
        ),
        (Cancel("alpha/main", 1, client_order_id=LONE), "CLIENT_ORDER_ID_INVALID", "client_order_id", "c-\\ud800"),
        (Cancel("alpha/main", HUGE), "ORDER_NAME_INVALID", "order_id", str(HUGE)),
        (Replace("alpha/main", 1, 1, 1, trading_date=1 << 31), "TRADING_DATE_INVALID", "trading_date", "2147483648"),
        (
            Place("alpha/main", SYMBOL, Side.BUY, 1, 1, client_order_id="x" * 5_000_000),
            "CLIENT_ORDER_ID_INVALID",
            "client_order_id",
            "x" * 64,
        ),
        (Place("alpha/" + "m" * 31, SYMBOL, Side.BUY, 1, 1), "ACCOUNT_INVALID", "account", "alpha/" + "m" * 31),
        (Place("alpha/main", "S" * 13, Side.BUY, 1, 1), "SYMBOL_INVALID", "symbol", "S" * 13),
        (
            Cancel("alpha/main", original_client_order_id="y" * 37, symbol=SYMBOL),
            "ORDER_NAME_INVALID",
            "original_client_order_id",
            "y" * 37,
        ),
        (
            Replace("alpha/main", 1, 1, 1, client_order_id="z" * 37),
            "CLIENT_ORDER_ID_INVALID",
            "client_order_id",
            "z" * 37,
        ),
        (Place("alpha/main", SYMBOL, "BUY", 1, 1), "SIDE_INVALID", "side", "BUY"),  # type: ignore[arg-type]
        (Place("alpha/main", SYMBOL, Side.BUY, 1, 1, "LIMIT"), "ORDER_TYPE_INVALID", "type", "LIMIT"),  # type: ignore[arg-type]
        *[
            (Place("alpha/main", SYMBOL, Side.BUY, 1, 1, **{field: value}), reason, field, str(value))  # type: ignore[arg-type]
            for field, value, reason in (
                ("stop_price_e4", HUGE, "PRICE_OUT_OF_LIMITS"),
                ("stop_trigger", "now", "STOP_TRIGGER_INVALID"),
                ("display_quantity", HUGE, "DISPLAY_QUANTITY_INVALID"),
                ("post_only", "always", "POST_ONLY_INVALID"),
                ("minimum_quantity", -HUGE, "MINIMUM_QUANTITY_INVALID"),
                ("peg", "best", "PEG_INVALID"),
                ("peg_offset_e4", -HUGE, "PEG_INVALID"),
                ("stop_limit_price_e4", HUGE, "PRICE_OUT_OF_LIMITS"),
                ("trailing_bp", HUGE, "TRAILING_INVALID"),
                ("self_trade_prevention", 1 << 40, "SELF_TRADE_PREVENTION_INVALID"),
                ("lease", "l" * 37, "LEASE_INVALID"),
            )
        ],
        (MassCancel("alpha/main", "S" * 13), "SYMBOL_INVALID", "symbol", "S" * 13),
        (MassCancel("alpha/main", side="BUY"), "SIDE_INVALID", "side", "BUY"),  # type: ignore[arg-type]
        (
            MassQuote("alpha/main", (Quote(SYMBOL), Quote(SYMBOL, bid_price_e4=HUGE))),
            "PRICE_OUT_OF_LIMITS",
            "entries[1].bid_price_e4",
            str(HUGE),
        ),
        (MassQuote("alpha/main", (Quote("S" * 13),)), "SYMBOL_INVALID", "entries[0].symbol", "S" * 13),
        (MassQuote("alpha/main", (), share_limit=HUGE), "MAKER_PROTECTION_INVALID", "share_limit", str(HUGE)),
        (MassQuote("alpha/main", (), lease="l" * 37), "LEASE_INVALID", "lease", "l" * 37),
    ],
)
async def test_what_no_message_can_carry_is_refused(command: Command, reason: str, field: str, value: str) -> None:
    """By field, value and fix, before anything is sent; among others it harms none of them."""
    exchange = Exchange()
    async with served(exchange) as address, Client(**direct(address), token="t") as client:
        with pytest.raises(Refusal) as caught:
            await client.submit(command)
        refusal = caught.value
        assert (refusal.reason, refusal.field, refusal.value) == (reason, field, value)
        assert (refusal.code, bool(refusal.fix)) == (grpc.StatusCode.INVALID_ARGUMENT, True)
        assert exchange.streams == 0
        results = await client.submit_many([command, order(0), command, command, order(1), command])
    assert [result.ok for result in results] == [False, True, False, False, True, False]
    assert {result.refusal.reason for result in results if result.refusal} == {reason}
    assert [results[1].client_order_id, results[4].client_order_id] == exchange.done == ids(2)


async def test_a_word_for_a_side_is_told_which_sides_there_are() -> None:
    """The fix names what the caller writes."""
    async with Client("127.0.0.1:1", token="t") as client:
        with pytest.raises(Refusal) as caught:
            await client.place("alpha/main", SYMBOL, "BUY", 1, 1)  # type: ignore[arg-type]
    assert (caught.value.message, caught.value.fix) == ("this is no Side", "send Side.BUY or Side.SELL")


def test_the_largest_batch_fits_in_a_message() -> None:
    """Commands of the longest texts, in the script that takes most bytes, with the largest numbers."""
    widest, most, last = chr(0x10FFFF), (1 << 63) - 1, 99991231
    name, symbol = widest * NAME_LIMIT, widest * SYMBOL_LIMIT
    trace = "00-" + "f" * 32 + "-" + "f" * 16 + "-01"
    for command in (
        Place(
            *(name, symbol, Side.SELL, most, most, OrderType.MARKET, TimeInForce.FOK, most, "", last),
            *(most, StopTrigger.BEST_QUOTE, most, True, PostOnly.SLIDE, most, SelfTradePrevention.DECREMENT),
        ),
        Cancel(name, most, name, symbol, trading_date=last),
        Replace(name, most, most, most, name, symbol, trading_date=last),
    ):
        message, _ = command.message(name, trace)
        batch = order_pb2.EnterOrdersRequest(commands=[message] * BATCH_LIMIT)
        assert batch.ByteSize() <= MESSAGE_BYTES_LIMIT


class Narrow(Exchange):
    """Takes no request at all: each is too large."""

    async def admit(self, context: Any) -> None:
        await abort(context, grpc.StatusCode.RESOURCE_EXHAUSTED, "MESSAGE_TOO_LARGE")


async def test_a_message_that_is_too_large_is_not_sent_again() -> None:
    """It is as large the next time: the caller is told at once, though patience is long."""
    exchange = Narrow()
    async with served(exchange) as address, Client(**direct(address), token="t") as client:
        with pytest.raises(OutcomeUnknown, match="MESSAGE_TOO_LARGE"):
            await client.submit(order(0))
    assert exchange.streams == 1


async def test_what_is_not_sent_keeps_its_place_in_many_batches() -> None:
    """One of five thousand, in the second batch."""
    commands = [order(number) for number in range(5000)]
    commands[4500] = Place("alpha/main", SYMBOL, Side.BUY, HUGE, 1, client_order_id="huge")
    async with served(Exchange()) as address, Client(**direct(address), token="t") as client:
        results = await client.submit_many(commands)
    assert [result.client_order_id for result in results] == [command.client_order_id for command in commands]
    assert [position for position, result in enumerate(results) if not result.ok] == [4500]
