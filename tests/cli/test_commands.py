"""The commands of members, orders and market data, on a running exchange: what they print, and how they end."""

import asyncio
import json
import re
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import click
import pytest
from click.testing import CliRunner

from bourse.order.v1 import order_pb2
from bourse.quote.v1 import quote_pb2
from bourse.types.v1 import market_pb2
from bourse_sdk import Refusal
from cli.__main__ import lines, main
from cli.answers import in_units
from cli.book import next_text, status_text
from cli.market import Assets
from cli.watch import tape_text, update_text
from tests.exchange import CURRENCY, TRADING_DATE, Exchange
from tests.waiting import eventually

Bourse = Callable[..., Any]


@pytest.fixture
def bourse(exchange: Exchange) -> Bourse:
    """Runs `bourse ...` in the exchange's home; what it printed as JSON, or the exit code and text where `fails` is named."""

    def run(*arguments: object, fails: int | None = None) -> Any:
        words = [*map(str, arguments), "--home", str(exchange.home), *([] if fails else ["--json"])]
        done = CliRunner().invoke(main, words)
        assert done.exit_code == (fails or 0), done.output
        return done.output if fails else json.loads(done.stdout)

    return run


@pytest.fixture
def account(exchange: Exchange) -> str:
    return asyncio.run(exchange.join())


def test_a_member_is_created_paid_in_and_paid_out(bourse: Bourse) -> None:
    """Participants, accounts, deposits by id once, withdrawals, balances and the statement."""
    bourse("participants", "create", "delta", "--title", "Delta Securities")
    bourse("accounts", "create", "delta/main")
    for _ in range(2):
        balance = bourse("deposit", "delta/main", CURRENCY, "100.50", "--id", "delta-1")
    assert balance["available"] == 1_005_000
    assert bourse("deposit", "delta/main", "ACME", "50")["available"] == 50
    assert bourse("withdraw", "delta/main", CURRENCY, "0.5")["available"] == 1_000_000
    balances = bourse("balances", "delta/main")
    assert {balance["asset"]: balance["available"] for balance in balances} == {CURRENCY: 1_000_000, "ACME": 50}
    assert [entry["amount"] for entry in bourse("statement", "delta/main")] == [1_005_000, 50, -5_000]
    assert {"name": "delta", "title": "Delta Securities"} in bourse("participants", "list")
    assert bourse("accounts", "list", "--participant", "delta") == ["delta/main"]


def test_an_order_is_placed_replaced_found_and_cancelled(bourse: Bourse, account: str) -> None:
    """Each command says the order's id, which the next one takes."""
    participant = account.partition("/")[0]
    placed = bourse("order", "place", account, "buy", 10, "BRIO", "12.50")
    assert (placed["outcome"], placed["quantity"]) == ("ACCEPTED", 10)
    order_id = placed["order_id"]
    assert bourse("order", "replace", account, order_id, "--price", "12.60", "--quantity", 8)["quantity"] == 8
    listed = bourse("order", "list", "--participant", participant, "--state", "open")
    assert [order["order_id"] for order in listed] == [order_id]
    assert bourse("order", "cancel", account, order_id)["outcome"] == "CANCELLED"
    found = bourse("order", "get", order_id, "--participant", participant)
    assert (found["price_e4"], found["state"]) == (126_000, "ORDER_STATE_CANCELLED")


