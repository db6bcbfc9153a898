"""What a failure of the twin tells can be read, saved among the golden transcripts and run again."""

from collections.abc import Iterator
from dataclasses import replace
from typing import Any

import pytest

from svc_match.core import commands, events
from svc_match.core.instrument import Instrument
from tests.svc_match import twin
from tests.svc_match.oracle.engine import Engine as Oracle
from tests.svc_match.transcript import Desk
from tests.svc_match.wording import Sent, Wanted, transcript, worded

COMMANDS = 1_500


class Dearer(Oracle):
    """An exchange whose makers pay more than they should."""

    def _add_instrument(self, instrument: Instrument) -> events.Result:
        return super()._add_instrument(replace(instrument, maker_fee_e6=instrument.maker_fee_e6 + 50_000))


def but_for_holds(command: Any) -> Any:
    """What of a command is in its words: all but the numbers of holds, what is held beyond need, and what a digest is of."""
    if isinstance(command, commands.MassQuote):
        sides = (one._replace(hold_id=bool(one.hold_id and one.quantity), held_amount=0) for one in command.sides)
        command = command._replace(sides=tuple(sides))
    if isinstance(command, commands.Place):
        command = command._replace(hold_id=bool(command.hold_id), held_amount=0)
    if isinstance(command, commands.BustTrade):
        trade = command.trade
        return command.reason, (trade.sequence, trade.symbol, trade.quantity, trade.price_e4)
    return command._replace(digest=b"") if hasattr(command, "digest") else command


@pytest.mark.parametrize("seed", range(4))
def test_words_are_the_command(seed: int) -> None:
    """Each command that is drawn is told by its line; the same line is the same identity, another digest is another."""
    desk, digests = Desk(), {}
    for sent in twin.run(seed, COMMANDS)[1]:
        line = worded(sent.command, desk.engine.last_date)
        read: Any = desk.command(line)
        assert but_for_holds(read) == but_for_holds(sent.command), (seed, line)
        if hasattr(read, "digest"):
            key = sent.command.account, sent.command.client_order_id, sent.command.digest
            assert digests.setdefault(key, read.digest) == read.digest, (seed, line)
    assert len(set(digests.values())) == len(digests)


@pytest.mark.parametrize("seed", range(4))
def test_a_transcript_of_drawn_commands_runs_again(seed: int) -> None:
    """Batches, rows, times and snapshots are told as well: the core says in it what it said, which is what the oracle says."""
    pair, sent = twin.run(seed, COMMANDS)
    told = transcript(sent, Wanted())
    assert not [line for line in told if line.startswith("#")], seed
    desk, again = Desk(), list[str]()
    for line in told:
        again += [line, *desk.say(line[1:])] if line.startswith(">") else []
    assert again == told
    assert desk.engine.sequence == pair.packed.sequence


def test_a_failure_tells_both_answers() -> None:
    """Behind a command stands what is wanted, then as comments what differs."""
    told = transcript(list(failing()), Wanted(Dearer(0)))
    assert [line for line in told if line[0] == ">"][-1] == "> bob buy b1 10 ACME 10.00"
    assert [line for line in told if "trade ACME" in line] == [
        "6 trade ACME 10 at 10.00: maker ann:s1 fee 0.02 open 0, taker bob:b1 fee 0.02 open 0",
        "# - 6 trade ACME 10 at 10.00: maker ann:s1 fee 0.02 open 0, taker bob:b1 fee 0.02 open 0",
        "# + 6 trade ACME 10 at 10.00: maker ann:s1 fee 0.01 open 0, taker bob:b1 fee 0.02 open 0",
    ]
    assert not [line for line in told if line.startswith("# + 5")]


def failing() -> Iterator[Any]:
    """Two orders that meet."""
    desk = Desk()
    for number, line in enumerate(
        ("add ACME", "date 20260105", "phase all open", "ann sell s1 10 ACME 10.00", "bob buy b1 10 ACME 10.00"), 1
    ):
        desk.engine.last_date = 20260105
        yield Sent(
            number,
            number - 1,
            desk.row_events,
            desk.command_limit,
            desk.fills_limit,
            desk.hidden_limit,
            restored=False,
            command=desk.command(line),
        )
