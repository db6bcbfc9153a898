"""Plain commands go straight between bytes and the books; whoever looks at the bytes can not tell."""

import argparse
import random
import subprocess
import sys
from hashlib import blake2b
from pathlib import Path
from typing import Any

import pytest

from bourse.match.v1 import match_pb2
from bourse.types.v1 import command_pb2
from svc_match.codec import Codec
from svc_match.core import commands, events, plain, snapshot
from svc_match.core.engine import Engine
from svc_match.ports import Encoded, Head
from svc_match.wire import rows
from svc_match.wire.commands import own_id, submission
from tests.svc_match import twin

HEAD = Head("0" * 32, 7, 0, 123)
SEEDS = range(4)
COMMANDS = 6_000
EVENTS_LIMIT = 700
COMMAND_LIMIT = 4  # with every other seed; so what stops and pegs do goes on in the next row
BATCH_LIMIT = 400
PLAIN_SHARE = 0.5
UNTOLD = (events.Repeat, events.EarlierDate)


def message(command: commands.Order, number: int) -> match_pb2.Submission:
    """A drawn command as svc_order would send it."""
    assert not isinstance(command, commands.MassQuote)
    if isinstance(command, commands.RenewLease):
        account, own_id, lease, grace_us = command
        renew = command_pb2.RenewLease(account=account, client_order_id=own_id, lease=lease, grace_ms=1_000 + grace_us)
        return match_pb2.Submission(command=command_pb2.OrderCommand(renew_lease=renew))
    made = match_pb2.Submission(hold_id=command.hold_id, deadline_us=command.deadline_us)
    kind = "mass_cancel" if isinstance(command, commands.MassCancel) else type(command).__name__.lower()
    to = getattr(made.command, kind)
    for name in ("account", "client_order_id", "trading_date", "symbol"):
        setattr(to, name, getattr(command, name))
    if isinstance(command, commands.Place):
        made.held_price_e4 = command.held_price_e4
        names: tuple[str, ...] = ("side", "type", "time_in_force", "price_e4", "quantity", "amount_e4")
    elif isinstance(command, commands.MassCancel):
        names = ("participant_wide", "side")
    else:
        names = ("order_id", "original_client_order_id")
        if isinstance(command, commands.Replace):
            names = (*names, "price_e4", "quantity")
    for name in names:
        setattr(to, name, getattr(command, name))
    if isinstance(command, commands.Place):
        for name, term in zip(commands.Terms._fields, command.terms, strict=True):
            setattr(to, name, term)
        to.lease = command.lease
    if not isinstance(command, commands.Cancel | commands.MassCancel):
        made.held_amount, made.held_fee_e6 = command.held_amount, command.held_fee_e6
        if command.digest == bytes(16):
            to.quantity ^= 1
    if number % 7 == 0:
        to.traceparent = f"00-{number:032x}-{number:016x}-01"
    return made


