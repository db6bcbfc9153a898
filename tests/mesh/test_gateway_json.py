"""JSON at the gateway: plain JSON with the fields of the message passes, and nothing else does, whatever it says that it is."""

import http.client
import json
from typing import Any

import pytest
from google.protobuf import descriptor_pb2

from bourse.ledger.v1 import ledger_pb2
from bourse.match.v1 import match_pb2
from bourse.order.v1 import order_pb2
from bourse.quote.v1 import quote_pb2
from bourse.types.v1 import market_pb2
from bourse_sdk import Side
from tests.exchange import Exchange
from tests.mesh.door import ORDERS, PLACE, Door, bearer, metadata, of_json, order


async def placed(exchange: Exchange, account: str, client_order_id: str) -> int:
    """How many orders the exchange has under that id, once it has all that was sent before."""
    async with exchange.broker(account.partition("/")[0]) as client:
        mark = await client.place(account, "ACME", Side.SELL, 1, 950_0000)
        seen = [market_pb2.ShardSequence(shard=0, sequence=mark.sequence)]
        found = client.list_orders(account=account, client_order_id=client_order_id, min_sequences=seen)
        return len([one async for one in found])


def test_the_terms_of_an_order_are_told_as_they_were_placed(door: Door, account: str, token: str) -> None:
    """Numbers, choices and true, in and out; what does not go together is refused as by gRPC."""
    terms = {
        "stop_price_e4": "0",
        "stop_trigger": "STOP_TRIGGER_UNSPECIFIED",
        "display_quantity": "0",
        "hidden": True,
        "post_only": "POST_ONLY_SLIDE",
        "minimum_quantity": "0",
        "self_trade_prevention": "SELF_TRADE_PREVENTION_DECREMENT",
        "trailing_amount_e4": "0",
        "trailing_bp": 0,
        "stop_limit_price_e4": "0",
        "peg": "PEG_UNSPECIFIED",
        "peg_offset_e4": "0",
        "expire_date": 0,
        "expire_time_us": "0",
    }
    result = door.post(PLACE, order(account, "terms", **terms), token).body["result"]
    asked = {"order_id": result["order_id"], "min_sequence": result["sequence"]}
    told = door.post(f"{ORDERS}/GetOrder", asked, token).body["order"]
    assert {name: told[name] for name in terms} == terms
    wrong = door.post(PLACE, order(account, "wrong-terms", **terms | {"display_quantity": 5}), token)
    assert (wrong.status, wrong.reason) == (400, "DISPLAY_QUANTITY_INVALID")


MISSPELT: dict[str, dict[str, Any]] = {
    # Each leaves an order that is whole without it, and means another one.
    "time_in_force": {"time_in_forse": "TIME_IN_FORCE_FOK"},
    "amount_e4": {"amount_E4": 1},
    "price_e4": {"price": 1},
    "post_only": {"postonly": "POST_ONLY_REJECT"},
    "hidden": {"hiden": True},
    "traceparent": {"trace_parent": ""},
}


@pytest.mark.parametrize("field", MISSPELT)
async def test_a_misspelt_field_never_changes_what_an_order_means(
    field: str, door: Door, account: str, token: str, meshed: Exchange
) -> None:
    """The request is refused by the field's name, and the exchange has no such order."""
    body = order(account, f"misspelt-{field}", type="ORDER_TYPE_MARKET", time_in_force="TIME_IN_FORCE_IOC", price_e4=0)
    if field == "time_in_force":
        del body["place"]["time_in_force"]  # Unsaid means IOC for such an order: FOK was meant.
    (wrong,) = MISSPELT[field]
    told = door.post(PLACE, {"place": body["place"] | MISSPELT[field]}, token)
    assert (told.status, told.reason) == (400, "FIELD_UNKNOWN")
    assert told.body["details"][0]["metadata"]["field"] == f"place.{wrong}"
    assert await placed(meshed, account, f"misspelt-{field}") == 0


CHECKED: list[dict[str, str]] = [
    {},
    *(
        {"content-type": kind}
        for kind in (
            "",
            "text/plain",
            "application/json; charset=utf-8",
            "application/grpc; charset=utf-8",
            "application/grpc;x",
            "application/grpc ;x",
            "application/grpc +proto",
            "application/grpc,application/grpc",
            "application/grpc/proto",
            "application/grpc-web;x",
            "application/grpc-web+json",
            "application/grpcs",
            "Application/gRPC",
            "application/GRPC+proto",
            '"application/grpc"',
        )
    ),
    {"content-type": "application/json", "Content-Type": "application/grpc"},
    {"content-type": "application/grpc", "Content-Type": "application/json"},
]
FRAMED = [
    "application/grpc",
    "application/grpc+json",
    "application/grpc+;x",
    "application/grpc-web",
    "application/grpc-web-text",
]


@pytest.mark.parametrize("headers", CHECKED, ids=str)
async def test_every_kind_of_content_is_checked(
    headers: dict[str, str], door: Door, account: str, token: str, meshed: Exchange
) -> None:
    """Whatever is not gRPC to Envoy, which it would transcode, is refused by the misspelt field's name."""
    name = f"kind-{CHECKED.index(headers)}"
    response = door.ask("POST", PLACE, {**headers, **bearer(token)}, misspelt(account, name))
    told = of_json(response.status, response.read())
    assert (told.status, told.reason) == (400, "FIELD_UNKNOWN")
    assert await placed(meshed, account, name) == 0