def test_an_order_shows_its_terms_and_the_watch_what_restated_it(
    bourse: Bourse, exchange: Exchange, account: str
) -> None:
    """In words, beside the order and its events; as JSON under the protos' names."""
    participant = account.partition("/")[0]
    bourse("order", "place", account, "sell", 10, "BRIO", "30.00")
    terms = ["--post-only", "slide", "--display", 4, "--self-trade", "cancel-both"]
    slid = bourse("order", "place", account, "buy", 10, "BRIO", "30.00", *terms)["order_id"]
    stop = bourse("order", "place", account, "sell", 5, "BRIO", "--type", "stop", "--stop-price", "1.00")["order_id"]
    found = bourse("order", "get", slid, "--participant", participant)
    assert found["price_e4"] < 300_000
    assert (found["display_quantity"], found["post_only"]) == (4, "POST_ONLY_SLIDE")
    home = ["--home", str(exchange.home)]
    listed = CliRunner().invoke(main, ["order", "list", "--participant", participant, *home]).output
    assert "displays 4, post-only slide, self-trade cancel-both" in listed
    assert "waits for 1.00 (last-trade)" in listed
    watched = CliRunner().invoke(main, ["watch", "orders", participant, *home, "--seconds", "1"]).output
    assert f"restated   order {slid}" in watched
    assert "(slid)" in watched
    for order in bourse("order", "list", "--participant", participant, "--state", "open"):
        bourse("order", "cancel", account, order["order_id"])
    assert bourse("order", "get", stop, "--participant", participant)["done_reason"] == "DONE_REASON_UNSPECIFIED"


def test_a_command_sent_again_under_its_id_gets_the_first_result(bourse: Bourse, account: str) -> None:
    """`--id` and `--date` name the command."""
    again = ["order", "place", account, "sell", 5, "BRIO", "99.00", "--id", "mine", "--date", TRADING_DATE]
    first = bourse(*again)
    assert bourse(*again) == first
    bourse("order", "cancel", account, first["order_id"])


def test_what_trades_is_seen_in_book_tape_and_watches(bourse: Bourse, exchange: Exchange, account: str) -> None:
    """Market data and the drop copy, also as plain lines where there is no terminal."""
    bourse("order", "place", account, "sell", 7, "BRIO", "20.00")
    rest = bourse("order", "place", account, "buy", 5, "BRIO", "20.00")
    eventually(lambda: [trade["quantity"] for trade in bourse("trades", "BRIO")["trades"][:1]] == [5])
    book = bourse("book", "BRIO")
    assert [level["quantity"] for level in book["asks"] if level["price_e4"] == 200_000] == [2]
    home = ["--home", str(exchange.home), "--seconds", "1"]
    watched = CliRunner().invoke(main, ["watch", "orders", account.partition("/")[0], *home])
    assert "traded" in watched.output
    assert str(rest["order_id"]) in watched.output
    assert "20.00" in CliRunner().invoke(main, ["watch", "book", "BRIO", *home]).output
    orders = bourse("order", "list", "--participant", account.partition("/")[0], "--state", "open")
    bourse("order", "cancel", account, orders[0]["order_id"])


def test_a_trade_is_busted(bourse: Bourse, exchange: Exchange, account: str) -> None:
    """By the number that the trades and both sides' statements show; once, and with a reason."""
    bourse("order", "place", account, "sell", 3, "BRIO", "21.00")
    bourse("order", "place", account, "buy", 3, "BRIO", "21.00")
    home = ["--home", str(exchange.home)]

    def seen(text: str) -> list[str]:
        """What the last trade's line ends with, once it says so."""
        last = CliRunner().invoke(main, ["trades", "BRIO", *home]).output.splitlines()[1].split()
        return last if text in last else []

    number = eventually(lambda: seen("21.00"))[-1]
    assert bourse("bust", number, "--reason", "wrong price")["trade_id"] == int(number)
    assert eventually(lambda: seen("busted"))[-2:] == [number, "busted"]
    assert bourse("trades", "BRIO")["trades"][0]["busted"]
    assert "TRADE_BUSTED" in bourse("bust", number, "--reason", "wrong price", fails=1)
    assert "TRADE_UNKNOWN" in bourse("bust", 1, "--reason", "wrong price", fails=1)
    assert "BUST_REASON_INVALID" in bourse("bust", number, "--reason", "", fails=1)


def test_an_update_says_which_trade_was_busted_and_why() -> None:
    """By the trade's number, as elsewhere."""
    update = order_pb2.OrderUpdate(kind=order_pb2.UPDATE_KIND_BUSTED, order_id=1 << 48 | 5, trade_sequence=7)
    update.bust_reason = "wrong price"
    assert update_text(update).endswith(f"(trade {1 << 48 | 7}: wrong price)")


