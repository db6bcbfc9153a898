"""Peers of the mesh: whom x-forwarded-client-cert names, and that nothing else does."""

import math
import os
import stat
from pathlib import Path

import grpc
import pytest
from hypothesis import given
from hypothesis import strategies as st

from bourse.match.v1 import match_pb2, match_pb2_grpc
from chassis.client import channel, to_service
from chassis.errors import Refusal, from_rpc_error
from chassis.identity import Issuer, Verifier, issuers
from chassis.peers import Peers, callers, peer_uri
from chassis.server import Server
from chassis.settings import Process, SettingsError
from tests.chassis.conftest import MATCH, Keys, refused
from tests.chassis.test_server import Match

MESH = "cluster.local/ns/bourse"
SA = f"spiffe://{MESH}/sa/"
ORDER = f'By={SA}svc-match;Hash=ab12;Subject="CN=\\"x\\",O=a;b,c";URI={SA}svc-order'
GATEWAY = f'By={SA}svc-order;Hash=ab12;Subject="";URI={SA}gateway'


def peers(keys: Keys) -> Peers:
    """As a service in the mesh builds it."""
    roles = frozenset({"broker", "operator"})
    return Peers(MESH, Verifier(Issuer(str(keys.file), "bourse", "bourse", roles)))


def headers(certificate: str, token: str = "", **more: str) -> list[tuple[str, str | bytes]]:
    """A call's metadata."""
    sent: list[tuple[str, str | bytes]] = [("x-forwarded-client-cert", certificate)]
    sent += [("authorization", f"Bearer {token}")] if token else []
    return sent + [(name.replace("_", "-"), value) for name, value in more.items()]


async def test_a_service_is_known_by_its_certificate(keys: Keys) -> None:
    """A peer svc-order is CALLER_SVC_ORDER without a token, and whatever token comes with it."""
    for token in ("", keys.token("broker", participant="ACME"), "rubbish"):
        found = await peers(keys).caller(headers(ORDER, token))
        assert (found.rule, found.participant, found.ring) == ("CALLER_SVC_ORDER", "", "general")
        assert found.expires_at == math.inf


async def test_the_gateway_brings_brokers_and_operators(keys: Keys) -> None:
    """Behind the gateway's certificate the token says who it is; a service's token is nobody's there."""
    broker = await peers(keys).caller(headers(GATEWAY, keys.token("broker", participant="ACME")))
    operator = await peers(keys).caller(headers(GATEWAY, keys.token("operator")))
    assert (broker.rule, broker.participant, operator.rule) == ("CALLER_BROKER", "ACME", "CALLER_OPERATOR")
    for token, reason in (("", "TOKEN_MISSING"), (keys.token("service", "svc_order"), "TOKEN_INVALID")):
        with pytest.raises(Refusal) as caught:
            await peers(keys).caller(headers(GATEWAY, token))
        assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.UNAUTHENTICATED, reason)


@pytest.mark.parametrize(
    ("named", "ring"),
    [("early", "early"), ("general", "general"), ("EARLY", "general"), ("", "general"), ("late", "general")],
)
async def test_the_gateway_names_the_ring(keys: Keys, named: str, ring: str) -> None:
    """The ring is what the gateway's header says, and general when it says nothing known."""
    token = keys.token("broker", participant="ACME")
    assert (await peers(keys).caller(headers(GATEWAY, token, bourse_ring=named))).ring == ring
    assert (await peers(keys).caller(headers(GATEWAY, token))).ring == "general"


async def test_nobody_else_names_a_ring(keys: Keys) -> None:
    """A service's ring header, two of the gateway's, or one without a mesh, say nothing."""
    token = keys.token("broker", participant="ACME")
    assert (await peers(keys).caller(headers(ORDER, bourse_ring="early"))).ring == "general"
    twice = [*headers(GATEWAY, token, bourse_ring="general"), ("bourse-ring", "early")]
    assert (await peers(keys).caller(twice)).ring == "general"
    assert (await keys.verifier().caller(headers(GATEWAY, token, bourse_ring="early"))).ring == "general"


@pytest.mark.parametrize(
    "certificate",
    [
        "",
        f"URI={SA}monitor",
        f"URI={SA}svc-order/",
        f"URI={SA}svc-order;URI={SA}gateway",
        f"URI={SA}svc-order,URI={SA}svc-order",
        f'{ORDER},By=x;URI="{SA}svc-order"',
        f'Subject="CN=a;URI={SA}svc-order"',
        f'Subject="a"URI={SA}svc-order',
        f'Subject="a;URI={SA}svc-order',
        f"URI={SA}svc-order;",
        f"URI={SA}svc-order\n",
        f" URI={SA}svc-order",
        f"By={SA}svc-order",
        "URI=spiffe://other.local/ns/bourse/sa/svc-order",
        "URI=spiffe://cluster.local/ns/other/sa/svc-order",
        "URI=https://cluster.local/ns/bourse/sa/svc-order",
        "x" * 20_000,
    ],
)
async def test_any_other_certificate_is_unknown(keys: Keys, certificate: str) -> None:
    """None, several, foreign, malformed: UNAUTHENTICATED PEER_UNKNOWN, an operator's token or not."""
    with pytest.raises(Refusal) as caught:
        await peers(keys).caller(headers(certificate, keys.token("operator")))
    assert (caught.value.code, caught.value.reason) == (grpc.StatusCode.UNAUTHENTICATED, "PEER_UNKNOWN")


