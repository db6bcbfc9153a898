"""svc_match as a process: what it acknowledges is in the journal, whatever dies; what is wrong is told and changes nothing."""

import asyncio
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import contextmanager, suppress
from typing import Any

import grpc
import pytest

from bourse.match.v1 import events_pb2, match_pb2
from bourse.types.v1 import command_pb2, market_pb2
from chassis.errors import from_rpc_error
from cli.machine import Machine
from svc_match.core.engine import ROW_EVENTS_LIMIT
from svc_match.core.opening import OPEN_ORDERS_LIMIT
from tests.servers import Database
from tests.svc_match.shard import TRADING_DATE, Process, cancel, instrument, outcomes, place, running

BUY, SELL = market_pb2.SIDE_BUY, market_pb2.SIDE_SELL
AUCTION_ORDERS = 6_000  # of each side
LOAD_BATCHES = 60
LOAD_COMMANDS = 25
TAKEOVER_SECONDS = 60
CALENDAR_SECONDS = 60


@pytest.fixture(scope="module")
def opened(machine: Machine, module_postgres: Database) -> Iterator[Process]:
    """A shard with an open market that the tests below share; none of them ends it."""
    process = Process(machine, module_postgres)

    async def open_it() -> None:
        await process.start()
        await process.open("ACME")
        await process.hang_up()

    asyncio.run(open_it())
    yield process
    asyncio.run(process.stop())


@pytest.fixture
async def shared(opened: Process) -> AsyncIterator[Process]:
    """The shared shard, with channels of this test's event loop."""
    opened.call()
    yield opened
    await opened.hang_up()


async def test_orders_trade_and_survive_a_kill(machine: Machine, postgres: Database) -> None:
    """What was acknowledged before a kill is there after it, and a resend gets the first result."""
    async with running(machine, postgres) as process:
        await process.open("ACME")
        orders = [place("ACME", SELL, 10_000, 5), place("ACME", BUY, 10_000, 3), place("ACME", BUY, 9_900, 4)]
        first = await process.submit(*orders)
        assert outcomes(first) == ["ACCEPTED"] * 3
        before = await process.state()
        assert before.open_orders == 2
        process.kill()
        await process.start()
        after = await process.state()
        assert after.epoch == before.epoch + 1
        assert after.sequence > before.sequence
        assert list(await process.submit(*orders)) == list(first)
        assert outcomes(await process.submit(cancel(first[2].order_id))) == ["CANCELLED"]


