"""A client that opens only a channel can find out everything and trade; the README's grpcurl lines do what they say."""

import re
import shutil
import subprocess
from pathlib import Path
from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc

from tests.exchange import TRADING_DATE, Exchange

README = Path(__file__).parents[2] / "README.md"
SERVICES = {
    "svc_order": "bourse.order.v1.OrderService",
    "svc_match-0": "bourse.match.v1.MatchService",
    "svc_ledger": "bourse.ledger.v1.LedgerService",
    "svc_quote": "bourse.quote.v1.QuoteService",
}


class Described:
    """What a server says of itself by reflection alone: none of our stubs is used."""

    def __init__(self, channel: grpc.Channel) -> None:
        self._channel = channel
        self._stub: Any = reflection_pb2_grpc.ServerReflectionStub(channel)
        self.pool = descriptor_pool.DescriptorPool()

    def services(self) -> list[str]:
        answer = self._ask(reflection_pb2.ServerReflectionRequest(list_services=""))
        return [service.name for service in answer.list_services_response.service]

    def describe(self, symbol: str) -> None:
        """Learns the file of a symbol and all that it imports."""
        answer = self._ask(reflection_pb2.ServerReflectionRequest(file_containing_symbol=symbol))
        self._learn(answer)

    def call(self, service: str, method: str, token: str, fields: dict[str, Any]) -> Any:
        described = self.pool.FindServiceByName(service).FindMethodByName(method)
        request = message_factory.GetMessageClass(described.input_type)(**fields)
        call: Any = self._channel.unary_unary(
            f"/{service}/{method}",
            request_serializer=lambda message: message.SerializeToString(),
            response_deserializer=message_factory.GetMessageClass(described.output_type).FromString,
        )
        return call(request, metadata=(("authorization", f"Bearer {token}"),), timeout=10)

    def _learn(self, answer: reflection_pb2.ServerReflectionResponse) -> None:
        files = [
            descriptor_pb2.FileDescriptorProto.FromString(data)
            for data in answer.file_descriptor_response.file_descriptor_proto
        ]
        for file in files:
            for needed in file.dependency:
                self._learn(self._ask(reflection_pb2.ServerReflectionRequest(file_by_filename=needed)))
        for file in files:
            self.pool.AddSerializedFile(file.SerializeToString())

    def _ask(self, request: reflection_pb2.ServerReflectionRequest) -> reflection_pb2.ServerReflectionResponse:
        answer: reflection_pb2.ServerReflectionResponse = next(iter(self._stub.ServerReflectionInfo(iter([request]))))
        assert not answer.HasField("error_response"), answer
        return answer


@pytest.mark.parametrize("process", SERVICES)
def test_every_service_lists_and_describes_itself(exchange: Exchange, process: str) -> None:
    """With a channel and no token: its service, every method, every message."""
    with grpc.insecure_channel(exchange.machine.address(process)) as channel:
        described = Described(channel)
        assert SERVICES[process] in described.services()
        described.describe(SERVICES[process])
        method = f"{SERVICES[process]}.{described.pool.FindServiceByName(SERVICES[process]).methods[0].name}"
        Described(channel).describe(method)  # As grpcurl describes one method.
        service = described.pool.FindServiceByName(SERVICES[process])
        assert all(method.input_type.full_name and method.output_type.full_name for method in service.methods)


async def test_an_order_is_placed_by_reflection(exchange: Exchange) -> None:
    """A client that was built without our protos trades."""
    account = await exchange.join()
    token = exchange.machine.credentials.issue("reflection", "broker", account.partition("/")[0])
    with grpc.insecure_channel(exchange.machine.address("svc_order")) as channel:
        described = Described(channel)
        described.describe(SERVICES["svc_order"])
        fields = {
            "account": account,
            "client_order_id": "by-reflection",
            "trading_date": TRADING_DATE,
            "symbol": "ACME",
            "side": "SIDE_BUY",
            "type": "ORDER_TYPE_LIMIT",
            "time_in_force": "TIME_IN_FORCE_DAY",
            "price_e4": 10_000,
            "quantity": 1,
        }
        placed = described.call(SERVICES["svc_order"], "PlaceOrder", token, {"place": fields})
        assert placed.result.order_id
        cancel = {
            "account": account,
            "client_order_id": "gone",
            "trading_date": TRADING_DATE,
            "order_id": placed.result.order_id,
        }
        assert described.call(SERVICES["svc_order"], "CancelOrder", token, {"cancel": cancel}).result.quantity == 1


async def test_the_readmes_grpcurl_lines_work(exchange: Exchange) -> None:
    """As they stand, with this exchange's account and date in the place of the README's."""
    if shutil.which("grpcurl") is None:
        pytest.skip("grpcurl is not on the PATH")
    account = await exchange.join()
    section = README.read_text("utf-8").partition("## With grpcurl\n")[2].partition("\n## ")[0]
    script = "\n".join(line[4:] for line in section.splitlines() if line.startswith("    "))
    assert script.count("grpcurl -plaintext") >= 3
    script = script.replace("alpha/main", account).replace(
        "--participant alpha", f"--participant {account.split('/')[0]}"
    )
    script = re.sub(r"'\$\(date -u \+%Y%m%d\)'?", f"'{TRADING_DATE}'", script).replace(
        f"'{TRADING_DATE}''", f"'{TRADING_DATE}'"
    )
    done = subprocess.run(
        ["bash", "-euc", f"export BOURSE_HOME={exchange.home}\n{script}"],
        capture_output=True,
        text=True,
        cwd=README.parent,
        timeout=60,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "bourse.order.v1.OrderService" in done.stdout
    assert "OUTCOME_ACCEPTED" in done.stdout
