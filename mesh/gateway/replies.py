"""What the gateway itself answers, in the words that the services use: a status, and an ErrorInfo with a reason.

Envoy says in its own words why it answers (`response.code_details`). Here each becomes a gRPC status, and for JSON an HTTP
status with the same content in the body.
"""

import base64
from dataclasses import dataclass
from typing import Any

import grpc
from google.rpc import error_details_pb2, status_pb2

DOMAIN = "bourse"
GRPC = "request.headers['content-type'].startsWith('application/grpc')"
# The transcoder makes a gRPC call of one with JSON, and leaves a header that says so.
NOT_JSON = f"{GRPC} && !('x-envoy-original-method' in request.headers)"
UNCHECKED = "unchecked"  # The policy that refuses JSON that nobody checked.
CEL = "type.googleapis.com/envoy.extensions.access_loggers.filters.cel.v3.ExpressionFilter"


@dataclass(frozen=True)
class Reply:
    """`when` is an expression (CEL). `http` is the status for JSON."""

    when: str
    code: grpc.StatusCode
    http: int
    reason: str
    message: str
    fix: str = ""

    @property
    def status(self) -> status_pb2.Status:
        info = error_details_pb2.ErrorInfo(reason=self.reason, domain=DOMAIN)
        if self.fix:
            info.metadata["fix"] = self.fix
        status = status_pb2.Status(code=self.code.value[0], message=self.message)
        status.details.add().Pack(info)
        return status

    @property
    def json(self) -> dict[str, Any]:
        info = {"@type": "type.googleapis.com/google.rpc.ErrorInfo", "reason": self.reason, "domain": DOMAIN}
        metadata = {"metadata": {"fix": self.fix}} if self.fix else {}
        return {"code": self.code.value[0], "message": self.message, "details": [{**info, **metadata}]}


def because(details: str) -> str:
    return f"response.code_details.startsWith('{details}')"


def unauthenticated(when: str, reason: str, message: str, fix: str = "get a new token from the issuer") -> Reply:
    return Reply(when, grpc.StatusCode.UNAUTHENTICATED, 401, reason, message, fix)


def in_no_header(claim: str) -> str:
    """The token has the claim, and it cannot be sent on as a header."""
    return f"'{claim}' in {CLAIMS} && !{CLAIMS}['{claim}'].matches('^[ -~]*$')"


