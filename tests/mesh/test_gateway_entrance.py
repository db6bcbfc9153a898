"""Who comes through the gateway, as whom, and what is limited: a gateway with two versions of svc_order behind it."""

import asyncio
import copy
import json
import os
import signal
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from typing import Any

import grpc
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from cli.machine.mesh.sidecar import DRAIN_SECONDS
from mesh.local.cluster import APP_SOCKET
from mesh.local.document import Document
from mesh.local.model import World
from mesh.local.sources import SOURCES
from tests.mesh.breaker import break_calls
from tests.mesh.door import ORDERS, QUOTES, SECONDS, Told, bearer, call, metadata, of_error
from tests.mesh.gate import PLACE, Gate, gate

PARTICIPANTS = 1_000  # Envoy's default would forget all but 20.
PARTICIPANTS_LIMIT = 10_000
AT_ONCE = 200
BURST = 3
AWAY = f"{QUOTES}/GetDepth"  # Of a service that nobody runs here.
ABOUT = (
    "/grpc.health.v1.Health/Watch",
    *(f"/grpc.reflection.{one}.ServerReflection/ServerReflectionInfo" for one in ("v1", "v1alpha")),
)
PAGE = "https://app.bourse.example"
LIMITED = ("RESOURCE_EXHAUSTED", "RATE_LIMITED")


@pytest.fixture(scope="module")
def opened() -> Iterator[Gate]:
    with gate() as made:
        yield made


def ended(told: Told) -> tuple[str | int, str]:
    return told.status, told.reason


def test_the_token_says_who_calls(opened: Gate) -> None:
    """Its claims become headers, in place of whatever the client has sent under their names."""
    forged = {
        "bourse_participant": "beta",
        "bourse_ring": "early",
        "x_forwarded_client_cert": "URI=spiffe://cluster.local/ns/bourse/sa/svc-match",
    }
    got = opened.echo(*metadata(opened.token(), **forged))["metadata"]
    assert got["bourse-participant"] == ["alpha"]
    assert "bourse-ring" not in got
    assert got["authorization"][0].startswith("Bearer ")
    (certificate,) = got["x-forwarded-client-cert"]
    assert "sa/gateway" in certificate
    assert "svc-match" not in certificate
    assert opened.echo(*metadata(opened.token(ring="early"), bourse_ring="general"))["metadata"]["bourse-ring"] == [
        "early"
    ]


def test_a_claim_that_a_token_lacks_is_nobodys(opened: Gate) -> None:
    """A forged header does not stand in for the claim: not in any case of letters, and not twice."""
    sent = [*metadata(opened.token(), bourse_ring="early"), ("bourse-ring", "early")]
    assert "bourse-ring" not in opened.echo(*sent)["metadata"]
    no_participant = metadata(opened.token(participant=None, role="operator"), bourse_participant="beta")
    told = opened.call(f"{ORDERS}/GetOrder", metadata=no_participant)
    assert told.status == "OK", told
    assert b"beta" not in told.body


def test_an_operator_alone_names_a_version(opened: Gate) -> None:
    """bourse-version picks the subset for an operator's token; a broker's goes where all go."""
    operator, broker = opened.token(role="operator", participant=None), opened.token()
    for token, named, pod in (
        (operator, "canary", "canary"),
        (operator, "stable", "stable"),
        (broker, "canary", "stable"),
    ):
        told = opened.call(f"{ORDERS}/GetOrder", metadata=metadata(token, bourse_version=named))
        assert told.status == "OK", told
        assert json.loads(told.body)["pod"] == pod


