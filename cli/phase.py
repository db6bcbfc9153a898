"""`bourse phase`: open, halt or close trading in instruments."""

from pathlib import Path

import click

from bourse.types.v1 import market_pb2
from cli.answers import answered, show
from cli.market import staff
from cli.options import home_option, json_option

PHASES = {
    "open": market_pb2.PHASE_OPEN,
    "halted": market_pb2.PHASE_HALTED,
    "closed": market_pb2.PHASE_CLOSED,
}


@click.command()
@click.argument("phase", type=click.Choice(list(PHASES)))
@click.argument("symbol", default="")
@home_option
@json_option
def phase(phase: str, symbol: str, home: Path, as_json: bool) -> None:
    """Open, halt or close trading in SYMBOL, or in all instruments. Cancels are taken in every phase.

    \b
    Examples:
      bourse phase open
      bourse phase halted ACME
    """
    set_phase(phase, symbol, home, as_json)


def set_phase(phase: str, symbol: str, home: Path, as_json: bool) -> None:
    """Sets it and says so."""

    async def work() -> dict[int, int]:
        async with staff(home) as operator:
            return await operator.set_phase(PHASES[phase], symbol)

    sequences = answered(work())
    value = {"symbol": symbol, "phase": phase, "sequences": sequences}
    show(as_json, value, [f"{symbol or 'all instruments'}: {phase}"])
