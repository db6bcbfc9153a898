"""Two versions of a service side by side: added, given a share, drained, and removed, under load."""

import asyncio
import http.client
import json
import os
import shutil
import signal
import time
from collections.abc import Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import cli.__main__ as command
from cli import clients
from cli.machine import MachineError
from cli.machine.mesh import applied, desired, world
from cli.machine.mesh import mesh as meshes
from cli.machine.mesh.desired import Version
from mesh.local.model import World
from mesh.local.sources import MESH, WORKLOADS
from tests.exchange import Exchange
from tests.mesh.door import QUOTES, Door
from tests.mesh.load import under_load
from tests.waiting import eventually

REPOSITORY = Path(__file__).parents[2]
CALLS = 200
TOLERANCE = 0.15
FOUND_SECONDS = meshes.WAIT_SECONDS / 2  # Long before who asked for it gives up by itself.


def bourse(home: Path, *arguments: str) -> Result:
    return CliRunner().invoke(command.main, [*arguments, "--home", str(home)])


def weigh(exchange: Exchange, service: str, canary: int) -> None:
    told = bourse(exchange.home, "mesh", "weight", service, f"stable={100 - canary}", f"canary={canary}")
    assert told.exit_code == 0, told.output


def routes(exchange: Exchange, service: str) -> dict[str, dict[str, Any]]:
    """What `bourse mesh routes` says of the service, by subset."""
    told = json.loads(bourse(exchange.home, "mesh", "routes", "--json").output)
    return {one["subset"]: one for one in told if one["service"] == service}


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
        shares = [one["share"] for one in routes(meshed, "svc_order").values()]
        assert sum(shares) == pytest.approx(1)
        assert all(0.2 < share < 0.8 for share in shares), shares

        await asyncio.to_thread(weigh, meshed, "svc_order", 100)
        assert await asyncio.to_thread(mesh.drain, "svc_order", "stable") > 0
        before = routes(meshed, "svc_order")["canary"]["messages"]
        await load.more()
        assert routes(meshed, "svc_order")["canary"]["messages"] > before

        await asyncio.to_thread(weigh, meshed, "svc_order", 0)
        removed = await asyncio.to_thread(bourse, home, "version", "remove", "svc_order", "--subset", "canary")
        assert removed.exit_code == 0, removed.output
        await load.more()
        had = routes(meshed, "svc_order")
        assert (had["canary"]["messages"], had["stable"]["share"]) == (0, 1)
    state = meshed.machine.state()
    assert state is not None
    assert not [process.name for process in state.processes if "canary" in process.name]
    assert not (home / "mesh" / "svc_order-canary").exists()
    eventually(lambda: not mesh.drift())


@pytest.fixture(scope="module")
def quotes(meshed: Exchange) -> Iterator[None]:
    """A second version of svc_quote, until a test has ended it."""
    mesh = meshed.machine.mesh
    mesh.add_version("svc_quote", "canary", REPOSITORY)
    yield
    if mesh.desired.version("svc_quote", "canary"):
        mesh.remove_version("svc_quote", "canary")


@pytest.mark.usefixtures("quotes")
async def test_calls_are_divided_as_the_weights_say(meshed: Exchange) -> None:
    """Of calls to svc_quote, three quarters to one version; both answer all of them."""
    mesh = meshed.machine.mesh
    await asyncio.to_thread(mesh.weigh, "svc_quote", {"stable": 25, "canary": 75})
    async with meshed.broker("watcher") as client:
        for _ in range(CALLS):
            await client.top("BRIO")
    had = routes(meshed, "svc_quote")
    assert had["canary"]["messages"] + had["stable"]["messages"] == CALLS
    assert had["canary"]["share"] == pytest.approx(0.75, abs=TOLERANCE)

    weighted = bourse(meshed.home, "version", "remove", "svc_quote", "--subset", "canary")
    assert (weighted.exit_code, "still gets 75 % of svc_quote's calls" in weighted.output) == (1, True)
    twice = bourse(meshed.home, "version", "add", "svc_quote", "--subset", "canary", "--from", str(REPOSITORY))
    assert (twice.exit_code, "has a version canary already" in twice.output) == (1, True)
    listed = json.loads(bourse(meshed.home, "version", "list", "--json").output)
    assert [(one["subset"], one["weights"]) for one in listed if one["service"] == "svc_quote"] == [
        ("stable", {"early": 25, "": 25}),
        ("canary", {"early": 75, "": 75}),
    ]

    await asyncio.to_thread(mesh.weigh, "svc_quote", {"canary": 100}, "early")
    await asyncio.to_thread(mesh.weigh, "svc_quote", {"stable": 100})
    called(meshed, early=20, others=60)
    had = routes(meshed, "svc_quote")
    assert {subset: (one["weights"], one["messages"], one["share"]) for subset, one in had.items()} == {
        "stable": ({"early": 0, "": 100}, 60, 0.75),
        "canary": ({"early": 100, "": 0}, 20, 0.25),
    }
    table = bourse(meshed.home, "mesh", "routes").output
    assert "early 0 % others 100 %" in table
    await asyncio.to_thread(mesh.weigh, "svc_quote", None, "early")


