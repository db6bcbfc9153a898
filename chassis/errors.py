"""One exception for every refusal, and its shape on the wire.

A refusal leaves a process as a gRPC status whose details hold one `google.rpc.ErrorInfo`
(domain "bourse", a reason in UPPER_SNAKE, and metadata: field, value, fix, ...).
"""

import grpc
from google.rpc import error_details_pb2, status_pb2

DOMAIN = "bourse"
DETAILS_KEY = "grpc-status-details-bin"
# HTTP/2 header blocks are limited to 8 KiB by default, and a message outside ASCII takes three times its bytes there; what is
# echoed back must not break that.
METADATA_VALUE_LIMIT = 256  # bytes
MESSAGE_LIMIT = 1024  # bytes

CODES = {code.value[0]: code for code in grpc.StatusCode}


class Refusal(Exception):
    """Says no: with a status code, a machine-readable reason, words for a person, and metadata.

    Raised anywhere below a servicer method it reaches the caller unchanged. Usual metadata keys:
    `field`, `value` (what was wrong) and `fix` (what to do).
    """

    def __init__(self, code: grpc.StatusCode, reason: str, message: str, /, **metadata: str) -> None:
        super().__init__(message)
        self.code = code
        self.reason = reason
        self.message = message
        self.metadata = metadata

    def __str__(self) -> str:
        details = "".join(f", {key}={value!r}" for key, value in sorted(self.metadata.items()))
        return f"{self.code.name} {self.reason}: {self.message}{details}"


def to_status(refusal: Refusal) -> status_pb2.Status:
    """The refusal as `google.rpc.Status`, its message and values cut to MESSAGE_LIMIT and METADATA_VALUE_LIMIT."""
    info = error_details_pb2.ErrorInfo(
        reason=refusal.reason,
        domain=DOMAIN,
        metadata={key: _cut(str(value), METADATA_VALUE_LIMIT) for key, value in refusal.metadata.items()},
    )
    status = status_pb2.Status(code=refusal.code.value[0], message=_cut(refusal.message, MESSAGE_LIMIT))
    status.details.add().Pack(info)
    return status


def trailers(status: status_pb2.Status) -> tuple[tuple[str, bytes], ...]:
    """The trailing metadata that carries a refusal's status."""
    return ((DETAILS_KEY, status.SerializeToString()),)


def from_rpc_error(error: grpc.RpcError) -> Refusal:
    """What the server refused; without ErrorInfo (a proxy, a dead peer) the reason is the code's name."""
    code = error.code() if isinstance(error, grpc.aio.AioRpcError | grpc.Call) else grpc.StatusCode.UNKNOWN
    details = error.details() if isinstance(error, grpc.aio.AioRpcError | grpc.Call) else str(error)
    for key, value in (error.trailing_metadata() or ()) if isinstance(error, grpc.aio.AioRpcError | grpc.Call) else ():
        if key == DETAILS_KEY and isinstance(value, bytes):
            return from_status(status_pb2.Status.FromString(value))
    return Refusal(code, code.name, details or code.name)


def from_status(status: status_pb2.Status) -> Refusal:
    """The inverse of `to_status`."""
    code = CODES.get(status.code, grpc.StatusCode.UNKNOWN)
    info = error_details_pb2.ErrorInfo()
    for detail in status.details:
        if detail.Unpack(info):
            return Refusal(code, info.reason, status.message, **dict(info.metadata))
    return Refusal(code, code.name, status.message)


def _cut(text: str, limit: int) -> str:
    return text.encode(errors="replace")[:limit].decode(errors="ignore")


def internal() -> Refusal:
    """What a caller is told about our own bug: nothing that leaks, and where to look."""
    return Refusal(
        grpc.StatusCode.INTERNAL, "INTERNAL", "internal error; the service's log has the traceback", fix="report it"
    )
