"""`bourse demo`: a whole exchange trades for half a minute, is killed and released on the way, and every cent is reconciled."""

import asyncio
import sys
from pathlib import Path

import click
from rich.console import Console

from bourse_sdk.errors import BourseError
from cli.demo.run import Plan, on_own_exchange, run
from cli.machine import MachineError
from cli.machine.home import default_home
from cli.options import Number

DEFAULT_SECONDS = 30.0


@click.command()
@click.option("--seconds", default=DEFAULT_SECONDS, show_default=True, type=Number(2, 3600), help="Time of trading.")
@click.option("--seed", default=20260105, show_default=True, help="Seed of the session's random numbers.")
@click.option("--kill/--no-kill", default=True, show_default=True, help="Kill svc_match and svc_ledger on the way.")
@click.option(
    "--release/--no-release",
    default=True,
    show_default=True,
    help="Move half of the sessions to a second svc_order on the way, and back.",
)
@click.option(
    "--report",
    "report_file",
    type=click.Path(dir_okay=False, path_type=Path),
    show_default=".bourse/report.json",
    help="Where the JSON report goes.",
)
def demo(seconds: float, seed: int, kill: bool, release: bool, report_file: Path | None) -> None:
    """Start an exchange of its own, trade on it, kill two of its processes, move half of its sessions to a second svc_order
    and back, reconcile everything, and end with a verdict.

    Eight participants (market makers, informed and noise traders) trade four instruments through the SDK, the gateway and
    the sidecars. The exchange lives in the folder `demo` of the home and stays there, stopped, for a look at its logs.

    Exit codes: 0 passed, 1 something was lost, doubled, failed or broken, 3 the exchange could not start, or was lost.

    \b
    Examples:
      bourse demo
      bourse demo --seconds 10 --seed 7 --no-kill
    """
    console = Console()
    home = default_home()
    target = report_file or home / "report.json"
    target.unlink(missing_ok=True)  # An earlier one says nothing of this session.
    console.print("Starting an exchange")
    try:
        report = asyncio.run(
            on_own_exchange(
                home / "demo", lambda machine: run(machine, Plan(seed, seconds, kill, release), console), console
            )
        )
    except (MachineError, BourseError, TimeoutError) as error:
        click.echo(f"bourse demo: {error}", err=True)
        sys.exit(3)
    except ExceptionGroup as errors:
        click.echo(f"bourse demo: {'; '.join(str(error) for error in errors.exceptions)}", err=True)
        sys.exit(3)
    report.write(target)
    report.show(console, target)
    sys.exit(0 if report.passed else 1)