def test_who_watches_sees_conditions_phases_and_bands() -> None:
    """In words: a trade of an auction, a bust, a phase and what it is for, a listing, price bands, the limit state, what is next."""
    trade = quote_pb2.Trade(price_e4=105_000, quantity=7, taker_side=market_pb2.SIDE_SELL, auction=True)
    assert tape_text(trade).endswith("  10.50  7  sell  auction")
    assert tape_text(quote_pb2.TradeBust(trade_sequence=9)).endswith("  busted: the trade of sequence 9")
    listed = quote_pb2.TradingStatus(phase=market_pb2.PHASE_OPEN, listing=market_pb2.LISTING_LISTED)
    listed.price_bands.lower_price_e4, listed.price_bands.upper_price_e4 = 90_000, 110_000
    assert status_text(listed) == "open, trades from 9.00 to 11.00"
    listed.price_bands.limit_side = market_pb2.SIDE_SELL
    assert status_text(listed) == "open, trades from 9.00 to 11.00, limit down"
    paused = quote_pb2.TradingStatus(phase=market_pb2.PHASE_AUCTION, auction=market_pb2.AUCTION_KIND_RESUMPTION)
    paused.listing = market_pb2.LISTING_SUSPENDED
    assert status_text(paused) == "auction (resumption), suspended"
    step = market_pb2.Transition(time_us=7_000_000, kind=market_pb2.TRANSITION_KIND_CLOSE_DATE)
    assert next_text(step) == "next close-date at 1970-01-01T00:00:07Z"
    step = market_pb2.Transition(kind=market_pb2.TRANSITION_KIND_SET_PHASE, phase=market_pb2.PHASE_AUCTION)
    step.auction, step.random_end_us = market_pb2.AUCTION_KIND_CLOSING, 30_000_000
    assert next_text(step) == "next auction (closing) at 1970-01-01T00:00:00Z, or up to 30 s later"


def test_a_refusal_ends_with_1_and_says_field_value_and_fix(bourse: Bourse, account: str) -> None:
    """In words, on standard error."""
    said = bourse("order", "place", account, "buy", 10, "BRIO", "12.505", fails=1)
    assert "PRICE_OFF_TICK" in said
    assert "(price='12.505')" in said, "prices as they were typed"
    assert "send 12.50 or 12.51" in said
    assert "SYMBOL_UNKNOWN" in bourse("book", "NOPE", fails=1)
    assert "ORDER_UNKNOWN" in bourse("order", "cancel", account, 77, fails=1)


def test_amounts_are_told_as_they_were_typed(bourse: Bourse, account: str) -> None:
    """Money with its decimals, shares without; what is needed for an order too."""
    assert "(amount='99999999.99')" in bourse("withdraw", account, CURRENCY, "99999999.99", fails=1)
    assert "(amount='-5.00')" in bourse("deposit", account, CURRENCY, -5, fails=1)
    assert "(amount='-5')" in bourse("deposit", account, "ACME", -5, fails=1)
    poor = bourse("order", "place", account, "buy", 1_000_000, "BRIO", "1000.00", fails=1)
    assert "has not enough EUR: 1000300000.00 is needed" in poor


def test_of_a_refused_price_only_prices_are_put_into_units() -> None:
    """Names of standards, symbols of digits and counts stay as they are."""
    said = "takes prices of 100 to 250000"
    price = Refusal(
        "PRICE_OUT_OF_LIMITS", f"600519 {said}", {"field": "price_e4", "value": "99", "fix": "send 100 to 250000"}
    )
    assert in_units(price) == (
        "PRICE_OUT_OF_LIMITS: 600519 takes prices of 0.01 to 25.00 (price='0.0099'); send 0.01 to 25.00"
    )
    fix = "see Instrument's comments; a currency is a code of ISO 4217, a symbol is none"
    listed = Refusal("INSTRUMENT_INVALID", "outside its limits", {"field": "max_price_e4", "value": "-1", "fix": fix})
    assert in_units(listed) == f"INSTRUMENT_INVALID: outside its limits (max_price='-0.0001'); {fix}"


