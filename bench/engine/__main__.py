"""The matching core beside a bare price-time book in C++ on the same seeded workload, in alternating runs; and beside itself, where
its instruments have more than that.

Before anything is timed, each event of each is compared with the yardstick's. Operations a second are of each batch's best time of all
rounds, so that what else the machine does counts as little as it can; tails are of all batches of all rounds, as they were.
"""

import heapq
import json
import subprocess
import sys
import tempfile
import time
from array import array
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TypeAlias

import click

from bench._conditions import conditions
from bench.engine import features, kinds, workload
from bench.engine.resting import measure
from svc_match.core import layout as w
from svc_match.core.books import COMPILED, Books

SOURCE = Path(__file__).parent / "yardstick.cpp"
COMPILER = ("g++", "-std=c++20", "-O3", "-march=native")
BATCHES = (1, 8, 64, 512, 4096)
MAIN_BATCH = 512
TAIL_BATCH = 64
TAIL = 0.999
Rounds: TypeAlias = "list[array[float]]"


@click.command()
@click.option("--operations", default=2_000_000)
@click.option("--rounds", default=5)
@click.option("--seed", default=1)
@click.option("--resting", default=1_000_000, help="Orders that rest for the figures of memory and pauses; 0 for none.")
@click.option("--batch", "batches", multiple=True, type=int, default=BATCHES)
def main(operations: int, rounds: int, seed: int, resting: int, batches: tuple[int, ...]) -> None:
    """Operations a second of both, and their ratio."""
    told: dict[str, object] = {"compiled": COMPILED, "operations": operations, "seed": seed, "rounds": rounds}
    with tempfile.TemporaryDirectory() as folder:
        yardstick = Path(folder) / "yardstick"
        subprocess.run([*COMPILER, "-o", yardstick, SOURCE], check=True)
        for instruments in (1, 100):
            file = Path(folder) / f"{instruments}.operations"
            made = [yardstick, "generate", str(seed), str(operations), str(instruments), file]
            left = json.loads(subprocess.run(made, check=True, capture_output=True).stdout)["resting"]
            commands = checked(yardstick, file, workload.books(instruments))
            click.echo(f"{instruments} instrument(s), {left} orders rest at the end; all events are the yardstick's")
            for batch in batches:
                core, bare = compare(yardstick, file, commands, instruments, batch, rounds)
                ratio = total(bare) / total(core)
                click.echo(line(batch, operations, core, bare))
                if batch == MAIN_BATCH:
                    name = f"{instruments}_instrument" + "s" * (instruments > 1)
                    told |= {f"ratio_{name}": round(ratio, 3), f"core_{name}": round(operations / total(core) * 1e9)}
                    told |= {f"yardstick_{name}": round(operations / total(bare) * 1e9)}
                if batch == TAIL_BATCH:
                    told[f"p999_us_{instruments}"] = round(tail(core) / 1e3, 1)
            if instruments == 1:
                told |= with_features(yardstick, file, operations, rounds)
    if resting:
        told |= measure(resting) | kinds.measure(resting)
    click.echo(json.dumps(told | conditions()))


def checked(yardstick: Path, file: Path, made: Books) -> "array[int]":
    """The workload's commands for these books, whose events are the yardstick's."""
    with subprocess.Popen([yardstick, "say", file], stdout=subprocess.PIPE) as said:
        assert said.stdout is not None
        return workload.commands(file, made, said.stdout)


def compare(
    yardstick: Path, file: Path, commands: "array[int]", instruments: int, batch: int, rounds: int
) -> tuple[Rounds, Rounds]:
    """The nanoseconds of each batch in each round, of the core and of the yardstick, whose events are equally many words."""
    core, bare = [], []
    for _ in range(rounds):
        times = file.with_suffix(".times")
        run = subprocess.run([yardstick, "run", file, str(batch), times], check=True, capture_output=True)
        bare.append(array("d", times.read_bytes()))
        found, words = timed(commands, workload.books(instruments), batch)
        core.append(found)
        assert words == json.loads(run.stdout)["words"], "both write the same events"
    return core, bare


def with_features(yardstick: Path, file: Path, operations: int, rounds: int) -> dict[str, object]:
    """The same workload where an instrument has nothing else, and where others use one kind of features after another."""
    made = [partial(features.books, 1, uses) for uses in features.Uses]
    commands = [checked(yardstick, file, books()) for books in made]
    found: list[Rounds] = [[] for _ in made]
    for _ in range(rounds):
        for times, books, some in zip(found, made, commands, strict=True):
            times.append(timed(some, books(), MAIN_BATCH)[0])
    taken = dict(zip(features.Uses, map(total, found), strict=True))
    ratios = {uses: taken[features.Uses.NOTHING] / times for uses, times in taken.items()}
    click.echo(
        f"The same on 1 instrument, in batches of {MAIN_BATCH}, all events as before, each with what is above it:"
    )
    for uses, ratio in ratios.items():
        click.echo(f"  {taken[uses] / operations:7.1f} ns, ratio {ratio:.2f}: {features.TOLD[uses]}")
    told = {uses.name.lower(): round(ratio, 3) for uses, ratio in ratios.items()}
    return {"ratio_features": told[max(features.Uses).name.lower()], "ratios_features": told}


def timed(commands: "array[int]", books: Books, batch: int) -> tuple["array[float]", int]:
    """Nanoseconds of each batch, and the words of all events."""
    clock = time.perf_counter_ns
    now = array("q", bytes(8 * batch * w.COMMAND_WORDS))
    step, words, found = batch * w.COMMAND_WORDS, 0, array("d")
    with memoryview(commands) as view:
        for start in range(0, len(view), step):
            some = view[start : start + step]
            if len(some) < step:
                now = array("q", bytes(8 * len(some)))
            memoryview(now)[:] = some
            before = clock()
            events = books.apply(now)
            found.append(float(clock() - before))
            words += len(events)
    return found, words


def total(times: Rounds) -> float:
    """Nanoseconds of all batches, each in its best round."""
    return sum(map(min, *times)) if len(times) > 1 else sum(times[0])


def tail(times: Rounds) -> float:
    """The share TAIL of all batches of all rounds took no longer."""
    count = sum(map(len, times))
    return heapq.nlargest(count - min(int(count * TAIL), count - 1), chain.from_iterable(times))[-1]


def line(batch: int, operations: int, core: Rounds, bare: Rounds) -> str:
    mine, its = total(core) / operations, total(bare) / operations
    return (
        f"  batches of {batch:4}: core {1e3 / mine:5.1f} M/s, {mine:6.1f} ns; yardstick {1e3 / its:5.1f} M/s, "
        f"{its:6.1f} ns; ratio {its / mine:.2f} (each batch's best round); p99.9 of a batch {tail(core) / 1e3:.1f} µs beside "
        f"{tail(bare) / 1e3:.1f} µs (all batches of all {len(core)} rounds)"
    )


if __name__ == "__main__":
    sys.exit(main())
