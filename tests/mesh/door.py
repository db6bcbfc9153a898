"""Callers at a gateway, in the words of a test: by gRPC and by JSON, and what each is told."""

import base64
import http.client
import json
import ssl
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

from tests.exchange import TRADING_DATE

SECONDS = 20.0  # longer than any route's timeout
ORDERS = "/bourse.order.v1.OrderService"
PLACE = f"{ORDERS}/PlaceOrder"
QUOTES = "/bourse.quote.v1.QuoteService"


@dataclass(frozen=True)
class Told:
    """How a call ended. `status` is the gRPC status's name or the HTTP status; `reason` and `fix` come from its ErrorInfo."""

    status: str | int
    reason: str = ""
    message: str = ""
    fix: str = ""
    body: Any = field(default=None, compare=False)


class Door:
    """A gateway on this machine, whose certificate is believed."""

    def __init__(self, address: str, ca_file: Path) -> None:
        self.address = address
        self.ca_file = ca_file

    @contextmanager
    def channel(self, **options: Any) -> Iterator[grpc.Channel]:
        told = [(f"grpc.{name}", value) for name, value in {"use_local_subchannel_pool": 1, **options}.items()]
        credentials = grpc.ssl_channel_credentials(self.ca_file.read_bytes())
        with grpc.secure_channel(self.address, credentials, told) as channel:
            yield channel

    def call(self, method: str, request: bytes = b"", metadata: Sequence[tuple[str, str]] = (), **options: Any) -> Told:
        """One unary call, in bytes."""
        with self.channel(**options) as channel:
            return call(channel, method, request, metadata)

    def post(self, path: str, body: Any, token: str = "", headers: Mapping[str, str] | None = None) -> Told:
        """JSON by HTTP/1.1; `body` is text or what becomes JSON."""
        sent = {"content-type": "application/json", **(bearer(token) if token else {}), **(headers or {})}
        response = self.ask("POST", path, sent, body if isinstance(body, str | bytes) else json.dumps(body))
        return of_json(response.status, response.read())

    def ask(
        self, method: str, path: str, headers: Mapping[str, str], body: str | bytes = ""
    ) -> http.client.HTTPResponse:
        """Any request by HTTP/1.1; its response, to be read."""
        host, _, port = self.address.rpartition(":")
        context = ssl.create_default_context(cafile=str(self.ca_file))
        connection = http.client.HTTPSConnection(host, int(port), timeout=SECONDS, context=context)
        connection.request(method, path, body, dict(headers))
        response = connection.getresponse()
        connection.sock = None  # The response has it, and closes it.
        return response


def order(account: str, client_order_id: str, **fields: Any) -> dict[str, Any]:
    """A sell that rests, as JSON."""
    usual = {"symbol": "ACME", "side": "SIDE_SELL", "type": "ORDER_TYPE_LIMIT", "time_in_force": "TIME_IN_FORCE_DAY"}
    named = {"account": account, "client_order_id": client_order_id, "trading_date": TRADING_DATE}
    return {"place": named | usual | {"price_e4": 900_0000, "quantity": 10} | fields}


def bearer(token: str) -> dict[str, str]:
    return {"authorization": f"Bearer {token}"}


def metadata(token: str, **more: str) -> list[tuple[str, str]]:
    """The token, and entries named with - for _."""
    return [*bearer(token).items(), *((name.replace("_", "-"), value) for name, value in more.items())]


def call(channel: grpc.Channel, method: str, request: bytes = b"", sent: Sequence[tuple[str, str]] = ()) -> Told:
    try:
        answer = channel.unary_unary(method)(request, timeout=SECONDS, metadata=tuple(sent))
    except grpc.RpcError as error:
        return of_error(error)
    return Told("OK", body=answer)


def of_error(error: grpc.RpcError) -> Told:
    assert isinstance(error, grpc.Call)
    told = Told(error.code().name, message=error.details() or "")
    for key, value in error.trailing_metadata() or ():
        if key == "grpc-status-details-bin":
            assert isinstance(value, bytes)
            status, info = status_pb2.Status.FromString(value), error_details_pb2.ErrorInfo()
            assert status.details[0].Unpack(info)
            assert (status.code, status.message, info.domain) == (error.code().value[0], told.message, "bourse")
            return Told(told.status, info.reason, told.message, info.metadata["fix"])
    return told


def of_json(status: int, body: bytes) -> Told:
    value = json.loads(body)
    if status < http.client.BAD_REQUEST:
        return Told(status, body=value)
    (info,) = value["details"]
    assert (info["@type"], info["domain"]) == ("type.googleapis.com/google.rpc.ErrorInfo", "bourse")
    return Told(status, info["reason"], value["message"], info["metadata"].get("fix", ""), value)


def details(encoded: str) -> status_pb2.Status:
    """A status as a header carries it."""
    return status_pb2.Status.FromString(base64.b64decode(encoded + "=" * (-len(encoded) % 4)))
