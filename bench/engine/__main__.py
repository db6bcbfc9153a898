"""The matching core beside a bare price-time book in C++ on the same seeded workload, in alternating runs.

Each batch's time is the best of all rounds, so that what else the machine does counts as little as it can.
"""

import json
import subprocess
import sys
import tempfile
import time
from array import array
from pathlib import Path

import click

from bench._conditions import conditions
from bench.engine import kinds, workload
from bench.engine.resting import measure
from svc_match.core import layout as w
from svc_match.core.books import COMPILED

SOURCE = Path(__file__).parent / "yardstick.cpp"
COMPILER = ("g++", "-std=c++20", "-O3", "-march=native")
BATCHES = (1, 8, 64, 512, 4096)
MAIN_BATCH = 512
TAIL_BATCH = 64
TAIL = 0.999


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
            commands = workload.commands(file, instruments)
            click.echo(f"{instruments} instrument(s), {left} orders rest at the end")
            for batch in batches:
                core, bare = compare(yardstick, file, commands, instruments, batch, rounds)
                ratio = sum(bare) / sum(core)
                click.echo(line(batch, operations, core, bare))
                if batch == MAIN_BATCH:
                    name = f"{instruments}_instrument" + "s" * (instruments > 1)
                    told |= {f"ratio_{name}": round(ratio, 3), f"core_{name}": round(operations / sum(core) * 1e9)}
                    told |= {f"yardstick_{name}": round(operations / sum(bare) * 1e9)}
                if batch == TAIL_BATCH:
                    told[f"p999_us_{instruments}"] = round(tail(core) / 1e3, 1)
    if resting:
        told |= measure(resting) | kinds.measure(resting)
    click.echo(json.dumps(told | conditions()))


def compare(
    yardstick: Path, file: Path, commands: "array[int]", instruments: int, batch: int, rounds: int
) -> tuple[list[float], list[float]]:
    """The best nanoseconds of each batch, of the core and of the yardstick, whose events are equally many words."""
    core: list[float] = []
    bare: list[float] = []
    for _ in range(rounds):
        times = file.with_suffix(".times")
        run = subprocess.run([yardstick, "run", file, str(batch), times], check=True, capture_output=True)
        bare = best(bare, list(memoryview(times.read_bytes()).cast("d")))
        found, words = timed(commands, instruments, batch)
        core = best(core, found)
        assert words == json.loads(run.stdout)["words"], "both write the same events"
    return core, bare


def timed(commands: "array[int]", instruments: int, batch: int) -> tuple[list[float], int]:
    """Nanoseconds of each batch, and the words of all events."""
    books, clock = workload.books(instruments), time.perf_counter_ns
    now = array("q", bytes(8 * batch * w.COMMAND_WORDS))
    step, words, found = batch * w.COMMAND_WORDS, 0, []
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


def best(some: list[float], others: list[float]) -> list[float]:
    return list(map(min, some, others)) if some else others


def tail(times: list[float]) -> float:
    return sorted(times)[min(int(len(times) * TAIL), len(times) - 1)]


def line(batch: int, operations: int, core: list[float], bare: list[float]) -> str:
    mine, its = sum(core) / operations, sum(bare) / operations
    return (
        f"  batches of {batch:4}: core {1e3 / mine:5.1f} M/s, {mine:6.1f} ns; yardstick {1e3 / its:5.1f} M/s, "
        f"{its:6.1f} ns; ratio {its / mine:.2f}; p99.9 of a batch {tail(core) / 1e3:.1f} µs beside {tail(bare) / 1e3:.1f} µs"
    )


if __name__ == "__main__":
    sys.exit(main())
