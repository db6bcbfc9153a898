"""`bourse phase`: open, halt or close trading in instruments, or begin an auction."""

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
    "auction": market_pb2.PHASE_AUCTION,
}
AUCTIONS = {
    "opening": market_pb2.AUCTION_KIND_OPENING,
    "closing": market_pb2.AUCTION_KIND_CLOSING,
    "volatility": market_pb2.AUCTION_KIND_VOLATILITY,
    "resumption": market_pb2.AUCTION_KIND_RESUMPTION,
}


@click.command()
@click.argument("phase", type=click.Choice(list(PHASES)))
@click.argument("symbol", default="")
@click.option("--kind", type=click.Choice(list(AUCTIONS)), help="What the auction is for.")
@home_option
@json_option
def phase(phase: str, symbol: str, kind: str | None, home: Path, as_json: bool) -> None:
    """Open, halt or close trading in SYMBOL, or in all instruments, or begin an auction: its orders trade when the phase becomes
    open or closed. Cancels are taken in every phase.

    \b
    Examples:
      bourse phase auction --kind opening
      bourse phase open
      bourse phase halted ACME
    """
    if (phase == "auction") != bool(kind):
        raise click.UsageError("an auction is of a --kind, no other phase is")
    set_phase(phase, symbol, home, as_json, kind)


def set_phase(phase: str, symbol: str, home: Path, as_json: bool, kind: str | None = None) -> None:
    """Sets it and says so."""

    async def work() -> dict[int, int]:
        async with staff(home) as operator:
            auction = AUCTIONS[kind] if kind else market_pb2.AUCTION_KIND_UNSPECIFIED
            return await operator.set_phase(PHASES[phase], symbol, auction=auction)

    sequences = answered(work())
    value = {"symbol": symbol, "phase": phase, "sequences": sequences} | ({"kind": kind} if kind else {})
    show(as_json, value, [f"{symbol or 'all instruments'}: {f'{kind} ' if kind else ''}{phase}"])