def test_wrong_usage_ends_with_2(bourse: Bourse, account: str) -> None:
    """Nothing is sent."""
    assert "PRICE" in bourse("order", "place", account, "buy", 10, "BRIO", fails=2)
    assert "PRICE" in bourse("order", "place", account, "sell", 10, "BRIO", "--type", "stop-limit", fails=2)
    assert "is not a number" in bourse("order", "place", account, "buy", 10, "BRIO", "cheap", fails=2)
    assert "AMOUNT" in bourse("deposit", account, "BRIO", "1.5", fails=2)
    for number in ("nan", "inf", "-Infinity"):
        assert "is not a finite number" in bourse("order", "place", account, "buy", 10, "BRIO", number, fails=2)
    assert "is too large" in bourse("order", "place", account, "buy", 10, "BRIO", "1e999999", fails=2)
    assert "'0.5' is not a whole number" in bourse("withdraw", account, "ACME", "0.5", fails=2)
    assert "is too large" in bourse("deposit", account, "ACME", 10**30, fails=2)
    assert "is too large" in bourse("deposit", account, "ACME", 10**19, fails=2)
    assert "--kind" in bourse("phase", "auction", "BRIO", fails=2)
    assert "--kind" in bourse("phase", "open", "BRIO", "--kind", "opening", fails=2)
    assert "range" in bourse("order", "get", 10**30, "--participant", "p1", fails=2)


def test_digits_are_those_of_ascii_and_not_too_many(bourse: Bourse, account: str) -> None:
    """Nothing is sent."""
    many, arabic = "9" * 5_000, "\u0661\u0660\u0660"
    for quantity, said in ((many, "is too large"), (arabic, "is not a whole number")):
        assert said in bourse("quote", account, f"BRIO:{quantity}@52.00:0", fails=2)
        assert said in bourse("deposit", account, "BRIO", quantity, fails=2)
    for day in (many, "\u0662\u0660\u0662\u0666\u0661\u0662\u0663\u0661"):
        said = bourse("order", "place", account, "buy", 10, "BRIO", 1, "--expire", day, fails=2)
        assert "is neither yyyymmdd nor a time with its zone" in said
    assert "is not a valid integer" in bourse("order", "place", account, "buy", many, "BRIO", 1, fails=2)


def test_numbers_out_of_range_and_below_zero_reach_the_checks(bourse: Bourse, account: str) -> None:
    """They are refused by name, with 1, as every other value is that the exchange does not take."""
    for quantity, price, reason in ((10**22, 1, "QUANTITY_OUT_OF_LIMITS"), (-5, 1, "QUANTITY"), (5, -1, "PRICE")):
        assert reason in bourse("order", "place", account, "buy", quantity, "BRIO", price, fails=1)
    assert "ORDER_NAME_INVALID" in bourse("order", "cancel", account, -5, fails=1)
    assert "AMOUNT_INVALID" in bourse("deposit", account, CURRENCY, -5, fails=1)
    assert "AMOUNT_INVALID" in bourse("withdraw", account, "ACME", "-5", fails=1)


def test_an_asset_is_what_the_instruments_say(bourse: Bourse, account: str) -> None:
    """Symbols are counted in shares, their currencies are money; of others nobody knows, unless told that it is a currency."""
    for asset in ("XXX", "LATER", CURRENCY.lower()):
        for command in ("deposit", "withdraw"):
            assert "is neither an instrument" in bourse(command, account, asset, 5, fails=2)
    assert "is neither an instrument" in bourse("deposit", account, "LATER", 5, "--currency", fails=2)
    assert "is an instrument" in bourse("deposit", account, "ACME", 5, "--currency", fails=2)
    assert bourse("deposit", account, "CHF", "5", "--currency")["available"] == 50_000
    assert bourse("withdraw", account, "CHF", "1.5", "--currency")["available"] == 35_000


