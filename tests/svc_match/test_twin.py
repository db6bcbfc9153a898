"""The packed core equals the plain one, compiled and interpreted, whatever the seed; what is damaged is refused."""

import json
import os
import random
import re
import subprocess
import sys
from hashlib import blake2b
from pathlib import Path

import pytest

from svc_match.core import books, commands, layout, snapshot
from tests.svc_match import twin

SEEDS = range(6)
COMMANDS = 50_000
SHORT = 6_000
FOLDER = Path(layout.__file__).parent


@pytest.mark.parametrize("seed", SEEDS)
def test_the_core_equals_its_twin(seed: int) -> None:
    """Events, public events, results, identities and what stands are equal, over batches, dates and restored snapshots."""
    pair, _ = twin.run(seed, COMMANDS)
    assert pair.packed.sequence > COMMANDS
    assert pair.makers_waited


def test_interpreted_equals_compiled() -> None:
    """Both give the same state hash, under any PYTHONHASHSEED."""
    told = set()
    for module, seed in (
        (("twin",), "0"),
        (("twin",), "77"),
        (("interpreted", "twin"), "0"),
        (("interpreted", "twin"), "99"),
    ):
        run = subprocess.run(
            [
                sys.executable,
                "-m",
                f"tests.svc_match.{module[0]}",
                *module[1:],
                "--seed",
                "5",
                "--commands",
                str(SHORT),
            ],
            env={**os.environ, "PYTHONHASHSEED": seed},
            cwd=Path(__file__).parents[2],
            capture_output=True,
            text=True,
            check=False,
        )
        assert run.returncode == 0, run.stdout + run.stderr
        assert ("interpreted" in run.stdout) == (module[0] == "interpreted" or not books.COMPILED)
        told.add(run.stdout.rpartition("state ")[2])
    assert len(told) == 1


def test_a_date_closes_in_parts_as_in_the_twin() -> None:
    """Displayed, hidden and waiting orders, stops and those for the closing auction, end in the same order, in any number of parts."""
    pair, drawing = twin.Pair(), twin.Drawing(2)
    pair.apply(list(drawing.draw(0)))
    some = [
        made for made in (drawing.place() for _ in range(18_000)) if made.time_in_force in (1, 6, 7) and made.type != 3
    ]
    sides = {1: -2_000, 2: 2_000}  # ticks away from each other, so that nothing trades
    apart = [
        made._replace(
            lease="",
            price_e4=made.price_e4 and made.price_e4 + sides[made.side] * drawing.instruments[made.symbol].tick_size_e4,
        )
        for made in some
        if made.symbol in drawing.instruments and not made.terms.minimum_quantity and made.price_e4 < twin.LARGE
    ]
    pair.apply(list(apart))
    parts = 0
    while pair.packed.trading_date:
        pair.apply([commands.CloseDate(drawing.date)])
        pair.compare()
        parts += 1
    assert parts > 1


def test_the_layout_is_the_same_for_c() -> None:
    """layout.pxd has the numbers of layout.py."""
    of_c = dict(re.findall(r"^    (\w+) = (\w+)$", (FOLDER / "layout.pxd").read_text("utf-8"), re.MULTILINE))
    of_python = {name: value for name, value in vars(layout).items() if name.isupper()}
    assert {name: int(value, 0) for name, value in of_c.items()} == of_python
    for record in "CXSBF":
        words = [number for name, number in of_python.items() if name.startswith(f"{record}_")]
        assert len(words) == len(set(words)), f"two words {record}_ are the same"