async def test_an_auction_is_uncrossed_in_rows(machine: Machine, postgres: Database) -> None:
    """Rule 5.1.5: one call uncrosses however many orders; what it would do is in the depth before, and the rows are replayed."""
    opening = match_pb2.SetPhaseRequest(
        symbol="ACME", phase=market_pb2.PHASE_AUCTION, auction=market_pb2.AUCTION_KIND_OPENING
    )
    async with running(machine, postgres) as process:
        await process.open("ACME")
        await process.operator.SetPhase(opening)
        for side in (BUY, SELL):
            for _ in range(AUCTION_ORDERS // 3_000):
                assert set(outcomes(await process.submit(*(place("ACME", side, 10_000, 1) for _ in range(3_000))))) == {
                    "ACCEPTED"
                }
        async with asyncio.timeout(TAKEOVER_SECONDS):
            wanted, shown = (10_000, AUCTION_ORDERS), (0, 0)
            while shown != wanted:
                depth = await process.operator.GetDepth(match_pb2.GetDepthRequest(symbol="ACME"))
                shown = depth.indicative.price_e4, depth.indicative.quantity
        (state,) = (await process.operator.ListInstruments(match_pb2.ListInstrumentsRequest())).instruments
        assert (state.phase, state.auction) == (market_pb2.PHASE_AUCTION, market_pb2.AUCTION_KIND_OPENING)
        collected = await process.state()
        await process.operator.SetPhase(match_pb2.SetPhaseRequest(symbol="ACME", phase=market_pb2.PHASE_OPEN))
        told = [event.WhichOneof("event") for event in await process.executions(collected.sequence + 1)]
        told = [kind for kind in told if kind != "tick"]
        assert len(told) == 3 * AUCTION_ORDERS + 1 > ROW_EVENTS_LIMIT
        assert told[-1] == "phase_changed"
        depth = await process.operator.GetDepth(match_pb2.GetDepthRequest(symbol="ACME"))
        assert not depth.HasField("indicative")
        process.kill()
        await process.start()
        assert (await process.state()).open_orders == 0


async def test_a_mass_cancel_that_a_kill_cuts_in_two_is_finished_first(machine: Machine, postgres: Database) -> None:
    """Rule 6.1.2: of its rows one is committed when the process is killed; the next one ends the rest before anything else, and
    gives a repeat the first result.
    """
    count = ROW_EVENTS_LIMIT + 100
    ending = match_pb2.Submission(
        command=command_pb2.OrderCommand(
            mass_cancel=command_pb2.MassCancel(account="alice/main", client_order_id="all", trading_date=TRADING_DATE)
        )
    )
    async with running(machine, postgres) as process:
        await process.open("ACME")
        for start in range(0, count, 3_000):
            await process.submit(*(place("ACME", BUY, 10_000, 1) for _ in range(start, min(start + 3_000, count))))
        before = await process.state()
        assert before.open_orders == count
        with hanging_behind_a_full_row(postgres) as hangs:
            cut = asyncio.create_task(process.submit(ending))
            await killed_once(hangs, process)
            with pytest.raises(grpc.aio.AioRpcError):
                await cut
        await process.start()
        assert (await process.state()).open_orders == 0
        told = [event.WhichOneof("event") for event in await process.executions(before.sequence + 1)]
        first = told.index("mass_cancelled")
        assert told[first + 1 : first + 1 + count] == ["done"] * count
        [result] = await process.submit(ending)
        assert (outcomes([result]), result.orders) == (["CANCELLED"], count)


async def test_stops_that_a_kill_cuts_in_two_are_finished_first(machine: Machine, postgres: Database) -> None:
    """Rule 4.7.8: one trade triggers more stops than a row holds. The process is killed when the first row is committed; the next one
    executes the rest, each once, in their order, before anything else.
    """
    count = ROW_EVENTS_LIMIT // 3 + 100  # each is triggered, trades, and is done
    async with running(machine, postgres) as process:
        await process.open("ACME")
        await process.submit(place("ACME", SELL, 10_000, count + 1))
        stops: list[int] = []
        for start in range(0, count, 3_000):
            made = [stop(place("ACME", BUY, 10_000, 1)) for _ in range(start, min(start + 3_000, count))]
            stops += [result.order_id for result in await process.submit(*made)]
        before = await process.state()
        assert before.open_orders == count + 1
        with hanging_behind_a_full_row(postgres) as hangs:
            cut = asyncio.create_task(process.submit(place("ACME", BUY, 10_000, 1)))
            await killed_once(hangs, process)
            with suppress(grpc.aio.AioRpcError):
                await cut
        await process.start()
        assert (await process.state()).open_orders == 0
        told = [(event.WhichOneof("event"), event) for event in await process.executions(before.sequence + 1)]
        assert [event.restated.order_id for kind, event in told if kind == "restated"] == stops
        assert [event.trade.taker_order_id for kind, event in told if kind == "trade"][1:] == stops


def stop(submission: Any) -> Any:
    """The order as one that waits until the last trade was at its price."""
    order = submission.command.place
    order.type = command_pb2.ORDER_TYPE_STOP_LIMIT
    order.stop_price_e4 = order.price_e4
    return submission


async def test_an_opening_that_a_kill_cuts_in_two_is_finished_first(machine: Machine, postgres: Database) -> None:
    """Rule 8.1.3: more orders outlive the date than a row of an opening looks at. The process is killed when the first row is committed;
    the next one goes on before anything else, every order stands, and who asks again is told that the date is open.
    """
    count = OPEN_ORDERS_LIMIT + 100
    lasts = {"time_in_force": command_pb2.TIME_IN_FORCE_GTC}
    opening = match_pb2.OpenTradingDateRequest(trading_date=TRADING_DATE + 1)
    async with running(machine, postgres) as process:
        await process.open("ACME")
        for start in range(0, count, 3_000):
            await process.submit(
                *(place("ACME", BUY, 10_000, 1, **lasts) for _ in range(start, min(start + 3_000, count)))
            )
        await process.operator.CloseTradingDate(match_pb2.CloseTradingDateRequest(trading_date=TRADING_DATE))
        before = await process.state()
        assert (before.open_orders, before.trading_date) == (count, 0)
        with hanging(postgres, f"last_sequence > {before.sequence} AND length(commands) > 0") as hangs:
            cut = process.operator.OpenTradingDate(opening)
            await killed_once(hangs, process)
            with pytest.raises(grpc.aio.AioRpcError):
                await cut
        await process.start()
        await process.operator.OpenTradingDate(opening)
        after = await process.state()
        assert (after.open_orders, after.trading_date) == (count, TRADING_DATE + 1)
        told = [event.WhichOneof("event") for event in await process.executions(before.sequence + 1)]
        assert told.count("date_opened") == 1
        assert {*told} == {"tick", "date_opened"}


async def killed_once(hangs: Callable[[], bool], process: Process) -> None:
    """The process is killed while an insert hangs."""
    async with asyncio.timeout(TAKEOVER_SECONDS):
        while not hangs():
            await asyncio.sleep(0.01)
    process.kill()


@contextmanager
def hanging_behind_a_full_row(postgres: Database) -> Iterator[Callable[[], bool]]:
    """As `hanging`, behind a row of ROW_EVENTS_LIMIT or more."""
    with hanging(postgres, f"last_sequence - first_sequence + 1 >= {ROW_EVENTS_LIMIT}") as hangs:
        yield hangs


@contextmanager
def hanging(postgres: Database, behind: str) -> Iterator[Callable[[], bool]]:
    """The journal's insert behind such a row does not return; yields whether one hangs. In the end it is undone."""
    asleep = "FROM pg_stat_activity WHERE wait_event = 'PgSleep'"
    with postgres.connect("svc_match") as connection:
        connection.execute(f"""
            CREATE FUNCTION hang() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
                IF EXISTS (SELECT FROM journal WHERE last_sequence = NEW.first_sequence - 1 AND {behind})
                THEN PERFORM pg_sleep(600); END IF;
                RETURN NEW;
            END $$""")
        connection.execute("CREATE TRIGGER hang BEFORE INSERT ON journal FOR EACH ROW EXECUTE FUNCTION hang()")
        yield lambda: connection.execute(f"SELECT {asleep}").fetchone() is not None
        connection.execute(f"SELECT pg_terminate_backend(pid) {asleep}")
        connection.execute("DROP FUNCTION hang() CASCADE")


async def test_a_day_goes_by_the_calendar(machine: Machine, postgres: Database) -> None:
    """Rules 8.2.1, 8.2.3, 8.2.5: a date opens, auctions, trades and closes with nobody calling for it. A process that is killed over a
    step does it late, once; or, if it took too long to be back, not at all, until an operator resumes.
    """
    closing = (market_pb2.PHASE_AUCTION, market_pb2.AUCTION_KIND_CLOSING)
    async with running(machine, postgres) as process:
        await process.operator.AddInstrument(match_pb2.AddInstrumentRequest(instrument=instrument("ACME")))
        day = calendar(0, 0, 0, 0, 0, 0, 0)

        async def due(step: int, *seconds: int) -> None:
            """The steps from that one on are due in so many seconds."""
            day[step:] = calendar((await process.state()).time_us, *[0] * step, *seconds)[step:]
            await process.operator.SetCalendar(match_pb2.SetCalendarRequest(transitions=day))

        async def in_phase(phase: Any) -> bool:
            request = match_pb2.ListInstrumentsRequest()
            return (await process.operator.ListInstruments(request)).instruments[0].phase == phase

        async def over(step: int) -> bool:
            return time.time() * 1e6 > day[step].time_us

        async def open_date(date: int) -> bool:
            return (await process.state()).trading_date == date

        await due(0, 3, 4, 600, 610, 660, 661)
        await reached(in_phase, market_pb2.PHASE_AUCTION)
        await process.submit(place("ACME", SELL, 10_000, 5), place("ACME", BUY, 10_000, 3))
        await due(2, 3, 610, 660, 661)
        await reached(in_phase, market_pb2.PHASE_OPEN)
        await process.submit(place("ACME", BUY, 10_000, 1))
        await due(3, 3, 660, 661)
        process.kill()
        await reached(over, 3)
        await process.start()
        to_come = await process.operator.GetCalendar(match_pb2.GetCalendarRequest())
        assert list(to_come.transitions) == day[3 if to_come.stopped else 4 :]
        if to_come.stopped:
            assert await in_phase(market_pb2.PHASE_HALTED)
            await process.operator.SetPhase(match_pb2.SetPhaseRequest(phase=closing[0], auction=closing[1]))
        await process.submit(place("ACME", BUY, 10_000, 1))
        await due(4, 3, 4)
        await reached(open_date, 0)
        told = [(event.WhichOneof("event"), event) for event in await process.executions()]
    assert [event.phase_changed.phase for kind, event in told if kind == "phase_changed"] == [
        market_pb2.PHASE_AUCTION,
        market_pb2.PHASE_OPEN,
        *([market_pb2.PHASE_HALTED] if to_come.stopped else []),
        market_pb2.PHASE_AUCTION,
        market_pb2.PHASE_CLOSED,
    ]
    trades = [(event.trade.quantity, event.trade.auction) for kind, event in told if kind == "trade"]
    assert trades == [(3, True), (1, False), (1, True)]
    done = [event.calendar_moved.done for kind, event in told if kind == "calendar_moved"]
    assert [step for step in done if step.time_us] == [step for step in day if step != day[3] or not to_come.stopped]


def calendar(begins_us: int, *seconds: int) -> list[market_pb2.Transition]:
    """A date whose steps are due in so many seconds: its opening, both auctions with trading between them, and its close."""
    opening, trading, closing = (4, 1), (2, 0), (4, 2)
    kinds = ((1, 0, 0), (2, *opening), (2, *trading), (2, *closing), (2, 1, 0), (3, 0, 0))
    return [
        market_pb2.Transition(
            time_us=begins_us + second * 1_000_000, kind=kind, trading_date=TRADING_DATE, phase=phase, auction=auction
        )  # type: ignore[arg-type]
        for second, (kind, phase, auction) in zip(seconds, kinds, strict=True)
    ]


async def reached(condition: Callable[[Any], Awaitable[bool]], what: Any) -> None:
    """Waits until it holds."""
    async with asyncio.timeout(CALENDAR_SECONDS):
        while not await condition(what):
            await asyncio.sleep(0.02)


async def test_a_second_process_fences_the_first(machine: Machine, postgres: Database) -> None:
    """Two processes for one shard: the newer leads, the older ends with an error, nothing acknowledged is lost."""
    async with running(machine, postgres) as first:
        await first.open("ACME")
        orders = [place("ACME", SELL, 10_000, 5)]
        answers = await first.submit(*orders)
        async with running(machine, postgres) as second:
            assert await first.exit_code() == 1
            assert "NotLeader" in first.log.read_text()
            assert await second.submit(*orders) == answers


async def test_a_lost_database_connection_ends_the_process(machine: Machine, postgres: Database) -> None:
    """An insert with an unknown outcome ends the process; sigterm ends it with 0."""
    async with running(machine, postgres) as process:
        with postgres.connect("svc_match") as other:
            other.execute("SELECT pg_terminate_backend(pids[1]) FROM lease")
        assert await process.exit_code() == 1
        await process.start()
        assert await process.stop() == 0


async def test_sigterm_answers_what_was_read(machine: Machine, postgres: Database) -> None:
    """A drain says so once, answers in order all that is written, exits with 0, and everything answered is there after it."""
    async with running(machine, postgres) as process:
        await process.open("ACME")
        incarnation = (await process.state()).incarnation
        batches = [[place("ACME", BUY, 10_000, 1) for _ in range(50)] for _ in range(200)]
        requests = (match_pb2.SubmitRequest(incarnation=incarnation, submissions=batch) for batch in batches)
        answers, told = [], 0
        with suppress(grpc.aio.AioRpcError):  # it writes on when nobody reads any more
            async for response in process.stub.Submit(requests):
                if response.HasField("draining"):
                    told += 1
                    continue
                answers.append(list(response.results))
                if len(answers) == 1:
                    process.terminate()
        assert await process.exit_code() == 0
        await process.start()
        assert (told, len(answers)) == (1, len(batches))
        for batch, answer in zip(batches, answers, strict=False):
            assert list(await process.submit(*batch)) == answer


async def test_no_gap_and_no_repeat_at_the_seam(machine: Machine, postgres: Database) -> None:
    """Readers that begin anywhere while orders come in see every event once, private and public."""
    async with running(machine, postgres) as process:
        await process.open("ACME")
        last = (await process.state()).sequence
        readers = []

        async def load() -> None:
            for number in range(LOAD_BATCHES):
                batch = [place("ACME", 1 + n % 2, 10_000 + 100 * (n % 3), 1 + n % 4) for n in range(LOAD_COMMANDS)]
                await process.submit(*batch)
                if not number % 10:
                    start = 1 + number * LOAD_COMMANDS // 2
                    readers.append(asyncio.create_task(process.executions(start, last + LOAD_BATCHES * LOAD_COMMANDS)))

        await load()
        state = await process.state()
        everything = await process.executions(1, state.sequence)
        for number, reader in enumerate(readers):
            seen = await reader
            start = 1 + number * 10 * LOAD_COMMANDS // 2
            position = next(n for n in range(start) if everything[n : n + 5] == seen[:5])
            assert position < start
            shared = min(len(everything) - position, len(seen))
            assert seen[:shared] == everything[position : position + shared]
        await check_market_data(process, state.sequence)


async def check_market_data(process: Process, last: int) -> None:
    """Public messages cover each sequence once; applied to nothing they give the depth that GetDepth has."""
    request = match_pb2.StreamMarketDataRequest(from_sequence=1, to_sequence=last)
    covered, numbered = 0, 0
    levels: dict[tuple[int, int], tuple[int, int]] = {}
    async for response in process.operator.StreamMarketData(request):
        for encoded in response.batches:
            batch = events_pb2.MarketDataBatch.FromString(encoded)
            assert batch.first_sequence == (covered + 1 if batch.part == 0 else batch.first_sequence)
            covered = batch.last_sequence
            assert not batch.events or batch.first_symbol_sequence == numbered + 1
            numbered += len(batch.events)
            levels |= {
                (e.level.side, e.level.price_e4): (e.level.quantity, e.level.orders)
                for e in batch.events
                if e.WhichOneof("event") == "level"
            }
    depth = await process.operator.GetDepth(match_pb2.GetDepthRequest(symbol="ACME"))
    assert depth.symbol_sequence == numbered
    shown = {(level.side, level.price_e4): (level.quantity, level.orders) for level in (*depth.bids, *depth.asks)}
    assert shown == {key: value for key, value in levels.items() if value[1]}


STATUSES: dict[str, tuple[str, Any, grpc.StatusCode, str]] = {
    "unknown symbol": (
        "GetDepth",
        match_pb2.GetDepthRequest(symbol="NONE"),
        grpc.StatusCode.NOT_FOUND,
        "SYMBOL_UNKNOWN",
    ),
    "too many levels": (
        "GetDepth",
        match_pb2.GetDepthRequest(symbol="ACME", levels=100_001),
        grpc.StatusCode.INVALID_ARGUMENT,
        "PAGE_TOO_LARGE",
    ),
    "unknown phase": (
        "SetPhase",
        match_pb2.SetPhaseRequest(phase=77),  # type: ignore[arg-type]
        grpc.StatusCode.INVALID_ARGUMENT,
        "PHASE_INVALID",
    ),
    "phase of an unknown symbol": (
        "SetPhase",
        match_pb2.SetPhaseRequest(symbol="NONE", phase=2),  # type: ignore[arg-type]
        grpc.StatusCode.NOT_FOUND,
        "SYMBOL_UNKNOWN",
    ),
    "second date": (
        "OpenTradingDate",
        match_pb2.OpenTradingDateRequest(trading_date=20260106),
        grpc.StatusCode.FAILED_PRECONDITION,
        "TRADING_DATE_OPEN",
    ),
    "date that is none": (
        "OpenTradingDate",
        match_pb2.OpenTradingDateRequest(trading_date=20260231),
        grpc.StatusCode.INVALID_ARGUMENT,
        "TRADING_DATE_INVALID",
    ),
    "another date": (
        "CloseTradingDate",
        match_pb2.CloseTradingDateRequest(trading_date=20260104),
        grpc.StatusCode.FAILED_PRECONDITION,
        "TRADING_DATE_NOT_OPEN",
    ),
    "other fields of an instrument": (
        "AddInstrument",
        match_pb2.AddInstrumentRequest(instrument=instrument("ACME", lot_size=5)),
        grpc.StatusCode.ALREADY_EXISTS,
        "INSTRUMENT_EXISTS",
    ),
    "an instrument of another shard": (
        "AddInstrument",
        match_pb2.AddInstrumentRequest(instrument=instrument("BRIO", shard=1)),
        grpc.StatusCode.INVALID_ARGUMENT,
        "INSTRUMENT_INVALID",
    ),
    "bust of no trade": (
        "BustTrade",
        match_pb2.BustTradeRequest(trade_id=2, reason="an error"),
        grpc.StatusCode.NOT_FOUND,
        "TRADE_UNKNOWN",
    ),
    "bust of what is not there yet": (
        "BustTrade",
        match_pb2.BustTradeRequest(trade_id=1 << 40, reason="an error"),
        grpc.StatusCode.NOT_FOUND,
        "TRADE_UNKNOWN",
    ),
    "bust of a trade of another shard": (
        "BustTrade",
        match_pb2.BustTradeRequest(trade_id=1 << 48 | 2, reason="an error"),
        grpc.StatusCode.NOT_FOUND,
        "TRADE_UNKNOWN",
    ),
    "bust of a negative trade": (
        "BustTrade",
        match_pb2.BustTradeRequest(trade_id=-1, reason="an error"),
        grpc.StatusCode.NOT_FOUND,
        "TRADE_UNKNOWN",
    ),
    "stream from the future": (
        "StreamExecutions",
        match_pb2.StreamExecutionsRequest(from_sequence=1 << 40),
        grpc.StatusCode.OUT_OF_RANGE,
        "SEQUENCE_AHEAD",
    ),
    "stream from nowhere": (
        "StreamMarketData",
        match_pb2.StreamMarketDataRequest(from_sequence=0),
        grpc.StatusCode.INVALID_ARGUMENT,
        "SEQUENCE_INVALID",
    ),
    "stream of another incarnation": (
        "StreamMarketData",
        match_pb2.StreamMarketDataRequest(from_sequence=1, incarnation="f" * 32),
        grpc.StatusCode.FAILED_PRECONDITION,
        "INCARNATION_CHANGED",
    ),
}


@pytest.mark.parametrize("case", STATUSES)
async def test_bad_requests(shared: Process, case: str) -> None:
    """Each gets its status, a reason, the field, and what to do; the shard is as it was."""
    method, request, code, reason = STATUSES[case]
    orders = (await shared.state()).open_orders
    call = getattr(shared.operator, method)(request)
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await (call.read() if method.startswith("Stream") else call)
    refusal = from_rpc_error(caught.value)
    assert (refusal.code, refusal.reason) == (code, reason)
    assert {"field", "value", "fix"} <= refusal.metadata.keys()
    assert (await shared.state()).open_orders == orders


async def test_callers_and_messages(shared: Process) -> None:
    """The wrong role, no token, and bytes that are no message are refused."""
    with pytest.raises(grpc.aio.AioRpcError) as caught:
        await shared.stub.OpenTradingDate(match_pb2.OpenTradingDateRequest(trading_date=20270101))
    assert from_rpc_error(caught.value).reason == "CALLER_NOT_ALLOWED"
    token = (("authorization", f"Bearer {shared.token('operator', 'operator')}"),)
    async with grpc.aio.insecure_channel(shared.address) as channel:
        raw: Any = channel.unary_unary("/bourse.match.v1.MatchService/GetDepth")
        for metadata, reason in (((), "TOKEN_MISSING"), (token, "MALFORMED_MESSAGE")):
            with pytest.raises(grpc.aio.AioRpcError) as caught:
                await raw(b"\xff\xff\xff random", metadata=metadata)
            assert from_rpc_error(caught.value).reason == reason


async def test_batches_of_the_wrong_size_or_incarnation(shared: Process) -> None:
    """A batch over the limit, an empty one, or one of another incarnation, is refused whole."""
    too_large = "BATCH_TOO_LARGE"
    for incarnation, count, reason in (
        ("f" * 32, 1, "INCARNATION_CHANGED"),
        ("", 4_097, too_large),
        ("", 0, too_large),
    ):
        submissions = [place("ACME", BUY, 10_000, 1)] * count
        mine = incarnation or (await shared.state()).incarnation
        request = match_pb2.SubmitRequest(incarnation=mine, submissions=submissions)
        with pytest.raises(grpc.aio.AioRpcError) as caught:
            await shared.stub.Submit(iter([request])).read()
        assert from_rpc_error(caught.value).reason == reason


async def test_a_bad_order_spoils_no_neighbour(shared: Process) -> None:
    """In one batch the good orders are taken, and each bad one is told what is wrong with it."""
    bad: list[tuple[dict[str, Any], str]] = [
        ({"side": 7}, "SIDE_INVALID"),
        ({"type": 9}, "ORDER_TYPE_INVALID"),
        ({"time_in_force": 0}, "TIME_IN_FORCE_INVALID"),
        ({"client_order_id": ""}, "CLIENT_ORDER_ID_INVALID"),
        ({"client_order_id": "x" * 37}, "CLIENT_ORDER_ID_INVALID"),
        ({"client_order_id": "a b"}, "CLIENT_ORDER_ID_INVALID"),
        ({"account": ""}, "ACCOUNT_INVALID"),
        ({"symbol": "NONE"}, "SYMBOL_UNKNOWN"),
        ({"price_e4": 10_001}, "PRICE_OFF_TICK"),
        ({"quantity": 0}, "QUANTITY_INVALID"),
        ({"trading_date": 20270101}, "TRADING_DATE_WRONG"),
        ({"hold_id": 0}, "HOLD_TOO_SMALL"),
    ]
    usual: dict[str, Any] = {"symbol": "ACME", "side": BUY, "price_e4": 9_000, "quantity": 1}
    wrong = [place(**{**usual, **fields}) for fields, _ in bad]
    results = await shared.submit(
        place("ACME", BUY, 9_000, 1), *wrong, match_pb2.Submission(), place("ACME", BUY, 9_000, 1)
    )
    assert [result.refusal.reason for result in results] == ["", *(reason for _, reason in bad), "COMMAND_MISSING", ""]
    assert results[0].outcome == results[-1].outcome
    for result in results[1:-1]:
        assert result.refusal.message
        assert result.refusal.metadata["fix"]
