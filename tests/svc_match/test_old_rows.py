"""Journals that the code of before wrote: rows-of-1.json.gz before plain commands had a way of their own, rows-of-2.json.gz before
there were auctions; rows-of-1-long.json.gz and -2- are of orders that traded thousands of times and of stops that one command
triggered, when there was no limit to that. These are kept without what their commands did: their checksums cover that.
"""

import gzip
import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from svc_match import db
from svc_match.codec import Codec
from svc_match.core import snapshot
from svc_match.core.engine import SEMANTICS, Engine
from svc_match.core.layout import ORDER_FILLS_LIMIT
from svc_match.core.plain import execute
from svc_match.ports import Head, Row
from tests.servers import Database
from tests.svc_match.test_journal import replay, shard

WRITTEN = (1, 2)  # by which semantics
EVENTS_LIMIT = 16_384


def read(name: str) -> list[Row]:
    """The rows of a file; with no executions where these are not kept."""
    path = Path(__file__).with_name(f"rows-of-{name}.json.gz")
    stored = json.loads(gzip.decompress(path.read_bytes()))["rows"]
    left_out = {"identities": "", "executions": [], "market_data": [], "symbols": [], "traces": []}
    return [Row(**{name: value_of(name, value) for name, value in (left_out | row).items()}) for row in stored]


def value_of(name: str, value: Any) -> Any:
    if name in ("commands", "identities", "checksum"):
        return bytes.fromhex(value)
    return [bytes.fromhex(part) for part in value] if name in ("executions", "market_data") else value


def done_again(engine: Engine, codec: Codec, row: Row) -> tuple[bool, Row]:
    """Whether all commands of a row are plain, and the row that they give now."""
    engine.follow(row.semantics)
    commands: list[Any] = codec.items(row.commands, row.semantics)
    plain = all(isinstance(command, bytes) for command in commands)
    if plain:
        done: Any = execute(engine, commands, row.time_us, EVENTS_LIMIT)
    else:
        commands = [codec.item(command) for command in commands]
        done = engine.apply([command.command for command in commands], row.time_us)
    encoded = codec.encoded(Head(row.incarnation, row.epoch, 0, row.time_us), engine, commands, done)
    return plain, replace(
        row,
        first_sequence=done.first_sequence,
        last_sequence=done.last_sequence,
        identity_date=engine.last_date,
        commands=encoded.commands,
        identities=done.identities,
        executions=encoded.executions,
        market_data=[part for _, part in encoded.market_data],
        symbols=[symbol for symbol, _ in encoded.market_data],
    )


@pytest.mark.parametrize("semantics", WRITTEN)
def test_the_same_commands_give_the_same_rows(semantics: int) -> None:
    """Rule 1.7, byte for byte, identities included, whichever way a row goes."""
    engine, codec, ways = Engine(0), Codec(), set()
    for row in read(f"{semantics}"):
        assert row.semantics == semantics
        plain, again = done_again(engine, codec, row)
        ways.add(plain)
        assert again == row
        assert db.row_checksum(row) == row.checksum
    assert ways == {True, False}


@pytest.mark.parametrize("semantics", WRITTEN)
def test_no_limit_that_came_later_holds_for_a_row_of_before(semantics: int) -> None:
    """Rule 1.7: what its orders traded, and what one command brought about, is in it, and so is its checksum."""
    engine, codec = Engine(0), Codec()
    rows = read(f"{semantics}-long")
    for row in rows:
        _, again = done_again(engine, codec, row)
        assert db.row_checksum(again) == row.checksum, row.first_sequence
    assert max(row.last_sequence - row.first_sequence for row in rows) > 2 * ORDER_FILLS_LIMIT
    engine.follow(SEMANTICS)
    assert (engine.packed.fills_limit, engine.packed.earlier) == (ORDER_FILLS_LIMIT, 0)


@pytest.mark.parametrize("name", [f"{semantics}{kind}" for semantics in WRITTEN for kind in ("", "-long")])
async def test_a_journal_of_before_opens(postgres: Database, name: str) -> None:
    """A shard that recovers from these rows stands where the general way would, and goes on behind them."""
    engine, codec = Engine(0), Codec()
    rows = [done_again(engine, codec, row)[1] for row in read(name)]
    journal = await db.take_over(postgres.url("svc_match"), 0)
    for row in rows:
        assert (await journal.append(row)).checksum == row.checksum
    await journal.close()
    async with shard(postgres) as it:
        assert [row.checksum for row in await it.journal.rows(1, 1 << 30)][: len(rows)] == [
            row.checksum for row in rows
        ]
        assert it.sequence > rows[-1].last_sequence
        assert await it.read(lambda engine: engine.packed.earlier) == 0
        assert await it.read(snapshot.state_hash) == snapshot.state_hash(await replay(it, it.sequence))
