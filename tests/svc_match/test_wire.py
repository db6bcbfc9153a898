"""What is encoded is what was meant, within the limits of a message, for any field values."""

import random

import pytest

from bourse.match.v1 import events_pb2, match_pb2
from bourse.types.v1 import command_pb2, market_pb2
from chassis.units import command_digest
from svc_match.core import commands, events
from svc_match.core.engine import Engine
from svc_match.core.instrument import Phase
from svc_match.core.words import WORDS
from svc_match.ports import NO_SYMBOL, Head
from svc_match.wire import PART_BYTES_LIMIT, answers, reference, rows
from svc_match.wire.commands import submission
from svc_match.wire.controls import control
from svc_match.wire.executions import executions, firsts
from svc_match.wire.market_data import market_data
from tests.svc_match.shard import TRADING_DATE, cancel, instrument, place

HEAD = Head("0" * 32, 7, 0, 123)
EXTREMES = (0, 1, -1, 100, 10_000, 1 << 31, (1 << 63) - 1, -(1 << 63), 10**13, 10**12, 999_900)
SMALL = 100
TEXTS = ("", "a", "alice/main", "x" * 36, "x" * 37, "x" * 500, "é", "a b", "\x00", "ACME", "c1", "c2")


def market() -> Engine:
    engine = Engine(0)
    engine.apply(
        [commands.AddInstrument(reference.instrument(instrument("ACME", max_quantity=10**12, max_price_e4=10**13)))], 1
    )
    engine.apply([commands.OpenDate(TRADING_DATE)], 1)
    engine.apply([commands.SetPhase("", Phase.OPEN)], 1)
    return engine


def encode(engine: Engine, submissions: list[match_pb2.Submission]) -> tuple[list[bytes], list[tuple[str, bytes]]]:
    items = [submission(message) for message in submissions]
    assert rows.items(rows.commands(items)) == items
    applied = engine.apply([item.command for item in items], 1, 1 << 30)
    last = {symbol: engine.books[symbol].symbol_sequence for symbol in applied.public}
    parts = executions(HEAD, applied) if applied.events else []
    for result in applied.results:
        answers.put_result(command_pb2.CommandResult(), "id", result) if not is_repeat(result) else None
        if isinstance(result, events.First) and len(submissions) < SMALL:
            again = firsts(parts, [result.sequence])[result.sequence]
            assert again == result
    return parts, market_data(HEAD, applied, last)


def is_repeat(result: events.Result) -> bool:
    return isinstance(result, events.Repeat | events.EarlierDate)


@pytest.mark.parametrize("seed", range(3))
def test_no_field_value_breaks_the_shard(seed: int) -> None:
    """Whatever the fields hold, every command gets a result and every event is encoded."""
    chance, engine = random.Random(seed), market()

    def fill(message: object) -> None:
        for field in message.DESCRIPTOR.fields:  # type: ignore[attr-defined]
            if field.message_type is not None:
                continue
            if field.cpp_type == field.CPPTYPE_STRING:
                value: object = chance.choice(TEXTS)
            else:
                value = chance.choice(EXTREMES)
                if field.cpp_type in (field.CPPTYPE_INT32, field.CPPTYPE_ENUM):
                    value = chance.choice((0, 1, 2, 3, 9, -1, (1 << 31) - 1))
            if chance.random() < 0.8:
                setattr(message, field.name, value)
        if hasattr(message, "trading_date") and chance.random() < 0.9:
            message.trading_date = TRADING_DATE
        if hasattr(message, "symbol") and chance.random() < 0.7:
            message.symbol = "ACME"

    for _ in range(60):
        batch = []
        for _ in range(20):
            message = match_pb2.Submission(deadline_us=0)
            kind = chance.choice(("place", "cancel", "replace"))
            getattr(message.command, kind).SetInParent()
            fill(message)
            fill(getattr(message.command, kind))
            batch.append(message)
        encode(engine, batch)


def test_parts_stay_below_their_limit() -> None:
    """A big row leaves in parts below the limit which cover its events once."""
    engine = market()
    batch = [place("ACME", 1, 10_000 + 100 * n, 1, account="p" * 100) for n in range(5_000)]
    batch += [place("NONE", 1, 10_000, 1, account="é" * 100) for n in range(2_000)]
    private, public = encode(engine, batch)
    assert len(private) > 2
    covered = 3
    for part in private:
        assert len(part) <= PART_BYTES_LIMIT
        message = events_pb2.ExecutionBatch.FromString(part)
        assert message.first_sequence == covered + 1
        assert len(message.events) == message.last_sequence - covered
        covered = message.last_sequence
    assert covered == engine.sequence
    number = 3
    for place_, (symbol, part) in enumerate(public):
        shown = events_pb2.MarketDataBatch.FromString(part)
        assert (symbol, shown.part, shown.parts) == ("ACME", place_, len(public))
        assert (shown.first_sequence, shown.last_sequence) == (4, engine.sequence)
        assert shown.first_symbol_sequence == number + 1
        number += len(shown.events)
    assert number == engine.books["ACME"].symbol_sequence