class Ways:
    """The same commands on both ways: engines, rows and answers are equal."""

    def __init__(self, seed: int) -> None:
        self.drawing = twin.Drawing(seed)
        self.chance = random.Random(seed + 1)
        self.codec = Codec()
        self.general, self.straight = Engine(0), Engine(0)
        if seed % 2:
            self.general.packed.command_limit = self.straight.packed.command_limit = COMMAND_LIMIT
        self.time_us = 1
        self.plain_rows = 0
        self.number = 0
        self.seen: set[str] = set()
        self.rows = blake2b(digest_size=16)

    def control(self, command: commands.Command) -> None:
        """What never goes straight: a mass quote too."""
        self.time_us += 1
        wanted = self.general.apply([command], self.time_us)
        assert self.straight.apply([command], self.time_us) == wanted

    def batch(self, drawn: list[commands.Order]) -> None:
        messages = [message(command, self.number + place) for place, command in enumerate(drawn)]
        self.number += len(drawn)
        if self.chance.random() < PLAIN_SHARE:
            messages = [one for one in messages if self.codec.command(one.SerializeToString()).__class__ is bytes]
        raw = match_pb2.SubmitRequest(incarnation="0" * 32, submissions=messages).SerializeToString()
        request = self.codec.request(raw)
        assert request.incarnation == "0" * 32
        items, mine = [submission(one) for one in messages], request.commands
        assert [self.codec.item(one) for one in mine] == items
        assert [self.codec.own_id(one) for one in mine] == [own_id(one) for one in items]
        assert [self.codec.traceparent(one) for one in mine] == [one.traceparent for one in items]
        while items or self.general.ending:
            self.time_us += 1
            if self.straight.is_due(self.time_us):
                self.control(commands.Tick())  # what is due comes first, in a row of its own
                continue
            done = self.row(items, mine)
            items, mine = items[done:], mine[done:]

    def row(self, items: list[Any], mine: list[Any]) -> int:
        wanted = self.general.apply([item.command for item in items], self.time_us, EVENTS_LIMIT)
        self.plain_rows += all(isinstance(one, bytes) for one in mine)
        found = plain.execute(self.straight, mine, self.time_us, EVENTS_LIMIT)
        count = len(wanted.results)
        assert len(found.results) == count
        assert found.identities == wanted.identities
        assert (found.first_sequence, found.last_sequence) == (wanted.first_sequence, wanted.last_sequence)
        self.seen |= {type(result).__name__ for result in wanted.results}
        one = self.codec.encoded(HEAD, self.general, items[:count], wanted)
        other = self.codec.encoded(HEAD, self.straight, mine[:count], found)
        assert rows.items(other.commands, self.codec.command) == [
            self.codec.command(item.encoded[5:])
            for item, result in zip(items, wanted.results, strict=False)
            if not isinstance(result, events.Refused | events.Late | events.Repeat | events.EarlierDate)
        ]
        assert one._replace(results=[]) == other._replace(results=[])
        self.rows.update(repr(other).encode())
        self.answers(one, other, items, mine)
        return count

    def answers(self, one: Encoded, other: Encoded, items: list[Any], mine: list[Any]) -> None:
        for wanted, found, item, command in zip(one.results, other.results, items, mine, strict=False):
            if isinstance(wanted, UNTOLD):
                assert found == wanted
            else:
                assert self.codec.answer([command], [found]) == self.codec.answer([item], [wanted])


def run(seed: int, count: int) -> Ways:
    """Both ways with `count` commands of a seed."""
    ways, batch = Ways(seed), []  # type: ignore[var-annotated]
    for command in ways.drawing.draw(count):
        straight = isinstance(command, commands.Order) and not isinstance(command, commands.MassQuote)
        if straight:
            batch.append(command)
            if len(batch) < ways.chance.choice((1, 30, BATCH_LIMIT)):
                continue
        if batch:
            ways.batch(batch)
            ways.drawing.sequence = ways.general.sequence
            batch = []
        if not straight:
            ways.control(command)
    ways.batch(batch)
    assert snapshot.encode(ways.straight) == snapshot.encode(ways.general)
    return ways


@pytest.mark.parametrize("seed", SEEDS)
def test_both_ways_give_the_same_bytes(seed: int) -> None:
    """Rows, identities, answers and state: rejections, repeats, late ones, other dates and rows in parts included."""
    ways = run(seed, COMMANDS)
    assert ways.plain_rows > 100
    assert {"Accepted", "Rejected", "Done", "Replaced", "Refused", "Late", "Repeat", "EarlierDate"} <= ways.seen


def test_interpreted_equals_compiled() -> None:
    """The same rows, answers and state, where the modules run as they are written."""
    told = set()
    for module in (["test_plain"], ["interpreted", "test_plain"]):
        run = subprocess.run(
            [sys.executable, "-m", f"tests.svc_match.{module[0]}", *module[1:], "--seed", "9", "--commands", "1500"],
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stderr
        told.add(run.stdout)
    assert len(told) == 1


if __name__ == "__main__":
    reader = argparse.ArgumentParser()
    reader.add_argument("--seed", type=int, default=1)
    reader.add_argument("--commands", type=int, default=100_000)
    told = reader.parse_args()
    made = run(told.seed, told.commands)
    sys.stdout.write(
        f"seed {told.seed}: {told.commands} commands, {made.plain_rows} plain rows, equal; "
        f"rows {made.rows.hexdigest()}, state {snapshot.state_hash(made.straight).hex()}\n"
    )
