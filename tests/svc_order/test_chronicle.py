"""Orders with terms in the history and in the drop copy, by events made by hand; and the schema that keeps them."""

import shutil
from pathlib import Path
from typing import Any

import pytest

from bourse.match.v1 import events_pb2
from bourse.order.v1 import order_pb2
from bourse.types.v1 import command_pb2, market_pb2
from chassis import database
from svc_order import db, wire
from svc_order.core.commands import PLAIN, Terms
from svc_order.core.history import Fold
from svc_order.core.reference import Reference
from svc_order.ports import OrderRow, Position, Segment
from svc_order.wire.chronicle import Chronicle
from tests.servers import Database

DATE, INCARNATION = 20260105, "a" * 32
ALPHA, BETA = "alpha/main", "beta/main"
BUY, SELL = market_pb2.SIDE_BUY, market_pb2.SIDE_SELL
SELF_TRADE, MINIMUM = events_pb2.DONE_REASON_SELF_TRADE, events_pb2.DONE_REASON_MINIMUM_QUANTITY
OLD_COLUMNS = OrderRow._fields[: OrderRow._fields.index("stop_price_e4")]  # What order_0001 has.


def accepted(order_id: int, account: str, side: Any, price_e4: int, quantity: int, **terms: Any) -> Any:
    fields: dict[str, Any] = {"type": command_pb2.ORDER_TYPE_LIMIT, "time_in_force": command_pb2.TIME_IN_FORCE_DAY}
    fields |= {"account": account, "client_order_id": f"c{order_id}", "symbol": "AAA", "side": side}
    placed = events_pb2.OrderAccepted(order_id=order_id, price_e4=price_e4, quantity=quantity, **fields | terms)
    return events_pb2.ExecutionEvent(accepted=placed)


def restated(order_id: int, account: str, reason: Any, price_e4: int, quantity: int, open_quantity: int) -> Any:
    values = {"order_id": order_id, "account": account, "reason": reason, "symbol": "AAA"}
    values |= {"price_e4": price_e4, "quantity": quantity, "open_quantity": open_quantity}
    return events_pb2.ExecutionEvent(restated=events_pb2.OrderRestated(**values))


def done(order_id: int, account: str, reason: Any, cancelled: int, by: str = "") -> Any:
    values = {"order_id": order_id, "account": account, "reason": reason, "symbol": "AAA", "client_order_id": by}
    return events_pb2.ExecutionEvent(done=events_pb2.OrderDone(cancelled_quantity=cancelled, **values))


def phase() -> Any:
    changed = events_pb2.PhaseChanged(symbol="AAA", phase=market_pb2.PHASE_OPEN)
    return events_pb2.ExecutionEvent(phase_changed=changed)


class Told:
    """A history on PostgreSQL that is told rows of events."""

    def __init__(self, url: str) -> None:
        self.engine = database.engine(url, "test")
        self.tables = db.Tables(self.engine)
        self.sequence = 0
        self.chronicle = Chronicle(0, Position(INCARNATION, 0), Reference(frozenset({0})))

    async def row(self, *events: events_pb2.ExecutionEvent) -> None:
        before, self.sequence = self.sequence, self.sequence + len(events)
        span = {"first_sequence": before + 1, "last_sequence": self.sequence, "trading_date": DATE}
        batch = events_pb2.ExecutionBatch(incarnation=INCARNATION, time_us=self.sequence, events=events, **span)
        self.chronicle.take(batch, 0, len(events))
        after, fold, segments, _ = self.chronicle.cut()
        await self.tables.append(0, before, after, fold, segments)

    async def order(self, order_id: int) -> order_pb2.Order:
        row = await self.tables.order(order_id)
        assert row is not None
        return wire.order(row)

    async def updates(self, participant: str) -> list[order_pb2.OrderUpdate]:
        rows = await self.tables.copies(participant, 0, 0, 100)
        return [one for *_, data in rows for one in order_pb2.WatchOrdersResponse.FromString(data).updates]


@pytest.fixture
async def told(postgres: Database) -> Any:
    url = postgres.url("svc_order")
    history = Told(url)
    await history.tables.position(0)
    yield history
    await history.engine.dispose()


