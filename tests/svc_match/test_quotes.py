"""Mass quotes in the core: how many an account may have, what is none, and that a rejection gives all holds back."""

import pytest

from bourse.match.v1 import events_pb2, match_pb2
from bourse.types.v1 import command_pb2
from svc_ledger import wire as ledger_wire
from svc_ledger.core.settlement import Rejected
from svc_match.core import commands, events
from svc_match.core.instrument import Instrument, Phase
from svc_match.core.terms import ENTRIES_LIMIT, QUOTES_LIMIT
from svc_match.wire.commands import submission
from tests.svc_match import twin
from tests.svc_match.transcript import key

DATE = 20260105
HELD = 1 << 40


def quote(name: str, symbols: list[str], quantity: int = 1) -> commands.MassQuote:
    sides = tuple(
        commands.QuoteSide(
            entry, symbol, side, 10_000 * side, quantity, f"{name}/{entry}", 7, HELD, 10_000 * (2 - side), 0
        )
        for entry, symbol in enumerate(symbols)
        for side in (1, 2)
    )
    identity = key("ann/1", name), name.encode().ljust(16), 0
    return commands.MassQuote("ann/1", name, DATE, *identity, sides, 0, commands.Protection(), reset=False, lease="")


def test_an_account_quotes_so_many_sides() -> None:
    """Rule 6.5.7: one entry more is rejected, with all its holds, until some are withdrawn."""
    pair, symbols = twin.Pair(), [f"S{number}" for number in range(QUOTES_LIMIT // 2 + 1)]
    made = [Instrument(symbol, "EUR", 1, 1, 1, 10**6, 10**6, 0, 0, 0, 0) for symbol in symbols]
    pair.apply([*map(commands.AddInstrument, made), commands.OpenDate(DATE), commands.SetPhase("", Phase.OPEN)])
    told = []
    for number, start in enumerate(range(0, len(symbols), ENTRIES_LIMIT)):
        some = quote(f"q{number}", symbols[start : start + ENTRIES_LIMIT])
        applied = pair.packed.apply([some], pair.time_us)
        pair.invariants.follow(applied, pair.fills_limit)
        [result] = applied.results
        assert [result] == pair.plain.apply([some], pair.time_us).results
        told.append(result)
    *_, last = told
    assert isinstance(last, events.Rejected)
    assert (last.reason, last.field, last.value) == (events.Reason.QUOTE_LIMIT, "entries", str(QUOTES_LIMIT + 2))
    assert last.hold_ids == (7,) * 26
    pair.apply([quote("w", symbols[:1], 0), quote("again", symbols[-1:])])
    assert pair.packed.open_orders == 500 * 2 - 2 + 2
    pair.compare()


def message(**fields: object) -> match_pb2.Submission:
    entries = [command_pb2.QuoteEntry(symbol="ACME", bid_price_e4=1, bid_quantity=2, ask_price_e4=3, ask_quantity=4)]
    good = {"account": "ann/1", "client_order_id": "q", "trading_date": DATE, "entries": entries}
    holds = [match_pb2.QuoteHold(hold_id=number, held_amount=9, held_price_e4=1) for number in (1, 2)]
    made = command_pb2.MassQuote(**{**good, **fields})
    return match_pb2.Submission(command=command_pb2.OrderCommand(mass_quote=made), quote_holds=holds, deadline_us=5)


def test_a_mass_quote_is_read_with_its_holds() -> None:
    """Each side has its own; another number of them is refused."""
    sent = message()
    command = submission(sent).command
    assert isinstance(command, commands.MassQuote)
    assert [(one.own_id, one.hold_id) for one in command.sides] == [("q/0b", 1), ("q/0a", 2)]
    assert command.deadline_us == 5
    del sent.quote_holds[1]
    refused = submission(sent).command
    assert refused == events.Refused(events.Reason.HOLD_TOO_SMALL, "quote_holds", "1")


@pytest.mark.parametrize(
    ("fields", "field"),
    [
        ({"entries": []}, "entries"),
        ({"entries": [command_pb2.QuoteEntry(symbol="ACME")] * 101}, "entries"),
        ({"client_order_id": "x" * 33}, "client_order_id"),
        ({"self_trade_prevention": 6}, "self_trade_prevention"),
        ({"fill_limit": 1}, "window_us"),
        ({"share_limit": -1}, "share_limit"),
        ({"lease": "no lease"}, "lease"),
        ({"entries": [command_pb2.QuoteEntry(symbol="ACME", bid_quantity=1)]}, "entries[0].bid_price_e4"),
        ({"entries": [command_pb2.QuoteEntry(symbol="ACME", bid_quantity=-1)]}, "entries[0].bid_quantity"),
        ({"entries": [command_pb2.QuoteEntry(symbol="ACME")] * 2}, "entries[1].symbol"),
    ],
)
def test_what_is_no_mass_quote_is_refused(fields: dict[str, object], field: str) -> None:
    """By its fields alone, in whatever way it came."""
    refused = submission(message(**fields)).command
    assert isinstance(refused, events.Refused)
    assert refused.field == field


def test_the_ledger_gives_back_all_holds_of_one_that_is_rejected() -> None:
    """Rule 6.5.8: in the event's own transaction."""
    rejected = events_pb2.CommandRejected(kind=events_pb2.COMMAND_KIND_MASS_QUOTE, hold_ids=[4, 5])
    batch = events_pb2.ExecutionBatch(
        first_sequence=9, last_sequence=9, events=[events_pb2.ExecutionEvent(rejected=rejected)]
    )
    assert ledger_wire.shard_batch(batch, 9).events == [Rejected(9, 0), Rejected(9, 4), Rejected(9, 5)]