@pytest.mark.usefixtures("quotes")
def test_messages_are_counted_over_restarts(meshed: Exchange) -> None:
    """The version's process is killed, then the Envoy that sends to it, and both return: what each version had is kept, and
    what it gets then is added. Another weight starts anew.
    """
    mesh = meshed.machine.mesh
    mesh.weigh("svc_quote", {"canary": 100}, "early")
    mesh.weigh("svc_quote", {"stable": 100})
    called(meshed, early=20, others=60)
    assert messages_of(meshed) == {"stable": 60, "canary": 20}

    killed(meshed, "svc_quote-canary")
    assert messages_of(meshed) == {"stable": 60, "canary": 20}
    called(meshed, early=3, others=5)
    assert messages_of(meshed) == {"stable": 65, "canary": 23}

    eventually(lambda: mesh.status.tally.messages["svc_quote"] == {"stable": 65, "canary": 23})
    killed(meshed, "gateway")
    assert messages_of(meshed) == {"stable": 65, "canary": 23}
    called(meshed, early=3, others=5)
    assert messages_of(meshed) == {"stable": 70, "canary": 26}

    mesh.weigh("svc_quote", None, "early")
    assert messages_of(meshed) == {"stable": 0, "canary": 0}
    called(meshed, early=2, others=5)
    assert messages_of(meshed) == {"stable": 7, "canary": 0}


def killed(exchange: Exchange, process: str) -> None:
    """Returns when it is back, and every Envoy knows it."""
    pid = exchange.pid(process)
    os.kill(pid, signal.SIGKILL)
    mesh = exchange.machine.mesh
    eventually(lambda: exchange.pid(process) != pid and mesh.status.ready[process] and not mesh.drift())


def messages_of(exchange: Exchange) -> dict[str, int]:
    return {subset: one["messages"] for subset, one in routes(exchange, "svc_quote").items()}


def called(exchange: Exchange, *, early: int, others: int) -> None:
    """So many calls of svc_quote through the gateway, by brokers of the ring early and by others."""
    door = Door(clients.gateway_address(exchange.machine), clients.ca_file(exchange.machine))
    for ring, count in (("early", early), ("", others)):
        token = exchange.machine.credentials.issue("ann", "broker", "watcher", ring=ring)
        for _ in range(count):
            assert door.post(f"{QUOTES}/ListInstruments", {}, token).status == http.client.OK


@pytest.fixture
def halves(tmp_path: Path) -> Path:
    """The mesh's YAML, which gives half of svc_quote's calls to each version, and has no policy of it."""
    edited = tmp_path / "mesh"
    shutil.copytree(MESH, edited)
    text = (edited / "svc-quote.yaml").read_text()
    (edited / "svc-quote.yaml").write_text(text.replace("weight: 100", "weight: 50").replace("weight: 0", "weight: 50"))
    policies = (edited / "policies.yaml").read_text().split("---\n")
    (edited / "policies.yaml").write_text("---\n".join(one for one in policies if "name: svc-quote" not in one))
    return edited