def test_amounts_are_shown_as_their_asset_is_counted() -> None:
    """Money with decimals, shares without; shares of a symbol that is not loaded are not taken for money."""
    assets = Assets({"ACME"}, {"EUR"})
    shown = {asset: assets.text(asset, 50_000) for asset in ("ACME", "EUR", "CHF", "LATER")}
    assert shown == {"ACME": "50000", "EUR": "5.00", "CHF": "5.00", "LATER": "50000"}


def test_a_file_that_never_ends_is_refused(bourse: Bourse) -> None:
    """Devices, pipes and folders are no files."""
    for path in ("/dev/urandom", "/dev"):
        for command in (["replay", "--orders", path], ["instruments", "load", path]):
            bourse(*command, fails=2)
    assert "is not a regular file" in bourse("replay", "--orders", "/dev/urandom", fails=2)


def test_the_version_is_told() -> None:
    """That of the distribution."""
    done = CliRunner().invoke(main, ["--version"])
    assert (done.exit_code, done.output) == (0, f"bourse {version('bourse')}\n")


def test_no_exchange_ends_with_3(tmp_path: Path) -> None:
    """The message says what to do."""
    done = CliRunner().invoke(main, ["participants", "list", "--home", str(tmp_path)])
    assert done.exit_code == 3
    assert "bourse up" in done.output


def test_a_halt_rejects_orders_until_the_phase_is_open_again(bourse: Bourse, account: str) -> None:
    """`halt`, `phase` and `date` are the operator's."""
    assert bourse("halt", "BRIO")["phase"] == "halted"
    assert "MARKET_HALTED" in bourse("order", "place", account, "buy", 1, "BRIO", "1.00", fails=1)
    assert bourse("phase", "open", "BRIO")["phase"] == "open"
    assert bourse("date", "open", TRADING_DATE)["trading_date"] == TRADING_DATE
    assert bourse("date", "show")["trading_date"] == TRADING_DATE
    assert "TRADING_DATE" in bourse("date", "close", 20_200_101, fails=1)


def test_an_instrument_is_changed_suspended_and_delisted(bourse: Bourse, account: str, tmp_path: Path) -> None:
    """`instruments change` needs it closed; svc_order goes by its new ticks; what is suspended does not open; what is gone stays gone."""
    file = tmp_path / "instruments.yaml"
    text = "instruments:\n- {symbol: CHAN, currency: EUR, tick_size: TICK, max_price: 100, max_quantity: 1000}\n"
    file.write_text(text.replace("TICK", "0.01"))
    bourse("instruments", "load", file)
    bourse("phase", "open", "CHAN")
    placed = bourse("order", "place", account, "buy", 10, "CHAN", "10.01")["order_id"]
    file.write_text(text.replace("TICK", "0.05"))
    assert "INSTRUMENT_NOT_CLOSED" in bourse("instruments", "change", file, "CHAN", fails=1)
    bourse("phase", "closed", "CHAN")
    assert "INSTRUMENT_HAS_ORDERS" in bourse("instruments", "change", file, fails=1)
    bourse("order", "cancel", account, placed)
    assert "is not in it" in bourse("instruments", "change", file, "NONE", fails=2)
    assert bourse("instruments", "change", file)[0]["tick_size_e4"] == 500
    bourse("phase", "open", "CHAN")
    assert "multiple of 0.05" in bourse("order", "place", account, "buy", 10, "CHAN", "10.01", fails=1)
    assert bourse("instruments", "suspend", "CHAN")["listing"] == "suspended"
    assert "INSTRUMENT_SUSPENDED" in bourse("phase", "open", "CHAN", fails=1)
    assert "INSTRUMENT_SUSPENDED" in bourse("order", "place", account, "buy", 10, "CHAN", "10.05", fails=1)
    bourse("instruments", "resume", "CHAN")
    bourse("phase", "open", "CHAN")
    bourse("order", "place", account, "buy", 10, "CHAN", "10.05")
    bourse("phase", "closed", "CHAN")
    assert bourse("instruments", "delist", "CHAN")["listing"] == "delisted"
    assert "INSTRUMENT_DELISTED" in bourse("order", "place", account, "buy", 10, "CHAN", "10.05", fails=1)
    assert [one["listing"] for one in bourse("instruments", "list") if one["instrument"]["symbol"] == "CHAN"] == [
        "LISTING_DELISTED"
    ]