@pytest.mark.parametrize("count", [0, 2])
async def test_there_is_exactly_one_header(keys: Keys, count: int) -> None:
    """Without the header, or with two of them, nobody is known."""
    with pytest.raises(Refusal, match="no certificate"):
        await peers(keys).caller(headers(ORDER)[:1] * count)


quoted = st.text().map(lambda text: '"' + text.replace("\\", "\\\\").replace('"', '\\"') + '"')
plain = st.text(st.characters(codec="utf-8", exclude_characters='",;='))
pairs = st.lists(st.tuples(st.sampled_from(["By", "Hash", "Cert", "Subject", "DNS"]), st.one_of(plain, quoted)))


@given(
    before=pairs, after=pairs, account=st.text(st.characters(codec="ascii", exclude_characters='",;=\\'), min_size=1)
)
def test_the_one_uri_is_found_whatever_stands_around_it(
    before: list[tuple[str, str]], after: list[tuple[str, str]], account: str
) -> None:
    """Quoted values with any text in them, escapes too, are passed over; the URI comes out as it was put in."""
    element = ";".join(f"{key}={value}" for key, value in [*before, ("URI", account), *after])
    if len(element) < 16_000:
        assert peer_uri(element) == account


@given(st.text(st.sampled_from('URI=By;,"\\spiffe:/a') | st.characters(codec="utf-8")))
def test_garbage_names_nobody_and_never_fails(text: str) -> None:
    """No text whatever raises; what is found stands in it as one URI of one element."""
    found = peer_uri(text)
    assert not found or "uri=" in text.lower()
    assert peer_uri(text.encode()) == ""


@given(st.sampled_from([ORDER, GATEWAY]), st.text(st.sampled_from('URI=By;,"\\s/')))
def test_an_element_that_a_peer_prepends_or_appends_makes_it_unknown(header: str, more: str) -> None:
    """A second element, before or after, is never the peer and never leaves the first one standing."""
    assert peer_uri(f"{header},{more}") == ""
    assert peer_uri(f"{more},{header}") == ""


def process(**given: object) -> Process:
    """Settings of a process."""
    told: dict[str, object] = {
        "name": "x",
        "listen": "127.0.0.1:0",
        "jwks": "k",
        "jwt_issuer": "i",
        "jwt_audience": "a",
    }
    return Process(**(told | given))  # type: ignore[arg-type]


def test_a_token_file_is_needed_only_without_a_mesh() -> None:
    """In the mesh no service has a token, and no issuer gives one."""
    assert isinstance(callers(process(mesh=MESH)), Peers)
    assert isinstance(callers(process(token_file="t")), Verifier)
    assert "service" not in issuers(process(mesh=MESH))[0].roles
    assert "service" in issuers(process(token_file="t"))[0].roles
    with pytest.raises(SettingsError, match="BOURSE_TOKEN_FILE"):
        to_service("127.0.0.1:1", process())
    with pytest.raises(SettingsError, match="BOURSE_MESH"):
        process(mesh="cluster.local")


async def test_calls_come_and_go_by_sockets(keys: Keys, tmp_path: Path) -> None:
    """A server listens on a socket file that only its user can open, in place of one that a dead process left; a channel
    dials a socket; health needs no certificate."""
    path = tmp_path / "app.sock"
    left = f"unix:{path}"
    first = Server(left, peers(keys))
    del first
    match = Match()
    server = Server(left, peers(keys))
    server.add(MATCH, match_pb2_grpc.add_MatchServiceServicer_to_server, match)
    await server.start()
    await server.ready()
    assert stat.S_IMODE(os.stat(path).st_mode) == 0o600
    metadata = headers(ORDER)
    async with channel("svc-match-0-0.bourse:50051", egress=left) as opened:
        stub = match_pb2_grpc.MatchServiceStub(opened)
        await stub.GetShard(match_pb2.GetShardRequest(), metadata=metadata)
        error = await refused(stub.GetShard(match_pb2.GetShardRequest()))
    await server.drain()
    assert match.callers == ["svc_order"]
    assert from_rpc_error(error).reason == "PEER_UNKNOWN"


async def test_a_file_that_is_no_socket_is_not_removed(keys: Keys, tmp_path: Path) -> None:
    """What somebody keeps at the path is not thrown away."""
    path = tmp_path / "notes"
    path.write_text("mine")
    with pytest.raises(FileExistsError):
        Server(f"unix:{path}", peers(keys))
    assert path.read_text() == "mine"
