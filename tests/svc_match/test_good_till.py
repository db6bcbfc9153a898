"""GTC and GTD orders: what a shard keeps of them over its dates, and how many end at once. See golden/good_till.txt for the rules."""

import random

from svc_match.core import events, layout, snapshot
from svc_match.core.book import CLOSE_ORDERS_LIMIT
from tests.svc_match.churn import come_and_go, market
from tests.svc_match.twin import of_the_date

COUNT = 40


def test_much_that_expires_takes_several_rows() -> None:
    """Rule 8.1.5: oldest first, no row has more than its limit, and no command comes in between."""
    desk = market(*(f"alice buy i{number} 1 ACME 9.00 expires=1000" for number in range(COUNT)))
    tick = desk.command("tick")
    rows = [desk.engine.apply([tick], 1000, 15) for _ in range(3)]
    assert [(len(row.events), len(row.results)) for row in rows] == [(15, 0), (15, 0), (11, 1)]
    ended = [event.order_id for row in rows for event in row.events if isinstance(event, events.Done)]
    assert ended == sorted(ended)
    assert len(ended) == COUNT


def test_an_order_that_is_done_leaves_no_timer() -> None:
    """Rule 8.1.5: its time passes without an event, and the state is what it was."""
    desk = market(
        "alice buy a1 1 ACME 9.00 expires=1000", "alice buy a2 1 ACME 8.00 expires=2000", "alice cancel x1 a1"
    )
    before = snapshot.state_hash(desk.engine)
    assert desk.engine.apply([], 1000).events == []
    assert snapshot.state_hash(desk.engine) == before
    loaded = snapshot.load(snapshot.encode(desk.engine), of_the_date(desk.engine))
    assert [due.due_us for due in loaded.timers.standing()] == [2000]


def test_orders_that_come_and_go_leave_nothing() -> None:
    """However many were placed and cancelled: a bounded number of times and timers is remembered, and none on the next date."""
    desk = market("bob buy b1 1 ACME 7.00 expires=900000")
    come_and_go(desk, "1 ACME 9.00 expires=900000", 3 * layout.FINISHED_KEPT, 512, layout.FINISHED_KEPT // 2)
    core = desk.engine
    assert core.open_orders == 1
    assert len(core.lasting) <= 2 + layout.FINISHED_KEPT
    desk.say("close 20260105")
    desk.say("date 20260106")
    assert (len(core.timers), len(core.lasting)) == (1, 1)


def test_orders_expire_in_their_order() -> None:
    """Rule 8.1.5: by time, the older one first of those of one time, whatever was cancelled and restored meanwhile."""
    seed = random.randrange(1 << 32)
    chance, desk = random.Random(seed), market()
    times = [chance.randrange(1_000, 1_100) for _ in range(600)]
    placed = [desk.command(f"alice buy i{n} 1 ACME 9.00 expires={due_us}") for n, due_us in enumerate(times)]
    ids = [event.order_id for event in desk.engine.apply(placed, 5).events if isinstance(event, events.Accepted)]
    open_orders = {n: due_us for n, due_us in enumerate(times) if chance.random() < 0.5}
    desk.engine.apply([desk.command(f"alice cancel x{n} i{n}") for n in range(len(times)) if n not in open_orders], 6)
    now_us = 1_000
    while desk.engine.open_orders:
        if chance.random() < 0.2:
            desk.engine = snapshot.load(snapshot.encode(desk.engine), of_the_date(desk.engine))
        now_us += chance.randrange(30)
        ended = [event.order_id for event in desk.engine.apply([], now_us).events if isinstance(event, events.Done)]
        due = sorted((due_us, n) for n, due_us in open_orders.items() if due_us <= now_us)
        assert ended == [ids[n] for _, n in due], f"seed {seed}"
        for _, n in due:
            del open_orders[n]
    assert not open_orders


def test_a_date_opens_in_parts_where_much_is_over() -> None:
    """Rule 8.1.2: what did not outlive the days between ends at most CLOSE_ORDERS_LIMIT at a time."""
    desk = market()
    count = CLOSE_ORDERS_LIMIT + 1
    placed = [desk.command(f"alice buy i{number} 1 ACME 9.00 expire=20260106") for number in range(count)]
    desk.engine.apply(placed, 5, 1 << 30)
    desk.say("close 20260105")
    opens = desk.command("date 20260107")
    assert desk.engine.apply([opens], 6).results == [events.Stands(desk.engine.sequence, more=True)]
    assert desk.engine.trading_date == 0
    assert desk.engine.open_orders == 1
    assert desk.engine.apply([opens], 6).results == [events.Stands(desk.engine.sequence)]
    assert desk.engine.open_orders == 0


def test_only_accounts_and_ids_of_open_orders_are_kept() -> None:
    """Rule 8.1.4: a shard that was restored on a later date knows them too."""
    desk = market(
        "zoe/1 buy z1 1 ACME 9.00",
        "ann/1 buy a1 1 ACME 9.00 gtc",
        "bob/1 buy b1 1 ACME 9.00",
        "ann/2 buy a2 2 ACME 9.00 gtc post=slide",
        "ann/1 sell a3 1 ACME market stop=5.00 gtc",
        "close 20260105",
        "date 20260106",
        "cyd/1 buy c1 1 ACME 9.00",
        "close 20260106",
        "date 20260107",
        "phase ACME open",
    )
    assert desk.engine.names == ["ann/1", "ann/2"]
    assert len(desk.engine.identities) == 3
    loaded = snapshot.load(snapshot.encode(desk.engine), of_the_date(desk.engine))
    first = desk.engine
    for core in (first, loaded):
        desk.engine = core
        told = [
            *desk.say("alice buy a9 3 ACME 8.00"),
            *desk.say("ann/1 cancel x1 a1"),
            *desk.say("ann/1 cancel x2 a3"),
            *desk.say("ann/2 sell s1 2 ACME 9.00 own=oldest"),
        ]
        done = [line.partition(" ")[2] for line in told if " done " in line]
        assert done == [
            "done ann/1:a1 CANCELLED: executed 0, cancelled 1",
            "done ann/1:a3 CANCELLED: executed 0, cancelled 1",
            "done ann/2:a2 SELF_TRADE: executed 0, cancelled 2",
        ]
    assert snapshot.state_hash(loaded) == snapshot.state_hash(first)