async def test_an_order_shows_the_terms_that_it_was_placed_with(told: Told) -> None:
    """Every one of them, in the order that a reader gets."""
    terms: dict[str, Any] = {
        "stop_price_e4": 9_900,
        "stop_trigger": command_pb2.STOP_TRIGGER_BEST_QUOTE,
        "display_quantity": 20,
        "hidden": True,
        "post_only": command_pb2.POST_ONLY_SLIDE,
        "minimum_quantity": 30,
        "self_trade_prevention": command_pb2.SELF_TRADE_PREVENTION_DECREMENT,
        "trailing_amount_e4": 100,
        "trailing_bp": 50,
        "stop_limit_price_e4": 9_800,
        "peg": command_pb2.PEG_MIDDLE,
        "peg_offset_e4": -100,
        "expire_date": DATE,
        "expire_time_us": 1 << 60,
    }
    assert set(terms) == set(Terms._fields)
    await told.row(accepted(1, ALPHA, BUY, 10_000, 100, lease="l\\1", **terms), accepted(2, ALPHA, BUY, 10_000, 100))
    with_terms, without = await told.order(1), await told.order(2)
    assert {name: getattr(with_terms, name) for name in terms} == terms
    assert (with_terms.lease, without.lease) == ("l\\1", "")
    assert Terms(*(getattr(without, name) for name in terms)) == PLAIN


async def test_a_restatement_changes_price_and_quantity_and_is_told_its_owner(told: Told) -> None:
    """In the row of its acceptance under the id of its command; later, by what others do, under none."""
    slid, less = events_pb2.RESTATE_REASON_SLID, events_pb2.RESTATE_REASON_SELF_TRADE
    await told.row(accepted(1, ALPHA, BUY, 10_000, 100), restated(1, ALPHA, slid, 9_900, 100, 100))
    assert ((await told.order(1)).price_e4, (await told.order(1)).open_quantity) == (9_900, 100)
    await told.row(accepted(3, ALPHA, SELL, 9_900, 40), restated(1, ALPHA, less, 9_900, 60, 60))
    order = await told.order(1)
    assert (order.price_e4, order.quantity, order.open_quantity, order.last_sequence) == (9_900, 60, 60, 4)
    changes = [one for one in await told.updates("alpha") if one.kind == order_pb2.UPDATE_KIND_RESTATED]
    assert [(one.restate_reason, one.client_order_id) for one in changes] == [(slid, "c1"), (less, "")]
    assert [(one.price_e4, one.quantity, one.open_quantity) for one in changes] == [(9_900, 100, 100), (9_900, 60, 60)]


async def test_what_expires_is_nobodys_command_nor_what_follows_it(told: Told) -> None:
    """Rule 8.1.5: the order says why it is cancelled; a stop that this triggers is not told its own command's id."""
    stop: dict[str, Any] = {"type": command_pb2.ORDER_TYPE_STOP_LIMIT, "stop_price_e4": 9_900}
    gtd: dict[str, Any] = {"time_in_force": command_pb2.TIME_IN_FORCE_GTD, "expire_time_us": 7}
    await told.row(accepted(1, ALPHA, SELL, 10_000, 10, **gtd), accepted(2, ALPHA, BUY, 10_000, 10, **stop))
    triggered = restated(2, ALPHA, events_pb2.RESTATE_REASON_TRIGGERED, 10_000, 10, 10)
    await told.row(done(1, ALPHA, events_pb2.DONE_REASON_EXPIRED, 10), triggered)
    order = await told.order(1)
    assert (order.state, order.done_reason) == (order_pb2.ORDER_STATE_CANCELLED, events_pb2.DONE_REASON_EXPIRED)
    *_, ended, moved = await told.updates("alpha")
    assert (ended.done_reason, ended.client_order_id, moved.client_order_id) == (order.done_reason, "", "")


