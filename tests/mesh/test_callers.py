"""Every method of every service, called by everybody there is, through the sidecars of a running exchange."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Iterable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

import grpc
import pytest
from google.protobuf import descriptor_pool

from bourse.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from cli.clients import ca_file, gateway_address
from cli.machine.mesh.pods import Place, host
from mesh.local.certificates import Authority
from mesh.policies import MESH, OPEN, services
from tests.exchange import Exchange
from tests.mesh.wire import DENIED, LOCAL, Ended, as_peer, call, peer

METHODS = {service: {method.path: method.callers for method in methods} for service, methods in services().items()}
ABOUT = {f"/{service}/{'Check' if 'health' in service else 'ServerReflectionInfo'}" for service in OPEN}
WORKLOADS = sorted(METHODS)
Metadata = tuple[tuple[str, str], ...]
FORGED: Metadata = (
    *(("x-forwarded-client-cert", f"By=x;URI=spiffe://{MESH}/sa/{account}") for account in (*WORKLOADS, "gateway")),
    ("bourse-participant", "somebody"),
    ("bourse-ring", "early"),
)
HEADERS = pytest.mark.parametrize("forged", [(), FORGED], ids=["", "forged"])


@dataclass(frozen=True)
class Target:
    """A pod, as a caller reaches it."""

    pod: str
    service: str
    channel: grpc.aio.Channel
    metadata: Metadata = ()


def request(path: str) -> bytes | None:
    """What does no harm: an empty one; none where a stream of them is read."""
    if path in ABOUT:
        return None if "reflection" in path else b""
    method = descriptor_pool.Default().FindMethodByName(path[1:].replace("/", "."))
    return None if method.client_streaming else b""


async def walk(targets: Sequence[Target], metadata: Metadata) -> dict[tuple[str, str], Ended]:
    """How each method of each pod's service ended, by pod and path."""
    calls = [(target, path) for target in targets for path in (*METHODS[target.service], *sorted(ABOUT))]
    ended = await asyncio.gather(
        *(call(target.channel, path, request(path), (*target.metadata, *metadata)) for target, path in calls)
    )
    return {(target.pod, path): how for (target, path), how in zip(calls, ended, strict=True)}


def admitted(targets: Iterable[Target], caller: str, *, about: bool = False) -> set[tuple[str, str]]:
    """Where the protos let the caller in."""
    own = {
        (target.pod, path)
        for target in targets
        for path, callers in METHODS[target.service].items()
        if caller in callers
    }
    return own | {(target.pod, path) for target in targets for path in ABOUT if about}


def passed(found: Mapping[tuple[str, str], Ended]) -> set[tuple[str, str]]:
    return {pair for pair, ended in found.items() if ended.arrived}


def refusals(found: Mapping[tuple[str, str], Ended]) -> set[Ended]:
    return {ended for ended in found.values() if not ended.arrived}


@asynccontextmanager
async def pods(exchange: Exchange, folder: Path, context: ssl.SSLContext | None) -> AsyncIterator[list[Target]]:
    """Every pod of a service at its mTLS port, as the peer with that certificate."""
    async with AsyncExitStack() as stack:
        yield [
            Target(
                place.pod.name,
                place.pod.service_account,
                await stack.enter_async_context(peer(folder, at(place), context)),
            )
            for place in exchange.machine.mesh.places
            if not place.pod.gateway
        ]


@asynccontextmanager
async def through(caller: Place, place: Place) -> AsyncIterator[Target]:
    """The pod, as another pod's application dials it."""
    name = place.pod.name if place.service == "svc_match" else place.pod.service_account
    options = (*LOCAL, ("grpc.default_authority", host(name)))
    async with grpc.aio.insecure_channel(caller.egress, options) as channel:
        yield Target(place.pod.name, place.pod.service_account, channel)


def at(place: Place) -> str:
    return f"{place.pod.address}:50051"


def authority(exchange: Exchange) -> Authority:
    return Authority(exchange.machine.home.credentials)


@asynccontextmanager
async def gateway(exchange: Exchange) -> AsyncIterator[list[Target]]:
    """Every service, through the gateway; its shards too."""
    credentials = grpc.ssl_channel_credentials(ca_file(exchange.machine).read_bytes())
    async with grpc.aio.secure_channel(gateway_address(exchange.machine), credentials, LOCAL) as channel:
        shards = [Target(f"shard {shard}", "svc-match", channel, (("bourse-shard", shard),)) for shard in "01"]
        yield [*shards, *(Target(service, service, channel) for service in WORKLOADS if service != "svc-match")]


def bearer(exchange: Exchange, role: str, participant: str = "") -> Metadata:
    return (("authorization", f"Bearer {exchange.machine.credentials.issue('walker', role, participant)}"),)


@HEADERS
@pytest.mark.parametrize("service", WORKLOADS)
async def test_a_service_passes_where_the_protos_name_it(
    meshed: Exchange, tmp_path: Path, service: str, forged: Metadata
) -> None:
    """By its certificate, and nowhere else; a forged certificate, participant or ring in the headers changes nothing."""
    context = as_peer(tmp_path, authority(meshed).issue(f"spiffe://{MESH}/sa/{service}"))
    async with pods(meshed, tmp_path, context) as targets:
        found = await walk(targets, forged)
        assert passed(found) == admitted(targets, f"CALLER_{service.upper().replace('-', '_')}")
        assert refusals(found) == {Ended("PERMISSION_DENIED", "CALLER_NOT_ALLOWED", DENIED)}


