"""The yardstick: a gRPC server that answers order entry with nothing behind it, in a process of its own."""

import asyncio
import sys
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

import grpc

from bourse.order.v1 import order_pb2, order_pb2_grpc
from bourse.types.v1 import command_pb2

IN_FLIGHT = 4


class Echo(order_pb2_grpc.OrderServiceServicer):
    """Reads every batch and answers it with as many results."""

    async def EnterOrders(  # noqa: N802
        self, request_iterator: AsyncIterator[order_pb2.EnterOrdersRequest], context: grpc.aio.ServicerContext
    ) -> AsyncIterator[order_pb2.EnterOrdersResponse]:
        async for request in request_iterator:
            yield order_pb2.EnterOrdersResponse(
                results=[
                    command_pb2.CommandResult(client_order_id=command.place.client_order_id, sequence=1)
                    for command in request.commands
                ]
            )

    async def PlaceOrder(  # noqa: N802
        self, request: order_pb2.PlaceOrderRequest, context: grpc.aio.ServicerContext
    ) -> order_pb2.PlaceOrderResponse:
        return order_pb2.PlaceOrderResponse(result=command_pb2.CommandResult(sequence=1))


async def serve() -> None:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    order_pb2_grpc.add_OrderServiceServicer_to_server(Echo(), server)
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.stop(None)


@asynccontextmanager
async def echo() -> AsyncIterator[order_pb2_grpc.OrderServiceStub]:
    """A stub of a running echo server; the process ends with the block."""
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench._echo", stdin=asyncio.subprocess.PIPE, stdout=asyncio.subprocess.PIPE
    )
    assert process.stdin is not None
    assert process.stdout is not None
    try:
        port = int(await process.stdout.readline())
        async with grpc.aio.insecure_channel(f"127.0.0.1:{port}") as channel:
            yield order_pb2_grpc.OrderServiceStub(channel)
    finally:
        process.stdin.close()
        await process.wait()


async def batched(batch: int, seconds: float) -> float:
    """Commands a second through the echo, in batches, a few batches in flight on one stream."""
    async with echo() as stub:
        request = order_pb2.EnterOrdersRequest(commands=[sample(number) for number in range(batch)])
        call = stub.EnterOrders()
        for _ in range(IN_FLIGHT):
            await call.write(request)
        answered, start = 0, time.perf_counter()
        while time.perf_counter() - start < seconds:
            answered += len((await call.read()).results)
            await call.write(request)
        rate = answered / (time.perf_counter() - start)
        call.cancel()
        return rate


async def unary(count: int, pause_seconds: float) -> list[float]:
    """Seconds of each of `count` unary calls, one after another with a pause between."""
    async with echo() as stub:
        request, taken = order_pb2.PlaceOrderRequest(place=sample(1).place), []
        for _ in range(count):
            await asyncio.sleep(pause_seconds)
            start = time.perf_counter()
            await stub.PlaceOrder(request)
            taken.append(time.perf_counter() - start)
        return taken


def sample(number: int) -> command_pb2.OrderCommand:
    return command_pb2.OrderCommand(
        place=command_pb2.PlaceOrder(
            account="maker-1/main",
            client_order_id=f"order-{number}",
            trading_date=20260105,
            symbol="ACME",
            side=1,
            type=1,
            time_in_force=1,
            price_e4=500_000 + number % 100 * 100,
            quantity=100,
        )
    )


if __name__ == "__main__":
    asyncio.run(serve())