@pytest.mark.parametrize("named", ["canry", "", "stable,canary", "50%", "x" * 200])
def test_a_version_that_there_is_not_is_refused(opened: Gate, named: str) -> None:
    """An operator is told which, by gRPC and by JSON, at each service that has versions; a broker's is ignored."""
    operator = opened.token(role="operator", participant=None)
    for method in (PLACE, f"{QUOTES}/GetDepth", "/bourse.ledger.v1.LedgerService/ListAccounts"):
        told = opened.call(method, metadata=metadata(operator, bourse_version=named))
        json_told = opened.post(method, {}, operator, {"bourse-version": named})
        assert ended(told) == ("INVALID_ARGUMENT", "VERSION_UNKNOWN")
        assert ended(json_told) == (400, "VERSION_UNKNOWN")
        assert told.message == json_told.message == f"there is no version '{named[:64]}'"
        assert told.fix == json_told.fix != ""
        (info,) = json_told.body["details"]
        assert (info["metadata"]["field"], info["metadata"]["value"]) == ("bourse-version", named[:64])
    assert opened.echo(*metadata(opened.token(), bourse_version=named))["pod"] == "stable"


REFUSALS: dict[str, tuple[dict[str, Any], tuple[str, int, str]]] = {
    "expired": ({"exp": 1}, ("UNAUTHENTICATED", 401, "TOKEN_EXPIRED")),
    "another audience": ({"aud": "else"}, ("UNAUTHENTICATED", 401, "TOKEN_WRONG_AUDIENCE")),
    "another issuer": ({"iss": "https://else.example"}, ("UNAUTHENTICATED", 401, "TOKEN_WRONG_ISSUER")),
    "another key": ({"key": Ed25519PrivateKey.generate()}, ("UNAUTHENTICATED", 401, "TOKEN_INVALID")),
    "nobody's": ({"sub": None}, ("UNAUTHENTICATED", 401, "TOKEN_INVALID")),
    "the nameless one's": ({"sub": ""}, ("UNAUTHENTICATED", 401, "TOKEN_INVALID")),
    "a ring of two lines": ({"ring": "early\r\nx: y"}, ("UNAUTHENTICATED", 401, "TOKEN_INVALID")),
    "a name of two lines": ({"participant": "al\npha"}, ("UNAUTHENTICATED", 401, "TOKEN_INVALID")),
    "a service's": ({"role": "service"}, ("PERMISSION_DENIED", 403, "CALLER_NOT_ALLOWED")),
}


@pytest.mark.parametrize("name", REFUSALS)
def test_a_wrong_token_is_refused(opened: Gate, name: str) -> None:
    """With its reason, the same by gRPC and by JSON, and with what to do."""
    claims, (status, code, reason) = REFUSALS[name]
    token = opened.token(**claims)
    told, json_told = opened.call(PLACE, metadata=metadata(token)), opened.post(PLACE, {}, token)
    assert ended(told) == (status, reason)
    assert ended(json_told) == (code, reason)
    assert told.fix
    assert (told.fix, told.message) == (json_told.fix, json_told.message)


@pytest.mark.parametrize(
    "sent", [(), (("authorization", "Basic YTpi"),), (("authorization", "Bearer"),)], ids=["none", "basic", "bare"]
)
def test_without_a_token_nobody_passes(opened: Gate, sent: tuple[tuple[str, str], ...]) -> None:
    """To no method, to reflection and to health neither."""
    for method in (
        PLACE,
        "/grpc.reflection.v1.ServerReflection/ServerReflectionInfo",
        "/grpc.health.v1.Health/Check",
        "/no.Such/Method",
    ):
        assert ended(opened.call(method, metadata=sent)) == ("UNAUTHENTICATED", "TOKEN_MISSING")
    assert ended(opened.post(PLACE, {}, headers=dict(sent))) == (401, "TOKEN_MISSING")


@pytest.mark.parametrize("scheme", ["bearer", "BEARER", "BeArEr"])
def test_the_scheme_is_in_any_case_of_letters(opened: Gate, scheme: str) -> None:
    """As HTTP has it (RFC 9110, 11.1); a token that is none is told as such."""
    token = opened.token()
    got = opened.echo(("authorization", f"{scheme} {token}"))["metadata"]
    assert got["authorization"] == [f"Bearer {token}"]
    assert ended(opened.call(PLACE, metadata=[("authorization", f"{scheme} abc")])) == (
        "UNAUTHENTICATED",
        "TOKEN_INVALID",
    )


