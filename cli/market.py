"""What several commands ask of the running exchange: its clients by option, and amounts by asset."""

from collections.abc import Collection
from pathlib import Path
from typing import Any

import click

from bourse_sdk.client import Client
from bourse_sdk.money import decimal_text, e4
from bourse_sdk.operator import Operator
from cli import clients
from cli.answers import PATIENCE_SECONDS
from cli.machine import Machine

token_option = click.option(
    "--token",
    "token_file",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
    help="File with the participant's token. [default: one is issued with the home's key]",
)
participant_option = click.option("--participant", required=True, help="Whose.")


def staff(home: Path) -> Operator:
    """The operator of the home's exchange."""
    return clients.operator(Machine(home), give_up_seconds=PATIENCE_SECONDS)


def member(home: Path, participant: str, token_file: Path | None) -> Client:
    """A participant of the home's exchange; `participant` may be one of its accounts."""
    name = participant.partition("/")[0]
    return clients.broker(Machine(home), name, give_up_seconds=PATIENCE_SECONDS, token_file=token_file)


class Decimal(click.ParamType[int]):
    """A price or an amount: 95.80 is 958000."""

    name = "decimal"

    def convert(self, value: Any, param: click.Parameter | None, ctx: click.Context | None) -> int:
        if isinstance(value, int):
            return value
        try:
            return e4(value)
        except ValueError as error:
            self.fail(str(error), param, ctx)


DECIMAL = Decimal()


def amount_of(asset: str, text: str, symbols: Collection[str]) -> int:
    """What `text` means of the asset: money has decimals, the shares of one of `symbols` have none."""
    try:
        return int(text) if asset in symbols else e4(text)
    except ValueError as error:
        raise click.BadParameter(str(error), param_hint="AMOUNT") from None


def amount_text(asset: str, amount: int, symbols: Collection[str]) -> str:
    """The inverse of `amount_of`."""
    return str(amount) if asset in symbols else decimal_text(amount)


async def symbols_of(exchange: Operator | Client) -> set[str]:
    """The symbols of all instruments; every other asset is a currency."""
    return {entry.instrument.symbol for entry in await exchange.instruments()}
