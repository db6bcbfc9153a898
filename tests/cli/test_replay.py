"""`bourse replay`: what a file means, what is wrong with it, and the whole of it on a running exchange."""

import json
from pathlib import Path
from random import Random

import pytest
from click.testing import CliRunner

from cli.__main__ import main
from cli.answers import as_value
from cli.replay.day import Action, FileError, PlainBook, Resting, read_day
from cli.replay.run import Market, instrument
from svc_match.core.instrument import Instrument, wrong_field
from tests.exchange import Exchange

RECORDED = Path(__file__).parents[3] / "shared" / "data" / "bme" / "orders-ana-2019-5-23.csv"
HEAD = "ordtype;uid;is_buy;qty;price;timestamp\n"
AT = "2019-05-23 09:00:30.216"


def new(uid: int, buy: bool, quantity: int, price: str) -> str:
    return f"new;{uid};{buy};{quantity};{price};{AT}\n"


def test_the_recorded_day_gives_its_known_figures() -> None:
    """996 fills, 54 378 shares, all 11 433 cancels find the recorded quantity, nothing is open at the end."""
    if not RECORDED.exists():
        pytest.skip(f"{RECORDED} is not there")
    day = read_day(RECORDED.read_bytes())
    cancels = [step for step in day.steps if step.action is Action.CANCEL]
    assert (len(day.steps), day.fills, day.shares, day.open_orders) == (27_056, 996, 54_378, 0)
    assert (len(cancels), day.date, day.tick_size_e4) == (11_433, 20_190_523, 500)


def test_a_reduction_keeps_the_total_and_one_by_all_that_is_open_ends_the_order() -> None:
    """A replace names the new total, what is executed included."""
    rows = [new(1, False, 10, "95.8"), new(2, True, 4, "96"), f"modif;1;;2;;{AT}\n", f"modif;1;;4;;{AT}\n"]
    day = read_day((HEAD + "".join(rows)).encode())
    assert [(step.action, step.quantity, step.expected) for step in day.steps] == [
        (Action.PLACE, 10, 10),
        (Action.PLACE, 4, 4),
        (Action.REDUCE, 8, 4),
        (Action.END, 4, 4),
    ]
    assert (day.fills, day.shares, day.open_orders) == (1, 4, 0)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "1:1"),
        ("uid;qty\n", "1:1"),
        (HEAD, "2:1"),
        (HEAD + "new;1;True;5\n", "2:13"),
        (HEAD + f"old;1;True;5;1;{AT}\n", "2:1"),
        (HEAD + f"new;x;True;5;1;{AT}\n", "2:5"),
        (HEAD + f"new;1;maybe;5;1;{AT}\n", "2:7"),
        (HEAD + f"new;1;True;0;1;{AT}\n", "2:12"),
        (HEAD + f"new;1;True;-5;1;{AT}\n", "2:12"),
        (HEAD + f"new;1;True;5;1.00001;{AT}\n", "2:14"),
        (HEAD + f"new;1;True;5;nan;{AT}\n", "2:14"),
        (HEAD + "new;1;True;5;1;yesterday\n", "2:16"),
        (HEAD + "new;1;True;5;1;2019-02-30 09:00\n", "2:16"),
        (HEAD + "new;1;True;5;1;20190523 09:00\n", "2:16"),
        (HEAD + new(1, True, 5, "1") + "new;2;True;5;1;2019-13-01 09:00\n", "3:16"),
        (HEAD + new(1, True, 5, "1e10"), "2:14"),
        (HEAD + new(1, True, 10**12, "1e9"), "2:12"),
        (HEAD + new(1, False, 10**12, "1e9"), "2:13"),
        (HEAD + new(1, True, 3 * 10**11, "1000") + new(2, True, 3 * 10**11, "1000"), "3:12"),
        (HEAD + new(1, True, 5, "1") + new(1, True, 5, "1"), "3:5"),
        (HEAD + new(1, True, 5, "1") + f"cancel;2;;5;;{AT}\n", "3:8"),
    ],
)
def test_an_unreadable_file_is_refused_with_line_and_column(text: str, place: str) -> None:
    """Before anything is sent."""
    with pytest.raises(FileError, match=f"^{place}: "):
        read_day(text.encode())