def test_what_is_no_token_is_invalid(opened: Gate) -> None:
    for text in ("abc", "a.b.c", "e30.e30.e30"):
        assert ended(opened.call(PLACE, metadata=metadata(text))) == ("UNAUTHENTICATED", "TOKEN_INVALID")


def test_too_much_metadata_is_told(opened: Gate) -> None:
    """By its bytes and by its count; the connection goes on."""
    token = opened.token()
    large = (*metadata(token), ("x-large", "a" * 10_000))
    many = (*metadata(token), *((f"x-{number}", "") for number in range(100)))
    with opened.channel() as channel:
        for sent in (large, many):
            assert ended(call(channel, PLACE, b"", sent)) == ("RESOURCE_EXHAUSTED", "HEADERS_TOO_LARGE")
        assert call(channel, PLACE, b"", metadata(token)).status == "OK"
    assert ended(opened.post(PLACE, {}, token, {"x-large": "a" * 10_000})) == (431, "HEADERS_TOO_LARGE")


def test_what_is_not_served_is_unimplemented(opened: Gate) -> None:
    """A method, a shard or a host that is not there."""
    token = opened.token()
    host = {"default_authority": "other.example", "ssl_target_name_override": "localhost"}
    for told in (
        opened.call("/no.Such/Method", metadata=metadata(token)),
        opened.call("/bourse.match.v1.MatchService/GetShard", metadata=metadata(token, bourse_shard="77")),
        opened.call(PLACE, metadata=metadata(token), **host),
    ):
        assert ended(told) == ("UNIMPLEMENTED", "METHOD_UNKNOWN")
    assert ended(opened.post(PLACE, {}, token, {"host": "other.example"})) == (404, "METHOD_UNKNOWN")


def test_a_host_that_the_certificate_does_not_name_is_not_believed(opened: Gate) -> None:
    """The client ends the connection, and says why."""
    with opened.channel(ssl_target_name_override="other.example") as channel:
        told = call(channel, PLACE, b"", metadata(opened.token()))
    assert told.status == "UNAVAILABLE"
    assert "Hostname Verification" in told.message


def test_a_service_that_is_away_is_unavailable(opened: Gate) -> None:
    told = opened.call(AWAY, metadata=metadata(opened.token()))
    assert ended(told) == ("UNAVAILABLE", "SERVICE_UNREACHABLE")
    assert ended(opened.post(AWAY, {}, opened.token())) == (503, "SERVICE_UNREACHABLE")


def test_a_call_that_the_service_breaks_off_is_told_as_such() -> None:
    """As with a broken frame: the caller is to look at its request, and is not told just to try again."""
    with gate() as door:
        for name in ("stable", "canary"):
            break_calls(door.sidecars.pods[name].sockets / APP_SOCKET)
        told, json_told = door.call(PLACE, metadata=metadata(door.token())), door.post(PLACE, {}, door.token())
    assert ended(told) == ("UNAVAILABLE", "SERVICE_UNREACHABLE")
    assert ended(json_told) == (503, "SERVICE_UNREACHABLE")
    for one in (told, json_told):
        assert one.message == "the service broke the call off"
        assert one.fix.startswith("check that each message is framed")


