"""Tells the streams of one version of a service to move: an operator's call through the gateway, which finds the version."""

from typing import Any

import grpc

from bourse.ledger.v1 import ledger_pb2, ledger_pb2_grpc
from bourse.order.v1 import order_pb2, order_pb2_grpc
from bourse.quote.v1 import quote_pb2, quote_pb2_grpc
from cli.machine.credentials import Credentials
from cli.machine.home import Home, MachineError, load_layout
from cli.machine.mesh.world import VERSION_HEADER

CALL_SECONDS = 10.0
PPM = 1_000_000
SERVICES: dict[str, tuple[Any, Any]] = {
    "svc_ledger": (ledger_pb2_grpc.LedgerServiceStub, ledger_pb2.DrainRequest),
    "svc_order": (order_pb2_grpc.OrderServiceStub, order_pb2.DrainRequest),
    "svc_quote": (quote_pb2_grpc.QuoteServiceStub, quote_pb2.DrainRequest),
}


def drain(home: Home, service: str, subset: str, share: float) -> int:
    """How many streams were told. MachineError when the version does not answer."""
    stub, request = SERVICES[service]
    credentials = Credentials(home.credentials)
    metadata = (
        ("authorization", f"Bearer {credentials.issue('operator', 'operator')}"),
        (VERSION_HEADER, subset),
    )
    believed = grpc.ssl_channel_credentials(credentials.authority.read_bytes())
    with grpc.secure_channel(load_layout(home).gateway, believed) as channel:
        try:
            answer = stub(channel).Drain(
                request(share_ppm=max(1, round(share * PPM))), timeout=CALL_SECONDS, metadata=metadata
            )
        except grpc.RpcError as error:
            raise MachineError(f"{service}, {subset} was not told: {error.code().name} {error.details()}") from None
    told: int = answer.streams_told
    return told
