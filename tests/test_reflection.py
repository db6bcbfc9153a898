"""A client that opens only a channel finds every service, and places an order."""

from typing import Any

import grpc
import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from google.protobuf.descriptor import ServiceDescriptor
from grpc_reflection.v1alpha import reflection_pb2

from tests.exchange import TRADING_DATE, Exchange

VERSIONS = ("v1", "v1alpha")
SERVICES = {
    "svc_order": "bourse.order.v1.OrderService",
    "svc_match-0": "bourse.match.v1.MatchService",
    "svc_ledger": "bourse.ledger.v1.LedgerService",
    "svc_quote": "bourse.quote.v1.QuoteService",
}
HEALTH = "grpc.health.v1.Health"
REFLECTION = {"grpc.reflection.v1alpha.ServerReflection", "grpc.reflection.v1.ServerReflection"}
CALL_SECONDS = 10.0
SYMBOL = "ACME"


class Reflection:
    """What a server says of itself, in a pool that holds nothing else."""

    def __init__(self, channel: grpc.aio.Channel, version: str) -> None:
        self.pool = descriptor_pool.DescriptorPool()
        self._call: Any = channel.stream_stream(
            f"/grpc.reflection.{version}.ServerReflection/ServerReflectionInfo",
            request_serializer=reflection_pb2.ServerReflectionRequest.SerializeToString,
            response_deserializer=reflection_pb2.ServerReflectionResponse.FromString,
        )
        self._known: set[str] = set()

    async def services(self) -> set[str]:
        answer = await self._ask(list_services="")
        return {service.name for service in answer.list_services_response.service}

    async def describe(self, service: str) -> ServiceDescriptor:
        """The service, with all that its messages are made of."""
        answer = await self._ask(file_containing_symbol=service)
        await self._add(answer.file_descriptor_response.file_descriptor_proto)
        return self.pool.FindServiceByName(service)

    async def _add(self, encoded: Any) -> None:
        files = {file.name: file for file in map(descriptor_pb2.FileDescriptorProto.FromString, encoded)}
        for file in files.values():
            for name in file.dependency:
                if name not in self._known and name not in files:
                    answer = await self._ask(file_by_filename=name)
                    await self._add(answer.file_descriptor_response.file_descriptor_proto)
        while waiting := [file for file in files.values() if file.name not in self._known]:
            ready = [file for file in waiting if self._known.issuperset(file.dependency)]
            assert ready, "files depend on each other in a circle"
            for file in ready:
                self.pool.Add(file)
                self._known.add(file.name)

    async def _ask(self, **question: str) -> reflection_pb2.ServerReflectionResponse:
        request: Any = reflection_pb2.ServerReflectionRequest
        call = self._call(iter([request(**question)]), timeout=CALL_SECONDS)
        (answer,) = [answer async for answer in call]
        assert isinstance(answer, reflection_pb2.ServerReflectionResponse)
        assert not answer.HasField("error_response"), answer
        return answer


@pytest.mark.parametrize("version", VERSIONS)
@pytest.mark.parametrize("process", SERVICES)
async def test_every_service_describes_itself(process: str, version: str, exchange: Exchange) -> None:
    """A process lists its service beside health and reflection, and describes each to the last message; no token is asked.

    svc_order, where the gateway sends reflection, lists and describes every service.
    """
    async with grpc.aio.insecure_channel(exchange.machine.address(process)) as channel:
        reflection = Reflection(channel, version)
        listed = await reflection.services()
        told = {*SERVICES.values()} if process == "svc_order" else {SERVICES[process]}
        assert {*told, HEALTH} <= listed <= {*told, HEALTH, *REFLECTION}
        assert listed & REFLECTION
        for name in sorted(listed):
            described = await reflection.describe(name)
            assert described.methods
            for method in described.methods:
                assert message_factory.GetMessageClass(method.input_type)() is not None
                assert message_factory.GetMessageClass(method.output_type)() is not None


@pytest.mark.parametrize("version", VERSIONS)
async def test_an_order_is_placed_by_reflection_alone(version: str, exchange: Exchange) -> None:
    """With a channel and a token, an order is made of what the server describes, and is accepted."""
    account = await exchange.join()
    participant = account.partition("/")[0]
    token = exchange.machine.credentials.issue(participant, "broker", participant)
    async with grpc.aio.insecure_channel(exchange.machine.address("svc_order")) as channel:
        service = await Reflection(channel, version).describe("bourse.order.v1.OrderService")
        method = service.methods_by_name["PlaceOrder"]
        make: Any = message_factory.GetMessageClass(method.input_type)
        read: Any = message_factory.GetMessageClass(method.output_type)
        order: Any = method.input_type.fields_by_name["place"].message_type
        numbers = {field.name: field.enum_type.values_by_name for field in order.fields if field.enum_type is not None}
        request = make()
        request.place.account = account
        request.place.client_order_id = f"reflected-{version}"
        request.place.trading_date = TRADING_DATE
        request.place.symbol = SYMBOL
        request.place.side = numbers["side"]["SIDE_SELL"].number
        request.place.type = numbers["type"]["ORDER_TYPE_LIMIT"].number
        request.place.time_in_force = numbers["time_in_force"]["TIME_IN_FORCE_IOC"].number
        request.place.price_e4 = 60_0000
        request.place.quantity = 10
        call = channel.unary_unary(
            f"/{service.full_name}/{method.name}",
            request_serializer=make.SerializeToString,
            response_deserializer=read.FromString,
        )
        answer = await call(request, metadata=(("authorization", f"Bearer {token}"),), timeout=CALL_SECONDS)
    outcome = answer.result.DESCRIPTOR.fields_by_name["outcome"].enum_type.values_by_number[answer.result.outcome]
    assert (outcome.name, answer.result.quantity) == ("OUTCOME_ACCEPTED", 10)