def test_a_call_ends_at_its_routes_timeout(opened: Gate) -> None:
    """Also one without a deadline of its own, to a service that has stopped: by gRPC, by JSON, and with half a frame by grpc-web."""
    token = opened.token()
    web = {"content-type": "application/grpc-web+proto", **bearer(token)}
    with changed(opened, short_timeouts(opened)), opened.channel() as channel:
        place = channel.unary_unary(PLACE)
        place(b"", metadata=tuple(metadata(token)), timeout=SECONDS)
        stopped = opened.sidecars.pid("stable")
        os.kill(stopped, signal.SIGSTOP)
        try:
            error = place.future(b"", metadata=tuple(metadata(token))).exception(SECONDS)
            assert isinstance(error, grpc.RpcError)
            assert ended(of_error(error)) == ("DEADLINE_EXCEEDED", "DEADLINE_EXCEEDED")
            assert ended(opened.post(PLACE, {}, token)) == (504, "DEADLINE_EXCEEDED")
            response = opened.ask("POST", PLACE, web, b"AAAA")
            assert (response.status, response.getheader("grpc-status")) == (200, "4")
        finally:
            os.kill(stopped, signal.SIGCONT)


def test_a_stricter_policy_is_in_force_on_connections_that_are_kept() -> None:
    """With the first answer on each, long before the replaced listener of the service has drained: one call more passes at most."""
    with gate(drain_seconds=DRAIN_SECONDS) as door, door.channel() as channel:
        assert call(channel, PLACE, b"", metadata(door.token())).status == "OK"
        door.sidecars.run("stable", door.sidecars.world.changed([nobody(door)]))
        first, second = (call(channel, PLACE, b"", metadata(door.token())) for _ in range(2))
        assert first.status in ("OK", "PERMISSION_DENIED")
        assert ended(second) == ("PERMISSION_DENIED", "CALLER_NOT_ALLOWED")


def nobody(door: Gate) -> Document:
    """svc_order's policy, which lets the gateway in no more."""
    (policy,) = [one for one in door.sidecars.world.of("AuthorizationPolicy") if one.name == "svc-order"]
    rules = [{"from": [{"source": {"principals": ["cluster.local/ns/bourse/sa/nobody"]}}]}]
    return replace(policy, body={**policy.body, "spec": {**policy.spec, "rules": rules}})


def short_timeouts(opened: Gate) -> Document:
    """The gateway's routes to svc_order with a timeout that a test can wait for."""
    (routes,) = [one for one in opened.sidecars.world.of("VirtualService") if one.name == "svc-order"]
    body = copy.deepcopy(routes.body)
    for route in body["spec"]["http"]:
        if "timeout" in route:
            route["timeout"] = "1s"
    return replace(routes, body=body)


@contextmanager
def changed(opened: Gate, document: Document) -> Iterator[Gate]:
    """The gateway has this document in place of the YAML's meanwhile."""
    sidecars = opened.sidecars
    try:
        sidecars.run("gateway", sidecars.world.changed([document]))
        yield opened
    finally:
        sidecars.run("gateway", sidecars.world)


def test_a_web_page_may_call_if_it_is_named(opened: Gate) -> None:
    """Its preflight needs no token, and it can read a refusal; another page gets no permission."""
    for origin, allowed in ((PAGE, PAGE), ("https://evil.example", None)):
        asked = {"origin": origin, "access-control-request-method": "POST"}
        for method, headers in (("OPTIONS", asked), ("POST", {"origin": origin})):
            assert opened.ask(method, PLACE, headers).getheader("access-control-allow-origin") == allowed


def test_a_client_without_tls_gets_nothing(opened: Gate) -> None:
    with grpc.insecure_channel(opened.address) as channel:
        assert call(channel, PLACE, b"", metadata(opened.token())).status == "UNAVAILABLE"
    host, _, port = opened.address.rpartition(":")
    with socket.create_connection((host, int(port)), SECONDS) as plain:
        plain.sendall(b"GET / HTTP/1.1\r\nhost: localhost\r\n\r\n")
        assert plain.recv(64) == b""


# Limits.


