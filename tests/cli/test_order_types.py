"""docs/order-types.md, typed line by line: each line prints what stands behind its #."""

import asyncio
import json
import re
import shlex
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import yaml
from click.testing import CliRunner
from google.protobuf import json_format

from bourse.order.v1 import order_pb2
from bourse.types.v1 import market_pb2
from bourse_sdk import PostOnly, Side, StopTrigger
from chassis.units import shard_of
from cli.__main__ import main
from tests.exchange import CURRENCY, Exchange

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
