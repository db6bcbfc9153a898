"""Who may not call, what is no message, and what is too large: on every method of every service."""

import asyncio
import json
import random
import time
from collections.abc import Callable
from typing import Any, NamedTuple

import grpc
import jwt
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey
from google.protobuf.descriptor import MethodDescriptor
from google.protobuf.message import DecodeError
from google.protobuf.message_factory import GetMessageClass

from bourse.ledger.v1 import ledger_pb2
from bourse.match.v1 import match_pb2
from bourse.order.v1 import order_pb2
from bourse.quote.v1 import quote_pb2
from bourse.types.v1 import callers_pb2
from cli.machine.credentials import Credentials
from tests.bad_input.desk import Desk, Floor, Info, channel, info, place, require_whole, unchanged

SEED = 20_260_105
MESSAGES, MESSAGE_BYTES = 8, 64
STREAM_SECONDS = 0.5
CALL_SECONDS = 30.0
MESSAGE_BYTES_LIMIT = 4 << 20
WRITE_TRIES, CLIENT_ALONE = 20, "Internal error from Core"
OURS_ALONE = {"INTERNAL", "UNKNOWN", "UNIMPLEMENTED"}

SERVICES = {
    "svc_order": order_pb2.DESCRIPTOR.services_by_name["OrderService"],
    "svc_match-0": match_pb2.DESCRIPTOR.services_by_name["MatchService"],
    "svc_ledger": ledger_pb2.DESCRIPTOR.services_by_name["LedgerService"],
    "svc_quote": quote_pb2.DESCRIPTOR.services_by_name["QuoteService"],
}
METHODS = [
    pytest.param(process, method, id=f"{process}-{method.name}")
    for process, service in SERVICES.items()
    for method in service.methods
]
CALLERS = [name for name in callers_pb2.Caller.keys() if name != "CALLER_UNSPECIFIED"]  # noqa: SIM118 - no dict


class Way(NamedTuple):
    """A method as bytes on a channel, whether it streams or not."""

    call: Any
    streams_in: bool
    streams_out: bool


def way(opened: grpc.aio.Channel, method: MethodDescriptor) -> Way:
    path = f"/{method.containing_service.full_name}/{method.name}"
    kinds = {(False, False): opened.unary_unary, (False, True): opened.unary_stream, (True, True): opened.stream_stream}
    streams = method.client_streaming, method.server_streaming
    return Way(kinds[streams](path), *streams)


async def send(way: Way, message: bytes, metadata: Any, seconds: float = CALL_SECONDS) -> Info | bytes | None:
    """How the method answers one message: what it refuses, its first answer, or None for a stream that goes on.

    A stream goes on when nothing came for so many seconds; only where it may go on are they few.
    When a status comes while a client still writes, grpc.aio gives an INTERNAL of its own instead: then it is asked again.
    """
    for _ in range(WRITE_TRIES):
        told = await send_once(way, message, metadata, seconds)
        if not (way.streams_in and isinstance(told, Info) and told.message == CLIENT_ALONE):
            break
    return told


async def send_once(way: Way, message: bytes, metadata: Any, seconds: float) -> Info | bytes | None:
    call = way.call(iter([message]) if way.streams_in else message, timeout=CALL_SECONDS, metadata=metadata)
    try:
        if not way.streams_out:
            return bytes(await call)
        answer = await asyncio.wait_for(call.read(), seconds)
        return None if answer is grpc.aio.EOF else bytes(answer)
    except TimeoutError:
        return None
    except grpc.aio.AioRpcError as error:
        return info(error)
    finally:
        call.cancel()


def token_of(credentials: Credentials, caller: str, participant: str) -> str:
    name = caller.removeprefix("CALLER_").lower()
    if name == "broker":
        return credentials.issue(participant, name, participant)
    return credentials.issue(name, "operator" if name == "operator" else "service")


def callers(method: MethodDescriptor) -> list[Any]:
    """The callers that the method's own option names."""
    options: Any = method.GetOptions()
    return list(options.Extensions[callers_pb2.callers])


def bearer(token: str) -> tuple[tuple[str, str], ...]:
    return (("authorization", f"Bearer {token}"),)


