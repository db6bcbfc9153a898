"""`bourse replay`: send a recorded day of orders through the exchange, and account for every one."""

import asyncio
import sys
from pathlib import Path

import click
from rich.console import Console

from bourse_sdk.errors import PartlyDone, Refusal, Unreachable
from cli.answers import NotReached, Refused, Unreadable
from cli.demo.run import on_own_exchange
from cli.machine import Machine, MachineError
from cli.options import RegularFile, home_option, json_option
from cli.replay.day import Day, FileError, read_day
from cli.replay.run import Plan, run
from cli.report import Report

NAMES = "svc_order, svc_match-0, svc_ledger, svc_quote, nats, postgres"


@click.command()
@click.option(
    "--orders",
    required=True,
    type=RegularFile(),
    help="The recorded orders; docs/replay.md describes the file.",
)
@click.option("--own", is_flag=True, help="Start an exchange for it, and end it, also when one is running in the home.")
@click.option(
    "--kill", "victims", default="", metavar="NAME,…", help=f"kill -9 these in turn in the middle, of: {NAMES}."
)
@click.option(
    "--report",
    "report_file",
    type=click.Path(dir_okay=False, path_type=Path),
    show_default=".bourse/report.json",
    help="Where the JSON report goes.",
)
@home_option
@json_option
def replay(orders: Path, own: bool, victims: str, report_file: Path | None, home: Path, as_json: bool) -> None:
    """Send a recorded day of orders through the exchange in one ordered session, as fast as it goes; wait for settlement,
    compare every answer with the journal, reconcile everything, and end with a verdict.

    It runs on the exchange of the home, in an instrument and with accounts of its own; where none is running it starts one
    in the folder `replay` of the home and ends it.

    Exit codes: 0 passed, 1 something was lost, doubled, failed or broken, 2 the file cannot be read, 3 the exchange cannot be reached.

    \b
    Examples:
      bourse replay --orders orders-ana-2019-5-23.csv
      bourse replay --orders day.csv --own --kill svc_order,svc_match-0,svc_ledger,svc_quote,nats,postgres
    """
    try:
        day = read_day(orders.read_bytes())
    except FileError as error:
        raise Unreadable(f"{orders}:{error}") from None
    console = Console(stderr=as_json)
    target = report_file or home / "report.json"
    target.unlink(missing_ok=True)  # An earlier one says nothing of this replay.
    report = replayed(day, Plan(tuple(filter(None, victims.split(",")))), own, home, console)
    report.write(target)
    report.show(console, target)
    if as_json:
        click.echo(target.read_text("utf-8"), nl=False)
    sys.exit(0 if report.passed else 1)


def replayed(day: Day, plan: Plan, own: bool, home: Path, console: Console) -> Report:
    machine = Machine(home)
    try:
        if own or machine.state() is None:
            console.print("Starting an exchange")
            work = on_own_exchange(home / "replay", lambda made: run(made, day, plan, console), console)
            return asyncio.run(work)
        return asyncio.run(run(machine, day, plan, console))
    except (Refusal, PartlyDone) as refusal:
        raise Refused(str(refusal)) from None
    except (Unreachable, MachineError, TimeoutError) as error:
        raise NotReached(str(error)) from None
