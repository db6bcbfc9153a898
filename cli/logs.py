"""`bourse logs`: what the processes say."""

import json
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import IO

import click

from cli.machine import Machine
from cli.options import home_option, json_option

POLL_SECONDS = 0.2
FIRST = ("timestamp", "level", "event")


@click.command()
@click.argument("names", nargs=-1)
@home_option
@json_option
@click.option(
    "-n",
    "--lines",
    type=click.IntRange(0, 100_000),
    default=20,
    show_default=True,
    help="How many of each log's last lines.",
)
@click.option("-f", "--follow", is_flag=True, help="Go on with what is said from now on, until interrupted.")
def logs(names: tuple[str, ...], home: Path, as_json: bool, lines: int, follow: bool) -> None:
    """What the processes say (all of them, or those of the NAMES), the last lines of each.

    \b
    Examples:
      bourse logs
      bourse logs svc_order svc_ledger --follow
      bourse logs svc_match-0 --json -n 1000 | grep order_id
    """
    folder = Machine(home).home.logs
    found = {path.stem: path for path in sorted(folder.glob("*.log"))}
    if unknown := set(names) - found.keys():
        click.echo(
            f"bourse logs: no log of {', '.join(sorted(unknown))}; there is {', '.join(found) or 'none'}", err=True
        )
        sys.exit(1)
    chosen = {name: found[name] for name in names or found}
    width = max(map(len, chosen), default=0)
    files = {name: path.open(encoding="utf-8", errors="replace") for name, path in chosen.items()}
    for name, file in files.items():
        for line in deque(file, lines):
            say(name, line, width, as_json)
    if follow:
        for name, line in news(files):
            say(name, line, width, as_json)


def news(files: Mapping[str, IO[str]]) -> Iterator[tuple[str, str]]:
    """Every further line of each file, until interrupted."""
    while True:
        silent = True
        for name, file in files.items():
            for line in file:
                silent = False
                yield name, line
        if silent:
            time.sleep(POLL_SECONDS)


def say(name: str, line: str, width: int, as_json: bool) -> None:
    if as_json:
        click.echo(
            line.rstrip("\n") if line.startswith("{") else json.dumps({"process": name, "event": line.rstrip("\n")})
        )
    else:
        click.echo(f"{name:<{width}}  {readable(line.rstrip())}")


def readable(line: str) -> str:
    """A JSON line as time, level, event and key=value; any other line as it is."""
    try:
        fields = json.loads(line)
    except ValueError:
        return line
    if not isinstance(fields, dict):
        return line
    rest = " ".join(f"{key}={value}" for key, value in fields.items() if key not in FIRST)
    return " ".join(str(fields[key]) for key in FIRST if key in fields) + (f"  {rest}" if rest else "")
