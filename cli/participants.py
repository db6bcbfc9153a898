"""`bourse participants`: create and list the members of the exchange."""

from pathlib import Path

import click

from bourse.ledger.v1 import ledger_pb2
from cli.answers import answered, as_value, columns, show
from cli.market import staff
from cli.options import home_option, json_option


@click.group()
def participants() -> None:
    """Create and list the members of the exchange.

    \b
    Examples:
      bourse participants create alpha --title "Alpha Securities"
      bourse participants list
    """


@participants.command()
@click.argument("name")
@click.option("--title", default="", help="Name for people.")
@home_option
@json_option
def create(name: str, title: str, home: Path, as_json: bool) -> None:
    """Create a participant. Again with the same title it changes nothing."""

    async def work() -> None:
        async with staff(home) as operator:
            await operator.create_participant(name, title)

    answered(work())
    show(as_json, {"name": name, "title": title}, [f"participant {name}"])


@participants.command("list")
@home_option
@json_option
def list_all(home: Path, as_json: bool) -> None:
    """All participants, by name."""

    async def work() -> list[ledger_pb2.Participant]:
        async with staff(home) as operator:
            return await operator.participants()

    found = answered(work())
    rows = [(participant.name, participant.title) for participant in found]
    show(as_json, [as_value(participant) for participant in found], columns(("name", "title"), rows))
