"""Two versions of a service side by side: added, given a share, drained, and removed, under load."""

import asyncio
import json
import os
import signal
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cli.__main__ as command
from cli.machine import Machine, MachineError
from cli.machine.mesh.envoys import messages
from tests.exchange import Exchange
from tests.mesh.load import under_load
from tests.waiting import eventually

REPOSITORY = Path(__file__).parents[2]
CALLS = 200
TOLERANCE = 0.15


def bourse(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(command.main, [*arguments, "--home", str(home)])


def weigh(exchange: Exchange, service: str, canary: int) -> None:
    told = bourse(exchange.home, "mesh", "weight", service, f"stable={100 - canary}", f"canary={canary}")
    assert told.exit_code == 0, told.output


async def test_a_version_is_added_shares_the_calls_and_goes(meshed: Exchange) -> None:
    """Under load: half of the calls reach it, streams move to it and back when they are told, nothing is lost, nothing is left."""
    mesh, home = meshed.machine.mesh, meshed.home
    async with under_load(meshed) as load:
        added = await asyncio.to_thread(
            bourse, home, "version", "add", "svc_order", "--subset", "canary", "--from", str(REPOSITORY)
        )
        assert added.exit_code == 0, added.output
        await asyncio.to_thread(weigh, meshed, "svc_order", 50)
        for _ in range(CALLS):
            await load.client.get_order(load.results[0].order_id)
        shares = {
            one["subset"]: one["share"]
            for one in json.loads(bourse(home, "mesh", "routes", "--json").output)
            if (one["service"], one["ring"]) == ("svc_order", "")
        }
        assert shares.keys() == {"stable", "canary"}
        assert sum(shares.values()) == pytest.approx(1)

        await asyncio.to_thread(weigh, meshed, "svc_order", 100)
        assert await asyncio.to_thread(mesh.drain, "svc_order", "stable") > 0
        before = messages(mesh.places)["svc_order"]
        await load.more()
        after = messages(mesh.places)["svc_order"]
        assert after["canary"] > before["canary"]

        await asyncio.to_thread(weigh, meshed, "svc_order", 0)
        removed = await asyncio.to_thread(bourse, home, "version", "remove", "svc_order", "--subset", "canary")
        assert removed.exit_code == 0, removed.output
        await load.more()
    state = meshed.machine.state()
    assert state is not None
    assert not [process.name for process in state.processes if "canary" in process.name]
    assert not (home / "mesh" / "svc_order-canary").exists()
    eventually(lambda: not mesh.drift())


async def test_calls_are_divided_as_the_weights_say(meshed: Exchange) -> None:
    """Of calls to svc_quote, three quarters to one version; both answer all of them."""
    mesh = meshed.machine.mesh
    await asyncio.to_thread(mesh.add_version, "svc_quote", "canary", REPOSITORY)
    await asyncio.to_thread(mesh.weigh, "svc_quote", {"stable": 25, "canary": 75})
    before = messages(mesh.places)["svc_quote"]
    async with meshed.broker("watcher") as client:
        for _ in range(CALLS):
            await client.top("BRIO")
    after = messages(mesh.places)["svc_quote"]
    canary, stable = (after[subset] - before.get(subset, 0) for subset in ("canary", "stable"))
    assert canary / (canary + stable) == pytest.approx(0.75, abs=TOLERANCE)

    weighted = bourse(meshed.home, "version", "remove", "svc_quote", "--subset", "canary")
    assert (weighted.exit_code, "still gets 75 % of svc_quote's calls" in weighted.output) == (1, True)
    twice = bourse(meshed.home, "version", "add", "svc_quote", "--subset", "canary", "--from", str(REPOSITORY))
    assert (twice.exit_code, "has a version canary already" in twice.output) == (1, True)
    listed = json.loads(bourse(meshed.home, "version", "list", "--json").output)
    assert [(one["subset"], one["weights"]) for one in listed if one["service"] == "svc_quote"] == [
        ("stable", {"early": 25, "": 25}),
        ("canary", {"early": 75, "": 75}),
    ]
    await asyncio.to_thread(mesh.weigh, "svc_quote", {"stable": 100})
    await asyncio.to_thread(mesh.remove_version, "svc_quote", "canary")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (
            ["version", "add", "svc_match", "--subset", "canary", "--from", "."],
            "svc_match has no versions side by side",
        ),
        (["version", "add", "svc_x", "--subset", "canary", "--from", "."], "'svc_x' is no service"),
        (["version", "add", "svc_order", "--subset", "stable", "--from", "."], "stable is what `bourse up` runs"),
        (["version", "add", "svc_order", "--subset", "blue", "--from", "."], "'blue' is no subset"),
        (["version", "add", "svc_order", "--subset", "canary", "--from", "/"], "run `make setup` first"),
        (["version", "remove", "svc_order", "--subset", "canary"], "svc_order has no version canary"),
        (["version", "drain", "svc_order", "--subset", "canary"], "svc_order has no version canary"),
        (["version", "drain", "svc_match", "--subset", "stable"], "svc_match has no versions side by side"),
        (["mesh", "weight", "svc_order", "stable=50", "canary=50"], "svc_order has no version canary"),
        (["mesh", "weight", "svc_order", "stable=50"], "the weights are 50 together"),
        (["mesh", "weight", "svc_order", "stable=50", "blue=50"], "svc_order has no subset blue"),
        (
            ["mesh", "weight", "svc_order", "stable=100", "--ring", "x"],
            "no route of svc_order is for a ring x: there are early",
        ),
        (["mesh", "weight", "svc_match", "stable=100"], "svc_match has no versions side by side"),
    ],
)
def test_what_cannot_be_is_refused(meshed: Exchange, arguments: list[str], words: str) -> None:
    """With the reason, exit code 1, and nothing changed."""
    before = meshed.machine.mesh.desired
    told = bourse(meshed.home, *arguments)
    assert (told.exit_code, words in told.output) == (1, True), told.output
    assert meshed.machine.mesh.desired == before


