"""docs/order-types.md, typed line by line: each line prints what stands behind its #."""

import asyncio
import json
import re
import shlex
import time
from collections.abc import Callable, Iterator
from enum import IntEnum
from itertools import product
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner, Result
from google.protobuf import json_format

from bourse.order.v1 import order_pb2
from bourse.types.v1 import market_pb2
from bourse_sdk import (
    Client,
    OrderType,
    Peg,
    Place,
    PostOnly,
    Quote,
    Refusal,
    SelfTradePrevention,
    Side,
    StopTrigger,
    TimeInForce,
)
from chassis.units import shard_of
from cli.__main__ import main
from svc_match.core.terms import TERMS, TIMES
from tests.exchange import CURRENCY, Exchange, instrument

PAGE = Path(__file__).parents[2] / "docs" / "order-types.md"
LINE = re.compile(r"^ {4}\.venv/bin/bourse (.*?)(?: +# (.*))?$", re.MULTILINE)
FENCED = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)
REFUSED = "refused: "
SECONDS, POLL_SECONDS = 60.0, 0.05
Type = Callable[[str, str], None]


@pytest.fixture(scope="module")
def typed(exchange: Exchange, tmp_path_factory: pytest.TempPathFactory) -> Type:
    """Types a line on the README's market, as far as the page needs it: two members, and an instrument that nobody trades.

    What is read may be a moment older than what was told before it.
    """

    def type_once(line: str, said: str) -> str:
        """What it printed, if that is not what is said."""
        done = CliRunner().invoke(main, [*shlex.split(line), "--home", str(exchange.home)])
        wanted = said.removeprefix(REFUSED).split("; ") if said else []
        right = done.exit_code == said.startswith(REFUSED) and all(one in done.output for one in wanted)
        return "" if right else f"{line}\n{done.output}"

    def type_line(line: str, said: str) -> None:
        printed = type_once(line, said)
        if printed and line.startswith(("order list", "book", "deposit")):
            printed = wait_for(lambda: type_once(line, said))
        assert not printed, printed

    listed = yaml.safe_load((PAGE.parent / "instruments.yaml").read_text("utf-8"))["instruments"]
    file = tmp_path_factory.mktemp("order-types") / "bolt.yaml"
    file.write_text(yaml.safe_dump({"instruments": [one for one in listed if one["symbol"] == "BOLT"]}))
    type_line(f"instruments load {file}", "")
    type_line("phase open BOLT", "")
    for name in ("alpha", "beta"):
        type_line(f"participants create {name}", "")
        type_line(f"accounts create {name}/main", "")
        type_line(f"deposit {name}/main {CURRENCY} 100000", "")
    return type_line


def wait_for(attempt: Callable[[], str]) -> str:
    """The last thing that is wrong, once nothing is, or SECONDS are over."""
    deadline = time.monotonic() + SECONDS
    while (wrong := attempt()) and time.monotonic() < deadline:
        time.sleep(POLL_SECONDS)
    return wrong


def test_every_line_does_what_the_page_says(typed: Type) -> None:
    """From the top, in one market."""
    lines = LINE.findall(PAGE.read_text("utf-8"))
    assert len(lines) > 20
    for line, said in lines:
        typed(line, said)


def fenced(language: str) -> str:
    (text,) = [text for name, text in FENCED.findall(PAGE.read_text("utf-8")) if name == language]
    return str(text)


async def test_the_pages_program_places_its_orders(typed: Type, exchange: Exchange) -> None:
    """By the SDK, under the names that it has there."""
    assert typed
    names: dict[str, Any] = {}
    exec(compile(fenced("python"), str(PAGE), "exec"), names)  # The page's own text.
    async with asyncio.timeout(SECONDS), exchange.broker("alpha") as client:
        await names["trade"](client)
        mark = await client.place("alpha/main", "BOLT", Side.BUY, 1, 1_0000)
        at = [market_pb2.ShardSequence(shard=shard_of(mark.order_id), sequence=mark.sequence)]
        orders = [order async for order in client.list_orders(account="alpha/main", min_sequences=at)]
    stop, iceberg = orders[1:3]
    assert (iceberg.display_quantity, iceberg.post_only) == (50, PostOnly.SLIDE)
    assert (stop.stop_price_e4, stop.stop_trigger, stop.triggered) == (19_0000, StopTrigger.BEST_QUOTE, False)


