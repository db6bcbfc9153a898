"""`bourse withdraw`: take money or shares out of an account."""

import uuid
from pathlib import Path

import click

from bourse.ledger.v1 import ledger_pb2
from cli.answers import answered, as_value, show
from cli.market import Assets, currency_option, staff
from cli.options import NEGATIVE_NUMBERS, home_option, json_option


@click.command(context_settings=NEGATIVE_NUMBERS)
@click.argument("account")
@click.argument("asset")
@click.argument("amount")
@click.option(
    "--id",
    "transfer_id",
    help="Your id for it; a second use with the same fields changes nothing. [default: a new one]",
)
@currency_option
@home_option
@json_option
def withdraw(
    account: str, asset: str, amount: str, transfer_id: str | None, is_currency: bool, home: Path, as_json: bool
) -> None:
    """Take money or shares that are not held out of an account. ASSET is a currency or a symbol.

    \b
    Examples:
      bourse withdraw alpha/main EUR 100000.00
      bourse withdraw alpha/main ACME 5000 --id 2026-01-05/17
    """
    assets = Assets()

    async def work() -> ledger_pb2.Balance:
        async with staff(home) as operator:
            await assets.load(operator)
            units = assets.units(asset, amount, is_currency=is_currency)
            return await operator.withdraw(transfer_id or str(uuid.uuid4()), account, asset, units)

    balance = answered(work())
    available = assets.text(asset, balance.available)
    show(as_json, as_value(balance), [f"{account} has {available} {asset} available"])
