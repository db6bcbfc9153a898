"""A controller that is killed while somebody waits for it, and files of the mesh that somebody has spoiled."""

import json
import os
import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

import cli.__main__ as command
from cli.machine import MachineError
from cli.machine.home import Home, save_layout
from cli.machine.mesh import desired, status
from cli.machine.mesh.envoys import serial_numbers
from mesh.local.sources import MESH
from tests.exchange import Exchange
from tests.mesh.test_machine_world import home, layout_of, started, tables
from tests.waiting import eventually

__all__ = ["home"]

SPOILED = {
    "a half": ('{"generation": 1, "wei', "Unterminated string"),
    "nothing": ("", "Expecting value"),
    "another type": ("[]", "it: [] is no mapping"),
    "a field of another type": ('{"rotations": "1"}', 'rotations: "1" is no whole number'),
    "a weight of another type": (
        '{"weights": {"svc_order": {"": {"stable": true}}}}',
        "weights.svc_order..stable: true is no",
    ),
    "a version without its folder": ('{"versions": [{"service": "svc_order"}]}', "versions[0] needs subset"),
    "a version of no service": (
        '{"versions": [{"service": "x", "subset": "canary", "folder": "", "python": "", "release": ""}]}',
        "versions: 'x' is none of svc_order, svc_ledger, svc_quote",
    ),
    "no UTF-8": ("\udcff", "can't decode byte"),
    "very deep": ("[" * 100_000, "recursion"),
}


def bourse(exchange: Exchange, *arguments: str) -> Result:
    return CliRunner().invoke(command.main, [*arguments, "--home", str(exchange.home)])


@contextmanager
def asked(exchange: Exchange, *arguments: str) -> Iterator[list[Result]]:
    """The command is given in the background; what it told is there after the block."""
    told: list[Result] = []
    before = exchange.machine.mesh.desired.generation
    waiting = threading.Thread(target=lambda: told.append(bourse(exchange, *arguments)))
    waiting.start()
    try:
        eventually(lambda: exchange.machine.mesh.desired.generation > before)
        yield told
    finally:
        waiting.join()


def test_a_renewal_outlives_its_controller(meshed: Exchange) -> None:
    """It is killed before it has begun: the next one makes every certificate anew, and only then is it said."""
    mesh, controller = meshed.machine.mesh, meshed.pid("controller")
    before = {place.process: serial_numbers(place) for place in mesh.places}
    os.kill(controller, signal.SIGSTOP)
    with asked(meshed, "mesh", "certs", "--renew") as told:
        os.kill(controller, signal.SIGKILL)
    assert told[0].exit_code == 0, told[0].output
    for place in mesh.places:
        assert serial_numbers(place)
        assert not before[place.process] & serial_numbers(place)


def test_a_weight_is_not_said_to_be_in_force_because_its_controller_is_new(meshed: Exchange) -> None:
    """It is killed while an Envoy does not answer: the next one asks that Envoy too, and has taken the weight back from the others."""
    mesh, gateway = meshed.machine.mesh, meshed.pid("gateway")
    before = mesh.weights()["svc_order"]
    os.kill(gateway, signal.SIGSTOP)
    try:
        with asked(meshed, "mesh", "weight", "svc_order", "stable=100", "canary=0", "--ring", "early") as told:
            os.kill(meshed.pid("controller"), signal.SIGKILL)
        assert told[0].exit_code == 1, told[0].output
        assert "gateway does not answer" in told[0].output
        assert mesh.weights()["svc_order"] == before
        assert "early" not in mesh.desired.weights.get("svc_order", {})
    finally:
        os.kill(gateway, signal.SIGCONT)
    eventually(lambda: not mesh.drift())


