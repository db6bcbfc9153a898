"""`bourse up` with the mesh, its sidecars and gateway, and what happens when parts of it die."""

import json
import os
import signal
import stat
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

import cli.__main__ as command
from cli.machine.mesh.envoys import serial_numbers
from cli.machine.mesh.mesh import Mesh
from cli.machine.mesh.pods import Place
from mesh.local import certificates
from mesh.local.admin import Admin
from mesh.local.certificates import WORKLOAD, secret_file
from tests.exchange import Exchange
from tests.mesh.load import under_load
from tests.waiting import eventually

ROTATIONS = 10
EDITED = "edited-by-hand"
STOPPED_SECONDS = 60


def bourse(exchange: Exchange, *arguments: str) -> Result:
    return CliRunner().invoke(command.main, [*arguments, "--home", str(exchange.home)])


def place_of(exchange: Exchange, process: str) -> Place:
    return next(place for place in exchange.machine.mesh.places if place.process == process)


def is_whole(exchange: Exchange) -> bool:
    """Whether everything is ready, and every Envoy runs what it should."""
    state = exchange.machine.state()
    mesh: Mesh = exchange.machine.mesh
    return (
        state is not None
        and all(process.ready for process in state.processes)
        and all(mesh.status.ready.values())
        and not mesh.drift()
    )


def kill(exchange: Exchange, process: str) -> None:
    """Kills it, and waits until another one is there in its place."""
    before = exchange.pid(process)
    os.kill(before, signal.SIGKILL)
    eventually(lambda: exchange.pid(process) not in (0, before))


async def test_orders_pass_through_the_sidecars(meshed: Exchange) -> None:
    """What a broker sends goes to svc_order through the gateway, and on to ledger and match through its sidecar."""
    async with under_load(meshed):
        pass
    sent = {
        process: Admin(place_of(meshed, process).admin).counters(r"^cluster\.outbound.*grpc\.request_message_count$")
        for process in ("gateway", "svc_order")
    }
    assert sent["gateway"][
        "cluster.outbound|50051|stable|svc-order.bourse.svc.cluster.local;.grpc.request_message_count"
    ]
    for callee in ("|stable|svc-ledger", "||svc-match-0-0"):
        assert any(callee in name and count for name, count in sent["svc_order"].items()), sent["svc_order"]


@pytest.mark.parametrize(
    "process", ["svc_order.sidecar", "svc_ledger.sidecar", "svc_match-0.sidecar", "gateway", "controller"]
)
async def test_what_is_killed_comes_back(meshed: Exchange, process: str) -> None:
    """A sidecar, the gateway or the controller dies under load: no order is lost, doubled or refused."""
    async with under_load(meshed) as load:
        kill(meshed, process)
        await load.more()
    eventually(lambda: is_whole(meshed))


def test_a_killed_service_leaves_the_endpoints(meshed: Exchange) -> None:
    """Every Envoy is told at once that it is gone, long before the next one serves, and that it is back."""
    pod = place_of(meshed, "svc_quote").pod
    admin = Admin(place_of(meshed, "gateway").admin)
    assert f"{pod.address}:50051" in admin.get("/clusters")
    killed = time.monotonic()
    os.kill(meshed.pid("svc_quote"), signal.SIGKILL)
    eventually(lambda: f"{pod.address}:50051" not in admin.get("/clusters"))
    gone = time.monotonic()
    eventually(lambda: f"{pod.address}:50051" in admin.get("/clusters"))
    assert gone - killed < (time.monotonic() - killed) / 2
    eventually(lambda: is_whole(meshed))


def test_a_stopped_service_leaves_the_endpoints(meshed: Exchange) -> None:
    """One that lives and answers nothing is no endpoint, until it answers again."""
    pod = place_of(meshed, "svc_quote").pod
    admin = Admin(place_of(meshed, "gateway").admin)
    os.kill(meshed.pid("svc_quote"), signal.SIGSTOP)
    try:
        eventually(lambda: f"{pod.address}:50051" not in admin.get("/clusters"), STOPPED_SECONDS)
    finally:
        os.kill(meshed.pid("svc_quote"), signal.SIGCONT)
    eventually(lambda: f"{pod.address}:50051" in admin.get("/clusters"))
    eventually(lambda: is_whole(meshed))


async def test_certificates_are_rotated_under_load(meshed: Exchange) -> None:
    """All of them, again and again: every Envoy takes the new ones, no stream breaks, no order fails."""
    mesh = meshed.machine.mesh
    before = {place.process: serial_numbers(place) for place in mesh.places}
    async with under_load(meshed) as load:
        for _ in range(ROTATIONS):
            mesh.renew_certificates()
            await load.more()
    for place in mesh.places:
        assert not before[place.process] & serial_numbers(place)
    told = bourse(meshed, "mesh", "certs", "--json")
    assert told.exit_code == 0
    identities = {
        one["envoy"]: one["identity"]
        for one in json.loads(told.output)
        if one["identity"] != ["localhost", "127.0.0.1"]
    }
    assert identities["svc_order.sidecar"] == ["spiffe://cluster.local/ns/bourse/sa/svc-order"]
    assert len(identities) == len(mesh.places)