@pytest.mark.usefixtures("quotes")
def test_a_version_that_the_yaml_gives_calls_stays(meshed: Exchange, halves: Path) -> None:
    """Where no weight was set, its weight is that of the YAML that was applied last: to remove it is refused, with the file."""
    mesh, home = meshed.machine.mesh, meshed.machine.home
    mesh.weigh("svc_quote", {"stable": 100})
    with desired.editing(home) as wanted:
        del wanted.weights["svc_quote"]
    kept = applied.read(home)
    assert kept is not None
    documents = World.load((WORKLOADS, halves, halves / "install.yaml")).documents
    applied.write(home, replace(kept, documents=documents))
    os.kill(meshed.pid("controller"), signal.SIGKILL)
    eventually(lambda: mesh.weights()["svc_quote"][""] == {"stable": 50, "canary": 50})
    refused = bourse(meshed.home, "version", "remove", "svc_quote", "--subset", "canary")
    assert refused.exit_code == 1
    assert "canary still gets 50 % of svc_quote's calls of the ring early, by " in refused.output
    words = "svc-quote.yaml, as it was applied last: bourse mesh weight svc_quote stable=100 canary=0\n"
    assert words in refused.output, refused.output
    assert "QuoteService" not in bourse(meshed.home, "mesh", "policies").output
    assert bourse(meshed.home, "mesh", "apply").exit_code == 0
    assert "QuoteService" in bourse(meshed.home, "mesh", "policies").output


@pytest.mark.usefixtures("quotes")
def test_an_envoy_that_does_not_answer_is_named(meshed: Exchange) -> None:
    """Its pod takes no calls, whoever is asked; a weight that sends it some is named; and nothing is said to be done by it."""
    mesh, sidecar = meshed.machine.mesh, meshed.pid("svc_quote-canary.sidecar")
    weigh(meshed, "svc_quote", 30)
    os.kill(sidecar, signal.SIGSTOP)
    try:
        started = time.monotonic()
        told = bourse(meshed.home, "mesh", "weight", "svc_quote", "stable=60", "canary=40")
        assert told.exit_code == 1
        assert "taken back from the Envoys that had it already: svc_quote-canary.sidecar does not answer" in told.output
        assert mesh.weights()["svc_quote"][""] == {"stable": 70, "canary": 30}
        eventually(lambda: not mesh.status.ready["svc_quote-canary"])
        assert time.monotonic() - started < FOUND_SECONDS
        listed = json.loads(bourse(meshed.home, "version", "list", "--json").output)
        assert [(one["subset"], one["ready"]) for one in listed if one["service"] == "svc_quote"] == [
            ("stable", True),
            ("canary", False),
        ]
        checked = bourse(meshed.home, "mesh", "check")
        assert checked.exit_code == 1
        assert "svc_quote canary is given 30 % of all calls, which fail: nothing of it is ready" in checked.output
        status = json.loads(bourse(meshed.home, "status", "--json").output)
        assert [one["name"] for one in status["processes"] if not one["ready"]] == ["svc_quote-canary"]
    finally:
        os.kill(sidecar, signal.SIGCONT)
    eventually(lambda: mesh.status.ready["svc_quote-canary"])
    weigh(meshed, "svc_quote", 0)


@pytest.mark.usefixtures("quotes")
async def test_a_version_goes_while_the_controller_starts_again(
    meshed: Exchange, monkeypatch: pytest.MonkeyPatch, halves: Path
) -> None:
    """What is asked of it in the gap is answered after it; so is the list of the versions. What is on the disk and was not
    applied gives it nothing, and changes neither policies nor certificates; the check alone names it.
    """
    mesh = meshed.machine.mesh
    shown = bourse(meshed.home, "mesh", "policies").output
    monkeypatch.setattr(world, "SOURCES", (WORKLOADS, halves, halves / "install.yaml"))
    assert bourse(meshed.home, "mesh", "policies").output == shown
    assert bourse(meshed.home, "mesh", "check").exit_code == 1
    (halves / "gateway.yaml").write_text("spec: [")
    assert bourse(meshed.home, "mesh", "certs").exit_code == 0
    os.kill(meshed.pid("controller"), signal.SIGKILL)
    assert bourse(meshed.home, "version", "list").exit_code == 0
    os.kill(meshed.pid("controller"), signal.SIGKILL)
    removed = await asyncio.to_thread(bourse, meshed.home, "version", "remove", "svc_quote", "--subset", "canary")
    assert removed.exit_code == 0, removed.output
    monkeypatch.undo()
    eventually(lambda: not mesh.drift())


