"""`bourse quote`: replace a maker's quotes, in many instruments at once."""

from pathlib import Path

import click

from bourse_sdk.quotes import MassQuote, Quote
from cli.market import DECIMAL, shares, token_option
from cli.options import home_option, json_option
from cli.order import SELF_TRADES, date_option, id_option, send

WINDOW_MS = 100


class QuoteType(click.ParamType[Quote]):
    """SYMBOL:BID:OFFER, a side QUANTITY@PRICE, or 0 for none."""

    name = "quote"

    def convert(self, value: Quote | str, param: click.Parameter | None, ctx: click.Context | None) -> Quote:
        """See click."""
        if isinstance(value, Quote):
            return value
        parts = value.split(":")
        if len(parts) != 3:
            self.fail(f"{value!r} is not like ACME:100@52.00:80@52.10 or ACME:0:80@52.10", param, ctx)
        symbol, bid, ask = parts
        return Quote(symbol, *self._side(bid, param, ctx), *self._side(ask, param, ctx))

    def _side(self, text: str, param: click.Parameter | None, ctx: click.Context | None) -> tuple[int, int]:
        """Price and quantity."""
        quantity, _, price = text.partition("@")
        try:
            wanted = shares(quantity)
        except ValueError as error:
            self.fail(str(error), param, ctx)
        if wanted < 0 or bool(price) != (wanted > 0):
            self.fail(f"{text!r} is not like 100@52.00, or 0 for nothing", param, ctx)
        return (DECIMAL.convert(price, param, ctx) if price else 0), wanted


@click.command()
@click.argument("account")
@click.argument("quotes", type=QuoteType(), nargs=-1, required=True)
@click.option("--fills", type=int, default=0, help="Pull all quotes with so many trades within the window.")
@click.option("--shares", type=int, default=0, help="Pull all quotes with so many shares within the window.")
@click.option("--window-ms", type=int, help=f"That window. [default: {WINDOW_MS} where there is a limit]")
@click.option("--reset", is_flag=True, help="Quote again after the quotes were pulled so.")
@click.option(
    "--self-trade", type=click.Choice(list(SELF_TRADES)), help="What happens instead of a trade with oneself."
)
@id_option
@date_option
@token_option
@home_option
@json_option
def quote(
    account: str,
    quotes: tuple[Quote, ...],
    fills: int,
    shares: int,
    window_ms: int | None,
    reset: bool,
    self_trade: str | None,
    client_order_id: str,
    trading_date: int,
    token_file: Path | None,
    home: Path,
    as_json: bool,
) -> None:
    """Replace the quotes of ACCOUNT in some instruments of one shard, all or none; a side of quantity 0 is withdrawn.

    \b
    Examples:
      bourse quote alpha/main ACME:100@52.00:100@52.10
      bourse quote alpha/main ACME:100@52.00:100@52.10 CORK:0:50@9.10 --fills 2
      bourse quote alpha/main ACME:100@52.00:100@52.10 --reset
    """
    if window_ms is None:
        window_ms = WINDOW_MS if fills or shares else 0
    prevention = SELF_TRADES[self_trade] if self_trade else None
    send(
        home,
        token_file,
        as_json,
        MassQuote(
            account,
            quotes,
            prevention,
            fills,
            shares,
            1_000 * window_ms,
            reset,
            client_order_id=client_order_id,
            trading_date=trading_date,
        ),
    )
