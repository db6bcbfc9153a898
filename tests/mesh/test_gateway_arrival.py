"""What comes to the gateway slowly, or never: a handshake, headers, a body. Whoever has no token is told before any body."""

import copy
import http.client
import select
import socket
import ssl
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from threading import Event

import grpc
import pytest

from mesh.local.document import Document
from mesh.local.model import World
from mesh.local.sources import SOURCES
from tests.mesh.door import ORDERS, PLACE, SECONDS, Told, bearer, metadata, of_error, of_json
from tests.mesh.gate import Gate, gate

LIMIT_SECONDS = 2.0
STREAM = f"{ORDERS}/EnterOrders"
LIMIT = f"{LIMIT_SECONDS:.0f}s"
HANDSHAKE = {"LISTENER": "listener_filters_timeout", "FILTER_CHAIN": "transport_socket_connect_timeout"}


@pytest.fixture(scope="module")
def hasty() -> Iterator[Gate]:
    """With limits of time that a test can wait for. Of the handshake's two parts each has 15 s as Envoy and Istio have it."""
    with gate(in_haste()) as made:
        yield made


def in_haste() -> Document:
    (found,) = [one for one in World.load(SOURCES).of("EnvoyFilter") if one.name == "gateway-filters"]
    body = copy.deepcopy(found.body)
    manager = body["spec"]["configPatches"][0]["patch"]["value"]["typed_config"]
    manager["request_headers_timeout"] = LIMIT
    manager["common_http_protocol_options"]["max_stream_duration"] = LIMIT
    for place, name in HANDSHAKE.items():
        patch = {"operation": "MERGE", "value": {name: LIMIT}}
        body["spec"]["configPatches"].append({"applyTo": place, "match": {"context": "GATEWAY"}, "patch": patch})
    return replace(found, body=body)


def dialled(door: Gate) -> socket.socket:
    host, _, port = door.address.rpartition(":")
    return socket.create_connection((host, int(port)), SECONDS)


@contextmanager
def connected(door: Gate) -> Iterator[ssl.SSLSocket]:
    """By TLS, for HTTP/1.1."""
    context = ssl.create_default_context(cafile=str(door.ca_file))
    with dialled(door) as plain, context.wrap_socket(plain, server_hostname="localhost") as connection:
        yield connection


def head(token: str, path: str = PLACE) -> bytes:
    """A request's headers, which promise ten bytes of JSON."""
    sent = {"host": "localhost", "content-type": "application/json", "content-length": "10"}
    lines = [f"{name}: {value}" for name, value in {**sent, **(bearer(token) if token else {})}.items()]
    return "\r\n".join([f"POST {path} HTTP/1.1", *lines, "", ""]).encode()


def answer(connection: ssl.SSLSocket) -> Told:
    with http.client.HTTPResponse(connection) as response:
        response.begin()
        return of_json(response.status, response.read())


@pytest.mark.parametrize(("token", "reason"), [("", "TOKEN_MISSING"), ("abc", "TOKEN_INVALID")])
def test_a_token_is_looked_at_before_the_body(hasty: Gate, token: str, reason: str) -> None:
    """Who has none is told at once, whatever was promised and does not come: by JSON, and by gRPC."""
    with connected(hasty) as connection:
        connection.sendall(head(token))
        told = answer(connection)
    assert (told.status, told.reason) == (401, reason)
    told = unfinished(hasty, PLACE, metadata(token) if token else [])
    assert (told.status, told.reason) == ("UNAUTHENTICATED", reason)


def test_a_request_that_does_not_come_whole_is_refused(hasty: Gate) -> None:
    """By JSON and by gRPC, also when a byte of it comes now and then."""
    with connected(hasty) as silent, connected(hasty) as slow:
        for connection in (silent, slow):
            connection.sendall(head(hasty.token()))
        sent = 0
        while not select.select([slow], [], [], LIMIT_SECONDS / 5)[0]:
            slow.sendall(b" ")
            sent += 1
        assert sent > 1
        told = [answer(silent), answer(slow)]
    assert [(one.status, one.reason) for one in told] == [(408, "REQUEST_INCOMPLETE")] * 2
    one = unfinished(hasty, PLACE, metadata(hasty.token()))
    assert (one.status, one.reason) == ("DEADLINE_EXCEEDED", "REQUEST_INCOMPLETE")


def test_a_stream_lives_on(hasty: Gate) -> None:
    """What it sends after that time is answered."""
    told = unfinished(hasty, STREAM, metadata(hasty.token()), after_seconds=1.5 * LIMIT_SECONDS)
    assert told.status == "OK"


def unfinished(door: Gate, method: str, sent: list[tuple[str, str]], after_seconds: float = SECONDS) -> Told:
    """How a call ends whose request comes only then."""
    over = Event()

    def requests() -> Iterator[bytes]:
        over.wait(after_seconds)
        yield b""

    with door.channel() as channel:
        try:
            body = channel.stream_unary(method)(requests(), metadata=tuple(sent), timeout=SECONDS)
        except grpc.RpcError as error:
            return of_error(error)
        finally:
            over.set()
    return Told("OK", body=body)


def test_headers_and_a_handshake_have_to_come_too(hasty: Gate) -> None:
    """Slow headers are refused with a reason; a connection is closed on which no handshake begins, or none ends."""
    hello = ssl.MemoryBIO()
    with pytest.raises(ssl.SSLWantReadError):
        ssl.create_default_context().wrap_bio(ssl.MemoryBIO(), hello, server_hostname="localhost").do_handshake()
    with dialled(hasty) as mute, dialled(hasty) as half, connected(hasty) as slow:
        half.sendall(hello.read())
        slow.sendall(head("")[:20])
        told = answer(slow)
        assert mute.recv(1) == b""
        assert half.recv(1)
        while half.recv(65_536):
            continue
    assert (told.status, told.reason) == (408, "REQUEST_INCOMPLETE")


def test_base64_that_is_broken_is_told(hasty: Gate) -> None:
    """By grpc-web-text, as a status with a reason."""
    headers = {"content-type": "application/grpc-web-text", **bearer(hasty.token())}
    response = hasty.ask("POST", PLACE, headers, "!!!!")
    assert (response.status, response.getheader("grpc-status")) == (200, "3")
    assert (response.getheader("grpc-message") or "").startswith("the body is no base64")