def test_a_row_without_public_events_has_one_public_part() -> None:
    """It covers the row, so that nobody sees a gap."""
    engine = market()
    ((symbol, part),) = encode(engine, [cancel(99)])[1]
    message = events_pb2.MarketDataBatch.FromString(part)
    assert (symbol, message.symbol, message.part, message.parts) == (NO_SYMBOL, "", 0, 1)
    assert (message.first_sequence, message.last_sequence) == (4, 4)


def sent(**fields: object) -> events_pb2.ExecutionBatch:
    """What a resting sell at 1.00 and a buy with some fields come to."""
    engine = market()
    private, _ = encode(engine, [place("ACME", 2, 10_000, 1), place("ACME", 1, 10_000, 10, **fields)])
    return events_pb2.ExecutionBatch.FromString(b"".join(private))


def test_terms_are_in_the_acceptance() -> None:
    """What an order asks for is in its event as it was sent; a stop that names no trigger has LAST_TRADE."""
    accepted = sent(display_quantity=5, post_only=2, self_trade_prevention=3).events[1].accepted
    assert (accepted.display_quantity, accepted.post_only, accepted.self_trade_prevention) == (5, 2, 3)
    assert not accepted.hidden
    accepted = sent(hidden=True, minimum_quantity=1).events[1].accepted
    assert (accepted.hidden, accepted.minimum_quantity) == (True, 1)
    accepted = sent(type=5, stop_price_e4=20_000).events[1].accepted
    assert (accepted.stop_price_e4, accepted.stop_trigger) == (20_000, command_pb2.STOP_TRIGGER_LAST_TRADE)


def test_a_restatement_says_what_changed() -> None:
    """All of its fields are encoded."""
    _, accepted, restated = sent(post_only=2).events
    assert restated.restated == events_pb2.OrderRestated(
        order_id=accepted.accepted.order_id, account="alice/main", reason=events_pb2.RESTATE_REASON_SLID, symbol="ACME",
        price_e4=9_900, quantity=10, open_quantity=10, held_price_e4=9_900, held_fee_e6=200,
    )  # fmt: skip


def test_terms_are_part_of_a_command() -> None:
    """Another term is another command; an order without terms has the digest that it had before there were any."""
    fields = {"account": "a", "client_order_id": "i", "type": 5, "stop_price_e4": 100, "time_in_force": 1}
    others = [
        {}, {"stop_price_e4": 200}, {"stop_trigger": 1}, {"stop_trigger": 2}, {"self_trade_prevention": 1},
        {"self_trade_prevention": 2},
    ]  # fmt: skip
    made = [submission(place("ACME", 1, 100, 5, **(fields | other))).command for other in others]
    assert len({command.digest for command in made if isinstance(command, commands.Place)}) == len(others)
    untils = [
        {"expire_date": TRADING_DATE},
        {"expire_date": TRADING_DATE + 1},
        {"expire_time_us": 1},
        {"expire_time_us": 2},
    ]
    dated = [submission(place("ACME", 1, 100, 5, **(fields | {"time_in_force": 8} | one))).command for one in untils]
    assert (
        len({command.digest for command in [*made, *dated] if isinstance(command, commands.Place)}) == len(others) + 4
    )
    first, earlier = made[0], ("place", "a", "i", TRADING_DATE, "ACME", 1, 5, 1, 100, 5, 0, 100, 0, 0, 0, 0, 0, 0)
    assert isinstance(first, commands.Place)
    assert first.digest == command_digest(*earlier), "as before there were more terms"
    plain = submission(place("ACME", 1, 100, 5, account="a", client_order_id="i")).command
    assert isinstance(plain, commands.Place)
    assert plain.digest == command_digest("place", "a", "i", TRADING_DATE, "ACME", 1, 1, 1, 100, 5, 0)


def test_every_reason_has_words() -> None:
    """Each refusal says what is wrong and what to do."""
    assert set(WORDS) == set(events.Reason)


@pytest.mark.parametrize("semantics", [1, 2])
def test_rows_of_before_know_no_protections(semantics: int) -> None:
    """What such a row had where an instrument's protections are now meant nothing: all fields behind the first ten."""
    known = market_pb2.Instrument.DESCRIPTOR.fields
    assert {field.name for field in known if field.number > 10} == set(rows.PROTECTION)
    plain = instrument("ACME")
    guarded = market_pb2.Instrument(tick_bands=[market_pb2.TickBand(price_from_e4=100, tick_size_e4=100)])
    for field in known:
        if field.number > 10 and field.name != "tick_bands":
            setattr(guarded, field.name, 1)
    guarded.MergeFrom(plain)
    encoded = rows.commands([control(match_pb2.AddInstrumentRequest(instrument=guarded))])
    (now,), (before,) = rows.items(encoded), rows.items(encoded, semantics=semantics)
    assert now.command == commands.AddInstrument(reference.instrument(guarded))
    assert before.command == commands.AddInstrument(reference.instrument(plain))
