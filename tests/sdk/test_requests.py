"""Reads and the operator's changes refuse what no message can carry, each by the SDK's own error and before it is sent."""

import gc
import inspect
from collections.abc import AsyncIterator, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import grpc
import pytest

from bourse.ledger.v1 import ledger_pb2
from bourse.match.v1 import match_pb2
from bourse.order.v1 import order_pb2
from bourse.quote.v1 import quote_pb2
from bourse.types.v1 import market_pb2
from bourse_sdk import BourseError, Client, Operator, PartlyDone, Refusal, Side, SyncClient, Unreachable
from bourse_sdk.errors import alike
from bourse_sdk.requests import make

NOWHERE = "127.0.0.1:1"
HUGE, LONE = 10**30, "x-\ud800"
PLAIN: dict[Any, Any] = {int: 1, str: "x", Sequence[market_pb2.Transition]: ()}
WRONG: dict[Any, tuple[Any, str]] = {int: (HUGE, str(HUGE)), str: (LONE, "x-\\ud800")}
# Order entry answers with results, which test_session.py looks at.
OTHERS = {
    *("place", "cancel", "replace", "mass_cancel", "mass_quote", "submit", "submit_many"),
    *("close", "next_client_order_id"),
}


def cases() -> Iterator[tuple[type[Client | Operator], str, str]]:
    """Every public method with every parameter of it that is a number or text; a shard only picks a stub."""
    for kind in (Client, Operator):
        for name, method in inspect.getmembers(kind, inspect.isfunction):
            if not name.startswith("_") and name not in OTHERS:
                for parameter in inspect.signature(method).parameters.values():
                    if parameter.annotation in WRONG and parameter.name != "shard":
                        yield kind, name, parameter.name


@pytest.mark.parametrize(
    ("kind", "name", "parameter"), [pytest.param(*case, id=".".join(map(str, case[1:]))) for case in cases()]
)
async def test_what_no_message_can_carry_is_refused(kind: type[Client | Operator], name: str, parameter: str) -> None:
    """By reason, field, value and fix."""
    method = inspect.signature(getattr(kind, name))
    values: dict[str, Any] = {
        one.name: PLAIN.get(one.annotation, market_pb2.PHASE_OPEN)
        for one in method.parameters.values()
        if one.name != "self" and one.default is one.empty
    }
    if "shard" in values:
        values["shard"] = 0
    values[parameter], shown = WRONG[method.parameters[parameter].annotation]
    where: dict[str, Any] = {"order": NOWHERE, "ledger": NOWHERE, "quote": NOWHERE, "token": "t"}
    if kind is Operator:
        where["shards"] = {0: NOWHERE}
    async with kind(**where, give_up_seconds=0.1) as client:
        with pytest.raises(Refusal) as caught:
            await done(getattr(client, name)(**values))
    refusal = caught.value
    assert (refusal.field, refusal.value, refusal.code) == (parameter, shown, grpc.StatusCode.INVALID_ARGUMENT)
    assert refusal.fix
    assert refusal.reason


async def done(work: Any) -> None:
    """The answer, or the first of a stream or list."""
    if isinstance(work, AsyncIterator):
        await anext(work)
    else:
        await work


async def test_texts_in_a_list_are_named_too() -> None:
    """A symbol that is no text, among many."""
    async with Client(NOWHERE, token="t", give_up_seconds=0.1) as client:
        with pytest.raises(Refusal) as caught:
            await anext(client.watch_top(["ACME", LONE]))
    assert (caught.value.reason, caught.value.field) == ("SYMBOL_INVALID", "symbols")


def test_the_synchronous_client_refuses_alike() -> None:
    """From its own thread."""
    with SyncClient(NOWHERE, token="t", give_up_seconds=0.1) as client, pytest.raises(Refusal) as caught:
        client.get_order(HUGE)
    assert caught.value.field == "order_id"


@pytest.mark.filterwarnings("error")
def test_a_closed_synchronous_client_says_so() -> None:
    """Whatever is asked of it, also of a list that had begun; and it may be closed again."""
    client = SyncClient(NOWHERE, token="t", give_up_seconds=0.1)
    begun = client.list_orders()
    client.close()
    for ask in (lambda: client.place("a/b", "ACME", Side.BUY, 1, 1), client.accounts, lambda: next(begun)):
        with pytest.raises(Unreachable, match="the client is closed"):
            ask()
    client.close()
    gc.collect()


def test_closing_frees_who_waits_in_another_thread() -> None:
    """A call without an answer ends with the client."""
    client = SyncClient(NOWHERE, token="t", give_up_seconds=60)
    with ThreadPoolExecutor() as threads:
        waiting = threads.submit(client.accounts)
        while not waiting.running():
            pass
        client.close()
        with pytest.raises(Unreachable, match="the client is closed"):
            waiting.result(10)


async def test_a_closed_client_says_so() -> None:
    """In calls and in streams."""
    client = Client(NOWHERE, token="t", give_up_seconds=0.1)
    await client.close()
    for work in (client.get_order(1), client.watch_top(["ACME"]), client.place("a/b", "ACME", Side.BUY, 1, 1)):
        with pytest.raises(Unreachable, match="the client is closed"):
            await done(work)


@pytest.mark.parametrize("module", [ledger_pb2, match_pb2, order_pb2, quote_pb2])
def test_a_negative_number_is_carried(module: Any) -> None:
    """What a message can carry is the exchange's to refuse."""
    for name, kind in vars(module).items():
        if name.endswith("Request"):
            for field in kind.DESCRIPTOR.fields:
                if field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_INT64) and not field.is_repeated:
                    assert getattr(make(kind, **{field.name: -1}), field.name) == -1


async def test_what_no_shard_is_told_is_one_failure() -> None:
    """Where none of them is reached there is nothing to tell apart."""
    doors: dict[str, Any] = dict.fromkeys(("order", "ledger", "quote"), NOWHERE)
    async with Operator(shards=dict.fromkeys((0, 1), NOWHERE), **doors, token="t", give_up_seconds=0.1) as operator:
        with pytest.raises(Unreachable):
            await operator.kill_participant("alpha")


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        (Refusal("A", "", {}), Refusal("A", "", {"value": "1"}), True),
        (Refusal("A", "", {}), Refusal("B", "", {}), False),
        (Refusal("A", "", {}), Unreachable(""), False),
        (Unreachable(""), Unreachable(""), True),
    ],
)
def test_shards_that_fail_in_different_ways_are_told_apart(one: BourseError, other: BourseError, same: bool) -> None:
    """By the reason, or as none answered."""
    assert alike(one, other) is alike(other, one) is same
    told = str(PartlyDone("orders", {2: 7}, {0: one, 3: other}))
    assert told == f"shard 0: failed, {one}; shard 2: done, orders=7; shard 3: failed, {other}"