def test_the_pages_json_is_an_order() -> None:
    """Every field has its name, and every value is one."""
    request = json_format.ParseDict(json.loads(fenced("json")), order_pb2.PlaceOrderRequest())
    assert request.place.stop_price_e4 == 19_0000


# One trades, on the first shard; the opening auction of the other collects orders, on the second.
OPENED, CALLED = "TERM", "CALL"
UNTIL_DATE, UNTIL_TIME_US = 20991231, 4_102_419_600_000_000
NEEDED: dict[OrderType, tuple[str, dict[str, Any]]] = {
    OrderType.LIMIT: ("9.00", {"price_e4": 9_0000}),
    OrderType.MARKET: ("9.00", {"price_e4": 9_0000}),
    OrderType.MARKET_TO_LIMIT: ("9.00", {"price_e4": 9_0000}),
    OrderType.STOP: ("31.00 --stop-price 30", {"price_e4": 31_0000, "stop_price_e4": 30_0000}),
    OrderType.STOP_LIMIT: ("31.00 --stop-price 30", {"price_e4": 31_0000, "stop_price_e4": 30_0000}),
    OrderType.ONE_CANCELS_OTHER: (
        "9.00 --stop-price 30 --stop-limit-price 31",
        {"price_e4": 9_0000, "stop_price_e4": 30_0000, "stop_limit_price_e4": 31_0000},
    ),
    OrderType.PEGGED: ("9.00 --peg bid", {"price_e4": 9_0000, "peg": Peg.BID}),
}
STOP: dict[str, Any] = {"type": OrderType.STOP, "price_e4": 31_0000, "stop_price_e4": 30_0000}
PEGGED: dict[str, Any] = {"type": OrderType.PEGGED, "price_e4": 9_0000}
SELLS: dict[str, Any] = {"side": Side.SELL}
ASKED: dict[str, dict[str, Any]] = {
    "sell 10 TERM --market": {**SELLS, "type": OrderType.MARKET},
    "buy 10 TERM --market --amount 50": {"type": OrderType.MARKET, "amount_e4": 50_0000},
    "sell 10 TERM --type market-to-limit": {**SELLS, "type": OrderType.MARKET_TO_LIMIT},
    "sell 10 TERM --type stop --stop-price 5": {**SELLS, "type": OrderType.STOP, "stop_price_e4": 5_0000},
    "sell 10 TERM 4.90 --type stop-limit --stop-price 5": {
        **SELLS, "type": OrderType.STOP_LIMIT, "price_e4": 4_9000, "stop_price_e4": 5_0000,
    },
    "sell 10 TERM 20 --type one-cancels-other --stop-price 5": {
        **SELLS, "type": OrderType.ONE_CANCELS_OTHER, "price_e4": 20_0000, "stop_price_e4": 5_0000,
    },
    "buy 10 TERM 31 --type stop --stop-price 30 --trigger last-trade": {**STOP, "stop_trigger": StopTrigger.LAST_TRADE},
    "buy 10 TERM 31 --type stop --stop-price 30 --trigger best-quote": {**STOP, "stop_trigger": StopTrigger.BEST_QUOTE},
    "buy 10 TERM 31 --type stop --stop-price 30 --trail 50": {**STOP, "trailing_amount_e4": 50_0000},
    "buy 10 TERM 31 --type stop --stop-price 30 --trail-bp 9000": {**STOP, "trailing_bp": 9_000},
    "buy 10 TERM 31 --type stop-limit --stop-price 30 --trail-bp 9000": {
        **STOP, "type": OrderType.STOP_LIMIT, "trailing_bp": 9_000,
    },
    "buy 10 TERM 9 --display 5": {"price_e4": 9_0000, "display_quantity": 5},
    "buy 10 TERM 9 --hidden": {"price_e4": 9_0000, "hidden": True},
    "buy 10 TERM 9 --type pegged --peg bid --offset -0.05": {**PEGGED, "peg": Peg.BID, "peg_offset_e4": -500},
    "buy 10 TERM 9 --type pegged --peg ask --offset -0.05": {**PEGGED, "peg": Peg.ASK, "peg_offset_e4": -500},
    "buy 10 TERM 9 --type pegged --peg middle --offset 0.05": {**PEGGED, "peg": Peg.MIDDLE, "peg_offset_e4": 500},
    "buy 10 TERM 9 --minimum-quantity 5": {"price_e4": 9_0000, "minimum_quantity": 5},
    "buy 10 TERM 9 --post-only reject": {"price_e4": 9_0000, "post_only": PostOnly.REJECT},
    "buy 10 TERM 9 --post-only slide": {"price_e4": 9_0000, "post_only": PostOnly.SLIDE},
    "buy 10 TERM 9 --expire 2099-12-31T17:00Z": {"price_e4": 9_0000, "expire_time_us": UNTIL_TIME_US},
    **{
        f"buy 10 TERM 9 --self-trade {one.name.lower().replace('_', '-')}": {
            "price_e4": 9_0000, "self_trade_prevention": one,
        }
        for one in SelfTradePrevention
    },
}  # fmt: skip
SHOWN = {field.name for field in order_pb2.Order.DESCRIPTOR.fields}