async def test_a_stop_is_triggered_once_and_what_follows_is_nobodys_command(told: Told) -> None:
    """By its own command, by another's cancel, by a phase: only the first under its own id."""
    reason = events_pb2.RESTATE_REASON_TRIGGERED
    stop: dict[str, Any] = {"type": command_pb2.ORDER_TYPE_STOP_LIMIT, "stop_price_e4": 9_900}
    await told.row(accepted(1, ALPHA, BUY, 10_000, 10, **stop), restated(1, ALPHA, reason, 10_000, 10, 10))
    await told.row(accepted(3, BETA, BUY, 10_000, 10), accepted(4, ALPHA, BUY, 10_000, 10, **stop))
    assert ((await told.order(1)).triggered, (await told.order(4)).triggered) == (True, False)
    await told.row(
        done(3, BETA, events_pb2.DONE_REASON_CANCELLED, 10, "c5"), restated(4, ALPHA, reason, 10_000, 10, 10)
    )
    assert (await told.order(4)).triggered
    await told.row(accepted(7, ALPHA, BUY, 10_000, 10, **stop))
    await told.row(phase(), restated(7, ALPHA, reason, 10_000, 10, 10))
    changes = [one for one in await told.updates("alpha") if one.kind == order_pb2.UPDATE_KIND_RESTATED]
    assert [(one.order_id, one.client_order_id) for one in changes] == [(1, "c1"), (4, ""), (7, "")]


@pytest.mark.parametrize("reason", [SELF_TRADE, MINIMUM])
async def test_an_order_that_its_own_rule_ended_says_so(told: Told, reason: Any) -> None:
    """In the history and in the drop copy; one that its owner cancelled says nothing more."""
    await told.row(accepted(1, ALPHA, BUY, 10_000, 10), done(1, ALPHA, reason, 10), accepted(3, ALPHA, BUY, 10_000, 10))
    await told.row(done(3, ALPHA, events_pb2.DONE_REASON_CANCELLED, 10, "c4"))
    orders = await told.order(1), await told.order(3)
    assert [(one.state, one.done_reason) for one in orders] == [
        (order_pb2.ORDER_STATE_CANCELLED, reason),
        (order_pb2.ORDER_STATE_CANCELLED, 0),
    ]
    ends = [one for one in await told.updates("alpha") if one.kind == order_pb2.UPDATE_KIND_CANCELLED]
    assert [(one.done_reason, one.quantity, one.client_order_id) for one in ends] == [(reason, 10, "c1"), (0, 10, "c4")]


async def test_what_an_auction_does_is_no_commands_doing(told: Told) -> None:
    """Its trades say to both sides that they are of one; what it leaves of an order ends by its rule; neither names a command."""
    trade = events_pb2.Trade(
        symbol="AAA", price_e4=500, quantity=30, maker_order_id=1, taker_order_id=2, taker_side=SELL
    )
    trade.maker_account, trade.taker_account, trade.auction = ALPHA, BETA, True
    trade.maker_open_quantity, trade.taker_open_quantity = 70, 5
    auction = command_pb2.TIME_IN_FORCE_GOOD_FOR_AUCTION
    await told.row(accepted(1, ALPHA, BUY, 500, 100), accepted(2, BETA, SELL, 500, 35, time_in_force=auction))
    over = events_pb2.DONE_REASON_AUCTION_OVER
    await told.row(events_pb2.ExecutionEvent(trade=trade), done(2, BETA, over, 5), phase())
    order = await told.order(2)
    assert (order.time_in_force, order.done_reason, order.executed_quantity) == (auction, over, 30)
    for name in ("alpha", "beta"):
        traded, *ended = (await told.updates(name))[1:]
        assert (traded.kind, traded.auction, traded.client_order_id) == (order_pb2.UPDATE_KIND_TRADED, True, "")
        assert [(one.done_reason, one.quantity, one.client_order_id) for one in ended] == [(over, 5, "")] * (
            name == "beta"
        )