def test_bytes_that_are_not_text_have_a_place_too() -> None:
    """So do those behind good rows."""
    with pytest.raises(FileError, match=r"^2:3: this is not UTF-8"):
        read_day(HEAD.encode() + b"ne\xff")


def test_high_prices_fit_an_instrument() -> None:
    """Up to the exchange's highest: the tick size is no larger than one can be, and divides every price."""
    for price in ("1e9", "100000000", "2500"):
        day = read_day((HEAD + new(1, True, 5, price)).encode())
        market = Market("1", "RP1", 0, day.date)
        assert wrong_field(Instrument(**as_value(instrument(day, market))), 0) == ""
        assert day.steps[0].price_e4 % day.tick_size_e4 == 0


def made_up(seed: int, orders: int) -> str:
    """A day around one price with reductions, and at its end a cancel of all that is open, with its quantity."""
    random = Random(seed)
    text, book = HEAD, PlainBook()
    for uid in range(1, orders + 1):
        buy, quantity, step = random.random() < 0.5, random.randint(2, 90), random.randint(-8, 8)
        text += new(uid, buy, quantity, f"{(1900 + step) / 20:.2f}")
        book.place(Resting(uid, buy, (1900 + step) * 500, quantity, quantity))
        order = book.orders[random.randint(1, uid)]
        if order.open > 1 and random.random() < 0.05:
            order.open -= 1
            text += f"modif;{order.uid};;1;;{AT}\n"
    return text + "".join(f"cancel;{uid};;{order.open};;{AT}\n" for uid, order in book.orders.items() if order.open)


def test_it_replays_on_a_running_exchange(exchange: Exchange, tmp_path: Path) -> None:
    """Every command is answered and on record, the figures are those of the plain book, everything reconciles."""
    file, report = tmp_path / "day.csv", tmp_path / "report.json"
    text = made_up(seed=11, orders=1500)
    file.write_text(text)
    arguments = ["replay", "--orders", str(file), "--home", str(exchange.home), "--report", str(report), "--json"]
    done = CliRunner().invoke(main, arguments)
    assert done.exit_code == 0, done.output
    found, day = json.loads(report.read_text()), read_day(text.encode())
    assert json.loads(done.stdout) == found
    assert found["passed"]
    assert found["problems"] == []
    assert (found["fills"], found["shares"]) == (day.fills, day.shares)
    assert found["fills"] > 500
    assert found["orders_acknowledged"] == len(day.steps)
    assert found["cancels"] == found["cancels_with_expected_quantity"] == text.count("cancel;")


def test_an_unreadable_file_ends_with_2(tmp_path: Path) -> None:
    """The message names file, line and column."""
    file = tmp_path / "day.csv"
    file.write_text(HEAD + f"new;1;maybe;5;1;{AT}\n")
    done = CliRunner().invoke(main, ["replay", "--orders", str(file), "--home", str(tmp_path)])
    assert done.exit_code == 2
    assert "day.csv:2:7: is_buy: 'maybe'" in done.output


def test_the_highest_prices_trade(exchange: Exchange, tmp_path: Path) -> None:
    """At the exchange's limit, and in whole millions."""
    file = tmp_path / "day.csv"
    file.write_text(HEAD + new(1, True, 5, "1e9") + new(2, False, 5, "100000000"))
    done = CliRunner().invoke(main, ["replay", "--orders", str(file), "--home", str(exchange.home), "--json"])
    assert done.exit_code == 0, done.output
    assert (json.loads(done.stdout)["fills"], json.loads(done.stdout)["shares"]) == (1, 5)