@pytest.mark.parametrize("kind", FRAMED)
async def test_json_that_says_that_it_is_grpc_is_no_order(
    kind: str, door: Door, account: str, token: str, meshed: Exchange
) -> None:
    """It is not transcoded, and is no gRPC frame: whatever becomes of the call, also at its deadline."""
    name = f"framed-{FRAMED.index(kind)}"
    sent = {"content-type": kind, "grpc-timeout": "2S", **bearer(token)}
    response = door.ask("POST", PLACE, sent, misspelt(account, name))
    assert "grpc" in response.headers["content-type"] or response.status >= http.client.BAD_REQUEST
    assert response.headers.get("grpc-status") != "0"
    assert await placed(meshed, account, name) == 0


CHANGING = [
    f"/{service.full_name}/{method.name}"
    for file in (ledger_pb2, match_pb2, order_pb2, quote_pb2)
    for service in file.DESCRIPTOR.services_by_name.values()
    for method in service.methods
    if method.GetOptions().idempotency_level != descriptor_pb2.MethodOptions.NO_SIDE_EFFECTS
    and not (method.client_streaming or method.server_streaming)
]


@pytest.mark.parametrize("method", CHANGING)
def test_what_changes_anything_refuses_an_empty_message(method: str, door: Door, token: str, meshed: Exchange) -> None:
    """grpcio takes what is no frame for one: nobody whom the method is for changes anything by that."""
    tokens = token, meshed.machine.credentials.issue("ann", "operator")
    told = {door.call(method, b"", metadata(one)).status for one in tokens}
    assert told - {"PERMISSION_DENIED"}
    assert told <= {"PERMISSION_DENIED", "INVALID_ARGUMENT", "NOT_FOUND", "FAILED_PRECONDITION"}


def misspelt(account: str, client_order_id: str) -> str:
    """A market order that says fill or kill with a misspelt name."""
    body = order(account, client_order_id, type="ORDER_TYPE_MARKET", price_e4=0, time_in_forse="TIME_IN_FORCE_FOK")
    del body["place"]["time_in_force"]
    return json.dumps(body)


WRONG: dict[str, tuple[str | dict[str, Any], str]] = {
    "twice under one name": ('{"place":{"quantity":1,"quantity":2}}', "FIELD_TWICE"),
    "twice under two names": ('{"place":{"price_e4":1,"priceE4":2}}', "FIELD_TWICE"),
    "a value's name": ({"place": {"side": "SIDE_BYE"}}, "VALUE_UNKNOWN"),
    "a value's case": ({"place": {"side": "side_buy"}}, "VALUE_UNKNOWN"),
    "another message": ({"order": {}}, "FIELD_UNKNOWN"),
    "a choice without its prefix": ({"place": {"post_only": "SLIDE"}}, "VALUE_UNKNOWN"),
    "a word for true": ({"place": {"hidden": "yes"}}, "JSON_INVALID"),
    "true as text": ({"place": {"hidden": "true"}}, "JSON_INVALID"),
    "a number for true": ({"place": {"hidden": 1}}, "JSON_INVALID"),
    "a fraction": ({"place": {"quantity": 1.5}}, "JSON_INVALID"),
    "an exponent": ('{"place":{"quantity":1e2}}', "JSON_INVALID"),
    "a fraction as text": ({"place": {"quantity": "1.5"}}, "JSON_INVALID"),
    "words for a number": ({"place": {"quantity": "many"}}, "JSON_INVALID"),
    "true for a number": ({"place": {"quantity": True}}, "JSON_INVALID"),
    "more than 64 bits": ({"place": {"quantity": 2**63}}, "JSON_INVALID"),
    "more than 32 bits": ({"place": {"trading_date": 2**31}}, "JSON_INVALID"),
    "a number for text": ({"place": {"account": 5}}, "JSON_INVALID"),
    "a list for a message": ({"place": [{}]}, "JSON_INVALID"),
    "a message for a number": ({"place": {"quantity": {}}}, "JSON_INVALID"),
    "no message": ("[]", "JSON_INVALID"),
    "nothing": ("", "JSON_INVALID"),
    "half of it": ('{"place":{"account":"a"', "JSON_INVALID"),
    "two messages": ('{"place":{}}{"place":{}}', "JSON_INVALID"),
    "an escaped name": ('{"place":{"quantit\\u0079":1}}', "JSON_INVALID"),
    "names without quotation marks": ("{place:{}}", "JSON_INVALID"),
    "other quotation marks": ("{'place':{}}", "JSON_INVALID"),
    "a comment": ('{/**/"place":{}}', "JSON_INVALID"),
    "a comma too many": ('{"place":{},}', "JSON_INVALID"),
}


@pytest.mark.parametrize("name", WRONG)
def test_json_that_is_not_plain_is_refused(name: str, door: Door, token: str) -> None:
    """With 400 and a reason; nothing is guessed."""
    body, reason = WRONG[name]
    told = door.post(PLACE, body, token)
    assert (told.status, told.reason) == (400, reason)
    assert told.fix


def test_what_json_cannot_call_is_told(door: Door, token: str) -> None:
    """Fields in the address, which are not repeated, a stream of requests, a method that is not there, a request that is too large."""
    for path in (f"{PLACE}?place.quantity=5", f"{ORDERS}/EnterOrders", f"{ORDERS}/Nothing"):
        told = door.post(path, {}, token)
        assert (told.status, told.reason) == (404, "METHOD_UNKNOWN")
        assert told.body["details"][0]["metadata"]["field"] == path.partition("?")[0]
    large = door.post(PLACE, {"place": {"account": "a" * (1 << 21)}}, token)
    assert (large.status, large.reason) == (413, "MESSAGE_TOO_LARGE")
