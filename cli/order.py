"""`bourse order`: place, cancel, replace, get and list orders."""

import re
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

import click

from bourse.match.v1 import events_pb2
from bourse.order.v1 import order_pb2
from bourse.types.v1 import command_pb2, market_pb2
from bourse_sdk.commands import (
    Cancel,
    Command,
    CommandResult,
    MassCancel,
    OrderType,
    Peg,
    Place,
    PostOnly,
    Replace,
    SelfTradePrevention,
    Side,
    StopTrigger,
    TimeInForce,
)
from bourse_sdk.money import INT64_MAX, decimal_text
from bourse_sdk.quotes import MassQuote
from cli.answers import EPOCH, answered, as_value, columns, moment, show, word
from cli.market import DECIMAL, member, participant_option, token_option
from cli.options import NEGATIVE_NUMBERS, home_option, json_option

SIDES = {"buy": Side.BUY, "sell": Side.SELL}
TYPES = {
    "limit": OrderType.LIMIT,
    "market": OrderType.MARKET,
    "market-to-limit": OrderType.MARKET_TO_LIMIT,
    "stop": OrderType.STOP,
    "stop-limit": OrderType.STOP_LIMIT,
    "one-cancels-other": OrderType.ONE_CANCELS_OTHER,
    "pegged": OrderType.PEGGED,
}
PRICED = (OrderType.LIMIT, OrderType.STOP_LIMIT, OrderType.ONE_CANCELS_OTHER, OrderType.PEGGED)
PEGS = {"bid": Peg.BID, "ask": Peg.ASK, "middle": Peg.MIDDLE}
TIMES = {time.name.lower().replace("_", "-"): time for time in TimeInForce}
TRIGGERS = {"last-trade": StopTrigger.LAST_TRADE, "best-quote": StopTrigger.BEST_QUOTE}
POST_ONLY = {"reject": PostOnly.REJECT, "slide": PostOnly.SLIDE}
SELF_TRADES = {
    "none": SelfTradePrevention.NONE,
    "cancel-newest": SelfTradePrevention.CANCEL_NEWEST,
    "cancel-oldest": SelfTradePrevention.CANCEL_OLDEST,
    "cancel-both": SelfTradePrevention.CANCEL_BOTH,
    "decrement": SelfTradePrevention.DECREMENT,
}
AUCTIONS = (
    command_pb2.TIME_IN_FORCE_GOOD_FOR_AUCTION,
    command_pb2.TIME_IN_FORCE_AT_OPEN,
    command_pb2.TIME_IN_FORCE_AT_CLOSE,
)
STATES = {
    "any": order_pb2.ORDER_STATE_UNSPECIFIED,
    "open": order_pb2.ORDER_STATE_OPEN,
    "filled": order_pb2.ORDER_STATE_FILLED,
    "cancelled": order_pb2.ORDER_STATE_CANCELLED,
    "rejected": order_pb2.ORDER_STATE_REJECTED,
}


DATE = re.compile("[0-9]{8}")


class Expiry(click.ParamType[tuple[int, int]]):
    """A date as yyyymmdd, or a time with its zone: what it is as (expire_date, expire_time_us)."""

    name = "date or time"

    def convert(self, value: object, param: click.Parameter | None, context: click.Context | None) -> tuple[int, int]:
        if isinstance(value, tuple):
            return value
        text = str(value)
        if DATE.fullmatch(text):
            return int(text), 0
        try:
            moment = datetime.fromisoformat(text)
        except ValueError:
            moment = None
        if moment is None or moment.tzinfo is None:
            self.fail(f"{text!r} is neither yyyymmdd nor a time with its zone", param, context)
        return 0, (moment - EPOCH) // timedelta(microseconds=1)


EXPIRY = Expiry()
id_option = click.option("--id", "client_order_id", default="", help="The command's own id. [default: a new one]")
date_option = click.option(
    "--date", "trading_date", type=int, default=0, help="Its trading date, yyyymmdd, when a command is sent again."
)
HEAD = ("order", "account", "symbol", "side", "type", "price", "quantity", "executed", "open", "state", "terms")


@click.group()
def order() -> None:
    """Place, cancel, replace, get and list orders.

    The participant is the account's. Without --token its token is issued with the home's key.

    \b
    Examples:
      bourse order place alpha/main buy 60 ACME 52.10
      bourse order place alpha/main sell 60 ACME --market
      bourse order replace alpha/main 17 --price 52.05 --quantity 60
      bourse order cancel alpha/main 17
      bourse order cancel-all alpha/main
      bourse order list --participant alpha --state open
    """