def test_a_participant_has_its_own_limit(opened: Gate) -> None:
    """Each of PARTICIPANTS has one of its own, whatever the others do, and is told when it has reached it; the YAML has room
    for PARTICIPANTS_LIMIT.
    """
    patches = [patch["patch"]["value"]["typed_config"] for patch in limited().body["spec"]["configPatches"]]
    room = [told.get("max_dynamic_descriptors", 0) for told in patches if "descriptors" in told]
    assert len(room) == 2
    assert min(room) >= PARTICIPANTS_LIMIT
    with changed(opened, limited(participant=BURST, address=10 * PARTICIPANTS)) as door:
        first = door.token(participant="first")
        assert asyncio.run(calls(door, [first] * (BURST + 1))).count("RESOURCE_EXHAUSTED") == 1
        others = [door.token(participant=f"p{number}") for number in range(PARTICIPANTS)]
        assert set(asyncio.run(calls(door, others))) == {"UNAVAILABLE"}  # Past the limit; nobody is behind it.
        assert ended(door.call(AWAY, metadata=metadata(first, bourse_participant="p1"))) == LIMITED
        assert ended(door.post(AWAY, {}, first)) == (429, "RATE_LIMITED")


@pytest.mark.parametrize("method", [f"{QUOTES}/StreamDepth", *ABOUT])
def test_streams_that_open_have_a_lower_limit(opened: Gate, method: str) -> None:
    """A participant's next stream is refused while its calls still pass, those included that tell of the exchange itself."""
    with changed(opened, limited(participant=2 * BURST, opens=BURST, address=10 * PARTICIPANTS)) as door:
        token = door.token()
        assert asyncio.run(calls(door, [token] * (BURST + 1), method)).count("RESOURCE_EXHAUSTED") == 1
        assert door.call(AWAY, metadata=metadata(token)).status == "UNAVAILABLE"


def test_an_address_has_a_limit_before_its_token_is_looked_at(opened: Gate) -> None:
    """Whatever address it says that it calls for."""
    with changed(opened, limited(participant=10 * BURST, address=BURST)) as door:
        for _ in range(BURST):
            assert door.call(PLACE).reason == "TOKEN_MISSING"
        assert ended(door.call(PLACE)) == LIMITED
        for name in ("x-forwarded-for", "x-envoy-external-address", "x-real-ip"):
            assert ended(door.call(PLACE, metadata=((name, "192.0.2.7"),))) == LIMITED
        assert ended(door.post(PLACE, {})) == (429, "RATE_LIMITED")


def limited(**bursts: int) -> Document:
    """gateway-filters with buckets of these sizes, which are not filled again while a test runs. `opens`: of streams."""
    (found,) = [one for one in World.load(SOURCES).of("EnvoyFilter") if one.name == "gateway-filters"]
    body = copy.deepcopy(found.body)
    for patch in body["spec"]["configPatches"]:
        limiter = patch["patch"]["value"]["typed_config"]
        for descriptor in limiter.get("descriptors", []):
            kinds = [entry["key"] for entry in descriptor["entries"]]
            burst = bursts.get(kinds[0] if len(kinds) > 1 else limiter["stat_prefix"])
            if burst is not None:
                descriptor["token_bucket"] = {"max_tokens": burst, "tokens_per_fill": burst, "fill_interval": "3600s"}
    return replace(found, body=body)


async def calls(door: Gate, tokens: list[str], method: str = AWAY) -> list[str]:
    """One call with each token, AT_ONCE at a time: the statuses' names."""
    room = asyncio.Semaphore(AT_ONCE)
    credentials = grpc.ssl_channel_credentials(door.ca_file.read_bytes())
    async with grpc.aio.secure_channel(door.address, credentials) as channel:
        stub = channel.unary_unary(method)

        async def one(token: str) -> str:
            async with room:
                try:
                    await stub(b"", timeout=SECONDS, metadata=tuple(metadata(token)))
                except grpc.aio.AioRpcError as error:
                    return error.code().name
                return "OK"

        return list(await asyncio.gather(*map(one, tokens)))
