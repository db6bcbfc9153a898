"""`bourse accounts`: create and list accounts."""

from pathlib import Path

import click

from cli.answers import answered, show
from cli.market import staff
from cli.options import home_option, json_option


@click.group()
def accounts() -> None:
    """Create and list accounts, named PARTICIPANT/NAME.

    \b
    Examples:
      bourse accounts create alpha/main
      bourse accounts list --participant alpha
    """


@accounts.command()
@click.argument("account")
@home_option
@json_option
def create(account: str, home: Path, as_json: bool) -> None:
    """Create an account of a participant. Again it changes nothing.

    \b
    Example:
      bourse accounts create alpha/main
    """

    async def work() -> None:
        async with staff(home) as operator:
            await operator.create_account(account)

    answered(work())
    show(as_json, {"account": account}, [f"account {account}"])


@accounts.command("list")
@click.option("--participant", default="", help="Only this participant's.")
@home_option
@json_option
def list_all(participant: str, home: Path, as_json: bool) -> None:
    """Accounts by name.

    \b
    Examples:
      bourse accounts list
      bourse accounts list --participant alpha
    """

    async def work() -> list[str]:
        async with staff(home) as operator:
            return await operator.accounts(participant)

    found = answered(work())
    show(as_json, found, found)