async def test_both_sides_are_told_of_a_bust_and_their_orders_stay(told: Told) -> None:
    """Shares, cost and fees of busted trades are beside those executed, of an open order and of a finished one; whatever else the
    order shows, its last event included, is as it was. What follows a bust is no command's doing.
    """
    trade = events_pb2.Trade(
        symbol="AAA", price_e4=500, quantity=30, maker_order_id=1, taker_order_id=2, taker_side=SELL
    )
    trade.maker_account, trade.taker_account, trade.maker_fee_e4, trade.taker_fee_e4 = ALPHA, BETA, 7, 9
    trade.maker_open_quantity = 70
    await told.row(
        accepted(1, ALPHA, BUY, 500, 100),
        accepted(2, BETA, SELL, 500, 30),
        events_pb2.ExecutionEvent(trade=trade),
        done(2, BETA, events_pb2.DONE_REASON_FILLED, 0),
    )
    before = await told.order(1), await told.order(2)
    bust = events_pb2.ExecutionEvent(busted=events_pb2.TradeBusted(trade_id=3, reason="an error", trade=trade))
    later = accepted(6, BETA, BUY, 400, 10)
    await told.row(bust, later, events_pb2.ExecutionEvent(busted=events_pb2.TradeBusted(trade_id=5, trade=trade)))
    for order, fees_e4 in zip(before, (7, 9), strict=True):
        assert (order.busted_quantity, order.busted_amount_e4, order.busted_fees_e4) == (0, 0, 0)
        order.busted_quantity, order.busted_amount_e4, order.busted_fees_e4 = 60, 30_000, 2 * fees_e4
        assert await told.order(order.order_id) == order
    for name, order_id, account, fee_e4, side in (("alpha", 1, ALPHA, 7, BUY), ("beta", 2, BETA, 9, SELL)):
        busts = [one for one in await told.updates(name) if one.kind == order_pb2.UPDATE_KIND_BUSTED]
        assert busts[0] == order_pb2.OrderUpdate(
            sequence=5,
            time_us=7,
            kind=order_pb2.UPDATE_KIND_BUSTED,
            order_id=order_id,
            account=account,
            symbol="AAA",
            price_e4=500,
            quantity=30,
            fee_e4=fee_e4,
            maker=name == "alpha",
            side=side,
            trade_sequence=3,
            bust_reason="an error",
        )


async def test_orders_that_end_together_are_nobodys_command(told: Told) -> None:
    """The drop copy tells the mass cancel under its id, to its participant alone, then each end with its reason."""
    reason = events_pb2.DONE_REASON_MASS_CANCELLED
    taken = events_pb2.MassCancelled(
        participant="alpha", account=ALPHA, client_order_id="m1", symbol="ACME", side=BUY, orders=1
    )
    await told.row(
        accepted(1, ALPHA, BUY, 10_000, 10), events_pb2.ExecutionEvent(mass_cancelled=taken), done(1, ALPHA, reason, 10)
    )
    _, mass, end = await told.updates("alpha")
    assert (mass.kind, mass.client_order_id, mass.quantity) == (order_pb2.UPDATE_KIND_MASS_CANCELLED, "m1", 1)
    assert (end.kind, end.client_order_id, end.done_reason) == (order_pb2.UPDATE_KIND_CANCELLED, "", reason)
    assert (await told.order(1)).done_reason == reason
    assert not await told.updates("beta")


async def test_a_participant_that_is_stopped_is_told_so(told: Told) -> None:
    """Rule 6.2.3: it, and nobody else."""
    killed = events_pb2.ParticipantKilled(participant="alpha", orders=1)
    released = events_pb2.ParticipantReleased(participant="alpha")
    await told.row(
        events_pb2.ExecutionEvent(participant_killed=killed), events_pb2.ExecutionEvent(participant_released=released)
    )
    kinds = [(one.kind, one.quantity) for one in await told.updates("alpha")]
    assert kinds == [(order_pb2.UPDATE_KIND_KILLED, 1), (order_pb2.UPDATE_KIND_RELEASED, 0)]
    assert not await told.updates("beta")


async def test_a_session_that_is_lost_is_told(told: Told) -> None:
    """When its lease is over, not when it is renewed."""
    leases = [
        events_pb2.ExecutionEvent(lease_changed=events_pb2.LeaseChanged(participant="alpha", expire_time_us=until))
        for until in (7, 0)
    ]
    await told.row(*leases)
    assert [one.kind for one in await told.updates("alpha")] == [order_pb2.UPDATE_KIND_SESSION_LOST]