@pytest.mark.parametrize("follows", [signal.SIGCONT, signal.SIGKILL])
def test_drift_is_found_and_ended(meshed: Exchange, follows: signal.Signals) -> None:
    """A file that somebody has changed is named, also where it claims the version that it had; the controller puts it right
    when it looks, when it starts, and before `mesh apply` or `mesh weight` says that it is so.
    """
    assert bourse(meshed, "mesh", "check").exit_code == 0
    clusters = place_of(meshed, "svc_order").folder / "cds" / "clusters.json"
    gateway, controller = place_of(meshed, "gateway"), meshed.pid("controller")
    routes = next(iter(sorted((gateway.folder / "rds").glob("*.json"))))
    os.kill(controller, signal.SIGSTOP)
    try:
        edit(clusters, lambda held: held.update(version_info="edited") or held["resources"].pop())
        edit(routes, lambda held: held["resources"][0]["virtual_hosts"][0].update(name=EDITED))
        eventually(lambda: EDITED in Admin(gateway.admin).get("/config_dump"))
        told = bourse(meshed, "mesh", "check")
    finally:
        os.kill(controller, follows)
    for name in ("cds/clusters.json", f"gateway: rds/{routes.name}"):
        assert f"{name} is not what the YAML makes" in told.output, told.output
    assert told.exit_code == 1
    if follows is signal.SIGKILL:
        eventually(lambda: meshed.pid("controller") not in (0, controller))
    assert bourse(meshed, "mesh", "apply").exit_code == 0
    assert EDITED not in Admin(gateway.admin).get("/config_dump")
    edit(routes, lambda held: held["resources"][0]["virtual_hosts"][0].update(name=EDITED))
    if follows is signal.SIGKILL:
        eventually(lambda: EDITED not in routes.read_text())
    else:
        meshed.machine.mesh.weigh("svc_order", None)
    assert EDITED not in Admin(gateway.admin).get("/config_dump")
    eventually(lambda: is_whole(meshed))


def edit(file: Path, change: Callable[[Any], object]) -> None:
    """In a way that Envoy sees."""
    held = json.loads(file.read_text())
    change(held)
    fresh = file.with_name("fresh")
    fresh.touch(mode=0o600)
    fresh.write_text(json.dumps(held))
    fresh.replace(file)


def test_certificates_of_no_use_are_found(meshed: Exchange) -> None:
    """One that is missing, cannot be read or has expired is named by `mesh check`, before the controller makes it anew."""
    mesh, controller = meshed.machine.mesh, meshed.pid("controller")
    authority = certificates.Authority(meshed.machine.home.credentials)
    folders = {place.process: place.folder for place in mesh.places}
    os.kill(controller, signal.SIGSTOP)
    try:
        secret_file(folders["svc_order"], WORKLOAD).unlink()
        secret_file(folders["svc_quote"], WORKLOAD).write_text("{")
        expired = authority.issue(next(one.identity for one in mesh.places if one.process == "svc_ledger"), seconds=-1)
        certificates.write_secret(folders["svc_ledger"], WORKLOAD, expired)
        secret_file(folders["svc_match-0"], certificates.ROOT).write_text("{")
        told = bourse(meshed, "mesh", "check")
    finally:
        os.kill(controller, signal.SIGCONT)
    assert told.exit_code == 1
    for words in (
        "svc_order.sidecar: its certificate default is missing or cannot be read",
        "svc_quote.sidecar: its certificate default is missing or cannot be read",
        "svc_ledger.sidecar: its certificate default expired at",
        "svc_match-0.sidecar: whom it believes, ROOTCA, is missing or cannot be read",
    ):
        assert words in told.output, told.output
    mesh.renew_certificates()
    eventually(lambda: is_whole(meshed))


def test_status_shows_each_service_with_its_sidecar(meshed: Exchange) -> None:
    """One line for both, the address where others call it; the gateway and the controller have their own."""
    told = bourse(meshed, "status", "--json")
    assert told.exit_code == 0
    found = {process["name"]: process for process in json.loads(told.output)["processes"]}
    assert found.keys() == {
        *(
            "postgres",
            "nats",
            "controller",
            "gateway",
            "svc_match-0",
            "svc_match-1",
            "svc_ledger",
            "svc_order",
            "svc_quote",
        )
    }
    assert found["svc_order"]["address"] == f"{place_of(meshed, 'svc_order').pod.address}:50051"
    assert found["svc_order"]["sidecar"]["ready"]
    assert "sidecar" in bourse(meshed, "status").output


def test_policies_say_who_may_call_what(meshed: Exchange) -> None:
    """Of a method exactly the callers that its proto names."""
    told = json.loads(bourse(meshed, "mesh", "policies", "--json").output)
    callers = {
        caller
        for rule in told
        for caller in rule["callers"]
        if "/bourse.ledger.v1.LedgerService/CreateHolds" in rule["methods"]
    }
    assert callers == {"svc-order"}
    assert "/bourse.order.v1.OrderService/EnterOrders" in bourse(meshed, "mesh", "policies").output


def test_nothing_secret_is_open_or_logged(meshed: Exchange) -> None:
    """All of the home is closed to others but what PostgreSQL's user needs; no key, password or token is in a log."""
    postgres = meshed.machine.home.postgres
    for path in [one for one in meshed.home.rglob("*") if postgres not in (one, *one.parents)]:
        if not path.is_symlink():
            assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path
    secrets = secrets_of(meshed.home)
    assert len(secrets) > 20
    for log in (meshed.home / "logs").iterdir():
        text = log.read_text(errors="replace")
        assert not [secret[:8] for secret in secrets if secret in text], log


def secrets_of(home: Path) -> set[str]:
    """A line of every key, every password, and every token."""
    credentials = home / "credentials"
    passwords = json.loads((credentials / "passwords.json").read_text())
    found = {password for users in passwords.values() for password in users.values()}
    found |= {path.read_text().strip() for path in credentials.glob("*.jwt")}
    keys = [path.read_text() for path in credentials.glob("*key.pem")]
    for path in (home / "mesh").glob("*/secrets/*.json"):
        for secret in json.loads(path.read_text())["resources"]:
            keys += [secret["tls_certificate"]["private_key"]["inline_string"]] if "tls_certificate" in secret else []
    return found | {key.splitlines()[1] for key in keys}