DENIED = because("rbac_access_denied")
CLAIMS = "metadata.filter_metadata['envoy.filters.http.jwt_authn']['payload']"
RESET = "upstream_reset_before_response_started"
REPLIES = (
    Reply(
        because(f"rbac_access_denied_matched_policy[{UNCHECKED}]"),
        grpc.StatusCode.INTERNAL,
        500,
        "INTERNAL",
        "the request could not be checked",
        "report it",
    ),
    unauthenticated(
        f"{DENIED} && !('sub' in {CLAIMS} && {CLAIMS}['sub'] != '')",
        "TOKEN_INVALID",
        "the token does not say whose it is: it has no claim sub",
    ),
    Reply(
        f"{DENIED} && request.headers['authorization'].startsWith('Bearer ')",
        grpc.StatusCode.PERMISSION_DENIED,
        403,
        "CALLER_NOT_ALLOWED",
        "the gateway is for brokers and operators",
        "call with a token of a broker or an operator",
    ),
    unauthenticated(
        DENIED, "TOKEN_MISSING", "send metadata authorization: Bearer <JWT>", "get a token from the issuer"
    ),
    unauthenticated(because("jwt_authn_access_denied{Jwt_is_expired}"), "TOKEN_EXPIRED", "the token has expired"),
    unauthenticated(
        because("jwt_authn_access_denied{Audiences"), "TOKEN_WRONG_AUDIENCE", "the token is for another audience"
    ),
    unauthenticated(
        because("jwt_authn_access_denied{Jwt_issuer"), "TOKEN_WRONG_ISSUER", "the token is from an unknown issuer"
    ),
    unauthenticated(because("jwt_authn_access_denied"), "TOKEN_INVALID", "the token cannot be accepted"),
    Reply(
        because("local_rate_limited"),
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        429,
        "RATE_LIMITED",
        "too many calls or new streams from this participant or address",
        "wait a moment; send many commands on one stream instead of many calls",
    ),
    Reply(
        "response.code == 431",
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        431,
        "HEADERS_TOO_LARGE",
        "the call's metadata is too large",
        "send less metadata",
    ),
    Reply(
        "response.code == 413",
        grpc.StatusCode.RESOURCE_EXHAUSTED,
        413,
        "MESSAGE_TOO_LARGE",
        "the request is too large",
        "send less in one message",
    ),
    Reply(
        because("grpc_json_transcode_failure") + " || " + because("early_grpc_json_transcode_failure"),
        grpc.StatusCode.INVALID_ARGUMENT,
        400,
        "JSON_INVALID",
        "%LOCAL_REPLY_BODY%",
        "give each field a value of its type",
    ),
    Reply(
        because("grpc_base_64_decode_failed"),
        grpc.StatusCode.INVALID_ARGUMENT,
        400,
        "BASE64_INVALID",
        "the body is no base64, as application/grpc-web-text has it",
        "encode each frame as base64, or send frames as application/grpc-web",
    ),
    Reply(
        because("route_not_found"),
        grpc.StatusCode.UNIMPLEMENTED,
        404,
        "METHOD_UNKNOWN",
        "this host serves no such method",
        "check the host's name and the method's path",
    ),
    Reply(
        "response.code == 408",
        grpc.StatusCode.DEADLINE_EXCEEDED,
        408,
        "REQUEST_INCOMPLETE",
        "the request did not come whole in time",
        "send the whole request at once, and end its stream",
    ),
    Reply(
        "response.code == 504",
        grpc.StatusCode.DEADLINE_EXCEEDED,
        504,
        "DEADLINE_EXCEEDED",
        "no answer came in time",
        "check that the request's message is whole, and that its stream is closed; then try again",
    ),
    unauthenticated(
        f"response.code == 503 && ({in_no_header('ring')} || {in_no_header('participant')})",
        "TOKEN_INVALID",
        "the token's claim participant or ring has characters that no name has",
    ),
    Reply(  # Of a request whose frames are broken, among others.
        because(f"{RESET}{{remote_reset") + " || " + because(f"{RESET}{{protocol_error"),
        grpc.StatusCode.UNAVAILABLE,
        503,
        "SERVICE_UNREACHABLE",
        "the service broke the call off",
        "check that each message is framed and encoded as gRPC has it, and only then try again",
    ),
    Reply(
        "response.code == 503",
        grpc.StatusCode.UNAVAILABLE,
        503,
        "SERVICE_UNREACHABLE",
        "the service cannot be reached",
        "try again",
    ),
)


# A sidecar has only gRPC before it, and says these in the same words.
OF_SIDECARS = (
    Reply(
        DENIED,
        grpc.StatusCode.PERMISSION_DENIED,
        403,
        "CALLER_NOT_ALLOWED",
        "this caller may not call this method",
        "docs/callers.md says who may",
    ),
    *(reply for reply in REPLIES if reply.reason.startswith("TOKEN_") and DENIED not in reply.when),
    *(reply for reply in REPLIES if reply.code is grpc.StatusCode.UNAVAILABLE),
)


def of_gateway() -> list[dict[str, Any]]:
    """Envoy's mappers, in the order in which they are tried: each reply for gRPC, then the same for JSON."""
    return [mapper for reply in REPLIES for mapper in (for_grpc(reply, NOT_JSON), for_json(reply))]


def of_sidecars() -> list[dict[str, Any]]:
    return [for_grpc(reply, GRPC) for reply in OF_SIDECARS]


def for_grpc(reply: Reply, only: str) -> dict[str, Any]:
    """A whole response without a body, as gRPC has it: grpc-web gets it as it is, where Envoy would make a status of the HTTP status."""
    details = base64.b64encode(reply.status.SerializeToString(deterministic=True)).decode().rstrip("=")
    return {
        "filter": matching(f"{only} && ({reply.when})"),
        "status_code": 200,
        "body": {"inline_string": ""},
        "headers_to_add": [
            header("content-type", "application/grpc"),
            header("grpc-status", str(reply.code.value[0])),
            header("grpc-message", reply.message),
            header("grpc-status-details-bin", details),
        ],
    }


def for_json(reply: Reply) -> dict[str, Any]:
    return {
        "filter": matching(reply.when),
        "status_code": reply.http,
        "body_format_override": {"json_format": reply.json},
    }


def matching(expression: str) -> dict[str, Any]:
    config = {"@type": CEL, "expression": expression}
    return {"extension_filter": {"name": "envoy.access_loggers.extension_filters.cel", "typed_config": config}}


def header(name: str, value: str) -> dict[str, Any]:
    return {"header": {"key": name, "value": value}, "append_action": "OVERWRITE_IF_EXISTS_OR_ADD"}
