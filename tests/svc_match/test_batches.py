"""What commands do does not depend on how they are batched into rows (rule 1.1)."""

import random
from collections.abc import Iterable
from itertools import islice
from typing import Any, NamedTuple

import pytest

from svc_match.core import commands, engine, snapshot
from svc_match.core.layout import COMMAND_EVENTS_LIMIT
from tests.svc_match import twin

SEEDS = range(2)
COMMANDS = 5_100  # more than a date's
BLOCKS = (1, 7, 64, 512, 4_096)  # commands of one journal time
BATCHES = (1, 64, 4_096)
LIMITS = ((engine.ROW_EVENTS_LIMIT, COMMAND_EVENTS_LIMIT), (50, 8))  # of a row, and of a command
RESTORED = 0.1  # of batches


class Told(NamedTuple):
    """What a core said to all commands, and what it was then."""

    private: list[Any]
    public: dict[str, list[Any]]
    results: list[Any]
    identities: list[bytes]  # by date
    states: list[bytes]  # by journal time


class Run:
    """A core that takes batches of at most one size, in rows of at most one length; now and then it is restored."""

    def __init__(self, size: int, limits: tuple[int, int], chance: random.Random | None = None) -> None:
        self.pair = twin.Pair()
        self.size, self.chance = size, chance
        self.row_limit, self.command_limit = limits
        self.told = Told([], {}, [], [b""], [])
        self.limit()

    def limit(self) -> None:
        """What a command may write before it goes on in the next row."""
        self.pair.packed.packed.command_limit = self.command_limit

    def take(self, block: Iterable[commands.Command], time_us: int) -> None:
        """Commands of one journal time."""
        some = iter(block)
        self.pair.trades, self.pair.accepted = [], []
        while batch := list(islice(some, self.size)):
            if self.chance is not None and self.chance.random() < RESTORED:
                self.pair.restore()
                self.limit()
            while batch or self.pair.packed.goes_on:
                batch = batch[self.row(batch, time_us) :]
        self.told.states.append(snapshot.state_hash(self.pair.packed))

    def row(self, batch: list[commands.Command], time_us: int) -> int:
        """How many commands a row takes."""
        date = self.pair.packed.last_date
        row = self.pair.packed.apply(batch, time_us, self.row_limit)
        self.told.private.extend(row.events)
        self.told.results.extend(row.results)
        for symbol, shown in row.public.items():
            self.told.public.setdefault(symbol, []).extend(shown)
        if self.pair.packed.last_date != date:
            self.told.identities.append(b"")
        self.told.identities[-1] += row.identities
        self.pair.trades += [event for event in row.events if type(event) is twin.events.Traded]
        self.pair.accepted += [event for event in row.events if type(event) is twin.events.Accepted]
        return len(row.results)


def drawn(seed: int, single: Run) -> list[tuple[int, list[commands.Command]]]:
    """Blocks of commands with their times, as the twin draws them for what the first core did with those before."""
    drawing, chance, blocks = twin.Drawing(seed), random.Random(seed), []
    stream = drawing.draw(COMMANDS)
    while block := list(islice(stream, chance.choice(BLOCKS))):
        single.pair.time_us += 1
        if chance.random() < 0.5:
            single.pair.pass_time(chance)
        single.take(block, single.pair.time_us)
        drawing.see(single.pair)
        blocks.append((single.pair.time_us, block))
    return blocks


@pytest.mark.parametrize("limits", LIMITS)
@pytest.mark.parametrize("seed", SEEDS)
def test_events_do_not_depend_on_batches(seed: int, limits: tuple[int, int]) -> None:
    """Single commands, batches of 64 and of 4 096, and a start from any snapshot, give the same private and public events, results,
    identities and state hash.
    """
    single = Run(1, limits)
    blocks = drawn(seed, single)
    for size in BATCHES[1:]:
        other = Run(size, limits, random.Random(seed))
        for time_us, block in blocks:
            other.take(block, time_us)
        for name, wanted in single.told._asdict().items():
            assert getattr(other.told, name) == wanted, f"seed {seed}, batches of {size}: other {name}"
