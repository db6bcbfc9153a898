"""Journals that the code of before wrote: rows-of-1.json.gz before plain commands had a way of their own, rows-of-2.json.gz before
there were auctions.
"""

import gzip
import json
from pathlib import Path
from typing import Any

import pytest

from svc_match import db
from svc_match.codec import Codec
from svc_match.core import snapshot
from svc_match.core.engine import Engine
from svc_match.core.plain import execute
from svc_match.ports import Head, Row
from tests.servers import Database
from tests.svc_match.test_journal import replay, shard

WRITTEN = (1, 2)  # by which semantics
EVENTS_LIMIT = 16_384


def read(semantics: int) -> list[Row]:
    """The rows."""
    path = Path(__file__).with_name(f"rows-of-{semantics}.json.gz")
    stored = json.loads(gzip.decompress(path.read_bytes()))["rows"]
    return [Row(**{name: value_of(name, value) for name, value in row.items()}) for row in stored]


def value_of(name: str, value: Any) -> Any:
    if name in ("commands", "identities", "checksum"):
        return bytes.fromhex(value)
    return [bytes.fromhex(part) for part in value] if name in ("executions", "market_data") else value


@pytest.mark.parametrize("semantics", WRITTEN)
def test_the_same_commands_give_the_same_rows(semantics: int) -> None:
    """Byte for byte, identities included, whichever way a row goes."""
    rows = read(semantics)
    engine, codec, ways = Engine(0), Codec(), set()
    for row in rows:
        assert row.semantics == semantics
        commands = codec.items(row.commands, semantics)
        plain = all(isinstance(command, bytes) for command in commands)
        ways.add(plain)
        if plain:
            done: Any = execute(engine, commands, row.time_us, EVENTS_LIMIT)  # type: ignore[arg-type]
        else:
            commands = [codec.item(command) for command in commands]
            done = engine.apply([command.command for command in commands], row.time_us)  # type: ignore[union-attr]
        encoded = codec.encoded(Head(row.incarnation, row.epoch, 0, row.time_us), engine, commands, done)
        assert encoded.commands == row.commands
        assert done.identities == row.identities
        assert encoded.executions == row.executions
        assert encoded.market_data == list(zip(row.symbols, row.market_data, strict=True))
        assert db.row_checksum(row) == row.checksum
    assert ways == {True, False}


@pytest.mark.parametrize("semantics", WRITTEN)
async def test_a_journal_of_before_opens(postgres: Database, semantics: int) -> None:
    """A shard that recovers from these rows stands where the general way would, and goes on behind them."""
    rows = read(semantics)
    journal = await db.take_over(postgres.url("svc_match"), 0)
    for row in rows:
        assert (await journal.append(row)).checksum == row.checksum
    await journal.close()
    async with shard(postgres) as it:
        assert [row.checksum for row in await it.journal.rows(1, 1 << 30)][: len(rows)] == [
            row.checksum for row in rows
        ]
        assert it.sequence > rows[-1].last_sequence
        assert await it.read(snapshot.state_hash) == snapshot.state_hash(await replay(it, it.sequence))