class Desk:
    """A participant with two accounts, and an instrument in each of two phases."""

    def __init__(self, exchange: Exchange, account: str, other: str) -> None:
        self.home = str(exchange.home)
        self.account = account
        self.other = other

    async def type(self, line: str) -> Result:
        """What a line prints as JSON."""
        words = [*shlex.split(line), "--json", "--home", self.home]
        return await asyncio.to_thread(CliRunner().invoke, main, words)

    async def typed(self, line: str) -> dict[str, Any]:
        done = await self.type(line)
        assert done.exit_code == 0, f"{line}\n{done.output}"
        told: dict[str, Any] = json.loads(done.output)
        return told


@pytest.fixture(scope="module")
def desk(exchange: Exchange) -> Iterator[Desk]:
    """Its market is closed behind it."""

    async def begin() -> Desk:
        account = await exchange.join()
        participant = account.partition("/")[0]
        other = f"{participant}/other"
        async with exchange.operator() as operator:
            for shard, symbol in enumerate((OPENED, CALLED)):
                await operator.add_instrument(instrument(symbol, shard))
                await operator.deposit(f"{participant}-{symbol}", account, symbol, 100_000)
            await operator.create_account(other)
            for asset, amount in ((CURRENCY, 100_000_0000), (OPENED, 1_000), (CALLED, 1_000)):
                await operator.deposit(f"other-{asset}", other, asset, amount)
            await operator.set_phase(market_pb2.PHASE_OPEN, OPENED)
            await operator.set_phase(market_pb2.PHASE_AUCTION, CALLED, auction=market_pb2.AUCTION_KIND_OPENING)
        return Desk(exchange, account, other)

    async def end(desk: Desk) -> None:
        async with exchange.broker(desk.account.partition("/")[0]) as client, exchange.operator() as operator:
            await client.mass_cancel(desk.account, participant_wide=True)
            for symbol in (OPENED, CALLED):
                await operator.set_phase(market_pb2.PHASE_CLOSED, symbol)

    desk = asyncio.run(begin())
    yield desk
    asyncio.run(end(desk))


async def alike(client: Client, desk: Desk, line: str, place: Place) -> None:
    """The typed order and the program's are on record with what they ask for."""
    told = await desk.typed(f"order place {desk.account} {line}")
    results = [(told["order_id"], told["sequence"])]
    result = await client.submit(place)
    results.append((result.order_id, result.sequence))
    body = place.message("one", "")[1]
    wanted = {field.name for field in body.DESCRIPTOR.fields if field.name in SHOWN}
    wanted -= {"client_order_id", "trading_date"}
    if place.time_in_force is None and place.type == OrderType.MARKET:
        wanted -= {"time_in_force"}  # The phase says.
    if place.type in (OrderType.PEGGED, OrderType.MARKET_TO_LIMIT):
        wanted -= {"price_e4"}  # The book says.
    if place.stop_price_e4 and place.stop_trigger is None:
        body.stop_trigger = StopTrigger.LAST_TRADE.value
    for order_id, sequence in results:
        found = await client.get_order(order_id, min_sequence=sequence)
        assert {name: getattr(found, name) for name in wanted} == {name: getattr(body, name) for name in wanted}, line