@order.command(context_settings=NEGATIVE_NUMBERS)
@click.argument("account")
@click.argument("side", type=click.Choice(list(SIDES)))
@click.argument("quantity", type=int)
@click.argument("symbol")
@click.argument("price", type=DECIMAL, required=False)
@click.option(
    "--type",
    "order_type",
    type=click.Choice(list(TYPES)),
    default="limit",
    show_default=True,
    help="How it is priced. PRICE is the limit of a limit, stop-limit, one-cancels-other or pegged order; of the other types it"
    " bounds a buy, and a sell has none.",
)
@click.option("--market", "order_type", flag_value="market", help="The same as --type market.")
@click.option(
    "--time",
    "--tif",
    "time_in_force",
    type=click.Choice(list(TIMES)),
    help="How long it stands. [default: gtd with --expire; day; of a market order as long as it can: for the auction, or ioc]",
)
@click.option(
    "--expire",
    type=EXPIRY,
    default=(0, 0),
    help="Until when a gtd order stands: its last date, yyyymmdd, or a time with its zone, 2026-01-30T17:00+01:00.",
)
@click.option("--amount", type=DECIMAL, default=0, help="The most that a market buy may cost with its fee.")
@click.option(
    "--stop-price",
    type=DECIMAL,
    default=0,
    help="The price that triggers a stop, stop-limit or one-cancels-other order.",
)
@click.option("--trigger", type=click.Choice(list(TRIGGERS)), help="What reaches the stop price. [default: last-trade]")
@click.option("--stop-limit-price", type=DECIMAL, default=0, help="The limit that a one-cancels-other order has then.")
@click.option("--peg", type=click.Choice(list(PEGS)), help="The best price that a pegged order follows.")
@click.option("--offset", type=DECIMAL, default=0, help="What is added to that; it may be negative.")
@click.option("--trail", type=DECIMAL, default=0, help="The stop price follows the market, so far behind it.")
@click.option("--trail-bp", type=int, default=0, help="The same in basis points of the price that it follows.")
@click.option("--display", type=int, default=0, help="An iceberg: so many shares are displayed at a time.")
@click.option("--hidden", is_flag=True, help="Not displayed; at its price it trades behind what is.")
@click.option(
    "--post-only",
    type=click.Choice(list(POST_ONLY)),
    help="Adds liquidity only: if it would trade at once it is rejected, or moved one tick away.",
)
@click.option(
    "--minimum-quantity", type=int, default=0, help="So many shares trade at once, or it is cancelled untouched."
)
@click.option(
    "--self-trade",
    type=click.Choice(list(SELF_TRADES)),
    help="Instead of a trade with the participant's own orders. [default: none, they trade]",
)
@id_option
@date_option
@token_option
@home_option
@json_option
def place(
    account: str,
    side: str,
    quantity: int,
    symbol: str,
    price: int | None,
    order_type: str,
    time_in_force: str | None,
    expire: tuple[int, int],
    amount: int,
    stop_price: int,
    trigger: str | None,
    stop_limit_price: int,
    peg: str | None,
    offset: int,
    trail: int,
    trail_bp: int,
    display: int,
    hidden: bool,
    post_only: str | None,
    minimum_quantity: int,
    self_trade: str | None,
    client_order_id: str,
    trading_date: int,
    token_file: Path | None,
    home: Path,
    as_json: bool,
) -> None:
    """Place an order: QUANTITY shares of SYMBOL, at PRICE or better.

    \b
    Examples:
      bourse order place alpha/main buy 60 ACME 52.10
      bourse order place alpha/main buy 60 ACME --market --amount 4000
      bourse order place alpha/main sell 60 ACME 52.00 --time ioc
      bourse order place alpha/main buy 500 ACME 52.00 --display 50
      bourse order place alpha/main sell 60 ACME 50.00 --type stop-limit --stop-price 50.50
      bourse order place alpha/main sell 60 ACME --type stop --stop-price 50.50 --trail 1.50
      bourse order place alpha/main buy 60 ACME 52.00 --post-only slide --self-trade cancel-oldest
      bourse order place alpha/main buy 60 ACME 51.00 --time gtc
      bourse order place alpha/main buy 60 ACME 51.00 --expire 20261231
    """
    if price is None and TYPES[order_type] in PRICED:
        raise click.UsageError("name a PRICE, or another --type, such as market")
    command = Place(
        account,
        symbol,
        SIDES[side],
        quantity,
        price or 0,
        TYPES[order_type],
        TIMES[time_in_force] if time_in_force else None,
        amount,
        client_order_id,
        trading_date,
        stop_price_e4=stop_price,
        stop_trigger=TRIGGERS[trigger] if trigger else None,
        display_quantity=display,
        hidden=hidden,
        post_only=POST_ONLY[post_only] if post_only else None,
        minimum_quantity=minimum_quantity,
        self_trade_prevention=SELF_TRADES[self_trade] if self_trade else None,
        trailing_amount_e4=trail,
        trailing_bp=trail_bp,
        stop_limit_price_e4=stop_limit_price,
        peg=PEGS[peg] if peg else None,
        peg_offset_e4=offset,
        expire_date=expire[0],
        expire_time_us=expire[1],
    )
    send(home, token_file, as_json, command)


