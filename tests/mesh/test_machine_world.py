"""The YAML of a cluster, as one machine means it."""

import copy
import json
import os
import re
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

import cli.__main__ as command
from cli.machine import Machine, MachineError
from cli.machine.credentials import BrokerIssuer, Credentials
from cli.machine.home import SOCKET_PATH_BYTES_LIMIT, Home, Layout, is_private, save_layout
from cli.machine.mesh import status, world
from cli.machine.mesh.controller import Controller
from cli.machine.mesh.desired import EVERYBODY, VERSIONED, Desired, Version, editing, read
from cli.machine.mesh.keyring import servers
from cli.machine.mesh.keysets import KeySets
from cli.machine.mesh.labels import labelled
from cli.machine.mesh.mesh import SUBSETS
from cli.machine.mesh.plan import Plan, translated
from cli.machine.mesh.pods import places
from cli.machine.mesh.status import Status
from mesh.local.document import Untranslatable
from mesh.local.model import World
from mesh.local.sources import MESH, SOURCES
from tests.waiting import eventually


@pytest.fixture
def home() -> Iterator[Home]:
    """With a path that is short enough for sockets."""
    made = Home(Path(tempfile.mkdtemp(prefix="bourse-test-")))
    made.create()
    Credentials(made.credentials).create()
    yield made
    made.remove()


def layout_of(home: Home, shards: int) -> Layout:
    layout = Layout(shards=shards)
    layout.choose(home)
    return layout


def loaded(home: Home, shards: int = 2) -> World:
    return world.load(layout_of(home, shards), Credentials(home.credentials), {})


def document(found: World, kind: str, name: str) -> dict[str, Any]:
    (one,) = [one for one in found.of(kind) if one.name == name]
    return one.body


def test_its_host_is_localhost(home: Home) -> None:
    """At the gateway, in its routes, and in its certificate."""
    found = loaded(home)
    assert "api.bourse.example" not in json.dumps([one.body for one in found.documents])
    assert document(found, "VirtualService", "public")["spec"]["hosts"] == ["localhost"]
    assert list(servers(found).values()) == [("localhost", "127.0.0.1")]


def test_its_tokens_are_those_of_its_own_key(home: Home) -> None:
    """Wherever the YAML names the issuer, with the claims that the YAML passes on."""
    rules = [rule for one in loaded(home).of("RequestAuthentication") for rule in one.spec["jwtRules"]]
    keys = json.loads((home.credentials / "jwks.json").read_text())
    assert {rule["issuer"] for rule in rules} == {"bourse"}
    assert all(json.loads(rule["jwks"]) == keys and "jwksUri" not in rule for rule in rules)
    assert any("outputClaimToHeaders" in rule for rule in rules)


def test_brokers_tokens_may_come_from_elsewhere(home: Home, tmp_path: Path) -> None:
    """From a file it stands in the rule; from https it is fetched."""
    (tmp_path / "keys.json").write_text('{"keys": [{"kid": "1"}]}')
    credentials = Credentials(home.credentials)
    for jwks, told in (
        (str(tmp_path / "keys.json"), {"jwks": '{"keys":[{"kid":"1"}]}'}),
        ("https://id.elsewhere.example/keys", {"jwksUri": "https://id.elsewhere.example/keys"}),
    ):
        credentials.name_broker_issuer(BrokerIssuer(jwks, "elsewhere", "exchange"))
        found = world.load(layout_of(home, 2), credentials, {"https://id.elsewhere.example/keys": '{"keys":[]}'})
        own, brokers = document(found, "RequestAuthentication", "gateway")["spec"]["jwtRules"]
        assert own["issuer"] == "bourse"
        assert (brokers["issuer"], brokers["audiences"]) == ("elsewhere", ["exchange"])
        assert {key: brokers[key] for key in told} == told
        assert brokers["outputClaimToHeaders"] == own["outputClaimToHeaders"]


