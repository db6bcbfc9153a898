"""`bourse statement`: every posted movement of an account."""

from datetime import UTC, datetime
from pathlib import Path

import click

from bourse.ledger.v1 import ledger_pb2
from cli.answers import answered, as_value, columns, show
from cli.market import Assets, member, token_option
from cli.options import home_option, json_option


@click.command()
@click.argument("account")
@click.option("--asset", default="", help="Only this currency or symbol.")
@token_option
@home_option
@json_option
def statement(account: str, asset: str, token_file: Path | None, home: Path, as_json: bool) -> None:
    """Every posted movement of ACCOUNT, oldest first.

    \b
    Examples:
      bourse statement alpha/main
      bourse statement alpha/main --asset EUR --json
    """

    assets = Assets()

    async def work() -> list[ledger_pb2.Entry]:
        async with member(home, account, token_file) as client:
            await assets.load(client)
            return [entry async for entry in client.entries(account, asset=asset)]

    found = answered(work())
    rows = [
        (
            time_text(entry.time_us),
            entry.kind,
            entry.asset,
            assets.text(entry.asset, entry.amount),
            entry.trade_id or entry.transfer_id or "-",
        )
        for entry in found
    ]
    show(as_json, [as_value(entry) for entry in found], columns(("time", "kind", "asset", "amount", "reference"), rows))


def time_text(time_us: int) -> str:
    """Microseconds since the Unix epoch as UTC."""
    return datetime.fromtimestamp(time_us / 1e6, UTC).strftime("%Y-%m-%d %H:%M:%S.%f")