@order.command(context_settings=NEGATIVE_NUMBERS)
@click.argument("account")
@click.argument("order_id", type=int)
@id_option
@date_option
@token_option
@home_option
@json_option
def cancel(
    account: str,
    order_id: int,
    client_order_id: str,
    trading_date: int,
    token_file: Path | None,
    home: Path,
    as_json: bool,
) -> None:
    """Cancel an open order.

    \b
    Example:
      bourse order cancel alpha/main 17
    """
    command = Cancel(account, order_id, client_order_id=client_order_id, trading_date=trading_date)
    send(home, token_file, as_json, command)


@order.command(context_settings=NEGATIVE_NUMBERS)
@click.argument("account")
@click.argument("order_id", type=int)
@click.option(
    "--price", type=DECIMAL, default="0", help="The new limit price, or bound; none for a sell that has none."
)
@click.option("--quantity", type=int, required=True, help="The new total quantity, what is executed included.")
@id_option
@date_option
@token_option
@home_option
@json_option
def replace(
    account: str,
    order_id: int,
    price: int,
    quantity: int,
    client_order_id: str,
    trading_date: int,
    token_file: Path | None,
    home: Path,
    as_json: bool,
) -> None:
    """Give an open order a new price and quantity. Less quantity at the same price keeps its place in the queue, but of a pegged order.

    \b
    Examples:
      bourse order replace alpha/main 17 --price 52.05 --quantity 60
      bourse order replace alpha/main 18 --quantity 30      a STOP sell
    """
    command = Replace(account, price, quantity, order_id, client_order_id=client_order_id, trading_date=trading_date)
    send(home, token_file, as_json, command)


@order.command("cancel-all")
@click.argument("account")
@click.argument("symbol", default="")
@click.option("--side", type=click.Choice(list(SIDES)), help="Only orders of this side. [default: both]")
@click.option("--whole-participant", is_flag=True, help="Those of all accounts of the account's participant.")
@id_option
@date_option
@token_option
@home_option
@json_option
def cancel_all(
    account: str,
    symbol: str,
    side: str | None,
    whole_participant: bool,
    client_order_id: str,
    trading_date: int,
    token_file: Path | None,
    home: Path,
    as_json: bool,
) -> None:
    """Cancel all open orders of ACCOUNT, in SYMBOL or in all instruments, at once.

    \b
    Examples:
      bourse order cancel-all alpha/main
      bourse order cancel-all alpha/main ACME --side buy
      bourse order cancel-all alpha/main --whole-participant
    """
    wanted = SIDES[side] if side else None
    send(
        home, token_file, as_json, MassCancel(account, symbol, wanted, whole_participant, client_order_id, trading_date)
    )


@order.command(context_settings=NEGATIVE_NUMBERS)
@click.argument("order_id", type=click.IntRange(1, INT64_MAX))
@participant_option
@token_option
@home_option
@json_option
def get(order_id: int, participant: str, token_file: Path | None, home: Path, as_json: bool) -> None:
    """One order with all that happened to it.

    \b
    Example:
      bourse order get 17 --participant alpha
    """

    async def work() -> order_pb2.Order:
        async with member(home, participant, token_file) as client:
            return await client.get_order(order_id)

    found = answered(work())
    show(as_json, as_value(found), columns(HEAD, [row(found)]))


