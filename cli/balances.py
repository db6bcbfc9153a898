"""`bourse balances`: what an account has."""

from pathlib import Path

import click

from bourse.ledger.v1 import ledger_pb2
from cli.answers import answered, as_value, columns, show
from cli.market import Assets, member, token_option
from cli.options import home_option, json_option


@click.command()
@click.argument("account")
@token_option
@home_option
@json_option
def balances(account: str, token_file: Path | None, home: Path, as_json: bool) -> None:
    """What ACCOUNT has of each asset: in all, held by open orders, and available.

    \b
    Examples:
      bourse balances alpha/main
      bourse balances alpha/main --json
    """

    assets = Assets()

    async def work() -> list[ledger_pb2.Balance]:
        async with member(home, account, token_file) as client:
            await assets.load(client)
            return await client.balances(account)

    found = answered(work())
    rows = []
    for balance in found:
        posted = balance.credits_posted - balance.debits_posted
        amounts = (posted, balance.debits_pending, balance.available)
        rows.append((balance.asset, *(assets.text(balance.asset, amount) for amount in amounts)))
    show(as_json, [as_value(balance) for balance in found], columns(("asset", "balance", "held", "available"), rows))