@pytest.mark.parametrize("kind", OrderType)
async def test_each_type_stands_as_long_as_the_rule_book_says(exchange: Exchange, desk: Desk, kind: OrderType) -> None:
    """Rule 2.2: by the command line and by the SDK alike; all other times in force are refused to both for the same reason."""
    words, fields = NEEDED[kind]
    async with exchange.broker(desk.account.partition("/")[0]) as client:
        for time_in_force in TimeInForce:
            called = time_in_force in (TimeInForce.GOOD_FOR_AUCTION, TimeInForce.AT_OPEN)
            symbol = CALLED if called else OPENED
            until: dict[str, Any] = {"expire_date": UNTIL_DATE} if time_in_force == TimeInForce.GTD else {}
            line = f"buy 10 {symbol} {words} --type {word(kind)} --time {word(time_in_force)}"
            line += f" --expire {UNTIL_DATE}" if until else ""
            place = Place(desk.account, symbol, Side.BUY, 10, type=kind, time_in_force=time_in_force, **fields, **until)
            if time_in_force in TIMES[kind]:
                await alike(client, desk, line, place)
                continue
            refused = await desk.type(f"order place {desk.account} {line}")
            assert refused.exit_code == 1, line
            assert "TIME_IN_FORCE_INVALID" in refused.output, line
            with pytest.raises(Refusal, match="TIME_IN_FORCE_INVALID"):
                await client.submit(place)


def word(value: IntEnum) -> str:
    """As it is typed."""
    return value.name.lower().replace("_", "-")


async def test_all_that_an_order_may_ask_for_is_asked_for_alike(exchange: Exchange, desk: Desk) -> None:
    """Rule 2.3: each term, by the command line and by the SDK."""
    named = {name for fields in [*ASKED.values(), {"expire_date": 1}] for name in fields}
    assert set(TERMS) - {"stop_limit_price_e4"} <= named, "a term that no line asks for"
    async with exchange.broker(desk.account.partition("/")[0]) as client:
        for line, fields in ASKED.items():
            place = Place(**{"account": desk.account, "symbol": OPENED, "side": Side.BUY, "quantity": 10, **fields})
            await alike(client, desk, line, place)


async def test_many_orders_are_cancelled_alike(exchange: Exchange, desk: Desk) -> None:
    """Rule 6.1.1: by account or participant, in a symbol or in all, of a side or of both; the others stand."""
    both = (OPENED, CALLED)
    async with exchange.broker(desk.account.partition("/")[0]) as client:
        for symbol, side, wide in product(("", OPENED, CALLED), (None, *Side), (False, True)):
            ended = (2 if wide else 1) * (1 if symbol else 2) * (1 if side else 2)
            line = f"order cancel-all {desk.account} {symbol}"
            line += (f" --side {word(side)}" if side else "") + (" --whole-participant" if wide else "")
            for by_line in (True, False):
                await client.mass_cancel(desk.account, participant_wide=True)
                orders = [
                    Place(account, one, way, 1, 5_0000 if way == Side.BUY else 40_0000)
                    for account, one, way in product((desk.account, desk.other), both, Side)
                ]
                assert all(result.ok for result in await client.submit_many(orders))
                if by_line:
                    assert (await desk.typed(line))["orders"] == ended, line
                else:
                    result = await client.mass_cancel(desk.account, symbol, side, participant_wide=wide)
                    assert result.orders == ended, line
                left = await client.mass_cancel(desk.account, participant_wide=True)
                assert left.orders == len(orders) - ended, line


@pytest.mark.parametrize(
    ("words", "options"),
    [
        ("--fills 1 --window-ms 60000", {"fill_limit": 1, "window_us": 60_000_000}),
        ("--shares 5 --window-ms 60000", {"share_limit": 5, "window_us": 60_000_000}),
    ],
)
@pytest.mark.parametrize("by_line", [True, False])
async def test_a_makers_quotes_are_protected_alike(
    exchange: Exchange, desk: Desk, by_line: bool, words: str, options: dict[str, Any]
) -> None:
    """Rules 6.6.1, 6.6.4, 6.6.5: after so many trades, or shares, its quotes are gone, and none is taken until it says reset."""
    entry, text = Quote(OPENED, 8_0000, 30, 50_0000, 30), f"{OPENED}:30@8.00:30@50.00"

    async def quote(words: str, **options: Any) -> int:
        if not by_line:
            return (await client.mass_quote(desk.account, [entry], **options)).orders
        done = await desk.type(f"quote {desk.account} {text} {words}")
        if done.exit_code:
            raise Refusal(done.output, "", {})
        return int(json.loads(done.output)["quotes"])

    async with exchange.broker(desk.account.partition("/")[0]) as client:
        await client.mass_cancel(desk.account, participant_wide=True)
        assert await quote(f"{words} --reset", **options, reset=True) == 2
        await client.place(desk.other, OPENED, Side.SELL, 5, 8_0000)
        with pytest.raises(Refusal, match="MAKER_PROTECTION_ACTIVE"):
            await quote(words, **options)
        assert await quote("--reset", reset=True) == 2
        assert (await client.mass_cancel(desk.account, participant_wide=True)).orders == 2