@pytest.mark.parametrize("shards", [1, 2, 4])
def test_every_shard_is_routed_to(home: Home, shards: int) -> None:
    """One that the YAML does not know has what the last one in it has: its Service, its rule, its route, its callers' scope."""
    layout = layout_of(home, shards)
    found = world.load(layout, Credentials(home.credentials), {})
    every = labelled(places(home, layout), found)
    given = translated(found, every, {})
    for shard in range(shards):
        assert found.service(f"svc-match-{shard}-0.bourse.svc.cluster.local") is not None
        for caller in ("svc_order", "svc_ledger", "svc_quote", "gateway"):
            names = [str(cluster["name"]) for cluster in given[caller].clusters]
            assert f"outbound|50051||svc-match-{shard}-0.bourse.svc.cluster.local" in names
        matches = [
            match
            for route in document(found, "VirtualService", "public")["spec"]["http"]
            if route["name"] == f"shard-{shard}"
            for match in route["match"]
        ]
        assert {"exact": str(shard)} in [match.get("headers", {}).get("bourse-shard") for match in matches]


@pytest.mark.parametrize("service", VERSIONED)
def test_weights_are_those_that_are_wanted(home: Home, service: str) -> None:
    """In every route that divides calls; a ring has its own, or everybody's. Operators' choice of a version stays."""
    base = loaded(home)
    wanted = {EVERYBODY: {"stable": 90, "canary": 10}}
    assert weights_of(base, service) == {"early": {"stable": 100, "canary": 0}, "": {"stable": 100, "canary": 0}}
    found = world.weighed(base, Desired(weights={service: wanted}))
    assert weights_of(found, service) == {"early": {"stable": 90, "canary": 10}, "": {"stable": 90, "canary": 10}}
    found = world.weighed(base, Desired(weights={service: wanted | {"early": {"stable": 0, "canary": 100}}}))
    assert weights_of(found, service) == {"early": {"stable": 0, "canary": 100}, "": {"stable": 90, "canary": 10}}
    for other in set(VERSIONED) - {service}:
        assert weights_of(found, other) == weights_of(base, other)


@pytest.mark.parametrize("service", VERSIONED)
def test_the_subsets_are_those_of_the_rules(home: Home, service: str) -> None:
    """A version's name is one that its DestinationRule has."""
    rule = document(loaded(home), "DestinationRule", service.replace("_", "-"))
    assert tuple(subset["name"] for subset in rule["spec"]["subsets"]) == SUBSETS


def test_a_version_is_a_pod_of_its_own(home: Home) -> None:
    """Another address and other sockets than the stable one, the same account, its own label."""
    layout = layout_of(home, 1)
    layout.add(["svc_order-canary"])
    every = labelled(places(home, layout, [Version("svc_order", "canary", "", "", "")]), loaded(home))
    stable, canary = [place.pod for place in every if place.service == "svc_order"]
    assert stable.address != canary.address
    assert stable.sockets != canary.sockets
    assert stable.service_account == canary.service_account == "svc-order"
    assert (stable.labels["version"], canary.labels["version"]) == ("stable", "canary")


def test_pods_carry_the_labels_of_the_yaml(home: Home) -> None:
    """Of their workloads' templates, all of them: a policy that selects by one that was added is in force for them."""
    layout = layout_of(home, 3)
    layout.add(["svc_order-canary"])
    base = loaded(home, 3)
    deployment = copy.deepcopy(document(base, "Deployment", "svc-order"))
    deployment["spec"]["template"]["metadata"]["labels"]["tier"] = "money"
    version = "security.istio.io/v1"
    policy = {"apiVersion": version, "kind": "AuthorizationPolicy", "metadata": {"name": "own", "namespace": "bourse"}}
    rules = {"selector": {"matchLabels": {"tier": "money"}}, "action": "DENY", "rules": [{}]}
    found = base.changed([deployment, {**policy, "spec": rules}])
    every = labelled(places(home, layout, [Version("svc_order", "canary", "", "", "")]), found)
    labels = {place.process: place.pod.labels for place in every}
    assert labels["svc_order"] == {"app": "svc-order", "version": "stable", "tier": "money"}
    assert labels["svc_order-canary"] == {"app": "svc-order", "version": "canary", "tier": "money"}
    assert labels["gateway"].items() >= {"app": "gateway", "version": "stable"}.items()
    assert (labels["svc_match-2"]["shard"], labels["svc_match-2"]["app"]) == ("2", "svc-match")
    selected = {
        place.process
        for place in every
        if "own" in {one.name for one in found.selected("AuthorizationPolicy", place.pod)}
    }
    assert selected == {"svc_order", "svc_order-canary"}


