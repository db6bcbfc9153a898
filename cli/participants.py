"""`bourse participants`: create and list the members of the exchange, end their orders, stop them, limit their rate."""

from pathlib import Path

import click

from bourse.ledger.v1 import ledger_pb2
from bourse.match.v1 import match_pb2
from bourse.types.v1 import market_pb2
from cli.answers import answered, as_value, columns, show
from cli.market import staff
from cli.options import home_option, json_option

SIDES = {"buy": market_pb2.SIDE_BUY, "sell": market_pb2.SIDE_SELL}


@click.group()
def participants() -> None:
    """Create and list the members of the exchange, end their orders, stop and release them, and limit their orders a second.

    \b
    Examples:
      bourse participants create alpha --title "Alpha Securities"
      bourse participants list
      bourse participants cancel-orders alpha
      bourse participants kill alpha
      bourse participants killed
      bourse participants release alpha
      bourse participants rate alpha 100
    """


@participants.command()
@click.argument("name")
@click.option("--title", default="", help="Name for people.")
@home_option
@json_option
def create(name: str, title: str, home: Path, as_json: bool) -> None:
    """Create a participant. Again with the same title it changes nothing.

    \b
    Example:
      bourse participants create alpha --title "Alpha Securities"
    """

    async def work() -> None:
        async with staff(home) as operator:
            await operator.create_participant(name, title)

    answered(work())
    show(as_json, {"name": name, "title": title}, [f"participant {name}"])


@participants.command("list")
@home_option
@json_option
def list_all(home: Path, as_json: bool) -> None:
    """All participants, by name.

    \b
    Example:
      bourse participants list
    """

    async def work() -> list[ledger_pb2.Participant]:
        async with staff(home) as operator:
            return await operator.participants()

    found = answered(work())
    rows = [(participant.name, participant.title) for participant in found]
    show(as_json, [as_value(participant) for participant in found], columns(("name", "title"), rows))


@participants.command("cancel-orders")
@click.argument("name")
@click.argument("symbol", default="")
@click.option("--side", type=click.Choice(list(SIDES)), help="Only orders of this side. [default: both]")
@home_option
@json_option
def cancel_orders(name: str, symbol: str, side: str | None, home: Path, as_json: bool) -> None:
    """Cancel all open orders of a participant, in SYMBOL or in all instruments, as the exchange's staff.

    \b
    Examples:
      bourse participants cancel-orders alpha
      bourse participants cancel-orders alpha ACME --side sell
    """

    async def work() -> dict[int, int]:
        async with staff(home) as operator:
            return await operator.end_orders(name, symbol, SIDES[side] if side else market_pb2.SIDE_UNSPECIFIED)

    ended(name, answered(work()), as_json)


def ended(name: str, orders: dict[int, int], as_json: bool) -> None:
    """Says how many orders ended on each shard."""
    lines = [f"orders of {name} cancelled: {sum(orders.values())}"]
    lines += [f"  on shard {shard}: {count}" for shard, count in orders.items()]
    show(as_json, {"participant": name, "orders": sum(orders.values()), "shards": orders}, lines)


@participants.command()
@click.argument("name")
@home_option
@json_option
def kill(name: str, home: Path, as_json: bool) -> None:
    """Stop a participant: its open orders end, and it places and replaces none until it is released. Cancels are taken.

    \b
    Example:
      bourse participants kill alpha
    """

    async def work() -> dict[int, int]:
        async with staff(home) as operator:
            return await operator.kill_participant(name)

    ended(name, answered(work()), as_json)


@participants.command()
@click.argument("name")
@home_option
@json_option
def release(name: str, home: Path, as_json: bool) -> None:
    """Release a participant that was stopped.

    \b
    Example:
      bourse participants release alpha
    """

    async def work() -> dict[int, int]:
        async with staff(home) as operator:
            return await operator.release_participant(name)

    sequences = answered(work())
    show(as_json, {"participant": name, "sequences": sequences}, [f"{name} may place orders"])


@participants.command()
@click.argument("name")
@click.argument("per_second", type=int)
@click.option("--burst", type=int, help="So many at once. [default: those of a second]")
@home_option
@json_option
def rate(name: str, per_second: int, burst: int | None, home: Path, as_json: bool) -> None:
    """Let a participant place and replace PER_SECOND orders a second on each shard; 0 is as many as it likes.

    \b
    Examples:
      bourse participants rate alpha 100 --burst 500
      bourse participants rate alpha 0
    """
    at_once = per_second if burst is None else burst

    async def work() -> dict[int, int]:
        async with staff(home) as operator:
            return await operator.set_order_rate(name, per_second, at_once)

    sequences = answered(work())
    value = {"participant": name, "per_second": per_second, "burst": at_once, "sequences": sequences}
    show(
        as_json,
        value,
        [f"{name}: {per_second} orders a second, {at_once} at once" if per_second else f"{name}: no rate"],
    )


@participants.command()
@home_option
@json_option
def killed(home: Path, as_json: bool) -> None:
    """The participants that are stopped, and on which shards.

    \b
    Example:
      bourse participants killed
    """

    async def work() -> dict[int, match_pb2.GetShardResponse]:
        async with staff(home) as operator:
            return await operator.shard_states()

    found: dict[str, list[int]] = {}
    for shard, state in answered(work()).items():
        for name in state.killed_participants:
            found.setdefault(name, []).append(shard)
    rows = [(name, ", ".join(map(str, shards))) for name, shards in sorted(found.items())]
    show(as_json, found, columns(("name", "shards"), rows))