def test_a_damaged_snapshot_is_refused() -> None:
    """Whichever byte differs, or is missing, nothing is loaded."""
    pair, _ = twin.run(3, 2_000)
    state, records = snapshot.encode(pair.packed), twin.of_the_date(pair.packed)
    chance = random.Random(1)
    for _ in range(200):
        at = chance.randrange(len(state))
        damaged = state[:at] + bytes([state[at] ^ (1 << chance.randrange(8))]) + state[at + 1 :]
        with pytest.raises(snapshot.SnapshotDamaged):
            snapshot.load(damaged, records)
        with pytest.raises(snapshot.SnapshotDamaged):
            snapshot.load(state[:at], records)
    with pytest.raises(snapshot.SnapshotDamaged, match="identities"):
        snapshot.load(state, records[: -len(records) // 2 // 44 * 44])
    for nonsense in (records[:-1], records + records):
        with pytest.raises(snapshot.SnapshotDamaged, match="identities"):
            snapshot.load(state, nonsense)


def test_a_snapshot_with_wrong_counts_is_refused() -> None:
    """What the header says of the pools behind it is what they are, though the hash is right."""
    pair, _ = twin.run(3, 2_000)
    state, records = snapshot.encode(pair.packed), twin.of_the_date(pair.packed)
    start = len(snapshot.FORMAT) + snapshot.LENGTH_BYTES
    end = start + int.from_bytes(state[start - snapshot.LENGTH_BYTES : start])
    assert json.loads(state[start:end])["leases"][1], "some lease stands"
    for place in (
        ("carried",),
        ("instruments",),
        ("accounts",),
        ("pools", 0),
        ("pools", 1),
        ("pools", 2),
        ("leases", 1, 0, -1),
    ):
        for other in (-1, 1, -(10**9)):
            fields = json.loads(state[start:end])
            *path, last = place
            inner = fields
            for step in path:
                inner = inner[step]
            inner[last] += other
            header = json.dumps(fields).encode()
            length = len(header).to_bytes(snapshot.LENGTH_BYTES)
            body = snapshot.FORMAT + length + header + state[end : -snapshot.HASH_BYTES]
            with pytest.raises(snapshot.SnapshotDamaged, match="behind its header"):
                snapshot.load(body + blake2b(body, digest_size=snapshot.HASH_BYTES).digest(), records)


def test_a_snapshot_of_another_format_is_refused_by_name() -> None:
    """What the version before wrote is not in the format; the journal is replayed instead."""
    pair, _ = twin.run(4, 500)
    before = snapshot.encode(pair.packed).replace(b"books 4", b"books 3")
    with pytest.raises(snapshot.SnapshotDamaged, match="not in the format 'bourse packed books 4'"):
        snapshot.load(before, twin.of_the_date(pair.packed))


def test_far_levels_cost_nobody_anything() -> None:
    """Levels a million ticks away stand outside the window, which stays small, and trade in their turn."""
    made = books.Books()
    made.add_book(1, 1, 1, 10**9, 10**6, 0, 0, layout.PHASE_OPEN)
    head = layout.PLACE | layout.LIMIT << 16 | layout.DAY << 24 | 1 << 32 | layout.HELD << 48
    ticks = [5_000_000 - 1_000_000 * away for away in range(5)] + [4_999_990, 4_999_000]
    for tick in ticks:
        made.execute(head, 0, tick, 1, 0, tick, 1 << 60, 0, 0)
    assert [price for price, _, _ in made.depth(0, 0, 99)] == sorted(ticks, reverse=True)
    assert made.window(0)[1] <= 4_096
    made.execute(head | layout.SELL << 8, 0, 1_000_000, 7, 0, 0, 1 << 60, 0, 0)
    assert made.open_orders() == 0
    assert made.depth(0, 0, 9) == made.depth(0, 1, 9) == []


def test_an_order_is_found_whatever_the_ring() -> None:
    """A ring of 64 places, which grows and which younger orders lap, tells what a large one tells; so do loaded books."""
    seed = random.randrange(1 << 32)
    chance, known = random.Random(seed), [0]
    large, small = books.Books(), books.Books(0, 64)
    for made in (large, small):
        made.add_book(1, 1, 1, 10**6, 10**6, 0, 0, layout.PHASE_OPEN)
    for number in range(12_000):
        side, price = chance.randrange(2), chance.randrange(1, 60)
        head = side << 8 | layout.LIMIT << 16 | layout.DAY << 24 | 1 << 32 | layout.HELD << 48
        what = layout.PLACE if chance.random() < (0.9 if number % 4_000 < 1_500 else 0.3) else chance.choice((2, 2, 3))
        price, held = (price + 45 * side, 1 << 60) if what != layout.CANCEL else (0, 0)
        named = chance.choice(known[-chance.choice((30, 3_000)) :]) if what != layout.PLACE else 0
        quantity = chance.randrange(1, 9)
        for made in (large, small):
            made.written = 0
            made.execute(head | what, 0, price, quantity, 0, price, held, named, 0)
        assert bytes(small.events()) == bytes(large.events()), (seed, number)
        known += [large.events()[1]] * (what == layout.PLACE)
        if number % 5_000 == 4_999:
            small = books.Books(0, 64)
            small.add_book(1, 1, 1, 10**6, 10**6, 0, 0, layout.PHASE_OPEN)
            small.sequence = large.sequence
            small.load(bytes(large.pool()), large.first_free(), [large.window(0), large.window(1)])
    assert [small.standing(0, side) for side in range(2)] == [large.standing(0, side) for side in range(2)], seed