@pytest.mark.parametrize(("process", "method"), METHODS)
async def test_roles(process: str, method: MethodDescriptor, floor: Floor) -> None:
    """A method admits the callers of its option, refuses all others by name, and without a token everyone."""
    machine = floor.exchange.machine
    allowed = {callers_pb2.Caller.Name(number) for number in callers(method)}
    assert allowed
    async with channel(machine.address(process)) as opened:
        told = await send(way(opened, method), b"", ())
        require_whole(told)
        assert isinstance(told, Info)
        assert (told.code, told.reason) == ("UNAUTHENTICATED", "TOKEN_MISSING")
        for caller in CALLERS:
            seconds = STREAM_SECONDS if caller in allowed else CALL_SECONDS
            metadata = bearer(token_of(machine.credentials, caller, floor.participant))
            told = await send(way(opened, method), b"", metadata, seconds)
            if caller in allowed:
                assert not (
                    isinstance(told, Info) and (told.code in OURS_ALONE or told.what[0] == "CALLER_NOT_ALLOWED")
                )
                continue
            require_whole(told)
            assert isinstance(told, Info)
            assert (told.code, told.what) == (
                "PERMISSION_DENIED",
                ("CALLER_NOT_ALLOWED", "authorization", caller),
            )
            assert all(one in told.metadata["fix"] for one in allowed)


@pytest.mark.parametrize(("process", "method"), METHODS)
async def test_random_bytes(process: str, method: MethodDescriptor, floor: Floor, staff: Desk) -> None:
    """Whatever bytes come as a message, the answer is a refusal of them or of what they say; nothing changes."""
    machine = floor.exchange.machine
    number = callers(method)[0]
    metadata = bearer(token_of(machine.credentials, callers_pb2.Caller.Name(number), floor.participant))
    chance = random.Random(f"{SEED} {method.full_name}")
    messages = [chance.randbytes(chance.randint(1, MESSAGE_BYTES)) for _ in range(MESSAGES)]
    async with channel(machine.address(process)) as opened, unchanged(staff, floor):
        patience = [CALL_SECONDS if malformed(method, message) else STREAM_SECONDS for message in messages]
        asked = zip(messages, patience, strict=True)
        answers = await asyncio.gather(*(send(way(opened, method), one, metadata, seconds) for one, seconds in asked))
    refused = 0
    for message, told in zip(messages, answers, strict=True):
        said = f"seed {SEED}, message {message.hex()}: {told!r}"
        if isinstance(told, Info):
            assert told.code not in OURS_ALONE, said
            assert told.reason, said
            refused += told.reason == "MALFORMED_MESSAGE"
            assert told.reason != "MALFORMED_MESSAGE" or told.metadata["value"] == message[:16].hex(), said
    assert refused >= MESSAGES // 2, f"seed {SEED}: {answers}"


def malformed(method: MethodDescriptor, message: bytes) -> bool:
    """Whether no stream goes on after it."""
    try:
        GetMessageClass(method.input_type).FromString(message)
    except DecodeError:
        return True
    return False


TOKENS: dict[str, tuple[Callable[[Floor], str], str]] = {
    "missing": (lambda _: "", "TOKEN_MISSING"),
    "expired": (lambda floor: issue(floor, seconds=-5), "TOKEN_EXPIRED"),
    "expired-an-instant-ago": (lambda floor: issue(floor, seconds=0), "TOKEN_EXPIRED"),
    "of-another-key": (lambda floor: forge(floor, Ed25519PrivateKey.generate(), "EdDSA"), "TOKEN_INVALID"),
    "of-an-unknown-key": (lambda floor: forge(floor, Ed25519PrivateKey.generate(), "EdDSA", "x"), "TOKEN_INVALID"),
    "for-another-audience": (lambda floor: sign(floor, aud="elsewhere"), "TOKEN_WRONG_AUDIENCE"),
    "from-another-issuer": (lambda floor: sign(floor, iss="elsewhere"), "TOKEN_WRONG_ISSUER"),
    "unsigned": (lambda floor: forge(floor, "", "none"), "TOKEN_INVALID"),
    "signed-with-the-public-key": (
        lambda floor: forge(floor, public_key(floor)["x"] + "=" * 32, "HS256"),
        "TOKEN_INVALID",
    ),
    "altered": (lambda floor: altered(issue(floor)), "TOKEN_INVALID"),
    "without-participant": (lambda floor: sign(floor, participant=""), "TOKEN_INVALID"),
    "of-no-role": (lambda floor: sign(floor, role="king"), "TOKEN_INVALID"),
    "nonsense": (lambda _: "nonsense", "TOKEN_INVALID"),
    "huge": (lambda _: "x" * 5000, "TOKEN_INVALID"),
}
SAMPLES = {
    "order-unary": ("svc_order", "PlaceOrder"),
    "order-session": ("svc_order", "EnterOrders"),
    "order-watch": ("svc_order", "WatchOrders"),
    "match": ("svc_match-0", "SetPhase"),
    "ledger": ("svc_ledger", "ListBalances"),
    "quote-stream": ("svc_quote", "StreamTrades"),
}