async def test_a_service_calls_through_its_own_sidecar_what_the_protos_name(meshed: Exchange) -> None:
    """From every pod's egress socket to every pod: the same pairs, and no others."""
    places = [place for place in meshed.machine.mesh.places if not place.pod.gateway]
    for caller in places:
        async with AsyncExitStack() as stack:
            targets = [await stack.enter_async_context(through(caller, place)) for place in places]
            assert passed(await walk(targets, FORGED)) == admitted(targets, f"CALLER_{caller.service.upper()}")


@HEADERS
@pytest.mark.parametrize("role", ["operator", "broker"])
async def test_an_operator_and_a_broker_pass_where_the_protos_name_them(
    meshed: Exchange, role: str, forged: Metadata
) -> None:
    """Through the gateway, and nowhere else; forged headers change nothing."""
    token = bearer(meshed, role, "walker" if role == "broker" else "")
    async with gateway(meshed) as targets:
        found = await walk(targets, token + forged)
        assert passed(found) == admitted(targets, f"CALLER_{role.upper()}", about=True)
        assert refusals(found) == {Ended("PERMISSION_DENIED", "CALLER_NOT_ALLOWED", DENIED)}


@HEADERS
async def test_without_a_token_of_its_own_nobody_passes_the_gateway(meshed: Exchange, forged: Metadata) -> None:
    """Not without one, and not with a service's."""
    async with gateway(meshed) as targets:
        nobody, service = await walk(targets, forged), await walk(targets, bearer(meshed, "service") + forged)
    assert passed(nobody) == passed(service) == set()
    assert {ended.reason for ended in refusals(nobody)} == {"TOKEN_MISSING"}
    assert {ended.reason for ended in refusals(service)} == {"CALLER_NOT_ALLOWED"}


@HEADERS
async def test_the_monitor_passes_to_health_and_reflection_alone(
    meshed: Exchange, tmp_path: Path, forged: Metadata
) -> None:
    context = as_peer(tmp_path, authority(meshed).issue(f"spiffe://{MESH}/sa/monitor"))
    async with pods(meshed, tmp_path, context) as targets:
        found = await walk(targets, forged)
        assert passed(found) == admitted(targets, "", about=True)


STRANGERS = {
    "another service account": f"spiffe://{MESH}/sa/stranger",
    "another namespace": "spiffe://cluster.local/ns/elsewhere/sa/svc-order",
}


@HEADERS
@pytest.mark.parametrize("name", STRANGERS)
async def test_a_stranger_whom_the_authority_knows_passes_nowhere(
    meshed: Exchange, tmp_path: Path, name: str, forged: Metadata
) -> None:
    """A valid certificate of this mesh's authority, that names nobody whom a policy names; an operator's token does not help."""
    context = as_peer(tmp_path, authority(meshed).issue(STRANGERS[name]))
    async with pods(meshed, tmp_path, context) as targets:
        found = await walk(targets, forged) | await walk(targets, forged + bearer(meshed, "operator"))
    assert passed(found) == set()
    assert refusals(found) == {Ended("PERMISSION_DENIED", "CALLER_NOT_ALLOWED", DENIED)}


@pytest.mark.parametrize(
    "name", ["another authority", "another trust domain", "expired", "no certificate", "plaintext"]
)
async def test_who_has_no_valid_certificate_is_not_heard(meshed: Exchange, tmp_path: Path, name: str) -> None:
    """One for svc_order of another authority or trust domain, one that has expired, none, or no TLS: no call gets an answer, with or
    without a token.
    """
    order = f"spiffe://{MESH}/sa/svc-order"
    other = Authority(tmp_path)
    other.create()
    contexts = {
        "another authority": as_peer(tmp_path, other.issue(order)),
        "another trust domain": as_peer(tmp_path, authority(meshed).issue("spiffe://elsewhere/ns/bourse/sa/svc-order")),
        "expired": as_peer(tmp_path, authority(meshed).issue(order, seconds=-30)),
        "no certificate": as_peer(tmp_path, None),
        "plaintext": None,
    }
    async with pods(meshed, tmp_path, contexts[name]) as targets:
        found = await walk(targets, FORGED + bearer(meshed, "operator"))
    assert passed(found) == set()
    assert {ended.status for ended in refusals(found)} == {"UNAVAILABLE"}


async def test_a_brokers_forged_headers_show_it_nothing_of_others(meshed: Exchange) -> None:
    """The participant is the token's, whatever the headers say."""
    account, other = await meshed.join(), await meshed.join()
    token = bearer(meshed, "broker", account.partition("/")[0])
    forged = (*FORGED, ("bourse-participant", other.partition("/")[0]))
    async with gateway(meshed) as (target, *_):
        stub = ledger_pb2_grpc.LedgerServiceStub(target.channel)
        answer = await stub.ListAccounts(ledger_pb2.ListAccountsRequest(), metadata=token + forged)
        assert list(answer.accounts) == [account]