def test_a_process_is_a_workload_of_the_yaml(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """Without its Deployment nothing says what its pod is, and the YAML is refused."""
    whole = World.load(SOURCES)
    rest = [one for one in whole.documents if (one.kind, one.name) != ("Deployment", "svc-quote")]
    monkeypatch.setattr(World, "load", lambda *_, **__: World(rest))
    with pytest.raises(Untranslatable, match=r"svc-quote: .*no Deployment or StatefulSet of the YAML has this name"):
        loaded(home)


@pytest.mark.parametrize("account", [{"serviceAccountName": "svc-order"}, {}])
def test_a_process_has_the_identity_of_the_yaml(
    home: Home, monkeypatch: pytest.MonkeyPatch, account: str | None
) -> None:
    """A workload under another account would have another certificate on a cluster: refused by its line."""
    documents = list(World.load(SOURCES).documents)
    (found,) = [one for one in documents if (one.kind, one.name) == ("Deployment", "svc-quote")]
    body = copy.deepcopy(found.body)
    pod = body["spec"]["template"]["spec"]
    del pod["serviceAccountName"]
    pod.update(account)
    documents[documents.index(found)] = replace(found, body=body)
    monkeypatch.setattr(World, "load", lambda *_, **__: World(documents))
    with pytest.raises(Untranslatable, match=r"svc-quote: spec.template.spec.serviceAccountName: .*svc-quote here"):
        loaded(home)


def test_whether_there_is_a_mesh_is_remembered(home: Home) -> None:
    """At first there is one; --no-mesh holds until --mesh."""
    machine = Machine(home.folder)
    seen = []
    for mesh in (None, False, None, True):
        machine.start(["nats"], shards=1, mesh=mesh, leash=True)
        state = machine.state()
        seen.append(state is not None and state.mesh)
        machine.stop()
    assert seen == [True, False, False, True]


def test_an_edit_that_fails_changes_nothing(home: Home) -> None:
    """The desired state is written at the end of a block that does not raise, and counts its edits."""
    with editing(home) as wanted:
        wanted.rotations = 3
    with pytest.raises(ZeroDivisionError), editing(home) as wanted:
        wanted.rotations = 1 // 0
    assert read(home) == Desired(generation=1, rotations=3)


async def test_what_an_envoy_would_refuse_is_given_to_none(home: Home, monkeypatch: pytest.MonkeyPatch) -> None:
    """A route with a regex that is none for it alone, and a policy that is wider: it is known before any Envoy is given either,
    when the YAML is read again, when an issuer's keys are others, and at the controller's start, which fails.
    """
    layout = layout_of(home, 1)
    save_layout(home, layout)
    plan = Plan(home, Credentials(home.credentials))
    plan.load({})
    plan.adopt(Desired(), {})
    assert await plan.refusals(Desired(), {}) == []
    given, broken = plan.given, unfit(World.load(SOURCES))
    monkeypatch.setattr(World, "load", lambda *_, **__: broken)
    assert await plan.rekey({"https://id.example": "{}"}, Desired(), {}) == [], "the YAML on the disk is not read"
    plan.load({})
    unread = plan.base
    for refused in (await plan.refusals(Desired(), {}), await plan.rekey({}, Desired(), {})):
        assert re.search(r"^gateway would refuse it: .*invalid escape sequence", *refused), refused
    assert (plan.given, plan.base) == (given, unread)
    with pytest.raises(ExceptionGroup) as failed:
        await Controller(home).run()
    assert failed.group_contains(MachineError, match="gateway would refuse it")
    assert "(a)" not in (home.mesh / "gateway" / "rds" / "https.443.https.public.bourse.json").read_text()
    assert not list(home.mesh.rglob("validated.json"))


def unfit(base: World) -> World:
    """The YAML with a regex that is none, and a wider policy."""
    routes = copy.deepcopy(document(base, "VirtualService", "svc-order"))
    policy = copy.deepcopy(document(base, "AuthorizationPolicy", "svc-order"))
    routes["spec"]["http"][2]["match"][0]["uri"] = {"regex": r"(a)\1"}
    policy["spec"]["rules"][0]["to"][0]["operation"]["paths"] = ["/*"]
    return base.changed([routes, policy])


def test_a_subset_alone_has_all_calls(home: Home) -> None:
    """A route with one way and no weight gives it everything; one where the caller names the version gives nothing."""
    base = loaded(home)
    routes = copy.deepcopy(document(base, "VirtualService", "svc-quote"))
    reads = next(route for route in routes["spec"]["http"] if route["name"] == "reads")
    reads["route"] = [{"destination": reads["route"][1]["destination"]}]
    found = world.weights(base.changed([routes]))
    assert found["svc_quote"] == {"early": {"stable": 100, "canary": 0}, "": {"stable": 100, "canary": 100}}


async def test_the_last_keys_that_came_stay(home: Home) -> None:
    """Of an issuer that is not reached: none at first, then those that were kept, also after a restart."""
    issuer = BrokerIssuer("https://127.0.0.1:1/keys", "elsewhere", "exchange")
    key_sets = KeySets(home, issuer)
    assert not await key_sets.fetch()
    assert key_sets.known == {issuer.jwks: '{"keys":[]}'}
    (home.mesh / "keys.json").write_text(json.dumps({issuer.jwks: '{"keys":[{"kid":"1"}]}'}))
    key_sets = KeySets(home, issuer)
    assert not await key_sets.fetch()
    assert key_sets.known == {issuer.jwks: '{"keys":[{"kid":"1"}]}'}


def test_sockets_have_short_paths(tmp_path: Path) -> None:
    """Where the home's own path is too long they are in a folder of the user's alone, which goes with the home."""
    home = Home(tmp_path / ("x" * SOCKET_PATH_BYTES_LIMIT))
    home.create()
    layout = layout_of(home, 2)
    assert is_private(layout.sockets)
    longest = max(len(place.egress.removeprefix("unix:")) for place in places(home, layout))
    assert longest <= SOCKET_PATH_BYTES_LIMIT
    home.layout.write_text(json.dumps(vars(layout)))
    home.remove()
    assert not Path(layout.sockets).exists()


def test_a_folder_that_others_can_read_is_not_used(tmp_path: Path) -> None:
    """Nor one that somebody has put in its place."""
    tmp_path.chmod(0o755)
    (tmp_path / "link").symlink_to(tmp_path)
    assert not is_private(str(tmp_path))
    assert not is_private(str(tmp_path / "link"))
    assert not is_private(str(tmp_path / "none"))


def weights_of(found: World, service: str) -> dict[str, dict[str, int]]:
    return {
        ring: {way["destination"]["subset"]: way["weight"] for way in ways}
        for one in found.of("VirtualService")
        for ring, ways in world.divided(one.body, one.namespace, service)
    }


@pytest.mark.parametrize("share", ["stable=²0", "stable=-1", "stable=", "=1", "stable=٣", "stable=" + "9" * 5_000])
def test_a_share_is_written_in_digits(tmp_path: Path, share: str) -> None:
    told = CliRunner().invoke(command.main, ["mesh", "weight", "svc_quote", share, "--home", str(tmp_path)])
    assert (told.exit_code, f"{share!r} is no share" in told.output) == (2, True), told.output


def test_a_killed_controller_starts_from_what_was_applied(home: Home, tmp_path: Path) -> None:
    """Whatever was written on the disk since, whole or half: nothing of it is in force, the weights are obeyed, and only another
    reading takes it, which may have been asked for meanwhile. What is wanted with one that is refused is refused with it.
    """
    save_layout(home, layout_of(home, 1))
    edited = tmp_path / "mesh"
    shutil.copytree(MESH, edited)
    file = edited / "svc-quote.yaml"
    whole = file.read_text()
    valid = whole.replace("weight: 100", "weight: 50").replace("weight: 0", "weight: 50")
    with started(home, edited) as first:
        before = tables(home)
        os.kill(first.pid, signal.SIGKILL)
        first.wait()
    file.write_text(valid)
    with started(home, edited) as second:
        assert tables(home) == before
        with editing(home) as wanted:
            wanted.weights["svc_order"] = {"": {"stable": 60, "canary": 40}}
        eventually(lambda: said(home).running == read(home).generation)
        assert (shifted := tables(home)) != before
        os.kill(second.pid, signal.SIGKILL)
        second.wait()
    assert stat.S_IMODE((home.mesh / "applied.json").stat().st_mode) == 0o600
    file.write_text(whole[: len(whole) // 2] + "\n  spec: [")
    with editing(home) as wanted:
        wanted.weights.clear()
        wanted.readings += 1
    with started(home, edited):
        eventually(lambda: "svc-quote.yaml" in said(home).refused)
        assert tables(home) == shifted
        file.write_text(valid)
        with editing(home) as wanted:
            wanted.readings += 1
        eventually(lambda: '"weight":50' in tables(home))


def test_what_nobody_foresaw_ends_no_controller(home: Home) -> None:
    """Something stands where a certificate is to be written: who asks is told, and the next one is obeyed. Damaged ones are
    written anew.
    """
    save_layout(home, layout_of(home, 1))
    with started(home, MESH) as controller:
        places = sorted(home.mesh.glob("*/secrets/default.json"))
        first, second = places[0], places[1]
        before = second.read_text()
        first.unlink()
        (first / "something").mkdir(parents=True)
        second.write_text(second.with_name("ROOTCA.json").read_text())
        with editing(home) as wanted:
            wanted.rotations += 1
        eventually(lambda: "IsADirectoryError" in said(home).refused)
        with editing(home) as wanted:
            wanted.rotations -= 1
            wanted.weights["svc_order"] = {"": {"stable": 60, "canary": 40}}
        eventually(lambda: said(home).running == read(home).generation)
        shutil.rmtree(first)
        with editing(home) as wanted:
            wanted.rotations += 1
        eventually(lambda: said(home).running == read(home).generation)
        assert controller.poll() is None
    assert first.is_file()
    assert "tls_certificate" in second.read_text()
    assert second.read_text() != before


def tables(home: Home) -> str:
    """The routes that Envoys have in their files, without the versions of these."""
    files = sorted(home.mesh.glob("*/rds/*.json"))
    return "".join(json.dumps(json.loads(file.read_text())["resources"], separators=(",", ":")) for file in files)


def said(home: Home) -> Status:
    found = status.read(home)
    assert found is not None
    return found


@contextmanager
def started(home: Home, edited: Path) -> Iterator[subprocess.Popen[bytes]]:
    """A controller whose YAML on the disk is in that folder, once it has begun."""
    sources = f"(world.WORKLOADS, Path({str(edited)!r}), Path({str(edited / 'install.yaml')!r}))"
    code = (
        "from pathlib import Path; from mesh.local import sources as world; "
        f"world.SOURCES = {sources}; from cli.machine.mesh import controller; controller.main({str(home.folder)!r})"
    )
    controller = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.DEVNULL)
    try:
        eventually(
            lambda: (found := status.read(home)) is not None and found.pid == controller.pid and found.generation >= 0,
            30,
        )
        yield controller
    finally:
        controller.kill()
        controller.wait()