def test_a_version_that_does_not_live_leaves_nothing(meshed: Exchange, tmp_path: Path) -> None:
    """Its process ends again and again: the add fails, and it is gone."""
    fake = tmp_path / "bin" / "python"
    fake.parent.mkdir()
    fake.write_text(f'#!/bin/sh\ncase "$1" in -c) echo 9.9 {tmp_path}/svc_order/__init__.py;; *) exit 1;; esac\n')
    fake.chmod(0o755)
    told = bourse(meshed.home, "version", "add", "svc_order", "--subset", "canary", "--from", str(tmp_path))
    assert (told.exit_code, "svc_order-canary did not come so far" in told.output) == (1, True), told.output
    state = meshed.machine.state()
    assert state is not None
    assert not [process.name for process in state.processes if "canary" in process.name]


def test_without_a_mesh_there_are_no_weights(exchange: Exchange) -> None:
    """An exchange that was started with --no-mesh says so."""
    told = bourse(exchange.home, "mesh", "weight", "svc_order", "stable=100")
    assert (told.exit_code, "has no mesh" in told.output) == (1, True)


async def test_calls_go_on_without_the_supervisor(meshed: Exchange) -> None:
    """It is killed: services and Envoys go on. The next start ends what is left of them, and no order is lost."""
    async with under_load(meshed) as load:
        state = meshed.machine.state()
        assert state is not None
        os.kill(state.supervisor, signal.SIGKILL)
        eventually(lambda: meshed.machine.state() is None)
        await load.more()
        with pytest.raises(MachineError, match="no exchange is running"):
            meshed.machine.mesh.weigh("svc_order", {"stable": 100})
        await asyncio.to_thread(Machine(meshed.home).start, leash=True)
        await load.more()