def claims(floor: Floor) -> dict[str, Any]:
    return {
        "iss": "bourse", "aud": "bourse", "sub": floor.participant, "exp": int(time.time()) + 60,
        "role": "broker", "participant": floor.participant,
    }  # fmt: skip


def public_key(floor: Floor) -> dict[str, str]:
    key: dict[str, str] = json.loads(floor.exchange.machine.credentials.key_set.read_text())["keys"][0]
    return key


def issue(floor: Floor, seconds: int = 60) -> str:
    return floor.exchange.machine.credentials.issue(floor.participant, "broker", floor.participant, seconds)


def sign(floor: Floor, **changed: str) -> str:
    """Signed by the exchange's own key, with other claims."""
    pem = (floor.exchange.machine.home.credentials / "signing_key.pem").read_text()
    return jwt.encode(claims(floor) | changed, pem, "EdDSA", {"kid": public_key(floor)["kid"]})


def forge(floor: Floor, key: Any, algorithm: str, key_id: str = "") -> str:
    return jwt.encode(claims(floor), key, algorithm, {"kid": key_id or public_key(floor)["kid"]})


def altered(token: str) -> str:
    """Another participant's name under the same signature."""
    header, _, signature = token.split(".")
    stolen = jwt.utils.base64url_encode(json.dumps({"role": "operator", "exp": 9e9}).encode()).decode()
    return f"{header}.{stolen}.{signature}"


@pytest.mark.parametrize("name", TOKENS)
async def test_tokens(name: str, floor: Floor, staff: Desk) -> None:
    """A token that is not the issuer's own, for this exchange, of now, is refused by every service, and does nothing."""
    make, reason = TOKENS[name]
    token = make(floor)
    metadata = bearer(token) if token else ()
    good = order_pb2.PlaceOrderRequest(place=place(floor.account).place).SerializeToString()
    async with unchanged(staff, floor):
        for process, method in SAMPLES.values():
            async with channel(floor.exchange.machine.address(process)) as opened:
                message = good if method == "PlaceOrder" else b""
                told = await send(way(opened, SERVICES[process].methods_by_name[method]), message, metadata)
            require_whole(told)
            assert isinstance(told, Info)
            assert (told.code, told.reason) == ("UNAUTHENTICATED", reason), f"{process} {method}"
            assert told.metadata["field"] == "authorization"
            assert not token or token not in str(told), "a token is not repeated"


@pytest.mark.parametrize("process", SERVICES)
async def test_message_over_its_limit(process: str, floor: Floor, staff: Desk) -> None:
    """A message of more than 4 MiB is refused, with the reason; the connection serves the next one."""
    method = {"svc_order": "EnterOrders", "svc_match-0": "Submit"}.get(process)
    chosen = SERVICES[process].methods_by_name[method] if method else SERVICES[process].methods[1]
    number = callers(chosen)[0]
    machine = floor.exchange.machine
    metadata = bearer(token_of(machine.credentials, callers_pb2.Caller.Name(number), floor.participant))
    async with channel(machine.address(process)) as opened, unchanged(staff, floor):
        told = await send(way(opened, chosen), bytes(MESSAGE_BYTES_LIMIT + 1), metadata)
        assert isinstance(told, Info)
        assert told.code == "RESOURCE_EXHAUSTED"
        require_whole(told)
        assert told.what == ("MESSAGE_TOO_LARGE", "request", str(MESSAGE_BYTES_LIMIT + 1))
        after = await send(way(opened, chosen), b"\xff", metadata)
        assert isinstance(after, Info)
        assert after.reason == "MALFORMED_MESSAGE"
