"""The yardstick: a gRPC server whose stream sends the same bytes to each reader, as fast as it goes."""

import asyncio
import sys
from typing import Any

import grpc

METHOD = "/bench.Raw/Stream"


async def stream(request: bytes, context: Any) -> None:
    """The request is the message."""
    while True:
        await context.write(request)


async def serve() -> None:
    server = grpc.aio.server(options=[("grpc.so_reuseport", 0)])
    handler: grpc.RpcMethodHandler[bytes, bytes] = grpc.unary_stream_rpc_method_handler(stream)
    server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler("bench.Raw", {"Stream": handler}),))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()
    print(port, flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.read)
    await server.stop(None)


if __name__ == "__main__":
    asyncio.run(serve())
