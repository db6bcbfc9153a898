"""Tells the streams of one version of a service to move: an operator's call through the gateway, which finds the version."""

import grpc

from bourse.ledger.v1 import ledger_pb2
from bourse.order.v1 import order_pb2
from bourse.quote.v1 import quote_pb2
from cli.machine.credentials import Credentials
from cli.machine.home import Home, MachineError, load_layout
from cli.machine.mesh.pods import GATEWAY
from mesh.local.certificates import Authority

CALL_SECONDS = 10.0
PPM = 1_000_000
FILES = {"svc_ledger": ledger_pb2, "svc_order": order_pb2, "svc_quote": quote_pb2}


def drain(home: Home, service: str, subset: str, share: float) -> int:
    """How many streams were told. MachineError when the version does not answer."""
    file = FILES[service]
    (method,) = [
        f"/{one.full_name}/Drain" for one in file.DESCRIPTOR.services_by_name.values() if "Drain" in one.methods_by_name
    ]
    credentials = Credentials(home.credentials)
    metadata = (
        ("authorization", f"Bearer {credentials.issue('operator', 'operator')}"),
        ("bourse-version", subset),
    )
    authority = grpc.ssl_channel_credentials(Authority(home.credentials).certificate.read_bytes())
    with grpc.secure_channel(f"localhost:{load_layout(home).ports[GATEWAY]}", authority) as channel:
        call = channel.unary_unary(
            method,
            request_serializer=file.DrainRequest.SerializeToString,
            response_deserializer=file.DrainResponse.FromString,
        )
        try:
            answer = call(
                file.DrainRequest(share_ppm=max(1, round(share * PPM))), timeout=CALL_SECONDS, metadata=metadata
            )
        except grpc.RpcError as error:
            raise MachineError(f"{service}, {subset} was not told: {error.code().name} {error.details()}") from None
    told: int = answer.streams_told
    return told
