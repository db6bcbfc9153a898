"""What several commands ask of the running exchange: its clients by option, and amounts by asset."""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from bourse_sdk.client import Client
from bourse_sdk.money import INT64_MAX, decimal_text, e4
from bourse_sdk.operator import Operator
from chassis.units import CURRENCIES
from cli import clients
from cli.answers import PATIENCE_SECONDS
from cli.machine import Machine
from cli.options import RegularFile

token_option = click.option(
    "--token",
    "token_file",
    type=RegularFile(),
    help="File with the participant's token. [default: one is issued with the home's key]",
)
currency_option = click.option(
    "--currency", "is_currency", is_flag=True, help="ASSET is a currency that no instrument is priced in yet."
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


WHOLE = re.compile(r"[+-]?[0-9]+")
DIGITS_LIMIT = 20


@dataclass
class Assets:
    """What each asset is counted in: money has decimals, shares have none. `load` asks the exchange."""

    symbols: set[str] = field(default_factory=set)
    currencies: set[str] = field(default_factory=set)

    async def load(self, exchange: Operator | Client) -> None:
        """Symbols and currencies of all instruments."""
        for entry in await exchange.instruments():
            self.symbols.add(entry.instrument.symbol)
            self.currencies.add(entry.instrument.currency)

    def units(self, asset: str, text: str, *, is_currency: bool) -> int:
        """What `text` means of the asset. Raises BadParameter, also for an asset of which nobody knows what it is."""
        if asset not in self.symbols | self.currencies and not (is_currency and asset in CURRENCIES):
            raise click.BadParameter(
                f"{asset!r} is neither an instrument nor the currency of one: load the instruments first,"
                " or say --currency for a currency of ISO 4217 that none is priced in yet",
                param_hint="ASSET",
            )
        if asset in self.symbols and is_currency:
            raise click.BadParameter(f"{asset!r} is an instrument", param_hint="--currency")
        try:
            return shares(text) if asset in self.symbols else e4(text)
        except ValueError as error:
            raise click.BadParameter(str(error), param_hint="AMOUNT") from None

    def text(self, asset: str, amount: int) -> str:
        """The inverse of `units`; what is neither known nor a currency is counted whole."""
        is_money = asset not in self.symbols and (asset in self.currencies or asset in CURRENCIES)
        return decimal_text(amount) if is_money else str(amount)


def shares(text: str) -> int:
    """A number of shares. ValueError when it is none, or leaves int64."""
    if not WHOLE.fullmatch(text):
        raise ValueError(f"{text!r} is not a whole number, and shares are not divided")
    if len(text) > DIGITS_LIMIT or abs(int(text)) > INT64_MAX:
        raise ValueError(f"{text!r} is too large")
    return int(text)
