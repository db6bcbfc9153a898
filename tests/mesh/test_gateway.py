"""An exchange behind its gateway, as its clients use it: SDK, command line, curl, grpcurl and grpc-web."""

import json
import os
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bourse.order.v1 import order_pb2
from bourse.types.v1 import command_pb2
from bourse_sdk import Client, Operator, OutcomeUnknown, Refusal, Side, SyncClient, Unreachable
from cli.__main__ import main
from mesh.gateway import contract
from tests.exchange import SYMBOLS, TRADING_DATE, Exchange
from tests.mesh.door import ORDERS, PLACE, QUOTES, Door, bearer, metadata, order
from tests.sdk.exchange import direct

SECONDS, INSTALL_SECONDS = 30.0, 120.0
NODE_FOLDER = Path(sys.prefix) / "grpc_web"
NODE_SOURCES = Path(__file__).with_name("grpc_web")
without = pytest.mark.skipif
Page = Callable[..., list[dict[str, Any]]]


# SDK and command line.


async def test_the_sdk_needs_a_ca_and_a_token(door: Door, account: str, token: str) -> None:
    """One host serves order entry, reads, accounts and market data."""
    async with Client(door.address, ca_file=door.ca_file, token=token) as client:
        result = await client.place(account, "BRIO", Side.SELL, 10, 900_0000)
        assert (await client.get_order(result.order_id, min_sequence=result.sequence)).open_quantity == 10
        assert await client.accounts() == [account]
        assert {status.instrument.symbol for status in await client.instruments()} == set(SYMBOLS)
        async for top in client.watch_top(["BRIO"]):
            assert top.position.symbol == "BRIO"
            break


async def test_an_operator_reaches_each_shard(door: Door, meshed: Exchange) -> None:
    """By its number, through the same host."""
    token_file = meshed.machine.credentials.token_file("operator")
    shards = set(SYMBOLS.values())
    async with Operator(door.address, shards=shards, ca_file=door.ca_file, token_file=token_file) as operator:
        assert {shard: state.shard for shard, state in (await operator.shard_states()).items()} == {
            one: one for one in shards
        }


def test_the_synchronous_client_comes_in_too(door: Door, token: str) -> None:
    with SyncClient(door.address, ca_file=door.ca_file, token=token) as client:
        assert len(client.instruments()) == len(SYMBOLS)


async def test_nobody_is_believed_without_the_ca(door: Door, token: str) -> None:
    """Neither an unknown authority nor another name: nothing is sent, and the reason is told."""
    for address, ca_file in (
        (door.address, None),
        (door.address.replace("localhost", "localhost.localdomain"), door.ca_file),
    ):
        async with Client(address, ca_file=ca_file, token=token, give_up_seconds=0.5) as client:
            with pytest.raises(Unreachable):
                await client.instruments()


async def test_a_refusal_by_the_gateway_is_the_sdks_own(door: Door) -> None:
    """Order entry and calls tell its reason. On a busy machine grpcio loses the answer to a stream's first request now and then
    (INTERNAL, from its core); the order is sent again then, and that it is refused does not tell what became of the first try.
    """
    async with Client(door.address, ca_file=door.ca_file, token="none") as client:
        with pytest.raises(Refusal, match="TOKEN_INVALID"):
            await client.instruments()
        with pytest.raises((Refusal, OutcomeUnknown), match="TOKEN_INVALID"):
            await client.place("alpha/main", "ACME", Side.BUY, 1, 1, trading_date=TRADING_DATE)


def test_a_client_names_where_it_goes() -> None:
    with pytest.raises(ValueError, match="gateway"):
        SyncClient(order=direct("127.0.0.1:1")["order"])


def test_the_command_line_says_where_to_come_in(door: Door, meshed: Exchange) -> None:
    home = ["--home", str(meshed.home)]
    done = CliRunner().invoke(main, ["gateway", "--json", *home])
    assert done.exit_code == 0, (done.output, done.exception)
    told = json.loads(done.stdout)
    assert told == {"address": door.address, "ca_file": str(door.ca_file)}
    assert CliRunner().invoke(main, ["gateway", "--address", *home]).stdout == door.address + "\n"


# JSON.


@without(shutil.which("curl") is None, reason="curl is not on PATH")
def test_curl_places_an_order(door: Door, account: str, token: str) -> None:
    """JSON in, JSON out, and the order is on record."""
    sent = json.dumps(order(account, "by-curl"))
    header = f"authorization: Bearer {token}"
    command = [
        "curl",
        "-sS",
        "--cacert",
        str(door.ca_file),
        "-H",
        header,
        "-d",
        sent,
        f"https://{door.address}{PLACE}",
    ]
    done = subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True)
    result = json.loads(done.stdout)["result"]
    assert (result["outcome"], result["quantity"]) == ("OUTCOME_ACCEPTED", "10")
    asked = {"order_id": result["order_id"], "min_sequence": result["sequence"]}
    assert door.post(f"{ORDERS}/GetOrder", asked, token).body["order"]["client_order_id"] == "by-curl"


def test_names_of_fields_are_the_protos_or_camel_case(door: Door, account: str, token: str) -> None:
    fields = order(account, "camel")["place"]
    camel = {
        "place": {
            "priceE4": fields.pop("price_e4"),
            "clientOrderId": fields.pop("client_order_id"),
            **fields,
            "amountE4": None,
        }
    }
    assert door.post(PLACE, camel, token).body["result"]["outcome"] == "OUTCOME_ACCEPTED"


def test_a_services_refusal_is_json_too(door: Door, token: str) -> None:
    """The same reason, field and value as by gRPC."""
    told = door.post(PLACE, order("p0/other", "not-mine"), token)
    assert (told.status, told.reason) == (403, "ACCOUNT_NOT_YOURS")


