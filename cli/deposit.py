"""`bourse deposit`: pay money or shares into an account."""

import uuid
from pathlib import Path

import click

from bourse.ledger.v1 import ledger_pb2
from cli.answers import answered, as_value, show
from cli.market import amount_of, amount_text, staff, symbols_of
from cli.options import home_option, json_option


@click.command()
@click.argument("account")
@click.argument("asset")
@click.argument("amount")
@click.option(
    "--id",
    "transfer_id",
    help="Your id for it; a second use with the same fields changes nothing. [default: a new one]",
)
@home_option
@json_option
def deposit(account: str, asset: str, amount: str, transfer_id: str | None, home: Path, as_json: bool) -> None:
    """Pay money or shares into an account. ASSET is a currency or a symbol.

    \b
    Examples:
      bourse deposit alpha/main EUR 100000.00
      bourse deposit alpha/main ACME 5000 --id 2026-01-05/17
    """
    known = set[str]()

    async def work() -> ledger_pb2.Balance:
        async with staff(home) as operator:
            known.update(await symbols_of(operator))
            units = amount_of(asset, amount, known)
            return await operator.deposit(transfer_id or str(uuid.uuid4()), account, asset, units)

    balance = answered(work())
    show(
        as_json, as_value(balance), [f"{account} has {amount_text(asset, balance.available, known)} {asset} available"]
    )