@order.command("list")
@participant_option
@click.option("--account", default="", help="Only of this account.")
@click.option("--symbol", default="", help="Only in this instrument.")
@click.option("--state", type=click.Choice(list(STATES)), default="any", show_default=True)
@click.option("--limit", type=click.IntRange(1), default=100, show_default=True, help="Most orders wanted.")
@token_option
@home_option
@json_option
def list_all(
    participant: str,
    account: str,
    symbol: str,
    state: str,
    limit: int,
    token_file: Path | None,
    home: Path,
    as_json: bool,
) -> None:
    """A participant's orders, newest first.

    \b
    Examples:
      bourse order list --participant alpha
      bourse order list --participant alpha --state open
    """

    async def work() -> list[order_pb2.Order]:
        found: list[order_pb2.Order] = []
        async with member(home, participant, token_file) as client:
            async for one in client.list_orders(account=account, symbol=symbol, state=STATES[state]):
                found.append(one)
                if len(found) == limit:
                    break
        return found

    found = answered(work())
    show(as_json, [as_value(one) for one in found], columns(HEAD, map(row, found)))


def send(home: Path, token_file: Path | None, as_json: bool, command: Command) -> None:
    """Sends one command and prints what became of it."""

    async def work() -> CommandResult:
        async with member(home, command.account, token_file) as client:
            return await client.submit(command)

    result = answered(work())
    value: dict[str, object] = {
        "client_order_id": result.client_order_id,
        "outcome": result.outcome.name,
        "order_id": result.order_id,
        "sequence": result.sequence,
        "quantity": result.quantity,
    }
    lines = [f"order {result.order_id} {result.outcome.name.lower()}: {result.quantity} shares"]
    if isinstance(command, MassCancel):
        value |= {"orders": result.orders, "shards": {one.shard: one.orders for one in result.shards}}
        lines = [f"orders cancelled: {result.orders}"]
        lines += [f"  on shard {one.shard}: {one.orders}" for one in result.shards]
    if isinstance(command, MassQuote):
        value |= {"quotes": result.orders}
        lines = [f"sides quoted: {result.orders}"]
    show(as_json, value, lines)


def row(found: order_pb2.Order) -> tuple[object, ...]:
    """An order as a row under HEAD."""
    return (
        found.order_id,
        found.account,
        found.symbol,
        word(market_pb2.Side, found.side),
        word(command_pb2.OrderType, found.type),
        decimal_text(found.price_e4),
        found.quantity,
        found.executed_quantity,
        found.open_quantity,
        word(order_pb2.OrderState, found.state),
        ", ".join(terms(found)),
    )


def terms(found: order_pb2.Order) -> Iterator[str]:
    """What it asks for beyond type, price and quantity, what became of that, and why it ended."""
    if found.time_in_force in AUCTIONS:
        yield word(command_pb2.TimeInForce, found.time_in_force)
    if found.stop_price_e4:
        reached = "triggered at" if found.triggered else "waits for"
        yield f"{reached} {decimal_text(found.stop_price_e4)} ({word(command_pb2.StopTrigger, found.stop_trigger)})"
    if found.stop_limit_price_e4:
        yield f"then at {decimal_text(found.stop_limit_price_e4)}"
    if found.peg:
        offset = f" {decimal_text(found.peg_offset_e4)}" if found.peg_offset_e4 else ""
        yield f"pegged to {word(command_pb2.Peg, found.peg)}{offset}"
    if found.trailing_amount_e4:
        yield f"trails by {decimal_text(found.trailing_amount_e4)}"
    if found.trailing_bp:
        yield f"trails by {found.trailing_bp} bp"
    if found.display_quantity:
        yield f"displays {found.display_quantity}"
    if found.hidden:
        yield "hidden"
    if found.post_only:
        yield f"post-only {word(command_pb2.PostOnly, found.post_only)}"
    if found.minimum_quantity:
        yield f"at least {found.minimum_quantity}"
    if found.self_trade_prevention:
        yield f"self-trade {word(command_pb2.SelfTradePrevention, found.self_trade_prevention)}"
    yield from until(found)
    if found.lease:
        yield f"stands by the lease {found.lease}"
    if found.done_reason:
        yield f"ended by {word(events_pb2.DoneReason, found.done_reason)}"


def until(found: order_pb2.Order) -> Iterator[str]:
    """Until when it stands, where that is not its date."""
    if found.time_in_force == command_pb2.TIME_IN_FORCE_GTC:
        yield "until cancelled"
    if found.expire_date:
        yield f"until {found.expire_date} closes"
    if found.expire_time_us:
        yield f"until {moment(found.expire_time_us)}"