def test_a_message_over_the_services_limit_is_told(door: Door, token: str) -> None:
    """By the service, through the gateway: its limit is for one message, whatever carries it."""
    large = order_pb2.PlaceOrderRequest(place=command_pb2.PlaceOrder(account="a" * (5 << 20)))
    told = door.call(PLACE, large.SerializeToString(), metadata(token))
    assert (told.status, told.reason) == ("RESOURCE_EXHAUSTED", "MESSAGE_TOO_LARGE")


def test_a_method_of_others_is_refused_with_a_reason(door: Door, token: str, meshed: Exchange) -> None:
    """By the sidecar of the service: an operator places no order, a broker pays nothing in."""
    operator = meshed.machine.credentials.issue("operator", "operator")
    for path, caller in ((PLACE, operator), ("/bourse.ledger.v1.LedgerService/Deposit", token)):
        told, json_told = door.call(path, metadata=metadata(caller)), door.post(path, {}, caller)
        assert (told.status, told.reason) == ("PERMISSION_DENIED", "CALLER_NOT_ALLOWED")
        assert (json_told.status, json_told.reason, json_told.fix) == (403, "CALLER_NOT_ALLOWED", told.fix)


def test_a_stream_of_answers_is_a_list(door: Door, token: str) -> None:
    """Of a stream without an end, what has come so far."""
    response = door.ask("POST", f"{QUOTES}/StreamTopOfBook", bearer(token), json.dumps({"symbols": ["ACME"]}))
    assert response.read(2) == b"[{"


# grpcurl and grpc-web.


@without(shutil.which("grpcurl") is None, reason="grpcurl is not on PATH")
def test_grpcurl_works_by_reflection(door: Door, account: str, token: str) -> None:
    """With -cacert and a token: it lists and describes every service, and places an order."""

    def grpcurl(*words: str, data: str = "") -> str:
        options = [
            "-cacert",
            str(door.ca_file),
            "-H",
            f"authorization: Bearer {token}",
            *(["-d", data] if data else []),
        ]
        command = ["grpcurl", *options, door.address, *words]
        return subprocess.run(command, capture_output=True, text=True, timeout=SECONDS, check=True).stdout

    listed = set(grpcurl("list").split())
    assert {"bourse.order.v1.OrderService", "bourse.quote.v1.QuoteService", "bourse.ledger.v1.LedgerService"} <= listed
    assert "rpc StreamDepth" in grpcurl("describe", "bourse.quote.v1.QuoteService")
    assert "ACME" in grpcurl("bourse.quote.v1.QuoteService/ListInstruments")
    answer = json.loads(
        grpcurl("bourse.order.v1.OrderService/PlaceOrder", data=json.dumps(order(account, "by-grpcurl")))
    )
    assert answer["result"]["outcome"] == "OUTCOME_ACCEPTED"


@pytest.fixture(scope="module")
def page(door: Door) -> Iterator[Page]:
    """Calls as a web page's script does, with Connect's grpc-web client on node's fetch."""
    if shutil.which("npm") is None or shutil.which("node") is None:
        pytest.skip("node and npm are not on PATH")
    lock = NODE_FOLDER / "package-lock.json"
    if not lock.exists() or lock.read_bytes() != (NODE_SOURCES / lock.name).read_bytes():
        shutil.rmtree(NODE_FOLDER, ignore_errors=True)
        shutil.copytree(NODE_SOURCES, NODE_FOLDER)
        install = ["npm", "ci", "--no-audit", "--no-fund", "--loglevel=error"]
        done = subprocess.run(
            install, cwd=NODE_FOLDER, capture_output=True, text=True, timeout=INSTALL_SECONDS, check=False
        )
        if done.returncode:
            shutil.rmtree(NODE_FOLDER)
            pytest.skip(f"npm cannot install the grpc-web client: {done.stderr.strip()[:200]}")
    shutil.copy(NODE_SOURCES / "call.mjs", NODE_FOLDER)
    with tempfile.NamedTemporaryFile() as descriptors:
        descriptors.write(contract.described().SerializeToString())
        descriptors.flush()

        def call(*calls: dict[str, Any]) -> list[dict[str, Any]]:
            words = [descriptors.name, f"https://{door.address}", json.dumps(calls)]
            done = subprocess.run(
                ["node", "call.mjs", *words],
                cwd=NODE_FOLDER,
                env={"NODE_EXTRA_CA_CERTS": str(door.ca_file), "PATH": os.environ["PATH"]},
                capture_output=True,
                text=True,
                timeout=SECONDS,
                check=False,
            )
            assert done.returncode == 0, done.stderr
            return [json.loads(line) for line in done.stdout.splitlines()]

        yield call


def test_a_web_page_calls_by_grpc_web(page: Page, account: str, token: str) -> None:
    """Calls, a stream, and refusals of the gateway and of a service, each with its status and details."""
    place = {"service": "bourse.order.v1.OrderService", "method": "placeOrder", "token": token}
    watch = {"service": "bourse.quote.v1.QuoteService", "method": "streamTopOfBook", "token": token}
    placed, top, nobody, not_mine = page(
        place | {"request": order(account, "by-page")},
        watch | {"request": {"symbols": ["ACME"]}},
        place | {"request": order(account, "by-nobody"), "token": ""},
        place | {"request": order("p0/other", "not-mine")},
    )
    assert placed["answer"]["result"]["outcome"] == "OUTCOME_ACCEPTED"
    assert top["answer"]["tops"][0]["position"]["symbol"] == "ACME"
    assert (nobody["code"], nobody["details"]) == ("Unauthenticated", ["google.rpc.ErrorInfo"])
    assert (not_mine["code"], not_mine["details"]) == ("PermissionDenied", ["google.rpc.ErrorInfo"])