def test_a_trade_too_far_away_begins_an_auction_that_ends_by_itself(
    bourse: Bourse, account: str, tmp_path: Path
) -> None:
    """Rules 7.4.2, 7.4.4: nobody commands anything for the auction to trade, and continuous trading to go on."""
    file = tmp_path / "instruments.yaml"
    limits = "max_price: 100, max_quantity: 1000, reference_price: 10, dynamic_collar_bp: 500, volatility_auction_us: 200_000"
    file.write_text(f"instruments:\n- {{symbol: VOLA, currency: EUR, tick_size: 0.01, {limits}}}\n")
    bourse("instruments", "load", file)
    bourse("phase", "open", "VOLA")
    bourse("deposit", account, "VOLA", 20)
    bourse("order", "place", account, "sell", 10, "VOLA", "10.00")
    bourse("order", "place", account, "sell", 10, "VOLA", "11.00")
    bourse("order", "place", account, "buy", 20, "VOLA", "11.00")
    eventually(lambda: len(bourse("trades", "VOLA")["trades"]) == 2)
    trades = bourse("trades", "VOLA")["trades"]
    assert [(trade["price_e4"], trade.get("auction", False)) for trade in trades] == [(110_000, True), (100_000, False)]
    phases = [one["phase"] for one in bourse("instruments", "list") if one["instrument"]["symbol"] == "VOLA"]
    assert phases == ["PHASE_OPEN"]


def test_a_calendar_is_set_shown_and_removed(bourse: Bourse, tmp_path: Path) -> None:
    """On all shards, and with each book; what cannot be read is named by its place, what cannot be by its field."""
    file, text = tmp_path / "calendar.yaml", Path("docs/calendar.yaml").read_text("utf-8")
    week = text.replace("2026-", "2098-").replace("2098-12-31\nseed", "2098-01-11\nseed")
    week = week.replace("[2098-12-24, 2098-12-31]", "[2098-01-10]")
    file.write_text(week)
    told = bourse("calendar", "set", file)
    assert (told["dates"], told["transitions"]) == (5, 28)
    for shown in bourse("calendar", "show", "--limit", 2).values():
        assert (shown["stopped"], len(shown["transitions"])) == (False, 2)
        assert shown["transitions"][0]["kind"] == "TRANSITION_KIND_OPEN_DATE"
    eventually(lambda: bourse("book", "BRIO").get("next_transition") == shown["transitions"][0])
    file.write_text(text.replace("2026-", "2025-"))
    refused = bourse("calendar", "set", file, fails=1)
    assert "CALENDAR_INVALID" in refused
    assert "transitions[" in refused
    file.write_text(week.replace('"07:00"', "soon"))
    assert "calendar.yaml:11:10: 'soon' is no time of day" in bourse("calendar", "set", file, fails=2)
    bourse("calendar", "remove")
    for shown in bourse("calendar", "show").values():
        assert (shown["stopped"], shown["transitions"]) == (False, [])
    eventually(lambda: "next_transition" not in bourse("book", "BRIO"))