def test_a_spoiled_desired_state_ends_nothing(meshed: Exchange) -> None:
    """Who asks for another is told the file and what is wrong in it; all goes on as it is, over a controller's death too; and
    what is written there later is obeyed.
    """
    mesh, file = meshed.machine.mesh, desired.path(meshed.machine.home)
    good, weights = file.read_text(), mesh.weights()
    state = meshed.machine.state()
    assert state is not None
    supervisor = state.supervisor
    try:
        file.write_text(good[: len(good) // 2])
        for arguments in (
            ["mesh", "weight", "svc_order", "stable=100"],
            ["mesh", "certs", "--renew"],
            ["mesh", "policies"],
            ["version", "remove", "svc_order", "--subset", "canary"],
            ["status"],
            ["mesh", "check"],
            ["mesh", "routes"],
        ):
            told = bourse(meshed, *arguments)
            assert told.exit_code in (1, 3), (arguments, told.output, told.exception)
            assert f"{file} cannot be read: " in told.output, (arguments, told.output)
        controller = meshed.pid("controller")
        os.kill(controller, signal.SIGKILL)
        eventually(lambda: meshed.pid("controller") not in (0, controller))
        assert mesh.weights() == weights
    finally:
        file.write_text(good)
    with desired.editing(meshed.machine.home) as wanted:
        wanted.readings += 1
    eventually(lambda: mesh.status.running == mesh.desired.generation)
    state = meshed.machine.state()
    assert state is not None
    assert state.supervisor == supervisor
    assert bourse(meshed, "status").exit_code == 0


def test_a_spoiled_status_is_made_anew(meshed: Exchange) -> None:
    """By the controller that runs, and by one that starts; what it says of the weights is what it was."""
    mesh, file = meshed.machine.mesh, status.path(meshed.machine.home)
    weights = mesh.weights()
    for spoiled in ("{", '{"tally": 1}'):
        file.write_text(spoiled)
        told = bourse(meshed, "mesh", "routes")
        assert told.exit_code == 0, told.output
    controller = meshed.pid("controller")
    os.kill(controller, signal.SIGSTOP)
    file.write_text('{"pid": []}')
    assert bourse(meshed, "status").exit_code == 1
    os.kill(controller, signal.SIGKILL)
    assert mesh.weights() == weights
    eventually(lambda: mesh.status.running == mesh.desired.generation)
    eventually(lambda: not mesh.drift())


@pytest.mark.parametrize("name", SPOILED)
def test_what_is_no_desired_state_is_named(home: Home, name: str) -> None:
    """With the file, the place in it, and what stands there."""
    text, words = SPOILED[name]
    desired.path(home).write_bytes(text.encode("utf-8", "surrogateescape"))
    with pytest.raises(MachineError, match=r"desired\.json cannot be read: ") as found, desired.editing(home):
        pass
    assert words in str(found.value)


def test_fields_of_another_release_are_ignored(home: Home) -> None:
    """Of the desired state and of the status, and those that are missing are as they are at first."""
    version = {"service": "svc_quote", "subset": "canary", "folder": "a", "python": "b", "release": "1", "later": 1}
    desired.path(home).write_text(json.dumps({"generation": 3, "later": {}, "versions": [version]}))
    found = desired.read(home)
    assert (found.generation, found.weights, [one.process for one in found.versions]) == (3, {}, ["svc_quote-canary"])
    status.path(home).write_text(json.dumps({"pid": 1, "later": [], "obeyed": {"later": 1, "rotations": 2}}))
    said = status.read(home)
    assert said is not None
    assert (said.pid, said.obeyed) == (1, desired.Desired(rotations=2))


def test_a_controller_starts_beside_a_spoiled_status(home: Home) -> None:
    """What is wanted is obeyed."""
    save_layout(home, layout_of(home, 1))
    with desired.editing(home) as wanted:
        wanted.weights["svc_order"] = {"": {"stable": 60, "canary": 40}}
    status.path(home).write_text("[]")
    with started(home, Path(MESH)):
        eventually(lambda: (said := status.read(home)) is not None and said.running == 1)
        assert '"weight":40' in tables(home)