def test_what_is_not_done_in_time_is_taken_back(meshed: Exchange, monkeypatch: pytest.MonkeyPatch) -> None:
    """The controller hangs: the weights, the reading of the YAML and the renewal are not wanted any more, and are not done
    when it is back. What somebody else wanted meanwhile stays.
    """
    mesh, home = meshed.machine.mesh, meshed.machine.home
    monkeypatch.setattr(meshes, "WAIT_SECONDS", 0.5)
    before, controller = mesh.desired, meshed.pid("controller")
    os.kill(controller, signal.SIGSTOP)
    try:
        attempts: list[Callable[[], float]] = [
            lambda: mesh.weigh("svc_order", {"stable": 100}),
            lambda: mesh.weigh("svc_order", {"stable": 100}, "early"),
            mesh.apply,
            mesh.renew_certificates,
        ]
        for attempt in attempts:
            with pytest.raises(MachineError, match="taken back"):
                attempt()
        assert replace(mesh.desired, generation=before.generation) == before

        undo: list[meshes.Edit] = []
        with desired.editing(home) as wanted:
            undo.append(meshes.weighing("svc_quote", "", {"stable": 100})(wanted))
        with desired.editing(home) as wanted:
            meshes.weighing("svc_ledger", "", {"stable": 100})(wanted)
            wanted.rotations += 1
        with desired.editing(home) as wanted:
            undo.pop()(wanted)
        assert mesh.desired.weights == before.weights | {"svc_ledger": {"": {"stable": 100}}}
        assert mesh.desired.rotations == before.rotations + 1
    finally:
        with desired.editing(home) as wanted:
            wanted.weights = before.weights
        os.kill(controller, signal.SIGCONT)
    eventually(lambda: mesh.status.running == mesh.desired.generation)


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
    fake.write_text(
        f'#!/bin/sh\ncase "$1" in -c) echo 9.9 {tmp_path}/svc_order/__init__.py;; *) echo it is broken >&2; exit 1;; esac\n'
    )
    fake.chmod(0o755)
    told = bourse(meshed.home, "version", "add", "svc_order", "--subset", "canary", "--from", str(tmp_path))
    assert (told.exit_code, "svc_order-canary did not come so far" in told.output) == (1, True), told.output
    assert "\n  it is broken" in told.output, told.output
    state = meshed.machine.state()
    assert state is not None
    assert not [process.name for process in state.processes if "canary" in process.name]


async def test_calls_go_on_without_the_supervisor(meshed: Exchange) -> None:
    """It is killed: services and Envoys go on. The next `up` ends what is left of them, and no order is lost. The folder of a
    version that has a weight is gone meanwhile: `up` and `status` say so, and how much it is given; neither succeeds.
    """
    home = meshed.machine.home
    async with under_load(meshed) as load:
        state = meshed.machine.state()
        assert state is not None
        os.kill(state.supervisor, signal.SIGKILL)
        eventually(lambda: meshed.machine.state() is None)
        await load.more()
        with pytest.raises(MachineError, match="no exchange is running"):
            meshed.machine.mesh.weigh("svc_order", {"stable": 100})
        with desired.editing(home) as wanted:
            wanted.versions.append(Version("svc_quote", "canary", "/gone", "/gone/bin/python", "9.9"))
            wanted.weights["svc_quote"] = {"early": {"canary": 100}, "": {"stable": 30, "canary": 70}}
        up = await asyncio.to_thread(bourse, home.folder, "up")
        await load.more()
    words = (
        "svc_quote-canary is wanted and not up, but is given 100 % of the calls of the ring early and 70 % of all calls"
    )
    assert (up.exit_code, words in up.output) == (1, True), up.output
    assert "open for connections" not in up.output
    status = bourse(home.folder, "status")
    assert (status.exit_code, words in status.output, ": ready" in status.output) == (1, True, False)
    with desired.editing(home) as wanted:
        wanted.versions.clear()
        wanted.weights.clear()
    eventually(lambda: bourse(home.folder, "status").exit_code == 0)