async def test_the_drop_copy_is_exported_in_order_and_in_bounded_parts(told: Told) -> None:
    """By participant and sequence, a part of at most EXPORT_BYTES or one row; the same bytes as are told."""
    large = b"x" * (db.EXPORT_BYTES // 2 - 1)
    segments = [Segment(n, n, {"beta": large, "alpha": b"%d" % n}) for n in range(1, 6)]
    segments[3].updates["beta"] = large * 3
    await told.tables.append(0, 0, Position(INCARNATION, 5), Fold(), segments)
    parts = [part.copies async for part in told.tables.export() if part.copies]
    assert [len(part) for part in parts] == [6, 2, 1, 1]
    expected = [(0, name, one.first, one.last, one.updates[name]) for name in ("alpha", "beta") for one in segments]
    assert [copy for part in parts for copy in part] == expected


@pytest.mark.parametrize("damage", ["x", '["A", "b", {}]x', "[1, 2, 3]", '["A"]', '["A", "b", {"c": 1}]', "[" * 20_000])
def test_a_damaged_refusal_is_told_as_such(damage: str) -> None:
    """It hides neither the order nor any other one of its page."""
    row = OrderRow(*(0 if kind is int else kind() for kind in OrderRow.__annotations__.values()))
    assert wire.order(row._replace(refusal='["A", "b", {"c": "d"}]')).refusal == market_pb2.Refusal(
        reason="A", message="b", metadata={"c": "d"}
    )
    damaged = wire.order(row._replace(refusal=damage)).refusal
    assert (damaged.reason, damaged.metadata["value"]) == ("REFUSAL_DAMAGED", damage[:256])


async def test_the_version_before_writes_on_this_schema_and_its_rows_are_read(
    empty_postgres: Database, tmp_path: Path
) -> None:
    """A row from before the migration, and one that is written after it by its column list: both without terms."""
    shutil.copy(Path(db.SCHEMA) / "order_0001.py", tmp_path)
    url = empty_postgres.url("svc_order")
    await database.migrate(url, str(tmp_path))
    write_as_before(empty_postgres, 1)
    await database.migrate(url, db.SCHEMA)
    write_as_before(empty_postgres, 2)
    history = Told(url)
    for order_id in (1, 2):
        order = await history.order(order_id)
        assert Terms(*(getattr(order, name) for name in Terms._fields)) == PLAIN
        assert (order.triggered, order.done_reason, order.lease) == (False, 0, "")
    await history.engine.dispose()


def write_as_before(postgres: Database, order_id: int) -> None:
    """COPY as the version before does it: it names the columns that it knows."""
    texts = {
        "participant": "alpha",
        "account": ALPHA,
        "client_order_id": f"c{order_id}",
        "symbol": "AAA",
        "refusal": "",
    }
    numbers = dict.fromkeys(OLD_COLUMNS, 1) | {"order_id": order_id}
    line = "\t".join(str(texts.get(column, numbers[column])) for column in OLD_COLUMNS) + "\n"
    with (
        postgres.connect("svc_order") as connection,
        connection.cursor() as cursor,
        cursor.copy(f"COPY orders ({', '.join(OLD_COLUMNS)}) FROM STDIN") as stream,
    ):
        stream.write(line)


async def test_a_mass_quote_and_what_protects_its_maker_are_told(told: Told) -> None:
    """Rules 6.5.5, 6.6.4: under its id, each side under its own; then that all are pulled, and each end with its reason."""
    reason = events_pb2.DONE_REASON_MAKER_PROTECTION
    taken = events_pb2.MassQuoted(account=ALPHA, client_order_id="q1", quotes=1)
    protected = events_pb2.MakerProtected(account=ALPHA, quotes=1, fills=1, shares=3)
    await told.row(
        events_pb2.ExecutionEvent(mass_quoted=taken),
        accepted(2, ALPHA, BUY, 10_000, 10),
        events_pb2.ExecutionEvent(maker_protected=protected),
        done(2, ALPHA, reason, 10),
    )
    quote, _, pulled, end = await told.updates("alpha")
    assert (quote.kind, quote.client_order_id, quote.quantity) == (order_pb2.UPDATE_KIND_MASS_QUOTED, "q1", 1)
    assert (pulled.kind, pulled.account, pulled.quantity) == (order_pb2.UPDATE_KIND_MAKER_PROTECTED, ALPHA, 1)
    assert (end.kind, end.done_reason) == (order_pb2.UPDATE_KIND_CANCELLED, reason)
    assert not await told.updates("beta")