def test_an_order_at_its_price_band_pauses_trading_for_a_while(bourse: Bourse, account: str, tmp_path: Path) -> None:
    """Rules 7.5.2, 7.5.6: it stands at the band; after the pause, which nobody commands, there are bands around it."""
    file = tmp_path / "instruments.yaml"
    limits = "limit_band_bp: 1000, limit_interval_us: 30_000_000, limit_state_us: 200_000, limit_pause_us: 200_000"
    rest = f"tick_size: 0.01, max_price: 100, max_quantity: 1000, reference_price: 10, {limits}"
    file.write_text(f"instruments:\n- {{symbol: LULD, currency: EUR, {rest}}}\n")
    bourse("instruments", "load", file)
    bourse("phase", "open", "LULD")
    nobody = {"limit_side": "SIDE_UNSPECIFIED"}
    bands = {"reference_price_e4": 100_000, "lower_price_e4": 90_000, "upper_price_e4": 110_000} | nobody
    eventually(lambda: bourse("book", "LULD")["status"].get("price_bands") == bands)
    bourse("order", "place", account, "buy", 10, "LULD", "12.00")
    bands = {"reference_price_e4": 110_000, "lower_price_e4": 99_000, "upper_price_e4": 121_000} | nobody
    eventually(lambda: bourse("book", "LULD")["status"].get("price_bands") == bands)
    book = bourse("book", "LULD")
    assert [level["price_e4"] for level in book["bids"]] == [110_000]
    assert book["status"]["phase"] == "PHASE_OPEN"


def test_the_example_instruments_load_and_load_again(bourse: Bourse) -> None:
    """Those that are there already with the same fields stay; others are refused by name."""
    assert "INSTRUMENT_EXISTS" in bourse("instruments", "load", "docs/instruments.yaml", fails=1)  # ACME is listed.
    symbols = [entry["instrument"]["symbol"] for entry in bourse("instruments", "list")]
    assert {"ACME", "BRIO"} <= set(symbols)


@pytest.mark.parametrize(
    ("text", "place"),
    [
        ("", "1:1"),
        ("instruments: 7", "1:14"),
        ("instruments:\n- symbol: A\n", "2:3"),
        ("instruments:\n- {symbol: A, colour: red}\n", "2:15"),
        ("instruments:\n- {symbol: A, currency: EUR, tick_size: cheap, max_price: 1, max_quantity: 1}\n", "2:41"),
        ("instruments:\n- {symbol: A, currency: EUR, tick_size: 1, max_price: 1, max_quantity: 1.5}\n", "2:72"),
        ("instruments:\n- {symbol: A, currency: EUR, tick_size: 1, max_price: 1, max_quantity: 1, shard: 9}\n", "2:82"),
        ("instruments:\n- {symbol: USD, currency: EUR, tick_size: 1, max_price: 1, max_quantity: 1}\n", "2:12"),
        ("instruments:\n- {symbol: A, currency: EUX, tick_size: 1, max_price: 1, max_quantity: 1}\n", "2:25"),
        ("instruments: [\n", "2:1"),
        ("[" * 20_000, "1:101"),
    ],
)
def test_an_unreadable_instrument_file_is_refused_with_line_and_column(
    bourse: Bourse, tmp_path: Path, text: str, place: str
) -> None:
    """Nothing of it is added."""
    file = tmp_path / "instruments.yaml"
    file.write_text(text)
    assert f"{file}:{place}: " in bourse("instruments", "load", file, fails=2).replace("\n", "")


def test_every_command_has_help_with_examples() -> None:
    """So do the groups, and the commands of groups; `bourse --help` lists all of them and the exit codes."""
    said = CliRunner().invoke(main, ["--help"]).output
    assert "Exit codes" in said
    found = [*every(main, ())]
    assert {words[0] for words in found} == set(lines())
    for words in found:
        done = CliRunner().invoke(main, [*words, "--help"])
        assert done.exit_code == 0
        assert re.search("Examples?:", done.output), words


def every(group: click.Group, above: tuple[str, ...]) -> Iterator[tuple[str, ...]]:
    """The words of all commands of a group."""
    context = click.Context(group)
    for name in group.list_commands(context):
        yield *above, name
        command = group.get_command(context, name)
        if isinstance(command, click.Group):
            yield from every(command, (*above, name))


def test_without_a_mesh_there_are_no_weights(bourse: Bourse) -> None:
    """An exchange that was started with --no-mesh says so."""
    assert "has no mesh" in bourse("mesh", "weight", "svc_order", "stable=100", fails=1)
